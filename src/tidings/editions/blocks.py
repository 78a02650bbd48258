"""The top-level blocks of a post: paragraphs, lists, tables, pictures. Clean HTML in, whole blocks out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

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
_MARK = re.compile(r"<(/?)([a-z][a-z0-9]*+)[^<>]*+>")
_NAME = re.compile(r"<(/?)([a-z][a-z0-9]*+)")
_LONGEST_ENTITY = 40
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


def beginning(html: str, most: int) -> str:
    """The first `most` characters of clean HTML, or a few less, with an end for every element that is open there. HTML
    that is no longer comes as it is."""
    if len(html) <= most:
        return html
    tag, entity = html.rfind("<", 0, most), html.rfind("&", max(most - _LONGEST_ENTITY, 0), most)
    if html.rfind(">", 0, most) < tag:
        return closed(html[:tag])
    return closed(html[: most if entity < 0 or ";" in html[entity:most] else entity])


def closed(html: str) -> str:
    """`html` with an end for every element that is open in it."""
    opened: list[str] = []
    for end, tag in _NAME.findall(html):
        if not end and tag not in VOID:
            opened.append(tag)
        elif end and opened:
            opened.pop()
    return html + "".join(f"</{tag}>" for tag in reversed(opened))


def top_blocks(html: str, fits: int) -> list[Block]:
    """The top-level blocks of clean HTML. Wrappers are looked through when they hold everything, or more characters
    than `fits`."""
    return _blocks_in(html, _read(html), fits, _DEEPEST)


def _blocks_in(html: str, around: _Element, fits: int, deepest: int) -> list[Block]:
    pieces = [
        (element, block_of(element.tag if element else "", html[start:end]))
        for start, end, element in _pieces(html, around)
        if html[start:end].strip()
    ]
    alone = sum(block.is_seen for _, block in pieces) == 1
    found: list[Block] = []
    for element, block in pieces:
        if deepest and element and element.tag in _WRAPPERS and (alone or block.size > fits):
            found += _blocks_in(html, element, fits, deepest - 1)
        else:
            found.append(block)
    return found


def _pieces(html: str, around: _Element) -> Iterator[tuple[int, int, _Element | None]]:
    """Where the blocks directly in an element begin and end, and the loose text between them. That is cut at double
    line breaks, as old Blogger posts have them for paragraphs."""
    start, after_break = around.inside, -1
    for child in around.children:
        if child.tag in _BLOCKS or child.holds_block:
            yield start, child.start, None
            yield child.start, child.end, child
            start = child.end
        elif child.tag == "br":
            if after_break >= 0 and not html[after_break : child.start].strip():
                yield start, child.start, None
                start = child.start
            after_break = child.end
    yield start, around.outside, None


class _Element:
    """One element by its offsets: where its tag starts, its content begins and stops, and its end tag ends."""

    __slots__ = ("children", "end", "holds_block", "inside", "outside", "start", "tag")

    def __init__(self, tag: str, start: int, inside: int, end: int) -> None:
        self.tag = tag
        self.start = start
        self.inside = inside
        self.outside = self.end = end
        self.holds_block = False
        self.children: list[_Element] = []


def _read(html: str) -> _Element:
    """The elements of clean HTML, in one around everything. One without an end tag goes on to the end."""
    root = _Element("", 0, 0, len(html))
    opened = [root]
    for mark in _MARK.finditer(html):
        tag = mark[2]
        if mark[1]:
            _close(opened, tag, mark)
        elif tag in VOID:
            opened[-1].children.append(_Element(tag, mark.start(), mark.end(), mark.end()))
            opened[-1].holds_block |= tag in _BLOCKS
        else:
            element = _Element(tag, mark.start(), mark.end(), len(html))
            opened[-1].children.append(element)
            opened.append(element)
    while len(opened) > 1:
        _leave(opened)
    return root


def _close(opened: list[_Element], tag: str, mark: re.Match[str]) -> None:
    """Ends the innermost element with this tag, and what is open in it. An end tag of nothing is passed over."""
    if not any(element.tag == tag for element in reversed(opened)):
        return
    while opened[-1].tag != tag:
        _leave(opened)
    opened[-1].outside, opened[-1].end = mark.span()
    _leave(opened)


def _leave(opened: list[_Element]) -> None:
    element = opened.pop()
    opened[-1].holds_block |= element.holds_block or element.tag in _BLOCKS


def _text(html: str) -> str:
    return unescape(_TAG.sub("", html))
