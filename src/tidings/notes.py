"""The small mails that readers ask for on pages, sent apart from the request that asked:

    notes that are due
    | render       in the language of the page
    | send         in flight is on the disk before a message leaves, the outcome after it
    | settle       done, later, or once more where it is not known whether it came

Only one process sends notes at a time, beside the one that delivers issues: a long list must not keep somebody waiting
who has the page still open. They are few (readers/throttle.py), so one connection does, and no rate is kept.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tidings import signing
from tidings.dispatching import Pace
from tidings.errors import RenderError
from tidings.letters import PostOffice
from tidings.mail.message import Envelope, Message, compose, domain_of
from tidings.mail.transport import Parcel, Transport
from tidings.mail.verp import note_address
from tidings.model import Edition, LinkKey, Note, NoteKind, Receipt
from tidings.render.mail import RenderedMail
from tidings.render.notes import NoteContent, render_note
from tidings.settling import LADDER, sign_in
from tidings.signing import Purpose
from tidings.standing import OF_NOTES, count_note
from tidings.store import Store, exclusive, keys, moves, notes, signups, site, subscribers
from tidings.store import sender as sender_table

_LINKS: Mapping[NoteKind, tuple[Purpose, str]] = {
    "confirm": (Purpose.CONFIRM, "confirm"),
    "manage": (Purpose.MANAGE, "preferences"),
    "move": (Purpose.MOVE, "move"),
    "moving": (Purpose.WITHDRAW, "withdraw"),
}
"""What the link of a kind of mail is good for, and the page that it leads to."""

_OF_MOVES: frozenset[NoteKind] = frozenset({"move", "taken", "moving"})


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends small mails: the site's name, address (without a slash at its end) and language, and its editions."""

    site_title: str
    site_url: str
    language: str
    editions: Sequence[Edition]


def send_due(store: Store, sender: Sender, office: PostOffice, pace: Pace) -> Mapping[str, int]:
    """Sends the notes that are due, and returns how many came to what. Raises MailError when the transport as a whole
    fails, and MovedError when the database was restored or copied since it last sent: what was not sent stays due.
    Raises RenderError, after all others were sent, when there is one that cannot be written: it is tried again later.
    """
    counts: Counter[str] = Counter()
    errors: list[RenderError] = []
    with exclusive(store, "notes", pace.stop):
        if office.guarded:
            sender_table.require(store)
        signups.drop_blanks(store)
        notes.recover(store, resend=office.resend)
        waiting = notes.due(store, pace.clock())
        if not waiting:
            return counts
        sending = _Sending(store, sender, office, pace)
        with office.open_transport() as transport:
            for note in waiting:
                if pace.stop():
                    break
                try:
                    with store.insist(pace.stop):
                        counts[sending.send(transport, note)] += 1
                except RenderError as error:
                    errors.append(error)
                    sending.put_off(note)
    if errors:
        raise errors[0]
    return counts


def identity_of(note: Note, office: PostOffice, secret: bytes = b"") -> str:
    """The Message-ID of a note, the same whenever it is asked for. With the `secret` of the site nobody can work it out
    who has not seen the message: who asks for a move learns how the other mail of it is called."""
    digest = hashlib.blake2b(note.name.encode(), digest_size=12, key=secret).hexdigest()
    return f"<note.{digest}@{domain_of(office.sender)}>"


def write(
    note: Note,
    sender: Sender,
    office: PostOffice,
    link_keys: Sequence[LinkKey],
    new_address: str = "",
    secret: bytes = b"",
) -> Message:
    """A note as the message that its reader gets: the same whenever it is made again, as long as the newest of
    `link_keys` is. `new_address` is the one that a note about a move may name, `secret` is as in `identity_of`. Raises
    RenderError."""
    editions = [edition for edition in sender.editions if edition.name in note.editions]
    mail = _rendered(note, editions, sender, office, link_keys, new_address)
    first = editions[0] if editions else sender.editions[0]
    envelope = Envelope(office.sender, office.reply_to, first.name, first.title, None, "")
    identity = identity_of(note, office, secret)
    return compose(
        envelope, note.address, mail.subject, mail.html, mail.text, identity, note.made_at, signers=office.signers
    )


@dataclass(frozen=True, slots=True)
class _Sending:
    """What all notes of a pass are sent with."""

    store: Store
    sender: Sender
    office: PostOffice
    pace: Pace

    def send(self, transport: Transport, note: Note) -> str:
        """Sends one, writes down what became of it, and returns that."""
        change = moves.named(self.store, note.subject) if note.kind in _OF_MOVES else None
        if self.pace.clock() - note.made_at >= _good_for(note.kind) or not self.sender.editions:
            notes.done(self.store, note.id)
            return "expired"
        if note.kind in _OF_MOVES and change is None:
            notes.done(self.store, note.id)
            return "withdrawn"
        new_address = change.address if change else ""
        link_keys, secret = keys.usable(self.store, self.pace.clock()), site.secret(self.store)
        message = write(note, self.sender, self.office, link_keys, new_address, secret)
        identity = identity_of(note, self.office, secret)
        parcel = Parcel(self._envelope_sender(note, identity, secret), note.address, lambda: message)
        receipt = transport.send(parcel, lambda: notes.start(self.store, note, identity, self.pace.clock()))
        self._settle(note, receipt)
        return receipt.state

    def _envelope_sender(self, note: Note, identity: str, secret: bytes) -> str:
        """Where bounces go: to an address that names the note, if there is one to make it of."""
        if not self.office.bounces:
            return self.office.envelope_sender
        return note_address(self.office.bounces, note.id, identity, secret)

    def _settle(self, note: Note, receipt: Receipt) -> None:
        match receipt.state:
            case "rejected":
                with self.store.write():
                    self._count(note, receipt)
                    notes.done(self.store, note.id)
            case "accepted" | "withdrawn":
                notes.done(self.store, note.id)
            case "uncertain":
                notes.doubt(self.store, note.id, resend=self.office.resend)
            case _:  # the server, or the reader's, wants it later, or not as it is
                self.put_off(note)

    def _count(self, note: Note, receipt: Receipt) -> None:
        """Counts a refusal as what comes back later (intake.py). It is never final, as it can be for issues: one mail
        to one address does not show whether the server knows anybody."""
        sign = sign_in(receipt, OF_NOTES, is_final=False) if receipt.refused_at else None
        if sign is None:
            return
        reader = subscribers.find(self.store, note.address)
        address = reader.address if reader else ""
        about = note.subject or note.name
        count_note(self.store, note.kind, about, address, sign, receipt.reply, self.pace.clock())

    def put_off(self, note: Note) -> None:
        """Lets one wait that was tried in vain, longer with each try."""
        next_at = self.pace.clock() + LADDER[min(note.attempts, len(LADDER) - 1)]
        notes.put_off(self.store, note.id, next_at)


def _good_for(kind: NoteKind) -> timedelta:
    """How long a note is worth sending."""
    purpose, _ = _LINKS.get(kind, (None, ""))
    lifetime = purpose.lifetime if purpose else None
    return min(lifetime or notes.KEPT, notes.KEPT)


def _link(note: Note, site_url: str, link_keys: Sequence[LinkKey]) -> str:
    """Where the button of a note leads; "" for one without."""
    if note.kind not in _LINKS:
        return ""
    purpose, path = _LINKS[note.kind]
    scope = signing.scope_of(note.fingerprint) if purpose is Purpose.MANAGE else ""
    return f"{site_url}/{path}/{signing.sign(purpose, note.subject or note.name, scope, link_keys, note.made_at)}"


def _rendered(
    note: Note,
    editions: Sequence[Edition],
    sender: Sender,
    office: PostOffice,
    link_keys: Sequence[LinkKey],
    new_address: str,
) -> RenderedMail:
    refuse = signing.sign(Purpose.REFUSE, note.fingerprint.hex(), "", link_keys, note.made_at)
    content = NoteContent(
        kind=note.kind,
        editions=editions,
        network=note.network,
        asked_at=note.made_at,
        site_title=sender.site_title,
        site_url=sender.site_url,
        postal_address=office.postal_address,
        url=_link(note, sender.site_url, link_keys),
        new_address=new_address,
        refuse_url=f"{sender.site_url}/refuse/{refuse}",
    )
    return render_note(content, note.language or sender.language, office.templates)
