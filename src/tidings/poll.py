"""The poll pipe, one stage a line:

    due sources
    | fetch        conditional GET, many at once               → Fetched | Unchanged | Failed
    | unchanged?   304, or the bytes of last time: stop here
    | parse        in the executor                              → ParsedFeed | Failed
    | decide       known posts and the document                 → FeedChange
    | save         validators and posts in one transaction

Only this thread writes. A failure is a value that belongs to one source and stops no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from tidings.fetching.fetch import fetch_all
from tidings.fetching.settings import FetchSettings
from tidings.model import (
    Document,
    Failed,
    FeedChange,
    FeedState,
    Fetched,
    FetchRequest,
    ParsedFeed,
    PollRow,
    Unchanged,
)
from tidings.posts.decide import decide, keys_to_look_up
from tidings.posts.parse import parse
from tidings.sources import cadence
from tidings.store import Store, feeds, posts
from tidings.workers import within

_LONGEST_WAIT = timedelta(days=410)  # the configuration allows a year, jitter adds a tenth
_PARSE_SECONDS = 30  # the largest feeds of the wild take one or two
_LOOK_UP_SECONDS = 0.5  # how often waiting looks whether it shall stop
_IN_FLIGHT = 8  # documents handed to the parser at once: bounds memory, keeps every core busy


@dataclass(frozen=True, slots=True)
class PollSettings:
    """What a poll needs to know of the configuration."""

    fetching: FetchSettings
    min_interval: timedelta
    max_interval: timedelta


@dataclass(frozen=True, slots=True)
class Parsing:
    """A document on its way through the parser."""

    state: FeedState
    fetched: Fetched
    body_hash: str


def due(states: Iterable[FeedState], now: datetime) -> list[FeedState]:
    """The sources whose time has come: never polled, past their next poll, or waiting longer than anything can make
    them wait, as after a clock that once stood in the future."""
    return [state for state in states if not state.source.disabled and _is_due(state.next_poll_at, now)]


def _is_due(next_poll_at: datetime | None, now: datetime) -> bool:
    return next_poll_at is None or not now < next_poll_at <= now + _LONGEST_WAIT


def allowed(states: Iterable[FeedState], now: datetime) -> tuple[list[FeedState], list[PollRow]]:
    """Parts the sources that may be asked now from those whose server asked to be left alone for longer."""
    chosen, skipped = [], []
    for state in states:
        if state.retry_after is not None and state.retry_after > now:
            skipped.append(_row(state, "skipped", next_poll_at=state.next_poll_at))
        else:
            chosen.append(state)
    return chosen, skipped


def run(
    store: Store,
    states: Sequence[FeedState],
    settings: PollSettings,
    open_executor: Callable[[], Executor],
    clock: Callable[[], datetime],
    stop: Callable[[], bool],
) -> Iterator[PollRow]:
    """Polls `states` once and yields a row for each as it is done and saved. With `stop()` true, what is in flight is
    given up unsaved and unrecorded: it is still due."""
    by_id = {state.feed_id: state for state in states}
    requests = [FetchRequest(state.feed_id, state.source.url, state.etag, state.last_modified) for state in states]
    with closing(_Parser(open_executor)) as parser:
        parsing: dict[Future[ParsedFeed | Failed], Parsing] = {}
        for request, outcome in fetch_all(requests, settings.fetching, stop):
            work = _to_parse(by_id[request.feed_id], outcome)
            if work is None:
                yield _save_unparsed(store, by_id[request.feed_id], outcome, settings, clock())
                continue
            parsing[parser.submit(work)] = work
            for done, parsed in _parsed(parsing, open_executor, stop, most_left=_IN_FLIGHT - 1):
                yield _save_parsed(store, done, parsed, settings, clock())
        for done, parsed in _parsed(parsing, open_executor, stop, most_left=0):
            yield _save_parsed(store, done, parsed, settings, clock())


def _to_parse(state: FeedState, outcome: Fetched | Unchanged | Failed) -> Parsing | None:
    """What there is to parse, if anything: a body that differs from last time's."""
    if not isinstance(outcome, Fetched):
        return None
    body_hash = hashlib.blake2b(outcome.body, digest_size=16).hexdigest()
    return None if body_hash == state.body_hash else Parsing(state, outcome, body_hash)


class _Parser:
    """An executor that is replaced when a document has killed one of its workers."""

    def __init__(self, open_executor: Callable[[], Executor]) -> None:
        self._open_executor = open_executor
        self._executor = open_executor()

    def submit(self, work: Parsing) -> Future[ParsedFeed | Failed]:
        document = Document(work.fetched.url, work.fetched.body, work.fetched.content_type)
        try:
            return self._executor.submit(within, _PARSE_SECONDS, parse, document)
        except BrokenExecutor:
            self.close()
            self._executor = self._open_executor()
            return self._executor.submit(within, _PARSE_SECONDS, parse, document)

    def close(self) -> None:
        """Ends the workers; what waits is given up, what is under way is waited for."""
        self._executor.shutdown(wait=True, cancel_futures=True)


def _parsed(
    parsing: dict[Future[ParsedFeed | Failed], Parsing],
    open_executor: Callable[[], Executor],
    stop: Callable[[], bool],
    most_left: int,
) -> Iterator[tuple[Parsing, ParsedFeed | Failed]]:
    """Takes out what is parsed by now, and waits while more than `most_left` are not, or until told to stop."""
    while parsing:
        over = len(parsing) > most_left
        done, _ = wait(parsing, timeout=_LOOK_UP_SECONDS if over else 0, return_when=FIRST_COMPLETED)
        for future in done:
            work = parsing.pop(future)
            yield work, _result(future, work, open_executor)
        if not over or stop():
            return


def _result(
    future: Future[ParsedFeed | Failed], work: Parsing, open_executor: Callable[[], Executor]
) -> ParsedFeed | Failed:
    """What parsing came to. When a worker died, every document in flight is parsed again alone, so the one that kills
    its worker is found and the others come through."""
    try:
        return future.result()
    except BrokenExecutor:
        pass
    try:
        with closing(_Parser(open_executor)) as alone:
            return alone.submit(work).result()
    except BrokenExecutor:
        return Failed(
            "parse",
            f"reading this document took over {_PARSE_SECONDS} seconds or too much memory, so its process was ended",
        )


def _save_unparsed(
    store: Store, state: FeedState, outcome: Fetched | Unchanged | Failed, settings: PollSettings, now: datetime
) -> PollRow:
    if isinstance(outcome, Failed):
        return _save_failure(store, state, outcome, settings, now)
    next_poll_at = cadence.after_success(state, outcome.ttl, settings.min_interval, settings.max_interval, now)
    feeds.save_unchanged(store, state, outcome, next_poll_at, now)
    return _row(state, "unchanged", http=outcome.http, next_poll_at=next_poll_at)


def _save_parsed(
    store: Store, work: Parsing, parsed: ParsedFeed | Failed, settings: PollSettings, now: datetime
) -> PollRow:
    if isinstance(parsed, Failed):
        failure = replace(parsed, http=work.fetched.http)
        return _save_failure(store, work.state, failure, settings, now)
    state, fetched = work.state, work.fetched
    change = _decide(store, state, parsed)
    if isinstance(change, Failed):
        return _save_failure(store, state, replace(change, http=fetched.http), settings, now)
    freshness = max(fetched.ttl or timedelta(), parsed.ttl or timedelta())
    next_poll_at = cadence.after_success(state, freshness, settings.min_interval, settings.max_interval, now)
    feeds.save_fetched(store, state, fetched, parsed, change, work.body_hash, next_poll_at, now)
    return _row(
        state,
        "ok",
        http=fetched.http,
        new=len(change.new),
        updated=len(change.changed),
        next_poll_at=next_poll_at,
    )


def _decide(store: Store, state: FeedState, parsed: ParsedFeed) -> FeedChange | Failed:
    """The change a document makes. A bug in deciding stays with the source that shows it: it backs off like any failure
    instead of being met again, with a request, at every tick."""
    try:
        keys = keys_to_look_up(parsed)
    except Exception as error:
        return _stumbled(error)
    known = posts.known(store, state.feed_id, keys)
    try:
        return decide(parsed, known)
    except Exception as error:
        return _stumbled(error)


def _stumbled(error: Exception) -> Failed:
    reason = f"{type(error).__name__}: {error}"
    return Failed("parse", f"Tidings stumbled over this document ({reason}); this is a bug, please report it")


def _save_failure(store: Store, state: FeedState, failure: Failed, settings: PollSettings, now: datetime) -> PollRow:
    next_poll_at = cadence.after_failure(state, failure, settings.min_interval, settings.max_interval, now)
    feeds.save_failure(store, state, failure, next_poll_at, now)
    return _row(state, "failed", http=failure.http, failure=failure, next_poll_at=next_poll_at)


def _row(
    state: FeedState,
    status: Literal["ok", "unchanged", "failed", "skipped"],
    *,
    http: int | None = None,
    new: int = 0,
    updated: int = 0,
    failure: Failed | None = None,
    next_poll_at: datetime | None = None,
) -> PollRow:
    return PollRow(state.source.name, state.source.url, status, http, new, updated, failure, next_poll_at)
