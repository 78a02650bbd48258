"""What is left of a frozen issue when stories are taken out of it? Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tidings.model import IssueContent, IssueItem


def without(content: IssueContent, posts: Collection[int]) -> IssueContent:
    """An issue without the stories that it shows or names by `posts` (ids). The first story that is left takes the
    place of a lead story that is gone. The subject, which names the first one, is for the caller to make anew."""
    items = tuple(item for item in content.items if item.post_id not in posts)
    more = tuple(item for item in content.more if item.post_id not in posts)
    if items == content.items:
        return replace(content, more=more)
    if content.lead and items[:1] != content.items[:1]:
        items = _led(items)
    return replace(content, items=items, more=more)


def _led(items: tuple[IssueItem, ...]) -> tuple[IssueItem, ...]:
    """Stories the first of which is their lead, and in no group."""
    return tuple(replace(item, group="") if n == 0 else item for n, item in enumerate(items))
