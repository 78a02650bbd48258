"""What becomes of a delivery after its message: the rules of trying again, and what a pass keeps of its outcomes. No
clock, disk or network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tidings.model import Delivery, Receipt
from tidings.store.deliveries import Settlement
from tidings.store.issues import StoredIssue

MOST_NAMED = 1000
"""So many outcomes of a pass are kept by name; a long list must not fill the memory."""

LADDER = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720))
_GIVE_UP_AFTER = timedelta(hours=48)  # By age, not by tries: an operator who sends again by hand uses none up.
_DOUBT = "the outcome of an earlier try is not known, so this may have come already"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One delivery of a pass and what became of it. One whose earlier outcome was not known (`delivery.in_doubt`) may
    have come twice."""

    delivery: Delivery
    receipt: Receipt


@dataclass(slots=True)
class Book:
    """What a pass came to: how many deliveries reached each state, and by name those that somebody may want to know
    of."""

    counts: Counter[str] = field(default_factory=Counter)
    named: list[Outcome] = field(default_factory=list)

    def enter(self, delivery: Delivery, receipt: Receipt) -> None:
        self.counts[receipt.state] += 1
        is_plain = receipt.state in ("accepted", "suppressed") and not delivery.in_doubt
        if not is_plain and len(self.named) < MOST_NAMED:
            self.named.append(Outcome(delivery, receipt))


def gone_since(issue: StoredIssue) -> datetime:
    """Since when an issue may go: what its age is counted from."""
    return issue.released_at or issue.content.frozen_at


def settlement(delivery: Delivery, receipt: Receipt, since: datetime, now: datetime) -> Settlement:
    """What an outcome makes of a delivery of an issue that may go `since`. Later means later each time, until it is
    given up; one that was made later than its issue has its own time. Of one in doubt it is recorded that it is."""
    next_at = now + LADDER[min(delivery.attempts, len(LADDER) - 1)]
    state, reply = receipt.state, receipt.reply
    if state == "deferred" and now - (delivery.since or since) >= _GIVE_UP_AFTER:
        state, reply = "rejected", f"given up after {delivery.attempts + 1} tries: {reply}"
    if delivery.in_doubt:
        reply = f"{reply} ({_DOUBT})"
    match state:
        case "accepted" | "rejected":
            return Settlement(delivery.id, state, reply)
        case "deferred" | "uncertain":
            return Settlement(delivery.id, state, reply, next_at)
        case "suppressed":
            return Settlement(delivery.id, state, reply, tried=False)
        case _:  # nothing of its reader: still in hand
            return Settlement(delivery.id, "leased", reply, tried=False)
