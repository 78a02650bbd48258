"""Workers: the same results inline and in processes, and no process left behind."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from tidings.workers import MEMORY, InlineExecutor, open_executor, within, worker_count

Kind = Literal["processes", "inline"]
KINDS: list[Kind] = ["processes", "inline"]
PATIENCE = 20  # seconds after which something that takes a fraction of one is taken to have failed

PARENT = """
import os, sys, time
from tidings.workers import open_executor

if __name__ == "__main__":
    executor = open_executor("processes")
    tasks = [executor.submit(time.sleep, seconds) for seconds in (0, 0.2, 600)]
    tasks[0].result()
    print(*sorted(executor._processes), flush=True)
    time.sleep(600)
"""


def double(number: int) -> int:
    return number * 2


def fail(words: str) -> None:
    raise ValueError(words)


def process_id(_: int) -> int:
    return os.getpid()


def how_interrupts_are_taken() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def hang() -> None:
    """Holds the interpreter's lock for minutes."""
    re.fullmatch(r"(a+)+b", "a" * 33)


def timer() -> float:
    return signal.getitimer(signal.ITIMER_REAL)[0]


def timers_during_and_after() -> tuple[float, float]:
    return within(600, timer), timer()


def timer_after_a_failure() -> float:
    with pytest.raises(ValueError, match="no good"):
        within(600, fail, "no good")
    return timer()


@pytest.fixture(params=KINDS, scope="module")
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    with open_executor(request.param) as executor:
        yield executor


def test_results_are_those_of_the_function(executor: Executor) -> None:
    """A task's result is what the function returns; many come back in order."""
    assert executor.submit(double, 21).result(PATIENCE) == 42
    assert list(executor.map(double, range(50))) == [double(number) for number in range(50)]


def test_keywords_arrive(executor: Executor) -> None:
    """Arguments by name are passed on."""
    assert executor.submit(int, "ff", base=16).result(PATIENCE) == 255


def test_exceptions_arrive(executor: Executor) -> None:
    """What a task raises is raised where its result is asked for, and the next task runs."""
    future = executor.submit(fail, "no good")
    with pytest.raises(ValueError, match="no good"):
        future.result(PATIENCE)
    assert executor.submit(double, 1).result(PATIENCE) == 2


def test_futures_can_be_waited_for(executor: Executor) -> None:
    """`concurrent.futures.wait` knows both kinds."""
    futures = [executor.submit(double, number) for number in range(5)]
    done, waiting = wait(futures, timeout=PATIENCE)
    assert (done, waiting) == (set(futures), set())


def test_inline_runs_here_and_now() -> None:
    """The inline executor has run a task when `submit` returns, in this process."""
    future = InlineExecutor().submit(process_id, 0)
    assert future.done()
    assert future.result() == os.getpid()


def test_an_interrupt_is_not_swallowed_inline() -> None:
    """Ctrl-C in a task run inline ends the program, and is not kept as that task's result."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        InlineExecutor().submit(interrupted)


def test_processes_run_elsewhere_and_leave_interrupts_alone() -> None:
    """Parsing happens in other processes, which leave Ctrl-C to their parent."""
    with open_executor("processes") as executor:
        assert os.getpid() not in set(executor.map(process_id, range(8)))
        assert executor.submit(how_interrupts_are_taken).result(PATIENCE)


def test_the_number_of_processes_is_bounded() -> None:
    """There is at least one, and never a crowd."""
    assert 1 <= worker_count() <= 8


def test_a_worker_that_dies_is_reported() -> None:
    """A document that kills its parser breaks that executor and not the program; a fresh one works."""
    with open_executor("processes") as executor, pytest.raises(BrokenExecutor):
        executor.submit(os._exit, 3).result(PATIENCE)
    with open_executor("processes") as executor:
        assert executor.submit(double, 2).result(PATIENCE) == 4


def test_a_task_that_hangs_in_c_code_is_ended() -> None:
    """A pattern that never comes back, which no thread could stop, breaks its executor in time; a fresh one works."""
    with open_executor("processes") as executor, pytest.raises(BrokenExecutor):
        executor.submit(within, 0.2, hang).result(PATIENCE)
    with open_executor("processes") as executor:
        assert executor.submit(within, 600, double, 2).result(PATIENCE) == 4


def test_the_limit_ends_with_its_task() -> None:
    """In a worker the clock runs while the task does, and neither success nor failure leaves it running."""
    with open_executor("processes") as executor:
        during, after = executor.submit(timers_during_and_after).result(PATIENCE)
        assert during > 0
        assert after == 0
        assert executor.submit(timer_after_a_failure).result(PATIENCE) == 0


def test_inline_there_is_no_limit() -> None:
    """Inline a task runs without a clock, which would end the whole program."""
    assert InlineExecutor().submit(within, 600, timer).result() == 0
    assert InlineExecutor().submit(within, 600, double, 2).result() == 4


def test_leaving_the_block_ends_the_workers() -> None:
    """After the block no worker is left."""
    with open_executor("processes") as executor:
        ids = set(executor.map(process_id, range(8)))
    assert eventually(lambda: not any(map(is_running, ids)))


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_their_parent(end: signal.Signals, tmp_path: Path) -> None:
    """However a parent dies, its workers follow: the idle ones, and the one in the middle of a task."""
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    with started(script) as parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert workers
        assert all(map(is_running, workers))
        parent.send_signal(end)
        parent.wait(PATIENCE)
        assert eventually(lambda: not any(map(is_running, workers)))


@contextmanager
def started(script: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def is_running(process: int) -> bool:
    """Whether a process lives; one that has ended and waits to be collected does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def sleep_and_answer(seconds: float) -> str:
    time.sleep(seconds)
    return "awake"


def fill_memory(size: int) -> str:
    try:
        return f"held {len(bytearray(size)) > 0}"
    except MemoryError:
        return "refused"


def limits() -> tuple[int, int]:
    return resource.getrlimit(resource.RLIMIT_DATA)


def test_the_limit_is_of_computing_and_not_of_waiting() -> None:
    """A machine that is busy with other things costs no document its reading."""
    with open_executor("processes") as executor:
        assert executor.submit(within, 0.2, sleep_and_answer, 0.5).result(PATIENCE) == "awake"


def test_what_only_waits_is_ended_too() -> None:
    """A task that never computes anything does not hold its worker for ever."""
    with open_executor("processes") as executor:
        task = executor.submit(within, 0.1, sleep_and_answer, 600)
        with pytest.raises(BrokenExecutor):
            task.result(PATIENCE)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit does not count all memory")
def test_a_worker_cannot_hold_more_than_its_memory() -> None:
    """What asks for too much gets a MemoryError, and the next task finds the worker as it was."""
    with open_executor("processes") as executor:
        assert executor.submit(limits).result(PATIENCE)[0] == MEMORY
        for size, answer in ((MEMORY // 2, "held True"), (MEMORY, "refused"), (MEMORY // 2, "held True")):
            assert executor.submit(within, 60, fill_memory, size).result(PATIENCE) == answer


def test_inline_there_is_no_limit_of_memory() -> None:
    """The program itself is not limited."""
    before = limits()
    assert InlineExecutor().submit(within, 60, fill_memory, 2 * MEMORY).result() == "held True"
    assert limits() == before
