"""`tidings publish`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.config import Config

_FEW = 20
"""Files that are named one by one; of more it is said how many they are."""

_PAUSE = timedelta(hours=1)
_FIRST_REST = timedelta(minutes=1)


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    help="The folder to write to.  [default: public under data_dir]",
)
@click.pass_obj
def publish(config_path: Path, out: str | None) -> None:
    """Write the planet as files: pages, feeds, past issues.

    index.html is the page to read and to subscribe from, atom.xml all sources as one feed, issues/ what was mailed. Any
    web host can serve the folder. Each file is replaced as a whole, and only if it changed; the names of those that
    did are printed, those taken away with a word of that, or how many they are where that is more than twenty.
    """
    if out == "":
        # An empty text is what a shell makes of a variable that is not set; it would fill the working directory.
        raise click.UsageError("--out names no folder; say which, as in --out public")
    from tidings import publish as pipe
    from tidings.cli import issuing, wiring

    with wiring.open_site(config_path) as (loaded, store):
        folder = Path(out) if out else issuing.public_folder(loaded)
        _require_public(folder, loaded)
        written = pipe.publish(store, folder, issuing.publish_settings(loaded))
    report(folder, written)
    if not written:
        click.echo(f"{folder}: up to date", err=True)


def _require_public(folder: Path, loaded: Config) -> None:
    """Raises UsageError when what is published in a folder would have the database or the configuration beside it."""
    place = folder.resolve()
    for what, kept in (("the database", loaded.site.data_dir), ("the configuration", loaded.path.absolute().parent)):
        if kept.resolve().is_relative_to(place):
            raise click.UsageError(
                f"--out {folder} holds {what} ({kept}), which a web host would serve with the pages; name a folder of "
                "its own, as in --out public"
            )


def report(folder: Path, changed: Sequence[Path]) -> None:
    """Prints which files in `folder` were written or taken away, each where they are few."""
    from tidings.publish import count_files

    if len(changed) <= _FEW:
        for path in changed:
            click.echo(path if path.exists() else f"{path} (taken away)")
        return
    written = sum(path.exists() for path in changed)
    gone, kept = len(changed) - written, count_files(folder) - written
    click.echo(f"{folder}: {written} files written, {gone} taken away, {kept} left as they were")


class Publishing:
    """Brings the files up to date when something changed, at once where the first page is gone, as with its folder, and
    once an hour for what else no change tells of: what somebody did to the files by hand, and what pages say of the
    blogs' health. The first time always, since the configuration or the program may be another. What fails rests for a
    minute, then for two, up to an hour, unless there is news: to look through thousands of files takes seconds."""

    def __init__(self, loaded: Config, folder: Path, stop: Callable[[], bool], clock: Callable[[], datetime]) -> None:
        self._loaded = loaded
        self._folder = folder
        self._stop = stop
        self._clock = clock
        self._done_at: datetime | None = None
        self._failure: Exception | None = None
        self._failed_at: datetime | None = None
        self._failed_with: int | None = None
        self._rest = _FIRST_REST

    def tick(self) -> None:
        """Publishes if it is time to. Raises what went wrong, and the same again while that rests."""
        from tidings.cli import issuing
        from tidings.publish import publish_due
        from tidings.store import open_store, site

        now, settings = self._clock(), issuing.publish_settings(self._loaded)
        # A clock that was set back is no reason to wait longer.
        is_time = self._done_at is None or abs(now - self._done_at) >= _PAUSE
        is_gone = not (self._folder / "index.html").exists()
        with open_store(self._loaded.site.database) as store:
            wanted = site.publishing_wanted(store)
            if self._failure is not None and self._is_resting(wanted, now):
                raise self._failure.with_traceback(None)
            try:
                written = publish_due(store, self._folder, settings, anyway=is_time or is_gone, stop=self._stop)
            except Exception as error:
                self._note_failure(error, wanted, now)
                raise
        self._failure = self._failed_at = None
        if is_time:
            self._done_at = now
        if written:
            click.echo(f"publish: {len(written)} files written", err=True)

    def _is_resting(self, wanted: int | None, now: datetime) -> bool:
        """Whether what failed is left alone; `wanted` is the change that it is to bring."""
        return self._failed_at is not None and wanted == self._failed_with and abs(now - self._failed_at) < self._rest

    def _note_failure(self, error: Exception, wanted: int | None, now: datetime) -> None:
        self._rest = _FIRST_REST if self._failed_at is None else min(2 * self._rest, _PAUSE)
        self._failure, self._failed_at, self._failed_with = error, now, wanted
