"""Repairs of the XML errors that feeds make most and that lose nothing, so that a strict reader can read on. Pure.

A document that is well-formed after this was complete. One cut off, or with its tags mixed up, stays ill-formed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import name2codepoint

_NAMESPACE = re.compile(r"""(xmlns(?::[\w.-]++)?\s*+=\s*+)(["'])([^"'<>]*+)\2""")
_DECLARED = re.compile(r"xmlns:([\w.-]+)\s*=")
_USED = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_][\w.-]*(?=[\s/>=])")
_ROOT_NAME = re.compile(r"<[\w.:-]+")
_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][\w.-]*+);")
_AMPERSAND = re.compile(r"&(?:#(\d{1,7}|[xX][0-9A-Fa-f]{1,6});|([A-Za-z][\w.-]*+);)?")

_NAMESPACES = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "wfw": "http://wellformedweb.org/CommentAPI/",
}
_MOST_PREFIXES = 50
_MOST_NAMES = 1_000
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_PIECE = 256 * 1024  # characters mended at once: the list of a long text's ampersands alone would fill the memory


def mend(head: str, text: str, start: int, entities: frozenset[str]) -> Iterator[str]:
    """`head`, then `text` from its root element at `start`, with its namespaces declared and its stray ampersands
    escaped. In pieces, so that no copy of a large document is made.

    `entities` are the names that may be referred to.
    """
    known = entities | _XML_ENTITIES
    declarations = _missing_declarations(text)
    root = _ROOT_NAME.match(text, start)
    yield head
    if root:
        yield root[0] + declarations
    for mark_up, piece in _pieces(text, root.end() if root else start):
        yield _mend_piece(piece, known) if mark_up else piece


def entities_in(text: str, own: dict[str, str]) -> dict[str, str]:
    """The entities a text refers to: HTML's, as XML character references, and those of its `own`. Not XML's five."""
    values = {name: f"&#{code};" for name, code in name2codepoint.items()} | own
    names = {name for found in _REFERENCE.finditer(text) if (name := found[1]) in values}
    return {name: values[name] for name in sorted(names)}


def _pieces(text: str, start: int) -> Iterator[tuple[bool, str]]:
    """The pieces of a text, each with whether it is mark-up, not CDATA."""
    while start < len(text):
        opened = text.find("<![CDATA[", start)
        end = opened if opened >= 0 else len(text)
        while start < end:
            cut = _cut(text, start, end)
            yield True, text[start:cut]
            start = cut
        if opened >= 0:
            closed = text.find("]]>", opened)
            start = closed + 3 if closed >= 0 else len(text)
            yield False, text[opened:start]


def _cut(text: str, start: int, end: int) -> int:
    """Where a piece that begins at `start` ends: no tag or reference is divided that is shorter than a piece."""
    if end - start <= _PIECE:
        return end
    places = (text.rfind(mark, start + 1, start + _PIECE) for mark in "< \n")
    return next((place for place in places if place > 0), start + _PIECE)


def _mend_piece(piece: str, known: frozenset[str]) -> str:
    def escaped(reference: re.Match[str]) -> str:
        code, name = reference.groups()
        if code:
            return reference[0] if _is_xml(int(code[1:], 16) if code[0] in "xX" else int(code)) else ""
        return reference[0] if name in known else "&amp;" + reference[0][1:]

    return _NAMESPACE.sub(_without_spaces, _AMPERSAND.sub(escaped, piece))


def _is_xml(code: int) -> bool:
    """Whether XML 1.0 section 2.2 has the character."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def _without_spaces(declaration: re.Match[str]) -> str:
    """expat refuses white space in a namespace name, which other readers accept."""
    return declaration[1] + declaration[2] + "".join(declaration[3].split()) + declaration[2]


def _missing_declarations(text: str) -> str:
    declared = _distinct(_DECLARED, text) | {"xml", "xmlns"}
    missing = sorted(_distinct(_USED, text) - declared)[:_MOST_PREFIXES]
    return "".join(f' xmlns:{prefix}="{_NAMESPACES.get(prefix, "urn:undeclared:" + prefix)}"' for prefix in missing)


def _distinct(prefix: re.Pattern[str], text: str) -> set[str]:
    found: set[str] = set()
    for use in prefix.finditer(text):
        found.add(use[1])
        if len(found) > _MOST_NAMES:
            break
    return found
