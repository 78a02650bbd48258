"""What a mail server's answer means: one table, read from the top. No network.

A reply is its code (RFC 5321 section 4.2), often an enhanced code behind it (RFC 3463, "5.7.1"), and words. What it is
about hangs on where it comes: at MAIL no reader was named yet, at RCPT it is about one, after DATA about the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Stage = Literal["MAIL", "RCPT", "DATA", "end"]
"""Where an answer comes: to the sender's address, to the reader's, to the wish to hand over, to the message."""

Meaning = Literal[
    "throttled",  # the server wants less of us, or a pause
    "crowded",  # the same of the reader's domain alone
    "deferred",  # later, for this reader
    "address rejected",  # never, for this reader
    "message rejected",  # the message or its sender, whoever the reader
    "login failure",  # nobody gets mail until the operator does something
    "server gone",  # no answer, or none that makes sense
    "too many recipients",  # enough for this connection
]

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_GREY = re.compile(r"gr[ea]y-?list", re.IGNORECASE)
_MOST_KEPT = 500  # characters of an answer
_MANY = re.compile(r"too many (recipients|rcpts)", re.IGNORECASE)
# Many servers keep what they have against us until a reader is named (Postfix: smtpd_delay_reject), and Exim and qmail
# say so in words alone: "550 relay not permitted", "553 sorry, that domain isn't in my list of allowed rcpthosts".
_OURS = re.compile(r"\b(relay(ing)?|rcpthosts|sender|helo|ehlo|client host|authenticat\w+)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its code, or -1 for what is none, and its text, which is `readable`."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced status code, "" without one."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class _Rule:
    """Applies where all that it names fits; what is empty fits always. `codes` and `enhanced` are regular expressions
    for the whole of them."""

    meaning: Meaning
    codes: str
    enhanced: str = ""
    stages: tuple[Stage, ...] = ()
    words: re.Pattern[str] | None = None

    def fits(self, stage: Stage, reply: Reply) -> bool:
        if self.stages and stage not in self.stages:
            return False
        if not re.fullmatch(self.codes, str(reply.code)):
            return False
        if self.enhanced and not re.fullmatch(self.enhanced, reply.enhanced):
            return False
        return self.words is None or self.words.search(reply.text) is not None


_AFTER_MAIL: tuple[Stage, ...] = ("RCPT", "DATA", "end")
_OF_MESSAGE: tuple[Stage, ...] = ("MAIL", "DATA", "end")

_RULES = (
    _Rule("login failure", "530|534|535|538"),
    _Rule("login failure", "5..", enhanced=r"5\.7\.(8|9|11)"),
    # Greylisting comes with codes of all kinds, and is about one reader: RFC 6647 section 2.
    _Rule("deferred", "4..", stages=_AFTER_MAIL, words=_GREY),
    _Rule("throttled", "421|454"),
    # The sender's address is 1.7 and 1.8 (RFC 3463), and commands are 5: not the reader, wherever it is said.
    _Rule("throttled", "4..", enhanced=r"4\.1\.[78]"),
    _Rule("throttled", "4..", stages=("RCPT",), words=_OURS),
    # Some relays pass on what the reader's domain says: 4.7.0 is RFC 3463's "other security", 4.7.28 Gmail's rate.
    _Rule("crowded", "4..", enhanced=r"4\.7\.(0|28)", stages=("RCPT",)),
    _Rule("throttled", "4..", enhanced=r"4\.7\.(0|28)"),
    # Postfix's limit of a client's recipients in a minute comes as 4.7.1, with words that others have for a connection.
    _Rule("throttled", "4..", enhanced=r"4\.7\.\d+", words=_MANY),
    # "Too many recipients" (RFC 5321 section 4.5.3.1.10) or "insufficient storage": of the mailbox 4.2, the server 4.3.
    _Rule("too many recipients", "45[02]", words=_MANY),
    _Rule("too many recipients", "452", enhanced=r"4\.5\.3", stages=("RCPT",)),
    _Rule("deferred", "452", enhanced=r"4\.2\.\d+", stages=_AFTER_MAIL),
    _Rule("throttled", "452", enhanced=r"4\.3\.\d+"),
    _Rule("too many recipients", "452", stages=("RCPT",)),
    _Rule("throttled", "4..", stages=("MAIL",)),
    _Rule("deferred", "4..", stages=_AFTER_MAIL),
    # Servers that look a reader up late say so late. 5.7 is policy: us or our text, not the reader.
    _Rule("message rejected", "5..", enhanced=r"5\.1\.[78]"),
    _Rule("address rejected", "5..", enhanced=r"5\.[12]\.\d+", stages=("RCPT", "DATA", "end")),
    _Rule("message rejected", "5..", enhanced=r"5\.7\.\d+|5\.5\.[1-9]\d*"),
    _Rule("message rejected", "50[0234]"),
    _Rule("message rejected", "5..", stages=("RCPT",), words=_OURS),
    _Rule("message rejected", "5..", stages=_OF_MESSAGE),
    _Rule("address rejected", "5..", stages=("RCPT",)),
)


def readable(said: bytes | str) -> str:
    """What somebody else's program said, as it may be kept and shown: short, and without what moves a terminal's cursor
    or colours its screen."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    kept = "".join(character if character.isprintable() else " " for character in text[:_MOST_KEPT])
    return " ".join(kept.split())


def meaning(stage: Stage, reply: Reply) -> Meaning:
    """What an answer means that is not the one hoped for. One that is no answer means that nobody sensible is there."""
    for rule in _RULES:
        if rule.fits(stage, reply):
            return rule.meaning
    return "server gone"
