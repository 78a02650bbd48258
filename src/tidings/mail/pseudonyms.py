"""What stands for an address where the address itself must not. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from contextlib import suppress

# Also with a quoted local part, a host's number for a domain (RFC 5321 section 4.1.2), or its @ encoded (RFC 2047).
_ADDRESSES = re.compile(
    r'(?:"[^"]{1,64}"|[^\s<>()\[\],;:"]{1,64})(?: @ |[@＠]|=40|&#64;)(?:\[[^\]]{1,64}\]|[^\s<>()\[\],;:"]{1,255})'
)
_LONGEST_WORDS = 500


def canonical(address: str) -> str:
    """An address in the one spelling that stands for all of it: NFC, without case, its domain in ASCII (IDNA).

    Case of a local part may count (RFC 5321 section 2.4), and hardly any server lets it. Dots and what stands behind a
    plus stay: they are one mailbox at Gmail, and different people elsewhere. A reader who is left out by mistake would
    not know; one who was suppressed under another spelling still has his own.
    """
    local, _, domain = unicodedata.normalize("NFC", address.strip()).casefold().rpartition("@")
    domain = domain.rstrip(".")
    if not domain.isascii():  # the codec takes longer than all else
        with suppress(UnicodeError):
            domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"


def pseudonym(address: str, secret: bytes) -> bytes:
    """The name of an address by which it is known again, and which nobody without the `secret` can try addresses
    against (HMAC-SHA256, RFC 2104)."""
    return hmac.digest(secret, b"address\x00" + canonical(address).encode("utf-8", "replace"), hashlib.sha256)


def anonymous(words: str) -> str:
    """What a server said on one line, cut, with an ellipsis for each address."""
    return " ".join(_ADDRESSES.sub("…", words[: 4 * _LONGEST_WORDS]).split())[:_LONGEST_WORDS]
