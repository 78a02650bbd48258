"""Pairs of posts that have the same words and are two pieces all the same, beside those that are one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tidings.posts.clean import clean, visible_text
from tidings.posts.telling import Piece, piece, tell

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

STORY = """<p>For eleven months our orders table had been growing by four gigabytes a week, although the number of rows\
 in it hardly changed. Everybody on the team knew the graph. Nobody knew why it looked like that, and \
because disk is cheap nobody asked. Then a report that used to take two minutes took forty.</p><p>We looked \
at the table, then at the process that cleans it, and found that it had been at work the whole time without \
ever coming to an end. A process which is always busy looks exactly like one which is healthy. The cause was\
 a connection that somebody had opened in a notebook and forgotten.</p>"""
TITLE = "Why the table never shrank"

INTRO = """<p>Every Monday we look at what has happened in the harbour: the ships that came, the ships that left, and \
the ones that everybody has been waiting for since last autumn. We count by hand.</p>"""
FIRST_OWN = """<p>I think that the author is right about notebooks and wrong about everything else, since no one in \
our trade has ever closed one by hand, and since a default that lets a transaction live for ever is a bug \
whatever the manual says about it. I have said so at two meetups and was asked to leave one of them.</p>"""
SECOND_OWN = """<p>This reminds me of the winter in which our ticket system stopped every Thursday. It was a backup, \
of course, and the backup was of a table that we had dropped in spring. We laughed, we wrote a check for it, \
and nobody has looked at the check from that day on.</p>"""
CAPTION = """<p>The old lock at the mill, seen from the towpath on a foggy morning in the first week of the year. \
Available as a print on request.</p>"""
MENU = """<p>Welcome to the canteen of the old mill. We cook every day between noon and two, with vegetables from the \
garden behind the house, and we are happy to see you.</p><p>Today: {} with bread and pudding for \
dessert.</p><p>Please bring back your plates. Coffee is at the counter, water is free, and dogs are welcome \
on the terrace.</p>"""
WEATHER = """<p>Dry and mostly sunny, with some clouds in the afternoon. Light winds from the west. Highs around \
twenty degrees, lows around ten. No warnings. The outlook for the rest of the week is similar, with more \
clouds.</p>"""
LEGAL = "<p>" + "We use cookies to make this website work. You may refuse them, and some pages will not know you. " * 6
JEKYLL = """<p>You'll find this post in your _posts directory. Go ahead and edit it and re-build the site to see your \
changes. You can rebuild the site in many different ways, but the most common way is to run jekyll \
serve.</p>"""
SAYING = """“We shall not be forgiven for the bridges we did not build, nor thanked for those we did; and he who \
stands on the bank and counts the stones has crossed.”"""
SORRY = """<p>I have not posted for a while, life happened. I hope to write more often this year; some drafts are in \
the works and I am excited about them all. Stay tuned.</p>"""
DUES = """<p>Dear members, the dues for the coming quarter are payable by the end of the month. Please use the \
reference that you find on your card, and write to the treasurer.</p>"""
PROGRAM = "<pre>" + "\n".join(f"def step_{n}(rows, limit): return rows[limit + {n}:]" for n in range(20)) + "</pre>"


def post(site: str, title: str, html: str, hours: float = 0, url: str = "", language: str = "en") -> Piece:
    page = url or f"https://{site}/pages/{len(title)}-of-mine"
    safe = clean(html, page)
    return piece(site, page, title, visible_text(safe), safe, language, "", NOON + timedelta(hours=hours))


def tier(one: Piece, other: Piece) -> str:
    verdict = tell(one, other)
    assert verdict == tell(other, one)
    return verdict.tier if verdict else ""


def picture(name: str) -> str:
    return f'<img src="https://pictures.example/{name}" alt="">'


@pytest.mark.parametrize(
    ("title", "text", "second_title", "second", "hours"),
    [
        ("Print of the week", CAPTION + picture("a.jpg"), "Print of the week", CAPTION + picture("b.jpg"), 1),
        ("", CAPTION + picture("a.jpg"), "", CAPTION + picture("b.jpg"), 1),
        ("Tonight over the valley", CAPTION + picture("sky.jpg"), "Tonight over the valley", CAPTION, 24),
        ("Harbour this week", f"{INTRO}<p>Read more</p>", "Harbour this week", INTRO + STORY, 24 * 5),
        ("Ships: salt and a cat", INTRO, "Ships: the pilot boat", INTRO, 48),
        ("Ships: salt, a cat", f"{INTRO * 4}Continue reading", "Ships: the boat", f"{INTRO * 4}Continue reading", 168),
        ("Menu of the day", MENU.format("soup"), "Menu of the day", MENU.format("stew"), 24),
        ("Menu of the day", MENU.format("soup"), "Menu of the day", MENU.format("soup"), 72),
        ("Weather for the coast", WEATHER, "Weather for the hills", WEATHER, 0),
        ("Sorry for the silence", SORRY, "Sorry for the silence", SORRY, 72),
        ("Membership dues for the library", DUES, "Membership dues for the library", DUES, 24 * 90),
        ("The lock reopens after two years of repairs", CAPTION + STORY, "The mill lock in fog", CAPTION, 0),
    ],
)
def test_what_comes_again_is_another_piece(title: str, text: str, second_title: str, second: str, hours: float) -> None:
    """The picture, the day, the headline or the part that was cut off is what it is about."""
    assert tier(post("one.example", title, text), post("two.example", second_title, second, hours)) == ""


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("Privacy policy", LEGAL, ""),
        ("Our cookies and your privacy", LEGAL, ""),
        ("Welcome to Jekyll!", JEKYLL, ""),
        ("Quote of the day", f"<p>{SAYING}</p><p>Ilse Maren</p>", ""),
        ("", f"<blockquote><p>{SAYING}</p></blockquote><p>Ilse Maren</p>", ""),
        (TITLE, STORY, "copy"),
        (TITLE, f"<blockquote>{STORY}</blockquote>{FIRST_OWN}", "copy"),
    ],
)
def test_what_everybody_has_is_no_story(title: str, text: str, expected: str) -> None:
    """Legal notes, a first post, a saying are equal on any two sites. A text that quotes has words of its own too."""
    assert tier(post("one.example", title, text), post("two.example", title, text, 1)) == expected


@pytest.mark.parametrize(
    ("text", "second", "expected"),
    [
        (f"<blockquote>{STORY}</blockquote>{FIRST_OWN}", f"<blockquote>{STORY}</blockquote>{SECOND_OWN}", ""),
        (STORY, f"{FIRST_OWN}{SECOND_OWN}<blockquote>{STORY}</blockquote>", ""),
        (FIRST_OWN + PROGRAM, SECOND_OWN + PROGRAM, ""),
        (FIRST_OWN + PROGRAM, FIRST_OWN + PROGRAM, "copy"),
        (f"<pre>{STORY[3:470]}</pre>", STORY[:470], "copy"),
    ],
)
def test_quotations_and_listings_are_nobodys_own_words(text: str, second: str, expected: str) -> None:
    """Two essays on one passage, a tutorial and its translation. A mail in <pre> is no listing."""
    assert tier(post("one.example", TITLE, text), post("two.example", TITLE, second)) == expected


@pytest.mark.parametrize(
    ("title", "second", "hours", "expected"),
    [
        ("A forgotten notebook", f"<p>From our spring issue, with thanks to all.</p>{STORY}", 30, "copy"),
        (f"Four crashes: {TITLE}", f"{FIRST_OWN}{STORY}", 30, "copy"),
        (f"【Reprint】{TITLE}", f"{STORY}<p>The post {TITLE} appeared first on One.</p>", 24 * 9, "copy"),
        ("The table and the notebook", f"{STORY[:620]}…</p><p>Continue reading</p>", 30, "copy"),
        (TITLE, f"{FIRST_OWN}{SECOND_OWN}{FIRST_OWN}{STORY}", 30, ""),
    ],
)
def test_an_editors_words_leave_a_copy(title: str, second: str, hours: float, expected: str) -> None:
    """Another headline, a preface shorter than the text, a platform's last line, a cut."""
    assert tier(post("one.example", TITLE, STORY), post("two.example", title, second, hours)) == expected


def test_german_is_the_same_in_both_spellings() -> None:
    """Mailing lists of old write "ue" for "ü"."""
    text = """Unser Heizkessel hat auf der Rückseite eine Buchse, die für den Monteur gedacht ist. Er steckt dort \
einmal im Jahr ein graues Kästchen an, nickt und schreibt eine Rechnung über zwölf Euro, größer als nötig."""
    plain = text.replace("ü", "ue").replace("ä", "ae").replace("ö", "oe").replace("ß", "ss")
    title = "Wie der Heizkessel sprechen lernte"
    one = post("one.example", title, text, language="de")
    assert tier(one, post("two.example", title, plain, 1, language="de-AT")) == "copy"


# ------------------------------------------------------------------------------------------------- pages and links

LISTEN = "https://one.example/listen"
ARTICLE = "https://one.example/2026/03/table"


@pytest.mark.parametrize(
    ("title", "url", "second_title", "second_url"),
    [
        ("The ferryman", LISTEN, "The bell ringer", LISTEN),
        ("204: The ferryman", ARTICLE, "205: The bell ringer", ARTICLE),
        (TITLE, ARTICLE, f"Comment on {TITLE} by Bob", f"{ARTICLE}#comment-3"),
        (TITLE, ARTICLE, "By: Bob", f"{ARTICLE}#comment-3"),
    ],
)
def test_one_url_can_be_that_of_two_posts(title: str, url: str, second_title: str, second_url: str) -> None:
    """A podcast's page for all episodes, the page that a comment stands under."""
    one = post("one.example", title, "<p>A day with a man who cannot swim.</p>", url=url)
    assert tier(one, post("two.example", second_title, "<p>We had the same last year.</p>", url=second_url)) == ""


def test_posts_of_one_site_under_one_url_need_more_in_common() -> None:
    """The network's feed and the show's: each episode has the show's page for its link."""
    page = "https://radio.example/river-and-tower"
    one = post("radio.example", "The ferryman", "<p>He cannot swim.</p>", url=page)
    assert tier(one, post("extra.radio.example", "The bell ringer", "<p>She fears heights.</p>", url=page)) == ""
    assert tier(one, post("extra.radio.example", "The ferryman", "<p>A new episode.</p>", url=page)) == "page"


@pytest.mark.parametrize(
    "target",
    [
        "https://creativecommons.org/licenses/by/4.0/",
        "https://x.com/anna",
        "https://social.example/@anna",
        "https://pod.example/subscribe",
        "https://sponsor.example/offers/7-days",
    ],
)
def test_a_link_that_many_posts_have_makes_no_story(target: str) -> None:
    """A licence, a person, a form, a sponsor: two brief posts have it in common, and nothing else."""
    html = f'<p>Short words. <a href="{target}">here</a></p>'
    assert tier(post("one.example", "Fog", html), post("two.example", "A heron on the weir", html[10:])) == ""


@pytest.mark.parametrize("title", ["A quiet week", "Episode 12: we talk about tables"])
def test_a_diary_and_a_podcast_are_not_the_page_that_they_mention(title: str) -> None:
    """A brief post with one link is about that page, unless its headline says what it is."""
    brief = f'<p>Planted beans, read this. <a href="{ARTICLE}">text</a></p>'
    page = post("one.example", TITLE, STORY, url=ARTICLE)
    assert tier(page, post("two.example", title, brief)) == ""
    assert tier(page, post("two.example", "Beans and tables", brief)) == "link"


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (f'Originally published at <a href="{ARTICLE}">One</a>.', "link"),
        (f'The post <a href="{ARTICLE}">Why</a> appeared first on <a href="https://one.example/">One</a>.', "link"),
        (f'Zuerst erschienen <a href="{ARTICLE}">hier</a>.', "link"),
        (f'本文首发于<a href="{ARTICLE}">这里</a>', "link"),
        (f'See also <a href="{ARTICLE}">One</a>.', ""),
    ],
)
def test_a_link_post_meets_a_copy_that_names_its_original(note: str, expected: str) -> None:
    """The copy is the story of the page where it says that it is from."""
    copy = post("platform.example", TITLE, f"{STORY}<p>{note}</p>")
    brief = post("two.example", TITLE, "<p>Comments</p>", url=ARTICLE)
    assert copy.original == (ARTICLE if expected else "")
    assert tier(copy, brief) == expected
    assert tier(post("platform.example", "On notebooks", f"{STORY}<p>{note}</p>"), brief) == ""
