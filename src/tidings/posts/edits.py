"""Has a post changed since it was stored, and is that worth telling? Pure."""

from __future__ import annotations

import hashlib
import re
from html import unescape

from tidings.model import EditKind, ParsedPost, Remembered
from tidings.posts.canonical import canonical
from tidings.posts.likeness import resemblance, shingles, words_of
from tidings.posts.plain import bare_text

_ALIKE = 0.9
"""Of a text whose words are the same but for less than a tenth no reader wants to hear again (research on aggregators,
b.8)."""
_WORDS_ADDED = 50
"""What makes a postscript to a text of any length."""

# What counters and scripts rewrite at every fetch: numbers, and how long ago something was.
_NUMBER = re.compile(r"\d[\d.,:]*")
_AGO = re.compile(r"(?<!\w)(?:an?|one|a few|#) (?:second|minute|min|hour|day|week|month|year)s? ago\b|\bjust now\b")

_LINK = re.compile(r"""<a\s[^<>]*?href\s*=\s*["']([^"'<>]*)""", re.IGNORECASE)
_PICTURE = re.compile(r"""<img\s[^<>]*?src\s*=\s*["']([^"'<>]*)[^<>]*""", re.IGNORECASE)
_UNSEEN = re.compile(r"""\s(?:width|height)\s*=\s*["']?[01]\b""", re.IGNORECASE)
_LONGEST_QUERY = 16  # characters

_LOSS = 0.7
_VOLATILE = 0.25


def content_hash(post: ParsedPost) -> str:
    """A fingerprint (32 hex digits) of what a reader would see: title, link, text, enclosures; white space folded.

    Dates are left out: many feeds bump `updated` on every build without changing a word (research on aggregators, b.8).
    """
    parts = [post.title, post.url, post.content_html, post.summary_html, *(file.url for file in post.enclosures)]
    return _hash("\x00".join(" ".join(part.split()) for part in parts))


def text_hash(post: ParsedPost) -> str:
    """A fingerprint of what any source's posts are rewritten for: the words, without numbers and how long ago something
    was; the page, the files, where links lead, which pictures there are. Left out are mark-up, what is signed or
    counted anew at each fetch in the addresses of pictures and files, and pictures too small to be seen."""
    html = post.content_html or post.summary_html
    pictures = (match[1] for match in _PICTURE.finditer(html) if not _UNSEEN.search(match[0]))
    files = (file.url for file in post.enclosures)
    addresses = {_place(post.url), *map(_place, _LINK.findall(html)), *map(_file, (*pictures, *files))}
    return _hash("\x00".join((steady(bare_text(f"{post.title}\n{html}")), *sorted(addresses))))


def classify(before: Remembered, title: str, text: str) -> EditKind:
    """What an edit did to the stored post `before`, which reads `title` and `text` now."""
    if (" ".join(before.title.split()), before.text.split()) == (" ".join(title.split()), text.split()):
        return "none"
    if words_of(before.title) != words_of(title):
        return "substantive"
    if steady(before.text) == steady(text):
        return "cosmetic"
    former, now = words_of(before.text), words_of(text)
    if former == now:
        return "cosmetic"
    if len(now) - len(former) >= _WORDS_ADDED or resemblance(shingles(former), shingles(now)) < _ALIKE:
        return "substantive"
    return "cosmetic"


def volatility(before: float, noisy: int, known: int) -> float:
    """How much of a source's posts changes from one fetch to the next in nothing that is read or looked at, from 0 to
    1, given what it was before: of `known` posts in a document, `noisy` did so."""
    share = noisy / known if known else 0.0
    return _LOSS * before + (1 - _LOSS) * share


def is_volatile(score: float) -> bool:
    """Whether a source's posts are rewritten only where words, links or pictures are others. Once all of its posts were
    noisy it is; after one fetch more that was quiet, as when a site only changed its design, it is no more."""
    return score >= _VOLATILE


def steady(text: str) -> str:
    """The text without what counters and scripts rewrite; small letters, white space folded."""
    return " ".join(_AGO.sub("", _NUMBER.sub("#", text.casefold())).split())


def _file(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def _place(url: str) -> str:
    """Where a link leads: what stands behind its question mark says it in a few letters, or it is a nonce or a tracker
    ("?v=dQw4w9WgXcQ", "?_wpnonce=0a1b2c3d4e")."""
    query = canonical(unescape(url)).partition("?")[2]
    return f"{_file(url)}?{query}" if 0 < len(query) <= _LONGEST_QUERY else _file(url)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
