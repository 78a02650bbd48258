"""The discover pipe, one stage a line:

    a URL
    | fetch        the page itself, once                          → Fetched | Failed | Postponed
    | candidates   in the executor: a feed already? else a page   → FoundFeed | Candidate
    | fetch each   a host at a time, a dozen requests at most     → Fetched | Failed | Postponed
    | parse        in the executor: what is a feed stays          → FoundFeed | Refused
    | rank         the page's main feed first, comments last

What the page announces is asked for first, then what it links to, then what blogs commonly have; each only while no
feed of posts was found. Nothing is stored but when a host was asked, so that a poll keeps its pause too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from datetime import datetime
from typing import Any

from tidings.crew import Crew, Ended
from tidings.fetching.fetch import fetch_all
from tidings.fetching.settings import FetchSettings
from tidings.governor import Governor
from tidings.model import Document, Failed, Fetched, FetchRequest, Outcome, ParsedFeed, Postponed
from tidings.posts.encoding import decode, unpack
from tidings.posts.parse import parse
from tidings.records import dataclass
from tidings.sources.discovery import Candidate, Kind, Page, guesses, is_comments, one_line, order, read_page, unique
from tidings.sources.redirects import permanent_target
from tidings.sources.services import known_feeds
from tidings.store import Store

MOST_REQUESTS = 12
"""Requests that one discovery makes, redirects not counted: nobody should mind being looked at this closely, once."""

_PARSE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed that was fetched and read. `url` is where it is to be asked for: the announced address, or where permanent
    redirects lead from it. `posts` counts those in the document; `newest` is the latest date in it, if it has any."""

    url: str
    title: str
    format: str
    posts: int
    newest: datetime | None
    kind: Kind
    is_comments: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A candidate that is no feed, or could not be had, and why."""

    url: str
    kind: Kind
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found at `url`, the page's own address after redirects; best first. `failure` says why the page itself
    could not be had."""

    url: str
    feeds: tuple[FoundFeed, ...] = ()
    refused: tuple[Refused, ...] = ()
    failure: str = ""

    @property
    def best(self) -> FoundFeed | None:
        """The feed to follow: the first that brings posts, not comments."""
        return next((feed for feed in self.feeds if not feed.is_comments), None)

    @property
    def is_feed(self) -> bool:
        """Whether the URL was a feed's already."""
        return any(feed.kind == "given" for feed in self.feeds)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How one discovery asks: politely, and telling what it asks for."""

    governor: Governor
    settings: FetchSettings
    stop: Callable[[], bool]
    tell: Callable[[str], None]

    def fetch(self, urls: Sequence[str]) -> Iterator[tuple[str, Outcome]]:
        """Asks for each URL once and yields what came of it."""
        requests = [FetchRequest(number, url) for number, url in enumerate(urls)]
        hosts = self.governor.hosts()
        for request, outcome in fetch_all(requests, self.settings, hosts, self.stop, self._note_request):
            self.governor.note_answer(request.url, outcome)
            yield request.url, outcome

    def _note_request(self, _request: FetchRequest, url: str) -> None:
        self.tell(url)
        self.governor.note_request(url)


def run(
    store: Store,
    url: str,
    settings: FetchSettings,
    open_executor: Callable[[], Executor],
    clock: Callable[[], datetime],
    stop: Callable[[], bool],
    tell: Callable[[str], None],
) -> Discovery:
    """The feeds of the page at `url`, each of them fetched and read. `tell` is called with each URL right before it is
    asked for. Nothing that a server does raises."""
    asked = _Asked(Governor(store, settings, clock), settings, stop, tell)
    with closing(Crew[str](open_executor)) as crew:
        [(_, outcome)] = list(asked.fetch([url])) or [(url, Postponed("", None))]
        if not isinstance(outcome, Fetched):
            known = [Candidate(feed, "known") for feed in known_feeds(url)]
            found, refused = _verified(asked, crew, known)
            return _ranked(url, found, refused, _why(outcome))
        read = _work(asked, crew, read_document, outcome)
        if isinstance(read, ParsedFeed) and not _is_scrap(read):
            return Discovery(outcome.url, (_found(Candidate(url, "given"), outcome, read),))
        if not isinstance(read, Page):
            return Discovery(outcome.url, failure=_why(read))
        return _search(asked, crew, {url, outcome.url}, outcome.url, read)


def read_document(document: Document) -> ParsedFeed | Page | Failed:
    """The feed in a document, or what it says of feeds if it is none. Never raises; safe to send to another process."""
    parsed = parse(document)
    if isinstance(parsed, ParsedFeed) or parsed.kind != "not-a-feed":
        return parsed
    return read_page(decode(unpack(document.body, document.limit).body, document.content_type), document.url)


def _search(asked: _Asked, crew: Crew[str], tried: set[str], page_url: str, page: Page) -> Discovery:
    """Asks for the page's candidates that were not tried yet, the surest first, until there is a feed of posts."""
    known = [Candidate(feed, "known") for feed in known_feeds(page_url)]
    stages: list[list[Candidate]] = [unique([*known, *page.announced]), list(page.linked)]
    stages += [[guess] for guess in guesses(page_url)]
    found: list[FoundFeed] = []
    refused: list[Refused] = []
    made = 1
    for stage in stages:
        room = MOST_REQUESTS - made
        candidates = [candidate for candidate in stage if candidate.url not in tried][:room]
        tried.update(candidate.url for candidate in candidates)
        made += len(candidates)
        more, failed = _verified(asked, crew, candidates)
        found += more
        refused += failed
        if asked.stop() or any(not feed.is_comments for feed in found):
            break
    return _ranked(page_url, found, refused, "")


def _verified(asked: _Asked, crew: Crew[str], candidates: Sequence[Candidate]) -> tuple[list[FoundFeed], list[Refused]]:
    """Asks for each candidate and reads what comes. Of two that lead to one document the first counts."""
    answers: dict[str, tuple[str, FoundFeed | Refused]] = {}
    kinds = {candidate.url: candidate for candidate in candidates}
    for url, outcome in asked.fetch(list(kinds)):
        read = _work(asked, crew, parse, outcome) if isinstance(outcome, Fetched) else outcome
        if isinstance(outcome, Fetched) and isinstance(read, ParsedFeed) and not _is_scrap(read):
            answers[url] = outcome.url, _found(kinds[url], outcome, read)
        else:
            answers[url] = url, Refused(url, kinds[url].kind, _why(read))
    documents: dict[str, FoundFeed | Refused] = {}
    for url in kinds:
        if url in answers:
            documents.setdefault(*answers[url])
    found = [one for one in documents.values() if isinstance(one, FoundFeed)]
    return found, [one for one in documents.values() if isinstance(one, Refused)]


def _work(asked: _Asked, crew: Crew[str], task: Callable[[Document], Any], fetched: Fetched) -> Any:
    """What `task` makes of a document in the executor, or why it could not be had."""
    document = Document(fetched.url, fetched.body, fetched.content_type, asked.settings.max_bytes)
    crew.submit(fetched.url, len(fetched.body), _PARSE_SECONDS, task, document)
    while crew.busy and not asked.stop():
        for _, result in crew.next():
            return result
    return Postponed("")


def _found(candidate: Candidate, fetched: Fetched, feed: ParsedFeed) -> FoundFeed:
    dates = [date for post in feed.posts for date in (post.published, post.updated) if date]
    url = permanent_target(fetched.hops) or candidate.url
    title = one_line(feed.title) or candidate.title
    comments = any(is_comments(Candidate(address, "given", title)) for address in (url, candidate.url))
    return FoundFeed(
        url=url,
        title=title,
        format=feed.format,
        posts=len(feed.posts),
        newest=max(dates, default=None),
        kind=candidate.kind,
        is_comments=comments or is_comments(candidate),
    )


def _is_scrap(feed: ParsedFeed) -> bool:
    """Whether a document begins like a feed and breaks off before it says anything: nobody can tell what it would be.
    One that came whole may be as empty as it likes, and one that has a title is a blog's."""
    return feed.malformed and not feed.posts and not one_line(feed.title)


def _ranked(url: str, found: Sequence[FoundFeed], refused: Sequence[Refused], failure: str) -> Discovery:
    return Discovery(url, tuple(sorted(found, key=lambda feed: _order(feed, url))), tuple(refused), failure)


def _order(feed: FoundFeed, page_url: str) -> tuple[Any, ...]:
    is_json = feed.format.startswith("json")
    return (feed.is_comments, *order(Candidate(feed.url, feed.kind, feed.title, is_json), page_url))


def _why(outcome: Outcome | ParsedFeed | Ended) -> str:
    if isinstance(outcome, Failed):
        return outcome.message
    if isinstance(outcome, ParsedFeed):
        return "it begins like a feed, and is cut short or broken before the first post"
    if isinstance(outcome, Ended):
        return f"reading it took over {outcome.seconds:g} seconds or too much memory"
    if isinstance(outcome, Postponed) and outcome.host:
        return f"{outcome.host} wants no requests for now"
    return "it was not asked for: interrupted"
