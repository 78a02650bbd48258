"""`tidings keys`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidings.cli.reports import InOrder, iso

if TYPE_CHECKING:
    from tidings.model import LinkKey


@click.group(cls=InOrder)
def keys() -> None:
    """See and change the keys of readers' own links.

    Each mail has a link by which its reader leaves; a key in the database signs it, and the newest one does. Nobody has
    to do anything about keys unless somebody may have got hold of the database or a backup.
    """


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_keys(config_path: Path, as_json: bool) -> None:
    """List the keys: since when, and until when.

    The keys themselves are not shown. With --json: rows of id, made, retired and signs.
    """
    from tidings.cli import reports, tables, wiring
    from tidings.cli.issue_reports import minute
    from tidings.store import keys as stored

    with wiring.open_site(config_path) as (_, store):
        found = stored.listed(store)
    signing = max((key.id for key in found if key.retired_at is None), default=None)
    if as_json:
        click.echo(reports.laid_out([_row(key, signing) for key in found]))
        return
    if not found:
        click.echo("no keys yet; the first is made when it is needed", err=True)
        return
    rows = [(str(key.id), minute(iso(key.made_at)), minute(iso(key.retired_at)), _state(key, signing)) for key in found]
    tables.print_table(("key", "made", "retired", "state"), rows)


@keys.command()
@click.pass_obj
def rotate(config_path: Path) -> None:
    """Make a key that signs from now on.

    Links in mails that are out go on: their keys are still accepted, for as long as the database is there.
    """
    from tidings.cli import wiring
    from tidings.store import keys as stored

    with wiring.open_site(config_path) as (_, store):
        key = stored.rotate(store, wiring.utc_now())
    click.echo(f"key {key.id} signs from now on; those before it are still accepted")


@keys.command()
@click.argument("key", type=click.IntRange(min=1))
@click.pass_obj
def retire(config_path: Path, key: int) -> None:
    """End a key that others may know.

    All links it signed stop at once, also those in old mails, whose readers then have to write to leave. A new key
    takes its place if it was the last one.
    """
    from tidings.cli import wiring
    from tidings.errors import TidingsError
    from tidings.store import keys as stored

    with wiring.open_site(config_path) as (_, store):
        if not stored.retire(store, key, wiring.utc_now()):
            raise TidingsError(f"there is no key {key} in use; `tidings keys list` shows those there are")
    click.echo(f"key {key} is retired; the links that it signed lead nowhere now")


def _row(key: LinkKey, signing: int | None) -> dict[str, object]:
    return {
        "id": key.id,
        "made": iso(key.made_at),
        "retired": iso(key.retired_at),
        "signs": key.id == signing,
    }


def _state(key: LinkKey, signing: int | None) -> str:
    if key.retired_at is not None:
        return "retired"
    return "signs" if key.id == signing else "accepted"
