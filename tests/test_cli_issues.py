"""`tidings issues`, and the review of an issue, as an operator sees them: real processes and a real mail server."""

from __future__ import annotations

import fcntl
import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default as modern

from tests.feeds import blog
from tests.mails import body_of
from tests.origin import Origin
from tests.sites import Site
from tests.test_docs import COMMANDS, fenced, section
from tidings import config, preferences
from tidings.demo.sink import Mailbox, free_port, take_mail
from tidings.model import Choices, Evidence
from tidings.store import open_store, subscribers

READERS = ["ann@readers.example", "bob@readers.example"]


def configure(
    site: Site, origin: Origin, *, review: str = "", transport: str = "file:outbox", readers: list[str] = READERS
) -> None:
    site.configure([("a", origin.url("/a"))], subscribers=readers, transport=transport)
    _insert(site, "[[sources]]", f'review = "{review}"' if review else "")


def _insert(site: Site, before: str, line: str) -> None:
    path = site.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, f"{line}\n{before}"), encoding="utf-8")


def stock(site: Site, origin: Origin, *numbers: int) -> None:
    """A poll that brings these posts."""
    origin.serve_feed("/a", blog(numbers))
    site.run("poll", "--all")


def ids(site: Site) -> dict[str, str]:
    """The ids of the posts, by their titles."""
    return {post["title"]: str(post["id"]) for post in site.posts()}


def texts(mailbox: Mailbox) -> list[str]:
    messages = [message_from_bytes(one.message, policy=modern) for one in mailbox.received]
    return [str(one["Subject"]) + body_of(one, "plain") for one in messages]


def archived(site: Site) -> list[str]:
    """The issues that are published, by their files."""
    site.run("publish")
    return sorted(path.stem for path in (site.folder / "data/public/issues").glob("*-*.html"))


# ------------------------------------------------------------------------------------------------------- looking


def test_issues_of_readers_own_are_sent_and_listed_where_asked_for(site: Site, origin: Origin) -> None:
    """`send` makes what is due of them beside the edition's issue, which goes to the others. They stay off the web."""
    configure(site, origin)
    stock(site, origin, 2, 1)
    with open_store(site.folder / "data" / "tidings.db") as store:
        reader = subscribers.find(store, READERS[0])
        assert reader is not None
        [weekly] = config.load(site.folder / "config.toml").editions
        preferences.choose(store, reader, weekly, Choices("every post"), Evidence(), datetime.now(UTC))
        for change in (
            "editions SET since",
            "editions SET scheduled_at",
            "subscriptions SET since",
            "choices SET next_at",
        ):
            store.conn.execute(f"UPDATE {change} = '2026-01-01T00:00:00.000000+00:00'")
    said = site.run("send", "weekly").stdout
    assert "weekly: issues of readers' own: 1" in said
    own = f"weekly~{reader.public_id}-1"
    assert [one["issue"] for one in site.json("issues", "list")["issues"]] == ["weekly-1"]
    listed = site.json("issues", "list", "--personal")["issues"]
    assert {one["issue"]: one["deliveries"]["accepted"] for one in listed} == {"weekly-1": 1, own: 1}
    assert archived(site) == ["weekly-1"]
    assert site.json("issues", "show", own)["url"] is None


def test_list_shows_what_was_sent_and_what_comes(site: Site, origin: Origin) -> None:
    """Newest first, with the balance of each; behind them the next issue of the edition with its time and stories."""
    configure(site, origin)
    stock(site, origin, 2, 1)
    site.run("send", "weekly")
    stock(site, origin, 3, 2, 1)
    site.run("send", "weekly")
    stock(site, origin, 5, 4, 3, 2, 1)
    report = site.json("issues", "list")
    assert [(one["issue"], one["stories"], one["state"]) for one in report["issues"]] == [
        ("weekly-2", 1, "sent"),
        ("weekly-1", 2, "sent"),
    ]
    assert report["issues"][0]["deliveries"]["accepted"] == 2
    [following] = report["next"]
    assert (following["edition"], following["stories"]) == ("weekly", 2)
    due = datetime.fromisoformat(following["due_at"])
    assert (due.weekday(), due.hour) == (4, 8)
    said = site.run("issues", "list", "weekly", "--limit", "1").stdout
    assert "weekly-2" in said
    assert "weekly-1" not in said
    assert f"weekly: next: Fri {due.day} {due:%b} 08:00 UTC, 2 stories so far" in said
    assert "2 delivered" in said


def test_list_shows_the_subject_that_the_next_mail_has(site: Site, origin: Origin) -> None:
    """By the template and in the language of the edition; a wrong template is told, and hides nothing else."""
    configure(site, origin)
    _insert(site, "schedule", 'language = "de"')
    stock(site, origin, 2, 1)
    [coming] = site.json("issues", "list")["next"]
    site.run("send", "weekly")
    sent = site.json("issues", "list")["issues"][0]
    assert sent["subject"] == coming["subject"]
    assert "und 1 weiterer" in sent["subject"]
    stock(site, origin, 3, 2, 1)
    _insert(site, "schedule", 'subject = "{{ headline.nothing.more }}"')
    said = site.run("issues", "list")
    assert "weekly-1" in said.stdout
    assert "Correct its key `subject`" in said.stderr


def test_the_reports_have_the_documented_shape(site: Site, origin: Origin) -> None:
    """The keys of `list --json` and `show --json` are those on the page of commands."""
    configure(site, origin)
    stock(site, origin, 1)
    site.run("send", "weekly")
    text = section(COMMANDS, "tidings issues")
    (shown,) = fenced(text, "json")
    page, report = json.loads(shown), site.json("issues", "list")
    assert list(page) == list(report)
    assert list(page["issues"][0]) == list(report["issues"][0])
    assert list(page["issues"][0]["deliveries"]) == list(report["issues"][0]["deliveries"])
    assert list(page["next"][0]) == list(report["next"][0])
    whole = site.json("issues", "show", "weekly-1")
    assert list(whole) == [*report["issues"][0], "url", "items", "readers"]
    words = " ".join(text.split())
    for rows in ("items", "readers"):
        assert f"`{', '.join(whole[rows][0])}`" in words


def test_show_tells_headlines_and_readers(site: Site, origin: Origin) -> None:
    """Each headline with its post and source, each reader with what the server said, and the page on the web."""
    configure(site, origin)
    stock(site, origin, 2, 1)
    site.run("send", "weekly")
    report = site.json("issues", "show", "weekly")
    known = ids(site)
    assert [(one["headline"], str(one["post"]), one["part"]) for one in report["items"]] == [
        ("Post 2", known["Post 2"], "story"),
        ("Post 1", known["Post 1"], "story"),
    ]
    assert [(one["address"], one["state"]) for one in report["readers"]] == [(one, "accepted") for one in READERS]
    assert report["url"] == "https://planet.example/issues/weekly-1.html"
    said = site.run("issues", "show", "weekly-1").stdout
    for expected in ("Post 2", "A Blog", READERS[0], "accepted", "sent", report["url"]):
        assert expected in said


def test_an_issue_without_subscribers_is_called_archived(site: Site, origin: Origin) -> None:
    """It is on the web and nowhere else."""
    configure(site, origin, readers=[])
    stock(site, origin, 1)
    site.run("send", "weekly")
    assert site.json("issues", "list")["issues"][0]["state"] == "archived"
    assert "archived only (no subscribers)" in site.run("issues", "list").stdout


def test_an_issue_for_readers_who_get_it_apart_is_called_so(site: Site, origin: Origin) -> None:
    """Who has a cadence of their own gets the posts, though not in this issue."""
    configure(site, origin, readers=READERS[:1])
    stock(site, origin, 1)
    with open_store(site.folder / "data" / "tidings.db") as store:
        reader = subscribers.find(store, READERS[0])
        assert reader is not None
        [weekly] = config.load(site.folder / "config.toml").editions
        preferences.choose(store, reader, weekly, Choices("monthly"), Evidence(), datetime.now(UTC))
    site.run("send", "weekly")
    (row,) = site.json("issues", "list")["issues"]
    assert (row["state"], row["apart"]) == ("archived", 1)
    assert "archived only (for readers with a cadence of their own)" in site.run("issues", "list").stdout


def test_an_empty_list_is_no_error(site: Site, origin: Origin) -> None:
    """Before there is anything it says when there might be."""
    configure(site, origin)
    assert site.json("issues", "list")["issues"] == []
    assert ", nothing new" in site.run("issues", "list").stdout


def test_every_command_says_what_an_issue_waits_for(site: Site, origin: Origin) -> None:
    """Posts in their grace, or too few of them, are not called nothing: they are counted, with the end of the grace."""
    configure(site, origin)
    _insert(site, "[[sources]]", "min_posts = 4")
    stock(site, origin, 3, 2, 1)
    commands = (
        ["preview", "weekly"],
        ["check", "weekly"],
        ["send", "weekly"],
        ["send", "weekly", "--to", "me@a.example"],
    )
    for one in (*commands, ["issues", "list"]):
        done = site.run(*one)
        assert "3 of 4 stories that an issue needs" in done.stdout + done.stderr
    _insert(site, "[[sources]]", 'grace = "2h"')
    for one in (*commands, ["issues", "list"]):
        done = site.run(*one)
        assert re.search(r"3 stories wait for their grace, the first until \d{4}-.* UTC", done.stdout + done.stderr)
    assert site.json("issues", "list")["next"][0]["nothing"].startswith("3 stories wait for their grace")


WRONG = [
    (["list", "wekly"], 2, "there are: weekly"),
    (["show", "weekly-9"], 1, "the newest are: weekly-1"),
    (["hold", "wekly"], 1, "the newest are: weekly-1"),
    (["release", "weekly-0"], 1, "the newest are: weekly-1"),
    (["drop", "weekly-9", "1"], 1, "the newest are: weekly-1"),
    (["drop", "weekly-1", "99"], 1, "it has: 1 (Post 1)"),
    (["drop", "weekly-1", "https://else.example/"], 1, "it has: 1 (Post 1)"),
    (["drop", "weekly-1"], 2, "--all"),
    (["drop", "weekly-1", "1", "--all"], 2, "--all"),
    (["drop", "weekly-1", "1"], 1, "tidings issues drop weekly-1 --all"),
]


def test_wrong_names_say_what_there_is(site: Site, origin: Origin) -> None:
    """No issue, no edition, no story by that name; nothing left to send: each with what would be right."""
    configure(site, origin, review="1h")
    stock(site, origin, 1)
    site.run("send", "weekly")
    before = site.json("issues", "show", "weekly")
    for arguments, status, said in WRONG:
        done = site.run("issues", *arguments, check=False)
        assert (done.returncode, done.stdout) == (status, ""), arguments
        assert said in done.stderr, arguments
    assert site.json("issues", "show", "weekly") == before


# ------------------------------------------------------------------------------------------------------- review


def test_a_review_waits_and_then_goes(site: Site, origin: Origin) -> None:
    """A send freezes and says when the issue goes; until then it is in no mailbox and not on the web. After that it is
    in each mailbox once, and on the web."""
    with take_mail() as mailbox:
        configure(site, origin, review="6s", transport=f"smtp://127.0.0.1:{mailbox.port}")
        stock(site, origin, 2, 1)
        done = site.run("send", "weekly")
        assert "weekly-1 is in review and goes out after" in done.stderr
        assert "`tidings issues release weekly-1` lets it go now" in done.stderr
        [row] = site.json("issues", "list")["issues"]
        assert row["state"] == "reviewing"
        frozen_at, send_after = (datetime.fromisoformat(row[key]) for key in ("frozen_at", "send_after"))
        assert send_after - frozen_at == timedelta(seconds=6)
        assert archived(site) == []
        assert mailbox.received == []
        time.sleep(max(0.0, send_after.timestamp() + 1 - time.time()))
        assert "2 delivered" in site.run("send", "weekly").stdout
        assert sorted(one.recipient for one in mailbox.received) == READERS
        assert archived(site) == ["weekly-1"]


def test_a_send_says_that_a_review_keeps_it_from_making_the_next(site: Site, origin: Origin) -> None:
    """With news at hand it does not claim that there is nothing new."""
    configure(site, origin, review="1h")
    stock(site, origin, 1)
    site.run("send", "weekly")
    stock(site, origin, 2, 1)
    done = site.run("send", "weekly")
    assert "nothing new" not in done.stdout
    assert "no new issue before the last one went; nothing was sent" in done.stdout
    assert "weekly-1 is in review" in done.stderr
    site.run("issues", "release", "weekly-1")
    assert "2 delivered" in site.run("send", "weekly").stdout
    assert "neither held nor in review" in site.run("issues", "release", "weekly-1").stderr


def test_two_daemons_mail_an_issue_once_when_its_review_ends(site: Site, origin: Origin) -> None:
    """Both wait for the same moment; each reader gets one mail, and the page appears."""
    with take_mail() as mailbox:
        configure(site, origin, review="8s", transport=f"smtp://127.0.0.1:{mailbox.port}")
        stock(site, origin, 2, 1)
        site.run("send", "weekly")
        daemons = []
        try:
            for _ in range(2):
                path = site.folder / "config.toml"
                text = path.read_text(encoding="utf-8")
                listen = next(line for line in text.splitlines() if line.startswith("listen"))
                path.write_text(text.replace(listen, f'listen = "127.0.0.1:{free_port()}"'), encoding="utf-8")
                daemons.append(site.start("run"))
                time.sleep(1.5)
            page = site.folder / "data/public/issues/weekly-1.html"
            assert not page.exists()
            wait_until(lambda: len(mailbox.received) >= 2 and page.exists())
            time.sleep(11)  # another tick of each
        finally:
            for daemon in daemons:
                daemon.kill()
                daemon.communicate()
        assert sorted(one.recipient for one in mailbox.received) == READERS


# ------------------------------------------------------------------------------------------------------- holding


def test_a_hold_in_the_middle_of_deliveries_stops_the_rest(site: Site, origin: Origin) -> None:
    """While a send is under way an issue is held: at most the message in hand still goes. Released it reaches all
    others, and nobody twice. It stays on the web, since mails link to it."""
    readers = [f"reader{n}@readers.example" for n in range(30)]
    with take_mail() as mailbox:
        configure(site, origin, transport=f"smtp://127.0.0.1:{mailbox.port}", readers=readers)
        _insert(site, "[web]", 'rate = "4/s"')
        stock(site, origin, 2, 1)
        process = site.start("send", "weekly")
        wait_until(lambda: len(mailbox.received) >= 2, process)
        said = site.run("issues", "hold", "weekly-1").stdout
        held_at = len(mailbox.received)
        assert "weekly-1 is held until `tidings issues release weekly-1`" in said
        out, err = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "not sent yet" in out
        assert "weekly-1 is held" in err
        assert held_at <= len(mailbox.received) <= held_at + 1 < len(readers)
        assert "nothing was sent" in site.run("send", "weekly").stdout
        assert "held already" in site.run("issues", "hold", "weekly").stderr
        assert site.json("issues", "list")["issues"][0]["state"] == "held"
        assert archived(site) == ["weekly-1"]
        site.run("issues", "release", "weekly-1")
        path = site.folder / "config.toml"
        path.write_text(path.read_text(encoding="utf-8").replace('rate = "4/s"\n', ""), encoding="utf-8")
        site.run("send", "weekly")
        assert Counter(one.recipient for one in mailbox.received) == dict.fromkeys(readers, 1)


def test_a_held_issue_does_not_stop_the_next(site: Site, origin: Origin) -> None:
    """The next send makes and mails another issue, and names the one that is held."""
    configure(site, origin, review="1h")
    stock(site, origin, 1)
    site.run("send", "weekly")
    assert "held until" in site.run("issues", "hold", "weekly-1").stdout
    path = site.folder / "config.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('review = "1h"\n', ""), encoding="utf-8")
    stock(site, origin, 2, 1)
    done = site.run("send", "weekly")
    assert "2 delivered" in done.stdout
    assert "weekly-1 is held; `tidings issues release weekly-1` lets it go" in done.stderr
    assert archived(site) == ["weekly-2"]


def test_what_is_sent_can_be_neither_held_nor_dropped(site: Site, origin: Origin) -> None:
    """It is in readers' mailboxes, and the message says so."""
    configure(site, origin)
    stock(site, origin, 2, 1)
    site.run("send", "weekly")
    done = site.run("issues", "hold", "weekly-1", check=False)
    assert (done.returncode, "weekly-1 is sent" in done.stderr) == (1, True)
    for arguments in ((ids(site)["Post 1"],), ("--all",)):
        done = site.run("issues", "drop", "weekly-1", *arguments, check=False)
        assert (done.returncode, "in readers' mailboxes" in done.stderr) == (1, True)
    assert [one["part"] for one in site.json("issues", "show", "weekly-1")["items"]] == ["story", "story"]


# ------------------------------------------------------------------------------------------------------- dropping


def test_a_dropped_story_is_in_no_mail_no_page_and_no_later_issue(site: Site, origin: Origin) -> None:
    """Taken out by its id or URL before the issue goes, a headline is nowhere, and `explain` says why."""
    with take_mail() as mailbox:
        configure(site, origin, review="1h", transport=f"smtp://127.0.0.1:{mailbox.port}")
        stock(site, origin, 3, 2, 1)
        site.run("send", "weekly")
        known = ids(site)
        said = site.run("issues", "drop", "weekly-1", known["Post 3"], "http://www.blog.example/2").stdout
        assert "dropped 2 stories from weekly-1: The Weekly: Post 1" in said
        [*_, one, other] = site.json("issues", "show", "weekly-1")["items"]
        assert {(row["headline"], row["part"]) for row in (one, other)} == {
            ("Post 2", "dropped"),
            ("Post 3", "dropped"),
        }
        site.run("issues", "release", "weekly-1")
        site.run("send", "weekly")
        stock(site, origin, 4, 3, 2, 1)
        site.run("send", "weekly")
        site.run("issues", "release", "weekly-2")
        site.run("send", "weekly")
        assert Counter(one.recipient for one in mailbox.received) == dict.fromkeys(READERS, 2)
        for text in texts(mailbox):
            assert "Post 3" not in text
            assert "Post 2" not in text
        assert ["Post 1" in text for text in texts(mailbox)] == [True, True, False, False]
        site.run("publish")
        archive = [path.read_text(encoding="utf-8") for path in (site.folder / "data/public/issues").iterdir()]
        assert len(archive) == 6  # two pages, the list of them, and their feed in three formats
        assert not any("Post 3" in page or "Post 2" in page for page in archive)
        explained = site.run("explain", known["Post 3"]).stdout
        assert "weekly: not in the next issue." in explained
        assert "Because it was dropped from weekly-1 by hand." in explained
        [fate] = site.json("explain", known["Post 3"])["posts"][0]["editions"]
        assert (fate["status"], [one["kind"] for one in fate["reasons"]], fate["issues"]) == ("no", ["dropped"], [])


def test_an_edit_is_dropped_by_the_id_that_show_prints(site: Site, origin: Origin) -> None:
    """It is part of what an issue has, and counted as what it is."""
    configure(site, origin)
    _insert(site, "schedule", "updates = true")
    stock(site, origin, 1)
    site.run("send", "weekly")
    origin.serve_feed(
        "/a", blog([2, 1]).replace(b"</description>", b" Update: all else is wrong, they say.</description>")
    )
    site.run("poll", "--all")
    _insert(site, "schedule", 'review = "1h"')
    site.run("send", "weekly")
    parts = {one["part"]: str(one["post"]) for one in site.json("issues", "show", "weekly-2")["items"]}
    assert "dropped 1 edit from weekly-2: " in site.run("issues", "drop", "weekly-2", parts["update"]).stdout
    assert [one["part"] for one in site.json("issues", "show", "weekly-2")["items"]] == ["story", "dropped"]


def test_explain_says_that_an_issue_has_not_gone(site: Site, origin: Origin) -> None:
    """Where it names the issue of a post it says that this is in review, or held."""
    configure(site, origin, review="1h")
    stock(site, origin, 1)
    site.run("send", "weekly")
    assert "the issue is in review and not sent yet." in site.run("explain", "1").stdout
    site.run("issues", "hold", "weekly-1")
    assert "the issue is held." in site.run("explain", "1").stdout
    site.run("issues", "release", "weekly-1")
    site.run("send", "weekly")
    [fate] = site.json("explain", "1")["posts"][0]["editions"]
    assert [one["kept"] for one in fate["issues"]] == [None]


def test_a_called_off_issue_is_never_seen_and_the_next_has_its_stories(site: Site, origin: Origin) -> None:
    """Its page is taken away, it is mailed to nobody, and the next issue, under another number, has its stories."""
    with take_mail() as mailbox:
        configure(site, origin, transport=f"smtp://127.0.0.1:{free_port()}")
        stock(site, origin, 2, 1)
        assert site.run("send", "weekly", check=False).returncode == 1
        assert archived(site) == ["weekly-1"]
        assert "weekly-1 is called off" in site.run("issues", "drop", "weekly-1", "--all").stdout
        assert archived(site) == []
        report = site.json("issues", "show", "weekly-1")
        assert (report["state"], report["url"]) == ("dropped", None)
        assert {(one["state"], one["reply"]) for one in report["readers"]} == {
            ("suppressed", "the issue was called off")
        }
        configure(site, origin, transport=f"smtp://127.0.0.1:{mailbox.port}")
        site.run("send", "weekly")
        assert "nothing was sent" in site.run("send", "weekly").stdout
        assert Counter(one.recipient for one in mailbox.received) == dict.fromkeys(READERS, 1)
        assert all(text.count("The text of post 1.") == 1 for text in texts(mailbox))
        assert [one["issue"] for one in site.json("issues", "list")["issues"]] == ["weekly-2", "weekly-1"]
        assert archived(site) == ["weekly-2"]
    for command in (["release", "weekly-1"], ["hold", "weekly-1"], ["drop", "weekly-1", "--all"]):
        assert site.run("issues", *command, check=False).returncode == 1


def test_a_drop_waits_for_who_delivers_and_says_so(site: Site, origin: Origin) -> None:
    """While another process holds the right to deliver the issue stays as it is; when that ends the story is taken
    out."""
    configure(site, origin, review="1h")
    stock(site, origin, 2, 1)
    site.run("send", "weekly")
    known = ids(site)
    with (site.folder / "data/deliver.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = site.start("issues", "drop", "weekly-1", known["Post 1"])
        assert process.stderr is not None
        assert "another Tidings process is delivering" in process.stderr.readline()
        time.sleep(1)
        assert process.poll() is None
        assert [one["part"] for one in site.json("issues", "show", "weekly-1")["items"]] == ["story", "story"]
    out, err = process.communicate(timeout=60)
    assert (process.returncode, "dropped 1 story from weekly-1" in out) == (0, True)
    assert "another Tidings process is delivering" not in err


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it did not get as far as it should"
        time.sleep(0.01)


# -------------------------------------------------------------------------------------------------- two at a time


def _few_at_a_time(site: Site, origin: Origin, mailbox: Mailbox, readers: list[str] = READERS) -> None:
    """Three posts for issues of one each."""
    configure(site, origin, transport=f"smtp://127.0.0.1:{mailbox.port}", readers=readers)
    _insert(site, "[[sources]]", "max_posts = 1\ncarry_over = true")
    stock(site, origin, 3, 2, 1)


def test_two_sends_at_once_make_one_issue(site: Site, origin: Origin) -> None:
    """Though more stories wait, who starts a send twice mails one issue, and is told; a send after that mails the
    next."""
    with take_mail() as mailbox:
        _few_at_a_time(site, origin, mailbox)
        with (site.folder / "data/deliver.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # so that the first is not done before the second has begun
            sends = [site.start("send", "weekly") for _ in range(2)]
            time.sleep(4)
        said = [one.communicate(timeout=60)[0] for one in sends]
        assert [one.returncode for one in sends] == [0, 0]
        assert sum("2 delivered" in one for one in said) == 1
        assert sum("so this one makes none; send again for the next" in one for one in said) == 1
        assert Counter(one.recipient for one in mailbox.received) == dict.fromkeys(READERS, 1)
        assert "weekly #2" in site.run("send", "weekly").stdout


def test_a_send_during_another_one_makes_no_second_issue(site: Site, origin: Origin) -> None:
    """It waits until the other has delivered, also what was made before it began, and then makes none itself."""
    readers = [f"reader{n}@readers.example" for n in range(40)]
    with take_mail() as mailbox:
        _few_at_a_time(site, origin, mailbox, readers)
        _insert(site, "[web]", 'rate = "4/s"')
        first = site.start("send", "weekly")
        wait_until(lambda: len(mailbox.received) >= 1, first)
        said = site.run("send", "weekly").stdout
        assert first.wait(60) == 0
        assert "weekly: another send was running, so this one makes none; send again for the next" in said
        assert Counter(one.recipient for one in mailbox.received) == dict.fromkeys(readers, 1)
