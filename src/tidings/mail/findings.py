"""What judging a mail comes to. The words that all rules share, so that the files of rules need not know each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

_EXAMPLES = 3
_EXAMPLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a mail. "red": it must not go out so; "yellow": it can, but would be better without.

    `rule` is a short name that scripts may rely on, `message` says what is wrong, where, and what to do about it.
    """

    level: Literal["red", "yellow"]
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a mail has to carry that its bytes cannot tell: the operator's postal address, line by line as it is
    configured; "" when none is. With `is_private` there need not be one, since the readers know who writes."""

    postal_address: str = ""
    is_private: bool = False


def red(rule: str, message: str) -> Finding:
    return Finding("red", rule, message)


def yellow(rule: str, message: str) -> Finding:
    return Finding("yellow", rule, message)


def named(found: Iterable[str]) -> str:
    """The first few of what was found, each on one line and not too long, and how many more there are."""
    distinct = list(dict.fromkeys(found))
    shown = ", ".join(_short(one) for one in distinct[:_EXAMPLES])
    more = len(distinct) - _EXAMPLES
    return f"{shown}, and {more} more" if more > 0 else shown


def _short(text: str) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _EXAMPLE_LENGTH else f"{text[: _EXAMPLE_LENGTH - 1]}…"
