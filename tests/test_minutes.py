"""Reading time: how it is counted, and when it is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.editions.minutes import reading_minutes

IMAGE = '<img src="https://blog.example/a.png">'


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("", 0),
        ("word " * 229, 0),
        ("word " * 230, 1),
        ("word " * 344, 1),
        ("word " * 346, 2),
        ("word " * 2300, 10),
        ("- — * " * 2300, 0),
        ("слово " * 460, 2),
        ("كلمة " * 460, 2),
        ("단어 " * 460, 2),
        ("字" * 499, 0),
        ("字" * 1000, 2),
        ("ひらがな" * 250, 2),
        ("𠮷" * 500, 1),
        ("字" * 500 + " word" * 230, 2),
        ("ไทย" * 767, 2),
    ],
)
def test_words_and_signs_take_their_time(text: str, minutes: int) -> None:
    """230 words a minute, 500 signs of Chinese or Japanese; five signs of other scripts without spaces are a word."""
    assert reading_minutes("", text) == minutes


@pytest.mark.parametrize(("pictures", "minutes"), [(0, 1), (2, 1), (3, 2), (10, 3), (1000, 3)])
def test_pictures_are_looked_at(pictures: int, minutes: int) -> None:
    """Ten seconds each, for up to ten of them."""
    assert reading_minutes(IMAGE * pictures, "word " * 230) == minutes


def test_pictures_alone_are_not_read() -> None:
    """A post whose text is gone, or that never had any, has no reading time."""
    assert reading_minutes(IMAGE * 20, "") == 0


LONG = "word " * 1000


@pytest.mark.parametrize(
    "end",
    [
        "and so…",
        "and so...",
        "and so […]",
        "and so [...]",
        "and so… »",
        "and so […]\n\nThe post A title appeared first on The blog.",
        "and so…\n\nThe post A title first appeared on The blog.",
        "and so… Continue reading A title →",
        "and so.\n\nContinue reading",
        "and so.\n\nRead more »",
        "and so.\n\n(more…)",
        "and so.\n\nMore →",
        "and so … Read the rest of this entry",
        "and so.\n\nWeiterlesen",
        "and so.\n\nLire la suite de l’article",
        "and so.\n\n→ Leer más",
        "続きを読む",
    ],
)
def test_what_breaks_off_has_no_known_length(end: str) -> None:
    """Dots at the end, or a link to the rest, say that the feed has only the beginning."""
    assert reading_minutes("", f"{LONG}\n\n{end}") == 0


@pytest.mark.parametrize(
    "end",
    [
        "The end.",
        "and so... it ended.",
        "I will continue reading tomorrow.",
        "More photos are on my other site.",
        "The post A title appeared first on The blog.",
        "Read it again.",
    ],
)
def test_what_ends_is_whole(end: str) -> None:
    """Dots and such words elsewhere say nothing."""
    assert reading_minutes("", f"{LONG}\n\n{end}") > 0


@given(text=st.text(), html=st.text())
def test_any_text_has_a_reading_time(text: str, html: str) -> None:
    """There is no error, and never less than none."""
    assert reading_minutes(html, text) >= 0
