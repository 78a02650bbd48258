"""An issue for one reader as an RFC 5322 message. Pure: the same arguments give the same bytes."""

from __future__ import annotations

import email.utils
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from urllib.parse import quote

from tidings.addresses import ascii_domain, ascii_url
from tidings.mail.bodies import Body, Shared, shared, shared_text
from tidings.mail.dkim import Field, Signer, signatures
from tidings.model import base_name

# Everything that some program takes for a line end, and what UTF-8 can't hold.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_UNSAFE_IN_BODY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Brackets are right in quotes, but programs take what is in them for the list's id.
_NO_PHRASE = str.maketrans("", "", '\\"<>')
_LIST_LABEL = re.compile(r"[^a-z0-9-]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")  # RFC 5322 section 3.2.3
_LONGEST_WORD = 70  # characters; longer ones can't be folded at column 78
_LONGEST_SENDER_ID = 15


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything of a message but its reader: who sends it, and which issue of which list.

    `sender` and `reply_to` are mailboxes ("Name <a@b>" or "a@b"); `list_name` is a slug, `list_title` free text;
    `archive` is the URL of the page where issues can be found. Without an `issue` it is a mail to one reader who asked
    for it, which has no list to be taken off.
    """

    sender: str
    reply_to: str
    list_name: str
    list_title: str
    issue: int | None
    archive: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message in two parts: the headers with the empty line after them, and the body, which is one object for all
    readers of an issue in one language. Where they have links of their own, `woven` has what is shared all the same."""

    head: bytes
    body: bytes
    woven: Body | None = None

    def __bytes__(self) -> bytes:
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Own:
    """What is a reader's own in parts that all share: `token`, wherever they have `stand_in`, which is as long."""

    stand_in: str
    token: str


NOTHING_OWN = Own("", "")


def message_id(edition: str, number: int, frozen_at: datetime, address: str, domain: str, secret: bytes = b"") -> str:
    """The Message-ID of one issue for one reader: the same whenever it is made again, so that a resent message is
    recognised, and different between readers without showing who they are. With a `secret`, of 64 octets at most,
    nobody can work it out who has not seen the message. Of a reader's own edition it shows the one it is made of: a
    name in a mail that is passed on would tell whose it was."""
    seed = f"{edition}\x00{number}\x00{frozen_at.isoformat()}\x00{address.lower()}"
    digest = hashlib.blake2b(seed.encode(), digest_size=12, key=secret).hexdigest()
    return f"<{base_name(edition)}.{number}.{digest}@{domain}>"


def domain_of(mailbox: str) -> str:
    """The domain of a mailbox such as "Name <a@b>", in ASCII."""
    return _parse(mailbox)[1].rpartition("@")[2] or "localhost"


def compose(
    envelope: Envelope,
    recipient: str,
    subject: str,
    html: str,
    text: str,
    identity: str,
    date: datetime,
    unsubscribe_url: str = "",
    signers: Sequence[Signer] = (),
    own: Own = NOTHING_OWN,
    unsubscribe_address: str = "",
) -> Message:
    """The message: multipart/alternative, text first, CRLF line ends, no line over 998 octets, signed by each signer.

    `identity` is the Message-ID; without `html` it is text/plain, without parts; at `unsubscribe_url` a POST ends the
    subscription, a mail to `unsubscribe_address` too, or else one to whoever reads the answers; `own` is what the parts
    have of the reader's own. Subject and names may come from feeds: control characters and line breaks in them become
    blanks, so no header can be added (RFC 5322 section 2.2).
    Everything is ASCII, but for an address that is not before its @ (RFC 6532: then the server must know SMTPUTF8).
    """
    headers = {
        "From": _mailbox("From", envelope.sender),
        "To": _mailbox("To", recipient),
        "Subject": _encoded("Subject", header_text(subject)),
        "Date": format_datetime(date),
        "Message-ID": identity,
        "Reply-To": _mailbox("Reply-To", envelope.reply_to),
        **_list_headers(envelope, unsubscribe_url, unsubscribe_address),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    content = _content(html, text, own.stand_in)
    body = Body(content.body, own.token)
    fields = [(name, value) for name, value in headers.items() if value or name == "Subject"]
    fields += content.fields
    seals = signatures(fields, body, signers, date)
    # Joined by hand: the standard library's new headers lose blanks between encoded words, cut long addresses into
    # encoded pieces, and decode what only looks encoded, line breaks and all.
    lines = "".join(f"{name}: {value}\r\n" for name, value in [*seals, *fields])
    return Message(lines.encode() + b"\r\n", bytes(body), body if content.body.gaps else None)


def _list_headers(envelope: Envelope, unsubscribe_url: str, unsubscribe_address: str) -> dict[str, str]:
    """What mailing lists owe (RFC 2369; List-Id RFC 2919, one click RFC 8058), and Gmail's Feedback-ID, whose last part
    stands for the sender."""
    contact = _in_url(envelope.reply_to or envelope.sender)
    by_mail = f"<mailto:{quote(unsubscribe_address, safe='@+') or contact}?subject=unsubscribe>"
    label = _list_label(envelope)
    list_id = f"{_list_phrase(envelope.list_title)} <{label}>"
    if envelope.issue is None:
        return {"List-Id": list_id}
    sender_id = domain_of(envelope.sender)[-_LONGEST_SENDER_ID:].lstrip(".-")
    return {
        "List-Id": list_id,
        "List-Unsubscribe": f"<{ascii_url(header_text(unsubscribe_url))}>,\r\n {by_mail}"
        if unsubscribe_url
        else by_mail,
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click" if unsubscribe_url else "",
        "List-Help": f"<mailto:{contact}?subject=help>",
        "List-Owner": f"<mailto:{contact}>",
        "List-Archive": f"<{ascii_url(header_text(envelope.archive))}>",
        "List-Post": "NO",
        "Feedback-ID": f"{label.partition('.')[0]}:{envelope.issue}:{label}:{sender_id}",
    }


def header_text(text: str) -> str:
    """`text` on one line, without control characters, and without what begins an encoded word (RFC 2047), which the
    reader's program would decode."""
    return " ".join(_UNSAFE.sub(" ", text).replace("=?", "= ?").split())


@dataclass(frozen=True, slots=True)
class _Content:
    """The MIME headers and the body."""

    fields: tuple[Field, ...]
    body: Shared


# The same for every reader of an issue in one language, so made once: it is the dear part.
@lru_cache(maxsize=8)
def _content(html: str, text: str, stand_in: str) -> _Content:
    content = EmailMessage(policy=SMTP)
    plain, rich = _body(text), _body(html)
    encoding = _shorter_encoding(plain)
    content.set_content(plain, subtype="plain", charset="utf-8", cte=encoding)
    if not html:
        fields, body = _taken_apart(content)
        return _Content(fields, shared_text(body, stand_in, is_base64=encoding == "base64"))
    content.add_alternative(rich, subtype="html", charset="utf-8", cte=_shorter_encoding(rich))
    # Without a boundary of our own it would be random. "=_" can't stand in quoted-printable or base64 text.
    seed = f"{len(plain)} {plain}{rich}".encode()
    boundary = f"=_{hashlib.blake2b(seed, digest_size=12).hexdigest()}"
    content.set_boundary(boundary)
    fields, body = _taken_apart(content)
    return _Content(fields, shared(body, boundary, stand_in))


def _taken_apart(content: EmailMessage) -> tuple[tuple[Field, ...], bytes]:
    """The headers and the body of a message."""
    head, _, body = content.as_bytes().partition(b"\r\n\r\n")
    unfolded = re.split("\r\n(?![ \t])", head.decode("ascii"))
    return tuple((name, value) for name, _, value in (line.partition(": ") for line in unfolded)), body


def _shorter_encoding(text: str) -> str:
    """Quoted-printable spends two octets more on each beyond ASCII, base64 a third more on all (RFC 2045 section 6)."""
    octets = text.encode()
    beyond_ascii = len(octets) - len(octets.decode("ascii", "ignore"))
    return "base64" if 2 * beyond_ascii > len(octets) / 3 else "quoted-printable"


def _body(text: str) -> str:
    return _UNSAFE_IN_BODY.sub("", text)


def _mailbox(header: str, mailbox: str) -> str:
    name, address = _parse(mailbox)
    if not name:
        return address
    if name.isascii() and not _ATOMS.fullmatch(name):
        name = f'"{email.utils.quote(name)}"'
    return f"{_encoded(header, name)} <{address}>"


# This and the next: of an issue's messages all but the reader is the same, and the standard library takes its time.
@lru_cache(maxsize=16)
def _parse(mailbox: str) -> tuple[str, str]:
    name, address = parseaddr(header_text(mailbox))
    return name, ascii_domain(address)


@lru_cache(maxsize=16)
def _encoded(header: str, text: str) -> str:
    """Free text as the value of a header, folded; encoded if it must be (RFC 2047)."""
    plain = text.isascii() and max(map(len, text.split()), default=0) <= _LONGEST_WORD
    return Header(text, "us-ascii" if plain else "utf-8", maxlinelen=76, header_name=header).encode(linesep="\r\n")


def _in_url(mailbox: str) -> str:
    return quote(_parse(mailbox)[1], safe="@+")


def _list_label(envelope: Envelope) -> str:
    label = _LIST_LABEL.sub("-", envelope.list_name.lower()).strip("-") or "digest"
    return f"{label}.{domain_of(envelope.sender)}"


def _list_phrase(title: str) -> str:
    """The title as an ASCII phrase: List-Id is no place for encoded words."""
    plain = header_text(title.encode("ascii", "ignore").decode().translate(_NO_PHRASE))
    return f'"{plain[:_LONGEST_WORD].strip() or "Digest"}"'
