"""Many conditional GETs at once, in the calling thread: libcurl's multi interface, politeness, one deadline each."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

import pycurl  # type: ignore[import-untyped]

from tidings.fetching import failures
from tidings.fetching.outcomes import Answer, judge, rest_wanted
from tidings.fetching.settings import FetchSettings, Hosts, HostWait
from tidings.fetching.transfer import Transfer
from tidings.fetching.trust import find_trust_store
from tidings.fetching.turns import Turns
from tidings.fetching.urls import is_operators_own
from tidings.fetching.way import FOLLOWED, Way, set_out
from tidings.model import Failed, FetchRequest, Outcome, Postponed

__all__ = ["FetchSettings", "HostWait", "Hosts", "fetch_all", "never", "unheeded"]

_LONGEST_WAIT = 0.1
"""Seconds after which `stop` is asked again."""

_MOST_SILENCES = 3
_OWN = ""
"""The host of requests to the operator's own machines, which take no turns."""


def never() -> bool:
    """The `stop` of a caller who never stops."""
    return False


def unheeded(_request: FetchRequest, _url: str) -> None:
    """The `starting` of a caller who keeps no record of what is asked."""


def fetch_all(
    requests: Iterable[FetchRequest],
    settings: FetchSettings,
    hosts: Hosts,
    stop: Callable[[], bool] = never,
    starting: Callable[[FetchRequest, str], None] = unheeded,
) -> Iterator[tuple[FetchRequest, Outcome]]:
    """Makes all requests, follows their redirects, and yields each with what it came to, as they complete.

    Nothing a URL or a server does raises; it is a `Failed`. At most `settings.concurrency` answers are held at once,
    counting those not yet yielded; their larger bodies are held on disk. A host group (`hosts.host_of`) gets one
    request at a time, redirects included, and `settings.host_spacing` between any two. One that rests, that says in
    this pass that it wants no more, or that let three requests run into their deadline, gets none: its requests come
    out as `Postponed`. The operator's own machines (`urls.is_operators_own`) are exempt from all of this.

    `starting` is told of every request with the URL it goes to, right before it goes on the wire; if it raises, the
    request does not go, and the error comes out here. When `stop` returns true, what is under way is abandoned and
    the iterator ends.

    A slow consumer costs no fetch its deadline: time spent in the consumer does not count, and sockets are drained
    between any two results.
    """
    fetching = _Fetching(settings, hosts, starting)
    try:
        fetching.queue(requests)
        yield from fetching.results(stop)
    finally:
        fetching.close()


class _Fetching:
    """One pass: what waits, what is in flight, what is done."""

    def __init__(self, settings: FetchSettings, hosts: Hosts, starting: Callable[[FetchRequest, str], None]) -> None:
        self._settings = settings
        self._host_of = hosts.host_of
        self._starting = starting
        self._trust = find_trust_store()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, settings.concurrency)
        self._turns: Turns[Way] = Turns(settings.host_spacing.total_seconds())
        self._resting: dict[str, float | None] = {}
        self._silences: Counter[str] = Counter()
        self._idle: list[Transfer] = []
        self._in_flight: dict[pycurl.Curl, Transfer] = {}
        self._done: deque[tuple[FetchRequest, Outcome | Answer]] = deque()
        self._paused = 0.0
        for host, wait in hosts.waits.items():
            self._turns.hold(host, time.monotonic() + wait.pause.total_seconds())
            if wait.rest > timedelta(0):
                self._resting[host] = time.monotonic() + wait.rest.total_seconds()

    def queue(self, requests: Iterable[FetchRequest]) -> None:
        for request in requests:
            try:
                way = set_out(request, self._settings.timeout.total_seconds())
            except ValueError as error:
                self._done.append((request, failures.unusable(error, redirected=False)))
                continue
            self._line_up(way, self._turns.add)

    def results(self, stop: Callable[[], bool]) -> Iterator[tuple[FetchRequest, Outcome]]:
        while (self._turns or self._in_flight or self._done) and not stop():
            self._start()
            self._multi.perform()
            self._collect()
            self._expire()
            if not self._done:
                self._wait()
                continue
            left = time.monotonic()
            request, result = self._done.popleft()
            yield request, judge(result, self._settings.max_bytes) if isinstance(result, Answer) else result
            self._paused += time.monotonic() - left

    def close(self) -> None:
        for transfer in self._in_flight.values():
            self._multi.remove_handle(transfer.handle)
        for transfer in (*self._in_flight.values(), *self._idle):
            transfer.close()
        for _, result in self._done:
            if isinstance(result, Answer):
                result.body.close()
        self._in_flight.clear()
        self._idle.clear()
        self._done.clear()
        self._multi.close()

    def _now(self) -> float:
        """Seconds in which we were free to run; what deadlines are counted in."""
        return time.monotonic() - self._paused

    def _line_up(self, way: Way, add: Callable[[str, Way], None]) -> None:
        """Lets a request wait for its turn at the host it goes to now, unless that one rests."""
        if is_operators_own(way.url, self._settings.allow_networks):
            way.host = _OWN
            self._turns.add_unpaced(way)
            return
        way.host = self._host_of(way.url)
        if way.host in self._resting:
            self._done.append((way.request, self._postponed(way.host)))
        else:
            add(way.host, way)

    def _postponed(self, host: str) -> Postponed:
        until = self._resting[host]
        wait = None if until is None else timedelta(seconds=max(0.0, until - time.monotonic()))
        return Postponed(host, wait)

    def _start(self) -> None:
        while len(self._in_flight) + len(self._done) < self._settings.concurrency:
            way = self._turns.take(time.monotonic())
            if way is None:
                return
            self._begin(way)

    def _begin(self, way: Way) -> None:
        transfer = self._idle.pop() if self._idle else Transfer(self._settings, self._trust, self._announce)
        transfer.deadline = self._now() + way.left
        try:
            transfer.begin(way, keep_connection=way.host == _OWN)
            self._multi.add_handle(transfer.handle)
        except (ValueError, pycurl.error) as error:
            self._end(transfer, failures.unusable(f"the URL cannot be used ({error})", bool(way.hops)))
            return
        self._in_flight[transfer.handle] = transfer

    def _announce(self, way: Way) -> None:
        left = time.monotonic()
        self._starting(way.request, way.url)
        self._paused += time.monotonic() - left

    def _collect(self) -> None:
        queued = 1
        while queued:
            queued, succeeded, failed = self._multi.info_read()
            for handle in succeeded:
                self._settle(handle, pycurl.E_OK, "")
            for handle, code, detail in failed:
                self._settle(handle, code, detail)

    def _settle(self, handle: pycurl.Curl, code: int, detail: str) -> None:
        transfer = self._in_flight[handle]
        if transfer.raised:
            raise transfer.raised
        result = transfer.result(code, detail)
        self._multi.remove_handle(handle)
        del self._in_flight[handle]
        self._end(transfer, result)

    def _expire(self) -> None:
        """Ends what is past its deadline. Comes after `_collect`, so that what completed in time counts."""
        now = self._now()
        for transfer in [late for late in self._in_flight.values() if late.deadline <= now]:
            result = transfer.result_at_deadline()
            self._multi.remove_handle(transfer.handle)
            del self._in_flight[transfer.handle]
            self._end(transfer, result)

    def _end(self, transfer: Transfer, result: Answer | Failed) -> None:
        """One request of a way is over: hears what the server wants, frees its turn, and goes on if that leads on."""
        way, host = transfer.way, transfer.way.host
        way.left = transfer.deadline - self._now()
        transfer.finish()
        self._idle.append(transfer)
        if isinstance(result, Answer):
            self._heed(host, result)
        elif result.kind == "timeout" and host != _OWN:
            self._wait_no_more(host)
        if host != _OWN:
            self._turns.release(host, time.monotonic())
        self._go_on(way, result)

    def _heed(self, host: str, answer: Answer) -> None:
        """Asks a host no more in this pass that says it wants no more."""
        wanted = rest_wanted(answer.head, answer.at)
        if wanted is None or host == _OWN:
            return
        self._let_rest(host, None if wanted.wait is None else time.monotonic() + wanted.wait.total_seconds())

    def _wait_no_more(self, host: str) -> None:
        """Asks a host no more in this pass that let several requests run into their deadline: with hundreds of sources
        it would hold up the pass for hours."""
        self._silences[host] += 1
        if self._silences[host] == _MOST_SILENCES:
            self._let_rest(host, None)

    def _let_rest(self, host: str, until: float | None) -> None:
        self._resting[host] = until
        for way in self._turns.forfeit(host):
            self._done.append((way.request, self._postponed(host)))

    def _go_on(self, way: Way, result: Answer | Failed) -> None:
        """Follows a redirect; all else is what the request came to."""
        if isinstance(result, Failed):
            self._done.append((way.request, replace(result, hops=tuple(way.hops))))
            return
        if result.head.status not in FOLLOWED:
            way.arrive(result.head.status)
            self._done.append((way.request, result))
            return
        wanted = rest_wanted(result.head, result.at)
        way.arrive(result.head.status, wanted.wait if wanted else None)
        result.body.close()
        failed = way.follow(result.head)
        if failed is None and way.left <= 0:
            failed = failures.timed_out(self._settings.timeout, 0)
        if failed:
            self._done.append((way.request, replace(failed, hops=tuple(way.hops))))
        elif way.host != _OWN and self._host_of(way.url) == way.host:
            # Also where the redirect said that no request is left, or to wait: a host that allows one a minute, or says
            # so with each redirect, and redirects within itself, would never be read.
            self._turns.add_first(way.host, way)
        else:
            self._line_up(way, self._turns.add_first)

    def _wait(self) -> None:
        """Sleeps until a socket is ready, a turn comes up, or `stop` is to be asked again."""
        waits = [_LONGEST_WAIT]
        next_turn = self._turns.wait(time.monotonic())
        if next_turn is not None and len(self._in_flight) < self._settings.concurrency:
            waits.append(next_turn)
        if not self._in_flight:
            time.sleep(min(waits))
            return
        timer = self._multi.timeout()
        if timer >= 0:
            waits.append(timer / 1000)
        if self._multi.select(min(waits)) < 1:
            time.sleep(0.001)  # select does not wait at all while only a name is being looked up
