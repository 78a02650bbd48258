"""What an edit changed: the first new words, how many, another headline, and edits taken back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import stored_post
from tidings.editions.changes import is_undone, new_words, renamed, words_added
from tidings.model import EditedPost

ARTICLE = "The kiln was cold this morning. All twelve cups had survived the night. I kept notes."


@pytest.mark.parametrize(
    ("after", "quote"),
    [
        (f"{ARTICLE}\n\nUpdate, Friday: the glaze cracked.", "Update, Friday: the glaze cracked."),
        (f"{ARTICLE}\n\n[Update] The glaze cracked.", "[Update] The glaze cracked."),
        (f"{ARTICLE}\n\n“It cracked”, she said.", "“It cracked”, she said."),
        (f"Note: wrong since May.\n\n{ARTICLE}", f"Note: wrong since May. {ARTICLE}"),
        (ARTICLE.replace("twelve", "thirteen"), "thirteen cups had survived the night. I kept notes."),
        (ARTICLE.replace("I kept", "I always kept"), "always kept notes."),
        (ARTICLE.replace("notes", "diaries"), "diaries."),
        ("A wholly different text.", "A wholly different text."),
        (ARTICLE.replace("All twelve cups had survived the night. ", ""), ""),
        (ARTICLE.upper().replace(".", " !"), ""),
        ("All twelve cups had survived the night. The kiln was cold this morning. I kept notes.", ""),
        (ARTICLE, ""),
        ("", ""),
    ],
)
def test_the_first_new_words(after: str, quote: str) -> None:
    """The quote begins with the first word that is new, with its bracket or quotation mark; what was cut, moved, or set
    in other signs and capitals, is not new."""
    assert new_words(ARTICLE, after) == quote


@pytest.mark.parametrize(
    ("before", "after", "quote"),
    [
        ("", "Hello there", "Hello there"),
        ("Hello", "Hello there", "Hello there"),
        ("窯は今朝冷たかった。", "窯は今朝冷たかった。追記：釉薬が割れた。", "追記：釉薬が割れた。"),
        ("यह किताब अच्छी है।", "यह किताब अच्छी है। नया अध्याय जुड़ा।", "नया अध्याय जुड़ा।"),
        ("كان الفرن باردا هذا الصباح", "كان الفرن باردا هذا الصباح. تحديث: تشقق", "تحديث: تشقق"),
    ],
)
def test_new_words_of_any_script(before: str, after: str, quote: str) -> None:
    """Scripts without spaces, with vowel signs, or from right to left are cut at words; of very short texts all is
    new."""
    assert new_words(before, after) == quote


def test_a_quote_is_a_line() -> None:
    """However much is new, a few sentences of it are kept, on one line."""
    quote = new_words(ARTICLE, ARTICLE + "\n\nmore\r\n of\tit" * 500)
    assert quote.startswith("more of it more")
    assert len(quote) <= 300


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        (ARTICLE, ARTICLE + " And three more.", 3),
        (ARTICLE, "The kiln was cold.", -12),
        (ARTICLE, ARTICLE + " — …", 0),
        ("a b", "", -2),
        ("窯は今朝", "窯は今朝冷たかった", 0),
    ],
)
def test_words_are_counted_as_people_do(before: str, after: str, count: int) -> None:
    """Signs are no words, and in scripts without spaces nothing is counted."""
    assert words_added(before, after) == count


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("Compression is free", "Compression is not free", True),
        ("Compression is free", "Compression is FREE!", False),
        ("", "Compression is free", False),
        ("Compression is free", "", True),
        ("“”", "Free", False),
    ],
)
def test_a_headline_is_another_when_its_words_are(before: str, after: str, expected: bool) -> None:
    """Signs and capitals make no other headline, and a post that had none was not renamed."""
    assert renamed(before, after) is expected


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Post", ARTICLE, True),
        ("Post!", ARTICLE.upper(), True),
        ("Other", ARTICLE, False),
        ("Post", ARTICLE + " More.", False),
        ("Post", None, False),
    ],
)
def test_an_edit_that_was_taken_back(title: str, text: str | None, expected: bool) -> None:
    """With the headline and the words it had, a post says what readers know; where that is not known it does not."""
    assert is_undone(EditedPost(stored_post(title="Post", text=ARTICLE), title, text)) is expected


WORDS = st.lists(st.sampled_from("alpha beta gamma, delta. 窯 が — “ \n".split(" ")), max_size=40).map(" ".join)


@given(before=WORDS | st.text(max_size=80), after=WORDS | st.text(max_size=80))
def test_a_quote_is_from_the_text(before: str, after: str) -> None:
    """Whatever was edited, a quote is a part of the text as it is now, and a text has no new words against itself."""
    assert new_words(before, after) in " ".join(after.split())
    assert new_words(after + " x y z", after + " x y z") == ""
    assert (words_added(before, after), words_added(after, before)) == (
        -words_added(after, before),
        -words_added(before, after),
    )
