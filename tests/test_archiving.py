"""Issues on the web: what the file says of a source later holds for what was mailed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import edition
from tests.stocking import START, blog, configure, post, receive, state_of
from tests.test_publish import folder, names, settings  # noqa: F401  # a fixture
from tidings.model import (
    About,
    AlsoIn,
    Enclosure,
    Etiquette,
    IssueContent,
    IssueItem,
    MoreItem,
    Picture,
    Source,
    UpdateItem,
)
from tidings.planet.issues import in_brief
from tidings.publish import publish
from tidings.store import Store, abouts, feeds, issues

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


def test_a_source_that_leaves_the_file_stays_what_it_was(stocked: Store, folder: Path) -> None:  # noqa: F811
    """What was private, or shown as headlines alone, is so after its source was taken out of the file, whether the
    source itself said so or `[feed] content` did; what was public stays public."""
    editions = [edition()]
    cases: list[tuple[Source, Etiquette, bool]] = [
        (replace(A, publish=False), "full", False),
        (replace(A, content="title"), "full", True),
        (A, "title", True),
    ]
    for was, general, is_named in cases:
        feeds.sync(stocked, [was, B], editions, START, general)
        feeds.sync(stocked, [B], editions, START, "full")
        publish(stocked, folder, of(B))
        for text in read(folder):
            assert ("Headline of a" in text) == is_named
            assert not any(words in text for words in OF_A)
            assert "Words of b" in text
    configure(stocked, A, B, editions=editions)
    configure(stocked, B, editions=editions)
    publish(stocked, folder, of(B))
    assert all("Words of a" in text for text in read(folder))


def test_a_private_source_under_another_name_and_host_stays_private(stocked: Store, folder: Path) -> None:  # noqa: F811
    """A source that goes by its host is another one with another host: what is kept of the former one is private."""
    elsewhere = blog("elsewhere", publish=False)
    configure(stocked, replace(A, publish=False), B, editions=[edition()])
    configure(stocked, elsewhere, B, editions=[edition()])
    publish(stocked, folder, of(elsewhere, B))
    assert not any("Headline of a" in text for text in read(folder))


@pytest.mark.parametrize(("url", "is_public"), [(A.url, True), (f"{A.url}?token=x", False)])
def test_what_left_before_that_was_noted_goes_by_its_address(
    stocked: Store,
    folder: Path,  # noqa: F811
    url: str,
    is_public: bool,
) -> None:
    """Of a source that was taken out of the file by an earlier version nothing is known: it stays as public as it was,
    unless its address has a token."""
    configure(stocked, B, editions=[edition()])
    with stocked.write():
        stocked.conn.execute("UPDATE feeds SET publish = NULL, content = NULL, url = ? WHERE name = 'a'", (url,))
    publish(stocked, folder, of(B))
    assert all(("Words of a" in text) == is_public for text in read(folder))


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
    the sitemap has it no more, also when a source has left the file; with one that has nothing against it, nothing is
    said."""

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
    configure(stocked, shy, editions=[edition()])
    publish(stocked, folder, of(shy))
    assert all(map(marked, ("daily-1.html", "daily.xml", "daily.rss.xml")))


def test_an_issue_whose_other_posts_are_not_shown_has_no_index(stocked: Store, folder: Path) -> None:  # noqa: F811
    """Of a private source and one of headlines alone only the headlines are shown: search engines get none of it."""
    publish(stocked, folder, of(replace(A, publish=False), replace(B, content="title")))
    assert "noindex" in (folder / "issues/daily-1.html").read_text("utf-8")


MENTION = "https://a.example/mentioned"


@pytest.fixture
def mentioning(store: Store) -> Store:
    """An issue with a post of one source, and a mention of the other one under a name that it has no more."""
    configure(store, A, B, editions=[edition()])
    receive(store, A, post(1, url=MENTION))
    receive(store, B, post(2))
    shown = replace(item(2, "b"), also_in=(AlsoIn("Former Name", MENTION),))
    issues.freeze(store, replace(CONTENT, items=(shown,), updates=(), more=()), [], None, START)
    return store


def readdress(store: Store, url: str) -> None:
    with store.write():
        store.conn.execute("UPDATE posts SET url = ? WHERE id = 1", (url,))


def is_mentioned(folder: Path) -> bool:  # noqa: F811
    [found] = {MENTION in text for text in read(folder)}
    return found


def test_a_private_source_is_not_mentioned_under_a_former_name(mentioning: Store, folder: Path) -> None:  # noqa: F811
    """The address of its post tells that it is meant; once the post has that address, the issue is made again."""
    private = replace(A, publish=False)
    publish(mentioning, folder, of(A, B))
    assert is_mentioned(folder)
    publish(mentioning, folder, of(private, B))
    assert not is_mentioned(folder)
    readdress(mentioning, "https://a.example/other")
    publish(mentioning, folder, of(private, B))
    assert is_mentioned(folder)
    readdress(mentioning, MENTION)
    publish(mentioning, folder, of(private, B))
    assert not is_mentioned(folder)


def test_a_private_source_is_not_mentioned_where_it_has_the_story(mentioning: Store, folder: Path) -> None:  # noqa: F811
    """Whatever its name and the address of its post were: who is mentioned beside must be a source that is public."""
    with mentioning.write():
        mentioning.conn.execute("UPDATE posts SET story = 1 WHERE id = 2")
    readdress(mentioning, "https://a.example/other")
    publish(mentioning, folder, of(A, B))
    assert is_mentioned(folder)
    publish(mentioning, folder, of(replace(A, publish=False), B))
    assert not is_mentioned(folder)


@pytest.mark.parametrize(("name", "is_kept"), [("The c", True), ("c", True), ("Former Name", False)])
def test_a_public_source_with_the_same_address_is_mentioned(
    store: Store,
    folder: Path,  # noqa: F811
    name: str,
    is_kept: bool,
) -> None:
    """A blog has a public feed, and one for members, with the same posts: under the name of the first, or under what it
    calls itself, its post is mentioned as before."""
    private, public = replace(A, publish=False), blog("c")
    configure(store, private, B, public, editions=[edition()])
    receive(store, private, post(1, url=MENTION))
    receive(store, B, post(2))
    receive(store, public, post(3, url=MENTION))
    shown = replace(item(2, "b"), also_in=(AlsoIn(name, MENTION),))
    issues.freeze(store, replace(CONTENT, items=(shown,), updates=(), more=()), [], None, START)
    publish(store, folder, of(private, B, public))
    assert is_mentioned(folder) == is_kept
    with store.write():
        store.conn.execute("UPDATE posts SET url = '' WHERE id = 3")
    publish(store, folder, of(private, B, public))
    assert not is_mentioned(folder)


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


def test_what_a_private_source_brings_later_reads_no_issue(stocked: Store, folder: Path) -> None:  # noqa: F811
    """No issue can mention a post that came after it, whether a public source has it, too, or not."""
    private = replace(A, publish=False)
    publish(stocked, folder, of(private, B))
    receive(stocked, private, post(3), post(4, url=MENTION), now=START + timedelta(hours=1))
    receive(stocked, B, post(5, url=MENTION), now=START + timedelta(hours=1))
    asked: list[str] = []
    stocked.conn.set_trace_callback(asked.append)
    publish(stocked, folder, of(private, B))
    stocked.conn.set_trace_callback(None)
    assert not any(sql.startswith("SELECT content FROM issues") for sql in asked)
