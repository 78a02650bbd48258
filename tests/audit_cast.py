"""The blogs of the politeness audit, and the configuration of an operator who follows them."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from tests.audit import DAY, HOUR, START, Blog, World
from tests.audit_tempers import (
    bare,
    both,
    broken,
    busy,
    challenging,
    counting,
    dated,
    dead,
    delta,
    forgetful,
    gone,
    members_only,
    moved,
    renewing,
    repairing,
    restless,
    slow,
    tired,
    visiting,
    walled,
    winding,
)

SECRETS = {"AUDIT_PASSWORD": "a planet's password", "AUDIT_KEY": "a planet's key"}
LOGIN = ("planet", SECRETS["AUDIT_PASSWORD"])

_AS_A_MEMBER = """\
username = "planet"
password_env = "AUDIT_PASSWORD"
headers = { X-Api-Key = "${AUDIT_KEY}" }
"""
_SKIPS = (
    "<skipHours><hour>0</hour><hour>1</hour><hour>2</hour><hour>3</hour></skipHours>"
    "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
)


def _cut_on_the_fourth(now: datetime) -> bool:
    return START + 3 * DAY <= now < START + 4 * DAY


def _max_age(seconds: int) -> tuple[tuple[str, str], ...]:
    return (("Cache-Control", f"public, max-age={seconds}"),)


BLOGS = [
    Blog("daily.localhost", both),
    Blog("hourly.localhost", both, gap=HOUR, active=10 * DAY),
    Blog("weekly.localhost", dated, gap=7 * DAY),
    Blog("silent.localhost", both, gap=400 * DAY),
    Blog("max-age.localhost", both, gap=2 * HOUR, wish=6 * HOUR, fields=_max_age(21600)),
    Blog("patient.localhost", both, gap=6 * HOUR, wish=2 * DAY, fields=_max_age(172800)),
    Blog("bare.localhost", bare, gap=2 * HOUR, wish=6 * HOUR, fields=_max_age(21600)),
    Blog("ttl.localhost", both, gap=2 * HOUR, wish=6 * HOUR, head="<ttl>360</ttl>"),
    Blog("skips.localhost", both, gap=6 * HOUR, head=_SKIPS),
    Blog("plain.localhost", bare, gap=DAY),
    Blog("restless.localhost", restless, gap=DAY),
    Blog("renewing.localhost", renewing),
    Blog("forgetful.localhost", forgetful),
    Blog("delta.localhost", delta, gap=8 * HOUR),
    Blog("moved.localhost", moved),
    Blog("new-moved.localhost", both, followed=False),
    Blog("visiting.localhost", visiting),
    Blog("new-visiting.localhost", both, followed=False),
    Blog("a.tired.localhost", tired),
    Blog("b.tired.localhost", both, gap=12 * HOUR),
    Blog("new-a-tired.localhost", both, followed=False),
    Blog("winding.localhost", winding),
    Blog("member.localhost", members_only(both), settings=_AS_A_MEMBER),
    Blog("leaving.localhost", members_only(moved), settings=_AS_A_MEMBER),
    Blog("new-leaving.localhost", both, followed=False),
    *(Blog(f"{letter}.shared.localhost", slow, gap=16 * HOUR) for letter in "abcd"),
    *(Blog(f"{letter}.many.localhost", slow, gap=3 * DAY) for letter in "abcdefghijkl"),
    Blog("a.busy.localhost", busy, gap=8 * HOUR),
    Blog("b.busy.localhost", busy, gap=12 * HOUR),
    Blog("c.busy.localhost", busy, gap=16 * HOUR),
    Blog("a.counting.localhost", counting, gap=3 * HOUR),
    Blog("b.counting.localhost", counting, gap=12 * HOUR),
    Blog("a.challenging.localhost", challenging),
    Blog("b.challenging.localhost", both),
    Blog("a.walled.localhost", walled),
    Blog("b.walled.localhost", both),
    Blog("repairing.localhost", repairing, gap=12 * HOUR),
    Blog("broken.localhost", broken),
    Blog("dead.localhost", dead),
    *(Blog(f"{letter}.refused.localhost", None) for letter in "abcde"),
    Blog("gone.localhost", gone, gap=6 * HOUR),
    Blog("cut.localhost", both, gap=8 * HOUR, cut=_cut_on_the_fourth),
    Blog("fixed.localhost", both, gap=6 * HOUR, settings='every = "5h"\n'),
]

_CONFIGURATION = """\
[site]
title = "Test Planet"
url = "https://planet.example"
contact = "ops@planet.example"
language = "en"
timezone = "UTC"
data_dir = "data"

[poll]
min_interval = "30m"
max_interval = "24h"
timeout = "10s"
concurrency = 32
allow_networks = ["127.0.0.0/8", "::1/128"]
workers = "inline"

[mail]
from = "Test Planet <digest@planet.example>"
postal_address = "1 Test Street"
transport = "file:outbox"

[[editions]]
name = "morning"
title = "The Morning"
schedule = "daily 07:30"
subscribers = [{readers}]

[[editions]]
name = "weekly"
title = "The Weekly"
schedule = "weekly fri 16:00"
"""
READERS = [f"reader{number}@readers.example" for number in range(7)]


def configure(world: World, folder: Path) -> Path:
    """Writes the file of an operator who follows the blogs of `world`."""
    text = _CONFIGURATION.format(readers=", ".join(map(json.dumps, READERS)))
    for blog in world.blogs.values():
        if blog.followed:
            name = blog.host.removesuffix(".localhost")
            text += f'\n[[sources]]\nname = "{name}"\nurl = "{world.url(blog)}"\n{blog.settings}'
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path
