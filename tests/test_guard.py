"""The guard: which addresses a connection may be opened to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.fetching.guard import forbidden

LOOPBACK = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "2001:200::1",
        "2003::1",
        "64:ff9b::101:101",
        "::ffff:1.1.1.1",
    ],
)
def test_public_addresses_are_open(address: str) -> None:
    """An address of the public internet, right up to the edge of a forbidden range, may be fetched from."""
    assert forbidden(address, ()) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("10.0.0.1", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.1", "CGNAT"),
        ("100.100.100.200", "CGNAT"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("168.63.129.16", "metadata"),
        ("169.254.169.254", "metadata"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.1", "reserved"),
        ("192.0.2.1", "documentation"),
        ("192.88.99.1", "6to4"),
        ("192.168.1.1", "private"),
        ("198.18.0.1", "benchmarking"),
        ("198.19.255.255", "benchmarking"),
        ("198.51.100.1", "documentation"),
        ("203.0.113.1", "documentation"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::127.0.0.1", "reserved"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.1.2.3", "private"),
        ("::ffff:0:127.0.0.1", "reserved"),
        ("64:ff9b::7f00:1", "loopback address (127.0.0.1) behind NAT64"),
        ("64:ff9b::a9fe:a9fe", "metadata"),
        ("64:ff9b:1::1", "NAT64"),
        ("100::1", "reserved"),
        ("2001::1", "Teredo"),
        ("2001:2::1", "reserved"),
        ("2001:20::1", "reserved"),
        ("2001:db8::1", "documentation"),
        ("2002:7f00:1::1", "6to4"),
        ("2002:101:101::1", "6to4"),
        ("3fff::1", "documentation"),
        ("5f00::1", "reserved"),
        ("fc00::1", "private"),
        ("fd00:ec2::254", "private"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fec0::1", "private"),
        ("ff02::1", "multicast"),
        ("/run/docker.sock", "not an internet address"),
        ("", "not an internet address"),
    ],
)
def test_addresses_that_are_nobodys_blog_are_refused_with_the_reason(address: str, reason: str) -> None:
    """Every special-purpose range, in each disguise of an IPv4 address within IPv6, is refused by name."""
    assert reason in (forbidden(address, ()) or "")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        ("192.168.1.7", "192.168.1.0/24"),
        ("::ffff:192.168.1.7", "192.168.1.0/24"),
        ("fd12::1", "fd12::/16"),
    ],
)
def test_the_operator_can_open_a_network(address: str, network: str) -> None:
    """An address inside one of the allowed networks passes, also in its IPv4-mapped form."""
    assert forbidden(address, (ip_network(network),)) is None


@pytest.mark.parametrize("address", ["192.168.2.1", "64:ff9b::c0a8:101", "2002:c0a8:101::1"])
def test_an_opened_network_opens_nothing_else(address: str) -> None:
    """Neither a neighbouring network nor a tunnel to the opened one is opened with it."""
    assert forbidden(address, (IPv4Network("192.168.1.0/24"),)) is not None


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_judged_alike_in_every_form_that_reaches_it(number: int) -> None:
    """Mapped into IPv6 an address is judged exactly as itself, and NAT64 makes a forbidden one no better."""
    plain = forbidden(str(IPv4Address(number)), ())
    assert forbidden(str(IPv6Address(0xFFFF << 32 | number)), ()) == plain
    assert (forbidden(str(IPv6Address(0x64FF9B << 96 | number)), ()) is None) == (plain is None)


@given(st.ip_addresses())
def test_what_the_standard_library_calls_private_is_never_open(address: IPv4Address | IPv6Address) -> None:
    """The table misses nothing that Python's own knows as private, link-local, multicast or reserved."""
    nat64 = address in IPv6Network("64:ff9b::/96") if isinstance(address, IPv6Address) else False
    special = address.is_private or address.is_multicast or address.is_link_local or address.is_reserved
    if special and not nat64:
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        assert forbidden(str(address), ()) is not None or (mapped is not None and mapped.is_global)


@given(st.text(max_size=40))
def test_no_text_breaks_the_guard(text: str) -> None:
    """Whatever stands where an address should, the guard answers and never raises."""
    assert forbidden(text, LOOPBACK) is None or isinstance(forbidden(text, LOOPBACK), str)
