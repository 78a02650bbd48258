"""Rules on the header of a message: what must be there, once and well-formed, and that nothing else is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime

from tidings.mail.findings import Finding, named, red, yellow
from tidings.mail.opening import Opened, addresses_in

LONGEST_SUBJECT = 70
"""Characters that inboxes show of a subject; phones show fewer."""

# Those that Tidings writes, and those that a signature or a later list header adds (RFC 2369, 8058, 6376). Whatever
# else is there came in with foreign text.
_KNOWN = frozenset(
    "from to subject date message-id reply-to list-id list-unsubscribe list-unsubscribe-post list-help list-archive "
    "list-owner list-post list-subscribe feedback-id auto-submitted x-auto-response-suppress mime-version content-type "
    "content-transfer-encoding content-language dkim-signature".split()
)
_MAY_REPEAT = frozenset({"dkim-signature"})
_MESSAGE_ID = re.compile(r"<[^<>@\s]+@([^<>@\s]+)>")
_LIST_ID = re.compile(r'(?:"[^"<>]*"\s*|[^"<>]*)<[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+>')
_UNSUBSCRIBE = re.compile(r"<(?:https://[^<>\s/][^<>\s]*|mailto:[^<>\s@]+@[^<>\s]+)>")
_ZONE = re.compile(r"[+-]\d{4}(?:\s*\([^()]*\))?")
_ENCODED_WORD = re.compile(r"=\?[A-Za-z0-9_-]+(?:\*[A-Za-z-]+)?\?([bqBQ])\?([^?\s]+)\?=")
_LONGEST_DECODED = 4_000  # characters; the standard library's time grows with the square of the encoded words
_NO_REPLY = re.compile(r"(?:no|donot|do-not|dont)[-_.]?reply", re.IGNORECASE)


def headers(mail: Opened) -> Iterator[Finding]:
    """Judges the header."""
    yield from _only_known(mail)
    yield from _addresses(mail)
    yield from _subject(mail)
    yield from _words(mail)
    yield from _date_and_identity(mail)
    yield from _list(mail)
    yield from _reply(mail)


def addresses(mail: Opened, name: str) -> list[str]:
    """The addresses of a header, without names."""
    return addresses_in(mail.header(name) or "")


def _only_known(mail: Opened) -> Iterator[Finding]:
    counts = Counter(name for name, _ in mail.headers)
    unknown = [name for name in counts if name not in _KNOWN]
    if unknown:
        yield red(
            "header-unknown",
            f"Tidings writes no header {named(unknown)}, so foreign text has got into the header. Do not send this.",
        )
    twice = [name for name, count in counts.items() if count > 1 and name in _KNOWN - _MAY_REPEAT]
    if twice:
        yield red("header-twice", f"more than once: the header {named(twice)}; mail allows one (RFC 5322 section 3.6).")


def _addresses(mail: Opened) -> Iterator[Finding]:
    for name, whose in (("from", "the sender: one mailbox, see [mail] from"), ("to", "one reader")):
        found = addresses(mail, name)
        if len(found) != 1 or not re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", found[0]):
            yield red(name, f"{name.title()} has to name {whose}; it names {named(found) or 'nobody'}.")


def _subject(mail: Opened) -> Iterator[Finding]:
    subject = decoded(mail.header("subject") or "")
    if not subject.strip():
        yield red("subject", "there is no Subject. Give the edition a title.")
    elif len(subject) > LONGEST_SUBJECT:
        yield yellow(
            "subject-length",
            f"the Subject has {len(subject)} characters; inboxes cut it off after about {LONGEST_SUBJECT}. "
            "A shorter title of the edition helps.",
        )


def decoded(value: str) -> str:
    """A header's text with its encoded words decoded, where that can be done (RFC 2047)."""
    if len(value) > _LONGEST_DECODED:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _words(mail: Opened) -> Iterator[Finding]:
    bad = [
        name for name, value in mail.headers if b"=?" in value and not _valid_words(value.decode("utf-8", "replace"))
    ]
    if bad:
        yield red("encoded-word", f"the header {named(bad)} has an encoded word that cannot be read (RFC 2047).")


def _valid_words(value: str) -> bool:
    if "=?" in _ENCODED_WORD.sub("", value):
        return False
    if any(code in "bB" and not _is_base64(text) for code, text in _ENCODED_WORD.findall(value)):
        return False
    if len(value) > _LONGEST_DECODED:
        return True
    try:
        return "\ufffd" not in str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return False


def _is_base64(text: str) -> bool:
    """The standard library leaves out what is no base64, and so makes sense of anything."""
    return len(text) % 4 == 0 and bool(re.fullmatch("[A-Za-z0-9+/]*={0,2}", text))


def _date_and_identity(mail: Opened) -> Iterator[Finding]:
    date = mail.header("date") or ""
    moment = _moment(date)
    if moment is None or moment.tzinfo is None or not _ZONE.fullmatch(date[date.rfind(" ") + 1 :]):
        yield red("date", f"Date has to be a date with its zone, as in +0000; it is {named([date or 'missing'])}.")
    identity = mail.header("message-id") or ""
    found = _MESSAGE_ID.fullmatch(identity)
    sender = next(iter(addresses(mail, "from")), "").rpartition("@")[2].lower()
    if not found or (sender and not _related(found[1].lower(), sender)):
        yield red(
            "message-id",
            f"Message-ID has to be on the sender's domain, as in <name@{named([sender])}>; "
            f"it is {named([identity or 'missing'])}.",
        )


def _moment(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _related(one: str, other: str) -> bool:
    """Whether two domains are the same or one is under the other."""
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _list(mail: Opened) -> Iterator[Finding]:
    identity = mail.header("list-id") or ""
    if not _LIST_ID.fullmatch(identity):
        yield red(
            "list-id",
            "List-Id has to be a name like a host's, as in <weekly.example.org>; "
            f"it is {named([identity or 'missing'])}.",
        )
    offers = mail.header("list-unsubscribe") or ""
    if not re.fullmatch(rf"{_UNSUBSCRIBE.pattern}(?:\s*,\s*{_UNSUBSCRIBE.pattern})*", offers):
        yield red(
            "list-unsubscribe",
            "List-Unsubscribe has to give an https or mailto address in angle brackets, or large mailbox hosts refuse "
            f"the mail; it is {named([offers or 'missing'])}.",
        )
    automatic = mail.header("auto-submitted") or ""
    if not automatic.lower().startswith("auto-"):
        yield red(
            "auto-submitted",
            "Auto-Submitted has to be auto-generated, or out-of-office programs answer (RFC 3834); "
            f"it is {named([automatic or 'missing'])}.",
        )


def _reply(mail: Opened) -> Iterator[Finding]:
    """Replies may lead nowhere where the mail says whom to write to instead."""
    to = addresses(mail, "reply-to") or addresses(mail, "from")
    deaf = [address for address in to if _NO_REPLY.match(address)]
    contacts = (element.attributes.get("href", "") for element in mail.tree.below() if element.tag == "a")
    if deaf and not any(url.startswith("mailto:") and not _NO_REPLY.match(url[7:]) for url in contacts):
        yield yellow(
            "reply-to",
            f"answers go to {named(deaf)}, which reads none, and the mail names nobody else. Set [mail] reply_to.",
        )
