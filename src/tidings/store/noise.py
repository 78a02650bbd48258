"""How posts looked last that were not rewritten, since nothing in them was another that is read or looked at.

Without that a post which once changed in vain would differ from what is stored at every fetch, and count as noise for
ever (posts/edits.py). In a table of its own: rewriting a post for it is what is to be avoided.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from tidings.store.database import Store


def unseen(store: Store, looks: Mapping[int, str]) -> int:
    """How many of some posts (id → fingerprint) look otherwise than at the fetch before."""
    if not looks:
        return 0
    rows = store.rows(
        "SELECT post_id, content_hash FROM noise WHERE post_id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(looks)),),
    )
    return len(looks) - len([row for row in rows if looks[row["post_id"]] == row["content_hash"]])


def keep(store: Store, looks: Mapping[int, str], rewritten: Iterable[int]) -> None:
    """Notes how posts look that are not rewritten; of those that are, their own row says it."""
    if not looks and not rewritten:
        return
    with store.write():
        store.conn.executemany("DELETE FROM noise WHERE post_id = ?", [(post_id,) for post_id in rewritten])
        store.conn.executemany(
            "INSERT OR REPLACE INTO noise (post_id, content_hash) VALUES (?, ?)", list(looks.items())
        )
