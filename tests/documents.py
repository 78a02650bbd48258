"""Feed documents made to order, and what parsing gives for them."""

from __future__ import annotations

from tidings.model import Document, Failed, ParsedFeed, ParsedPost
from tidings.posts.parse import parse

URL = "https://blog.example/feeds/all.xml"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:atom="http://www.w3.org/2005/Atom" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" '
    'xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"'
)


def read(body: bytes | str, url: str = URL, content_type: str = "") -> ParsedFeed:
    """What parsing gives for a document that is a feed."""
    parsed = parse(Document(url, body if isinstance(body, bytes) else body.encode(), content_type))
    assert isinstance(parsed, ParsedFeed), parsed
    return parsed


def refused(body: bytes | str, content_type: str = "") -> Failed:
    """The failure for a document that is none."""
    failed = parse(Document(URL, body if isinstance(body, bytes) else body.encode(), content_type))
    assert isinstance(failed, Failed), failed
    return failed


def rss(items: str, channel: str = "<link>https://blog.example/</link>") -> str:
    """An RSS document with the usual namespaces."""
    return f'<rss version="2.0" {NAMESPACES}><channel><title>T</title>{channel}{items}</channel></rss>'


def atom(entries: str, feed: str = "", attributes: str = "") -> str:
    """An Atom document."""
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>T</title>{feed}{entries}</feed>'


def rss_post(item: str, channel: str = "<link>https://blog.example/</link>") -> ParsedPost:
    """The post of an RSS feed with one item."""
    [post] = read(rss(f"<item>{item}</item>", channel)).posts
    return post


def atom_post(entry: str, feed: str = "", attributes: str = "") -> ParsedPost:
    """The post of an Atom feed with one entry."""
    [post] = read(atom(f"<entry>{entry}</entry>", feed, attributes)).posts
    return post
