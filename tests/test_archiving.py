"""Issues on the web: what the file says of a source later holds for what was mailed before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, post, receive, state_of
from tests.test_publish import folder, names, settings  # noqa: F401  # a fixture
from tidings.model import About, Enclosure, IssueContent, IssueItem, MoreItem, Picture, UpdateItem
from tidings.planet.issues import in_brief
from tidings.publish import publish
from tidings.store import Store, abouts, issues

A, B = blog("a"), blog("b")
FILES = ("daily-1.html", "daily.xml", "daily.rss.xml", "daily.json")
OF_A = ("Words of a", "Beginning of a", "https://a.example/a.png", "https://a.example/a.mp3")


def item(number: int, name: str) -> IssueItem:
    words = f"Words of {name}, and more of them."
    return IssueItem(
        number, number, f"https://{name}.example/{number}", f"Headline of {name}", name, "", "", None, "en", "ltr",
        f"<p>{words}</p>", words, True,
        enclosures=(Enclosure(f"https://{name}.example/{name}.mp3", "audio/mpeg", 9),),
        picture=Picture(f"https://{name}.example/{name}.png"),
    )  # fmt: skip


CONTENT = IssueContent(
    "daily", "The daily", 1, "Subject", START, "UTC", "en", "Planet", "https://planet.example",
    (item(1, "a"), item(2, "b")),
    updates=(UpdateItem(1, "https://a.example/1", "", "Beginning of a", "a", "en", "ltr", None, quote="Words of a"),),
    more=(MoreItem(1, 1, "https://a.example/1", "", "Beginning of a", "a", "en", "ltr"),),
)  # fmt: skip


@pytest.fixture
def stocked(store: Store) -> Store:
    """Two sources with a post each, and an issue that shows both."""
    configure(store, A, B, editions=[edition()])
    receive(store, A, post(1))
    receive(store, B, post(2))
    issues.freeze(store, replace(CONTENT, updates=(), more=()), [], None, START)
    return store


def read(folder: Path) -> list[str]:  # noqa: F811
    return [(folder / "issues" / name).read_text("utf-8") for name in FILES]


def of(*sources: Any) -> Any:
    return settings(sources=sources, editions=(edition(name="daily", title="The daily"),))


def test_what_shows_headlines_alone_does_so_in_issues(stocked: Store, folder: Path) -> None:  # noqa: F811
    """With `content = "title"` set after an issue was mailed, its page and its feeds keep headline and link of the
    source's posts, and nothing else; other sources are as they were, and so is what the file takes back."""
    publish(stocked, folder, of(A, B))
    before = read(folder)
    assert all("Words of a" in text for text in before)
    written = names(folder, publish(stocked, folder, of(replace(A, content="title"), B)))
    assert {f"issues/{name}" for name in FILES} <= written
    for text in read(folder):
        assert "Headline of a" in text
        assert "https://a.example/1" in text
        assert not any(words in text for words in OF_A)
        assert "Words of b" in text
    publish(stocked, folder, of(A, B))
    assert read(folder) == before


def test_what_shows_beginnings_alone_does_so_in_issues(store: Store, folder: Path) -> None:  # noqa: F811
    """With `content = "excerpt"` set after an issue was mailed, by the source or by `[feed]`, its page and its feeds
    keep the beginning of what they showed whole; an excerpt that was mailed stays as it is."""
    long = "".join(f"<p>Paragraph {n}. {'Word ' * 60}</p>" for n in range(9))
    text = "\n\n".join(f"Paragraph {n}. {'Word ' * 60}" for n in range(9))
    items = tuple(replace(item(n, name), html=long, text=text, whole=n == 1) for n, name in ((1, "a"), (2, "b")))
    update = replace(CONTENT.updates[0], quote="From further down")
    configure(store, A, B, editions=[edition()])
    receive(store, A, post(1))
    receive(store, B, post(2))
    issues.freeze(store, replace(CONTENT, items=items, updates=(update,), more=()), [], None, START)
    excerpts = {"sources": (replace(A, content="excerpt"), replace(B, content="excerpt"))}
    for settings_of in (excerpts, {"sources": (A, B), "content": "excerpt"}):
        publish(store, folder, of(A, B))
        assert "From further down" in read(folder)[0]
        assert all(shown.count("Paragraph 8.") == shown.count("Paragraph 1.") for shown in read(folder))
        publish(store, folder, replace(of(A, B), **settings_of))
        for shown in read(folder):
            assert shown.count("Paragraph 8.") * 2 == shown.count("Paragraph 1.")
            assert "From further down" not in shown


@pytest.mark.parametrize("column", ["excluded = 'title: x'", "held_at = '2026-11-23T12:00:00+00:00'"])
def test_what_is_excluded_later_keeps_its_headline_in_issues(
    stocked: Store,
    folder: Path,  # noqa: F811
    column: str,
) -> None:
    """A post that a rule excludes by now, or that is held, has no page; the issue that had it names it."""
    publish(stocked, folder, of(A, B))
    with stocked.write():
        stocked.conn.execute(f"UPDATE posts SET {column} WHERE id = 1")
    publish(stocked, folder, of(A, B))
    for text in read(folder):
        assert "Headline of a" in text
        assert "Words of a" not in text
        assert "Words of b" in text


def test_an_issue_of_blogs_that_want_no_index_has_none(stocked: Store, folder: Path) -> None:  # noqa: F811
    """As with tags: where all sources of an issue want to be in no search engine, its page says so, its feeds do, and
    the sitemap has it no more; with one that has nothing against it, nothing is said."""

    def marked(name: str) -> bool:
        return "noindex" in (folder / "issues" / name).read_text("utf-8")

    def is_in_sitemap() -> bool:
        return "issues/daily-1.html" in (folder / "sitemap-pages.xml").read_text("utf-8")

    shy = replace(B, content="title")
    publish(stocked, folder, of(A, shy))
    assert not any(map(marked, ("daily-1.html", "daily.xml", "daily.rss.xml")))
    assert is_in_sitemap()
    with stocked.write():
        abouts.keep(stocked, state_of(stocked, A).feed_id, About(noindex=True))
    publish(stocked, folder, of(A, shy))
    assert all(map(marked, ("daily-1.html", "daily.xml", "daily.rss.xml")))
    assert not is_in_sitemap()


def test_an_issue_in_brief() -> None:
    """Of a post in brief nothing is left but what it is called and where it is, wherever the issue has it."""
    found = in_brief(CONTENT, {1})
    shown = found.items[0]
    assert (shown.title, shown.url) == ("Headline of a", "https://a.example/1")
    assert (shown.html, shown.text, shown.picture, shown.enclosures) == ("", "", None, ())
    assert not any(words in repr(found) for words in OF_A)
    assert found.items[1] == CONTENT.items[1]
    assert in_brief(CONTENT, set()) == CONTENT


def test_nothing_to_do_reads_no_issue(stocked: Store, folder: Path) -> None:  # noqa: F811
    """Contents are what makes an archive large: they are read for pages that change, and for no others."""
    publish(stocked, folder, of(A, B))
    asked: list[str] = []
    stocked.conn.set_trace_callback(asked.append)
    publish(stocked, folder, of(A, B))
    assert not any(sql.startswith("SELECT content FROM issues") or "SELECT * FROM issues" in sql for sql in asked)
    publish(stocked, folder, of(replace(A, content="title"), B))
    stocked.conn.set_trace_callback(None)
    assert any(sql.startswith("SELECT content FROM issues") for sql in asked)
