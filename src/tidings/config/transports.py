"""The text of `[mail] transport` to a Transport. Raises ValueError; never repeats the text, it may hold a password."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

from tidings.config.settings import Transport
from tidings.config.values import path

SmtpKind = Literal["smtp", "smtps", "smtp+starttls"]

# Relay, submission over TLS and submission with STARTTLS: RFC 5321 section 4.5.4.2, RFC 8314 section 7.3, RFC 6409.
_PORTS: dict[SmtpKind, int] = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}

_FORMS = 'write "smtp+starttls://user@mail.example.org", "smtps://…", "smtp://…", "sendmail:" or "file:outbox"'


def transport(text: str) -> Transport:
    """Where mail goes. The folder of `file:` stays as written; whoever knows the file's folder makes it absolute."""
    scheme, _, rest = text.partition(":")
    if scheme == "file":
        return _file(rest)
    if scheme == "sendmail":
        if rest:
            raise ValueError('names something behind "sendmail:"; the program is always /usr/sbin/sendmail')
        return Transport(kind="sendmail")
    for kind in _PORTS:
        if scheme == kind:
            return _smtp(kind, text)
    raise ValueError(f"is not a way to send mail; {_FORMS}")


def _file(rest: str) -> Transport:
    folder = rest.removeprefix("//") if rest.startswith("///") else rest
    if folder.startswith("//"):
        raise ValueError('names a host in front of the folder; write "file:outbox" or "file:/var/spool/tidings"')
    return Transport(kind="file", directory=Path(path(folder)))


def _smtp(kind: SmtpKind, text: str) -> Transport:
    userinfo = text.partition("://")[2].rpartition("@")[0]
    if ":" in userinfo:
        raise ValueError(
            "holds a password; secrets come from the environment or a file: use password_env or password_file"
        )
    parts = _split(text)
    username = unquote(userinfo, errors="replace") or None
    if username is not None and not username.isprintable():
        raise ValueError(f"has a user name with control characters; {_FORMS}")
    return Transport(kind=kind, host=parts.hostname or "", port=parts.port or _PORTS[kind], username=username)


def _split(text: str) -> SplitResult:
    if not text.isprintable() or " " in text:
        raise ValueError(f"holds a space or line break; {_FORMS}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"has no host and port that make sense; {_FORMS}, ports are 1 to 65535") from None
    if not parts.hostname or port == 0:
        raise ValueError(f"names no mail server, or port 0; {_FORMS}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"has something after the host and port; {_FORMS}")
    return parts
