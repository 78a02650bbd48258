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
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the test suite runs the kills that are counted here

from tests.builders import edition  # noqa: E402
from tests.killing import run_kills  # noqa: E402

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


def bare(port: int, count: int, connections: int, ready: bytes) -> float:
    """Messages a second by smtplib alone: ready-made bytes in a loop on as many connections."""

    def loop(own: list[str]) -> None:
        with smtplib.SMTP(HOST, port) as session:
            for address in own:
                session.sendmail("digest@planet.example", [address], ready)

    everyone = list(addresses(count))
    threads = [threading.Thread(target=loop, args=(everyone[n::connections],)) for n in range(connections)]
    return _rate(count, lambda: _all(threads))


def _all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _rate(count: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return count / (time.perf_counter() - begun)


def ours(folder: Path, port: int, count: int, connections: int, signed: bool, linked: bool) -> dict[str, float]:
    """The same by a delivery pass, with the ledger on disk: rate, CPU milliseconds a message, peak memory in MB."""
    office = _office(port, connections, signed, linked)
    readers = replace(edition(), subscribers=tuple(map(Subscriber, addresses(count))))
    database = folder / "tidings.db"
    for leftover in folder.glob("tidings.db*"):
        leftover.unlink()
    with open_store(database) as store:
        frozen = content()
        file_readers.sync(store, [readers], datetime.now(UTC))
        issues.freeze(store, frozen, [Letter(one, f"<1.{one}>") for one in addresses(count)], None, datetime.now(UTC))
        pace = Pace(lambda: datetime.now(UTC), lambda: False, time.sleep)
        cpu, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        rate = _rate(count, lambda: _sent_all(deliver.deliver(store, readers, office, pace), count))
    return {
        "rate": rate,
        "cpu_ms": 1000 * (time.process_time() - cpu) / count,
        "mb_before": memory / 1024,
        "mb_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _sent_all(dispatch: deliver.Dispatch, count: int) -> None:
    if dispatch.tally.accepted != count:
        raise SystemExit(f"not all were delivered: {dispatch.tally}")


def _office(port: int, connections: int, signed: bool, linked: bool = False) -> PostOffice:
    server = SmtpServer(HOST, port, "none")
    signers = (Signer("planet.example", "one", new_key("rsa")),) if signed else ()
    return PostOffice(SENDER, "", "", lambda: open_smtp(server), signers=signers, connections=connections,
                      one_click=linked)  # fmt: skip


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Rounds of both by turns, and the ratio of the best of each."""
    reader: Edition = edition()
    office = _office(0, 1, False)
    frozen = content()
    ready = message(frozen, render_mail(frozen, office), reader, office, "reader1@r1.example", datetime.now(UTC))
    rounds: list[dict[str, Any]] = []
    for _ in range(options.rounds):
        with sink(options.connections) as port, tempfile.TemporaryDirectory(dir=options.folder) as folder:
            plain = bare(port, options.readers, options.connections, ready)
            mine = ours(Path(folder), port, options.readers, options.connections, options.dkim, options.links)
        rounds.append({"bare_rate": plain, **mine})
    best = {key: max(one[key] for one in rounds) for key in ("bare_rate", "rate")}
    return {
        "readers": options.readers,
        "connections": options.connections,
        "dkim": options.dkim,
        "links": options.links,
        "octets": len(ready),
        "ratio": best["rate"] / best["bare_rate"],
        "rounds": rounds,
    }


def main() -> None:
    """Prints a report as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=10_000, metavar="N")
    parser.add_argument("--connections", type=int, default=4, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--dkim", action="store_true")
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
    print(json.dumps(asdict(report), indent=2))
    sys.exit(bool(report.lost or report.undeclared or report.wrong))


if __name__ == "__main__":
    main()
