"""Posts: known ones to decide against, saving what was decided, listing and searching."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidings.model import FeedChange, KnownPost, PostToSave, Remembered, StoredPost
from tidings.store import holding, site, stories
from tidings.store.database import (
    Store,
    enclosures_to_text,
    stored_time,
    text_to_enclosures,
    text_to_time,
    time_to_text,
)

_SELECT = """
SELECT p.*, f.name AS source, f.title AS source_title, f.site_url AS source_url, f.url AS feed_url,
    NOT EXISTS (SELECT 1 FROM posts q WHERE q.guid = p.guid AND q.id < p.id) AS owns_guid
FROM posts p JOIN feeds f ON f.id = p.feed_id
"""

_COLUMNS = (
    "guid url title author published updated tags summary content_html text language enclosures origin_title "
    "origin_url content_hash text_hash originality excluded"
).split()

_INSERT = f"""INSERT INTO posts (id, feed_id, story, first_seen, dated, excluded_at, held_at, {", ".join(_COLUMNS)})
VALUES ({", ".join("?" * (7 + len(_COLUMNS)))})"""

# Scripts written without spaces: the index holds a run of them as one word, so a part of it is found only by scanning;
# so are signs and pictures, which it does not hold at all.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# What no stored text holds, and SQLite can't be asked for: NUL, and the half characters a shell makes of bad bytes.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

_MOST_WORDS = 100  # A pasted page is no query: SQLite takes at most 1,000 conditions.

_KEYS_A_QUERY = 500  # SQLite's oldest limit on variables in a statement is 999.


@dataclass(frozen=True, slots=True)
class PostQuery:
    """Which posts to list, newest first. `words` searches title, author and text; quoted words are a phrase.
    With `excluded` it is the posts that a rule keeps from being shown, else those that none does; with `held` only
    those that the brake holds (posts/brake.py)."""

    words: str = ""
    sources: tuple[str, ...] = ()
    tag: str = ""
    since: datetime | None = None
    limit: int = 50
    excluded: bool = False
    held: bool = False


def knows_any(store: Store, feed_id: int) -> bool:
    """Whether a feed has ever brought a post."""
    return store.row("SELECT 1 FROM post_keys WHERE feed_id = ? LIMIT 1", (feed_id,)) is not None


def known(store: Store, feed_id: int, keys: Sequence[str]) -> dict[str, KnownPost]:
    """Key → stored post, for those of `keys` that this feed's posts have ever been met under."""
    met: dict[str, int] = {}
    for start in range(0, len(keys), _KEYS_A_QUERY):
        some = keys[start : start + _KEYS_A_QUERY]
        rows = store.rows(
            f"SELECT key, post_id FROM post_keys WHERE feed_id = ? AND key IN ({', '.join('?' * len(some))})",
            (feed_id, *some),
        )
        met.update((row["key"], row["post_id"]) for row in rows)
    # A post is met under half a dozen keys, and looked up once.
    found = _known_posts(store, sorted(set(met.values())))
    return {key: found.get(post_id) or KnownPost(post_id, "", "", False) for key, post_id in met.items()}


def remembered(store: Store, ids: Sequence[int]) -> dict[int, Remembered]:
    """What is stored of some posts, to compare with."""
    found: dict[int, Remembered] = {}
    for start in range(0, len(ids), _KEYS_A_QUERY):
        some = ids[start : start + _KEYS_A_QUERY]
        rows = store.rows(f"SELECT id, title, text, dated FROM posts WHERE id IN ({', '.join('?' * len(some))})", some)
        for row in rows:
            found[row["id"]] = Remembered(row["id"], row["title"], row["text"], text_to_time(row["dated"]))
    return found


def save(store: Store, feed_id: int, change: FeedChange, now: datetime) -> None:
    """Writes a change decided on; `now` is when its new posts were first seen."""
    with store.write():
        if change.new:
            _insert(store, feed_id, change, now)
        for post in (*change.changed, *change.healed):
            _update(store, feed_id, post, now)
        _remember(store, feed_id, change.aliases, now)
        if change.new or change.changed or change.healed:
            _note_rules(store, feed_id, change.rules)
            site.want_publishing(store)


def find(store: Store, query: PostQuery) -> list[StoredPost]:
    """The posts that match every part of `query`, newest first."""
    conditions, parameters = ["p.excluded != ''" if query.excluded else "p.excluded = ''"], list[object]()
    if query.held:
        conditions.append("p.held_at IS NOT NULL")
    if query.sources:
        conditions.append(f"f.name IN ({', '.join('?' * len(query.sources))})")
        parameters += query.sources
    if query.tag:
        conditions.append("EXISTS (SELECT 1 FROM json_each(p.tags) WHERE casefold(value) = casefold(?))")
        parameters.append(_NO_TEXT.sub(" ", query.tag))
    if query.since:
        conditions.append("p.first_seen >= ?")
        parameters.append(time_to_text(query.since))
    for condition, word in _word_conditions(query.words):
        conditions.append(condition)
        parameters.append(word)
    rows = store.rows(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY p.effective DESC, p.id DESC LIMIT ?",
        (*parameters, query.limit),
    )
    return [stored_post(row) for row in rows]


def newest(store: Store, sources: Sequence[str], limit: int) -> list[StoredPost]:
    """The newest posts of `sources` (names) that no rule excludes, each story once, by the post of it that was stored
    first."""
    if not sources:
        return []
    names = ", ".join("?" * len(sources))
    rows = store.rows(
        f"""{_SELECT} WHERE f.name IN ({names}) AND p.excluded = '' AND p.held_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM posts q JOIN feeds g ON g.id = q.feed_id
            WHERE q.story = p.story AND q.id < p.id AND q.excluded = '' AND q.held_at IS NULL AND g.name IN ({names}))
        ORDER BY p.effective DESC, p.id DESC LIMIT ?""",
        (*sources, *sources, limit),
    )
    return [stored_post(row) for row in rows]


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
        held="" if row["held_at"] is None else "held" if row["held_at"] else "put-away",
    )


def _insert(store: Store, feed_id: int, change: FeedChange, now: datetime) -> None:
    """Stores new posts, all in one statement each for their rows, their words and their keys."""
    new = change.new
    ids = range(first := _next_id(store), first + len(new))
    seen = time_to_text(now)
    rows = []
    for post_id, post in zip(ids, new, strict=True):
        story = post.join.story if post.join else post_id
        dated = time_to_text(post.published or post.updated)
        excluded, held = seen if post.excluded else None, seen if change.held else None
        rows.append((post_id, feed_id, story, seen, dated, excluded, held, *_values(post)))
    store.conn.executemany(_INSERT, rows)
    store.conn.execute(
        """INSERT INTO posts_fts (rowid, title, author, text)
        SELECT id, title, author, text FROM posts WHERE id >= ?""",
        (ids[0],),
    )
    keys = [(key, post_id) for post_id, post in zip(ids, new, strict=True) for key in post.keys]
    _remember(store, feed_id, keys, now)
    stories.save(store, feed_id, list(zip(ids, new, strict=True)), now)
    if not change.held:
        holding.count_batch(store, feed_id, len(new), now)


def _next_id(store: Store) -> int:
    """The id after the highest that a post ever had: none is given twice (sqlite.org/autoinc.html)."""
    row = store.row("SELECT seq FROM sqlite_sequence WHERE name = 'posts'")
    return int(row["seq"]) + 1 if row else 1


def _update(store: Store, feed_id: int, post: PostToSave, now: datetime) -> None:
    """Rewrites a post; what it said at first is kept. One that was excluded for what its author has changed since is
    news from now on."""
    connection = store.conn
    if post.edit != "none":
        connection.execute(
            """INSERT OR IGNORE INTO first_versions (post_id, title, content_html, text, replaced_at)
            SELECT id, title, content_html, text, ? FROM posts WHERE id = ?""",
            (time_to_text(now), post.post_id),
        )
    connection.execute(
        """INSERT INTO posts_fts (posts_fts, rowid, title, author, text)
        SELECT 'delete', id, title, author, text FROM posts WHERE id = ?""",
        (post.post_id,),
    )
    connection.execute(
        f"""UPDATE posts SET {", ".join(f"{name} = ?" for name in _COLUMNS)}, dated = coalesce(?, dated),
        changed_at = coalesce(?, changed_at),
        excluded_at = CASE WHEN ? THEN coalesce(excluded_at, ?) WHEN excluded = '' THEN excluded_at END
        WHERE id = ?""",
        (
            *_values(post),
            time_to_text(post.published),
            time_to_text(now) if post.edit == "substantive" else None,
            post.excluded != "",
            time_to_text(now),
            post.post_id,
        ),
    )
    connection.execute(
        "INSERT INTO posts_fts (rowid, title, author, text) SELECT id, title, author, text FROM posts WHERE id = ?",
        (post.post_id,),
    )
    _remember(store, feed_id, [(key, post.post_id) for key in post.keys if post.post_id is not None], now)


def _known_posts(store: Store, ids: Sequence[int]) -> dict[int, KnownPost]:
    found: dict[int, KnownPost] = {}
    for start in range(0, len(ids), _KEYS_A_QUERY):
        some = ids[start : start + _KEYS_A_QUERY]
        rows = store.rows(
            f"""SELECT id, content_hash, text_hash, held_at IS NOT NULL AS held FROM posts
            WHERE id IN ({", ".join("?" * len(some))})""",
            some,
        )
        for row in rows:
            found[row["id"]] = KnownPost(row["id"], row["content_hash"], row["text_hash"], bool(row["held"]))
    return found


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
        post.content_hash,
        post.text_hash,
        post.originality,
        post.excluded,
    )


def _word_conditions(words: str) -> Iterator[tuple[str, str]]:
    """One condition a word or quoted phrase; what the operator types is never read as query syntax. Signs count only
    where there is nothing else."""
    found = re.findall(r'"([^"]*)"|(\S+)', _NO_TEXT.sub(" ", words))[:_MOST_WORDS]
    wanted = [text for phrase, word in found if (text := (phrase or word).strip())]
    spoken = [text for text in wanted if re.search(r"[^\W_]", text)]
    for text in spoken or wanted:
        if not spoken or _UNSPACED.search(text):
            yield "instr(casefold(p.title || ' ' || p.author || ' ' || p.text), casefold(?)) > 0", text
        else:
            quoted = '"' + text.replace('"', '""') + '"'
            yield "p.id IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)", quoted
