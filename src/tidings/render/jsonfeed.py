"""A feed as JSON Feed 1.1 (jsonfeed.org/version/1.1).

What it has no word for is in `_tidings`, described in docs/feeds.md: the feed that an item is from, and its rights.
`external_url` is not used: it is for a page that a post only points at, and no feed says reliably that it does.
"""

from __future__ import annotations

import json
from typing import Any

from tidings.model import Enclosure
from tidings.render.atom import media_type
from tidings.render.feeds import Entry, Feed, Origin
from tidings.render.words import language_tag
from tidings.render.xml import iri, legal, rfc3339

_Object = dict[str, Any]

_VERSION = "https://jsonfeed.org/version/1.1"
_UNKNOWN_TYPE = "application/octet-stream"
"""A type is required (RFC 2046 section 4.5.1 on what nobody knows)."""


def write_json(feed: Feed, self_url: str) -> bytes:
    """The feed in UTF-8. `self_url` is where this format of it is published."""
    document = {
        "version": _VERSION,
        "title": feed.title,
        "home_page_url": iri(feed.site_url),
        "feed_url": iri(self_url),
        "language": language_tag(feed.language),
        "authors": _people(feed.author),
        "_tidings": {"about": iri(feed.site_url), "id": feed.id, "updated": rfc3339(feed.updated)},
        "items": [_item(entry) for entry in feed.entries],
    }
    text = json.dumps(_filled(document) | {"items": document["items"]}, ensure_ascii=False, indent=1)
    return text.encode() + b"\n"


def _item(entry: Entry) -> _Object:
    item = {
        "id": entry.id,
        "url": iri(entry.url),
        "title": entry.title,
        "image": iri(entry.picture),
        "date_published": rfc3339(entry.published) if entry.published else "",
        "date_modified": rfc3339(entry.updated),
        "authors": _people(entry.author),
        "tags": list(entry.tags),
        "language": language_tag(entry.language),
        "attachments": [_attachment(file) for file in entry.files],
        "_tidings": _filled({"source": _source(entry.origin), "rights": entry.rights, "via": entry.via[0]}),
    }
    return _filled(item) | _text(entry)


def _text(entry: Entry) -> _Object:
    """One of the two contents has to be there, in an item that shows no text, too (the specification, "items")."""
    if not entry.html:
        return {"content_text": legal(entry.summary)}
    return _filled({"content_html": legal(entry.html), "summary": legal(entry.summary)})


def _source(origin: Origin | None) -> _Object:
    if origin is None:
        return {}
    about = origin.about
    return _filled(
        {
            "id": iri(origin.id),
            "title": origin.title,
            "feed_url": iri(origin.feed_url),
            "home_page_url": iri(origin.site_url),
            "updated": rfc3339(origin.updated),
            "authors": _people(about.author),
            "rights": about.rights,
            "favicon": iri(about.icon),
            "icon": iri(about.logo),
            "tags": list(about.tags),
            "noindex": about.noindex,
        }
    )


def _attachment(file: Enclosure) -> _Object:
    size = file.length if file.length and file.length > 0 else None
    return _filled({"url": iri(file.url), "mime_type": media_type(file) or _UNKNOWN_TYPE, "size_in_bytes": size})


def _people(name: str) -> list[_Object]:
    return [{"name": name}] if name else []


def _filled(values: _Object) -> _Object:
    """What has a value: an optional key without one is left out."""
    return {key: value for key, value in values.items() if value}
