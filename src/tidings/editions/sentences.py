"""The first sentences of a paragraph too long to be shown whole. Clean HTML in, balanced HTML out. Pure.

A mark ends a sentence only where that is plain: "Dr. No", "z. B.", "3. Mai", "U.S. law" and "… and so on" do not end at
their marks. A sentence end that is missed costs a longer excerpt, one that is wrong half a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from unicodedata import category

from tidings.editions.blocks import closed

_FIRST = 1_000  # characters up to which the first sentences may go, however short excerpts are
_BEHIND = 50  # characters that are looked at behind a mark
_BEFORE = 40  # and before it; no abbreviation is longer
_LONGEST = 10_000  # characters of a paragraph are looked at that was cut off
_NO_WORD = frozenset("PSZC")  # Unicode categories of marks, signs, blanks and controls
_CLOSING = "\"'”’»)\\]」』）】》〉"
# Marks that need no blank behind them: those of Chinese and Japanese, Arabic and Urdu, Indic, Ethiopic, Burmese,
# Tibetan, Armenian and Khmer texts.
_END = re.compile(
    f"(?:(?P<alone>[。！？｡．؟۔।॥።။།։។៕]+)|(?P<mark>[.!?…‽]+))(?P<closing>[{_CLOSING}]*+)(?(mark)(?=\\s))"
)
_NEXT = re.compile(r"\W{0,50}+(\w)")
_HIRAGANA = re.compile("[ぁ-ん]")
_INITIALS = re.compile(r"(?:[^\W\d_]{1,3}\.)*[^\W\d_]|\d{1,2}")
_ABBREVIATIONS = frozenset(
    # English
    "mr mrs ms dr prof sr jr st mt vs etc cf al fig figs eq no nos vol ch sec pp pt ed eds ca approx inc ltd co corp "
    "dept est gen col sgt capt lt rev hon gov sen rep jan feb mar apr jun jul aug sep sept oct nov dec "
    # German, French, Spanish, Italian, Portuguese, Dutch
    "bzw usw nr abs str vgl ggf evtl sog inkl zzgl bspw geb gest tel mme mlle env av bd sra srta dra ud uds ej pág núm "
    "sig dott ecc exmo bijv enz drs ir mw dhr".split()
)
_PIECE = re.compile(r"<[^<>]*+>|&#?\w{1,32};|.", re.DOTALL)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)")


def first_sentences(html: str, length: int, most: int) -> str:
    """The whole sentences at the beginning of one paragraph of clean HTML, with its elements closed: up to the end that
    reaches `length` characters, and not beyond `most`. While less than half of `length` is reached, a sentence may go
    beyond that, up to 1,000 characters. "" where none ends before."""
    text, ends = _seen(html, max(most, _FIRST) + _BEHIND)
    chosen = 0
    for end in _sentence_ends(text):
        if end > (most if 2 * chosen >= length else max(most, _FIRST)):
            break
        chosen = end
        if chosen >= length:
            break
    return closed(html[: ends[chosen - 1]]) if chosen else ""


def whole_sentences(html: str) -> str:
    """The sentences of a paragraph that was cut off somewhere, with its elements closed: up to the last one that ends.
    "" where none does; dots end none here."""
    text, ends = _seen(html, _LONGEST)
    found = [mark.end() for mark in _END.finditer(text + "\n") if not _is_dots(mark) and not _goes_on(text, mark)]
    return closed(html[: ends[found[-1] - 1]]) if found else ""


def first_words(html: str, length: int) -> str:
    """The first words of mark-up, up to `length` characters, with an ellipsis and its elements closed: for texts in
    which no sentence ends. Words are cut only in scripts without spaces, and where one is longer than that."""
    text, ends = _seen(html, length + 1)
    end = min(length, len(text))
    if end < len(text) and not text[end].isspace():
        end = max((place for place in range(end) if text[place].isspace()), default=end)
    while end < len(text) and category(text[end])[0] == "M":
        end += 1  # a sign that belongs to the letter before it
    shown = len(without_end(text[:end]))
    return closed(f"{html[: ends[shown - 1]]}…") if shown else ""


def without_end(text: str) -> str:
    """`text` without the marks and blanks at its end."""
    end = len(text)
    while end and category(text[end - 1])[0] in _NO_WORD:
        end -= 1
    return text[:end]


def _is_dots(mark: re.Match[str]) -> bool:
    return bool(mark["mark"]) and ("…" in mark["mark"] or ".." in mark["mark"])


def _seen(html: str, most: int) -> tuple[str, list[int]]:
    """The first characters a reader sees, and where in the mark-up each ends. Code is all "x": its dots end nothing."""
    characters: list[str] = []
    ends: list[int] = []
    in_code = 0
    for piece in _PIECE.finditer(html):
        if len(characters) >= most:
            break
        tag = _TAG.match(piece[0])
        if tag and tag[2] == "code":
            in_code += -1 if tag[1] else 1
        shown = ("\n" if tag[2] == "br" else "") if tag else unescape(piece[0])
        if shown.isspace() and (not characters or characters[-1].isspace()):
            continue
        characters += "x" * len(shown) if in_code else shown
        ends += [piece.end()] * len(shown)
    return "".join(characters), ends


def _sentence_ends(text: str) -> Iterator[int]:
    """The ends of the sentences of `text`, of which one is its own end."""
    for mark in _END.finditer(text):
        if not _goes_on(text, mark):
            yield mark.end()
    yield len(text)


def _goes_on(text: str, mark: re.Match[str]) -> bool:
    """Whether the sentence does not end at `mark`."""
    if mark["alone"]:
        # 「走れ！」と言った: a question or call that is quoted within a sentence.
        return bool(mark["closing"]) and bool(_HIRAGANA.match(text, mark.end()))
    following = _NEXT.match(text, mark.end())
    if following and following[1].islower():
        return True
    return mark["mark"] == "." and _is_abbreviation(text[max(mark.start() - _BEFORE, 0) : mark.start()])


def _is_abbreviation(before: str) -> bool:
    """Whether the last word of `before` has its dot for itself: a known one, initials, or an ordinal number."""
    word = before.split()[-1].lstrip("\"'“„«‹([").lower() if before and not before[-1].isspace() else ""
    return word in _ABBREVIATIONS or bool(_INITIALS.fullmatch(word))
