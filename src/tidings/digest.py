"""The first half of the digest pipe, one stage a line:

    due editions
    | select       stories the edition has not carried, edits it has not told of
    | compose      what the issue shows of them
    | freeze       issue, items and one delivery per subscriber: one transaction; nothing changes it once a mail is out

Composing, rendering and judging may take seconds, and nobody could write meanwhile: they are done before the write
transaction. In it the plan is made again and must be the same, so two processes can't put one story into two issues.
What is frozen is sent by deliver.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from tidings.editions.compose import Masthead, compose
from tidings.editions.schedule import Slot, is_too_late, latest_slot, next_due
from tidings.editions.select import (
    EMPTY,
    TOLD_WITHIN,
    Selection,
    is_empty,
    is_given_up,
    is_young,
    select,
    select_updates,
)
from tidings.errors import RenderError
from tidings.letters import PostOffice, message_id
from tidings.model import EditedPost, Edition, IssueContent, Source
from tidings.posts.rules import excluded_by
from tidings.readers.personal import personal_edition
from tidings.render.mail import subject_of
from tidings.store import Store, choices, feeds, issues, site, slots, subscribers
from tidings.store.choices import Chooser
from tidings.store.issues import Letter

IsFit = Callable[[IssueContent], bool]
"""Says whether an issue may be sent as it is; asked before it is frozen, and again when what it holds has changed."""

SWITCHED_OFF = "switched off by its reader"
"""What `passed_posts` says of a post whose source a reader has switched off, in place of a rule."""

_TRIES = 3  # to make an issue while nobody writes what changes it; a busy poll may do so once or twice
_TOGETHER = 20  # issues of readers' own in a transaction: others wait a fraction of a second, the disk syncs once


@dataclass(frozen=True, slots=True)
class Choice:
    """What an edition makes of the posts it may carry: what goes into the next issue, and which it leaves out for good,
    each with the rule of its own, or as it is empty."""

    selection: Selection
    passed: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """All that the database says of an issue to be made: while that stays the same, so does the issue. Without
    `is_wanted` there is to be none, whatever was chosen."""

    is_wanted: bool
    choice: Choice
    updates: tuple[EditedPost, ...]
    number: int


@dataclass(frozen=True, slots=True)
class _Made:
    """An issue as composed from a plan, None where there is none, and whether it may be sent."""

    plan: _Plan
    content: IssueContent | None
    is_fit: bool


def choose(store: Store, edition: Edition, sources: Sequence[Source], now: datetime) -> Choice:
    """What would go into an issue made at `now`. Posts in their grace, and empty ones that may still be filled, are
    neither chosen nor passed. Reads only."""
    of_edition = covered(store, edition, sources)
    candidates = issues.candidates(store, edition.name, [source.name for source in of_edition], edition.backfill)
    off = {source.name for source in of_edition if edition.leaves_out(source)}
    rules = {post.id: SWITCHED_OFF if post.source in off else excluded_by(post, edition) for post in candidates}
    admitted = [post for post in candidates if not rules[post.id] and not is_empty(post)]
    left_out = [post for post in candidates if rules[post.id] and not is_young(post, edition.grace, now)]
    selection = select(admitted, edition, of_edition, now, issues.last_frozen(store, edition.name))
    given_up = {post.id: EMPTY for post in candidates if is_given_up(post, now)}
    return Choice(selection, given_up | {post.id: rules[post.id] for post in left_out})


def edited(store: Store, edition: Edition, sources: Sequence[Source], now: datetime) -> list[EditedPost]:
    """The edited posts that issues of an edition may tell of; none that its rules leave out by now."""
    names = [source.name for source in covered(store, edition, sources) if not edition.leaves_out(source)]
    found = issues.edited(store, edition.name, names, now - TOLD_WITHIN)
    return [one for one in found if not excluded_by(one.post, edition)]


def draft(
    store: Store, edition: Edition, sources: Sequence[Source], masthead: Masthead, now: datetime
) -> IssueContent | None:
    """The next issue as it would be frozen at `now`, or None when there is nothing (or too little) new. Reads only."""
    return _composed(_plan(store, edition, sources, now), edition, sources, masthead, now)


def freeze_next(
    store: Store,
    edition: Edition,
    sources: Sequence[Source],
    masthead: Masthead,
    office: PostOffice,
    now: datetime,
    is_fit: IsFit = lambda _content: True,
) -> IssueContent | None:
    """Freezes the next issue with a delivery for each subscriber, or returns None when there is nothing new, when it is
    not fit to be sent, or when an earlier issue is still to be finished, or in review: nobody wants two at once."""
    making = _Making(store, edition, sources, masthead, now, is_fit)
    with making.settled(lambda: not issues.interrupted(store, edition.name)) as made:
        if made.content is None or not made.is_fit:
            return None
        content = _freeze(store, _entitled(made.content, office), edition, office, now)
        _settle(store, edition, made.plan.choice, now)
        return content


def freeze_due(
    store: Store,
    edition: Edition,
    sources: Sequence[Source],
    masthead: Masthead,
    office: PostOffice,
    now: datetime,
    is_fit: IsFit = lambda _content: True,
) -> IssueContent | None:
    """The same for the edition's latest slot, if that is still to be handled. Slots missed before it are not made up
    one by one: what they would have carried is in this issue. A slot that is past by too much has none itself. An issue
    that is not fit to be sent is frozen all the same, and held: nobody may be there to read a refusal."""
    return _freeze_due(_Making(store, edition, sources, masthead, now, is_fit), office)


def freeze_personal(
    store: Store,
    edition: Edition,
    sources: Sequence[Source],
    masthead: Masthead,
    office: PostOffice,
    now: datetime,
    stop: Callable[[], bool] = lambda: False,
) -> list[IssueContent]:
    """The same for each of the readers' own editions that are made of `edition`, and have a slot now. Nothing looks at
    their mails before: what is in them was fit to be sent to all. What is left when told to stop stays due.

    Raises RenderError, after all others have theirs, when there is one whose subject cannot be written: it stays due.
    """
    made: list[IssueContent] = []
    errors: list[RenderError] = []
    due = choices.due(store, edition, now)
    for start in range(0, len(due), _TOGETHER):
        if stop():
            break
        with store.write():
            for chooser in due[start : start + _TOGETHER]:
                own = personal_edition(edition, chooser.choices, chooser.public_id)
                is_wanted = partial(choices.is_current, store, chooser)
                making = _Making(store, own, sources, masthead, now, is_wanted=is_wanted, tries=0)
                try:
                    content = _freeze_own(making, edition, chooser, office)
                except RenderError as error:
                    errors.append(error)
                else:
                    made += [content] if content is not None else []
    if errors:
        raise errors[0]
    return made


def _freeze_own(making: _Making, edition: Edition, chooser: Chooser, office: PostOffice) -> IssueContent | None:
    """Handles what is due of a reader's own edition, within a transaction."""
    store, own, now = making.store, making.edition, making.now
    if not choices.is_in_line(store, edition, own, now):
        choices.bring_in_line(store, chooser, edition, own, now)
    if chooser.was_away:
        _pass_absence(making, chooser)
    content = None if _is_idle(making, chooser) else _freeze_due(making, office)
    choices.put_off(store, chooser, edition, next_due(own, now, chooser.choices.paused_until))
    return content


def _is_idle(making: _Making, chooser: Chooser) -> bool:
    """Whether there is nothing for a slot of a reader who wants every post: most of them pass so, and are not noted."""
    own = making.edition
    return chooser.choices.cadence == "every post" and not issues.any_candidates(making.store, own.name, own.backfill)


def _pass_absence(making: _Making, chooser: Chooser) -> None:
    """Passes what a reader's slots would have brought while the subscription was over, and the last of them."""
    store, own = making.store, making.edition
    missed = latest_slot(own.schedule, own.timezone, chooser.since)
    if missed is None:
        return
    with store.write():
        if choices.is_current(store, chooser):
            candidates = issues.candidates(store, own.name, [source.name for source in making.sources], own.backfill)
            gone = {post.id: choices.AWAY for post in candidates if post.first_seen < missed.at}
            issues.pass_over(store, own.name, gone, making.now)
            slots.record(store, own.name, missed.key, chooser.since)


def _freeze_due(making: _Making, office: PostOffice) -> IssueContent | None:
    store, edition, now = making.store, making.edition, making.now
    slots.forget_future(store, edition.name, now)
    slot = open_slot(store, edition, now)
    if slot is None:
        return None
    is_late = is_too_late(edition, slot, now)
    with making.settled(lambda: not is_late and open_slot(store, edition, now) is not None) as made:
        if open_slot(store, edition, now) is None or not making.is_wanted():
            return None
        content = made.content and _entitled(made.content, office)
        slots.record(store, edition.name, slot.key, now)
        if content is not None:
            content = _freeze(store, content, edition, office, now, slot.key, None if made.is_fit else now)
        _settle(store, edition, made.plan.choice, now)
        return content


def open_slot(store: Store, edition: Edition, now: datetime) -> Slot | None:
    """The edition's latest slot, if that is still to be handled."""
    slot = latest_slot(edition.schedule, edition.timezone, now)
    return slot if slot and slots.is_open(store, edition.name, slot.key, slot.at, now) else None


def late_slot(store: Store, edition: Edition, now: datetime) -> Slot | None:
    """The edition's latest slot, if that is still to be handled and too late to have an issue."""
    slot = open_slot(store, edition, now)
    return slot if slot and is_too_late(edition, slot, now) else None


def covered(store: Store, edition: Edition, sources: Sequence[Source]) -> list[Source]:
    """The sources of an edition; none that is the combined feed of this very site."""
    own = feeds.own_names(store)
    return [source for source in sources if edition.covers(source) and source.name not in own]


def _plan(store: Store, edition: Edition, sources: Sequence[Source], now: datetime, *, is_wanted: bool = True) -> _Plan:
    choice = choose(store, edition, sources, now)
    is_told = is_wanted and edition.updates and choice.selection.stories
    updates = select_updates(edited(store, edition, sources, now)) if is_told else ()
    return _Plan(is_wanted, choice, tuple(updates), issues.next_number(store, edition.name))


def _composed(
    plan: _Plan, edition: Edition, sources: Sequence[Source], masthead: Masthead, now: datetime
) -> IssueContent | None:
    selection = plan.choice.selection
    if not plan.is_wanted or not selection.stories:
        return None
    return compose(
        selection.stories,
        edition,
        masthead,
        plan.number,
        sources,
        now,
        plan.updates,
        more=selection.more,
        waiting=selection.waiting,
    )


@dataclass(frozen=True, slots=True)
class _Making:
    """An issue in the making, with all that it is made from and by. `is_wanted` is asked when it is to be frozen;
    `tries` is how often it is made outside of the transaction before it is made within."""

    store: Store
    edition: Edition
    sources: Sequence[Source]
    masthead: Masthead
    now: datetime
    is_fit: IsFit = lambda _content: True
    is_wanted: Callable[[], bool] = lambda: True
    tries: int = _TRIES

    @contextmanager
    def settled(self, is_wanted: Callable[[], bool]) -> Iterator[_Made]:
        """The write transaction, with an issue whose plan holds in it. It is made before, and again if somebody wrote
        meanwhile what changes the plan; where that happens time and again, in the transaction itself."""
        for _ in range(self.tries):
            made = self._made(self._plan(is_wanted))
            with self.store.write():
                if self._plan(is_wanted) == made.plan:
                    yield made
                    return
        with self.store.write():
            yield self._made(self._plan(is_wanted))

    def _plan(self, is_wanted: Callable[[], bool]) -> _Plan:
        return _plan(self.store, self.edition, self.sources, self.now, is_wanted=is_wanted())

    def _made(self, plan: _Plan) -> _Made:
        content = _composed(plan, self.edition, self.sources, self.masthead, self.now)
        return _Made(plan, content, content is not None and self.is_fit(content))


def _entitled(content: IssueContent, office: PostOffice) -> IssueContent:
    """An issue with the subject that its mails have; if that has a wrong template, nothing is to be written down."""
    return replace(content, subject=subject_of(content, office.templates))


def _freeze(
    store: Store,
    content: IssueContent,
    edition: Edition,
    office: PostOffice,
    now: datetime,
    slot: str | None = None,
    held_at: datetime | None = None,
) -> IssueContent:
    """Freezes an issue with a delivery for each of its readers."""
    secret = site.secret(store)
    letters = [
        Letter(
            reader.address,
            message_id(content, office, reader.address, secret),
            reader.language,
            reader.subscriber_id,
        )
        for reader in subscribers.active(store, edition.name)
    ]
    send_after = now + edition.review if edition.review else None
    issues.freeze(store, content, letters, slot, now, send_after, held_at)
    return content


def _settle(store: Store, edition: Edition, choice: Choice, now: datetime) -> None:
    """Notes what the rules left out of an issue or a slot, and how far the next one need not look."""
    issues.pass_over(store, edition.name, choice.passed, now)
    issues.settle(store, edition.name, edition.backfill)
