"""A feed as Atom 1.0 (RFC 4287), each entry with the feed that it is from.

Content is escaped HTML, the very HTML that is stored, rather than XHTML made of it (docs/decisions/0061).
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement

from tidings.model import Enclosure
from tidings.render.feeds import Entry, Feed, Origin
from tidings.render.xml import (
    XHTML,
    add_link,
    add_robots,
    add_text,
    in_language,
    iri,
    legal,
    rfc3339,
    serialise,
)

_ATOM = "http://www.w3.org/2005/Atom"
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)


def write_atom(feed: Feed, self_url: str) -> bytes:
    """The feed in UTF-8. `self_url` is where this format of it is published."""
    root = Element("feed", in_language(_namespaces(feed), feed.language))
    add_text(root, "id", feed.id)
    add_text(root, "title", feed.title, type="text")
    add_text(root, "updated", rfc3339(feed.updated))
    add_link(root, "self", self_url, type="application/atom+xml")
    add_link(root, "alternate", feed.site_url, type="text/html")
    if feed.author:
        add_text(SubElement(root, "author"), "name", feed.author)
    add_text(root, "generator", "Tidings")
    if feed.noindex:
        add_robots(root)
    for entry in feed.entries:
        _entry(root, entry)
    return serialise(root, feed.style)


def add_enclosure(parent: Element, file: Enclosure, name: str = "link") -> None:
    """A file as a link; its type and its length where they are known. `name` is what Atom's links are called here."""
    attributes = {}
    if media_type(file):
        attributes["type"] = media_type(file)
    if file.length is not None and file.length > 0:
        attributes["length"] = str(file.length)
    add_link(parent, "enclosure", file.url, name, **attributes)


def media_type(file: Enclosure) -> str:
    """The type of a file, if it has the form of one."""
    return file.type if _MEDIA_TYPE.fullmatch(file.type) else ""


def _namespaces(feed: Feed) -> dict[str, str]:
    is_marked = feed.noindex or any(entry.origin and entry.origin.about.noindex for entry in feed.entries)
    return {"xmlns": _ATOM, "xmlns:xhtml": XHTML} if is_marked else {"xmlns": _ATOM}


def _entry(root: Element, entry: Entry) -> None:
    element = SubElement(root, "entry", in_language({}, entry.language))
    add_text(element, "id", entry.id)
    add_text(element, "title", entry.title, type="text")
    add_link(element, "alternate", entry.url)
    for file in entry.files:
        add_enclosure(element, file)
    if entry.via[0]:
        add_link(element, "via", entry.via[0], title=entry.via[1])
    if entry.published is not None:
        add_text(element, "published", rfc3339(entry.published))
    add_text(element, "updated", rfc3339(entry.updated))
    add_text(SubElement(element, "author"), "name", entry.author)
    _add_categories(element, entry.tags)
    if entry.rights:
        add_text(element, "rights", entry.rights)
    if entry.origin:
        _source(element, entry.origin)
    if entry.html:
        add_text(element, "content", entry.html, type="html")
    elif entry.summary:
        add_text(element, "summary", entry.summary, type="text")


def _source(entry: Element, origin: Origin) -> None:
    """What the feed says of itself (RFC 4287 section 4.2.11)."""
    source, about = SubElement(entry, "source"), origin.about
    add_text(source, "id", iri(origin.id))
    add_text(source, "title", origin.title, type="text")
    add_text(source, "updated", rfc3339(origin.updated))
    if origin.feed_url:
        add_link(source, "self", origin.feed_url)
    if origin.site_url:
        add_link(source, "alternate", origin.site_url, type="text/html")
    if about.author:
        add_text(SubElement(source, "author"), "name", about.author)
    _add_categories(source, about.tags)
    if about.rights:
        add_text(source, "rights", about.rights)
    for name, address in (("icon", about.icon), ("logo", about.logo)):
        if address:
            add_text(source, name, iri(address))
    if about.noindex:
        add_robots(source)


def _add_categories(parent: Element, tags: tuple[str, ...]) -> None:
    for tag in tags:
        SubElement(parent, "category", {"term": legal(tag)})
