"""Searching all posts over HTTP. GET and HEAD change nothing; who asks is counted in memory, by network, and forgotten
with the next start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock, Semaphore

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound, ServiceUnavailable, TooManyRequests

from tidings.errors import BusyError, TooLongError
from tidings.model import Throttled
from tidings.readers.throttle import Budget, ask_budget, networks
from tidings.render.pages import Room
from tidings.render.planet import ALL_ISSUES, Frame
from tidings.render.search import SearchPage, render_search
from tidings.render.words import one_line
from tidings.searching import LAST_PAGE, LONGEST, NOTHING, search
from tidings.web.hardening import client, page
from tidings.web.site import OpenStore, Site

_PARTS: dict[Room, str] = {
    "blogs": "sources/index.html",
    "tags": "tags/index.html",
    "archive": "archive/index.html",
    "issues": ALL_ISSUES,
}
"""Parts of the site by their pages."""

_NEIGHBOURS = Budget(burst=20, refill=timedelta(seconds=3))
"""Twenty searches at once from a network, and twenty a minute."""

_EVERYBODY = Budget(burst=60, refill=timedelta(milliseconds=100))
_MOST_NETWORKS = 10_000

_LONGEST_WAIT = 1.5
"""Seconds: what one question may take, and a little more."""

_MOST_WAITING = 4
_BUSY = "others are searching; try again in a moment"

_SECONDS_UNTIL_QUIET = 60


def serve_search(app: Flask, site: Site, open_store: OpenStore, folder: Path) -> None:
    """Adds `/search?q=WORDS&page=NUMBER` to `app`. It leads to what is published in `folder`."""
    counter, turn = _Counter(), _Turn()

    @app.get("/search")
    def find() -> Response:
        words = one_line(request.args.get("q", ""))[:LONGEST]
        number = _number(request.args.get("page", "1"))
        found = NOTHING
        if words:
            with turn.held():
                counter.count(site.clock())
                with open_store() as store:
                    found = search(store, site.sources, site.content, site.timezone, words, number)
        rooms: list[Room] = [room for room, path in _PARTS.items() if Path(folder, path).is_file()]
        frame = Frame(site.title, site.url, site.language, site.timezone, site.templates, [*rooms, "search"])
        shown = SearchPage(words, number, found.posts, found.about, found.total, found.is_all, found.has_more)
        return page(render_search(shown, frame))


class _Turn:
    """Whose question is looked into, one at a time, and who waits for that: most of the server's threads never do."""

    def __init__(self) -> None:
        self._places = Semaphore(1 + _MOST_WAITING)
        self._turn = Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the turn. Raises BusyError where others have it for too long, or too many wait, and ServiceUnavailable
        where the database takes too long."""
        if not self._places.acquire(blocking=False):
            raise BusyError(_BUSY)
        try:
            with self._alone():
                yield
        except TooLongError as error:
            raise ServiceUnavailable(retry_after=_SECONDS_UNTIL_QUIET) from error
        finally:
            self._places.release()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._turn.acquire(timeout=_LONGEST_WAIT):
            raise BusyError(_BUSY)
        try:
            yield
        finally:
            self._turn.release()


class _Counter:
    """Who searched how often. Of very many networks the oldest are forgotten."""

    def __init__(self) -> None:
        self._states: dict[str, Throttled] = {}
        self._lock = Lock()

    def count(self, now: datetime) -> None:
        """Counts a search of whoever asks. Raises TooManyRequests."""
        address = client()
        asked = {"": _EVERYBODY}
        if address is not None:
            asked |= dict.fromkeys((name for name, _ in networks(address)), _NEIGHBOURS)
        with self._lock:
            verdicts = {name: ask_budget(self._states.get(name), budget, now) for name, budget in asked.items()}
            wait = max((verdict.wait for verdict in verdicts.values() if not verdict.may_go), default=None)
            if wait is not None:
                raise TooManyRequests(retry_after=math.ceil(wait.total_seconds()))
            for name, verdict in verdicts.items():
                self._states.pop(name, None)
                self._states[name] = verdict.state
            while len(self._states) > _MOST_NETWORKS:
                del self._states[next(iter(self._states))]


def _number(text: str) -> int:
    """The page that is asked for; 404 for one that there is never."""
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= LAST_PAGE):
        raise NotFound
    return int(text)
