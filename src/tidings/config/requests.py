"""What the file says of a source's requests: headers, user agent, user name. Each function raises ValueError.

Messages never repeat a value: it may be a secret that should not be in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl, urlsplit

from tidings.config.wording import quoted

HEADERS_EXAMPLE = 'such as headers = { Accept-Language = "de" }'

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""Where a value takes text from the environment."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.6.2
_SECRET = re.compile(r"authorization|cookie|token|secret|password|api-?key|-key$|signature|session", re.IGNORECASE)

_SECRET_IN_QUERY = re.compile(
    rf"{_SECRET.pattern}|^(key|auth|sig|hash|pass|jwt|sid)$|[-_]key$|^(member|subscriber|user)[-_]?id$", re.IGNORECASE
)
_PUBLIC_ID = re.compile(r"(?:(?:blog|category|channel|feed|playlist|podcast|series|show)[-_]?)?id", re.IGNORECASE)

# No word and no number of a blog: a UUID (RFC 9562), or letters and digits mixed, twenty or more without a break.
_RANDOM = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[\w+/=-]*?(?=[a-z]*\d)(?=\d*[a-z])[a-z0-9]{20}[\w+/=-]*",
    re.ASCII | re.IGNORECASE,
)
_OF_MEMBERS = frozenset("private premium member members subscriber subscribers".split())

_FRAMING = "it belongs to the connection, and HTTP itself sees to it"
_CONDITIONAL = "conditional requests are Tidings' own business: it asks for what is new by itself"
_FRESH = "a poll takes what caches have, that is part of being polite"
_REFUSED = {
    "host": "it follows from the url",
    "user-agent": "write user_agent instead",
    "accept-encoding": "Tidings asks for the encodings that it can read",
    "a-im": _CONDITIONAL,
    "range": "a feed is read as a whole",
    "referer": "a poll comes from no page",
    "origin": "a poll comes from no page",
    "date": "it is for answers",
    "forwarded": "it is for proxies",
    "via": "it is for proxies",
    "cache-control": _FRESH,
    "pragma": _FRESH,
    **dict.fromkeys(
        ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect", "http2-settings"),
        _FRAMING,
    ),
}
_REFUSED_STARTS = {
    "if-": _CONDITIONAL,
    "content-": "a poll sends no content",
    "proxy-": "it is for proxies",
    "x-forwarded-": "it is for proxies",
    "sec-": "it is for browsers",
}


def is_for_members(url: str, headers: Iterable[tuple[str, str]], username: str | None) -> bool:
    """Whether a source is asked with something that not everybody has: a login, a secret header, or a token in its
    address. In the query a token is told by its name or by looking random, but for what YouTube and others call the id
    of a channel or show; in the path only by looking random behind `/private/` or the like, since the addresses of many
    public podcasts have a UUID in their path."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query.replace(";", "&"), keep_blank_values=True)
    return (
        username is not None
        or any(_SECRET.search(name) or VARIABLE.search(value) for name, value in headers)
        or any(_is_token(name, value) for name, value in query)
        or _has_token(parts.path.lower().split("/"))
    )


def _is_token(name: str, value: str) -> bool:
    is_random = bool(_RANDOM.fullmatch(value)) and not _PUBLIC_ID.fullmatch(name)
    return is_random or bool(_SECRET_IN_QUERY.search(name))


def _has_token(path: Sequence[str]) -> bool:
    """Whether a part of a path, without its ending, looks random and stands behind one that names members."""
    behind = (name for place, name in enumerate(path) if not _OF_MEMBERS.isdisjoint(path[:place]))
    return any(_RANDOM.fullmatch(name.split(".")[0]) for name in behind)


def header(name: str, value: object) -> None:
    """Checks one header of the file."""
    if not _TOKEN.fullmatch(name):
        raise ValueError("is not the name of a header; use letters, digits and `-`, " + HEADERS_EXAMPLE)
    reason = _refusal(name.lower())
    if reason:
        raise ValueError(f"cannot be set: {reason}")
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    _plain(value)
    if "${" in VARIABLE.sub("", value):
        raise ValueError("has `${` without the name of an environment variable behind it; write ${NAME}")
    if _SECRET.search(name) and not VARIABLE.search(value):
        raise ValueError(
            "looks like a secret, and secrets come from the environment: write ${NAME} where it stands, "
            'such as "Bearer ${BLOG_TOKEN}", and put it into the variable NAME'
        )


def only_once(name: str, seen: Mapping[str, str]) -> None:
    """Letter case makes no other header of a name (RFC 9110 section 5.1). `seen` is by lower-case name."""
    if name.lower() in seen:
        raise ValueError(f"is the same header as {quoted(seen[name.lower()])}; keep one of the two")


def user_agent(text: str) -> str:
    """Who we say we are."""
    return _plain(text)


def username(text: str) -> str:
    """The user of a basic login; the first colon would end it (RFC 7617 section 2)."""
    if not text or not text.isprintable():
        raise ValueError("is empty or holds a control character; write the name you log in with")
    if ":" in text:
        raise ValueError("holds a `:`, which a user name cannot; the password goes into the variable of password_env")
    return text


def _refusal(name: str) -> str | None:
    if name in _REFUSED:
        return _REFUSED[name]
    return next((reason for start, reason in _REFUSED_STARTS.items() if name.startswith(start)), None)


def _plain(text: str) -> str:
    """A value that every server understands (RFC 9110 section 5.5): ASCII on one line."""
    stripped = text.strip()
    if not stripped:
        raise ValueError("is empty; write some text or leave the key out")
    if not (stripped.isascii() and stripped.isprintable()):
        raise ValueError(
            "holds a line break, a control character or a letter beyond ASCII; a header takes none of them"
        )
    return stripped
