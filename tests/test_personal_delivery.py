"""Mails of readers' own issues on their way: together over all connections; where one goes wrong, each alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.mails import parts_of
from tests.stocking import scalar
from tests.test_choices import ANN, DAILY, HOUR, MASTHEAD, MINUTE, MONDAY, TUESDAY, A, B, World
from tests.transports import Clock
from tidings import deliver, digest
from tidings.dispatching import Pace
from tidings.errors import MailError, RenderError
from tidings.letters import PostOffice
from tidings.model import Choices, Evidence, Receipt
from tidings.render.environment import Templates
from tidings.store import Store, deliveries, issue_states, outgoing, subscribers

NINE = TUESDAY + HOUR
READERS = [f"reader{number}@readers.example" for number in range(12)]
REFUSED = Receipt("refused", "554 5.7.1 no such words")


@pytest.fixture
def world(store: Store) -> World:
    """Readers whose own issues are frozen; those of every third have fewer posts."""
    world = World(store, *READERS)
    for number, one in enumerate(READERS):
        off = ("b",) if number % 3 == 0 else ()
        world.choose(Choices("daily", hour=9, sources_off=off), MONDAY + MINUTE, one)
    world.news(MONDAY + HOUR)
    digest.freeze_personal(store, DAILY, [A, B], MASTHEAD, world.transport.office(), NINE)
    return world


def send(world: World, office: PostOffice, now: datetime = NINE, turn: timedelta | None = None) -> deliver.Dispatch:
    pace = replace(Clock(now).pace(), turn=turn)
    return deliver.deliver_due(world.store, DAILY, office, pace)


def test_who_chose_the_same_gets_the_same_words(world: World) -> None:
    """Each reader has the own issue in one mail, under names that are in no mail."""
    send(world, world.transport.office())
    assert sorted(world.transport.recipients) == sorted(READERS)
    for number, one in enumerate(READERS):
        assert world.got(one) == (["Post 1"] if number % 3 == 0 else ["Post 1", "Post 2"])
    for letter in world.transport.letters:
        assert b"daily~" not in letter.message


def test_a_server_that_fails_is_left_alone_by_all(world: World) -> None:
    """It is asked by one of them, and then by none until its time has come; then they all go."""
    world.transport.down = True
    with pytest.raises(MailError):
        send(world, world.transport.office())
    world.transport.down = False
    assert {one.retry_at for one in outgoing.undelivered_own(world.store, "daily")} == {NINE + 5 * MINUTE}
    assert send(world, world.transport.office(), NINE + MINUTE).sent == 0
    assert send(world, world.transport.office(), NINE + 6 * MINUTE).sent == len(READERS)
    assert scalar(world.store, "SELECT max(failures) FROM issues") == 0


def test_a_refused_issue_stops_no_other(world: World) -> None:
    """A server that takes the others refuses it for what is in it: it is given up, and told of."""
    world.transport.answers = {READERS[2]: [REFUSED] * 9}
    dispatch = send(world, world.transport.office())
    assert (dispatch.counts["accepted"], dispatch.counts["rejected"]) == (len(READERS) - 1, 1)


def test_one_that_is_held_meanwhile_stops_no_other(world: World) -> None:
    """It waits, in nobody's hands, and goes when it is released."""

    [second] = world.store.rows("SELECT issue_id FROM deliveries WHERE address = ?", (READERS[1],))
    held: list[int] = []

    def hold_once(now: datetime) -> datetime:
        if not held and scalar(world.store, "SELECT count(*) FROM deliveries WHERE state = 'leased'"):
            held.append(second["issue_id"])
            issue_states.hold(world.store, second["issue_id"], now)
        return now

    pace = Pace(lambda: hold_once(NINE), lambda: False, lambda _seconds: None)
    deliver.deliver_due(world.store, DAILY, replace(world.transport.office(), connections=4), pace)
    assert sorted(world.transport.recipients) == sorted(set(READERS) - {READERS[1]})
    assert scalar(world.store, "SELECT count(*) FROM deliveries WHERE state = 'pending'") == 1
    issue_states.release(world.store, second["issue_id"], NINE)
    send(world, world.transport.office())
    assert sorted(world.transport.recipients) == sorted(READERS)


def test_words_that_cannot_be_written_stop_no_other(world: World, tmp_path: Path) -> None:
    """A template that fails for some issues puts those off; the error is told when all others are out."""
    (tmp_path / "letter.txt").write_text("{{ 1 / (content.items | length - 1) }}")
    office = replace(world.transport.office(), templates=Templates(tmp_path))
    with pytest.raises(RenderError):
        send(world, office)
    assert len(world.transport.letters) == len(READERS) - 4


def test_a_turn_ends_between_two_loads(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With others waiting, no more issues are taken up when the time is over; nothing is lost by it."""
    monkeypatch.setattr(deliver, "_TOGETHER", 5)
    clock = Clock(NINE)

    def later() -> datetime:
        clock.now += 10 * timedelta(seconds=1)
        return clock.now

    pace = Pace(later, lambda: False, lambda _seconds: None, 2 * MINUTE)
    for _ in range(20):
        deliver.deliver_due(world.store, DAILY, world.transport.office(), pace)
    assert sorted(world.transport.recipients) == sorted(READERS)


def test_undecided_mails_of_readers_own_are_named(world: World) -> None:
    """An operator is told of them as of others."""
    world.store.conn.execute("UPDATE deliveries SET state = 'uncertain', doubts = 2 WHERE address = ?", (READERS[3],))
    assert [one.address for one in send(world, world.transport.office()).undecided] == [READERS[3]]
    assert deliveries.undecided(world.store, "dail", "resend") == []


def test_what_is_stale_is_given_up_by_name(world: World) -> None:
    """An issue of a reader's own that could not go for days is not sent any more."""
    dispatch = send(world, world.transport.office(), NINE + timedelta(days=4))
    assert world.transport.letters == []
    assert len(dispatch.expired) == len(READERS)


@pytest.mark.parametrize(("chosen", "words"), [("fr", "fr"), ("", "de")])
def test_the_language_chosen_last_counts(store: Store, chosen: str, words: str) -> None:
    """The mail is in the language of the choices, also for a reader whose language was known; without one, in that."""
    world = World(store)
    subscribers.add(store, ANN, "daily", "web", Evidence(), MONDAY, language="de")
    world.choose(Choices("daily", hour=9, language=chosen), MONDAY + MINUTE)
    world.news(MONDAY + HOUR)
    world.tick(NINE)
    [letter] = world.transport.letters
    _text, html = parts_of(letter.parsed)
    assert f'<html lang="{words}"' in html.get_content()
