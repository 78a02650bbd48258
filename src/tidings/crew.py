"""Work in the hands of workers that may die of it: what kills its worker is found, and all else comes through.

What it hands work over with is loaded with the first piece: most polls have nothing to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, TypeVarTuple

from tidings.records import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

K = TypeVar("K")
Ts = TypeVarTuple("Ts")

_LONGEST_WAIT_SECONDS = 0.5  # after which a caller can look whether it shall stop


@dataclass(frozen=True, slots=True)
class Ended:
    """Instead of a result: the work took its worker along, twice, by taking too long or too much memory."""

    seconds: float


@dataclass(frozen=True, slots=True)
class _Job(Generic[K]):
    key: K
    size: int
    seconds: float
    task: Callable[[], Any]


class Crew(Generic[K]):
    """An executor that is replaced when work has killed one of its workers; `K` is what its user knows a piece of work
    by. Use with `contextlib.closing`."""

    def __init__(self, open_executor: Callable[[], Executor]) -> None:
        self._open_executor = open_executor
        self._executor: Executor | None = None  # until there is work: to load what starts processes takes a while
        self._jobs: dict[Future[Any], _Job[K]] = {}

    def prepare(self) -> None:
        """Opens the executor before there is work: what its processes load takes a while, in which others can load what
        the work is made of."""
        if self._executor is None:
            self._executor = self._open_executor()

    def submit(self, key: K, size: int, seconds: float, task: Callable[[*Ts], Any], *args: *Ts) -> None:
        """Hands over `task(*args)`, which holds about `size` bytes and may take `seconds` (see `workers.within`)."""
        from concurrent.futures import BrokenExecutor

        job = _Job(key, size, seconds, partial(task, *args))
        try:
            future = self._start(job)
        except BrokenExecutor:
            self.close()
            future = self._start(job)
        self._jobs[future] = job

    @property
    def busy(self) -> bool:
        """Whether there is work whose result was not taken yet."""
        return bool(self._jobs)

    def is_full(self, jobs: int, size: int) -> bool:
        """Whether as many pieces of work are in hand, or as many bytes."""
        return len(self._jobs) >= jobs or sum(job.size for job in self._jobs.values()) >= size

    def ready(self) -> Iterator[tuple[K, Any | Ended]]:
        """Takes the results there are by now."""
        return self._take(0)

    def next(self) -> Iterator[tuple[K, Any | Ended]]:
        """Takes the results there are by now; waits a moment for the first if there is none."""
        return self._take(_LONGEST_WAIT_SECONDS)

    def close(self) -> None:
        """Ends the workers; what waits is given up, what is under way is waited for."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def _start(self, job: _Job[K]) -> Future[Any]:
        from tidings.workers import within

        self.prepare()
        assert self._executor is not None
        return self._executor.submit(within, job.seconds, job.task)

    def _take(self, timeout: float) -> Iterator[tuple[K, Any | Ended]]:
        if not self._jobs:
            return
        from concurrent.futures import FIRST_COMPLETED, wait

        done, _ = wait(self._jobs, timeout=timeout, return_when=FIRST_COMPLETED)
        for future in done:
            job = self._jobs.pop(future)
            yield job.key, self._result(future, job)

    def _result(self, future: Future[Any], job: _Job[K]) -> Any | Ended:
        """What the work came to. When a worker died, everything in flight is done again, each alone. A result too large
        to be sent is a MemoryError here."""
        from concurrent.futures import BrokenExecutor

        from tidings.workers import within

        try:
            return future.result()
        except BrokenExecutor:
            pass
        except MemoryError:
            return Ended(job.seconds)
        alone = self._open_executor()
        try:
            return alone.submit(within, job.seconds, job.task).result()
        except (BrokenExecutor, MemoryError):
            return Ended(job.seconds)
        finally:
            alone.shutdown(wait=True, cancel_futures=True)
