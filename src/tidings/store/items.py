"""What the next reading of a feed wants to be given (posts/incremental.py): bytes that only the workers can read."""

from __future__ import annotations

from tidings.store.database import Store


def recall(store: Store, feed_id: int) -> bytes:
    """The memory of a feed's last document; empty where there is none, and all of the next is to be read."""
    row = store.row("SELECT memory FROM feed_items WHERE feed_id = ?", (feed_id,))
    return bytes(row["memory"]) if row else b""


def save(store: Store, feed_id: int, memory: bytes) -> None:
    """Puts a memory in place of the last one; an empty one ends it."""
    with store.write():
        if memory:
            store.conn.execute("INSERT OR REPLACE INTO feed_items (feed_id, memory) VALUES (?, ?)", (feed_id, memory))
        else:
            store.conn.execute("DELETE FROM feed_items WHERE feed_id = ?", (feed_id,))
