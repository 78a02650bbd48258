"""Mail transports that never leave the test: they keep what they are given, or fail as scripted."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

from tidings.dispatching import Pace
from tidings.errors import MailError
from tidings.letters import PostOffice
from tidings.mail.pacing import Limits
from tidings.mail.transport import WITHDRAWN, Parcel, Transport
from tidings.model import Receipt
from tidings.store import Store

ACCEPTED = Receipt("accepted", "250 taken")
LATER = Receipt("deferred", "451 later")
NEVER = Receipt("rejected", "550 no such reader")


class Killed(BaseException):
    """Stands for the end of the process in the middle of a message."""


@dataclass(frozen=True)
class Letter:
    """One message as it was handed over."""

    recipient: str
    message: bytes

    @property
    def parsed(self) -> EmailMessage:
        return message_from_bytes(self.message, policy=policy.default)

    @property
    def identity(self) -> str:
        return str(self.parsed["Message-ID"])


@dataclass
class RecordingTransport:
    """Takes every message. `answers` scripts a reader's outcomes, one a try; after the last all is accepted."""

    answers: Mapping[str, Sequence[Receipt | BaseException]] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    down: bool = False

    def send(self, parcel: Parcel, may_go: Callable[[], bool]) -> Receipt:
        recipient, message = parcel.recipient, bytes(parcel.write())
        if self.down:
            raise MailError("mx.example:25: the mail server cannot be used")
        script = self.answers.get(recipient, ())
        number = self.tries.get(recipient, 0)
        outcome = script[number] if number < len(script) else ACCEPTED
        if not isinstance(outcome, MailError) and not may_go():
            return WITHDRAWN
        self.tries[recipient] = number + 1
        if isinstance(outcome, Killed):
            self.letters.append(Letter(recipient, message))
        if isinstance(outcome, BaseException):
            raise outcome
        if outcome.state == "accepted":
            self.letters.append(Letter(recipient, message))
        return outcome

    @property
    def recipients(self) -> list[str]:
        return [letter.recipient for letter in self.letters]

    @contextmanager
    def opened(self) -> Iterator[Transport]:
        yield self

    def office(self, rate: float | None = None, sender: str = "Planet <digest@planet.example>") -> PostOffice:
        """A post office that hands everything to this transport."""
        return PostOffice(sender, "editor@planet.example", "1 Test Street", self.opened, Limits(rate))


class Keeper:
    """Somebody else who keeps the database, for half a second, when told to for the first time."""

    def __init__(self, store: Store) -> None:
        self._other = sqlite3.connect(store.path, isolation_level=None, check_same_thread=False)
        self._lets_go = threading.Timer(0.5, self._other.execute, ("ROLLBACK",))
        self.has_kept = False

    def keep(self) -> None:
        if not self.has_kept:
            self.has_kept = True
            self._other.execute("BEGIN IMMEDIATE")
            self._lets_go.start()

    def close(self) -> None:
        if self.has_kept:
            self._lets_go.join()
        self._other.close()


@dataclass
class Keeping(RecordingTransport):
    """Takes a message, and then somebody keeps the database before that is written down."""

    keeper: Keeper | None = None
    after: int = 1

    def send(self, parcel: Parcel, may_go: Callable[[], bool]) -> Receipt:
        receipt = super().send(parcel, may_go)
        if self.keeper and len(self.letters) == self.after:
            self.keeper.keep()
        return receipt


@dataclass
class Clock:
    """A clock that goes only when told to, or while somebody pauses."""

    now: datetime
    pauses: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)

    def pace(self, stop: Callable[[], bool] = lambda: False) -> Pace:
        return Pace(self, stop, self.pause)
