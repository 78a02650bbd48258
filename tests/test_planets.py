"""Planets that follow each other, or themselves: nothing that they publish comes back to them as new."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.feeds import rss
from tests.origin import Answer, Origin
from tests.planets import days, planet
from tidings.recording import OWN_FEED

DAYS = days(12)
WORDS = "river stone garden window lamp paper bridge engine forest letter market harbor winter signal copper".split()


def words(seed: str, count: int) -> str:
    made = random.Random(seed)
    return " ".join(made.choice(WORDS) for _ in range(count)).capitalize()


def item(number: int, *, guid: str = "", link: str = "", title: str = "", text: str = "", dated: bool = True) -> str:
    parts = [("title", title), ("link", link), ("guid", guid), ("description", text)]
    date = format_datetime(DAYS[number]) if dated else ""
    return (
        f"<item>{''.join(f'<{name}>{value}</{name}>' for name, value in [*parts, ('pubDate', date)] if value)}</item>"
    )


# What a planet has to make an id for, and hardly anything to know again: few words, no address of its own.


def micro(number: int) -> str:
    return item(number, guid=f"m{number}", link=f"https://micro.example/{number}", text=words(f"m{number}", 9))


def home(number: int) -> str:
    title = words(f"title {number}", 5)
    return item(number, guid=f"h{number}", link="https://home.example/", title=title, text=words(f"h{number}", 12))


def nameless(number: int) -> str:
    title = words(f"nameless {number}", 5) if number % 2 else ""
    return item(number, title=title, text=words(f"n{number}", (8, 40, 15, 120)[number % 4]), dated=number % 3 > 0)


def essay(number: int) -> str:
    link = f"https://essay.example/{number}"
    return item(number, guid=link, link=link, title=words(f"e{number}", 6), text=words(f"essay {number}", 150))


BLOGS = {"micro": micro, "home": home, "nameless": nameless, "essay": essay}
PATHS = {name: f"/{name}" for name in BLOGS}


def write(origin: Origin, names: Iterable[str], until: int) -> None:
    """The blogs with their posts up to a number, newest first."""
    for name in names:
        items = [BLOGS[name](number) for number in range(until, -1, -1)]
        origin.serve(f"/{name}", Answer(200, rss(items, title=name, link=f"https://{name}.example/")))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[tuple[ExitStack, Path]]:
    with ExitStack() as stack:
        yield stack, tmp_path


def is_once(carried: list[str]) -> bool:
    return len(carried) == len(set(carried))


def ids_of(feed: str) -> list[str]:
    return re.findall(r"<entry[^>]*>\s*<id>(.*?)</id>", feed)


@pytest.mark.parametrize("content", ["full", "excerpt", "title"])
@pytest.mark.parametrize("path", ["/planet/atom.xml", "/a/mirror/of/it"])
def test_our_own_feed_is_never_news(space: tuple[ExitStack, Path], origin: Origin, path: str, content: str) -> None:
    """Who follows the own combined feed, under whatever address, stores nothing of it, and hears so in the report."""
    stack, folder = space
    one = stack.enter_context(planet(folder, origin, "/planet", {**PATHS, "own": path}, content))
    one.publish(path)
    for until, now in enumerate(DAYS[:4]):
        write(origin, BLOGS, until)
        row = one.poll(now)["own"]
        feed = one.publish(path)
        one.send(now)
        assert (row.status, row.new, row.note) in [("ok", 0, OWN_FEED), ("unchanged", 0, "")]
        assert len(one.posts) == len(ids_of(feed)) == 4 * (until + 1)
    assert len(one.carried) == 4 * 3
    assert is_once(one.carried)


def test_what_was_stored_of_our_own_feed_is_shown_no_more(space: tuple[ExitStack, Path], origin: Origin) -> None:
    """Posts that an address served before it turned out to be our own feed are left out of pages and digests."""
    stack, folder = space
    one = stack.enter_context(planet(folder, origin, "/planet", {"micro": "/micro", "other": "/other"}))
    write(origin, ["micro"], 0)
    origin.serve("/other", Answer(200, rss([home(0)])))
    one.poll(DAYS[0])
    origin.serve("/other", Answer(200, rss([home(1), home(0)])))
    one.poll(DAYS[1])
    assert len(ids_of(one.publish("/other"))) == 3
    one.poll(DAYS[2])
    assert len(ids_of(one.publish())) == 1
    one.send(DAYS[2])
    assert one.carried == []


@pytest.mark.parametrize("content", ["full", "excerpt", "title"])
def test_planets_that_follow_each_other_repeat_nothing(
    space: tuple[ExitStack, Path], origin: Origin, content: str
) -> None:
    """Two planets, each with blogs of its own and the other's combined feed: however often a post goes to and fro, it
    keeps its id, is one story on both sides, and is news once."""
    stack, folder = space
    one = stack.enter_context(
        planet(folder, origin, "/one", {"micro": "/micro", "home": "/home", "other": "/two/atom.xml"}, content)
    )
    two = stack.enter_context(
        planet(folder, origin, "/two", {"nameless": "/nameless", "essay": "/essay", "other": "/one/atom.xml"}, content)
    )
    one.publish()
    two.publish()
    feeds = []
    for round, now in enumerate(DAYS[:9]):
        write(origin, BLOGS, min(round, 4))
        for each in (one, two):
            each.poll(now)
            each.publish()
            each.send(now)
        feeds.append((one.publish(), two.publish()))
    for each, own in ((one, {"micro", "home"}), (two, {"nameless", "essay"})):
        assert is_once(each.carried)
        assert len({post.story for post in each.posts}) == 4 * 5
        copies = [post.origin_url for post in each.posts if post.source == "other"]
        come_home = [url for url in copies if url.removeprefix("https://").split(".")[0] in own]
        assert len(each.posts) == 4 * 5 + len(come_home)
        assert len(copies) == 4 * 5
    assert set(ids_of(feeds[-1][0])) == set(ids_of(feeds[-1][1])) == set(ids_of(feeds[5][0]))
    assert len(ids_of(feeds[-1][0])) == 4 * 5


def test_a_copy_of_a_copy_still_leads_to_the_blog(space: tuple[ExitStack, Path], origin: Origin) -> None:
    """Through a chain of planets a post has the id that the first one made, and atom:source names the blog."""
    stack, folder = space
    chain = [
        stack.enter_context(planet(folder, origin, f"/{n}", {"before": f"/{n - 1}/atom.xml" if n else "/home"}))
        for n in range(4)
    ]
    write(origin, ["home"], 2)
    feeds = []
    for each in chain:
        each.poll(DAYS[3])
        feeds.append(each.publish())
    assert all(ids_of(feed) == ids_of(feeds[0]) for feed in feeds)
    assert all(re.findall(r'rel="alternate" href="(https://home[^"]*)"', feed) for feed in feeds)
    sources = [set(re.findall(r"<source>(.*?)</source>", feed, re.DOTALL)) for feed in feeds[1:]]
    assert all("https://home.example/" in source for each in sources for source in each)


@pytest.mark.parametrize("first", ["blogs", "planet"])
@pytest.mark.parametrize("content", ["full", "excerpt", "title"])
def test_another_planets_copy_of_what_we_follow_is_no_news(
    space: tuple[ExitStack, Path], origin: Origin, content: str, first: str
) -> None:
    """A third planet follows the blogs and two planets that follow them, too: each post is news once, whichever was
    asked first, under whatever ids."""
    stack, folder = space
    planets = [stack.enter_context(planet(folder, origin, path, PATHS, content)) for path in ("/one", "/two")]
    others = {"a": "/one/atom.xml", "b": "/two/atom.xml"}
    third = stack.enter_context(planet(folder, origin, "/third", {**PATHS, **others}))
    for each in planets:
        each.publish()
    for round, now in enumerate(DAYS[:5]):
        write(origin, BLOGS, round)
        for each in planets:
            each.poll(now)
            each.publish()
        for names in (others, PATHS) if first == "planet" else (PATHS, others):
            third.poll(now, names)
        third.publish()
        third.send(now)
    assert is_once(third.carried)
    assert len({post.story for post in third.posts}) == 4 * 5
