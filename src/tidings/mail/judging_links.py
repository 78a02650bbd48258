"""Rules on where links and pictures of a mail lead, and on what its reader must find: the way out, and who sends."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from urllib.parse import urlsplit

from tidings.mail.findings import Asked, Finding, named, red, yellow
from tidings.mail.opening import Opened
from tidings.mail.tree import Element

FIRST_BYTES = 20_000
"""Bytes of the HTML in which a link to unsubscribe has to stand, so that no client cuts off the only one."""

_SHORTENERS = frozenset(
    "bit.ly t.co goo.gl tinyurl.com ow.ly is.gd v.gd buff.ly lnkd.in rebrand.ly t.ly cutt.ly tiny.cc shorturl.at "
    "dlvr.it fb.me trib.al bl.ink rb.gy j.mp amzn.to shorte.st adf.ly s.id soo.gd clck.ru".split()
)
_DOMAIN = re.compile(
    r"(?:https?://)?((?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+([a-z]{2,24}))(?::\d+)?(/\S*)?", re.IGNORECASE
)
# "README.md", "core.async" or "Node.js" are names of things. What is no whole address has to end like most hosts do.
_COMMON_ENDS = frozenset(
    "com org edu gov info io dev app co me blog us ca uk ie de fr nl be ch at it es pt se no dk fi cz ru ua eu au nz "
    "jp cn in br mx example".split()
)
_NO_POSTAL_ADDRESS = (
    "no postal address is configured; commercial mail needs one in many countries. Set [mail] postal_address, to the "
    "address or to false."
)
_LONGEST_NAME = 300  # characters of a link's text that can be the name of a site
_TINY = re.compile(r"(?<![\w-])(width|height)\s*:\s*[01](?:\.\d+)?(?:px)?\s*(?:;|!|$)", re.IGNORECASE)


def links(mail: Opened, asked: Asked) -> Iterator[Finding]:
    """Judges addresses, pixels, link texts, the link to unsubscribe and the postal address."""
    elements = list(mail.tree.below())
    anchors = [element for element in elements if element.tag == "a" and "href" in element.attributes]
    images = [element for element in elements if element.tag == "img"]
    yield from _addresses([*anchors, *images])
    pixels = [element.attributes.get("src", "") for element in images if _is_pixel(element)]
    if pixels:
        yield red("tracking-pixel", f"a picture of one pixel only tells who reads: {named(pixels)}. Take it out.")
    yield from _texts(anchors, elements)
    yield from _way_out(mail, anchors)
    yield from _sender(mail, asked)


def host_of(url: str) -> str:
    """The host a web address leads to, in lower case without "www."; "" for what is no absolute web address."""
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host.lower().removeprefix("www.") if parts.scheme in ("http", "https") else ""


def unsubscribes(mail: Opened, url: str) -> bool:
    """Whether a link is a way out of the list: one of those that List-Unsubscribe gives, or called so."""
    return bool(url) and (f"<{url}>" in (mail.header("list-unsubscribe") or "") or "unsubscribe" in url.lower())


def _addresses(elements: list[Element]) -> Iterator[Finding]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for element in elements:
        url = element.attributes.get("src" if element.tag == "img" else "href", "").strip()
        scheme = "".join(url[:200].split()).partition(":")[0].lower()
        if host_of(url):
            if scheme == "http":
                found["http"].append(url)
            if element.tag == "a" and host_of(url) in _SHORTENERS:
                found["short"].append(url)
        elif scheme in ("http", "https"):
            found["broken"].append(url)
        # What runs or is packed inside has rules of its own (judging_content.py).
        elif not (scheme == "mailto" and element.tag == "a") and scheme not in ("javascript", "data"):
            found["wrong"].append(url or f"an empty one in <{element.tag}>")
    if found["wrong"]:
        yield red(
            "link-scheme", f"a mail needs whole http(s) or mailto addresses; these are not: {named(found['wrong'])}."
        )
    if found["broken"]:
        yield yellow(
            "broken-link", f"these addresses lead nowhere: {named(found['broken'])}. Their blog writes them so."
        )
    if found["http"]:
        yield yellow("plain-http", f"without encryption: {named(found['http'])}. If the site has https, use it.")
    if found["short"]:
        yield yellow("shortener", f"filters distrust shortened links: {named(found['short'])}. Use where they lead.")


def _is_pixel(image: Element) -> bool:
    sizes = [image.attributes.get(side, "").strip().removesuffix("px") for side in ("width", "height")]
    styled = {side.lower() for side in _TINY.findall(image.attributes.get("style", ""))}
    return all(size in ("0", "1") for size in sizes) or styled == {"width", "height"}


def _texts(anchors: list[Element], elements: list[Element]) -> Iterator[Finding]:
    lying = []
    for anchor in anchors:
        shown = _DOMAIN.fullmatch(anchor.text()[:_LONGEST_NAME])
        host = host_of(anchor.attributes["href"])
        if shown and host and _names_site(shown):
            named_host = shown[1].lower().removeprefix("www.")
            if not f".{host}".endswith(f".{named_host}") and not f".{named_host}".endswith(f".{host}"):
                lying.append(f"“{shown[0]}” leads to {host}")
    if lying:
        yield yellow("link-text", f"a link that names one site and leads to another looks like fraud: {named(lying)}.")
    empty = [anchor.attributes["href"] for anchor in anchors if not _says_something(anchor)]
    if empty:
        yield yellow("empty-link", f"nothing to read or to press in the link to {named(empty)}.")
    hollow = [one.tag for one in elements if re.fullmatch("h[1-6]", one.tag) and not _says_something(one)]
    if hollow:
        yield yellow("empty-heading", f"a heading without text: {named(f'<{tag}>' for tag in hollow)}.")


def _names_site(shown: re.Match[str]) -> bool:
    whole = "://" in shown[0] or shown[0].lower().startswith("www.")
    return whole or shown[2].lower() in _COMMON_ENDS


def _says_something(element: Element) -> bool:
    pictures = (below.attributes.get("alt", "").strip() for below in element.below() if below.tag == "img")
    return bool(element.text() or element.attributes.get("aria-label", "").strip() or any(pictures))


def _way_out(mail: Opened, anchors: list[Element]) -> Iterator[Finding]:
    ways = [anchor for anchor in anchors if unsubscribes(mail, anchor.attributes["href"])]
    if not ways:
        yield red(
            "unsubscribe-link",
            "the HTML has no link to unsubscribe; the law of many countries wants one. "
            "Put it back into the template, or set [mail] from or reply_to, which it is made of.",
        )
    elif len(mail.html[: ways[0].offset].encode("utf-8", "replace")) > FIRST_BYTES:
        yield yellow(
            "unsubscribe-early",
            f"the first link to unsubscribe comes after {FIRST_BYTES:,} bytes of HTML; where a client cuts the mail "
            "off, readers press “spam” instead. Put one near the top of the template.",
        )


def _sender(mail: Opened, asked: Asked) -> Iterator[Finding]:
    lines = [" ".join(line.split()) for line in asked.postal_address.splitlines() if line.strip()]
    if not lines:
        if not asked.is_private:
            yield yellow("postal-address", _NO_POSTAL_ADDRESS)
        return
    parts = {"HTML": mail.tree.text(), "text": " ".join(mail.text.split())}
    lacking = [part for part, shown in parts.items() if not all(line in shown for line in lines)]
    if lacking:
        yield yellow("postal-address", f"the postal address is not in the {' and the '.join(lacking)} of the mail.")
