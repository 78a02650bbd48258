"""Polls a way to misbehave through the whole pipe, beside a source whose server behaves: what is to come of it, and
what came of it."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.feeds import blog
from tests.misbehaviour import Stage, Way
from tests.origin import Origin, Request
from tests.smtp_servers import certificate
from tidings import poll
from tidings.fetching.settings import FetchSettings
from tidings.model import FailureKind, FeedState, HostState, Login, PollRow, Source, StoredPost
from tidings.poll import PollSettings
from tidings.sources.cadence import Limits
from tidings.sources.hosts import host_of, rest
from tidings.sources.requests import Manner
from tidings.store import Store, feeds, hosts, open_store
from tidings.store.posts import PostQuery, find
from tidings.workers import open_executor

SECRET = "hush"
HEALTHY = "/healthy"
SETTINGS = PollSettings(
    fetching=FetchSettings(
        user_agent="",
        timeout=timedelta(seconds=10),
        max_bytes=15_000_000,
        host_spacing=timedelta(),
        concurrency=8,
        allow_networks=(ipaddress.ip_network("127.0.0.1/32"),),
    ),
    limits=Limits(timedelta(minutes=30), timedelta(hours=24)),
    manner=lambda _: Manner("Tidings/test", (("X-Key", SECRET),), Login("me", SECRET)),
)


@dataclass(frozen=True)
class Expected:
    """What polling comes to; what is None, or empty, is not looked at.

    Of the first poll: `status`, failure `kind`, `http`, words that the failure `says`, how many `requests` it took,
    whether it `keeps` validators, and how long the host's `rest` is at least. Of the last: `then` its status, whether
    a request was `conditional`, how many posts were `new` and `updated`, and the path the source provably `moved` to.
    In the end: how many `posts` are stored, their `titles` and `urls`, how many are `dated`, and that the poll planned
    after the last answer comes after `wait` and `within`, both counted from the start.
    """

    status: Literal["ok", "failed"]
    kind: FailureKind | None = None
    http: int | None = None
    says: str = ""
    requests: int | None = None
    keeps: bool | None = None
    rest: timedelta | None = None
    then: str = ""
    conditional: bool | None = None
    new: int | None = None
    updated: int | None = None
    moved: str = ""
    posts: int | None = None
    titles: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    dated: int | None = None
    wait: timedelta = timedelta()
    within: timedelta | None = None


def ok(posts: int | None = 2, http: int = 200, **more: Any) -> Expected:
    """The feed is read."""
    return Expected("ok", http=http, posts=posts, **more)


def well(posts: int | None = 2, **more: Any) -> Expected:
    """The feed is read and asked for again with its validators, as if nothing were amiss."""
    usual: dict[str, Any] = {"keeps": True, "conditional": True, "then": "unchanged"}
    return ok(posts, **usual | more)


def failed(kind: FailureKind, http: int | None = None, **more: Any) -> Expected:
    """The source fails, and nothing is stored."""
    return Expected("failed", kind, http, posts=more.pop("posts", 0), **more)


def no_feed(says: str) -> Expected:
    return failed("not-a-feed", 200, says=says, conditional=False)


def dead_end() -> Expected:
    return failed("redirect", 302, requests=1)


@dataclass
class Polled:
    """What the polls of a way came to, poll by poll: its rows, its states, what it asked, how long its host then rests,
    and the rows of the source beside it. In the end: the posts, how often a server was reached that must not be, and
    the seconds that the slowest poll took. `home` is the one host that may be told secrets."""

    start: datetime
    home: str
    rows: list[PollRow] = field(default_factory=list)
    states: list[FeedState] = field(default_factory=list)
    asked: list[list[Request]] = field(default_factory=list)
    rests: list[timedelta] = field(default_factory=list)
    healthy: list[PollRow] = field(default_factory=list)
    posts: list[StoredPost] = field(default_factory=list)
    reached_inside: int = 0
    slowest: float = 0


class Workers:
    """Worker processes that serve many polls, until a document costs one its life."""

    def __init__(self) -> None:
        self._pool: Executor | None = None

    def open(self) -> Executor:
        """The processes, for whom closes them too early; fresh ones when some have died."""
        if self._pool is None or not _is_alive(self._pool):
            self.close()
            self._pool = open_executor("processes")
        return _Lent(self._pool)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


class _Lent(Executor):
    """An executor that stays open when it is closed."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leaves that to `Workers`."""


def _is_alive(pool: Executor) -> bool:
    try:
        pool.submit(int).result()
    except BrokenExecutor:
        return False
    return True


def poll_way(way: Way, workers: Workers, now: datetime, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Polled:
    """Polls the way as often as it wants to be."""
    with _staged(way, folder, monkeypatch) as stage, open_store(folder / "tidings.db") as store:
        sources = _sources(way, stage)
        polled = Polled(now, sources[1].url.split("/")[2])
        for number in range(way.polls):
            _poll(polled, way, sources, stage, store, workers, now + number * way.later)
        polled.posts = find(store, PostQuery(sources=("way",), limit=100_000))
        polled.reached_inside = len(stage.inside.requests)
        return polled


@contextmanager
def _staged(way: Way, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with Origin() as gone:
        silent_port = gone.port
    with Origin() as origin, Origin("127.0.0.2") as inside:
        if not way.certificate:
            yield Stage(origin, inside, silent_port)
            return
        file, context = certificate(folder)
        if way.certificate == "trusted":
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
        with Origin(tls=context) as secure:
            yield Stage(origin, inside, silent_port, secure)


def _sources(way: Way, stage: Stage) -> list[Source]:
    host = way.host if way.is_crowded else "healthy.localhost"
    stage.origin.serve_feed(HEALTHY, blog([1]), etag='"healthy"')
    return [Source(stage.origin.url(HEALTHY, host=host), "healthy"), Source(way.play(stage), "way")]


def _poll(
    polled: Polled, way: Way, sources: list[Source], stage: Stage, store: Store, workers: Workers, now: datetime
) -> None:
    servers = [server for server in (stage.origin, stage.secure) if server]
    before = [len(server.requests) for server in servers]
    opener = workers.open if way.heavy else partial(open_executor, "inline")
    feeds.sync(store, sources, [], now)
    began = time.monotonic()
    found = poll.run(store, feeds.states(store, sources), _settings(way), opener, lambda: now, lambda: False)
    rows = {row.name: row for row in found}
    polled.slowest = max(polled.slowest, time.monotonic() - began)
    asked = [request for server, start in zip(servers, before, strict=True) for request in server.requests[start:]]
    asked.sort(key=lambda request: request.arrived)
    polled.asked.append([request for request in asked if request.path != HEALTHY])
    polled.rows.append(rows["way"])
    polled.healthy.append(rows["healthy"])
    polled.states.append(feeds.states(store, sources)[1])
    host = host_of(sources[1].url)
    polled.rests.append(rest(hosts.states(store).get(host, HostState(host)), now))


def _settings(way: Way) -> PollSettings:
    fetching = replace(SETTINGS.fetching, timeout=timedelta(seconds=way.timeout))
    return replace(SETTINGS, fetching=replace(fetching, concurrency=1) if way.is_crowded else fetching)
