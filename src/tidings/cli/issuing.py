"""The composition root of digests and publishing: the values that those shells need of the configuration."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tidings import config
from tidings.config import Config, MailSettings
from tidings.editions.compose import Masthead
from tidings.errors import ConfigError
from tidings.letters import PostOffice
from tidings.mail.dkim import Signer
from tidings.mail.folder import open_folder
from tidings.mail.keys import DkimKey, KeyKind, doubts, read_key
from tidings.mail.message import domain_of
from tidings.mail.pacing import Limits
from tidings.mail.sendmail import open_sendmail
from tidings.mail.smtp import SmtpServer, open_smtp
from tidings.mail.transport import Transport
from tidings.model import Edition
from tidings.notes import Sender
from tidings.publish import PublishSettings
from tidings.render.environment import Templates
from tidings.store import open_store
from tidings.web.site import PATIENCE, Site

_SECURITY = {"smtp": "none", "smtps": "tls", "smtp+starttls": "starttls"}


def templates(loaded: Config) -> Templates:
    return Templates(loaded.site.templates)


def masthead(loaded: Config) -> Masthead:
    return Masthead(loaded.site.title, loaded.site.url)


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
        limits=Limits(mail.rate, mail.domain_rate, mail.domain_connections),
        templates=templates(loaded),
        signers=signers(mail),
        bounces=mail.bounces or "",
        connections=mail.connections,
        resend=mail.on_uncertain == "resend",
        stale_after=mail.stale_after,
        guarded=mail.transport.kind != "file",  # files in a folder of this machine reach nobody
        is_private=mail.is_private,
        one_click=loaded.web.public,
    )


@dataclass(frozen=True, slots=True)
class _KeyOnFile:
    """A key as the configuration names it; `setting` is the key of the file that does."""

    domain: str
    selector: str
    file: Path
    kind: KeyKind
    setting: str

    def read(self) -> DkimKey:
        return read_key(self.file, self.kind, f"[mail.dkim] key `{self.setting}`")


def signers(mail: MailSettings) -> tuple[Signer, ...]:
    """Who signs the mail: nobody, or one or two keys. Raises ConfigError when a key is not to be had."""
    return tuple(Signer(one.domain, one.selector, one.read()) for one in _keys(mail))


def doubts_of_keys(mail: MailSettings) -> list[str]:
    """What is unwise about the keys that sign the mail. Raises ConfigError when one is not to be had."""
    return [doubt for one in _keys(mail) for doubt in doubts(one.file, one.read())]


def _keys(mail: MailSettings) -> Iterator[_KeyOnFile]:
    dkim = mail.dkim
    if dkim is None:
        return
    yield _KeyOnFile(dkim.domain, dkim.selector, dkim.key_file, "rsa", "key_file")
    if dkim.ed25519_selector and dkim.ed25519_key_file:
        yield _KeyOnFile(dkim.domain, dkim.ed25519_selector, dkim.ed25519_key_file, "ed25519", "ed25519_key_file")


def preview_office(loaded: Config) -> PostOffice:
    """The same for looking at mail: without a [mail] table the sender is made up, and no password is asked for. Raises
    ConfigError when a key to sign with is not to be had."""
    mail = loaded.mail
    return PostOffice(
        sender=mail.sender if mail else "preview@example.org",
        reply_to=(mail.reply_to or "") if mail else "",
        postal_address=(mail.postal_address or "") if mail else "",
        open_transport=_no_transport,
        templates=templates(loaded),
        signers=signers(mail) if mail else (),
        is_private=mail.is_private if mail else False,
        one_click=loaded.web.public,
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
        editions=loaded.editions,
        templates=templates(loaded),
        is_public=loaded.web.public and loaded.mail is not None,
        search=loaded.web.public,
    )


def web_site(loaded: Config) -> Site:
    """What the web server knows of the site. Only where it is `public` do readers' own pages have a use."""
    open_database = partial(open_store, loaded.site.database, PATIENCE) if loaded.web.public else None
    return Site(
        url=loaded.site.url,
        title=loaded.site.title,
        language=loaded.site.language,
        templates=templates(loaded),
        editions=loaded.editions,
        sources=loaded.sources,
        trusted_proxies=loaded.web.trusted_proxies,
        open_store=open_database,
        domain=domain_of(loaded.mail.sender) if loaded.mail else "localhost",
        has_mail=loaded.mail is not None,
        timezone=loaded.site.timezone,
        content=loaded.feed.content,
    )


def note_sender(loaded: Config) -> Sender:
    """Who sends the small mails that pages ask for."""
    return Sender(loaded.site.title, loaded.site.url, loaded.site.language, loaded.editions)


def public_folder(loaded: Config) -> Path:
    return loaded.site.data_dir / "public"


def _transport_opener(mail: MailSettings) -> Callable[[], AbstractContextManager[Transport]]:
    transport = mail.transport
    if transport.kind == "file":
        return partial(open_folder, transport.directory or Path("outbox"))
    if transport.kind == "sendmail":
        return open_sendmail
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
