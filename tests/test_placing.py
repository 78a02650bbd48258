"""Which story a new post joins, of those that stored posts are in; and which post of a story is the original."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tidings.posts.pieces import Piece, piece
from tidings.posts.placing import Candidate, originality, place

PAGE = "https://blog.example/the-last-fax-machine"


def words(seed: int, count: int = 60) -> str:
    made = random.Random(seed)
    return " ".join("".join(made.choices("abcdefghiklmnoprstu", k=6)) for _ in range(count))


def made(
    site: str = "blog.example", url: str = "", title: str = "", text: str = "", html: str = "", **also: Any
) -> Piece:
    return piece(site, url, title, text, html, **also)


ARTICLE = made(url=PAGE, title="The last fax machine in the building", text=words(1))


@pytest.mark.parametrize(
    ("other", "tier"),
    [
        ({"url": PAGE, "title": "A note", "text": words(2)}, "id"),
        ({"title": "The last fax machine in the building", "text": words(2)}, "id"),
        ({"title": "Ada: The last fax machine in the building", "text": words(2)}, "id"),
        ({"title": "", "text": words(1)}, "copy"),
        ({"title": "A note", "text": words(2)}, None),
        ({"title": "", "text": ""}, None),
    ],
)
def test_an_id_joins_what_has_a_page_or_a_headline_in_common_too(other: dict[str, str], tier: str | None) -> None:
    """Of two posts with one id, which programs give twice, page or headline must agree, or else the text."""
    join = place(made("planet.example", **other), [Candidate(7, 3, ARTICLE, same_id=True)], ())
    assert (join and join.tier) == tier
    assert join is None or (join.story, join.post_id) == (3, 7)


def test_the_surest_of_all_matches_counts() -> None:
    """Where a post is like several, the best reason names its story, wherever that stands among them."""
    rest = [
        Candidate(
            1,
            1,
            made(
                "links.example",
                url="https://links.example/1",
                title="Fax",
                text=words(3, 9),
                html=f'<p>{words(3, 9)} <a href="{PAGE}">here</a></p>',
            ),
        ),
        Candidate(2, 2, made("copy.example", url="https://copy.example/1", title=ARTICLE.title, text=ARTICLE.text)),
    ]
    sure = Candidate(3, 3, made("planet.example", url=PAGE, title=ARTICLE.title, text=ARTICLE.text))
    for candidates in ([*rest, sure], [sure, *rest], [rest[0], sure, rest[1]]):
        join = place(ARTICLE, candidates, ())
        assert join
        assert (join.story, join.tier) == (3, "page")
        join = place(ARTICLE, candidates, {3})
        assert join
        assert (join.story, join.tier) == (2, "copy")


@pytest.mark.parametrize(
    ("seen", "likely"),
    [
        (ARTICLE, 2),
        (made(url=PAGE, origin_url="https://blog.example/feed"), 0),
        (made("planet.example", url=PAGE), 0),
        (made(title="No page"), 1),
    ],
)
def test_how_likely_a_post_is_the_original(seen: Piece, likely: int) -> None:
    """A page of its own site is; what says where it is from, or leads elsewhere, is not; else nothing tells."""
    assert originality(seen) == likely
