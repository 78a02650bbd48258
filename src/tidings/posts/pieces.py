"""What tells whether two posts are one story, and the marks by which posts that may be one are found. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from html import unescape
from itertools import chain, islice

from tidings.posts.canonical import canonical, is_front_page
from tidings.posts.headlines import bare, is_distinctive
from tidings.posts.links import bare_host, host, plain_parts
from tidings.posts.plain import bare_text
from tidings.posts.wrapping import origin_notes, unwrapped
from tidings.records import dataclass

_MOST_OUTSIDE = 4
_MOST_LINKS = 200  # of one text are looked at
_MOST_TEXT = 60_000  # characters, more than the 4,000 words that are ever compared
_MOST_PICTURES = 8
_HREF = re.compile(r'<a\s[^<>]*?href="([^"<>]*)"')
_IMAGE = re.compile(r'<img\s[^<>]*?src="([^"<>]*)"([^<>]*)>')
_SMALL_IMAGE = re.compile(r'\s(?:width|height)="\d{1,2}"')  # counters, faces, icons
_SIZE = re.compile(r"(?:[-_]\d{2,5}(?:x\d{2,5}|w|px)?|@\dx|-scaled)$")
_QUOTE = re.compile(
    r"<blockquote\b[^<]*(?:<(?!/?blockquote)[^<]*)*</blockquote>|<p>\s?[“„«\"「『][^<>]{40,2000}[”“»\"」』]\s?</p>"
)
_LISTING = re.compile(r"<pre\b[^<]*(?:<(?!/?pre\b)[^<]*)*</pre>")
_LEAST_BESIDE_LISTINGS = 60  # characters


@dataclass(frozen=True, slots=True)
class Piece:
    """What tells whether two posts are one story.

    `site` is the host of the source's site or feed, without `www.`; `url` the canonical URL of the post's own link,
    or "" when it names no page. `outside` are canonical URLs of pages on other hosts that it links to, its own link
    first if it leads there, at most four; `original` is the one where the post says that it first appeared, or "".
    `text` is the visible text of the content, else of the summary, without what platforms put around it; `unquoted` the
    same without quotations and listings, or None when there are none; `pictures` the file names of images in it.
    `origin` is the canonical URL that atom:source or RSS source gives, or "". `dated` is an aware time, or None.
    `part` is what its own link has behind `#`, the part of the page that it may be about.
    """

    site: str
    url: str
    outside: tuple[str, ...]
    title: str
    text: str
    language: str
    origin: str
    dated: datetime | None
    original: str = ""
    pictures: frozenset[str] = frozenset()
    unquoted: str | None = None
    part: str = ""


def piece(
    site: str,
    url: str,
    title: str,
    text: str,
    content_html: str,
    language: str = "",
    origin_url: str = "",
    dated: datetime | None = None,
) -> Piece:
    """The piece of a post whose text is `text` and whose cleaned HTML, with absolute links, is `content_html`.

    `site` is a host. `origin_url` is the feed or the site that the document names as the post's source. Never raises.
    """
    seen = outline(site, url, title, text, content_html, language, origin_url, dated)
    original = _original(seen.site, seen.url, content_html)
    outside = list(seen.outside)
    if original and original not in outside:
        outside[_MOST_OUTSIDE - 1 :] = [original]
    return replace(
        seen,
        outside=tuple(outside),
        original=original,
        pictures=_pictures(content_html),
        unquoted=_unquoted(content_html),
        part=url.partition("#")[2],
    )


def outline(
    site: str,
    url: str,
    title: str,
    text: str,
    content_html: str,
    language: str = "",
    origin_url: str = "",
    dated: datetime | None = None,
) -> Piece:
    """The same without what only telling looks at, for half of the time: enough for `landmarks`."""
    own, page = bare_host(site), own_page(url)
    return Piece(
        own,
        page,
        tuple(islice(_outside(own, page, content_html), _MOST_OUTSIDE)),
        title,
        own_text(text),
        language,
        canonical(origin_url),
        dated,
    )


def own_text(text: str) -> str:
    """The text of a post without what platforms put around it, as far as it is compared."""
    return unwrapped(text[:_MOST_TEXT])


def _outside(own: str, page: str, content_html: str) -> Iterator[str]:
    seen = set()
    links = (unescape(link[1]) for link in islice(_HREF.finditer(content_html), _MOST_LINKS))
    # Most links stay at home, and canonical URLs take time.
    abroad = (link for link in links if not _is_home(_host_as_written(link), own))
    for target in chain([page], map(own_page, abroad)):
        if target and target not in seen and not _is_home(_host_of_page(target), own):
            seen.add(target)
            yield target


def _original(own: str, page: str, content_html: str) -> str:
    notes = (_outside(own, "", note) for note in origin_notes(content_html))
    return next((target for note in notes for target in note if target != page), "")


def _pictures(content_html: str) -> frozenset[str]:
    if "<img" not in content_html:
        return frozenset()
    images = islice(_IMAGE.finditer(content_html), _MOST_PICTURES)
    return frozenset(_file_name(image[1]) for image in images if not _SMALL_IMAGE.search(image[2])) - {""}


def _file_name(url: str) -> str:
    """The name of an image without ending and size: a platform makes its own sizes of it."""
    name = unescape(url).partition("?")[0].rpartition("/")[2].casefold().rpartition(".")
    return _SIZE.sub("", name[0] or name[2])


def _unquoted(content_html: str) -> str | None:
    html = content_html[: 2 * _MOST_TEXT]
    unquoted, quotations = _QUOTE.subn(" ", html)
    rest, listings = _LISTING.subn(" ", unquoted)
    if listings and len(bare_text(rest)) >= _LEAST_BESIDE_LISTINGS:  # else it is a mail, which has just that
        return bare_text(rest)
    return bare_text(unquoted) if quotations else None


# The last part of the address of a page that many posts lead to, and none is: where to listen, pay, follow or ask.
_STANDING = frozenset(
    "about account all app archive archives blog book buy calendar category changelog comments contact contribute "
    "cookies demo docs donate download downloads episodes events faq feed follow help history home imprint "
    "incidents impressum index jobs join kontakt legal license licenses licence listen latest live login "
    "membership merch newsletter news now pay plans playlist podcast podcasts posts press pricing privacy "
    "privacy-policy profile radio register release-notes releases roadmap rss schedule search share shop show "
    "shows signin signup sponsor sponsors status store stream subscribe subscription support terms tickets tip "
    "today tools updates video videos watch abonnieren datenschutz spenden abonnement soutenir ecouter "
    "suscribirse".split()
)
_GROUPS = frozenset("author authors category categories tag tags topic topics user users licenses people in".split())
_PEOPLE = frozenset(
    "bsky.app buymeacoffee.com discord.gg facebook.com github.com gitlab.com codeberg.org instagram.com ko-fi.com "
    "liberapay.com linkedin.com medium.com patreon.com paypal.me reddit.com t.me threads.net tiktok.com twitch.tv "
    "x.com youtube.com open.spotify.com podcasts.apple.com".split()
)
_LICENCES = frozenset({"licenses", "publicdomain"})
_LANGUAGE = re.compile("[a-z]{2}(?:-[a-z]{2})?")


@lru_cache(maxsize=2048)
def own_page(url: str) -> str:
    """The canonical URL that a link names a post by; "" for a front page and for what stands on a site for good."""
    page = canonical(url)
    return "" if is_front_page(page) or _stands(page) else page


def _stands(page: str) -> bool:
    """Whether a URL names what stands on a site whatever is new there, as front pages do: a section, a person, a
    licence. Two posts that have it in common have not."""
    if "?" in page or "#" in page:
        return False
    site, _, path = page.removeprefix("https://").partition("/")
    *groups, last = path.casefold().split("/")
    last = last.partition(".")[0]
    if last in _STANDING or last.startswith(("@", "~")) or (not groups and _LANGUAGE.fullmatch(last)):
        return True
    if not groups:
        return site in _PEOPLE
    return groups[0] in _LICENCES or (groups[-1] in _GROUPS and last.isalpha())


def _host_of_page(page: str) -> str:
    parts = plain_parts(page)
    return bare_host(parts[0]) if parts else host(page)


def _host_as_written(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].lower().removeprefix("www.")


def _is_home(target: str, own: str) -> bool:
    """Whether two hosts are of one site: the blog's own, or one below or above it (blog.firm.example)."""
    return target == own or target.endswith(f".{own}") or own.endswith(f".{target}")


# ------------------------------------------------------------------------------------------------------- landmarks

_FIRST, _LONGEST = 3, 4  # sentences: those of a shortened copy; those that survive an edit
# Ends of sentences and lines. Most scripts have their own; what has none at all is cut by its lines.
_END = "\x00"
_ENDS = ".!?\u2026\u061f\u06d4\u0964\u0965\u3002\uff01\uff0e\uff1f\uff61"
# "Read more" is anybody's. Scripts without spaces say as much in half of the signs.
_FEWEST_LETTERS, _FEWEST_SIGNS = 25, 12
_MOST_LETTERS = 300  # of a sentence are looked at
_NO_LETTER = re.compile(r"[\W_]+")
_NO_ASCII_LETTER = bytes(sign for sign in range(128) if not chr(sign).isalnum())


def landmarks(piece: Piece) -> tuple[int, ...]:
    """At most thirteen 63-bit numbers, of which two posts of one story share one with very high probability.

    They stand for the pages that it is or links to (one name space: a link post shares one with the article), its
    headline, and its first and its longest sentences. They are the same in each process and on each machine. Unrelated
    posts share one when they have a sponsor, a form or a notice in common; an index should leave out marks that very
    many posts have.
    """
    marks = {page.encode("utf-8", "surrogatepass") for page in (piece.url, *piece.outside) if page}
    if is_distinctive(headline := bare(piece.title)):
        marks.add(b"title " + _folded(" ".join(headline)))
    sentences = _sentences(piece.text)
    telling = [one for one in sentences if len(one) >= _FEWEST_LETTERS or _says_much_in_signs(one)] or [piece.text]
    marks.update(map(_folded, telling[:_FIRST]), map(_folded, sorted(telling, key=len, reverse=True)[:_LONGEST]))
    marks.discard(b"")
    return tuple(sorted(map(_number, marks)))


def _sentences(text: str) -> list[str]:
    """The sentences, paragraphs and list items of a text. A single line break ends none: mail and <pre> are wrapped."""
    text = text.replace("\n\n", _END).replace("\n- ", _END)
    for end in _ENDS:  # a fourth of the time that a pattern takes
        text = text.replace(end, _END)
    return text.split(_END)


def _says_much_in_signs(sentence: str) -> bool:
    """Whether a short sentence is long enough for its script to be nobody else's by chance."""
    return len(sentence) >= _FEWEST_SIGNS and sentence[_FEWEST_SIGNS // 2] > "\u2fff"


def _folded(text: str) -> bytes:
    """The small letters and digits of a sentence."""
    small = text[:_MOST_LETTERS].casefold()
    if small.isascii():
        return small.encode().translate(None, _NO_ASCII_LETTER)
    return _NO_LETTER.sub("", small).encode("utf-8", "surrogatepass")


def _number(mark: bytes) -> int:
    return int.from_bytes(blake2b(mark, digest_size=8).digest()) >> 1
