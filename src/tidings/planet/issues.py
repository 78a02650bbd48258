"""Issues as the public may see them: without what only their readers get. Pure."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from tidings.model import AlsoIn, IssueContent
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class Veil:
    """What the public may not see of an issue, though its readers did: posts that are left out (`hidden`), and posts of
    which only headline and link are left (`brief`), or the beginning (`begun`), by their ids. Those of `beside` are of
    a story that a source has, too, which is not published. `mentions` stands for what the issue may mention of such
    sources: their names, and the addresses of those of their posts that were there when it was made. With `noindex` its
    page is kept out of search engines."""

    hidden: tuple[int, ...] = ()
    brief: tuple[int, ...] = ()
    begun: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()
    mentions: str = ""
    noindex: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """What tells whether a mention in an issue is of a source that is not published: the `names` of such sources, as
    the operator and they themselves give them, and the `addresses` of their posts; the names of the published ones
    (`open_names`), and their posts at any of the same addresses, each as a name and an address (`open_posts`)."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()
    open_names: frozenset[str] = frozenset()
    open_posts: frozenset[tuple[str, str]] = frozenset()

    def covers(self, mention: AlsoIn, is_beside: bool) -> bool:
        """Whether a mention is to be left out; `is_beside` says that it is in a story of `Veil.beside`. Names and
        addresses are those of now, and a mention has those of then, so where such a source has the story only what is
        the name of a published one alone may stay."""
        if mention.url in self.addresses:
            return (mention.source, mention.url) not in self.open_posts
        if mention.source in self.names - self.open_names:
            return True
        return is_beside and mention.source not in self.open_names - self.names


def without(content: IssueContent, veil: Veil, silence: Silence) -> IssueContent:
    """An issue without the posts that are left out of it, and without what mentions a source that is not published."""
    posts = veil.hidden
    items = [item for item in content.items if item.post_id not in posts]
    return replace(
        content,
        items=tuple(
            replace(
                item,
                also_in=tuple(one for one in item.also_in if not silence.covers(one, item.post_id in veil.beside)),
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
