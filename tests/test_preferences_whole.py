"""Readers who help themselves from end to end: the real command, a real browser, a real mail server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.browsing import Page, browser
from tests.origin import Origin
from tests.sites import Site
from tests.smtp_servers import HOST, ScriptedServer
from tests.test_signup_whole import configure, link, read, start, stop, tab_to, until, write
from tests.test_web_browser import LOOK
from tests.test_web_managing import Hall, hall  # noqa: F401  # a fixture
from tidings.signing import Purpose
from tidings.store import open_store

ANN, NEW = "ann@readers.example", "ann@new.example"
HEAD = "document.querySelector('h1').textContent"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def newest(server: ScriptedServer, to: str, subject: str) -> bytes:
    """The mail to an address with that subject, once it is there."""

    def found() -> bytes | None:
        heard = [(one, read(one)) for one in server.messages]
        return next((raw for raw, mail in reversed(heard) if mail["To"] == to and mail["Subject"] == subject), None)

    mail: bytes = until(found)
    return mail


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_from_the_planet_to_being_erased(
    site: Site, origin: Origin, server: ScriptedServer, tmp_path: Path, scripts: bool
) -> None:
    """By keyboard alone: the link of the planet, the mail, the page, another address, its mail and button, the page
    once more from there, and all is erased; no byte of either address is left once the daemon has cleaned up."""
    port = configure(site, origin, server)
    site.run("poll")
    site.run("subscribers", "add", ANN, "--edition", "open")
    process = start(site, port)
    try:
        with browser(tmp_path / "browser", scripts=scripts) as page:
            page.open(f"http://{HOST}:{port}/")
            tab_to(page, "footer a[href=preferences]")
            page.press("Enter", loads=True)
            _ask_for_link(page, ANN)
            mail = newest(server, ANN, "Your link to change what you get")
            page.open(f"http://{HOST}:{port}{link(mail, 'preferences')}")
            _to(page, "#new-address")
            write(page, NEW)
            tab_to(page, "[value=move]")
            page.press("Enter", loads=True)
            assert "Look into the mail of the new address" in page.value("document.body.textContent")
            assert NEW in _text(newest(server, ANN, "Your address is to be changed"))
            page.open(f"http://{HOST}:{port}{link(newest(server, NEW, 'Please confirm your new address'), 'move')}")
            tab_to(page, "button")
            page.press("Enter", loads=True)
            assert page.value(HEAD) == "Your address is changed"
            assert [one["address"] for one in site.json("subscribers", "list")] == [NEW]
            newest(server, ANN, "Your address was changed")
            page.open(f"http://{HOST}:{port}/preferences")
            _ask_for_link(page, NEW)
            mail = newest(server, NEW, "Your link to change what you get")
            page.open(f"http://{HOST}:{port}{link(mail, 'preferences')}")
            _to(page, "[value=export]")
            tab_to(page, "[value=ask]")
            page.press("Enter", loads=True)
            assert page.value(HEAD) == "Erase all about you?"
            tab_to(page, "button")
            page.press("Enter", loads=True)
            assert page.value(HEAD) == "You are erased"
            assert page.value("document.cookie") == ""
        assert site.json("subscribers", "list") == []
        until(lambda: _scrubs(site) == (1, 1))
    finally:
        stop(process)
    database = b"".join(one.read_bytes() for one in (site.folder / "data").glob("tidings.db*"))
    assert ANN.encode() not in database
    assert NEW.encode() not in database


def _ask_for_link(page: Page, address: str) -> None:
    tab_to(page, "#address")
    write(page, address)
    tab_to(page, ".signup button")
    page.press("Enter", loads=True)
    if page.value(HEAD) != "Look into your mail":  # faster than a person can
        until(lambda: _pressed_again(page), 30)


def _pressed_again(page: Page) -> bool:
    tab_to(page, ".signup button")
    page.press("Enter", loads=True)
    return bool(page.value(HEAD) == "Look into your mail")


def _to(page: Page, selector: str) -> None:
    """Puts the focus on a field; the fields before it are tried elsewhere (tests/test_web_preferences.py)."""
    page.value(f"document.querySelector({selector!r}).focus()")


def _text(mail: bytes) -> str:
    part = read(mail).get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def _scrubs(site: Site) -> tuple[int, int]:
    with closing(sqlite3.connect(site.folder / "data" / "tidings.db")) as connection:
        found: tuple[int, int] = connection.execute("SELECT scrubs_wanted, scrubs_done FROM site").fetchone()
        return found


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_can_be_read_and_hit(page: Page, hall: Hall, language: str, dark: bool) -> None:  # noqa: F811
    """At 360 pixels: no sideways scrolling, contrast of 4.5, 44 pixels to press, one heading, every field with its
    label, the direction of the language, and no policy broken."""
    with open_store(hall.database) as store:
        store.conn.execute("UPDATE subscribers SET language = ?", (language,))
    hall.want(NEW)
    hall.now += timedelta(seconds=1)
    page.looks(360, dark=dark)
    page.complaints.clear()
    paths = [
        f"/preferences?lang={language}",
        hall.link(),
        hall.move_link(),
        hall.move_link(Purpose.WITHDRAW),
    ]
    for path in paths:
        page.open(f"http://{HOST}:{hall.port}{path}")
        found = page.value(LOOK)
        assert (found["scroll"], found["faint"], found["small"], found["unnamed"]) == (0, [], [], 0), path
        assert (found["styled"], found["heads"], found["paper"] < 0.05) == (True, 1, dark)
        assert (found["language"], found["direction"]) == (language, "rtl" if language == "ar" else "ltr")
        unlabelled = '[...document.querySelectorAll("input:not([type=hidden]), select")].filter(x => !x.labels.length)'
        assert page.value(f"{unlabelled}.length") == 0
    assert page.complaints == []
