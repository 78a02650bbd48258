"""Secrets from the environment: what the file only names is filled in when a command needs it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tidings.config.requests import VARIABLE
from tidings.config.settings import Config
from tidings.config.wording import quoted
from tidings.errors import ConfigError
from tidings.model import Login, Source


def request_secrets(source: Source, environ: Mapping[str, str]) -> tuple[tuple[tuple[str, str], ...], Login | None]:
    """The headers of a source and its login, with what the environment holds filled in.

    Raises ConfigError when a variable that the file names is not set, is empty, or holds what no header can.
    """
    problems: list[str] = []
    headers = tuple((name, _filled(source, name, value, environ, problems)) for name, value in source.headers)
    login = None
    if source.username is not None and source.password_env is not None:
        password = environ.get(source.password_env, "")
        if not password:
            problems.append(f"{_label(source)} key `password_env`: {_unset(source.password_env, environ)}")
        login = Login(source.username, password)
    if problems:
        raise ConfigError(problems)
    return headers, login


def check_secrets(loaded: Config, environ: Mapping[str, str]) -> None:
    """Raises ConfigError for all secrets that the file names and that are not to be had: the mail server's password,
    and what the requests of sources need."""
    from tidings.config.reading import read_password

    problems: list[str] = []
    if loaded.mail is not None and loaded.mail.transport.kind not in ("file", "sendmail"):
        try:
            read_password(loaded.mail, environ)
        except ConfigError as error:
            problems += error.problems
    problems += _unset_of_sources([source for source in loaded.sources if not source.disabled], environ)
    if problems:
        raise ConfigError(problems)


def _unset_of_sources(sources: Sequence[Source], environ: Mapping[str, str]) -> list[str]:
    """What `request_secrets` would complain of, for each source."""
    problems: list[str] = []
    for source in sources:
        try:
            request_secrets(source, environ)
        except ConfigError as error:
            problems += error.problems
    return problems


def _filled(source: Source, name: str, value: str, environ: Mapping[str, str], problems: list[str]) -> str:
    place = f"{_label(source)} key `headers` key `{name}`"

    def from_environment(found: re.Match[str]) -> str:
        variable = found[1]
        given = environ.get(variable, "").strip()
        if not given:
            problems.append(f"{place}: {_unset(variable, environ)}")
        elif not (given.isascii() and given.isprintable()):
            problems.append(
                f"{place}: {variable} holds a line break or a letter beyond ASCII; put the bare value there"
            )
        return given

    return VARIABLE.sub(from_environment, value)


def _label(source: Source) -> str:
    return f"[[sources]] (name {quoted(source.name)})"


def _unset(variable: str, environ: Mapping[str, str]) -> str:
    state = "is empty" if variable in environ else "is not set"
    return f"{variable} {state}; put the secret there, in the environment of this process"
