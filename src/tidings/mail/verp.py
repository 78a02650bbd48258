"""Addresses that name a mail, so that what comes back tells whose it is, whatever the one who sent it writes.

    bounces+17.k3v5qz2mhd4yxa7t@example.org      where delivery 17 bounces to; known as VERP
    bounces+u-17.q2m7yd3kxv5t4zha@example.org    where its reader unsubscribes
    bounces+n-17.w4c6rb2jdy5m7tqe@example.org    where small mail 17 bounces to (notes.py)

The code is one that only we can make: without it anybody could report a bounce for each number in turn. Each purpose
has codes of its own, since the first address is seen by all servers on the way, and programs answer to it. It begins
with letters that stand for the Message-ID: a database that was restored from a backup gives its numbers again, and what
comes back late must not be taken for another reader's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Literal

Purpose = Literal["bounce", "unsubscribe", "note"]

_MARK, _CODE = 4, 12  # characters of base32: 20 bits tell messages of one number apart, 60 are guessed by nobody
_TAG = re.compile(rf"(?:[un]-)?(?P<number>[1-9][0-9]{{0,17}})\.(?P<mark>[a-z2-7]{{{_MARK}}})[a-z2-7]{{{_CODE}}}")


def return_address(mailbox: str, delivery: int, message_id: str, secret: bytes) -> str:
    """The envelope sender of a delivery, at the address that bounces go to (RFC 5233 has the form with a plus)."""
    return _address(mailbox, delivery, _mark(message_id, secret), secret, "bounce")


def unsubscribe_address(mailbox: str, delivery: int, message_id: str, secret: bytes) -> str:
    """Where the reader of a delivery writes to have no more of its edition, whatever the text (RFC 2369 section
    3.2)."""
    return _address(mailbox, delivery, _mark(message_id, secret), secret, "unsubscribe")


def note_address(mailbox: str, note: int, message_id: str, secret: bytes) -> str:
    """The envelope sender of a small mail."""
    return _address(mailbox, note, _mark(message_id, secret), secret, "note")


def delivery_of(address: str, mailbox: str, secret: bytes, purpose: Purpose = "bounce") -> int | None:
    """The delivery that an address names for a purpose, or the small mail, or None for one that was not made here for
    this mailbox and this purpose. Servers on the way back may have changed the case of letters."""
    found = _TAG.fullmatch(_tag(address))
    if found is None:
        return None
    number = int(found["number"])
    made = _address(mailbox, number, found["mark"], secret, purpose).lower()
    return number if hmac.compare_digest(made.encode(), address.lower().encode("utf-8", "replace")) else None


def is_about(address: str, message_id: str, secret: bytes) -> bool:
    """Whether an address that names a mail was made for this message."""
    found = _TAG.fullmatch(_tag(address))
    return found is not None and found["mark"] == _mark(message_id, secret)


def is_coded(address: str, mailbox: str, secret: bytes) -> bool:
    """Whether an address names a mail of ours, for any purpose."""
    return any(delivery_of(address, mailbox, secret, purpose) is not None for purpose in _LABELS)


_LABELS: dict[Purpose, bytes] = {
    "bounce": b"return address",
    "unsubscribe": b"unsubscribe address",
    "note": b"return address of a note",
}
_FORMS: dict[Purpose, str] = {"bounce": "", "unsubscribe": "u-", "note": "n-"}


def _address(mailbox: str, number: int, mark: str, secret: bytes, purpose: Purpose) -> str:
    local, _, domain = mailbox.rpartition("@")
    code = _letters(secret, b"%b\x00%d\x00%b" % (_LABELS[purpose], number, mark.encode()))[:_CODE]
    return f"{local}+{_FORMS[purpose]}{number}.{mark}{code}@{domain}"


def _tag(address: str) -> str:
    """What stands behind the last plus of the local part."""
    return address.lower().rpartition("@")[0].rpartition("+")[2]


def _mark(message_id: str, secret: bytes) -> str:
    return _letters(secret, b"message\x00" + message_id.encode())[:_MARK]


def _letters(secret: bytes, what: bytes) -> str:
    """Letters and digits that survive a change of case (base32, RFC 4648)."""
    return base64.b32encode(hmac.digest(secret, what, hashlib.sha256)).decode("ascii").lower()
