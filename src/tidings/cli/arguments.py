"""What several commands take on their command lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

_HIGHEST = 10**18 - 1  # what SQLite can hold for certain


class _When(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only since click 8.4
    """A date, a time, or an age such as 7d or 12h."""

    name = "when"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}.get(value[-1:])
        try:
            if unit and value[:-1].isdigit():
                return datetime.now(UTC) - timedelta(**{unit: int(value[:-1])})
            moment = datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is neither a date (2026-11-23), a time (2026-11-23T08:00) nor an age (7d, 12h)", param, ctx
            )
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class _PostId(click.ParamType):  # type: ignore[type-arg,unused-ignore]  # generic only since click 8.4
    """The id of a post, as `tidings posts` lists it."""

    name = "post"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _HIGHEST:
            self.fail(
                f"{text!r} is no id of a post, such as 17; `tidings posts` lists posts with their ids", param, ctx
            )
        return int(text)


POST_ID = _PostId()
WHEN = _When()
