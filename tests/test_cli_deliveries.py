"""`tidings deliveries` and what `tidings send` says of deliveries, as an operator meets them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.feeds import blog
from tests.origin import Origin
from tests.sites import Site
from tests.smtp_servers import ScriptedServer
from tests.test_docs import COMMANDS, fenced, section

READERS = ("ann@readers.example", "bob@readers.example", "cyd@readers.example")


@pytest.fixture
def polled(site: Site, origin: Origin) -> Site:
    """A site with two posts; mail goes wherever a test says."""
    origin.serve_feed("/blog", blog([2, 1]))
    configure(site, origin, "file:outbox")
    site.run("poll")
    return site


def configure(site: Site, origin: Origin, transport: str, mail: str = "") -> None:
    site.configure([("blog", origin.url("/blog"))], subscribers=READERS, transport=transport)
    path = site.folder / "config.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[mail]\n", f"[mail]\nconnections = 1\n{mail}"), encoding="utf-8")


def change(site: Site, sql: str) -> None:
    with closing(sqlite3.connect(site.folder / "data/tidings.db")) as connection, connection:
        connection.execute(sql)


def states(site: Site) -> dict[str, str]:
    return {row["address"]: row["state"] for row in site.json("deliveries", "list")}


def test_who_got_what_is_listed(polled: Site, origin: Origin) -> None:
    """Each reader with state, tries and the server's words; by issue, state and reader; also as JSON, with the keys
    that the page shows."""
    script = {"RCPT": lambda before: "550 5.1.1 no such user" if before == 1 else "250 ok"}
    with ScriptedServer(script) as server:
        configure(polled, origin, f"smtp://127.0.0.1:{server.port}")
        assert polled.run("send", "weekly", check=False).returncode == 1
    rows = polled.json("deliveries", "list", "weekly")
    assert [(row["address"], row["state"], row["reply"]) for row in rows] == [
        (READERS[0], "accepted", "250 queued"),
        (READERS[1], "rejected", "550 5.1.1 no such user"),
        (READERS[2], "accepted", "250 queued"),
    ]
    (shown,) = fenced(section(COMMANDS, "tidings deliveries"), "json")
    assert list(json.loads(shown)[0]) == list(rows[0])
    assert [row["address"] for row in polled.json("deliveries", "list", "--state", "rejected")] == [READERS[1]]
    assert [row["address"] for row in polled.json("deliveries", "list", "--address", READERS[2].upper())] == [
        READERS[2]
    ]
    assert "550 5.1.1 no such user" in polled.run("deliveries", "list", "weekly-1").stdout
    assert polled.run("deliveries", "list", "weekly-9", check=False).returncode == 1
    assert polled.run("deliveries", "list", "--state", "lost", check=False).returncode == 2


def test_what_is_uncertain_is_decided(polled: Site, origin: Origin) -> None:
    """Held, named with its server's silence, and sent again or counted as sent when the operator says so."""
    with ScriptedServer({".": lambda before: "250 queued" if before > 1 else None}) as server:
        configure(polled, origin, f"smtp://127.0.0.1:{server.port}", 'on_uncertain = "hold"\n')
        done = polled.run("send", "weekly", check=False)
        assert done.returncode == 1
        assert f"{READERS[0]}: not known whether it came" in done.stderr
        assert "balance: 3 readers = 1 delivered" in done.stderr
        assert "2 open" in done.stderr
        polled.run("send", "weekly", check=False)
        assert list(states(polled).values()) == ["uncertain", "uncertain", "accepted"]
        assert (
            f"{READERS[0]}: counted as delivered"
            in polled.run("deliveries", "resolve", "weekly-1", READERS[0], "--sent").stdout
        )
        polled.run("deliveries", "resolve", "weekly-1", "--send")
        done = polled.run("send", "weekly")
        assert f"{READERS[1]}: what became of an earlier try is not known" in done.stderr
    assert set(states(polled).values()) == {"accepted"}
    assert len(server.messages) == 4


def test_what_is_too_old_is_told_and_sent_all_the_same(polled: Site) -> None:
    """The message has the command that sends it; that works, and nobody gets it twice."""
    polled.run("send", "weekly")
    change(polled, "UPDATE deliveries SET state = 'pending', attempts = 0, reply = ''")
    change(polled, "UPDATE issues SET released_at = '2020-01-01T00:00:00.000000+00:00'")
    for path in (polled.folder / "outbox").glob("*.eml"):
        path.unlink()
    done = polled.run("send", "weekly", check=False)
    assert done.returncode == 1
    assert "weekly-1: 3 mails are not sent" in done.stderr
    assert "`tidings deliveries resolve weekly-1 --send`" in done.stderr
    polled.run("deliveries", "resolve", "weekly-1", "--send")
    polled.run("send", "weekly")
    assert len(list((polled.folder / "outbox").glob("*.eml"))) == 3
    assert "nothing was sent" in polled.run("send", "weekly").stdout


@pytest.mark.parametrize("options", [[], ["--sent", "--send"]])
def test_a_decision_is_one(polled: Site, options: list[str]) -> None:
    """None, or two, is a mistake on the command line."""
    done = polled.run("deliveries", "resolve", "weekly-1", *options, check=False)
    assert done.returncode == 2
    assert "--give-up" in done.stderr


def test_nothing_to_decide_is_said(polled: Site) -> None:
    """Readers with their mail stay as they are."""
    polled.run("send", "weekly")
    assert "nothing waits for that" in polled.run("deliveries", "resolve", "weekly-1", "--give-up").stderr
    done = polled.run("deliveries", "resolve", "weekly-1", READERS[0], "--send", check=False)
    assert (done.returncode, READERS[0] in done.stderr) == (1, True)
    assert set(states(polled).values()) == {"accepted"}
