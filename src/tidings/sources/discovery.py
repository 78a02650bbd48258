"""Which feeds a web page has. Pure: a page's text and URL in, candidates out; whoever asks must see whether they are
feeds.

Where candidates come from, the surest first:

    known      the service's own rule for its feeds, by the URL alone (sources/services.py)
    announced  <link rel="alternate" type="application/rss+xml"> and its like, anywhere in the page
    linked     <a href> whose address or text looks like a feed of this site
    guessed    addresses that blogs commonly have

How they are ranked (`rank`): feeds of comments last, whatever else; then the feeds of the page's own domain, and those
that a service for feeds keeps for it, before those of others; then the feeds of the page's own section before those of
the whole site before those of other sections, categories and tags; then by where they come from, in the order above;
then JSON after RSS and Atom, which more programs read; then in the order of the page, which its author chose.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urljoin, urlsplit

from tidings.records import dataclass
from tidings.sources.hosts import domain_of

Kind = Literal["given", "known", "announced", "linked", "guessed"]
"""Where an address comes from; "given" is the one that the operator named."""

LONGEST_PAGE = 2_000_000
"""Characters of a page that are looked at; real ones announce their feeds in the first few thousand."""

_MOST = 100  # candidates of one kind, far more than are ever asked for
_LONGEST_URL = 2048
_LONGEST_TITLE = 200

_FEED_TYPES = frozenset(
    f"{major}/{minor}"
    for major in ("application", "text")
    for minor in "rss+xml atom+xml rdf+xml feed+json rss atom rdf x-rss+xml x-atom+xml xml".split()
)
_JSON_TYPES = frozenset({"application/json", "text/json"})
_RELATIONS = frozenset({"alternate", "feed", "service.feed"})

_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff]+")
_FEED_SCHEME = re.compile(r"feed:(//)?(?=.)", re.IGNORECASE)

_FEED_FILE = re.compile(
    r"/(?:[\w.-]{0,80}(?:feed|rss2?|atom)[\w-]{0,80}\.(?:xml|json|php|aspx)|index\.(?:xml|rdf)|[\w.-]{1,80}\.(?:rss|atom|rdf)"
    r"|(?:feed|rss|rss2|atom|feeds/posts/default|feeds/main|feed/(?:rss2?|atom))/?)$",
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|format|alt|type)=(?:rss|rss2|atom|feed|rdf)\b", re.IGNORECASE)
_FEED_WORDS = re.compile(r"\b(?:rss|atom|json feed|web feed|xml feed|feed)\b", re.IGNORECASE)
_LONGEST_LABEL = 60  # characters of a link that is labelled as a feed; more is a sentence that mentions one

_COMMENTS_TITLE = re.compile(
    r"\b(?:comments?|replies|kommentare?|commentaires?|comentarios|comentários|commenti)\b|коммент|评论|コメント",
    re.IGNORECASE,
)
_COMMENTS_PATH = re.compile(
    r"/(?:comments|replies|feeds/\d+/comments)(?:[/.]|$)|(?:^|[?&])feed=comments|comments[-_]?(?:rss|atom|feed)",
    re.IGNORECASE,
)
_SECTION_TITLE = re.compile(r"\b(?:category|tag|author|search results)\b", re.IGNORECASE)
_FEED_FOLDERS = frozenset({"feed", "feeds", "rss", "atom"})
_FEED_SERVICES = ("feedburner.com", "feedproxy.google.com", "feedpress.me")
_FEED_NAMES = ("feeds.", "feed.", "rss.")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a feed of the page. `title` is what the page calls it, or "". `is_json` is what the page
    says of its format."""

    url: str
    kind: Kind
    title: str = ""
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says of its feeds, best first."""

    announced: tuple[Candidate, ...] = ()
    linked: tuple[Candidate, ...] = ()


def read_page(text: str, url: str) -> Page:
    """The feeds that a page announces, and those it links to. Never raises, whatever the text is.

    `url` is the page's own, after redirects.
    """
    reader = _Reader(url)
    reader.feed(text[:LONGEST_PAGE])
    # No close(): it would read what is cut off at the end in time that grows with the square of its length.
    reader.end_link()
    announced = rank(unique(reader.announced), url)
    known = {candidate.url for candidate in announced}
    linked = [candidate for candidate in unique(reader.linked) if candidate.url not in known]
    return Page(tuple(announced), tuple(rank(linked, url)))


def guesses(url: str) -> list[Candidate]:
    """Where a blog's feed commonly is, most common first: in the page's own folder, then at the root of its site."""
    folder = urljoin(url, ".").partition("?")[0]
    root = urljoin(url, "/")
    below = [] if folder == root else [urljoin(folder, name) for name in ("feed", "feed.xml", "atom.xml", "index.xml")]
    names = "feed feed.xml rss.xml atom.xml index.xml feed.json rss feeds/posts/default ?feed=rss2".split()
    found = [Candidate(_absolute("", address), "guessed") for address in [*below, *(root + name for name in names)]]
    return [candidate for candidate in unique(found) if candidate.url and candidate.url != url]


def rank(candidates: Sequence[Candidate], page_url: str) -> list[Candidate]:
    """The candidates with the page's main feed first, by the rules at the top of this file."""
    return sorted(candidates, key=lambda candidate: order(candidate, page_url))


_KINDS: tuple[Kind, ...] = ("given", "known", "announced", "linked", "guessed")


def order(candidate: Candidate, page_url: str) -> tuple[bool, bool, int, int, bool]:
    """The sorting key of `rank`; what is equal in it keeps its order."""
    return (
        is_comments(candidate),
        _is_elsewhere(candidate, page_url),
        _distance(candidate, page_url),
        _KINDS.index(candidate.kind),
        candidate.is_json,
    )


def is_comments(candidate: Candidate) -> bool:
    """Whether a feed brings what readers say below the posts, not the posts."""
    parts = urlsplit(candidate.url)
    where = f"{parts.path}?{parts.query}"
    return _COMMENTS_PATH.search(where) is not None or _COMMENTS_TITLE.search(candidate.title) is not None


def unique(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The candidates without those whose address came before."""
    return list({candidate.url: candidate for candidate in reversed(list(candidates))}.values())[::-1]


def _is_elsewhere(candidate: Candidate, page_url: str) -> bool:
    """Whether a feed is kept by somebody else than the page, as those of friends and partners are."""
    if candidate.kind in ("given", "known") or domain_of(candidate.url) == domain_of(page_url):
        return False
    return not _host(candidate.url).endswith(_FEED_SERVICES)


def _distance(candidate: Candidate, page_url: str) -> int:
    """0 for a feed of the section that the page is in, 1 for the site's, 2 for another section's."""
    if candidate.kind == "known":
        return 0
    if _SECTION_TITLE.search(candidate.title):
        return 2
    if _host(candidate.url) != _host(page_url):
        return 1
    folder = _folder(urlsplit(candidate.url).path)
    if folder == "/":
        return 1
    return 0 if urlsplit(page_url).path.startswith(folder) else 2


def _folder(path: str) -> str:
    """The part of a site that a feed is of: `/blog/` for `/blog/feed/`, `/blog/atom.xml` and `/feeds/blog/x`."""
    *folders, _name = path.rstrip("/").split("/")
    kept = [part for part in folders if part and part.lower() not in _FEED_FOLDERS]
    return "/".join(["", *kept, ""])


class _Reader(HTMLParser):
    """Collects the candidates of a page."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.announced: list[Candidate] = []
        self.linked: list[Candidate] = []
        self._url = url
        self._base = url
        self._has_base = False
        self._link: tuple[str, str] | None = None
        self._label: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}  # the first of a name counts
        if tag == "base" and attributes.get("href") and not self._has_base:
            self._base = _absolute(self._url, attributes["href"]) or self._url
            self._has_base = True
        elif tag == "link":
            self._announce(attributes)
        elif tag == "a":
            self.end_link()
            if len(self.linked) < _MOST and attributes.get("href"):
                words = [attributes.get(name, "") for name in ("title", "aria-label")]
                self._link = (attributes["href"], next(filter(None, words), ""))
        elif tag == "img" and self._link:
            self._label.append(attributes.get("alt", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.end_link()

    def handle_data(self, data: str) -> None:
        if self._link and len(self._label) < _LONGEST_LABEL:
            self._label.append(data[:_LONGEST_TITLE])

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002
        """`<![…` is a comment in HTML (WHATWG HTML, 13.2.5.42); the base class raises at those it does not know."""
        return int(self.parse_bogus_comment(i))

    def end_link(self) -> None:
        """Judges the `<a>` that ends here, if one does."""
        if self._link is None:
            return
        (href, title), text = self._link, " ".join(self._label)
        self._link, self._label = None, []
        url = _absolute(self._base, href)
        label = one_line(text) or one_line(title)
        if url and _is_ours(url, self._url) and _looks_like_feed(url, f"{one_line(text)} {title}"):
            self.linked.append(Candidate(url, "linked", label))

    def _announce(self, attributes: dict[str, str]) -> None:
        relations = set(attributes.get("rel", "").lower().split())
        if len(self.announced) >= _MOST or not relations & _RELATIONS or "stylesheet" in relations:
            return
        url = _absolute(self._base, attributes.get("href", ""))
        kind = attributes.get("type", "").partition(";")[0].strip().lower()
        if not url or not _can_be_feed(url, kind, relations):
            return
        title = one_line(attributes.get("title", ""))
        self.announced.append(Candidate(url, "announced", title, "json" in kind))


def _can_be_feed(url: str, kind: str, relations: set[str]) -> bool:
    """Whether a link with this type is to a feed. Translations and pages for telephones are alternates too, and what
    WordPress announces as plain JSON is no feed."""
    if kind in _FEED_TYPES or (not kind and "feed" in relations):
        return True
    if kind and kind not in _JSON_TYPES:
        return False
    return _has_feed_address(url) or (kind in _JSON_TYPES and "feed" in urlsplit(url).path)


def _has_feed_address(url: str) -> bool:
    parts = urlsplit(url)
    return _FEED_FILE.search(parts.path) is not None or _FEED_QUERY.search(parts.query) is not None


def _looks_like_feed(url: str, label: str) -> bool:
    return _has_feed_address(url) or (len(label) <= _LONGEST_LABEL and _FEED_WORDS.search(label) is not None)


def _is_ours(url: str, page_url: str) -> bool:
    """Whether a link stays with the site, so that a page that lists other blogs does not pass their feeds off as its
    own; services that serve feeds for others count as its own."""
    host, own = _host(url), _host(page_url)
    if host == own or host.endswith(f".{own}") or own.endswith(f".{host}"):
        return True
    return host.endswith(_FEED_SERVICES) or host.startswith(_FEED_NAMES)


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _absolute(base: str, href: str) -> str:
    """The http or https URL that `href` means, without its fragment; "" when there is none, or when it holds a user
    name or password, which nobody meant us to use."""
    href = _UNSEEN.sub("", href[: _LONGEST_URL * 2])
    feed = _FEED_SCHEME.match(href)
    if feed:
        href = ("https://" if feed.group(1) else "") + href[feed.end() :]
    try:
        url = urljoin(base, href).partition("#")[0]
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return url if href and usable and len(url) <= _LONGEST_URL else ""


def one_line(text: str) -> str:
    """A title as one short line of printable characters."""
    words = "".join(character if character.isprintable() else " " for character in text[: _LONGEST_TITLE * 4]).split()
    return " ".join(words)[:_LONGEST_TITLE]
