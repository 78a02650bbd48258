"""Addresses that are gone and are not to be mailed again: kept as hashes, from which nobody can tell who they were.

The key of the hash is the site's own secret: without it a list of addresses could be tried out, on the file alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tidings.addresses import pseudonym
from tidings.store import site
from tidings.store.database import Store, time_to_text


def keep(store: Store, address: str, now: datetime) -> None:
    """Notes that an address must not come back by itself, within the transaction that erases it."""
    keep_fingerprint(store, pseudonym(address, site.secret(store)), now)


def keep_fingerprint(store: Store, print_: bytes, now: datetime) -> None:
    """The same for an address of which only this is known."""
    store.conn.execute("INSERT OR IGNORE INTO refusals (fingerprint, since) VALUES (?, ?)", (print_, time_to_text(now)))


def is_refused(store: Store, print_: bytes) -> bool:
    """Whether an address, by its fingerprint, must not be mailed."""
    return store.row("SELECT 1 FROM refusals WHERE fingerprint = ?", (print_,)) is not None


def forget(store: Store, address: str) -> bool:
    """Takes a refusal back, and says whether there was one."""
    with store.write():
        statement = "DELETE FROM refusals WHERE fingerprint = ?"
        return store.conn.execute(statement, (pseudonym(address, site.secret(store)),)).rowcount > 0


def among(store: Store, addresses: Iterable[str]) -> set[str]:
    """Those of some addresses that are refused."""
    if store.row("SELECT 1 FROM refusals") is None:
        return set()
    secret = site.secret(store)
    sql = "SELECT 1 FROM refusals WHERE fingerprint = ?"
    return {address for address in addresses if store.row(sql, (pseudonym(address, secret),)) is not None}
