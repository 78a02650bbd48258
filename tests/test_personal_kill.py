"""SIGKILL while readers' own issues are made: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stocking import scalar
from tests.test_choices import ANN, DAY, HOUR, MINUTE, MONDAY, ROOT, TUESDAY, World
from tidings.model import Choices
from tidings.store import open_store

READERS = 30
STATEMENTS = 300  # fewer than it takes to make their issues

_FREEZE = """
import os, signal, sys
from pathlib import Path
from tests.test_choices import A, B, DAILY, HOUR, MASTHEAD, TUESDAY
from tests.transports import RecordingTransport
from tidings import digest
from tidings.store import open_store
with open_store(Path(sys.argv[1])) as store:
    left = int(sys.argv[2])
    def count(statement):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
    store.conn.set_trace_callback(count)
    digest.freeze_personal(store, DAILY, [A, B], MASTHEAD, RecordingTransport().office(), TUESDAY + HOUR)
"""


@pytest.mark.parametrize("seed", range(4))
def test_issues_of_readers_own_are_made_once(tmp_path: Path, seed: int) -> None:
    """Killed at any statement, one run after the other, until one comes through: each reader has each post once."""
    chance, path = random.Random(seed), tmp_path / "tidings.db"
    names = [f"reader{number}@readers.example" for number in range(READERS)]
    with open_store(path) as store:
        world = World(store, ANN, *names)
        for name in names:
            world.choose(Choices("daily", hour=9), MONDAY + MINUTE, name)
        came = world.news(MONDAY + HOUR)
    killed = 0
    for _ in range(2):
        killed += _run(path, chance.randint(2, STATEMENTS)) == -signal.SIGKILL
    with open_store(path) as store:
        world.store = store
        assert scalar(store, "SELECT count(*) FROM issues") == scalar(store, "SELECT count(*) FROM deliveries")
        world.tick(TUESDAY + HOUR)
        world.tick(TUESDAY + DAY)
        assert all(world.got(name) == came for name in [ANN, *names])
    assert killed


def _run(path: Path, statement: int) -> int:
    return subprocess.run([sys.executable, "-c", _FREEZE, str(path), str(statement)], cwd=ROOT, check=False).returncode
