"""Searching all posts over HTTP: what is found, what is not, and who asks too often."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html as lxml_html
from werkzeug.test import TestResponse

from tests.stocking import START, blog, configure, post, receive
from tidings.model import FeedChange
from tidings.records import replace
from tidings.store import Store, holding, open_store, posts
from tidings.web.app import create_app
from tidings.web.site import Site

A, SHY, HIDDEN = blog("a", tags=("sea",)), blog("shy", content="title"), replace(blog("hidden"), publish=False)
BRIEF = blog("brief", content="excerpt")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Iterator[FlaskClient]:
    database = tmp_path / "tidings.db"
    with open_store(database) as store:
        configure(store, A, SHY, HIDDEN, BRIEF)
        receive(store, A, *(post(n, title=f"Harbour {n} 号", text=f"Boats and nets {n}") for n in range(1, 46)))
        receive(store, SHY, post(90, title="Harbour shy 岸", text="secret words of the shy harbour 港"))
        receive(store, BRIEF, post(95, title="Paid lighthouse 灯", text="a beginning, and what is paid for 港"))
        receive(store, HIDDEN, post(91, title="Harbour hidden"))
        feed = store.rows("SELECT id FROM feeds WHERE name = 'a'")[0]["id"]
        posts.save(store, feed, FeedChange(new=(post(92, title="Harbour held"),), held=True), START)
        posts.save(store, feed, FeedChange(new=(post(93, title="Harbour away"),), held=True), START)
        holding.discard(store, feed)
        posts.save(store, feed, FeedChange(new=(post(94, title="Harbour excluded", excluded="rule"),)), START)
    site = Site(
        url="https://planet.example",
        title="Planet",
        sources=(A, SHY, HIDDEN, BRIEF),
        open_store=partial(open_store, database),
        clock=clock,
    )
    with create_app(tmp_path, site).test_client() as client:
        yield client


def titles(client: FlaskClient, words: str, page: int = 1) -> list[str]:
    response = client.get("/search", query_string={"q": words, "page": page})
    assert response.status_code == 200
    return [title.text_content() for title in lxml_html.document_fromstring(response.text).xpath("//article/h3")]


def test_what_is_asked_for_is_found_in_pages(client: FlaskClient) -> None:
    """Twenty a page, the newest first, with the way to the next ones."""
    first, second, third = (titles(client, "harbour", number) for number in (1, 2, 3))
    assert (len(first), len(second), len(third)) == (20, 20, 6)
    assert len({*first, *second, *third}) == 46
    text = client.get("/search?q=harbour&page=2").text
    links = lxml_html.document_fromstring(text).xpath("//nav[@class='pager']//a/@href")
    assert links == ["search?q=harbour&page=1", "search?q=harbour&page=3"]


def test_it_says_how_many_were_found(client: FlaskClient) -> None:
    """On each page of the results, in words; of one post and of none, too."""

    def said(query: str) -> list[str]:
        found = lxml_html.document_fromstring(client.get(f"/search?{query}").text).xpath("//p[@class='quiet found']")
        return [one.text_content().strip() for one in found]

    assert said("q=harbour") == said("q=harbour&page=3") == ["46 posts"]
    assert said('q="nets 7"') == ["1 post"]
    assert said("q=zebra") == said("") == []


def test_it_leads_to_the_other_parts_of_the_planet(client: FlaskClient, tmp_path: Path) -> None:
    """As all pages do, to those that are published."""

    def rooms() -> list[str]:
        page = lxml_html.document_fromstring(client.get("/search").text)
        assert page.xpath("//header/p/a/@href") == ["index.html"]
        return [str(href) for href in page.xpath("//header/nav//a/@href")]

    assert rooms() == ["search"]
    parts = ["sources/index.html", "tags/index.html", "archive/index.html", "issues/index.html"]
    for part in parts:
        (tmp_path / part).parent.mkdir()
        (tmp_path / part).write_text("<!doctype html>")
    assert rooms() == [*parts, "search"]


def test_what_no_page_shows_is_not_found(client: FlaskClient) -> None:
    """Neither what is in digests alone nor what is held, put away or excluded; of a headline-only blog its headline."""
    found = titles(client, "harbour", 1) + titles(client, "harbour", 2) + titles(client, "harbour", 3)
    assert not {"Harbour hidden", "Harbour held", "Harbour away", "Harbour excluded"} & set(found)
    assert "secret words" not in client.get("/search?q=shy").text
    assert titles(client, "shy") == ["Harbour shy 岸"]


def test_a_result_leads_to_the_author_and_to_its_pages(client: FlaskClient) -> None:
    """Headline to the author's page; source, tag and date to ours, relative to the address of searching."""
    document = lxml_html.document_fromstring(client.get('/search?q="nets 7"').text)
    assert document.xpath("//article//a/@href") == [
        "https://blog.example/7",
        "sources/a/index.html",
        "posts/7.html",
        "tags/sea/index.html",
    ]


@pytest.mark.parametrize(
    "words", ["", "   ", "\x00", '"', "(((", "NEAR(", "*", "title:x", "zebra", "a" * 5000, "'; DROP"]
)
def test_any_words_get_an_answer(client: FlaskClient, words: str) -> None:
    """What is no word, nothing that is there, or the index's own language is searched for like all else."""
    assert titles(client, words) == []


def test_words_are_shown_as_text(client: FlaskClient) -> None:
    """Nothing that is asked for becomes an element or an attribute, in the title as on the page."""
    words = "\"><script>alert(1)</script><b onclick='x"
    response = client.get("/search", query_string={"q": words})
    document = lxml_html.document_fromstring(response.text)
    assert not list(document.iter("script", "b"))
    assert not document.xpath("//@onclick")
    assert words in document.findtext("head/title", "")
    assert document.xpath("string(//input[@name='q']/@value)") == words
    assert "script" not in response.headers["Content-Security-Policy"]


def test_the_page_is_for_nobody_else(client: FlaskClient) -> None:
    """It is kept by no cache and in no search engine, and its form leads nowhere but here."""
    headers = client.get("/search?q=x").headers
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert "form-action 'self'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("page", ["0", "-1", "x", "51", "1e3", "٣", "", "9" * 400])
def test_a_page_that_never_is_is_404(client: FlaskClient, page: str) -> None:
    """Numbers only, from the first to the fiftieth."""
    assert client.get("/search", query_string={"q": "harbour", "page": page}).status_code == 404


def test_who_asks_too_often_has_to_wait(client: FlaskClient, clock: Clock) -> None:
    """Twenty searches at once from a network, then one each three seconds; others are not concerned, and showing the
    form counts for nothing."""
    here, there = {"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": "198.51.100.1"}

    def status(who: dict[str, str], words: str = "x") -> int:
        return client.get("/search", query_string={"q": words}, environ_overrides=who).status_code

    assert [status(here) for _ in range(20)] == [200] * 20
    refused = client.get("/search?q=x", environ_overrides={"REMOTE_ADDR": "192.0.2.9"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "3")
    assert (status(there), status(here, "")) == (200, 200)
    clock.now += timedelta(seconds=4)
    assert status(here) == 200


def test_searching_changes_nothing(client: FlaskClient, tmp_path: Path) -> None:
    """GET leaves the database as it was."""
    with open_store(tmp_path / "tidings.db") as store:
        before = list(store.conn.iterdump())
        titles(client, "harbour")
        assert list(store.conn.iterdump()) == before


def test_without_a_database_there_is_no_searching(tmp_path: Path) -> None:
    """Where only files are served, nothing answers."""
    with create_app(tmp_path, Site()).test_client() as client:
        assert client.get("/search?q=x").status_code == 404


# --------------------------------------------------------------------------------------------- what a question may cost


@contextmanager
def slow(database: Path, seconds: float, begun: Event) -> Iterator[Store]:
    """The database, on a machine on which looking into a post takes so long."""

    def casefold(text: str) -> str:
        begun.set()
        time.sleep(seconds)
        return text.casefold()

    with open_store(database) as store:
        store.conn.create_function("casefold", 1, casefold, deterministic=True)
        yield store


@pytest.fixture
def begun() -> Event:
    return Event()


@pytest.fixture
def slow_app(client: FlaskClient, tmp_path: Path, begun: Event) -> Flask:  # noqa: ARG001  # it stores the posts
    site = Site(
        url="https://planet.example",
        sources=(A, SHY),
        open_store=partial(slow, tmp_path / "tidings.db", 0.03, begun),
        clock=Clock(),
    )
    return create_app(tmp_path, site)


def test_what_takes_too_long_is_looked_for_among_the_newest(slow_app: Flask) -> None:
    """After a second or so the page says that older posts were not looked through, whether any were found or not."""
    client = slow_app.test_client()
    begin = time.monotonic()
    nothing = client.get("/search", query_string={"q": "中"})
    assert time.monotonic() - begin < 2.5
    assert (nothing.status_code, "Nothing was found among the newest posts" in nothing.text) == (200, True)
    assert "At least 19 posts among the newest ones" in client.get("/search", query_string={"q": "号"}).text


def test_a_question_that_takes_too_long_is_given_up(slow_app: Flask, tmp_path: Path) -> None:
    """Where the index alone takes more than a second, it is said on a page that this was too much."""
    with open_store(tmp_path / "tidings.db") as store, store.write():
        store.conn.execute("ALTER TABLE feeds RENAME TO all_feeds")
        store.conn.execute("CREATE VIEW feeds AS SELECT * FROM all_feeds WHERE casefold(name || random()) != ''")
    answer = slow_app.test_client().get("/search", query_string={"q": "harbour"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
    assert "<html" in answer.text
    assert "Ask for less" in answer.text


def test_one_question_is_answered_at_a_time(slow_app: Flask, begun: Event) -> None:
    """Who comes meanwhile waits for it, and is not told to ask less."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, slow_app, "中")
        assert begun.wait(10)
        assert ask(slow_app, "harbour").status_code == 200
        assert first.result().status_code == 200


def test_when_many_search_some_are_put_off(slow_app: Flask, begun: Event) -> None:
    """Who would wait for long, or be one more than the four who may wait, is told that there is much to do, and that
    does not count as a search of theirs."""
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(ask, slow_app, "中", "192.0.2.1")]
        assert begun.wait(10)
        asked += [pool.submit(ask, slow_app, "中", "198.51.100.7") for _ in range(19)]
        first, *others = [one.result() for one in asked]
    put_off = [answer for answer in others if answer.status_code == 503]
    assert first.status_code == 200
    assert 15 <= len(put_off) < 19
    assert {answer.headers["Retry-After"] for answer in put_off} == {"30"}
    assert all("There is much to do here" in answer.text for answer in put_off)
    again = [ask(slow_app, "zebra", "198.51.100.7").status_code for _ in range(15)]
    assert again == [200] * 15


def ask(app: Flask, words: str, address: str = "192.0.2.9") -> TestResponse:
    """One visitor's search, who is at that address."""
    there = {"REMOTE_ADDR": address}
    return app.test_client().get("/search", query_string={"q": words}, environ_overrides=there)


def test_what_may_not_be_shown_is_not_looked_into(client: FlaskClient) -> None:
    """Of a blog that shows headlines or beginnings alone a text is not told by asking for its words, or for signs in
    it, one after the other."""
    assert titles(client, '"secret words"') == titles(client, "shy secret") == titles(client, "港") == []
    assert titles(client, "Harbour shy") == titles(client, "岸") == ["Harbour shy 岸"]
    assert titles(client, '"paid for"') == titles(client, "lighthouse beginning") == titles(client, "灯 paid for") == []
    assert titles(client, "lighthouse") == titles(client, "灯") == ["Paid lighthouse 灯"]
