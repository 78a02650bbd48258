"""A form of choices, read and checked. Pure.

Boxes are ticked for what is to be left out: a source that comes later is there without anybody's doing, and a form that
was cut off or filled in by a program switches nothing off. What is wrong is told by field; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from tidings.model import Cadence, Choices, Etiquette
from tidings.records import dataclass

LONGEST_PAUSE = timedelta(days=366)
"""Posts are kept for a year, unless the operator says otherwise; what a longer pause left over would have no text."""

TAG_OFF, SOURCE_OFF = "tag-", "source-"
"""What the names of boxes begin with; the tag's or source's own name follows."""

_CADENCES: tuple[Cadence, ...] = get_args(Cadence)
_CONTENTS: dict[str, Etiquette | None] = {"": None, "title": "title", "excerpt": "excerpt", "full": "full"}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Offer:
    """What there is to choose from: the names of the edition's tags and sources, the languages that its words are in,
    and the time zones that are known (IANA names). `timezone` is what a reader without one of their own has."""

    tags: Collection[str]
    sources: Collection[str]
    languages: Collection[str]
    zones: Collection[str]
    timezone: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """The fields of a form that cannot be used as they are."""

    fields: frozenset[str]


def read_form(fields: Mapping[str, str], offer: Offer, now: datetime) -> Choices | Wrong:
    """What a reader chose, by the fields `cadence`, `weekday`, `day`, `time`, `timezone`, `content`, `language`,
    `text_only`, `pause` (a date) and the boxes; or which of them are wrong.

    A field that is not there is as it is usual. Tags and sources that are not on offer are ignored, since they may just
    have gone. A pause ends with the beginning of its day, in the reader's time zone; one that is over already is wrong.
    """
    found = _Fields(fields)
    zone = found.one_of("timezone", offer.zones, offer.timezone)
    hour, minute = found.time()
    chosen = Choices(
        cadence=next((one for one in _CADENCES if one == found.one_of("cadence", _CADENCES, "")), ""),
        weekday=found.number("weekday", 0, 6, 0),
        day=found.number("day", 1, 31, 1),
        hour=hour,
        minute=minute,
        timezone=zone,
        tags_off=found.ticked(TAG_OFF, offer.tags),
        sources_off=found.ticked(SOURCE_OFF, offer.sources),
        content=_CONTENTS[found.one_of("content", _CONTENTS, "")],
        language=found.one_of("language", ("", *offer.languages), ""),
        text_only="text_only" in fields,
        paused_until=found.pause(zone, now),
    )
    return Wrong(frozenset(found.wrong)) if found.wrong else chosen


def fields_of(chosen: Choices, now: datetime) -> dict[str, str]:
    """The fields of a form that says what was chosen: `read_form` makes the same of them. A pause that is over is none,
    since nobody who saves the form means it."""
    fields = {
        "cadence": chosen.cadence,
        "weekday": str(chosen.weekday),
        "day": str(chosen.day),
        "time": f"{chosen.hour:02}:{chosen.minute:02}",
        "timezone": chosen.timezone,
        "content": chosen.content or "",
        "language": chosen.language,
        "pause": _last_day(chosen, now),
    }
    boxes = [f"{TAG_OFF}{tag}" for tag in chosen.tags_off] + [f"{SOURCE_OFF}{source}" for source in chosen.sources_off]
    if chosen.text_only:
        boxes.append("text_only")
    return fields | dict.fromkeys(boxes, "on")


def _last_day(chosen: Choices, now: datetime) -> str:
    """The day on which a pause ends, as a field for dates has it; "" for none."""
    until = chosen.paused_until
    if until is None or until <= now:
        return ""
    return until.astimezone(ZoneInfo(chosen.timezone)).date().isoformat()


class _Fields:
    """The fields of a form, and which of those that were asked for are wrong."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self.wrong: set[str] = set()

    def one_of(self, name: str, known: Collection[str], usual: str) -> str:
        text = self._fields.get(name, usual)
        return text if text in known else self._refuse(name, usual)

    def number(self, name: str, low: int, high: int, usual: int) -> int:
        text = self._fields.get(name, str(usual))
        if _NUMBER.fullmatch(text) and low <= int(text) <= high:
            return int(text)
        self.wrong.add(name)
        return usual

    def time(self) -> tuple[int, int]:
        found = _TIME.fullmatch(self._fields.get("time", "08:00"))
        if found is None:
            self.wrong.add("time")
            return 8, 0
        return int(found[1]), int(found[2])

    def ticked(self, prefix: str, known: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted(name for name in known if f"{prefix}{name}" in self._fields))

    def pause(self, zone: str, now: datetime) -> datetime | None:
        text = self._fields.get("pause", "")
        if not text:
            return None
        try:
            until = datetime.combine(date.fromisoformat(text), time(), ZoneInfo(zone))
            if not timedelta() < until - now <= LONGEST_PAUSE:
                raise ValueError
        except (ValueError, OverflowError):
            self.wrong.add("pause")
            return None
        return until

    def _refuse(self, name: str, usual: str) -> str:
        self.wrong.add(name)
        return usual
