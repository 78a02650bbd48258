"""Many fetches at once: concurrency, politeness, slow consumers, stopping."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from dataclasses import replace
from datetime import timedelta

from tests.fetches import FEED, HOSTS, SETTINGS, SHORT, STRANGERS, failure, fetch, outcomes, requests
from tests.origin import Answer, Origin, Request
from tidings.fetching.fetch import fetch_all, never
from tidings.model import Failed, Fetched, FetchRequest, Postponed, Unchanged, Validators

# ------------------------------------------------------------------------------------------------ many at once


def test_every_request_comes_back_once(origin: Origin) -> None:
    """Good, unchanged, broken and impossible requests each yield one outcome, with the request they belong to."""
    origin.serve_feed("/good", FEED, etag='"1"')
    asked = [
        FetchRequest(1, origin.url("/good")),
        FetchRequest(2, origin.url("/good"), Validators(origin.url("/good"), '"1"')),
        FetchRequest(3, origin.url("/missing")),
        FetchRequest(4, "nonsense"),
        *(FetchRequest(number, origin.url(f"/good?{number}")) for number in range(5, 60)),
    ]
    came = {request.feed_id: (request, type(outcome)) for request, outcome in fetch_all(iter(asked), SETTINGS, HOSTS)}
    assert [came[request.feed_id][0] for request in asked] == asked
    assert [came[number][1] for number in range(1, 6)] == [Fetched, Unchanged, Failed, Failed, Fetched]


def test_nothing_to_fetch_is_done_at_once() -> None:
    """An empty poll yields nothing."""
    assert list(fetch_all([], SETTINGS, HOSTS)) == []


def test_the_operators_own_machine_gets_all_requests_at_once(origin: Origin) -> None:
    """A literal address that was opened on purpose is asked in parallel, up to the concurrency."""
    together = threading.Barrier(SETTINGS.concurrency)

    def answer(_: Request) -> Answer:
        together.wait(timeout=15)
        return Answer(200, FEED)

    origin.serve("/feed", answer)
    urls = [origin.url(f"/feed?{number}") for number in range(SETTINGS.concurrency)]
    results = [
        outcome for _, outcome in fetch_all(requests(*urls), replace(SETTINGS, host_spacing=timedelta(hours=1)), HOSTS)
    ]
    assert all(isinstance(outcome, Fetched) for outcome in results)


def test_no_more_than_the_concurrency_is_in_flight(origin: Origin) -> None:
    """The limit holds over all hosts together."""
    busy, most, lock = 0, 0, threading.Lock()

    def answer(_: Request) -> Answer:
        nonlocal busy, most
        with lock:
            busy += 1
            most = max(most, busy)
        time.sleep(0.01)
        with lock:
            busy -= 1
        return Answer(200, FEED)

    origin.serve("/feed", answer)
    urls = [origin.url(f"/feed?{number}") for number in range(20)]
    assert len(list(fetch_all(requests(*urls), replace(SETTINGS, concurrency=3), HOSTS))) == 20
    assert 1 <= most <= 3


def test_a_strangers_host_is_asked_one_request_at_a_time_with_a_pause(origin: Origin) -> None:
    """The next request starts the spacing after the end of the one before, in the order given."""
    origin.serve("/feed", Answer(200, FEED, delay=0.01))
    urls = [origin.url(f"/feed?{number}", host="blog.localhost") for number in range(4)]
    assert len(list(fetch_all(requests(*urls), STRANGERS, HOSTS))) == 4
    assert [request.path for request in origin.requests] == [f"/feed?{number}" for number in range(4)]
    spacing = STRANGERS.host_spacing.total_seconds()
    for before, after in itertools.pairwise(origin.requests):
        assert before.answered is not None
        assert after.arrived - before.answered >= spacing


def test_other_hosts_go_on_while_one_waits(origin: Origin) -> None:
    """A host's pause is its own: another host's only request is not behind it."""
    origin.serve("/feed", Answer(200, FEED))
    urls = [origin.url(f"/feed?a{number}", host="a.localhost") for number in range(3)]
    urls.append(origin.url("/feed?b", host="b.localhost"))
    assert len(list(fetch_all(requests(*urls), replace(STRANGERS, host_spacing=timedelta(seconds=0.2)), HOSTS))) == 4
    order = [request.path[-2:] for request in origin.requests]
    assert order.index("?b") < order.index("a1") < order.index("a2")


def test_a_host_that_says_429_is_not_asked_again(origin: Origin) -> None:
    """Its other sources are postponed by the same wait and are no failures, other hosts are not touched."""
    origin.serve("/feed", Answer(429, headers={"Retry-After": "60"}))
    origin.serve("/other", Answer(200, FEED))
    urls = [origin.url(f"/feed?{number}", host="a.localhost") for number in range(3)]
    urls.append(origin.url("/other", host="b.localhost"))
    came = outcomes(requests(*urls), STRANGERS)
    assert sorted(request.path for request in origin.requests) == ["/feed?0", "/other"]
    assert isinstance(came[4], Fetched)
    assert failure(came[1]).retry_after == timedelta(seconds=60)
    for number in (2, 3):
        postponed = came[number]
        assert isinstance(postponed, Postponed)
        assert postponed.host == f"a.localhost:{origin.port}"
        assert postponed.wait is not None
        assert timedelta(seconds=50) < postponed.wait <= timedelta(seconds=60)


def test_a_host_that_does_not_answer_holds_up_nobody_for_long(origin: Origin) -> None:
    """After three requests that ran into their deadline a host's other sources are postponed: hundreds of them would
    take hours. Its first failures, and other hosts, are as always."""
    origin.serve("/feed", Answer(200, FEED, delay=30))
    origin.serve("/other", Answer(200, FEED))
    urls = [origin.url(f"/feed?{number}", host="a.localhost") for number in range(20)]
    came = outcomes(
        requests(*urls, origin.url("/other", host="b.localhost")), replace(SHORT, host_spacing=timedelta(0))
    )
    kinds = [outcome.kind if isinstance(outcome, Failed) else type(outcome).__name__ for outcome in came.values()]
    assert sorted(kinds) == ["Fetched", *["Postponed"] * 17, *["timeout"] * 3]
    assert origin.count("/feed?0") == 1
    assert len(origin.requests) == 4


def test_a_slow_consumer_costs_no_fetch_its_deadline(origin: Origin) -> None:
    """Time that passes between two results, in the consumer, is not held against what is in flight."""
    consumed = threading.Event()

    def answer(_: Request) -> Answer:
        consumed.wait(timeout=15)
        return Answer(200, FEED)

    origin.serve("/quick", Answer(200, FEED))
    origin.serve("/slow", answer)
    came = []
    for _, outcome in fetch_all(requests(origin.url("/slow"), origin.url("/quick")), SHORT, HOSTS):
        came.append(outcome)
        if not consumed.is_set():
            time.sleep(SHORT.timeout.total_seconds() * 1.5)
            consumed.set()
    assert [type(outcome) for outcome in came] == [Fetched, Fetched]


# ------------------------------------------------------------------------------------------------ stopping


def test_stop_abandons_what_is_in_flight(origin: Origin) -> None:
    """The iterator ends without waiting for an answer, and without calling the abandoned fetch failed."""
    origin.serve("/feed", Answer(200, FEED, delay=60))
    assert (
        list(fetch_all(requests(origin.url("/feed")), SETTINGS, HOSTS, stop=lambda: origin.count("/feed") == 1)) == []
    )


def test_stop_starts_nothing_more(origin: Origin) -> None:
    """After the result during which it was asked to stop, no request goes out."""
    origin.serve("/feed", Answer(200, FEED))
    urls = [origin.url(f"/feed?{number}") for number in range(5)]
    came: list[object] = []
    for _, outcome in fetch_all(requests(*urls), replace(SETTINGS, concurrency=1), HOSTS, stop=lambda: bool(came)):
        came.append(outcome)
    assert len(came) == 1
    assert len(origin.requests) == 1


def test_a_consumer_may_walk_away(origin: Origin) -> None:
    """Closing the iterator between two results lets go of everything; a second pass works as the first."""
    origin.serve("/feed", Answer(200, FEED))
    urls = [origin.url(f"/feed?{number}") for number in range(5)]
    results = fetch_all(requests(*urls), SETTINGS, HOSTS)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(list(fetch_all(requests(*urls), SETTINGS, HOSTS, stop=never))) == 5


def test_a_signal_does_not_break_a_fetch(origin: Origin) -> None:
    """A signal that arrives while we wait for sockets runs its handler, and the fetch goes on."""
    seen = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.set())

    def answer(_: Request) -> Answer:
        time.sleep(0.05)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        seen.wait(timeout=15)
        return Answer(200, FEED)

    origin.serve("/feed", answer)
    try:
        assert isinstance(fetch(origin.url("/feed")), Fetched)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert seen.is_set()


def test_a_stop_asked_for_by_a_signal_is_prompt(origin: Origin) -> None:
    """This is how the daemon stops: the handler sets a flag, and the flag is what `stop` returns."""
    asked = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: asked.set())

    def answer(_: Request) -> Answer:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
        return Answer(200, FEED, delay=60)

    origin.serve("/feed", answer)
    try:
        assert list(fetch_all(requests(origin.url("/feed")), SETTINGS, HOSTS, stop=asked.is_set)) == []
    finally:
        signal.signal(signal.SIGUSR1, before)
