"""Can two posts be one story at all? Told at a glance, before they are laid side by side. Pure.

Most posts that share a link, a sponsor or a notice are two, and have hardly a run of words in common. To see that takes
a tenth of the time that telling takes (posts/telling.py); whatever this lets pass is judged there.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache

from tidings.posts.headlines import relation
from tidings.posts.likeness import Shingles, shingles, weight
from tidings.posts.pairs import told_words
from tidings.posts.pieces import own_page, own_text
from tidings.records import dataclass

# Each is the least that a rule of posts/telling.py asks for, or less.
_BRIEF = 80  # own words of a link post at most
_FEWEST_COPIED, _LEAST_SHARE = 20, 0.3
_FEWEST_OPENING = 10


@dataclass(frozen=True, slots=True)
class Glance:
    """What is seen of a post at once: its canonical URL, its headline, the words of its text and its runs of three."""

    page: str
    title: str
    words: tuple[str, ...]
    weight: float
    runs: Shingles


@lru_cache(maxsize=16)  # what has a link that many follow is met again and again
def glance(url: str, title: str, text: str, language: str) -> Glance:
    """A post at a glance; `url` is its canonical URL or any other spelling of it."""
    words = tuple(told_words(own_text(text), language))
    return Glance(own_page(url), title, words, weight(words), shingles(words))


def may_be_one(one: Glance, other: Glance) -> bool:
    """Whether any rule could find that two posts are one story. False means that none does; symmetric."""
    if one.page and one.page == other.page:
        return True
    short = min(one, other, key=lambda seen: (len(seen.words), seen.words))
    common = _in_common(short.words, one.runs & other.runs)
    if min(one.weight, other.weight) - common <= _BRIEF:
        return True
    if common >= max(_FEWEST_COPIED, _LEAST_SHARE * short.weight):
        return True
    return common >= _FEWEST_OPENING and relation(one.title, other.title) in ("same", "near")


# What looking and telling take, in words read: 4,000 words laid beside 4,000 others take the time of reading 8,000.
# Counted, not measured, so that the same documents are always told the same.
_PRODUCT = 2_000


def effort_of_glance(one: Glance) -> int:
    """What it takes to see a post at a glance."""
    return len(one.words)


def effort_of_telling(one: Glance, other: Glance) -> int:
    """What it takes to tell whether two posts are one story."""
    return len(one.words) * len(other.words) // _PRODUCT


def _in_common(words: Sequence[str], runs: Shingles) -> int:
    """How many of the words stand in one of the runs: at least as many as an alignment would find."""
    count = end = 0
    if runs:
        are_common = map(runs.__contains__, zip(words, words[1:], words[2:], strict=False))
        for at in itertools.compress(itertools.count(), are_common):
            count += at + 3 - max(at, end)
            end = at + 3
    return count
