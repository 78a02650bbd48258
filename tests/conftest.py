"""Fixtures that many tests share: a moment, a real database, a real origin, a whole site on disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from tests.origin import Origin
from tests.sites import Site
from tidings.store import Store, open_store

# Examples are judged by their outcome, not by how busy the machine is.
settings.register_profile("tidings", deadline=None)
settings.load_profile("tidings")


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "tidings.db") as store:
        yield store


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
