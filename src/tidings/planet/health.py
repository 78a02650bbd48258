"""How following a source goes, as its readers are told. Pure, and without a clock: the last poll tells the time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tidings.model import Checkup, FeedState

_TROUBLE = timedelta(days=1)
"""Shorter troubles of what was fetched before are nobody's news: servers are restarted."""


def check_up(state: FeedState, timezone: str) -> Checkup:
    """How a source is doing, with days in `timezone`."""
    since, fetched = _day(state.failing_since, timezone), _fetched(state, timezone)
    if state.source.disabled:
        return Checkup("paused", None, fetched)
    if state.failure is not None and state.failure.kind == "gone":
        return Checkup("ended", since, fetched)
    if _is_in_trouble(state):
        return Checkup("trouble", since, fetched)
    return Checkup("fine" if fetched else "new", None, fetched)


def _is_in_trouble(state: FeedState) -> bool:
    if state.polled_at is None or state.failing_since is None:
        return False
    return state.read_at is None or state.polled_at - state.failing_since >= _TROUBLE


def _fetched(state: FeedState, timezone: str) -> date | None:
    """What fails now was fetched until then, if a document ever came."""
    if state.read_at is None:
        return None
    return _day(state.failing_since or state.polled_at or state.read_at, timezone)


def _day(moment: datetime | None, timezone: str) -> date | None:
    return None if moment is None else moment.astimezone(ZoneInfo(timezone)).date()
