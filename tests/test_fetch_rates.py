"""Rate headers: that nothing is left, and until when; and what a pass makes of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fetches import FEED, SETTINGS, STRANGERS, failure, fetch, fetched, outcomes, requests, unchanged
from tests.origin import Answer, Origin
from tidings.fetching.fetch import Hosts, HostWait
from tidings.fetching.rates import MAX_REST, exhausted
from tidings.model import Fetched, Postponed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DATE = "Mon, 23 Nov 2026 10:00:00 GMT"
EPOCH = 1_795_428_000  # DATE in seconds since 1970


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "30"}, 30),
        ({"ratelimit-remaining": "1", "ratelimit-reset": "30"}, None),
        ({"ratelimit-remaining": "0"}, None),
        ({"ratelimit-reset": "30"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "0"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "312"}, 312),
        ({"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "312"}, 312),
        ({"x-ratelimit-remaining": "0.4", "x-ratelimit-reset": "31.5"}, 31.5),
        ({"x-ratelimit-remaining": "99.0", "x-ratelimit-reset": "312"}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "60"}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 600), "date": DATE}, 600),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str((EPOCH + 600) * 1000), "date": DATE}, 600),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 7260)}, 60),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH - 600), "date": DATE}, None),
        ({"ratelimit": '"default";r=0;t=30'}, 30),
        ({"ratelimit": '"default"; r=0 ; t=30'}, 30),
        ({"ratelimit": '"default";r=5;t=30'}, None),
        ({"ratelimit": '"burst";r=0;t=5, "daily";r=0;t=400'}, 400),
        ({"ratelimit": '"burst";r=0;t=5, "daily";r=7;t=400'}, 5),
        ({"ratelimit": '"default";r=0'}, None),
        ({"ratelimit": '"default";t=30'}, None),
        ({"ratelimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"ratelimit": "limit=100, remaining=1, reset=50"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9" * 20}, MAX_REST.total_seconds()),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "9" * 5000}, MAX_REST.total_seconds()),
        ({"ratelimit": f'"x";r=0;t={"9" * 5000}'}, MAX_REST.total_seconds()),
        ({"ratelimit": f'"x";r={"9" * 5000};t=30'}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999"}, MAX_REST.total_seconds()),
        ({"ratelimit": '"x";r=0;t=99999999'}, MAX_REST.total_seconds()),
        ({"ratelimit-remaining": "none", "ratelimit-reset": "30"}, None),
        ({"ratelimit-remaining": "-1", "ratelimit-reset": "30"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "soon"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "-30"}, None),
        ({"ratelimit": "garbage;;;===r=;t"}, None),
    ],
)
def test_only_an_allowance_that_is_used_up_asks_for_rest(fields: dict[str, str], seconds: float | None) -> None:
    """All four spellings, waits and moments alike, from nothing to a day; garbage says nothing."""
    assert exhausted(fields, NOW) == (None if seconds is None else timedelta(seconds=seconds))


NAMES = st.sampled_from(
    ["ratelimit", "ratelimit-remaining", "ratelimit-reset", "x-ratelimit-remaining", "x-ratelimit-reset", "date"]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.from_regex(r"\d{0,25}\.?\d{0,3}", fullmatch=True),
    st.from_regex(r'"\w*"(;[rt]=\d{0,25}){0,3}', fullmatch=True),
)


@given(st.dictionaries(NAMES, VALUES))
def test_no_rate_header_breaks_the_rules(fields: dict[str, str]) -> None:
    """Whatever a server sends, there is no wish, or one of more than nothing and at most a day."""
    wait = exhausted(fields, NOW)
    assert wait is None or timedelta(0) < wait <= MAX_REST


# ------------------------------------------------------------------------------------------------ in a pass

USED_UP = {"X-RateLimit-Remaining": "0.0", "X-RateLimit-Reset": "120"}


def test_a_good_answer_tells_that_nothing_is_left(origin: Origin) -> None:
    """Fetched and Unchanged say how long the host wants to be left alone."""
    origin.serve("/feed", Answer(200, FEED, USED_UP))
    origin.serve("/same", Answer(304, headers=USED_UP))
    origin.serve("/more", Answer(200, FEED, {**USED_UP, "X-RateLimit-Remaining": "7.0"}))
    assert fetched(fetch(origin.url("/feed"))).host_rest == timedelta(seconds=120)
    assert unchanged(fetch(origin.url("/same"), etag='"1"')).host_rest == timedelta(seconds=120)
    assert fetched(fetch(origin.url("/more"))).host_rest is None


def test_a_403_with_nothing_left_is_a_rate_limit(origin: Origin) -> None:
    """Reddit says 403 where others say 429; it is known by its headers."""
    origin.serve("/feed", Answer(403, b"", USED_UP))
    origin.serve("/other", Answer(403, b"", {**USED_UP, "X-RateLimit-Remaining": "3"}))
    outcome = failure(fetch(origin.url("/feed")))
    assert (outcome.kind, outcome.http, outcome.retry_after) == ("rate-limited", 403, timedelta(seconds=120))
    assert failure(fetch(origin.url("/other"))).kind == "refused"


@pytest.mark.parametrize(
    "first",
    [
        Answer(200, FEED, USED_UP),
        Answer(404, b"", USED_UP),
        Answer(403, b"", USED_UP),
        Answer(429),
        Answer(429, headers={"Retry-After": "120"}),
        Answer(503, headers={"Retry-After": "120"}),
        Answer(404, headers={"Retry-After": "120"}),
        Answer(403, headers={"Retry-After": "120", "cf-mitigated": "challenge"}),
    ],
    ids=["200 used up", "404 used up", "403 used up", "429", "429 with wait", "503 with wait", "404", "challenge"],
)
def test_a_host_that_wants_no_more_gets_no_more(origin: Origin, first: Answer) -> None:
    """The queued requests of the group come out as postponed by as long as was asked for."""
    origin.serve("/0", first)
    urls = [origin.url(f"/{number}", host="a.localhost") for number in range(3)]
    came = outcomes(requests(*urls), STRANGERS)
    assert [request.path for request in origin.requests] == ["/0"]
    for outcome in (came[2], came[3]):
        assert isinstance(outcome, Postponed)
        assert outcome.host == f"a.localhost:{origin.port}"
        if first.headers:
            assert outcome.wait is not None
            assert timedelta(seconds=100) < outcome.wait <= timedelta(seconds=120)
        else:
            assert outcome.wait is None


def test_a_host_that_allows_one_request_and_redirects_within_itself_is_read(origin: Origin) -> None:
    """A way that has begun goes on although no request is left; the others of the host are postponed."""
    origin.serve("/0", Answer(301, headers={"Location": "/next", **USED_UP}))
    origin.serve("/next", Answer(200, FEED))
    came = outcomes(requests(*(origin.url(f"/{number}", host="a.localhost") for number in range(3))), STRANGERS)
    assert [request.path for request in origin.requests] == ["/0", "/next"]
    assert isinstance(came[1], Fetched)
    assert isinstance(came[2], Postponed)
    assert isinstance(came[3], Postponed)


@pytest.mark.parametrize("wish", [USED_UP, {"Retry-After": "120"}], ids=["used up", "retry-after"])
def test_a_redirect_says_when_its_server_wants_rest(origin: Origin, wish: dict[str, str]) -> None:
    """What a redirect asks for its own server holds for the rest of the pass, and is told with the outcome; the other
    server, where it led, is asked at once."""
    away = origin.url("/feed", host="b.localhost")
    origin.serve("/0", Answer(302, headers={"Location": away, **wish}))
    origin.serve("/feed", Answer(200, FEED))
    came = outcomes(requests(*(origin.url(f"/{number}", host="a.localhost") for number in range(3))), STRANGERS)
    assert [request.path for request in origin.requests] == ["/0", "/feed"]
    first = fetched(came[1])
    assert [hop.rest for hop in first.hops] == [timedelta(seconds=120), None]
    assert first.host_rest is None
    for outcome in (came[2], came[3]):
        assert isinstance(outcome, Postponed)
        assert outcome.host == f"a.localhost:{origin.port}"


def test_retry_after_on_a_good_answer_means_nothing(origin: Origin) -> None:
    """It is defined for errors and redirects only."""
    origin.serve("/0", Answer(200, FEED, {"Retry-After": "120"}))
    origin.serve("/1", Answer(200, FEED))
    came = outcomes(requests(origin.url("/0", host="a.localhost"), origin.url("/1", host="a.localhost")), STRANGERS)
    assert fetched(came[1]).host_rest is None
    assert isinstance(came[2], Fetched)


def test_a_503_without_retry_after_stops_nobody(origin: Origin) -> None:
    """It is one source's trouble, and the next source of the host is asked."""
    origin.serve("/0", Answer(503))
    origin.serve("/1", Answer(200, FEED))
    came = outcomes(requests(origin.url("/0", host="a.localhost"), origin.url("/1", host="a.localhost")), STRANGERS)
    assert failure(came[1]).kind == "server-error"
    assert isinstance(came[2], Fetched)


def test_the_operators_own_machine_is_asked_on(origin: Origin) -> None:
    """It may say what it likes; who opened it knows better."""
    origin.serve("/0", Answer(429, headers={"Retry-After": "120"}))
    for number in range(1, 20):
        origin.serve(f"/{number}", Answer(200, FEED, USED_UP))
    urls = [origin.url(f"/{number}") for number in range(20)]
    waits = {"127.0.0.1": HostWait(rest=timedelta(hours=1)), "": HostWait(rest=timedelta(hours=1))}
    came = outcomes(requests(*urls), SETTINGS, Hosts(lambda _: "127.0.0.1", waits))
    assert [type(came[number]) for number in range(2, 21)] == [Fetched] * 19


def test_a_host_that_rests_is_not_asked_at_all(origin: Origin) -> None:
    """What was remembered from earlier passes holds from the first request on; others are asked."""
    origin.serve("/feed", Answer(200, FEED))
    urls = [origin.url("/feed", host="a.localhost"), origin.url("/feed", host="b.localhost")]
    waits = {f"a.localhost:{origin.port}": HostWait(rest=timedelta(minutes=5))}
    came = outcomes(requests(*urls), STRANGERS, Hosts(waits=waits))
    assert len(origin.requests) == 1
    assert isinstance(came[1], Postponed)
    assert came[1].wait is not None
    assert timedelta(minutes=4) < came[1].wait <= timedelta(minutes=5)
    assert isinstance(came[2], Fetched)


def test_a_redirect_to_a_host_that_rests_is_not_followed(origin: Origin) -> None:
    """The rest that is remembered holds for hops as for first requests, and is nobody's failure."""
    origin.serve("/old", Answer(301, headers={"Location": origin.url("/new", host="b.localhost")}))
    resting = f"b.localhost:{origin.port}"
    hosts = Hosts(waits={resting: HostWait(rest=timedelta(minutes=5))})
    outcome = outcomes(requests(origin.url("/old", host="a.localhost")), STRANGERS, hosts)[1]
    assert isinstance(outcome, Postponed)
    assert outcome.host == resting
    assert [request.path for request in origin.requests] == ["/old"]


def test_a_pause_left_from_the_last_pass_is_kept(origin: Origin) -> None:
    """The first request of a host waits for what is left of its spacing; no other host's does."""
    origin.serve("/feed", Answer(200, FEED))
    waits = {f"a.localhost:{origin.port}": HostWait(pause=timedelta(seconds=0.5))}
    urls = [origin.url("/feed?a", host="a.localhost"), origin.url("/feed?b", host="b.localhost")]
    start = time.monotonic()
    assert len(outcomes(requests(*urls), STRANGERS, Hosts(waits=waits))) == 2
    assert [request.path for request in origin.requests] == ["/feed?b", "/feed?a"]
    assert origin.requests[1].arrived - start >= 0.5
