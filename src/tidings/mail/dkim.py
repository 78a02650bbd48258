"""DKIM signatures (RFC 6376; Ed25519 in RFC 8463). Pure: the same arguments give the same bytes.

Written by us because dkimpy's RSA is pure Python (docs/decisions/0040); tests have two other implementations check it.
Canonicalisation is relaxed for headers and body, so that what relays do to blanks and folding breaks no signature.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from tidings.mail.bodies import Body, Shared
from tidings.mail.keys import DkimKey

_SIGNED = (
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-help",
    "list-archive",
    "feedback-id",
    "mime-version",
    "content-type",
    "auto-submitted",
)
"""What is signed where it is there. RFC 8058 (section 4) wants both headers of unsubscribing signed."""

_BLANKS = re.compile(rb"[ \t]+")
_LINE_LENGTH = 72

Field = tuple[str, str]
"""A header's name and its value as it is sent, folded and encoded."""


@dataclass(frozen=True, slots=True)
class Signer:
    """A domain that answers for a message, and the key that the DNS has under `selector`."""

    domain: str
    selector: str
    key: DkimKey


def signatures(fields: Sequence[Field], body: Body, signers: Sequence[Signer], date: datetime) -> list[Field]:
    """The DKIM-Signature headers of a message, one for each signer, to be put above the others.

    No name comes twice in `fields`; all lines of `body` end in CRLF. From is named once more than it is there, so that
    nobody can add another (RFC 6376 section 8.15). The length of the body is not limited by `l=`: what is appended
    would count as signed (section 8.2).
    """
    if not signers:
        return []
    values = {name.lower(): value for name, value in fields}
    names = [name for name in _SIGNED if name in values]
    signed = b"".join(_relaxed(name, values[name]) + b"\r\n" for name in names)
    listed = ":".join(["from", *names])
    body_hash = _body_hash(body)
    return [_signature(signer, listed, signed, body_hash, date) for signer in signers]


def _signature(signer: Signer, listed: str, signed: bytes, body_hash: str, date: datetime) -> Field:
    tags = (
        f"v=1; a={signer.key.algorithm}; c=relaxed/relaxed;\r\n\td={signer.domain}; s={signer.selector};",
        f"t={int(date.timestamp())};",
        f"h={_folded(listed)};",
        f"bh={body_hash};",
        "b=",
    )
    unsigned = "\r\n\t".join(tags)
    digest = signer.key.sign(signed + _relaxed("DKIM-Signature", unsigned))
    return "DKIM-Signature", unsigned + _in_lines(base64.b64encode(digest).decode("ascii"))


def _relaxed(name: str, value: str) -> bytes:
    """A header in its relaxed form, without its line end (RFC 6376 section 3.4.2). UTF-8 is taken as it is (RFC 8616
    section 6)."""
    unfolded = value.replace("\r\n", "").encode()
    return name.lower().encode("ascii") + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ")


def _body_hash(body: Body) -> str:
    """The hash of a reader's body: what stands before the first token is not hashed again."""
    begun, rest = _hashed(body.shared)
    digest = begun.copy()
    for filling, piece in zip(body.fillings(), rest, strict=True):
        digest.update(filling)
        digest.update(piece)
    return base64.b64encode(digest.digest()).decode("ascii")


# A body is shared by all readers of an issue in one language, so this is done once for them. Tokens have no blanks and
# end in none, so the pieces around them can be taken one by one.
@lru_cache(maxsize=8)
def _hashed(body: Shared) -> tuple[hashlib._Hash, tuple[bytes, ...]]:
    """The hash of a body's first piece, and the others, in relaxed form (RFC 6376 section 3.4.4): an empty body stays
    empty."""
    pieces = [_BLANKS.sub(b" ", piece).replace(b" \r\n", b"\r\n") for piece in body.pieces]
    pieces[-1] = pieces[-1].rstrip(b"\r\n")
    if any(pieces):
        pieces[-1] += b"\r\n"
    return hashlib.sha256(pieces[0]), tuple(pieces[1:])


def _folded(listed: str) -> str:
    """The list of names with line breaks behind colons, where they may be (RFC 6376 section 3.5)."""
    lines = [""]
    for name in listed.split(":"):
        if len(lines[-1]) + len(name) > _LINE_LENGTH:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n\t".join(lines).removesuffix(":")


def _in_lines(text: str) -> str:
    return "".join(f"\r\n\t{text[at : at + _LINE_LENGTH]}" for at in range(0, len(text), _LINE_LENGTH))
