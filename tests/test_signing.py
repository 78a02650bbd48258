"""Tokens of readers' own links: good for one purpose, one reader and one edition, and made by nobody else."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.model import LinkKey
from tidings.signing import LONGEST, SUBJECT_LENGTH, Grant, Purpose, Refusal, read, sign, stand_in

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEYS = (LinkKey(1, b"a" * 32, NOW), LinkKey(2, b"b" * 32, NOW))
READER = "0123456789abcdef"
TIMED = [purpose for purpose in Purpose if purpose.lifetime is not None]
ENDLESS = [purpose for purpose in Purpose if purpose.lifetime is None]

subjects = st.text(alphabet="abcdef0123456789", min_size=1, max_size=64)
scopes = st.one_of(st.just(""), st.from_regex(r"[a-z0-9][a-z0-9~-]{0,40}", fullmatch=True))


@given(st.sampled_from(list(Purpose)), subjects, scopes, st.integers(0, 4_000_000_000))
def test_what_is_signed_can_be_read(purpose: Purpose, subject: str, scope: str, second: int) -> None:
    """A token grants just what it was made for, and when that was where it runs out."""
    now = datetime.fromtimestamp(second, UTC)
    granted = read(sign(purpose, subject, scope, KEYS, now), purpose, KEYS, now)
    assert granted == Grant(subject, scope, now if purpose.lifetime else None)


def test_a_token_is_short_and_needs_no_encoding_anywhere() -> None:
    """It fits on a line of mail with a usual address before it, has no character that quoted-printable, a header or a
    URL would encode, none that mail doubles, and does not end in one that programs take for the end of a sentence."""
    token = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS, NOW)
    assert len(f"https://planet.example/u/{token}") <= 76
    assert re.fullmatch(r"[A-Za-z0-9_~-]+[a-z0-9]", token)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_no_bit_can_be_turned(purpose: Purpose) -> None:
    """Each bit of each character counts; none of what comes out is accepted."""
    token = sign(purpose, READER, "weekly", KEYS, NOW)
    for place in range(len(token)):
        for bit in range(8):
            turned = token[:place] + chr(ord(token[place]) ^ 1 << bit) + token[place + 1 :]
            assert isinstance(read(turned, purpose, KEYS, NOW), Refusal), (place, bit)


def test_every_other_character_is_refused() -> None:
    """Also those that base64 reads as the same octets."""
    token = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS, NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-~.=/+ "
    for place, own in enumerate(token):
        for other in set(alphabet) - {own}:
            assert isinstance(read(token[:place] + other + token[place + 1 :], Purpose.UNSUBSCRIBE, KEYS, NOW), Refusal)


@pytest.mark.parametrize("made", list(Purpose))
@pytest.mark.parametrize("tried", list(Purpose))
def test_a_token_is_good_for_one_purpose(made: Purpose, tried: Purpose) -> None:
    """Shown for another purpose it is a wrong code."""
    found = read(sign(made, READER, "weekly", KEYS, NOW), tried, KEYS, NOW)
    assert isinstance(found, Grant) == (made is tried)
    assert made is tried or found is Refusal.FORGED


@pytest.mark.parametrize(("subject", "scope"), [("0123456789abcdee", "weekly"), (READER, "weekl"), (READER, "daily")])
def test_the_code_of_one_reader_or_edition_is_wrong_for_another(subject: str, scope: str) -> None:
    """The code can't be moved to what somebody would rather have signed."""
    mine = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS, NOW)
    moved = mine.replace(f"{READER}-weekly", f"{subject}-{scope}")
    assert read(moved, Purpose.UNSUBSCRIBE, KEYS, NOW) is Refusal.FORGED


@given(subjects, scopes, subjects, scopes)
def test_no_two_grants_share_a_token(one: str, its_scope: str, other: str, other_scope: str) -> None:
    """Where the subject ends and the scope begins is never in doubt."""
    same = (one, its_scope) == (other, other_scope)
    tokens = {sign(Purpose.UNSUBSCRIBE, *said, KEYS, NOW) for said in ((one, its_scope), (other, other_scope))}
    assert len(tokens) == (1 if same else 2)


@pytest.mark.parametrize("purpose", TIMED)
def test_a_token_ends_with_its_time(purpose: Purpose) -> None:
    """A second before the end it is good, at the end it is not; and its end can't be moved."""
    assert purpose.lifetime is not None
    token, end = sign(purpose, READER, "weekly", KEYS, NOW), NOW + purpose.lifetime
    assert isinstance(read(token, purpose, KEYS, end - timedelta(seconds=1)), Grant)
    assert read(token, purpose, KEYS, end) is Refusal.EXPIRED
    second = int(NOW.timestamp())
    assert read(token.replace(str(second), str(second + 60)), purpose, KEYS, end) is Refusal.FORGED


@pytest.mark.parametrize("purpose", ENDLESS)
def test_a_way_out_never_ends(purpose: Purpose) -> None:
    """A mail that is found after fifty years can still be answered."""
    token = sign(purpose, READER, "weekly", KEYS, NOW)
    assert isinstance(read(token, purpose, KEYS, NOW + timedelta(days=18_262)), Grant)


def test_the_newest_key_signs_and_old_ones_are_accepted() -> None:
    """After a rotation new links have the new key, and those in old mails go on."""
    old = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS[:1], NOW)
    new = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS, NOW)
    assert (old[0], new[0]) == ("1", "2")
    for token in (old, new, old):
        assert isinstance(read(token, Purpose.UNSUBSCRIBE, KEYS, NOW), Grant)


def test_a_retired_key_signs_and_opens_nothing() -> None:
    """Its links are worth as much as those of a key that never was, and the other key signs."""
    keys = (KEYS[0], LinkKey(2, KEYS[1].secret, NOW, retired_at=NOW))
    token = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS, NOW)
    assert read(token, Purpose.UNSUBSCRIBE, keys, NOW) is Refusal.UNKNOWN_KEY
    assert read(token, Purpose.UNSUBSCRIBE, KEYS[:1], NOW) is Refusal.UNKNOWN_KEY
    assert sign(Purpose.UNSUBSCRIBE, READER, "weekly", keys, NOW).startswith("1-")
    with pytest.raises(ValueError, match="no key"):
        sign(Purpose.UNSUBSCRIBE, READER, "weekly", keys[1:], NOW)


def test_the_key_of_one_site_is_worth_nothing_at_another() -> None:
    """A key of the same number with other octets refuses."""
    token = sign(Purpose.UNSUBSCRIBE, READER, "weekly", KEYS, NOW)
    assert read(token, Purpose.UNSUBSCRIBE, (LinkKey(2, b"c" * 32, NOW),), NOW) is Refusal.FORGED


@given(st.one_of(st.text(), st.text(alphabet="0123456789abcdefABC_~-.", max_size=120)), st.sampled_from(list(Purpose)))
def test_garbage_is_refused_and_nothing_is_raised(token: str, purpose: Purpose) -> None:
    """Whatever text is shown, the answer is a refusal."""
    assert isinstance(read(token, purpose, KEYS, NOW), Refusal)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "-",
        "1-" * 50_000,
        "1" * 10_000_000,
        f"999999999-{'A' * 22}-a",
        f"1-{'A' * 22}-{'a' * LONGEST}",
        f"١-{'A' * 22}-abc",
        "1-\ud800",
        f"2-{'A' * 22}-99999999999999999999-a",
    ],
)
@pytest.mark.parametrize("purpose", list(Purpose))
def test_huge_and_strange_tokens_are_refused(token: str, purpose: Purpose) -> None:
    """Neither size nor digits of other scripts get past the first look."""
    assert isinstance(read(token, purpose, KEYS, NOW), Refusal)


@pytest.mark.parametrize(
    ("subject", "scope"),
    [("", "weekly"), ("A", "weekly"), ("a-b", ""), ("a", "Weekly"), ("a", "-"), ("a", "b" * LONGEST)],
)
def test_what_a_token_cannot_hold_is_not_signed(subject: str, scope: str) -> None:
    """Rather than a token that says something else."""
    with pytest.raises(ValueError, match="not to be signed"):
        sign(Purpose.CONFIRM, subject, scope, KEYS, NOW)


def test_what_stands_in_for_tokens_is_as_long_and_good_for_nothing() -> None:
    """It has the length of every reader's token of the edition, is the same each time, differs between sites, and opens
    nothing."""
    standing = stand_in("weekly", KEYS)
    assert len(standing) == len(sign(Purpose.UNSUBSCRIBE, "f" * SUBJECT_LENGTH, "weekly", KEYS, NOW))
    assert standing == stand_in("weekly", KEYS)
    assert standing != stand_in("weekly", (LinkKey(2, b"c" * 32, NOW),))
    for purpose in set(Purpose) - {Purpose.STAND_IN}:
        assert read(standing, purpose, KEYS, NOW) is Refusal.FORGED
