"""What readers choose of their editions, kept: an edition of their own, its memory, and a line in the trail.

    choices of a form
    | personal     the edition that they make
    | keep         the choices, the edition's memory and its next slot: one transaction
    | record       what was chosen, in the trail of consent

Its issues are made by digest.py, when their time has come.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from tidings.editions.schedule import latest_slot, next_due, next_slot
from tidings.model import Cadence, Choices, ConsentKind, Edition, Evidence, StoredSubscriber
from tidings.readers.personal import personal_edition, usable
from tidings.store import Store, choices, consents, slots

# What comes more often than this comes less often as that: half a period more than the next one, or a weekly edition of
# five weekdays would not be offered once a week.
_LONGER: dict[Cadence, timedelta] = {"weekly": timedelta(days=4), "monthly": timedelta(days=15)}


def chosen_of(store: Store, reader: StoredSubscriber, edition: Edition) -> Choices:
    """What a reader chose of an `edition`; who chose nothing has it as it is, and its time zone."""
    found = choices.find(store, reader.id, edition.name)
    return usable(found, edition) if found else Choices(timezone=edition.timezone)


def choose(
    store: Store, reader: StoredSubscriber, edition: Edition, chosen: Choices, evidence: Evidence, now: datetime
) -> bool:
    """Keeps what a reader chose of an `edition`, and says whether it is anything new. From the first choice on issues
    of the reader's own come in place of the edition's; those frozen before still do."""
    with store.write():
        if chosen == chosen_of(store, reader, edition):
            return False
        own = _own(edition, chosen, reader)
        was_due = choices.is_due(store, reader.id, edition.name, now)
        choices.keep(store, reader.id, edition, own, chosen, next_due(own, now, chosen.paused_until), now)
        if was_due and (chosen.paused_until is None or chosen.paused_until <= now):
            _keep_due(store, own, now)
        what: ConsentKind = "paused" if chosen.paused_until is not None and chosen.paused_until > now else "changed"
        consents.record(store, reader.id, edition.name, what, _said(evidence, chosen), now)
        return True


def _keep_due(store: Store, own: Edition, now: datetime) -> None:
    """Keeps the slot due that passed a moment ago, unless another schedule counts by now: its issue is made by what is
    chosen now."""
    slot = latest_slot(own.schedule, own.timezone, now)
    if slot and slots.is_open(store, own.name, slot.key, slot.at, now):
        choices.make_due(store, own.name, slot.at)


def rarer(edition: Edition, now: datetime) -> tuple[Cadence, ...]:
    """The cadences by which fewer mails would come than by the schedule of an `edition`."""
    first = next_slot(edition.schedule, edition.timezone, now)
    second = next_slot(edition.schedule, edition.timezone, first.at) if first else None
    if first is None or second is None:
        return ()
    return tuple(cadence for cadence, gap in _LONGER.items() if second.at - first.at < gap)


def lower(
    store: Store, reader: StoredSubscriber, edition: Edition, cadence: Cadence, evidence: Evidence, now: datetime
) -> bool:
    """Makes an `edition` come to a reader as seldom as `cadence` says, at the hour at which it would come next, and
    says whether it does; nothing else of what the reader chose changes, and never to more mails."""
    with store.write():
        chosen = chosen_of(store, reader, edition)
        own = _own(edition, chosen, reader)
        if cadence not in rarer(own, now):
            return False
        slot = next_slot(own.schedule, own.timezone, now)
        local = datetime.fromisoformat(slot.key) if slot else now
        seldom = replace(
            chosen,
            cadence=cadence,
            weekday=local.weekday(),
            day=local.day,
            hour=local.hour,
            minute=local.minute,
            timezone=own.timezone,
        )
        return choose(store, reader, edition, seldom, evidence, now)


def _own(edition: Edition, chosen: Choices, reader: StoredSubscriber) -> Edition:
    return personal_edition(edition, chosen, reader.public_id)


def _said(evidence: Evidence, chosen: Choices) -> Evidence:
    """The evidence with all that differs from what the edition is."""
    usual = asdict(Choices())
    values = {name: value for name, value in asdict(chosen).items() if value != usual[name]}
    detail = {**evidence.detail, "choices": json.dumps(values, ensure_ascii=False, default=str)}
    return Evidence(evidence.form, evidence.wording, evidence.network, detail)
