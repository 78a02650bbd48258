"""Reading an answer's head, and the promises in it: validators, freshness, when to come back.

Header bytes are decoded as Latin-1, which loses nothing, so that a validator goes back as exactly the bytes that came.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

MAX_HEAD_BYTES = 256 * 1024
"""All header bytes of one answer, interim answers and trailers included. Real heads are under 16 KB."""

MAX_RETRY_AFTER = timedelta(days=31)
MAX_TTL = timedelta(days=7)
"""A year of max-age on a feed is a configuration slip; see the research finding on clamping hints."""

_MAX_VALIDATOR = 4096
"""Servers commonly refuse request heads over 8 KB: a longer validator would lock a feed into errors for ever."""

_LISTS = frozenset({"cache-control", "content-encoding", "ratelimit"})
"""Fields that may come in several lines, which then add up to one list (RFC 9110 5.3); of others the last counts."""

_DIRECTIVE = re.compile(r'([!#$%&\'*+.^_`|~\w-]+)(?:\s*=\s*("[^"]*"|[^\s,]*))?')
_INTEGER = re.compile(r"([+-]?[0-9]{1,18})[0-9]*")
"""Eighteen digits of seconds are longer than any limit here, and of any length Python would not read them."""

_STATUS = re.compile(r"[0-9]{3}")
_DIGITS = re.compile(r"[0-9]{1,30}")


class Head:
    """The status and header fields of an answer, read line by line; of interim answers (1xx) nothing remains. The
    status is 0 until there is one of three digits.

    Field names are lower-case. Trailers, which libcurl delivers the same way, are ignored.
    """

    def __init__(self) -> None:
        self.status = 0
        self.fields: dict[str, str] = {}
        self.complete = False
        self.size = 0

    @property
    def body_size(self) -> int:
        """The bytes of body that Content-Length announces, 0 if it does not."""
        value = self.fields.get("content-length", "")
        return int(value) if _DIGITS.fullmatch(value) else 0

    def read(self, line: bytes) -> bool:
        """Takes one line. False when they have passed `MAX_HEAD_BYTES`."""
        self.size += len(line)
        if self.size > MAX_HEAD_BYTES:
            return False
        text = line.decode("latin-1").strip(" \t\r\n")
        if line.startswith(b"HTTP/"):
            self._restart(text)
        elif not text:
            self.complete = True
        elif not self.complete:
            self._add(text)
        return True

    def _restart(self, status_line: str) -> None:
        words = status_line.split(None, 2)
        self.status = int(words[1]) if len(words) > 1 and _STATUS.fullmatch(words[1]) else 0
        self.fields = {}
        self.complete = False

    def _add(self, text: str) -> None:
        name, _, value = text.partition(":")
        name, value = name.strip().lower(), value.strip(" \t")
        if name in _LISTS and name in self.fields:
            value = f"{self.fields[name]}, {value}"
        self.fields[name] = value


def validator(fields: Mapping[str, str], name: str) -> str | None:
    """The ETag or Last-Modified verbatim (RFC 9110 8.8: opaque to a client), or None if absent, empty or unusable."""
    value = fields.get(name, "")
    return value if value and len(value) <= _MAX_VALIDATOR else None


def retry_after(fields: Mapping[str, str], now: datetime) -> timedelta | None:
    """The wait that Retry-After asks for (RFC 9110 10.2.3), from 0 to 31 days; None when it asks for nothing.

    A date is read against the server's own Date, as its clock may be wrong; `now` stands in for a missing one.
    """
    value = fields.get("retry-after", "")
    seconds = _integer(value)
    if seconds is not None:
        return _clamp(seconds, MAX_RETRY_AFTER)
    moment = _date(value)
    return None if moment is None else _clamp((moment - served_at(fields, now)).total_seconds(), MAX_RETRY_AFTER)


def served_at(fields: Mapping[str, str], now: datetime) -> datetime:
    """What the server's own clock says, by which its other moments are to be judged; `now` if it does not say."""
    return _date(fields.get("date", "")) or now


def freshness(fields: Mapping[str, str]) -> timedelta | None:
    """How long the answer is good for, from 0 to 7 days: max-age less Age, else Expires less Date (RFC 9111 4.2).

    None when nothing is said, and for no-cache and no-store, which speak of storing and not of the next change.
    """
    directives = _directives(fields.get("cache-control", ""))
    if directives.get("no-cache") == "" or "no-store" in directives:
        return None
    max_age = _integer(directives.get("max-age", ""))
    if max_age is not None:
        return _clamp(max_age - max(0, _integer(fields.get("age", "")) or 0), MAX_TTL)
    if "expires" not in fields:
        return None
    expires, served = _date(fields["expires"]), _date(fields.get("date", ""))
    if expires is None:
        return timedelta(0)  # RFC 9111 5.3: an invalid date, "0" above all, means already expired
    return None if served is None else _clamp((expires - served).total_seconds(), MAX_TTL)


def _directives(cache_control: str) -> dict[str, str]:
    """Cache-Control taken apart, quotes removed. Of a repeated directive the first counts (RFC 9111 4.2.1)."""
    found: dict[str, str] = {}
    for name, argument in _DIRECTIVE.findall(cache_control):
        found.setdefault(name.lower(), argument.strip('"'))
    return found


def _integer(value: str) -> int | None:
    """A whole number of seconds, or None. Of one too long to mean anything, the part that is long enough."""
    found = _INTEGER.fullmatch(value)
    return int(found[1]) if found else None


def _date(value: str) -> datetime | None:
    if not value:
        return None
    from email.utils import parsedate_to_datetime  # takes as long to load as ten answers without a date to be taken in

    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _clamp(seconds: float, longest: timedelta) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0), longest.total_seconds()))
