"""The database file: opening it, and the one way to write. The room's other files hold the statements.

WAL lets readers go on while one writes; `BEGIN IMMEDIATE` with a busy timeout makes a second writer wait its turn
instead of failing half-way. `Store.write` syncs its commit (`synchronous=FULL`): a delivery recorded must survive a
power cut. `Store.note` does not.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from tidings.errors import BusyError, StoreError, TooLongError
from tidings.model import Enclosure
from tidings.store import migrating

A_QUERY = 500
"""How many values one statement is asked for: SQLite's oldest limit on variables is 999."""

_BUSY_SECONDS = 60
_CACHE = 8_000
"""KiB of pages kept at most. With SQLite's 2 MB, a poll of much news reads the pages of its indexes again and again."""
_PAGES_IN_LOG = 4_000
"""Pages (16 MB) after which the log is written to the database: one that many documents change once for all of them."""
_STEPS_BETWEEN_LOOKS = 100
"""Steps of a statement between two looks at the clock: a step may fold the case of a whole text."""
_LOCK_PAUSE_SECONDS = 0.1
_making = threading.Lock()
_CHECK = "check the file and [site] data_dir"
_ADVICE = {
    sqlite3.SQLITE_NOTADB: "it is some other file: point [site] data_dir at another folder, or move the file away",
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup, or save what is left with sqlite3's .recover",
    sqlite3.SQLITE_FULL: "free some space on its disk; nothing half-written was kept",
    sqlite3.SQLITE_READONLY: "let this user write to the file and its folder, [site] data_dir",
    sqlite3.SQLITE_BUSY: "another process has kept it for too long; end that one, then try again",
}


class Store:
    """An open database. Shells pass it to this room's functions and look no further inside."""

    def __init__(self, path: Path, conn: sqlite3.Connection) -> None:
        self.path = path
        self.conn = conn
        self._gives_up = _always

    def close(self) -> None:
        self.conn.close()

    @contextmanager
    def write(self) -> Iterator[None]:
        """One short transaction; joins the one already open, if any. Rolled back when the block raises.

        Raises StoreError when the database cannot be written: BusyError when somebody else keeps it for too long.
        """
        if self.conn.in_transaction:
            yield
            return
        self.rows("PRAGMA synchronous = FULL")
        try:
            with self.note():
                yield
        finally:
            self.rows("PRAGMA synchronous = NORMAL")

    @contextmanager
    def note(self) -> Iterator[None]:
        """As `write`, for what a power cut may take back: it survives the death of this process, but does not wait for
        the disk. The next `write` makes it as durable as everything else."""
        if self.conn.in_transaction:
            yield
            return
        with _in_our_words(self.path):
            self._begin()
            try:
                yield
                self.conn.execute("COMMIT")
            except BaseException:
                self.conn.rollback()
                raise

    def _begin(self) -> None:
        while True:
            try:
                self.conn.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or self._gives_up():
                    raise
            time.sleep(_LOCK_PAUSE_SECONDS)

    @contextmanager
    def insist(self, stop: Callable[[], bool]) -> Iterator[None]:
        """Within, transactions wait until nobody else keeps the database, however long that is, or until `stop()`. For
        what cannot be done over: the outcome of a message that has left."""
        former, self._gives_up = self._gives_up, stop
        try:
            yield
        finally:
            self._gives_up = former

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Raises TooLongError in the middle of a statement of the block once the block has taken so long."""
        end = time.monotonic() + seconds
        self.conn.set_progress_handler(lambda: time.monotonic() > end, _STEPS_BETWEEN_LOOKS)
        try:
            yield
        finally:
            self.conn.set_progress_handler(None, 0)

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """All rows of a query. Raises StoreError when the database cannot be read."""
        with _in_our_words(self.path):
            return self.conn.execute(sql, parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """The first row of a query, or None. Raises StoreError when the database cannot be read."""
        with _in_our_words(self.path):
            found: sqlite3.Row | None = self.conn.execute(sql, parameters).fetchone()
            return found


@contextmanager
def _in_our_words(path: Path) -> Iterator[None]:
    """Makes a StoreError, with what to do, of what SQLite says of a file; an operator can do nothing about a statement
    that is wrong, and that error stays."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except sqlite3.DatabaseError as error:
        if _code(error) == sqlite3.SQLITE_INTERRUPT:
            raise TooLongError(f"{path}: the database takes too long to answer; ask for less") from error
        kind = BusyError if _is_busy(error) else StoreError
        raise kind(f"{path}: the database cannot be used ({error}); {_ADVICE.get(_code(error), _CHECK)}") from error


def _is_busy(error: sqlite3.Error) -> bool:
    return _code(error) == sqlite3.SQLITE_BUSY


def _code(error: sqlite3.Error) -> int:
    """What SQLite calls the error, without the finer distinctions; 0 for one of Python's own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@contextmanager
def open_store(path: Path, patience: float = _BUSY_SECONDS) -> Iterator[Store]:
    """Opens the database at `path` for reading and writing, made and migrated as needed. Who writes waits for others as
    many seconds as its `patience`.

    Raises StoreError when the file cannot be opened, is no database, or is of a newer Tidings.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _create(path)
        connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path}: the database cannot be opened ({error}); check [site] data_dir") from error
    connection.row_factory = sqlite3.Row
    connection.create_function("casefold", 1, str.casefold, deterministic=True)
    store = Store(path, connection)
    try:
        with _in_our_words(path):
            _prepare(store)
            yield store
    finally:
        store.close()


def _create(path: Path) -> None:
    """Makes a file that is not there, for its owner alone: it has addresses. SQLite gives the files beside it the same
    mode, and one that is there keeps its own.

    Only a file that nobody else can have open yet is closed here. To close one takes all locks of this process from it
    (POSIX), those of SQLite as well; so another thread that found this one waits until it is closed.
    """
    with _making:
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return


def never() -> bool:
    """What stops nothing."""
    return False


def _always() -> bool:
    return True


@contextmanager
def exclusive(store: Store, task: str, stop: Callable[[], bool] = never) -> Iterator[bool]:
    """Holds the right to do `task` (`poll`, `deliver`), waiting until no other process on this database does it; gives
    whether it had to wait.

    A lock file beside the database, released by the kernel however the holder dies. Raises StoreError when that file
    cannot be made, or when `stop()` becomes true while waiting.
    """
    with _open_lock(store, task) as lock:
        yield _wait_for(lock.fileno(), task, stop)


@contextmanager
def exclusive_folder(folder: Path, stop: Callable[[], bool] = never) -> Iterator[None]:
    """Holds the right to publish in `folder`, which is made if need be, waiting until no process on any database does.

    The lock is on the folder itself: a file in it would be served, or copied to where the site is. Raises StoreError
    when the folder cannot be made, or when `stop()` becomes true while waiting.
    """
    descriptor = _open_folder(folder)
    try:
        # NFS locks no folders: there nothing keeps two databases apart.
        with suppress(OSError):
            _wait_for(descriptor, "publish", stop)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def exclusive_now(store: Store, *tasks: str) -> Iterator[bool]:
    """Holds the rights to do some `tasks` where nobody does any of them just now; gives whether it does. Raises
    StoreError when a lock file cannot be made."""
    with ExitStack() as locks:
        yield all(_try_lock(locks.enter_context(_open_lock(store, task)).fileno()) for task in tasks)


def _open_folder(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error}); check its folder and the disk") from error


def _wait_for(descriptor: int, task: str, stop: Callable[[], bool]) -> bool:
    """Takes a lock; gives whether it had to wait."""
    waited = False
    while not _try_lock(descriptor):
        waited = True
        if stop():
            raise StoreError(f"stopped while waiting for another Tidings process to end its {task}")
        time.sleep(_LOCK_PAUSE_SECONDS)
    return waited


def _open_lock(store: Store, task: str) -> IO[str]:
    path = store.path.parent / f"{task}.lock"
    try:
        return path.open("w")
    except OSError as error:
        raise StoreError(f"{path}: the lock file cannot be opened ({error}); check who owns [site] data_dir") from error


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _prepare(store: Store) -> None:
    connection = store.conn
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_IN_LOG}")
    connection.execute("PRAGMA foreign_keys = ON")
    done = migrating.applied(connection)
    if unknown := migrating.newer(done):
        raise StoreError(
            f"{store.path}: the database was made by a newer Tidings ({', '.join(unknown)}); "
            "update this one, or point [site] data_dir at another folder"
        )
    if migrating.pending(done):
        with store.write():
            migrating.migrate(connection)


# Values as the columns hold them: times as ISO 8601 text in UTC with microseconds, so that text order is time order.


def stored_text(value: datetime) -> str:
    """A time as it is stored: in UTC and of one length, so that texts are in the order of times."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def time_to_text(value: datetime | None) -> str | None:
    return None if value is None else stored_text(value)


def span_to_seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


def seconds_to_span(value: float | None) -> timedelta | None:
    return None if value is None else timedelta(seconds=value)


def text_to_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def stored_time(text: str) -> datetime:
    """The time of a column that is never null."""
    return datetime.fromisoformat(text)


def enclosures_to_text(enclosures: Sequence[Enclosure]) -> str:
    return json.dumps([asdict(enclosure) for enclosure in enclosures], ensure_ascii=False) if enclosures else "[]"


def text_to_enclosures(text: str) -> tuple[Enclosure, ...]:
    return tuple(Enclosure(**one) for one in json.loads(text))
