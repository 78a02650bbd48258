"""Is a post that looks new one which another planet copied from a source that we have, too? Pure.

A copy that says where it was taken from needs less proof than one that does not (posts/telling.py): few posts of one
source have the same headline, the same date and the same words, however few these are. What it says of itself is
compared with posts of that source, and with what other planets copied from it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import timedelta

from tidings.model import Counterpart, Join, PostToSave
from tidings.posts.canonical import canonical, is_front_page
from tidings.posts.likeness import words_of

_MOMENT = timedelta(minutes=1)  # Seconds get lost.
_READ = 4_000  # characters: who has more has enough for every other rule, too
_FEWEST, _FEWEST_OF_PART = 5, 8  # words that hardly come twice in one source
_UNTITLED = ["untitled"]  # what our own feed calls a post of which there is nothing to say (render/words.py)


def join(post: PostToSave, counterparts: Iterable[Counterpart], taken: Container[int]) -> Join | None:
    """The story of the post that a new one is a copy of, or that is a copy of it; None if there is none. Both say that
    they are from one source, or are. Stories in `taken` have a post of its source already."""
    found = [one for one in counterparts if one.story not in taken and _is_copy(post, one)]
    best = min(found, key=lambda one: (not _has_date(post, one), one.post_id), default=None)
    if best is None:
        return None
    return Join(best.story, best.post_id, "copy", 1.0, "both are from one source, with the same headline and text")


def _is_copy(post: PostToSave, one: Counterpart) -> bool:
    """Another date, or another headline, is another post. One text may be the beginning of the other, as planets show
    more or less of it; what neither a page nor a date tells must have enough words in common."""
    dated = _has_date(post, one)
    if post.published and one.published and not dated:
        return False
    if not (_is_headline(post.title, one.title, one.text) or _is_headline(one.title, post.title, post.text)):
        return False
    mine, theirs = words_of(post.text[:_READ]), words_of(one.text[:_READ])
    shared = min(len(mine), len(theirs))
    if mine[:shared] != theirs[:shared]:
        return False
    said = shared + max(len(words_of(post.title)), len(words_of(one.title)))
    is_telling = said >= (_FEWEST_OF_PART if shared and mine != theirs else _FEWEST)
    page, other = _page(post.url), _page(one.url)
    if page and other:
        return page == other or (dated and is_telling)
    return is_telling or (dated and said > 0)


def _page(url: str) -> str:
    page = canonical(url)
    return "" if is_front_page(page) else page


def _has_date(post: PostToSave, one: Counterpart) -> bool:
    """Whether both say that they were published in the same moment."""
    if post.published is None or one.published is None:
        return False
    return abs(post.published - one.published) <= _MOMENT


def _is_headline(title: str, other: str, text: str) -> bool:
    """Whether two posts have one headline; a post without a title is called by its first words, cut at one."""
    words = words_of(title)
    if words == words_of(other):
        return True
    return not other and (words in ([], _UNTITLED) or words[:-1] == words_of(text[:_READ])[: len(words) - 1])
