"""How an issue is cut so that its mail is not: Gmail hides what comes after 102 KB, and with it the way out. Pure.

What can go is a list of small steps, least missed first, each from the last story up: pictures, then the ends of long
posts, then what excerpts have after their first paragraph, then that, then the stories themselves, which the mail then
only counts. How many steps are needed is found by rendering: what a step saves is only known roughly before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from tidings.errors import RenderError
from tidings.model import IssueContent, IssueItem, MoreItem
from tidings.render.blocks import leading_text, letters, pictures_in, split, without_pictures

_ENOUGH = 350  # letters and digits of a post cut to an excerpt; about as long as those that issues are made with
_TRIES = 14  # renderings, at most; three or four are usual
_GUESSES = 5  # of these by what steps save; the rest halve what is left, should that mislead
_CLOSE = 0.93  # of the limit: no more is tried to be shown then
_AIM = 0.97
_HOPELESS = 3  # times the limit: not even tried whole

# Bytes, roughly: what inlined styles and the mark-up around a piece add to it.
_PER_TAG = 30
_PER_PICTURE = 120
_PER_ITEM = 1_000


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing less: an item has so many pictures or blocks only, or there are so many items or updates only. `saves`
    is an estimate in bytes."""

    what: str
    item: int
    kept: int
    saves: int


@dataclass(frozen=True, slots=True)
class _Post:
    """An item in its parts. `excerpt` and `opening` are how many blocks make one."""

    item: IssueItem
    blocks: tuple[str, ...]
    excerpt: int
    opening: int
    pictures: tuple[str, ...]


def fit(content: IssueContent, render: Callable[[IssueContent], str], limit: int) -> tuple[IssueContent, str]:
    """As much of an issue as `render` turns into at most `limit` bytes of UTF-8, with what it rendered.

    The same arguments give the same cut. Raises RenderError when what cannot be left out is too large by itself.
    """
    posts = [_parts(item) for item in content.items]
    steps = list(_steps(content, posts))
    saved = [0, *accumulate(step.saves for step in steps)]
    fewest, fits = 0, len(steps) + 1
    best: tuple[IssueContent, str] | None = None
    count = bisect_left(saved, saved[-1] - limit) if saved[-1] > limit * _HOPELESS else 0
    for attempt in range(_TRIES):
        trimmed = _trimmed(content, posts, steps[:count])
        html = render(trimmed)
        size = len(html.encode())
        if size > limit:
            fewest = count + 1
        else:
            best, fits = (trimmed, html), count
        if fewest >= fits or limit * _CLOSE <= size <= limit:
            break
        guess = bisect_left(saved, saved[count] + size - int(limit * _AIM))
        count = max(fewest, min(guess, fits - 1)) if attempt < _GUESSES else (fewest + fits - 1) // 2
    return best or _nothing_but_names(content, posts, steps, render, limit)


def sent_bytes(part: str) -> int:
    """Bytes that one part of a message takes as it is sent, roughly: quoted-printable or base64 (RFC 2045 section 6),
    whichever is shorter, in lines of 76, each of which ends in CR LF."""
    octets = part.replace("\n", "\r\n").encode(errors="replace")
    beyond_ascii = len(octets) - len(octets.decode("ascii", "ignore"))
    quoted = len(octets) + 2 * (beyond_ascii + part.count("="))
    return min(quoted * 79 // 76, len(octets) * 4 // 3 * 78 // 76)


def _nothing_but_names(
    content: IssueContent,
    posts: Sequence[_Post],
    steps: Sequence[_Step],
    render: Callable[[IssueContent], str],
    limit: int,
) -> tuple[IssueContent, str]:
    trimmed = _trimmed(content, posts, steps)
    html = render(trimmed)
    if len(html.encode()) > limit:
        raise RenderError(
            f"The mail of {content.edition} is larger than {limit} bytes without any post; make its templates smaller."
        )
    return trimmed, html


def _parts(item: IssueItem) -> _Post:
    blocks = tuple(split(item.html))
    said = list(accumulate(letters(block) for block in blocks))
    opening = min(bisect_left(said, 1) + 1, len(blocks))
    excerpt = min(bisect_left(said, _ENOUGH) + 1, len(blocks))
    pictures = tuple(pictures_in("".join(blocks)))
    above = (f'<img src="{item.picture.url}" alt="{item.picture.alt}">',) if item.picture else ()
    return _Post(item, blocks, max(excerpt, opening), opening, above + pictures)


def _steps(content: IssueContent, posts: Sequence[_Post]) -> Iterator[_Step]:
    """Everything that can go, in order."""
    upwards = list(reversed(list(enumerate(posts))))
    for number, post in upwards:
        for kept in reversed(range(len(post.pictures))):
            yield _Step("pictures", number, kept, _bytes(post.pictures[kept]) + _PER_PICTURE)
    for number, post in upwards:
        yield from _fewer_blocks(number, post, len(post.blocks), post.excerpt)
    for number, post in upwards:
        yield from _fewer_blocks(number, post, post.excerpt, post.opening)
    for number, post in upwards:
        yield from _fewer_blocks(number, post, post.opening, 0)
    for number, post in upwards:
        names = _bytes(post.item.title[:300] + post.item.source) * 2 + _bytes(post.item.url) * 3
        yield _Step("items", number, number, _PER_ITEM + names)
    for number in reversed(range(len(content.updates))):
        yield _Step("updates", number, number, _PER_ITEM)


def _fewer_blocks(number: int, post: _Post, now: int, then: int) -> Iterator[_Step]:
    for kept in reversed(range(then, now)):
        block = post.blocks[kept]
        yield _Step("blocks", number, kept, _bytes(block) + _PER_TAG * block.count("<"))


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def _trimmed(content: IssueContent, posts: Sequence[_Post], steps: Sequence[_Step]) -> IssueContent:
    """`content` after all of `steps`."""
    last = {(step.what, step.item if step.what in ("pictures", "blocks") else 0): step.kept for step in steps}
    count = last.get(("items", 0), len(posts))
    kept = [
        _cut(post, last.get(("pictures", number)), last.get(("blocks", number)))
        for number, post in enumerate(posts[:count])
    ]
    named = [_named(item) for item in content.items[count:]]
    updates = content.updates[: last.get(("updates", 0), len(content.updates))]
    return replace(content, items=tuple(kept), more=(*named, *content.more), updates=updates)


def _cut(post: _Post, pictures: int | None, blocks: int | None) -> IssueItem:
    item = post.item
    html = item.html
    if blocks is not None and blocks < len(post.blocks):
        html = "".join(post.blocks[:blocks])
        item = replace(item, html=html, text=leading_text(item.text, letters(html)), whole=False)
    if pictures is None:
        return item
    if item.picture and not pictures:
        item = replace(item, picture=None)
    in_text = max(0, pictures - (item.picture is not None))
    return replace(item, html=without_pictures(html, min(in_text, len(pictures_in(html)))))


def _named(item: IssueItem) -> MoreItem:
    return MoreItem(
        story=item.story,
        post_id=item.post_id,
        url=item.url,
        title=item.title,
        text=item.text[:200],
        source=item.source,
        language=item.language,
        direction=item.direction,
    )
