"""Mail that came in: what it said, whose it was, what it led to. The message itself is kept where nobody understood it,
or nobody knows whose it is, until the operator has looked."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tidings.model import ReturnedKind, base_name
from tidings.store.database import Store, stored_time, time_to_text

KnownBy = Literal["", "envelope", "claim", "returned", "message-id"]
"""What told whose message came back: the address it was sent to, one it says it was sent to, one in the message it
returns, or that one's Message-ID; "" for nothing."""

Effect = Literal["noted", "counted", "suppressed", "unsubscribed", "ended", "ours", "kept"]
"""What a message led to: nothing, points, no more mail at all or of its edition, an end of what somebody asked for with
a small mail, a fault that is ours; or it is kept for the operator."""

_LISTED_AT_LEAST = 50_000  # rows; they are small, and a flood must not fill the disk
_LATE = timedelta(days=60)  # An issue may wait in review, or be held, before its mails go.


@dataclass(frozen=True, slots=True)
class Owner:
    """A delivery, with its message, its issue, the configured edition that this belongs to, and its reader; the reader
    may have another `address` by now. `subscriber_id` is None where it is not known."""

    delivery_id: int
    message_id: str
    issue_id: int
    issue: str
    edition: str
    address: str
    subscriber_id: int | None

    @property
    def is_erased(self) -> bool:
        """Whether its reader was erased, and the Message-ID with the address: what comes back is nobody's, and must not
        be kept for the operator, since it may hold the address."""
        return self.address == f"erased-{self.delivery_id}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as it is recorded. `size` is in bytes, that of the whole, however much of `message` is kept."""

    fingerprint: bytes
    kind: ReturnedKind
    delivery_id: int | None
    known_by: KnownBy
    meaning: str
    status: str
    diagnostic: str
    effect: Effect
    size: int
    message: bytes | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded message with its number, and its owner if the ledger still has it."""

    id: int
    received_at: datetime
    entry: Entry
    owner: Owner | None


def repeated(store: Store, fingerprint: bytes, since: datetime) -> tuple[int, Effect] | None:
    """The number and the effect of the same message, if it came in `since` then."""
    row = store.row(
        "SELECT id, effect FROM returned_mail WHERE fingerprint = ? AND received_at >= ?",
        (fingerprint, time_to_text(since)),
    )
    return None if row is None else (row["id"], row["effect"])


def kept_count(store: Store, is_known: bool) -> int:
    """How many messages are kept: those of which it is known whose they are, or the others."""
    rows = store.rows(
        "SELECT count(*) AS n FROM returned_mail WHERE message IS NOT NULL AND (delivery_id IS NOT NULL) = ?",
        (is_known,),
    )
    return int(rows[0]["n"])


def record(store: Store, entry: Entry, now: datetime) -> int:
    """Records a message, within the caller's transaction, and returns its number. The oldest are forgotten, but for
    those that are kept."""
    cursor = store.conn.execute(
        """INSERT INTO returned_mail (received_at, fingerprint, kind, delivery_id, known_by, meaning, status,
        diagnostic, effect, size, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            time_to_text(now),
            entry.fingerprint,
            entry.kind,
            entry.delivery_id,
            entry.known_by,
            entry.meaning,
            entry.status,
            entry.diagnostic,
            entry.effect,
            entry.size,
            entry.message,
        ),
    )
    number = int(cursor.lastrowid or 0)
    store.conn.execute("DELETE FROM returned_mail WHERE message IS NULL AND id <= ?", (number - _LISTED_AT_LEAST,))
    return number


_OWNERS = """SELECT d.id AS delivery_id, d.message_id, d.issue_id, i.edition || '-' || i.number AS issue, i.edition,
d.address, d.subscriber_id FROM deliveries d JOIN issues i ON i.id = d.issue_id"""


def owner(store: Store, delivery_id: int) -> Owner | None:
    """A delivery by its number."""
    row = store.row(f"{_OWNERS} WHERE d.id = ?", (delivery_id,))
    return None if row is None else _owner(row)


def owner_of_message(store: Store, message_id: str) -> Owner | None:
    """A delivery by its Message-ID."""
    row = store.row(f"{_OWNERS} WHERE d.message_id = ?", (message_id,))
    return None if row is None else _owner(row)


def _owner(row: sqlite3.Row) -> Owner:
    """Who left an edition of their own has left the one it is made of."""
    return Owner(**{**dict(row), "edition": base_name(row["edition"])})


def came_through(store: Store, address: str, quiet: timedelta, since: datetime, until: datetime) -> list[int]:
    """The issues of which it became certain between two moments that they came through to an address: they were
    accepted, and nothing came back for so long (`quiet`). Found by issue and address, so the list's length does not
    matter."""
    rows = store.rows(
        """SELECT d.issue_id, d.updated_at, (SELECT min(r.received_at) FROM returned_mail r
            WHERE r.delivery_id = d.id AND r.kind IN ('bounce', 'complaint')) AS back_at
        FROM issues i CROSS JOIN deliveries d ON d.issue_id = i.id AND d.address = :address
        WHERE i.frozen_at >= :frozen AND d.state = 'accepted' AND d.updated_at >= :since AND d.updated_at < :until""",
        {
            "address": address,
            "frozen": time_to_text(since - quiet - _LATE),
            "since": time_to_text(since - quiet),
            "until": time_to_text(until - quiet),
        },
    )
    return [row["issue_id"] for row in rows if not _came_back(row, quiet)]


def _came_back(row: sqlite3.Row, quiet: timedelta) -> bool:
    return row["back_at"] is not None and stored_time(row["back_at"]) <= stored_time(row["updated_at"]) + quiet


def listed(store: Store, limit: int, after: int = 0, only_kept: bool = False) -> list[Recorded]:
    """Messages with a number above `after`, the newest first, at most `limit`."""
    kept = "AND message IS NOT NULL" if only_kept else ""
    rows = store.rows(f"SELECT * FROM returned_mail WHERE id > ? {kept} ORDER BY id DESC LIMIT ?", (after, limit))
    return [_recorded(store, row) for row in rows]


def numbered(store: Store, number: int) -> Recorded | None:
    """A message by its number."""
    row = store.row("SELECT * FROM returned_mail WHERE id = ?", (number,))
    return None if row is None else _recorded(store, row)


def newest(store: Store) -> int:
    """The number of the message that came last, 0 before the first."""
    return int(store.rows("SELECT coalesce(max(id), 0) AS n FROM returned_mail")[0]["n"])


def forget(store: Store, numbers: Sequence[int]) -> list[int]:
    """Deletes messages by their numbers; returns those that there are not."""
    missing = []
    with store.write():
        for number in numbers:
            if not store.conn.execute("DELETE FROM returned_mail WHERE id = ?", (number,)).rowcount:
                missing.append(number)
    return missing


def _recorded(store: Store, row: sqlite3.Row) -> Recorded:
    entry = Entry(
        fingerprint=row["fingerprint"],
        kind=row["kind"],
        delivery_id=row["delivery_id"],
        known_by=row["known_by"],
        meaning=row["meaning"],
        status=row["status"],
        diagnostic=row["diagnostic"],
        effect=row["effect"],
        size=row["size"],
        message=row["message"],
    )
    known = None if entry.delivery_id is None else owner(store, entry.delivery_id)
    return Recorded(row["id"], stored_time(row["received_at"]), entry, known)
