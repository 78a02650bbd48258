"""Addresses that name a delivery, so that what comes back tells whose it is, whatever the one who sent it writes.

    bounces+17.k3v5qz2mhd4yxa7t@example.org      where delivery 17 bounces to; known as VERP
    bounces+u-17.q2m7yd3kxv5t4zha@example.org    where its reader unsubscribes

The code is one that only we can make: without it anybody could report a bounce for each number in turn. Each purpose
has codes of its own, since the first address is seen by all servers on the way, and programs answer to it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Literal

Purpose = Literal["bounce", "unsubscribe"]

_CODE_OCTETS = 10  # 80 bits, 16 characters
_TAG = re.compile(r"(?P<unsubscribe>u-)?(?P<delivery>[1-9][0-9]{0,17})\.(?P<code>[a-z2-7]{16})")


def return_address(mailbox: str, delivery: int, secret: bytes) -> str:
    """The envelope sender of a delivery, at the address that bounces go to (RFC 5233 has the form with a plus)."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{delivery}.{_code(delivery, secret, 'bounce')}@{domain}"


def unsubscribe_address(mailbox: str, delivery: int, secret: bytes) -> str:
    """Where the reader of a delivery writes to have no more of its edition, whatever the text (RFC 2369 section
    3.2)."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+u-{delivery}.{_code(delivery, secret, 'unsubscribe')}@{domain}"


def delivery_of(address: str, mailbox: str, secret: bytes, purpose: Purpose = "bounce") -> int | None:
    """The delivery that an address names for a purpose, or None for one that was not made here for this mailbox and
    this purpose. Servers on the way back may have changed the case of letters."""
    local, _, domain = address.lower().rpartition("@")
    own_local, _, own_domain = mailbox.lower().rpartition("@")
    found = _TAG.fullmatch(local.removeprefix(f"{own_local}+"))
    if domain != own_domain or not local.startswith(f"{own_local}+") or found is None:
        return None
    if (purpose == "unsubscribe") != bool(found["unsubscribe"]):
        return None
    delivery = int(found["delivery"])
    return delivery if hmac.compare_digest(found["code"], _code(delivery, secret, purpose)) else None


def is_coded(address: str, mailbox: str, secret: bytes) -> bool:
    """Whether an address names a delivery of ours, for any purpose."""
    return any(delivery_of(address, mailbox, secret, purpose) is not None for purpose in _LABELS)


_LABELS: dict[Purpose, bytes] = {"bounce": b"return address", "unsubscribe": b"unsubscribe address"}


def _code(delivery: int, secret: bytes, purpose: Purpose) -> str:
    """Letters and digits that survive a change of case (base32, RFC 4648)."""
    digest = hmac.digest(secret, b"%b\x00%d" % (_LABELS[purpose], delivery), hashlib.sha256)
    return base64.b32encode(digest[:_CODE_OCTETS]).decode("ascii").lower()
