"""Where the items of a document stand in its text, so that it can be read without those known already. Pure.

Only for documents that a strict XML reader takes as they stand: there `<` outside of comments, CDATA sections and
processing instructions begins mark-up and nothing else, so items can be found without reading what is in them.
Whatever is not plain to see refuses the cut, and the document is read whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise

from tidings.records import dataclass

MAX_SPANS = 2_000
"""Items of a document that is cut, and remembered. One that has more is read whole."""

_HIDDEN = {"<!--": "-->", "<![CDATA[": "]]>", "<?": "?>"}
# A comment, CDATA section or instruction, or a tag of an item. Prefixes of namespaces may be any word, as letter case
# may be any: what is no item to the reader makes its count differ from ours, and then nothing is cut.
_MARK = re.compile(r"<!--|<!\[CDATA\[|<\?|<(/?)(?:[^\s<>/:=\"']*+:)?(?:item|entry)(?=[\s/>])", re.IGNORECASE)
# The rest of a tag. In attributes `>` may stand, `<` not (XML 1.0, section 2.3).
_TAG_END = re.compile(r"""(?:[^<>"']++|"[^<"]*+"|'[^<']*+')*+>""")
# Between items there may be nothing that says something: an element could mean another thing behind other items.
_BETWEEN = re.compile(r"(?:\s++|<!--(?:(?!-->).)*+-->)*+", re.DOTALL)
_TAIL = re.compile(r"(?:\s++|<!--(?:(?!-->).)*+-->|</[^<>]*+>)*+", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Span:
    """Where an item begins and ends in a text."""

    start: int
    end: int


def find_spans(text: str, start: int) -> tuple[Span, ...] | None:
    """The items of the document whose root element begins at `start`, in order; None for one that is not to be cut.

    That is one without items or with too many, with items in items, empty ones (`<item/>`), ones that declare
    namespaces, with anything but comments between them, or with elements behind the last.
    """
    spans: list[Span] = []
    opened: int | None = None
    for place, end, closes in _tags(text, start):
        if end < 0 or closes == (opened is None) or len(spans) == MAX_SPANS:
            return None
        if opened is None:
            opened = place
        else:
            spans.append(Span(opened, end))
            opened = None
    if opened is not None or not spans or not _stand_together(text, spans):
        return None
    return tuple(spans)


def fingerprint(text: str, span: Span) -> str:
    """32 hex digits that stand for the mark-up of an item."""
    return hashlib.blake2b(text[span.start : span.end].encode("utf-8", "replace"), digest_size=16).hexdigest()


def without(text: str, spans: Sequence[Span], positions: Collection[int]) -> str:
    """The document without the items at `positions`."""
    starts = [0, *(spans[position].end for position in sorted(positions))]
    ends = [*(spans[position].start for position in sorted(positions)), len(text)]
    return "".join(text[start:end] for start, end in zip(starts, ends, strict=True))


def _tags(text: str, at: int) -> Iterator[tuple[int, int, bool]]:
    """The tags of items: where each begins and ends, and whether it is an end tag. What can't be cut ends at -1."""
    while mark := _MARK.search(text, at):
        end = _HIDDEN.get(mark[0])
        if end is not None:
            at = text.find(end, mark.end())
            if at < 0:
                yield mark.start(), -1, False
                return
            at += len(end)
            continue
        rest = _TAG_END.match(text, mark.end())
        plain = rest is not None and "xmlns" not in rest[0] and not rest[0].endswith("/>")
        at = rest.end() if rest is not None and plain else -1
        yield mark.start(), at, bool(mark[1])
        if at < 0:
            return


def _stand_together(text: str, spans: Sequence[Span]) -> bool:
    """Whether nothing that says something stands between the items, and only end tags behind the last."""
    between = all(_BETWEEN.fullmatch(text, before.end, after.start) for before, after in pairwise(spans))
    return between and _TAIL.fullmatch(text, spans[-1].end) is not None
