"""What commands and their reports write the same way: moments, ids of posts, lists of commands."""

from __future__ import annotations

from datetime import UTC, datetime

import click

LONGEST_ID = 18  # digits: what SQLite can hold for certain


class InOrder(click.Group):
    """Lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)


def iso(moment: datetime | None) -> str | None:
    """A moment as ISO 8601 in UTC, to the second."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
