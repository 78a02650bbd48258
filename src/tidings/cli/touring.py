"""`tidings demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.demo.tour import Scene
    from tidings.model import PollRow


@click.command()
@click.option("--once", is_flag=True, help="Do the tour, say where the files are, and end.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to work in; must be empty or new.  [default: a new temporary one]",
)
def demo(once: bool, folder: Path | None) -> None:
    """See everything at work, without network or mail server.

    Eleven small blogs and one that is down are served on this machine, in the shapes real blogs have: Blogger's Atom,
    WordPress's RSS, RSS 1.0, JSON Feed, a podcast, Arabic, Japanese, broken XML. Tidings polls them, mails a digest to
    a mail server on this machine, publishes the combined feed and the planet page, and polls again to show that
    nothing is fetched twice. Then it serves the pages and the received mail until Ctrl-C.
    """
    import tempfile

    from tidings.demo.tour import set_up
    from tidings.errors import TidingsError

    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="tidings-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise TidingsError(f"{folder} is not empty; name a new folder with --dir")
    with set_up(folder.resolve()) as scene:
        _tour(scene)
        if not once:
            _serve(scene)


def _tour(scene: Scene) -> None:
    from tidings.cli import issuing, wiring
    from tidings.cli.publishing import report
    from tidings.demo.tour import show_mail
    from tidings.publish import publish

    with wiring.open_site(scene.config_path) as (loaded, store):
        public = issuing.public_folder(loaded)
        _title("1. poll: twelve blogs, one of them broken, one of them down")
        _poll(scene)
        _title("2. send: freeze an issue, mail it to two readers")
        _send(scene)
        _title("3. publish: the combined feed, the planet page, the archive")
        report(public, publish(store, public, issuing.publish_settings(loaded)))
        letters = show_mail(scene.mailbox, public)
        _title("4. poll again: nothing comes twice")
        before = scene.origin.traffic.so_far()
        _poll(scene)
        asked, conditional, unchanged, _ = scene.origin.traffic.since(before)
        click.echo(f"{asked} requests, {conditional} of them conditional, {unchanged} answered 304 Not Modified")
    _title("files")
    click.echo(f"everything        {scene.folder}")
    click.echo(f"the planet page   {public / 'index.html'}")
    click.echo(f"the combined feed {public / 'atom.xml'}")
    for letter in letters:
        click.echo(f"mail received     {letter}")


def _poll(scene: Scene) -> list[PollRow]:
    from tidings import poll
    from tidings.cli import wiring
    from tidings.cli.polling import print_rows
    from tidings.store import feeds

    with wiring.open_site(scene.config_path) as (loaded, store):
        states = feeds.states(store, loaded.sources)
        settings, opener = wiring.poll_settings(loaded, store), wiring.executor_opener(loaded)
        rows = list(poll.run(store, states, settings, opener, wiring.utc_now, lambda: False))
    order = [state.source.name for state in states]
    print_rows(sorted(rows, key=lambda row: order.index(row.name)))
    return rows


def _send(scene: Scene) -> None:
    import time

    from tidings import deliver, digest
    from tidings.cli import issuing, wiring
    from tidings.cli.digests import report_dispatch
    from tidings.demo.tour import EDITION
    from tidings.dispatching import Pace

    with wiring.open_site(scene.config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, EDITION)
        office = issuing.post_office(loaded)
        content = digest.freeze_next(store, edition, loaded.sources, issuing.masthead(loaded), office, wiring.utc_now())
        dispatch = deliver.deliver(store, edition, office, Pace(wiring.utc_now, lambda: False, time.sleep))
    if content is not None:
        click.echo(f"{content.edition_title} #{content.number}: {len(content.items)} stories")
        click.echo(f"subject: {content.subject}")
    report_dispatch(dispatch)


def _serve(scene: Scene) -> None:
    import threading

    from tidings import config, daemon
    from tidings.cli import issuing
    from tidings.web.app import create_app
    from tidings.web.server import WebServer

    loaded = config.load(scene.config_path)
    stop = threading.Event()
    daemon.stop_on_signals(stop)
    server = WebServer(create_app(issuing.public_folder(loaded)), loaded.web.host, loaded.web.port)
    serving = threading.Thread(target=server.serve_forever, name="web")
    serving.start()
    _title("look at it, and press Ctrl-C when you have seen enough")
    click.echo(f"the planet page   http://127.0.0.1:{server.port}/")
    click.echo(f"the combined feed http://127.0.0.1:{server.port}/atom.xml")
    click.echo(f"the mail received http://127.0.0.1:{server.port}/mail/")
    stop.wait()
    server.close()
    serving.join()


def _title(text: str) -> None:
    click.echo()
    click.echo(click.style(text, bold=True))
