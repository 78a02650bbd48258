"""Dates as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.posts.dates import EARLIEST, LATEST, parse_date


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2024-02-29T12:30:45Z", utc(2024, 2, 29, 12, 30, 45)),
        ("2024-02-29t12:30:45z", utc(2024, 2, 29, 12, 30, 45)),
        ("2024-02-29T12:30:45.123456789Z", utc(2024, 2, 29, 12, 30, 45, 123456)),
        ("2024-02-29T12:30:45.5+05:30", utc(2024, 2, 29, 7, 0, 45, 500000)),
        ("2024-02-29 12:30:45 -0800", utc(2024, 2, 29, 20, 30, 45)),
        ("2024-02-29T12:30+01", utc(2024, 2, 29, 11, 30)),
        ("2024-02-29T12:30:45 UTC", utc(2024, 2, 29, 12, 30, 45)),
        ("2024-02-29 12:30:45 CEST", utc(2024, 2, 29, 10, 30, 45)),
        ("2024-02-29T12:30:45", utc(2024, 2, 29, 12, 30, 45)),
        ("2024-02-29T24:00:00Z", utc(2024, 3, 1)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59)),
        ("2024-02-29", utc(2024, 2, 29)),
        ("2024-2-9", utc(2024, 2, 9)),
        ("2024-02", utc(2024, 2, 1)),
        ("2024", utc(2024, 1, 1)),
        ("20240229", utc(2024, 2, 29)),
        ("20240229T123045Z", utc(2024, 2, 29, 12, 30, 45)),
        ("20240229123045", utc(2024, 2, 29, 12, 30, 45)),
    ],
)
def test_reads_iso_dates(raw: str, moment: datetime) -> None:
    """RFC 3339, W3C-DTF and the usual departures from them mean one moment in UTC."""
    assert parse_date(raw) == moment


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("Thu, 29 Feb 2024 12:30:45 GMT", utc(2024, 2, 29, 12, 30, 45)),
        ("29 Feb 2024 12:30 +0100", utc(2024, 2, 29, 11, 30)),
        ("Thu, 29 Feb 24 12:30:45 EST", utc(2024, 2, 29, 17, 30, 45)),
        ("Thu, 29 Feb 96 12:30:45 EDT", utc(1996, 2, 29, 16, 30, 45)),
        ("Thursday, 29 February 2024 12:30:45 PST", utc(2024, 2, 29, 20, 30, 45)),
        ("Thu 29 Feb 2024 12:30:45 PDT", utc(2024, 2, 29, 19, 30, 45)),
        ("Thu,29 Feb 2024 12:30:45 MST", utc(2024, 2, 29, 19, 30, 45)),
        ("29-Feb-2024 12:30:45 CST", utc(2024, 2, 29, 18, 30, 45)),
        ("Fri, 1 Mar 2024 00:30:00 CET", utc(2024, 2, 29, 23, 30)),
        ("Fri, 1 Mar 2024 00:30:00 CEST", utc(2024, 2, 29, 22, 30)),
        ("Fri, 1 Mar 2024 09:00:00 JST", utc(2024, 3, 1)),
        ("Fri, 1 Mar 2024 09:00:00 GMT+0200", utc(2024, 3, 1, 7)),
        ("Fri, 1 Mar 2024 09:00:00 +02:00", utc(2024, 3, 1, 7)),
        ("Fri, 1 Mar 2024 09:00:00 +0000 (Coordinated Universal Time)", utc(2024, 3, 1, 9)),
        ("Fri, 1 Mar 2024 09:00:00 XYZ", utc(2024, 3, 1, 9)),
        ("Fri, 1 Mar 2024 24:00:00 GMT", utc(2024, 3, 2)),
        ("Fri, 1 Mar 2024", utc(2024, 3, 1)),
        ("  Fri,  1   Mar\n2024 09:00:00 Z ", utc(2024, 3, 1, 9)),
        ("ven., 1 août 2025 09:00:00 +0200", utc(2025, 8, 1, 7)),
        ("Fr, 1. März 2024 09:00:00 +0100", utc(2024, 3, 1, 8)),
        ("Sept 6, 2021", utc(2021, 9, 6)),
        ("Monday, September 6th, 2021 at 3:05 PM EDT", utc(2021, 9, 6, 19, 5)),
        ("Sep 6, 2021 12:05 am", utc(2021, 9, 6, 0, 5)),
        ("Thu Feb 29 12:30:45 2024", utc(2024, 2, 29, 12, 30, 45)),
        ("Thu Feb 29 12:30:45 PST 2024", utc(2024, 2, 29, 20, 30, 45)),
    ],
)
def test_reads_dates_with_month_names(raw: str, moment: datetime) -> None:
    """RFC 822 dates with zone names and two-digit years, asctime, and dates as people write them are understood."""
    assert parse_date(raw) == moment


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("1630886460", utc(2021, 9, 6, 0, 1)),
        ("1630886460123", utc(2021, 9, 6, 0, 1, 0, 123000)),
        ("1630886460.25", utc(2021, 9, 6, 0, 1)),
    ],
)
def test_reads_seconds_and_milliseconds_since_1970(raw: str, moment: datetime) -> None:
    """A bare number of nine digits or more counts from 1970; feedparser makes another year of it."""
    assert parse_date(raw) == moment


def test_leaves_the_rest_to_feedparser() -> None:
    """A date only feedparser knows, such as a Greek one, is still read."""
    assert parse_date("Κυρ, 11 Ιούλ 2004 12:00:00 EST") == utc(2004, 7, 11, 17)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "yesterday",
        "2024-13-45",
        "2024-02-30T00:00:00Z",
        "30 Feb 2024 10:00:00 GMT",
        "2024-02-29T25:00:00Z",
        "2024-02-29T24:00:01Z",
        "2024-02-29T12:60:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "1989-12-31T23:59:59Z",
        "2100-01-01",
        "0",
        "06/09/2021",
        "29 Foo 2024",
        "2024-02-29\x00",
        "Mon, " + "1" * 5000,
        "１２３",
    ],
)
def test_refuses_what_is_no_plausible_date(raw: str) -> None:
    """Impossible, ambiguous and absurd dates are none, instead of some other day."""
    assert parse_date(raw) is None


@given(st.text(max_size=60))
@settings(deadline=None)
def test_never_raises(raw: str) -> None:
    """Whatever stands where a date should be, the answer is None or a moment in UTC inside the window."""
    moment = parse_date(raw)
    assert moment is None or (moment.utcoffset() == timedelta(0) and EARLIEST <= moment < LATEST)


@given(
    st.from_regex(r"[A-Za-z]{0,4},? ?\d{1,4}[ -/][A-Za-z0-9]{1,4}[ -/]\d{1,4}[T ]\d\d:\d\d(:\d\d)? ?[A-Z+-]?\d{0,4}")
)
@settings(deadline=None)
def test_never_raises_on_what_looks_like_a_date(raw: str) -> None:
    """Near misses don't raise either."""
    parse_date(raw)


@given(
    st.integers(0, int((LATEST - EARLIEST).total_seconds()) - 1),
    st.integers(-14 * 60, 14 * 60),
)
@settings(deadline=None)
def test_reads_back_what_python_writes(seconds: int, offset: int) -> None:
    """ISO and RFC 2822 forms of a moment in any zone come back as that moment."""
    aware = (EARLIEST + timedelta(seconds=seconds)).astimezone(timezone(timedelta(minutes=offset)))
    assert parse_date(aware.isoformat()) == aware
    assert parse_date(format_datetime(aware)) == aware
