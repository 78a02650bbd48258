"""What is kept of who asked from where, and for how long: networks of consents, sign-ups, and the brakes on them.

    each hour
    | networks     of subscriptions that are over: the consent stays on record, without from where
    | sign-ups     that nobody confirmed within a week, wishes to move within a day
    | small mails  that could not be sent for a day
    | brakes       that would not brake any more

The tick of polling calls this, in the daemon and from cron; all but once an hour it looks up one row.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tidings.readers.throttle import KEPT as BRAKE_KEPT
from tidings.store import Store, asked, consents, moves, notes, signups, site, throttle

NETWORK_KEPT = timedelta(days=30)
"""How long the network of a consent outlives its subscription. It is there to answer who says that nobody asked for our
mail: a reader, a provider, a list of spammers. They say so of mail that came, which takes days, and the operator hears
of it some more days later; a month has room for both. Who asked when, and on which words, is on record without it."""

_EVERY = timedelta(hours=1)


def forget(store: Store, now: datetime) -> None:
    """Erases what has had its time, at most once an hour. In the file the bytes are overwritten, too."""
    last = site.last_forgotten(store)
    if last is not None and last <= now < last + _EVERY:
        return
    store.rows("PRAGMA secure_delete = ON")
    with store.write():
        consents.forget_networks(store, now - NETWORK_KEPT)
        signups.forget(store, now)
        moves.forget(store, now)
        notes.forget(store, now)
        asked.tidy(store, now)
        throttle.forget(store, now - BRAKE_KEPT)
        site.note_forgotten(store, now)
