"""Which sources are shown in public, which tags have a page and feeds of their own, and where these are.

The tags are those that the operator gave to sources. Those that authors give to posts are carried as categories, and
have no pages: anybody may write any, in any number (docs/decisions/0060).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from tidings.model import About, Etiquette, FeedState, PlanetSource, Source, TagLink
from tidings.planet.slugs import slug, slugs
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Something that has a page and feeds of its own: a tag or a source, called `name`, whose folder is `folder` below
    the site, as "tags/go". `sources` are the names of those whose posts are there. `key` is it alone, whoever had its
    folder before."""

    name: str
    folder: str
    sources: tuple[str, ...]
    key: str

    @property
    def url_path(self) -> str:
        """The folder as it is written in a URL."""
        return quote(self.folder)


def shown(sources: Iterable[Source], own: frozenset[str] = frozenset()) -> list[Source]:
    """The sources whose posts pages and feeds show: not those that are told apart by `publish = false`, nor those
    named in `own`, which bring back what is published here."""
    return [source for source in sources if source.publish and source.name not in own]


def tag_places(sources: Sequence[Source]) -> list[Place]:
    """A place for each tag of some sources, by name. Tags with the same slug are one, called as the first is."""
    named: dict[str, str] = {}
    members: dict[str, dict[str, None]] = {}
    for source in sources:
        for tag in source.tags:
            step = slug(tag)
            named.setdefault(step, tag)
            members.setdefault(step, {})[source.name] = None
    places = [Place(name, f"tags/{step}", tuple(members[step]), f"tags/{step}") for step, name in named.items()]
    return sorted(places, key=lambda place: (place.name.casefold(), place.folder))


def tags_called_alike(sources: Sequence[Source]) -> dict[str, tuple[str, ...]]:
    """The tags of each source, by its name, as their places are called: spellings of one tag are that tag, once."""
    called = {place.folder: place.name for place in tag_places(sources)}
    return {source.name: tuple(dict.fromkeys(called[f"tags/{slug(tag)}"] for tag in source.tags)) for source in sources}


def source_places(sources: Sequence[Source], known: Iterable[str] = ()) -> list[Place]:
    """A place for each source, in their order. `known` are the names of all that were ever followed, the first to come
    first: of names that are alike the first has the plain folder for good, so that the address of a blog that is not
    followed any more never leads to another."""
    steps = slugs([*known, *(source.name for source in sources)])
    return [
        Place(source.name, f"sources/{steps[source.name]}", (source.name,), f"sources/{source.name}")
        for source in sources
    ]


def is_shy(etiquette: Etiquette, about: About) -> bool:
    """Whether the pages of a source are kept out of search engines: where only headlines are shown, or its feed asks
    for it."""
    return etiquette == "title" or about.noindex


def planet_sources(
    sources: Sequence[Source],
    states: Sequence[FeedState],
    said: Mapping[str, About],
    content: Etiquette,
    known: Iterable[str],
) -> list[PlanetSource]:
    """Some sources as pages show them, those that have a state: `said` is what their feeds say of themselves, by name,
    and `known` are the names that `source_places` wants. Of a source that says nothing else, `content` is shown."""
    places = {place.name: place for place in source_places(sources, known)}
    tags = [(TagLink(place.name, place.folder), place.sources) for place in tag_places(sources)]
    return [
        _planet_source(state, places[state.source.name], said.get(state.source.name, About()), content, tags)
        for state in states
    ]


def _planet_source(
    state: FeedState, place: Place, about: About, content: Etiquette, tags: Sequence[tuple[TagLink, Sequence[str]]]
) -> PlanetSource:
    etiquette = state.source.content or content
    return PlanetSource(
        name=place.name,
        folder=place.folder,
        title=state.title or place.name,
        feed_url=state.source.url,
        site_url=state.site_url,
        tags=tuple(tag for tag, names in tags if place.name in names),
        etiquette=etiquette,
        noindex=is_shy(etiquette, about),
        rights=about.rights,
    )
