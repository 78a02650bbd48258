"""Text made to harm: no rule on text takes time that grows with the square of its input.

The inputs are so long that what is linear takes a fraction of a second and what is quadratic takes minutes. They run in
a process of their own, since a regular expression that hangs cannot be interrupted otherwise.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tidings.editions import excerpt as excerpts
from tidings.model import StoredPost
from tidings.posts.clean import clean
from tidings.posts.dates import parse_date
from tidings.posts.encoding import decode
from tidings.posts.entries import _author, _html_of, _podcast_summary
from tidings.posts.mend import entities_in, mend
from tidings.posts.plain import bare_text, one_line, paragraphs, with_paragraphs
from tidings.posts.reading import visible_text
from tidings.posts.roots import find_root
from tidings.render.lists import excerpt

LENGTH = 300_000
GENEROUS = 120  # seconds for all of them, which take a few


def long(repeated: str, before: str = "", after: str = "") -> str:
    return before + repeated * (LENGTH // len(repeated)) + after


def page_excerpt(text: str) -> str:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return excerpt(
        StoredPost(
            *(1, 1, 1, "source", "Source", "", "", "guid", "", "Title", "", now, now, now, now, ()),
            summary=text,
            content_html="",
            text="",
            language="en",
        )
    )


MARKUP = (
    long("x", "<iframe src="),
    long(" src=", "<iframe"),
    long("src='x\" ", "<iframe "),
    long(" ", "<iframe src="),
    long(" ", "<iframe src=x ", ">"),
    long("<iframe src=x "),
    long(" ", '<img width="1', 'x" src="http://a.example/">'),
    long(" ", '<a href="', '">x</a>'),
    long(' src="', "<img"),
    long("width:1 ", '<img src="http://a.example/" style="', '">'),
    long("display ", '<img src="http://a.example/" style="', '">'),
    long(" ", '<img src="http://a.example/" style="display', '">'),
    long("a", "<"),
    long("<a"),
    long("<"),
    long("</a "),
    long("</", "<a"),
    long("<pre"),
    long("\n ", "x", "y"),
    long("\n", "x", "y"),
)
XML = (
    long(" ", '<rss xmlns="', "<"),
    long(" ", "<rss xmlns", "<"),
    long("a", "<rss xmlns:", "<"),
    long("xmlns='", "<rss "),
    long(" xmlns:a", "<rss"),
    long("a:", "<"),
    long(" a:a", "<rss"),
    long("&a", "<rss>"),
    long("a", "<rss>&"),
    long("<![CDATA[", "<rss>"),
    long("<!--"),
    long("<?"),
    long("] ", "<!DOCTYPE a ["),
    long(" ", "<!DOCTYPE a []"),
    long("<!ENTITY ", "<!DOCTYPE a [", "]><rss>"),
    long(" ", "<!DOCTYPE a [<!ENTITY a", "]><rss>"),
    long("<!DOCTYPE a>"),
    long("<a:"),
    long("a", "<"),
    long(" ", "", "<"),
)
DATES = (long("1"), long(" "), long("a"), long("1 "), long("a "), long(" ", "Mon,", "x"), long("-", "1"), long("("))
TRAILERS = (
    long(" ", "x", "y"),
    long("The post "),
    long("The post a appeared first on "),
    long("appeared first on ", "The post "),
    long("\n\n"),
    long("a"),
)


def as_excerpt(html: str) -> str:
    clean_html = cleaned(html)
    return excerpts.excerpt(clean_html, visible_text(clean_html), 500).html


def as_summary(text: str) -> object:
    return _podcast_summary({"itunes_summary": text})


def as_author(text: str) -> str:
    return _author({"author": text, "authors": [{"name": text, "email": text}]})


def as_charset(text: str) -> str:
    return decode(b"<rss>\xe9</rss>", "text/xml; " + text)


def as_document(text: str) -> str:
    return decode(text.encode())


def mended(text: str) -> object:
    return list(mend("", text, 0, frozenset())), entities_in(text, {})


def guessed(text: str) -> object:
    return _html_of("", text)


def cleaned(text: str) -> str:
    return clean(text, "http://a.example/")


RULES: tuple[tuple[Callable[[str], object], tuple[str, ...]], ...] = (
    (cleaned, MARKUP),
    (bare_text, MARKUP),
    (with_paragraphs, MARKUP),
    (paragraphs, MARKUP),
    (guessed, MARKUP),
    (as_summary, MARKUP),
    (lambda text: visible_text(cleaned(text)), MARKUP),
    (as_excerpt, (*MARKUP, long('<img alt="'), long(' alt="', "<img"), long('alt="" ', "<img "))),
    (mended, XML),
    (find_root, XML),
    (as_document, (*XML, long(" encoding", "<?xml"), long(" ", "<?xml encoding="))),
    (as_charset, (long(" ", "charset="), long(" ", "charset"), long("charset"), long("charset= "))),
    (as_author, (long("a"), long("a@"), long("@"), long("a "), long("a", "a@"), long("<a"))),
    (one_line, (long(" "), long("\n\t"), long("\u200b"))),
    (parse_date, DATES),
    (page_excerpt, TRAILERS),
)


def test_no_input_hangs_a_rule() -> None:
    """Every rule finishes with every input made against it; the message names the one that did not."""
    child = subprocess.Popen([sys.executable, "-u", __file__], stdout=subprocess.PIPE, text=True)
    try:
        said, _ = child.communicate(timeout=GENEROUS)
    except subprocess.TimeoutExpired:
        child.kill()
        said, _ = child.communicate()
        pytest.fail(f"hung, or far too slow, at: {said.splitlines()[-1:]}")
    assert child.returncode == 0, said.splitlines()[-1:]
    assert said.splitlines()[-1] == "finished"


def run_all() -> None:
    for rule, inputs in RULES:
        for text in inputs:
            print(rule.__name__, repr(text[:40]), "...", repr(text[-10:]))
            rule(text)
    print("finished")


if __name__ == "__main__":
    run_all()
