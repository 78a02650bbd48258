"""Which posts of different sources are one story? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tidings.model import ParsedPost
from tidings.posts.links import canonical, is_front_page


def story_urls(posts: Sequence[ParsedPost]) -> dict[int, str]:
    """Position of a post → the canonical URL by which another source's copy of the same story is recognised, or "".

    A front page names no story, and neither does a link that several posts of the document share (status pages,
    podcasts that link to their home): merging under those would hide posts.
    """
    urls = {post.position: canonical(post.url) for post in posts}
    counts = Counter(urls.values())
    return {
        position: url if url and counts[url] == 1 and not is_front_page(url) else "" for position, url in urls.items()
    }
