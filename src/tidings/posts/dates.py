"""Dates as feeds write them, to aware UTC datetimes. Pure.

feedparser's reader is not asked: it reads epoch seconds, impossible dates and zone names wrongly, 24:00 not at all
(research/aggregators.md, section 0, point 6), 2024/02/29 as a day of another month, and fills gaps with today's date.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

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

# Full names, the forms they take in a date (genitive, partitive) and usual short forms, by language: English, German,
# Dutch, French, Spanish, Portuguese, Italian, Romanian, Swedish, Danish and Norwegian, Finnish, Turkish, Hungarian;
# Polish, Czech, Slovak, Croatian; Russian, Ukrainian; Greek. Accents and letter case aside (see _plain). Where a short
# form or a name means two months in two languages (Croatian listopad is October, Polish and Czech November), it is
# read as in the larger language or, if it is that short, not at all.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janner januari janv janvier enero ene janeiro gennaio gen genn ianuarie ian tammikuu "
            "tammikuuta tammi ocak oca januar jan styczen stycznia sty leden ledna led sijecanj sijecnja январь января "
            "янв січень січня січ ιανουαριος ιανουαριου ιαν",
            "feb febr february februar februari fevr fev fevrier febrero fevereiro febbraio febbr februarie helmikuu "
            "helmikuuta helmi subat sub februar luty lutego lut unor unora februara veljaca veljace февраль февраля "
            "фев февр лютий лютого лют φεβρουαριος φεβρουαριου φεβ φεβρ",
            "mar march marz maerz mrz mars maart mrt marzo marco martie marts maaliskuu maaliskuuta maalis mart "
            "marcius marc marzec marca brezen brezna bre ozujak ozujka март марта мар березень березня бер μαρτιος "
            "μαρτιου μαρ",
            "apr april avril avr abril abr aprile aprilie huhtikuu huhtikuuta huhti nisan nis aprilis kwiecien "
            "kwietnia kwi duben dubna dub travanj travnja апрель апреля апр квітень квітня квіт кві "
            "απριλιος απριλιου απρ",
            "may mai mei mayo maio maggio mag maj toukokuu toukokuuta touko mayis majus maja kveten kvetna kve svibanj "
            "svibnja май мая травень травня трав тра μαιος μαιου μαι",
            "jun june juni juin junio junho giugno giu iunie iun kesakuu kesakuuta kesa haziran haz junius czerwiec "
            "czerwca cze cerven cervna cvn lipanj lipnja июнь июня июн червень червня черв чер ιουνιος ιουνιου ιουν",
            "jul july juli juillet juil julio julho luglio lug iulie iul heinakuu heinakuuta heina temmuz tem julius "
            "lipiec lipca cervenec cervence cvc srpanj srpnja июль июля июл липень липня лип ιουλιος ιουλιου ιουλ",
            "aug august aout aou augustus agosto ago augusti elokuu elokuuta elo agustos agu augusztus sierpien "
            "sierpnia sie srpen srpna srp kolovoz kolovoza август августа авг серпень серпня серп сер αυγουστος "
            "αυγουστου αυγ",
            "sep sept september septembre septiembre setembro settembre set sett septembrie syyskuu syyskuuta syys "
            "eylul eyl szeptember szept wrzesien wrzesnia wrz zari zar rujan rujna сентябрь сентября сен сент вересень "
            "вересня вер σεπτεμβριος σεπτεμβριου σεπ σεπτ",
            "oct october oktober okt octobre octubre outubro out ottobre ott octombrie lokakuu lokakuuta loka ekim eki "
            "pazdziernik pazdziernika paz rijen rijna rij октябрь октября окт жовтень жовтня жовт жов "
            "οκτωβριος οκτωβριου οκτ",
            "nov november novembre noviembre novembro noiembrie marraskuu marraskuuta marras kasim kas listopad "
            "listopadu listopada studeni studenoga ноябрь ноября ноя нояб листопад листопада лист νοεμβριος νοεμβριου "
            "νοε",
            "dec december dez dezember des desember decembre diciembre dic dezembro dicembre decembrie joulukuu "
            "joulukuuta joulu aralik ara grudzien grudnia gru prosinec prosince pro prosinac prosinca декабрь декабря "
            "дек грудень грудня груд гру δεκεμβριος δεκεμβριου δεκ",
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

_CJK_HALF = r"(?:(?P<cjk>午前|午後|上午|下午|오전|오후)\s?)?"
_ISO = re.compile(
    rf"(?:[^\W\d_]+,\s)?(?P<year>\d{{4}})(?P<mark>[-/.])(?P<month>\d\d?)(?:(?P=mark)(?P<day>\d\d?)"
    rf"(?:(?:[Tt]|,?\s+|\.\s?){_CJK_HALF}{_CLOCK}{_HALF}{_ZONE})?)?{_COMMENT}"
)
_ISO_BASIC = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:[Tt]?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?)?" + _ZONE
)
_YEAR = re.compile(r"(?P<year>\d{4})")
_DAY_MONTH = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:\.|er|º|ª|:e)?[\s-]+(?:de\s+|of\s+)?(?P<name>[^\W\d_]+)\.?,?[\s-]+(?:del?\s+)?"
    rf"(?P<year>\d{{4}}|\d{{2}})(?:\s*(?:г|р|roku|года|року|r)\b\.?)?"
    rf"(?:,?\s+(?:(?:at|um|kl|klo|à|a\s+las|às|alle|om|o|v|в|о|στις)\.?\s+)?{_CLOCK}(?:\s+Uhr)?{_HALF}{_ZONE})?{_COMMENT}"
)
_MONTH_DAY = re.compile(
    rf"{_WEEKDAY}(?P<name>[^\W\d_]+)\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})"
    rf"(?:,?\s+(?:at\s+)?{_CLOCK}{_HALF}{_ZONE})?{_COMMENT}"
)
_ASCTIME = re.compile(
    rf"(?:[^\W\d_]+\s+)?(?P<name>[^\W\d_]{{3,}})\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s+"
    r"(?:(?P<zone>[A-Z]{2,5}|[+-]\d{4})\s+)?(?P<year>\d{4})"
)
# 2024年2月29日(木) 15時05分, 2024年2月29日 星期四 下午3:05, 2024년 2월 29일 목요일 오후 3:05
_CJK = re.compile(
    r"(?P<year>\d{4})\s?[年년]\s?(?P<month>\d{1,2})\s?[月월]\s?(?P<day>\d{1,2})\s?[日일号號]?"
    r"(?:\s?[(（]?(?!午前|午後|上午|下午|오전|오후)[^\W\d_]{1,3}[)）]?)?"
    rf"(?:\s?{_CJK_HALF}(?P<hour>\d{{1,2}})\s?[:时時시]\s?(?P<minute>\d{{2}})\s?[분分]?"
    rf"(?::?\s?(?P<second>\d{{2}})[초秒]?)?{_ZONE})?"
)
# 2024. március 1. 10:00, 2024 mars 1
_YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})[.,]?[\s-]+(?P<name>[^\W\d_]+)\.?[\s-]+(?P<day>\d{{1,2}})\.?(?:,?(?:[T\s]\s*){_CLOCK}{_HALF}{_ZONE})?"
)
# 29.02.2024 15:05: only with dots, where the day comes first everywhere. With slashes it may be the month.
_DOTTED = re.compile(
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<year>\d{{4}})(?:,?\s+{_CLOCK}{_HALF}{_ZONE})?{_COMMENT}"
)
_SHAPES = (_ISO, _ISO_BASIC, _YEAR, _DAY_MONTH, _MONTH_DAY, _ASCTIME, _CJK, _YEAR_FIRST, _DOTTED)
_EPOCH = re.compile(r"(\d{9,10})(\d{3})?(?:\.\d*)?")


def parse_date(raw: str) -> datetime | None:
    """The moment `raw` means, in UTC; None when it is no date, an impossible one, or outside EARLIEST..LATEST.

    Reads RFC 3339 and W3C-DTF (a date alone is midnight UTC), RFC 822 and 2822 with two-digit years and zone names,
    asctime, dates written out in some twenty languages, and seconds or milliseconds since 1970. A time without zone
    counts as UTC, and the name of the day of the week for nothing. Never raises.
    """
    text = " ".join(raw.replace("\u2212", "-").split())
    if not text or len(text) > _LONGEST or not text.isprintable():
        return None
    try:
        moment = _read_usual(text) or _read(text)
    except (ValueError, OverflowError):
        return None
    if moment is None or not EARLIEST <= moment < LATEST:
        return None
    return moment


# The two shapes in which nearly all dates come: of RFC 2822 section 3.3 and of RFC 3339.
_MAIL = re.compile(r"(?:[A-Z][a-z]{2}, )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) ?(GMT|[+-]\d\d\d\d)")
_INTERNET = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)")


def _read_usual(text: str) -> datetime | None:
    """A date in one of the usual shapes, and possible; None leaves it to the long way."""
    if mail := _MAIL.fullmatch(text):
        day, name, year, clock, zone = mail.groups()
        month = _MONTHS.get(name.lower(), 0)
        zone = "Z" if zone == "GMT" else f"{zone[:3]}:{zone[3:]}"
        text = f"{year}-{month:02}-{day:0>2}T{clock}{zone}"
    elif not _INTERNET.fullmatch(text):
        return None
    with contextlib.suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text).astimezone(UTC)
    return None


def _read(text: str) -> datetime | None:
    """The first reader whose shape fits decides; it raises ValueError for an impossible date of that shape."""
    if epoch := _EPOCH.fullmatch(text):
        seconds, milliseconds = epoch.groups()
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(milliseconds=int(milliseconds or 0))
    for shape in _SHAPES:
        found = shape.fullmatch(text)
        if found and (month := _month(found.groupdict())):
            return _moment(found.groupdict(), month)
    return None


def _month(parts: dict[str, str | None]) -> int | None:
    name = parts.get("name")
    if name is None:
        return int(parts.get("month") or 1)
    return _MONTHS.get(_plain(name))


def _plain(name: str) -> str:
    """A name in small letters without accents: they are left out as often as they are written."""
    if name.isascii():
        return name.lower()
    letters = unicodedata.normalize("NFD", name.lower().replace("ı", "i").replace("й", "\0").replace("ł", "l"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("\0", "й")


def _moment(parts: dict[str, str | None], month: int) -> datetime:
    def number(name: str, default: int = 0) -> int:
        return int(parts.get(name) or default)

    day = datetime(_whole_year(parts["year"] or ""), month, number("day", 1), tzinfo=_zone(parts.get("zone") or ""))
    hour, minute, second = _hour(number("hour"), _half(parts)), number("minute"), number("second")
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


def _half(parts: dict[str, str | None]) -> str | None:
    half = parts.get("cjk")
    return parts.get("half") if half is None else "p" if half in ("午後", "下午", "오후") else "a"


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
