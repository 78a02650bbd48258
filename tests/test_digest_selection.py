"""What issues carry, on a real database: rules and grace of an edition, what is too much, nothing twice or lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import edition
from tests.stocking import START, blog, configure, edit, only, post, receive, scalar
from tests.transports import RecordingTransport
from tidings import digest
from tidings.config.rules import rule
from tidings.config.schedules import schedule
from tidings.editions.compose import Masthead
from tidings.model import Edition, IssueContent
from tidings.store import Store, issues, open_store, posts
from tidings.store.posts import PostQuery

A, B = blog("a", tags=("letters",)), blog("b")
SOURCES = (A, B)
MASTHEAD = Masthead("Planet", "https://planet.example")
DAILY = edition(schedule=schedule("daily 08:00"), timezone="UTC", backfill=0)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SLOT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
NO_ADS = replace(DAILY, exclude=(rule("title: ad"),))


@pytest.fixture
def stocked(store: Store) -> Store:
    configure(store, *SOURCES, editions=[DAILY])
    receive(store, A)
    receive(store, B)
    return store


def mend(store: Store, words: str, now: datetime, title: str) -> None:
    """An edit worth telling of the one post with these words, by its author."""
    edit(store, A, only(store, words=words), now, title=title, text="All is new here", edit="substantive")


def freeze_due(store: Store, one: Edition, now: datetime) -> IssueContent | None:
    return digest.freeze_due(store, one, SOURCES, MASTHEAD, RecordingTransport().office(), now)


def freeze_next(store: Store, one: Edition, now: datetime) -> IssueContent | None:
    return digest.freeze_next(store, one, SOURCES, MASTHEAD, RecordingTransport().office(), now)


def shown(content: IssueContent | None) -> list[str]:
    return sorted(item.title for item in content.items) if content else []


def draft(store: Store, one: Edition, now: datetime) -> list[str]:
    return shown(digest.draft(store, one, SOURCES, MASTHEAD, now))


# ------------------------------------------------------------------------------------------------ rules of an edition


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"exclude": ("title: ad",)}, ["News"]),
        ({"include": ("title: ad", "text: hello")}, ["Ad", "News"]),
        ({"include": ("title: ad",)}, ["Ad"]),
        ({"include": ("title: ad",), "exclude": ("author: ann",)}, []),
        ({"exclude": ("tag: cats",)}, ["Ad"]),
        ({"sources": ("b",)}, []),
        ({"sources": ("a",)}, ["Ad", "News"]),
        ({"tags": ("letters",), "sources": ("b",)}, ["Ad", "News"]),
    ],
)
def test_an_edition_takes_what_its_rules_let_in(
    stocked: Store, rules: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    """Rules are those of sources, for one edition; the sources it takes have one of its tags or are named."""
    receive(stocked, A, post(1, title="Ad", author="Ann"), post(2, title="News", text="Hello", tags=("cats",)))
    values: dict[str, Any] = {
        key: tuple(map(rule, texts)) if key in ("include", "exclude") else texts for key, texts in rules.items()
    }
    assert draft(stocked, replace(DAILY, **values), SLOT) == expected


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_rules_left_out_of_an_issue_is_no_news_later(stocked: Store, by_hand: bool) -> None:
    """The rule is noted with the issue; taking it away lets in what comes from then on, and nothing of before."""
    receive(stocked, A, post(1, title="Ad 1"), post(2))
    assert shown((freeze_next if by_hand else freeze_due)(stocked, NO_ADS, SLOT)) == ["Post 2"]
    assert scalar(stocked, "SELECT post_id || rule FROM passed_posts") == "1title: ad"
    receive(stocked, A, post(3, title="Ad 3"))
    assert draft(stocked, DAILY, SLOT + HOUR) == ["Ad 3"]


def test_what_rules_left_out_of_a_slot_without_an_issue_is_no_news_later(stocked: Store) -> None:
    """A morning with nothing but what rules leave out, and one that is too late, count like one with an issue."""
    receive(stocked, A, post(1, title="Ad 1"))
    assert freeze_due(stocked, NO_ADS, SLOT) is None
    receive(stocked, A, post(2, title="Ad 2"))
    assert freeze_due(stocked, NO_ADS, SLOT + DAY + 13 * HOUR) is None
    assert draft(stocked, DAILY, SLOT + 2 * DAY) == []


def test_a_send_without_news_and_a_preview_leave_nothing_out(stocked: Store) -> None:
    """Only what makes an issue, or is a slot, decides."""
    receive(stocked, A, post(1, title="Ad 1"))
    assert freeze_next(stocked, NO_ADS, SLOT) is None
    assert draft(stocked, NO_ADS, SLOT) == []
    assert draft(stocked, DAILY, SLOT) == ["Ad 1"]


def test_a_source_that_leaves_an_edition_and_comes_back_loses_nothing(stocked: Store) -> None:
    """What had been waiting when it left, and all that it brought meanwhile, is news once; issues made in between, and
    the backfill, change nothing of that."""
    one, without_tag = replace(DAILY, tags=("letters",)), replace(A, tags=())
    configure(stocked, *SOURCES, editions=[one])
    receive(stocked, A, post(1))
    configure(stocked, without_tag, B, editions=[one], now=START + HOUR)
    receive(stocked, without_tag, post(2), post(3), now=START + HOUR)
    office = RecordingTransport().office()
    assert digest.freeze_due(stocked, one, (without_tag, B), MASTHEAD, office, SLOT) is None
    configure(stocked, *SOURCES, editions=[one], now=SLOT + HOUR)
    receive(stocked, A, post(4), now=SLOT + HOUR)
    assert shown(freeze_due(stocked, one, SLOT + DAY)) == ["Post 1", "Post 2", "Post 3", "Post 4"]
    assert draft(stocked, one, SLOT + DAY + HOUR) == []


def test_a_copy_that_rules_let_in_stands_for_its_story(stocked: Store) -> None:
    """Rules judge posts, not stories."""
    receive(stocked, A, post(1, title="Ad 1", story_url="https://x.example/1"))
    receive(stocked, B, post(2, story_url="https://x.example/1"))
    assert draft(stocked, NO_ADS, SLOT) == ["Post 2"]


def test_left_out_backlog_keeps_its_place(store: Store) -> None:
    """Of what a source had before the newest two are looked at, and no older one moves up for one that is left out."""
    one = replace(NO_ADS, backfill=2)
    configure(store, *SOURCES, editions=[one])
    receive(store, A, *(post(n, title=f"{'Ad' if n == 3 else 'Post'} {n}") for n in range(4)))
    assert shown(freeze_due(store, one, SLOT)) == ["Post 2"]
    assert draft(store, one, SLOT + HOUR) == []


# ------------------------------------------------------------------------------------------------------------- grace


def test_young_posts_wait_for_the_next_issue(stocked: Store) -> None:
    """Seen or edited less than the grace before the moment of freezing; the correction is what is mailed."""
    one = replace(DAILY, grace=2 * HOUR)
    receive(stocked, A, post(1), now=SLOT - 3 * HOUR)
    receive(stocked, A, post(2), now=SLOT - HOUR)
    assert shown(freeze_due(stocked, one, SLOT)) == ["Post 1"]
    mend(stocked, "2", SLOT + DAY - HOUR, "Another title")
    assert freeze_due(stocked, one, SLOT + DAY) is None
    assert shown(freeze_due(stocked, one, SLOT + 2 * DAY)) == ["Another title"]


def test_a_correction_before_the_slot_wins_without_a_grace(stocked: Store) -> None:
    """What the last poll before the slot brought is what is mailed, also of posts that were there for long."""
    receive(stocked, A, post(1), now=SLOT - 20 * HOUR)
    mend(stocked, "1", SLOT - MINUTE, "Corrected")
    assert shown(freeze_due(stocked, DAILY, SLOT)) == ["Corrected"]


def test_a_young_post_that_rules_leave_out_may_still_be_mended(stocked: Store) -> None:
    """In its grace it is neither taken nor left out for good: its author may still change the title."""
    one = replace(NO_ADS, grace=2 * HOUR)
    receive(stocked, A, post(1), now=SLOT - 3 * HOUR)
    receive(stocked, A, post(2, title="Ad 2"), now=SLOT - HOUR)
    assert shown(freeze_due(stocked, one, SLOT)) == ["Post 1"]
    mend(stocked, "2", SLOT + MINUTE, "No more")
    assert shown(freeze_due(stocked, one, SLOT + DAY)) == ["No more"]


# ------------------------------------------------------------------------------------------------------ empty posts

EMPTY = {"title": "", "text": "", "content_html": "", "url": ""}


def test_an_empty_post_is_left_out_until_it_is_filled(stocked: Store) -> None:
    """It makes no entry and no issue; its author may fill it within a week, and then it comes."""
    receive(stocked, A, post(1, **EMPTY), now=SLOT - HOUR)
    assert freeze_due(stocked, DAILY, SLOT) is None
    receive(stocked, A, post(2), now=SLOT + HOUR)
    assert shown(freeze_due(stocked, DAILY, SLOT + DAY)) == ["Post 2"]
    empty = next(one for one in posts.find(stocked, PostQuery()) if not one.title)
    edit(stocked, A, empty, SLOT + DAY + HOUR, title="Filled", text="At last", edit="substantive")
    assert shown(freeze_due(stocked, DAILY, SLOT + 2 * DAY)) == ["Filled"]


def test_an_empty_post_is_given_up_after_a_week(stocked: Store) -> None:
    """From then on it is not looked at again by any issue."""
    receive(stocked, A, post(1, **EMPTY), now=SLOT - HOUR)
    freeze_due(stocked, DAILY, SLOT + 6 * DAY)
    assert len(issues.candidates(stocked, DAILY.name, ["a"], 0)) == 1
    freeze_due(stocked, DAILY, SLOT + 7 * DAY)
    assert issues.candidates(stocked, DAILY.name, ["a"], 0) == []


# --------------------------------------------------------------------------------------------------- what is too much


def test_what_waits_is_counted_and_comes(stocked: Store) -> None:
    """With `carry_over` an issue says how many wait, and the next ones have them, oldest first."""
    receive(stocked, A, *(post(n) for n in range(1, 6)))
    one = replace(DAILY, max_posts=2)
    issues_made = [freeze_due(stocked, one, SLOT + day * DAY) for day in range(4)]
    assert [(shown(made), made.waiting if made else None) for made in issues_made] == [
        (["Post 1", "Post 2"], 3),
        (["Post 3", "Post 4"], 1),
        (["Post 5"], 0),
        ([], None),
    ]


def test_what_is_named_is_carried(stocked: Store) -> None:
    """Without `carry_over` an issue names what it has no place for, newest first, and no later one brings it."""
    receive(stocked, A, *(post(n) for n in range(1, 6)))
    receive(stocked, B, post(6, title="", text="No title"))
    one = replace(DAILY, max_posts=2, carry_over=False, max_per_source=2)
    frozen = freeze_due(stocked, one, SLOT)
    assert frozen is not None
    assert shown(frozen) == ["", "Post 5"]
    assert [named.title for named in frozen.more] == ["Post 4", "Post 3", "Post 2", "Post 1"]
    assert frozen.waiting == 0
    assert issues.frozen(stocked)[0].content == frozen
    assert draft(stocked, DAILY, SLOT + HOUR) == []
    assert freeze_due(stocked, one, SLOT + DAY) is None


def test_too_few_wait_and_none_is_lost(stocked: Store) -> None:
    """Below `min_posts` slots pass without an issue until there are enough; then all come."""
    one = replace(DAILY, min_posts=3)
    for day in range(3):
        receive(stocked, A, post(day))
        frozen = freeze_due(stocked, one, SLOT + day * DAY)
        assert (frozen is not None) == (day == 2)
    assert shown(frozen) == ["Post 0", "Post 1", "Post 2"]


def test_what_is_decided_is_not_looked_at_again(stocked: Store) -> None:
    """What an issue or a slot carried, named or left out is settled; what waits, or is young, is not, nor what came
    after it in its source."""
    one = replace(NO_ADS, grace=2 * HOUR, max_per_source=1)
    receive(stocked, A, post(1), post(2, title="Ad 2"), post(3), post(4), now=SLOT - 3 * HOUR)
    receive(stocked, B, post(5, title="Ad 5"), now=SLOT - HOUR)
    assert freeze_due(stocked, one, SLOT) is not None
    assert settled(stocked) == [2, 4]
    assert freeze_due(stocked, one, SLOT + DAY) is not None
    assert settled(stocked) == [3, 5]
    assert freeze_due(stocked, replace(one, carry_over=False), SLOT + 2 * DAY) is not None
    assert settled(stocked) == [5, 5]
    receive(stocked, A, post(6, title="Ad 6"), now=SLOT + 2 * DAY)
    assert freeze_due(stocked, one, SLOT + 3 * DAY) is None
    assert settled(stocked) == [6, 6]


def settled(store: Store) -> list[int]:
    return [row[0] for row in store.rows("SELECT settled_id FROM edition_sources ORDER BY feed_id")]


# ------------------------------------------------------------------------------------------- another schedule midway


@pytest.mark.parametrize(
    "plan",
    [
        ["daily 08:00", "weekly fri 08:00", "daily 08:00"],
        ["weekly fri 08:00", "daily 08:00", "weekly mon 17:00"],
        ["weekly fri 08:00", "monthly 1 08:00", "daily 08:00"],
        ["monthly 1 08:00", "0 */5 * * *", "weekly fri 08:00"],
    ],
)
@pytest.mark.parametrize("hour", [0, 7, 8, 13])
def test_another_schedule_midway_carries_every_post_once(stocked: Store, plan: list[str], hour: int) -> None:
    """From daily to weekly in mid-week, and on: with a post every five hours and the file changed at any hour, each
    post is in exactly one issue, and none waits longer than a slot of the schedule that holds."""
    now, number = START, 0
    one = DAILY
    made: Counter[str] = Counter()
    for days, text in zip((9, 16, 40), plan, strict=True):
        changed = now.replace(hour=hour) + DAY
        one = replace(DAILY, schedule=schedule(text), max_posts=500)
        configure(stocked, *SOURCES, editions=[one], now=changed)
        now = changed
        while now < changed + days * DAY:
            if number % 5 == 0:
                receive(stocked, SOURCES[number % 2], post(number), now=now)
            made.update(shown(freeze_due(stocked, one, now)))
            number, now = number + 1, now + HOUR
    made.update(shown(freeze_next(stocked, one, now)))
    assert made == {f"Post {n}": 1 for n in range(0, number, 5)}


# ------------------------------------------------------------------------------------------------- whatever happens

CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "max_posts": st.integers(1, 4),
        "max_per_source": st.none() | st.integers(1, 2),
        "carry_over": st.booleans(),
        "min_posts": st.integers(1, 4),
        "grace": st.sampled_from([timedelta(), 2 * HOUR, 30 * HOUR]),
        "exclude": st.sampled_from([(), (rule("title: x"),), (rule("title: y"),)]),
        "include": st.sampled_from([(), (rule("title: x"),)]),
        "schedule": st.sampled_from([schedule(text) for text in ("daily 08:00", "weekly fri 08:00", "0 */7 * * *")]),
        "order": st.sampled_from(["time", "weight", "coverage"]),
    },
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("poll"), st.integers(0, 1), st.lists(st.sampled_from(["", " x", " y"]), max_size=4)),
        st.tuples(st.just("edit"), st.integers(1, 20), st.sampled_from(["", " x", " y"])),
        st.tuples(st.just("wait"), st.integers(1, 40)),
        st.tuples(st.just("send")),
        st.tuples(st.just("change"), CHANGES),
    ),
    max_size=25,
)


@settings(max_examples=60)
@given(STEPS)
def test_every_post_that_is_let_in_is_carried_once(steps: list[tuple[Any, ...]]) -> None:
    """Polls, edits, issues by slot and by hand, and any change of the edition in between: in the end, with all limits
    gone, every story was shown or named in exactly one issue, but those that rules left out of one that was made."""
    with TemporaryDirectory() as folder, open_store(Path(folder) / "tidings.db") as store:
        life = _Life(store)
        for kind, *values in steps:
            getattr(life, kind)(*values)
        life.end()


class _Life:
    """An edition and what becomes of it."""

    def __init__(self, store: Store) -> None:
        self.store, self.now, self.one, self.count = store, START, DAILY, 0
        self.left_out: set[int] = set()
        configure(store, *SOURCES, editions=[DAILY])
        for source in SOURCES:
            receive(store, source)

    def poll(self, source: int, marks: list[str]) -> None:
        """New posts; every third shares its page with the one of its number in the other source."""
        new = []
        for mark in marks:
            self.count += 1
            page = f"https://x.example/{self.count % 4}" if self.count % 3 == 0 else ""
            new.append(post(self.count, title=f"Post {self.count}{mark}", story_url=page))
        receive(self.store, SOURCES[source], *new, now=self.now)

    def edit(self, number: int, mark: str) -> None:
        stored = next((one for one in posts.find(self.store, PostQuery(limit=1000)) if one.id == number), None)
        if stored is not None:
            source = next(one for one in SOURCES if one.name == stored.source)
            values = {"title": f"Edited {number}{mark}", "text": f"New words {number}", "edit": "substantive"}
            edit(self.store, source, stored, self.now, **values)

    def wait(self, hours: int) -> None:
        for _ in range(hours):
            self.now += HOUR
            self._made(freeze_due)

    def send(self) -> None:
        self._made(freeze_next)

    def change(self, values: dict[str, Any]) -> None:
        self.one = replace(self.one, **values)
        configure(self.store, *SOURCES, editions=[self.one], now=self.now)

    def end(self) -> None:
        self.change({"min_posts": 1, "max_posts": 1000, "max_per_source": None, "grace": timedelta(), "exclude": ()})
        self.change({"include": ()})
        self.send()
        assert draft(self.store, self.one, self.now) == []
        contents = [stored.content for stored in issues.frozen(self.store)]
        carried = Counter(item.story for content in contents for item in content.items)
        carried.update(item.story for content in contents for item in content.more)
        assert set(carried.values()) <= {1}
        rows = self.store.rows("SELECT id, story FROM posts")
        assert {row["story"] for row in rows if row["id"] not in self.left_out} <= set(carried)
        passed = {row[0] for row in self.store.rows("SELECT post_id FROM passed_posts")}
        assert passed <= self.left_out
        assert {row["story"] for row in rows if row["id"] in self.left_out - passed} <= set(carried)

    def _made(self, freeze: Any) -> None:
        """Makes an issue if it is time, and notes what rules leave out of it, judged by hand."""
        before = self._decisions()
        out = {row["id"] for row in self.store.rows("SELECT * FROM posts") if self._is_left_out(row)}
        freeze(self.store, self.one, self.now)
        if self._decisions() != before:
            self.left_out |= out

    def _decisions(self) -> tuple[int, int]:
        return scalar(self.store, "SELECT count(*) FROM issues"), scalar(self.store, "SELECT count(*) FROM slots")

    def _is_left_out(self, row: Any) -> bool:
        title = row["title"]
        matches = {one.sought: title.endswith(f" {one.sought}") for one in (*self.one.exclude, *self.one.include)}
        excluded = any(matches[one.sought] for one in self.one.exclude)
        included = not self.one.include or any(matches[one.sought] for one in self.one.include)
        moments = [row["first_seen"], row["changed_at"] or row["first_seen"]]
        young = any(self.now - datetime.fromisoformat(moment) < self.one.grace for moment in moments)
        return (excluded or not included) and not young
