"""The text of elements as feedparser's readers take it in."""

from __future__ import annotations

import pytest

from tests.documents import atom, read, rss


@pytest.mark.parametrize("broken", ["", "</oops>"], ids=["strict", "lenient"])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Santé\u00a0»", "Santé »"),
        ("Café\u00a0©", "Café ©"),
        ("«\u00a0Théâtre\u00a0»", "« Théâtre »"),
        ("NAÏVE Â", "NAÏVE Â"),
        ("sÃ¸ndag i KÃ¸benhavn", "søndag i København"),
        ("quotes â\u0080\u009cin UTF-8â\u0080\u009d", "quotes “in UTF-8”"),
        ("Ð\u009fÑ\u0080Ð¸Ð²ÐµÑ\u0082", "Привет"),
        ("it\u0092s 5 \u0080", "it’s 5 €"),
        ("sÃ¸ndag – Ø", "sÃ¸ndag – Ø"),
    ],
)
def test_only_text_that_shows_it_was_misread_is_read_again(written: str, meant: str, broken: str) -> None:
    """UTF-8 or windows-1252 taken for Latin-1 is mended; text that could be UTF-8 by chance is left as it is."""
    feed = read(rss(f"<item><title>{written}</title></item>{broken}"))
    assert feed.posts[0].title == meant


@pytest.mark.parametrize(
    ("inside", "meant"),
    [
        ("<div><p>x</p></div>", "<p>x</p>"),
        (" <div><p>x</p></div>\n ", "<p>x</p>"),
        ("<div>a</div><div>b</div>", "<div>a</div><div>b</div>"),
        ("<p>x</p>", "<p>x</p>"),
        ("\n", ""),
        ("", ""),
    ],
)
def test_the_div_around_xhtml_is_none_of_it(inside: str, meant: str) -> None:
    """RFC 4287 section 3.1.1.3: the one div that holds all of XHTML content is not part of it."""
    feed = read(atom(f'<entry><id>1</id><title>t</title><content type="xhtml">{inside}</content></entry>'))
    assert feed.posts[0].content_html == meant


def test_of_two_elements_of_one_name_the_outer_counts() -> None:
    """A date inside another element of an item is not the item's; of two at one depth the later is."""
    items = (
        "<item><pubDate>2024-01-01</pubDate><x><pubDate>2020-01-01</pubDate></x><pubDate>2024-02-02</pubDate></item>"
    )
    published = read(rss(items)).posts[0].published
    assert published is not None
    assert published.date().isoformat() == "2024-02-02"


def test_content_in_base64_is_unpacked() -> None:
    """Atom content of another type is base64 (RFC 4287 section 4.1.3.3), shown if it is text after all."""
    entry = (
        '<entry><id>1</id><title>t</title><content type="application/x" mode="base64">PGI+eDwvYj4=</content></entry>'
    )
    assert read(atom(entry)).posts[0].content_html == "<b>x</b>"
