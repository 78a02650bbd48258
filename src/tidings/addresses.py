"""E-mail addresses: which are well-formed, how they travel, and when two are the same mailbox. DNS is never asked. And
how the addresses of pages travel, whose domains are the same."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import normalize
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from email_validator import ValidatedEmail

_LONGEST_DOMAIN = 253
_KEPT_IN_URLS = "/:?#[]@!$&'*+,;=%~"
_NEAR = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "test", "invalid"}
)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")  # as the last part of a name, which resolvers take for an IP address then
# Both libraries take longer to load than a poll in which nothing changed, and addresses in ASCII need neither to be
# compared. So they are loaded where they are needed.


class AddressError(ValueError):
    """A text is no address; says why, for who wrote it."""


def checked(text: str) -> str:
    """An address as it was written, but for blanks around it and the form of its accents (NFC). Letters beyond ASCII
    are fine on both sides of the @ (RFC 6531, RFC 5890); quotes and numbers in brackets are not. Raises AddressError.
    """
    from email_validator import EmailNotValidError

    text = normalize("NFC", text.strip())
    try:
        found = _validator()(text, check_deliverability=False, globally_deliverable=False, strict=True)
    except EmailNotValidError as error:
        raise AddressError(str(error)) from None
    if "." not in found.ascii_domain and found.ascii_domain != "localhost":
        raise AddressError("The part after the @-sign is not valid. It should have a period.")
    return text


def checked_of_stranger(text: str) -> str:
    """The same for what a stranger types in: no address that only this machine or its network can reach, by a name
    without a dot, one kept for such use (RFC 6761, RFC 6762, ICANN for .internal), one that is used so although nobody
    keeps it (RFC 6762 appendix G), or a number. Who runs Tidings may name these, and others may not have it write
    there. Raises AddressError."""
    text = checked(text)
    last = key(text).rpartition("@")[2].rpartition(".")[2]
    if last in _NEAR or _NUMBER.fullmatch(last):
        raise AddressError("The part after the @-sign is known on the own machine or network only.")
    return text


@cache
def _validator() -> Callable[..., ValidatedEmail]:
    """The library's own, but for names that reach only readers on the same machine or network (RFC 6761, RFC 6762),
    which it refuses as such; this is the way it documents."""
    import email_validator

    for name in ("local", "localhost", "test"):
        email_validator.SPECIAL_USE_DOMAIN_NAMES.remove(name)
    return email_validator.validate_email


def key(address: str) -> str:
    """What all spellings of an address have in common, by which it is known: NFC without case, the domain in ASCII.

    No mail server is known to keep mailboxes apart by case. Dots and what follows a plus stay: only one provider is
    known to ignore them, and a reader may have chosen them to tell lists apart. Blanks around it, and the dot of the
    root behind a domain, say nothing. Any text has a key.
    """
    address = address.strip().rstrip(".")
    if address.isascii():
        return address.lower()
    local, at, domain = ascii_domain(normalize("NFC", address)).rpartition("@")
    return normalize("NFC", normalize("NFC", local).casefold()) + at + domain.lower()


def pseudonym(address: str, secret: bytes) -> bytes:
    """The name of an address by which it is known again, and which nobody without the `secret` can try addresses
    against (HMAC-SHA256, RFC 2104)."""
    return hmac.digest(secret, b"address\x00" + key(address).encode("utf-8", "replace"), hashlib.sha256)


def ascii_domain(address: str) -> str:
    """`address` with its domain in ASCII (IDNA 2008 as browsers do it, UTS 46), which every mail server takes; the
    local part stays as it is. Python's own codec is of 2003, and makes another domain of "straße"."""
    local, at, domain = address.rpartition("@")
    if domain.isascii() or len(domain) > _LONGEST_DOMAIN:
        return address
    import idna

    try:
        return local + at + idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return address


def ascii_url(url: str) -> str:
    """`url` in ASCII, as a URI wants it (RFC 3987 section 3.1); it fits between angle brackets. What is escaped in it
    already stays."""
    parts = urlsplit(url)
    host, colon, port = parts.netloc.partition(":")
    whole = parts._replace(netloc=f"{ascii_domain(host)}{colon}{port}").geturl()
    return quote(whole, safe=_KEPT_IN_URLS, errors="replace")
