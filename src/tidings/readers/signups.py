"""What becomes of a wish to be subscribed: which mail goes to its address, if any; and whether a person filled it in.

A form on the web must not be a way to have strangers mailed (newsletters.md 2.4). One who never confirms gets no more
than three mails for life, and no two within a day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from tidings.model import Mailed, NoteKind

MOST_CONFIRMATIONS = 3
"""So many go to an address until its reader confirms one."""

_PAUSE = timedelta(hours=24)
_QUICKEST = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Reply:
    """The mail that answers a wish, "blank" for none, and what is to be kept of the address."""

    note: NoteKind
    mailed: Mailed


Filling = Literal["person", "program", "too fast", "too old"]
"""How a form was filled: by a person, as far as can be told; by a program, since what no person sees has text; faster
than a person can; or so long after it was shown that it has to be asked once more."""


def reply(mailed: Mailed, *, is_refused: bool, is_subscribed: bool, now: datetime) -> Reply:
    """What to mail to an address for which something is asked `now`. `is_refused` says that its reader wants no such
    mail, `is_subscribed` that there is nothing to confirm. Who asked is answered the same, whatever this says.

    A last mail in the future, as after a clock was set back, counts as one of now.
    """
    last = min(mailed.at, now) if mailed.at else None
    kept = Mailed(mailed.count, last)
    if is_refused or (last is not None and now - last < _PAUSE):
        return Reply("blank", kept)
    if is_subscribed:
        return Reply("already", Mailed(mailed.count, now))
    if mailed.count >= MOST_CONFIRMATIONS:
        return Reply("blank", kept)
    return Reply("confirm", Mailed(mailed.count + 1, now))


def filling(decoy: str, shown_at: datetime | Literal["long ago"] | None, now: datetime) -> Filling:
    """How a form was filled that was shown at a time, None where that is not known, as in another site's page: then
    only the decoy tells."""
    if decoy:
        return "program"
    if shown_at == "long ago":
        return "too old"
    if shown_at is not None and now - shown_at < _QUICKEST:
        return "too fast"
    return "person"
