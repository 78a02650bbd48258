"""Who asked to be subscribed and has not confirmed: apart from subscribers, and gone after a week.

Addresses are found by the keyed hash that refusals are kept under (store/refusals.py). How often one was mailed
outlives the rest, under that hash alone: else whoever waits for a week could have a stranger mailed for ever.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from datetime import datetime, timedelta

from tidings.addresses import pseudonym
from tidings.model import Evidence, FloodKind, Mailed, Signup
from tidings.store import consents, notes, site
from tidings.store.database import Store, stored_time, text_to_time, time_to_text

KEPT = timedelta(days=7)
"""How long what nobody confirmed stays."""

_ROUNDS_A_DAY = 3
FLOOD_LASTS = timedelta(hours=1)
"""For so long a flood is news, and is not noted once more."""


def mailed(store: Store, print_: bytes) -> Mailed:
    """What an address, by its fingerprint, was sent."""
    row = store.row("SELECT count, mailed_at FROM sent_to_strangers WHERE fingerprint = ?", (print_,))
    return Mailed(row["count"], text_to_time(row["mailed_at"])) if row else Mailed()


def note_asked(store: Store, print_: bytes, sent: Mailed, now: datetime) -> None:
    """Keeps what an address was sent, within the caller's transaction. Always writes something, so that nobody can tell
    by the time it takes whether anything was sent."""
    store.conn.execute(
        """INSERT INTO sent_to_strangers (fingerprint, count, mailed_at, asked_at) VALUES (?, ?, ?, ?)
        ON CONFLICT (fingerprint) DO UPDATE SET count = excluded.count, mailed_at = excluded.mailed_at,
        asked_at = excluded.asked_at""",
        (print_, sent.count, time_to_text(sent.at), time_to_text(now)),
    )


def add(store: Store, signup: Signup, print_: bytes) -> None:
    """Keeps one until it is confirmed, within the caller's transaction. One without an address stands for nobody: it is
    written where no mail goes, so that this takes as long, and `drop_blanks` erases it."""
    evidence = signup.evidence
    store.conn.execute(
        """INSERT INTO signups (name, fingerprint, address, editions, language, asked_at, network, form, wording)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            signup.name,
            print_,
            signup.address,
            json.dumps(signup.editions),
            signup.language,
            time_to_text(signup.asked_at),
            evidence.network,
            evidence.form,
            evidence.wording,
        ),
    )


def named(store: Store, name: str) -> Signup | None:
    """The one that a link names, None if there is no such one any more."""
    row = store.row("SELECT * FROM signups WHERE name = ? AND address != ''", (name,))
    return None if row is None else _signup(row)


def of_address(store: Store, address: str) -> list[Signup]:
    """Those that wait for an address to be confirmed, oldest first."""
    print_ = pseudonym(address, site.secret(store))
    rows = store.rows("SELECT * FROM signups WHERE fingerprint = ? AND address != '' ORDER BY asked_at", (print_,))
    return [_signup(row) for row in rows]


def finish(store: Store, signup: Signup, now: datetime) -> None:
    """Notes that one was confirmed, within the transaction that subscribes its reader and after that, and forgives the
    address the mails that it took. The pause until the next mail is forgiven so many times a day: who confirms is no
    stranger, but whoever can read the mail should not have it sent without end."""
    store.conn.execute("DELETE FROM signups WHERE name = ?", (signup.name,))
    note_confirmed(store, signup.name, signup.address, now)
    if consents.rounds(store, signup.address, now - timedelta(days=1)) < _ROUNDS_A_DAY:
        print_ = pseudonym(signup.address, site.secret(store))
        store.conn.execute("UPDATE sent_to_strangers SET mailed_at = NULL WHERE fingerprint = ?", (print_,))


def note_confirmed(store: Store, name: str, address: str, now: datetime) -> None:
    """Notes that the link of that name was used by the owner of an address, who is no stranger then; within the
    caller's transaction."""
    note_used(store, name, now)
    store.conn.execute(
        "UPDATE sent_to_strangers SET count = 0 WHERE fingerprint = ?", (pseudonym(address, site.secret(store)),)
    )


def note_used(store: Store, name: str, now: datetime) -> None:
    """Notes that the link of that name was used, within the caller's transaction."""
    store.conn.execute("INSERT INTO signups_done (name, done_at) VALUES (?, ?)", (name, time_to_text(now)))


def is_done(store: Store, name: str) -> bool:
    """Whether one of that name was used of late."""
    return store.row("SELECT 1 FROM signups_done WHERE name = ?", (name,)) is not None


def forget_unconfirmed(store: Store, now: datetime) -> None:
    """Erases what nobody confirmed within a week, within the caller's transaction."""
    store.conn.execute("DELETE FROM signups WHERE asked_at < ?", (time_to_text(now - KEPT),))


def forget(store: Store, now: datetime) -> None:
    """Erases all that is older than a week, within the caller's transaction, and of addresses that nothing is owed to
    what is older than a day. Goes through whole tables."""
    forget_unconfirmed(store, now)
    week, day = (time_to_text(now - span) for span in (KEPT, timedelta(days=1)))
    store.conn.execute("DELETE FROM signups_done WHERE done_at < ?", (week,))
    store.conn.execute("DELETE FROM sent_to_strangers WHERE count = 0 AND asked_at < ?", (day,))


def tidy(store: Store, now: datetime) -> None:
    """Erases what nobody confirmed in a transaction of its own, where there is any: asked every few seconds."""
    row = store.row("SELECT 1 FROM signups WHERE asked_at < ?", (time_to_text(now - KEPT),))
    if row is not None:
        with store.write():
            forget_unconfirmed(store, now)


def drop_blanks(store: Store) -> None:
    """Erases what stands for nobody, among sign-ups and the mails that were to go out."""
    if store.row("SELECT 1 FROM signups WHERE address = '' UNION ALL SELECT 1 FROM notes WHERE kind = 'blank'") is None:
        return
    with store.write():
        store.conn.execute("DELETE FROM signups WHERE address = ''")
        store.conn.execute("DELETE FROM notes WHERE kind = 'blank'")


def drop(store: Store, name: str) -> bool:
    """Erases one that nobody will confirm, and its mail that was to go out, perhaps once more; within the caller's
    transaction. Says whether there was one."""
    store.conn.execute("DELETE FROM notes WHERE name = ? AND state = 'pending'", (name,))
    return store.conn.execute("DELETE FROM signups WHERE name = ?", (name,)).rowcount > 0


def withdraw(store: Store, print_: bytes) -> None:
    """Erases all that is asked for an address, by its fingerprint, and the mails that were to go out for it; within the
    caller's transaction. A mail in hand still goes out."""
    store.conn.execute("DELETE FROM signups WHERE fingerprint = ?", (print_,))
    store.conn.execute("DELETE FROM moves WHERE fingerprint = ?", (print_,))
    store.conn.execute("DELETE FROM notes WHERE fingerprint = ? AND state = 'pending'", (print_,))


def erase(store: Store, address: str) -> None:
    """Erases every trace of an address, within the caller's transaction: also how often it was mailed."""
    print_ = pseudonym(address, site.secret(store))
    for table in ("signups", "moves", "notes", "sent_to_strangers", "mails_asked"):
        store.conn.execute(f"DELETE FROM {table} WHERE fingerprint = ?", (print_,))
    notes.erase_sent(store, print_)


def pending(store: Store) -> int:
    """How many have not confirmed."""
    row = store.row("SELECT count(*) AS n FROM signups WHERE address != ''")
    return int(row["n"]) if row else 0


def note_flood(store: Store, kind: FloodKind, now: datetime) -> None:
    """Notes that more of a kind is asked than may be mailed. One that goes on is noted once an hour, not with each
    request."""
    last = floods(store).get(kind)
    if last is None or now - last >= FLOOD_LASTS or last > now:
        with store.write():
            store.conn.execute(
                """INSERT INTO floods (kind, noted_at) VALUES (?, ?)
                ON CONFLICT (kind) DO UPDATE SET noted_at = excluded.noted_at""",
                (kind, time_to_text(now)),
            )


def floods(store: Store) -> dict[FloodKind, datetime]:
    """When that was last noted of each kind."""
    return {row["kind"]: stored_time(row["noted_at"]) for row in store.rows("SELECT * FROM floods ORDER BY kind")}


def not_running(store: Store, address_key: str, editions: Iterable[str]) -> tuple[str, ...]:
    """Those of some editions that the subscriber with an address does not get, all for one who is no subscriber."""
    rows = store.rows(
        """SELECT s.edition FROM subscriptions s JOIN subscribers r ON r.id = s.subscriber_id
        WHERE r.address_key = ? AND s.ended_by = ''""",
        (address_key,),
    )
    running = {row["edition"] for row in rows}
    return tuple(edition for edition in editions if edition not in running)


def _signup(row: sqlite3.Row) -> Signup:
    return Signup(
        row["name"],
        row["address"],
        tuple(json.loads(row["editions"])),
        row["language"],
        stored_time(row["asked_at"]),
        Evidence(row["form"], row["wording"], row["network"]),
    )
