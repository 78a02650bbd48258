"""The configuration file and its secrets from the disk; the only file of this room that touches it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tidings.config.checks import cross_checks, default_name
from tidings.config.lines import KeyPath, key_lines, line_of
from tidings.config.problems import report, schema_problems, syntax_problem
from tidings.config.requests import is_for_members
from tidings.config.schema import DkimTable, Document, EditionTable, MailTable, SiteTable, SourceTable
from tidings.config.settings import (
    Config,
    DkimSettings,
    FeedSettings,
    MailSettings,
    PollSettings,
    SiteSettings,
    StoreSettings,
)
from tidings.config.values import domain_of
from tidings.errors import ConfigError
from tidings.model import Edition, Source

EXAMPLE = "config.example.toml"


def load(path: Path) -> Config:
    """Reads and checks a configuration file. Raises ConfigError with every problem found, one line each."""
    text = _read(path)
    document = _parse(path, text)
    problems = cross_checks(document)
    try:
        checked = Document.model_validate(document)
    except ValidationError as error:
        problems = schema_problems(error) + problems
        raise ConfigError(report(path, document, _lines(path, text), problems)) from None
    if problems:
        raise ConfigError(report(path, document, _lines(path, text), problems))
    return _config(path, checked)


def source_lines(path: Path, urls: Iterable[str]) -> dict[str, int]:
    """The line on which the file names each of these sources' URLs; without those it does not name. Raises
    ConfigError when the file can't be read any more."""
    text = _read(path)
    document, lines = _parse(path, text), _lines(path, text)
    wanted = set(urls)
    sources = document.get("sources", [])
    return {
        source["url"]: line_of(lines, ("sources", index, "url"))
        for index, source in enumerate(sources if isinstance(sources, list) else [])
        if isinstance(source, dict) and source.get("url") in wanted
    }


def read_password(mail: MailSettings, environ: Mapping[str, str]) -> str | None:
    """The password to log in with, or None when none is configured; the end of a file's line is not part of it.

    Raises ConfigError when the variable or file that the configuration names is absent or empty.
    """
    if mail.password_env is not None:
        password = environ.get(mail.password_env)
        if not password:
            state = "is not set" if password is None else "is empty"
            raise ConfigError([f"[mail] key `password_env`: {mail.password_env} {state}; put the password there"])
        return password
    return None if mail.password_file is None else _password_from(mail.password_file)


def example_text() -> str:
    """The example configuration that `tidings init` writes: packaged in the wheel, at the top of a checkout."""
    packaged = resources.files("tidings") / EXAMPLE
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).resolve().parents[3] / EXAMPLE).read_text(encoding="utf-8")


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: not found; run `tidings init` to write one, or name another with -c"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); name a readable file with -c"]) from None
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path}:{line}: not UTF-8 text; save the file in the encoding UTF-8"]) from None


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise _too_deep(path) from None
    except ValueError as error:  # tomllib lets int() speak for itself where a number has thousands of digits
        line, message = syntax_problem(str(error), text)
        raise ConfigError([f"{path}:{line}: {message}"]) from None


def _lines(path: Path, text: str) -> dict[KeyPath, int]:
    """The lines of the keys. To find them takes as long as reading the file, so it is done where a line is named."""
    try:
        return key_lines(text)
    except RecursionError:
        raise _too_deep(path) from None


def _too_deep(path: Path) -> ConfigError:
    return ConfigError([f"{path}:1: lists or tables are nested too deeply; no key needs more than a list"])


def _password_from(file: Path) -> str:
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except FileNotFoundError:
        raise ConfigError([f"[mail] key `password_file`: {file} not found; write the password to that file"]) from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            [f"[mail] key `password_file`: {file} cannot be read; make it a UTF-8 text file this user may read"]
        ) from None
    if not password:
        raise ConfigError([f"[mail] key `password_file`: {file} is empty; write the password to it"])
    return password


def _config(path: Path, document: Document) -> Config:
    folder = path.absolute().parent
    site = _site(document.site, folder)
    poll = document.poll.model_dump() | {"allow_networks": tuple(document.poll.allow_networks)}
    return Config(
        path=path,
        site=site,
        poll=PollSettings(**poll),
        mail=None if document.mail is None else _mail(document.mail, folder),
        feed=FeedSettings(limit=document.feed.limit, content=document.feed.content),
        web=replace(
            document.web.listen,
            public=document.web.public,
            trusted_proxies=tuple(document.web.trusted_proxies),
        ),
        store=StoreSettings(keep=document.store.keep),
        editions=tuple(_edition(table, site) for table in document.editions),
        sources=tuple(_source(table) for table in document.sources),
        for_members=tuple(_name(table) for table in document.sources if _is_kept_back(table)),
    )


def _site(table: SiteTable, folder: Path) -> SiteSettings:
    return SiteSettings(
        title=table.title,
        url=table.url,
        language=table.language,
        timezone=table.timezone,
        contact=table.contact,
        data_dir=folder / table.data_dir,
        templates=None if table.templates is None else folder / table.templates,
    )


def _mail(table: MailTable, folder: Path) -> MailSettings:
    transport = table.transport
    if transport.directory is not None:
        transport = replace(transport, directory=folder / transport.directory)
    return MailSettings(
        sender=table.sender,
        reply_to=table.reply_to,
        postal_address=table.postal_address or None,
        transport=transport,
        password_env=table.password_env,
        password_file=None if table.password_file is None else folder / table.password_file,
        rate=table.rate,
        domain_rate=table.domain_rate,
        domain_connections=table.domain_connections,
        connections=table.connections,
        on_uncertain=table.on_uncertain,
        stale_after=table.stale_after,
        dkim=None if table.dkim is None else _dkim(table.dkim, domain_of(table.sender), folder),
        bounces=None if table.bounces is None else table.bounces.address,
        door=None if table.bounces is None else table.bounces.listen,
        is_private=table.postal_address is False,
    )


def _dkim(table: DkimTable, own_domain: str, folder: Path) -> DkimSettings:
    return DkimSettings(
        domain=table.domain or own_domain,
        selector=table.selector,
        key_file=folder / table.key_file,
        ed25519_selector=table.ed25519_selector,
        ed25519_key_file=None if table.ed25519_key_file is None else folder / table.ed25519_key_file,
    )


def _edition(table: EditionTable, site: SiteSettings) -> Edition:
    return Edition(
        name=table.name,
        title=table.title or f"{site.title}: {table.name}",
        schedule=table.schedule,
        timezone=table.timezone or site.timezone,
        language=table.language or site.language,
        late_up_to=table.late_up_to,
        review=table.review,
        tags=_unique(table.tags),
        sources=_unique(table.sources),
        include=tuple(table.include),
        exclude=tuple(table.exclude),
        grace=table.grace,
        min_posts=table.min_posts,
        max_posts=table.max_posts,
        max_per_source=table.max_per_source,
        carry_over=table.carry_over,
        backfill=table.backfill,
        order=table.order,
        group_by=table.group_by or "",
        lead=table.lead,
        content=table.content,
        excerpt_length=table.excerpt_length,
        updates=table.updates,
        look=table.look,
        subject=table.subject or "",
        signup=table.signup,
        subscribers=tuple(table.subscribers),
    )


def _source(table: SourceTable) -> Source:
    return Source(
        url=table.url,
        name=_name(table),
        tags=_unique(table.tags),
        every=table.every,
        max_posts=table.max_posts,
        weight=table.weight,
        publish=table.publish is not False and not _is_kept_back(table),
        content=table.content,
        disabled=table.disabled,
        user_agent=table.user_agent,
        headers=table.headers,
        username=table.username,
        password_env=table.password_env,
        include=tuple(table.include),
        exclude=tuple(table.exclude),
    )


def _name(table: SourceTable) -> str:
    return table.name or default_name(table.url)


def _is_kept_back(table: SourceTable) -> bool:
    """What its author gives to members alone is published only if the file says so."""
    return table.publish is None and is_for_members(table.url, table.headers, table.username)


def _unique(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
