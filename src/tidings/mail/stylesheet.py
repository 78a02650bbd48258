"""The style block of a mail, as far as it can colour text: rules by type, class, id and attribute, below and inside,
in media queries about the colour scheme. What it does not know it leaves out, like a mail program would."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tidings.mail.tree import Element

Scheme = Literal["light", "dark"]
Declarations = tuple[tuple[str, str, bool], ...]
"""Property, value, and whether it is `!important`."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMPOUND = re.compile(r"(\*|[a-z][\w-]*)?((?:[.#][\w-]+|\[[^\[\]]*\]|:root|:link)*)", re.IGNORECASE)
_PIECE = re.compile(r"[.#][\w-]+|\[[^\[\]]*\]|:root|:link", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\[\s*([\w-]+)\s*(?:=\s*["']?([^"'\]]*)["']?\s*)?\]""")
_SCREEN = frozenset({"", "all", "screen", "only screen"})
_BRACE = re.compile("[{}]")
_DEEPEST = 4  # media queries in media queries
_MOST = 300  # rules that are tried on each element
_LONGEST = 200_000  # characters of style that are read; Gmail reads none beyond 16,384


@dataclass(frozen=True, slots=True)
class Compound:
    """Simple selectors that hold of one element: its type ("" for any), and pieces such as ".class"."""

    tag: str
    pieces: tuple[str, ...]
    child: bool = False
    """Whether the element before it has to be the parent itself."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations. `weight` is its specificity and its place, for the cascade to sort by."""

    selector: tuple[Compound, ...]
    declarations: Declarations
    weight: tuple[int, int, int, int]


def rules(css: str, scheme: Scheme) -> list[Rule]:
    """The rules that count on a screen in this colour scheme. Those for a width of the screen are left out: what the
    width is nobody knows, and text is to be read at any."""
    found: list[Rule] = []
    for selectors, body in _blocks(_COMMENT.sub(" ", css[:_LONGEST]), scheme):
        listed = declarations(body)
        for text in selectors.split(",") if listed else ():
            selector = _selector(text)
            if selector and len(found) < _MOST:
                found.append(Rule(selector, listed, (*_specificity(selector), len(found))))
    return found


def declarations(text: str) -> Declarations:
    """The declarations of a style attribute or of a rule, names in lower case."""
    listed = []
    for one in text.split(";"):
        name, colon, value = one.partition(":")
        plain = re.sub(r"!\s*important\s*\Z", "", value.strip(), flags=re.IGNORECASE)
        if colon and name.strip():
            listed.append((name.strip().lower(), plain.strip(), plain != value.strip()))
    return tuple(listed)


def asked_attributes(sheet: Sequence[Rule]) -> set[str]:
    """The names of the attributes that selectors ask about: those that are alike in them are alike to the style."""
    pieces = {piece for rule in sheet for compound in rule.selector for piece in compound.pieces}
    return {_attribute_of(piece) for piece in pieces}


def _attribute_of(piece: str) -> str:
    if named := _ATTRIBUTE.fullmatch(piece):
        return named[1].lower()
    return {".": "class", "#": "id"}.get(piece[0], "href")


def _blocks(css: str, scheme: Scheme, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Preludes and bodies of plain rules; of media rules those inside, where the query holds."""
    position = 0
    while (opening := css.find("{", position)) >= 0:
        prelude = css[position:opening].rpartition(";")[2].strip()
        closing = _closing(css, opening)
        body = css[opening + 1 : closing]
        if prelude.lower().startswith("@media"):
            if depth < _DEEPEST and _query_holds(prelude[len("@media") :], scheme):
                yield from _blocks(body, scheme, depth + 1)
        elif not prelude.startswith("@"):
            yield prelude, body
        position = closing + 1


def _closing(css: str, opening: int) -> int:
    """Where the block that begins at `opening` ends, or where the style does."""
    depth = 0
    for brace in _BRACE.finditer(css, opening):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    return len(css)


def _query_holds(query: str, scheme: Scheme) -> bool:
    wanted = f"(prefers-color-scheme:{scheme})"
    for one in query.lower().split(","):
        conditions = [re.sub(r"\s*:\s*", ":", " ".join(part.split())) for part in re.split(r"\band\b", one)]
        if all(condition in _SCREEN or condition.replace(" ", "") == wanted for condition in conditions):
            return True
    return False


def _selector(text: str) -> tuple[Compound, ...] | None:
    """The compounds from the outside in; None for a selector with something that is not known here."""
    compounds: list[Compound] = []
    child = False
    for word in re.sub(r"\s*>\s*", " > ", text).split():
        if word == ">":
            child = True
            continue
        match = _COMPOUND.fullmatch(word)
        if not match:
            return None
        tag = (match[1] or "").lower()
        compounds.append(Compound("" if tag == "*" else tag, tuple(_PIECE.findall(match[2])), child))
        child = False
    return tuple(compounds) or None


def _specificity(selector: Sequence[Compound]) -> tuple[int, int, int]:
    pieces = [piece for compound in selector for piece in compound.pieces]
    ids = len([1 for piece in pieces if piece.startswith("#")])
    return ids, len(pieces) - ids, len([1 for compound in selector if compound.tag])


def fits(compound: Compound, element: Element) -> bool:
    """Whether a compound holds of an element, whatever is around that."""
    if (compound.tag and compound.tag != element.tag) or not element.tag:
        return False
    return all(_has(piece, element) for piece in compound.pieces)


def _has(piece: str, element: Element) -> bool:
    if piece.startswith("."):
        return piece[1:] in element.classes
    if piece.startswith("#"):
        return element.attributes.get("id") == piece[1:]
    if piece.startswith("["):
        match = _ATTRIBUTE.fullmatch(piece)
        value = element.attributes.get(match[1].lower()) if match else None
        return bool(match) and value is not None and (match[2] is None or value == match[2].strip())  # type: ignore[index]
    return element.tag == "html" if piece.lower() == ":root" else "href" in element.attributes
