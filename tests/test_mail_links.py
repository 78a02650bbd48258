"""Nobody is counted by a mail: its links are the authors' own or lead to our pages, and its pictures are of posts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from lxml import html as lxml_html

from tests.render_samples import FIXTURES, FOOTER
from tidings.model import IssueContent
from tidings.render.mail import RenderedMail, render_issue
from tidings.render.markup import links
from tidings.render.words import web_link

LEAVE = "https://planet.example/u/1-token"
LINE = "No tracking: no pixels, no redirected links, no cookies."
MAILED = replace(FOOTER, unsubscribe_url=LEAVE)


def of_authors(content: IssueContent) -> Iterator[str]:
    """The addresses that posts, their texts, files and blogs have."""
    for item in content.items:
        yield from (item.url, item.source_url, *links(item.html))
        yield from (one.url for one in item.enclosures)
        yield from (one.url for one in item.also_in)
    yield from (update.url for update in content.updates)


def pictures_of(content: IssueContent) -> Iterator[str]:
    for item in content.items:
        yield from ([item.picture.url] if item.picture else [])
        if item.html:
            yield from lxml_html.fragment_fromstring(f"<div>{item.html}</div>").xpath("//img/@src")


def ours(content: IssueContent) -> set[str]:
    return {LEAVE, MAILED.web_url, content.site_url}


def addresses(mail: RenderedMail) -> tuple[set[str], set[str]]:
    """What the HTML links to, and the lines of the text that are an address."""
    lines = {line for line in mail.text.splitlines() if re.fullmatch(r"(https?://|mailto:)\S+", line)}
    return set(lxml_html.document_fromstring(mail.html).xpath("//@href")), lines


@pytest.mark.parametrize("look", ["letter", "headlines"])
@pytest.mark.parametrize("name", ["usual", "all-images", "groups", "rtl", "hostile"])
def test_every_link_is_the_authors_own_or_ours(name: str, look: str) -> None:
    """To the letter, in both parts: nothing leads through us, or has anything added to it."""
    content = replace(FIXTURES[name], look=look)
    mail = render_issue(content, MAILED)
    theirs = {url if url.startswith("mailto:") else web_link(url) for url in of_authors(content)}
    for found in addresses(mail):
        assert found - theirs - ours(content) == set()
        assert LEAVE in found


@pytest.mark.parametrize("name", ["usual", "all-images", "groups", "rtl", "hostile"])
def test_every_picture_is_of_a_post(name: str) -> None:
    """None is ours, none is added, and none is so small that it is there to count."""
    content = FIXTURES[name]
    document = lxml_html.document_fromstring(render_issue(content, MAILED).html)
    assert set(document.xpath("//img/@src")) <= set(pictures_of(content))
    assert not document.xpath("//img[@width='1' or @width='0' or @height='1' or @height='0']")
    assert not document.xpath("//link | //script | //iframe | //@background | //@srcset | //@ping")


@pytest.mark.parametrize("look", ["letter", "headlines"])
def test_each_mail_says_so_once(look: str) -> None:
    """In the footer of both parts, after the way out."""
    mail = render_issue(replace(FIXTURES["usual"], look=look), MAILED)
    for part in (mail.html, mail.text):
        assert part.count(LINE) == 1
        assert part.rindex(LEAVE) < part.index(LINE) < part.index(FOOTER.postal_address.splitlines()[0])
