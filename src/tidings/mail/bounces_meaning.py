"""What a refusal means: the server's words and its code (RFC 3463). Pure.

Codes lie more often than words: a blocked sender is told "5.1.1", a full mailbox "5.7.1". So words come first, in the
order below, and among them those that excuse the reader (research on newsletters, 2.3).
"""

from __future__ import annotations

import re

from tidings.mail.bounces_words import MEANINGS
from tidings.model import Action, Meaning, Report

_LONGEST = 3_000  # characters of a diagnostic that are looked at

_ENHANCED = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)")  # RFC 3463 section 2, and no IP address

_REPLY = re.compile(r"(?<![\d.:/-])([245][0-5]\d)(?=[ -]|$)")  # RFC 5321 section 4.2
_ADDRESSES = re.compile(r"[\w.+=-]{1,64}@[\w.-]{1,255}")
_HOSTS = re.compile(r"\b(?:host|from|by) [\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?:\[[\w.:]{1,60}\])?", re.IGNORECASE)

_READERS = frozenset({"address-dead", "mailbox-disabled"})
_ALWAYS_PASSING = frozenset({"mailbox-full", "rate-limited", "temporary", "relay-or-dns"})
_DEAD_CODES = frozenset("1.1 1.2 1.3 1.6 1.10 2.1".split())
_CODES: dict[str, Meaning] = {
    "2.2": "mailbox-full",
    "2.3": "too-large",
    "3.4": "too-large",
    "1.7": "policy",  # the sender's address
    "1.8": "policy",
    "5.3": "rate-limited",  # too many recipients
}
_SUBJECTS: dict[str, Meaning] = {"4": "relay-or-dns", "6": "content-refused", "7": "policy"}  # RFC 3463 section 3
_REPLIES: dict[str, Meaning] = {"552": "mailbox-full", "450": "temporary", "451": "temporary", "421": "temporary"}


def meaning_of(status: str, diagnostic: str) -> Meaning:
    """Why a recipient was refused. `status` is a code of RFC 3463, or ""; then the `diagnostic`, a server's reply, is
    looked at for one."""
    status = status or status_in(diagnostic)
    spoken = _spoken(diagnostic)
    passing = status.startswith("4") or (not status and reply_in(diagnostic).startswith("4"))
    if spoken in _READERS and (passing or status.startswith("5.7.")):
        return "temporary" if passing else "policy"
    return spoken or _coded(status, diagnostic, passing)


def report_of(address: str, action: Action, status: str, diagnostic: str, server: str) -> Report:
    """A report with what it means. It is permanent if the same message would be refused again later: the code's class
    says so, and the meaning does not speak against it. What is only delayed may still come through."""
    if action == "delivered":
        return Report(address, action, status, diagnostic, server, "unknown", permanent=False)
    meaning = meaning_of(status, diagnostic)
    if action == "delayed" and (meaning in _READERS or meaning == "unknown"):
        meaning = "temporary"
    code = status or status_in(diagnostic) or reply_in(diagnostic)
    permanent = action == "failed" and meaning not in _ALWAYS_PASSING and not code.startswith("4")
    return Report(address, action, status, diagnostic, server, meaning, permanent)


def status_in(text: str) -> str:
    """The first code of a failure (RFC 3463) in a server's words, or "". Those of success are more often a version."""
    found = _ENHANCED.search(text[:_LONGEST])
    return found[1] if found else ""


def reply_in(text: str) -> str:
    """The first reply code of RFC 5321 in a server's words, or ""."""
    found = _REPLY.search(text[:_LONGEST])
    return found[1] if found else ""


def _spoken(diagnostic: str) -> Meaning | None:
    """What the words say. Addresses and hosts are left out: a filter's name is no verdict."""
    text = _HOSTS.sub(" ", _ADDRESSES.sub(" ", " ".join(diagnostic[:_LONGEST].split())))
    return next((meaning for meaning, pattern in MEANINGS if pattern.search(text)), None)


def _coded(status: str, diagnostic: str, passing: bool) -> Meaning:
    if not status:
        return _REPLIES.get(reply_in(diagnostic), "temporary" if passing else "unknown")
    detail = status.partition(".")[2]
    if detail in _CODES:
        return _CODES[detail]
    if passing:
        return "relay-or-dns" if detail.startswith("4.") else "temporary"
    if detail in _DEAD_CODES:
        return "address-dead"
    return _SUBJECTS.get(detail[0], "unknown")
