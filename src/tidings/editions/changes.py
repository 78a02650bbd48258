"""What did an edit change, in a line? The words of two versions in, what is new out. Pure; takes linear time.

Words are compared in runs of three, as stories are (posts/likeness.py): a word is new when no run of three that it is
part of was there before. So what only moved is not new, nor the seam where something was cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from tidings.model import EditedPost

_SIZE = 3
_QUOTE = 300  # characters; templates show less, and mark that there is more
_LONGEST = 300_000  # characters of a text are looked at: more than any post that somebody writes
_MEANT = {"L", "M", "N"}  # Unicode categories of letters, their marks, and numbers

# Scripts written without spaces: each sign counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_SIGN = re.compile(f"[{_UNSPACED}]")
_WORD = re.compile(f"[{_UNSPACED}]|[^\\s{_UNSPACED}]+")


def renamed(before: str, after: str) -> bool:
    """Whether a headline is another; not when only signs and capitals are. One that had none was not renamed."""
    former = _words(before)
    return bool(former) and former != _words(after)


def is_undone(edited: EditedPost) -> bool:
    """Whether a post says again what it said in the issue that carried it, or never left it but for signs."""
    post, before = edited.post, edited.former_text
    return before is not None and not renamed(edited.former_title, post.title) and _words(before) == _words(post.text)


def words_added(before: str, after: str) -> int:
    """How many words `after` has more than `before`, negative for fewer; 0 where words can't be counted."""
    if _SIGN.search(before, 0, _LONGEST) or _SIGN.search(after, 0, _LONGEST):
        return 0
    return len(_words(after)) - len(_words(before))


def new_words(before: str, after: str) -> str:
    """`after` on one line from its first new word on, or "" when it has none."""
    places = list(_places(after))
    first = _first_new(_words(before), [word for _, word in places])
    return "" if first is None else " ".join(after[places[first][0] :][:_QUOTE].split())


def _first_new(before: Sequence[str], after: Sequence[str]) -> int | None:
    """The place of the first word that is in no run of `before`."""
    known, runs, old_until = set(_runs(before)), _runs(after), 0
    for place in range(len(after)):
        if place < len(runs) and runs[place] in known:
            old_until = place + _SIZE
        if place >= old_until:
            return place
    return None


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(words, words[1:], words[2:], strict=False))


def _words(text: str) -> list[str]:
    return [word for _, word in _places(text)]


def _places(text: str) -> Iterator[tuple[int, str]]:
    """The words of a text, without signs and capitals, each with the place where it starts."""
    for match in _WORD.finditer(text, 0, _LONGEST):
        word = match.group().casefold()
        if not word.isalnum():
            word = "".join(sign for sign in word if unicodedata.category(sign)[0] in _MEANT)
        if word:
            yield match.start(), word
