"""What platforms and editors put around a text: where it is from, how to subscribe, whose it is. Pure.

It stands on each of a blog's posts, so it says nothing of which piece a post is; but it says where a copy was taken
from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_HEAD = 280  # characters of a paragraph, within which it says where it is from
_LONGEST, _MOST_BEFORE, _MOST_BEHIND = 500, 2, 8

# "The post … appeared first on …", as WordPress says it in other languages too; Medium; what editors write. Bounded,
# as these are matched against anything.
_FROM = (
    r"(?:first|originally|previously) (?:published|appeared|posted|written|ran)|(?:published|appeared|posted) "
    r"(?:first|originally)|cross-?posted (?:from|at|on|to)|re(?:published|printed|posted) (?:here |from |by |with )|"
    r"zuerst (?:erschienen|veröffentlicht)|(?:erschien|erschienen|veröffentlicht) zuerst|"
    r"ursprünglich (?:erschienen|veröffentlicht)|est apparu en premier|(?:initialement|d'abord|d’abord|à l'origine|"
    r"à l’origine) (?:publié|paru)|publié (?:initialement|d'abord|d’abord|à l'origine|à l’origine)|"
    r"(?:publicad[oa]|apareci[óou]|aparece|publicó) (?:originalmente|(?:por )?primer[oa]|primeiro)|"
    r"originalmente (?:publicad[oa]|en|em)|pubblicato (?:originariamente|originalmente|per la prima)|proviene da|"
    r"(?:verscheen|verschenen) (?:eerst|oorspronkelijk)|впервые (?:опубликован|появил)|появил\w{1,3} сначала|"
    r"(?:本文|原文)(?:首发|首發|最初|链接|地址)|转载自|轉載自|最初に(?:公開|表示|掲載)|初出[:：は]"
)
_ORIGIN = re.compile(
    rf"{_FROM}|read (?:the )?(?:full|rest|whole|original)|continue reading|weiterlesen|lire la suite|seguir leyendo|"
    r"leer más|leggi tutto|leia mais|continue lendo|lees verder|читать (?:далее|дальше)|続きを読む|阅读全文|閱讀全文",
    re.IGNORECASE,
)
# A search for these takes a hundredth of the patterns' time, and most paragraphs have none.
_HINTS = (
    "publi pubbli appear posted print erschien veröffentlicht apparu paru apar proviene verscheen verschenen опублик "
    "появил 首发 首發 原文 转载 轉載 最初 初出".split()
)
_READING_HINTS = "read weiterlesen lire leer leyendo leggi leia lendo lees читать 続き 阅读 閱讀".split()

_FROM_ANYWHERE = re.compile(_FROM, re.IGNORECASE)
_WRAPPING = re.compile(
    r"[\[(*_\s]{0,4}(?:©|-----(?:BEGIN|END) PGP|_{10}|"
    r"you (?:get|receive|are receiving|received) this (?:e-?mail|mail|text|letter|newsletter)|unsubscribe\b|"
    r"thank(?:s| you) for reading|via\s.{1,60}$|subscribe (?:now|for free|to)\b|did (?:some|any)(?:body|one) forward|"
    r"to receive new posts)",
    re.IGNORECASE,
)


def unwrapped(text: str) -> str:
    """A text without the paragraphs before and behind it that are a platform's or an editor's."""
    parts = text.split("\n\n")
    first, end = 0, len(parts)
    while first < min(end, _MOST_BEFORE) and _is_wrapping(parts[first]):
        first += 1
    while end > max(first, len(parts) - _MOST_BEHIND) and _is_wrapping(parts[end - 1]):
        end -= 1
    return text if end - first == len(parts) else "\n\n".join(parts[first:end])


def _is_wrapping(paragraph: str) -> bool:
    if len(paragraph) > _LONGEST:
        return False
    if not paragraph.strip() or _WRAPPING.match(paragraph):
        return True
    head = paragraph[:_HEAD].lower()
    return any(map(head.__contains__, _HINTS)) and _FROM_ANYWHERE.search(head) is not None


_EDGE, _MOST_NOTES = 1_500, 4
_PARAGRAPH = re.compile(r"</?(?:p|div|li|h[1-6]|blockquote)\b[^<>]*>|<br[^<>]*><br[^<>]*>", re.IGNORECASE)


def origin_notes(html: str) -> Iterator[str]:
    """The paragraphs at the beginning and the end of a post that say where it first appeared, as HTML."""
    edges = [html] if len(html) <= 2 * _EDGE else [html[:_EDGE], html[-_EDGE:]]
    found = 0
    for edge in edges:
        for paragraph in _PARAGRAPH.split(edge):
            if found < _MOST_NOTES and _says_from_where(paragraph):
                found += 1
                yield paragraph


def _says_from_where(paragraph: str) -> bool:
    if "href" not in paragraph:
        return False
    small = paragraph.lower()
    return any(map(small.__contains__, (*_HINTS, *_READING_HINTS))) and _ORIGIN.search(paragraph) is not None
