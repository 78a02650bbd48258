"""Which posts of a source are shown? The operator's rules, applied. Pure.

A post is shown when one of the source's `include` rules matches it (or there are none) and none of its `exclude` rules
does. One that is not shown is stored and remembered all the same, with the rule that keeps it out.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import astuple, replace
from functools import cache, lru_cache
from typing import Protocol

from tidings.model import FeedChange, PostToSave, Rule, Source
from tidings.patterns import LONGEST_TEXT, escaped, finder

NOT_INCLUDED = "include"
"""What keeps out a post that matches no rule of `include`; the text of a rule always holds a colon."""

# Scripts written without spaces between words, or with endings joined on: a word of theirs may stand inside a run.
_UNSPACED = r"\x{0e00}-\x{0eff}\x{1000}-\x{109f}\x{1780}-\x{17ff}\x{3040}-\x{30ff}\x{3400}-\x{9fff}\x{ac00}-\x{d7af}"
_BOUNDARY = rf"[^\pL\pN\pM_]|[{_UNSPACED}]"

# Soft hyphens and marks without width: the reader does not see them, so neither does a rule.
_INVISIBLE = str.maketrans(dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff"))

_COMPILED_AT_ONCE = 64  # of each kind: as many as the library keeps together
_JUDGING = 1  # raised when the same rule comes to mean something else, so that stored posts are judged again


class Readable(Protocol):
    """What rules look at: of a post to save and of a stored one alike. `text` is plain."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def tags(self) -> tuple[str, ...]: ...


class Ruling(Protocol):
    """Who has rules: a source, or an edition."""

    @property
    def include(self) -> tuple[Rule, ...]: ...
    @property
    def exclude(self) -> tuple[Rule, ...]: ...


def excluded_by(post: Readable, ruling: Ruling) -> str:
    """What keeps `post` from being shown: the text of the first `exclude` rule that matches it, `NOT_INCLUDED`, or ""
    when nothing does."""
    for rule in ruling.exclude:
        if matches(rule, post):
            return rule.text
    if ruling.include and not any(matches(rule, post) for rule in ruling.include):
        return NOT_INCLUDED
    return ""


def apply(change: FeedChange, source: Source) -> FeedChange:
    """The change with each of its posts judged by the rules of `source`."""
    if not (source.include or source.exclude):
        return change
    return replace(
        change,
        new=tuple(_judged(post, source) for post in change.new),
        changed=tuple(_judged(post, source) for post in change.changed),
        healed=tuple(_judged(post, source) for post in change.healed),
        rules=fingerprint(source),
    )


def fingerprint(source: Source) -> str:
    """Stands for the rules of a source: 32 hex digits, or "" when it has none. Another one means that its stored posts
    are to be judged again."""
    if not (source.include or source.exclude):
        return ""
    rules = [[astuple(rule) for rule in kind] for kind in (source.include, source.exclude)]
    return hashlib.blake2b(json.dumps([_JUDGING, *rules]).encode(), digest_size=16).hexdigest()


def matches(rule: Rule, post: Readable) -> bool:
    """Whether a rule finds what it seeks. Words are found as whole words, next to each other; a tag is one when it is
    the same. Letter case and the way an accented letter is encoded do not count, accents do."""
    if rule.field == "tag":
        return any(_finds(rule, tag) for tag in post.tags)
    return _finds(rule, getattr(post, rule.field))


def _judged(post: PostToSave, source: Source) -> PostToSave:
    return replace(post, excluded=excluded_by(post, source))


def _finds(rule: Rule, text: str) -> bool:
    if rule.kind == "pattern":
        return _pattern(rule.sought)(_seen(text))
    if rule.field == "tag":
        return _words_of(text) == _words_of(rule.sought)
    return _phrase(rule.sought)(_words_of(text))


@lru_cache(maxsize=_COMPILED_AT_ONCE)
def _pattern(sought: str) -> Callable[[str], bool]:
    return finder(sought)


@lru_cache(maxsize=_COMPILED_AT_ONCE)
def _phrase(sought: str) -> Callable[[str], bool]:
    words = _words_of(sought)
    before = f"(?:^|{_BOUNDARY})" if _ends_a_word(words[:1]) else ""
    after = f"(?:$|{_BOUNDARY})" if _ends_a_word(words[-1:]) else ""
    return finder(before + escaped(words) + after)


def _ends_a_word(letter: str) -> bool:
    """Whether the sign at an end of a phrase must not go on as a longer word."""
    return (letter.isalnum() or letter == "_") and not _unspaced_letter().match(letter)


@cache
def _unspaced_letter() -> re.Pattern[str]:
    """Made where a rule needs it: so large a set takes as long as asking after fifty sources."""
    return re.compile(_UNSPACED.join("[]").replace(r"\x{", r"\u").replace("}", ""))


# Several rules look at the same text, one after the other.
@lru_cache(maxsize=2)
def _seen(text: str) -> str:
    """The text as a reader sees it, composed; no more of it than is looked at."""
    return unicodedata.normalize("NFC", text[:LONGEST_TEXT].translate(_INVISIBLE))


@lru_cache(maxsize=2)
def _words_of(text: str) -> str:
    """The words of a text for comparison: one blank between them, letter case folded (Unicode 3.13, D145)."""
    folded = unicodedata.normalize("NFD", _seen(text)).casefold()
    return unicodedata.normalize("NFC", " ".join(folded.split()))
