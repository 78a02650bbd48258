"""The brake: what can't be a source's own news is held from digests and feeds, and let go in the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.builders import NOW, edition, feed_state
from tests.feeds import rss
from tests.origin import Answer, Origin
from tests.stocking import post as to_save
from tests.stocking import scalar
from tests.test_healing import as_item, essay, new_page, text
from tests.test_poll import SETTINGS, inline, source
from tidings import poll
from tidings.model import FeedChange, ParsedPost, PollRow, Rhythm, Source
from tidings.posts.brake import RELEASED_AFTER, RELEASED_UNREAD_AFTER, has_turned_back, hold, is_mass, is_over
from tidings.store import Store, feeds, holding, issues, posts
from tidings.store.posts import PostQuery

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EDITION = edition(name="daily")


@dataclass(frozen=True)
class Before:
    """What a source has brought before."""

    stored: int = 20
    since: datetime | None = NOW - 90 * DAY
    largest: int = 1


def came(*ages: timedelta | None) -> FeedChange:
    """A document's new posts, by the time since their dates."""
    return FeedChange(new=tuple(to_save(n, published=None if age is None else NOW - age) for n, age in enumerate(ages)))


OLD = [DAY * n for n in (300, 200, 100, 50, 40, 30)]
RECENT = [HOUR * n for n in range(6)]
NONE: list[timedelta | None] = [None] * 6
IMPORTED = [timedelta(minutes=n) for n in range(6)]


def is_held(
    ages: Iterable[timedelta | None],
    before: Before,
    read: timedelta | None = HOUR,
    gap: timedelta | None = DAY,
    kept: int = 0,
) -> bool:
    state = feed_state(read_at=None if read is None else NOW - read, rhythm=Rhythm(gap))
    return hold(came(*ages), kept, state, before, NOW).held


@pytest.mark.parametrize(
    ("ages", "values", "expected"),
    [
        (OLD, {}, True),
        (NONE, {}, True),
        (IMPORTED, {}, True),
        (RECENT, {}, False),
        (OLD[:4] + RECENT[:2], {}, True),
        (OLD[:3] + RECENT[:3], {}, False),
        (NONE[:4] + RECENT[:2], {}, True),
        ([DAY * 300] * 6, {"read": 30 * DAY}, True),
    ],
)
def test_what_the_source_can_have_written(ages: list[timedelta | None], values: dict[str, Any], expected: bool) -> None:
    """Held is what is older than the last reading, without dates, or all of one moment; not what is dated since."""
    assert is_held(ages, Before(), **values) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(0, True), (72, True), (73, False), (300, False)])
def test_dates_are_an_imports_only_at_a_pace_that_nobody_writes_at(seconds: int, expected: bool) -> None:
    """Six posts in as many minutes are imported; a conference, or a live blog, takes longer."""
    assert is_held([n * timedelta(seconds=seconds) for n in range(6)], Before()) == expected


@pytest.mark.parametrize("ages", [OLD, NONE, IMPORTED])
def test_dates_since_the_last_reading_are_believed_where_posts_were_kept(ages: list[timedelta | None]) -> None:
    """Twelve lessons put online in one moment are news where the document goes on; old dates and none stay strange."""
    assert is_held(ages, Before(), kept=1) == (ages != IMPORTED)


@pytest.mark.parametrize(("count", "expected"), [(1, False), (2, False), (3, True)])
def test_one_or_two_posts_do_not_come_at_once(count: int, expected: bool) -> None:
    """What a migration leaves may be a post or two of today: an import has more of one hour."""
    assert is_held([HOUR / 2] * count, Before(largest=0)) == expected


@pytest.mark.parametrize("ages", [OLD, NONE, IMPORTED])
def test_a_source_nobody_knows_is_not_held(ages: list[timedelta | None]) -> None:
    """Of a source that was never read, or has hardly brought anything, everything may be new."""
    assert not is_held(ages, Before(), read=None)
    assert not is_held(ages, Before(stored=4))
    assert is_held(ages, Before(stored=5))


@pytest.mark.parametrize("ages", [OLD, NONE, IMPORTED])
def test_what_a_source_did_before_is_its_habit(ages: list[timedelta | None]) -> None:
    """A source that brought half as many at once before is not held for it."""
    assert not is_held(ages, Before(largest=3))
    assert is_held(ages, Before(largest=2))


@pytest.mark.parametrize("ages", [NONE, IMPORTED])
def test_without_dates_the_pace_says_it(ages: list[timedelta | None]) -> None:
    """After a long pause a source's own pace explains many new posts, and the pace of a new one is not known."""
    assert not is_held(ages, Before(), read=2 * DAY)
    assert is_held(ages, Before(), read=2 * DAY - HOUR)
    assert is_held(ages, Before(), read=90 * DAY, gap=None)
    assert not is_held(ages, Before(since=NOW - 3 * DAY + HOUR))
    assert is_held(ages, Before(since=NOW - 3 * DAY))


def test_old_dates_are_old_however_long_nobody_looked() -> None:
    """Posts dated before the last reading are none that were missed meanwhile."""
    assert is_held(OLD, Before(), read=20 * DAY)
    assert is_held([DAY * 300 + timedelta(minutes=n) for n in range(6)], Before(), read=20 * DAY)


@pytest.mark.parametrize(
    ("new", "healed", "size", "expected"),
    [(5, 0, 5, True), (4, 0, 4, False), (6, 0, 10, False), (7, 0, 10, True), (1, 9, 10, True), (0, 10, 10, False)],
)
def test_most_of_a_document(new: int, healed: int, size: int, expected: bool) -> None:
    """Looked at is a document most of which looked new; what was recognised counts, as the rest may be old as well."""
    many = tuple(to_save(n) for n in range(10))
    assert is_mass(FeedChange(new=many[:new], healed=many[:healed]), size) == expected


def test_a_hold_is_over_after_three_days() -> None:
    """Not a moment before, and not where there is none."""
    assert is_over(feed_state(held_since=NOW - RELEASED_AFTER), NOW)
    assert not is_over(feed_state(held_since=NOW - RELEASED_AFTER + timedelta(seconds=1)), NOW)
    assert not is_over(feed_state(), NOW)


@pytest.mark.parametrize(("former", "size", "expected"), [(7, 10, True), (6, 10, False), (1, 1, True), (0, 0, False)])
def test_a_source_has_turned_back_when_most_of_it_is_as_it_was(former: int, size: int, expected: bool) -> None:
    """An old post that is pinned is not most of a document."""
    assert has_turned_back(former, size) == expected


# ------------------------------------------------------------------------------------- through the real poll


class Reader:
    """A source on a real server with everything that reads it: polls, the combined feed, an edition's digests."""

    def __init__(self, store: Store, origin: Origin, now: datetime) -> None:
        self.store, self.origin, self.now = store, origin, now
        self.source = source(origin, "/a")

    def poll(self, *shown: ParsedPost, after: timedelta = HOUR, etag: str | None = None) -> PollRow:
        """Time passes, the source shows these posts, and is polled."""
        body = rss(map(as_item, shown))
        if etag:
            self.origin.serve_feed("/a", body, etag=etag)
        else:
            self.origin.serve("/a", Answer(200, body))
        return self.again(after)

    def again(self, after: timedelta = HOUR) -> PollRow:
        self.now += after
        feeds.sync(self.store, [self.source], [EDITION], self.now)
        states = feeds.states(self.store, [self.source])
        [row] = poll.run(self.store, states, SETTINGS, inline, lambda: self.now, lambda: False)
        return row

    @property
    def feed_id(self) -> int:
        return feeds.states(self.store, [self.source])[0].feed_id

    def shown(self) -> set[str]:
        """What the combined feed has, which is what digests may carry."""
        shown = {post.title for post in posts.newest(self.store, ["a"], 1000)}
        candidates = issues.candidates(self.store, "daily", ["a"], 1000)
        assert {post.title for post in candidates} == shown
        return shown

    def held(self) -> set[str]:
        return {post.title for post in posts.find(self.store, PostQuery(held=True, limit=1000))}


@pytest.fixture
def reader(store: Store, origin: Origin, now: datetime) -> Reader:
    """A well-known blog: ten posts, then two more, a week each."""
    made = Reader(store, origin, now)
    made.poll(*OWN[2:])
    made.poll(*OWN[1:], after=7 * DAY)
    made.poll(*OWN, after=7 * DAY)
    assert len(made.shown()) == 12
    return made


START = datetime(2026, 11, 23, 12, 0, tzinfo=NOW.tzinfo)
OWN = [essay(n, published=START + 13 * DAY - n * 7 * DAY) for n in range(12)]
STRANGE = [
    essay(
        n,
        guid=f"other-{n}",
        url=f"https://other.example/{n}",
        title=f"Strange {n}",
        content_html=f"<p>{text(n)}</p>",
        published=START - 400 * DAY + n * DAY,
    )
    for n in range(100, 110)
]
NAMES = {post.title for post in STRANGE}


def without_dates(shown: Iterable[ParsedPost]) -> list[ParsedPost]:
    return [replace(post, published=None) for post in shown]


@pytest.mark.parametrize("dated", [True, False])
def test_another_blog_in_place_of_a_source_is_held(reader: Reader, dated: bool) -> None:
    """Ten posts of another blog are stored, and in no feed and no digest; the row says what to do."""
    row = reader.poll(*(STRANGE if dated else without_dates(STRANGE)))
    assert (row.status, row.new) == ("ok", 10)
    assert "10 of 10 posts are new at once" in row.note
    assert "tidings sources release" in row.note
    assert reader.held() == NAMES
    assert not reader.shown() & NAMES


def test_an_archive_that_is_suddenly_shown_is_held(reader: Reader) -> None:
    """Old posts that the feed did not have before are no news; the new one among them waits with them."""
    archive = [essay(n, published=START - n * 30 * DAY) for n in range(20, 60)]
    fresh = essay(99, title="Fresh", published=reader.now)
    reader.poll(fresh, *OWN, *archive)
    assert len(reader.held()) == 41
    assert len(reader.shown()) == 12


def test_a_migration_with_new_dates_holds_nothing(reader: Reader) -> None:
    """A blog in another program, all its posts dated now, is recognised: nothing is new and nothing held."""
    row = reader.poll(*(replace(new_page(post), published=reader.now) for post in OWN))
    assert (row.new, row.updated, reader.held()) == (0, 0, set())
    assert row.note == "12 posts came back under other ids and were recognised"


def test_what_a_migration_leaves_unrecognised_is_held(reader: Reader) -> None:
    """Where most posts came back under other ids, four more with old dates are not news."""
    row = reader.poll(*map(new_page, OWN), *STRANGE[:4])
    assert row.new == 4
    assert len(reader.held()) == 4


@pytest.mark.parametrize("dated", [True, False])
def test_three_months_of_sleep_hold_nothing(reader: Reader, dated: bool) -> None:
    """A daemon that slept finds a document full of honest news."""
    news = [essay(n, published=reader.now + (n - 199) * 7 * DAY) for n in range(200, 212)]
    row = reader.poll(*(news if dated else without_dates(news)), after=90 * DAY)
    assert (row.new, row.note, reader.held()) == (12, "", set())
    assert len(reader.shown()) == 24


@pytest.mark.parametrize("kind", ["dated", "undated", "at once"])
@pytest.mark.parametrize("every", [HOUR, DAY])
def test_a_busy_source_is_never_held(store: Store, origin: Origin, now: datetime, kind: str, every: timedelta) -> None:
    """A document that is new as a whole at every poll, from the first poll on."""
    busy = Reader(store, origin, now)
    for number in range(8):
        seen = busy.now + every
        dated: dict[str, list[datetime | None]] = {
            "dated": [seen - n * every / 12 for n in range(10)],
            "undated": [None] * 10,
            "at once": [seen] * 10,
        }
        shown = [essay(number * 10 + n, published=dated[kind][n]) for n in range(10)]
        assert busy.poll(*shown, after=every).new == 10
        assert busy.held() == set()


def test_held_posts_are_released_by_a_304(reader: Reader) -> None:
    """After three days without a change they are news, exactly once, and the row says so."""
    reader.poll(*STRANGE, etag='"1"')
    row = reader.again(3 * DAY - HOUR)
    assert (row.http, row.note, len(reader.held())) == (304, "", 10)
    row = reader.again(HOUR)
    assert (row.status, row.http) == ("unchanged", 304)
    assert "10 held posts are released" in row.note
    assert (reader.held(), reader.shown() >= NAMES) == (set(), True)
    assert reader.again(4 * DAY).note == ""


def test_held_posts_are_released_by_the_same_bytes(reader: Reader) -> None:
    """The same from a server without validators."""
    reader.poll(*STRANGE)
    row = reader.again(3 * DAY)
    assert (row.status, row.http) == ("unchanged", 200)
    assert "released" in row.note
    assert reader.shown() >= NAMES


def test_held_posts_are_released_by_a_document_that_goes_on(reader: Reader) -> None:
    """A source that writes on meanwhile: its new posts are news at once, the held ones after three days."""
    shown = list(STRANGE)
    reader.poll(*shown)
    for day in range(1, 4):
        shown.insert(0, essay(300 + day, title=f"Day {day}", published=reader.now))
        row = reader.poll(*shown, after=DAY)
        assert row.new == 1
        assert f"Day {day}" in reader.shown()
        assert ("released" in row.note) == (day == 3)
    assert reader.held() == set()
    assert reader.shown() >= NAMES


def test_a_source_that_is_another_each_day_is_not_held_for_ever(reader: Reader) -> None:
    """New posts in place of held ones join the hold, which ends for all of them."""
    for day in range(5):
        undated = [essay(400 + day * 10 + n, published=None) for n in range(10)]
        reader.poll(*undated, after=DAY)
    assert reader.held() == set()
    assert len(reader.shown()) == 12 + 50


def test_held_posts_that_vanish_stay_held(reader: Reader) -> None:
    """A blog that was somebody else for a day: what was held is not let go when it is itself again, nor with another
    hold later."""
    reader.poll(*STRANGE)
    assert "former posts again" in reader.poll(*OWN).note
    assert reader.again(10 * DAY).note == ""
    assert reader.held() == NAMES
    later = [essay(n, published=START - n * DAY) for n in range(500, 520)]
    reader.poll(*later)
    reader.again(3 * DAY)
    assert reader.held() == NAMES
    assert len(reader.shown()) == 32


def news(first: int, count: int, until: datetime, every: timedelta) -> list[ParsedPost]:
    """Posts written one after the other, the newest first."""
    return [essay(first + n, published=until - (count - 1 - n) * every) for n in range(count)][::-1]


def test_a_conference_holds_nothing(reader: Reader) -> None:
    """A weekly blog that writes eight posts in 40 minutes, and goes on: all are news at once, also when they fill the
    document."""
    talks = news(700, 8, reader.now + 50 * MINUTE, 5 * MINUTE)
    assert reader.poll(*talks, *OWN[:2]).note == ""
    assert reader.poll(*news(720, 10, reader.now + 50 * MINUTE, 5 * MINUTE)).note == ""
    assert reader.held() == set()


def test_lessons_put_online_together_hold_nothing(reader: Reader) -> None:
    """All of one moment, beside posts that were there before."""
    assert reader.poll(*[replace(essay(n), published=reader.now) for n in range(700, 708)], *OWN[:2]).note == ""
    assert reader.held() == set()


@pytest.mark.parametrize("pinned", [0, 1])
def test_held_posts_that_newer_ones_push_out_are_released(reader: Reader, pinned: int) -> None:
    """A source that goes on, with ten posts in its document, shows none of the held ones after two days; they are news
    after three days all the same, also beside one post that never leaves."""
    shown = list(STRANGE)
    reader.poll(*shown)
    for day in range(6):
        shown = [*news(700 + 3 * day, 3, reader.now, HOUR), *shown][:10]
        row = reader.poll(*OWN[:pinned], *shown, after=DAY / 2)
        assert ("10 held posts are released" in row.note) == (day == 5)
        assert reader.held() == (NAMES if day < 5 else set())
    assert reader.shown() >= NAMES


def test_a_document_without_posts_has_not_turned_back(reader: Reader) -> None:
    """Of a source that shows nothing for a while the held posts are released as well."""
    reader.poll(*STRANGE)
    assert reader.poll(after=DAY).note == ""
    assert "10 held posts are released" in reader.again(2 * DAY).note
    assert reader.shown() >= NAMES


def test_a_source_turned_back_under_other_ids(reader: Reader) -> None:
    """Its former posts with new guids and pages, a new one before them, are its former posts."""
    reader.poll(*STRANGE)
    row = reader.poll(essay(99, title="Fresh", published=reader.now), *map(new_page, OWN[:11]))
    assert (row.new, "former posts again" in row.note) == (1, True)
    reader.again(10 * DAY)
    assert (reader.held(), "Fresh" in reader.shown()) == (NAMES, True)


def test_held_posts_that_come_back_wait_from_then_on(reader: Reader) -> None:
    """While a host's name moves, old and new documents come by turns; three days after the last turn it is settled."""
    for shown in (STRANGE, OWN, STRANGE):
        reader.poll(*shown, after=2 * DAY)
    reader.again(3 * DAY - HOUR)
    assert reader.held() == NAMES
    assert "10 held posts" in reader.again(HOUR).note
    assert reader.shown() >= NAMES


def test_a_held_post_under_yet_another_id_stays_held(reader: Reader) -> None:
    """Guids and pages that are others at each fetch neither let a held post go early nor keep it for ever."""
    for fetch in range(4):
        shown = [replace(post, guid=f"{fetch}-{post.guid}", url=f"{post.url}/{fetch}") for post in STRANGE]
        row = reader.poll(*shown, after=DAY)
        assert row.new == (10 if fetch == 0 else 0)
    assert "10 held posts" in row.note
    assert reader.shown() >= NAMES


def test_released_posts_are_news_once(reader: Reader) -> None:
    """By command they are let go at once, all of them, and are not held or new again at the next poll."""
    reader.poll(*STRANGE)
    assert holding.release(reader.store, reader.feed_id, reader.now) == 10
    assert feeds.states(reader.store, [reader.source])[0].held_since is None
    assert reader.shown() >= NAMES
    row = reader.poll(*STRANGE, *OWN[:1])
    assert (row.new, row.note, reader.held()) == (0, "", set())
    assert holding.release(reader.store, reader.feed_id, reader.now) == 0


def test_discarded_posts_never_come(reader: Reader) -> None:
    """Put away, they stay stored and known; neither time nor another hold nor a command lets them go."""
    reader.poll(*STRANGE)
    assert holding.discard(reader.store, reader.feed_id) == 10
    for _ in range(3):
        row = reader.again(4 * DAY)
        assert (row.new, row.note) == (0, "")
    reader.poll(*STRANGE, *OWN)
    more = [essay(n, published=START - n * DAY) for n in range(600, 640)]
    reader.poll(*STRANGE, *more)
    assert "40 held posts" in reader.again(4 * DAY).note
    assert holding.release(reader.store, reader.feed_id, reader.now) == 0
    assert not reader.shown() & NAMES
    assert holding.counts_by_url(reader.store) == {}


def test_what_waits_is_counted(reader: Reader) -> None:
    """The number of held posts is that of those that wait."""
    assert holding.counts_by_url(reader.store) == {}
    reader.poll(*STRANGE)
    assert holding.counts_by_url(reader.store) == {reader.source.url: 10}


def test_a_hold_leaves_the_polling_alone(reader: Reader) -> None:
    """Validators are kept and sent, the source is well, and its document is not read again."""
    reader.poll(*STRANGE, etag='"1"')
    assert reader.again().http == 304
    assert reader.origin.asked("/a")[-1].headers["If-None-Match"] == '"1"'
    state = feeds.states(reader.store, [reader.source])[0]
    assert (state.failures, state.failure) == (0, None)
    assert state.held_since is not None


def test_a_failing_source_releases_nothing(reader: Reader) -> None:
    """A site that was broken into may be off for days before it is itself again; but what is held is not lost with a
    site that never comes back."""
    reader.poll(*STRANGE)
    reader.origin.serve("/a", Answer(500))
    reader.again(RELEASED_UNREAD_AFTER - HOUR)
    assert reader.held() == NAMES
    row = reader.again(HOUR)
    assert (row.status, "10 held posts are released" in row.note) == ("failed", True)
    assert reader.shown() >= NAMES
    assert feeds.states(reader.store, [reader.source])[0].held_since is None


def test_a_release_asks_for_publishing(reader: Reader) -> None:
    """What is let go reaches the published files."""
    reader.poll(*STRANGE)
    before = scalar(reader.store, "SELECT wanted FROM site")
    reader.again(3 * DAY)
    assert scalar(reader.store, "SELECT wanted FROM site") > before


def test_another_source_is_not_touched(reader: Reader) -> None:
    """A hold, its release and its end belong to one source."""
    reader.origin.serve("/b", Answer(200, rss(map(as_item, OWN[:5]))))
    other = Source(reader.origin.url("/b"), "b")
    feeds.sync(reader.store, [reader.source, other], [EDITION], reader.now)
    reader.poll(*STRANGE)
    feeds.sync(reader.store, [reader.source, other], [EDITION], reader.now)
    [state] = feeds.states(reader.store, [other])
    assert holding.release(reader.store, state.feed_id, reader.now) == holding.discard(reader.store, state.feed_id) == 0
    assert reader.held() == NAMES
