"""Which story does a new post belong to? Pure.

Stories are what digests count, so a post joins one only on proof (posts/telling.py), and only one that has none of its
own source's posts: what a blog writes twice it means twice.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

from tidings.model import Join, PostToSave
from tidings.posts.headlines import relation
from tidings.posts.pieces import landmarks, outline
from tidings.posts.telling import Piece, tell
from tidings.records import dataclass, replace

_TIERS = ("id", "page", "copy", "link", "headline")  # the surest first
MOST_EFFORT = 600_000
"""Of a document, in words read (posts/glance.py): about a second. A planet with a hundred articles of a thousand words,
each beside three others, stays below."""
_ORIGINAL, _UNKNOWN, _COPY = 2, 1, 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stored post of another source that may be the same story. With `same_id` it bears the new post's own guid, and
    the new post says itself that it was taken from there."""

    post_id: int
    story: int
    piece: Piece
    same_id: bool = False


def findable(post: PostToSave, site: str) -> PostToSave:
    """A new post with what other sources' posts of its story are found and told by."""
    # A page that several posts of the document share is none of them's.
    one = outline(site, post.story_url, post.title, post.text, post.content_html, post.language, post.origin_url)
    return replace(post, landmarks=landmarks(one), originality=originality(one))


def place(piece: Piece, candidates: Iterable[Candidate], taken: Container[int]) -> Join | None:
    """The story that a new post joins, and why, with the others that it is like as well; None when it is a story of its
    own. Stories in `taken` have a post of its source already."""
    joins = [join for one in candidates if one.story not in taken and (join := _join(piece, one)) is not None]
    joins.sort(key=lambda join: (_TIERS.index(join.tier), -join.score, join.post_id))
    surest: dict[int, Join] = {}
    for join in joins:
        surest.setdefault(join.story, join)
    if not surest:
        return None
    best, *also = surest.values()
    return replace(best, also=tuple(also))


def originality(piece: Piece) -> int:
    """How likely a post is to be the original of its story, which then represents it: 2 when it is a page of its own
    site, 1 when that can't be told, 0 when it says itself where it was taken from, or is about another's page."""
    if piece.origin:
        return _COPY
    if not piece.url:
        return _UNKNOWN
    return _COPY if piece.url in piece.outside else _ORIGINAL


def _join(piece: Piece, one: Candidate) -> Join | None:
    if one.same_id and _look_alike(piece, one.piece):
        return Join(one.story, one.post_id, "id", 1.0, "it has the same id, and says that it was taken from there")
    verdict = tell(piece, one.piece)
    return Join(one.story, one.post_id, verdict.tier, verdict.score, verdict.why) if verdict else None


def _look_alike(one: Piece, other: Piece) -> bool:
    """Whether two posts with one id have a page or a headline in common as well. Programs give an id twice: what
    has nothing else in common is told by its text, like any other post."""
    return "" != one.url == other.url or relation(one.title, other.title) in ("same", "near")
