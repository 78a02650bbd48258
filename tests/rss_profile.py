"""RSS 2.0 as its specification has it (rssboard.org/rss-specification), and as the best practices profile of the RSS
Advisory Board (rssboard.org/rss-profile) wants it beside that."""

from __future__ import annotations

import re
from collections import Counter
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree

_CHANNEL_ONCE = (
    "title link description language copyright managingEditor webMaster pubDate lastBuildDate generator docs cloud ttl "
    "image rating textInput skipHours skipDays"
).split()
_ITEM_ONCE = "title link description author comments enclosure guid pubDate source".split()
_NAMESPACES = {
    "http://www.w3.org/2005/Atom": {"link", "updated"},
    "http://purl.org/rss/1.0/modules/content/": {"encoded"},
    "http://purl.org/dc/elements/1.1/": {"creator", "language", "rights"},
    "http://www.w3.org/1999/xhtml": {"meta"},
}
# RFC 822 as the specification wants it, with the four digits that the profile recommends, and a zone of RFC 822.
_DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d:\d\d (GMT|[+-]\d{4})"
)
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_MEDIA_TYPE = re.compile(r"[^/\s]+/[^/\s]+")
_ATOM_LINK = "{http://www.w3.org/2005/Atom}link"
_PARSER = etree.XMLParser(huge_tree=True, resolve_entities=False)


def assert_rss(document: bytes) -> etree._Element:
    """The document's root, after every rule that applies to it was checked."""
    root = etree.fromstring(document, _PARSER)
    assert root.tag == "rss"
    assert root.get("version") == "2.0"
    [channel] = root
    _assert_channel(channel)
    guids: Counter[str] = Counter()
    for item in channel.iterfind("item"):
        _assert_item(item)
        guids[item.findtext("guid")] += 1
    assert all(count == 1 for count in guids.values())
    return root


def _assert_channel(channel: etree._Element) -> None:
    _assert_known(channel, {*_CHANNEL_ONCE, "category", "item"}, _CHANNEL_ONCE)
    for name in ("title", "link", "description"):
        assert (channel.findtext(name) or "").strip(), name
    _assert_url(channel.findtext("link"))
    for name in ("pubDate", "lastBuildDate"):
        _assert_date(channel.findtext(name))
    language = channel.findtext("language")
    assert language is None or _LANGUAGE.fullmatch(language)
    ttl = channel.findtext("ttl")
    assert ttl is None or (ttl.isascii() and ttl.isdigit() and int(ttl) > 0)
    # Profile, "namespace elements": a feed says where it is itself.
    [own] = [link for link in channel.iterfind(_ATOM_LINK) if link.get("rel") == "self"]
    assert own.get("type") == "application/rss+xml"
    _assert_url(own.get("href"))


def _assert_item(item: etree._Element) -> None:
    _assert_known(item, {*_ITEM_ONCE, "category"}, _ITEM_ONCE)
    assert any((item.findtext(name) or "").strip() for name in ("title", "description"))
    _assert_url(item.findtext("link"))
    guid = item.find("guid")
    assert guid.text.strip()
    assert guid.get("isPermaLink") == "false" or urlsplit(guid.text).scheme in ("http", "https")
    _assert_date(item.findtext("pubDate"))
    # Profile: `author` is an address of mail, so names stand in dc:creator, and not both.
    assert item.find("author") is None
    for enclosure in item.iterfind("enclosure"):
        assert set(enclosure.keys()) == {"url", "length", "type"}
        _assert_url(enclosure.get("url"))
        assert enclosure.get("length").isdigit()
        assert _MEDIA_TYPE.fullmatch(enclosure.get("type"))
    for source in item.iterfind("source"):
        assert source.keys() == ["url"]
        _assert_url(source.get("url"))
    for link in item.iterfind(_ATOM_LINK):
        assert link.get("rel") in ("enclosure", "via", "alternate", "related")
        _assert_url(link.get("href"))
    # Profile, "content:encoded": the summary comes before the whole text, so that readers take the whole one.
    order = [etree.QName(child).localname for child in item]
    if "encoded" in order and "description" in order:
        assert order.index("description") < order.index("encoded")


def _assert_known(parent: etree._Element, plain: set[str], once: list[str]) -> None:
    """Only elements that there are, none of those twice that may be there once; plain text in all but a few."""
    names = Counter(child.tag for child in parent)
    for tag, count in names.items():
        name = etree.QName(tag)
        known = _NAMESPACES.get(name.namespace, set()) if name.namespace else plain
        assert name.localname in known, tag
        assert count == 1 or name.localname not in once or name.namespace, tag
    assert all(len(child) == 0 for child in parent if child.tag != "item")


def _assert_date(text: str | None) -> None:
    if text is not None:
        assert _DATE.fullmatch(text), text
        assert f"{parsedate_to_datetime(text):%a}" == text[:3]


def _assert_url(url: str | None) -> None:
    assert url
    assert urlsplit(url).scheme in ("http", "https"), url
    assert not re.search(r"[\s<>\"]", url), url
