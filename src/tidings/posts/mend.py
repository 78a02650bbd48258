"""Repairs of the XML errors that feeds make most and that lose nothing, so that a strict reader can read on. Pure.

A document that is well-formed after this was complete. One cut off, or with its tags mixed up, stays ill-formed.
"""

from __future__ import annotations

import re
from html.entities import name2codepoint

_CDATA = re.compile(r"(<!\[CDATA\[.*?(?:\]\]>|\Z))", re.DOTALL)
_NAMESPACE = re.compile(r"""(xmlns(?::[\w.-]++)?\s*+=\s*+)(["'])([^"'<>]*+)\2""")
_DECLARED = re.compile(r"xmlns:([\w.-]+)\s*=")
_USED = re.compile(r"(?:</?|\s)([A-Za-z_][\w.-]*):[A-Za-z_][\w.-]*(?=[\s/>=])")
_ROOT_NAME = re.compile(r"<[\w.:-]+")
_AMPERSAND = re.compile(r"&(?:#(\d{1,7}|[xX][0-9A-Fa-f]{1,6});|([A-Za-z][A-Za-z0-9]*);)?")

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


def mend(text: str, entities: frozenset[str]) -> str:
    """`text`, which starts with its root element, with its namespaces declared and its stray ampersands escaped.

    `entities` are the names that may be referred to.
    """
    return _declare_prefixes(_NAMESPACE.sub(_without_spaces, _escape_ampersands(text, entities)))


def html_entities(text: str) -> dict[str, str]:
    """The HTML entities that a text refers to, as XML character references; XML's own five aside."""
    names = {name for _code, name in _AMPERSAND.findall(text)} - {"amp", "lt", "gt", "quot", "apos", ""}
    return {name: f"&#{name2codepoint[name]};" for name in sorted(names) if name in name2codepoint}


def _escape_ampersands(text: str, entities: frozenset[str]) -> str:
    known = entities | {"amp", "lt", "gt", "quot", "apos"}

    def escaped(reference: re.Match[str]) -> str:
        code, name = reference.groups()
        if code:
            return reference[0] if _is_xml(int(code[1:], 16) if code[0] in "xX" else int(code)) else ""
        return reference[0] if name in known else "&amp;" + reference[0][1:]

    parts = _CDATA.split(text)
    return "".join(_AMPERSAND.sub(escaped, part) if number % 2 == 0 else part for number, part in enumerate(parts))


def _is_xml(code: int) -> bool:
    """Whether XML 1.0 section 2.2 has the character."""
    return code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF


def _without_spaces(declaration: re.Match[str]) -> str:
    """expat refuses white space in a namespace name, which other readers accept."""
    return declaration[1] + declaration[2] + "".join(declaration[3].split()) + declaration[2]


def _declare_prefixes(text: str) -> str:
    missing = sorted(set(_USED.findall(text)) - set(_DECLARED.findall(text)) - {"xml", "xmlns"})[:_MOST_PREFIXES]
    declared = "".join(f' xmlns:{prefix}="{_NAMESPACES.get(prefix, "urn:undeclared:" + prefix)}"' for prefix in missing)
    return _ROOT_NAME.sub(lambda root: root[0] + declared, text, count=1) if missing else text
