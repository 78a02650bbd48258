"""The configuration as the rest of the program sees it: frozen, complete, every path absolute."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Literal

from tidings.model import Edition, Etiquette, Source
from tidings.records import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """Who publishes. `url` has no trailing slash, so a page is `f"{url}/page"`; `timezone` is an IANA name;
    `templates` is the operator's own folder of them, looked into before ours."""

    title: str
    url: str
    language: str
    timezone: str
    contact: str | None
    data_dir: Path
    templates: Path | None = None

    @property
    def database(self) -> Path:
        """The one database file."""
        return self.data_dir / "tidings.db"


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How politely and how widely sources are polled. `max_bytes` bounds one decoded document; `host_spacing` is the
    pause between two requests to one host and may be zero; `allow_networks` are private ranges that may be polled."""

    min_interval: timedelta
    max_interval: timedelta
    timeout: timedelta
    max_bytes: int
    host_spacing: timedelta
    concurrency: int
    workers: Literal["processes", "inline"]
    allow_networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class Transport:
    """Where mail goes. `host`, `port` and `username` belong to the SMTP kinds, `directory` to "file"."""

    kind: Literal["smtp", "smtps", "smtp+starttls", "sendmail", "file"]
    host: str = ""
    port: int = 0
    username: str | None = None
    directory: Path | None = None


@dataclass(frozen=True, slots=True)
class DkimSettings:
    """How mail is signed. `domain` answers for it; the keys in `key_file` (RSA) and `ed25519_key_file` are those that
    the DNS has under the selectors."""

    domain: str
    selector: str
    key_file: Path
    ed25519_selector: str | None = None
    ed25519_key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class MailSettings:
    """How mail is sent. `sender` and `reply_to` are mailboxes of RFC 5322 section 3.4, an address with or without a
    display name (quoted where it must be, not encoded). `rate` is messages per second, `domain_rate` the same to one
    domain of readers, `domain_connections` how many at once to one; None means no limit. Without `dkim` nothing is
    signed. What can't be delivered goes back to `bounces`, or to the sender; `door` is where it is taken in. With
    `is_private` all readers are people whom the operator knows, and no postal address is wanted."""

    sender: str
    reply_to: str | None
    postal_address: str | None
    transport: Transport
    password_env: str | None
    password_file: Path | None
    rate: float | None
    domain_rate: float | None = None
    domain_connections: int | None = None
    connections: int = 4
    on_uncertain: Literal["resend", "hold"] = "resend"
    stale_after: timedelta = timedelta(days=3)
    dkim: DkimSettings | None = None
    bounces: str | None = None
    door: WebSettings | None = None
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """The combined feed: at most `limit` posts, and how much of each is shown unless its source says otherwise."""

    limit: int = 100
    content: Etiquette = "full"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where pages are served, or mail is taken. An IPv6 `host` has no brackets. `public` says that [site] url leads
    there, so readers can do something on pages; `trusted_proxies` say truly for whom they ask."""

    host: str
    port: int
    public: bool = False
    trusted_proxies: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What the database holds. `keep` is how long posts keep their texts; None is for ever."""

    keep: timedelta | None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. `path` is the file as it was named to `load`; `mail` is None when nothing can be sent.
    `for_members` are the names of sources that are in digests alone by what they are asked with, since the file does
    not say it of them."""

    path: Path
    site: SiteSettings
    poll: PollSettings
    mail: MailSettings | None
    feed: FeedSettings
    web: WebSettings
    store: StoreSettings
    editions: tuple[Edition, ...]
    sources: tuple[Source, ...]
    for_members: tuple[str, ...] = ()
