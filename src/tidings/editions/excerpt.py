"""The beginning of a post, cut only between whole blocks: never half a sentence, list or table. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

_ENOUGH = 500  # characters of visible text after which no further block is begun
_TOO_MUCH = 1400  # a block is taken only if the excerpt stays below this, unless it is the first
_DEEPEST = 12  # wrappers inside one another that are looked through; hostile posts nest thousands
_WRAPPERS = frozenset({"div", "article", "section", "main", "span"})
_BLOCKS = frozenset(
    "p div article section main h1 h2 h3 h4 h5 h6 ul ol dl table pre blockquote figure hr aside header footer address "
    "details figcaption".split()
)
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
_LEADING = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "hr"})
# Clean HTML has no bare < or > outside its tags; that no tag runs past one keeps these linear on any input.
_TAG = re.compile(r"<[^<>]*+>")
_OUTER = re.compile(r"^\s*<[^<>]*+>|</[^<>]*+>\s*$")
_ALT = re.compile(r'<img\b[^<>]*\balt="([^"<>]*+)"')


@dataclass(frozen=True, slots=True)
class Block:
    """A top-level piece of a post: its tag ("" for loose text), its mark-up, and how many characters a reader sees.
    One that shows nothing still parts its neighbours."""

    tag: str
    html: str
    size: int

    @property
    def is_seen(self) -> bool:
        return self.size > 0 or "<img" in self.html

    @property
    def leads_on(self) -> bool:
        """Whether it is only there for what follows it."""
        return self.tag in _LEADING or not self.is_seen


def excerpt_html(html: str) -> tuple[str, bool]:
    """The leading blocks of clean HTML, and whether they are all of it. The first block with text is always taken
    whole; a heading is not taken without what follows it."""
    blocks = top_blocks(html)
    taken: list[Block] = []
    size, has_text = 0, False
    for block in blocks:
        if has_text and (size >= _ENOUGH or size + block.size > _TOO_MUCH):
            break
        taken.append(block)
        size += block.size
        has_text = has_text or (block.tag not in _LEADING and bool(_letters(_text(block.html))))
    if len(taken) == len(blocks):
        return html, True
    while taken[-1].leads_on:
        taken.pop()
    return "".join(block.html for block in taken), False


def excerpt_text(text: str, html: str) -> str:
    """The leading paragraphs of `text` (a whole post, paragraphs parted by blank lines) that say what `html`, an
    excerpt of the same post, says."""
    wanted = len(_letters(_text(html)))
    pictures = {f"[{' '.join(unescape(alt).split())}]" for alt in _ALT.findall(html)}
    taken: list[str] = []
    for paragraph in text.split("\n\n"):
        if wanted <= 0:
            break
        taken.append(paragraph)
        wanted -= len(_letters(_without(pictures, paragraph)))
    return "\n\n".join(taken)


def top_blocks(html: str) -> list[Block]:
    """The top-level blocks of clean HTML. Wrappers are looked through when they hold everything, or more than fits."""
    return _top_blocks(html, _DEEPEST)


def _top_blocks(html: str, deepest: int) -> list[Block]:
    blocks = _Splitter(html).blocks()
    if not deepest:
        return blocks
    alone = sum(block.is_seen for block in blocks) == 1
    found: list[Block] = []
    for block in blocks:
        opened = block.tag in _WRAPPERS and (alone or block.size > _TOO_MUCH)
        found += _top_blocks(_OUTER.sub("", block.html), deepest - 1) if opened else [block]
    return found


class _Splitter(HTMLParser):
    """Finds where the top-level blocks of well-formed HTML begin and end. Loose text between them is cut at double
    line breaks, as old Blogger posts have them for paragraphs."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self._html = html
        self._lines = [0]
        for line in html.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._open: list[str] = []
        self._cuts: list[tuple[int, str]] = [(0, "")]
        self._after_break = -1
        self._top = 0
        self._holds_block = False
        self.feed(html)
        self.close()

    def blocks(self) -> list[Block]:
        ends = [position for position, _ in self._cuts[1:]] + [len(self._html)]
        found = []
        for (start, tag), end in zip(self._cuts, ends, strict=True):
            piece = self._html[start:end]
            if piece.strip():
                found.append(Block(tag, piece, _size(piece)))
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        start = self._position()
        end = start + len(self.get_starttag_text() or "")
        if self._open:
            self._holds_block |= tag in _BLOCKS
        else:
            self._top, self._holds_block = start, False
            self._cut_before(tag, start, end)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open and self._open.pop() != tag:
            pass
        if self._open:
            return
        if tag not in _BLOCKS and self._holds_block:
            self._cuts.append((self._top, tag))
        if tag in _BLOCKS or self._holds_block:
            self._cuts.append((self._html.find(">", self._position()) + 1, ""))

    def _cut_before(self, tag: str, start: int, end: int) -> None:
        if tag in _BLOCKS:
            self._cuts.append((start, tag))
            if tag in _VOID:
                self._cuts.append((end, ""))
        elif tag == "br":
            if self._after_break >= 0 and not self._html[self._after_break : start].strip():
                self._cuts.append((start, ""))
            self._after_break = end

    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _without(pictures: set[str], paragraph: str) -> str:
    """`paragraph` without the alternative texts that stand where there are only pictures."""
    for picture in pictures:
        paragraph = paragraph.replace(picture, "")
    return paragraph


def _letters(text: str) -> str:
    """What both renderings have in common: letters and digits, without marks, blanks and bullets."""
    return "".join(character for character in text if character.isalnum())


def _text(html: str) -> str:
    return unescape(_TAG.sub("", html))


def _size(html: str) -> int:
    return len(" ".join(_text(html).split()))
