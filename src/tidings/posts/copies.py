"""Is one text a copy of the other? Pure.

Copies and templates have in common that most of two texts is the same. A copy is changed at its ends, where platforms
put their boilerplate and shorten, and by an editor's slips and wordings within; a template is changed in its facts:
numbers, names, the word that is in the headline too. All limits are in words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

from tidings.posts.headlines import (
    Relation,
    bare,
    is_distinctive,
    is_telling,
    other_numbers,
    recurs,
    stands,
    telling_words,
)
from tidings.posts.likeness import Gap, containment, is_slip, places_of_words, shingles, weight, words_of
from tidings.posts.pairs import Pair, in_other_languages

_FEWEST: dict[Relation, float] = {"same": 20, "near": 20, "untitled": 20, "other": 60}
"""Words that two texts must have in common: "This is your first post" has fewer, a caption not many more."""
_LINKED = 20
_COVERED: dict[Relation, float] = {"same": 0.85, "near": 0.9, "untitled": 0.9, "other": 0.95}
_ADDED: dict[Relation, float] = {"same": 150, "near": 120, "untitled": 100, "other": 100}
_MOSTLY, _MOST_OF_IT = 100, 0.6
_HEADER = 14


def copied_share(pair: Pair) -> float | None:
    """How much of the shorter text is in the longer one, from 0 to 1, if one was copied from the other; else None."""
    if pair.common < (_LINKED if pair.is_linked else _FEWEST[pair.headline]):
        return None
    if not _encloses(pair) or not _is_edited_at_most(pair) or says_the_same_anyway(pair):
        return None
    if pair.headline == "other" and not _speaks_of_both(pair):
        return None
    return pair.common / pair.short.weight


def _encloses(pair: Pair) -> bool:
    """Whether the longer text has the shorter one in it, and not too much beside it. Under one headline the shorter
    one may be just the beginning, and both may have boilerplate of their own."""
    added, missing = pair.long.weight - pair.common, pair.short.weight - pair.common
    headers = sorted((weight(pair.aligned.gaps[0].one), weight(pair.aligned.gaps[0].other)))
    covered = pair.common / pair.short.weight
    if pair.headline != "same" or not is_distinctive(bare(pair.short.piece.title)):
        limits = "near" if pair.headline == "same" else pair.headline
        return covered >= _COVERED[limits] and headers[0] <= 1 and _fits(pair, added, headers[1])
    if covered >= _COVERED["same"]:
        return added <= _ADDED["same"] or _is_beginning(pair, headers[1])
    if in_other_languages(pair.short.piece, pair.long.piece):
        return False  # a translation leaves the listings of programs as they are
    return pair.common >= max(_MOSTLY, _MOST_OF_IT * pair.long.weight) and max(added, missing) <= _ADDED["same"]


def _fits(pair: Pair, added: float, header: float) -> bool:
    """Whether a text under another headline may have so much more than the shorter one. A caption, a slogan, or the
    introduction to a series is in texts that go on with something else."""
    if pair.common >= _MOSTLY and ((header <= _HEADER and _breaks_off(pair)) or _is_prefaced(pair)):
        return True
    if pair.common < _SHORT and added > pair.common / 2 and not pair.is_linked and not _breaks_off(pair):
        return False
    return added <= _ADDED["near" if pair.headline == "same" else pair.headline]


def _is_prefaced(pair: Pair) -> bool:
    """Whether an editor says something before the whole text, shorter than it. Essays mark what they quote."""
    before = pair.aligned.edges[0]
    preface = weight(before.other)
    return (
        pair.long.own is None
        and not before.one
        and preface <= min(_ADDED["same"], pair.common)
        and pair.long.weight - pair.common - preface <= _HEADER
    )


def _is_beginning(pair: Pair, header: float) -> bool:
    """Whether the shorter text is the longer one cut short, not a piece that an essay of the same headline quotes: an
    essay has a word of its own first, and doesn't break off."""
    if header > _HEADER or pair.is_late:
        return False
    return _breaks_off(pair) or (not header and len(pair.aligned.common) == len(pair.short.words))


def _breaks_off(pair: Pair) -> bool:
    """Whether the shorter text says that the longer one, or something, goes on."""
    return pair.short.breaks_off(pair.aligned.gaps[-1].one_at) or pair.long.piece.url in pair.short.piece.outside


def _speaks_of_both(pair: Pair) -> bool:
    """Whether the common text has to do with both headlines: a notice that two sites show in place of a text hasn't."""
    words = pair.aligned.common
    common = {*words, *map("".join, pairwise(words))}
    return all(common & telling_words(side.piece.title) for side in pair.both)


# ------------------------------------------------------------------------------------ the same words, another occasion

_SHORT, _FEW, _SOME, _MANY = 40, 60, 100, 200
_FEWEST_OWN, _OWN, _OWN_IN_COMMON = 5, 50, 0.6


def says_the_same_anyway(pair: Pair) -> bool:
    """Whether two posts would have the same words if they were two pieces: what each site has, a quotation, what is
    said again with the next picture or on the next day."""
    titles = pair.titles
    if any(map(stands, titles)) or _is_filler(pair) or _is_quotation(pair) or _is_told_by_headlines(pair):
        return True
    if pair.has_one_origin:
        return False
    if pair.common < _FEW and _differ(*(side.piece.pictures for side in pair.both)):
        return True
    if not pair.is_linked and pair.long.weight < _SHORT and _differ(*(side.piece.outside for side in pair.both)):
        return True
    if not pair.is_apart:
        return False
    if any(map(recurs, titles)):
        return pair.common < _MANY
    if pair.is_linked:
        return False
    if pair.headline != "same" and all(side.is_cut for side in pair.both):  # what they are about may be behind that
        return True
    if _has_a_headline_of_its_own(pair):
        return pair.is_late and pair.common < _SHORT
    return pair.common < (_SOME if pair.is_late else _FEW)


def _has_a_headline_of_its_own(pair: Pair) -> bool:
    """Whether both have one headline that no series has: "The last fax machine in the building"."""
    return pair.headline == "same" and is_telling(min(pair.titles, key=len))


def _differ(one: Collection[str], other: Collection[str]) -> bool:
    """Whether both have some, and none in common: the picture of another day, "This blog has moved to …"."""
    return bool(one) and bool(other) and set(one).isdisjoint(other)


def _is_quotation(pair: Pair) -> bool:
    """Whether two texts have quotations or listings in common, and their own words are not the same; or one quotes the
    other and has something to say about it."""
    one, other = (side.own for side in pair.both)
    if pair.is_linked or (one is None and other is None):
        return False
    if one is None or other is None:
        quoting, whole = (one or other or frozenset()), pair.short if one is None else pair.long
        return len(quoting) > _OWN and containment(quoting, shingles(whole.words)) < _OWN_IN_COMMON
    shortest = min(len(one), len(other))
    shared = containment(one, other)
    same = shortest >= _FEWEST_OWN and shared >= _OWN_IN_COMMON
    return not same and shared * shortest < pair.common / 2


def _is_told_by_headlines(pair: Pair) -> bool:
    """Whether the headlines say what sets two posts apart, and the text has a word of neither: "Weather for the coast",
    "… for the hills". Scripts without spaces have no words to tell it by."""
    if pair.headline != "near" or pair.common >= _MANY or pair.is_linked:
        return False
    one, other = ({word for word in telling_words(title) if word.isascii()} for title in pair.titles)
    left = {word for word in one if not word.startswith(tuple(other))}
    right = {word for word in other if not word.startswith(tuple(one))}
    return bool(left and right) and (left | right).isdisjoint(pair.aligned.common)


# ----------------------------------------------------------------------------------------------- edited, or filled in

_FREELY_REPLACED, _REPLACED = 30, 0.1
_WORDS_A_FACT, _SURELY_EDITED = 250, 70
_SMALL, _LONG_ENOUGH = 14, 60
_FILLER = "lorem"


def _is_edited_at_most(pair: Pair) -> bool:
    """Whether what differs within the common text is the work of an editor, not other facts in a template."""
    if other_numbers(*pair.titles):
        return False
    gaps = [gap for gap in pair.aligned.inner if gap.one and gap.other]
    swapped = sum(has_other_facts(pair, gap) for gap in [*gaps, *_small_edges(pair)])
    if swapped * _WORDS_A_FACT > pair.common:
        return False
    if pair.common < _LONG_ENOUGH:
        gaps += _small_edges(pair)
    replaced = [gap for gap in gaps if not is_slip(gap.one, gap.other)]
    if _titles_differ_alike(pair.titles, replaced):
        return False
    if (
        replaced
        and pair.is_apart
        and not pair.is_linked
        and pair.common < _SURELY_EDITED
        and not _has_a_headline_of_its_own(pair)
    ):
        return False
    most = max(pair.common - _FREELY_REPLACED, 0) * _REPLACED
    return sum(max(weight(gap.one), weight(gap.other)) for gap in replaced) <= most


def _small_edges(pair: Pair) -> list[Gap]:
    """Edges that may be filled in rather than added: a line of facts before the text; behind it boilerplate is usual,
    but for a short text."""
    first, last = pair.aligned.edges
    edges = [first] if pair.common >= _LONG_ENOUGH else [first, last]
    return [gap for gap in edges if 0 < len(gap.one) <= _SMALL and 0 < len(gap.other) <= _SMALL]


def _is_filler(pair: Pair) -> bool:
    """Whether what the texts have in common is a designer's "lorem ipsum"."""
    return _FILLER in pair.aligned.common


def _titles_differ_alike(titles: tuple[str, str], replaced: Sequence[Gap]) -> bool:
    """Whether the same words are exchanged in headline and text: "in Lisbon", "in Tallinn"."""
    one, other = (set(words_of(title)) for title in titles)
    left, right = one - other, other - one
    return any(left & set(gap.one) and right & set(gap.other) for gap in replaced)


def has_other_facts(pair: Pair, gap: Gap) -> bool:
    """Whether in a gap each text has numbers or names that the other one has not."""
    one = _facts(gap.one, gap.one_at, pair.short.piece.text)
    other = _facts(gap.other, gap.other_at, pair.long.piece.text)
    return any(_is_missing(fact, other) for fact in one) and any(_is_missing(fact, one) for fact in other)


def _is_missing(fact: str, others: set[str]) -> bool:
    """Whether a number or a name is not among others, not even in another form of it ("Zitrone", "Zitronenschale")."""
    if fact.isalpha() and any(fact.startswith(other) or other.startswith(fact) for other in others):
        return False
    return fact not in others


def _facts(words: Sequence[str], at: int, text: str) -> set[str]:
    """The numbers and names among the words of a text that begin at its word number `at`."""
    names = _names(text)
    return {word for place, word in enumerate(words, at) if place in names or not word.isalpha()}


_BEFORE_A_NAME = re.compile(r"[\w,;’')] ?$")


@lru_cache(maxsize=8)
def _names(text: str) -> frozenset[int]:
    """Which words of a text have a capital without beginning a sentence."""
    return frozenset(
        place
        for place, (start, end) in enumerate(places_of_words(text))
        if end - start > 1 and text[start].isupper() and _BEFORE_A_NAME.search(text[max(start - 2, 0) : start])
    )
