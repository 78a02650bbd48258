"""The byte budget: no mail is larger, what goes first is missed least, and both parts say the same after it."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from tests.render_samples import (
    CHINESE,
    CYRILLIC,
    EMOJI,
    FIXTURES,
    FOOTER,
    ISSUE,
    LONG_WORD,
    UPDATES,
    issue,
    item,
    picture,
)
from tidings.errors import RenderError
from tidings.model import AlsoIn, Enclosure, IssueContent, IssueItem
from tidings.render.blocks import leading_text, letters, split, without_pictures
from tidings.render.budget import fit
from tidings.render.mail import BUDGET, RenderedMail, render_issue

IMAGE = '<img src="https://pictures.example/{0}.png" alt="A {0}" width="600" height="400">'
WORDS = ("The quick brown fox jumps over the lazy dog.", CYRILLIC, CHINESE, EMOJI, LONG_WORD * 20)


def long_post(number: int, text: str, blocks: int, images: int, **changes: object) -> IssueItem:
    """A post in full, of so many paragraphs and pictures."""
    html = "".join(f"<p>{text}</p>" for _ in range(blocks))
    html += "".join(f"<figure>{IMAGE.format(f'{number}-{one}')}</figure>" for one in range(images))
    return item(
        number, title=f"{text[:60]} {number}", html=html, text="\n\n".join([text] * blocks), whole=True, **changes
    )


def check(mail: RenderedMail) -> None:
    """What holds for any mail: its size, the way out at both ends, and that both parts say the same."""
    html = mail.html.encode()
    assert len(html) <= 90_000
    assert html.index(b"mailto:") < 20_000
    assert html.rindex(b"mailto:digest@planet.example") > len(html) - 3_000
    document = lxml_html.document_fromstring(mail.html)
    headings = document.xpath("//*[contains(concat(' ', @class, ' '), ' h ')]")
    lines = [" ".join(line.split()) for line in mail.text.splitlines()]
    for number, heading in enumerate(headings, 1):
        assert f"{number}. {' '.join(heading.text_content().split())}" in lines
    in_text = set(re.findall(r"^(?:https?|mailto):\S+$", mail.text, re.MULTILINE))
    assert {a.get("href") for a in document.iter("a") if a.get("href")} == in_text


@pytest.mark.parametrize("look", ["letter", "headlines"])
@pytest.mark.parametrize("text", WORDS, ids=["ascii", "cyrillic", "chinese", "emoji", "words"])
def test_two_hundred_long_posts_fit(text: str, look: str) -> None:
    """The worst that an edition can carry: all in full, with forty pictures each, in any script."""
    content = issue(*(long_post(number, text, 12, 40) for number in range(200)), look=look, updates=UPDATES)
    mail = render_issue(content, FOOTER)
    check(mail)
    assert len(mail.html.encode()) > 72_000
    shown = mail.html.count(' class="h"')
    assert f">and {200 - shown} more posts</a>" in mail.html
    assert f"\nand {200 - shown} more posts:\nhttps://planet.example/" in mail.text


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 300), st.integers(0, 40), st.booleans()), max_size=20),
    st.sampled_from(["letter", "headlines"]),
    st.booleans(),
)
def test_any_issue_fits(posts: list[tuple[str, int, int, bool]], look: str, lead: bool) -> None:
    """Whatever an issue is made of, its mail keeps to the budget."""
    items = [
        long_post(number, text, blocks, images, picture=picture(number) if above else None)
        for number, (text, blocks, images, above) in enumerate(posts)
    ]
    check(render_issue(issue(*items, look=look, lead=lead), FOOTER))


@pytest.mark.parametrize("look", ["letter", "headlines"])
@pytest.mark.parametrize("name", FIXTURES)
def test_every_fixture_fits(name: str, look: str) -> None:
    """The same for each kind of issue."""
    check(render_issue(replace(FIXTURES[name], look=look), FOOTER))


@pytest.mark.parametrize("look", ["letter", "headlines"])
def test_one_hostile_post_pushes_no_other_out(look: str) -> None:
    """However long its names are, and however many files and copies it has."""
    long = "name " * 20_000
    hostile = item(
        0,
        title=long,
        source=long,
        author=long,
        html=f"<p>{long}</p>",
        text=long,
        also_in=tuple(AlsoIn(f"{one} {long}", f"https://copies.example/{one}") for one in range(500)),
        enclosures=tuple(Enclosure(f"https://files.example/{one}.mp3", "audio/mpeg") for one in range(500)),
    )
    mail = render_issue(issue(hostile, *map(item, range(1, 12)), look=look), FOOTER)
    check(mail)
    assert "more posts" not in mail.text
    assert f"12. {item(11).title}\n" in mail.text


def test_what_fits_is_not_touched() -> None:
    """An ordinary issue is rendered once, as it is."""
    seen: list[IssueContent] = []

    def render(content: IssueContent) -> str:
        seen.append(content)
        return "x" * BUDGET

    assert fit(ISSUE, render, BUDGET) == (ISSUE, "x" * BUDGET)
    assert seen == [ISSUE]


def sized(content: IssueContent) -> str:
    """A rendering in which each thing has a size that is easy to reckon with."""
    parts = [f"[{one.title}{one.html}{one.picture.url * 5 if one.picture else ''}]" for one in content.items]
    return "".join(parts) + "u" * 50 * len(content.updates)


def cut(content: IssueContent, limit: int) -> IssueContent:
    return fit(content, sized, limit)[0]


def test_pictures_go_first_and_from_the_end() -> None:
    """No word goes before all pictures have, but for one picture of each of the first three stories."""
    posts = [long_post(n, "word " * 40, 3, 1, picture=picture(n)) for n in range(5)]
    content = issue(*posts, lead=True)
    whole = len(sized(content))
    rows = [cut(content, limit) for limit in range(whole, 0, -60)]
    kept = [[(one.picture is not None) + one.html.count("<img") for one in row.items] for row in rows]
    assert kept[0] == [2, 2, 2, 2, 2]
    assert [1, 1, 1, 0, 0] in kept
    assert all(row == sorted(row, reverse=True) for row in kept)
    words = ["".join(one.text for one in row.items) for row in rows]
    assert {text for text, row in zip(words, kept, strict=True) if sum(row) > 3} == {words[0]}
    assert not [row for row in rows if row.items and "<figure></figure>" in row.items[0].html]


def test_the_first_stories_keep_a_picture_until_others_have_a_paragraph() -> None:
    """A mail that is full of text still shows what it is about; before the last paragraphs go, the pictures do."""
    posts = [long_post(n, "word " * 30, 6, 0, picture=picture(n)) for n in range(8)]
    content = issue(*posts)
    rows = [cut(content, limit) for limit in range(len(sized(content)), 1_700, -60)]
    paragraphs = {(sum(one.picture is not None for one in row.items), row.items[-1].html.count("<p>")) for row in rows}
    assert {(3, 6), (3, 3), (3, 1), (0, 1)} <= paragraphs
    assert not {row for row in paragraphs if row[0] < 3 and row[1] > 1}


def test_long_posts_are_cut_before_excerpts_and_those_before_stories() -> None:
    """From the last story up: first to an excerpt, then to a paragraph, then to the headline, then to a number."""
    content = issue(*(long_post(n, "word " * 40, 10, 0) for n in range(3)))
    whole = len(sized(content))
    kept = [[one.html.count("<p>") for one in cut(content, limit).items] for limit in range(whole, 0, -150)]
    assert kept[0] == [10, 10, 10]
    assert [10, 10, 3] in kept
    assert [3, 3, 3] in kept
    assert [1, 1, 1] in kept
    assert cut(content, 10).items == ()
    assert all(sum(after) <= sum(before) for before, after in pairwise(kept))
    assert not [row for row in kept if row != sorted(row, reverse=True)]


CODE = "<pre>" + "\n".join(["for row in rows: poll(row)"] * 6_000) + "</pre>"


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (CODE + "<p>After it.</p>", "<p>After it.</p>"),
        ("<h2>Code</h2>" + CODE + "<p>After it.</p><p>And more.</p>", "<p>After it.</p><p>And more.</p>"),
        ("<p>Before it.</p>" + CODE + "<p>After it.</p>", "<p>Before it.</p>"),
        (CODE, "<p>…</p>"),
        ("<p>One of many.</p>" * 9_000, "<p>One of many.</p>"),
    ],
    ids=["first", "under a heading", "second", "alone", "many small"],
)
def test_a_story_that_is_too_large_takes_nothing_from_small_ones(html: str, shown: str) -> None:
    """It is cut by itself, whatever its place, to what can be shown of it, and its rest is a link."""
    text = html.replace("</p>", "\n\n").replace("</pre>", "\n\n").replace("</h2>", "\n\n")
    text = re.sub("<[^>]+>", "", text).strip()
    small = [item(n, html="<p>Short.</p>" * 90, text="\n\n".join(["Short."] * 90), whole=True) for n in range(10)]
    big = item(10, html=html, text=text, whole=True)
    content = issue(*small[:3], big, *small[3:])
    mail = render_issue(content, FOOTER)
    check(mail)
    assert mail.html.count(">Short.</p>") == 900
    assert mail.html.count("Read the rest at") == 2  # the link and its label
    assert mail.text.count("Read the rest at") == 1
    trimmed = cut(content, BUDGET)
    assert trimmed.items[3].html.startswith(shown)
    assert not trimmed.items[3].whole
    assert trimmed.items[3].text.split("\n\n")[0] == re.sub("<[^>]+>", "", shown.split("</p>")[0]).strip("…")
    assert replace(trimmed, items=()) == replace(content, items=())
    assert [one for one in trimmed.items if one.story != big.story] == small


def test_the_largest_story_is_cut_first() -> None:
    """Of two that are too large, as far as the other, and then both alike."""
    posts = [long_post(n, "word " * 100, size, 0) for n, size in enumerate([2, 60, 2, 90, 2, 2, 2, 2, 2, 2, 2, 2])]
    content = issue(*posts)
    whole = len(sized(content))
    rows = [[one.html.count("<p>") for one in cut(content, limit).items] for limit in range(whole, 39_000, -2_500)]
    assert {row[1] for row in rows if row[3] > 61} == {60}
    assert all(abs(row[1] - row[3]) <= 1 for row in rows if row[1] < 60)
    assert rows[-1][1] < 40
    assert {sum(row) - row[1] - row[3] for row in rows} == {20}


def test_each_source_keeps_its_last_story_longest() -> None:
    """Stories leave by turns, as they were given places: the last of the source that has most of them left."""
    sources = [*["busy"] * 6, "quiet", "middle", "middle", "middle"]
    content = issue(*(item(n, source=name, html="", text="") for n, name in enumerate(sources)))
    rows = [[one.story - 100 for one in cut(content, limit).items] for limit in range(len(sized(content)), 0, -20)]
    left = {len(row): [sources[n] for n in row] for row in rows}
    assert left[7] == ["busy"] * 3 + ["quiet"] + ["middle"] * 3
    assert left[3] == ["busy", "quiet", "middle"]
    assert left[1] == ["busy"]
    for limit in (100, 200):
        trimmed = cut(content, limit)
        assert [one.story - 100 for one in trimmed.more] == sorted(
            {*range(10)} - {one.story - 100 for one in trimmed.items}
        )


def test_a_post_that_is_cut_says_so_in_both_parts() -> None:
    """Its rest is read at its blog, and its text ends where its HTML does."""
    content = issue(long_post(0, "word " * 40, 10, 0))
    one = cut(content, len(sized(content)) - 1000).items[0]
    assert not one.whole
    assert one.text.count("word") == one.html.count("word") < 400
    mail = render_issue(issue(long_post(0, "word " * 400, 100, 0)), FOOTER)
    assert "Read the rest at" in mail.html
    assert "Read the rest at" in mail.text
    paragraphs = lxml_html.document_fromstring(mail.html).xpath("//div[@class='b']/p")
    assert 10 < len(paragraphs) == mail.text.count("word " * 399) < 100


def test_stories_that_go_are_counted_before_those_that_were_only_named() -> None:
    """They come first in what the mail counts, as they came first in the issue; a group goes with its last story."""
    content = replace(FIXTURES["groups"], look="letter")
    trimmed = cut(content, 150)
    names = [one.title for one in trimmed.items] + [one.title for one in trimmed.more]
    assert names == [one.title for one in content.items] + [one.title for one in content.more]
    assert {one.group for one in trimmed.items} < {one.group for one in content.items}


def test_updates_go_last_of_all() -> None:
    """They are short, and there are five at most."""
    content = issue(item(0), updates=UPDATES)
    assert cut(content, 250) == replace(cut(content, 250), items=(), updates=UPDATES)
    assert len(cut(content, 100).updates) == 2


def test_what_cannot_fit_is_an_error() -> None:
    """A template that is too large by itself is the operator's to mend."""
    with pytest.raises(RenderError, match="larger than 10 bytes without any post"):
        fit(ISSUE, lambda _: "x" * 11, 10)


def test_few_renderings_find_the_cut() -> None:
    """Not one for each thing that could go."""
    renderings = 0

    def render(content: IssueContent) -> str:
        nonlocal renderings
        renderings += 1
        return sized(content)

    content = issue(*(long_post(n, "word " * 40, 30, 30, picture=picture(n)) for n in range(200)))
    size = len(fit(content, render, 300_000)[1])
    assert 270_000 < size <= 300_000
    assert renderings <= 6


@pytest.mark.parametrize(
    ("html", "pieces"),
    [
        ("<p>a</p><p>b</p>", ["<p>a</p>", "<p>b</p>"]),
        ("<div><p>a</p>\n<ul><li>b</li></ul></div>", ["<p>a</p>", "<ul><li>b</li></ul>"]),
        ("a <b>b</b><br><br>c<p>d</p>e", ["a <b>b</b><br><br>", "c", "<p>d</p>", "e"]),
        ("a<br>b", ["a<br>b"]),
        ("<div>a</div><div><p>b</p></div>", ["<div>a</div>", "<div><p>b</p></div>"]),
        ("<b><p>a</p></b>", ["<b><p>a</p></b>"]),
        ("", []),
    ],
)
def test_top_blocks(html: str, pieces: list[str]) -> None:
    """Never inside a list, a table or a sentence."""
    assert split(html) == pieces


@pytest.mark.parametrize(
    ("html", "kept", "expected"),
    [
        (f"<p>a{IMAGE}</p>{IMAGE}", 0, "<p>a</p>"),
        (f"<p>a{IMAGE}</p>{IMAGE}", 1, f"<p>a{IMAGE}</p>"),
        (f'<p><a href="https://x.example/">{IMAGE}</a></p><p>b</p>', 0, "<p>b</p>"),
        ("<p>b</p>", 0, "<p>b</p>"),
    ],
)
def test_pictures_taken_out(html: str, kept: int, expected: str) -> None:
    """With the links and boxes that held nothing else."""
    assert without_pictures(html, kept) == expected


def test_text_ends_where_html_does() -> None:
    """Counted by letters, and by what stands for pictures in the text."""
    text = "One two.\n\n[A x]\n\nThree.\n\nFour."
    assert (
        leading_text(text, letters(f"<p>One two.</p>{IMAGE.format('x')}<p>Three.</p>")) == "One two.\n\n[A x]\n\nThree."
    )
    assert leading_text(text, 0) == ""
