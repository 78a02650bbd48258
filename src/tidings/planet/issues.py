"""Issues as the public may see them: without what only their readers get. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from tidings.model import IssueContent


def without(
    content: IssueContent, posts: Container[int], sources: Container[str], addresses: Container[str]
) -> IssueContent:
    """An issue without some posts, by their ids, and without a mention of some sources, by what readers see as their
    names, or by the addresses of their posts: a source may have had another name when the issue was made."""
    items = [item for item in content.items if item.post_id not in posts]
    return replace(
        content,
        items=tuple(
            replace(
                item,
                also_in=tuple(one for one in item.also_in if one.source not in sources and one.url not in addresses),
            )
            for item in items
        ),
        more=tuple(item for item in content.more if item.post_id not in posts),
        updates=tuple(item for item in content.updates if item.post_id not in posts),
    )
