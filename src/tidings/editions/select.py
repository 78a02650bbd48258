"""Which stories does the next issue carry, and of which edits does it tell? Pure.

Ingest order decides what is chosen, so nothing is skipped for being dated early; what does not fit stays for the next
issue. Dates only sort what is shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from tidings.editions.changes import is_undone
from tidings.model import EditedPost, Edition, StoredPost

TOLD_WITHIN = timedelta(days=60)
"""After that an edit is no news. It is the time of a monthly issue and of one more, for what did not fit."""

_MOST_UPDATES = 5


@dataclass(frozen=True, slots=True)
class ChosenStory:
    """A story of an issue: the post that represents it and the other sources' posts of it."""

    post: StoredPost
    others: tuple[StoredPost, ...] = ()


def select(candidates: Sequence[StoredPost], edition: Edition, source_limits: Mapping[str, int]) -> list[ChosenStory]:
    """The stories to carry, newest first; empty when there are fewer than `min_posts`.

    `candidates` come in ingest order. At most `max_posts` are taken, and of one source `max_per_source`, or its own
    `source_limits` entry; the oldest go first, so that under a constant flood every post has its turn.
    """
    stories = _group(candidates)
    if len(stories) < edition.min_posts:
        return []
    chosen: list[ChosenStory] = []
    taken: Counter[str] = Counter()
    for story in stories:
        source = story.post.source
        limit = source_limits.get(source, edition.max_per_source)
        if limit is not None and taken[source] >= limit:
            continue
        taken[source] += 1
        chosen.append(story)
        if len(chosen) == edition.max_posts:
            break
    return sorted(chosen, key=lambda story: (story.post.effective, story.post.id), reverse=True)


def select_updates(candidates: Sequence[EditedPost]) -> list[EditedPost]:
    """The edited posts to tell of, newest edit first; what does not fit waits for the next issue. Edits that were taken
    back are none."""
    newest = sorted(candidates, key=lambda one: (one.post.changed_at or one.post.first_seen, one.post.id), reverse=True)
    return list(islice((one for one in newest if not is_undone(one)), _MOST_UPDATES))


def _group(candidates: Sequence[StoredPost]) -> list[ChosenStory]:
    """Posts by story, each story at the place of its first post. The original represents it, as far as that can be
    told, else the one that came first."""
    stories: dict[int, list[StoredPost]] = {}
    for post in candidates:
        stories.setdefault(post.story, []).append(post)
    return [_chosen(posts) for posts in stories.values()]


def _chosen(posts: Sequence[StoredPost]) -> ChosenStory:
    first, *others = sorted(posts, key=lambda post: (-post.originality, post.id))
    return ChosenStory(first, tuple(others))
