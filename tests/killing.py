"""Deliveries killed with SIGKILL at named points of a message, by the mail server that sees them come.

    report = run_kills(folder, runs=24, readers=60, connections=4, seed=1)

Each run copies a database with one frozen issue, sends it in a process of its own until the server kills that, sends it
again to the end, and compares what the server got with what the ledger says. Processes are forked from one that has
loaded everything, and has no threads: `python -m tests.killing` is that one.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.builders import edition
from tidings import deliver
from tidings.dispatching import Pace
from tidings.letters import PostOffice, render
from tidings.mail.smtp import SmtpServer, open_smtp
from tidings.model import Edition, IssueContent, IssueItem, Subscriber, personal_name
from tidings.store import deliveries, file_readers, issues, open_store
from tidings.store.issues import Letter

HOST = "127.0.0.1"
_OFFICE = PostOffice("Planet <digest@planet.example>", "", "", lambda: open_smtp(SmtpServer(HOST, 25, "none")))
ROOT = Path(__file__).resolve().parents[1]
POINTS = (
    "before RCPT is answered",
    "after RCPT",
    "at DATA",
    "after DATA",
    "within the text",
    "before 250",
    "after 250",
    "between commits",
    "any moment",
)


@dataclass
class Report:
    """What became of all runs: how many ended in a kill, what was in doubt, and what must not be."""

    runs: int = 0
    killed: int = 0
    messages: int = 0
    in_doubt: int = 0
    most_in_doubt: int = 0
    repeated: int = 0
    lost: list[str] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    points: Counter[str] = field(default_factory=Counter)


class KillingServer:
    """Takes mail on any number of connections, counts it once its text is there, and kills `pid` when a point of its
    message number `victim` is reached."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        self._socket = socket.create_server((HOST, 0), backlog=50)
        self.port = int(self._socket.getsockname()[1])
        self.disarm()
        threading.Thread(target=self._accept, daemon=True).start()

    def disarm(self) -> None:
        self._point, self._victim, self._delay, self._pid = "", -1, 0.0, 0

    def arm(self, point: str, victim: int, delay: float, pid: int) -> None:
        self._pid = pid
        self._point, self._victim, self._delay = point, victim, delay

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _reached(self, point: str) -> None:
        if point == self._point and len(self.received) >= self._victim:
            self._point = ""
            time.sleep(self._delay)
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            connection.sendall(b"220 ready\r\n")
            recipient = ""
            while line := stream.readline():
                verb = line[:4].upper()
                if verb == b"RCPT":
                    recipient = line.decode().partition("<")[2].partition(">")[0]
                    self._reached("before RCPT is answered")
                if verb == b"DATA":
                    self._reached("at DATA")
                    if not self._take(connection, stream, recipient):
                        return
                    continue
                connection.sendall(b"250-here\r\n250 PIPELINING\r\n" if verb == b"EHLO" else b"250 ok\r\n")
                if verb == b"RCPT":
                    self._reached("after RCPT")

    def _take(self, connection: socket.socket, stream: Any, recipient: str) -> bool:
        connection.sendall(b"354 go on\r\n")
        self._reached("after DATA")
        lines = []
        while (line := stream.readline()) not in (b".\r\n", b""):
            lines.append(line)
            if len(lines) == 20:
                self._reached("within the text")
        if not line:
            return False
        found = re.search(rb"^Message-ID: (.*)\r$", b"".join(lines), re.MULTILINE | re.IGNORECASE)
        with self._lock:
            self.received.append((recipient, found[1].decode() if found else ""))
        self._reached("before 250")
        connection.sendall(b"250 taken\r\n")
        self._reached("after 250")
        self._reached("between commits")
        return True


class _Nursery:
    """The process that forks deliveries."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.killing"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, task: dict[str, Any]) -> int:
        """Begins a delivery; returns its process id."""
        self._write(json.dumps(task))
        return int(self._read())

    def wait(self) -> int:
        """The status that the delivery ended with; negative for a signal."""
        return int(self._read())

    def go(self) -> None:
        self._write("go")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def _write(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def run_kills(folder: Path, runs: int, readers: int, connections: int, seed: int, *, own: bool = False) -> Report:
    """Kills so many deliveries, at each point in turn: of one issue, or of an issue of each reader's `own`."""
    chance, report = random.Random(seed), Report()
    addresses = [f"reader{number}@r{number % 7}.example" for number in range(readers)]
    frozen = folder / "frozen" / "tidings.db"
    _freeze(frozen, addresses, own)
    server, nursery = KillingServer(), _Nursery()
    try:
        for number in range(runs):
            point = POINTS[number % len(POINTS)]
            database = folder / "run" / "tidings.db"
            shutil.rmtree(database.parent, ignore_errors=True)
            shutil.copytree(frozen.parent, database.parent)
            task = {"database": str(database), "port": server.port, "readers": addresses, "connections": connections}
            _run(report, server, nursery, task, point, chance)
    finally:
        server.close()
        nursery.close()
    return report


def _run(
    report: Report,
    server: KillingServer,
    nursery: _Nursery,
    task: dict[str, Any],
    point: str,
    chance: random.Random,
) -> None:
    addresses, database = task["readers"], Path(task["database"])
    server.received.clear()
    server.disarm()
    pid = nursery.start(task)
    delay = chance.uniform(0, 0.006) if point == "between commits" else 0.0
    if point == "any moment":
        nursery.go()
        time.sleep(chance.uniform(0, 0.002 * len(addresses)))
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    else:
        server.arm(point, chance.randrange(len(addresses) - task["connections"]), delay, pid)
        nursery.go()
    was_killed = nursery.wait() == -signal.SIGKILL
    server.disarm()
    time.sleep(0.02)  # what was on its way to the server when the process died
    doubtful = _doubtful(database)
    nursery.start(task)
    nursery.go()
    status = nursery.wait()
    _compare(report, Counter(server.received), doubtful, addresses, task["connections"], point)
    with open_store(database) as store:
        tally = deliveries.tally(store, [row["id"] for row in store.rows("SELECT id FROM issues")])
    if status or tally.accepted != len(addresses):
        report.wrong.append(f"{point}: exit {status}, {tally}")
    report.runs += 1
    report.killed += was_killed
    report.points[point] += was_killed


def _compare(
    report: Report,
    received: Counter[tuple[str, str]],
    doubtful: set[str],
    addresses: list[str],
    connections: int,
    point: str,
) -> None:
    copies = Counter[str]()
    for (address, _), count in received.items():
        copies[address] += count
    if len(received) != len(copies):
        report.wrong.append(f"{point}: a copy has another Message-ID")
    repeated = {address for address, count in copies.items() if count > 1}
    report.messages += copies.total()
    report.lost += [f"{point}: {address}" for address in addresses if not copies[address]]
    report.undeclared += [f"{point}: {address}" for address in repeated - doubtful]
    report.repeated += len(repeated)
    report.in_doubt += len(doubtful)
    report.most_in_doubt = max(report.most_in_doubt, len(doubtful))
    if len(doubtful) > connections:
        report.wrong.append(f"{point}: {len(doubtful)} in doubt")


def _doubtful(database: Path) -> set[str]:
    """Who is in doubt after a death: named by the ledger itself."""
    with open_store(database) as store:
        deliveries.recover(store, datetime.now(UTC))
        return {row["address"] for row in store.rows("SELECT address FROM deliveries WHERE state = 'uncertain'")}


def _content() -> IssueContent:
    item = IssueItem(
        1, 1, "https://a.example/1", "A post", "A", "https://a.example", "", None, "en", "ltr", "", "", True
    )
    now = datetime.now(UTC)
    return IssueContent("daily", "Daily", 1, "News", now, "UTC", "en", "Planet", "https://planet.example", (item,))


def _freeze(database: Path, addresses: list[str], own: bool) -> None:
    letters = [Letter(one, f"<1.{one}>") for one in addresses]
    with open_store(database) as store:
        if not own:
            issues.freeze(store, _content(), letters, None, datetime.now(UTC))
            return
        with store.write():
            for number, letter in enumerate(letters):
                content = replace(_content(), edition=personal_name("daily", f"r{number}"))
                issues.freeze(store, content, [letter], None, datetime.now(UTC))


def _deliver(task: dict[str, Any]) -> int:
    readers: Edition = replace(edition(), subscribers=tuple(map(Subscriber, task["readers"])))
    server = SmtpServer(HOST, task["port"], "none")
    office = replace(_OFFICE, open_transport=lambda: open_smtp(server), connections=task["connections"])
    with open_store(Path(task["database"])) as store:
        file_readers.sync(store, [readers], datetime.now(UTC))
        deliver.deliver(store, readers, office, Pace(lambda: datetime.now(UTC), lambda: False, time.sleep))
    return 0


def main() -> None:
    """Forks a delivery for each task on standard input: says its id, lets it begin at the next line, says its end."""
    render(_content(), _OFFICE)  # what is loaded for that is loaded once
    for line in iter(sys.stdin.readline, ""):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.read(reader, 1)
            try:
                os._exit(_deliver(json.loads(line)))
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
                os._exit(1)
        print(pid, flush=True)
        sys.stdin.readline()
        os.write(writer, b"!")
        os.close(reader)
        os.close(writer)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
