"""The text of clean HTML, laid out as paragraphs. Pure."""

from __future__ import annotations

import re
from html import unescape

# Only ever applied to what posts/clean.py wrote: every tag is whole and in small letters, attributes stand in double
# quotes, and < > & are escaped wherever they mean themselves. So there is nothing to guess, and html.parser, which is
# made for guessing, took five times as long.
_TAG = re.compile(r"<(/?[a-z][a-z0-9]*+)([^<>]*+)>")
_ATTRIBUTE = re.compile(r'\s([^\s=<>"]+)="([^"<>]*)"')

_BLOCKS = frozenset(
    "p div section article aside header footer address blockquote figure figcaption details summary pre hr table "
    "caption thead tbody tfoot tr ul ol li dl dt dd h1 h2 h3 h4 h5 h6".split()
)
_BLOCK_EDGES = _BLOCKS | {f"/{tag}" for tag in _BLOCKS}
_COUNTED = frozenset({"ul", "/ul", "ol", "/ol", "li", "/li", "pre", "/pre"})
_CELLS = frozenset({"td", "th"})
# What leaves no trace: half of all tags are links and emphasis.
_INLINE = re.compile(rf"<(?!/?(?:{'|'.join(sorted(_BLOCKS | _CELLS))}|br|img)(?![a-z0-9]))/?[a-z][^<>]*+>")
_SPACES = re.compile("  +")
# Between two paragraphs, as most blocks are, one edge says it all.
_SEAM = re.compile(r"</p>\s*+<p(?: [^<>]*+)?>")


def visible_text(html: str) -> str:
    """What a reader sees of clean HTML: blocks parted by a blank line, list items one a line behind "- ".

    Words of neighbouring blocks are never joined. Line breaks of <br> and <pre> stay, other white space collapses. A
    picture shows only where its block has nothing else, as its alternative text in brackets. Never raises.
    """
    # This reference is white space and has to be known as such at once; the others can wait until the tags are gone.
    text = _INLINE.sub("", html.replace("&nbsp;", "\xa0"))
    words, *tags = _TAG.split(_SEAM.sub("</p>", text))
    layout = _Layout()
    layout.add_words(words)
    for tag, attributes, words in zip(tags[::3], tags[1::3], tags[2::3], strict=True):
        layout.add_tag(tag, attributes)
        if words:
            layout.add_words(words)
    return unescape(layout.text())


class _Layout:
    """The lines of a text as they come out of its tags and words, one after the other."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._after_item = False
        self._block: list[str] = []
        self._pictures: list[str] = []
        self._depth = 0
        self._item = False
        self._pre = 0

    def text(self) -> str:
        self._end_block()
        return "".join(self._lines)

    def add_tag(self, tag: str, attributes: str) -> None:
        if tag in _BLOCK_EDGES:
            if self._block or self._pictures:
                self._end_block()
            if tag in _COUNTED:
                self._enter_or_leave(tag)
        elif tag == "br":
            self._block.append("\n")
        elif tag == "img":
            self._pictures.append(" ".join(dict(_ATTRIBUTE.findall(attributes)).get("alt", "").split()))
        elif tag in _CELLS and _has_words(self._block):
            self._block.append(" | ")

    def add_words(self, words: str) -> None:
        if self._pre:
            self._block.append(words)
        elif words and (self._block or not words.isspace()):  # what parts two blocks begins neither
            self._block.append(words.replace("\n", " "))

    def _enter_or_leave(self, block: str) -> None:
        match block:
            case "ul" | "ol":
                self._depth += 1
            case "/ul" | "/ol":
                self._depth = max(self._depth - 1, 0)
            case "li":
                self._item = True
            case "/li":
                self._item = False
            case "pre":
                self._pre += 1
            case "/pre":
                self._pre = max(self._pre - 1, 0)

    def _end_block(self) -> None:
        if not self._block and not self._pictures:
            return
        text = _kept("".join(self._block)) if self._pre else _collapsed("".join(self._block))
        if not text:
            text = " ".join(f"[{alt}]" for alt in self._pictures if alt)
        self._block.clear()
        self._pictures.clear()
        if not text:
            return
        indent = "  " * max(self._depth - 1, 0)
        if self._lines:
            self._lines.append("\n" if self._item and self._after_item else "\n\n")
        self._lines.append(f"{indent}- {text}" if self._item else text)
        self._after_item = self._item or (self._after_item and self._depth > 0)
        self._item = False


def _has_words(pieces: list[str]) -> bool:
    return any(piece.strip() for piece in pieces)


def _kept(text: str) -> str:
    return text.strip("\r\n").rstrip()


def _collapsed(text: str) -> str:
    """Lines end only where a <br> put a line break: those of the source were made spaces before."""
    spaced = text.replace("\t", " ").replace("\r", " ").replace("\f", " ")
    # Looking first costs a tenth of a substitution that finds nothing, and most blocks have nothing to find.
    even = _SPACES.sub(" ", spaced) if "  " in spaced else spaced
    if "\n" not in even:
        return even.strip()
    return "\n".join(line.strip() for line in even.split("\n")).strip()
