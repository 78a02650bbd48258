"""Subscribing from end to end: the real command, a real browser, a real mail server."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import Page, browser
from tests.feeds import blog
from tests.mails import body_of
from tests.origin import Origin
from tests.sites import Site
from tests.smtp_servers import HOST, ScriptedServer
from tests.test_web_browser import LOOK, RING
from tests.webs import ask

ANN = "ann@readers.example"
_EDITIONS = """
[[editions]]
name = "open"
title = "The Open Digest"
schedule = "weekly fri 08:00"
signup = true
"""
_ANOTHER = """
[[editions]]
name = "brief"
title = "The Brief"
schedule = "daily 08:00"
signup = true
"""


def a_free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])


def configure(site: Site, origin: Origin, server: ScriptedServer, more: str = _EDITIONS, language: str = "en") -> int:
    """Writes the configuration of a site whose pages are public, with an issue in the archive; returns its port."""
    port = a_free_port()
    origin.serve_feed("/feed", blog([3, 2, 1]))
    site.configure([origin.url("/feed")], transport=f"smtp://{HOST}:{server.port}", listen=f"{HOST}:{port}", more=more)
    file = site.folder / "config.toml"
    text = file.read_text(encoding="utf-8").replace("[web]\n", "[web]\npublic = true\n")
    file.write_text(text.replace('language = "en"', f'language = "{language}"'), encoding="utf-8")
    return port


def read(message: bytes) -> EmailMessage:
    return message_from_bytes(message, policy=policy.default)


def until(what: Callable[[], Any], seconds: float = 60) -> Any:
    """What comes to be true, once it does."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.1)
    return found


def link(mail: bytes, kind: str) -> str:
    """The path of a link in the text of a mail."""
    text = read(mail).get_body(("plain",))
    assert text is not None
    found: list[str] = re.findall(rf"https://planet\.example(/{kind}/\S+)", text.get_content())
    return found[0]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


def start(site: Site, port: int) -> subprocess.Popen[str]:
    site.run("publish")  # what is served at once
    process = site.start("run")
    until(lambda: _is_open(port) or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    return process


def _is_open(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex((HOST, port)) == 0


def stop(process: subprocess.Popen[str]) -> str:
    process.terminate()
    return process.communicate(timeout=60)[1]


def write(page: Page, text: str) -> None:
    """Types into the field that has the focus."""
    page.tell("Input.insertText", text=text)


def tab_to(page: Page, selector: str) -> None:
    """Tabs to an element; each on the way shows that it has the focus, and none that nobody sees gets it."""
    for _ in range(60):  # a field of a date has a stop for each of its parts
        page.press("Tab")
        assert page.value(RING).split()[0] in ("solid", "auto")
        assert page.value("document.activeElement.name") != "website"
        if page.value(f"document.activeElement.matches({selector!r})"):
            return
    raise AssertionError(f"no way to {selector} by keyboard")


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "no-script"])
def test_from_the_planet_page_to_the_first_issue(
    site: Site, origin: Origin, server: ScriptedServer, tmp_path: Path, scripts: bool
) -> None:
    """By keyboard alone: the form on the page, the mail, its button, the newest issue as a welcome; killed with SIGKILL
    and started anew between the steps. The next issue has other posts, and the way out works."""
    port = configure(site, origin, server)
    site.run("poll")
    site.run("send", "open")
    process = start(site, port)
    try:
        with browser(tmp_path / "browser", scripts=scripts) as page:
            page.open(f"http://{HOST}:{port}/")
            tab_to(page, "#address")
            write(page, ANN)
            tab_to(page, ".signup button")
            page.press("Enter", loads=True)
            assert page.value("document.querySelector('h1').textContent") == "Look into your mail"
            process.kill()
            process.wait()
            assert site.json("subscribers", "list") == []
            process = start(site, port)
            confirmation = until(lambda: server.messages)[0]
            assert read(confirmation)["To"] == ANN
            page.open(f"http://{HOST}:{port}{link(confirmation, 'confirm')}")
            assert len(server.messages) == 1
            tab_to(page, "button")
            page.press("Enter", loads=True)
            assert page.value("document.querySelector('h1').textContent") == "You are subscribed"
            process.kill()
            process.wait()
            process = start(site, port)
            welcome = read(until(lambda: server.messages[1:])[0])
            assert (welcome["To"], "/u/" in welcome["List-Unsubscribe"]) == (ANN, True)
            assert [one for one in page.complaints if "404" not in one] == []  # the link that is over, and the icon
            assert page.value("document.cookie") == ""
            assert not [url for url in page.requests if not url.startswith(f"http://{HOST}:{port}/")]
    finally:
        said = stop(process)
    assert "Traceback" not in said
    (reader,) = site.json("subscribers", "list")
    assert (reader["address"], reader["editions"]) == (ANN, ["open"])
    assert "nothing was sent" in site.run("send", "open").stdout
    origin.serve_feed("/feed", blog([5, 4, 3, 2, 1]))
    site.run("poll", "--all")
    site.run("send", "open")
    texts = [body_of(read(one), "plain") for one in server.messages[1:]]
    assert len(texts) == 2
    assert len(server.messages) == 3


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_can_be_read_and_hit(
    site: Site, origin: Origin, server: ScriptedServer, tmp_path: Path, language: str, dark: bool
) -> None:
    """Narrow and wide: no sideways scrolling, enough contrast, targets for thumbs, and fields with a name."""
    port = configure(site, origin, server, _EDITIONS + _ANOTHER, language)
    process = start(site, port)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    try:
        with browser(tmp_path / "browser") as page:
            page.open(f"http://{HOST}:{port}/subscribe")
            send_json(port, ANN)
            mail = until(lambda: server.messages)[0]
            paths = {
                "form": "/subscribe",
                "planet": "/",
                "confirm": link(mail, "confirm"),
                "refuse": link(mail, "refuse"),
                "over": "/confirm/x",
            }
            for width in (320, 360, 1200):
                page.looks(width, dark=dark)
                for name, path in paths.items():
                    page.open(f"http://{HOST}:{port}{path}")
                    found = page.value(LOOK)
                    where = (name, width)
                    assert (found["scroll"], found["faint"], found["unnamed"]) == (0, [], 0), where
                    assert found["heads"] == 1, where
                    assert (found["paper"] < 0.05) == dark, where
                    assert found["direction"] == ("rtl" if language == "ar" else "ltr"), where
                    assert page.value(FIELDS) == [], where
                    page.picture(pictures / f"{name}-{width}.png")
            assert [one for one in page.complaints if "404" not in one] == []  # the link that is over, and the icon
    finally:
        stop(process)


FIELDS = """[...document.querySelectorAll("form input:not([type=hidden], [name=website]), form button")].filter(one => {
  const box = (one.closest("label") || one).getBoundingClientRect();
  return box.height < 43.5 || box.width < 43.5 || !(one.labels && one.labels.length || one.textContent.trim());
}).map(one => one.outerHTML)"""


def test_the_log_tells_small_mails_from_issues(site: Site, origin: Origin, server: ScriptedServer) -> None:
    """What readers asked for on pages is called small mails, and a welcome is named by its edition."""
    port = configure(site, origin, server)
    site.run("poll")
    site.run("send", "open")
    process = start(site, port)
    try:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert ask(port, "POST", "/subscribe", f'{{"address": "{ANN}"}}', {"Content-Type": "application/json"})
        path = link(until(lambda: server.messages)[0], "confirm")
        assert ask(port, "POST", path, "do=confirm", form).status == 200
        until(lambda: server.messages[1:])
    finally:
        process.terminate()
        said, told = process.communicate(timeout=60)
    assert "small mails: 1 accepted" in told.splitlines()
    assert "open: 1 delivered" in said.splitlines()


def send_json(port: int, address: str) -> None:
    body = f'{{"address": "{address}", "editions": ["open", "brief"]}}'
    assert ask(port, "POST", "/subscribe", body, {"Content-Type": "application/json"}).status == 202
