"""`tidings suppressions`: who is not mailed any more, and changing that."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reports import InOrder, iso

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.store import Store
    from tidings.store.suppressions import Suppression

_SHOWN_OF_KEY = 12  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A suppression, and its address where that can still be told, else ""."""

    suppression: Suppression
    address: str

    @property
    def short_key(self) -> str:
        return self.suppression.key.hex()[:_SHOWN_OF_KEY]


@click.group(cls=InOrder)
def suppressions() -> None:
    """Show who is not mailed any more, and change that.

    Addresses come here that are dead, that complained, or that you add. They stay when a reader is taken out of the
    configuration, and count again when he is put back: no address is written down for that. Who unsubscribes is in
    `tidings subscribers list`.
    """


@suppressions.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def list_(config_path: Path, as_json: bool) -> None:
    """List who is not mailed any more, the newest first.

    An address is shown where a subscriber, or a delivery, still has it; else the beginning of what stands for it. Times
    are UTC.
    """
    from tidings.cli import wiring

    with wiring.open_site(config_path) as (_, store):
        rows = _suppressed(store)
    if as_json:
        click.echo(json.dumps([suppression_report(row) for row in rows], ensure_ascii=False, indent=2))
    else:
        _print_rows(rows)


def _suppressed(store: Store) -> list[Suppressed]:
    from tidings.addresses import pseudonym
    from tidings.store import site
    from tidings.store import suppressions as stored
    from tidings.store.subscribers import listed

    found = stored.listed(store)
    if not found:
        return []
    secret, unnamed = site.secret(store), {one.key for one in found}
    subscribers = (one.address for one in listed(store))
    by_key = {}
    for address in chain(subscribers, stored.mailed_addresses(store)):
        if not unnamed:
            break
        key = pseudonym(address, secret)
        if key in unnamed:
            by_key[key] = address
            unnamed.remove(key)
    return [Suppressed(one, by_key.get(one.key, "")) for one in found]


def suppression_report(one: Suppressed) -> dict[str, Any]:
    """A suppression as people script against it; times are ISO 8601 UTC."""
    return {
        "address": one.address or None,
        "key": one.short_key,
        "edition": one.suppression.edition or None,
        "reason": one.suppression.reason,
        "since": iso(one.suppression.since),
        "words": one.suppression.words,
    }


def _print_rows(rows: Iterable[Suppressed]) -> None:
    from tidings.cli.issue_reports import minute
    from tidings.cli.tables import print_table

    cells = [
        (
            row.address or f"#{row.short_key}",
            row.suppression.edition or "all",
            row.suppression.reason,
            minute(iso(row.suppression.since)),
            row.suppression.words,
        )
        for row in rows
    ]
    if cells:
        print_table(("address", "edition", "reason", "since", "answer"), cells)
    else:
        click.echo("nobody is suppressed", err=True)


@suppressions.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--edition", "edition_name", metavar="NAME", help="Only this edition; else all of them.")
@click.pass_obj
def add(config_path: Path, address: str, edition_name: str | None) -> None:
    """Mail ADDRESS no more.

    It counts from the next mail on, also in an issue that is going out just now. The address need not be a subscriber:
    it will not be mailed either when it becomes one.
    """
    from tidings import standing
    from tidings.cli import issuing, wiring
    from tidings.store.suppressions import ALL

    address = _checked(address)
    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name).name if edition_name else ALL
        is_new = standing.suppress(store, address, edition, "by-hand", "", wiring.utc_now())
    what = edition or "anything"
    click.echo(f"{address}: not mailed {what} any more" if is_new else f"{address}: was not mailed {what} already")


@suppressions.command()
@click.argument("address", metavar="ADDRESS")
@click.pass_obj
def remove(config_path: Path, address: str) -> None:
    """Mail ADDRESS again, all editions that it is a subscriber of.

    What was held against it is forgotten. Only do this when its owner asked for it, or when it was suppressed by
    mistake. A subscription that its reader has ended, as with a complaint, stays ended, and is named.
    """
    from tidings import standing
    from tidings.cli import wiring
    from tidings.store import subscribers

    address = _checked(address)
    with wiring.open_site(config_path) as (_, store):
        was_suppressed = standing.unsuppress(store, address)
        found = subscribers.find(store, address)
    ended = [one.edition for one in found.subscriptions if one.ended_by not in ("", "file")] if found else []
    if not was_suppressed:
        click.echo(f"{address} was not suppressed; nothing was changed", err=True)
    else:
        click.echo(f"{address}: {'not suppressed any more' if ended else 'mailed again'}")
    for edition in ended:
        click.echo(
            f"{address}: the subscription to {edition} has ended; if the reader wants it back, "
            f"`tidings subscribers add {address} --edition {edition} --again`",
            err=True,
        )


def _checked(address: str) -> str:
    from tidings.config import values

    try:
        return values.address(address)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ADDRESS") from None


def notes(loaded: Config) -> list[str]:
    """A line for each edition that some of its subscribers do not get, without those who have left it. Makes no
    database where there is none."""
    from tidings import standing
    from tidings.store import open_store, subscribers

    if not loaded.site.database.exists():
        return []
    lines = []
    with open_store(loaded.site.database) as store:
        for edition in loaded.editions:
            gone = subscribers.gone(store, edition.name, edition.addresses)
            staying = [address for address in edition.addresses if address not in gone]
            if found := standing.suppressed(store, staying, edition.name):
                named = "; ".join(f"{address}, since {why}" for address, why in list(found.items())[:3])
                more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
                lines.append(
                    f"edition {edition.name} is not mailed to {len(found)} of its subscribers ({named}{more}); "
                    "`tidings suppressions list` has all"
                )
    return lines
