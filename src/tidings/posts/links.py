"""URLs of posts: made absolute, spelled in one way, and followed through pages that only pass a reader on. Pure.

`resolve` gives what a reader may click; `carried` gives the page behind a link of a known wrapper. What makes two links
the same page is in canonical.py.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

# Controls, invisible characters, and lone surrogates, which no UTF-8 can hold.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u200b-\u200f\u2028-\u202f\u2066-\u2069\ufeff\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_CLICKABLE = ("http", "https", "mailto")
LONGEST = 8192
"""Characters of a link; RFC 9110 section 4.1 asks of servers to support 8,000."""

# A URL in nothing but characters that stay as they are: resolving it gives it back, and its parts are in plain sight.
# Most links are like that.
_PLAIN = re.compile(r"https?://([a-z0-9.-]+)(/[A-Za-z0-9/._~%+,;:@!&=()*$'-]*)?(?:\?([!\"$-~]*))?(?:#([!-~]*))?")

_LONGEST_HOST = 253  # RFC 1035 section 2.3.4, written out; punycode takes the square of the length
_IGNORED_IN_HOSTS = re.compile("[\u00ad\u034f\ufe00-\ufe0f]")  # soft hyphens and the like: UTS 46 drops them
_IDEOGRAPHIC_STOP = "\u3002"  # a dot between labels, typed on a Chinese or Japanese keyboard (UTS 46 section 4)

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~-]*")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def resolve(base: str, link: str) -> str:
    """The absolute http, https or mailto URL that `link` means in a document at `base`, or "" when there is none.

    Control characters and invisible ones inside are dropped, as browsers do (WHATWG URL, "tab or newline"); spaces
    inside become %20. Never raises; what is longer than 8,192 characters is no link.
    """
    if not link or plain_parts(link):
        return link
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
    if scheme not in _CLICKABLE or len(absolute) > LONGEST:
        return ""
    absolute = scheme + absolute[len(scheme) :]
    if scheme == "mailto":
        return absolute if "@" in parts.path else ""
    return absolute if parts.hostname else ""


def web_address(base: str, link: str) -> str:
    """The same of what is to be fetched, as a picture is: "" for an address of mail, too."""
    url = resolve(base, link)
    return url if url.startswith(("http://", "https://")) else ""


def plain_parts(url: str) -> tuple[str, str, str, str] | None:
    """Host, path, query and fragment of an absolute URL in plain characters, as it is mostly written; None for any
    other, which has to be looked at more closely."""
    found = _PLAIN.fullmatch(url) if len(url) <= LONGEST else None
    return (found[1], found[2] or "", found[3] or "", found[4] or "") if found else None


def host(url: str) -> str:
    """The lower-case host of a URL in ASCII, without `www.`; "" when it has none."""
    try:
        return bare_host(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def bare_host(name: str) -> str:
    """A host's name in lower case and ASCII, without its final dots and without `www.` before a name of two labels or
    more (`www.com` is a host of its own). An IPv6 address comes in its brackets; what is too long for a name is not
    translated."""
    name = (name.lower() if name.isascii() or len(name) > _LONGEST_HOST else _in_ascii(name)).rstrip(".")
    if ":" in name:
        return f"[{name}]"
    while name.startswith("www.") and "." in name[4:]:
        name = name.removeprefix("www.")
    return name


def escaped(text: str) -> str:
    """A path or a route with only the escapes it needs (RFC 3986 section 6.2.2: unreserved plain, hex digits in
    capitals)."""
    if _PLAIN_PATH.fullmatch(text):
        return text
    quoted = quote(_STRAY_PERCENT.sub("%25", text), safe="/%:@!$&'()*+,;=~-._?", errors="replace")
    return _ESCAPE.sub(_plain_if_unreserved, quoted)


def _plain_if_unreserved(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if _UNRESERVED.match(character) else escape[0].upper()


def without_dot_segments(path: str) -> str:
    """RFC 3986 section 5.2.4. The segment before the first slash is empty and stays."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment not in (".", ".."):
            kept.append(segment)
        elif segment == ".." and len(kept) > 1:
            kept.pop()
    return "/".join(kept)


def _in_ascii(name: str) -> str:
    """An international name as it stands in the DNS, mapped as browsers do (UTS 46, nontransitional).

    Python's own `idna` codec knows IDNA 2003 only, and so takes straße.example for strasse.example, which may belong
    to somebody else; it refuses names that exist as well. Lower case goes letter by letter: at the end of a word
    str.lower() makes another sigma than UTS 46 does.
    """
    mapped = unicodedata.normalize("NFKC", "".join(map(str.lower, _IGNORED_IN_HOSTS.sub("", name))))
    labels = mapped.replace(_IDEOGRAPHIC_STOP, ".").split(".")
    return ".".join(label if label.isascii() else _punycode(label) for label in labels)


def _punycode(label: str) -> str:
    try:
        return "xn--" + label.encode("punycode").decode("ascii").lower()
    except UnicodeError:
        return label


def _in_one_piece(url: str) -> str:
    return _UNSEEN.sub("", url.strip()).strip().replace(" ", "%20")


# ------------------------------------------------------------------------------------------------------- wrappers

_Path = re.Match[str]
_Reader = Callable[[_Path, str], str]
_Rule = tuple[re.Pattern[str], _Reader]

_ABSOLUTE = re.compile(r"https?:/+\S", re.IGNORECASE)
_ENCODED_AGAIN = re.compile(r"https?%3a", re.IGNORECASE)
_URL_IN_BYTES = re.compile(rb"https?://[\x21-\x7e]+")


def carried(host: str, path: str, query: str) -> str:
    """The URL that a page of a known wrapper passes its visitor on to, or "" when it is no such page.

    Takes the parts of a canonical URL. Only hosts known to be wrappers are looked at, and of them only the pages that
    are: `?url=` elsewhere is a parameter like any other (share buttons, players, validators have it).
    """
    for pattern, reader in _WRAPPERS.get(_wrapper(host), ()):
        if match := pattern.fullmatch(path):
            return reader(match, query)
    return ""


def _wrapper(host: str) -> str:
    """The name under which a wrapper of many hosts stands in the table; any other host is its own."""
    if host.startswith(("google.", "yandex.")):
        return _NATIONAL.sub(r"\1.com", host)
    for family in _FAMILIES:
        if host.endswith(family):
            return family
    return host


def _parameter(*names: str) -> _Reader:
    """The target is the value of the first of these parameters that holds a URL."""

    def read(_: _Path, query: str) -> str:
        pairs = parse_qsl(query, errors="surrogateescape")
        values = (value for name in names for key, value in pairs if key.lower() == name)
        decoded = (unquote(value) if _ENCODED_AGAIN.match(value) else value for value in values)
        return next((value for value in decoded if _ABSOLUTE.match(value)), "")

    return read


def _rest_of_path(path: _Path, query: str) -> str:
    """The target follows in the path, with or without a scheme, and the query is its own."""
    target = f"{path[1]}?{query}" if query else path[1]
    return target if _ABSOLUTE.match(target) else f"https://{target}"


def _escaped_in_path(path: _Path, _: str) -> str:
    """The target is one segment of the path, escaped."""
    return unquote(path[1])


def _whole_query(_: _Path, query: str) -> str:
    """The target is all that follows the question mark. In the canonical query its own parameters are sorted away from
    it; it is the one with a scheme."""
    pieces = [unquote(piece, errors="surrogateescape").removesuffix("=") for piece in query.split("&")]
    start = next((piece for piece in pieces if _ABSOLUTE.match(piece)), "")
    return "&".join([start, *(piece for piece in pieces if piece != start)]) if "?" in start else start


def _bing(_: _Path, query: str) -> str:
    """The value of `u` is "a1" and the target in URL-safe base64."""
    value = dict(parse_qsl(query)).get("u", "")
    return _url_in_base64(value.removeprefix("a1"))


def _google_news(path: _Path, _: str) -> str:
    """Ids that Google News made until 2024 are a protocol buffer in base64 with the target in it. Later ones hold no
    URL, and stay."""
    return _url_in_base64(path[1])


def _substack(path: _Path, _: str) -> str:
    """The application's address of a post names the writer."""
    return f"https://{path[1]}.substack.com{path[2]}"


def _url_in_base64(text: str) -> str:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return ""
    found = _URL_IN_BYTES.search(data)
    return found[0].decode("ascii") if found else ""


def _table(rows: Iterable[tuple[str, str, _Reader]]) -> dict[str, tuple[_Rule, ...]]:
    rules: dict[str, tuple[_Rule, ...]] = {}
    for hosts, path, reader in rows:
        for name in hosts.split():
            rules[name] = (*rules.get(name, ()), (re.compile(path), reader))
    return rules


_NATIONAL = re.compile(r"(google|yandex)\.(?:com?\.)?[a-z]{2,3}$")  # google.de, google.co.uk, google.com.au
_FAMILIES = (".safelinks.protection.outlook.com", ".cdn.ampproject.org")

# Hosts without www. and m., canonical paths, and where the target stands. feedproxy.google.com and feeds.feedburner.com
# are missing, as are all short links: only the network knows where they lead (of FeedBurner's the feed says it in
# origLink, which entries.py reads).
_WRAPPERS = _table(
    [
        ("google.com", "/url", _parameter("q", "url")),
        ("google.com", r"/amp/(?:s/)?([^/]+\.[^/]+/.*)", _rest_of_path),
        ("news.google.com", "/news/url", _parameter("url")),
        ("news.google.com", r"/(?:__i/)?(?:rss/)?(?:rd/)?(?:articles|read)/(CBM[\w-]+)", _google_news),
        ("plus.url.google.com", "/url", _parameter("q")),
        ("googleweblight.com", "/?[a-z]*", _parameter("u", "lite_url")),
        ("cdn.ampproject.org .cdn.ampproject.org", r"/[a-z]{1,3}/(?:s/)?([^/]+\.[^/]+/.*)", _rest_of_path),
        ("bing.com", "/ck/a", _bing),
        ("duckduckgo.com", "/l", _parameter("uddg")),
        ("yandex.com", "/clck/jsredir", _parameter("url")),
        ("yandex.com", r"/turbo/(?:s/)?([^/]+\.[^/]+/.*)", _rest_of_path),
        ("sba.yandex.net", "/redirect", _parameter("url")),
        ("zen.yandex.ru dzen.ru", "/away", _parameter("to")),
        ("facebook.com l.facebook.com lm.facebook.com l.messenger.com", r"/l\.php", _parameter("u")),
        ("facebook.com", "/flx/warn", _parameter("u")),
        ("l.instagram.com l.threads.com l.threads.net l.workplace.com", r"(?:/l\.php)?", _parameter("u")),
        ("t.umblr.com", "/redirect", _parameter("z")),
        ("out.reddit.com", ".*", _parameter("url")),
        ("medium.com", "/r", _parameter("url")),
        ("open.substack.com", "/pub/([a-z0-9-]+)(/p/[^/]+)", _substack),
        ("linkedin.com", "/redir/redirect|/safety/go", _parameter("url")),
        ("steamcommunity.com", "/linkfilter", _parameter("url", "u")),
        ("vk.com vk.ru", r"/away(?:\.php)?", _parameter("to")),
        ("youtube.com", "/redirect", _parameter("q")),
        ("slack-redir.net", "/link", _parameter("url")),
        ("getpocket.com", "/redirect", _parameter("url")),
        ("exit.sc gate.sc", "", _parameter("url")),
        ("link.zhihu.com link.juejin.cn link.csdn.net", "", _parameter("target")),
        ("weibo.cn", "/sinaurl", _parameter("u", "toasturl")),
        (".safelinks.protection.outlook.com", ".*", _parameter("url")),
        ("go.redirectingat.com go.skimresources.com", "", _parameter("url")),
        ("redirect.viglink.com", "", _parameter("u")),
        ("awin1.com", r"/[a-z]+\.php", _parameter("ued", "p")),
        ("click.linksynergy.com", "/deeplink|/fs-bin/click", _parameter("murl")),
        ("href.li anonym.to anon.to nullrefer.com dereferer.me", "", _whole_query),
        ("pixiv.net", r"/jump\.php", _whole_query),
        # A copy with the address of its page. The list of all copies (/web/*/…) is none.
        ("web.archive.org", r"/web/\d{1,14}(?:[a-z]{2}_)?/((?:https?:/+)?[^/]+\.[^/]+(?:/.*)?)", _rest_of_path),
        ("archive.ph archive.is archive.today archive.li archive.vn archive.fo archive.md",
         r"/(?:\d{4,14}|newest|o/\w+)/(https?:/.*)", _rest_of_path),
        ("12ft.io freedium.cfd", r"/(https?:/.*)", _rest_of_path),
        ("12ft.io", "/proxy", _parameter("q")),
        ("rd.yahoo.com us.rd.yahoo.com redir.folha.com.br", r"/.*/\*(https?:/.*)", _rest_of_path),
        ("r.search.yahoo.com", "/.*/RU=([^/]+)/.*", _escaped_in_path),
        ("go.theregister.com", r"/feed/([^/]+\.[^/]+/.*)", _rest_of_path),
    ]
)  # fmt: skip
