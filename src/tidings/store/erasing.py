"""Erasing a reader: no trace of the address stays in the database, and the ledger of deliveries still balances.

What SQLite deletes stays in the file until its place is needed, and older copies lie in pages that were split or moved
long ago. Only writing the whole file anew leaves none, which `scrub` does.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta

from tidings.addresses import key
from tidings.errors import StoreError
from tidings.records import dataclass
from tidings.store import choices, incoming, moves, refusals, signups, site
from tidings.store.database import Store, exclusive_now, never, time_to_text
from tidings.store.issues import IS_OPEN


@dataclass(frozen=True, slots=True)
class Erased:
    """What there was of a reader: whether a subscriber, how many deliveries, and whether a sign-up that nobody had
    confirmed. `refused` says that the address is known not to be mailed again."""

    subscriber: bool
    deliveries: int
    refused: bool
    signup: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The numbers of the kept messages that hold an address, of all up to the `newest` message that there was."""

    numbers: tuple[int, ...]
    newest: int


def look_through(store: Store, address: str) -> Held:
    """Goes through all kept messages for an address. That can take seconds, so it is for before a transaction: what
    comes after it is few."""
    newest = incoming.newest(store)
    return Held(tuple(_holding(store, address, 0, newest)), newest)


def erase(
    store: Store,
    address: str,
    now: datetime,
    *,
    refuse: bool = True,
    reason: refusals.Reason = "operator",
    held: Held | None = None,
) -> Erased:
    """Erases all that is known of an address, in one transaction; what is kept of it is a keyed hash, with `refuse`,
    so that no list or file brings it back, for a `reason`. Call `scrub` afterwards, or `tidings run` does. Who calls
    this within a transaction has looked for what is `held` before.

    Deliveries stay and are counted, to nobody. One in hand at this moment still goes out, and is settled as any other.
    """
    store.rows("PRAGMA secure_delete = ON")
    held = held or look_through(store, address)
    with store.write():
        site.want_scrub(store)
        row = store.row("SELECT id FROM subscribers WHERE address_key = ?", (key(address),))
        subscriber_id = None if row is None else int(row["id"])
        deliveries = _deliveries_of(store, subscriber_id, address)
        _empty(store, deliveries, now)
        is_asked_for = bool(signups.of_address(store, address))
        signups.erase(store, address)
        if subscriber_id is not None:
            choices.forget(store, subscriber_id)
            moves.erase(store, subscriber_id)
            store.conn.execute("UPDATE deliveries SET subscriber_id = NULL WHERE subscriber_id = ?", (subscriber_id,))
            for table, column in (
                ("consents", "subscriber_id"),
                ("subscriptions", "subscriber_id"),
                ("subscribers", "id"),
            ):
                store.conn.execute(f"DELETE FROM {table} WHERE {column} = ?", (subscriber_id,))
        _forget_returned(store, deliveries, address, held)
        if refuse:
            refusals.keep(store, address, reason, now)
        else:
            refusals.forget(store, address)
        return Erased(subscriber_id is not None, len(deliveries), refuse, is_asked_for)


def scrub(store: Store, stop: Callable[[], bool] = never) -> None:
    """Writes the database file anew, and empties the log beside it, so that nothing that was deleted is left in them.

    Takes as long as copying the file, and as much free space; others wait meanwhile. It begins when nobody sends or
    polls, or a message could leave while nobody can write down that it did; who does one of these keeps nobody from
    the others meanwhile. Raises StoreError when it cannot be done, or when `stop()` becomes true while waiting: what
    was erased stays so, but its bytes may still be in the file.
    """
    while not _scrub_now(store):
        if stop():
            raise StoreError(f"stopped while waiting for other Tidings processes to end sending and polling; {_AGAIN}")
        time.sleep(_PAUSE_SECONDS)


def _scrub_now(store: Store) -> bool:
    with ExitStack() as rights:
        try:
            is_alone = rights.enter_context(exclusive_now(store, *_TASKS))
        except StoreError as error:
            raise StoreError(f"{error}; {_AGAIN}") from error
        if is_alone:
            _write_anew(store)
        return is_alone


def _write_anew(store: Store) -> None:
    wanted = site.scrubs_wanted(store)
    try:
        store.rows("VACUUM")
        busy = store.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0]["busy"]
    except (StoreError, sqlite3.Error) as error:
        raise StoreError(f"{store.path}: the file could not be written anew ({error}); {_AGAIN}") from error
    if busy:
        raise StoreError(f"{store.path}: another process reads the database; {_AGAIN}")
    site.record_scrub(store, wanted)


def scrub_due(store: Store, now: datetime) -> bool:
    """The same where somebody was erased since, and says whether it was. Not while somebody sends or polls, which can
    take hours, and not soon after it was last tried: a large file takes minutes, in which all others wait."""
    if not site.is_scrub_due(store, now, SCRUB_PAUSE):
        return False
    for _ in range(_TRIES):
        with exclusive_now(store, *_TASKS) as is_alone:
            if is_alone:
                site.note_scrub_tried(store, now)
                _write_anew(store)
                return True
        time.sleep(_PAUSE_SECONDS)
    return False


SCRUB_PAUSE = timedelta(hours=3)

# Who holds several of these rights takes them in this order, or two could wait for each other.
_TASKS = ("deliver", "notes", "poll")

# The daemon begins all it does in the same second: what has nothing to do has ended a moment later.
_TRIES, _PAUSE_SECONDS = 10, 0.2

_AGAIN = (
    "the reader is erased, but bytes of the address may be left in it: run the same command again, or leave it to "
    "`tidings run`, which does it within hours"
)


def _deliveries_of(store: Store, subscriber_id: int | None, address: str) -> list[int]:
    """Those of the subscriber, and those of older versions that are known by their address only. There can be millions
    of these, so all but addresses with letters beyond ASCII are compared by SQLite."""
    own = key(address)
    mine = store.rows("SELECT id FROM deliveries WHERE subscriber_id = ?", (subscriber_id,))
    old = store.rows(
        """SELECT id, address FROM deliveries WHERE subscriber_id IS NULL
        AND (rtrim(lower(trim(address)), '.') = ? OR address GLOB '*[^ -~]*')""",
        (own,),
    )
    return [row["id"] for row in mine] + [row["id"] for row in old if key(row["address"]) == own]


def _holding(store: Store, address: str, after: int, until: int) -> list[int]:
    """The kept messages that hold an address, of those with numbers above `after` and up to `until`."""
    store.conn.create_function("holds", 2, _holds, deterministic=True)
    rows = store.rows(
        "SELECT id FROM returned_mail WHERE message IS NOT NULL AND id > ? AND id <= ? AND holds(message, ?)",
        (after, until, address),
    )
    return [row["id"] for row in rows]


def _holds(message: bytes, address: str) -> bool:
    """Whether a message has an address in it, in small or large letters. Who wrote it may have used any encoding, and
    what is kept may end within a letter: SQLite must not take it for text."""
    return any(
        address.casefold() in message.decode(encoding, "replace").casefold() for encoding in ("utf-8", "latin-1")
    )


def _forget_returned(store: Store, deliveries: list[int], address: str, held: Held) -> None:
    """What came back: messages that hold the address go, and of its own deliveries what was said. That it bounced, or
    complained, is known by a keyed hash and stays."""
    store.conn.executemany(
        "UPDATE returned_mail SET message = NULL, diagnostic = '' WHERE delivery_id = ?", [(one,) for one in deliveries]
    )
    numbers = [*held.numbers, *_holding(store, address, held.newest, incoming.newest(store))]
    store.conn.executemany(
        "UPDATE returned_mail SET message = NULL, diagnostic = '' WHERE id = ?", [(one,) for one in numbers]
    )


def _empty(store: Store, deliveries: list[int], now: datetime) -> None:
    """Takes the reader out of deliveries. The Message-ID goes too: it is made of the address. None is sent any more but
    those in hand."""
    store.conn.executemany(
        f"""UPDATE deliveries SET address = 'erased-' || id, message_id = 'erased-' || id, reply = '', language = '',
        next_at = iif({IS_OPEN} AND state NOT IN ('leased', 'inflight'), NULL, next_at),
        state = iif({IS_OPEN} AND state NOT IN ('leased', 'inflight'), 'suppressed', state), updated_at = ?
        WHERE id = ?""",
        [(time_to_text(now), one) for one in deliveries],
    )
