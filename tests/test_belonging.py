"""Whose a published folder is: what one database made, another does not take away without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.stocking import blog, configure, post, receive
from tests.test_publish import folder, names, settings, snapshot  # noqa: F401  # a fixture
from tidings.errors import TidingsError
from tidings.planet.belonging import lacks_most, posts_among
from tidings.publish import publish
from tidings.store import Store, open_store

A, B = blog("a"), blog("b")
OURS = settings(sources=(A, B))
LIST = ".tidings.json"


@pytest.fixture
def full(store: Store, folder: Path) -> Store:  # noqa: F811
    """A planet of thirty posts, published."""
    configure(store, A, B)
    receive(store, A, *(post(number) for number in range(30)))
    publish(store, folder, OURS)
    return store


def forget_name(folder: Path) -> None:  # noqa: F811
    """Makes the list one of those that did not name their database yet."""
    listed = json.loads((folder / LIST).read_text())
    del listed["site"]
    (folder / LIST).write_text(json.dumps(listed))


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("count", [0, 40])
def test_another_database_takes_nothing_away(folder: Path, tmp_path: Path, count: int) -> None:  # noqa: F811
    """An empty one, or one begun anew, leaves the folder as it is, and the error says which and what to do; when its
    list is deleted the folder is filled from the other one."""
    before = snapshot(folder)
    with open_store(tmp_path / "other" / "tidings.db") as other:
        configure(other, A, B)
        receive(other, B, *(post(f"new-{number}") for number in range(count)))
        with pytest.raises(TidingsError, match=r"public: .*another database.*delete .*public/\.tidings\.json"):
            publish(other, folder, OURS)
        assert snapshot(folder) == before
        (folder / LIST).unlink()
        publish(other, folder, OURS)
        assert publish(other, folder, OURS) == []
    assert len(list((folder / "posts").glob("*.html"))) == count if count else not (folder / "posts").exists()


def test_a_database_without_most_of_the_posts_takes_nothing_away(
    full: Store,
    folder: Path,  # noqa: F811
) -> None:
    """As with a backup that was made when there were few: what is there stays, and the error says how much it is."""
    with full.write():
        full.conn.execute("DELETE FROM posts WHERE id > 10")
    before = snapshot(folder)
    with pytest.raises(TidingsError, match=r"public: 20 of its 30 posts are not in the database.*delete"):
        publish(full, folder, OURS)
    assert snapshot(folder) == before
    (folder / LIST).unlink()
    assert "posts/30.html" in names(folder, publish(full, folder, OURS))


@pytest.mark.usefixtures("full")
def test_a_list_that_cannot_be_read_leaves_a_folder_to_its_own_database(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """Cut short, it says no more whose the files are; the combined feed beside it does. Another database touches
    nothing, and neither does any where that feed is gone, too."""
    (folder / LIST).write_bytes((folder / LIST).read_bytes()[:100])
    before = snapshot(folder)
    with open_store(tmp_path / "other" / "tidings.db") as other:
        configure(other, A, B)
        with pytest.raises(TidingsError, match=r"public: its list .*cannot be read.*delete .*public/\.tidings\.json"):
            publish(other, folder, OURS)
    assert snapshot(folder) == before


def test_an_old_copy_beside_a_list_that_cannot_be_read_takes_nothing_away(
    full: Store,
    folder: Path,  # noqa: F811
) -> None:
    """The pages that are there are counted then, as those of a list are."""
    (folder / LIST).write_bytes(b"{")
    with full.write():
        full.conn.execute("DELETE FROM posts WHERE id > 10")
    before = snapshot(folder)
    with pytest.raises(TidingsError, match=r"public: 20 of its 30 posts are not in the database.*delete"):
        publish(full, folder, OURS)
    assert snapshot(folder) == before
    (folder / "atom.xml").unlink()
    with pytest.raises(TidingsError, match="cannot be read"):
        publish(full, folder, OURS)


def test_settings_take_away_as_much_as_they_say(full: Store, folder: Path) -> None:  # noqa: F811
    """A source that is not published any more is gone at once, with all of its posts: nobody has to be asked twice."""
    publish(full, folder, settings(sources=(B,)))
    assert not (folder / "posts").exists()


def test_a_list_without_a_name_is_taken_over(full: Store, folder: Path) -> None:  # noqa: F811
    """Lists did not say whose they are: the next pass writes it there, and touches nothing else."""
    before = snapshot(folder)
    named = (folder / LIST).read_bytes()
    forget_name(folder)
    assert publish(full, folder, OURS) == []
    assert snapshot(folder) == before
    assert (folder / LIST).read_bytes() == named


@pytest.mark.parametrize(
    ("missing", "listed", "refused"),
    [(0, 0, False), (20, 20, False), (21, 21, True), (0, 40, False), (20, 40, False), (21, 40, True)],
)
def test_half_of_more_than_twenty_posts(missing: int, listed: int, refused: bool) -> None:
    """Of twenty posts all may be missing, of more than that half."""
    assert lacks_most(missing, listed) == refused


def test_pages_of_posts_are_told_from_others() -> None:
    """Only what is called as the page of a post counts, by its id."""
    assert posts_among(["posts/7.html", "posts/x.html", "archive/8.html", "posts/9.xml", "index.html"]) == {7}
