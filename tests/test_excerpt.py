"""Excerpts: whole blocks from the beginning of a post, and of one that is too long its first sentences or items."""

from __future__ import annotations

from html.parser import HTMLParser
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidings.editions.blocks import beginning, top_blocks
from tidings.editions.excerpt import Excerpt, excerpt, whole_part
from tidings.posts.clean import clean, visible_text

VOID = {"br", "hr", "img", "col", "wbr"}
LENGTH = 500
MOST = 1500
FIRST_SENTENCE = 1000


def cut(html: str, length: int = LENGTH) -> Excerpt:
    """The excerpt of a post whose text is that of its HTML, as it is of every stored one."""
    return excerpt(html, visible_text(html), length)


def excerpt_html(html: str) -> tuple[str, bool]:
    """The HTML of the excerpt, and whether it is all of the post."""
    found = cut(html)
    return found.html, found.whole


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


SENTENCES = " ".join(f"Sentence {number:03} ends here." for number in range(400))
ITEMS = "".join(f"<li>Item {number:03} of a list of many.</li>" for number in range(300))
CODE = "<pre><code>" + "x = f(y)\n" * 300 + "</code></pre>"
TABLE = "<table><tbody>" + "<tr><td>cell</td><td>cell</td></tr>" * 300 + "</tbody></table>"


@pytest.mark.parametrize(("start", "end"), [("<p>", "</p>"), ("", ""), ("<p><em>", "</em></p>"), ("<div>", "</div>")])
def test_a_wall_of_text_is_cut_after_a_sentence(start: str, end: str) -> None:
    """A first paragraph that is far too long shows its first whole sentences, as HTML and as text."""
    found = cut(f"{start}{SENTENCES}{end}<p>And more.</p>")
    assert not found.whole
    assert found.text.endswith("ends here.")
    assert LENGTH <= len(found.text) < LENGTH + 30
    assert SENTENCES.startswith(found.text)
    assert visible_text(found.html) == found.text
    assert is_balanced(found.html)


def test_a_wall_of_text_behind_a_short_line_is_cut_too() -> None:
    """While there is less than half of what is wanted, a paragraph that does not fit is begun; with more, it is not."""
    assert "Sentence 005 ends here." in cut(f"<p>Hello!</p><p>{SENTENCES}</p>").text
    assert cut(f"{p(50, 'a')}<p>{SENTENCES}</p>").html == p(50, "a")


def test_a_short_excerpt_is_a_whole_sentence() -> None:
    """However short excerpts are to be, the first sentence comes whole."""
    html = f"<p>{words(60)} {SENTENCES}</p>"
    assert cut(html, 20).text == words(60)


def test_a_short_first_sentence_is_not_all() -> None:
    """A word that is a sentence does not stand for the text: while there is too little, a longer one follows."""
    assert cut(f"<p>First. {words(60, 'Word')} {SENTENCES}</p>", 100).text == f"First. {words(60, 'Word')}"


@pytest.mark.parametrize("first", [words(2000), "日本語" * 1000])
def test_a_text_without_sentences_gives_way_to_one_that_has_some(first: str) -> None:
    """Where something follows that can be shown whole, no half sentence is."""
    assert cut(f"<p>{first}</p><p>Short.</p>") == Excerpt("<p>Short.</p>", "Short.", whole=False)


ENDLESS = " ".join(["word"] * 20_000)
LINKS = " ".join(f'<a href="https://x.example/{n}">link {n}</a>,' for n in range(3000))


@pytest.mark.parametrize(
    ("html", "start", "end"),
    [
        (f"<p>{ENDLESS}</p>", "<p>word word", "word…</p>"),
        (ENDLESS, "word word", "word…"),
        (f"<h2>List</h2><p>{LINKS}</p>", '<p><a href="https://x.example/0">link 0</a>, <a', "…</a></p>"),
        (f"<ul><li><b>{ENDLESS}</b></li></ul>", "<ul><li><b>word", "word…</b></li></ul>"),
        (f"<blockquote><p>{ENDLESS}</p></blockquote>", "<blockquote><p>word", "word…</p></blockquote>"),
        ("<p>" + "日本語" * 1000 + "</p>", "<p>日本語", "日本語日本…</p>"),
        (f"<p>{'क्षि' * 2000}</p>", "<p>क्षि", "…</p>"),
        (f"{TABLE}<p>{ENDLESS}</p>", "<p>word", "word…</p>"),
    ],
)
def test_a_text_without_any_sentence_is_begun(html: str, start: str, end: str) -> None:
    """Rather than nothing, its first words are shown, as many as are wanted, with the mark of what is cut short."""
    found = cut(html)
    assert found.html.startswith(start)
    assert found.html.endswith(end)
    assert is_balanced(found.html)
    assert not found.whole
    assert LENGTH - 40 < len(found.text.rstrip("…")) <= LENGTH + 1
    assert visible_text(found.html) == found.text


def test_an_endless_list_that_counts_down_is_not_begun() -> None:
    """Its numbers would be wrong; tables and programs in a list stay whole, too."""
    for html in (f"<ol reversed><li>{ENDLESS}</li></ol>", f"<ul><li>{CODE}{ENDLESS}</li></ul>"):
        assert cut(html) == Excerpt("", "", whole=False)


SUMMARY = "The week began well. Dr. No, of all people, paid for lunch"


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (f"<p>{SUMMARY}</p>", "The week began well."),
        (f"{SUMMARY}…", "The week began well."),
        (f"<p>{SUMMARY} […]</p>", "The week began well."),
        (f"<p>It was <b>fine. And {SUMMARY}</b></p>", "It was fine. And The week began well."),
        (f'<p>{SUMMARY}. <a href="https://x.example/">Continue reading</a></p>', f"{SUMMARY}."),
        (f"<p>{SUMMARY} […]</p><p>The post A appeared first on B.</p>", "The week began well."),
        (f"<p>{SUMMARY}.</p><p>Then […]</p><p>Read more →</p>", f"{SUMMARY}."),
        ("<p>No sentence ends here, […]</p>", "No sentence ends here…"),
        ("<p>Kept as it is:</p><ul><li>one</li><li>two […]</li></ul>", "Kept as it is:\n\n- one\n- two […]"),
        ("<p>…</p>", "…"),
        ("", ""),
    ],
)
def test_what_a_feed_cut_off_ends_with_a_sentence(html: str, shown: str) -> None:
    """Of a text that its feed cuts off the last half sentence goes, and the words that lead to the rest."""
    found = whole_part(html, visible_text(html))
    assert (found.text, found.whole) == (shown, False)
    assert visible_text(found.html) == found.text
    assert is_balanced(found.html)


def test_text_without_spaces_is_cut_after_its_own_marks() -> None:
    """Chinese and Japanese sentences end without a space behind the mark; their signs count as characters."""
    found = cut("<p>" + "これは長い文章の一部です。" * 300 + "</p>")
    assert found.text == "これは長い文章の一部です。" * 39
    assert cut("<p>" + "これは長い文章です。「引用」" * 300 + "</p>").text.endswith("です。")


@pytest.mark.parametrize("list_of", ["ul", "ol", "blockquote"])
def test_a_list_is_cut_between_its_items(list_of: str) -> None:
    """A first list that is far too long shows its first items, and stays a list."""
    found = cut(f"<{list_of}>{ITEMS}</{list_of}><p>And more.</p>")
    assert is_balanced(found.html)
    assert found.html.startswith(f"<{list_of}><li>Item 000 of a list of many.</li>")
    assert found.html.endswith(f"many.</li></{list_of}>")
    assert visible_text(found.html) == found.text
    assert LENGTH <= sum(len(line) for line in found.text.split("\n")) < MOST


@pytest.mark.parametrize(
    "first", [f"<li>{CODE}</li>", f'<li><img src="https://x.example/a"></li><li>{words(900)}</li>']
)
def test_a_list_does_not_begin_with_its_second_item(first: str) -> None:
    """Where its first words cannot be shown, the whole list is passed over."""
    assert cut(f"<ul>{first}{ITEMS}</ul><p>End.</p>").html == "<p>End.</p>"


def test_an_excerpt_is_at_most_three_times_as_long() -> None:
    """A paragraph that would make it longer is left for the post."""
    first = f"<p>{'a' * 300}</p>"
    assert cut(f"{first}<p>{'b' * 1200}</p><p>c</p>").html == f"{first}<p>{'b' * 1200}</p>"
    assert cut(f"{first}<p>{'b' * 1201}</p><p>c</p>").html == first


def test_a_list_that_counts_down_is_not_cut() -> None:
    """Its first item would get another number."""
    assert cut(f"<ol reversed>{ITEMS}</ol><p>End.</p>").html == "<p>End.</p>"


def test_quoted_paragraphs_are_cut_as_others_are() -> None:
    """A quotation of one wall of text is cut after a sentence, without a heading left last in it."""
    found = cut(f"<blockquote><p>{SENTENCES}</p></blockquote>")
    assert found.html.endswith("ends here.</p></blockquote>")
    assert SENTENCES.startswith(found.text)
    headed = cut(f"<blockquote>{p(40)}<h2>Next</h2><p>{words(900)}</p></blockquote>")
    assert headed.html == f"<blockquote>{p(40)}</blockquote>"


@pytest.mark.parametrize("first", [CODE, TABLE, f"<figure>{TABLE}</figure>"])
def test_a_huge_table_or_program_is_passed_over(first: str) -> None:
    """What cannot be begun gives way to the paragraphs behind it, with its heading; alone, it leaves the headline."""
    assert cut(f"<h2>Data</h2>{first}{p(20, 'a')}") == Excerpt(p(20, "a"), words(20, "a"), whole=False)
    assert cut(f"<h2>Data</h2>{first}") == Excerpt("", "", whole=False)


def test_a_text_in_the_line_that_is_passed_over_is_shown_alone() -> None:
    """Where mark-up parts what is one line of the text, only the part that is shown is said."""
    found = cut(f"{words(160, 'huge')}<span>{words(8)}<p></p></span>", 1)
    assert (found.html, found.text) == (words(8), words(8))


def test_nothing_is_passed_over_between_two_texts() -> None:
    """Behind a beginning, a table that does not fit ends the excerpt: the text behind it would not follow."""
    assert cut(f"{p(5, 'a')}{TABLE}{p(5, 'b')}").html == p(5, "a")


def test_a_picture_stays_where_a_table_is_passed_over() -> None:
    """HTML and text say the same also of an excerpt in two parts."""
    picture = '<figure><img src="https://blog.example/a.png"><figcaption>A view</figcaption></figure>'
    found = cut(f"{picture}{TABLE}{p(20, 'a')}{p(900, 'b')}")
    assert found == Excerpt(picture + p(20, "a"), f"A view\n\n{words(20, 'a')}", whole=False)


@pytest.mark.parametrize("length", [50, 300, 1000])
def test_the_edition_says_how_long(length: int) -> None:
    """Paragraphs are taken until the wanted length is reached, in any script."""
    for one in (words(10), "日本語。" * 15):
        found = cut(f"<p>{one}</p>" * 100, length)
        taken = found.html.count("<p>")
        assert (taken - 1) * len(one) < length <= taken * len(one)


def test_a_heading_does_not_stand_for_the_text() -> None:
    """A post that begins with a heading shows what is under it."""
    html = "<h1>Title</h1>" + p(200, "a")
    assert excerpt_html(html + p(5)) == (html, False)


@pytest.mark.parametrize("first", ["<p>&nbsp;</p>", "<p>* * *</p>", "&amp;", "<p> </p>", "<hr>"])
def test_an_ornament_is_no_text(first: str) -> None:
    """A post that begins with an empty paragraph or a row of stars still shows what follows."""
    shown, whole = excerpt_html(first + p(200, "a") + p(5))
    assert shown.endswith(p(200, "a"))
    assert not whole


@pytest.mark.parametrize("between", ["<hr>", "<p></p>", "<p> </p>", "<div><br></div>"])
def test_what_parts_two_texts_goes_on_doing_so(between: str) -> None:
    """A rule or an empty paragraph is not dropped from between two loose texts: their words would run together."""
    shown, _ = excerpt_html(f"{words(5, 'a')}{between}{words(5, 'b')}<p>{words(400, 'c')}</p>")
    assert visible_text(shown) == f"{words(5, 'a')}\n\n{words(5, 'b')}"


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
        shown, complete = excerpt_html(whole)
        assert not complete
        assert visible_text(shown) == words(90, "a")


def test_a_double_break_inside_an_element_is_no_place_to_cut() -> None:
    """Cutting there would leave the element open."""
    html = f"<b>{words(60, 'a')}<br><br>{words(60, 'b')}</b><br><br>{words(90, 'c')}"
    shown, _ = excerpt_html(html)
    assert is_balanced(shown)
    assert visible_text(shown).endswith("b-059.")


def test_a_picture_in_a_sentence_does_not_end_it() -> None:
    """A smiley made of an image is part of its sentence."""
    smiley = '<img src="https://blog.example/smile.png" alt=":-)">'
    html = f"{words(90, 'a')} {smiley} and on it goes.<p>{words(90, 'b')}</p>"
    assert visible_text(excerpt_html(html)[0]).endswith("and on it goes.")


def test_deep_nesting_is_looked_through() -> None:
    """Site builders put a post into thirty elements, and it is cut like any other."""
    html = "<div>" * 30 + p(90, "a") + p(900, "b") + "</div>" * 30
    found = cut(html)
    assert is_balanced(found.html)
    assert found.text == words(90, "a")


@pytest.mark.parametrize("tag", ["div", "blockquote", "b"])
def test_nesting_without_end_is_harmless(tag: str) -> None:
    """It is neither an error nor taken apart for ever; what fits is shown, what does not is not cut."""
    html = f"<{tag}>" * 5_000 + "{}" + f"</{tag}>" * 5_000
    assert cut(html.format(p(90, "a"))).text == words(90, "a")
    assert is_balanced(cut(html.format(p(900, "a"))).html)


def test_the_text_says_what_the_html_says() -> None:
    """The text of an excerpt is its paragraphs, no more and no less."""
    html = f"{p(50, 'a')}<ul><li>One &amp; two</li><li>Three</li></ul>{p(80, 'b')}{p(80, 'c')}"
    found = cut(html)
    assert found.text == visible_text(found.html)
    assert "One & two" in found.text


def test_a_described_picture_does_not_shorten_the_text() -> None:
    """The description that stands for a picture in the text is not taken for text of the HTML."""
    picture = f'<figure><img src="https://blog.example/a.png" alt="{words(80, "alt")}"></figure>'
    html = picture + p(50, "a") + p(50, "b") + p(500, "c")
    found = cut(html)
    assert not found.whole
    assert "b-049." in found.html
    assert found.text == visible_text(found.html)


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
    words(300, "endless"),
    SENTENCES,
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
@given(pieces=st.lists(PIECES, max_size=25), length=st.sampled_from([1, 80, LENGTH, 2000]))
def test_an_excerpt_of_anything_clean_is_whole_blocks(pieces: list[str], length: int) -> None:
    """For any HTML that the sanitiser lets through, the excerpt is well-formed, says what the post says, in its order,
    no more than it may, and its text says what its HTML says."""
    html = clean("".join(pieces), "https://blog.example/")
    found = cut(html, length)
    shown = visible_text(found.html)
    assert is_balanced(found.html)
    assert not found.whole or (found.html, found.text) == (html, visible_text(html))
    assert len(" ".join(shown.split())) <= 3 * length + FIRST_SENTENCE + 50 * html.count("<") or found.whole
    if not found.whole:
        assert letters(found.text) == letters(shown)
    rest = iter(letters(visible_text(html)))
    assert all(letter in rest for letter in letters(shown))


@settings(max_examples=150)
@given(pieces=st.lists(PIECES, max_size=25))
def test_blocks_lose_no_words(pieces: list[str]) -> None:
    """The blocks of a post hold all its words in order, each block well-formed by itself."""
    html = clean("".join(pieces), "https://blog.example/")
    blocks = top_blocks(html, MOST)
    assert letters(visible_text("".join(block.html for block in blocks))) == letters(visible_text(html))
    assert all(is_balanced(block.html) for block in blocks)


# ------------------------------------------------------------------------------------------------------- huge posts

MB = 1_000_000


def test_of_a_huge_post_only_the_beginning_is_looked_at() -> None:
    """Megabytes behind its first paragraphs, with a wrapper round all of it, don't change what is shown."""
    first, rest = p(90, "a") + p(90, "b"), p(200, "c")
    assert cut(f"<div>{first}{rest * 200}</div>") == cut(f"<div>{first}{rest}</div>")


def test_a_wall_of_text_without_end_is_cut_after_a_sentence() -> None:
    """A paragraph longer than all that is looked at is begun like any other."""
    assert cut(f"<p>{SENTENCES * 20}</p>") == cut(f"<p>{SENTENCES}</p>")


@pytest.mark.parametrize("before", range(149_930, 150_010, 3))
def test_where_looking_ends_no_half_sentence_is_shown(before: int) -> None:
    """Wherever in a tag, a word or an entity the last character looked at may be."""
    start = "<p>First.</p><p>"
    markup = "<b></b>" * ((before - len(start)) // 7)
    html = f"{start}{markup}{'x' * (before % 7)} and <i>so</i> on &amp; on it goes.</p>"
    found = excerpt(html, visible_text(html), LENGTH)
    assert found == Excerpt("<p>First.</p>", "First.", whole=False) or found.html == html


def test_deep_indents_hide_no_text() -> None:
    """Behind a table of lists in lists, whose text is many times as long as its HTML, the words follow."""
    lists = "<ul><li>" * 150 + "<ul>" + "<li>x</li>" * 8_000 + "</ul>" + "</li></ul>" * 150
    found = cut(f"<table><tbody><tr><td>{lists}</td></tr></tbody></table>{p(90, 'a')}{p(300, 'b') * 40}")
    assert found == Excerpt(p(90, "a"), words(90, "a"), whole=False)


@settings(max_examples=150)
@given(pieces=st.lists(PIECES, max_size=25), most=st.integers(1, 3000))
@example(pieces=["&amp;", *["<p>"] * 5], most=2)
def test_a_beginning_is_well_formed(pieces: list[str], most: int) -> None:
    """Cut anywhere, clean HTML closes what it opened and says the first words of the whole, no entity in half."""
    html = clean("".join(pieces), "https://blog.example/")
    found = beginning(html, most)
    assert is_balanced(found)
    assert letters(visible_text(html)).startswith(letters(visible_text(found)))
    assert len(html) > most or found == html


COSTLY = {
    "deep wrappers": "<div>" * 390 + "<p>x y z</p>" * 100_000 + "</div>" * 390,
    "side by side": "<div>" + ("<div>" * 12 + "x" * 10 + "</div>" * 12) * 20_000 + "</div>",
    "paragraphs": "<p>x</p>" * (15 * MB // 8),
    "one word": f"<p>{'a' * 15 * MB}</p>",
    "bits": "<p>" + "<b>a</b>" * 300_000 + "</p>",
    "entities": "<div>" * 12 + "&amp;" * 400_000 + "</div>" * 12,
}


@pytest.mark.parametrize("html", COSTLY.values(), ids=COSTLY)
def test_no_post_costs_much(html: str) -> None:
    """An excerpt of anything, of 15 MB and in whatever wrappers, is made in a moment of computing."""
    text = html.removeprefix("<p>").removesuffix("</p>").replace("</p><p>", "\n\n")
    before = process_time()
    excerpt(html, text, LENGTH)
    whole_part(html, text[:LENGTH])
    assert process_time() - before < 3
