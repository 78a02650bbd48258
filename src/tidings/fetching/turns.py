"""Whose turn it is: one request at a time for a host, with a pause between two; other hosts go on meanwhile.

No clock: `now` is any steadily rising number of seconds. Generic in what is queued, so it can be tested with letters.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Items queued by host. `spacing` is in seconds. Within a host, and between hosts that are ready, first come is
    first served."""

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._unpaced: deque[T] = deque()
        self._waiting: dict[str, deque[T]] = {}
        self._ready: list[tuple[float, int, str]] = []
        self._free_at: dict[str, float] = {}
        self._busy: set[str] = set()
        self._order = 0

    def __bool__(self) -> bool:
        return bool(self._unpaced or self._waiting)

    def add_unpaced(self, item: T) -> None:
        """Queues an item that never waits."""
        self._unpaced.append(item)

    def add(self, host: str, item: T) -> None:
        """Queues an item behind those of its host."""
        self._queue(host).append(item)

    def add_first(self, host: str, item: T) -> None:
        """Queues an item before those of its host: what has begun shall end before more begins."""
        self._queue(host).appendleft(item)

    def hold(self, host: str, until: float) -> None:
        """Lets a host's first turn come no earlier. To be said before anything of its is queued."""
        self._free_at[host] = until

    def take(self, now: float) -> T | None:
        """The next item that may start, or None. Its host gets no other turn until `release`."""
        if self._unpaced:
            return self._unpaced.popleft()
        if not self._ready or self._ready[0][0] > now:
            return None
        _, _, host = heapq.heappop(self._ready)
        self._busy.add(host)
        item = self._waiting[host].popleft()
        if not self._waiting[host]:
            del self._waiting[host]
        return item

    def release(self, host: str, now: float) -> None:
        """Says that the host's item is done with; the next may start after the pause, whenever it is queued."""
        self._busy.discard(host)
        self._free_at[host] = now + self._spacing
        if host in self._waiting:
            self._make_ready(host)

    def forfeit(self, host: str) -> tuple[T, ...]:
        """Takes everything the host still has queued, while an item of its is out."""
        return tuple(self._waiting.pop(host, ()))

    def wait(self, now: float) -> float | None:
        """Seconds until a host is ready for its next turn, 0 if one is; None if none is queued and free."""
        if self._unpaced:
            return 0
        return max(0.0, self._ready[0][0] - now) if self._ready else None

    def _queue(self, host: str) -> deque[T]:
        if host not in self._waiting:
            self._waiting[host] = deque()
            if host not in self._busy:
                self._make_ready(host)
        return self._waiting[host]

    def _make_ready(self, host: str) -> None:
        heapq.heappush(self._ready, (self._free_at.get(host, float("-inf")), self._order, host))
        self._order += 1
