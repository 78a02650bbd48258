"""Which stories does the next issue carry, and of which edits does it tell? Pure.

Ingest order decides what may be carried, so nothing is skipped for being dated early. Places are given in rounds, each
source's first story before any source's second: a quiet blog is never buried by a busy one (research on newsletters,
section 4, 16). Dates only sort what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from tidings.editions.changes import is_undone
from tidings.editions.pictures import has_picture
from tidings.model import EditedPost, Edition, Source, StoredPost

TOLD_WITHIN = timedelta(days=60)
"""After that an edit is no news. It is the time of a monthly issue and of one more, for what did not fit."""

MENDED_WITHIN = timedelta(days=7)
"""Edits later than this after its grace don't put a post off any more, or one that is edited every day never came."""

EMPTY = "nothing to show"
"""What `passed_posts` says of a post that issues left out because it is empty, in place of a rule."""

_MOST_UPDATES = 5


@dataclass(frozen=True, slots=True)
class ChosenStory:
    """A story of an issue: the post that represents it and the other sources' posts of it."""

    post: StoredPost
    others: tuple[StoredPost, ...] = ()

    @property
    def posts(self) -> tuple[StoredPost, ...]:
        return (self.post, *self.others)

    @property
    def first(self) -> StoredPost:
        """The post that came first, by ingest order: since then the story has been waiting."""
        return min(self.posts, key=lambda post: post.id)


@dataclass(frozen=True, slots=True)
class Selection:
    """What an issue is made of: the `stories` it shows, newest first; `more`, which it only names, as they are too many
    and do not wait; and how many are `waiting` for the next issue, because they do, or are too few for one. Beside
    them `young` stories are in their grace, the first of them until `ripe_at`."""

    stories: tuple[ChosenStory, ...] = ()
    more: tuple[ChosenStory, ...] = ()
    waiting: int = 0
    young: int = 0
    ripe_at: datetime | None = None


def select(
    candidates: Sequence[StoredPost],
    edition: Edition,
    sources: Iterable[Source],
    now: datetime,
    last_issue: datetime | None = None,
) -> Selection:
    """The stories to carry in an issue made at `now`; none when there are fewer than `min_posts`.

    `candidates` come in ingest order; those in their grace are left for later. `last_issue` is when the edition's last
    issue was made. At most `max_posts` stories are taken, and of one source `max_per_source`, or its own `max_posts`.
    With `carry_over` the oldest of a source go first, so that under a constant flood every post has its turn.
    """
    stories = group(candidates)
    ripe = [story for story in stories if not is_young(story.post, edition.grace, now)]
    young = Selection(young=len(stories) - len(ripe), ripe_at=_first_ripe(stories, edition.grace, now))
    if len(ripe) < edition.min_posts:
        return replace(young, waiting=len(ripe))
    ranking = _Ranking(edition, {source.name: source for source in sources}, last_issue)
    turns = ranking.turns(ripe)
    taken = {story.post.story for story in turns[: edition.max_posts]}
    chosen = [story for story in ripe if story.post.story in taken]
    over = [story for story in ripe if story.post.story not in taken]
    if edition.carry_over:
        return replace(young, stories=_newest_first(chosen), waiting=len(over))
    return replace(young, stories=_newest_first(chosen), more=_newest_first(over))


def is_young(post: StoredPost, grace: timedelta, now: datetime) -> bool:
    """Whether a post was first seen, or last edited in a way worth telling, less than `grace` ago: its author may still
    mend it. A moment in the future was noted by a clock that was wrong, and does not count."""
    return _ripe_at(post, grace, now) is not None


def _ripe_at(post: StoredPost, grace: timedelta, now: datetime) -> datetime | None:
    """When the grace of a post ends that is in it, as things are."""
    seen_until, edited = post.first_seen + grace, post.changed_at or post.first_seen
    ends = [seen_until] if post.first_seen <= now else []
    if edited <= now:
        ends.append(min(edited + grace, seen_until + MENDED_WITHIN))
    last = max(ends, default=now)
    return last if last > now else None


def _first_ripe(stories: Sequence[ChosenStory], grace: timedelta, now: datetime) -> datetime | None:
    ends = [_ripe_at(story.post, grace, now) for story in stories]
    return min((end for end in ends if end is not None), default=None)


def is_empty(post: StoredPost) -> bool:
    """Whether a post has nothing to read, to see or to follow. Its author may have published it too early."""
    if any(part.strip() for part in (post.title, post.text)) or has_picture(post.content_html) or post.enclosures:
        return False
    return not post.url.strip().startswith(("http://", "https://"))


def is_given_up(post: StoredPost, now: datetime) -> bool:
    """Whether an empty post has been so for too long to be waited for."""
    return is_empty(post) and now - post.first_seen > MENDED_WITHIN


def group(candidates: Sequence[StoredPost]) -> list[ChosenStory]:
    """Posts by story, each story at the place of its first post. The original represents it, as far as that can be
    told, else the one that came first."""
    stories: dict[int, list[StoredPost]] = {}
    for post in candidates:
        stories.setdefault(post.story, []).append(post)
    return [_chosen(posts) for posts in stories.values()]


def select_updates(candidates: Sequence[EditedPost]) -> list[EditedPost]:
    """The edited posts to tell of, newest edit first; what does not fit waits for the next issue. Edits that were taken
    back are none."""
    newest = sorted(candidates, key=lambda one: (one.post.changed_at or one.post.first_seen, one.post.id), reverse=True)
    return list(islice((one for one in newest if not is_undone(one)), _MOST_UPDATES))


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Whose turn it is, by what an edition sets. Sources that are not among `sources` have the usual weight."""

    edition: Edition
    sources: dict[str, Source]
    last_issue: datetime | None

    def turns(self, stories: Sequence[ChosenStory]) -> list[ChosenStory]:
        """All stories that the limits of their sources admit, in the order in which they are given places."""
        queues: dict[str, list[ChosenStory]] = {}
        for story in sorted(stories, key=self._within_source):
            queues.setdefault(story.post.source, []).append(story)
        placed = [
            (turn, story) for name, queue in queues.items() for turn, story in enumerate(queue[: self._limit(name)])
        ]
        return [story for _, story in sorted(placed, key=lambda one: (one[0], self._within_round(one[1])))]

    def _limit(self, name: str) -> int | None:
        source = self.sources.get(name)
        own = source.max_posts if source else None
        return self.edition.max_per_source if own is None else own

    def _within_source(self, story: ChosenStory) -> tuple[int, int]:
        """Lower goes first."""
        return (0, story.first.id) if self.edition.carry_over else (-self._merit(story), -story.first.id)

    def _within_round(self, story: ChosenStory) -> tuple[int, int, int]:
        """Lower goes first. What an earlier issue left over goes by age alone: else, with more sources than places, the
        light ones would wait for ever."""
        first = story.first
        if not self.edition.carry_over:
            return 1, -self._merit(story), -first.id
        left_over = self.last_issue is not None and first.first_seen + self.edition.grace <= self.last_issue
        return (0, 0, first.id) if left_over else (1, -self._merit(story), first.id)

    def _merit(self, story: ChosenStory) -> int:
        match self.edition.order:
            case "weight":
                source = self.sources.get(story.post.source)
                return source.weight if source else 1
            case "coverage":
                return len(story.posts)
            case "time":
                return 0


def _newest_first(stories: Sequence[ChosenStory]) -> tuple[ChosenStory, ...]:
    return tuple(sorted(stories, key=lambda story: (story.post.effective, story.post.id), reverse=True))


def _chosen(posts: Sequence[StoredPost]) -> ChosenStory:
    first, *others = sorted(posts, key=lambda post: (-post.originality, post.id))
    return ChosenStory(first, tuple(others))
