"""What kind of document a text is, by its first element; and how to tell the operator that it is not a feed. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidings.model import Failed

# What may stand before the first element (XML 1.0 section 2.8), in any order and number.
_PROLOGUE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[<>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)(?=[\s/>])")
_FEED_ROOT = re.compile(r"<(?:[\w.-]+:)?(rss|feed|rdf|channel)(?=[\s>])", re.IGNORECASE)
_ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z][\w.-]*)\s+["']([^"'&%<>]{0,16})["']\s*>""")

_FEEDS = frozenset({"rss", "feed", "rdf", "channel", "entry"})
_PAGES = frozenset({"html", "head", "body", "title", "meta"})
# PHP warnings and the like that a broken site puts before its feed.
_LONGEST_JUNK = 8192

_OTHERS = {
    "opml": "It is an OPML list of feeds: add those in it as sources of their own.",
    "urlset": "It is a sitemap, not a feed.",
    "sitemapindex": "It is a sitemap, not a feed.",
    "xsl": "It is a stylesheet, not a feed.",
    "stylesheet": "It is a stylesheet, not a feed.",
    "svg": "It is a picture, not a feed.",
}


@dataclass(frozen=True, slots=True)
class Root:
    """The first element: its lower-case local name, where it starts, and the entities declared before it."""

    name: str
    start: int
    entities: tuple[tuple[str, str], ...] = ()


def find_root(text: str) -> Root | None:
    """The first element of a document, whatever stands before it; None for a text without any.

    Junk before a feed is skipped, unless it looks like a web page that merely mentions one.
    """
    start = 0
    while part := _PROLOGUE.match(text, start):
        start = part.end()
    element = _ELEMENT.match(text, start)
    name = element.group(1).lower() if element else ""
    if name not in _FEEDS | _PAGES | _OTHERS.keys():
        later = _FEED_ROOT.search(text, start, start + _LONGEST_JUNK)
        if later and not _is_page(text[start : later.start()]):
            return Root(later.group(1).lower(), later.start())
    if not name:
        return None
    return Root(name, start, tuple(_ENTITY.findall(text, 0, start)))


def is_feed(root: Root) -> bool:
    """Whether the element can hold a feed: RSS, Atom, RDF, CDF, or a lone Atom entry."""
    return root.name in _FEEDS


def refuse(root: Root | None, url: str) -> Failed:
    """Why a document without a feed in it is refused, and what the operator can do."""
    if root is None:
        return Failed("not-a-feed", "The address answers with text or other data, not with a feed. Check its URL.")
    if is_feed(root):
        message = f"It begins like a feed, with <{root.name}>, but no post can be read from it: it may be cut off."
        return Failed("parse", message)
    if root.name in _PAGES:
        message = f'{url} is a web page, not a feed. Its source names its feed in a <link rel="alternate">: use that.'
    else:
        message = _OTHERS.get(root.name, f"It is XML, but not a feed: its first element is <{root.name[:40]}>.")
    return Failed("not-a-feed", message)


def _is_page(junk: str) -> bool:
    return re.search(r"<(?:!doctype\s+html|html|head|body)\b", junk, re.IGNORECASE) is not None
