"""When editions came to be, since when they have their schedule, and which slots of it are done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tidings.model import Edition
from tidings.store.database import Store, time_to_text

_FAR_AHEAD = timedelta(days=2)
"""What was handled this long after now was handled by a clock that was wrong; one that is set back by less is taken for
the same clock."""


def are_noted(store: Store, editions: Sequence[Edition], now: datetime) -> bool:
    """Whether `note` has nothing to do."""
    rows = {row["name"]: row for row in store.rows("SELECT name, since, schedule, scheduled_at FROM editions")}
    at = time_to_text(now) or ""
    return all(
        (row := rows.get(edition.name)) is not None
        and row["schedule"] == schedule_text(edition)
        and max(row["since"], row["scheduled_at"] or "") <= at
        for edition in editions
    )


def note(store: Store, editions: Sequence[Edition], now: datetime) -> None:
    """Notes editions that are new, and which schedules have changed, within the transaction of `feeds.sync`. Of a
    schedule that was never noted nobody knows whether it is another: it counts as the same."""
    for edition in editions:
        store.conn.execute(
            """INSERT INTO editions (name, since, schedule) VALUES (:name, :now, :schedule)
            ON CONFLICT (name) DO UPDATE SET schedule = :schedule,
                scheduled_at = iif(schedule IN ('', :schedule), scheduled_at, :now)""",
            {"name": edition.name, "now": time_to_text(now), "schedule": schedule_text(edition)},
        )
        forget_future(store, edition.name, now)


def forget_future(store: Store, edition: str, now: datetime) -> None:
    """Brings back to now what a clock that was wrong has noted of an edition later than that: it must not silence the
    edition until then."""
    at = time_to_text(now)
    if not store.row("SELECT 1 FROM editions WHERE name = ? AND (since > ? OR scheduled_at > ?)", (edition, at, at)):
        return
    with store.write():
        store.conn.execute(
            "UPDATE editions SET since = min(since, :now), scheduled_at = min(scheduled_at, :now) WHERE name = :name",
            {"now": at, "name": edition},
        )


def is_open(store: Store, edition: str, slot: str, slot_time: datetime, now: datetime) -> bool:
    """Whether `slot` is still to be handled: after the edition and its schedule came to be, not done yet, and no other
    slot was handled since it was due, as one of an earlier schedule may have been. What was handled after `now` was so
    under another clock, and only closes its own slot."""
    row = store.row(
        """SELECT 1 FROM editions e WHERE e.name = :edition AND max(e.since, coalesce(e.scheduled_at, '')) < :at
        AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.edition = e.name
            AND (s.slot = :slot OR s.handled_at BETWEEN :at AND :now))""",
        {"edition": edition, "slot": slot, "at": time_to_text(slot_time), "now": time_to_text(now)},
    )
    return row is not None


def any_handled(store: Store, edition: str) -> bool:
    """Whether an edition ever had an issue by its schedule, or had nothing to put in one."""
    return store.row("SELECT 1 FROM slots WHERE edition = ?", (edition,)) is not None


def record(store: Store, edition: str, slot: str, now: datetime) -> None:
    """Notes that `slot` has had its issue, or had nothing to put in one, or came too late. What was handled far ahead
    of it is forgotten, so that those slots have their issues when they really come."""
    ahead = (edition, time_to_text(now + _FAR_AHEAD))
    with store.write():
        store.conn.execute(
            """UPDATE issues SET slot = NULL WHERE edition = ?1
            AND slot IN (SELECT slot FROM slots WHERE edition = ?1 AND handled_at > ?2)""",
            ahead,
        )
        store.conn.execute("DELETE FROM slots WHERE edition = ?1 AND handled_at > ?2", ahead)
        store.conn.execute(
            "INSERT OR IGNORE INTO slots (edition, slot, handled_at) VALUES (?, ?, ?)",
            (edition, slot, time_to_text(now)),
        )


def schedule_text(edition: Edition) -> str:
    """A schedule with its zone, as it is compared."""
    return f"{' '.join(edition.schedule.text.lower().split())} {edition.timezone}"
