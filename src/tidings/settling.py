"""What becomes of a delivery after its message: the rules of trying again, and what a pass keeps of its outcomes. No
clock, disk or network."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tidings.errors import MailError
from tidings.mail.bounces_meaning import report_of, status_in
from tidings.mail.bounces_score import sign_of
from tidings.model import Delivery, DeliveryState, Receipt, Sign
from tidings.standing import Failure
from tidings.store.deliveries import GIVEN_UP, Settlement
from tidings.store.issues import StoredIssue

MOST_NAMED = 1000
"""So many outcomes of a pass are kept by name; a long list must not fill the memory."""

REFUSALS = 5
"""So many refusals of the message as such in a row stop its issue: then it is not the readers. So does it when nobody
knows, as often, whether a message was taken."""

_FEW = 5  # refusals of readers, however few mails were taken
LADDER = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720))
# By age, or an operator who sends again by hand would use tries up; and by tries, or an issue that is late as a whole,
# since its mail server was down for days, would lose all readers of servers that put off whom they do not know.
_GIVE_UP_AFTER = timedelta(hours=48)
_LEAST_TRIES = len(LADDER) + 1
_DOUBT = "the outcome of an earlier try is not known, so this may have come already"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One delivery of a pass and what became of it. One whose earlier outcome was not known (`delivery.in_doubt`) may
    have come twice."""

    delivery: Delivery
    receipt: Receipt


@dataclass(slots=True)
class Book:
    """What a pass came to: how many deliveries reached each state, those `given_up` apart, and by name those that
    somebody may want to know of."""

    counts: Counter[str] = field(default_factory=Counter)
    named: list[Outcome] = field(default_factory=list)

    @property
    def is_likely(self) -> bool:
        """Whether refusals are about their readers: where they are the rule, it is more likely that a mail server
        between us and them is set up wrongly, and knows nobody."""
        return self.counts["rejected"] + self.counts["given_up"] <= max(_FEW, self.counts["accepted"])

    def enter(self, delivery: Delivery, receipt: Receipt) -> None:
        self.counts["given_up" if is_given_up(receipt) else receipt.state] += 1
        is_plain = receipt.state in ("accepted", "suppressed") and not delivery.in_doubt
        if not is_plain and len(self.named) < MOST_NAMED:
            self.named.append(Outcome(delivery, receipt))


@dataclass(slots=True)
class Misgivings:
    """What may be wrong with an issue, or with the server, rather than with readers: that the message as such was
    refused, and that nobody knows whether it was taken, so often in a row. A message that is taken ends both."""

    issue: str
    edition: str
    connections: int
    refused: list[Outcome] = field(default_factory=list)
    in_doubt: int = 0

    def refuse(self, outcome: Outcome) -> MailError | None:
        """The message was refused as such. Whether that is about this reader, or about the issue, the next ones tell:
        an error when they have."""
        self.refused.append(outcome)
        return self.verdict() if len(self.refused) >= REFUSALS else None

    def verdict(self) -> MailError:
        """That the issue is refused, and not its readers."""
        return MailError(
            f"{self.issue}: the mail server refuses the message itself, {len(self.refused)} times in a row and whoever "
            f"the reader ({self.refused[-1].receipt.reply}); its readers stay due. `tidings check {self.edition}` may "
            "say why"
        )

    def doubt(self, receipt: Receipt) -> MailError | None:
        """Nobody knows whether the message was taken. A server that goes away once does so to all connections; time and
        again it would leave every reader in doubt, and mail them twice."""
        self.in_doubt += 1
        if self.in_doubt < max(REFUSALS, self.connections + 1):
            return None
        return MailError(
            f"{self.issue}: the mail server leaves it open whether it took the message, {self.in_doubt} times in a row "
            f"({receipt.reply}); the other readers stay due"
        )

    def end(self) -> list[Outcome]:
        """A message was taken. Returns those refused before it: they were refused for their readers."""
        refused, self.refused, self.in_doubt = self.refused, [], 0
        return refused


def is_given_up(receipt: Receipt) -> bool:
    """Whether a delivery ended since we gave it up, and not by a server's word."""
    return receipt.state == "rejected" and receipt.reply.startswith(GIVEN_UP)


def throttled(receipt: Receipt) -> MailError:
    """That a server has asked for less too often, and when it is tried again."""
    return MailError(
        f"the mail server wants less, or a pause, again and again: {receipt.reply}; the rest stays due: `tidings run` "
        "tries again after 5 minutes, then later and later, up to an hour, and `tidings send` at once"
    )


def gone_since(issue: StoredIssue) -> datetime:
    """Since when an issue may go: what its age is counted from."""
    return issue.released_at or issue.content.frozen_at


def settlement(delivery: Delivery, receipt: Receipt, since: datetime, now: datetime) -> Settlement:
    """What an outcome makes of a delivery of an issue that may go `since`. Later means later each time, until it is
    given up; one that was made later than its issue has its own time. Of one in doubt it is recorded that it is."""
    next_at = now + LADDER[min(delivery.attempts, len(LADDER) - 1)]
    state, reply = receipt.state, receipt.reply
    is_old = now - (delivery.since or since) >= _GIVE_UP_AFTER
    if state == "deferred" and is_old and delivery.attempts + 1 >= _LEAST_TRIES:
        state, reply = "rejected", f"{GIVEN_UP}after {delivery.attempts + 1} tries: {reply}"
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


def failure(delivery: Delivery, receipt: Receipt, state: DeliveryState) -> Failure | None:
    """What an outcome that led to a `state` says against its reader: a server refused the reader, or the reader was
    given up. That a message is refused as such says nothing."""
    if state != "rejected" or (receipt.state == "rejected" and not receipt.refused_at):
        return None
    sign = sign_in(receipt, delivery.issue_id, is_final=receipt.refused_at == "rcpt")
    return Failure(delivery.address, sign, receipt.reply) if sign else None


def sign_in(receipt: Receipt, number: int, *, is_final: bool) -> Sign | None:
    """What a server's refusal of the mail of some `number` says against its reader. `is_final`: that there is no such
    user ends all at once."""
    report = report_of("", "failed", status_in(receipt.reply), receipt.reply, "")
    return sign_of(report, number, at_rcpt=is_final)
