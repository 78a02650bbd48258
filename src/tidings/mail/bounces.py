"""What comes back: delivery reports, complaints, replies of programs, and readers who want no more. Pure.

    fields       RFC 3464, as every mail server writes them today
    complaint    ARF (RFC 5965)
    sentences    what older servers and some providers write, only if a mail system writes
    reply        written by a program for somebody: never held against the reader
    unsubscribe  written by the reader

Reports come first, since mail systems call their reports "auto-replied" too. Whatever is none of these is unknown, and
to be kept. Nothing here proves who wrote: whose delivery it is, the envelope's address says best (research on
newsletters, 2.3).
"""

from __future__ import annotations

import re

from tidings.mail.bounces_reading import Headers, Letter, mailbox, mailboxes, read_blocks, read_letter
from tidings.mail.bounces_replies import (
    asks_to_unsubscribe,
    has_null_path,
    is_auto_reply,
    is_from_daemon,
    looks_like_auto_reply,
    recipients_of,
    sender_of,
)
from tidings.mail.bounces_status import reports_in_fields
from tidings.mail.bounces_text import reports_in_text
from tidings.model import Report, Returned, ReturnedKind

_MESSAGE_ID = re.compile(
    r"^(?:original-|x-)?message-id[ \t]{0,5}:\s{0,5}(<[^<>\s]{1,400}>)", re.IGNORECASE | re.MULTILINE
)
_IDENTITY = re.compile(r"<[^<>\s]{1,400}>")
_TO = re.compile(r"^to[ \t]{0,5}:\s{0,5}(\S.{0,400})", re.IGNORECASE | re.MULTILINE)
_MAILTO = re.compile(r"mailto:|\?", re.IGNORECASE)
_OURS = ("return-path", "list-unsubscribe")
_FEEDBACK_PART = "message/feedback-report"
_COMPLAINTS = frozenset({"abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", ""})
_MICROSOFT = "x-hmxmroriginalrecipient"


def read(message: bytes) -> Returned:
    """What a message that came back says. Never raises, whatever the bytes, and takes time in proportion to them.

    The server that took it should have written its Return-Path (RFC 5321 section 4.4): "<>" tells a report from a
    letter where neither fields nor names do.
    """
    letter = read_letter(message)
    feedback = _feedback(letter)
    if feedback is not None:
        complains = feedback.get("feedback-type", "").strip().lower() in _COMPLAINTS
        return _returned("complaint" if complains else "unknown", letter, feedback=feedback)
    reports = _reports(letter)
    if reports:
        return _returned(_kind(reports), letter, reports)
    if is_auto_reply(letter) or _is_receipt(letter):
        return _returned("auto-reply", letter)
    if asks_to_unsubscribe(letter):
        return _returned("unsubscribe", letter)
    return _returned("auto-reply" if looks_like_auto_reply(letter) else "unknown", letter)


def _reports(letter: Letter) -> tuple[Report, ...]:
    """Fields first. Sentences only count as a mail system's, and then a receipt's too: Sieve refuses in that form."""
    return reports_in_fields(letter) or (reports_in_text(letter) if is_from_daemon(letter) else ())


def _is_receipt(letter: Letter) -> bool:
    """Whether it says that a message was read, or deleted (RFC 8098)."""
    return any(part.type.endswith("disposition-notification") for part in letter.parts)


def _feedback(letter: Letter) -> Headers | None:
    """The fields of a complaint, or None if it is none. Microsoft sends the message alone, with a header added."""
    for part in letter.parts:
        if part.type == _FEEDBACK_PART:
            return {name: value for block in reversed(read_blocks(part.text)) for name, value in block.items()}
    if _MICROSOFT in letter.original:
        return {"original-rcpt-to": letter.original[_MICROSOFT]}
    return None


def _kind(reports: tuple[Report, ...]) -> ReturnedKind:
    """The worst of them names the whole."""
    actions = {report.action for report in reports}
    if "failed" in actions:
        return "bounce"
    return "delayed" if "delayed" in actions else "delivered"


def _returned(
    kind: ReturnedKind, letter: Letter, reports: tuple[Report, ...] = (), feedback: Headers | None = None
) -> Returned:
    original = letter.original
    return Returned(
        kind,
        reports,
        message_id=_original_id(letter, original),
        recipient=_original_recipient(letter, original, reports, feedback or {}),
        sender=sender_of(letter),
        sent_to=recipients_of(letter),
        carried=_carried(original),
        is_by_program=bool(reports) or feedback is not None or has_null_path(letter),
    )


def _carried(original: Headers) -> tuple[str, ...]:
    """The addresses in a returned message that we may have made for its reader alone."""
    return tuple(one for name in _OURS for one in mailboxes(_MAILTO.sub(" ", original.get(name, ""))))


def _original_id(letter: Letter, original: Headers) -> str:
    """From the returned headers, from where they are pasted into the text, or from the headers of an answer."""
    found = _IDENTITY.search(original.get("message-id", ""))
    if found:
        return found[0]
    pasted = next(filter(None, (_MESSAGE_ID.search(part.text) for part in letter.parts)), None)
    if pasted:
        return pasted[1]
    answered = (letter.headers.get(name, "") for name in ("x-original-message-id", "in-reply-to", "references"))
    return next((ids[-1] for ids in map(_IDENTITY.findall, answered) if ids), "")


def _original_recipient(letter: Letter, original: Headers, reports: tuple[Report, ...], feedback: Headers) -> str:
    """Who had the message: the one who complained, or was reported; else the returned message's To."""
    named = feedback.get("original-rcpt-to", "") or feedback.get("removal-recipient", "")
    if named:
        return mailbox(named.rpartition(";")[2])
    if len(reports) == 1 and reports[0].address:
        return reports[0].address
    pasted = _TO.search(letter.text)
    return mailbox(original.get("to", "") or (pasted[1] if pasted else ""))
