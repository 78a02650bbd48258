"""The edition that is made of a configured one by a reader's choices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.builders import edition, source
from tidings.config.schedules import schedule
from tidings.editions.schedule import latest_slot, next_due
from tidings.model import Choices, Etiquette, base_name, is_personal
from tidings.readers.personal import personal_edition

BASE = edition(name="daily", min_posts=5, review=timedelta(hours=2), late_up_to=timedelta(hours=1))
NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)  # a Monday


def test_without_choices_it_is_the_edition() -> None:
    """It differs by its name, its readers, and in that nobody reviews it."""
    own = personal_edition(BASE, Choices(), "abc")
    assert own == replace(BASE, name="daily~abc", review=timedelta(), late_up_to=None, subscribers=())
    assert (is_personal(own.name), base_name(own.name), is_personal("daily")) == (True, "daily", False)


@pytest.mark.parametrize(
    ("choices", "written"),
    [
        (Choices("daily", hour=7, minute=30), "daily 07:30"),
        (Choices("weekly", weekday=4), "weekly fri 08:00"),
        (Choices("weekly", weekday=6, hour=23, minute=59), "weekly sun 23:59"),
        (Choices("monthly", day=31), "monthly 31 08:00"),
    ],
)
def test_a_cadence_is_a_schedule(choices: Choices, written: str) -> None:
    """It is the schedule that an operator would write for it."""
    own = personal_edition(BASE, choices, "abc")
    assert own.schedule == schedule(written)
    assert own.min_posts == 1


def test_every_post_comes_within_a_quarter_of_an_hour() -> None:
    """There is a slot every fifteen minutes, whatever hour is set."""
    own = personal_edition(BASE, Choices("every post", hour=3, minute=7), "abc")
    assert next_due(own, NOW) == NOW + timedelta(minutes=15)
    slot = latest_slot(own.schedule, own.timezone, NOW + timedelta(minutes=29))
    assert slot is not None
    assert slot.at == NOW + timedelta(minutes=15)


def test_the_hour_is_the_readers_own() -> None:
    """With a cadence slots are in the reader's time zone; without one they are the edition's."""
    tokyo = Choices("daily", timezone="Asia/Tokyo")
    assert next_due(personal_edition(BASE, tokyo, "abc"), NOW) == datetime(2027, 1, 4, 23, 0, tzinfo=UTC)
    assert personal_edition(BASE, replace(tokyo, cadence=""), "abc").timezone == BASE.timezone


@pytest.mark.parametrize("unknown", ["Europe/Nowhere", "", "../etc/passwd", "Europe", "a\0b"])
def test_a_time_zone_that_is_not_known_is_the_editions(unknown: str) -> None:
    """As one that a newer database of zones has, or a damaged row: the hour stays."""
    own = personal_edition(BASE, Choices("daily", hour=9, timezone=unknown), "abc")
    assert (own.timezone, own.schedule.text) == (BASE.timezone, "daily 09:00")
    assert next_due(own, NOW) is not None


def test_nothing_is_due_while_it_is_paused() -> None:
    """The next slot is the first after the pause."""
    own = personal_edition(BASE, Choices("daily", timezone="UTC"), "abc")
    assert next_due(own, NOW, NOW + timedelta(days=9, hours=1)) == NOW + timedelta(days=9, hours=20)
    assert next_due(own, NOW, NOW - timedelta(days=9)) == NOW + timedelta(hours=20)


@pytest.mark.parametrize(
    ("operator", "reader", "shown"),
    [
        (None, None, None),
        (None, "title", "title"),
        ("excerpt", None, "excerpt"),
        ("excerpt", "full", "excerpt"),
        ("full", "title", "title"),
    ],
)
def test_no_more_is_shown_than_the_operator_lets(
    operator: Etiquette | None, reader: Etiquette | None, shown: Etiquette | None
) -> None:
    """Of what the operator and the reader set, the less of the two holds."""
    assert personal_edition(replace(BASE, content=operator), Choices(content=reader), "abc").content == shown


def test_sources_are_left_out_by_name_and_by_tag() -> None:
    """One tag that is off is enough, whatever others a source has."""
    own = personal_edition(BASE, Choices(sources_off=("one",), tags_off=("sport",)), "abc")
    named, tagged, other = source(name="one"), source(name="two", tags=("news", "sport")), source(name="three")
    assert [own.leaves_out(each) for each in (named, tagged, other)] == [True, True, False]
    assert own.covers(named)
