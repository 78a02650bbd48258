"""Issues through a real Postfix: what it takes, rewrites, refuses and throttles, and what it sends back."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.feeds import item, rss
from tests.origin import Origin
from tests.postfix import HOST, SENDMAIL, Postfix, require_postfix, run_postfix
from tests.sasl import passwords
from tests.sites import Site
from tests.smtp_servers import Script, ScriptedServer, certificate
from tests.test_cli_dkim import add, sign
from tests.test_deliver import START, freeze
from tests.test_dkim import BOTH, results
from tests.transports import Clock
from tidings import deliver
from tidings.dispatching import Pace
from tidings.letters import PostOffice
from tidings.mail import bounces
from tidings.mail.message import Message
from tidings.mail.sendmail import open_sendmail
from tidings.mail.smtp import SmtpServer, open_smtp
from tidings.mail.transport import Parcel, always
from tidings.mail.verp import delivery_of
from tidings.model import Report
from tidings.store import Store, open_store
from tidings.store.site import secret

BOUNCES = "bounces@planet.example"
CONNECTIONS = 4


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    require_postfix()
    with run_postfix() as postfix:
        yield postfix


def make(site: Site, origin: Origin, port: int, readers: Sequence[str], mail: str = "", title: str = "News") -> None:
    """A polled site that sends through a Postfix, with bounces; `mail` is more for its [mail] table."""
    origin.serve_feed("/blog", rss([item(1, title=title, text="<p>Grüße.</p><p>.</p>"), item(2)]))
    configure(site, origin, f"smtp://{HOST}:{port}", readers, mail)
    site.run("poll")


def configure(site: Site, origin: Origin, transport: str, readers: Sequence[str], mail: str = "") -> None:
    site.configure([("blog", origin.url("/blog"))], subscribers=readers, transport=transport)
    add(site, f'[mail.bounces]\naddress = "{BOUNCES}"')
    path = site.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("[mail]\n", f"[mail]\n{mail}"), encoding="utf-8")


def named(count: int) -> list[str]:
    return [f"reader{number}@readers.example" for number in range(count)]


def states(site: Site) -> dict[str, tuple[str, str]]:
    """The state of each reader's delivery, and what the server said."""
    return {row["address"]: (row["state"], row["reply"]) for row in site.json("deliveries", "list")}


def office(postfix: Postfix) -> PostOffice:
    """One that sends through a Postfix."""
    server = SmtpServer(HOST, postfix.port, "none")
    return PostOffice("digest@planet.example", "", "", lambda: open_smtp(server), connections=CONNECTIONS)


def envelope(letter: bytes) -> tuple[str, str]:
    """Sender and reader, as Postfix noted them above the message."""
    head = message_from_bytes(letter)
    return str(head["Return-Path"]).strip("<>"), str(head["X-Original-To"])


def copies(postfix: Postfix) -> Counter[str]:
    return Counter(envelope(letter)[1] for letter in postfix.letters())


# ---------------------------------------------------------------------------------------------------- what it takes


def test_an_issue_reaches_300_readers_once(site: Site, origin: Origin, postfix: Postfix, tmp_path: Path) -> None:
    """Each has it once, from an address that names the delivery, with nothing added below what Postfix writes above it,
    and OpenDKIM finds both signatures right."""
    readers = named(300)
    make(site, origin, postfix.port, readers)
    records = sign(site, "rsa", "ed25519")
    assert "300 delivered" in site.run("send", "weekly").stdout
    postfix.settle()
    assert copies(postfix) == dict.fromkeys(readers, 1)
    with open_store(site.folder / "data" / "tidings.db") as store:
        deliveries = {row["address"]: row["id"] for row in store.rows("SELECT id, address FROM deliveries")}
        code = secret(store)
    identities = set()
    for letter in postfix.letters():
        sender, reader = envelope(letter)
        above, _, _ = letter.partition(b"DKIM-Signature:")
        message = message_from_bytes(letter)
        assert delivery_of(sender, BOUNCES, code) == deliveries[reader]
        assert re.findall(rb"^([\w-]+):", above, re.MULTILINE) == [
            b"Return-Path",
            b"X-Original-To",
            b"Delivered-To",
            b"Received",
        ]
        assert message["To"] == reader
        assert {name for name, count in Counter(message.keys()).items() if count > 1} == {"DKIM-Signature"}
        identities.add(message["Message-ID"])
    assert len(identities) == 300
    for letter in postfix.letters()[::30]:
        assert results(tmp_path, letter, records) == ["pass", "pass"]


def test_what_postfix_offers_is_used_as_it_wants_it(site: Site, origin: Origin, postfix: Postfix) -> None:
    """A hundred messages go over one connection, sender and reader in one write, which Postfix would refuse from who
    does not wait where waiting is due; nothing is said twice, and none of its offers is used that it did not make."""
    make(site, origin, postfix.port, named(60), "connections = 1\n")
    site.run("send", "weekly")
    postfix.settle()
    assert "mail=60 rcpt=60 data=60 quit=1 commands=182" in postfix.log
    assert "improper command pipelining" not in postfix.log
    assert "bdat" not in postfix.log


def test_a_reader_outside_ascii_needs_smtputf8() -> None:
    """Where Postfix offers that, it takes the address; where it does not, the reader is refused, and nobody else."""
    require_postfix()
    message = Message("To: jörg@readers.example\r\nSubject: x\r\n\r\n".encode(), b"Hello\r\n")
    parcel = Parcel("digest@planet.example", "jörg@readers.example", lambda: message)
    for enabled, state in (("yes", "accepted"), ("no", "rejected")):
        with run_postfix({"smtputf8_enable": enabled}) as postfix:
            with open_smtp(SmtpServer(HOST, postfix.port, "none")) as transport:
                assert transport.send(parcel, always).state == state
            postfix.settle()
            assert len(postfix.letters()) == (state == "accepted")


def test_a_message_is_never_larger_than_postfix_says(site: Site, origin: Origin) -> None:
    """What its SIZE forbids is not offered; that is about the message, so no reader is refused."""
    require_postfix()
    with run_postfix({"message_size_limit": "2000"}) as postfix:
        make(site, origin, postfix.port, named(3))
        done = site.run("send", "weekly", check=False)
        assert (done.returncode, "octets, and the mail server takes no more than 2000" in done.stderr) == (1, True)
        assert {state for state, _ in states(site).values()} == {"pending"}
        assert "from=<bounces" not in postfix.log


def test_mail_is_encrypted_for_a_postfix_that_wants_it(
    site: Site, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With STARTTLS and an authority of one's own; without encryption nothing is taken, and no reader is to blame."""
    require_postfix()
    file, _ = certificate(tmp_path)
    settings = {
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_cert_file": str(file),
        "smtpd_tls_key_file": str(file.with_suffix(".key")),
        "smtpd_tls_received_header": "yes",
    }
    with run_postfix(settings) as postfix:
        make(site, origin, postfix.port, named(3))
        done = site.run("send", "weekly", check=False)
        assert (done.returncode, "Must issue a STARTTLS command first" in done.stderr) == (1, True)
        assert {state for state, _ in states(site).values()} == {"pending"}
        configure(site, origin, f"smtp+starttls://localhost:{postfix.port}", named(3))
        assert "ertificate" in site.run("send", "weekly", check=False).stderr
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        site.run("send", "weekly")
        postfix.settle()
        assert copies(postfix) == dict.fromkeys(named(3), 1)
        assert all(b"with ESMTPS id" in letter for letter in postfix.letters())


@pytest.mark.parametrize(
    ("password", "said"),
    [("right", ""), ("wrong", "check the password"), (None, "refuses the message itself, 5 times")],
)
def test_a_postfix_with_a_login_takes_mail_of_who_has_one(
    site: Site, origin: Origin, monkeypatch: pytest.MonkeyPatch, password: str | None, said: str
) -> None:
    """The right password lets mail through; a wrong one, or none, is told the operator, and no reader pays for it."""
    require_postfix()
    monkeypatch.setenv("MAIL_PASSWORD", password or "")
    with passwords({"joe": "right"}) as port:
        settings = {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "mynetworks": "192.0.2.1/32"}
        with run_postfix({**settings, "smtpd_sasl_path": f"inet:{HOST}:{port}"}) as postfix:
            make(site, origin, postfix.port, named(6))
            if password:
                login = 'password_env = "MAIL_PASSWORD"\n'
                configure(site, origin, f"smtp://joe@{HOST}:{postfix.port}", named(6), login)
            done = site.run("send", "weekly", check=False)
            postfix.settle()
            assert ("sasl_method=PLAIN, sasl_username=joe" in postfix.log) == (password == "right")
    expected = {"accepted"} if password == "right" else {"pending"}
    assert {state for state, _ in states(site).values()} == expected
    assert (done.returncode, said in done.stderr) == (int(password != "right"), True)


# ------------------------------------------------------------------------------------- what it refuses and throttles


def test_what_postfix_refuses_leads_to_its_state(site: Site, origin: Origin, postfix: Postfix) -> None:
    """A mailbox that is not there is refused for good, one that is full or grey-listed is tried later, and a policy
    against one reader is no policy against the issue."""
    expected = {
        "ann": ("accepted", "250 2.0.0 Ok: queued as"),
        "nobody": ("rejected", "550 5.1.1 <nobody@readers.example>: Recipient address rejected: User unknown"),
        "full": ("deferred", "452 4.2.2"),
        "grey": ("deferred", "450 4.2.0"),
        "policy": ("rejected", "554 5.7.1"),
        "bob": ("accepted", "250 2.0.0 Ok: queued as"),
    }
    make(site, origin, postfix.port, [f"{name}@readers.example" for name in expected])
    assert site.run("send", "weekly", check=False).returncode == 1
    found = states(site)
    for name, (state, reply) in expected.items():
        assert found[f"{name}@readers.example"][0] == state
        assert found[f"{name}@readers.example"][1].startswith(reply)
    postfix.settle()
    assert copies(postfix) == {"ann@readers.example": 1, "bob@readers.example": 1}


def test_a_refused_text_stops_the_issue_and_no_reader(site: Site, origin: Origin, postfix: Postfix) -> None:
    """What header_checks reject is the message: after five in a row it is over, and all stay due."""
    make(site, origin, postfix.port, named(12), title="A forbidden word")
    done = site.run("send", "weekly", check=False)
    assert done.returncode == 1
    assert "the mail server refuses the message itself, 5 times in a row" in done.stderr
    assert "this looks like spam" in done.stderr
    assert {state for state, _ in states(site).values()} == {"pending"}
    assert postfix.letters() == []


def limited(**settings: str) -> dict[str, str]:
    """Limits also for clients of this machine."""
    return {"smtpd_client_event_limit_exceptions": "", "anvil_rate_time_unit": "3s", **settings}


LIMITS: dict[str, Mapping[str, str]] = {
    "connections at once": limited(smtpd_client_connection_count_limit="1"),
    "connections": limited(smtpd_client_connection_rate_limit="2"),
    "messages": limited(smtpd_client_message_rate_limit="12"),
    "recipients": limited(smtpd_client_recipient_rate_limit="12"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_who_is_told_to_slow_down_does(store: Store, limit: str) -> None:
    """Limits of Postfix cost time, and no reader a try: all have their mail at the end of the same pass."""
    require_postfix()
    one = freeze(store, *named(30))
    with run_postfix(LIMITS[limit]) as postfix:
        pace = Pace(lambda: datetime.now(UTC), lambda: False, time.sleep)
        tally = deliver.deliver(store, one, office(postfix), pace).tally
        assert (tally.accepted, tally.open) == (30, 0)
        postfix.settle()
        assert copies(postfix) == dict.fromkeys(named(30), 1)
    assert {row["attempts"] for row in store.rows("SELECT attempts FROM deliveries")} == {1}


@pytest.mark.parametrize(("soft", "hard", "dead"), [("9", "1", 12), ("1", "9", 3)], ids=["hangs up", "waits"])
def test_dead_addresses_do_not_hold_up_the_rest(store: Store, soft: str, hard: str, dead: int) -> None:
    """After some errors Postfix waits before each answer, and after more it hangs up. That is about the connection: the
    reader behind many dead addresses has its mail in the same pass, and no pause is made for it."""
    require_postfix()
    readers = [f"nobody{number}@readers.example" for number in range(dead)]
    clock = Clock(START)
    with run_postfix({"smtpd_soft_error_limit": soft, "smtpd_hard_error_limit": hard}) as postfix:
        one = freeze(store, *readers, "ann@readers.example")
        tally = deliver.deliver(store, one, office(postfix), clock.pace()).tally
        assert (tally.accepted, tally.rejected, tally.open, clock.pauses) == (1, dead, 0, [])
        postfix.settle()
        assert copies(postfix) == {"ann@readers.example": 1}


# -------------------------------------------------------------------------------------------- when it goes and comes


def test_a_postfix_that_is_stopped_in_the_middle_loses_and_repeats_nothing(
    site: Site, origin: Origin, postfix: Postfix
) -> None:
    """Ended with all its children in the middle of an issue, and started again, it has each reader's mail once; only
    those may come twice that are named, one for each connection at most."""
    readers = named(120)
    make(site, origin, postfix.port, readers, 'rate = "100/s"\n')
    process = site.start("send", "weekly")
    postfix.wait_until(lambda: postfix.log.count(" client=") > 30, "has taken a quarter of them")
    postfix.stop()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "the mail server" in said
    assert {state for state, _ in states(site).values()} <= {"accepted", "pending", "uncertain"}
    postfix.start()
    done = site.run("send", "weekly")
    postfix.settle()
    came = copies(postfix)
    twice = {reader for reader, count in came.items() if count > 1}
    assert set(came) == set(readers)
    assert len(twice) <= CONNECTIONS
    assert all(f"{reader}: what became of an earlier try is not known" in done.stderr for reader in twice)
    assert {state for state, _ in states(site).values()} == {"accepted"}


# ----------------------------------------------------------------------------------------------- as a program, and back


@pytest.fixture
def program(postfix: Postfix, tmp_path: Path) -> Path:
    """The `sendmail` of that Postfix."""
    path = tmp_path / "sendmail"
    path.write_text(f'#!/bin/sh\nexec {SENDMAIL} -C {postfix.configuration} "$@"\n', encoding="ascii")
    path.chmod(0o755)
    return path


def test_an_issue_goes_through_the_program(store: Store, postfix: Postfix, program: Path, tmp_path: Path) -> None:
    """Each reader has it once, signed as it was; who is not there comes back to an address that names the delivery."""
    readers = [*named(5), "nobody@readers.example"]
    one = freeze(store, *readers)
    through = replace(office(postfix), open_transport=lambda: open_sendmail(program), signers=BOTH, bounces=BOUNCES)
    tally = deliver.deliver(store, one, through, Clock(START).pace()).tally
    assert (tally.accepted, tally.open) == (6, 0)
    postfix.settle()
    assert copies(postfix) == dict.fromkeys(named(5), 1)
    for letter in postfix.letters():
        assert results(tmp_path, letter) == ["pass", "pass"]
    (report,) = postfix.letters("bounces")
    assert delivery_of(envelope(report)[1], BOUNCES, secret(store)) == 6
    assert bounces.read(report).reports[0].meaning == "address-dead"


FAR = "ada@far.example"
RETURNED: dict[str, tuple[Script, Report]] = {
    "when named": (
        {"RCPT": f"550 5.1.1 <{FAR}>: no such user"},
        Report(FAR, "failed", "5.1.1", f"550 5.1.1 <{FAR}>: no such user", "relay.example", "address-dead", True),
    ),
    "after the text": (
        {".": "554 5.7.1 message looks like spam"},
        Report(FAR, "failed", "5.7.1", "554 5.7.1 message looks like spam", "relay.example", "policy", True),
    ),
}


@pytest.mark.parametrize("moment", RETURNED)
def test_what_a_server_further_on_refuses_comes_back_by_name(site: Site, origin: Origin, moment: str) -> None:
    """Postfix took it, and later reports to the address that names the delivery; the report says whose and which
    message it was, and why."""
    require_postfix()
    script, report = RETURNED[moment]
    with ScriptedServer(script) as far:
        ways = f"/@far\\.example$/ smtp:[{HOST}]:{far.port}\n"
        with run_postfix(files={"ways": ways}) as postfix:
            make(site, origin, postfix.port, ["ann@readers.example", FAR])
            assert "2 delivered" in site.run("send", "weekly").stdout
            postfix.settle()
            assert copies(postfix) == {"ann@readers.example": 1}
            (letter,) = postfix.letters("bounces")
    returned = bounces.read(letter)
    with open_store(site.folder / "data" / "tidings.db") as store:
        (row,) = store.rows("SELECT id, message_id FROM deliveries WHERE address = ?", [FAR])
        assert delivery_of(envelope(letter)[1], BOUNCES, secret(store)) == row["id"]
    assert (returned.kind, returned.recipient, returned.message_id) == ("bounce", FAR, row["message_id"])
    assert returned.reports == (report,)
