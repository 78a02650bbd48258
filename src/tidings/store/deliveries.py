"""Deliveries: one issue to one subscriber, and how far it came.

    pending → inflight → accepted | deferred → inflight … | rejected | suppressed

`inflight` is committed just before a message goes out and the outcome just after, so a crash leaves at most one message
in doubt, and that one is known by name: it stays `inflight` until it is sent again and settled.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tidings.model import Delivery, Receipt
from tidings.store.database import Store, time_to_text
from tidings.store.issues import MAY_GO


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deliveries of an issue are in each state."""

    accepted: int = 0
    rejected: int = 0
    deferred: int = 0
    suppressed: int = 0
    pending: int = 0

    @property
    def any(self) -> bool:
        """Whether there are deliveries at all."""
        return self != Tally()


def due(store: Store, issue_id: int, now: datetime | None) -> list[Delivery]:
    """What is to be sent of an issue, in a fixed order: all that is not settled, or, with `now`, of the deferred ones
    only those whose time has come. Only for who holds the right to deliver, to whom what is in flight is
    in doubt; that comes last, so that a process that dies early again and again does not mail one reader each time."""
    rows = store.rows(
        """SELECT * FROM deliveries WHERE issue_id = ? AND state IN ('pending', 'inflight', 'deferred')
        AND (? IS NULL OR next_at IS NULL OR next_at <= ?) ORDER BY state = 'inflight', id""",
        (issue_id, time_to_text(now), time_to_text(now)),
    )
    return [_delivery(row) for row in rows]


def start(store: Store, delivery: Delivery, now: datetime) -> bool:
    """Records that the message is about to go out; False, and nothing is recorded, when its issue is held by now."""
    with store.write():
        cursor = store.conn.execute(
            f"""UPDATE deliveries SET state = 'inflight', attempts = attempts + 1, next_at = NULL, updated_at = ?
            WHERE id = ? AND issue_id IN (SELECT id FROM issues WHERE {MAY_GO})""",
            (time_to_text(now), delivery.id),
        )
        return cursor.rowcount == 1


def put_back(store: Store, delivery: Delivery, reason: str, now: datetime) -> None:
    """Records that the message did not go out at all, because the server as a whole failed. One that was in doubt
    before still is."""
    state = "inflight" if delivery.in_doubt else "pending"
    with store.write():
        store.conn.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts - 1, reply = ?, updated_at = ? WHERE id = ?",
            (state, reason, time_to_text(now), delivery.id),
        )


def settle(store: Store, delivery: Delivery, receipt: Receipt, next_at: datetime | None, now: datetime) -> None:
    """Records what the server said; `next_at` is when to try a deferred one again. One in doubt stays so until it is
    accepted or refused, through any number of deferrals."""
    doubtful = receipt.state == "deferred" and (receipt.in_doubt or delivery.in_doubt)
    state = "inflight" if doubtful else receipt.state
    with store.write():
        store.conn.execute(
            "UPDATE deliveries SET state = ?, reply = ?, next_at = ?, updated_at = ? WHERE id = ?",
            (state, receipt.reply, time_to_text(next_at), time_to_text(now), delivery.id),
        )


def tally(store: Store, issue_ids: Sequence[int]) -> Tally:
    """The balance of some issues' deliveries."""
    rows = store.rows(
        f"""SELECT CASE WHEN next_at IS NOT NULL AND state = 'inflight' THEN 'deferred' ELSE state END AS state,
        count(*) AS n FROM deliveries WHERE issue_id IN ({", ".join("?" * len(issue_ids))}) GROUP BY 1""",
        tuple(issue_ids),
    )
    counts = {row["state"]: row["n"] for row in rows}
    return Tally(
        accepted=counts.get("accepted", 0),
        rejected=counts.get("rejected", 0),
        deferred=counts.get("deferred", 0),
        suppressed=counts.get("suppressed", 0),
        pending=counts.get("pending", 0) + counts.get("inflight", 0),
    )


def _delivery(row: sqlite3.Row) -> Delivery:
    return Delivery(
        id=row["id"],
        issue_id=row["issue_id"],
        address=row["address"],
        message_id=row["message_id"],
        attempts=row["attempts"],
        in_doubt=row["state"] == "inflight",
        language=row["language"],
    )
