"""Source URLs on their way to the wire."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.fetching.urls import host_key, is_operators_own, wire_url, without_userinfo

LOOPBACK = (IPv4Network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("http://blog.example/feed", "http://blog.example/feed"),
        ("  HTTPS://Blog.Example/Feed#top\n", "https://blog.example/Feed"),
        ("http://blog.example:8080?a=b&c=%20", "http://blog.example:8080?a=b&c=%20"),
        ("http://müller.example/straße", "http://xn--mller-kva.example/stra%C3%9Fe"),
        ("http://blog.example/a b|c", "http://blog.example/a%20b%7Cc"),
        ("http://[2001:DB8::1]:81/", "http://[2001:db8::1]:81/"),
        ("http://me:pa%20ss@blog.example/", "http://me:pa%20ss@blog.example/"),
    ],
)
def test_a_url_is_put_in_the_form_the_wire_takes(url: str, wire: str) -> None:
    """ASCII throughout, no fragment; what was fit to send already is not changed."""
    assert wire_url(url) == wire
    assert wire_url(wire) == wire


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("blog.example", "http://"),
        ("file:///x", "http://"),
        ("http://", "no host"),
        ("http://ü..example/", "host name"),
    ],
)
def test_what_is_no_web_address_is_refused_in_words(url: str, words: str) -> None:
    """The message says what is missing."""
    with pytest.raises(ValueError, match=words):
        wire_url(url)


@given(st.one_of(st.text(), st.text().map("http://{}".format), st.text().map("https://x.example/{}".format)))
def test_any_text_is_a_plain_url_or_a_value_error(text: str) -> None:
    """A URL that passes is visible ASCII, and its host can be told."""
    try:
        wire = wire_url(text)
    except ValueError:
        return
    assert all(33 <= ord(character) < 127 for character in wire)
    assert host_key(wire)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://blog.example/a", "http://blog.example/b", True),
        ("http://blog.example/", "https://blog.example/", True),
        ("http://blog.example/", "http://blog.example.:80/", True),
        ("http://blog.example/", "http://blog.example:8080/", False),
        ("http://blog.example:443/", "https://blog.example/", False),
        ("http://a.blog.example/", "http://blog.example/", False),
        ("http://[2001:db8::1]/", "http://[2001:db8::2]/", False),
    ],
)
def test_one_server_has_one_key(one: str, other: str, same: bool) -> None:
    """Scheme, path, default port and a final dot make no other server; another port or name does."""
    assert (host_key(one) == host_key(other)) is same


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8000/", True),
        ("http://localhost/", True),
        ("http://localhost./", True),
        ("http://128.0.0.1/", False),
        ("http://blog.localhost/", False),
        ("http://127.0.0.1.example/", False),
        ("http://[::1]/", False),
    ],
)
def test_only_a_literal_address_or_localhost_is_the_operators_own(url: str, own: bool) -> None:
    """A name that merely resolves into an opened network stays a stranger's, as its owner may point it anywhere."""
    assert is_operators_own(url, LOOPBACK) is own


def test_localhost_is_nobodys_own_unless_loopback_is_open() -> None:
    """Opening another network does not exempt localhost."""
    assert not is_operators_own("http://localhost/", (IPv4Network("10.0.0.0/8"),))
    assert is_operators_own("http://localhost/", (IPv6Network("::1/128"),))


def test_user_and_password_can_be_taken_off() -> None:
    """All else stays as it was."""
    assert without_userinfo("https://me:secret@blog.example:81/x?y#z") == "https://blog.example:81/x?y#z"
    assert without_userinfo("https://blog.example/a@b") == "https://blog.example/a@b"
