"""Text of the configuration to values. Each function raises ValueError with what is wrong and what would be right,
on one line, and never repeats anything that may hold a password."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from datetime import timedelta
from functools import cache
from urllib.parse import SplitResult, urlsplit

from tidings.addresses import ascii_url
from tidings.config.settings import Network, WebSettings
from tidings.config.wording import did_you_mean, quoted

LONGEST_DURATION = timedelta(days=366)
SHORTEST_KEEP = timedelta(days=30)
LONGEST_KEEP = timedelta(days=36_500)
LONGEST_BOUNCE_NAME = 32

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_BYTES = {"B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_PER_SECOND = {"s": 1, "m": 60, "h": 3600}

_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_TOP_LABEL = r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM}(?:\.{_ATOM})*)@(?:(?:{_LABEL}\.)+{_TOP_LABEL}|localhost)")
_MAILBOX = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*"|[^<>"]*?)\s*<(?P<address>[^<>]*)>')


def line(text: str) -> str:
    """Text of one line, as a title, a subject or a mail header needs."""
    stripped = text.strip()
    if not stripped:
        raise ValueError("is empty; write some text or leave the key out")
    if not all(c.isprintable() for c in stripped):
        raise ValueError("holds a line break or control character; write it on one line")
    return stripped


def paragraph(text: str) -> str:
    """Text that may run over several lines."""
    stripped = "\n".join(part.strip() for part in text.strip().splitlines())
    if not stripped:
        raise ValueError("is empty; write some text or leave the key out")
    if not all(c.isprintable() or c == "\n" for c in stripped):
        raise ValueError("holds a control character; line breaks are the only ones allowed")
    return stripped


def slug(text: str) -> str:
    """A name that is safe in a command, a URL and a file name."""
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", text):
        return text
    proposal = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "weekly"
    raise ValueError(f'{quoted(text)} is not a plain name; use a-z, 0-9 and "-", such as {quoted(proposal)}')


def duration(text: str) -> timedelta:
    """A time span longer than zero, such as "30m"."""
    span = duration_or_zero(text)
    if not span:
        raise ValueError(f'{quoted(text)} is no time at all; write a longer one, such as "30s" or "30m"')
    return span


def duration_or_zero(text: str) -> timedelta:
    """A time span that may be zero."""
    span = _span(text)
    if span is None:
        raise ValueError(f'{quoted(text)} is not a time span; write a number and s, m, h or d, such as "30m" or "24h"')
    if span > LONGEST_DURATION:
        raise ValueError(f'{quoted(text)} is too long; at most "{LONGEST_DURATION.days}d"')
    return span


def keep(text: str) -> timedelta | None:
    """How long something is kept, a month at least; None is for ever."""
    if text.strip() == "forever":
        return None
    span = _span(text)
    if span is None:
        raise ValueError(f'{quoted(text)} is not a time to keep; write days, such as "365d", or "forever"')
    if span < SHORTEST_KEEP:
        raise ValueError(f'{quoted(text)} is too short; write "{SHORTEST_KEEP.days}d" or more, or "forever"')
    if span > LONGEST_KEEP:
        raise ValueError(f'{quoted(text)} is too long; write "forever"')
    return span


def _span(text: str) -> timedelta | None:
    found = re.fullmatch(rf"({_NUMBER}) ?([smhd])", text.strip())
    return timedelta(**{_UNITS[found[2]]: float(found[1])}) if found else None


def size(text: str) -> int:
    """A size in bytes, at least one; units are decimal, 1 MB is 1,000,000 bytes."""
    found = re.fullmatch(rf"({_NUMBER}) ?([KMG]?B)", text.strip().upper())
    if found is None:
        raise ValueError(f'{quoted(text)} is not a size; write a number and B, KB, MB or GB, such as "15MB"')
    amount = int(float(found[1]) * _BYTES[found[2]])
    if amount < 1:
        raise ValueError(f'{quoted(text)} is less than one byte; write a size such as "15MB"')
    return amount


def rate(text: str) -> float:
    """Messages per second."""
    found = re.fullmatch(rf"({_NUMBER}) ?/ ?([smh])", text.strip())
    if found is None:
        raise ValueError(f'{quoted(text)} is not a rate; write a number per s, m or h, such as "10/s" or "600/m"')
    per_second = float(found[1]) / _PER_SECOND[found[2]]
    if not per_second:
        raise ValueError(f'{quoted(text)} would never send; write a rate such as "10/s", or leave the key out')
    return per_second


def url(text: str) -> str:
    """An absolute http or https URL, verbatim.

    User names and passwords are refused: the URLs of sources are published in the list of sources.
    """
    example = 'write one such as "https://example.org/feed.xml"'
    parts = _split_url(text, example)
    if "@" in parts.netloc:
        raise ValueError(
            "holds a user name or password, which would be published with it; remove the part before `@` "
            "and write username and password_env"
        )
    if parts.scheme in ("http", "https") and parts.hostname:
        return text
    if not parts.scheme and "." in text.split("/")[0]:
        raise ValueError(f"{quoted(text)} is not a whole URL; did you mean {quoted('https://' + text)}?")
    if parts.scheme == "feed":
        proposal = "https://" + text.split(":", 1)[1].removeprefix("//")
        raise ValueError(f"{quoted(text)} is not an http or https URL; did you mean {quoted(proposal)}?")
    raise ValueError(f"{quoted(text)} is not an http or https URL; {example}")


def site_url(text: str) -> str:
    """The URL that pages are made under, without its trailing slash and in ASCII: programs read it in feeds, lists and
    mail headers, where it is to be a URI."""
    parts = urlsplit(url(text))
    if parts.query or parts.fragment:
        raise ValueError(f"{quoted(text)} has a part after `?` or `#`; pages are made under it, so leave that away")
    return ascii_url(text.rstrip("/"))


def _split_url(text: str, example: str) -> SplitResult:
    if not text.isprintable() or " " in text:
        raise ValueError(f"{quoted(text)} holds a space or line break; {example}")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"is not a URL that can be taken apart; {example}") from None
    if port == 0:
        raise ValueError(f"has the port 0; ports are 1 to 65535; {example}")
    return parts


def contact(text: str) -> str:
    """Where the owner of a polled server can write to: an address or a page."""
    return url(text) if "://" in text else address(text)


def address(text: str) -> str:
    """An e-mail address: the dot-atom form of RFC 5321 section 4.1.2, ASCII only, with its length limits."""
    found = _ADDRESS.fullmatch(text)
    if found and len(found["local"]) <= 64 and len(text) <= 254:
        return text
    if not text.isascii():
        raise ValueError(
            f"{quoted(text)} is not an ASCII e-mail address; write a domain such as bücher.example in its xn-- form"
        )
    raise ValueError(f'{quoted(text)} is not an e-mail address; write one such as "name@example.org"')


def bounce_address(text: str) -> str:
    """An address with room before its @ for the number and the code of a delivery: all of it is at most 64 octets long
    (RFC 5321 section 4.5.3.1.1)."""
    local = address(text).partition("@")[0]
    if len(local) <= LONGEST_BOUNCE_NAME:
        return text
    raise ValueError(
        f"{quoted(text)} is too long before the `@`; at most {LONGEST_BOUNCE_NAME} characters, since more are put there"
    )


def domain_name(text: str) -> str:
    """A domain with at least one dot, ASCII only, in lower case."""
    if re.fullmatch(rf"(?:{_LABEL}\.)+{_TOP_LABEL}", text) and len(text) <= 253:
        return text.lower()
    example = 'write one such as "example.org", letters beyond ASCII in the xn-- form'
    raise ValueError(f"{quoted(text)} is not a domain; {example}")


def selector(text: str) -> str:
    """The name of a DKIM key below a domain (RFC 6376 section 3.1)."""
    if re.fullmatch(rf"{_LABEL}(?:\.{_LABEL})*", text) and len(text) <= 63:
        return text
    raise ValueError(f'{quoted(text)} is not a selector; write letters, digits and "-", such as "tidings"')


def mailbox(text: str) -> str:
    """An address with or without a name; the name is quoted if RFC 5322 section 3.2.3 wants it so."""
    if "<" not in text:
        return address(text)
    found = _MAILBOX.fullmatch(line(text))
    if found is None:
        raise ValueError(f'{quoted(text)} is not a sender; write "Name <name@example.org>" or the address alone')
    checked = address(found["address"])
    name = re.sub(r"\\(.)", r"\1", found["name"].strip().removeprefix('"').removesuffix('"'))
    if not name:
        return checked
    if re.search(r'[()<>\[\]:;@\\,."]', name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{checked}>"


def domain_of(mailbox: str) -> str:
    """The domain of a checked mailbox, in lower case."""
    return mailbox.rstrip(">").rpartition("@")[2].lower()


def language(text: str) -> str:
    """A language tag that looks like one of BCP 47 (RFC 5646 section 2.1); whether it is registered is not checked."""
    if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", text):
        return text
    proposal = text.replace("_", "-").split(".")[0]
    if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})+", proposal):
        raise ValueError(f"{quoted(text)} is not a language tag; did you mean {quoted(proposal)}?")
    raise ValueError(f'{quoted(text)} is not a language tag; write one such as "en", "de" or "pt-BR"')


def timezone(text: str) -> str:
    """An IANA time zone name."""
    zones = _timezones()
    if text in zones:
        return text
    cities = {zone.rsplit("/", 1)[-1].casefold(): zone for zone in sorted(zones)}
    city = cities.get(text.strip().replace(" ", "_").casefold())
    question = f"; did you mean {quoted(city)}?" if city else did_you_mean(text, zones)
    raise ValueError(
        f"{quoted(text)} is not a time zone" + (question or '; write an IANA name such as "Europe/Berlin" or "UTC"')
    )


@cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def network(text: str) -> Network:
    """A range of addresses in CIDR notation, or one address."""
    try:
        loose = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(
            f'{quoted(text)} is not a range of addresses; write one such as "192.168.1.0/24" or "fd00::/8"'
        ) from None
    if "/" in text and ipaddress.ip_address(text.split("/")[0]) != loose.network_address:
        raise ValueError(f"{quoted(text)} has address bits behind its prefix; did you mean {quoted(str(loose))}?")
    return loose


def listen(text: str, usual: int = 8000) -> WebSettings:
    """A host and a port to serve on; IPv6 in brackets."""
    host, _, port = text.rpartition(":")
    if _is_host(host) and _is_port(port):
        return WebSettings(host=host.strip("[]"), port=int(port))
    raise ValueError(
        f'{quoted(text)} is not host:port; write "127.0.0.1:{usual}" or "[::1]:{usual}", ports are 1 to 65535'
    )


def listen_for_mail(text: str) -> WebSettings:
    """The same for a mail server of our own."""
    return listen(text, usual=8025)


def _is_host(text: str) -> bool:
    if not text.startswith("["):
        return re.fullmatch(rf"(?:{_LABEL}\.)*{_LABEL}", text) is not None
    try:
        ipaddress.IPv6Address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return text.endswith("]")


def _is_port(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", text) is not None and 1 <= int(text) <= 65535


def path(text: str) -> str:
    """A file or folder; relative ones start at the configuration file's folder."""
    if line(text).startswith("~"):
        raise ValueError(
            f"{quoted(text)} starts with `~`, which is not expanded; write the whole path, or one relative to this file"
        )
    return line(text)


def variable(text: str) -> str:
    """The name of an environment variable (POSIX.1 section 8.1)."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        return text
    raise ValueError(
        "is not the name of an environment variable (the password itself does not belong here); "
        'write a name such as "TIDINGS_SMTP_PASSWORD"'
    )
