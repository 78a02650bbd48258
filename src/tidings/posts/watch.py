"""Do the items of a document mean the same without each other? Watched while feedparser's strict reader reads them.

The reader keeps a lot in mind between elements: namespaces met anywhere, whether the feed has an image, what was left
open. Two items are told alike only if it begins with the same in mind; then leaving out one changes nothing of the
other. Only posts/readers.py uses this.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import feedparser
from feedparser.mixin import _FeedParserMixin

POSTS = frozenset({"item", "entry"})

_OPEN = (
    "inentry incontent intextinput inimage inauthor incontributor inpublisher insource svgOK ingeometry "
    "psc_chapters_flag contentparams sourcedata _summaryKey inside ignored"
).split()
"""What the reader says of things it is in the middle of. Before and after an item it is in the middle of nothing."""

_what_is_open = attrgetter(*_OPEN)

_ROOT = "rdf_rdf"
"""The one element around items that feedparser may collect text for. Atom's `content` stays on its stack for ever, so
whether the text of another would ever be taken from there depends on the last item."""

State = tuple[Any, ...]


class Watched(_FeedParserMixin):  # type: ignore[misc]
    """feedparser's strict handlers, with `surroundings` of the items: what an item's meaning depends on beside its own
    mark-up; None when the items of the document may depend on each other, or when it has none."""

    inside = 0
    ignored = 0

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self._scope: dict[str | None, list[str]] = {}
        self._state: State = ()
        self._names: State = ()
        self._boundaries = 0
        self._entangled = False

    @property
    def surroundings(self) -> State | None:
        if self._entangled or not self._boundaries or self._boundaries != 2 * len(self.entries):
            return None
        return (feedparser.__version__, *self._state, *self._names)

    def startPrefixMapping(self, prefix: str | None, uri: str) -> None:  # noqa: N802
        self._scope.setdefault(prefix, []).append(uri)
        super().startPrefixMapping(prefix, uri)

    def endPrefixMapping(self, prefix: str | None) -> None:  # noqa: N802
        self._scope[prefix].pop()

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        if self.inentry and not self._says_nothing_new(prefix, uri):
            self._entangled = True
        super().track_namespace(prefix, uri)

    def unknown_starttag(self, tag: str, attributes: list[tuple[str, str]]) -> None:
        if tag in POSTS and not self.incontent:
            self._note_boundary()
        super().unknown_starttag(tag, attributes)

    def unknown_endtag(self, tag: str) -> None:
        super().unknown_endtag(tag)
        if tag in POSTS:
            self._note_boundary()

    def _get_context(self) -> Any:
        context = super()._get_context()
        if self.inentry and not self.insource and context is not self.entries[-1]:
            self._entangled = True
        return context

    def _note_boundary(self) -> None:
        """Looks at what the reader has in mind before and after each item."""
        state = self._in_mind()
        if not self._boundaries:
            self._state, self._names = state, self._namespaces()
            self._entangled = any(name != _ROOT for name, *_ in self.elementstack)
        self._boundaries += 1
        if state != self._state or any(_what_is_open(self)):
            self._entangled = True

    def _in_mind(self) -> State:
        """What a reader between two items has in mind that decides on how the next is read. What each item sets anew
        is left out, and of what is stacked all but the top."""
        feed = self.feeddata
        return (
            self.version,
            self.infeed,
            self.hasContent,
            self.depth,
            self.lang,
            self.baseuri,
            (len(self.langstack), self.langstack[-1:]),
            (len(self.basestack), self.basestack[-1:]),
            (dict.get(feed, "language"), dict.__contains__(feed, "image"), dict.__contains__(feed, "textinput")),
        )

    def _namespaces(self) -> State:
        """The namespaces in scope, and of those met so far what feedparser makes use of: prefixes that stand for
        another than their own, and namespaces that only the document knows, in the order it looks through them."""
        scope = sorted((prefix or "", uris[-1] or "") for prefix, uris in self._scope.items() if uris)
        mapped = sorted((prefix, name) for prefix, name in self.namespacemap.items() if prefix and prefix != name)
        strange = [(name, uri) for name, uri in self.namespaces_in_use.items() if name and not self._is_known(uri)]
        return (scope, mapped, strange)

    def _is_known(self, uri: str) -> bool:
        return uri.lower() in self._matchnamespaces

    def _says_nothing_new(self, prefix: str | None, uri: str) -> bool:
        """Whether a declaration inside an item leaves `_namespaces` as they are but for its own scope."""
        name = self._matchnamespaces.get(uri.lower())
        if name is None:
            return not prefix or self.namespaces_in_use.get(prefix) == uri
        displaced = self.namespaces_in_use.get(name)
        return (not prefix or self.namespacemap.get(prefix, prefix) == name) and (
            not name or displaced is None or self._is_known(displaced)
        )
