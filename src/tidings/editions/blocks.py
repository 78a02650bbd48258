"""The top-level blocks of a post: paragraphs, lists, tables, pictures. Clean HTML in, whole blocks out. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser

VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())
"""Elements that have no end tag."""

_DEEPEST = 12  # wrappers inside one another that are looked through; hostile posts nest thousands
_WRAPPERS = frozenset({"div", "article", "section", "main", "span"})
_BLOCKS = frozenset(
    "p div article section main h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table pre blockquote figure hr aside header footer "
    "address details figcaption".split()
)
_LEADING = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "hr"})
# Clean HTML has no bare < or > outside its tags; that no tag runs past one keeps these linear on any input.
_TAG = re.compile(r"<[^<>]*+>")
_OUTER = re.compile(r"^\s*<[^<>]*+>|</[^<>]*+>\s*$")


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

    @property
    def text(self) -> str:
        """What a reader sees of it, without any layout."""
        return _text(self.html)

    @property
    def letters(self) -> int:
        """How many letters and digits it has: what its mark-up and its text have in common, whatever the layout."""
        return count_letters(self.text)

    @property
    def inside(self) -> str:
        """Its mark-up without its own tags."""
        return _OUTER.sub("", self.html)


def block_of(tag: str, html: str) -> Block:
    """The block that `html` is."""
    return Block(tag, html, len(" ".join(_text(html).split())))


def count_letters(text: str) -> int:
    """How many letters and digits there are in `text`, without marks, blanks and bullets."""
    return sum(map(str.isalnum, text))


def top_blocks(html: str, fits: int) -> list[Block]:
    """The top-level blocks of clean HTML. Wrappers are looked through when they hold everything, or more characters
    than `fits`."""
    return _top_blocks(html, fits, _DEEPEST)


def _top_blocks(html: str, fits: int, deepest: int) -> list[Block]:
    blocks = _Splitter(html).blocks()
    if not deepest:
        return blocks
    alone = sum(block.is_seen for block in blocks) == 1
    found: list[Block] = []
    for block in blocks:
        opened = block.tag in _WRAPPERS and (alone or block.size > fits)
        found += _top_blocks(block.inside, fits, deepest - 1) if opened else [block]
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
                found.append(block_of(tag, piece))
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        start = self._position()
        end = start + len(self.get_starttag_text() or "")
        if self._open:
            self._holds_block |= tag in _BLOCKS
        else:
            self._top, self._holds_block = start, False
            self._cut_before(tag, start, end)
        if tag not in VOID:
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
            if tag in VOID:
                self._cuts.append((end, ""))
        elif tag == "br":
            if self._after_break >= 0 and not self._html[self._after_break : start].strip():
                self._cuts.append((start, ""))
            self._after_break = end

    def _position(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _text(html: str) -> str:
    return unescape(_TAG.sub("", html))
