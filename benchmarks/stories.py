"""How well, and how fast, posts are told to be one story: the labelled sets. See README.md beside this file."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the test suite asserts what is printed here

from tests.stories import evaluate, read  # noqa: E402

from tidings.posts.telling import landmarks, tell  # noqa: E402


def microseconds(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]], rounds: int) -> float:
    """The mean time of one call over all `arguments`, in the fastest of the rounds."""
    calls = list(arguments)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for call in calls:
            function(*call)
        best = min(best, time.perf_counter() - start)
    return 1_000_000 * best / len(calls)


def main() -> None:
    """Prints a report for each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["tuning", "heldout", "check"], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    options = parser.parse_args()
    for name in options.sets:
        pieces, pairs = read(name)
        told = microseconds(tell, ((pieces[pair["a"]], pieces[pair["b"]]) for pair in pairs), options.rounds)
        marked = microseconds(landmarks, ((piece,) for piece in pieces.values()), options.rounds)
        print(f"{name}: {len(pieces)} posts; tell() {told:.0f} us a pair, landmarks() {marked:.0f} us a post")
        print("\n".join(f"  {line}" for line in evaluate(name).lines()))


if __name__ == "__main__":
    main()
