"""The combined feed as Atom (RFC 4287), every post attributed to where it came from.

Built as a tree, so that it is well-formed whatever a post contains. Nothing here looks at a clock: the same posts give
the same bytes, which is what makes the feed's ETag mean something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from xml.etree.ElementTree import Element, SubElement

from tidings.model import Enclosure, Etiquette, StoredPost
from tidings.render.atom import (
    add_link,
    add_text,
    feed_element,
    in_language,
    iri,
    is_absolute_iri,
    legal,
    made_id,
    rfc3339,
    serialise,
)
from tidings.render.lists import excerpt
from tidings.render.words import headline, one_line, web_link

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class CombinedFeed:
    """A combined feed to write. `id` is an absolute IRI that never changes, whatever `self_url` does.

    `ids` are those of the entries, by post id, as `entry_ids` gives them; they are looked for where there are none.
    `content` is how much is shown of a source that `etiquette` (by source name) says nothing of. `empty_updated` is
    the feed's date while it has no posts, such as the moment its edition or site was set up.
    """

    id: str
    title: str
    site_url: str
    self_url: str
    posts: Sequence[StoredPost]
    empty_updated: datetime
    author: str = ""
    language: str = ""
    content: Etiquette = "full"
    etiquette: Mapping[str, Etiquette] = field(default_factory=dict)
    ids: Mapping[int, str] = field(default_factory=dict)


def render_atom(feed: CombinedFeed) -> bytes:
    """The feed as an Atom document in UTF-8, entries in the order of `feed.posts`."""
    ids = feed.ids or entry_ids(feed.id, feed.posts)
    root = feed_element(feed.language)
    add_text(root, "id", feed.id)
    add_text(root, "title", one_line(feed.title), type="text")
    add_text(root, "updated", rfc3339(max((_updated(post) for post in feed.posts), default=feed.empty_updated)))
    add_link(root, "self", feed.self_url, type="application/atom+xml")
    add_link(root, "alternate", feed.site_url, type="text/html")
    if feed.author:
        add_text(SubElement(root, "author"), "name", one_line(feed.author))
    add_text(root, "generator", "Tidings")
    source_dates = _source_dates(feed.posts)
    for post in feed.posts:
        shown = feed.etiquette.get(post.source, feed.content)
        # Where it is the feed that is short, and not its source that wants it so, a post without a title is called by
        # its first words: planets that follow this one know it by them.
        opening = "" if feed.etiquette.get(post.source) == "title" else post.text or post.summary
        _entry(root, post, ids[post.id], shown, opening, source_dates[_source_id(post)])
    return serialise(root)


def entry_ids(feed_id: str, posts: Sequence[StoredPost], kept: Mapping[str, int] | None = None) -> dict[int, str]:
    """The Atom id of each post, by post id, no two the same nor that of the feed, `feed_id`.

    The one it was published under before, as `kept` says (id → post), for an id must never change (RFC 4287 4.2.6).
    Else the author's own id where it is one and the post owns it; readers then know a post they have already seen in
    the author's feed, or in another planet's. Else one made of what never changes: neither the posts beside it nor the
    address of its source have a say.
    """
    kept = kept or {}
    former = {post_id: entry_id for entry_id, post_id in kept.items()}
    ids = {post.id: former[post.id] for post in posts if post.id in former}
    taken = {feed_id, *kept}
    for post in sorted(posts, key=lambda post: post.id):
        if post.id not in ids:
            ids[post.id] = next(candidate for candidate in _candidate_ids(feed_id, post) if candidate not in taken)
            taken.add(ids[post.id])
    return ids


def _candidate_ids(feed_id: str, post: StoredPost) -> Iterator[str]:
    """What may be the post's id, best first; the numbered ones are only for where a guid imitates a made id."""
    if post.owns_guid and is_absolute_iri(post.guid):
        yield post.guid
    yield made_id(f"{feed_id} {post.id}")
    for attempt in count(2):
        yield made_id(f"{feed_id} {post.id} {attempt}")


def _entry(
    root: Element, post: StoredPost, entry_id: str, shown: Etiquette, opening: str, source_date: datetime
) -> None:
    entry = SubElement(root, "entry", in_language({}, post.language))
    add_text(entry, "id", entry_id)
    add_text(entry, "title", headline(post.title, opening), type="text")
    # An entry without content must have an alternate link (RFC 4287 4.1.2).
    add_link(entry, "alternate", web_link(post.url) or web_link(post.source_url) or post.feed_url)
    for enclosure in post.enclosures:
        # Blogs repeat the picture of a post as a file of it: where its text may not be shown, neither may that.
        if shown != "title" or not enclosure.type.startswith("image/"):
            _enclosure(entry, enclosure)
    if web_link(post.origin_url):
        add_link(entry, "via", post.origin_url, title=one_line(post.origin_title))
    if post.published is not None:
        add_text(entry, "published", rfc3339(min(post.published, post.first_seen)))
    add_text(entry, "updated", rfc3339(_updated(post)))
    author = post.author or post.origin_title or post.source_title or post.source
    add_text(SubElement(entry, "author"), "name", one_line(author))
    for tag in dict.fromkeys(one_line(tag) for tag in post.tags):
        SubElement(entry, "category", {"term": legal(tag)})
    _source(entry, post, source_date)
    _content(entry, post, shown)


def _source(entry: Element, post: StoredPost, updated: datetime) -> None:
    """Where a post is from. What was itself copied goes on naming the blog that it was copied from (RFC 4287 section
    4.2.11), so that the copy of a copy still leads there."""
    source = SubElement(entry, "source")
    add_text(source, "id", iri(_source_id(post)))
    if _is_copied(post):
        add_text(source, "title", one_line(post.origin_title), type="text")
        add_text(source, "updated", rfc3339(updated))
        add_link(source, "alternate", post.origin_url)
        return
    add_text(source, "title", one_line(post.source_title or post.source), type="text")
    add_text(source, "updated", rfc3339(updated))
    add_link(source, "self", post.feed_url)
    if web_link(post.source_url):
        add_link(source, "alternate", post.source_url, type="text/html")


def _source_id(post: StoredPost) -> str:
    return post.origin_url if _is_copied(post) else post.feed_url


def _is_copied(post: StoredPost) -> bool:
    return bool(web_link(post.origin_url))


def _content(entry: Element, post: StoredPost, shown: Etiquette) -> None:
    if shown == "full" and post.content_html:
        add_text(entry, "content", post.content_html, type="html")
    elif shown != "title" and excerpt(post):
        add_text(entry, "summary", excerpt(post), type="text")


def _enclosure(entry: Element, enclosure: Enclosure) -> None:
    if not web_link(enclosure.url):
        return
    attributes = {}
    if _MEDIA_TYPE.fullmatch(enclosure.type):
        attributes["type"] = enclosure.type
    if enclosure.length is not None and enclosure.length > 0:
        attributes["length"] = str(enclosure.length)
    add_link(entry, "enclosure", enclosure.url, **attributes)


def _updated(post: StoredPost) -> datetime:
    """Never later than what was seen: a year 2098 in one post would date the whole feed."""
    if post.updated is None:
        return post.effective
    return min(post.updated, post.changed_at or post.first_seen)


def _source_dates(posts: Sequence[StoredPost]) -> dict[str, datetime]:
    """When each source was last updated, by its id, as far as its posts here tell."""
    dates: dict[str, datetime] = {}
    for post in posts:
        source = _source_id(post)
        dates[source] = max(dates.get(source, _updated(post)), _updated(post))
    return dates
