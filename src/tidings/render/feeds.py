"""A feed to publish, as one value that all formats are written from; and that of posts.

Nothing here looks at a clock: the same posts give the same bytes, which is what makes the feed's ETag mean something.
How much of a post is shown is decided here, once, so that no format shows more than another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from tidings.model import About, Enclosure, Etiquette, StoredPost
from tidings.render.lists import excerpt
from tidings.render.words import headline, one_line, web_link
from tidings.render.xml import is_absolute_iri, legal, made_id

_MOST_TEXT = 3_000_000
"""Characters of whole texts in a feed; of the posts that they leave no room for it has the beginning."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry is from: the feed and the site as they call themselves. `feed_url` is "" where the feed is not
    known, as of what was copied from a copy. `about` is what the feed says of itself."""

    id: str
    title: str
    feed_url: str
    site_url: str
    updated: datetime
    about: About = field(default_factory=About)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry, with as much as may be shown of it: `html` or `summary`, a line of plain text, or neither. `picture`
    stands for it; `rights` are its own. `via` is the page that a copy was taken from, with its title."""

    id: str
    title: str
    url: str
    updated: datetime
    author: str
    published: datetime | None = None
    language: str = ""
    tags: tuple[str, ...] = ()
    rights: str = ""
    html: str = ""
    summary: str = ""
    picture: str = ""
    files: tuple[Enclosure, ...] = ()
    via: tuple[str, str] = ("", "")
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed to write. `id` is an absolute IRI that never changes, whatever its addresses do; `site_url` is the page
    that shows the same. `style` is the style sheet's address, relative to the feed's; with `noindex` it wants to be in
    no search engine."""

    id: str
    title: str
    site_url: str
    updated: datetime
    author: str = ""
    language: str = ""
    entries: Sequence[Entry] = ()
    style: str = ""
    noindex: bool = False


@dataclass(frozen=True, slots=True)
class CombinedFeed:
    """Posts to make a feed of. `id` is an absolute IRI that never changes.

    `ids` are those of the entries, by post id, as `entry_ids` gives them; they are looked for where there are none.
    `content` is how much is shown of a source that `etiquette` (by source name) says nothing of. `abouts` is what
    sources say of themselves, by their names, and `pictures` what stands for posts, by post id. `empty_updated` is the
    feed's date while it has no posts, such as the moment its edition or site was set up.
    """

    id: str
    title: str
    site_url: str
    posts: Sequence[StoredPost]
    empty_updated: datetime
    author: str = ""
    language: str = ""
    content: Etiquette = "full"
    etiquette: Mapping[str, Etiquette] = field(default_factory=dict)
    ids: Mapping[int, str] = field(default_factory=dict)
    abouts: Mapping[str, About] = field(default_factory=dict)
    pictures: Mapping[int, str] = field(default_factory=dict)
    style: str = ""
    noindex: bool = False


def feed_of_posts(combined: CombinedFeed) -> Feed:
    """The feed of some posts, entries in their order, each attributed to where it came from."""
    ids = combined.ids or entry_ids(combined.id, combined.posts)
    origins = _origins(combined)
    whole = _whole(combined)
    entries = [
        _entry(combined, post, ids[post.id], origins[_origin_of(post)], post.id in whole) for post in combined.posts
    ]
    return Feed(
        id=combined.id,
        title=one_line(combined.title),
        site_url=combined.site_url,
        updated=max((entry.updated for entry in entries), default=combined.empty_updated),
        author=one_line(combined.author),
        language=combined.language,
        entries=entries,
        style=combined.style,
        noindex=combined.noindex,
    )


def entry_ids(feed_id: str, posts: Sequence[StoredPost], kept: Mapping[str, int] | None = None) -> dict[int, str]:
    """The Atom id of each post, by post id, no two the same nor that of the feed, `feed_id`.

    The one it was published under before, as `kept` says (id → post), for an id must never change (RFC 4287 4.2.6).
    Else the author's own id where it is one and the post owns it; readers then know a post they have already seen in
    the author's feed, or in another planet's. Else one made of what a second reading brings again, as when a database
    is restored, which then numbers its posts otherwise. `kept` has to have whose the ids of `made_ids` are, too.
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


def made_ids(feed_id: str, posts: Sequence[StoredPost]) -> list[str]:
    """The ids that some posts may get beside their own, and that posts of the same names may have."""
    return [made_id(_name(feed_id, post)) for post in posts]


def _candidate_ids(feed_id: str, post: StoredPost) -> Iterator[str]:
    """What may be the post's id, best first. With a number are those of namesakes in one feed; the later ones are only
    for where a guid imitates a made id."""
    if post.owns_guid and is_absolute_iri(post.guid):
        yield post.guid
    name = _name(feed_id, post)
    yield made_id(name)
    yield made_id(f"{name} {post.id}")
    for attempt in count(2):
        yield made_id(f"{name} {post.id} {attempt}")


def _name(feed_id: str, post: StoredPost) -> str:
    """What names a post in its feed by what the feed says, as in posts/identity.py."""
    opening = post.title or post.text
    by_link = f"{post.url} {opening}" if post.url else f"{opening} {post.published}"
    return legal(f"{feed_id} {post.feed_url} {post.guid or by_link}")


def _whole(combined: CombinedFeed) -> set[int]:
    """The posts whose whole texts are shown, as far as a feed has room: one blog's sixty long ones would be 100 MB."""
    room, whole = _MOST_TEXT, set[int]()
    for post in combined.posts:
        if combined.etiquette.get(post.source, combined.content) == "full" and len(post.content_html) <= room:
            room -= len(post.content_html)
            whole.add(post.id)
    return whole


def _entry(combined: CombinedFeed, post: StoredPost, entry_id: str, origin: Origin, is_whole: bool) -> Entry:
    own = combined.etiquette.get(post.source)
    shown = own or combined.content
    if shown == "full" and not is_whole:
        shown = "excerpt"
    # Where it is the feed that is short, and not its source that wants it so, a post without a title is called by its
    # first words: planets that follow this one know it by them.
    opening = "" if own == "title" else post.text or post.summary
    authors = map(one_line, (post.author, post.origin_title, post.source_title, post.source))
    entry = Entry(
        id=entry_id,
        title=headline(post.title, opening),
        # An entry without content must have an alternate link (RFC 4287 4.1.2).
        url=web_link(post.url) or web_link(post.source_url) or post.feed_url,
        updated=_updated(post),
        author=next(filter(None, authors), post.feed_url),
        published=None if post.published is None else min(post.published, post.first_seen),
        language=post.language,
        tags=_lines(post.tags),
        rights=one_line(post.rights),
        files=_files(post, shown),
        via=(web_link(post.origin_url), one_line(post.origin_title)),
        origin=origin,
    )
    return entry if shown == "title" else _with_text(entry, post, shown, combined.pictures.get(post.id, ""))


def _with_text(entry: Entry, post: StoredPost, shown: Etiquette, picture: str) -> Entry:
    html = post.content_html if shown == "full" else ""
    return replace(entry, html=html, summary=excerpt(post), picture=picture)


def _files(post: StoredPost, shown: Etiquette) -> tuple[Enclosure, ...]:
    """Blogs repeat the picture of a post as a file of it: where its text may not be shown, neither may that."""
    files = [file for file in post.enclosures if web_link(file.url)]
    return tuple(file for file in files if shown != "title" or not file.type.startswith("image/"))


def _origins(combined: CombinedFeed) -> dict[str, Origin]:
    """Where posts are from, by `_origin_of`, each dated as far as its posts here tell."""
    origins: dict[str, Origin] = {}
    for post in combined.posts:
        key = _origin_of(post)
        known = origins.get(key)
        if known is None:
            origins[key] = _origin(post, combined.abouts.get(post.source, About()))
        elif _updated(post) > known.updated:
            origins[key] = replace(known, updated=_updated(post))
    return origins


def _origin(post: StoredPost, about: About) -> Origin:
    """What was itself copied goes on naming the blog that it was copied from (RFC 4287 section 4.2.11), so that the
    copy of a copy still leads there."""
    if _is_copied(post):
        page = web_link(post.origin_url)
        return Origin(post.origin_url, one_line(post.origin_title) or page, "", page, _updated(post))
    source_id = about.id if is_absolute_iri(about.id) else post.feed_url
    title = one_line(post.source_title or post.source)
    shown = About(
        author=one_line(about.author),
        rights=one_line(about.rights),
        icon=web_link(about.icon),
        logo=web_link(about.logo),
        tags=_lines(about.tags),
        noindex=about.noindex,
    )
    return Origin(source_id, title, post.feed_url, web_link(post.source_url), _updated(post), shown)


def _lines(tags: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in map(one_line, tags) if tag))


def _origin_of(post: StoredPost) -> str:
    return post.origin_url if _is_copied(post) else post.feed_url


def _is_copied(post: StoredPost) -> bool:
    return bool(web_link(post.origin_url))


def _updated(post: StoredPost) -> datetime:
    """Never later than what was seen: a year 2098 in one post would date the whole feed."""
    if post.updated is None:
        return post.effective
    return min(post.updated, post.changed_at or post.first_seen)
