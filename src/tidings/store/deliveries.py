"""Deliveries: one issue to one subscriber, and how far it came.

    pending → leased → inflight → accepted | deferred | rejected | uncertain | suppressed
       ↑         └──────┘ nothing was handed over           │          │
       └── expired, by hand                 its time has come          once, or by hand

`leased` is in the hands of who delivers, and nothing of it has left. `inflight` is synced to disk before a message goes
out, and the outcome after it, so a crash leaves one message for each connection in doubt, known by name: `uncertain`.
Only who holds the right to deliver leases, starts and settles.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tidings.errors import StoreError
from tidings.model import Delivery, DeliveryState, personal_name
from tidings.store.database import Store, text_to_time, time_to_text
from tidings.store.issues import IS_MADE_OF, IS_OPEN, MAY_GO

OnUncertain = Literal["resend", "hold"]
"""What becomes of a delivery whose outcome is not known: sent once more, or held until somebody decides."""

_RECENT = timedelta(days=7)
_LONGEST_WAIT = timedelta(days=1)
"""Nothing waits longer than that to be tried again, but by a clock that was wrong."""

_DIED = "in flight when its process ended: it may have come"
GIVEN_UP = "given up "
"""What the reply begins with of a delivery that is `rejected` since we gave it up, and not by a server's word."""

_STALE = "never begun, and too old by now"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deliveries of an issue are in each state; `pending` are also those leased or in flight, and `given_up`
    those rejected that no server refused."""

    accepted: int = 0
    rejected: int = 0
    given_up: int = 0
    deferred: int = 0
    suppressed: int = 0
    pending: int = 0
    uncertain: int = 0
    expired: int = 0

    @property
    def any(self) -> bool:
        """Whether there are deliveries at all."""
        return self != Tally()

    @property
    def open(self) -> int:
        """How many are not settled."""
        return self.pending + self.deferred + self.uncertain

    @property
    def settled(self) -> int:
        """How many are settled, one way or the other."""
        return self.accepted + self.rejected + self.given_up + self.suppressed + self.expired


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a delivery. `next_at` is when it is tried again; `tried` says whether that was an attempt."""

    delivery_id: int
    state: DeliveryState
    reply: str
    next_at: datetime | None = None
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Undecided:
    """A delivery that waits until somebody says whether it came."""

    id: int
    issue: str
    address: str
    reply: str


def recover(store: Store, now: datetime) -> None:
    """What a process left that died while it had the right to deliver: of what it had leased nothing was handed over;
    what was in flight may have come."""
    if store.row(f"SELECT 1 FROM deliveries WHERE {IS_OPEN} AND state IN ('leased', 'inflight')") is None:
        return
    with store.write():
        release(store)
        store.conn.execute(
            f"""UPDATE deliveries SET state = 'uncertain', reply = ?, attempts = attempts + 1, doubts = doubts + 1,
            next_at = NULL, updated_at = ? WHERE {IS_OPEN} AND state = 'inflight'""",
            (_DIED, time_to_text(now)),
        )


def expire(store: Store, issue_id: int, now: datetime) -> int:
    """Gives up what was never begun of an issue, because it is stale; returns how many. What was left for later goes as
    well, or a domain that never takes anything would be asked for ever; what somebody wants sent all the same stays:
    its time (`next_at`) is that of the wish."""
    stale = f"""issue_id = ? AND {IS_OPEN} AND state = 'pending' AND attempts = 0 AND doubts = 0
        AND (next_at IS NULL OR next_at > updated_at)"""
    if store.row(f"SELECT 1 FROM deliveries WHERE {stale}", (issue_id,)) is None:
        return 0
    with store.write():
        return store.conn.execute(
            f"UPDATE deliveries SET state = 'expired', reply = ?, updated_at = ? WHERE {stale}",
            (_STALE, time_to_text(now), issue_id),
        ).rowcount


def release(store: Store) -> None:
    """Lets all go that is leased."""
    with store.write():
        store.conn.execute(f"UPDATE deliveries SET state = 'pending' WHERE {IS_OPEN} AND state = 'leased'")


def last_tried(store: Store, now: datetime) -> datetime | None:
    """When a message of an issue of the last week was last begun or settled."""
    row = store.row(
        """SELECT max(updated_at) AS at FROM deliveries WHERE (attempts > 0 OR state = 'inflight')
        AND issue_id IN (SELECT id FROM issues WHERE frozen_at > ?)""",
        (time_to_text(now - _RECENT),),
    )
    return text_to_time(row["at"]) if row else None


def hasten(store: Store, issue_id: int, now: datetime) -> None:
    """Lets what waits for its time to be tried again be tried now."""
    with store.write():
        store.conn.execute(
            f"UPDATE deliveries SET next_at = ? WHERE issue_id = ? AND {IS_OPEN} AND next_at > ?",
            (time_to_text(now), issue_id, time_to_text(now)),
        )


def lease(
    store: Store, issue_ids: Sequence[int], limit: int, on_uncertain: OnUncertain, now: datetime
) -> list[Delivery]:
    """Takes the next `limit` deliveries of some issues that are due in hand, in a fixed order.

    Those in doubt come last, so that a process that dies early again and again does not mail one reader each time. One
    is sent again once without being asked; after that, or where they are held, `resolve` decides.
    """
    due = f"""issue_id IN (SELECT value FROM json_each(?)) AND {IS_OPEN}
        AND (next_at IS NULL OR next_at <= ? OR next_at > ?)"""
    waiting = "state IN ('pending', 'deferred')"
    resent = " OR (state = 'uncertain' AND doubts = 1)" if on_uncertain == "resend" else ""
    for which in (f"{waiting} AND doubts = 0", f"({waiting}{resent}) AND doubts > 0"):
        rows = store.rows(
            f"SELECT * FROM deliveries WHERE {due} AND {which} ORDER BY id LIMIT ?",
            (json.dumps(list(issue_ids)), time_to_text(now), time_to_text(now + _LONGEST_WAIT), limit),
        )
        if rows:
            with store.note():
                return [_delivery(row) for row in rows if _is_leased(store, row)]
    return []


def _is_leased(store: Store, row: sqlite3.Row) -> bool:
    """Leases one, unless somebody has decided on it since it was read."""
    sql = "UPDATE deliveries SET state = 'leased' WHERE id = ? AND state = ?"
    return store.conn.execute(sql, (row["id"], row["state"])).rowcount == 1


def start(store: Store, delivery_ids: Sequence[int], now: datetime) -> set[int]:
    """Records that these messages are about to go out, and returns those that may: none of an issue that is held by
    now."""
    may_go = set()
    with store.write():
        for one in delivery_ids:
            cursor = store.conn.execute(
                f"""UPDATE deliveries SET state = 'inflight', updated_at = ?
                WHERE id = ? AND state = 'leased'
                AND EXISTS (SELECT 1 FROM issues WHERE id = deliveries.issue_id AND {MAY_GO})""",
                (time_to_text(now), one),
            )
            if cursor.rowcount:
                may_go.add(one)
    return may_go


def settle(store: Store, settlements: Sequence[Settlement], now: datetime) -> None:
    """Records what became of deliveries; each that is uncertain is in doubt from then on, whatever comes after. One
    that is still to be sent keeps its time, if it has no other."""
    with store.write():
        store.conn.executemany(
            """UPDATE deliveries SET state = :state, reply = :reply,
            next_at = coalesce(:next_at, iif(:state IN ('pending', 'leased'), next_at, NULL)),
            attempts = attempts + :tried, doubts = doubts + (:state = 'uncertain'), updated_at = :now
            WHERE id = :id""",
            [
                {
                    "id": one.delivery_id,
                    "state": one.state,
                    "reply": one.reply,
                    "next_at": time_to_text(one.next_at),
                    "tried": one.tried,
                    "now": time_to_text(now),
                }
                for one in settlements
            ],
        )


def is_taken(store: Store, issue_ids: Sequence[int]) -> bool:
    """Whether any reader of some issues has one."""
    sql = "SELECT 1 FROM deliveries WHERE issue_id IN (SELECT value FROM json_each(?)) AND state = 'accepted'"
    return store.row(sql, (json.dumps(list(issue_ids)),)) is not None


def tally(store: Store, issue_ids: Sequence[int]) -> Tally:
    """The balance of some issues' deliveries. Raises StoreError when it does not come to as many as were frozen."""
    those, ids = "IN (SELECT value FROM json_each(?))", json.dumps(list(issue_ids))
    rows = store.rows(
        f"""SELECT iif(state = 'rejected' AND reply GLOB ?, 'given_up', state) AS counted, count(*) AS n
        FROM deliveries WHERE issue_id {those} GROUP BY counted""",
        (f"{GIVEN_UP}*", ids),
    )
    counts = {row["counted"]: row["n"] for row in rows}
    in_hand = counts.pop("leased", 0) + counts.pop("inflight", 0)
    balance = Tally(**{**counts, "pending": counts.get("pending", 0) + in_hand})
    frozen = store.rows(f"SELECT coalesce(sum(readers), 0) AS n FROM issues WHERE id {those}", (ids,))
    if balance.settled + balance.open != frozen[0]["n"]:
        raise StoreError(
            f"{store.path}: {frozen[0]['n']} deliveries were frozen and {balance.settled + balance.open} are there "
            f"(issues {', '.join(map(str, issue_ids))}); the database was changed by something else"
        )
    return balance


def undecided(store: Store, edition: str, on_uncertain: OnUncertain) -> list[Undecided]:
    """Those of an edition, and of readers' own that are made of it, whose outcome is not known, and that are not sent
    again without being asked: see `lease`. The oldest issue first."""
    rows = store.rows(
        f"""SELECT d.id, d.address, d.reply, i.edition || '-' || i.number AS issue
        FROM deliveries d CROSS JOIN issues i ON i.id = d.issue_id
        WHERE d.{IS_OPEN} AND d.state = 'uncertain' AND (d.doubts > 1 OR :on_uncertain = 'hold')
            AND (i.edition = :edition OR {IS_MADE_OF}) ORDER BY i.id, d.id""",
        {"edition": edition, "own": personal_name(edition, ""), "on_uncertain": on_uncertain},
    )
    return [Undecided(row["id"], row["issue"], row["address"], row["reply"]) for row in rows]


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        id=row["id"],
        issue_id=row["issue_id"],
        address=row["address"],
        message_id=row["message_id"],
        attempts=row["attempts"],
        in_doubt=row["doubts"] > 0,
        language=row["language"],
        since=text_to_time(row["since"]),
    )
