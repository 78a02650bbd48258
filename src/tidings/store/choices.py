"""What readers chose, and the memory of their own editions.

A reader who chooses for the first time gets a copy of what the configured edition has done for that reader: from then
on the two go their own ways. What both may carry at that moment is the same, so nothing is lost and nothing comes
twice; what the edition carried without this reader, as before the reader came, is no news to the reader's own either.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from tidings.model import Choices, Edition
from tidings.records import dataclass
from tidings.store import slots
from tidings.store.database import Store, stored_time, text_to_time, time_to_text

AWAY = "came while its reader was away"
"""What `passed_posts` says of posts whose slot passed while the subscription was over."""

_NOT_FOR_THE_READER = "went out without its reader"

# What of an issue `i` came to the reader, or may still: what was given up or not wanted then is not made up for, as it
# is not for anybody else. Found once, as a set: of an issue one delivery is looked up, not those of all its readers.
_CAME = "(d.state NOT IN ('rejected', 'suppressed', 'expired') OR d.doubts > 0)"
_HAD = f"""i.issue_id IN (
    SELECT d.issue_id FROM deliveries d WHERE d.subscriber_id = :id AND {_CAME}
    UNION ALL SELECT d.issue_id FROM issues s CROSS JOIN deliveries d ON d.issue_id = s.id AND d.address = :address
    WHERE s.edition = :edition AND d.subscriber_id IS NULL AND {_CAME})"""

# A slot of the edition that is still to be handled is so for the copy, or who chooses a moment after it was due would
# have no issue until the next. The moments at which the edition made something keep what rules kept out then from being
# news (store/issues.py): to the copy they are slots of other names, so that none of its own is taken for done.
_MEMORY = (
    """INSERT INTO editions (name, since, schedule, scheduled_at)
    SELECT :own, since, schedule, scheduled_at FROM editions WHERE name = :edition""",
    """INSERT INTO edition_sources (edition, feed_id, after_id, settled_id, settled_backfill)
    SELECT :own, feed_id, after_id, settled_id, settled_backfill FROM edition_sources WHERE edition = :edition""",
    f"""INSERT INTO issue_items (edition, story, issue_id, post_id, position, changed_at)
    SELECT :own, i.story, i.issue_id, i.post_id, i.position, i.changed_at FROM issue_items i
    WHERE i.edition = :edition AND {_HAD}""",
    f"""INSERT INTO issue_updates (edition, post_id, issue_id, position)
    SELECT :own, i.post_id, i.issue_id, i.position FROM issue_updates i WHERE i.edition = :edition AND {_HAD}""",
    """INSERT INTO passed_posts (edition, post_id, rule, passed_at)
    SELECT :own, post_id, rule, passed_at FROM passed_posts WHERE edition = :edition""",
    f"""INSERT OR IGNORE INTO passed_posts (edition, post_id, rule, passed_at)
    SELECT :own, p.id, :rule, :now FROM issue_items i CROSS JOIN posts p ON p.story = i.story
    WHERE i.edition = :edition AND NOT {_HAD}
    UNION SELECT :own, i.post_id, :rule, :now FROM issue_items i WHERE i.edition = :edition AND NOT {_HAD}""",
    """INSERT INTO slots (edition, slot, handled_at)
    SELECT :own, 'as ' || :edition || ' at ' || at, at FROM (
        SELECT frozen_at AS at FROM issues WHERE edition = :edition
        UNION SELECT handled_at FROM slots WHERE edition = :edition)""",
)

_FORGOTTEN = ("edition_sources", "issue_updates", "issue_items", "passed_posts", "slots")


@dataclass(frozen=True, slots=True)
class Chooser:
    """A reader with an edition of their own, called `name`. `since` is when the subscription began, or began again."""

    subscriber_id: int
    public_id: str
    name: str
    choices: Choices
    next_at: datetime | None
    since: datetime
    changed_at: datetime

    @property
    def was_away(self) -> bool:
        """Whether a slot has passed while the subscription was over."""
        return self.next_at is not None and self.next_at < self.since


def find(store: Store, subscriber_id: int, edition: str) -> Choices | None:
    """What a reader chose of an edition, or None for one who never chose anything."""
    row = store.row("SELECT choices FROM choices WHERE subscriber_id = ? AND edition = ?", (subscriber_id, edition))
    return None if row is None else _text_to_choices(row["choices"])


def keep(
    store: Store,
    subscriber_id: int,
    edition: Edition,
    own: Edition,
    choices: Choices,
    next_at: datetime | None,
    now: datetime,
) -> None:
    """Keeps what a reader chose of an `edition`; `own` is what that makes of it, and `next_at` its next slot. The first
    time `own` is given its memory. All in one transaction: a crash leaves the reader where it was."""
    with store.write():
        if find(store, subscriber_id, edition.name) is None:
            _remember(store, subscriber_id, edition.name, own.name, now)
        slots.note(store, [own], now)
        store.conn.execute(
            """INSERT INTO choices (subscriber_id, edition, name, choices, next_at, follows, since, changed_at)
            VALUES (:id, :edition, :own, :choices, :next_at, :follows, :now, :now)
            ON CONFLICT (subscriber_id, edition) DO UPDATE SET choices = excluded.choices, next_at = excluded.next_at,
                follows = excluded.follows, changed_at = excluded.changed_at""",
            {
                "id": subscriber_id,
                "edition": edition.name,
                "own": own.name,
                "choices": _choices_to_text(choices),
                "next_at": time_to_text(next_at),
                "follows": None if choices.cadence else slots.schedule_text(edition),
                "now": time_to_text(now),
            },
        )


def is_due(store: Store, subscriber_id: int, edition: str, now: datetime) -> bool:
    """Whether a reader's own edition has a slot to be handled, or may have, as the configured one of who chose nothing
    yet."""
    row = store.row("SELECT next_at FROM choices WHERE subscriber_id = ? AND edition = ?", (subscriber_id, edition))
    return row is None or (row["next_at"] is not None and row["next_at"] <= (time_to_text(now) or ""))


def make_due(store: Store, own: str, slot_time: datetime) -> None:
    """Notes that a slot of a reader's own edition is still to be handled, within the caller's transaction."""
    store.conn.execute("UPDATE choices SET next_at = ? WHERE name = ?", (time_to_text(slot_time), own))


def due(store: Store, edition: Edition, now: datetime) -> list[Chooser]:
    """The readers of an `edition` whose own have a slot to be handled, or follow a schedule that is another by now: the
    longest due first."""
    rows = store.rows(
        """SELECT c.*, r.public_id, s.since AS subscribed_at FROM choices c
        CROSS JOIN subscriptions s ON s.subscriber_id = c.subscriber_id AND s.edition = c.edition
        CROSS JOIN subscribers r ON r.id = c.subscriber_id
        WHERE c.edition = :edition AND (c.next_at <= :now OR c.follows != :schedule) AND s.ended_by = ''
        ORDER BY c.next_at, c.subscriber_id""",
        {"edition": edition.name, "now": time_to_text(now), "schedule": slots.schedule_text(edition)},
    )
    return [_chooser(row) for row in rows]


def running(store: Store, edition: str) -> list[Chooser]:
    """All readers of an `edition` with one of their own, in the order in which they came."""
    rows = store.rows(
        """SELECT c.*, r.public_id, s.since AS subscribed_at FROM choices c
        CROSS JOIN subscriptions s ON s.subscriber_id = c.subscriber_id AND s.edition = c.edition
        CROSS JOIN subscribers r ON r.id = c.subscriber_id
        WHERE c.edition = ? AND s.ended_by = '' ORDER BY c.subscriber_id""",
        (edition,),
    )
    return [_chooser(row) for row in rows]


def count(store: Store, edition: str, at: datetime) -> int:
    """How many readers of an `edition` have one of their own, of those who had subscribed at a moment."""
    row = store.row(
        """SELECT count(*) AS n FROM choices c
        JOIN subscriptions s ON s.subscriber_id = c.subscriber_id AND s.edition = c.edition
        WHERE c.edition = ? AND s.ended_by = '' AND s.since <= ?""",
        (edition, time_to_text(at)),
    )
    return int(row["n"]) if row else 0


def behind(store: Store, edition: str, backfill: int, horizon: datetime, now: datetime) -> list[str]:
    """The readers' own editions that may have a post before them that was first seen before `horizon`. None of who left
    and has missed a slot since: that passes whatever was there (digest.py)."""
    rows = store.rows(
        """SELECT c.name FROM choices c
        CROSS JOIN subscriptions s ON s.subscriber_id = c.subscriber_id AND s.edition = c.edition
        WHERE c.edition = :edition AND (s.ended_by = '' OR c.next_at > :now)
            AND EXISTS (SELECT 1 FROM edition_sources e WHERE e.edition = c.name AND (e.settled_backfill < :backfill
                OR EXISTS (SELECT 1 FROM posts p WHERE p.feed_id = e.feed_id AND p.id > max(e.after_id, e.settled_id)
                    AND p.id <= (SELECT max(id) FROM posts WHERE first_seen < :horizon AND content_hash != ''))))""",
        {
            "edition": edition,
            "backfill": backfill,
            "horizon": time_to_text(horizon),
            "now": time_to_text(now),
        },
    )
    return [row["name"] for row in rows]


def is_current(store: Store, chooser: Chooser) -> bool:
    """Whether a reader has chosen nothing else since, and is still there."""
    sql = "SELECT 1 FROM choices WHERE name = ? AND changed_at = ?"
    return store.row(sql, (chooser.name, time_to_text(chooser.changed_at))) is not None


def bring_in_line(store: Store, chooser: Chooser, edition: Edition, own: Edition, now: datetime) -> None:
    """Takes over what the configuration has of a reader's own edition: the sources that joined `edition` since, from
    where they did, and its schedule, where it follows that; unless the reader has chosen otherwise meanwhile."""
    with store.note():
        if not is_current(store, chooser):
            return
        store.conn.execute(
            """INSERT OR IGNORE INTO edition_sources (edition, feed_id, after_id)
            SELECT ?, feed_id, after_id FROM edition_sources WHERE edition = ?""",
            (own.name, edition.name),
        )
        slots.note(store, [own], now)


def is_in_line(store: Store, edition: Edition, own: Edition, now: datetime) -> bool:
    """Whether `bring_in_line` has nothing to do."""
    row = store.row(
        """SELECT 1 FROM edition_sources e WHERE e.edition = ? AND NOT EXISTS (SELECT 1 FROM edition_sources o
        WHERE o.edition = ? AND o.feed_id = e.feed_id)""",
        (edition.name, own.name),
    )
    return row is None and slots.are_noted(store, [own], now)


def put_off(store: Store, chooser: Chooser, edition: Edition, next_at: datetime | None) -> None:
    """Notes when the next slot of a reader's own edition is due, unless the reader has chosen otherwise meanwhile."""
    with store.note():
        store.conn.execute(
            """UPDATE choices SET next_at = ?, follows = iif(follows IS NULL, NULL, ?)
            WHERE name = ? AND changed_at = ?""",
            (time_to_text(next_at), slots.schedule_text(edition), chooser.name, time_to_text(chooser.changed_at)),
        )


def forget(store: Store, subscriber_id: int) -> None:
    """Takes away what a reader chose, and the memory of the reader's own editions, within the caller's transaction. The
    issues that were made of them stay, to nobody, since the ledger of deliveries has them."""
    rows = store.rows("SELECT name FROM choices WHERE subscriber_id = ?", (subscriber_id,))
    names = [(row["name"],) for row in rows]
    for table in _FORGOTTEN:
        store.conn.executemany(f"DELETE FROM {table} WHERE edition = ?", names)
    store.conn.executemany("DELETE FROM editions WHERE name = ?", names)
    store.conn.execute("DELETE FROM choices WHERE subscriber_id = ?", (subscriber_id,))


def _remember(store: Store, subscriber_id: int, edition: str, own: str, now: datetime) -> None:
    """Copies what an edition has done for a reader into the memory of the reader's own."""
    row = store.row("SELECT address FROM subscribers WHERE id = ?", (subscriber_id,))
    values = {
        "id": subscriber_id,
        "address": row["address"] if row else None,
        "edition": edition,
        "own": own,
        "rule": _NOT_FOR_THE_READER,
        "now": time_to_text(now),
    }
    for statement in _MEMORY:
        store.conn.execute(statement, values)


def _chooser(row: sqlite3.Row) -> Chooser:
    return Chooser(
        subscriber_id=row["subscriber_id"],
        public_id=row["public_id"],
        name=row["name"],
        choices=_text_to_choices(row["choices"]),
        next_at=text_to_time(row["next_at"]),
        since=stored_time(row["subscribed_at"]),
        changed_at=stored_time(row["changed_at"]),
    )


def _choices_to_text(choices: Choices) -> str:
    return json.dumps(asdict(choices), ensure_ascii=False, default=time_to_text)


def _text_to_choices(text: str) -> Choices:
    raw = json.loads(text)
    lists: dict[str, Sequence[str]] = {name: tuple(raw.pop(name)) for name in ("tags_off", "sources_off")}
    return Choices(**{**raw, **lists, "paused_until": text_to_time(raw["paused_until"])})
