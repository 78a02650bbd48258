"""`tidings init` and `tidings check`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(folder: Path) -> None:
    """Write a commented config.toml to start from.

    It goes into DIR, or the working directory; a file that is already there is left alone. Every key is in it with a
    comment. Mail goes into a folder until you name a server, so nobody is mailed by accident.
    """
    from tidings import config
    from tidings.errors import TidingsError

    path = folder / "config.toml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(config.example_text())
    except FileExistsError:
        raise TidingsError(f"{path} exists already; it was left as it is") from None
    except OSError as error:
        raise TidingsError(f"{path}: cannot be written ({error})") from error
    click.echo(path)
    click.echo(f"next: edit {path}, then run `tidings -c {path} check`", err=True)


@click.command()
@click.pass_obj
def check(config_path: Path) -> None:
    """Say what is wrong with the configuration, all of it at once.

    Each problem comes with file, line, key and what would be right. Also looks whether the mail password and the keys
    that sign mails are where the file says, and whether the variables that sources need are set. Exits with 2 when
    something is wrong.
    """
    import os

    from tidings import config
    from tidings.cli import issuing

    loaded = config.load(config_path)
    config.check_secrets(loaded, os.environ)
    doubts = issuing.doubts_of_keys(loaded.mail) if loaded.mail else []
    sources, editions = len(loaded.sources), len(loaded.editions)
    readers = len({address for edition in loaded.editions for address in edition.addresses})
    counts = ((sources, "source"), (editions, "edition"), (readers, "subscriber"))
    listed = ", ".join(f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
    click.echo(f"{config_path}: fine: {listed}")
    for doubt in doubts:
        click.echo(doubt, err=True)
    if loaded.mail is None and editions:
        click.echo("there is no [mail] table, so nothing will be sent", err=True)
