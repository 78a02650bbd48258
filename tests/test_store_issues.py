"""Editions and issues as stored: what an edition may carry, freezing, numbers, slots."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import edition
from tests.stocking import START, blog, configure, edit, only, post, receive, scalar
from tidings.model import AlsoIn, Edition, Enclosure, IssueContent, IssueItem, Source, StoredPost, UpdateItem
from tidings.store import Store, issues, judging, open_store, posts, site, slots, stories
from tidings.store.issues import Letter
from tidings.store.posts import PostQuery

A, B, C = blog("a"), blog("b"), blog("c")
DAILY = edition()
HOUR = timedelta(hours=1)


def content(number: int = 1, stories: tuple[int, ...] = (), name: str = "daily", at: datetime = START) -> IssueContent:
    items = tuple(
        IssueItem(story, story, "", f"Story {story}", "a", "", "", None, "en", "ltr", "", "", True) for story in stories
    )
    return IssueContent(name, "The daily", number, "Subject", at, "UTC", "en", "Planet", "https://p.example", items)


def offered(
    store: Store, one: Edition = DAILY, *, backfill: int = 3, sources: tuple[Source, ...] = (A, B, C)
) -> list[str]:
    """What an edition may carry, by title."""
    names = [source.name for source in sources]
    return [found.title.removeprefix("Post ") for found in issues.candidates(store, one.name, names, backfill)]


def carry(store: Store, one: Edition = DAILY, *, backfill: int = 3, sources: tuple[Source, ...] = (A, B, C)) -> None:
    """Freezes an issue of all that the edition may carry."""
    found = issues.candidates(store, one.name, [source.name for source in sources], backfill)
    stories = tuple(dict.fromkeys(one.story for one in found))
    with store.write():
        issues.freeze(store, content(issues.next_number(store, one.name), stories, one.name), [], None, START)
        issues.settle(store, one.name, backfill)


# ------------------------------------------------------------------------------------------------------- candidates


def test_of_what_was_there_first_only_the_newest_are_offered(store: Store) -> None:
    """What a source brings when it is first read is backlog: its newest by date are offered, in order of arrival."""
    configure(store, A)
    receive(store, A, *(post(n, published=START - timedelta(days=(n * 7) % 10 + 1)) for n in range(10)))
    assert offered(store) == ["0", "3", "6"]
    assert offered(store, backfill=0) == []
    assert len(offered(store, backfill=99)) == 10


def test_everything_that_comes_later_is_offered(store: Store) -> None:
    """Posts of later polls are news, all of them, however old their dates are."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(10)))
    receive(store, A, *(post(n, published=START - timedelta(days=4000)) for n in range(10, 20)), now=START + HOUR)
    assert offered(store) == ["7", "8", "9", *map(str, range(10, 20))]


def test_a_source_first_read_empty_has_no_backlog(store: Store) -> None:
    """A blog that is new itself: its first posts are all news, though other sources had posts by then."""
    configure(store, A, B)
    receive(store, A)
    receive(store, B, post(100))
    receive(store, A, *(post(n) for n in range(10)))
    assert offered(store, sources=(A,)) == [str(n) for n in range(10)]


def test_a_source_that_failed_at_first_has_its_backlog_when_it_is_read(store: Store) -> None:
    """The first reading counts, not the first attempt, and not what other sources brought meanwhile."""
    configure(store, A, B)
    receive(store, B, *(post(f"b{n}") for n in range(5)))
    receive(store, A, *(post(n) for n in range(10)))
    assert offered(store, sources=(A,)) == ["7", "8", "9"]


def test_a_new_edition_takes_backfill_of_what_is_there_and_all_that_follows(store: Store) -> None:
    """An edition set up later is not flooded with the archive."""
    configure(store, A)
    receive(store, A, post(0))
    receive(store, A, *(post(n) for n in range(1, 10)))
    weekly = edition(name="weekly")
    configure(store, A, editions=[DAILY, weekly], now=START + HOUR)
    receive(store, A, post(10), post(11))
    assert offered(store, weekly) == ["7", "8", "9", "10", "11"]
    assert offered(store) == [str(n) for n in range(12)]


def test_a_source_that_joins_by_a_change_of_tags(store: Store) -> None:
    """A source that an edition comes to cover later joins with its backfill; until then nothing of it is offered."""
    news = edition(name="news", tags=("news",))
    configure(store, A, B, editions=[news])
    receive(store, A, *(post(n) for n in range(9)))
    assert offered(store, news, sources=()) == []
    assert offered(store, news) == []
    tagged = replace(A, tags=("news",))
    configure(store, tagged, B, editions=[news])
    receive(store, A, post(9))
    assert offered(store, news, sources=(tagged,)) == ["6", "7", "8", "9"]


def test_a_source_that_left_is_not_offered(store: Store) -> None:
    """Only posts of the sources named are offered, whatever joined before."""
    configure(store, A, B)
    receive(store, A, post(1))
    receive(store, B, post(2))
    assert offered(store, sources=(B,)) == ["2"]


def test_what_was_not_frozen_is_still_offered(store: Store) -> None:
    """Posts wait as long as it takes, beside those that come meanwhile."""
    configure(store, A)
    receive(store, A)
    for n in range(5):
        receive(store, A, post(n), now=START + n * timedelta(days=30))
        assert offered(store) == [str(one) for one in range(n + 1)]


def test_a_carried_story_is_not_offered_again(store: Store) -> None:
    """After an issue, only what it did not carry is offered; other editions are not concerned."""
    weekly = edition(name="weekly")
    configure(store, A, editions=[DAILY, weekly])
    receive(store, A)
    receive(store, A, post(1), post(2))
    carry(store)
    assert offered(store) == []
    assert offered(store, weekly) == ["1", "2"]
    receive(store, A, post(3))
    assert offered(store) == ["3"]


def test_a_story_carried_through_one_source_is_not_offered_through_another(store: Store) -> None:
    """A copy that comes in after the issue, in another source, is the same story."""
    configure(store, A, B)
    receive(store, A)
    receive(store, B)
    receive(store, A, post(1, story_url="https://x.example/1"))
    carry(store)
    receive(store, B, post(2, story_url="https://x.example/1"), post(3))
    assert offered(store) == ["3"]


def test_the_backlog_is_not_refilled_after_its_issue(store: Store) -> None:
    """Once the newest of the backlog are carried, the older ones do not move up."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(10)))
    carry(store)
    assert offered(store) == []


def test_an_edited_post_is_not_offered_again(store: Store) -> None:
    """A correction after the issue is no new story."""
    configure(store, A)
    receive(store, A, post(1))
    carry(store)
    edit(store, A, only(store), title="Post corrected", published=START + HOUR)
    assert offered(store) == []


def test_a_moved_source_does_not_flood(store: Store) -> None:
    """With a new URL, posts already known stay carried and new ones are offered."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(5)))
    carry(store)
    moved = replace(A, url="https://new.example/feed")
    configure(store, moved)
    receive(store, moved, post(5))
    assert offered(store, sources=(moved,)) == ["5"]


# ----------------------------------------------------------------------------------------------------------- rules


def hide(store: Store, *numbers: int, at: datetime) -> None:
    """The rules of the source A change so that exactly these posts are excluded from then on."""
    hidden = {f"Post {number}" for number in numbers}
    judging.judge_again(store, A.url, lambda one: "title: x" if one.title in hidden else "", f"{at}", at)


def test_excluded_posts_are_not_offered(store: Store) -> None:
    """Neither news nor backlog; of the backlog the newest that are shown are offered."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(6)))
    receive(store, A, post(6), post(7), now=START + HOUR)
    hide(store, 4, 6, at=START + 2 * HOUR)
    assert offered(store) == ["2", "3", "5", "7"]


def test_undoing_a_rule_before_the_next_issue_changes_nothing(store: Store) -> None:
    """News and backlog that were hidden for a while are offered as before, to the editions that made no issue."""
    weekly = edition(name="weekly")
    configure(store, A, editions=[DAILY, weekly])
    receive(store, A, *(post(n) for n in range(5)))
    receive(store, A, post(5), post(6), now=START + HOUR)
    before = offered(store)
    carry(store, weekly)
    hide(store, 3, 5, at=START + 2 * HOUR)
    hide(store, at=START + 3 * HOUR)
    assert offered(store) == before == ["2", "3", "4", "5", "6"]
    assert offered(store, weekly) == []


def test_what_rules_kept_out_of_an_issue_is_no_news_later(store: Store) -> None:
    """A rule taken away after an issue does not fill the next one with the past; new posts come as ever, and an edition
    that made no issue meanwhile carries them."""
    weekly = edition(name="weekly")
    configure(store, A, editions=[DAILY, weekly])
    receive(store, A)
    receive(store, A, post(1), post(2))
    hide(store, 1, at=START + HOUR)
    issues.freeze(store, content(1, (2,), at=START + 2 * HOUR), [], None, START + 2 * HOUR)
    receive(store, A, post(3), now=START + 3 * HOUR)
    hide(store, at=START + 4 * HOUR)
    assert offered(store) == ["3"]
    assert offered(store, weekly) == ["1", "2", "3"]


def looked_at(store: Store) -> list[tuple[int, int]]:
    """Up to where the daily edition need not look, in news and backlog of each source."""
    return [tuple(row) for row in store.rows("SELECT settled_id, settled_backfill FROM edition_sources")]


def test_an_issue_is_made_without_looking_at_all_that_came_before(store: Store) -> None:
    """What issues carried is not looked at again; what waits is, with all that its source brought since, and the
    backlog while there is more of it to take."""
    configure(store, A, B, C)
    receive(store, A, post(1), post(2))
    receive(store, B)
    receive(store, B, post(3), post(4))
    assert looked_at(store) == [(0, -1)] * 3
    carry(store)
    assert looked_at(store) == [(4, 3), (4, 3), (4, -1)]
    receive(store, A, post(5), post(6), post(7))
    receive(store, B, post(8))
    with store.write():
        issues.freeze(store, content(2, (5, 7)), [], None, START)
        issues.settle(store, "daily", 1)
    assert looked_at(store) == [(5, 3), (7, 3), (8, -1)]
    assert offered(store) == ["6", "8"]
    receive(store, C, post(9))
    assert offered(store) == ["6", "8", "9"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE posts SET excluded = 'x' WHERE id = 2",
        "UPDATE posts SET held_at = '' WHERE id = 2",
        "UPDATE posts SET dated = '2026-01-01' WHERE id = 2",
        "UPDATE posts SET story = 2 WHERE id = 1",
        "DELETE FROM issue_items WHERE story = 2",
    ],
)
def test_what_could_be_news_again_is_looked_at_again(store: Store, change: str) -> None:
    """Whoever changes what decides on a post, or takes it from the ledger, the edition looks at its story again."""
    configure(store, A)
    receive(store, A, post(1))
    receive(store, A, post(2), post(3))
    carry(store)
    assert looked_at(store) == [(3, 3)]
    store.conn.execute("UPDATE posts SET title = 'Other', excluded = excluded, story = story")
    assert looked_at(store) == [(3, 3)]
    store.conn.execute(change)
    [(settled, backfill)] = looked_at(store)
    assert settled < 2
    assert backfill == -1


def test_a_rule_that_comes_and_goes_keeps_out_only_while_it_is_there(store: Store) -> None:
    """A post that waits while an issue is made, between two times that a rule hid it, goes on waiting; one hidden when
    the second issue is made is no news any more, and stays so when the rule comes once more."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1), post(2), post(3))
    for hour in (1, 4):
        hide(store, 1, at=START + hour * HOUR)
        hide(store, at=START + (hour + 1) * HOUR)
        if hour == 1:
            issues.freeze(store, content(1, (3,), at=START + 3 * HOUR), [], None, START + 3 * HOUR)
    assert offered(store) == ["1", "2"]
    hide(store, 2, at=START + 6 * HOUR)
    issues.freeze(store, content(2, (), at=START + 7 * HOUR), [], None, START + 7 * HOUR)
    for hour in (8, 9, 10):
        hide(store, *([2] if hour == 9 else []), at=START + hour * HOUR)
        assert offered(store) == ["1"]


def test_an_edit_of_a_post_that_was_let_in_again_makes_it_no_news(store: Store) -> None:
    """What rules kept out of an issue stays out, whatever its author changes once it is let in; only the author who
    changed what kept it out makes it news."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1))
    hide(store, 1, at=START + HOUR)
    issues.freeze(store, content(1, (), at=START + 2 * HOUR), [], None, START + 2 * HOUR)
    hide(store, at=START + 3 * HOUR)
    edit(store, A, only(store), title="Post 1", text="Edited")
    assert offered(store) == []
    hide(store, 1, at=START + 4 * HOUR)
    edit(store, A, only(store, excluded=True), title="Post 9")
    assert offered(store) == ["9"]


def test_what_was_hidden_when_a_slot_passed_is_no_news_later(store: Store) -> None:
    """A slot without an issue, because everything was excluded, counts as one."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1))
    hide(store, 1, at=START + HOUR)
    slots.record(store, "daily", "2026-11-23T14:00", START + 2 * HOUR)
    hide(store, at=START + 3 * HOUR)
    assert offered(store) == []


def test_hiding_what_was_carried_brings_nothing_older_up(store: Store) -> None:
    """The backlog of an edition is what it was: an excluded post that was carried keeps its place."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(10)))
    carry(store)
    hide(store, 8, 9, at=START + HOUR)
    assert offered(store) == []


def test_a_post_whose_author_changed_what_excluded_it_is_news(store: Store) -> None:
    """It is the post that changed, not the rules: readers have not seen it, and it is what they asked for."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1, excluded="title: x"))
    issues.freeze(store, content(1, (), at=START + HOUR), [], None, START + HOUR)
    edit(store, A, only(store, excluded=True))
    assert offered(store) == ["1"]


def test_a_story_excluded_in_one_source_is_offered_through_another(store: Store) -> None:
    """Rules are those of a source: what one does not want, another may bring."""
    configure(store, A, B)
    receive(store, A)
    receive(store, B)
    receive(store, A, post(1, story_url="https://s.example/1", excluded="title: x"))
    receive(store, B, post(2, story_url="https://s.example/1"))
    assert offered(store) == ["2"]


# ------------------------------------------------------------------------------------------------------- updates


@pytest.fixture
def carried(store: Store) -> Store:
    """Three posts of A, all of which an issue of the edition has shown, the last without its text."""
    configure(store, A, B)
    receive(store, A)
    receive(store, B)
    receive(store, A, post(1), post(2), post(3))
    issues.freeze(store, shown(store, 1, "1", "2", "3"), [], None, START)
    return store


def shown(store: Store, number: int, *names: str, at: datetime = START, updates: tuple[int, ...] = ()) -> IssueContent:
    """An issue that shows these posts as they are, whole, but for post 3, of which it shows the headline; and that
    tells of edits of others."""
    found = {one.title.removeprefix("Post "): one for one in posts.find(store, PostQuery())}
    items = tuple(
        IssueItem(
            one.story, one.id, one.url, one.title, one.source, "", "", None, "en", "ltr", "",
            "" if name == "3" else one.text, name != "3",
        )
        for name in names
        for one in [found[name]]
    )  # fmt: skip
    told = tuple(UpdateItem(post_id, "", "", "", "", "", "ltr", at) for post_id in updates)
    return replace(content(number, at=at), items=items, updates=told)


def told_of(store: Store, name: str = "daily", since: datetime = START, sources: tuple[Source, ...] = (A, B)) -> str:
    """The ids of the edited posts that an edition may tell of."""
    found = issues.edited(store, name, [source.name for source in sources], since)
    return " ".join(sorted(str(one.post.id) for one in found))


def numbered(store: Store, post_id: int) -> StoredPost:
    [found] = [one for one in posts.find(store, PostQuery()) if one.id == post_id]
    return found


def test_a_post_edited_after_its_issue_is_told_of(carried: Store) -> None:
    """With what it says now and what the issue said; none is in another edition, or without an edit."""
    assert told_of(carried) == ""
    edit(carried, A, numbered(carried, 1), START + HOUR, title="Post 1, corrected", text="Other words")
    [one] = issues.edited(carried, "daily", ["a"], START)
    assert (one.post.title, one.post.text, one.post.changed_at) == ("Post 1, corrected", "Other words", START + HOUR)
    assert (one.former_title, one.former_text) == ("Post 1", "Text 1")
    assert told_of(carried, "weekly") == ""


@pytest.mark.parametrize("kind", ["none", "cosmetic"])
def test_a_small_edit_is_not_told_of(carried: Store, kind: str) -> None:
    """Only substantive edits count."""
    edit(carried, A, numbered(carried, 1), START + HOUR, text="Text  1!", edit=kind)
    assert told_of(carried) == ""


def test_an_edit_that_the_issue_had_is_not_told_of(store: Store) -> None:
    """What was edited between polling and its first issue is no update, though the poll's clock be ahead; a later edit
    of it is."""
    configure(store, A)
    receive(store, A)
    receive(store, A, post(1))
    edit(store, A, only(store), START + 2 * HOUR, title="Post 1", text="Second text")
    issues.freeze(store, shown(store, 1, "1"), [], None, START)
    assert told_of(store) == ""
    edit(store, A, only(store), START + 3 * HOUR, title="Post 1", text="Third text")
    [one] = issues.edited(store, "daily", ["a"], START)
    assert one.former_text == "Second text"


def test_an_edit_that_was_saved_after_the_issue_is_told_of_whatever_its_time(carried: Store) -> None:
    """A poll that began before the issue was made, and ended after it, loses no update."""
    edit(carried, A, numbered(carried, 1), START - HOUR, title="Post 1", text="Other words")
    assert told_of(carried, since=START - 2 * HOUR) == "1"


def test_the_first_version_is_what_an_issue_had_if_it_was_replaced_later(carried: Store) -> None:
    """Of a post that the issue showed in part, the text before is known by its first version, unless that was gone by
    the time of the issue."""
    edit(carried, A, numbered(carried, 3), START + HOUR, title="Post 3", text="Other words")
    edit(carried, A, numbered(carried, 3), START + 2 * HOUR, title="Post 3", text="Yet other words")
    [one] = issues.edited(carried, "daily", ["a"], START)
    assert (one.former_text, one.post.text) == ("Text 3", "Yet other words")
    with carried.write():
        carried.conn.execute("UPDATE first_versions SET replaced_at = '2026-01-01'")
    [one] = issues.edited(carried, "daily", ["a"], START)
    assert (one.former_title, one.former_text) == ("Post 3", None)


def test_a_story_is_told_of_once(carried: Store) -> None:
    """After an issue told of it, no later edit of it is told of in this edition; others of their own accord."""
    edit(carried, A, numbered(carried, 1), START + HOUR, title="Post 1", text="Other words")
    edit(carried, A, numbered(carried, 2), START + HOUR, title="Post 2", text="Other words")
    issues.freeze(carried, shown(carried, 2, updates=(1,), at=START + 2 * HOUR), [], None, START + 2 * HOUR)
    edit(carried, A, numbered(carried, 1), START + 3 * HOUR, title="Post 1", text="Yet other words")
    assert told_of(carried) == "2"
    with pytest.raises(sqlite3.IntegrityError):
        issues.freeze(carried, shown(carried, 3, updates=(2, 1)), [], None, START)
    assert scalar(carried, "SELECT count(*) FROM issues") == 2
    assert told_of(carried) == "2"
    issues.freeze(carried, replace(shown(carried, 1, "1", updates=(1,)), edition="weekly"), [], None, START)


def test_joining_and_parting_stories_does_not_tell_of_one_twice(carried: Store) -> None:
    """Two posts that an issue showed, joined by hand after one was told of: the other is the same story. Parted
    again, each is its own."""
    receive(carried, B, post(4))
    issues.freeze(carried, shown(carried, 2, "4"), [], None, START)
    for source, number in ((A, 1), (B, 4)):
        edit(carried, source, numbered(carried, number), START + HOUR, title=f"Post {number}", text="Other words")
    issues.freeze(carried, shown(carried, 3, updates=(4,), at=START + 2 * HOUR), [], None, START + 2 * HOUR)
    assert told_of(carried) == "1"
    stories.merge(carried, 1, 4, START + 2 * HOUR)
    assert told_of(carried) == ""
    stories.split(carried, 4, START + 3 * HOUR)
    assert told_of(carried) == "1"


def test_only_the_post_that_was_shown_is_told_of(carried: Store) -> None:
    """An edit of another blog's copy is none of what readers have read."""
    receive(carried, A, post(7, story_url="https://x.example/7"))
    receive(carried, B, post(8, story_url="https://x.example/7"))
    issues.freeze(carried, shown(carried, 2, "7"), [], None, START)
    original, copy = numbered(carried, 4), numbered(carried, 5)
    assert original.story == copy.story
    edit(carried, B, copy, START + HOUR, title="Post 8", text="Other words")
    assert told_of(carried) == ""


def test_what_is_not_shown_is_not_told_of(carried: Store) -> None:
    """Neither what rules exclude, nor what the brake holds, nor a source the edition has no more, nor old edits."""
    edit(carried, A, numbered(carried, 1), START + HOUR, title="Post 1", text="Other words")
    assert told_of(carried) == "1"
    assert told_of(carried, sources=(B,)) == ""
    assert told_of(carried, since=START + 2 * HOUR) == ""
    hide(carried, 1, at=START + HOUR)
    assert told_of(carried) == ""
    hide(carried, at=START + 2 * HOUR)
    assert told_of(carried) == "1"
    with carried.write():
        carried.conn.execute("UPDATE posts SET held_at = 'then' WHERE id = 1")
    assert told_of(carried) == ""


def test_what_older_versions_froze_has_seen_every_edit(carried: Store) -> None:
    """Issues made before there were updates do not bring up what was edited meanwhile; later edits of theirs count."""
    edit(carried, A, numbered(carried, 1), START + HOUR, title="Post 1", text="Other words")
    with carried.write():
        for undo in (
            "DROP INDEX posts_changed",
            "DROP TABLE issue_updates",
            "ALTER TABLE issue_items DROP COLUMN changed_at",
            "DELETE FROM _sqlite_migrations WHERE name = 'updates'",
        ):
            carried.conn.execute(undo)
    with open_store(carried.path) as again:
        assert told_of(again) == ""
        edit(again, A, numbered(again, 1), START + 2 * HOUR, title="Post 1", text="Yet other words")
        assert told_of(again) == "1"


def test_looking_for_edits_does_not_grow_with_the_archive(carried: Store) -> None:
    """The statement begins with the posts edited of late, and goes through no table."""
    values = {"edition": "daily", "since": "2026"}
    steps = [row["detail"] for row in carried.rows(f"EXPLAIN QUERY PLAN {issues._EDITED}", values)]
    assert any("posts_changed" in step for step in steps)
    assert not [step for step in steps if step.startswith("SCAN")]


# ------------------------------------------------------------------------------------------------------- freezing


def test_an_issue_is_stored_with_its_items_and_deliveries(store: Store) -> None:
    """Items and deliveries are there in their order, and pages are out of date."""
    change = site.publishing_wanted(store)
    assert change is not None
    site.record_published(store, change)
    frozen = content(stories=(3, 1, 2))
    issue_id = issues.freeze(
        store, frozen, [Letter("x@r.example", "<1@p>"), Letter("y@r.example", "<2@p>")], "slot", START
    )
    rows = store.rows("SELECT story, position FROM issue_items WHERE issue_id = ? ORDER BY position", (issue_id,))
    assert [tuple(row) for row in rows] == [(3, 0), (1, 1), (2, 2)]
    rows = store.rows("SELECT address, message_id, state FROM deliveries WHERE issue_id = ? ORDER BY id", (issue_id,))
    assert [tuple(row) for row in rows] == [("x@r.example", "<1@p>", "pending"), ("y@r.example", "<2@p>", "pending")]
    assert [stored.content for stored in issues.frozen(store)] == [frozen]
    assert site.publishing_wanted(store) is not None


@pytest.mark.parametrize(
    "deliveries",
    [
        [Letter("x@r.example", "<1@p>"), Letter("x@r.example", "<2@p>")],
        [Letter("x@r.example", "<1@p>"), Letter("y@r.example", "<1@p>")],
        [Letter("x@r.example", "<1@p>"), Letter(None, "<2@p>")],  # type: ignore[arg-type]
    ],
    ids=["one reader twice", "one Message-ID twice", "no address"],
)
def test_an_issue_that_cannot_be_frozen_whole_is_not_frozen(store: Store, deliveries: list[Letter]) -> None:
    """When its last delivery can't be stored, there is no issue, no item and no delivery."""
    with pytest.raises(sqlite3.IntegrityError):
        issues.freeze(store, content(stories=(1, 2)), deliveries, None, START)
    for table in ("issues", "issue_items", "deliveries"):
        assert scalar(store, f"SELECT count(*) FROM {table}") == 0


def test_no_story_is_frozen_twice_in_an_edition(store: Store) -> None:
    """The database itself refuses a story its edition has carried."""
    issues.freeze(store, content(1, (1, 2)), [], None, START)
    with pytest.raises(sqlite3.IntegrityError):
        issues.freeze(store, content(2, (3, 2)), [], None, START)
    assert scalar(store, "SELECT count(*) FROM issues") == 1
    issues.freeze(store, content(1, (1, 2), "weekly"), [], None, START)


def test_numbers_count_up_by_edition(store: Store) -> None:
    """Every edition counts its own issues from 1."""
    assert issues.next_number(store, "daily") == 1
    issues.freeze(store, content(1), [], None, START)
    issues.freeze(store, content(2), [], None, START)
    assert issues.next_number(store, "daily") == 3
    assert issues.next_number(store, "weekly") == 1
    with pytest.raises(sqlite3.IntegrityError):
        issues.freeze(store, content(2), [], None, START)


def test_frozen_issues_come_newest_first(store: Store) -> None:
    """The archive is in the order of freezing, over all editions."""
    issues.freeze(store, content(1, at=START), [], None, START)
    issues.freeze(store, content(1, name="weekly", at=START + HOUR), [], None, START)
    issues.freeze(store, content(2, at=START + 2 * HOUR), [], None, START)
    assert [(one.content.edition, one.content.number) for one in issues.frozen(store)] == [
        ("daily", 2),
        ("weekly", 1),
        ("daily", 1),
    ]


def test_trouble_is_kept_and_cleared(store: Store) -> None:
    """When to try the mail server again is remembered with the issue, and forgotten when it works."""
    issue_id = issues.freeze(store, content(), [Letter("x@r.example", "<1@p>")], None, START)
    issues.record_trouble(store, [issue_id], START + HOUR, 3)
    [stored] = issues.undelivered(store, "daily")
    assert (stored.retry_at, stored.failures) == (START + HOUR, 3)
    issues.record_trouble(store, [issue_id], None, 0)
    [stored] = issues.undelivered(store, "daily")
    assert (stored.retry_at, stored.failures) == (None, 0)


times = st.datetimes(timezones=st.just(UTC))
texts = st.text(max_size=20)
items = st.builds(
    IssueItem,
    story=st.integers(1, 2**40),
    post_id=st.integers(1, 2**40),
    url=texts,
    title=texts,
    source=texts,
    source_url=texts,
    author=texts,
    published=st.none() | times,
    language=texts,
    direction=st.sampled_from(["ltr", "rtl"]),
    html=texts,
    text=texts,
    whole=st.booleans(),
    enclosures=st.lists(st.builds(Enclosure, texts, texts, st.none() | st.integers(0, 2**60)), max_size=2).map(tuple),
    also_in=st.lists(st.builds(AlsoIn, texts, texts), max_size=2).map(tuple),
)
updates = st.builds(
    UpdateItem,
    post_id=st.integers(1, 2**40),
    url=texts,
    title=texts,
    text=texts,
    source=texts,
    language=texts,
    direction=st.sampled_from(["ltr", "rtl"]),
    changed_at=st.none() | times,
    former_title=texts,
    words_added=st.integers(-(10**6), 10**6),
    quote=texts,
)
contents = st.builds(
    IssueContent,
    edition=texts,
    edition_title=texts,
    number=st.integers(1, 2**40),
    subject=texts,
    frozen_at=times,
    timezone=texts,
    language=texts,
    site_title=texts,
    site_url=texts,
    items=st.lists(items, max_size=3, unique_by=lambda item: item.story).map(tuple),
    updates=st.lists(updates, max_size=3, unique_by=lambda item: item.post_id).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(frozen=contents)
def test_frozen_content_comes_back_as_it_was(store: Store, frozen: IssueContent) -> None:
    """Whatever an issue holds, reading it back gives the same value."""
    with store.write():
        for table in ("deliveries", "issue_items", "issue_updates", "issues"):
            store.conn.execute(f"DELETE FROM {table}")
        issues.freeze(store, frozen, [], None, START)
    assert [stored.content for stored in issues.frozen(store)] == [frozen]


def test_an_issue_without_updates_is_stored_as_ever(store: Store) -> None:
    """What is on disk has no word of them, so an issue frozen by an older version reads the same."""
    issues.freeze(store, content(stories=(1,)), [], None, START)
    assert '"items"' in scalar(store, "SELECT content FROM issues")
    assert "updates" not in scalar(store, "SELECT content FROM issues")
    assert [stored.content.updates for stored in issues.frozen(store)] == [()]


# ------------------------------------------------------------------------------------------------------- slots


def test_a_slot_is_open_until_it_is_recorded(store: Store) -> None:
    """A slot after the edition came to be is open once; recording it twice does no harm."""
    configure(store, A)
    assert slots.is_open(store, "daily", "s1", START + HOUR, START + HOUR)
    slots.record(store, "daily", "s1", START)
    slots.record(store, "daily", "s1", START)
    assert not slots.is_open(store, "daily", "s1", START + HOUR, START + HOUR)
    assert slots.is_open(store, "daily", "s2", START + HOUR, START + HOUR)


@pytest.mark.parametrize("before", [timedelta(), timedelta(microseconds=1), timedelta(days=900)])
def test_a_slot_before_the_edition_came_to_be_is_not_open(store: Store, before: timedelta) -> None:
    """A new edition waits for its first slot after it was set up."""
    configure(store, A)
    assert not slots.is_open(store, "daily", "s", START - before, START)
    assert not slots.is_open(store, "unknown", "s", START + HOUR, START + HOUR)


def test_a_slot_has_its_issue_once_though_many_try(store: Store) -> None:
    """Eight connections that find a slot open at the same moment freeze one issue between them."""
    configure(store, A)
    together = threading.Barrier(8)

    def attempt(_: int) -> bool:
        with open_store(store.path) as mine:
            together.wait(20)
            with mine.write():
                if not slots.is_open(mine, "daily", "s", START + HOUR, START + HOUR):
                    return False
                number = issues.next_number(mine, "daily")
                issues.freeze(mine, content(number), [Letter("x@r.example", f"<{number}@p>")], "s", START)
                slots.record(mine, "daily", "s", START)
                return True

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(8)))
    assert outcomes.count(True) == 1
    assert scalar(store, "SELECT count(*) FROM issues") == 1


def test_the_database_itself_refuses_a_second_issue_for_a_slot(store: Store) -> None:
    """Even code that forgets to ask cannot freeze two issues for one slot; issues without a slot are not limited."""
    issues.freeze(store, content(1), [], "s", START)
    with pytest.raises(sqlite3.IntegrityError):
        issues.freeze(store, content(2), [], "s", START)
    issues.freeze(store, content(2), [], None, START)
    issues.freeze(store, content(3), [], None, START)
