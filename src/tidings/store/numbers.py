"""The numbers that posts get, which their pages are called by."""

from __future__ import annotations

from tidings.store.database import Store

_FEWEST = 10_000


def skip(store: Store) -> int:
    """Leaves out as many numbers as there are posts, and 10,000 more; returns the next to be given.

    For a database that was restored from a backup: so many posts do not come between two of them, and no page of
    one that is forgotten shows another.
    """
    with store.write():
        store.conn.execute(
            """INSERT INTO sqlite_sequence (name, seq) SELECT 'posts', 0
            WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'posts')"""
        )
        store.conn.execute(
            "UPDATE sqlite_sequence SET seq = seq + (SELECT count(*) FROM posts) + ? WHERE name = 'posts'", (_FEWEST,)
        )
        row = store.rows("SELECT seq FROM sqlite_sequence WHERE name = 'posts'")[0]
    return int(row["seq"]) + 1
