"""Has a post changed since it was stored, and is that worth telling? Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape

from tidings.model import EditKind, FeedChange, ParsedPost, Remembered
from tidings.posts.canonical import canonical
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

_LINK = re.compile(r"""<a\s[^<>]*?href\s*=\s*["']([^"'<>]*)""", re.IGNORECASE)
_PICTURE = re.compile(r"""<img\s[^<>]*?src\s*=\s*["']([^"'<>]*)[^<>]*""", re.IGNORECASE)
_UNSEEN = re.compile(r"""\s(?:width|height)\s*=\s*["']?[01]\b""", re.IGNORECASE)
_LONGEST_QUERY = 16  # characters

# "Title (3 comments)", "[12] Title": `steady` has made numbers of one kind of them.
_COUNT = re.compile(r"[\[(]\s?#(?:\s\w+){0,2}\s?[\])]")
_DOTS = re.compile(r"(?:…|\.\.\.)[^\s…]*(?:\s+[^\s…]+){0,5}\s*\Z")
_MORE = 5  # words that invite to read on, or one that was cut in the middle

# Related posts, as sites put them behind each: a list of nothing but links, in the mark-up and in the visible text.
_LINKS_BEHIND = re.compile(
    r"(?:<li[^<>]*>\s*<a\s[^<>]*>[^<>]*(?:<[^<>a][^<>]*>[^<>]*){0,6}</a>\s*</li>\s*){2,}</[uo]l>\s*(?:</\w+>\s*){0,6}\Z",
    re.IGNORECASE,
)
_TAIL = 8_000  # characters of mark-up that are looked at for it
_HEAD_OF_LIST = 60  # characters

_FEWEST_AT_ONCE = 5  # posts

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
    """A fingerprint of what any source's posts are rewritten for: the words, without numbers and how long ago something
    was; the page, the files, where links lead, which pictures there are. Left out are mark-up, a list of links behind
    the text, what is signed or counted anew at each fetch in the addresses of pictures and files, and pictures too
    small to be seen."""
    html = post.content_html or post.summary_html
    html = html[:-_TAIL] + _LINKS_BEHIND.sub("", html[-_TAIL:])
    pictures = (match[1] for match in _PICTURE.finditer(html) if not _UNSEEN.search(match[0]))
    files = (file.url for file in post.enclosures)
    addresses = {_place(post.url), *map(_place, _LINK.findall(html)), *map(_file, (*pictures, *files))}
    return _hash("\x00".join((steady(bare_text(f"{post.title}\n{html}")), *sorted(addresses))))


def classify(before: Remembered, title: str, text: str, content_html: str = "") -> EditKind:
    """What an edit did to the stored post `before`, which reads `title` and `text` now, the text of `content_html`.

    Looked at in this order:
    - the same to the letter, but for white space: none;
    - a title with other words, numbers and a count of comments aside: substantive;
    - a text that is gone, or of which the beginning is left: cosmetic, as feeds are set to show excerpts and nothing
      new is said; the same when an excerpt, by its dots, becomes the whole text;
    - the same words, numbers and ages aside, without a list of links that sites put behind their posts: cosmetic;
    - 50 words more, or a tenth of the runs of three words others: substantive; else cosmetic.
    """
    if (" ".join(before.title.split()), before.text.split()) == (" ".join(title.split()), text.split()):
        return "none"
    if words_of(_uncounted(before.title)) != words_of(_uncounted(title)):
        return "substantive"
    old = before.text
    if _LINKS_BEHIND.search(content_html[-_TAIL:]):
        old, text = _without_list(old) or old, _without_list(text) or text
    if steady(old) == steady(text):
        return "cosmetic"
    former, now = words_of(old), words_of(text)
    # Of a very long text only the beginning is compared: what comes to its end is counted.
    added = count_words(text) - count_words(old)
    if added < _WORDS_ADDED and former == now:
        return "cosmetic"
    if _is_excerpt(former, now, text) or (_is_excerpt(now, former, old) and _breaks_off(old)):
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


def weighed(change: FeedChange, known: int) -> FeedChange:
    """A change of a document with so many `known` posts, in which what happened to most of them at once is no edit:
    authors correct one post or two, and sites get another frame, or excerpts in place of texts."""
    edited = [post for post in change.changed if post.edit == "substantive"]
    if len(edited) < _FEWEST_AT_ONCE or 2 * len(edited) <= known:
        return change
    return replace(
        change,
        changed=tuple(
            replace(post, edit="cosmetic") if post.edit == "substantive" else post for post in change.changed
        ),
    )


def _breaks_off(text: str) -> bool:
    """Whether there are dots at its end, with some words behind them or none."""
    return _DOTS.search(text[-200:]) is not None


def _without_list(text: str) -> str:
    """A visible text without the list at its end, nor the line above that which says what it is."""
    lines = text.split("\n")
    while lines and (not lines[-1].strip() or lines[-1].startswith("- ")):
        lines.pop()
    if len(lines) > 1 and len(lines[-1]) <= _HEAD_OF_LIST:
        lines.pop()
    return "\n".join(lines).strip()


def _uncounted(title: str) -> str:
    return _COUNT.sub(" ", steady(title))


def _is_excerpt(whole: Sequence[str], part: Sequence[str], text: str) -> bool:
    """Whether the words of a text are those at the beginning of another, but for some behind dots ("… Read more")."""
    if len(part) >= len(whole) + _MORE:
        return False
    shared = next((at for at, (one, other) in enumerate(zip(whole, part, strict=False)) if one != other), len(part))
    shared = min(shared, len(whole), len(part))
    if shared == len(part):
        return shared < len(whole)
    return len(part) - shared <= _MORE < shared < len(whole) and _breaks_off(text)


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
