"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1), which feedparser does not know. Pure.

Every value may be of any type: what is not usable counts as absent.
"""

from __future__ import annotations

import json
from typing import Any

from tidings.model import About, Enclosure, Failed, ParsedFeed, ParsedPost
from tidings.posts.dates import parse_date
from tidings.posts.entries import MAX_AUTHORS, MAX_ENCLOSURES, MAX_TAGS
from tidings.posts.links import host, resolve, web_address
from tidings.posts.plain import MAX_LINE, bounded, language_tag, one_line, paragraphs, scrub

_Object = dict[str, Any]


def parse_json_feed(text: str, url: str, max_posts: int) -> ParsedFeed | Failed:
    """The JSON Feed in `text`, served at `url`; or why it is none. Never raises."""
    try:
        # strict=False: line breaks inside strings are common in hand-made feeds. Text after the object is left out.
        feed, _end = json.JSONDecoder(strict=False).raw_decode(text.strip())
    except json.JSONDecodeError as error:
        return Failed("parse", f"The document is JSON that breaks off or is wrong: {error}. The site has to mend it.")
    except (ValueError, RecursionError):  # a number or a nesting beyond anything a feed has
        return Failed("parse", "The document is JSON with an absurd number or nesting. The site has to mend it.")
    if not isinstance(feed, dict) or not _is_json_feed(feed):
        return Failed("not-a-feed", "The address answers with JSON that is not a JSON Feed. Check its URL.")
    return _feed(feed, url, max_posts)


def _is_json_feed(feed: _Object) -> bool:
    return "jsonfeed.org" in _string(feed, "version") or isinstance(feed.get("items"), list)


def _feed(feed: _Object, url: str, max_posts: int) -> ParsedFeed:
    site_url = resolve(url, _string(feed, "home_page_url"))
    base = site_url if site_url and host(site_url) != host(url) else url
    author, language = _author(feed), language_tag(feed.get("language"))
    items = _objects(feed, "items")
    posts = (_post(position, item, base, author, language) for position, item in enumerate(items[:max_posts]))
    version = _string(feed, "version").rstrip("/")
    return ParsedFeed(
        format="json11" if version.endswith("1.1") else "json10",
        title=one_line(_string(feed, "title")),
        site_url=site_url,
        language=language,
        malformed=len(items) > max_posts,
        posts=tuple(posts),
        self_url=resolve(url, _string(feed, "feed_url")),
        about=About(
            author=author,
            icon=web_address(url, _string(feed, "favicon")),
            logo=web_address(url, _string(feed, "icon")),
        ),
    )


def _post(position: int, item: _Object, base: str, author: str, language: str) -> ParsedPost:
    enclosures = _attachments(item, base)
    guid = _id(item.get("id"))
    url = _url(item, guid, base, enclosures)
    content = bounded(scrub(_string(item, "content_html")).strip()) or _paragraphs(item, "content_text")
    summary = _paragraphs(item, "summary")
    ours = _object(item, "_tidings")
    origin_title, origin_url = _origin(_object(ours, "source"), base)
    return ParsedPost(
        position=position,
        guid=guid,
        url=url,
        title=one_line(_string(item, "title")),
        author=_author(item) or author,
        published=parse_date(_string(item, "date_published")),
        updated=parse_date(_string(item, "date_modified")),
        tags=_tags(item),
        summary_html=summary if content and summary != content else "",
        content_html=content or summary or _picture(item, base),
        base=url or base,
        language=language_tag(item.get("language")) or language,
        enclosures=enclosures,
        origin_title=origin_title,
        origin_url=origin_url,
        rights=one_line(_string(ours, "rights"))[:MAX_LINE],
    )


def _origin(source: _Object, base: str) -> tuple[str, str]:
    """Where a planet took the item from: JSON Feed has no word for it, so planets of Tidings use one of their own
    (docs/feeds.md). Its site before its feed, as with atom:source."""
    places = [_string(source, "home_page_url"), _string(source, "feed_url")]
    return one_line(_string(source, "title")), next((url for place in places if (url := resolve(base, place))), "")


def _id(value: object) -> str:
    """An id is a string; numbers are to be read as one (specification, "id"). 7.0 and 7 are the same JSON number."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return scrub(str(value)).strip() if isinstance(value, str | int | float) else ""


def _url(item: _Object, guid: str, base: str, enclosures: tuple[Enclosure, ...]) -> str:
    """The post's own page; else the page a link post is about; else an id that is a URL, as the specification asks."""
    for key in ("url", "external_url"):
        if url := resolve(base, _string(item, key)):
            return url
    if guid.startswith(("http://", "https://")):
        return resolve("", guid)
    return enclosures[0].url if enclosures else ""


def _paragraphs(item: _Object, key: str) -> str:
    return paragraphs(bounded(scrub(_string(item, key))))


def _picture(item: _Object, base: str) -> str:
    url = resolve(base, _string(item, "image")).replace("&", "&amp;").replace('"', "%22")
    return f'<img src="{url}" alt="">' if url.startswith(("http://", "https://")) else ""


def _author(context: _Object) -> str:
    """1.1 has `authors`, 1.0 had `author`; some write the name alone."""
    people = context.get("authors") or context.get("author")
    names: list[str] = []
    for person in people[:MAX_AUTHORS] if isinstance(people, list) else [people]:
        name = person.get("name") if isinstance(person, dict) else person
        names += [one_line(name)] if isinstance(name, str) else []
    return ", ".join(dict.fromkeys(name for name in names if name))[:MAX_LINE]


def _tags(item: _Object) -> tuple[str, ...]:
    tags = item.get("tags")
    found: dict[str, str] = {}
    for tag in tags if isinstance(tags, list) else []:
        name = one_line(tag) if isinstance(tag, str) else ""
        if name:
            found.setdefault(name.casefold(), name)
    return tuple(found.values())[:MAX_TAGS]


def _attachments(item: _Object, base: str) -> tuple[Enclosure, ...]:
    found: dict[str, Enclosure] = {}
    for attachment in _objects(item, "attachments")[:MAX_ENCLOSURES]:
        url = resolve(base, _string(attachment, "url"))
        if url.startswith(("http://", "https://")):
            length = attachment.get("size_in_bytes")
            known = isinstance(length, int) and not isinstance(length, bool) and 0 < length < 2**53
            enclosure = Enclosure(url, one_line(_string(attachment, "mime_type")), length if known else None)
            found.setdefault(url, enclosure)
    return tuple(found.values())


def _string(context: _Object, key: str) -> str:
    value = context.get(key)
    return value if isinstance(value, str) else ""


def _object(context: _Object, key: str) -> _Object:
    value = context.get(key)
    return value if isinstance(value, dict) else {}


def _objects(context: _Object, key: str) -> list[_Object]:
    value = context.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
