"""The text of clean HTML, laid out as paragraphs. Pure."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser

_BLOCKS = frozenset(
    "p div section article aside header footer address blockquote figure figcaption details summary pre hr table "
    "caption thead tbody tfoot tr ul ol li dl dt dd h1 h2 h3 h4 h5 h6 body html".split()
)
_CELLS = frozenset({"td", "th"})
_LISTS = frozenset({"ul", "ol"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})
_SPACES = re.compile(r"[ \t\n\r\f]+")


def visible_text(html: str) -> str:
    """What a reader sees of clean HTML: blocks parted by a blank line, list items one a line behind "- ".

    Words of neighbouring blocks are never joined. Line breaks of <br> and <pre> stay, other white space collapses. A
    picture shows only where its block has nothing else, as its alternative text in brackets. Never raises.
    """
    reader = _Reader()
    # The standard library's parser still asserts on some malformed declarations, which clean HTML has none of.
    with contextlib.suppress(AssertionError):
        reader.feed(html)
        reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._after_item = False
        self._block: list[str] = []
        self._pictures: list[str] = []
        self._depth = 0
        self._item = False
        self._pre = 0
        self._unseen = 0

    def text(self) -> str:
        self._end_block()
        return "".join(self._lines)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._end_block()
        if tag in _LISTS:
            self._depth += 1
        elif tag == "li":
            self._item = True
        elif tag == "br":
            self._block.append("\n")
        elif tag == "img":
            self._pictures.append(" ".join((dict(attrs).get("alt") or "").split()))
        elif tag == "pre":
            self._pre += 1
        elif tag in _CELLS and _has_words(self._block):
            self._block.append(" | ")
        elif tag in _UNSEEN:
            self._unseen += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_block()
        if tag in _LISTS:
            self._depth = max(self._depth - 1, 0)
        elif tag == "li":
            self._item = False
        elif tag == "pre":
            self._pre = max(self._pre - 1, 0)
        elif tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._block.append(data if self._pre else _SPACES.sub(" ", data))

    def _end_block(self) -> None:
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
    return "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n")).strip()
