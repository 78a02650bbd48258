"""Lists of readers brought in at once, and written out again: all or nothing, and nobody comes back by one."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.builders import edition
from tests.stocking import START
from tidings import standing
from tidings.model import Evidence, Subscriber
from tidings.store import (
    Store,
    consents,
    exporting,
    file_readers,
    importing,
    open_store,
    refusals,
    subscribers,
)
from tidings.store.importing import Incoming

FAIR = Evidence(form="tidings subscribers import", wording="signed up at the fair")
DAY = timedelta(days=1)
MAY = START - timedelta(days=200)
DAILY = edition(name="daily")


def row(line: int, address: str, language: str = "", consent: str = "") -> Incoming:
    return Incoming(line, address, language, None, consent)


def bring_in(store: Store, *rows: Incoming, dry_run: bool = False) -> dict[str, int]:
    importing.stage(store, rows)
    return importing.take(store, "daily", FAIR, START, dry_run=dry_run)


def mailed(store: Store) -> list[str]:
    return [one.address for one in subscribers.active(store, "daily")]


def known(store: Store, address: str) -> int:
    found = subscribers.find(store, address)
    assert found is not None
    return found.id


def test_each_row_has_its_fate(store: Store) -> None:
    """New ones and those that only left the file are taken in; who left, who was erased, and whoever is there already
    or twice in the list, is not."""
    file = replace(DAILY, subscribers=(Subscriber("filed@r.example"), Subscriber("back@r.example")))
    file_readers.sync(store, [file], START)
    file_readers.sync(store, [replace(file, subscribers=file.subscribers[:1])], START)
    subscribers.add(store, "there@r.example", "daily", "web", Evidence(), START)
    subscribers.add(store, "other@r.example", "weekly", "web", Evidence(), START)
    subscribers.add(store, "left@r.example", "daily", "web", Evidence(), START)
    subscribers.leave(store, known(store, "left@r.example"), "daily", "link", Evidence(), START)
    refusals.keep(store, "erased@r.example", "operator", START)
    standing.suppress(store, "dead@r.example", "", "bounced", "", START)
    names = ("new", "Back", "there", "other", "LEFT", "Erased", "filed", "NEW", "Dead")
    rows = [row(line, f"{name}@r.example") for line, name in enumerate(names, 2)]
    before = [tuple(one) for one in store.rows("SELECT * FROM subscriptions")]
    expected = {"new": 2, "back": 1, "already": 1, "own": 1, "left": 1, "refused": 1, "duplicate": 1, "suppressed": 1}
    assert bring_in(store, *rows, dry_run=True) == expected
    assert [tuple(one) for one in store.rows("SELECT * FROM subscriptions")] == before
    assert bring_in(store, *rows) == expected
    assert mailed(store) == [f"{name}@r.example" for name in ("filed", "back", "there", "other", "new")]
    assert [(one.line, one.fate) for one in importing.left_out(store, 9)] == [
        (6, "left"),
        (7, "refused"),
        (9, "duplicate"),
        (10, "suppressed"),
    ]
    file_readers.sync(store, [DAILY], START)
    assert "filed@r.example" in mailed(store)


def test_a_subscription_begins_again_when_it_is_brought_back(store: Store) -> None:
    """Not when consent was given once, or what was missed meanwhile would come; one that runs goes on."""
    names = tuple(Subscriber(f"{name}@r.example") for name in ("back", "filed"))
    file_readers.sync(store, [replace(DAILY, subscribers=names)], START - DAY)
    file_readers.sync(store, [replace(DAILY, subscribers=names[1:])], START - DAY)
    bring_in(store, *(Incoming(line, one.address, "", MAY, "") for line, one in enumerate(names, 2)))
    rows = store.rows("SELECT since FROM subscriptions ORDER BY subscriber_id")
    assert [datetime.fromisoformat(one["since"]) for one in rows] == [START, START - DAY]


def test_what_was_agreed_to_is_recorded(store: Store) -> None:
    """The words for all, or those of the row, and when it was given as far as that is told."""
    importing.stage(store, [row(2, "a@r.example", "de"), Incoming(3, "b@r.example", "", MAY, "by letter")])
    importing.take(store, "daily", FAIR, START)
    (a,), (b,) = (consents.trail(store, known(store, f"{name}@r.example")) for name in "ab")
    assert (a.what, a.at, a.evidence) == ("imported", START, FAIR)
    assert (b.evidence.wording, dict(b.evidence.detail)["given"][:10]) == ("by letter", f"{MAY:%Y-%m-%d}")
    listed = list(exporting.rows(store, "daily", ("address", "language", "since", "consent")))
    assert [[*one[:2], one[2][:10], one[3]] for one in listed[1:]] == [
        ["a@r.example", "de", f"{START:%Y-%m-%d}", "signed up at the fair"],
        ["b@r.example", "", f"{MAY:%Y-%m-%d}", "by letter"],
    ]


def test_rows_that_end_in_an_error_leave_nothing(store: Store) -> None:
    """Neither subscribers nor an open transaction."""

    def broken() -> Iterator[Incoming]:
        yield row(2, "a@r.example")
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        importing.stage(store, broken())
    assert not store.conn.in_transaction
    assert bring_in(store, row(2, "b@r.example")) == {"new": 1}
    assert mailed(store) == ["b@r.example"]


def test_a_hundred_thousand_readers_are_brought_in_quickly(store: Store) -> None:
    """In seconds of work, and in memory that does not grow with the list; freezing asks for them in a moment."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    importing.stage(store, (row(line, f"reader{line}@r{line % 50}.example") for line in range(100_000)))
    assert importing.take(store, "daily", FAIR, START) == {"new": 100_000}
    assert time.process_time() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
    began = time.process_time()
    assert len(subscribers.active(store, "daily")) == 100_000
    assert time.process_time() - began < 3


_IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from tidings.model import Evidence
from tidings.store import importing, open_store
with open_store(Path(sys.argv[1])) as store:
    importing.stage(store, (importing.Incoming(n, f"reader{n}@r.example", "", None, "") for n in range(60_000)))
    print("staged", flush=True)
    importing.take(store, "daily", Evidence(), datetime.now(UTC))
    print("taken", flush=True)
"""


def test_a_kill_leaves_all_of_a_list_or_nothing(tmp_path: Path) -> None:
    """At whatever moment the process ends, subscribers, subscriptions and trail are as many, and of the whole list."""
    counts = set()
    for number, delay in enumerate((0.0, 0.05, 0.15, 0.4, 5.0)):
        path = tmp_path / f"{number}.db"
        process = subprocess.Popen([sys.executable, "-c", _IMPORT, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "staged\n"
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        with open_store(path), closing(sqlite3.connect(path)) as database:
            tables = ("subscribers", "subscriptions", "consents")
            (found,) = {database.execute(f"SELECT count(*) FROM {one}").fetchone()[0] for one in tables}
        counts.add(found)
    assert counts <= {0, 60_000}
    assert 60_000 in counts
