"""Readers who choose anything at any time: each story that their choices allow comes, and once."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from tests.readers_year import MEMORY, live


@pytest.mark.parametrize(("seed", "most"), [(1, 10_000), (2, 4)])
def test_readers_get_what_they_chose_once(seed: int, most: int) -> None:
    """Through two months of changes every issue has what an independent model says, and no story comes twice; the same
    where issues are full and the rest waits."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        score = live(seed, Path(folder), days=60, readers=16, sources=12, most=most)
    assert score.faults == []
    assert score.personal > 200
    assert min(score.changes[what] for what in ("cadence", "sources", "tags", "pause", "returned")) > 3
