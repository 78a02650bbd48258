"""What readers' own links are made with, and how often somebody asked for mail."""

from __future__ import annotations

from datetime import datetime

from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class LinkKey:
    """A secret that links are signed with, known in them by its `id`. One with `retired_at` signs and opens nothing any
    more."""

    id: int
    secret: bytes
    made_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Throttled:
    """How often somebody was let through in a row, or how much of a budget is used; and when that was last."""

    count: float
    at: datetime
