"""Tables on a terminal, plain aligned columns elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints `rows` under `head`. On a terminal long cells wrap; in a pipe each row is one line, cells parted by two
    blanks or more. What a feed put into a cell can't move the cursor or colour the screen."""
    safe = [[printable(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(len(row[n]) for row in [list(head), *safe]) for n in range(len(head))]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in [list(head), *safe]]
        click.echo("\n".join(lines))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*head, box=None, pad_edge=False, header_style="bold")
    for row in safe:
        table.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console().print(table)


_STYLES = {"failed": "red", "ok": "green", "skipped": "yellow", "unchanged": "dim"}


def printable(cell: str) -> str:
    """A text of one line without what moves the cursor or colours the screen."""
    if cell.isprintable():
        return cell
    return "".join(character if character.isprintable() else " " for character in cell)
