"""Readers who want all at another address, in two steps:

    a form on the page of preferences
    | ask          a mail to the new address, with a link; one to the old address, with a link that takes it back
    the link of the first
    | confirm      the address, open deliveries, a line in the trail, and a word to the old one: one transaction
    the link of the second
    | withdraw     nothing happens any more

That the old address agrees is shown by the link of the page, which was mailed to it within the hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from tidings import signing, throttling
from tidings.addresses import pseudonym
from tidings.model import AddressChange, Evidence, Note, NoteKind, StoredSubscriber
from tidings.readers import rations
from tidings.readers.signups import reply
from tidings.readers.throttle import networks
from tidings.signing import Purpose, Refusal
from tidings.store import (
    Store,
    asked,
    consents,
    keys,
    moves,
    notes,
    refusals,
    signups,
    site,
    subscribers,
    suppressions,
)
from tidings.throttling import Answer

Address = IPv4Address | IPv6Address

Step = Literal["open", "done", "stayed", "over"]
"""Where a link leads: it can be used; what it is about is done, or was taken back by it; or it is worth nothing any
more, or never was."""

# The mail to a new address is limited as those are that strangers get who are asked to confirm a subscription.
_TO_THE_NEW: Mapping[NoteKind, NoteKind] = {"confirm": "move", "already": "taken", "blank": "blank"}


@dataclass(frozen=True, slots=True)
class Found:
    """What a link is about, and how far that is. `language` is the reader's own, "" for none."""

    step: Step
    change: AddressChange | None = None
    language: str = ""


def ask(
    store: Store, reader: StoredSubscriber, address: str, client: Address | None, name: str, now: datetime
) -> Answer:
    """Notes that a reader wants all at another, well-formed `address`, in place of what was wanted before; `name` (16
    letters and digits that nobody can guess) will be that of the links. The answer tells of limits on the reader and on
    where it is asked from, and nothing of the new address."""
    secret = site.secret(store)
    old, new = pseudonym(reader.address, secret), pseudonym(address, secret)
    answer = throttling.ask(store, "move", old, client, now)
    if answer.is_flood:
        signups.note_flood(store, "move", now)
    if not answer.may_go:
        return answer
    with store.write():
        if wait := rations.wait(asked.times(store, old, "move"), rations.MOVES, now):
            return Answer(may_go=False, wait=wait)
        asked.note(store, old, "move", now, is_mailed=True)
        network = networks(client)[-1][0] if client else ""
        moves.forget(store, now)
        moves.ask(store, AddressChange(name, reader.id, address, now, network), new)
        kind = _answer_to(store, address, new, now)
        for its_name, its_kind, print_, recipient in (
            (name, kind, new, "" if kind == "blank" else address),
            (_withdrawal(name), "moving", old, reader.address),
        ):
            note = Note(0, its_name, its_kind, print_, recipient, reader.language, (), network, now, subject=name)
            notes.add(store, note)
    return answer


def look_up(store: Store, token: str, now: datetime) -> Found:
    """What the link to the new address is about. Reads only."""
    return _look_up(store, token, Purpose.MOVE, now)


def confirm(store: Store, token: str, client: Address | None, now: datetime) -> Found:
    """Gives a reader the new address. Says what the link was about before, so "open" is a success; all else changed
    nothing."""
    with store.write():
        found = look_up(store, token, now)
        if found.change is not None:
            network = networks(client)[-1][0] if client else ""
            _carry_out(store, found.change, found.language, network, now)
        return found


def look_up_withdrawal(store: Store, token: str, now: datetime) -> Found:
    """What the link to the old address is about. Reads only."""
    return _look_up(store, token, Purpose.WITHDRAW, now)


def withdraw(store: Store, token: str, now: datetime) -> Found:
    """Takes back what was asked for. Says how things were before; only "open" changed something."""
    with store.write():
        found = look_up_withdrawal(store, token, now)
        if found.change is not None:
            moves.withdraw(store, found.change.name)
            signups.note_used(store, _withdrawal(found.change.name), now)
        return found


def _answer_to(store: Store, address: str, print_: bytes, now: datetime) -> NoteKind:
    """Which mail the new address gets, counted as such mails are."""
    replied = reply(
        signups.mailed(store, print_),
        is_refused=_is_barred(store, print_),
        is_subscribed=subscribers.recipient(store, "", address) is not None,
        now=now,
    )
    signups.note_asked(store, print_, replied.mailed, now)
    return _TO_THE_NEW[replied.note]


def _is_barred(store: Store, print_: bytes) -> bool:
    return refusals.bars(store, print_) or suppressions.bars(store, print_)


def _look_up(store: Store, token: str, purpose: Purpose, now: datetime) -> Found:
    grant = signing.read(token, purpose, keys.listed(store), now)
    if isinstance(grant, Refusal):
        return Found("over")
    change = moves.named(store, grant.subject)
    if change is None:
        if purpose is Purpose.WITHDRAW and signups.is_done(store, _withdrawal(grant.subject)):
            return Found("stayed")
        return Found("done" if signups.is_done(store, grant.subject) else "over")
    reader = subscribers.by_id(store, change.subscriber_id)
    if reader is None or (purpose is Purpose.MOVE and not _may_move(store, reader, change.address)):
        return Found("over")
    return Found("open", change, reader.language)


def _withdrawal(name: str) -> str:
    """What the link to the old address is called, as its mail is."""
    return f"{name}-old"


def _may_move(store: Store, reader: StoredSubscriber, address: str) -> bool:
    """Whether a reader may have an address that nobody has: a complaint or the operator's no, of either, ends all."""
    secret = site.secret(store)
    if subscribers.recipient(store, "", address) is not None:
        return False
    return not any(_is_barred(store, pseudonym(one, secret)) for one in (reader.address, address))


def _carry_out(store: Store, change: AddressChange, language: str, network: str, now: datetime) -> None:
    """All that is to be done, within the caller's transaction. What was asked for under the old address, as to have it
    subscribed once more, is void. That somebody was erased at the new one, or left it, stays known, as with a sign-up:
    it keeps the file from beginning what nobody asked for."""
    reader = subscribers.by_id(store, change.subscriber_id)
    assert reader is not None
    secret = site.secret(store)
    old, new = pseudonym(reader.address, secret), pseudonym(change.address, secret)
    moves.carry_out(store, change, now)
    notes.withdraw(store, change.name)
    signups.withdraw(store, old)
    refusals.keep_fingerprint(store, old, "moved", now)
    suppressions.lift(store, new, [one.edition for one in reader.subscriptions])
    signups.note_confirmed(store, change.name, change.address, now)
    evidence = Evidence(form="confirmation", network=network, detail={"from": old.hex(), "link": change.name})
    consents.record(store, reader.id, "", "moved", evidence, now)
    note = Note(0, moves.farewell(change.name), "moved", old, reader.address, language, (), change.network, now)
    notes.add(store, note)
