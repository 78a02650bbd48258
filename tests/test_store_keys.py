"""The keys of links in the database: made once, added to, retired."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tidings.model import LinkKey
from tidings.signing import Grant, Purpose, Refusal, read, sign
from tidings.store import keys, open_store

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def first_key(path: str) -> LinkKey:
    with open_store(Path(path)) as store:
        (key,) = keys.usable(store, NOW)
        return key


def test_the_first_key_is_made_at_first_use_and_stays(tmp_path: Path) -> None:
    """Nobody has to make one; it is the same after a restart, and another site has another."""
    paths = [str(tmp_path / name / "tidings.db") for name in ("one", "two")]
    one, again, other = first_key(paths[0]), first_key(paths[0]), first_key(paths[1])
    assert one == again
    assert (one.id, len(one.secret), one.retired_at) == (1, 32, None)
    assert one.secret != other.secret


def test_two_processes_make_one_key(tmp_path: Path) -> None:
    """A command beside the daemon signs with the same key."""
    path = str(tmp_path / "tidings.db")
    with open_store(Path(path)):
        pass
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(first_key, [path] * 8))) == 1


def test_looking_makes_no_key(tmp_path: Path) -> None:
    """What only reads leaves the table as it is."""
    with open_store(tmp_path / "tidings.db") as store:
        assert keys.listed(store) == []
        assert store.rows("SELECT * FROM link_keys") == []


def test_rotation_and_retirement(tmp_path: Path) -> None:
    """A new key signs while the old one is accepted; retired, it is not, and its number never comes again."""
    with open_store(tmp_path / "tidings.db") as store:
        old = sign(Purpose.UNSUBSCRIBE, "abc", "weekly", keys.usable(store, NOW), NOW)
        assert keys.rotate(store, NOW).id == 2
        both = keys.usable(store, NOW)
        assert sign(Purpose.UNSUBSCRIBE, "abc", "weekly", both, NOW).startswith("2-")
        assert isinstance(read(old, Purpose.UNSUBSCRIBE, both, NOW), Grant)
        assert keys.retire(store, 1, NOW)
        assert read(old, Purpose.UNSUBSCRIBE, keys.listed(store), NOW) is Refusal.UNKNOWN_KEY
        assert keys.retire(store, 2, NOW)
        assert [key.id for key in keys.usable(store, NOW)] == [3]
        assert [key.retired_at for key in keys.listed(store)] == [NOW, NOW, None]


@pytest.mark.parametrize("number", [0, 2, 99])
def test_a_key_that_is_not_there_is_not_retired(tmp_path: Path, number: int) -> None:
    """And nothing is made in its place."""
    with open_store(tmp_path / "tidings.db") as store:
        keys.usable(store, NOW)
        assert not keys.retire(store, number, NOW)
        assert keys.retire(store, 1, NOW)
        assert not keys.retire(store, 1, NOW)
        assert [key.id for key in keys.listed(store)] == [1, 2]
