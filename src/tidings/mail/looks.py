"""What each text of a mail looks like: its colour, what is behind it, its size; as far as styles in the mail say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tidings.mail.colours import Colour, colour, colour_in
from tidings.mail.matching import Around, Matching
from tidings.mail.stylesheet import Rule, declarations
from tidings.mail.tree import Element

_HEADINGS = {"h1": 2.0, "h2": 1.5, "h3": 1.17, "h4": 1.0, "h5": 0.83, "h6": 0.67}
_BOLD = frozenset({"b", "strong", "th", *_HEADINGS})
_UNSEEN = frozenset("head title style script template".split())
_READ = frozenset("color background background-color font font-size font-weight display visibility mso-hide".split())
_TELLING = ("style", "hidden", "bgcolor", "text", "color")
"""Attributes that make a look, with the address that makes a link."""

_KEYWORDS = {"xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0}
_SIZE = re.compile(r"(?<![\w.-])(\d{1,6}(?:\.\d{1,6})?|\.\d{1,6})(px|pt|rem|em|%)", re.IGNORECASE)
_ROOT = 16.0
_SEEN = re.compile(r"[^\s\u00ad\u034f\u200b-\u200f\u2007\u2060\ufeff]")
"""What leaves ink on the screen: padding between headlines and the mail's text is made of what does not."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What a program shows where a mail says nothing: paper, ink, and the colour of links."""

    paper: Colour
    ink: Colour
    link: Colour


LIGHT = Screen(Colour(255, 255, 255), Colour(0, 0, 0), Colour(0, 0, 238))
DARK = Screen(Colour(18, 18, 18), Colour(255, 255, 255), Colour(158, 158, 255))
"""As browsers draw a page that says `color-scheme: dark`."""


@dataclass(frozen=True, slots=True)
class Look:
    """How text in an element is shown. `size` is in pixels."""

    ink: Colour
    paper: Colour
    size: float = _ROOT
    bold: bool = False
    hidden: bool = False


def looks(tree: Element, sheet: Sequence[Rule], screen: Screen) -> Iterator[tuple[str, Look]]:
    """Each visible text of a document with its look, in the cascade of CSS: legacy attributes, rules, inline styles,
    then what is `!important` of the rules and of the inline styles."""
    matching = Matching(sheet)
    known: dict[tuple[object, ...], Look] = {}
    waiting: list[tuple[Element, Look, Around]] = [(tree, Look(screen.ink, screen.paper), Around())]
    while waiting:
        element, outer, around = waiting.pop()
        match = matching.match(element, around)
        # A mail has thousands of elements, and a few dozen looks.
        key = (element.tag, *map(element.attributes.get, _TELLING), "href" in element.attributes, match, outer)
        look = known.get(key) or known.setdefault(key, _look(element, outer, match.rules, screen))
        if look.hidden:
            continue
        texts = " ".join(child for child in element.children if isinstance(child, str))
        if _SEEN.search(texts):
            yield " ".join(texts.split()), look
        waiting += [(child, look, match.within) for child in reversed(element.children) if isinstance(child, Element)]


def _look(element: Element, around: Look, matched: Sequence[Rule], screen: Screen) -> Look:
    look = _by_nature(element, around, screen)
    values = _cascade(element, matched)
    if _hides(values):
        return replace(look, hidden=True)
    painted = colour_in(values["background"]) if "background" in values else None
    paper = painted.over(around.paper) if painted else look.paper
    ink = around.ink if values.get("color") == "inherit" else colour(values.get("color", "")) or look.ink
    return replace(
        look,
        ink=ink.over(paper),
        paper=paper,
        size=_size(values.get("font-size", ""), around.size) or look.size,
        bold=_weight(values.get("font-weight", ""), look.bold),
    )


def _by_nature(element: Element, around: Look, screen: Screen) -> Look:
    """The look that an element has of itself and by its old attributes."""
    tag, attributes = element.tag, element.attributes
    look = replace(around, bold=around.bold or tag in _BOLD, size=around.size * _HEADINGS.get(tag, 1.0))
    if tag in _UNSEEN or "hidden" in attributes:
        return replace(look, hidden=True)
    if tag == "a" and "href" in attributes:
        look = replace(look, ink=screen.link)
    elif tag == "mark":
        look = replace(look, ink=Colour(0, 0, 0), paper=Colour(255, 255, 0))
    paper = colour(attributes.get("bgcolor", ""))
    ink = colour(attributes.get("text" if tag == "body" else "color", "")) if tag in ("body", "font") else None
    return replace(look, paper=paper.over(around.paper) if paper else look.paper, ink=ink or look.ink)


def _cascade(element: Element, matched: Sequence[Rule]) -> dict[str, str]:
    """The winning value of each property that matters here; `background-color` and `font` are taken apart first."""
    weighed: list[tuple[bool, bool, tuple[int, int, int, int], str, str]] = []
    for rule in matched:
        weighed += [(important, False, rule.weight, name, value) for name, value, important in rule.declarations]
    inline = declarations(element.attributes.get("style", ""))
    weighed += [
        (important, True, (0, 0, 0, place), name, value) for place, (name, value, important) in enumerate(inline)
    ]
    values: dict[str, str] = {}
    for *_, name, value in sorted(weighed, key=lambda one: one[:3]):
        if name not in _READ or not _is_known(name, value):
            continue
        if name == "font":
            values.update({"font-size": value, "font-weight": value})
        else:
            values["background" if name == "background-color" else name] = value
    return values


def _is_known(name: str, value: str) -> bool:
    """A colour that cannot be told (a variable, a gradient) leaves the one before it, as in a program that does not
    know the value."""
    if name == "color":
        return bool(colour(value)) or value == "inherit"
    return colour_in(value) is not None if name.startswith("background") else True


def _hides(values: dict[str, str]) -> bool:
    return (
        values.get("display", "").lower() == "none"
        or values.get("visibility", "").lower() in ("hidden", "collapse")
        or bool(re.match(r"0(?:px|pt|em|%)?\s*\Z", values.get("font-size", "").strip()))
    )


def _size(value: str, around: float) -> float:
    """A font size in pixels; 0 for one that cannot be told."""
    if value.strip().lower() in _KEYWORDS:
        return _KEYWORDS[value.strip().lower()]
    match = _SIZE.search(value)
    if not match:
        return 0.0
    unit = {"px": 1.0, "pt": 4 / 3, "rem": _ROOT, "em": around, "%": around / 100}[match[2].lower()]
    return float(match[1]) * unit


def _weight(value: str, bold: bool) -> bool:
    if re.search(r"(?<![\w.#-])(?:bold|bolder|[7-9]00)(?![\w%.-])", value):
        return True
    return False if re.search(r"(?<![\w.#-])(?:normal|lighter|[1-6]00)(?![\w%.-])", value) else bold
