"""Has a post changed since it was stored, and is that worth telling? Pure."""

from __future__ import annotations

import hashlib
import re

from tidings.model import EditKind, ParsedPost, Remembered
from tidings.posts.likeness import count_words, resemblance, shingles, words_of
from tidings.posts.plain import bare_text

_ALIKE = 0.9
"""Of a text whose words are the same but for less than a tenth no reader wants to hear again (research on aggregators,
b.8)."""
_WORDS_ADDED = 50
"""What makes a postscript to a text of any length."""

# What counters and scripts rewrite at every fetch: numbers, and how long ago something was.
_NUMBER = re.compile(r"\d[\d.,:]*")
_AGO = re.compile(r"(?<!\w)(?:an?|one|a few|#) (?:second|minute|min|hour|day|week|month|year)s? ago\b|\bjust now\b")

_LOSS = 0.7
_VOLATILE = 0.25


def content_hash(post: ParsedPost) -> str:
    """A fingerprint (32 hex digits) of what a reader would see: title, link, text, enclosures; white space folded.

    Dates are left out: many feeds bump `updated` on every build without changing a word (research on aggregators, b.8).
    """
    return content_hashes(post, "")[0]


def content_hashes(post: ParsedPost, link: str) -> tuple[str, str]:
    """The same, and what it is with `link` in place of the post's own; "" without one. The text is folded once."""
    parts = [post.title, post.url, post.content_html, post.summary_html, *(file.url for file in post.enclosures)]
    title, url, *others = (" ".join(part.split()) for part in parts)
    rest = "\x00".join(others)
    own = _hash(f"{title}\x00{url}\x00{rest}")
    return own, (own if link == url else _hash(f"{title}\x00{link}\x00{rest}")) if link else ""


def text_hash(post: ParsedPost) -> str:
    """A fingerprint of the words alone: without mark-up, pictures, links, numbers, and how long ago something was."""
    text = bare_text(f"{post.title}\n{post.content_html or post.summary_html}")
    return _hash(steady(text))


def classify(before: Remembered, title: str, text: str) -> EditKind:
    """What an edit did to the stored post `before`, which reads `title` and `text` now."""
    if (" ".join(before.title.split()), before.text.split()) == (" ".join(title.split()), text.split()):
        return "none"
    if words_of(before.title) != words_of(title):
        return "substantive"
    if steady(before.text) == steady(text):
        return "cosmetic"
    former, now = words_of(before.text), words_of(text)
    # Of a very long text only the beginning is compared: what comes to its end is counted.
    added = count_words(text) - count_words(before.text)
    if former == now and added < _WORDS_ADDED:
        return "cosmetic"
    if added >= _WORDS_ADDED or resemblance(shingles(former), shingles(now)) < _ALIKE:
        return "substantive"
    return "cosmetic"


def is_cut(before: Remembered, title: str, text: str) -> bool:
    """Whether title and text are what a document that breaks off left of the stored post `before`: their beginnings, or
    nothing. The last word may have lost its end, or be what is left of mark-up; and where the text is gone, the summary
    that stood before it may be all there is."""
    words = words_of(text)[:-1]
    return before.title.startswith(title) and any(
        len(text) <= len(whole) and words == words_of(whole)[: len(words)] for whole in (before.text, before.summary)
    )


def volatility(before: float, noisy: int, known: int) -> float:
    """How much of a source's posts changes from one fetch to the next without a word being another, from 0 to 1, given
    what it was before: of `known` posts in a document, `noisy` did so."""
    share = noisy / known if known else 0.0
    return _LOSS * before + (1 - _LOSS) * share


def is_volatile(score: float) -> bool:
    """Whether edits of a source's posts count only where the words are others. Once all of its posts were noisy it is;
    after one fetch more that was quiet, as when a site only changed its design, it is no more."""
    return score >= _VOLATILE


def steady(text: str) -> str:
    """The text without what counters and scripts rewrite; small letters, white space folded."""
    return " ".join(_AGO.sub("", _NUMBER.sub("#", text.casefold())).split())


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
