"""`tidings stories`: posts joined to one story, or taken out of it, by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tidings.cli.arguments import POST_ID
from tidings.cli.reports import InOrder

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.store import Store

_Change = tuple[str, list[int], list[int]]


@click.group(cls=InOrder)
def stories() -> None:
    """Show stories, join posts to one, and take a post out of one.

    A story is what several sources have of one piece; an edition carries it once. Tidings finds stories itself, and
    what it got wrong is put right here: each of these commands is undone by another. Posts are named by their ids, as
    `tidings posts` lists them.
    """


@stories.command()
@click.argument("post", metavar="POST", type=POST_ID)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def show(config_path: Path, post: int, as_json: bool) -> None:
    """List the posts of the story that POST belongs to.

    With each comes when and why it joined: for which post, by which rule, how surely from 0 to 1. Those that were taken
    apart from POST by hand are named as well.
    """
    from tidings.cli import sentences, wiring
    from tidings.cli.explaining import story_report
    from tidings.cli.tables import printable
    from tidings.store import explaining

    with wiring.open_site(config_path) as (loaded, store), explaining.snapshot(store):
        report = story_report(store, loaded, explaining.stored(store, post))
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(printable(line) for line in sentences.story(report, post)))


@stories.command()
@click.argument("one", metavar="POST", type=POST_ID)
@click.argument("other", metavar="POST", type=POST_ID)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def merge(config_path: Path, one: int, other: int, as_json: bool) -> None:
    """Make the stories of two posts one.

    All posts of both are one story from then on: an edition that has carried any of them carries none of the others,
    and one that has not carries it once. A story has one post of a source. `tidings stories split` takes a post out
    again.
    """
    from tidings.cli import wiring
    from tidings.store import stories as kept

    with wiring.open_site(config_path) as (loaded, store), store.write():
        story = kept.story_of(store, one)
        if story == kept.story_of(store, other):
            nothing = f"posts {one} and {other} are one story already; nothing was changed"
            _print(as_json, "", story, kept.posts_of(store, story), [], nothing)
            return
        before = _waiting(store, loaded)
        story = kept.merge(store, one, other, wiring.utc_now())
        posts = kept.posts_of(store, story)
        changes = list(_changes(before, _waiting(store, loaded)))
    _print(as_json, f"{_listed(posts)} are one story now, number {story}", story, posts, changes)


@stories.command()
@click.argument("post", metavar="POST", type=POST_ID)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def split(config_path: Path, post: int, as_json: bool) -> None:
    """Take a post out of its story, to be a story of its own.

    An edition whose issue showed this post has carried it, and the others are news to that edition; in one whose issue
    showed another of them it is the other way round. `tidings stories merge` puts the post back.
    """
    from tidings.cli import wiring
    from tidings.posts.canonical import canonical
    from tidings.store import explaining
    from tidings.store import stories as kept

    with wiring.open_site(config_path) as (loaded, store), store.write():
        members = explaining.members(store, kept.story_of(store, post))
        rest = [member.post.id for member in members if member.post.id != post]
        if not rest:
            nothing = f"post {post} is the only one of its story; nothing was changed"
            _print(as_json, "", members[0].post.story, [post], [], nothing)
            return
        before = _waiting(store, loaded)
        pages = {member.post.id: canonical(member.post.url) for member in members}
        story = kept.split(store, post, wiring.utc_now(), pages)
        changes = list(_changes(before, _waiting(store, loaded)))
    said = f"post {post} is a story of its own now, number {story}, without {_listed(rest)}"
    _print(as_json, said, story, [post], changes)


def _print(as_json: bool, said: str, story: int, posts: list[int], changes: list[_Change], nothing: str = "") -> None:
    """What became of a story, or that there was `nothing` to change."""
    if as_json:
        editions = [{"name": name, "no_news_now": gone, "news_now": come} for name, gone, come in changes]
        report = {"changed": not nothing, "story": story, "posts": posts, "editions": editions}
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
        return
    if nothing:
        click.echo(nothing, err=True)
        return
    click.echo(said)
    for name, gone, come in changes:
        if gone:
            click.echo(f"{name}: {_listed(gone)} will not be carried any more")
        if come:
            click.echo(f"{name}: {_listed(come)} may be carried now")


def _waiting(store: Store, loaded: Config) -> dict[str, list[int]]:
    """The posts that each edition may carry in its next issues."""
    from tidings.posts.rules import excluded_by
    from tidings.store import issues

    waiting = {}
    for edition in loaded.editions:
        names = [source.name for source in loaded.sources if edition.covers(source)]
        candidates = issues.candidates(store, edition.name, names, edition.backfill)
        waiting[edition.name] = [post.id for post in candidates if not excluded_by(post, edition)]
    return waiting


def _changes(before: dict[str, list[int]], after: dict[str, list[int]]) -> Iterator[_Change]:
    """What is no news to editions any more, and what became news, by the edition's name."""
    for edition, now in after.items():
        gone = [post for post in before[edition] if post not in now]
        come = [post for post in now if post not in before[edition]]
        if gone or come:
            yield edition, gone, come


def _listed(posts: list[int]) -> str:
    *first, last = map(str, posts)
    return f"posts {', '.join(first)} and {last}" if first else f"post {last}"
