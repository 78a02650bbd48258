"""The planet and an issue on the web: structure, links, and what strangers' text cannot do to them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from tests.render_samples import ISSUE, ITEMS, POSTS, UPDATED, UPDATES, issue_with
from tidings.model import StoredPost
from tidings.render.lists import excerpt
from tidings.render.pages import (
    BlogrollEntry,
    FeedLink,
    IssueLinks,
    PastIssue,
    PlanetPage,
    render_issue_page,
    render_planet,
)

PLANET = PlanetPage(
    title="Planet Harbour",
    url="https://planet.example/",
    language="en",
    timezone="Europe/Berlin",
    posts=POSTS,
    sources=(
        BlogrollEntry(
            "Slow Queries", "https://slowqueries.example/", "https://slowqueries.example/feed", POSTS[0].published
        ),
        BlogrollEntry("A quiet one", "", "https://quiet.example/feed"),
    ),
    issues=(PastIssue("Friday Reading", 12, date(2026, 11, 20), "issues/friday-12.html"),),
    feeds=(FeedLink("", "atom.xml"),),
)
LINKS = IssueLinks(
    url="https://planet.example/issues/friday-12.html",
    older="friday-11.html",
    feeds=(FeedLink("", "../atom.xml"),),
)
HOSTILE = 'x</article></style><script>alert(1)</script>"onmouseover="x\'\r\n\x00'


def tree(html: str) -> etree._Element:
    return lxml_html.document_fromstring(html)


def planet_of(*posts: StoredPost, **changes: object) -> etree._Element:
    return tree(render_planet(replace(PLANET, posts=posts, **changes)))  # type: ignore[arg-type]


def both() -> list[str]:
    return [render_planet(PLANET), render_issue_page(ISSUE, LINKS)]


def every() -> list[str]:
    return [*both(), render_issue_page(UPDATED, LINKS)]


@pytest.mark.parametrize("html", every(), ids=["planet", "issue", "updates"])
def test_pages_ask_for_nothing(html: str) -> None:
    """No picture, script, style sheet, font or frame; and a policy in the page forbids them should one get in. Hosts of
    links are not looked up before they are followed, and learn nothing of the page."""
    document = tree(html)
    assert not list(document.iter("img", "script", "iframe", "object", "form", "base"))
    assert not document.xpath("//@src | //@srcset | //@style")
    assert {link.get("rel") for link in document.iter("link")} <= {"canonical", "alternate", "prev", "next", "icon"}
    assert not re.search(r"@import|url\(|javascript:", html)
    policy = document.xpath("string(//meta[@http-equiv='Content-Security-Policy']/@content)")
    assert "default-src 'none'" in policy
    assert "img-src 'self' data:;" in policy
    assert "http" not in policy
    assert "script" not in policy
    assert document.xpath("//meta[@name='referrer']/@content") == ["no-referrer"]


@pytest.mark.parametrize("html", every(), ids=["planet", "issue", "updates"])
def test_pages_say_that_nobody_is_tracked(html: str) -> None:
    """One line, in the footer."""
    said = tree(html).xpath("string(//footer)")
    assert said.count("No tracking: no pixels, no redirected links, no cookies.") == 1


@pytest.mark.parametrize("html", every(), ids=["planet", "issue", "updates"])
def test_pages_have_landmarks_and_headings_in_order(html: str) -> None:
    """One main and one h1, no heading level skipped, a skip link to what exists, and no id twice."""
    document = tree(html)
    assert len(list(document.iter("main"))) == len(list(document.iter("h1"))) == 1
    levels = [int(element.tag[1]) for element in document.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = document.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert document.xpath("//a[@class='skip']/@href") == ["#main"]
    assert {href[1:] for href in document.xpath("//a/@href") if href.startswith("#")} <= set(ids)
    assert all(nav.get("aria-label") or nav.get("aria-labelledby") for nav in document.iter("nav"))


@pytest.mark.parametrize("html", every(), ids=["planet", "issue", "updates"])
def test_links_within_the_site_are_relative(html: str) -> None:
    """A site works under any path: an address without a scheme never begins at the root."""
    hrefs = [
        href for href in tree(html).xpath("//@href[not(parent::link[@rel='icon'])]") if not re.match(r"https?://", href)
    ]
    assert hrefs
    assert not [href for href in hrefs if href.startswith("/") or ":" in href]


def test_both_pages_announce_the_feed() -> None:
    """A reader's feed program finds the feed from either page."""
    path = "//link[@rel='alternate'][@type='application/atom+xml']/@href"
    assert [tree(html).xpath(path) for html in both()] == [["atom.xml"], ["../atom.xml"]]


def test_planet_groups_posts_by_local_day() -> None:
    """A post of half past eleven in the evening in UTC belongs to the next day in Berlin."""
    late = replace(POSTS[0], dated=datetime(2026, 11, 18, 23, 30, tzinfo=UTC))
    early = replace(POSTS[1], dated=datetime(2026, 11, 18, 8, 0, tzinfo=UTC))
    days = [heading.text for heading in planet_of(late, early).xpath("//h2[@class='day']")]
    assert days == ["Thursday, November 19, 2026", "Wednesday, November 18, 2026"]


def test_planet_shows_each_post_with_its_links_source_and_tags() -> None:
    """Headline to the author's own page, source, author, excerpt and tags."""
    (article,) = planet_of(POSTS[0]).iter("article")
    assert article.xpath("h3/a/@href") == [POSTS[0].url]
    text = article.text_content()
    for part in (POSTS[0].source_title, POSTS[0].author, excerpt(POSTS[0]), *POSTS[0].tags):
        assert part in text


def test_planet_shows_a_headline_only_source_without_an_excerpt() -> None:
    """Etiquette holds on the planet too."""
    shown = planet_of(POSTS[0], etiquette={POSTS[0].source: "title"}).text_content()
    assert POSTS[0].title in shown
    assert excerpt(POSTS[0]) not in shown
    nameless = replace(POSTS[0], title="", text="Words of the text", summary="Words of the summary")
    shown = planet_of(nameless, etiquette={nameless.source: "title"}).text_content()
    assert "Untitled" in shown
    assert "Words of" not in shown


def test_planet_isolates_direction_and_language_of_each_post() -> None:
    """Arabic posts run right to left by their letters, whatever language the feed claims."""
    arabic = next(post for post in POSTS if post.language == "ar")
    first, second = planet_of(replace(arabic, language="en"), POSTS[0]).iter("article")
    assert (first.get("dir"), first.get("lang"), second.get("dir")) == ("rtl", "en", "ltr")


@pytest.mark.parametrize(
    ("title", "text", "article", "heading", "beginning"),
    [
        ("رسالة من المرفأ", "A letter from the harbour, told in English.", "ltr", "rtl", None),
        ("A letter", "رسالة طويلة من المرفأ القديم إلى البحر", "rtl", "ltr", None),
        ("2026: 100%", "رسالة طويلة من المرفأ القديم إلى البحر", "rtl", None, None),
        ("Go 1.30 رسالة طويلة من المرفأ", "Short.", "rtl", None, "ltr"),
        ("A letter", "From the harbour.", "ltr", None, None),
    ],
)
def test_planet_turns_headline_and_beginning_by_their_own_letters(
    title: str, text: str, article: str, heading: str | None, beginning: str | None
) -> None:
    """A post may have a headline of one direction and a text of the other; signs and digits run as what is around."""
    [one] = planet_of(replace(POSTS[0], title=title, text=text, summary="")).iter("article")
    assert (one.get("dir"), one.find("h3").get("dir"), one.findall("p")[1].get("dir")) == (article, heading, beginning)


def test_planet_lists_sources_and_issues() -> None:
    """The blogroll links site and feed, the archive links issues."""
    document = tree(render_planet(PLANET))
    hrefs = document.xpath("//aside//a/@href")
    assert {"https://slowqueries.example/", "https://slowqueries.example/feed", "https://quiet.example/feed"} <= set(
        hrefs
    )
    assert "issues/friday-12.html" in hrefs
    assert "No posts yet" in document.xpath("string(//aside)")


def test_an_empty_planet_says_so() -> None:
    """Before the first poll there is a page, and it explains itself."""
    document = planet_of(sources=(), issues=(), feeds=())
    assert "No posts yet" in document.xpath("string(//main)")
    assert not list(document.iter("aside"))


@pytest.mark.parametrize("field", ["title", "author", "source_title", "url", "language", "text", "summary"])
def test_hostile_text_stays_text_on_the_planet(field: str) -> None:
    """Whatever a feed writes, it becomes neither an element nor an attribute."""
    document = planet_of(replace(POSTS[0], tags=(HOSTILE,), **{field: HOSTILE}))  # type: ignore[arg-type]
    assert not list(document.iter("script"))
    assert not document.xpath("//@onmouseover")
    assert len(list(document.iter("article"))) == 1


@pytest.mark.parametrize("field", ["title", "author", "source", "url", "language", "source_url"])
def test_hostile_text_stays_text_on_an_issue(field: str) -> None:
    """The same for the web version of an issue."""
    document = tree(render_issue_page(issue_with(**{field: HOSTILE}), LINKS))
    assert not list(document.iter("script"))
    assert not document.xpath("//@onmouseover")
    assert len(list(document.iter("article"))) == 1


def test_an_issue_page_has_what_the_mail_has() -> None:
    """Same posts, same order, with the way back to the planet and to the older issue."""
    document = tree(render_issue_page(ISSUE, LINKS))
    assert document.xpath("//article/h2/a/@href") == [item.url for item in ITEMS]
    hrefs = document.xpath("//nav//a/@href")
    assert {"../index.html", "friday-11.html", "../atom.xml"} <= set(hrefs)
    assert "nsubscribe" not in document.text_content()


def test_an_issue_page_ends_with_the_updates() -> None:
    """The same updates as in the mail, after the posts, each in its own language and direction."""
    document = tree(render_issue_page(UPDATED, LINKS))
    [section] = document.xpath("//main/section[last()][@aria-labelledby='updated']")
    assert not section.xpath("following::article")
    assert section.xpath(".//li/a/@href") == [update.url for update in UPDATES if update.url]
    lines = [" ".join(p.text_content().split()) for p in section.iter("p")]
    assert lines[0].startswith("214 words more: “Update, Thursday: several of you")
    assert lines[1:2] + lines[3:] == ["Was called: “Compression is free”", "80 words fewer", "The text has changed"]
    assert section.xpath(".//li[3]/a/@lang | .//li[3]/a/@dir") == ["ar", "rtl"]


def test_without_updates_a_page_is_what_it_was() -> None:
    """Neither the section nor its style is on a page that has none."""
    page, updated = render_issue_page(ISSUE, LINKS), render_issue_page(UPDATED, LINKS)
    section = re.search(r'(?s)<section class="contents".*?</section>\n', updated)
    style = re.search(r"(?s)\.contents ul\{.*?inline\}\n", updated)
    assert section
    assert style
    assert updated.replace(section[0], "").replace(style[0], "") == page


@pytest.mark.parametrize("field", ["title", "text", "source", "url", "language", "former_title", "quote"])
def test_hostile_text_stays_text_in_updates(field: str) -> None:
    """The same for what updates quote."""
    update = replace(UPDATES[0], **{"title": "", field: HOSTILE})  # type: ignore[arg-type]
    document = tree(render_issue_page(replace(ISSUE, updates=(update,)), LINKS))
    assert not list(document.iter("script"))
    assert not document.xpath("//@onmouseover")
    assert len(list(document.iter("li"))) == len(list(tree(render_issue_page(ISSUE, LINKS)).iter("li"))) + 1


def test_pages_are_deterministic() -> None:
    """The same values give the same page, byte for byte."""
    assert every() == every()


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text(), st.text(), st.text())
def test_any_text_makes_a_planet(title: str, source: str, text: str, tag: str) -> None:
    """No text breaks the page or adds a post to it."""
    document = planet_of(replace(POSTS[0], title=title, source_title=source, text=text, tags=(tag,)))
    assert len(list(document.iter("article"))) == 1
