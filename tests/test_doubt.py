"""A name that may be another post's by now: pages and guids that are another post each day, and rewritten posts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from tests.builders import NOW, parsed_post
from tests.feeds import rss
from tests.origin import Answer, Origin
from tests.test_decide import Memory
from tests.test_healing import as_item, text
from tests.test_identity import known_as
from tests.test_poll import run_poll, source, stored
from tidings.model import FeedChange, ParsedPost, Remembered
from tidings.posts.doubt import is_another, is_still
from tidings.posts.identity import identify, match
from tidings.store import Store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LINK = "https://dict.example/word-of-the-day"


def word(number: int) -> ParsedPost:
    """A page that is written anew each day."""
    return parsed_post(
        url=LINK,
        title=f"Word of the day: {text(number, 1)} {number}",
        content_html=f"<p>{text(number)}</p>",
        published=NOW + number * DAY,
    )


def undated_word(number: int) -> ParsedPost:
    return replace(word(number), published=None)


def saying(number: int) -> ParsedPost:
    """The same without titles."""
    return replace(word(number), title="")


def number_drawn(number: int) -> ParsedPost:
    """A page of numbers: the words are the same each week."""
    draw = ", ".join(str(n) for n in Random(number).sample(range(49), 6))
    return parsed_post(
        url="https://lotto.example/draw",
        title=f"The draw of {text(number, 1)} {number}",
        content_html=f"<p>{' '.join(text(0).split()[:20])}: {draw}</p>",
        published=NOW + number * 7 * DAY,
    )


def headline(number: int) -> ParsedPost:
    """A page of titles alone."""
    return replace(word(number), content_html="")


@pytest.mark.parametrize("kind", [word, undated_word, saying, number_drawn, headline])
def test_each_post_of_a_page_that_is_written_anew_is_new(kind: Callable[[int], ParsedPost]) -> None:
    """A feed without guids that shows one post, always at the same link: each is a post, and comes once."""
    memory = Memory()
    for number in range(5):
        for _ in range(2):
            assert memory.poll(kind(number)).aliases == ()
    assert [post.content_hash for post in memory.posts.values()] == [
        identify([kind(number)])[0].content_hash for number in range(5)
    ]


def test_an_edit_of_the_second_post_of_a_page_is_one() -> None:
    """Under its own link and title it is known, whatever becomes of its text."""
    memory = Memory()
    memory.poll(word(1))
    memory.poll(word(2))
    change = memory.poll(replace(word(2), content_html=f"<p>{text(9)}</p>"))
    assert [(post.post_id, post.edit) for post in change.changed] == [(2, "substantive")]
    assert change.new == ()


def match_report(minute: int) -> ParsedPost:
    """The score is in the title, and the report says what happened last."""
    return parsed_post(
        url="https://sports.example/match",
        title=f"Rome {minute // 3} Oslo {minute // 4}, {'half time' if minute == 5 else 'live'}",
        content_html=f"<p>{text(minute, 8)}</p>" * (minute > 0) + f"<p>{text(77, 80)}</p>",
        published=NOW + minute * timedelta(minutes=9),
    )


def counting(number: int) -> ParsedPost:
    """The text is a counter, and its title says how far it is."""
    return parsed_post(
        url="https://petition.example/count",
        title=f"{'Nearly' if number % 2 else 'More than'} {number} thousand",
        content_html=f"<p>Now {number * 997} have signed, the last one {number + 2} minutes ago.</p>",
        published=NOW + number * HOUR,
    )


def renamed(number: int) -> ParsedPost:
    """Nothing but the title changes, dates there are none."""
    return parsed_post(
        url="https://blog.example/post", title=f"Title {text(number, 3)}", content_html="<p>The text.</p>"
    )


def corrected(number: int) -> ParsedPost:
    """Title and text are others, the date is that of the post."""
    return replace(word(number), published=NOW)


@pytest.mark.parametrize("kind", [match_report, counting, renamed, corrected])
def test_a_post_that_is_rewritten_is_one(kind: Callable[[int], ParsedPost]) -> None:
    """Scores in titles, counters in texts, other words on one date: one post, its edits told by its title."""
    memory = Memory()
    for number in range(6):
        change = memory.poll(kind(number))
        assert (len(change.new), len(change.changed), change.healed) == ((1, 0, ()) if number == 0 else (0, 1, ()))
    assert len(memory.posts) == 1


LONG = text(1)
GROWN = f"{text(2, 9)} {LONG}"
OTHER = text(3)
DATED = NOW.replace(hour=9, minute=41)


@pytest.mark.parametrize(
    ("title", "now", "dated", "before", "former", "expected"),
    [
        ("B", OTHER, DATED, "A", LONG, True),
        ("B", OTHER, DATED + DAY, "A", LONG, False),
        ("B", OTHER, None, "A", LONG, False),
        ("A!", OTHER, DATED + DAY, "A", LONG, True),
        ("B", LONG, DATED + 9 * DAY, "A", LONG, True),
        ("B", f"{LONG} 7", DATED + 12 * HOUR, "A", f"{LONG} 8", True),
        ("B", f"{LONG} 7", DATED + 13 * HOUR, "A", f"{LONG} 8", False),
        ("B", GROWN, DATED + 12 * HOUR, "A", LONG, True),
        ("B", GROWN, DATED + 13 * HOUR, "A", LONG, False),
        ("B", f"{text(2, 3)} {LONG[:-20]}", DATED + 12 * HOUR, "A", LONG, True),
        ("B", f"{text(2, 3)} {LONG[:-20]}", DATED + 13 * HOUR, "A", LONG, False),
        ("B", f"{text(2, 3)} {LONG[:-20]}", None, "A", LONG, False),
        ("B", f"{text(4, 90)} {LONG}", DATED + HOUR, "A", LONG, True),
        ("B", GROWN, None, "A", LONG, True),
        ("B", "Soup and bread.", None, "A", "Soup.", False),
        ("B", "", None, "A", "", True),
        ("B", "", DATED + DAY, "A", "", False),
        ("", GROWN, DATED + DAY, "", LONG, True),
        ("", OTHER, DATED + DAY, "", LONG, False),
        ("", " ".join([*LONG.split()[:30], *OTHER.split()[:5]]), DATED + DAY, "", LONG, True),
        ("A", OTHER, DATED + DAY, "", LONG, False),
        ("Title", LONG, None, "Tit", "", True),
        ("Title", LONG, None, "Tit", LONG[:50], True),
        ("Title", LONG, None, "Tit", OTHER[:50], False),
    ],
)
def test_what_stays_of_a_post(
    title: str, now: str, dated: datetime | None, before: str, former: str, expected: bool
) -> None:
    """One of date, text and title is enough; what a cut document left of a post is its beginning."""
    assert is_still(Remembered(7, before, former, DATED), title, now, dated) == expected


@pytest.mark.parametrize(
    ("now", "former", "expected"),
    [(LONG, LONG, True), (OTHER, LONG, False), (" ".join(LONG.split()[:-3]), LONG, True), ("", "", True)],
)
def test_a_day_says_less_than_a_moment(now: str, former: str, expected: bool) -> None:
    """Where dates have no time, a page may have several posts a day: those of other words are others."""
    day = NOW.replace(hour=0)
    assert is_still(Remembered(7, "A", former, day), "B", now, day) == expected


def test_only_a_link_under_another_title_is_in_doubt() -> None:
    """By guid, by link and title, or unchanged, a post is known without a doubt."""
    before = {"url": LINK, "title": "A", "content_html": "a"}
    known = known_as(7, parsed_post(**before))

    def is_in_doubt(**values: str) -> bool:
        [one] = match(identify([parsed_post(**before | values)]), known)
        assert one.known is not None
        return one.doubt != ""

    assert is_in_doubt(title="B")
    assert is_in_doubt(title="")
    assert not is_in_doubt()
    assert not is_in_doubt(content_html="b")


def test_a_page_of_the_day_is_news_each_day_in_real_polls(store: Store, origin: Origin, now: datetime) -> None:
    """Through the whole pipe, beside posts that stay and are left unread: each word is stored once, and none is
    edited."""
    feed = source(origin, "/a")
    others = [parsed_post(url=f"https://dict.example/{n}", title=f"Title {n}", published=NOW) for n in range(5)]
    for day in range(4):
        for _ in range(2):
            origin.serve(
                "/a", Answer(200, rss(map(as_item, [word(day), *others]), head=f"<ttl>{len(stored(store))}</ttl>"))
            )
            row = run_poll(store, [feed], now + day * DAY)["a"]
        assert (row.new, row.updated, row.note) == (0, 0, "")
    assert sum(post.url == LINK for post in stored(store)) == 4
    assert all(post.changed_at is None for post in stored(store))


def test_a_pruned_page_of_the_day_does_not_swallow_the_next(store: Store, origin: Origin, now: datetime) -> None:
    """After a year of silence, when the text of the last word is gone, the next one is new."""
    feed = source(origin, "/a")
    for day in range(2):
        origin.serve("/a", Answer(200, rss([as_item(word(day))])))
        assert run_poll(store, [feed], now + day * 400 * DAY)["a"].new == 1
        store.conn.execute("UPDATE posts SET content_html = '', text = '', summary = '', content_hash = ''")
    assert len(stored(store)) == 2


# ---------------------------------------------------------------------------------------- guids that are used again


def todays(number: int) -> ParsedPost:
    """One item, whose guid is always the same."""
    return replace(word(number), guid="today", url=f"https://dict.example/{number}")


def daily(number: int) -> ParsedPost:
    """The same with a page that is always the same, too."""
    return replace(word(number), guid=LINK)


def dish(number: int) -> ParsedPost:
    """A few words a day."""
    soups = ("Tomato soup, bread.", "Lentils with rice.", "Fish and spinach.", "Leeks in cream.", "Dumplings.")
    return replace(daily(number), title=f"Dish number {number}", content_html=f"<p>{soups[number]}</p>")


def undated_today(number: int) -> ParsedPost:
    """The same without dates, on a page of its own."""
    return replace(todays(number), published=None)


@pytest.mark.parametrize("kind", [todays, daily, dish, undated_today])
def test_each_post_under_a_guid_that_is_used_again_is_new(kind: Callable[[int], ParsedPost]) -> None:
    """A guid under which the title, the text and the day are others each time names the newest post, and the former
    ones stay what they were."""
    memory = Memory()
    for number in range(5):
        for _ in range(2):
            assert memory.poll(kind(number)).aliases == ()
    hashes = [post.content_hash for post in memory.posts.values()]
    assert hashes == [identify([kind(number)])[0].content_hash for number in range(5)]
    assert memory.keys[f"guid:{kind(4).guid}"] == 5


@pytest.mark.parametrize("kind", [todays, daily])
def test_the_newest_post_under_a_guid_may_be_edited(kind: Callable[[int], ParsedPost]) -> None:
    """Under the guid it took over it is rewritten as any other, title and text at once."""
    memory = Memory()
    memory.poll(kind(1))
    memory.poll(kind(2))
    change = memory.poll(replace(kind(2), title="Corrected", content_html=f"<p>{text(9)}</p>"))
    assert ([post.post_id for post in change.changed], change.new) == ([2], ())


@pytest.mark.parametrize(
    ("kind", "title", "now", "dated", "expected"),
    [
        ("guid", "B", OTHER, DATED + DAY, True),
        ("guid+link", "B", OTHER, DATED + DAY, True),
        ("guid", "B", OTHER, DATED + 12 * HOUR, False),
        ("guid", "B", OTHER, DATED - DAY, False),
        ("guid", "A!", OTHER, DATED + DAY, False),
        ("guid", "", OTHER, DATED + DAY, False),
        ("guid", "B", "", DATED + DAY, False),
        ("guid", "B", LONG, DATED + DAY, False),
        ("guid", "B", GROWN, DATED + DAY, False),
        ("guid", "B", " ".join([*LONG.split()[:25], *OTHER.split()[:15]]), DATED + DAY, False),
        ("guid", "B", "Some soup.", DATED + DAY, True),
        ("guid", "B", OTHER, None, False),
    ],
)
def test_what_speaks_against_a_guid(kind: str, title: str, now: str, dated: datetime | None, expected: bool) -> None:
    """Title, text and day together; one of them that stays is enough for an edit."""
    assert is_another(kind, Remembered(7, "A", LONG, DATED), title, now, dated) == expected


def test_without_dates_the_link_must_be_another_too() -> None:
    """And the texts long enough to tell: nobody moves a page and writes it anew under another title."""
    before = Remembered(7, "A", LONG)
    assert is_another("guid", before, "B", OTHER, None)
    assert not is_another("guid+link", before, "B", OTHER, None)
    assert not is_another("guid", before, "B", "Some soup.", None)


def test_guids_that_count_the_places_of_posts_bring_each_once() -> None:
    """Guid 1 is always that of the newest post: whatever moves down the list is recognised by its page and text."""
    memory = Memory()
    for newest in range(4, 10):
        posts = [replace(todays(number), guid=str(newest - number)) for number in range(newest, newest - 4, -1)]
        assert len(memory.poll(*posts).new) == (4 if newest == 4 else 1)
    assert sorted(memory.titles) == sorted(word(number).title for number in range(1, 10))


def test_the_newest_post_gets_its_own_guid_and_page_later() -> None:
    """Where guid and page are `latest` as long as a post is the newest one, it is recognised when it has its own."""
    memory = Memory()
    for newest in range(6):
        own = [replace(todays(number), guid=f"post-{number}") for number in range(newest - 1, -1, -1)]
        latest = replace(word(newest), guid="latest", url="https://dict.example/latest")
        assert len(memory.poll(latest, *own).new) == 1
    assert len(memory.posts) == 6


def test_a_poll_says_what_is_new_under_the_guid_of_a_former_post(store: Store, origin: Origin, now: datetime) -> None:
    """Through the whole pipe each day is stored and carried, and the report says why; the guid names the newest."""
    feed = source(origin, "/a")
    for day in range(3):
        origin.serve("/a", Answer(200, rss([as_item(daily(day))])))
        row = run_poll(store, [feed], now + day * DAY)["a"]
        said = "1 new under the guid or the link that named another post before" if day else ""
        assert (row.new, row.updated, row.note) == (1, 0, said)
    named = store.row("SELECT post_id FROM post_keys WHERE key = ?", (f"guid:{LINK}",))
    assert named is not None
    assert named["post_id"] == max(post.id for post in stored(store))


# ------------------------------------------------------------------------------------------ forecasts and counters


def forecast(day: int, hour: int = 6, page: str = "https://weather.example/") -> ParsedPost:
    """No guid, one page, one title, a new date; nothing but numbers is another."""
    return parsed_post(
        url=page,
        title="Weather for today",
        content_html=f"<p>Sunny, {day * 2 + hour} degrees, wind from the north at {day * 3 + hour} km/h.</p>",
        published=NOW.replace(hour=hour) + day * DAY,
    )


@pytest.mark.parametrize("page", ["https://weather.example/", "https://weather.example/today"])
def test_each_days_forecast_is_new(page: str) -> None:
    """In the same words but for its numbers; what is written anew within a day is an edit of that day's."""
    memory = Memory()
    for day in range(4):
        assert counts(memory.poll(forecast(day, page=page))) == (1, 0)
        assert counts(memory.poll(forecast(day, page=page))) == (0, 0)
        assert counts(memory.poll(forecast(day, 9, page=page))) == (0, 1)


def counts(change: FeedChange) -> tuple[int, int]:
    return len(change.new), len(change.changed)


def test_a_counter_makes_no_new_post() -> None:
    """Without guids, too: the date stays, or the text is long, or words are others under the same title."""
    for versions in (
        [replace(forecast(0), content_html=forecast(n).content_html) for n in range(4)],
        [replace(forecast(n), content_html=f"<p>{text(1, 100)} {n} comments</p>") for n in range(4)],
        [replace(forecast(n), content_html=f"<p>{text(n, 20)}</p>") for n in range(4)],
    ):
        memory = Memory()
        assert [counts(memory.poll(one)) for one in versions] == [(1, 0), (0, 1), (0, 1), (0, 1)]


def test_a_forecast_is_news_each_day_in_real_polls(store: Store, origin: Origin, now: datetime) -> None:
    """Through the whole pipe, also when what changes within a day has made the source one of noise."""
    feed = source(origin, "/a")
    for day in range(3):
        for hour in (6, 8, 10, 12):
            origin.serve(
                "/a", Answer(200, rss([as_item(forecast(day, hour)).replace("<guid", "<x").replace("</guid", "</x")]))
            )
            row = run_poll(store, [feed], now + day * DAY + hour * HOUR)["a"]
            assert row.new == (hour == 6)
    assert len(stored(store)) == 3
