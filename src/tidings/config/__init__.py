"""The configuration: one TOML file in, frozen values out; every complaint names file, line, key and fix.

recalling a file that was checked before, as it was read then (the hot way: a poll needs no more)
reading   load, read_password, example_text: the file system; everything below is pure
lines     which line each key stands on
schema    which keys there are (the only files with pydantic: schema and problems)
values    text to values: durations, sizes, addresses, URLs, the mail transport
schedules text to a model.Schedule
rules     text to a model.Rule
requests  what the file says of a source's requests: headers, user agent, user name
secrets   the same with what the environment holds filled in
checks    what no single key can know: unique names, tags that exist
problems  what is wrong, worded for the operator
settings  the frozen values that the rest of the program sees
blocks    the tables of the sources as pieces of the file's text
editing   the file changed in place (imported by itself: few commands need it)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tidings.config.recalling import load_checked
from tidings.config.secrets import check_secrets, request_secrets
from tidings.config.settings import (
    Config,
    DkimSettings,
    FeedSettings,
    MailSettings,
    Network,
    PollSettings,
    SiteSettings,
    StoreSettings,
    Transport,
    WebSettings,
)

__all__ = [
    "Config",
    "DkimSettings",
    "FeedSettings",
    "MailSettings",
    "Network",
    "PollSettings",
    "SiteSettings",
    "StoreSettings",
    "Transport",
    "WebSettings",
    "check_secrets",
    "example_text",
    "load",
    "load_checked",
    "read_password",
    "request_secrets",
    "source_lines",
]


# What reads and checks the file is loaded where that is done: it takes a poll in which nothing changed as long as the
# rest of it does.


def load(path: Path) -> Config:
    """See reading.load."""
    from tidings.config import reading

    return reading.load(path)


def source_lines(path: Path, urls: Iterable[str]) -> dict[str, int]:
    """See reading.source_lines."""
    from tidings.config import reading

    return reading.source_lines(path, urls)


def read_password(mail: MailSettings, environ: Mapping[str, str]) -> str | None:
    """See reading.read_password."""
    from tidings.config import reading

    return reading.read_password(mail, environ)


def example_text() -> str:
    """See reading.example_text."""
    from tidings.config import reading

    return reading.example_text()
