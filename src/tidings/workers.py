"""The executor that parsing runs on. Parsing is pure Python and holds the interpreter's lock, so threads gain nothing:
it runs in other processes, or, for one core and for debugging, inline. Both are `concurrent.futures.Executor`s."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Literal, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MOST_PROCESSES = 8


class InlineExecutor(Executor):
    """Runs each task at once, in the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def open_executor(kind: Literal["processes", "inline"]) -> Executor:
    """A fresh executor. Processes are started with the first task, so a poll that has nothing to parse starts none.

    They come from a fork server, never by plain fork: the daemon has threads.
    """
    if kind == "inline":
        return InlineExecutor()
    return ProcessPoolExecutor(
        max_workers=worker_count(),
        mp_context=multiprocessing.get_context("forkserver"),
        initializer=_enter_worker,
    )


def worker_count() -> int:
    """How many processes parse at once."""
    return min(os.cpu_count() or 1, _MOST_PROCESSES)


def _enter_worker() -> None:
    """Leaves Ctrl-C to the parent, and ends with it however it dies: a worker whose parent was killed would otherwise
    wait for tasks for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: Any) -> None:
    multiprocessing.connection.wait([sentinel])
    os._exit(1)
