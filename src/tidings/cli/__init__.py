"""The command line. Commands live in the files beside this one and import what they need when they run, so that
`tidings --help` answers at once."""

from __future__ import annotations

import errno
import gc
import sys
from pathlib import Path

import click

from tidings import __version__
from tidings.cli.adopting import adopt
from tidings.cli.bounces import bounces
from tidings.cli.configuration import check, init
from tidings.cli.deliveries import deliveries
from tidings.cli.digests import preview, send
from tidings.cli.discovering import discover
from tidings.cli.dkim import dkim
from tidings.cli.explaining import explain
from tidings.cli.issues import issues
from tidings.cli.keys import keys
from tidings.cli.polling import poll
from tidings.cli.publishing import publish
from tidings.cli.reading import posts
from tidings.cli.running import run
from tidings.cli.sources import sources
from tidings.cli.stories import stories
from tidings.cli.subscribers import subscribers
from tidings.cli.suppressions import suppressions
from tidings.cli.touring import demo
from tidings.errors import ConfigError, TidingsError

_EPILOG = """\b
Exit status
  0  done
  1  something failed; the message says what
  2  the command line or the configuration is wrong

\b
Files
  config.toml      the configuration; see -c and TIDINGS_CONFIG
  data/tidings.db  everything Tidings knows, under [site] data_dir
  data/public      what it publishes

\b
A first hour
  tidings demo                 see everything at work, without network or mail server
  tidings init                 write a config.toml; look it over
  tidings sources add URL      put your blogs into it; any page of theirs will do
  tidings check                say what is wrong with it
  tidings poll                 fetch what is due
  tidings preview NAME         look at the next digest
  tidings run                  do it all, from now on
"""


class _Commands(click.Group):
    """Lists commands in the order of the work, and turns our errors into messages and exit codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ConfigError as error:
            for problem in error.problems:
                click.echo(problem, err=True)
            ctx.exit(2)
        except TidingsError as error:
            click.echo(f"tidings: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="tidings %(version)s")
@click.option(
    "-c",
    "--config",
    "config_path",
    type=click.Path(path_type=Path, readable=False),
    envvar="TIDINGS_CONFIG",
    default="config.toml",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)
@click.pass_context
def cli(ctx: click.Context, config_path: Path) -> None:
    """Follow blogs, mail a digest, publish one combined feed.

    Tidings polls the sources in one TOML file, keeps each post once in one SQLite file, mails each edition's digest to
    its subscribers, and publishes all posts as one feed and one page. Results go to standard output, everything else to
    standard error; reports take --json.
    """
    ctx.obj = config_path


_SETTING_UP = (demo, init, check, dkim, discover, sources)
_READING = (poll, posts, explain, stories)
_SENDING = (preview, send, issues, deliveries, subscribers, bounces, suppressions, keys, publish, run, adopt)
for _command in (*_SETTING_UP, *_READING, *_SENDING):
    cli.add_command(_command)


_OBJECTS_BETWEEN_COLLECTIONS = 50_000
"""Python looks for garbage after each 700 new objects, which while a command loads its libraries is a tenth of the time
that a poll takes in which nothing changed; what there is to find are a few kilobytes."""


def main() -> None:
    """The console script. A reader that closes the pipe early is no error, a full disk behind it is."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    try:
        cli(prog_name="tidings")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EIO):
            raise
        click.echo(f"tidings: the output cannot be written ({error.strerror})", err=True)
        sys.exit(1)
    finally:
        gc.freeze()  # else Python looks through all there is once more, just to end
