"""Links of a reader's own: who they are about, what they may be used for, and a code that only we can make.

A token is `KEY-CODE-SUBJECT-SCOPE`, as in `1-0kVq3vXyB6nqXcXyQmT9vA-k3v5qz2mhd4yxa7t-weekly`; one that runs out has the
second in which it was made before the subject. Each purpose has a key of its own, derived from the site's (itsdangerous
does that), so a token of one is a wrong code to every other. The code is 22 characters of base64, 132 bits of
HMAC-SHA256; it is compared as text, since base64 has several spellings for the same octets. It does not stand at the
end, where programs that look for links in plain text cut off a "-".

All characters are letters, digits, "-", "_" and "~": nothing that a mail, a header or a URL has to encode, and no dot,
which mail doubles at the beginning of a line. Pure: keys and the time are arguments.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from itsdangerous import Signer

from tidings.model import LinkKey

LONGEST = 400
"""Characters of a token; longer ones are not looked at."""

_CODE = 22
_TOKEN = re.compile(rf"(?P<key>[1-9][0-9]{{0,8}})-(?P<code>[A-Za-z0-9_-]{{{_CODE}}})-(?P<said>[a-z0-9~-]+)", re.ASCII)
_SAID = re.compile(r"(?P<subject>[a-z0-9]{1,64})(?:-(?P<scope>[a-z0-9][a-z0-9~-]*))?", re.ASCII)
_TIMED = re.compile(r"(?P<second>[0-9]{1,12})-(?P<said>.+)", re.ASCII)


class Purpose(Enum):
    """What a token is good for. To change a value makes all links of that purpose worthless."""

    UNSUBSCRIBE = "unsubscribe"
    CONFIRM = "confirm"
    REFUSE = "refuse"
    MANAGE = "manage"
    MOVE = "move"
    WITHDRAW = "withdraw"
    FORM = "form"
    STAND_IN = "stand-in"

    @property
    def salt(self) -> bytes:
        """What the purpose's own key is derived with."""
        return f"tidings link 1 {self.value}".encode()

    @property
    def lifetime(self) -> timedelta | None:
        """How long a token of it is good; None is for ever."""
        return _LIFETIMES.get(self)


# The others have no end: a mail may be read years later (newsletters.md 2.2).
_LIFETIMES = {
    Purpose.CONFIRM: timedelta(hours=72),
    Purpose.MANAGE: timedelta(hours=1),
    Purpose.MOVE: timedelta(hours=24),
    Purpose.WITHDRAW: timedelta(hours=24),
    Purpose.FORM: timedelta(hours=24),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: who it is about (`subject`, letters and digits) and for what of theirs (`scope`, as the name
    of an edition; "" for all). `made_at` is None for one that does not run out."""

    subject: str
    scope: str = ""
    made_at: datetime | None = None


class Refusal(Enum):
    """Why a token is worth nothing. Only `EXPIRED` may be told to who shows it: the others are not ours."""

    GARBLED = "no token at all"
    UNKNOWN_KEY = "its key is not known, or retired"
    FORGED = "the code is wrong"
    EXPIRED = "its time is over"


def sign(purpose: Purpose, subject: str, scope: str, keys: Sequence[LinkKey], now: datetime) -> str:
    """The token that lets its bearer do what `purpose` says for `subject` in `scope`, under the newest key.

    Raises ValueError when there is no key in use, or for a subject or scope that a token can't hold.
    """
    usable = [key for key in keys if key.retired_at is None]
    if not usable:
        raise ValueError("no key to sign with")
    said = f"{subject}-{scope}" if scope else subject
    found = _SAID.fullmatch(said)
    if found is None or found["subject"] != subject or len(said) > LONGEST // 2:
        raise ValueError(f"not to be signed: {said!r}")
    if purpose.lifetime is not None:
        said = f"{int(now.timestamp())}-{said}"
    return _token(max(usable, key=lambda key: key.id), purpose, said)


def read(token: str, purpose: Purpose, keys: Sequence[LinkKey], now: datetime) -> Grant | Refusal:
    """What a token of `purpose` grants, or why it grants nothing. Never raises, whatever the token is."""
    found = _TOKEN.fullmatch(token) if len(token) <= LONGEST else None
    if found is None:
        return Refusal.GARBLED
    key = next((one for one in keys if one.id == int(found["key"]) and one.retired_at is None), None)
    if key is None:
        return Refusal.UNKNOWN_KEY
    if not hmac.compare_digest(token, _token(key, purpose, found["said"])):
        return Refusal.FORGED
    return _granted(found["said"], purpose.lifetime, now)


def stand_in(scope: str, keys: Sequence[LinkKey]) -> str:
    """What stands for a reader's token in text that many readers share: as long as theirs, good for nothing, and known
    to nobody outside. A post must not be able to hold it, or a reader's own token would get into a link of the post.
    """
    return sign(Purpose.STAND_IN, "0" * SUBJECT_LENGTH, scope, keys, datetime.min.replace(tzinfo=UTC))


def scope_of(fingerprint: bytes) -> str:
    """What ties a link to the address that it is mailed to, by which one is worth nothing once its reader has another:
    whoever reads the mail of the old one has no part in it."""
    return fingerprint.hex()[:16]


SUBJECT_LENGTH = 16
"""Characters of a subscriber's public id. It is the same for all, so tokens of an edition are of one length."""


def _token(key: LinkKey, purpose: Purpose, said: str) -> str:
    signer = Signer(key.secret, salt=purpose.salt, key_derivation="hmac", digest_method=hashlib.sha256)
    code = signer.get_signature(f"{key.id}-{said}").decode("ascii")
    return f"{key.id}-{code[:_CODE]}-{said}"


def _granted(said: str, lifetime: timedelta | None, now: datetime) -> Grant | Refusal:
    """What we once signed; it has the form that `sign` gave it."""
    made_at = None
    if lifetime is not None:
        timed = _TIMED.fullmatch(said)
        if timed is None:
            return Refusal.GARBLED
        made_at, said = datetime.fromtimestamp(int(timed["second"]), UTC), timed["said"]
        if now - made_at >= lifetime:
            return Refusal.EXPIRED
    found = _SAID.fullmatch(said)
    return Grant(found["subject"], found["scope"] or "", made_at) if found else Refusal.GARBLED
