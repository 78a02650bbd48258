"""`tidings run`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.cli.drafting import Inspection
    from tidings.config import Config
    from tidings.letters import PostOffice
    from tidings.model import Edition, IssueContent


@click.command()
@click.pass_obj
def run(config_path: Path) -> None:
    """Do it all from now on: poll, send, publish, and serve the pages.

    Sources are polled when they are due, issues go out on their editions' schedules, files are brought up to date when
    something changed, and [web] listen serves them. What is due is kept in the database, so a restart loses nothing and
    sends nothing twice; after a long sleep each edition makes up for the slots it missed with one issue, unless that is
    too late (`late_up_to`): then its posts come in the next one.

    SIGTERM and Ctrl-C finish the messages in hand and end with exit status 0. The configuration is read at the start.
    """
    from tidings import config, daemon
    from tidings.cli import issuing, wiring
    from tidings.publish import publish
    from tidings.web.app import create_app
    from tidings.web.server import WebServer

    loaded = config.load(config_path)
    stop = threading.Event()
    daemon.stop_on_signals(stop)
    folder = issuing.public_folder(loaded)
    ticks = _ticks(loaded, folder, stop)
    with wiring.open_synced(loaded) as store:
        publish(store, folder, issuing.publish_settings(loaded))
    server = WebServer(create_app(folder, issuing.web_site(loaded)), loaded.web.host, loaded.web.port)
    serving = threading.Thread(target=server.serve_forever, name="web")
    serving.start()
    click.echo(f"serving http://{_shown(loaded.web.host)}:{server.port}/", err=True)
    try:
        daemon.run(ticks, stop)
    finally:
        server.close()
        serving.join()
    click.echo("stopped", err=True)


def _ticks(loaded: Config, folder: Path, stop: threading.Event) -> dict[str, Callable[[], None]]:
    from tidings.cli import issuing

    ticks = {
        "poll": _reporting("poll", lambda: _poll_due(loaded, stop)),
        "publish": _reporting("publish", lambda: _publish_due(loaded, folder)),
    }
    if loaded.mail is not None:
        office = issuing.post_office(loaded)
        for edition in loaded.editions:
            name = f"send {edition.name}"
            ticks[name] = _reporting(name, partial(_send_due, loaded, edition, office, stop))
    return ticks


def _reporting(name: str, tick: Callable[[], None]) -> Callable[[], None]:
    """The tick with its expected errors told to the operator: the daemon goes on, and the next tick tries again. An
    error that stays the same is told once, not every ten seconds."""
    from tidings.errors import TidingsError

    told: list[str] = []

    def guarded() -> None:
        try:
            tick()
        except TidingsError as error:
            if told != [str(error)]:
                click.echo(f"{name}: {error}", err=True)
            told[:] = [str(error)]
        else:
            told.clear()

    return guarded


def _poll_due(loaded: Config, stop: threading.Event) -> None:
    from tidings import poll
    from tidings.cli import wiring
    from tidings.cli.polling import report_poll
    from tidings.errors import TidingsError
    from tidings.store import exclusive, feeds, open_store, pruning, stories

    with open_store(loaded.site.database) as store, exclusive(store, "poll", stop.is_set):
        states = feeds.states(store, loaded.sources)
        due = poll.due(states, loaded.editions, wiring.poll_limits(loaded), wiring.utc_now())
        settings, opener = wiring.poll_settings(loaded, store), wiring.executor_opener(loaded)
        chosen = poll.a_turn_each(due, settings)
        rows = list(poll.run(store, chosen, settings, opener, wiring.utc_now, stop.is_set)) if chosen else []
        pruning.prune(store, wiring.retention(loaded), wiring.utc_now(), stop.is_set)
        stories.forget_marks(store, wiring.utc_now())
    report_poll(loaded, rows)
    if len(states) < len(loaded.sources):
        raise TidingsError(f"{loaded.path} names other sources by now; restart `tidings run` to follow them")


def _send_due(loaded: Config, edition: Edition, office: PostOffice, stop: threading.Event) -> None:
    from tidings import deliver, digest
    from tidings.cli import drafting, issuing, wiring
    from tidings.cli.digests import report_dispatch
    from tidings.dispatching import Pace
    from tidings.store import open_store

    pace = Pace(wiring.utc_now, stop.is_set, stop.wait)
    with open_store(loaded.site.database) as store:
        now = wiring.utc_now()
        if late := digest.late_slot(store, edition, now):
            click.echo(
                f"{edition.name}: the issue of {late.key} would be {_hours(now - late.at)} late and is not made; "
                "its posts come in the next one (`late_up_to` sets the limit)",
                err=True,
            )
        inspection = drafting.Inspection(store, edition, office, now)
        masthead = issuing.masthead(loaded)
        content = digest.freeze_due(store, edition, loaded.sources, masthead, office, now, inspection.is_fit)
        if content is not None:
            _tell_of(content, edition, inspection)
        own = digest.freeze_personal(store, edition, loaded.sources, masthead, office, wiring.utc_now(), stop.is_set)
        if own:
            click.echo(f"{edition.name}: issues of readers' own: {len(own)}", err=True)
        dispatch = deliver.deliver_due(store, edition, office, pace)
    if dispatch.sent or dispatch.expired:
        report_dispatch(dispatch)


def _tell_of(content: IssueContent, edition: Edition, inspection: Inspection) -> None:
    """That an issue was frozen, and what keeps it from being sent at once."""
    from tidings.cli import drafting

    state = f", in review until {content.frozen_at + edition.review:%Y-%m-%d %H:%M} UTC" if edition.review else ""
    if inspection.faults:
        drafting.show(inspection.faults, err=True)
        state = f", held for the faults above; `tidings issues release {content.name}` sends it all the same"
    click.echo(f"{edition.name} #{content.number}: {content.subject}{state}", err=True)


def _publish_due(loaded: Config, folder: Path) -> None:
    from tidings.cli import issuing
    from tidings.publish import publish_due
    from tidings.store import open_store

    with open_store(loaded.site.database) as store:
        written = publish_due(store, folder, issuing.publish_settings(loaded))
    if written:
        click.echo(f"publish: {len(written)} files written", err=True)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _hours(span: timedelta) -> str:
    """A span of time in whole hours and minutes."""
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60}h {minutes % 60}m"
