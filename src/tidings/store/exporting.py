"""The readers of an edition as rows of a list (readers/lists.py), and all that is kept of one reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from tidings.addresses import pseudonym
from tidings.model import StoredSubscriber
from tidings.store import site
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


# By names that people know; times are as they are stored, ISO 8601 in UTC. What is kept by a hash of the address is
# found by `print`.
_KEPT = {
    "subscriptions": """SELECT edition, origin, language, since, ended_at, ended_by FROM subscriptions
        WHERE subscriber_id = :id ORDER BY edition""",
    "choices": "SELECT edition, choices AS chosen, since, changed_at FROM choices WHERE subscriber_id = :id",
    "trail": """SELECT at, edition, what, form, wording, network, detail FROM consents
        WHERE subscriber_id = :id ORDER BY id""",
    "deliveries": """SELECT i.edition || '-' || i.number AS issue, d.address, d.state, d.reply, d.attempts, d.updated_at
        FROM deliveries d JOIN issues i ON i.id = d.issue_id WHERE d.id IN (
            SELECT id FROM deliveries WHERE subscriber_id = :id
            UNION ALL SELECT o.id FROM issues s CROSS JOIN deliveries o ON o.issue_id = s.id AND o.address = :address
            WHERE o.subscriber_id IS NULL) ORDER BY d.id""",
    "returned_mail": """SELECT r.received_at, r.kind, r.meaning, r.status, r.diagnostic, r.effect FROM returned_mail r
        JOIN deliveries d ON d.id = r.delivery_id WHERE d.subscriber_id = :id ORDER BY r.id""",
    "signups": """SELECT asked_at, editions, language, form, wording, network FROM signups
        WHERE fingerprint = :print AND address != '' ORDER BY asked_at""",
    "changes_of_address": "SELECT address, asked_at, network FROM moves WHERE subscriber_id = :id",
    "mails_about_signups": "SELECT count, mailed_at, asked_at FROM sent_to_strangers WHERE fingerprint = :print",
    "links_asked_for": "SELECT at, what FROM mails_asked WHERE fingerprint = :print ORDER BY id",
    "mails_waiting": "SELECT kind, made_at, content FROM notes WHERE fingerprint = :print AND kind != 'blank'",
    "mails_sent": "SELECT kind, sent_at FROM notes_sent WHERE fingerprint = :print ORDER BY id",
    "suppressions": "SELECT edition, reason, since, words FROM suppressions WHERE address_key = :print",
    "refusals": "SELECT reason, since FROM refusals WHERE fingerprint = :print",
    "held_against_the_address": "SELECT score FROM address_scores WHERE address_key = :print",
}
_IN_JSON = ("chosen", "detail", "editions", "content", "score")


def of_reader(store: Store, reader: StoredSubscriber) -> dict[str, Any]:
    """All that is kept of a reader, as values that JSON can hold. Reads only."""
    about = {
        "address": reader.address,
        "language": reader.language,
        "created_at": reader.created_at.isoformat(),
        "link": reader.public_id,
    }
    return about | _kept(store, reader.id, reader.address)


def of_stranger(store: Store, address: str) -> dict[str, Any] | None:
    """The same of an address that no subscriber has, None where nothing is kept of it. Reads only."""
    kept = _kept(store, None, address)
    return {"address": address} | kept if any(kept.values()) else None


def _kept(store: Store, subscriber_id: int | None, address: str) -> dict[str, Any]:
    values = {"id": subscriber_id, "address": address, "print": pseudonym(address, site.secret(store))}
    return {name: [_plain(dict(row)) for row in store.rows(sql, values)] for name, sql in _KEPT.items()}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: json.loads(value) if name in _IN_JSON else value for name, value in row.items()}
