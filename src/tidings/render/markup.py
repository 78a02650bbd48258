"""A post's clean HTML, fitted to where it is shown. Cleaning is the posts room's: what comes here has no script,
style or player, and is balanced.

Fitting means: headings start below the headline's level, and no picture counts readers. For mail also: only elements
that mail programs know, and pictures say how wide they are. On pages a link stands for each picture, so that nothing
is loaded from elsewhere (docs/decisions/0059-pictures-are-links-on-pages.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from html.parser import HTMLParser
from typing import Literal

from markupsafe import Markup

from tidings.model import Picture
from tidings.render.trackers import counts_readers
from tidings.render.wording import Wording
from tidings.render.words import few_marks, for_label, language_tag, one_line, web_link

_COLUMN = 600
"""Pixels of the mail's text column. Outlook for Windows obeys the width attribute, not max-width."""

_NATURAL = "width:auto;max-width:100%;height:auto"
"""For pictures of unknown size: Outlook for Windows goes by their attributes, all others by this."""

_HEADING = re.compile(r"h[1-6]")
_TAG = re.compile(r"<[^<>]*+>")
_BLOCK = re.compile(
    r"</?(?:p|div|h[1-6]|ul|ol|li|dl|dt|dd|table|caption|thead|tbody|tfoot|tr|td|th|pre|blockquote|figure|figcaption|"
    r"section|article|aside|header|footer|address|details|summary|hr)\b[^<>]*+>"
)

_KEPT = frozenset(
    "p br hr h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr th td div span "
    "pre code kbd samp var tt blockquote q cite img a em strong b i u s del ins strike sub sup small abbr dfn "
    "ruby rt rp bdo".split()
)
# Gmail strips these, and Outlook for Windows all that came with HTML5; a closed `details` would hide its text.
_RENAMED = {
    "details": "div",
    "figure": "div",
    "section": "div",
    "article": "div",
    "aside": "div",
    "header": "div",
    "footer": "div",
    "address": "div",
    "figcaption": "div",
    "summary": "div",
    "mark": "span",
    "time": "span",
    "bdi": "span",
}
_ADDED: dict[str, dict[str, str | None]] = {
    "figcaption": {"class": "k"},
    "summary": {"class": "y"},
    "figure": {"class": "f"},
    "bdi": {"dir": "auto"},
}
_ATTRIBUTES = frozenset("lang dir title href alt colspan rowspan scope span start reversed type value".split())
_ON_PAGES = (_KEPT | _RENAMED.keys()) - {"img"}
_ATTRIBUTES_ON_PAGES = _ATTRIBUTES | {"datetime", "hreflang"}
_VOID = frozenset("br hr img col".split())
_UNREAD = frozenset("script style".split())

Attributes = dict[str, str | None]


def for_mail(html: str, level: int = 3) -> Markup:
    """A post's HTML for mail, its headings from `level` on. Pictures are no wider than the column, cells keep apart
    where style blocks are cut, and what mail programs do not know is said with what they do."""
    parser = _ForMail(_shift(html, level), _pictures_in_lines(html))
    parser.feed(html)
    parser.close()
    return Markup("".join(parser.out))


def for_page(html: str, level: int = 3, *, wording: Wording) -> Markup:
    """A post's HTML for a page, its headings from `level` on. A link stands for each picture: its words are what the
    picture shows, or "Picture" in `wording`. Only elements and attributes that load nothing are written, whatever
    comes in."""
    parser = _ForPage(_shift(html, level), wording)
    parser.feed(html)
    parser.close()
    return Markup("".join(parser.out))


def for_feed(html: str, level: int = 3) -> Markup:
    """A post's HTML for a feed, its headings from `level` on, with its pictures: feed readers are made to load them,
    or not, as their readers like."""
    parser = _ForFeed(_shift(html, level))
    parser.feed(html)
    parser.close()
    return Markup("".join(parser.out))


def picture_for_mail(picture: Picture) -> Markup:
    """The picture above a post's text, in mail; nothing for one that only counts readers."""
    attributes = _attributes(picture)
    return Markup(_written("img", _narrowed(attributes, False))) if _is_to_see(attributes) else Markup("")


def picture_for_page(picture: Picture, *, wording: Wording) -> Markup:
    """What stands for it on a page: a link, or nothing."""
    attributes = _attributes(picture)
    return Markup(_in_place_of(attributes, wording, "a")) if _is_to_see(attributes) else Markup("")


def picture_for_feed(picture: Picture) -> Markup:
    """The same picture in a feed."""
    attributes = _attributes(picture)
    return Markup(_written("img", attributes | {"loading": "lazy"})) if _is_to_see(attributes) else Markup("")


def links(html: str) -> list[str]:
    """The addresses a post links to, each once, in order."""
    parser = _Links()
    parser.feed(html)
    parser.close()
    return list(dict.fromkeys(parser.urls))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = _address(dict(attrs).get("href"))
        if tag == "a" and url:
            self.urls.append(url)


class _Copy(HTMLParser):
    """Copies a fragment, but for headings, which move by `shift` levels."""

    def __init__(self, shift: int) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._shift = shift

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.out.append(few_marks(data))

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def _moved(self, tag: str) -> str:
        return f"h{min(int(tag[1]) + self._shift, 6)}" if _HEADING.fullmatch(tag) else tag


class _ForFeed(_Copy):
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            picture = {"alt": "", **dict(attrs), "loading": "lazy"}
            self.out.append(_written("img", picture) if _is_to_see(picture) else "")
        elif _HEADING.fullmatch(tag):
            self.out.append(f"<{self._moved(tag)}>")
        else:
            self.out.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{self._moved(tag)}>")


class _ForPage(_Copy):
    """Writes each element anew, from those that are allowed."""

    def __init__(self, shift: int, wording: Wording) -> None:
        super().__init__(shift)
        self._wording = wording
        self._in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self._picture(dict(attrs))
        elif tag == "a":
            self._begin_link(dict(attrs))
        elif tag in _ON_PAGES:
            self.out.append(_written(self._moved(tag), _allowed(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end_link()
        elif tag in _ON_PAGES and tag not in _VOID:
            self.out.append(f"</{self._moved(tag)}>")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is None:
            super().handle_data(data.replace("<", "&lt;"))  # what was broken off is no tag

    def _picture(self, attributes: Attributes) -> None:
        """Within a link the words are that link's: links can't stand in links, and most such lead to the picture."""
        if _is_to_see(attributes):
            self.out.append(_in_place_of(attributes, self._wording, "span" if self._in_link else "a"))

    def _begin_link(self, attributes: Attributes) -> None:
        self._end_link()
        address = _address(attributes.get("href"))
        if address:
            own = {**_allowed(attributes.items()), "href": address, "rel": "noopener noreferrer"}
            self.out.append(_written("a", own))
            self._in_link = True

    def _end_link(self) -> None:
        self.out.append("</a>" if self._in_link else "")
        self._in_link = False


class _ForMail(_Copy):
    """Writes each element anew, from those that are allowed. `in_lines` are the numbers of the pictures that stand
    among text."""

    def __init__(self, shift: int, in_lines: frozenset[int]) -> None:
        super().__init__(shift)
        self._in_lines = in_lines
        self._pictures = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self._picture({"alt": "", **dict(attrs)})
        elif tag == "table":
            self.out.append('<table cellpadding="6">')
        elif name := self._name(tag):
            attributes = {key: value for key, value in attrs if key in _ATTRIBUTES}
            self.out.append(_written(name, _ADDED.get(tag, {}) | _linked(attributes)))

    def handle_endtag(self, tag: str) -> None:
        name = self._name(tag)
        if name and name not in _VOID:
            self.out.append(f"</{name}>")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem not in _UNREAD:
            super().handle_data(data)

    def _name(self, tag: str) -> str:
        return _RENAMED.get(tag) or (self._moved(tag) if tag in _KEPT else "")

    def _picture(self, attributes: Attributes) -> None:
        if _is_to_see(attributes):
            self.out.append(_written("img", _narrowed(attributes, self._pictures in self._in_lines)))
        self._pictures += 1


def _shift(html: str, level: int) -> int:
    return level - min((int(number) for number in re.findall(r"<h([1-6])[\s>]", html)), default=level)


def _pictures_in_lines(html: str) -> frozenset[int]:
    """Which of a post's pictures, by number, stand among text: a smiley must not become as wide as the column."""
    found: set[int] = set()
    count = 0
    for piece in _BLOCK.split(html):
        pictures = piece.count("<img")
        if pictures and _TAG.sub("", piece).strip():
            found.update(range(count, count + pictures))
        count += pictures
    return frozenset(found)


def _narrowed(picture: Attributes, in_line: bool) -> Attributes:
    """`picture` at most a column wide, its height in proportion. Every picture has both: Outlook for Windows shows one
    without as large as its file is."""
    kept = {name: picture[name] for name in ("alt", "src", "title") if picture.get(name) is not None}
    width, height = _pixels(picture.get("width")), _pixels(picture.get("height"))
    if width is None:
        wide = "auto" if in_line or height else str(_COLUMN)
        return kept | {"width": wide, "height": str(height or "auto"), "style": _NATURAL}
    if width > _COLUMN:
        height, width = height and max(1, round(height * _COLUMN / width)), _COLUMN
    return kept | {"width": str(width), "height": str(height or "auto")}


def _attributes(picture: Picture) -> Attributes:
    attributes: Attributes = {"alt": one_line(picture.alt), "src": picture.url}
    sizes = {"width": picture.width, "height": picture.height}
    return attributes | {name: str(size) for name, size in sizes.items() if size}


def _is_to_see(picture: Attributes) -> bool:
    source = web_link(picture.get("src") or "")
    tiny = picture.get("width") in ("0", "1") or picture.get("height") in ("0", "1")
    return bool(source) and not tiny and not counts_readers(source)


def _in_place_of(picture: Attributes, wording: Wording, element: Literal["a", "span"]) -> str:
    """What stands for a picture on a page: its words, in an element that is or stands in a link."""
    said = one_line(picture.get("alt") or "")
    own = {name: picture[name] for name in ("lang", "dir", "title") if picture.get(name)}
    tongue = {"dir": "auto", **own} if said else {"lang": language_tag(wording.language), "dir": wording.direction}
    link = {"href": web_link(picture.get("src") or ""), "rel": "noopener noreferrer"} if element == "a" else {}
    words = escape(said or wording.gettext("Picture"), quote=False)
    return f"{_written(element, {'class': 'pic', **link, **tongue})}{words}</{element}>"


def _allowed(attributes: Iterable[tuple[str, str | None]]) -> Attributes:
    return {name: value for name, value in attributes if name in _ATTRIBUTES_ON_PAGES}


def _linked(attributes: Attributes) -> Attributes:
    """`attributes` with no other address than one that a mail may link to."""
    if "href" not in attributes:
        return attributes
    address = _address(attributes["href"])
    return {**attributes, "href": address} if address else {k: v for k, v in attributes.items() if k != "href"}


def _address(href: str | None) -> str:
    href = (href or "").strip()
    return one_line(href).replace(" ", "%20") if href.lower().startswith("mailto:") else web_link(href)


def _pixels(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) <= 5 and int(value) else None


def _written(tag: str, attributes: Attributes) -> str:
    pairs = "".join(f' {name}="{escape(for_label(value or ""))}"' for name, value in attributes.items())
    return f"<{tag}{pairs}>"
