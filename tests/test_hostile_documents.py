"""Documents made to harm: bombs, files and addresses named in them, and more of everything than any feed has."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import closing
from pathlib import Path

import pytest

from tests.documents import URL, read, rss
from tidings.model import Document, Failed, ParsedFeed
from tidings.posts.decide import finish, name, plan
from tidings.posts.parse import MAX_POSTS, parse
from tidings.workers import MEMORY, open_executor, within

CHARSETS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
ENDS = {"well-formed": "", "cut off": "<item><broken", "tag soup": "</x></y>"}
LAUGHS = "".join(f'<!ENTITY {one} "{f"&{two};" * 10}">' for one, two in zip("bcdefghij", "abcdefghi", strict=True))
SUBSETS = {
    "billion laughs": f'[<!ENTITY a "ha">{LAUGHS}]',
    "quadratic": f'[<!ENTITY j "{"x" * 50_000}">]',
    "a parameter entity": "[<!ENTITY % p \"<!ENTITY j 'ha'>\"> %p;]",
    "a reference to itself": '[<!ENTITY j "&j;">]',
    "an attribute list": '[<!ENTITY j "x"><!ATTLIST title a CDATA "&j;&j;&j;">]',
}


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("subset", SUBSETS)
def test_no_entity_grows(subset: str, end: str, charset: str) -> None:
    """Whatever a document declares, by either reader and in any character set, it gets no longer than it is."""
    title = "<item><title>a &j; b</title></item>" + "<item><title>" + "&j;" * 500 + "</title></item>"
    body = f"<!DOCTYPE rss {SUBSETS[subset]}>" + rss(title) + ENDS[end]
    feed = read(body.encode(charset))
    assert len(feed.posts) >= 2
    assert len(repr(feed)) < 20_000


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bool]]]:
    """A port on loopback, and a list that something is put in when anybody connects to it."""
    called: list[bool] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def listen() -> None:
            try:
                server.accept()
                called.append(True)
            except OSError:
                pass

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], called
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("end", ENDS)
def test_no_file_and_no_address_is_opened(
    charset: str, end: str, tmp_path: Path, listener: tuple[int, list[bool]]
) -> None:
    """External entities, DTDs, parameter entities, XInclude and stylesheets lead nowhere."""
    (tmp_path / "secret").write_text("SECRET")
    port, called = listener
    for place in (f"file://{tmp_path}/secret", f"{tmp_path}/secret", f"http://127.0.0.1:{port}/x"):
        body = (
            f'<?xml-stylesheet href="{place}"?><!DOCTYPE rss SYSTEM "{place}" [<!ENTITY x SYSTEM "{place}">'
            f'<!ENTITY y PUBLIC "y" "{place}"><!ENTITY % p SYSTEM "{place}">%p;]>'
        ) + rss(
            '<item><title>a&x;&y;b</title><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" '
            f'href="{place}"/></item>'
        )
        feed = read((body + ENDS[end]).encode(charset))
        assert feed.posts
        assert "SECRET" not in repr(feed)
    assert called == []


def test_json_is_no_way_round() -> None:
    """JSON Feed has no entities: what looks like one is text."""
    item = {"id": "1", "title": "&j;&x;", "content_html": '<!DOCTYPE a [<!ENTITY j "x">]>&j;'}
    feed = read(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": [item]}))
    assert feed.posts[0].title == "&j;&x;"


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    with open_executor("processes") as executor:
        yield executor


def fill(unit: str, size: int = 14_000_000) -> str:
    return unit * (size // len(unit.encode()))


def items(text: str, count: int) -> str:
    return rss(f"<item><guid>g</guid><description>{text}</description></item>" * count)


def one(inside: str, attributes: str = "") -> str:
    return rss(f"<item {attributes}><guid>g</guid>{inside}</item>")


def numbered(pattern: str, count: int) -> str:
    return "".join(pattern.replace("#", str(number)) for number in range(count))


LARGE = {
    "ascii": lambda: items(fill("lorem &lt;p>", 140_000), 100),
    "not latin": lambda: items(fill("Привет ", 140_000), 100),
    "astral": lambda: items(fill("😀", 140_000), 100),
    "bare ampersands": lambda: items(fill("a & b ", 140_000), 50),
    "cut off": lambda: items(fill("a &lt;p>", 140_000), 100)[:-90],
    "one item": lambda: rss(f"<item><description>{fill('lorem ')}</description><guid>g</guid></item>"),
    "open tags": lambda: rss("<item><guid>g</guid>" + "<a>" * 200_000),
    "open tags of content": lambda: rss("<item><guid>g</guid><description>" + "<a>" * 200_000),
    "attributes": lambda: one("<x" + numbered(" a#='v'", 30_000) + "/>"),
    "namespaces": lambda: one("", numbered(" xmlns:n#='urn:#'", 30_000)),
    "tags": lambda: one(numbered("<category>#</category>", 100_000)),
    "entities": lambda: one(f"<description>{fill('&nbsp;&lt;', 4_000_000)}</description>"),
    "a huge attribute": lambda: one(f"<enclosure url='{fill('x')}'/>"),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_documents_are_read_within_the_limits(kind: str, executor: Executor) -> None:
    """A feed of the largest size that is fetched, of any characters, and more of anything than a feed has: each is read
    by a worker with its memory limited, and its first post is there."""
    parsed = executor.submit(within, 60, parse, Document(URL, LARGE[kind]().encode())).result()
    assert isinstance(parsed, ParsedFeed), parsed
    assert parsed.posts[0].guid == "g"


def test_what_needs_too_much_memory_is_refused_and_the_worker_goes_on(executor: Executor) -> None:
    """A document that would not fit fails by name, again and again, and a feed after it is read."""
    body = b'{"version": "https://jsonfeed.org/version/1.1", "items": [' + b"[]," * 4_900_000 + b"{}]}"
    for _ in range(3):
        failed = executor.submit(within, 60, parse, Document(URL, body)).result()
        assert isinstance(failed, Failed)
        assert failed.kind == "too-large"
        assert f"more than {MEMORY // 2**20} MB" in failed.message
    large = executor.submit(within, 60, parse, Document(URL, LARGE["astral"]().encode())).result()
    assert isinstance(large, ParsedFeed)


def test_ten_thousand_posts_are_read_named_and_cleaned() -> None:
    """An archive of the largest number of posts goes through all steps."""
    feed = read(rss("".join(f"<item><guid>{n}</guid><description>a</description></item>" for n in range(MAX_POSTS))))
    change = finish(plan(name(feed), {}))
    assert not isinstance(change, Failed)
    assert (len(change.new), feed.malformed) == (MAX_POSTS, False)
