"""How much is stored."""

from __future__ import annotations

from tidings.store.database import Store


def posts_by_url(store: Store) -> dict[str, int]:
    """How many posts are stored of each feed, by its source's URL; feeds without any are left out."""
    rows = store.rows(
        "SELECT feeds.url, count(*) AS count FROM feeds JOIN posts ON feed_id = feeds.id GROUP BY feeds.id"
    )
    return {row["url"]: row["count"] for row in rows}
