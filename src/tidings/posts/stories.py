"""By which pages are the stories of a document known? Pure. Which of them a post belongs to: posts/placing.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tidings.posts.canonical import is_front_page


def story_urls(urls: Mapping[int, str]) -> dict[int, str]:
    """Of the canonical URLs of a document's posts, by position, those by which another source's copy of the same story
    is recognised; "" in place of the others.

    A front page names no story, and neither does a link that several posts of the document share (status pages,
    podcasts that link to their home): merging under those would hide posts.
    """
    counts = Counter(urls.values())
    return {
        position: url if url and counts[url] == 1 and not is_front_page(url) else "" for position, url in urls.items()
    }
