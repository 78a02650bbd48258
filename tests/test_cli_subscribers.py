"""`tidings subscribers`, as an operator meets it."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest

from tests import sites
from tests.builders import edition
from tests.feeds import blog
from tests.origin import Origin
from tests.sites import Site
from tests.smtp_servers import ScriptedServer
from tests.test_docs import COMMANDS, fenced, section
from tests.test_erasing import keep
from tests.test_signup import an_issue
from tidings import moving, preferences, signing, signup, standing
from tidings.addresses import pseudonym
from tidings.model import Choices, Evidence
from tidings.signing import Purpose
from tidings.signup import Wish
from tidings.store import erasing, exclusive, exporting, keys, open_store, refusals, subscribers, suppressions
from tidings.store import site as site_table
from tidings.store.suppressions import ALL

ANN, BOB, ZOE = "ann@readers.example", "bob@readers.example", "zoë@bücher.example"

DAILY = f"""
[[editions]]
name = "daily"
schedule = "daily 08:00"
subscribers = ["{BOB}"]
"""


@pytest.fixture
def polled(site: Site, origin: Origin) -> Site:
    """A site with two posts, and Ann in its file."""
    origin.serve_feed("/blog", blog([2, 1]))
    site.configure([("blog", origin.url("/blog"))], subscribers=[ANN])
    site.run("poll")
    return site


def statuses(site: Site, *options: str) -> dict[str, str]:
    return {row["address"]: row["status"] for row in site.json("subscribers", "list", *options)}


def mails(site: Site) -> int:
    return len(list((site.folder / "outbox").glob("*.eml")))


def test_readers_are_added_listed_removed_and_taken_back(polled: Site) -> None:
    """Those of the file among them; who left comes back only knowingly; the report has the keys that the page shows."""
    assert (
        "bob@readers.example: gets weekly from now on"
        in polled.run("subscribers", "add", BOB, "--edition", "weekly").stdout
    )
    assert "gets weekly already" in polled.run("subscribers", "add", BOB.upper(), "--edition", "weekly").stdout
    listed = polled.run("subscribers", "list")
    assert "weekly: 2 active (1 cli, 1 file), 0 ended" in listed.stderr
    rows = polled.json("subscribers", "list", "--edition", "weekly")
    assert [(row["address"], row["status"], row["editions"]) for row in rows] == [
        (ANN, "active", ["weekly"]),
        (BOB, "active", ["weekly"]),
    ]
    (shown,) = fenced(section(COMMANDS, "tidings subscribers"), "json")
    assert list(json.loads(shown)[0]) == list(rows[0])
    assert list(json.loads(shown)[0]["subscriptions"][0]) == list(rows[0]["subscriptions"][0])
    removed = polled.run("subscribers", "remove", ANN)
    assert f"{ANN} is named for weekly, but has left and is not mailed" in removed.stderr
    assert polled.run("subscribers", "remove", ANN, check=False).returncode == 1
    assert "but has left" in polled.run("check").stderr
    assert statuses(polled) == {ANN: "left", BOB: "active"}
    polled.run("send", "weekly")
    assert mails(polled) == 1
    refused = polled.run("subscribers", "add", ANN, "--edition", "weekly", check=False)
    assert (refused.returncode, "--again" in refused.stderr) == (1, True)
    assert "gets weekly again" in polled.run("subscribers", "add", ANN, "--edition", "weekly", "--again").stdout
    assert statuses(polled) == {ANN: "active", BOB: "active"}


def test_who_is_suppressed_is_not_called_active(polled: Site) -> None:
    """A bounce ends no subscription, and yet nothing comes: the list says so with the reason, also as JSON and where
    one reader is explained; taken back, all is as it was. Who is kept from one edition of two is active."""
    polled.configure([], subscribers=[ANN, BOB], more=DAILY)
    polled.run("subscribers", "list")
    with open_store(polled.folder / "data" / "tidings.db") as store:
        standing.suppress(store, ANN, ALL, "bounced", "550 no such user", datetime(2026, 5, 1, tzinfo=UTC))
        standing.suppress(store, BOB, "daily", "unsubscribed", "", datetime(2026, 5, 2, tzinfo=UTC))
    listed = polled.run("subscribers", "list")
    (line,) = [line for line in listed.stdout.splitlines() if ANN in line]
    assert "suppressed (bounced 2026-05-01)" in " ".join(line.split())
    assert "weekly: 2 active (2 file), 1 of them suppressed, 0 ended" in listed.stderr
    assert statuses(polled) == {ANN: "suppressed", BOB: "active"}
    assert statuses(polled, "--edition", "daily") == {BOB: "suppressed"}
    (row,) = [row for row in polled.json("subscribers", "list") if row["address"] == ANN]
    assert row["editions"] == ["weekly"]
    why = {"reason": "bounced", "since": "2026-05-01T00:00:00+00:00", "words": "550 no such user"}
    assert [one["suppressed"] for one in row["subscriptions"]] == [why]
    assert [one["suppressed"] for one in polled.json("subscribers", "explain", ANN)["subscriptions"]] == [why]
    assert "not mailed: bounced" in polled.run("subscribers", "explain", ANN).stdout
    polled.run("suppressions", "remove", ANN)
    assert statuses(polled) == {ANN: "active", BOB: "active"}


def test_a_suppression_outlives_what_it_kept_from_coming(polled: Site) -> None:
    """It is explained when the subscription is over, too; and once only where a running one says it."""
    polled.configure([], subscribers=[ANN], more=DAILY)
    polled.run("subscribers", "list")
    with open_store(polled.folder / "data" / "tidings.db") as store:
        standing.suppress(store, ANN, ALL, "bounced", "550 no such user", datetime(2026, 5, 1, tzinfo=UTC))
        standing.suppress(store, ANN, "daily", "unsubscribed", "", datetime(2026, 5, 2, tzinfo=UTC))
    running = polled.run("subscribers", "explain", ANN).stdout
    assert running.count("not mailed: bounced") == 1
    assert "not mailed: unsubscribed 2026-05-02, daily" in running
    polled.run("subscribers", "remove", ANN)
    over = polled.run("subscribers", "explain", ANN).stdout
    assert "not mailed: bounced 2026-05-01, all editions" in over
    assert "not mailed: unsubscribed 2026-05-02, daily" in over


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "ann", "--edition", "weekly"), "@-sign"),
        (("add", ANN, "--edition", "daily"), "no edition is called 'daily'"),
        (("add", ANN, "--edition", "weekly", "--language", "german!"), "language tag"),
        (("list", "--edition", "nope"), "no edition is called 'nope'; there are: weekly"),
        (("erase", "ann"), "@-sign"),
        (("export",), "one of --edition and --address"),
        (("import", "config.toml", "--edition", "weekly", "--consent", " "), "say where"),
    ],
)
def test_mistakes_on_the_command_line_are_named(polled: Site, arguments: tuple[str, ...], said: str) -> None:
    """With exit status 2, and nothing is changed."""
    done = polled.run("subscribers", *arguments, check=False)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_a_list_goes_in_whole_and_comes_out_again(polled: Site) -> None:
    """A wrong line stops all of it and is named; what is not taken in is named; the export is a list to import."""
    file = polled.folder / "readers.csv"
    file.write_text(f"email;lang\n{BOB};de\nnobody\n{ZOE};\n", encoding="utf-8")
    command = ("subscribers", "import", "readers.csv", "--edition", "weekly", "--consent", "the fair")
    failed = polled.run(*command, check=False)
    assert (failed.returncode, "readers.csv:3: 'nobody' is not an address" in failed.stderr) == (1, True)
    assert statuses(polled) == {ANN: "active"}
    file.write_text(f"email;lang\n{BOB};de\n{ZOE};\n{BOB};de\n{ANN};\n", encoding="utf-8")
    assert "2 would be subscribed" in polled.run(*command, "--dry-run").stdout
    assert statuses(polled) == {ANN: "active"}
    polled.run("subscribers", "remove", ANN)
    done = polled.run(*command)
    assert (
        "2 subscribed to weekly, 0 had it already, 1 has left, 0 are refused, 0 suppressed, 1 twice in the list"
        in done.stdout
    )
    assert f"readers.csv:5: {ANN} has left, and stays away" in done.stderr
    exported = polled.run("subscribers", "export", "--edition", "weekly").stdout
    assert [line.split(",")[:2] for line in exported.splitlines()] == [["address", "language"], [BOB, "de"], [ZOE, ""]]
    polled.run("subscribers", "export", "out.csv", "--edition", "weekly")
    again = polled.run("subscribers", "import", "out.csv", "--edition", "weekly", "--consent", "again")
    assert "0 subscribed to weekly, 2 had it already" in again.stdout
    for address in (BOB, ZOE):
        polled.run("subscribers", "erase", address, "--forget-refusal")
    polled.run("subscribers", "import", "out.csv", "--edition", "weekly", "--consent", "again")
    assert polled.run("subscribers", "export", "--edition", "weekly").stdout == exported


def test_a_list_may_come_through_a_pipe(polled: Site) -> None:
    """By `-` or by a name that can be read once only, as the shell makes for `<(…)`."""
    for name, address in (("-", BOB), ("/dev/stdin", ZOE)):
        done = subprocess.run(
            sites.command("subscribers", "import", name, "--edition", "weekly", "--consent", "the fair"),
            cwd=polled.folder,
            env=sites.environment(),
            input=f"address\n{address}\n".encode(),
            capture_output=True,
            timeout=120,
            check=True,
        )
        assert b"1 subscribed to weekly" in done.stdout, done.stderr
    assert statuses(polled) == {ANN: "active", BOB: "active", ZOE: "active"}


def test_a_row_may_say_itself_how_its_reader_agreed(polled: Site) -> None:
    """Then `--consent` may be left out; where a row does not say so, it is wrong, by its line."""
    file = polled.folder / "readers.csv"
    importing = ("subscribers", "import", "readers.csv", "--edition", "weekly")
    file.write_text(f"address,consent\n{BOB},at the fair\n{ZOE},\n", encoding="utf-8")
    refused = polled.run(*importing, check=False)
    assert (refused.returncode, "readers.csv:3: does not say how" in refused.stderr) == (1, True)
    assert "1 line is wrong, so nobody was subscribed" in refused.stderr
    assert statuses(polled) == {ANN: "active"}
    file.write_text(f"address,consent\n{BOB},at the fair\n", encoding="utf-8")
    polled.run(*importing)
    (line,) = polled.json("subscribers", "explain", BOB)["trail"]
    assert line["wording"] == "at the fair"


def test_an_import_says_that_the_file_ends_no_such_subscription_any_more(polled: Site) -> None:
    """Of a reader whom only the configuration named so far, since taking the address out of it ended it before."""
    (polled.folder / "readers.csv").write_text(f"address\n{ANN}\n", encoding="utf-8")
    importing = ("subscribers", "import", "readers.csv", "--edition", "weekly", "--consent", "the fair")
    done = polled.run(*importing).stdout
    assert "0 subscribed to weekly, 1 had it already" in done
    assert "1 reader had it since the configuration file says so" in done
    assert "taking the address out of the file does not end it" in done
    assert "configuration" not in polled.run(*importing).stdout


def test_the_text_of_explain_says_where_a_sign_up_came_from(polled: Site) -> None:
    """The network, of what was confirmed and of what was not: it is the answer to who complains."""
    evidence = Evidence(form="form", wording="Yes", network="198.51.100.0/24")
    with open_store(polled.folder / "data" / "tidings.db") as store:
        subscribers.add(store, BOB, "weekly", "web", evidence, datetime.now(UTC))
        wish = Wish(ZOE, ("weekly",), "", "form", "Yes")
        signup.ask(store, wish, IPv4Address("203.0.113.9"), "a" * 16, datetime.now(UTC))
    assert "form from 198.51.100.0/24" in polled.run("subscribers", "explain", BOB).stdout
    assert "(form from 203.0.113.0/24)" in polled.run("subscribers", "explain", ZOE).stdout


def test_what_one_reader_got_is_explained(polled: Site) -> None:
    """Who asked for it, each issue with what became of it, and why there was none."""
    polled.run("send", "weekly")
    polled.run("subscribers", "add", BOB, "--edition", "weekly")
    report = polled.json("subscribers", "explain", ANN)
    assert [line["what"] for line in report["trail"]] == ["listed"]
    assert [(one["issue"], one["state"], one["why"].split(":")[0]) for one in report["issues"]] == [
        ("weekly-1", "accepted", "got it")
    ]
    assert "made before this reader subscribed" in polled.run("subscribers", "explain", BOB).stdout
    polled.run("subscribers", "remove", ANN)
    told = polled.run("subscribers", "explain", ANN).stdout
    assert "got it" in told
    assert "by operator" in told
    assert polled.run("subscribers", "explain", "nobody@readers.example", check=False).returncode == 1


def test_all_that_is_kept_of_one_reader_is_exported(polled: Site) -> None:
    """As JSON: the same that the reader gets on the page."""
    polled.run("send", "weekly")
    exported = json.loads(polled.run("subscribers", "export", "--address", ANN.upper()).stdout)
    assert (exported["address"], exported["subscriptions"][0]["origin"]) == (ANN, "file")
    assert [(one["issue"], one["state"]) for one in exported["deliveries"]] == [("weekly-1", "accepted")]
    with open_store(polled.folder / "data" / "tidings.db") as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        assert exported == exporting.of_reader(store, reader)


@pytest.mark.parametrize("what", [("--edition", "weekly"), ("--address", ANN)])
def test_an_export_is_its_owners_alone(polled: Site, what: tuple[str, str]) -> None:
    """A file that there was keeps the mode that it was given."""
    (polled.folder / "old").touch(mode=0o644)
    for name, mode in (("new", 0o600), ("old", 0o644)):
        polled.run("subscribers", "export", *what, name)
        assert stat.S_IMODE((polled.folder / name).stat().st_mode) == mode
        assert ANN in (polled.folder / name).read_text(encoding="utf-8")


def test_what_is_known_of_who_is_no_subscriber_is_told(polled: Site) -> None:
    """A sign-up that nobody confirmed, a wish to be left alone and a suppression are explained, exported and erased;
    of whom nothing is known, that is said."""
    now = datetime.now(UTC)
    with open_store(polled.folder / "data" / "tidings.db") as store:
        signup.ask(store, Wish(BOB, ("weekly",), "", "form", "I want it."), None, "a" * 16, now)
        suppressions.add(store, pseudonym(ZOE, site_table.secret(store)), ALL, "complained", "spam", now)
    report = polled.json("subscribers", "explain", BOB.upper())
    assert [(one["editions"], one["form"]) for one in report["signups"]] == [(["weekly"], "form")]
    told = polled.run("subscribers", "explain", BOB).stdout
    assert f"{BOB}: no subscriber" in told
    assert "asked for weekly" in told
    assert "not mailed: complained" in polled.run("subscribers", "explain", ZOE).stdout
    exported = json.loads(polled.run("subscribers", "export", "--address", BOB).stdout)
    assert (exported["address"], exported["signups"][0]["wording"]) == (BOB, "I want it.")
    erased = polled.run("subscribers", "erase", BOB).stdout
    assert "no subscriber had it, but a sign-up that nobody confirmed, which is erased" in erased
    assert f"{BOB} is not mailed from now on" in erased
    assert "was erased by the operator" in polled.run("subscribers", "explain", BOB).stdout
    assert "is not mailed" not in polled.run("subscribers", "erase", BOB, "--forget-refusal").stdout
    for command in (("explain",), ("export", "--address")):
        said = polled.run("subscribers", *command, BOB, check=False)
        assert (said.returncode, "nothing is known of it" in said.stderr) == (1, True)


def test_who_had_all_erased_is_told_apart_from_who_came_back(polled: Site) -> None:
    """By the own wish, after which a confirmation is the only way back; whether it was gone is told as it is."""
    with open_store(polled.folder / "data" / "tidings.db") as store:
        erasing.erase(store, ANN, datetime.now(UTC), reason="erased")
    said = polled.run("subscribers", "explain", ANN).stdout
    assert "was erased by the own wish; may come back through the form" in said
    assert "came back" not in said
    with open_store(polled.folder / "data" / "tidings.db") as store:
        subscribers.add(store, ANN, "weekly", "web", Evidence(), datetime.now(UTC), again=True)
        refusals.keep(store, ANN, "erased", datetime.now(UTC))
    assert "was erased and came back" in polled.run("subscribers", "explain", ANN).stdout


def test_who_pauses_is_listed_as_such(polled: Site) -> None:
    """Until the day that the reader chose; then the reader is active again."""
    chosen = Choices(paused_until=datetime.now(UTC) + timedelta(days=9))
    with open_store(polled.folder / "data" / "tidings.db") as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        weekly = edition(name="weekly")
        preferences.choose(store, reader, weekly, chosen, Evidence(), datetime.now(UTC))
        assert statuses(polled) == {ANN: "paused"}
        over = replace(chosen, paused_until=datetime.now(UTC))
        preferences.choose(store, reader, weekly, over, Evidence(), datetime.now(UTC))
    assert statuses(polled) == {ANN: "active"}


def test_an_issue_that_a_pause_kept_back_is_explained_by_it(polled: Site) -> None:
    """With the time until which it lasts; one that was not made after it, by what the reader chose then."""
    now = datetime.now(UTC)
    until, weekly = now + timedelta(days=9), edition(name="weekly")
    with open_store(polled.folder / "data" / "tidings.db") as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        preferences.choose(store, reader, weekly, Choices(paused_until=until), Evidence(), now)
        an_issue(store, name="weekly", now=now + timedelta(days=1))
    (one,) = polled.json("subscribers", "explain", ANN)["issues"]
    assert one["why"] == f"not made for this reader, who had paused until {until:%Y-%m-%d}"
    with open_store(polled.folder / "data" / "tidings.db") as store:
        preferences.choose(store, reader, weekly, Choices(cadence="monthly"), Evidence(), now + timedelta(hours=1))
    (one,) = polled.json("subscribers", "explain", ANN)["issues"]
    assert "has chosen to get it another way" in one["why"]


def test_the_line_of_a_reader_who_moved_is_named(polled: Site) -> None:
    """With what to write in its place; no command brings the old address back. Once that is written, all is well."""
    now = datetime.now(UTC)
    with open_store(polled.folder / "data" / "tidings.db") as store:
        link_keys, reader = keys.usable(store, now), subscribers.find(store, ANN)
        assert reader is not None
        moving.ask(store, reader, BOB, None, "a" * 16, now)
        link = signing.sign(Purpose.MOVE, "a" * 16, "", link_keys, now)
        assert moving.confirm(store, link, None, now).step == "open"
    said = f"{ANN} is named for weekly, but its reader gets it at another address now; write {BOB} in its place in "
    for command in (("check",), ("subscribers", "list")):
        assert said in polled.run(*command).stderr
    assert statuses(polled) == {BOB: "active"}
    polled.run("send", "weekly")
    assert mails(polled) == 1
    file = polled.folder / "config.toml"
    file.write_text(file.read_text(encoding="utf-8").replace(ANN, BOB), encoding="utf-8")
    assert "is named for" not in polled.run("check").stderr
    assert statuses(polled) == {BOB: "active"}


def test_erasing_copes_with_a_kept_message_that_is_no_utf8(polled: Site) -> None:
    """Anybody may write one to the address for bounces; before, nobody could be erased then."""
    with open_store(polled.folder / "data" / "tidings.db") as store:
        keep(store, f"Grüße von {ANN}".encode("latin-1"))
    assert f"{ANN}: erased" in polled.run("subscribers", "erase", ANN).stdout
    with open_store(polled.folder / "data" / "tidings.db") as store:
        assert store.rows("SELECT 1 FROM returned_mail WHERE message IS NOT NULL") == []


def test_who_is_erased_is_gone_from_all_reports(polled: Site) -> None:
    """No command tells of the address any more, no byte of the database has it, and the file does not bring it back."""
    polled.run("send", "weekly")
    done = polled.run("subscribers", "erase", ANN)
    assert f"{ANN}: erased; 1 delivery is nobody's now" in done.stdout
    assert "was erased and is not mailed" in done.stderr
    assert statuses(polled) == {}
    assert [row["address"] for row in polled.json("deliveries", "list")] == ["erased-1"]
    assert all(ANN.encode() not in file.read_bytes() for file in (polled.folder / "data").glob("tidings.db*"))
    again = polled.run("subscribers", "erase", ANN).stdout
    assert f"{ANN}: nobody had it, so there was nothing to erase\n{ANN} is not mailed from now on" in again


def test_an_export_does_not_look_at_the_deliveries_of_others(polled: Site) -> None:
    """It is a web request, too: of each issue one delivery is looked up at most, by an index."""
    with open_store(polled.folder / "data" / "tidings.db") as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        statements: list[str] = []
        store.conn.set_trace_callback(statements.append)
        exporting.of_reader(store, reader)
        store.conn.set_trace_callback(None)
        plans = [
            row["detail"]
            for statement in statements
            if "deliveries" in statement
            for row in store.rows(f"EXPLAIN QUERY PLAN {statement}")
        ]
    assert plans
    assert [step for step in plans if re.match(r"SCAN (d|o|deliveries)\b", step)] == []
    assert [step for step in plans if re.search(r"\(issue_id=\?\)", step)] == []


def test_erasing_waits_for_who_sends(polled: Site) -> None:
    """It says so, and ends when that has ended: the reader is erased at once, the bytes go then."""
    with open_store(polled.folder / "data" / "tidings.db") as store, exclusive(store, "deliver"):
        process = polled.start("subscribers", "erase", ANN)
        assert process.stderr is not None
        assert "polls or sends; waiting until it has ended" in process.stderr.readline()
        assert subscribers.find(store, ANN) is None
        assert process.poll() is None
    assert f"{ANN}: erased" in process.communicate(timeout=20)[0]
    assert process.returncode == 0


def test_an_international_address_goes_all_the_way(polled: Site, origin: Origin) -> None:
    """To a server that takes it, in its own letters before the @; one that does not keeps it from nobody else."""
    polled.run("subscribers", "add", ZOE, "--edition", "weekly")
    with ScriptedServer() as server:
        transport = f"smtp://127.0.0.1:{server.port}"
        polled.configure([("blog", origin.url("/blog"))], subscribers=[ANN, "用户@例子.example"], transport=transport)
        polled.run("send", "weekly")
    heard = [line.encode("latin-1").decode() for line in server.heard if line.startswith("RCPT")]
    assert sorted(heard) == sorted(
        f"RCPT TO:<{one}>" for one in (ANN, "zoë@xn--bcher-kva.example", "用户@xn--fsqu00a.example")
    )
    origin.serve_feed("/blog", blog([3, 2, 1]))
    polled.run("poll", "--all")
    with ScriptedServer({"EHLO": "250 8BITMIME"}) as old:
        transport = f"smtp://127.0.0.1:{old.port}"
        polled.configure([("blog", origin.url("/blog"))], subscribers=[ANN], transport=transport)
        assert polled.run("send", "weekly", check=False).returncode == 1
    assert [line for line in old.heard if line.startswith("RCPT")] == [f"RCPT TO:<{ANN}>"]
    rejected = polled.json("deliveries", "list", "weekly-2", "--state", "rejected")
    assert [(row["address"], "SMTPUTF8" in row["reply"]) for row in rejected] == [(ZOE, True)]
