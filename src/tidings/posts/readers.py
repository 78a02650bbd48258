"""feedparser's two readers, told what to keep and how much of it. collect.py, tags.py, watch.py import it too.

feedparser's own `parse` cannot be told to keep ids as they are (it rewrites them against xml:base, so a moved feed
would bring all its posts again: research/aggregators.md, section 0, point 1), so its readers are driven directly: the
strict one on expat, and where the XML is broken the lenient one. Both leave mark-up and links untouched.

What one post may hold is bounded here, where it is collected, so that a document costs memory in proportion to its
size: research/aggregators.md, section b.10.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal
from xml.parsers import expat
from xml.sax import SAXException, SAXParseException

from feedparser.api import LooseFeedParser, StrictFeedParser
from feedparser.mixin import _FeedParserMixin

from tidings.posts.collect import Collected
from tidings.posts.fastsax import BufferedExpatParser
from tidings.posts.links import resolve
from tidings.posts.plain import MAX_LINE, MAX_MARKUP
from tidings.posts.tags import ROOTS, Tagged, divided
from tidings.posts.watch import POSTS, State, Watched
from tidings.records import dataclass

MAX_POSTS = 10_000
"""Posts read from one document, more than any blog has. The rest is left unread, and the feed called malformed."""

_MAX_TEXT = MAX_MARKUP + 1  # characters of one text: one more than is kept shows that it was cut
_MAX_ELEMENTS = 10_000  # of one post, its content aside, or between two posts: what is behind is not looked at
_MAX_DEPTH = 5_000
_MAX_SKIPS = 100
_MAX_ATTRIBUTES = 100
_PIECE = 256 * 1024  # characters

_Attributes = list[tuple[str, str]]
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_MEMORY = expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]
_OPEN_CDATA = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION]
_OPEN_TOKEN = expat.errors.codes[expat.errors.XML_ERROR_UNCLOSED_TOKEN]
_CUTS = frozenset({expat.errors.codes[expat.errors.XML_ERROR_NO_ELEMENTS], _OPEN_CDATA, _OPEN_TOKEN})
_POST = re.compile(rb"<(?:[\w.-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)

Ending = Literal["whole", "cut", "broken"]
"""How reading ended: all was read; all that there is, or that we want; at an error behind which more may be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader collected: the format, feedparser's dicts of the feed and its entries, and how reading ended.

    `surroundings` is what the meaning of any of its items depends on beside its own mark-up, None for items that may
    depend on each other (posts/watch.py). `in_post` says whether the last entry had not ended where reading did.
    """

    version: str
    feed: dict[str, Any]
    entries: list[dict[str, Any]]
    ending: Ending
    surroundings: State | None = None
    in_post: bool = False


def read_strictly(pieces: Iterable[str], url: str) -> Reading:
    """What expat finds in a document given in pieces, up to the first error. `url` is what xml:base is relative to."""
    reader = _StrictReader(url, None, "utf-8")
    ending = _feed_expat(reader, pieces)
    return Reading(
        reader.version, reader.feeddata, reader.entries, ending, reader.surroundings, in_post=bool(reader.inentry)
    )


def read_leniently(text: str, url: str) -> Reading:
    """What feedparser's reader for tag soup finds in a document."""
    reader = _LenientReader(url, None, "utf-8", {})
    try:
        reader.feed(text)
        ending: Ending = "broken" if reader.stumbled else "whole"
    except MemoryError:
        raise
    except Exception:  # anything may be raised in there, and _EnoughError is as good a stop
        ending = "broken"
    return Reading(reader.version, reader.feeddata, reader.entries, ending, in_post=bool(reader.inentry))


def _feed_expat(reader: _StrictReader, pieces: Iterable[str]) -> Ending:
    parser = BufferedExpatParser()
    parser.setContentHandler(reader)
    parser.setErrorHandler(reader)
    size, last = 0, b""
    gathered = _gathered(pieces)
    try:
        for piece in gathered:
            last = piece.encode("utf-8")
            size += len(last)
            parser.feed(last)
        parser.feed(b"", isFinal=True)
    except _EnoughError:
        return "cut"
    except SAXParseException as error:
        code = getattr(error.getException(), "code", None)
        if code == _MEMORY:
            raise MemoryError from error
        unread = _unread(code, last, size - parser.position)
        if reader.is_done:
            unread += "".join(gathered).encode("utf-8")
            return "whole" if not reader.stumbled and not _POST.search(unread) else "broken"
        return "cut" if code in _CUTS and _is_last(unread) else "broken"
    except SAXException:
        return "broken"
    finally:
        parser.release()
    return "broken" if reader.stumbled else "whole"


def _unread(code: int | None, last: bytes, behind: int) -> bytes:
    """What stands behind the place where the document broke off: it is the beginning of something unfinished."""
    if code == _OPEN_CDATA:
        return last[max(last.rfind(b"<![CDATA["), 0) :]
    return last[max(len(last) - behind, 0) :]


def _is_last(unread: bytes) -> bool:
    """Whether no other reader could find more posts in there."""
    return len(unread) < _PIECE and not _POST.search(unread)


def _gathered(pieces: Iterable[str]) -> Iterator[str]:
    """The same text in pieces that are no shorter than _PIECE, the last aside: expat reads an unfinished token anew
    from its beginning with each piece, so many short ones would take time with the square of its length
    (CVE-2023-52425)."""
    gathered: list[str] = []
    size = 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield "".join(gathered)
            gathered, size = [], 0
    yield "".join(gathered)


class _EnoughError(Exception):
    """As much was read as we want of one document."""


class _Rules(Tagged, Collected):
    """feedparser's handlers, told to keep what they would rewrite, merge or guess.

    Elements that it files under one name are kept apart: an RSS link as text from atom:link, dc:date from updated,
    iTunes and Media RSS texts from the item's own. Dates stay strings, for dates.py.
    """

    can_be_relative_uri = frozenset(_FeedParserMixin.can_be_relative_uri) - {"id"}
    sanitize_html = False
    resolve_relative_uris = False
    stumbled = 0
    elements = 0
    room = _MAX_TEXT

    def __init__(self, url: str, *rest: Any) -> None:
        super().__init__("", *rest)
        self.document_url = url

    def unknown_starttag(self, tag: str, attributes: _Attributes) -> None:
        try:
            super().unknown_starttag(tag, [self._absolute_base(*each) for each in attributes] if attributes else [])
        except (_EnoughError, MemoryError):
            raise
        except Exception:  # one bad element must not take the rest of the feed with it
            self.stumbled += 1

    def unknown_endtag(self, tag: str) -> None:
        try:
            super().unknown_endtag(tag)
        except MemoryError:
            raise
        except Exception:
            self.stumbled += 1
        # feedparser stays inside an xml:base when nothing around it has one.
        self.baseuri = self.basestack[-1] if self.basestack else ""

    def _absolute_base(self, name: str, value: str) -> tuple[str, str]:
        return (name, resolve(self.baseuri or self.document_url, value)) if name == "xml:base" else (name, value)

    def resolve_uri(self, uri: str) -> str:
        """Only xml:base is feedparser's business: what else a link is relative to is decided in entries.py."""
        return str(super().resolve_uri(uri)) if self.baseuri else uri

    def push(self, element: str, expecting_text: int) -> None:
        super().push(element, expecting_text)
        self.room = _MAX_TEXT

    def handle_data(self, text: str, escape: int = 1) -> None:
        if self.room > 0:
            super().handle_data(text[: self.room], escape)
            self.room -= len(text)

    def _start_item(self, attributes: dict[str, str]) -> None:
        if len(self.entries) >= MAX_POSTS:
            raise _EnoughError
        self.elements = 0
        super()._start_item(attributes)
        self.entries[-1]["xml_base"] = self.baseuri
        self.entries[-1]["xml_lang"] = self.lang

    _start_entry = _start_item

    def _end_item(self) -> None:
        super()._end_item()
        self.elements = 0

    _end_entry = _end_item

    def _end_hour(self) -> None:
        self._skip("skip_hours", self.pop("hour"))

    def _end_day(self) -> None:
        self._skip("skip_days", self.pop("day"))

    def _skip(self, key: str, value: str | None) -> None:
        """Hours and days of RSS skipHours and skipDays, of which feedparser keeps only the last."""
        skips = self.feeddata.setdefault(key, [])
        if value and not self.inentry and len(skips) < _MAX_SKIPS:
            skips.append(value)

    def _sync_author_detail(self, key: str = "author") -> None:
        """Looks for an address in a name, with an expression that takes time with the square of the name's length."""
        if len(dict.get(self._get_context(), key) or "") <= MAX_LINE:
            super()._sync_author_detail(key)

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


class _StrictReader(Watched, _Rules, StrictFeedParser):  # type: ignore[misc]
    """feedparser's reader for well-formed XML.

    Elements inside XHTML content are closed here: feedparser would take the `</summary>` of a `<details>` for the
    entry's own and lose the rest, and writes `</br>`, which is one more line break.

    Most elements are leaves such as `<guid>`, of which neither content, base, namespaces nor the bounds of posts make
    anything: for those begin and end do at once what they come to through all the classes above, which saves seven
    in a hundred instructions of reading.
    """

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self._leaves: dict[str, str] = {}

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if self.ignored or self._is_too_much(name):
            self.ignored += 1
        elif name not in self._leaves or attributes or self.decls or self.incontent or self.baseuri:
            super().begin(name, attributes)
        else:
            self.depth += 1
            self.basestack.append(self.baseuri)
            self.langstack.append(self.lang)
            try:
                self._start(self._leaves[name], {})
            except (_EnoughError, MemoryError):
                raise
            except Exception:
                self.stumbled += 1

    def end(self, name: str) -> None:
        if self.ignored:
            self.ignored -= 1
        elif name not in self._leaves or self.inside:
            super().end(name)
        else:
            _Rules.unknown_endtag(self, self._leaves[name])

    def _tag(self, name: str) -> str:
        tag = super()._tag(name)
        if name in self._plain and tag not in POSTS and tag not in ROOTS:
            self._leaves[name] = tag
        return tag

    @property
    def is_done(self) -> bool:
        """Whether the root has ended: what stands behind it is no part of the feed."""
        return bool(self.version) and not self.depth

    def _is_too_much(self, name: str) -> bool:
        """Whether an element is one too many: then it is passed over, with all that is in it."""
        if self.depth > _MAX_DEPTH:
            raise _EnoughError
        if self.incontent:
            return self.room <= 0
        self.elements += 1
        return self.elements > _MAX_ELEMENTS and divided(name)[1].lower() not in POSTS

    def unknown_starttag(self, tag: str, attributes: _Attributes) -> None:
        if self.incontent:
            self.inside += 1
        super().unknown_starttag(tag, attributes)

    def handle_data(self, text: str, escape: int = 1) -> None:
        if not self.ignored:
            super().handle_data(text, escape)

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
        if self.incontent and tag.rpartition(":")[2] in POSTS:
            self._leave_content()
        self.elements += not self.incontent
        if self.elements > _MAX_ELEMENTS or len(self.elementstack) > _MAX_DEPTH:
            raise _EnoughError
        super().unknown_starttag(tag, attributes[:_MAX_ATTRIBUTES])

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
