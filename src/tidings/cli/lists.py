"""`tidings sources import` and `tidings sources export`: lists of feeds in and out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.config.editing import NewSource
    from tidings.sources.opml import FeedList, Unusable

_MOST_SHOWN = 20
_LONGEST_NAME = 120


@dataclass
class _Import:
    """What an import comes to."""

    new: list[NewSource] = field(default_factory=list)
    known: int = 0
    unusable: list[Unusable] = field(default_factory=list)


@click.command(name="import")
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag for each of them; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and write nothing.")
@click.pass_obj
def import_list(config_path: Path, file: BinaryIO, tags: tuple[str, ...], dry_run: bool) -> None:
    """Add the feeds of a list to the configuration file.

    FILE is OPML, as feed readers export it, or text with an address a line; "-" reads standard input. Folders and
    categories become tags. What is a source already, perhaps under http instead of https, is left as it is. No site is
    asked for anything. Entries that cannot be used are named, and the exit status is 1 if there are any. A file that is
    no list at all changes nothing.
    """
    from tidings import config
    from tidings.config import editing
    from tidings.errors import TidingsError
    from tidings.posts.encoding import decode
    from tidings.sources import opml

    loaded = config.load(config_path)
    listed = opml.read_list(decode(file.read(opml.LONGEST_LIST + 1)))
    if not listed.feeds and not listed.unusable:
        raise TidingsError(f"{file.name}: {listed.damage or 'there is no feed in it'}; nothing was written")
    if listed.damage:
        click.echo(f"{file.name}: {listed.damage}", err=True)
    result = _sort_out(loaded, listed, tags)
    if dry_run:
        click.echo("\n".join(map(editing.render, result.new)), nl=False)
    else:
        editing.add_sources(config_path, result.new)
    _report(config_path, result, dry_run)
    if result.unusable or listed.damage:
        sys.exit(1)


def _sort_out(loaded: Config, listed: FeedList, tags: Iterable[str]) -> _Import:
    """What of a list is new, what is there already, and what cannot be used."""
    from tidings.config import values
    from tidings.config.editing import NewSource
    from tidings.posts.canonical import canonical
    from tidings.sources.opml import Unusable

    result = _Import(unusable=list(listed.unusable))
    names = {source.name for source in loaded.sources}
    known = {canonical(source.url) for source in loaded.sources}
    for feed in listed.feeds:
        try:
            url = values.url(feed.url)
        except ValueError as error:
            result.unusable.append(Unusable(feed.url, str(error)))
            continue
        if canonical(url) in known:
            result.known += 1
            continue
        known.add(canonical(url))
        name = free_name(feed.name, url, names)
        all_tags = dict.fromkeys(tag.strip() for tag in (*feed.tags, *tags))
        result.new.append(NewSource(url, name, tuple(all_tags)))
    return result


def free_name(name: str, url: str, taken: set[str]) -> str:
    """The name that a new source gets in the file, added to those `taken`: its own; with its host, or a number, if that
    is taken; "" if it is called by its URL anyway."""
    from urllib.parse import urlsplit

    from tidings.config.checks import default_name

    by_url = default_name(url)
    own = "".join(character for character in name if character.isprintable())[:_LONGEST_NAME].strip()
    host = (urlsplit(url).hostname or "").removeprefix("www.")
    chosen = own or by_url
    number = 1
    while chosen in taken:
        chosen = f"{own or by_url} ({host})" if number == 1 else f"{own or by_url} ({host} {number})"
        number += 1
    taken.add(chosen)
    return "" if chosen == by_url else chosen


def _report(config_path: Path, result: _Import, dry_run: bool) -> None:
    for one in result.unusable[:_MOST_SHOWN]:
        click.echo(f"{one.entry[:200]!r}: {one.reason}", err=True)
    if len(result.unusable) > _MOST_SHOWN:
        click.echo(f"… and {len(result.unusable) - _MOST_SHOWN} more that cannot be used", err=True)
    verb = "would be added" if dry_run else "added"
    click.echo(
        f"{len(result.new)} {verb} to {config_path}, {result.known} already there, {len(result.unusable)} unusable",
        err=dry_run,
    )


@click.command(name="export")
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.pass_obj
def export_list(config_path: Path, file: Path | None) -> None:
    """Write the sources as OPML, for feed readers and for `tidings sources import`.

    Goes to FILE, or to standard output. URL, name and tags of each source are in it; a feed reader shows a source in
    the folder of its first tag.
    """
    from tidings import config
    from tidings.errors import TidingsError
    from tidings.sources.opml import Listed, write_opml

    loaded = config.load(config_path)
    text = write_opml(loaded.site.title, [Listed(source.url, source.name, source.tags) for source in loaded.sources])
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TidingsError(f"{file}: cannot be written ({error.strerror})") from error
    click.echo(file)
