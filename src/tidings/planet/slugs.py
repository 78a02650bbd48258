"""Names as steps of a path: the folder of a tag's or a source's pages and feeds.

A slug is made of its name alone, whatever other names there are, so an address stays when a tag is added.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable

_LONGEST = 48  # characters, of up to four bytes: file systems allow 255 bytes for a name
_MARK = 8  # hexadecimal digits


def slug(name: str) -> str:
    """The step of a path that stands for a name: its letters, marks and digits of any script in lower case, with
    hyphens for what is between words.

    Names that differ in case, in width, or in spaces and hyphens only share it. What it leaves out otherwise is told by
    a mark at its end, so "C", "C++" and "C#" are apart. Put it through `urllib.parse.quote` for a URL.
    """
    folded = _folded(name)
    words = _words(folded)
    if words and len(words) <= _LONGEST and all(map(_is_told, folded)):
        return words
    return _marked(words, folded)


def slugs(names: Iterable[str]) -> dict[str, str]:
    """The step of a path that stands for each of some names, no two the same: of those that would share one, all but
    the first get a mark, so those that come behind change nothing. Unlike slugs they may leave something out, as the
    dots in "blog.example"."""
    found: dict[str, str] = {}
    taken = {""}
    for name in dict.fromkeys(names):
        words = _words(_folded(name))
        step, told = (words if len(words) <= _LONGEST else _marked(words, name)), name
        while step in taken:
            step = _marked(words, told)
            told += " "  # another mark the next time: some source may be called like this one
        found[name] = step
        taken.add(step)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _words(folded: str) -> str:
    return "-".join("".join(map(_kept, folded)).split())


def _marked(words: str, name: str) -> str:
    mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:_MARK]
    return f"{words[:_LONGEST]}-{mark}".strip("-").replace("--", "-")


def _kept(sign: str) -> str:
    """A sign as it is, nothing for one that is not seen, as a joiner is, or a space for what parts words."""
    if _is_letter(sign):
        return sign
    return "" if unicodedata.category(sign) == "Cf" else " "


def _is_told(sign: str) -> bool:
    """Whether a sign says no more than its slug: it is in it, parts words or is not seen."""
    return _is_letter(sign) or sign in "-_" or sign.isspace() or unicodedata.category(sign) == "Cf"


def _is_letter(sign: str) -> bool:
    # Marks are the vowels of Indian scripts: without them other words are left.
    return unicodedata.category(sign)[0] in "LMN"
