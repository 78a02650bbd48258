"""Deliveries that an operator takes for made, where the database cannot know of them: it was restored from a backup."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tidings.records import dataclass
from tidings.store.database import Store, time_to_text
from tidings.store.issues import IS_OPEN

SKIPPED = "taken for mailed when the database was adopted"
"""What `passed_posts` says of posts that count as mailed, and deliveries of themselves."""

# Not what is held: that goes only when somebody says so.
_BY_THEN = """i.edition = ? AND i.dropped_at IS NULL AND i.held_at IS NULL
AND coalesce(i.released_at, i.send_after, i.frozen_at) <= ?"""


@dataclass(frozen=True, slots=True)
class OpenMails:
    """An issue by its id and name, and how many of its deliveries are not settled."""

    issue_id: int
    issue: str
    count: int


def open_mails(store: Store, edition: str, until: datetime) -> list[OpenMails]:
    """The issues of an edition that might have been sent by `until` and are not to the end, oldest first."""
    rows = store.rows(
        f"""SELECT i.id, i.edition || '-' || i.number AS name, count(*) AS n
        FROM issues i JOIN deliveries d ON d.issue_id = i.id WHERE {_BY_THEN} AND d.{IS_OPEN}
        GROUP BY i.id ORDER BY i.number""",
        (edition, time_to_text(until)),
    )
    return [OpenMails(row["id"], row["name"], row["n"]) for row in rows]


def expire(store: Store, issue_ids: Sequence[int], now: datetime) -> None:
    """Gives up whatever is open of some issues. `tidings deliveries resolve` can still decide otherwise."""
    with store.write():
        store.conn.executemany(
            f"""UPDATE deliveries SET state = 'expired', reply = ?, next_at = NULL, updated_at = ?
            WHERE issue_id = ? AND {IS_OPEN}""",
            [(SKIPPED, time_to_text(now), one) for one in issue_ids],
        )
