"""Redirects: followed hop by hop, each as polite, as guarded and as tight-lipped as a first request."""

from __future__ import annotations

import itertools
import time
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fetches import (
    FEED,
    HOSTS,
    SETTINGS,
    STRANGERS,
    ask,
    failure,
    fetch,
    fetched,
    outcomes,
    requests,
    unchanged,
)
from tests.origin import Answer, Origin, Request
from tidings.fetching.fetch import Hosts, fetch_all
from tidings.model import FetchRequest, Hop, Login, Postponed, Validators

SECRET = FetchRequest(1, "", headers=(("X-Key", "hush"),), login=Login("me", "sécret:x"))
BASIC = "Basic " + b64encode("me:sécret:x".encode()).decode()


def secret(request: Request) -> tuple[str | None, str | None]:
    return request.headers["X-Key"], request.headers["Authorization"]


# ------------------------------------------------------------------------------------------------ following


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed_and_its_end_reported(origin: Origin, status: int) -> None:
    """The outcome is that of the final URL, with nothing of the redirect's headers in it, and all hops are named."""
    origin.serve("/old", Answer(status, b"moved", {"Location": "/new", "ETag": '"old"', "Cache-Control": "max-age=9"}))
    origin.serve("/new", Answer(200, FEED))
    outcome = fetched(fetch(origin.url("/old")))
    assert (outcome.url, outcome.body, outcome.etag, outcome.freshness) == (origin.url("/new"), FEED, None, None)
    assert outcome.hops == (Hop(origin.url("/old"), status), Hop(origin.url("/new"), 200))


@pytest.mark.parametrize(("hops", "is_followed"), [(5, True), (6, False)])
def test_five_redirects_are_enough(origin: Origin, hops: int, is_followed: bool) -> None:
    """The sixth redirect in a row is not followed."""
    for hop in range(hops):
        origin.serve(f"/{hop}", Answer(301, headers={"Location": f"/{hop + 1}"}))
    origin.serve(f"/{hops}", Answer(200, FEED))
    outcome = fetch(origin.url("/0"))
    assert fetched(outcome).body == FEED if is_followed else failure(outcome).kind == "redirect-loop"
    assert origin.count(f"/{hops}") == (1 if is_followed else 0)
    assert len(origin.requests) == 6


@pytest.mark.parametrize("location", ["/feed", "/feed#top", "feed", "//{host}/feed", "/other"])
def test_a_circle_of_redirects_is_left_at_once(origin: Origin, location: str) -> None:
    """A URL that was asked already is not asked again, and the failure says that it is a circle."""
    location = location.format(host=f"127.0.0.1:{origin.port}")
    origin.serve("/feed", Answer(302, headers={"Location": location}))
    origin.serve("/other", Answer(302, headers={"Location": "/feed"}))
    outcome = failure(fetch(origin.url("/feed")))
    assert outcome.kind == "redirect-loop"
    assert origin.url("/feed") in outcome.message
    assert origin.count("/feed") == 1
    assert len(outcome.hops) == len(origin.requests)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("", "no address"),
        (" ", "no address"),
        ("file:///etc/passwd", "file:"),
        ("ftp://127.0.0.1/feed", "ftp:"),
        ("gopher://127.0.0.1:25/x", "gopher:"),
        ("dict://127.0.0.1:11211/stats", "dict:"),
        ("data:text/xml,<rss/>", "data:"),
        ("javascript:alert(1)", "javascript:"),
        ("ldap://127.0.0.1/", "ldap:"),
        ("http://", "no usable address"),
        ("http://[::1", "no usable address"),
        ("http://ü..example/", "no usable address"),
        ("http://a b.example/", "no usable address"),
        ("http://x.example:port/", "no usable address"),
        ("http://x.example:99999/", "no usable address"),
        ("http://me:secret@127.0.0.1/", "user name"),
        ("http://public.example@127.0.0.1/", "user name"),
        ("//me@127.0.0.1/", "user name"),
    ],
)
def test_a_redirect_to_nowhere_fails_as_one(origin: Origin, location: str, words: str) -> None:
    """A target that is none, is not the web's, or hides a user name, is the redirect's fault, said in plain words."""
    origin.serve("/feed", Answer(302, headers={"Location": location}))
    outcome = failure(fetch(origin.url("/feed")))
    assert (outcome.kind, outcome.http) == ("redirect", 302)
    assert words in outcome.message
    assert outcome.hops == (Hop(origin.url("/feed"), 302),)
    assert len(origin.requests) == 1


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("new", "/a/new"),
        ("../new", "/new"),
        ("?q=1", "/a/old?q=1"),
        ("/n\u00c3\u00bc", "/n%C3%BC"),  # UTF-8, as most servers send it
        ("/n\u00fc", "/n%FC"),  # Latin-1, as few do
        ("/a b", "/a%20b"),
        ("/%20%2F", "/%20%2F"),
        ("\\new", "/new"),
        ("/x?y=\\z", "/x?y=%5Cz"),
        ("/ta\tb", "/tab"),
        ("http:new", "/a/new"),
        ("http:///{host}/new", "/new"),
        ("HTTP://{host}/new#frag", "/new"),
        ("//{host}/new", "/new"),
        ("\\\\{host}\\new", "/new"),
    ],
)
def test_a_location_is_read_as_browsers_read_it(origin: Origin, location: str, path: str) -> None:
    """Relative, without a scheme, badly encoded or with backslashes: it leads where a browser would go."""
    origin.serve("/a/old", Answer(301, headers={"Location": location.format(host=f"127.0.0.1:{origin.port}")}))
    origin.serve(path, Answer(200, FEED))
    assert fetched(fetch(origin.url("/a/old"))).url == origin.url(path)
    assert origin.requests[-1].path == path


def test_a_redirects_own_body_is_not_waited_for_beyond_reason(origin: Origin) -> None:
    """A page of thanks for coming, however endless, is cut off, and the redirect followed."""
    origin.serve("/old", Answer(301, itertools.repeat(b"x" * 10_000), {"Location": "/new"}))
    origin.serve("/new", Answer(200, FEED))
    assert fetched(fetch(origin.url("/old"))).body == FEED


def test_the_deadline_holds_over_all_hops_together(origin: Origin) -> None:
    """Hops that each take half the time do not add up to more than the time."""
    for hop in range(5):
        origin.serve(f"/{hop}", Answer(302, headers={"Location": f"/{hop + 1}"}, delay=0.3))
    outcome = failure(fetch(origin.url("/0"), replace(SETTINGS, timeout=timedelta(seconds=0.7))))
    assert outcome.kind == "timeout"
    assert len(outcome.hops) <= 2


def test_what_fails_behind_a_redirect_keeps_its_own_kind(origin: Origin) -> None:
    """A dead server, a missing page and a private address at the far end are what they are."""
    with Origin() as other:
        gone = other.url("/feed")
    origin.serve("/dead", Answer(302, headers={"Location": gone}))
    origin.serve("/lost", Answer(302, headers={"Location": "/nothing"}))
    origin.serve("/inside", Answer(302, headers={"Location": "http://10.0.0.1/"}))
    kinds = [failure(fetch(origin.url(path))) for path in ("/dead", "/lost", "/inside")]
    assert [outcome.kind for outcome in kinds] == ["connect", "not-found", "forbidden-address"]
    assert [len(outcome.hops) for outcome in kinds] == [1, 2, 1]


# ------------------------------------------------------------------------------------------------ secrets


def test_headers_and_login_go_to_their_own_origin_only(origin: Origin) -> None:
    """Another path of it gets them; another port, host or scheme does not."""
    with Origin() as other:
        other.serve("/feed", Answer(200, FEED))
        origin.serve("/old", Answer(302, headers={"Location": "/older"}))
        origin.serve("/older", Answer(302, headers={"Location": other.url("/feed")}))
        fetched(ask(replace(SECRET, url=origin.url("/old"))))
        assert [secret(request) for request in origin.requests] == [("hush", BASIC)] * 2
        assert [secret(request) for request in other.requests] == [(None, None)]
        assert other.requests[0].headers["User-Agent"] == SETTINGS.user_agent


def test_the_same_server_under_another_name_is_another_origin(origin: Origin) -> None:
    """The name is what counts, not the machine."""
    origin.serve("/old", Answer(302, headers={"Location": origin.url("/new", host="localhost")}))
    origin.serve("/new", Answer(200, FEED))
    fetched(ask(replace(SECRET, url=origin.url("/old"))))
    assert secret(origin.requests[1]) == (None, None)


def test_secrets_that_were_left_behind_never_come_back(origin: Origin) -> None:
    """A stranger that sends us back home does not choose what our login is sent to."""
    with Origin() as other:
        other.serve("/bounce", Answer(302, headers={"Location": origin.url("/admin?delete=all")}))
        origin.serve("/old", Answer(302, headers={"Location": other.url("/bounce")}))
        origin.serve("/admin", Answer(200, FEED))
        fetched(ask(replace(SECRET, url=origin.url("/old"))))
    assert [secret(request) for request in origin.requests] == [("hush", BASIC), (None, None)]


def test_a_password_in_the_url_is_a_login_like_any_other(origin: Origin) -> None:
    """It goes to its origin, decoded, and is in no URL that anyone is told of."""
    told: list[str] = []
    origin.serve("/old", Answer(302, headers={"Location": origin.url("/new", host="localhost")}))
    origin.serve("/new", Answer(200, FEED))
    request = FetchRequest(1, origin.url("/old", host="me:s%C3%A9cret%3Ax@127.0.0.1"))
    [(_, outcome)] = fetch_all([request], SETTINGS, HOSTS, starting=lambda _, url: told.append(url))
    assert [secret(request)[1] for request in origin.requests] == [BASIC, None]
    assert told == [origin.url("/old"), origin.url("/new", host="localhost")]
    assert "cret" not in repr(fetched(outcome))


def test_no_hop_is_told_where_we_come_from_or_given_cookies(origin: Origin) -> None:
    """No Referer and no Cookie, whatever the hop before set."""
    origin.serve("/old", Answer(302, headers={"Location": "/new", "Set-Cookie": "a=1; Path=/"}))
    origin.serve("/new", Answer(200, FEED))
    fetched(fetch(origin.url("/old")))
    assert {name.lower() for name in origin.requests[1].headers} == {"host", "user-agent", "accept", "accept-encoding"}


# ------------------------------------------------------------------------------------------------ validators


def test_validators_go_to_their_own_url_only(origin: Origin) -> None:
    """Those of the final URL are sent there and not on the way, and `A-IM` with them."""
    origin.serve("/old", Answer(301, headers={"Location": "/new#x"}))
    origin.serve_feed("/new", FEED, etag='"1"')
    request = FetchRequest(1, origin.url("/old"), Validators(origin.url("/new#y"), '"1"'))
    assert unchanged(ask(request)).url == origin.url("/new")
    assert [(request.headers["If-None-Match"], request.headers["A-IM"]) for request in origin.requests] == [
        (None, None),
        ('"1"', "feed"),
    ]


def test_validators_of_another_url_stay_at_home(origin: Origin) -> None:
    """A source that was redirected elsewhere, or lost its redirect, is asked for all there is."""
    origin.serve_feed("/feed", FEED, etag='"1"')
    request = FetchRequest(1, origin.url("/feed"), Validators(origin.url("/old"), '"1"', "then"))
    assert fetched(ask(request)).body == FEED
    assert not {"if-none-match", "if-modified-since", "a-im"} & {name.lower() for name in origin.requests[0].headers}


def test_a_304_behind_a_redirect_needs_a_question(origin: Origin) -> None:
    """A final 304 is only believed if that very request was conditional."""
    origin.serve("/old", Answer(301, headers={"Location": "/new"}))
    origin.serve("/new", Answer(304))
    request = FetchRequest(1, origin.url("/old"), Validators(origin.url("/old"), '"1"'))
    outcome = failure(ask(request))
    assert (outcome.kind, outcome.http) == ("http", 304)
    assert origin.requests[0].headers["If-None-Match"] == '"1"'


# ------------------------------------------------------------------------------------------------ turns


def test_a_hop_on_the_same_host_waits_the_spacing(origin: Origin) -> None:
    """The spacing holds between any two requests, also those of one fetch."""
    origin.serve("/old", Answer(301, headers={"Location": "/new"}))
    origin.serve("/new", Answer(200, FEED))
    outcome = outcomes(requests(origin.url("/old", host="a.localhost")), STRANGERS)[1]
    first, second = origin.requests
    assert fetched(outcome).url.endswith("/new")
    assert first.answered is not None
    assert second.arrived - first.answered >= STRANGERS.host_spacing.total_seconds()


def test_waiting_for_a_turn_is_not_held_against_the_deadline(origin: Origin) -> None:
    """Three hops whose pauses add up to more than the whole deadline still arrive."""
    for hop in range(3):
        origin.serve(f"/{hop}", Answer(301, headers={"Location": f"/{hop + 1}"}))
    origin.serve("/3", Answer(200, FEED))
    settings = replace(SETTINGS, timeout=timedelta(seconds=1), host_spacing=timedelta(seconds=0.6))
    assert fetched(fetch(origin.url("/0", host="a.localhost"), settings)).body == FEED


def test_a_hop_goes_before_what_has_not_begun(origin: Origin) -> None:
    """What is under way at a host ends before the next source of that host begins."""
    origin.serve("/old", Answer(301, headers={"Location": "/new"}))
    origin.serve("/new", Answer(200, FEED))
    origin.serve("/next", Answer(200, FEED))
    urls = [origin.url(path, host="a.localhost") for path in ("/old", "/next")]
    assert len(outcomes(requests(*urls), STRANGERS)) == 2
    assert [request.path for request in origin.requests] == ["/old", "/new", "/next"]


def test_hops_of_many_sources_to_one_host_go_one_at_a_time(origin: Origin) -> None:
    """Sources of different hosts that all lead to one are spaced there, however they come."""
    origin.serve("/new", Answer(200, FEED, delay=0.01))
    for number in range(4):
        target = origin.url(f"/new?{number}", host="target.localhost")
        origin.serve(f"/{number}", Answer(301, headers={"Location": target}))
    urls = [origin.url(f"/{number}", host=f"h{number}.localhost") for number in range(4)]
    assert len(outcomes(requests(*urls), STRANGERS)) == 4
    hits = [request for request in origin.requests if request.path.startswith("/new")]
    assert len(hits) == 4
    for before, after in itertools.pairwise(hits):
        assert before.answered is not None
        assert after.arrived - before.answered >= STRANGERS.host_spacing.total_seconds()


def test_a_hop_to_a_host_that_said_429_is_postponed(origin: Origin) -> None:
    """The redirect is not followed there, and the source is not to blame."""
    origin.serve("/busy", Answer(429, headers={"Retry-After": "60"}))

    def redirect(_: Request) -> Answer:
        for _turn in range(1500):
            if any(request.answered for request in origin.asked("/busy")):
                break
            time.sleep(0.01)
        return Answer(301, headers={"Location": origin.url("/x", host="busy.localhost")}, delay=0.2)

    origin.serve("/old", redirect)
    urls = [origin.url("/busy", host="busy.localhost"), origin.url("/old", host="calm.localhost")]
    came = outcomes(requests(*urls), STRANGERS)
    assert failure(came[1]).kind == "rate-limited"
    assert isinstance(came[2], Postponed)
    assert came[2].host == f"busy.localhost:{origin.port}"
    assert origin.count("/x") == 0


def test_hosts_are_grouped_as_the_caller_says(origin: Origin) -> None:
    """With one group for all names, a redirect from one name to another waits like one that stays."""
    origin.serve("/old", Answer(301, headers={"Location": origin.url("/new", host="b.localhost")}))
    origin.serve("/new", Answer(200, FEED))
    seen: list[str] = []

    def one_group(url: str) -> str:
        seen.append(url)
        return "group"

    came = outcomes(requests(origin.url("/old", host="a.localhost")), STRANGERS, Hosts(one_group))
    first, second = origin.requests
    assert fetched(came[1]).body == FEED
    assert first.answered is not None
    assert second.arrived - first.answered >= STRANGERS.host_spacing.total_seconds()
    assert set(seen) == {origin.url("/old", host="a.localhost"), origin.url("/new", host="b.localhost")}
