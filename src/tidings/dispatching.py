"""One issue to its readers over several connections: the one who tells them what to do, and keeps the ledger.

The connections are threads that know no database (mail/connections.py). Everything they ask and tell comes in here, and
is written down for all of them together: the outcomes so far, and which messages are about to go, in one synced
transaction. So a crash leaves one message for each connection in doubt, however few transactions there are.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from tidings.errors import MailError, RenderError
from tidings.letters import PostOffice, render, token, write
from tidings.mail.connections import Asked, Connections, Ended, Event
from tidings.mail.pacing import UNLIMITED, Pacing
from tidings.mail.transport import Parcel
from tidings.mail.verp import return_address
from tidings.model import Delivery, Edition, Receipt
from tidings.render.mail import RenderedMail
from tidings.settling import LADDER, Book, Outcome, gone_since, settlement
from tidings.store import Store, deliveries, issues, keys, site, subscribers
from tidings.store.deliveries import Settlement
from tidings.store.issues import StoredIssue

REFUSALS = 5
"""So many refusals of the message as such in a row stop its issue: then it is not the readers."""

_CROWDED_FOR = timedelta(minutes=30)
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBLINGS = 4  # From five minutes that is past the longest pause; without an end the number would overflow.
_CHANCES = 3  # of a reader at whose name the server hangs up, before it is put off
_BATCH = 100
_MOST_LEASED = 1000
_GATHERING_SECONDS = 0.005  # how long outcomes wait to be written down together with what goes next
_LONGEST_WAIT = 1.0  # seconds, so that a signal is noticed


@dataclass(frozen=True, slots=True)
class Pace:
    """The time delivery runs in: what time it is, whether to stop before the next message, how to wait (seconds)."""

    clock: Callable[[], datetime]
    stop: Callable[[], bool]
    pause: Callable[[float], object]


class Dispatcher:
    """Hands one issue over. All its methods run on the thread that owns the store."""

    def __init__(
        self,
        store: Store,
        connections: Connections,
        edition: Edition,
        office: PostOffice,
        pace: Pace,
        pacing: Pacing,
        book: Book,
        issue: StoredIssue,
    ) -> None:
        self._store = store
        self._connections = connections
        self._edition = edition
        self._office = office
        self._pace = pace
        self._pacing = pacing
        self._book = book
        self._issue = issue
        self._secret = site.secret(store) if office.bounces else b""
        self._keys = keys.usable(store, pace.clock()) if office.one_click else ()
        self._mails: dict[str, RenderedMail] = {}
        self._faults: dict[str, RenderError] = {}
        # Each connection has a message in hand and the next one waiting; not where that would blur a rate.
        self._depth = 2 if office.limits == UNLIMITED else 1
        self._queues: dict[int, deque[Delivery]] = {number: deque() for number in range(office.connections)}
        self._broken: set[int] = set()
        self._called_back: set[int] = set()
        self._proven = False
        self._backlog: list[Delivery] = []
        self._is_all_leased = False
        self._unsaved: list[Settlement] = []
        self._put_backs: Counter[int] = Counter()
        self._refused: list[Outcome] = []
        self._crowded: set[str] = set()
        self._is_over = False
        self._error: MailError | None = None
        self._failures = issue.failures

    def run(self) -> None:
        """Sends what is due of the issue until told to stop, until it is held, or until the server fails as a whole;
        raises MailError then. Raises RenderError, after all others have theirs, when there are readers it cannot be
        written to. What was not sent stays due."""
        while True:
            wait = self._hand_out()
            if not self._is_busy and wait is None:
                break
            if self._is_busy:
                self._take_in(self._connections.events(self._patience(wait)))
            elif wait is not None:
                self._save([])
                self._pace.pause(min(wait, _LONGEST_WAIT))
        self._save([])
        self._end_refusals()
        deliveries.release(self._store)
        if self._error is not None:
            self._record_trouble()
            raise self._error
        if self._faults:
            raise next(iter(self._faults.values()))

    @property
    def _is_busy(self) -> bool:
        return any(self._queues.values())

    def _patience(self, wait: float | None) -> float | None:
        """How long to wait for news of what is in hand, in seconds."""
        if self._unsaved:
            return _GATHERING_SECONDS
        return None if wait is None else min(wait, _LONGEST_WAIT)

    # ------------------------------------------------------------------------------------------------ handing out

    def _hand_out(self) -> float | None:
        """Gives the connections messages. Returns in how many seconds another may go, or None if none is left for now,
        or nobody to take it."""
        while (number := self._least_busy()) is not None:
            self._look_for_stop()
            if self._is_over:
                return None
            now = self._pace.clock()
            while not self._backlog and not self._is_all_leased:
                self._lease(now)
            if not self._backlog or (self._is_busy and not self._proven):
                return None  # One connection tries the server first: a wrong password is said once, not by all.
            wait = self._pacing.server_wait(now)
            if wait:
                return wait.total_seconds()
            delivery = self._next(now)
            if not isinstance(delivery, Delivery):
                return delivery
            self._hand(number, delivery, now)
        return None

    def _look_for_stop(self) -> None:
        """Told to stop, connections finish what they have in hand; what waits behind that is called back."""
        if not self._is_over and self._pace.stop():
            self._is_over = True
            self._called_back = {one.id for queue in self._queues.values() for one in list(queue)[1:]}

    def _least_busy(self) -> int | None:
        """The connection with the least to do that can take another message."""
        number = min(self._queues, key=lambda one: (one in self._broken, len(self._queues[one])))
        return None if number in self._broken or len(self._queues[number]) >= self._depth else number

    def _next(self, now: datetime) -> Delivery | float | None:
        """The next delivery that may go; else in how many seconds one may, or None if none is waiting for time alone.
        Looks far enough ahead that a crowded domain does not hold up the others."""
        waits: list[timedelta] = []
        looked_at = 0
        while True:
            for place in range(looked_at, len(self._backlog)):
                wait = self._pacing.domain_wait(_domain(self._backlog[place]), now)
                if wait is not None and not wait:
                    return self._backlog.pop(place)
                if wait is not None:
                    waits.append(wait)
            looked_at = len(self._backlog)
            if self._is_all_leased or looked_at >= _MOST_LEASED:
                return min(waits).total_seconds() if waits else None
            self._lease(now)

    def _lease(self, now: datetime) -> None:
        """Takes more deliveries in hand: only of readers who may still be mailed, and not of crowded domains."""
        on_uncertain: deliveries.OnUncertain = "resend" if self._office.resend else "hold"
        batch = self._named(deliveries.lease(self._store, self._issue.id, _BATCH, on_uncertain, now))
        wanting = self._may_be_mailed(batch, now)
        for one in batch:
            if one.address not in wanting:
                self._settle(one, Receipt("suppressed", "not a subscriber any more"))
            elif _domain(one) in self._crowded:
                self._set_aside(one, Receipt("crowded", "its domain wants less mail at a time"))
            elif fault := self._fault_of(one.language):
                self._set_aside(one, Receipt("crowded", f"cannot be written: {fault}"))
            else:
                self._backlog.append(one)
        self._is_all_leased = not batch

    def _named(self, batch: list[Delivery]) -> list[Delivery]:
        """Deliveries with what their readers are called in links."""
        if not self._keys:
            return batch
        names = subscribers.public_ids(self._store, [one.address for one in batch])
        return [replace(one, reader=names.get(one.address, "")) for one in batch]

    def _may_be_mailed(self, batch: list[Delivery], now: datetime) -> set[str]:
        """The readers who still want the edition: asked when messages are taken in hand, not when they were frozen."""
        return subscribers.may_be_mailed(self._store, self._edition.name, [one.address for one in batch], now)

    def _hand(self, number: int, delivery: Delivery, now: datetime) -> None:
        self._queues[number].append(delivery)
        self._pacing.begin(_domain(delivery), now)
        make = partial(
            write,
            self._issue.content,
            self._mails[delivery.language],
            self._edition,
            self._office,
            delivery.address,
            delivery.message_id,
            now,
            token(self._issue.content, delivery.reader, self._keys, now),
        )
        self._connections.hand(number, Parcel(self._envelope_sender(delivery), delivery.address, make))

    def _fault_of(self, language: str) -> RenderError | None:
        """Renders the issue for the readers of a language, once. What is wrong with its words, or with the templates,
        is found before any of them is in hand, and stops no others."""
        if language not in self._mails and language not in self._faults:
            try:
                self._mails[language] = render(self._issue.content, self._office, language, self._keys)
            except RenderError as error:
                self._faults[language] = error
        return self._faults.get(language)

    def _envelope_sender(self, delivery: Delivery) -> str:
        """Where bounces go: to an address that names the delivery, if there is one to make it of."""
        if not self._office.bounces:
            return self._office.envelope_sender
        return return_address(self._office.bounces, delivery.id, self._secret)

    # -------------------------------------------------------------------------------------------------- taking in

    def _take_in(self, events: list[Event]) -> None:
        asked = [event.number for event in events if isinstance(event, Asked)]
        for event in events:
            if isinstance(event, Ended):
                self._ended(event)
        if asked or not events:
            self._save(asked)

    def _save(self, asked: list[int]) -> None:
        """Writes down what became of messages and which are about to go, then lets those go."""
        self._proven = self._proven or bool(asked)
        may_go: set[int] = set()
        if self._unsaved or asked:
            now = self._pace.clock()
            ids = [self._queues[number][0].id for number in asked]
            with self._store.write():
                deliveries.settle(self._store, self._unsaved, now)
                if self._error is None:
                    may_go = deliveries.start(self._store, [one for one in ids if one not in self._called_back], now)
        self._unsaved = []
        for number in asked:
            self._connections.permit(number, may_go=self._queues[number][0].id in may_go)

    def _ended(self, event: Ended) -> None:
        self._look_for_stop()
        delivery = self._queues[event.number].popleft()
        self._pacing.end(_domain(delivery))
        if isinstance(event.outcome, Receipt):
            self._receive(delivery, event.outcome)
        elif isinstance(event.outcome, MailError):
            self._put_back(delivery, Receipt("gone", str(event.outcome)))
            self._do_without(event.number, event.outcome)
        else:
            self._save([])
            raise event.outcome

    def _do_without(self, number: int, error: MailError) -> None:
        """A server may take fewer connections than we would make: the others go on, as long as there are any."""
        self._broken.add(number)
        if not self._proven or len(self._broken) == len(self._queues):
            self._fail(error)

    def _receive(self, delivery: Delivery, receipt: Receipt) -> None:
        now, domain = self._pace.clock(), _domain(delivery)
        match receipt.state:
            case "gone" if self._put_backs[delivery.id] >= _CHANCES:
                self._settle(delivery, replace(receipt, state="deferred"))
            case "throttled" | "gone":
                self._put_back(delivery, receipt)
                if not self._pacing.slow_down(now):
                    self._fail(MailError(f"the mail server wants less, or a pause, again and again: {receipt.reply}"))
            case "crowded":
                if self._pacing.slow_domain(domain, now):
                    self._put_back(delivery, receipt)
                else:
                    self._crowd(delivery, receipt)
            case "refused":
                self._refuse(Outcome(delivery, receipt))
            case "withdrawn":
                self._put_back(delivery, receipt)
                self._is_over = True
            case _:
                self._settle(delivery, receipt)

    def _settle(self, delivery: Delivery, receipt: Receipt) -> None:
        now = self._pace.clock()
        one = settlement(delivery, receipt, gone_since(self._issue), now)
        self._unsaved.append(one)
        final = replace(receipt, reply=one.reply, state="rejected" if one.state == "rejected" else receipt.state)
        self._book.enter(delivery, final)
        if receipt.state == "accepted":
            self._pacing.taken(_domain(delivery))
            self._forgive()
        if self._failures:
            self._failures = 0
            issues.record_trouble(self._store, self._issue.id, None, 0)

    def _put_back(self, delivery: Delivery, receipt: Receipt) -> None:
        """Nothing has left, and the reader is not to blame: it comes again in this pass, after the others in hand."""
        self._unsaved.append(settlement(delivery, receipt, gone_since(self._issue), self._pace.clock()))
        self._backlog.append(delivery)
        self._put_backs[delivery.id] += 1

    def _crowd(self, delivery: Delivery, receipt: Receipt) -> None:
        """A domain that has asked for less too often is left alone for a while, with all its readers."""
        domain = _domain(delivery)
        self._crowded.add(domain)
        same = [one for one in self._backlog if _domain(one) == domain]
        self._backlog = [one for one in self._backlog if _domain(one) != domain]
        for one in (delivery, *same):
            self._set_aside(one, receipt)

    def _set_aside(self, delivery: Delivery, receipt: Receipt) -> None:
        next_at = self._pace.clock() + _CROWDED_FOR
        self._unsaved.append(Settlement(delivery.id, "pending", receipt.reply, next_at, tried=False))

    # -------------------------------------------------------------------------------------------- when it goes wrong

    def _refuse(self, outcome: Outcome) -> None:
        """The message was refused as such. Whether that is about this reader, or about the issue, the next ones tell:
        until then it stays in hand."""
        self._refused.append(outcome)
        self._unsaved.append(settlement(outcome.delivery, outcome.receipt, gone_since(self._issue), self._pace.clock()))
        if len(self._refused) >= REFUSALS:
            self._stop_issue()

    def _forgive(self) -> None:
        """A message was taken, so those refused before it were refused for their readers."""
        refused, self._refused = self._refused, []
        for one in refused:
            self._settle(one.delivery, replace(one.receipt, state="rejected"))

    def _end_refusals(self) -> None:
        """Fewer were refused than stop an issue, and then nobody was left: they are to blame if anyone got it."""
        if not self._refused or self._error:
            return
        if deliveries.tally(self._store, [self._issue.id]).accepted:
            self._forgive()
            self._save([])
        else:
            self._stop_issue()

    def _stop_issue(self) -> None:
        name, last = self._issue.content.name, self._refused[-1].receipt.reply
        self._fail(
            MailError(
                f"{name}: the mail server refuses the message itself, {len(self._refused)} times in a row and whoever "
                f"the reader ({last}); its readers stay due. `tidings check {self._edition.name}` may say why"
            )
        )

    def _fail(self, error: MailError) -> None:
        self._error = self._error or error
        self._is_over = True

    def _record_trouble(self) -> None:
        pause = min(LADDER[0] * 2 ** min(self._failures, _DOUBLINGS), _LONGEST_PAUSE)
        issues.record_trouble(self._store, self._issue.id, self._pace.clock() + pause, self._failures + 1)


def _domain(delivery: Delivery) -> str:
    return delivery.address.rpartition("@")[2].casefold()
