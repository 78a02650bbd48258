"""What an answer, or the lack of one, means for a poll; worded for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import pycurl  # type: ignore[import-untyped]

from tidings.fetching.headers import Head, freshness, retry_after, validator
from tidings.model import Failed, FailureKind, Fetched, FetchRequest, Unchanged

Outcome = Fetched | Unchanged | Failed

BODY_STATUSES = frozenset({200, 226})
"""226 is a 200 whose posts may be fewer than all (RFC 3229): we do not ask for it, but some send it."""

_HINTS = {
    401: "the feed needs a login",
    402: "the feed must be paid for",
    403: "the site refuses us; it may block programs, or need a login",
    404: "the feed may have moved",
    451: "the feed is withheld for legal reasons",
}

_KINDS: dict[int, FailureKind] = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_URL_MALFORMAT: "connect",
    pycurl.E_GOT_NOTHING: "connect",
    pycurl.E_PARTIAL_FILE: "connect",
    pycurl.E_SEND_ERROR: "connect",
    pycurl.E_RECV_ERROR: "connect",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_CERTPROBLEM: "tls",
    pycurl.E_SSL_CACERT_BADFILE: "tls",
    pycurl.E_SSL_CRL_BADFILE: "tls",
    pycurl.E_SSL_ISSUER_ERROR: "tls",
    pycurl.E_SSL_INVALIDCERTSTATUS: "tls",
    pycurl.E_TOO_MANY_REDIRECTS: "redirect",
}

_SENTENCES: dict[FailureKind, str] = {
    "dns": "the server's name was not found ({}); check the URL, and this machine's DNS if others fail too",
    "connect": "no answer could be had from the server ({}); it may be down",
    "timeout": "the server took too long ({}); it may be overloaded",
    "tls": "no secure connection ({}); the site's certificate may have lapsed, or this machine's list of authorities",
    "redirect": "the redirects lead nowhere ({}); look where the URL goes in a browser",
    "http": "the server's answer makes no sense as HTTP ({})",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: the URL it finally came from, its head, its decoded body, and when it was had."""

    url: str
    head: Head
    body: bytes
    at: datetime


_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def judge(request: FetchRequest, answer: Answer) -> Outcome:
    """What the server's answer means."""
    status = answer.head.status
    if status in BODY_STATUSES:
        return _fetched(answer)
    if status == HTTPStatus.NOT_MODIFIED:
        return _unchanged(request, answer)
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return _rate_limited(answer)
    if status == HTTPStatus.GONE:
        return Failed("gone", f"{_answered(status)}: the feed was withdrawn for good; remove the source", status)
    if 300 <= status < 400:
        return Failed("redirect", f"{_answered(status)} without a usable address to go to", status)
    return _refused(answer)


def failure(code: int, detail: str, redirected: bool) -> Failed:
    """What a libcurl error means. `redirected` says that it came while following a redirect, which changes whose
    fault a bad URL is."""
    kind = _KINDS.get(code, "http")
    if redirected and code in (pycurl.E_URL_MALFORMAT, pycurl.E_UNSUPPORTED_PROTOCOL):
        kind = "redirect"
    return Failed(kind, _SENTENCES[kind].format(detail or f"libcurl error {code}"))


def timed_out(timeout: timedelta, received: int) -> Failed:
    """The deadline passed with `received` bytes of body here."""
    return Failed(
        "timeout",
        f"no complete answer within {timeout.total_seconds():g} s (poll.timeout); {received} bytes had come",
    )


def too_large(max_bytes: int) -> Failed:
    """The body passed the limit, as sent or as decoded."""
    return Failed("too-large", f"the feed is larger than {max_bytes} bytes; raise poll.max_bytes if it should be read")


def head_too_large(limit: int) -> Failed:
    """The header fields passed their limit, which no setting changes."""
    return Failed("too-large", f"the server sent more than {limit} bytes of headers; no feed needs that")


def forbidden_address(address: str, reason: str) -> Failed:
    """The guard refused the only addresses there were."""
    return Failed(
        "forbidden-address",
        f"the URL, or a redirect, leads to {address}, {reason}; if that is meant, add it to poll.allow_networks",
    )


def not_asked(host: str, wait: timedelta | None) -> Failed:
    """Another request of this poll was answered 429 by the same host, so this one was not made."""
    return Failed("rate-limited", f"not asked: {host} said 429 Too Many Requests to another source", retry_after=wait)


def _fetched(answer: Answer) -> Fetched:
    fields = answer.head.fields
    return Fetched(
        url=answer.url,
        http=answer.head.status,
        body=answer.body,
        content_type=fields.get("content-type", ""),
        etag=validator(fields, "etag"),
        last_modified=validator(fields, "last-modified"),
        ttl=freshness(fields),
    )


def _unchanged(request: FetchRequest, answer: Answer) -> Unchanged | Failed:
    fields = answer.head.fields
    if not (request.etag or request.last_modified):
        return Failed("http", f"{_answered(304)} to a request that had nothing to compare with", 304)
    return Unchanged(304, validator(fields, "etag"), validator(fields, "last-modified"), freshness(fields))


def _rate_limited(answer: Answer) -> Failed:
    wait = retry_after(answer.head.fields, answer.at)
    asked = f" and asks to be left alone for {_in_words(wait)}" if wait else ""
    return Failed("rate-limited", f"{_answered(answer.head.status)}{asked}", answer.head.status, wait)


def _refused(answer: Answer) -> Failed:
    status = answer.head.status
    if answer.head.fields.get("cf-mitigated", "").lower() == "challenge":
        hint = "Cloudflare asks for a browser here; the site's owner can exempt the feed"
    elif status >= 500:
        hint = "the site has trouble of its own"
    else:
        hint = _HINTS.get(status, "that is no feed")
    return Failed("http", f"{_answered(status)}; {hint}", status)


def _answered(status: int) -> str:
    try:
        return f"the server answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"the server answered {status}"


def _in_words(wait: timedelta) -> str:
    seconds = round(wait.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size or size == 1)
    count = round(seconds / size)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
