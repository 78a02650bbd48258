"""How feedparser takes in tags, done again as it does without what costs time. Only posts/readers.py uses this.

Most elements are the same few dozen, so how each is called is found out once for a document; and most declare neither
base nor language nor namespace, so there is nothing to keep account of.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from feedparser.mixin import _FeedParserMixin

_Attributes = list[tuple[str, str]]

_USERLAND = "http://backend.userland.com/rss"  # RSS 0.9x and 2.0 had many namespaces that begin so
_FOREIGN = {"math": "http://www.w3.org/1998/Math/MathML", "svg": "http://www.w3.org/2000/svg"}
ROOTS = frozenset({"feed", "rss", "rdf:rdf"})
_PLACING = frozenset({"xml:base", "base", "xml:lang", "lang"})
_OF_INPUT = frozenset({"title", "link", "description", "name"})
_OF_IMAGE = frozenset({"title", "link", "description", "url", "href", "width", "height"})


@lru_cache(maxsize=1024)
def divided(name: str) -> tuple[str, str, str]:
    """The namespace, local name and prefix in a name as expat gives it; "" for what is not there."""
    parts = name.split()
    if len(parts) == 1:
        return "", name, ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""


class Tagged(_FeedParserMixin):  # type: ignore[misc]
    """feedparser's handlers, with a beginning and an end of elements that take names from expat as they are."""

    decls: dict[str, str]

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self._tags: dict[str, str] = {}
        self._plain = set[str]()

    def begin(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        if not attributes and not self.decls and name in self._plain:
            self.unknown_starttag(self._tags[name], [])
            return
        given, self.decls = self.decls, {}
        namespace, local, _ = divided(name)
        if namespace and _FOREIGN.get(local.lower()) == namespace:
            given["xmlns"] = namespace
        for attribute, value in attributes.items():
            given[self._attribute(attribute) if " " in attribute else attribute.lower()] = value
        for attribute, value in attributes.items():
            if " " in attribute:
                _, label, prefix = divided(attribute)
                given[(f"{prefix}:{label}" if prefix else label).lower()] = value
        self.unknown_starttag(self._tags.get(name) or self._tag(name), list(given.items()))

    def end(self, name: str) -> None:
        """An element ends."""
        self.unknown_endtag(self._tags.get(name) or self._tag(name))

    def _tag(self, name: str) -> str:
        """What feedparser calls an element: by its own prefix for a namespace it knows, else by the document's."""
        namespace, local, _ = divided(name)
        prefix = self._prefix(namespace)
        if prefix is None:  # it depends on the namespaces met so far
            used = self.namespaces_in_use.items()
            prefix = next((prefix for prefix, uri in used if prefix and uri == namespace), "")
            return (f"{prefix}:{local}" if prefix else local).lower()
        self._tags[name] = tag = (f"{prefix}:{local}" if prefix else local).lower()
        if local.lower() not in _FOREIGN:
            self._plain.add(name)
        return tag

    def _attribute(self, name: str) -> str:
        namespace, local, _ = divided(name)
        prefix = self._matchnamespaces.get(namespace.lower())
        return (f"{prefix}:{local}" if prefix else local).lower()

    def _prefix(self, namespace: str) -> str | None:
        lower = namespace.lower()
        known: str | None = self._matchnamespaces.get(_USERLAND if "backend.userland.com/rss" in lower else lower)
        return known

    def unknown_starttag(self, tag: str, attributes: _Attributes) -> None:
        """An element begins. What may lie in content or change base, language or namespaces is left to feedparser."""
        if self.incontent or self.baseuri or tag in ROOTS:
            super().unknown_starttag(tag, attributes)
            return
        given = dict([self._normalize_attributes(attribute) for attribute in attributes]) if attributes else {}
        if given and not (_PLACING.isdisjoint(given) and not any(name.startswith("xmlns") for name in given)):
            super().unknown_starttag(tag, attributes)
            return
        self.depth += 1
        self.basestack.append(self.baseuri)
        self.langstack.append(self.lang)
        self._start(tag, given)

    def _start(self, tag: str, given: dict[str, str]) -> None:
        prefix, name = self._handled_as(tag)
        if not prefix and tag not in _OF_INPUT:
            self.intextinput = 0
        if not prefix and tag not in _OF_IMAGE:
            self.inimage = 0
        try:
            getattr(self, "_start_" + name)(given)
        except AttributeError:  # feedparser takes a failed handler for none
            if given:
                self._get_context()[name] = given
            else:
                self.push(name, 1)

    def unknown_endtag(self, tag: str) -> None:
        """An element ends. What may end content is left to feedparser."""
        if self.incontent or self.svgOK or not self.basestack:
            super().unknown_endtag(tag)
            return
        _, name = self._handled_as(tag)
        try:
            getattr(self, "_end_" + name)()
        except AttributeError:
            self.pop(name)
        self.basestack.pop()
        if self.basestack and self.basestack[-1]:
            self.baseuri = self.basestack[-1]
        if self.langstack:
            self.langstack.pop()
        if self.langstack:
            self.lang = self.langstack[-1]
        self.depth -= 1

    def _start_xhtml_meta(self, attributes: dict[str, str]) -> None:
        """What is meant for robots; feedparser keeps only the last `meta`, whatever it is."""
        if attributes.get("name", "").lower() == "robots":
            self._get_context()["robots"] = attributes.get("content", "")

    def _end_xhtml_meta(self) -> None:
        """A `meta` is empty."""

    def _handled_as(self, tag: str) -> tuple[str, str]:
        """The prefix of an element, and the name that its handlers have."""
        prefix, colon, suffix = tag.partition(":")
        if not colon:
            prefix, suffix = "", tag
        prefix = self.namespacemap.get(prefix, prefix)
        return prefix, f"{prefix}_{suffix}" if prefix else suffix
