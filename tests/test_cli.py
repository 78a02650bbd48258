"""The commands as an operator types them: real processes, a real configuration file, real HTTP."""

from __future__ import annotations

import json
from datetime import datetime
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path

import pytest

from tests.feeds import blog, item, rss
from tests.mails import body_of
from tests.origin import Answer, Origin
from tests.sites import Site
from tidings.demo.sink import free_port, take_mail


def test_init_writes_a_configuration_that_check_accepts(tmp_path: Path) -> None:
    """`init` writes a file that `check` finds fine, and never overwrites one."""
    site = Site(tmp_path)
    site.run("init")
    assert "fine" in site.run("check").stdout
    (tmp_path / "config.toml").write_text("# mine\n", encoding="utf-8")
    assert site.run("init", check=False).returncode == 1
    assert (tmp_path / "config.toml").read_text(encoding="utf-8") == "# mine\n"


def test_a_wrong_configuration_is_exit_2_with_file_line_and_key(site: Site) -> None:
    """Every command refuses a wrong configuration with file, line, key and the key that was meant."""
    site.configure(["https://blog.example/feed"], more='evrey = "1h"\n')
    for command in (["check"], ["poll"], ["posts"], ["publish"], ["send", "weekly"], ["preview", "weekly"], ["run"]):
        done = site.run(*command, check=False)
        assert done.returncode == 2
        line = (site.folder / "config.toml").read_text(encoding="utf-8").splitlines().index('evrey = "1h"') + 1
        assert f"config.toml:{line}:" in done.stderr
        assert "`every`" in done.stderr


def test_a_missing_configuration_is_exit_2(site: Site) -> None:
    """Without a configuration file a command says so, and how to get one."""
    done = site.run("poll", check=False)
    assert (done.returncode, "tidings init" in done.stderr) == (2, True)


def test_the_poll_report_has_the_documented_shape(site: Site, origin: Origin) -> None:
    """`poll --json` prints sums and a row per source; a failed source makes the exit status 1."""
    origin.serve_feed("/good", blog([2, 1]))
    origin.serve("/bad", Answer(404))
    site.configure([("good", origin.url("/good")), ("bad", origin.url("/bad"))])
    done = site.run("poll", "--json", check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert {key: report[key] for key in ("polled", "new", "updated", "unchanged", "failed", "skipped")} == {
        "polled": 2,
        "new": 2,
        "updated": 0,
        "unchanged": 0,
        "failed": 1,
        "skipped": 0,
    }
    rows = {row["name"]: row for row in report["sources"]}
    keys = "name url status http new updated error next_poll_at note moved_to"
    assert set(rows["good"]) == set(keys.split())
    assert (rows["good"]["note"], rows["good"]["moved_to"]) == (None, None)
    assert (rows["good"]["status"], rows["good"]["http"], rows["good"]["error"]) == ("ok", 200, None)
    assert (rows["bad"]["status"], rows["bad"]["http"], rows["bad"]["new"]) == ("failed", 404, 0)
    assert set(rows["bad"]["error"]) == {"kind", "message"}
    assert datetime.fromisoformat(rows["good"]["next_poll_at"]).tzinfo is not None


def test_poll_asks_only_what_is_due_unless_told(site: Site, origin: Origin) -> None:
    """A plain poll right after another asks nobody; a name, a URL or --all asks now."""
    origin.serve_feed("/a", blog([1]))
    origin.serve_feed("/b", blog([1]))
    site.configure([("a", origin.url("/a")), ("b", origin.url("/b"))])
    site.run("poll")
    assert "nothing is due before" in site.run("poll").stderr
    assert (origin.count("/a"), origin.count("/b")) == (1, 1)
    site.run("poll", "a")
    site.run("poll", origin.url("/b"))
    site.run("poll", "--all")
    assert (origin.count("/a"), origin.count("/b")) == (3, 3)
    assert site.run("poll", "nobody", check=False).returncode == 2


def test_poll_never_asks_before_retry_after(site: Site, origin: Origin) -> None:
    """A server that asked for an hour's rest is skipped, by --all and by name, and that is no failure."""
    origin.serve("/a", Answer(503, headers={"Retry-After": "3600"}))
    site.configure([("a", origin.url("/a"))])
    site.run("poll", check=False)
    for arguments in (["--all"], ["a"]):
        report = site.json("poll", *arguments)
        assert [row["status"] for row in report["sources"]] == ["skipped"]
        assert (report["polled"], report["failed"]) == (0, 0)
    assert origin.count("/a") == 1


def test_posts_lists_and_searches(site: Site, origin: Origin) -> None:
    """`posts` filters by words, source, tag and time, and its JSON has the documented keys."""
    tagged = item(1, title="Salt", text="<p>On pickled lemons.</p>").replace(
        "</item>", "<category>Food</category></item>"
    )
    origin.serve_feed("/a", rss([tagged, item(2, title="Iron")]))
    origin.serve_feed("/b", rss([item(3, title="Lemon drizzle")]))
    site.configure([("a", origin.url("/a")), ("b", origin.url("/b"))])
    site.run("poll")
    assert {post["title"] for post in site.json("posts", "lemons")} == {"Salt"}
    assert {post["title"] for post in site.json("posts", "--source", "a")} == {"Salt", "Iron"}
    assert {post["title"] for post in site.json("posts", "--tag", "food")} == {"Salt"}
    assert len(site.json("posts", "--limit", "2")) == 2
    assert site.json("posts", "--since", "2100-01-01") == []
    assert len(site.json("posts", "--since", "1h")) == 3
    post = site.json("posts", "pickled")[0]
    keys = "id source guid url title author published updated first_seen story tags summary content_html excluded held"
    assert list(post) == keys.split()
    assert post["tags"] == ["Food"]
    assert post["published"] is None
    assert datetime.fromisoformat(post["first_seen"]).utcoffset() is not None
    assert "Lemon drizzle" in site.run("posts").stdout


def test_control_characters_in_titles_do_not_reach_the_terminal(site: Site, origin: Origin) -> None:
    """A title with terminal escapes is printed without them."""
    origin.serve_feed(
        "/a",
        b'{"version": "https://jsonfeed.org/version/1.1", "title": "x",'
        b' "items": [{"id": "1", "title": "\\u001b[31mred\\u0007"}]}',
    )
    site.configure([("a", origin.url("/a"))])
    site.run("poll")
    assert "\x1b" not in site.run("posts").stdout


def test_preview_writes_three_files_and_changes_nothing(site: Site, origin: Origin) -> None:
    """`preview` shows the next issue as HTML, text and message; the same issue is still next afterwards."""
    origin.serve_feed("/a", blog([2, 1]))
    site.configure([("a", origin.url("/a"))], subscribers=["ada@readers.example"])
    site.run("poll")
    for _ in range(2):
        site.run("preview", "weekly", "--out", "look")
        assert "The text of post 1." in (site.folder / "look/issue.html").read_text(encoding="utf-8")
        assert "The text of post 2." in (site.folder / "look/issue.txt").read_text(encoding="utf-8")
    message = message_from_bytes((site.folder / "look/issue.eml").read_bytes(), policy=modern)
    assert message["To"] == "ada@readers.example"
    assert not (site.folder / "outbox").exists()
    assert "2 delivered" not in site.run("send", "weekly").stdout
    assert "nothing new" in site.run("preview", "weekly").stderr


def test_send_mails_each_reader_once_and_then_says_nothing_new(site: Site, origin: Origin) -> None:
    """A real SMTP server gets one whole message per reader; a second send sends nothing and says so."""
    origin.serve_feed("/a", blog([2, 1]))
    readers = ["ada@readers.example", "grace@readers.example"]
    with take_mail() as mailbox:
        site.configure([("a", origin.url("/a"))], subscribers=readers, transport=f"smtp://127.0.0.1:{mailbox.port}")
        site.run("poll")
        assert "2 delivered" in site.run("send", "weekly").stdout
        assert sorted(received.recipient for received in mailbox.received) == readers
        assert "nothing was sent" in site.run("send", "weekly").stdout
        assert len(mailbox.received) == 2
        message = message_from_bytes(mailbox.received[0].message, policy=modern)
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
        for name in ("Message-ID", "Date", "List-Id", "Auto-Submitted", "Subject"):
            assert message[name], name
        origin.serve_feed("/a", blog([3, 2, 1]))
        site.run("poll", "--all")
        site.run("send", "weekly")
        third = message_from_bytes(mailbox.received[-1].message, policy=modern)
        text = body_of(third, "plain")
        assert "Post 3" in text
        assert "Post 2" not in text


def test_a_test_mail_counts_as_nothing(site: Site, origin: Origin) -> None:
    """`send --to` mails one address, and the issue is still to be sent afterwards."""
    origin.serve_feed("/a", blog([1]))
    site.configure([("a", origin.url("/a"))], subscribers=["ada@readers.example"])
    site.run("poll")
    site.run("send", "weekly", "--to", "me@tests.example")
    outbox = site.folder / "outbox"
    assert [message_from_bytes(path.read_bytes())["To"] for path in outbox.glob("*.eml")] == ["me@tests.example"]
    assert "1 delivered" in site.run("send", "weekly").stdout
    assert site.run("send", "weekly", "--to", "a@b\r\nBcc: c@d", check=False).returncode == 2


def test_an_unreachable_mail_server_loses_no_mail(site: Site, origin: Origin) -> None:
    """The issue is frozen, the failure is named with exit status 1, and the next send delivers it."""
    origin.serve_feed("/a", blog([1]))
    port = free_port()
    site.configure([("a", origin.url("/a"))], subscribers=["ada@readers.example"], transport=f"smtp://127.0.0.1:{port}")
    site.run("poll")
    done = site.run("send", "weekly", check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    with take_mail() as mailbox:
        text = (site.folder / "config.toml").read_text(encoding="utf-8").replace(str(port), str(mailbox.port))
        (site.folder / "config.toml").write_text(text, encoding="utf-8")
        assert "1 delivered" in site.run("send", "weekly").stdout
        assert len(mailbox.received) == 1


def test_publish_writes_what_changed(site: Site, origin: Origin) -> None:
    """`publish` writes feed, page and archive, and says how many files these are; run again it writes nothing."""
    origin.serve_feed("/a", blog([1]))
    site.configure([("a", origin.url("/a"))], subscribers=["ada@readers.example"])
    site.run("poll")
    site.run("send", "weekly")
    first = site.run("publish", "--out", "out")
    files = {path for path in (site.folder / "out").rglob("*.*") if path.is_file() and path.name != ".tidings.json"}
    assert {"atom.xml", "index.html", "weekly-1.html", "weekly.xml"} <= {path.name for path in files}
    assert first.stdout == f"out: {len(files)} files written, 0 taken away, 0 left as they were\n"
    again = site.run("publish", "--out", "out")
    assert (again.stdout, "up to date" in again.stderr) == ("", True)


def test_to_take_a_source_out_publishes_nothing_of_it(site: Site, origin: Origin) -> None:
    """What a source for members, and one of which only headlines were shown, had in an issue is no more on the web
    after they were taken out of the file than before."""
    for number, name in enumerate(("/club?token=x", "/brief")):
        origin.serve_feed(name, rss([item(number, title=f"Headline of {name[1:5]}", text=f"Words of {name[1:5]}")]))
    sources = [("club", origin.url("/club?token=x")), ("brief", origin.url("/brief"))]
    site.configure(sources, subscribers=["ada@readers.example"], more='\n[feed]\ncontent = "title"\n')
    site.run("poll")
    assert "1 delivered" in site.run("send", "weekly").stdout
    site.configure([], subscribers=["ada@readers.example"])
    site.run("publish", "--out", "out")
    for name in ("weekly-1.html", "weekly.xml", "weekly.rss.xml", "weekly.json"):
        page = (site.folder / "out/issues" / name).read_text("utf-8")
        assert "Headline of brie" in page
        assert not any(words in page for words in ("Headline of club", "Words of club", "Words of brie"))


def test_check_names_sources_that_are_kept_from_the_planet(site: Site) -> None:
    """What is asked with something that not everybody has is in digests alone, which nobody could know; a line on
    standard error says what to write. Where the file says it itself, nothing is said."""
    members = ("club", "https://club.example/feed?token=x")
    site.configure([("open", "https://open.example/feed"), members])
    done = site.run("check")
    assert "2 sources" in done.stdout
    [line] = done.stderr.splitlines()
    assert line == (
        "club: in digests alone, since what it is asked with is not everybody's; "
        "write `publish = true` to have it on pages and in feeds, or `publish = false`"
    )
    for answer in ("true", "false"):
        site.configure([members], more=f"publish = {answer}\n")
        assert site.run("check").stderr == ""


@pytest.mark.parametrize(("language", "hints"), [("xx", 1), ("it-CH", 1), ("de-AT", 0), ("en", 0), ("en-GB", 0)])
def test_check_says_that_there_are_no_words_of_a_language(site: Site, language: str, hints: int) -> None:
    """The file is right all the same: dates may be in that language, and a catalogue may come."""
    site.configure([])
    path = site.folder / "config.toml"
    path.write_text(path.read_text().replace('language = "en"', f'language = "{language}"'))
    done = site.run("check")
    said = [line for line in done.stderr.splitlines() if f'"{language}"' in line]
    assert len(said) == hints
    assert all("English" in line and "locale/" in line for line in said)


def test_publish_names_files_where_they_are_few(site: Site, origin: Origin) -> None:
    """Of a change that concerns some files each is named, also those taken away, and nothing else is printed; a source
    that goes with many is a line."""
    origin.serve_feed("/a", blog([1]))
    origin.serve_feed("/b", blog(range(100, 130)))
    site.configure([("a", origin.url("/a")), ("b", origin.url("/b"))])
    site.run("poll")
    site.run("publish", "--out", "out")
    (site.folder / "out" / "404.html").unlink()
    (site.folder / "out" / "robots.txt").write_text("mine")
    assert site.run("publish", "--out", "out").stdout.splitlines() == ["out/robots.txt", "out/404.html"]
    site.configure([("a", origin.url("/a"))])
    [line] = site.run("publish", "--out", "out").stdout.splitlines()
    written, gone, kept = (int(part.split()[0]) for part in line.removeprefix("out: ").split(", "))
    assert gone > 30
    assert (written > 0, kept > 0) == (True, True)
    assert written + kept == len([path for path in (site.folder / "out").rglob("*.*") if path.is_file()]) - 1


def test_publish_into_no_folder_is_refused(site: Site) -> None:
    """A variable that is not set, `--out "$DIR"`, must not fill the working directory."""
    refused = site.run("publish", "--out", "", check=False)
    assert refused.returncode == 2
    assert "--out names no folder" in refused.stderr
    assert not (site.folder / "index.html").exists()


@pytest.mark.parametrize("out", [".", "..", "data", "{home}/data/public/.."])
def test_publish_into_what_is_not_for_the_web_is_refused(site: Site, out: str) -> None:
    """A web host would serve the database and the configuration with the pages: their folders are refused, and those
    around them. A folder in them is fine."""
    site.configure([("a", "https://a.example/feed")])
    refused = site.run("publish", "--out", out.format(home=site.folder), check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "--out" in refused.stderr
    assert "a folder of its own" in refused.stderr
    assert not list(site.folder.rglob("index.html"))
    site.run("publish", "--out", "data/public")
    assert (site.folder / "data" / "public" / "index.html").exists()


def test_publish_tells_what_is_gone_from_what_is_new(site: Site, origin: Origin) -> None:
    """In the list of a few files those that were taken away are marked."""
    origin.serve_feed("/a", blog([1]))
    site.configure([("a", origin.url("/a"))])
    site.run("poll")
    site.run("publish", "--out", "out")
    (site.folder / "out" / "404.html").unlink()
    site.configure([("a", origin.url("/a"))], more="publish = false\n")
    lines = site.run("publish", "--out", "out").stdout.splitlines()
    assert "out/404.html" in lines
    assert "out/posts/1.html (taken away)" in lines
    assert all((site.folder / line).is_file() for line in lines if "(taken away)" not in line)


def test_an_unknown_edition_is_exit_2_and_names_the_known(site: Site) -> None:
    """A wrong edition name lists the right ones."""
    site.configure(["https://blog.example/feed"])
    done = site.run("send", "wekly", check=False)
    assert (done.returncode, "weekly" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", ["demo", "init", "check", "poll", "posts", "preview", "send", "publish", "run"])
def test_each_command_has_a_manual(site: Site, name: str) -> None:
    """`--help` works without a configuration and says more than a line."""
    assert len(site.run(name, "--help").stdout.splitlines()) > 6


def test_a_sink_that_is_no_mail_server_is_named(site: Site, origin: Origin) -> None:
    """A server that talks HTTP where SMTP is expected is a clear error, not a traceback."""
    origin.serve_feed("/a", blog([1]))
    site.configure(
        [("a", origin.url("/a"))], subscribers=["ada@readers.example"], transport=f"smtps://127.0.0.1:{origin.port}"
    )
    site.run("poll")
    done = site.run("send", "weekly", check=False)
    assert (done.returncode, "[mail] transport" in done.stderr) == (1, True)
