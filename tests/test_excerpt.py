"""Excerpts: whole blocks from the beginning of a post."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.editions.excerpt import excerpt_html, excerpt_text, top_blocks
from tidings.posts.clean import clean, visible_text

VOID = {"br", "hr", "img", "col", "wbr"}


def words(count: int, word: str = "word") -> str:
    """A sentence of `count` numbered words; of one letter each they take six characters."""
    return " ".join(f"{word}-{number:03}" for number in range(count)) + "."


def p(count: int, word: str = "word") -> str:
    return f"<p>{words(count, word)}</p>"


class Balance(HTMLParser):
    """Raises where a tag closes what is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, tag
            assert self.open.pop() == tag


def is_balanced(html: str) -> bool:
    return Balance(html).open == []


def letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


@pytest.mark.parametrize(
    "html",
    [
        "",
        "Loose text.",
        "<p>One.</p>\n<p>Two.</p>",
        '<div dir="rtl"><p>One.</p><hr><p>Two.</p></div>',
        "<p>" + words(20) + "</p><table><tbody><tr><td>x</td></tr></tbody></table>",
        '<p><img src="https://blog.example/a.png"></p>',
        "<h2>Only a heading</h2>",
        "<p>End with a rule</p><hr>",
    ],
)
def test_a_short_post_comes_whole(html: str) -> None:
    """What fits is left as it is, to the letter."""
    assert excerpt_html(html) == (html, True)


def test_the_first_blocks_are_taken_whole() -> None:
    """Paragraphs are taken until there is enough, and never in part."""
    html = p(40, "a") + p(40, "b") + p(40, "c") + p(40, "d")
    assert excerpt_html(html) == (p(40, "a") + p(40, "b") + p(40, "c"), False)


def test_a_block_that_is_too_much_is_left_for_the_post() -> None:
    """After a beginning a very long block is not begun."""
    assert excerpt_html(p(50, "a") + p(500, "b")) == (p(50, "a"), False)


@pytest.mark.parametrize("first", [p(2000), "<ul>" + "<li>One item of many.</li>" * 200 + "</ul>", words(2000)])
def test_a_huge_first_block_is_taken_whole(first: str) -> None:
    """There is always something to read, and never half of it."""
    assert excerpt_html(first + p(10)) == (first, False)


def test_a_heading_does_not_stand_for_the_text() -> None:
    """A post that begins with a heading shows what is under it, however long that is."""
    html = "<h1>Title</h1>" + p(900, "a")
    assert excerpt_html(html + p(5)) == (html, False)


@pytest.mark.parametrize("first", ["<p>&nbsp;</p>", "<p>* * *</p>", "&amp;", "<p> </p>", "<hr>"])
def test_an_ornament_is_no_text(first: str) -> None:
    """A post that begins with an empty paragraph or a row of stars still shows what follows."""
    excerpt, whole = excerpt_html(first + p(900, "a") + p(5))
    assert excerpt.endswith(p(900, "a"))
    assert not whole


@pytest.mark.parametrize("between", ["<hr>", "<p></p>", "<p> </p>", "<div><br></div>"])
def test_what_parts_two_texts_goes_on_doing_so(between: str) -> None:
    """A rule or an empty paragraph is not dropped from between two loose texts: their words would run together."""
    excerpt, _ = excerpt_html(f"{words(5, 'a')}{between}{words(5, 'b')}<p>{words(400, 'c')}</p>")
    assert visible_text(excerpt) == f"{words(5, 'a')}\n\n{words(5, 'b')}"


@pytest.mark.parametrize(
    "end",
    ["<h2>Next part</h2>", "<hr><h2>Next</h2><h3>Part</h3>", "<h2>Next</h2><hr>", "<h2>Next</h2><p>&nbsp;</p>"],
)
def test_a_heading_is_not_left_last(end: str) -> None:
    """A heading whose text does not fit is left out with it."""
    assert excerpt_html(p(50, "a") + end + p(500, "b")) == (p(50, "a"), False)


@pytest.mark.parametrize("inside", ["div", "article", "section", "span"])
def test_wrappers_round_everything_are_looked_through(inside: str) -> None:
    """A post in one element, or in several nested ones, is cut like any other."""
    html = f'<{inside} lang="en"><div>\n' + p(90, "a") + p(90, "b") + f"</div></{inside}>"
    assert excerpt_html(html) == (p(90, "a"), False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "<p>The post X appeared first on Y.</p>"),
        ('<figure><img src="https://blog.example/a.png"></figure>', ""),
        ("<p>Hello.</p>", "<p>Bye.</p>"),
    ],
)
def test_a_wrapper_beside_something_small_is_looked_through(before: str, after: str) -> None:
    """The text in a <div> with a picture before it or a line behind it is still cut between its paragraphs."""
    html = f"{before}<div>{p(90, 'a')}{p(200, 'b')}{p(200, 'c')}</div>{after}"
    assert excerpt_html(html) == (before + p(90, "a"), False)


def test_old_blogger_posts_are_cut_at_double_breaks() -> None:
    """Loose text with <br><br> for paragraphs is cut there, in a wrapper and without."""
    html = f"{words(90, 'a')}<br>\n<br>{words(90, 'b')}<br><br>{words(5, 'c')}"
    for whole in (html, f"<div>{html}</div>"):
        excerpt, complete = excerpt_html(whole)
        assert not complete
        assert visible_text(excerpt) == words(90, "a")


def test_a_double_break_inside_an_element_is_no_place_to_cut() -> None:
    """Cutting there would leave the element open."""
    html = f"<b>{words(60, 'a')}<br><br>{words(60, 'b')}</b><br><br>{words(90, 'c')}"
    excerpt, _ = excerpt_html(html)
    assert is_balanced(excerpt)
    assert visible_text(excerpt).endswith("b-059.")


def test_a_picture_in_a_sentence_does_not_end_it() -> None:
    """A smiley made of an image is part of its sentence."""
    smiley = '<img src="https://blog.example/smile.png" alt=":-)">'
    html = f"{words(90, 'a')} {smiley} and on it goes.<p>{words(90, 'b')}</p>"
    assert visible_text(excerpt_html(html)[0]).endswith("and on it goes.")


@pytest.mark.parametrize("depth", [50, 5_000])
def test_deep_nesting_is_harmless(depth: int) -> None:
    """Elements nested without end are neither an error nor taken apart for ever."""
    html = "<div>" * depth + p(90, "a") + p(900, "b") + "</div>" * depth
    excerpt, _ = excerpt_html(html)
    assert is_balanced(excerpt)
    assert "a-089." in excerpt


def test_the_text_says_what_the_html_says() -> None:
    """The text of an excerpt is its paragraphs, no more and no less."""
    html = f"{p(50, 'a')}<ul><li>One &amp; two</li><li>Three</li></ul>{p(80, 'b')}{p(80, 'c')}"
    excerpt, _ = excerpt_html(html)
    assert excerpt_text(visible_text(html), excerpt) == visible_text(excerpt)
    assert "One & two" in visible_text(excerpt)


def test_a_described_picture_does_not_shorten_the_text() -> None:
    """The description that stands for a picture in the text is not taken for text of the HTML."""
    picture = f'<figure><img src="https://blog.example/a.png" alt="{words(80, "alt")}"></figure>'
    html = picture + p(50, "a") + p(50, "b") + p(500, "c")
    excerpt, whole = excerpt_html(html)
    assert not whole
    assert "b-049." in excerpt
    assert excerpt_text(visible_text(html), excerpt) == visible_text(excerpt)


TAGS = (
    "<p> </p> <div> </div> <span> </span> <section> </section> <b> </b> <br> <br><br> <br/> <hr> <ul> <li> </li> </ul> "
    "<h2> </h2> <pre> </pre> <table> <tr> <td> </td> </table> <blockquote> </blockquote> <figure> </figure> </a> </br>"
).split()
MARKUP = [
    '<a href="https://x.example">',
    '<img src="https://x.example/a.png" alt="> &amp;">',
    "<!-- c -->",
    "<![CDATA[",
]
TEXTS = [
    words(8),
    words(70, "long"),
    words(160, "huge"),
    "Ünïcode",
    "עברית",
    "日本語",
    "&amp;",
    "&lt;b&gt;",
    ">",
    "\n",
    " ",
]
PIECES = st.sampled_from([*TAGS, *MARKUP, *TEXTS, "\n\n", "\u200f", "&nbsp;"])


@settings(max_examples=250)
@given(pieces=st.lists(PIECES, max_size=25))
def test_an_excerpt_of_anything_clean_is_whole_blocks(pieces: list[str]) -> None:
    """For any HTML that the sanitiser lets through, the excerpt is well-formed, begins as the post does, is empty only
    if the post is, and its text says all that the HTML says."""
    html = clean("".join(pieces), "https://blog.example/")
    excerpt, whole = excerpt_html(html)
    assert is_balanced(excerpt)
    said = letters(visible_text(html))
    assert said.startswith(letters(visible_text(excerpt)))
    assert bool(letters(visible_text(excerpt))) == bool(said)
    assert not whole or excerpt == html
    text = letters(excerpt_text(visible_text(html), excerpt))
    assert said.startswith(text)
    assert whole or text.startswith(letters(visible_text(excerpt)))


@settings(max_examples=150)
@given(pieces=st.lists(PIECES, max_size=25))
def test_blocks_lose_no_words(pieces: list[str]) -> None:
    """The blocks of a post hold all its words in order, each block well-formed by itself."""
    html = clean("".join(pieces), "https://blog.example/")
    blocks = top_blocks(html)
    assert letters(visible_text("".join(block.html for block in blocks))) == letters(visible_text(html))
    assert all(is_balanced(block.html) for block in blocks)
