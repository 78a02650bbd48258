"""What every way out of the house has in common: a message to be handed over, and who hands it over.

smtp.py is a server, folder.py a folder, sendmail.py a program of this machine. One message's outcome is a value,
`Receipt`; a way that fails as a whole raises MailError, and then the message in hand did not go out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tidings.mail.message import Message
from tidings.model import Receipt

WITHDRAWN = Receipt("withdrawn", "called back before it was handed over")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message with its envelope addresses. `write` makes it, when its turn has come."""

    sender: str
    recipient: str
    write: Callable[[], Message]


class Transport(Protocol):
    """One way to hand messages over, one after the other."""

    def send(self, parcel: Parcel, may_go: Callable[[], bool]) -> Receipt:
        """Hands over one message. Asks `may_go` at the last moment at which nothing has left yet, and where that says
        no, withdraws it. Raises MailError when nothing can be sent now."""


def always() -> bool:
    """For messages that nobody calls back."""
    return True
