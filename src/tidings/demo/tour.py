"""The tour: configure, poll, mail, publish, poll again. Every step is what the command of that name does.

The folder it leaves is a complete Tidings: the same commands work on it with `-c FOLDER/config.toml`.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as modern
from pathlib import Path

from tidings.demo.origin import BLOGS, Origin, serve_blogs
from tidings.demo.sink import Mailbox, free_port, take_mail

EDITION = "weekly"
READERS = ("ada@readers.example", "grace@readers.example")

_CONFIG = """\
# Written by `tidings demo`. The blogs and the mail server live only as long as the demo runs.

[site]
title = "Open and Closed"
url = "http://127.0.0.1:{web_port}"
language = "en"
timezone = "UTC"

[poll]
allow_networks = ["127.0.0.0/8"]  # the demo's blogs are on this machine

[mail]
from = "Open and Closed <digest@tidings.example>"
postal_address = "1 Loopback Lane, 127.0.0.1"
transport = "smtp://127.0.0.1:{smtp_port}"

[web]
listen = "127.0.0.1:{web_port}"

[[editions]]
name = "{edition}"
title = "The week in open and closed models"
schedule = "weekly fri 08:00"
subscribers = [{readers}]
{sources}"""

_SOURCE = """
[[sources]]
url = "{url}"
name = "{name}"
tags = [{tags}]
"""

_MAIL_INDEX = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mail received</title>
<style>:root{{color-scheme:light dark}}body{{max-width:42rem;margin:3rem auto;padding:0 1rem;
font:1rem/1.6 system-ui,sans-serif}}li{{margin:0 0 1.2rem}}small{{opacity:.75}}</style>
<body><p><a href="../index.html">The planet page</a></p><h1>Mail received</h1>
<p>What the demo's mail server took, over SMTP. Nothing left this machine.</p><ul>{rows}</ul></body></html>"""

_MAIL_ROW = """<li><strong>{subject}</strong><br><small>to {recipient}, {size} bytes</small><br>
<a href="{stem}.html">as HTML</a> · <a href="{stem}.txt">as text</a> · <a href="{stem}.eml">the message</a></li>"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A demo set up: where its files are, and the two servers it talks to."""

    folder: Path
    config_path: Path
    web_port: int
    origin: Origin
    mailbox: Mailbox


@contextmanager
def set_up(folder: Path) -> Iterator[Scene]:
    """Starts the demo's blogs and mail server and writes its configuration into `folder`."""
    with serve_blogs() as origin, take_mail() as mailbox:
        web_port = free_port()
        config_path = folder / "config.toml"
        config_path.write_text(_configuration(origin.url, mailbox.port, web_port), encoding="utf-8")
        yield Scene(folder, config_path, web_port, origin, mailbox)


def show_mail(mailbox: Mailbox, public: Path) -> list[Path]:
    """Writes the received messages below `public`, as files and as pages to look at; returns the messages."""
    folder = public / "mail"
    folder.mkdir(parents=True, exist_ok=True)
    rows, paths = [], []
    for number, received in enumerate(mailbox.received, 1):
        stem = f"{number}-{received.recipient.partition('@')[0]}"
        message = message_from_bytes(received.message, _class=EmailMessage, policy=modern)
        for kind, suffix in (("html", "html"), ("plain", "txt")):
            part = message.get_body((kind,))
            (folder / f"{stem}.{suffix}").write_text(part.get_content() if part else "", encoding="utf-8")
        path = folder / f"{stem}.eml"
        path.write_bytes(received.message)
        paths.append(path)
        rows.append(
            _MAIL_ROW.format(
                subject=html.escape(str(message["Subject"])),
                recipient=html.escape(received.recipient),
                size=f"{len(received.message):,}",
                stem=stem,
            )
        )
    (folder / "index.html").write_text(_MAIL_INDEX.format(rows="".join(rows)), encoding="utf-8")
    return paths


def _configuration(origin: str, smtp_port: int, web_port: int) -> str:
    sources = [_SOURCE.format(url=f"{origin}/{blog.file}", name=blog.name, tags=_quoted(blog.tags)) for blog in BLOGS]
    return _CONFIG.format(
        web_port=web_port, smtp_port=smtp_port, edition=EDITION, readers=_quoted(READERS), sources="".join(sources)
    )


def _quoted(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
