"""`tidings run` as a real process, and the ticker by itself."""

from __future__ import annotations

import fcntl
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.feeds import blog
from tests.origin import Origin
from tests.sites import Site
from tidings import config, daemon
from tidings.cli.publishing import Publishing
from tidings.demo.sink import Mailbox, free_port, take_mail
from tidings.errors import StoreError

READERS = [f"reader{n}@readers.example" for n in range(30)]


def test_the_daemon_polls_publishes_serves_and_ends_with_exit_0(site: Site, origin: Origin) -> None:
    """Started on an empty database it polls, publishes and serves by itself; SIGTERM ends it with status 0 and leaves a
    whole database; started again it asks nobody before their time."""
    origin.serve_feed("/a", blog([2, 1]))
    port = free_port()
    site.configure([("a", origin.url("/a"))], listen=f"127.0.0.1:{port}")
    with running(site) as process:
        wait_for(lambda: "Post 2" in get(port, "/"), process)
        wait_for(lambda: "Post 2" in get(port, "/atom.xml"), process)
        assert stop(process) == 0
    with sqlite3.connect(site.folder / "data/tidings.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with running(site) as process:
        wait_for(lambda: "Post 2" in get(port, "/"), process)
        time.sleep(1)
        assert stop(process) == 0
    assert origin.count("/a") == 1


def test_a_missed_slot_gets_one_issue_and_a_restart_no_second(site: Site, origin: Origin) -> None:
    """After three days of sleep a daily edition sends one issue, to each reader once, however often it is restarted;
    the issue is then served beside the page."""
    origin.serve_feed("/a", blog([2, 1]))
    port = free_port()
    with take_mail() as mailbox:
        slot = (datetime.now(UTC) - timedelta(minutes=5)).strftime("daily %H:%M")
        configure(site, origin, mailbox, port, slot)
        site.run("poll")
        make_older(site, days=3)
        for _ in range(2):
            with running(site) as process:
                wait_for(lambda: len(mailbox.received) >= len(READERS), process)
                wait_for(lambda: "Post 2" in get(port, "/issues/weekly-1.html"), process)
                time.sleep(0.5)
                assert stop(process) == 0
        assert sorted(received.recipient for received in mailbox.received) == sorted(READERS)


def test_sigterm_finishes_the_message_in_hand(site: Site, origin: Origin) -> None:
    """Stopped within an issue, the daemon ends with status 0; the next send mails the rest, and nobody twice."""
    origin.serve_feed("/a", blog([2, 1]))
    with take_mail() as mailbox:
        slot = (datetime.now(UTC) - timedelta(minutes=5)).strftime("daily %H:%M")
        configure(site, origin, mailbox, free_port(), slot, more_mail='rate = "20/s"')
        site.run("poll")
        make_older(site, days=1)
        with running(site) as process:
            wait_for(lambda: len(mailbox.received) >= 3, process)
            assert stop(process) == 0
        assert 3 <= len(mailbox.received) < len(READERS)
        site.run("send", "weekly")
        assert sorted(received.recipient for received in mailbox.received) == sorted(READERS)


def test_publishing_that_waits_keeps_nothing_else_waiting(site: Site, origin: Origin) -> None:
    """While another process publishes, the daemon serves and polls, and ends when it is told to."""
    origin.serve_feed("/a", blog([2, 1]))
    port = free_port()
    site.configure([("a", origin.url("/a"))], listen=f"127.0.0.1:{port}")
    site.run("publish")
    with (site.folder / "data/publish.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with running(site) as process:
            wait_for(lambda: bool(get(port, "/")), process)
            wait_for(lambda: origin.count("/a") == 1, process)
            assert stop(process) == 0


def test_what_was_done_to_files_by_hand_is_mended_within_the_hour(site: Site, origin: Origin) -> None:
    """A page that somebody changed, and one that is gone, wait for no news of a blog; to look for them with each tick
    would be too much."""
    origin.serve_feed("/a", blog([2, 1]))
    site.configure([("a", origin.url("/a"))])
    site.run("poll")
    public, now = site.folder / "data/public", [datetime(2026, 11, 23, 12, 0, tzinfo=UTC)]
    publishing = Publishing(config.load(site.folder / "config.toml"), public, lambda: False, lambda: now[0])
    publishing.tick()
    page = (public / "index.html").read_text(encoding="utf-8")
    (public / "index.html").write_text("by hand", encoding="utf-8")
    (public / "posts/1.html").unlink()
    now[0] += timedelta(minutes=59)
    publishing.tick()
    assert (public / "index.html").read_text(encoding="utf-8") == "by hand"
    now[0] += timedelta(minutes=1)
    publishing.tick()
    assert (public / "index.html").read_text(encoding="utf-8") == page
    assert (public / "posts/1.html").exists()


def test_a_page_that_cannot_be_made_is_not_tried_with_each_tick(site: Site, origin: Origin) -> None:
    """After a failure all files wait a minute, then two, up to an hour, since to look at thousands takes seconds; what
    is new since then is published at once. The error is told all the while. When all could be made, the pauses begin
    anew."""
    origin.serve_feed("/a", blog([2, 1]))
    site.configure([("a", origin.url("/a"))])
    site.run("poll")
    public, now = site.folder / "data/public", [datetime(2026, 11, 23, 12, 0, tzinfo=UTC)]
    publishing = Publishing(config.load(site.folder / "config.toml"), public, lambda: False, lambda: now[0])
    public.mkdir()
    (public / "404.html").mkdir()

    def fail() -> None:
        with pytest.raises(StoreError, match=r"404\.html"):
            publishing.tick()

    def fails_after(pause: timedelta) -> None:
        """Whether all is looked through is told by a file that is gone."""
        (public / "robots.txt").unlink()
        now[0] += pause - timedelta(seconds=1)
        fail()
        assert not (public / "robots.txt").exists()
        now[0] += timedelta(seconds=1)
        fail()
        assert (public / "robots.txt").exists()

    fail()
    for minutes in (1, 2, 4, 8, 16, 32, 60, 60):
        fails_after(timedelta(minutes=minutes))
    origin.serve_feed("/a", blog([3, 2, 1]))
    site.run("poll", "--all")
    fail()
    assert "Post 3" in (public / "index.html").read_text(encoding="utf-8")
    (public / "404.html").rmdir()
    now[0] += timedelta(hours=1)
    publishing.tick()
    (public / "404.html").unlink()
    (public / "404.html").mkdir()
    now[0] += timedelta(hours=1)
    fail()
    fails_after(timedelta(minutes=1))


def test_a_folder_that_is_gone_is_filled_with_the_next_tick(site: Site, origin: Origin) -> None:
    """Without its first page a site is nothing, so that one file is looked for each time."""
    origin.serve_feed("/a", blog([2, 1]))
    site.configure([("a", origin.url("/a"))])
    site.run("poll")
    public, now = site.folder / "data/public", datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    publishing = Publishing(config.load(site.folder / "config.toml"), public, lambda: False, lambda: now)
    publishing.tick()
    shutil.rmtree(public)
    publishing.tick()
    assert (public / "index.html").exists()
    assert (public / "posts/1.html").exists()


def test_what_the_file_says_otherwise_is_published_at_the_start(site: Site, origin: Origin) -> None:
    """Also when no post has come: the title of the site may be another."""
    port = free_port()
    site.configure([("a", origin.url("/a"))], listen=f"127.0.0.1:{port}")
    with running(site) as process:
        wait_for(lambda: "Test Planet" in get(port, "/"), process)
        assert stop(process) == 0
    path = site.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('title = "Test Planet"', 'title = "Other"'))
    with running(site) as process:
        wait_for(lambda: "<title>Other" in get(port, "/"), process)
        assert stop(process) == 0


def test_a_slot_is_kept_while_a_delivery_takes_long(site: Site, origin: Origin) -> None:
    """While an issue can't go, since another process delivers for hours, the edition's next slot still has its issue;
    it must not pass because a mail server is slow."""
    origin.serve_feed("/a", blog([2, 1]))
    with take_mail() as mailbox:
        slot = (datetime.now(UTC) - timedelta(minutes=5)).strftime("daily %H:%M")
        configure(site, origin, mailbox, free_port(), slot)
        site.run("poll")
        make_older(site, days=1)
        with (site.folder / "data/deliver.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with running(site) as process:
                wait_for(lambda: _slots(site) == 1, process)
                time.sleep(1)
                assert mailbox.received == []
                with closing(sqlite3.connect(site.folder / "data/tidings.db")) as connection, connection:
                    connection.execute("DELETE FROM slots")
                    connection.execute("UPDATE issues SET slot = NULL")
                wait_for(lambda: _slots(site) == 1, process)
                assert stop(process) == 0


def test_a_new_edition_waits_for_its_first_slot(site: Site, origin: Origin) -> None:
    """A daemon set up after today's slot has passed sends nothing until the next one."""
    origin.serve_feed("/a", blog([2, 1]))
    port = free_port()
    with take_mail() as mailbox:
        slot = (datetime.now(UTC) - timedelta(minutes=5)).strftime("daily %H:%M")
        configure(site, origin, mailbox, port, slot)
        with running(site) as process:
            wait_for(lambda: "Post 2" in get(port, "/"), process)
            time.sleep(1)
            assert stop(process) == 0
        assert mailbox.received == []


def test_an_issue_that_is_too_late_is_told_and_not_sent(site: Site, origin: Origin) -> None:
    """Started thirteen hours after its slot, a daily edition says that the issue is not made, once, and mails nobody;
    its posts are still new."""
    origin.serve_feed("/a", blog([2, 1]))
    with take_mail() as mailbox:
        slot = (datetime.now(UTC) - timedelta(hours=13)).strftime("daily %H:%M")
        configure(site, origin, mailbox, free_port(), slot)
        site.run("poll")
        make_older(site, days=3)
        for start in range(2):
            with running(site) as process:
                wait_for(lambda: _slots(site) == 1, process)
                time.sleep(0.5)
                process.send_signal(signal.SIGTERM)
                _, said = process.communicate(timeout=30)
            assert ("would be 13h" in said and "is not made" in said) == (start == 0)
        assert mailbox.received == []
    assert "Post 2" in site.run("preview", "weekly").stdout


def _slots(site: Site) -> int:
    with closing(sqlite3.connect(site.folder / "data/tidings.db")) as connection:
        return int(connection.execute("SELECT count(*) FROM slots").fetchone()[0])


def test_a_port_in_use_is_a_clear_error(site: Site, origin: Origin) -> None:
    """When the address to serve on is taken, the daemon says so and names the key, with status 1."""
    site.configure([("a", origin.url("/a"))], listen=f"127.0.0.1:{origin.port}")
    done = site.run("run", check=False)
    assert (done.returncode, "[web] listen" in done.stderr) == (1, True)


def test_ticks_run_at_once_and_again_and_one_that_raises_stops_no_other() -> None:
    """Every tick is called at the start and then repeatedly, also one that raised before."""
    calls = {"good": 0, "bad": 0}
    stopped = threading.Event()

    def good() -> None:
        calls["good"] += 1
        if calls["good"] >= 3 and calls["bad"] >= 3:
            stopped.set()

    def bad() -> None:
        calls["bad"] += 1
        raise RuntimeError("on purpose")

    timer = threading.Timer(20, stopped.set)
    timer.start()
    daemon.run({"good": good, "bad": bad}, stopped, seconds=0.05)
    timer.cancel()
    assert calls["good"] >= 3
    assert calls["bad"] >= 3


def test_stopping_waits_for_the_tick_at_work() -> None:
    """`run` returns only after a tick that was under way has ended."""
    ended = []
    stopped = threading.Event()

    def slow() -> None:
        stopped.set()
        time.sleep(0.3)
        ended.append(True)

    daemon.run({"slow": slow}, stopped, seconds=60)
    assert ended == [True]


def configure(site: Site, origin: Origin, mailbox: Mailbox, port: int, schedule: str, more_mail: str = "") -> None:
    site.configure(
        [("a", origin.url("/a"))],
        subscribers=READERS,
        transport=f"smtp://127.0.0.1:{mailbox.port}",
        schedule=schedule,
        listen=f"127.0.0.1:{port}",
    )
    path = site.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("[web]", f"{more_mail}\n[web]"), encoding="utf-8")


def make_older(site: Site, days: int) -> None:
    """Makes the database look as if its editions had been set up some days ago and nothing had run since."""
    with sqlite3.connect(site.folder / "data/tidings.db") as connection:
        since = (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="microseconds")
        connection.execute("UPDATE editions SET since = ?", (since,))
    connection.close()


@contextmanager
def running(site: Site) -> Iterator[subprocess.Popen[str]]:
    process = site.start("run")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert "Traceback" not in said, said
    return process.returncode


def wait_for(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the daemon did not get as far as it should"
        time.sleep(0.05)


def get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except (urllib.error.URLError, ConnectionError):
        return ""


def test_a_long_tick_is_no_complaint(capfd: pytest.CaptureFixture[str]) -> None:
    """A tick that outlasts many intervals is not started beside itself, and nothing is said about it."""
    stopped = threading.Event()
    runs: list[float] = []

    def long() -> None:
        runs.append(time.monotonic())
        time.sleep(0.5)
        stopped.set()

    daemon.run({"long": long}, stopped, seconds=0.05)
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(runs))
    assert capfd.readouterr().err == ""
