"""`tidings preview` and `tidings send`."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tidings.config import Config
    from tidings.deliver import Dispatch
    from tidings.errors import RenderError, TidingsError
    from tidings.letters import PostOffice
    from tidings.model import Edition, IssueContent
    from tidings.settling import Outcome
    from tidings.store import Store
    from tidings.store.deliveries import Tally


_WORDS: dict[str, str] = {
    "accepted": "delivered",
    "deferred": "to be tried again",
    "rejected": "refused",
    "given_up": "given up",
    "uncertain": "not known whether it came",
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
    from tidings.cli import drafting, issuing, wiring
    from tidings.errors import TidingsError

    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name)
        now = wiring.utc_now()
        draft = drafting.draft_mail(loaded, store, edition, issuing.preview_office(loaded), now)
        why = "" if draft else drafting.why_nothing(store, loaded, edition, now)
    if draft is None:
        click.echo(f"{edition.name}: {why}", err=True)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "issue.html").write_text(draft.mail.html, encoding="utf-8")
        (out / "issue.txt").write_text(draft.mail.text, encoding="utf-8")
        (out / "issue.eml").write_bytes(draft.message)
    except OSError as error:
        raise TidingsError(f"{out}: cannot be written ({error})") from error
    click.echo(draft.mail.subject)
    for name in ("issue.html", "issue.txt", "issue.eml"):
        click.echo(out / name)


@click.command()
@click.argument("edition_name", metavar="EDITION")
@click.option("--to", "address", metavar="ADDRESS", help="Mail the next issue to this address only, as a test.")
@click.option("--anyway", is_flag=True, help="Send the issue also when `tidings check EDITION` finds it not fit.")
@click.pass_obj
def send(config_path: Path, edition_name: str, address: str | None, anyway: bool) -> None:
    """Freeze the next issue of EDITION and deliver it.

    Issue and deliveries are written down before the first mail leaves, and each mail's outcome right after it. So an
    interrupted send is finished by running the command again, which then makes no new issue, and nobody is mailed
    twice. Readers whose server refused or put us off are named. With nothing new it says so.

    Before anything is written down the mail is judged as `tidings check EDITION` does, but for SpamAssassin. A finding
    in red stops it with exit status 1, unless --anyway is given.

    With --to the issue goes to that address alone and counts as nothing: it is not frozen, and the same posts are still
    new afterwards. Findings are shown, and stop nothing.

    Of two sends of an edition at the same moment one makes an issue; the other waits for it, says so and makes none.

    With `review` in the edition the issue waits: it is frozen, and goes with the first send after that time, or when
    `tidings issues release` lets it go. One that is held waits as well; both are named.
    """
    from tidings.cli import issuing, wiring

    began = wiring.utc_now()
    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name)
        if address is not None:
            _send_test(loaded, store, edition, address)
        else:
            _send_issue(loaded, store, edition, anyway, began)


def _send_issue(loaded: Config, store: Store, edition: Edition, anyway: bool, began: datetime) -> None:
    import time

    from tidings import deliver
    from tidings.cli import issue_reports, issuing, wiring
    from tidings.dispatching import Pace
    from tidings.store import exclusive, issue_states, sender, subscribers

    office = issuing.post_office(loaded)
    with wiring.stop_flag() as stop, exclusive(store, f"send-{edition.name}", stop) as waited:
        if office.guarded:
            sender.require(store)  # before an issue is frozen: that uses up posts
        rival = _rival(store, edition, began, waited)
        content = None if rival else _freeze(loaded, store, edition, office, anyway)
        error: TidingsError | None = _freeze_personal(loaded, store, edition, office, stop)
        try:
            dispatch = deliver.deliver(store, edition, office, Pace(wiring.utc_now, stop, time.sleep))
        except (deliver.BrokenOffError, deliver.UnwrittenError) as broken:
            error, dispatch = error or broken, broken.dispatch
    if rival:
        click.echo(f"{edition.name}: {rival}, so this one makes none; send again for the next")
    elif content is None and error is None and not dispatch.counts and not dispatch.expired:
        click.echo(f"{edition.name}: {_why_nothing(loaded, store, edition)}; nothing was sent{_what_waits(dispatch)}")
    elif content is None:
        click.echo(f"{edition.name}: no new issue; this run was for what was left of earlier ones")
    elif not subscribers.readers(store, [edition.name]):
        click.echo(f"{edition.name} has no subscribers: the issue is for the archive only", err=True)
    report_dispatch(dispatch)
    for issue in issue_states.waiting(store, edition.name):
        click.echo(issue_reports.why_it_waits(issue), err=True)
    if error is not None:
        raise error
    is_open = dispatch.tally.open or dispatch.undecided
    if is_open or dispatch.expired or any(_went_wrong(one) for one in dispatch.outcomes):
        sys.exit(1)


def _what_waits(dispatch: Dispatch) -> str:
    count = len(dispatch.undecided)
    return (
        f", and of {count} {_mails(count)} it is not known whether {'it' if count == 1 else 'they'} came"
        if count
        else ""
    )


def _mails(count: int) -> str:
    return "mail" if count == 1 else "mails"


def _rival(store: Store, edition: Edition, began: datetime, waited: bool) -> str:
    """What another send of the edition did since this one `began`, or while it `waited`: who starts two at once, by
    accident, wants one issue. "" where there was none. An issue made in the future was made by a wrong clock."""
    from tidings.cli import wiring
    from tidings.store import issues

    made = issues.last_frozen(store, edition.name)
    if made is not None and began <= made <= wiring.utc_now():
        return f"another send has just made {edition.name}-{issues.next_number(store, edition.name) - 1}"
    return "another send was running" if waited else ""


def _freeze(loaded: Config, store: Store, edition: Edition, office: PostOffice, anyway: bool) -> IssueContent | None:
    """Makes the next issue and names it; None when there is none. Raises TidingsError when it is not fit to be sent."""
    from tidings import digest
    from tidings.cli import drafting, issuing, wiring
    from tidings.errors import TidingsError

    now = wiring.utc_now()
    inspection = drafting.Inspection(store, edition, office, now)
    is_fit = (lambda _content: True) if anyway else inspection.is_fit
    content = digest.freeze_next(store, edition, loaded.sources, issuing.masthead(loaded), office, now, is_fit)
    if inspection.faults:
        drafting.show(inspection.faults, err=True)
        raise TidingsError(
            f"{edition.name}: not sent, and nothing is frozen: the mail has the faults above. Put them right "
            f"(`tidings preview {edition.name}` shows the mail), or send it as it is with --anyway."
        )
    if content is not None:
        click.echo(f"{edition.name} #{content.number}: {content.subject}")
    return content


def _freeze_personal(
    loaded: Config, store: Store, edition: Edition, office: PostOffice, stop: Callable[[], bool]
) -> RenderError | None:
    """Freezes what is due of readers' own editions: their times are not the operator's to choose. Returns the error of
    one that could not be: that stops no mail."""
    from tidings import digest
    from tidings.cli import issuing, wiring
    from tidings.errors import RenderError

    masthead, now = issuing.masthead(loaded), wiring.utc_now()
    try:
        own = digest.freeze_personal(store, edition, loaded.sources, masthead, office, now, stop)
    except RenderError as error:
        return error
    if own:
        click.echo(f"{edition.name}: issues of readers' own: {len(own)}")
    return None


def report_dispatch(dispatch: Dispatch, edition: str = "") -> None:
    """What this pass came to in one line, the balance where something is left, and by name each reader who did not get
    the mail, may get it twice, or may not have it. The line names the `edition` where that is not plain."""
    from tidings.settling import MOST_NAMED, is_given_up

    states = dispatch.counts
    parts = [f"{states[state]} {word}" for state, word in _WORDS.items() if states.get(state)]
    if dispatch.tally.pending:
        parts.append(f"{dispatch.tally.pending} not sent yet")
    if parts:
        click.echo((f"{edition}: " if edition else "") + ", ".join(parts))
    tally = dispatch.tally
    if tally.open or tally.expired:
        click.echo(f"balance: {tally.open + tally.settled} readers = {balance(tally)}", err=True)
    for outcome in dispatch.outcomes:
        if _went_wrong(outcome):
            word = "" if is_given_up(outcome.receipt) else f"{_WORDS[outcome.receipt.state]}: "
            click.echo(f"{outcome.delivery.address}: {word}{outcome.receipt.reply}", err=True)
    if len(dispatch.outcomes) >= MOST_NAMED:
        click.echo("and perhaps more: `tidings deliveries list` has them all", err=True)
    _report_doubts(dispatch)
    for name, count in dispatch.expired.items():
        click.echo(
            f"{name}: {count} mails are not sent, since the issue is older than `stale_after`; "
            f"`tidings deliveries resolve {name} --send` sends them all the same",
            err=True,
        )
    for delivery in dispatch.in_doubt:
        click.echo(
            f"{delivery.address}: what became of an earlier try is not known, so it may have come already; "
            f"sent again with the same Message-ID {delivery.message_id}",
            err=True,
        )


def _report_doubts(dispatch: Dispatch) -> None:
    """Of the mails whose outcome is not known, which go again by themselves and which wait for somebody to decide, and
    how that is done. Those that this pass did not try are named here."""
    tried = {one.delivery.id for one in dispatch.outcomes if one.receipt.state == "uncertain"}
    waiting = {one.id for one in dispatch.undecided}
    for one in dispatch.undecided:
        if one.id not in tried:
            click.echo(f"{one.address}: {_WORDS['uncertain']}: {one.reply}", err=True)
    if again := len(tried - waiting):
        click.echo(
            f"{again} of these {'is' if again == 1 else 'are'} sent once more without being asked, under the same "
            "Message-ID: by `tidings run` after 5 minutes or more, by `tidings send` at once",
            err=True,
        )
    for name, count in Counter(one.issue for one in dispatch.undecided).items():
        resolve = f"`tidings deliveries resolve {shlex.quote(name)}"
        click.echo(
            f"{name}: {count} {_mails(count)} {'waits' if count == 1 else 'wait'} for you to say whether "
            f"{'it' if count == 1 else 'they'} came: {resolve} --sent` where that is so, {resolve} --send` sends "
            "again; an address behind the issue's name decides on that reader alone",
            err=True,
        )


def balance(tally: Tally) -> str:
    """The balance of deliveries: all that there are, each once."""
    counts = {
        "delivered": tally.accepted,
        "refused": tally.rejected,
        "given up": tally.given_up,
        "no longer wanted": tally.suppressed,
        "expired": tally.expired,
        "open": tally.open,
    }
    return " + ".join(f"{count} {word}" for word, count in counts.items())


def _went_wrong(outcome: Outcome) -> bool:
    return outcome.receipt.state in ("deferred", "rejected", "uncertain")


def _send_test(loaded: Config, store: Store, edition: Edition, address: str) -> None:
    from dataclasses import replace
    from email.utils import parseaddr

    from tidings import letters
    from tidings.cli import drafting, issuing, wiring
    from tidings.errors import MailError
    from tidings.mail.transport import Parcel, always
    from tidings.store import keys, subscribers

    if parseaddr(address)[1] != address or "@" not in address.strip("@") or not address.isprintable():
        raise click.BadParameter(f"{address!r} is not an address", param_hint="--to")
    office = issuing.post_office(loaded)
    now = wiring.utc_now()
    draft = drafting.draft_mail(loaded, store, edition, office, now, address)
    if draft is None:
        click.echo(f"{edition.name}: {drafting.why_nothing(store, loaded, edition, now)}; nothing was sent")
        return
    drafting.show(drafting.findings(draft, office), err=True)
    link_keys = keys.usable(store, now) if office.one_click else ()
    printed = letters.render(draft.content, office, draft.language, link_keys)
    mail = replace(printed, subject=f"[test] {printed.subject}")
    token = letters.token(draft.content, subscribers.public_ids(store, [address]).get(address, ""), link_keys, now)
    with office.open_transport() as transport:
        identity = letters.message_id(draft.content, office, address)
        letter = letters.write(draft.content, mail, edition, office, address, identity, now, token)
        receipt = transport.send(Parcel(office.envelope_sender, address, lambda: letter), always)
    if receipt.state != "accepted":
        raise MailError(f"{address}: not delivered: {receipt.reply}")
    click.echo(f"test of {edition.name} sent to {address}; it counts as nothing")


def _why_nothing(loaded: Config, store: Store, edition: Edition) -> str:
    from tidings.cli import drafting, wiring
    from tidings.store import issues

    if issues.interrupted(store, edition.name):
        return "no new issue before the last one went"
    return drafting.why_nothing(store, loaded, edition, wiring.utc_now())
