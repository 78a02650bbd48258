"""The digest pipe, one stage a line:

    due editions
    | select       stories the edition has not carried, edits it has not told of
    | compose      what the issue shows of them
    | freeze       issue, items and one delivery per subscriber: one transaction, then the content never changes
    | render       once an issue
    | deliver      inflight is committed, the message goes out, its outcome is committed

Select to freeze run inside one write transaction, so two processes can't put one story into two issues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr

from tidings.editions.compose import Masthead, compose
from tidings.editions.schedule import latest_slot
from tidings.editions.select import TOLD_WITHIN, select, select_updates
from tidings.errors import MailError
from tidings.mail.dkim import Signer
from tidings.mail.message import Envelope, build, domain_of, message_id
from tidings.mail.transport import Transport
from tidings.mail.verp import return_address
from tidings.model import Delivery, Edition, IssueContent, Receipt, Source
from tidings.render.mail import MailFooter, RenderedMail, render_issue
from tidings.store import Store, deliveries, exclusive, feeds, issues, site
from tidings.store.deliveries import Tally
from tidings.store.issues import Letter, StoredIssue

_LADDER = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 60, 240, 720))
_GIVE_UP_AFTER = timedelta(hours=48)  # By age, not by tries: an operator who sends again by hand uses none up.
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBT = "an earlier try was in flight when its process ended, so this may have come already"
_DOUBLINGS = 4  # From five minutes that is past the longest pause; without an end the number would overflow.


@dataclass(frozen=True, slots=True)
class PostOffice:
    """How mail goes out: from whom, through what, at most how many messages a second, signed by whom. `bounces` is the
    address that mail which cannot be delivered goes back to, if it is not the sender's."""

    sender: str
    reply_to: str
    postal_address: str
    open_transport: Callable[[], AbstractContextManager[Transport]]
    rate: float | None = None
    signers: tuple[Signer, ...] = ()
    bounces: str = ""

    @property
    def envelope_sender(self) -> str:
        """The address that a message which belongs to no delivery is sent from."""
        return self.bounces or parseaddr(self.sender)[1]


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


def draft(
    store: Store, edition: Edition, sources: Sequence[Source], masthead: Masthead, now: datetime
) -> IssueContent | None:
    """The next issue as it would be frozen at `now`, or None when there is nothing (or too little) new. Reads only."""
    own = feeds.own_names(store)
    covered = [source for source in sources if edition.covers(source) and source.name not in own]
    names = [source.name for source in covered]
    candidates = issues.candidates(store, edition.name, names, edition.backfill)
    limits = {source.name: source.max_posts for source in covered if source.max_posts is not None}
    stories = select(candidates, edition, limits)
    if not stories:
        return None
    edited = issues.edited(store, edition.name, names, now - TOLD_WITHIN) if edition.updates else []
    etiquette = {source.name: source.content for source in covered if source.content is not None}
    number = issues.next_number(store, edition.name)
    return compose(stories, edition, masthead, number, etiquette, now, select_updates(edited))


def freeze_next(
    store: Store, edition: Edition, sources: Sequence[Source], masthead: Masthead, office: PostOffice, now: datetime
) -> IssueContent | None:
    """Freezes the next issue with a delivery for each subscriber, or returns None when there is nothing new, or when an
    earlier issue is still to be finished: nobody wants two at once."""
    with store.write():
        if issues.interrupted(store, edition.name):
            return None
        content = draft(store, edition, sources, masthead, now)
        if content is not None:
            _freeze(store, content, edition, office, None, now)
        return content


def freeze_due(
    store: Store, edition: Edition, sources: Sequence[Source], masthead: Masthead, office: PostOffice, now: datetime
) -> IssueContent | None:
    """The same for the edition's latest slot, if that is still to be handled. Slots missed before it are not made up
    one by one: what they would have carried is in this issue."""
    slot = latest_slot(edition.schedule, edition.timezone, now)
    if slot is None or not issues.open_slot(store, edition.name, slot.key, slot.at):
        return None
    with store.write():
        if not issues.open_slot(store, edition.name, slot.key, slot.at):
            return None
        content = draft(store, edition, sources, masthead, now)
        if content is not None:
            _freeze(store, content, edition, office, slot.key, now)
        issues.record_slot(store, edition.name, slot.key, now)
        return content


def deliver(store: Store, edition: Edition, office: PostOffice, pace: Pace) -> Dispatch:
    """Sends everything of `edition` that is not settled yet, whether its time to be tried again has come or not.

    Raises MailError when the transport as a whole fails; what was not sent stays due. Only one process delivers at a
    time, so what is found in flight was left by one that died.
    """
    return _deliver(store, edition, office, pace, lambda issue: deliveries.due(store, issue.id, None))


def deliver_due(store: Store, edition: Edition, office: PostOffice, pace: Pace) -> Dispatch:
    """The same for the deliveries whose time has come; after a failing server, later and later."""

    def due_now(issue: StoredIssue) -> list[Delivery]:
        now = pace.clock()
        waiting = issue.retry_at is not None and issue.retry_at > now
        return [] if waiting else deliveries.due(store, issue.id, now)

    if not issues.undelivered(store, edition.name):
        return Dispatch(Tally())
    return _deliver(store, edition, office, pace, due_now)


def render(content: IssueContent, edition: Edition, office: PostOffice) -> RenderedMail:
    """An issue as mail: subject, HTML and text, the same for every reader."""
    footer = MailFooter(
        postal_address=office.postal_address,
        reason=f"You get this because you subscribed to {edition.title}.",
        contact=parseaddr(office.reply_to or office.sender)[1],
        web_url=f"{content.site_url}/{content.path}",
    )
    return render_issue(content, footer)


def message(
    content: IssueContent, mail: RenderedMail, edition: Edition, office: PostOffice, address: str, now: datetime
) -> bytes:
    """An issue as the message that `address` gets."""
    return _letter(content, mail, edition, office, address, _message_id(content, office, address), now)


def _letter(
    content: IssueContent,
    mail: RenderedMail,
    edition: Edition,
    office: PostOffice,
    address: str,
    identity: str,
    now: datetime,
) -> bytes:
    envelope = Envelope(
        office.sender, office.reply_to, edition.name, edition.title, content.number, f"{content.site_url}/"
    )
    return build(envelope, address, mail.subject, mail.html, mail.text, identity, now, signers=office.signers)


def _freeze(
    store: Store, content: IssueContent, edition: Edition, office: PostOffice, slot: str | None, now: datetime
) -> None:
    letters = [
        Letter(reader.address, _message_id(content, office, reader.address), reader.language)
        for reader in edition.subscribers
    ]
    with store.write():
        issues.freeze(store, content, letters, slot, now)
        issues.settle(store, edition.name, edition.backfill)


def _message_id(content: IssueContent, office: PostOffice, address: str) -> str:
    return message_id(content.edition, content.number, content.frozen_at, address, domain_of(office.sender))


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
        """Sends what is due of an issue until told to stop."""
        mails = {language: self._rendered(issue, language) for language in {one.language for one in due}}
        failures = issue.failures
        for delivery in due:
            if self._pace.stop():
                return
            if delivery.address.casefold() not in self._subscribers:
                self._settle(issue, delivery, Receipt("suppressed", "not a subscriber any more"))
                continue
            if not self._wait_for_turn():
                return
            self._settle(issue, delivery, self._send(issue, delivery, mails[delivery.language], failures))
            if failures:
                failures = 0
                issues.record_trouble(self._store, issue.id, None, 0)

    def _rendered(self, issue: StoredIssue, language: str) -> RenderedMail:
        content = replace(issue.content, language=language) if language else issue.content
        return render(content, self._edition, self._office)

    def _wait_for_turn(self) -> bool:
        """Keeps to the rate, over all issues of a pass; False when told to stop meanwhile."""
        if not self.outcomes or not self._office.rate:
            return True
        self._pace.pause(1 / self._office.rate)
        return not self._pace.stop()

    def _send(self, issue: StoredIssue, delivery: Delivery, mail: RenderedMail, failures: int) -> Receipt:
        """Sends one message; after `failures` failures of the whole server in a row, one more means a longer pause."""
        now = self._pace.clock()
        address, identity = delivery.address, delivery.message_id
        letter = _letter(issue.content, mail, self._edition, self._office, address, identity, now)
        deliveries.start(self._store, delivery, now)
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
            if now - issue.content.frozen_at >= _GIVE_UP_AFTER:
                receipt = Receipt("rejected", f"given up after {delivery.attempts + 1} tries: {receipt.reply}")
            else:
                next_at = now + _LADDER[min(delivery.attempts, len(_LADDER) - 1)]
        if delivery.in_doubt:
            receipt = replace(receipt, reply=f"{receipt.reply} ({_DOUBT})")
        deliveries.settle(self._store, delivery, receipt, next_at, now)
        self.outcomes.append(Outcome(delivery, receipt))
