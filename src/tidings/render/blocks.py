"""A post's clean HTML in pieces, to show less of it: the blocks at its top, and its pictures. Pure."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise

_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)\b[^<>]*+>")
_BLOCKS = frozenset(
    "p div article section h1 h2 h3 h4 h5 h6 ul ol dl table pre blockquote figure hr aside header footer address "
    "details".split()
)
_VOID = frozenset("br hr img col wbr".split())
_WRAPPER = re.compile(r"\s*<(?:div|article|section)\b[^<>]*+>(.*)</(?:div|article|section)>\s*", re.DOTALL)
_DEEPEST = 12  # wrappers inside one another that are looked through; hostile posts nest thousands
_IMAGE = re.compile(r"<img\b[^<>]*+>")
_ALT = re.compile(r'\balt="([^"<>]*+)"')
_LEADING = re.compile(r"\s*+<(?:h[1-6]|hr)\b")
_EMPTY = re.compile(r"<(a|p|div|figure|span|li|em|strong)\b[^<>]*+>\s*+</\1>")


def split(html: str) -> list[str]:
    """The blocks at the top of `html`, which joined are `html` again, unless one wrapper holds it all: then its own."""
    blocks = _split(html)
    for _ in range(_DEEPEST):
        wrapper = _WRAPPER.fullmatch(html)
        if len(blocks) != 1 or not wrapper:
            break
        html = wrapper[1]
        blocks = _split(html)
    return blocks


def leads_on(block: str) -> bool:
    """Whether `block` is only there for the one after it: a heading or a rule."""
    return bool(_LEADING.match(block))


def pictures_in(html: str) -> list[str]:
    """The mark-up of each picture, in order."""
    return _IMAGE.findall(html)


def without_pictures(html: str, kept: int) -> str:
    """`html` with its first `kept` pictures only, and without the links and boxes that held no more than the others."""
    ends = [found.end() for found in _IMAGE.finditer(html)]
    start = ends[kept - 1] if kept else 0
    rest = _IMAGE.sub("", html[start:])
    for _ in range(_DEEPEST):
        smaller = _EMPTY.sub("", rest)
        if smaller == rest:
            break
        rest = smaller
    return html[:start] + rest


def letters(html: str) -> int:
    """How many letters and digits `html` says, those of what its pictures show included: in the text of a post that
    stands in their place."""
    words = _IMAGE.sub(lambda image: " ".join(_ALT.findall(image[0])), html)
    return sum(character.isalnum() for character in unescape(_TAG.sub("", words)))


def leading_text(text: str, wanted: int) -> str:
    """The leading paragraphs of `text` that say `wanted` letters and digits."""
    taken: list[str] = []
    for paragraph in text.split("\n\n"):
        if wanted <= 0:
            break
        taken.append(paragraph)
        wanted -= sum(character.isalnum() for character in paragraph)
    return "\n\n".join(taken)


def following_text(text: str, passed_over: int) -> str:
    """What of `text` follows the leading paragraphs that say `passed_over` letters and digits."""
    passed = leading_text(text, passed_over)
    return text.removeprefix(passed).lstrip("\n")


def _split(html: str) -> list[str]:
    """Cuts before and after each block, and at double line breaks, which old posts have for paragraphs."""
    cuts = {0, len(html)}
    depth, broken_at = 0, -1
    for tag in _TAG.finditer(html):
        closing, name = tag[1], tag[2]
        if closing:
            depth -= 1
            if not depth and name in _BLOCKS:
                cuts.add(tag.end())
            continue
        if not depth and name in _BLOCKS:
            cuts.add(tag.start())
        if not depth and name == "br":
            if broken_at >= 0 and not html[broken_at : tag.start()].strip():
                cuts.add(tag.end())
            broken_at = tag.end()
        if name not in _VOID:
            depth += 1
    marks = sorted(cuts)
    return [html[start:end] for start, end in pairwise(marks) if html[start:end].strip()]
