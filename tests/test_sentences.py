"""Sentences: where one ends, in many languages, and cutting there inside of mark-up."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_excerpt import is_balanced
from tidings.editions.sentences import first_sentences
from tidings.posts.clean import clean, visible_text


def first(text: str) -> str:
    """The first sentence of a text."""
    return first_sentences(text, 1, 1)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One is here. Two", "One is here."),
        ("Is it? Yes", "Is it?"),
        ("Stop! Go", "Stop!"),
        ("Really?! Yes", "Really?!"),
        ("He asked “why?” Then he left.", "He asked “why?”"),
        ("(It rained.) The sun came", "(It rained.)"),
        ("It ends in 1998. Then", "It ends in 1998."),
        ("Version 3.14 is out. Get it", "Version 3.14 is out."),
        ("See example.org/a.html for it. Bye", "See example.org/a.html for it."),
        ("Mr. Smith met Dr. No. He left. Then", "Mr. Smith met Dr. No. He left."),
        ("Ask J. R. R. Tolkien about it. Then", "Ask J. R. R. Tolkien about it."),
        ("The U.S. Senate sat. Then", "The U.S. Senate sat."),
        ("Some, e.g. Python, are slow. Others", "Some, e.g. Python, are slow."),
        ("See Ada (cf. Lovelace) on it. Then", "See Ada (cf. Lovelace) on it."),
        ("Wait... and see. Then", "Wait... and see."),
        ("Wait… Now", "Wait…"),
        ("He won (at last!) and left. Then", "He won (at last!) and left."),
        ("Am 3. Mai kam z. B. Frau Dr. Ott. Dann", "Am 3. Mai kam z. B. Frau Dr. Ott."),
        ("M. Dupont et Mme. Curie arrivent. Puis", "M. Dupont et Mme. Curie arrivent."),
        ("Quoi\u202f? Rien.", "Quoi\u202f?"),
        ("¿Qué pasa? ¡Nada! Sí", "¿Qué pasa?"),
        ("La Sra. Díaz habló. Luego", "La Sra. Díaz habló."),
        ("Он пришёл. Потом", "Он пришёл."),
        ("هل هذا صحيح؟ نعم", "هل هذا صحيح؟"),
        ("هذا صحيح. نعم", "هذا صحيح."),
        ("یہ سچ ہے۔ ہاں", "یہ سچ ہے۔"),
        ("यह सच है। हाँ", "यह सच है।"),
        ("שלום לכולם. להתראות", "שלום לכולם."),
        ("これは文です。次の文です。", "これは文です。"),
        ("これは文です。これも文です。", "これは文です。"),
        ("「走れ！」と言った。次の文。", "「走れ！」と言った。"),
        ("他说：“走吧。”然后离开了。", "他说：“走吧。”"),
        ("这是真的吗？是的。", "这是真的吗？"),
        ("한국어 문장입니다. 다음", "한국어 문장입니다."),
        ("No mark in sight", "No mark in sight"),
        ("An end at the end.", "An end at the end."),
        ("No mark in sight " * 100, ""),
        ("", ""),
    ],
)
def test_where_a_sentence_ends(text: str, sentence: str) -> None:
    """Marks end it, but not those of abbreviations, initials, ordinals, numbers, addresses and what is quoted in it."""
    assert first(text) == sentence


@pytest.mark.parametrize(
    ("html", "cut"),
    [
        ("<p>One. Two.</p>", "<p>One.</p>"),
        ("<p><b>One. <i>Two</i></b> three.</p>", "<p><b>One.</b></p>"),
        ('<a href="https://x.example/?a.%20B">One.</a> Two', '<a href="https://x.example/?a.%20B">One.</a>'),
        (
            '<p>A <img src="https://x.example/a. B" alt="C. D"> cat. Two</p>',
            '<p>A <img src="https://x.example/a. B" alt="C. D"> cat.</p>',
        ),
        ("<p>Say <code>go on. Then</code> now. Then</p>", "<p>Say <code>go on. Then</code> now.</p>"),
        ("<p>One &amp; &quot;two.&quot; Three</p>", "<p>One &amp; &quot;two.&quot;</p>"),
        ("<p>One.<br>Two.</p>", "<p>One.</p>"),
        ("One.\n   Two.", "One."),
        ("<p>One &lt; two. Three</p>", "<p>One &lt; two.</p>"),
    ],
)
def test_mark_up_is_closed(html: str, cut: str) -> None:
    """Elements that are open where a sentence ends are closed; no attribute, reference or code is looked into."""
    assert first(html) == cut


@pytest.mark.parametrize(
    ("length", "most", "sentences"),
    [(1, 100, 1), (10, 100, 1), (11, 100, 2), (25, 100, 3), (40, 36, 3), (100, 100, 9)],
)
def test_sentences_are_taken_up_to_a_length(length: int, most: int, sentences: int) -> None:
    """Up to the one that reaches the length, or the last before it would be too much; with too little taken, more."""
    taken = first_sentences("Sentences. " * 200, length, most)
    assert taken.count("Sentences.") == sentences
    assert first_sentences(f"Sentences.{chr(10) * 9}" * 200, length, most).count("Sentences.") == sentences


PIECES = st.sampled_from(
    "One.|Two?|<b>|</b>|<i>|</i>| |. |! |。|<code>|</code>|<br>|&amp;|Dr. |word|\n|<a href='https://x.example'>|</a>|؟".split(
        "|"
    )
)


@settings(max_examples=200)
@given(pieces=st.lists(PIECES, max_size=40), length=st.integers(1, 60))
def test_any_paragraph_can_be_cut(pieces: list[str], length: int) -> None:
    """What comes out is well-formed, and the beginning of the paragraph."""
    html = clean("<p>" + "".join(pieces) + "</p>", "https://x.example")
    cut = first_sentences(html, length, 3 * length)
    assert is_balanced(cut)
    assert visible_text(html).startswith(visible_text(cut))


@pytest.mark.parametrize(
    "text", ["a. " * 200_000, "." * 500_000, "。」" * 200_000, "<b>" * 50_000, "a" * 500_000, "&" * 500_000]
)
def test_hostile_text_takes_no_time(text: str) -> None:
    """Only as much is looked at as can be shown."""
    assert len(first_sentences(text, 500, 1500)) < 600_000
