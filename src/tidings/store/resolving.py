"""Deliveries as the operator sees them: who got what, and deciding on those that wait for a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tidings.errors import StoreError
from tidings.store import emptying
from tidings.store.database import Store, stored_time, text_to_time, time_to_text
from tidings.store.deliveries import GIVEN_UP
from tidings.store.issues import StoredIssue

Decision = Literal["sent", "send", "give-up"]
"""It has come; send it, again or after all; do not send it any more."""

_ASKED_FOR = """(:issue IS NULL OR d.issue_id = :issue) AND (:state IS NULL OR d.state = :state)
    AND (:address IS NULL OR casefold(d.address) = casefold(:address))"""

_DECIDED: dict[Decision, tuple[str, str, tuple[str, ...]]] = {
    "sent": ("accepted", "it came: decided by hand", ("uncertain",)),
    "send": ("pending", "to be sent: decided by hand", ("uncertain", "expired", "deferred")),
    "give-up": ("rejected", f"{GIVEN_UP}by hand", ("uncertain", "expired", "deferred")),
}


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery with the name of its issue. `doubts` is how often its outcome was not known."""

    issue: str
    address: str
    state: str
    attempts: int
    doubts: int
    reply: str
    next_at: datetime | None
    updated_at: datetime
    message_id: str


def listed(store: Store, issue_id: int | None, state: str | None, address: str | None, limit: int) -> list[DeliveryRow]:
    """Deliveries of one issue or of all, the newest issues first, at most `limit`; only those in a state or to an
    address, if one is named. The case of an address does not matter."""
    rows = store.rows(
        f"""SELECT d.*, i.edition || '-' || i.number AS issue FROM deliveries d JOIN issues i ON i.id = d.issue_id
        WHERE {_ASKED_FOR} ORDER BY i.frozen_at DESC, i.id DESC, d.id LIMIT :limit""",
        {"issue": issue_id, "state": state, "address": address, "limit": limit},
    )
    return [
        DeliveryRow(
            issue=row["issue"],
            address=row["address"],
            state=row["state"],
            attempts=row["attempts"],
            doubts=row["doubts"],
            reply=row["reply"],
            next_at=text_to_time(row["next_at"]),
            updated_at=stored_time(row["updated_at"]),
            message_id=row["message_id"],
        )
        for row in rows
    ]


def count(store: Store, issue_id: int | None, state: str | None, address: str | None) -> int:
    """How many `listed` would give without a limit."""
    row = store.row(
        f"SELECT count(*) AS n FROM deliveries d WHERE {_ASKED_FOR}",
        {"issue": issue_id, "state": state, "address": address},
    )
    return int(row["n"]) if row else 0


def resolve(store: Store, issue: StoredIssue, addresses: Sequence[str], decision: Decision, now: datetime) -> list[str]:
    """Decides on deliveries of an issue that wait for it, those to `addresses` or all, and returns their addresses.

    Raises StoreError, and changes nothing, when one of `addresses` has none, or when they were to be sent and the
    issue was called off, or has no stories any more. What is to be sent goes with the next pass, however old it is.
    """
    state, reply, deciding = _DECIDED[decision]
    if issue.kept == "dropped" and decision == "send":
        raise StoreError(f"{issue.content.name} was called off: nothing of it is ever sent")
    if decision == "send" and emptying.is_emptied(store, issue.id):
        raise StoreError(f"{issue.content.name} is too old to be sent: its stories are not kept any more")
    wanted = {address.casefold() for address in addresses}
    with store.write():
        rows = store.rows(
            f"SELECT id, address FROM deliveries WHERE issue_id = ? AND state IN ({', '.join('?' * len(deciding))})"
            " ORDER BY id",
            (issue.id, *deciding),
        )
        found = [row for row in rows if not wanted or row["address"].casefold() in wanted]
        if missing := wanted - {row["address"].casefold() for row in found}:
            raise StoreError(
                f"{issue.content.name} has no delivery to {', '.join(sorted(missing))} that is "
                f"{' or '.join(deciding)}; nothing was changed"
            )
        next_at = time_to_text(now) if decision == "send" else None
        store.conn.executemany(
            "UPDATE deliveries SET state = ?, reply = ?, next_at = ?, updated_at = ? WHERE id = ?",
            [(state, reply, next_at, time_to_text(now), row["id"]) for row in found],
        )
    return [row["address"] for row in found]
