"""Rules on the text part of a mail: it says what the HTML says, and shows no trace of how that was made."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tidings.mail.findings import Finding, named, red, yellow
from tidings.mail.judging_links import unsubscribes
from tidings.mail.opening import Opened
from tidings.mail.tree import Element

_URL = re.compile(r"(?:https?://|mailto:)[^\s<>\"]+", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:nbsp|amp|lt|gt|quot|#\d+|#x[0-9a-f]+);", re.IGNORECASE)
_CSS = re.compile(r"(?<![\w.#@*-])[\w.#@*-]+[ \t]*\{[ \t]*[a-z-]+[ \t]*:[^{}\n]*[;}]")
_EMPTY_BRACKETS = re.compile(r"(?<!\S)(?:\S+[ \t]+)?(?:\([ \t]*\)|\[[ \t]*\]|<[ \t]*>)(?![^\s.,:;])")
_ENDS = re.compile(r"[\s>)\]]|\Z")
_LIST_OF_HEADLINES = "t"
"""The class that `templates/mail.html` gives the contents and the list of what was updated."""


def parity(mail: Opened) -> Iterator[Finding]:
    """Compares the text with the HTML."""
    text = " ".join(mail.text.split())
    written = set(_URL.findall(mail.text))
    written |= {url.rstrip(".,;:!?)]") for url in written}
    headlines: list[str] = []
    lost_headlines: list[str] = []
    lost: list[str] = []
    ways: list[str] = []
    for element in mail.tree.below():
        if element.tag in ("h1", "h2"):
            headlines.append(element.text())
        url = _address(element)
        if not url:
            continue
        if _in_headline(element):
            headlines.append(element.text())
        if unsubscribes(mail, url):
            ways.append(url)
        elif url not in written and not _stands_in(mail.text, url):
            (lost_headlines if _in_headline(element) else lost).append(url)
    silent = [headline for headline in headlines if headline not in text]
    if silent:
        yield red("text-headline", f"the text lacks what the HTML has as headline: {named(silent)}.")
    if lost_headlines:
        yield red("text-headline-link", f"the text lacks the link of a headline: {named(lost_headlines)}.")
    if lost:
        yield yellow("text-link", f"the text lacks links that the HTML has: {named(lost)}.")
    if not (written.intersection(ways) if ways else any(unsubscribes(mail, url) for url in written)):
        yield red("text-unsubscribe", "the text has no address to unsubscribe. Put it back into the template.")
    yield from _traces(mail)


def _address(element: Element) -> str:
    """Where a link leads, as the text would write it; "" for what is no link to a page or an address."""
    if element.tag != "a":
        return ""
    url = re.sub("[\x00-\x1f\x7f]", "", element.attributes.get("href", "")).strip().replace(" ", "%20")
    return url if _URL.match(url) else ""


def _stands_in(text: str, url: str) -> bool:
    """Whether a text has a URL with nothing after it. Feeds write URLs with characters in them that end others."""
    start = text.find(url)
    while start >= 0 and not _ENDS.match(text, start + len(url)):
        start = text.find(url, start + 1)
    return start >= 0


def _in_headline(link: Element) -> bool:
    return any(
        around.tag in ("h1", "h2") or (_LIST_OF_HEADLINES in around.classes and around.tag in ("ol", "ul"))
        for around in link.ancestors()
    )


def _traces(mail: Opened) -> Iterator[Finding]:
    """What only mark-up has. Posts about mark-up show it to the reader, then it is in the HTML's text as well."""
    seen = mail.tree.text()
    for rule, pattern, what in (
        ("text-entity", _ENTITY, "entities of HTML"),
        ("text-css", _CSS, "style rules"),
        ("text-brackets", _EMPTY_BRACKETS, "brackets with nothing in them"),
    ):
        found = [one for one in pattern.findall(mail.text) if " ".join(one.split()) not in seen]
        if found:
            yield yellow(rule, f"the text has {what}: {named(found)}.")
