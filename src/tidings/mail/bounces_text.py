"""Reports written in sentences: qmail, Exim, old Exchange and Sendmail, Yahoo and the like. Pure.

They agree on more than it seems: an address begins a line, the reason follows it, and below a mark comes the message.
What is otherwise, flufl.bounce may know; it names addresses and gives no reason, so the whole text stands for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message

from flufl.bounce import all_failures

from tidings.mail.bounces_meaning import meaning_of, reply_in, report_of, status_in
from tidings.mail.bounces_reading import Letter
from tidings.mail.bounces_replies import has_bounce_subject, sender_of
from tidings.mail.bounces_words import COPIES, SUBJECT_LINES, WAITS
from tidings.model import Action, Report

_MOST_LINES = 200  # flufl.bounce goes over all lines some fifty times
_LONGEST_LINE = 300
_LONGEST_REASON = 1_000
_MOST_REPORTS = 10

_COPY = re.compile(rf"(?:[-=*_ ]{{2,}} ?)?(?:{COPIES.pattern})", re.IGNORECASE)
_PLAIN_ADDRESS = re.compile(r"[\w.+=-]{1,64}@[\w.-]{1,255}", re.ASCII)
_SUBJECT = re.compile(rf"[\s>*]{{0,20}}(?:the )?(?:{SUBJECT_LINES.pattern})\b[^:：]{{0,30}}[:：]", re.IGNORECASE)
_ADDRESS_LINE = re.compile(
    r"[\s*'\"\[<(>•-]{0,10}"
    r"(?:(?:smtp|to|recipient|rcpt to|failed recipient|an|à|para|кому|收件人|宛先|إلى)\s?[:：]\s?)?[<\['\"]?"
    r"([^\s<>@,;:'\"()\[\]]{1,64}@[^\s<>@,;:'\"()\[\]]{1,200})[>\]'\")]{0,3}(.*)",
    re.IGNORECASE,
)


def reports_in_text(letter: Letter) -> tuple[Report, ...]:
    """The reports of a mail system that writes to people. Where it names no address but gives a reason, that is one
    report without an address: the envelope may tell whose it is. None where neither is found."""
    lines = report_lines(letter.text)
    whole = "\n".join(lines)
    action: Action = "delayed" if WAITS.search(" ".join(whole.split())) else "failed"
    found = _entries(lines) or _named(letter, lines)
    server = _server(letter)
    rest = whole if len(found) < 2 else ""  # what is not beside an address may be about another
    reports = [report_of(address, action, *_reason(reason, rest), server) for address, reason in found[:_MOST_REPORTS]]
    if reports or not (has_bounce_subject(letter) or reply_in(whole) or status_in(whole)):
        return tuple(reports)
    if meaning_of("", whole) == "unknown" and not reply_in(whole):
        return ()
    return (report_of("", action, *_reason("", whole), server),)


def report_lines(text: str) -> list[str]:
    """What comes before the returned message, within the limits and without its subject, which may say anything."""
    lines: list[str] = []
    for line in text.splitlines()[:_MOST_LINES]:
        line = line[:_LONGEST_LINE].rstrip()
        if lines and _COPY.match(line):
            break
        if not _SUBJECT.match(line):
            lines.append(line)
    return lines


def _entries(lines: Sequence[str]) -> list[tuple[str, str]]:
    """Addresses that begin a line, each with what follows up to a blank line or the next address."""
    entries: list[tuple[str, list[str]]] = []
    within = False
    for line in lines:
        found = _ADDRESS_LINE.match(line)
        if found:
            entries.append((found[1].rstrip("."), [found[2].strip(" :>'\"")]))
            within = True
        elif within and line.strip():
            entries[-1][1].append(line.strip())
        elif within and any(entries[-1][1]):
            within = False
    reasons: dict[str, str] = {}
    for address, words in entries:
        reasons[address] = f"{reasons.get(address, '')} {' '.join(words)}".strip()
    return list(reasons.items())


def _named(letter: Letter, lines: Sequence[str]) -> list[tuple[str, str]]:
    """Addresses by Exim's header, else those that flufl.bounce finds."""
    header = letter.headers.get("x-failed-recipients", "")
    stated = [address.strip() for address in header.split(",") if "@" in address]
    return [(address, "") for address in stated or _known_to_flufl(letter, lines)]


def _known_to_flufl(letter: Letter, lines: Sequence[str]) -> list[str]:
    """It wants a mailbox in From and ASCII, and raises what it likes where it expected something else."""
    sender = sender_of(letter)
    message = Message()
    message["from"] = sender if _PLAIN_ADDRESS.fullmatch(sender) else "mailer-daemon@unknown.invalid"
    message["x-mailer"] = letter.headers.get("x-mailer", "").encode("ascii", "replace").decode("ascii")
    message.set_payload("\n".join(lines).encode("ascii", "replace").decode("ascii"))
    try:
        temporary, permanent = all_failures(message)
    except Exception:
        return []
    return sorted(address.decode("ascii", "replace") for address in temporary | permanent)


def _reason(reason: str, whole: str) -> tuple[str, str]:
    """The code and the words for one address: those beside it; where they say nothing, those of the whole text too."""
    said = " ".join((reason if meaning_of("", reason) != "unknown" else f"{reason}\n{whole}").split())
    return status_in(said), said[:_LONGEST_REASON]


def _server(letter: Letter) -> str:
    return sender_of(letter).rpartition("@")[2]
