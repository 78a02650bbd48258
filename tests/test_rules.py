"""Which posts of a source are shown: words, expressions, and that nothing makes them run away."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import source, stored_post
from tests.stocking import post
from tidings import patterns
from tidings.config.rules import rule
from tidings.model import FeedChange, PostToSave, Source
from tidings.posts.rules import NOT_INCLUDED, apply, excluded_by, fingerprint, matches

MEGABYTE = 1_000_000
SECONDS = 20  # a deadline with a wide margin: what runs away takes years

TEXTS = st.text(alphabet="abAB éÉß\u0301\u00ad_-.1 広告", max_size=60)
POSTS = st.builds(
    lambda title, text, author, tags: post(1, title=title, text=text, author=author, tags=tuple(tags)),
    TEXTS,
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
)
RULES = st.sampled_from(
    [
        rule(text)
        for text in ("title: a", "text: ab b", "tag: é", "author: B", r"text: /a+b/", r"title: /^\pL/", "tag: -")
    ]
)
SOURCES = st.builds(
    lambda include, exclude: source(include=tuple(include), exclude=tuple(exclude)),
    st.lists(RULES, max_size=2),
    st.lists(RULES, max_size=2),
)


def ruled(include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> Source:
    return source(include=tuple(map(rule, include)), exclude=tuple(map(rule, exclude)))


# --------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        ("sponsored", "Sponsored: a chair", True),
        ("sponsored", "unsponsored", False),
        ("sponsor", "sponsored", False),
        ("sponsored post", "This sponsored\n\u00a0 post", True),
        ("sponsored post", "post, sponsored", False),
        ("sponsored post", "sponsored-post", False),
        ("ad", "(AD)", True),
        ("ad", "read", False),
        ("ad", "ad_hoc", False),
        ("ad", "ad's", True),
        ("gpt-4", "The GPT-4 model", True),
        ("gpt-4", "gpt-4o", False),
        ("C++", "learn c++, now", True),
        ("#ad", "x #ad", True),
        ("a.b", "axb", False),
        ("(x", "f(x)", True),
        ("straße", "STRASSE 5", True),
        ("café", "cafe\u0301 noir", True),
        ("cafe\u0301", "CAFÉ", True),
        ("café", "cafe", False),
        ("cafe", "café", False),
        ("sponsored", "spon\u00adso\u200bred", True),
        ("кошка", "Кошка!", True),
        ("कम", "यह कम है", True),
        ("कम", "कमी", False),
        ("広告", "これは広告です", True),
        ("PR", "PR広告", True),
        ("광고", "광고입니다", True),
        ("x", "", False),
    ],
)
def test_words_are_whole_and_next_to_each_other(words: str, text: str, found: bool) -> None:
    """Letter case, white space, encoding and invisible signs do not count; accents and the ends of words do."""
    assert matches(rule(f"text: {words}"), stored_post(text=text)) is found
    assert matches(rule(f"title: {words}"), stored_post(title=text)) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("title: red", True),
        ("text: green", True),
        ("author: ada", True),
        ("tag: Good News", True),
        ("tag: news", False),
        ("tag: /news/", True),
        ("tag: podcast", True),
        ("title: green", False),
        ("text: Ada", False),
        ("tag: red", False),
    ],
)
def test_a_rule_looks_at_its_part_of_a_post(text: str, found: bool) -> None:
    """Title, text, author and tags are apart; a tag is matched by words only as a whole."""
    values: dict[str, Any] = {"title": "Red", "text": "green", "author": "Ada L.", "tags": ("podcast", "good  news")}
    assert matches(rule(text), stored_post(**values)) is found
    assert matches(rule(text), post(1, **values)) is found


# --------------------------------------------------------------------------------------------------- expressions


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"gpt-\d+", "about GPT-5", True),
        (r"(?-i)gpt-\d+", "about GPT-5", False),
        (r"^gpt", "a gpt", False),
        (r"é", "E\u0301", True),
        (r"\bpL\b", "x pl y", True),
        (r"\pL{3}", "1 кот", True),
        ("a/b", "a/b", True),
        ("b$", "a\nb", True),
        ("x", "\ud800x", True),
    ],
)
def test_expressions(pattern: str, text: str, found: bool) -> None:
    """An expression is found anywhere in the composed text; letter case counts only when it says so."""
    assert matches(rule(f"text: /{pattern}/"), stored_post(text=text)) is found


@pytest.mark.parametrize(
    "pattern", ["(x+x+)+y", "(x+)+$", "(x*)*y", "(x|xx)+y", "(x?){200}x{200}y", ".*.*.*.*.*=", "(?:(?:x?){30}){30}y"]
)
def test_no_expression_runs_away(pattern: str) -> None:
    """What would keep a backtracking engine busy for ever is answered for a megabyte of text."""
    text = "x" * (patterns.LONGEST_TEXT - 1) + "!" + "x" * MEGABYTE
    started = time.monotonic()
    assert matches(rule(f"text: /{pattern}/"), stored_post(text=text)) is False
    assert time.monotonic() - started < SECONDS


def test_words_do_not_run_away() -> None:
    """Many words that nearly match everywhere are answered for a megabyte of text."""
    started = time.monotonic()
    assert not matches(rule(f"text: {'a ' * 99}b"), stored_post(text="a " * (MEGABYTE // 2)))
    assert time.monotonic() - started < SECONDS


def test_only_the_first_part_of_a_text_is_looked_at() -> None:
    """What an expression can cost is bounded by the text it is given."""
    end = patterns.LONGEST_TEXT
    assert matches(rule("text: /y/"), stored_post(text="x" * (end - 1) + "y"))
    assert not matches(rule("text: /y/"), stored_post(text="x" * end + "y"))


@given(st.text(alphabet="ab()|*+?{}[],.\\1dpLN^$", max_size=25), st.text(alphabet="ab1", max_size=5))
def test_every_expression_that_is_accepted_is_answered(pattern: str, piece: str) -> None:
    """Whatever expression passes the check answers for a long text of repeated pieces within the time."""
    try:
        patterns.check(pattern)
    except ValueError:
        return
    started = time.monotonic()
    assert patterns.finder(pattern)(piece * 20_000) in (True, False)
    assert time.monotonic() - started < SECONDS


# -------------------------------------------------------------------------------------------------------- judging


@pytest.mark.parametrize(
    ("include", "exclude", "why"),
    [
        ((), (), ""),
        (("title: red",), (), ""),
        (("title: blue", "text: green"), (), ""),
        (("title: blue",), (), NOT_INCLUDED),
        ((), ("title: red",), "title: red"),
        ((), ("title: blue", "text: /gre+n/", "title: red"), "text: /gre+n/"),
        (("title: red",), ("text: green",), "text: green"),
        (("title: blue",), ("text: green",), "text: green"),
        (("title: red",), ("text: blue",), ""),
    ],
)
def test_a_post_is_shown_when_included_and_not_excluded(
    include: tuple[str, ...], exclude: tuple[str, ...], why: str
) -> None:
    """One rule of `include` is enough, or none at all; one of `exclude` is too, and goes first."""
    assert excluded_by(stored_post(title="Red", text="green"), ruled(include, exclude)) == why


@given(st.lists(POSTS, max_size=4), st.lists(POSTS, max_size=4), SOURCES)
def test_applying_rules_marks_posts_and_changes_nothing_else(
    new: list[PostToSave], changed: list[PostToSave], one: Source
) -> None:
    """Every post stays, in its place, with its mark; applying again, or the marks it had, makes no difference."""
    change = FeedChange(tuple(new), tuple(changed), (("guid:9", 9),))
    applied = apply(change, one)
    assert apply(applied, one) == applied == apply(change, one)
    bare = tuple(replace(judged, excluded="") for judged in applied.new + applied.changed)
    assert bare == tuple(new + changed)
    assert applied.aliases == change.aliases
    assert applied.rules == fingerprint(one)
    for judged in applied.new + applied.changed:
        assert judged.excluded == excluded_by(judged, one)


@given(POSTS, SOURCES)
def test_a_source_without_rules_shows_everything(one: PostToSave, other: Source) -> None:
    """Only rules keep posts out; with them, a post is out exactly when the parts say so."""
    assert excluded_by(one, source()) == ""
    hit = any(matches(each, one) for each in other.exclude)
    missed = bool(other.include) and not any(matches(each, one) for each in other.include)
    assert (excluded_by(one, other) != "") == (hit or missed)


def test_fingerprints_tell_rules_apart() -> None:
    """The same rules have the same fingerprint, whatever else the source has; other rules another."""
    a, b = ("title: a",), ("title: b",)
    different = [ruled(), ruled(a), ruled((), a), ruled(b), ruled(a, a), ruled(a + b), ruled(("text: a",))]
    assert len({fingerprint(one) for one in different}) == len(different)
    assert fingerprint(ruled()) == ""
    assert fingerprint(ruled(a)) == fingerprint(replace(ruled(a), name="other", tags=("x",)))
