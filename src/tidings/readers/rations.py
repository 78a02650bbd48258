"""How many mails of a kind one reader may have sent, to the reader's own address; throttle.py is for who asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Ration:
    """No two within `pause`, and no more than `most` a day."""

    pause: timedelta
    most: int


LINKS = Ration(pause=timedelta(minutes=5), most=6)
MOVES = Ration(pause=timedelta(), most=3)

_DAY = timedelta(days=1)


def wait(times: Sequence[datetime], ration: Ration, now: datetime) -> timedelta:
    """How long it takes until one more may be sent, where others were at some `times`; nothing where it may be now. A
    time in the future, as after a clock was set back, counts as one of now."""
    recent = sorted(min(at, now) for at in times if now - at < _DAY)
    free_at = [recent[-1] + ration.pause] if recent else []
    if len(recent) >= ration.most:
        free_at.append(recent[-ration.most] + _DAY)
    return max((at - now for at in free_at if at > now), default=timedelta())
