"""Dates as feeds write them, to aware UTC datetimes. Pure.

Own readers come first: feedparser's reads epoch seconds, impossible dates and zone names wrongly and 24:00 not at all
(research/aggregators.md, section 0, point 6). Its reader only gets what these do not know, such as Korean dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from feedparser.datetimes import _parse_date as _feedparser_date

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Dates outside are clock or template faults (1970, 0001, 9999), so no date at all."""

_LONGEST = 100

# RFC 822 section 5.1, and the zones met in feeds. In hours. Unknown ones count as UTC (RFC 2822 section 4.3).
_ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "WEST": 1, "BST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier enero gennaio januari janeiro ene gen",
            "feb february februar février fevrier febrero febbraio februari fevereiro fév fev",
            "mar march märz maerz mars marzo maart março mär mrt",
            "apr april avril abril aprile avr abr",
            "may mai mayo maggio mei maio mag",
            "jun june juni juin junio giugno junho giu",
            "jul july juli juillet julio luglio julho juil lug",
            "aug august août aout agosto augustus aoû aou ago",
            "sep september sept septembre septiembre settembre setembro set",
            "oct october oktober octobre octubre ottobre outubro okt ott out",
            "nov november novembre noviembre novembro",
            "dec december dezember décembre decembre diciembre dicembre dezembro dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}

_WEEKDAY = r"(?:[^\W\d_]+\.?,?\s+|[^\W\d_]+\.?,)?\s*"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?"
_HALF = r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
_ZONE = r"\s*(?P<zone>[A-Za-z]{1,5}(?![+-])|(?:GMT|UTC|UT)?[+-]\d{1,2}:?(?:\d{2})?)?"
_COMMENT = r"\s*(?:\([^()]*\))?"

_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d\d?)(?:-(?P<day>\d\d?)(?:(?:[Tt]|\s+){_CLOCK}{_ZONE})?)?{_COMMENT}")
_ISO_BASIC = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:[Tt]?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?)?" + _ZONE
)
_YEAR = re.compile(r"(?P<year>\d{4})")
_DAY_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.?[\s-]+(?P<name>[^\W\d_]+)\.?,?[\s-]+(?P<year>\d{{4}}|\d{{2}})"
    rf"(?:,?\s+{_CLOCK}{_HALF}{_ZONE})?{_COMMENT}"
)
_MONTH_DAY = re.compile(
    rf"{_WEEKDAY}(?P<name>[^\W\d_]+)\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})"
    rf"(?:,?\s+(?:at\s+)?{_CLOCK}{_HALF}{_ZONE})?{_COMMENT}"
)
_ASCTIME = re.compile(
    rf"(?:[^\W\d_]+\s+)?(?P<name>[^\W\d_]{{3,}})\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s+"
    r"(?:(?P<zone>[A-Z]{2,5}|[+-]\d{4})\s+)?(?P<year>\d{4})"
)
_SHAPES = (_ISO, _ISO_BASIC, _YEAR, _DAY_MONTH, _MONTH_DAY, _ASCTIME)
_EPOCH = re.compile(r"(\d{9,10})(\d{3})?(?:\.\d*)?")


def parse_date(raw: str) -> datetime | None:
    """The moment `raw` means, in UTC; None when it is no date, an impossible one, or outside EARLIEST..LATEST.

    Reads RFC 3339 and W3C-DTF (a date alone is midnight UTC), RFC 822 and 2822 with two-digit years and zone names,
    asctime, `April 5, 2024`, and seconds or milliseconds since 1970. A time without zone counts as UTC. Never raises.
    """
    text = " ".join(raw.replace("\u2212", "-").split())
    if not text or len(text) > _LONGEST or not text.isprintable():
        return None
    try:
        moment = _read(text)
    except (ValueError, OverflowError):
        return None
    if moment is None or not EARLIEST <= moment < LATEST:
        return None
    return moment


def _read(text: str) -> datetime | None:
    """The first reader whose shape fits decides; it raises ValueError for an impossible date of that shape."""
    if epoch := _EPOCH.fullmatch(text):
        seconds, milliseconds = epoch.groups()
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(milliseconds=int(milliseconds or 0))
    for shape in _SHAPES:
        found = shape.fullmatch(text)
        if found and (month := _month(found.groupdict())):
            return _moment(found.groupdict(), month)
    return _by_feedparser(text, _feedparser_date)


def _month(parts: dict[str, str | None]) -> int | None:
    name = parts.get("name")
    if name is None:
        return int(parts.get("month") or 1)
    return _MONTHS.get(name.lower()) or _MONTHS.get(name.lower()[:3])


def _moment(parts: dict[str, str | None], month: int) -> datetime:
    def number(name: str, default: int = 0) -> int:
        return int(parts.get(name) or default)

    day = datetime(_whole_year(parts["year"] or ""), month, number("day", 1), tzinfo=_zone(parts.get("zone") or ""))
    hour, minute, second = _hour(number("hour"), parts.get("half")), number("minute"), number("second")
    # ISO 8601 has 24:00 for the end of a day, RFC 3339 has second 60 for a leap second.
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError(f"no such time of day: {hour}:{minute}:{second}")
    micros = int((parts.get("fraction") or "0")[:6].ljust(6, "0"))
    clock = timedelta(hours=hour, minutes=minute, seconds=min(second, 59), microseconds=micros)
    return (day + clock).astimezone(UTC)


def _whole_year(digits: str) -> int:
    """RFC 2822 section 4.3: two-digit years below 50 are 20xx, the others 19xx."""
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (2000 if year < 50 else 1900)


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    return hour % 12 + (12 if half in "Pp" else 0)


def _zone(text: str) -> timezone:
    sign = re.search(r"([+-])(\d{1,2}):?(\d{2})?", text)
    if sign is None:
        return timezone(timedelta(hours=_ZONES.get(text.upper(), 0)))
    ahead = timedelta(hours=int(sign[2]), minutes=int(sign[3] or 0))
    if ahead >= timedelta(hours=24):
        return UTC
    return timezone(ahead if sign[1] == "+" else -ahead)


def _by_feedparser(text: str, read: Callable[[str], object]) -> datetime | None:
    """Its answer is a struct_time in UTC, of which nothing is guaranteed."""
    try:
        answer = read(text)
    except Exception:
        return None
    if not isinstance(answer, tuple) or len(answer) < 6:
        return None
    year, month, day, hour, minute, second = answer[:6]
    return datetime(year, month, day, hour, minute, min(int(second), 59), tzinfo=UTC)
