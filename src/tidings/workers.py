"""The executor that parsing and cleaning run on. Both hold the interpreter's lock, so threads gain nothing: they run in
other processes, or, for one core and for debugging, inline. Both are `concurrent.futures.Executor`s.

Only in processes are there limits of time and memory: inline they would end the program.

What starts processes is imported where that is done: most polls have nothing to parse.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, TypeVarTuple

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MEMORY = 200 * 1024 * 1024
"""Bytes of data that a worker may hold. With the 10 MB of libraries that do not count it stays well below 250 MB.

What counts are private writable pages (RLIMIT_DATA; setrlimit(2), Linux 4.7): no address space, of which threads and
allocators reserve more than they use. A worker begins with 20 MB of them. 15 MB feeds, ASCII or not, of one item or of
10,000, were measured to need 60 to 140 MB in all. Elsewhere than on Linux the limit bounds less or nothing.
"""

_M_TRIM_THRESHOLD = -1
_KEPT_PAGES = 8 * 1024 * 1024
# Bytes of the heap's end that are kept while they are free: with glibc's 128 KB each document asks for them anew.

_M_MMAP_THRESHOLD = -3
_OWN_PAGES = 256 * 1024
# Bytes from which memory is given back to the system once it is free. glibc raises the threshold with each large block,
# and after some large documents a worker would hold 170 MB in pieces (mallopt(3)).

_WALL = 4
"""Seconds on the clock that a task may take for each second of computing it was given: a machine may be busy with other
things, but what waits for ever, though a task has nothing to wait for, is ended too."""

_MOST_PROCESSES = 8

_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Looking for garbage after each 700 new objects, as Python does, is 8 % of the time it takes to read a feed; there is
hardly any to find, and `_make_room` looks for it where it matters."""


class InlineExecutor(Executor):
    """Runs each task at once, in the thread that submits it."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def open_executor(kind: Literal["processes", "inline"], preload: Sequence[str] = ()) -> Executor:
    """A fresh executor. Processes are started with the first task.

    They come from a fork server, never by plain fork: the daemon has threads. It imports the modules named in `preload`
    once for all of them, and begins with that now: until there is a task, the caller has other things to do.
    """
    if kind == "inline":
        return InlineExecutor()
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing.forkserver import ensure_running

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *preload])
    ensure_running()
    return ProcessPoolExecutor(
        max_workers=worker_count(),
        mp_context=context,
        initializer=_enter_worker,
    )


def worker_count() -> int:
    """How many processes parse at once."""
    return min(os.cpu_count() or 1, _MOST_PROCESSES)


def within(seconds: float, task: Callable[[*Ts], T], *args: *Ts) -> T:
    """What `task(*args)` returns. In a worker process it gets `seconds` of computing, then the kernel ends the process,
    which the parent sees as a `BrokenExecutor`. Inline the task just runs.

    The limit is a signal that no Python code handles, because nothing else stops a hostile document: `re` and other C
    code hold the interpreter's lock, so neither a handler written in Python nor a watching thread would get its turn.
    For the same reason a worker stuck like that does not notice the death of its parent; it ends by this at the latest.
    Must run in the main thread of the worker, as the tasks of a process pool do.

    A task that needs more than MEMORY gets a MemoryError, or where C code cannot raise one, its process ends. A worker
    that is left with too little for another task ends before it, and the parent begins with a fresh one.
    """
    import multiprocessing

    if multiprocessing.parent_process() is None:
        return task(*args)
    _make_room()
    for timer, number, limit in ((signal.ITIMER_PROF, signal.SIGPROF, seconds), _wall(seconds)):
        signal.signal(number, signal.SIG_DFL)
        signal.setitimer(timer, limit)
    try:
        return task(*args)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _make_room() -> None:
    """Gives back what earlier tasks left behind, if it is much: to look for garbage takes milliseconds."""
    if _data_in_use() < MEMORY // 4:
        return
    gc.collect()
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    if _data_in_use() > MEMORY // 2:
        os._exit(1)


def _data_in_use() -> int:
    """Bytes that count against MEMORY; 0 where the system does not tell (proc(5), statm)."""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[5]) * resource.getpagesize()
    except OSError:
        return 0


def _wall(seconds: float) -> tuple[int, int, float]:
    return signal.ITIMER_REAL, signal.SIGALRM, seconds * _WALL


def _enter_worker() -> None:
    """Leaves Ctrl-C to the parent, sets the limit of memory, and ends with the parent however it dies: a worker whose
    parent was killed would otherwise wait for tasks for ever."""
    import multiprocessing

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    with contextlib.suppress(AttributeError):  # only glibc has it
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _OWN_PAGES)
        ctypes.CDLL(None).mallopt(_M_TRIM_THRESHOLD, _KEPT_PAGES)
    _most, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard), hard))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: Any) -> None:
    from multiprocessing.connection import wait

    wait([sentinel])
    os._exit(1)
