"""What the operator decides about fetching, for all sources alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from tidings.fetching.guard import Network


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """The `[poll]` keys that fetching obeys.

    `timeout` is one deadline for a whole fetch, from name look-up to last byte. `max_bytes` bounds the body both as
    sent and as decoded. `host_spacing` is the pause between the end of one request to a host and the start of the
    next. `allow_networks` are non-public ranges that may be fetched from all the same.
    """

    user_agent: str
    timeout: timedelta
    max_bytes: int
    host_spacing: timedelta
    concurrency: int
    allow_networks: tuple[Network, ...] = ()
