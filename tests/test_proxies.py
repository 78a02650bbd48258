"""Who asks, and for what, with servers in between: none of it may be anybody's invention."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.web.proxies import Behind, client_address, client_of, moved_to, parsed

TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "192.0.2.1", "198.51.100.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.9, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "203.0.113.9, 192.0.2.1, 10.0.0.5", "192.0.2.1"),
        ("127.0.0.1", "10.0.0.5, 10.0.0.6", "10.0.0.5"),
        ("127.0.0.1", "127.0.0.1, 192.0.2.1", "192.0.2.1"),
        ("::1", "192.0.2.1", "::1"),
        ("fd00::1", "2001:db8::1", "2001:db8::1"),
        ("fd00::1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
        ("127.0.0.1", '"[2001:db8::1]"', "2001:db8::1"),
        ("::ffff:127.0.0.1", "::ffff:192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "unknown", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1, unknown", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1, , 10.0.0.5", "10.0.0.5"),
        ("127.0.0.1", "192.0.2.1; DROP TABLE", "127.0.0.1"),
        ("127.0.0.1", ", " * 100_000 + "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "10.0.0.1, " * 100_000, "127.0.0.1"),
        ("", "192.0.2.1", None),
        ("localhost", "192.0.2.1", None),
    ],
)
def test_who_asks(peer: str, forwarded: str, client: str | None) -> None:
    """The last address that is not a trusted server's: what stands before it can be anything."""
    assert client_address(peer, forwarded, TRUSTED) == (ip_address(client) if client else None)


@given(st.text(max_size=200), st.sampled_from(["198.51.100.7", "2001:db8::7"]))
def test_a_stranger_is_never_believed(forwarded: str, peer: str) -> None:
    """Whatever somebody writes who is no trusted server, it is that somebody who asks."""
    assert client_address(peer, forwarded, TRUSTED) == ip_address(peer)


@given(st.text(max_size=200))
def test_what_stands_before_the_last_hop_counts_nothing(said: str) -> None:
    """A client can't choose what it is taken for by sending the header itself."""
    assert client_address("127.0.0.1", f"{said}, 192.0.2.1", TRUSTED) == ip_address("192.0.2.1")


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_none(text: str) -> None:
    """Nothing is raised, whatever stands there."""
    found = parsed(text)
    assert found is None or parsed(str(found)) == found


def asked(url: str, path: str, **environ: str) -> dict[str, Any]:
    """What the application behind gets to see of a request."""
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], _start: Any) -> list[bytes]:
        seen.update(environ)
        return []

    environ = {"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http", "PATH_INFO": path, **environ}
    Behind(app, url, TRUSTED)(environ, lambda *_: None)
    return seen


@pytest.mark.parametrize(
    ("url", "path", "inside"),
    [
        ("https://a.example", "/u/x", "/u/x"),
        ("https://a.example/planet", "/planet/u/x", "/u/x"),
        ("https://a.example/planet", "/u/x", "/u/x"),
        ("https://a.example/planet", "/planets/u", "/planets/u"),
        ("https://a.example/planet", "/planet/planet/x", "/planet/x"),
        ("https://a.example/a/b", "/a/b/", "/"),
        ("https://a.example/pl%C3%A4net", "/pl\xc3\xa4net/x", "/x"),
    ],
)
def test_the_path_of_the_site_may_stand_before_or_not(url: str, path: str, inside: str) -> None:
    """A proxy hands it on, or takes it away: either way the same is asked for."""
    assert asked(url, path)["PATH_INFO"] == inside


def test_the_site_without_its_slash_leads_to_its_folder() -> None:
    """Links on its pages are relative to that; the way there names no host."""
    assert (
        moved_to(asked("https://a.example/pl%C3%A4net", "/pl\xc3\xa4net", HTTP_HOST="evil.example")) == "/pl%C3%A4net/"
    )
    assert moved_to(asked("https://a.example/pl%C3%A4net", "/pl\xc3\xa4net/")) == ""
    assert moved_to(asked("https://a.example", "")) == ""


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "http, HTTPS ", "https"),
        ("127.0.0.1", "gopher", "http"),
        ("198.51.100.7", "https", "http"),
    ],
)
def test_only_a_trusted_server_says_how_it_was_reached(peer: str, said: str, scheme: str) -> None:
    """X-Forwarded-Proto of anybody else counts nothing."""
    seen = asked("https://a.example", "/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=said)
    assert seen["wsgi.url_scheme"] == scheme
    assert str(client_of(seen)) == peer
