"""How an issue is cut so that its mail is not: Gmail hides what comes after 102 KB, and with it the way out. Pure.

What can go is a list of small steps, least missed first, each from the last story up: pictures, the ends of long posts,
what excerpts have after their first paragraph, then that. Before other texts come those of stories far larger than
their share, largest first, so that one of them takes nothing from the small ones. In the end stories are only counted,
first those of the blog that has most of them. How many steps are needed is found by rendering: what a step saves is
only known roughly before.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heappush
from itertools import accumulate, takewhile

from tidings.errors import RenderError
from tidings.model import IssueContent, IssueItem, MoreItem
from tidings.render.blocks import (
    following_text,
    leading_text,
    leads_on,
    letters,
    pictures_in,
    split,
    without_pictures,
)

_ENOUGH = 350  # letters and digits of a post cut to an excerpt; about as long as those that issues are made with
_TRIES = 14  # renderings, at most; three or four are usual
_GUESSES = 5  # of these by what steps save; the rest halve what is left, should that mislead
_CLOSE = 0.93  # of the limit: no more is tried to be shown then
_AIM = 0.97
_HOPELESS = 3  # times the limit: not even tried whole
_FAR = 3  # times its share of the limit: a story to be cut before others are
_SMALL = 3_000  # bytes that no story is too large with, however many there are
_WITH_PICTURE = 3  # so many stories keep a picture as long as others have more than a paragraph
_NOTHING = "<p>…</p>"
"""In place of a text that is too large and cannot be begun: with it stands the link to the rest."""

# Bytes, roughly: what inlined styles and the mark-up around a piece add to it.
_PER_TAG = 30
_PER_PICTURE = 120
_PER_ITEM = 1_000


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing less: an item has so many pictures or blocks only, or not its first blocks, or is not shown at all; or
    there are so many updates only. `saves` is an estimate in bytes."""

    what: str
    item: int
    kept: int
    saves: int


@dataclass(frozen=True, slots=True)
class _Post:
    """An item in its parts. `passed_over` are the blocks at its head that are too large to be kept for what follows;
    `excerpt` and `opening` are how many blocks make one, those counted with it."""

    item: IssueItem
    blocks: tuple[str, ...]
    passed_over: int
    excerpt: int
    opening: int
    pictures: tuple[str, ...]


def fit(content: IssueContent, render: Callable[[IssueContent], str], limit: int) -> tuple[IssueContent, str]:
    """As much of an issue as `render` turns into at most `limit` bytes of UTF-8, with what it rendered.

    The same arguments give the same cut. Raises RenderError when what cannot be left out is too large by itself.
    """
    share = max(limit // max(1, len(content.items)), _SMALL)
    posts = [_parts(item, share) for item in content.items]
    steps = list(_steps(content, posts, share * _FAR))
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


def _parts(item: IssueItem, share: int) -> _Post:
    blocks = split(item.html)
    pictures = tuple(pictures_in("".join(blocks)))
    above = (f'<img src="{item.picture.url}" alt="{item.picture.alt}">',) if item.picture else ()
    passed_over = _too_large_at_the_head(blocks, share)
    if passed_over and passed_over == len(blocks):
        blocks.append(_NOTHING)
    said = list(accumulate(letters(block) for block in blocks[passed_over:]))
    opening = min(bisect_left(said, 1) + 1, len(said))
    fit_in = sum(1 for _ in takewhile(lambda block: _weight(block) <= share, blocks[passed_over:]))
    excerpt = min(bisect_left(said, _ENOUGH) + 1, fit_in)
    return _Post(
        item,
        tuple(blocks),
        passed_over,
        passed_over + max(excerpt, opening),
        passed_over + opening,
        above + pictures,
    )


def _too_large_at_the_head(blocks: Sequence[str], share: int) -> int:
    """How many leading blocks are larger than `share`, with the headings above them."""
    passed_over = 0
    for number, block in enumerate(blocks, 1):
        if _weight(block) > share:
            passed_over = number
        elif not leads_on(block):
            break
    return passed_over


def _steps(content: IssueContent, posts: Sequence[_Post], far: int) -> Iterator[_Step]:
    """Everything that can go, in order."""
    upwards = list(reversed(list(enumerate(posts))))
    for number, post in upwards:
        yield from _fewer_pictures(number, post, len(post.pictures), 1 if number < _WITH_PICTURE else 0)
    yield from _to_excerpts(posts, far)
    for number, post in upwards:
        yield from _fewer_blocks(number, post, post.excerpt, post.opening)
    for number, post in upwards:
        if number < _WITH_PICTURE:
            yield from _fewer_pictures(number, post, min(1, len(post.pictures)), 0)
    for number, post in upwards:
        yield from _fewer_blocks(number, post, post.opening, post.passed_over)
    for number in _in_order_of_leaving(content.items):
        item = content.items[number]
        names = _bytes(item.title[:300] + item.source) * 2 + _bytes(item.url) * 3
        yield _Step("items", number, 0, _PER_ITEM + names)
    for number in reversed(range(len(content.updates))):
        yield _Step("updates", number, number, _PER_ITEM)


def _to_excerpts(posts: Sequence[_Post], far: int) -> Iterator[_Step]:
    """The ends of posts, and what is too large at their heads: first, largest first, of those that have more than `far`
    bytes, then of all."""
    waiting = [deque(_to_excerpt(number, post)) for number, post in enumerate(posts)]
    large = [(-sum(map(_weight, post.blocks)), -number) for number, post in enumerate(posts)]
    heapify(large)
    while large and -large[0][0] > far:
        size, number = heappop(large)
        if waiting[-number]:
            step = waiting[-number].popleft()
            yield step
            heappush(large, (size + step.saves, number))
    for steps in reversed(waiting):
        yield from steps


def _to_excerpt(number: int, post: _Post) -> Iterator[_Step]:
    """What makes an excerpt of a post: of the two, the head goes first when it is more than all that follows."""
    tail = list(_fewer_blocks(number, post, len(post.blocks), post.excerpt))
    if not post.passed_over:
        return iter(tail)
    sizes = [_weight(block) for block in post.blocks]
    at_head = sum(sizes[: post.passed_over])
    head = _Step("head", number, post.passed_over, at_head)
    return iter([head, *tail] if at_head > sum(sizes) - at_head else [*tail, head])


def _in_order_of_leaving(items: Sequence[IssueItem]) -> list[int]:
    """The numbers of `items`: always the last of the source that has most left. So each source's first goes after any
    source's second, as they were given places."""
    seen: Counter[str] = Counter()
    turns: list[tuple[int, int]] = []
    for number, item in enumerate(items):
        turns.append((seen[item.source], number))
        seen[item.source] += 1
    return [number for _, number in sorted(turns, reverse=True)]


def _fewer_pictures(number: int, post: _Post, now: int, then: int) -> Iterator[_Step]:
    for kept in reversed(range(then, now)):
        yield _Step("pictures", number, kept, _bytes(post.pictures[kept]) + _PER_PICTURE)


def _fewer_blocks(number: int, post: _Post, now: int, then: int) -> Iterator[_Step]:
    for kept in reversed(range(then, now)):
        yield _Step("blocks", number, kept, _weight(post.blocks[kept]))


def _weight(block: str) -> int:
    return _bytes(block) + _PER_TAG * block.count("<")


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))


def _trimmed(content: IssueContent, posts: Sequence[_Post], steps: Sequence[_Step]) -> IssueContent:
    """`content` after all of `steps`."""
    last = {(step.what, 0 if step.what == "updates" else step.item): step.kept for step in steps}
    shown = [number for number in range(len(posts)) if ("items", number) not in last]
    kept = [
        _cut(posts[number], last.get(("pictures", number)), last.get(("blocks", number)), last.get(("head", number), 0))
        for number in shown
    ]
    named = [_named(item) for number, item in enumerate(content.items) if ("items", number) in last]
    updates = content.updates[: last.get(("updates", 0), len(content.updates))]
    return replace(content, items=tuple(kept), more=(*named, *content.more), updates=updates)


def _cut(post: _Post, pictures: int | None, blocks: int | None, head: int) -> IssueItem:
    item = post.item
    html = item.html
    if head or (blocks is not None and blocks < len(post.blocks)):
        html = "".join(post.blocks[head:blocks])
        rest = following_text(item.text, letters("".join(post.blocks[:head])))
        item = replace(item, html=html, text=leading_text(rest, letters(html)), whole=False)
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
