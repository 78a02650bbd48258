"""The feed of an edition's issues: valid Atom, an entry for each issue, and in it what its page has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree, html

from tests.feed_checks import assert_atom
from tests.render_samples import FIXTURES, ISSUE
from tidings.model import IssueContent
from tidings.render.atom import write_atom
from tidings.render.issue_feed import IssueFeed, feed_of_issues
from tidings.render.pages import IssueLinks, render_issue_page

NS = {"a": "http://www.w3.org/2005/Atom"}
SETUP = datetime(2026, 1, 1, tzinfo=UTC)


def feed_of(*issues: IssueContent, **changes: object) -> IssueFeed:
    feed = IssueFeed(
        site_id="urn:uuid:6f1d0a3e-0000-4000-8000-000000000001",
        edition=ISSUE.edition,
        title=ISSUE.edition_title,
        site_title=ISSUE.site_title,
        site_url=f"{ISSUE.site_url}/",
        language="en",
        issues=issues,
        empty_updated=SETUP,
    )
    return replace(feed, **changes)  # type: ignore[arg-type]


def parsed(feed: IssueFeed) -> etree._Element:
    return assert_atom(write_atom(feed_of_issues(feed), "https://planet.example/issues/daily.xml"))


@pytest.mark.parametrize("name", FIXTURES)
def test_any_issue_makes_a_valid_entry(name: str) -> None:
    """Whatever posts say, the feed is well-formed and valid by RFC 4287, and leads to the issue's page."""
    issue = FIXTURES[name]
    (entry,) = parsed(feed_of(issue)).iterfind("a:entry", NS)
    assert entry.find("a:link", NS).get("href") == f"{issue.site_url}/{issue.path}"
    assert entry.findtext("a:title", namespaces=NS).strip()
    assert entry.findtext("a:updated", namespaces=NS) == f"{issue.frozen_at:%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("name", FIXTURES)
def test_an_entry_has_what_the_page_has(name: str) -> None:
    """Every headline, link and picture between the page's head and foot is in the entry, and nothing else is. The page
    has links for its pictures, the entry the pictures themselves."""
    issue = FIXTURES[name]
    (entry,) = parsed(feed_of(issue)).iterfind("a:entry", NS)
    content = html.fromstring(f"<main>{entry.findtext('a:content', namespaces=NS)}</main>")
    page = html.fromstring(render_issue_page(issue, IssueLinks()))
    (main,) = page.iterfind(".//main")
    for extra in [*main.iterfind("nav"), *main.xpath("section[@aria-labelledby='updated']")]:
        extra.getparent().remove(extra)
    assert content.xpath("//a/@href") == main.xpath(".//a[not(@class='pic')]/@href")
    assert content.xpath("//img[not(ancestor::a)]/@src") == main.xpath(".//a[@class='pic']/@href")
    assert len(content.xpath("//img")) == len(main.xpath(".//*[@class='pic']"))
    assert not main.xpath(".//img")
    headlines = [" ".join(one.text_content().split()) for one in content.xpath("//h2 | //h3")]
    assert headlines == [" ".join(one.text_content().split()) for one in main.xpath(".//h2 | .//h3")]


def test_ids_are_for_life() -> None:
    """An issue keeps its id whatever becomes of titles and addresses, and no two have the same."""
    first, second = ISSUE, replace(ISSUE, number=ISSUE.number + 1, frozen_at=ISSUE.frozen_at + timedelta(days=7))
    moved = [replace(one, edition_title="New", site_url="https://new.example") for one in (second, first)]
    before = [one.text for one in parsed(feed_of(second, first)).xpath("//a:id", namespaces=NS)]
    after = parsed(feed_of(*moved, title="New", site_url="https://new.example/")).xpath("//a:id", namespaces=NS)
    assert before == [one.text for one in after]
    assert len(set(before)) == 3
    others = parsed(feed_of(replace(first, edition="other"), edition="other")).xpath("//a:id", namespaces=NS)
    assert not {one.text for one in others} & set(before)


def test_a_feed_without_issues_is_valid() -> None:
    """An edition has its feed before its first issue, as old as the site."""
    root = parsed(feed_of())
    assert root.findtext("a:updated", namespaces=NS) == "2026-01-01T00:00:00Z"
    assert root.find("a:entry", NS) is None


def test_the_feed_is_as_new_as_its_newest_issue() -> None:
    """The newest issue dates the feed, in whatever order they come."""
    later = replace(ISSUE, number=99, frozen_at=ISSUE.frozen_at + timedelta(days=1))
    for issues in ((later, ISSUE), (ISSUE, later)):
        root = parsed(feed_of(*issues))
        assert root.findtext("a:updated", namespaces=NS) == f"{later.frozen_at:%Y-%m-%dT%H:%M:%SZ}"
