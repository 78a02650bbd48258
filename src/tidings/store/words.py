"""Words that somebody looks for, as conditions on posts. What is typed is never read as query syntax."""

from __future__ import annotations

import re

# Scripts written without spaces: the index holds a run of them as one word, so a part of it is found only by scanning;
# so are signs and pictures, which it does not hold at all.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# What no stored text holds, and SQLite can't be asked for: NUL, and the half characters a shell makes of bad bytes.
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")

_LETTER = re.compile(r"[^\W_]")


def askable(text: str) -> str:
    """A text as a statement can be asked for it."""
    return _NO_TEXT.sub(" ", text)


def split(text: str, most: int) -> list[str]:
    """The first `most` words and quoted phrases of a text, without their quotes."""
    found = re.findall(r'"([^"]*)"|(\S+)', askable(text))[:most]
    return [word for phrase, single in found if (word := (phrase or single).strip())]


def is_spoken(word: str) -> bool:
    """Whether it has a letter or digit, so that it is no mere sign."""
    return bool(_LETTER.search(word))


def is_indexed(word: str) -> bool:
    """Whether the index finds it; else only looking through all texts does."""
    return is_spoken(word) and not _UNSPACED.search(word)


def quoted(word: str) -> str:
    """A word or phrase in the language of the index (sqlite.org/fts5.html, section 3.1)."""
    return '"' + word.replace('"', '""') + '"'
