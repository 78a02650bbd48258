"""The poll pipe: real HTTP on loopback, real parsing, a real database."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.builders import edition, schedule
from tests.feeds import blog, item, rss
from tests.origin import Answer, Origin, Request
from tidings import poll
from tidings.fetching.settings import FetchSettings
from tidings.model import Document, FeedState, PollRow, Source, StoredPost
from tidings.poll import PollSettings
from tidings.sources.cadence import Limits
from tidings.sources.requests import Manner
from tidings.store import Store, feeds
from tidings.store.posts import PostQuery, find, known_all
from tidings.workers import open_executor

SETTINGS = PollSettings(
    fetching=FetchSettings(
        user_agent="Tidings test",
        timeout=timedelta(seconds=10),
        max_bytes=1_000_000,
        host_spacing=timedelta(),
        concurrency=8,
        allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
    ),
    limits=Limits(timedelta(minutes=30), timedelta(hours=24)),
    manner=lambda _: Manner("Tidings test"),
)

MINUTE = timedelta(minutes=1)

inline = partial(open_executor, "inline")


def run_poll(
    store: Store,
    sources: Sequence[Source],
    now: datetime,
    opener: Callable[[], Executor] = inline,
) -> dict[str, PollRow]:
    """Polls all sources once and returns their rows by name."""
    feeds.sync(store, sources, [], now)
    rows = poll.run(store, feeds.states(store, sources), SETTINGS, opener, lambda: now, lambda: False)
    return {row.name: row for row in rows}


def names_due(states: Sequence[FeedState], now: datetime) -> list[str]:
    return [state.source.name for state in poll.due(states, [], SETTINGS.limits, now)]


def titles(store: Store) -> list[str]:
    return sorted(post.title for post in find(store, PostQuery(limit=1000)))


def stored(store: Store) -> list[StoredPost]:
    return find(store, PostQuery(limit=1000))


def source(origin: Origin, path: str, name: str = "") -> Source:
    return Source(origin.url(path), name or path.strip("/"))


@pytest.mark.parametrize("kind", ["inline", "processes"])
def test_a_second_poll_costs_one_conditional_request_and_stores_nothing(
    store: Store, origin: Origin, now: datetime, kind: Literal["inline", "processes"]
) -> None:
    """Polling again sends the validators back verbatim, and the answer 304 stores nothing, on either executor."""
    origin.serve_feed("/a", blog([3, 2, 1]), etag='W/"odd, but ours"', last_modified="yesterday or so")
    sources = [source(origin, "/a")]
    first = run_poll(store, sources, now, partial(open_executor, kind))["a"]
    second = run_poll(store, sources, now, partial(open_executor, kind))["a"]
    assert (first.status, first.http, first.new) == ("ok", 200, 3)
    assert (second.status, second.http, second.new) == ("unchanged", 304, 0)
    asked = origin.asked("/a")
    assert len(asked) == 2
    assert asked[0].headers["If-None-Match"] is None
    assert asked[1].headers["If-None-Match"] == 'W/"odd, but ours"'
    assert asked[1].headers["If-Modified-Since"] == "yesterday or so"
    assert titles(store) == ["Post 1", "Post 2", "Post 3"]


def test_new_posts_are_added_oldest_first(store: Store, origin: Origin, now: datetime) -> None:
    """Ids follow time: of the documents' newest-first lists the older posts get the smaller ids."""
    origin.serve_feed("/a", blog([2, 1]))
    run_poll(store, [source(origin, "/a")], now)
    origin.serve_feed("/a", blog([4, 3, 2, 1]))
    row = run_poll(store, [source(origin, "/a")], now)["a"]
    assert row.new == 2
    assert [post.title for post in sorted(stored(store), key=lambda post: post.id)] == [
        f"Post {n}" for n in (1, 2, 3, 4)
    ]


def test_the_same_bytes_without_validators_are_unchanged(store: Store, origin: Origin, now: datetime) -> None:
    """A server without validators sends its feed again; the bytes of last time count as unchanged."""
    origin.serve("/a", Answer(200, blog([1])))
    run_poll(store, [source(origin, "/a")], now)
    row = run_poll(store, [source(origin, "/a")], now)["a"]
    assert (row.status, row.http) == ("unchanged", 200)


def test_a_new_etag_on_the_same_bytes_is_kept(store: Store, origin: Origin, now: datetime) -> None:
    """Validators are stored on every 200, also when nothing else changed, or each later poll would be a download."""
    origin.serve_feed("/a", blog([1]), etag='"1"')
    run_poll(store, [source(origin, "/a")], now)
    origin.serve_feed("/a", blog([1]), etag='"2"')
    run_poll(store, [source(origin, "/a")], now)
    assert run_poll(store, [source(origin, "/a")], now)["a"].http == 304
    assert origin.asked("/a")[-1].headers["If-None-Match"] == '"2"'


def test_a_304_refreshes_only_the_validators_it_carries(store: Store, origin: Origin, now: datetime) -> None:
    """A 304 with a new ETag and no Last-Modified replaces the one and keeps the other."""

    def answer(request: Request) -> Answer:
        if request.headers["If-None-Match"]:
            return Answer(304, headers={"ETag": '"b"'})
        return Answer(200, blog([1]), {"ETag": '"a"', "Last-Modified": "once"})

    origin.serve("/a", answer)
    for _ in range(3):
        run_poll(store, [source(origin, "/a")], now)
    last = origin.asked("/a")[-1].headers
    assert (last["If-None-Match"], last["If-Modified-Since"]) == ('"b"', "once")


def test_a_server_that_stops_sending_validators_gets_no_stale_one(store: Store, origin: Origin, now: datetime) -> None:
    """A 200 overwrites both validators, also with nothing."""
    origin.serve("/a", Answer(200, blog([1]), {"ETag": '"a"'}))
    run_poll(store, [source(origin, "/a")], now)
    origin.serve("/a", Answer(200, blog([2, 1])))
    run_poll(store, [source(origin, "/a")], now)
    run_poll(store, [source(origin, "/a")], now)
    assert origin.asked("/a")[-1].headers["If-None-Match"] is None


def test_a_truncated_document_gives_its_posts_and_no_validators(store: Store, origin: Origin, now: datetime) -> None:
    """What a cut-off document holds is stored, and it is asked for again unconditionally, so the rest can come."""
    whole = blog([3, 2, 1])
    origin.serve("/a", Answer(200, whole[:-120], {"ETag": '"cut"'}))
    assert run_poll(store, [source(origin, "/a")], now)["a"].new >= 2
    origin.serve("/a", Answer(200, whole, {"ETag": '"whole"'}))
    run_poll(store, [source(origin, "/a")], now)
    assert origin.asked("/a")[1].headers["If-None-Match"] is None
    assert titles(store) == ["Post 1", "Post 2", "Post 3"]


def test_one_dead_source_stops_no_other(store: Store, origin: Origin, now: datetime) -> None:
    """A source that is down, one that is no feed and one that refuses are told by kind; the fourth is stored."""
    origin.serve("/down", Answer(500))
    origin.serve("/page", Answer(200, b"<!doctype html><html><title>Hello</title></html>"))
    origin.serve_feed("/good", blog([1]))
    nobody = Source("http://127.0.0.1:1/feed", "nobody")
    sources = [source(origin, "/down"), source(origin, "/page"), nobody, source(origin, "/good")]
    rows = run_poll(store, sources, now)
    kinds = {name: row.failure.kind if row.failure else None for name, row in rows.items()}
    assert kinds == {"down": "server-error", "page": "not-a-feed", "nobody": "connect", "good": None}
    assert rows["page"].http == 200
    assert titles(store) == ["Post 1"]


def test_a_failure_keeps_posts_and_validators_and_backs_off(store: Store, origin: Origin, now: datetime) -> None:
    """After failures the wait grows; the first success sends the validators of before and clears the failures."""
    origin.serve_feed("/a", blog([1]), etag='"1"')
    run_poll(store, [source(origin, "/a")], now)
    origin.serve("/a", Answer(500))
    waits = []
    for _ in range(3):
        row = run_poll(store, [source(origin, "/a")], now)["a"]
        assert row.next_poll_at is not None
        waits.append(row.next_poll_at - now)
    assert waits[0] < waits[1] < waits[2]
    origin.serve_feed("/a", blog([1]), etag='"1"')
    assert run_poll(store, [source(origin, "/a")], now)["a"].status == "unchanged"
    assert feeds.states(store, [source(origin, "/a")])[0].failures == 0


def test_an_empty_document_deletes_nothing(store: Store, origin: Origin, now: datetime) -> None:
    """A feed that is empty for a while loses no post, and its posts do not come back as new."""
    origin.serve_feed("/a", blog([2, 1]))
    run_poll(store, [source(origin, "/a")], now)
    origin.serve_feed("/a", blog([]))
    run_poll(store, [source(origin, "/a")], now)
    origin.serve_feed("/a", blog([2, 1], title="Renamed"))
    assert run_poll(store, [source(origin, "/a")], now)["a"].new == 0
    assert titles(store) == ["Post 1", "Post 2"]


def test_an_edited_post_is_updated_in_place(store: Store, origin: Origin, now: datetime) -> None:
    """An edit keeps id and first_seen, counts as updated once, and is found by its new words only."""
    origin.serve_feed("/a", rss([item(1, text="<p>An aubergine.</p>")]))
    run_poll(store, [source(origin, "/a")], now)
    before = stored(store)[0]
    origin.serve_feed("/a", rss([item(1, text="<p>A courgette.</p>")]))
    later = now + timedelta(hours=1)
    assert run_poll(store, [source(origin, "/a")], later)["a"].updated == 1
    after = stored(store)[0]
    assert (after.id, after.first_seen) == (before.id, before.first_seen)
    assert "courgette" in after.content_html
    assert find(store, PostQuery("aubergine")) == []
    assert [post.id for post in find(store, PostQuery("courgette"))] == [before.id]
    origin.serve_feed("/a", rss([item(1, text="<p>A courgette.</p>")], title="Noise"))
    assert run_poll(store, [source(origin, "/a")], later)["a"].updated == 0


def test_one_post_in_two_sources_is_one_story(store: Store, origin: Origin, now: datetime) -> None:
    """The same canonical URL in two sources makes one story of two posts; other posts stay apart."""
    origin.serve_feed("/a", rss([item(1, link="https://blog.example/x"), item(2)]))
    origin.serve_feed("/b", rss([item(1, link="http://www.blog.example/x/?utm_source=planet")]))
    run_poll(store, [source(origin, "/a"), source(origin, "/b")], now)
    stories = {(post.source, post.title): post.story for post in stored(store)}
    assert stories["a", "Post 1"] == stories["b", "Post 1"] != stories["a", "Post 2"]


def test_two_sources_may_share_a_guid(store: Store, origin: Origin, now: datetime) -> None:
    """Guids are scoped by source."""
    origin.serve_feed("/a", rss([item("a", guid="1")]))
    origin.serve_feed("/b", rss([item("b", guid="1")]))
    run_poll(store, [source(origin, "/a"), source(origin, "/b")], now)
    assert titles(store) == ["Post a", "Post b"]


def test_a_source_whose_url_changed_in_the_file_brings_nothing_again(
    store: Store, origin: Origin, now: datetime
) -> None:
    """A source keeps its posts by its name when its URL is changed; the first request there is unconditional."""
    origin.serve_feed("/old", blog([1]), etag='"1"')
    origin.serve_feed("/new", blog([2, 1]), etag='"1"')
    run_poll(store, [source(origin, "/old", "blog")], now)
    row = run_poll(store, [source(origin, "/new", "blog")], now)["blog"]
    assert row.new == 1
    assert origin.asked("/new")[0].headers["If-None-Match"] is None


def test_posts_are_stored_clean(store: Store, origin: Origin, now: datetime) -> None:
    """Scripts, handlers and relative links in a post's HTML do not reach the database."""
    text = '<p onclick="x()">Read <a href="/more">more</a><script>alert(1)</script></p>'
    origin.serve_feed("/a", rss([item(1, text=text)]))
    run_poll(store, [source(origin, "/a")], now)
    html = stored(store)[0].content_html
    assert "script" not in html
    assert "onclick" not in html
    assert "https://blog.example/more" in html


def test_due_leaves_out_what_is_disabled_or_not_due(store: Store, origin: Origin, now: datetime) -> None:
    """A source is due when it was never polled or its time has come, unless it is disabled."""
    origin.serve_feed("/a", blog([1]))
    sources = [source(origin, "/a"), source(origin, "/b"), Source(origin.url("/c"), "c", disabled=True)]
    run_poll(store, sources[:1], now)
    feeds.sync(store, sources, [], now)
    states = feeds.states(store, sources)
    assert names_due(states, now) == ["b"]
    assert names_due(states, now + timedelta(days=1)) == ["b", "a"]


def test_who_was_asked_longest_ago_comes_first(store: Store, origin: Origin, now: datetime) -> None:
    """On a host that allows few requests, no source is always the one that has to wait."""
    for path in ("/a", "/b", "/c"):
        origin.serve_feed(path, blog([1]))
    sources = [source(origin, path) for path in ("/a", "/b", "/c")]
    for number, one in enumerate((sources[2], sources[0], sources[1])):
        run_poll(store, [one], now + timedelta(seconds=number))
    assert names_due(feeds.states(store, sources), now + timedelta(days=1)) == ["c", "a", "b"]


def test_a_turn_each_takes_a_few_sources_of_every_host(store: Store, now: datetime) -> None:
    """Hundreds of sources of one host do not keep the others waiting; machines of the operator's are not counted."""
    many = [Source(f"https://{n}.substack.com/feed", f"s{n}") for n in range(40)]
    own = [Source(f"http://127.0.0.1/{n}", f"o{n}") for n in range(40)]
    feeds.sync(store, [*many, *own, Source("https://b.example/feed", "b")], [], now)
    states = feeds.states(store, [*many, *own, Source("https://b.example/feed", "b")])
    chosen = [state.source.name for state in poll.a_turn_each(states, SETTINGS)]
    assert chosen == [*(f"s{n}" for n in range(10)), *(f"o{n}" for n in range(40)), "b"]


def test_an_edition_brings_its_sources_forward(store: Store, origin: Origin, now: datetime) -> None:
    """Shortly before an edition is due, its sources are due too, and those of no edition are not."""
    origin.serve_feed("/a", blog([1]), headers={"Cache-Control": "max-age=3600"})
    origin.serve_feed("/b", blog([1]), headers={"Cache-Control": "max-age=3600"})
    sources = [Source(origin.url("/a"), "a", ("news",)), Source(origin.url("/b"), "b", ("other",))]
    start = now - timedelta(days=30)
    for hours in (0, 24, 48, 72):
        run_poll(store, sources, start + timedelta(hours=hours))
    states = feeds.states(store, sources)
    planned = min(state.next_poll_at for state in states if state.next_poll_at)
    cutoff = planned.replace(minute=0, second=0, microsecond=0)
    morning = edition(tags=("news",), timezone="UTC", schedule=schedule(hours=[cutoff.hour]))
    assert [state.source.name for state in poll.due(states, [morning], SETTINGS.limits, cutoff - MINUTE)] == ["a"]
    assert poll.due(states, [], SETTINGS.limits, cutoff - MINUTE) == []


def test_a_clock_that_was_wrong_once_does_not_silence_a_source(store: Store, origin: Origin, now: datetime) -> None:
    """What was to be polled in ten years is polled now."""
    origin.serve_feed("/a", blog([1]))
    run_poll(store, [source(origin, "/a")], now + timedelta(days=3650))
    assert names_due(feeds.states(store, [source(origin, "/a")]), now) == ["a"]


def test_a_source_is_left_alone_until_its_retry_after(store: Store, origin: Origin, now: datetime) -> None:
    """After 429 with Retry-After a source is skipped until then, even when named, and not a second longer."""
    origin.serve("/a", Answer(429, headers={"Retry-After": "7200"}))
    run_poll(store, [source(origin, "/a")], now)
    states = feeds.states(store, [source(origin, "/a")])
    chosen, skipped = poll.allowed(states, now + timedelta(seconds=7199))
    assert (chosen, [row.status for row in skipped]) == ([], ["skipped"])
    chosen, skipped = poll.allowed(states, now + timedelta(seconds=7200))
    assert (len(chosen), skipped) == (1, [])


def test_stopping_leaves_the_rest_due(store: Store, origin: Origin, now: datetime) -> None:
    """A poll told to stop records nothing for the sources it did not ask; those it asked come up again later."""
    sources = [source(origin, f"/{n}") for n in range(20)]
    for n in range(20):
        origin.serve("/" + str(n), Answer(200, blog([n]), delay=0.05))
    feeds.sync(store, sources, [], now)
    rows: list[PollRow] = []
    states = feeds.states(store, sources)
    for row in poll.run(store, states, SETTINGS, partial(open_executor, "inline"), lambda: now, lambda: len(rows) >= 2):
        rows.append(row)
    assert 2 <= len(rows) < 20
    due = set(names_due(feeds.states(store, sources), now))
    assert due.isdisjoint(request.path.strip("/") for request in origin.requests)
    assert len(due) >= 20 - len(rows) - SETTINGS.fetching.concurrency
    assert set(names_due(feeds.states(store, sources), now + SETTINGS.limits.min_interval)) >= due


def _read_or_die(reading: Callable[..., object], document: Document, *rest: Any) -> object:
    """A parser that one document kills, as a bug in a C library would."""
    if b"deadly" in document.body:
        os._exit(1)
    return reading(document, *rest)


class _Fragile(Executor):
    """A process pool whose workers read by `_read_or_die`."""

    def __init__(self) -> None:
        self._inner = open_executor("processes")

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        seconds, task = args
        is_reading = isinstance(task.args[0], Document)
        fragile = partial(_read_or_die, task.func, *task.args) if is_reading else task
        return self._inner.submit(fn, seconds, fragile, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._inner.shutdown(wait, cancel_futures=cancel_futures)


def test_a_document_that_kills_its_parser_takes_no_other_with_it(store: Store, origin: Origin, now: datetime) -> None:
    """When a worker process dies, the document that killed it fails and every other one is stored."""
    names = [str(n) for n in range(6)]
    for name in names:
        origin.serve_feed(f"/{name}", rss([item(name, text="deadly" if name == "2" else "fine")]))
    rows = run_poll(store, [source(origin, f"/{name}") for name in names], now, _Fragile)
    assert {name: row.status for name, row in rows.items()} == {
        name: "failed" if name == "2" else "ok" for name in names
    }
    assert titles(store) == [f"Post {name}" for name in names if name != "2"]


def test_a_changed_feed_brings_its_news_whatever_is_remembered_of_its_items(
    store: Store, origin: Origin, now: datetime
) -> None:
    """New, edited and dropped posts of a feed whose other items are left unread: each is stored as it is now, once."""
    first, edited = [item(n) for n in range(9, 0, -1)], item(5, text="<p>Edited.</p>")
    sources = [source(origin, "/a")]
    origin.serve_feed("/a", rss(first))
    run_poll(store, sources, now)
    assert len(store.rows("SELECT * FROM feed_items")) == 1
    origin.serve_feed("/a", rss([item(10), *first[:4], edited, *first[5:8]], head="<lastBuildDate/>"))
    row = run_poll(store, sources, now + 60 * MINUTE)["a"]
    assert (row.new, row.updated) == (1, 1)
    assert len(stored(store)) == 10
    assert [post.title for post in stored(store) if "Edited" in post.text] == ["Post 5"]


@pytest.mark.parametrize("count", [3, 700])
def test_a_feed_that_wrote_very_much_brings_its_news_as_any_other(
    store: Store, origin: Origin, now: datetime, count: int
) -> None:
    """Whether all posts of a source are looked up or only those that its document has: what is new is new."""
    sources = [source(origin, "/a")]
    origin.serve_feed("/a", blog(range(count, 0, -1)))
    run_poll(store, sources, now)
    assert (known_all(store, 1) is None) == (count == 700)
    origin.serve_feed("/a", blog([5_000, count, count - 1]))
    row = run_poll(store, sources, now + 60 * MINUTE)["a"]
    assert (row.new, row.updated, len(stored(store))) == (1, 0, count + 1)


def test_posts_that_the_store_has_lost_are_read_again(store: Store, origin: Origin, now: datetime) -> None:
    """Items that are remembered but are to be saved have no text yet: then the document is read whole."""
    sources = [source(origin, "/a")]
    origin.serve_feed("/a", blog([3, 2, 1]))
    run_poll(store, sources, now)
    with store.write():
        for table, column in (("post_keys", "post_id"), ("story_urls", "story"), ("posts", "id")):
            store.conn.execute(f"DELETE FROM {table} WHERE {column} > 1")
    origin.serve_feed("/a", blog([4, 3, 2, 1]))
    assert run_poll(store, sources, now + 60 * MINUTE)["a"].new == 3
    assert all("The text of" in post.text for post in stored(store))


GREEDY = """
import re, sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tests.test_poll import SETTINGS, Source
from dataclasses import replace
from tidings import poll
from tidings.store import feeds, open_store
from tidings.workers import open_executor

if __name__ == "__main__":
    fetching = replace(SETTINGS.fetching, max_bytes=15_000_000, timeout=timedelta(seconds=60))
    settings = replace(SETTINGS, fetching=fetching)
    with open_store(Path(sys.argv[1])) as store:
        sources = [Source(url, url) for url in sys.argv[2:]]
        feeds.sync(store, sources, [], datetime.now(UTC))
        opener = partial(open_executor, "processes")
        states = feeds.states(store, sources)
        rows = list(poll.run(store, states, settings, opener, lambda: datetime.now(UTC), lambda: False))
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())
    print(sum(row.status == "ok" for row in rows), int(peak[1]) // 1024)
"""


def test_large_documents_in_the_widest_letters_do_not_fill_the_memory(origin: Origin, tmp_path: Path) -> None:
    """Several feeds near the limit, each letter of which takes four bytes once read, are all stored, and the process
    stays below 250 MB."""
    items = "".join(item(n, text=f"\U0001f600{'word ' * 180_000}") for n in range(15))
    origin.serve("/feed", Answer(200, rss([items])))
    script = tmp_path / "greedy.py"
    script.write_text(GREEDY)
    urls = [origin.url(f"/feed?{n}") for n in range(5)]
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "greedy.db"), *urls],
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    stored, megabytes = map(int, run.stdout.split())
    assert stored == 5
    assert megabytes < 250


# ------------------------------------------------------------------------------------------------ whose fault it is


def dead(*names: str) -> list[Source]:
    """Sources on hosts of their own, where nobody listens."""
    return [Source(f"http://{name}.localhost:9/feed", name) for name in names]


def in_turn(store: Store, sources: Sequence[Source], now: datetime) -> dict[str, PollRow]:
    """Polls the sources one after the other, in this order."""
    feeds.sync(store, sources, [], now)
    one = replace(SETTINGS, fetching=replace(SETTINGS.fetching, concurrency=1))
    rows = poll.run(store, feeds.states(store, sources), one, inline, lambda: now, lambda: False)
    return {row.name: row for row in rows}


def kinds(rows: dict[str, PollRow]) -> dict[str, str]:
    return {name: row.failure.kind if row.failure else "" for name, row in rows.items()}


def test_a_network_that_goes_away_in_mid_pass_is_nobodys_fault(store: Store, origin: Origin, now: datetime) -> None:
    """Who failed before the last answer is blamed; five that were well and fail after it, to the end, are not."""
    origin.serve_feed("/feed", blog([1]))
    good = Source(origin.url("/feed", host="good.localhost"), "good")
    rows = in_turn(store, [*dead("x"), good, *dead(*"abcde")], now)
    assert kinds(rows) == {"x": "connect", "good": "", **dict.fromkeys("abcde", "offline")}
    assert [state.failures for state in feeds.states(store, dead(*"abcde"))] == [0] * 5


def test_four_that_fail_last_are_to_blame(store: Store, origin: Origin, now: datetime) -> None:
    """A few dead hosts at the end of a pass are a coincidence."""
    origin.serve_feed("/feed", blog([1]))
    good = Source(origin.url("/feed", host="good.localhost"), "good")
    assert kinds(in_turn(store, [good, *dead(*"abcd")], now)) == {"good": "", **dict.fromkeys("abcd", "connect")}


def test_a_private_address_of_a_source_that_was_never_read_is_its_own(store: Store, now: datetime) -> None:
    """Two such sources and nobody else: no fault of the network's, but a line for `allow_networks`."""
    closed = replace(SETTINGS, fetching=replace(SETTINGS.fetching, allow_networks=()))
    feeds.sync(store, dead("a", "b"), [], now)
    rows = poll.run(store, feeds.states(store, dead("a", "b")), closed, inline, lambda: now, lambda: False)
    for row in rows:
        assert row.failure is not None
        assert row.failure.kind == "forbidden-address"
        assert "allow_networks" in row.failure.message


def test_names_that_led_elsewhere_before_and_are_private_now_are_our_dns(
    store: Store, origin: Origin, now: datetime
) -> None:
    """Two hosts that were read and now both lead inside: a network that wants a login answers so for every name."""
    origin.serve_feed("/feed", blog([1]))
    sources = [Source(origin.url("/feed", host=f"{name}.localhost"), name) for name in "ab"]
    assert kinds(run_poll(store, sources, now)) == {"a": "", "b": ""}
    later = now + timedelta(days=2)
    closed = replace(SETTINGS, fetching=replace(SETTINGS.fetching, allow_networks=()))
    rows = poll.run(store, feeds.states(store, sources), closed, inline, lambda: later, lambda: False)
    for row in rows:
        assert row.failure is not None
        assert row.failure.kind == "offline"
        assert "check its DNS" in row.failure.message
