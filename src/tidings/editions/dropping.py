"""What is left of a frozen issue when stories are taken out of it, or shown in part alone? Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tidings.editions.excerpt import excerpt
from tidings.model import IssueContent, IssueItem


def without(content: IssueContent, posts: Collection[int]) -> IssueContent:
    """An issue without what it shows or names of `posts` (ids), and without what it tells of their edits.

    The first story that is left takes the place of a lead story that is gone. The subject, which names the first one,
    is for the caller to make anew.
    """
    items = tuple(item for item in content.items if item.post_id not in posts)
    more = tuple(item for item in content.more if item.post_id not in posts)
    updates = tuple(update for update in content.updates if update.post_id not in posts)
    if content.lead and items[:1] != content.items[:1]:
        items = _led(items)
    return replace(content, items=items, more=more, updates=updates)


def begun(content: IssueContent, posts: Collection[int], length: int) -> IssueContent:
    """An issue with an excerpt of `length` characters (editions/excerpt.py) of what it shows whole of `posts` (ids),
    and without what it quotes of them, which may be from further down."""
    return replace(
        content,
        items=tuple(_begun(item, length) if item.post_id in posts and item.whole else item for item in content.items),
        updates=tuple(replace(one, quote="") if one.post_id in posts else one for one in content.updates),
    )


def _begun(item: IssueItem, length: int) -> IssueItem:
    part = excerpt(item.html, item.text, length)
    return replace(item, html=part.html, text=part.text, whole=part.whole)


def _led(items: tuple[IssueItem, ...]) -> tuple[IssueItem, ...]:
    """Stories the first of which is their lead, and in no group."""
    return tuple(replace(item, group="") if n == 0 else item for n, item in enumerate(items))
