"""Values of who asks for something over the web, and of the small mails that come of it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tidings.model.subscribers import Evidence
from tidings.records import dataclass

NoteKind = Literal["confirm", "already", "manage", "move", "taken", "moving", "moved", "blank"]
"""What a small mail is for. It asks for the second step of subscribing, or says that there is no need for it; or has
the link to the page of preferences. Of a change of address, `move` asks the new one, `taken` tells it that it gets mail
of its own; `moving` tells the old one what was asked, and `moved` that it was done. A blank one is not sent: it is
written so that nobody can tell by the time whether a mail goes."""

FloodKind = Literal["sign-up", "link", "move"]
"""What strangers may ask for by mail, each within a budget of its own (throttling.py)."""


@dataclass(frozen=True, slots=True)
class Signup:
    """An address that somebody wants subscribed to `editions`, which nobody has confirmed. `name` stands in the link
    of its mail; `language` is what the form was read in, "" for the site's. `evidence` is what was asked for, how, and
    from where."""

    name: str
    address: str
    editions: tuple[str, ...]
    language: str
    asked_at: datetime
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A subscriber's wish to get all at another `address`, which that one has not confirmed. `name` stands in the links
    of its mails; `network` is where it was asked from, as far as that is kept."""

    name: str
    subscriber_id: int
    address: str
    asked_at: datetime
    network: str


@dataclass(frozen=True, slots=True)
class Mailed:
    """How many confirmations an address was sent since its reader last confirmed, and when it was last sent anything of
    the kind, None for never."""

    count: int = 0
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A small mail to be sent, and how far it came: `attempts` so far; `in_doubt` after one whose outcome is not known.
    `fingerprint` is the address as refusals know it, `network` who had the mail sent, as far as that is kept. `subject`
    is what its links are about, where that is not the mail itself: a subscriber's public id, or the name of a move."""

    id: int
    name: str
    kind: NoteKind
    fingerprint: bytes
    address: str
    language: str
    editions: tuple[str, ...]
    network: str
    made_at: datetime
    attempts: int = 0
    in_doubt: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class SentNote:
    """A small mail that went out, as what comes back of it finds it. `about` names its sign-up or its move;
    `subscriber_id` is who gets mail at the address that it was sent to, None for nobody."""

    id: int
    message_id: str
    kind: NoteKind
    about: str
    fingerprint: bytes
    subscriber_id: int | None

    @property
    def is_erased(self) -> bool:
        """Whether who had it was erased: what comes back is nobody's, and must not be kept for the operator."""
        return not self.fingerprint
