"""`tidings subscribers import` and `tidings subscribers export`: lists of readers in and out."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from tidings.cli.reports import counted

if TYPE_CHECKING:
    from tidings.readers.lists import Fault
    from tidings.store import Store
    from tidings.store.importing import Incoming, Left

_MOST_SHOWN = 20
_CHUNK = 1 << 20
_NO_CONSENT = (
    "does not say how the reader agreed: say it in a column `consent`, or with --consent for all whose row does not"
)
_FATES = {
    "left": "has left, and stays away",
    "refused": "was erased, has moved to another address, or asked never to be asked, and stays away",
    "suppressed": "is suppressed (`tidings suppressions list`)",
    "duplicate": "is in the list before, and counts once",
}


@click.command(name="import")
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option("--edition", "edition_name", metavar="NAME", required=True, help="What they are to get.")
@click.option("--consent", metavar="TEXT", help="Where and how they agreed, for all whose row does not say it.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and change nothing.")
@click.pass_obj
def import_(config_path: Path, file: BinaryIO, edition_name: str, consent: str | None, dry_run: bool) -> None:
    """Subscribe the readers of a CSV file to an edition.

    The first line names the columns: address, and, if they are there, language, since and consent; others are left
    alone. The columns may be parted by commas, semicolons or tabs; "-" reads standard input. Either all are taken in,
    or, if a line is wrong, none. Who has left, or was erased, is named and not brought back.
    """
    from tidings.cli import issuing, wiring
    from tidings.errors import TidingsError
    from tidings.model import Evidence
    from tidings.store import importing

    consent = None if consent is None else consent.strip()
    if consent == "":
        raise click.BadParameter("say where the readers agreed to get this", param_hint="--consent")
    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name).name
        faults: list[Fault] = []
        importing.stage(store, _rows(file, edition, consent, faults))
        if faults:
            _show_faults(file.name, faults)
            wrong = counted(len(faults), "line is", "lines are")
            raise TidingsError(f"{file.name}: {wrong} wrong, so nobody was subscribed")
        evidence = Evidence(form="tidings subscribers import", wording=consent or "")
        fates = importing.take(store, edition, evidence, wiring.utc_now(), dry_run=dry_run)
        left_out = importing.left_out(store, _MOST_SHOWN)
    _report(file.name, edition, fates, left_out, dry_run)


def _rows(file: BinaryIO, edition: str, consent: str | None, faults: list[Fault]) -> Iterator[Incoming]:
    """What can be used of a file; what cannot goes to `faults`, and so does who agreed to nothing, where no `consent`
    is told for all."""
    from tidings.cli import wiring
    from tidings.config import values
    from tidings.errors import TidingsError
    from tidings.readers.lists import Fault, ListError, encoding_of, read_list
    from tidings.store.importing import Incoming

    with _rereadable(file) as raw:
        encoding = encoding_of(iter(lambda: raw.read(_CHUNK), b""))
        raw.seek(0)
        text = TextIOWrapper(raw, encoding, errors="replace", newline="")
        try:
            for row in read_list(text, edition, encoding, values.language, wiring.utc_now()):
                if isinstance(row, Fault):
                    faults.append(row)
                elif not row.consent and consent is None:
                    faults.append(Fault(row.line, _NO_CONSENT))
                else:
                    yield Incoming(row.line, row.address, row.language, row.since, row.consent)
        except ListError as error:
            raise TidingsError(f"{file.name}: {error}; nobody was subscribed") from None


@contextmanager
def _rereadable(file: BinaryIO) -> Iterator[BinaryIO]:
    """A file that can be read twice: what comes through a pipe, which can be read once, is kept aside meanwhile."""
    if file.seekable():
        yield file
        return
    with TemporaryFile() as aside:
        shutil.copyfileobj(file, aside)
        aside.seek(0)
        yield aside


def _show_faults(file: str, faults: list[Fault]) -> None:
    for one in faults[:_MOST_SHOWN]:
        click.echo(f"{file}:{one.line}: {one.message}", err=True)
    if len(faults) > _MOST_SHOWN:
        click.echo(f"… and {len(faults) - _MOST_SHOWN} more", err=True)


def _report(file: str, edition: str, fates: dict[str, int], left_out: list[Left], dry_run: bool) -> None:
    for one in left_out:
        click.echo(f"{file}:{one.line}: {one.address} {_FATES[one.fate]}", err=True)
    hidden = sum(fates.get(fate, 0) for fate in _FATES) - len(left_out)
    if hidden > 0:
        click.echo(f"… and {hidden} more that are not taken in", err=True)
    taken = fates.get("new", 0) + fates.get("back", 0)
    already = fates.get("already", 0) + fates.get("own", 0)
    verb = "would be subscribed" if dry_run else "subscribed"
    click.echo(
        f"{taken} {verb} to {edition}, {already} had it already, {counted(fates.get('left', 0), 'has', 'have')} left, "
        f"{counted(fates.get('refused', 0), 'is', 'are')} refused, {fates.get('suppressed', 0)} suppressed, "
        f"{fates.get('duplicate', 0)} twice in the list"
    )
    if own := fates.get("own", 0):
        then = "would not end" if dry_run else "does not end"
        click.echo(
            f"{counted(own, 'reader', 'readers')} had it since the configuration file says so: from now on the list "
            f"does as well, and taking the address out of the file {then} it"
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
