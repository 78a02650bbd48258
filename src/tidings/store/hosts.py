"""Hosts: what is remembered of the servers that sources share."""

from __future__ import annotations

from datetime import datetime

from tidings.model import HostState
from tidings.store.database import Store, text_to_time, time_to_text


def states(store: Store) -> dict[str, HostState]:
    """All that is remembered, by host."""
    return {
        row["host"]: HostState(
            row["host"], text_to_time(row["asked_at"]), text_to_time(row["rest_until"]), row["refusals"]
        )
        for row in store.rows("SELECT * FROM hosts")
    }


def note_asked(store: Store, host: str, now: datetime) -> None:
    """Records that a request is about to go out, so that a restart keeps the pause before the next."""
    with store.note():
        store.conn.execute(
            "INSERT INTO hosts (host, asked_at) VALUES (:host, :now) ON CONFLICT (host) DO UPDATE SET asked_at = :now",
            {"host": host, "now": time_to_text(now)},
        )


def save(store: Store, state: HostState) -> None:
    """Records how long a host wants to be left alone. When it was last asked is noted apart from this."""
    with store.note():
        store.conn.execute(
            """INSERT INTO hosts (host, rest_until, refusals) VALUES (:host, :rest_until, :refusals)
            ON CONFLICT (host) DO UPDATE SET rest_until = :rest_until, refusals = :refusals""",
            {"host": state.host, "rest_until": time_to_text(state.rest_until), "refusals": state.refusals},
        )
