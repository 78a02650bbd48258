"""The folder of published files, when a pass over it did not come to its end, and when it was copied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tidings.errors import StoreError
from tidings.shelving import MANIFEST, Leaf, bring_up, read_list


def shelve(folder: Path, *paths: str) -> list[str]:
    """A pass after which these files are published; returns what was written or taken away."""
    leaves = [Leaf(path, "1", lambda: b"content") for path in paths]
    changed = bring_up(folder, leaves, read_list(folder), "")
    return sorted(path.relative_to(folder).as_posix() for path in changed)


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*"))


@pytest.mark.parametrize("has_list", [True, False])
def test_what_a_pass_wrote_that_did_not_end_is_taken_away(tmp_path: Path, has_list: bool) -> None:
    """When a file cannot be written, those that came before it are known all the same: what is not published by the
    next pass, as when its source was made private, goes. What somebody else put there stays."""
    if has_list:
        shelve(tmp_path, "index.html")
    (tmp_path / "posts").mkdir()
    (tmp_path / "posts/mine.html").write_text("mine")
    (tmp_path / "index-2.xml").mkdir()
    with pytest.raises(StoreError, match=r"index-2\.xml"):
        shelve(tmp_path, "index.html", "posts/1.html", "map-2.xml", "index-2.xml", "posts/2.html")
    assert (tmp_path / "posts/1.html").exists()
    (tmp_path / "index-2.xml").rmdir()
    assert shelve(tmp_path, "index.html") == ["map-2.xml", "posts/1.html"]
    assert (tmp_path / "posts/mine.html").exists()
    assert hidden(tmp_path) == [MANIFEST]


def test_a_process_that_dies_leaves_nothing_for_ever(tmp_path: Path) -> None:
    """Killed between two files, with what it noted cut short: the next pass takes away what is not published."""

    def die() -> bytes:
        raise KeyboardInterrupt

    shelve(tmp_path, "index.html")
    leaves = [Leaf("posts/1.html", "1", lambda: b"one"), Leaf("posts/2.html", "1", die)]
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            bring_up(tmp_path, leaves, read_list(tmp_path), "")
    [noted] = [path for path in tmp_path.glob(".*") if path.name != MANIFEST]
    with noted.open("ab") as file:
        file.write(b"\n../outside.html\n\nposts")
    (tmp_path.parent / "outside.html").write_text("outside")
    assert shelve(tmp_path, "index.html") == ["posts/1.html"]
    assert (tmp_path.parent / "outside.html").exists()
    assert hidden(tmp_path) == [MANIFEST]


def test_where_a_pass_did_not_end_what_was_not_noted_is_looked_for(tmp_path: Path) -> None:
    """A power cut may keep a page and lose its note; what says that Tidings made it is found as without a list."""
    shelve(tmp_path, "index.html")
    stray = tmp_path / "posts/7.html"
    stray.parent.mkdir()
    stray.write_text('<meta name="generator" content="Tidings">')
    assert shelve(tmp_path, "index.html") == []
    (tmp_path / ".tidings.begun").touch()
    assert shelve(tmp_path, "index.html") == ["posts/7.html"]
    assert hidden(tmp_path) == [MANIFEST]


def test_what_was_copied_is_read_once(tmp_path: Path) -> None:
    """After a copy the times of all files are others: their bytes are compared, and the new times kept."""
    shelve(tmp_path, "index.html", "posts/1.html")
    os.utime(tmp_path / "posts/1.html", ns=(1, 1))
    assert shelve(tmp_path, "index.html", "posts/1.html") == []
    listing = read_list(tmp_path)
    assert listing is not None
    assert listing.files["posts/1.html"].time == 1
