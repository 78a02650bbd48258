"""A post's clean HTML, fitted to where it is shown. Cleaning is the posts room's: what comes here has no script,
style or unknown element, and is balanced.

Fitting means: headings start below the headline's level, and pictures say how wide they are and what they show.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser

from markupsafe import Markup

from tidings.render.words import web_link

_COLUMN = 600
"""Pixels of the mail's text column. Outlook for Windows obeys the width attribute, not max-width."""

_TOP_HEADING = 3
"""A page or mail has one h1, its title, and an h2 for each post."""

_HEADING = re.compile(r"h[1-6]")

Attributes = dict[str, str | None]


def for_mail(html: str) -> Markup:
    """A post's HTML for mail: no picture is wider than the column, and cells keep apart where style blocks are cut."""
    return _fit(html, _narrowed, '<table cellpadding="6">')


def for_page(html: str) -> Markup:
    """A post's HTML for a page: pictures load when they are scrolled to."""
    return _fit(html, lambda picture: picture | {"loading": "lazy"}, "<table>")


def links(html: str) -> list[str]:
    """The web addresses a post links to, each once, in order."""
    parser = _Links()
    parser.feed(html)
    parser.close()
    return list(dict.fromkeys(parser.urls))


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = web_link(dict(attrs).get("href") or "")
        if tag == "a" and url:
            self.urls.append(url)


def _fit(html: str, fit_picture: Callable[[Attributes], Attributes], table: str) -> Markup:
    levels = [int(level) for level in re.findall(r"<h([1-6])[\s>]", html)]
    parser = _Fitting(_TOP_HEADING - min(levels, default=_TOP_HEADING), fit_picture, table)
    parser.feed(html)
    parser.close()
    return Markup("".join(parser.out))


class _Fitting(HTMLParser):
    """Copies a fragment, but for headings, which move by `shift` levels, pictures, and the start of tables."""

    def __init__(self, shift: int, fit_picture: Callable[[Attributes], Attributes], table: str) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._shift = shift
        self._fit_picture = fit_picture
        self._table = table

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.out.append(_picture(self._fit_picture({"alt": "", **dict(attrs)})))
        elif tag == "table":
            self.out.append(self._table)
        elif _HEADING.fullmatch(tag):
            self.out.append(f"<{self._moved(tag)}>")
        else:
            self.out.append(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        self.out.append(f"</{self._moved(tag)}>")

    def handle_data(self, data: str) -> None:
        self.out.append(data)

    def handle_entityref(self, name: str) -> None:
        self.out.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.out.append(f"&#{name};")

    def _moved(self, tag: str) -> str:
        return f"h{min(int(tag[1]) + self._shift, 6)}" if _HEADING.fullmatch(tag) else tag


def _narrowed(picture: Attributes) -> Attributes:
    """`picture` at most a column wide, its height in proportion."""
    width, height = _pixels(picture.get("width")), _pixels(picture.get("height"))
    if width is None:
        return {name: value for name, value in picture.items() if name not in ("width", "height")}
    if width <= _COLUMN:
        return picture
    narrowed = picture | {"width": str(_COLUMN)}
    if height is None:
        return {name: value for name, value in narrowed.items() if name != "height"}
    return narrowed | {"height": str(round(height * _COLUMN / width))}


def _pixels(value: str | None) -> int | None:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) <= 5 and int(value) else None


def _picture(attributes: Attributes) -> str:
    pairs = "".join(f' {name}="{escape(value or "")}"' for name, value in attributes.items())
    return f"<img{pairs}>"
