"""The poll pipe, one stage a line:

    due sources
    | fetch        conditional GET, many at once               → Fetched | Unchanged | Failed | Postponed
    | unchanged?   304, or the bytes of last time: stop here
    | parse        in the executor, new items only              → ParsedFeed | Failed
    | decide       known posts and the document                 → FeedChange
    | save         validators and posts in one transaction

Only this thread writes. A failure is a value that belongs to one source and stops no other. Each request is noted
before it goes out, so that a restart never sends it again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidings.crew import Crew, Ended
from tidings.errors import ConfigError
from tidings.fetching.fetch import fetch_all
from tidings.fetching.settings import FetchSettings, Hosts
from tidings.fetching.urls import is_operators_own
from tidings.governor import Governor, answering
from tidings.model import (
    Document,
    Edition,
    Failed,
    FeedChange,
    FeedState,
    Fetched,
    FetchRequest,
    Outcome,
    ParsedFeed,
    PollRow,
    Postponed,
    Source,
)
from tidings.recording import ReadDocument, Recorder, row
from tidings.records import dataclass, replace
from tidings.sources import cadence, hosts
from tidings.sources.cadence import Limits
from tidings.sources.requests import Manner, recall, request
from tidings.store import Store, feeds, items, posts

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from tidings.posts.decide import Named, Plan

# What decides on documents (posts/decide.py) is loaded where one is there: most polls find nothing changed, and take
# no longer than loading it does.

_READ_SECONDS = 7
_CLEAN_SECONDS = 4
# With 30 seconds for the fetch, and one more try alone for a document that killed its worker, 45 seconds in all.

_IN_FLIGHT = 8  # documents handed to the parser at once: keeps every core busy
_BYTES_IN_FLIGHT = 30_000_000  # and what they may hold together, unless it is one alone
_WEIGHT = 4  # what a document holds for each of its bytes: text of four bytes a character, and pickled on its way
_TURN = 10
_NEVER = datetime.min.replace(tzinfo=UTC)
_RECENTLY = timedelta(hours=1)


Fetch = Callable[
    [Sequence[FetchRequest], FetchSettings, Hosts, Callable[[], bool], Callable[[FetchRequest, str], None]],
    Iterator[tuple[FetchRequest, Outcome]],
]
"""How requests are made, as by fetching.fetch.fetch_all."""


@dataclass(frozen=True, slots=True)
class PollSettings:
    """What a poll needs to know of the configuration. `manner` says how a source is asked; it raises ConfigError when
    something for it is missing in the environment. `own_url` is where the combined feed is published."""

    fetching: FetchSettings
    limits: Limits
    manner: Callable[[Source], Manner]
    own_url: str = ""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A document on its way through the workers: first parsed, then cleaned piece by piece. `size` is that of its body,
    which is let go once it was read."""

    request: FetchRequest
    fetched: Fetched
    body_hash: str
    size: int
    feed: ParsedFeed | None = None
    plan: Plan | None = None
    memory: bytes = b""
    to_clean: tuple[Plan, ...] = ()
    cleaned: tuple[FeedChange, ...] = ()


def due(states: Iterable[FeedState], editions: Sequence[Edition], limits: Limits, now: datetime) -> list[FeedState]:
    """The sources whose time has come, those included that are polled early so that an edition is fresh. Who was asked
    longest ago comes first: on a host that allows few requests, all have their turn."""
    from tidings.editions.schedule import next_slot

    slots = [(edition, next_slot(edition.schedule, edition.timezone, now)) for edition in editions]
    near = [(edition, slot.at) for edition, slot in slots if slot and slot.at <= now + cadence.FRESH_WITHIN]
    ready = [
        state
        for state in states
        if not state.source.disabled
        and cadence.due(state, [at for edition, at in near if edition.covers(state.source)], limits, now)
    ]
    return sorted(ready, key=lambda state: state.polled_at or _NEVER)


def allowed(states: Iterable[FeedState], now: datetime) -> tuple[list[FeedState], list[PollRow]]:
    """Parts the sources that may be asked now from those whose server asked to be left alone for longer."""
    chosen, skipped = [], []
    for state in states:
        if state.retry_after is not None and now < state.retry_after <= now + hosts.LONGEST_MEMORY:
            until = f"{state.retry_after:%Y-%m-%d %H:%M} UTC"
            skipped.append(row(state, "skipped", note=f"the server asked to be left alone until {until}"))
        else:
            chosen.append(state)
    return chosen, skipped


def a_turn_each(states: Iterable[FeedState], settings: PollSettings) -> list[FeedState]:
    """The first sources of each host, which is what one pass of many takes on: a host with hundreds of sources, asked
    one at a time, would keep all others waiting. The rest stays due. The operator's own machines are not counted."""
    taken: Counter[str] = Counter()
    chosen = []
    for state in states:
        if not is_operators_own(state.source.url, settings.fetching.allow_networks):
            host = hosts.host_of(state.source.url)
            taken[host] += 1
            if taken[host] > _TURN:
                continue
        chosen.append(state)
    return chosen


def run(
    store: Store,
    states: Sequence[FeedState],
    settings: PollSettings,
    open_executor: Callable[[], Executor],
    clock: Callable[[], datetime],
    stop: Callable[[], bool],
    fetch: Fetch = fetch_all,
) -> Iterator[PollRow]:
    """Polls `states` once and yields a row for each as it is done and saved. With `stop()` true, what is in flight is
    given up unsaved: asked for already, it is due again after `cadence.after_attempt`; what was not asked for is still
    due."""
    polling = _Pass(store, settings, clock, {state.feed_id: recall(state) for state in states})
    requests = []
    for state in states:
        made = polling.request(state.feed_id)
        if isinstance(made, FetchRequest):
            requests.append(made)
        else:
            yield made
    with closing(Crew[_Arrived](open_executor)) as crew:
        for asked, outcome in fetch(requests, settings.fetching, polling.governor.hosts(), stop, polling.note):
            arrived = polling.to_read(asked, outcome)
            if arrived is None:
                yield from polling.settle(asked, outcome)
            else:
                polling.start(arrived, crew)
            yield from polling.settle_blamed()
            while crew.is_full(_IN_FLIGHT, _BYTES_IN_FLIGHT) and not stop():
                yield from polling.take(crew.next(), crew)
            yield from polling.take(crew.ready(), crew)
        while crew.busy and not stop():
            yield from polling.take(crew.next(), crew)
    if not stop():
        yield from polling.settle_unreached()


class _Pass:
    """One poll: what is known of its feeds and hosts, and what was held back until it is clear whose fault it is."""

    def __init__(
        self, store: Store, settings: PollSettings, clock: Callable[[], datetime], states: dict[int, FeedState]
    ) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._states = states
        self._recorder = Recorder(store, settings.limits, clock, settings.own_url)
        self.governor = Governor(store, settings.fetching, clock)
        self._unreached: list[tuple[FetchRequest, Failed]] = []
        self._blamed: list[tuple[FetchRequest, Failed]] = []
        self._answered = False

    def request(self, feed_id: int) -> FetchRequest | PollRow:
        """What to ask of a feed, or the row that says what keeps us from it."""
        state = self._states[feed_id]
        try:
            manner = self._settings.manner(state.source)
        except ConfigError as error:
            return self._recorder.failure(state, state.source.url, Failed("unauthorized", str(error)))
        return request(state, manner, self._clock())

    def note(self, asked: FetchRequest, url: str) -> None:
        """Records that a request, or the next hop of one, goes out now."""
        now, state = self._clock(), self._states[asked.feed_id]
        planned = cadence.after_attempt(state, self._settings.limits, now)
        with self._store.note():
            self.governor.note_request(url)
            feeds.note_attempt(self._store, asked.feed_id, planned, now)
        self._states[asked.feed_id] = replace(state, polled_at=now)

    def to_read(self, asked: FetchRequest, outcome: Outcome) -> _Arrived | None:
        """What there is to parse, if anything: a body that differs from last time's."""
        if not isinstance(outcome, Fetched):
            return None
        body_hash = hashlib.blake2b(outcome.body, digest_size=16).hexdigest()
        if body_hash == self._states[asked.feed_id].body_hash:
            return None
        self._note_answer(asked, outcome)
        return _Arrived(asked, outcome, body_hash, len(outcome.body))

    def settle(self, asked: FetchRequest, outcome: Outcome) -> Iterator[PollRow]:
        """Saves what needs no reading. Failures that may be our own network's wait until somebody has answered."""
        state = self._states[asked.feed_id]
        if isinstance(outcome, Failed) and hosts.may_be_ours(state, outcome) and not self.governor.is_own(asked.url):
            self.governor.note_answer(asked.url, outcome)
            self._unreached.append((asked, outcome))
            return
        self._note_answer(asked, outcome)
        if isinstance(outcome, Postponed):
            yield self._recorder.postponed(state, outcome)
        elif isinstance(outcome, Failed):
            yield self._recorder.failure(state, asked.url, outcome)
        else:
            yield self._recorder.unchanged(state, asked.url, outcome)

    def settle_blamed(self) -> Iterator[PollRow]:
        """Saves the failures that were held back until somebody answered: now they are the sources' own."""
        blamed, self._blamed = self._blamed, []
        for asked, failure in blamed:
            yield self._recorder.failure(self._states[asked.feed_id], asked.url, failure)

    def settle_unreached(self) -> Iterator[PollRow]:
        """Saves the failures after which nobody answered: by now it is clear whether anybody can be reached."""
        offline = self._is_offline() if self._unreached else False
        for asked, failure in self._unreached:
            judged = hosts.blame_ourselves(failure) if offline else failure
            yield self._recorder.failure(self._states[asked.feed_id], asked.url, judged)
        self._unreached.clear()

    def start(self, arrived: _Arrived, crew: Crew[_Arrived]) -> None:
        """Hands a document over to the workers."""
        crew.prepare()
        feed_id = arrived.request.feed_id
        memory, known = items.recall(self._store, feed_id), posts.known_all(self._store, feed_id)
        if known is None:
            self.read(arrived, memory, crew)
            return
        from tidings.posts.decide import decide

        volatility = self._states[feed_id].volatility
        seconds = _READ_SECONDS + _CLEAN_SECONDS
        document = self._document(arrived)
        crew.submit(arrived, _WEIGHT * arrived.size, seconds, decide, document, memory, known, volatility)

    def read(self, arrived: _Arrived, known: bytes, crew: Crew[_Arrived]) -> None:
        """Hands a document over to be parsed, with what is `known` of its items from last time."""
        from tidings.posts.decide import read

        crew.submit(arrived, _WEIGHT * arrived.size, _READ_SECONDS, read, self._document(arrived), known)

    def _document(self, arrived: _Arrived) -> Document:
        fetched = arrived.fetched
        return Document(fetched.url, fetched.body, fetched.content_type, self._settings.fetching.max_bytes)

    def take(self, results: Iterator[tuple[_Arrived, Any]], crew: Crew[_Arrived]) -> Iterator[PollRow]:
        """Takes what the workers have done: decides on what was parsed, saves what was cleaned."""
        for arrived, result in results:
            from tidings.posts.decide import Decided, Named, Plan, takes_unread

            outcome: Any = self._plan(arrived, result) if isinstance(result, Named) else result
            if isinstance(outcome, Plan) and takes_unread(outcome):
                self.read(arrived, b"", crew)
            elif isinstance(outcome, Plan):
                self._clean(_planned(arrived, result, outcome), crew)
            elif isinstance(outcome, FeedChange):
                yield from self._collect(arrived, outcome, crew)
            elif isinstance(outcome, Decided):
                yield self._save(_planned(arrived, outcome.named, outcome.plan), outcome.change)
            else:
                yield self._save_unread(arrived, outcome)

    def _clean(self, arrived: _Arrived, crew: Crew[_Arrived]) -> None:
        """Hands over the next slice of a document to be cleaned: one at a time, since each is in memory several times
        on its way."""
        from tidings.posts.decide import finish

        piece, *rest = arrived.to_clean
        changed = {draft.post_id for draft in piece.changed if draft.post_id is not None}
        compared = replace(piece, before=posts.remembered(self._store, piece.to_compare, changed))
        crew.submit(replace(arrived, to_clean=tuple(rest)), _WEIGHT * arrived.size, _CLEAN_SECONDS, finish, compared)

    def _collect(self, arrived: _Arrived, change: FeedChange, crew: Crew[_Arrived]) -> Iterator[PollRow]:
        """Keeps a cleaned slice until all of its document are there, then saves them."""
        from tidings.posts.decide import merge

        collected = replace(arrived, cleaned=(*arrived.cleaned, change))
        if collected.to_clean:
            self._clean(collected, crew)
        else:
            yield self._save(collected, merge(collected.cleaned))

    def _save(self, arrived: _Arrived, change: FeedChange) -> PollRow:
        assert arrived.feed is not None
        assert arrived.plan is not None
        asked = arrived.request
        document = ReadDocument(
            asked.url, arrived.fetched, arrived.body_hash, arrived.feed, arrived.plan, arrived.memory
        )
        return self._recorder.read(self._states[asked.feed_id], document, change)

    def _plan(self, arrived: _Arrived, named: Named) -> Plan | Failed:
        """What the document would change. A bug in deciding stays with the source that shows it: it backs off
        like any failure instead of being met again, with a request, at every tick."""
        from tidings.posts.decide import keys_to_look_up, plan

        known = posts.known(self._store, arrived.request.feed_id, keys_to_look_up(named))
        try:
            return plan(named, known, self._states[arrived.request.feed_id].volatility)
        except Exception as error:
            return _stumbled(error)

    def _note_answer(self, asked: FetchRequest, outcome: Outcome) -> None:
        """Remembers what the answer says of its server, and that there is a way to the outside."""
        self.governor.note_answer(asked.url, outcome)
        url = answering(asked.url, outcome)
        if isinstance(outcome, Failed) and not outcome.hops:
            return
        if url is not None and not self.governor.is_own(url):
            self._answered = True
            self._blamed += self._unreached
            self._unreached = []

    def _is_offline(self) -> bool:
        """Whether nobody was reached, in all of the pass or since its last answer, because nobody can be."""
        failed = [(self._states[asked.feed_id], failure) for asked, failure in self._unreached]
        if self._answered:
            return hosts.is_cut_off(failed)
        lately = [
            state
            for state in feeds.polled_since(self._store, self._clock() - _RECENTLY)
            if state.feed_id not in self._states and not self.governor.is_own(state.source.url)
        ]
        return hosts.is_offline([state for state, _ in failed], lately)

    def _save_unread(self, arrived: _Arrived, outcome: Failed | Ended) -> PollRow:
        failure = _ended(outcome) if isinstance(outcome, Ended) else outcome
        state, fetched = self._states[arrived.request.feed_id], arrived.fetched
        return self._recorder.failure(
            state, arrived.request.url, replace(failure, http=fetched.http), fetched.freshness
        )


def _planned(arrived: _Arrived, named: Named, made: Plan) -> _Arrived:
    from tidings.posts.decide import slices

    return replace(
        arrived,
        fetched=replace(arrived.fetched, body=b""),
        feed=named.feed,
        plan=made.without_posts,
        memory=named.memory,
        to_clean=slices(made),
    )


def _ended(ended: Ended) -> Failed:
    return Failed(
        "parse",
        f"reading this document took over {ended.seconds:g} seconds or too much memory, so its process was ended",
    )


def _stumbled(error: Exception) -> Failed:
    reason = f"{type(error).__name__}: {error}"
    return Failed("parse", f"Tidings stumbled over this document ({reason}); this is a bug, please report it")
