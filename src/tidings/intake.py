"""What comes back, taken in: one message at a time, as a mail server hands it over.

    a message with its envelope
    | read         what it says: a report, a complaint, a reader who wants no more, a reply, something else
    | identify     whose delivery, or which small mail: by an address with a code of ours, or by its Message-ID
    | judge        what that leads to
    | save         all of it in one transaction, before the mail server is told that it was taken

Nothing is deleted because nobody understood it: that is kept for the operator.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tidings.addresses import key, pseudonym
from tidings.errors import MailError
from tidings.mail import bounces
from tidings.mail.bounces_score import is_our_fault, sign_of
from tidings.mail.pseudonyms import anonymous
from tidings.mail.verp import Purpose, delivery_of, is_about
from tidings.model import Arrival, Evidence, NoteKind, Report, Returned, ReturnedKind, SentNote, Sign, Weight
from tidings.standing import OF_NOTES, Failure, count, count_note, suppress
from tidings.store import Store, incoming, notes, refusals, signups, site, subscribers, suppressions
from tidings.store.incoming import Effect, Entry, KnownBy, Owner
from tidings.store.suppressions import ALL

KEPT_BYTES = 100_000
"""So much is kept of a message that nobody understood: what is behind that are attachments."""

KEPT_MESSAGES = 1_000
"""So many are kept, of what is about a delivery of ours and of all else: what strangers write must not keep that out.
Then others like them must wait at their mail servers until the operator has looked."""

_REPEATED_WITHIN = timedelta(days=7)  # A server that was not answered tries for five (RFC 5321 section 4.5.4.1).
_PURPOSES: tuple[Purpose, ...] = ("unsubscribe", "bounce", "note")
_NO_PATH = re.compile("[^!-~\x80-\U0010ffff]|[<>]")
_OF_NOTE = re.compile(r"<?note\.[0-9a-f]{24}@")
_ON_BEHALF: frozenset[NoteKind] = frozenset({"confirm", "already", "move", "taken", "manage"})
"""What anybody can have sent to anybody: who complains of it wants no such mail, and may be a reader all the same."""
_WEIGHTS: dict[Weight | None, int] = {None: 0, "success": 0, "soft": 1, "hard": 2, "final": 3}


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that was taken: under which number, what it is, and what it led to. `is_new` is false for one that had
    come before, whose answer was lost: it counts once."""

    number: int
    kind: ReturnedKind
    effect: Effect
    is_new: bool = True


@dataclass(frozen=True, slots=True)
class _Identity:
    """Whose delivery it is about. `asks`: it was sent to where its reader unsubscribes."""

    owner: Owner
    known_by: KnownBy
    asks: bool


@dataclass(frozen=True, slots=True)
class _OfNote:
    """Which small mail it is about."""

    note: SentNote
    known_by: KnownBy


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What a message leads to, and the report that says why."""

    effect: Effect
    report: Report | None = None


def take(store: Store, arrival: Arrival, mailbox: str, now: datetime) -> Taken:
    """Takes one message that came to `mailbox`, or to one of its addresses. When this returns all is on disk, so the
    mail server may be told.

    Raises StoreError when it cannot be saved, and MailError when too much is kept already; then nothing has changed,
    and the mail server must keep the message.
    """
    message = _as_received(arrival)
    returned = bounces.read(message)
    fingerprint = hashlib.sha256(message).digest()
    with store.write():
        if known := incoming.repeated(store, fingerprint, now - _REPEATED_WITHIN):
            return Taken(known[0], returned.kind, known[1], is_new=False)
        identity = _identify(store, arrival, returned, mailbox)
        if isinstance(identity, _OfNote):
            verdict = _judge_note(store, returned, identity.note, now)
        else:
            verdict = _judge(store, returned, identity, now)
        entry = _entry(fingerprint, message, returned, identity, verdict)
        if verdict.effect == "kept" and incoming.kept_count(store, entry.delivery_id is not None) >= KEPT_MESSAGES:
            raise MailError(
                f"{KEPT_MESSAGES} messages wait for somebody to look at them, and no more are kept; see `tidings "
                "bounces list`, and delete with `tidings bounces forget`"
            )
        return Taken(incoming.record(store, entry, now), returned.kind, verdict.effect)


def _as_received(arrival: Arrival) -> bytes:
    """The message with what its envelope said above all else (RFC 5321 section 4.4), and without the line with which a
    mailbox file, Postfix's local(8) or Exim begins one: it names the moment, so it is another one each time a mail
    server tries."""
    message = arrival.message
    if message.startswith(b"From "):
        message = message.partition(b"\n")[2]
    lines = ""
    if arrival.sender is not None:
        lines += f"Return-Path: <{_NO_PATH.sub('', arrival.sender)}>\r\n"
    if arrival.recipient:
        lines += f"X-Original-To: {_NO_PATH.sub('', arrival.recipient)}\r\n"
    return lines.encode("utf-8", "replace") + message


def _identify(store: Store, arrival: Arrival, returned: Returned, mailbox: str) -> _Identity | _OfNote | None:
    """Whose delivery a message is about, or which small mail. A code proves that its writer had the message, or carried
    it, wherever the code stands; so does a Message-ID, which holds the secret too. In the returned message a code asks
    for nothing."""
    secret = site.secret(store)
    for known_by, address, number, purpose in _codes(arrival, returned, mailbox, secret):
        if purpose == "note":
            note = notes.sent(store, number)
            if note and is_about(address, note.message_id, secret):
                return _OfNote(note, known_by)
            continue
        owner = incoming.owner(store, number)
        if owner and (owner.is_erased or is_about(address, owner.message_id, secret)):
            return _Identity(owner, known_by, asks=purpose == "unsubscribe" and known_by != "returned")
    return _identify_message(store, returned.message_id) if returned.message_id else None


def _identify_message(store: Store, message_id: str) -> _Identity | _OfNote | None:
    if owner := incoming.owner_of_message(store, message_id):
        return _Identity(owner, "message-id", asks=False)
    note = notes.sent_as(store, message_id)
    return _OfNote(note, "message-id") if note else None


def _codes(
    arrival: Arrival, returned: Returned, mailbox: str, secret: bytes
) -> Iterator[tuple[KnownBy, str, int, Purpose]]:
    """The addresses with right codes and the numbers that they name, the best proof first."""
    places: tuple[tuple[KnownBy, Sequence[str]], ...] = (
        ("envelope", (arrival.recipient,)),
        ("claim", returned.sent_to),
        ("returned", returned.carried),
    )
    for known_by, addresses in places:
        for address in addresses:
            for purpose in _PURPOSES:
                delivery = delivery_of(address, mailbox, secret, purpose)
                if delivery is not None:
                    yield known_by, address, delivery, purpose


def _judge(store: Store, returned: Returned, identity: _Identity | None, now: datetime) -> _Verdict:
    """What a message leads to, and does what is to be done to its reader. Nothing is done to a reader whom only the
    text names: anybody can write that."""
    match returned.kind:
        case "bounce" | "delayed" | "delivered":
            return _judge_reports(store, returned, identity, now)
        case "auto-reply":
            return _Verdict("noted")
        case "complaint" if identity:
            suppress(store, identity.owner.address, ALL, "complained", "", now)
            _end(store, identity, "complaint", now)
            return _Verdict("suppressed")
        case "unsubscribe" | "unknown" if identity and identity.asks and not returned.is_by_program:
            if not _end(store, identity, "mail", now):
                suppress(store, identity.owner.address, identity.owner.edition, "unsubscribed", "", now)
            return _Verdict("unsubscribed")
        case _:
            return _Verdict("kept")


def _end(store: Store, identity: _Identity, by: Literal["mail", "complaint"], now: datetime) -> bool:
    """Ends the subscription that a mail belonged to, or all of who complains; False where there is no such subscriber,
    as of an issue that is older than the tables of them."""
    owner = identity.owner
    found = subscribers.by_id(store, owner.subscriber_id) if owner.subscriber_id else None
    found = found or subscribers.find(store, owner.address)
    if found is None:
        return False
    evidence = Evidence(form="returned mail", detail={"issue": owner.issue})
    if by == "complaint":
        subscribers.leave_all(store, found.id, by, evidence, now)
    else:
        subscribers.leave(store, found.id, owner.edition, by, evidence, now)
    return True


def _judge_reports(store: Store, returned: Returned, identity: _Identity | None, now: datetime) -> _Verdict:
    """What reports lead to. A small mail (notes.py) that is not known any more is understood, and is of a stranger
    whose address is not to be kept for it."""
    own = key(identity.owner.address) if identity else None
    issue_id = identity.owner.issue_id if identity else 0
    report, sign = _mildest(returned.reports, lambda address: key(address) == own, issue_id)
    is_of_note = _OF_NOTE.match(returned.message_id) is not None
    if sign is None:
        return _Verdict("ours" if is_our_fault(report) else "noted", report)
    if identity is None:
        return _Verdict("noted" if is_of_note else "kept", report)
    words = report.diagnostic or report.status
    dead = count(store, [Failure(identity.owner.address, sign, words)], now)
    return _Verdict("suppressed" if dead else "counted", report)


def _judge_note(store: Store, returned: Returned, note: SentNote, now: datetime) -> _Verdict:
    """What the return of a small mail leads to. Few are to subscribers; a stranger's address is kept as a hash only."""
    if note.is_erased:
        return _Verdict("noted")
    match returned.kind:
        case "bounce" | "delayed" | "delivered":
            return _judge_reports_of_note(store, returned, note, now)
        case "auto-reply":
            return _Verdict("noted")
        case "complaint" if _was_confirmed(store, note):
            return _Verdict("noted")
        case "complaint":
            _leave_alone(store, note, now)
            return _Verdict("suppressed")
        case _:
            return _Verdict("kept")


def _judge_reports_of_note(store: Store, returned: Returned, note: SentNote, now: datetime) -> _Verdict:
    """Where nobody is there to say yes, what was asked for is over. A subscriber's address is judged as if all
    notes together were one issue."""
    secret = site.secret(store)
    report, sign = _mildest(returned.reports, lambda address: pseudonym(address, secret) == note.fingerprint, OF_NOTES)
    if sign is None:
        return _Verdict("ours" if is_our_fault(report) else "noted", report)
    reader = subscribers.by_id(store, note.subscriber_id) if note.subscriber_id else None
    words = report.diagnostic or report.status
    toll = count_note(store, note.kind, note.about, reader.address if reader else "", sign, words, now)
    return _Verdict(toll, report)


def _was_confirmed(store: Store, note: SentNote) -> bool:
    """Whether a note asked an address to confirm what it has confirmed since: the link "this was not me" is over then
    (signup.py), and who complains has mails with a way out of their own."""
    return note.kind in ("confirm", "move") and not signups.mailed(store, note.fingerprint).count


def _leave_alone(store: Store, note: SentNote, now: datetime) -> None:
    """Does what who calls a small mail spam can expect: no more of what others ask for, as by the link "this was not
    me" (signup.py); of what only its reader gets, as with an issue, no more mail at all."""
    if note.kind in _ON_BEHALF:
        refusals.keep_fingerprint(store, note.fingerprint, "never-ask", now)
        signups.withdraw(store, note.fingerprint)
        return
    suppressions.add(store, note.fingerprint, ALL, "complained", "", now)
    if note.subscriber_id:
        subscribers.leave_all(store, note.subscriber_id, "complaint", Evidence(form="returned mail"), now)


def _mildest(reports: Sequence[Report], is_ours: Callable[[str], bool], number: int) -> tuple[Report, Sign | None]:
    """What a report says that counts. Of several recipients that is the one we mailed; where none of them is, our
    address was forwarded to them all, and it is as dead as the one of them that is best off. `is_ours` says of an
    address whether it is the one we mailed; `number` stands for the mail."""
    own = [report for report in reports if is_ours(report.address)]
    signs = [(report, sign_of(report, number)) for report in own or reports]
    return min(signs, key=lambda one: _WEIGHTS[one[1].weight if one[1] else None])


def _entry(
    fingerprint: bytes, message: bytes, returned: Returned, identity: _Identity | _OfNote | None, verdict: _Verdict
) -> Entry:
    report = verdict.report
    return Entry(
        fingerprint=fingerprint,
        kind=returned.kind,
        delivery_id=identity.owner.delivery_id if isinstance(identity, _Identity) else None,
        known_by=identity.known_by if identity else "",
        meaning=report.meaning if report else "",
        status=report.status if report else "",
        diagnostic=anonymous(report.diagnostic) if report else "",
        effect=verdict.effect,
        size=len(message),
        message=message[:KEPT_BYTES] if verdict.effect == "kept" else None,
    )
