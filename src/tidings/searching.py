"""What visitors of the planet may find: its posts, as its pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidings.model import Etiquette, Line, Source, StoredPost
from tidings.planet.tags import planet_sources, shown
from tidings.records import dataclass
from tidings.render.words import local_date
from tidings.store import Store, abouts, feeds, finding
from tidings.store.finding import Question

A_PAGE = 20
LAST_PAGE = 50
"""Who has not found it on a thousand has to ask otherwise: each page costs more than the one before."""

LONGEST = 200
"""Characters of a question."""

_MOST_SECONDS = 1
"""How long the database may look for an answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found, the newest first, and what is known of each post by its id. On all pages there are
    `total`, or at least so many unless `is_all`, since older posts were not looked through."""

    posts: tuple[StoredPost, ...]
    about: Mapping[int, Line]
    total: int
    is_all: bool
    has_more: bool


NOTHING = Found((), {}, 0, is_all=True, has_more=False)


def search(
    store: Store, sources: Sequence[Source], content: Etiquette, timezone: str, words: str, number: int
) -> Found:
    """Page `number`, from 1, of what has all `words`; no post that a page would not show. Of a source that says nothing
    else, `content` may be shown; where that is not the whole post, no text is looked into: who asks for its words one
    after the other could tell what is shown nowhere. Raises TooLongError."""
    public = shown(sources, feeds.own_names(store))
    texts = tuple(source.name for source in public if (source.content or content) == "full")
    headlines = tuple(source.name for source in public if source.name not in texts)
    question = Question(words[:LONGEST], texts, headlines, limit=A_PAGE, offset=(number - 1) * A_PAGE)
    found = finding.find(store, question, _MOST_SECONDS)
    names = tuple(source.name for source in public)
    states, said = feeds.states(store, public), abouts.by_name(store, names)
    followed = feeds.names(store).values()
    known = {source.name: source for source in planet_sources(public, states, said, content, followed)}
    about = {
        post.id: Line(post.id, local_date(post.effective, timezone), known[post.source])
        for post in found.posts
        if post.source in known
    }
    listed = tuple(post for post in found.posts if post.id in about)
    has_more = found.total > number * A_PAGE and number < LAST_PAGE
    return Found(listed, about, found.total, found.is_all, has_more)
