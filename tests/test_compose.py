"""Composing: what an issue shows of each story, and that it can be frozen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, edition, source, stored_post
from tests.test_excerpt import TAGS, TEXTS
from tidings.editions.compose import Masthead, compose, direction
from tidings.editions.select import ChosenStory
from tidings.model import (
    EditedPost,
    Edition,
    Enclosure,
    Etiquette,
    IssueContent,
    IssueItem,
    Picture,
    Source,
    StoredPost,
    UpdateItem,
)
from tidings.posts.clean import clean, visible_text

MASTHEAD = Masthead(site_title="The site", site_url="https://site.example")
PARAGRAPH = "Word " * 60 + "end."
LONG_HTML = f"<p>First. {PARAGRAPH}</p>" * 9
LONG_TEXT = "\n\n".join([f"First. {PARAGRAPH}"] * 9)


def composed(
    posts: Sequence[StoredPost], etiquette: Mapping[str, Etiquette] | None = None, **values: Any
) -> IssueContent:
    """The issue of `posts`, each a story of its own, with its items in the order of `posts`."""
    issue = compose([ChosenStory(post) for post in posts], edition(**values), MASTHEAD, 7, sources(etiquette), NOW)
    ids = [post.id for post in posts]
    return replace(issue, items=tuple(sorted(issue.items, key=lambda item: ids.index(item.post_id))))


def sources(etiquette: Mapping[str, Etiquette] | None) -> list[Source]:
    """Sources that each say how much may be shown of their posts."""
    return [source(name=name, content=content) for name, content in (etiquette or {}).items()]


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
    issue = compose([ChosenStory(stored_post(1), others)], edition(), MASTHEAD, 1, [], NOW)
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


def test_an_item_shows_the_date_it_is_sorted_by() -> None:
    """A post dated in the future shows when it was first seen."""
    ahead = stored_post(published=NOW.replace(year=2099))
    assert composed([ahead]).items[0].published == ahead.first_seen


@pytest.mark.parametrize(
    ("of_edition", "of_source", "shown"),
    [
        (None, None, "excerpt"),
        ("title", None, "title"),
        ("excerpt", None, "excerpt"),
        ("full", None, "full"),
        (None, "title", "title"),
        (None, "full", "full"),
        ("full", "title", "title"),
        ("title", "full", "title"),
        ("full", "excerpt", "excerpt"),
        ("excerpt", "full", "excerpt"),
        ("full", "full", "full"),
    ],
)
def test_the_less_of_edition_and_source_is_shown(
    of_edition: Etiquette | None, of_source: Etiquette | None, shown: Etiquette
) -> None:
    """An edition never shows more of a post than its source allows, nor than it wants itself."""
    posts = [long_post(number) for number in range(1, 6)]
    marks: dict[str, Etiquette] = {} if of_source is None else {"blog": of_source}
    item = composed(posts, marks, content=of_edition).items[0]
    assert (bool(item.html), item.whole) == {
        "title": (False, False),
        "excerpt": (True, False),
        "full": (True, True),
    }[shown]


def test_an_edition_that_wants_excerpts_is_no_letter() -> None:
    """What the operator set for the edition comes before the letter."""
    assert not composed([long_post()], content="excerpt").items[0].whole


def test_an_edition_says_how_long_excerpts_are() -> None:
    """An excerpt ends with the paragraph that reaches the wanted length."""
    posts = [long_post(number) for number in range(1, 6)]
    lengths = [len(composed(posts, excerpt_length=length).items[0].text) for length in (100, 700, 1200)]
    assert [round(length / len(PARAGRAPH)) for length in lengths] == [1, 3, 4]


@pytest.mark.parametrize(
    ("paragraphs", "etiquette", "of_edition", "shown", "whole"),
    [
        (20, None, None, 4, False),
        (9, None, None, 9, True),
        (9, "excerpt", None, 4, False),
        (9, None, "excerpt", 4, False),
        (20, "full", None, 20, True),
        (9, "title", None, 0, False),
    ],
)
def test_a_lead_story_shows_more(
    paragraphs: int, etiquette: Etiquette | None, of_edition: Etiquette | None, shown: int, whole: bool
) -> None:
    """It has an excerpt twice as long, and comes whole when it is short and nobody wants less; others do not change."""
    lead = stored_post(9, source="lead", content_html=f"<p>{PARAGRAPH}</p>" * paragraphs)
    lead = replace(lead, text="\n\n".join([PARAGRAPH] * paragraphs))
    marks: dict[str, Etiquette] = {} if etiquette is None else {"lead": etiquette}
    issue = composed([lead, *(long_post(n) for n in range(1, 6))], marks, lead=True, content=of_edition)
    assert issue.lead
    assert (issue.items[0].html.count("<p>"), issue.items[0].whole) == (shown, whole)
    assert {item.html.count("<p>") for item in issue.items[1:]} == {2}


def pictured(html: str, etiquette: Etiquette | None = None, text: str = "Text", **values: Any) -> IssueItem:
    """The item of a post in a digest of six."""
    marks: dict[str, Etiquette] = {} if etiquette is None else {"pictured": etiquette}
    post = stored_post(9, source="pictured", content_html=html, text=text, **values)
    return composed([post, *(stored_post(n) for n in range(1, 6))], marks).items[0]


IMAGE = '<img src="https://blog.example/a.jpg" alt="A cat" width="800" height="600">'


def test_an_excerpt_has_the_picture_that_it_leaves_out() -> None:
    """The first picture of the whole post stands above an excerpt without one."""
    html = LONG_HTML + f"<p>{IMAGE}</p>"
    assert pictured(html, text=LONG_TEXT).picture == Picture("https://blog.example/a.jpg", 800, 600, "A cat")


def test_no_picture_comes_twice() -> None:
    """A post whose shown text has a picture has none above it; a smiley is none."""
    assert pictured(f"<p>{IMAGE}</p>" + LONG_HTML, text=LONG_TEXT).picture is None
    smiley = '<p>Hi <img src="https://blog.example/smile.png" width="16" height="16"></p>'
    assert pictured(smiley + LONG_HTML + IMAGE, text=LONG_TEXT).picture == Picture(
        "https://blog.example/a.jpg", 800, 600, "A cat"
    )


def test_a_headline_alone_has_no_picture() -> None:
    """Of a source that shows headlines only there is no picture either."""
    assert pictured(LONG_HTML + IMAGE, "title").picture is None
    file = Enclosure("https://blog.example/a.jpg", "image/jpeg", 1)
    assert pictured("<p>Text</p>", "title", enclosures=(file,)).picture is None
    assert pictured("<p>Text</p>", enclosures=(file,)).picture == Picture("https://blog.example/a.jpg")


def test_minutes_are_those_of_the_whole_post() -> None:
    """How much is shown of a post does not change how long it takes to read."""
    posts = [stored_post(n, text="word " * 920, content_html=LONG_HTML) for n in range(1, 6)]
    assert {item.minutes for content in ("title", "full") for item in composed(posts, content=content).items} == {4}


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        (" Ada\n Lovelace ", "Ada Lovelace"),
        ("admin", ""),
        ("Unknown", ""),
        ("The Blog", ""),
        ("blog", ""),
        ("ada@example.org", ""),
        ("Ada Lovelace <ada@example.org>", "Ada Lovelace"),
        ("ada@example.org, Charles", "Charles"),
        ("Ada (guest)", "Ada (guest)"),
        ("@ada", "@ada"),
        ("Ada (@ada@social.example)", "Ada (@ada@social.example)"),
        ("", ""),
    ],
)
def test_an_author_is_somebody(author: str, shown: str) -> None:
    """A name that a program gives, the blog's own, and an address say nothing of who wrote a post."""
    assert composed([stored_post(author=author)]).items[0].author == shown


def test_a_blog_without_a_title_goes_by_its_name() -> None:
    """Stories, copies, updates and what is only named call a source by the title of its feed, else as configured."""
    post, other = stored_post(1, source_title=" "), stored_post(2, source="b", source_title="")
    issue = compose(
        [ChosenStory(post, (other,))],
        edition(),
        MASTHEAD,
        1,
        [],
        NOW,
        [EditedPost(other, "", "")],
        more=[ChosenStory(other)],
    )
    assert (issue.items[0].source, issue.items[0].also_in[0].source) == ("blog", "b")
    assert (issue.updates[0].source, issue.more[0].source) == ("b", "b")


def test_what_is_only_named_has_a_headline() -> None:
    """It says where it is and whose; one without a title begins with its text, unless its source shows titles only."""
    named = [
        stored_post(5, title="Named", text="Text"),
        stored_post(6, title=" ", text="שלום " * 100, language="he"),
        stored_post(7, title="", text="Secret", source="shy"),
    ]
    issue = compose(
        [ChosenStory(stored_post(1))],
        edition(),
        MASTHEAD,
        1,
        sources({"shy": "title"}),
        NOW,
        more=[ChosenStory(post) for post in named],
        waiting=3,
    )
    assert issue.waiting == 3
    assert [(one.story, one.post_id, one.url, one.title, one.source) for one in issue.more] == [
        (5, 5, "https://blog.example/5", "Named", "The blog"),
        (6, 6, "https://blog.example/6", " ", "The blog"),
        (7, 7, "https://shy.example/7", "", "The shy"),
    ]
    assert [(one.text, one.language, one.direction) for one in issue.more] == [
        ("", "en", "ltr"),
        (("שלום " * 100)[:200], "he", "rtl"),
        ("", "en", "ltr"),
    ]


def test_an_issue_knows_how_it_looks() -> None:
    """What templates need of the edition is frozen with the stories."""
    issue = composed([stored_post()], group_by="source", lead=True, look="headlines", subject="{{ headline }}")
    assert (issue.group_by, issue.lead, issue.look, issue.subject_template) == (
        "source",
        True,
        "headlines",
        "{{ headline }}",
    )
    assert composed([stored_post()]).subject_template == ""


TEXT = st.text(max_size=60)
HTML = st.lists(st.sampled_from([*TAGS, *TEXTS, IMAGE]), max_size=12).map(
    lambda pieces: clean("".join(pieces), "https://blog.example/")
)
POSTS = st.builds(
    stored_post,
    st.integers(1, 99),
    source=st.sampled_from("abc"),
    title=TEXT,
    content_html=HTML | TEXT | st.just(LONG_HTML) | st.just("<p>a<p>b</div>"),
    text=TEXT,
    author=TEXT,
    language=TEXT,
    url=TEXT,
    published=st.sampled_from([None, NOW, NOW.replace(year=1970), NOW.replace(hour=1)]),
    enclosures=st.just((Enclosure("https://blog.example/a.mp3", "audio/mpeg", 1),)) | st.just(()),
)
EDITIONS = st.builds(
    edition,
    order=st.sampled_from(["time", "weight", "coverage"]),
    group_by=st.sampled_from(["", "tag", "source", "day"]),
    lead=st.booleans(),
    content=st.sampled_from([None, "full", "excerpt", "title"]),
    excerpt_length=st.integers(1, 1000),
)


@given(
    posts=st.lists(POSTS, max_size=9, unique_by=lambda post: post.id),
    etiquette=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["full", "excerpt", "title"])),
    one=EDITIONS,
    named=st.integers(0, 3),
    turn=st.randoms(use_true_random=False),
)
def test_any_issue_can_be_frozen(
    posts: list[StoredPost], etiquette: dict[str, Etiquette], one: Edition, named: int, turn: Random
) -> None:
    """Whatever posts hold, composing does not raise, shows or names each once, does not look at the order in which they
    come, and the result goes through JSON."""
    stories, more = [ChosenStory(post) for post in posts[named:]], [ChosenStory(post) for post in posts[:named]]
    issue = compose(stories, one, MASTHEAD, 7, sources(etiquette), NOW, more=more)
    assert sorted([*(item.post_id for item in issue.items), *(item.post_id for item in issue.more)]) == sorted(
        post.id for post in posts
    )
    turn.shuffle(stories)
    assert compose(stories, one, MASTHEAD, 7, sources(etiquette), NOW, more=more) == issue
    again = json.loads(json.dumps(asdict(issue), ensure_ascii=False, default=str))
    assert [item["title"] for item in again["items"]] == [item.title for item in issue.items]
    assert not any(item.html or item.text or item.picture for item in issue.items if titles_only(item, etiquette, one))


def titles_only(item: IssueItem, etiquette: Mapping[str, Etiquette], one: Edition) -> bool:
    return "title" in (one.content, etiquette.get(item.source.removeprefix("The ")))


def update(
    post: StoredPost, title: str = "Post 1", text: str | None = "Text 1", etiquette: Etiquette | None = None
) -> UpdateItem:
    """What an issue says of an edited post that once read `title` and `text`."""
    marks: dict[str, Etiquette] = {} if etiquette is None else {post.source: etiquette}
    edited = EditedPost(post, title, text)
    [item] = compose([ChosenStory(stored_post(2))], edition(), MASTHEAD, 7, sources(marks), NOW, [edited]).updates
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


def long_update(end: str, etiquette: Etiquette | None, **values: Any) -> UpdateItem:
    """What is said of a long post whose last of eleven paragraphs was edited to `end`."""
    before, after = (f"{PARAGRAPH}\n\n" * 10 + last for last in ("The end.", end))
    html = "".join(f"<p>{one}</p>" for one in after.split("\n\n"))
    marks: dict[str, Etiquette] = {} if etiquette is None else {"blog": etiquette}
    edited = EditedPost(stored_post(text=after, content_html=html), "Post 1", before)
    stories = [ChosenStory(stored_post(number)) for number in range(2, 8)]
    return compose(stories, edition(**values), MASTHEAD, 7, sources(marks), NOW, [edited]).updates[0]


def test_an_update_quotes_only_what_an_excerpt_shows() -> None:
    """Of a source or an edition that shows the beginning, words further on are counted and not quoted. Where nobody
    said so, they are quoted."""
    news = "Update: it broke, and all the rest of it is news."
    for one in (long_update(news, "excerpt"), long_update(news, None, content="excerpt")):
        assert (one.quote, one.words_added) == ("", 9)
    assert long_update(news, None).quote == long_update(news, "full").quote == news


def test_an_update_quotes_the_excerpt_of_now() -> None:
    """What is new at the beginning is quoted of an excerpt, too, and no further than it goes."""
    after = f"Update: it broke. {PARAGRAPH}"
    html = f"<p>{after}</p>" + f"<p>{PARAGRAPH}</p>" * 9
    post = stored_post(text="\n\n".join([after, *[PARAGRAPH] * 9]), content_html=html)
    quote = update(post, text="\n\n".join([PARAGRAPH] * 10), etiquette="excerpt").quote
    assert quote.startswith("Update: it broke.")


BLOGGER = "The Dodgers, in a word, were impressive, and all of it was a joy to watch from the cheap seats. " * 2


@pytest.mark.parametrize("etiquette", ["full", "excerpt", None])
def test_a_summary_that_was_cut_off_leads_on(etiquette: Etiquette | None) -> None:
    """A text that its feed cut off ends with its last whole sentence, and the rest is elsewhere."""
    text = f"{BLOGGER}Their choices were questionable at best. For"
    marks: dict[str, Etiquette] = {} if etiquette is None else {"blog": etiquette}
    item = composed([stored_post(text=text, content_html=f"<p>{text}</p>")], marks).items[0]
    assert item.text == f"{BLOGGER}Their choices were questionable at best."
    assert (item.html, item.whole) == (f"<p>{item.text}</p>", False)


@pytest.mark.parametrize(
    ("title", "html"),
    [
        ("", f"<p>{BLOGGER}And then…</p>"),
        ("A post", f"<p>{BLOGGER}</p>"),
        ("A post", "<p>A short line. Without an end</p>"),
        ("A post", f"<p>{BLOGGER}</p><p>Yours, Ada</p>"),
        ("A post", f"<p>{BLOGGER}See <a href='https://x.example'>more of it here</a></p>"),
        ("A post", f"<p>{BLOGGER * 12}And so on…</p>"),
    ],
)
def test_a_text_that_only_ends_without_a_mark_is_whole(title: str, html: str) -> None:
    """Of a note without a title, a line, a signature and a long post nothing is taken away."""
    item = composed([stored_post(title=title, text=visible_text(html), content_html=html)]).items[0]
    assert (item.html, item.whole) == (html, True)


@pytest.mark.parametrize("title", ["", "A post"])
def test_an_endless_text_is_begun(title: str) -> None:
    """A digest shows the first words of a post in which no sentence ends, with or without a title."""
    text = "word " * 20_000
    posts = [stored_post(1, title=title, text=text, content_html=f"<p>{text}</p>"), *map(stored_post, range(2, 7))]
    item = composed(posts).items[0]
    assert item.html.startswith("<p>word word")
    assert item.html.endswith("word…</p>")
    assert (item.whole, item.minutes) == (False, 87)


@pytest.mark.parametrize(("before", "after"), [(None, "Text 1 and more"), ("Text 1", "")])
def test_an_update_without_both_texts_says_nothing_of_them(before: str | None, after: str) -> None:
    """Where a text is gone, as after pruning, nothing is counted and nothing quoted."""
    item = update(stored_post(text=after), text=before)
    assert (item.words_added, item.quote) == (0, "")


def test_updates_change_nothing_else_of_an_issue() -> None:
    """Stories and number are what they are without."""
    stories = [ChosenStory(stored_post(2))]
    with_updates = compose(stories, edition(), MASTHEAD, 7, [], NOW, [EditedPost(stored_post(), "", "")])
    assert with_updates != compose(stories, edition(), MASTHEAD, 7, [], NOW)
    assert replace(with_updates, updates=()) == compose(stories, edition(), MASTHEAD, 7, [], NOW)
