"""`tidings deliveries`: who got what and what the server said, and deciding on what is not known."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reports import InOrder, iso

if TYPE_CHECKING:
    from tidings.store.resolving import Decision, DeliveryRow

_STATES = ("pending", "leased", "inflight", "accepted", "deferred", "rejected", "uncertain", "suppressed", "expired")


@click.group(cls=InOrder)
def deliveries() -> None:
    """Show who got which issue, and decide where that is not known.

    A delivery is one issue to one reader. Where a server, or this machine, went away in the middle of a message, nobody
    can tell whether it came: that one is `uncertain`, and known by name.
    """


@deliveries.command("list")
@click.argument("name", metavar="[ISSUE]", required=False)
@click.option("--state", type=click.Choice(_STATES), help="Only those in this state.")
@click.option("--address", metavar="ADDRESS", help="Only those to this reader.")
@click.option("--limit", type=click.IntRange(1, 10**9), default=100, show_default=True, help="At most this many.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def list_(
    config_path: Path, name: str | None, state: str | None, address: str | None, limit: int, as_json: bool
) -> None:
    """List deliveries, those of the newest issues first.

    With each come its state, since when, and what the mail server said last. Nothing is changed by asking. Times are
    UTC.
    """
    from tidings.cli import wiring
    from tidings.store import explaining, issue_states, resolving

    with wiring.open_site(config_path) as (_, store), explaining.snapshot(store):
        issue_id = issue_states.named(store, name).id if name is not None else None
        rows = resolving.listed(store, issue_id, state, address, limit)
        there = resolving.count(store, issue_id, state, address) if len(rows) == limit else len(rows)
    if as_json:
        click.echo(json.dumps([delivery_report(row) for row in rows], ensure_ascii=False, indent=2))
    else:
        _print_rows(rows)
    if there > len(rows):
        click.echo(f"{there - len(rows)} more; `--limit {there}` lists them all", err=True)


def delivery_report(row: DeliveryRow) -> dict[str, Any]:
    """A delivery as people script against it; times are ISO 8601 UTC or null."""
    return {
        "issue": row.issue,
        "address": row.address,
        "state": row.state,
        "attempts": row.attempts,
        "doubts": row.doubts,
        "reply": row.reply,
        "next_at": iso(row.next_at),
        "updated_at": iso(row.updated_at),
        "message_id": row.message_id,
    }


def _print_rows(rows: list[DeliveryRow]) -> None:
    from tidings.cli.issue_reports import minute
    from tidings.cli.tables import print_table

    if not rows:
        click.echo("no deliveries", err=True)
        return
    print_table(
        ("issue", "address", "state", "tries", "since", "answer"),
        [
            (row.issue, row.address, row.state, str(row.attempts), minute(iso(row.updated_at)), row.reply)
            for row in rows
        ],
    )


@deliveries.command()
@click.argument("name", metavar="ISSUE")
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@click.option("--sent", is_flag=True, help="It came: never send it again.")
@click.option("--send", "again", is_flag=True, help="Send it, again or after all, under the same Message-ID.")
@click.option("--give-up", is_flag=True, help="Do not send it any more.")
@click.pass_obj
def resolve(config_path: Path, name: str, addresses: tuple[str, ...], sent: bool, again: bool, give_up: bool) -> None:
    """Decide on deliveries of ISSUE that wait: to the named readers, or all.

    Those are the uncertain ones, of which nobody knows whether they came; the expired ones, which were too old to be
    begun; and the deferred ones, which the server put off. Of the last two, --sent is none. What is to be sent goes
    with the next pass of `tidings run`, or with `tidings send`.
    """
    if sent + again + give_up != 1:
        raise click.UsageError("say what is to become of them: one of --sent, --send and --give-up")
    from tidings.cli import wiring
    from tidings.model import base_name
    from tidings.store import issue_states, resolving

    decision: Decision = "sent" if sent else "send" if again else "give-up"
    with wiring.open_site(config_path) as (_, store):
        issue = issue_states.named(store, name)
        found = resolving.resolve(store, issue, addresses, decision, wiring.utc_now())
    said = {"sent": "counted as delivered", "send": "to be sent", "give-up": "given up"}[decision]
    for address in found:
        click.echo(f"{address}: {said}")
    if not found:
        click.echo(f"{issue.content.name}: nothing waits for that; nothing was changed", err=True)
    elif again:
        send = f"`tidings send {shlex.quote(base_name(issue.content.edition))}`"
        click.echo(f"`tidings run` sends within seconds, {send} now", err=True)
