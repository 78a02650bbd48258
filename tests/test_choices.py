"""Readers who choose, on a real database: the memory that their own editions begin with, and what is made of it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import edition
from tests.stocking import blog, configure, post, receive, scalar
from tests.transports import LATER, Clock, RecordingTransport
from tidings import deliver, digest, preferences
from tidings.cli.reader_reports import reader_report
from tidings.config.schedules import schedule
from tidings.editions.compose import Masthead
from tidings.errors import RenderError
from tidings.model import Choices, Evidence, IssueContent, Source, StoredSubscriber
from tidings.store import Store, archive, choices, erasing, issue_states, issues, keys, open_store, subscribers

ROOT = Path(__file__).resolve().parents[1]
A, B = blog("a", tags=("art",)), blog("b", tags=("code",))
MASTHEAD = Masthead("Planet", "https://planet.example")
DAILY = edition(schedule=schedule("daily 08:00"), timezone="UTC", backfill=0, max_posts=100)
ANN, BOB = "ann@readers.example", "bob@readers.example"
WEEKLY = Choices("weekly", weekday=4)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
MONDAY = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TUESDAY, FRIDAY = MONDAY + 20 * HOUR, MONDAY + 92 * HOUR
"""Eight in the morning."""


class World:
    """Two blogs, two readers, and what each of them was mailed."""

    def __init__(self, store: Store, *readers: str) -> None:
        self.store = store
        self.count = 0
        self.edition = DAILY
        self.transport = RecordingTransport()
        configure(store, A, B, editions=[DAILY], now=MONDAY)
        for one in (A, B):
            receive(store, one, now=MONDAY)
        for address in readers:
            self.join(address, MONDAY)

    def join(self, address: str, now: datetime) -> None:
        subscribers.add(self.store, address, "daily", "cli", Evidence(), now)

    def news(self, now: datetime, *sources: Source) -> list[str]:
        """A new post in each source; returns their titles."""
        made = []
        for one in sources or (A, B):
            self.count += 1
            receive(self.store, one, post(self.count), now=now)
            made.append(f"Post {self.count}")
        return made

    def reader(self, address: str = ANN) -> StoredSubscriber:
        found = subscribers.find(self.store, address)
        assert found is not None
        return found

    def choose(self, chosen: Choices, now: datetime, address: str = ANN) -> bool:
        return preferences.choose(self.store, self.reader(address), self.edition, chosen, Evidence(form="page"), now)

    def tick(self, now: datetime) -> list[IssueContent]:
        """What the daemon does; returns the issues that were made."""
        office = self.transport.office()
        made = digest.freeze_due(self.store, self.edition, [A, B], MASTHEAD, office, now)
        own = digest.freeze_personal(self.store, self.edition, [A, B], MASTHEAD, office, now)
        deliver.deliver_due(self.store, self.edition, office, Clock(now).pace())
        return [*([made] if made else []), *own]

    def got(self, address: str = ANN) -> list[str]:
        """The titles in a reader's mails, in the order in which they came; those of a mail in that of the posts."""
        titles = []
        for letter in self.transport.letters:
            if letter.recipient == address:
                titles += sorted(
                    (item.title for item in self._issue(letter.identity).items), key=lambda title: int(title[5:])
                )
        return titles

    def _issue(self, message_id: str) -> IssueContent:
        [row] = self.store.rows("SELECT issue_id FROM deliveries WHERE message_id = ?", (message_id,))
        return next(one.content for one in issues.frozen(self.store) if one.id == row["issue_id"])


@pytest.fixture
def world(store: Store) -> World:
    return World(store, ANN, BOB)


def test_a_switch_loses_and_repeats_nothing(world: World) -> None:
    """What came before the switch is in the daily mails, what came since in the weekly one; the others see nothing."""
    first = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    second = world.news(TUESDAY + HOUR)
    world.choose(WEEKLY, TUESDAY + 2 * HOUR)
    world.tick(TUESDAY + DAY)
    third = world.news(TUESDAY + DAY + HOUR)
    world.tick(TUESDAY + 2 * DAY)
    assert world.got() == first
    world.tick(FRIDAY)
    assert world.got() == first + second + third
    assert world.got(BOB) == first + second + third


def test_an_issue_on_its_way_still_comes(world: World) -> None:
    """A mail that is put off when its reader chooses comes all the same, and what is in it does not come again."""
    world.transport.answers = {ANN: [LATER]}
    first = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    world.choose(Choices("every post"), TUESDAY + MINUTE)
    for minutes in range(15, 120, 15):
        world.tick(TUESDAY + minutes * MINUTE)
    assert world.got() == first


def test_who_joined_late_gets_nothing_of_before(world: World) -> None:
    """What went out without a reader is no news to the reader's own edition, at no time, nor to what comes of it."""
    world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    world.join("late@readers.example", TUESDAY + HOUR)
    waiting = world.news(TUESDAY + HOUR)
    world.choose(Choices("daily", hour=9), TUESDAY + 2 * HOUR, "late@readers.example")
    world.tick(TUESDAY + DAY)
    world.tick(TUESDAY + DAY + HOUR)
    world.tick(TUESDAY + 2 * DAY + HOUR)
    assert world.got("late@readers.example") == waiting


def test_what_is_off_is_passed_for_good(world: World) -> None:
    """Posts of a source that was off when an issue was made do not come when it is on again; later ones do."""
    world.choose(Choices(sources_off=("b",)), MONDAY + MINUTE)
    of_a, _of_b = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    waiting = world.news(TUESDAY + HOUR, B)
    world.choose(Choices(), TUESDAY + 2 * HOUR)
    world.tick(TUESDAY + DAY)
    assert world.got() == [of_a, *waiting]


def test_a_tag_that_is_off_takes_its_sources(world: World) -> None:
    """No post of a source with the tag comes."""
    world.choose(Choices(tags_off=("art",)), MONDAY + MINUTE)
    _of_a, of_b = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    assert world.got() == [of_b]


def test_a_pause_postpones(world: World) -> None:
    """Nothing comes until it is over; then all that came meanwhile is in one issue."""
    world.choose(Choices(paused_until=TUESDAY + 2 * DAY + HOUR), MONDAY + MINUTE)
    came = []
    for day in range(4):
        came += world.news(MONDAY + day * DAY + HOUR)
        world.tick(TUESDAY + day * DAY)
        assert world.got() == (came if day == 3 else [])


def test_what_came_while_away_is_missed(world: World) -> None:
    """Who leaves and comes back gets what waits at a slot after that, as with the edition itself."""
    world.choose(Choices("daily", hour=9), MONDAY + MINUTE)
    subscribers.leave(world.store, world.reader().id, "daily", "link", Evidence(), MONDAY + HOUR)
    world.news(MONDAY + 2 * HOUR)
    world.tick(TUESDAY + HOUR)
    missed_no_more = world.news(TUESDAY + 2 * HOUR)
    subscribers.come_back(world.store, world.reader().id, "daily", Evidence(), TUESDAY + 3 * HOUR)
    assert world.tick(TUESDAY + 3 * HOUR) == []
    world.tick(TUESDAY + DAY + HOUR)
    assert world.got() == missed_no_more


def test_who_comes_back_at_once_misses_nothing(world: World) -> None:
    """Between two slots it makes no difference."""
    world.choose(Choices("daily", hour=9), MONDAY + MINUTE)
    came = world.news(MONDAY + HOUR)
    subscribers.leave(world.store, world.reader().id, "daily", "link", Evidence(), MONDAY + 2 * HOUR)
    subscribers.come_back(world.store, world.reader().id, "daily", Evidence(), MONDAY + 3 * HOUR)
    world.tick(TUESDAY + HOUR)
    assert world.got() == came


def test_the_schedule_of_the_file_is_followed(world: World) -> None:
    """A reader without a cadence of its own has issues when the edition has, also once that changes."""
    world.choose(Choices(content="title"), MONDAY + MINUTE)
    world.edition = replace(DAILY, schedule=schedule("daily 18:00"))
    configure(world.store, A, B, editions=[world.edition], now=MONDAY + HOUR)
    came = world.news(MONDAY + HOUR)
    world.tick(MONDAY + 5 * HOUR)
    assert world.got() == []
    world.tick(MONDAY + 6 * HOUR)
    assert world.got() == came


def test_nothing_chosen_changes_nothing(world: World) -> None:
    """A form sent as it was makes no edition of one's own, and no line in the trail."""
    assert not world.choose(Choices(), MONDAY)
    assert scalar(world.store, "SELECT count(*) FROM choices") == 0


def test_a_mail_of_ones_own_names_the_edition_of_all(world: World) -> None:
    """List-Id, title and way out are those of the edition; no link leads to an issue on the web, for there is none."""
    keys.usable(world.store, MONDAY)
    office = replace(world.transport.office(), one_click=True)
    world.choose(Choices("daily", hour=9, text_only=True), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    digest.freeze_personal(world.store, DAILY, [A, B], MASTHEAD, office, TUESDAY + HOUR)
    deliver.deliver_due(world.store, DAILY, office, Clock(TUESDAY + HOUR).pace())
    [letter] = world.transport.letters
    assert letter.parsed["List-Id"].endswith("<daily.planet.example>")
    assert f"{world.reader().public_id}-daily>" in letter.parsed["List-Unsubscribe"]
    assert letter.parsed.get_content_type() == "text/plain"
    text = letter.parsed.get_content()
    assert "issues/" not in text
    assert "/u/" in text


def test_issues_for_one_reader_are_never_published(world: World) -> None:
    """They are in no archive, and in no list but where they are asked for."""
    world.choose(Choices(sources_off=("b",)), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    base, own = world.tick(TUESDAY)
    assert own.number == 1
    assert [one.path for one in archive.listed(world.store)] == [base.path]
    assert issue_states.kept_back(world.store) == []
    assert issue_states.editions(world.store) == ["daily"]
    assert [one.content.name for one in issue_states.newest(world.store, None, 9)] == [base.name]
    for name in (None, "daily"):
        shown = issue_states.newest(world.store, name, 9, personal=True)
        assert {one.content.name for one in shown} == {base.name, own.name}
    assert issue_states.named(world.store, own.name).content == own


def test_an_issue_that_is_called_off_is_news_again(world: World) -> None:
    """What a reader's own edition took for mailed, because it was on its way, comes in it after all."""
    came = world.news(MONDAY + HOUR)
    office = world.transport.office()
    assert digest.freeze_due(world.store, DAILY, [A, B], MASTHEAD, office, TUESDAY)
    [issue] = issue_states.newest(world.store, "daily", 1)
    issue_states.hold(world.store, issue.id, TUESDAY)
    world.choose(Choices("daily", hour=9), TUESDAY + MINUTE)
    issue_states.call_off(world.store, issue, TUESDAY + 2 * MINUTE)
    world.tick(TUESDAY + HOUR)
    assert world.got() == came


def test_a_choice_made_meanwhile_counts(world: World) -> None:
    """What a reader chooses between the question who is due and the freezing is what the next issue goes by."""
    world.choose(Choices(content="title"), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)

    def choosing() -> bool:
        world.choose(Choices("daily", hour=9, sources_off=("b",)), MONDAY + 2 * MINUTE)
        return False

    assert (
        digest.freeze_personal(world.store, DAILY, [A, B], MASTHEAD, world.transport.office(), TUESDAY, choosing) == []
    )
    world.tick(TUESDAY + HOUR)
    assert world.got() == ["Post 1"]


@pytest.mark.parametrize("chosen", [Choices(), Choices(content="title")], ids=["again", "first"])
def test_what_is_due_stays_due(world: World, chosen: Choices) -> None:
    """Who chooses a moment after an issue was due, and before it is made, has it all the same, as it is chosen now."""
    if not chosen.content:
        world.choose(Choices(sources_off=("b",)), MONDAY + MINUTE)
    came = world.news(MONDAY + HOUR)
    world.choose(chosen, TUESDAY + timedelta(seconds=4))
    assert len(world.tick(TUESDAY + timedelta(seconds=10))) == 2
    assert world.got() == came


def test_what_is_due_by_a_schedule_of_before_is_due_no_more(world: World) -> None:
    """Another time counts from the moment at which it is chosen, and so does a pause."""
    world.choose(Choices("daily", hour=9), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    world.choose(Choices("daily", hour=8), TUESDAY + HOUR + MINUTE)
    assert world.tick(TUESDAY + HOUR + 2 * MINUTE)[1:] == []
    world.choose(Choices("daily", hour=8, paused_until=FRIDAY), TUESDAY + DAY + MINUTE)
    assert world.tick(TUESDAY + DAY + 2 * MINUTE)[1:] == []
    world.choose(Choices("daily", hour=8), TUESDAY + DAY + HOUR)
    assert world.tick(TUESDAY + DAY + HOUR + MINUTE) == []


def test_a_subject_that_cannot_be_written_keeps_no_other_waiting(world: World) -> None:
    """The issue that has it stays due, and is told of; all others are made."""
    for address, off in ((ANN, ("b",)), (BOB, ())):
        world.choose(Choices("daily", hour=9, sources_off=off), MONDAY + MINUTE, address)
    world.news(MONDAY + HOUR)
    office = world.transport.office()
    edition_ = replace(DAILY, subject="{{ 1 / (count - 1) }}")
    for _ in range(2):
        with pytest.raises(RenderError):
            digest.freeze_personal(world.store, edition_, [A, B], MASTHEAD, office, TUESDAY + HOUR)
        assert scalar(world.store, "SELECT count(*) FROM issues") == 1
        assert scalar(world.store, "SELECT count(*) FROM slots WHERE slot LIKE '2%'") == 1


def test_a_time_zone_that_is_not_known_keeps_nobody_waiting(world: World) -> None:
    """Its reader gets issues by the edition's, and the page of preferences shows that; all others get theirs."""
    for address in (ANN, BOB):
        world.choose(Choices("daily", hour=9, timezone="Europe/Berlin"), MONDAY + MINUTE, address)
    world.store.conn.execute(
        "UPDATE choices SET choices = json_set(choices, '$.timezone', 'Europe/Nowhere') WHERE subscriber_id = ?",
        (world.reader().id,),
    )
    titles = world.news(MONDAY + HOUR)
    for now in (TUESDAY, TUESDAY + HOUR):
        world.tick(now)
    assert (world.got(), world.got(BOB)) == (titles, titles)
    assert preferences.chosen_of(world.store, world.reader(), DAILY) == Choices("daily", hour=9, timezone="UTC")


def test_why_an_issue_for_all_did_not_come(world: World) -> None:
    """Who has an edition of their own is not told of a pause that there was not."""
    world.choose(Choices(sources_off=("b",)), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    base, own = world.tick(TUESDAY)
    said = {one["issue"]: one["why"] for one in reader_report(world.store, world.reader())["issues"]}
    assert said[base.name] == "not made for this reader, who has chosen to get it another way"
    assert said[own.name].startswith("got it")
    [bobs] = reader_report(world.store, world.reader(BOB))["issues"]
    assert bobs["why"].startswith("got it")


def test_erasing_takes_the_memory(world: World) -> None:
    """Nothing is left of what an erased reader chose, and nothing is made for it any more."""
    world.choose(Choices(sources_off=("b",)), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    erasing.erase(world.store, ANN, TUESDAY + HOUR)
    world.news(TUESDAY + HOUR)
    assert [one.edition for one in world.tick(TUESDAY + DAY)] == ["daily"]
    for table in ("choices", "edition_sources", "issue_items", "passed_posts", "slots"):
        column = "name" if table == "choices" else "edition"
        assert scalar(world.store, f"SELECT count(*) FROM {table} WHERE {column} LIKE '%~%'") == 0, table


@pytest.mark.parametrize("others", [(B,), ()], ids=["an issue", "a slot without one"])
def test_what_rules_kept_out_then_stays_out(world: World, others: tuple[Source, ...]) -> None:
    """A post that a rule of its source kept out when the edition's time came is no news to a copy made later."""
    world.news(MONDAY + HOUR, A)
    world.store.conn.execute("UPDATE posts SET excluded = 'title: x', excluded_at = ?", ((MONDAY + HOUR).isoformat(),))
    if others:
        world.news(MONDAY + HOUR, *others)
    world.tick(TUESDAY)
    world.choose(Choices("daily", hour=9), TUESDAY + MINUTE)
    world.store.conn.execute("UPDATE posts SET excluded = '', excluded_at = NULL WHERE excluded != ''")
    world.store.conn.execute(
        "INSERT INTO exclusions VALUES (1, ?, ?)",
        (f"{MONDAY + HOUR:%Y-%m-%dT%H:%M:%S.000000+00:00}", f"{TUESDAY + 2 * MINUTE:%Y-%m-%dT%H:%M:%S.000000+00:00}"),
    )
    assert world.tick(TUESDAY + HOUR) == []


STEPS: Sequence[Callable[[World, datetime], object]] = (
    lambda world, now: world.news(now),
    lambda world, now: world.tick(now),
    lambda world, now: world.choose(Choices("every post"), now),
    lambda world, now: world.choose(Choices("daily", hour=(now + HOUR).hour), now),
    lambda world, now: world.choose(WEEKLY, now),
    lambda world, now: world.choose(Choices("monthly", day=27), now),
    lambda world, now: world.choose(Choices(), now),
    lambda world, now: world.choose(Choices(paused_until=now + 3 * HOUR), now),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 90)), max_size=40))
def test_no_order_of_switches_loses_or_repeats(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Callable[[World, datetime], object], int]]
) -> None:
    """Whenever a reader switches, before, at or after a slot, handled or not: all posts come, each once."""
    with open_store(tmp_path_factory.mktemp("switches") / "tidings.db") as store:
        world, now = World(store, ANN), MONDAY
        for step, minutes in steps:
            step(world, now)
            now += minutes * 5 * MINUTE
        world.choose(Choices("every post"), now)
        for later in (16 * MINUTE, 31 * MINUTE, 3 * HOUR):
            world.tick(now + later)
        assert sorted(world.got()) == sorted(f"Post {n + 1}" for n in range(world.count))


_CHOOSE = """
import sys
from pathlib import Path
from tests.test_choices import ANN, MONDAY, MINUTE, TUESDAY, WEEKLY, DAILY
from tidings import preferences
from tidings.model import Evidence
from tidings.store import open_store, subscribers
with open_store(Path(sys.argv[1])) as store:
    statements = 0
    def count(statement):
        global statements
        statements += 1
        if statements == int(sys.argv[2]):
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
    reader = subscribers.find(store, ANN)
    store.conn.set_trace_callback(count)
    preferences.choose(store, reader, DAILY, WEEKLY, Evidence(), TUESDAY + MINUTE)
"""


def test_a_switch_does_not_look_at_the_deliveries_of_others(world: World) -> None:
    """A web request does it, and nobody else writes meanwhile: of each issue one delivery is looked up at most, however
    many readers it has, by an index."""
    statements: list[str] = []
    world.store.conn.set_trace_callback(statements.append)
    world.choose(WEEKLY, TUESDAY)
    world.store.conn.set_trace_callback(None)
    plans = [
        row["detail"]
        for statement in statements
        if "deliveries" in statement
        for row in world.store.rows(f"EXPLAIN QUERY PLAN {statement}")
    ]
    looked_up = [step for step in plans if re.match(r"(SCAN|SEARCH) d\b", step)]
    assert looked_up
    assert [
        step for step in looked_up if "subscriber_id=?" not in step and "issue_id=? AND address=?" not in step
    ] == []
    assert [step for step in plans if "CORRELATED" in step] == []


@pytest.mark.parametrize("statement", [3, 6, 9, 12, 14])
def test_a_switch_is_all_or_nothing(tmp_path: Path, statement: int) -> None:
    """Killed at any statement of it, the reader is where it was, and the next try switches."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store:
        world = World(store, ANN)
        first = world.news(MONDAY + HOUR)
        world.tick(TUESDAY)
        second = world.news(TUESDAY + HOUR)
    run = subprocess.run([sys.executable, "-c", _CHOOSE, str(path), str(statement)], cwd=ROOT, check=False)
    with open_store(path) as store:
        world.store = store
        assert run.returncode == -signal.SIGKILL
        assert choices.find(store, world.reader().id, "daily") is None
        assert scalar(store, "SELECT count(*) FROM issue_items WHERE edition LIKE '%~%'") == 0
        world.choose(WEEKLY, TUESDAY + HOUR)
        world.tick(TUESDAY + DAY)
        world.tick(FRIDAY)
        assert world.got() == first + second
