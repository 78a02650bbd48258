"""`tidings subscribers explain`: why a reader got, or did not get, an issue; and all that is known of one reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reports import iso

if TYPE_CHECKING:
    from tidings.errors import TidingsError
    from tidings.model import Consent, Signup, StoredSubscriber
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
    "erased": "was erased by the own wish; may come back through the form, but by no list and no line of the file",
    "never-ask": "asked never to be asked again: no list and no line of the file begins anything else",
    "moved": "was another reader's, who has moved: no list and no line of the file begins anything else",
}
_CAME_BACK = "was erased and came back: no list and no line of the file begins anything else"
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
    it was delivered, or why not. Of an address that no subscriber has: whether it was asked for and not confirmed, and
    what keeps it from being mailed. Times are UTC.
    """
    from tidings.cli import wiring
    from tidings.store import explaining, subscribers

    with wiring.open_site(config_path) as (_, store), explaining.snapshot(store):
        reader = subscribers.find(store, address)
        report = reader_report(store, reader, limit) if reader else _stranger_report(store, address)
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print(report)


def reader_report(store: Store, one: StoredSubscriber, limit: int = EVERYTHING) -> dict[str, Any]:
    """All that is known of a reader, as people script against it; at most `limit` issues."""
    from tidings.cli.subscribers import subscription_report, suppressed_among
    from tidings.store import consents, receiving

    trail = consents.trail(store, one.id)
    suppressed = suppressed_among(store, [one])
    return {
        "address": one.address,
        "language": one.language,
        "created_at": iso(one.created_at),
        "link": one.public_id,
        **_of_address(store, one.address),
        "subscriptions": [
            subscription_report(each, suppressed.get((one.address, each.edition))) for each in one.subscriptions
        ],
        "trail": [_line(each) for each in trail],
        "issues": [_issue(each, trail) for each in receiving.issues_of(store, one.id, limit)],
    }


def _stranger_report(store: Store, address: str) -> dict[str, Any]:
    """The same of an address that no subscriber has. Raises TidingsError where nothing is known of it."""
    known = _of_address(store, address)
    if not any(known.values()):
        raise nothing_known(address)
    nobody = {"address": address, "language": "", "created_at": None, "link": ""}
    return {**nobody, **known, "subscriptions": [], "trail": [], "issues": []}


def nothing_known(address: str) -> TidingsError:
    """The error that says so."""
    from tidings.errors import TidingsError

    return TidingsError(
        f"{address}: no subscriber has this address, and nothing is known of it; `tidings subscribers list` shows them"
    )


def _of_address(store: Store, address: str) -> dict[str, Any]:
    """What is known of an address, whether a subscriber has it or not."""
    from tidings.addresses import pseudonym
    from tidings.store import refusals, signups, site, suppressions

    print_ = pseudonym(address, site.secret(store))
    return {
        "refused": refusals.among(store, [address]).get(address, ""),
        "signups": [_signup(one) for one in signups.of_address(store, address)],
        "suppressions": [
            {"edition": one.edition, "reason": one.reason, "since": iso(one.since), "words": one.words}
            for one in suppressions.all_of(store, print_)
        ],
    }


def _signup(one: Signup) -> dict[str, Any]:
    return {
        "asked_at": iso(one.asked_at),
        "editions": list(one.editions),
        "form": one.evidence.form,
        "wording": one.evidence.wording,
        "network": one.evidence.network,
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
    if until := _paused_until(before, one.frozen_at):
        return f"not made for this reader, who had paused until {until:%Y-%m-%d}"
    if one.has_own:
        return "not made for this reader, who has chosen to get it another way"
    return "not made for this reader, who had paused then"


def _paused_until(trail: Sequence[Consent], at: datetime) -> datetime | None:
    """Until when a reader had paused at a time, by the last choice in the trail before it; None for who had not."""
    chosen = [line for line in trail if line.what in ("paused", "changed")]
    if not chosen or chosen[-1].what == "changed":
        return None
    until = datetime.fromisoformat(json.loads(chosen[-1].evidence.detail["choices"])["paused_until"])
    return until if until > at else None


def _print(report: dict[str, Any]) -> None:
    from tidings.cli.tables import print_table

    click.echo(report["address"] if report["link"] else f"{report['address']}: no subscriber")
    for line in _standing(report):
        click.echo(f"  {line}")
    if not report["link"]:
        return
    for each in report["subscriptions"]:
        over = f", ended {each['ended_at'][:10]} by {each['ended_by']}" if each["ended_by"] else ""
        held = f", not mailed: {each['suppressed']['reason']}" if each["suppressed"] else ""
        paused = f", paused until {each['paused_until']}" if each["paused_until"] else ""
        click.echo(f"  {each['edition']}: since {each['since'][:10]}, from {each['origin']}{over}{paused}{held}")
    click.echo()
    trail = [(each["at"], each["edition"], _WORDS[each["what"]], _by(each), _grounds(each)) for each in report["trail"]]
    print_table(("when", "edition", "what", "by", "on which words"), trail)
    click.echo()
    issues = [(each["issue"], each["frozen_at"], each["why"]) for each in report["issues"]]
    if issues:
        print_table(("issue", "made", ""), issues)
    else:
        click.echo("no issues yet")


def _standing(report: dict[str, Any]) -> Iterator[str]:
    """What is known of an address apart from its subscriptions; those that run say by themselves what suppresses
    them."""
    if report["refused"]:
        came_back = report["refused"] == "erased" and report["link"]
        yield _CAME_BACK if came_back else _REFUSED[report["refused"]]
    for one in report["signups"]:
        asked = f"asked for {', '.join(one['editions'])} ({_by(one)})"
        yield f"{one['asked_at'][:10]}: {asked}, which nobody has confirmed"
    shown = [each["suppressed"] for each in report["subscriptions"]]
    for one in report["suppressions"]:
        if {name: one[name] for name in ("reason", "since", "words")} in shown:
            continue
        yield f"not mailed: {one['reason']} {one['since'][:10]}, {one['edition'] or 'all editions'}"


def _by(one: dict[str, Any]) -> str:
    """By what something was done, and from which network, as long as that is kept."""
    return f"{one['form']} from {one['network']}" if one["network"] else str(one["form"])


def _grounds(line: dict[str, Any]) -> str:
    return "; ".join([line["wording"], *(f"{name}: {value}" for name, value in line["detail"].items())]).strip("; ")
