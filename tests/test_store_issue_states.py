"""Issues kept from being sent, as stored: review, hold, dropped stories, calling off."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, edit, post, receive, scalar
from tidings.editions.dropping import without
from tidings.errors import StoreError
from tidings.model import Delivery, IssueContent, IssueItem, MoreItem, UpdateItem
from tidings.store import Store, archive, deliveries, issue_states, issues, open_store, posts, site, stories
from tidings.store.deliveries import Settlement
from tidings.store.issues import Letter, StoredIssue
from tidings.store.posts import PostQuery

A, B = blog("a"), blog("b")
HOUR = timedelta(hours=1)
LATER = START + HOUR
REVIEW = START + 2 * HOUR


def content(number: int, *shown: int, more: tuple[int, ...] = (), updates: tuple[int, ...] = ()) -> IssueContent:
    """An issue that shows posts (which are stories of one), and names others."""
    items = tuple(
        IssueItem(n, n, f"https://a.example/{n}", f"Post {n}", "a", "", "", None, "en", "ltr", "", "", True)
        for n in shown
    )
    named = tuple(MoreItem(n, n, "", f"Post {n}", "", "a", "en", "ltr") for n in more)
    told = tuple(UpdateItem(n, "", "", "", "", "", "ltr", START) for n in updates)
    return IssueContent(
        "daily", "The daily", number, "Subject", START, "UTC", "en", "P", "https://p.example", items, told, named
    )


def frozen(store: Store, one: IssueContent, *, review: bool = False) -> StoredIssue:
    letters = [Letter(f"{name}@r.example", f"<{name}-{one.number}@p>") for name in ("ann", "bob")]
    with store.write():
        issues.freeze(store, one, letters, None, START, REVIEW if review else None)
        issues.settle(store, "daily", 3)
    return issue_states.named(store, one.name)


def drop(store: Store, issue: StoredIssue, *posts: int) -> StoredIssue:
    issue_states.freeze_anew(store, issue, without(issue.content, posts), posts, LATER)
    return issue_states.named(store, issue.content.name)


def rows(store: Store, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in store.rows(sql)]


def offered(store: Store) -> list[int]:
    return [one.id for one in issues.candidates(store, "daily", ["a", "b"], 3)]


def ledger(store: Store, number: int = 1) -> list[int]:
    """The posts of an issue's lines, in their order."""
    found = store.rows(
        "SELECT post_id FROM issue_items JOIN issues s ON s.id = issue_id WHERE number = ? ORDER BY position", (number,)
    )
    return [row["post_id"] for row in found]


def first_delivery(store: Store, issue: StoredIssue) -> Delivery:
    return deliveries.lease(store, [issue.id], 1, "resend", LATER)[0]


@pytest.fixture
def stocked(store: Store) -> Store:
    """Five posts of one source, all news, and another source that has none."""
    configure(store, A, B, editions=[edition()])
    receive(store, A)
    receive(store, B)
    receive(store, A, *map(post, range(1, 6)))
    return store


# ------------------------------------------------------------------------------------------------------- waiting


def test_an_issue_in_review_is_not_sent_until_that_is_over(stocked: Store) -> None:
    """Until the minute is there it is neither due nor on the web; then it is both, and noted as let go."""
    issue = frozen(stocked, content(1, 1), review=True)
    assert (issue.kept, issue.send_after) == ("reviewing", REVIEW)
    issue_states.end_reviews(stocked, "daily", REVIEW - timedelta(microseconds=1))
    assert issues.undelivered(stocked, "daily") == []
    assert archive.listed(stocked) == []
    assert [one.id for one in issue_states.kept_back(stocked)] == [issue.id]
    assert [one.id for one in issue_states.waiting(stocked, "daily")] == [issue.id]
    issue_states.end_reviews(stocked, "weekly", REVIEW)
    assert issues.undelivered(stocked, "daily") == []
    issue_states.end_reviews(stocked, "daily", REVIEW)
    [due] = issues.undelivered(stocked, "daily")
    assert (due.kept, due.released_at) == ("", REVIEW)
    assert [one.id for one in archive.listed(stocked)] == [issue.id]
    assert (issue_states.kept_back(stocked), issue_states.waiting(stocked, "daily")) == ([], [])


def test_the_end_of_a_review_wants_publishing_once(stocked: Store) -> None:
    """The page is out of date when the review is over, and not again at every look afterwards."""
    frozen(stocked, content(1, 1), review=True)
    for expected in (True, False):
        change = site.publishing_wanted(stocked)
        if change is not None:
            site.record_published(stocked, change)
        issue_states.end_reviews(stocked, "daily", REVIEW)
        assert (site.publishing_wanted(stocked) is not None) is expected


def test_a_held_issue_waits_past_its_review_until_it_is_released(stocked: Store) -> None:
    """Held in review it stays when the time is over; released it goes, and the time counts from then."""
    issue = frozen(stocked, content(1, 1), review=True)
    issue_states.hold(stocked, issue.id, LATER)
    issue_states.end_reviews(stocked, "daily", REVIEW)
    assert issue_states.named(stocked, "daily").kept == "held"
    issue_states.release(stocked, issue.id, REVIEW + HOUR)
    [due] = issues.undelivered(stocked, "daily")
    assert due.released_at == REVIEW + HOUR


def test_a_release_ends_a_review(stocked: Store) -> None:
    """Before its time, if somebody says so."""
    issue = frozen(stocked, content(1, 1), review=True)
    issue_states.release(stocked, issue.id, LATER)
    assert [one.id for one in issues.undelivered(stocked, "daily")] == [issue.id]


def test_no_message_of_a_held_issue_begins(stocked: Store) -> None:
    """The same transaction that would mark it as in flight looks at the hold, and then records nothing."""
    issue = frozen(stocked, content(1, 1))
    one = first_delivery(stocked, issue)
    issue_states.hold(stocked, issue.id, LATER)
    assert deliveries.start(stocked, [one.id], LATER) == set()
    assert rows(stocked, "SELECT state, attempts FROM deliveries WHERE id = 1") == [("leased", 0)]
    issue_states.release(stocked, issue.id, LATER)
    assert deliveries.start(stocked, [one.id], LATER) == {one.id}


@pytest.mark.parametrize("keep", ["review", "hold", "hold after a mail"])
def test_only_what_readers_may_have_seen_is_told_as_edited(stocked: Store, keep: str) -> None:
    """An edit of what nobody got is none to them; once the issue goes, or a message of it is out, it is one."""
    issue = frozen(stocked, content(1, 1), review=keep == "review")
    if keep == "hold after a mail":
        deliveries.start(stocked, [first_delivery(stocked, issue).id], LATER)
    if keep != "review":
        issue_states.hold(stocked, issue.id, LATER)
    one = next(post for post in posts.find(stocked, PostQuery()) if post.id == 1)
    edit(stocked, A, one, LATER, title="Anew", text="Quite other words")
    told = [found.post.id for found in issues.edited(stocked, "daily", ["a"], START)]
    assert told == ([1] if keep == "hold after a mail" else [])
    issue_states.release(stocked, issue.id, REVIEW)
    assert [found.post.id for found in issues.edited(stocked, "daily", ["a"], START)] == [1]


def test_only_a_review_stops_the_next_issue(stocked: Store) -> None:
    """An issue in review is to be finished first; one that is held stops nothing."""
    issue = frozen(stocked, content(1, 1), review=True)
    assert issues.interrupted(stocked, "daily")
    issue_states.hold(stocked, issue.id, LATER)
    assert not issues.interrupted(stocked, "daily")


def test_what_mails_link_to_stays_on_the_web(stocked: Store) -> None:
    """Held before its first mail an issue is taken off the web; once one is out, or may be, it stays there."""
    issue = frozen(stocked, content(1, 1))
    one = first_delivery(stocked, issue)
    issue_states.hold(stocked, issue.id, LATER)
    assert (issue_states.is_out(stocked, issue.id), issue_states.is_on_the_web(stocked, issue.id)) == (False, False)
    issue_states.release(stocked, issue.id, LATER)
    deliveries.start(stocked, [one.id], LATER)
    issue_states.hold(stocked, issue.id, LATER)
    assert (issue_states.is_out(stocked, issue.id), issue_states.is_on_the_web(stocked, issue.id)) == (True, True)
    deliveries.settle(stocked, [Settlement(one.id, "rejected", "550 no")], LATER)
    assert (issue_states.is_out(stocked, issue.id), issue_states.is_on_the_web(stocked, issue.id)) == (False, False)
    assert archive.listed(stocked) == []


# ------------------------------------------------------------------------------------------------------- names


def test_an_issue_is_found_by_its_name_or_its_editions(stocked: Store) -> None:
    """By edition and number, else the newest of the edition."""
    for name, number in (("daily", 1), ("daily", 2), ("daily-3", 7)):
        issues.freeze(stocked, replace(content(number), edition=name), [], None, START)
    assert issue_states.named(stocked, "daily-1").content.number == 1
    assert issue_states.named(stocked, "daily").content.number == 2
    assert issue_states.named(stocked, "daily-3").content.edition == "daily-3"
    assert issue_states.named(stocked, "daily-3-7").content.edition == "daily-3"
    assert issue_states.editions(stocked) == ["daily", "daily-3"]


def test_a_name_that_two_issues_have_is_refused(stocked: Store) -> None:
    """Guessing could call off the wrong one; both spellings that the refusal names lead to one issue."""
    for name, number in (("daily", 2), ("daily-2", 7)):
        issues.freeze(stocked, replace(content(number), edition=name), [], None, START)
    with pytest.raises(StoreError, match="write daily#2 for the former, daily-2#7 for the newest issue of the latter"):
        issue_states.named(stocked, "daily-2")
    for name, number in (("daily", 2), ("daily-2", 7)):
        found = issue_states.named(stocked, f"{name}#{number}").content
        assert (found.edition, found.number) == (name, number)


@pytest.mark.parametrize(
    "name", ["daily-3", "weekly", "", "-1", "daily-", "daily#3", "daily-²", "daily--1", f"daily-{10**30}"]
)
def test_a_name_without_an_issue_lists_those_there_are(stocked: Store, name: str) -> None:
    """Whatever it looks like, it is a clear error."""
    with pytest.raises(StoreError, match="there are none yet"):
        issue_states.named(stocked, name)
    frozen(stocked, content(1, 1))
    frozen(stocked, content(2, 2))
    with pytest.raises(StoreError, match="the newest are: daily-2, daily-1"):
        issue_states.named(stocked, name)


# ------------------------------------------------------------------------------------------------------- dropping


def test_a_dropped_story_is_in_no_later_issue(stocked: Store) -> None:
    """It is judged; neither it nor another blog's copy of it that comes later is offered again."""
    issue = frozen(stocked, content(1, 1, 2, 3, more=(4, 5)))
    issue = drop(stocked, issue, 2, 5)
    assert [item.post_id for item in issue.content.items] == [1, 3]
    assert [item.post_id for item in issue.content.more] == [4]
    assert [one.post_id for one in issue_states.dropped(stocked, issue)] == [2, 5]
    receive(stocked, B, post(9))
    stories.merge(stocked, 2, 6, LATER)
    assert offered(stocked) == []


def test_the_lines_follow_what_the_issue_has(stocked: Store) -> None:
    """Stories, then those only named, then what was dropped, also when that is done in several steps; an edit of a
    story is compared with what the issue says of that one, and one of a dropped story is told to nobody."""
    issue = frozen(stocked, content(1, 1, 2, 3, more=(4, 5)))
    issue = drop(stocked, issue, 1)
    assert ledger(stocked) == [2, 3, 4, 5, 1]
    issue = drop(stocked, issue, 4)
    assert ledger(stocked) == [2, 3, 5, 4, 1]
    for number in (1, 3):
        [one] = [found for found in posts.find(stocked, PostQuery()) if found.id == number]
        edit(stocked, A, one, LATER, title="Anew", text="Quite other words")
    [told] = issues.edited(stocked, "daily", ["a"], START)
    assert (told.post.id, told.former_title) == (3, "Post 3")


@pytest.mark.parametrize("whole", [False, True])
def test_a_dropped_edit_is_told_of_by_no_later_issue(stocked: Store, whole: bool) -> None:
    """Also when the issue is called off afterwards; it is counted among what was dropped, and its story stays where it
    was carried."""
    frozen(stocked, content(1, 1, 2))
    for number in (1, 2):
        one = next(post for post in posts.find(stocked, PostQuery()) if post.id == number)
        edit(stocked, A, one, LATER, title="Anew", text="Quite other words")
    issue = drop(stocked, frozen(stocked, content(2, 3, updates=(1, 2))), 1)
    assert [update.post_id for update in issue.content.updates] == [2]
    assert [one.post_id for one in issue_states.dropped(stocked, issue)] == [1]
    if whole:
        issue_states.call_off(stocked, issue, LATER)
    told = [one.post.id for one in issues.edited(stocked, "daily", ["a"], START)]
    assert told == ([2] if whole else [])
    assert ledger(stocked) == [1, 2]


def test_a_dropped_edit_keeps_no_story_from_readers(stocked: Store) -> None:
    """When the issue that had the story is called off after that, the next one has it."""
    first = frozen(stocked, content(1, 1))
    drop(stocked, frozen(stocked, content(2, 2, updates=(1,))), 1)
    issue_states.call_off(stocked, first, LATER)
    assert offered(stocked) == [1, 3, 4, 5]


def test_readers_and_message_ids_stay(stocked: Store) -> None:
    """Nobody has seen them, and they are of the issue and not of what it has."""
    issue = frozen(stocked, content(1, 1, 2))
    before = rows(stocked, "SELECT id, address, message_id, state FROM deliveries")
    drop(stocked, issue, 1)
    assert rows(stocked, "SELECT id, address, message_id, state FROM deliveries") == before


def test_a_called_off_issue_gives_its_stories_back(stocked: Store) -> None:
    """They are offered to the next one, but for what was dropped before; the number is not used again, nobody is mailed
    and nothing of it is on the web."""
    issue = drop(stocked, frozen(stocked, content(1, 1, 2, 3, more=(4,), updates=(5,))), 3)
    issue_states.call_off(stocked, issue, LATER)
    assert offered(stocked) == [1, 2, 4, 5]
    assert issues.next_number(stocked, "daily") == 2
    assert issues.undelivered(stocked, "daily") == []
    assert not issues.interrupted(stocked, "daily")
    assert rows(stocked, "SELECT DISTINCT state, reply FROM deliveries") == [("suppressed", "the issue was called off")]
    assert scalar(stocked, "SELECT count(*) FROM issue_updates") == 0
    assert issue_states.named(stocked, "daily-1").kept == "dropped"
    assert (archive.listed(stocked), len(issue_states.kept_back(stocked))) == ([], 1)


def test_calling_off_leaves_what_another_issue_showed(stocked: Store) -> None:
    """Two stories were shown in two issues, then joined by hand: calling off the first does not make news of what the
    second has shown."""
    receive(stocked, B, post(9))
    first = frozen(stocked, content(1, 1, 2))
    frozen(stocked, content(2, 6))
    stories.merge(stocked, 1, 6, LATER)
    issue_states.call_off(stocked, first, LATER)
    assert offered(stocked) == [2, 3, 4, 5]


# ------------------------------------------------------------------------------------------------------- crashes


def _state(store: Store) -> list[tuple[object, ...]]:
    return [
        *rows(store, "SELECT content, held_at, released_at, dropped_at FROM issues"),
        *rows(store, "SELECT * FROM issue_items ORDER BY story"),
        *rows(store, "SELECT * FROM passed_posts ORDER BY post_id"),
        *rows(store, "SELECT * FROM issue_updates"),
        *rows(store, "SELECT * FROM deliveries ORDER BY id"),
        *rows(store, "SELECT wanted FROM site"),
    ]


def _dropping(store: Store) -> None:
    drop(store, issue_states.named(store, "daily-1"), 2, 4)


def _calling_off(store: Store) -> None:
    issue_states.call_off(store, issue_states.named(store, "daily-1"), LATER)


@pytest.mark.parametrize("change", [_dropping, _calling_off])
def test_killed_between_any_two_statements_it_is_done_whole_or_not_at_all(
    stocked: Store, tmp_path: Path, change: Callable[[Store], None]
) -> None:
    """A process that ends without warning at its n-th statement leaves the old state or the new one."""
    frozen(stocked, content(1, 1, 2, 3, more=(4,), updates=(5,)))
    for moment in range(1, 60):
        path = tmp_path / f"{moment}.db"
        stocked.conn.execute("VACUUM INTO ?", (str(path),))
        if not _killed_at(path, moment, change):
            break
    old = _state(stocked)
    change(stocked)
    new = _state(stocked)
    assert old != new
    found = []
    for tried in range(1, moment + 1):
        with open_store(tmp_path / f"{tried}.db") as store:
            found.append(_state(store))
    assert all(one in (old, new) for one in found)
    assert (found[0], found[-1]) == (old, new)
    assert moment > 8


def _killed_at(path: Path, moment: int, change: Callable[[Store], None]) -> bool:
    """Makes a change in another process that kills itself at its n-th statement; False when it came to its end."""
    child = os.fork()
    if child == 0:
        with open_store(path) as store:
            count = 0

            def die(_statement: str) -> None:
                nonlocal count
                count += 1
                if count == moment:
                    os.kill(os.getpid(), signal.SIGKILL)

            store.conn.set_trace_callback(die)
            change(store)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGKILL
    return os.WIFSIGNALED(status)
