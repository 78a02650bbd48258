"""What feedparser collected, to ParsedFeed and ParsedPost: which of several links, texts, dates, names to take. Pure.

Nothing here imports feedparser: its results are dicts. They are read with `dict.get`, because their own `get` answers
`updated` with the value of `published`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tidings.model import About, Enclosure, ParsedFeed, ParsedPost, Wishes
from tidings.posts.dates import parse_date
from tidings.posts.links import host, resolve, web_address
from tidings.posts.plain import (
    MAX_LINE,
    bounded,
    language_tag,
    one_line,
    one_line_of_html,
    paragraphs,
    scrub,
    with_paragraphs,
)
from tidings.records import dataclass

Entry = dict[str, Any]

MAX_TAGS = 30
MAX_ENCLOSURES = 30
MAX_AUTHORS = 30
_FEWEST_BUILT = 3

_HTML = ("text/html", "application/xhtml+xml")
_MARKUP = re.compile(r"\s*<[a-zA-Z].*</?[a-zA-Z][^<>]*>\s*", re.DOTALL)
# Characters of mark-up that two short texts may differ by and still be alike in length.
_MARKUP_ROOM = 40
_CLOSING = re.compile(r"</[a-zA-Z]+>")
# Begins only where a word does: tried from each of its letters, one long word takes time with its square.
_ADDRESS = re.compile(r"(?<![^\s@<>()?])[^\s@<>()?]++@[^\s@<>()?]+")
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
_LONGEST_TTL = timedelta(days=365)
# RSS 2.0 section "skipHours" counts from 0 to 23 in GMT; RSS 0.91 had 24 for midnight.
_HOUR = re.compile(r"[01]?[0-9]|2[0-4]")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for all posts of a document. `base` is what links resolve against where no xml:base is given."""

    base: str
    author: str
    language: str


def to_feed(kind: str, document_url: str, feed: Entry, entries: Iterable[Entry], *, malformed: bool) -> ParsedFeed:
    """The feed that feedparser's dicts describe. `document_url` is the final URL the document came from."""
    setting = setting_of(document_url, feed)
    posts = [to_post(position, entry, setting) for position, entry in enumerate(entries)]
    return with_posts(kind, document_url, feed, posts, malformed=malformed)


def setting_of(document_url: str, feed: Entry) -> Setting:
    """What feedparser's dict of a feed says of all its posts."""
    site_url = resolve(document_url, _page_link(feed))
    return Setting(_base(document_url, site_url), _author(feed), language_tag(dict.get(feed, "language")))


def with_posts(kind: str, document_url: str, feed: Entry, posts: list[ParsedPost], *, malformed: bool) -> ParsedFeed:
    """The feed that feedparser's dict describes, with the posts that `to_post` made of its entries."""
    return ParsedFeed(
        format=kind,
        title=_title(feed, "title") or _title(feed, "dc_title"),
        site_url=resolve(document_url, _page_link(feed)),
        language=language_tag(dict.get(feed, "language")),
        malformed=malformed,
        wishes=_wishes(feed),
        posts=tuple(_without_build_time(posts)),
        self_url=resolve(document_url, _self_link(feed)),
        about=_about(feed, document_url),
    )


def _about(feed: Entry, document_url: str) -> About:
    return About(
        id=scrub(_text(feed, "id")).strip(),
        author=_author(feed),
        rights=_rights(feed, document_url),
        icon=web_address(document_url, _text(feed, "icon")),
        logo=web_address(document_url, _text(feed, "logo") or _picture(feed)),
        tags=_tags(feed),
        noindex=_wants_no_index(feed),
    )


def _without_build_time(posts: list[ParsedPost]) -> list[ParsedPost]:
    """Posts that were all updated at one moment were not: it is when the document was built (research/aggregators.md,
    section e), and would be shown as the date of posts that have no other."""
    if len(posts) < _FEWEST_BUILT or posts[0].updated is None or len({post.updated for post in posts}) > 1:
        return posts
    return [replace(post, updated=None) for post in posts]


def _base(document_url: str, site_url: str) -> str:
    """RFC 3986 section 5.1.3 says the document's own URL. A feed kept by another host (a feed proxy) never means that
    host by its relative links, so there the site's URL stands in."""
    return site_url if site_url and host(site_url) != host(document_url) else document_url


def to_post(position: int, entry: Entry, setting: Setting) -> ParsedPost:
    """The post that feedparser's dict of an entry describes, its dates as they are written."""
    enclosures = _enclosures(entry, setting.base)
    url = _url(entry, setting.base, enclosures)
    content, summary = _texts(entry)
    origin_title, origin_url = _origin(entry, setting.base)
    return ParsedPost(
        position=position,
        guid=scrub(_text(entry, "id")).strip(),
        url=url,
        title=_title(entry, "title") or _title(entry, "dc_title") or _title(entry, "media_title"),
        author=_author(entry) or _author(_source(entry)) or setting.author,
        published=_first_date(entry, "published", "dc_date", "created"),
        updated=_first_date(entry, "updated"),
        tags=_tags(entry),
        summary_html=summary.html,
        content_html=content.html,
        base=resolve(setting.base, content.base or _text(entry, "xml_base")) or url or setting.base,
        language=language_tag(content.language or dict.get(entry, "language") or dict.get(entry, "xml_lang"))
        or setting.language,
        enclosures=enclosures,
        origin_title=origin_title,
        origin_url=origin_url,
        rights=_rights(entry, setting.base),
    )


def names_itself(entry: Entry) -> bool:
    """Whether an entry has what will name its post for good: a guid, or else the link of its page."""
    return bool(_text(entry, "id").strip() or _page_link(entry))


# ---------------------------------------------------------------------------------------------------------- links


def _url(entry: Entry, base: str, enclosures: tuple[Enclosure, ...]) -> str:
    """The post's page; for a podcast episode without one its file. Proxies name the page they stand for."""
    for original in ("feedburner_origlink", "pheedo_origlink"):
        if url := resolve("", _text(entry, original)):
            return url
    if url := resolve(base, _page_link(entry)):
        return url
    guid = _text(entry, "id")
    # A guid is a link unless it says otherwise (RSS 2.0), yet many that say nothing are bare words.
    if guid.startswith(("http://", "https://", "/")) and dict.get(entry, "guid_is_link", True):
        return resolve(base, guid)
    return enclosures[0].url if enclosures else ""


def _page_link(context: Entry) -> str:
    """RSS has one link, as text. Atom may have many: the alternate HTML page first, then any alternate, then any that
    is not about something else (RFC 4287 section 4.2.7.2)."""
    if link := _text(context, "text_link"):
        return link
    links = [link for link in _dicts(context, "links") if _text(link, "href")]
    alternates = [link for link in links if _text(link, "rel") in ("alternate", "")]
    pages = [link for link in alternates if _text(link, "type") in _HTML]
    others = [link for link in links if _text(link, "rel") in ("via", "related")]
    chosen = pages or alternates or others
    return _text(chosen[0], "href") if chosen else ""


def _self_link(feed: Entry) -> str:
    """The address under which a feed says that it is to be had."""
    return next((_text(link, "href") for link in _dicts(feed, "links") if _text(link, "rel") == "self"), "")


def _enclosures(entry: Entry, base: str) -> tuple[Enclosure, ...]:
    found: dict[str, Enclosure] = {}
    for link in _dicts(entry, "links"):
        url = resolve(base, _text(link, "href")) if _text(link, "rel") == "enclosure" else ""
        if url.startswith(("http://", "https://")) and len(found) < MAX_ENCLOSURES:
            kind = "" if "/" not in _text(link, "type") else one_line(_text(link, "type"))
            found.setdefault(url, Enclosure(url, kind, _length(_text(link, "length"))))
    return tuple(found.values())


def _length(text: str) -> int | None:
    """Bytes. Zero is what publishers write who do not know."""
    text = text.strip()
    return (int(text) or None) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _source(entry: Entry) -> Entry:
    source = dict.get(entry, "source")
    return source if isinstance(source, dict) else {}


def _origin(entry: Entry, base: str) -> tuple[str, str]:
    """Where a planet took the post from: atom:source (RFC 4287 section 4.2.11) or RSS `source`."""
    source = _source(entry)
    places = [_page_link(source), _text(source, "href"), _self_link(source)]
    return _title(source, "title"), next((url for place in places if (url := resolve(base, place))), "")


# ---------------------------------------------------------------------------------------------------------- texts


@dataclass(frozen=True, slots=True)
class _Body:
    html: str = ""
    base: str = ""
    language: str = ""


def _texts(entry: Entry) -> tuple[_Body, _Body]:
    """Content and summary. Publishers mix the two up, so a summary more than twice as long as the content is the
    content; one that says the same again is none."""
    contents = sorted(_bodies(entry, "content"), key=lambda body: -len(body.html))
    summaries = [*_bodies(entry, "summary_detail"), *_podcast_summary(entry)]
    # Media RSS mostly describes a picture; only a post without any text (YouTube) is described by it.
    bodies = [*contents, *summaries] or _bodies(entry, "media_description_detail")
    content = _Body()
    for body in bodies:
        if not content.html or len(body.html) > 2 * len(content.html) + _MARKUP_ROOM:
            content = body
    summary = next((body for body in [*summaries, *contents] if not _same(body.html, content.html)), _Body())
    return content, summary


def _bodies(entry: Entry, key: str) -> list[_Body]:
    # feedparser copies a lone content into "summary"; only a real summary has its detail.
    bodies = [_body(detail) for detail in _dicts(entry, key)]
    return [body for body in bodies if body.html]


def _podcast_summary(entry: Entry) -> list[_Body]:
    """Plain by its specification, with links allowed: so it is HTML when it closes a tag."""
    text = _text(entry, "itunes_summary")
    return [_Body(_html_of("text/html" if _CLOSING.search(text) else "text/plain", text))] if text else []


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    if max(len(one), len(other)) > 3 * min(len(one), len(other)) + _MARKUP_ROOM:
        return False
    return one_line_of_html(one) == one_line_of_html(other)


def _body(detail: Entry) -> _Body:
    html = _html_of(_text(detail, "type"), _text(detail, "value"))
    return _Body(html, _text(detail, "base"), _text(detail, "language"))


def _html_of(kind: str, value: str) -> str:
    """A text construct as HTML. Plain text that is one run of mark-up from end to end was HTML with its type forgotten;
    other types (images in base64, foreign XML) cannot be shown."""
    value = bounded(scrub(value).strip())
    if kind in _HTML or _MARKUP.fullmatch(value):
        return with_paragraphs(value)
    return paragraphs(value) if kind.startswith("text/") or not kind else ""


def _title(context: Entry, key: str) -> str:
    """RFC 4287 section 3.1: a title of type text is literal. For RSS feedparser guesses, and calls its guess a type."""
    value = _text(context, key)
    details = _dicts(context, key + "_detail")
    if details and _text(details[0], "type") in _HTML:
        return one_line_of_html(value)
    return one_line(value)


# ---------------------------------------------------------------------------------------------- names, tags, dates


def _author(context: Entry) -> str:
    names: list[str] = []
    addresses: list[str] = []
    for person in [*_dicts(context, "authors")[:MAX_AUTHORS], *_dicts(context, "author_detail")]:
        name, address = one_line_of_html(_text(person, "name")), one_line(_text(person, "email"))
        names += [name] if name and not _ADDRESS.search(name) else []
        addresses += [found.group() for found in (_ADDRESS.search(name), _ADDRESS.search(address)) if found]
    written = one_line_of_html(_text(context, "author"))
    if not names and not addresses and not _ADDRESS.search(written):
        return written
    shown = names or [address for address in addresses if "noreply" not in address.replace("-", "").lower()][:1]
    return ", ".join(list(dict.fromkeys(shown))[:MAX_AUTHORS])[:MAX_LINE]


def _tags(entry: Entry) -> tuple[str, ...]:
    """Labels, else terms; each once whatever its letter case. Google's `kind` marks say "post", "video": no tag."""
    found: dict[str, str] = {}
    for tag in _dicts(entry, "tags"):
        name = one_line_of_html(_text(tag, "label") or _text(tag, "term"))
        if name and not _text(tag, "scheme").endswith("#kind"):
            found.setdefault(name.casefold(), name)
    return tuple(found.values())[:MAX_TAGS]


def _first_date(entry: Entry, *keys: str) -> datetime | None:
    dates = (parse_date(_text(entry, key)) for key in keys)
    return next((date for date in dates if date is not None), None)


# ---------------------------------------------------------------------------------------------------------- rights


def _rights(context: Entry, base: str) -> str:
    """Atom `rights`, RSS `copyright`, or dc:rights, and the licence that a link (RFC 4946) or creativeCommons names."""
    licences = [_text(link, "href") for link in _dicts(context, "links") if _text(link, "rel") == "license"]
    said = [_title(context, "rights"), *(web_address(base, licence) for licence in licences[:1])]
    return ", ".join(dict.fromkeys(text for text in said if text))[:MAX_LINE]


def _picture(feed: Entry) -> str:
    """The picture of an RSS feed, or of a podcast."""
    return next((_text(image, "href") for image in _dicts(feed, "image")), "")


def _wants_no_index(feed: Entry) -> bool:
    """What Planet Venus heeds, the mark of HTML in a feed; and what keeps a podcast out of directories."""
    robots = {word.strip() for word in _text(feed, "robots").lower().split(",")}
    blocks = {_text(feed, key).strip().lower() for key in ("itunes_block", "googleplay_block")}
    is_blocked = dict.get(feed, "itunes_block") == 1  # as feedparser writes a "yes"
    return bool(robots & {"noindex", "none"}) or "yes" in blocks or is_blocked


# ---------------------------------------------------------------------------------------------------------- wishes


def _wishes(feed: Entry) -> Wishes:
    hours = {int(text) % 24 for text in _strings(feed, "skip_hours") if _HOUR.fullmatch(text)}
    days = {_DAYS.index(text.lower()) for text in _strings(feed, "skip_days") if text.lower() in _DAYS}
    ttls = [each for each in (_ttl(feed), _update_period(feed)) if each is not None]
    # Who wants nobody at any time has made a mistake.
    return Wishes(
        ttl=max(ttls, default=None),
        skip_hours=tuple(sorted(hours)) if len(hours) < 24 else (),
        skip_days=tuple(sorted(days)) if len(days) < len(_DAYS) else (),
    )


def _ttl(feed: Entry) -> timedelta | None:
    """RSS 2.0 `ttl`, in minutes."""
    minutes = _text(feed, "ttl").strip()
    if minutes.isascii() and minutes.isdigit() and len(minutes) < 9 and int(minutes):
        return min(timedelta(minutes=int(minutes)), _LONGEST_TTL)
    return None


def _update_period(feed: Entry) -> timedelta | None:
    """The RSS 1.0 syndication module's period, divided by its frequency."""
    period = _PERIODS.get(_text(feed, "sy_updateperiod").strip().lower())
    if period is None:
        return None
    times = _text(feed, "sy_updatefrequency").strip()
    return period / max(int(times), 1) if times.isascii() and times.isdigit() and len(times) < 6 else period


def _text(context: Entry, key: str) -> str:
    value = dict.get(context, key)
    return value if isinstance(value, str) else ""


def _strings(context: Entry, key: str) -> list[str]:
    value = dict.get(context, key)
    return [each.strip() for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _dicts(context: Entry, key: str) -> list[Entry]:
    value = dict.get(context, key)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, dict)]
