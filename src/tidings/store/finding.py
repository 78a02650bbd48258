"""Finding posts for visitors, who may ask for anything: few words, and no text that is not shown to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from tidings.errors import TooLongError
from tidings.model import StoredPost
from tidings.records import dataclass
from tidings.store import planet, words
from tidings.store.database import Store

_MOST_WORDS = 8
_PART = 20  # posts whose texts are read between two looks at what was found; what the clock cuts off is lost

_HEADLINE = ("title", "author")
_ALL = (*_HEADLINE, "text")


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor looks for: each of `words`, in title, author and text of the posts of the sources that are `open`
    (names), and in title and author of those of which that is all that may be told, `headlines`. The first `offset` are
    left out."""

    words: str
    open: Sequence[str]
    headlines: Sequence[str]
    limit: int
    offset: int


@dataclass(frozen=True, slots=True)
class Findings:
    """A page of posts, the newest first, and how many there are in all: at least `total`, unless `is_all`."""

    posts: tuple[StoredPost, ...]
    total: int
    is_all: bool


def find(store: Store, question: Question, seconds: float) -> Findings:
    """The posts that pages may show and that have all words. Of the words eight different ones count, and one of those
    that the index does not hold; signs alone are none.

    For a word that the index does not hold the texts of those that have the other words are read, the newest first,
    until the page is full or so many `seconds` are over: what is found by then is the answer. Raises TooLongError where
    the index alone takes longer.
    """
    wanted = _wanted(question.words)
    if not wanted:
        return Findings((), 0, is_all=True)
    end = question.offset + question.limit
    with store.within(seconds):
        candidates = _indexed(store, question, [word for word in wanted if words.is_indexed(word)])
        ids, is_all = [row["id"] for row in candidates], True
        for word in wanted:
            if not words.is_indexed(word):
                # One more than are shown tells whether there is another page.
                ids, is_all = _scan(store, candidates, word, end + 1)
    shown = ids[question.offset : end]
    whole = planet.whole(store, shown)
    return Findings(tuple(whole[post_id] for post_id in shown), len(ids), is_all)


def _wanted(text: str) -> list[str]:
    """The words that count; of those that the index does not hold the longest, which says most."""
    different = {word.casefold(): word for word in words.split(text, len(text)) if words.is_spoken(word)}
    few = list(different.values())[:_MOST_WORDS]
    scanned = [word for word in few if not words.is_indexed(word)]
    return [word for word in few if words.is_indexed(word)] + sorted(scanned, key=len, reverse=True)[:1]


def _indexed(store: Store, question: Question, indexed: Sequence[str]) -> list[sqlite3.Row]:
    """The posts that have some words of the index, all of them where there is none, the newest first: `id`, and whether
    the text `is_open`, too."""
    of_open = _some(question.open, _ALL, indexed)
    of_headlines = _some(question.headlines, _HEADLINE, indexed)
    return store.rows(
        f"""SELECT id, is_open FROM (SELECT *, 1 AS is_open FROM ({of_open[0]})
        UNION ALL SELECT *, 0 FROM ({of_headlines[0]})) ORDER BY effective DESC, id DESC""",
        (*of_open[1], *of_headlines[1]),
    )


def _some(sources: Sequence[str], columns: Sequence[str], indexed: Sequence[str]) -> tuple[str, list[str]]:
    """A statement for the posts of some sources that have words of the index in some columns, and its parameters."""
    # From indexes alone: to look at a row reads its text, which takes three times as long.
    statement = """SELECT p.id AS id, p.effective AS effective
        FROM posts p INDEXED BY posts_by_feed_and_time JOIN feeds f ON f.id = p.feed_id
        WHERE f.name IN (SELECT value FROM json_each(?))
        AND p.id NOT IN (SELECT id FROM posts WHERE excluded != '')
        AND p.id NOT IN (SELECT id FROM posts WHERE held_at IS NOT NULL)"""
    names = json.dumps(list(sources))
    if not indexed:
        return statement, [names]
    match = f"{{{' '.join(columns)}}} : ({' AND '.join(map(words.quoted, indexed))})"
    return f"{statement} AND p.id IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)", [names, match]


def _scan(store: Store, candidates: Sequence[sqlite3.Row], word: str, enough: int) -> tuple[list[int], bool]:
    """The candidates that have a word, until there are `enough` or time is over, and whether that is all of them."""
    found: list[int] = []
    for start in range(0, len(candidates), _PART):
        if len(found) >= enough:
            return found, False
        try:
            found += _having(store, candidates[start : start + _PART], word)
        except TooLongError:
            return found, False
    return found, True


def _having(store: Store, candidates: Sequence[sqlite3.Row], word: str) -> list[int]:
    """The candidates that have a word in what may be looked into, in their order."""
    ids = [row["id"] for row in candidates]
    is_open = [row["id"] for row in candidates if row["is_open"]]
    rows = store.rows(
        """SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?)) AND instr(casefold(title || ' ' || author
        || iif(id IN (SELECT value FROM json_each(?)), ' ' || text, '')), casefold(?)) > 0""",
        (json.dumps(ids), json.dumps(is_open), word),
    )
    having = {row["id"] for row in rows}
    return [post_id for post_id in ids if post_id in having]
