"""Subscribers and their subscriptions: who is mailed, and how that begins and ends.

    (nothing) → running ⇄ ended

Who ended a subscription decides how it comes back. One that is over because the configuration does not name its reader
any more returns when it is named again (store/file_readers.py), or is asked for in whatever way. All else was meant to
last: only the reader, or the operator knowingly, brings it back. Nobody who left returns by a list.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Literal

from tidings.addresses import key
from tidings.model import (
    ConsentKind,
    EndedBy,
    Evidence,
    Origin,
    Recipient,
    StoredSubscriber,
    Subscription,
    base_name,
    is_personal,
)
from tidings.records import dataclass
from tidings.store import consents, refusals
from tidings.store.database import Store, stored_time, text_to_time, time_to_text

Added = Literal["added", "returned", "already", "left", "refused"]
"""What became of adding an address: it is new in the edition, is back, or was there; or nothing was changed, because
its reader has left, or was erased and is not to be mailed again."""

_BEGINS: dict[Origin, ConsentKind] = {"file": "listed", "web": "confirmed", "cli": "added", "import": "imported"}
_PAGE = 1000  # subscribers read at once
_IS_MAILED = "s.ended_by = ''"  # a subscription `s`; who pauses has no issues made (store/choices.py)
_LANGUAGE = "iif(s.language != '', s.language, r.language)"


@dataclass(frozen=True, slots=True)
class Count:
    """How many subscriptions of an edition came from somewhere, and are running or over."""

    edition: str
    origin: Origin
    running: int
    ended: int


# --------------------------------------------------------------------------------------------------- who is mailed


def active(store: Store, edition: str) -> list[Recipient]:
    """Whom an issue of `edition` made now goes to, in the order in which they came. Who has an edition of their own
    gets that in its place (store/choices.py), in the language that was chosen with it, whatever was known before."""
    chosen = "c.name = :edition" if is_personal(edition) else "c.name IS NULL"
    rows = store.rows(
        f"""SELECT r.id, r.address, coalesce(nullif(c.choices ->> '$.language', ''), {_LANGUAGE}) AS language
        FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id LEFT JOIN choices c
        ON c.subscriber_id = r.id AND c.edition = s.edition
        WHERE s.edition = :base AND {chosen} AND {_IS_MAILED} ORDER BY r.id""",
        {"edition": edition, "base": base_name(edition)},
    )
    return [Recipient(row["id"], row["address"], row["language"]) for row in rows]


def may_be_mailed(store: Store, edition: str, addresses: Iterable[str]) -> set[str]:
    """Those of some addresses whose readers want `edition` now, whatever they wanted when its issue was frozen."""
    keys = {address: key(address) for address in addresses}
    rows = store.rows(
        f"""SELECT r.address_key FROM subscribers r CROSS JOIN subscriptions s
        ON s.subscriber_id = r.id AND s.edition = :edition
        WHERE r.address_key IN (SELECT value FROM json_each(:keys)) AND {_IS_MAILED}""",
        {"edition": edition, "keys": json.dumps(list(keys.values()))},
    )
    wanting = {row["address_key"] for row in rows}
    return {address for address, its_key in keys.items() if its_key in wanting}


def gone(store: Store, edition: str, addresses: Iterable[str]) -> set[str]:
    """Those of some addresses whose subscription to `edition` was ended for good: naming them in the file is no use."""
    keys = {address: key(address) for address in addresses}
    rows = store.rows(
        """SELECT r.address_key FROM subscribers r JOIN subscriptions s ON s.subscriber_id = r.id
        WHERE s.edition = ? AND s.ended_by NOT IN ('', 'file') AND r.address_key IN (SELECT value FROM json_each(?))""",
        (edition, json.dumps(list(keys.values()))),
    )
    ended = {row["address_key"] for row in rows}
    return {address for address, its_key in keys.items() if its_key in ended}


def without(store: Store, edition: str, addresses: Iterable[str]) -> list[str]:
    """Those of some addresses that have no subscription to `edition`, not even one that is over."""
    keys = {address: key(address) for address in addresses}
    rows = store.rows(
        """SELECT r.address_key FROM subscribers r JOIN subscriptions s ON s.subscriber_id = r.id
        WHERE s.edition = ? AND r.address_key IN (SELECT value FROM json_each(?))""",
        (edition, json.dumps(list(keys.values()))),
    )
    having = {row["address_key"] for row in rows}
    return [address for address, its_key in keys.items() if its_key not in having]


def first_of_languages(store: Store, edition: str) -> list[Recipient]:
    """The first reader of each language that issues of `edition` are written in."""
    rows = store.rows(
        f"""SELECT min(r.id) AS id, r.address, {_LANGUAGE} AS language FROM subscriptions s JOIN subscribers r
        ON r.id = s.subscriber_id WHERE s.edition = :edition AND {_IS_MAILED} GROUP BY 3 ORDER BY 1""",
        {"edition": edition},
    )
    return [Recipient(row["id"], row["address"], row["language"]) for row in rows]


def recipient(store: Store, edition: str, address: str) -> Recipient | None:
    """The subscriber with an address as issues of `edition` would go to it, whether it has the edition or not."""
    row = store.row(
        """SELECT r.id, r.address, iif(coalesce(s.language, '') != '', s.language, r.language) AS language
        FROM subscribers r LEFT JOIN subscriptions s ON s.subscriber_id = r.id AND s.edition = ?
        WHERE r.address_key = ?""",
        (edition, key(address)),
    )
    return None if row is None else Recipient(row["id"], row["address"], row["language"])


def readers(store: Store, editions: Sequence[str]) -> int:
    """How many subscribers have one of some editions, each counted once."""
    row = store.row(
        """SELECT count(DISTINCT subscriber_id) AS n FROM subscriptions
        WHERE ended_by = '' AND edition IN (SELECT value FROM json_each(?))""",
        (json.dumps(editions),),
    )
    return int(row["n"]) if row else 0


# ------------------------------------------------------------------------------------------------ beginning and ending


def add(
    store: Store,
    address: str,
    edition: str,
    origin: Origin,
    evidence: Evidence,
    now: datetime,
    *,
    language: str = "",
    again: bool = False,
) -> Added:
    """Subscribes an address that asked for it, or for which the operator vouches. With `again` one that has left, or
    was erased, is taken back. `language` is that of a subscriber who is new.

    What only the configuration named is from then on wanted for itself, and goes on when it is taken out there.
    """
    with store.write():
        subscriber = _by_key(store, address)
        if subscriber is None:
            if not again and refusals.among(store, [address]):
                return "refused"
            refusals.forget(store, address)
            subscriber_id = create(store, address, language, now)
        else:
            subscriber_id = int(subscriber["id"])
        return _subscribe(store, subscriber_id, edition, origin, evidence, now, again)


def create(store: Store, address: str, language: str, now: datetime) -> int:
    """Gives an address its row, within the caller's transaction, and returns its id."""
    cursor = store.conn.execute(
        "INSERT INTO subscribers (address, address_key, language, created_at) VALUES (?, ?, ?, ?)",
        (address, key(address), language, time_to_text(now)),
    )
    return int(cursor.lastrowid or 0)


def leave(store: Store, subscriber_id: int, edition: str, by: EndedBy, evidence: Evidence, now: datetime) -> bool:
    """Ends a subscription for good and says whether there was anything to end; twice is the same as once. One that the
    configuration took back is ended all the same: it must not return when the address is listed again."""
    with store.write():
        cursor = store.conn.execute(
            """UPDATE subscriptions SET ended_at = ?, ended_by = ?
            WHERE subscriber_id = ? AND edition = ? AND ended_by IN ('', 'file')""",
            (time_to_text(now), by, subscriber_id, edition),
        )
        if cursor.rowcount:
            consents.record(store, subscriber_id, edition, "left", _said(evidence, by=by), now)
        return cursor.rowcount > 0


def leave_all(store: Store, subscriber_id: int, by: EndedBy, evidence: Evidence, now: datetime) -> list[str]:
    """The same for every edition; returns the names of those that were ended."""
    with store.write():
        rows = store.rows(
            "SELECT edition FROM subscriptions WHERE subscriber_id = ? ORDER BY edition", (subscriber_id,)
        )
        return [row["edition"] for row in rows if leave(store, subscriber_id, row["edition"], by, evidence, now)]


def come_back(store: Store, subscriber_id: int, edition: str, evidence: Evidence, now: datetime) -> bool:
    """Takes up a subscription that was ended, as its reader asks for, and says whether it was. From then on it is the
    reader's own, whatever the configuration names."""
    with store.write():
        subscription = _subscription(store, subscriber_id, edition)
        if subscription is None or not subscription["ended_by"]:
            return False
        _restart(store, subscriber_id, edition, "web", now)
        consents.record(store, subscriber_id, edition, "returned", evidence, now)
        return True


# ------------------------------------------------------------------------------------------------------------- reading


def find(store: Store, address: str) -> StoredSubscriber | None:
    """The subscriber with an address, however that is spelled."""
    return _whole(store, _by_key(store, address))


def by_public_id(store: Store, public_id: str) -> StoredSubscriber | None:
    """The subscriber whom a link names, or None if there is no such subscriber any more."""
    return _whole(store, store.row("SELECT * FROM subscribers WHERE public_id = ?", (public_id,)))


def by_id(store: Store, subscriber_id: int) -> StoredSubscriber | None:
    """The subscriber whose row that is."""
    return _whole(store, store.row("SELECT * FROM subscribers WHERE id = ?", (subscriber_id,)))


def public_ids(store: Store, addresses: Iterable[str]) -> dict[str, str]:
    """What the subscribers with some addresses are called in links; without those who are none."""
    keys = {address: key(address) for address in addresses}
    rows = store.rows(
        "SELECT address_key, public_id FROM subscribers WHERE address_key IN (SELECT value FROM json_each(?))",
        (json.dumps(list(keys.values())),),
    )
    found = {row["address_key"]: str(row["public_id"]) for row in rows}
    return {address: found[its_key] for address, its_key in keys.items() if its_key in found}


def listed(store: Store, edition: str | None = None) -> Iterator[StoredSubscriber]:
    """All subscribers, or those who have or had `edition`, in the order in which they came; read bit by bit."""
    after = 0
    while True:
        rows = store.rows(
            """SELECT * FROM subscribers r WHERE id > :after AND (:edition IS NULL OR EXISTS (SELECT 1
            FROM subscriptions s WHERE s.subscriber_id = r.id AND s.edition = :edition)) ORDER BY id LIMIT :page""",
            {"after": after, "edition": edition, "page": _PAGE},
        )
        yield from _with_subscriptions(store, rows)
        if len(rows) < _PAGE:
            return
        after = rows[-1]["id"]


def counts(store: Store) -> list[Count]:
    """How many subscriptions there are, by edition and origin."""
    rows = store.rows(
        """SELECT edition, origin, sum(ended_by = '') AS running, sum(ended_by != '') AS ended FROM subscriptions
        GROUP BY edition, origin ORDER BY edition, origin"""
    )
    return [Count(row["edition"], row["origin"], row["running"], row["ended"]) for row in rows]


def _subscribe(
    store: Store, subscriber_id: int, edition: str, origin: Origin, evidence: Evidence, now: datetime, again: bool
) -> Added:
    subscription = _subscription(store, subscriber_id, edition)
    if subscription is None:
        store.conn.execute(
            "INSERT INTO subscriptions (subscriber_id, edition, origin, since) VALUES (?, ?, ?, ?)",
            (subscriber_id, edition, origin, time_to_text(now)),
        )
        consents.record(store, subscriber_id, edition, _BEGINS[origin], evidence, now)
        return "added"
    if not subscription["ended_by"]:
        if subscription["origin"] == "file":
            _restart(store, subscriber_id, edition, origin, now)
            consents.record(store, subscriber_id, edition, _BEGINS[origin], evidence, now)
        return "already"
    had_left = subscription["ended_by"] != "file"
    if had_left and not again:
        return "left"
    _restart(store, subscriber_id, edition, origin, now)
    consents.record(store, subscriber_id, edition, "returned" if had_left else _BEGINS[origin], evidence, now)
    return "returned"


def _restart(store: Store, subscriber_id: int, edition: str, origin: Origin, now: datetime) -> None:
    """Lets a subscription run, from `now` on unless it does already."""
    store.conn.execute(
        """UPDATE subscriptions SET origin = ?, since = iif(ended_by = '', since, ?), ended_at = NULL, ended_by = ''
        WHERE subscriber_id = ? AND edition = ?""",
        (origin, time_to_text(now), subscriber_id, edition),
    )


def _said(evidence: Evidence, **more: str) -> Evidence:
    return Evidence(evidence.form, evidence.wording, evidence.network, {**evidence.detail, **more})


def _by_key(store: Store, address: str) -> sqlite3.Row | None:
    return store.row("SELECT * FROM subscribers WHERE address_key = ?", (key(address),))


def _subscription(store: Store, subscriber_id: int, edition: str) -> sqlite3.Row | None:
    return store.row("SELECT * FROM subscriptions WHERE subscriber_id = ? AND edition = ?", (subscriber_id, edition))


def _whole(store: Store, row: sqlite3.Row | None) -> StoredSubscriber | None:
    return None if row is None else _with_subscriptions(store, [row])[0]


def _with_subscriptions(store: Store, rows: Sequence[sqlite3.Row]) -> list[StoredSubscriber]:
    found: dict[int, list[Subscription]] = {row["id"]: [] for row in rows}
    for row in store.rows(
        """SELECT s.*, c.choices ->> '$.paused_until' AS paused_until FROM subscriptions s
        LEFT JOIN choices c ON c.subscriber_id = s.subscriber_id AND c.edition = s.edition
        WHERE s.subscriber_id IN (SELECT value FROM json_each(?)) ORDER BY s.subscriber_id, s.edition""",
        (json.dumps(list(found)),),
    ):
        found[row["subscriber_id"]].append(
            Subscription(
                row["edition"],
                row["origin"],
                stored_time(row["since"]),
                row["language"],
                text_to_time(row["ended_at"]),
                row["ended_by"],
                text_to_time(row["paused_until"]),
            )
        )
    return [_subscriber(row, found[row["id"]]) for row in rows]


def _subscriber(row: sqlite3.Row, subscriptions: Sequence[Subscription]) -> StoredSubscriber:
    return StoredSubscriber(
        id=row["id"],
        public_id=row["public_id"],
        address=row["address"],
        created_at=stored_time(row["created_at"]),
        language=row["language"],
        subscriptions=tuple(subscriptions),
    )
