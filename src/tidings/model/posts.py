"""Values of posts on their way from a document to the store, in the order they pass."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime, timedelta
from typing import Literal

from tidings.model.polling import Wishes
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file attached to a post, as a podcast episode has. `length` is in bytes."""

    url: str
    type: str = ""
    length: int | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a feed says of itself, beside its title and its site, for who shows its posts elsewhere. Its `id` is that of
    an Atom feed; `icon` and `logo` are addresses of pictures, a small square and a larger one. `rights` say under which
    terms its posts may be used: a sentence, the address of a licence, or both. With `noindex` it wants to be in no
    search engine. All but that is "" where it does not say."""

    id: str = ""
    author: str = ""
    rights: str = ""
    icon: str = ""
    logo: str = ""
    tags: tuple[str, ...] = ()
    noindex: bool = False


@dataclass(frozen=True, slots=True)
class ParsedPost:
    """One item of a feed as the document has it: mark-up not cleaned yet, `base` to resolve its links against.

    `url` is absolute or "". `position` counts from 0 in document order. `rights` are as in About, if it has its own.
    """

    position: int
    guid: str = ""
    url: str = ""
    title: str = ""
    author: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    tags: tuple[str, ...] = ()
    summary_html: str = ""
    content_html: str = ""
    base: str = ""
    language: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    origin_title: str = ""
    origin_url: str = ""
    rights: str = ""


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed document, read. `malformed` says that it may be cut short: its validators must not be kept, or posts
    behind the cut would wait for the next change. `self_url` is the address that it says it has, "" where it does not
    say."""

    format: str
    title: str = ""
    site_url: str = ""
    language: str = ""
    malformed: bool = False
    wishes: Wishes = field(default_factory=Wishes)
    posts: tuple[ParsedPost, ...] = ()
    self_url: str = ""
    about: About = field(default_factory=About)


@dataclass(frozen=True, slots=True)
class KnownPost:
    """What the store remembers of a post that a document may bring again: its fingerprints (posts/edits.py), "" for one
    whose text is gone; and whether it is held (posts/brake.py)."""

    post_id: int
    content_hash: str
    text_hash: str = ""
    held: bool = False


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a stored post says, to be compared with one that a document brings; of a very long `text` maybe only the
    beginning. `dated` is as in StoredPost. Of a text that is gone `sketch` is left (posts/sketch.py), of one that went
    before there were any b""."""

    post_id: int
    title: str
    text: str
    dated: datetime | None = None
    sketch: bytes = b""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A stored post that a new one may be, under other ids. `hints` are the kinds of keys that led to it; `likeness` is
    how much of both texts is in both and `contained` how much of the shorter one is in the other, from 0 to 1, None for
    texts too short to tell; `apart` is the time between the dates of both, None unless both have one. With `by_day` one
    of these dates, or both, has no time of day."""

    post_id: int
    hints: tuple[str, ...]
    likeness: float | None
    contained: float | None
    apart: timedelta | None
    same_words: bool
    by_day: bool = False


@dataclass(frozen=True, slots=True)
class Counterpart:
    """A stored post of which one that another source brings may be a copy, or the original. `text` is its beginning."""

    post_id: int
    story: int
    url: str
    title: str
    text: str
    published: datetime | None


EditKind = Literal["none", "cosmetic", "substantive"]
"""What an edit did to a post: nothing that is seen, nothing worth telling, or what readers may want to know."""


@dataclass(frozen=True, slots=True)
class Join:
    """Why a post belongs to a story that another one began: the post it is like, by which rule, how strongly (0 to 1),
    and the reason in plain words. `also` is the same for other stories that it is like; they may be united then."""

    story: int
    post_id: int
    tier: Literal["id", "page", "copy", "link", "headline", "hand"]
    score: float
    why: str
    also: tuple[Join, ...] = ()


@dataclass(frozen=True, slots=True)
class PostToSave:
    """A post decided on: cleaned, with its keys. `post_id` is None for a new one, else the row it changes, and `edit`
    is what the change amounts to. A new one may be one of its `suspects`.

    `story_url` is the canonical URL under which other sources may carry the same story, or "" when it can't tell,
    `landmarks` are what else they may be found by (posts/pieces.py), `join` is the story found. `originality` is as in
    posts/placing.py. `text_hash` is the fingerprint of what is read and looked at (posts/edits.py), "" for new ones;
    with `is_noise` nothing of that has changed. `excluded` is the rule that keeps it from being shown, or "". `heir_of`
    is the stored post whose guid or link it has, and nothing else of it (posts/doubt.py), or which another one of its
    document is: these name the new one from now on.
    """

    post_id: int | None
    keys: tuple[str, ...]
    content_hash: str
    story_url: str
    guid: str
    url: str
    title: str
    author: str
    published: datetime | None
    updated: datetime | None
    tags: tuple[str, ...]
    summary: str
    content_html: str
    text: str
    language: str
    enclosures: tuple[Enclosure, ...]
    origin_title: str
    origin_url: str
    rights: str = ""
    excluded: str = ""
    text_hash: str = ""
    edit: EditKind = "substantive"
    is_noise: bool = False
    suspects: tuple[Suspect, ...] = ()
    landmarks: tuple[int, ...] = ()
    originality: int = 1
    join: Join | None = None
    heir_of: int | None = None


@dataclass(frozen=True, slots=True)
class FeedChange:
    """What one polled document changes, decided: posts to add in ingest order, posts to rewrite, keys to remember.
    `healed` are posts that came back under other ids: changes of stored ones, with all their new keys. With `held` the
    new posts are kept from digests until it is clear what happened (posts/brake.py). `rules` is the fingerprint of the
    rules that its posts were judged by. `moved` are keys that named other stored posts until now."""

    new: tuple[PostToSave, ...] = ()
    changed: tuple[PostToSave, ...] = ()
    aliases: tuple[tuple[str, int], ...] = ()
    healed: tuple[PostToSave, ...] = ()
    held: bool = False
    rules: str = ""
    moved: tuple[tuple[str, int], ...] = ()
