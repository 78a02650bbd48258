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
from typing import Any, Literal, ParamSpec, TypeVar, TypeVarTuple

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

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


def within(seconds: float, task: Callable[[*Ts], T], *args: *Ts) -> T:
    """What `task(*args)` returns. In a worker process it gets `seconds` of wall time, then the kernel ends the process,
    which the parent sees as a `BrokenExecutor`. Inline the task just runs: there the limit would end the program.

    The limit is a signal that no Python code handles, because nothing else stops a hostile document: `re` and other C
    code hold the interpreter's lock, so neither a handler written in Python nor a watching thread would get its turn.
    For the same reason a worker stuck like that does not notice the death of its parent; it ends by this at the latest.
    Must run in the main thread of the worker, as the tasks of a process pool do.
    """
    if multiprocessing.parent_process() is None:
        return task(*args)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return task(*args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
