"""Which returned mail a program wrote by itself, and which a reader wrote to be left alone. Pure."""

from __future__ import annotations

import re

from tidings.mail.bounces_reading import Letter, mailbox, mailboxes
from tidings.mail.bounces_words import BOUNCE_SUBJECTS, CHALLENGE_SUBJECTS, REPLY_SUBJECTS, UNSUBSCRIBES

_RECIPIENT_HEADERS = ("x-original-to", "delivered-to", "envelope-to", "to", "cc")

_DAEMONS = re.compile(
    r"mailer[-_]?daemon|post-?master|mail-?daemon|mail[-._]?(delivery|system)[-._\w]*|bounces?|mdaemon|ndr"
    r"|microsoftexchange\w*",
    re.I,
)
_DAEMON_NAMES = re.compile(
    r"\W*(mail(er)? delivery (sub)?system|mail system|mailer[- ]daemon|postmaster|system ?administrator)\W*", re.I
)
_REPLY_HEADERS = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-autoreply-from",
    "x-mail-autoreply",
    "x-auto-reply",
    "x-vacation",
    "x-boxtrapper",
    "x-challenge",
    "x-tmda-fingerprint",
)
_REPLY_PRECEDENCES = frozenset({"auto_reply", "auto-reply", "autoreply"})

_PREFIX = re.compile(r"^(?:(?:re|aw|wg|fwd?|tr|sv|antw|rv|回复|答复|転送)\s*[:：]\s*){1,3}", re.I)


def recipients_of(letter: Letter) -> tuple[str, ...]:
    """The addresses that a message says it was sent to, those that a mail server noted first."""
    found = (address for name in _RECIPIENT_HEADERS for address in mailboxes(letter.headers.get(name, "")))
    return tuple(dict.fromkeys(found))


def sender_of(letter: Letter) -> str:
    """The address in From, or ""."""
    return mailbox(letter.headers.get("from", ""))


def has_null_path(letter: Letter) -> bool:
    """Whether it came from "<>", as reports and most replies of programs do (RFC 3834 section 3.3). Some servers write
    the name of a mail system instead."""
    path = letter.headers.get("return-path")
    return path is not None and ("@" not in path or _is_daemon(mailbox(path)))


def is_from_daemon(letter: Letter) -> bool:
    """Whether a mail system writes: it says that this is a report, or by its name, or by the subject of what is not
    known to come from anybody, if no header calls that a reply."""
    if "delivery-status" in letter.headers.get("content-type", "").lower() or "x-failed-recipients" in letter.headers:
        return True
    name = letter.header("from").partition("<")[0]
    if _is_daemon(sender_of(letter)) or _DAEMON_NAMES.fullmatch(name):
        return has_bounce_subject(letter) or not _has_reply_subject(letter)
    known = "return-path" in letter.headers and not has_null_path(letter) and "@" in sender_of(letter)
    answers = _PREFIX.match(letter.header("subject").strip())
    return not known and not answers and has_bounce_subject(letter) and not is_auto_reply(letter)


def _is_daemon(address: str) -> bool:
    return bool(_DAEMONS.fullmatch(address.partition("@")[0]))


def has_bounce_subject(letter: Letter) -> bool:
    """Whether the subject is one that mail systems give their reports."""
    return bool(BOUNCE_SUBJECTS.search(letter.header("subject")))


def is_auto_reply(letter: Letter) -> bool:
    """Whether a header says that a program answered: somebody away, a receipt, a challenge. Auto-Submitted is RFC 3834,
    the others are habits."""
    if _auto_submitted(letter) == "auto-replied":
        return True
    headers = letter.headers
    if any(name in headers for name in _REPLY_HEADERS) or "tmda" in headers.get("x-delivery-agent", "").lower():
        return True
    precedence = headers.get("precedence", "").strip().lower()
    return precedence in _REPLY_PRECEDENCES or (precedence in ("bulk", "junk") and "in-reply-to" in headers)


def looks_like_auto_reply(letter: Letter) -> bool:
    """Whether a program seems to answer: it says that it wrote by itself, or wants no answer from a program (Exchange's
    header, which a button for unsubscribing may set as well), or has a subject of such answers."""
    wants_no_answer = "x-auto-response-suppress" in letter.headers
    return wants_no_answer or _auto_submitted(letter) != "no" or _has_reply_subject(letter)


def _has_reply_subject(letter: Letter) -> bool:
    """Behind "Re:" stand our own subjects, which say nothing."""
    subject = letter.header("subject").strip()
    return not _PREFIX.match(subject) and bool(REPLY_SUBJECTS.search(subject) or CHALLENGE_SUBJECTS.search(subject))


def _auto_submitted(letter: Letter) -> str:
    return letter.headers.get("auto-submitted", "no").partition(";")[0].partition("(")[0].strip().lower()


def asks_to_unsubscribe(letter: Letter) -> bool:
    """Whether a reader asks to be left alone, with the word alone as the subject or the first line. Anywhere else it
    may be quoted, since each digest has it."""
    if has_null_path(letter) or "list-id" in letter.headers:
        return False
    if _is_request(letter.header("subject")):
        return True
    first = next((line for line in letter.text.splitlines() if line.strip()), "")
    return _is_request(first)


def _is_request(line: str) -> bool:
    return _PREFIX.sub("", line.strip()[:200]).strip(" .!?<>\"'«»„“”。！*_").casefold() in UNSUBSCRIBES
