"""Issues as the public may see them: without what only their readers get. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from tidings.model import IssueContent
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class Veil:
    """What the public may not see of an issue, though its readers did: posts that are left out (`hidden`), and posts of
    which only headline and link are left (`brief`), or the beginning (`begun`), by their ids. `mentions` is how many
    posts that are not published there were when it was made: it may mention those. With `noindex` its page is kept out
    of search engines."""

    hidden: tuple[int, ...] = ()
    brief: tuple[int, ...] = ()
    begun: tuple[int, ...] = ()
    mentions: int = 0
    noindex: bool = False


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


def in_brief(content: IssueContent, posts: Container[int]) -> IssueContent:
    """An issue with nothing but headline and link of some posts, by their ids, as of a source of which no more may be
    shown (editions/compose.py)."""
    return replace(
        content,
        items=tuple(
            replace(item, html="", text="", picture=None, enclosures=()) if item.post_id in posts else item
            for item in content.items
        ),
        more=tuple(replace(item, text="") if item.post_id in posts else item for item in content.more),
        updates=tuple(replace(item, text="", quote="") if item.post_id in posts else item for item in content.updates),
    )
