"""Names and texts of strangers, made fit to stand beside those of others."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.render_samples import ARABIC, CHINESE, CYRILLIC, EMOJI, FOOTER, issue, item
from tidings.render.environment import template_folders
from tidings.render.mail import render_issue
from tidings.render.markup import for_mail, for_page
from tidings.render.wording import load_wording
from tidings.render.words import few_marks, one_line, paragraphs, shorten

ZALGO = "Z" + "\u0301\u0316\u0334" * 160 + "algo"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (ZALGO, "Z\u0301\u0316\u0334\u0301algo"),
        ("\u0301" * 500, "\u0301" * 4),
        ("e\u0301" + "\u200d\u0301" * 9, "e\u0301" + "\u200d\u0301" * 3 + "\u200d" * 6),
        ("ก" + "็" * 40, "ก" + "็" * 6),
        ("x" + "\u20dd" * 40, "x" + "\u20dd" * 6),
    ],
    ids=["zalgo", "no letter", "joined", "thai", "circles"],
)
def test_heaps_of_marks_are_cut(text: str, kept: str) -> None:
    """A letter with hundreds of marks would be drawn over the lines above and below it."""
    assert few_marks(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Tiếng Việt, e\u0302\u0323\u0301",
        "บทเรียนที่ผู้ใช้",
        "བསྒྲུབས་ཧཱུྃ",
        "בְּרֵאשִׁית בָּרָ֣א אֱלֹהִ֑ים",
        "بِسْمِ ٱللّٰهِ ٱلرَّحْمٰنِ",
        "क्ष्म्य हिन्दी",
        "👩🏽‍💻👨‍👩‍👧‍👦 1️⃣",
        ARABIC.text,
        CYRILLIC + CHINESE + EMOJI,
    ],
)
def test_no_script_loses_a_mark(text: str) -> None:
    """What people write stays as they write it, composed or not."""
    assert few_marks(text) == text
    decomposed = unicodedata.normalize("NFD", text)
    assert few_marks(decomposed) == decomposed


@given(st.text(st.sampled_from("ab \u0301\u0316\u05b0\u0e47\u200d\u20dd")))
def test_no_run_of_marks_is_long(text: str) -> None:
    """Whatever the text, and however often it is done."""
    kept = few_marks(text)
    assert few_marks(kept) == kept
    run = 0
    for character in kept.replace("\u200d", ""):
        run = run + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        assert run <= 6


def test_no_heap_of_marks_reaches_a_reader() -> None:
    """Neither in names nor in texts, in both parts of a mail and on pages; both parts say the same."""
    cut = few_marks(ZALGO)
    assert one_line(f" {ZALGO}\n") == shorten(ZALGO, 80) == cut
    assert paragraphs(f"{ZALGO}\n\nb") == [cut, "b"]
    assert (
        for_mail(f"<p>{ZALGO}</p>")
        == for_page(f"<p>{ZALGO}</p>", wording=load_wording(template_folders(), "en"))
        == f"<p>{cut}</p>"
    )
    content = issue(item(0, title=ZALGO, source=ZALGO, author=ZALGO, html=f"<p>{ZALGO}</p>", text=ZALGO))
    mail = render_issue(content, FOOTER)
    for part in (mail.subject, mail.html, mail.text):
        assert cut in part
        assert "\u0334\u0301\u0316" not in part
