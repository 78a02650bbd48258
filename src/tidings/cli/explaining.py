"""`tidings explain`: where a post comes from, what it is known under, its story, and what editions do with it.

The words are in sentences.py, the judgement on editions in carrying.py.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tidings.cli.reports import LONGEST_ID, iso

if TYPE_CHECKING:
    from tidings.cli.carrying import Fate, Telling
    from tidings.config import Config
    from tidings.store import Store
    from tidings.store.explaining import KnownUnder, PostFacts, Showing

_MOST_SUGGESTED = 5
_LIKE_A_URL = re.compile(r"[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S+\Z")  # with a path: a bare host is any text with a dot

KINDS = {
    "guid": "guid",
    "guid+link": "guid and link",
    "guid+link+title": "guid, link and title",
    "link": "link",
    "link+title": "link and title",
    "page": "path of its page, title and date",
    "page+text": "path of its page, title and text",
    "text": "guid, link, title and text",
    "~title": "title, as a hint",
    "~text": "text, as a hint",
    "~path": "path of its page, as a hint",
    "~guid": "path of its guid, as a hint",
    "~file": "path of its file, as a hint",
    "~moment": "second of its publication, as a hint",
    "shared": "has this in common with another post of its source, so it names neither",
}
"""The kinds of keys (posts/identity.py), in words."""


@click.command()
@click.argument("wanted", metavar="URL-or-POST")
@click.option("--edition", "edition_name", metavar="NAME", help="Tell of this edition only.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_obj
def explain(config_path: Path, wanted: str, edition_name: str | None, as_json: bool) -> None:
    """Say why a post is where it is: its source, its keys, its story, and the issues.

    A post is named by its id, as `tidings posts` lists it, by a URL that it has or had, in any spelling, or by a guid
    that it has or had; guid:17 is the guid 17 where 17 is the id of a post.
    For each edition it says which issue carried the post, or whether the next one will, or why not, and what would
    change that. Nothing is changed by asking. Where nothing is known by that name, what is like it is listed, and the
    exit status is 1.
    """
    from tidings.cli import issuing, sentences, wiring
    from tidings.store import explaining

    with wiring.open_site(config_path) as (loaded, store):
        edition = issuing.edition_named(loaded, edition_name).name if edition_name is not None else ""
        with explaining.snapshot(store):
            found = find(store, wanted)
            now = wiring.utc_now()
            report: dict[str, Any] = {
                "query": _searchable(wanted),
                "posts": [post_report(store, loaded, edition, post_id, now) for post_id in found],
                "suggestions": [] if found else suggestions(store, wanted),
            }
    if as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    elif found:
        click.echo("\n\n".join("\n".join(sentences.explanation(post)) for post in report["posts"]))
    else:
        click.echo("\n".join(sentences.nothing_known(report)), err=True)
    if not found:
        sys.exit(1)


def find(store: Store, wanted: str) -> list[int]:
    """The posts that somebody means: by id, else by the URL or guid that they have, or that they once had. A guid that
    is some post's id, too, can be written as `guid:17`."""
    from tidings.store import explaining

    wanted = _searchable(wanted)
    if re.fullmatch("[0-9]+", wanted) and len(wanted) <= LONGEST_ID and explaining.facts(store, int(wanted)):
        return [int(wanted)]
    page = _page(wanted)
    if page and (found := _on_page(store, page)):
        return found
    kind, _, guid = wanted.partition(":")
    named = _with_guid(store, wanted) or (_with_guid(store, guid.strip()) if kind == "guid" else [])
    return named or (_once_on(store, page) if page else [])


def _page(wanted: str) -> str:
    """The canonical URL that somebody means, also where it is written without https://."""
    from tidings.posts.canonical import canonical

    return canonical(wanted) or (canonical(f"https://{wanted}") if _LIKE_A_URL.match(wanted) else "")


def _with_guid(store: Store, guid: str) -> list[int]:
    """The posts that have a guid, else those that once had it."""
    from tidings.model import ParsedPost
    from tidings.posts.identity import marks
    from tidings.store import explaining

    names = [key for key in marks(ParsedPost(0, guid=guid)).keys if key.startswith("guid:")]
    return explaining.with_guid(store, guid) or (explaining.under_keys(store, names) if names else [])


def _once_on(store: Store, page: str) -> list[int]:
    """The posts that were on a page once, by the keys that are remembered of them: those with its path, else all."""
    from tidings.model import ParsedPost
    from tidings.posts.canonical import canonical
    from tidings.posts.identity import link_in, marks
    from tidings.store import explaining

    def was_there(key: str) -> bool:
        return canonical(link_in(key)) == page

    hints = [hint for hint in marks(ParsedPost(0, url=page)).hints if hint.startswith("~path:")]
    found = []
    for post_id in explaining.under_keys(store, hints) if hints else []:
        known = {one.key for one in explaining.keys(store, post_id)}
        guids = ["", *(key.removeprefix("guid:") for key in known if key.startswith("guid:"))]
        # Of a long link there is only a fingerprint, which is made again.
        named = {key for guid in guids for key in marks(ParsedPost(0, guid=guid, url=page)).keys if "link:" in key}
        if known & named or any(map(was_there, known)):
            found.append(post_id)
    return found or explaining.under_keys_like(store, _longest_word(page), was_there)


def _on_page(store: Store, page: str) -> list[int]:
    """The posts whose URL leads to a page, in whatever spelling: by what they are known under, else by going through
    all of them."""
    from tidings.model import ParsedPost
    from tidings.posts.canonical import canonical
    from tidings.posts.identity import marks, shared_mark
    from tidings.store import explaining

    def is_it(url: str) -> bool:
        return canonical(url) == page

    for hint in marks(ParsedPost(0, url=page)).hints:
        if hint.startswith("~path:") and (found := explaining.with_page(store, hint, shared_mark(hint), is_it)):
            return found
    return explaining.with_url(store, _longest_word(page), is_it)


def suggestions(store: Store, wanted: str) -> list[dict[str, Any]]:
    """Posts that are like what nothing is known by: first those whose page or guid has the same path, or whose title is
    the same, then those with its words."""
    from tidings.model import ParsedPost
    from tidings.posts.canonical import canonical
    from tidings.posts.identity import marks
    from tidings.store import explaining
    from tidings.store.posts import PostQuery
    from tidings.store.posts import find as search

    wanted = _searchable(wanted)
    parsed = ParsedPost(0, url=_page(wanted), title=wanted)
    hints = [key for key in marks(parsed).hints if key.startswith(("~path:", "~title:"))]
    paths = [key.replace("~path:", "~guid:", 1) for key in hints if key.startswith("~path:")]
    ids = explaining.under_keys(store, [*hints, *paths]) if hints else []
    words = re.findall(r"[^\W\d_]{3,}", canonical(wanted).partition("//")[2].partition("/")[2] or wanted)
    if words and not ids:
        ids = [post.id for post in search(store, PostQuery(" ".join(words), limit=_MOST_SUGGESTED))]
    posts = [facts.post for post_id in ids[:_MOST_SUGGESTED] if (facts := explaining.facts(store, post_id))]
    return [{"id": post.id, "source": post.source, "title": post.title, "url": post.url} for post in posts]


def post_report(store: Store, loaded: Config, edition: str, post_id: int, now: datetime) -> dict[str, Any]:
    """All there is to say of one post, as people script against it, of one edition if that is not ""; times are ISO
    8601 UTC or null."""
    from tidings.cli import carrying
    from tidings.store import explaining

    facts = explaining.stored(store, post_id)
    post, source = facts.post, carrying.source_of(loaded, facts)
    keys = [_key(key) for key in explaining.keys(store, post_id)]
    guids = [key for key in keys if key["kind"] == "guid"]
    return {
        "id": post.id,
        "title": post.title,
        "url": post.url,
        "guid": post.guid,
        "source": {
            "name": post.source,
            "url": post.feed_url,
            "configured": source is not None,
            "disabled": source is not None and source.disabled,
        },
        "first_seen": iso(post.first_seen),
        "first_batch": facts.in_first_batch,
        "dated": iso(post.dated),
        "edited": _edited(facts),
        "pruned_at": iso(facts.pruned_at),
        "held": _held(facts),
        "excluded": _excluded(facts),
        "keys": keys,
        "renewals": [{"guid": key["value"], "at": key["since"]} for key in guids[1:] if key["since"]],
        "story": story_report(store, loaded, facts),
        "editions": [_edition(fate) for fate in carrying.fates(store, loaded, edition, facts, now)],
    }


def story_report(store: Store, loaded: Config, facts: PostFacts) -> dict[str, Any]:
    """The story of a post: its posts, why they are together, which stands for it; and who was taken out of it."""
    from tidings.cli import carrying
    from tidings.store import explaining, stories

    members = explaining.members(store, facts.post.story)
    parted = stories.parted(store, facts.post.id)
    return {
        "id": facts.post.story,
        "stands_for_it": carrying.standing_for(members, loaded),
        "posts": [_member(store, one, {other.post.id for other in members}) for one in members],
        "parted": [{"post": other, "at": iso(at)} for other, at in parted.items()],
    }


def _member(store: Store, facts: PostFacts, story: set[int]) -> dict[str, Any]:
    from tidings.store import explaining

    post, join = facts.post, facts.join
    other = explaining.facts(store, join.post_id) if join else None
    return {
        "id": post.id,
        "source": post.source,
        "title": post.title,
        "url": post.url,
        "originality": post.originality,
        "joined": {
            "post": join.post_id,
            "source": other.post.source if other else "",
            "still_there": join.post_id in story,
            "tier": join.tier,
            "score": round(join.score, 3),
            "why": join.why,
            "at": iso(facts.joined_at),
        }
        if join
        else None,
    }


def _edited(facts: PostFacts) -> dict[str, Any] | None:
    """The edits of a post: the first, while the version before it is kept, and the last that was worth telling."""
    if facts.edited_at is None and facts.post.changed_at is None:
        return None
    kind = "substantive" if facts.post.changed_at else "cosmetic"
    return {"kind": kind, "first_at": iso(facts.edited_at), "changed_at": iso(facts.post.changed_at)}


def _held(facts: PostFacts) -> dict[str, Any] | None:
    """Since when a post is held, and until when unless its source turns back; null where nothing lets it go."""
    from tidings.posts.brake import RELEASED_AFTER

    if facts.held_at is None:
        return {"since": None, "until": None, "put_away": True} if facts.put_away else None
    since = facts.feed_held_since
    waits = since is not None and facts.held_at >= since
    return {
        "since": iso(facts.held_at),
        "until": iso(since + RELEASED_AFTER) if since and waits else None,
        "put_away": False,
    }


def _excluded(facts: PostFacts) -> dict[str, Any] | None:
    if not facts.post.excluded:
        return None
    return {"rule": facts.post.excluded, "since": iso(facts.excluded_at)}


def _key(known: KnownUnder) -> dict[str, Any]:
    kind, _, value = known.key.partition(":")
    text = value.replace("\t", " | ")
    return {"kind": kind, "means": KINDS.get(kind, kind), "value": text, "since": iso(known.met_at)}


def _edition(fate: Fate) -> dict[str, Any]:
    return {
        "name": fate.edition,
        "status": fate.status,
        "issues": [_showing(one) for one in fate.showings],
        "post": fate.post_id,
        "due_at": iso(fate.due_at),
        "reasons": [{"kind": one.kind, "why": one.why, "change": one.change or None} for one in fate.reasons],
        "update": _update(fate.update),
    }


def _update(telling: Telling | None) -> dict[str, Any] | None:
    if telling is None:
        return None
    return {
        "status": telling.status,
        "issue": _showing(telling.issue) if telling.issue else None,
        "why": telling.why or None,
        "change": telling.change or None,
    }


def _showing(issue: Showing) -> dict[str, Any]:
    return {
        "number": issue.number,
        "at": iso(issue.frozen_at),
        "post": issue.post_id,
        "named": issue.only_named,
        "kept": issue.kept or None,
    }


def _searchable(text: str) -> str:
    """A text without what SQLite can't be asked for: the half characters that a shell makes of bad bytes."""
    return re.sub("[\x00\ud800-\udfff]", "", text).strip()


def _longest_word(page: str) -> str:
    """What every spelling of a canonical URL holds, in small letters: the longest run of plain letters and digits of
    its last part, where posts differ most; else of its path, else of its host."""
    host, _, path = page.partition("//")[2].lower().partition("/")
    host, _, query = host.partition("?")
    labels = [label for label in host.split(".") if not label.startswith("xn--")]
    for text in (re.split("[/?]", path)[-1], path, query):
        words: list[str] = re.findall("[a-z0-9]+", re.sub("%[0-9a-f]{2}", " ", text))
        if words:
            return max(reversed(words), key=len)
    return max(labels, key=len, default="")
