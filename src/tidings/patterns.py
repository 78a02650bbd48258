"""Regular expressions that cannot run away: RE2's, whose time grows with the text and never with what is in it.

The one home of the library, on the ground because two rooms need the same answer: the configuration, which has to say
at once what is wrong with an expression and where it stands, and the rules that look into posts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re2

LONGEST_TEXT = 100_000
"""Characters of a text that are looked at. Time is the length of the text times the size of the expression, so both are
bounded: within these limits the worst known expression takes a few seconds, an ordinary one a fraction of a
millisecond."""

_LONGEST_PATTERN = 500  # characters
_LARGEST_PROGRAM = 5_000  # RE2's instructions; a letter takes one or two, a class such as \pL about 1,200
_MEMORY = 1_000_000  # bytes one compiled expression may take, with the states it remembers; the library keeps 128

_SMALLER = "repeat less ({1,9} rather than {1,999}), or name fewer characters"

# What RE2 says, and what an operator can do about it.
_FIXES = {
    "invalid perl operator": "behind `(?` there are groups (?:…) and flags such as (?-i); look-ahead and look-behind "
    "are not to be had, because they can run for ever: write a rule of `include` and another of `exclude`",
    "invalid escape sequence": "a backslash goes before a sign, or in \\d, \\s, \\w, \\b, \\pL; "
    "references back such as \\1 are not to be had, write the text out",
    "missing )": "close each `(` with a `)`; a bracket that is meant itself is written `\\(`",
    "unexpected )": "open each `)` with a `(`; a bracket that is meant itself is written `\\)`",
    "missing ]": "close each `[` with a `]`; a bracket that is meant itself is written `\\[`",
    "no argument for repetition operator": "put something before `*`, `+` or `?`, or write `\\*` for the sign itself",
    "bad repetition operator": "write one of `*`, `+`, `?` and {2,5} at a time",
    "invalid repetition size": "repeat at most 1000 times",
    "invalid character class range": "name a class that exists, such as \\pL (letters), \\pN (digits) or \\p{Greek}; "
    "ranges go from the lower to the higher",
    "pattern too large": _SMALLER,
    "trailing \\": "write `\\\\` for a backslash itself",
}

Finder = Callable[[str], bool]


def check(pattern: str) -> None:
    """Raises ValueError, on one line with what to write instead, for what is no expression, is not supported because it
    could take exponential time, or is too large."""
    if len(pattern) > _LONGEST_PATTERN:
        raise ValueError(f"the expression is longer than {_LONGEST_PATTERN} characters; write several shorter ones")
    if _compiled(pattern).programsize > _LARGEST_PROGRAM:
        raise ValueError(f"pattern too large; {_SMALLER}")


def finder(pattern: str) -> Finder:
    """Says of a text whether `pattern` is found anywhere in its first `LONGEST_TEXT` characters; letter case counts
    only after `(?-i)`. Raises ValueError for what `check` does, except for length."""
    compiled = _compiled(pattern)
    return lambda text: compiled.search(text[:LONGEST_TEXT].encode("utf-8", "replace")) is not None


def escaped(text: str) -> str:
    """A pattern that finds just `text`."""
    import re2

    return str(re2.escape(text))


def _compiled(pattern: str) -> Any:
    import re2  # loaded where there is an expression: few operators have any

    options = re2.Options()
    options.max_mem = _MEMORY
    options.case_sensitive = False
    options.never_capture = True
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(_reason(error)) from None


def _reason(error: re2.error) -> str:
    raw = error.args[0]
    said = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else str(raw)
    fixes = [fix for start, fix in _FIXES.items() if said.startswith(start)]
    return f"{said}; {fixes[0] if fixes else 'write it in the syntax of RE2'}"
