"""Lists of readers as CSV: what others write is read, and what is written can be read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.config.values import language
from tidings.readers.lists import COLUMNS, Fault, ListedReader, ListError, encoding_of, read_list, written

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
MAY = datetime(2026, 5, 1, tzinfo=UTC)


def read(text: str, encoding: str = "utf-8") -> list[ListedReader | Fault]:
    return list(read_list(io.StringIO(text, newline=""), "daily", encoding, language, NOW))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("address\nann@r.example\n", [ListedReader(2, "ann@r.example")]),
        ("Email\r\nann@r.example\r\n", [ListedReader(2, "ann@r.example")]),
        (" E-Mail Address \nann@r.example", [ListedReader(2, "ann@r.example")]),
        ("name;email;lang\nAnn;ann@r.example;de\n", [ListedReader(2, "ann@r.example", "de")]),
        ("email\tsince\nann@r.example\t2026-05-01\n", [ListedReader(2, "ann@r.example", "", MAY)]),
        ('address,consent\nann@r.example,"at a fair, in May"\n',
         [ListedReader(2, "ann@r.example", "", None, "at a fair, in May")]),
        ('name,email\n"Ann\nof the hill",ann@r.example\n\nBob,bob@r.example\n',
         [ListedReader(3, "ann@r.example"), ListedReader(5, "bob@r.example")]),
        ("email,edition\nann@r.example,daily\n", [ListedReader(2, "ann@r.example")]),
        ("address\nzoë@bücher.example\n", [ListedReader(2, "zoë@bücher.example")]),
        ("address\n", []),
    ],
)  # fmt: skip
def test_lists_are_read_as_others_write_them(text: str, expected: list[ListedReader]) -> None:
    """Whatever parts the columns, however the line ends, in whatever order, with columns that are none of ours."""
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("address\nann\n", 2, "'ann' is not an address"),
        ("address,language\nann@r.example,german!\n", 2, "not a language tag"),
        ("address,since\nann@r.example,1.5.2026\n", 2, "is not a date"),
        ("address,since\nann@r.example,2027-01-01\n", 2, "in the future"),
        ("address,edition\nann@r.example,weekly\n", 2, "for the edition 'weekly'"),
        ("name,address\nAnn\n", 2, "'' is not an address"),
        ("address\nann@r.example\nbob@\n", 3, "'bob@' is not an address"),
        ("address\n" + "a" * 200_000 + "\n", 2, "not CSV"),
    ],
)
def test_what_is_wrong_is_told_by_line(text: str, line: int, said: str) -> None:
    """A row that cannot be used is named, and the others are read all the same."""
    (fault,) = [one for one in read(text) if isinstance(one, Fault)]
    assert fault.line == line
    assert said in fault.message


@pytest.mark.parametrize(
    "text", ["", "ann@r.example\n", "name,language\nAnn,de\n", "email,address\na@b.example,c@d.example\n"]
)
def test_a_file_without_names_of_columns_is_no_list(text: str) -> None:
    """Nobody guesses which column is the address."""
    with pytest.raises(ListError, match='"address"'):
        read(text)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"address\nann@r.example", "utf-8"),
        ("address\nzoë@r.example".encode(), "utf-8"),
        ("address\nzoë@r.example".encode("utf-8-sig"), "utf-8-sig"),
        ("address\nzoë@r.example".encode("utf-16"), "utf-16"),
        ("address,name\nzoe@r.example,Zoë".encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_are_told_apart(data: bytes, expected: str) -> None:
    """By the mark at the beginning, or by all of it, in whatever pieces it comes."""
    assert encoding_of([data]) == expected
    assert encoding_of([data[:3], *(data[n : n + 1] for n in range(3, len(data)))]) == expected


def test_an_old_encoding_is_no_way_to_write_addresses() -> None:
    """What reads as one address may have been another; names beside it do no harm."""
    found = read("address,name\nzoë@r.example,Zoë\nann@r.example,Zoë\n", "cp1252")
    assert isinstance(found[0], Fault)
    assert "save it as UTF-8" in found[0].message
    assert found[1] == ListedReader(3, "ann@r.example")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "'=1", "''=1", "=cmd|' /C calc'!A0"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """A spreadsheet shows what was written, and runs nothing."""
    (row,) = csv.reader(written([[cell]]))
    assert row[0].startswith("'")
    assert row[0][1:] == cell


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


@given(st.lists(st.tuples(st.sampled_from(["ann@r.example", "=a@r.example", "+1@r.example", "'x@r.example"]), cells)))
def test_what_is_written_is_read_again(rows: list[tuple[str, str]]) -> None:
    """Addresses and words come back as they were, formulas or not."""
    table: Iterator[list[str]] = iter(
        [list(COLUMNS), *([address, "de", "2026-05-01", words] for address, words in rows)]
    )
    found = read("".join(written(table)))
    assert [(one.address, one.language, one.since, one.consent) for one in found if isinstance(one, ListedReader)] == [
        (address, "de", MAY, words.strip()) for address, words in rows
    ]
