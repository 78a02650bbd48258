"""The feeds that are published: of the whole site, of each tag, each source and each edition, in three formats.

Which posts are in a feed is asked of the database at once, their texts only when a file is to be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial

from tidings.editions.pictures import find_picture
from tidings.model import FEED_FILES, About, Etiquette, Source, StoredPost
from tidings.planet.plan import digest
from tidings.planet.tags import Place, source_places, tag_places
from tidings.records import dataclass
from tidings.render.atom import write_atom
from tidings.render.environment import SHIPPED, Templates
from tidings.render.feeds import CombinedFeed, Feed, entry_ids, feed_of_posts, made_ids
from tidings.render.jsonfeed import write_json
from tidings.render.rss import write_rss
from tidings.render.style import render_style
from tidings.render.xml import made_id
from tidings.shelving import Leaf
from tidings.store import Store, abouts, arrivals, feeds, planet, posts, returning
from tidings.store.arrivals import Arrival
from tidings.store.site import SiteRecord

STYLE = "feed.css"
"""The style sheet of the feeds, for who opens one in a browser."""

_Writer = Callable[[Feed, str], bytes]

_WRITERS: Mapping[str, _Writer] = dict(zip(FEED_FILES, (write_atom, write_rss, write_json), strict=True))
_OF_ISSUES: Mapping[str, _Writer] = {".xml": write_atom, ".rss.xml": write_rss, ".json": write_json}


@dataclass(frozen=True, slots=True)
class Kitchen:
    """What feeds are made with. `sources` are those that are shown; of one that says nothing else, `content`. Each feed
    has `limit` posts at most. `base` stands for settings and templates, as in planet/plan.py."""

    title: str
    url: str
    language: str
    limit: int
    content: Etiquette
    sources: Sequence[Source]
    record: SiteRecord
    templates: Templates = SHIPPED
    base: str = ""


@dataclass(frozen=True, slots=True)
class _Channel:
    """A feed of posts: whose they are and where it is, what it is called, and which posts are in it. The combined
    feed's folder is "". With `noindex` all its sources want to be in no search engine."""

    place: Place
    title: str
    arrived: tuple[Arrival, ...]
    noindex: bool


def feed_files(store: Store, kitchen: Kitchen) -> Iterator[Leaf]:
    """The feeds of posts, each in all formats, and the style sheet that all feeds have."""
    said = abouts.by_name(store, [source.name for source in kitchen.sources])
    facts = {
        state.source.name: (state.source.url, state.source.content, state.title, state.site_url)
        for state in feeds.states(store, kitchen.sources)
    }
    made = lru_cache(maxsize=1)(partial(_made, store, kitchen, said))  # the formats of a feed come one after the other
    for channel in _channels(store, kitchen, said):
        of_sources = [(facts.get(name), said.get(name)) for name in channel.place.sources]
        key = digest(kitchen.base, kitchen.limit, kitchen.content, kitchen.record, channel, of_sources)
        for name in FEED_FILES:
            yield Leaf(_path(channel, name), key, partial(_written, made, channel, name, kitchen.url))
    yield Leaf(STYLE, kitchen.base, lambda: render_style(kitchen.language, kitchen.templates).encode())


def issue_files(edition: str, site_url: str, key: str, make: Callable[[], Feed]) -> Iterator[Leaf]:
    """The feed of an edition's issues in all formats; `key` stands for what `make` makes it of."""
    made = lru_cache(maxsize=1)(make)
    for ending, write in _OF_ISSUES.items():
        path = f"issues/{edition}{ending}"
        yield Leaf(path, key, partial(_issues_written, made, write, f"{site_url}{path}"))


def _channels(store: Store, kitchen: Kitchen, said: Mapping[str, About]) -> Iterator[_Channel]:
    """The combined feed, which comes first: what it shows of a story is what the others show. Then its parts."""
    every = Place("", "", tuple(source.name for source in kitchen.sources), "")
    of_sources = source_places(kitchen.sources, feeds.names(store).values())
    for place in (every, *tag_places(kitchen.sources), *of_sources):
        title = f"{kitchen.title}: {place.name}" if place.name else kitchen.title
        noindex = bool(place.sources) and all(said.get(name, About()).noindex for name in place.sources)
        yield _Channel(place, title, tuple(arrivals.latest(store, place.sources, kitchen.limit)), noindex)


def _made(store: Store, kitchen: Kitchen, said: Mapping[str, About], channel: _Channel) -> Feed:
    found = planet.whole(store, [one.post_id for one in channel.arrived])
    shown = [found[one.post_id] for one in channel.arrived if one.post_id in found]
    feed_id = kitchen.record.feed_id
    ids = entry_ids(feed_id, shown, returning.entry_ids(store, shown, made_ids(feed_id, shown)))
    returning.keep_entry_ids(store, ids, shown)
    folder = channel.place.folder
    if not folder:
        posts.note_in_feed(store, list(ids))
    return feed_of_posts(
        CombinedFeed(
            id=made_id(f"{feed_id} {channel.place.key}") if folder else feed_id,
            title=channel.title,
            site_url=f"{kitchen.url}/{channel.place.url_path}/" if folder else f"{kitchen.url}/",
            posts=shown,
            empty_updated=kitchen.record.created_at,
            author=kitchen.title,
            language=kitchen.language,
            content=kitchen.content,
            etiquette={one.name: one.content for one in kitchen.sources if one.content is not None},
            ids=ids,
            abouts=said,
            pictures=_pictures(shown),
            style="../" * len(folder.split("/")) + STYLE if folder else STYLE,
            noindex=channel.noindex,
        )
    )


def _pictures(shown: Sequence[StoredPost]) -> dict[int, str]:
    found = {post.id: find_picture(post.content_html, post.enclosures) for post in shown}
    return {post_id: picture.url for post_id, picture in found.items() if picture}


def _path(channel: _Channel, name: str) -> str:
    return f"{channel.place.folder}/{name}" if channel.place.folder else name


def _written(made: Callable[[_Channel], Feed], channel: _Channel, name: str, url: str) -> bytes:
    folder = channel.place.url_path
    return _WRITERS[name](made(channel), f"{url}/{folder}/{name}" if folder else f"{url}/{name}")


def _issues_written(made: Callable[[], Feed], write: _Writer, self_url: str) -> bytes:
    return write(made(), self_url)
