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
    from tidings.deliver import Dispatch
    from tidings.letters import PostOffice
    from tidings.model import Edition, IssueContent

_TURN = timedelta(minutes=2)
"""How long one edition is delivered before the others have their turn."""


@click.command()
@click.pass_obj
def run(config_path: Path) -> None:
    """Do it all from now on: poll, send, publish, and serve the pages.

    Sources are polled when they are due, issues go out on their editions' schedules, files are brought up to date when
    something changed, and [web] listen serves them. Mail that comes back is taken on [mail.bounces] listen. What is due
    is kept in the database, so a restart loses nothing and sends nothing twice; after a long sleep each edition makes
    up for the slots it missed with one issue, unless that is too late (`late_up_to`): then its posts come in the next
    one.

    SIGTERM and Ctrl-C finish the messages in hand and end with exit status 0. The configuration is read at the start.
    """
    from tidings import config, daemon
    from tidings.cli import issuing, receiving, wiring
    from tidings.web.app import create_app
    from tidings.web.server import WebServer

    loaded = config.load(config_path)
    stop = threading.Event()
    daemon.stop_on_signals(stop)
    folder = issuing.public_folder(loaded)
    ticks = _ticks(loaded, folder, stop)
    with wiring.open_synced(loaded):
        pass  # the ticks find its tables in line with the file
    server = WebServer(create_app(folder, issuing.web_site(loaded)), loaded.web.host, loaded.web.port)
    serving = threading.Thread(target=server.serve_forever, name="web")
    serving.start()
    click.echo(f"serving http://{_shown(loaded.web.host)}:{server.port}/", err=True)
    try:
        with receiving.returned_mail(loaded):
            daemon.run(ticks, stop)
    finally:
        server.close()
        serving.join()
    click.echo("stopped", err=True)


def _ticks(loaded: Config, folder: Path, stop: threading.Event) -> dict[str, Callable[[], None]]:
    from tidings.cli import issuing, wiring
    from tidings.cli.publishing import Publishing
    from tidings.cli.signups import Signups

    ticks = {
        "poll": _reporting("poll", lambda: _poll_due(loaded, stop)),
        "publish": _reporting("publish", Publishing(loaded, folder, stop.is_set, wiring.utc_now).tick),
        "erasing": _reporting("erasing", lambda: _scrub_due(loaded)),
    }
    if loaded.mail is not None and loaded.mail.bounces:
        ticks["bounces"] = _reporting("bounces", _teller_of_bounces(loaded))
    if loaded.mail is not None:
        office = issuing.post_office(loaded)
        for edition in loaded.editions:
            name = f"freeze {edition.name}"
            ticks[name] = _reporting(name, partial(_freeze_due, loaded, edition, office, stop))
        ticks["send"] = _Sending(loaded, office, stop).in_turn
        if loaded.web.public:
            ticks["sign-ups"] = _reporting("sign-ups", Signups(loaded, office, stop).tick)
    return ticks


class _Sending:
    """Delivers the editions one after the other, each for a while: one that takes hours keeps no other waiting, and
    what the mail server asked for holds for all of them."""

    def __init__(self, loaded: Config, office: PostOffice, stop: threading.Event) -> None:
        from tidings.mail.pacing import Pacing

        self._database = loaded.site.database
        self._office = office
        self._stop = stop
        self._pacing = Pacing(office.limits)
        self._turns = [
            _reporting(f"send {edition.name}", partial(self._send_due, edition)) for edition in loaded.editions
        ]
        self._has_sent = False
        self._told: dict[str, set[int]] = {}

    def in_turn(self) -> None:
        """A turn for each edition. Who has sent something is last the next time, or with a low rate it would be first
        always, and alone."""
        for turn in tuple(self._turns):
            self._has_sent = False
            turn()
            if self._has_sent:
                self._turns.remove(turn)
                self._turns.append(turn)

    def _send_due(self, edition: Edition) -> None:
        from tidings import deliver
        from tidings.cli import wiring
        from tidings.dispatching import Pace
        from tidings.store import open_store

        pace = Pace(wiring.utc_now, self._stop.is_set, self._stop.wait, _TURN)
        try:
            with open_store(self._database) as store:
                dispatch = deliver.deliver_due(store, edition, self._office, pace, self._pacing)
        except (deliver.BrokenOffError, deliver.UnwrittenError) as error:
            self._report(edition, error.dispatch)
            raise
        self._report(edition, dispatch)

    def _report(self, edition: Edition, dispatch: Dispatch) -> None:
        """What a pass came to. Who waits for somebody to decide is named once, not with each pass."""
        from dataclasses import replace

        from tidings.cli.digests import report_dispatch

        self._has_sent = dispatch.sent > 0
        tried = {outcome.delivery.id for outcome in dispatch.outcomes}
        told = self._told.get(edition.name, set()) - tried
        self._told[edition.name] = {one.id for one in dispatch.undecided}
        new = tuple(one for one in dispatch.undecided if one.id not in told)
        if dispatch.sent or dispatch.expired or new:
            report_dispatch(replace(dispatch, undecided=new), edition.name)


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
    from tidings import forgetting, poll
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
        forgetting.forget(store, wiring.utc_now())
        is_followed = feeds.follows(store, loaded.sources)
    report_poll(loaded, rows)
    if not is_followed:
        raise TidingsError(f"{loaded.path} names other sources by now; restart `tidings run` to follow them")


def _freeze_due(loaded: Config, edition: Edition, office: PostOffice, stop: threading.Event) -> None:
    """Makes an edition's next issue when its time has come, whatever is being delivered meanwhile: a slot must not pass
    because a mail server is slow."""
    from tidings import digest
    from tidings.cli import drafting, issuing, wiring
    from tidings.store import open_store, sender

    with open_store(loaded.site.database) as store:
        if office.guarded:
            sender.require(store)  # before an issue is frozen: that uses up posts and slots
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


def _tell_of(content: IssueContent, edition: Edition, inspection: Inspection) -> None:
    """That an issue was frozen, and what keeps it from being sent at once."""
    from tidings.cli import drafting

    state = f", in review until {content.frozen_at + edition.review:%Y-%m-%d %H:%M} UTC" if edition.review else ""
    if inspection.faults:
        drafting.show(inspection.faults, err=True)
        state = f", held for the faults above; `tidings issues release {content.name}` sends it all the same"
    click.echo(f"{edition.name} #{content.number}: {content.subject}{state}", err=True)


def _teller_of_bounces(loaded: Config) -> Callable[[], None]:
    """What tells the operator of mail that came back since the start, whichever way it came in."""
    from tidings.cli.bounces import tell_new
    from tidings.store import incoming, open_store

    with open_store(loaded.site.database) as store:
        last = [incoming.newest(store)]

    def tell() -> None:
        with open_store(loaded.site.database) as store:
            last[0] = tell_new(store, last[0])

    return tell


def _scrub_due(loaded: Config) -> None:
    """Leaves no byte of readers who had themselves erased, apart from the request that did it: it takes long."""
    from tidings.cli import wiring
    from tidings.store import erasing, open_store

    with open_store(loaded.site.database) as store:
        if erasing.scrub_due(store, wiring.utc_now()):
            click.echo("erasing: the database file was written anew, since somebody was erased", err=True)


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _hours(span: timedelta) -> str:
    """A span of time in whole hours and minutes."""
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60}h {minutes % 60}m"
