"""The second half of the digest pipe: frozen issues to their readers.

    open deliveries
    | lease        a batch in hand, of readers who may still be mailed
    | letters      the issue rendered once for each language, headers for each reader
    | deliver      inflight is committed for all connections at once, messages go out, outcomes are committed

What is due of readers' own editions goes in the same pass as that of the one they are made of, over the same
connections. Only one process delivers at a time. How one issue is handed over is dispatching.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tidings.dispatching import LONGEST_PAUSE, Cargo, Dispatcher, Pace
from tidings.errors import MailError, RenderError
from tidings.letters import PostOffice
from tidings.mail.connections import open_connections
from tidings.mail.pacing import Pacing
from tidings.model import Delivery, Edition
from tidings.settling import Book, Outcome, gone_since
from tidings.store import Store, deliveries, exclusive, issue_states, issues, outgoing, sender
from tidings.store.deliveries import Tally, Undecided
from tidings.store.issues import StoredIssue
from tidings.store.outgoing import OpenIssue

_TOGETHER = 100  # issues of readers' own at a time: so many are read into memory

_IsDue = Callable[[StoredIssue | OpenIssue, datetime], bool]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What one delivery pass came to: `counts` of each state and `outcomes` (those worth naming, the first thousand)
    are its own, `tally` is the balance of the issues it worked on, `expired` how many deliveries of which issue were
    too old to be begun, `undecided` those of the edition that wait until somebody says whether they came."""

    tally: Tally
    outcomes: tuple[Outcome, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    expired: Mapping[str, int] = field(default_factory=dict)
    undecided: tuple[Undecided, ...] = ()

    @property
    def sent(self) -> int:
        """How many messages the pass tried to hand over."""
        return sum(count for state, count in self.counts.items() if state != "suppressed")

    @property
    def in_doubt(self) -> tuple[Delivery, ...]:
        """Those that came now, and may have come before."""
        arrived = [outcome.delivery for outcome in self.outcomes if outcome.receipt.state == "accepted"]
        return tuple(delivery for delivery in arrived if delivery.in_doubt)


class BrokenOffError(MailError):
    """The mail server failed as a whole; `dispatch` is what the pass came to before."""

    def __init__(self, error: MailError, dispatch: Dispatch) -> None:
        super().__init__(str(error))
        self.dispatch = dispatch


class UnwrittenError(RenderError):
    """There are readers the issue cannot be written to; `dispatch` is what the pass came to for the others."""

    def __init__(self, error: RenderError, dispatch: Dispatch) -> None:
        super().__init__(str(error))
        self.dispatch = dispatch


def deliver(store: Store, edition: Edition, office: PostOffice, pace: Pace) -> Dispatch:
    """Sends everything of `edition` that is not settled yet, whether its time to be tried again has come or not; but
    nothing of an issue that is in review or held.

    Raises BrokenOffError when the transport as a whole fails, UnwrittenError when there are readers it cannot be
    written to, and MovedError when the database was restored or copied since it last sent; what was not sent stays
    due. Only one process delivers at a time, so what is found in flight was left by one that died.
    """

    def is_due(issue: StoredIssue | OpenIssue, now: datetime) -> bool:
        deliveries.hasten(store, issue.id, now)
        return True

    issue_states.end_reviews(store, edition.name, pace.clock())
    return _deliver(store, edition, office, pace, Pacing(office.limits), is_due)


def deliver_due(
    store: Store, edition: Edition, office: PostOffice, pace: Pace, pacing: Pacing | None = None
) -> Dispatch:
    """The same for the deliveries whose time has come; after a failing server, later and later. Who makes one pass
    after the other gives them all the same `pacing`, so that what the server asked for outlives a pass."""
    issue_states.end_reviews(store, edition.name, pace.clock())
    if not issues.undelivered(store, edition.name) and not outgoing.undelivered_own(store, edition.name):
        return Dispatch(Tally())
    return _deliver(store, edition, office, pace, pacing or Pacing(office.limits), _is_due)


def _is_due(issue: StoredIssue | OpenIssue, now: datetime) -> bool:
    """Whether its server may be asked again; a time further off than any pause was set by a clock that was wrong."""
    return issue.retry_at is None or not now < issue.retry_at <= now + LONGEST_PAUSE


def _deliver(
    store: Store,
    edition: Edition,
    office: PostOffice,
    pace: Pace,
    pacing: Pacing,
    is_due: _IsDue,
) -> Dispatch:
    book = Book()
    error: MailError | RenderError | None = None
    with exclusive(store, "deliver", pace.stop):
        if office.guarded:
            sender.require(store)
        deliveries.recover(store, pace.clock())
        shared, own = issues.undelivered(store, edition.name), outgoing.undelivered_own(store, edition.name)
        named = [OpenIssue(one.id, one.content.name, one.retry_at, gone_since(one)) for one in shared] + own
        expired = _expire(store, named, office, pace.clock())
        with open_connections(office.open_transport, office.connections) as connections:
            pacing.resume(deliveries.last_tried(store, pace.clock()) if office.limits.rate else None)
            for cargo in _cargoes(store, shared, own, pace, is_due):
                try:
                    with store.insist(pace.stop):
                        Dispatcher(store, connections, edition, office, pace, pacing, book, cargo).run()
                except RenderError as failure:
                    error = error or failure
                except MailError as failure:
                    error = failure
                    break
        if office.guarded and book.counts:
            sender.count(store, pace.clock())
        balance = deliveries.tally(store, [one.id for one in named])
        undecided = deliveries.undecided(store, edition.name, office.on_uncertain)
    dispatch = Dispatch(balance, tuple(book.named), dict(book.counts), expired, tuple(undecided))
    if isinstance(error, MailError):
        raise BrokenOffError(error, dispatch) from error
    if error is not None:
        raise UnwrittenError(error, dispatch) from error
    return dispatch


def _expire(store: Store, named: Sequence[OpenIssue], office: PostOffice, now: datetime) -> dict[str, int]:
    """Gives up what was never begun of issues that are stale; returns how many mails of which."""
    stale = [one for one in named if now - one.since > office.stale_after]
    counts = {one.name: deliveries.expire(store, one.id, now) for one in stale}
    return {name: count for name, count in counts.items() if count}


def _cargoes(
    store: Store, shared: Sequence[StoredIssue], own: Sequence[OpenIssue], pace: Pace, is_due: _IsDue
) -> Iterator[Cargo]:
    """What is due, bit by bit: each issue of the edition alone, then those of readers' own, many at a time, or each
    would have but one of the connections. When their turn is over, no more of those."""
    for issue in shared:
        if is_due(issue, pace.clock()):
            yield Cargo([issue], [issue.id])
    fellows = [one.id for one in own]
    due = [one.id for one in own if is_due(one, pace.clock())]
    begun = pace.clock()
    for start in range(0, len(due), _TOGETHER):
        if pace.turn is not None and pace.clock() - begun >= pace.turn:
            return
        yield Cargo(outgoing.whole(store, due[start : start + _TOGETHER]), fellows)
