"""`tidings discover`, and the look at a site that `tidings sources add` takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.discover import Discovery
    from tidings.store import Store

_FORMATS = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed", "cdf": "CDF"}


@click.command()
@click.argument("url", metavar="URL")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def discover(config_path: Path, url: str, as_json: bool) -> None:
    """Find the feeds of a web page.

    Looks at what the page announces and links to, then where feeds commonly are; fetches each and lists those that are
    feeds, the page's main one first and feeds of comments last. A URL without a scheme gets https://. Makes a dozen
    requests at most, with the usual pause between two to one host, and stores nothing.

    Exits with 1 when there is no feed, and says why.
    """
    import shlex

    from tidings.cli import wiring

    with wiring.open_site(config_path) as (loaded, store):
        found = look(loaded, store, url)
    if as_json:
        click.echo(json.dumps(discovery_report(found), ensure_ascii=False, indent=2))
    else:
        print_feeds(found)
        print_refused(found)
    if not found.feeds:
        raise_nothing_found(found)
    if found.best and not as_json:
        known = any(source.url == found.best.url for source in loaded.sources)
        hint = "it is a source already" if known else f"to follow it: tidings sources add {shlex.quote(found.best.url)}"
        click.echo(hint, err=True)


def look(loaded: Config, store: Store, url: str) -> Discovery:
    """What is found at a URL; each request is told of on standard error. Raises UsageError for what is no URL."""
    from tidings import discover as pipe
    from tidings.cli import wiring
    from tidings.store import exclusive

    address = with_scheme(url)
    with wiring.stop_flag() as stop, exclusive(store, "poll", stop):
        return pipe.run(
            store,
            address,
            wiring.fetch_settings(loaded),
            wiring.executor_opener(loaded),
            wiring.utc_now,
            stop,
            lambda asked: click.echo(f"asking {asked}", err=True),
        )


def with_scheme(url: str) -> str:
    """The URL as the configuration would take it; one without a scheme gets https://. Raises UsageError."""
    from tidings.config import values

    address = url.strip()
    if address[:5].lower() == "feed:":
        address = address[5:].removeprefix("//")
    if "://" not in address:
        address = f"https://{address}"
    try:
        return values.url(address)
    except ValueError as error:
        raise click.UsageError(f"the URL {error}") from None


def discovery_report(found: Discovery) -> dict[str, object]:
    """The report as people script against it."""
    return {
        "url": found.url,
        "is_feed": found.is_feed,
        "feeds": [
            {
                "url": feed.url,
                "title": feed.title,
                "format": feed.format,
                "posts": feed.posts,
                "newest": feed.newest.isoformat(timespec="seconds") if feed.newest else None,
                "found": feed.kind,
                "comments": feed.is_comments,
            }
            for feed in found.feeds
        ],
        "refused": [{"url": one.url, "found": one.kind, "reason": one.reason} for one in found.refused],
    }


def print_feeds(found: Discovery) -> None:
    """A row per feed, numbered, the best first."""
    from tidings.cli.tables import print_table

    if not found.feeds:
        return
    rows = [
        (
            str(number),
            feed.url,
            feed.title,
            format_name(feed.format),
            str(feed.posts),
            f"{feed.newest:%Y-%m-%d}" if feed.newest else "",
            f"{feed.kind}, comments" if feed.is_comments else feed.kind,
        )
        for number, feed in enumerate(found.feeds, 1)
    ]
    print_table(("", "url", "title", "format", "posts", "newest", "found"), rows)


def print_refused(found: Discovery) -> None:
    """A line for each address that the page gave as a feed and that is none."""
    for one in found.refused:
        if one.kind != "guessed":
            click.echo(f"{one.url}: {one.kind}, but: {one.reason}", err=True)


def raise_nothing_found(found: Discovery) -> None:
    """Ends the command with the reason why there is no feed."""
    from tidings.errors import TidingsError

    if found.failure:
        raise TidingsError(f"{found.url}: {found.failure}")
    guessed = sum(one.kind == "guessed" for one in found.refused)
    named = len(found.refused) - guessed
    parts = ["the page announces no feed" if not named else "none of the feeds that the page names works"]
    if guessed:
        parts.append(f"there is none at the {guessed} usual addresses tried")
    raise TidingsError(
        f"{found.url}: no feed found: {', and '.join(parts)}; look on the site for a link to RSS or Atom"
    )


def format_name(code: str) -> str:
    """A format as people call it: "RSS 2.0" for "rss20"."""
    versioned = re.fullmatch(r"([a-z]+)(\d)(\d+)[nu]?", code)
    if versioned is None:
        return _FORMATS.get(code, code)
    letters, major, minor = versioned.groups()
    return f"{_FORMATS.get(letters, letters)} {major}.{minor}"
