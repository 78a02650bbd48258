"""The configuration: one TOML file in, frozen values out; every complaint names file, line, key and fix.

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

from tidings.config.reading import example_text, load, read_password, source_lines
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
    "read_password",
    "request_secrets",
    "source_lines",
]
