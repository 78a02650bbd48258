"""Source URLs as libcurl and the turns of hosts need them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import quote, urlsplit, urlunsplit

from tidings.fetching.guard import Network

_KEPT = "!#$%&'()*+,/:;=?@[]~"
_HOST_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_IPV6_LITERAL = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


def wire_url(url: str) -> str:
    """The URL in ASCII: an international host name in its `xn--` form, other characters percent-encoded as UTF-8.

    libcurl would convert host names by the locale of the process, which a service often does not have.
    Raises ValueError, worded for the operator, for anything that is no http or https URL.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("the URL does not start with http:// or https://")
    if not parts.hostname:
        raise ValueError("the URL names no host")
    userinfo, at, _ = parts.netloc.rpartition("@")
    port = "" if parts.port is None else f":{parts.port}"
    netloc = f"{quote(userinfo, safe=_KEPT)}{at}{_ascii_host(parts.hostname)}{port}"
    return urlunsplit((parts.scheme, netloc, quote(parts.path, safe=_KEPT), quote(parts.query, safe=_KEPT), ""))


def without_userinfo(url: str) -> str:
    """The URL without "user:password@": what a post's links are resolved against ends up in mails and pages."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def host_key(url: str) -> str:
    """The server whose patience a `wire_url` draws on: the host name, with its port unless that is the default one.

    http and https on their default ports are one server.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    if parts.port is None or parts.port == _DEFAULT_PORTS[parts.scheme]:
        return host
    return f"{host}:{parts.port}"


def is_operators_own(url: str, allow_networks: Iterable[Network]) -> bool:
    """Whether a `wire_url` names a machine the operator opened himself: a literal address, or `localhost`, inside
    `allow_networks`. Such a machine needs no politeness."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost":
        return any(network.overlaps(loopback) for network in allow_networks for loopback in _LOOPBACK)
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in allow_networks)


def _ascii_host(host: str) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if _IPV6_LITERAL.fullmatch(name):
        return f"[{name}]"
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"{host!r} is no valid host name")
    return name
