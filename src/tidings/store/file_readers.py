"""The readers that the configuration names, mirrored into the tables: links, choices and the trail are one for all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

from tidings.addresses import key
from tidings.model import Edition, Evidence
from tidings.records import dataclass
from tidings.store import consents, refusals, subscribers
from tidings.store.database import Store, time_to_text

_FORM = Evidence(form="configuration")

_Wish = tuple[str, str]
"""The key of an address, and an edition."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A reader as the file names one."""

    address: str
    edition: str
    language: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A subscription that the tables have, of whatever origin."""

    subscriber_id: int
    origin: str
    language: str
    ended_by: str


def sync(store: Store, editions: Sequence[Edition], now: datetime) -> None:
    """Brings the subscriptions in line with the readers that the editions of the file name.

    Who is named gets the edition, unless that reader has left it, or was erased. Who is not named any more gets it no
    longer, unless it was asked for in another way as well. While the file names the same readers there is nothing to
    do, and nothing is read but one row: this runs at the start of every poll.
    """
    row = store.rows("SELECT secret, readers_in_file FROM site")[0]
    fingerprint = _fingerprint(bytes(row["secret"]), editions)
    if bytes(row["readers_in_file"]) == fingerprint:
        return
    wishes = {
        (key(reader.address), edition.name): _Listed(reader.address, edition.name, reader.language)
        for edition in editions
        for reader in edition.subscribers
    }
    with store.write():
        known = _known(store)
        _end(store, [wish for wish in known if wish not in wishes], known, now)
        _begin(store, wishes, known, now)
        _set_languages(store, wishes, known)
        store.conn.execute("UPDATE site SET readers_in_file = ?", (fingerprint,))


def _fingerprint(secret: bytes, editions: Sequence[Edition]) -> bytes:
    """Stands for the readers of the file; nobody can try out addresses on it."""
    lines = [f"{edition.name}\0{one.address}\0{one.language}\n" for edition in editions for one in edition.subscribers]
    return hashlib.blake2b("".join(lines).encode("utf-8", "surrogatepass"), key=secret, digest_size=16).digest()


def _known(store: Store) -> dict[_Wish, _Known]:
    rows = store.rows("""SELECT r.address_key, s.* FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id""")
    return {
        (row["address_key"], row["edition"]): _Known(
            row["subscriber_id"], row["origin"], row["language"], row["ended_by"]
        )
        for row in rows
    }


def _end(store: Store, unlisted: Iterable[_Wish], known: dict[_Wish, _Known], now: datetime) -> None:
    """Ends what only the file asked for."""
    ended = [
        (known[wish].subscriber_id, wish[1])
        for wish in unlisted
        if known[wish].origin == "file" and not known[wish].ended_by
    ]
    store.conn.executemany(
        """UPDATE subscriptions SET ended_at = ?, ended_by = 'file' WHERE subscriber_id = ? AND edition = ?""",
        [(time_to_text(now), *one) for one in ended],
    )
    consents.record_all(store, ended, "unlisted", _FORM, now)


def _begin(store: Store, wishes: dict[_Wish, _Listed], known: dict[_Wish, _Known], now: datetime) -> None:
    new = {wish: one for wish, one in wishes.items() if wish not in known}
    begun = [(subscriber_id, one) for one, subscriber_id in _with_ids(store, new.values(), now)]
    back = [
        (known[wish].subscriber_id, one)
        for wish, one in wishes.items()
        if wish in known and known[wish].ended_by == "file"
    ]
    store.conn.executemany(
        """INSERT INTO subscriptions (subscriber_id, edition, origin, since) VALUES (?, ?, 'file', ?)
        ON CONFLICT DO UPDATE SET origin = 'file', since = excluded.since, ended_at = NULL, ended_by = ''""",
        [(subscriber_id, one.edition, time_to_text(now)) for subscriber_id, one in (*begun, *back)],
    )
    consents.record_all(store, [(one_id, one.edition) for one_id, one in (*begun, *back)], "listed", _FORM, now)


def _with_ids(store: Store, new: Iterable[_Listed], now: datetime) -> list[tuple[_Listed, int]]:
    """Each reader with a subscriber's id, made where there is none; without those who are refused. Who was erased and
    came back is so too: what this reader had left before is not known any more."""
    ids = {row["address_key"]: int(row["id"]) for row in store.rows("SELECT id, address_key FROM subscribers")}
    listed = list(new)
    refused = refusals.among(store, {one.address for one in listed})
    found = []
    for one in listed:
        if one.address in refused:
            continue
        its_key = key(one.address)
        if its_key not in ids:
            ids[its_key] = subscribers.create(store, one.address, "", now)
        found.append((one, ids[its_key]))
    return found


def _set_languages(store: Store, wishes: dict[_Wish, _Listed], known: dict[_Wish, _Known]) -> None:
    """What the file says of a reader's language is the subscription's own, as it may differ between editions."""
    changed = [
        (one.language, *wish)
        for wish, one in wishes.items()
        if (known[wish].language if wish in known else "") != one.language
    ]
    store.conn.executemany(
        """UPDATE subscriptions SET language = ?
        WHERE subscriber_id = (SELECT id FROM subscribers WHERE address_key = ?) AND edition = ? AND origin = 'file'""",
        changed,
    )
