"""What readers choose for themselves, and how the editions are called that are made by it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tidings.model.configured import Etiquette
from tidings.records import dataclass

Cadence = Literal["", "every post", "daily", "weekly", "monthly"]
"""How often a reader wants mail; "" is as often as the edition comes."""

_MARK = "~"  # in no name of a configured edition


@dataclass(frozen=True, slots=True)
class Choices:
    """What a reader chose of an edition; as it stands, the edition as it is.

    With a `cadence` issues come at `hour`:`minute` in `timezone` (an IANA name), weekly ones on `weekday` (Monday is
    0), monthly ones on `day`, or the last of a month that has no such day; "every post" comes within a quarter of an
    hour. Sources named in `sources_off`, or with one of `tags_off`, are left out. No more of a post is shown than
    `content` says, None for what the edition says. `language` is that of the words around the posts, "" for the
    edition's. With `text_only` the mail has no HTML. Nothing is made before `paused_until`.
    """

    cadence: Cadence = ""
    weekday: int = 0
    day: int = 1
    hour: int = 8
    minute: int = 0
    timezone: str = "UTC"
    tags_off: tuple[str, ...] = ()
    sources_off: tuple[str, ...] = ()
    content: Etiquette | None = None
    language: str = ""
    text_only: bool = False
    paused_until: datetime | None = None


def personal_name(edition: str, public_id: str) -> str:
    """What the edition of one reader's own is called, that is made of a configured one."""
    return f"{edition}{_MARK}{public_id}"


def is_personal(edition: str) -> bool:
    """Whether an edition of that name is one reader's own."""
    return _MARK in edition


def base_name(edition: str) -> str:
    """The configured edition that one of a reader's own is made of; of a configured one its own name."""
    return edition.partition(_MARK)[0]
