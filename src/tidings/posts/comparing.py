"""What speaks for two texts being one post: how alike they are, and how far apart in time. Pure.

A text that is gone is compared by its sketch (posts/sketch.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tidings.model import Remembered, Suspect
from tidings.posts import sketch
from tidings.posts.edits import steady
from tidings.posts.identity import is_day
from tidings.posts.likeness import containment, resemblance, shingles, words_of
from tidings.posts.sketch import Sketch, drawn, opened

SAME, COPY, EDITED, PART = 0.95, 0.75, 0.3, 0.8
"""How alike two texts are that are the same but for a word, copies, or one post before and after it was edited; and how
much of the shorter one is in the longer where that is a part of it."""

FEWEST_WORDS = 12
"""Two shorter texts are alike, or not, by chance."""

MANY_WORDS = 100
"""A call for comments, a forecast, or what stands on the page of a canteen, is shorter."""

READ = 4_000
"""Characters, of which it is enough to count the words that matter."""

_MOMENT = timedelta(minutes=1)  # Seconds get lost.
_CUT = timedelta(hours=36)  # between a time and its date alone, whatever the zone


def compare(text: str, dated: datetime | None, remembered: Remembered, hints: Sequence[str]) -> Suspect:
    """What speaks for a new post being the `remembered` one, which `hints` led to. What counters rewrite says nothing
    against it."""
    by_day = any(date is not None and is_day(date) for date in (dated, remembered.dated))
    return replace(_compare(text, dated, remembered, hints), by_day=by_day)


def _compare(text: str, dated: datetime | None, remembered: Remembered, hints: Sequence[str]) -> Suspect:
    apart = _apart(dated, remembered.dated)
    if remembered.sketch and not remembered.text:
        return _compare_sketches(drawn(text), opened(remembered.sketch), remembered.post_id, tuple(hints), apart)
    if text == remembered.text:
        says_anything = bool(words_of(steady(text[:READ])))
        return Suspect(remembered.post_id, tuple(hints), 1.0 if says_anything else None, 1.0, apart, same_words=True)
    words, former = words_of(steady(text)), words_of(steady(remembered.text))
    likeness, part = _likeness(words, former)
    same_words = words == former and words_of(text) == words_of(remembered.text)
    return Suspect(remembered.post_id, tuple(hints), likeness, part, apart, same_words)


def is_of_same_moment(suspect: Suspect) -> bool:
    """Whether both posts have one date, as far as that is known."""
    return suspect.apart is not None and suspect.apart <= _MOMENT


def _compare_sketches(
    one: Sketch, other: Sketch, post_id: int, hints: tuple[str, ...], apart: timedelta | None
) -> Suspect:
    """The same for a text that is gone."""
    equal = one.steady_words == other.steady_words
    same_words = equal and one.words == other.words
    if equal:
        return Suspect(post_id, hints, 1.0 if one.length else None, 1.0, apart, same_words)
    if min(one.length, other.length) >= FEWEST_WORDS:
        return Suspect(post_id, hints, sketch.resemblance(one, other), sketch.containment(one, other), apart, False)
    return Suspect(post_id, hints, None, 0.0, apart, same_words=False)


def _likeness(words: list[str], former: list[str]) -> tuple[float | None, float]:
    """How alike two texts are, and how much of the shorter one is in the other. Of short ones only equality counts, and
    of one that is empty, as when it was pruned, nothing: it would be a part of any."""
    if min(len(words), len(former)) >= FEWEST_WORDS:
        one, other = shingles(words), shingles(former)
        return resemblance(one, other), containment(one, other)
    shorter, longer = sorted((set(words), set(former)), key=len)
    part = len(shorter & longer) / len(shorter) if shorter else 0.0
    return (1.0 if words and words == former else None), part


def _apart(one: datetime | None, other: datetime | None) -> timedelta | None:
    """The time between two dates; none if one is that of the other without the time of day."""
    if one is None or other is None:
        return None
    apart = abs(one - other)
    return timedelta() if apart <= _CUT and is_day(one) != is_day(other) else apart
