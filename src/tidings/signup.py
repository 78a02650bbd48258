"""Subscribing over the web, in two steps, so that nobody is mailed who did not ask for it:

    a form, or a program
    | ask          limits by network and in all; a row apart from subscribers, and a mail to its address
    the link of that mail
    | confirm      subscriber, subscriptions and the trail of consent, and the newest issue of each: one transaction
    | refuse       the address is known from then on as one that wants no such mail

Who asks is answered the same whatever the address is: new, known, refused or over its limits. What is sent, and how, is
notes.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from tidings import signing, throttling
from tidings.addresses import key, pseudonym
from tidings.mail.message import message_id
from tidings.model import Evidence, Note, NoteKind, Signup
from tidings.readers.signups import Filling, filling, reply
from tidings.readers.throttle import networks
from tidings.signing import Grant, Purpose, Refusal
from tidings.store import (
    Store,
    choices,
    consents,
    keys,
    notes,
    refusals,
    signups,
    site,
    subscribers,
    suppressions,
    welcoming,
)
from tidings.store.issues import Letter
from tidings.throttling import Answer

Address = IPv4Address | IPv6Address

Step = Literal["open", "done", "over", "not ours"]
"""Where a link leads: it can be used; it was; it is worth nothing any more; or it never was, as one that was cut."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form asks for: `editions` (names, at least one) for an address that is well-formed. `form` says by what it
    came, `wording` what was agreed to; `language` is "" where nobody chose one."""

    address: str
    editions: tuple[str, ...]
    language: str
    form: str
    wording: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a link is about, and how far that is. With `is_welcomed` an issue is on its way."""

    step: Step
    signup: Signup | None = None
    is_welcomed: bool = False


def stamp(store: Store, now: datetime) -> str:
    """What a form holds, so that it can be told when it was shown. Reads only."""
    return signing.sign(Purpose.FORM, "signup", "", keys.listed(store), now)


def look_at(store: Store, its_stamp: str, decoy: str, now: datetime) -> Filling:
    """How a form was filled; one of another site has no stamp."""
    if not its_stamp:
        return filling(decoy, None, now)
    grant = signing.read(its_stamp, Purpose.FORM, keys.listed(store), now)
    return filling(decoy, "long ago" if isinstance(grant, Refusal) else grant.made_at, now)


def ask(store: Store, wish: Wish, client: Address | None, name: str, now: datetime) -> Answer:
    """Has a mail sent to the address, if it may be; `name` (16 letters and digits that nobody can guess) will be that
    of its link. The answer tells of the limits of who asks, and nothing of the address."""
    print_ = pseudonym(wish.address, site.secret(store))
    answer = throttling.ask(store, "sign-up", print_, client, now)
    if answer.is_flood:
        signups.note_flood(store, "sign-up", now)
    if not answer.may_go:
        return answer
    network = _network(client)
    with store.write():
        signups.forget_unconfirmed(store, now)
        open_ = _not_barred(store, print_, wish.editions)
        wanted = _not_coming(store, wish.address, print_, open_)
        replied = reply(
            signups.mailed(store, print_),
            is_refused=refusals.bars(store, print_) or not open_,
            is_subscribed=not wanted,
            now=now,
        )
        signups.note_asked(store, print_, replied.mailed, now)
        _queue(store, replied.note, wish, wanted or open_ or wish.editions, print_, network, name, now)
    return answer


def look_up(store: Store, token: str, now: datetime) -> Found:
    """What the link of a confirmation is about. Reads only."""
    grant = signing.read(token, Purpose.CONFIRM, keys.listed(store), now)
    if isinstance(grant, Refusal):
        return Found("over" if grant is Refusal.EXPIRED else "not ours")
    signup = signups.named(store, grant.subject)
    if signup is None:
        return Found("done" if signups.is_done(store, grant.subject) else "over")
    return Found("open", signup)


def confirm(
    store: Store, token: str, offered: Iterable[str], domain: str, client: Address | None, now: datetime
) -> Found:
    """Subscribes the address of a link to those of its editions that are still `offered`, and has the newest issue of
    each delivered; `domain` is that of our Message-IDs. Says what the link was about before, so "open" is a success;
    all else changed nothing. That the address was erased, or left for another, stays known: it keeps the file from
    beginning what nobody asked for anew."""
    with store.write():
        found = look_up(store, token, now)
        if found.signup is None:
            return found
        signup = found.signup
        print_ = pseudonym(signup.address, site.secret(store))
        editions = _not_barred(store, print_, [edition for edition in signup.editions if edition in set(offered)])
        if not editions or refusals.bars(store, print_):
            return Found("over")
        _subscribe(store, signup, editions, _network(client), now)
        suppressions.lift(store, print_, editions)
        welcomed = [_welcome(store, signup.address, edition, domain, now) for edition in editions]
        signups.finish(store, signup, now)
        return Found("open", signup, any(welcomed))


def look_up_refusal(store: Store, token: str, now: datetime) -> Step:
    """Whether the other link of a confirmation can be used. Reads only."""
    grant = signing.read(token, Purpose.REFUSE, keys.listed(store), now)
    print_ = _fingerprint(grant)
    if print_ is None:
        return "not ours"
    if refusals.bars(store, print_):
        return "done"
    return "open" if signups.mailed(store, print_).count else "over"


def refuse(store: Store, token: str, now: datetime) -> Step:
    """Ends all that is asked for the address of a link, and has it mailed no more. Says how things were before; only
    "open" changed something. An address that was confirmed since is left alone: its mails have their own way out."""
    with store.write():
        step = look_up_refusal(store, token, now)
        print_ = _fingerprint(signing.read(token, Purpose.REFUSE, keys.listed(store), now))
        if step == "open" and print_ is not None:
            refusals.keep_fingerprint(store, print_, "never-ask", now)
            signups.withdraw(store, print_)
        return step


def _not_barred(store: Store, print_: bytes, editions: Sequence[str]) -> tuple[str, ...]:
    """Those of some editions that an address may be asked about: not after a complaint, and not where the operator
    said no, which only the operator takes back."""
    return tuple(edition for edition in editions if not suppressions.bars(store, print_, edition))


def _not_coming(store: Store, address: str, print_: bytes, editions: Sequence[str]) -> tuple[str, ...]:
    """Those of some editions that an address does not get. One whose mail came back gets nothing, subscribed or not:
    who confirms by mail shows that it arrives again."""
    ended = signups.not_running(store, key(address), editions)
    return tuple(edition for edition in editions if suppressions.of(store, print_, edition) or edition in ended)


def _queue(
    store: Store,
    note: NoteKind,
    wish: Wish,
    editions: tuple[str, ...],
    print_: bytes,
    network: str,
    name: str,
    now: datetime,
) -> None:
    """Writes as much whatever is to be mailed: a row more or less would show in the time that the answer takes."""
    evidence = Evidence(form=wish.form, wording=wish.wording, network=network)
    asking = wish.address if note == "confirm" else ""
    signups.add(store, Signup(name, asking, editions, wish.language, now, evidence), print_)
    recipient = "" if note == "blank" else wish.address
    notes.add(store, Note(0, name, note, print_, recipient, wish.language, editions, network, now))


def _subscribe(store: Store, signup: Signup, editions: Sequence[str], network: str, now: datetime) -> None:
    """Both steps are on record: what was asked for and agreed to, and that the owner of the address said so."""
    reader = subscribers.find(store, signup.address)
    reader_id = reader.id if reader else subscribers.create(store, signup.address, signup.language, now)
    asked = [(reader_id, edition) for edition in editions]
    consents.record_all(store, asked, "asked", signup.evidence, signup.asked_at)
    evidence = Evidence(form="confirmation", wording=signup.evidence.wording, network=network)
    for edition in editions:
        subscribers.add(store, signup.address, edition, "web", evidence, now, again=True)


def _welcome(store: Store, address: str, edition: str, domain: str, now: datetime) -> bool:
    """Has the newest issue of an edition delivered, if there is one that its reader has not had; says whether. None to
    who has an edition of their own: that had the posts of it, or will."""
    issue, reader = welcoming.newest_shown(store, edition), subscribers.recipient(store, edition, address)
    if issue is None or reader is None or choices.find(store, reader.subscriber_id, edition) is not None:
        return False
    # The address alone would not do: who has moved away from it has the Message-ID that the issue made of it then.
    content, who = issue.content, f"{reader.address} {reader.subscriber_id}"
    identity = message_id(edition, content.number, content.frozen_at, who, domain, site.secret(store))
    return welcoming.welcome(store, issue, Letter(reader.address, identity, reader.language, reader.subscriber_id), now)


def _fingerprint(grant: Grant | Refusal) -> bytes | None:
    """Whom a refusal is about; it outlives the row with the address."""
    return None if isinstance(grant, Refusal) else bytes.fromhex(grant.subject)


def _network(client: Address | None) -> str:
    """What is kept of who asks: no more than the wider network."""
    return networks(client)[-1][0] if client else ""
