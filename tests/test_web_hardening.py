"""What every answer of the web server has, and what no request may: over real HTTP on loopback."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import edition
from tests.webs import Asked, ask, serving, talking
from tidings import config
from tidings.cli import issuing
from tidings.render.environment import Templates
from tidings.store import open_store
from tidings.web import hardening
from tidings.web.server import LARGEST_BODY
from tidings.web.site import Site

SITE = Site(url="https://planet.example", title="Example Planet")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "public"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html><title>Planet</title>", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    database = folder.parent / "tidings.db"
    with open_store(database):
        pass
    return replace(SITE, open_store=lambda: open_store(database))


@pytest.fixture(scope="module")
def port(folder: Path, site: Site) -> Iterator[int]:
    with serving(folder, site) as port:
        yield port


def test_a_database_that_is_kept_stops_nothing_else(folder: Path) -> None:
    """Many who want to write wait for a moment, as the site is configured, and are told when to come again; files are
    served meanwhile as ever."""
    database = folder.parent / "kept.db"
    with open_store(database) as other:
        site = replace(SITE, editions=(edition(signup=True),), open_store=lambda: open_store(database, 2))
        with serving(folder, site) as port:
            answers: list[Asked] = []
            fields = b'{"address": "ann@readers.example"}'
            how = {"Content-Type": "application/json"}
            posts = [
                threading.Thread(target=lambda: answers.append(ask(port, "POST", "/subscribe", fields, how)))
                for _ in range(8)
            ]
            with other.write():
                for one in posts:
                    one.start()
                time.sleep(0.5)
                assert ask(port, "GET", "/").status == 200
                assert answers == []
                for one in posts:
                    one.join()
            assert [(one.status, one.headers["Retry-After"]) for one in answers] == [(503, "30")] * 8
            assert json.loads(answers[0].text) == {"error": "busy; ask again in a moment"}
            is_guarded(answers[0])
            assert ask(port, "POST", "/subscribe", fields, how).status == 202


def test_the_site_waits_for_no_longer_than_its_readers(tmp_path: Path) -> None:
    """A store of a request gives up after five seconds, one of the pipes after a minute."""
    (tmp_path / "config.toml").write_text(config.example_text(), encoding="utf-8")
    loaded = config.load(tmp_path / "config.toml")
    site = issuing.web_site(replace(loaded, web=replace(loaded.web, public=True)))
    assert site.open_store is not None
    with site.open_store() as store, open_store(tmp_path / "other.db") as other:
        assert [one.rows("PRAGMA busy_timeout")[0][0] for one in (store, other)] == [5_000, 60_000]


def is_guarded(answer: Asked) -> None:
    """What holds for every answer, whatever it is about."""
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "frame-ancestors" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-DNS-Prefetch-Control"] == "off"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] in ("same-origin", "cross-origin")
    assert answer.headers["Set-Cookie"] is None
    assert answer.headers["Server"] is None
    assert b"Traceback" not in answer.body


def is_a_page_of_ours(answer: Asked) -> None:
    """What holds for pages that are not files: nobody keeps them, and no style counts but their own."""
    is_guarded(answer)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    style = re.findall(rb"<style>(.*?)</style>", answer.body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style[0]).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in answer.headers["Content-Security-Policy"]
    assert b"<script" not in answer.body
    assert b"style=" not in answer.body
    assert not re.search(rb"\b(?:src|srcset)=|url\(|@import", answer.body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("HEAD", "/", 200),
        ("OPTIONS", "/", 200),
        ("GET", "/absent", 404),
        ("GET", "/u/", 404),
        ("GET", "/u/garbage", 404),
        ("HEAD", "/u/garbage", 404),
        ("POST", "/u/garbage/return", 400),
        ("PUT", "/u/garbage", 405),
        ("DELETE", "/u/garbage/return", 405),
        ("POST", "/", 405),
        ("BREW", "/", 405),
    ],
)
def test_every_answer_is_guarded(port: int, method: str, path: str, status: int) -> None:
    """Files, pages and errors, whatever is asked; errors are pages like the others."""
    answer = ask(port, method, path)
    assert answer.status == status
    is_guarded(answer)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    if status >= 400 and method != "HEAD":
        is_a_page_of_ours(answer)
        assert str(status).encode() in answer.body
    if status == 405:
        assert "GET" in answer.headers["Allow"]


def test_a_site_without_encryption_promises_none(folder: Path) -> None:
    """Strict-Transport-Security would lock readers out."""
    with serving(folder, Site(url="http://planet.example")) as port:
        assert ask(port, "GET", "/").headers["Strict-Transport-Security"] is None


@pytest.mark.parametrize("size", [hardening.LARGEST_BODY + 1, LARGEST_BODY + 1, 50_000_000])
def test_a_body_that_is_too_large_is_refused(port: int, size: int) -> None:
    """With 413, and before it is read where it is far too large."""
    head = f"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\nContent-Length: {size}\r\n\r\n"
    answer = talking(port, head.encode() + b"a" * (size if size < LARGEST_BODY else 10))
    assert b" 413 " in answer.partition(b"\r\n")[0]
    assert b"nosniff" in answer


def test_a_body_without_an_end_is_refused(port: int) -> None:
    """Sent in chunks, it counts by what has come."""
    head = (
        f"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b"a" * 0x10000 + b"\r\n"
    assert b" 413 " in talking(port, head.encode() + chunk + b"0\r\n\r\n").partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "body",
    [
        "do=leave&" + "&".join(f"field{n}=1" for n in range(50)),
        "do=leave&do=leave",
        "do=leave&more=" + "x" * 2001,
        "do=leave&" + "x" * 2001 + "=1",
        "do=leave&" + "a&" * 30_000,
    ],
)
def test_a_form_has_limits(port: int, body: str) -> None:
    """Fields too many, twice, or too long: 400, whatever else it says; the same without them is looked at."""
    assert ask(port, "POST", "/u/x", body, FORM).status == 400
    assert ask(port, "POST", "/u/x", "do=leave&more=1", FORM).status == 404


def test_a_file_is_refused(port: int) -> None:
    """No form here takes one."""
    part = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\nleave\r\n'
    body = part.format("do", "") + part.format("file", '; filename="x"') + "--b--\r\n"
    assert ask(port, "POST", "/u/x", body, {"Content-Type": "multipart/form-data; boundary=b"}).status == 400


@pytest.mark.parametrize(
    "request_line",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nA B: c\r\n\r\n",
        b"GET /" + b"a" * 16_500 + b" HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_like_all_else(port: int, request_line: bytes) -> None:
    """The server itself answers, with the same guards, and goes on."""
    answer = talking(port, request_line)
    assert re.match(rb"HTTP/1\.[01] (400|431|414)", answer)
    assert b"X-Content-Type-Options: nosniff" in answer
    assert ask(port, "GET", "/").status == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "\xff", "a" * 3000])
@pytest.mark.parametrize("path", ["/", "/absent", "//absent", "/u/x", "/u/x/"])
def test_the_host_that_was_asked_for_is_nowhere(port: int, host: str, path: str) -> None:
    """Links come from the configuration: no answer repeats, or leads to, what a request calls us."""
    answer = ask(port, "GET", path, headers={"Host": host})
    whole = str(answer.headers).encode() + answer.body
    assert answer.headers["Location"] is None
    assert not host or host.encode("latin-1") not in whole


def test_an_error_of_ours_tells_nothing(folder: Path, site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A bug is a page like any other for who asked, and a traceback for the operator alone."""

    @contextmanager
    def broken() -> Iterator[None]:
        raise RuntimeError("secret of the house")
        yield

    with serving(folder, replace(site, open_store=broken, has_mail=False)) as port:  # type: ignore[arg-type]
        answer = ask(port, "GET", "/u/1-aaaaaaaaaaaaaaaaaaaaaa-a")
    assert answer.status == 500
    is_a_page_of_ours(answer)
    assert b"secret" not in answer.body
    assert "secret of the house" in caplog.text


def test_an_error_page_that_is_broken_itself_is_a_line(folder: Path, tmp_path: Path) -> None:
    """A mistake in the operator's template hides no answer."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "error.html").write_text("{{ nothing.such }}", encoding="utf-8")
    with serving(folder, replace(SITE, templates=Templates(tmp_path))) as port:
        answer = ask(port, "GET", "/absent")
    assert (answer.status, answer.body) == (404, b"Not Found\n")
    is_guarded(answer)


# ------------------------------------------------------------------------------------------------------------- time


def closed_after(connection: socket.socket, send: bytes, limit: float) -> float:
    """In how many seconds the other side hangs up on who sends an octet each tenth of a second."""
    begun = time.monotonic()
    connection.settimeout(0.1)
    while time.monotonic() - begun < limit:
        try:
            connection.sendall(send)
            if connection.recv(1000) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - begun


@pytest.mark.parametrize(
    "head",
    [b"GET / HTTP/1.1\r\nX: ", b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"],
    ids=["headers", "body"],
)
def test_a_request_that_never_ends_is_ended(folder: Path, head: bytes) -> None:
    """A header or a body that comes by drops is given up on after its time; the others are served all the while."""
    with serving(folder, SITE, request_seconds=1.0) as port:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for one in slow:
            one.sendall(head)
        assert ask(port, "GET", "/").status == 200
        waited = closed_after(slow[0], b"a", 10)
        assert 0.5 < waited < 5
        for one in slow:
            one.close()


def test_requests_one_after_the_other_are_no_slow_request(folder: Path) -> None:
    """A connection that is kept open may be used for longer than one request may take."""
    with serving(folder, SITE, request_seconds=0.8) as port, socket.create_connection(("127.0.0.1", port)) as browser:
        browser.settimeout(20)
        for _ in range(8):
            browser.sendall(b"HEAD / HTTP/1.1\r\n")
            time.sleep(0.2)
            browser.sendall(b"Host: x\r\n\r\n")
            assert browser.recv(65536).startswith(b"HTTP/1.1 200 OK")


# ------------------------------------------------------------------------------------------------------- under a path


@pytest.mark.parametrize("path", ["/", "/planet/", "/index.html", "/planet/index.html"])
def test_the_site_is_found_with_and_without_its_path(folder: Path, path: str) -> None:
    """A proxy may hand the path on or take it away."""
    with serving(folder, Site(url="https://planet.example/planet")) as port:
        assert b"Planet" in ask(port, "GET", path).body
        moved = ask(port, "GET", "/planet", headers={"Host": "evil.example"})
        assert (moved.status, moved.headers["Location"]) == (308, "/planet/")
        is_guarded(moved)
        assert ask(port, "GET", "/planets/index.html").status == 404


def test_many_threads_ask_at_once(port: int) -> None:
    """Forty requests beside each other are all answered."""
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(ask(port, "GET", "/u/x").status)) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [404] * 40
