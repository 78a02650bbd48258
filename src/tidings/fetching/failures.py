"""What it means when there is no answer to judge: libcurl's verdicts, and our own limits, worded for the operator."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from urllib.parse import urlsplit

import pycurl  # type: ignore[import-untyped]

from tidings.model import Failed, FailureKind

TOO_LARGE_HEADER = 100
"""CURLE_TOO_LARGE: a single header line over libcurl's own limit. pycurl has no name for it."""

_BROKE_OFF = "the connection broke off before the answer was complete"
_TLS = "no secure connection to {}; the site's certificate may have lapsed, or this machine's list of authorities"
_NOT_HTTP = "the server's answer makes no sense as HTTP"

_KNOWN: dict[int, tuple[FailureKind, str]] = {
    pycurl.E_UNSUPPORTED_PROTOCOL: ("http", "what answers at {} does not speak HTTP"),
    pycurl.E_URL_MALFORMAT: ("connect", "the address cannot be asked for; correct the source's URL"),
    pycurl.E_COULDNT_RESOLVE_HOST: (
        "dns",
        "the name {} was not found; check the URL, and this machine's DNS if others fail too",
    ),
    pycurl.E_COULDNT_CONNECT: ("connect", "no connection to {}; the server may be down"),
    pycurl.E_FTP_WEIRD_SERVER_REPLY: ("http", _NOT_HTTP),
    pycurl.E_PARTIAL_FILE: ("connect", _BROKE_OFF),
    pycurl.E_OPERATION_TIMEDOUT: ("timeout", "no connection to {} in time; the server may be overloaded"),
    pycurl.E_GOT_NOTHING: ("connect", "{} closed the connection without an answer; it may be overloaded"),
    pycurl.E_SEND_ERROR: ("connect", _BROKE_OFF),
    pycurl.E_RECV_ERROR: ("connect", _BROKE_OFF),
    pycurl.E_BAD_CONTENT_ENCODING: ("http", "the server's answer is encoded in a way nobody asked for"),
    **dict.fromkeys(
        (
            pycurl.E_SSL_CONNECT_ERROR,
            pycurl.E_PEER_FAILED_VERIFICATION,
            pycurl.E_SSL_CIPHER,
            pycurl.E_SSL_CERTPROBLEM,
            pycurl.E_SSL_CACERT_BADFILE,
            pycurl.E_SSL_CRL_BADFILE,
            pycurl.E_SSL_ISSUER_ERROR,
            pycurl.E_SSL_INVALIDCERTSTATUS,
        ),
        ("tls", _TLS),
    ),
}

_WITH_DETAIL = frozenset({"tls", "http"})
"""Kinds for which libcurl's own words say more than ours. For others it speaks of its own doings ("Connection died,
tried 5 times before giving up"), and the operating system's error says what happened."""

_LONGEST_DETAIL = 120
_UNSAFE = re.compile(r"[^\x20-\x7e]+")
"""libcurl quotes what the server sent, which ends up on the operator's terminal."""

_NOISE = re.compile(r"error:[0-9A-F]+:[^:]*:[^:]*:|(SSL certificate problem|TLS connect error|SSL): ")


def broken_off(code: int, detail: str, errno: int, url: str) -> Failed:
    """What libcurl's error `code` means for a request to `url`; `errno` is the operating system's, or 0."""
    kind, sentence = _KNOWN.get(code, ("http", _NOT_HTTP))
    said = _cause(code, kind, detail, errno)
    head, colon, advice = sentence.format(_server(url)).partition("; ")
    return Failed(kind, f"{head} ({said}){colon}{advice}" if said else f"{head}{colon}{advice}")


def unusable(reason: object, redirected: bool) -> Failed:
    """A URL that we, or libcurl, will not have; a redirect's fault or the operator's to correct."""
    if redirected:
        return Failed("redirect", f"the redirect leads to no usable address ({reason})")
    return Failed("connect", f"{reason}; correct the source")


def timed_out(timeout: timedelta, received: int) -> Failed:
    """The deadline passed with `received` bytes of body here."""
    return Failed(
        "timeout",
        f"no complete answer within {timeout.total_seconds():g} s (poll.timeout); {received} bytes had come",
    )


def too_large(max_bytes: int) -> Failed:
    """The body passed the limit as sent."""
    return Failed("too-large", f"the feed is larger than {max_bytes} bytes; raise poll.max_bytes if it should be read")


def head_too_large(limit: int) -> Failed:
    """The header fields passed their limit, which no setting changes."""
    return Failed("too-large", f"the server sent more than {limit} bytes of headers; no feed needs that")


def cut_short(reason: object, status: int) -> Failed:
    """The answer came whole, but what is packed in it ends before its end. Its server was reached, so this is no
    trouble of the network's."""
    return Failed("http", f"the feed was sent cut short ({reason}); it is asked for again, whole", status)


def no_room(error: OSError) -> Failed:
    """The body could not be put aside: our own disk, and no fault of the server's, so it counts against nobody."""
    return Failed(
        "offline",
        f"this machine has no room for the answer: no temporary file can be kept in {_temporary_folder()} "
        f"({error.strerror or error}); make room there, or set TMPDIR to a folder that has some",
    )


def forbidden_address(address: str, reason: str) -> Failed:
    """The guard refused the only addresses there were."""
    return Failed(
        "forbidden-address",
        f"the URL, or a redirect, leads to {address}, {reason}; if that is meant, add it to poll.allow_networks",
    )


def _temporary_folder() -> str:
    import tempfile  # loads five archive formats

    try:
        return tempfile.gettempdir()
    except OSError:  # Python looks for one that takes a file, and there is none
        return "any of the usual folders"


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname} port {parts.port}" if parts.port else str(parts.hostname)


def _cause(code: int, kind: FailureKind, detail: str, errno: int) -> str:
    if code == pycurl.E_UNSUPPORTED_PROTOCOL:  # "Received HTTP/0.9 when not allowed": to us it says no more than we do
        return ""
    if kind in _WITH_DETAIL:
        return _UNSAFE.sub("?", _NOISE.sub("", detail))[:_LONGEST_DETAIL].strip() or f"libcurl error {code}"
    if errno:
        return os.strerror(errno)
    return "broken chunks" if "chunk" in detail.lower() else ""
