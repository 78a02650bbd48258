"""Hosts: whose patience a request draws on, and how long it is spared."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, feed_state, source
from tidings.model import Failed, FailureKind, FeedState, Fetched, HostState, Postponed, Unchanged
from tidings.sources.hosts import (
    after_outcome,
    after_redirect,
    blame_ourselves,
    domain_of,
    host_of,
    is_cut_off,
    is_offline,
    may_be_ours,
    pause,
    rest,
)

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


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.example.co.uk/feed", "example.co.uk"),
        ("https://five.blogspot.com/feeds/posts/default", "five.blogspot.com"),
        ("https://feeds.feedburner.com/a", "feedburner.com"),
        ("http://192.0.2.7:8000/", "192.0.2.7"),
        ("http://localhost/", "localhost"),
    ],
)
def test_the_domain_of_a_blog(url: str, domain: str) -> None:
    """What somebody registered, or a service gave to somebody."""
    assert domain_of(url) == domain


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


def test_a_redirects_wish_is_added_to_what_is_known() -> None:
    """It lasts from now, and shortens nothing."""
    state = after_redirect(HostState("a", NOW, None, 2), HOUR, NOW)
    assert state == HostState("a", NOW, NOW + HOUR, 2)
    assert after_redirect(state, MINUTE, NOW) == state


def feed(name: str, failure: Failed | None = None, http: int | None = None) -> FeedState:
    return feed_state(source=source(url=f"https://{name}.example/feed"), failure=failure, http=http)


UNSAFE, INSIDE = Failed("tls", ""), Failed("forbidden-address", "")
OURS = Failed("offline", "")


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
        ([feed("a")], [feed("b", UNSAFE)], True),
        ([feed("a")], [feed("b", Failed("unauthorized", "no password"))], False),
        ([feed(name, http=200) for name in "abcde"], [feed("f", http=200)], True),
        ([feed(name, DEAD) for name in "abcdefgh"], [feed("i", http=200)], False),
    ],
)
def test_whose_fault_it_is(unreached: list[FeedState], lately: list[FeedState], expected: bool) -> None:
    """It is our network when more than one host fails and none answered lately, or when many fail at once that were
    well; those that were failing before say nothing."""
    assert is_offline(unreached, lately) is expected


def read(state: FeedState) -> FeedState:
    return replace(state, read_at=NOW - DAY)


@pytest.mark.parametrize(
    ("state", "failure", "expected"),
    [
        *(
            (feed("a", before), Failed(kind, ""), True)
            for kind in ("dns", "connect", "timeout")
            for before in (None, DEAD)
        ),
        (feed("a"), OURS, True),
        (feed("a"), ILL, False),
        (feed("a"), Failed("not-a-feed", ""), False),
        (feed("a"), UNSAFE, True),
        (feed("a", OURS), UNSAFE, True),
        (feed("a", DEAD), UNSAFE, True),
        (feed("a", UNSAFE), UNSAFE, False),
        (read(feed("a")), INSIDE, True),
        (read(feed("a", OURS)), INSIDE, True),
        (read(feed("a", INSIDE)), INSIDE, False),
        (feed("a"), INSIDE, False),
        (read(feed_state(source=source(url="http://10.0.0.1/feed"))), INSIDE, False),
        (read(feed_state(source=source(url="http://[fc00::1]/feed"))), INSIDE, False),
    ],
)
def test_which_failures_may_be_our_own(state: FeedState, failure: Failed, expected: bool) -> None:
    """What looks the same from here. A certificate that was blamed before stays so, and a private address is the
    operator's own doing unless the name led to a public one before."""
    assert may_be_ours(state, failure) is expected


SLOW, REFUSED = Failed("timeout", ""), Failed("connect", "")
MANY = [(feed(name, http=200), kind) for name, kind in zip("abcde", (DEAD, REFUSED, DEAD, DEAD, REFUSED), strict=True)]


@pytest.mark.parametrize(
    ("unreached", "expected"),
    [
        ([], False),
        (MANY, True),
        (MANY[:4], False),
        ([*MANY[:4], (feed("a"), DEAD)], False),
        ([*MANY[:4], (feed("f"), SLOW)], False),
        ([*MANY[:4], (feed("f"), UNSAFE)], False),
        ([*MANY[:4], (feed("f", DEAD), DEAD)], False),
        ([*MANY, (feed("f"), SLOW), (feed("g", DEAD), DEAD)], True),
        ([(feed(name), SLOW) for name in "abcdefgh"], False),
    ],
)
def test_a_network_that_goes_away_in_mid_pass(unreached: list[tuple[FeedState, Failed]], expected: bool) -> None:
    """Five hosts that were well and are suddenly not to be found or reached, with no answer from anybody after them:
    slow ones are last in every pass, and dead ones are dead."""
    assert is_cut_off(unreached) is expected


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("dns", "this machine's network"),
        ("connect", "this machine's network"),
        ("timeout", "this machine's network"),
        ("tls", "its clock, its certificate authorities, and any proxy"),
        ("forbidden-address", "check its DNS"),
    ],
)
def test_blaming_ourselves_keeps_the_reason(kind: FailureKind, words: str) -> None:
    """The failure changes its kind and says whose it is and what to check; what was seen stays readable, and advice
    that blames the source does not."""
    judged = blame_ourselves(Failed(kind, "the name a.example was not found (reason); check the URL, and more"))
    assert judged.kind == "offline"
    assert words in judged.message
    assert "the name a.example was not found (reason)" in judged.message
    assert "URL" not in judged.message


def test_what_is_known_to_be_ours_keeps_its_words() -> None:
    """A disk that is full is no network that is down."""
    full = Failed("offline", "no room in /tmp; set TMPDIR")
    assert blame_ourselves(full) == full
