"""What counts as mailed in a database that was restored from a backup: what was due by a moment that is told.

    open deliveries, slots and posts of each edition, and of readers' own
    | due_by       what of that was there by the moment
    | skip         deliveries expire, the slot is done, posts are no news: one transaction

`tidings adopt` asks for it; what went out that the database does not know of must not go out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tidings.digest import covered, open_slot
from tidings.editions.schedule import Slot, latest_slot
from tidings.model import Edition, Source
from tidings.readers.personal import personal_edition
from tidings.records import dataclass
from tidings.store import Store, choices, issues, skipping, slots
from tidings.store.skipping import SKIPPED, OpenMails


@dataclass(frozen=True, slots=True)
class DueBy:
    """What an edition had still to mail at some moment: issues with open deliveries, the slot that was due, and posts
    (ids). Posts are of that time by their dates, if they have any: they may have been fetched once before, and mailed.
    With a story goes whatever else there is of it. What a later slot is for is not due."""

    mails: tuple[OpenMails, ...]
    slot: Slot | None
    posts: tuple[int, ...]


NOTHING = DueBy((), None, ())
"""That an edition had nothing to mail."""


def due_by(store: Store, edition: Edition, sources: Sequence[Source], until: datetime, now: datetime) -> DueBy:
    """What an edition would still mail that was there by `until`. Reads only."""
    slot = open_slot(store, edition, now)
    names = [source.name for source in covered(store, edition, sources)]
    candidates = issues.candidates(store, edition.name, names, edition.backfill)
    mailed = _mailed_until(store, edition, until, now)
    stories = {
        post.story for post in candidates if mailed and min(post.dated or post.first_seen, post.first_seen) <= mailed
    }
    return DueBy(
        mails=tuple(skipping.open_mails(store, edition.name, until)),
        slot=slot if slot and slot.at <= until else None,
        posts=tuple(post.id for post in candidates if post.story in stories),
    )


def own_due_by(
    store: Store, edition: Edition, sources: Sequence[Source], until: datetime, now: datetime
) -> list[tuple[Edition, DueBy]]:
    """The same for each of the readers' own editions that are made of `edition`, those that have anything. One whose
    next slot is later, as in a pause, has mailed nothing since: only its open mails count. Reads only."""
    found = []
    for chooser in choices.running(store, edition.name):
        own = personal_edition(edition, chooser.choices, chooser.public_id)
        if chooser.next_at is not None and chooser.next_at <= until:
            due = due_by(store, own, sources, until, now)
        else:
            due = DueBy(tuple(skipping.open_mails(store, own.name, until)), None, ())
        if due != NOTHING:
            found.append((own, due))
    return found


def _mailed_until(store: Store, edition: Edition, until: datetime, now: datetime) -> datetime | None:
    """From when the last posts are that an edition may have mailed by `until`, unknown to the database: it did at its
    last slot, if that is still open, and else not at all. One that never had an issue by its schedule is sent by hand,
    whenever that is."""
    if not slots.any_handled(store, edition.name):
        return until
    slot = latest_slot(edition.schedule, edition.timezone, until)
    return slot.at if slot and slots.is_open(store, edition.name, slot.key, slot.at, now) else None


def skip(store: Store, edition: Edition, due: DueBy, now: datetime) -> None:
    """Takes that for mailed, in one transaction: open deliveries expire, the slot is done, and the posts are no news
    later."""
    with store.write():
        skipping.expire(store, [one.issue_id for one in due.mails], now)
        if due.slot is not None:
            slots.record(store, edition.name, due.slot.key, now)
        issues.pass_over(store, edition.name, dict.fromkeys(due.posts, SKIPPED), now)
