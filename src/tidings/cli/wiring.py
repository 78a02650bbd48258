"""The composition root: takes the configuration apart into the few values each shell needs.

What digests and publishing need is in issuing.py: a poll, which cron may start every few minutes, does without it.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from tidings import __version__, config
from tidings.config import Config
from tidings.fetching.settings import FetchSettings
from tidings.model import COMBINED_FEED, Source
from tidings.poll import PollSettings
from tidings.posts import rules
from tidings.sources.cadence import Limits
from tidings.sources.requests import Manner
from tidings.store import Store, feeds, judging, open_store, subscribers
from tidings.store.pruning import Retention

if TYPE_CHECKING:
    from concurrent.futures import Executor

_READING = ("tidings.posts.incremental", "tidings.posts.clean", "tidings.posts.decide", "tidings.posts.placing")
"""What the workers of a poll need (posts/decide.py), with the libraries behind it."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def open_site(path: Path) -> Iterator[tuple[Config, Store]]:
    """The configuration and the database brought in line with it. Raises ConfigError, StoreError."""
    loaded = config.load_checked(path)
    with open_synced(loaded) as store:
        yield loaded, store


@contextmanager
def open_synced(loaded: Config) -> Iterator[Store]:
    """The database of a configuration, brought in line with it."""
    with open_store(loaded.site.database) as store:
        now = utc_now()
        feeds.sync(store, loaded.sources, loaded.editions, now, loaded.feed.content)
        _judge_again(store, loaded.sources, now)
        yield store


def _judge_again(store: Store, sources: Iterable[Source], now: datetime) -> None:
    """Applies rules that have changed in the file to the posts that are stored."""
    by_url = {source.url: source for source in sources}
    fingerprints = {url: rules.fingerprint(source) for url, source in by_url.items()}
    for url in judging.judged_otherwise(store, fingerprints):
        judge = partial(rules.excluded_by, ruling=by_url[url])
        judging.judge_again(store, url, judge, fingerprints[url], now)


@contextmanager
def stop_flag() -> Iterator[Callable[[], bool]]:
    """A flag that Ctrl-C and SIGTERM set, so that work stops between two steps instead of in the middle of one. A
    second Ctrl-C interrupts at once."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    former = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def telling(stop: Callable[[], bool], why: str) -> Callable[[], bool]:
    """`stop`, which says once why there is a wait: it is asked only while there is one."""
    told: list[bool] = []

    def asked() -> bool:
        if not told:
            told.append(True)
            click.echo(why, err=True)
        return stop()

    return asked


def poll_settings(loaded: Config, store: Store) -> PollSettings:
    return PollSettings(
        fetching=fetch_settings(loaded),
        limits=poll_limits(loaded),
        manner=partial(_manner, loaded, _Readership(loaded, store), os.environ),
        own_url=f"{loaded.site.url}/{COMBINED_FEED}",
    )


def poll_limits(loaded: Config) -> Limits:
    return Limits(loaded.poll.min_interval, loaded.poll.max_interval)


def retention(loaded: Config) -> Retention:
    return Retention(loaded.store.keep, loaded.feed.limit, loaded.sources, loaded.editions, _sketch)


def _sketch(text: str) -> bytes:
    """What is kept of a text that goes. Loaded where it is needed: most polls take no body."""
    from tidings.posts.sketch import sketch

    return sketch(text)


def fetch_settings(loaded: Config) -> FetchSettings:
    return FetchSettings(
        user_agent=user_agent(loaded, 0),
        timeout=loaded.poll.timeout,
        max_bytes=loaded.poll.max_bytes,
        host_spacing=loaded.poll.host_spacing,
        concurrency=loaded.poll.concurrency,
        allow_networks=loaded.poll.allow_networks,
    )


def user_agent(loaded: Config, readers: int) -> str:
    """Who asks: what we are, where to find out more, whom to write to, and how many read (RFC 9110 10.1.5)."""
    count = (f"{readers} subscriber" if readers == 1 else f"{readers} subscribers") if readers else ""
    return f"Tidings/{__version__} (+{'; '.join(filter(None, (loaded.site.url, loaded.site.contact, count)))})"


class _Readership:
    """How many read a source. Many sources share their editions, and are counted once."""

    def __init__(self, loaded: Config, store: Store) -> None:
        self._editions = loaded.editions
        self._store = store
        self._counts: dict[tuple[str, ...], int] = {}

    def count(self, source: Source) -> int:
        names = tuple(edition.name for edition in self._editions if edition.covers(source))
        if names not in self._counts:
            self._counts[names] = subscribers.readers(self._store, names) if names else 0
        return self._counts[names]


def _manner(loaded: Config, readership: _Readership, environ: Mapping[str, str], source: Source) -> Manner:
    headers, login = config.request_secrets(source, environ)
    agent = source.user_agent or user_agent(loaded, readership.count(source))
    return Manner(agent, headers, login)


def executor_opener(loaded: Config) -> Callable[[], Executor]:
    """What opens the executor of a poll. It is loaded when there is something to read."""

    def opener() -> Executor:
        from tidings.workers import open_executor

        return open_executor(loaded.poll.workers, _READING)

    return opener
