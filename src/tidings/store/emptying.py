"""Readers' own issues that are long out lose their stories: nothing shows them again, and a year of two hundred readers
would be most of the database. That they were made, when, for whom, and what they carried (`issue_items`) stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tidings.store.database import Store, time_to_text
from tidings.store.issues import IS_OPEN

WHOLE_FOR = timedelta(days=90)
"""How long a reader's own issue stays whole: longer than anything comes back, and than an edit is told of (60 days,
editions/select.py), as long as an operator may still look or send it after all."""

_SLICE = 200  # issues a transaction
_EMPTIED = "json_remove(json_set(content, '$.items', json('[]'), '$.more', json('[]')), '$.updates')"


def empty_old(store: Store, now: datetime, stop: Callable[[], bool] = lambda: False) -> int:
    """Takes the stories from readers' own issues that are old, and all of whose deliveries are settled; returns from
    how many. A power cut may take this back, and the next pass does it again."""
    count = 0
    while (ids := _old(store, now - WHOLE_FOR)) and not stop():
        with store.note():
            store.conn.executemany(
                f"UPDATE issues SET content = {_EMPTIED}, emptied_at = ? WHERE id = ?",
                [(time_to_text(now), one) for one in ids],
            )
        count += len(ids)
    return count


def is_emptied(store: Store, issue_id: int) -> bool:
    """Whether an issue has no stories any more."""
    return store.row("SELECT 1 FROM issues WHERE id = ? AND emptied_at IS NOT NULL", (issue_id,)) is not None


def _old(store: Store, before: datetime) -> list[int]:
    rows = store.rows(
        f"""SELECT i.id FROM issues i WHERE instr(i.edition, '~') != 0 AND i.emptied_at IS NULL AND i.frozen_at < ?
        AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.issue_id = i.id AND d.{IS_OPEN}) LIMIT ?""",
        (time_to_text(before), _SLICE),
    )
    return [row["id"] for row in rows]
