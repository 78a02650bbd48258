"""A feed as RSS 2.0, by the specification and the best practices profile of the RSS Advisory Board (rssboard.org).

What RSS has no word for is said in others' words, as that profile does: `dc:creator` for names, since `author` is an
address of mail; `content:encoded` for the whole text; `atom:updated`, `atom:link`, `dc:rights`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from xml.etree.ElementTree import Element, SubElement

from tidings.model import Enclosure
from tidings.render.atom import add_enclosure, media_type
from tidings.render.feeds import Entry, Feed
from tidings.render.words import language_tag
from tidings.render.xml import XHTML, add_link, add_robots, add_text, iri, rfc3339, serialise

_NAMESPACES = {
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
}
_PLAIN = re.compile(rb"<(?:title|category|source|dc:creator|dc:rights)\b[^>]*>[^<]+")
_DOCS = "https://www.rssboard.org/rss-specification"
_TTL = 60
"""Minutes that a copy may be kept: a planet that is polled by the hour is up to date enough."""


def write_rss(feed: Feed, self_url: str) -> bytes:
    """The feed in UTF-8. `self_url` is where this format of it is published."""
    root = Element("rss", {"version": "2.0"} | _NAMESPACES | ({"xmlns:xhtml": XHTML} if feed.noindex else {}))
    channel = SubElement(root, "channel")
    add_text(channel, "title", feed.title)
    add_text(channel, "link", iri(feed.site_url))
    add_text(channel, "description", feed.title)
    if language_tag(feed.language):
        add_text(channel, "language", language_tag(feed.language))
    # When the content changed, not when it was written down: the same posts give the same bytes.
    add_text(channel, "lastBuildDate", _rfc822(feed.updated))
    add_text(channel, "generator", "Tidings")
    add_text(channel, "docs", _DOCS)
    add_text(channel, "ttl", str(_TTL))
    add_link(channel, "self", self_url, "atom:link", type="application/rss+xml")
    if feed.noindex:
        add_robots(channel)
    for entry in feed.entries:
        _item(channel, entry)
    return _PLAIN.sub(_in_hexadecimal, serialise(root, feed.style))


def _in_hexadecimal(element: re.Match[bytes]) -> bytes:
    """Plain text as the profile wants it ("Character data"): the same to who reads XML, and to who takes it for mark-up
    no longer mark-up."""
    return element[0].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;")


def _item(channel: Element, entry: Entry) -> None:
    item = SubElement(channel, "item")
    add_text(item, "title", entry.title)
    add_text(item, "link", iri(entry.url))
    add_text(item, "guid", entry.id, isPermaLink="false")
    add_text(item, "pubDate", _rfc822(entry.published or entry.updated))
    add_text(item, "atom:updated", rfc3339(entry.updated))
    add_text(item, "dc:creator", entry.author)
    if language_tag(entry.language):
        add_text(item, "dc:language", language_tag(entry.language))
    for tag in entry.tags:
        add_text(item, "category", tag)
    origin = entry.origin
    if origin:
        add_text(item, "source", origin.title, url=iri(origin.feed_url or origin.id))
    if rights := entry.rights or (origin.about.rights if origin else ""):
        add_text(item, "dc:rights", rights)
    if entry.via[0]:
        add_link(item, "via", entry.via[0], "atom:link", title=entry.via[1])
    _add_files(item, entry.files)
    if entry.summary:
        add_text(item, "description", escape(entry.summary, quote=False))
    if entry.html:
        add_text(item, "content:encoded", entry.html)


def _add_files(item: Element, files: tuple[Enclosure, ...]) -> None:
    """RSS has one file an item, with its type and length; 0 is a length that nobody knows. Others are links."""
    first = next((file for file in files if media_type(file)), None)
    if first is not None:
        length = str(max(first.length or 0, 0))
        SubElement(item, "enclosure", {"url": iri(first.url), "length": length, "type": first.type})
    for file in files:
        if file is not first:
            add_enclosure(item, file, "atom:link")


def _rfc822(moment: datetime) -> str:
    """A moment as RSS writes it, with a year of four digits."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)
