"""Readers who change their address: what was asked for, and the change itself.

One wish for each subscriber, the last one; gone after a day, as its link is.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from tidings.addresses import key
from tidings.model import AddressChange
from tidings.store import consents, notes
from tidings.store.database import Store, stored_time, time_to_text
from tidings.store.issues import IS_OPEN

_KEPT = timedelta(days=1)

# Of what is in hand already the message is written. What comes back of it goes the same way later (`delivery_of_moved`
# in store/tables_of_moves.py). Where the new address has one of the same issue, that one counts.
_READDRESS = f"""UPDATE OR IGNORE deliveries SET address = ?, updated_at = ?
WHERE subscriber_id = ? AND {IS_OPEN} AND state NOT IN ('leased', 'inflight')"""


def ask(store: Store, change: AddressChange, print_: bytes) -> None:
    """Keeps a wish in place of the last one of its subscriber, whose mails are taken back; within the caller's
    transaction. `print_` is the new address as refusals know it."""
    earlier = store.row("SELECT name FROM moves WHERE subscriber_id = ?", (change.subscriber_id,))
    if earlier is not None:
        withdraw(store, earlier["name"])
    store.conn.execute(
        "INSERT INTO moves (name, subscriber_id, address, fingerprint, asked_at, network) VALUES (?, ?, ?, ?, ?, ?)",
        (
            change.name,
            change.subscriber_id,
            change.address,
            print_,
            time_to_text(change.asked_at),
            change.network,
        ),
    )


def named(store: Store, name: str) -> AddressChange | None:
    """The one that a link names, None if there is no such one any more."""
    row = store.row("SELECT * FROM moves WHERE name = ?", (name,))
    return None if row is None else _change(row)


def withdraw(store: Store, name: str) -> bool:
    """Takes a wish and its mails back, and says whether there was one."""
    with store.write():
        notes.withdraw(store, name)
        return store.conn.execute("DELETE FROM moves WHERE name = ?", (name,)).rowcount > 0


def forget(store: Store, now: datetime) -> None:
    """Erases what is older than a day, within the caller's transaction."""
    store.conn.execute("DELETE FROM moves WHERE asked_at < ?", (time_to_text(now - _KEPT),))


def tidy(store: Store, now: datetime) -> None:
    """The same in a transaction of its own, where there is something to erase: asked every few seconds."""
    row = store.row("SELECT 1 FROM moves WHERE asked_at < ?", (time_to_text(now - _KEPT),))
    if row is not None:
        with store.write():
            forget(store, now)


def carry_out(store: Store, change: AddressChange, now: datetime) -> None:
    """Gives a subscriber the new address, within the caller's transaction: row, public id, subscriptions, choices and
    trail stay. What was not sent yet goes there. What the configuration wanted for the old address is the reader's own
    wish from then on, since it does not name the new one."""
    store.conn.execute("DELETE FROM moves WHERE name = ?", (change.name,))
    notes.part(store, change.subscriber_id)
    store.conn.execute(
        "UPDATE subscribers SET address = ?, address_key = ? WHERE id = ?",
        (change.address, key(change.address), change.subscriber_id),
    )
    store.conn.execute(
        "UPDATE subscriptions SET origin = 'web' WHERE subscriber_id = ? AND origin = 'file' AND ended_by = ''",
        (change.subscriber_id,),
    )
    store.conn.execute(_READDRESS, (change.address, time_to_text(now), change.subscriber_id))


def farewell(name: str) -> str:
    """The name of the mail that tells the old address of a move of some `name`."""
    return f"{name}-moved"


def successor(store: Store, print_: bytes) -> str:
    """The address that the reader has now who moved away from the one with this fingerprint; "" where that is not known
    any more."""
    row = store.row(
        """SELECT r.address FROM consents c JOIN subscribers r ON r.id = c.subscriber_id
        WHERE c.what = 'moved' AND c.detail ->> '$.from' = ? ORDER BY c.id DESC LIMIT 1""",
        (print_.hex(),),
    )
    return "" if row is None else str(row["address"])


def erase(store: Store, subscriber_id: int) -> None:
    """Erases what a subscriber asked for, with the mails about it and those to former addresses, and that links of it
    were used: within the caller's transaction, and before the trail goes."""
    notes.part(store, subscriber_id)
    for line in consents.trail(store, subscriber_id):
        if line.what == "moved":
            former, link = bytes.fromhex(line.evidence.detail["from"]), line.evidence.detail["link"]
            notes.erase_former(store, former, farewell(link), line.at)
    store.conn.execute(
        """DELETE FROM notes WHERE content ->> '$.subject' IN (SELECT name FROM moves WHERE subscriber_id = ?)""",
        (subscriber_id,),
    )
    store.conn.execute("DELETE FROM moves WHERE subscriber_id = ?", (subscriber_id,))
    store.conn.execute(
        """DELETE FROM signups_done WHERE name IN
        (SELECT detail ->> '$.link' FROM consents WHERE subscriber_id = ? AND what = 'moved')""",
        (subscriber_id,),
    )


def _change(row: sqlite3.Row) -> AddressChange:
    return AddressChange(
        row["name"], row["subscriber_id"], row["address"], stored_time(row["asked_at"]), row["network"]
    )
