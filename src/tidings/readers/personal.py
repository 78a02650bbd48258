"""The edition that is one reader's own: a configured one, with what the reader chose in place of what it sets. Pure.

It has a memory of its own under its own name, so all that is done with editions is done with it the same way.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidings.model import Choices, Edition, Etiquette, Schedule, personal_name

_FROM_LEAST: tuple[Etiquette, ...] = ("title", "excerpt", "full")
_QUARTERS = frozenset(range(0, 60, 15))
_ALL_DAYS = frozenset(range(1, 32))
_ALL_MONTHS = frozenset(range(1, 13))
_ALL_WEEKDAYS = frozenset(range(7))
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

# A slot that is missed for longer than it takes to come again is never the latest one, so this is no limit.
_NEVER_LATE = timedelta(hours=1)


def personal_edition(edition: Edition, choices: Choices, public_id: str) -> Edition:
    """The edition of the reader with `public_id`, made of a configured one by what the reader chose.

    Nobody reviews its issues, and it is late by its own schedule. With a cadence of its own an issue of one post is
    enough: how many there must be was set for another.
    """
    choices = usable(choices, edition)
    return replace(
        edition,
        name=personal_name(edition.name, public_id),
        schedule=_schedule(edition, choices),
        timezone=choices.timezone if choices.cadence else edition.timezone,
        min_posts=1 if choices.cadence else edition.min_posts,
        late_up_to=_NEVER_LATE if choices.cadence == "every post" else None,
        review=timedelta(),
        subscribers=(),
        content=_less(edition.content, choices.content),
        language=choices.language or edition.language,
        sources_off=choices.sources_off,
        tags_off=choices.tags_off,
        text_only=choices.text_only,
    )


def usable(choices: Choices, edition: Edition) -> Choices:
    """What a reader chose of an `edition`, with the edition's time zone in place of one that is not known here: each
    machine has zones of its own age, and one reader's must not keep the others waiting."""
    return choices if _is_zone(choices.timezone) else replace(choices, timezone=edition.timezone)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder among the zones is an OSError
        return False
    return True


def _schedule(edition: Edition, choices: Choices) -> Schedule:
    time = f"{choices.hour:02}:{choices.minute:02}"
    match choices.cadence:
        case "every post":
            return _at("every post", _QUARTERS, frozenset(range(24)))
        case "daily":
            return _at(f"daily {time}", {choices.minute}, {choices.hour})
        case "weekly":
            text = f"weekly {_WEEKDAYS[choices.weekday]} {time}"
            return _at(text, {choices.minute}, {choices.hour}, weekdays={choices.weekday})
        case "monthly":
            text = f"monthly {choices.day} {time}"
            return _at(text, {choices.minute}, {choices.hour}, days={choices.day}, clamp=True)
        case "":
            return edition.schedule


def _at(
    text: str,
    minutes: frozenset[int] | set[int],
    hours: frozenset[int] | set[int],
    *,
    days: frozenset[int] | set[int] = _ALL_DAYS,
    weekdays: frozenset[int] | set[int] = _ALL_WEEKDAYS,
    clamp: bool = False,
) -> Schedule:
    return Schedule(
        text, frozenset(minutes), frozenset(hours), frozenset(days), _ALL_MONTHS, frozenset(weekdays), clamp=clamp
    )


def _less(one: Etiquette | None, other: Etiquette | None) -> Etiquette | None:
    """The one that shows less of a post; None is no limit."""
    return min((said for said in (one, other) if said is not None), key=_FROM_LEAST.index, default=None)
