"""What `tidings explain` and `tidings stories` found out, in plain words. Reports in (explaining.py), lines out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from tidings.cli.tables import printable

Report = dict[str, Any]

_ORIGINALITY = {
    2: "it is a page of its own site",
    1: "whether it is the original can't be told",
    0: "it says that it was taken from elsewhere, or is about another page",
}

_KEPT = {None: "", "reviewing": "; the issue is in review and not sent yet", "held": "; the issue is held"}


def explanation(post: Report) -> list[str]:
    """A post, explained."""
    parts = [
        ("", [f"{_named(post)}", *([post["url"]] if post["url"] else [])]),
        ("Where it comes from", list(_origin(post))),
        ("Known under", list(_keys(post))),
        (f"Story {post['story']['id']}", list(story(post["story"], post["id"]))),
        ("Editions", [line for one in post["editions"] for line in _edition(one, post["id"])]),
    ]
    lines: list[str] = []
    for head, body in parts:
        lines += [head, *(f"  {line}" for line in body)] if head else body
    return [printable(line) for line in lines]


def nothing_known(report: Report) -> list[str]:
    """That nothing is known by a name, and what is like it."""
    lines = [f"nothing is known as {report['query']!r}: no post has or had this id, URL or guid"]
    if report["suggestions"]:
        lines.append("these are like it:")
        lines += [f"  {one['id']}  {one['source']}: {one['title']}  {one['url']}" for one in report["suggestions"]]
    else:
        lines.append("`tidings posts` lists and searches what is stored")
    return [printable(line) for line in lines]


def story(one: Report, post_id: int | None = None) -> Iterator[str]:
    """A story: each of its posts and why it is there. `post_id` is the post that was asked for."""
    if len(one["posts"]) == 1:
        yield f"Post {one['posts'][0]['id']} is the only one of its story."
    else:
        for member in one["posts"]:
            yield f"{_named(member)}{', which is this one' if member['id'] == post_id else ''}"
            yield f"  {_joined(member['joined'])}"
        yield from _standing(one)
    for pair in one["parted"]:
        yield f"Taken apart from post {pair['post']} by hand on {_day(pair['at'])}."


def _named(post: Report) -> str:
    name = f"Post {post['id']}"
    source = post["source"]["name"] if isinstance(post["source"], dict) else post["source"]
    return f"{name} of {source}: {post['title'] or 'without a title'}"


def _joined(joined: Report | None) -> str:
    if joined is None:
        return "began the story"
    with_post = f"post {joined['post']} of {joined['source']}"
    if not joined["still_there"]:
        with_post += ", which was taken out since"
    return f"joined on {_day(joined['at'])} for {with_post}: {joined['why']} ({joined['tier']}, {joined['score']:g})"


def _standing(one: Report) -> Iterator[str]:
    for member in one["posts"]:
        if member["id"] == one["stands_for_it"]:
            why = _ORIGINALITY[member["originality"]]
            yield f"In digests post {member['id']} stands for the story: {why}."


def _origin(post: Report) -> Iterator[str]:
    source = post["source"]
    state = "" if source["configured"] else "; it is not in the file any more"
    yield f"From {source['name']}, {source['url']}{'; it is disabled' if source['disabled'] else state}."
    yield f"Its guid is {post['guid']}." if post["guid"] else "It has no guid."
    batch = ", with the first reading of its source" if post["first_batch"] else ""
    yield f"First seen on {_moment(post['first_seen'])}{batch}; " + (
        f"dated {_moment(post['dated'])}." if post["dated"] else "its author gives no date."
    )
    yield from _edits(post["edited"])
    if post["pruned_at"]:
        yield f"Its text was pruned on {_moment(post['pruned_at'])}, by [store] keep."
    yield from _hold(post)
    if post["excluded"]:
        rule, since = post["excluded"]["rule"], post["excluded"]["since"]
        by = "no `include` rule matches it" if rule == "include" else f"the `exclude` rule {rule!r} matches it"
        yield f"Excluded{_since(since)}: {by}."


def _edits(edited: Report | None) -> Iterator[str]:
    if edited is None:
        return
    first = f"first on {_moment(edited['first_at'])}" if edited["first_at"] else ""
    if edited["kind"] == "cosmetic":
        yield f"Edited {first}, in nothing worth telling."
        return
    yield f"Edited {first + ', ' if first else ''}last in a way worth telling on {_moment(edited['changed_at'])}."


def _hold(post: Report) -> Iterator[str]:
    held = post["held"]
    if held is None:
        return
    if held["put_away"]:
        yield "Put away while it was held: it stays known, and is not shown until it is taken back."
    elif held["until"]:
        yield (
            f"Held since {_moment(held['since'])}, until {_moment(held['until'])} unless its feed turns back to its "
            f"former posts: most of the feed was new at once."
        )
    else:
        yield (
            f"Held since {_moment(held['since'])}, and its feed has turned back to its former posts: it waits to be "
            f"released by hand."
        )


def _keys(post: Report) -> Iterator[str]:
    for key in post["keys"]:
        yield f"{key['means']}: {key['value']}{_since(key['since'])}"
    for renewal in post["renewals"]:
        yield f"It came back under a new guid on {_moment(renewal['at'])}: {renewal['guid']}"
    if post["guid"] and not any(key["kind"] in ("guid", "shared") for key in post["keys"]):
        yield "Its guid alone does not lead to it: another post of its source has, or had, the same."


def _edition(one: Report, post_id: int) -> Iterator[str]:
    name = one["name"]
    for issue in one["issues"]:
        shown = "as itself" if issue["post"] == post_id else f"by post {issue['post']} of its story"
        carried = "only named" if issue["named"] else "carried"
        at = _moment(issue["at"])
        yield f"{name}: {carried} in issue #{issue['number']} of {at}, {shown}{_KEPT[issue['kept']]}."
    shown = "" if one["post"] in (None, post_id) else f", by post {one['post']} of its story"
    due = f", due on {_moment(one['due_at'])}" if one["due_at"] else ""
    if one["status"] == "next":
        yield f"{name}: in the next issue{due}{shown}."
    elif one["status"] == "waiting":
        yield f"{name}: it waits, and is not in the next issue{shown}."
    elif one["status"] == "no":
        yield f"{name}: not in the next issue."
    if one["update"]:
        yield from _update(name, one["update"])
    for reason in one["reasons"]:
        yield f"  Because {reason['why']}."
        yield f"  What would change that: {reason['change'] or 'nothing'}."


def _update(name: str, update: Report) -> Iterator[str]:
    """What an edition does with an edit of what it carried."""
    if update["status"] == "told":
        yield f"{name}: its edit was listed under Updated in issue #{update['issue']['number']}, which is done once."
    elif update["status"] == "next":
        yield f"{name}: it was edited since; the next issue that carries anything lists it under Updated."
    elif update["status"] == "waiting":
        yield f"{name}: it was edited since, and waits to be listed under Updated: {update['why']}."
    else:
        yield f"{name}: it was edited since, and is not listed under Updated."
        yield f"  Because {update['why']}."
        yield f"  What would change that: {update['change'] or 'nothing'}."


def _since(moment: str | None) -> str:
    return f" (since {_moment(moment)})" if moment else ""


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def _day(text: str) -> str:
    return text[:10]
