"""What commands and their reports write the same way: moments, ids of posts, lists of commands, JSON."""

from __future__ import annotations

import json
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


def counted(count: int, one: str, many: str) -> str:
    """So many of something, by what `one` and `many` of it are called."""
    return f"{count} {one if count == 1 else many}"


def laid_out(value: object, margin: str = "\n") -> str:
    """JSON as `json.dumps(value, ensure_ascii=False, indent=2)` lays it out. That is done in Python, and for many
    sources takes a twentieth of the time of a poll; here C code writes whatever has nothing nested in it."""
    inner = margin + "  "
    if isinstance(value, dict) and value:
        if any(isinstance(one, (dict, list)) for one in value.values()):
            pieces = [f"{laid_out(key)}: {laid_out(one, inner)}" for key, one in value.items()]
            return f"{{{inner}{f',{inner}'.join(pieces)}{margin}}}"
        flat = json.dumps(value, ensure_ascii=False, separators=(f",{inner}", ": "))
        return f"{{{inner}{flat[1:-1]}{margin}}}"
    if isinstance(value, list) and value:
        return f"[{inner}{f',{inner}'.join(laid_out(one, inner) for one in value)}{margin}]"
    return json.dumps(value, ensure_ascii=False)
