"""Readers' own issues on their way. There may be thousands, so they are named first, and read when they go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from tidings.model import personal_name
from tidings.records import dataclass
from tidings.store.database import Store, stored_time, text_to_time
from tidings.store.issues import IS_MADE_OF, MAY_GO, OPEN_ISSUES, StoredIssue, stored_issue


@dataclass(frozen=True, slots=True)
class OpenIssue:
    """An issue with mails still to be sent, without its content: its name, when to try again while its server is not to
    be had, and since when it may go."""

    id: int
    name: str
    retry_at: datetime | None
    since: datetime


def undelivered_own(store: Store, edition: str) -> list[OpenIssue]:
    """Issues of readers' own editions that are made of `edition`, with a delivery that is not settled, and nothing that
    keeps them from being sent; oldest first."""
    rows = store.rows(
        f"""SELECT i.id, i.edition || '-' || i.number AS name, i.retry_at, coalesce(i.released_at, i.frozen_at) AS since
        FROM {OPEN_ISSUES} WHERE {IS_MADE_OF} AND {MAY_GO} ORDER BY i.id""",
        {"own": personal_name(edition, "")},
    )
    return [OpenIssue(row["id"], row["name"], text_to_time(row["retry_at"]), stored_time(row["since"])) for row in rows]


def whole(store: Store, issue_ids: Sequence[int]) -> list[StoredIssue]:
    """Some issues as they were frozen, oldest first."""
    rows = store.rows(
        "SELECT * FROM issues WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id", (json.dumps(list(issue_ids)),)
    )
    return [stored_issue(row) for row in rows]
