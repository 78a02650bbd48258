"""Erasing a reader: nothing of the address is left, wherever it was, and the ledger holds."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import edition
from tests.stocking import START
from tidings.errors import StoreError
from tidings.model import Evidence, IssueContent, Subscriber
from tidings.store import (
    Store,
    deliveries,
    erasing,
    exclusive,
    exclusive_now,
    file_readers,
    importing,
    incoming,
    issues,
    open_store,
    subscribers,
)
from tidings.store.deliveries import Settlement, Tally
from tidings.store.importing import Incoming
from tidings.store.incoming import Entry
from tidings.store.issues import Letter

ANN, BOB = "ann.unmistakable@readers.example", "bob@readers.example"
NEEDLE = b"unmistakable"
DAILY = edition(name="daily")
STATES = ("accepted", "rejected", "deferred", "uncertain", "suppressed", "expired", "pending", "leased", "inflight")


def subscribed(store: Store, *addresses: str) -> None:
    for address in addresses:
        subscribers.add(store, address, "daily", "web", Evidence(wording=f"{address} agreed"), START)


def freeze(store: Store, number: int, *addresses: str, old: bool = False) -> int:
    content = IssueContent("daily", "Daily", number, "S", START, "UTC", "en", "P", "https://p.example", ())
    found = [(one, subscribers.find(store, one)) for one in addresses]
    letters = [Letter(one, f"<{number}.{one}>", "", None if old or not it else it.id) for one, it in found]
    return issues.freeze(store, content, letters, None, START)


def in_state(store: Store, issue_id: int, state: str) -> None:
    store.conn.execute(
        "UPDATE deliveries SET state = ?, reply = '550 ' || address || ' unknown' WHERE issue_id = ?", (state, issue_id)
    )


def keep(store: Store, message: bytes) -> int:
    """Keeps a message that nobody understood, and returns its number."""
    size = len(message)
    return incoming.record(store, Entry(message[:32], "unknown", None, "", "", "", "", "kept", size, message), START)


def bytes_left(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in sorted(path.parent.glob("tidings.db*")))


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("state", STATES)
def test_deliveries_stay_without_a_reader(store: Store, state: str, old: bool) -> None:
    """In whatever state, those of older versions too: neither address nor what the server said, and the balance holds.
    What was to be sent is not any more, unless it is in hand."""
    subscribed(store, ANN, BOB)
    issue_id = freeze(store, 1, ANN, BOB, old=old)
    in_state(store, issue_id, state)
    before = deliveries.tally(store, [issue_id])
    assert erasing.erase(store, ANN.upper(), START) == erasing.Erased(True, 1, True)
    row = store.rows("SELECT * FROM deliveries ORDER BY id")[0]
    assert (row["address"], row["message_id"], row["reply"], row["subscriber_id"]) == ("erased-1", "erased-1", "", None)
    is_over = state in ("accepted", "rejected", "suppressed", "expired", "leased", "inflight")
    assert row["state"] == (state if is_over else "suppressed")
    after = deliveries.tally(store, [issue_id])
    assert after.open + after.settled == before.open + before.settled == 2


@pytest.mark.parametrize(
    ("there", "erased"),
    [
        (ANN, ANN.upper()),
        (ANN.title(), ANN),
        (f"{ANN}.", ANN),
        ("zoë@bücher.example", "ZOË@xn--bcher-kva.example"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("bob@xn--bcher-kva.example", "bob@BÜCHER.example"),
    ],
)
def test_deliveries_of_older_versions_are_found_in_any_spelling(store: Store, there: str, erased: str) -> None:
    """Those that know no subscriber; and only those that may be the reader's are looked at one by one."""
    freeze(store, 1, there, *(f"reader{number}@readers.example" for number in range(300)), old=True)
    seen: list[str] = []

    def noting(cursor: sqlite3.Cursor, values: tuple[object, ...]) -> sqlite3.Row:
        row = sqlite3.Row(cursor, values)
        if "address" in tuple(row.keys()):
            seen.append(row["address"])
        return row

    store.conn.row_factory = noting
    assert erasing.erase(store, erased, START) == erasing.Erased(False, 1, True)
    assert seen == [there]


def test_what_a_server_says_later_is_not_kept(store: Store) -> None:
    """A message was on its way when its reader was erased: its outcome is recorded, and its words, which may hold the
    address, are not."""
    subscribed(store, ANN, BOB)
    issue_id = freeze(store, 1, ANN, BOB)
    in_state(store, issue_id, "inflight")
    erasing.erase(store, ANN, START)
    said = [Settlement(one, "rejected", f"550 <{ANN}> unknown") for one in (1, 2)]
    deliveries.settle(store, said, START)
    assert [row["reply"] for row in store.rows("SELECT reply FROM deliveries ORDER BY id")] == ["", said[1].reply]
    assert deliveries.tally(store, [issue_id]) == Tally(rejected=2)


def test_no_byte_is_left_in_the_file(tmp_path: Path) -> None:
    """However often rows were written, moved and deleted before, in the database, its log and its shared memory."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store:
        store.conn.execute("PRAGMA secure_delete = OFF")  # as SQLite is built by most, though not by Debian
        importing.stage(store, (Incoming(n, f"r{n}@readers.example", "", None, ANN) for n in range(400)))
        subscribed(store, ANN, BOB)
        for number in range(1, 40):
            issue_id = freeze(store, number, ANN, BOB)
            in_state(store, issue_id, STATES[number % len(STATES)])
        store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.conn.execute("UPDATE deliveries SET reply = 'ok' WHERE id % 3 = 0")
        importing.stage(store, [])
        assert NEEDLE in bytes_left(path)
        erasing.erase(store, ANN, START)
        erasing.scrub(store)
        assert NEEDLE not in bytes_left(path)
        assert BOB.encode() in bytes_left(path)
        assert [one.address for one in subscribers.listed(store)] == [BOB]
    assert NEEDLE not in bytes_left(path)


def test_who_is_erased_does_not_come_back_by_accident(store: Store) -> None:
    """Neither by the file, which still names the address, nor by a list, in whatever spelling."""
    file = replace(DAILY, subscribers=(Subscriber(ANN),))
    file_readers.sync(store, [file], START)
    erasing.erase(store, ANN, START)
    file_readers.sync(store, [replace(file, subscribers=(Subscriber(ANN.title()), Subscriber(BOB)))], START)
    importing.stage(store, [Incoming(2, ANN.upper(), "", None, "")])
    assert importing.take(store, "daily", Evidence(), START) == {"refused": 1}
    assert [one.address for one in subscribers.active(store, "daily")] == [BOB]
    assert subscribers.add(store, ANN, "daily", "cli", Evidence(), START, again=True) == "added"


ZOE, ODD = "zoë@bücher.example", b"\xff\x00 "


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (ANN, f"Grüße von {ANN.title()}".encode("latin-1")),
        (ANN, ODD + ANN.encode()),
        (ANN, ANN.encode() + "ü".encode()[:1]),
        (ZOE, f"Schönen Gruß, {ZOE.upper()}".encode()),
        (ZOE, f"Schönen Gruß, {ZOE.upper()}".encode("latin-1")),
    ],
)
def test_kept_messages_in_any_encoding_are_looked_through(store: Store, address: str, message: bytes) -> None:
    """Also those that are no UTF-8, or were cut within a letter: what holds the address goes, all others stay."""
    others = [keep(store, b"Gr\xfc\xdfe von bob@readers.example"), keep(store, ODD)]
    number = keep(store, message)
    assert erasing.look_through(store, address).numbers == (number,)
    erasing.erase(store, address, START)
    left = store.rows("SELECT id FROM returned_mail WHERE message IS NOT NULL ORDER BY id")
    assert [row["id"] for row in left] == others


def test_not_even_a_hash_is_kept_where_that_is_wanted(store: Store) -> None:
    """Then the address is like one that was never there."""
    subscribed(store, ANN)
    erasing.erase(store, ANN, START)
    assert erasing.erase(store, ANN, START, refuse=False) == erasing.Erased(False, 0, False)
    assert store.rows("SELECT * FROM refusals") == []
    assert subscribers.add(store, ANN, "daily", "cli", Evidence(), START) == "added"


def test_a_reader_of_the_database_is_told_of(tmp_path: Path) -> None:
    """While another process reads, its view keeps the bytes: the operator is told, and the next time works."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store:
        subscribed(store, ANN)
        store.conn.execute("PRAGMA busy_timeout = 100")
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN")
            other.execute("SELECT * FROM subscribers").fetchall()
            erasing.erase(store, ANN, START)
            with pytest.raises(StoreError, match="run the same command again"):
                erasing.scrub(store)
        erasing.scrub(store)
        assert NEEDLE not in bytes_left(path)


@pytest.mark.parametrize("task", ["deliver", "notes", "poll"])
def test_the_file_is_not_written_anew_while_others_send_or_poll(store: Store, task: str) -> None:
    """What left meanwhile could not be written down, and would leave again: the daemon does it later, as soon as it
    can, and the command when they have ended, unless it is told to stop. Who does the others need not wait for that."""
    subscribed(store, ANN)
    erasing.erase(store, ANN, START)
    with exclusive(store, task):
        assert not erasing.scrub_due(store, START)
        with pytest.raises(StoreError, match="sending and polling; the reader is erased, but"):
            erasing.scrub(store, lambda: True)
        waiting = threading.Thread(target=scrub_apart, args=(store.path,))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        for other in {"deliver", "notes", "poll"} - {task}:
            assert is_free_again(store, other)
    waiting.join(20)
    assert not erasing.scrub_due(store, START)
    erasing.erase(store, ANN, START)
    assert erasing.scrub_due(store, START)


def is_free_again(store: Store, task: str) -> bool:
    """Whether nobody keeps a task for long: it is tried for a second."""
    for _ in range(20):
        with exclusive_now(store, task) as is_free:
            if is_free:
                return True
        time.sleep(0.05)
    return False


def scrub_apart(path: Path) -> None:
    with open_store(path) as store:
        erasing.scrub(store)


@pytest.mark.parametrize("task", ["deliver", "notes", "poll"])
def test_nobody_sends_or_polls_while_the_file_is_written_anew(store: Store, task: str) -> None:
    """The other way round: who would begin just then waits until the file is there again."""
    subscribed(store, ANN)
    erasing.erase(store, ANN, START)
    tried = []

    def begin(statement: str) -> None:
        if statement == "VACUUM":
            with exclusive_now(store, task) as is_free:
                tried.append(is_free)

    store.conn.set_trace_callback(begin)
    erasing.scrub(store)
    erasing.erase(store, ANN, START)
    assert erasing.scrub_due(store, START)
    assert tried == [False, False]


_ERASE = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from tidings.store import erasing, open_store
with open_store(Path(sys.argv[1])) as store:
    print("open", flush=True)
    erasing.erase(store, {ANN!r}, datetime.now(UTC))
    erasing.scrub(store)
    print("done", flush=True)
"""


def test_a_kill_in_the_middle_is_made_good_by_the_next_time(tmp_path: Path) -> None:
    """The reader is whole or gone, deliveries balance, and the same command again leaves no byte."""
    for number, delay in enumerate((0.0, 0.005, 0.02, 0.05, 0.2)):
        path = tmp_path / str(number) / "tidings.db"
        with open_store(path) as store:
            importing.stage(store, (Incoming(n, f"r{n}@readers.example", "", None, "") for n in range(5_000)))
            importing.take(store, "daily", Evidence(), START)
            subscribed(store, ANN)
            ids = [freeze(store, number, ANN) for number in range(1, 51)]
        process = subprocess.Popen([sys.executable, "-c", _ERASE, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with open_store(path) as store:
            left = store.rows("SELECT count(*) AS n FROM deliveries WHERE address LIKE '%unmistakable%'")[0]["n"]
            assert left == (50 if subscribers.find(store, ANN) else 0)
            erasing.erase(store, ANN, START)
            erasing.scrub(store)
            assert deliveries.tally(store, ids).settled == 50
        assert NEEDLE not in bytes_left(path)


def test_two_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """While one erases and writes the file anew, others add, leave and list; all of it happens."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store:
        subscribed(store, ANN, *(f"leaver{n}@readers.example" for n in range(30)))
    errors: list[Exception] = []

    def change(which: int) -> None:
        try:
            with open_store(path) as own:
                for n in range(which, 30, 3):
                    subscribers.add(own, f"new{n}@readers.example", "daily", "web", Evidence(), START)
                    found = subscribers.find(own, f"leaver{n}@readers.example")
                    assert found
                    assert subscribers.leave(own, found.id, "daily", "link", Evidence(), START)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=change, args=(which,)) for which in range(3)]
    for thread in threads:
        thread.start()
    with open_store(path) as store:
        erasing.erase(store, ANN, START)
        erasing.scrub(store)
    for thread in threads:
        thread.join()
    assert errors == []
    with open_store(path) as store:
        wanting = {one.address for one in subscribers.active(store, "daily")}
    assert wanting == {f"new{n}@readers.example" for n in range(30)}
