"""What the outcomes of a poll leave behind: the decisions on what is known now, the store's word for it, and the row of
the report. For the poll pipe; nothing here asks a server or reads a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from tidings.model import (
    Failed,
    FeedChange,
    FeedState,
    Fetched,
    ParsedFeed,
    PollRow,
    Postponed,
    PostToSave,
    Rhythm,
    Unchanged,
)
from tidings.posts import brake, rules
from tidings.posts.decide import Plan
from tidings.posts.edits import volatility
from tidings.posts.healing import heal
from tidings.posts.links import bare_host, host
from tidings.sources import cadence, memory
from tidings.sources.cadence import Limits
from tidings.sources.redirects import is_verification
from tidings.store import Store, feeds, holding, stories
from tidings.store.stories import CandidateRow

if TYPE_CHECKING:
    from tidings.posts.pieces import Piece
    from tidings.posts.placing import Candidate

_ARRIVALS = 60
_TURNED_BACK = (
    "it has its former posts again, so those that are held stay held; `tidings sources release` lets them go, or puts "
    "them away with --discard"
)


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document that was read: the URL its request began with, the answer it came in, what it says of its feed, and
    what it would change (`plan`, whose posts are cleaned by now). `memory` is for its next reading."""

    asked: str
    fetched: Fetched
    body_hash: str
    feed: ParsedFeed
    plan: Plan
    memory: bytes


class Recorder:
    """Records outcomes, one transaction each."""

    def __init__(self, store: Store, limits: Limits, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._limits = limits
        self._clock = clock

    def unchanged(self, state: FeedState, asked: str, answer: Unchanged | Fetched) -> PollRow:
        """Records that a document is as it was."""
        now = self._clock()
        after = memory.after_unchanged(state, asked, answer, self._limits, now)
        with self._store.note():
            after, note = self._released(after, now)
            feeds.save_polled(self._store, after)
        return row(after, "unchanged", http=answer.http, note=note)

    def read(self, state: FeedState, document: ReadDocument, cleaned: FeedChange) -> PollRow:
        """Records a document: its posts and the validators that stand for them."""
        now = self._clock()
        change = rules.apply(self._judged(state, document, cleaned, now), state.source)
        with self._store.write():
            after = self._after_read(state, document, change, now)
            has_turned_back = state.held_since is not None and after.held_since is None
            after, note = self._released(after, now)
            if after.held_since is None:
                change = replace(change, held=False)
            change = placed(self._store, after.feed_id, document.plan.site, change, now)
            feeds.save_read(self._store, after, change, now, document.memory)
        return row(
            after,
            "ok",
            http=document.fetched.http,
            new=len(change.new),
            updated=sum(post.edit == "substantive" for post in (*change.changed, *change.healed)),
            note=note or (_TURNED_BACK if has_turned_back else _note(change, document.plan.size)),
        )

    def failure(self, state: FeedState, asked: str, failure: Failed, freshness: timedelta | None = None) -> PollRow:
        """Records that there is nothing to read, and why."""
        now = self._clock()
        after = memory.after_failed(state, asked, failure, freshness, self._limits, now)
        with self._store.note():
            after, note = self._released(after, now, brake.RELEASED_UNREAD_AFTER)
            feeds.save_polled(self._store, after)
        if is_verification(state, now):
            note = f"its own URL does not answer as it did ({failure.message}), so it stays with {state.adopted_url}"
            return row(after, "skipped", http=failure.http, note=note)
        return row(after, "failed", http=failure.http, failure=failure, note=note)

    def postponed(self, state: FeedState, postponed: Postponed) -> PollRow:
        """Records that nothing was asked, for the sake of the host."""
        after = memory.after_postponed(state, postponed, self._limits, self._clock())
        feeds.save_polled(self._store, after)
        return row(after, "skipped", note=f"{postponed.host} is left alone for now")

    def _judged(self, state: FeedState, document: ReadDocument, cleaned: FeedChange, now: datetime) -> FeedChange:
        """The change with what came back under other ids recognised, and with what is suspicious held."""
        read_at, plan = state.read_at, document.plan
        change = heal(cleaned, plan.size, plan.parts, read_at and read_at - brake.SLACK, plan.met)
        if not brake.is_mass(change, plan.size):
            return change
        kept = document.plan.size - len(cleaned.new) - len(document.plan.held)
        return brake.hold(change, kept, state, holding.history(self._store, state.feed_id), now)

    def _after_read(self, state: FeedState, document: ReadDocument, change: FeedChange, now: datetime) -> FeedState:
        plan = document.plan
        after = memory.after_read(
            state,
            document.asked,
            document.fetched,
            document.feed,
            document.body_hash,
            self._rhythm(state, change, now),
            plan.known + len(change.healed) > 0,
            self._limits,
            now,
        )
        noisy = plan.noisy + sum(post.edit != "substantive" for post in change.changed)
        return replace(
            after,
            held_since=self._held_since(state, plan, change, now),
            volatility=volatility(state.volatility, noisy, plan.known),
        )

    def _rhythm(self, state: FeedState, change: FeedChange, now: datetime) -> Rhythm:
        if not change.new and state.rhythm.latest is not None:
            return state.rhythm
        came = [now if state.read_at else min(post.published or post.updated or now, now) for post in change.new]
        return cadence.rhythm([*came, *feeds.arrivals(self._store, state.feed_id, _ARRIVALS)])

    def _held_since(self, state: FeedState, plan: Plan, change: FeedChange, now: datetime) -> datetime | None:
        """Since when the source has had posts that are held, without having turned back to its former ones."""
        healed = {post.post_id for post in change.healed if post.post_id is not None}
        waiting = holding.waiting(self._store, plan.held | healed)
        if state.held_since is not None:
            if waiting or change.held:
                return state.held_since
            former = holding.former(self._store, plan.met | healed, state.held_since)
            return None if brake.has_turned_back(former, plan.size) else state.held_since
        if not waiting and not change.held:
            return None
        holding.hold_again(self._store, waiting, now)
        return now

    def _released(
        self, state: FeedState, now: datetime, after: timedelta = brake.RELEASED_AFTER
    ) -> tuple[FeedState, str]:
        """The source without its hold, if that is over by now, and what to say of it."""
        if not brake.is_over(state, now, after):
            return state, ""
        count = holding.release(self._store, state.feed_id, state.held_since)
        note = f"{count} held posts are released: in {after.days} days the source has not turned back"
        return replace(state, held_since=None), note


def _note(change: FeedChange, size: int) -> str:
    """What an operator should know of a change beside its numbers."""
    if change.held:
        return (
            f"{len(change.new)} of {size} posts are new at once, which the source cannot have written since: held from "
            f"digests and feeds for {brake.RELEASED_AFTER.days} days; look at them (`tidings posts --held`), then "
            f"`tidings sources release` the source, with --discard if they are none of its own"
        )
    notes = list[str]()
    if change.healed:
        notes.append(f"{len(change.healed)} posts came back under other ids and were recognised")
    if heirs := sum(post.heir_of is not None for post in change.new):
        notes.append(f"{heirs} new under the guid or the link of a former post, of which nothing else is left")
    return "; ".join(notes)


def placed(store: Store, feed_id: int, site: str, change: FeedChange, now: datetime) -> FeedChange:
    """The change with the story of each new post found; `site` is the host of their source. To be called within the
    transaction that saves it, since stories may be joined and parted by hand meanwhile. Everybody who writes waits for
    that, so what a document may cost has an end: new posts beyond it are stories of their own."""
    found = stories.candidates(store, feed_id, change.new, now)
    if not found:
        return change
    from tidings.posts.placing import MOST_EFFORT, place

    new, taken, effort = list(change.new), set[int](), 0
    for position, ids in sorted(found.items()):
        post = new[position]
        rivals, cost = _rivals(post, stories.look_at(store, feed_id, ids))
        effort += cost
        if rivals and (join := place(_piece(post, site), rivals, taken)):
            taken.update((join.story, *(other.story for other in join.also)))
            new[position] = replace(post, join=join)
        if effort > MOST_EFFORT:
            break
    return replace(change, new=tuple(new))


def _piece(post: PostToSave, site: str) -> Piece:
    from tidings.posts.pieces import piece

    dated = post.published or post.updated
    text, html = post.text[: stories.LONGEST_TOLD], post.content_html[: 2 * stories.LONGEST_TOLD]
    return piece(site, post.story_url, post.title, text, html, post.language, post.origin_url, dated)


def _rivals(post: PostToSave, rows: Sequence[CandidateRow]) -> tuple[list[Candidate], int]:
    """Those of some stored posts that may be one story with the new `post`, and what it costs to look at them all and
    to tell these."""
    from tidings.posts.glance import effort_of_glance, effort_of_telling, glance, may_be_one
    from tidings.posts.pieces import piece
    from tidings.posts.placing import Candidate

    seen = glance(post.story_url, post.title, post.text[: stories.LONGEST_TOLD], post.language)
    rivals, effort = list[Candidate](), effort_of_glance(seen)
    for row in rows:
        site, same_id = host(row.site_url), _is_same_id(row, post)
        other = glance(row.url, row.title, row.text, row.language)
        effort += effort_of_glance(other)
        if same_id or may_be_one(seen, other):
            effort += effort_of_telling(seen, other)
            told = piece(site, row.url, row.title, row.text, row.content_html, row.language, row.origin_url, row.dated)
            rivals.append(Candidate(row.post_id, row.story, told, same_id))
    return rivals, effort


def _is_same_id(row: CandidateRow, post: PostToSave) -> bool:
    """Whether a stored post is of the blog that the new one says it was taken from, and has its guid, as the only post
    of its source, or is it word for word: guids such as `1` are many blogs', and some blogs give one to all they
    write."""
    has_id = row.guid == post.guid != "" and row.owns_guid
    if not post.origin_url or not (has_id or _is_word_for_word(row, post)):
        return False
    origin = bare_host(host(post.origin_url))
    return origin in (bare_host(host(row.site_url)), bare_host(host(row.origin_url)))


def _is_word_for_word(row: CandidateRow, post: PostToSave) -> bool:
    """Whether a copy has the title, the words and the moment of a post: a planet that makes ids of its own copies a
    series, too, whose issues differ in little else."""
    is_of_moment = row.dated is not None and row.dated == (post.published or post.updated)
    return is_of_moment and row.title == post.title and row.text.split() == post.text[: stories.LONGEST_TOLD].split()


def row(
    state: FeedState,
    status: Literal["ok", "unchanged", "failed", "skipped"],
    *,
    http: int | None = None,
    new: int = 0,
    updated: int = 0,
    failure: Failed | None = None,
    note: str = "",
) -> PollRow:
    """The row of the report for a source that is in `state` after its poll."""
    source, at = state.source, state.next_poll_at
    return PollRow(
        source.name, source.url, status, http, new, updated, failure, at, note, state.adopted_url, state.malformed
    )
