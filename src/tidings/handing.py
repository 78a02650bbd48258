"""Which connection has which deliveries in hand: one on its way, the next ones behind it. No clock, disk or network."""

from __future__ import annotations

from collections import deque

from tidings.model import Delivery


class Hands:
    """The connections, by their numbers from 0. Each can have `depth` deliveries in hand."""

    def __init__(self, connections: int, depth: int) -> None:
        self._queues: dict[int, deque[Delivery]] = {number: deque() for number in range(connections)}
        self._depth = depth
        self._broken: set[int] = set()

    @property
    def are_busy(self) -> bool:
        return any(self._queues.values())

    @property
    def are_broken(self) -> bool:
        """Whether no connection is left that can take anything."""
        return len(self._broken) == len(self._queues)

    def least_busy(self) -> int | None:
        """The connection with the least to do that can take another delivery, None without one."""
        number = min(self._queues, key=lambda one: (one in self._broken, len(self._queues[one])))
        return None if number in self._broken or len(self._queues[number]) >= self._depth else number

    def give(self, number: int, delivery: Delivery) -> None:
        self._queues[number].append(delivery)

    def first(self, number: int) -> Delivery:
        """What a connection is at."""
        return self._queues[number][0]

    def end(self, number: int) -> Delivery:
        """Takes from a connection what it was at."""
        return self._queues[number].popleft()

    def lose(self, number: int) -> None:
        """A connection that takes nothing more; what it has in hand still ends."""
        self._broken.add(number)

    def behind(self) -> set[int]:
        """The ids of those that no connection is at yet."""
        return {one.id for queue in self._queues.values() for one in list(queue)[1:]}
