"""Posts: known ones to decide against, saving what was decided, listing and searching."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Container, Iterator, Sequence
from datetime import datetime

from tidings.model import FeedChange, KnownPost, PostToSave, Remembered, StoredPost
from tidings.records import dataclass
from tidings.store import holding, site, stories, words
from tidings.store.database import (
    A_QUERY,
    Store,
    enclosures_to_text,
    stored_text,
    stored_time,
    text_to_enclosures,
    text_to_time,
    time_to_text,
)

SELECT_POSTS = """
SELECT p.*, f.name AS source, f.title AS source_title, f.site_url AS source_url, f.url AS feed_url,
    NOT EXISTS (SELECT 1 FROM posts q WHERE q.guid = p.guid AND q.id < p.id) AS owns_guid
FROM posts p JOIN feeds f ON f.id = p.feed_id
"""

_COLUMNS = (
    "guid url title author published updated tags summary content_html text language enclosures origin_title "
    "origin_url rights content_hash text_hash names_page excluded"
).split()

# `originality` is told of new posts only, and stays.
_INSERT = f"""
INSERT INTO posts
(id, feed_id, story, first_seen, dated, arrived, excluded_at, held_at, originality, {", ".join(_COLUMNS)})
VALUES ({", ".join("?" * (9 + len(_COLUMNS)))})
"""

_MOST_WORDS = 100  # A pasted page is no query: SQLite takes at most 1,000 conditions.

_MOST_KEYS = 2_000
"""Keys of a feed that are looked up at once: those of the three hundred posts that a blog writes in years. To find a
document's own among those of a feed that writes as many a week is cheaper."""

_MOST_NAMES = 64
"""Keys under which one post is remembered. Some programs make up a guid at each fetch: such a post is recognised by
its page or its text, and its guids name nothing."""

_COMPARED = 120_000  # characters; of those at most 60,000 are read, once white space and numbers are folded


@dataclass(frozen=True, slots=True)
class PostQuery:
    """Which posts to list, newest first. `words` searches title, author and text; quoted words are a phrase.
    With `excluded` it is the posts that a rule keeps from being shown, with `held` those that the brake holds
    (posts/brake.py) or the operator put away, excluded or not; with neither those that no rule excludes. With `public`
    it is those that pages may show. The first `offset` are left out."""

    words: str = ""
    sources: tuple[str, ...] = ()
    tag: str = ""
    since: datetime | None = None
    limit: int = 50
    excluded: bool = False
    held: bool = False
    public: bool = False
    offset: int = 0


def known(store: Store, feed_id: int, keys: Sequence[str]) -> dict[str, KnownPost]:
    """Key → stored post, for those of `keys` that this feed's posts have ever been met under."""
    met: dict[str, int] = {}
    for start in range(0, len(keys), A_QUERY):
        some = keys[start : start + A_QUERY]
        rows = store.rows(
            f"SELECT key, post_id FROM post_keys WHERE feed_id = ? AND key IN ({', '.join('?' * len(some))})",
            (feed_id, *some),
        )
        met.update((row["key"], row["post_id"]) for row in rows)
    return _known(store, met)


def known_all(store: Store, feed_id: int) -> dict[str, KnownPost] | None:
    """Key → stored post, for all keys that this feed's posts have ever been met under; None for more of them than one
    document has."""
    rows = store.rows("SELECT key, post_id FROM post_keys WHERE feed_id = ? LIMIT ?", (feed_id, _MOST_KEYS + 1))
    return None if len(rows) > _MOST_KEYS else _known(store, dict(map(tuple, rows)))


def remembered(store: Store, ids: Sequence[int], whole: Container[int] = ()) -> dict[int, Remembered]:
    """What is stored of some posts, to compare with: the text of those in `whole`, of the others what is ever compared
    of a text. A document may suspect hundreds of posts, and each may be as long as a document."""
    found: dict[int, Remembered] = {}
    for wanted, text in (
        ([post_id for post_id in ids if post_id in whole], "text"),
        ([post_id for post_id in ids if post_id not in whole], f"substr(text, 1, {_COMPARED})"),
    ):
        for start in range(0, len(wanted), A_QUERY):
            some = wanted[start : start + A_QUERY]
            rows = store.rows(
                f"""SELECT id, title, {text} AS text, dated, sketch, summary FROM posts
                WHERE id IN ({", ".join("?" * len(some))})""",
                some,
            )
            found.update((row["id"], _remembered(row)) for row in rows)
    return found


def save(store: Store, feed_id: int, change: FeedChange, now: datetime) -> None:
    """Writes a change decided on; `now` is when its new posts were first seen."""
    with store.write():
        store.conn.executemany(
            "UPDATE post_keys SET post_id = ?, met_at = ? WHERE feed_id = ? AND key = ?",
            [(post_id, time_to_text(now), feed_id, key) for key, post_id in change.moved],
        )
        if change.new:
            _insert(store, feed_id, change, now)
        for post in (*change.changed, *change.healed):
            _update(store, feed_id, post, now)
        _remember(store, feed_id, _with_room(store, change.aliases), now)
        if change.new or change.changed or change.healed:
            _note_rules(store, feed_id, change.rules)
            site.want_publishing(store)


def find(store: Store, query: PostQuery) -> list[StoredPost]:
    """The posts that match every part of `query`, newest first."""
    conditions, parameters = list[str](), list[object]()
    if query.excluded or not query.held:
        conditions.append("p.excluded != ''" if query.excluded else "p.excluded = ''")
    if query.held or query.public:
        conditions.append("p.held_at IS NOT NULL" if query.held else "p.held_at IS NULL")
    if query.sources:
        conditions.append(f"f.name IN ({', '.join('?' * len(query.sources))})")
        parameters += query.sources
    if query.tag:
        conditions.append("EXISTS (SELECT 1 FROM json_each(p.tags) WHERE casefold(value) = casefold(?))")
        parameters.append(words.askable(query.tag))
    if query.since:
        conditions.append("p.first_seen >= ?")
        parameters.append(time_to_text(query.since))
    for condition, word in _word_conditions(query.words):
        conditions.append(condition)
        parameters.append(word)
    rows = store.rows(
        f"{SELECT_POSTS} WHERE {' AND '.join(conditions)} ORDER BY p.effective DESC, p.id DESC LIMIT ? OFFSET ?",
        (*parameters, query.limit, query.offset),
    )
    return [stored_post(row) for row in rows]


def newest(store: Store, sources: Sequence[str], limit: int) -> list[StoredPost]:
    """The newest posts of `sources` (names) that no rule excludes, each story once: by the post of it that has been in
    the combined feed, as long as it may be, else by the one that was stored first."""
    if not sources:
        return []
    names = ", ".join("?" * len(sources))
    rows = store.rows(
        f"""{SELECT_POSTS} WHERE f.name IN ({names}) AND p.excluded = '' AND p.held_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM posts q JOIN feeds g ON g.id = q.feed_id
            WHERE q.story = p.story AND (q.in_feed > p.in_feed OR (q.in_feed = p.in_feed AND q.id < p.id))
            AND q.excluded = '' AND q.held_at IS NULL AND g.name IN ({names}))
        ORDER BY p.effective DESC, p.id DESC LIMIT ?""",
        (*sources, *sources, limit),
    )
    return [stored_post(row) for row in rows]


def note_in_feed(store: Store, ids: Sequence[int]) -> None:
    """Notes that posts are in the combined feed for their stories, so that they stay: a story that comes there under
    another id comes twice to everybody who follows it."""
    wanted = json.dumps(ids)
    those = "id IN (SELECT value FROM json_each(?)) AND NOT in_feed"
    if store.row(f"SELECT 1 FROM posts WHERE {those} LIMIT 1", (wanted,)):
        with store.note():
            store.conn.execute(f"UPDATE posts SET in_feed = 1 WHERE {those}", (wanted,))


def stored_post(row: sqlite3.Row) -> StoredPost:
    """The value of a row of posts joined with its feed; a row that does not say owns its guid."""
    return StoredPost(
        id=row["id"],
        feed_id=row["feed_id"],
        story=row["story"],
        source=row["source"],
        source_title=row["source_title"] or row["source"],
        source_url=row["source_url"],
        feed_url=row["feed_url"],
        guid=row["guid"],
        url=row["url"],
        title=row["title"],
        author=row["author"],
        published=text_to_time(row["published"]),
        updated=text_to_time(row["updated"]),
        dated=text_to_time(row["dated"]),
        first_seen=stored_time(row["first_seen"]),
        tags=tuple(json.loads(row["tags"])),
        summary=row["summary"],
        content_html=row["content_html"],
        text=row["text"],
        language=row["language"],
        enclosures=text_to_enclosures(row["enclosures"]),
        origin_title=row["origin_title"],
        origin_url=row["origin_url"],
        changed_at=text_to_time(row["changed_at"]),
        owns_guid="owns_guid" not in row.keys() or bool(row["owns_guid"]),  # noqa: SIM118 (`in row` asks for values)
        excluded=row["excluded"],
        originality=row["originality"],
        rights=row["rights"],
        held="" if row["held_at"] is None else "held" if row["held_at"] else "put-away",
    )


def _insert(store: Store, feed_id: int, change: FeedChange, now: datetime) -> None:
    """Stores new posts, all in one statement each for their rows, their words and their keys."""
    new = change.new
    ids = range(first := _next_id(store), first + len(new))
    seen = stored_text(now)
    is_backlog = bool(store.row("SELECT 1 FROM feeds WHERE id = ? AND first_batch_id IS NULL", (feed_id,)))
    rows = []
    for post_id, post in zip(ids, new, strict=True):
        story = post.join.story if post.join else post_id
        dated = time_to_text(post.published or post.updated)
        arrived = min(dated, seen) if is_backlog and dated else seen
        shown = (seen if post.excluded else None, seen if change.held else None, post.originality)
        rows.append((post_id, feed_id, story, seen, dated, arrived, *shown, *_values(post)))
    store.conn.executemany(_INSERT, rows)
    store.conn.execute(
        """INSERT INTO posts_fts (rowid, title, author, text)
        SELECT id, title, author, text FROM posts WHERE id >= ?""",
        (ids[0],),
    )
    keys = [(key, post_id) for post_id, post in zip(ids, new, strict=True) for key in post.keys]
    _remember(store, feed_id, keys, now)
    store.conn.executemany(
        "UPDATE post_keys SET post_id = ?, met_at = ? WHERE feed_id = ? AND key = ? AND post_id = ?",
        [
            (post_id, seen, feed_id, key, post.heir_of)
            for post_id, post in zip(ids, new, strict=True)
            if post.heir_of is not None
            for key in post.keys
        ],
    )
    stories.save(store, feed_id, list(zip(ids, new, strict=True)), now)
    if not change.held:
        holding.count_batch(store, feed_id, len(new), now)


def _next_id(store: Store) -> int:
    """The id after the highest that a post ever had: none is given twice (sqlite.org/autoinc.html)."""
    row = store.row("SELECT seq FROM sqlite_sequence WHERE name = 'posts'")
    return int(row["seq"]) + 1 if row else 1


def _update(store: Store, feed_id: int, post: PostToSave, now: datetime) -> None:
    """Rewrites a post; what it said at first is kept, and its guid, which is its id in the combined feed: under another
    one it would come again to all who follow that. One that was excluded for what its author has changed since is
    news from now on."""
    connection, at = store.conn, time_to_text(now)
    if post.edit != "none":
        connection.execute(
            """INSERT OR IGNORE INTO first_versions (post_id, title, content_html, text, replaced_at)
            SELECT id, title, content_html, text, ? FROM posts WHERE id = ? AND content_hash != ''""",
            (at, post.post_id),
        )
    connection.execute(
        """INSERT INTO posts_fts (posts_fts, rowid, title, author, text)
        SELECT 'delete', id, title, author, text FROM posts WHERE id = ?""",
        (post.post_id,),
    )
    if not post.excluded:
        connection.execute(
            "DELETE FROM exclusions WHERE post_id = :id AND (SELECT excluded FROM posts WHERE id = :id) != ''",
            {"id": post.post_id},
        )
    connection.execute(
        f"""UPDATE posts SET {", ".join(f"{name} = ?" for name in _COLUMNS[1:])}, dated = coalesce(?, dated),
        changed_at = coalesce(?, changed_at),
        excluded_at = CASE WHEN ? THEN coalesce(excluded_at, ?) END, pruned_at = NULL,
        arrived = iif(excluded != '' AND ? = '', ?, arrived)
        WHERE id = ?""",
        (
            *_values(post)[1:],
            time_to_text(post.published),
            at if post.edit == "substantive" else None,
            *(post.excluded != "", at, post.excluded, at),
            post.post_id,
        ),
    )
    connection.execute(
        "INSERT INTO posts_fts (rowid, title, author, text) SELECT id, title, author, text FROM posts WHERE id = ?",
        (post.post_id,),
    )
    names = [(key, post.post_id) for key in post.keys if post.post_id is not None]
    _remember(store, feed_id, _with_room(store, names), now)


def _remembered(row: sqlite3.Row) -> Remembered:
    dated, sketch = text_to_time(row["dated"]), row["sketch"] or b""
    return Remembered(row["id"], row["title"], row["text"], dated, sketch, row["summary"])


def _known(store: Store, met: dict[str, int]) -> dict[str, KnownPost]:
    # A post is met under half a dozen keys, and looked up once.
    found = _known_posts(store, sorted(set(met.values())))
    return {key: found.get(post_id) or KnownPost(post_id, "", "", False) for key, post_id in met.items()}


def _known_posts(store: Store, ids: Sequence[int]) -> dict[int, KnownPost]:
    found: dict[int, KnownPost] = {}
    for start in range(0, len(ids), A_QUERY):
        some = ids[start : start + A_QUERY]
        rows = store.rows(
            f"""SELECT id, content_hash, text_hash, held_at IS NOT NULL AS held FROM posts
            WHERE id IN ({", ".join("?" * len(some))})""",
            some,
        )
        for row in rows:
            found[row["id"]] = KnownPost(row["id"], row["content_hash"], row["text_hash"], bool(row["held"]))
    return found


def _with_room(store: Store, keys: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Those of some keys whose posts are not remembered under very many yet."""
    ids = list({post_id for _, post_id in keys})
    full: set[int] = set()
    for start in range(0, len(ids), A_QUERY):
        some = ids[start : start + A_QUERY]
        rows = store.rows(
            f"""SELECT post_id FROM post_keys WHERE post_id IN ({", ".join("?" * len(some))})
            GROUP BY post_id HAVING count(*) >= {_MOST_NAMES}""",
            some,
        )
        full.update(row["post_id"] for row in rows)
    return [(key, post_id) for key, post_id in keys if post_id not in full]


def _remember(store: Store, feed_id: int, keys: Sequence[tuple[str, int]], now: datetime) -> None:
    met_at = time_to_text(now)
    store.conn.executemany(
        "INSERT OR IGNORE INTO post_keys (feed_id, key, post_id, met_at) VALUES (?, ?, ?, ?)",
        [(feed_id, key, post_id, met_at) for key, post_id in keys],
    )


def _note_rules(store: Store, feed_id: int, rules: str) -> None:
    """Keeps note that a feed's posts are no longer judged by one set of rules, as when a daemon that was started before
    the file was changed saves some: they are judged again at the next opportunity."""
    store.conn.execute("UPDATE feeds SET rules = 'mixed' WHERE id = ? AND rules != ?", (feed_id, rules))


def _values(post: PostToSave) -> tuple[object, ...]:
    return (
        post.guid,
        post.url,
        post.title,
        post.author,
        time_to_text(post.published),
        time_to_text(post.updated),
        json.dumps(post.tags, ensure_ascii=False) if post.tags else "[]",
        post.summary,
        post.content_html,
        post.text,
        post.language,
        enclosures_to_text(post.enclosures),
        post.origin_title,
        post.origin_url,
        post.rights,
        post.content_hash,
        post.text_hash,
        post.story_url != "",
        post.excluded,
    )


def _word_conditions(text: str) -> Iterator[tuple[str, str]]:
    """One condition a word or quoted phrase. Signs count only where there is nothing else."""
    wanted = words.split(text, _MOST_WORDS)
    for word in [one for one in wanted if words.is_spoken(one)] or wanted:
        if words.is_indexed(word):
            yield "p.id IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)", words.quoted(word)
        else:
            yield "instr(casefold(p.title || ' ' || p.author || ' ' || p.text), casefold(?)) > 0", word
