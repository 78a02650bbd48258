"""Foreign HTML to HTML that is safe to show, and to text. Pure; the only importer of nh3.

What is kept is what reading needs: text, structure, links and pictures. Style, scripts, forms and players go, the last
leaving a link behind. The result holds absolute http, https and mailto URLs only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from html import escape, unescape
from typing import Literal
from urllib.parse import urlsplit

import nh3

from tidings.posts.links import resolve
from tidings.posts.nesting import reads_as_written
from tidings.posts.plain import bare_text, paragraphs, scrub
from tidings.posts.reading import visible_text

__all__ = ["clean", "visible_text"]

_TAGS = set(
    "p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr th td "
    "pre code kbd samp var tt blockquote q cite figure figcaption img a em strong b i u s del ins strike sub sup small "
    "mark abbr dfn time span div details summary ruby rt rp bdi bdo section article aside header footer address".split()
)
_DROPPED_WHOLE = set(
    "script style iframe noscript noembed noframes object applet embed audio video canvas svg math template title head "
    "select option optgroup datalist textarea button input map area xmp plaintext listing frameset".split()
)
_ATTRIBUTES = {
    "*": {"lang", "dir", "title"},
    "a": {"href", "hreflang"},
    "img": {"src", "alt", "width", "height", "style", "data-src", "data-lazy-src", "data-original"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "reversed", "type"},
    "li": {"value"},
    "time": {"datetime"},
    "del": {"datetime"},
    "ins": {"datetime"},
}
_Relative = Literal["pass_through", "deny"] | tuple[Literal["rewrite_with_base"], str]
_Filter = Callable[[str, str, str], str | None]
_SCHEMES = {"http", "https", "mailto"}
_LAZY = ("data-src", "data-lazy-src", "data-original")
_LAZY_AS_WRITTEN = (*_LAZY, *(name.upper() for name in _LAZY))
_IMAGE_ATTRIBUTES = ("src", "alt", "title", "width", "height", "lang", "dir")
_MAX_PASSES = 6

# Above these the sanitiser's time grows with the square (measured with nh3 0.3.8: 100,000 nested <div>, a minute). No
# article comes near; browsers themselves stop nesting at 512.
_MAX_DEPTH = 400
_MAX_AMPERSANDS = 200_000
_MAX_ATTRIBUTES = 5_000
_LONGEST_PLAIN = 50_000

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_LONGEST_TAG = 20_000
_LONG_TAG = re.compile(rf"<[a-zA-Z][^<>]{{{_LONGEST_TAG},}}")
_NOT_NESTING = frozenset(
    "p li dt dd td th tr tbody thead tfoot option area base br col embed hr img input link meta source wbr".split()
)

# Text without these comes out of the sanitiser as it went in: nothing in it is mark-up, a line ending to unify, a
# character to escape, or a byte order mark, which HTML drops at the beginning.
_MARKUP = re.compile("[<>&\r\xa0\ufeff]")

# Linear on hostile input: a tag is found whole before its source is looked for, and nothing is matched twice.
_PLAYER = re.compile(r"<(?:iframe|video|audio|embed)\b[^<>]*+>", re.IGNORECASE)
_SOURCE = re.compile(r"""\ssrc\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))""", re.IGNORECASE)
# Only ever applied to what nh3 wrote: attributes in double quotes, with < and > escaped in them.
_IMAGE = re.compile(r'<img((?:\s[^\s=<>"]+="[^"<>]*")*)\s*/?>')
_ATTRIBUTE = re.compile(r'\s([^\s=<>"]+)="([^"<>]*)"')
# Begins with letters that are the same in every match, so that the search for them is a fast one.
_NOT_ABSOLUTE = re.compile(r'="(?<=(?:ref|src)=")(?!https?:|mailto:)')
# Attribute by attribute: ` src=" ` may stand in the text of another one, and end there.
_BLANK_BEFORE_URL = re.compile(r'(<(?:a|img)(?:\s[^\s=<>"]+="[^"<>]*+")*?\s(?:href|src)=")\s+')
# A path from the root of a site in nothing but characters that every URL keeps as they are, and a site of which the
# same is true: there, to resolve is to put one before the other (WHATWG URL section 4.4).
_SEGMENT = "[A-Za-z0-9_~-][A-Za-z0-9_.~-]*+"
_REST = "(?:[A-Za-z0-9_.~=/-]|&amp;)*+"
_FROM_ROOT = re.compile(
    r'(<(?:a|img)(?:\s[^\s=<>"]+="[^"<>]*+")*?\s(?:href|src)=")'
    rf'(?=/(?:{_SEGMENT}(?:/{_SEGMENT})*+/?)?(?:\?{_REST})?(?:#{_REST})?")'
)
_SITE = re.compile(r"https?://(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,}(?=[/?#]|\Z)")
_PRE = re.compile(r"(<pre[^<>]*>)\n")
_HIDDEN = re.compile(r"display\s*:\s*none|(?:^|[;\s])(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|!|$)", re.IGNORECASE)
_SIZE = re.compile(r"\s*+(\d{1,5})(?:\.\d+)?\s*+(?:px)?\s*+")


def _sanitiser(relative: _Relative, attribute_filter: _Filter | None = None) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WHOLE,
        attributes=_ATTRIBUTES,
        attribute_filter=attribute_filter,
        url_schemes=_SCHEMES,
        url_relative=relative,
        link_rel="noopener noreferrer",
    )


# For mark-up whose links are all absolute, as they mostly are: making a sanitiser takes as long as using it once.
_SANITISER = _sanitiser("pass_through")


@lru_cache(maxsize=8)  # the posts of a document mostly have one base
def _resolving_sanitiser(base: str) -> nh3.Cleaner:
    """For mark-up with links relative to `base`; when that is no absolute URL, they are dropped."""
    try:
        return _sanitiser(("rewrite_with_base", base))
    except ValueError:
        return _sanitiser("deny")


def _lazy_sanitiser(base: str) -> nh3.Cleaner:
    """The same for mark-up with pictures that scripts load."""
    try:
        return _sanitiser(("rewrite_with_base", base), _lazy_sources(base))
    except ValueError:
        return _sanitiser("deny", _lazy_sources(""))


def clean(html: str, base: str) -> str:
    """`html` as safe HTML; relative links and pictures resolved against `base`, those that cannot be are dropped.

    Never raises. Cleaning a result again with any base gives the same: removing a tag can leave mark-up that a browser
    would read as another tree, so the pass is repeated until nothing changes. What does not settle, and what is nested
    or repeated beyond any article, comes out as the beginning of its plain text.
    """
    html = scrub(html)
    if _is_abusive(html):
        return _plain(html)
    markup = _pass(html, base)
    if reads_as_written(markup) and not _NOT_ABSOLUTE.search(markup):
        return markup
    for _ in range(_MAX_PASSES):
        # Mostly nothing changes any more, and then this says so at half the cost of a whole pass.
        if _SANITISER.clean(markup) == markup:
            return markup
        again = _pass(markup, base)
        if again == markup:
            return markup
        markup = again
    return _plain(markup)


def _is_abusive(html: str) -> bool:
    if html.count("&") > _MAX_AMPERSANDS:
        return True
    if len(html) > _LONGEST_TAG and any(len(tag.split()) > _MAX_ATTRIBUTES for tag in _LONG_TAG.findall(html)):
        return True
    return html.count("<") > _MAX_DEPTH and _depth(html) > _MAX_DEPTH


def _depth(html: str) -> int:
    """How deep elements may nest at most."""
    depth = deepest = 0
    for closing, name in _TAG.findall(html):
        if name.lower() not in _NOT_NESTING:
            depth = max(depth - 1, 0) if closing else depth + 1
            deepest = max(deepest, depth)
    return deepest


def _plain(html: str) -> str:
    """The beginning of a text made to harm, without any of its mark-up."""
    return paragraphs(bare_text(html)[:_LONGEST_PLAIN])


def _pass(html: str, base: str) -> str:
    if not _MARKUP.search(html):
        return html.strip()
    prepared = _PLAYER.sub(lambda player: _link_to_player(player, base), html)
    # HTML drops the first line break in <pre>, so one that belongs to the text needs another before it.
    safe = _sanitise(prepared, base)
    if "<img" in safe:
        safe = _IMAGE.sub(_image, safe)
    return (_PRE.sub(r"\1\n\n", safe) if "<pre" in safe else safe).strip()


def _sanitise(html: str, base: str) -> str:
    """What nh3 leaves of `html`, with links and pictures absolute. It is the same on either way."""
    lazy = ("data-" in html or "DATA-" in html) and any(map(html.__contains__, _LAZY_AS_WRITTEN))
    relative = _NOT_ABSOLUTE.search(html)
    if not lazy and (not relative or html.startswith("/", relative.end())):
        safe = _SANITISER.clean(html)
        if not _NOT_ABSOLUTE.search(safe):
            return safe
        safe = _from_root(safe, base)
        if not _NOT_ABSOLUTE.search(safe):
            return safe
    sanitiser = _lazy_sanitiser(base) if lazy else _resolving_sanitiser(base)
    return _BLANK_BEFORE_URL.sub(r"\1", sanitiser.clean(html))


def _from_root(safe: str, base: str) -> str:
    """Clean HTML with the plainest of its relative links resolved: blogs that write any mostly write those."""
    site = _SITE.match(base)
    return _FROM_ROOT.sub(rf"\g<1>{site[0]}", safe) if site else safe


def _lazy_sources(base: str) -> _Filter:
    """nh3 resolves `src` itself, but knows nothing of the attributes that scripts load pictures from."""

    def source(_tag: str, attribute: str, value: str) -> str | None:
        return (resolve(base, value) or None) if attribute in _LAZY else value

    return source


def _link_to_player(player: re.Match[str], base: str) -> str:
    source = _SOURCE.search(player[0])
    if not source:
        return player[0]
    url = resolve(base, unescape(source[1] or source[2] or source[3] or ""))
    if not url.startswith(("http://", "https://")):
        return player[0]
    name = urlsplit(url).hostname or url
    return f'<p><a href="{escape(url)}">{escape(name)}</a></p>{player[0]}'


def _image(tag: re.Match[str]) -> str:
    """The picture with its true source, or nothing: without a source, or made to be unseen (a tracking pixel)."""
    found = dict(_ATTRIBUTE.findall(tag[1]))
    source = next((found[name] for name in (*_LAZY, "src") if _is_web(found.get(name, ""))), "")
    sizes = [_SIZE.fullmatch(found.pop(name, "")) for name in ("width", "height")]
    if not source or _HIDDEN.search(found.pop("style", "")) or any(size and int(size[1]) <= 1 for size in sizes):
        return ""
    found["src"] = source
    found |= {name: size[1] for name, size in zip(("width", "height"), sizes, strict=True) if size}
    return "<img" + "".join(f' {name}="{found[name]}"' for name in _IMAGE_ATTRIBUTES if name in found) + ">"


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))
