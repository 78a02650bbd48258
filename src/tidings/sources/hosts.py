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

NETWORK_KINDS: frozenset[FailureKind] = frozenset({"dns", "connect", "timeout", "tls", "offline"})
"""Failures that look the same whether the server is down or our own network is. A clock that is wrong, a proxy that
reads along and certificate authorities that are missing make every https server fail by tls."""

_SUDDEN: frozenset[FailureKind] = frozenset({"dns", "connect"})
"""How hosts fail one after the other once the network is gone. Those that run into their deadline are the last of every
pass, and so say nothing of its end."""

_FIRST_REST = timedelta(minutes=15)
_LONGEST_REST = timedelta(days=1)
_FEW_HOSTS, _MANY_HOSTS = 2, 5

_ADVICE: dict[FailureKind, str] = {
    "tls": "no source can be reached, this one for want of a secure connection, so it is this machine: check its "
    "clock, its certificate authorities, and any proxy",
    "forbidden-address": "no source can be reached, and this one's name now leads to a private address, so it is this "
    "machine's network: check its DNS, and whether it wants a login first",
}
_NO_WAY_OUT = "no server can be reached, so it is this machine's network: check its connection and its DNS"


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
    domain = domain_of(url)
    return "blogger.com" if domain.partition(".")[2].startswith(_BLOGSPOT) or domain.startswith(_BLOGSPOT) else domain


def domain_of(url: str) -> str:
    """The registrable domain of a URL, where each blog of a service has one of its own; the address itself, or the bare
    name, where there is no such thing."""
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    return host if _is_address(host) else str(_suffixes().privatesuffix(host) or host)


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


def after_redirect(state: HostState, rest: timedelta, now: datetime) -> HostState:
    """What is remembered of the host whose redirect said that it wants no request for so long."""
    return replace(state, rest_until=_later(state.rest_until, now + rest))


def may_be_ours(state: FeedState, failure: Failed) -> bool:
    """Whether the failure of this feed may be our own network's. That is to be seen when the others have been asked.

    A certificate or an address is more often the site's doing, so a feed that failed by it before goes on to be blamed.
    A private address says something of our DNS only where the name led to a public one before: a source that was never
    read, or that is an address, is as the operator wrote it.
    """
    if failure.kind not in NETWORK_KINDS | {"forbidden-address"}:
        return False
    if failure.kind in ("tls", "forbidden-address") and state.failure and state.failure.kind == failure.kind:
        return False
    if failure.kind == "forbidden-address":
        return state.read_at is not None and not _is_address(host_of(state.source.url))
    return True


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


def is_cut_off(unreached: Iterable[tuple[FeedState, Failed]]) -> bool:
    """Whether our own network went away in the middle of a pass that others have answered. `unreached` are the feeds
    that failed since the last answer of anybody, all to the end of the pass, and how.

    Many hosts must have failed at once that were well the last time; those that only ran into their deadline do not
    count, but belong to the same fault if there is one.
    """
    sudden = [state for state, failure in unreached if failure.kind in _SUDDEN and state.failure is None]
    return len({host_of(state.source.url) for state in sudden}) >= _MANY_HOSTS


def blame_ourselves(failure: Failed) -> Failed:
    """The failure of one source as what it is when none can be reached: what was seen, without the advice for the case
    that it is the source's own. What is known to be ours already stays as it is."""
    if failure.kind == "offline":
        return failure
    seen = failure.message.partition("; ")[0]
    return Failed("offline", f"{_ADVICE.get(failure.kind, _NO_WAY_OUT)} ({seen})")


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
