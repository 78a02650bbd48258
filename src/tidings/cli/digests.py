"""`tidings preview` and `tidings send`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.digest import Dispatch, Outcome
    from tidings.model import Edition
    from tidings.store import Store


_WORDS: dict[str, str] = {
    "accepted": "delivered",
    "deferred": "to be tried again",
    "rejected": "refused",
    "suppressed": "no longer wanted",
}


@click.command()
@click.argument("edition_name", metavar="EDITION")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=".",
    show_default=True,
    help="The folder to write to.",
)
@click.pass_obj
def preview(config_path: Path, edition_name: str, out: Path) -> None:
    """Show the next issue of EDITION without sending it.

    Writes issue.html and issue.txt, the two parts of the mail, and issue.eml, the whole message as its first subscriber
    would get it. Changes nothing: the same posts are still new afterwards.
    """
    from tidings import digest
    from tidings.cli import issuing, wiring
    from tidings.errors import TidingsError

    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name)
        now = wiring.utc_now()
        content = digest.draft(store, edition, loaded.sources, issuing.masthead(loaded), now)
    if content is None:
        click.echo(f"{edition.name}: {_nothing(edition)}", err=True)
        return
    office = issuing.preview_office(loaded)
    mail = digest.render(content, edition, office)
    reader = next(iter(edition.addresses), "reader@example.org")
    message = digest.message(content, mail, edition, office, reader, now)
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "issue.html").write_text(mail.html, encoding="utf-8")
        (out / "issue.txt").write_text(mail.text, encoding="utf-8")
        (out / "issue.eml").write_bytes(message)
    except OSError as error:
        raise TidingsError(f"{out}: cannot be written ({error})") from error
    click.echo(mail.subject)
    for name in ("issue.html", "issue.txt", "issue.eml"):
        click.echo(out / name)


@click.command()
@click.argument("edition_name", metavar="EDITION")
@click.option("--to", "address", metavar="ADDRESS", help="Mail the next issue to this address only, as a test.")
@click.pass_obj
def send(config_path: Path, edition_name: str, address: str | None) -> None:
    """Freeze the next issue of EDITION and deliver it.

    Issue and deliveries are written down before the first mail leaves, and each mail's outcome right after it. So an
    interrupted send is finished by running the command again, which then makes no new issue, and nobody is mailed
    twice. Readers whose server refused or put us off are named. With nothing new it says so.

    With --to the issue goes to that address alone and counts as nothing: it is not frozen, and the same posts are still
    new afterwards.
    """
    from tidings.cli import issuing, wiring

    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name)
        if address is not None:
            _send_test(loaded, store, edition, address)
        else:
            _send_issue(loaded, store, edition)


def _send_issue(loaded: Config, store: Store, edition: Edition) -> None:
    import time

    from tidings import digest
    from tidings.cli import issuing, wiring

    office = issuing.post_office(loaded)
    with wiring.stop_flag() as stop:
        content = digest.freeze_next(store, edition, loaded.sources, issuing.masthead(loaded), office, wiring.utc_now())
        if content is not None:
            click.echo(f"{edition.name} #{content.number}: {content.subject}")
        dispatch = digest.deliver(store, edition, office, digest.Pace(wiring.utc_now, stop, time.sleep))
    if content is None and not dispatch.outcomes:
        click.echo(f"{edition.name}: {_nothing(edition)}; nothing was sent")
    elif content is None:
        click.echo(f"{edition.name}: no new issue; this run was for what was left of earlier ones")
    elif not edition.subscribers:
        click.echo(f"{edition.name} has no subscribers: the issue went into the archive only", err=True)
    report_dispatch(dispatch)
    if dispatch.tally.deferred or dispatch.tally.pending or any(_went_wrong(one) for one in dispatch.outcomes):
        sys.exit(1)


def report_dispatch(dispatch: Dispatch) -> None:
    """What this pass came to in one line, and by name each reader who did not get the mail, or may get it twice."""
    states: Counter[str] = Counter(outcome.receipt.state for outcome in dispatch.outcomes)
    parts = [f"{states[state]} {word}" for state, word in _WORDS.items() if states[state]]
    if dispatch.tally.pending:
        parts.append(f"{dispatch.tally.pending} not sent yet")
    if parts:
        click.echo(", ".join(parts))
    for outcome in dispatch.outcomes:
        if _went_wrong(outcome):
            word = _WORDS[outcome.receipt.state]
            click.echo(f"{outcome.delivery.address}: {word}: {outcome.receipt.reply}", err=True)
    for delivery in dispatch.in_doubt:
        click.echo(
            f"{delivery.address}: was in flight when an earlier run ended, so it may have come already; "
            f"sent again with the same Message-ID {delivery.message_id}",
            err=True,
        )


def _went_wrong(outcome: Outcome) -> bool:
    return outcome.receipt.state in ("deferred", "rejected")


def _send_test(loaded: Config, store: Store, edition: Edition, address: str) -> None:
    from dataclasses import replace
    from email.utils import parseaddr

    from tidings import digest
    from tidings.cli import issuing, wiring
    from tidings.errors import MailError

    if parseaddr(address)[1] != address or "@" not in address.strip("@") or not address.isprintable():
        raise click.BadParameter(f"{address!r} is not an address", param_hint="--to")
    office = issuing.post_office(loaded)
    now = wiring.utc_now()
    content = digest.draft(store, edition, loaded.sources, issuing.masthead(loaded), now)
    if content is None:
        click.echo(f"{edition.name}: {_nothing(edition)}; nothing was sent")
        return
    mail = digest.render(content, edition, office)
    mail = replace(mail, subject=f"[test] {mail.subject}")
    with office.open_transport() as transport:
        letter = digest.message(content, mail, edition, office, address, now)
        receipt = transport.send(office.envelope_sender, address, letter)
    if receipt.state != "accepted":
        raise MailError(f"{address}: not delivered: {receipt.reply}")
    click.echo(f"test of {edition.name} sent to {address}; it counts as nothing")


def _nothing(edition: Edition) -> str:
    return "nothing new" if edition.min_posts <= 1 else f"fewer than {edition.min_posts} new posts"
