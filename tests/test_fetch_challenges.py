"""Pages that want a browser and a human: told apart from feeds, from other refusals, and from pages about them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import timedelta

import pytest

from tests.fetches import FEED, failure, fetch, fetched
from tests.origin import Answer, Origin

HTML = {"Content-Type": "text/html; charset=UTF-8"}
JUST_A_MOMENT = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>"
    b"<script>window._cf_chl_opt={cvId:'3'};a.src='/cdn-cgi/challenge-platform/h/b/orchestrate/'</script></body>"
)
ATTENTION = b"<html><head><title>Attention Required! | Cloudflare</title></head><div id='cf-wrapper'>"
SUCURI = b"<html><title>You are being redirected...</title><script>var s={},sucuri_cloudproxy_js='';</script>"
DATADOME = b"<html><script>var dd={'host':'geo.captcha-delivery.com'}</script></html>"
AWS = b"<script src='https://x.token.awswaf.com/x/challenge.js'></script><script>AwsWafIntegration.getToken()</script>"


@pytest.mark.parametrize(
    ("status", "headers", "body", "name"),
    [
        (403, {"cf-mitigated": "challenge"}, b"", "Cloudflare"),
        (503, {"cf-mitigated": "challenge", "Retry-After": "5"}, b"", "Cloudflare"),
        (403, HTML, JUST_A_MOMENT, "Cloudflare"),
        (503, HTML, JUST_A_MOMENT, "Cloudflare"),
        (429, HTML, JUST_A_MOMENT, "Cloudflare"),
        (200, HTML, JUST_A_MOMENT, "Cloudflare"),
        (403, HTML, ATTENTION, "Cloudflare"),
        (200, HTML, SUCURI, "Sucuri"),
        (403, {"x-sucuri-block": "EVA"}, b"", "Sucuri"),
        (403, {"x-datadome": "protected"}, b"", "DataDome"),
        (403, HTML, DATADOME, "DataDome"),
        (202, {"x-amzn-waf-action": "challenge"}, b"", "AWS WAF"),
        (405, {"x-amzn-waf-action": "captcha"}, b"", "AWS WAF"),
        (200, HTML, AWS, "AWS WAF"),
    ],
)
def test_a_challenge_is_called_by_its_name(
    origin: Origin, status: int, headers: Mapping[str, str], body: bytes, name: str
) -> None:
    """Whatever its status, it is no refusal of the feed's, and only the site's owner can lift it; nothing is tried."""
    origin.serve("/feed", Answer(status, body, headers))
    outcome = failure(fetch(origin.url("/feed")))
    assert (outcome.kind, outcome.http) == ("challenge", status)
    assert name in outcome.message
    assert "owner" in outcome.message
    assert len(origin.requests) == 1


@pytest.mark.parametrize("status", [200, 202, 403, 405, 429, 503])
def test_a_challenge_with_retry_after_counts_for_the_whole_server(origin: Origin, status: int) -> None:
    """Whoever has to prove himself stands before all of the site, so the wish is the server's, whatever its status."""
    header = {"x-amzn-waf-action": "challenge", "Retry-After": "120"}
    origin.serve("/feed", Answer(status, b"", header))
    outcome = failure(fetch(origin.url("/feed")))
    assert outcome.kind == "challenge"
    assert (outcome.retry_after, outcome.host_rest) == (timedelta(seconds=120), timedelta(seconds=120))


def test_a_compressed_challenge_is_read(origin: Origin) -> None:
    """Error pages come compressed as feeds do."""
    origin.serve("/feed", Answer(403, gzip.compress(JUST_A_MOMENT), {**HTML, "Content-Encoding": "gzip"}))
    assert failure(fetch(origin.url("/feed"))).kind == "challenge"


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (HTML, b"<html><title>Just a moment...</title><p>said Alice"),
        (HTML, b"<html><title>How /cdn-cgi/challenge-platform/ works</title>"),
        (HTML, b"<html><title>A home page</title><script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'>"),
        ({"Content-Type": "application/xml"}, b"<rss><title>Just a moment...</title>_cf_chl_opt</rss>"),
        ({"x-datadome": "protected"}, FEED),
        ({"cf-mitigated": "none"}, FEED),
        ({"x-amzn-waf-action": "allow"}, FEED),
    ],
)
def test_a_page_about_challenges_is_none(origin: Origin, headers: Mapping[str, str], body: bytes) -> None:
    """Words or machinery alone prove nothing, and a feed is never judged by what it writes about."""
    origin.serve("/feed", Answer(200, body, headers))
    assert fetched(fetch(origin.url("/feed"))).body == body


@pytest.mark.parametrize(("status", "kind"), [(403, "refused"), (503, "server-error"), (429, "rate-limited")])
def test_an_ordinary_refusal_is_no_challenge(origin: Origin, status: int, kind: str) -> None:
    """Cloudflare in front of a site does not make each of its errors a check."""
    body = b"<html><title>403 Forbidden</title><center>cloudflare</center>"
    origin.serve("/feed", Answer(status, body, {**HTML, "Server": "cloudflare", "CF-RAY": "1-FRA"}))
    assert failure(fetch(origin.url("/feed"))).kind == kind
