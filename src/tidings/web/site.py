"""What the web server knows of the site that it serves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network

from tidings.model import Edition, Etiquette, Source
from tidings.render.environment import SHIPPED, Templates
from tidings.store import Store

Network = IPv4Network | IPv6Network
PATIENCE = 5.0
"""How many seconds a request waits to write: who has the page open does not wait for much longer."""

PATIENCE_TO_LEAVE = 60.0
"""The same for who ends a subscription. One click is sent by the mail provider for its reader, who sees no answer, and
nobody has promised to ask again (RFC 8058)."""

OpenStore = Callable[[], AbstractContextManager[Store]]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """Its address (`url`, without a slash at the end), name and language, its editions and sources, and the templates
    of its pages.

    `open_store` opens the database for one request; without it there are no pages that need one. `trusted_proxies` are
    the networks of servers before this one, which say truly for whom they ask; `domain` is that of our Message-IDs.
    Only where it `has_mail` can a page have any sent.
    Of sources that say nothing else, `content` may be shown.
    """

    url: str = ""
    title: str = ""
    language: str = "en"
    templates: Templates = SHIPPED
    editions: tuple[Edition, ...] = ()
    sources: tuple[Source, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    open_store: OpenStore | None = None
    domain: str = "localhost"
    has_mail: bool = True
    timezone: str = "UTC"
    content: Etiquette = "full"
    clock: Callable[[], datetime] = _now

    @property
    def is_https(self) -> bool:
        return self.url.startswith("https://")

    @property
    def offered(self) -> tuple[Edition, ...]:
        """The editions that anybody may subscribe to."""
        return tuple(edition for edition in self.editions if edition.signup)

    def edition(self, name: str) -> Edition | None:
        """The edition of that name; None for one that is not configured any more."""
        return next((edition for edition in self.editions if edition.name == name), None)
