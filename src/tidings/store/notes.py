"""Small mails that wait to be sent, one reader each.

    pending → inflight → (gone, but for a line by which what comes back is known)
       ↑         │ later, or once more where it is not known whether it came

As with deliveries, `inflight` is on the disk before a message leaves. Only who holds the right to send notes starts and
settles them.
"""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timedelta

from tidings.addresses import key
from tidings.model import Note, SentNote
from tidings.store.database import Store, stored_time, time_to_text

KEPT = timedelta(hours=24)
"""Who waits for longer has gone, and asks again; the link would be good for little longer."""

SENT_KEPT = timedelta(days=30)
"""For so long it is known what was sent: servers report for days, and complaints come later."""


def add(store: Store, note: Note) -> None:
    """Queues one, within the caller's transaction; its `id` is given anew."""
    store.conn.execute(
        """INSERT INTO notes (name, kind, fingerprint, address, language, content, made_at, next_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            note.name,
            note.kind,
            note.fingerprint,
            note.address,
            note.language,
            json.dumps(
                {"editions": note.editions, "network": note.network, "subject": note.subject}, ensure_ascii=False
            ),
            time_to_text(note.made_at),
            time_to_text(note.made_at),
        ),
    )


def recover(store: Store, *, resend: bool) -> None:
    """What a process left in flight that died: it may have come. With `resend` it goes once more, under the same
    Message-ID; without, and the second time, it is given up, and who wants it asks again."""
    if store.row("SELECT 1 FROM notes WHERE state = 'inflight'") is None:
        return
    with store.write():
        for row in store.rows("SELECT id FROM notes WHERE state = 'inflight'"):
            doubt(store, row["id"], resend=resend)


def due(store: Store, now: datetime) -> list[Note]:
    """What may be sent now, oldest first."""
    rows = store.rows(
        """SELECT * FROM notes WHERE state = 'pending' AND kind != 'blank' AND next_at <= ? ORDER BY id LIMIT 100""",
        (time_to_text(now),),
    )
    return [_note(row) for row in rows]


def start(store: Store, note: Note, message_id: str, now: datetime) -> bool:
    """Records that a message is about to go out, and says whether it may: not if it was withdrawn meanwhile."""
    with store.write():
        sql = "UPDATE notes SET state = 'inflight' WHERE id = ? AND state = 'pending'"
        if not store.conn.execute(sql, (note.id,)).rowcount:
            return False
        store.conn.execute(
            """INSERT OR REPLACE INTO notes_sent (id, message_id, kind, about, fingerprint, subscriber_id, sent_at)
            VALUES (?, ?, ?, ?, ?, (SELECT id FROM subscribers WHERE address_key = ?), ?)""",
            (
                note.id,
                message_id,
                note.kind,
                note.subject or note.name,
                note.fingerprint,
                key(note.address),
                time_to_text(now),
            ),
        )
        return True


def sent(store: Store, note_id: int) -> SentNote | None:
    """One that went out, by its number."""
    return _sent(store.row("SELECT * FROM notes_sent WHERE id = ?", (note_id,)))


def sent_as(store: Store, message_id: str) -> SentNote | None:
    """One that went out, by its Message-ID."""
    return _sent(store.row("SELECT * FROM notes_sent WHERE message_id = ?", (message_id,)))


def part(store: Store, subscriber_id: int) -> None:
    """Parts what went out from a subscriber who has another address now, within the caller's transaction: what comes
    back says nothing of that one."""
    store.conn.execute("UPDATE notes_sent SET subscriber_id = NULL WHERE subscriber_id = ?", (subscriber_id,))


def erase_sent(store: Store, print_: bytes) -> None:
    """Makes what went out to an address nobody's, within the caller's transaction."""
    store.conn.execute(
        "UPDATE notes_sent SET fingerprint = x'', subscriber_id = NULL, about = '' WHERE fingerprint = ?", (print_,)
    )


def erase_former(store: Store, print_: bytes, last: str, until: datetime) -> None:
    """Erases the mails to an address that its reader had `until` then, and makes what went out nobody's, within the
    caller's transaction. `last` is the name of the mail that said farewell. What is later is of who has it now."""
    at = time_to_text(until)
    store.conn.execute("DELETE FROM notes WHERE name = ? OR (fingerprint = ? AND made_at <= ?)", (last, print_, at))
    store.conn.execute(
        """UPDATE notes_sent SET fingerprint = x'', subscriber_id = NULL, about = ''
        WHERE fingerprint = ? AND (sent_at <= ? OR about = ?)""",
        (print_, at, last),
    )


def withdraw(store: Store, subject: str) -> None:
    """Takes back those that are about something, within the caller's transaction. One in hand still goes out."""
    store.conn.execute("DELETE FROM notes WHERE content ->> '$.subject' = ? AND state = 'pending'", (subject,))


def done(store: Store, note_id: int) -> None:
    """Records that nothing more is to be sent, by erasing it."""
    with store.write():
        store.conn.execute("DELETE FROM notes WHERE id = ?", (note_id,))


def put_off(store: Store, note_id: int, until: datetime) -> None:
    """Lets one wait that was tried in vain."""
    with store.write():
        store.conn.execute(
            "UPDATE notes SET state = 'pending', attempts = attempts + 1, next_at = ? WHERE id = ?",
            (time_to_text(until), note_id),
        )


def forget(store: Store, now: datetime) -> None:
    """Erases what waits for longer than a day, and what is known of those sent, within the caller's transaction."""
    before = time_to_text(now - KEPT)
    store.conn.execute("DELETE FROM notes WHERE made_at < ? AND state = 'pending'", (before,))
    store.conn.execute("DELETE FROM notes_sent WHERE sent_at < ?", (time_to_text(now - SENT_KEPT),))


def doubt(store: Store, note_id: int, *, resend: bool) -> None:
    """Records that it is not known whether one came."""
    with store.write():
        if resend:
            store.conn.execute(
                "UPDATE notes SET state = 'pending', attempts = attempts + 1, doubts = doubts + 1 WHERE id = ?",
                (note_id,),
            )
        store.conn.execute("DELETE FROM notes WHERE id = ? AND (doubts > 1 OR ?)", (note_id, not resend))


def _note(row: sqlite3.Row) -> Note:
    content = json.loads(row["content"])
    return Note(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        fingerprint=bytes(row["fingerprint"]),
        address=row["address"],
        language=row["language"],
        editions=tuple(content["editions"]),
        network=content["network"],
        made_at=stored_time(row["made_at"]),
        attempts=row["attempts"],
        in_doubt=row["doubts"] > 0,
        subject=content.get("subject", ""),
    )


def _sent(row: sqlite3.Row | None) -> SentNote | None:
    if row is None:
        return None
    return SentNote(
        id=row["id"],
        message_id=row["message_id"],
        kind=row["kind"],
        about=row["about"],
        fingerprint=bytes(row["fingerprint"]),
        subscriber_id=row["subscriber_id"],
    )
