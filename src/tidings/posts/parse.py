"""Bytes of a feed document to a ParsedFeed. With dates.py the only importer of feedparser.

feedparser's own `parse` cannot be told to keep ids as they are (it rewrites them against xml:base, so a moved feed
would bring all its posts again: research/aggregators.md, section 0, point 1), so its two readers are driven directly:
the strict one on expat, and where the XML is broken the lenient one. Both leave mark-up and links untouched.
"""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any
from xml.sax import SAXException
from xml.sax.xmlreader import InputSource

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.mixin import _FeedParserMixin

from tidings.model import Document, Failed, ParsedFeed
from tidings.posts.encoding import MAX_UNPACKED, TooLargeError, decode, unpack
from tidings.posts.entries import to_feed
from tidings.posts.fastsax import BufferedExpatParser
from tidings.posts.jsonfeed import parse_json_feed
from tidings.posts.links import resolve
from tidings.posts.mend import html_entities, mend
from tidings.posts.plain import scrub
from tidings.posts.roots import Root, find_root, is_feed, refuse

MAX_POSTS = 10_000
"""Posts read from one document, more than any blog has. The rest is left unread, and the feed called malformed."""

_Attributes = list[tuple[str, str]]
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_VERSIONS = {"rss": "rss", "feed": "atom", "entry": "atom", "rdf": "rss10", "channel": "cdf"}


def parse(document: Document) -> ParsedFeed | Failed:
    """The feed in a document, or why there is none. Never raises; safe to send to another process.

    `document.url` must be the final URL after redirects: relative links are resolved against it.
    """
    try:
        return _parse(document)
    except TooLargeError:
        limit = MAX_UNPACKED // (1024 * 1024)
        return Failed("too-large", f"The compressed document unpacks to more than {limit} MB, so it was not read.")
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        return Failed("parse", f"Reading the document failed ({cause}). This is a bug: please report it.")


def _parse(document: Document) -> ParsedFeed | Failed:
    unpacked = unpack(document.body)
    text = scrub(decode(unpacked.body, document.content_type)).lstrip()
    if not text:
        return Failed("not-a-feed", "The server answered with an empty document.")
    if text.startswith("{"):
        return parse_json_feed(text, document.url, MAX_POSTS)
    root = find_root(text)
    if root is None or not is_feed(root):
        return refuse(root, document.url)
    reader, whole = _read(text, root, document.url)
    # CDF has no version: a channel with a title is one.
    if not reader.version and not reader.entries and not (root.name == "channel" and "title" in reader.feeddata):
        return refuse(root, document.url)
    kind = reader.version or _VERSIONS[root.name]
    return to_feed(kind, document.url, reader.feeddata, reader.entries, malformed=not (whole and unpacked.complete))


def _read(text: str, root: Root, url: str) -> tuple[_Rules, bool]:
    """The reader that got most out of the document, and whether all of the document was there to read."""
    text = text[root.start :]
    entities = html_entities(text) | dict(root.entities)
    head = _doctype(entities)
    strict, whole = _read_strictly(head + text, url)
    if whole or len(strict.entries) >= MAX_POSTS:
        return strict, whole
    mended, whole = _read_strictly(head + mend(text, frozenset(entities)), url)
    if whole:
        return mended, True
    lenient, finished = _read_leniently(text, url)
    arrived = finished and _is_closed(text, root)
    return max(lenient, mended, key=lambda reader: len(reader.entries)), arrived


def _read_strictly(text: str, url: str) -> tuple[_Rules, bool]:
    reader = _StrictReader(url, None, "utf-8")
    try:
        _feed_sax(reader, text)
    except (SAXException, _EnoughError):
        return reader, False
    return reader, not reader.stumbled


def _read_leniently(text: str, url: str) -> tuple[_Rules, bool]:
    reader = _LenientReader(url, None, "utf-8", {})
    # Anything may be raised in here, and _EnoughError is as good a stop.
    with contextlib.suppress(Exception):
        reader.feed(text)
        return reader, not reader.stumbled
    return reader, False


def _is_closed(text: str, root: Root) -> bool:
    """Whether a document ends with its root's end tag. Then it arrived whole, however mixed up: what can't be read of
    it now will read no better when it is fetched again, so asking for it unconditionally each time would be rude."""
    return re.search(rf"</(?:[\w.-]+:)?{re.escape(root.name)}\s*>\s*\Z", text[-1000:], re.IGNORECASE) is not None


def _feed_sax(reader: _Rules, text: str) -> None:
    source = InputSource()
    source.setEncoding("utf-8")
    source.setByteStream(io.BytesIO(text.encode("utf-8")))
    parser = BufferedExpatParser()
    parser.setContentHandler(reader)
    parser.setErrorHandler(reader)
    parser.parse(source)


def _doctype(entities: dict[str, str]) -> str:
    """A declaration of the HTML entities that the document uses: one `&nbsp;` would make it ill-formed.

    With them go short ones of its own that hold no reference, so that nothing can be blown up with them.
    """
    if not entities:
        return ""
    declared = "".join(f'<!ENTITY {name} "{value}">' for name, value in entities.items())
    return f"<!DOCTYPE feed [{declared}]>"


class _EnoughError(Exception):
    """MAX_POSTS were read."""


class _Rules(_FeedParserMixin):  # type: ignore[misc]
    """feedparser's handlers, told to keep what they would rewrite, merge or guess.

    Elements that it files under one name are kept apart: an RSS link as text from atom:link, dc:date from updated,
    iTunes and Media RSS texts from the item's own. Dates stay strings, for dates.py.
    """

    can_be_relative_uri = frozenset(_FeedParserMixin.can_be_relative_uri) - {"id"}
    sanitize_html = False
    resolve_relative_uris = False
    stumbled = 0

    def __init__(self, url: str, *rest: Any) -> None:
        super().__init__("", *rest)
        self.document_url = url

    def unknown_starttag(self, tag: str, attributes: _Attributes) -> None:
        try:
            super().unknown_starttag(tag, [self._absolute_base(*attribute) for attribute in attributes])
        except _EnoughError:
            raise
        except Exception:  # one bad element must not take the rest of the feed with it
            self.stumbled += 1

    def unknown_endtag(self, tag: str) -> None:
        try:
            super().unknown_endtag(tag)
        except Exception:
            self.stumbled += 1
        # feedparser stays inside an xml:base when nothing around it has one.
        self.baseuri = self.basestack[-1] if self.basestack else ""

    def _absolute_base(self, name: str, value: str) -> tuple[str, str]:
        return (name, resolve(self.baseuri or self.document_url, value)) if name == "xml:base" else (name, value)

    def resolve_uri(self, uri: str) -> str:
        """Only xml:base is feedparser's business: what else a link is relative to is decided in entries.py."""
        return str(super().resolve_uri(uri)) if self.baseuri else uri

    def _start_item(self, attributes: dict[str, str]) -> None:
        if len(self.entries) >= MAX_POSTS:
            raise _EnoughError
        super()._start_item(attributes)
        self.entries[-1]["xml_base"] = self.baseuri
        self.entries[-1]["xml_lang"] = self.lang

    _start_entry = _start_item

    def _end_link(self) -> None:
        link = self.pop("link")
        context = self._get_context()
        if link and not dict.get(context, "text_link"):
            context["text_link"] = link

    def _end_guid(self) -> None:
        super()._end_guid()
        self._get_context()["guid_is_link"] = self.guidislink

    _end_id = _end_guid

    def _end_published(self) -> None:
        self.pop("published")

    _end_issued = _end_pubdate = _end_published

    def _end_updated(self) -> None:
        self.pop("updated")

    _end_modified = _end_lastbuilddate = _end_updated

    def _end_created(self) -> None:
        self.pop("created")

    def _start_dc_date(self, _attributes: dict[str, str]) -> None:
        self.push("dc_date", 1)

    def _end_dc_date(self) -> None:
        self.pop("dc_date")

    def _start_itunes_summary(self, _attributes: dict[str, str]) -> None:
        self.push("itunes_summary", 1)

    def _end_itunes_summary(self) -> None:
        self.pop("itunes_summary")

    def _start_dc_title(self, attributes: dict[str, str]) -> None:
        self.push_content("dc_title", attributes, "text/plain", 1)

    def _end_dc_title(self) -> None:
        self.pop_content("dc_title")

    def _start_media_title(self, attributes: dict[str, str]) -> None:
        self.push_content("media_title", attributes, "text/plain", 1)

    def _end_media_title(self) -> None:
        self.pop_content("media_title")

    def _start_media_description(self, attributes: dict[str, str]) -> None:
        self.push_content("media_description", attributes, "text/plain", 1)

    def _end_media_description(self) -> None:
        self.pop_content("media_description")


class _StrictReader(_Rules, StrictFeedParser):  # type: ignore[misc]
    """feedparser's reader for well-formed XML.

    Elements inside XHTML content are closed here: feedparser would take the `</summary>` of a `<details>` for the
    entry's own and lose the rest, and writes `</br>`, which is one more line break.
    """

    inside = 0

    def unknown_starttag(self, tag: str, attributes: _Attributes) -> None:
        if self.incontent:
            self.inside += 1
        super().unknown_starttag(tag, attributes)

    def unknown_endtag(self, tag: str) -> None:
        if not self.inside:
            super().unknown_endtag(tag)
            return
        self.inside -= 1
        name = tag.rpartition(":")[2]
        if name not in _VOID and self.contentparams.get("type", "").endswith("xml"):
            self.handle_data(f"</{name}>", escape=0)
        self.svgOK = 0
        self._leave()

    def _leave(self) -> None:
        self.depth -= 1
        self.basestack.pop()
        self.langstack.pop()
        self.baseuri, self.lang = self.basestack[-1], self.langstack[-1]


class _LenientReader(_Rules, LooseFeedParser):  # type: ignore[misc]
    """feedparser's reader for everything else."""

    def unknown_starttag(self, tag: str, attributes: _Attributes) -> None:
        if self.incontent and tag.rpartition(":")[2] in ("item", "entry"):
            self._leave_content()
        super().unknown_starttag(tag, attributes)

    def _leave_content(self) -> None:
        """After an end tag that was lost or misspelt, feedparser would take all later posts for text of this one."""
        self.incontent = self.insource = self.inauthor = 0
        self.contentparams.clear()
        self.elementstack.clear()

    def handle_charref(self, reference: str) -> None:
        try:
            super().handle_charref(reference)
        except (ValueError, OverflowError):  # no such character
            self.stumbled += 1
