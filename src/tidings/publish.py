"""The publish pipe, one stage a line:

    posts, sources, frozen issues
    | plan         which files there are, with a key for each (planet/plan.py)
    | render       those whose key has changed
    | write        each file whole or not at all, and away with what is not published any more (shelving.py)

The same frozen issues as the mail; nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tidings.archiving import issue_feed_path, issue_leaves, past_issue, take_stock
from tidings.errors import TidingsError
from tidings.feeding import Kitchen, feed_files
from tidings.gathering import Layout, gather
from tidings.model import COMBINED_FEED, Edition, Etiquette, Source
from tidings.planet.belonging import lacks_most, posts_among
from tidings.planet.plan import digest
from tidings.planet.tags import shown, tags_called_alike
from tidings.posts.own import is_own
from tidings.render.environment import SHIPPED, Templates
from tidings.render.finding import render_robots
from tidings.render.pages import FeedLink, PastIssue, PlanetPage, Room
from tidings.render.planet import ALL_ISSUES, Frame, feeds_in, render_issues, render_not_found
from tidings.render.words import web_link
from tidings.shelving import MANIFEST, Leaf, Listing, bring_up, has_list, names, read_list, strays
from tidings.sources.opml import Listed, write_opml
from tidings.store import Store, exclusive, exclusive_folder, feeds, planet, site
from tidings.store.site import SiteRecord

_ISSUES_IN_FRONT = 12


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What publishing needs to know of the configuration. `content` is shown of sources that say nothing else. With
    `is_public` readers have pages of their own beside what is published, and mail. With `search` the files are served
    by `tidings run`, which can search, and lead to that."""

    title: str
    url: str
    language: str
    timezone: str
    limit: int
    content: Etiquette
    sources: Sequence[Source]
    editions: Sequence[Edition] = ()
    templates: Templates = SHIPPED
    is_public: bool = False
    search: bool = False


def publish_due(
    store: Store,
    folder: Path,
    settings: PublishSettings,
    *,
    anyway: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> list[Path]:
    """Publishes when something has changed since the last time this was called, or `anyway`; returns the files written.
    `publish` by itself, which may write to any folder, makes no difference to that."""
    change = site.publishing_wanted(store)
    if change is None and not anyway:
        return []
    written = publish(store, folder, settings, stop)
    if change is not None:
        site.record_published(store, change)
    return written


def publish(
    store: Store, folder: Path, settings: PublishSettings, stop: Callable[[], bool] = lambda: False
) -> list[Path]:
    """Brings the files in `folder` up to date and returns those that were written or taken away.

    Raises TidingsError when another process has followed a newer configuration, or when the files that are there are
    those of another database (planet/belonging.py): then nothing is written. Raises
    StoreError when the folder cannot be written, and RenderError when a template is wrong: then after all files
    that it does not concern are up to date, and the pages of issues that are kept back are gone. Raises StoreError too
    when `stop()` becomes true while another process publishes.
    """
    with exclusive(store, "publish", stop), exclusive_folder(folder, stop):
        listing, site_id = read_list(folder), site.record(store).feed_id
        if has_list(folder):
            _require_own(store, folder, listing, site_id)
        return bring_up(folder, _leaves(store, settings), listing, site_id)


def count_files(folder: Path) -> int:
    """How many files are published in a folder, by its list."""
    listing = read_list(folder)
    return 0 if listing is None else len(listing.files)


def _require_own(store: Store, folder: Path, listing: Listing | None, site_id: str) -> None:
    """Raises TidingsError when what is in a folder was made by another database, or by a later state of this one. Where
    its list cannot be read (None), the combined feed tells whose it is."""
    if listing is None and not names(folder / COMBINED_FEED, site_id):
        raise TidingsError(f"{folder}: its list {MANIFEST} cannot be read, and may be another's; {_way_on(folder)}")
    if listing is not None and listing.site not in ("", site_id):
        raise TidingsError(f"{folder}: these files were made by another database; {_way_on(folder)}")
    listed = posts_among(strays(folder) if listing is None else listing.files)
    missing = planet.missing(store, listed)
    if lacks_most(missing, len(listed)):
        raise TidingsError(f"{folder}: {missing} of its {len(listed)} posts are not in the database; {_way_on(folder)}")


def _way_on(folder: Path) -> str:
    return (
        "nothing was written, since publishing would take away what this one does not have. Put the right database "
        "into [site] data_dir, or publish to another folder with --out; if this database is the right one, delete "
        f"{folder / MANIFEST} and publish again"
    )


def _leaves(store: Store, settings: PublishSettings) -> Iterator[Leaf]:
    """Each file below the folder, what stands for its bytes and what makes them."""
    if not feeds.follows(store, settings.sources):
        # Posts go by the names of sources: those of the others would be taken away.
        raise TidingsError("the configuration names other sources by now; restart `tidings run` to follow them")
    # Who follows our own feed reads it; what it brings back is not published once more, under ids made for it.
    own, known = f"{settings.url}/{COMBINED_FEED}", feeds.own_names(store)
    sources = shown([one for one in settings.sources if not is_own(one.url, own)], known)
    record = site.record(store)
    shelf = take_stock(store, settings.sources, settings.content)
    issues = [past_issue(issue) for issue in shelf.issues]
    frame = _frame(settings, sources, issues)
    base = digest(frame.title, frame.url, frame.language, frame.timezone, frame.rooms, frame.templates.fingerprint)
    kitchen = _kitchen(settings, sources, record, base)
    yield from feed_files(store, kitchen)
    yield from issue_leaves(store, shelf, kitchen, settings.editions, frame.rooms)
    front = _front(settings, issues, frame)
    beside = digest(front.issues, front.feeds, front.offered, front.preferences)
    layout = Layout(
        frame,
        sources,
        settings.content,
        settings.limit,
        front,
        shelf.open_to_search(),
        base,
        beside,
    )
    yield from gather(store, layout)
    if issues:
        yield Leaf(ALL_ISSUES, digest(base, issues), lambda: render_issues(issues, frame).encode())
    yield from _furniture(_listed(store, sources), frame, base)


def _kitchen(settings: PublishSettings, sources: Sequence[Source], record: SiteRecord, base: str) -> Kitchen:
    return Kitchen(
        title=settings.title,
        url=settings.url,
        language=settings.language,
        limit=settings.limit,
        content=settings.content,
        sources=sources,
        record=record,
        templates=settings.templates,
        base=base,
    )


def _frame(settings: PublishSettings, sources: Sequence[Source], issues: Sequence[PastIssue]) -> Frame:
    rooms: dict[Room, bool] = {
        "blogs": True,
        "tags": any(source.tags for source in sources),
        "archive": True,
        "issues": bool(issues),
        "search": settings.search,
    }
    return Frame(
        title=settings.title,
        url=settings.url,
        language=settings.language,
        timezone=settings.timezone,
        templates=settings.templates,
        rooms=[room for room, is_there in rooms.items() if is_there],
        feeds=feeds_in(""),
    )


def _front(settings: PublishSettings, issues: Sequence[PastIssue], frame: Frame) -> PlanetPage:
    """What the first page has beside its posts and sources."""
    of_editions = [FeedLink(edition.title, issue_feed_path(edition.name)) for edition in settings.editions]
    return PlanetPage(
        title=frame.title,
        url=f"{frame.url}/",
        language=frame.language,
        timezone=frame.timezone,
        posts=(),
        issues=issues[:_ISSUES_IN_FRONT],
        feeds=[*frame.feeds, *of_editions],
        offered=[edition for edition in settings.editions if edition.signup],
        preferences="preferences" if settings.is_public and settings.editions else "",
        rooms=frame.rooms,
    )


def _listed(store: Store, sources: Sequence[Source]) -> list[Listed]:
    """The blogs as a list for feed readers has them, with their pages as far as known."""
    homes = {state.source.name: web_link(state.site_url) for state in feeds.states(store, sources)}
    tags = tags_called_alike(sources)
    return [Listed(one.url, one.name, tags[one.name], homes.get(one.name, "")) for one in sources]


def _furniture(listed: Sequence[Listed], frame: Frame, base: str) -> Iterator[Leaf]:
    """What the site has once: the list of its blogs, what search engines are asked, the page of what is not there."""
    yield Leaf("sources.opml", digest(base, listed), lambda: write_opml(frame.title, listed).encode())
    yield Leaf("robots.txt", base, lambda: render_robots(frame.url))
    yield Leaf("404.html", base, lambda: render_not_found(frame).encode())
