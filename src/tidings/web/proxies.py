"""Where a request comes from and what it asks for, with other servers in between.

A proxy appends the address that it was asked from to X-Forwarded-For. Whatever stands before that was written by who
asked, so the list is read from its end, for as long as it names servers that are trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import quote, unquote, urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Environ = dict[str, Any]
Start = Callable[..., Any]

_CLIENT = "tidings.client"
_MOVED = "tidings.moved"
_MOST_HOPS = 20
_LONGEST_HEADER = 2_000


def client_of(environ: Environ) -> Address | None:
    """Who asks, as far as can be told; None for somebody without an address."""
    found: Address | None = environ.get(_CLIENT)
    return found


def moved_to(environ: Environ) -> str:
    """Where what was asked for is instead, "" where it is right: the site's path without the slash at its end, to which
    links on the page would not be relative. The address names no host, whatever Host was asked for."""
    return str(environ.get(_MOVED, ""))


def client_address(peer: str, forwarded: str, trusted: Sequence[Network]) -> Address | None:
    """Who asks: the last address that is not a trusted server's. `peer` is who is connected, `forwarded` the value of
    X-Forwarded-For. What is no address ends the way back: what stands before it is anybody's guess, and the server
    that wrote it has to do."""
    client = parsed(peer)
    hops = forwarded[-_LONGEST_HEADER:].split(",")[-_MOST_HOPS:]
    for hop in reversed(hops):
        if client is None or not _is_in(client, trusted):
            return client
        before = parsed(hop)
        if before is None:
            return client
        client = before
    return client


def parsed(text: str) -> Address | None:
    """An address as proxies write it: alone, with a port, IPv6 in brackets, with a zone. IPv4 within IPv6 is IPv4."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks if network.version == address.version)


class Behind:
    """A WSGI application behind proxies, under the path of the site's `url`. A proxy may have taken that path away, or
    not: requests with and without it ask for the same. Only `trusted` networks say for whom they ask, and how they
    were reached."""

    def __init__(self, app: Callable[[Environ, Start], Any], url: str, trusted: Sequence[Network]) -> None:
        self._app = app
        self._address = quote(urlsplit(url).path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        # As WSGI has paths: decoded, an octet a character (PEP 3333).
        self._prefix = unquote(self._address, "latin-1")
        self._trusted = trusted

    def __call__(self, environ: Environ, start: Start) -> Any:
        self._note_client(environ)
        path = environ.get("PATH_INFO", "")
        if self._prefix and path == self._prefix:
            environ[_MOVED] = f"{self._address}/"
        elif self._prefix and path.startswith(f"{self._prefix}/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._prefix
            environ["PATH_INFO"] = path.removeprefix(self._prefix)
        return self._app(environ, start)

    def _note_client(self, environ: Environ) -> None:
        peer = parsed(environ.get("REMOTE_ADDR", ""))
        environ[_CLIENT] = client_address(
            environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self._trusted
        )
        scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
        if peer is not None and _is_in(peer, self._trusted) and scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
