"""A whole Tidings in a folder, used the way an operator does: a configuration file and the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HEAD = """\
[site]
title = "Test Planet"
url = "https://planet.example"
language = "en"
timezone = "UTC"
data_dir = "data"

[poll]
allow_networks = ["127.0.0.0/8"]
workers = "{workers}"

[mail]
from = "Test Planet <digest@planet.example>"
reply_to = "editor@planet.example"
postal_address = "1 Test Street"
transport = "{transport}"

[web]
listen = "{listen}"
"""

_EDITION = """
[[editions]]
name = "weekly"
title = "The Weekly"
schedule = "{schedule}"
subscribers = [{subscribers}]
"""


@dataclass(frozen=True)
class Site:
    """The folder; the configuration is `config.toml` in it."""

    folder: Path

    def configure(
        self,
        sources: Sequence[str | tuple[str, str]],
        *,
        subscribers: Sequence[str] = (),
        transport: str = "file:outbox",
        workers: str = "inline",
        schedule: str = "weekly fri 08:00",
        listen: str = "127.0.0.1:8000",
        more: str = "",
    ) -> None:
        """Writes the configuration. A source is a URL or (name, URL); `more` is TOML to add."""
        text = _HEAD.format(workers=workers, transport=transport, listen=listen)
        text += _EDITION.format(schedule=schedule, subscribers=", ".join(json.dumps(one) for one in subscribers))
        for source in sources:
            name, url = source if isinstance(source, tuple) else ("", source)
            text += f"\n[[sources]]\nurl = {json.dumps(url)}\n" + (f"name = {json.dumps(name)}\n" if name else "")
        (self.folder / "config.toml").write_text(text + more, encoding="utf-8")

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs `tidings` and returns what it said; with `check` a failure is an AssertionError that shows it."""
        done = subprocess.run(
            command(*arguments), cwd=self.folder, env=environment(), capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        if check:
            assert done.returncode == 0, f"exit {done.returncode}: {done.stdout}\n{done.stderr}"
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts `tidings` and leaves it running."""
        return subprocess.Popen(
            command(*arguments),
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *arguments: str, check: bool = True) -> Any:
        """What a report prints with --json."""
        return json.loads(self.run(*arguments, "--json", check=check).stdout)

    def posts(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = self.json("posts", "--limit", "1000000")
        return posts


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tidings", *arguments]


def environment() -> dict[str, str]:
    """This process's environment without what would change a command's output."""
    return {name: value for name, value in os.environ.items() if name not in {"TIDINGS_CONFIG", "COLUMNS"}}
