"""Documents made to break parsing: real and made-up feeds, damaged at random; and what must hold for all of them."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.documents import atom, rss
from tests.feeds import blog
from tidings.model import Failed, FeedChange, ParsedFeed, ParsedPost, PostToSave
from tidings.posts.dates import EARLIEST, LATEST
from tidings.posts.parse import MAX_POSTS
from tidings.posts.plain import MAX_LINE, MAX_MARKUP

LARGEST = 12_000  # bytes of a sample; what is longer is cut, or the run would be about few documents

NAMES = (
    "rss channel item title link guid pubDate description content:encoded category author dc:creator enclosure source "
    "feed entry id updated published summary content name rdf:RDF rdf:li image url textInput skipHours hour day ttl "
    "media:group media:content media:description itunes:summary svg math div p a img script details xhtml:div"
).split()
VALUES = (
    "",
    "javascript:alert(1)",
    "http://[::1",
    "//x",
    "mailto:",
    "data:text/html,<script>",
    "https://a.example/" + "x" * 9_000,
    "Thu, 32 Foo 2024 25:61:61 ZZZ",
    "2024-13-45",
    "9" * 400,
    "0001-01-01T00:00:00Z",
    "\u202e\ufeff\u0000\ufffe",
    "&#xd800;&#0;&#x110000;",
    "&nbsp;&bogus;&amp;amp;&#38;lt;",
    "]]><![CDATA[",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    '&lt;a href="java&#09;script:alert(1)" onclick=x&gt;x&lt;/a&gt;',
    "&lt;svg/onload=alert(1)&gt;&lt;math&gt;&lt;mtext&gt;&lt;style&gt;"
    "&lt;img title='&lt;/style&gt;&lt;img onerror=x src=x&gt;'&gt;",
    "é😀\u0301ß",
)
DOCTYPES = (
    '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;">]>',
    '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY % p SYSTEM "http://127.0.0.1:9/"> %p;]>',
    '<?xml version="1.0" encoding="utf-16"?>',
    '<?xml version="1.1" encoding="x-bogus" standalone="no"?>',
    "<?php echo 1 ?><!-- -- -->",
)
CHARSETS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "latin-1",
    "cp1251",
    "shift_jis",
    "utf-7",
)
_FORBIDDEN = frozenset("script iframe object embed style svg math form input link meta base frame video audio".split())


def samples(folder: Path | None) -> list[bytes]:
    """Feeds to begin with: made-up ones of each format, and the files below `folder`."""
    json_feed = '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": 1, "content_html": "<p>x</p>"}]}'
    made = [
        blog(range(5)),
        rss("".join(f"<item><title>{value}</title><link>{value}</link></item>" for value in VALUES)).encode(),
        rss(f"<item><description><![CDATA[{'<p>x</p>' * 50}]]></description></item>").encode(),
        atom("<entry><id>a</id><content type='xhtml'><div><p>x<br/></p></div></content></entry>" * 3).encode(),
        json_feed.encode(),
    ]
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder else []
    return made + [path.read_bytes()[:LARGEST] for path in files]


def mutate(chance: random.Random, corpus: list[bytes]) -> bytes:
    """A document: one of the corpus after a few accidents, or tag soup."""
    if chance.random() < 0.1:
        return soup(chance).encode("utf-8", "surrogatepass")
    body = chance.choice(corpus)
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        body = chance.choice(ACCIDENTS)(chance, body, corpus)
    return body[: 4 * LARGEST]


def soup(chance: random.Random) -> str:
    """Elements in any order and nesting."""
    parts = [chance.choice(("<rss>", "<feed xmlns='http://www.w3.org/2005/Atom'>", "<rdf:RDF>", "<channel>", "{", ""))]
    for _ in range(chance.randint(1, 60)):
        name = chance.choice(NAMES)
        shape = chance.choice(("<{0}>", "</{0}>", "<{0}/>", "<{0} {1}='{2}'>", "<{0}>{2}</{0}>", "{2}", "<{0} "))
        parts.append(
            shape.format(name, chance.choice(("type", "href", "xml:base", "rel", "xmlns")), chance.choice(VALUES))
        )
    return "".join(parts)


def _flip(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    flipped = bytearray(body)
    for _ in range(chance.choice((1, 3, 20))):
        if flipped:
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def _cut(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    return body[: chance.randint(0, len(body))]


def _remove(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    start, end = sorted(chance.randint(0, len(body)) for _ in range(2))
    return body[:start] + body[min(end, start + 2_000) :]


def _duplicate(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    start, end = sorted(chance.randint(0, len(body)) for _ in range(2))
    return body[:end] + body[start:end][:5_000] * chance.choice((1, 2, 10)) + body[end:]


def _splice(chance: random.Random, body: bytes, corpus: list[bytes]) -> bytes:
    other = chance.choice(corpus)
    return body[: chance.randint(0, len(body))] + other[chance.randint(0, len(other)) :]


def _insert(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    at = chance.randint(0, len(body))
    return body[:at] + chance.choice(VALUES).encode() + body[at:]


def _declare(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    references = body.replace(b"</title>", chance.choice((b"&a;", b"&c;", b"&x;", b"&p;")) + b"</title>", 2)
    return chance.choice(DOCTYPES).encode() + references


def _rename(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    found = re.findall(rb"</?([A-Za-z][\w:.-]*)", body[:20_000])
    if not found:
        return body
    old, new = chance.choice(found), chance.choice(NAMES).encode()
    return re.sub(rb"(</?)" + re.escape(old) + rb"(?=[\s/>])", rb"\g<1>" + new, body, count=chance.choice((1, 2, 0)))


def _revalue(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    value = chance.choice(VALUES).encode()
    return re.sub(rb">[^<>]{1,80}<", lambda _: b">" + value + b"<", body, count=chance.choice((1, 3, 30)))


def _recode(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    return body.decode("utf-8", "replace").encode(chance.choice(CHARSETS), "replace")


def _pack(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    packed = gzip.compress(body, 1)
    return packed if chance.random() < 0.7 else packed[: chance.randint(0, len(packed))]


def _nest(chance: random.Random, body: bytes, _corpus: list[bytes]) -> bytes:
    at = body.find(b"<item") if b"<item" in body else chance.randint(0, len(body))
    name = chance.choice(NAMES).encode()
    return (
        body[:at]
        + (b"<" + name + b">") * (12_000 if chance.random() < 0.02 else chance.choice((3, 30, 300)))
        + body[at:]
    )


ACCIDENTS: tuple[Callable[[random.Random, bytes, list[bytes]], bytes], ...] = (
    _flip, _flip, _cut, _remove, _duplicate, _splice, _insert, _insert, _declare, _rename, _rename, _revalue, _revalue,
    _recode, _pack, _nest,
)  # fmt: skip


def broken_promises(value: ParsedFeed | Failed | FeedChange) -> list[str]:
    """Each rule that what parsing or deciding gave does not keep, in words."""
    if isinstance(value, Failed):
        return [f"a bug: {value.message}"] if "bug" in value.message or not value.message else []
    if isinstance(value, FeedChange):
        return [problem for post in (*value.new, *value.changed) for problem in [*_of_any(post), *_of_saved(post)]]
    if not isinstance(value, ParsedFeed):
        return [f"neither a feed nor a failure: {type(value)}"]
    problems = [problem for post in value.posts for problem in [*_of_any(post), *_of_parsed(post)]]
    if [post.position for post in value.posts] != list(range(len(value.posts))) or len(value.posts) > MAX_POSTS:
        problems.append("positions don't count up, or there are too many")
    if len(value.wishes.skip_hours) > 23 or len(value.wishes.skip_days) > 6:
        problems.append("the feed wants nobody at any time")
    return problems


def _of_any(post: ParsedPost | PostToSave) -> list[str]:
    problems: list[str] = []
    for url in (post.url, post.origin_url, *(file.url for file in post.enclosures)):
        if not (url == "" or url.startswith(("http://", "https://", "mailto:"))) or len(url) > 8_192:
            problems.append(f"a URL that is none: {url[:100]!r}")
    for line in (post.title, post.author, post.origin_title, *post.tags):
        if len(line) > MAX_LINE or (line != " ".join(line.split())):
            problems.append(f"not one short line: {line[:100]!r}")
    for date in (post.published, post.updated):
        if date is not None and not (date.utcoffset() == timedelta(0) and EARLIEST <= date < LATEST):
            problems.append(f"an impossible date: {date}")
    return problems + _unencodable(post)


def _unencodable(post: Any) -> list[str]:
    try:
        repr(post).encode()
        post.content_html.encode()
    except UnicodeError as error:
        return [f"text that can't be stored: {error}"]
    return []


def _of_parsed(post: ParsedPost) -> list[str]:
    # Plain text grows when it is made HTML: "&" becomes "&amp;".
    return ["a text that is not cut"] if max(len(post.content_html), len(post.summary_html)) > 6 * MAX_MARKUP else []


def _of_saved(post: PostToSave) -> list[str]:
    reader = _Dangers()
    reader.feed(post.content_html)
    reader.close()
    return reader.found


class _Dangers(HTMLParser):
    """Collects what in clean HTML could act, or lead anywhere but to the web."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            leads = name in ("href", "src", "cite", "action", "srcset", "data", "poster")
            if name.startswith("on") or name == "style" or (leads and not _is_web(value or "")):
                self.found.append(f"active content: <{tag} {name}={(value or '')[:100]!r}>")
        if tag in _FORBIDDEN:
            self.found.append(f"active content: <{tag}>")


def _is_web(url: str) -> bool:
    return url.partition(":")[0].lower() in ("http", "https", "mailto")
