"""What kind of document a text is, by its first element; and how to tell the operator that it is not a feed. Pure."""

from __future__ import annotations

import html
import re
import shlex

from tidings.model import Failed
from tidings.posts.links import resolve
from tidings.records import dataclass

# What may stand before the first element (XML 1.0 section 2.8), in any order and number.
_PROLOGUE = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[<>]*(?:\[.*?\]\s*)?>", re.DOTALL | re.IGNORECASE)
_ELEMENT = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)(?=[\s/>])")
_FEED_ROOT = re.compile(r"<(?:[\w.-]+:)?(rss|feed|rdf|channel)(?=[\s>])", re.IGNORECASE)
_ENTITY = re.compile(r"""<!ENTITY\s+([A-Za-z][\w.-]*)\s+["']([^"'&%<>]{0,16})["']\s*>""")

# A page's announcement of its feed (https://www.rssboard.org/rss-autodiscovery). Only a glance, for a message: the
# whole reading is in sources/discovery.py. The bounds keep the time in proportion to the text.
_LINK = re.compile(r"<link\s([^<>]{1,2000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|type|href)\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:(?:rss|atom|rdf)\+xml|feed\+json)\b", re.IGNORECASE)
_HEAD = 100_000  # characters of a page in which its feed is looked for

_FEEDS = frozenset({"rss", "feed", "rdf", "channel", "entry"})
_PAGES = frozenset({"html", "head", "body", "title", "meta"})
# PHP warnings and the like that a broken site puts before its feed.
_LONGEST_JUNK = 8192

_OTHERS = {
    "opml": "It is an OPML list of feeds: save it, and import it with `tidings sources import FILE`.",
    "urlset": "It is a sitemap, not a feed.",
    "sitemapindex": "It is a sitemap, not a feed.",
    "xsl": "It is a stylesheet, not a feed.",
    "stylesheet": "It is a stylesheet, not a feed.",
    "svg": "It is a picture, not a feed.",
}


@dataclass(frozen=True, slots=True)
class Root:
    """The first element: its lower-case local name, where it starts, and the entities declared before it. `feed` is the
    address that a web page announces as its feed, as it is written there."""

    name: str
    start: int
    entities: tuple[tuple[str, str], ...] = ()
    feed: str = ""


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
    return Root(name, start, tuple(_ENTITY.findall(text, 0, start)), _announced(text) if name in _PAGES else "")


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
        message = _page(url, resolve(url, html.unescape(root.feed)))
    else:
        message = _OTHERS.get(root.name, f"It is XML, but not a feed: its first element is <{root.name[:40]}>.")
    return Failed("not-a-feed", message)


def _page(url: str, feed: str) -> str:
    if feed and feed != url:
        return f"{url} is a web page, not a feed. The page announces {feed} as its feed: use that as the URL."
    return f"{url} is a web page, not a feed. Run `tidings discover {shlex.quote(url)}` to find its feed."


def _announced(text: str) -> str:
    """The address of the first feed that a page announces, as it is written there; "" for none."""
    for link in _LINK.finditer(text, 0, _HEAD):
        attributes = {name.lower(): "".join(value) for name, *value in _ATTRIBUTE.findall(link.group(1))}
        if "alternate" in attributes.get("rel", "").lower().split() and _FEED_TYPE.match(attributes.get("type", "")):
            return attributes.get("href", "")
    return ""


def _is_page(junk: str) -> bool:
    return re.search(r"<(?:!doctype\s+html|html|head|body)\b", junk, re.IGNORECASE) is not None
