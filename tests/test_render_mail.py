"""An issue as mail: what both parts hold, what HTML may not hold, and what strangers' text cannot do to it."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from tests.render_samples import FOOTER, ISSUE, ITEMS, UPDATED, UPDATES, issue_with
from tidings.model import Enclosure, IssueContent
from tidings.render.environment import template_folders
from tidings.render.mail import MailFooter, render_issue
from tidings.render.wording import load_wording
from tidings.render.words import change, direction, headline, media, paragraphs, shorten, web_link

FORBIDDEN = "script form iframe link object embed base input button video audio svg"
HOSTILE = "x</h2><script>alert(1)</script>\"'\r\nBcc: all@example.org\x00\x0b\u2028<img src=x onerror=alert(1)>"
ENGLISH = load_wording(template_folders(), "en")
EMPTY_FOOTER = MailFooter(postal_address="")


def tree(html: str) -> etree._Element:
    return lxml_html.document_fromstring(html)


def headlines_of(html: str) -> list[etree._Element]:
    """The headings of stories; those of sections have another class."""
    found: list[etree._Element] = tree(html).xpath("//*[contains(concat(' ', @class, ' '), ' h ')]")
    return found


def urls_in(text: str) -> set[str]:
    return set(re.findall(r"^(?:https?|mailto):\S+$", text, re.MULTILINE))


def test_both_parts_have_every_headline() -> None:
    """Whoever reads the text part misses no post."""
    mail = render_issue(ISSUE, FOOTER)
    headings = [" ".join(h2.text_content().split()) for h2 in headlines_of(mail.html)]
    assert headings == [headline(item.title, item.text) for item in ISSUE.items]
    for number, name in enumerate(headings, 1):
        assert f"\n{number}. {name}\n" in mail.text


@pytest.mark.parametrize("issue", [ISSUE, UPDATED], ids=["stories", "updates"])
def test_both_parts_have_the_same_links(issue: IssueContent) -> None:
    """Every link of the HTML stands on a line of its own in the text part, and no other."""
    mail = render_issue(issue, FOOTER)
    in_html = {a.get("href") for a in tree(mail.html).iter("a")}
    assert in_html == urls_in(mail.text)
    shown = {item.url for item in issue.items} | {update.url for update in issue.updates}
    assert shown - {""} <= in_html


def test_both_parts_end_with_the_updates() -> None:
    """After the stories, in both parts: headline, source, and what changed, in their order."""
    mail = render_issue(UPDATED, FOOTER)
    document = tree(mail.html)
    [section] = document.xpath("//td[h2[normalize-space()='Updated']]")
    assert not section.xpath("following::*[contains(@class, 'h')][self::h2 or self::h3]")
    lines = [" ".join(li.text_content().split()) for li in section.iter("li")]
    spoken = mail.text.partition("\nUpdated\n")[2].partition("-" * 64)[0].strip().split("\n\n")
    assert lines == [" ".join(block.partition("\nhttp")[0].split()) for block in spoken]
    assert lines[1] == "Compression is <not> free & we can prove it Columnar Was called: “Compression is free”"
    assert lines[3] == "Fired the second kiln, and nobody will believe what… Notes from the kiln 80 words fewer"
    assert [len(update.url) > 0 for update in UPDATES] == [bool(li.findall("a")) for li in section.iter("li")]


def test_without_updates_a_mail_is_what_it_was() -> None:
    """An issue with updates is the one without, and one more part."""
    mail, updated = render_issue(ISSUE, FOOTER), render_issue(UPDATED, FOOTER)
    row = re.search(r'(?s)<tr><td class="x"[^>]*>\s*<h2 class="s"[^>]*>Updated</h2>.*?</td></tr>\s*', updated.html)
    assert row
    assert updated.html.replace(row[0], "") == mail.html
    rule = "-" * 64
    assert re.sub(rf"(?s)\n{rule}\n\nUpdated\n.*?(?=\n{rule})", "", updated.text) == mail.text
    assert (updated.subject, "Updated" in mail.html + mail.text) == (mail.subject, False)


def test_an_update_in_another_direction_is_isolated() -> None:
    """An Arabic headline and quote run right to left in their own place, what we say of them does not."""
    document = tree(render_issue(UPDATED, FOOTER).html)
    [item] = document.xpath("//li[.//*[@dir='rtl']][contains(., 'New:')]")
    assert [(one.tag, one.get("lang")) for one in item.xpath(".//*[@dir='rtl']")] == [("a", "ar"), ("span", "ar")]
    assert "New:" not in "".join(one.text_content() for one in item.xpath(".//*[@dir='rtl']"))


@pytest.mark.parametrize("field", ["title", "text", "source", "url", "language", "former_title", "quote"])
def test_hostile_text_stays_text_in_updates(field: str) -> None:
    """The same for what updates quote."""
    former: dict[str, Any] = {"former_title": "", field: HOSTILE}
    mail = render_issue(replace(ISSUE, updates=(replace(UPDATES[0], **former), replace(UPDATES[3], **former))), FOOTER)
    document = tree(mail.html)
    assert not list(document.iter("script"))
    assert not [image for image in document.iter("img") if image.get("onerror")]
    assert not re.search(r"^Bcc", mail.text, re.MULTILINE)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028]", mail.html + mail.text)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"words_added": 120, "quote": "Update: no."}, ("120 words more", "Update: no.")),
        ({"words_added": 120}, ("120 words more", "")),
        ({"words_added": 9, "quote": "Update:\n no."}, ("New", "Update: no.")),
        ({"words_added": -400, "quote": "Update: no."}, ("New", "Update: no.")),
        ({"words_added": -400}, ("400 words fewer", "")),
        ({"words_added": -9}, ("The text has changed", "")),
        ({}, ("The text has changed", "")),
        ({"former_title": "Old", "words_added": 120, "quote": "Update: no."}, ("Was called", "Old")),
        ({"quote": "word " * 60}, ("New", "word " * 27 + "word…")),
    ],
)
def test_what_an_edit_changed_in_a_line(values: dict[str, Any], expected: tuple[str, str]) -> None:
    """The old headline first, since readers know the post by it; then what is new, or how much is gone."""
    assert change(replace(UPDATES[4], **values), ENGLISH) == expected


def test_the_same_issue_gives_the_same_bytes() -> None:
    """A resend carries the same mail."""
    assert render_issue(ISSUE, FOOTER) == render_issue(replace(ISSUE), replace(FOOTER))


def test_html_has_nothing_that_mail_must_not_have() -> None:
    """No script, form, frame or remote style; no inline handler; every address absolute, none of data or script."""
    html = render_issue(ISSUE, FOOTER).html
    document = tree(html)
    assert not [element.tag for element in document.iter(*FORBIDDEN.split())]
    assert not [name for element in document.iter(etree.Element) for name in element.attrib if name.startswith("on")]
    addresses = [element.get(name) for name in ("href", "src") for element in document.xpath(f"//*[@{name}]")]
    assert addresses
    assert all(re.match(r"(https?://|mailto:)", address) for address in addresses)
    assert not re.search(r"@import|url\(|javascript:|data:|position:", html, re.IGNORECASE)


def test_headings_are_in_order() -> None:
    """One h1, an h2 for each post, and a post's own headings below them."""
    html = render_issue(ISSUE, FOOTER).html
    levels = [int(element.tag[1]) for element in tree(html).iter("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert [heading.tag for heading in headlines_of(html)] == ["h2"] * len(ISSUE.items)
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_layout_tables_are_no_tables_to_a_screen_reader() -> None:
    """Tables around posts have role=presentation; tables inside posts are data and have none."""
    for table in tree(render_issue(ISSUE, FOOTER).html).iter("table"):
        in_post = table.xpath("ancestor::div[contains(@class, 'b')]")
        assert (table.get("role") == "presentation") is not bool(in_post)


def test_style_blocks_are_only_enhancement() -> None:
    """What is needed to read is inlined: every post's cell has font, colour and space without the style block."""
    document = tree(render_issue(ISSUE, FOOTER).html)
    (block,) = document.iter("style")
    assert "prefers-color-scheme:dark" in block.text_content()
    assert len(block.text_content()) < 16_000
    for cell in document.xpath("//td[contains(@class, 'x')]"):
        assert {"padding", "color", "font"} <= {rule.split(":")[0].strip() for rule in cell.get("style").split(";")}


def test_an_arabic_post_runs_right_to_left_in_its_own_block() -> None:
    """Direction and language are set on the post and not on the mail."""
    document = tree(render_issue(ISSUE, FOOTER).html)
    assert (document.get("lang"), document.get("dir")) == ("en", "ltr")
    (heading,) = [h2 for h2 in document.iter("h2") if h2.get("dir") == "rtl"]
    (body,) = document.xpath("//div[@dir='rtl']")
    assert heading.get("lang") == body.get("lang") == "ar"


def test_an_english_post_in_an_arabic_issue_keeps_its_direction() -> None:
    """Where the mail itself runs right to left, posts that do not say so."""
    document = tree(render_issue(replace(ISSUE, language="ar"), FOOTER).html)
    assert document.get("dir") == "rtl"
    assert [h2.get("dir") for h2 in document.xpath("//h2[contains(@class, 'h')]")].count("ltr") == len(ISSUE.items) - 1


@pytest.mark.parametrize("field", ["title", "author", "source", "url", "source_url", "language"])
def test_hostile_text_stays_text(field: str) -> None:
    """Whatever a feed writes into a field becomes neither mark-up nor a line of the text part."""
    mail = render_issue(issue_with(**{field: HOSTILE}), FOOTER)
    document = tree(mail.html)
    assert not list(document.iter("script"))
    assert not [image for image in document.iter("img") if image.get("onerror")]
    assert not re.search(r"^Bcc", mail.text, re.MULTILINE)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028]", mail.html + mail.text)


def test_a_link_that_is_no_web_address_is_not_a_link() -> None:
    """A script address is dropped and the headline stays."""
    mail = render_issue(issue_with(url="javascript:alert(1)", whole=False), FOOTER)
    assert "javascript" not in mail.html + mail.text
    assert "Read the rest" not in mail.html + mail.text
    assert ITEMS[0].title in mail.text


@pytest.mark.parametrize(("count", "shown"), [(4, False), (5, True)])
def test_contents_come_with_five_posts(count: int, shown: bool) -> None:
    """A short issue needs no table of contents."""
    mail = render_issue(replace(ISSUE, items=ISSUE.items[:count]), FOOTER)
    assert ("In this issue" in mail.html) is shown
    assert ("In this issue\n" in mail.text) is shown


@pytest.mark.parametrize("look", ["letter", "headlines"])
def test_a_headline_without_a_link_has_the_same_room(look: str) -> None:
    """A post that has no page stands like the others: on phones its source would lie over it, or it on a line."""
    items = (replace(ITEMS[0], url=""), *ITEMS[1:])
    document = tree(render_issue(replace(ISSUE, items=items, look=look), FOOTER).html)
    for names in (document.xpath("//*[contains(@class, 'h')]/*[1]"), document.xpath("//ol[@class='t']/li/*[1]")):
        assert [name.tag for name in names[:2]] in (["span", "a"], [])
        assert len({frozenset(name.get("style").rstrip(";").split(";")) for name in names}) <= 1


def test_what_is_whole_has_no_link_to_the_rest() -> None:
    """Only a post that was cut says so."""
    assert "Read the rest at Slow Queries:\n" in render_issue(issue_with(whole=False), FOOTER).text
    whole = render_issue(issue_with(whole=True), FOOTER)
    assert "Read the rest" not in whole.html + whole.text


def test_dates_are_in_words_of_the_language_at_the_editions_place() -> None:
    """Half past eleven in the evening in UTC is the next day in Berlin, and März in German."""
    late = replace(ITEMS[0], published=ISSUE.frozen_at.replace(month=2, day=28, hour=23, minute=30))
    mail = render_issue(replace(ISSUE, language="de", items=(late,)), FOOTER)
    assert "1. März" in mail.text
    assert "Freitag, 20. November 2026" in mail.html


def test_an_empty_footer_leaves_no_empty_links() -> None:
    """Without an address to write to and a web version there is no link to them, and no label for one."""
    mail = render_issue(ISSUE, EMPTY_FOOTER)
    assert "nsubscribe" not in mail.html + mail.text
    assert "on the web" not in (mail.html + mail.text).lower()
    assert all(a.get("href") and a.text_content().strip() for a in tree(mail.html).iter("a"))


def test_the_footer_says_why_who_and_how_to_end_it() -> None:
    """Reason, postal address and the way out are in both parts, the way out also near the top."""
    mail = render_issue(ISSUE, FOOTER)
    for part in (mail.html, mail.text):
        assert "You get this because you subscribed to Friday Reading." in " ".join(
            part.replace('<span dir="auto">', "").replace("</span>", "").split()
        )
        assert "Pier 4, 20457 Hamburg" in part
        assert "mailto:digest@planet.example?subject=unsubscribe" in part
    assert mail.html.encode().index(b"mailto:") < 20_000


def test_the_preheader_is_the_headlines() -> None:
    """The first text of the mail, which inboxes show, is the headlines, then padding; the text part has none of it."""
    mail = render_issue(ISSUE, FOOTER)
    first = tree(mail.html).xpath("string(//body/div[1])")
    assert first.startswith("The index nobody asked for · Opened the kiln")
    assert len(first) >= 150
    assert "\u034f" not in mail.text


def test_text_has_no_trace_of_html() -> None:
    """The text part is written from the data: no entities, tags, styles or runs of blank lines."""
    text = render_issue(ISSUE, FOOTER).text
    assert "Rows, columns & <the rest>: a benchmark" in text
    assert not re.search(r"&\w+;|</?(p|a|td|li)\b|\{|font-size|\n{4}", text)


def test_a_post_costs_little_markup() -> None:
    """A post adds at most about a kilobyte around its own text, its line in the contents included."""
    short = replace(ITEMS[1], html="<p>x</p>")

    def size(count: int) -> int:
        return len(render_issue(replace(ISSUE, items=(short,) * count), FOOTER).html.encode())

    assert (size(30) - size(10)) / 20 < 1_050


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("A title", "text", "A title"),
        (" two\n lines ", "text", "two lines"),
        ("", "Short note.", "Short note."),
        ("", "word " * 40, "word " * 10 + "word…"),
        ("", "漢" * 100, "漢" * 55 + "…"),
        ("", "", "Untitled"),
    ],
)
def test_headline(title: str, text: str, expected: str) -> None:
    """A post without a title is called by its first words."""
    assert headline(title, text) == expected


@given(st.text(), st.integers(2, 400))
def test_shortened_text_is_short(text: str, limit: int) -> None:
    """Whatever the text, what is kept fits the limit and is one line."""
    short = shorten(text, limit)
    assert len(short) <= limit
    assert len(short.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Hello", "ltr"), ("GitHub يعلن عن ميزة جديدة", "rtl"), ("שלום", "rtl"), ("123 …", "ltr"), ("", "ltr")],
)
def test_direction_follows_most_letters(text: str, expected: str) -> None:
    """A Latin name at the beginning does not make an Arabic headline run left to right."""
    assert direction(text) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x?y=1&z", "https://a.example/x?y=1&z"),
        (" https://a.example/a b\n", "https://a.example/a%20b"),
        ("javascript:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("/relative", ""),
        ("https://", ""),
        ("http://[::1", ""),
        ("", ""),
    ],
)
def test_web_link(url: str, expected: str) -> None:
    """Only an absolute web address is a link."""
    assert web_link(url) == expected


@pytest.mark.parametrize(
    ("enclosure", "expected"),
    [
        (Enclosure("https://a.example/1.mp3", "audio/mpeg", 48_210_233), ("Listen", "mp3, 48 MB")),
        (Enclosure("https://a.example/1.webm?x", "video/webm", 0), ("Watch", "webm")),
        (Enclosure("https://a.example/paper.pdf", "", 320_000), ("Download", "pdf, 320 kB")),
        (Enclosure("https://a.example/file", "application/octet-stream"), ("Download", "")),
    ],
)
def test_media(enclosure: Enclosure, expected: tuple[str, str]) -> None:
    """An attached file says what to do with it, its kind and its size, as far as known."""
    assert media(enclosure, ENGLISH) == expected


def test_paragraphs() -> None:
    """Blank lines part paragraphs, single breaks stay, controls go."""
    assert paragraphs("a\r\nb\n\n\n c\x00 \n\n") == ["a\nb", " c"]


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text(), st.text(), st.text())
def test_any_text_makes_a_mail(title: str, author: str, text: str, language: str) -> None:
    """No text, however strange, breaks the rendering or adds a post to the mail."""
    mail = render_issue(issue_with(title=title, author=author, text=text, language=language), FOOTER)
    assert len(headlines_of(mail.html)) == 1
    mail.html.encode()
    mail.text.encode()
