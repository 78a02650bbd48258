"""Stories: the posts that may be one with a new one, found by marks; why posts were joined; joining, parting by hand.

Marks are kept by the period in which they were stored, so that looking one up, and adding one, stays in the part of the
index that is in use and costs the same however large the archive is.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tidings.errors import StoreError
from tidings.model import Join, PostToSave
from tidings.records import dataclass
from tidings.store import site
from tidings.store.database import Store, stored_time, text_to_time, time_to_text

_PERIOD = timedelta(days=45)
_EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
LONGEST_TOLD = 40_000  # characters
_MOST_CANDIDATES = 8  # of one post; those that share most marks with it
_HUB = 40  # feeds: what more of them have in common is a cookie notice, or a page that everybody links to
_SURE = 100  # counts more than any number of marks
_NAMESAKES = 8  # posts: a guid that more of them have, as `1`, is many blogs'


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """What is stored of a post that may be one story with a new one. `url` is "" where other posts of its source have
    the same; `owns_guid` is False where they have the same guid. `site_url` is its source's, or its feed's."""

    post_id: int
    story: int
    guid: str
    owns_guid: bool
    url: str
    title: str
    text: str
    content_html: str
    language: str
    origin_url: str
    dated: datetime | None
    site_url: str


def candidates(store: Store, feed_id: int, new: Sequence[PostToSave], now: datetime) -> dict[int, list[int]]:
    """For new posts of a feed, by their place, the ids of other feeds' posts that may be the same story: those with the
    same canonical URL or guid, or for a post that says where it is from the same moment there, whenever they came, and
    those with a mark in common, of the last weeks."""
    found: dict[int, Counter[int]] = {}
    _find_by_marks(store, feed_id, new, now, found)
    _find_by_pages(store, feed_id, new, found)
    _find_by_guids(store, feed_id, new, found)
    _find_by_moments(store, new, found)
    return {place: [post_id for post_id, _ in posts.most_common(_MOST_CANDIDATES)] for place, posts in found.items()}


def look_at(store: Store, feed_id: int, ids: Sequence[int]) -> list[CandidateRow]:
    """What is stored of candidates, as far as their stories have no post of the feed yet. Of a text that is longer than
    any article only the beginning is read."""
    rows = store.rows(
        f"""SELECT p.id, p.story, p.guid, iif(p.names_page, p.url, '') AS url, p.title,
        p.guid != '' AND NOT EXISTS (
            SELECT 1 FROM posts r WHERE r.guid = p.guid AND r.feed_id = p.feed_id AND r.id != p.id) AS owns_guid,
        substr(p.text, 1, {LONGEST_TOLD}) AS text,
        substr(p.content_html, 1, {2 * LONGEST_TOLD}) AS content_html, p.language, p.origin_url, p.dated,
        f.site_url, f.url AS feed_url FROM posts p JOIN feeds f ON f.id = p.feed_id
        WHERE p.id IN ({", ".join("?" * len(ids))})
        AND NOT EXISTS (SELECT 1 FROM posts q WHERE q.story = p.story AND q.feed_id = ?)""",
        (*ids, feed_id),
    )
    return [_candidate(row) for row in rows]


def save(store: Store, feed_id: int, saved: Sequence[tuple[int, PostToSave]], now: datetime) -> None:
    """Keeps the marks of new posts (id, post), and why some of them joined a story. Within the caller's transaction. A
    mark that a feed had in the period before, as of a sentence that stands in each of its posts, is left with the
    first."""
    period = _period(now)
    store.conn.executemany(
        "INSERT OR IGNORE INTO story_marks (period, mark, feed_id, post_id) VALUES (?, ?, ?, ?)",
        [(period, mark, feed_id, post_id) for post_id, post in saved for mark in post.landmarks],
    )
    store.conn.executemany(
        "INSERT OR IGNORE INTO story_urls (url, story) VALUES (?, ?)",
        [(post.story_url, post.join.story if post.join else post_id) for post_id, post in saved if post.story_url],
    )
    store.conn.executemany(
        "INSERT INTO story_joins (post_id, with_post, tier, score, why, joined_at) VALUES (?, ?, ?, ?, ?, ?)",
        [(post_id, *_join_values(post.join), time_to_text(now)) for post_id, post in saved if post.join],
    )
    for post_id, post in saved:
        if post.join and post.join.also:
            _unite(store, post_id, post.join, now)


def forget_marks(store: Store, now: datetime) -> None:
    """Drops marks of periods that are looked into no more."""
    last = _period(now) - 1
    if store.row("SELECT 1 FROM story_marks WHERE period < ? LIMIT 1", (last,)):
        with store.note():
            store.conn.execute("DELETE FROM story_marks WHERE period < ?", (last,))


def merge(store: Store, one: int, other: int, now: datetime) -> int:
    """Makes the stories of two posts one, by hand; returns its number, the older of the two. An edition that showed a
    post of either has carried it. Raises StoreError when a post is not stored, or when a source would have two in it:
    what a blog writes twice it means twice."""
    with store.write():
        numbers = {post_id: story_of(store, post_id) for post_id in (one, other)}
        kept, gone = min(numbers.values()), max(numbers.values())
        if kept == gone:
            return kept
        _refuse_two_of_a_source(store, kept, gone)
        here, there = (one, other) if numbers[one] == kept else (other, one)
        why = "joined by hand" if there == gone else f"joined by hand, together with post {there}"
        _make_one(store, kept, gone, Join(kept, here, "hand", 1, why), now)
        settle_ledger(store, (kept,))
        store.conn.execute(
            """DELETE FROM never_merged WHERE one IN (SELECT id FROM posts WHERE story = :story)
            AND other IN (SELECT id FROM posts WHERE story = :story)""",
            {"story": kept},
        )
        site.want_publishing(store)
    return kept


def _refuse_two_of_a_source(store: Store, one: int, other: int) -> None:
    row = store.row(
        """SELECT p.id AS here, q.id AS there, f.name FROM posts p JOIN posts q ON q.feed_id = p.feed_id
        JOIN feeds f ON f.id = p.feed_id WHERE p.story = ? AND q.story = ? ORDER BY p.id, q.id""",
        (one, other),
    )
    if row:
        raise StoreError(
            f"posts {row['here']} and {row['there']} are both of {row['name']!r}, and a story has one post of a source"
        )


def split(store: Store, post_id: int, now: datetime, pages: Mapping[int, str] | None = None) -> int:
    """Takes a post out of its story, by hand; returns the number of the story it is now. An edition whose issue showed
    this very post has carried it, and the others of its story are news to that edition; else it is the other way round.

    `pages` are the canonical URLs of the posts of the story: under one that is its alone the post is found from now on.
    Raises StoreError when the post is not stored.
    """
    with store.write():
        story = story_of(store, post_id)
        others = [one for one in posts_of(store, story) if one != post_id]
        if not others:
            return story
        together = others[0] if post_id == story else story
        connection = store.conn
        connection.execute("UPDATE posts SET story = ? WHERE story = ?", (together, story))
        connection.execute("UPDATE posts SET story = ? WHERE id = ?", (post_id, post_id))
        connection.execute("UPDATE story_urls SET story = ? WHERE story = ?", (together, story))
        if page := _own_page(post_id, pages or {}):
            connection.execute("UPDATE story_urls SET story = ? WHERE url = ? AND story = ?", (post_id, page, together))
        settle_ledger(store, (post_id, together))
        connection.execute("DELETE FROM story_joins WHERE post_id IN (?, ?)", (post_id, together))
        connection.executemany(
            "INSERT OR IGNORE INTO never_merged (one, other, parted_at) VALUES (?, ?, ?)",
            [(min(post_id, other), max(post_id, other), time_to_text(now)) for other in others],
        )
        site.want_publishing(store)
    return post_id


def story_of(store: Store, post_id: int) -> int:
    """The number of a post's story: the lowest id of its posts. Raises StoreError when the post is not stored."""
    row = store.row("SELECT story FROM posts WHERE id = ?", (post_id,))
    if row is None:
        raise StoreError(f"no post has the id {post_id}; `tidings posts` lists posts with their ids")
    return int(row["story"])


def posts_of(store: Store, story: int) -> list[int]:
    """The posts of a story, the first stored first."""
    return [row["id"] for row in store.rows("SELECT id FROM posts WHERE story = ? ORDER BY id", (story,))]


def join_of(store: Store, post_id: int) -> Join | None:
    """Why a post belongs to its story; None for the one that began it. The post that it is like may be of another story
    by now, if that was taken out by hand."""
    row = store.row(
        "SELECT j.*, p.story FROM story_joins j JOIN posts p ON p.id = j.post_id WHERE j.post_id = ?", (post_id,)
    )
    return Join(row["story"], row["with_post"], row["tier"], row["score"], row["why"]) if row else None


def parted(store: Store, post_id: int) -> dict[int, datetime]:
    """The posts that somebody said are not the same story as this one, and when."""
    rows = store.rows(
        """SELECT other AS id, parted_at FROM never_merged WHERE one = :id
        UNION SELECT one, parted_at FROM never_merged WHERE other = :id ORDER BY id""",
        {"id": post_id},
    )
    return {row["id"]: stored_time(row["parted_at"]) for row in rows}


# Neither was shown in an issue; they have no posts of one source; nobody said that posts of theirs are not the same.
_MAY_BE_UNITED = """
SELECT 1
WHERE NOT EXISTS (SELECT 1 FROM editions e JOIN issue_items i ON i.edition = e.name WHERE i.story IN (:one, :other))
AND NOT EXISTS (SELECT 1 FROM posts p JOIN posts q ON q.feed_id = p.feed_id WHERE p.story = :one AND q.story = :other)
AND NOT EXISTS (SELECT 1 FROM posts p JOIN never_merged n ON n.one = p.id JOIN posts q ON q.id = n.other
    WHERE p.story IN (:one, :other) AND q.story IN (:one, :other))
"""


def _unite(store: Store, post_id: int, join: Join, now: datetime) -> None:
    """Makes the story that a new post joined one with the others that it is like: an issue would show them all, only
    because copies came before their original."""
    for other in join.also:
        stories = {story_of(store, one.post_id): one for one in (join, other)}
        kept, gone = min(stories), max(stories)
        if kept == gone or not store.row(_MAY_BE_UNITED, {"one": kept, "other": gone}):
            continue
        link = stories[gone]
        why = link.why if link.post_id == gone else f"{link.why}, together with post {link.post_id}"
        _make_one(store, kept, gone, replace(link, post_id=post_id, why=why), now)


def _make_one(store: Store, kept: int, gone: int, join: Join, now: datetime) -> None:
    """Brings the posts of the story `gone` into the story `kept`; `join` is why the one that began it is there."""
    connection = store.conn
    connection.execute("UPDATE posts SET story = ? WHERE story = ?", (kept, gone))
    connection.execute("UPDATE story_urls SET story = ? WHERE story = ?", (kept, gone))
    connection.execute(
        """INSERT OR REPLACE INTO story_joins (post_id, with_post, tier, score, why, joined_at)
        VALUES (?, ?, ?, ?, ?, ?)""",
        (gone, *_join_values(join), time_to_text(now)),
    )


def settle_ledger(store: Store, stories: Sequence[int]) -> None:
    """Brings what editions carried in line with the stories that its posts are of now.

    An edition has one line a story. Where it had shown several posts before they were joined, the first one's counts;
    the others are kept under a number that no story has, minus the post's, so that none of them is news when the story
    is parted again.
    """
    lines = store.rows(
        f"""SELECT i.edition, i.story AS line, i.post_id, p.story FROM issue_items i JOIN posts p ON p.id = i.post_id
        WHERE p.story IN ({", ".join("?" * len(stories))}) ORDER BY i.issue_id, i.position""",
        stories,
    )
    aside, first = [], dict[tuple[str, int], tuple[int, str, int]]()
    for line in lines:
        aside.append((-line["post_id"], line["edition"], line["line"]))
        first.setdefault((line["edition"], line["story"]), (line["story"], line["edition"], -line["post_id"]))
    move = "UPDATE issue_items SET story = ? WHERE edition = ? AND story = ?"
    store.conn.executemany(move, aside)
    store.conn.executemany(move, list(first.values()))


def _own_page(post_id: int, pages: Mapping[int, str]) -> str:
    """The page of a post, if no other post has the same."""
    page = pages.get(post_id, "")
    return "" if page in [other for one, other in pages.items() if one != post_id] else page


def _period(now: datetime) -> int:
    return (now - _EPOCH) // _PERIOD


def _find_by_marks(
    store: Store, feed_id: int, new: Sequence[PostToSave], now: datetime, found: dict[int, Counter[int]]
) -> None:
    wanted = set[int]().union(*(post.landmarks for post in new))
    period = _period(now)
    rows = store.rows(
        """SELECT m.mark, m.post_id FROM json_each(:marks) AS wanted CROSS JOIN story_marks AS m
        ON m.period IN (:period, :period - 1) AND m.mark = wanted.value AND m.feed_id != :feed_id""",
        {"marks": json.dumps(list(wanted)), "period": period, "feed_id": feed_id},
    )
    met: dict[int, list[int]] = {}
    for mark, post_id in rows:  # in a planet of many blogs there are hundreds for each document
        met.setdefault(mark, []).append(post_id)
    telling = {mark: ids for mark, ids in met.items() if len(ids) <= _HUB}
    for place, post in enumerate(new):
        for mark in telling.keys() & post.landmarks:
            found.setdefault(place, Counter()).update(telling[mark])


def _find_by_pages(store: Store, feed_id: int, new: Sequence[PostToSave], found: dict[int, Counter[int]]) -> None:
    """Adds the posts of the stories that are known by the same canonical URL."""
    places = _places(enumerate(post.story_url for post in new))
    rows = store.rows(
        """SELECT u.url AS name, p.id FROM json_each(:urls) AS wanted CROSS JOIN story_urls AS u ON u.url = wanted.value
        CROSS JOIN posts AS p ON p.story = u.story AND p.feed_id != :feed_id""",
        {"urls": json.dumps(list(places)), "feed_id": feed_id},
    )
    for row in rows:
        for place in places[row["name"]]:
            found.setdefault(place, Counter())[row["id"]] += _SURE


def _find_by_guids(store: Store, feed_id: int, new: Sequence[PostToSave], found: dict[int, Counter[int]]) -> None:
    """For posts that say where they are from, adds those with the same guid. One that many posts have, here or there,
    names none of them."""
    places = _places((place, post.guid) for place, post in enumerate(new) if post.origin_url)
    few = [guid for guid, ones in places.items() if len(ones) <= _NAMESAKES]
    if not few:
        return
    rows = store.rows(
        """SELECT wanted.value AS name, p.id FROM json_each(:guids) AS wanted CROSS JOIN posts AS p ON p.id IN (
        SELECT r.id FROM posts r WHERE r.guid = wanted.value AND r.feed_id != :feed_id LIMIT :most)""",
        {"guids": json.dumps(few), "feed_id": feed_id, "most": _NAMESAKES + 1},
    )
    met: dict[str, list[int]] = {}
    for row in rows:
        met.setdefault(row["name"], []).append(row["id"])
    for guid, ids in met.items():
        if len(ids) <= _NAMESAKES:
            for place in places[guid]:
                found.setdefault(place, Counter()).update(dict.fromkeys(ids, _SURE))


def _places(named: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """Name → the places of the posts that have it."""
    places: dict[str, list[int]] = {}
    for place, name in named:
        if name:
            places.setdefault(name, []).append(place)
    return places


def _find_by_moments(store: Store, new: Sequence[PostToSave], found: dict[int, Counter[int]]) -> None:
    """Adds, for posts that say where they are from, those that are of the same moment there."""
    places = _places((place, post.origin_url) for place, post in enumerate(new) if post.published)
    if not places:
        return
    feeds: dict[str, list[int]] = {}
    for row in store.rows("SELECT id, url, site_url FROM feeds"):
        for address in {row["url"], row["site_url"]} & places.keys():
            feeds.setdefault(address, []).append(row["id"])
    for origin, ids in feeds.items():
        for place in places[origin]:
            for feed_id in ids:
                rows = store.rows(
                    "SELECT id FROM posts WHERE feed_id = ? AND effective = ? ORDER BY id LIMIT ?",
                    (feed_id, time_to_text(new[place].published), _MOST_CANDIDATES),
                )
                for row in rows:
                    found.setdefault(place, Counter())[row["id"]] += _SURE


def _candidate(row: sqlite3.Row) -> CandidateRow:
    return CandidateRow(
        post_id=row["id"],
        story=row["story"],
        guid=row["guid"],
        owns_guid=bool(row["owns_guid"]),
        url=row["url"],
        title=row["title"],
        text=row["text"],
        content_html=row["content_html"],
        language=row["language"],
        origin_url=row["origin_url"],
        dated=text_to_time(row["dated"]),
        site_url=row["site_url"] or row["feed_url"],
    )


def _join_values(join: Join) -> tuple[int, str, float, str]:
    return join.post_id, join.tier, join.score, join.why
