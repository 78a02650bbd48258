"""How fast mail may go: for the server as a whole and for each domain of readers. Pure: the time comes in.

A rate is a bucket of one token, so that messages are spread and never come in a burst. Who asks for less gets a pause,
twice as long each time, until a message is taken again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=2)
PATIENCE = 7
"""How often in a row a server may ask for less before a pass ends."""

_DOUBLINGS = 6  # by then a pause is the longest there is
_MOST_IDLE = 1000  # domains remembered that have nothing to remember


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator allows: messages a second in all and to one domain, and how many at once to one domain. None is
    without limit."""

    rate: float | None = None
    domain_rate: float | None = None
    domain_connections: int | None = None


UNLIMITED = Limits()


@dataclass(slots=True)
class _Bucket:
    """One token, back after an interval; and the pause that was asked for."""

    ready_at: datetime | None = None
    interval: timedelta = timedelta()
    paused_until: datetime | None = None
    pauses: int = 0

    def wait(self, now: datetime) -> timedelta:
        """A clock that was set back makes no wait longer than it was meant to be."""
        if self.ready_at:
            self.ready_at = min(self.ready_at, now + self.interval)
        if self.paused_until:
            self.paused_until = min(self.paused_until, now + LONGEST_PAUSE)
        waits = [moment - now for moment in (self.ready_at, self.paused_until) if moment]
        return max([timedelta(), *waits])

    def take(self, rate: float | None, now: datetime) -> None:
        if rate:
            self.interval = timedelta(seconds=1 / rate)
            self.ready_at = now + self.interval

    def slow_down(self, now: datetime) -> None:
        """Those that were on their way together count once: they were all sent before the pause."""
        if self.paused_until and now < self.paused_until:
            return
        self.paused_until = now + min(FIRST_PAUSE * 2 ** min(self.pauses, _DOUBLINGS), LONGEST_PAUSE)
        self.pauses += 1


@dataclass(slots=True)
class Pacing:
    """The server and the domains, and what is on its way to them, in one pass or in several one after the other."""

    limits: Limits
    _server: _Bucket = field(default_factory=_Bucket)
    _domains: dict[str, _Bucket] = field(default_factory=dict)
    _on_the_way: Counter[str] = field(default_factory=Counter)

    def resume(self, last: datetime | None) -> None:
        """Begins a pass, with nothing on its way: another one, or another process, tried a message `last`."""
        self._on_the_way.clear()
        if last and self._server.ready_at is None:
            self._server.take(self.limits.rate, last)

    def server_wait(self, now: datetime) -> timedelta:
        """How long the server is to be left alone."""
        return self._server.wait(now)

    def domain_wait(self, domain: str, now: datetime) -> timedelta | None:
        """How long a domain is to be left alone; None as long as one of its messages is on its way too many."""
        most = self.limits.domain_connections
        if most is not None and self._on_the_way[domain] >= most:
            return None
        bucket = self._domains.get(domain)
        return bucket.wait(now) if bucket else timedelta()

    def begin(self, domain: str, now: datetime) -> None:
        """Notes that a message is on its way."""
        self._server.take(self.limits.rate, now)
        self._on_the_way[domain] += 1
        if self.limits.domain_rate:
            self._bucket(domain, now).take(self.limits.domain_rate, now)

    def end(self, domain: str) -> None:
        """Notes that it is no longer, whatever became of it."""
        self._on_the_way[domain] -= 1
        if self._on_the_way[domain] <= 0:
            del self._on_the_way[domain]

    def taken(self, domain: str) -> None:
        """Notes that a message was taken: who asked for less has enough by now."""
        self._server.pauses = 0
        if domain in self._domains:
            self._domains[domain].pauses = 0

    def slow_down(self, now: datetime) -> bool:
        """Gives the server a pause; False when it has asked for that too often in a row."""
        self._server.slow_down(now)
        return self._server.pauses < PATIENCE

    def slow_domain(self, domain: str, now: datetime) -> bool:
        """The same for a domain."""
        bucket = self._bucket(domain, now)
        bucket.slow_down(now)
        return bucket.pauses < PATIENCE

    def _bucket(self, domain: str, now: datetime) -> _Bucket:
        if len(self._domains) > _MOST_IDLE:
            self._domains = {name: one for name, one in self._domains.items() if one.pauses or one.wait(now)}
        return self._domains.setdefault(domain, _Bucket())
