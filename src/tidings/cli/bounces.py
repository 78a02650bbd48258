"""`tidings bounces`: taking in what comes back, and looking at it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tidings.cli.reports import LONGEST_ID, InOrder, iso

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.model import Arrival
    from tidings.store import Store
    from tidings.store.incoming import Effect, Recorded

_MOST_BYTES = 2_000_000
_READ_AT_ONCE = 65_536
_MOST_TOLD = 20

_EFFECTS: dict[Effect, str] = {
    "noted": "nothing",
    "counted": "counted",
    "suppressed": "no more mail",
    "unsubscribed": "unsubscribed",
    "ended": "sign-up or move ended",
    "ours": "our fault",
    "kept": "kept",
}


@click.group(cls=InOrder)
def bounces() -> None:
    """Take in what comes back, and look at what it led to.

    What comes back are reports of mail servers, complaints, requests to be left alone, and replies of programs. Whom a
    message is about is told by a code that only this Tidings can make. What nobody understands is kept.
    """


@bounces.command()
@click.option("--sender", metavar="ADDRESS", help="The envelope's sender, empty for a report; else $SENDER.")
@click.option("--recipient", metavar="ADDRESS", help="Whom it was sent to; else $ORIGINAL_RECIPIENT, or $RECIPIENT.")
@click.pass_obj
def receive(config_path: Path, sender: str | None, recipient: str | None) -> None:
    """Take in one message from standard input, for a mail server's pipe.

    It is read, judged and saved before this ends with exit status 0. With 75 (EX_TEMPFAIL) it was not, for whatever
    reason, and the mail server is to keep it and try again. The same message taken twice counts once. What the options
    do not say is taken from the variables that Postfix and Exim set, and from the message.
    """
    from tidings.errors import ConfigError

    if sys.stdin.isatty():
        raise click.UsageError("this reads a message from standard input; a mail server is to call it")
    try:
        _take(config_path, _arrival(os.environ, sender, recipient))
    except ConfigError as error:
        _try_later("; ".join(error.problems))
    except (Exception, KeyboardInterrupt) as error:
        # Whatever it is, the message is not saved: a traceback would be mailed to somebody, and the message be lost.
        _try_later(str(error) or type(error).__name__)


def _try_later(problem: str) -> NoReturn:
    click.echo(f"tidings: not taken, to be tried again: {problem}", err=True)
    sys.exit(os.EX_TEMPFAIL)


def _arrival(environ: os._Environ[str], sender: str | None, recipient: str | None) -> Arrival:
    from tidings.model import Arrival

    path = environ.get("SENDER") if sender is None else sender
    if recipient is None:
        recipient = environ.get("ORIGINAL_RECIPIENT") or environ.get("RECIPIENT") or ""
    return Arrival(None if path is None else path.strip().strip("<>"), recipient.strip().strip("<>"), _standard_input())


def _standard_input() -> bytes:
    """A message, or its beginning where it is very long. All of it is read, since a mail server takes a pipe that
    closes early for a failure."""
    message = sys.stdin.buffer.read(_MOST_BYTES)
    while sys.stdin.buffer.read(_READ_AT_ONCE):
        pass
    return message


def _take(config_path: Path, arrival: Arrival) -> None:
    from tidings import config, intake
    from tidings.cli import wiring
    from tidings.store import open_store

    loaded = config.load_checked(config_path)
    mailbox = address_of_bounces(loaded)
    with open_store(loaded.site.database) as store:
        intake.take(store, arrival, mailbox, wiring.utc_now())


def address_of_bounces(loaded: Config) -> str:
    """The address that mail comes back to. Raises ConfigError without a [mail.bounces] table."""
    from tidings.errors import ConfigError

    if loaded.mail is None or loaded.mail.bounces is None:
        raise ConfigError(
            [f"{loaded.path}: there is no [mail.bounces] table, so nothing that comes back can be told apart; add one"]
        )
    return loaded.mail.bounces


@bounces.command("list")
@click.option("--kept", is_flag=True, help="Only messages that are kept for you to look at.")
@click.option("--limit", type=click.IntRange(1, 10**9), default=100, show_default=True, help="At most this many.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def list_(config_path: Path, kept: bool, limit: int, as_json: bool) -> None:
    """List what came back, the newest first.

    With each come its number, what it is, whom it is about, what the server said, and what it led to. A reader in
    brackets is only what the message says, which anybody can write. Times are UTC.
    """
    from tidings.cli import wiring
    from tidings.store import explaining, incoming

    with wiring.open_site(config_path) as (_, store), explaining.snapshot(store):
        rows = incoming.listed(store, limit, only_kept=kept)
    if as_json:
        click.echo(json.dumps([bounce_report(row) for row in rows], ensure_ascii=False, indent=2))
    else:
        _print_rows(rows)


def bounce_report(one: Recorded) -> dict[str, Any]:
    """What came back as people script against it; times are ISO 8601 UTC."""
    return {
        "id": one.id,
        "received_at": iso(one.received_at),
        "kind": one.entry.kind,
        "address": one.owner.address if one.owner else None,
        "claimed": None if one.owner else _claimed(one) or None,
        "issue": one.owner.issue if one.owner else None,
        "known_by": one.entry.known_by or None,
        "meaning": one.entry.meaning or None,
        "status": one.entry.status or None,
        "diagnostic": one.entry.diagnostic or None,
        "effect": one.entry.effect,
        "size": one.entry.size,
    }


def _claimed(one: Recorded) -> str:
    """Whom a kept message says that it is about, "" for nobody."""
    from tidings.mail.bounces import read

    if one.entry.message is None:
        return ""
    returned = read(one.entry.message)
    return returned.recipient if returned.kind in ("bounce", "delayed", "complaint") else returned.sender


def _print_rows(rows: list[Recorded]) -> None:
    from tidings.cli.issue_reports import minute
    from tidings.cli.tables import print_table

    if not rows:
        click.echo("nothing came back", err=True)
        return
    print_table(
        ("id", "when", "kind", "reader", "issue", "led to", "answer"),
        [
            (
                str(row.id),
                minute(iso(row.received_at)),
                row.entry.kind,
                row.owner.address if row.owner else _in_brackets(_claimed(row)),
                row.owner.issue if row.owner else "",
                _EFFECTS[row.entry.effect],
                row.entry.diagnostic or row.entry.status,
            )
            for row in rows
        ],
    )
    if any(row.entry.effect == "kept" for row in rows):
        click.echo("`tidings bounces show ID` shows what is kept, `tidings bounces forget ID` deletes it", err=True)


def _in_brackets(claimed: str) -> str:
    return f"({claimed})" if claimed else ""


@bounces.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, 10**LONGEST_ID))
@click.pass_obj
def show(config_path: Path, number: int) -> None:
    """Print a message that is kept, as it came.

    On a terminal what could move the cursor is left out; into a pipe or a file go the bytes. Says on standard error
    what to do about a reader who wants no more mail.
    """
    from tidings.cli import wiring
    from tidings.cli.tables import printable
    from tidings.errors import StoreError
    from tidings.store import incoming

    with wiring.open_site(config_path) as (_, store):
        one = incoming.numbered(store, number)
    if one is None or one.entry.message is None:
        raise StoreError(f"no message with the number {number} is kept; see `tidings bounces list --kept`")
    message = one.entry.message
    if sys.stdout.isatty():
        message = "\n".join(map(printable, message.decode("utf-8", "replace").splitlines())).encode() + b"\n"
    click.echo(message, nl=False)
    if len(one.entry.message) < one.entry.size:
        click.echo(f"cut: the message had {one.entry.size} bytes", err=True)
    click.echo(_advice(one), err=True)


def _advice(one: Recorded) -> str:
    """What the operator can do about a kept message."""
    import shlex

    from tidings.config import values

    address = one.owner.address if one.owner else _claimed(one)
    try:
        address = values.address(address)
    except ValueError:
        address = "ADDRESS"
    edition = f" --edition {shlex.quote(one.owner.edition)}" if one.owner and one.entry.kind == "unsubscribe" else ""
    return (
        f"if {address} is to be left alone: `tidings suppressions add {shlex.quote(address)}{edition}`; "
        f"then `tidings bounces forget {one.id}`"
    )


@bounces.command()
@click.argument("numbers", metavar="ID...", nargs=-1, required=True, type=click.IntRange(1, 10**LONGEST_ID))
@click.pass_obj
def forget(config_path: Path, numbers: tuple[int, ...]) -> None:
    """Delete messages from the list, with what was kept of them.

    What they led to stays: `tidings suppressions remove` undoes that. A number that there is not is exit status 1, and
    the others are deleted all the same.
    """
    from tidings.cli import wiring
    from tidings.errors import StoreError
    from tidings.store import incoming

    with wiring.open_site(config_path) as (_, store):
        missing = incoming.forget(store, numbers)
    if missing:
        raise StoreError(f"there is no message with the number {', '.join(map(str, missing))}")


def tell_new(store: Store, after: int) -> int:
    """Tells the operator, on standard error, of what came back with a number above `after` and concerns him. Returns
    the highest number there is."""
    from tidings.store import incoming

    newest = incoming.newest(store)
    if newest <= after:
        return newest
    told = [line for one in reversed(incoming.listed(store, _MOST_TOLD, after)) if (line := _told(one))]
    for line in told:
        click.echo(line, err=True)
    if newest - after > _MOST_TOLD:
        click.echo("and more came back: `tidings bounces list`", err=True)
    return newest


def _told(one: Recorded) -> str:
    from tidings.cli.tables import printable

    entry, reader = one.entry, one.owner.address if one.owner else "somebody"
    said = printable(entry.diagnostic or entry.status)
    match entry.effect:
        case "ours":
            return f"bounces: our mail to {reader} was refused for what we are or sent ({entry.meaning}): {said}"
        case "suppressed":
            why = "they call it spam" if entry.kind == "complaint" else f"it bounces: {said}"
            return f"bounces: {reader} gets no more mail, since {why}"
        case "unsubscribed":
            return f"bounces: {reader} has unsubscribed from {one.owner.edition if one.owner else 'an edition'}"
        case "kept":
            return f"bounces: a message that nobody understood, or nobody's, is kept: `tidings bounces show {one.id}`"
        case _:
            return ""
