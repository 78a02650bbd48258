"""What the tests of fetching share: settings that open loopback, and one-line fetches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from tidings.fetching.fetch import FetchSettings, Hosts, fetch_all
from tidings.model import Failed, Fetched, FetchRequest, Outcome, Unchanged, Validators

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
CLOSED = replace(SETTINGS, allow_networks=())
HOSTS = Hosts()


def fetch(url: str, settings: FetchSettings = SETTINGS, **validators: str) -> Outcome:
    """What one request comes to; `etag` and `last_modified` make it conditional."""
    return ask(FetchRequest(1, url, Validators(url, **validators) if validators else None), settings)


def ask(request: FetchRequest, settings: FetchSettings = SETTINGS) -> Outcome:
    [(_, outcome)] = fetch_all([request], settings, HOSTS)
    return outcome


def outcomes(asked: list[FetchRequest], settings: FetchSettings = SETTINGS, hosts: Hosts = HOSTS) -> dict[int, Outcome]:
    """What each request came to, by feed id."""
    return {request.feed_id: outcome for request, outcome in fetch_all(asked, settings, hosts)}


def requests(*urls: str) -> list[FetchRequest]:
    return [FetchRequest(number, url) for number, url in enumerate(urls, 1)]


def failure(outcome: object) -> Failed:
    assert isinstance(outcome, Failed)
    return outcome


def fetched(outcome: object) -> Fetched:
    assert isinstance(outcome, Fetched)
    return outcome


def unchanged(outcome: object) -> Unchanged:
    assert isinstance(outcome, Unchanged)
    return outcome
