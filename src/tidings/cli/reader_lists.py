"""`tidings subscribers import` and `tidings subscribers export`: lists of readers in and out."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tidings.readers.lists import Fault
    from tidings.store import Store
    from tidings.store.importing import Incoming, Left

_MOST_SHOWN = 20
_CHUNK = 1 << 20
_FATES = {
    "left": "has left, and stays away",
    "refused": "was erased, has moved to another address, or asked never to be asked, and stays away",
    "suppressed": "is suppressed (`tidings suppressions list`)",
    "duplicate": "is in the list before, and counts once",
}


@click.command(name="import")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--edition", "edition_name", metavar="NAME", required=True, help="What they are to get.")
@click.option("--consent", required=True, metavar="TEXT", help="Where and how they agreed; it is recorded for each.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.pass_obj
def import_(config_path: Path, file: Path, edition_name: str, consent: str, dry_run: bool) -> None:
    """Subscribe the readers of a CSV file to an edition.

    The first line names the columns: address, and, if they are there, language, since and consent; others are left
    alone. The columns may be parted by commas, semicolons or tabs. Either all are taken in, or, if a line is wrong,
    none. Who has left, or was erased, is named and not brought back.
    """
    from tidings.cli import issuing, wiring
    from tidings.errors import TidingsError
    from tidings.model import Evidence
    from tidings.store import importing

    if not consent.strip():
        raise click.BadParameter("say where the readers agreed to get this", param_hint="--consent")
    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name).name
        faults: list[Fault] = []
        importing.stage(store, _rows(file, edition, faults))
        if faults:
            _show_faults(file, faults)
            raise TidingsError(f"{file}: {len(faults)} lines are wrong, so nobody was subscribed")
        evidence = Evidence(form="tidings subscribers import", wording=consent.strip())
        fates = importing.take(store, edition, evidence, wiring.utc_now(), dry_run=dry_run)
        left_out = importing.left_out(store, _MOST_SHOWN)
    _report(file, edition, fates, left_out, dry_run)


def _rows(file: Path, edition: str, faults: list[Fault]) -> Iterator[Incoming]:
    """What can be used of a file; what cannot goes to `faults`."""
    from tidings.cli import wiring
    from tidings.config import values
    from tidings.errors import TidingsError
    from tidings.readers.lists import Fault, ListError, encoding_of, read_list
    from tidings.store.importing import Incoming

    with file.open("rb") as raw:
        encoding = encoding_of(iter(lambda: raw.read(_CHUNK), b""))
    with file.open(encoding=encoding, errors="replace", newline="") as text:
        try:
            for row in read_list(text, edition, encoding, values.language, wiring.utc_now()):
                if isinstance(row, Fault):
                    faults.append(row)
                else:
                    yield Incoming(row.line, row.address, row.language, row.since, row.consent)
        except ListError as error:
            raise TidingsError(f"{file}: {error}; nobody was subscribed") from None


def _show_faults(file: Path, faults: list[Fault]) -> None:
    for one in faults[:_MOST_SHOWN]:
        click.echo(f"{file}:{one.line}: {one.message}", err=True)
    if len(faults) > _MOST_SHOWN:
        click.echo(f"… and {len(faults) - _MOST_SHOWN} more", err=True)


def _report(file: Path, edition: str, fates: dict[str, int], left_out: list[Left], dry_run: bool) -> None:
    for one in left_out:
        click.echo(f"{file}:{one.line}: {one.address} {_FATES[one.fate]}", err=True)
    hidden = sum(fates.get(fate, 0) for fate in _FATES) - len(left_out)
    if hidden > 0:
        click.echo(f"… and {hidden} more that are not taken in", err=True)
    taken = fates.get("new", 0) + fates.get("back", 0)
    already = fates.get("already", 0) + fates.get("own", 0)
    verb = "would be subscribed" if dry_run else "subscribed"
    click.echo(
        f"{taken} {verb} to {edition}, {already} had it already, {fates.get('left', 0)} have left, "
        f"{fates.get('refused', 0)} are refused, {fates.get('suppressed', 0)} suppressed, "
        f"{fates.get('duplicate', 0)} twice in the list"
    )


@click.command()
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--edition", "edition_name", metavar="NAME", help="The readers of this edition, as CSV.")
@click.option("--address", metavar="ADDRESS", help="All that is known of this reader, as JSON.")
@click.pass_obj
def export(config_path: Path, file: Path | None, edition_name: str | None, address: str | None) -> None:
    """Write the readers of an edition as CSV, or all that is known of one reader as JSON.

    Goes to FILE, or to standard output. `tidings subscribers import` takes the CSV again; it has who gets the edition
    now, and not who has left. The JSON is what to give to a reader who asks what you know.
    """
    if (edition_name is None) == (address is None):
        raise click.UsageError("say what to write: one of --edition and --address")
    from tidings.cli import issuing, wiring
    from tidings.errors import TidingsError

    with wiring.open_site(config_path) as (loaded, store):
        if address is not None:
            from tidings.store import explaining

            with explaining.snapshot(store):
                kept = _kept(store, address)
            text = json.dumps(kept, ensure_ascii=False, indent=2) + "\n"
            lines: Iterator[str] = iter([text])
        else:
            from tidings.readers import lists
            from tidings.store import exporting

            edition = issuing.edition_named(loaded, edition_name or "").name
            lines = lists.written(exporting.rows(store, edition, lists.COLUMNS))
        try:
            _write(file, lines)
        except OSError as error:
            raise TidingsError(f"{file}: cannot be written ({error.strerror})") from error


def _kept(store: Store, address: str) -> dict[str, Any]:
    """All that is kept of an address. Raises TidingsError where that is nothing."""
    from tidings.cli.reader_reports import nothing_known
    from tidings.store import exporting, subscribers

    reader = subscribers.find(store, address)
    kept = exporting.of_reader(store, reader) if reader else exporting.of_stranger(store, address)
    if kept is None:
        raise nothing_known(address)
    return kept


def _write(file: Path | None, lines: Iterator[str]) -> None:
    if file is None:
        for line in lines:
            click.echo(line, nl=False)
        return
    with open(file, "w", encoding="utf-8", newline="", opener=_for_its_owner) as out:
        out.writelines(lines)
    click.echo(file)


def _for_its_owner(path: str, flags: int) -> int:
    """Opens a file that only its owner may read, where there was none: it has addresses."""
    return os.open(path, flags, 0o600)
