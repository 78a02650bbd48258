"""What goes on the wire and who was told: a source's own headers, announcements, connections; and what bodies cost."""

from __future__ import annotations

import errno
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import brotli  # type: ignore[import-untyped]
import pytest

from tests.fetches import FEED, HOSTS, SETTINGS, STRANGERS, ask, failure, fetch, fetched, requests, unchanged
from tests.origin import Answer, Origin, Raw, Request
from tidings.fetching.failures import no_room
from tidings.fetching.fetch import FetchSettings, fetch_all
from tidings.model import Fetched, FetchRequest, Login, Outcome, Validators

ROOT = Path(__file__).resolve().parents[1]

# ------------------------------------------------------------------------------------------------ a source's headers


def test_a_source_may_have_headers_an_agent_and_a_login_of_its_own(origin: Origin) -> None:
    """They go out as they are, beside or in place of ours."""
    origin.serve("/feed", Answer(200, FEED))
    headers = (("X-Key", "caf\xe9; q=1"), ("Accept", "text/x-mine"), ("Cookie", "a=1"), ("X-Empty", ""))
    request = FetchRequest(1, origin.url("/feed"), None, "Mine/1", headers, Login("me", "secret"))
    fetched(ask(request))
    sent = origin.requests[0].headers
    assert (sent["X-Key"], sent["Cookie"], sent["X-Empty"]) == ("caf\xe9; q=1", "a=1", "")
    assert sent.get_all("Accept") == ["text/x-mine"]
    assert sent.get_all("User-Agent") == ["Mine/1"]
    assert sent["Authorization"] == "Basic bWU6c2VjcmV0"


def test_no_header_of_a_source_changes_what_we_compare_or_decode(origin: Origin) -> None:
    """Conditions, codings and the frame of the request stay ours."""
    origin.serve_feed("/feed", FEED, etag='"1"')
    names = "if-none-match IF-MODIFIED-SINCE Range A-IM Accept-Encoding Host Content-Length Transfer-Encoding Expect"
    headers = tuple((name, "forged") for name in names.split())
    url = origin.url("/feed")
    assert unchanged(ask(FetchRequest(1, url, Validators(url, '"1"'), headers=headers)))
    sent = origin.requests[0].headers
    assert sent.get_all("If-None-Match") == ['"1"']
    assert "forged" not in str(sent)
    assert sent["Host"] == f"127.0.0.1:{origin.port}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Key", "a\r\nCookie: injected"),
        ("X-Key", "a\nb"),
        ("X-Key", "a\0b"),
        ("X-Key", "\x7f"),
        ("X-Key\r\nCookie", "injected"),
        ("X Key", "a"),
        ("X-Key:", "a"),
        ("", "a"),
        ("X-Kéy", "a"),
    ],
)
def test_a_header_that_could_smuggle_another_is_refused_by_name(origin: Origin, name: str, value: str) -> None:
    """Nothing is sent, and the operator is told which header it is, not what is in it."""
    outcome = failure(ask(FetchRequest(1, origin.url("/feed"), headers=((name, value),))))
    assert outcome.kind == "connect"
    assert repr(name) in outcome.message
    assert "injected" not in outcome.message or "injected" in name
    assert origin.requests == []


def test_an_agent_cannot_add_a_header(origin: Origin) -> None:
    """The same goes for a source's own user agent."""
    outcome = failure(ask(FetchRequest(1, origin.url("/feed"), user_agent="Me\r\nCookie: injected")))
    assert "'User-Agent'" in outcome.message
    assert origin.requests == []


def test_pages_are_welcome_too_but_less_than_feeds(origin: Origin) -> None:
    """Discovery fetches pages by the same door, so Accept names them, after all feeds."""
    origin.serve("/", Answer(200, b"<html>", {"Content-Type": "text/html"}))
    assert fetched(fetch(origin.url("/"))).content_type == "text/html"
    assert "text/html;q=0.3" in origin.requests[0].headers["Accept"]


def test_an_empty_answer_is_an_answer(origin: Origin) -> None:
    """Whether nothing is a feed is for the parser to say."""
    origin.serve("/feed", Answer(200, b""))
    assert fetched(fetch(origin.url("/feed"))).body == b""


# ------------------------------------------------------------------------------------------------ announcements


def announced(asked: list[FetchRequest], settings: FetchSettings = SETTINGS) -> tuple[list[str], list[Outcome]]:
    told: list[str] = []
    came = fetch_all(asked, settings, HOSTS, starting=lambda _, url: told.append(url))
    return told, [outcome for _, outcome in came]


def test_every_request_is_announced_once_before_it_goes_out(origin: Origin) -> None:
    """Redirect hops too, and at that moment the server has not seen it yet."""
    origin.serve("/old", Answer(301, headers={"Location": "/new"}))
    origin.serve("/new", Answer(200, FEED))
    told: list[tuple[int, str, int]] = []

    def starting(request: FetchRequest, url: str) -> None:
        told.append((request.feed_id, url, len(origin.requests)))

    asked = [FetchRequest(7, origin.url("/old"))]
    assert len(list(fetch_all(asked, SETTINGS, HOSTS, starting=starting))) == 1
    assert told == [(7, origin.url("/old"), 0), (7, origin.url("/new"), 1)]


def test_what_never_goes_out_is_not_announced() -> None:
    """No request is on record for an invalid URL, a forbidden address or a dead port."""
    with Origin() as other:
        dead = other.url("/feed")
    told, came = announced(requests("nonsense", "http://10.0.0.1/", dead))
    assert told == []
    assert len(came) == 3


def close_if_reused(request: Request) -> Answer | Raw:
    """Answers the first request of a connection, and dies without a word on the second."""
    return Answer(200, FEED) if request.is_first else Raw([])


@pytest.mark.parametrize("host", ["", "a.localhost"])
def test_a_connection_that_dies_silently_hides_no_request(origin: Origin, host: str) -> None:
    """libcurl asks again by itself when a kept connection dies: each such request is announced like any other."""
    origin.serve("/feed", close_if_reused)
    urls = [origin.url(f"/feed?{number}", host=host) for number in range(6)]
    told, came = announced(requests(*urls), replace(SETTINGS, concurrency=1))
    assert all(isinstance(outcome, Fetched) for outcome in came)
    asked = Counter(origin.url(request.path, host=host) for request in origin.requests)
    assert Counter(told) == asked
    assert set(asked) == set(urls)


def test_a_stranger_is_never_asked_twice_by_a_dying_connection(origin: Origin) -> None:
    """Each request to a stranger has a connection of its own, so nothing is repeated, not even unseen by us."""
    origin.serve("/feed", close_if_reused)
    urls = [origin.url(f"/feed?{number}", host="a.localhost") for number in range(4)]
    told, _ = announced(requests(*urls), STRANGERS)
    assert told == urls
    assert [request.path for request in origin.requests] == [f"/feed?{number}" for number in range(4)]
    assert all(request.is_first for request in origin.requests)


def test_the_operators_own_machine_keeps_its_connection(origin: Origin) -> None:
    """There a handshake for each request would be waste."""
    origin.serve("/feed", Answer(200, FEED))
    urls = [origin.url(f"/feed?{number}") for number in range(5)]
    assert len(announced(requests(*urls), replace(SETTINGS, concurrency=1))[0]) == 5
    assert [request.is_first for request in origin.requests] == [True, False, False, False, False]


def test_a_record_that_cannot_be_kept_stops_the_request(origin: Origin) -> None:
    """What `starting` raises comes out of the iterator, and the request does not go out."""

    class DiskFullError(Exception):
        pass

    def starting(_: FetchRequest, __: str) -> None:
        raise DiskFullError

    with pytest.raises(DiskFullError):
        list(fetch_all(requests(origin.url("/feed")), SETTINGS, HOSTS, starting=starting))
    assert origin.requests == []


# ------------------------------------------------------------------------------------------------ what bodies cost


def test_an_announced_size_over_the_limit_is_not_loaded(origin: Origin) -> None:
    """The transfer ends with the first piece instead of at the limit."""
    sent: list[int] = []

    def pieces() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n"
        for number in range(9000):
            sent.append(number)
            yield b"x" * 100_000

    origin.serve("/feed", Raw(pieces()))
    outcome = failure(fetch(origin.url("/feed"), replace(SETTINGS, max_bytes=200_000_000)))
    assert outcome.kind == "too-large"
    assert len(sent) < 1000


def test_a_folder_that_takes_no_files_fails_the_source(origin: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large body with nowhere to go is a failure that says so; small ones need no disk."""
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    origin.serve("/large", Answer(200, b"x" * 500_000))
    origin.serve("/small", Answer(200, FEED))
    outcome = failure(fetch(origin.url("/large")))
    assert outcome.kind == "offline"
    assert "no temporary file can be kept in /nowhere/at/all" in outcome.message
    assert "TMPDIR" in outcome.message
    assert fetched(fetch(origin.url("/small"))).body == FEED


def test_a_disk_that_fills_up_fails_the_source(origin: Origin) -> None:
    """Running out of room in the middle of a body is the same, and others go on."""
    origin.serve("/large", Answer(200, b"x" * 900_000))
    origin.serve("/small", Answer(200, FEED))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        urls = [origin.url("/large"), origin.url("/small")]
        came = {request.feed_id: outcome for request, outcome in fetch_all(requests(*urls), SETTINGS, HOSTS)}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    full = failure(came[1])
    assert full.kind == "offline"
    assert "File too large" in full.message
    assert all(words in full.message for words in ("this machine", tempfile.gettempdir(), "make room", "TMPDIR"))
    assert fetched(came[2]).body == FEED


def test_a_machine_without_any_room_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no folder takes a temporary file, not even the message about it needs one."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        outcome = no_room(OSError(errno.ENOSPC, "No space left on device"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "any of the usual folders (No space left on device)" in outcome.message


GREEDY = """
import re, sys
from dataclasses import replace
from datetime import timedelta
from tests.fetches import HOSTS, SETTINGS, requests
from tidings.fetching.fetch import fetch_all
settings = replace(SETTINGS, concurrency=32, max_bytes=15_000_000, timeout=timedelta(seconds=100))
kinds = [type(outcome).__name__ for _, outcome in fetch_all(requests(*sys.argv[1:]), settings, HOSTS)]
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())  # ru_maxrss begins with our parent's
print(kinds.count("Fetched"), kinds.count("Failed"), int(peak[1]) // 1024)
"""


def test_no_server_can_fill_the_memory(origin: Origin) -> None:
    """32 bodies of 15 MB at once, and bombs and endless heads between them, stay far below 250 MB."""
    noise = bytes(range(256)) * 250
    body = [noise] * 234
    origin.serve("/plain", lambda _: Answer(200, body))
    origin.serve("/br", Answer(200, brotli.compress(noise * 230, quality=5), {"Content-Encoding": "br"}))
    head = [b"X-%d: %s\r\n" % (number, b"x" * 9000) for number in range(99)]
    origin.serve("/head", Raw([b"HTTP/1.1 200 OK\r\n", *head]))
    origin.serve("/bomb", Answer(200, brotli.compress(bytes(400_000_000), quality=5), {"Content-Encoding": "br"}))
    urls = [origin.url(f"/plain?{number}") for number in range(64)]
    urls += [origin.url(f"/{path}?{number}") for number in range(16) for path in ("br", "head", "bomb")]
    command = [sys.executable, "-c", GREEDY, *urls]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    good, bad, megabytes = map(int, run.stdout.split())
    assert good == 64
    assert bad == 48
    assert megabytes < 150


def test_time_in_starting_is_not_held_against_anyone(origin: Origin) -> None:
    """A slow database costs no fetch its deadline."""
    origin.serve("/feed", Answer(200, FEED))
    settings = replace(SETTINGS, timeout=timedelta(seconds=1))

    def starting(_: FetchRequest, __: str) -> None:
        time.sleep(0.3)

    urls = [origin.url(f"/feed?{number}") for number in range(5)]
    came = [outcome for _, outcome in fetch_all(requests(*urls), settings, HOSTS, starting=starting)]
    assert all(isinstance(outcome, Fetched) for outcome in came)
