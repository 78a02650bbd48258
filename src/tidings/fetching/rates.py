"""What an answer's rate headers say: that nothing is left of what we may ask for, and until when.

There are four spellings: `RateLimit` as a structured field (draft-ietf-httpapi-ratelimit-headers-08 and later) and as
a list of directives (drafts 07 and earlier), and the pairs `RateLimit-Remaining`/`-Reset` and
`X-RateLimit-Remaining`/`-Reset`, which nothing standardises: Reddit counts in decimals, GitHub resets at a moment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from tidings.fetching.headers import served_at

MAX_REST = timedelta(days=1)
"""An allowance that is refilled more rarely than daily is a slip, or is not meant for feeds."""

_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?")
_PARAMETER = re.compile(r'(?:^|[;,\s])(r|t|remaining|reset)\s*=\s*"?([0-9]+)\b', re.ASCII)
_PAIRS = ("ratelimit", "x-ratelimit", "x-rate-limit")
_NAMES = frozenset({"ratelimit", *(f"{pair}-remaining" for pair in _PAIRS)})
_A_MOMENT = 1e9
"""A reset beyond this many seconds is no wait but a moment since 1970 (2001 and later)."""

_IN_MILLISECONDS = 1e11


def exhausted(fields: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the server wants no request, up to a day, when it says that none is left; else None.

    A moment is judged against the server's own Date, as its clock may be wrong; `now` stands in for a missing one.
    """
    if not _NAMES & fields.keys():
        return None
    waits = [_structured(fields.get("ratelimit", ""))]
    waits += [_pair(fields, name, now) for name in _PAIRS]
    longest = max((wait for wait in waits if wait is not None), default=0.0)
    return timedelta(seconds=min(longest, MAX_REST.total_seconds())) if longest > 0 else None


def _structured(value: str) -> float | None:
    """Of several policies, all must have something left. A drafts' list names one of them only."""
    waits = [_used_up(dict(_PARAMETER.findall(policy))) for policy in _policies(value)]
    return max((wait for wait in waits if wait is not None), default=None)


def _policies(value: str) -> list[str]:
    """The members of the list; the older drafts' directives, which look like members, together are one."""
    return [value] if "remaining" in value else value.split(",")


def _used_up(said: Mapping[str, str]) -> float | None:
    left, wait = said.get("r", said.get("remaining")), said.get("t", said.get("reset"))
    return None if left is None or wait is None or float(left) else float(wait)


def _pair(fields: Mapping[str, str], name: str, now: datetime) -> float | None:
    left, reset = fields.get(f"{name}-remaining", ""), fields.get(f"{name}-reset", "")
    if not _NUMBER.fullmatch(left) or not _NUMBER.fullmatch(reset) or float(left) >= 1:
        return None
    seconds = float(reset)
    if seconds <= _A_MOMENT:
        return seconds
    moment = seconds / 1000 if seconds > _IN_MILLISECONDS else seconds
    return moment - served_at(fields, now).timestamp()
