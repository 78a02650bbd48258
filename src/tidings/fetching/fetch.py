"""Many conditional GETs at once, in the calling thread: libcurl's multi interface, politeness, one deadline each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import pycurl  # type: ignore[import-untyped]

from tidings.fetching import outcomes
from tidings.fetching.outcomes import Outcome
from tidings.fetching.settings import FetchSettings
from tidings.fetching.transfer import Transfer
from tidings.fetching.trust import find_trust_store
from tidings.fetching.turns import Turns
from tidings.fetching.urls import host_key, is_operators_own, wire_url
from tidings.model import Failed, FetchRequest

__all__ = ["FetchSettings", "fetch_all", "never"]

_LONGEST_WAIT = 0.1
"""Seconds after which `stop` is asked again."""

_OWN = ""
"""The host of requests to the operator's own machines, which take no turns."""


def never() -> bool:
    """The `stop` of a caller who never stops."""
    return False


def fetch_all(
    requests: Iterable[FetchRequest], settings: FetchSettings, stop: Callable[[], bool] = never
) -> Iterator[tuple[FetchRequest, Outcome]]:
    """Makes all requests and yields each with what it came to, as they complete.

    Nothing a URL or a server does raises; it is a `Failed`. At most `settings.concurrency` bodies are held at once,
    counting those not yet yielded. A host gets one request at a time and `settings.host_spacing` between two; after
    a 429 it gets no more. The operator's own machines (`urls.is_operators_own`) are exempt from all three.
    When `stop` returns true, what is under way is abandoned and the iterator ends.

    A slow consumer costs no fetch its deadline: time spent in the consumer does not count, and sockets are drained
    between any two results.
    """
    fetching = _Fetching(settings)
    try:
        fetching.queue(requests)
        yield from fetching.results(stop)
    finally:
        fetching.close()


class _Fetching:
    """One pass: what waits, what is in flight, what is done."""

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._timeout = settings.timeout.total_seconds()
        self._trust = find_trust_store()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, settings.concurrency)
        self._turns: Turns[tuple[FetchRequest, str, str]] = Turns(settings.host_spacing.total_seconds())
        self._idle: list[Transfer] = []
        self._in_flight: dict[pycurl.Curl, Transfer] = {}
        self._done: deque[tuple[FetchRequest, Outcome]] = deque()
        self._paused = 0.0

    def queue(self, requests: Iterable[FetchRequest]) -> None:
        for request in requests:
            try:
                url = wire_url(request.url)
            except ValueError as error:
                self._done.append((request, Failed("connect", f"{error}; correct the source's URL")))
                continue
            if is_operators_own(url, self._settings.allow_networks):
                self._turns.add_unpaced((request, url, _OWN))
            else:
                host = host_key(url)
                self._turns.add(host, (request, url, host))

    def results(self, stop: Callable[[], bool]) -> Iterator[tuple[FetchRequest, Outcome]]:
        while (self._turns or self._in_flight or self._done) and not stop():
            self._start()
            self._multi.perform()
            self._collect()
            self._expire()
            if not self._done:
                self._wait()
                continue
            result = self._done.popleft()
            left = time.monotonic()
            yield result
            self._paused += time.monotonic() - left

    def close(self) -> None:
        for transfer in self._in_flight.values():
            self._multi.remove_handle(transfer.handle)
        for transfer in (*self._in_flight.values(), *self._idle):
            transfer.close()
        self._in_flight.clear()
        self._idle.clear()
        self._multi.close()

    def _now(self) -> float:
        """Seconds in which we were free to run; what deadlines are counted in."""
        return time.monotonic() - self._paused

    def _start(self) -> None:
        while len(self._in_flight) + len(self._done) < self._settings.concurrency:
            turn = self._turns.take(time.monotonic())
            if turn is None:
                return
            self._begin(*turn)

    def _begin(self, request: FetchRequest, url: str, host: str) -> None:
        transfer = self._idle.pop() if self._idle else Transfer(self._settings, self._trust)
        transfer.host = host
        transfer.deadline = self._now() + self._timeout
        try:
            transfer.begin(request, url)
            self._multi.add_handle(transfer.handle)
        except (ValueError, pycurl.error) as error:
            self._finish(transfer, Failed("connect", f"the URL cannot be used ({error}); correct the source's URL"))
            return
        self._in_flight[transfer.handle] = transfer

    def _collect(self) -> None:
        queued = 1
        while queued:
            queued, succeeded, failed = self._multi.info_read()
            for handle in succeeded:
                self._settle(handle, pycurl.E_OK, "")
            for handle, code, detail in failed:
                self._settle(handle, code, detail)

    def _settle(self, handle: pycurl.Curl, code: int, detail: str) -> None:
        transfer = self._in_flight.pop(handle)
        outcome = transfer.outcome(code, detail)
        self._multi.remove_handle(handle)
        self._finish(transfer, outcome)

    def _expire(self) -> None:
        """Ends what is past its deadline. Comes after `_collect`, so that what completed in time counts."""
        now = self._now()
        for transfer in [late for late in self._in_flight.values() if late.deadline <= now]:
            del self._in_flight[transfer.handle]
            outcome = transfer.outcome_at_deadline()
            self._multi.remove_handle(transfer.handle)
            self._finish(transfer, outcome)

    def _finish(self, transfer: Transfer, outcome: Outcome) -> None:
        self._done.append((transfer.request, outcome))
        if isinstance(outcome, Failed) and outcome.http == 429:
            for request, _, host in self._turns.forfeit(transfer.host):
                self._done.append((request, outcomes.not_asked(host, outcome.retry_after)))
        self._turns.release(transfer.host, time.monotonic())
        transfer.finish()
        self._idle.append(transfer)

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
