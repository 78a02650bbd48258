"""What platforms put around a text, and where it says that it is from."""

from __future__ import annotations

import pytest

from tidings.posts.wrapping import origin_notes, unwrapped

TEXT = "A first paragraph that somebody wrote.\n\nA second one, which was published nowhere else, about beans."


@pytest.mark.parametrize(
    "line",
    [
        "The post Beans appeared first on The Garden.",
        "Originally published at garden.example on 3 March.",
        "Der Beitrag Bohnen erschien zuerst auf Garten.",
        "Zuerst erschienen im Blog Garten.",
        "本文首发于花园，转载请注明出处。",
        "Впервые опубликовано в «Саде».",
        "© 2026 The Garden. All rights reserved.",
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512",
        "You get this mail because you signed up.",
        "Thanks for reading! Subscribe for free.",
    ],
)
def test_what_is_around_a_text_is_left_out(line: str) -> None:
    """Before it and behind it; not within it."""
    assert unwrapped(f"{TEXT}\n\n{line}") == TEXT
    assert unwrapped(f"{line}\n\n{TEXT}") == TEXT
    middle = TEXT.replace("\n\n", f"\n\n{line}\n\n")
    assert unwrapped(middle) == middle


@pytest.mark.parametrize("text", ["", TEXT, "We published a book.", "Continue reading"])
def test_a_text_of_its_own_is_left_alone(text: str) -> None:
    """An invitation to read on tells that a text was cut, so it stays."""
    assert unwrapped(text) == text


def test_origin_notes_are_paragraphs_with_a_link() -> None:
    """At the beginning or the end of a post; a link on its own is none."""
    note = '<a href="https://garden.example/beans">Originally published</a> at The Garden.'
    long = "<p>Words that go on and on.</p>" * 200
    assert list(origin_notes(f"<p>{note}</p>{long}")) == [note]
    assert list(origin_notes(f"{long}<p>{note}</p>")) == [note]
    assert list(origin_notes(f"{long}<p>{note}</p>{long}")) == []
    assert list(origin_notes('<p>See <a href="https://garden.example/beans">beans</a>.</p>')) == []
    assert list(origin_notes("<p>Originally published somewhere.</p>")) == []
