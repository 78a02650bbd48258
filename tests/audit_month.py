"""A month in the life of the daemon's poll, with five sudden deaths.

As a program, `python -m tests.audit_month CONFIG MOMENT` is the daemon's poll at one simulated moment: what the audit
kills.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

from tests.audit import DAY, MINUTE, START, Asked, Clock, World
from tests.audit_cast import SECRETS
from tidings import config, poll
from tidings.cli import wiring
from tidings.config import Config
from tidings.model import FeedState, PollRow
from tidings.poll import PollSettings
from tidings.sources.hosts import host_of
from tidings.store import Store, exclusive, feeds, open_store

MONTH = 31 * DAY
SPACING = timedelta(milliseconds=10)
DEATHS = 5
_BETWEEN_DEATHS = 5 * DAY + 12 * MINUTE
_STEPS = [minutes * MINUTE for minutes in (17, 13, 19, 18, 16, 19)]
"""From tick to tick: uneven, so that any minute of an hour is met. Each is shorter than the last third of the hour
before a cut-off, by which all sources that are to be fresh for it have had their moment."""

_ENOUGH_HOSTS = 8
_DEADLINE = 30
_ON_ITS_WAY = 0.2
"""Seconds after which what a dead process had sent has surely been read."""

_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Month:
    """What the audit looks at: everything asked, what the polls reported and when, how many posts of each host were
    stored in the end, and the moments of the deaths."""

    asked: list[Asked]
    rows: list[tuple[datetime, PollRow]]
    stored: dict[str, int]
    deaths: list[datetime]
    world: World


def live(world: World, clock: Clock, config_path: Path) -> Month:
    """Lives through the month: polls at each tick, and is killed in the middle of a poll five times. The successor
    starts at the same moment on the same database."""
    loaded = config.load(config_path)
    rows: list[tuple[datetime, PollRow]] = []
    deaths: list[datetime] = []
    steps = cycle(_STEPS)
    while clock() < START + MONTH:
        with open_store(loaded.site.database) as store:
            feeds.sync(store, loaded.sources, loaded.editions, clock())
            while clock() < START + MONTH and not _shall_die(store, loaded, clock(), deaths):
                rows += [(clock(), row) for row in one_pass(store, loaded, clock)]
                clock.move_on(min(next(steps), _to_cut_off(clock())))
        if clock() < START + MONTH:
            _die(world, config_path, clock(), answers=len(deaths))
            deaths.append(clock())
    with open_store(loaded.site.database) as store:
        counts = store.rows("SELECT feeds.url, count(*) AS n FROM posts JOIN feeds ON feeds.id = feed_id GROUP BY 1")
        stored = {row["url"].partition("//")[2].partition(":")[0]: row["n"] for row in counts}
    return Month(world.record(), rows, stored, deaths, world)


def _to_cut_off(now: datetime) -> timedelta:
    """How long it is to the next cut-off of the morning's edition: the daemon ticks right before it, too."""
    today = now.replace(hour=7, minute=30)
    return today - now if now < today else today + DAY - now


def one_pass(store: Store, loaded: Config, clock: Callable[[], datetime]) -> Iterator[PollRow]:
    """One tick of the daemon's poll, put together as in cli/running.py but for the clock, and a shorter pause between
    requests to a host, which is waited for in real time."""
    with exclusive(store, "poll"):
        settings, opener = _settings(loaded, store), wiring.executor_opener(loaded)
        chosen = poll.a_turn_each(_due(store, loaded, clock()), settings)
        if chosen:
            yield from poll.run(store, chosen, settings, opener, clock, lambda: False)


def _due(store: Store, loaded: Config, now: datetime) -> list[FeedState]:
    return poll.due(feeds.states(store, loaded.sources), loaded.editions, wiring.poll_limits(loaded), now)


def _settings(loaded: Config, store: Store) -> PollSettings:
    settings = wiring.poll_settings(loaded, store)
    return replace(settings, fetching=replace(settings.fetching, host_spacing=SPACING))


def _shall_die(store: Store, loaded: Config, now: datetime, deaths: list[datetime]) -> bool:
    """Whether the next death is near, and the pass that comes asks so many hosts that it can be met in the middle."""
    if len(deaths) == DEATHS or now < START + (len(deaths) + 1) * _BETWEEN_DEATHS:
        return False
    return len({host_of(state.source.url) for state in _due(store, loaded, now)}) >= _ENOUGH_HOSTS


def _die(world: World, config_path: Path, now: datetime, answers: int) -> None:
    """Polls in a process of its own, and kills it when it has had so many answers and waits for more."""
    with world.holding(answers) as is_waiting:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.audit_month", str(config_path), now.isoformat()],
            cwd=_ROOT,
            env={**os.environ, **SECRETS},
        )
        deadline = time.monotonic() + _DEADLINE
        while not is_waiting() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01 * answers)
        process.kill()
        assert process.wait() == -signal.SIGKILL, "the pass was over before it could be killed"
        time.sleep(_ON_ITS_WAY)


def main(config_path: str, moment: str) -> None:
    """The daemon's poll at a moment of the month."""
    loaded = config.load(Path(config_path))
    now = datetime.fromisoformat(moment)
    with open_store(loaded.site.database) as store:
        for _ in one_pass(store, loaded, lambda: now):
            pass


if __name__ == "__main__":
    main(*sys.argv[1:])
