"""How feedparser takes in the text of an element, done again: as it does, without what costs time or harms the text.

Left out are copies of what is not shared, a table looked into for each letter that is not ASCII, and mending of doubly
encoded text where there is no sign of it: that made one Chinese letter of the end of "Santé »". Only posts/readers.py
uses this.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from typing import Any
from xml.sax import saxutils

from feedparser.mixin import _FeedParserMixin

_Pieces = list[str]

_LABELS = frozenset({"category", "tags", "itunes_keywords"})
"""Elements whose text feedparser's own handlers store."""

_MISTAKEN_REFERENCE = re.compile("&([A-Za-z0-9_]+);")
# Controls that no text has: what a wrong label made of signs of windows-1252, or of the bytes of UTF-8.
_CONTROL = re.compile("[\x80-\x9f]")
# What UTF-8 read as Latin-1 shows: such controls, or two signs for each letter of western Europe ("Ã©"). One set comes
# first, since a search for that is ten times as fast; and all of it has a letter that begins so in UTF-8, the search
# for which takes next to nothing.
_LEAD = b"\xc2"
_MISREAD = re.compile("[\x80-\x9f\xc2\xc3](?:(?<=[\x80-\x9f])|[\xa0-\xbf])")


class Collected(_FeedParserMixin):  # type: ignore[misc]
    """feedparser's handlers with a `handle_data` and a `pop` of our own: text, and the end of the element it is of."""

    def handle_data(self, text: str, escape: int = 1) -> None:
        """A piece of text of the element begun last; in XHTML it is made mark-up again."""
        if self.elementstack:
            in_xhtml = escape and dict.get(self.contentparams, "type") == "application/xhtml+xml"
            self.elementstack[-1][2].append(saxutils.escape(text) if in_xhtml else text)

    def pop(self, element: str, strip_whitespace: int = 1) -> str | None:
        """The text of the element that ends, stored where it belongs; None if another one was begun last."""
        if not self.elementstack or self.elementstack[-1][0] != element:
            return None
        _, expected, collected = self.elementstack.pop()
        pieces = [piece.decode("utf-8") if isinstance(piece, bytes) else piece for piece in collected]
        if self.version == "atom10" and self.contentparams.get("type", "text") == "application/xhtml+xml":
            pieces = _without_div(pieces)
        text = "".join(pieces)
        if strip_whitespace:
            text = text.strip()
        if not expected:
            return text
        text = _reread(self._as_meant(element, text))
        if element in _LABELS or (element == "title" and -1 < self.title_depth <= self.depth):
            return text
        if self.inentry and not self.insource:
            return self._keep_in_entry(element, text)
        if self.infeed or self.insource:
            return self._keep_in_feed(element, text)
        return text

    def _as_meant(self, element: str, text: str) -> str:
        """The text decoded, its type guessed where that is the reader's business (RSS)."""
        params = self.contentparams
        packed = dict.get(params, "base64", 0)
        if packed:
            text = _unpacked(text)
        if text and element in self.can_be_relative_uri:
            text = self.resolve_uri(text)
        if not packed:
            text = self.decode_entities(element, text)
        if dict.get(params, "type") == "text/plain" and not self.version.startswith("atom") and self._is_html(text):
            params["type"] = "text/html"
        dict.pop(params, "mode", None)
        dict.pop(params, "base64", None)
        return text

    def _is_html(self, text: str) -> bool:
        return ("</" in text or "&" in text) and bool(self.looks_like_html(text))

    def _keep_in_entry(self, element: str, text: str) -> str:
        entry = self.entries[-1]
        if element == "content":
            if not dict.__contains__(entry, element):
                entry[element] = []
            dict.__getitem__(entry, element).append({**self.contentparams, "value": text})
        elif element == "link":
            return self._keep_link(entry, text)
        else:
            self._keep_text(entry, "summary" if element == "description" else element, text)
        return text

    def _keep_link(self, entry: Any, text: str) -> str:
        if self.inimage:
            return text
        text = _MISTAKEN_REFERENCE.sub(r"&\g<1>", text.replace("&amp;", "&"))
        entry["link"] = text
        if text:
            entry["links"][-1]["href"] = text
        return text

    def _keep_text(self, entry: Any, element: str, text: str) -> None:
        """Of two elements of one name the outer one counts, else the later."""
        depths = self.property_depth_map.setdefault(id(entry), {})
        if self.depth <= depths.get(element, self.depth):
            depths[element] = self.depth
            entry[element] = text
        if self.incontent:
            entry[element + "_detail"] = {**self.contentparams, "value": text}

    def _keep_in_feed(self, element: str, text: str) -> str:
        context = self._get_context()
        if element == "description":
            element = "subtitle"
        context[element] = text
        if element == "link":
            text = _MISTAKEN_REFERENCE.sub(r"&\g<1>", text)
            context[element] = text
            context["links"][-1]["href"] = text
        elif self.incontent:
            context[element + "_detail"] = {**self.contentparams, "value": text}
        return text


def _reread(text: str) -> str:
    """The text as it was before somebody took its UTF-8 for Latin-1, or its windows-1252 for Latin-1."""
    if text.isascii() or _LEAD not in text.encode("utf-8", "surrogatepass") or not _MISREAD.search(text):
        return text
    with contextlib.suppress(UnicodeError):
        text = text.encode("latin-1").decode("utf-8")
    return _CONTROL.sub(_sign, text)


def _sign(control: re.Match[str]) -> str:
    """What windows-1252 has at that place; five places of it are empty."""
    return control[0].encode("latin-1").decode("cp1252", "ignore") or control[0]


def _unpacked(text: str) -> str:
    try:
        return base64.decodebytes(text.encode("utf-8")).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return text


def _without_div(pieces: _Pieces) -> _Pieces:
    """XHTML content without the one `<div>` around all of it (RFC 4287 section 3.1.1.3)."""
    filled = [index for index, piece in enumerate(pieces) if piece.strip()]
    if not filled:
        return pieces[-1:]
    pieces = pieces[filled[0] : filled[-1] + 1]
    if not (pieces[0] == "<div>" or pieces[0].startswith("<div ")) or pieces[-1] != "</div>":
        return pieces
    return pieces[1:-1] if _holds_all(pieces[:-1]) else pieces


def _holds_all(pieces: _Pieces) -> bool:
    """Whether the element that the first piece begins is not ended by any of the pieces."""
    depth = 0
    for piece in pieces:
        if piece.startswith("</"):
            depth -= 1
            if depth == 0:
                return False
        elif piece.startswith("<") and not piece.endswith("/>"):
            depth += 1
    return True
