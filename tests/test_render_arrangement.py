"""How an issue is laid out: lead story, groups and their headings, in mails and on pages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree
from lxml import html as lxml_html

from tests.render_samples import FIXTURES, FOOTER, issue, item, more, picture
from tests.test_render_pages import LINKS
from tidings.model import IssueContent
from tidings.render.arrangement import arrange, has_contents, line_of
from tidings.render.environment import template_folders
from tidings.render.mail import render_issue
from tidings.render.pages import render_issue_page
from tidings.render.wording import load_wording

GERMAN = load_wording(template_folders(), "de")


def grouped(*groups: str, **changes: object) -> IssueContent:
    return issue(*(item(number, group=group) for number, group in enumerate(groups)), **changes)


def outline(content: IssueContent) -> list[tuple[str, int, bool, int]]:
    """Each section's heading, the level of its stories' headings, whether it leads, and how many stories it has."""
    return [(one.title, one.level, one.lead, len(one.entries)) for one in arrange(content, GERMAN)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (grouped("", ""), [("", 2, False, 2)]),
        (grouped("", "", lead=True), [("", 2, True, 1), ("", 2, False, 1)]),
        (grouped("a", "a", "b", group_by="tag"), [("a", 3, False, 2), ("b", 3, False, 1)]),
        (grouped("", "a", "a", group_by="tag", lead=True), [("", 2, True, 1), ("a", 3, False, 2)]),
        (grouped("a", "", group_by="tag"), [("a", 3, False, 1), ("Weitere Beiträge", 3, False, 1)]),
        (grouped("", "a", group_by="source"), [("", 2, False, 1), ("a", 3, False, 1)]),
        (grouped("2026-11-20", group_by="day"), [("Freitag, 20. November 2026", 3, False, 1)]),
        (grouped("x\r\n\u202ey", group_by="source"), [("x y", 3, False, 1)]),
        (issue(lead=True), []),
    ],
)
def test_sections(content: IssueContent, expected: list[tuple[str, int, bool, int]]) -> None:
    """The lead stands by itself; a group has a heading, a day's in words; what is in none is not put into the last."""
    assert outline(content) == expected


def test_stories_are_numbered_through() -> None:
    """As they stand in the mail, whatever their groups."""
    sections = arrange(grouped("", "a", "a", "b", group_by="tag", lead=True), GERMAN)
    assert [entry.number for section in sections for entry in section.entries] == [1, 2, 3, 4]


NOTE = "Rain again, and the bread is burnt."


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, ""),
        ({"title": "A title"}, NOTE),
        ({"whole": False}, NOTE),
        ({"html": f'<p><a href="https://x.example">{NOTE}</a></p>'}, NOTE),
        ({"html": f'<p>{NOTE}<img src="https://x.example/a.png"></p>'}, NOTE),
        ({"text": f"{NOTE}\n{NOTE}"}, f"{NOTE}\n{NOTE}"),
        ({"text": NOTE * 2}, NOTE * 2),
    ],
)
def test_a_note_that_is_its_own_headline_is_shown_once(changes: dict[str, object], shown: str) -> None:
    """Its text stands below only where there is more to it: another line, a link, a picture, or what was cut."""
    note = item(1, **{"title": "", "html": f"<p>{NOTE}</p>", "text": NOTE, "whole": True} | changes)
    [section] = arrange(issue(note), GERMAN)
    assert section.entries[0].item.text == shown
    assert bool(section.entries[0].item.html) == bool(shown)
    assert section.entries[0].line.name.startswith("A title" if "title" in changes else "Rain again")


def test_a_line_says_language_and_direction_only_where_they_differ() -> None:
    """That spares bytes; names are one line."""
    story = item(1, title="A\r\nB", source="C\x00\nD", language="de", url="javascript:x")
    line = line_of(story, GERMAN)
    assert (line.name, line.source, line.url, line.lang, line.dir) == ("A B", "C D", "", "", "")
    arabic = line_of(replace(story, language="ar", direction="rtl"), GERMAN)
    assert (arabic.lang, arabic.dir) == ("ar", "rtl")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (issue(*map(item, range(4))), False),
        (issue(*map(item, range(5))), True),
        (issue(*(item(number, html="") for number in range(9))), False),
        (issue(*(item(number, html="", picture=picture(1)) for number in range(9))), True),
    ],
)
def test_contents_are_for_what_is_long(content: IssueContent, expected: bool) -> None:
    """Five stories, unless their headlines are all there is."""
    assert has_contents(content) is expected


def headings(html: str) -> list[tuple[str, str]]:
    document = lxml_html.document_fromstring(html)
    return [(one.tag, " ".join(one.text_content().split())) for one in document.iter("h1", "h2", "h3", "h4", "h5")]


def test_mail_and_page_have_the_same_headings() -> None:
    """A group above its stories, a story's own headings below its headline, the lead larger than the rest."""
    stories = [item(n, group="boats" if n else "", html="<h1>Inside</h1><p>x</p>") for n in range(2)]
    content = issue(*stories, group_by="tag", lead=True)
    mail, page = render_issue(content, FOOTER).html, render_issue_page(content, LINKS)
    names = [one.title for one in content.items]
    first = [("h1", "Friday Reading"), ("h2", names[0]), ("h3", "Inside")]
    expected = [*first, ("h2", "boats"), ("h3", names[1]), ("h4", "Inside")]
    assert headings(mail) == headings(page) == expected
    (lead,) = lxml_html.document_fromstring(mail).xpath("//*[contains(@class, 'lead')]")
    assert "30px" in lead.get("style")
    text = render_issue(content, FOOTER).text
    assert text.index(f"1. {names[0]}") < text.index("\nboats\n") < text.index(f"2. {names[1]}")


def test_a_mail_says_its_language_where_gmail_keeps_it() -> None:
    """Gmail drops the html and body elements, so an element inside says it again."""
    document = lxml_html.document_fromstring(render_issue(FIXTURES["rtl"], FOOTER).html)
    (article,) = document.xpath("//div[@role='article']")
    assert (article.get("lang"), article.get("dir")) == (document.get("lang"), document.get("dir")) == ("ar", "rtl")
    assert {cell.get("align") for cell in document.xpath("//td[contains(@class, 'top')]")} == {"right"}


@pytest.mark.parametrize("look", ["letter", "headlines"])
def test_reading_time_and_what_is_not_there(look: str) -> None:
    """Minutes stand in the byline, unless they are not known; what waits and what is only named is counted."""
    content = issue(item(0, minutes=4), item(1, minutes=0), look=look, more=more(1), waiting=2)
    mail = render_issue(content, FOOTER)
    for part in (mail.html, mail.text):
        assert part.count("min read") == 1
        assert "4 min read" in part
        assert "and 1 more post" in part
        assert "2 more posts wait for the next issue" in part
    page = lxml_html.document_fromstring(render_issue_page(content, LINKS))
    assert page.xpath("//section[@aria-labelledby='more']//a/@href") == [content.more[0].url]
    assert "2 more posts wait" in page.text_content()


def test_a_letter_shows_the_picture_above_the_text() -> None:
    """Scaled to the column; headlines have none."""
    content = issue(item(0, picture=picture(3)))
    document = lxml_html.document_fromstring(render_issue(content, FOOTER).html)
    (image,) = document.iter("img")
    assert (image.get("src"), image.get("width"), image.get("height")) == (picture(3).url, "600", "338")
    body: etree._Element = document.xpath("//div[@class='b']")[0]
    assert image.getparent().getnext() is body
    assert "<img" not in render_issue(replace(content, look="headlines"), FOOTER).html
    assert picture(3).url in render_issue_page(content, LINKS)


def test_the_rest_is_offered_only_of_a_text_that_was_cut() -> None:
    """Under a headline alone the headline is the link."""
    for html, whole, offered in (("<p>x</p>", False, True), ("<p>x</p>", True, False), ("", False, False)):
        content = issue(item(0, html=html, text="x", whole=whole))
        mail = render_issue(content, FOOTER)
        shown = ["Read the rest" in part for part in (mail.html, mail.text, render_issue_page(content, LINKS))]
        assert shown == [offered] * 3
