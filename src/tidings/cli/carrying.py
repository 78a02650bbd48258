"""Does an edition carry a post? If not, why not, and what would change that?

Nothing is judged here by rules of its own: the answer is looked up in what issues carried, else it is that of the
functions which make the next issue (digest.py, editions/select.py, store/issues.py), asked as a preview asks them.
Which limit keeps a story waiting is told by asking them once more without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from tidings import digest
from tidings.cli import issuing
from tidings.config import Config
from tidings.editions.changes import is_undone
from tidings.editions.schedule import latest_slot, next_slot
from tidings.editions.select import TOLD_WITHIN, ChosenStory, select, select_updates
from tidings.model import Edition, Source, StoredPost
from tidings.records import dataclass
from tidings.store import Store, explaining, feeds, issues
from tidings.store.explaining import PostFacts, Showing

Status = Literal["carried", "next", "waiting", "no"]
"""An issue carried the story; the next one will; a later one will; none will, as things are."""

ReasonKind = Literal[
    "excluded",
    "held",
    "not-a-source",
    "own-feed",
    "other-tags",
    "backlog",
    "copy",
    "shut-out",
    "min-posts",
    "max-posts",
    "max-per-source",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an edition does not carry a post (yet), and what would change that; "" where nothing does."""

    kind: ReasonKind
    why: str
    change: str


@dataclass(frozen=True, slots=True)
class Telling:
    """Whether an edition told readers of an edit of what it had carried, by which issue; else whether the next issue
    will, if it carries anything, or a later one; else why not, and what would change that."""

    status: Literal["told", "next", "waiting", "no"]
    why: str = ""
    change: str = ""
    issue: Showing | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """What an edition does with a post. `post_id` is the post that stands for its story in the next issue it comes in,
    and `due_at` when the next issue is made, None for editions that are not in the file any more. `update` is None
    where nothing worth telling was edited since it was carried."""

    edition: str
    status: Status
    showings: tuple[Showing, ...] = ()
    post_id: int | None = None
    due_at: datetime | None = None
    reasons: tuple[Reason, ...] = ()
    update: Telling | None = None


def fates(store: Store, loaded: Config, wanted: str, facts: PostFacts, now: datetime) -> list[Fate]:
    """What each edition does with a post: first those which carried it and are not in the file any more, then those in
    the file, in its order; only the one called `wanted` if that is not ""."""
    editions = [edition for edition in loaded.editions if wanted in ("", edition.name)]
    configured = {edition.name for edition in loaded.editions}
    gone: dict[str, list[Showing]] = {}
    for one in explaining.showings(store, facts.post.story):
        if one.edition not in configured and wanted in ("", one.edition):
            gone.setdefault(one.edition, []).append(one)
    return [
        *(Fate(name, "carried", tuple(showings)) for name, showings in gone.items()),
        *(fate(store, loaded, edition, facts, now) for edition in editions),
    ]


def fate(store: Store, loaded: Config, edition: Edition, facts: PostFacts, now: datetime) -> Fate:
    """What one edition does with a post."""
    story = facts.post.story
    showings = tuple(one for one in explaining.showings(store, story) if one.edition == edition.name)
    due_at = _due_at(store, edition, now)
    if showings:
        return Fate(
            edition.name, "carried", showings, due_at=due_at, update=telling(store, loaded, edition, facts, now)
        )
    content = digest.draft(store, edition, loaded.sources, issuing.masthead(loaded), now)
    for item in content.items if content else ():
        if item.story == story:
            return Fate(edition.name, "next", post_id=item.post_id, due_at=due_at)
    own = feeds.own_names(store)
    covered = [source for source in loaded.sources if edition.covers(source) and source.name not in own]
    candidates = issues.candidates(store, edition.name, [source.name for source in covered], edition.backfill)
    for chosen in _without_limits(candidates, edition):
        if chosen.post.story == story:
            reason = _limit(candidates, edition, covered, chosen)
            return Fate(edition.name, "waiting", post_id=chosen.post.id, due_at=due_at, reasons=(reason,))
    return Fate(edition.name, "no", due_at=due_at, reasons=tuple(_obstacles(store, loaded, edition, facts)))


def telling(store: Store, loaded: Config, edition: Edition, facts: PostFacts, now: datetime) -> Telling | None:
    """What an edition does with an edit of a post that it has carried: by the functions that choose what an issue tells
    of (store/issues.py, editions/select.py)."""
    post = facts.post
    if told := explaining.told_of(store, edition.name, post.story):
        return Telling("told", issue=told)
    if not explaining.edited_since_shown(store, edition.name, post.id):
        return None
    if not edition.updates:
        return Telling("no", "the edition lists no edits", f"`updates = true` of [[editions]] {edition.name}")
    names = [source.name for source in loaded.sources if edition.covers(source)]
    edited = issues.edited(store, edition.name, names, now - TOLD_WITHIN)
    mine = next((one for one in edited if one.post.id == post.id), None)
    if mine is None:
        old = post.changed_at is not None and post.changed_at < now - TOLD_WITHIN
        why = f"its last edit is more than {TOLD_WITHIN.days} days old" if old else "it is kept back, or its source is"
        return Telling("no", why)
    if is_undone(mine):
        return Telling("no", "it reads again as it did in the issue, but for signs and capitals")
    if mine in select_updates(edited):
        return Telling("next")
    return Telling("waiting", "newer edits come first, and an issue tells of few")


def source_of(loaded: Config, facts: PostFacts) -> Source | None:
    """The source of a post as the file has it; None when it is not there any more."""
    return next((source for source in loaded.sources if source.url == facts.post.feed_url), None)


def standing_for(posts: Sequence[PostFacts], loaded: Config) -> int | None:
    """The post of a story that digests show, when all of them are news: by the function that chooses it. None where
    there is no edition, or nothing to show."""
    shown = [one.post for one in posts if one.may_be_shown and source_of(loaded, one)]
    if not loaded.editions or not shown:
        return None
    return _without_limits(shown, loaded.editions[0])[0].post.id


def _without_limits(candidates: Sequence[StoredPost], edition: Edition) -> list[ChosenStory]:
    most = max(len(candidates), 1)
    return select(candidates, replace(edition, min_posts=1, max_posts=most, max_per_source=None), {})


def _due_at(store: Store, edition: Edition, now: datetime) -> datetime | None:
    """When the next issue is to be made, by the schedule; in the past if that is still to be done."""
    slot = latest_slot(edition.schedule, edition.timezone, now)
    if slot is None or not issues.open_slot(store, edition.name, slot.key, slot.at):
        slot = next_slot(edition.schedule, edition.timezone, now)
    return slot.at if slot else None


def _limit(
    candidates: Sequence[StoredPost], edition: Edition, covered: Sequence[Source], chosen: ChosenStory
) -> Reason:
    """Which limit keeps a story waiting that the edition may carry."""
    limits = {source.name: source.max_posts for source in covered if source.max_posts is not None}
    named = f"[[editions]] {edition.name}"
    unlimited = replace(edition, max_posts=len(candidates))
    if not select(candidates, replace(unlimited, max_per_source=None), {}):
        count = len({post.story for post in candidates})
        why = f"there {'is' if count == 1 else 'are'} {_stories(count)}, and an issue needs {edition.min_posts}"
        return Reason("min-posts", why, f"lower `min_posts` of {named}")
    send = f"`tidings send {shlex.quote(edition.name)}` makes the next issue now, and it moves up"
    if any(one.post.story == chosen.post.story for one in select(candidates, unlimited, limits)):
        why = f"an issue takes {_stories(edition.max_posts)}, and as many came before it"
        return Reason("max-posts", why, f"raise `max_posts` of {named}; {send}")
    name = chosen.post.source
    most = limits.get(name, edition.max_per_source)
    why = f"an issue takes {_stories(most)} of {name!r}, and as many came before it"
    where = f"`max_posts` of [[sources]] {name}" if name in limits else f"`max_per_source` of {named}"
    return Reason("max-per-source", why, f"raise {where}; {send}")


def _stories(count: int | None) -> str:
    return "1 story" if count == 1 else f"{count} stories"


def _obstacles(store: Store, loaded: Config, edition: Edition, facts: PostFacts) -> Iterator[Reason]:
    """Why an edition may not carry a post."""
    post, source = facts.post, source_of(loaded, facts)
    if source is None:
        add = f"`tidings sources add {shlex.quote(post.feed_url)}`"
        yield Reason("not-a-source", "its source is not in the file any more", f"{add} puts it there")
    elif source.name in feeds.own_names(store):
        yield Reason("own-feed", "its source is the combined feed that is published here: it is another source's", "")
    elif not edition.covers(source):
        tags = ", ".join(edition.tags)
        why = f"the edition takes sources tagged {tags}, and {source.name!r} is not"
        yield Reason("other-tags", why, f"give {source.name!r} one of these tags")
    yield from _kept_back(facts)
    if source is not None and edition.covers(source):
        yield from _no_news(store, edition, facts)


def _kept_back(facts: PostFacts) -> Iterator[Reason]:
    post = facts.post
    if post.excluded == "include":
        why = "no rule in `include` of its source matches it"
        yield Reason("excluded", why, f"change `include` of [[sources]] {post.source}")
    elif post.excluded:
        why = f"the rule {post.excluded!r} in `exclude` of its source matches it"
        yield Reason("excluded", why, f"change `exclude` of [[sources]] {post.source}")
    if facts.put_away:
        release = f"`tidings sources release {shlex.quote(post.source)} --post {post.id}` lets it go"
        yield Reason("held", "it was put away while it was held", release)
    elif facts.held_at:
        yield Reason("held", "it is held", f"`tidings sources release {shlex.quote(post.source)}` lets it go")


def _no_news(store: Store, edition: Edition, facts: PostFacts) -> Iterator[Reason]:
    """Why a post is no news to an edition that takes its source."""
    post = facts.post
    original = issues.copied_from(store, edition.name, post.id)
    if original is not None:
        why = f"it is a copy of post {original}, which was in the backlog of its source"
        yield Reason("copy", why, f"`tidings stories split {post.id}` makes it a story of its own")
    at = explaining.shut_out_at(store, edition.name, post.id)
    if at is not None:
        why = f"a rule kept it out on {at:%Y-%m-%d}, when an issue was made; what rules let in later is no news"
        yield Reason("shut-out", why, "")
    if facts.may_be_shown and at is None and explaining.backlog(store, edition.name, post.id):
        came = "came with the first reading of its source" if facts.in_first_batch else "was there before its source"
        joined = "" if facts.in_first_batch else " joined the edition"
        why = f"it {came}{joined}; of such posts the newest {edition.backfill} of a source are taken"
        yield Reason("backlog", why, f"raise `backfill` of [[editions]] {edition.name}")
