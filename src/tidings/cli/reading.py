"""`tidings posts`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidings.cli.arguments import WHEN
from tidings.cli.reports import LONGEST_ID, iso

if TYPE_CHECKING:
    from tidings.model import StoredPost
    from tidings.store.versions import Versions


@click.command()
@click.argument("query", metavar="[QUERY]", nargs=-1)
@click.option("--source", "sources", metavar="NAME", multiple=True, help="Only posts of this source; may be repeated.")
@click.option("--tag", default="", metavar="TAG", help="Only posts with this tag.")
@click.option("--since", type=WHEN, metavar="WHEN", help="Only posts first seen since a date, a time, or an age (7d).")
@click.option("--limit", type=click.IntRange(1, 10**9), default=50, show_default=True, help="At most this many.")
@click.option("--excluded", is_flag=True, help="Only posts that a rule of their source keeps from being shown.")
@click.option("--held", is_flag=True, help="Only posts that are held from digests and feeds.")
@click.option("--diff", is_flag=True, help="Show what edits have changed in the post with the id QUERY.")
@click.option("--json", "as_json", is_flag=True, help="Print the posts as JSON, with their whole text.")
@click.pass_obj
def posts(
    config_path: Path,
    query: tuple[str, ...],
    sources: tuple[str, ...],
    tag: str,
    since: datetime | None,
    limit: int,
    excluded: bool,
    held: bool,
    diff: bool,
    as_json: bool,
) -> None:
    """List what is stored, newest first, or search it.

    QUERY is searched in title, author and text: every word must occur, in any order; "quoted words" as a phrase. Posts
    that the rules of their source exclude are stored as well, and listed with --excluded. With --diff QUERY is the id
    of one post, whose first version is compared with its latest, title and text, line by line.
    """
    if diff:
        print_diff(config_path, query, as_json)
        return
    from tidings.cli import wiring
    from tidings.cli.tables import print_table
    from tidings.store import feeds
    from tidings.store.posts import PostQuery, find

    with wiring.open_site(config_path) as (loaded, store):
        known = feeds.names(store)  # of sources that left the file, too
        unknown = sorted(set(sources) - known.keys() - set(known.values()))
        if unknown:
            raise click.UsageError(f"no source in {loaded.path} is called {', '.join(map(repr, unknown))}")
        names = tuple(name for url, name in known.items() if {name, url} & set(sources))
        found = find(store, PostQuery(" ".join(query), names, tag, since, limit, excluded, held))
    if as_json:
        click.echo(json.dumps([post_report(post) for post in found], ensure_ascii=False, indent=2))
        return
    columns: list[tuple[str, Callable[[StoredPost], str]]] = [
        ("id", lambda post: str(post.id)),
        ("date", lambda post: f"{post.effective:%Y-%m-%d}"),
        ("source", lambda post: post.source),
        ("title", lambda post: post.title or post.text[:60]),
    ]
    if excluded:
        columns.append(("excluded by", lambda post: post.excluded))
    if any(post.held for post in found):
        columns.append(("held", lambda post: post.held.replace("-", " ")))
    print_table([name for name, _ in columns], [[cell(post) for _, cell in columns] for post in found])
    if not found:
        click.echo("no posts", err=True)


def print_diff(config_path: Path, query: Sequence[str], as_json: bool) -> None:
    """What edits have changed in one post. Raises TidingsError when there is no such post."""
    from tidings.cli import wiring
    from tidings.errors import TidingsError
    from tidings.store import versions

    if len(query) != 1 or not (query[0].isascii() and query[0].isdigit()) or len(query[0]) > LONGEST_ID:
        raise click.UsageError(
            "--diff wants the id of one post, such as `tidings posts 17 --diff`; `tidings posts` lists them"
        )
    with wiring.open_site(config_path) as (_, store):
        found = versions.find(store, int(query[0]))
    if found is None:
        raise TidingsError(f"there is no post with the id {query[0]}; `tidings posts` lists them")
    if as_json:
        click.echo(json.dumps(diff_report(found), ensure_ascii=False, indent=2))
        return
    lines = _difference(found)
    if lines:
        click.echo("\n".join(lines))
    elif found.first is None:
        click.echo(
            f"no edit of post {found.post_id} is kept: it reads as when it was first seen, or its text is gone",
            err=True,
        )
    else:
        click.echo(f"post {found.post_id} was edited, and its words are again what they were at first", err=True)


def diff_report(found: Versions) -> dict[str, object]:
    """The versions of a post as people script against it; times are ISO 8601 UTC or null."""
    first = found.first
    return {
        "id": found.post_id,
        "source": found.source,
        "url": found.url,
        "first_seen": iso(found.first_seen),
        "replaced_at": iso(found.replaced_at),
        "changed_at": iso(found.changed_at),
        "first": {"title": first.title, "text": first.text} if first else None,
        "latest": {"title": found.latest.title, "text": found.latest.text},
        "diff": _difference(found),
    }


def _difference(found: Versions) -> list[str]:
    """A unified diff from the first version to the latest, without colours and such."""
    from difflib import unified_diff

    from tidings.cli.tables import printable

    if found.first is None:
        return []
    one, other = (
        [printable(line) for line in (version.title, "", *version.text.splitlines())]
        for version in (found.first, found.latest)
    )
    seen, replaced = iso(found.first_seen) or "", iso(found.replaced_at) or ""
    names = (f"post {found.post_id} as first seen", f"post {found.post_id} now")
    return list(unified_diff(one, other, *names, seen, f"edited since {replaced}", lineterm=""))


def post_report(post: StoredPost) -> dict[str, object]:
    """A post as people script against it; times are ISO 8601 UTC or null."""
    return {
        "id": post.id,
        "source": post.source,
        "guid": post.guid,
        "url": post.url,
        "title": post.title,
        "author": post.author,
        "published": iso(post.published),
        "updated": iso(post.updated),
        "first_seen": iso(post.first_seen),
        "story": post.story,
        "tags": list(post.tags),
        "summary": post.summary,
        "content_html": post.content_html,
        "excluded": post.excluded or None,
        "held": post.held or None,
    }
