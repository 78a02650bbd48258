"""Hosts: whose patience a request draws on, and how long it is spared."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, feed_state, source
from tidings.model import Failed, FailureKind, FeedState, Fetched, HostState, Postponed, Unchanged
from tidings.sources.hosts import after_outcome, blame_ourselves, host_of, is_offline, pause, rest

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SPACING = timedelta(seconds=2)
DEAD = Failed("dns", "")
ILL = Failed("server-error", "")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://example.org/feed", "example.org"),
        ("http://www.example.org:8080/feed", "example.org"),
        ("https://a.b.c.example.co.uk/", "example.co.uk"),
        ("https://EXAMPLE.org./feed", "example.org"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://one.substack.com/feed", "substack.com"),
        ("https://two.tumblr.com/rss", "tumblr.com"),
        ("https://three.wordpress.com/feed", "wordpress.com"),
        ("https://medium.com/feed/@a", "medium.com"),
        ("https://four.medium.com/feed", "medium.com"),
        ("https://five.blogspot.com/feeds/posts/default", "blogger.com"),
        ("https://six.blogspot.co.uk/feeds/posts/default", "blogger.com"),
        ("https://seven.blogspot.de/feeds/posts/default", "blogger.com"),
        ("https://www.blogger.com/feeds/1/posts/default", "blogger.com"),
        ("https://notblogspot.com/feed", "notblogspot.com"),
        ("https://eight.hatenablog.com/feed", "hatena.ne.jp"),
        ("https://nine.hateblo.jp/feed", "hatena.ne.jp"),
        ("https://old.reddit.com/r/a/.rss", "reddit.com"),
        ("https://redd.it/x", "reddit.com"),
        ("https://feeds.feedburner.com/a", "feedburner.com"),
        ("https://feeds2.feedburner.com/a", "feedburner.com"),
        ("https://feedproxy.google.com/a", "feedburner.com"),
        ("https://www.youtube.com/feeds/videos.xml?channel_id=1", "youtube.com"),
        ("https://ten.github.io/feed.xml", "ten.github.io"),
        ("https://raw.githubusercontent.com/a/b/feed.xml", "github.com"),
        ("https://github.com/a/b/releases.atom", "github.com"),
        ("http://a.localhost:8000/", "a.localhost"),
        ("http://localhost/", "localhost"),
        ("http://192.0.2.7:8000/", "192.0.2.7"),
        ("http://[2001:db8::1]:8000/", "2001:db8::1"),
    ],
)
def test_requests_are_counted_by_who_answers_for_the_server(url: str, host: str) -> None:
    """By registrable domain; by service where one has many domains or gives each user one; ports make no difference."""
    assert host_of(url) == host


@given(st.text(max_size=60))
def test_any_host_name_has_a_group(name: str) -> None:
    """Grouping never fails on what a redirect may contain."""
    try:
        group = host_of(f"http://{name}/")
    except ValueError:
        return  # what urlsplit refuses is no URL; fetching has said so before it asks for the group
    assert isinstance(group, str)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, timedelta()),
        (NOW, SPACING),
        (NOW - SPACING / 2, SPACING / 2),
        (NOW - DAY, timedelta()),
        (NOW + DAY, SPACING),
    ],
)
def test_what_is_left_of_the_pause(asked: object, expected: timedelta) -> None:
    """The pause goes on over a restart, and a clock that went back makes it no longer."""
    assert pause(HostState("a", asked), SPACING, NOW) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (None, timedelta()),
        (NOW - HOUR, timedelta()),
        (NOW + HOUR, HOUR),
        (NOW + 31 * DAY, 31 * DAY),
        (NOW + 33 * DAY, timedelta()),
    ],
)
def test_how_long_a_host_rests(until: object, expected: timedelta) -> None:
    """A wish is kept for up to 31 days; what lies further ahead is a clock that was wrong."""
    assert rest(HostState("a", None, until), NOW) == expected  # type: ignore[arg-type]


def test_a_refusal_without_a_time_means_ever_longer() -> None:
    """A quarter of an hour, half an hour, and so on up to a day, until an answer comes."""
    state, waits = HostState("a"), []
    for _ in range(10):
        state = after_outcome(state, Failed("rate-limited", "", 429), NOW)
        waits.append(rest(state, NOW))
    assert waits[:4] == [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR]
    assert waits[-1] == DAY
    assert after_outcome(state, Unchanged("u"), NOW) == HostState("a")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Failed("rate-limited", "", 429, 7 * MINUTE), 7 * MINUTE),
        (Failed("rate-limited", "", 429, timedelta()), timedelta()),
        (Fetched("u", 200, b"", host_rest=5 * MINUTE), 5 * MINUTE),
        (Unchanged("u", host_rest=5 * MINUTE), 5 * MINUTE),
        (Failed("server-error", "", 500), timedelta()),
        (Failed("challenge", "", 429, 2 * HOUR, 2 * HOUR), 2 * HOUR),
        (Failed("not-found", "", 404, host_rest=5 * MINUTE), 5 * MINUTE),
        (Failed("timeout", ""), timedelta()),
        (Postponed("a", HOUR), timedelta()),
    ],
)
def test_what_an_answer_says_of_its_host(outcome: object, expected: timedelta) -> None:
    """Retry-After and rate headers count for the whole host; other trouble is the one source's own."""
    assert rest(after_outcome(HostState("a"), outcome, NOW), NOW) == expected  # type: ignore[arg-type]


def test_a_wish_is_never_shortened_by_another_refusal() -> None:
    """Of two refusals that cross, the longer one counts."""
    state = after_outcome(HostState("a"), Failed("rate-limited", "", 429, HOUR), NOW)
    assert rest(after_outcome(state, Failed("rate-limited", "", 429, MINUTE), NOW), NOW) == HOUR


def feed(name: str, failure: Failed | None = None, http: int | None = None) -> FeedState:
    return feed_state(source=source(url=f"https://{name}.example/feed"), failure=failure, http=http)


@pytest.mark.parametrize(
    ("unreached", "lately", "expected"),
    [
        ([feed("a")], [], False),
        ([feed("a"), feed("a")], [], False),
        ([feed("a"), feed("b")], [], True),
        ([feed("a"), feed("b")], [feed("c", http=200)], False),
        ([feed("a"), feed("b")], [feed("c", ILL, 500)], False),
        ([feed("a"), feed("b")], [feed("c", DEAD)], True),
        ([feed("a")], [feed("b", DEAD)], True),
        ([feed("a")], [feed("a", DEAD)], False),
        ([feed("a")], [feed("b", Failed("unauthorized", "no password"))], False),
        ([feed(name, http=200) for name in "abcde"], [feed("f", http=200)], True),
        ([feed(name, DEAD) for name in "abcdefgh"], [feed("i", http=200)], False),
    ],
)
def test_whose_fault_it_is(unreached: list[FeedState], lately: list[FeedState], expected: bool) -> None:
    """It is our network when more than one host fails and none answered lately, or when many fail at once that were
    well; those that were failing before say nothing."""
    assert is_offline(unreached, lately) is expected


@pytest.mark.parametrize("kind", ["dns", "connect", "timeout"])
def test_blaming_ourselves_keeps_the_reason(kind: FailureKind) -> None:
    """The failure changes its kind and says whose it is; what was seen stays readable."""
    judged = blame_ourselves(Failed(kind, "name not found"))
    assert judged.kind == "offline"
    assert "this machine's network" in judged.message
    assert "name not found" in judged.message
