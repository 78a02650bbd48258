"""Politeness to servers, for the shells that ask them: what is remembered of hosts when a pass begins, and what it
adds. The rules are sources/hosts.py, the memory is store/hosts.py, and fetching keeps to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from tidings.fetching.settings import FetchSettings, Hosts, HostWait
from tidings.fetching.urls import is_operators_own
from tidings.model import HostState, Outcome, Postponed
from tidings.sources import hosts
from tidings.store import Store
from tidings.store import hosts as memory


class Governor:
    """The hosts of one pass. The operator's own machines are none of its business."""

    def __init__(self, store: Store, settings: FetchSettings, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock
        self._hosts = memory.states(store)

    def hosts(self) -> Hosts:
        """What fetching must know of the servers: which URLs share one, and which of them must wait."""
        now, spacing = self._clock(), self._settings.host_spacing
        waits = {
            name: HostWait(hosts.rest(state, now), hosts.pause(state, spacing, now))
            for name, state in self._hosts.items()
        }
        return Hosts(hosts.host_of, waits)

    def note_request(self, url: str) -> None:
        """Records that a request to `url` goes out now."""
        if self.is_own(url):
            return
        now, host = self._clock(), hosts.host_of(url)
        self._hosts[host] = replace(self._hosts.get(host, HostState(host)), asked_at=now)
        memory.note_asked(self._store, host, now)

    def note_answer(self, asked: str, outcome: Outcome) -> None:
        """Remembers what an answer says of the server it came from, and the redirects before it of theirs; `asked` is
        where its request began."""
        url = answering(asked, outcome)
        if isinstance(outcome, Postponed) or url is None:
            return
        now = self._clock()
        self._remember(url, lambda state: hosts.after_outcome(state, outcome, now))
        for hop in outcome.hops:
            if hop.rest:
                self._remember(hop.url, partial(hosts.after_redirect, rest=hop.rest, now=now))

    def _remember(self, url: str, change: Callable[[HostState], HostState]) -> None:
        if self.is_own(url):
            return
        host = hosts.host_of(url)
        before = self._hosts.get(host, HostState(host))
        after = change(before)
        if after != before:
            self._hosts[host] = after
            memory.save(self._store, after)

    def is_own(self, url: str) -> bool:
        """Whether the operator opened the machine that this URL names."""
        return is_operators_own(url, self._settings.allow_networks)


def answering(asked: str, outcome: Outcome) -> str | None:
    """The URL that had the last word, or that was asked in vain; None if nothing was asked."""
    if isinstance(outcome, Postponed):
        return None
    return outcome.hops[-1].url if outcome.hops else asked
