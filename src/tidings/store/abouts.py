"""What feeds say of themselves: under which terms their posts may be shown, who writes them, with which pictures.

In a table of its own, since only publishing asks for it, and it hardly ever changes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from tidings.model import About
from tidings.store import site
from tidings.store.database import Store


def keep(store: Store, feed_id: int, about: About) -> None:
    """Notes, within the caller's transaction, what a feed says of itself. Where that is news, pages and feeds are out
    of date: all of them show it."""
    if _of(store, feed_id) == about:
        return
    values = (about.id, about.author, about.rights, about.icon, about.logo, json.dumps(about.tags), about.noindex)
    store.conn.execute(
        """INSERT OR REPLACE INTO feed_abouts (feed_id, atom_id, author, rights, icon, logo, tags, noindex)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (feed_id, *values),
    )
    site.want_publishing(store)


def by_name(store: Store, sources: Sequence[str]) -> dict[str, About]:
    """What the feeds of some sources say of themselves, by the name of the source; of those not read yet, nothing."""
    rows = store.rows(
        """SELECT f.name, a.* FROM feeds f LEFT JOIN feed_abouts a ON a.feed_id = f.id
        WHERE f.name IN (SELECT value FROM json_each(?))""",
        (json.dumps(list(sources)),),
    )
    return {row["name"]: _about(row) for row in rows}


def _of(store: Store, feed_id: int) -> About:
    row = store.row("SELECT * FROM feed_abouts WHERE feed_id = ?", (feed_id,))
    return About() if row is None else _about(row)


def _about(row: sqlite3.Row) -> About:
    if row["feed_id"] is None:
        return About()
    return About(
        id=row["atom_id"],
        author=row["author"],
        rights=row["rights"],
        icon=row["icon"],
        logo=row["logo"],
        tags=tuple(json.loads(row["tags"])),
        noindex=bool(row["noindex"]),
    )
