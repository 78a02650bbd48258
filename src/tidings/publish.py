"""The publish pipe, one stage a line:

    newest posts, frozen issues
    | render       combined feed, planet page, issue archive, feeds of issues
    | write        each file whole or not at all, and only if its bytes changed

The same frozen issues as the mail; nothing here decides anything.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from tidings.errors import RenderError, StoreError
from tidings.model import COMBINED_FEED, Edition, Etiquette, Source
from tidings.planet.tags import shown
from tidings.posts.canonical import canonical
from tidings.render.environment import SHIPPED, Templates
from tidings.render.feeds import CombinedFeed, entry_ids, render_atom
from tidings.render.issue_feed import IssueFeed, render_issue_feed
from tidings.render.pages import (
    BlogrollEntry,
    FeedLink,
    IssueLinks,
    PastIssue,
    PlanetPage,
    render_issue_page,
    render_planet,
)
from tidings.store import Store, exclusive, feeds, issue_states, posts, returning, site
from tidings.store.issues import StoredIssue
from tidings.store.site import SiteRecord

_ISSUES_IN_FEED = 20


@dataclass(frozen=True, slots=True)
class PublishSettings:
    """What publishing needs to know of the configuration. `content` is shown of sources that say nothing else."""

    title: str
    url: str
    language: str
    timezone: str
    limit: int
    content: Etiquette
    sources: Sequence[Source]
    editions: Sequence[Edition] = ()
    templates: Templates = SHIPPED


def publish_due(store: Store, folder: Path, settings: PublishSettings) -> list[Path]:
    """Publishes when something has changed since the last time this was called; returns the files written. `publish` by
    itself, which may write to any folder, makes no difference to that."""
    change = site.publishing_wanted(store)
    if change is None:
        return []
    written = publish(store, folder, settings)
    site.record_published(store, change)
    return written


def publish(store: Store, folder: Path, settings: PublishSettings) -> list[Path]:
    """Brings the files in `folder` up to date and returns those that were written or taken away.

    Raises StoreError when the folder cannot be written, and RenderError when a template is wrong: then after all files
    that it does not concern are up to date, and the pages of issues that are kept back are gone.
    """
    with exclusive(store, "publish"):
        changed: list[Path] = []
        mistakes: list[RenderError] = []
        for name, render in _files(store, settings):
            try:
                content = render()
            except RenderError as mistake:
                mistakes.append(mistake)
                continue
            if _write(folder / name, content):
                changed.append(folder / name)
        kept_back = [folder / stored.content.path for stored in issue_states.kept_back(store)]
        changed += [path for path in kept_back if _take_away(path)]
    if mistakes:
        raise mistakes[0]
    return changed


def _files(store: Store, settings: PublishSettings) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Each file's name below the folder and what renders its bytes."""
    # Who follows our own feed reads it; what it brings back is not published once more, under ids made for it.
    own, known = canonical(f"{settings.url}/{COMBINED_FEED}"), feeds.own_names(store)
    sources = shown([one for one in settings.sources if canonical(one.url) != own], known)
    names = [one.name for one in sources]
    record = site.record(store)
    newest = posts.newest(store, names, settings.limit)
    posts.note_in_feed(store, [post.id for post in newest])
    etiquette = {source.name: source.content for source in settings.sources if source.content is not None}
    archive = issue_states.archive(store)
    ids = entry_ids(record.feed_id, newest, returning.entry_ids(store, newest))
    returning.keep_entry_ids(store, ids, newest)
    combined = CombinedFeed(
        id=record.feed_id,
        title=settings.title,
        site_url=f"{settings.url}/",
        self_url=f"{settings.url}/{COMBINED_FEED}",
        posts=newest,
        empty_updated=record.created_at,
        author=settings.title,
        language=settings.language,
        content=settings.content,
        etiquette=etiquette,
        ids=ids,
    )
    yield COMBINED_FEED, partial(render_atom, combined)
    for stored, links in _archive_links(archive, settings):
        yield stored.content.path, partial(_issue_page, stored, links, settings.templates)
    for edition, (title, language) in _titles(archive, settings).items():
        feed = _issue_feed(edition, title, language, archive, settings, record)
        yield _issue_feed_path(edition), partial(render_issue_feed, feed, settings.templates)
    page = PlanetPage(
        title=settings.title,
        url=f"{settings.url}/",
        language=settings.language,
        timezone=settings.timezone,
        posts=newest,
        sources=_blogroll(store, [one for one in settings.sources if one.publish]),
        issues=[_past_issue(stored) for stored in archive],
        feeds=[
            FeedLink("", COMBINED_FEED),
            *[FeedLink(edition.title, _issue_feed_path(edition.name)) for edition in settings.editions],
        ],
        offered=[edition for edition in settings.editions if edition.signup],
        etiquette={name: etiquette.get(name, settings.content) for name in names},
    )
    yield "index.html", lambda: render_planet(page, settings.templates).encode()


def _issue_page(stored: StoredIssue, links: IssueLinks, templates: Templates) -> bytes:
    return render_issue_page(stored.content, links, templates).encode()


def _blogroll(store: Store, sources: Sequence[Source]) -> list[BlogrollEntry]:
    entries = [
        BlogrollEntry(
            state.title or state.source.name, state.site_url, state.source.url, feeds.last_post(store, state.feed_id)
        )
        for state in feeds.states(store, sources)
    ]
    return sorted(entries, key=lambda entry: entry.name.casefold())


def _past_issue(stored: StoredIssue) -> PastIssue:
    content = stored.content
    day = content.frozen_at.astimezone(ZoneInfo(content.timezone)).date()
    return PastIssue(content.edition_title, content.number, day, content.path)


def _issue_feed_path(edition: str) -> str:
    return f"issues/{edition}.xml"


def _titles(archive: Sequence[StoredIssue], settings: PublishSettings) -> dict[str, tuple[str, str]]:
    """Title and language of each edition by its name: those in the file, and those that the archive has issues of."""
    former = {one.content.edition: (one.content.edition_title, one.content.language) for one in reversed(archive)}
    return former | {edition.name: (edition.title, edition.language) for edition in settings.editions}


def _issue_feed(
    edition: str,
    title: str,
    language: str,
    archive: Sequence[StoredIssue],
    settings: PublishSettings,
    record: SiteRecord,
) -> IssueFeed:
    return IssueFeed(
        site_id=record.feed_id,
        edition=edition,
        title=title,
        site_title=settings.title,
        site_url=f"{settings.url}/",
        self_url=f"{settings.url}/{_issue_feed_path(edition)}",
        language=language,
        issues=[stored.content for stored in archive if stored.content.edition == edition][:_ISSUES_IN_FEED],
        empty_updated=record.created_at,
    )


def _archive_links(
    archive: Sequence[StoredIssue], settings: PublishSettings
) -> Iterator[tuple[StoredIssue, IssueLinks]]:
    """Each issue with the links to its neighbours within its edition."""
    editions: dict[str, list[StoredIssue]] = {}
    for stored in sorted(archive, key=lambda issue: issue.content.number):
        editions.setdefault(stored.content.edition, []).append(stored)
    neighbours = {
        stored.id: (older, newer)
        for same in editions.values()
        for older, stored, newer in zip([None, *same], same, [*same[1:], None], strict=False)
    }
    for stored in archive:
        content = stored.content
        older, newer = neighbours[stored.id]
        yield (
            stored,
            IssueLinks(
                url=f"{settings.url}/{content.path}",
                older=Path(older.content.path).name if older else "",
                newer=Path(newer.content.path).name if newer else "",
                feeds=[
                    FeedLink("", f"../{COMBINED_FEED}"),
                    FeedLink(content.edition_title, f"../{_issue_feed_path(content.edition)}"),
                ],
            ),
        )


def _take_away(path: Path) -> bool:
    """Removes the page of an issue that is not to be seen any more; False when there is none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed ({error}); check its folder") from error
    return True


def _write(path: Path, content: bytes) -> bool:
    """Writes a file as a whole, unless it already holds these bytes: readers and caches never see half a feed."""
    half = path.with_name(f".{path.name}.partial")
    try:
        if path.exists() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise StoreError(f"{path}: cannot be written ({error}); check its folder and the disk") from error
    return True
