"""Rules on what the HTML of a mail must not have: what mail programs run, load or strip, and what filters distrust."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tidings.mail.findings import Finding, named, red
from tidings.mail.opening import Opened
from tidings.mail.tree import Element

MOST_STYLE = 16_384
"""Bytes of style blocks that Gmail reads; of more it reads none (caniemail, html-style)."""

_FORBIDDEN = frozenset("script link iframe frame frameset form object embed applet base".split())
_ADDRESSES = frozenset("action background cite data formaction href poster src xlink:href".split())
"""Attributes that programs open or load; what the others say is text, such as a book's title in `alt`."""

_REMOTE = re.compile(r"""url\((?!\s*['"]?\s*(?:data:|#|\)))""", re.IGNORECASE)
_DATA = re.compile(r"""url\(\s*['"]?\s*data:""", re.IGNORECASE)
_POSITION = re.compile(r"(?<![\w-])position\s*:", re.IGNORECASE)
_BLANKS = re.compile("[\x00-\x20]+")

_WRONG = {
    "element": "mail programs strip or refuse {found}; take it out of the template.",
    "event-attribute": "scripts in attributes ({found}) are stripped and count against the mail; take them out.",
    "javascript": "{found} runs a script; mail filters take that for an attack.",
    "data-image": "images inside the mail as data: are not shown by Gmail ({found}); link to a file instead.",
    "css-import": "@import in a style loads a file from elsewhere; write the rules into the template.",
    "css-url": "a style loads a file from elsewhere: {found}; mail programs block that.",
    "css-position": "mail programs strip `position:` and some distrust the mail for it: {found}.",
    "external-font": "@font-face loads a font from elsewhere; name fonts that readers have.",
}
"""What is wrong with each thing that must not be there, by its rule; all of it is red."""


def content(mail: Opened) -> Iterator[Finding]:
    """Judges elements, attributes and styles."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    style = ""
    for element in mail.tree.below():
        for rule, what in _of_element(element):
            found[rule].append(what)
        if element.tag == "style":
            style += "".join(child for child in element.children if isinstance(child, str))
    for rule, what in _of_style(style, "a style block"):
        found[rule].append(what)
    for rule, message in _WRONG.items():
        if rule in found:
            yield red(rule, message.format(found=named(found[rule])))
    size = len(style.encode("utf-8", "replace"))
    if size > MOST_STYLE:
        yield red(
            "style-size", f"the style blocks have {size:,} bytes; beyond {MOST_STYLE:,} Gmail reads none of them."
        )


def _of_element(element: Element) -> Iterator[tuple[str, str]]:
    tag = element.tag
    if tag in _FORBIDDEN:
        yield "element", f"<{tag}>"
    if tag == "meta" and element.attributes.get("http-equiv", "").lower() == "refresh":
        yield "element", "<meta http-equiv=refresh>"
    for name, value in element.attributes.items():
        if name.startswith("on") and name.isalpha():
            yield "event-attribute", f"{name} in <{tag}>"
        # Browsers drop blanks and control characters before and in a scheme.
        squeezed = _BLANKS.sub("", value[:200]).lower()
        if name in _ADDRESSES and squeezed.startswith(("javascript:", "vbscript:")):
            yield "javascript", f"{name} of <{tag}>"
        if name in ("src", "background", "poster") and squeezed.startswith("data:"):
            yield "data-image", f"<{tag}>"
    yield from _of_style(element.attributes.get("style", ""), f"<{tag}>")


def _of_style(style: str, where: str) -> Iterator[tuple[str, str]]:
    if not style:
        return
    lowered = style.lower()
    if "@import" in lowered:
        yield "css-import", where
    if "@font-face" in lowered:
        yield "external-font", where
    elif _REMOTE.search(style):
        yield "css-url", where
    if _DATA.search(style):
        yield "data-image", where
    if _POSITION.search(style):
        yield "css-position", where
    if "javascript:" in _BLANKS.sub("", lowered):
        yield "javascript", where
