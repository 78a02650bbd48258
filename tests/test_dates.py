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


@pytest.mark.parametrize(
    "raw",
    """Donnerstag, 29. Februar 2024 um 12:30 Uhr
Do, 29. Feb. 2024 12:30
jeudi 29 février 2024 à 12:30
29 fevrier 2024 12:30
jueves, 29 de febrero de 2024 12:30
29 de fevereiro de 2024 às 12:30
giovedì 29 febbraio 2024 alle 12:30
donderdag 29 februari 2024 om 12:30
29 februari 2024 kl. 12:30
29. februar 2024 kl. 12:30
29. helmikuuta 2024 klo 12:30
29 Şubat 2024 12:30
2024. február 29. 12:30
29 februarie 2024 12:30
29 lutego 2024 12:30
29. února 2024 12:30
29. veljače 2024 12:30
29 февраля 2024 г. 12:30
Чт, 29 фев 2024 12:30
29 лютого 2024 р. 12:30
29 Φεβρουαρίου 2024 12:30
Πέμ, 29 Φεβ 2024 12:30
2024年2月29日 12:30
2024年2月29日(木) 12時30分
2024年2月29日 星期四 下午12:30
2024년 2월 29일 목요일 오후 12:30
2024-02-29 오후 12:30
2024/02/29 12:30
2024.02.29 12:30
29.02.2024 12:30
Friday, 29 February 2024 12:30 PM""".splitlines(),
)
def test_reads_dates_in_many_languages(raw: str) -> None:
    """Months in the forms that dates take, with and without accents, whatever the name of the day says."""
    assert parse_date(raw) == utc(2024, 2, 29, 12, 30)


@pytest.mark.parametrize(
    ("names", "language"),
    [
        ("января февраля марта апреля мая июня июля августа сентября октября ноября декабря", "Russian"),
        ("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня", "Ukrainian"),
        (
            "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
            "Polish",
        ),
        ("ledna února března dubna května června července srpna září října listopadu prosince", "Czech"),
        ("ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık", "Turkish"),
        (
            "január február március április május június július augusztus szeptember október november december",
            "Hungarian",
        ),
        (
            "ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie",
            "Romanian",
        ),
        (
            "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου Οκτωβρίου Νοεμβρίου "
            "Δεκεμβρίου",
            "Greek",
        ),
        (
            "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta syyskuuta lokakuuta "
            "marraskuuta joulukuuta",
            "Finnish",
        ),
        ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre", "French"),
        ("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "Spanish"),
        ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "Portuguese"),
        (
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "Italian",
        ),
        ("januari februari maart april mei juni juli augustus september oktober november december", "Dutch"),
        ("januari februari mars april maj juni juli augusti september oktober november december", "Swedish"),
        ("januar februar marts april maj juni juli august september oktober november desember", "Danish, Norwegian"),
        ("Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "German"),
    ],
)
def test_knows_the_months_of_a_language(names: str, language: str) -> None:
    """All twelve, in the form that stands behind a day."""
    months = names.split()
    assert [parse_date(f"5 {name} 2024") for name in months] == [utc(2024, month, 5) for month in range(1, 13)], (
        language
    )


def test_nothing_is_made_up_from_the_clock() -> None:
    """feedparser reads a time before a date as that time today; a date it can't be sure of is none."""
    assert parse_date("20:15, 29 Feb 2024") is None
    assert parse_date("12:30") is None


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
        "31.13.2024",
        "2024年13月1日",
        "5 foobar 2024",
        "5 marraskuun 20244",
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
