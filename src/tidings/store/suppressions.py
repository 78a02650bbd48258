"""Who is not mailed any more, and what is held against an address. Addresses are known by what stands for them only
(addresses.pseudonym), so that a reader who is erased, or taken in again, is still left alone."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from tidings.model import Score
from tidings.store.database import A_QUERY, Store, stored_time, text_to_time, time_to_text

Reason = Literal["bounced", "complained", "unsubscribed", "by-hand"]

UNTIL_CONFIRMED: frozenset[Reason] = frozenset({"bounced", "unsubscribed"})
FOR_GOOD: frozenset[Reason] = frozenset({"complained", "by-hand"})
"""What ends when the reader confirms by mail to want an edition again, and what only the operator takes back."""

ALL = ""
"""Stands for all editions."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address that gets nothing of an edition, `ALL` for none at all, since when and why; `words` are those of the
    server that refused it, or say who did it."""

    key: bytes
    edition: str
    reason: Reason
    since: datetime
    words: str


def add(store: Store, key: bytes, edition: str, reason: Reason, words: str, now: datetime) -> bool:
    """Suppresses an address; returns whether it was not before. What was said first stays."""
    with store.write():
        cursor = store.conn.execute(
            "INSERT OR IGNORE INTO suppressions (address_key, edition, reason, since, words) VALUES (?, ?, ?, ?, ?)",
            (key, edition, reason, time_to_text(now), words),
        )
    return cursor.rowcount > 0


def remove(store: Store, key: bytes) -> int:
    """Mails an address again, and forgets what was held against it: else the next failure would suppress it at once.
    Returns how many suppressions there were."""
    with store.write():
        store.conn.execute("DELETE FROM address_scores WHERE address_key = ?", (key,))
        return store.conn.execute("DELETE FROM suppressions WHERE address_key = ?", (key,)).rowcount


def among(store: Store, keys: Sequence[bytes], edition: str) -> dict[bytes, Suppression]:
    """Those of some addresses that are not to get an edition. Of two reasons that for all editions counts."""
    found: dict[bytes, Suppression] = {}
    for start in range(0, len(keys), A_QUERY):
        some = keys[start : start + A_QUERY]
        rows = store.rows(
            f"""SELECT * FROM suppressions WHERE address_key IN ({", ".join("?" * len(some))})
            AND edition IN (?, ?) ORDER BY edition DESC""",
            (*some, ALL, edition),
        )
        found |= {row["address_key"]: _suppression(row) for row in rows}
    return found


def of(store: Store, key: bytes, edition: str) -> list[Suppression]:
    """All that keeps an address from getting an edition."""
    rows = store.rows("SELECT * FROM suppressions WHERE address_key = ? AND edition IN (?, ?)", (key, ALL, edition))
    return [_suppression(row) for row in rows]


def all_of(store: Store, key: bytes) -> list[Suppression]:
    """All that keeps an address from getting anything, whatever the edition."""
    rows = store.rows("SELECT * FROM suppressions WHERE address_key = ? ORDER BY edition", (key,))
    return [_suppression(row) for row in rows]


def bars(store: Store, key: bytes, edition: str = ALL) -> bool:
    """Whether an address is not to be written to about an edition, or at all, whatever its owner confirms."""
    return any(one.reason in FOR_GOOD for one in of(store, key, edition))


def lift(store: Store, key: bytes, editions: Iterable[str]) -> None:
    """Ends what a confirmation ends, within the caller's transaction, and forgets what was held against the address."""
    ended = [(key, edition, reason) for edition in (ALL, *editions) for reason in sorted(UNTIL_CONFIRMED)]
    store.conn.executemany("DELETE FROM suppressions WHERE address_key = ? AND edition = ? AND reason = ?", ended)
    store.conn.execute("DELETE FROM address_scores WHERE address_key = ?", (key,))


def listed(store: Store) -> list[Suppression]:
    """All of them, the newest first."""
    return [_suppression(row) for row in store.rows("SELECT * FROM suppressions ORDER BY since DESC, address_key")]


def mailed_addresses(store: Store) -> Iterator[str]:
    """All addresses that there are deliveries to, one at a time: whom a suppression may be about."""
    for row in store.conn.execute("SELECT DISTINCT address FROM deliveries"):
        yield row["address"]


def score(store: Store, key: bytes) -> Score:
    """What is held against an address."""
    row = store.row("SELECT score FROM address_scores WHERE address_key = ?", (key,))
    if row is None:
        return Score()
    value = json.loads(row["score"])
    known, fresh = (tuple((issue, cost) for issue, cost in value[name]) for name in ("known", "fresh"))
    return Score(text_to_time(value["at"]), value["before"], value["eroded"], known, fresh)


def save_score(store: Store, key: bytes, value: Score) -> None:
    """Keeps what is held against an address, within the caller's transaction."""
    text = json.dumps(asdict(value) | {"at": time_to_text(value.at)})
    store.conn.execute("INSERT OR REPLACE INTO address_scores (address_key, score) VALUES (?, ?)", (key, text))


def _suppression(row: sqlite3.Row) -> Suppression:
    return Suppression(row["address_key"], row["edition"], row["reason"], stored_time(row["since"]), row["words"])
