"""Finding posts for visitors, who may ask for anything: few words, and no text that is not shown to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from tidings.model import StoredPost
from tidings.records import dataclass
from tidings.store import planet, words
from tidings.store.database import Store

_MOST_WORDS = 8

_HEADLINE = ("title", "author")
_ALL = (*_HEADLINE, "text")


@dataclass(frozen=True, slots=True)
class Question:
    """What a visitor looks for: each of `words`, in title, author and text of the posts of the sources that are `open`
    (names), and in title and author of those that show `headlines` alone. The first `offset` are left out."""

    words: str
    open: Sequence[str]
    headlines: Sequence[str]
    limit: int
    offset: int


def find(store: Store, question: Question) -> tuple[list[StoredPost], int]:
    """The posts that pages may show and that have all words, newest first, and how many there are in all, 0 where none
    is left. Of the words eight different ones count, and
    one of those that the index does not hold, since for that all texts are read; signs alone are none."""
    wanted = _wanted(question.words)
    if not wanted:
        return [], 0
    of_open = _some(question.open, _ALL, wanted)
    of_headlines = _some(question.headlines, _HEADLINE, wanted)
    # Ids alone: to leave out a thousand posts with their texts would read them.
    rows = store.rows(
        f"""SELECT id, count(*) OVER () AS total FROM ({of_open[0]} UNION ALL {of_headlines[0]})
        ORDER BY effective DESC, id DESC LIMIT ? OFFSET ?""",
        (*of_open[1], *of_headlines[1], question.limit, question.offset),
    )
    ids = [row["id"] for row in rows]
    whole = planet.whole(store, ids)
    return [whole[post_id] for post_id in ids], rows[0]["total"] if rows else 0


def _wanted(text: str) -> list[str]:
    """The words that count; of those that the index does not hold the longest, which says most."""
    different = {word.casefold(): word for word in words.split(text, len(text)) if words.is_spoken(word)}
    few = list(different.values())[:_MOST_WORDS]
    scanned = [word for word in few if not words.is_indexed(word)]
    return [word for word in few if words.is_indexed(word)] + sorted(scanned, key=len, reverse=True)[:1]


def _some(sources: Sequence[str], columns: Sequence[str], wanted: Sequence[str]) -> tuple[str, list[str]]:
    """A statement for the posts of some sources that have all of the words in some columns, and its parameters."""
    conditions, parameters = list[str](), [json.dumps(list(sources))]
    for condition, parameter in _conditions(columns, wanted):
        conditions.append(condition)
        parameters.append(parameter)
    statement = f"""SELECT p.id AS id, p.effective AS effective FROM posts p JOIN feeds f ON f.id = p.feed_id
        WHERE f.name IN (SELECT value FROM json_each(?)) AND p.excluded = '' AND p.held_at IS NULL
        AND {" AND ".join(conditions)}"""
    return statement, parameters


def _conditions(columns: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    indexed = [words.quoted(word) for word in wanted if words.is_indexed(word)]
    if indexed:
        yield (
            "p.id IN (SELECT rowid FROM posts_fts WHERE posts_fts MATCH ?)",
            f"{{{' '.join(columns)}}} : ({' AND '.join(indexed)})",
        )
    for word in wanted:
        if not words.is_indexed(word):
            text = " || ' ' || ".join(f"p.{column}" for column in columns)
            yield f"instr(casefold({text}), casefold(?)) > 0", word
