"""The site as a whole: the combined feed's name for life, and whether its files are up to date."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from tidings.records import dataclass
from tidings.store.database import Store, stored_time, text_to_time, time_to_text


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """`feed_id` is the combined feed's Atom id, kept wherever it is published; `created_at` when this database was."""

    feed_id: str
    created_at: datetime


def record(store: Store) -> SiteRecord:
    row = store.rows("SELECT * FROM site")[0]
    return SiteRecord(UUID(row["feed_id"]).urn, stored_time(row["created_at"]))


def secret(store: Store) -> bytes:
    """What codes in addresses and links are made with; 32 octets that never change, or old ones would not be known."""
    return bytes(store.rows("SELECT secret FROM site")[0]["secret"])


def want_publishing(store: Store) -> None:
    """Notes, within the caller's transaction, that pages and feeds are out of date."""
    store.conn.execute("UPDATE site SET wanted = wanted + 1")


def publishing_wanted(store: Store) -> int | None:
    """The change up to which publishing would bring the files, or None when they are up to date."""
    row = store.row("SELECT wanted FROM site WHERE wanted > done")
    return None if row is None else int(row["wanted"])


def record_published(store: Store, change: int) -> None:
    """Notes that the files hold everything up to `change`, a value of `publishing_wanted`."""
    with store.write():
        store.conn.execute("UPDATE site SET done = max(done, ?)", (change,))


def last_forgotten(store: Store) -> datetime | None:
    """When what has had its time was last erased (forgetting.py)."""
    return text_to_time(store.rows("SELECT forgotten_at FROM site")[0]["forgotten_at"])


def note_forgotten(store: Store, now: datetime) -> None:
    """Notes that it was, within the caller's transaction."""
    store.conn.execute("UPDATE site SET forgotten_at = ?", (time_to_text(now),))


def want_scrub(store: Store) -> None:
    """Notes, within the caller's transaction, that something was deleted of which no byte is to be left in the file."""
    store.conn.execute("UPDATE site SET scrubs_wanted = scrubs_wanted + 1")


def scrubs_wanted(store: Store) -> int:
    """The wish up to which writing the file anew would do."""
    return int(store.rows("SELECT scrubs_wanted FROM site")[0]["scrubs_wanted"])


def record_scrub(store: Store, wish: int) -> None:
    """Notes that the file was written anew up to a `wish`, a value of `scrubs_wanted`."""
    with store.write():
        store.conn.execute("UPDATE site SET scrubs_done = max(scrubs_done, ?)", (wish,))


def is_scrub_due(store: Store, now: datetime, pause: timedelta) -> bool:
    """Whether the file is to be written anew, and was not tried to be within `pause`."""
    row = store.row("SELECT scrub_tried_at AS at FROM site WHERE scrubs_wanted > scrubs_done")
    tried_at = None if row is None else text_to_time(row["at"])
    return row is not None and (tried_at is None or abs(now - tried_at) >= pause)


def note_scrub_tried(store: Store, now: datetime) -> None:
    """Notes when that was last tried."""
    with store.write():
        store.conn.execute("UPDATE site SET scrub_tried_at = ?", (time_to_text(now),))
