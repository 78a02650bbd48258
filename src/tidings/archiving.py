"""The issues on the web: a page for each, and a feed of each edition's, with what may be shown of them by now.

An issue is frozen as it was mailed. What the file says later of a source, or a rule of a post, holds for what is public
all the same. Contents are read only where something is rendered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import accumulate
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from tidings.config.requests import is_for_members
from tidings.editions.dropping import begun
from tidings.feeding import STYLE, Kitchen, issue_files
from tidings.model import COMBINED_FEED, About, Edition, Etiquette, IssueContent, ListedIssue, Source
from tidings.planet.issues import Silence, Veil, in_brief, without
from tidings.planet.plan import digest
from tidings.planet.tags import is_shy
from tidings.records import dataclass
from tidings.render.environment import Templates
from tidings.render.feeds import Feed
from tidings.render.issue_feed import IssueFeed, feed_of_issues
from tidings.render.pages import FeedLink, IssueLinks, PastIssue, Room, render_issue_page
from tidings.shelving import Leaf
from tidings.store import Store, abouts, archive, feeds

_ISSUES_IN_FEED = 20
_BEGINNING = 500
"""Characters of a post that was mailed whole, and of which only an excerpt may be shown by now: as in an edition that
says nothing else."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """The issues that readers may see, newest first, and what the public may not see of each, by its id. `silence` is
    what no issue may mention, but for addresses: those are in `came`, with when each came, the oldest first."""

    issues: Sequence[ListedIssue]
    veils: Mapping[int, Veil]
    silence: Silence
    came: Sequence[tuple[datetime, str]]

    def open_to_search(self) -> list[str]:
        """The paths of the issues that search engines may have."""
        return [issue.path for issue in self.issues if not self.veils[issue.id].noindex]


def take_stock(store: Store, sources: Sequence[Source], content: Etiquette) -> Shelf:
    """The issues, with what holds of `sources`; of one that says nothing else, `content` is shown. Of one that is in
    the file no more, what held last: to take it out makes nothing public."""
    issues = archive.listed(store)
    ever = [*sources, *feeds.former(store, sources, _is_for_everybody)]
    private = [source.name for source in ever if not source.publish]
    hidden = archive.posts_of(store, private) if private else {}
    beside = archive.beside(store, private) if private else {}
    came = archive.addresses(store, private) if private else []
    silence = _silence(store, ever) if private else Silence()
    brief = _in_brief(store, ever, content)
    cut = _showing(store, ever, content, "excerpt")
    shy = _shy(store, ever, content)
    open_ones = archive.with_others(store, [*shy, *private]) if shy else {issue.id for issue in issues}
    marks = _marks(came, silence)
    veils = {
        issue.id: Veil(
            hidden=tuple(hidden.get(issue.id, ())),
            brief=tuple(sorted(brief.get(issue.id, ()))),
            begun=tuple(cut.get(issue.id, ())),
            beside=tuple(beside.get(issue.id, ())),
            mentions=marks[_count(came, issue)],
            noindex=issue.id not in open_ones,
        )
        for issue in issues
    }
    return Shelf(issues, veils, silence, came)


def issue_leaves(
    store: Store, shelf: Shelf, kitchen: Kitchen, editions: Sequence[Edition], rooms: Sequence[Room] = ()
) -> Iterator[Leaf]:
    """The page of each issue, which leads to the `rooms` of the planet, and a feed of each edition's."""
    for issue, links in _linked(shelf.issues, kitchen.url, rooms):
        make = partial(_page, store, shelf, issue, links, kitchen.templates)
        yield Leaf(issue.path, digest(kitchen.base, _mark(shelf, issue), links), make)
    for edition, (title, language) in _titles(shelf.issues, editions).items():
        newest = [issue for issue in shelf.issues if issue.edition == edition][:_ISSUES_IN_FEED]
        feed = IssueFeed(
            site_id=kitchen.record.feed_id,
            edition=edition,
            title=title,
            site_title=kitchen.title,
            site_url=f"{kitchen.url}/",
            language=language,
            issues=(),
            empty_updated=kitchen.record.created_at,
            style=f"../{STYLE}",
            noindex=bool(newest) and all(shelf.veils[issue.id].noindex for issue in newest),
        )
        key = digest(kitchen.base, feed, [_mark(shelf, issue) for issue in newest])
        yield from issue_files(edition, feed.site_url, key, _maker(store, shelf, feed, newest, kitchen.templates))


def past_issue(issue: ListedIssue) -> PastIssue:
    """An issue as lists of past ones have it."""
    day = issue.frozen_at.astimezone(ZoneInfo(issue.timezone)).date()
    return PastIssue(issue.edition_title, issue.number, day, issue.path)


def issue_feed_path(edition: str) -> str:
    """Where the feed of an edition's issues is, below the site."""
    return f"issues/{edition}.xml"


def _silence(store: Store, sources: Sequence[Source]) -> Silence:
    """What no issue may mention, but for addresses."""
    private = [source for source in sources if not source.publish]
    public = [source for source in sources if source.publish]
    open_posts = archive.named_at(store, [one.name for one in public], [one.name for one in private])
    return Silence(_names(store, private), frozenset(), _names(store, public), frozenset(open_posts))


def _marks(came: Sequence[tuple[datetime, str]], silence: Silence) -> list[str]:
    """What stands for all names and no address, for them and the first one, the first two, and so on, with who may be
    mentioned there."""
    names: dict[str, list[str]] = {}
    for name, address in sorted(silence.open_posts):
        names.setdefault(address, []).append(name)
    start = digest(sorted(silence.names), sorted(silence.open_names))
    return list(accumulate(((address, names.get(address)) for _, address in came), digest, initial=start))


def _names(store: Store, sources: Sequence[Source]) -> frozenset[str]:
    """What the operator calls some sources, and what they call themselves."""
    titles = {state.title for state in feeds.states(store, sources)}
    return frozenset({source.name for source in sources} | titles)


def _count(came: Sequence[tuple[datetime, str]], issue: ListedIssue) -> int:
    """How many addresses had come when an issue was made: it can mention no others."""
    return bisect_right(came, issue.frozen_at, key=lambda one: one[0])


def _is_for_everybody(url: str) -> bool:
    return not is_for_members(url, (), None)


def _in_brief(store: Store, sources: Sequence[Source], content: Etiquette) -> dict[int, set[int]]:
    """The posts of which no more than the headline may be shown, by their issues."""
    found: dict[int, set[int]] = {}
    for some in (_showing(store, sources, content, "title"), archive.withdrawn(store)):
        for issue_id, ids in some.items():
            found.setdefault(issue_id, set()).update(ids)
    return found


def _showing(store: Store, sources: Sequence[Source], content: Etiquette, etiquette: Etiquette) -> dict[int, list[int]]:
    """The posts of which so much may be shown, by their issues."""
    names = [source.name for source in sources if (source.content or content) == etiquette]
    return archive.posts_of(store, names) if names else {}


def _shy(store: Store, sources: Sequence[Source], content: Etiquette) -> list[str]:
    said = abouts.by_name(store, [source.name for source in sources])
    return [one.name for one in sources if is_shy(one.content or content, said.get(one.name, About()))]


def _mark(shelf: Shelf, issue: ListedIssue) -> str:
    """What stands for an issue as the public sees it."""
    return digest(issue, shelf.veils[issue.id])


def _shown(store: Store, shelf: Shelf, issue: ListedIssue) -> IssueContent:
    """An issue as the public sees it."""
    veil, content = shelf.veils[issue.id], archive.content(store, issue.id)
    addresses = frozenset(address for _, address in shelf.came[: _count(shelf.came, issue)])
    named = without(content, veil, replace(shelf.silence, addresses=addresses))
    return begun(in_brief(named, veil.brief), veil.begun, _BEGINNING)


def _page(store: Store, shelf: Shelf, issue: ListedIssue, links: IssueLinks, templates: Templates) -> bytes:
    noindex = shelf.veils[issue.id].noindex
    return render_issue_page(_shown(store, shelf, issue), links, templates, noindex=noindex).encode()


def _maker(
    store: Store, shelf: Shelf, feed: IssueFeed, issues: Sequence[ListedIssue], templates: Templates
) -> Callable[[], Feed]:
    def make() -> Feed:
        shown = [_shown(store, shelf, issue) for issue in issues]
        return feed_of_issues(replace(feed, issues=shown), templates)

    return make


def _titles(issues: Sequence[ListedIssue], editions: Sequence[Edition]) -> dict[str, tuple[str, str]]:
    """Title and language of each edition by its name: those in the file, and those that the archive has issues of."""
    former = {one.edition: (one.edition_title, one.language) for one in reversed(issues)}
    return former | {edition.name: (edition.title, edition.language) for edition in editions}


def _linked(issues: Sequence[ListedIssue], url: str, rooms: Sequence[Room]) -> Iterator[tuple[ListedIssue, IssueLinks]]:
    """Each issue with the links to its neighbours within its edition, and to the planet."""
    editions: dict[str, list[ListedIssue]] = {}
    for issue in sorted(issues, key=lambda issue: issue.number):
        editions.setdefault(issue.edition, []).append(issue)
    neighbours = {
        issue.id: (older, newer)
        for same in editions.values()
        for older, issue, newer in zip([None, *same], same, [*same[1:], None], strict=False)
    }
    for issue in issues:
        older, newer = neighbours[issue.id]
        links = IssueLinks(
            url=f"{url}/{issue.path}",
            older=PurePosixPath(older.path).name if older else "",
            newer=PurePosixPath(newer.path).name if newer else "",
            feeds=[
                FeedLink("", f"../{COMBINED_FEED}"),
                FeedLink(issue.edition_title, f"../{issue_feed_path(issue.edition)}"),
            ],
            rooms=rooms,
        )
        yield issue, links
