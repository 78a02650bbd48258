"""What the tests of fetching share: settings that open loopback, and one-line fetches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from tidings.fetching.fetch import FetchSettings, fetch_all
from tidings.model import Failed, Fetched, FetchRequest, Unchanged

FEED = b"<rss version='2.0'><channel><title>Blog</title></channel></rss>"
SETTINGS = FetchSettings(
    user_agent="Tidings/test (+http://planet.example; 1 source)",
    timeout=timedelta(seconds=20),
    max_bytes=1_000_000,
    host_spacing=timedelta(0),
    concurrency=8,
    allow_networks=(IPv4Network("127.0.0.0/8"), IPv6Network("::1/128")),
)
SHORT = replace(SETTINGS, timeout=timedelta(seconds=0.4))
STRANGERS = replace(SETTINGS, host_spacing=timedelta(seconds=0.05))


def fetch(url: str, settings: FetchSettings = SETTINGS, **validators: str) -> Fetched | Unchanged | Failed:
    [(_, outcome)] = fetch_all([FetchRequest(1, url, **validators)], settings)
    return outcome


def requests(*urls: str) -> list[FetchRequest]:
    return [FetchRequest(number, url) for number, url in enumerate(urls, 1)]


def failure(outcome: object) -> Failed:
    assert isinstance(outcome, Failed)
    return outcome
