"""Forms of choices: what they say, and which fields are wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.model import Choices
from tidings.readers.choices import Offer, Wrong, fields_of, read_form

NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
OFFER = Offer(("art", "code"), ("a", "b", "c"), ("de", "en"), ("UTC", "Asia/Tokyo"), "UTC")
WHOLE = {
    "cadence": "weekly",
    "weekday": "4",
    "day": "31",
    "time": "7:05",
    "timezone": "Asia/Tokyo",
    "content": "title",
    "language": "de",
    "text_only": "on",
    "pause": "2027-01-09",
    "tag-art": "on",
    "source-c": "on",
    "source-b": "on",
}


def test_a_form_says_what_was_chosen() -> None:
    """Each field has its meaning; a pause ends at midnight where the reader is."""
    assert read_form(WHOLE, OFFER, NOW) == Choices(
        cadence="weekly",
        weekday=4,
        day=31,
        hour=7,
        minute=5,
        timezone="Asia/Tokyo",
        tags_off=("art",),
        sources_off=("b", "c"),
        content="title",
        language="de",
        text_only=True,
        paused_until=datetime(2027, 1, 8, 15, 0, tzinfo=UTC),
    )


def test_an_empty_form_is_the_edition_as_it_is() -> None:
    """Nothing is chosen by saying nothing."""
    assert read_form({}, OFFER, NOW) == Choices()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cadence", "hourly"),
        ("weekday", "7"),
        ("weekday", "-1"),
        ("weekday", "\u0663"),
        ("day", "0"),
        ("day", "32"),
        ("day", ""),
        ("time", "24:00"),
        ("time", "8"),
        ("timezone", "../etc/passwd"),
        ("content", "all"),
        ("language", "xx"),
        ("pause", "tomorrow"),
        ("pause", "2028-02-01"),
        ("pause", "9999-12-31"),
        ("pause", "2027-01-04"),
        ("pause", "2026-12-31"),
    ],
)
def test_what_is_wrong_is_told_by_field(name: str, value: str) -> None:
    """One wrong field spoils the form, and is named."""
    assert read_form({**WHOLE, name: value}, OFFER, NOW) == Wrong(frozenset({name}))


def test_a_day_begins_where_the_reader_is() -> None:
    """The next day may be today there: a pause until it is none."""
    evening = NOW.replace(hour=20)
    assert isinstance(read_form({"pause": "2027-01-05"}, OFFER, evening), Choices)
    there = {"pause": "2027-01-05", "timezone": "Asia/Tokyo"}
    assert read_form(there, OFFER, evening) == Wrong(frozenset({"pause"}))


def test_a_pause_that_is_over_is_not_shown() -> None:
    """Who opens the page after it, and saves, is not told that a day is wrong that nobody typed."""
    over = Choices(paused_until=NOW)
    assert fields_of(over, NOW)["pause"] == ""
    assert read_form(fields_of(over, NOW), OFFER, NOW) == Choices()


@given(
    st.builds(
        Choices,
        cadence=st.sampled_from(["", "every post", "daily", "weekly", "monthly"]),
        weekday=st.integers(0, 6),
        day=st.integers(1, 31),
        hour=st.integers(0, 23),
        minute=st.integers(0, 59),
        timezone=st.sampled_from(sorted(OFFER.zones)),
        tags_off=st.sampled_from([(), ("art",), ("art", "code")]),
        sources_off=st.sampled_from([(), ("b",), ("a", "c")]),
        content=st.sampled_from([None, "title", "excerpt", "full"]),
        language=st.sampled_from(["", "de"]),
        text_only=st.booleans(),
    ),
    st.integers(0, 300),
)
def test_a_form_as_it_is_shown_says_the_same(chosen: Choices, days: int) -> None:
    """Whatever was chosen, who saves the form untouched chooses it again."""
    until = datetime(2027, 1, 6, tzinfo=ZoneInfo(chosen.timezone)) + timedelta(days=days) if days else None
    chosen = replace(chosen, paused_until=until)
    assert read_form(fields_of(chosen, NOW), OFFER, NOW) == chosen


def test_what_is_gone_is_ignored() -> None:
    """A box of a source that has left the configuration since does no harm."""
    assert read_form({"source-z": "on", "tag-z": "on"}, OFFER, NOW) == Choices()


@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), st.text(max_size=12)))
def test_no_form_breaks_it(fields: dict[str, str]) -> None:
    """Whatever is sent, it is a choice or names fields that were sent."""
    found = read_form(fields, OFFER, NOW)
    assert isinstance(found, Choices) or found.fields <= set(fields)
