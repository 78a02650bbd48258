"""Posts as pages list them: headline, beginning, what is around them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from tidings.model import Etiquette, Line, StoredPost, TagLink
from tidings.render.wording import Wording
from tidings.render.words import called, direction, local_date, one_line, shorten

_EXCERPT = 320
"""Characters of a post that lists show: enough to decide whether to read it at its author's."""

_MOST_TAGS = 6
_OVERHEAD = 700  # bytes of mark-up around a post

_APPEARED_FIRST = re.compile(r"The post .{1,300} (?:appeared first|first appeared) on .{1,200}\Z", re.DOTALL)
_LONGEST_TRAILER = 550  # characters; more than the pattern can match


@dataclass(frozen=True, slots=True)
class PostLine:
    """A post as lists show it. `about` is None where nothing is known of it but itself; `links` are its source's tags
    that have a page, and `tags` the author's others."""

    post: StoredPost
    title: str
    excerpt: str
    direction: str
    about: Line | None = None
    links: tuple[TagLink, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """The posts of one local day."""

    day: date
    lines: tuple[PostLine, ...]


def listed(
    posts: Iterable[StoredPost], etiquette: Mapping[str, Etiquette], about: Mapping[int, Line], wording: Wording
) -> list[PostLine]:
    """Posts as lists show them, in their order. `etiquette` tells by source name how much of its posts may be shown,
    and a source it does not name may be shown in full; `about` tells more, by post id."""
    return [_line(post, etiquette.get(post.source, "full"), about.get(post.id), wording) for post in posts]


def name_of(post: StoredPost, etiquette: Etiquette, wording: Wording) -> str:
    """What a post is called on pages: its title, or the beginning of its text where that may be shown."""
    return called(post.title, "" if etiquette == "title" else post.text or post.summary, wording)


def within(lines: Sequence[PostLine], budget: int) -> list[PostLine]:
    """As many lines as make a page of `budget` bytes at most, but one always."""
    kept: list[PostLine] = []
    for line in lines:
        budget -= _OVERHEAD + sum(len(text.encode()) for text in (line.title, line.excerpt, *line.tags))
        if kept and budget < 0:
            break
        kept.append(line)
    return kept


def by_day(lines: Iterable[PostLine], timezone: str) -> Iterator[Day]:
    """Lines put together by the day on which they appeared."""
    for day, some in groupby(lines, key=lambda line: local_date(line.post.effective, timezone)):
        yield Day(day, tuple(some))


def excerpt(post: StoredPost) -> str:
    """The beginning of a post as plain text, cut at a word; headings between the paragraphs left out, and what
    WordPress adds at the end of every summary."""
    text = _without_trailer(post.summary or post.text)
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    spoken = [paragraph for paragraph in paragraphs if not _is_heading(paragraph)]
    return shorten(" ".join(spoken or paragraphs), _EXCERPT)


def _without_trailer(text: str) -> str:
    """Only the end is searched: over a whole text made to harm, the search takes minutes."""
    trailer = _APPEARED_FIRST.search(text, max(0, len(text) - _LONGEST_TRAILER))
    return text[: trailer.start()].rstrip() if trailer else text


def _is_heading(paragraph: str) -> bool:
    return len(paragraph) < 80 and "\n" not in paragraph and paragraph.rstrip()[-1].isalnum()


def _line(post: StoredPost, etiquette: Etiquette, about: Line | None, wording: Wording) -> PostLine:
    is_title_only = etiquette == "title"
    title = name_of(post, etiquette, wording)
    shown = "" if is_title_only else excerpt(post)
    return PostLine(
        post,
        title,
        "" if shown == title else shown,
        direction(f"{title} {post.text[:400]}"),
        about,
        links := about.source.tags if about else (),
        _others(post, links),
    )


def _others(post: StoredPost, links: Sequence[TagLink]) -> tuple[str, ...]:
    """The tags of a post, a few, without those that its source has."""
    named = {link.name.casefold() for link in links}
    tags = dict.fromkeys(shorten(tag, 40) for tag in post.tags if one_line(tag))
    return tuple(tag for tag in tags if tag.casefold() not in named)[:_MOST_TAGS]
