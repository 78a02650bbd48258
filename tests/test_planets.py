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
    return item(number, title=title, text=words(f"n{number}", (8, 40, 120, 15)[number % 4]), dated=number % 3 > 0)


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
    for until, now in enumerate(DAYS[:6]):
        write(origin, BLOGS, until)
        row = one.poll(now)["own"]
        feed = one.publish(path)
        one.send(now)
        assert (row.status, row.new, row.note) in [("ok", 0, OWN_FEED), ("unchanged", 0, "")]
        assert len(one.posts) == len(ids_of(feed)) == 4 * (until + 1)
    assert len(one.carried) == 4 * 5
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
