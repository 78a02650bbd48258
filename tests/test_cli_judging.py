"""`tidings check EDITION`, and what `tidings send` does with a mail that is not fit to be sent."""

from __future__ import annotations

import json
import re
import shutil
from email import message_from_bytes
from pathlib import Path

import pytest

from tests.feeds import blog
from tests.origin import Origin
from tests.sites import Site
from tests.test_docs import COMMANDS, fenced, section
from tidings.demo.sink import free_port

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def polled(site: Site, origin: Origin) -> Site:
    """A site with two new posts and one subscriber."""
    origin.serve_feed("/a", blog([2, 1]))
    site.configure([("a", origin.url("/a"))], subscribers=["ada@readers.example"])
    site.run("poll")
    return site


@pytest.fixture
def spoiled(polled: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The same site, run by an installation whose template of mail somebody has put a script into."""
    package = polled.folder / "lib" / "tidings"
    shutil.copytree(ROOT / "src" / "tidings", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates", package / "templates")
    template = package / "templates" / "mail.html"
    text = template.read_text(encoding="utf-8")
    assert "</body>" in text
    template.write_text(text.replace("</body>", "<script>count()</script></body>"), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return polled


def snapshot(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def test_a_good_mail_is_fit_to_be_sent(polled: Site) -> None:
    """The last line has verdict and measures, nothing is red, and nothing is changed by looking."""
    before = snapshot(polled.folder)
    for _ in range(2):
        lines = polled.run("check", "weekly").stdout.splitlines()
        assert all(line.startswith("yellow  ") for line in lines[:-1])
        assert re.match(r"weekly #1: fit to be sent: .*[\d,]+ bytes of HTML, 2 posts, spam score ", lines[-1])
    assert snapshot(polled.folder) == before
    assert "1 delivered" in polled.run("send", "weekly").stdout


def test_the_report_has_the_documented_shape(polled: Site) -> None:
    """`--json` prints the keys that the page of commands shows, in order, with the sizes of what preview writes."""
    report = polled.json("check", "weekly")
    (shown,) = fenced(section(COMMANDS, "tidings check"), "json")
    assert list(report) == list(json.loads(shown))
    polled.run("preview", "weekly", "--out", "look")
    assert report["html_bytes"] == (polled.folder / "look/issue.html").stat().st_size
    assert report["text_bytes"] == (polled.folder / "look/issue.txt").stat().st_size
    assert (report["edition"], report["posts"], report["ok"]) == ("weekly", 2, True)
    if report["spam"]:
        assert report["spam"]["score"] < 1
        assert set(report["spam"]["rules"][0]) == {"name", "score"}


def test_spamassassin_need_not_be_there(polled: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SpamAssassin the mail is judged by everything else, and the summary says what was not asked."""
    monkeypatch.setenv("PATH", str(polled.folder))
    assert "SpamAssassin is not installed" in polled.run("check", "weekly").stdout.splitlines()[-1]
    assert polled.json("check", "weekly")["spam"] is None


def test_a_mail_with_a_script_is_red(spoiled: Site) -> None:
    """What must not go out so is named with its rule, and makes the exit status 1."""
    done = spoiled.run("check", "weekly", check=False)
    assert (done.returncode, "not fit to be sent" in done.stdout) == (1, True)
    assert re.search("^red     element  .*<script>.*template", done.stdout, re.MULTILINE)
    report = spoiled.json("check", "weekly", check=False)
    assert not report["ok"]
    assert ("red", "element") in {(finding["level"], finding["rule"]) for finding in report["findings"]}


def test_a_red_mail_is_sent_only_when_told_to(spoiled: Site) -> None:
    """`send` names what is wrong and freezes nothing; `--anyway` sends the same issue, number 1."""
    done = spoiled.run("send", "weekly", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "red     element  " in done.stderr
    assert "--anyway" in done.stderr
    assert not (spoiled.folder / "outbox").exists()
    assert "weekly #1:" in spoiled.run("send", "weekly", "--anyway").stdout
    assert len(list((spoiled.folder / "outbox").glob("*.eml"))) == 1
    assert "nothing was sent" in spoiled.run("send", "weekly").stdout


def test_a_test_mail_shows_findings_and_goes_out(spoiled: Site) -> None:
    """`send --to` is for looking at it, so it names what is wrong and mails it all the same."""
    done = spoiled.run("send", "weekly", "--to", "me@tests.example")
    assert "red     element  " in done.stderr
    (mail,) = (spoiled.folder / "outbox").glob("*.eml")
    assert message_from_bytes(mail.read_bytes())["Subject"].startswith("[test] ")


def test_an_issue_in_the_middle_is_finished_whatever_it_is_like(spoiled: Site) -> None:
    """What was frozen with --anyway and met a server that is down needs no second leave to be delivered."""
    path = spoiled.folder / "config.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("file:outbox", f"smtp://127.0.0.1:{free_port()}"), encoding="utf-8")
    assert spoiled.run("send", "weekly", "--anyway", check=False).returncode == 1
    path.write_text(text, encoding="utf-8")
    assert "1 delivered" in spoiled.run("send", "weekly").stdout


def test_nothing_new_is_nothing_to_judge(site: Site) -> None:
    """Without a new post there is no mail, which is no fault."""
    site.configure([])
    assert "nothing new" in site.run("check", "weekly").stdout
    report = site.json("check", "weekly")
    assert (report["subject"], report["posts"], report["findings"], report["ok"]) == (None, 0, [], True)


def test_json_needs_an_edition_that_exists(site: Site) -> None:
    """The configuration has no report as JSON, and a wrong name lists the right ones."""
    site.configure([])
    assert site.run("check", "--json", check=False).returncode == 2
    done = site.run("check", "wekly", check=False)
    assert (done.returncode, "weekly" in done.stderr) == (2, True)


def test_a_site_without_mail_can_judge_its_mail(polled: Site) -> None:
    """As with preview no [mail] table is needed; what it would have said is asked for."""
    path = polled.folder / "config.toml"
    path.write_text(re.sub(r"\[mail\]\n(.+\n)+", "", path.read_text(encoding="utf-8")), encoding="utf-8")
    assert "yellow  postal-address  " in polled.run("check", "weekly").stdout
