"""The first issue of a reader who has just come: the newest one there is, as a delivery like all others."""

from __future__ import annotations

from datetime import datetime

from tidings.store.database import Store, time_to_text
from tidings.store.issues import ON_THE_WEB, Letter, StoredIssue, stored_issue


def newest_shown(store: Store, edition: str) -> StoredIssue | None:
    """The newest issue of an edition that readers may see; None while there is none."""
    row = store.row(
        f"SELECT * FROM issues i WHERE edition = ? AND {ON_THE_WEB} ORDER BY number DESC LIMIT 1", (edition,)
    )
    return stored_issue(row) if row else None


def welcome(store: Store, issue: StoredIssue, letter: Letter, now: datetime) -> bool:
    """Adds a delivery to an issue that was frozen before, within the caller's transaction, and says whether it did: not
    for somebody who has one of that issue already, whatever became of it, unless that is only that it was not wanted;
    and not to an address that has one of another reader's, who has moved away from there. What comes back names that
    one, and is about its reader.

    It has a time of its own: the age of the issue neither makes it stale nor ends the tries.
    """
    moment = time_to_text(now)
    rows = store.rows(
        "SELECT id, subscriber_id FROM deliveries WHERE issue_id = ? AND (subscriber_id = ? OR address = ?)",
        (issue.id, letter.subscriber_id, letter.address),
    )
    if any(row["subscriber_id"] not in (None, letter.subscriber_id) for row in rows):
        return False
    if rows:
        cursor = store.conn.execute(
            """UPDATE deliveries SET state = 'pending', reply = '', next_at = ?, since = ?, updated_at = ?
            WHERE id = ? AND state = 'suppressed' AND attempts = 0 AND doubts = 0""",
            (moment, moment, moment, rows[0]["id"]),
        )
        return cursor.rowcount > 0
    store.conn.execute(
        """INSERT INTO deliveries (issue_id, address, message_id, language, subscriber_id, next_at, since, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (issue.id, letter.address, letter.message_id, letter.language, letter.subscriber_id, moment, moment, moment),
    )
    store.conn.execute("UPDATE issues SET readers = readers + 1 WHERE id = ?", (issue.id,))
    return True
