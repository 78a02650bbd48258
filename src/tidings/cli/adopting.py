"""`tidings adopt`: lets a database that was restored or copied send mail from where it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidings.cli.arguments import WHEN
from tidings.cli.reports import counted, iso

if TYPE_CHECKING:
    from datetime import datetime

    from tidings.adopting import DueBy
    from tidings.config import Config
    from tidings.model import Edition
    from tidings.store import Store
    from tidings.store.sender import Standing


@click.command()
@click.option("--skip-until", "until", type=WHEN, metavar="WHEN", help="Take what was due by then for mailed.")
@click.option("--skip-numbers", is_flag=True, help="Number posts to come past all that were; no more than that.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.pass_obj
def adopt(config_path: Path, until: datetime | None, skip_numbers: bool, yes: bool) -> None:
    """Let a database send that was restored from a backup, or copied.

    Such a database does not know what was mailed since the copy was made, and would mail it again: so nothing is sent
    until this command says so. It tells what differs and what would go out, and asks. Without --skip-until nothing is
    taken for mailed.

    With --skip-until, mails, issues and posts that were due by that date, time or age (12h) count as mailed. Poll
    first: posts that were fetched and mailed since the backup was made are then known, by their dates. That option also
    helps where nothing shows what happened, as after a whole machine was set back.

    With --skip-numbers, before the first poll, the pages of posts to come get numbers that none had since the backup
    was made. That lets nothing be sent.
    """
    from tidings.cli import wiring
    from tidings.errors import TidingsError
    from tidings.store import numbers, sender

    if skip_numbers and (until is not None or yes):
        raise click.UsageError("--skip-numbers comes before the poll, and adopting after it: give it alone")
    with wiring.open_site(config_path) as (loaded, store):
        if skip_numbers:
            click.echo(f"posts that come from now on are numbered from {numbers.skip(store)} on")
            return
        now = wiring.utc_now()
        if until is not None and until > now:
            raise click.BadParameter("is yet to come", param_hint="--skip-until")
        standing = sender.standing(store)
        if not standing.differs and until is None:
            click.echo("this database sends from here: there is nothing to adopt")
            return
        for line in _report(loaded, store, standing, until, now):
            click.echo(line)
        if not yes and not _is_confirmed():
            raise TidingsError("nothing was changed; --yes does it without asking")
        _adopt(loaded, store, until, now)
    click.echo("this database sends from here now")


def _is_confirmed() -> bool:
    return sys.stdin.isatty() and click.confirm("Let it send from here?")


def _adopt(loaded: Config, store: Store, until: datetime | None, now: datetime) -> None:
    """What counts as mailed is written down first: who dies in between has a database that still sends nothing."""
    from tidings import adopting
    from tidings.cli import wiring
    from tidings.store import deliveries, exclusive, sender

    with wiring.stop_flag() as stop, exclusive(store, "deliver", stop):
        if until is not None:
            with store.write():
                deliveries.recover(store, now)
                for edition in loaded.editions:
                    due = adopting.due_by(store, edition, loaded.sources, until, now)
                    adopting.skip(store, edition, due, now)
                    for own, its_due in adopting.own_due_by(store, edition, loaded.sources, until, now):
                        adopting.skip(store, own, its_due, now)
        if sender.standing(store).differs:
            sender.adopt(store)


def _report(loaded: Config, store: Store, standing: Standing, until: datetime | None, now: datetime) -> Iterator[str]:
    """What differs, what would go out, and what counts as mailed."""
    if standing.differs:
        yield "this database was restored from a backup, or copied:"
        yield from (f"  {difference}" for difference in standing.differs)
        yield (
            "whoever unsubscribed or complained after the copy was made is mailed again: "
            "`tidings suppressions add ADDRESS` for those you know of"
        )
        yield "after a backup, `tidings adopt --skip-numbers` before the first poll gives no number of a page again"
    yield "it would send, as far as it knows:"
    for edition in loaded.editions:
        yield from (f"  {line}" for line in _to_come(loaded, store, edition, now))
    if until is not None:
        yield f"of that, these count as mailed by {iso(until)}:"
        for edition in loaded.editions:
            yield from (f"  {line}" for line in _skipped(store, loaded, edition, until, now))
        yield from _unpolled(loaded, store, until)
    elif standing.unknown_until is not None:
        yield f"`--skip-until {iso(standing.unknown_until)}` takes for mailed what was due by then"
        yield from _unpolled(loaded, store, standing.unknown_until)


def _to_come(loaded: Config, store: Store, edition: Edition, now: datetime) -> Iterator[str]:
    """What an edition sends at once, what waits, and its next issue."""
    from tidings import digest
    from tidings.cli import issue_reports
    from tidings.settling import gone_since
    from tidings.store import choices, issue_states, issues, outgoing

    for issue in issues.undelivered(store, edition.name):
        row = issue_reports.issue_row(store, issue)
        is_stale = loaded.mail is not None and now - gone_since(issue) > loaded.mail.stale_after
        stale = "; what is not begun of it is too old to be sent (`stale_after`)" if is_stale else ""
        frozen = issue_reports.minute(row["frozen_at"])
        yield f"{row['issue']}, frozen {frozen}: {issue_reports.tally_in_words(row)}{stale}"
    if own := len(outgoing.undelivered_own(store, edition.name)):
        yield f"{edition.name}: {counted(own, 'mail', 'mails')} of readers' own"
    if due := len(choices.due(store, edition, now)):
        yield f"{edition.name}: {counted(due, 'issue', 'issues')} of readers' own {'is' if due == 1 else 'are'} due"
    for issue in issue_states.waiting(store, edition.name):
        yield issue_reports.why_it_waits(issue)
    row = issue_reports.next_row(store, loaded, edition, now)
    slot = digest.open_slot(store, edition, now)
    if slot is not None and digest.late_slot(store, edition, now) is None:
        yield f"{edition.name}: the issue of {slot.key} is due, with {issue_reports.so_far(row)}"
    else:
        yield issue_reports.next_in_words(row, edition)


def _skipped(store: Store, loaded: Config, edition: Edition, until: datetime, now: datetime) -> Iterator[str]:
    from tidings import adopting

    due: DueBy = adopting.due_by(store, edition, loaded.sources, until, now)
    for one in due.mails:
        yield f"{one.issue}: {counted(one.count, 'mail', 'mails')}"
    if due.slot is not None:
        yield f"{edition.name}: the issue of {due.slot.key}"
    if due.posts:
        yield f"{edition.name}: {counted(len(due.posts), 'post', 'posts')} for its next issue"
    if not (due.mails or due.slot or due.posts):
        yield f"{edition.name}: nothing"
    own = [one for _edition, one in adopting.own_due_by(store, edition, loaded.sources, until, now)]
    if own:
        mails = sum(one.count for due in own for one in due.mails)
        slots = sum(due.slot is not None for due in own)
        sums = f"{counted(mails, 'mail', 'mails')}, {counted(slots, 'issue', 'issues')}"
        yield f"{edition.name}: {sums} of readers' own"


def _unpolled(loaded: Config, store: Store, until: datetime) -> Iterator[str]:
    """Sources whose posts of that time may not be known yet."""
    from tidings.store import feeds

    states = feeds.states(store, [source for source in loaded.sources if not source.disabled])
    names = [state.source.name for state in states if state.polled_at is None or state.polled_at < until]
    if names:
        yield (
            f"not polled since then: {', '.join(names)}. Posts that they had by then will come as news, "
            "unless `tidings poll --all` fetches them first"
        )
