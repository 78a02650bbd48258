"""`tidings explain` and `tidings stories`: each sentence against a real database; what would change it changes it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feeds import item, rss
from tests.origin import Origin
from tests.sites import Site
from tests.stocking import START, edit, post, read, receive
from tests.test_docs import COMMANDS, fenced, section, table_rows
from tests.transports import RecordingTransport
from tidings import config, digest
from tidings.cli import carrying, explaining, issuing, sentences, wiring
from tidings.config import Config
from tidings.editions.dropping import without
from tidings.errors import StoreError
from tidings.model import FeedChange, Fetched, Hop, ParsedFeed, ParsedPost
from tidings.posts import identity
from tidings.posts.brake import RELEASED_AFTER
from tidings.posts.sketch import sketch
from tidings.store import Store, holding, issue_states, issues, posts, pruning, slots, stories
from tidings.store import explaining as explained
from tidings.store.posts import PostQuery, find

HEAD = """
[site]
title = "A"
url = "https://planet.example"
[[editions]]
name = "weekly"
schedule = "weekly fri 08:00"
"""
WEEKLY = 'schedule = "weekly fri 08:00"'
WEEKLY_UPDATES = f"{WEEKLY}\nupdates = true"
LATER = START + timedelta(days=1)
SAME = "https://one.example/piece"
LONGEST_LINK = f"https://old.example/{'a-long-way/' * 30}a-post"
LONG = "Every word of this is the same in both places, and there are quite enough words of it to tell. " * 9


def source(name: str, more: str = "") -> str:
    return f'[[sources]]\nname = "{name}"\nurl = "https://{name}.example/feed"\n{more}\n'


class Desk:
    """A configuration and its database, in one process; what a command sees of them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config.toml"
        self.now = LATER

    def write(self, edition: str = "", *sources: str) -> None:
        text = HEAD + edition + "".join(f"\n{one}" for one in sources or (source("ada"), source("bob")))
        self.path.write_text(text, encoding="utf-8")

    @contextmanager
    def open(self) -> Iterator[tuple[Config, Store]]:
        loaded = config.load(self.path)
        with wiring.open_synced(loaded) as store:
            yield loaded, store

    def receive(self, name: str, *numbers: int | str, now: datetime = START, **values: Any) -> None:
        """A poll of one source that brought these posts."""
        with self.open() as (loaded, store):
            receive(store, _source(loaded, name), *(post(n, **values) for n in numbers), now=now)

    def news(self, *numbers: int, name: str = "ada", **values: Any) -> None:
        """Posts that came after their source was first read: news to all editions."""
        for each in ("ada", "bob"):
            self.receive(each)
        self.receive(name, *numbers, now=LATER, **values)

    def freeze(self) -> None:
        with self.open() as (loaded, store):
            edition = loaded.editions[0]
            office = RecordingTransport().office()
            assert digest.freeze_next(store, edition, loaded.sources, issuing.masthead(loaded), office, LATER)

    def do(self, act: Callable[[Store], object]) -> None:
        with self.open() as (_, store):
            act(store)

    def report(self, post_id: int) -> dict[str, Any]:
        with self.open() as (loaded, store):
            return explaining.post_report(store, loaded, "", post_id, self.now)

    def words(self, post_id: int) -> str:
        return "\n".join(sentences.explanation(self.report(post_id)))

    def weekly(self, post_id: int) -> dict[str, Any]:
        found: dict[str, Any]
        (found,) = (one for one in self.report(post_id)["editions"] if one["name"] == "weekly")
        return found

    def status(self, post_id: int) -> str:
        """What the edition does with a post, and for which reasons."""
        found = self.weekly(post_id)
        return " ".join([found["status"], *(reason["kind"] for reason in found["reasons"])])


def _source(loaded: Config, name: str) -> Any:
    return next(one for one in loaded.sources if one.name == name)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.write()
    return made


# ----------------------------------------------------------------------------------------------------- what editions do


def test_news_is_in_the_next_issue(desk: Desk) -> None:
    """A post that a preview would show is in the next issue, with the day on which that is due."""
    desk.news(1)
    assert desk.status(1) == "next"
    assert desk.weekly(1)["post"] == 1
    assert "weekly: in the next issue, due on 2026-11-27 08:00 UTC." in desk.words(1)


def test_a_carried_post_names_its_issue(desk: Desk) -> None:
    """Once frozen, the issue is named with number and time, for every post of the story."""
    desk.news(1)
    desk.receive("bob", 2, now=LATER)
    desk.do(lambda store: stories.merge(store, 1, 2, LATER))
    assert "weekly: in the next issue, due on 2026-11-27 08:00 UTC, by post 1 of its story." in desk.words(2)
    desk.freeze()
    assert desk.status(1) == desk.status(2) == "carried"
    assert "weekly: carried in issue #1 of 2026-11-24 12:00 UTC, as itself." in desk.words(1)
    assert "weekly: carried in issue #1 of 2026-11-24 12:00 UTC, by post 1 of its story." in desk.words(2)


def test_an_edition_that_is_gone_is_still_told_of(desk: Desk) -> None:
    """What an edition carried that is not in the file any more is told all the same."""
    desk.news(1)
    desk.freeze()
    desk.path.write_text(desk.path.read_text().replace('"weekly"', '"monthly"', 1))
    assert [(one["name"], one["status"]) for one in desk.report(1)["editions"]] == [
        ("weekly", "carried"),
        ("monthly", "next"),
    ]


def test_backlog_beyond_the_backfill_waits_for_a_higher_one(desk: Desk) -> None:
    """Of the first reading the newest three are taken; the next one is, when `backfill` is raised."""
    dates = {n: START - timedelta(days=n) for n in range(1, 6)}
    desk.receive("ada")
    with desk.open() as (loaded, store):
        receive(store, _source(loaded, "bob"), *(post(n, published=date) for n, date in dates.items()))
    assert [desk.status(n) for n in dates] == ["next"] * 3 + ["no backlog"] * 2
    assert "of such posts the newest 3 of a source are taken" in desk.words(4)
    assert "came with the first reading of its source" in desk.weekly(4)["reasons"][0]["why"]
    assert "raise `backfill` of [[editions]] weekly" in desk.words(4)
    desk.write("backfill = 4")
    assert [desk.status(n) for n in dates] == ["next"] * 4 + ["no backlog"]


def test_what_was_there_before_the_edition_is_backlog(desk: Desk) -> None:
    """An edition added later has what was stored by then as backlog, though it was news once."""
    desk.news(1, 2, 3, 4)
    desk.write('[[editions]]\nname = "late"\nschedule = "daily 07:00"\n')
    late = desk.report(1)["editions"][1]
    assert (late["name"], late["status"], late["reasons"][0]["kind"]) == ("late", "no", "backlog")
    assert late["reasons"][0]["why"].startswith("it was there before its source joined the edition")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('exclude = ["title:post"]', "the rule 'title:post' in `exclude` of its source matches it"),
        ('include = ["title:other"]', "no rule in `include` of its source matches it"),
    ],
)
def test_what_a_rule_excludes_comes_when_the_rule_goes(desk: Desk, rule: str, words: str) -> None:
    """The rule is named as the file has it; without it the post is in the next issue."""
    desk.news(1)
    desk.write("", source("ada", rule), source("bob"))
    assert desk.status(1) == "no excluded"
    assert f"Because {words}." in desk.words(1)
    assert re.search("^  Excluded .since .*UTC.: ", desk.words(1), re.MULTILINE)
    desk.write()
    assert desk.status(1) == "next"


def test_what_a_rule_kept_out_of_an_issue_is_no_news_later(desk: Desk) -> None:
    """A post let in after an issue was made is not carried, and nothing changes that."""
    desk.news(1, 2, title="One")
    desk.write("", source("ada", 'exclude = ["title:one"]'), source("bob"))
    desk.status(1)
    desk.do(lambda store: slots.record(store, "weekly", "2026-11-27T08:00", datetime.now(UTC)))
    desk.write()
    assert desk.status(1) == "no shut-out"
    assert "What would change that: nothing." in desk.words(1)


def test_a_held_post_comes_when_it_is_released(desk: Desk) -> None:
    """Held posts name the command that lets them go; put away they never come."""
    desk.news(9)
    with desk.open() as (loaded, store):
        ada = _source(loaded, "ada")
        fetched = Fetched(ada.url, 200, b"", hops=(Hop(ada.url, 200),))
        change = FeedChange(new=(post(1), post(2)), held=True)
        read(store, ada, fetched, ParsedFeed("rss20"), change, LATER)
    assert desk.status(2) == "no held"
    assert "`tidings sources release ada` lets it go" in desk.words(2)
    assert "and its feed has turned back to its former posts: it waits" in desk.words(2)
    feed_id = 1
    desk.do(lambda store: holding.release(store, feed_id, LATER))
    assert desk.status(2) == "next"
    desk.do(lambda store: store.conn.execute("UPDATE posts SET held_at = '2026' WHERE id = 2"))
    desk.do(lambda store: holding.discard(store, feed_id))
    assert desk.status(2) == "no held"
    assert desk.report(2)["held"] == {"since": None, "until": None, "put_away": True}
    assert "Put away while it was held" in desk.words(2)


def test_a_copy_of_backlog_comes_when_it_is_split(desk: Desk) -> None:
    """A copy of what another source had long before is no news, until it is made a story of its own."""
    desk.receive("ada", 1, story_url=SAME, title="A piece", text=LONG, published=START - timedelta(days=100))
    desk.receive("ada", 2, 3, 4)
    desk.write("backfill = 0")
    desk.receive("bob")
    desk.receive("bob", 5, story_url=SAME, title="A piece", text=LONG, published=START - timedelta(days=100), now=LATER)
    assert desk.report(5)["story"]["id"] == 1
    assert desk.status(5) == "no copy"
    assert "it is a copy of post 1, which was in the backlog of its source" in desk.words(5)
    assert "`tidings stories split 5` makes it a story of its own" in desk.words(5)
    desk.do(lambda store: stories.split(store, 5, LATER))
    assert desk.status(5) == "next"


def test_an_issue_of_too_few_waits_for_more(desk: Desk) -> None:
    """Below `min_posts` a story waits; with the limit lowered it is in the next issue."""
    desk.write("min_posts = 2")
    desk.news(1)
    assert desk.status(1) == "waiting min-posts"
    assert "there is 1 story, and an issue needs 2" in desk.words(1)
    desk.write("min_posts = 1")
    assert desk.status(1) == "next"


def test_what_does_not_fit_waits_for_the_issue_after(desk: Desk) -> None:
    """With `max_posts` reached the later story waits, and moves up when an issue is made."""
    desk.write("max_posts = 1")
    desk.news(1, 2)
    assert (desk.status(1), desk.status(2)) == ("next", "waiting max-posts")
    assert "an issue takes 1 story, and as many go before it" in desk.words(2)
    assert "`tidings send weekly` makes the next issue now, and it moves up" in desk.words(2)
    desk.freeze()
    assert (desk.status(1), desk.status(2)) == ("carried", "next")


def test_what_is_only_named_says_so(desk: Desk) -> None:
    """Without `carry_over` a post over the limit is in the next issue, by its name, and then carried."""
    desk.write("max_posts = 1\ncarry_over = false")
    desk.news(1, 2)
    assert (desk.status(1), desk.status(2)) == ("next named", "next")
    assert "Because the issue has no place for it, and only names it." in desk.words(1)
    desk.freeze()
    assert (desk.status(1), desk.status(2)) == ("carried", "carried")
    assert [desk.weekly(n)["issues"][0]["named"] for n in (1, 2)] == [True, False]
    assert "weekly: only named in issue #1 of" in desk.words(1)
    assert "weekly: carried in issue #1 of" in desk.words(2)
    change(desk, "Quite other words", LATER + timedelta(hours=1))
    assert desk.weekly(1)["update"] is None


def test_a_rule_of_the_edition_is_named(desk: Desk) -> None:
    """Before an issue is made changing the rule lets the post in; after that nothing does."""
    desk.write('exclude = ["title: one"]')
    desk.news(1, title="One")
    desk.receive("ada", 2, now=LATER)
    assert desk.status(1) == "no rule"
    assert "Because the rule 'title: one' in `exclude` of the edition matches it." in desk.words(1)
    assert "What would change that: change `exclude` of [[editions]] weekly." in desk.words(1)
    desk.write('include = ["title: two"]')
    assert "Because no rule in `include` of the edition matches it." in desk.words(1)
    desk.write()
    assert desk.status(1) == "next"
    desk.write('exclude = ["title: one"]')
    desk.freeze()
    desk.write()
    assert desk.status(1) == "no rule"
    assert "matched it on 2026-11-24, when an issue was made; what rules let in later is no news." in desk.words(1)
    assert "What would change that: nothing." in desk.words(1)


def test_an_empty_post_says_so(desk: Desk) -> None:
    """It is in no issue for having nothing to show, and after a week for having had nothing when one was made."""
    desk.write()
    desk.news(1, title="", text="", content_html="", url="")
    assert desk.status(1) == "no empty"
    assert "it has no title, text, link, picture or file: nothing to show" in desk.words(1)
    desk.now = LATER + timedelta(days=8)
    with desk.open() as (loaded, store):
        choice = digest.choose(store, loaded.editions[0], loaded.sources, desk.now)
        issues.pass_over(store, "weekly", choice.passed, desk.now)
    assert desk.status(1) == "no empty"
    assert "it was empty on 2026-12-02, when an issue was made" in desk.words(1)


def test_a_young_post_names_the_grace(desk: Desk) -> None:
    """Until its grace is over a post waits; a lower grace lets it go."""
    desk.write('grace = "90m"')
    desk.news(1)
    assert desk.status(1) == "waiting grace"
    assert "it came, or was edited, less than 90m ago: its author may still mend it" in desk.words(1)
    desk.now = LATER + timedelta(minutes=90)
    assert desk.status(1) == "next"
    desk.now = LATER
    desk.write()
    assert desk.status(1) == "next"


def test_a_source_that_is_not_named_is_told(desk: Desk) -> None:
    """An edition that takes sources by name says which."""
    desk.write('sources = ["bob"]')
    desk.news(1)
    assert desk.status(1) == "no other-tags"
    assert "the edition takes bob, and not 'ada'" in desk.words(1)
    assert "add 'ada' to `sources` of [[editions]] weekly" in desk.words(1)
    desk.write('tags = ["x"]\nsources = ["bob"]', source("ada"), source("bob", 'tags = ["x"]'))
    assert "the edition takes sources tagged x or called bob, and 'ada' is not" in desk.words(1)


@pytest.mark.parametrize(
    ("edition", "of_source", "words"),
    [
        ("max_per_source = 1", "", "raise `max_per_source` of [[editions]] weekly"),
        ("", "max_posts = 1", "raise `max_posts` of [[sources]] ada"),
        ("max_per_source = 9", "max_posts = 1", "raise `max_posts` of [[sources]] ada"),
    ],
)
def test_a_busy_source_waits(desk: Desk, edition: str, of_source: str, words: str) -> None:
    """The limit for one source is named where it stands: at the edition, or at the source."""
    desk.write(edition, source("ada", of_source), source("bob"))
    desk.news(1, 2)
    assert (desk.status(1), desk.status(2)) == ("next", "waiting max-per-source")
    assert "an issue takes 1 story of 'ada', and as many go before it" in desk.words(2)
    assert words in desk.words(2)


def test_an_edition_of_other_tags_does_not_take_it(desk: Desk) -> None:
    """What the edition's tags leave out is told with the tags, and comes when its source gets one."""
    desk.write('tags = ["code", "tea"]', source("ada", 'tags = ["code", "tea"]'), source("bob"))
    desk.receive("bob")
    desk.receive("bob", 1, now=LATER)
    assert desk.status(1) == "no other-tags"
    assert "the edition takes sources tagged code, tea, and 'bob' is not" in desk.words(1)
    desk.write('tags = ["code", "tea"]', source("ada", 'tags = ["code"]'), source("bob", 'tags = ["tea"]'))
    assert desk.status(1) == "next"


def test_a_source_that_left_the_file_is_known(desk: Desk) -> None:
    """Its posts are explained, with the command that puts it back."""
    desk.news(1)
    desk.write("", source("bob"))
    assert desk.status(1) == "no not-a-source"
    assert desk.report(1)["source"]["configured"] is False
    assert "From ada, https://ada.example/feed; it is not in the file any more." in desk.words(1)
    assert "`tidings sources add https://ada.example/feed` puts it there" in desk.words(1)


def test_a_disabled_source_is_said_to_be(desk: Desk) -> None:
    """A source that is not polled goes on having its stored posts carried."""
    desk.news(1)
    desk.write("", source("ada", "disabled = true"), source("bob"))
    assert desk.status(1) == "next"
    assert "From ada, https://ada.example/feed; it is disabled." in desk.words(1)


_POSTS = st.lists(
    st.tuples(st.sampled_from(["ada", "bob"]), st.sampled_from(["", "", "excluded", "held", "let in", "copy"])),
    min_size=1,
    max_size=10,
)


@given(_POSTS, st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10)), max_size=3), st.integers(0, 3), st.data())
@settings(max_examples=40)
def test_what_is_said_is_what_the_selection_does(
    posts: list[tuple[str, str]], merged: list[tuple[int, int]], backlog: int, data: st.DataObject
) -> None:
    """Over stores with a bit of everything: an answer is that of the draft, of the candidates or of the ledger, and
    what is not in the next issue always has a reason."""
    with TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        limits = (data.draw(st.integers(*limit)) for limit in ((1, 3), (1, 4), (1, 2), (0, 2)))
        names = ("min_posts", "max_posts", "max_per_source", "backfill")
        desk.write("\n".join(f"{name} = {limit}" for name, limit in zip(names, limits, strict=True)))
        for n, (name, state) in enumerate(posts, 1):
            desk.receive(name, n, originality=n % 3, now=LATER if n > backlog else START)
            desk.do(partial(_bring_into, state, n))
        for one, other in merged:
            if max(one, other) <= len(posts):
                with contextlib.suppress(StoreError):  # both of one source
                    desk.do(partial(stories.merge, one=one, other=other, now=LATER))
        if data.draw(st.booleans()):
            with contextlib.suppress(AssertionError):  # nothing new
                desk.freeze()
        _check(desk, len(posts))


def _bring_into(state: str, post_id: int, store: Store) -> None:
    """What polls, rules and the brake may have left of a post."""
    change = {
        "excluded": "excluded = 'title:x', excluded_at = '2026-01-01T00:00:00+00:00'",
        "held": "held_at = '2026-01-01T00:00:00+00:00'",
    }
    if state in change:
        store.conn.execute(f"UPDATE posts SET {change[state]} WHERE id = ?", (post_id,))
    if state == "let in":
        store.conn.execute("INSERT INTO exclusions VALUES (?, '2026-01-01', '2027-01-01')", (post_id,))
    if state == "copy" and post_id > 1:
        with contextlib.suppress(StoreError):  # both of one source
            stories.merge(store, post_id - 1, post_id, LATER)
        store.conn.execute("UPDATE story_joins SET tier = 'copy' WHERE post_id = ?", (post_id,))


def _check(desk: Desk, count: int) -> None:
    with desk.open() as (loaded, store):
        [edition] = loaded.editions
        content = digest.draft(store, edition, loaded.sources, issuing.masthead(loaded), LATER)
        may = {one.story for one in issues.candidates(store, "weekly", ["ada", "bob"], edition.backfill)}
        carried = {row["story"] for row in store.rows("SELECT p.story FROM issue_items JOIN posts p ON p.id = post_id")}
        shown = {item.story: item.post_id for item in content.items} if content else {}
        for post_id in range(1, count + 1):
            facts = explained.stored(store, post_id)
            fate = carrying.fate(store, loaded, edition, facts, LATER)
            story = facts.post.story
            rest = "waiting" if story in may else "no"
            assert fate.status == ("carried" if story in carried else "next" if story in shown else rest)
            assert bool(fate.reasons) == (fate.status in ("waiting", "no"))
            if fate.status == "next":
                assert fate.post_id == shown[story]


# ------------------------------------------------------------------------------------------------- where it comes from


def test_where_a_post_comes_from(desk: Desk) -> None:
    """Source, feed, guid, when it was first seen and when it is dated are told."""
    desk.receive("ada", 1, published=datetime(2026, 11, 20, 9, 30, tzinfo=UTC))
    desk.receive("ada", 2, guid="", now=LATER)
    words = desk.words(1)
    assert words.startswith("Post 1 of ada: Post 1\nhttps://blog.example/1\nWhere it comes from\n")
    assert "Its guid is guid-1." in words
    assert (
        "First seen on 2026-11-23 12:00 UTC, with the first reading of its source; dated 2026-11-20 09:30 UTC." in words
    )
    assert "It has no guid." in desk.words(2)
    assert "First seen on 2026-11-24 12:00 UTC; its author gives no date." in desk.words(2)


def test_edits_have_a_kind(desk: Desk) -> None:
    """No edit is not mentioned; a cosmetic one is told as such, a substantive one with its time."""
    desk.news(1)
    assert "Edited" not in desk.words(1)

    def change(kind: str) -> None:
        with desk.open() as (loaded, store):
            [stored] = find(store, PostQuery())
            edit(store, _source(loaded, "ada"), stored, edit=kind, text=f"Other {kind}")

    change("cosmetic")
    assert "Edited first on 2026-11-23 12:00 UTC, in nothing worth telling." in desk.words(1)
    change("substantive")
    assert "Edited first on 2026-11-23 12:00 UTC, last in a way worth telling on 2026-11-23 12:00 UTC." in desk.words(1)
    assert desk.report(1)["edited"]["kind"] == "substantive"


def change(desk: Desk, words: str, now: datetime = LATER) -> None:
    """A poll that brought another text of post 1."""

    def rewrite(store: Store) -> None:
        changed = post(1, post_id=1, content_hash=words, text=words)
        posts.save(store, 1, FeedChange(changed=(changed,)), now)

    desk.do(rewrite)


@pytest.mark.parametrize(
    ("edition", "after", "status", "words"),
    [
        (WEEKLY_UPDATES, timedelta(), "next", "the next issue that carries anything lists it under Updated"),
        (WEEKLY, timedelta(), "no", "Because the edition lists no edits."),
        (WEEKLY_UPDATES, timedelta(days=70), "no", "Because its last edit is more than 60 days old."),
    ],
)
def test_an_edit_of_what_was_carried_is_told_or_not(
    desk: Desk, edition: str, after: timedelta, status: str, words: str
) -> None:
    """Whether readers hear of an edit, and why not: the edition does not ask for edits, or it was too long ago."""
    desk.path.write_text(desk.path.read_text().replace(WEEKLY, edition))
    desk.news(1)
    desk.freeze()
    assert desk.weekly(1)["update"] is None
    change(desk, "Quite other words", LATER + timedelta(hours=1))
    desk.now = LATER + timedelta(hours=2) + after
    assert desk.weekly(1)["update"]["status"] == status
    assert words in desk.words(1)


def test_an_edit_of_what_nobody_has_seen_waits(desk: Desk) -> None:
    """While the issue is held there is nothing to tell of; then there is."""
    desk.path.write_text(desk.path.read_text().replace(WEEKLY, WEEKLY_UPDATES))
    desk.news(1)
    desk.freeze()
    desk.do(lambda store: issue_states.hold(store, 1, LATER))
    change(desk, "Quite other words", LATER + timedelta(hours=1))
    assert desk.weekly(1)["update"]["status"] == "waiting"
    assert "the issue that shows it is in review or held" in desk.words(1)
    desk.do(lambda store: issue_states.release(store, 1, LATER))
    assert desk.weekly(1)["update"]["status"] == "next"


def test_an_edit_that_was_dropped_says_so(desk: Desk) -> None:
    """It was not told, and is not to be."""
    desk.path.write_text(desk.path.read_text().replace(WEEKLY, WEEKLY_UPDATES))
    desk.news(1)
    desk.freeze()
    change(desk, "Quite other words", LATER + timedelta(hours=1))
    desk.receive("ada", 2, now=LATER + timedelta(hours=4))
    desk.freeze()

    def drop(store: Store) -> None:
        issue = issue_states.named(store, "weekly-2")
        issue_states.freeze_anew(store, issue, without(issue.content, {1}), [1], LATER)

    desk.do(drop)
    assert desk.weekly(1)["status"] == "carried"
    assert (desk.weekly(1)["update"]["status"], desk.weekly(1)["update"]["issue"]) == ("no", None)
    assert "Because it was dropped from weekly-2 by hand." in desk.words(1)


def test_an_edit_that_was_told_names_its_issue(desk: Desk) -> None:
    """The issue that listed the edit is named; what reads again as it did is told of by none."""
    desk.path.write_text(desk.path.read_text().replace(WEEKLY, WEEKLY_UPDATES))
    desk.news(1)
    desk.freeze()
    change(desk, "Quite other words", LATER + timedelta(hours=1))
    change(desk, "Text 1", LATER + timedelta(hours=2))
    assert desk.weekly(1)["update"]["why"] == "it reads again as it did in the issue, but for signs and capitals"
    change(desk, "Quite other words", LATER + timedelta(hours=3))
    desk.receive("ada", 2, now=LATER + timedelta(hours=4))
    desk.freeze()
    update = desk.weekly(1)["update"]
    assert (update["status"], update["issue"]["number"]) == ("told", 2)
    assert "weekly: its edit was listed under Updated in issue #2, which is done once." in desk.words(1)


def test_a_pruned_post_says_so(desk: Desk) -> None:
    """A post without its text names the day it went, and the key."""
    desk.receive("ada", *range(1, 6), published=START - timedelta(days=900))
    now = START + timedelta(days=800)
    with desk.open() as (loaded, store):
        pruning.prune(store, pruning.Retention(timedelta(days=365), 0, loaded.sources, (), sketch), now)
    assert f"Its text was pruned on {now:%Y-%m-%d %H:%M} UTC, by [store] keep." in desk.words(1)


def test_a_terminal_is_safe_from_titles(desk: Desk) -> None:
    """What a feed wrote can't move the cursor or begin a new line."""
    desk.news(1, title="a\x1b[2Jb\nc")
    assert "Post 1 of ada: a [2Jb c" in desk.words(1)


# -------------------------------------------------------------------------------------------------------------- stories


def test_a_story_says_why_its_posts_are_together(desk: Desk) -> None:
    """The first began the story; the others joined for a post, with the rule and how sure it is, or by hand."""
    for name in ("ada", "bob"):
        desk.receive(name)
    desk.receive("ada", 1, story_url=SAME, title="A piece", text=LONG, originality=0)
    desk.receive("bob", 2, story_url=SAME, title="A piece", text=LONG, originality=2, now=LATER)
    words = desk.words(2)
    assert "  Post 1 of ada: A piece\n    began the story\n" in words
    assert "  Post 2 of bob: A piece, which is this one\n    joined on 2026-11-24 for post 1 of ada: both are" in words
    assert "(page, 1)" in words
    assert "In digests post 2 stands for the story: it is a page of its own site." in words
    assert desk.weekly(1)["post"] == 2
    desk.do(lambda store: stories.split(store, 2, LATER))
    assert "Post 2 is the only one of its story." in desk.words(2)
    assert "Taken apart from post 1 by hand on 2026-11-24." in desk.words(2)
    desk.do(lambda store: stories.merge(store, 1, 2, LATER))
    assert "joined on 2026-11-24 for post 1 of ada: joined by hand (hand, 1)" in desk.words(2)


def test_what_cannot_be_shown_stands_for_no_story(desk: Desk) -> None:
    """The original stands for its story only while no rule keeps it out."""
    desk.news(1, originality=2)
    desk.receive("bob", 2, originality=0, now=LATER)
    desk.do(lambda store: stories.merge(store, 1, 2, LATER))
    assert desk.report(1)["story"]["stands_for_it"] == 1
    desk.write("", source("ada", 'exclude = ["title:post"]'), source("bob"))
    assert desk.report(1)["story"]["stands_for_it"] == 2
    assert "it says that it was taken from elsewhere, or is about another page" in desk.words(1)


def test_a_reason_that_was_taken_out_is_marked(desk: Desk) -> None:
    """A post that joined for one that is of another story by now says so."""
    desk.write("", source("ada"), source("bob"), source("cyd"))
    for n, name in enumerate(("ada", "bob", "cyd"), 1):
        desk.receive(name, n, now=LATER)
    desk.do(lambda store: stories.merge(store, 1, 2, LATER))
    desk.do(lambda store: stories.merge(store, 2, 3, LATER))
    desk.do(lambda store: stories.split(store, 2, LATER))
    assert "joined on 2026-11-24 for post 2 of bob, which was taken out since: joined by hand" in desk.words(3)


# -------------------------------------------------------------------------------------------------------- the commands


@pytest.fixture(scope="module")
def first_polled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blogs, polled twice: the second time the first one has renewed its guids."""
    site = Site(tmp_path_factory.mktemp("polled"))
    with Origin() as origin:
        origin.serve_feed("/ada", rss(_items("post"), link="https://blog.example/"))
        origin.serve_feed("/bob", rss([item("b", guid="bobs", link="https://bob.example/b?utm_source=x", text=LONG)]))
        site.configure([("ada", origin.url("/ada")), ("bob", origin.url("/bob"))])
        site.run("poll", "--all")
        origin.serve_feed("/ada", rss(_items("new"), link="https://blog.example/"))
        site.run("poll", "--all")
    return site.folder


def _items(guid: str) -> list[str]:
    return [
        item(
            n,
            guid=f"{guid}-{n}",
            link=f"https://blog.example/number-{n}",
            text=f"<p>Number {n} says: {LONG}</p>",
            date="Mon, 02 Nov 2026 08:00:00 +0000",
        )
        for n in range(1, 4)
    ]


@pytest.fixture
def polled(first_polled: Path, site: Site) -> Site:
    """A copy of it."""
    shutil.copytree(first_polled, site.folder, dirs_exist_ok=True)
    return site


def test_a_post_is_found_by_whatever_names_it(polled: Site) -> None:
    """Id, URL in another spelling, the guid it has and the one it had lead to one post, whose keys say when."""
    [stored] = [one for one in polled.posts() if one["title"] == "Post 2"]
    for name in (str(stored["id"]), "http://www.blog.example/number-2/?utm_source=y#top", "new-2", "post-2"):
        [found] = polled.json("explain", name)["posts"]
        assert found["id"] == stored["id"]
    since = {key["value"]: key["since"] for key in found["keys"] if key["kind"] == "guid"}
    assert set(since) == {"post-2", "new-2"}
    assert since["post-2"] <= since["new-2"]
    words = polled.run("explain", "new-2").stdout
    assert re.search(r"^  It came back under a new guid on .* UTC: new-2$", words, re.MULTILINE)
    assert re.search(r"^  guid: post-2 \(since .* UTC\)$", words, re.MULTILINE)


def test_a_renewed_guid_is_in_the_report(polled: Site) -> None:
    """What the text says of a post that came back under a new guid is there for scripts, too."""
    [found] = polled.json("explain", "new-2")["posts"]
    [other] = polled.json("explain", "bobs")["posts"]
    assert [one["guid"] for one in found["renewals"]] == ["new-2"]
    assert other["renewals"] == []


def test_stories_are_joined_and_parted_by_scripts(polled: Site) -> None:
    """The reports say what is one story, and whether anything was changed; a word in place of an id is explained."""
    ids = {post["title"]: post["id"] for post in polled.posts()}
    one, other = ids["Post 1"], ids["Post b"]
    joined = polled.json("stories", "merge", str(one), str(other))
    assert (joined["changed"], joined["posts"]) == (True, sorted([one, other]))
    assert polled.json("stories", "merge", str(one), str(other))["changed"] is False
    assert polled.json("stories", "split", str(other))["posts"] == [other]
    assert polled.json("stories", "split", str(other))["changed"] is False
    assert f"Post {other} is the only one of its story." in polled.run("stories", "show", str(other)).stdout
    wrong = polled.run("stories", "merge", "1", "x", check=False)
    assert wrong.returncode == 2
    assert "'x' is no id of a post, such as 17" in wrong.stderr


def test_a_post_that_nothing_happened_to_came_back_under_nothing(polled: Site) -> None:
    """A post that kept its guid is not said to have got a new one."""
    assert "It came back" not in polled.run("explain", "bobs").stdout


def test_a_name_of_several_posts_explains_them_all(desk: Desk) -> None:
    """A planet's copy has the URL of its original: both are explained."""
    desk.receive("ada", 1, url=SAME)
    desk.receive("bob", 2, url=f"{SAME}?utm_source=planet")
    with desk.open() as (_, store):
        assert explaining.find(store, SAME) == [1, 2]


@pytest.mark.parametrize(
    ("own", "asked"),
    [
        ("https://blog.example/a-b/c", "HTTP://WWW.Blog.Example/a-b/c/index.html?utm_source=x#top"),
        ("https://Blog.Example/A-B", "https://blog.example/A-B/"),
        ("https://blog.example/caf%C3%A9", "https://blog.example/café"),
        ("https://blog.example/?p=17", "https://blog.example/index.php?p=17"),
        ("https://blog.example/", "https://www.blog.example"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://youtu.be/dQw4w9WgXcQ", "https://m.youtube.com/watch?v=dQw4w9WgXcQ&t=3"),
        ("https://blog.example/%E4%B8%AD", "https://blog.example/中"),
    ],
)
def test_a_url_is_found_in_any_spelling(desk: Desk, own: str, asked: str) -> None:
    """A post is found by the canonical form of its URL, whichever of the two is spelled oddly."""
    desk.receive("ada", 1, url=own)
    desk.receive("bob", 2, url=asked)
    desk.receive("bob", 3, url="https://blog.example/another")
    with desk.open() as (_, store):
        assert explaining.find(store, own) == [1, 2]
        assert explaining.find(store, asked) == [1, 2]


def test_posts_that_share_a_page_are_all_found(desk: Desk) -> None:
    """Of two posts of one source on one page, in documents of their own, the path leads to the first only; a URL names
    both all the same."""
    for n in (1, 2):
        [one] = identity.identify([ParsedPost(0, guid=f"{n}", url=SAME, title=f"Post {n}")])
        shared = [identity.shared_mark(hint) for hint in one.hints] if n > 1 else []
        desk.receive("ada", n, url=SAME, keys=(*one.all_keys, *shared))
        with desk.open() as (_, store):
            assert explaining.find(store, SAME) == list(range(1, n + 1))


def test_a_polled_post_is_found_without_going_through_all(polled: Site) -> None:
    """By its URL in another spelling it is looked up in indexes: no statement scans the posts or their keys."""
    with closing(sqlite3.connect(polled.folder / "data" / "tidings.db")) as connection:
        connection.row_factory = sqlite3.Row
        asked: list[str] = []
        connection.set_trace_callback(asked.append)
        assert explaining.find(Store(polled.folder, connection), "http://www.blog.example/number-2/?utm_source=y")
        connection.set_trace_callback(None)
        steps = [row["detail"] for sql in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert any(step.startswith("SEARCH k USING PRIMARY KEY (feed_id=? AND key=?)") for step in steps), steps
    assert not [step for step in steps if re.match("SCAN (posts|p|k)", step)], steps


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A blog whose guids stayed when its links moved to another host, path and all."""
    site = Site(tmp_path_factory.mktemp("moved"))
    with Origin() as origin:
        site.configure([("ada", origin.url("/ada"))])
        for link in ("https://old.example/2026/a-post/", LONGEST_LINK, "https://new.example/writing/first"):
            items = [item(1, link=link, text=f"<p>{LONG}</p>"), item(2, guid="1", link="https://new.example/")]
            origin.serve_feed("/ada", rss(items))
            site.run("poll", "--all")
    return site


@pytest.mark.parametrize(
    "name",
    [
        "https://new.example/writing/first",
        "new.example/writing/first",
        "http://www.old.example/2026/a-post/",
        "www.old.example/2026/a-post?utm_source=x",
        LONGEST_LINK,
        "post-1",
        "guid:post-1",
    ],
)
def test_a_post_is_found_by_every_link_it_ever_had(moved: Site, name: str) -> None:
    """A link that its feed has given up, however long, still leads to the post, with or without https:// before it."""
    [found] = moved.json("explain", name)["posts"]
    assert found["title"] == "Post 1"


def test_a_guid_that_is_some_posts_id_can_be_asked_for(moved: Site) -> None:
    """A bare number is an id; behind `guid:` it is a guid, whatever post has that id."""
    [of_id] = moved.json("explain", "1")["posts"]
    [of_guid] = moved.json("explain", "guid:1")["posts"]
    assert (of_id["id"], of_guid["guid"]) == (1, "1")
    assert of_id["id"] != of_guid["id"] or of_id["guid"] == "1"


@pytest.mark.parametrize(
    "name", ["https://moved.example/number-2", "https://blog.example/number-2?page=9", "POST 2", "post 2 number"]
)
def test_what_is_like_an_unknown_name_is_listed(polled: Site, name: str) -> None:
    """Exit status 1, and the posts with the same path or title on standard error."""
    done = polled.run("explain", name, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"nothing is known as {name!r}: no post has or had this id, URL or guid" in done.stderr
    if "?" not in name:
        assert "ada: Post 2  https://blog.example/number-2" in done.stderr


def test_an_unknown_name_is_reported_as_json(polled: Site) -> None:
    """With --json nothing found is a report too, and exit status 1."""
    report = polled.json("explain", "https://moved.example/number-2", check=False)
    assert report["posts"] == []
    assert [list(one) for one in report["suggestions"]] == [["id", "source", "title", "url"]]


def test_bad_bytes_are_reported_as_what_is_left_of_them(polled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte that is no text in the argument ends in a report, however output is encoded."""
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    assert polled.json("explain", "x\udcff", check=False)["query"] == "x"
    assert "nothing is known as 'x'" in polled.run("explain", "x\udcff", check=False).stderr


@pytest.mark.parametrize(
    "name", ["", " ", "0", "99999", "9" * 30, "%", "\udce4", "https://", "-1", "²", "guid:", "a.b/c d"]
)
def test_odd_names_are_unknown_and_nothing_more(desk: Desk, name: str) -> None:
    """Whatever is typed in place of a post names none, and raises nothing."""
    desk.receive("ada", 1)
    with desk.open() as (_, store):
        assert explaining.find(store, name) == []
        assert explaining.suggestions(store, name) == []


def test_one_edition_can_be_asked_about(polled: Site) -> None:
    """--edition leaves the others out; one that is not there is a wrong command line."""
    path = polled.folder / "config.toml"
    path.write_text(path.read_text() + '[[editions]]\nname = "late"\nschedule = "daily 07:00"\n')
    assert [one["name"] for one in polled.json("explain", "1")["posts"][0]["editions"]] == ["weekly", "late"]
    [found] = polled.json("explain", "1", "--edition", "late")["posts"]
    assert [one["name"] for one in found["editions"]] == ["late"]
    assert polled.run("explain", "1", "--edition", "no", check=False).returncode == 2


def test_a_flood_is_held_until(site: Site, origin: Origin) -> None:
    """A feed that is suddenly another blog's is held; the day on which it goes by itself is told."""
    date = "Mon, 02 Nov 2020 08:0{}:00 +0000"
    one = [item(n, text=f"<p>{n} {LONG}</p>", date=date.format(n)) for n in range(6)]
    origin.serve_feed("/ada", rss(one))
    site.configure([("ada", origin.url("/ada"))])
    site.run("poll", "--all")
    other = [
        item(
            f"x{n}",
            title=f"Quite another {n}",
            text=f"<p>Words {n} of nobody else, {n * 7} in all.</p>",
            date=date.format(n),
        )
        for n in range(6)
    ]
    origin.serve_feed("/ada", rss(other))
    site.run("poll", "--all")
    [found] = site.json("explain", "post-x1")["posts"]
    since, until = (datetime.fromisoformat(found["held"][name]) for name in ("since", "until"))
    assert until - since == RELEASED_AFTER
    assert found["editions"][0]["reasons"][0]["kind"] == "held"
    words = site.run("explain", "post-x1").stdout
    assert f"Held since {since:%Y-%m-%d %H:%M} UTC, until {until:%Y-%m-%d %H:%M} UTC unless its feed" in words


def test_stories_are_joined_and_parted_by_command(polled: Site) -> None:
    """The commands say what is one story now, and what that means to the edition."""
    ids = {one["title"]: one["id"] for one in polled.posts()}
    one, other = sorted((ids["Post 1"], ids["Post b"]))
    merged = polled.run("stories", "merge", str(other), str(one))
    assert merged.stdout == f"posts {one} and {other} are one story now, number {one}\n"
    shown = polled.run("stories", "show", str(other)).stdout
    assert "began the story" in shown
    assert "joined by hand (hand, 1)" in shown
    assert [post["id"] for post in polled.json("stories", "show", str(one))["posts"]] == [one, other]
    again = polled.run("stories", "merge", str(one), str(other))
    assert (again.stdout, again.stderr) == (
        "",
        f"posts {one} and {other} are one story already; nothing was changed\n",
    )
    polled.run("send", "weekly", check=False)
    split = polled.run("stories", "split", str(other))
    assert split.stdout.startswith(f"post {other} is a story of its own now, number {other}, without post {one}\n")
    back = polled.run("stories", "split", str(other))
    assert (back.stdout, back.stderr) == ("", f"post {other} is the only one of its story; nothing was changed\n")


def test_commands_say_what_becomes_news(polled: Site) -> None:
    """Joined to a carried story a post is no news to the edition any more, and parted from it, it is."""
    polled.run("send", "weekly")
    one = polled.posts()[0]["id"]
    with closing(sqlite3.connect(polled.folder / "data" / "tidings.db")) as db, db:
        db.execute("DELETE FROM issue_items WHERE post_id = ?", (one,))
    other = polled.posts()[1]["id"]
    assert (
        f"weekly: post {one} will not be carried any more\n"
        in polled.run("stories", "merge", f"{one}", f"{other}").stdout
    )
    assert f"weekly: post {one} may be carried now\n" in polled.run("stories", "split", str(one)).stdout


@pytest.mark.parametrize("arguments", [("merge", "1", "99"), ("merge", "99", "1"), ("split", "99"), ("show", "99")])
def test_an_unknown_post_is_an_error(polled: Site, arguments: tuple[str, ...]) -> None:
    """Exit status 1, with the id and what lists them."""
    done = polled.run("stories", *arguments, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tidings: no post has the id 99; `tidings posts` lists posts with their ids\n"


def test_merging_waits_for_whoever_writes(polled: Site) -> None:
    """Beside a process that writes, the command waits its turn instead of failing."""
    [post] = polled.json("posts", "--source", "bob")
    with closing(sqlite3.connect(polled.folder / "data" / "tidings.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        running = polled.start("stories", "merge", "1", f"{post['id']}")
        time.sleep(2)
        assert running.poll() is None
        other.execute("ROLLBACK")
    output, _ = running.communicate(timeout=60)
    assert (running.returncode, output) == (0, f"posts 1 and {post['id']} are one story now, number 1\n")


# -------------------------------------------------------------------------------------------------------- the manual


def test_the_report_is_documented(desk: Desk) -> None:
    """The page shows the keys that `explain --json` prints, in their order, at every level."""
    desk.news(1)
    desk.receive("bob", 2, now=LATER)
    desk.do(lambda store: stories.merge(store, 1, 2, LATER))
    desk.freeze()
    (text,) = fenced(section(COMMANDS, "tidings explain"), "json")
    shown = json.loads(text)
    assert list(shown) == ["query", "posts", "suggestions"]
    [page] = shown["posts"]
    actual = desk.report(2)
    for name in ("source", "story"):
        assert list(page[name]) == list(actual[name])
    assert list(page) == list(actual)
    assert list(page["story"]["posts"][0]) == list(actual["story"]["posts"][1])
    assert list(page["story"]["posts"][0]["joined"]) == list(actual["story"]["posts"][1]["joined"])
    assert list(page["editions"][0]) == list(actual["editions"][0])
    assert list(page["editions"][0]["issues"][0]) == list(actual["editions"][0]["issues"][0])


def test_reasons_and_keys_are_documented() -> None:
    """Every kind of key and of reason has a row on the page, in the order of the code, and no other has."""
    rows = [name for name in table_rows(section(COMMANDS, "tidings explain")) if not name.startswith("-")]
    assert rows == [*explaining.KINDS, *get_args(carrying.ReasonKind)]
    for status in get_args(carrying.Status):
        assert f"`{status}`" in section(COMMANDS, "tidings explain")


def test_every_kind_of_key_has_words() -> None:
    """What posts are known under has a name in plain words, whatever kind it is."""
    kinds = {*identity._MOST_SPECIFIC_FIRST, *identity._OF_NEW_POSTS, "~title", "~path", "~guid", "~file"}
    assert set(explaining.KINDS) == kinds | {identity._SHARED.rstrip(":")}


@pytest.mark.parametrize(
    ("kinds", "guid", "expected"),
    [
        (["guid+link"], "today", True),
        (["guid+link", "guid"], "today", False),
        (["shared"], "today", False),
        ([], "", False),
    ],
)
def test_a_guid_that_went_to_another_post_is_told(kinds: list[str], guid: str, expected: bool) -> None:
    """A post whose guid names a newer one says so; nothing is said of one that still has it, shares it or has none."""
    keys = [{"kind": kind, "means": kind, "value": "today", "since": None} for kind in kinds]
    lines = list(sentences._keys({"guid": guid, "keys": keys, "renewals": []}))
    assert (
        "Its guid alone does not lead to it: another post of its source has, or had, the same." in lines
    ) == expected
