"""All feeds of the corpus through the real command: polled over HTTP, stored, compared with what the documents say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.corpus import CORPUS, needs_corpus
from tests.origin import Origin
from tests.sites import Site

pytestmark = needs_corpus

# Documents whose entries hold nothing a reader could see or follow: no id, title, link or text.
NOTHING_TO_SHOW = {
    "broken-atom-incomplete-fields.xml": "its only entry has an empty author and nothing else",
    "atom10-media.xml": "its only entry has pictures' addresses, no id, title, link or text",
}


@dataclass
class Polled:
    """What two polls of the whole corpus left behind."""

    first: dict[str, Any]
    second: dict[str, Any]
    posts: dict[str, list[dict[str, Any]]]
    origin: Origin
    expected: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def polled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polled]:
    """The corpus served, polled twice and read back, once for all tests here."""
    site = Site(tmp_path_factory.mktemp("corpus"))
    files = sorted(path for path in (CORPUS / "feeds").iterdir() if path.is_file())
    with Origin() as origin:
        for path in files:
            origin.serve_feed(f"/{path.name}", path.read_bytes(), etag=f'"{path.name}"')
        site.configure([(path.name, origin.url(f"/{path.name}")) for path in files], workers="processes")
        first = site.json("poll", check=False)
        second = site.json("poll", "--all", check=False)
        posts: dict[str, list[dict[str, Any]]] = {path.name: [] for path in files}
        for post in site.posts():
            posts[post["source"]].append(post)
        expected = json.loads((CORPUS / "expected.json").read_text(encoding="utf-8"))
        yield Polled(first, second, posts, origin, {name.removeprefix("feeds/"): it for name, it in expected.items()})


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in report["sources"]}


def folded(text: str) -> str:
    """Text without mark-up and white space: what two readings of one title have in common."""
    return "".join(unescape(unescape(re.sub(r"<[^>]*>", "", unescape(text)))).split())


def test_every_document_is_read_or_refused_with_a_reason(polled: Polled) -> None:
    """No document of the corpus goes without a row, and each failure has a kind and a message."""
    assert polled.first["polled"] == len(polled.posts)
    for row in polled.first["sources"]:
        assert row["status"] in ("ok", "failed")
        if row["status"] == "failed":
            assert row["error"]["kind"] in ("not-a-feed", "parse"), row
            assert len(row["error"]["message"]) > 20, row


def test_every_well_formed_document_is_stored(polled: Polled) -> None:
    """A well-formed feed with entries is stored with as many posts as it has entries that can be told apart."""
    for name, expected in polled.expected.items():
        if expected.get("wellformed") and expected.get("entries") and name not in NOTHING_TO_SHOW:
            assert rows(polled.first)[name]["status"] == "ok", (name, rows(polled.first)[name])
            assert polled.posts[name], name
            assert len(polled.posts[name]) <= expected["entries"], name


def test_the_first_entries_are_stored_as_the_documents_say(polled: Polled) -> None:
    """Title, id, link and date of each well-formed document's first entry are found in one stored post."""
    wrong = []
    for name, expected in polled.expected.items():
        first = expected.get("first") or {}
        if not expected.get("wellformed") or not first or "disputed" in expected or "hand" in expected:
            continue
        if not any(_agrees(post, first) for post in polled.posts[name]):
            wrong.append(name)
    assert wrong == []


def test_a_second_poll_brings_nothing_and_asks_once(polled: Polled) -> None:
    """The second poll stores nothing, changes nothing, and makes one request a source, conditional for each document
    that was well-formed."""
    assert (polled.second["new"], polled.second["updated"]) == (0, 0)
    for name, expected in polled.expected.items():
        asked = polled.origin.asked(f"/{name}")
        assert len(asked) == 2, name
        assert asked[0].headers["If-None-Match"] is None
        if expected.get("wellformed") and expected.get("entries"):
            assert asked[1].headers["If-None-Match"] == f'"{name}"', name
            assert rows(polled.second)[name]["status"] == "unchanged", name


def test_broken_documents_are_handled_as_read_by_eye(polled: Polled) -> None:
    """Ill-formed documents give their posts, or a recorded error, or are refused, as a human reading them decided."""
    for name, expected in polled.expected.items():
        must = (expected.get("hand") or {}).get("must")
        if must == "recover" and name not in NOTHING_TO_SHOW:
            assert polled.posts[name], name
        if must == "refuse":
            assert rows(polled.first)[name]["status"] == "failed", name
            assert not polled.posts[name], name


def test_no_stored_html_carries_scripts(polled: Polled) -> None:
    """Nothing that runs, embeds or leads anywhere but to a web or mail address is in any stored post."""
    for posts in polled.posts.values():
        for post in posts:
            inspector = _Inspector()
            inspector.feed(post["content_html"])
            assert inspector.faults == [], post["url"]


class _Inspector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "iframe", "form", "object", "embed", "input", "link", "meta"):
            self.faults.append(tag)
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.faults.append(f"{tag} {name}")
            if name in ("href", "src") and not (value or "").startswith(("http://", "https://", "mailto:")):
                self.faults.append(f"{tag} {name}={value}")


def _agrees(post: dict[str, Any], first: dict[str, Any]) -> bool:
    if first.get("id") and "".join(post["guid"].split()) != "".join(str(first["id"]).split()):
        return False
    if first.get("title") and folded(post["title"]) != folded(first["title"]):
        return False
    for field in ("published", "updated"):
        wanted = first.get(f"{field}_utc")
        if wanted and post[field] and post[field].replace("+00:00", "Z")[:19] != wanted[:19]:
            return False
    return True
