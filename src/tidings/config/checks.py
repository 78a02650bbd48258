"""What no single key can know: names are unique, an edition's tags exist, a login is whole.

The checks read the raw document, so they speak up in the same run in which another key of the same table is wrong.
Anything of the wrong type is the schema's to report and is passed over here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tidings.addresses import key
from tidings.config.lines import KeyPath
from tidings.config.problems import Problem
from tidings.config.schema import WebTable
from tidings.config.settings import WebSettings
from tidings.config.values import domain_of, listen
from tidings.config.wording import any_of, did_you_mean, quoted

Entry = tuple[int, Mapping[str, Any]]

_EVERYWHERE = frozenset({"0.0.0.0", "::"})


def cross_checks(document: Mapping[str, Any]) -> list[Problem]:
    """Every problem between tables, in no particular order."""
    return [
        *_repeated(document, "editions", "name", lambda edition: _text(edition, "name")),
        *_repeated(document, "sources", "url", lambda source: _text(source, "url")),
        *_repeated(document, "sources", "name", source_name),
        *_half_logins(document),
        *_unused_tags(document),
        *_unknown_sources(document),
        *_repeated_subscribers(document),
        *_signatures(document),
        *_one_port_twice(document),
        *_postal_address(document),
        *_public_pages(document),
        *_signups(document),
    ]


def source_name(source: Mapping[str, Any]) -> str | None:
    """What a source is called: its `name`, else its URL without scheme, `www.` and trailing slash."""
    return _text(source, "name") or default_name(_text(source, "url") or "") or None


def default_name(url: str) -> str:
    """The URL without scheme, `www.` and trailing slash."""
    return url.partition("://")[2].removeprefix("www.").rstrip("/")


def _repeated(
    document: Mapping[str, Any], table: str, key: str, value_of: Callable[[Mapping[str, Any]], str | None]
) -> Iterator[Problem]:
    first_with: dict[str, int] = {}
    for index, entry in _entries(document, table):
        value = value_of(entry)
        if value is None:
            continue
        first = first_with.setdefault(value, index)
        if first != index and not _same_url(document, table, key, first, entry):
            # The value is not repeated: a URL may hold a password, and a name may come from such a URL.
            yield Problem((table, index, key), f"is also that of #{first + 1}; {_fix(key, entry)}")


def _same_url(document: Mapping[str, Any], table: str, key: str, first: int, entry: Mapping[str, Any]) -> bool:
    """Whether a repeated name only follows from a repeated URL, which is reported by itself."""
    return (
        table == "sources"
        and key == "name"
        and "name" not in entry
        and _text(document[table][first], "url") == _text(entry, "url")
    )


def _fix(key: str, entry: Mapping[str, Any]) -> str:
    if key == "url":
        return "remove one of the two"
    return "give this one another name" if "name" in entry else "this one needs a `name` of its own"


def _half_logins(document: Mapping[str, Any]) -> Iterator[Problem]:
    for index, source in _entries(document, "sources"):
        user, password = "username" in source, "password_env" in source
        if user and not password:
            fix = "has no password; add `password_env`, the environment variable that holds it"
            yield Problem(("sources", index, "username"), fix)
        if password and not user:
            yield Problem(("sources", index, "password_env"), "has no user; add `username`")
        headers = source.get("headers")
        if user and isinstance(headers, dict) and "authorization" in {name.lower() for name in headers}:
            fix = "`headers` has Authorization as well; keep one of the two"
            yield Problem(("sources", index, "username"), fix)


def _unused_tags(document: Mapping[str, Any]) -> Iterator[Problem]:
    known = sorted({tag for _, source in _entries(document, "sources") for _, tag in _texts(source, "tags")})
    for index, edition in _entries(document, "editions"):
        for item, tag in _texts(edition, "tags"):
            if tag not in known:
                path: KeyPath = ("editions", index, "tags", item)
                yield Problem(path, f"{quoted(tag)} is a tag of no source{_known_tags(tag, known)}")


def _known_tags(tag: str, known: list[str]) -> str:
    if not known:
        return "; no source has tags yet, add it to the `tags` of one"
    return did_you_mean(tag, known) or f"; tags in use are {any_of(quoted(name) for name in known[:8])}"


def _repeated_subscribers(document: Mapping[str, Any]) -> Iterator[Problem]:
    for index, edition in _entries(document, "editions"):
        seen: set[str] = set()
        for item, address in _addresses(edition):
            if key(address) in seen:
                yield Problem(("editions", index, "subscribers", item), f"{quoted(address)} is listed twice; keep one")
            seen.add(key(address))


def _addresses(edition: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """The subscribers' addresses, each with its place in their list."""
    readers = edition.get("subscribers")
    for item, reader in enumerate(readers if isinstance(readers, list) else []):
        address = reader.get("address") if isinstance(reader, dict) else reader
        if isinstance(address, str):
            yield item, address.strip()


def _unknown_sources(document: Mapping[str, Any]) -> Iterator[Problem]:
    known = sorted(name for _, source in _entries(document, "sources") if (name := source_name(source)))
    for index, edition in _entries(document, "editions"):
        for item, name in _texts(edition, "sources"):
            if name not in known:
                path: KeyPath = ("editions", index, "sources", item)
                yield Problem(path, f"{quoted(name)} is the name of no source{_known_sources(name, known)}")


def _known_sources(name: str, known: list[str]) -> str:
    if not known:
        return "; there are none yet, add a [[sources]] table"
    return did_you_mean(name, known) or f"; there are {any_of(quoted(one) for one in known[:8])}"


def _signatures(document: Mapping[str, Any]) -> Iterator[Problem]:
    mail = document.get("mail")
    dkim = mail.get("dkim") if isinstance(mail, dict) else None
    if not isinstance(mail, dict) or not isinstance(dkim, dict):
        return
    place: KeyPath = ("mail", "dkim")
    yield from (Problem((*place, key), message) for key, message in _second_key(dkim))
    signing, sending = (_text(dkim, "domain") or "").lower(), domain_of(_text(mail, "from") or "")
    if signing and sending and not _aligned(signing, sending):
        fix = f"write {quoted(sending)}, or leave the key out"
        yield Problem((*place, "domain"), f"{quoted(signing)} is not the domain of `from`; {fix}")


def _public_pages(document: Mapping[str, Any]) -> Iterator[Problem]:
    """A link that ends a subscription at one click has to be https (RFC 8058 section 3.1)."""
    web, site = document.get("web"), document.get("site")
    if not isinstance(web, dict) or not isinstance(site, dict) or web.get("public") is not True:
        return
    if (_text(site, "url") or "").lower().startswith("http://"):
        fix = 'readers do something there, which needs https; make [site] url begin with "https://"'
        yield Problem(("web", "public"), f"is true, and [site] url has no encryption; {fix}")


def _one_port_twice(document: Mapping[str, Any]) -> Iterator[Problem]:
    mail = document.get("mail")
    door = _listens(mail.get("bounces") if isinstance(mail, dict) else None, None)
    web = _listens(document.get("web"), WebTable().listen)
    if door is None or web is None or door.port != web.port:
        return
    if _overlap(door.host, web.host):
        yield Problem(("mail", "bounces", "listen"), "is where [web] listens; give one of the two another port")


def _overlap(one: str, other: str) -> bool:
    """Whether two hosts share an address: each is the other, or all addresses of the same kind."""
    if one == other:
        return True
    kinds = {":" in one, ":" in other}
    return len(kinds) == 1 and not _EVERYWHERE.isdisjoint((one, other))


def _listens(table: object, otherwise: WebSettings | None) -> WebSettings | None:
    """Where a table says to listen; None where that can't be told, which the schema reports."""
    if not isinstance(table, dict) or "listen" not in table:
        return otherwise
    try:
        return listen(_text(table, "listen") or "")
    except ValueError:
        return None


def _signups(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Who lets strangers subscribe needs a page for it, mail to confirm by, and an address of its own to print in it:
    CAN-SPAM (15 U.S.C. 7704 (a)(5)) and the German DDG (section 5) want that in mail to strangers."""
    missing = _missing_for_signups(document)
    for index, edition in _entries(document, "editions"):
        if missing and edition.get("signup") is True:
            yield Problem(("editions", index, "signup"), f"is true, and {missing}, or leave this key out")


def _missing_for_signups(document: Mapping[str, Any]) -> str:
    """What keeps strangers from subscribing, with what to do; "" for nothing."""
    mail, web = document.get("mail"), document.get("web")
    if not isinstance(mail, dict):
        return "there is no [mail] table to send confirmations with; add one"
    if not _text(mail, "postal_address"):
        return "[mail] `postal_address` says nothing, which mail to strangers must have; write it there"
    if not isinstance(web, dict) or web.get("public") is not True:
        return "[web] `public` is not, so nobody can come to the page; set it to true once [site] url leads there"
    return ""


def _second_key(dkim: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    selector, file = "ed25519_selector" in dkim, "ed25519_key_file" in dkim
    if selector and not file:
        yield "ed25519_selector", "has no key; add `ed25519_key_file`"
    if file and not selector:
        yield "ed25519_key_file", "has no selector; add `ed25519_selector`"
    names = [(_text(dkim, key) or "").lower() for key in ("selector", "ed25519_selector")]
    if names[0] and names[0] == names[1]:
        yield "ed25519_selector", "is that of the other key; give each key one of its own"


def _postal_address(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Wanted as soon as mail leaves the house: the laws of many countries ask for it in what goes to strangers, such as
    CAN-SPAM (15 U.S.C. 7704 (a)(5)) and the German DDG (section 5)."""
    mail = document.get("mail")
    if not isinstance(mail, dict) or "postal_address" in mail or not _leaves(mail):
        return
    if any(True for _, edition in _entries(document, "editions") for _ in _addresses(edition)):
        fix = "write the address that is printed in each mail, or `postal_address = false` if you know all readers"
        yield Problem(("mail", "postal_address"), f"is missing, and mail goes to subscribers; {fix}")


def _leaves(mail: Mapping[str, Any]) -> bool:
    """Whether mail goes to a server, and not into a folder."""
    scheme = (_text(mail, "transport") or "").partition(":")[0]
    return scheme not in ("", "file")


def _aligned(signing: str, sending: str) -> bool:
    """Whether a signature counts for the sender: one domain is the other, or above it (RFC 7489 section 3.1.1)."""
    return f".{sending}".endswith(f".{signing}") or f".{signing}".endswith(f".{sending}")


def _entries(document: Mapping[str, Any], table: str) -> Iterator[Entry]:
    entries = document.get(table)
    if isinstance(entries, list):
        yield from ((index, entry) for index, entry in enumerate(entries) if isinstance(entry, dict))


def _texts(entry: Mapping[str, Any], key: str) -> Iterator[tuple[int, str]]:
    items = entry.get(key)
    if isinstance(items, list):
        yield from ((item, text.strip()) for item, text in enumerate(items) if isinstance(text, str))


def _text(entry: Mapping[str, Any], key: str) -> str | None:
    value = entry.get(key)
    return value.strip() if isinstance(value, str) else None
