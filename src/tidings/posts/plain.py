"""Small rules on text that both feed readers share: one-line texts, plain text as HTML, language tags. Pure."""

from __future__ import annotations

import re
from html import escape, unescape

MAX_MARKUP = 1024 * 1024
"""Characters kept of one text of a post (research/aggregators.md, section b.10). What is behind is cut off."""

MAX_LINE = 1_000
"""Characters kept of a title, a name, a label (the same section)."""

# What XML 1.0 (section 2.2) forbids, besides lone surrogates, which no UTF-8 can hold.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Embeddings, overrides and isolates of direction (Unicode UAX #9), zero-width space, byte order mark.
_UNSEEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\ufeff]")
_TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9]*+|!)[^<>]*+>")
_BREAKING = frozenset("br p div li td th tr h1 h2 h3 h4 h5 h6".split())
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
# A tag or character reference that the end of the text divides. Bounded, so that the search for it is too.
_LONGEST_DIVIDED = 4_000
_DIVIDED = re.compile(r"(?:<[^<>]*+|&[#\w]{0,40}+)\Z")
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def scrub(text: str) -> str:
    """`text` without the characters that neither XML nor UTF-8 can carry: none of them can be printed."""
    return text if text.isprintable() else _FORBIDDEN.sub("", text)


def bounded(markup: str) -> str:
    """The first MAX_MARKUP characters of HTML or text, without the tag or reference that the cut divides. The elements
    it leaves open are closed by cleaning."""
    if len(markup) <= MAX_MARKUP:
        return markup
    safe = MAX_MARKUP - _LONGEST_DIVIDED
    return markup[:safe] + _DIVIDED.sub("", markup[safe:MAX_MARKUP])


def one_line(text: str) -> str:
    """`text` without control characters, its white space collapsed: fit for a title or a mail header. MAX_LINE
    characters at most.

    Marks that turn the direction of text go too: one left open would reverse what follows the title. Letters carry
    their own direction, and pages isolate each title.
    """
    seen = text if text.isprintable() else _UNSEEN.sub("", scrub(text))
    return " ".join(seen.split())[:MAX_LINE].rstrip()


def one_line_of_html(markup: str) -> str:
    """The text of a short piece of HTML (a title) on one line: tags dropped, character references decoded."""
    return one_line(bare_text(markup))


def bare_text(markup: str) -> str:
    """The text of HTML without any layout, in linear time whatever the input."""
    text = _TAG.sub(_trace_of_tag, markup) if "<" in markup else markup
    return scrub(unescape(text)).strip()


def paragraphs(text: str) -> str:
    """Plain text as HTML: escaped, blank lines between paragraphs, line breaks kept."""
    return _paragraphs(escape(text, quote=False))


def with_paragraphs(markup: str) -> str:
    """HTML, its blank lines made paragraphs if it has no tag at all: feeds call plain text HTML that way."""
    if "<" in markup or not _BLANK_LINES.search(markup.strip()):
        return markup
    return _paragraphs(markup)


def language_tag(text: object) -> str:
    """A BCP 47 language tag as given in a feed, `en_GB` written `en-GB`; "" when it is none."""
    tag = text.strip().replace("_", "-") if isinstance(text, str) else ""
    return tag if _LANGUAGE.fullmatch(tag) else ""


def _paragraphs(escaped: str) -> str:
    lines = escaped.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not lines:
        return ""
    return "\n".join(f"<p>{part.strip().replace(chr(10), '<br>')}</p>" for part in _BLANK_LINES.split(lines))


def _trace_of_tag(tag: re.Match[str]) -> str:
    return " " if tag.group(1).lstrip("/").lower() in _BREAKING else ""
