"""URLs of posts: made absolute, and made comparable. Pure.

`resolve` gives what a reader may click; `canonical` gives what two sources' copies of one story have in common and is
never shown or fetched.
"""

from __future__ import annotations

import contextlib
import re
import string
from functools import lru_cache
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

# Controls, invisible characters, and lone surrogates, which no UTF-8 can hold.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CLICKABLE = ("http", "https", "mailto")
_LONGEST = 8192  # characters; RFC 9110 section 4.1 asks of servers to support 8,000

_TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "hsa_", "oly_", "vero_", "_hs")
_TRACKING = frozenset(
    "fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid twclid ttclid igshid igsh li_fat_id mc_cid mc_eid mkt_tok "
    "ga_source ga_medium ga_campaign ga_term ga_content s_cid wickedid rb_clickid __s ml_subscriber ml_subscriber_hash "
    "cmpid ncid sr_share spm scm at_medium at_campaign".split()
)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def resolve(base: str, link: str) -> str:
    """The absolute http, https or mailto URL that `link` means in a document at `base`, or "" when there is none.

    Control characters and invisible ones inside are dropped, as browsers do (WHATWG URL, "tab or newline"); spaces
    inside become %20. Never raises; what is longer than 8,192 characters is no link.
    """
    link = _in_one_piece(link)
    if not link:
        return ""
    try:
        absolute = link if _SCHEME.match(link) else urljoin(_in_one_piece(base), link)
        parts = urlsplit(absolute)
        _ = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme
    if scheme not in _CLICKABLE or len(absolute) > _LONGEST:
        return ""
    absolute = scheme + absolute[len(scheme) :]
    if scheme == "mailto":
        return absolute if "@" in parts.path else ""
    return absolute if parts.hostname else ""


@lru_cache(maxsize=2048)  # deciding on a document asks several times for each of its links
def canonical(url: str) -> str:
    """`url` without what differs between two links to the same page: scheme, `www.`, default port, letter case of the
    host, tracking parameters, order of parameters, trailing slash, fragment, percent-encoding of plain characters.

    Returns "" for what is not an http or https URL. Never raises; canonical(canonical(x)) == canonical(x).
    A fragment that is a route (`#!…`, `#/…`) names the page and stays.
    """
    try:
        parts = urlsplit(resolve("", url))
        port = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        return ""
    host = _canonical_host(parts.hostname)
    if not host:
        return ""
    place = f"{host}:{port}" if port and port not in _DEFAULT_PORTS.values() else host
    path = _canonical_path(parts.path).rstrip("/")
    query = _canonical_query(parts.query)
    fragment = f"#{parts.fragment}" if parts.fragment.startswith(("!", "/")) else ""
    return f"https://{place}{path}{'?' + query if query else ''}{fragment}"


def is_front_page(canonical_url: str) -> bool:
    """Whether a canonical URL names a whole site, not a page of it: then it can't tell one story from another."""
    try:
        parts = urlsplit(canonical_url)
    except ValueError:
        return False
    return not parts.path.strip("/") and not parts.query and not parts.fragment


def host(url: str) -> str:
    """The lower-case host of a URL, without `www.`; "" when it has none."""
    try:
        return _canonical_host(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _in_one_piece(url: str) -> str:
    return _UNSEEN.sub("", url.strip()).strip().replace(" ", "%20")


def _canonical_host(name: str) -> str:
    name = name.lower()
    if not name.isascii():
        with contextlib.suppress(UnicodeError):
            name = name.encode("idna").decode("ascii")
    name = name.rstrip(".")
    if ":" in name:
        return f"[{name}]"
    while name.startswith("www."):
        name = name.removeprefix("www.")
    return name


def _canonical_path(path: str) -> str:
    """The path with only the escapes it needs (RFC 3986 section 6.2.2: unreserved plain, hex digits in capitals)."""
    escaped = quote(_STRAY_PERCENT.sub("%25", path), safe="/%:@!$&'()*+,;=~-._", errors="replace")
    return _ESCAPE.sub(_plain_if_unreserved, escaped)


def _plain_if_unreserved(escape: re.Match[str]) -> str:
    character = chr(int(escape.group(1), 16))
    return character if character in _UNRESERVED else escape.group().upper()


def _canonical_query(query: str) -> str:
    # Bytes that are no UTF-8 come through as they are: old sites escape Latin-1 or Shift-JIS.
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    kept = [(name, value) for name, value in pairs if not _is_tracking(name)]
    return urlencode(sorted(kept), errors="surrogateescape")


def _is_tracking(name: str) -> bool:
    name = name.lower()
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)
