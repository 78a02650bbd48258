"""Issues to their readers over several connections: the one who tells them what to do, and keeps the ledger.

The connections are threads that know no database (mail/connections.py). Everything they ask and tell comes in here, and
is written down for all of them together: the outcomes so far, and which messages are about to go, in one synced
transaction. So a crash leaves one message for each connection in doubt, however few transactions there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from tidings.errors import MailError
from tidings.handing import Hands
from tidings.letters import PostOffice
from tidings.mail.connections import Asked, Connections, Ended, Event
from tidings.mail.pacing import UNLIMITED, Pacing
from tidings.model import Delivery, Edition, Receipt, base_name
from tidings.packing import Packing
from tidings.settling import LADDER, Book, Misgivings, Outcome, failure, gone_since, settlement, throttled
from tidings.standing import Failure, count
from tidings.store import Store, deliveries, issues, sender
from tidings.store.deliveries import Settlement
from tidings.store.issues import StoredIssue

LONGEST_PAUSE = timedelta(hours=1)
"""How long an issue waits at most for a server that fails."""

_CROWDED_FOR = timedelta(minutes=30)
_DOUBLINGS = 4  # From five minutes that is past the longest pause; without an end the number would overflow.
_CHANCES = 3  # of a reader at whose name the server hangs up, before it is put off
_BATCH = 100
_MOST_LEASED = 1000
_GATHERING_SECONDS = 0.005  # how long outcomes wait to be written down together with what goes next
_LONGEST_WAIT = 1.0  # seconds, so that a signal is noticed
_LONGEST_WAIT_IN_TURN = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The time delivery runs in: what time it is, whether to stop before the next message, how to wait (seconds). With
    a `turn` others have theirs after that time, or when there is nothing to do but to wait for long."""

    clock: Callable[[], datetime]
    stop: Callable[[], bool]
    pause: Callable[[float], object]
    turn: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Cargo:
    """What goes together: one issue, or issues of readers' own that are made of one edition. When the server fails, or
    works again, that holds for all `fellows` (issues, by id), also those that are not among the `issues`."""

    issues: Sequence[StoredIssue]
    fellows: Sequence[int]

    @property
    def ids(self) -> list[int]:
        return [one.id for one in self.issues]

    @property
    def name(self) -> str:
        """What it is called in messages."""
        first = self.issues[0].content
        return first.name if len(self.issues) == 1 else f"{base_name(first.edition)}: issues of readers' own"


class Dispatcher:
    """Hands a cargo over. All its methods run on the thread that owns the store."""

    def __init__(
        self,
        store: Store,
        connections: Connections,
        edition: Edition,
        office: PostOffice,
        pace: Pace,
        pacing: Pacing,
        book: Book,
        cargo: Cargo,
    ) -> None:
        self._store = store
        self._connections = connections
        self._edition = edition
        self._office = office
        self._pace = pace
        self._pacing = pacing
        self._book = book
        self._cargo = cargo
        self._since = {one.id: gone_since(one) for one in cargo.issues}
        contents = {one.id: one.content for one in cargo.issues}
        self._packing = Packing(store, edition, office, contents, pace.clock())
        # Each issue of readers' own is rendered for its reader: the connections are not to wait for a hundred of them.
        self._batch = _BATCH if len(contents) == 1 else office.connections
        self._failures_of_readers: list[Failure] = []
        # Each connection has a message in hand and the next one waiting; not where that would blur a rate.
        self._hands = Hands(office.connections, depth=2 if office.limits == UNLIMITED else 1)
        self._called_back: set[int] = set()
        self._proven = False
        self._backlog: list[Delivery] = []
        self._is_all_leased = False
        self._is_counted = not office.guarded
        self._unsaved: list[Settlement] = []
        self._put_backs: Counter[int] = Counter()
        self._misgivings = Misgivings(cargo.name, edition.name, office.connections)
        self._crowded: set[str] = set()
        self._begun = pace.clock()
        self._is_over = False
        self._error: BaseException | None = None
        self._failures = max(one.failures for one in cargo.issues)

    def run(self) -> None:
        """Sends what is due until told to stop, until the only issue is held, or until the server fails as a whole;
        raises MailError then. Raises RenderError, after all others have theirs, when there are readers it cannot be
        written to. What was not sent stays due."""
        while True:
            wait = self._hand_out()
            if not self._hands.are_busy and (wait is None or self._is_turn_over(wait)):
                break
            if self._hands.are_busy:
                self._take_in(self._connections.events(self._patience(wait)))
            elif wait is not None:
                self._save([])
                self._pace.pause(min(wait, _LONGEST_WAIT))
        self._save([])
        self._end_refusals()
        deliveries.release(self._store)
        if isinstance(self._error, MailError):
            self._record_trouble()
        if self._error is not None:
            raise self._error
        if self._packing.faults:
            raise next(iter(self._packing.faults.values()))

    def _is_turn_over(self, wait: float = 0) -> bool:
        """Whether others are to have their turn, where this issue has to wait so many seconds. Not while it is open
        whom a refusal is about: the next turn would begin with the same reader."""
        turn = self._pace.turn
        if turn is None or self._misgivings.refused:
            return False
        return wait > _LONGEST_WAIT_IN_TURN or not timedelta() <= self._pace.clock() - self._begun < turn

    def _patience(self, wait: float | None) -> float | None:
        """How long to wait for news of what is in hand, in seconds."""
        if self._unsaved:
            return _GATHERING_SECONDS
        return None if wait is None else min(wait, _LONGEST_WAIT)

    # ------------------------------------------------------------------------------------------------ handing out

    def _hand_out(self) -> float | None:
        """Gives the connections messages. Returns in how many seconds another may go, or None if none is left for now,
        or nobody to take it."""
        while (number := self._hands.least_busy()) is not None:
            self._look_for_stop()
            if self._is_over or self._is_turn_over():
                return None
            now = self._pace.clock()
            while not self._backlog and not self._is_all_leased:
                self._lease(now)
            if not self._backlog and self._relieve(number):
                continue
            if not self._backlog or (self._hands.are_busy and not self._proven):
                return None  # One connection tries the server first: a wrong password is said once, not by all.
            wait = self._pacing.server_wait(now)
            if wait:
                return wait.total_seconds()
            delivery = self._next(now)
            if not isinstance(delivery, Delivery):
                return delivery
            self._hand(number, delivery, now)
        return None

    def _relieve(self, number: int) -> bool:
        """Gives a connection with nothing to do what waits behind another, which may hang for long."""
        givers = self._hands.kept_waiting() if self._hands.is_idle(number) else []
        for giver in givers:
            if self._connections.move(giver, number):
                self._hands.move(giver, number)
                return True
        return False

    def _look_for_stop(self) -> None:
        """Told to stop, connections finish what they have in hand; what waits behind that is called back."""
        if not self._is_over and self._pace.stop():
            self._is_over = True
            self._called_back = self._hands.behind()

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
        leased = deliveries.lease(self._store, self._cargo.ids, self._batch, self._office.on_uncertain, now)
        batch = self._packing.named(leased)
        unwanted = self._packing.unwanted(batch)
        if batch and not self._is_counted:
            sender.count(self._store, now)
            self._is_counted = True
        for one in batch:
            if why := unwanted.get(one.address):
                self._settle(one, Receipt("suppressed", why))
            elif _domain(one) in self._crowded:
                self._set_aside(one, Receipt("crowded", "its domain wants less mail at a time"))
            elif fault := self._packing.fault_of(one):
                self._set_aside(one, Receipt("crowded", f"cannot be written: {fault}"))
            else:
                self._backlog.append(one)
        self._is_all_leased = not batch
        if len(self._unsaved) >= _MOST_LEASED:
            self._save([])

    def _hand(self, number: int, delivery: Delivery, now: datetime) -> None:
        self._hands.give(number, delivery)
        self._pacing.begin(_domain(delivery), now)
        self._connections.hand(number, self._packing.parcel(delivery, now))

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
            ids = [self._hands.first(number).id for number in asked]
            with self._store.write():
                deliveries.settle(self._store, self._unsaved, now)
                if self._failures_of_readers and self._is_believed:
                    count(self._store, self._failures_of_readers, now)
                    self._failures_of_readers = []
                if self._error is None:
                    may_go = deliveries.start(self._store, [one for one in ids if one not in self._called_back], now)
        self._unsaved = []
        for number in asked:
            self._connections.permit(number, may_go=self._hands.first(number).id in may_go)

    @property
    def _is_believed(self) -> bool:
        """Whether refusals count: not those of a server that takes mail for nobody."""
        return self._book.counts["accepted"] > 0 or self._was_taken_before

    @cached_property
    def _was_taken_before(self) -> bool:
        return deliveries.is_taken(self._store, self._cargo.ids)

    def _ended(self, event: Ended) -> None:
        self._look_for_stop()
        delivery = self._hands.end(event.number)
        self._pacing.end(_domain(delivery))
        if isinstance(event.outcome, Receipt):
            self._receive(delivery, event.outcome)
        elif isinstance(event.outcome, MailError):
            self._put_back(delivery, Receipt("gone", str(event.outcome)))
            self._do_without(event.number, event.outcome)
        else:
            self._fail(event.outcome)

    def _do_without(self, number: int, error: MailError) -> None:
        """A server may take fewer connections than we would make: the others go on, as long as there are any."""
        self._hands.lose(number)
        if not self._proven or self._hands.are_broken:
            self._fail(error)

    def _receive(self, delivery: Delivery, receipt: Receipt) -> None:
        now, domain = self._pace.clock(), _domain(delivery)
        match receipt.state:
            case "gone" if self._put_backs[delivery.id] >= _CHANCES:
                self._settle(delivery, replace(receipt, state="deferred"))
            case "throttled" | "gone":
                self._put_back(delivery, receipt)
                if not self._pacing.slow_down(now):
                    self._fail(throttled(receipt))
            case "crowded":
                if self._pacing.slow_domain(domain, now):
                    self._put_back(delivery, receipt)
                else:
                    self._crowd(delivery, receipt)
            case "refused":
                self._refuse(Outcome(delivery, receipt))
            case "withdrawn":  # It stays leased, and keeps what was said of it before.
                self._is_over = self._is_over or len(self._cargo.issues) == 1
            case "uncertain":
                self._settle(delivery, receipt)
                self._fail(self._misgivings.doubt(receipt))
            case _:
                self._settle(delivery, receipt)
                self._forget_trouble()

    def _settle(self, delivery: Delivery, receipt: Receipt) -> None:
        now = self._pace.clock()
        one = settlement(delivery, receipt, self._since[delivery.issue_id], now)
        self._unsaved.append(one)
        final = replace(receipt, reply=one.reply, state="rejected" if one.state == "rejected" else receipt.state)
        self._book.enter(delivery, final)
        if self._book.is_likely and (against := failure(delivery, receipt, one.state)):
            self._failures_of_readers.append(against)
        if receipt.state == "accepted":
            self._pacing.taken(_domain(delivery))
            self._forgive()

    def _put_back(self, delivery: Delivery, receipt: Receipt) -> None:
        """Nothing has left, and the reader is not to blame: it comes again in this pass, after the others in hand."""
        self._unsaved.append(settlement(delivery, receipt, self._since[delivery.issue_id], self._pace.clock()))
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
        """It stays in hand until it is known whom that is about."""
        since = self._since[outcome.delivery.issue_id]
        self._unsaved.append(settlement(outcome.delivery, outcome.receipt, since, self._pace.clock()))
        self._fail(self._misgivings.refuse(outcome))

    def _forgive(self) -> None:
        for one in self._misgivings.end():
            self._settle(one.delivery, replace(one.receipt, state="rejected"))

    def _end_refusals(self) -> None:
        """Fewer were refused than stop an issue, and then nobody was left: they are to blame if anyone got it. Where
        the pass was stopped, the next one tells."""
        if not self._misgivings.refused or self._is_over:
            return
        if deliveries.is_taken(self._store, self._cargo.ids):
            self._forgive()
            self._save([])
        else:
            self._fail(self._misgivings.verdict())

    def _forget_trouble(self) -> None:
        """The server has answered as one does: it works again."""
        if self._failures:
            self._failures = 0
            issues.record_trouble(self._store, self._cargo.fellows, None, 0)

    def _fail(self, error: BaseException | None) -> None:
        """Ends the pass, if there is an error; what is in hand ends first, or a bug would leave that in doubt."""
        self._error = self._error or error
        self._is_over = self._is_over or error is not None

    def _record_trouble(self) -> None:
        pause = min(LADDER[0] * 2 ** min(self._failures, _DOUBLINGS), LONGEST_PAUSE)
        issues.record_trouble(self._store, self._cargo.fellows, self._pace.clock() + pause, self._failures + 1)


def _domain(delivery: Delivery) -> str:
    return delivery.address.rpartition("@")[2].casefold()
