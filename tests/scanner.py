"""A program that checks mails before their readers see them: it asks for every link, many times, and sends no form.

followed = scan(mails, "https://planet.example", port)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

from tests.webs import ask
from tidings.store import open_store

_TIMES = 20
_LINK = re.compile(r"https?://[^\s<>\"']+")
# What browsers and programs say that fetch what nobody has asked for yet.
_AHEAD: tuple[dict[str, str], ...] = (
    {},
    {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender", "X-Moz": "prefetch"},
    {"User-Agent": "Mozilla/5.0 (compatible; BingPreview/1.0b)", "Accept": "*/*"},
)


def links(mail: EmailMessage) -> set[str]:
    """Every web address in the headers, the text and the HTML of a mail."""
    parts = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    texts = [*(str(value) for value in mail.values()), *map(unescape, parts)]
    return {link.rstrip(".,;:!?)") for text in texts for link in _LINK.findall(text)}


def scan(mails: Iterable[EmailMessage], origin: str, port: int) -> set[str]:
    """GETs and HEADs each link of the mails to `origin`, which is served on `port`, twenty times, in turn with and
    without what says that nobody looks yet; returns the paths."""
    urls = {link for mail in mails for link in links(mail) if link.startswith(f"{origin}/")}
    paths = {urlsplit(url)._replace(scheme="", netloc="", fragment="").geturl() for url in urls}
    for path in sorted(paths):
        for number in range(_TIMES):
            for method in ("GET", "HEAD"):
                answer = ask(port, method, path, headers=_AHEAD[number % len(_AHEAD)])
                assert answer.status < 500, (method, path, answer.status)
    return paths


def dump(database: Path) -> list[str]:
    """All that a database says, but for how often somebody asked."""
    with open_store(database) as store:
        return [line for line in store.conn.iterdump() if not line.startswith('INSERT INTO "throttle"')]
