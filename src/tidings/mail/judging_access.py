"""Rules on what a mail is to who does not see it: language, headings, what pictures show, tables (WCAG 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidings.mail.findings import Finding, named, red, yellow
from tidings.mail.opening import Opened
from tidings.mail.tree import Element

_LEVEL = re.compile("h([1-6])")
_NO_TABLE = frozenset({"presentation", "none"})
_OF_A_POST = "6"
"""The cellpadding that `render/markup.py` gives the tables of posts, and the template none of its own."""

_POSTS_BEGIN = 3
"""The level below which headings are the mail's own; those of posts begin here (`render/markup.py`)."""


def access(mail: Opened) -> Iterator[Finding]:
    """Judges language, headings, pictures and tables."""
    elements = list(mail.tree.below())
    if not any(element.tag == "html" and element.attributes.get("lang", "").strip() for element in elements):
        yield red("language", "<html> has no lang, so it is read aloud in the wrong language. Set [site] language.")
    yield from _headings(elements)
    yield from _pictures(elements)
    yield from _tables(elements)


def _level(element: Element) -> int:
    """The level of a heading, 0 for another element."""
    if found := _LEVEL.fullmatch(element.tag):
        return int(found[1])
    level = element.attributes.get("aria-level", "2").strip()
    return int(level) if element.attributes.get("role") == "heading" and re.fullmatch("[1-9]", level) else 0


def _headings(elements: list[Element]) -> Iterator[Finding]:
    headings = [(level, element) for element in elements if (level := _level(element))]
    tops = [element.text() for level, element in headings if level == 1]
    if len(tops) != 1:
        yield red("h1", f"a mail has one <h1>, its title; this one has {len(tops)}{': ' if tops else ''}{named(tops)}.")
    skipping, former = [], 0
    for level, element in headings:
        if former and level > former + 1:
            skipping.append(f"“{element.text()}” is <h{level}> after <h{former}>")
        former = level
    if skipping:
        yield yellow("heading-order", f"headings skip a level, so the outline has holes: {named(skipping)}.")


def _pictures(elements: list[Element]) -> Iterator[Finding]:
    pictures = [element for element in elements if element.tag == "img"]
    silent = [picture.attributes.get("src", "") for picture in pictures if "alt" not in picture.attributes]
    if silent:
        yield red("img-alt", f"no alt, so a screen reader spells out the address: {named(silent)}.")
    sizeless = [one.attributes.get("src", "") for one in pictures if not {"width", "height"} <= one.attributes.keys()]
    if sizeless:
        yield yellow(
            "img-size",
            f"no width or height, so text jumps as pictures load, and Outlook shows them whole: {named(sizeless)}.",
        )


def _tables(elements: list[Element]) -> Iterator[Finding]:
    """Tables of posts are data, and a mail cannot help it if they are not. One around a headline is layout for sure;
    one of the template with a single cell and nothing that a table of data has seems to be."""
    sure, likely = [], []
    for table in elements:
        if table.tag != "table" or table.attributes.get("role") in _NO_TABLE:
            continue
        within = list(table.below())
        if any(0 < _level(element) < _POSTS_BEGIN for element in within):
            sure.append(table.text())
        elif table.attributes.get("cellpadding") != _OF_A_POST and not _is_data(within):
            likely.append(table.text())
    message = "a table for layout without role=presentation is read aloud cell by cell: {}. Give it that role."
    if sure:
        yield red("layout-table", message.format(named(sure)))
    elif likely:
        yield yellow("layout-table", message.format(named(likely)))


def _is_data(within: list[Element]) -> bool:
    return any(one.tag in ("th", "caption") for one in within) or len([1 for one in within if one.tag == "td"]) > 1
