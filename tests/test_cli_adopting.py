"""`tidings adopt`, and what other commands say of a database that was restored or copied: real commands and mails."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.feeds import item, rss
from tests.origin import Origin
from tests.sites import Site, command, environment
from tidings.demo.sink import Mailbox, free_port, take_mail

READERS = ["ann@readers.example", "bob@readers.example"]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with take_mail() as mailbox:
        yield mailbox


@pytest.fixture
def sending(site: Site, origin: Origin, mailbox: Mailbox) -> Site:
    """A site that has mailed its first issue."""
    serve(origin, 1)
    configure(site, origin, mailbox)
    site.run("poll")
    site.run("send", "weekly")
    mailbox.received.clear()
    return site


def configure(site: Site, origin: Origin, mailbox: Mailbox, **more: str) -> None:
    transport = f"smtp://127.0.0.1:{mailbox.port}"
    site.configure([("a", origin.url("/a"))], subscribers=READERS, transport=transport, **more)


def serve(origin: Origin, *numbers: int) -> None:
    """A blog with these posts; each is an hour old."""
    date = format_datetime(datetime.now(UTC) - timedelta(hours=1))
    origin.serve_feed("/a", rss([item(number, date=date) for number in numbers]))


def mailed(mailbox: Mailbox) -> list[str]:
    return sorted(one.recipient for one in mailbox.received)


def value(site: Site, sql: str) -> object:
    with closing(sqlite3.connect(site.folder / "data/tidings.db")) as connection:
        return connection.execute(sql).fetchone()[0]


def copy_of(site: Site, folder: Path) -> Site:
    shutil.copytree(site.folder, folder)
    return Site(folder)


def test_a_copy_sends_nothing_until_it_is_adopted(
    sending: Site, origin: Origin, mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It polls, shows and sends tests as ever; an issue is neither frozen nor mailed, and the message has the command
    that changes it. The original goes on."""
    copy = copy_of(sending, tmp_path_factory.mktemp("copies") / "staging")
    serve(origin, 2, 1)
    copy.run("poll", "--all")
    done = copy.run("send", "weekly", check=False)
    assert done.returncode == 1
    assert "nothing is sent" in done.stderr
    assert "its file is not the one that it last sent as" in done.stderr
    assert "It last sent on 20" in done.stderr
    assert "`tidings adopt`" in done.stderr
    assert (value(copy, "SELECT count(*) FROM issues"), mailbox.received) == (1, [])
    copy.run("send", "weekly", "--to", "me@readers.example")
    assert mailed(mailbox) == ["me@readers.example"]
    sending.run("poll", "--all")
    sending.run("send", "weekly")
    assert mailed(mailbox) == [*READERS, "me@readers.example"]
    copy.run("adopt", "--yes")
    copy.run("send", "weekly")
    assert mailed(mailbox) == sorted([*READERS, *READERS, "me@readers.example"])
    assert "there is nothing to adopt" in copy.run("adopt").stdout
    assert "there is nothing to adopt" in sending.run("adopt").stdout


def test_a_backup_from_last_night_repeats_nothing(sending: Site, origin: Origin, mailbox: Mailbox) -> None:
    """The posts that were mailed after the backup count as mailed, once they are fetched again; what came later goes
    out, and what was skipped says so."""
    database = sending.folder / "data/tidings.db"
    shutil.copy(database, sending.folder / "backup")
    serve(origin, 2, 1)
    sending.run("poll", "--all")
    sending.run("send", "weekly")
    assert mailed(mailbox) == READERS
    mailbox.received.clear()
    shutil.copy(sending.folder / "backup", database)

    done = sending.run("adopt", check=False)
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert "that it knows nothing of" in done.stdout
    assert "whoever unsubscribed or complained" in done.stdout
    assert "`tidings adopt --skip-numbers` before the first poll" in done.stdout
    assert "weekly: next: Fri" in done.stdout
    suggested = done.stdout.rpartition("`--skip-until ")[2].partition("`")[0]
    assert "not polled since then: a" in done.stdout
    assert "not polled since then: a" in sending.run("adopt", "--skip-until", suggested, check=False).stdout
    assert sending.run("send", "weekly", check=False).returncode == 1

    time.sleep(1.1)  # the moment is told to the second
    origin.serve_feed("/a", rss([item(3), item(2, date=format_datetime(datetime.now(UTC) - timedelta(hours=1)))]))
    sending.run("poll", "--all")
    done = sending.run("adopt", "--skip-until", suggested, "--yes")
    assert "weekly: 1 post for its next issue" in done.stdout
    assert "not polled" not in done.stdout
    sending.run("send", "weekly")
    assert mailed(mailbox) == READERS
    assert b"The text of post 3" in mailbox.received[0].message
    assert b"The text of post 2" not in mailbox.received[0].message
    assert "taken for mailed" in sending.run("explain", "https://blog.example/2").stdout


def test_numbers_of_pages_are_not_given_again(site: Site, origin: Origin) -> None:
    """After a backup is put back, posts that come get numbers beyond any that the lost time can have used, also where
    nothing was ever mailed; what was there keeps its own."""
    site.configure([("a", origin.url("/a"))])
    serve(origin, 1)
    site.run("poll")
    database = site.folder / "data/tidings.db"
    shutil.copy(database, site.folder / "backup")
    serve(origin, 2, 1)
    site.run("poll", "--all")
    used = value(site, "SELECT max(id) FROM posts")
    shutil.copy(site.folder / "backup", database)
    done = site.run("adopt", "--skip-numbers")
    serve(origin, 3, 2, 1)
    site.run("poll", "--all")
    assert used == 2
    assert done.stdout == "posts that come from now on are numbered from 10003 on\n"
    with closing(sqlite3.connect(database)) as connection:
        assert [row[0] for row in connection.execute("SELECT id FROM posts ORDER BY id")] == [1, 10_003, 10_004]


@pytest.mark.parametrize("other", ["--yes", "--skip-until=2026-11-28"])
def test_skipping_numbers_stands_alone(site: Site, origin: Origin, other: str) -> None:
    """With another option it would do only half of what is asked: that is a mistake, and nothing is changed."""
    site.configure([("a", origin.url("/a"))])
    serve(origin, 1)
    done = site.run("adopt", "--skip-numbers", other, check=False)
    assert done.returncode == 2
    assert "--skip-numbers" in done.stderr
    site.run("poll")
    assert value(site, "SELECT min(id) FROM posts") == 1


def test_numbers_are_skipped_before_the_first_post(site: Site, origin: Origin) -> None:
    """An empty database, too, may stand in for one whose pages are known."""
    site.configure([("a", origin.url("/a"))])
    serve(origin, 1)
    site.run("adopt", "--skip-numbers")
    site.run("poll")
    assert value(site, "SELECT min(id) FROM posts") == 10_001


def test_what_is_left_of_an_issue_is_told_and_skipped(sending: Site, mailbox: Mailbox) -> None:
    """Open mails are named with their issue; skipped, they expire, and can be sent all the same. That also works where
    nothing differs, as after a whole machine was set back."""
    with closing(sqlite3.connect(sending.folder / "data/tidings.db")) as connection, connection:
        connection.execute("UPDATE deliveries SET state = 'inflight' WHERE address LIKE 'bob%'")
    done = sending.run("adopt", "--skip-until", "0m", "--yes")
    assert "restored" not in done.stdout
    assert "weekly-1: 1 mail" in done.stdout
    rows = {row["address"]: (row["state"], row["reply"]) for row in sending.json("deliveries", "list")}
    assert rows[READERS[1]] == ("expired", "taken for mailed when the database was adopted")
    assert rows[READERS[0]][0] == "accepted"
    sending.run("send", "weekly")
    assert mailbox.received == []
    sending.run("deliveries", "resolve", "weekly-1", "--send")
    sending.run("send", "weekly")
    assert mailed(mailbox) == [READERS[1]]


def test_without_skipping_nothing_is_skipped(sending: Site, mailbox: Mailbox) -> None:
    """What was open stays open, and goes out with the next send."""
    with closing(sqlite3.connect(sending.folder / "data/tidings.db")) as connection, connection:
        connection.execute("UPDATE deliveries SET state = 'pending'")
        connection.execute("UPDATE sender SET file = 'inode 0'")
    assert "2 not sent yet" in sending.run("adopt", "--yes").stdout
    sending.run("send", "weekly")
    assert mailed(mailbox) == READERS


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)])
def test_a_terminal_is_asked(sending: Site, answer: str, status: int) -> None:
    """Yes adopts; anything else changes nothing."""
    (sending.folder / "data/sender-2.json").unlink()
    mine, its = pty.openpty()
    process = subprocess.Popen(
        command("adopt"), cwd=sending.folder, env=environment(), stdin=its, stdout=subprocess.PIPE, text=True
    )
    os.write(mine, f"{answer}\n".encode())
    said, _ = process.communicate(timeout=60)
    os.close(mine)
    os.close(its)
    assert "sender-*.json) is missing" in said
    assert process.returncode == status
    assert (sending.folder / "data/sender-3.json").exists() == (status == 0)


def test_a_moment_to_come_is_a_mistake(sending: Site) -> None:
    """Nobody knows yet what will be mailed until then."""
    assert sending.run("adopt", "--skip-until", "2999-01-01", check=False).returncode == 2
    assert sending.run("adopt", "--skip-until", "yesterday", check=False).returncode == 2


def test_the_daemon_says_it_once_and_goes_on_polling(site: Site, origin: Origin, mailbox: Mailbox) -> None:
    """With a slot due, a copied database freezes no issue; polls and pages go on. Adopted, it sends within a tick."""
    serve(origin, 1)
    slot = (datetime.now(UTC) - timedelta(minutes=5)).strftime("daily %H:%M")
    configure(site, origin, mailbox, listen=f"127.0.0.1:{free_port()}", schedule=slot)
    site.run("poll")
    site.run("send", "weekly")
    mailbox.received.clear()
    with closing(sqlite3.connect(site.folder / "data/tidings.db")) as connection, connection:
        connection.execute("UPDATE editions SET since = '2020-01-01T00:00:00.000000+00:00'")
        connection.execute("UPDATE sender SET file = 'inode 0'")
        connection.execute("UPDATE feeds SET next_poll_at = NULL, polled_at = NULL")
        connection.execute("UPDATE hosts SET asked_at = NULL")
    serve(origin, 2, 1)
    process = site.start("run")
    wait_for(lambda: value(site, "SELECT count(*) FROM posts") == 2, process)
    time.sleep(12)
    assert (value(site, "SELECT count(*) FROM issues"), value(site, "SELECT count(*) FROM slots")) == (1, 0)
    site.run("adopt", "--yes")
    wait_for(lambda: len(mailbox.received) == 2, process)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert said.count("freeze weekly: ") == said.count("`tidings adopt`") == 1


def wait_for(reached, process: subprocess.Popen[str]) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_folder_of_mails_may_be_copied(site: Site, origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`file:` reaches nobody: a copy writes its files without being adopted."""
    serve(origin, 1)
    site.configure([("a", origin.url("/a"))], subscribers=READERS)
    site.run("poll")
    site.run("send", "weekly")
    copy = copy_of(site, tmp_path_factory.mktemp("copies") / "copy")
    serve(origin, 2, 1)
    copy.run("poll", "--all")
    copy.run("send", "weekly")
    assert len(list((copy.folder / "outbox").glob("*.eml"))) == 4
