"""How often somebody may have mail sent: for a sign-up, a link to the preferences, or a move to another address.

Who asks again and again has to wait twice as long each time, as in MailPoet (newsletters.md 1.1); all together have a
budget, so that many who ask once each do not make a flood either. Somebody is a network, not an address: one house has
thousands of them. Only what was let through counts, so who is impatient waits no longer than who is not. What is asked
for one mail address beyond what it may get has a wider budget of its own: in that of all it would lock out others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network

from tidings.model import FloodKind, Throttled


@dataclass(frozen=True, slots=True)
class Patience:
    """So many are `free`; then a pause of `first`, which doubles with each until it is `longest`. After a quiet time of
    `forgiven`, no shorter than `longest`, all begins anew."""

    free: int
    first: timedelta
    longest: timedelta
    forgiven: timedelta


@dataclass(frozen=True, slots=True)
class Budget:
    """`burst` at once, and `refill` until there is one more."""

    burst: int
    refill: timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one more may go, in how long it is worth asking again otherwise, and what is to be kept."""

    may_go: bool
    wait: timedelta
    state: Throttled


_NEIGHBOURS = Patience(free=3, first=timedelta(minutes=1), longest=timedelta(days=1), forgiven=timedelta(days=1))
_DISTRICT = Patience(free=12, first=timedelta(minutes=1), longest=timedelta(hours=6), forgiven=timedelta(days=1))
ALL = Budget(burst=100, refill=timedelta(seconds=36))
"""A hundred at once and a hundred an hour: more than a planet that is in the news, less than a flood."""

OWN: Mapping[FloodKind, Budget] = {
    "sign-up": Budget(burst=1, refill=timedelta(days=1)),
    "link": Budget(burst=6, refill=timedelta(hours=4)),
    "move": Budget(burst=3, refill=timedelta(hours=8)),
}
"""The places in the budget of all that one mail address takes at most: as many as it may get mails (signups.py,
rations.py). What it is asked for counts, not what it gets: the places must not tell who is known."""

REPEATS = Budget(burst=500, refill=timedelta(seconds=7.2))
"""For what is asked beyond `OWN`, of all addresses together: five times as wide as `ALL`. Hardly any of it makes a
mail, but each takes work, and rows that stay for a day."""

KEPT = timedelta(days=1)
"""After so long a state says nothing any more."""


def networks(address: IPv4Address | IPv6Address) -> list[tuple[str, Patience]]:
    """The networks that an address counts for. A house has an IPv4 address, or one of its /24; of IPv6 it has a /64 or
    some, and providers give away whole /48."""
    if isinstance(address, IPv4Address):
        return [(str(ip_network((address, 24), strict=False)), _NEIGHBOURS)]
    wide, narrow = (str(ip_network((address, length), strict=False)) for length in (48, 64))
    return [(narrow, _NEIGHBOURS), (wide, _DISTRICT)]


def ask_patience(state: Throttled | None, patience: Patience, now: datetime) -> Verdict:
    """Whether somebody may go now. A state from the future, as after a clock was set back, counts as one of now: nobody
    gets more than allowed by that, and nobody waits longer than `longest`."""
    if state is None or now - state.at >= patience.forgiven:
        return Verdict(True, timedelta(), Throttled(1, now))
    last = min(state.at, now)
    pause = _pause(int(state.count), patience)
    if now - last >= pause:
        return Verdict(True, timedelta(), Throttled(state.count + 1, now))
    return Verdict(False, pause - (now - last), Throttled(state.count, last))


def ask_budget(state: Throttled | None, budget: Budget, now: datetime, places: int = 1) -> Verdict:
    """The same for all together: a bucket that `burst` fill, and that leaks one each `refill`. Who takes no `places`
    needs one all the same, so that the answer does not tell."""
    used = 0.0
    if state is not None:
        used = max(0.0, state.count - max(timedelta(), now - state.at) / budget.refill)
    if used + 1 <= budget.burst:
        return Verdict(True, timedelta(), Throttled(used + places, now))
    return Verdict(False, (used + 1 - budget.burst) * budget.refill, Throttled(used, now))


def _pause(count: int, patience: Patience) -> timedelta:
    """The pause after `count` were let through."""
    doublings = count - patience.free
    if doublings < 0:
        return timedelta()
    if doublings >= 32:  # past any pause there is; more would overflow
        return patience.longest
    return min(patience.first * (1 << doublings), patience.longest)
