"""`tidings issues`: what was and will be sent, and an issue held, rid of a story or called off before it goes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reports import InOrder

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.model import Edition, IssueContent, IssueItem, MoreItem, UpdateItem
    from tidings.render.environment import Templates
    from tidings.store import Store
    from tidings.store.issues import StoredIssue


@click.group(cls=InOrder)
def issues() -> None:
    """Show issues, hold one, let it go, or take a story out before it goes.

    An issue is called by its edition and number, such as weekly-12, which is also its name on the web; weekly alone is
    the newest one. weekly#12 is weekly-12, also where there is an edition weekly-12. With `review` in an edition there
    is time for all this between freezing and sending.
    """


@issues.command("list")
@click.argument("edition_name", metavar="[EDITION]", required=False)
@click.option("--limit", type=click.IntRange(1, 10**9), default=20, show_default=True, help="At most this many.")
@click.option("--personal", is_flag=True, help="Also those made for single readers, by their own choices.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def list_(config_path: Path, edition_name: str | None, limit: int, personal: bool, as_json: bool) -> None:
    """List what was sent, newest first, and what comes next.

    With each issue come its state and the balance of its deliveries; behind them, for each edition, when the next issue
    is made and how many stories there are for it so far. Nothing is changed by asking. Times are UTC, those of the next
    issues in the time zone of their editions.
    """
    from tidings.cli import issue_reports, wiring
    from tidings.store import explaining, issue_states

    with wiring.open_site(config_path) as (loaded, store), explaining.snapshot(store):
        editions = _editions(loaded, store, edition_name)
        newest = issue_states.newest(store, edition_name, limit, personal=personal)
        rows = [issue_reports.issue_row(store, one) for one in newest]
        now = wiring.utc_now()
        coming = [issue_reports.next_row(store, loaded, edition, now) for edition in editions]
    if as_json:
        click.echo(json.dumps({"issues": rows, "next": coming}, ensure_ascii=False, indent=2))
        return
    if rows:
        _print_rows(rows)
    for row, edition in zip(coming, editions, strict=True):
        click.echo(issue_reports.next_in_words(row, edition))


def _editions(loaded: Config, store: Store, name: str | None) -> list[Edition]:
    """The editions of the file that are asked for. Raises ConfigError for a name that is neither there nor has issues
    from when it was."""
    from tidings.cli import issuing
    from tidings.store import issue_states

    if name is None:
        return list(loaded.editions)
    if name in issue_states.editions(store):
        return [edition for edition in loaded.editions if edition.name == name]
    return [issuing.edition_named(loaded, name)]


def _print_rows(rows: Sequence[dict[str, Any]]) -> None:
    from tidings.cli.issue_reports import minute, state_in_words, tally_in_words
    from tidings.cli.tables import print_table

    print_table(
        ("issue", "frozen", "stories", "state", "deliveries", "subject"),
        [
            (
                row["issue"],
                minute(row["frozen_at"]),
                f"{row['stories']}{' +' + str(row['more']) if row['more'] else ''}",
                state_in_words(row),
                tally_in_words(row),
                row["subject"],
            )
            for row in rows
        ],
    )


@issues.command()
@click.argument("name", metavar="ISSUE")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def show(config_path: Path, name: str, as_json: bool) -> None:
    """Show an issue headline by headline, with its state and its readers.

    Each headline comes with the id of its post, by which `tidings issues drop` takes it out: stories, those that are
    only named behind them, edits under Updated, and what was dropped. Of the readers it says how far their mail came.
    """
    from tidings.cli import issue_reports, wiring
    from tidings.store import explaining, issue_states

    with wiring.open_site(config_path) as (_, store), explaining.snapshot(store):
        report = issue_reports.issue_report(store, issue_states.named(store, name))
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        _print_issue(report)


def _print_issue(report: dict[str, Any]) -> None:
    from tidings.cli.issue_reports import minute, state_in_words
    from tidings.cli.tables import print_table, printable

    click.echo(printable(f"{report['issue']}: {report['subject']}"))
    click.echo(f"frozen {minute(report['frozen_at'])}, {state_in_words(report)}")
    click.echo(f"on the web: {report['url'] or 'not shown'}\n")
    print_table(
        ("post", "part", "source", "headline", "url"),
        [(str(one["post"]), one["part"], one["source"], one["headline"], one["url"]) for one in report["items"]],
    )
    if report["readers"]:
        click.echo()
        rows = [(one["address"], one["state"], minute(one["updated_at"]), one["reply"]) for one in report["readers"]]
        print_table(("reader", "state", "since", "answer"), rows)


@issues.command()
@click.argument("name", metavar="ISSUE")
@click.pass_obj
def hold(config_path: Path, name: str) -> None:
    """Keep an issue from being sent until it is released.

    It may be in review, or on its way: then the messages in hand are the last, and the other readers wait. Until its
    first mail is out a held issue is not on the web either. The next issues of its edition go on as ever.
    """
    from tidings.cli import issue_reports, wiring
    from tidings.errors import StoreError
    from tidings.store import deliveries, issue_states

    with wiring.open_site(config_path) as (_, store), store.write():
        issue = issue_states.named(store, name)
        tally = deliveries.tally(store, [issue.id])
        state = issue_reports.state_of(issue, tally)
        if state == "held":
            click.echo(f"{issue.content.name} is held already; nothing was changed", err=True)
            return
        if state not in ("reviewing", "sending"):
            words = issue_reports.state_in_words({"state": state})
            raise StoreError(f"{issue.content.name} is {words}: there is no mail of it to hold")
        issue_states.hold(store, issue.id, wiring.utc_now())
    out = f"; {tally.accepted} of its mails went out before" if tally.accepted else ""
    release = f"`tidings issues release {shlex.quote(issue.content.name)}`"
    click.echo(f"{issue.content.name} is held until {release}{out}")


@issues.command()
@click.argument("name", metavar="ISSUE")
@click.pass_obj
def release(config_path: Path, name: str) -> None:
    """Let an issue go that is held or in review.

    `tidings run` sends it within seconds, and where that does not run, `tidings send` does. It goes on where it was:
    who has got the mail gets no second one.
    """
    from tidings.cli import wiring
    from tidings.errors import StoreError
    from tidings.model import base_name
    from tidings.store import issue_states

    with wiring.open_site(config_path) as (_, store), store.write():
        issue = issue_states.named(store, name)
        if issue.kept == "dropped":
            raise StoreError(f"{issue.content.name} was called off, and its stories are news again: it is never sent")
        if not issue.kept:
            click.echo(f"{issue.content.name} is neither held nor in review; nothing was changed", err=True)
            return
        issue_states.release(store, issue.id, wiring.utc_now())
    send = f"`tidings send {shlex.quote(base_name(issue.content.edition))}`"
    click.echo(f"{issue.content.name} may go: `tidings run` sends it within seconds, {send} now")


@issues.command()
@click.argument("name", metavar="ISSUE")
@click.argument("posts", metavar="[POST]...", nargs=-1)
@click.option("--all", "whole", is_flag=True, help="Call the issue off; its stories are news again to its edition.")
@click.pass_obj
def drop(config_path: Path, name: str, posts: tuple[str, ...], whole: bool) -> None:
    """Take stories or edits out of an issue before it goes, or call it off.

    A POST is an id or a URL as `tidings issues show` prints them. What is dropped is in no mail, on no page, and in no
    later issue of the edition. With --all the issue is never sent or shown, and the next one has its stories.
    That can be done as long as no mail of the issue is in a mailbox, or may be.
    """
    if whole == bool(posts):
        raise click.UsageError("name the posts to drop, or call the whole issue off with --all")
    from tidings.cli import issuing, wiring
    from tidings.store import exclusive

    with wiring.open_site(config_path) as (loaded, store), wiring.stop_flag() as stop:
        # Looked at before waiting as well, so that what is out already is said at once, however long others deliver.
        content = _droppable(store, name).content
        with exclusive(store, "deliver", wiring.telling(stop, _DELIVERING)), store.write():
            issue = _droppable(store, f"{content.edition}#{content.number}")
            said = _call_off(store, issue) if whole else _drop(store, issue, posts, issuing.templates(loaded))
    click.echo(said)


_DELIVERING = "another Tidings process is delivering; waiting until it has ended"


def _droppable(store: Store, name: str) -> StoredIssue:
    """The issue called `name`. Raises StoreError when something of it is out, or when it was called off."""
    from tidings.errors import StoreError
    from tidings.store import issue_states

    issue = issue_states.named(store, name)
    name = issue.content.name
    if issue.kept == "dropped":
        raise StoreError(f"{name} was called off already")
    if issue_states.is_out(store, issue.id):
        hold = f"`tidings issues hold {shlex.quote(name)}`"
        raise StoreError(f"{name} is in readers' mailboxes, or may be; {hold} keeps what is left of it from going")
    return issue


def _drop(store: Store, issue: StoredIssue, posts: Sequence[str], templates: Templates) -> str:
    from tidings.cli import wiring
    from tidings.editions.dropping import without
    from tidings.errors import StoreError
    from tidings.render.mail import subject_of
    from tidings.store import issue_states

    content = issue.content
    gone = {_post_meant(content, one) for one in posts}
    left = without(content, gone)
    if not left.items:
        off = f"`tidings issues drop {shlex.quote(content.name)} --all`"
        raise StoreError(f"nothing would be left of {content.name}; {off} calls the whole issue off")
    left = replace(left, subject=subject_of(left, templates))
    issue_states.freeze_anew(store, issue, left, sorted(gone), wiring.utc_now())
    edits = len(content.updates) - len(left.updates)
    counts = [(len(gone) - edits, "story", "stories"), (edits, "edit", "edits")]
    what = " and ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)
    return f"dropped {what} from {content.name}: {left.subject}"


def _call_off(store: Store, issue: StoredIssue) -> str:
    from tidings.cli import wiring
    from tidings.store import issue_states

    issue_states.call_off(store, issue, wiring.utc_now())
    name = issue.content.name
    return f"{name} is called off: it is never sent, and its stories are news again to {issue.content.edition}"


def _post_meant(content: IssueContent, wanted: str) -> int:
    """The post of an issue that somebody means, by id or URL. Raises StoreError that lists those there are."""
    from tidings.errors import StoreError
    from tidings.posts.canonical import canonical

    items: list[IssueItem | MoreItem | UpdateItem] = [*content.items, *content.more, *content.updates]
    page = canonical(wanted)
    for item in items:
        if wanted in (str(item.post_id), item.url) or (page and canonical(item.url) == page):
            return item.post_id
    there = ", ".join(f"{item.post_id} ({item.title or item.url})" for item in items)
    raise StoreError(f"{content.name} has no story {wanted!r}; it has: {there}")
