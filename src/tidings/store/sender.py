"""Who sends: the one database, in its one place, that may hand mail over. A copy may not, until it is told.

The database counts how often it has sent, and knows where it was. Beside it a small file has the same count: one of the
two alone, an older database, or another place mean that it was restored from a backup, or copied, and that mail may
have gone out which it knows nothing of. Decision 45 goes through the ways in which people move things.

    take a place    the file, then the database: dying in between leaves a database that still has to take it
    count           the database, then the file: dying in between leaves the database ahead, which is harmless

The number in the file's name grows with each count, so that copying an old folder over this one does not hide it. Only
who holds the right to deliver takes a place or counts.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import astuple
from datetime import datetime
from pathlib import Path

from tidings.errors import MovedError, StoreError
from tidings.records import dataclass
from tidings.store.database import Store, stored_time, time_to_text
from tidings.store.place import Place, here

_FILES = "sender-*.json"
_ABOUT = "How often Tidings has sent mail from here. Leave it beside tidings.db: without it nothing is sent."
_LOOKS = 5  # at a file that another process is just replacing


@dataclass(frozen=True, slots=True)
class Sender:
    """What a database knows of its sending: under which id, how often, and from where and when it did last."""

    instance: str
    sends: int
    place: Place
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Marker:
    """The same as the file beside it says; `database` is the database that it belongs to, with all its copies."""

    database: str
    instance: str
    sends: int
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a database may send: what `differs` from when it last did, in words, nothing if it may. `sent_at` is when
    it last did, `unknown_until` until when mail went out from here that it does not know of."""

    differs: tuple[str, ...]
    sent_at: datetime | None
    unknown_until: datetime | None


def differences(sender: Sender | None, marker: Marker | None, place: Place) -> tuple[str, ...]:
    """What shows that a database was restored or copied since it last sent, by its own file beside it and the place
    where it is; each without a full stop. One that never sent may be anywhere, unless the file knows that it has."""
    behind = _behind(sender, marker)
    found = []
    if behind is not None:
        found.append(f"mail went out from here until {_minute(behind)} that it knows nothing of")
    if sender is None:
        return tuple(found)
    if marker is None:
        found.append(f"the file beside it that counts what was sent ({_FILES}) is missing")
    elif marker.instance != sender.instance:
        found.append("the file beside it that counts what was sent belongs to another copy of it")
    if not place.has_same_machine(sender.place):
        found.append(f"the machine is not the one that it last sent from ({sender.place.host})")
    if not place.has_same_file(sender.place):
        found.append("its file is not the one that it last sent as, but a copy")
    return tuple(found)


def _behind(sender: Sender | None, marker: Marker | None) -> datetime | None:
    """When mail last went out that a database does not know of, by the file beside it."""
    known = 0 if sender is None else sender.sends
    return marker.sent_at if marker is not None and marker.sends > known else None


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def standing(store: Store) -> Standing:
    """Whether the database may send from where it is. Changes nothing. Raises StoreError when that is not to be
    found out."""
    # The file comes first: the database is counted up before it, so read in this order it is never behind by chance.
    marker = _marker(store)
    sender = _sender(store)
    return Standing(
        differs=differences(sender, marker, here(store.path)),
        sent_at=None if sender is None else sender.sent_at,
        unknown_until=_behind(sender, marker),
    )


def require(store: Store) -> None:
    """Raises MovedError when the database may not send: it was restored or copied since it last did."""
    found = standing(store)
    if not found.differs:
        return
    since = "" if found.sent_at is None else f" It last sent on {_minute(found.sent_at)}."
    raise MovedError(
        f"{store.path}: nothing is sent, since this database was restored from a backup, or copied: "
        f"{'; '.join(found.differs)}.{since} What went out since the copy was made would go out again. "
        "`tidings adopt` says what would go out, and lets it send from here"
    )


def count(store: Store, now: datetime) -> None:
    """Counts that mail goes out, before the first of it and after the last. A database that never sent takes its place.

    Raises StoreError when that cannot be written down; then nothing must be sent.
    """
    sender = _sender(store) or _take(store, 0, now)
    with store.write():
        store.conn.execute("UPDATE sender SET sends = sends + 1, sent_at = ?", (time_to_text(now),))
    _write(store, Marker(_database(store), sender.instance, sender.sends + 1, now))


def adopt(store: Store) -> None:
    """Lets a database that has sent do so from where it is: under a new id, its count past all that there were. Raises
    StoreError when that cannot be written down."""
    known = [one for one in (_sender(store), _marker(store)) if one is not None]
    _take(store, max(one.sends for one in known) + 1, max(one.sent_at for one in known))


def _take(store: Store, sends: int, sent_at: datetime) -> Sender:
    """Makes the place where the database is the one that it sends from."""
    sender = Sender(secrets.token_hex(16), sends, here(store.path), sent_at)
    _write(store, Marker(_database(store), sender.instance, sends, sent_at))
    with store.write():
        store.conn.execute(
            """INSERT OR REPLACE INTO sender (id, instance, sends, sent_at, machine, file, generation, host)
            VALUES (1, ?, ?, ?, ?, ?, ?, ?)""",
            (sender.instance, sends, time_to_text(sent_at), *astuple(sender.place)),
        )
    return sender


def _write(store: Store, marker: Marker) -> None:
    """Puts the file beside the database, whole and on disk, and then takes the former ones away."""
    folder = store.path.parent
    path = folder / _FILES.replace("*", str(marker.sends))
    values = {
        "about": _ABOUT,
        "database": marker.database,
        "instance": marker.instance,
        "sends": marker.sends,
        "sent_at": time_to_text(marker.sent_at),
    }
    partial = folder / "sender.partial"
    try:
        with partial.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)  # as the database
            json.dump(values, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync(folder)
        for former in set(folder.glob(_FILES)) - {path}:
            former.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be written ({error.strerror}), so nothing more is sent and nothing is lost; "
            "free some space on the disk, and let this user write to [site] data_dir"
        ) from error


def _sync(folder: Path) -> None:
    """Makes a renaming in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _database(store: Store) -> str:
    """What a database has in common with its copies and backups, and with no other."""
    return str(store.rows("SELECT feed_id FROM site")[0]["feed_id"])


def _sender(store: Store) -> Sender | None:
    row = store.row("SELECT * FROM sender")
    if row is None:
        return None
    place = Place(row["machine"], row["file"], row["generation"], row["host"])
    return Sender(row["instance"], row["sends"], place, stored_time(row["sent_at"]))


def _marker(store: Store) -> Marker | None:
    """The latest file beside the database that is its own. Raises StoreError when one cannot be read."""
    database, files = _database(store), store.path.parent / _FILES
    for _ in range(_LOOKS):
        try:
            markers = [_read(path) for path in files.parent.glob(files.name)]
        except FileNotFoundError:
            continue
        own = [one for one in markers if one is not None and one.database == database]
        return max(own, key=lambda one: one.sends, default=None)
    raise StoreError(f"{files}: cannot be read, since it is gone whenever it is looked at")


def _read(path: Path) -> Marker | None:
    """What a file says; None if somebody has changed it to something else."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Marker(str(raw["database"]), str(raw["instance"]), int(raw["sends"]), stored_time(raw["sent_at"]))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror}); check who owns [site] data_dir") from error
    except (ValueError, KeyError, TypeError):
        return None
