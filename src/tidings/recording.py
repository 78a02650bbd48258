"""What the outcomes of a poll leave behind: the decisions on what is known now, the store's word for it, and the row of
the report. For the poll pipe; nothing here asks a server or reads a document.

What only documents that have changed need is loaded when there is one: most polls find nothing new.
"""

from __future__ import annotations

from collections.abc import Callable
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
    Rhythm,
    Unchanged,
)
from tidings.posts import brake
from tidings.records import dataclass, replace
from tidings.sources import cadence, memory
from tidings.sources.cadence import Limits
from tidings.sources.redirects import is_verification
from tidings.store import Store, feeds, holding, noise, site

if TYPE_CHECKING:
    from tidings.posts.decide import Plan

_ARRIVALS = 60
_TURNED_BACK = (
    "it has its former posts again, so those that are held stay held; `tidings sources release` lets them go, or puts "
    "them away with --discard"
)

OWN_FEED = "this is the combined feed that is published here: nothing of it is stored, and it may go out of the file"


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

    def __init__(self, store: Store, limits: Limits, clock: Callable[[], datetime], own_url: str = "") -> None:
        """`own_url` is where the combined feed is published."""
        self._store = store
        self._limits = limits
        self._clock = clock
        self._own_url = own_url

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
        from tidings.joining import placed, returned
        from tidings.posts import rules

        now = self._clock()
        if self._is_own(document.feed):
            return self._read_own(state, document, now)
        change = rules.apply(self._judged(state, document, cleaned, now), state.source)
        # What a power cut takes back are posts and validators together, so they are asked for again. Whoever shows
        # posts to the outside, an issue or the combined feed, makes them durable first.
        with self._store.note():
            after = self._after_read(state, document, change, now)
            has_turned_back = state.held_since is not None and after.held_since is None
            after, note = self._released(after, now)
            if after.held_since is None:
                change = replace(change, held=False)
            change = placed(self._store, after.feed_id, document.plan.site, change, now)
            change = returned(self._store, after, change)
            feeds.save_read(self._store, after, change, now, document.memory, document.feed.about)
            rewritten = [post.post_id for post in (*change.changed, *change.healed) if post.post_id is not None]
            noise.keep(self._store, document.plan.noisy, rewritten)
        return row(
            after,
            "ok",
            http=document.fetched.http,
            new=len(change.new),
            updated=sum(post.edit == "substantive" for post in (*change.changed, *change.healed)),
            note=note or (_TURNED_BACK if has_turned_back else _note(change, document.plan.size)),
        )

    def _is_own(self, feed: ParsedFeed) -> bool:
        """Whether a document is our own combined feed, or a part of it, wherever it was got from: by the id that no
        other has, or by the address that it says is its own."""
        from tidings.posts.own import is_own

        return feed.about.id == site.record(self._store).feed_id or is_own(feed.self_url, self._own_url)

    def _read_own(self, state: FeedState, document: ReadDocument, now: datetime) -> PollRow:
        """Records our own combined feed: nothing of it is stored, for all of it is, as posts of other sources."""
        with self._store.write():
            after = replace(self._after_read(state, document, FeedChange(), now), own=True)
            feeds.save_read(self._store, after, FeedChange(), now)
            if not state.own:
                site.want_publishing(self._store)
        return row(after, "ok", http=document.fetched.http, note=OWN_FEED)

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
        from tidings.posts.edits import weighed
        from tidings.posts.healing import heal

        read_at, plan = state.read_at, document.plan
        change = heal(weighed(cleaned, plan.known), plan.size, plan.parts, read_at and read_at - brake.SLACK, plan.met)
        if not brake.is_mass(change, plan.size):
            return change
        kept = document.plan.size - len(cleaned.new) - len(document.plan.held)
        return brake.hold(change, kept, state, holding.history(self._store, state.feed_id), now)

    def _after_read(self, state: FeedState, document: ReadDocument, change: FeedChange, now: datetime) -> FeedState:
        from tidings.posts.edits import volatility

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
        looks = {post.post_id: post.content_hash for post in change.changed if post.post_id and post.is_noise}
        noisy = noise.unseen(self._store, {**plan.noisy, **looks})
        return replace(
            after,
            own=False,
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
        count = holding.release(self._store, state.feed_id, now, state.held_since)
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
        if len(change.healed) == 1:
            notes.append("1 post came back under another id and was recognised")
        else:
            notes.append(f"{len(change.healed)} posts came back under other ids and were recognised")
    if heirs := sum(post.heir_of is not None for post in change.new):
        notes.append(f"{heirs} new under the guid or the link that named another post before")
    return "; ".join(notes)


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
