"""Feeds made to break parsing: mutated documents through the real, limited workers. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # what is tested with few documents is run here with many

from tests.mutations import broken_promises, mutate, samples  # noqa: E402

from tidings.model import Document, Failed  # noqa: E402
from tidings.posts.decide import finish, name, plan  # noqa: E402
from tidings.posts.parse import parse  # noqa: E402
from tidings.workers import MEMORY, open_executor, within  # noqa: E402

URL = "https://collected.example/blog/feed.xml"
SECONDS = 7
BATCH = 20
"""Documents handed to a worker at once; the first that breaks is then looked for one by one."""


def examine(seed: int, number: int, corpus: list[bytes]) -> dict[str, Any]:
    """Parses, names and cleans document `number` of a run; says what came of it and what it broke."""
    body = mutate(random.Random(f"{seed} {number}"), corpus)
    start = time.process_time()
    parsed = parse(Document(URL, body))
    seconds = time.process_time() - start
    outcome = parsed.kind if isinstance(parsed, Failed) else "malformed feed" if parsed.malformed else "feed"
    problems = broken_promises(parsed)
    if not isinstance(parsed, Failed):
        change = finish(plan(name(parsed), {}))
        problems += broken_promises(change)
    return {
        "number": number,
        "outcome": outcome,
        "bytes": len(body),
        "posts": 0 if isinstance(parsed, Failed) else len(parsed.posts),
        "parse_seconds": seconds,
        "seconds": time.process_time() - start,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,  # kilobytes on Linux
        "problems": problems,
    }


_CORPUS: list[bytes] = []


def examine_many(seed: int, numbers: range, folder: str) -> list[dict[str, Any]]:
    """Examines some documents, each within the limits of a poll. Runs in a worker, which reads the corpus once."""
    if not _CORPUS:
        _CORPUS.extend(samples(Path(folder) if folder else None))
    return [within(SECONDS, examine, seed, number, _CORPUS) for number in numbers]


class Run:
    """The workers, and the tally of what they found."""

    def __init__(self, seed: int, folder: str, processes: int) -> None:
        self._seed, self._folder, self._processes = seed, folder, processes
        self._executor = self._open()
        self.outcomes: Counter[str] = Counter()
        self.problems: list[dict[str, Any]] = []
        self.slowest: dict[str, Any] = {"seconds": 0.0}
        self.memory_mb = 0

    def all(self, first: int, count: int) -> None:
        batches = [range(at, min(at + BATCH, first + count)) for at in range(first, first + count, BATCH)]
        for at in range(0, len(batches), self._processes):
            started = [(batch, self._submit(batch)) for batch in batches[at : at + self._processes]]
            for batch, future in started:
                for result in self._results(batch, future):
                    self._count(result)

    def close(self) -> None:
        self._executor.shutdown()

    def _open(self) -> Executor:
        executor = open_executor("processes")
        executor._max_workers = self._processes  # type: ignore[attr-defined]
        return executor

    def _submit(self, numbers: range) -> Future[list[dict[str, Any]]]:
        try:
            return self._executor.submit(examine_many, self._seed, numbers, self._folder)
        except BrokenExecutor:
            self._executor = self._open()
            return self._executor.submit(examine_many, self._seed, numbers, self._folder)

    def _results(self, batch: range, future: Future[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        try:
            yield from future.result()
            return
        except BrokenExecutor:
            pass
        for number in batch:
            try:
                yield from self._submit(range(number, number + 1)).result()
            except BrokenExecutor:
                yield {"number": number, "outcome": "killed", "problems": ["killed its worker"], "seconds": 0.0}

    def _count(self, result: dict[str, Any]) -> None:
        self.outcomes[result["outcome"]] += 1
        self.memory_mb = max(self.memory_mb, result.get("memory_mb", 0))
        if result["seconds"] > self.slowest["seconds"]:
            self.slowest = {key: value for key, value in result.items() if key != "problems"}
        if result["problems"]:
            self.problems.append({"number": result["number"], "problems": result["problems"][:3]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first document, to make one again")
    parser.add_argument("--corpus", default="", help="a folder of feeds to mutate, beside the made-up ones")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    start = time.perf_counter()
    run = Run(options.seed, options.corpus, options.processes)
    run.all(options.first, options.documents)
    run.close()
    report = {
        **vars(options),
        "outcomes": dict(run.outcomes.most_common()),
        "slowest": run.slowest,
        "most_memory_mb": run.memory_mb,
        "limits": {"seconds": SECONDS, "data_mb": MEMORY // 2**20},
        "problems": run.problems[:100],
        "problem_count": len(run.problems),
        "wall_seconds": round(time.perf_counter() - start, 1),
    }
    print(json.dumps(report, indent=2))
    sys.exit(1 if run.problems else 0)


if __name__ == "__main__":
    main()
