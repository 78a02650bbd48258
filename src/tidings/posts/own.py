"""Is a feed one that is published here? Pure."""

from __future__ import annotations

from tidings.model import COMBINED_FEED, FEED_FILES
from tidings.posts.canonical import canonical

_PLACES = ("tags", "sources")


def is_own(url: str, own_url: str) -> bool:
    """Whether `url` is the address of our combined feed, in any format, or of one of its parts, a tag's or a source's.
    `own_url` is that of the combined feed, "" if it is published nowhere. Issues of editions are not meant: each is a
    text of its own."""
    if not own_url:
        return False
    root = canonical(own_url).removesuffix(COMBINED_FEED)
    path = canonical(url).removeprefix(root)
    *folders, name = path.split("/")
    if canonical(url) != root + path or name not in FEED_FILES:
        return False
    return not folders or (len(folders) == 2 and folders[0] in _PLACES)
