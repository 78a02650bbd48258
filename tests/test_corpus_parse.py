"""Every document of the corpus, against what a strict reading of it says."""

from __future__ import annotations

import html
import json
import re
from datetime import datetime
from functools import cache
from typing import Any

import pytest

from tests.corpus import CORPUS, needs_corpus
from tidings.model import Document, Failed, ParsedFeed, ParsedPost
from tidings.posts.links import host, resolve
from tidings.posts.parse import parse

pytestmark = needs_corpus

URL = "https://collected.example/blog/feed.xml"

DISAGREEMENTS = {
    "broken-illegally-nested.xml": "items stand inside items: strictly the outer ten count, but all twenty are posts",
    "atom10-media.xml": "the entry has no id at all; the expected one stands nowhere in the document",
    "rss20-relative-html-urls.xml": "an item's xml:base counts for its link (RFC 3986 5.1.1); expected is the raw link",
    "encoding-undeclared-eucjp.xml": "no character set is declared, and guessing one by statistics is left out",
    "encoding-undeclared-gb2312.xml": "no character set is declared, and guessing one by statistics is left out",
    "encoding-undeclared-koi8r.xml": "no character set is declared, and guessing one by statistics is left out",
    "encoding-undeclared-shiftjis.xml": "no character set is declared, and guessing one by statistics is left out",
}
"""File → why our reading differs from the expected one. An entry that no longer differs fails the test."""

STUBS = {"broken-fp-rss-incomplete-cdata.xml"}
"""Files that break off in their only item, before it says anything."""

# A feed proxy's item names the page it stands for, and that is the link we want.
_ORIGINAL = re.compile(r"<(?:feedburner|pheedo):origLink>\s*(?:<!\[CDATA\[)?\s*([^<\s\]]+)")
_FIRST_POST = re.compile(r"<(?:item|entry)[\s>].*?</(?:item|entry)>", re.DOTALL)


@cache
def expected() -> dict[str, dict[str, Any]]:
    """What the corpus says of each file; empty without a corpus, so that collecting the tests does not fail."""
    if not CORPUS.is_dir():
        return {}
    entries: dict[str, dict[str, Any]] = json.loads((CORPUS / "expected.json").read_text("utf-8"))
    return {name.removeprefix("feeds/"): entry for name, entry in entries.items()}


def document(name: str) -> Document:
    """A file of the corpus, as if it had been fetched from URL."""
    return Document(URL, (CORPUS / "feeds" / name).read_bytes())


def plain(text: str | None) -> str:
    """A title as a reader sees it: tags dropped, references decoded, white space collapsed."""
    return " ".join(html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", "", text or "")).split())


def differences(name: str, feed: ParsedFeed) -> list[str]:
    """Each place where the feed is not what is expected, in words."""
    wanted = expected()[name]
    found = {"entries": len(feed.posts), "feed_title": plain(feed.title)}
    hoped = {"entries": wanted.get("entries", len(feed.posts)), "feed_title": plain(wanted.get("feed_title"))}
    if "entries" not in wanted:  # then nobody looked for a title either
        del hoped["feed_title"]
    if feed.posts and "first" in wanted:
        found |= of_post(feed.posts[0]) | {"last_id": " ".join(feed.posts[-1].guid.split())}
        hoped |= of_first(name, wanted["first"], feed) | {"last_id": wanted.get("last_id", "")}
    return [f"{key}: {found[key]!r} is not {value!r}" for key, value in hoped.items() if found[key] != value]


def of_post(post: ParsedPost) -> dict[str, Any]:
    """The fields of a post that are compared."""
    return {
        "title": plain(post.title),
        "id": " ".join(post.guid.split()),
        "link": post.url,
        "published_utc": post.published and post.published.replace(microsecond=0),
        "updated_utc": post.updated and post.updated.replace(microsecond=0),
    }


def of_first(name: str, first: dict[str, str], feed: ParsedFeed) -> dict[str, Any]:
    """The same fields as expected; one that the expectation leaves open is left out."""
    hoped: dict[str, Any] = {"id": first.get("id", "")}
    if "title" in first:
        hoped["title"] = plain(first["title"])
    if "link" in first:
        base = feed.site_url if feed.site_url and host(feed.site_url) != host(URL) else URL
        hoped["link"] = original(name) or resolve(base, first["link"])
    for key in ("published_utc", "updated_utc"):
        if key in first:
            hoped[key] = datetime.fromisoformat(first[key].replace("Z", "+00:00"))
    return hoped


def original(name: str) -> str:
    """The link behind the proxy's in the first post of the document, if it names one."""
    text = document(name).body.decode("utf-8", "replace")
    post = _FIRST_POST.search(text)
    found = _ORIGINAL.search(post.group()) if post else None
    return html.unescape(found.group(1)) if found else ""


@pytest.mark.parametrize("name", sorted(expected()))
def test_reads_what_a_strict_reading_finds(name: str) -> None:
    """A well-formed feed gives its number of posts, its first post's fields, its last id and its title."""
    wanted = expected()[name]
    parsed = parse(document(name))
    if wanted.get("hand", {}).get("must") == "refuse":
        assert isinstance(parsed, Failed)
        assert parsed.kind == "not-a-feed"
        return
    assert isinstance(parsed, ParsedFeed), parsed
    found = [*differences(name, parsed), *broken_promises(name, parsed)]
    if name in DISAGREEMENTS:
        assert found, f"{name} no longer disagrees: take it out of DISAGREEMENTS"
    else:
        assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "name", ["broken-bare-ampersands.xml", "broken-saxerror.xml", "podcast-itunes-spec.xml", "atom10-media.xml"]
)
def test_mended_documents_are_whole(name: str) -> None:
    """Stray ampersands and undeclared prefixes are mended without loss, so validators of such a feed can be kept."""
    parsed = parse(document(name))
    assert isinstance(parsed, ParsedFeed)
    assert not parsed.malformed


def broken_promises(name: str, feed: ParsedFeed) -> list[str]:
    """What values read by eye for an ill-formed document say and the feed does not."""
    hand = expected()[name].get("hand", {})
    first = feed.posts[0] if feed.posts else ParsedPost(0)
    found = {
        "entries": len(feed.posts),
        "feed_title": feed.title,
        "first_id": first.guid,
        "first_link": first.url,
        "first_title": first.title,
    }
    return [f"{key}: {found[key]!r} is not {hand[key]!r}" for key in found if key in hand and found[key] != hand[key]]


@pytest.mark.parametrize("name", sorted(name for name, entry in expected().items() if not entry["wellformed"]))
def test_reads_every_post_of_an_ill_formed_document(name: str) -> None:
    """No item whose tags stand in the bytes is lost to an error elsewhere in them, unless a tag is all of it."""
    parsed = parse(document(name))
    tags = 0 if name in STUBS else expected()[name].get("item_tags", 0)
    assert tags == 0 or (isinstance(parsed, ParsedFeed) and len(parsed.posts) == tags)


@pytest.mark.parametrize("name", sorted(name for name, entry in expected().items() if entry["wellformed"]))
def test_calls_no_well_formed_document_malformed(name: str) -> None:
    """Only a document that may be cut short is malformed: its validators are thrown away."""
    parsed = parse(document(name))
    assert isinstance(parsed, Failed) or not parsed.malformed


@pytest.mark.parametrize(
    "name",
    [
        "broken-invalid-date.xml",
        "broken-fp-rss-item-link-corrupted-ampersands.xml",
        "broken-fp-rss-incomplete-cdata.xml",
        "broken-fp-aaa-illformed.xml",
    ],
)
def test_calls_a_document_that_may_lack_posts_malformed(name: str) -> None:
    """A document that does not end with its root's end tag may lack posts, whatever was read of it."""
    parsed = parse(document(name))
    assert isinstance(parsed, ParsedFeed)
    assert parsed.malformed


@pytest.mark.parametrize("name", sorted(expected()))
def test_every_post_is_fit_to_store(name: str) -> None:
    """URLs are absolute, titles are one line, dates are aware, text can be encoded, positions count up."""
    parsed = parse(document(name))
    if isinstance(parsed, Failed):
        assert parsed.message
        return
    assert [post.position for post in parsed.posts] == list(range(len(parsed.posts)))
    for post in parsed.posts:
        for url in (post.url, post.base, post.origin_url, *(file.url for file in post.enclosures)):
            assert url == "" or url.startswith(("http://", "https://", "mailto:")), url
        assert post.title == " ".join(post.title.split())
        assert all(date is None or date.tzinfo is not None for date in (post.published, post.updated))
        repr(post).encode()


def test_no_blogger_noreply_address_is_an_author() -> None:
    """Blogger's placeholder address never shows."""
    feeds = [parse(document(name)) for name in expected() if name.startswith("blogger-")]
    authors = {post.author for feed in feeds if isinstance(feed, ParsedFeed) for post in feed.posts}
    assert authors
    assert not [author for author in authors if "noreply" in author]


def test_every_disagreement_names_a_file() -> None:
    """The table of disagreements holds no file that is not in the corpus."""
    assert set(DISAGREEMENTS) <= set(expected())
