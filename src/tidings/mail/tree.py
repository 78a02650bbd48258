"""The HTML of a mail as a tree of elements, read by the standard library: forgiving, never deeper than browsers go.

What `render/` makes is serialised by an HTML5 parser, so each element but the void ones has its end tag.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_IN_LINE = frozenset(
    "a abbr b bdi bdo cite code del dfn em font i img ins kbd mark q rp rt ruby s samp small span strike strong sub "
    "sup time tt u var wbr".split()
)
_UNSEEN = frozenset("head title style script template".split())
_DEEPEST = 512  # where browsers stop nesting; also what keeps looking up ancestors cheap on hostile input


class Element:
    """One element: its attributes (names in lower case, the first of a name counts), its parent, and its children,
    elements and texts in order. `offset` is where its tag begins, in characters."""

    __slots__ = ("attributes", "children", "classes", "depth", "offset", "parent", "tag")

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None, offset: int) -> None:
        self.tag = tag
        self.attributes = attributes
        self.classes = frozenset(attributes.get("class", "").split())
        self.parent = parent
        self.offset = offset
        self.depth: int = parent.depth + 1 if parent else 0
        self.children: list[Element | str] = []

    def ancestors(self) -> Iterator[Element]:
        """The elements around this one, from the inside out."""
        element = self.parent
        while element is not None:
            yield element
            element = element.parent

    def below(self) -> Iterator[Element]:
        """All elements in this one, in the order of the document."""
        waiting = _elements(self)
        while waiting:
            element = waiting.pop()
            yield element
            waiting += _elements(element)

    def text(self) -> str:
        """The text in this element with every run of white space made one; what browsers do not show is left out."""
        pieces: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            piece = waiting.pop()
            if isinstance(piece, str):
                pieces.append(piece)
            elif piece.tag not in _UNSEEN:
                apart = [] if piece.tag in _IN_LINE else [" "]
                waiting += [*apart, *reversed(piece.children), *apart]
        return " ".join("".join(pieces).split())


def read_tree(html: str) -> tuple[Element, bool]:
    """The document as an element without a name around everything, and whether all of it could be read."""
    reader = _Reader(html)
    try:
        reader.feed(html)
        reader.close()
    except AssertionError:  # html.parser's way to give up at a marked section it does not know (`<![x[`)
        return reader.root, False
    return reader.root, True


def _elements(element: Element) -> list[Element]:
    return [child for child in reversed(element.children) if isinstance(child, Element)]


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.root = Element("", {}, None, 0)
        self._open = [self.root]
        self._line_ends = [position for position, character in enumerate(html) if character == "\n"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in reversed(attrs)}
        parent = self._open[-1]
        element = Element(tag, attributes, parent, self._offset())
        parent.children.append(element)
        if tag not in _VOID and element.depth < _DEEPEST:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        for position in range(len(self._open) - 1, 0, -1):
            if self._open[position].tag == tag:
                del self._open[position:]
                return

    def handle_data(self, data: str) -> None:
        self._open[-1].children.append(data)

    def _offset(self) -> int:
        line, column = self.getpos()
        return (self._line_ends[line - 2] + 1 if 2 <= line <= len(self._line_ends) + 1 else 0) + column
