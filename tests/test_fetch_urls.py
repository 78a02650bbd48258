"""Source URLs on their way to the wire."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.fetching.urls import (
    host_key,
    is_operators_own,
    origin,
    redirect_target,
    userinfo,
    wire_url,
    without_userinfo,
)

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
        ("http://bl\tog.exa\nmple/\r\nx", "http://blog.example/x"),
        ("http:\\\\blog.example\\a?b=\\", "http://blog.example/a?b=%5C"),
        ("http://127.0.0.1\\@blog.example/", "http://127.0.0.1/@blog.example/"),
        ("http://%62log.example/", "http://blog.example/"),
        ("http://①②⑦.⓪.⓪.①/", "http://127.0.0.1/"),
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
        ("http://a%00b.example/", "host name"),
        ("http://a%2Fb.example/", "host name"),
        ("http://[fe80::1%25eth0]/", "host name"),
        ("http://x.example:99999/", "URL is none"),
        ("http://x.example:http/", "URL is none"),
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
        ("http://[::1", False),
        ("nonsense", False),
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


@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("http://blog.example/@x", None),
        ("http://me:secret@blog.example/", ("me", "secret")),
        ("http://me@blog.example/", ("me", "")),
        ("http://m%40e:a:b%2F@blog.example/", ("m@e", "a:b/")),
    ],
)
def test_the_login_in_a_url_can_be_read(url: str, pair: tuple[str, str] | None) -> None:
    """Decoded, and None where there is none."""
    assert userinfo(url) == pair


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://blog.example/a", "http://blog.example:80/b", True),
        ("https://blog.example/", "https://blog.example.:443/", True),
        ("http://blog.example/", "https://blog.example/", False),
        ("http://blog.example/", "http://www.blog.example/", False),
        ("http://blog.example/", "http://blog.example:81/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    """What belongs to one goes to no other, https and http apart."""
    assert (origin(one) == origin(other)) is same


BASE = "https://blog.example/a/feed?x"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("b", "https://blog.example/a/b"),
        ("/b", "https://blog.example/b"),
        ("?y", "https://blog.example/a/feed?y"),
        ("#y", "https://blog.example/a/feed?x"),
        ("//other.example/b", "https://other.example/b"),
        ("\\\\other.example\\b", "https://other.example/b"),
        ("/\\other.example/b", "https://other.example/b"),
        ("///other.example/b", "https://other.example/b"),
        ("https:b", "https://blog.example/a/b"),
        ("https:/b", "https://b"),
        ("http:other.example", "http://other.example"),
        ("HTTPS://M\u00c3\u00bcller.example/", "https://xn--mller-kva.example/"),
        ("/a:b", "https://blog.example/a:b"),
        ("/x?u=http://other.example", "https://blog.example/x?u=http://other.example"),
    ],
)
def test_a_redirects_target_is_read_as_browsers_read_it(location: str, target: str) -> None:
    """The WHATWG rules for the forms that servers send."""
    assert redirect_target(BASE, location) == target


@pytest.mark.parametrize("port", [0, 22, 25, 143, 465, 587, 6667, 10080])
def test_a_redirect_makes_us_talk_to_web_servers_only(port: int) -> None:
    """A port where mail or chat listens is refused, unless it is the one the operator's own URL has."""
    with pytest.raises(ValueError, match=f"port {port}"):
        redirect_target(BASE, f"http://other.example:{port}/")
    if port:
        assert redirect_target(f"http://a.example:{port}/", "/b") == f"http://a.example:{port}/b"


LOCATIONS = st.one_of(st.text(), st.text(alphabet="htps:/\\\\@?#.%[]a1\t ü", max_size=25))


@given(LOCATIONS)
def test_a_target_can_be_read_in_one_way_only(location: str) -> None:
    """Whatever a Location holds, it is refused, or nothing is left of it that two readers could take differently."""
    try:
        target = redirect_target(BASE, location.encode("utf-8", "replace").decode("latin-1"))
    except ValueError:
        return
    scheme, _, rest = target.partition("://")
    assert scheme in ("http", "https")
    assert re.match(r"([a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+\])(:[0-9]+)?([/?]|$)", rest)
    assert all(33 <= ord(character) < 127 for character in target)
    assert "\\" not in target
    assert wire_url(target) == target
