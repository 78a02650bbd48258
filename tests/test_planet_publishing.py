"""Publishing the planet again: only what a change touches is written, and the result is what a new folder would get."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.stocking import START, blog, configure, edit, post, receive, state_of
from tests.test_publish import folder, names, settings, snapshot  # noqa: F401  # a fixture
from tidings.errors import RenderError, StoreError
from tidings.model import FeedChange, Source
from tidings.posts.sketch import sketch
from tidings.publish import publish
from tidings.records import replace as changed
from tidings.render.environment import Templates
from tidings.shelving import Leaf, bring_up, read_list
from tidings.store import Store, holding, open_store, posts, pruning, stories

FEEDS = ("atom.xml", "rss.xml", "feed.json")
TEXT = "Words that say something about the sea and the boats on it, and how they come home. " * 3


def pages(folder: Path, written: list[Path]) -> set[str]:  # noqa: F811
    """The names of what was written, without feeds."""
    return {name for name in names(folder, written) if not name.endswith(FEEDS)}


def many(store: Store, sources: list[Source], count: int) -> None:
    """Stores `count` posts, an hour apart, of the sources by turns."""
    for number in range(count):
        one = sources[number % len(sources)]
        at = START + timedelta(hours=number)
        receive(store, one, post(number, published=at, title=f"Number {number}", text=TEXT), now=at)


# ------------------------------------------------------------------------------------------------- what is written


@pytest.fixture
def planet(store: Store) -> tuple[Store, list[Source]]:
    """Three hundred posts of six blogs, two of which are about the sea."""
    sources = [blog(f"b{number}", tags=("sea",) if number < 2 else ("land",)) for number in range(6)]
    configure(store, *sources)
    many(store, sources, 300)
    return store, sources


def test_a_new_post_writes_what_it_touches(planet: tuple[Store, list[Source]], folder: Path) -> None:  # noqa: F811
    """Of some 340 files: the first page, the lists that it is on, its own page and that of the one before it."""
    store, sources = planet
    ours = settings(sources=sources)
    assert len(publish(store, folder, ours)) > 320
    at = START + timedelta(hours=301)
    receive(store, sources[0], post(301, published=at, title="Fresh", text=TEXT), now=at)
    fresh = store.rows("SELECT max(id) AS id FROM posts")[0]["id"]
    assert pages(folder, publish(store, folder, ours)) == {
        "index.html",
        "archive/index.html",
        f"archive/{at:%Y-%m}.html",
        "tags/index.html",
        "tags/sea/index.html",
        "sources/index.html",
        "sources/b0/index.html",
        f"posts/{fresh}.html",
        "posts/295.html",
        "sitemap-posts-0.xml",
    }
    assert publish(store, folder, ours) == []


def test_a_headline_that_changes_writes_what_shows_it(
    planet: tuple[Store, list[Source]],
    folder: Path,  # noqa: F811
) -> None:
    """An old post is on no first page: its own page, its neighbours', and the part of each list that has it."""
    store, sources = planet
    ours = settings(sources=sources)
    publish(store, folder, ours)
    old = posts.find(store, posts.PostQuery('"Number 2"'))[0]
    edit(store, sources[2], old, title="Otherwise", published=old.published, text=TEXT)
    assert pages(folder, publish(store, folder, ours)) == {
        "archive/2026-11.html",
        "tags/land/index-1.html",
        "sources/b2/index.html",
        f"posts/{old.id}.html",
        f"posts/{old.id + 6}.html",
        "sitemap-posts-0.xml",
    }


@pytest.mark.parametrize(
    ("written", "month", "rfc822"),
    [
        (datetime(1969, 7, 20, 20, 17, tzinfo=UTC), "1969-07", "Sun, 20 Jul 1969 20:17:00 GMT"),
        (datetime(987, 6, 5, 4, 3, 2, tzinfo=UTC), "0987-06", "Tue, 05 Jun 0987 04:03:02 GMT"),
        (datetime(1, 1, 2, tzinfo=UTC), "0001-01", "Tue, 02 Jan 0001 00:00:00 GMT"),
        (datetime(9999, 12, 31, tzinfo=UTC), f"{START:%Y-%m}", f"{START:%a, %d %b %Y %H:%M:%S} GMT"),
    ],
)
def test_any_year_is_published(store: Store, folder: Path, written: datetime, month: str, rfc822: str) -> None:  # noqa: F811
    """Reading takes dates from 1990 to 2100 only; a database that has others, from whatever hand, is published all the
    same: in a month of its own, with years of four digits, and none that is yet to come."""
    one = blog("a")
    configure(store, one)
    receive(store, one, post(1, published=written, text=TEXT))
    publish(store, folder, settings(sources=[one]))
    assert (folder / f"archive/{month}.html").exists()
    stamp = f"{written:%m-%dT%H:%M:%SZ}" if written < START else f"{START:%m-%dT%H:%M:%SZ}"
    for name in ("sitemap-posts-0.xml", "atom.xml", "feed.json"):
        assert f"{month[:4]}-{stamp}" in (folder / name).read_text(), name
    assert f"<pubDate>{rfc822}</pubDate>" in (folder / "rss.xml").read_text()


def test_a_blog_that_goes_leaves_its_address_to_nobody(store: Store, folder: Path) -> None:  # noqa: F811
    """Neither its page nor its feeds come to be those of a blog that is called alike, by then or later."""
    first, second, third = (blog(name, tags=("sea",)) for name in ("a.b", "a b", "a-b"))
    configure(store, first, second)
    for one in (first, second):
        receive(store, one, post(1, title=f"By {one.name}", text=TEXT))
    publish(store, folder, settings(sources=[first, second]))
    kept = {path.name for path in (folder / "sources").iterdir()} - {"a-b"}
    for left in ([second], [third, second]):
        configure(store, *left)
        publish(store, folder, settings(sources=left))
        assert not (folder / "sources/a-b").exists()
        assert kept <= {path.name for path in (folder / "sources").iterdir()}


def test_a_post_without_a_title_has_one_name(store: Store, folder: Path) -> None:  # noqa: F811
    """The pages beside it call it by its text, as its own does, and follow an edit of that; where texts are not shown,
    none does."""
    one = blog("a")
    configure(store, one)
    for number, title in enumerate(("First", "", "Last")):
        at = START + timedelta(hours=number)
        receive(store, one, post(number, title=title, published=at, text=f"Boats {number} come home"), now=at)
    for content, told in (("full", "Boats 1 come home"), ("title", "Untitled")):
        publish(store, folder, settings(sources=[blog("a", content=content)]))
        assert [told in (folder / f"posts/{number}.html").read_text() for number in (1, 2, 3)] == [True] * 3
    edit(store, one, posts.find(store, posts.PostQuery())[1], title="", text="Ships stay out", now=START)
    publish(store, folder, settings(sources=[one]))
    assert ["Ships stay out" in (folder / f"posts/{number}.html").read_text() for number in (1, 2, 3)] == [True] * 3


def test_what_goes_is_taken_away(planet: tuple[Store, list[Source]], folder: Path) -> None:  # noqa: F811
    """A source that is not configured any more leaves nothing behind, not even its folder."""
    store, sources = planet
    publish(store, folder, settings(sources=sources))
    assert (folder / "posts/1.html").exists()
    written = names(folder, publish(store, folder, settings(sources=sources[1:])))
    assert {"posts/1.html", "sources/b0/index.html"} <= written
    assert not (folder / "posts/1.html").exists()
    assert not (folder / "sources/b0").exists()
    assert b"b0.example" not in b"".join(path.read_bytes() for path in folder.rglob("*.html"))


# ------------------------------------------------------------------------------------ the same as from the beginning


@dataclass
class World:
    """A planet to which things happen, and the folder that follows it."""

    store: Store
    root: Path
    sources: list[Source] = field(
        default_factory=lambda: [blog("a", tags=("sea",)), blog("b"), blog("c", tags=("Go",))]
    )
    values: dict[str, Any] = field(default_factory=dict)
    now: datetime = START
    number: int = 0

    def settings(self) -> Any:
        return settings(sources=self.sources, **self.values)

    def apply(self, kind: str, which: int) -> None:
        self.now += timedelta(hours=7)
        configure(self.store, *self.sources, now=self.now)
        one = self.sources[which % len(self.sources)]
        getattr(self, kind)(one, which)
        configure(self.store, *self.sources, now=self.now)

    def any_post(self, which: int) -> Any:
        found = posts.find(self.store, posts.PostQuery(limit=1000))
        return found[which % len(found)] if found else None

    def new(self, one: Source, which: int) -> None:
        self.number += 1
        back = self.now - timedelta(days=which % 50)
        told = f"https://story.example/{which % 3}" if which % 2 else ""
        receive(self.store, one, post(self.number, published=back, story_url=told, text=TEXT), now=self.now)

    def edited(self, _one: Source, which: int) -> None:
        if found := self.any_post(which):
            home = next((source for source in self.sources if source.name == found.source), None)
            if home:
                edit(self.store, home, found, now=self.now, title=f"Edited {which}", tags=("x",) * (which % 2))

    def retagged(self, one: Source, which: int) -> None:
        at = self.sources.index(one)
        self.sources[at] = changed(one, tags=(("go", "new") if which % 2 else ()))

    def held(self, one: Source, _which: int) -> None:
        self.number += 1
        change = FeedChange(new=(post(self.number, text=TEXT),), held=True)
        posts.save(self.store, state_of(self.store, one).feed_id, change, self.now)

    def released(self, one: Source, _which: int) -> None:
        holding.release(self.store, state_of(self.store, one).feed_id, self.now)

    def pruned(self, _one: Source, which: int) -> None:
        keep = pruning.Retention(timedelta(hours=which % 30), 0, self.sources, [], sketch)
        pruning.prune(self.store, keep, self.now)

    def merged(self, _one: Source, which: int) -> None:
        first, second = self.any_post(which), self.any_post(which // 3 + 1)
        if first and second and first.source != second.source:
            try:
                stories.merge(self.store, first.id, second.id, self.now)
            except StoreError:
                return

    def split(self, _one: Source, which: int) -> None:
        if found := self.any_post(which):
            stories.split(self.store, found.id, self.now)

    def removed(self, one: Source, _which: int) -> None:
        if len(self.sources) > 1:
            self.sources.remove(one)

    def renamed(self, one: Source, which: int) -> None:
        self.sources[self.sources.index(one)] = changed(one, name=f"renamed {which}")

    def hidden(self, one: Source, which: int) -> None:
        at = self.sources.index(one)
        self.sources[at] = changed(one, publish=not one.publish, content=("title", "excerpt", None)[which % 3])

    def told_otherwise(self, _one: Source, which: int) -> None:
        self.values = {"title": f"Planet {which}", "limit": which % 7 + 1, "search": bool(which % 2)}

    def drawn_otherwise(self, _one: Source, which: int) -> None:
        own = self.root / "templates"
        own.mkdir(exist_ok=True)
        (own / "planet-style.html").write_text(f".post{{margin:{which}px}}")
        self.values = self.values | {"templates": Templates(own)}


KINDS = [
    "new", "new", "new", "edited", "retagged", "held", "released", "pruned", "merged", "split", "removed", "renamed",
    "hidden", "told_otherwise", "drawn_otherwise",
]  # fmt: skip
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 60)), min_size=1, max_size=9)


def tree(folder: Path) -> dict[str, bytes]:  # noqa: F811
    return {name: content for name, (content, _, _) in snapshot(folder).items()}


@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(before=STEPS, after=STEPS)
def test_any_history_gives_what_a_new_folder_gets(
    before: list[tuple[str, int]], after: list[tuple[str, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens, and whenever it is published in between: the folder is byte for byte what a folder that is
    empty is made into, and nothing is left to be done."""
    root = tmp_path_factory.mktemp("world")
    with open_store(root / "tidings.db") as store:
        world = World(store, root)
        for kind, which in (("new", 1), ("new", 2), *before):
            world.apply(kind, which)
        publish(store, root / "public", world.settings())
        for place, (kind, which) in enumerate(after):
            world.apply(kind, which)
            if place % 3 == 0:
                publish(store, root / "public", world.settings())
        publish(store, root / "public", world.settings())
        publish(store, root / "fresh", world.settings())
        assert tree(root / "public") == tree(root / "fresh")
        assert publish(store, root / "public", world.settings()) == []
    shutil.rmtree(root)


# ------------------------------------------------------------------------------------------------- what goes wrong


@pytest.fixture
def small(store: Store, folder: Path) -> Store:  # noqa: F811
    sources = [blog("a"), blog("b")]
    configure(store, *sources)
    many(store, sources, 12)
    publish(store, folder, settings(sources=sources))
    return store


SMALL = settings(sources=(blog("a"), blog("b")))
MANIFEST = ".tidings.json"


def test_a_lost_list_writes_no_file_again(small: Store, folder: Path) -> None:  # noqa: F811
    """All is made once more and compared; nothing that readers see is touched."""
    before = snapshot(folder)
    (folder / MANIFEST).unlink()
    assert publish(small, folder, SMALL) == []
    assert snapshot(folder) == before
    assert json.loads((folder / MANIFEST).read_text())["version"] == 1


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"version":1}',
        b'{"version":99,"files":{}}',
        b'{"version":1,"files":[]}',
        b'{"version":1,"files":{"index.html":["x"]}}',
        b'{"version":1,"files":{"index.html":null}}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_list_is_made_anew(small: Store, folder: Path, damage: bytes) -> None:  # noqa: F811
    """Whatever stands in it, the pages are right afterwards and so is the list."""
    before = tree(folder)
    (folder / MANIFEST).write_bytes(damage)
    (folder / "index.html").write_bytes(b"changed by hand")
    assert names(folder, publish(small, folder, SMALL)) == {"index.html"}
    assert tree(folder) == before
    assert publish(small, folder, SMALL) == []


@pytest.mark.parametrize("path", ["../precious.txt", "/etc/passwd", "posts/../../precious.txt", ""])
def test_a_list_leads_nowhere_else(small: Store, folder: Path, path: str) -> None:  # noqa: F811
    """A path in it that is not below the folder is nobody's to take away."""
    precious = folder.parent / "precious.txt"
    precious.write_text("mine")
    listed = json.loads((folder / MANIFEST).read_text())
    listed["files"][path] = ["key", 4, 0, "mark"]
    (folder / MANIFEST).write_text(json.dumps(listed))
    publish(small, folder, SMALL)
    assert precious.read_text() == "mine"


def test_without_a_list_only_what_is_ours_goes(small: Store, folder: Path) -> None:  # noqa: F811
    """The page of a post that was withdrawn meanwhile goes; what the operator put there stays."""
    for name in ("CNAME", "favicon.ico", "posts/mine.html", "notes/mine.html"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    small.conn.execute("UPDATE posts SET held_at = '' WHERE id = 3")
    (folder / MANIFEST).unlink()
    assert "posts/3.html" in names(folder, publish(small, folder, SMALL))
    assert not (folder / "posts/3.html").exists()
    assert (folder / "posts/mine.html").read_text() == (folder / "notes/mine.html").read_text() == "mine"
    assert (folder / "CNAME").exists()


@pytest.mark.parametrize("name", ["index.html", "posts/5.html", "sitemap.xml", "sources/a/index.html", "404.html"])
def test_what_is_lost_or_changed_by_hand_is_written_again(small: Store, folder: Path, name: str) -> None:  # noqa: F811
    """A file that is gone, and one that somebody changed, also to the same size."""
    before = (folder / name).read_bytes()
    (folder / name).unlink()
    assert names(folder, publish(small, folder, SMALL)) == {name}
    (folder / name).write_bytes(b"x" * len(before))
    assert names(folder, publish(small, folder, SMALL)) == {name}
    assert (folder / name).read_bytes() == before


def test_a_copied_folder_is_up_to_date(small: Store, folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """As after a checkout or an unpacked archive: other times, the same bytes."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    before = snapshot(copy)
    assert publish(small, copy, SMALL) == []
    assert snapshot(copy) == before


@pytest.mark.usefixtures("small")
def test_another_database_gets_no_page_wrong(folder: Path, tmp_path: Path) -> None:  # noqa: F811
    """Post 3 of a database that was begun anew is another post: its page is written, though it has the same number. The
    list is one of before lists named their database."""
    listed = json.loads((folder / MANIFEST).read_text())
    del listed["site"]
    (folder / MANIFEST).write_text(json.dumps(listed))
    with open_store(tmp_path / "other" / "tidings.db") as other:
        configure(other, blog("a"), blog("b"))
        many(other, [blog("b"), blog("a")], 9)
        publish(other, folder, SMALL)
        publish(other, tmp_path / "fresh", SMALL)
    assert tree(folder) == tree(tmp_path / "fresh")


def leaf(path: str, key: str, content: bytes | Exception) -> Leaf:
    """A file that is made of these bytes, or cannot be made."""

    def render() -> bytes:
        if isinstance(content, Exception):
            raise content
        return content

    return Leaf(path, key, render)


def bring(folder: Path, leaves: Iterable[Leaf]) -> list[Path]:  # noqa: F811
    """Brings a folder up to date by its own list."""
    return bring_up(folder, leaves, read_list(folder), "")


@pytest.mark.parametrize("mistake", [RenderError("a template"), ValueError("not a date"), RecursionError("too deep")])
def test_what_cannot_be_made_keeps_nothing_else_back(folder: Path, mistake: Exception) -> None:  # noqa: F811
    """Whatever goes wrong with a file: the one before stays, all others are brought up to date and listed, and then it
    is told; the next time it is tried again."""
    bring(folder, [leaf("a.html", "1", b"a"), leaf("b.html", "1", b"b"), leaf("c.html", "1", b"c")])
    with pytest.raises(type(mistake)):
        bring(folder, [leaf("a.html", "2", mistake), leaf("b.html", "2", b"new")])
    assert tree(folder).keys() - {MANIFEST} == {"a.html", "b.html"}
    assert ((folder / "a.html").read_bytes(), (folder / "b.html").read_bytes()) == (b"a", b"new")
    assert bring(folder, [leaf("a.html", "2", b"mended"), leaf("b.html", "2", b"new")]) == [folder / "a.html"]


def test_a_file_that_somebody_takes_away_meanwhile_is_made_the_next_time(folder: Path) -> None:  # noqa: F811
    """That its bytes cannot be had to the disk any more ends nothing."""

    def leaves() -> Iterator[Leaf]:
        yield leaf("a.html", "1", b"a")
        (folder / "a.html").unlink()
        yield leaf("b.html", "1", b"b")

    bring(folder, leaves())
    assert bring(folder, [leaf("a.html", "1", b"a"), leaf("b.html", "1", b"b")]) == [folder / "a.html"]


def test_a_folder_that_cannot_be_is_named(small: Store) -> None:
    """The error says which file, and what to do."""
    with pytest.raises(StoreError, match=r"/dev/null/public.* cannot be written.*check its folder"):
        publish(small, Path("/dev/null/public"), SMALL)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_named(small: Store, folder: Path) -> None:  # noqa: F811
    """The error says which file, and what to do."""
    folder.chmod(0o500)
    try:
        with pytest.raises(StoreError, match=r"cannot be written.*check its folder"):
            publish(small, folder, settings(sources=(blog("a"), blog("b")), title="Other"))
    finally:
        folder.chmod(0o700)


PUBLISHER = """
import sys
from pathlib import Path
from tests.test_planet_publishing import SMALL
from tidings.publish import publish
import dataclasses
from tidings.store import open_store
with open_store(Path(sys.argv[1])) as store:
    print("begun", flush=True)
    publish(store, Path(sys.argv[2]), dataclasses.replace(SMALL, title=sys.argv[3]))
"""


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15, 0.3])
def test_a_publisher_that_is_killed_does_no_harm(small: Store, folder: Path, tmp_path: Path, delay: float) -> None:  # noqa: F811
    """Killed in the middle, it leaves whole files; the next pass makes of them what a new folder gets."""
    command = [sys.executable, "-c", PUBLISHER, str(small.path), str(folder), "Killed"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    for content in tree(folder).values():
        assert content.endswith((b"</html>\n", b">\n", b"</html>", b"}\n", b"xml\n")), content[-80:]
    publish(small, folder, dataclasses.replace(SMALL, title="Healed"))
    publish(small, tmp_path / "fresh", dataclasses.replace(SMALL, title="Healed"))
    assert tree(folder) == tree(tmp_path / "fresh")
    assert not list(folder.rglob("*.partial"))
