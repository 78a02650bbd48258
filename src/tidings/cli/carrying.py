"""Does an edition carry a post? If not, why not, and what would change that?

Nothing is judged here by rules of its own: the answer is looked up in what issues carried, else it is that of the
functions which make the next issue (digest.py, editions/select.py, store/issues.py), asked as a preview asks them.
Which limit keeps a story waiting is told by asking them once more without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from tidings import digest
from tidings.config import Config
from tidings.editions.changes import is_undone
from tidings.editions.schedule import is_too_late, next_slot
from tidings.editions.select import EMPTY, TOLD_WITHIN, ChosenStory, group, is_empty, is_young, select, select_updates
from tidings.model import Edition, Source, StoredPost
from tidings.posts.rules import NOT_INCLUDED, excluded_by
from tidings.records import dataclass
from tidings.store import Store, explaining, feeds, issues
from tidings.store.explaining import PostFacts, Showing
from tidings.store.skipping import SKIPPED

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
    "dropped",
    "empty",
    "skipped",
    "rule",
    "grace",
    "min-posts",
    "max-posts",
    "max-per-source",
    "named",
]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an edition does not carry a post (yet), or only by name, and what would change that; "" where nothing
    does."""

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
        if one.edition not in configured and wanted in ("", one.edition) and not one.taken_out:
            gone.setdefault(one.edition, []).append(one)
    return [
        *(Fate(name, "carried", tuple(showings)) for name, showings in gone.items()),
        *(fate(store, loaded, edition, facts, now) for edition in editions),
    ]


def fate(store: Store, loaded: Config, edition: Edition, facts: PostFacts, now: datetime) -> Fate:
    """What one edition does with a post."""
    story = facts.post.story
    showings = tuple(one for one in explaining.showings(store, story) if one.edition == edition.name)
    due_at = next_due_at(store, edition, now)
    if showings and all(one.taken_out for one in showings):
        return Fate(edition.name, "no", due_at=due_at, reasons=(_dropped(showings[0]),))
    showings = tuple(one for one in showings if not one.taken_out)
    if showings:
        update = telling(store, loaded, edition, facts, now, showings)
        return Fate(edition.name, "carried", showings, due_at=due_at, update=update)
    selection = digest.choose(store, edition, loaded.sources, now).selection
    for chosen in (*selection.stories, *selection.more):
        if chosen.post.story == story:
            reasons = (_named(edition),) if chosen in selection.more else ()
            return Fate(edition.name, "next", post_id=chosen.post.id, due_at=due_at, reasons=reasons)
    admitted = _admitted(store, loaded, edition)
    for chosen in group(admitted):
        if chosen.post.story == story:
            reason = _delay(store, loaded, edition, admitted, chosen, now)
            return Fate(edition.name, "waiting", post_id=chosen.post.id, due_at=due_at, reasons=(reason,))
    return Fate(edition.name, "no", due_at=due_at, reasons=tuple(_obstacles(store, loaded, edition, facts)))


def telling(
    store: Store, loaded: Config, edition: Edition, facts: PostFacts, now: datetime, showings: Sequence[Showing]
) -> Telling | None:
    """What an edition does with an edit of a post that it has carried (`showings`): by the functions that choose what
    an issue tells of (store/issues.py, editions/select.py)."""
    post = facts.post
    if told := explaining.told_of(store, edition.name, post.story):
        if told.taken_out:
            return Telling("no", f"it was dropped from {told.edition}-{told.number} by hand")
        return Telling("told", issue=told)
    if not explaining.edited_since_shown(store, edition.name, post.id):
        return None
    if not edition.updates:
        return Telling("no", "the edition lists no edits", f"`updates = true` of [[editions]] {edition.name}")
    edited = digest.edited(store, edition, loaded.sources, now)
    mine = next((one for one in edited if one.post.id == post.id), None)
    if mine is None and any(one.kept for one in showings if one.post_id == post.id):
        return Telling("waiting", "the issue that shows it is in review or held, so nobody has seen it")
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
    return group(shown)[0].post.id


def next_due_at(store: Store, edition: Edition, now: datetime) -> datetime | None:
    """When the next issue is to be made, by the schedule; in the past if that is still to be done."""
    slot = digest.open_slot(store, edition, now)
    if slot is None or is_too_late(edition, slot, now):
        slot = next_slot(edition.schedule, edition.timezone, now)
    return slot.at if slot else None


def _admitted(store: Store, loaded: Config, edition: Edition) -> list[StoredPost]:
    """What an edition may carry, also of posts in their grace."""
    own = feeds.own_names(store)
    names = [source.name for source in loaded.sources if edition.covers(source) and source.name not in own]
    candidates = issues.candidates(store, edition.name, names, edition.backfill)
    return [post for post in candidates if not excluded_by(post, edition) and not is_empty(post)]


def _delay(
    store: Store, loaded: Config, edition: Edition, admitted: Sequence[StoredPost], chosen: ChosenStory, now: datetime
) -> Reason:
    """What keeps a story waiting that the edition may carry."""
    named = f"[[editions]] {edition.name}"
    if is_young(chosen.post, edition.grace, now):
        why = f"it came, or was edited, less than {_span(edition.grace)} ago: its author may still mend it"
        return Reason("grace", why, f"time does, and so does a lower `grace` of {named}")
    ripe = [one for one in group(admitted) if not is_young(one.post, edition.grace, now)]
    if len(ripe) < edition.min_posts:
        why = f"there {'is' if len(ripe) == 1 else 'are'} {_stories(len(ripe))}, and an issue needs {edition.min_posts}"
        return Reason("min-posts", why, f"lower `min_posts` of {named}")
    return _limit(loaded, edition, admitted, chosen, now, issues.last_frozen(store, edition.name))


def _limit(
    loaded: Config,
    edition: Edition,
    admitted: Sequence[StoredPost],
    chosen: ChosenStory,
    now: datetime,
    last_issue: datetime | None,
) -> Reason:
    """Which limit keeps a story waiting that is not too young."""
    send = f"`tidings send {shlex.quote(edition.name)}` makes the next issue now, and it moves up"
    unlimited = select(admitted, replace(edition, max_posts=len(admitted)), loaded.sources, now, last_issue)
    if any(one.post.story == chosen.post.story for one in unlimited.stories):
        why = f"an issue takes {_stories(edition.max_posts)}, and as many go before it"
        return Reason("max-posts", why, f"raise `max_posts` of [[editions]] {edition.name}; {send}")
    name = chosen.post.source
    own = next((source.max_posts for source in loaded.sources if source.name == name), None)
    why = f"an issue takes {_stories(own or edition.max_per_source)} of {name!r}, and as many go before it"
    where = f"`max_posts` of [[sources]] {name}" if own else f"`max_per_source` of [[editions]] {edition.name}"
    return Reason("max-per-source", why, f"raise {where}; {send}")


def _named(edition: Edition) -> Reason:
    why = "the issue has no place for it, and only names it"
    return Reason("named", why, f"raise the limits of [[editions]] {edition.name}, or set its `carry_over = true`")


def _span(span: timedelta) -> str:
    """A span of time as the file writes it."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _stories(count: int | None) -> str:
    return "1 story" if count == 1 else f"{count} stories"


def _dropped(showing: Showing) -> Reason:
    return Reason("dropped", f"it was dropped from {showing.edition}-{showing.number} by hand", "")


def _obstacles(store: Store, loaded: Config, edition: Edition, facts: PostFacts) -> Iterator[Reason]:
    """Why an edition may not carry a post."""
    post, source = facts.post, source_of(loaded, facts)
    if source is None:
        add = f"`tidings sources add {shlex.quote(post.feed_url)}`"
        yield Reason("not-a-source", "its source is not in the file any more", f"{add} puts it there")
    elif source.name in feeds.own_names(store):
        yield Reason("own-feed", "its source is the combined feed that is published here: it is another source's", "")
    elif not edition.covers(source):
        yield _not_covered(edition, source)
    yield from _kept_back(facts)
    if source is not None and edition.covers(source):
        yield from _no_news(store, edition, facts)


def _not_covered(edition: Edition, source: Source) -> Reason:
    name, tags, names = source.name, ", ".join(edition.tags), ", ".join(edition.sources)
    if not edition.tags:
        why = f"the edition takes {names}, and not {name!r}"
        return Reason("other-tags", why, f"add {name!r} to `sources` of [[editions]] {edition.name}")
    besides = f" or called {names}" if names else ""
    why = f"the edition takes sources tagged {tags}{besides}, and {name!r} is not"
    return Reason("other-tags", why, f"give {name!r} one of these tags")


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


def _left_out(store: Store, edition: Edition, post: StoredPost) -> Iterator[Reason]:
    """What the rules of an edition say of a post, or said when an issue was made."""
    passed = explaining.passed_over(store, edition.name, post.id)
    if passed is not None and passed.rule == EMPTY:
        yield Reason("empty", f"it was empty on {passed.at:%Y-%m-%d}, when an issue was made, as it had long been", "")
        return
    if passed is not None and passed.rule == SKIPPED:
        yield Reason("skipped", f"it was taken for mailed on {passed.at:%Y-%m-%d}, by `tidings adopt --skip-until`", "")
        return
    if is_empty(post):
        yield Reason(
            "empty", "it has no title, text, link, picture or file: nothing to show", "its feed, by giving it any"
        )
    rule = passed.rule if passed else excluded_by(post, edition)
    if not rule:
        return
    key = "include" if rule == NOT_INCLUDED else "exclude"
    by = "no rule in `include`" if rule == NOT_INCLUDED else f"the rule {rule!r} in `exclude`"
    if passed is None:
        yield Reason("rule", f"{by} of the edition matches it", f"change `{key}` of [[editions]] {edition.name}")
    else:
        made = f"on {passed.at:%Y-%m-%d}, when an issue was made"
        why = f"{by} of the edition matched it {made}; what rules let in later is no news"
        yield Reason("rule", why, "")


def _no_news(store: Store, edition: Edition, facts: PostFacts) -> Iterator[Reason]:
    """Why a post is no news to an edition that takes its source."""
    post = facts.post
    original = issues.copied_from(store, edition.name, post.id)
    if original is not None:
        why = f"it is a copy of post {original}, which was in the backlog of its source"
        yield Reason("copy", why, f"`tidings stories split {post.id}` makes it a story of its own")
    yield from _left_out(store, edition, post)
    at = explaining.shut_out_at(store, edition.name, post.id)
    if at is not None:
        why = f"a rule kept it out on {at:%Y-%m-%d}, when an issue was made; what rules let in later is no news"
        yield Reason("shut-out", why, "")
    if facts.may_be_shown and at is None and explaining.backlog(store, edition.name, post.id):
        came = "came with the first reading of its source" if facts.in_first_batch else "was there before its source"
        joined = "" if facts.in_first_batch else " joined the edition"
        why = f"it {came}{joined}; of such posts the newest {edition.backfill} of a source are taken"
        yield Reason("backlog", why, f"raise `backfill` of [[editions]] {edition.name}")
