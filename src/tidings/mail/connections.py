"""Several messages at once: a thread for each connection, and one that tells them what to do.

The threads know no database. Before one hands its message over it asks, and waits for the answer; so the one who owns
the database can write down for all who ask, in one transaction, that their messages are about to go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from tidings.mail.transport import Parcel, Transport
from tidings.model import Receipt


@dataclass(frozen=True, slots=True)
class Asked:
    """Connection `number` would hand its message over now, and waits for `permit`."""

    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """Connection `number` is free again: what became of its message, or why it cannot send any."""

    number: int
    outcome: Receipt | BaseException


Event = Asked | Ended
Opener = Callable[[], AbstractContextManager[Transport]]


@contextmanager
def open_connections(opener: Opener, count: int) -> Iterator[Connections]:
    """`count` connections, each opened with its first message; at the end they finish what they have in hand."""
    connections = Connections(opener, count)
    try:
        yield connections
    finally:
        connections.close()


class Connections:
    """The threads, by their numbers from 0. All methods are for one thread, the one that tells them what to do."""

    def __init__(self, opener: Opener, count: int) -> None:
        self._opener = opener
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._parcels: list[SimpleQueue[Parcel | None]] = [SimpleQueue() for _ in range(count)]
        self._permits: list[SimpleQueue[bool]] = [SimpleQueue() for _ in range(count)]
        self._threads: dict[int, threading.Thread] = {}
        self._is_closing = threading.Event()

    def hand(self, number: int, parcel: Parcel) -> None:
        """Gives a message to a connection that is free."""
        if number not in self._threads:
            thread = threading.Thread(target=self._work, args=(number,), name=f"mail {number}", daemon=True)
            self._threads[number] = thread
            thread.start()
        self._parcels[number].put(parcel)

    def permit(self, number: int, *, may_go: bool) -> None:
        """Answers a connection that asked."""
        self._permits[number].put(may_go)

    def events(self, seconds: float | None) -> list[Event]:
        """What happened since the last call; waits for something, at most so many seconds (None: as long as it takes),
        and then returns nothing."""
        try:
            found = [self._events.get(timeout=seconds)]
        except Empty:
            return []
        while not self._events.empty():
            found.append(self._events.get())
        return found

    def close(self) -> None:
        """Ends the sessions. One that still asks is told no, and begins nothing of what it was given besides: nobody
        would answer."""
        self._is_closing.set()
        for number in self._threads:
            self._permits[number].put(False)
            self._parcels[number].put(None)
        for thread in self._threads.values():
            thread.join()

    def _work(self, number: int) -> None:
        def may_go() -> bool:
            if self._is_closing.is_set():
                return False
            self._events.put(Asked(number))
            return self._permits[number].get()

        while (parcel := self._next(number)) is not None:
            try:
                with self._opener() as transport:
                    self._send_all(number, transport, parcel, may_go)
                    return
            except BaseException as error:  # also a bug: it is raised where all is put in order
                self._events.put(Ended(number, error))

    def _send_all(self, number: int, transport: Transport, first: Parcel, may_go: Callable[[], bool]) -> None:
        parcel: Parcel | None = first
        while parcel is not None:
            self._events.put(Ended(number, transport.send(parcel, may_go)))
            parcel = self._next(number)

    def _next(self, number: int) -> Parcel | None:
        """The next message that was given to a connection, None at the end."""
        parcel = self._parcels[number].get()
        return None if self._is_closing.is_set() else parcel
