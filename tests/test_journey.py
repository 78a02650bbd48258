"""A reader's whole way: real pages in a real browser, by keyboard; real mail, through a Postfix and read by IMAP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.axe import violations
from tests.browsing import Page, browser
from tests.feeds import blog
from tests.mailhost import MailHost, require_mailhost, run_mailhost
from tests.origin import Origin
from tests.scanner import dump, links, scan
from tests.sites import Site
from tests.test_one_click import ONE_CLICK, way_out
from tests.test_signup_whole import configure, start, stop, tab_to, until, write
from tests.webs import FORM, HOST, ask
from tidings.store import open_store

OURS = "https://planet.example"


@pytest.fixture(scope="module")
def host() -> Iterator[MailHost]:
    require_mailhost()
    with run_mailhost() as host:
        yield host


@dataclass
class Journey:
    """Where a reader goes, with a picture of each page."""

    site: Site
    origin: Origin
    host: MailHost
    page: Page
    port: int
    reader: str
    pictures: Path
    pages: int = 0

    def open(self, path: str) -> None:
        self.page.open(f"http://{HOST}:{self.port}{path}")
        self.look()

    def press(self, selector: str, key: str = "Enter") -> None:
        """Tabs to a button and presses it; looks at what comes."""
        tab_to(self.page, selector)
        self.page.press(key, loads=True)
        self.look()

    def look(self) -> None:
        """axe-core finds nothing, nothing is wider than the window, and the policy of the page kept nothing out."""
        self.pages += 1
        self.page.picture(self.pictures / f"{self.pages}.png")
        assert self.page.value("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        assert [one for one in self.page.complaints if "404" not in one] == []  # the icon, for which browsers ask
        assert violations(self.page) == []

    def mails(self, count: int) -> list[EmailMessage]:
        """All that came to the reader, once it is so much; a program that follows all links of the newest
        changes nothing, whether the reader is in or out."""
        found = self.host.mailbox.wait(self.reader, count)
        assert len(found) == count
        database = self.site.folder / "data" / "tidings.db"
        until(lambda: is_published(database))
        before = dump(database)
        assert scan(found[-1:], OURS, self.port)
        assert dump(database) == before
        return found

    def send(self, *numbers: int) -> str:
        """Makes and sends an issue of new posts."""
        self.origin.serve_feed("/feed", blog(numbers))
        self.site.run("poll", "--all")
        return self.site.run("send", "open").stdout


def is_published(database: Path) -> bool:
    """Whether the daemon has written the pages of all that is new, which it notes in the database."""
    with open_store(database) as store:
        return bool(store.rows("SELECT 1 FROM site WHERE done = wanted"))


def path_of(mail: EmailMessage, kind: str) -> str:
    (found,) = {urlsplit(link).path for link in links(mail) if link.startswith(f"{OURS}/{kind}/")}
    return found


@pytest.mark.parametrize(
    ("scripts", "language", "width", "first"),
    [
        (True, "en", 360, "/subscribe"),
        (False, "en", 1280, "/"),
        (True, "ar", 1280, "/"),
        (False, "ar", 360, "/subscribe"),
    ],
    ids=["script-en-narrow", "no-script-en-wide", "script-ar-wide", "no-script-ar-narrow"],
)
def test_a_reader_comes_goes_and_comes_back(
    site: Site,
    origin: Origin,
    host: MailHost,
    tmp_path: Path,
    scripts: bool,
    language: str,
    width: int,
    first: str,
) -> None:
    """Subscribes on the page or on the planet, confirms by the mail, has the newest issue and the next one, leaves with
    one click in the mail program, has no mail then, comes back by the way out of an old mail, has the next one, and
    chooses by a link that is mailed."""
    port = configure(site, origin, host, language=language)  # type: ignore[arg-type]
    site.run("poll")
    site.run("send", "open")
    (tmp_path / "pictures").mkdir()
    process = start(site, port)
    try:
        with browser(tmp_path / "browser", scripts=scripts) as page:
            page.looks(width)
            reader = f"{language}{width}@readers.example"
            journey = Journey(site, origin, host, page, port, reader, tmp_path / "pictures")
            walk(journey, first)
            assert page.value("document.cookie") == ""
            elsewhere = [url for url in page.requests if not url.startswith((f"http://{HOST}:{port}/", "data:"))]
            assert elsewhere == []
    finally:
        said = stop(process)
    assert "Traceback" not in said


def walk(journey: Journey, first: str) -> None:
    journey.open(first)
    tab_to(journey.page, "#address")
    write(journey.page, journey.reader)
    time.sleep(3)  # who is quicker is asked once more, as programs are
    journey.press(".signup button")
    (asked,) = journey.mails(1)
    assert journey.site.json("subscribers", "list") == []
    journey.open(path_of(asked, "confirm"))
    journey.press("button", " ")
    _, welcome = journey.mails(2)
    assert "/issues/" in " ".join(links(welcome))
    assert "1 delivered" in journey.send(5, 4)
    _, _, issue = journey.mails(3)
    assert ask(journey.port, "POST", urlsplit(way_out(issue)).path, ONE_CLICK, FORM).status == 200
    journey.send(7, 6)
    journey.host.postfix.settle()
    journey.mails(3)
    journey.open(path_of(issue, "u"))
    journey.press("button")
    assert "1 delivered" in journey.send(9, 8)
    assert len(journey.mails(4)) == 4
    choose(journey)


def choose(journey: Journey) -> None:
    """Asks for the link to the preferences, has it by mail, and wants text alone from now on."""
    journey.open("/preferences")
    tab_to(journey.page, "#address")
    write(journey.page, journey.reader)
    time.sleep(3)
    journey.press(".signup button")
    linked = journey.mails(5)[-1]
    assert links(linked) & {f"{OURS}/u/"} == set()
    journey.open(path_of(linked, "preferences"))
    tab_to(journey.page, "[name=text_only]")
    journey.page.press(" ")
    journey.press("[value=save]")
    kept = json.loads(journey.site.run("subscribers", "export", "--address", journey.reader).stdout)
    assert [one["chosen"]["text_only"] for one in kept["choices"]] == [True]
