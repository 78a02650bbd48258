"""Lists of readers as CSV: read row by row as others write them, and written so that they can be read again.

A spreadsheet takes a cell that begins with =, +, - or @ for a formula, and runs it on who opens the file (OWASP, "CSV
Injection"). Such a cell is written behind an apostrophe, as spreadsheets themselves mark text, and read back without.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from tidings.addresses import AddressError, checked
from tidings.records import dataclass

COLUMNS = ("address", "language", "since", "consent")
"""What a list has of a reader; only the first is needed."""

_NAMES = {
    "address": "address",
    "email": "address",
    "e-mail": "address",
    "mail": "address",
    "email address": "address",
    "e-mail address": "address",
    "email_address": "address",
    "language": "language",
    "lang": "language",
    "locale": "language",
    "since": "since",
    "subscribed_at": "since",
    "created_at": "since",
    "confirmed_at": "since",
    "consent": "consent",
    "edition": "edition",
}
_DELIMITERS = ",;\t|"
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_OLD = "cp1252"  # what Excel writes in the West where it is not told otherwise
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")
_LONGEST_CELL = 2000


class ListError(ValueError):
    """The file as a whole is no list of readers; says what to do."""


@dataclass(frozen=True, slots=True)
class ListedReader:
    """A row: its line in the file, and what it says. `since` is when consent was given, None where it is not told;
    `consent` says how, "" likewise."""

    line: int
    address: str
    language: str = ""
    since: datetime | None = None
    consent: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that cannot be used, and why."""

    line: int
    message: str


def encoding_of(chunks: Iterable[bytes]) -> str:
    """The encoding of a file: what its first bytes say, else UTF-8 if all of it is, else Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = iter(chunks)
    head = next(pieces, b"")
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    try:
        decoder.decode(head)
        for piece in pieces:
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _OLD
    return "utf-8"


def read_list(
    lines: Iterable[str], edition: str, encoding: str, language: Callable[[str], str], now: datetime
) -> Iterator[ListedReader | Fault]:
    """The rows of a list, each as a reader of `edition` or with what is wrong with it. `language` checks a language.

    Raises ListError when the first row does not name the columns.
    """
    numbered = iter(lines)
    head = next(numbered, "")
    delimiter = _delimiter(head)
    columns = _columns(next(csv.reader([head], delimiter=delimiter), []))
    reader = csv.reader(numbered, delimiter=delimiter)
    reading = _Reading(edition, encoding, language, now)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Fault(reader.line_num + 1, f"is not CSV ({error})")
            continue
        if any(map(str.strip, cells)):
            yield reading.row(reader.line_num + 1, columns, cells)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the cells of a list are read with."""

    edition: str
    encoding: str
    language: Callable[[str], str]
    now: datetime

    def row(self, line: int, columns: Sequence[str], cells: Sequence[str]) -> ListedReader | Fault:
        values = {name: _unescaped(cell).strip() for name, cell in zip(columns, cells, strict=False) if name}
        try:
            if values.get("edition", self.edition) != self.edition:
                raise ValueError(
                    f"is for the edition {values['edition']!r}; import each edition's readers by themselves"
                )
            return ListedReader(
                line,
                self._address(values.get("address", "")),
                self.language(values["language"]) if values.get("language") else "",
                self._moment(values["since"]) if values.get("since") else None,
                values.get("consent", "")[:_LONGEST_CELL],
            )
        except ValueError as error:
            return Fault(line, str(error))

    def _address(self, text: str) -> str:
        if self.encoding == _OLD and not text.isascii():
            raise ValueError(f"{text!r} has letters beyond ASCII, and the file is not UTF-8; save it as UTF-8")
        try:
            return checked(text)
        except AddressError as error:
            raise ValueError(f"{text[:200]!r} is not an address: {error}") from None

    def _moment(self, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"since: {text[:50]!r} is not a date; write one such as 2026-11-28") from None
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        if moment > self.now:
            raise ValueError(f"since: {text} is in the future")
        return moment


def written(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """CSV as RFC 4180 has it, line by line, safe to be opened in a spreadsheet."""
    line = _Line()
    writer = csv.writer(line)
    for row in rows:
        writer.writerow([_escaped(cell) for cell in row])
        yield line.text


class _Line:
    """Takes what csv writes, and keeps the last of it."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _delimiter(head: str) -> str:
    """What parts the columns: under which the first row names an address, else a comma."""
    for delimiter in _DELIMITERS:
        if "address" in map(_column, next(csv.reader([head], delimiter=delimiter), [])):
            return delimiter
    return ","


def _columns(names: Sequence[str]) -> list[str]:
    columns = [_column(name) for name in names]
    if columns.count("address") != 1:
        raise ListError(
            'the first line must name the columns, one of them "address"; others are language, since, consent'
        )
    return columns


def _column(name: str) -> str:
    """What a column is for by its name, "" for nothing of ours."""
    return _NAMES.get(name.strip().casefold(), "")


def _escaped(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unescaped(cell: str) -> str:
    return cell[1:] if _ESCAPED.match(cell) else cell
