"""The origin of it all: the Blogger feed of the corpus comes through whole, from poll to mail to combined feed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default as modern
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.corpus import CORPUS, needs_corpus
from tests.mails import body_of
from tests.origin import Origin
from tests.sites import Site
from tidings.demo.sink import take_mail

pytestmark = needs_corpus

ATOM = {"a": "http://www.w3.org/2005/Atom"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, bytes, list[dict[str, str]]]]:
    """The seed feed polled, previewed, mailed to a real SMTP server, and published; with what it says itself."""
    site = Site(tmp_path_factory.mktemp("seed"))
    body = (CORPUS / "blogger-seed.xml").read_bytes()
    with Origin() as origin, take_mail() as mailbox:
        origin.serve_feed("/feeds/posts/default", body)
        site.configure(
            [origin.url("/feeds/posts/default")],
            subscribers=["reader@readers.example"],
            transport=f"smtp://127.0.0.1:{mailbox.port}",
        )
        site.run("poll")
        site.run("preview", "weekly", "--out", "preview")
        site.run("send", "weekly")
        site.run("publish", "--out", "public")
        yield site, mailbox.received[0].message, list(_entries(body))


def test_both_posts_are_stored_with_author_date_and_full_text(
    whole: tuple[Site, bytes, list[dict[str, str]]],
) -> None:
    """Each entry's id, title, author, date and every word of its text are in the database."""
    site, _, entries = whole
    posts = {post["guid"]: post for post in site.posts()}
    assert len(posts) == len(entries) == 2
    for entry in entries:
        post = posts[entry["id"]]
        assert post["title"] == entry["title"]
        assert post["author"] == entry["author"]
        assert post["published"] == entry["published"]
        assert words(post["content_html"]) == words(entry["content"])


def test_both_posts_are_in_preview_mail_and_combined_feed(whole: tuple[Site, bytes, list[dict[str, str]]]) -> None:
    """Title, author and every word are in issue.html, issue.txt, the message a real server received, and atom.xml."""
    site, received, entries = whole
    message = message_from_bytes(received, policy=modern)
    html = body_of(message, "html")
    text = body_of(message, "plain")
    preview = site.folder / "preview"
    atom = ElementTree.parse(site.folder / "public/atom.xml").getroot()
    for entry in entries:
        for page in (html, _read(preview / "issue.html")):
            assert contains(words(page), words(entry["content"]))
            assert contains(words(page), words(entry["title"]))
            assert entry["author"] in page
        for plain in (text, _read(preview / "issue.txt")):
            assert contains(letters(plain), letters(" ".join(words(entry["content"]))))
            assert entry["title"] in plain
        published = next(one for one in atom.findall("a:entry", ATOM) if one.findtext("a:id", "", ATOM) == entry["id"])
        assert words(published.findtext("a:content", "", ATOM)) == words(entry["content"])
        assert published.findtext("a:author/a:name", "", ATOM) == entry["author"]
        assert published.findtext("a:source/a:title", "", ATOM) == entry["blog"]


def test_the_page_names_both_posts_and_their_source(whole: tuple[Site, bytes, list[dict[str, str]]]) -> None:
    """The planet page shows both titles and the blog's name."""
    site, _, entries = whole
    page = unescape(_read(site.folder / "public/index.html"))
    for entry in entries:
        assert entry["title"] in page
        assert entry["blog"] in page


def words(html: str) -> list[str]:
    """The visible words of HTML, in order."""
    reader = _Words()
    reader.feed(html)
    return re.findall(r"\w+", " ".join(reader.texts))


def letters(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def contains(whole: list[str], part: list[str]) -> bool:
    """Whether `part` occurs in `whole` as an unbroken run."""
    return f" {' '.join(part)} " in f" {' '.join(whole)} "


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in ("style", "title")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.texts.append(data)


def _entries(body: bytes) -> Iterator[dict[str, str]]:
    from datetime import UTC, datetime

    root = ElementTree.fromstring(body)
    for entry in root.findall("a:entry", ATOM):
        published = datetime.fromisoformat(entry.findtext("a:published", "", ATOM))
        yield {
            "id": entry.findtext("a:id", "", ATOM),
            "title": entry.findtext("a:title", "", ATOM),
            "author": entry.findtext("a:author/a:name", "", ATOM),
            "published": published.astimezone(UTC).isoformat(timespec="seconds"),
            "content": entry.findtext("a:content", "", ATOM) or entry.findtext("a:summary", "", ATOM),
            "blog": root.findtext("a:title", "", ATOM),
        }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
