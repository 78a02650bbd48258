"""Servers that misbehave in every way we know, and what a poll makes of each: one table, and every row a test.

The ways are in `misbehaviour_http.py` and `misbehaviour_documents.py`. Each is polled through the whole pipe, beside a
source whose server behaves and must not notice (`misbehaviour_polls.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import dropwhile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.misbehaviour_documents import WAYS as DOCUMENT_WAYS
from tests.misbehaviour_http import WAYS as HTTP_WAYS
from tests.misbehaviour_polls import SECRET, Expected, Polled, Workers, dead_end, failed, no_feed, ok, poll_way, well
from tests.origin import Request

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SOON = 45 * MINUTE
LONGEST_POLL_SECONDS = 45

FIRST_RETRY: dict[str, timedelta] = {
    "gone": 30 * DAY,
    "challenge": 12 * HOUR,
    "unauthorized": 6 * HOUR,
    "refused": 6 * HOUR,
    "forbidden-address": 6 * HOUR,
}
"""Before which no source is asked again that failed so; of other failures, an hour (docs/polling.md)."""


TABLE: dict[str, Expected] = {
    # ------------------------------------------------------------------------------------ connections and framing
    "closes-at-once": failed("connect", requests=1),
    "closes-in-the-head": failed("connect"),
    "closes-after-the-head": failed("connect", conditional=False),
    "half-a-body": failed("connect", conditional=False),
    "cut-chunks": failed("connect"),
    "bad-chunk": failed("connect"),
    "chunks-with-trailers": ok(keeps=False),
    "chunked-and-a-length": ok(),
    "unasked-transfer-coding": failed("http"),
    "never-answers": failed("timeout", requests=1),
    "drips-headers": failed("timeout"),
    "drips-body": failed("timeout"),
    "drips-redirects": failed("timeout", requests=2),
    "slow-but-whole": ok(),
    "endless-body": failed("too-large"),
    "endless-headers": failed("too-large", says="headers"),
    "one-huge-header": failed("too-large", says="headers"),
    "endless-interim-answers": failed("too-large", says="headers"),
    "some-interim-answers": ok(keeps=False, requests=1),
    "garbage-for-a-status": failed("http"),
    "http-0.9": failed("http"),
    "http-1.0": ok(),
    "shoutcast": failed("http"),
    "bare-line-feeds": ok(),
    "line-without-a-colon": failed("http"),  # libcurl is strict here, and nothing we set changes it
    "nul-in-a-header": failed("http"),
    "length-too-small": ok(None, keeps=False, conditional=False),
    "length-too-large": failed("connect"),
    "length-negative": failed("http"),
    "two-lengths": failed("http"),
    "length-over-the-limit": failed("too-large"),
    "dies-when-kept-alive": ok(requests=2),
    "plain-on-the-tls-port": failed("tls", requests=0),
    "self-signed": failed("tls", requests=0),
    # ------------------------------------------------------------------------------------ statuses
    "status-000": failed("http"),
    "status-999": failed("http", 999),
    "status-204": failed("http", 204),
    "status-205": failed("http", 205),
    "status-206": failed("http", 206, conditional=False),
    "delta": ok(3, then="unchanged", conditional=True),
    "delta-again": ok(3, then="unchanged", conditional=True),
    "delta-unasked": ok(http=226, keeps=True),
    "304-unasked": failed("http", 304, conditional=False),
    "304-for-ever": ok(3, then="ok", conditional=False),
    "304-with-a-body": well(),
    "304-with-a-new-etag": well(),
    "304-with-a-new-date": well(),
    "status-400": failed("client-error", 400),
    "status-401": failed("unauthorized", 401),
    "status-402": failed("unauthorized", 402),
    "status-403": failed("refused", 403),
    "status-404": failed("not-found", 404),
    "status-406": failed("client-error", 406),
    "status-407": failed("unauthorized", 407),
    "status-410": failed("gone", 410, within=50 * DAY),
    "status-418": failed("client-error", 418),
    "status-451": failed("refused", 451),
    "status-500": failed("server-error", 500),
    "status-502": failed("server-error", 502),
    "status-503": failed("server-error", 503),
    "status-520": failed("server-error", 520),
    "404-for-days": well(),
    "gone-and-back": failed("gone", 410, then="ok", posts=2),
    "403-with-rate-headers": failed("rate-limited", 403, rest=10 * MINUTE, wait=10 * MINUTE, then="skipped"),
    "200-and-no-more": ok(rest=10 * MINUTE, then="skipped"),
    "429": failed("rate-limited", 429, rest=15 * MINUTE, then="skipped"),
    "429-seconds": failed("rate-limited", 429, rest=HOUR, wait=HOUR, then="skipped"),
    "429-date": failed("rate-limited", 429, rest=2 * HOUR, wait=2 * HOUR, then="skipped"),
    "429-garbage": failed("rate-limited", 429, rest=15 * MINUTE, then="skipped"),
    "429-negative": failed("rate-limited", 429),
    "429-huge": failed("rate-limited", 429, rest=31 * DAY, wait=31 * DAY, within=32 * DAY, then="skipped"),
    "503-with-retry-after": failed("rate-limited", 503, rest=HOUR, wait=HOUR, then="skipped"),
    "challenge-by-header": failed("challenge", 403, says="Cloudflare"),
    "challenge-503": failed("challenge", 503, says="Cloudflare"),
    "challenge-200": failed("challenge", 200, says="Cloudflare", conditional=False),
    "challenge-with-retry-after": failed("challenge", 403, rest=HOUR, wait=12 * HOUR, then="skipped"),
    "challenge-quoted": well(),
    # ------------------------------------------------------------------------------------ redirects
    **{f"redirect-{status}": well(requests=2) for status in (301, 302, 303, 307, 308)},
    "redirect-300": failed("redirect", 300, requests=1),
    "redirect-to-itself": failed("redirect-loop", 302, requests=1),
    "redirect-in-a-pair": failed("redirect-loop", 302, requests=2),
    "redirect-five-times": well(requests=6),
    "redirect-six-times": failed("redirect-loop", 302, requests=6),
    "redirect-for-ever": failed("redirect-loop", 302, requests=6),
    "redirect-without-location": dead_end(),
    "redirect-to-ftp": dead_end(),
    "redirect-to-file": dead_end(),
    "redirect-to-javascript": dead_end(),
    "redirect-to-data": dead_end(),
    "redirect-to-gopher": dead_end(),
    "redirect-to-a-private-address": failed("forbidden-address", says="10.0.0.1"),
    "redirect-to-metadata": failed("forbidden-address", says="169.254.169.254"),
    "redirect-inside": failed("forbidden-address", says="127.0.0.2", requests=1),
    "redirect-inside-in-decimal": failed("forbidden-address", says="127.0.0.2", requests=1),
    "redirect-inside-by-ipv6": failed("forbidden-address", requests=1),
    "redirect-with-a-login": dead_end(),
    "redirect-to-another-host": well(requests=2),
    "redirect-there-and-back": well(requests=3),
    "redirect-to-plain-http": well(requests=2),
    "redirect-relative": well(requests=2),
    "redirect-protocol-relative": well(requests=2),
    "redirect-with-spaces": well(requests=2),
    "redirect-with-umlaut": well(requests=2),
    "redirect-to-404": failed("not-found", 404, requests=2),
    "redirect-to-nobody": failed("connect", requests=1),
    "redirect-to-another-service": dead_end(),
    "redirect-to-no-name": failed("dns", requests=1),
    "redirect-to-maintenance": well(),
    "moved-for-good": well(requests=2, moved="/new"),
    "moved-to-another-feed": well(4),
    "redirect-ends": ok(3, then="ok", conditional=False),
    "redirect-with-an-endless-body": well(requests=2),
    # ------------------------------------------------------------------------------------ validators, freshness
    "etag-weak": well(),
    "etag-unquoted": well(),
    "etag-odd": well(),
    "etag-4000": well(),
    "etag-20000": ok(keeps=False, then="unchanged", conditional=False),
    "etag-empty": ok(keeps=False, then="unchanged", conditional=False),
    "etag-changes": well(),
    "etag-disappears": ok(3, keeps=True, then="unchanged", conditional=False),
    "portal-in-between": well(),
    "backends-disagree": ok(3, then="ok", new=0, updated=0, conditional=True),
    "etag-ignored": well(),
    "date-nonsense": well(),
    "date-future": well(),
    "date-zero": well(),
    "cookies": well(),
    "max-age": well(wait=2 * HOUR),
    "max-age-on-304": well(wait=2 * HOUR),
    "max-age-huge": well(wait=7 * DAY, within=8 * DAY),
    "no-cache": well(within=SOON),
    "expires-zero": well(within=SOON),
    "expires-past": well(within=SOON),
    "expires-later": well(wait=2 * HOUR, within=3 * HOUR),
    # ------------------------------------------------------------------------------------ codings
    **{coding: well() for coding in ("gzip", "deflate", "deflate-raw", "br", "zstd", "gzip-twice")},
    "gzip-twice-said-once": well(),
    "gzip-unsaid": well(),
    "gzip-not": well(),
    "br-not": well(),
    **dict.fromkeys(("gzip-cut", "deflate-cut", "br-cut"), failed("http", 200, conditional=False, says="cut short")),
    "gzip-unsaid-cut": ok(None, keeps=False, conditional=False, then="unchanged"),
    "gzip-broken": failed("http", 200, conditional=False),
    "gzip-bomb": failed("too-large", 200),
    "gzip-ratio": failed("too-large", 200),
    "gzip-bomb-unsaid": failed("too-large", 200),
    "gzip-bomb-twice": failed("too-large", 200),
    "br-bomb": failed("too-large", 200),
    "zstd-bomb": failed("too-large", 200),
    "coding-unknown": failed("http", 200, says="compress"),
    "coding-utf-8": well(),
    # ------------------------------------------------------------------------------------ what documents are called
    "type-html": well(),
    "type-octet-stream": well(),
    "type-image": well(),
    "type-garbage": well(),
    "type-missing": ok(),
    "charset-wrong-in-header": well(1, titles=("Café",)),
    "charset-wrong-in-prolog": well(1, titles=("Café",)),
    "charset-unknown": well(1, titles=("Café",)),
    "charset-undeclared": well(1, titles=("Café",)),
    "charset-only-in-header": well(1, titles=("Привет",)),
    "charset-double": well(1, titles=("Café",)),
    "utf-8-with-bom": well(1, titles=("Café",)),
    "utf-16-with-bom": well(1, titles=("Café",)),
    "utf-16-without-bom": well(1, titles=("Café",)),
    "utf-16-called-utf-8": well(1, titles=("Café",)),
    # ------------------------------------------------------------------------------------ broken documents
    "junk-before-prolog": well(),
    "blank-before-prolog": well(),
    "comment-behind": well(),
    "junk-behind": well(),
    "control-characters": well(1, titles=("Post 1",)),
    "entity-html": well(1, titles=("Café 2",)),
    "latin-that-looks-like-utf-8": well(1, titles=("Santé »",)),
    "entity-undefined": well(1, titles=("A &nonsense; B",)),
    "ampersand": well(1, titles=("Fish & Chips",)),
    "prefix-undeclared": well(1),
    "tags-crossed": well(2),
    "truncated": ok(3, keeps=False, conditional=False, then="ok", new=0),
    "truncated-later": ok(3, keeps=True, conditional=False, then="ok"),
    "truncated-for-ever": ok(3, keeps=False, conditional=False, then="unchanged"),
    "truncated-json": failed("parse", 200, conditional=False),
    "impossible-dates": well(5, dated=0),
    "odd-dates": well(4, dated=4),
    "future-dates": well(2),
    "script-everywhere": well(2),
    # ------------------------------------------------------------------------------------ no feeds
    "empty": no_feed("empty"),
    "blank": no_feed("empty"),
    "page": no_feed("tidings discover"),
    "page-with-feed": no_feed("/real.xml"),
    "page-called-xml": no_feed("web page"),
    "page-then-feed": failed("not-a-feed", 200, says="/real.xml", conditional=False, then="ok", posts=2),
    "sitemap": no_feed("sitemap"),
    "opml": no_feed("OPML"),
    "soap": no_feed("envelope"),
    "error-xml": no_feed("error"),
    "json": no_feed("JSON"),
    "json-list": no_feed("not"),
    "text": no_feed("text"),
    "binary": no_feed("data"),
    "feed-without-posts": well(0),
    "json-feed": well(),
    "json-feed-with-bom": well(),
    # ------------------------------------------------------------------------------------ bombs and traps
    "billion-laughs": well(1, titles=("Post 1",)),
    "quadratic-blow-up": well(1, titles=("Post 1",)),
    "entity-to-itself": well(1, titles=("Post 1",)),
    "xxe-file": well(1, titles=("Post 1",)),
    "xxe-http": ok(1, requests=1),
    "xxe-parameter": ok(1, requests=1),
    "external-dtd": ok(1, requests=1),
    "xinclude": ok(1, requests=1),
    "unclosed-tags": ok(1),
    "unclosed-tags-in-a-post": ok(2),
    "unclosed-comment": ok(1),
    "many-attributes": ok(1),
    "many-namespaces": ok(1),
    "deep-json": failed("parse", 200),
    "too-many-posts": ok(10_000, keeps=False, conditional=False, then="unchanged"),
    "archive": ok(6000),
    "huge-post": well(1, titles=("Post 1",)),
    "huge-title": well(1),
    "huge-feed": failed("too-large"),
    # ------------------------------------------------------------------------------------ which post is this
    "guids-missing": ok(3, new=1, updated=0),
    "guids-blank": ok(3, new=1, updated=0),
    "guids-all-the-same": ok(3, new=1, updated=0),
    "links-all-the-same": ok(3, new=1, updated=0),
    "guids-random": ok(new=0),
    "guids-move-to-https": ok(new=0),
    "text-changes": ok(new=0),
    "links-change": ok(new=0),
    "updated-changes": ok(1, new=0, updated=0, then="ok"),
    "back-dated": ok(2, new=1, updated=0),
    "enclosures-only": ok(3, new=1, updated=0),
    "links-relative": well(urls=("https://blog.example/1", "https://blog.example/2")),
    "build-date-changes": ok(new=0, updated=0, then="ok"),
    "order-rotates": ok(3, new=0, updated=0),
    "empties-and-returns": ok(new=0, updated=0),
    "shrinks": ok(3, new=0, updated=0),
    "identical-without-validators": ok(then="unchanged", conditional=False),
    # ------------------------------------------------------------------------------------ when to come again
    "ttl": well(1, wait=3 * HOUR),
    "ttl-absurd": well(1, within=8 * DAY),
    "ttl-nonsense": well(1, within=SOON),
    "update-period": well(1, wait=DAY),
    "skip-hours": well(1, wait=9 * HOUR),
    "skip-all-hours": well(1, within=SOON),
    "skip-days": well(1, wait=12 * HOUR),
    "skip-nonsense": well(1, within=SOON),
}
WAYS = HTTP_WAYS | DOCUMENT_WAYS


# ------------------------------------------------------------------------------------------------ the tests


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Worker processes, started when the first heavy document comes."""
    workers = Workers()
    yield workers
    workers.close()


def test_every_way_is_expected_to_come_to_something() -> None:
    """The table has a row for each way there is, and no other; a name stands for one way only."""
    assert TABLE.keys() == WAYS.keys()
    assert len(WAYS) == len(HTTP_WAYS) + len(DOCUMENT_WAYS) >= 200
    assert all(way.about for way in WAYS.values())


@pytest.mark.parametrize("name", TABLE)
def test_a_misbehaving_server(
    name: str, workers: Workers, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes to what the table says, and harms nobody: not us, not the other source, not our own network."""
    polled = poll_way(WAYS[name], workers, now, tmp_path, monkeypatch)
    check_harmless(polled)
    check_first(polled, TABLE[name])
    check_last(polled, TABLE[name])


def check_first(polled: Polled, expected: Expected) -> None:
    """What the first poll came to."""
    row, state = polled.rows[0], polled.states[0]
    kind = row.failure.kind if row.failure else None
    assert (row.status, kind, row.http) == (expected.status, expected.kind, expected.http), row
    assert expected.says.lower() in (row.failure.message.lower() if row.failure else "")
    assert expected.requests in (None, len(polled.asked[0])), [request.path for request in polled.asked[0]]
    assert expected.keeps in (None, state.validators is not None)
    assert expected.rest is None or polled.rests[0] >= expected.rest
    if row.status == "failed":
        check_failure(polled)


def check_failure(polled: Polled) -> None:
    """A failure stores nothing, backs off by its kind, and is told in words that blame no bug of ours."""
    row, state = polled.rows[0], polled.states[0]
    assert row.failure is not None
    assert state.validators is None
    assert state.body_hash is None
    assert state.failures == 1
    assert state.next_poll_at is not None
    assert state.next_poll_at - polled.start >= FIRST_RETRY.get(row.failure.kind, HOUR)
    assert 10 < len(row.failure.message) < 400
    assert "bug" not in row.failure.message


def check_last(polled: Polled, expected: Expected) -> None:
    """What the last poll came to, and what there is in the end."""
    row, asked = polled.rows[-1], polled.asked[-1]
    assert expected.then in ("", row.status), row
    assert expected.new in (None, row.new)
    assert expected.updated in (None, row.updated)
    assert row.status != "skipped" or not asked
    if expected.conditional is not None:
        assert any(is_conditional(request) for request in asked) == expected.conditional
    assert expected.posts in (None, len(polled.posts)), sorted(post.title for post in polled.posts)[:10]
    assert expected.titles in ((), tuple(sorted(post.title for post in polled.posts)))
    assert expected.dated in (None, sum(post.published is not None for post in polled.posts))
    assert urlsplit(row.moved_to or "").path == expected.moved
    assert expected.urls in ((), tuple(sorted(post.url for post in polled.posts)))
    [*_, planned] = [row.next_poll_at for row in polled.rows if row.status != "skipped"]
    assert planned is not None
    assert planned - polled.start >= expected.wait
    assert expected.within is None or planned - polled.start <= expected.within


def check_harmless(polled: Polled) -> None:
    """What holds whatever the way."""
    assert [row.status for row in polled.healthy] == ["ok"] + ["unchanged"] * (len(polled.healthy) - 1)
    assert polled.slowest < LONGEST_POLL_SECONDS
    assert polled.reached_inside == 0
    for row, state in zip(polled.rows, polled.states, strict=True):
        assert row.next_poll_at == state.next_poll_at
        if row.status != "skipped":
            assert row.http == state.http
            assert (row.failure and row.failure.kind) == (state.failure and state.failure.kind)
    for asked in polled.asked:
        assert not any({"Cookie", "Referer"} & set(request.headers) for request in asked)
        abroad = dropwhile(lambda request: request.headers["Host"] == polled.home, asked)
        assert not any(carries_a_secret(request) for request in abroad), (
            "told beyond the source's own host, or after it"
        )
    for post in polled.posts:
        assert post.url.startswith(("https://", "http://")) or not post.url
        assert not any(word in post.content_html for word in ("<script", "onclick", "root:", "spied", "data:"))
        assert len(post.content_html) < 5_000_000


def is_conditional(request: Request) -> bool:
    return bool({"If-None-Match", "If-Modified-Since"} & set(request.headers))


def carries_a_secret(request: Request) -> bool:
    return "Authorization" in request.headers or SECRET in str(request.headers)
