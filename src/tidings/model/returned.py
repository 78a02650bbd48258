"""Values of what comes back after mail went out: reports, complaints, replies, and what they say of an address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

ReturnedKind = Literal["bounce", "delayed", "delivered", "complaint", "unsubscribe", "auto-reply", "unknown"]

Action = Literal["failed", "delayed", "delivered"]

Meaning = Literal[
    "address-dead",
    "mailbox-full",
    "mailbox-disabled",
    "policy",
    "content-refused",
    "too-large",
    "rate-limited",
    "temporary",
    "relay-or-dns",
    "unknown",
]
"""Why a message was not taken. `policy`, `content-refused`, `too-large` and `rate-limited` are about us and what we
sent, never about the reader."""

Weight = Literal["success", "soft", "hard", "final"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came in, and its envelope: `sender` is "" for the null path of reports, None where a program that
    was handed the message was not told; `recipient` is the address it was sent to, "" where that was not told."""

    sender: str | None
    recipient: str
    message: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """What a server said of one recipient.

    `address` is "" where the report names none. `status` is a code of RFC 3463 such as "5.1.1", or "". `diagnostic` is
    the server's words, `server` the one that reports. `permanent` says that trying again would not help.
    """

    address: str
    action: Action
    status: str
    diagnostic: str
    server: str
    meaning: Meaning
    permanent: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """A message that came back, understood.

    `message_id` and `recipient` are those of the message it answers, `sender` is who wrote it, `sent_to` the addresses
    it says it was sent to, `carried` those in the return path and the List-Unsubscribe of the message it returns.
    Anybody can write all that, so what the envelope proves comes first; but an address with a code of ours proves
    itself. `is_by_program`: it came from the null path, or is a report, so no person wrote it. Whatever is missing is
    "".
    """

    kind: ReturnedKind
    reports: tuple[Report, ...] = ()
    message_id: str = ""
    recipient: str = ""
    sender: str = ""
    sent_to: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    is_by_program: bool = False


@dataclass(frozen=True, slots=True)
class Sign:
    """What one event says of an address: an issue came through, or how badly it failed."""

    issue_id: int
    weight: Weight


@dataclass(frozen=True, slots=True)
class Score:
    """What is known against an address at `at`, the moment of its last sign; empty when nothing is.

    `before` is what was left at that moment of what came earlier, `eroded` the successes of that very moment. `known`
    and `fresh` hold issues with the points each has cost, earlier and at that moment, sorted by issue.
    """

    at: datetime | None = None
    before: float = 0.0
    eroded: int = 0
    known: tuple[tuple[int, int], ...] = ()
    fresh: tuple[tuple[int, int], ...] = ()
