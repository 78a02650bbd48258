"""`tidings bounces` and `tidings suppressions`, as a mail server and an operator meet them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping

import pytest

from tests.feeds import blog
from tests.origin import Origin
from tests.returned_mail import DSN, MAILBOX, START, coded, mail_issue, report
from tests.sites import Site, command, environment
from tests.smtp_servers import ScriptedServer
from tests.test_docs import COMMANDS, fenced, section
from tidings.cli.bounces import tell_new
from tidings.intake import take
from tidings.model import Arrival
from tidings.store import Store

ANN, BOB = "ann@readers.example", "bob@readers.example"
NOT_NOW = os.EX_TEMPFAIL


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def mailing(site: Site, origin: Origin, server: ScriptedServer) -> Site:
    """A site whose mail goes to a server, and comes back to a mailbox."""
    configure(site, origin, server)
    return site


def configure(site: Site, origin: Origin, server: ScriptedServer, *subscribers: str) -> None:
    site.configure(
        [("blog", origin.url("/blog"))],
        subscribers=subscribers or (ANN, BOB),
        transport=f"smtp://127.0.0.1:{server.port}",
        more=f'\n[mail.bounces]\naddress = "{MAILBOX}"\n',
    )


def send_issue(site: Site, origin: Origin, posts: int) -> None:
    """Has the site mail an issue with its newest posts."""
    origin.serve_feed("/blog", blog(list(range(posts, 0, -1))))
    site.run("poll", "--all")
    site.run("send", "weekly")


def sent_from(server: ScriptedServer, reader: str) -> str:
    """The envelope's sender of the last mail to a reader."""
    lines = server.heard
    place = max(number for number, line in enumerate(lines) if line.startswith(f"RCPT TO:<{reader}>"))
    found: list[str] = re.findall(r"MAIL FROM:<([^>]*)>", "\n".join(lines[:place]))
    return found[-1]


def stop_address(server: ScriptedServer, reader: str) -> str:
    """Where the last mail to a reader says that he unsubscribes."""
    mail = [text.decode() for text in server.messages if f"To: {reader}".encode() in text][-1]
    found: list[str] = re.findall(r"List-Unsubscribe: <mailto:([^?]*)\?", mail)
    return found[0]


def dsn(to: str, words: str = "550 5.1.1 no such user") -> bytes:
    return DSN.format(to=to, reader=ANN, action="failed", status=words.split()[1], words=words).encode()


def receive(
    site: Site, message: bytes, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Pipes a message into the command, as a mail server does."""
    return subprocess.run(
        command("bounces", "receive", *arguments),
        input=message,
        cwd=site.folder,
        env={**environment(), **(variables or {})},
        capture_output=True,
        timeout=60,
    )


def test_a_reader_who_bounces_twice_is_left_out(mailing: Site, origin: Origin, server: ScriptedServer) -> None:
    """Two issues that came back, piped in one after the other: the third does not go to that reader, and `deliveries
    list` says why; when somebody undoes it the fourth does."""
    for posts in (1, 2):
        send_issue(mailing, origin, posts)
        back = sent_from(server, ANN)
        done = receive(mailing, dsn(back), "--sender", "", "--recipient", back)
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    send_issue(mailing, origin, 3)
    assert sum(line == f"RCPT TO:<{ANN}>" for line in server.heard) == 2
    assert sum(line == f"RCPT TO:<{BOB}>" for line in server.heard) == 3
    [row] = mailing.json("deliveries", "list", "weekly-3", "--address", ANN)
    assert row["state"] == "suppressed"
    assert re.fullmatch(r"mail to it bounced \(\d{4}-\d\d-\d\d\): 550 5\.1\.1 no such user", row["reply"])
    assert [one["effect"] for one in mailing.json("bounces", "list")] == ["suppressed", "counted"]
    [suppressed] = mailing.json("suppressions", "list")
    assert (suppressed["address"], suppressed["edition"], suppressed["reason"]) == (ANN, None, "bounced")
    assert (
        f"edition weekly is not mailed to 1 of its subscribers ({ANN}, since mail to it bounced"
        in mailing.run("check").stderr
    )
    assert mailing.run("suppressions", "remove", ANN).stdout == f"{ANN}: mailed again\n"
    send_issue(mailing, origin, 4)
    assert sum(line == f"RCPT TO:<{ANN}>" for line in server.heard) == 3


@pytest.mark.parametrize(
    "named",
    [
        {"SENDER": "", "ORIGINAL_RECIPIENT": "{}", "RECIPIENT": "root@localhost"},
        {"SENDER": "MAILER-DAEMON", "RECIPIENT": "{}"},
        {},
    ],
)
def test_a_mail_server_names_the_envelope(
    mailing: Site, origin: Origin, server: ScriptedServer, named: dict[str, str]
) -> None:
    """In the variables of Postfix and Exim, or not at all: then the message says whom it was sent to. A line that a
    mailbox file begins with does not matter, nor what the message says was its path."""
    send_issue(mailing, origin, 1)
    back = sent_from(server, ANN)
    variables = {name: value.format(back) for name, value in named.items()}
    message = b"From MAILER-DAEMON Sat Nov 28 08:00:00 2026\n" + dsn(back)
    assert receive(mailing, message, variables=variables).returncode == 0
    [row] = mailing.json("bounces", "list")
    assert (row["address"], row["issue"], row["kind"], row["effect"]) == (ANN, "weekly-1", "bounce", "counted")
    assert row["known_by"] == ("envelope" if named else "claim")


def test_a_reader_unsubscribes_by_mail(mailing: Site, origin: Origin, server: ScriptedServer) -> None:
    """With the address in his mail, whatever he writes, also when he is taken out of the file and put back."""
    send_issue(mailing, origin, 1)
    text = f"From: Ann <ann@home.example>\nTo: {stop_address(server, ANN)}\nSubject: (no subject)\n\nSent from afar\n"
    assert receive(mailing, text.encode(), variables={"SENDER": "ann@home.example"}).returncode == 0
    configure(mailing, origin, server, BOB)
    assert mailing.json("subscribers", "list")[0]["address"] == ANN
    configure(mailing, origin, server, ANN, BOB)
    send_issue(mailing, origin, 2)
    assert mailing.json("deliveries", "list", "weekly-2", "--address", ANN) == []
    [ann, bob] = mailing.json("subscribers", "list")
    assert (ann["status"], ann["subscriptions"][0]["ended_by"], bob["status"]) == ("left", "mail", "active")


def test_what_nobody_understands_is_shown_and_forgotten(mailing: Site, origin: Origin) -> None:
    """It is listed with whom it says it is from, shown as it came, and gone when told so; the command that helps a
    reader who asks without a code is named."""
    send_issue(mailing, origin, 1)
    text = f"From: {ANN}\nSubject: unsubscribe\n\n\x1b[2Jplease\n".encode()
    assert receive(mailing, text, "--sender", ANN, "--recipient", MAILBOX).returncode == 0
    assert receive(mailing, b"Subject: auto\nAuto-Submitted: auto-replied\n\naway\n").returncode == 0
    away, asked = mailing.json("bounces", "list")
    assert (away["kind"], away["effect"], away["claimed"]) == ("auto-reply", "noted", None)
    assert (asked["kind"], asked["effect"], asked["address"], asked["claimed"]) == ("unsubscribe", "kept", None, ANN)
    assert [row["id"] for row in mailing.json("bounces", "list", "--kept")] == [asked["id"]]
    assert f"({ANN})" in mailing.run("bounces", "list").stdout
    shown = mailing.run("bounces", "show", str(asked["id"]))
    assert shown.stdout.endswith(text.decode())
    assert shown.stdout.startswith(f"Return-Path: <{ANN}>")
    assert f"`tidings suppressions add {ANN}`" in shown.stderr
    assert mailing.run("bounces", "show", str(away["id"]), check=False).returncode == 1
    assert mailing.run("bounces", "forget", str(asked["id"]), "99", check=False).returncode == 1
    assert mailing.json("bounces", "list", "--kept") == []


def test_a_terminal_is_not_written_on(mailing: Site, origin: Origin) -> None:
    """What a message holds cannot move the cursor of who looks at it."""
    send_issue(mailing, origin, 1)
    receive(mailing, b"Subject: hello\n\n\x1b[2Jgone \xff\n", "--recipient", MAILBOX)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command("bounces", "show", "1"), cwd=mailing.folder, env=environment(), stdout=theirs, stderr=subprocess.PIPE
    )
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:  # how a terminal says that nobody is at its other end any more
        pass
    assert process.wait(60) == 0
    assert b"gone" in text
    assert b"\x1b" not in text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("rm config.toml", "config.toml"),
        ("echo nonsense > config.toml", "config.toml"),
        ("sed -i '/mail.bounces/,$d' config.toml", "[mail.bounces]"),
        ("echo no database, really > data/tidings.db; rm -f data/tidings.db-*", "tidings.db"),
    ],
)
def test_what_cannot_be_saved_is_left_to_the_mail_server(
    mailing: Site, origin: Origin, server: ScriptedServer, spoil: str, words: str
) -> None:
    """Whatever is wrong, the exit status says "later", and one line says why."""
    send_issue(mailing, origin, 1)
    subprocess.run(spoil, shell=True, cwd=mailing.folder, check=True)
    done = receive(mailing, dsn(sent_from(server, ANN)))
    assert done.returncode == NOT_NOW
    assert done.stdout == b""
    assert words in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_a_long_message_is_read_to_its_end(mailing: Site) -> None:
    """The mail server gets rid of all of it, and the beginning counts."""
    mailing.run("deliveries", "list")
    process = subprocess.Popen(
        command("bounces", "receive"), cwd=mailing.folder, env=environment(), stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(b"Subject: hello\n\n" + b"x" * 9_000_000)  # raises BrokenPipeError where nobody reads on
    process.stdin.close()
    assert process.wait(60) == 0
    shown = mailing.run("bounces", "show", "1")
    assert "cut: the message had 2000000 bytes" in shown.stderr


def test_suppressing_by_hand(mailing: Site, origin: Origin, server: ScriptedServer) -> None:
    """Of one edition or of all; also who is no subscriber, of whom only the beginning of what stands for him is shown;
    twice is once; mistakes are told."""
    assert mailing.run("suppressions", "list").stderr == "nobody is suppressed\n"
    assert (
        mailing.run("suppressions", "add", ANN, "--edition", "weekly").stdout == f"{ANN}: not mailed weekly any more\n"
    )
    assert "already" in mailing.run("suppressions", "add", ANN.upper(), "--edition", "weekly").stdout
    assert (
        mailing.run("suppressions", "add", "cyd@no.example").stdout == "cyd@no.example: not mailed anything any more\n"
    )
    rows = {row["key"]: row["address"] for row in mailing.json("suppressions", "list")}
    assert sorted(rows.values(), key=str) == [None, ANN]
    [key] = [key for key, address in rows.items() if address is None]
    assert f"#{key}" in mailing.run("suppressions", "list").stdout
    assert mailing.run("suppressions", "add", "nonsense", check=False).returncode == 2
    assert mailing.run("suppressions", "add", ANN, "--edition", "daily", check=False).returncode == 2
    assert "nothing was changed" in mailing.run("suppressions", "remove", "dan@no.example").stderr
    send_issue(mailing, origin, 1)
    assert [line for line in server.heard if line.startswith("RCPT")] == [f"RCPT TO:<{BOB}>"]


def test_reports_are_documented(mailing: Site, origin: Origin, server: ScriptedServer) -> None:
    """The page shows the keys that both reports print, in their order."""
    send_issue(mailing, origin, 1)
    receive(mailing, dsn(sent_from(server, ANN)))
    mailing.run("suppressions", "add", ANN)
    for name in ("bounces", "suppressions"):
        (shown,) = fenced(section(COMMANDS, f"tidings {name}"), "json")
        assert list(json.loads(shown)[0]) == list(mailing.json(name, "list")[0])


def test_what_concerns_the_operator_is_told(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """What is our fault, who gets no more mail, who unsubscribed, and what is kept: a line each, once, and nothing of
    what is only counted or noted."""
    one, two, three = (mail_issue(store, ANN, number=number)[0] for number in (1, 2, 3))
    for arrival in (
        report(store, one, "5.7.1", "550 5.7.1 blocked"),
        report(store, two),
        report(store, three, words="550 5.1.1 \x1b[2Jgone"),
        Arrival(ANN, coded(store, one, "unsubscribe"), b"Subject: stop\n\n"),
        Arrival(ANN, MAILBOX, b"Subject: hello\n\n"),
        Arrival(ANN, MAILBOX, b"Subject: away\nAuto-Submitted: auto-replied\n\n"),
    ):
        take(store, arrival, MAILBOX, START)
    assert tell_new(store, 0) == 6
    assert capsys.readouterr().err.splitlines() == [
        f"bounces: our mail to {ANN} was refused for what we are or sent (policy): 550 5.7.1 blocked",
        f"bounces: {ANN} gets no more mail, since it bounces: 550 5.1.1  [2Jgone",
        f"bounces: {ANN} has unsubscribed from weekly",
        "bounces: a message that nobody understood, or nobody's, is kept: `tidings bounces show 5`",
    ]
    assert tell_new(store, 6) == 6
    assert capsys.readouterr().err == ""


def test_a_flood_is_told_of_in_short(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """The newest of them, and that there are more."""
    for number in range(30):
        take(store, Arrival("a@b.example", MAILBOX, b"Subject: hello %d\n\n" % number), MAILBOX, START)
    assert tell_new(store, 0) == 30
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 21
    assert told[-1] == "and more came back: `tidings bounces list`"


def test_the_daemon_tells_of_what_a_pipe_took(mailing: Site, origin: Origin, server: ScriptedServer) -> None:
    """While it runs, within two ticks, on standard error, and nothing of what was there before it started."""
    send_issue(mailing, origin, 1)
    receive(mailing, dsn(sent_from(server, ANN), "550 5.7.1 refused before"))
    path = mailing.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("127.0.0.1:8000", "127.0.0.1:18431"), encoding="utf-8")
    process = mailing.start("run")
    assert process.stderr is not None
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    try:
        assert "serving" in process.stderr.readline()
        receive(mailing, dsn(sent_from(server, ANN), "550 5.7.1 refused now"))
        said = next(line for line in process.stderr if line.startswith("bounces: "))
    finally:
        watchdog.cancel()
        process.terminate()
        process.wait(60)
    assert said == f"bounces: our mail to {ANN} was refused for what we are or sent (policy): 550 5.7.1 refused now\n"
