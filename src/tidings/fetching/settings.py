"""What fetching must be told: keys of the configuration that hold for all sources alike, and what is known of hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import timedelta

from tidings.fetching.guard import Network
from tidings.fetching.urls import host_key
from tidings.records import dataclass


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """The `[poll]` keys that fetching obeys.

    `timeout` is one deadline for a whole fetch, from the first name look-up to the last byte behind the last redirect;
    time spent waiting for a turn does not count. `max_bytes` bounds the body in bytes, both as sent and as decoded.
    `host_spacing` is the pause between the end of one request to a host and the start of the next. `concurrency` is
    how many requests are out at once. `allow_networks` are non-public ranges that may be fetched from all the same.
    """

    user_agent: str
    timeout: timedelta
    max_bytes: int
    host_spacing: timedelta
    concurrency: int
    allow_networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class HostWait:
    """What a host is still owed from earlier passes. `rest`: it wants no request for so long; `pause`: what is left of
    the spacing since it was last asked."""

    rest: timedelta = timedelta(0)
    pause: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Hosts:
    """Which URLs draw on one server's patience, and what each server is owed.

    `host_of` names the group of servers (a registrable domain, a shared service) that a URL in its wire form belongs
    to; `waits` is keyed by those names.
    """

    host_of: Callable[[str], str] = host_key
    waits: Mapping[str, HostWait] = field(default_factory=dict)
