"""How fast an issue is delivered, and what is left by a kill. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import os
import resource
import smtplib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the test suite runs the kills that are counted here

from tests.builders import edition  # noqa: E402
from tests.killing import Report, run_kills  # noqa: E402
from tests.postfix import run_postfix  # noqa: E402

from tidings import deliver  # noqa: E402
from tidings.demo.sink import free_port  # noqa: E402
from tidings.dispatching import Pace  # noqa: E402
from tidings.letters import PostOffice, message  # noqa: E402
from tidings.letters import render as render_mail  # noqa: E402
from tidings.mail.dkim import Signer  # noqa: E402
from tidings.mail.keys import new_key  # noqa: E402
from tidings.mail.smtp import SmtpServer, open_smtp  # noqa: E402
from tidings.model import Edition, IssueContent, IssueItem, Subscriber  # noqa: E402
from tidings.store import file_readers, issues, open_store  # noqa: E402
from tidings.store.issues import Letter  # noqa: E402

SINK = "/usr/sbin/smtp-sink"
HOST = "127.0.0.1"
SENDER = "Planet <digest@planet.example>"
BOUNCES = "bounces@planet.example"
SYNCS = 50
ENOUGH_KILLED = 0.8
STORIES = 12
WORDS = "Once upon a time there was a blog that nobody read, and it went on all the same. "


def content() -> IssueContent:
    """An issue of the usual size: its mail has some 50 kB."""
    html, text = f"<p>{WORDS * 12}</p>", WORDS * 12
    items = tuple(
        IssueItem(n, n, f"https://a.example/{n}", f"Post {n}", "A", "https://a.example", "", None, "en", "ltr",
                  html, text, True)
        for n in range(1, STORIES + 1)
    )  # fmt: skip
    now = datetime.now(UTC)
    return IssueContent("daily", "Daily", 1, "News", now, "UTC", "en", "Planet", "https://planet.example", items)


def addresses(count: int) -> Iterator[str]:
    """Readers in fifty domains."""
    return (f"reader{number}@r{number % 50}.example" for number in range(count))


@dataclass(frozen=True)
class Server:
    """Where messages go, and how to wait until it has nothing left to do."""

    port: int
    rest: Callable[[], object]


@contextmanager
def started(name: str, connections: int, folder: Path) -> Iterator[Server]:
    """One that keeps nothing: Postfix's smtp-sink, or a whole Postfix with its queue in `folder`, which discards."""
    if name == "postfix":
        with run_postfix({"default_transport": "discard:"}, within=folder) as postfix:
            yield Server(postfix.port, postfix.settle)
        return
    with sink(connections) as port:
        yield Server(port, lambda: None)


@contextmanager
def sink(connections: int) -> Iterator[int]:
    """Postfix's smtp-sink: takes everything, keeps nothing."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([SINK, *user, "-m", str(connections + 2), f"{HOST}:{port}", "100"])
    try:
        time.sleep(0.3)
        yield port
    finally:
        process.terminate()
        process.wait()


def bare(port: int, count: int, connections: int, ready: bytes) -> dict[str, float]:
    """What smtplib alone does: ready-made bytes in a loop on as many connections, and no ledger."""

    def loop(own: list[str]) -> None:
        with smtplib.SMTP(HOST, port) as session:
            for address in own:
                session.sendmail("digest@planet.example", [address], ready)

    everyone = list(addresses(count))
    threads = [threading.Thread(target=loop, args=(everyone[n::connections],)) for n in range(connections)]
    return measured(count, lambda: _all(threads))


def _all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measured(count: int, work: Callable[[], object]) -> dict[str, float]:
    """Messages a second, CPU milliseconds a message, and the most memory this process had before and after, in MB."""
    before, cpu, begun = _most_memory(), time.process_time(), time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    return {
        "rate": count / seconds,
        "cpu_ms": 1000 * (time.process_time() - cpu) / count,
        "mb_before": before,
        "mb_peak": _most_memory(),
    }


def _most_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(folder: Path, office: PostOffice, count: int) -> dict[str, float]:
    """The same by a delivery pass, with the ledger on disk."""
    readers = replace(edition(), subscribers=tuple(map(Subscriber, addresses(count))))
    database = folder / "tidings.db"
    for leftover in folder.glob("tidings.db*"):
        leftover.unlink()
    with open_store(database) as store:
        frozen = content()
        file_readers.sync(store, [readers], datetime.now(UTC))
        issues.freeze(store, frozen, [Letter(one, f"<1.{one}>") for one in addresses(count)], None, datetime.now(UTC))
        pace = Pace(lambda: datetime.now(UTC), lambda: False, time.sleep)
        return measured(count, lambda: _sent_all(deliver.deliver(store, readers, office, pace), count))


def _sent_all(dispatch: deliver.Dispatch, count: int) -> None:
    if dispatch.tally.accepted != count:
        raise SystemExit(f"not all were delivered: {dispatch.tally}")


def _office(port: int, options: argparse.Namespace) -> PostOffice:
    server = SmtpServer(HOST, port, "none")
    signers = (Signer("planet.example", "one", new_key("rsa")),) if options.dkim else ()
    return PostOffice(
        SENDER,
        "",
        "",
        lambda: open_smtp(server),
        signers=signers,
        bounces=BOUNCES if options.bounces else "",
        connections=options.connections,
        one_click=options.links,
    )


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Rounds of both by turns, and the ratio of the best of each. Both send the same number of octets."""
    reader: Edition = edition()
    office, frozen = _office(0, options), content()
    ready = message(frozen, render_mail(frozen, office), reader, office, "reader1@r1.example", datetime.now(UTC))
    rounds: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postfix has to get at its queue
        sync_ms = _sync_ms(folder)
        for _ in range(options.rounds):
            with started(options.server, options.connections, folder) as server:
                plain = bare(server.port, options.readers, options.connections, ready)
                server.rest()
                mine = ours(folder, _office(server.port, options), options.readers)
                server.rest()
            rounds.append({"bare": plain, "ours": mine})
    best = {who: max(one[who]["rate"] for one in rounds) for who in ("bare", "ours")}
    return {
        "server": options.server,
        "readers": options.readers,
        "connections": options.connections,
        "dkim": options.dkim,
        "bounces": options.bounces,
        "links": options.links,
        "octets": len(ready),
        "sync_ms": sync_ms,
        "ratio": best["ours"] / best["bare"],
        "rounds": rounds,
    }


def _sync_ms(folder: Path) -> float:
    """How long the disk takes for a page that has to last: the ledger waits for it, the bare loop does not."""
    with (folder / "page").open("wb", buffering=0) as file:
        begun = time.perf_counter()
        for _ in range(SYNCS):
            file.write(bytes(4096))
            os.fsync(file.fileno())
    return 1000 * (time.perf_counter() - begun) / SYNCS


def verdict(report: Report) -> tuple[bool, str]:
    """Whether the kills broke no promise, and what they came to on one line. Runs that nobody killed prove nothing."""
    good = not (report.lost or report.undeclared or report.wrong) and report.killed >= ENOUGH_KILLED * report.runs
    parts = (
        "good:" if good else "BROKEN:",
        f"{report.killed} of {report.runs} runs killed, at {len(report.points)} points;",
        f"{report.messages} messages, {len(report.lost)} lost, {len(report.undeclared)} repeated without being named,",
        f"{report.in_doubt} in doubt (at once {report.most_in_doubt}), of them {report.repeated} repeated,",
        f"{len(report.wrong)} otherwise wrong",
    )
    return good, " ".join(parts)


def main() -> None:
    """Prints a report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=("smtp-sink", "postfix"), default="smtp-sink")
    parser.add_argument("--readers", type=int, default=10_000, metavar="N")
    parser.add_argument("--connections", type=int, default=4, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--dkim", action="store_true")
    parser.add_argument("--bounces", action="store_true", help="give each mail a return address of its own")
    parser.add_argument("--links", action="store_true", help="give each reader a link of their own")
    parser.add_argument("--folder", metavar="DIR")
    parser.add_argument("--kills", type=int, default=0, metavar="N", help="kill this many deliveries instead")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    options = parser.parse_args()
    if not options.kills:
        print(json.dumps(compare(options), indent=2))
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        report = run_kills(Path(folder), options.kills, options.readers, options.connections, options.seed)
    print(json.dumps(vars(report), indent=2))
    good, line = verdict(report)
    print(line, file=sys.stderr)
    sys.exit(not good)


if __name__ == "__main__":
    main()
