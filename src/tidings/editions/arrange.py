"""In which order does an issue show its stories, and under which headings? Pure.

What comes first is said by the edition's `order`. Among stories of one rank and day no source has more than two in a
row while others have some to show: decision 31.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from tidings.editions.select import ChosenStory
from tidings.model import Edition, Source, StoredPost

_IN_A_ROW = 2
_USUAL_WEIGHT = 1  # of a source that is not configured any more

_Standing = tuple[int, ...]
"""What goes before the age of a story: numbers, the highest first."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """A story in its place. `group` is the tag, source or day (ISO 8601) it stands under, "" for none."""

    story: ChosenStory
    group: str = ""
    is_lead: bool = False


def arrange(stories: Sequence[ChosenStory], edition: Edition, sources: Mapping[str, Source]) -> list[Arranged]:
    """The stories in the order in which they are shown: the lead story, in no group, then group by group. `sources` are
    the configured ones by name. In which order the stories come makes no difference."""
    lead = max(stories, key=lambda story: (_covered(story, sources), _age(story)), default=None)
    leads = [] if lead is None or not edition.lead else [Arranged(lead, is_lead=True)]
    groups: dict[str, list[ChosenStory]] = {}
    for story in stories:
        if not leads or story is not lead:
            groups.setdefault(_group(story.post, edition, sources), []).append(story)
    return leads + [
        Arranged(story, group)
        for group in _ordered(groups, edition)
        for story in _mixed(groups[group], edition, sources)
    ]


def title_of_source(post: StoredPost) -> str:
    """What readers know a post's source by: the title of its feed, else its configured name."""
    return " ".join(post.source_title.split()) or post.source


# ------------------------------------------------------------------------------------------------------------ order


def _standing(story: ChosenStory, edition: Edition, sources: Mapping[str, Source]) -> _Standing:
    match edition.order:
        case "time":
            return ()
        case "weight":
            return (_weight(story, sources),)
        case "coverage":
            return _covered(story, sources)


def _covered(story: ChosenStory, sources: Mapping[str, Source]) -> _Standing:
    """By how many sources it is carried, then how much its own one counts."""
    return len(story.others), _weight(story, sources)


def _weight(story: ChosenStory, sources: Mapping[str, Source]) -> int:
    source = sources.get(story.post.source)
    return _USUAL_WEIGHT if source is None else source.weight


def _age(story: ChosenStory) -> tuple[datetime, int]:
    """The newest is the highest; of two of one moment, the one stored later."""
    return story.post.effective, story.post.id


def _day(post: StoredPost, edition: Edition) -> str:
    """The day in the edition's time zone, as ISO 8601."""
    return post.effective.astimezone(ZoneInfo(edition.timezone)).date().isoformat()


def _mixed(stories: Sequence[ChosenStory], edition: Edition, sources: Mapping[str, Source]) -> list[ChosenStory]:
    """By standing and age, but that a third story in a row of one source lets the next one of another source go first,
    if that is of the same standing and day."""

    def rank(story: ChosenStory) -> tuple[_Standing, str]:
        return _standing(story, edition, sources), _day(story.post, edition)

    placed: list[ChosenStory] = []
    ranked = sorted(stories, key=lambda story: (_standing(story, edition, sources), _age(story)), reverse=True)
    for _, equals in groupby(ranked, key=rank):
        left = list(equals)
        while left:
            before = [story.post.source for story in placed[-_IN_A_ROW:]]
            others = (story for story in left if before.count(story.post.source) < _IN_A_ROW)
            following = next(others, left[0])
            left.remove(following)
            placed.append(following)
    return placed


# ----------------------------------------------------------------------------------------------------------- groups


def _group(post: StoredPost, edition: Edition, sources: Mapping[str, Source]) -> str:
    match edition.group_by:
        case "":
            return ""
        case "tag":
            return _tag(sources.get(post.source), edition)
        case "source":
            return title_of_source(post)
        case "day":
            return _day(post, edition)


def _tag(source: Source | None, edition: Edition) -> str:
    """The first of the edition's tags that the source has, else the source's own first one."""
    if source is None:
        return ""
    return next((tag for tag in (*edition.tags, *source.tags) if tag in source.tags), "")


def _ordered(groups: Mapping[str, object], edition: Edition) -> list[str]:
    """Days from the newest on; the edition's tags as it lists them; all else by name, what has none last."""
    if edition.group_by == "day":
        return sorted(groups, reverse=True)
    places = {tag: place for place, tag in enumerate(edition.tags)} if edition.group_by == "tag" else {}
    return sorted(groups, key=lambda group: (not group, places.get(group, len(places)), group.casefold(), group))
