"""Stories: under which URL another source's copy of a post is recognised."""

from __future__ import annotations

import pytest

from tidings.posts.canonical import canonical
from tidings.posts.stories import story_urls


def urls(*links: str) -> list[str]:
    found = story_urls({position: canonical(link) for position, link in enumerate(links)})
    return [found[position] for position in range(len(links))]


@pytest.mark.parametrize(
    "copy",
    [
        "https://blog.example/post",
        "http://www.blog.example/post/?utm_source=planet#more",
        "https://BLOG.example:443/post?fbclid=x",
    ],
)
def test_copies_of_a_story_have_one_url(copy: str) -> None:
    """However two sources spell the link of a story, it is the same to us."""
    assert urls(copy) == ["https://blog.example/post"]


@pytest.mark.parametrize(
    "link", ["", "https://blog.example/", "https://www.blog.example/?utm_source=rss", "mailto:joe@blog.example"]
)
def test_a_link_to_no_page_names_no_story(link: str) -> None:
    """A front page, or no page at all, cannot tell one story from another."""
    assert urls(link) == [""]


def test_a_link_that_posts_share_names_no_story() -> None:
    """Items of a status page or change log that link to one page are different stories, and the others keep theirs."""
    shared = ["https://blog.example/status#1", "http://blog.example/status/#2"]
    assert urls(*shared, "https://blog.example/a") == ["", "", "https://blog.example/a"]


def test_every_position_has_its_answer() -> None:
    """Posts keep their own positions, also when the document is not numbered from 0 in order."""
    assert story_urls({7: "https://blog.example/a", 3: ""}) == {7: "https://blog.example/a", 3: ""}
