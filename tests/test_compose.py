"""Composing: what an issue shows of each story, and that it can be frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, edition, stored_post
from tidings.editions.compose import Masthead, compose, direction
from tidings.editions.select import ChosenStory
from tidings.model import EditedPost, Enclosure, Etiquette, IssueContent, StoredPost, UpdateItem

MASTHEAD = Masthead(site_title="The site", site_url="https://site.example")
PARAGRAPH = "Word " * 60 + "end."
LONG_HTML = f"<p>First. {PARAGRAPH}</p>" * 9
LONG_TEXT = "\n\n".join([f"First. {PARAGRAPH}"] * 9)


def composed(
    posts: Sequence[StoredPost], etiquette: Mapping[str, Etiquette] | None = None, **values: Any
) -> IssueContent:
    stories = [ChosenStory(post) for post in posts]
    return compose(stories, edition(**values), MASTHEAD, 7, etiquette or {}, NOW)


def long_post(id: int = 1, **values: Any) -> StoredPost:
    return stored_post(id, **{"content_html": LONG_HTML, "text": LONG_TEXT} | values)


def test_an_issue_says_where_it_comes_from() -> None:
    """Number, edition, site and moment are those given; the path is where the issue will be on the web."""
    issue = composed([stored_post()], name="weekly", title="The week", timezone="Asia/Kathmandu")
    assert (issue.edition, issue.edition_title, issue.number, issue.timezone) == (
        "weekly",
        "The week",
        7,
        "Asia/Kathmandu",
    )
    assert (issue.site_title, issue.site_url, issue.language, issue.frozen_at) == (
        "The site",
        "https://site.example",
        "en",
        NOW,
    )
    assert issue.path == "issues/weekly-7.html"


@pytest.mark.parametrize(("count", "whole"), [(1, True), (2, True), (3, True), (4, False), (12, False)])
def test_a_letter_has_up_to_three_stories(count: int, whole: bool) -> None:
    """Up to three stories come whole; with more, each is cut to its beginning."""
    issue = composed([long_post(number) for number in range(1, count + 1)])
    assert [item.whole for item in issue.items] == [whole] * count
    assert all((item.html == LONG_HTML) is whole for item in issue.items)
    assert all((item.text == LONG_TEXT) is whole for item in issue.items)


def test_a_letter_that_would_be_clipped_is_a_digest() -> None:
    """Three stories too long for one mail are cut, as Gmail would clip them anyway."""
    issue = composed([stored_post(n, content_html=LONG_HTML * 8, text=LONG_TEXT) for n in (1, 2, 3)])
    assert not any(item.whole for item in issue.items)


def test_what_fits_in_a_digest_is_whole() -> None:
    """A short post among many says that there is no more of it."""
    issue = composed([long_post(1), *(stored_post(n) for n in range(2, 6))])
    assert [item.whole for item in issue.items] == [False, True, True, True, True]
    assert issue.items[1].text == "Text 2"


@pytest.mark.parametrize("count", [1, 5])
def test_etiquette_comes_before_the_letter(count: int) -> None:
    """What the operator set for a source holds in a letter and in a digest, for that source alone."""
    posts = [
        long_post(1, source="full"),
        long_post(2, source="excerpt"),
        long_post(3, source="title"),
        *(stored_post(n, source="usual") for n in range(4, 3 + count)),
    ]
    issue = composed(posts, {"full": "full", "excerpt": "excerpt", "title": "title"})
    full, excerpt, title = issue.items[:3]
    assert (full.html, full.text, full.whole) == (LONG_HTML, LONG_TEXT, True)
    assert 0 < len(excerpt.html) < len(LONG_HTML)
    assert not excerpt.whole
    assert (title.html, title.text, title.whole) == ("", "", False)


@pytest.mark.parametrize(
    ("html", "text", "whole"),
    [("", "", True), ("<p>a</p>", "a", False), ('<p><img src="https://blog.example/a.png"></p>', "", False)],
)
def test_a_title_is_all_there_is_only_of_an_empty_post(html: str, text: str, whole: bool) -> None:
    """A headline alone stands for the post only when the post has neither text nor pictures."""
    issue = composed([stored_post(source="blog", content_html=html, text=text)], {"blog": "title"})
    assert issue.items[0].whole is whole


def test_an_excerpt_ends_with_a_whole_paragraph() -> None:
    """HTML and text of an excerpt say the same, in whole paragraphs."""
    item = composed([long_post(n) for n in range(1, 6)]).items[0]
    assert item.html == LONG_HTML[: len(item.html)]
    assert item.html.endswith("end.</p>")
    assert item.text == LONG_TEXT[: len(item.text)]
    assert item.text.count("First.") == item.html.count("First.")
    assert item.text.endswith("end.")


def test_a_whole_picture_post_keeps_its_text() -> None:
    """Where the HTML shows only a picture, the text is what the post says instead."""
    html = '<p><img src="https://blog.example/a.png" alt="A cat"></p>'
    posts = [stored_post(1, content_html=html, text="[A cat]"), *(stored_post(n) for n in range(2, 6))]
    assert composed(posts).items[0].text == "[A cat]"


def test_copies_are_named() -> None:
    """The other sources of a story are listed with their links, in the order they came."""
    others = (stored_post(2, source="b"), stored_post(3, source="c"))
    issue = compose([ChosenStory(stored_post(1), others)], edition(), MASTHEAD, 1, {}, NOW)
    assert [(one.source, one.url) for one in issue.items[0].also_in] == [
        ("The b", "https://b.example/2"),
        ("The c", "https://c.example/3"),
    ]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("", "Hello world", "ltr"),
        ("ar", "مرحبا بالعالم", "rtl"),
        ("", "שלום עולם", "rtl"),
        ("en", "שלום עולם", "rtl"),
        ("he", "Hello world", "ltr"),
        ("", "Python 3.14: מה חדש בגרסה החדשה של השפה", "rtl"),
        ("", "What does שלום mean?", "ltr"),
        ("fa-IR", "123 !?", "rtl"),
        ("he", "", "rtl"),
        ("de", "", "ltr"),
        ("", "🎉 2026", "ltr"),
        ("", "\u200f", "rtl"),
        ("", "日本語", "ltr"),
        ("", "a" * 500 + "ש" * 5000, "ltr"),
    ],
)
def test_direction(language: str, text: str, expected: str) -> None:
    """Letters decide, not the language a feed claims; without letters the language does."""
    assert direction(language, text) == expected


def test_each_item_has_its_own_direction() -> None:
    """A Hebrew post in an English issue is set from right to left."""
    posts = [stored_post(1, title="שלום", text="טקסט ארוך יותר"), stored_post(2)]
    assert [item.direction for item in composed(posts).items] == ["rtl", "ltr"]


@pytest.mark.parametrize(
    ("titles", "subject"),
    [
        (["One"], "The daily: One"),
        (["One", "Two"], "The daily: One and 1 more"),
        (["One", "Two", "Three"], "The daily: One and 2 more"),
        (["", "Two"], "The daily: The blog and 1 more"),
        (["Two\r\n lines\t here"], "The daily: Two lines here"),
        (["word " * 40], "The daily: " + " ".join(["word"] * 12) + "…"),
        (["One, " + "w" * 70], "The daily: One…"),
        (["日" * 100], "The daily: " + "日" * 60 + "…"),
    ],
)
def test_the_subject_is_the_first_headline(titles: list[str], subject: str) -> None:
    """The subject names the edition, the headline on top, and how many follow; a long headline ends at a word."""
    posts = [stored_post(number, title=title) for number, title in enumerate(titles, 1)]
    assert composed(posts).subject == subject


def test_an_item_shows_the_date_it_is_sorted_by() -> None:
    """A post dated in the future shows when it was first seen."""
    ahead = stored_post(published=NOW.replace(year=2099))
    assert composed([ahead]).items[0].published == ahead.first_seen


TEXT = st.text(max_size=60)
POSTS = st.builds(
    stored_post,
    st.integers(1, 9),
    source=st.sampled_from("abc"),
    title=TEXT,
    content_html=TEXT | st.just(LONG_HTML) | st.just("<p>a<p>b</div>"),
    text=TEXT,
    author=TEXT,
    language=TEXT,
    url=TEXT,
    published=st.sampled_from([None, NOW]),
    enclosures=st.just((Enclosure("https://blog.example/a.mp3", "audio/mpeg", 1),)) | st.just(()),
)


@given(
    posts=st.lists(POSTS, max_size=6),
    etiquette=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["full", "excerpt", "title"])),
)
def test_any_issue_can_be_frozen(posts: list[StoredPost], etiquette: dict[str, Etiquette]) -> None:
    """Whatever posts hold, composing does not raise, keeps their order and number, and the result goes through JSON."""
    issue = composed(posts, etiquette)
    assert [item.post_id for item in issue.items] == [post.id for post in posts]
    again = json.loads(json.dumps(asdict(issue), ensure_ascii=False, default=str))
    assert [item["title"] for item in again["items"]] == [post.title for post in posts]
    assert "\n" not in issue.subject


def update(
    post: StoredPost, title: str = "Post 1", text: str | None = "Text 1", etiquette: Etiquette | None = None
) -> UpdateItem:
    """What an issue says of an edited post that once read `title` and `text`."""
    marks: dict[str, Etiquette] = {} if etiquette is None else {post.source: etiquette}
    edited = EditedPost(post, title, text)
    [item] = compose([ChosenStory(stored_post(2))], edition(), MASTHEAD, 7, marks, NOW, [edited]).updates
    return item


def test_an_update_says_what_changed() -> None:
    """It names the post as it is now, how many words it has more, and where the new ones begin."""
    item = update(stored_post(text="All is well.\n\nUpdate: it broke.", changed_at=NOW), text="All is well.")
    assert (item.post_id, item.url, item.title, item.text) == (1, "https://blog.example/1", "Post 1", "")
    assert (item.source, item.language, item.direction, item.changed_at) == ("The blog", "en", "ltr", NOW)
    assert (item.former_title, item.words_added, item.quote) == ("", 3, "Update: it broke.")


def test_an_update_names_the_old_headline() -> None:
    """A post with another headline than the issue had says so; with other signs in it only, it does not."""
    assert update(stored_post(title="Post 1, corrected")).former_title == "Post 1"
    assert update(stored_post(title="POST 1!", text="Text and more")).former_title == ""


def test_an_update_quotes_nothing_of_a_source_that_shows_headlines_only() -> None:
    """What the operator set for a source holds for its updates: no word of its text, not even for want of a title."""
    item = update(stored_post(title="", text="Text 1 and much more"), etiquette="title")
    assert (item.text, item.quote, item.words_added) == ("", "", 3)
    assert (
        update(stored_post(title="", text="Text 1 and much more"), etiquette="excerpt").text == "Text 1 and much more"
    )


@pytest.mark.parametrize(("before", "after"), [(None, "Text 1 and more"), ("Text 1", "")])
def test_an_update_without_both_texts_says_nothing_of_them(before: str | None, after: str) -> None:
    """Where a text is gone, as after pruning, nothing is counted and nothing quoted."""
    item = update(stored_post(text=after), text=before)
    assert (item.words_added, item.quote) == (0, "")


def test_updates_change_nothing_else_of_an_issue() -> None:
    """Stories, subject and number are what they are without."""
    stories = [ChosenStory(stored_post(2))]
    with_updates = compose(stories, edition(), MASTHEAD, 7, {}, NOW, [EditedPost(stored_post(), "", "")])
    assert with_updates != compose(stories, edition(), MASTHEAD, 7, {}, NOW)
    assert replace(with_updates, updates=()) == compose(stories, edition(), MASTHEAD, 7, {}, NOW)
