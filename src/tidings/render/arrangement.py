"""An issue as templates walk through it: sections of entries, each with the words and links that are shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from tidings.model import IssueContent, IssueItem, MoreItem, UpdateItem
from tidings.render.wording import Wording
from tidings.render.words import (
    called,
    full_day,
    headline,
    language_tag,
    local_date,
    one_line,
    short_day,
    shorten,
    web_link,
)

_CONTENTS_FROM = 5
"""Stories from which on an issue has a table of contents."""


_MORE_THAN_WORDS = re.compile(r"<(?:a|img)\b")

LONGEST_NAME = 120
"""Characters of a source's or an author's name. A feed whose name fills a mail would push all others out of it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A story by name: its headline, its address ("" for none) and its source. `lang` and `dir` are "" where they are
    those of the words around it."""

    name: str
    url: str
    source: str
    lang: str
    dir: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A story that is shown, the `number`th of its issue. `home` is its blog's address, `date` its day in words."""

    number: int
    item: IssueItem
    line: Line
    home: str
    author: str
    date: str


@dataclass(frozen=True, slots=True)
class Section:
    """Stories under one heading. A `title` of "" is no heading; `level` is that of its stories' own headings; a `lead`
    stands above all."""

    title: str
    level: int
    lead: bool
    entries: tuple[Entry, ...]


def arrange(content: IssueContent, wording: Wording) -> list[Section]:
    """The sections of an issue: the lead story by itself, then each group, or all the rest in one."""
    entries = [_entry(number, item, content, wording) for number, item in enumerate(content.items, 1)]
    lead, rest = entries[: content.lead], entries[content.lead :]
    sections = [Section("", 2, True, tuple(lead))] if lead else []
    return sections + list(_groups(rest, content, wording))


def line_of(story: IssueItem | MoreItem | UpdateItem, wording: Wording) -> Line:
    """What a story is called, and where it leads."""
    lang = language_tag(story.language)
    return Line(
        name=called(story.title, story.text, wording),
        url=web_link(story.url),
        source=shorten(story.source, LONGEST_NAME),
        lang="" if lang.lower() == wording.language.lower() else lang,
        dir="" if story.direction == wording.direction else story.direction,
    )


def has_contents(content: IssueContent) -> bool:
    """Whether a table of contents helps: there is much to pass over, and headlines are not all there is anyway."""
    return len(content.items) >= _CONTENTS_FROM and any(item.html or item.picture for item in content.items)


def _groups(entries: list[Entry], content: IssueContent, wording: Wording) -> Iterator[Section]:
    parted = False
    for group, members in groupby(entries, key=lambda entry: entry.item.group):
        title = _title(group, content, wording)
        parted = parted or bool(title)
        # What is in no group must not seem to be in the one before it.
        title = title or (wording.gettext("Other posts") if parted else "")
        yield Section(title, 3 if title else 2, False, tuple(members))


def _title(group: str, content: IssueContent, wording: Wording) -> str:
    if content.group_by != "day" or not group:
        return one_line(group)
    return full_day(date.fromisoformat(group), wording)


def _entry(number: int, item: IssueItem, content: IssueContent, wording: Wording) -> Entry:
    today = local_date(content.frozen_at, content.timezone)
    day = local_date(item.published, content.timezone) if item.published else None
    return Entry(
        number=number,
        item=_without_echo(item),
        line=line_of(item, wording),
        home=web_link(item.source_url),
        author=shorten(item.author, LONGEST_NAME),
        date=short_day(day, today, wording) if day else "",
    )


def _without_echo(item: IssueItem) -> IssueItem:
    """A short note without a title is its own headline: then it has no text besides, unless that holds more."""
    is_said = not one_line(item.title) and headline("", item.text) == item.text.strip()
    return (
        replace(item, html="", text="") if is_said and item.whole and not _MORE_THAN_WORDS.search(item.html) else item
    )
