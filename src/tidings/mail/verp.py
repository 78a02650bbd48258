"""Return addresses that name a delivery, so that a bounce tells whose it is, whatever the server that sent it writes.

`bounces+17.k3v5qz2mhd4yxa7t@example.org` is delivery 17 with a code that only we can make: without it anybody could
report a bounce for each number in turn. Known as VERP.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_CODE_OCTETS = 10  # 80 bits, 16 characters
_TAG = re.compile(r"(?P<delivery>[1-9][0-9]{0,17})\.(?P<code>[a-z2-7]{16})")


def return_address(mailbox: str, delivery: int, secret: bytes) -> str:
    """The envelope sender of a delivery, at the address that bounces go to (RFC 5233 has the form with a plus)."""
    local, _, domain = mailbox.rpartition("@")
    return f"{local}+{delivery}.{_code(delivery, secret)}@{domain}"


def delivery_of(address: str, mailbox: str, secret: bytes) -> int | None:
    """The delivery that a return address names, or None for one that was not made here for this mailbox. Servers on the
    way back may have changed the case of letters."""
    local, _, domain = address.lower().rpartition("@")
    own_local, _, own_domain = mailbox.lower().rpartition("@")
    found = _TAG.fullmatch(local.removeprefix(f"{own_local}+"))
    if domain != own_domain or not local.startswith(f"{own_local}+") or found is None:
        return None
    delivery = int(found["delivery"])
    return delivery if hmac.compare_digest(found["code"], _code(delivery, secret)) else None


def _code(delivery: int, secret: bytes) -> str:
    """Letters and digits that survive a change of case (base32, RFC 4648)."""
    digest = hmac.digest(secret, b"return address\x00%d" % delivery, hashlib.sha256)
    return base64.b32encode(digest[:_CODE_OCTETS]).decode("ascii").lower()
