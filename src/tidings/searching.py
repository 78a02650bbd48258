"""What visitors of the planet may find: its posts, as its pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidings.model import Etiquette, Line, Source, StoredPost
from tidings.planet.tags import planet_sources, shown
from tidings.records import dataclass
from tidings.render.words import local_date
from tidings.store import Store, abouts, feeds, posts
from tidings.store.posts import PostQuery

A_PAGE = 20
LAST_PAGE = 50
"""Who has not found it on a thousand has to ask otherwise: each page costs more than the one before."""

LONGEST = 200
"""Characters of a question."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, the newest first, and what is known of each post by its id."""

    posts: tuple[StoredPost, ...]
    about: Mapping[int, Line]
    has_more: bool


def search(
    store: Store, sources: Sequence[Source], content: Etiquette, timezone: str, words: str, number: int
) -> Found:
    """Page `number`, from 1, of what has all `words`; no post that a page would not show. Of a source that says nothing
    else, `content` may be shown."""
    public = shown(sources, feeds.own_names(store))
    names = tuple(source.name for source in public)
    start = (number - 1) * A_PAGE
    query = PostQuery(words[:LONGEST], names, limit=A_PAGE + 1, offset=start, public=True)
    found = posts.find(store, query) if words.strip() and names else []
    states, said = feeds.states(store, public), abouts.by_name(store, names)
    known = {source.name: source for source in planet_sources(public, states, said, content)}
    about = {
        post.id: Line(post.id, local_date(post.effective, timezone), known[post.source])
        for post in found
        if post.source in known
    }
    listed = tuple(post for post in found[:A_PAGE] if post.id in about)
    return Found(listed, about, len(found) > A_PAGE and number < LAST_PAGE)
