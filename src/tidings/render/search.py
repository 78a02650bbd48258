"""The page of searching all posts, which only a server can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from tidings.model import Line, StoredPost
from tidings.render.environment import open_press
from tidings.render.lists import listed
from tidings.render.planet import Frame


@dataclass(frozen=True, slots=True)
class SearchPage:
    """What was asked, page `number` of what was found, `total` on all pages (or more, unless `is_all`), and what is
    known of each post. Without `words` it is the form alone."""

    words: str
    number: int
    posts: Sequence[StoredPost]
    about: Mapping[int, Line]
    total: int
    is_all: bool
    has_more: bool


def render_search(page: SearchPage, frame: Frame) -> str:
    """The form, and below it what was found. Raises RenderError."""
    press = open_press(frame.templates, frame.language)
    etiquette = {line.source.name: line.source.etiquette for line in page.about.values()}
    values = {
        "site": frame,
        "root": "",
        "address": "",
        "feeds": (),
        "noindex": True,
        "words": page.words,
        "total": page.total,
        "is_all": page.is_all,
        "lines": listed(page.posts, etiquette, page.about, press.wording),
        "page": {
            "newer": _address(page, page.number - 1) if page.number > 1 else "",
            "older": _address(page, page.number + 1) if page.has_more else "",
        },
    }
    return press.render("search.html", values)


def _address(page: SearchPage, number: int) -> str:
    return f"search?{urlencode({'q': page.words, 'page': number})}"
