"""SIGKILL at ten moments of a poll and of a send: nothing is lost, nothing comes twice."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.feeds import blog
from tests.killing import POINTS, run_kills
from tests.origin import Answer, Origin
from tests.sites import Site
from tidings.demo.sink import Mailbox, take_mail

SOURCES = 24
POSTS = 8
READERS = 40
MOMENTS = 10
CONNECTIONS = 4  # as many as there are unless the configuration says otherwise


def test_a_poll_killed_at_ten_moments_loses_and_repeats_nothing(site: Site, origin: Origin) -> None:
    """A poll is killed after each n-th answer of the origin; the poll after it stores every post exactly once."""
    names = [f"blog{n}" for n in range(SOURCES)]
    for index, name in enumerate(names):
        posts = blog(range(POSTS, 0, -1), link=f"https://{name}.example/").replace(
            b"blog.example/", f"{name}.example/".encode()
        )
        origin.serve(f"/{name}", Answer(200, posts, {"ETag": f'"{index}"'}, delay=0.01 * (index % 4)))
    site.configure([(name, origin.url(f"/{name}")) for name in names], workers="processes")
    for moment in range(1, MOMENTS + 1):
        for leftover in (site.folder / "data").glob("tidings.db*"):
            leftover.unlink()
        origin.requests.clear()
        process = site.start("poll")
        _wait_until(lambda moment=moment: len(origin.requests) >= moment * SOURCES // MOMENTS, process)
        time.sleep(0.004 * moment)
        _kill(process)
        site.run("poll", "--all")
        found = Counter((post["source"], post["guid"]) for post in site.posts())
        assert found == {(name, f"post-{n}"): 1 for name in names for n in range(1, POSTS + 1)}, f"moment {moment}"


def test_a_send_killed_at_ten_moments_reaches_each_reader_once(site: Site, origin: Origin) -> None:
    """A send is killed after each n-th message; run again, it reaches the rest, and only messages that were in flight,
    one for each connection, may come a second time; it names them, and they have the same Message-ID."""
    origin.serve_feed("/blog", blog([2, 1]))
    readers = [f"reader{n}@readers.example" for n in range(READERS)]
    with take_mail() as mailbox:
        transport = f"smtp://127.0.0.1:{mailbox.port}"
        site.configure([("blog", origin.url("/blog"))], subscribers=readers, transport=transport)
        for moment in range(MOMENTS):
            for leftover in (site.folder / "data").glob("tidings.db*"):
                leftover.unlink()
            mailbox.received.clear()
            site.run("poll")
            process = site.start("send", "weekly")
            _wait_until(lambda moment=moment: len(mailbox.received) > moment * READERS // (MOMENTS + 1), process)
            time.sleep(0.0015 * moment)
            _kill(process)
            done = site.run("send", "weekly")
            _assert_each_reader_once(mailbox, readers, done.stderr)
            assert "nothing was sent" in site.run("send", "weekly").stdout


@pytest.mark.parametrize(
    ("connections", "own"), [(1, False), (4, False), (4, True)], ids=["one", "four", "readers' own"]
)
def test_deliveries_killed_at_every_point_of_a_message_lose_and_repeat_nothing(
    tmp_path: Path, connections: int, own: bool
) -> None:
    """Killed by the mail server before and after each of its answers, a delivery that is run again reaches every one;
    who gets a second copy was named by the ledger before it went out, one for each connection at most. The same for
    readers who all have issues of their own."""
    report = run_kills(tmp_path, runs=12, readers=40, connections=connections, seed=connections, own=own)
    assert (report.lost, report.undeclared, report.wrong) == ([], [], [])
    assert report.runs == 12
    assert report.most_in_doubt <= connections
    assert report.repeated <= report.in_doubt
    assert set(report.points) == set(POINTS)
    assert report.killed >= 10


def test_a_send_into_a_folder_killed_at_ten_moments_leaves_one_file_each(site: Site, origin: Origin) -> None:
    """With the file transport not even the message in flight comes twice: its file has its Message-ID for a name."""
    origin.serve_feed("/blog", blog([2, 1]))
    readers = [f"reader{n}@readers.example" for n in range(READERS)]
    site.configure([("blog", origin.url("/blog"))], subscribers=readers)
    outbox = site.folder / "outbox"
    for moment in range(MOMENTS):
        for leftover in [*(site.folder / "data").glob("tidings.db*"), *outbox.glob("*")]:
            leftover.unlink()
        site.run("poll")
        process = site.start("send", "weekly")
        _wait_until(lambda moment=moment: len(list(outbox.glob("*.eml"))) > moment * READERS // (MOMENTS + 1), process)
        _kill(process)
        site.run("send", "weekly")
        addressed = Counter(_header(path, "To") for path in outbox.glob("*.eml"))
        assert addressed == dict.fromkeys(readers, 1), f"moment {moment}"


def _assert_each_reader_once(mailbox: Mailbox, readers: list[str], said: str) -> None:
    copies = Counter(received.recipient for received in mailbox.received)
    assert set(copies) == set(readers)
    repeated = {reader for reader, count in copies.items() if count > 1}
    assert len(repeated) <= CONNECTIONS
    for reader in repeated:
        assert f"{reader}: what became of an earlier try is not known" in said
        identities = {
            message_from_bytes(received.message)["Message-ID"]
            for received in mailbox.received
            if received.recipient == reader
        }
        assert len(identities) == 1


def _header(path: Path, name: str) -> str:
    return str(message_from_bytes(path.read_bytes())[name])


def _wait_until(reached, process: subprocess.Popen[str]) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 30
    while not reached() and process.poll() is None:
        if time.monotonic() > deadline:
            pytest.fail("the command did not get as far as it should")
        time.sleep(0.001)


def _kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
