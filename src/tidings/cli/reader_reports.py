"""`tidings subscribers explain`: why a reader got, or did not get, an issue; and all that is known of one reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reports import iso

if TYPE_CHECKING:
    from tidings.model import Consent, StoredSubscriber
    from tidings.store import Store
    from tidings.store.receiving import IssueOfReader

EVERYTHING = 10**9
_ENDS = ("left", "unlisted")
_WORDS = {
    "asked": "asked for it",
    "confirmed": "confirmed it",
    "added": "was added",
    "imported": "was imported",
    "listed": "is named in the configuration",
    "unlisted": "is not named in the configuration any more",
    "left": "left",
    "returned": "came back",
    "changed": "changed what to get",
    "paused": "paused",
    "moved": "changed the address",
}
_REFUSED = {
    "operator": "was erased by the operator: no list and no line of the file begins anything",
    "erased": "was erased and came back: no list and no line of the file begins anything else",
    "never-ask": "asked never to be asked again: no list and no line of the file begins anything else",
    "moved": "was another reader's, who has moved: no list and no line of the file begins anything else",
}
_STATES = {
    "accepted": "got it",
    "pending": "not sent yet",
    "leased": "being sent",
    "inflight": "being sent",
    "deferred": "put off by the mail server",
    "rejected": "refused by the mail server",
    "uncertain": "not known whether it came",
    "suppressed": "not sent",
    "expired": "not sent, too old",
}


@click.command()
@click.argument("address", metavar="ADDRESS")
@click.option("--limit", type=click.IntRange(1, EVERYTHING), default=20, show_default=True, help="So many issues.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def explain(config_path: Path, address: str, limit: int, as_json: bool) -> None:
    """Say why ADDRESS gets what it gets: who asked for it when, and each issue.

    First the trail of consent, oldest first; then the newest issues of the editions it has or had, and for each whether
    it was delivered, or why not. Times are UTC.
    """
    from tidings.cli import wiring
    from tidings.cli.subscribers import known
    from tidings.store import explaining

    with wiring.open_site(config_path) as (_, store), explaining.snapshot(store):
        report = reader_report(store, known(store, address), limit)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print(report)


def reader_report(store: Store, one: StoredSubscriber, limit: int = EVERYTHING) -> dict[str, Any]:
    """All that is known of a reader, as people script against it; at most `limit` issues."""
    from tidings.cli.subscribers import subscription_report, suppressed_among
    from tidings.store import consents, receiving, refusals

    trail = consents.trail(store, one.id)
    suppressed = suppressed_among(store, [one])
    return {
        "address": one.address,
        "language": one.language,
        "created_at": iso(one.created_at),
        "link": one.public_id,
        "refused": refusals.among(store, [one.address]).get(one.address, ""),
        "subscriptions": [
            subscription_report(each, suppressed.get((one.address, each.edition))) for each in one.subscriptions
        ],
        "trail": [_line(each) for each in trail],
        "issues": [_issue(each, trail) for each in receiving.issues_of(store, one.id, limit)],
    }


def _line(one: Consent) -> dict[str, Any]:
    return {
        "at": iso(one.at),
        "edition": one.edition,
        "what": one.what,
        "form": one.evidence.form,
        "wording": one.evidence.wording,
        "network": one.evidence.network,
        "detail": dict(one.evidence.detail),
    }


def _issue(one: IssueOfReader, trail: Sequence[Consent]) -> dict[str, Any]:
    return {
        "issue": one.issue,
        "frozen_at": iso(one.frozen_at),
        "state": one.state,
        "why": _why(one, trail),
        "updated_at": iso(one.updated_at),
    }


def _why(one: IssueOfReader, trail: Sequence[Consent]) -> str:
    """What became of an issue; without a delivery, how the subscription stood when it was made."""
    if one.state:
        return _STATES[one.state] + (f": {one.reply}" if one.reply else "")
    before = [line for line in trail if line.edition == one.edition and line.at <= one.frozen_at]
    if not before:
        return "made before this reader subscribed"
    if before[-1].what in _ENDS:
        return f"made after this reader {_WORDS[before[-1].what].replace('is not', 'was not')}"
    if one.has_own:
        return "not made for this reader, who has chosen to get it another way"
    return "not made for this reader, who had paused then"


def _print(report: dict[str, Any]) -> None:
    from tidings.cli.tables import print_table

    click.echo(report["address"])
    if report["refused"]:
        click.echo(f"  {_REFUSED[report['refused']]}")
    for each in report["subscriptions"]:
        over = f", ended {each['ended_at'][:10]} by {each['ended_by']}" if each["ended_by"] else ""
        held = f", not mailed: {each['suppressed']['reason']}" if each["suppressed"] else ""
        paused = f", paused until {each['paused_until']}" if each["paused_until"] else ""
        click.echo(f"  {each['edition']}: since {each['since'][:10]}, from {each['origin']}{over}{paused}{held}")
    click.echo()
    trail = [
        (each["at"], each["edition"], _WORDS[each["what"]], each["form"], _grounds(each)) for each in report["trail"]
    ]
    print_table(("when", "edition", "what", "by", "on which words"), trail)
    click.echo()
    issues = [(each["issue"], each["frozen_at"], each["why"]) for each in report["issues"]]
    if issues:
        print_table(("issue", "made", ""), issues)
    else:
        click.echo("no issues yet")


def _grounds(line: dict[str, Any]) -> str:
    return "; ".join([line["wording"], *(f"{name}: {value}" for name, value in line["detail"].items())]).strip("; ")
