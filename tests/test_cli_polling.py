"""What an operator sees of polling: who asks, with what, whose fault it is, what moved, what the rules keep out."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NOW
from tests.feeds import blog, item, rss
from tests.origin import Answer, Origin, Request
from tests.sites import Site
from tidings import config
from tidings.cli.polling import poll_report, print_rows, report_poll
from tidings.model import Failed, PollRow


def test_a_killed_poll_does_not_ask_again(site: Site, origin: Origin) -> None:
    """A request that was under way when the process was killed with SIGKILL is not repeated by the next poll, and what
    was not asked yet is."""
    origin.serve("/slow", Answer(200, blog([1]), delay=5))
    origin.serve_feed("/later", blog([2]))
    site.configure([("slow", origin.url("/slow"))])
    process = site.start("poll")
    deadline = time.monotonic() + 60
    while not origin.count("/slow") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    site.configure([("slow", origin.url("/slow")), ("later", origin.url("/later"))])
    report = site.json("poll")
    assert [row["name"] for row in report["sources"]] == ["later"]
    assert origin.count("/slow") == 1


def test_a_server_is_told_who_asks_and_how_many_read(site: Site, origin: Origin) -> None:
    """Name, version, site, contact, and the readers of the editions that cover the source, each counted once."""
    origin.serve_feed("/a", blog([1]))
    origin.serve_feed("/b", blog([1]))
    more = '\n[[editions]]\nname = "b"\nschedule = "daily 07:00"\ntags = ["b"]\nsubscribers = ["two@readers.example"]\n'
    site.configure([origin.url("/a")], more=f'\n[[sources]]\nurl = "{origin.url("/b")}"\ntags = ["b"]\n' + more)
    config = site.folder / "config.toml"
    text = config.read_text().replace('language = "en"', 'language = "en"\ncontact = "ops@planet.example"')
    config.write_text(text.replace("subscribers = []", 'subscribers = ["one@readers.example", "Two@readers.example"]'))
    site.run("poll")
    agents = {request.path: request.headers["User-Agent"] for request in origin.requests}
    assert agents["/a"].startswith("Tidings/")
    assert agents["/a"].endswith(" (+https://planet.example; ops@planet.example; 2 subscribers)")
    assert agents["/b"] == agents["/a"]


def test_a_source_has_a_login_headers_and_a_name_of_its_own(
    site: Site, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the file and the environment say of a source goes to its host, and to no other."""
    monkeypatch.setenv("BLOG_PASSWORD", "open sesame")
    monkeypatch.setenv("BLOG_TOKEN", "t0ken")
    secret = b64encode(b"reader:open sesame").decode()
    origin.serve("/a", lambda request: _private(request, secret))
    origin.serve("/moved", Answer(302, headers={"Location": origin.url("/other", "other.localhost")}))
    origin.serve_feed("/other", blog([2]))
    options = """user_agent = "Mine/1"
headers = { X-Token = "${BLOG_TOKEN}" }
username = "reader"
password_env = "BLOG_PASSWORD"
"""
    sources = [("/a", "a"), ("/moved", "moved")]
    more = "".join(f'\n[[sources]]\nname = "{name}"\nurl = "{origin.url(path)}"\n{options}' for path, name in sources)
    site.configure([], more=more)
    report = site.json("poll")
    assert {row["name"]: row["status"] for row in report["sources"]} == {"a": "ok", "moved": "ok"}
    [elsewhere] = origin.asked("/other")
    assert (elsewhere.headers["Authorization"], elsewhere.headers["X-Token"]) == (None, None)
    assert {request.headers["User-Agent"] for request in origin.requests} == {"Mine/1"}
    database = (site.folder / "data" / "tidings.db").read_bytes()
    assert b"open sesame" not in database
    assert b"t0ken" not in database


def _private(request: Request, secret: str) -> Answer:
    if request.headers["Authorization"] == f"Basic {secret}" and request.headers["X-Token"] == "t0ken":
        return Answer(200, blog([1]))
    return Answer(401)


def test_a_secret_that_is_not_set_stops_its_source_only(site: Site, origin: Origin) -> None:
    """The failure names the source's variable; nothing is asked without it, and the other sources are polled."""
    assert "BLOG_PASSWORD" not in os.environ
    origin.serve_feed("/a", blog([1]))
    origin.serve_feed("/b", blog([2]))
    private = (
        f'\n[[sources]]\nurl = "{origin.url("/b")}"\nname = "b"\nusername = "me"\npassword_env = "BLOG_PASSWORD"\n'
    )
    site.configure([("a", origin.url("/a"))], more=private)
    report = site.json("poll", check=False)
    rows = {row["name"]: row for row in report["sources"]}
    assert rows["a"]["status"] == "ok"
    assert rows["b"]["error"]["kind"] == "unauthorized"
    assert "BLOG_PASSWORD" in rows["b"]["error"]["message"]
    assert origin.count("/b") == 0


def test_a_network_that_is_down_is_nobodys_fault(site: Site) -> None:
    """When no host is reached, the failure says that it is this machine, and no source's failures are counted."""
    site.configure([(name, f"http://{name}.localhost:9/feed") for name in ("a", "b", "c")])
    done = site.run("poll", check=False)
    assert done.returncode == 1
    assert done.stdout.count("this machine's network") == 3
    with sqlite3.connect(site.folder / "data" / "tidings.db") as database:
        assert set(database.execute("SELECT failure_kind, failures FROM feeds")) == {("offline", 0)}


def test_a_host_that_wants_rest_is_no_failure_of_its_other_sources(site: Site, origin: Origin) -> None:
    """One source is told to slow down: the others of its host are skipped, in this poll and the next, and say why."""
    for name in ("a", "b"):
        origin.serve(f"/{name}", Answer(429, headers={"Retry-After": "3600"}))
    site.configure([(name, origin.url(f"/{name}", f"{name}.busy.localhost")) for name in ("a", "b")])
    report = site.json("poll", check=False)
    assert sorted(row["status"] for row in report["sources"]) == ["failed", "skipped"]
    assert report["skipped"] == 1
    [note] = [row["note"] for row in report["sources"] if row["status"] == "skipped"]
    assert note == "busy.localhost is left alone for now"
    assert len(origin.requests) == 1
    again = site.run("poll", "--all")
    assert again.stdout.count("skipped") >= 2
    assert len(origin.requests) == 1
    report = site.json("poll", "--all")
    assert (report["polled"], report["skipped"]) == (0, 2)
    assert all(row["note"] for row in report["sources"])


def test_the_line_to_change_is_shown_when_a_source_has_moved(site: Site, origin: Origin) -> None:
    """A proved move names the file, its line and the new URL; written there, nothing is asked or stored again."""
    origin.serve("/old", Answer(301, headers={"Location": "/new"}))
    origin.serve_feed("/new", blog([2, 1]), etag='"1"')
    site.configure([("blog", origin.url("/old"))])
    site.run("poll")
    path = site.folder / "data" / "tidings.db"
    for _ in range(4):
        site.run("poll", "--all")
    with sqlite3.connect(path) as database:
        database.execute("UPDATE feeds SET move_since = '2020-01-01T00:00:00.000000+00:00'")
    done = site.run("poll", "--all")
    config = site.folder / "config.toml"
    line = 1 + config.read_text().splitlines().index(f'url = "{origin.url("/old")}"')
    assert f'config.toml:{line}: {origin.url("/old")} has moved for good; write url = "{origin.url("/new")}"' in (
        done.stderr
    )
    assert site.json("poll", "--all")["sources"][0]["moved_to"] == origin.url("/new")
    asked = origin.count("/old")
    config.write_text(config.read_text().replace("/old", "/new"))
    row = site.json("poll", "--all")["sources"][0]
    assert (row["status"], row["http"], origin.count("/old")) == ("unchanged", 304, asked)
    assert row["moved_to"] is None
    assert len(site.posts()) == 2


def test_excluded_posts_are_kept_out_of_sight_and_not_lost(site: Site, origin: Origin, tmp_path: Path) -> None:
    """A rule hides posts from lists and the published feed, `--excluded` shows them with the rule, and taking the rule
    out of the file brings them back."""
    origin.serve_feed("/a", rss([item(1, title="A sponsored word"), item(2, title="A word")]))
    site.configure([], more=f'\n[[sources]]\nname = "a"\nurl = "{origin.url("/a")}"\nexclude = ["title: sponsored"]\n')
    site.run("poll")
    assert [post["title"] for post in site.json("posts")] == ["A word"]
    [hidden] = site.json("posts", "--excluded")
    assert (hidden["title"], hidden["excluded"]) == ("A sponsored word", "title: sponsored")
    site.run("publish", "--out", str(tmp_path / "public"))
    assert "sponsored" not in (tmp_path / "public" / "atom.xml").read_text()
    site.configure([("a", origin.url("/a"))])
    assert {post["title"] for post in site.json("posts")} == {"A sponsored word", "A word"}
    assert origin.count("/a") == 1


# ---------------------------------------------------------------------------------------------------------- the report


def row(**values: Any) -> PollRow:
    return PollRow(**{"name": "a", "url": "https://a.example/", "status": "ok"} | values)


@pytest.mark.parametrize(
    ("given", "note"),
    [
        (row(), None),
        (row(status="skipped", note="busy.example is left alone for now"), "busy.example is left alone for now"),
        (row(malformed=True), "malformed or cut short; read as far as it goes"),
        (row(status="unchanged", malformed=True), "malformed or cut short; read as far as it goes"),
        (row(status="skipped", malformed=True, note="left alone"), "left alone"),
        (row(note="9 posts are held"), "9 posts are held"),
        (row(status="unchanged", note="9 released"), "9 released"),
        (row(malformed=True, note="9 held"), "malformed or cut short; read as far as it goes; 9 held"),
        (row(status="failed", malformed=True, failure=Failed("dns", "no such name")), None),
    ],
)
def test_a_note_says_what_the_status_does_not(
    given: PollRow, note: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Why a source was skipped, or that its document may be cut short, is in JSON and in the table; a failed row says
    what failed, not what an earlier document was like."""
    report: Any = poll_report([given])
    [reported] = report["sources"]
    assert reported["note"] == note
    print_rows([given])
    shown = capsys.readouterr().out
    assert (note or "no such name" * (given.failure is not None)) in shown
    assert ("malformed" in shown) is ("malformed" in (note or ""))


def test_the_log_says_what_there_is_to_say_of_a_source(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """What was recognised, held or released is in the daemon's log, by source; who was skipped is not."""
    site.configure(["https://a.example/"])
    rows = [
        row(note="9 held", new=9),
        row(name="b", status="unchanged", note="9 released"),
        row(name="c", status="skipped", note="left alone"),
        row(name="d"),
    ]
    report_poll(config.load(site.folder / "config.toml"), rows)
    said = capsys.readouterr().err.splitlines()
    assert said == ["poll: a: 9 held", "poll: b: 9 released", "poll: 9 new posts from 1 source"]


def test_a_held_and_released_source_as_its_operator_sees_it(site: Site, origin: Origin) -> None:
    """The report of the poll says that posts are held and what to do; the next one says nothing more."""
    origin.serve_feed("/a", blog(range(8)))
    site.configure([("a", origin.url("/a"))])
    site.run("poll")
    old = "Mon, 02 Jan 2023 08:00:00 GMT"
    origin.serve_feed("/a", rss(item(n, text=f"<p>Strange {n}.</p>", date=old) for n in range(100, 107)))
    done = site.run("poll", "--all")
    assert "7 of 7 posts are new at once" in done.stdout
    assert "tidings sources release" in done.stdout
    assert site.json("poll", "--all")["sources"][0]["note"] is None


def test_the_next_poll_of_a_skipped_source_is_called_our_plan(capsys: pytest.CaptureFixture[str]) -> None:
    """The server named one moment, our own back-off may be a later one: the report does not mix them up."""
    print_rows([row(status="skipped", note="the server asked to be left alone", next_poll_at=NOW)])
    expected = "the server asked to be left alone; its next poll is planned for 2026-11-27 08:00 UTC"
    assert expected in capsys.readouterr().out


def test_a_document_cut_short_is_called_so(site: Site, origin: Origin) -> None:
    """The report of a poll says that more may be missing, also when the same bytes come again."""
    whole = blog([2, 1])
    origin.serve("/cut", Answer(200, whole[: whole.rindex(b"</item>")]))
    site.configure([("cut", origin.url("/cut"))])
    for status in ("ok", "unchanged"):
        [reported] = site.json("poll", "--all")["sources"]
        assert (reported["status"], "malformed" in (reported["note"] or "")) == (status, True)


def test_a_server_that_wants_rest_is_quoted(site: Site, origin: Origin) -> None:
    """A skipped source says until when its server asked to be left alone, which may be before its next poll."""
    origin.serve("/a", Answer(503, headers={"Retry-After": "600"}))
    site.configure([("a", origin.url("/a"))])
    site.run("poll", check=False)
    [reported] = site.json("poll", "--all")["sources"]
    with sqlite3.connect(site.folder / "data" / "tidings.db") as database:
        [(until,)] = database.execute("SELECT retry_after FROM feeds")
    assert until[:16].replace("T", " ") in reported["note"]
    assert reported["next_poll_at"][:16] > until[:16]
