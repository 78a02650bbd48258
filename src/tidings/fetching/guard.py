"""Which addresses may be fetched from: public ones, and what the operator opened with `poll.allow_networks`.

A source's URL, its redirects and its DNS are all under the control of strangers, so the check is made on the address
a connection is about to be opened to, at every hop. Checking the URL instead would lose to DNS rebinding.

The ranges are those of the IANA special-purpose address registries (RFC 6890 and its updates, as of 2026), also those
few marked as globally reachable (AS112, AMT, the anycast addresses within 192.0.0.0/24): a router or the operator's own
network may answer there, and nobody's blog does. They are written out because the standard library's `is_private` and
`is_global` differ between Python versions. What no list can know are NAT64 prefixes that a network chose for itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_IPV4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), reason)
    for network, reason in (
        ("0.0.0.0/8", "an unspecified address"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared (CGNAT) address"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud metadata address"),
        ("169.254.0.0/16", "a link-local (or cloud metadata) address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.31.196.0/24", "a reserved (AS112) address"),
        ("192.52.193.0/24", "a reserved (AMT) address"),
        ("192.88.99.0/24", "a 6to4 relay address"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "a reserved (AS112) address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
)

_IPV6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), reason)
    for network, reason in (
        ("::/128", "an unspecified address"),
        ("::1/128", "a loopback address"),
        ("64:ff9b:1::/48", "a local NAT64 address"),
        ("2001::/32", "a Teredo tunnel address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "a documentation address"),
        ("2002::/16", "a 6to4 tunnel address"),
        ("2620:4f:8000::/48", "a reserved (AS112) address"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private (site-local) address"),
        ("ff00::/8", "a multicast address"),
    )
)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the IPv4 internet as an IPv6-only host sees it, so an embedded public address must stay reachable."""

_ISATAP = frozenset({0x00005EFE, 0x02005EFE})
"""RFC 5214: what the interface part of an address begins with that is a tunnel to the IPv4 address in its rest."""


def forbidden(address: str, allow_networks: Iterable[Network]) -> str | None:
    """Why no connection may be opened to this numeric address ("a private address"), or None when it may.

    An IPv4 address mapped into IPv6 is judged as the IPv4 address it is.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "not an internet address"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if any(parsed in network for network in allow_networks):
        return None
    return _forbidden_ipv4(parsed) if isinstance(parsed, IPv4Address) else _forbidden_ipv6(parsed)


def _forbidden_ipv4(address: IPv4Address) -> str | None:
    return next((reason for network, reason in _IPV4 if address in network), None)


def _forbidden_ipv6(address: IPv6Address) -> str | None:
    embedded = IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _NAT64:
        reason = _forbidden_ipv4(embedded)
        return f"{reason} ({embedded}) behind NAT64" if reason else None
    if int(address) >> 32 & 0xFFFFFFFF in _ISATAP and _forbidden_ipv4(embedded):
        return f"{_forbidden_ipv4(embedded)} ({embedded}) behind an ISATAP tunnel"
    listed = next((reason for network, reason in _IPV6 if address in network), None)
    if listed or address in _GLOBAL_UNICAST:
        return listed
    return "a reserved address"
