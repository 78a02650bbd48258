"""The demo: the same tour a newcomer takes, as a real process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path

import pytest

from tests.mails import body_of
from tests.sites import Site, environment
from tidings.demo.origin import BLOGS, serve_blogs
from tidings.model import Document, ParsedFeed
from tidings.posts.parse import parse


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder and the output of one `demo --once`."""
    folder = tmp_path_factory.mktemp("demo") / "tour"
    done = subprocess.run(
        [sys.executable, "-m", "tidings", "demo", "--once", "--dir", str(folder)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def test_the_tour_mails_publishes_and_fetches_nothing_twice(toured: tuple[Path, str]) -> None:
    """One blog fails, all others are stored, two readers get an issue, and the second poll is all 304 but for the
    broken document, which is asked for whole again."""
    _, said = toured
    first, second = re.findall(r"12 polled: (\d+) new, 0 updated, (\d+) unchanged, 1 failed", said)
    assert int(first[0]) >= 45
    assert second == ("0", "11")
    assert "12 requests, 10 of them conditional, 10 answered 304 Not Modified" in said
    assert "2 delivered" in said


def test_the_tour_leaves_a_working_site(toured: tuple[Path, str]) -> None:
    """The commands work on the folder the demo leaves, and each file it names is there."""
    folder, said = toured
    for path in re.findall(r"^(?:mail received|the planet page|the combined feed)\s+(\S+)$", said, re.MULTILINE):
        assert Path(path).stat().st_size > 1000
    site = Site(folder)
    assert len(site.posts()) >= 45
    assert "nothing new" in site.run("preview", "weekly").stderr


def test_the_mail_received_is_whole(toured: tuple[Path, str]) -> None:
    """Both messages hold the Arabic and the Japanese blog, the shared post once, and no script."""
    folder, _ = toured
    letters = sorted((folder / "data/public/mail").glob("*.eml"))
    assert len(letters) == 2
    for letter in letters:
        message = message_from_bytes(letter.read_bytes(), policy=modern)
        assert message.defects == []
        html = body_of(message, "html")
        text = body_of(message, "plain")
        assert "ميزان" in text
        assert "ひらく" in text
        assert 'dir="rtl"' in html
        assert "<script" not in html
        headline = r"^\d+\. Why giving the weights away can be the business plan\r?$"
        assert len(re.findall(headline, text, re.MULTILINE)) == 1


def test_the_demo_serves_until_interrupted(site: Site) -> None:
    """Without --once the pages and the mail are served until Ctrl-C, which ends it with status 0."""
    process = site.start("demo")
    try:
        assert process.stdout is not None
        urls = list(_urls(process))
        for url in urls:
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=30)
        assert (process.returncode, complaints) == (0, "")
    finally:
        process.kill()


def test_a_folder_in_use_is_left_alone(site: Site) -> None:
    """`demo --dir` refuses a folder that holds anything."""
    (site.folder / "mine.txt").write_text("mine", encoding="utf-8")
    assert site.run("demo", "--once", "--dir", ".", check=False).returncode == 1
    assert [path.name for path in site.folder.iterdir()] == ["mine.txt"]


def test_the_blogs_come_in_the_shapes_real_blogs_have() -> None:
    """RSS 1.0, RSS 2.0, Atom and JSON Feed are there, one is broken, and the links of every post open a page."""
    formats = set()
    malformed = []
    with serve_blogs() as origin:
        for blog in BLOGS[:-1]:
            with urllib.request.urlopen(f"{origin.url}/{blog.file}", timeout=10) as answer:
                feed = parse(Document(f"{origin.url}/{blog.file}", answer.read()))
            assert isinstance(feed, ParsedFeed)
            formats.add(feed.format)
            malformed += [blog.file] if feed.malformed else []
            for post in feed.posts:
                if not post.enclosures:
                    with urllib.request.urlopen(post.url, timeout=10) as answer:
                        assert answer.status == 200
    assert {"rss10", "rss20", "atom10"} < formats
    assert any(name.startswith("json") for name in formats)
    assert malformed == ["field-notes.xml"]


def _urls(process: subprocess.Popen[str]) -> Iterator[str]:
    """The addresses the demo prints when it has begun to serve."""
    assert process.stdout is not None
    deadline = time.monotonic() + 60
    serving = False
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        serving = serving or "Ctrl-C" in line
        found = re.search(r"http://127\.0\.0\.1:\d+/\S*", line)
        if serving and found:
            yield found.group()
            if "mail" in line:
                return
