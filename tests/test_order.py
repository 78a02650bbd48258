"""The order of documents says nothing: which posts are stored, and which are one story, is the same whatever comes
first, however often, and wherever a process ends. On a real database, from decision to save."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, edition, parsed_feed, parsed_post, source
from tests.stocking import LIMITS, state_of
from tidings.model import FeedChange, Fetched, Hop, ParsedPost, Source
from tidings.posts.decide import finish, keys_to_look_up, merge, name, plan, slices
from tidings.posts.healing import heal
from tidings.posts.sketch import sketch
from tidings.recording import ReadDocument, Recorder
from tidings.store import Store, feeds, open_store, posts, pruning

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BLOG, PLANET, COPIER = (source(name=name, url=f"https://{name}.example/feed") for name in ("blog", "planet", "copier"))
SOURCES = (BLOG, PLANET, COPIER)
NUMBERS = st.integers(0, 6)


# -------------------------------------------------------------------------------------------------------- true posts


def words(number: int, count: int = 40) -> str:
    made = random.Random(number)
    return " ".join("".join(made.choices("abcdefghiklmnoprstu", k=made.randint(3, 9))) for _ in range(count))


def true(number: int) -> ParsedPost:
    """A post of the blog. Its author tells which it is, and is looked at by nothing that decides."""
    url = f"https://blog.example/posts/{number}-{words(number, 2).replace(' ', '-')}"
    return parsed_post(
        number,
        guid=f"http://blog.example/?p={number}",
        url=url,
        title=words(number + 100, 4).capitalize(),
        author=f"true {number}",
        published=NOW - 20 * DAY + number * DAY,
        content_html=f"<p>{words(number)}</p>",
    )


def over_https(post: ParsedPost) -> ParsedPost:
    return replace(post, guid=post.guid.replace("http:", "https:"))


def at_another_host(post: ParsedPost) -> ParsedPost:
    return replace(
        post, guid=post.guid.replace("blog.", "journal."), url=post.url.replace("blog.example", "journal.example")
    )


def under_another_id(post: ParsedPost) -> ParsedPost:
    return replace(post, guid=f"urn:renewed:{post.author}")


def by_another_clock(post: ParsedPost) -> ParsedPost:
    """Under another id, with another second in its date: nothing that names it is left."""
    return replace(under_another_id(post), published=(post.published or NOW) + timedelta(seconds=30))


def through_a_proxy(post: ParsedPost) -> ParsedPost:
    return replace(post, url=f"{post.url}?utm_source=rss&utm_medium=feed")


def edited(post: ParsedPost) -> ParsedPost:
    return replace(post, content_html=f"{post.content_html}<p>Update: {words(post.position + 500, 12)}</p>")


Look = Callable[[ParsedPost], ParsedPost]
LOOKS: list[Look] = [
    lambda post: post,
    over_https,
    at_another_host,
    under_another_id,
    by_another_clock,
    through_a_proxy,
    edited,
    lambda post: edited(under_another_id(post)),
]


def on_planet(post: ParsedPost) -> ParsedPost:
    """A planet's copy: the blog's id and link, and where it is from."""
    return replace(post, origin_title="The blog", origin_url="https://blog.example/")


def at_copier(post: ParsedPost) -> ParsedPost:
    """A copy of days later, with ids and a date of its own."""
    note = f'<p>Originally published at <a href="{post.url}">blog.example</a>.</p>'
    return replace(
        post,
        guid=f"copy-{post.position}",
        url=f"https://copier.example/p/{post.position}",
        content_html=post.content_html + note,
        published=(post.published or NOW) + 4 * DAY,
    )


@dataclass(frozen=True)
class Reading:
    """A document of one source, read once."""

    source: Source
    posts: tuple[ParsedPost, ...]


def of_blog(numbers: Sequence[int], look: Look = LOOKS[0]) -> Reading:
    return Reading(BLOG, tuple(look(true(number)) for number in numbers))


def copied(where: Source, numbers: Sequence[int]) -> Reading:
    copy = {BLOG: LOOKS[0], PLANET: on_planet, COPIER: at_copier}[where]
    return Reading(where, tuple(copy(true(number)) for number in numbers))


NUMBERED = st.lists(NUMBERS, unique=True, min_size=1)
BLOG_READINGS = st.lists(st.builds(of_blog, NUMBERED, st.sampled_from(LOOKS)), min_size=1, max_size=5)
ALL_READINGS = st.lists(st.builds(copied, st.sampled_from(SOURCES), NUMBERED), min_size=1, max_size=5)

# Documents of a careless, or hostile, program: little tells one post from another.
ODD_POSTS = st.builds(
    lambda **values: parsed_post(0, **values),
    guid=st.sampled_from(["", "", "1", "2", "http://blog.example/a"]),
    url=st.sampled_from(["", "https://blog.example/", "https://blog.example/a", "https://blog.example/b"]),
    title=st.sampled_from(["", "Open thread", "News"]),
    content_html=st.sampled_from(["", "<p>One</p>", "<p>Two</p>", f"<p>{words(1)}</p>"]),
    published=st.sampled_from([None, NOW - DAY, NOW - 2 * DAY]),
)
ODD_READINGS = st.lists(
    st.builds(lambda posts: Reading(BLOG, tuple(posts)), st.lists(ODD_POSTS, min_size=1, max_size=5)),
    min_size=1,
    max_size=6,
)


# ------------------------------------------------------------------------------------------------------------ reading


@cache
def _empty() -> Path:
    path = Path(tempfile.mkdtemp()) / "empty.db"
    with open_store(path) as store:
        feeds.sync(store, SOURCES, [edition()], NOW - DAY)
    return path


@contextmanager
def database() -> Iterator[Path]:
    """A database of its own for each example, with the sources in it."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copy(_empty(), Path(folder) / "tidings.db"))


def decide(store: Store, reading: Reading) -> tuple[ReadDocument, FeedChange]:
    """What a document changes, as in the poll pipe."""
    state = state_of(store, reading.source)
    named = name(parsed_feed(*reading.posts, site_url=f"https://{reading.source.name}.example/"))
    made = plan(named, posts.known(store, state.feed_id, keys_to_look_up(named)), state.volatility)
    before = posts.remembered(store, made.to_compare)
    done = [finish(replace(piece, before=before)) for piece in slices(made)]
    change = merge([one for one in done if isinstance(one, FeedChange)])
    fetched = Fetched(reading.source.url, 200, b"", hops=(Hop(reading.source.url, 200),))
    return ReadDocument(reading.source.url, fetched, "hash", named.feed, made.without_posts, b""), change


def read(store: Store, reading: Reading, now: datetime) -> None:
    document, change = decide(store, reading)
    Recorder(store, LIMITS, lambda: now).read(state_of(store, reading.source), document, change)


def read_all(path: Path, readings: Sequence[Reading], ends: frozenset[int] = frozenset()) -> None:
    """Reads documents an hour apart. Before those in `ends` the process dies in the middle of its transaction, and a
    new one begins with the same document."""
    for place, reading in enumerate(readings):
        now = NOW + place * HOUR
        if place in ends:
            with open_store(path) as store:
                store.conn.execute("BEGIN IMMEDIATE")
                read(store, reading, now)
                store.conn.rollback()
        with open_store(path) as store:
            read(store, reading, now)


def stored(path: Path) -> list[tuple[str, str]]:
    """Source and author of each post, in alphabetical order."""
    with open_store(path) as store:
        rows = store.rows("SELECT f.name, p.author FROM posts p JOIN feeds f ON f.id = p.feed_id ORDER BY 1, 2")
    return [tuple(row) for row in rows]


def partition(path: Path) -> set[frozenset[tuple[str, str]]]:
    """The stories, as what is in them."""
    found: dict[int, set[tuple[str, str]]] = {}
    with open_store(path) as store:
        rows = store.rows("SELECT p.story, f.name, p.author FROM posts p JOIN feeds f ON f.id = p.feed_id")
    for story, *post in rows:
        found.setdefault(story, set()).add(tuple(post))
    return {frozenset(posts) for posts in found.values()}


def shown(readings: Sequence[Reading]) -> set[tuple[str, str]]:
    return {(reading.source.name, post.author) for reading in readings for post in reading.posts}


ENDS = st.frozensets(st.integers(0, 6))
EXAMPLES = settings(max_examples=20)


# --------------------------------------------------------------------------------------------------------------- posts


@EXAMPLES
@given(BLOG_READINGS, ENDS)
def test_posts_are_the_same_in_any_order(readings: list[Reading], ends: frozenset[int]) -> None:
    """Under whatever id, host, scheme or link a document shows posts, and in whatever order documents come, each true
    post is stored once, with every process that dies in the middle."""
    with database() as path:
        read_all(path, [*readings, *readings[::-1]], ends)
        assert stored(path) == sorted(shown(readings))


@EXAMPLES
@given(ALL_READINGS, ENDS, st.randoms(use_true_random=False))
def test_stories_are_the_same_in_any_order(
    readings: list[Reading], ends: frozenset[int], shuffle: random.Random
) -> None:
    """Posts of a blog, of a planet that copies it, and of a site that does so days later make the same stories in any
    order of their documents, read once or several times."""
    there = shown(readings)
    expected = {frozenset(one for one in there if one[1] == author) for _, author in there}
    for _ in range(2):
        with database() as path:
            read_all(path, [*readings, shuffle.choice(readings)], ends)
            assert stored(path) == sorted(there)
            assert partition(path) == expected
        shuffle.shuffle(readings)


LINK = parsed_post(
    0,
    guid="link",
    url="https://planet.example/link",
    title="Worth your time",
    author="link",
    content_html=f'<p>{words(900, 15)} <a href="{true(1).url}">here</a></p>',
    published=NOW - DAY,
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_link_to_a_post_is_one_story_with_it_and_its_copy(order: tuple[int, ...]) -> None:
    """A link to a page, and a copy of that page which stands elsewhere, are one story only by the page. Whatever came
    first, the page unites them; nothing is lost, and nothing is in one story with what it has nothing to do with."""
    readings = [of_blog([1, 2]), Reading(PLANET, (LINK,)), copied(COPIER, [1])]
    with database() as path:
        read_all(path, [readings[place] for place in order])
        stories = partition(path)
    page, link, copy = ("blog", "true 1"), ("planet", "link"), ("copier", "true 1")
    assert stories == {frozenset({("blog", "true 2")}), frozenset({page, link, copy})}


# -------------------------------------------------------------------------------------------------------- idempotence


@EXAMPLES
@given(st.one_of(BLOG_READINGS, ALL_READINGS, ODD_READINGS))
def test_a_document_changes_nothing_the_second_time(readings: list[Reading]) -> None:
    """Right after a document was saved, deciding on it again gives nothing to save, whatever came before it."""
    with database() as path, open_store(path) as store:
        for place, reading in enumerate(readings):
            read(store, reading, NOW + place * HOUR)
            _, again = decide(store, reading)
            again = heal(again, len(reading.posts))
            assert (again.new, again.changed, again.healed, again.aliases) == ((), (), (), ())


# ------------------------------------------------------------------------------------------------------------- memory


def keys(store: Store) -> dict[tuple[int, str], int]:
    return {(row["feed_id"], row["key"]): row["post_id"] for row in store.rows("SELECT * FROM post_keys")}


def prune(store: Store, now: datetime) -> int:
    """Takes the bodies from all that is older than an hour, but for the newest on the pages."""
    return pruning.prune(store, pruning.Retention(HOUR, 1, [BLOG], [], sketch), now)


@EXAMPLES
@given(st.one_of(BLOG_READINGS, ALL_READINGS, ODD_READINGS), st.data())
def test_no_post_is_ever_forgotten(readings: list[Reading], data: st.DataObject) -> None:
    """Whatever is read, and pruned, every key goes on to name the post that it named, or one that came later under it
    with nothing else of that one (posts/doubt.py), and every post stays."""
    with database() as path, open_store(path) as store:
        before, there = dict[tuple[int, str], int](), set[int]()
        for place, reading in enumerate(readings):
            read(store, reading, NOW + 3 * place * DAY)
            if data.draw(st.booleans(), label="prune"):
                prune(store, NOW + 3 * place * DAY + 2 * HOUR)
            assert all(keys(store)[key] >= post_id for key, post_id in before.items())
            ids = {row["id"] for row in store.rows("SELECT id FROM posts")}
            assert there <= ids
            before, there = keys(store), ids
        assert set(before.values()) <= there


@EXAMPLES
@given(BLOG_READINGS, st.sampled_from([LOOKS[0], over_https, at_another_host, through_a_proxy]))
def test_a_pruned_post_is_known_when_it_returns(readings: list[Reading], look: Look) -> None:
    """Posts without their bodies come back as they were, or under another scheme, host or link, and none is new."""
    with database() as path, open_store(path) as store:
        for place, reading in enumerate(readings):
            read(store, reading, NOW + place * HOUR)
        prune(store, NOW + 9 * DAY)
        numbers = sorted({post.position for reading in readings for post in reading.posts})
        before = stored(path)
        read(store, of_blog(numbers, look), NOW + 10 * DAY)
        assert stored(path) == before


def test_a_second_row_of_a_post_may_become_a_post_of_its_own() -> None:
    """Two guids of one document name one post, until one of them is given another text and another day."""
    one = replace(true(1), guid="one", title="Open thread", url="https://blog.example/thread")
    other = replace(one, guid="other")
    next_one = replace(other, content_html=f"<p>{words(77, 60)}</p>", published=NOW + 2 * DAY)
    for later, count in (((other,), 1), ((next_one, one), 2)):
        with database() as path, open_store(path) as store:
            read(store, Reading(BLOG, (one, other)), NOW)
            for days in (3, 4):
                read(store, Reading(BLOG, later), NOW + days * DAY)
            assert len(store.rows("SELECT id FROM posts")) == count
