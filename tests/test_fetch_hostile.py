"""Fetching from servers that are hostile, broken or not who they say: addresses, size, time, TLS."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from tests.fetches import CLOSED, FEED, SETTINGS, SHORT, failure, fetch
from tests.origin import Answer, Origin, Raw
from tidings.model import Fetched

# ------------------------------------------------------------------------------------------------ the guard


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "blog.localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"]
)
def test_a_private_address_is_refused_in_words(origin: Origin, host: str) -> None:
    """The operator is told which address it is, what it is, and what to do if it is meant."""
    outcome = failure(fetch(origin.url("/feed", host=host), CLOSED))
    assert outcome.kind == "forbidden-address"
    assert "loopback" in outcome.message
    assert "poll.allow_networks" in outcome.message
    assert origin.requests == []


def test_a_redirect_to_a_private_address_is_refused(origin: Origin) -> None:
    """Every hop is guarded: an allowed server cannot send us on to one that is not."""
    settings = replace(SETTINGS, allow_networks=(IPv4Network("127.0.0.1/32"),))
    with Origin("127.0.0.2") as inside:
        inside.serve("/admin", Answer(200, b"secret"))
        origin.serve("/feed", Answer(302, headers={"Location": inside.url("/admin")}))
        outcome = failure(fetch(origin.url("/feed"), settings))
        assert inside.requests == []
    assert outcome.kind == "forbidden-address"
    assert "127.0.0.2" in outcome.message


# ------------------------------------------------------------------------------------------------ size


def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(origin: Origin) -> None:
    """The limit counts bytes of body, and is inclusive."""
    settings = replace(SETTINGS, max_bytes=1000)
    origin.serve("/fits", Answer(200, b"x" * 1000))
    origin.serve("/not", Answer(200, b"x" * 1001))
    assert isinstance(fetch(origin.url("/fits"), settings), Fetched)
    outcome = failure(fetch(origin.url("/not"), settings))
    assert outcome.kind == "too-large"
    assert "1000 bytes" in outcome.message
    assert "poll.max_bytes" in outcome.message


def test_an_endless_body_is_cut_off(origin: Origin) -> None:
    """A body that announces no length is stopped when it passes the limit."""
    origin.serve("/feed", Answer(200, itertools.repeat(b"x" * 65_536)))
    assert failure(fetch(origin.url("/feed"))).kind == "too-large"


def test_a_decompression_bomb_is_stopped(origin: Origin) -> None:
    """A small body that decodes to a huge one is cut off at the limit."""
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < SETTINGS.max_bytes
    origin.serve("/feed", Answer(200, bomb, {"Content-Encoding": "gzip"}))
    assert failure(fetch(origin.url("/feed"))).kind == "too-large"


def test_compressed_bytes_that_decode_to_nothing_count_too(origin: Origin) -> None:
    """An endless run of empty deflate blocks never grows the body, and is stopped by what was sent."""
    start = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    blocks = itertools.chain([start], itertools.repeat(b"\0\0\0\xff\xff" * 13_000))
    origin.serve("/feed", Answer(200, blocks, {"Content-Encoding": "gzip"}))
    assert failure(fetch(origin.url("/feed"))).kind == "too-large"


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: %s\r\n" % (number, b"x" * 1000) for number in range(270)], b"\r\n"],
        [b"HTTP/1.1 200 OK\r\nETag: ", b"x" * 280_000, b"\r\n\r\n"],
        itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    ],
    ids=["many fields", "one long field", "interim answers for ever"],
)
def test_huge_headers_are_cut_off(origin: Origin, pieces: list[bytes]) -> None:
    """Headers have a limit of their own, so that they cannot be what fills the memory."""
    origin.serve("/feed", Raw(pieces))
    outcome = failure(fetch(origin.url("/feed")))
    assert outcome.kind == "too-large"
    assert "headers" in outcome.message


# ------------------------------------------------------------------------------------------------ broken servers


@pytest.mark.parametrize(
    "script",
    [
        Answer(200, FEED, delay=60),
        Answer(200, itertools.repeat(b"x"), drip=0.02),
        Raw(itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: y\r\n")), drip=0.02),
    ],
    ids=["silent", "slow body", "slow headers"],
)
def test_the_deadline_holds_for_the_whole_fetch(origin: Origin, script: Answer | Raw) -> None:
    """A server cannot keep a fetch open by sending a little now and then."""
    origin.serve("/feed", script)
    outcome = failure(fetch(origin.url("/feed"), SHORT))
    assert outcome.kind == "timeout"
    assert "0.4 s (poll.timeout)" in outcome.message


def test_a_closed_port_is_a_connect_failure() -> None:
    """A server that is not there is reported with its name and the system's reason."""
    with Origin() as origin:
        url = origin.url("/feed")
    outcome = failure(fetch(url))
    assert outcome.kind == "connect"
    assert "no connection to 127.0.0.1 port" in outcome.message
    assert "(Connection refused)" in outcome.message


@pytest.mark.parametrize(
    ("pieces", "kind", "words"),
    [
        ([], "connect", "closed the connection without an answer"),
        ([b"HTTP/1.1 200 OK\r\nContent-Le"], "connect", "broke off"),
        ([b"HTTP/1.1 103 Early Hints\r\n\r\n"], "connect", "without an answer"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<rss>"], "connect", "broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n"], "connect", "broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], "connect", "broken chunks"),
        ([b"220 mail.example ESMTP\r\n"], "http", "does not speak HTTP"),
        ([b"HTTP/7.7 200 OK\r\n\r\n"], "http", "does not speak HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8bxyz"], "http", "is not gzip"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nxyz"], "http", "nobody asked for"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"], "http", "no sense as HTTP"),
        ([b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"], "http", "no sense as HTTP"),
        ([b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n"], "http", "no sense as HTTP"),
        ([b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n"], "http", "no sense as HTTP (no status"),
        ([b"HTTP/1.1 \xb2\xb2\xb2 OK\r\nContent-Length: 0\r\n\r\n"], "http", "HTTP"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x1b[2J\xff\x07" + b"x" * 900 + b"\r\n\r\n"], "http", "(?[2J?xxx"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_half_an_answer_is_a_failure(origin: Origin, pieces: list[bytes], kind: str, words: str) -> None:
    """What came before the server broke off is never taken for the feed, and what happened is said in plain words."""
    origin.serve("/feed", Raw(pieces))
    outcome = failure(fetch(origin.url("/feed")))
    assert outcome.kind == kind
    assert words in outcome.message
    assert outcome.message.isprintable()
    assert len(outcome.message) < 250
    for phrase in ("curl", "weird", "died", "tried", "HTTP/0.9", "CURL", "Failure when", "transfer closed"):
        assert phrase not in outcome.message


def test_a_name_that_does_not_resolve_is_a_dns_failure() -> None:
    """The failure names the host. (Names under .onion are refused by libcurl itself, without asking a server.)"""
    outcome = failure(fetch("http://nowhere.onion/feed"))
    assert outcome.kind == "dns"
    assert "the name nowhere.onion was not found" in outcome.message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "//127.0.0.1/feed",
        "file:///etc/passwd",
        "ftp://127.0.0.1/feed",
        "javascript:alert(1)",
        "http://",
        "http:///feed",
        "http://[::1/feed",
        "http://127.0.0.1:port/feed",
        "http://127.0.0.1:99999/feed",
        "http://127.0.0.1 .example/feed",
        "http://\0/feed",
        "http://\udcff/feed",
        f"http://{'ü' * 70}.example/feed",
        "http://127.0.0.1/" + "x" * 8_100_000,
    ],
    ids=lambda url: ascii(url[:30]),
)
def test_a_bad_url_is_a_failure_and_not_an_exception(url: str) -> None:
    """No URL that a configuration may hold can stop the poll of the others."""
    assert failure(fetch(url)).kind in ("connect", "dns")


# ------------------------------------------------------------------------------------------------ TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        if os.environ.get("CI"):
            pytest.fail("the openssl command is needed to make a certificate")
        pytest.skip("no openssl command to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tidings-test"
    command += f" -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {cert}"
    subprocess.run(command.split(), check=True, capture_output=True)
    return cert, key


@pytest.fixture
def secure_origin(certificate: tuple[Path, Path]) -> Iterator[Origin]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    with Origin(tls=context) as server:
        server.serve("/feed", Answer(200, FEED))
        yield server


def test_a_certificate_of_an_unknown_authority_is_refused(secure_origin: Origin) -> None:
    """Verification is on, with the system's list of authorities: a stranger's certificate fails for that reason."""
    outcome = failure(fetch(secure_origin.url("/feed")))
    assert outcome.kind == "tls"
    assert "certificate" in outcome.message
    assert "self" in outcome.message  # "self-signed": not, say, "cannot read the list of authorities"
    assert secure_origin.requests == []


def test_a_certificate_of_a_known_authority_is_accepted(
    secure_origin: Origin, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator may name his own authorities the way OpenSSL does."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert isinstance(fetch(secure_origin.url("/feed")), Fetched)


def test_a_certificate_for_another_host_is_refused(
    secure_origin: Origin, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A known authority is not enough; the certificate must be the host's own."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    assert failure(fetch(secure_origin.url("/feed", host="localhost"))).kind == "tls"


def test_https_to_a_plain_server_is_a_tls_failure(origin: Origin) -> None:
    """A server that does not speak TLS is not asked in the clear."""
    assert failure(fetch(origin.url("/feed").replace("http:", "https:"))).kind == "tls"
    assert origin.requests == []
