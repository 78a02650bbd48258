"""Bytes of a feed document to a ParsedFeed: the text found, the reader chosen, everything bounded. Pure.

No DOCTYPE of a document ever reaches a parser. One of our own takes its place that declares only what cannot grow or
lead outside, so entity bombs and external entities are refused whatever version of libexpat is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

from tidings.model import Document, Failed, ParsedFeed
from tidings.posts.encoding import TooLargeError, decode, unpack
from tidings.posts.entries import names_itself, to_feed
from tidings.posts.jsonfeed import parse_json_feed
from tidings.posts.mend import entities_in, mend
from tidings.posts.plain import scrub
from tidings.posts.readers import MAX_POSTS, Reading, read_leniently, read_strictly
from tidings.posts.roots import Root, find_root, is_feed, refuse
from tidings.records import dataclass
from tidings.workers import MEMORY

__all__ = ["MAX_POSTS", "XmlText", "guarded", "kind", "open_up", "parse", "read_xml", "strictly"]

T = TypeVar("T")

_VERSIONS = {"rss": "rss", "feed": "atom", "entry": "atom", "rdf": "rss10", "channel": "cdf"}
_LONGEST_JUNK = 20_000  # characters behind the root's end tag
_POST = re.compile(r"</?(?:[\w.-]+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_PIECE = 512 * 1024  # characters encoded at once: a whole second copy of a large document would fill the memory

_LONGEST_SOUP = 5_000_000
"""Characters of an ill-formed document that are read leniently: what takes three seconds. The rest is left unread."""


@dataclass(frozen=True, slots=True)
class XmlText:
    """The text of a document and the root of the feed in it. `complete` is False where its packing broke off."""

    text: str
    root: Root
    complete: bool


def parse(document: Document) -> ParsedFeed | Failed:
    """The feed in a document, or why there is none. Never raises; safe to send to another process.

    `document.url` must be the final URL after redirects: relative links are resolved against it. Of one document
    MAX_POSTS posts are read, of a text of each MAX_MARKUP characters and of a title MAX_LINE (posts/plain.py); what is
    beyond is cut off, and the post kept.
    """
    return guarded(lambda: _parse(document))


def guarded(reading: Callable[[], T]) -> T | Failed:
    """What `reading` a document gives, or the failure that stands for what it raises."""
    try:
        return reading()
    except TooLargeError as error:
        return Failed("too-large", f"The document is compressed: {error}, so it was not read.")
    except MemoryError:
        return Failed("too-large", f"The document needs more than {MEMORY // 2**20} MB of memory, so it was not read.")
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        return Failed("parse", f"Reading the document failed ({cause}). This is a bug: please report it.")


def _parse(document: Document) -> ParsedFeed | Failed:
    opened = open_up(document)
    if not isinstance(opened, XmlText):
        return opened
    reading = read_xml(opened, document.url)
    if isinstance(reading, Failed):
        return reading
    version, malformed = kind(reading, opened.root), reading.ending != "whole"
    return to_feed(version, document.url, reading.feed, reading.entries, malformed=malformed)


def open_up(document: Document) -> XmlText | ParsedFeed | Failed:
    """The text of a document and where its feed begins; a JSON Feed is read at once."""
    unpacked = unpack(document.body, document.limit)
    text = scrub(decode(unpacked.body, document.content_type)).lstrip()
    if not text:
        return Failed("not-a-feed", "The server answered with an empty document.")
    if text.startswith("{"):
        return parse_json_feed(text, document.url, MAX_POSTS)
    root = find_root(text)
    if root is None or not is_feed(root):
        return refuse(root, document.url)
    return XmlText(text, root, unpacked.complete)


def read_xml(opened: XmlText, url: str) -> Reading | Failed:
    """What was got out of an XML document, or why it is no feed. Its ending is "whole" if all of the document is
    there; only what the strict reader took as it stands has `surroundings`."""
    reading, whole = _read(opened.text, opened.root, url)
    # CDF has no version: a channel with a title is one.
    name = opened.root.name
    if not reading.version and not reading.entries and not (name == "channel" and "title" in reading.feed):
        return refuse(opened.root, url)
    if whole and opened.complete:
        return replace(reading, ending="whole")
    breaks_off = reading.in_post and not _is_closed(opened.text, opened.root, in_post=True)
    return replace(reading, ending="cut", entries=_recognisable(reading.entries) if breaks_off else reading.entries)


def _recognisable(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of a document that broke off in the last of them, without that one if it did not say which post it
    is: it would be stored now, and again once the document comes whole. It is asked for until it does."""
    return entries if not entries or names_itself(entries[-1]) else entries[:-1]


def kind(reading: Reading, root: Root) -> str:
    """The format of a feed, as exactly as it says."""
    return reading.version or _VERSIONS[root.name]


def strictly(text: str, root: Root, url: str) -> Reading:
    """What the strict reader finds in a document up to the first error."""
    entities = entities_in(text, dict(root.entities))
    return read_strictly(_pieces(_doctype(entities), text, root.start), url)


def _read(text: str, root: Root, url: str) -> tuple[Reading, bool]:
    """What was got out of the document by the reader that got most, and whether all of the document was there."""
    best = strictly(text, root, url)
    if best.ending == "broken":
        entities = entities_in(text, dict(root.entities))
        mended = read_strictly(mend(_doctype(entities), text, root.start, frozenset(entities)), url)
        best = replace(mended, surroundings=None)
    if best.ending != "broken":
        return best, best.ending == "whole"
    soup = text[root.start : root.start + _LONGEST_SOUP]
    lenient = read_leniently(soup, url)
    arrived = lenient.ending == "whole" and _is_closed(soup, root, in_post=lenient.in_post)
    return max(lenient, best, key=lambda reading: len(reading.entries)), arrived


def _pieces(head: str, text: str, start: int) -> Iterator[str]:
    yield head
    for at in range(start, len(text), _PIECE):
        yield text[at : at + _PIECE]


def _is_closed(text: str, root: Root, *, in_post: bool) -> bool:
    """Whether a document ends with its root's end tag. Then it arrived whole, however mixed up: what can't be read of
    it now will read no better when it is fetched again, so asking for it unconditionally each time would be rude.

    Scripts and the like may stand behind it, but no post; and an end tag in the last post may be one that it tells of.
    """
    end_tag = re.compile(rf"</(?:[\w.-]+:)?{re.escape(root.name)}\s*>", re.IGNORECASE)
    behind = end_tag.split(text[-_LONGEST_JUNK:])[1:]
    return bool(behind) and not (behind[-1].strip() if in_post else _POST.search(behind[-1]))


def _doctype(entities: dict[str, str]) -> str:
    """A declaration of the entities that the document uses: one `&nbsp;` would make it ill-formed.

    They are HTML's, and short ones of its own that hold no reference, so that nothing can be blown up with them.
    """
    if not entities:
        return ""
    declared = "".join(f'<!ENTITY {name} "{value}">' for name, value in entities.items())
    return f"<!DOCTYPE feed [{declared}]>"
