"""Healing: posts that come back under other ids are recognised, and new ones are not taken for old ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, parsed_post
from tests.feeds import rss
from tests.origin import Answer, Origin
from tests.stocking import post as to_save
from tests.test_decide import Memory
from tests.test_poll import run_poll, source, titles
from tidings.model import Enclosure, FeedChange, ParsedPost, Remembered, Suspect
from tidings.posts.comparing import compare
from tidings.posts.healing import heal
from tidings.posts.sketch import sketch
from tidings.store import Store

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

WORDS = (
    "river stone lantern copper garden winter engine paper silver harbour meadow thunder basket candle "
    "forest window pepper saddle bridge anchor cotton marble orchard kettle violin hammer pocket shelter "
    "tunnel barrel feather ladder needle pillow ribbon spider temple velvet walnut beacon"
).split()


def text(seed: int, words: int = 40) -> str:
    """A text that has next to nothing in common with that of another seed."""
    return " ".join(Random(seed).choices(WORDS, k=words))


def essay(number: int, **values: Any) -> ParsedPost:
    """A post of a well-behaved blog: title, page, guid, date and text of its own."""
    defaults: dict[str, Any] = {
        "guid": f"https://old.example/?p={number}",
        "url": f"https://old.example/2026/essay-{number}",
        "title": f"The essay with number {number}",
        "content_html": f"<p>{text(number)}</p>",
        "published": NOW - number * DAY,
    }
    return parsed_post(number, **defaults | values)


def note(number: int, **values: Any) -> ParsedPost:
    """A post of a title alone."""
    return essay(number, **{"content_html": ""} | values)


def undated(number: int, **values: Any) -> ParsedPost:
    return essay(number, **{"published": None} | values)


def episode(number: int, **values: Any) -> ParsedPost:
    """A podcast's: no page, a few words, a file."""
    file = Enclosure(f"https://cdn.old.example/audio/{number}.mp3", "audio/mpeg", 1000)
    return essay(number, **{"url": "", "content_html": f"<p>Episode {number}.</p>", "enclosures": (file,)} | values)


def counted(memory: Memory, posts: Sequence[ParsedPost]) -> int:
    """How many of a document's posts are new to what was seen."""
    return len(memory.poll(*posts).new)


def new_guid(post: ParsedPost) -> ParsedPost:
    return replace(post, guid=f"urn:new:{post.position}")


def new_page(post: ParsedPost) -> ParsedPost:
    return replace(new_guid(post), url=f"https://old.example/posts/{post.position}-renewed" if post.url else "")


def new_host(post: ParsedPost) -> ParsedPost:
    files = tuple(replace(one, url=one.url.replace("old.", "new.")) for one in post.enclosures)
    guid, url = (part.replace("old.example", "new.example") for part in (post.guid, post.url))
    return replace(post, guid=guid, url=url, enclosures=files)


def https_to_http(post: ParsedPost) -> ParsedPost:
    return replace(post, guid=post.guid.replace("https:", "http:"), url=post.url.replace("https:", "http:"))


def proxied(post: ParsedPost) -> ParsedPost:
    """Behind a feed proxy that gives guids of its own and links through itself."""
    page = f"https://feedproxy.example/~r/blog/~3/{post.position}abc/" if post.url else ""
    return replace(post, guid=f"tag:proxy,2026:{post.position}", url=page)


def dated_now(post: ParsedPost) -> ParsedPost:
    """Imported into another program, all at the same moment."""
    return replace(new_page(post), published=NOW + 40 * DAY)


def in_other_zone(post: ParsedPost) -> ParsedPost:
    moved = new_page(post)
    return replace(moved, published=moved.published + 5 * HOUR if moved.published else None)


def by_day_alone(post: ParsedPost) -> ParsedPost:
    moved = new_page(post)
    return replace(moved, published=moved.published.replace(hour=0) if moved.published else None)


def undated_now(post: ParsedPost) -> ParsedPost:
    return replace(new_page(post), published=None)


RENEWALS = (new_guid, new_page, new_host, https_to_http, proxied, dated_now, in_other_zone, by_day_alone, undated_now)


@pytest.mark.parametrize("renewed", RENEWALS)
@pytest.mark.parametrize("kind", [essay, note, undated, episode])
def test_a_document_renewed_as_a_whole_brings_nothing(
    kind: Callable[[int], ParsedPost], renewed: Callable[[ParsedPost], ParsedPost]
) -> None:
    """New guids, other links, another host, a feed proxy, other dates or none: whatever the posts are like, none of
    them is new, and none is at the next poll."""
    memory = Memory()
    old = [kind(number) for number in range(8)]
    memory.poll(*old)
    for _ in range(2):
        assert counted(memory, [renewed(post) for post in old]) == 0
    assert counted(memory, old) == 0
    assert len(memory.posts) == 8


@pytest.mark.parametrize("renewed", [new_guid, new_page, new_host, https_to_http, proxied, by_day_alone])
@pytest.mark.parametrize("kind", [essay, episode])
def test_one_post_renewed_among_others_brings_nothing(
    kind: Callable[[int], ParsedPost], renewed: Callable[[ParsedPost], ParsedPost]
) -> None:
    """One post alone is recognised by its title, its date and its words."""
    memory = Memory()
    old = [kind(number) for number in range(8)]
    memory.poll(*old)
    assert counted(memory, [renewed(old[0]), *old[1:]]) == 0


def test_what_is_really_new_among_renewed_posts_is_new() -> None:
    """A migration with two posts written since brings those two."""
    memory = Memory()
    memory.poll(*(essay(number) for number in range(8)))
    fresh = [essay(20, published=NOW + DAY), essay(21, published=NOW + 2 * DAY)]
    change = memory.poll(*map(new_page, [*fresh, *(essay(number) for number in range(6))]))
    assert sorted(post.title for post in change.new) == [f"The essay with number {n}" for n in (20, 21)]
    assert len(change.healed) == 6


@pytest.mark.parametrize("size", [1, 5])
def test_the_versions_of_an_article_are_one_post(size: int) -> None:
    """A newspaper whose guids count the versions of an article, and whose dates are those of the last one."""
    memory = Memory()
    for version in range(5):
        posts = [
            essay(
                number,
                guid=f"https://news.example/article-{number}#{version}",
                url=f"https://news.example/article-{number}?at_medium=RSS",
                content_html=f"<p>{text(number, 18)}</p>",
                published=NOW + version * 9 * HOUR + number * HOUR,
            )
            for number in range(size)
        ]
        assert counted(memory, posts) == (size if version == 0 else 0)


def test_entries_of_a_log_with_numbers_for_guids_are_new() -> None:
    """The same shape of a guid, but another title or other words: another entry."""
    memory = Memory()
    for number in range(4):
        page = "https://blog.example/log"
        entry = essay(number, guid=f"{page}#{number}", url=page, title="Update", content_html=f"<p>{text(number)}</p>")
        named = essay(number, guid=f"{page}/all#{number}", url=f"{page}/all", content_html=STANDING)
        assert counted(memory, [entry, named]) == 2


@pytest.mark.parametrize("size", [1, 2, 3, 8])
@pytest.mark.parametrize("kind", [essay, note, undated, episode])
def test_a_guid_that_is_random_at_every_fetch_repeats_nothing(kind: Callable[[int], ParsedPost], size: int) -> None:
    """A guid, and nothing else, that is another at each poll: no repeats, ever, in documents of any size."""
    memory = Memory()
    posts = [kind(number) for number in range(size)]
    memory.poll(*posts)
    for fetch in range(6):
        assert counted(memory, [replace(post, guid=f"random-{fetch}-{post.position}") for post in posts]) == 0


def test_random_guids_and_a_counter_repeat_nothing() -> None:
    """The same where each text has a counter and an age as well."""
    memory = Memory()
    for fetch in range(6):
        posts = [
            undated(
                number,
                guid=f"{fetch}-{number}",
                content_html=f"<p>{text(number, 20)}</p><p>{fetch * 7 + number} views, {fetch + 2} hours ago</p>",
            )
            for number in range(6)
        ]
        assert counted(memory, posts) == (6 if fetch == 0 else 0)


def test_a_post_comes_once_more_when_it_is_rewritten_in_a_migration() -> None:
    """Half another text under the same title and page is that post, edited; the edit is worth telling."""
    memory = Memory()
    old = [essay(number) for number in range(6)]
    memory.poll(*old)
    renewed = [new_guid(post) for post in old]
    renewed[0] = replace(renewed[0], content_html=f"<p>{text(0)[: len(text(0)) // 2]} and then {text(77, 15)}</p>")
    change = memory.poll(*renewed)
    assert change.new == ()


# ------------------------------------------------------------------------------------- what must stay new


SOUPS = (
    "Tomato soup and bread.",
    "Lentils with rice and a salad.",
    "Fish, potatoes, spinach.",
    "Soup of leeks.",
    "Dumplings and a sauce.",
    "Pancakes.",
    "Potatoes with quark and oil.",
    "Soup of beans.",
)
STANDING = " ".join(WORDS[:30])


def thread(number: int) -> ParsedPost:
    """An open thread: the same words each time, on a page of its own."""
    return parsed_post(
        guid=f"thread-{number}",
        url=f"https://blog.example/{number}/open-thread",
        title="Open thread",
        content_html=f"<p>Talk about whatever you like. {STANDING}</p>",
        published=NOW + number * DAY,
    )


def thread_on_one_page(number: int) -> ParsedPost:
    return replace(thread(number), guid=f"one-page-{number}", url="https://blog.example/open-thread")


def thread_thrice_a_day(number: int) -> ParsedPost:
    return replace(thread_on_one_page(number), guid=f"thrice-{number}", published=NOW + number * 8 * HOUR + 7 * MINUTE)


def weeknotes(number: int) -> ParsedPost:
    return parsed_post(
        guid=f"w{number}",
        url=f"https://blog.example/weeknotes/{number}",
        title="Weeknotes",
        content_html=f"<p>{text(number + 50)}</p>",
        published=NOW + number * 7 * DAY,
    )


def menu(number: int) -> ParsedPost:
    return parsed_post(
        guid=f"menu-{number}",
        url="https://canteen.example/menu",
        title="Menu of the day",
        content_html=f"<p>{SOUPS[number % len(SOUPS)]}</p>",
        published=NOW + number * DAY,
    )


def long_menu(number: int) -> ParsedPost:
    """A page that says the same every day but for the dish."""
    return replace(
        menu(number),
        guid=f"long-{number}",
        content_html=f"<p>{' '.join(WORDS * 4)}</p><p>{SOUPS[number % len(SOUPS)]}</p>",
        published=NOW + number * DAY + HOUR,
    )


def undated_menu(number: int) -> ParsedPost:
    return replace(long_menu(number), guid=f"undated-{number}", published=None)


def photo(number: int) -> ParsedPost:
    return parsed_post(
        guid=f"photo-{number}",
        url="https://photos.example/stream",
        title="Photo",
        content_html=f'<img src="https://photos.example/{number}.jpg">',
        published=NOW + number * 2 * HOUR,
    )


def undated_photo(number: int) -> ParsedPost:
    return replace(photo(number), guid=f"undated-photo-{number}", published=None)


def captioned_photo(number: int) -> ParsedPost:
    return replace(
        undated_photo(number), guid=f"by-joe-{number}", content_html=photo(number).content_html + "<p>By Joe</p>"
    )


def monitor(number: int) -> ParsedPost:
    return parsed_post(
        guid=f"m{number}",
        url="https://status.example/service",
        title="Service is up",
        content_html="<p>All is well.</p>",
        published=NOW + number * HOUR,
    )


def reminder(number: int) -> ParsedPost:
    """A call that comes every week in the same words."""
    words = "Our meeting is on Thursday at eight in the church hall, everybody is welcome, bring some cake"
    return replace(
        menu(number), guid=f"r{number}", title="Reminder", content_html=words, published=NOW + number * 7 * DAY
    )


def newscast(number: int) -> ParsedPost:
    """A podcast whose file is always the same."""
    file = Enclosure("https://radio.example/newscast.mp3", "audio/mpeg", 1000)
    return parsed_post(
        guid=f"n{number}", title="The news", content_html="News.", enclosures=(file,), published=NOW + number * HOUR
    )


SERIES = (
    thread,
    thread_on_one_page,
    thread_thrice_a_day,
    weeknotes,
    menu,
    long_menu,
    undated_menu,
    photo,
    undated_photo,
    captioned_photo,
    monitor,
    reminder,
    newscast,
)


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("kind", SERIES)
def test_posts_of_a_series_are_all_new(kind: Callable[[int], ParsedPost], window: int) -> None:
    """Titles repeat, and so may the page, the file and most of the words: each part of a series is a post, in a
    document that shows one, two or five of them."""
    memory = Memory()
    for number in range(8):
        memory.poll(*(kind(one) for one in range(number, max(number - window, -1), -1)))
    assert sorted(post.guid for post in memory.posts.values()) == sorted(kind(number).guid for number in range(8))


@pytest.mark.parametrize("words", [4, 20, 60])
def test_a_programme_that_is_new_each_day_is_new(words: int) -> None:
    """A document that is written anew as a whole, under the same titles and pages, for other days."""
    memory = Memory()
    for day in range(5):
        posts = [
            parsed_post(
                guid=f"{day}-{name}",
                url=f"https://radio.example/{name}",
                title=f"{name} show",
                content_html=f"<p>{text(day * 10 + place, words)}</p>",
                published=NOW + day * DAY + place * 3 * HOUR,
            )
            for place, name in enumerate(("morning", "noon", "evening", "night"))
        ]
        assert counted(memory, posts) == 4


def test_a_timetable_of_the_same_words_is_new_for_each_week() -> None:
    """Even where the words are the same, classes of another week are other posts."""
    memory = Memory()
    for week in range(3):
        posts = [
            parsed_post(
                guid=f"{week}-{name}",
                url=f"https://school.example/{name}",
                title=name,
                content_html=f"<p>{name} for everybody, whoever likes to come and has a mat to lie on; at six.</p>",
                published=NOW + week * 7 * DAY + place * DAY,
            )
            for place, name in enumerate(("yoga", "pilates", "spinning", "boxing"))
        ]
        assert counted(memory, posts) == 4


@pytest.mark.parametrize("hours", [1, 6, 24])
@pytest.mark.parametrize("dated", [0, 1])
def test_a_forecast_that_is_written_anew_is_new(hours: int, dated: int) -> None:
    """Several places' weather, all of one date: in the same words, but for the numbers, or with other words in much
    that stands there always."""
    memory = Memory()
    for number in range(4):
        posts = [
            parsed_post(
                guid=f"{number}-{place}",
                url=f"https://weather.example/{place}",
                title=f"The weather of today in {place}",
                content_html=f"<p>{number + 3} degrees in {place}. {STANDING}" + f" {SOUPS[number]}" * (1 - dated),
                published=NOW + number * hours * HOUR,
            )
            for place in ("Rome", "Oslo", "Bern")
        ]
        assert counted(memory, posts) == 3


def test_two_blogs_of_a_planet_with_the_same_paths_stay_apart() -> None:
    """A planet's feed has `/?p=1` of one blog and then that of another: both are posts, also when one takes the place
    of the other."""
    memory = Memory()

    def of(blog: str, number: int) -> ParsedPost:
        seed = number if blog == "one" else number + 100
        return essay(
            seed,
            guid=f"https://{blog}.example/?p={number}",
            url=f"https://{blog}.example/?p={number}",
            title="Hello world" if number == 1 else f"{blog} {number}",
        )

    memory.poll(*(of("one", number) for number in (1, 2, 3)))
    assert counted(memory, [of("two", number) for number in (1, 2, 3)]) == 3
    assert counted(memory, [of(blog, number) for blog in ("two", "one") for number in (1, 2, 3)]) == 0


NUMBERS = st.lists(st.integers(0, 11), min_size=1, max_size=8, unique=True)


@settings(max_examples=60)
@given(
    documents=st.lists(st.tuples(NUMBERS, st.sampled_from(RENEWALS[:5])), min_size=1, max_size=5),
    kind=st.sampled_from([essay, episode]),
)
@example(documents=[([0, 1, 2, 3], new_guid), ([3, 4], new_page), ([0, 4], new_host)], kind=essay)
def test_no_history_of_renewals_loses_or_repeats_a_post(
    documents: list[tuple[list[int], Callable[[ParsedPost], ParsedPost]]], kind: Callable[[int], ParsedPost]
) -> None:
    """Whatever a feed that keeps its dates shows, and however it renews its ids, each post is there exactly once."""
    memory = Memory()
    seen = set[int]()
    for shown, renewed in documents:
        seen |= set(shown)
        memory.poll(*(renewed(kind(number)) for number in shown))
    assert sorted(memory.titles) == sorted(kind(number).title for number in seen)


@settings(max_examples=60)
@given(kinds=st.lists(st.sampled_from(SERIES), min_size=1, max_size=3, unique=True), window=st.integers(1, 4))
def test_no_mixture_of_series_loses_a_post(kinds: list[Callable[[int], ParsedPost]], window: int) -> None:
    """Several series in one feed do not take each other's posts for their own."""
    memory = Memory()
    for number in range(6):
        memory.poll(*(kind(one) for one in range(number, max(number - window, -1), -1) for kind in kinds))
    guids = {kind(number).guid for kind in kinds for number in range(6)}
    assert {post.guid for post in memory.posts.values()} == guids


# --------------------------------------------------------------------------------------- rule by rule


def suspect(**values: Any) -> Suspect:
    defaults: dict[str, Any] = {
        "post_id": 7,
        "hints": ("~title:a", "~path:a"),
        "likeness": 1.0,
        "contained": 1.0,
        "apart": timedelta(),
        "same_words": False,
    }
    return Suspect(**defaults | values)


def healed(*suspects: Suspect, others: int = 9, words: int = 200, title: str = "A", dates: bool = True) -> bool:
    """Whether a new post is taken for a stored one, in a document with so many others that are known."""
    post = to_save(1, title=title, text="word " * words, suspects=suspects, published=NOW if dates else None)
    return bool(heal(FeedChange(new=(post,)), 1 + others).healed)


ONE = ("~title:a",)
LATER = DAY * 3


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, True),
        ({"hints": ONE}, True),
        ({"hints": ONE, "likeness": 0.31, "contained": 0.4}, True),
        ({"hints": ONE, "likeness": 0.1, "contained": 0.85}, True),
        ({"likeness": 0.2, "contained": 0.5}, False),
        ({"likeness": None}, True),
        ({"likeness": None, "hints": ONE}, False),
        ({"by_day": True}, True),
        ({"by_day": True, "likeness": 0.3, "contained": 0.4}, True),
        ({"by_day": True, "likeness": 0.74, "contained": 0.7, "hints": ONE}, False),
        ({"by_day": True, "likeness": 0.75, "contained": 0.7, "hints": ONE}, True),
        ({"apart": timedelta(seconds=59)}, True),
        ({"apart": HOUR}, False),
        ({"apart": HOUR, "same_words": True}, True),
        ({"apart": LATER, "same_words": True}, True),
        ({"apart": LATER, "same_words": True, "hints": ONE}, False),
        ({"apart": LATER, "likeness": 0.99}, False),
        ({"apart": None}, False),
        ({"apart": None, "same_words": True}, True),
        ({"apart": None, "same_words": True, "hints": ONE}, False),
    ],
)
def test_one_post_alone(values: dict[str, Any], expected: bool) -> None:
    """A post renewed alone is of the same moment and alike, or on the same page word for word."""
    assert healed(suspect(**values)) == expected


def test_few_words_of_another_date_are_a_series() -> None:
    """What is repeated to the word on one page at another time is the same only if it is long; without a date a
    sentence will do."""
    assert not healed(suspect(apart=LATER, same_words=True), words=99)
    assert healed(suspect(apart=LATER, same_words=True), words=100)
    assert healed(suspect(apart=None, same_words=True), words=12)
    assert not healed(suspect(apart=None, same_words=True), words=11)


def mass(
    first: Suspect, *, spread: timedelta = DAY, words: int = 200, title: str = "A", other: timedelta | None = None
) -> bool:
    """Whether a new post is taken for a stored one where all three posts of the document are new. Another one is so far
    apart in time from the stored one that it can't be."""
    unlike = suspect(post_id=8, hints=ONE, likeness=0.0, contained=0.0, apart=other)
    posts = [
        to_save(n, title=title, text="word " * words, suspects=found, published=NOW + n * spread)
        for n, found in enumerate([(first,), (unlike,) if other else (), ()])
    ]
    return bool(heal(FeedChange(new=tuple(posts)), 3).healed)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"hints": ONE, "likeness": None, "contained": 0.0}, False),
        ({"hints": ONE, "likeness": None, "same_words": True}, True),
        ({"likeness": None, "contained": 0.0}, True),
        ({"hints": ONE, "likeness": 0.29, "contained": 0.79}, False),
        ({"hints": ONE, "likeness": 0.3, "contained": 0.3}, True),
        ({"apart": LATER, "hints": ONE, "likeness": 1.0}, False),
        ({"apart": 5 * HOUR, "likeness": 0.99}, False),
        ({"apart": None, "hints": ONE, "likeness": 0.95}, True),
        ({"apart": None, "likeness": 0.94, "contained": 0.97}, False),
        ({"apart": None, "likeness": 0.3, "contained": 0.9}, True),
        ({"apart": None, "likeness": 0.8, "contained": 1.0}, True),
        ({"apart": None, "likeness": 0.8, "contained": 1.0, "hints": ONE}, False),
        ({"apart": None, "likeness": 0.3, "contained": 0.5}, False),
        ({"apart": None, "likeness": None, "contained": 0.5}, False),
        ({"apart": None, "likeness": None, "contained": 0.0, "same_words": True}, True),
        ({"apart": LATER, "likeness": 0.99}, False),
        ({"apart": LATER, "hints": ONE, "same_words": True}, True),
    ],
)
def test_most_of_a_document(values: dict[str, Any], expected: bool) -> None:
    """Where most of a document looks new, likeness will do, unless the dates say that it is of other days; of the same
    moment it must be like it, too."""
    assert mass(suspect(**values)) == expected


@pytest.mark.parametrize(
    ("values", "words", "title", "expected"),
    [
        ({"likeness": None, "same_words": True}, 0, "Menu of the day", True),
        ({"likeness": None, "same_words": True, "hints": ONE}, 0, "Menu of the day", False),
        ({"likeness": None, "same_words": True, "hints": ONE}, 0, "What the river told the harbour", True),
        ({"likeness": None}, 3, "What the river told the harbour", False),
        ({"same_words": True}, 3, "Menu of the day", True),
        ({"same_words": False, "likeness": 1.0}, 3, "Menu of the day", True),
        ({"same_words": False, "likeness": None}, 3, "Menu of the day", False),
        ({"same_words": True, "hints": ONE}, 3, "Menu of the day", False),
        ({"likeness": None}, 12, "Menu of the day", True),
    ],
)
def test_a_day_may_have_several_posts_of_one_title(
    values: dict[str, Any], words: int, title: str, expected: bool
) -> None:
    """Where the time of day is not known, few words or none prove nothing but on the same page, or under a headline."""
    assert mass(suspect(by_day=True, **values), words=words, title=title) == expected


def test_a_day_may_have_several_photos() -> None:
    """What a picture says is not compared: on one page, under one title, each is a post."""
    bare = suspect(by_day=True, likeness=None, same_words=True)
    photos = [to_save(n, text="", content_html=f"<img src='{n}'>", suspects=(bare,)) for n in range(3)]
    assert heal(FeedChange(new=tuple(photos)), 3).healed == ()


@pytest.mark.parametrize("time", [timedelta(), 12 * HOUR])
def test_two_articles_of_one_title_and_day_are_two(time: timedelta) -> None:
    """An evening paper in place of the one of noon, dates without a time or with one for all: its comment has another
    guid, page and text than that of noon, so it is new."""
    memory = Memory()
    day = NOW.replace(hour=0) + time

    def article(number: int, title: str) -> ParsedPost:
        return essay(number, guid=f"g{number}", url=f"https://paper.example/a/{number}", title=title, published=day)

    memory.poll(*(article(n, f"Story number {n} of noon") for n in range(4)), article(5, "Comment"))
    assert (
        counted(memory, [*(article(n, f"Tale {n} in the evening") for n in range(10, 14)), article(15, "Comment")]) == 5
    )


@pytest.mark.parametrize(
    ("shifts", "words", "expected"),
    [
        ((5, 5, 5), 12, 3),
        ((14, 14, 14), 12, 3),
        ((15, 15, 15), 99, 0),
        ((5, 5, 6), 12, 0),
        ((5, 5, 5, 7), 12, 3),
        ((5, 5, 5), 11, 0),
    ],
)
def test_dates_that_are_shifted_alike_were_read_in_another_zone(
    shifts: tuple[int, ...], words: int, expected: int
) -> None:
    """Three posts whose dates are off by as many hours as each other are old ones, if they say the same at length."""
    posts = [
        to_save(
            n,
            text="word " * words,
            suspects=(suspect(post_id=n, hints=ONE, apart=hours * HOUR, same_words=True),),
            published=NOW + n * DAY,
        )
        for n, hours in enumerate(shifts)
    ]
    assert len(heal(FeedChange(new=tuple(posts)), len(posts)).healed) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"hints": ONE, "likeness": 0.75}, True),
        ({"hints": ONE, "likeness": 0.74}, False),
        ({"likeness": 0.3, "contained": 0.9}, True),
        ({"likeness": None, "contained": 0.9}, False),
        ({"likeness": None, "contained": 1.0}, True),
        ({"likeness": None, "contained": 0.0, "same_words": True}, True),
    ],
)
def test_dates_of_one_hour_are_those_of_an_import(values: dict[str, Any], expected: bool) -> None:
    """Where all new posts are dated alike, and the stored ones were not, dates say nothing against their being old."""
    assert mass(suspect(apart=LATER, **values), spread=timedelta(minutes=5), other=2 * LATER) == expected


@pytest.mark.parametrize(("likeness", "expected"), [(0.3, True), (0.29, False)])
def test_an_import_may_have_a_post_of_the_moment_of_another(likeness: float, expected: bool) -> None:
    """Among posts of one date, too, the same moment is not enough."""
    near = suspect(hints=ONE, likeness=likeness, contained=0.5)
    assert mass(near, spread=timedelta(minutes=5), other=2 * LATER) == expected


def test_dates_of_one_hour_are_usual_where_they_were_before() -> None:
    """What is built anew as a whole each day has one date each day: that is no import."""
    alike = suspect(apart=LATER, likeness=0.8)
    assert mass(alike, spread=timedelta(minutes=30), other=2 * LATER)
    assert not mass(alike, spread=timedelta(minutes=31), other=2 * LATER)
    assert not mass(alike, spread=timedelta(minutes=5), other=LATER + HOUR)


@pytest.mark.parametrize(("new", "size", "expected"), [(3, 4, True), (3, 5, False), (2, 2, False), (7, 11, True)])
def test_how_much_is_most_of_a_document(new: int, size: int, expected: bool) -> None:
    """Three posts at least, and more than six in ten."""
    likely = suspect(apart=None, hints=ONE, likeness=0.97)
    posts = [to_save(n, suspects=(likely,) if n == 0 else ()) for n in range(new)]
    assert bool(heal(FeedChange(new=tuple(posts)), size).healed) == expected


def test_a_headline_without_text_will_do_in_a_renewed_document() -> None:
    """Posts of nothing but a title are recognised by it, if it has the length of a headline."""
    bare = suspect(apart=None, hints=ONE, likeness=None, contained=1.0, same_words=True)
    assert mass(bare, words=0, title="What the river told the harbour")
    assert not mass(bare, words=0, title="Menu of the day")
    assert not mass(replace(bare, hints=("~path:a",)), words=0, title="What the river told the harbour")


def test_a_stored_post_is_claimed_once_by_the_post_most_like_it() -> None:
    """Of two new posts that may be one stored post, that of its moment is, else the one most like it."""
    near, like = suspect(likeness=0.8, apart=timedelta()), suspect(likeness=1.0, apart=None)
    posts = [to_save(n, suspects=(one,)) for n, one in enumerate((like, near, like))]
    change = heal(FeedChange(new=tuple(posts)), 3)
    assert [post.title for post in change.healed] == ["Post 1"]
    assert [post.title for post in change.new] == ["Post 0", "Post 2"]


def test_hints_that_led_to_another_post_lead_nowhere_from_then_on() -> None:
    """A new post after all keeps a mark that its hints are those of two posts."""
    post = to_save(1, suspects=(suspect(likeness=0.0, contained=0.0),))
    [new] = heal(FeedChange(new=(post,)), 10).new
    assert new.suspects == ()
    assert set(new.keys) == {"guid:1", "shared:~path:a", "shared:~title:a"}


@pytest.mark.parametrize(
    ("values", "title", "edit"),
    [
        ({"same_words": True}, "A", "none"),
        ({"likeness": 0.9}, "A", "cosmetic"),
        ({"likeness": 0.5}, "A", "substantive"),
        ({"same_words": True, "hints": ("~path:a",)}, "A", "cosmetic"),
        ({"same_words": True, "hints": ("~text:a",)}, "", "none"),
    ],
)
def test_what_a_renewal_changed(values: dict[str, Any], title: str, edit: str) -> None:
    """A post that is recognised is an edit by what its words are now."""
    post = to_save(1, title=title, suspects=(suspect(**values),))
    [known] = heal(FeedChange(new=(post,)), 10).healed
    assert (known.post_id, known.edit, known.suspects) == (7, edit, ())


LONG = text(1)


@pytest.mark.parametrize(
    ("now", "before", "likeness", "same"),
    [
        (LONG, LONG, 1.0, True),
        (LONG, LONG.upper(), 1.0, True),
        (f"{LONG} 12 views", f"{LONG} 15 views", 1.0, False),
        (f"{LONG} 3 hours ago", f"{LONG} 2 days ago", 1.0, False),
        ("A word.", "A word!", 1.0, True),
        ("A word.", "Another word.", None, False),
        ("", "", None, True),
        ("One", LONG, None, False),
    ],
)
def test_comparing_texts(now: str, before: str, likeness: float | None, same: bool) -> None:
    """Counters say nothing, and of short texts only equality counts."""
    found = compare(now, NOW, Remembered(7, "A", before, NOW), ("~title:a",))
    assert (found.likeness, found.same_words) == (likeness, same)
    if not now:
        assert compare(LONG, NOW, Remembered(7, "A", now, NOW), ("~title:a",)).contained == 0.0


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (NOW, NOW - DAY, DAY),
        (NOW, None, None),
        (None, NOW, None),
        (NOW.replace(hour=0), NOW, timedelta()),
        (NOW, NOW.replace(hour=0), timedelta()),
        (NOW.replace(hour=0), NOW.replace(hour=0) - DAY, DAY),
        (NOW.replace(hour=0), NOW - 2 * DAY, 40 * HOUR),
    ],
)
def test_comparing_dates(one: datetime | None, other: datetime | None, apart: timedelta | None) -> None:
    """A date without the time of day is that of any hour of it."""
    found = compare("", one, Remembered(7, "A", "", other), ("~title:a",))
    assert found.apart == apart
    assert found.by_day == any(date is not None and date.hour == 0 for date in (one, other))


# ------------------------------------------------------------------------------------- through the real poll


def as_item(post: ParsedPost) -> str:
    """An RSS item of a post."""
    date = f"<pubDate>{post.published:%a, %d %b %Y %H:%M:%S} GMT</pubDate>" if post.published else ""
    files = "".join(f'<enclosure url="{one.url}" type="{one.type}" length="1"/>' for one in post.enclosures)
    link = f"<link>{post.url}</link>" if post.url else ""
    return (
        f'<item><title>{post.title}</title>{link}<guid isPermaLink="false">{post.guid}</guid>{date}{files}'
        f"<description><![CDATA[{post.content_html}]]></description></item>"
    )


@pytest.mark.parametrize("renewed", RENEWALS)
def test_a_poll_recognises_a_renewed_document(
    store: Store, origin: Origin, now: datetime, renewed: Callable[[ParsedPost], ParsedPost]
) -> None:
    """Through HTTP, parser and database: a renewed document brings nothing and holds nothing, its row says what
    happened, and the next post is new."""
    old = [essay(number, published=now - DAY * (number + 1)) for number in range(7)]
    feed = source(origin, "/a")
    origin.serve("/a", Answer(200, rss(map(as_item, old[1:]))))
    run_poll(store, [feed], now)
    origin.serve("/a", Answer(200, rss(map(as_item, old))))
    run_poll(store, [feed], now + 5 * DAY)
    moved = [as_item(renewed(post)) for post in old]
    origin.serve("/a", Answer(200, rss(moved)))
    row = run_poll(store, [feed], now + 40 * DAY)["a"]
    assert (row.status, row.new, row.updated) == ("ok", 0, 0)
    fresh = as_item(essay(30, guid="fresh", published=now + 40 * DAY))
    origin.serve("/a", Answer(200, rss([fresh, *moved])))
    row = run_poll(store, [feed], now + 41 * DAY)["a"]
    assert (row.new, row.note) == (1, "")
    assert len(titles(store)) == 8
    assert store.row("SELECT 1 FROM posts WHERE held_at IS NOT NULL") is None


def test_a_poll_says_what_it_recognised(store: Store, origin: Origin, now: datetime) -> None:
    """The row's note counts the posts that came back under other ids."""
    old = [essay(number) for number in range(6)]
    feed = source(origin, "/a")
    origin.serve("/a", Answer(200, rss(map(as_item, old))))
    run_poll(store, [feed], now)
    origin.serve("/a", Answer(200, rss(as_item(new_page(post)) for post in old)))
    assert run_poll(store, [feed], now + DAY)["a"].note == "6 posts came back under other ids and were recognised"


@pytest.mark.parametrize("kind", SERIES)
def test_a_poll_keeps_all_of_a_series(
    store: Store, origin: Origin, now: datetime, kind: Callable[[int], ParsedPost]
) -> None:
    """The parts of a series, one by one through the real pipe, are all stored and none is held."""
    feed = source(origin, "/a")
    for number in range(4):
        origin.serve("/a", Answer(200, rss([as_item(kind(number))])))
        assert run_poll(store, [feed], now + number * DAY)["a"].new == 1
    assert store.row("SELECT count(*) AS n FROM posts WHERE held_at IS NULL")["n"] == 4  # type: ignore[index]


def test_random_guids_repeat_nothing_in_real_polls(store: Store, origin: Origin, now: datetime) -> None:
    """A feed that rolls its guids at each fetch brings its posts once."""
    feed = source(origin, "/a")
    for fetch in range(5):
        posts = [undated(number, guid=f"{fetch}-{number}") for number in range(5)]
        origin.serve("/a", Answer(200, rss(map(as_item, posts))))
        assert run_poll(store, [feed], now + fetch * HOUR)["a"].new == (5 if fetch == 0 else 0)


# --------------------------------------------------------------------------------------- redated, in part, or imported


def test_one_blogs_renewal_in_a_planet_says_nothing_of_another_blog() -> None:
    """Beside a part of a planet that was renewed, a post of another blog is judged as one alone."""
    blog, other = "https://blog.example/", "https://other.example/"
    part = [to_save(n, origin_url=blog, published=NOW + n * DAY) for n in range(3)]
    alone = suspect(apart=timedelta(), likeness=0.9)
    change = FeedChange(new=(*part, to_save(9, origin_url=other, published=NOW, suspects=(alone,))))
    assert len(heal(change, 20, {blog: 3, other: 17}).healed) == 1


def renewed(
    aparts: Sequence[timedelta],
    *,
    others: int = 0,
    since: datetime | None = None,
    second: int = 17,
    parts: dict[str, int] | None = None,
    origin: str = "",
) -> int:
    """How many posts are recognised that have the pages and the 40 words of stored ones, so far apart in time, beside
    so many others that are known."""
    posts = [
        to_save(
            number,
            text="word " * 40,
            published=NOW - number * HOUR + timedelta(seconds=second),
            origin_url=origin,
            suspects=(suspect(post_id=number, apart=apart, same_words=True),),
        )
        for number, apart in enumerate(aparts)
    ]
    return len(heal(FeedChange(new=tuple(posts)), len(posts) + others, parts, since).healed)


REDATED = [DAY * 3 + HOUR * 5, DAY * 7 + HOUR, DAY * 9]


def test_the_same_pages_at_any_second_of_other_days_are_the_same_posts() -> None:
    """Most of a document on its pages, word for word, dated anew by a program that saved it. Programmes, which have
    round times, and single posts are told apart still."""
    assert renewed(REDATED) == 3
    assert renewed(REDATED, second=0) == 0
    assert renewed(REDATED, others=3) == 0
    assert renewed(REDATED[:2]) == 0


def test_what_is_dated_before_the_last_reading_is_nothing_to_come() -> None:
    """With round times, too, the same pages are the same posts when they are dated before the document was last
    read."""
    assert renewed(REDATED, second=0, since=NOW + HOUR) == 3
    assert renewed(REDATED, second=0, since=NOW - DAY) == 0


def test_a_part_of_a_planet_is_renewed_as_a_document_is() -> None:
    """Where most of what a planet has of one blog is new, it was that blog which renewed its posts."""
    blog = "https://blog.example/"
    assert renewed(REDATED, others=20, origin=blog, parts={blog: 4, "https://other.example/": 19}) == 3
    assert renewed(REDATED, others=20, origin=blog, parts={blog: 9, "https://other.example/": 14}) == 0


def test_what_was_written_after_an_import_does_not_hide_it() -> None:
    """Most posts of a document have the date of an import; one that was written since has another."""
    apart = [suspect(post_id=n, apart=n * DAY + HOUR, likeness=0.8) for n in range(1, 6)]
    old = [to_save(n, published=NOW + timedelta(minutes=n), suspects=(one,)) for n, one in enumerate(apart)]
    change = heal(FeedChange(new=(*old, to_save(9, published=NOW + 2 * DAY))), 6)
    assert (len(change.healed), len(change.new)) == (5, 1)


# ------------------------------------------------------------------------------- another title, page and guid at once

SECOND = NOW.replace(hour=9, minute=41, second=17)


def retitled(number: int, post: ParsedPost) -> ParsedPost:
    """A blog that makes page and guid of the headline, which was corrected."""
    page = f"https://old.example/posts/corrected-{number}"
    return replace(post, guid=page, url=page, title=f"A corrected headline of essay {number}")


def retitle_all(post: ParsedPost) -> ParsedPost:
    return retitled(post.position, post)


def at_a_second(number: int) -> ParsedPost:
    return essay(number, published=SECOND - number * DAY, content_html=f"<p>{text(number, 60)}</p>")


@pytest.mark.parametrize("pruned", [False, True])
def test_a_guid_that_is_used_again_names_another_post(
    store: Store, origin: Origin, now: datetime, pruned: bool
) -> None:
    """A blog that is set up anew counts its guids from one again: what they named is told by its text, or by what is
    kept of a text that is gone. The former posts stay as they are."""
    feed = source(origin, "/a")
    old = [at_a_second(number) for number in range(4)]
    origin.serve("/a", Answer(200, rss(map(as_item, old))))
    run_poll(store, [feed], now)
    if pruned:
        for one in store.rows("SELECT id, text FROM posts"):
            store.conn.execute(
                """UPDATE posts SET content_html = '', text = '', summary = '', content_hash = '', sketch = ?
                WHERE id = ?""",
                (sketch(one["text"]), one["id"]),
            )
    fresh = replace(at_a_second(50), guid=old[0].guid, published=SECOND + 2 * DAY)
    origin.serve("/a", Answer(200, rss(map(as_item, [fresh, *old[1:]]))))
    assert [run_poll(store, [feed], now + days * DAY)["a"].new for days in (1, 2)] == [1, 0]
    stored = store.rows("SELECT title, text FROM posts ORDER BY id")
    assert {old[0].title, fresh.title} <= {row["title"] for row in stored}
    assert len(stored) == 5
    assert all((row["text"] == "") == pruned for row in stored[:4])


def test_a_document_of_very_many_new_posts_is_healed_in_no_time() -> None:
    """What is done for all of them together takes time with their number, not with its square."""
    posts = [to_save(n, published=NOW - n * HOUR, origin_url=f"https://{n % 2_000}.example/") for n in range(10_000)]
    began = time.process_time()
    assert heal(FeedChange(new=tuple(posts)), len(posts), {post.origin_url: 5 for post in posts}).healed == ()
    assert time.process_time() - began < 3


@pytest.mark.parametrize("few", [True, False])
def test_a_headline_that_names_page_and_guid_may_be_corrected(few: bool) -> None:
    """Of one second and word for word it is the same post, though its title, its page and its guid are others: one
    among others, or all of them at once."""
    memory = Memory()
    old = [at_a_second(number) for number in range(8)]
    memory.poll(*old)
    now = [retitled(number, post) if number == 0 or not few else post for number, post in enumerate(old)]
    change = memory.poll(*now)
    assert (len(change.new), len(change.healed)) == (0, 1 if few else 8)
    assert counted(memory, now) == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, 0),
        ({"content_html": f"<p>{text(1, 60)} corrected</p>"}, 0),
        ({"content_html": f"<p>{text(2, 60)}</p>"}, 1),
        ({"content_html": f"<p>{text(1, 60)}</p>", "published": SECOND + timedelta(seconds=1)}, 1),
        ({"published": SECOND.replace(hour=0, minute=0, second=0)}, 1),
    ],
)
def test_what_of_the_same_second_is_another_post(values: dict[str, Any], expected: int) -> None:
    """Another text, another second, or a date that is only a day: in doubt it is new."""
    memory = Memory()
    post = essay(1, content_html=f"<p>{text(1, 60)}</p>", published=values.get("published", SECOND))
    if "published" in values and values["published"] > SECOND:
        post = replace(post, published=SECOND)
    memory.poll(post, *(at_a_second(number) for number in range(2, 8)))
    assert counted(memory, [retitled(1, replace(post, **values)), *(at_a_second(n) for n in range(2, 8))]) == expected


@pytest.mark.parametrize("count", [1, 2])
def test_parts_of_a_series_of_one_second_are_new(count: int) -> None:
    """Texts that differ in numbers, or that are short, prove nothing under other titles, even in one second."""
    for words in (f"{text(1, 60)} {{}} degrees", "The meeting at the church hall is open to everybody who likes to {}"):
        memory = Memory()
        for number in range(0, 4, count):
            posts = [
                retitled(n, essay(n, published=SECOND, content_html=f"<p>{words.format(n)}{' ' * 80}</p>"))
                for n in range(number, number + count)
            ]
            assert counted(memory, posts) == count


MOMENT = ("~moment:2026",)


@pytest.mark.parametrize(
    ("values", "words", "expected"),
    [
        ({"same_words": True}, 40, True),
        ({"same_words": True}, 39, False),
        ({"likeness": 0.95}, 40, True),
        ({"likeness": 0.94}, 40, False),
        ({"likeness": 1.0}, 40, False),
        ({"same_words": True, "apart": HOUR}, 99, False),
    ],
)
def test_a_second_leads_and_the_text_proves(values: dict[str, Any], words: int, expected: bool) -> None:
    """Alone, and where most of a document looks new: forty words that are the same, or very nearly so."""
    assert healed(suspect(hints=MOMENT, **values), words=words) == expected
    assert mass(suspect(hints=MOMENT, **values), words=words) == expected


def test_a_second_is_no_second_hint() -> None:
    """One that has only its title and its second is recognised as one with its title alone."""
    both = (*ONE, *MOMENT)
    assert not healed(suspect(likeness=None, hints=both))
    [new] = heal(FeedChange(new=(to_save(1, suspects=(suspect(likeness=None, hints=both),)),)), 10).new
    assert set(new.keys) == {"guid:1", "shared:~title:a"}


def test_a_podcast_whose_files_are_signed_anew_brings_nothing() -> None:
    """Without guids, pages and dates, and with one title and text for all, its files are what there is to know."""

    def signed(number: int, token: str) -> ParsedPost:
        file = Enclosure(f"https://cdn.old.example/{number}.mp3?token={token}{number}", "audio/mpeg", 1000)
        return parsed_post(number, title="Episode", content_html="New episode", url=file.url, enclosures=(file,))

    memory = Memory()
    assert counted(memory, [signed(number, "abc") for number in range(8)]) == 8
    assert counted(memory, [signed(number, "new") for number in range(9)]) == 1


# ----------------------------------------------------------------------- one taken out, and another put in its place


def long_essay(number: int, **values: Any) -> ParsedPost:
    return essay(number, **{"content_html": f"<p>{text(number, 100)}</p>"} | values)


def redated(post: ParsedPost) -> ParsedPost:
    page = f"https://old.example/2026/11/24/essay-{post.position}"
    return replace(post, guid=page, url=page, published=NOW - HOUR)


def reslugged(post: ParsedPost) -> ParsedPost:
    page = f"https://old.example/2026/shorter-{post.position}"
    return replace(post, guid=page, url=page, published=None)


def without_ids(post: ParsedPost) -> ParsedPost:
    return replace(post, guid="", url="", published=None)


def longer(post: ParsedPost) -> ParsedPost:
    more = "<p>Update: one more sentence that was written after breakfast on a day.</p>"
    return replace(post, content_html=post.content_html + more)


def corrected(post: ParsedPost) -> ParsedPost:
    first, rest = post.content_html.split(" ", 1)
    return replace(post, content_html=f"{first}s {rest}")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda post: post, redated),
        (lambda post: replace(post, published=None), reslugged),
        (without_ids, lambda post: longer(without_ids(post))),
        (without_ids, lambda post: corrected(without_ids(post))),
    ],
)
def test_a_post_in_place_of_one_that_was_taken_out_is_that(
    before: Callable[[ParsedPost], ParsedPost], after: Callable[[ParsedPost], ParsedPost]
) -> None:
    """Another page and date, another page without dates, or a text that grew without any ids: the document still has
    three older posts, but no more the one of this headline and text."""
    old = [before(long_essay(number)) for number in range(6)]
    memory = Memory()
    memory.poll(*old)
    assert counted(memory, [after(long_essay(0)), *old[1:]]) == 0
    memory = Memory()
    memory.poll(*old)
    assert counted(memory, [after(long_essay(0)), *old]) == 1
    memory = Memory()
    memory.poll(*old)
    fresh = [before(long_essay(number)) for number in range(20, 26)]
    memory.poll(*fresh, *old[:2])
    assert counted(memory, [after(long_essay(0)), *fresh]) == 1


@pytest.mark.parametrize("window", [1, 3, 6])
def test_the_next_part_of_a_long_series_is_new(window: int) -> None:
    """Word for word under one headline, each on a page of its own, among other posts: a feed that moves on takes out
    what is older as well."""
    memory = Memory()

    def part(number: int) -> ParsedPost:
        if number % 4:
            return long_essay(number, published=NOW + number * DAY)
        same = {"title": "Our open thread for this week", "content_html": f"<p>{text(1, 120)}</p>"}
        return long_essay(number, **same, published=NOW + number * DAY)

    for number in range(24):
        memory.poll(*(part(one) for one in range(number, max(number - window, -1), -1)))
    assert len(memory.posts) == 24


def replaced(met: Sequence[int], words: int = 100, title: str = "The essay with a long title", **values: Any) -> bool:
    """Whether a new post is taken for the stored one 7, where the document still has the posts `met`."""
    post = to_save(1, guid="", url="", title=title, text="word " * words, suspects=(suspect(hints=ONE, **values),))
    return bool(heal(FeedChange(new=(post,)), 10, met=met).healed)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"apart": LATER, "same_words": True}, True),
        ({"apart": LATER, "same_words": True, "words": 99}, False),
        ({"apart": LATER, "same_words": True, "title": "The open thread"}, False),
        ({"apart": LATER, "same_words": True, "met": (1, 2, 8, 9)}, False),
        ({"apart": LATER, "likeness": 0.99}, False),
        ({"apart": None, "likeness": 0.95, "contained": 0.9, "words": 40}, True),
        ({"apart": None, "likeness": 0.94, "contained": 0.9}, False),
        ({"apart": None, "likeness": 0.75, "contained": 1.0}, True),
        ({"apart": None, "likeness": 0.74, "contained": 1.0}, False),
        ({"apart": None, "likeness": 1.0}, False),
        ({"apart": None, "likeness": 0.95, "words": 39}, False),
    ],
)
def test_what_stands_in_place_of_another(values: dict[str, Any], expected: bool) -> None:
    """A headline, many words, and three posts that are older than the one that was taken out."""
    assert replaced(**{"met": (1, 2, 3, 9)} | values) == expected


def test_a_poll_recognises_what_was_put_in_place_of_another(store: Store, origin: Origin, now: datetime) -> None:
    """Through HTTP, parser and database: a post moved to another page and day is no news, and the next one is."""
    feed = source(origin, "/a")
    old = [long_essay(number) for number in range(6)]
    for posts, new in ((old, 6), ([redated(old[0]), *old[1:]], 0), ([long_essay(9, published=NOW), *old[1:]], 1)):
        origin.serve("/a", Answer(200, rss(map(as_item, posts))))
        assert run_poll(store, [feed], now)["a"].new == new


@pytest.mark.parametrize("renewed", [new_page, retitle_all])
@pytest.mark.parametrize("count", [1, 6])
def test_a_pruned_post_is_recognised_by_its_sketch(
    store: Store, origin: Origin, now: datetime, renewed: Callable[[ParsedPost], ParsedPost], count: int
) -> None:
    """Its text is gone and its guid and page are others, maybe its headline, too: one of a document, or all of it."""
    feed = source(origin, "/a")
    old = [at_a_second(number) for number in range(6)]
    origin.serve("/a", Answer(200, rss(map(as_item, old))))
    assert run_poll(store, [feed], now)["a"].new == 6
    for one in store.rows("SELECT id, text FROM posts"):
        store.conn.execute(
            """UPDATE posts SET content_html = '', text = '', summary = '', content_hash = '', sketch = ?
            WHERE id = ?""",
            (sketch(one["text"]), one["id"]),
        )
    origin.serve("/a", Answer(200, rss(map(as_item, [*map(renewed, old[:count]), *old[count:]]))))
    row = run_poll(store, [feed], now + DAY)["a"]
    assert row.new == 0
    assert row.note.startswith(f"{count} post")
    assert row.note.endswith("recognised")
