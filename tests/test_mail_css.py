"""Each style that is inlined into a mail, with who does not know it and what readers have there instead."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from lxml import etree

from tests.issue_mails import CASES, posted
from tests.test_render_mail import tree

EVERYWHERE = frozenset(
    "background border border-collapse border-left border-right border-top color font font-family font-size "
    "font-weight text-align text-decoration".split()
)
"""Known to Gmail, Outlook for Windows, Apple Mail and Yahoo in the values that we write (see VALUES)."""


Styled = tuple[etree._Element, dict[str, str]]


class Lacking(NamedTuple):
    """On which elements a property stands, and why it does no harm where it is not known."""

    tags: frozenset[str]
    where: str
    instead: str


def lacking(tags: str, where: str, instead: str) -> Lacking:
    return Lacking(frozenset(tags.split()), where, instead)


PARTLY = {
    "direction": lacking(
        "pre", "Gmail in browsers of phones", "code is in Latin letters and runs left to right by itself"
    ),
    "display": lacking(
        "a div span table",
        "Outlook for Windows, but for none",
        "links stay in their line, for a mouse; the preheader has mso-hide",
    ),
    "height": lacking("img", "Yahoo, and Outlook for Windows but on tables", "the attribute says it"),
    "line-height": lacking(
        "div h1 h2 h3 h4 h5 h6 ol p span table td ul",
        "Outlook for Windows, in part",
        "lines stand as far apart as their font asks",
    ),
    "list-style": lacking(
        "ol ul", "Outlook for Windows and Gmail, in part", "lists of contents have numbers and bullets"
    ),
    "margin": lacking(
        "blockquote body div h1 h2 h3 h4 h5 h6 hr ol p pre table td ul",
        "Outlook for Windows, in part",
        "space that is needed is padding of cells",
    ),
    "max-height": lacking("div", "Outlook for Windows", "it is the preheader's, which mso-hide hides there"),
    "max-width": lacking(
        "a img span table",
        "Outlook for Windows, but on tables",
        "pictures have a width, and the column stands in a table of 640 pixels",
    ),
    "mso-hide": lacking("div", "all but Outlook for Windows", "display:none is known there"),
    "overflow": lacking("div", "Outlook for Windows", "it is the preheader's, which mso-hide hides there"),
    "overflow-wrap": lacking(
        "table", "Outlook for Windows, Gmail, Yahoo", "word-wrap, its older name, stands beside it"
    ),
    "overflow-x": lacking("table", "Outlook for Windows", "a table of a post shrinks its cells to the column"),
    "padding": lacking(
        "a blockquote body ol pre span td ul",
        "Outlook for Windows, but on cells",
        "space that is needed is padding of cells",
    ),
    "table-layout": lacking("table", "Outlook for Windows", "the column stands in a table of 640 pixels"),
    "white-space": lacking(
        "pre", "Outlook for Windows; Gmail's apps in part", "lines of code break where their author broke them"
    ),
    "width": lacking("img", "Outlook for Windows, but on tables", "the attribute says it"),
    "word-wrap": lacking("table", "Outlook for Windows", "Word breaks a long word at the margin by itself"),
}
"""Who lacks what is as caniemail.com had it in June 2026; research section 2.7 has the gist."""

VALUES = re.compile(
    r"(?:(?:#[0-9a-f]{6}|-?\d+px|\d+(?:\.\d+)?%?|\d+px/\d+(?:\.\d+)?|0|none|auto|solid|collapse|inline-block|block|fixed|"
    r"hidden|break-word|pre-wrap|ltr|left|bold|all|monospace|Helvetica,Arial,sans-serif|Arial,sans-serif)\s?)+"
)
"""No variables, functions, other units than pixels and percent, flex, grid or names of colours."""


@pytest.fixture(scope="module")
def styled() -> list[Styled]:
    """Every element with a style in all fixtures, and its declarations."""
    trees = [tree(posted(*case).mail.html) for case in CASES]
    return [(element, declared(element)) for one in trees for element in one.xpath("//*[@style]")]


def declared(element: etree._Element) -> dict[str, str]:
    pairs = (rule.partition(":") for rule in element.get("style").split(";") if rule.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def test_every_inlined_property_is_known_or_has_a_fallback(styled: list[Styled]) -> None:
    """A property that some program lacks stands only on elements for which the table says what happens there."""
    used = {(name, element.tag) for element, styles in styled for name in styles}
    assert len({name for name, _ in used}) > 20
    allowed = {name: lack.tags for name, lack in PARTLY.items()}
    assert (
        sorted((name, tag) for name, tag in used if name not in EVERYWHERE and tag not in allowed.get(name, ())) == []
    )


def test_every_inlined_value_is_old(styled: list[Styled]) -> None:
    """Values are those that Word's engine knows, too."""
    values = {(name, value) for _, styles in styled for name, value in styles.items()}
    assert sorted((name, value) for name, value in values if not VALUES.fullmatch(value)) == []
    assert not [value for name, value in values if name == "margin" and "-" in value]


def test_the_fallbacks_are_there(styled: list[Styled]) -> None:
    """What the table promises: hidden text is hidden from Word too, pictures have a width, cells that hold stories have
    padding, font and colour of their own, and a long word has both names of what breaks it."""
    for element, styles in styled:
        classes = (element.get("class") or "").split()
        if styles.get("display") == "none" or "max-height" in styles or "overflow" in styles:
            assert styles["mso-hide"] == "all"
        if element.tag == "img":
            assert element.get("width")
        if "x" in classes:
            assert {"padding", "font", "color"} <= styles.keys()
        if "overflow-wrap" in styles:
            assert (styles["word-wrap"], element.get("width")) == (styles["overflow-wrap"], "100%")
        if styles.get("display") == "inline-block":
            assert element.tag == "a" or classes == ["n"]


def test_the_table_has_no_property_that_nobody_uses(styled: list[Styled]) -> None:
    """What templates no longer say is taken out of the table."""
    used = {name for _, styles in styled for name in styles}
    assert (EVERYWHERE | PARTLY.keys()) - used == set()
    assert all(lack.tags and lack.where and lack.instead for lack in PARTLY.values())
