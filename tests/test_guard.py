"""The guard: which addresses a connection may be opened to, and that no way round it is known."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pycurl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fetches import CLOSED, SETTINGS, fetch
from tests.origin import Answer, Origin
from tidings.fetching.guard import forbidden
from tidings.fetching.transfer import Transfer
from tidings.fetching.trust import find_trust_store
from tidings.fetching.way import set_out
from tidings.model import Failed, FetchRequest, Outcome

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
        "192.0.1.0",
        "192.88.98.255",
        "2606:4700::5efe:1.1.1.1",
        "2620:4f:7fff::1",
        "2620:4f:8001::1",
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
        ("192.0.0.9", "reserved"),
        ("192.0.0.170", "reserved"),
        ("192.0.0.192", "reserved"),
        ("192.31.196.1", "AS112"),
        ("192.52.193.1", "AMT"),
        ("192.175.48.1", "AS112"),
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
        ("64:ff9b::6440:1", "CGNAT"),
        ("64:ff9b:1:ffff::1", "NAT64"),
        ("100::1", "reserved"),
        ("100:0:0:1::1", "reserved"),
        ("2001:1::1", "reserved"),
        ("2001:4:112::1", "reserved"),
        ("2001:10::1", "reserved"),
        ("2001:30::1", "reserved"),
        ("2620:4f:8000::1", "AS112"),
        ("2606:4700::5efe:10.0.0.1", "private address (10.0.0.1) behind an ISATAP tunnel"),
        ("2606:4700::200:5efe:7f00:1", "loopback address (127.0.0.1) behind an ISATAP tunnel"),
        ("fe80::5efe:10.0.0.1", "ISATAP"),
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


# ------------------------------------------------------------------------------------------------ ways round it

WRITTEN = {
    "plain": "http://127.0.0.1:{port}/x",
    "another loopback address": "http://127.255.255.254:{port}/x",
    "unspecified": "http://0.0.0.0:{port}/x",
    "short": "http://127.1:{port}/x",
    "three parts": "http://127.0.1:{port}/x",
    "one nought": "http://0:{port}/x",
    "decimal": "http://2130706433:{port}/x",
    "octal": "http://0177.0.0.1:{port}/x",
    "octal with noughts": "http://00000177.0.0.1:{port}/x",
    "octal whole": "http://017700000001:{port}/x",
    "hexadecimal": "http://0x7f.0.0.1:{port}/x",
    "hexadecimal short": "http://0x7f.1:{port}/x",
    "hexadecimal whole": "http://0x7F000001:{port}/x",
    "mixed bases": "http://0x7f.0.0.01:{port}/x",
    "more than 32 bits": "http://4294967296:{port}/x",
    "trailing dot": "http://127.0.0.1.:{port}/x",
    "two trailing dots": "http://127.0.0.1..:{port}/x",
    "IPv6 loopback": "http://[::1]:{port}/x",
    "IPv6 loopback in full": "http://[0:0:0:0:0:0:0:1]:{port}/x",
    "IPv6 unspecified": "http://[::]:{port}/x",
    "IPv4 mapped": "http://[::ffff:127.0.0.1]:{port}/x",
    "IPv4 mapped in hexadecimal": "http://[::ffff:7f00:1]:{port}/x",
    "IPv4 compatible": "http://[::127.0.0.1]:{port}/x",
    "IPv4 translated": "http://[::ffff:0:127.0.0.1]:{port}/x",
    "NAT64": "http://[64:ff9b::127.0.0.1]:{port}/x",
    "NAT64 of the network's own": "http://[64:ff9b:1::127.0.0.1]:{port}/x",
    "6to4": "http://[2002:7f00:1::]:{port}/x",
    "Teredo": "http://[2001:0:7f00:1::]:{port}/x",
    "ISATAP": "http://[2606:4700::5efe:127.0.0.1]:{port}/x",
    "zone id": "http://[fe80::1%25lo]:{port}/x",
    "zone id, bare": "http://[::1%lo]:{port}/x",
    "localhost": "http://localhost:{port}/x",
    "LOCALHOST.": "http://LOCALHOST.:{port}/x",
    "a name below localhost": "http://blog.localhost:{port}/x",
    "private": "http://10.0.0.1:{port}/x",
    "carrier": "http://100.64.0.1:{port}/x",
    "metadata": "http://169.254.169.254:{port}/latest/meta-data/",
    "metadata in decimal": "http://2852039166:{port}/latest/meta-data/",
    "metadata over IPv6": "http://[fd00:ec2::254]:{port}/latest/",
    "metadata of another cloud": "http://100.100.100.200:{port}/latest/",
    "metadata of a third": "http://168.63.129.16:{port}/machine",
    "broadcast": "http://255.255.255.255:{port}/x",
    "multicast": "http://[ff02::1]:{port}/x",
    "userinfo that looks like a host": "http://public.example@127.0.0.1:{port}/x",
    "userinfo with a port": "http://public.example:80@127.0.0.1:{port}/x",
    "two ats": "http://a@public.example@127.0.0.1:{port}/x",
    "userinfo with a slash": "http://public.example%2F@127.0.0.1:{port}/x",
    "fullwidth digits": "http://１２７.0.0.1:{port}/x",
    "enclosed digits": "http://①②⑦.⓪.⓪.①:{port}/x",
    "ideographic dots": "http://127。0。0。1:{port}/x",
    "fullwidth letters": "http://ｌocalhost:{port}/x",
    "soft hyphen": "http://local­host:{port}/x",
    "percent-encoded": "http://%31%32%37.0.0.1:{port}/x",
    "percent-encoded name": "http://%6cocalhost:{port}/x",
    "percent-encoded twice": "http://%2531%2532%2537.0.0.1:{port}/x",
    "backslash before at": "http://127.0.0.1:{port}\\@public.example/x",
    "backslashes for slashes": "http:\\\\127.0.0.1:{port}\\x",
    "tab": "http://127.0.	0.1:{port}/x",
    "line break": "http://127.0.0\n.1:{port}/x",
    "carriage return and header": "http://127.0.0.1:{port}/\r\nX: y",
    "blank before": "  http://127.0.0.1:{port}/x",
    "fragment before at": "http://127.0.0.1:{port}#@public.example/x",
    "query before at": "http://127.0.0.1:{port}?@public.example/x",
    "port with noughts": "http://127.0.0.1:000{port}/x",
    "port beyond 16 bits": "http://127.0.0.1:{port65536}/x",
    "https": "https://127.0.0.1:{port}/x",
    "scheme in capitals": "HTTP://127.0.0.1:{port}/x",
    "file": "file:///etc/passwd",
    "file with host": "file://127.0.0.1:{port}/etc/passwd",
    "gopher": "gopher://127.0.0.1:{port}/_GET%20/x",
    "ftp": "ftp://127.0.0.1:{port}/x",
    "dict": "dict://127.0.0.1:{port}/x",
    "data": "data:text/xml,<rss/>",
    "ldap": "ldap://127.0.0.1:{port}/x",
    "unix socket": "unix:///var/run/docker.sock",
    "http over a unix socket": "http+unix://%2Frun%2Fdocker.sock/x",
    "no scheme": "//127.0.0.1:{port}/x",
    "nested scheme": "url:http://127.0.0.1:{port}/x",
}
"""Each a way to write an address that is nobody's blog, most of them this machine's own."""

REDIRECTED = {
    **{f"redirect {status}": (status, "http://{inside}/x") for status in (301, 302, 303, 307, 308)},
    "redirect without scheme": (302, "//{inside}/x"),
    "redirect with backslashes": (302, "\\\\{inside}\\x"),
    "redirect with one slash": (302, "http:/{inside}/x"),
    "redirect with many slashes": (302, "http:////{inside}/x"),
    "redirect with a user name": (302, "http://127.0.0.1@{inside}/x"),
    "redirect with backslash and at": (302, "http://{inside}\\@127.0.0.1/x"),
    "redirect with a tab": (302, "ht	tp://{inside}/x"),
    "redirect to decimal": (302, "http://2130706434:{port}/x"),
    "redirect to hexadecimal": (302, "http://0x7f.2:{port}/x"),
    "redirect to a mapped address": (302, "http://[::ffff:127.0.0.2]:{port}/x"),
    "redirect to metadata": (302, "http://169.254.169.254/latest/"),
    "redirect to file": (302, "file:///etc/passwd"),
    "redirect to gopher": (302, "gopher://{inside}/_x"),
    "redirect to dict": (302, "dict://{inside}/x"),
    "redirect to ldap": (302, "ldap://{inside}/x"),
    "redirect to a mail server": (302, "http://127.0.0.1:25/x"),
    "redirect by way of another": (302, "/again?to=http://{inside}/x"),
    "refresh header": (200, ""),
}
"""Each a way for a server we may ask (127.0.0.1) to lead us to one we may not (127.0.0.2)."""


def refused(outcome: Outcome) -> bool:
    return isinstance(outcome, Failed) and outcome.kind in ("forbidden-address", "connect", "dns", "redirect")


@pytest.mark.parametrize("way", WRITTEN)
def test_no_way_to_write_an_address_gets_round_the_guard(origin: Origin, way: str) -> None:
    """Refused as forbidden, or as no URL at all; and the server that listens there was not asked."""
    url = WRITTEN[way].replace("{port65536}", str(origin.port + 65536)).replace("{port}", str(origin.port))
    origin.serve("/x", Answer(200, b"secret"))
    outcome = fetch(url, CLOSED)
    assert refused(outcome), outcome
    assert origin.requests == []


@pytest.mark.parametrize("way", [way for way in WRITTEN if "127" in WRITTEN[way] or "localhost" in WRITTEN[way]])
def test_an_ipv6_listener_is_as_safe(way: str) -> None:
    """The same ways, with a server that listens on ::1 in place of 127.0.0.1."""
    with Origin("::1") as origin:
        url = WRITTEN[way].replace("{port65536}", str(origin.port + 65536)).replace("{port}", str(origin.port))
        assert refused(fetch(url, CLOSED))
        assert origin.requests == []


@pytest.mark.parametrize("way", REDIRECTED)
def test_no_redirect_gets_round_the_guard(origin: Origin, way: str) -> None:
    """Every hop is guarded: a server that may be asked cannot send us on to one that may not."""
    status, location = REDIRECTED[way]
    with Origin("127.0.0.2") as inside:
        inside.serve("/x", Answer(200, b"secret"))
        target = location.replace("{inside}", f"127.0.0.2:{inside.port}").replace("{port}", str(inside.port))
        headers = {"Location": target} if target else {"Refresh": f"0; url={inside.url('/x')}"}
        origin.serve("/feed", Answer(status, b"", headers))
        origin.serve("/again", Answer(302, headers={"Location": inside.url("/x")}))
        outcome = fetch(origin.url("/feed"), replace(SETTINGS, allow_networks=(IPv4Network("127.0.0.1/32"),)))
        assert refused(outcome) or status == 200
        assert inside.requests == []


@pytest.mark.parametrize(
    "answers", ["{port}:127.0.0.1", "{port}:[::1]", "{port}:127.0.0.1,[::1]", "{port}:203.0.113.7,127.0.0.1"]
)
def test_no_answer_of_dns_gets_round_the_guard(origin: Origin, answers: str) -> None:
    """A public name that resolves to a private address, at once or as second choice, is refused at the connection."""
    transfer = Transfer(CLOSED, find_trust_store(), lambda _: None)
    transfer.handle.setopt(pycurl.RESOLVE, ["blog.example:" + answers.replace("{port}", str(origin.port))])
    transfer.begin(set_out(FetchRequest(1, f"http://blog.example:{origin.port}/x"), 20), keep_connection=False)
    with pytest.raises(pycurl.error) as raised:
        transfer.handle.perform()
    outcome = transfer.result(*raised.value.args)
    transfer.close()
    assert isinstance(outcome, Failed)
    assert outcome.kind == "forbidden-address"
    assert origin.requests == []


def test_a_name_that_changes_its_address_between_hops_is_judged_again(origin: Origin) -> None:
    """What counts is the address of each connection, not what the name meant a moment ago (DNS rebinding)."""
    transfer = Transfer(
        replace(SETTINGS, allow_networks=(IPv4Network("127.0.0.1/32"),)), find_trust_store(), lambda _: None
    )
    origin.serve("/x", Answer(200, b"public"))
    with Origin("127.0.0.2") as inside:
        for port, address in ((origin.port, "127.0.0.1"), (inside.port, "127.0.0.2")):
            transfer.handle.setopt(pycurl.RESOLVE, [f"blog.example:{port}:{address}"])
            transfer.begin(set_out(FetchRequest(1, f"http://blog.example:{port}/x"), 20), keep_connection=True)
            try:
                transfer.handle.perform()
            except pycurl.error as error:
                outcome = transfer.result(*error.args)
        assert inside.requests == []
    transfer.close()
    assert len(origin.requests) == 1
    assert isinstance(outcome, Failed)
    assert outcome.kind == "forbidden-address"


def test_there_are_many_ways() -> None:
    """The tables above hold what is known; they may grow."""
    assert len(WRITTEN) + len(REDIRECTED) >= 90
