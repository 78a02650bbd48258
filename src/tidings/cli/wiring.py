"""The composition root: takes the configuration apart into the few values each shell needs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType

from tidings import __version__, config
from tidings.config import Config, MailSettings
from tidings.digest import PostOffice
from tidings.editions.compose import Masthead
from tidings.errors import ConfigError
from tidings.fetching.settings import FetchSettings
from tidings.mail.transport import SmtpServer, Transport, open_folder, open_smtp
from tidings.model import Edition, Source
from tidings.poll import PollSettings
from tidings.posts import rules
from tidings.publish import PublishSettings
from tidings.sources.cadence import Limits
from tidings.sources.requests import Manner
from tidings.store import Store, feeds, judging, open_store
from tidings.workers import open_executor

_SECURITY = {"smtp": "none", "smtps": "tls", "smtp+starttls": "starttls"}


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def open_site(path: Path) -> Iterator[tuple[Config, Store]]:
    """The configuration and the database brought in line with it. Raises ConfigError, StoreError."""
    loaded = config.load(path)
    with open_synced(loaded) as store:
        yield loaded, store


@contextmanager
def open_synced(loaded: Config) -> Iterator[Store]:
    """The database of a configuration, brought in line with it."""
    with open_store(loaded.site.database) as store:
        now = utc_now()
        feeds.sync(store, loaded.sources, loaded.editions, now)
        _judge_again(store, loaded.sources, now)
        yield store


def _judge_again(store: Store, sources: Iterable[Source], now: datetime) -> None:
    """Applies rules that have changed in the file to the posts that are stored."""
    by_url = {source.url: source for source in sources}
    fingerprints = {url: rules.fingerprint(source) for url, source in by_url.items()}
    for url in judging.judged_otherwise(store, fingerprints):
        judge = partial(rules.excluded_by, source=by_url[url])
        judging.judge_again(store, url, judge, fingerprints[url], now)


@contextmanager
def stop_flag() -> Iterator[Callable[[], bool]]:
    """A flag that Ctrl-C and SIGTERM set, so that work stops between two steps instead of in the middle of one. A
    second Ctrl-C interrupts at once."""
    asked: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    former = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def poll_settings(loaded: Config) -> PollSettings:
    return PollSettings(
        fetching=fetch_settings(loaded), limits=poll_limits(loaded), manner=partial(_manner, loaded, os.environ)
    )


def poll_limits(loaded: Config) -> Limits:
    return Limits(loaded.poll.min_interval, loaded.poll.max_interval)


def fetch_settings(loaded: Config) -> FetchSettings:
    return FetchSettings(
        user_agent=user_agent(loaded, ()),
        timeout=loaded.poll.timeout,
        max_bytes=loaded.poll.max_bytes,
        host_spacing=loaded.poll.host_spacing,
        concurrency=loaded.poll.concurrency,
        allow_networks=loaded.poll.allow_networks,
    )


def user_agent(loaded: Config, subscribers: Iterable[str]) -> str:
    """Who asks: what we are, where to find out more, whom to write to, and how many read (RFC 9110 10.1.5)."""
    readers = len(set(subscribers))
    count = (f"{readers} subscriber" if readers == 1 else f"{readers} subscribers") if readers else ""
    return f"Tidings/{__version__} (+{'; '.join(filter(None, (loaded.site.url, loaded.site.contact, count)))})"


def _manner(loaded: Config, environ: Mapping[str, str], source: Source) -> Manner:
    headers, login = config.request_secrets(source, environ)
    editions = [edition for edition in loaded.editions if edition.covers(source)]
    readers = (address.lower() for edition in editions for address in edition.subscribers)
    return Manner(source.user_agent or user_agent(loaded, readers), headers, login)


def executor_opener(loaded: Config) -> Callable[[], Executor]:
    return partial(open_executor, loaded.poll.workers)


def masthead(loaded: Config) -> Masthead:
    return Masthead(loaded.site.title, loaded.site.url, loaded.site.language)


def edition_named(loaded: Config, name: str) -> Edition:
    """The edition called `name`. Raises ConfigError that lists those there are."""
    for edition in loaded.editions:
        if edition.name == name:
            return edition
    known = ", ".join(edition.name for edition in loaded.editions) or "none; add an [[editions]] table"
    raise ConfigError([f"{loaded.path}: no edition is called {name!r}; there are: {known}"])


def post_office(loaded: Config) -> PostOffice:
    """How mail goes out. Raises ConfigError without a [mail] table, or when its password is not to be had."""
    mail = loaded.mail
    if mail is None:
        raise ConfigError(
            [f"{loaded.path}: there is no [mail] table, so nothing can be sent; add one with from and transport"]
        )
    return PostOffice(
        sender=mail.sender,
        reply_to=mail.reply_to or "",
        postal_address=mail.postal_address or "",
        open_transport=_transport_opener(mail),
        rate=mail.rate,
    )


def preview_office(loaded: Config) -> PostOffice:
    """The same for looking at mail: without a [mail] table the sender is made up, and no password is asked for."""
    mail = loaded.mail
    return PostOffice(
        sender=mail.sender if mail else "preview@example.org",
        reply_to=(mail.reply_to or "") if mail else "",
        postal_address=(mail.postal_address or "") if mail else "",
        open_transport=_no_transport,
    )


def publish_settings(loaded: Config) -> PublishSettings:
    return PublishSettings(
        title=loaded.site.title,
        url=loaded.site.url,
        language=loaded.site.language,
        timezone=loaded.site.timezone,
        limit=loaded.feed.limit,
        content=loaded.feed.content,
        sources=loaded.sources,
    )


def public_folder(loaded: Config) -> Path:
    return loaded.site.data_dir / "public"


def _transport_opener(mail: MailSettings) -> Callable[[], AbstractContextManager[Transport]]:
    transport = mail.transport
    if transport.kind == "file":
        return partial(open_folder, transport.directory or Path("outbox"))
    server = SmtpServer(
        host=transport.host,
        port=transport.port,
        security=_SECURITY[transport.kind],  # type: ignore[arg-type]
        username=transport.username,
        password=config.read_password(mail, os.environ),
    )
    return partial(open_smtp, server)


def _no_transport() -> AbstractContextManager[Transport]:
    raise AssertionError("a preview sends nothing")
