"""Pruning: bodies of old posts go, and nothing else; what is still to be read stays whole."""

from __future__ import annotations

import signal
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import edition, parsed_feed, parsed_post
from tests.deciding import decide
from tests.feeds import blog as document
from tests.origin import Answer, Origin
from tests.sites import Site
from tests.stocking import START, blog, configure, edit, only, post, receive, scalar, state_of, titles
from tests.test_daemon import running, stop, wait_for
from tests.test_healing import text
from tests.test_store_issues import carry, offered
from tidings.demo.sink import free_port
from tidings.model import Edition, Enclosure, FeedChange, Source
from tidings.posts.decide import keys_to_look_up, name, plan
from tidings.posts.sketch import sketch
from tidings.store import Store, arrivals, holding, issues, open_store, posts, pruning
from tidings.store.posts import PostQuery

A, B = blog("a"), blog("b")
DAILY = edition()
DAY = timedelta(days=1)
KEEP = timedelta(days=365)
OLD = START - 400 * DAY
FILE = Enclosure("https://a.example/1.mp3", "audio/mpeg", 7)


def prune(
    store: Store,
    *,
    keep: timedelta | None = KEEP,
    shown: int = 0,
    sources: Sequence[Source] = (A, B),
    editions: Sequence[Edition] = (),
    now: datetime = START,
) -> int:
    return pruning.prune(store, pruning.Retention(keep, shown, sources, editions, sketch), now)


def whole(store: Store) -> list[str]:
    """The titles of the posts that have their texts, by their numbers."""
    found = posts.find(store, PostQuery(limit=100_000)) + posts.find(store, PostQuery(limit=100_000, excluded=True))
    assert all((one.text == "") == (one.content_html == "") for one in found)
    return sorted(one.title.removeprefix("Post ") for one in found if one.text)


def everything(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables that pruning must leave alone, and of posts all columns but those of the body, and the
    number that tells pages that it is another."""
    body = {"content_html", "text", "summary", "content_hash", "pruned_at", "sketch", "revision"}
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        names = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        tables = [name for name in names if not name.startswith("posts_fts") and name not in ("first_versions", "site")]
        assert {"posts", "post_keys", "story_urls", "issue_items", "issues", "edition_sources"} <= set(tables)
        return {
            table: [
                {column: row[column] for column in row.keys() if table != "posts" or column not in body}  # noqa: SIM118
                for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
            ]
            for table in tables
        }


def assert_index_is_whole(path: Path) -> None:
    """The index is sound, and says what the table says (sqlite.org/fts5.html, 6.4: rank 1 compares the two)."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('integrity-check', 1)")
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# ---------------------------------------------------------------------------------------------------- what goes


def test_bodies_go_and_all_else_stays(store: Store) -> None:
    """A pruned post has no text, summary, first version or fingerprint; every other column and table is as it was."""
    configure(store, A, editions=[DAILY])
    receive(store, A, now=OLD)
    receive(store, A, post(1, summary="Sum", author="Ann", tags=("x",), enclosures=(FILE,)), now=OLD)
    carry(store)
    stored = only(store)
    posts.save(
        store, stored.feed_id, FeedChange(changed=(post(1, post_id=stored.id, enclosures=(FILE,), text="B"),)), OLD
    )
    assert scalar(store, "SELECT count(*) FROM first_versions") == 1
    before = everything(store.path)
    assert prune(store, editions=[DAILY]) == 1
    assert everything(store.path) == before
    pruned = only(store)
    assert (pruned.text, pruned.content_html, pruned.summary) == ("", "", "")
    assert (pruned.title, pruned.url, pruned.guid, pruned.enclosures) == (stored.title, stored.url, "guid-1", (FILE,))
    assert scalar(store, "SELECT count(*) FROM first_versions") == 0
    assert scalar(store, "SELECT pruned_at = '2026-11-23T12:00:00.000000+00:00' FROM posts") == 1
    assert posts.known(store, stored.feed_id, ["guid:1"])["guid:1"].content_hash == ""


def test_age_is_by_our_clock(store: Store) -> None:
    """A post dated long ago that came yesterday stays; one dated yesterday that came long ago goes."""
    configure(store, A)
    receive(store, A, post(1, published=OLD - 4000 * DAY), now=START - DAY)
    receive(store, A, post(2, published=START - DAY, updated=START - DAY), now=OLD)
    prune(store)
    assert whole(store) == ["1"]


@pytest.mark.parametrize(("age", "gone"), [(KEEP + timedelta(microseconds=1), 1), (KEEP, 0), (-KEEP, 0)])
def test_a_post_goes_when_it_is_older_than_keep(store: Store, age: timedelta, gone: int) -> None:
    """Its text is kept for the time it says, to the microsecond."""
    configure(store, A)
    receive(store, A, post(1), now=START - age)
    assert prune(store) == gone


def test_forever_prunes_nothing(store: Store) -> None:
    """Without a limit no post is too old."""
    configure(store, A)
    receive(store, A, post(1), now=START - 40_000 * DAY)
    assert prune(store, keep=None) == 0
    assert whole(store) == ["1"]


def test_the_words_leave_the_search_and_the_title_stays_in_it(store: Store) -> None:
    """A pruned post is found by its title and author, not by what its text said; the index is sound."""
    configure(store, A)
    receive(store, A, post(1, title="Kestrel", author="Ann", text="a plover"), now=OLD)
    receive(store, A, post(2, title="Heron", text="one more plover"), now=START)
    prune(store)
    assert titles(store, words="plover") == ["Heron"]
    assert (titles(store, words="kestrel"), titles(store, words="ann")) == (["Kestrel"], ["Kestrel"])
    assert_index_is_whole(store.path)


def test_what_rules_exclude_goes_too_and_stays_excluded(store: Store) -> None:
    """An excluded post is pruned like any other."""
    configure(store, A)
    receive(store, A, post(1, excluded="title: x"), now=OLD)
    assert prune(store, editions=[DAILY], shown=9) == 1
    assert only(store, excluded=True).excluded == "title: x"


# --------------------------------------------------------------------------------------------------- what stays


def test_what_was_edited_lately_stays(store: Store) -> None:
    """An edit that says something new keeps the text as long as a new post would; an old edit does not."""
    configure(store, A)
    receive(store, A, post(1), now=OLD)
    edit(store, A, only(store), text="Edited")
    assert prune(store, now=START + 364 * DAY) == 0
    assert prune(store, now=START + 366 * DAY) == 1


def test_what_an_edition_has_to_carry_waits_whole(store: Store) -> None:
    """News that no issue has carried keep their texts however old they are, and lose them once one has."""
    configure(store, A, B, editions=[DAILY])
    receive(store, A, now=OLD)
    receive(store, A, *(post(n) for n in range(5)), now=OLD)
    assert prune(store, editions=[DAILY]) == 0
    [first, *_] = issues.candidates(store, "daily", ["a"], 3)
    assert first.text == "Text 0"
    carry(store)
    assert prune(store, editions=[DAILY], now=START + DAY) == 5


def test_editions_keep_only_what_they_cover(store: Store) -> None:
    """An edition keeps nothing of a source that it covers no more; one that has left the file keeps nothing at all."""
    news = edition(tags=("news",))
    tagged = [replace(one, tags=("news",)) for one in (A, B)]
    configure(store, *tagged, editions=[news])
    for number, one in enumerate(tagged):
        receive(store, one, now=OLD)
        receive(store, one, post(number), now=OLD)
    assert prune(store, sources=(A, tagged[1]), editions=[news]) == 1
    assert whole(store) == ["1"]
    assert prune(store, sources=tagged, editions=[], now=START + DAY) == 1


def test_of_the_backlog_only_what_is_offered_stays(store: Store) -> None:
    """What a source had before it joined is pruned, but for its newest few while no issue has carried them."""
    configure(store, A, editions=[DAILY])
    receive(store, A, *(post(n, published=OLD - n * DAY) for n in range(9)), now=OLD)
    assert prune(store, editions=[DAILY]) == 6
    assert whole(store) == ["0", "1", "2"]
    carry(store)
    assert prune(store, editions=[DAILY], now=START + DAY) == 3


def test_what_the_pages_show_stays(store: Store) -> None:
    """The newest posts of a planet that has been quiet for a year are still there to read."""
    configure(store, A)
    receive(store, A, *(post(n, published=OLD - n * DAY) for n in range(9)), now=OLD)
    before = posts.newest(store, ["a"], 4)
    assert prune(store, shown=4) == 5
    assert posts.newest(store, ["a"], 4) == before
    receive(store, A, post(10), now=START)
    assert prune(store, shown=4, now=START + DAY) == 1


def test_what_the_combined_feed_shows_stays(store: Store) -> None:
    """It goes by arrival: what was published late stays, although its date is older than those of the pages' posts."""
    configure(store, A, B)
    receive(store, A, now=OLD)
    receive(store, A, *(post(n, published=OLD - n * DAY) for n in range(1, 5)), now=OLD)
    late = (post(n, published=OLD - 900 * DAY) for n in range(5, 8))
    receive(store, A, *late, now=OLD + timedelta(hours=1))
    assert prune(store, shown=3) == 1
    assert whole(store) == ["1", "2", "3", "5", "6", "7"]


def test_what_the_brake_holds_stays(store: Store) -> None:
    """Held posts are still to be looked at, and are news once released."""
    configure(store, A)
    receive(store, A, now=OLD)
    feed_id = state_of(store, A).feed_id
    posts.save(store, feed_id, FeedChange(new=(post(1),), held=True), OLD)
    assert prune(store, editions=[DAILY]) == 0
    holding.release(store, feed_id, START)
    assert prune(store, editions=[DAILY], now=START + DAY) == 0
    assert offered(store) == ["1"]


# --------------------------------------------------------------------------------------------------- when it runs


def test_pruning_twice_does_nothing(store: Store) -> None:
    """A second pass writes nothing, on the same day or on another."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(5)), now=OLD)
    assert prune(store) == 5
    before = everything(store.path), scalar(store, "SELECT max(pruned_at) FROM posts")
    assert (prune(store), prune(store, now=START + 2 * DAY)) == (0, 0)
    assert (everything(store.path), scalar(store, "SELECT max(pruned_at) FROM posts")) == before


def test_nothing_to_do_is_one_look_up(store: Store) -> None:
    """On the day of a pass the next one reads one row and writes none, whatever waits."""
    configure(store, A, editions=[DAILY])
    receive(store, A, now=OLD)
    receive(store, A, *(post(n) for n in range(50)), now=OLD)
    prune(store, editions=[DAILY], shown=9)
    said: list[str] = []
    store.conn.set_trace_callback(said.append)
    assert prune(store, editions=[DAILY], shown=9, now=START + timedelta(hours=23)) == 0
    store.conn.set_trace_callback(None)
    assert len(said) == 1
    assert said[0].startswith("SELECT 1 FROM site")


def test_passes_come_a_day_apart(store: Store) -> None:
    """What grows old meanwhile waits for the next day; a shorter `keep` holds at once."""
    configure(store, A)
    receive(store, A, post(1), now=START - KEEP + timedelta(hours=1))
    receive(store, A, post(2), now=START - 40 * DAY)
    assert prune(store) == 0
    assert prune(store, now=START + timedelta(hours=2)) == 0
    assert prune(store, now=START + DAY) == 1
    assert prune(store, keep=30 * DAY, now=START + DAY) == 1


def test_a_clock_that_was_wrong_once_ends_no_pruning(store: Store) -> None:
    """After a pass in a far future, or with a shorter `keep`, passes go on as before."""
    configure(store, A)
    prune(store, now=START + 9000 * DAY)
    receive(store, A, post(1), now=OLD)
    assert prune(store) == 1


def test_a_pass_that_is_stopped_goes_on_next_time(store: Store) -> None:
    """Between two transactions it looks whether to stop; what is left is done by the next pass, the same day."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(500)), now=OLD)
    retention = pruning.Retention(KEEP, 0, (A,), (), sketch)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 1

    done = pruning.prune(store, retention, START, stop)
    assert 0 < done < 500
    assert len(whole(store)) == 500 - done
    assert pruning.prune(store, retention, START) == 500 - done
    assert_index_is_whole(store.path)


def test_a_great_archive_is_pruned_in_several_passes(store: Store) -> None:
    """One poll prunes no more than a few thousand posts, the next ones the rest, without waiting for another day."""
    configure(store, A)
    receive(store, A, *(post(n, text="a", content_html="a") for n in range(5_100)), now=OLD)
    assert [prune(store), prune(store), prune(store)] == [5_000, 100, 0]


def test_a_great_many_posts_that_wait_do_not_hide_those_behind_them(store: Store) -> None:
    """Where the oldest posts, more than a pass takes, are all still to be carried, what came after them is pruned."""
    news = edition(tags=("news",))
    waiting, behind = replace(A, tags=("news",)), B
    configure(store, waiting, behind, editions=[news], now=OLD)
    for one in (waiting, behind):
        receive(store, one, now=OLD)
    receive(store, waiting, *(post(n, text="a", content_html="a") for n in range(5_100)), now=OLD)
    receive(store, behind, *(post(n) for n in range(6_000, 6_003)), now=OLD + DAY)
    assert prune(store, sources=(waiting, behind), editions=[news]) == 3


# ------------------------------------------------------------------------------------------------- what comes back


def test_a_pruned_post_that_is_rewritten_is_pruned_again(store: Store) -> None:
    """One that came back under other ids gets a text with them, and is pruned no more; what it said at first nobody
    knows. The index stays sound, and the text goes again."""
    configure(store, A)
    receive(store, A, post(1), now=OLD)
    prune(store)
    stored = only(store)
    healed = post(9, post_id=stored.id, title="Post 1", text="Text again", edit="cosmetic")
    posts.save(store, stored.feed_id, FeedChange(healed=(healed,)), START)
    assert titles(store, words="again") == ["Post 1"]
    assert scalar(store, "SELECT pruned_at FROM posts") is None
    assert scalar(store, "SELECT count(*) FROM first_versions") == 0
    assert_index_is_whole(store.path)
    assert prune(store, now=START + DAY) == 1
    assert titles(store, words="again") == []
    assert set(posts.known(store, stored.feed_id, ["guid:1", "guid:9"])) == {"guid:1", "guid:9"}
    assert_index_is_whole(store.path)


def test_a_pruned_post_takes_in_no_other_of_its_title_and_page(store: Store) -> None:
    """An undated programme under the same titles and paths: when the text of the last one is gone, nothing says that
    the next is not new."""
    configure(store, A)
    feed_id = state_of(store, A).feed_id

    def shown(week: int) -> FeedChange:
        halls = {number: f"https://a.example/programme/{number}" for number in range(10, 13)}
        pages = [
            parsed_post(
                guid=f"{week}-{n}", url=url, title=f"Programme {n}", content_html=f"<p>{text(week * 50 + n)}</p>"
            )
            for n, url in halls.items()
        ]
        feed = parsed_feed(*pages)
        known = posts.known(store, feed_id, keys_to_look_up(name(feed)))
        return decide(feed, known, posts.remembered(store, plan(name(feed), known).to_compare))

    posts.save(store, feed_id, shown(1), OLD)
    assert prune(store) == 3
    change = shown(2)
    assert (len(change.new), change.healed) == (3, ())


def test_another_source_s_copy_of_a_pruned_post_is_no_news(store: Store) -> None:
    """A planet that brings a post again years after it was carried joins its story, text or no text."""
    configure(store, A, B, editions=[DAILY])
    receive(store, A, now=OLD)
    receive(store, B, now=OLD)
    page = {"url": "https://a.example/1", "story_url": "https://a.example/1"}
    receive(store, A, post(1, **page), now=OLD)
    carry(store)
    assert prune(store, editions=[DAILY]) == 1
    receive(store, B, post(2, **page), post(3), now=START)
    assert offered(store) == ["3"]


def test_the_same_document_after_pruning_brings_nothing(site: Site, origin: Origin) -> None:
    """Through the real commands: a document read anew after its posts were pruned, in another order, or with other
    texts, brings nothing and changes only what has its text; no issue repeats them; all are listed with title and
    link."""
    site.configure([("blog", origin.url("/blog"))], subscribers=["a@readers.example"], more="\n[feed]\nlimit = 1\n")
    origin.serve("/blog", Answer(200, document([])))
    site.run("poll")
    origin.serve("/blog", Answer(200, document([4, 3, 2, 1])))
    assert site.json("poll", "--all")["new"] == 4
    site.run("send", "weekly")
    _make_older(site, 400)
    assert site.json("poll", "--all")["unchanged"] == 1
    assert [bool(one["content_html"]) for one in site.posts()] == [True, False, False, False]
    edited = document([4, 3, 2, 1]).replace(b"The text of post", b"Quite another story, told at length, of post")
    for again, updated in ((document([4, 3, 2, 1], head="<!-- -->"), 0), (document([1, 2, 3, 4]), 0), (edited, 1)):
        origin.serve("/blog", Answer(200, again))
        report = site.json("poll", "--all")
        assert (report["new"], report["updated"], report["failed"]) == (0, updated, 0)
    found = {one["title"]: one for one in site.posts()}
    assert sorted(found) == ["Post 1", "Post 2", "Post 3", "Post 4"]
    assert found["Post 1"]["url"] == "https://blog.example/1"
    assert [found[f"Post {n}"]["content_html"] for n in (1, 2, 3)] == ["", "", ""]
    assert "Post 1" in site.run("posts").stdout
    assert site.json("posts", "text of post") == []
    assert "nothing was sent" in site.run("send", "weekly").stdout


def test_poll_and_the_daemon_prune_as_the_file_says(site: Site) -> None:
    """The file's `keep` holds for the command and for the daemon, which prunes though nothing is to be polled."""
    path, port = site.folder / "data" / "tidings.db", free_port()
    with open_store(path) as store:
        configure(store, A)
        receive(store, A, post(1), now=datetime.now(UTC) - 60 * DAY)
        receive(store, A, post(2), now=datetime.now(UTC) - 20 * DAY)
    for keep in ("forever", "61d"):
        site.configure([], more=f'\n[store]\nkeep = "{keep}"\n')
        site.run("poll")
        assert _pruned(path) == 0
    site.configure([], listen=f"127.0.0.1:{port}", more='\n[store]\nkeep = "30d"\n')
    with running(site) as process:
        wait_for(lambda: _pruned(path) == 1, process)
        assert stop(process) == 0


def _make_older(site: Site, days: int) -> None:
    """Moves all that was seen into the past, as if the posts had come that long ago."""
    with closing(sqlite3.connect(site.folder / "data" / "tidings.db")) as connection, connection:
        connection.execute(
            "UPDATE posts SET first_seen = strftime('%Y-%m-%dT%H:%M:%S.000000+00:00', first_seen, ?)",
            (f"-{days} days",),
        )
        connection.execute("UPDATE site SET pruned_before = NULL")
        connection.execute("DELETE FROM feed_items")


# ------------------------------------------------------------------------------------------------------ invariants

DAYS = st.integers(0, 1000)


@given(
    batches=st.lists(st.tuples(st.sampled_from([A, B]), DAYS, st.integers(0, 4), st.booleans()), max_size=8),
    keep=st.none() | st.integers(30, 800),
    shown=st.integers(0, 5),
    backfill=st.integers(0, 4),
    carried=st.integers(0, 8),
    tags=st.sampled_from([(), ("news",)]),
)
@settings(max_examples=60)
def test_pruning_forgets_nothing_and_takes_nothing_that_is_still_read(
    batches: list[tuple[Source, int, int, bool]],
    keep: int | None,
    shown: int,
    backfill: int,
    carried: int,
    tags: tuple[str, ...],
) -> None:
    """For any ages, limits and editions: no key, post or story is lost; what an edition offers and what the pages show
    stays the same to the letter; nothing younger is touched; everything else that is older goes."""
    sources, one = (replace(A, tags=("news",)), B), edition(tags=tags, backfill=backfill)
    with TemporaryDirectory() as folder, open_store(Path(folder) / "tidings.db") as store:
        configure(store, *sources, editions=[one])
        for turn, (blog_of, days, count, is_held) in enumerate(sorted(batches, key=lambda batch: -batch[1])):
            new = [post(f"{blog_of.name}-{turn}-{n}", story_url=f"s{n}") for n in range(count)]
            receive(store, blog_of, *new[: count // 2], now=START - days * DAY)
            change = FeedChange(new=tuple(new[count // 2 :]), held=is_held)
            posts.save(store, state_of(store, blog_of).feed_id, change, START - days * DAY)
            if turn == carried:
                carry(store, one, backfill=backfill, sources=sources if not tags else sources[:1])
        names = [source.name for source in sources if one.covers(source)]
        offers = issues.candidates(store, one.name, names, backfill)
        pages = posts.newest(store, ["a", "b"], shown)
        before = everything(store.path)
        pruned = prune(
            store, keep=None if keep is None else keep * DAY, shown=shown, sources=sources, editions=[one], now=START
        )
        assert everything(store.path) == before
        assert issues.candidates(store, one.name, names, backfill) == offers
        assert posts.newest(store, ["a", "b"], shown) == pages
        in_feed = {one.post_id for one in arrivals.latest(store, ["a", "b"], shown)}
        needed = in_feed | {found.id for found in (*offers, *pages)}
        found = posts.find(store, PostQuery(limit=10_000))
        held = {one.id for one in posts.find(store, PostQuery(limit=10_000, held=True))}
        gone = {one.id for one in found if not one.text}
        old = {one.id for one in found if keep is not None and one.first_seen < START - keep * DAY}
        assert gone == old - needed - held
        assert len(gone) == pruned
        assert_index_is_whole(store.path)


# --------------------------------------------------------------------------------------------------------- killed


def test_a_pass_killed_in_the_middle_leaves_whole_or_pruned_posts(site: Site) -> None:
    """A poll that prunes is killed again and again: each post has all of its body or none, the index says what the
    table says, no key is gone, and the next poll goes on."""
    count, path = 3_000, site.folder / "data" / "tidings.db"
    site.configure([])
    with open_store(path) as store:
        configure(store, A)
        new = [post(n, text=f"plover {'word ' * 300}{n}", summary="Sum") for n in range(count)]
        receive(store, A, *new, now=datetime.now(UTC) - 400 * DAY)
    before = everything(path)["post_keys"]
    killed = 0
    for goal in range(1, count, count // 6):
        process = site.start("poll")
        deadline = time.monotonic() + 60
        while process.poll() is None and _pruned(path) < goal:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        killed += process.returncode == -signal.SIGKILL
        _assert_whole_or_pruned(path, count)
    assert killed >= 3
    site.run("poll")
    assert _pruned(path) == count
    _assert_whole_or_pruned(path, count)
    assert everything(path)["post_keys"] == before


def _pruned(path: Path) -> int:
    with closing(sqlite3.connect(path, timeout=60)) as connection:
        return int(connection.execute("SELECT count(*) FROM posts WHERE pruned_at IS NOT NULL").fetchone()[0])


def _assert_whole_or_pruned(path: Path, count: int) -> None:
    assert_index_is_whole(path)
    with closing(sqlite3.connect(path)) as connection:
        bodies = connection.execute(
            "SELECT count(*), sum(text = ''), sum(text = '' AND content_html = '' AND summary = '' AND "
            "content_hash = '' AND pruned_at IS NOT NULL) FROM posts"
        ).fetchone()
        found = connection.execute("SELECT count(*) FROM posts_fts WHERE posts_fts MATCH 'plover'").fetchone()[0]
    assert bodies[0] == count
    assert bodies[1] == bodies[2] == count - found
