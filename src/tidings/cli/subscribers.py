"""`tidings subscribers`: who gets what, since when and why. Lists in and out are in reader_lists.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reader_lists import export, import_
from tidings.cli.reader_reports import explain
from tidings.cli.reports import InOrder, counted, iso

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.model import StoredSubscriber, Subscription
    from tidings.store import Store
    from tidings.store.erasing import Erased
    from tidings.store.subscribers import Count
    from tidings.store.suppressions import Suppression

    Suppressed = Mapping[tuple[str, str], Suppression]

_REFUSED = {
    "operator": "was erased",
    "erased": "was erased, as its reader wished,",
    "never-ask": "wants no such mail",
}
_SENDING = "another Tidings process polls or sends; waiting until it has ended"
_VOUCHED = "the operator vouches that the reader asked for it"


@click.group(cls=InOrder)
def subscribers() -> None:
    """Show and change who gets which edition.

    Readers whom the configuration names are subscribers like all others: they can leave, and stay away then, whatever
    the file says. Who is added here, or imported, is in the database only.
    """


@subscribers.command(name="list")
@click.option("--edition", metavar="NAME", help="Only those who have or had this edition.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def list_(config_path: Path, edition: str | None, as_json: bool) -> None:
    """List the subscribers, those who have left too.

    A row for each: whether it gets anything, which editions, in what language, since when, and where the subscription
    came from. One that is suppressed gets nothing, though its subscription goes on. Behind them, how many each edition
    has. Times are UTC.
    """
    from tidings.cli import issuing, wiring
    from tidings.store import explaining
    from tidings.store import subscribers as stored

    with wiring.open_site(config_path) as (loaded, store), explaining.snapshot(store):
        now = wiring.utc_now()
        readers = list(stored.listed(store, edition))
        if edition is not None and not readers:
            issuing.edition_named(loaded, edition)  # one that the file has no more may still have had readers
        suppressed = suppressed_among(store, readers)
        report = [subscriber_report(one, edition, suppressed, now) for one in readers]
        counts = [one for one in stored.counts(store) if edition in (None, one.edition)]
        gone = listed_but_gone(loaded, store)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    _print_rows(report)
    for line in (*_summaries(counts, suppressed), *gone):
        click.echo(line, err=True)


def suppressed_among(store: Store, readers: Sequence[StoredSubscriber]) -> Suppressed:
    """What keeps some readers from editions that they subscribed to, by address and edition."""
    from tidings import standing

    wanting: dict[str, list[str]] = {}
    for one in readers:
        for each in one.subscriptions:
            if not each.ended_by:
                wanting.setdefault(each.edition, []).append(one.address)
    return {
        (address, edition): why
        for edition, addresses in wanting.items()
        for address, why in standing.suppressions_of(store, addresses, edition).items()
    }


def subscriber_report(
    one: StoredSubscriber, edition: str | None, suppressed: Suppressed, now: datetime
) -> dict[str, Any]:
    """A subscriber as people script against it, all of its subscriptions or only that to `edition`."""
    shown = [each for each in one.subscriptions if edition in (None, each.edition)]
    running = [each for each in shown if not each.ended_by]
    return {
        "address": one.address,
        "status": _status(one, running, suppressed, now),
        "editions": [each.edition for each in running],
        "language": one.language or next((each.language for each in running if each.language), ""),
        "since": iso(min((each.since for each in shown), default=one.created_at)),
        "subscriptions": [subscription_report(each, suppressed.get((one.address, each.edition))) for each in shown],
    }


def _status(one: StoredSubscriber, running: Sequence[Subscription], suppressed: Suppressed, now: datetime) -> str:
    """Whether a reader gets any of the subscriptions that run."""
    if not running:
        return "left"
    if all((one.address, each.edition) in suppressed for each in running):
        return "suppressed"
    is_paused = all(each.paused_until is not None and each.paused_until > now for each in running)
    return "paused" if is_paused else "active"


def subscription_report(one: Subscription, suppressed: Suppression | None) -> dict[str, Any]:
    """A subscription as people script against it."""
    why = suppressed and {"reason": suppressed.reason, "since": iso(suppressed.since), "words": suppressed.words}
    return {
        "edition": one.edition,
        "origin": one.origin,
        "since": iso(one.since),
        "language": one.language,
        "ended_at": iso(one.ended_at),
        "ended_by": one.ended_by,
        "suppressed": why,
        "paused_until": iso(one.paused_until),
    }


def listed_but_gone(loaded: Config, store: Store) -> list[str]:
    """A sentence for each reader whom the configuration names and who is not mailed all the same."""
    from tidings.store import refusals
    from tidings.store import subscribers as stored

    found = []
    for edition in loaded.editions:
        left = stored.gone(store, edition.name, edition.addresses)
        refused = refusals.among(store, stored.without(store, edition.name, edition.addresses))
        for address in edition.addresses:
            if address in left:
                found.append(_in_vain(loaded, edition.name, address, "has left"))
            elif refused.get(address) == "moved":
                found.append(_has_moved(loaded, store, edition.name, address))
            elif address in refused:
                found.append(_in_vain(loaded, edition.name, address, _REFUSED[refused[address]]))
    return found


def _in_vain(loaded: Config, edition: str, address: str, why: str) -> str:
    return (
        f"{address} is named for {edition}, but {why} and is not mailed; take the address out of {loaded.path}, or, if "
        "the reader asks for it, `tidings subscribers add --again`"
    )


def _has_moved(loaded: Config, store: Store, edition: str, address: str) -> str:
    from tidings.addresses import pseudonym
    from tidings.store import moves, site

    now_at = moves.successor(store, pseudonym(address, site.secret(store)))
    place = f"write {now_at} in its place" if now_at else "take the address out"
    return f"{address} is named for {edition}, but its reader gets it at another address now; {place} in {loaded.path}"


def _print_rows(report: Sequence[dict[str, Any]]) -> None:
    from tidings.cli.tables import print_table

    if not report:
        click.echo("no subscribers", err=True)
        return
    rows = [
        (
            row["address"],
            _state(row),
            ", ".join(row["editions"]),
            row["language"],
            row["since"][:10],
            ", ".join(dict.fromkeys(each["origin"] for each in row["subscriptions"])),
        )
        for row in report
    ]
    print_table(("address", "status", "editions", "language", "since", "from"), rows)


def _state(row: Mapping[str, Any]) -> str:
    """The status; of one who is suppressed with why and since when."""
    whys = [each["suppressed"] for each in row["subscriptions"] if each["suppressed"]]
    if row["status"] != "suppressed":
        return str(row["status"])
    return f"suppressed ({whys[0]['reason']} {whys[0]['since'][:10]})"


def _summaries(counts: Sequence[Count], suppressed: Suppressed) -> list[str]:
    """How many an edition has, where they came from, and how many of them are not mailed all the same."""
    held = [edition for _, edition in suppressed]
    lines = []
    for edition in dict.fromkeys(one.edition for one in counts):
        own = [one for one in counts if one.edition == edition]
        origins = ", ".join(f"{one.running} {one.origin}" for one in own if one.running)
        running, ended = sum(one.running for one in own), sum(one.ended for one in own)
        among = f", {held.count(edition)} of them suppressed" if edition in held else ""
        lines.append(f"{edition}: {running} active{f' ({origins})' if origins else ''}{among}, {ended} ended")
    return lines


@subscribers.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--edition", "edition_name", metavar="NAME", required=True, help="What it is to get.")
@click.option("--language", default="", metavar="TAG", help="The language of the words around the posts.")
@click.option("--again", is_flag=True, help="Also if the reader has left, or was erased.")
@click.pass_obj
def add(config_path: Path, address: str, edition_name: str, language: str, again: bool) -> None:
    """Subscribe ADDRESS to an edition.

    With this you vouch that the reader asked for it; that is recorded. One who has left is not taken back without
    --again.
    """
    from tidings.cli import issuing, wiring
    from tidings.errors import TidingsError
    from tidings.model import Evidence
    from tidings.store import subscribers as stored

    address, language = _address(address), _language(language)
    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name).name
        evidence = Evidence(form="tidings subscribers add", wording=_VOUCHED)
        now = wiring.utc_now()
        _lift_suppression(store, address, edition, again)
        done = stored.add(store, address, edition, "cli", evidence, now, language=language, again=again)
    if done in ("left", "refused"):
        why = f"has left {edition}" if done == "left" else "was erased, has moved, or asked never to be asked"
        raise TidingsError(f"{address} {why}; if the reader wants it back, say --again. Nothing was changed")
    said = {"added": f"gets {edition} from now on", "returned": f"gets {edition} again"}
    click.echo(f"{address}: {said.get(done, f'gets {edition} already')}")


@subscribers.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--edition", metavar="NAME", help="Only this edition; otherwise all of them.")
@click.pass_obj
def remove(config_path: Path, address: str, edition: str | None) -> None:
    """End the subscriptions of ADDRESS, or one of them.

    It stays away from then on, whatever a list or the configuration says. The trail stays, too; `erase` takes all.
    """
    from tidings.cli import wiring
    from tidings.model import Evidence
    from tidings.store import subscribers as stored

    evidence = Evidence(form="tidings subscribers remove")
    with wiring.open_site(config_path) as (loaded, store):
        found, now = known(store, address), wiring.utc_now()
        if edition is None:
            ended = stored.leave_all(store, found.id, "operator", evidence, now)
        else:
            ended = [edition] if stored.leave(store, found.id, edition, "operator", evidence, now) else []
        gone = [line for line in listed_but_gone(loaded, store) if line.startswith(f"{found.address} ")]
    for name in ended:
        click.echo(f"{found.address}: does not get {name} any more")
    for line in gone:
        click.echo(line, err=True)
    if not ended:
        click.echo(f"{found.address} did not get {edition or 'anything'}; nothing was changed", err=True)
        sys.exit(1)


@subscribers.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--forget-refusal", is_flag=True, help="Keep not even the hash that keeps the address from coming back.")
@click.pass_obj
def erase(config_path: Path, address: str, forget_refusal: bool) -> None:
    """Erase all that is known of ADDRESS.

    Subscriptions and trail go; deliveries stay as numbers without a reader, so that the balance of each issue holds.
    What is kept is a hash, by which no list and no file brings the address back. The database file is written anew, so
    that no bytes of it are left; that waits until nobody polls or sends. What stands in the configuration, in backups
    and in mail logs is yours to erase.
    """
    from tidings.cli import wiring
    from tidings.store import erasing

    address = _address(address)
    with wiring.open_site(config_path) as (loaded, store), wiring.stop_flag() as stop:
        done = erasing.erase(store, address, wiring.utc_now(), refuse=not forget_refusal)
        erasing.scrub(store, wiring.telling(stop, _SENDING))
        gone = [line for line in listed_but_gone(loaded, store) if line.casefold().startswith(address.casefold())]
    click.echo(f"{address}: {_what_was(done)}")
    if done.refused:
        click.echo(f"{address} is not mailed from now on: no list, file or form brings it back")
    for line in gone:
        click.echo(line, err=True)


def _what_was(done: Erased) -> str:
    """What there was of an address, and is erased."""
    asked = "a sign-up that nobody confirmed" if done.signup else ""
    freed = counted(done.deliveries, "delivery is", "deliveries are") + " nobody's now"
    if done.subscriber:
        return f"erased, with {asked}; {freed}" if asked else f"erased; {freed}"
    if not asked and not done.deliveries:
        return "nobody had it, so there was nothing to erase"
    return f"no subscriber had it, but {asked}, which is erased; {freed}" if asked else f"no subscriber had it; {freed}"


def _lift_suppression(store: Store, address: str, edition: str, again: bool) -> None:
    """Mails to an address again that was suppressed, or raises TidingsError where that is not asked for."""
    from tidings import standing
    from tidings.errors import TidingsError

    why = standing.suppressed(store, [address], edition).get(address)
    if why is None:
        return
    if not again:
        raise TidingsError(f"{address}: {why}; if the reader wants it back, say --again. Nothing was changed")
    standing.unsuppress(store, address)


def known(store: Store, address: str) -> StoredSubscriber:
    """The subscriber with an address. Raises TidingsError where there is none."""
    from tidings.errors import TidingsError
    from tidings.store import subscribers as stored

    found = stored.find(store, address)
    if found is None:
        raise TidingsError(f"{address}: no subscriber has this address; `tidings subscribers list` shows them")
    return found


def _address(text: str) -> str:
    from tidings.addresses import AddressError, checked

    try:
        return checked(text)
    except AddressError as error:
        raise click.BadParameter(f"{text!r}: {error}", param_hint="ADDRESS") from None


def _language(text: str) -> str:
    from tidings.config import values

    try:
        return values.language(text) if text else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--language") from None


for _command in (explain, import_, export):
    subscribers.add_command(_command)
