"""What one reader got, and did not get: the issues of an edition with what became of each."""

from __future__ import annotations

from datetime import datetime

from tidings.records import dataclass
from tidings.store.database import Store, stored_time, text_to_time


@dataclass(frozen=True, slots=True)
class IssueOfReader:
    """An issue, and its delivery to a reader: state, the server's words and since when; "" and None without one.
    `has_own` says that the reader had an edition of their own in place of this one by then."""

    issue: str
    edition: str
    frozen_at: datetime
    state: str = ""
    reply: str = ""
    updated_at: datetime | None = None
    has_own: bool = False


def issues_of(store: Store, subscriber_id: int, limit: int) -> list[IssueOfReader]:
    """The newest issues of the editions that a subscriber has or had, and others that went to that reader. Deliveries
    that were made before there were subscribers are known by their address."""
    rows = store.rows(
        """SELECT i.edition, i.edition || '-' || i.number AS issue, i.frozen_at, coalesce(d.state, '') AS state,
            coalesce(d.reply, '') AS reply, d.updated_at, EXISTS (SELECT 1 FROM choices c
                WHERE c.subscriber_id = :id AND c.edition = i.edition AND c.since <= i.frozen_at) AS has_own
        FROM issues i LEFT JOIN deliveries d ON d.issue_id = i.id AND (d.subscriber_id = :id
            OR (d.subscriber_id IS NULL AND d.address = (SELECT address FROM subscribers WHERE id = :id)))
        WHERE d.id IS NOT NULL OR i.edition IN (SELECT edition FROM subscriptions WHERE subscriber_id = :id)
        ORDER BY i.frozen_at DESC, i.id DESC LIMIT :limit""",
        {"id": subscriber_id, "limit": limit},
    )
    return [
        IssueOfReader(
            row["issue"],
            row["edition"],
            stored_time(row["frozen_at"]),
            row["state"],
            row["reply"],
            text_to_time(row["updated_at"]),
            bool(row["has_own"]),
        )
        for row in rows
    ]
