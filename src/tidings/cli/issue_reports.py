"""What `tidings issues` shows of issues, past and next: reports for scripts, and the words for people."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

from tidings.cli.reports import iso

if TYPE_CHECKING:
    from datetime import datetime

    from tidings.config import Config
    from tidings.model import Edition, IssueContent
    from tidings.store import Store
    from tidings.store.deliveries import Tally
    from tidings.store.issues import StoredIssue

State = Literal["reviewing", "held", "sending", "sent", "undelivered", "dropped", "archived"]
"""Where an issue is between being frozen and having reached its readers. Nobody got the `undelivered` one, whose mails
all expired, were given up, refused or not wanted; `archived` has no readers."""

_FOR_NOBODY = "archived only (no subscribers)"
_TALLY = {
    "accepted": "delivered",
    "rejected": "refused",
    "given_up": "given up",
    "suppressed": "not wanted",
    "deferred": "to be tried again",
    "uncertain": "not known whether it came",
    "expired": "too old to be sent",
}


def state_of(issue: StoredIssue, tally: Tally) -> State:
    """The state of an issue, by what keeps it and the balance of its deliveries."""
    if issue.kept:
        return issue.kept
    if not tally.any:
        return "archived"
    if tally.open:
        return "sending"
    return "sent" if tally.accepted else "undelivered"


def issue_row(store: Store, issue: StoredIssue) -> dict[str, Any]:
    """An issue as people script against it; times are ISO 8601 UTC or null."""
    from tidings.store import choices, deliveries

    content = issue.content
    tally = deliveries.tally(store, [issue.id])
    return {
        "issue": content.name,
        "edition": content.edition,
        "number": content.number,
        "subject": content.subject,
        "frozen_at": iso(content.frozen_at),
        "send_after": iso(issue.send_after),
        "state": state_of(issue, tally),
        "stories": len(content.items),
        "more": len(content.more),
        "deliveries": asdict(tally),
        "apart": choices.count(store, content.edition, content.frozen_at),
    }


def next_row(store: Store, loaded: Config, edition: Edition, now: datetime) -> dict[str, Any]:
    """The next issue of an edition as it would be at `now`; without a subject, and with the reason, while there is too
    little for one; without either when the subject can't be written."""
    from tidings import digest
    from tidings.cli import carrying, drafting, issuing

    content = digest.draft(store, edition, loaded.sources, issuing.masthead(loaded), now)
    return {
        "edition": edition.name,
        "due_at": iso(carrying.next_due_at(store, edition, now)),
        "stories": len(content.items) + len(content.more) if content else 0,
        "subject": _subject(content, loaded) if content else None,
        "nothing": None if content else drafting.why_nothing(store, loaded, edition, now),
    }


def _subject(content: IssueContent, loaded: Config) -> str | None:
    """The subject of an issue to come; None where its template is wrong, which is no reason to list nothing else."""
    import click

    from tidings.cli import issuing
    from tidings.errors import RenderError
    from tidings.render.mail import subject_of

    try:
        return subject_of(content, issuing.templates(loaded))
    except RenderError as error:
        click.echo(str(error), err=True)
        return None


def issue_report(store: Store, issue: StoredIssue) -> dict[str, Any]:
    """The whole of an issue: its row, where it is on the web, all that it shows or names, and its readers."""
    from tidings.store import issue_states

    content = issue.content
    readers = [asdict(one) for one in issue_states.readers(store, issue.id)]
    return {
        **issue_row(store, issue),
        "url": f"{content.site_url}/{content.path}" if issue_states.is_on_the_web(store, issue.id) else None,
        "items": [*_items(content), *_dropped(store, issue)],
        "readers": [one | {"next_at": iso(one["next_at"]), "updated_at": iso(one["updated_at"])} for one in readers],
    }


def _items(content: IssueContent) -> Iterator[dict[str, Any]]:
    from tidings.render.words import headline

    for item in content.items:
        yield _item("story", item.post_id, item.story, item.source, headline(item.title, item.text), item.url)
    for more in content.more:
        yield _item("more", more.post_id, more.story, more.source, headline(more.title, more.text), more.url)
    for update in content.updates:
        yield _item("update", update.post_id, None, update.source, headline(update.title, update.text), update.url)


def _dropped(store: Store, issue: StoredIssue) -> Iterator[dict[str, Any]]:
    from tidings.store import issue_states

    for one in issue_states.dropped(store, issue):
        yield _item("dropped", one.post_id, None, one.source, one.title, one.url)


def _item(part: str, post_id: int, story: int | None, source: str, title: str, url: str) -> dict[str, Any]:
    return {"part": part, "post": post_id, "story": story, "source": source, "headline": title, "url": url}


def state_in_words(row: dict[str, Any]) -> str:
    """The state of a row for people."""
    if row["state"] == "reviewing":
        return f"reviewing until {minute(row['send_after'])}"
    if row["state"] != "archived":
        return str(row["state"])
    return "archived only (for readers with a cadence of their own)" if row.get("apart") else _FOR_NOBODY


def tally_in_words(row: dict[str, Any]) -> str:
    """The balance of a row's deliveries, without what is none."""
    counts = row["deliveries"]
    parts = [f"{counts[name]} {word}" for name, word in _TALLY.items() if counts[name]]
    return ", ".join([*parts, *([f"{counts['pending']} not sent yet"] if counts["pending"] else [])])


def next_in_words(row: dict[str, Any], edition: Edition) -> str:
    """When the next issue of an edition is made, in its own time, and how much there is for it."""
    from datetime import datetime

    if row["due_at"] is None:
        return f"{edition.name}: next: never, by its schedule; {so_far(row)}"
    due = datetime.fromisoformat(row["due_at"]).astimezone(ZoneInfo(edition.timezone))
    return f"{edition.name}: next: {due:%a} {due.day} {due:%b %H:%M} {edition.timezone}, {so_far(row)}"


def so_far(row: dict[str, Any]) -> str:
    """How much there is for the next issue of a row."""
    count = row["stories"]
    return row["nothing"] or f"{count} {'story' if count == 1 else 'stories'} so far"


def why_it_waits(issue: StoredIssue) -> str:
    """That an issue is in review or held, and how to let it go."""
    name = issue.content.name
    release = f"`tidings issues release {shlex.quote(name)}`"
    if issue.kept == "reviewing" and issue.send_after is not None:
        return f"{name} is in review and goes out after {minute(iso(issue.send_after))}; {release} lets it go now"
    return f"{name} is held; {release} lets it go"


def minute(moment: str | None) -> str:
    """A moment of a report, for people; "" for none."""
    return f"{moment[:16].replace('T', ' ')} UTC" if moment else ""
