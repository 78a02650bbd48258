"""`tidings deliveries` and what `tidings send` says of deliveries, as an operator meets them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from threading import Event

import pytest

from tests.feeds import blog
from tests.origin import Origin
from tests.sites import Site
from tests.smtp_servers import ScriptedServer
from tests.test_docs import COMMANDS, fenced, section
from tidings import config
from tidings.cli import issuing
from tidings.cli.running import _Sending

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


def test_what_a_crash_left_in_doubt_is_named_with_what_to_do(polled: Site, origin: Origin) -> None:
    """By the next send, that sends nothing of it where it is held; and by the daemon, once, however often it looks."""
    configure(polled, origin, "file:outbox", 'on_uncertain = "hold"\n')
    polled.run("send", "weekly")
    change(polled, f"UPDATE deliveries SET state = 'inflight', attempts = 0 WHERE address = '{READERS[1]}'")
    done = polled.run("send", "weekly", check=False)
    assert done.returncode == 1
    assert "nothing was sent, and of 1 mail it is not known" in done.stdout
    assert f"{READERS[1]}: not known whether it came: in flight when its process ended" in done.stderr
    assert "`tidings deliveries resolve weekly-1 --sent`" in done.stderr
    assert "`tidings deliveries resolve weekly-1 --send`" in done.stderr
    loaded = config.load(polled.folder / "config.toml")
    sending = _Sending(loaded, issuing.post_office(loaded), Event())
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("click.echo", lambda text, **_: said.append(text))
        sending.in_turn()
        sending.in_turn()
    assert sum(READERS[1] in line for line in said) == 1
    assert sum("--sent" in line for line in said) == 1
    polled.run("deliveries", "resolve", "weekly-1", "--sent")
    assert polled.run("send", "weekly").stderr == ""


def test_after_a_second_doubt_it_is_decided(polled: Site, origin: Origin) -> None:
    """Once it goes again by itself, which is said; then what decides is named."""
    with ScriptedServer({".": lambda before: "250 queued" if before % 3 else None}) as server:
        configure(polled, origin, f"smtp://127.0.0.1:{server.port}")
        first = polled.run("send", "weekly", check=False).stderr
        assert f"{READERS[0]}: not known whether it came" in first
        assert "1 of these is sent once more without being asked" in first
        assert "resolve" not in first
        second = polled.run("send", "weekly", check=False).stderr
        assert f"{READERS[0]}: not known whether it came" in second
        assert second.count(READERS[0]) == 1
        assert "without being asked" not in second
        assert "`tidings deliveries resolve weekly-1 --sent`" in second


def test_what_went_before_the_server_failed_is_told(polled: Site, origin: Origin) -> None:
    """With names and balance, before the error."""
    readers = {"RCPT": lambda before: ("250 ok", "550 5.1.1 no such user", "530 5.7.0 log in first")[before]}
    with ScriptedServer(readers) as server:
        configure(polled, origin, f"smtp://127.0.0.1:{server.port}")
        done = polled.run("send", "weekly", check=False)
    assert done.returncode == 1
    assert "1 delivered, 1 refused, 1 not sent yet" in done.stdout
    lines = done.stderr.splitlines()
    assert lines[0].startswith("balance: 3 readers = 1 delivered + 1 refused")
    assert lines[1] == f"{READERS[1]}: refused: 550 5.1.1 no such user"
    assert lines[2].startswith("tidings: ")
    assert "no mail is taken without a login" in lines[2]


def test_the_daemon_tells_what_went_before_the_server_failed(
    polled: Site, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `send` does, and the error behind it."""
    polled.run("send", "weekly")
    change(polled, "UPDATE deliveries SET state = 'pending'")
    script = {"RCPT": lambda before: ("550 5.1.1 no such user", "530 5.7.0 log in first")[before]}
    with ScriptedServer(script) as server:
        configure(polled, origin, f"smtp://127.0.0.1:{server.port}")
        loaded = config.load(polled.folder / "config.toml")
        _Sending(loaded, issuing.post_office(loaded), Event()).in_turn()
    out, err = capsys.readouterr()
    assert "1 refused, 2 not sent yet" in out
    assert f"{READERS[0]}: refused" in err
    assert err.splitlines()[-1].startswith("send weekly: ")


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


def test_an_issue_that_nobody_got_is_not_called_sent(polled: Site) -> None:
    """Its mails given up are counted as that, and not as refused."""
    polled.run("send", "weekly")
    change(polled, "UPDATE deliveries SET state = 'expired', attempts = 0")
    assert polled.json("issues", "list")["issues"][0]["state"] == "undelivered"
    polled.run("deliveries", "resolve", "weekly-1", READERS[0], "--give-up")
    change(polled, f"UPDATE deliveries SET state = 'rejected', reply = '550 no' WHERE address = '{READERS[1]}'")
    (row,) = polled.json("issues", "list")["issues"]
    counts = {state: count for state, count in row["deliveries"].items() if count}
    assert (row["state"], counts) == ("undelivered", {"rejected": 1, "given_up": 1, "expired": 1})
    said = polled.run("issues", "list").stdout
    assert "1 refused, 1 given up, 1 too old to be sent" in said
    change(polled, f"UPDATE deliveries SET state = 'accepted' WHERE address = '{READERS[1]}'")
    assert polled.json("issues", "list")["issues"][0]["state"] == "sent"


def test_what_a_list_leaves_out_is_said(polled: Site) -> None:
    """On standard error, so that who reads the rows with a program gets rows alone."""
    polled.run("send", "weekly")
    done = polled.run("deliveries", "list", "--limit", "1")
    assert (len(done.stdout.splitlines()), done.stderr) == (2, "2 more; `--limit 3` lists them all\n")
    assert polled.run("deliveries", "list", "--limit", "1", "--json").stderr == done.stderr
    assert polled.run("deliveries", "list", "--limit", "3").stderr == ""
    assert polled.run("deliveries", "list", "--address", READERS[0], "--limit", "1").stderr == ""
