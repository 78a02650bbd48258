"""Signed mail and return addresses as an operator sets them up: real commands, real keys, a real mail server."""

from __future__ import annotations

import re
import tomllib
from email import message_from_bytes
from pathlib import Path

import dkim
import pytest

from tests.feeds import blog
from tests.origin import Origin
from tests.sites import Site
from tests.smtp_servers import real_server
from tidings.mail.verp import delivery_of
from tidings.store import open_store
from tidings.store.site import secret

READERS = ["ada@readers.example", "grace@readers.example"]


def records(said: str) -> dict[str, str]:
    """Names and values of the TXT records that `dkim keygen` prints."""
    return dict(re.findall(r"^  name   (\S+)\n  value  (.+)$", said, re.MULTILINE))


def lines_to_add(said: str) -> str:
    """What `dkim keygen` says is to be put into the configuration."""
    return re.sub("^  ", "", said.partition("in the configuration:\n\n")[2], flags=re.MULTILINE)


def add(site: Site, text: str) -> None:
    with (site.folder / "config.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def sign(site: Site, *kinds: str) -> dict[str, str]:
    """Makes keys and puts them into the configuration as the command says; returns what is to go into the DNS."""
    told = [site.run("dkim", "keygen", "--type", kind).stdout for kind in kinds]
    add(site, "".join(map(lines_to_add, told)))
    return {name: value for said in told for name, value in records(said).items()}


def verdicts(message: bytes, known: dict[str, str], count: int) -> list[bool]:
    def look_up(name: bytes, timeout: int = 5) -> bytes | None:  # noqa: ARG001
        return known.get(name.decode().rstrip("."), "").encode() or None

    return [bool(dkim.DKIM(message).verify(index, dnsfunc=look_up)) for index in range(count)]


def test_keygen_says_what_goes_where(site: Site) -> None:
    """The key is its owner's alone; record and lines name it; standard output has no private part."""
    site.configure([])
    said = site.run("dkim", "keygen").stdout
    file = site.folder / "dkim-rsa.pem"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "PRIVATE KEY" in file.read_text(encoding="ascii")
    assert "PRIVATE" not in said
    assert list(records(said)) == ["tidings._domainkey.planet.example"]
    assert 'tidings._domainkey.planet.example. IN TXT ( "v=DKIM1; k=rsa; p=' in said
    assert tomllib.loads(lines_to_add(said)) == {
        "mail": {"dkim": {"domain": "planet.example", "selector": "tidings", "key_file": "dkim-rsa.pem"}}
    }


def test_keygen_never_overwrites_a_key(site: Site) -> None:
    """A second run is a failure that leaves the key alone."""
    site.configure([])
    site.run("dkim", "keygen")
    before = (site.folder / "dkim-rsa.pem").read_bytes()
    done = site.run("dkim", "keygen", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "exists already" in done.stderr
    assert (site.folder / "dkim-rsa.pem").read_bytes() == before


def test_keygen_needs_no_configuration_when_told_the_domain(tmp_path: Path) -> None:
    """With --domain, --selector and --out a key can be made anywhere; without a domain it says what to do."""
    site = Site(tmp_path)
    elsewhere = tmp_path / "keys" / "one.pem"
    elsewhere.parent.mkdir()
    options = ["--domain", "News.Example.org", "--selector", "s2026", "--out", str(elsewhere), "--type", "ed25519"]
    said = site.run("dkim", "keygen", *options).stdout
    assert list(records(said)) == ["s2026._domainkey.news.example.org"]
    assert tomllib.loads(lines_to_add(said)) == {
        "ed25519_selector": "s2026",
        "ed25519_key_file": "keys/one.pem",
    }
    assert site.run("dkim", "keygen", check=False).returncode == 2


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--domain", "planet"], 2, "is not a domain; write one such as"),
        (["--domain", "a.example\nb"], 2, "is not a domain"),
        (["--selector", "a_b"], 2, "is not a selector; write letters"),
        (["--out", "nowhere/key.pem"], 1, "nowhere/key.pem: cannot be written (No such file or directory)"),
    ],
)
def test_keygen_refuses_what_makes_no_key(site: Site, options: list[str], status: int, said: str) -> None:
    """Wrong options are said to be so, and no key is left behind."""
    site.configure([])
    done = site.run("dkim", "keygen", *options, check=False)
    assert done.returncode == status
    assert said in " ".join(done.stderr.split())
    assert not list(site.folder.glob("*.pem"))


def test_check_looks_at_the_keys(site: Site) -> None:
    """A missing key is exit status 2, a key that others may read is said and no failure."""
    site.configure([], more='[mail.dkim]\nselector = "tidings"\nkey_file = "dkim-rsa.pem"\n')
    done = site.run("check", check=False)
    assert done.returncode == 2
    assert "[mail.dkim] key `key_file`: " in done.stderr
    assert "not found; make a key with `tidings dkim keygen --type rsa`" in done.stderr
    site.run("dkim", "keygen")
    assert "chmod" not in site.run("check").stderr
    (site.folder / "dkim-rsa.pem").chmod(0o644)
    assert "run `chmod 600 " in site.run("check").stderr


def test_every_mail_is_signed(site: Site, origin: Origin) -> None:
    """With the lines that `dkim keygen` printed, previews, tests and issues bear two signatures that the records prove
    right."""
    origin.serve_feed("/a", blog([2, 1]))
    with real_server() as (port, mailbox):
        site.configure([("a", origin.url("/a"))], subscribers=READERS, transport=f"smtp://127.0.0.1:{port}")
        known = sign(site, "rsa", "ed25519")
        site.run("poll")
        site.run("preview", "weekly")
        site.run("send", "weekly", "--to", "me@tests.example")
        assert "2 delivered" in site.run("send", "weekly").stdout
        sent = [envelope.content for envelope in mailbox.envelopes]
    assert len(sent) == 3
    for message in [(site.folder / "issue.eml").read_bytes(), *sent]:
        assert isinstance(message, bytes)
        assert verdicts(message, known, 2) == [True, True]


def test_nothing_is_sent_without_the_key(site: Site, origin: Origin) -> None:
    """A key that is gone stops sending before an issue is made; it is not sent unsigned."""
    origin.serve_feed("/a", blog([1]))
    site.configure([("a", origin.url("/a"))], subscribers=READERS)
    sign(site, "rsa")
    site.run("poll")
    (site.folder / "dkim-rsa.pem").unlink()
    assert site.run("send", "weekly", check=False).returncode == 2
    assert not (site.folder / "outbox").exists()
    site.run("dkim", "keygen")
    assert "2 delivered" in site.run("send", "weekly").stdout


def test_bounces_come_back_to_an_address_that_names_the_delivery(site: Site, origin: Origin) -> None:
    """The envelope sender of each mail leads to its delivery and is no part of the message; a test has the bare one."""
    origin.serve_feed("/a", blog([1]))
    with real_server() as (port, mailbox):
        site.configure([("a", origin.url("/a"))], subscribers=READERS, transport=f"smtp://127.0.0.1:{port}")
        add(site, '[mail.bounces]\naddress = "bounces@back.example"')
        site.run("poll")
        site.run("send", "weekly", "--to", "me@tests.example")
        site.run("send", "weekly")
        test, *envelopes = mailbox.envelopes
    assert test.mail_from == "bounces@back.example"
    with open_store(site.folder / "data" / "tidings.db") as store:
        deliveries = {row["address"]: row["id"] for row in store.rows("SELECT id, address FROM deliveries")}
        code = secret(store)
    assert len(code) == 32
    named = {one.rcpt_tos[0]: delivery_of(str(one.mail_from), "bounces@back.example", code) for one in envelopes}
    assert named == deliveries
    for envelope in envelopes:
        assert isinstance(envelope.content, bytes)
        assert str(envelope.mail_from).encode() not in envelope.content
        assert message_from_bytes(envelope.content)["From"] == "Test Planet <digest@planet.example>"


def test_without_bounces_mail_goes_back_to_the_sender(site: Site, origin: Origin) -> None:
    """Nothing changes for whoever has no such address."""
    origin.serve_feed("/a", blog([1]))
    with real_server() as (port, mailbox):
        site.configure([("a", origin.url("/a"))], subscribers=READERS, transport=f"smtp://127.0.0.1:{port}")
        site.run("poll")
        site.run("send", "weekly")
        assert {envelope.mail_from for envelope in mailbox.envelopes} == {"digest@planet.example"}
