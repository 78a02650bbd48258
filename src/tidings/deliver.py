"""The second half of the digest pipe: frozen issues to their readers.

    open deliveries
    | letters      the issue rendered once for each language, then a message for each reader
    | deliver      inflight is committed, the message goes out, its outcome is committed

Only one process delivers at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tidings.errors import MailError
from tidings.letters import PostOffice, render, write
from tidings.mail.transport import Transport
from tidings.mail.verp import return_address
from tidings.model import Delivery, Edition, Receipt
from tidings.render.mail import RenderedMail
from tidings.store import Store, deliveries, exclusive, issue_states, issues, site
from tidings.store.deliveries import Tally
from tidings.store.issues import StoredIssue

_LADDER = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720))
_GIVE_UP_AFTER = timedelta(hours=48)  # By age, not by tries: an operator who sends again by hand uses none up.
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBT = "an earlier try was in flight when its process ended, so this may have come already"
_DOUBLINGS = 4  # From five minutes that is past the longest pause; without an end the number would overflow.


@dataclass(frozen=True, slots=True)
class Pace:
    """The time delivery runs in: what time it is, whether to stop before the next message, how to wait (seconds)."""

    clock: Callable[[], datetime]
    stop: Callable[[], bool]
    pause: Callable[[float], object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One delivery of a pass and what became of it. One that had been in flight when an earlier process died
    (`delivery.in_doubt`) may have come twice."""

    delivery: Delivery
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What one delivery pass came to: `outcomes` are its own, `tally` is the balance of the issues it worked on."""

    tally: Tally
    outcomes: tuple[Outcome, ...] = ()

    @property
    def sent(self) -> int:
        """How many messages the pass tried to hand over."""
        return len([outcome for outcome in self.outcomes if outcome.receipt.state != "suppressed"])

    @property
    def in_doubt(self) -> tuple[Delivery, ...]:
        """Those that came now, and may have come before."""
        arrived = [outcome.delivery for outcome in self.outcomes if outcome.receipt.state == "accepted"]
        return tuple(delivery for delivery in arrived if delivery.in_doubt)


def deliver(store: Store, edition: Edition, office: PostOffice, pace: Pace) -> Dispatch:
    """Sends everything of `edition` that is not settled yet, whether its time to be tried again has come or not; but
    nothing of an issue that is in review or held.

    Raises MailError when the transport as a whole fails; what was not sent stays due. Only one process delivers at a
    time, so what is found in flight was left by one that died.
    """
    issue_states.end_reviews(store, edition.name, pace.clock())
    return _deliver(store, edition, office, pace, lambda issue: deliveries.due(store, issue.id, None))


def deliver_due(store: Store, edition: Edition, office: PostOffice, pace: Pace) -> Dispatch:
    """The same for the deliveries whose time has come; after a failing server, later and later."""

    def due_now(issue: StoredIssue) -> list[Delivery]:
        now = pace.clock()
        waiting = issue.retry_at is not None and issue.retry_at > now
        return [] if waiting else deliveries.due(store, issue.id, now)

    issue_states.end_reviews(store, edition.name, pace.clock())
    if not issues.undelivered(store, edition.name):
        return Dispatch(Tally())
    return _deliver(store, edition, office, pace, due_now)


def _deliver(
    store: Store,
    edition: Edition,
    office: PostOffice,
    pace: Pace,
    wanted: Callable[[StoredIssue], list[Delivery]],
) -> Dispatch:
    with exclusive(store, "deliver", pace.stop), office.open_transport() as transport:
        counter = _Counter(store, transport, edition, office, pace)
        open_issues = issues.undelivered(store, edition.name)
        for issue in open_issues:
            due = wanted(issue)
            if due:
                counter.hand_over(issue, due)
        return Dispatch(deliveries.tally(store, [issue.id for issue in open_issues]), tuple(counter.outcomes))


class _Counter:
    """Hands messages over, one after the other, and keeps what became of them."""

    def __init__(self, store: Store, transport: Transport, edition: Edition, office: PostOffice, pace: Pace) -> None:
        self.outcomes: list[Outcome] = []
        self._store = store
        self._transport = transport
        self._edition = edition
        self._office = office
        self._pace = pace
        self._subscribers = {address.casefold() for address in edition.addresses}
        self._secret = site.secret(store) if office.bounces else b""

    def hand_over(self, issue: StoredIssue, due: Sequence[Delivery]) -> None:
        """Sends what is due of an issue until told to stop, or until the issue is held."""
        languages = {one.language for one in due}
        mails = {language: render(issue.content, self._office, language) for language in languages}
        failures = issue.failures
        for delivery in due:
            if self._pace.stop():
                return
            if delivery.address.casefold() not in self._subscribers:
                self._settle(issue, delivery, Receipt("suppressed", "not a subscriber any more"))
                continue
            if not self._wait_for_turn():
                return
            receipt = self._send(issue, delivery, mails[delivery.language], failures)
            if receipt is None:
                return
            self._settle(issue, delivery, receipt)
            if failures:
                failures = 0
                issues.record_trouble(self._store, issue.id, None, 0)

    def _wait_for_turn(self) -> bool:
        """Keeps to the rate, over all issues of a pass; False when told to stop meanwhile."""
        if not self.outcomes or not self._office.rate:
            return True
        self._pace.pause(1 / self._office.rate)
        return not self._pace.stop()

    def _send(self, issue: StoredIssue, delivery: Delivery, mail: RenderedMail, failures: int) -> Receipt | None:
        """Sends one message, or returns None when its issue is held by now. After `failures` failures of the whole
        server in a row, one more means a longer pause."""
        now = self._pace.clock()
        address, identity = delivery.address, delivery.message_id
        letter = write(issue.content, mail, self._edition, self._office, address, identity, now)
        if not deliveries.start(self._store, delivery, now):
            return None
        try:
            return self._transport.send(self._envelope_sender(delivery), address, letter)
        except MailError as error:
            deliveries.put_back(self._store, delivery, str(error), now)
            retry_at = now + min(_LADDER[0] * 2 ** min(failures, _DOUBLINGS), _LONGEST_PAUSE)
            issues.record_trouble(self._store, delivery.issue_id, retry_at, failures + 1)
            raise

    def _envelope_sender(self, delivery: Delivery) -> str:
        """Where bounces go: to an address that names the delivery, if there is one to make it of."""
        if not self._office.bounces:
            return self._office.envelope_sender
        return return_address(self._office.bounces, delivery.id, self._secret)

    def _settle(self, issue: StoredIssue, delivery: Delivery, receipt: Receipt) -> None:
        """Records an outcome; of a message in doubt also that it was, because this pass may die before it reports."""
        now = self._pace.clock()
        next_at = None
        if receipt.state == "deferred":
            if now - (issue.released_at or issue.content.frozen_at) >= _GIVE_UP_AFTER:
                receipt = Receipt("rejected", f"given up after {delivery.attempts + 1} tries: {receipt.reply}")
            else:
                next_at = now + _LADDER[min(delivery.attempts, len(_LADDER) - 1)]
        if delivery.in_doubt:
            receipt = replace(receipt, reply=f"{receipt.reply} ({_DOUBT})")
        deliveries.settle(self._store, delivery, receipt, next_at, now)
        self.outcomes.append(Outcome(delivery, receipt))
