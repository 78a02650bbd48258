"""The beginning of a post, cut only between whole blocks: never half a sentence, code block or table. Pure.

What is too long to be shown as a whole is begun all the same where that makes sense: a paragraph ends with a sentence,
a list or quotation with one of its parts. A table or a code block cannot be begun. Only a post in which no sentence
ends is cut at a word, with an ellipsis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from html import unescape
from unicodedata import category

from tidings.editions.blocks import Block, beginning, block_of, count_letters, top_blocks
from tidings.editions.endings import leads_away
from tidings.editions.sentences import first_sentences, first_words, whole_sentences, without_end

_TIMES = 3  # an excerpt is at most that many times as long as it is wanted, its first sentence aside
_DEEPEST = 2  # lists and quotations inside one another that are begun; each costs another reading
_MOST_READ = 150_000  # characters of HTML that are looked at; a post may have a hundred times as many
_PROSE = frozenset({"", "p"})
_BEGUN = frozenset("ul ol li blockquote div article section main span b strong em i a".split())
_OPENING = re.compile(r"\s*+<[^<>]*+>")
_REVERSED = re.compile(r"\sreversed[\s=>]")  # numbers its items from the last one on, so none of them can be left out
_NEVER_CUT = re.compile(r"<(?:pre|table)\b|<ol\b[^<>]*\sreversed[\s=>]")
_ALT = re.compile(r'<img\b[^<>]*\balt="([^"<>]*+)"')


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The beginning of a post, as HTML and as text that says the same, and whether it is all of the post."""

    html: str
    text: str
    whole: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    """A block of an excerpt, maybe only its beginning, and which of the post's blocks it is."""

    place: int
    block: Block


def excerpt(html: str, text: str, length: int) -> Excerpt:
    """The leading blocks of a post, of which `html` is the clean HTML and `text` the same as plain text: up to the
    block that reaches `length` characters of visible text, and no more than `longest`. A heading is not taken without
    what follows it.

    A block that does not fit ends the excerpt. While less than half of `length` is reached its first sentences, or
    items, are taken; and where there is no text yet, and it cannot be begun, it is passed over. A post of which nothing
    would be left shows its first words: half a sentence, marked as one, is better than none.
    """
    read = beginning(html, _MOST_READ)
    blocks = top_blocks(read, longest(length))
    is_all = read == html
    if not is_all and blocks and blocks[-1].size <= longest(length):
        blocks.pop()  # it may be half a block
    taken = _leading(blocks, length, longest(length), _DEEPEST)
    if is_all and [one.block for one in taken] == blocks:
        return Excerpt(html, text, True)
    _drop_leads(taken)
    if any(_is_text(one.block) for one in taken):
        return _part_of(text, blocks, taken)
    begun = _begun(blocks, length)
    return _cut_short(text, blocks, taken, begun) if begun else _part_of(text, blocks, taken)


def whole_part(html: str, text: str) -> Excerpt:
    """What a feed gave of a post it cuts off, up to the last sentence that ends, and without the words that lead to
    the rest. If none ends, the words there are."""
    blocks = top_blocks(beginning(html, _MOST_READ), len(text))
    taken = [_Taken(place, block) for place, block in enumerate(blocks)]
    while len(taken) > 1 and (taken[-1].block.leads_on or leads_away(taken[-1].block.text)):
        taken.pop()
    if not taken or taken[-1].block.tag not in _PROSE:
        return _part_of(text, blocks, taken)
    last = taken.pop()
    if ended := whole_sentences(last.block.html):
        return _part_of(text, blocks, [*taken, _Taken(last.place, block_of(last.block.tag, ended))])
    if any(_is_text(one.block) for one in taken):
        _drop_leads(taken)
        return _part_of(text, blocks, taken)
    words = first_words(last.block.html, last.block.size)
    if not words:
        return Excerpt(html, text, False)
    return _cut_short(text, blocks, taken, _Taken(last.place, block_of(last.block.tag, words)))


def _part_of(text: str, blocks: Sequence[Block], taken: Sequence[_Taken]) -> Excerpt:
    return Excerpt("".join(one.block.html for one in taken), _said(text, blocks, taken), False)


def _cut_short(text: str, blocks: Sequence[Block], taken: Sequence[_Taken], last: _Taken) -> Excerpt:
    """What was taken before `last`, which ends in the middle of a sentence, and then that."""
    part = _part_of(text, blocks, [*(one for one in taken if one.place < last.place), last])
    return replace(part, text=f"{without_end(part.text)}…")


def _begun(blocks: Sequence[Block], length: int) -> _Taken | None:
    """The first words of the first block that has any and can be begun."""
    for place, block in enumerate(blocks):
        if not _is_text(block) or block.tag not in _PROSE | _BEGUN or _NEVER_CUT.search(block.html):
            continue
        if words := first_words(block.html, length):
            return _Taken(place, block_of(block.tag, words))
    return None


def longest(length: int) -> int:
    """How many characters an excerpt may have that is to have `length`, its first sentence aside."""
    return _TIMES * length


def _leading(blocks: Sequence[Block], length: int, most: int, deepest: int) -> list[_Taken]:
    """The first of `blocks` that are shown; inside of a list or quotation, as `deepest` tells, none is passed over."""
    taken: list[_Taken] = []
    size, has_text = 0, False
    for place, block in enumerate(blocks):
        if has_text and size >= length:
            break
        if size + block.size <= most:
            taken.append(_Taken(place, block))
            size += block.size
            has_text = has_text or _is_text(block)
            continue
        beginning = "" if has_text and 2 * size >= length else _beginning(block, length - size, most - size, deepest)
        if beginning:
            taken.append(_Taken(place, block_of(block.tag, beginning)))
        if beginning or has_text or deepest < _DEEPEST:
            break
        size -= _drop_leads(taken)
    return taken


def _is_text(block: Block) -> bool:
    return not block.leads_on and block.tag != "figure" and block.letters > 0


def _drop_leads(taken: list[_Taken]) -> int:
    """Takes headings and rules from the end of `taken`, since what they were there for does not follow; returns how
    many characters they had."""
    dropped = 0
    while taken and taken[-1].block.leads_on:
        dropped += taken.pop().block.size
    return dropped


def _beginning(block: Block, length: int, most: int, deepest: int) -> str:
    """The first sentences or items of a block, or "" where it has none or cannot be begun."""
    if block.tag in _PROSE:
        return first_sentences(block.html, length, most)
    opening = _OPENING.match(block.html)
    if block.tag not in _BEGUN or not deepest or not opening or _REVERSED.search(opening[0]):
        return ""
    inside = _leading(top_blocks(block.inside, most), length, most, deepest - 1)
    _drop_leads(inside)
    if not any(one.block.letters for one in inside):
        return ""
    return f"{opening[0]}{''.join(one.block.html for one in inside)}</{block.tag}>"


# ----------------------------------------------------------------------------------------------------------- as text


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of a post's letters: from which one on, and before which one it ends."""

    start: int
    end: int


def _said(text: str, blocks: Sequence[Block], taken: Sequence[_Taken]) -> str:
    """What of `text`, a whole post, says the same as the blocks taken of it."""
    spans = _spans(blocks, taken)
    if not spans:
        return ""
    html = "".join(block.html for block in blocks[: taken[-1].place + 1])
    pictures = {f"[{' '.join(unescape(alt).split())}]" for alt in _ALT.findall(html)}
    lines = list(_lines(text, pictures, spans[-1].end))
    return "\n\n".join(_part(lines, span) for span in spans)


def _spans(blocks: Sequence[Block], taken: Sequence[_Taken]) -> list[_Span]:
    """Which letters of a post its excerpt shows, in runs as long as possible."""
    found: list[_Span] = []
    start = reached = 0
    for one in taken:
        start += sum(block.letters for block in blocks[reached : one.place])
        reached = one.place
        end = start + one.block.letters
        if found and found[-1].end == start:
            found[-1] = _Span(found[-1].start, end)
        elif end > start:
            found.append(_Span(start, end))
    return found


def _lines(text: str, pictures: set[str], end: int) -> Iterator[tuple[str, _Span]]:
    """The lines of a text with the letters they have, up to the letter `end`. Alternative texts, which stand where
    there are only pictures, are no letters of the HTML."""
    at = 0
    # What is read has fewer lines than characters, and none that is longer with its alternative texts and indents.
    for line in (line[: 2 * _MOST_READ] for line in text.split("\n", _MOST_READ)):
        if at >= end:
            break
        size = count_letters(_without(pictures, line))
        yield line, _Span(at, at + size)
        at += size


def _part(lines: Sequence[tuple[str, _Span]], shown: _Span) -> str:
    """The lines that have letters of `shown`, and those without any between them."""
    said = [
        _shown_of(line, span, shown)
        for line, span in lines
        if span.start < shown.end and (span.end > shown.start or span.start == span.end >= shown.start)
    ]
    return "\n".join(said).strip("\n")


def _shown_of(line: str, span: _Span, shown: _Span) -> str:
    """What of a line has letters of `shown`; `span` are those of the line."""
    end = line if span.end <= shown.end else _up_to(line, shown.end - span.start)
    return end if span.start >= shown.start else end[len(_up_to(line, shown.start - span.start)) :].lstrip()


def _up_to(line: str, letters: int) -> str:
    """`line` as far as so many letters go, with the marks that end them."""
    place = 0
    while letters:
        letters -= line[place].isalnum()
        place += 1
    while place < len(line) and not line[place].isalnum() and category(line[place]) not in {"Zs", "Cc", "Ps", "Pi"}:
        place += 1
    return line[:place]


def _without(pictures: set[str], line: str) -> str:
    if "[" in line:
        for picture in pictures:
            line = line.replace(picture, "")
    return line
