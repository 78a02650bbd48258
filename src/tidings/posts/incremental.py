"""Reading only the news of a document. Pure.

Most of a changed feed is what it was an hour ago, and reading costs as much as there is to read. So a memory is kept of
each item of the last document: a fingerprint of its mark-up, and what deciding asks of its post. Items with a
fingerprint that is remembered are left out before the rest goes to the reader, and the decision is the same as without.

That holds because nothing is assumed: the last document was read strictly as it stood, its items were seen not to
depend on each other, and whatever else their meaning depends on was the same then. In any doubt the document is read
whole. A memory is nothing but a shortcut: it may be lost or be older than what is stored.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from tidings.model import Document, Failed, ParsedFeed, ParsedPost
from tidings.posts.cut import Span, find_spans, fingerprint, without
from tidings.posts.entries import setting_of, to_post, with_posts
from tidings.posts.identity import Marks, marks
from tidings.posts.parse import XmlText, guarded, kind, open_up, read_xml, strictly
from tidings.posts.readers import Reading
from tidings.records import dataclass

RULES = 7
"""Raise it with every change to what reading makes of an item: what was remembered by other rules is not used."""

_MAX_MEMORY = 1_000_000  # bytes, unpacked
_MAX_NEWS = 1_000_000  # characters: reading them for nothing, all to be read after, must not use up a worker's time


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document with what names each of its posts, by position. Of the posts at positions in `unread` only place,
    dates and where they are from are there. `memory` is for the next reading of the feed; it is empty where that should
    be of all again."""

    feed: ParsedFeed
    marks: tuple[Marks, ...]
    unread: frozenset[int] = frozenset()
    memory: bytes = b""


@dataclass(frozen=True, slots=True)
class _Stub:
    """What is remembered of an item: the dates are as written, since what they mean depends on the other items."""

    marks: Marks
    published: datetime | None
    updated: datetime | None
    origin: str


@dataclass(frozen=True, slots=True)
class _Memory:
    """The items of a document by their fingerprint, and the context in which their mark-up has that meaning."""

    context: str
    stubs: Mapping[str, _Stub]


def parse_news(document: Document, memory: bytes = b"") -> Parsed | Failed:
    """The feed in a document, as `parse` reads it, but with the items left unread that `memory` knows; or why there is
    none. Never raises."""
    return guarded(lambda: _parse_news(document, memory))


def _parse_news(document: Document, memory: bytes) -> Parsed | Failed:
    opened = open_up(document)
    if isinstance(opened, Failed):
        return opened
    if isinstance(opened, ParsedFeed):
        return Parsed(opened, tuple(marks(post) for post in opened.posts))
    spans = find_spans(opened.text, opened.root.start) if opened.complete else None
    prints = tuple(fingerprint(opened.text, span) for span in spans or ())
    known = _unpack(memory) if spans else None
    parsed = None
    if known:
        with contextlib.suppress(
            ValueError, LookupError, TypeError, AttributeError
        ):  # a bug here costs time, not posts
            parsed = _read_news(opened, document.url, spans or (), prints, known)
    return parsed or _read_all(opened, document.url, prints)


def _read_all(opened: XmlText, url: str, prints: tuple[str, ...]) -> Parsed | Failed:
    """All of a document. `prints` are the fingerprints of its items, as far as they were found."""
    reading = read_xml(opened, url)
    if isinstance(reading, Failed):
        return reading
    setting = setting_of(url, reading.feed)
    posts = [to_post(position, entry, setting) for position, entry in enumerate(reading.entries)]
    stubs = [_stub(post) for post in posts]
    feed = with_posts(kind(reading, opened.root), url, reading.feed, posts, malformed=reading.ending != "whole")
    memory = _pack(_context(opened, url, reading), prints, stubs) if _is_divisible(reading, prints) else b""
    return Parsed(feed, tuple(stub.marks for stub in stubs), memory=memory)


def _read_news(
    opened: XmlText, url: str, spans: Sequence[Span], prints: tuple[str, ...], known: _Memory
) -> Parsed | None:
    """The document read without what is known of it; None if that is nothing, or can't be relied on."""
    # One is read anyhow: it shows whether the context is the one that is remembered.
    to_read = [position for position, print_ in enumerate(prints) if print_ not in known.stubs] or [0]
    unread = frozenset(range(len(prints))).difference(to_read)
    if not unread:
        return None
    news = without(opened.text, spans, unread)
    if len(news) > _MAX_NEWS:
        return None
    reading = strictly(news, opened.root, url)
    if not _is_divisible(reading, to_read) or _context(opened, url, reading) != known.context:
        return None
    setting = setting_of(url, reading.feed)
    new = {place: to_post(place, entry, setting) for place, entry in zip(to_read, reading.entries, strict=True)}
    stubs = [_stub(new[place]) if place in new else known.stubs[print_] for place, print_ in enumerate(prints)]
    posts = [new.get(place) or _unread_post(place, stub) for place, stub in enumerate(stubs)]
    feed = with_posts(kind(reading, opened.root), url, reading.feed, posts, malformed=False)
    return Parsed(feed, tuple(stub.marks for stub in stubs), unread, _pack(known.context, prints, stubs))


def _unread_post(position: int, stub: _Stub) -> ParsedPost:
    return ParsedPost(position, published=stub.published, updated=stub.updated, origin_url=stub.origin)


def _is_divisible(reading: Reading, items: Sequence[object]) -> bool:
    """Whether each item of a document has its meaning by itself, and the reader found as many as we did."""
    return reading.ending == "whole" and reading.surroundings is not None and len(reading.entries) == len(items)


def _context(opened: XmlText, url: str, reading: Reading) -> str:
    """32 hex digits that stand for all that the post an item becomes depends on beside the item's own mark-up."""
    outside = (RULES, url, setting_of(url, reading.feed), opened.root.entities, reading.surroundings)
    return hashlib.blake2b(repr(outside).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _stub(post: ParsedPost) -> _Stub:
    return _Stub(marks(post), post.published, post.updated, post.origin_url)


def _pack(context: str, prints: Sequence[str], stubs: Sequence[_Stub]) -> bytes:
    """The memory of a document as it is stored: JSON, compressed. Empty if there is too much to remember."""
    remembered = {
        print_: (
            stub.marks.keys,
            stub.marks.former,
            stub.marks.content_hash,
            stub.marks.page,
            stub.marks.hints,
            stub.marks.twin,
            stub.published and stub.published.isoformat(),
            stub.updated and stub.updated.isoformat(),
            stub.origin,
        )
        for print_, stub in zip(prints, stubs, strict=True)
    }
    text = json.dumps((context, remembered), separators=(",", ":"))
    return zlib.compress(text.encode("ascii"), 1) if len(text) <= _MAX_MEMORY else b""


def _unpack(memory: bytes) -> _Memory | None:
    """What was packed; None for no memory, and for one that can't be read: then it is made anew."""
    try:
        context, entries = json.loads(zlib.decompress(memory)) if memory else ("", {})
        stubs = {
            print_: _Stub(
                Marks(tuple(keys), tuple(former), content_hash, page, tuple(hints), twin),
                _date(published),
                _date(updated),
                origin,
            )
            for print_, (keys, former, content_hash, page, hints, twin, published, updated, origin) in entries.items()
        }
    except (zlib.error, ValueError, TypeError, AttributeError):
        return None
    return _Memory(context, stubs) if stubs else None


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
