"""Whether the text of a mail can be read: as designed, with all colours turned around, and in its dark design."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tidings.mail.colours import contrast
from tidings.mail.findings import Finding, named, red
from tidings.mail.looks import DARK, LIGHT, Look, looks
from tidings.mail.opening import Opened
from tidings.mail.stylesheet import Rule, rules
from tidings.mail.tree import Element

ENOUGH = 4.5
ENOUGH_FOR_LARGE = 3.0
"""Ratios of WCAG 2.2, 1.4.3."""

LARGE = 24.0
LARGE_BOLD = 18.66
"""Pixels from which text counts as large (18 points, or 14 points bold)."""


def legibility(mail: Opened) -> Iterator[Finding]:
    """Judges the contrast of every visible text."""
    css = "".join(_styles(mail.tree))
    light = rules(css, "light")
    # Gmail's app for foreign accounts cuts style blocks out, so the mail has to be readable without as well.
    designed = [*_seen(mail.tree, ()), *(_seen(mail.tree, light) if light else ())]
    yield from _judged("contrast", "too faint", designed)
    inverted = [(text, _inverted(look)) for text, look in designed]
    yield from _judged("contrast-inverted", "too faint in programs that turn all colours around for the dark", inverted)
    dark = rules(css, "dark")
    if dark != light or _offers_dark(mail.tree):
        screen = DARK if _offers_dark(mail.tree) else LIGHT
        yield from _judged("contrast-dark", "too faint in the dark design", looks(mail.tree, dark, screen))


def _seen(tree: Element, sheet: Sequence[Rule]) -> Iterator[tuple[str, Look]]:
    return looks(tree, sheet, LIGHT)


def _styles(tree: Element) -> Iterator[str]:
    for element in tree.below():
        if element.tag == "style":
            yield from (child for child in element.children if isinstance(child, str))


def _offers_dark(tree: Element) -> bool:
    """Whether the mail tells programs that it has colours for a dark screen."""
    metas = (element.attributes for element in tree.below() if element.tag == "meta")
    return any(meta.get("name", "").lower() == "color-scheme" and "dark" in meta.get("content", "") for meta in metas)


def _inverted(look: Look) -> Look:
    return Look(look.ink.inverted(), look.paper.inverted(), look.size, look.bold)


def _judged(rule: str, fault: str, seen: Iterable[tuple[str, Look]]) -> Iterator[Finding]:
    faint: dict[str, str] = {}
    for text, look in seen:
        least = ENOUGH_FOR_LARGE if _is_large(look) else ENOUGH
        ratio = contrast(look.ink, look.paper)
        if ratio < least:
            faint.setdefault(f"{look.ink} on {look.paper} has {ratio:.2f} and needs {least:g}", text)
    if faint:
        places = [f"{what} (“{text[:20]}”)" for what, text in faint.items()]
        yield red(rule, f"text is {fault}: {named(places)}. Choose colours further apart in the template.")


def _is_large(look: Look) -> bool:
    return look.size >= LARGE or (look.bold and look.size >= LARGE_BOLD)
