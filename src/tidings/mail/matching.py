"""Which rules of a style are about an element. Asked from the outside in, each element costs what its own compounds
cost, however deep it is; and what was found for one holds for all that look the same to the style."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tidings.mail.stylesheet import Compound, Rule, asked_attributes, fits
from tidings.mail.tree import Element

_Step = tuple[int, int]
"""A rule, by its place, and how many compounds of its selector are fitted, from the outside in."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the elements around one have fitted of each selector: any of them, and its parent as the last."""

    anywhere: frozenset[_Step] = frozenset()
    parent: frozenset[_Step] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The rules about an element, and what the elements in it have around them. Compared by identity, since
    it is looked up for every element."""

    rules: tuple[Rule, ...]
    within: Around


class Matching:
    """A style, made ready to be asked about many elements."""

    def __init__(self, sheet: Sequence[Rule]) -> None:
        self._sheet = sheet
        self._attributes = sorted(asked_attributes(sheet))
        self._found: dict[tuple[object, ...], Match] = {}
        self._steps: defaultdict[str, list[tuple[_Step, Compound]]] = defaultdict(list)
        for place, rule in enumerate(sheet):
            for fitted, compound in enumerate(rule.selector):
                self._steps[compound.tag].append(((place, fitted), compound))

    def match(self, element: Element, around: Around) -> Match:
        """The rules about an element with `around` around it: exactly those that CSS finds."""
        known = (element.tag, *(element.attributes.get(name) for name in self._attributes), around)
        if known not in self._found:
            self._found[known] = self._match(element, around)
        return self._found[known]

    def _match(self, element: Element, around: Around) -> Match:
        holding: list[int] = []
        reached: set[_Step] = set()
        for step, compound in (*self._steps.get("", ()), *self._steps.get(element.tag, ())):
            place, fitted = step
            before = around.parent if compound.child else around.anywhere
            if (fitted and step not in before) or not fits(compound, element):
                continue
            if fitted + 1 == len(self._sheet[place].selector):
                holding.append(place)
            else:
                reached.add((place, fitted + 1))
        rules = tuple(self._sheet[place] for place in sorted(holding))
        return Match(rules, Around(around.anywhere | reached, frozenset(reached)))
