"""The [[sources]] tables as pieces of the file's text: put in, taken out. Pure.

What is not touched keeps every byte. Where a table begins and ends is told by lines, since a file may have its tables
in any order and its comments anywhere; tomlkit writes the values of a new one. It could hold the whole
document, but gathers tables that stand apart, and comments go astray with it (docs/decisions/0016).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

import tomlkit

from tidings.config.lines import KeyPath, key_lines
from tidings.errors import ConfigError
from tidings.records import dataclass

_KIND = "sources"


@dataclass(frozen=True, slots=True)
class NewSource:
    """A source to write: what is empty gets no key."""

    url: str
    name: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines of one table, counted from 0: its comments above from `start`, its header, the line behind its last."""

    start: int
    header: int
    end: int


def render(source: NewSource) -> str:
    """The lines of a new source."""
    lines = [f"[[{_KIND}]]", f"url = {_text(source.url)}"]
    if source.name:
        lines.append(f"name = {_text(source.name)}")
    if source.tags:
        lines.append(f"tags = [{', '.join(map(_text, source.tags))}]")
    return "\n".join(lines) + "\n"


def add(text: str, sources: Sequence[NewSource]) -> str:
    """The text with new sources behind those there are, or at its end. Raises ConfigError when they are written as one
    list."""
    if not sources:
        return text
    lines = _lines(text)
    blocks = _blocks(text, lines)
    at = blocks[-1].end if blocks else len(lines)
    before, after = "".join(lines[:at]), "".join(lines[at:])
    new = "\n".join(map(render, sources))
    if before and not before.endswith("\n"):
        new = f"\n\n{new}"
    elif before.strip() and (blocks or lines[at - 1].strip()):
        new = f"\n{new}"
    if after and lines[at].strip():
        new += "\n"
    return before + new.replace("\n", _line_end(text)) + after


def remove(text: str, index: int) -> tuple[str, str]:
    """The text without source number `index` (from 0) and the comments that belong to it, and what was taken out.

    Comments belong to a table if they are in it, or stand directly above its header or below its last line. The ones
    above the first source stay if no other source has any: then they are a heading.
    """
    lines = _lines(text)
    blocks = _blocks(text, lines)
    block = blocks[index]
    is_heading = index == 0 and all(other.start == other.header for other in blocks[1:])
    start, end = (block.header if is_heading else block.start), block.end
    taken = "".join(lines[start:end])
    if end == len(lines):
        while start and not lines[start - 1].strip():
            start -= 1
    elif not (start and _is_content(lines[start - 1])):
        while end < len(lines) and not lines[end].strip():
            end += 1
    return "".join(lines[:start] + lines[end:]), taken


def _blocks(text: str, lines: Sequence[str]) -> list[_Block]:
    """The tables of all sources, in order."""
    places = key_lines(text.replace("\r\n", "\n"))
    tables = {path: line - 1 for path, line in places.items() if lines[line - 1].lstrip().startswith("[")}
    sources = [path for path in places if len(path) == 2 and path[0] == _KIND]
    if any(path not in tables for path in sources) or ((_KIND,) in places and not sources):
        raise ConfigError(
            ["`sources` is one list here; write each source as a table [[sources]], then it can be edited"]
        )
    headers = sorted((line, path[:2]) for path, line in tables.items())
    # Parts of a source that follow it, such as [sources.headers], are of its table.
    runs = [(path, next(group)[0]) for path, group in groupby(headers, key=lambda header: header[1])]
    ends: dict[KeyPath, int] = {}
    for (path, _), (_, following) in pairwise([*runs, ((), len(lines))]):
        ends.setdefault(path, following)
    return [_block(lines, tables[path], ends[path]) for path in sources]


def _block(lines: Sequence[str], header: int, following: int) -> _Block:
    start = header
    while start and _is_comment(lines[start - 1]):
        start -= 1
    end = following
    while end > header + 1 and not _is_content(lines[end - 1]):
        end -= 1
    last = end
    while last < following and _is_comment(lines[last]):
        last += 1
    if last == following < len(lines):
        last = end  # without a blank line between, they are the next table's
    return _Block(start, header, last)


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _is_content(line: str) -> bool:
    return bool(line.strip()) and not _is_comment(line)


def _lines(text: str) -> list[str]:
    """The lines with their ends; a line ends at a line feed and nowhere else."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _line_end(text: str) -> str:
    """How the first line of the text ends."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"


def _text(value: str) -> str:
    return tomlkit.string(value).as_string()
