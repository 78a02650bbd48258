"""Pruning: old posts lose their bodies, and nothing else.

A body is the text in all its forms, with the first version of what was edited and the words of it in the index. Title,
author, links, dates, tags, enclosures, keys, story and issues stay for ever: a post that comes back years later is
known, and since it has no fingerprint any more, it stays as it is (posts/decide.py). Under other ids it is recognised
by the sketch of its text (posts/sketch.py).

Whole passes are made once a day: those that have nothing to do look up one row. A pass takes short transactions, each
of which leaves the database as it should be, and one that ends in the middle is begun anew at the next opportunity.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from tidings.model import Edition, Source
from tidings.records import dataclass
from tidings.store import arrivals, choices, emptying, issues, posts
from tidings.store.database import Store, time_to_text

_EVERY = timedelta(days=1)
_SLICE = 200  # posts a transaction
_MOST = 5_000  # posts a pass, as when the limit is new to an old archive: polling is to go on


@dataclass(frozen=True, slots=True)
class Retention:
    """What stays whole: the posts first seen, or edited, within `keep` (all, if that is None); the newest `shown` of
    `sources`, which are on the pages and in the combined feed; and what `editions` have still to carry. `sketch` is
    what to keep of a text that goes."""

    keep: timedelta | None
    shown: int
    sources: Sequence[Source]
    editions: Sequence[Edition]
    sketch: Callable[[str], bytes]


def prune(store: Store, retention: Retention, now: datetime, stop: Callable[[], bool] = lambda: False) -> int:
    """Takes the bodies from the posts that are too old; returns from how many. For who holds the right to poll, after
    `feeds.sync`. Ends early when `stop()` becomes true.

    Old is by our clock, never by a feed's dates. What an edition has still to carry is asked of the statement that
    chooses it (store/issues.py), so a post that waits because of `max_posts` or `min_posts`, or in an edition that was
    never sent, is not touched until it was carried; nor is what the brake holds. Readers' own issues that are long out
    lose their stories (store/emptying.py), whatever `keep` says.
    """
    if retention.keep is not None and _is_done(store, now - retention.keep):
        return 0
    emptying.empty_old(store, now, stop)
    if retention.keep is None:
        return 0
    horizon = now - retention.keep
    going = _going(store, retention, horizon, now)
    for start in range(0, min(len(going), _MOST), _SLICE):
        if stop():
            return start
        _take_bodies(store, going[start : start + _SLICE], retention.sketch, now)
    if len(going) <= _MOST:
        _note_done(store, horizon)
    return min(len(going), _MOST)


def _is_done(store: Store, horizon: datetime) -> bool:
    """Whether there was a whole pass a short while ago. One whose horizon lies behind ours, as with a clock that was
    wrong or a `keep` that is longer now, says nothing."""
    row = store.row(
        "SELECT 1 FROM site WHERE pruned_before > ? AND pruned_before <= ?",
        (time_to_text(horizon - _EVERY), time_to_text(horizon)),
    )
    return row is not None


def _note_done(store: Store, horizon: datetime) -> None:
    with store.note():
        store.conn.execute("UPDATE site SET pruned_before = ?", (time_to_text(horizon),))


def _going(store: Store, retention: Retention, horizon: datetime, now: datetime) -> list[int]:
    """The posts whose time has come, the oldest first: more than a pass takes, if there are, but not all of an archive
    whose limit is new."""
    if not _old(store, horizon, 1):
        return []
    kept = _shown(store, retention) | _waiting(store, retention, horizon, now)
    return [post_id for post_id in _old(store, horizon, len(kept) + _MOST + 1) if post_id not in kept]


def _old(store: Store, horizon: datetime, most: int) -> list[int]:
    """The posts that are old enough and have a body, the oldest first."""
    rows = store.rows(
        """SELECT id FROM posts WHERE content_hash != '' AND first_seen < :horizon AND coalesce(held_at, '') = ''
        AND (changed_at IS NULL OR changed_at < :horizon) ORDER BY first_seen, id LIMIT :most""",
        {"horizon": time_to_text(horizon), "most": most},
    )
    return [row["id"] for row in rows]


def _shown(store: Store, retention: Retention) -> set[int]:
    """The posts on the pages, by date, and in the combined feed, by arrival: in a quiet year they are old ones."""
    names = [source.name for source in retention.sources]
    public = [source.name for source in retention.sources if source.publish]
    in_feed = {one.post_id for one in arrivals.latest(store, public, retention.shown)}
    return in_feed | {post.id for post in posts.newest(store, names, retention.shown)}


def _waiting(store: Store, retention: Retention, horizon: datetime, now: datetime) -> set[int]:
    """The old posts that an edition may carry in its next issues, or one of readers' own that is made of it: what a
    reader has switched off may be on again by then. Of thousands of those few have anything that old before them."""
    waiting: set[int] = set()
    for edition in retention.editions:
        covered = [source.name for source in retention.sources if edition.covers(source)]
        names = [edition.name, *choices.behind(store, edition.name, edition.backfill, horizon, now)]
        for name in names:
            waiting |= issues.waiting(store, name, covered, edition.backfill, horizon)
    return waiting


def _take_bodies(store: Store, ids: Sequence[int], sketch: Callable[[str], bytes], now: datetime) -> None:
    """Empties some posts in one transaction. The index is told what it held, since it keeps no copy, and goes on to
    hold titles and authors: it must say what the table says (sqlite.org/fts5.html, 4.4.3). A power cut may take this
    back, and the next pass does it again."""
    those = f"id IN ({', '.join('?' * len(ids))})"
    connection = store.conn
    with store.note():
        texts = store.rows(f"SELECT id, text FROM posts WHERE {those}", ids)
        connection.executemany(
            "UPDATE posts SET sketch = ? WHERE id = ?", [(sketch(row["text"]), row["id"]) for row in texts]
        )
        connection.execute(
            f"""INSERT INTO posts_fts (posts_fts, rowid, title, author, text)
            SELECT 'delete', id, title, author, text FROM posts WHERE {those}""",
            ids,
        )
        connection.execute(
            f"""UPDATE posts SET content_html = '', text = '', summary = '', content_hash = '', pruned_at = ?
            WHERE {those}""",
            (time_to_text(now), *ids),
        )
        connection.execute(
            f"""INSERT INTO posts_fts (rowid, title, author, text)
            SELECT id, title, author, text FROM posts WHERE {those}""",
            ids,
        )
        connection.execute(f"DELETE FROM first_versions WHERE post_{those}", ids)
