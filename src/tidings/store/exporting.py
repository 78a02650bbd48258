"""The readers of an edition as rows of a list (readers/lists.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tidings.store.database import Store

_PAGE = 1000


def rows(store: Store, edition: str, columns: Sequence[str]) -> Iterator[list[str]]:
    """A row with the names of `columns`, then one for each reader who has `edition`, read bit by bit: address,
    language, since when, and the words that were agreed to last."""
    yield list(columns)
    after = 0
    while True:
        found = store.rows(
            """SELECT r.id, r.address, iif(s.language != '', s.language, r.language) AS language, s.since,
                coalesce((SELECT c.wording FROM consents c WHERE c.subscriber_id = r.id AND c.edition = s.edition
                    AND c.wording != '' ORDER BY c.id DESC LIMIT 1), '') AS consent
            FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
            WHERE s.edition = ? AND s.ended_by = '' AND s.subscriber_id > ? ORDER BY s.subscriber_id LIMIT ?""",
            (edition, after, _PAGE),
        )
        yield from ([str(row[column]) for column in columns] for row in found)
        if len(found) < _PAGE:
            return
        after = found[-1]["id"]
