"""Which line each key of a TOML document stands on; tomllib does not say.

The scanner reads only documents that tomllib has accepted, so it looks for where things are and never whether they
are right.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""The way to a value from the top, such as ("sources", 2, "every"); numbers count from 0."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_KEY_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*'""")
# Up to two quotes may stand directly before the three that close a multi-line string.
_STRING = re.compile(r'''"""(?:[^\\]|\\.)*?"{3,5}|\'{3}.*?\'{3,5}|"(?:[^"\\]|\\.)*"|'[^']*\'''', re.DOTALL)
_BARE_VALUE = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, counted from 1, of each table, key, list item and inline key of a valid TOML document."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int:
    """The line of the key, or of the nearest thing around it that has one; 1 when nothing has."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 1


class _Scanner:
    """One pass over a document; `position` is the index of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[KeyPath, int] = {}
        self._newlines = [found.start() for found in re.finditer("\n", text)]
        self._array_sizes: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.position < len(self.text):
            table = self._statement(table)
            self._skip(_BLANK)

    def _statement(self, table: KeyPath) -> KeyPath:
        """Reads a header or a pair; returns the table that following pairs belong to."""
        if self.text.startswith("[[", self.position):
            return self._array_header()
        if self.text.startswith("[", self.position):
            return self._table_header()
        self._pair(table)
        return table

    def _array_header(self) -> KeyPath:
        line = self._line()
        self.position += 2
        array = self._resolve(self._dotted_key(), line)
        self.position += 2
        index = self._array_sizes.get(array, 0)
        self._array_sizes[array] = index + 1
        self.lines[(*array, index)] = line
        return (*array, index)

    def _table_header(self) -> KeyPath:
        line = self._line()
        self.position += 1
        table = self._resolve(self._dotted_key(), line)
        self.position += 1
        self.lines[table] = line
        return table

    def _resolve(self, parts: list[str], line: int) -> KeyPath:
        """The path of a header: one that goes through an array of tables means the array's newest table."""
        path: KeyPath = ()
        for part in parts:
            if path in self._array_sizes:
                path = (*path, self._array_sizes[path] - 1)
            path = (*path, part)
            self.lines.setdefault(path, line)
        return path

    def _pair(self, path: KeyPath) -> None:
        line = self._line()
        for part in self._dotted_key():
            path = (*path, part)
            self.lines.setdefault(path, line)
        self.position += 1
        self._skip(_SPACE)
        self._value(path)

    def _dotted_key(self) -> list[str]:
        parts: list[str] = []
        while True:
            self._skip(_SPACE)
            parts.append(_unquoted(self._skip(_KEY_PART)))
            self._skip(_SPACE)
            if not self.text.startswith(".", self.position):
                return parts
            self.position += 1

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.position]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._skip(_STRING if opening in "\"'" else _BARE_VALUE)

    def _array(self, path: KeyPath) -> None:
        index = 0
        while self._more("]"):
            self.lines[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        while self._more("}"):
            self._pair(path)

    def _more(self, closing: str) -> bool:
        """Steps over the bracket or comma here, to the next item (True) or past the closing bracket (False)."""
        self._skip(_BLANK)
        if self.text[self.position] != closing:
            self.position += 1
            self._skip(_BLANK)
        if self.text[self.position] == closing:
            self.position += 1
            return False
        return True

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        if found is None:
            raise ValueError(f"the line scanner is lost at character {self.position}")
        self.position = found.end()
        return found.group()

    def _line(self) -> int:
        return bisect_right(self._newlines, self.position - 1) + 1


def _unquoted(part: str) -> str:
    """The name a key part stands for; its escapes are tomllib's business."""
    if part[0] not in "\"'":
        return part
    return str(tomllib.loads(f"key = {part}")["key"])
