"""Addresses: which are taken, and which are the same mailbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.addresses import AddressError, ascii_domain, checked, checked_of_stranger, key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@readers.example", "ann@readers.example"),
        (" Ann+list@Readers.Example ", "Ann+list@Readers.Example"),
        ("ann@localhost", "ann@localhost"),
        ("ann@planet.test", "ann@planet.test"),
        ("zoë@bücher.example", "zoë@bücher.example"),
        ("zoe\u0308@readers.example", "zoë@readers.example"),
        ("用户@例子.广告", "用户@例子.广告"),
        ("o'brien@readers.example", "o'brien@readers.example"),
    ],
)
def test_addresses_are_taken_as_they_are_written(text: str, expected: str) -> None:
    """Case, plus and letters of all alphabets stay; only blanks around go, and accents take one form."""
    assert checked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@",
        "@readers.example",
        "ann@example",
        "ann@readers..example",
        "ann.@readers.example",
        "a b@readers.example",
        '"a b"@readers.example',
        "ann@[192.0.2.1]",
        "ann@readers.example\r\nBcc: eve@evil.example",
        "ann@readers.example, bob@readers.example",
        "Ann <ann@readers.example>",
        "ann@\u202ereaders.example",
        "ann\x00@readers.example",
        f"{'a' * 65}@readers.example",
        f"ann@{'a' * 64}.example",
        f"ann@{'a.' * 130}example",
        "ann\ud800@readers.example",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """Whatever could name two readers, another header, or nobody."""
    with pytest.raises(AddressError):
        checked(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann@Readers.Example", "ann@readers.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ZOË@readers.example", "zoe\u0308@readers.example"),
        ("ann@readers。example", "ann@readers.example"),
        ("ann@straße.example", "ann@xn--strae-oqa.example"),
    ],
)
def test_spellings_of_one_address_have_one_key(one: str, other: str) -> None:
    """Case, composed accents and the form of the domain make no new reader."""
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann+list@readers.example", "ann@readers.example"),
        ("a.nn@gmail.com", "ann@gmail.com"),
        ("ann@straße.example", "ann@strasse.example"),
        ("zoë@readers.example", "zoe@readers.example"),
    ],
)
def test_other_addresses_have_other_keys(one: str, other: str) -> None:
    """Nothing is taken for the same that a mail server may keep apart."""
    assert key(one) != key(other)


def test_a_domain_is_made_as_browsers_make_it() -> None:
    """The sharp s is a letter of its own since IDNA 2008: the mail goes to who has registered it."""
    assert ascii_domain("ann@straße.de") == "ann@xn--strae-oqa.de"


@given(st.text())
def test_any_text_has_a_key_that_is_its_own_key(text: str) -> None:
    """A key never changes by being taken again, and asking for one never fails."""
    assert key(key(text)) == key(text)


@pytest.mark.parametrize(
    ("domain", "by_operator"),
    [
        ("readers.example", True),
        ("local.example", True),
        ("localhost", True),
        ("mail.localhost", True),
        ("printer.local", True),
        ("Printer.LOCAL", True),
        ("mail.internal", True),
        ("mail.test", True),
        ("mail.localdomain", True),
        ("mail.lan", True),
        ("router.home", True),
        ("mail.corp", True),
        ("mail.intranet", True),
        ("corp.example", True),
        ("mail.home.example", True),
        ("127.0.0.1", True),
        ("127.0.0.0xa", True),
        ("127.0.0.0XA", True),
        ("127.0.0.0x", True),
        ("mail.0xbeef.example", True),
        ("intranet", False),
        ("[127.0.0.1]", False),
        ("mail.invalid", False),
    ],
)
def test_a_stranger_names_no_mailbox_near_by(domain: str, by_operator: bool) -> None:
    """What only this machine or its network can reach the operator may name, where it is an address at all."""
    text = f"a@{domain}"
    assert _is_address(checked, text) == by_operator
    assert _is_address(checked_of_stranger, text) == domain.endswith(".example")


def _is_address(check: Callable[[str], str], text: str) -> bool:
    try:
        return check(text) == text
    except AddressError:
        return False
