"""What a post said at first and what it says now."""

from __future__ import annotations

from datetime import datetime

from tidings.records import dataclass
from tidings.store.database import Store, stored_time, text_to_time


@dataclass(frozen=True, slots=True)
class Version:
    """A post as it stood: its title and its plain text."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The latest version of a post, and the first if it was ever edited (posts/edits.py), with the time at which that
    was replaced. `changed_at` is the last edit worth telling."""

    post_id: int
    source: str
    url: str
    first_seen: datetime
    latest: Version
    first: Version | None = None
    replaced_at: datetime | None = None
    changed_at: datetime | None = None


def find(store: Store, post_id: int) -> Versions | None:
    """The versions that are kept of a post; None if there is no such post."""
    row = store.row(
        """SELECT p.id, f.name, p.url, p.first_seen, p.title, p.text, p.changed_at,
        v.title AS first_title, v.text AS first_text, v.replaced_at
        FROM posts p JOIN feeds f ON f.id = p.feed_id LEFT JOIN first_versions v ON v.post_id = p.id WHERE p.id = ?""",
        (post_id,),
    )
    if row is None:
        return None
    return Versions(
        post_id=row["id"],
        source=row["name"],
        url=row["url"],
        first_seen=stored_time(row["first_seen"]),
        latest=Version(row["title"], row["text"]),
        first=None if row["replaced_at"] is None else Version(row["first_title"], row["first_text"]),
        replaced_at=text_to_time(row["replaced_at"]),
        changed_at=text_to_time(row["changed_at"]),
    )
