"""Does mark-up read as it is written? Told without a parser, where it is plain. Pure. Only posts/clean.py uses this."""

from __future__ import annotations

import re

_TAG = re.compile(r"<[^ <>]+")  # and its name is whole, whatever it is
_PRE_BREAK = re.compile(r"<pre[^<>]*+>\n")

_PHRASES = (
    "a abbr b bdi bdo cite code del dfn em i ins kbd mark q s samp small span strike strong sub sup time tt u var"
)
_LINES = "p h1 h2 h3 h4 h5 h6 pre"
_HOLDERS = "blockquote figure figcaption div section article aside header footer"
_VOID = frozenset({"<br", "<img", "<hr"})


def _closing(names: str) -> frozenset[str]:
    return frozenset(f"</{name}" for name in names.split())


_OUTERMOST = ""
_BLOCKS_WITHIN = _closing(f"{_HOLDERS} li") | {_OUTERMOST}
_PHRASES_WITHIN = _closing(f"{_PHRASES} {_LINES}") | _BLOCKS_WITHIN
_WITHIN = {
    **dict.fromkeys([f"<{name}" for name in _PHRASES.split()] + ["<br", "<img"], _PHRASES_WITHIN),
    **dict.fromkeys([f"<{name}" for name in f"{_LINES} {_HOLDERS} ul ol hr".split()], _BLOCKS_WITHIN),
    "<li": _closing("ul ol"),
}
"""Which elements may stand in which, by end tags, for an HTML parser to leave them there."""


def reads_as_written(markup: str) -> bool:
    """Whether an HTML parser makes of `markup` the very tree that its tags show, so that the tree, written down, is
    `markup` again. False where that is not plain at a glance.

    Takes what a sanitiser wrote: tags whole, in small letters, attributes in double quotes, < > & escaped where they
    mean themselves. Plain are phrases in lines and blocks in blocks, each closed in turn, none in its like: no rule of
    the HTML standard (section 13.2.6.4.7, "in body") then closes, moves or copies an element. Tables, definition lists,
    ruby and the like have more rules. A carriage return, a byte order mark at the beginning and a line break right
    after <pre> are dropped or changed by the parser itself (sections 13.2.3.5, 13.2.3.2, 13.2.6.4.7).
    """
    tags = _TAG.findall(markup)
    if len(tags) != markup.count("<") or "\r" in markup or markup.startswith("\ufeff"):
        return False
    return _is_well_nested(tags) and not ("<pre" in markup and _PRE_BREAK.search(markup))


def _is_well_nested(tags: list[str]) -> bool:
    """Whether each tag is the end tag that is due, or begins what may stand where it does."""
    due = [_OUTERMOST]
    for tag in tags:
        if tag == due[-1]:
            due.pop()
            continue
        places = _WITHIN.get(tag)
        if places is None or due[-1] not in places:
            return False
        if tag in _VOID:
            continue
        end = f"</{tag[1:]}"
        if places is _PHRASES_WITHIN and end in due:
            return False
        due.append(end)
    return len(due) == 1
