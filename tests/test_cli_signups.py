"""Subscribing over the web as the operator meets it: in the file, in `check` and in `run`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.sites import Site
from tests.test_signup_whole import a_free_port, start, stop, until
from tidings.model import FloodKind
from tidings.store import open_store, signups

_FILE = """\
[site]
title = "Test Planet"
url = "https://planet.example"
{web}
{mail}
[[editions]]
name = "open"
schedule = "weekly fri 08:00"
signup = true
"""
_WEB = '[web]\npublic = true\nlisten = "127.0.0.1:{port}"\ntrusted_proxies = ["127.0.0.1"]\n'
_MAIL = '[mail]\nfrom = "digest@planet.example"\ntransport = "file:outbox"\n'
_POSTAL = 'postal_address = "1 Test Street"\n'


def write(site: Site, web: str = _WEB, mail: str = _MAIL + _POSTAL) -> int:
    port = a_free_port()
    (site.folder / "config.toml").write_text(_FILE.format(web=web.format(port=port), mail=mail), encoding="utf-8")
    return port


@pytest.mark.parametrize(
    ("web", "mail", "missing"),
    [
        (_WEB, "", "there is no [mail] table to send confirmations with; add one"),
        (_WEB, _MAIL, "[mail] `postal_address` says nothing"),
        (_WEB, _MAIL + "postal_address = false\n", "[mail] `postal_address` says nothing"),
        ("", _MAIL + _POSTAL, "[web] `public` is not"),
        ("[web]\npublic = false\n", _MAIL + _POSTAL, "[web] `public` is not"),
    ],
)
def test_strangers_need_a_page_mail_and_an_address(site: Site, web: str, mail: str, missing: str) -> None:
    """Without one of them the file is refused, with line, key and what to do."""
    write(site, web, mail)
    done = site.run("check", check=False)
    line = (site.folder / "config.toml").read_text(encoding="utf-8").splitlines().index("signup = true") + 1
    assert done.returncode == 2
    assert f'config.toml:{line}: [[editions]] #1 (name "open") key `signup`: is true, and {missing}' in done.stderr


def test_check_tries_the_templates_of_subscribing(site: Site) -> None:
    """A mistake in one's own is found before a stranger meets it."""
    write(site)
    assert site.run("check").stderr == ""
    for name in ("web/confirm.html", "notes/already.txt", "web/signup-form.html"):
        own = site.folder / "own" / name
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text("{{ nothing }}", encoding="utf-8")
        text = (site.folder / "config.toml").read_text(encoding="utf-8")
        if "templates" not in text:
            text = text.replace("[site]\n", '[site]\ntemplates = "own"\n')
            (site.folder / "config.toml").write_text(text, encoding="utf-8")
        done = site.run("check", check=False)
        assert (done.returncode, name in done.stderr) == (2, True), done.stderr
        own.unlink()


@pytest.mark.parametrize(
    ("proxies", "said"),
    [
        ([], "behind a web server all readers seem to come from one network"),
        (["127.0.0.1", "0.0.0.0/0"], "`trusted_proxies` has 0.0.0.0/0: everybody may say who they are"),
        (["::/0"], "`trusted_proxies` has ::/0: everybody may say who they are"),
        (["127.0.0.1", "10.0.0.0/8"], ""),
    ],
)
def test_check_hints_at_who_is_believed(site: Site, proxies: list[str], said: str) -> None:
    """A public site that believes nobody, or everybody, is no error, but limits on who asks do not work there."""
    write(site, _WEB.replace('["127.0.0.1"]', json.dumps(proxies)))
    told = site.run("check").stderr
    assert said in told
    assert bool(told) == bool(said)


def test_a_site_that_is_not_public_needs_no_proxies(site: Site) -> None:
    """Nobody asks for anything there."""
    site.configure([])
    assert "trusted_proxies" not in site.run("check").stderr


def test_a_flood_is_told_once_by_run_and_for_a_day_by_check(site: Site) -> None:
    """And not any more after that."""
    port = write(site)
    database = site.folder / "data" / "tidings.db"
    now = datetime.now(UTC)
    with open_store(database) as store:
        signups.note_flood(store, "sign-up", now)
    assert "more were asked for than are mailed" in site.run("check").stderr
    process = start(site, port)
    try:
        _let_it_tick(site)
    finally:
        said = stop(process)
    assert said.count("more were asked for than are mailed") == 1
    with open_store(database) as store:
        store.conn.execute("UPDATE floods SET noted_at = ?", ((now - timedelta(days=2)).isoformat(),))
    assert site.run("check").stderr == ""


def test_run_tells_of_no_flood_that_is_over(site: Site) -> None:
    """One of hours ago is history; before, each start told of it again."""
    port = write(site)
    with open_store(site.folder / "data" / "tidings.db") as store:
        signups.note_flood(store, "sign-up", datetime.now(UTC) - timedelta(hours=2))
    process = start(site, port)
    try:
        _let_it_tick(site)
    finally:
        said = stop(process)
    assert "more were asked for" not in said


@pytest.mark.parametrize(
    ("kind", "said", "advice"),
    [("sign-up", "sign-ups", True), ("link", "links to the preferences", False), ("move", "moves of address", False)],
)
def test_a_flood_is_told_by_what_was_asked_for(site: Site, kind: FloodKind, said: str, advice: bool) -> None:
    """To switch the form of sign-ups off helps against a flood of sign-ups only."""
    write(site)
    with open_store(site.folder / "data" / "tidings.db") as store:
        signups.note_flood(store, kind, datetime.now(UTC))
    told = site.run("check").stderr
    assert (told.startswith(f"{said}: at "), "`signup = false`" in told) == (True, advice), told


def _let_it_tick(site: Site) -> None:
    """Waits for the second tick after the first: a note that is queued now goes out with one."""
    from tests.test_notes import ask

    for number in range(2):
        with open_store(site.folder / "data" / "tidings.db") as store:
            name = ask(store, number + 1, f"r{number}@readers.example", now=datetime.now(UTC))
        assert name
        until(lambda: len(list((site.folder / "outbox").glob("*.eml"))) > number)  # noqa: B023
