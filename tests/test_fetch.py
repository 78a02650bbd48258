"""One fetch, against a real server on loopback: what is asked, what the answer means, redirects."""

from __future__ import annotations

import gc
import itertools
import warnings
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.fetches import FEED, HOSTS, SETTINGS, SHORT, failure, fetch, requests
from tests.origin import Answer, Origin, Raw
from tidings.fetching.fetch import fetch_all
from tidings.model import Fetched, FetchRequest, Hop, Unchanged, Validators

# ------------------------------------------------------------------------------------------------ what is asked


def test_a_request_carries_nothing_but_its_own_headers(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No cookie, referrer or stored password goes out: only host, agent, accepted types and codings."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    origin.serve("/feed", Answer(200, FEED))
    fetch(origin.url("/feed"))
    headers = origin.requests[0].headers
    assert {name.lower() for name in headers} == {"host", "user-agent", "accept", "accept-encoding"}
    assert headers["User-Agent"] == SETTINGS.user_agent
    assert {"application/rss+xml", "application/atom+xml", "application/feed+json"} <= set(
        headers["Accept"].replace(";", ",").replace(" ", "").split(",")
    )
    assert "gzip" in headers["Accept-Encoding"]


@pytest.mark.parametrize(
    ("etag", "last_modified"),
    [
        ('"abc"', "Mon, 02 Jan 2023 03:04:05 GMT"),
        ('W/"weak, with comma"', "yesterday"),
        ("no-quotes", "0"),
        ('"caf\xe9"', "2023-01-02"),
        ('"tab\there"', "Mon, 02 Jan 2023 03:04:05 +0200"),
    ],
)
def test_validators_come_back_and_go_out_byte_for_byte(origin: Origin, etag: str, last_modified: str) -> None:
    """A validator is opaque: whatever the server sent is returned, and sent again, unchanged."""
    origin.serve_feed("/feed", FEED, etag=etag, last_modified=last_modified)
    first = fetch(origin.url("/feed"))
    assert isinstance(first, Fetched)
    assert (first.etag, first.last_modified) == (etag, last_modified)
    second = fetch(origin.url("/feed"), etag=first.etag or "", last_modified=first.last_modified or "")
    assert isinstance(second, Unchanged)
    assert origin.requests[1].headers["If-None-Match"] == etag
    assert origin.requests[1].headers["If-Modified-Since"] == last_modified


def test_a_stored_validator_cannot_add_a_header(origin: Origin) -> None:
    """A validator with a line break in it, which no header can have brought, is not sent."""
    origin.serve("/feed", Answer(200, FEED))
    fetch(origin.url("/feed"), etag='"1"\r\nCookie: injected', last_modified="\nX: y")
    assert not {"if-none-match", "if-modified-since", "cookie", "x"} & {
        name.lower() for name in origin.requests[0].headers
    }


def test_cookies_are_never_returned(origin: Origin) -> None:
    """A cookie set by a redirect or by an earlier answer is not sent to the same server again."""
    origin.serve("/old", Answer(302, headers={"Location": "/feed", "Set-Cookie": "a=1; Path=/"}))
    origin.serve("/feed", Answer(200, FEED, {"Set-Cookie": "b=2; Path=/"}))
    urls = [origin.url("/old"), origin.url("/feed"), origin.url("/feed")]
    assert len(list(fetch_all(requests(*urls), replace(SETTINGS, concurrency=1), HOSTS))) == 3
    assert [request.path for request in origin.requests] == ["/old", "/feed", "/feed", "/feed"]
    assert not any("Cookie" in request.headers or "Referer" in request.headers for request in origin.requests)


def test_a_reused_handle_forgets_the_request_before(origin: Origin) -> None:
    """Validators of one source are not sent for the next one, nor is its body handed over or counted again."""
    origin.serve("/a", Answer(200, b"a" * 900))
    origin.serve("/b", Answer(200, b"b" * 900))
    asked = [FetchRequest(1, origin.url("/a"), Validators(origin.url("/a"), '"a"')), FetchRequest(2, origin.url("/b"))]
    settings = replace(SETTINGS, concurrency=1, max_bytes=1000)
    bodies = [outcome.body for _, outcome in fetch_all(asked, settings, HOSTS) if isinstance(outcome, Fetched)]
    assert bodies == [b"a" * 900, b"b" * 900]
    assert "If-None-Match" not in origin.requests[1].headers


def test_no_socket_is_left_open(origin: Origin) -> None:
    """What the guard opens is closed again, whether the fetch succeeded or was refused."""
    origin.serve("/feed", Answer(200, FEED))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", ResourceWarning)
        fetch(origin.url("/feed", host="localhost"))
        fetch(origin.url("/feed", host="localhost"), replace(SETTINGS, allow_networks=()))
        gc.collect()
    assert [str(warning.message) for warning in seen] == []


def test_proxy_variables_of_the_environment_are_ignored(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would make every connection for us, behind the guard's back."""
    origin.serve("/feed", Answer(200, FEED))
    with Origin() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert isinstance(fetch(origin.url("/feed")), Fetched)
        assert proxy.requests == []


def test_an_international_url_is_asked_for_in_ascii(origin: Origin) -> None:
    """Letters beyond ASCII, and blanks, are percent-encoded once; what was encoded already stays."""
    origin.serve("/caf%C3%A9%20%2F", Answer(200, FEED))
    assert isinstance(fetch(origin.url("/café %2F?q=ü")), Fetched)
    assert origin.requests[0].path == "/caf%C3%A9%20%2F?q=%C3%BC"


# ------------------------------------------------------------------------------------------------ what is answered


def test_a_fetched_feed_comes_with_all_that_was_said_of_it(origin: Origin) -> None:
    """Body, final URL, type, validators and freshness of a 200 arrive together."""
    headers = {"Content-Type": "application/rss+xml; charset=utf-8", "Cache-Control": "max-age=600", "Age": "60"}
    origin.serve("/feed", Answer(200, FEED, {**headers, "ETag": '"1"', "Last-Modified": "then"}))
    assert fetch(origin.url("/feed")) == Fetched(
        url=origin.url("/feed"),
        http=200,
        body=FEED,
        content_type="application/rss+xml; charset=utf-8",
        etag='"1"',
        last_modified="then",
        freshness=timedelta(seconds=540),
        hops=(Hop(origin.url("/feed"), 200),),
    )


@pytest.mark.parametrize(
    ("headers", "etag", "last_modified", "freshness"),
    [
        ({}, None, None, None),
        ({"ETag": '"2"'}, '"2"', None, None),
        ({"Last-Modified": "now"}, None, "now", None),
        ({"Cache-Control": "max-age=60"}, None, None, timedelta(seconds=60)),
    ],
)
def test_an_unchanged_feed_brings_only_the_validators_it_sent(
    origin: Origin,
    headers: dict[str, str],
    etag: str | None,
    last_modified: str | None,
    freshness: timedelta | None,
) -> None:
    """A validator missing from a 304 is None, so that the stored one stays."""
    origin.serve("/feed", Answer(304, headers=headers))
    url = origin.url("/feed")
    assert fetch(url, etag='"1"') == Unchanged(
        url, 304, etag, last_modified, freshness=freshness, hops=(Hop(url, 304),)
    )


def test_an_unasked_304_is_the_servers_mistake(origin: Origin) -> None:
    """A 304 to a request without validators leaves us with nothing, and is reported as a failure."""
    origin.serve("/feed", Answer(304, headers={"ETag": '"1"'}))
    outcome = failure(fetch(origin.url("/feed")))
    assert (outcome.kind, outcome.http) == ("http", 304)
    assert "nothing to compare" in outcome.message


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (201, "http", "201 Created"),
        (204, "http", "204 No Content"),
        (206, "http", "206 Partial Content"),
        (300, "redirect", "300 Multiple Choices"),
        (302, "redirect", "no address to go to"),
        (305, "redirect", "305 Use Proxy"),
        (306, "redirect", "306"),
        (400, "client-error", "400 Bad Request"),
        (401, "unauthorized", "login"),
        (402, "unauthorized", "paid"),
        (403, "refused", "refuses us"),
        (404, "not-found", "may have moved"),
        (406, "client-error", "406 Not Acceptable"),
        (407, "unauthorized", "login"),
        (410, "gone", "remove the source"),
        (421, "client-error", "421"),
        (429, "rate-limited", "429 Too Many Requests"),
        (451, "refused", "legal"),
        (500, "server-error", "500 Internal Server Error"),
        (503, "server-error", "503 Service Unavailable"),
        (520, "server-error", "520"),
        (999, "http", "999"),
    ],
)
def test_every_other_status_is_a_failure_in_the_operators_words(
    origin: Origin, status: int, kind: str, words: str
) -> None:
    """The failure has the right kind and number, and says what the server answered."""
    origin.serve("/feed", Answer(status, b"an error page" if status != 204 else b""))
    outcome = failure(fetch(origin.url("/feed")))
    assert (outcome.kind, outcome.http) == (kind, status)
    assert words in outcome.message
    assert outcome.hops == (Hop(origin.url("/feed"), status),)


def test_a_226_is_read_like_a_200(origin: Origin) -> None:
    """A delta answer holds posts, though perhaps not all."""
    origin.serve("/feed", Answer(226, FEED))
    outcome = fetch(origin.url("/feed"))
    assert isinstance(outcome, Fetched)
    assert (outcome.http, outcome.body) == (226, FEED)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_passed_on(origin: Origin, status: int) -> None:
    """What the server asked for is in the failure, as a number for the scheduler and in words."""
    origin.serve("/feed", Answer(status, headers={"Retry-After": "120"}))
    outcome = failure(fetch(origin.url("/feed")))
    assert outcome.retry_after == timedelta(seconds=120)
    assert "2 minutes" in outcome.message


def test_a_challenge_page_is_named(origin: Origin) -> None:
    """Cloudflare's browser check is told apart from other refusals, because only the site's owner can lift it."""
    origin.serve("/feed", Answer(403, b"<html>", {"cf-mitigated": "challenge"}))
    outcome = failure(fetch(origin.url("/feed")))
    assert outcome.kind == "challenge"
    assert "Cloudflare" in outcome.message


def test_an_endless_error_page_is_still_the_error_it_is(origin: Origin) -> None:
    """The body of an error is cut off long before the limit for feeds, and the status reported."""
    sent = itertools.count()
    origin.serve("/feed", Answer(404, (b"x" * 10_000 for _ in sent)))
    outcome = failure(fetch(origin.url("/feed"), replace(SETTINGS, max_bytes=1_000_000_000)))
    assert (outcome.kind, outcome.http) == ("not-found", 404)
    assert next(sent) < 10_000


def test_an_error_page_that_never_ends_is_still_the_error_it_is(origin: Origin) -> None:
    """A deadline that passes within an error page does not hide the status either."""
    origin.serve("/feed", Answer(410, itertools.repeat(b"x"), drip=0.02))
    assert failure(fetch(origin.url("/feed"), SHORT)).kind == "gone"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 103 Early Hints\r\nETag: wrong\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
        b"ETag: wrong\r\nCache-Control: max-age=9\r\n\r\n",
    ],
    ids=["early hints", "trailer"],
)
def test_only_the_final_head_counts(origin: Origin, wire: bytes) -> None:
    """Validators from an interim answer or a trailer are not those of the feed."""
    origin.serve("/feed", Raw([wire]))
    outcome = fetch(origin.url("/feed"))
    assert isinstance(outcome, Fetched)
    assert (outcome.body, outcome.etag, outcome.freshness) == (b"hi", None, None)


# ------------------------------------------------------------------------------------------------ who we are


def test_a_password_in_the_url_does_not_reach_the_posts_links(origin: Origin) -> None:
    """The final URL, which links are resolved against, is free of the source's user name and password."""
    origin.serve("/feed", Answer(200, FEED))
    outcome = fetch(origin.url("/feed", host="me:secret@127.0.0.1"))
    assert isinstance(outcome, Fetched)
    assert outcome.url == origin.url("/feed")
    assert origin.requests[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (90, "2 minutes"),
        (3600, "1 hour"),
        (84527, "23 hours"),
        (2678400, "31 days"),
    ],
)
def test_a_wait_is_told_in_words(origin: Origin, seconds: int, words: str) -> None:
    """What a server asks for is told in the largest unit that fits, and nothing is said of a wait of nothing."""
    origin.serve("/feed", Answer(429, headers={"Retry-After": str(seconds)}))
    origin.serve("/none", Answer(429, headers={"Retry-After": "0"}))
    assert failure(fetch(origin.url("/feed"))).message.endswith(f"left alone for {words}")
    assert "left alone" not in failure(fetch(origin.url("/none"))).message
