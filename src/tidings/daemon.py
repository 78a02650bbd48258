"""The clock and the signals: calls the shells again and again until told to stop.

What is due is a row in the database, never a job here, so a restart loses nothing and a cron user runs the same
functions. APScheduler is only the ticker; `misfire_grace_time=None` because its default drops a tick that starts a
second late, as happens after sleep or behind a long poll.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

TICK_SECONDS = 10


def stop_on_signals(stop: threading.Event) -> None:
    """Makes SIGTERM and SIGINT set `stop`. Call from the main thread."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)


def run(ticks: Mapping[str, Callable[[], None]], stop: threading.Event, seconds: float = TICK_SECONDS) -> None:
    """Calls each of `ticks` at once and then every `seconds`, each in turn with itself and beside the others, until
    `stop` is set; then waits for those at work, which look at `stop` themselves, and returns.

    A tick handles its own errors: one that raises is logged by APScheduler and called again next time.
    """
    # A tick that comes while the last one is still at work is left out: that is the plan, not a warning.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler = BackgroundScheduler(
        timezone=UTC,
        executors={"default": ThreadPoolExecutor(max(1, len(ticks)))},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name, tick in ticks.items():
        scheduler.add_job(tick, "interval", seconds=seconds, id=name, next_run_time=datetime.now(UTC))
    scheduler.start()
    stop.wait()
    scheduler.shutdown(wait=True)
