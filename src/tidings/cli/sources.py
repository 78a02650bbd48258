"""`tidings sources`: the sources in the configuration file, listed and edited. Lists in and out are in lists.py."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.arguments import POST_ID
from tidings.cli.lists import export_list, import_list
from tidings.cli.polling import MALFORMED
from tidings.cli.reports import InOrder, iso

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.config.editing import NewSource
    from tidings.discover import Discovery
    from tidings.model import FeedState, Source


@click.group(cls=InOrder)
def sources() -> None:
    """List and edit the sources in the configuration file.

    Changes go into the file itself, whose comments, order and layout stay as they are. A change that would make the
    configuration wrong is not made. A running `tidings run` takes changes in when it is restarted.
    """


@sources.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def list_sources(config_path: Path, as_json: bool) -> None:
    """List the sources and how they fare.

    A row for each, in the order of the file: whether its last poll went well, when it was and when the next is due, how
    many posts are stored, and its tags. Times are UTC. A source that fails comes with what is wrong and since when, one
    that was asked without an answer being recorded, or whose document is malformed, or that has posts held from digests
    and feeds, with a word on that.
    """
    from tidings.cli import wiring
    from tidings.store import feeds, holding, totals

    with wiring.open_site(config_path) as (loaded, store):
        states = feeds.states(store, loaded.sources)
        counts, held = totals.posts_by_url(store), holding.counts_by_url(store)
    urls = [state.source.url for state in states]
    report = [
        source_report(state, counts.get(url, 0), held.get(url, 0)) for url, state in zip(urls, states, strict=True)
    ]
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif report:
        _print_sources(states, report)
    else:
        click.echo(f"there are no sources in {config_path}; add one with `tidings sources add URL`", err=True)


def source_report(state: FeedState, posts: int, held: int = 0) -> dict[str, Any]:
    """One source as people script against it; times are ISO 8601 UTC. Of its `posts` so many are `held`."""
    failure = state.failure
    return {
        "name": state.source.name,
        "url": state.source.url,
        "tags": list(state.source.tags),
        "status": status_of(state),
        "error": {"kind": failure.kind, "message": failure.message} if failure else None,
        "failing_since": iso(state.failing_since) if failure else None,
        "polled_at": iso(state.polled_at),
        "next_poll_at": None if state.source.disabled else iso(state.next_poll_at),
        "posts": posts,
        "held": held,
    }


def status_of(state: FeedState) -> str:
    """How a source fares, in a word or two."""
    if state.source.disabled:
        return "disabled"
    if state.failure is not None:
        return "offline" if state.failure.kind == "offline" else "failing"
    if state.polled_at is None:
        return "never polled"
    return "unanswered" if _is_unanswered(state) else "ok"


def _is_unanswered(state: FeedState) -> bool:
    """Whether it was asked and no answer was ever recorded: a request is noted before it goes out."""
    return state.polled_at is not None and state.read_at is None and state.http is None and state.failure is None


def _print_sources(states: Sequence[FeedState], report: Sequence[dict[str, Any]]) -> None:
    from tidings.cli.tables import print_table

    rows = [
        (
            row["name"],
            row["status"],
            f"{state.polled_at:%Y-%m-%d %H:%M}" if state.polled_at else "",
            f"{state.next_poll_at:%Y-%m-%d %H:%M}" if state.next_poll_at and row["next_poll_at"] else "",
            str(row["posts"]),
            ", ".join(row["tags"]),
            row["url"],
            "; ".join(filter(None, (_trouble(state), _held(row["held"], row["name"])))),
        )
        for state, row in zip(states, report, strict=True)
    ]
    print_table(("source", "status", "polled", "next", "posts", "tags", "url", ""), rows)


def _trouble(state: FeedState) -> str:
    if state.source.disabled:
        return ""
    if _is_unanswered(state):
        return "asked, but no answer was recorded; that poll was interrupted, or is under way"
    if state.failure is None:
        return MALFORMED if state.malformed else ""
    since = f"since {state.failing_since:%Y-%m-%d %H:%M}: " if state.failing_since else ""
    return f"{since}{state.failure.message}"


def _held(count: int, name: str) -> str:
    if not count:
        return ""
    those, them = ("1 post is", "it") if count == 1 else (f"{count} posts are", "them")
    return f"{those} held; `tidings sources release {shlex.quote(name)}` lets {them} go"


@sources.command()
@click.argument("url", metavar="URL")
@click.option("--name", help="What to call it, if not by the feed's own title.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag for it; may be repeated.")
@click.option("--no-check", is_flag=True, help="Write the URL as it is, without asking the site for it.")
@click.pass_obj
def add(config_path: Path, url: str, name: str | None, tags: tuple[str, ...], no_check: bool) -> None:
    """Add a blog to the configuration file.

    URL is the address of its feed, or of any of its pages: then the page's main feed is found and taken, and the others
    are named. What is at the address is fetched first; with no feed there nothing is written. The lines that were added
    are printed.
    """
    from tidings.cli import wiring
    from tidings.cli.discovering import with_scheme
    from tidings.config import editing

    with wiring.open_site(config_path) as (loaded, store):
        _refuse_known(loaded, with_scheme(url))
        if no_check:
            new = editing.NewSource(with_scheme(url), name or "", _clean(tags))
        else:
            new = _found(loaded, store, url, name, _clean(tags))
    _refuse_known(loaded, new.url)
    _warn_of_likeness(loaded, new.url)
    editing.add_sources(config_path, [new])
    click.echo(editing.render(new), nl=False)
    click.echo(f"added to {config_path}; `tidings poll` fetches it", err=True)


def _found(loaded: Config, store: Any, url: str, name: str | None, tags: tuple[str, ...]) -> NewSource:
    """The source to write for what is found at a URL. Raises TidingsError when there is no feed of posts."""
    from tidings.cli import lists
    from tidings.cli.discovering import look, print_refused, raise_nothing_found
    from tidings.config import editing
    from tidings.errors import TidingsError

    found = look(loaded, store, url)
    if not found.feeds:
        click.echo("nothing was written; --no-check writes the URL as it is", err=True)
        print_refused(found)
        raise_nothing_found(found)
    if found.best is None:
        listed = "; ".join(feed.url for feed in found.feeds)
        raise TidingsError(f"{found.url}: only feeds of comments were found; add one of them by its own URL: {listed}")
    _tell_of_others(found)
    title = name or lists.free_name(found.best.title, found.best.url, {source.name for source in loaded.sources})
    return editing.NewSource(found.best.url, title, tags)


def _tell_of_others(found: Discovery) -> None:
    from tidings.cli.discovering import format_name

    for feed in found.feeds:
        if feed is not found.best:
            click.echo(
                f"also there: {feed.url} ({format_name(feed.format)}, {feed.title or 'without a title'})", err=True
            )


def _clean(tags: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip() for tag in tags))


def _refuse_known(loaded: Config, url: str) -> None:
    from tidings.errors import TidingsError

    for source in loaded.sources:
        if source.url == url:
            raise TidingsError(f"{url} is a source already, called {source.name!r}; nothing was written")


def _warn_of_likeness(loaded: Config, url: str) -> None:
    from tidings.posts.canonical import canonical

    for source in loaded.sources:
        if canonical(source.url) == canonical(url):
            click.echo(f"{source.name!r} has almost the same URL, {source.url}: is it the same feed?", err=True)


@sources.command()
@click.argument("source_name", metavar="SOURCE")
@click.pass_obj
def remove(config_path: Path, source_name: str) -> None:
    """Take a source, named by name or URL, out of the configuration file.

    Its comments go with it, and the lines taken out are printed. What is stored stays: its posts can still be searched
    and do not come again when it is added again.
    """
    from tidings import config
    from tidings.config import editing

    source = _named(config.load(config_path), source_name)
    click.echo(editing.remove_source(config_path, source.url), nl=False)
    click.echo(f"{source.name!r} is out of {config_path}; its posts stay stored", err=True)


@sources.command()
@click.argument("source_name", metavar="SOURCE")
@click.option("--discard", is_flag=True, help="Put them away instead: stored and known, and not shown.")
@click.option("--put-away", is_flag=True, help="Let those go that were put away.")
@click.option("--post", "posts", type=POST_ID, multiple=True, metavar="ID", help="Only this post; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def release(
    config_path: Path, source_name: str, discard: bool, put_away: bool, posts: tuple[int, ...], as_json: bool
) -> None:
    """Let the held posts of a source, named by name or URL, go into digests and feeds, as news.

    Posts are held when most of a source's document is suddenly new and cannot be what it has written since: another
    blog in its place, or an old archive. `tidings posts --held` shows them. Without a word from you they go by
    themselves after three days, unless the source turns back to its former posts. Those put away with --discard stay
    away until --put-away lets all of them go, or --post one by one.
    """
    from tidings.cli import wiring
    from tidings.store import exclusive, feeds, holding

    if discard and put_away:
        raise click.UsageError("--put-away lets posts go, --discard puts them away: give one of them")
    with (
        wiring.open_site(config_path) as (loaded, store),
        wiring.stop_flag() as stop,
        exclusive(store, "poll", stop),  # A poll under way writes what it read of the source before.
    ):
        [state] = feeds.states(store, [_named(loaded, source_name)])
        if posts or put_away:
            ids = _kept_back(store, state, posts) if posts else holding.put_away(store, state.feed_id)
            count = (
                holding.discard_some(store, state.feed_id, ids)
                if discard
                else holding.release_some(store, state.feed_id, ids, wiring.utc_now())
            )
        elif discard:
            count = holding.discard(store, state.feed_id)
        else:
            count = holding.release(store, state.feed_id, wiring.utc_now())
        left = holding.counts_by_url(store).get(state.source.url, 0)
    name = state.source.name
    if as_json:
        report = {
            "source": name,
            "released": 0 if discard else count,
            "put_away": count if discard else 0,
            "held": left,
        }
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif not count:
        click.echo(f"no posts of {name!r} are {'put away' if put_away else 'held'}", err=True)
    elif discard:
        back = f"`tidings sources release {shlex.quote(name)} --put-away` lets them go"
        click.echo(f"{_counted(count, name)} put away, stored and known and not shown; {back}")
    else:
        click.echo(f"{_counted(count, name)} released; {'it is' if count == 1 else 'they are'} news from now on")


def _kept_back(store: Any, state: FeedState, posts: Sequence[int]) -> Sequence[int]:
    """The posts that were named. Raises TidingsError when one of them is not of the source, or not held."""
    from tidings.errors import TidingsError
    from tidings.store import holding

    others = sorted(set(posts) - holding.kept_back(store, state.feed_id, posts))
    if others:
        raise TidingsError(
            f"post {others[0]} is no post of {state.source.name!r} that is held or put away; `tidings posts --held` "
            f"lists them, and nothing was changed"
        )
    return posts


def _counted(count: int, name: str) -> str:
    return f"1 post of {name!r} is" if count == 1 else f"{count} posts of {name!r} are"


def _named(loaded: Config, name: str) -> Source:
    from tidings.config.wording import did_you_mean

    for source in loaded.sources:
        if name in (source.name, source.url):
            return source
    names = [source.url if "/" in name else source.name for source in loaded.sources]
    raise click.UsageError(f"no source in {loaded.path} is called {name!r}{did_you_mean(name, names)}")


sources.add_command(import_list)
sources.add_command(export_list)
