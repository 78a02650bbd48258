"""Are two posts of different sources one story? Pure.

Merging two pieces hides one of them, which is worse than showing one twice. So each tier asks for proof, in this order:
the same page; the same text; a short post and the page it points to; the same headline over the same opening
(research/newsletters.md, section 2.6, and aggregators.md, b.7). The limits are in words. They were chosen on
tests/data/stories/tuning, and are kept wide of what is in it.
"""

from __future__ import annotations

import re
from typing import Literal

from tidings.posts.copies import copied_share, has_other_facts, says_the_same_anyway
from tidings.posts.headlines import (
    Relation,
    are_of_one_series,
    bare,
    is_comment,
    is_distinctive,
    is_of_another_kind,
    other_numbers,
    recurs,
)
from tidings.posts.likeness import Gap, weight
from tidings.posts.pairs import Pair, Reading, in_other_languages, pair_of
from tidings.posts.pieces import Piece, landmarks, piece
from tidings.records import dataclass

__all__ = ["Piece", "Verdict", "landmarks", "piece", "tell"]

Tier = Literal["page", "copy", "link", "headline"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why two posts are one story: the rule, its strength from 0 to 1, and the reason in plain words."""

    tier: Tier
    score: float
    why: str


def tell(one: Piece, other: Piece) -> Verdict | None:
    """Whether two posts of different sources are one story; None means two stories. Symmetric; never raises.

    Takes time with the product of their words, of which 4,000 each are read: some 10 ms at most.
    """
    pair = pair_of(one, other)
    return _same_page(pair) or _same_text(pair) or _link(pair) or _same_opening(pair)


_ESSAY = 120
"""Own words about another page that make a piece of its own. Essays have 150 and more, link posts under 80."""


def _same_page(pair: Pair) -> Verdict | None:
    page = pair.short.piece.url
    if not page or page != pair.long.piece.url or _are_other_parts(pair):
        return None
    if _are_other_issues(pair) or _have_nothing_in_common(pair):
        return None
    if any(_is_essay(side, pair) for side in pair.both):
        return None
    return Verdict("page", 1.0, f"both are the page {page}")


def _are_other_issues(pair: Pair) -> bool:
    """Whether the headlines say that two posts are different issues of one thing. What a link post calls an article may
    have other numbers in it ("From 44 services to three", "We merged forty services")."""
    return (pair.headline == "near" and other_numbers(*pair.titles)) or are_of_one_series(*pair.titles)


def _are_other_parts(pair: Pair) -> bool:
    """Whether two posts are about different parts of one page, as change logs and journals have one for all their
    entries: each names one, and neither headline nor text is the same. One post may be had under several (`#more`)."""
    one, other = (side.piece.part for side in pair.both)
    if not one or not other or one == other:
        return False
    return pair.headline in ("other", "untitled") and pair.common < _VERY_BRIEF


def _have_nothing_in_common(pair: Pair) -> bool:
    """Whether two posts with one URL are two all the same: each of some length and of another text, a comment, or both
    of the site itself, whose podcast has one page for all its episodes."""
    if pair.common >= _VERY_BRIEF or pair.headline == "same":
        return False
    if any(map(is_comment, pair.titles)):
        return True
    if pair.headline == "near":
        return False
    if pair.short.weight > _BRIEF:
        return True
    at_home = all(side.piece.url not in side.piece.outside for side in pair.both)
    return at_home and pair.headline == "other"


def _is_essay(side: Reading, pair: Pair) -> bool:
    """Whether a post has the URL of a page elsewhere that it writes about at length: then it is not that page, though
    it may have its headline. A planet's copy has that URL too, and says where the text is from, or has the text."""
    if side.piece.origin or side.piece.url not in side.piece.outside:
        return False
    return side.weight - pair.common > _ESSAY and copied_share(pair) is None


def _same_text(pair: Pair) -> Verdict | None:
    share = copied_share(pair)
    if share is None:
        return None
    return Verdict("copy", share, f"the text is the same ({100 * share:.0f} % of the shorter one)")


# ------------------------------------------------------------------------------------------------- link and its page

_BRIEF, _VERY_BRIEF = 80, 20
_FEWEST_ITEMS = 3
_ITEM = re.compile(r"^- ", re.MULTILINE)


def _link(pair: Pair) -> Verdict | None:
    """A post of few own words and the page it is about, or two such posts about one page."""
    one, other = pair.short, pair.long
    if in_other_languages(one.piece, other.piece) or _are_other_issues(pair) or _are_other_parts(pair):
        return None
    for side, page in ((one, other), (other, one)):
        brief = side.weight - pair.common <= _BRIEF
        if not brief or _is_essay(page, pair):
            continue
        if _is_about(side.piece, page.piece, pair.headline):
            return Verdict("link", 0.9, f"one is a link to the other, {page.piece.url}")
        if _is_about_a_copy(side.piece, page.piece, pair):
            return Verdict("link", 0.8, f"one is a link to {page.piece.original}, the other says that it is from there")
    target = _target(one.piece)
    if not target or target != _target(other.piece):
        return None
    most = _BRIEF
    if target not in (one.piece.url, other.piece.url):  # it may be a sponsor's
        most = _VERY_BRIEF if pair.headline != "other" else 0
    if max(one.weight, other.weight) > most:  # with what they have in common: that is a sponsor's text, if it is long
        return None
    return Verdict("link", 0.8, f"both are links to {target}")


def _is_about(piece: Piece, page: Piece, headline: Relation) -> bool:
    """Whether a brief post is about a page, and doesn't just mention it. A second link, to where it was found, is
    taken for that only under the page's own headline."""
    if not page.url or is_comment(piece.title) or is_of_another_kind(piece.title, page.title):
        return False
    if headline == "same" and len(piece.outside) == 2:
        return page.url == piece.outside[0]
    return page.url == _target(piece)


def _is_about_a_copy(piece: Piece, copy: Piece, pair: Pair) -> bool:
    """Whether a brief post is about the page where a copy says that it is from, and has its headline: others mention
    where something first appeared that they write about."""
    if not copy.original or copy.original != _target(piece) or pair.headline not in ("same", "near"):
        return False
    return not is_of_another_kind(copy.title, piece.title)


def _target(piece: Piece) -> str:
    """The one page that a post is about: the one its own link leads to, else the only one it links to. A list is
    about many, even if just one of them has a link."""
    if piece.url and piece.url in piece.outside:
        return piece.url
    if len(piece.outside) != 1 or recurs(piece.title) or len(_ITEM.findall(piece.text)) >= _FEWEST_ITEMS:
        return ""
    return piece.outside[0]


# -------------------------------------------------------------------------------------- same headline, same opening

_FEWEST = 10
_FEWEST_UNDER_ANOTHER = 20
_REST, _GOES_ON = 8, 30
_HEADER = 14


def _same_opening(pair: Pair) -> Verdict | None:
    """The same opening under the same headline, after which one text ends or breaks off, whatever follows there."""
    if other_numbers(*pair.titles) or not is_distinctive(bare(pair.short.piece.title)) or pair.is_late:
        return None
    before, after = pair.aligned.gaps[:2]
    opening = weight(pair.short.words[len(before.one) : after.one_at])
    headers = sorted((weight(before.one), weight(before.other)))
    if opening < _FEWEST or headers[0] > 0 or headers[1] > _HEADER or says_the_same_anyway(pair):
        return None
    one, other = pair.short, pair.long
    if pair.headline == "same" and _one_ends(pair, after):
        return Verdict("headline", 0.7, f"the headline and the first {opening:.0f} words are the same, then one ends")
    if pair.headline != "near" or opening < _FEWEST_UNDER_ANOTHER:
        return None
    if not (_leads_on(one, after.one_at, other) or _leads_on(other, after.other_at, one)):
        return None
    return Verdict("headline", 0.6, f"the first {opening:.0f} words are the same, then one links to the rest")


def _one_ends(pair: Pair, gap: Gap) -> bool:
    """Whether one of the texts says that it was cut at a gap, or has next to nothing behind it where the other one goes
    on. Two that both end soon were filled in: "Today's word: …"."""
    one, other = pair.short, pair.long
    if one.breaks_off(gap.one_at) or other.breaks_off(gap.other_at):
        return True
    rests = sorted((weight(one.words[gap.one_at :]), weight(other.words[gap.other_at :])))
    return rests[0] <= _REST and rests[1] >= _GOES_ON and not has_other_facts(pair, gap)


def _leads_on(side: Reading, at: int, other: Reading) -> bool:
    """Whether a text invites to read on in the other post before its word number `at`."""
    return other.piece.url in side.piece.outside and side.leads_on(at)
