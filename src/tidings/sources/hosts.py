"""Whose patience does a request draw on, and how long does that one want to be left alone? Pure.

Limits are kept by the operator of a server, not by its names, so requests are counted by registrable domain, and for
the few services that spread over several domains, by service (research on aggregators, b.2 and section e).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from publicsuffixlist import PublicSuffixList

from tidings.model import Failed, FailureKind, FeedState, HostState, Outcome, Postponed

_SERVICES = {
    # The public suffix list calls each blog of these a domain of its own, but one company answers for all of them.
    "blogspot.com": "blogger.com",
    "hatenablog.com": "hatena.ne.jp",
    "hatenablog.jp": "hatena.ne.jp",
    "hatenadiary.com": "hatena.ne.jp",
    "hatenadiary.jp": "hatena.ne.jp",
    "hateblo.jp": "hatena.ne.jp",
    "bearblog.dev": "bearblog.dev",
    "mataroa.blog": "mataroa.blog",
    "prose.sh": "prose.sh",
    # One service, several domains.
    "feedproxy.google.com": "feedburner.com",
    "redd.it": "reddit.com",
    "youtu.be": "youtube.com",
    "wp.com": "wordpress.com",
    "githubusercontent.com": "github.com",
}
_BLOGSPOT = "blogspot."

LONGEST_MEMORY = timedelta(days=32)
"""A Retry-After counts up to 31 days; what lies further ahead comes from a clock that was wrong."""

NETWORK_KINDS: frozenset[FailureKind] = frozenset({"dns", "connect", "timeout", "offline"})
"""Failures that look the same whether the server is down or our own network is."""

_FIRST_REST = timedelta(minutes=15)
_LONGEST_REST = timedelta(days=1)
_FEW_HOSTS, _MANY_HOSTS = 2, 5


def host_of(url: str) -> str:
    """The name of the server, or of the group of servers, that a URL belongs to: its registrable domain or service; the
    address itself, or the bare name, where there is no such thing."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    if _is_address(host):
        return host
    parts = host.split(".")
    for start in range(len(parts)):
        service = _SERVICES.get(".".join(parts[start:]))
        if service:
            return service
    domain = str(_suffixes().privatesuffix(host) or host)
    return "blogger.com" if domain.partition(".")[2].startswith(_BLOGSPOT) or domain.startswith(_BLOGSPOT) else domain


def rest(state: HostState, now: datetime) -> timedelta:
    """How long the host still wants no request from us."""
    if state.rest_until is None or state.rest_until > now + LONGEST_MEMORY:
        return timedelta()
    return max(state.rest_until - now, timedelta())


def pause(state: HostState, spacing: timedelta, now: datetime) -> timedelta:
    """What is left of the pause since the host was last asked; a clock that went back makes it no longer."""
    if state.asked_at is None:
        return timedelta()
    return min(max(state.asked_at + spacing - now, timedelta()), spacing)


def after_outcome(state: HostState, outcome: Outcome, now: datetime) -> HostState:
    """What is remembered of the host that gave this answer. Being told to slow down without being told for how long
    means a quarter of an hour, doubled each time in a row."""
    if isinstance(outcome, Postponed):
        return state
    if isinstance(outcome, Failed):
        if outcome.kind != "rate-limited":
            rested = None if outcome.host_rest is None else _later(state.rest_until, now + outcome.host_rest)
            return state if rested is None else replace(state, rest_until=rested)
        unsaid = min(_FIRST_REST * 2 ** min(state.refusals, 16), _LONGEST_REST)
        wait = unsaid if outcome.retry_after is None else outcome.retry_after
        return HostState(state.host, state.asked_at, _later(state.rest_until, now + wait), state.refusals + 1)
    asked = None if outcome.host_rest is None else now + outcome.host_rest
    return HostState(state.host, state.asked_at, asked, 0)


def is_offline(unreached: Iterable[FeedState], lately: Iterable[FeedState]) -> bool:
    """Whether it is our own network that is down, when nobody has answered a poll. `unreached` are the feeds it tried,
    `lately` others that were asked in the last hour.

    More than one host must have failed, and none have answered lately; or many at once that were well the last time,
    which is no coincidence. Hosts that were failing before say nothing.
    """
    tried, others = list(unreached), list(lately)
    if len({host_of(state.source.url) for state in tried if state.failure is None}) >= _MANY_HOSTS:
        return True
    if any(state.http is not None for state in others):
        return False
    failing = [state for state in others if state.failure and state.failure.kind in NETWORK_KINDS]
    return len({host_of(state.source.url) for state in (*tried, *failing)}) >= _FEW_HOSTS


def blame_ourselves(failure: Failed) -> Failed:
    """The failure of one source as what it is when none can be reached."""
    return Failed("offline", f"no server can be reached, so it is this machine's network ({failure.message})")


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()
