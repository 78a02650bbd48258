"""Addresses that are not to be mailed again, and why: kept as hashes, from which nobody can tell who they were.

The key of the hash is the site's own secret: without it a list of addresses could be tried out, on the file alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from tidings.addresses import pseudonym
from tidings.store import site
from tidings.store.database import Store, time_to_text

Reason = Literal["operator", "erased", "never-ask", "moved"]
"""Why: the operator erased it, or its reader did; its owner wants no mail about subscribing; or its reader has another
address by now."""

UNTIL_CONFIRMED: frozenset[Reason] = frozenset({"erased", "moved"})
"""What keeps nobody from confirming by mail to want an edition. For all others it stays: no list, file or import gets
round any."""


def keep(store: Store, address: str, reason: Reason, now: datetime) -> None:
    """Notes that an address must not come back by itself, within the caller's transaction."""
    keep_fingerprint(store, pseudonym(address, site.secret(store)), reason, now)


def keep_fingerprint(store: Store, print_: bytes, reason: Reason, now: datetime) -> None:
    """The same for an address of which only this is known. What a confirmation does not get round stays the reason."""
    store.conn.execute(
        """INSERT INTO refusals (fingerprint, since, reason) VALUES (?, ?, ?)
        ON CONFLICT (fingerprint) DO UPDATE SET since = excluded.since, reason = excluded.reason
        WHERE refusals.reason IN ('erased', 'moved')""",
        (print_, time_to_text(now), reason),
    )


def bars(store: Store, print_: bytes) -> bool:
    """Whether not even its owner's confirmation brings an address back, by its fingerprint."""
    row = store.row("SELECT reason FROM refusals WHERE fingerprint = ?", (print_,))
    return row is not None and row["reason"] not in UNTIL_CONFIRMED


def forget(store: Store, address: str) -> bool:
    """Takes a refusal back, and says whether there was one."""
    with store.write():
        statement = "DELETE FROM refusals WHERE fingerprint = ?"
        return store.conn.execute(statement, (pseudonym(address, site.secret(store)),)).rowcount > 0


def among(store: Store, addresses: Iterable[str]) -> dict[str, Reason]:
    """Those of some addresses that are refused, with the reason."""
    if store.row("SELECT 1 FROM refusals") is None:
        return {}
    secret, found = site.secret(store), {}
    for address in addresses:
        row = store.row("SELECT reason FROM refusals WHERE fingerprint = ?", (pseudonym(address, secret),))
        if row is not None:
            found[address] = row["reason"]
    return found
