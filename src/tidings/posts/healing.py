"""Is a post that looks new one we have under another id? Pure.

Feeds renew their guids, move to other hosts and programs, date everything anew. What a post is named by is then gone,
but hints of it are left: its path, its title, its file. A hint alone proves nothing, as titles repeat ("Open thread")
and pages are written anew each day ("Menu of the day"); together with the text and the date it does (research on
aggregators, b.5 and b.6). In doubt a post is new: to show one again is bad, to lose one is worse.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tidings.model import EditKind, FeedChange, PostToSave, Suspect
from tidings.posts.brake import MASS
from tidings.posts.canonical import canonical, is_front_page
from tidings.posts.comparing import COPY, EDITED, FEWEST_WORDS, MANY_WORDS, PART, READ, SAME, is_of_same_moment
from tidings.posts.identity import shared_mark, without_moment
from tidings.posts.likeness import words_of

_SHIFTED = timedelta(hours=14)  # the widest zone: what came of reading one date in two zones
_AT_ONCE = timedelta(hours=1)
_ENOUGH_WORDS = 40  # for a text to be that of another post by no chance
_HEADLINE = 5  # words; "Menu of the day" has four
_EXCERPT = 0.5  # Two texts of one length of which one has most of the other are more alike.
_ROUND = 5  # minutes

_VERSION = re.compile("[0-9]{1,3}")

_FEWEST_OF_MASS = 3


def heal(
    change: FeedChange,
    size: int,
    parts: Mapping[str, int] | None = None,
    since: datetime | None = None,
    met: Collection[int] = (),
) -> FeedChange:
    """The change with those of its new posts that are stored already made changes of the stored ones. Each stored post
    is claimed once, by the post most like it, and none that the document still has under a name of its own.

    `size` is the number of posts in the document, `parts` how many of them are from where: when a blog renews its
    posts, so does its part of a planet. What is dated before `since` was written before the document was last read.
    `met` are the stored posts that it has under names of their own.
    """
    oldest = sorted(met)[_FEWEST_OF_MASS - 1 : _FEWEST_OF_MASS]
    named = [_without_moment(post) for post in change.new]
    counts = {"": size} if not parts or len(parts) == 1 else {"": size, **parts}
    of_origin: dict[str, list[PostToSave]] = {}
    for post in named:
        of_origin.setdefault(post.origin_url, []).append(post)
    of_origin[""] = named
    rules = {
        origin: _rule(posts, since)
        for origin, count in counts.items()
        if len(posts := of_origin.get(origin, [])) >= _FEWEST_OF_MASS and len(posts) > MASS * count
    }

    def accepts(suspect: Suspect, post: PostToSave) -> bool:
        if _is_retitled(suspect, post):
            return True
        suspect = replace(suspect, hints=without_moment(suspect.hints))
        if not suspect.hints:
            return False
        if any(post_id < suspect.post_id for post_id in oldest) and _is_replaced(suspect, post):
            return True
        likely = [rules[origin] for origin in {"", post.origin_url} if origin in rules]
        return any(rule(suspect, post) for rule in likely) if likely else _is_certain(suspect, post)

    claims = sorted(
        (
            (_strength(suspect), position, suspect)
            for position, post in enumerate(change.new)
            for suspect in post.suspects
            if accepts(suspect, post)
        ),
        key=lambda claim: (tuple(-part for part in claim[0]), claim[1]),
    )
    healed: dict[int, int] = {}
    claimed = {post.post_id for post in change.changed}
    for _, position, suspect in claims:
        if position not in healed and suspect.post_id not in claimed:
            healed[position] = suspect.post_id
            claimed.add(suspect.post_id)
    known = tuple(_healed(change.new[position], post_id) for position, post_id in healed.items())
    new = tuple(_on_its_own(post) for position, post in enumerate(change.new) if position not in healed)
    return replace(change, new=new, healed=known)


Rule = Callable[[Suspect, PostToSave], bool]


def _rule(posts: Sequence[PostToSave], since: datetime | None) -> Rule:
    """How posts of which most look new are recognised."""
    imported, shift = _imported(posts), _shift(posts)
    again = [post for post in posts if any(map(_is_same_page, post.suspects))]
    redated = sum(_is_dated_before(post, since) or not _is_on_schedule(post) for post in again)
    are_old = redated >= _FEWEST_OF_MASS and redated > MASS * sum(bool(post.suspects) for post in posts)

    def is_likely(suspect: Suspect, post: PostToSave) -> bool:
        date = post.published or post.updated
        if imported and date and imported <= date <= imported + _AT_ONCE:
            return _is_likely_redated(suspect, post)
        return _is_likely(suspect, post, shift, are_old or _is_dated_before(post, since))

    return is_likely


def _is_dated_before(post: PostToSave, since: datetime | None) -> bool:
    date = post.published or post.updated
    return since is not None and date is not None and date < since


def _is_on_schedule(post: PostToSave) -> bool:
    """Whether a post has a date as programmes, timetables and forecasts have; programs that save posts write any second
    of the day."""
    date = post.published or post.updated
    return date is None or (date.second == 0 and date.minute % _ROUND == 0)


def _is_same_page(suspect: Suspect) -> bool:
    """Whether both posts have the same words, and more than a title or a page in common."""
    return suspect.same_words and len(suspect.hints) > 1


def _imported(posts: Sequence[PostToSave]) -> datetime | None:
    """When an import began whose date posts have instead of their own: most are of one hour, as the stored ones were
    not. What the blog has written since has other dates."""
    dates = sorted(date for post in posts if (date := post.published or post.updated))
    if len(dates) < len(posts):
        return None
    first = max(dates, key=lambda begin: bisect_right(dates, begin + _AT_ONCE) - bisect_left(dates, begin))
    of_import = [post for post in posts if first <= (post.published or post.updated or first) <= first + _AT_ONCE]
    apart = [suspect.apart for post in of_import for suspect in post.suspects if suspect.apart is not None]
    if len(of_import) < _FEWEST_OF_MASS or len(of_import) <= MASS * len(posts) or not apart:
        return None
    return first if max(apart) - min(apart) > _AT_ONCE else None


def _shift(posts: Sequence[PostToSave]) -> timedelta | None:
    """How far apart in time posts are from what they may be, if several are equally far: their dates are read in
    another zone."""
    counts = Counter(apart for post in posts for apart in {suspect.apart for suspect in post.suspects})
    likely = [apart for apart, count in counts.items() if apart and apart <= _SHIFTED and count >= _FEWEST_OF_MASS]
    return max(likely, key=lambda apart: (counts[apart], apart), default=None)


def _is_certain(suspect: Suspect, post: PostToSave) -> bool:
    """Whether one post alone was renewed. One of another date, or of none, must be on the same page word for word."""
    several = len(suspect.hints) > 1
    if _is_next_version(suspect, post):
        return True
    if is_of_same_moment(suspect):
        return _is_edited(suspect, post) and (several or suspect.likeness is not None)
    fewest = FEWEST_WORDS if suspect.apart is None else MANY_WORDS
    return several and suspect.same_words and _words(post) >= fewest


def _is_likely(suspect: Suspect, post: PostToSave, shift: timedelta | None, is_old: bool) -> bool:
    """Whether a post was renewed when most of its document was. Programmes, timetables and forecasts are written anew
    as a whole as well, under the same titles, for other hours or days; but for days to come, not for those before the
    document was last read, or any second of the day (`is_old`: the post is dated so, or most are that are on the same
    pages word for word)."""
    if _is_next_version(suspect, post):
        return True
    if is_of_same_moment(suspect):
        return _is_edited(suspect, post)
    if suspect.apart is None:
        return _says_the_same(suspect, post, SAME)
    if not suspect.same_words:
        return False
    words = _words(post)
    if is_old and _is_same_page(suspect) and words >= FEWEST_WORDS:
        return True
    is_told_apart = words >= FEWEST_WORDS or _has_headline(suspect, post)
    return words >= MANY_WORDS or (suspect.apart == shift and is_told_apart)


def _is_retitled(suspect: Suspect, post: PostToSave) -> bool:
    """Whether a post has the second and the text of a stored one, whatever its title, its page and its guid are now, as
    where a program makes them of the headline. Where nothing but numbers is another, it may be the next of a kind."""
    if len(without_moment(suspect.hints)) == len(suspect.hints) or not is_of_same_moment(suspect):
        return False
    is_same = suspect.same_words or SAME <= (suspect.likeness or 0) < 1
    return is_same and _words(post) >= _ENOUGH_WORDS


def _is_replaced(suspect: Suspect, post: PostToSave) -> bool:
    """Whether a post stands in place of a stored one that was taken out of a document which goes back further than
    that: under the same headline, and word for word if it has another page, or another date. In a feed without ids or
    dates it may have been edited. A series keeps its former parts, as long as it has room for what is older."""
    if not _has_headline(suspect, post):
        return False
    if suspect.same_words:
        return _words(post) >= MANY_WORDS
    has_ids = post.guid.strip() or (post.url and not is_front_page(canonical(post.url)))
    likeness = suspect.likeness or 0
    is_edited = SAME <= likeness < 1 or (COPY <= likeness < 1 and suspect.contained == 1)
    return suspect.apart is None and not has_ids and is_edited and _words(post) >= _ENOUGH_WORDS


def _is_likely_redated(suspect: Suspect, post: PostToSave) -> bool:
    """The same where all new posts have one date, which says nothing against their being old."""
    return (is_of_same_moment(suspect) and _is_edited(suspect, post)) or _says_the_same(suspect, post, COPY)


def _says_the_same(suspect: Suspect, post: PostToSave, likeness: float) -> bool:
    """Whether a post has the same words, or alike enough ones; or one text is an excerpt of the other, as programs show
    more or less of it. What a picture says, few words under it don't."""
    if suspect.same_words and _has_headline(suspect, post):
        return True
    if "<img" in post.content_html and _words(post) < FEWEST_WORDS:
        return False
    if (suspect.likeness or 0) >= likeness:
        return True
    if len(suspect.hints) == 1:
        return False
    part = suspect.contained or 0
    is_excerpt = part == 1 or (suspect.likeness is not None and part >= PART and suspect.likeness < _EXCERPT)
    return suspect.same_words or is_excerpt


def _words(post: PostToSave) -> int:
    """The number of a post's words, as far as it matters here."""
    return len(words_of(post.text[:READ]))


def _has_headline(suspect: Suspect, post: PostToSave) -> bool:
    """Whether both posts have a title that hardly comes twice."""
    return len(words_of(post.title)) >= _HEADLINE and any(hint.startswith("~title:") for hint in suspect.hints)


def _is_next_version(suspect: Suspect, post: PostToSave) -> bool:
    """Whether a post is named by its page and a number that counts its versions: some newspapers give each update of an
    article a new guid, and a new date."""
    page, _, version = post.guid.strip().partition("#")
    if not _VERSION.fullmatch(version) or canonical(page) != canonical(post.url.partition("#")[0]):
        return False
    kinds = {hint.partition(":")[0] for hint in suspect.hints}
    return kinds >= {"~title", "~path"} and (suspect.same_words or (suspect.likeness or 0) >= COPY)


def _is_edited(suspect: Suspect, post: PostToSave) -> bool:
    """Whether the text of a post of the same moment does not say that it is another one. A minute hardly has two posts
    of one title or one page, a day may well have: two comments, two menus, a handful of photos."""
    several = len(suspect.hints) > 1
    if suspect.by_day and _words(post) < FEWEST_WORDS:
        says_the_same = suspect.same_words or suspect.likeness == 1
        return says_the_same and "<img" not in post.content_html and (several or _has_headline(suspect, post))
    if suspect.likeness is None:
        return several or suspect.same_words
    fewest = COPY if suspect.by_day and not several else EDITED
    return suspect.likeness >= fewest or (suspect.contained or 0) >= PART


def _without_moment(post: PostToSave) -> PostToSave:
    """The post with what its title, page, guid and file lead to; mostly that is nothing."""
    if not post.suspects:
        return post
    named = (replace(suspect, hints=without_moment(suspect.hints)) for suspect in post.suspects)
    return replace(post, suspects=tuple(suspect for suspect in named if suspect.hints))


def _healed(post: PostToSave, post_id: int) -> PostToSave:
    suspect = next(one for one in post.suspects if one.post_id == post_id)
    has_title = not post.title or any(hint.startswith("~title:") for hint in suspect.hints)
    edit: EditKind = "none" if suspect.same_words and has_title else "cosmetic"
    if suspect.likeness is not None and suspect.likeness < COPY:
        edit = "substantive"
    return replace(post, post_id=post_id, edit=edit, suspects=(), heir_of=None)


def _on_its_own(post: PostToSave) -> PostToSave:
    """A new post after all. What hinted at another one hints at two from now on, which is nothing."""
    if not post.suspects:
        return post
    marks = {shared_mark(hint) for suspect in post.suspects for hint in without_moment(suspect.hints)}
    return replace(post, suspects=(), keys=(*post.keys, *sorted(marks)))


def _strength(suspect: Suspect) -> tuple[float, float, float]:
    return (float(is_of_same_moment(suspect)), suspect.likeness or 0.0, float(len(suspect.hints)))
