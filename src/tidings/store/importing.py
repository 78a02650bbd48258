"""A list of readers brought in at once: staged outside of the database proper, judged and taken in one transaction.

Staging costs no memory and keeps nobody waiting; what follows is a handful of statements, however long the list.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from tidings.addresses import key, pseudonym
from tidings.model import Evidence
from tidings.records import dataclass
from tidings.store import site
from tidings.store.database import Store, time_to_text

Fate = Literal["new", "back", "own", "already", "left", "refused", "suppressed", "duplicate"]
"""What becomes of a row. `back` was taken out of the configuration, `own` is one that only the configuration named so
far; `left`, `refused` and `suppressed` stay out; a `duplicate` is a second row of one address."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A row to bring in. `since` is when consent was given, None for now; `consent` says how, "" for what all have."""

    line: int
    address: str
    language: str
    since: datetime | None
    consent: str


@dataclass(frozen=True, slots=True)
class Left:
    """A row that is not taken, and its fate."""

    line: int
    address: str
    fate: Fate


_TABLE = """CREATE TEMP TABLE incoming (
    line INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    language TEXT NOT NULL,
    since TEXT,
    consent TEXT NOT NULL,
    fate TEXT NOT NULL DEFAULT ''
)"""
_JUDGE = """UPDATE incoming SET fate = CASE
    WHEN EXISTS (SELECT 1 FROM incoming o WHERE o.address_key = incoming.address_key AND o.line < incoming.line)
        THEN 'duplicate'
    WHEN fingerprint IN (SELECT address_key FROM suppressions WHERE edition IN ('', :edition)) THEN 'suppressed'
    ELSE coalesce(
        (SELECT CASE s.ended_by WHEN '' THEN iif(s.origin = 'file', 'own', 'already') WHEN 'file' THEN 'back'
            ELSE 'left' END
        FROM subscribers r JOIN subscriptions s ON s.subscriber_id = r.id AND s.edition = :edition
        WHERE r.address_key = incoming.address_key),
        iif(fingerprint IN (SELECT fingerprint FROM refusals), 'refused', 'new'))
    END"""
_IS_TAKEN = "i.fate IN ('new', 'back', 'own')"
# One that is taken up again begins now, not when consent was given: what came meanwhile is missed (store/choices.py).
_TAKE = (
    f"""INSERT INTO subscribers (address, address_key, language, created_at)
    SELECT address, address_key, language, :now FROM incoming i WHERE {_IS_TAKEN} ORDER BY line
    ON CONFLICT (address_key) DO NOTHING""",
    f"""INSERT INTO subscriptions (subscriber_id, edition, origin, since)
    SELECT r.id, :edition, 'import', coalesce(i.since, :now) FROM incoming i
    JOIN subscribers r ON r.address_key = i.address_key WHERE {_IS_TAKEN} ORDER BY i.line
    ON CONFLICT (subscriber_id, edition) DO UPDATE SET origin = 'import', since = iif(ended_by = '', since, :now),
        ended_at = NULL, ended_by = ''""",
    f"""INSERT INTO consents (subscriber_id, edition, what, at, form, wording, detail)
    SELECT r.id, :edition, 'imported', :now, :form, iif(i.consent != '', i.consent, :wording),
        iif(i.since IS NULL, '{{}}', json_object('given', i.since))
    FROM incoming i JOIN subscribers r ON r.address_key = i.address_key WHERE {_IS_TAKEN} ORDER BY i.line""",
)


def stage(store: Store, rows: Iterable[Incoming]) -> None:
    """Puts rows where only this connection sees them, in place of what was there."""
    store.conn.execute("DROP TABLE IF EXISTS temp.incoming")
    store.conn.execute(_TABLE)
    secret = site.secret(store)
    store.conn.execute("BEGIN")
    try:
        store.conn.executemany(
            """INSERT INTO incoming (line, address, address_key, fingerprint, language, since, consent)
            VALUES (?, ?, ?, ?, ?, ?, ?)""",
            (_staged(row, secret) for row in rows),
        )
        store.conn.execute("CREATE INDEX temp.incoming_by_key ON incoming (address_key, line)")
        store.conn.execute("COMMIT")
    except BaseException:
        store.conn.rollback()
        raise


def take(store: Store, edition: str, evidence: Evidence, now: datetime, *, dry_run: bool = False) -> dict[str, int]:
    """Subscribes who is staged, all in one transaction, and returns how many rows had each fate. Nobody who has left,
    or is refused, comes back. With `dry_run` nothing is changed."""
    values = {"edition": edition, "now": time_to_text(now), "form": evidence.form, "wording": evidence.wording}
    with store.write():
        store.conn.execute(_JUDGE, values)
        if not dry_run:
            for statement in _TAKE:
                store.conn.execute(statement, values)
    rows = store.rows("SELECT fate, count(*) AS n FROM incoming GROUP BY fate")
    return {row["fate"]: row["n"] for row in rows}


def left_out(store: Store, limit: int) -> list[Left]:
    """The rows that were not taken, in their order, at most `limit`."""
    rows: Sequence[sqlite3.Row] = store.rows(
        """SELECT line, address, fate FROM incoming WHERE fate IN ('left', 'refused', 'suppressed', 'duplicate')
        ORDER BY line LIMIT ?""",
        (limit,),
    )
    return [Left(row["line"], row["address"], row["fate"]) for row in rows]


def _staged(row: Incoming, secret: bytes) -> tuple[object, ...]:
    fingerprint = pseudonym(row.address, secret)
    since = time_to_text(row.since)
    return (row.line, row.address, key(row.address), fingerprint, row.language, since, row.consent)
