"""The web server over real HTTP on loopback: what it serves, what it refuses, how it ends."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waitress.trigger import trigger

from tidings.errors import TidingsError
from tidings.web.app import create_app
from tidings.web.server import WebServer

FEED = b'<feed xmlns="http://www.w3.org/2005/Atom"/>'
PAGE = "<!doctype html><title>Plänet</title>".encode()
LONG = b"<p>" + b"long " * 2_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A published folder, with secrets beside it and hidden files in it."""
    public = tmp_path / "public"
    for name, content in {
        "public/index.html": PAGE,
        "public/atom.xml": FEED,
        "public/issues/daily-1.html": b"issue",
        "public/mail/index.html": b"mailbox",
        "public/mail/1.eml": b"Subject: x\r\n\r\n<script>",
        "public/.atom.xml.partial": b"half",
        "public/.hidden/secret.html": b"secret",
        "public/long.html": LONG,
        "tidings.db": b"secret",
        "public.html": b"secret",
        "public-not/secret.html": b"secret",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return public


@contextmanager
def serving(folder: Path, host: str = "127.0.0.1") -> Iterator[WebServer]:
    server = WebServer(create_app(folder), host, 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"


@pytest.fixture
def server(folder: Path) -> Iterator[WebServer]:
    with serving(folder) as server:
        yield server


class Reply:
    """An answer, read to its end."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def ask(server: WebServer, path: str, method: str = "GET", **headers: str) -> Reply:
    """One request, its path sent exactly as given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return Reply(connection.getresponse())
    finally:
        connection.close()


# ------------------------------------------------------------------------------------------------------- serving


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/", PAGE, "text/html; charset=utf-8"),
        ("/index.html", PAGE, "text/html; charset=utf-8"),
        ("/atom.xml", FEED, "application/xml; charset=utf-8"),
        ("/atom.xml?x=1", FEED, "application/xml; charset=utf-8"),
        ("/issues/daily-1.html", b"issue", "text/html; charset=utf-8"),
        ("/mail/", b"mailbox", "text/html; charset=utf-8"),
        ("/mail/1.eml", b"Subject: x\r\n\r\n<script>", "text/plain; charset=utf-8"),
    ],
)
def test_what_is_served(server: WebServer, path: str, body: bytes, kind: str) -> None:
    """Every file comes byte for byte and with its type, said once; a folder gives its index, mail is only text."""
    reply = ask(server, path)
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers.get_all("Content-Type") == [kind]
    assert reply.headers["Content-Length"] == str(len(body))


def test_a_large_file_comes_whole(server: WebServer) -> None:
    """Ten megabytes arrive to the last byte."""
    assert ask(server, "/long.html").body == LONG


def test_a_reader_that_has_the_feed_gets_304(server: WebServer, folder: Path) -> None:
    """With the ETag or date of last time there is nothing to send, until the file changes."""
    first = ask(server, "/atom.xml")
    for header, value in (
        ("If_None_Match", first.headers["ETag"]),
        ("If_Modified_Since", first.headers["Last-Modified"]),
    ):
        again = ask(server, "/atom.xml", **{header: value})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    (folder / "atom.xml").write_bytes(FEED + b" ")
    changed = ask(server, "/atom.xml", If_None_Match=first.headers["ETag"])
    assert (changed.status, changed.body) == (200, FEED + b" ")
    assert "max-age" in changed.headers["Cache-Control"]


def test_head_says_what_get_would(server: WebServer) -> None:
    """HEAD has the headers of GET and no body."""
    got, head = ask(server, "/atom.xml"), ask(server, "/atom.xml", "HEAD")
    assert (head.status, head.body) == (200, b"")
    same = ("Content-Type", "Content-Length", "ETag", "Last-Modified", "Cache-Control", "Content-Security-Policy")
    assert [head.headers[name] for name in same] == [got.headers[name] for name in same]


def test_a_relative_folder_is_relative_to_where_the_command_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder given as the operator writes it is the one served, also when the working directory changes later."""
    monkeypatch.chdir(folder.parent)
    app = create_app(Path("public"))
    monkeypatch.chdir("/")
    with app.test_client() as client:
        assert client.get("/atom.xml").data == FEED


def test_a_file_that_appears_later_is_served(server: WebServer, folder: Path) -> None:
    """Publishing while the server runs needs no restart."""
    assert ask(server, "/issues/daily-2.html").status == 404
    (folder / "issues/daily-2.html").write_bytes(b"two")
    assert ask(server, "/issues/daily-2.html").body == b"two"


# ------------------------------------------------------------------------------------------------------- refusing


@pytest.mark.parametrize(
    "path",
    [
        "/absent.html",
        "/absent/",
        "/issues",
        "/issues/",
        "/index.html/",
        "/.atom.xml.partial",
        "/.hidden/secret.html",
        "/%2ehidden/secret.html",
        "/%00",
        "/index.html%00",
        "/" + "a" * 5000,
        "/%ff%fe",
        "/CON",
    ],
)
def test_what_is_not_there_is_404(server: WebServer, path: str) -> None:
    """What is missing, hidden, or no name at all is a 404 and never an error of ours."""
    reply = ask(server, path)
    assert reply.status == 404
    assert b"secret" not in reply.body


@pytest.mark.parametrize(
    "path",
    [
        "/../tidings.db",
        "/%2e%2e/tidings.db",
        "/..%2ftidings.db",
        "/%2e%2e%2ftidings.db",
        "/%252e%252e/tidings.db",
        "/..%5ctidings.db",
        "/issues/../../tidings.db",
        "/issues/%2e%2e/%2e%2e/tidings.db",
        "/./../tidings.db",
        "//tidings.db",
        "/%2f{parent}/tidings.db",
        "//{parent}/tidings.db",
        "{parent}/tidings.db",
        "/../public.html",
        "/../public-not/secret.html",
        "/..;/tidings.db",
        "/%c0%ae%c0%ae/tidings.db",
        "file:///{parent}/tidings.db",
    ],
)
def test_nothing_outside_the_folder_is_served(server: WebServer, folder: Path, path: str) -> None:
    """No spelling of a path leads out of the published folder."""
    reply = ask(server, path.replace("{parent}", str(folder.parent)))
    assert reply.status in {301, 308, 400, 404}
    assert b"secret" not in reply.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/atom.xml"])
def test_nothing_can_be_changed(server: WebServer, path: str, method: str) -> None:
    """Every method but GET and HEAD is a 405 that says so."""
    reply = ask(server, path, method)
    assert reply.status == 405
    assert "GET" in reply.headers["Allow"]


@pytest.mark.parametrize(("path", "method"), [("/", "GET"), ("/atom.xml", "HEAD"), ("/absent", "GET"), ("/", "POST")])
def test_every_answer_is_guarded(server: WebServer, path: str, method: str) -> None:
    """Whatever is answered runs no script, is not taken for another type, sets no cookie and says nothing of the
    machinery."""
    headers = ask(server, path, method).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Set-Cookie"] is None
    assert headers["Server"] is None


# ------------------------------------------------------------------------------------------------------- ending


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed a connection; one that it had not accepted yet is reset instead."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_close_ends_the_server_in_spite_of_an_idle_connection(folder: Path) -> None:
    """A browser that keeps its connection open does not keep the server from ending."""
    with serving(folder) as server:
        browser = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        browser.request("GET", "/")
        assert browser.getresponse().read() == PAGE
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    assert ended(silent)
    silent.close()
    browser.close()


def test_close_ends_the_server_in_spite_of_a_reader_that_takes_nothing(folder: Path) -> None:
    """A client that asks for much and reads none of it does not keep the server from ending."""
    with serving(folder) as server:
        stuck = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        stuck.sendall(b"GET /long.html HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stuck.recv(9) == b"HTTP/1.1 "
    stuck.close()


def test_close_frees_the_port(folder: Path) -> None:
    """After the end the same address can be had again at once."""
    with serving(folder) as server:
        assert ask(server, "/").status == 200
        port = server.port
    again = WebServer(create_app(folder), "127.0.0.1", port)
    again.close()
    again.serve_forever()


def test_close_before_serving_and_twice(folder: Path) -> None:
    """Closed before it has begun, a server ends as soon as it begins; closing again does nothing."""
    server = WebServer(create_app(folder), "127.0.0.1", 0)
    server.close()
    server.close()
    server.serve_forever()
    server.close()


def test_close_while_the_server_is_woken_by_a_request(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that ends just as the server is told to close wakes it first; nothing that is closed is written to."""
    server = WebServer(create_app(folder), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    pull = trigger._physical_pull

    def woken_before(self: trigger) -> None:
        pull(self)
        thread.join(1)  # as long as a busy machine may leave the thread that closes behind the one that serves
        pull(self)

    monkeypatch.setattr(trigger, "_physical_pull", woken_before)
    server.close()
    thread.join(20)
    assert not thread.is_alive()


def test_a_port_in_use_is_named_with_advice(folder: Path) -> None:
    """When the address is taken, the error names it and the setting."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(TidingsError, match=rf"127\.0\.0\.1:{port} .*\[web\] listen"):
            WebServer(create_app(folder), "127.0.0.1", port)


def test_a_host_that_is_none_of_ours_is_named_with_advice(folder: Path) -> None:
    """An address of another machine, or no address at all, is the operator's error and not a traceback."""
    for host in ("192.0.2.1", "no such host"):
        with pytest.raises(TidingsError, match=r"\[web\] listen"):
            WebServer(create_app(folder), host, 0)


def test_a_host_name_may_have_several_addresses(folder: Path) -> None:
    """`localhost` is served whether it means one address or two."""
    with serving(folder, "localhost") as server:
        assert ask(server, "/").status == 200
    with serving(folder, "*") as server:
        assert ask(server, "/").status == 200
