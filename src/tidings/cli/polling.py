"""`tidings poll`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidings.cli.reports import counted, laid_out

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.model import FeedState, PollRow

MALFORMED = "malformed or cut short; read as far as it goes"


@click.command()
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Poll all sources, due or not.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def poll(config_path: Path, names: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Fetch what is due, once, and store what is new.

    Without arguments the sources whose time has come are polled. Named sources (by name or URL), or all with --all, are
    polled now even if they are not due; never, though, before the moment a server asked to be left alone until, and
    then they count as skipped.

    Requests are conditional, so an unchanged feed costs next to nothing. One source that fails stops no other: the
    rest is saved, the failure is named, and the exit status is 1.
    """
    from tidings import forgetting
    from tidings import poll as pipe
    from tidings.cli import wiring
    from tidings.store import exclusive, feeds, pruning, stories

    with (
        wiring.open_site(config_path) as (loaded, store),
        wiring.stop_flag() as stop,
        exclusive(store, "poll", stop),
    ):
        states = feeds.states(store, loaded.sources)
        chosen = _choose(loaded, states, names, everything)
        allowed, skipped = pipe.allowed(chosen, wiring.utc_now())
        settings = wiring.poll_settings(loaded, store)
        rows = pipe.run(store, allowed, settings, wiring.executor_opener(loaded), wiring.utc_now, stop)
        report = [*skipped, *_show_progress(rows, len(allowed))]
        pruning.prune(store, wiring.retention(loaded), wiring.utc_now(), stop)
        stories.forget_marks(store, wiring.utc_now())
        forgetting.forget(store, wiring.utc_now())
        interrupted = stop()
    if as_json:
        click.echo(laid_out(poll_report(report)))
    else:
        print_rows(report)
        print_moves(config_path, report)
        if not report:
            click.echo(_nothing_due(states), err=True)
    if interrupted:
        click.echo(f"interrupted: {len(allowed) - len(report) + len(skipped)} sources were not polled", err=True)
    if interrupted or any(row.status == "failed" for row in report):
        sys.exit(1)


def poll_report(rows: Sequence[PollRow]) -> dict[str, object]:
    """The report as people script against it; times are ISO 8601 UTC."""
    return {
        "polled": sum(row.status != "skipped" for row in rows),
        "new": sum(row.new for row in rows),
        "updated": sum(row.updated for row in rows),
        "unchanged": sum(row.status == "unchanged" for row in rows),
        "failed": sum(row.status == "failed" for row in rows),
        "skipped": sum(row.status == "skipped" for row in rows),
        "sources": [
            {
                "name": row.name,
                "url": row.url,
                "status": row.status,
                "http": row.http,
                "new": row.new,
                "updated": row.updated,
                "error": {"kind": row.failure.kind, "message": row.failure.message} if row.failure else None,
                "next_poll_at": row.next_poll_at.isoformat(timespec="seconds") if row.next_poll_at else None,
                "note": _note(row) or None,
                "moved_to": row.moved_to,
            }
            for row in rows
        ],
    }


def print_rows(rows: Sequence[PollRow]) -> None:
    """A row per source and a line of sums."""
    from tidings.cli.tables import print_table

    if not rows:
        return
    print_table(
        ("source", "status", "new", "updated", ""),
        [
            (
                row.name,
                row.status,
                str(row.new or ""),
                str(row.updated or ""),
                _remark(row),
            )
            for row in rows
        ],
    )
    sums = poll_report(rows)
    click.echo(
        f"{sums['polled']} polled: {sums['new']} new, {sums['updated']} updated, "
        f"{sums['unchanged']} unchanged, {sums['failed']} failed"
        + (f"; {sums['skipped']} skipped" if sums["skipped"] else "")
    )


def report_poll(loaded: Config, rows: Sequence[PollRow]) -> None:
    """What the daemon's log says of a poll: failures, in one line if it is our own network; what there is to say of the
    others; what moved; what is new."""
    failed = [row for row in rows if row.failure is not None]
    offline = [row for row in failed if row.failure and row.failure.kind == "offline"]
    if offline and offline[0].failure:
        click.echo(f"poll: {len(offline)} sources are tried again later: {offline[0].failure.message}", err=True)
    for row in failed:
        if row.failure and row not in offline:
            click.echo(f"poll: {row.name}: {row.failure.message}", err=True)
    for row in rows:
        if row.note and row.status in ("ok", "unchanged"):
            click.echo(f"poll: {row.name}: {row.note}", err=True)
    print_moves(loaded.path, [row for row in rows if row.status == "ok"])
    new = sum(row.new for row in rows)
    if new:
        sources = counted(sum(row.new > 0 for row in rows), "source", "sources")
        click.echo(f"poll: {counted(new, 'new post', 'new posts')} from {sources}", err=True)


def print_moves(config_path: Path, rows: Sequence[PollRow]) -> None:
    """The lines of the file to change for sources that have moved for good."""
    from tidings import config

    moved = {row.url: row.moved_to for row in rows if row.moved_to}
    if not moved:
        return
    for url, line in config.source_lines(config_path, moved).items():
        click.echo(f'{config_path}:{line}: {url} has moved for good; write url = "{moved[url]}"', err=True)


def _remark(row: PollRow) -> str:
    if row.failure:
        return row.failure.message
    if row.status == "skipped" and row.next_poll_at:
        # Our plan: it may lie well behind the moment that a server named, as after several failures in a row.
        return f"{row.note}; its next poll is planned for {row.next_poll_at:%Y-%m-%d %H:%M} UTC"
    return _note(row)


def _note(row: PollRow) -> str:
    """What there is to say of a poll that did not fail, or ""."""
    was_read = row.status in ("ok", "unchanged")
    return "; ".join(filter(None, (MALFORMED if row.malformed and was_read else "", row.note)))


def _choose(loaded: Config, states: Sequence[FeedState], names: Sequence[str], everything: bool) -> list[FeedState]:
    from tidings import poll as pipe
    from tidings.cli import wiring

    if names:
        unknown = [name for name in names if not any(name in (s.source.name, s.source.url) for s in states)]
        if unknown:
            raise click.UsageError(f"no source in {loaded.path} is called {', '.join(map(repr, unknown))}")
        return [state for state in states if state.source.name in names or state.source.url in names]
    if everything:
        return [state for state in states if not state.source.disabled]
    return pipe.due(states, loaded.editions, wiring.poll_limits(loaded), wiring.utc_now())


def _nothing_due(states: Sequence[FeedState]) -> str:
    if not states:
        return "there are no sources; add [[sources]] tables to the configuration"
    times = [state.next_poll_at for state in states if state.next_poll_at is not None and not state.source.disabled]
    return f"nothing is due before {min(times):%Y-%m-%d %H:%M} UTC; --all polls anyway" if times else "nothing is due"


def _show_progress(rows: Iterable[PollRow], total: int) -> Iterator[PollRow]:
    """Passes the rows through, with a bar on a terminal and nothing elsewhere (the report follows anyway)."""
    if not sys.stderr.isatty() or total < 2:
        yield from rows
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(rows, "polling", total=total, console=Console(stderr=True), transient=True)
