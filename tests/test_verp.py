"""Return addresses: they name a delivery, nobody else can make one, and servers may not break them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.config.values import LONGEST_BOUNCE_NAME
from tidings.mail.verp import delivery_of, is_about, is_coded, return_address, unsubscribe_address

SECRET = bytes(range(32))
BOUNCES = "bounces@planet.example"
MESSAGE = "<weekly.7.8d3f@planet.example>"
DELIVERIES = st.integers(1, 10**18 - 1)


@given(DELIVERIES)
def test_a_return_address_names_its_delivery(delivery: int) -> None:
    """What is made can be read back, also when a server on the way has changed the case of letters."""
    address = return_address(BOUNCES, delivery, MESSAGE, SECRET)
    assert re.fullmatch(rf"bounces\+{delivery}\.[a-z2-7]{{16}}@planet\.example", address)
    for spelling in (address, address.upper(), address.title()):
        assert delivery_of(spelling, BOUNCES, SECRET) == delivery


def test_it_is_the_same_each_time_and_another_for_each() -> None:
    """A mail that is sent again goes back to the same address; no two deliveries share a code, nor two secrets."""
    made = [return_address(BOUNCES, delivery, MESSAGE, SECRET) for delivery in range(1, 200)]
    assert made == [return_address(BOUNCES, delivery, MESSAGE, SECRET) for delivery in range(1, 200)]
    codes = {address.partition("@")[0].partition(".")[2] for address in made}
    assert len(codes) == len(made)
    assert return_address(BOUNCES, 1, MESSAGE, SECRET) != return_address(BOUNCES, 1, MESSAGE, bytes(32))


@given(DELIVERIES, st.integers(0, 15), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_code_can_be_guessed_from_another(delivery: int, place: int, letter: str) -> None:
    """Another letter of the code, or the code of another delivery, is nobody's."""
    address = return_address(BOUNCES, delivery, MESSAGE, SECRET)
    start = address.index(".") + 1 + place
    if address[start] != letter:
        assert delivery_of(address[:start] + letter + address[start + 1 :], BOUNCES, SECRET) is None
    code = address.partition(".")[2]
    assert delivery_of(f"bounces+{delivery % 10**17 + 1}.{code}", BOUNCES, SECRET) in (None, delivery)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bounces@planet.example",
        "bounces+@planet.example",
        "bounces+17@planet.example",
        "bounces+17.@planet.example",
        "bounces+017.{code}@planet.example",
        "bounces+0.{code}@planet.example",
        "bounces+-17.{code}@planet.example",
        "bounces+17.{code}a@planet.example",
        "bounces+17.{code}@other.example",
        "others+17.{code}@planet.example",
        "17.{code}@planet.example",
        "bounces+17.{code}@planet.example@planet.example",
        "bounces+17.{code}",
        "bounces+١٧.{code}@planet.example",
        "bounces+" + "9" * 5000 + ".{code}@planet.example",
    ],
)
def test_other_addresses_name_no_delivery(address: str) -> None:
    """Whatever is not of the form, for another mailbox, or written in another way is None, never an error."""
    code = return_address(BOUNCES, 17, MESSAGE, SECRET).partition(".")[2].partition("@")[0]
    assert delivery_of(f"bounces+17.{code}@planet.example", BOUNCES, SECRET) == 17
    assert delivery_of(address.format(code=code), BOUNCES, SECRET) is None


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    """Mail for any recipient may come in."""
    assert delivery_of(text, BOUNCES, SECRET) is None


def test_an_address_is_about_one_message() -> None:
    """A number that a restored database gives once more has other addresses; and the letters that tell the messages
    apart are no one's to choose."""
    other = "<weekly.8.11aa@planet.example>"
    for make in (return_address, unsubscribe_address):
        address = make(BOUNCES, 17, MESSAGE, SECRET)
        assert is_about(address.upper(), MESSAGE, SECRET)
        assert not is_about(address, other, SECRET)
        assert is_coded(address.upper(), BOUNCES, SECRET)
        mark = make(BOUNCES, 17, other, SECRET).partition(".")[2][:4]
        swapped = re.sub(r"17\.[a-z2-7]{4}", f"17.{mark}", address)
        assert is_about(swapped, other, SECRET)
        assert not is_coded(swapped, BOUNCES, SECRET)
    assert not is_about(BOUNCES, MESSAGE, SECRET)


def test_the_local_part_has_room() -> None:
    """With the longest name that the configuration takes, and a million million deliveries, the local part stays within
    RFC 5321's 64 octets."""
    mailbox = f"{'b' * LONGEST_BOUNCE_NAME}@planet.example"
    assert len(return_address(mailbox, 10**14 - 1, MESSAGE, SECRET).partition("@")[0]) == 64
    assert len(unsubscribe_address(mailbox, 10**12 - 1, MESSAGE, SECRET).partition("@")[0]) == 64


@given(DELIVERIES)
def test_a_code_is_good_for_one_purpose(delivery: int) -> None:
    """Where a mail bounces to nobody unsubscribes, and the other way round, also when a code is put into the other
    form."""
    back, stop = (
        return_address(BOUNCES, delivery, MESSAGE, SECRET),
        unsubscribe_address(BOUNCES, delivery, MESSAGE, SECRET),
    )
    assert delivery_of(stop.upper(), BOUNCES, SECRET, "unsubscribe") == delivery
    assert delivery_of(stop, BOUNCES, SECRET) is None
    assert delivery_of(back, BOUNCES, SECRET, "unsubscribe") is None
    assert delivery_of(back.replace("+", "+u-"), BOUNCES, SECRET, "unsubscribe") is None
    assert delivery_of(stop.replace("+u-", "+"), BOUNCES, SECRET) is None


def test_what_has_a_right_code_is_ours() -> None:
    """For either purpose, whatever the case; not the mailbox itself, nor a code of somebody else's."""
    for made in (return_address(BOUNCES, 7, MESSAGE, SECRET), unsubscribe_address(BOUNCES, 7, MESSAGE, SECRET)):
        assert is_coded(made.upper(), BOUNCES, SECRET)
        assert not is_coded(made, BOUNCES, bytes(32))
    assert not is_coded(BOUNCES, BOUNCES, SECRET)
