"""The publish pipe: files that change only when they must, and what is in them."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, edit, only, post, receive, state_of
from tidings.config import load
from tidings.errors import RenderError, StoreError, TidingsError
from tidings.model import FeedChange, IssueContent, IssueItem, Source
from tidings.publish import PublishSettings, publish, publish_due
from tidings.render.environment import Templates
from tidings.store import Store, exclusive_folder, holding, issue_states, issues, open_store, posts

A, B = blog("a"), blog("b")
ATOM = {"atom": "http://www.w3.org/2005/Atom"}


def settings(**values: Any) -> PublishSettings:
    defaults: dict[str, Any] = {
        "title": "Planet",
        "url": "https://planet.example",
        "language": "en",
        "timezone": "UTC",
        "limit": 100,
        "content": "full",
        "sources": (A, B),
    }
    return PublishSettings(**defaults | values)


@pytest.fixture
def stocked(store: Store) -> Store:
    configure(store, A, B)
    receive(store, A, post(1), post(2))
    receive(store, B, post(3))
    return store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "public"


def freeze(store: Store, number: int, name: str = "daily") -> None:
    item = IssueItem(number, 1, "https://a.example/1", f"Item {number}", "a", "", "", None, "en", "ltr", "", "", True)
    at = START + timedelta(days=number)
    content = IssueContent(
        name, f"The {name}", number, f"Subject {number}", at, "UTC", "en", "Planet", "https://planet.example", (item,)
    )
    issues.freeze(store, content, [], None, START)


def names(folder: Path, written: list[Path]) -> set[str]:
    return {str(path.relative_to(folder)) for path in written}


def snapshot(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file but the hidden ones with its bytes, inode and time: what differs when a file is written again."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {name: content for name, (content, *_) in snapshot(folder).items()}


def entry_titles(folder: Path) -> list[str]:
    root = ElementTree.parse(folder / "atom.xml")
    return [str(title.text) for title in root.findall("atom:entry/atom:title", ATOM)]


def entry_ids(folder: Path) -> dict[str, str]:
    """Title → Atom id of every entry."""
    root = ElementTree.parse(folder / "atom.xml")
    entries = root.findall("atom:entry", ATOM)
    return {str(one.findtext("atom:title", "", ATOM)): str(one.findtext("atom:id", "", ATOM)) for one in entries}


def feed_id(folder: Path) -> str:
    return str(ElementTree.parse(folder / "atom.xml").findtext("atom:id", namespaces=ATOM))


# ------------------------------------------------------------------------------------------------------- files


def test_the_files_of_a_site(stocked: Store, folder: Path) -> None:
    """Feed, page and past issues are written, with every source's posts in them, and nothing else is left behind."""
    freeze(stocked, 1)
    files = names(folder, publish(stocked, folder, settings()))
    assert {"atom.xml", "index.html", "issues/daily-1.html", "issues/daily.xml"} <= files
    assert set(snapshot(folder)) == files
    assert sorted(entry_titles(folder)) == ["Post 1", "Post 2", "Post 3"]
    page = (folder / "index.html").read_text()
    assert all(f"Post {n}" in page for n in (1, 2, 3))
    assert "issues/daily-1.html" in page
    assert "Item 1" in (folder / "issues/daily-1.html").read_text()


def test_an_empty_site_has_its_files_too(store: Store, folder: Path) -> None:
    """Before the first post there is a valid feed and a page."""
    configure(store, A, B)
    publish(store, folder, settings())
    assert entry_titles(folder) == []
    publish(store, folder, settings(sources=()))
    assert entry_titles(folder) == []


def test_publishing_again_writes_nothing(stocked: Store, folder: Path) -> None:
    """Without a change not one file is touched, not even by another process at another time."""
    freeze(stocked, 1)
    publish(stocked, folder, settings())
    before = snapshot(folder)
    assert publish(stocked, folder, settings()) == []
    with open_store(stocked.path) as again:
        assert publish(again, folder, settings()) == []
    assert snapshot(folder) == before


def test_a_poll_that_changed_nothing_changes_no_file(stocked: Store, folder: Path) -> None:
    """Polling again without news leaves the bytes as they are, so caches stay warm; the day on which a blog was fetched
    is on its own page alone."""
    publish(stocked, folder, settings())
    receive(stocked, A, now=START + timedelta(hours=2))
    assert publish(stocked, folder, settings()) == []
    receive(stocked, A, now=START + timedelta(days=2))
    assert names(folder, publish(stocked, folder, settings())) == {"sources/a/index.html"}


def test_only_what_changed_is_written(stocked: Store, folder: Path) -> None:
    """A new post concerns feed and page and leaves issues alone; a lost file is made again, and it alone."""
    freeze(stocked, 1)
    publish(stocked, folder, settings())
    receive(stocked, A, post(4))
    written = names(folder, publish(stocked, folder, settings()))
    assert {"atom.xml", "index.html"} <= written
    assert not any(name.startswith("issues/") for name in written)
    (folder / "atom.xml").unlink()
    assert names(folder, publish(stocked, folder, settings())) == {"atom.xml"}
    (folder / "atom.xml").write_bytes(b"")
    assert names(folder, publish(stocked, folder, settings())) == {"atom.xml"}


def test_a_file_is_replaced_as_a_whole(stocked: Store, folder: Path) -> None:
    """Who has the old feed open goes on reading the old feed: the new one is another file under its name."""
    publish(stocked, folder, settings())
    with (folder / "atom.xml").open("rb") as reader:
        start = reader.read(100)
        receive(stocked, A, post(4, title="Fresh"))
        publish(stocked, folder, settings())
        assert b"Fresh" not in start + reader.read()
    assert b"Fresh" in (folder / "atom.xml").read_bytes()


@pytest.mark.parametrize("in_the_way", ["public", "public/atom.xml/", "public/index.html/", "public/issues"])
def test_a_file_that_cannot_be_written_is_named(stocked: Store, folder: Path, in_the_way: str) -> None:
    """When something is in the way, the error names it, no half file is left, and the files before it are whole."""
    freeze(stocked, 1)
    obstacle = folder.parent / in_the_way
    obstacle.parent.mkdir(exist_ok=True)
    if in_the_way.endswith("/"):
        (obstacle / "x").mkdir(parents=True)
    else:
        obstacle.write_text("")
    with pytest.raises(StoreError, match=in_the_way.strip("/")):
        publish(stocked, folder, settings())
    assert list(folder.parent.rglob("*.partial")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_leaves_the_old_files_and_no_partial_ones(stocked: Store, folder: Path) -> None:
    """When a file can't be written to its end, readers keep the old one and the half is taken away."""
    publish(stocked, folder, settings())
    before = snapshot(folder)
    receive(stocked, A, post(4))
    (folder / ".tidings.partial").symlink_to("/dev/full")
    with pytest.raises(StoreError, match=r"atom\.xml.*disk"):
        publish(stocked, folder, settings())
    assert snapshot(folder) == before
    assert [path.name for path in folder.glob(".*")] == [".tidings.json"]


def test_a_partial_file_of_a_process_that_died_does_no_harm(stocked: Store, folder: Path) -> None:
    """What a killed process left half-written is written anew and gone afterwards."""
    folder.mkdir()
    (folder / ".tidings.partial").write_text("half a fe")
    publish(stocked, folder, settings())
    assert len(entry_titles(folder)) == 3
    assert list(folder.rglob("*.partial")) == []


def test_several_publishers_at_once_leave_whole_files(stocked: Store, folder: Path) -> None:
    """Daemon and command publishing the same folder at the same moment don't write into each other's files."""
    receive(stocked, A, *(post(n, content_html=f"<p>{'long ' * 400}</p>") for n in range(10, 60)))
    failures: list[Exception] = []

    def work(title: str) -> None:
        try:
            with open_store(stocked.path) as mine:
                for _ in range(4):
                    publish(mine, folder, settings(title=title))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"Planet {n}" * n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(entry_titles(folder)) == 53
    assert list(folder.rglob("*.partial")) == []


def test_of_two_databases_one_has_a_folder(stocked: Store, folder: Path, tmp_path: Path) -> None:
    """Two that publish into the same new folder at once take turns: the files are those of the first, and the second is
    told whose they are."""
    other, start, told = tmp_path / "other" / "tidings.db", threading.Barrier(2), dict[Path, str]()
    with open_store(other) as mine:
        configure(mine, A, B)
        receive(mine, A, *(post(number, title="Of the other") for number in range(40)))

    def work(path: Path) -> None:
        with open_store(path) as mine:
            start.wait()
            try:
                publish(mine, folder, settings())
            except TidingsError as error:
                told[path] = str(error)

    threads = [threading.Thread(target=work, args=(path,)) for path in (stocked.path, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [(second, why)] = told.items()
    assert "made by another database" in why
    with open_store(other if second == stocked.path else stocked.path) as first:
        publish(first, tmp_path / "alone", settings())
    assert contents(folder) == contents(tmp_path / "alone")


def test_publishing_waits_for_who_publishes_in_the_folder(stocked: Store, folder: Path) -> None:
    """Who is told to stop meanwhile writes nothing."""
    folder.mkdir()
    with exclusive_folder(folder), pytest.raises(StoreError, match="stopped while waiting"):
        publish(stocked, folder, settings(), lambda: True)
    assert list(folder.iterdir()) == []
    publish(stocked, folder, settings())
    assert {path.name for path in folder.glob(".*")} == {".tidings.json"}


# ------------------------------------------------------------------------------------------------------- content


def test_a_story_of_two_sources_is_shown_once(stocked: Store, folder: Path) -> None:
    """Of two copies the first one is in the feed and on the page."""
    receive(stocked, A, post(5, title="The story", story_url="https://x.example/1"))
    receive(stocked, B, post(6, title="The copy", story_url="https://x.example/1"))
    publish(stocked, folder, settings())
    assert "The story" in entry_titles(folder)
    assert "The copy" not in entry_titles(folder)
    assert "The copy" not in (folder / "index.html").read_text()


def test_a_removed_source_leaves_the_page(stocked: Store, folder: Path) -> None:
    """Posts and blogroll entry of a source no longer configured are gone, also when its name is given to another."""
    publish(stocked, folder, settings())
    assert "a.example" in (folder / "index.html").read_text()
    renamed = replace(B, name="a")
    configure(stocked, renamed)
    publish(stocked, folder, settings(sources=(renamed,)))
    assert entry_titles(folder) == ["Post 3"]
    assert "https://a.example" not in (folder / "index.html").read_text()


def test_an_edit_is_published(stocked: Store, folder: Path) -> None:
    """A corrected post replaces the old text everywhere."""
    publish(stocked, folder, settings())
    edit(stocked, A, only(stocked, words='"Post 1"'), title="Corrected")
    assert {"atom.xml", "index.html"} <= names(folder, publish(stocked, folder, settings()))
    assert "Corrected" in entry_titles(folder)
    assert "Post 1" not in entry_titles(folder)


@pytest.mark.parametrize(
    ("usual", "own", "shown", "hidden"),
    [
        ("full", None, ["The end of it"], []),
        ("full", "excerpt", ["Words"], ["The end of it"]),
        ("full", "title", ["Headline"], ["Words", "The end of it"]),
        ("title", "full", ["The end of it"], []),
        ("title", None, ["Headline"], ["Words", "The end of it"]),
    ],
)
def test_the_feed_shows_what_a_source_allows(
    store: Store, folder: Path, usual: str, own: Any, shown: list[str], hidden: list[str]
) -> None:
    """A source's own setting wins over the usual one, in the feed and on the page."""
    one = blog("a", content=own)
    configure(store, one)
    text = "Words and words. " * 60 + "The end of it."
    receive(store, one, post(1, title="Headline", text=text, content_html=f"<p>{text}</p>"))
    publish(store, folder, settings(sources=(one,), content=usual))
    feed, page = (folder / "atom.xml").read_text(), (folder / "index.html").read_text()
    assert all(words in feed for words in shown)
    assert not any(words in feed for words in hidden)
    assert "The end of it" not in page
    assert ("Words" in page) == ((own or usual) != "title")


@pytest.mark.parametrize("url", ["https://planet.example/atom.xml", "http://www.planet.example/atom.xml?utm_source=x"])
def test_what_our_own_feed_brings_is_not_published_again(stocked: Store, folder: Path, url: str) -> None:
    """Who follows the combined feed, as a check that it works, publishes no post a second time under another id: it
    would come back as one more at each poll."""
    own = replace(blog("own"), url=url)
    configure(stocked, A, B, own)
    receive(stocked, own, post(1, guid="tag:planet,2026:1"))
    publish(stocked, folder, settings(sources=(A, B, own)))
    assert sorted(entry_titles(folder)) == ["Post 1", "Post 2", "Post 3"]


def test_a_source_that_is_not_published_is_nowhere(stocked: Store, folder: Path) -> None:
    """With `publish = false` neither a post nor the name of a source is in any file."""
    quiet = replace(B, publish=False)
    publish(stocked, folder, settings(sources=(A, quiet)))
    assert sorted(entry_titles(folder)) == ["Post 1", "Post 2"]
    files = snapshot(folder)
    assert not any(b"b.example" in content or b"Post 3" in content for content, _, _ in files.values())


def test_an_entry_keeps_its_id_when_its_feed_renews_the_guid(stocked: Store, folder: Path) -> None:
    """An id must not change on re-publication: other planets would take the entry for a new one. And nobody else gets
    it, not even a post whose guid it is."""
    publish(stocked, folder, settings())
    before = entry_ids(folder)
    first = only(stocked, words='"Text 1"')
    edit(stocked, A, first, guid="tag:a.example,2026:renewed", title="Post 1")
    made = next(entry_id for entry_id in before.values() if entry_id.startswith("urn:uuid:"))
    receive(stocked, B, post(4, guid=made))
    publish(stocked, folder, settings())
    after = entry_ids(folder)
    assert {title: after[title] for title in before} == before
    assert after["Post 4"] not in before.values()


def test_the_limit_keeps_the_newest(stocked: Store, folder: Path) -> None:
    """A feed of two holds the two newest, newest first."""
    receive(stocked, B, post(9), now=START + timedelta(hours=1))
    publish(stocked, folder, settings(limit=2))
    assert entry_titles(folder)[0] == "Post 9"
    assert len(entry_titles(folder)) == 2


def test_the_feed_keeps_its_name_for_life(stocked: Store, folder: Path, tmp_path: Path) -> None:
    """The feed's id survives restarts, a new title and a new address; two sites never share one."""
    publish(stocked, folder, settings())
    name = feed_id(folder)
    with open_store(stocked.path) as again:
        publish(again, folder, settings(title="New", url="https://elsewhere.example"))
    assert feed_id(folder) == name
    assert name.startswith("urn:uuid:")
    with open_store(tmp_path / "other" / "tidings.db") as other:
        publish(other, tmp_path / "elsewhere", settings(sources=()))
    assert feed_id(tmp_path / "elsewhere") != name


def test_an_entry_keeps_its_id_when_others_leave_the_feed(store: Store, folder: Path) -> None:
    """Of two posts with one guid the later one does not inherit it when the earlier is no longer among the newest."""
    configure(store, A, B)
    receive(store, A, post(1, guid="tag:x.example,2026:1"))
    receive(store, B, post(2, guid="tag:x.example,2026:1"), now=START + timedelta(hours=1))
    publish(store, folder, settings(limit=2))
    before = entry_ids(folder)
    publish(store, folder, settings(limit=1))
    assert before["Post 1"] == "tag:x.example,2026:1"
    assert entry_ids(folder) == {"Post 2": before["Post 2"]}


def test_an_entry_keeps_its_id_when_its_source_moves(stocked: Store, folder: Path) -> None:
    """A new address of a source makes none of its posts new to readers."""
    publish(stocked, folder, settings())
    before = entry_ids(folder)
    moved = replace(A, url="https://moved.example/feed")
    configure(stocked, moved, B)
    publish(stocked, folder, settings(sources=(moved, B)))
    assert "https://moved.example/feed" in (folder / "atom.xml").read_text()
    assert entry_ids(folder) == before


def test_an_entry_that_left_the_feed_leaves_its_id_to_none(store: Store, folder: Path) -> None:
    """A second post that its blog calls by the same id, and that comes when the first is in the feed no more, is an
    entry of its own to who reads the feed."""
    configure(store, A)
    receive(store, A, post(1, guid="same"))
    publish(store, folder, settings(sources=(A,), limit=1))
    first = entry_ids(folder)["Post 1"]
    receive(store, A, post(2, guid="same"), now=START + timedelta(hours=1))
    publish(store, folder, settings(sources=(A,), limit=1))
    assert list(entry_ids(folder)) == ["Post 2"]
    assert entry_ids(folder)["Post 2"] != first


def test_a_source_of_another_name_has_feeds_of_another_id(stocked: Store, folder: Path) -> None:
    """Its folder and its feeds go by its name, its entries do not."""
    publish(stocked, folder, settings())
    renamed = replace(A, name="other")
    before, whole = feed_id(folder / "sources" / "a"), entry_ids(folder)
    configure(stocked, renamed, B)
    publish(stocked, folder, settings(sources=(renamed, B)))
    assert not (folder / "sources" / "a").exists()
    assert feed_id(folder / "sources" / "other") != before
    assert entry_ids(folder) == whole


def test_after_a_backup_is_put_back_no_other_post_has_an_id_of_the_lost_time(
    stocked: Store, folder: Path, tmp_path: Path
) -> None:
    """Numbers of posts are given again, ids of entries are not: what comes again has its own, what is new a new one."""
    stocked.conn.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
    receive(stocked, A, post(4), now=START + timedelta(hours=1))
    publish(stocked, folder, settings())
    lost = entry_ids(folder)
    with open_store(tmp_path / "backup.db") as restored:
        receive(restored, B, post(5, guid="5"), now=START + timedelta(hours=2))
        receive(restored, A, post(4), now=START + timedelta(hours=3))
        publish(restored, folder, settings())
    found = entry_ids(folder)
    assert found["Post 5"] not in lost.values()
    assert {title: found[title] for title in lost} == lost


def test_issue_pages_lead_to_their_neighbours(store: Store, folder: Path) -> None:
    """Each issue links to the one before and after it of its own edition; the first and last have one neighbour."""
    configure(store, A, B, editions=[edition(), edition(name="weekly")])
    for number in (1, 2, 3):
        freeze(store, number)
    freeze(store, 2, "weekly")
    publish(store, folder, settings())

    def leads_to(name: str) -> set[str]:
        page = (folder / "issues" / f"{name}.html").read_text()
        every = ("daily-1", "daily-2", "daily-3", "weekly-2")
        return {other for other in every if f'href="{other}.html"' in page}

    assert leads_to("daily-1") == {"daily-2"}
    assert leads_to("daily-2") == {"daily-1", "daily-3"}
    assert leads_to("daily-3") == {"daily-2"}
    assert leads_to("weekly-2") == set()


def test_a_new_issue_changes_only_its_neighbour(store: Store, folder: Path) -> None:
    """An issue's page stays as it was mailed, but for the link to the next one."""
    configure(store, A, B)
    for number in (1, 2):
        freeze(store, number)
    publish(store, folder, settings())
    freeze(store, 3)
    written = names(folder, publish(store, folder, settings()))
    assert {"index.html", "issues/daily-2.html", "issues/daily-3.html", "issues/daily.xml"} <= written
    assert "issues/daily-1.html" not in written


# ------------------------------------------------------------------------------------------------------- due


def test_publishing_is_due_after_changes_only(stocked: Store, folder: Path) -> None:
    """Due at first, not again until a post or an issue comes, and due over a restart."""
    assert publish_due(stocked, folder, settings()) != []
    (folder / "atom.xml").unlink()
    assert publish_due(stocked, folder, settings()) == []
    receive(stocked, A, post(4))
    with open_store(stocked.path) as again:
        assert "atom.xml" in names(folder, publish_due(again, folder, settings()))
    assert publish_due(stocked, folder, settings()) == []
    freeze(stocked, 1)
    assert "issues/daily-1.html" in names(folder, publish_due(stocked, folder, settings()))


def test_publishing_that_failed_is_still_due(stocked: Store, folder: Path) -> None:
    """When files could not be written, the next time tries again."""
    folder.write_text("in the way")
    with pytest.raises(StoreError):
        publish_due(stocked, folder, settings())
    folder.unlink()
    assert publish_due(stocked, folder, settings()) != []


@pytest.mark.parametrize("other", [replace(B, name="renamed"), replace(B, url="https://moved.example/feed")])
def test_a_configuration_that_is_no_longer_followed_publishes_nothing(
    stocked: Store, folder: Path, other: Source
) -> None:
    """Renamed or moved in the file by another process: what was read before would take posts away that are there. No
    file changes, and the operator is told what to do."""
    publish(stocked, folder, settings())
    before = snapshot(folder)
    configure(stocked, A, other)
    receive(stocked, A, post(4))
    with pytest.raises(TidingsError, match="names other sources by now; restart `tidings run`"):
        publish_due(stocked, folder, settings())
    assert snapshot(folder) == before
    assert publish_due(stocked, folder, settings(sources=(A, other))) != []


def test_publishing_anyway_brings_what_no_change_did(stocked: Store, folder: Path) -> None:
    """Polls without news want no publishing; the day of the last one is brought up to date now and then."""
    publish_due(stocked, folder, settings())
    receive(stocked, A, now=START + timedelta(days=2))
    assert publish_due(stocked, folder, settings()) == []
    assert names(folder, publish_due(stocked, folder, settings(), anyway=True)) == {"sources/a/index.html"}


def test_publishing_elsewhere_leaves_the_site_due(stocked: Store, folder: Path, tmp_path: Path) -> None:
    """Writing the files into some other folder by hand does not make the served ones up to date."""
    publish_due(stocked, folder, settings())
    receive(stocked, A, post(4, title="Fresh"))
    publish(stocked, tmp_path / "elsewhere", settings())
    assert "atom.xml" in names(folder, publish_due(stocked, folder, settings()))
    assert "Fresh" in entry_titles(folder)


COPIED = {
    "story_url": "https://a.example/piece",
    "title": "The last fax machine in the building",
    "text": "Every word of this is the same in both places, and there are quite enough words of it to tell. " * 9,
}


def test_a_story_keeps_the_id_that_it_came_with(store: Store, folder: Path) -> None:
    """A story is in the feed by the copy that was there while its first post was held; let go, that does not replace
    it. Once the copy's source has left, and come back, the feed stays with what it shows."""
    configure(store, A, B)
    feed_id = state_of(store, A).feed_id
    posts.save(store, feed_id, FeedChange(new=(post(1, **COPIED),), held=True), START)
    receive(store, B, post(2, **COPIED))
    assert [row["story"] for row in store.rows("SELECT story FROM posts")] == [1, 1]
    publish(store, folder, settings())
    [shown] = entry_ids(folder).values()
    holding.release(store, feed_id, START)
    publish(store, folder, settings())
    assert list(entry_ids(folder).values()) == [shown]
    publish(store, folder, settings(sources=(A,)))
    [other] = entry_ids(folder).values()
    assert other != shown
    publish(store, folder, settings())
    assert list(entry_ids(folder).values()) == [other]


def test_what_is_in_the_feed_is_noted_once(stocked: Store, folder: Path) -> None:
    """Publishing again writes nothing into the database."""
    publish(stocked, folder, settings())
    before = stocked.conn.total_changes
    publish(stocked, folder, settings())
    assert stocked.conn.total_changes == before
    assert [row["in_feed"] for row in stocked.rows("SELECT in_feed FROM posts")] == [1, 1, 1]


def test_each_edition_has_a_feed_of_its_issues(stocked: Store, folder: Path) -> None:
    """It has the issues that the archive has, newest first, and pages lead to it; a new issue of another edition leaves
    its bytes alone."""
    editions = (edition(name="daily", title="The daily"), edition(name="weekly", title="The weekly"))
    freeze(stocked, 1)
    freeze(stocked, 2)
    publish(stocked, folder, settings(editions=editions))
    feed = ElementTree.parse(folder / "issues" / "daily.xml")
    links = [link.get("href") for link in feed.iterfind("atom:entry/atom:link", ATOM)]
    assert links == [f"https://planet.example/issues/daily-{number}.html" for number in (2, 1)]
    assert 'href="issues/daily.xml"' in (folder / "index.html").read_text(encoding="utf-8")
    assert 'href="../issues/daily.xml"' in (folder / "issues" / "daily-1.html").read_text(encoding="utf-8")
    before = snapshot(folder)["issues/daily.xml"]
    freeze(stocked, 3, "weekly")
    written = names(folder, publish(stocked, folder, settings(editions=editions)))
    assert "issues/weekly.xml" in written
    assert snapshot(folder)["issues/daily.xml"] == before


def test_a_feed_of_issues_has_none_that_is_kept_back(stocked: Store, folder: Path) -> None:
    """What is held has no entry, until it is let go."""
    daily = edition(name="daily", title="The daily")
    freeze(stocked, 1)
    issue_states.hold(stocked, 1, START)
    publish(stocked, folder, settings(editions=(daily,)))
    assert b"daily-1.html" not in (folder / "issues" / "daily.xml").read_bytes()
    issue_states.release(stocked, 1, START)
    publish(stocked, folder, settings(editions=(daily,)))
    assert b"daily-1.html" in (folder / "issues" / "daily.xml").read_bytes()


def test_an_edition_that_is_gone_keeps_its_feed(stocked: Store, folder: Path) -> None:
    """Its issues stay in the archive and lead to it, under the title that its newest has."""
    freeze(stocked, 1)
    publish(stocked, folder, settings())
    assert 'href="../issues/daily.xml"' in (folder / "issues" / "daily-1.html").read_text(encoding="utf-8")
    feed = ElementTree.parse(folder / "issues" / "daily.xml")
    assert feed.findtext("atom:title", namespaces=ATOM) == "The daily"


# ------------------------------------------------------------------------------------------------------- templates


def test_a_broken_template_holds_up_nothing_else(stocked: Store, folder: Path, tmp_path: Path) -> None:
    """What it is not for is published, what is kept back is taken away, and then it is an error; the next time it is
    tried again."""
    for number in (1, 2):
        freeze(stocked, number)
    publish(stocked, folder, settings())
    old = (folder / "issues/daily-1.html").read_bytes()
    issue_states.hold(stocked, 2, START)
    receive(stocked, A, post(4, title="Fresh"))
    own = tmp_path / "templates"
    own.mkdir()
    (own / "issue.html").write_text("\n{{ nothing }}")
    broken = settings(templates=Templates(own))
    for _ in range(2):
        with pytest.raises(RenderError, match=r"Template issue\.html, line 2"):
            publish_due(stocked, folder, broken)
    assert "Fresh" in entry_titles(folder)
    assert "Fresh" in (folder / "index.html").read_text()
    assert (folder / "issues/daily-1.html").read_bytes() == old
    assert not (folder / "issues/daily-2.html").exists()
    (own / "issue.html").unlink()
    assert names(folder, publish_due(stocked, folder, broken)) == {"issues/daily-1.html"}


def test_addresses_of_the_site_are_in_ascii(store: Store, folder: Path, tmp_path: Path) -> None:
    """Letters beyond ASCII in [site] url and in tags are written as URIs want them wherever a program reads the
    address of a file: in lists for search engines, feeds and the heads of pages."""
    file = tmp_path / "config.toml"
    file.write_text('[site]\ntitle = "P"\nurl = "https://plänet.example/blögs/"\ncontact = "https://a.example"\n')
    sea = blog("a", tags=("Möwe",))
    configure(store, sea)
    receive(store, sea, post(1))
    publish(store, folder, settings(url=load(file).site.url, sources=(sea,)))
    made = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.*")}
    found = {name: re.findall(r"https?://(?:pl|xn--pl)[^\"<>\s]*", text) for name, text in made.items()}
    for name in ("sitemap.xml", "robots.txt", "rss.xml", "atom.xml", "feed.json", "index.html", "tags/möwe/index.html"):
        assert found[name], name
    raw = {address for some in found.values() for address in some if not address.isascii()}
    assert raw == set()
    assert all(one.startswith("https://xn--plnet-hra.example/bl%C3%B6gs/") for some in found.values() for one in some)


def test_the_list_of_blogs_leads_to_them(store: Store, folder: Path) -> None:
    """sources.opml names the page of each blog that is known and can be followed, and calls a tag what pages call it,
    whatever its spellings: each is one folder."""
    one, two, new = blog("a", tags=("Machine Learning",)), blog("b", tags=("machine  learning", "Go")), blog("c")
    configure(store, one, two, new)
    receive(store, one, post(1))
    receive(store, two, post(2))
    publish(store, folder, settings(sources=(one, two, new)))
    body = ElementTree.parse(folder / "sources.opml").getroot()[1]
    assert [(outline.get("text"), len(outline)) for outline in body] == [("Machine Learning", 2), ("c", 0)]
    homes = {outline.get("text"): outline.get("htmlUrl") for outline in body.iter() if outline.get("xmlUrl")}
    assert homes == {"a": "https://a.example/", "b": "https://b.example/", "c": None}
    assert body[0][1].get("category") == "/Machine Learning,/Go"
