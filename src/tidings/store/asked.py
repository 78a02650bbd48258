"""Who asked for a mail of their own of late, by the keyed hash that refusals are kept under (store/refusals.py)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from tidings.store.database import Store, stored_time, time_to_text

What = Literal["link", "move"]
"""A link to the page of preferences, or the change of an address."""

_KEPT = timedelta(days=1)


def times(store: Store, print_: bytes, what: What) -> list[datetime]:
    """When mails of a kind went out for an address within the last day."""
    sql = "SELECT at FROM mails_asked WHERE fingerprint = ? AND what = ? AND is_mailed"
    return [stored_time(row["at"]) for row in store.rows(sql, (print_, what))]


def note(store: Store, print_: bytes, what: What, now: datetime, *, is_mailed: bool) -> None:
    """Keeps that one was asked for, and whether it is mailed, within the caller's transaction. A row is written either
    way: nobody can tell by the time that it takes."""
    store.conn.execute(
        "INSERT INTO mails_asked (fingerprint, what, at, is_mailed) VALUES (?, ?, ?, ?)",
        (print_, what, time_to_text(now), is_mailed),
    )


def tidy(store: Store, now: datetime) -> None:
    """Forgets what is older than a day, or from a future that a wrong clock once showed, where there is such a thing:
    asked every few seconds."""
    values = (time_to_text(now - _KEPT), time_to_text(now + _KEPT))
    if store.row("SELECT 1 FROM mails_asked WHERE at < ? OR at > ?", values) is not None:
        with store.write():
            store.conn.execute("DELETE FROM mails_asked WHERE at < ? OR at > ?", values)
