"""URLs as the wire and the turns of hosts need them, and where a redirect leads."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from tidings.fetching.guard import Network

_KEPT = "!#$%&'()*+,/:;=?@[]~"
_SENDABLE = re.compile(rf"[A-Za-z0-9_.\-{re.escape(_KEPT)}]*")
_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_IPV6_LITERAL = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OTHER_SERVICES = frozenset(
    map(
        int,
        "0 1 7 9 11 13 15 17 19 20 21 22 23 25 37 42 43 53 69 77 79 87 95 101 102 103 104 109 110 111 113 115 117 119 "
        "123 135 137 139 143 161 179 389 427 465 512 513 514 515 526 530 531 532 540 548 554 556 563 587 601 636 989 "
        "990 993 995 1719 1720 1723 2049 3659 4045 4190 5060 5061 6000 6566 6665 6666 6667 6668 6669 6679 6697 "
        "10080".split(),
    )
)
"""Ports of mail servers and the like (Fetch standard, "bad port"): no stranger shall make us talk to those."""

_LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_CONTROLS_AND_SPACE = "".join(map(chr, range(33)))
_INVISIBLE = re.compile("[\t\r\n]")


@lru_cache(maxsize=4096)  # asked of the same URLs at each step of each fetch
def wire_url(url: str) -> str:
    """The URL in ASCII: an international host name in its `xn--` form, other characters percent-encoded as UTF-8.

    libcurl would convert host names by the locale of the process, which a service often does not have. Tabs, line
    breaks and backslashes are read as browsers read them (WHATWG URL 4.4), so that nobody, and libcurl least of all,
    can see another host in the URL than we do. Raises ValueError, worded for the operator, for anything that is no
    http or https URL.
    """
    try:
        parts = urlsplit(_plain(url))
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError as error:
        raise ValueError(f"the URL is none ({error})") from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("the URL does not start with http:// or https://")
    if not parts.hostname:
        raise ValueError("the URL names no host")
    userinfo, at, _ = parts.netloc.rpartition("@")
    netloc = f"{_quoted(userinfo)}{at}{_ascii_host(parts.hostname)}{port}"
    return urlunsplit((parts.scheme, netloc, _quoted(parts.path), _quoted(parts.query), ""))


def redirect_target(base: str, location: str) -> str:
    """The wire form of where a `Location` leads from the wire URL `base`, read as browsers do; the fragment is dropped.

    `location` is the header's value as Latin-1. Raises ValueError, worded to follow "the redirect", when it leads
    nowhere that may be gone to: no web address, one of another service's port, or one that carries a user name and
    password, which would hand us someone's login or hide the host behind it.
    """
    text = _plain(_as_unicode(location))
    if not text:
        raise ValueError("says no address to go to")
    scheme, rest = _parted(text)
    if scheme and scheme not in _DEFAULT_PORTS:
        raise ValueError(f"leads to a {scheme}: address, which is not the web")
    if not scheme and text.startswith("//"):
        scheme, rest = urlsplit(base).scheme, text
    if scheme == urlsplit(base).scheme and not rest.startswith("/"):  # "http:feed", an old way to write "feed"
        scheme, text = "", rest
    target = f"{scheme}://{rest.lstrip('/')}" if scheme else urljoin(base, text)
    try:
        wire = wire_url(target)
    except ValueError as error:
        raise ValueError(f"leads to no usable address ({error})") from error
    parts = urlsplit(wire)
    if "@" in parts.netloc:
        raise ValueError("leads to an address with a user name in it, which is not followed")
    if parts.port in _OTHER_SERVICES and parts.port != urlsplit(base).port:
        raise ValueError(f"leads to port {parts.port}, which is not the web's")
    return wire


def without_userinfo(url: str) -> str:
    """The URL without "user:password@": what a post's links are resolved against ends up in mails and pages."""
    if "@" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def userinfo(url: str) -> tuple[str, str] | None:
    """The user name and password a `wire_url` carries, decoded; None when it carries none."""
    if "@" not in url:
        return None
    name, at, _ = urlsplit(url).netloc.rpartition("@")
    user, _, password = name.partition(":")
    return (unquote(user), unquote(password)) if at else None


@lru_cache(maxsize=4096)
def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a `wire_url`: what a login or a secret header belongs to (RFC 6454)."""
    parts = urlsplit(url)
    return parts.scheme, _host(url), parts.port or _DEFAULT_PORTS[parts.scheme]


def host_key(url: str) -> str:
    """The server whose patience a `wire_url` draws on: the host name, with its port unless that is the default one.

    http and https on their default ports are one server.
    """
    parts = urlsplit(url)
    if parts.port is None or parts.port == _DEFAULT_PORTS[parts.scheme]:
        return _host(url)
    return f"{_host(url)}:{parts.port}"


@lru_cache(maxsize=4096)
def is_operators_own(url: str, allow_networks: tuple[Network, ...]) -> bool:
    """Whether a `wire_url` names a machine the operator opened himself: a literal address, or `localhost`, inside
    `allow_networks`. Such a machine needs no politeness. What is no URL at all names none."""
    try:
        host = _host(url)
    except ValueError:
        return False
    if host == "localhost":
        return any(network.overlaps(loopback) for network in allow_networks for loopback in _LOOPBACK)
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in allow_networks)


def _plain(url: str) -> str:
    """The URL without what browsers overlook, and with the slashes they read for backslashes before any query."""
    text = _INVISIBLE.sub("", url.strip(_CONTROLS_AND_SPACE))
    end = min((at for at in (text.find("?"), text.find("#")) if at >= 0), default=len(text))
    return text[:end].replace("\\", "/") + text[end:]


def _quoted(part: str) -> str:
    return part if _SENDABLE.fullmatch(part) else quote(part, safe=_KEPT)


def _parted(text: str) -> tuple[str, str]:
    """The scheme in lower case, or "", and what comes after it."""
    found = _SCHEME.match(text)
    return (found[1].lower(), text[found.end() :]) if found else ("", text)


def _as_unicode(header: str) -> str:
    """A header's Latin-1 as the UTF-8 it mostly is; other bytes beyond ASCII are percent-encoded as they are."""
    raw = header.encode("latin-1", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "".join(chr(byte) if byte < 128 else f"%{byte:02X}" for byte in raw)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").rstrip(".")


def _ascii_host(host: str) -> str:
    name = unquote(host)
    try:
        name = name if name.isascii() else name.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if _IPV6_LITERAL.fullmatch(name):
        return f"[{name}]"
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{host!r} is no valid host name")
    return name.lower()
