"""The words of a text, as texts are compared by them."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings.posts import likeness
from tidings.posts.likeness import words_of

MARKS = "".join(
    chr(sign)
    for sign in range(0x300, 0x1FFFF)
    if unicodedata.combining(chr(sign)) and unicodedata.normalize("NFKD", chr(sign).casefold()) == chr(sign)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It's 3:15, FOLKS", "it s 3 15 folks"),
        ("Über die Straße, ÉTÉ Żółć", "uber die strasse ete zołc"),
        (f"a{MARKS[:30]}b c", "ab c"),
        (f"a{MARKS}b é c", "ab e c"),
        ("日本 ไทย", "日 本 ไ ท ย"),
        ("한국어 단어", "한국어 단어"),
    ],
)
def test_words_are_without_case_accents_and_signs(text: str, expected: str) -> None:
    """Accents are dropped however many different ones there are."""
    assert " ".join(words_of(text)) == expected


def test_signs_that_stand_for_many_take_no_longer_than_others() -> None:
    """A text of ligatures that are eighteen letters each, with every accent there is, is read in a moment."""
    started = time.process_time()
    assert len(words_of(f"a{MARKS}" + "\ufdfa" * 59_000)) == 4_000
    assert time.process_time() - started < 2


@given(st.text(st.one_of(st.sampled_from("ab _-éß–“…・ー₨½"), st.characters())))
@example("\u20a81")
def test_few_signs_that_are_no_letters_take_the_short_way(text: str) -> None:
    """What is ASCII once accents and signs are gone has the words that the pattern for all scripts finds."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    whole = unicodedata.normalize("NFC", "".join(sign for sign in folded if not unicodedata.combining(sign)))
    assert words_of(text) == likeness._WORD.findall(whole)
