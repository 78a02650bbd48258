"""Every kind of issue in both looks: what holds for all mail, whatever stands in it (research section 5, 14 to 27)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from lxml import etree
from lxml import html as lxml_html

from tests.render_samples import FIXTURES, FOOTER
from tests.test_render_pages import LINKS
from tidings.model import IssueContent
from tidings.render.mail import RenderedMail, render_issue
from tidings.render.pages import render_issue_page

ROOT = Path(__file__).resolve().parents[1]
LOOKS = ("letter", "headlines")
FORBIDDEN = (
    "script form iframe link object embed base input button video audio svg main nav section article header footer "
    "aside figure figcaption details summary time mark bdi picture source"
)
CASES = [(name, look) for name in FIXTURES for look in LOOKS]
MAILS: dict[tuple[str, str], tuple[IssueContent, RenderedMail]] = {}


@pytest.fixture(params=CASES, ids=["-".join(case) for case in CASES])
def mail(request: pytest.FixtureRequest) -> tuple[IssueContent, RenderedMail]:
    name, look = request.param
    if (name, look) not in MAILS:
        content = replace(FIXTURES[name], look=look)
        MAILS[name, look] = content, render_issue(content, FOOTER)
    return MAILS[name, look]


def tree(html: str) -> etree._Element:
    return lxml_html.document_fromstring(html)


def test_nothing_is_in_a_mail_that_must_not_be(mail: tuple[IssueContent, RenderedMail]) -> None:
    """No script, form, frame, HTML5 section or remote style; no handler; absolute addresses; nothing of a tracker."""
    html = mail[1].html
    document = tree(html)
    assert not [element.tag for element in document.iter(*FORBIDDEN.split())]
    assert not [name for element in document.iter(etree.Element) for name in element.attrib if name.startswith("on")]
    assert not document.xpath("//@id")
    addresses = [element.get(name) for name in ("href", "src") for element in document.xpath(f"//*[@{name}]")]
    assert all(re.match(r"(https?://|mailto:)[^\s<>\"]+$", address) for address in addresses)
    assert not re.search(r"@import|url\(|javascript:|vbscript:|data:|position:|pixel\.wp\.com", html, re.IGNORECASE)
    assert not re.search(r"<(script|iframe|form|svg|object)", html, re.IGNORECASE)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u2028\u202a-\u202e\u2066-\u2069]", html + mail[1].text)


def test_the_frame_holds(mail: tuple[IssueContent, RenderedMail]) -> None:
    """Layout tables say that they are none and have a width, the ghost tables of Outlook are closed, and no post breaks
    out of its cell."""
    document = tree(mail[1].html)
    outer = document.xpath("//table[not(ancestor::div[contains(concat(' ', @class, ' '), ' b ')])]")
    assert [table.get("role") for table in outer] == ["presentation"] * len(outer)
    assert all(table.get("width") and table.get("cellpadding") == "0" for table in outer)
    comments = [comment.text for comment in document.iter(etree.Comment)]
    assert sum(text.count("<table") for text in comments) == sum(text.count("</table>") for text in comments) == 1
    assert any("<o:PixelsPerInch>96<" in text for text in comments)
    rows = document.xpath("//table[contains(@class, 'w')]/tbody/tr")
    assert len(rows) == len(document.xpath("//td[contains(concat(' ', @class, ' '), ' x ')]"))
    assert all(cell.get("align") in ("left", "right") for cell in document.xpath("//td[contains(@class, 'x')]"))
    assert rows[-1].xpath("string()").strip().endswith("20457 Hamburg")


def test_headings_are_in_order(mail: tuple[IssueContent, RenderedMail]) -> None:
    """One h1; no level is skipped; each story has a heading."""
    document = tree(mail[1].html)
    levels = [int(element.tag[1]) for element in document.iter("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(" ".join(item.text_content().split()) for item in document.iter("h1", "h2", "h3"))


def test_every_picture_has_alt_and_both_sizes(mail: tuple[IssueContent, RenderedMail]) -> None:
    """As attributes, which Outlook for Windows goes by; none is wider than the column."""
    for image in tree(mail[1].html).iter("img"):
        assert image.get("alt") is not None
        assert image.get("height") == "auto" or int(image.get("height")) > 0
        assert image.get("width") == "auto" or 1 < int(image.get("width")) <= 600


def test_links_are_told_apart(mail: tuple[IssueContent, RenderedMail]) -> None:
    """Who hears links one by one, hears no two alike that lead to different places; none is empty."""
    places: dict[str, set[str]] = {}
    for link in tree(mail[1].html).xpath("//a[not(ancestor::div[contains(concat(' ', @class, ' '), ' b ')])]"):
        name = link.get("aria-label") or " ".join(link.text_content().split())
        assert name
        places.setdefault(name, set()).add(link.get("href"))
    headlines = {line.strip() for line in mail[1].text.splitlines()}
    alike = {name for name, urls in places.items() if len(urls) > 1}
    assert not [name for name in alike if not any(line.endswith(f". {name}") for line in headlines)]


def test_style_is_only_enhancement(mail: tuple[IssueContent, RenderedMail]) -> None:
    """One block below Gmail's 16 KB, all of it for media or for Outlook on the web; the rest is inlined."""
    document = tree(mail[1].html)
    (block,) = document.iter("style")
    css = block.text_content()
    assert len(css) < 16_000
    assert "prefers-color-scheme:dark" in css
    assert "[data-ogsc]" in css
    outside = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^}]*\})*\s*\}", "", css)
    assert all(rule.strip().startswith("[data-ogs") for rule in re.findall(r"[^{}]+(?=\{)", outside))
    for cell in document.xpath("//td[contains(@class, 'x')]"):
        assert {"padding", "color", "font"} <= {rule.split(":")[0].strip() for rule in cell.get("style").split(";")}


def test_the_page_has_what_the_mail_has(mail: tuple[IssueContent, RenderedMail]) -> None:
    """Every story and every link of the mail but the reader's own; whole where the mail was cut."""
    content, rendered = mail
    document, page = tree(rendered.html), tree(render_issue_page(content, LINKS))
    personal = {"https://planet.example/issues/friday-12.html", "https://planet.example/"}
    in_mail = {link for link in document.xpath("//a/@href") if not link.startswith("mailto:")}
    assert in_mail - personal <= set(page.xpath("//a/@href"))
    assert len(list(page.iter("article"))) == len(content.items)
    named = page.xpath("//section[@aria-labelledby='more']//li")
    assert len(named) == len(content.more)
    assert not page.xpath("//script | //@onload | //@onclick")


def test_text_is_text(mail: tuple[IssueContent, RenderedMail]) -> None:
    """No entity, no empty brackets, no run of blank lines."""
    text = mail[1].text
    assert not re.search(r"&(nbsp|amp|lt|#\d+);|\(\)|\[\]|\n{4}", text)
    assert text.startswith(content_title(mail[0]))


def content_title(content: IssueContent) -> str:
    return f"{content.edition_title}\n"


def test_the_same_issue_gives_the_same_bytes_in_any_process() -> None:
    """Whatever the seed of hashes is: a mail sent again is the same mail."""
    code = (
        "import hashlib; from tests.render_samples import FIXTURES, FOOTER; from dataclasses import replace;"
        "from tidings.render.mail import render_issue; from tests.test_render_pages import LINKS;"
        "from tidings.render.pages import render_issue_page; seen = hashlib.sha256()\n"
        "for name in ('usual', '200-posts', 'groups', 'rtl', 'hostile'):\n"
        "    for look in ('letter', 'headlines'):\n"
        "        content = replace(FIXTURES[name], look=look)\n"
        "        mail = render_issue(content, FOOTER)\n"
        "        seen.update(f'{mail}{render_issue_page(content, LINKS)}'.encode())\n"
        "print(seen.hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64
