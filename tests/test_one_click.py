"""From the mail to the end of a subscription: links of readers' own in real mails, followed over real HTTP."""

from __future__ import annotations

import email.policy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.builders import edition
from tests.feeds import blog
from tests.origin import Origin
from tests.render_samples import FIXTURES
from tests.sites import Site as Installation
from tests.test_daemon import running, wait_for
from tests.transports import Clock, RecordingTransport
from tests.webs import FORM, ask, serving
from tidings import deliver
from tidings.demo.sink import free_port
from tidings.letters import SAMPLE, PostOffice
from tidings.mail.judging import Asked, judge
from tidings.mail.judging_links import FIRST_BYTES
from tidings.mail.verp import unsubscribe_address
from tidings.model import Edition, IssueContent, LinkKey, Subscriber
from tidings.signing import Grant, Purpose, Refusal, read
from tidings.store import Store, file_readers, issues, keys, open_store, site, subscribers
from tidings.store.issues import Letter
from tidings.web.site import Site

NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
ONE_CLICK = "List-Unsubscribe=One-Click"
READERS = (Subscriber("ann@a.example"), Subscriber("bob@b.example", "de"), Subscriber("cy@c.example", "ar"))
PUBLIC = "\n[web]\npublic = true\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "tidings.db") as store:
        yield store


def freeze(store: Store, content: IssueContent) -> Edition:
    """An issue, frozen for the readers; returns its edition."""
    of = replace(edition(), name=content.edition, title=content.edition_title, subscribers=READERS)
    file_readers.sync(store, [of], NOW)
    issues.freeze(store, content, letters_to("1"), None, NOW)
    return of


def letters_to(number: str) -> list[Letter]:
    return [Letter(one.address, f"<{number}.{one.address[:2]}@planet.example>", one.language) for one in READERS]


def content_of(name: str) -> IssueContent:
    found = FIXTURES[name]
    return replace(found, site_url=found.site_url.rstrip("/"), frozen_at=NOW)


def sent(store: Store, of: Edition, office: PostOffice | None = None) -> dict[str, EmailMessage]:
    """What a pass hands over, by reader."""
    transport = RecordingTransport()
    office = replace(office or transport.office(), open_transport=transport.opened, one_click=True)
    deliver.deliver(store, of, office, Clock(NOW).pace())
    return {letter.recipient: opened(letter.message) for letter in transport.letters}


def opened(message: bytes) -> EmailMessage:
    found = message_from_bytes(message, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def parts_of(message: EmailMessage) -> tuple[str, str]:
    """Text and HTML."""
    found = [message.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (part.get_content() for part in found if part is not None)
    return text, html


def way_out(message: EmailMessage) -> str:
    found = re.fullmatch(r"<(https://[^<> ]+)>, <mailto:[^<> ]+>", message["List-Unsubscribe"])
    assert found
    return found[1]


def subject_of(url: str, link_keys: tuple[LinkKey, ...]) -> Grant:
    granted = read(url.rpartition("/")[2], Purpose.UNSUBSCRIBE, link_keys, NOW)
    assert isinstance(granted, Grant)
    return granted


@contextmanager
def served(store: Store, of: Edition, tmp_path: Path) -> Iterator[int]:
    (tmp_path / "public").mkdir(exist_ok=True)
    site = Site("https://planet.example", "P", editions=(of,), open_store=lambda: open_store(store.path))
    with serving(tmp_path / "public", replace(site, clock=lambda: NOW)) as port:
        yield port


@pytest.mark.parametrize(
    ("name", "look"), [("usual", "letter"), ("usual", "headlines"), ("cjk", "letter"), ("200-posts", "letter")]
)
def test_each_mail_has_its_readers_link(store: Store, name: str, look: str) -> None:
    """In the header (https first, then mailto), near the top and at the end of the HTML, and once in the text; each
    names its own reader and no other, whatever the language and encoding; and no judge finds fault with it."""
    content = replace(content_of(name), look=look)
    mails = sent(store, freeze(store, content))
    ids = subscribers.public_ids(store, mails)
    usable = keys.usable(store, NOW)
    for address, mail in mails.items():
        url = way_out(mail)
        assert subject_of(url, usable) == Grant(ids[address], content.edition)
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        text, html = parts_of(mail)
        assert (html.count(f'href="{url}"'), text.count(url)) == (2, 1)
        assert len(html.partition(url)[0].encode()) < FIRST_BYTES
        assert not [other for other in ids.values() if other != ids[address] and other in text + html]
        assert "0" * 16 not in text + html
        found = judge(mail.as_bytes(policy=email.policy.SMTP), Asked("1 Test Street"))
        assert not [one for one in found if "unsubscribe" in one.rule or one.level == "red"]
    assert len(mails) == 3


def test_a_mail_names_both_ways_out(store: Store) -> None:
    """Where links and addresses for what comes back are both set up, the header has both of the reader's own, https
    first (RFC 8058 section 3.1)."""
    of = freeze(store, content_of("usual"))
    mails = sent(store, of, replace(RecordingTransport().office(), bounces="bounces@planet.example"))
    ids, usable, secret = subscribers.public_ids(store, mails), keys.usable(store, NOW), site.secret(store)
    for number, (address, mail) in enumerate(mails.items(), 1):
        assert subject_of(way_out(mail), usable).subject == ids[address]
        stop = unsubscribe_address("bounces@planet.example", number, str(mail["Message-ID"]), secret)
        assert mail["List-Unsubscribe"].endswith(f", <mailto:{stop}?subject=unsubscribe>")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert len(mails) == 3


def test_without_a_public_site_mails_name_an_address(store: Store) -> None:
    """And no link that leads nowhere; no key is made either."""
    of = freeze(store, content_of("usual"))
    transport = RecordingTransport()
    deliver.deliver(store, of, transport.office(), Clock(NOW).pace())
    mail = opened(transport.letters[0].message)
    assert mail["List-Unsubscribe"] == "<mailto:editor@planet.example?subject=unsubscribe>"
    assert mail["List-Unsubscribe-Post"] is None
    assert "/u/" not in "".join(parts_of(mail))
    assert keys.listed(store) == []


def test_one_click_counts_for_an_issue_that_is_frozen(store: Store, tmp_path: Path) -> None:
    """Whoever leaves by the link of the last mail does not get the next one, although it was made for them."""
    of = freeze(store, content_of("usual"))
    path = urlsplit(way_out(sent(store, of)["ann@a.example"])).path
    content = replace(content_of("one-post"), number=content_of("usual").number + 1)
    content = replace(content, items=(replace(content.items[0], story=9999, post_id=9999),))
    issues.freeze(store, content, letters_to("2"), None, NOW)
    with served(store, of, tmp_path) as port:
        assert ask(port, "POST", path, ONE_CLICK, FORM).status == 200
    assert set(sent(store, of)) == {"bob@b.example", "cy@c.example"}
    (row,) = store.rows("SELECT state FROM deliveries WHERE message_id = '<2.an@planet.example>'")
    assert row["state"] == "suppressed"


def test_a_program_that_follows_every_link_changes_nothing(store: Store, tmp_path: Path) -> None:
    """GET and HEAD of every link of every mail that leads here, 20 times: no byte of the tables differs."""
    of = freeze(store, content_of("usual"))
    mails = sent(store, of)
    before = list(store.conn.iterdump())
    followed = 0
    with served(store, of, tmp_path) as port:
        for mail in mails.values():
            links = set(re.findall(r"https?://[^\s<>\"]+", "".join(parts_of(mail)) + mail["List-Unsubscribe"]))
            ours = [link for link in links if "/u/" in link or urlsplit(link).netloc == "planet.example"]
            assert way_out(mail) in ours
            for link in ours:
                for method in ("GET", "HEAD") * 20:
                    followed += ask(port, method, urlsplit(link).path).status < 500
    assert followed >= 3 * 40
    assert list(store.conn.iterdump()) == before


# ------------------------------------------------------------------------------------------------------- commands


@pytest.fixture
def polled(site: Installation, origin: Origin) -> Installation:
    """A public site with new posts and a subscriber."""
    origin.serve_feed("/a", blog([2, 1]))
    site.configure([("a", origin.url("/a"))], subscribers=["ada@readers.example"], listen=f"127.0.0.1:{free_port()}")
    text = (site.folder / "config.toml").read_text(encoding="utf-8")
    (site.folder / "config.toml").write_text(text.replace("[web]\n", "[web]\npublic = true\n"), encoding="utf-8")
    site.run("poll")
    return site


def test_a_preview_and_a_check_have_links_of_nobody(polled: Installation) -> None:
    """They look like a reader's, lead nowhere, and nothing is written for them; the judge is content."""
    before = dump(polled)
    polled.run("preview", "weekly", "--out", "seen")
    mail = opened((polled.folder / "seen" / "issue.eml").read_bytes())
    token = way_out(mail).rpartition("/")[2]
    assert read(token, Purpose.UNSUBSCRIBE, SAMPLE, NOW) is Refusal.FORGED
    assert read(token, Purpose.STAND_IN, SAMPLE, NOW) == Grant("0" * 16, "weekly")
    assert way_out(mail) in (polled.folder / "seen" / "issue.html").read_text(encoding="utf-8")
    assert polled.json("check", "weekly")["ok"]
    assert dump(polled) == before


def test_a_test_mail_has_a_link_that_works(polled: Installation) -> None:
    """Of the reader, if the address is one; else it names nobody."""
    for address in ("ada@readers.example", "else@readers.example"):
        polled.run("send", "weekly", "--to", address)
    found = {mail["To"]: way_out(mail) for mail in outbox(polled)}
    with open_store(polled.folder / "data" / "tidings.db") as store:
        usable, ids = keys.usable(store, NOW), subscribers.public_ids(store, found)
    assert subject_of(found["ada@readers.example"], usable).subject == ids["ada@readers.example"]
    assert subject_of(found["else@readers.example"], usable).subject == "0" * 16


def test_the_link_of_a_mail_works_at_the_daemon(polled: Installation) -> None:
    """Sent by `tidings send`, pressed while `tidings run` serves, and the next issue does not come."""
    polled.run("send", "weekly")
    (mail,) = outbox(polled)
    listen = re.search(r'listen = "127.0.0.1:(\d+)"', (polled.folder / "config.toml").read_text(encoding="utf-8"))
    assert listen
    port, path = int(listen[1]), urlsplit(way_out(mail)).path
    with running(polled) as process:
        wait_for(lambda: answers(port), process)
        assert "Unsubscribe from" in ask(port, "GET", path).text
        assert ask(port, "POST", path, ONE_CLICK, FORM).text == "You are unsubscribed.\n"
    with open_store(polled.folder / "data" / "tidings.db") as store:
        ada = subscribers.find(store, "ada@readers.example")
    assert ada is not None
    assert [one.ended_by for one in ada.subscriptions] == ["link"]


def test_a_public_site_has_to_be_https(polled: Installation) -> None:
    """RFC 8058 wants that, and so does whoever presses a button: said with the line."""
    path = polled.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("https://planet", "http://planet"), encoding="utf-8")
    done = polled.run("check", check=False)
    assert done.returncode == 2
    assert "[web] key `public`: is true, and [site] url has no encryption" in done.stderr


def test_keys_are_listed_changed_and_ended(polled: Installation) -> None:
    """Made at first use; a new one signs, the old one is accepted until it is retired; secrets are not shown."""
    assert "no keys yet" in polled.run("keys", "list").stderr
    assert polled.json("keys", "list") == []
    polled.run("send", "weekly")
    assert "key 2 signs from now on" in polled.run("keys", "rotate").stdout
    assert [(one["id"], one["signs"], one["retired"]) for one in polled.json("keys", "list")] == [
        (1, False, None),
        (2, True, None),
    ]
    polled.run("keys", "retire", "1")
    lines = polled.run("keys", "list").stdout.splitlines()
    assert [line.split()[0] + " " + line.split()[-1] for line in lines] == ["key state", "1 retired", "2 signs"]
    assert polled.run("keys", "retire", "1", check=False).returncode == 1
    with open_store(polled.folder / "data" / "tidings.db") as store:
        assert all(key.secret.hex() not in "".join(lines) for key in keys.listed(store))


def outbox(installation: Installation) -> list[EmailMessage]:
    return [opened(path.read_bytes()) for path in sorted((installation.folder / "outbox").glob("*.eml"))]


def dump(installation: Installation) -> list[str]:
    with open_store(installation.folder / "data" / "tidings.db") as store:
        return list(store.conn.iterdump())


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/").status == 200
    except OSError:
        return False
