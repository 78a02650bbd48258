"""The keys that readers' own links are signed with (signing.py). They stay in the database, so a backup has them, and
old mails keep their way out after it was restored."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime

from tidings.model import LinkKey
from tidings.store.database import Store, stored_time, text_to_time, time_to_text

_OCTETS = 32


def usable(store: Store, now: datetime) -> tuple[LinkKey, ...]:
    """The keys in use, oldest first; one is made where there is none yet."""
    found = _in_use(store)
    if found:
        return found
    with store.write():
        # Another process may have made one since.
        return _in_use(store) or (_add(store, now),)


def listed(store: Store) -> list[LinkKey]:
    """All keys there ever were, oldest first. Reads only."""
    return [_key(row) for row in store.rows("SELECT * FROM link_keys ORDER BY id")]


def rotate(store: Store, now: datetime) -> LinkKey:
    """Makes a key that signs from now on. Those before it are still accepted: mails with their links are out."""
    with store.write():
        return _add(store, now)


def retire(store: Store, number: int, now: datetime) -> bool:
    """Ends a key: no link that was signed with it opens anything any more. Where it was the last one in use, another
    takes its place. Returns whether there was such a key in use."""
    with store.write():
        found = store.conn.execute(
            "UPDATE link_keys SET retired_at = ? WHERE id = ? AND retired_at IS NULL", (time_to_text(now), number)
        )
        if found.rowcount and not _in_use(store):
            _add(store, now)
    return bool(found.rowcount)


def _in_use(store: Store) -> tuple[LinkKey, ...]:
    return tuple(_key(row) for row in store.rows("SELECT * FROM link_keys WHERE retired_at IS NULL ORDER BY id"))


def _add(store: Store, now: datetime) -> LinkKey:
    secret = secrets.token_bytes(_OCTETS)
    added = store.conn.execute(
        "INSERT INTO link_keys (secret, made_at) VALUES (?, ?) RETURNING *", (secret, time_to_text(now))
    )
    return _key(added.fetchone())


def _key(row: sqlite3.Row) -> LinkKey:
    return LinkKey(row["id"], bytes(row["secret"]), stored_time(row["made_at"]), text_to_time(row["retired_at"]))
