"""Pieces of messages: a value quoted on one line, the word that was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

LONGEST_QUOTE = 60
"""Characters of the operator's own text that a message repeats."""


def shown(text: str) -> str:
    """The text on one line, cut to a readable length; what does not print is escaped."""
    cut = text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 1] + "…"
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)


def quoted(text: str) -> str:
    """The text between quotes, on one line."""
    return f'"{shown(text)}"'


def closest(word: str, options: Iterable[str]) -> str | None:
    """The option that `word` was probably meant to be; letter case does not count."""
    by_folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(word.casefold()[:200], list(by_folded), n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """A question to end a message with, or "" when nothing comes close."""
    option = closest(word, options)
    return "" if option is None else f"; did you mean {quoted(option)}?"


def any_of(options: Iterable[str]) -> str:
    """`"a", "b" or "c"`."""
    *first, last = options
    return f"{', '.join(first)} or {last}" if first else last
