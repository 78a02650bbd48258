"""Telling pages that want a browser and a human from all others. They are reported, and never got round."""

from __future__ import annotations

from collections.abc import Callable, Mapping

READ = 64 * 1024
"""As much of a page is looked at, in bytes."""

_STATUSES = frozenset({200, 202, 401, 403, 405, 429, 503})
"""202 and 405 are what AWS answers with a challenge and a captcha."""


def challenger(status: int, fields: Mapping[str, str], read: Callable[[], bytes]) -> str | None:
    """Who stands between the program and the feed, by name, if an answer is unmistakably a check for browsers.

    A header settles it by itself. A page must carry both its well-known words and its machinery: blogs write about
    Cloudflare. `read` gives the start of the decoded page, and is asked for it only if need be.
    """
    if status not in _STATUSES:
        return None
    by_header = _by_header(status, fields)
    if by_header or not _is_page(fields):
        return by_header
    return _by_page(status, read().lower())


def _by_header(status: int, fields: Mapping[str, str]) -> str | None:
    if fields.get("cf-mitigated", "").lower() == "challenge":
        return "Cloudflare"
    if fields.get("x-amzn-waf-action", "").lower() in ("challenge", "captcha"):
        return "AWS WAF"
    if status != 200 and "x-sucuri-block" in fields:
        return "Sucuri"
    if status != 200 and fields.get("x-datadome", "").lower() == "protected":
        return "DataDome"
    return None


def _is_page(fields: Mapping[str, str]) -> bool:
    return "html" in fields.get("content-type", "").lower()


def _by_page(status: int, page: bytes) -> str | None:
    cloudflare = b"/cdn-cgi/challenge-platform/" in page or b"_cf_chl_opt" in page or b"cf-browser-verification" in page
    if b"<title>just a moment..." in page and cloudflare:
        return "Cloudflare"
    if b"<title>attention required! | cloudflare" in page and b"cf-" in page:
        return "Cloudflare"
    if b"sucuri_cloudproxy_js" in page or (status != 200 and b"<title>sucuri website firewall" in page):
        return "Sucuri"
    if b"captcha-delivery.com" in page and (b"datadome" in page or b"var dd=" in page):
        return "DataDome"
    if b"awswafintegration" in page and b"token.awswaf.com" in page:
        return "AWS WAF"
    return None
