"""Who had mail sent how often, so that a restart forgives nobody (readers/throttle.py decides). Keys are octets that
the caller makes of what is limited; no address of anybody is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from tidings.model import Throttled
from tidings.store.database import Store, stored_time, time_to_text


def states(store: Store, keys: Iterable[bytes]) -> dict[bytes, Throttled]:
    """What is known of those of `keys` that are known."""
    found = {}
    for key in keys:
        row = store.row("SELECT count, at FROM throttle WHERE key = ?", (key,))
        if row is not None:
            found[key] = Throttled(row["count"], stored_time(row["at"]))
    return found


def keep(store: Store, states: Mapping[bytes, Throttled]) -> None:
    """Keeps states, within the caller's transaction."""
    store.conn.executemany(
        "INSERT INTO throttle (key, count, at) VALUES (?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET count = excluded.count, at = excluded.at",
        [(key, state.count, time_to_text(state.at)) for key, state in states.items()],
    )


def forget(store: Store, before: datetime) -> None:
    """Drops what is older, within the caller's transaction."""
    store.conn.execute("DELETE FROM throttle WHERE at < ?", (time_to_text(before),))
