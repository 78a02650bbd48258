"""Edits: what counts as a change of a post, what as one worth telling, and which sources change for nothing."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW, parsed_post
from tests.feeds import item, rss
from tests.origin import Answer, Origin
from tests.stocking import post
from tests.test_healing import text
from tests.test_poll import run_poll, source, stored
from tidings.model import EditKind, Enclosure, FeedChange, Remembered
from tidings.posts.edits import classify, content_hash, is_volatile, text_hash, volatility, weighed
from tidings.store import Store, feeds

HOUR = timedelta(hours=1)

ESSAY = text(1, 120)
NOTE = "The kettle is on the stove and the cat is on the mat"
CJK = "昨日は友達と一緒に新しい図書館へ行きました。とても静かで本がたくさんありました。また来週も行きたいです。"


def swapped(words: str, count: int) -> str:
    """The text with so many of its words others, spread over it."""
    parts = words.split()
    step = len(parts) // count
    for n in range(count):
        parts[n * step] = f"another{n}"
    return " ".join(parts)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (ESSAY, ESSAY, "none"),
        (ESSAY, f"  {ESSAY}\n", "none"),
        (ESSAY, ESSAY.replace(" ", "\n\n", 20), "none"),
        ("", "", "none"),
        (ESSAY, ESSAY.replace(" ", "\u00a0", 3), "none"),
        # Spelling, signs, letter case: no other word.
        (ESSAY, ESSAY.upper(), "cosmetic"),
        (ESSAY, ESSAY.replace(" ", ", ", 5), "cosmetic"),
        (ESSAY, f"“{ESSAY}”", "cosmetic"),
        ("It is a cafe.", "It is a café.", "cosmetic"),
        ("Its raining - again", "Its raining – again!", "cosmetic"),
        ("Straße", "STRASSE", "cosmetic"),
        # Numbers, and how long ago something was.
        (f"{ESSAY} 12 views", f"{ESSAY} 1,205 views", "cosmetic"),
        ("12 views", "15 views", "cosmetic"),
        ("3 comments so far", "14 comments so far", "cosmetic"),
        ("Rated 4.5 by 12", "Rated 4.7 by 15", "cosmetic"),
        ("Posted 3 hours ago", "Posted 4 hours ago", "cosmetic"),
        ("Posted 59 minutes ago", "Posted an hour ago", "cosmetic"),
        ("Posted just now", "Posted 2 days ago", "cosmetic"),
        ("Posted a few seconds ago", "Posted 1 week ago", "cosmetic"),
        # A few words of many.
        (ESSAY, swapped(ESSAY, 1), "cosmetic"),
        (ESSAY, f"{ESSAY} The end", "cosmetic"),
        (ESSAY, f"Edited: {ESSAY}", "cosmetic"),
        (ESSAY, " ".join(ESSAY.split()[:-2]), "cosmetic"),
        (ESSAY, ESSAY + " " + text(60, 8), "cosmetic"),
        # Excerpts, and texts that are gone: nothing new is said.
        (ESSAY, "", "cosmetic"),
        (ESSAY, " ".join(ESSAY.split()[:60]), "cosmetic"),
        (ESSAY, ESSAY[:150] + "...", "cosmetic"),
        (ESSAY, " ".join(ESSAY.split()[:60]) + " […]", "cosmetic"),
        (ESSAY, " ".join(ESSAY.split()[:60]) + "… Read the rest of it", "cosmetic"),
        (ESSAY, " ".join(ESSAY.split()[:60]) + " It was retracted", "substantive"),
        (ESSAY, " ".join(ESSAY.split()[:60]) + f"… {text(9, 20)}", "substantive"),
        (ESSAY[:150] + "...", ESSAY, "cosmetic"),
        (" ".join(ESSAY.split()[:60]) + "… Read more", ESSAY, "cosmetic"),
        (" ".join(ESSAY.split()[:60]), ESSAY, "substantive"),
        (NOTE + "...", NOTE.replace("stove", "floor"), "substantive"),
        # Many words, or few of few.
        (ESSAY, swapped(ESSAY, 6), "substantive"),
        (ESSAY, swapped(ESSAY, 40), "substantive"),
        (ESSAY, text(2, 120), "substantive"),
        (ESSAY, f"{ESSAY} {text(3, 50)}", "substantive"),
        (ESSAY, f"{text(3, 60)} {ESSAY}", "substantive"),
        (text(1, 2000), f"{text(1, 2000)} {text(900, 60)}", "substantive"),
        (ESSAY, " ".join(ESSAY.split()[60:]), "substantive"),
        (ESSAY, " ".join(ESSAY.split()[:40] + ESSAY.split()[80:]), "substantive"),
        ("", ESSAY, "substantive"),
        (NOTE, NOTE.replace("stove", "floor"), "substantive"),
        (NOTE, NOTE + " and that is all there is to say", "substantive"),
        ("Yes", "No", "substantive"),
        ("We meet on Monday", "We meet on Tuesday", "substantive"),
        # Scripts without spaces.
        (CJK, CJK.replace("。", "．"), "cosmetic"),
        (CJK, f"{CJK} ", "none"),
        (CJK, CJK.replace("図書館", "美術館"), "substantive"),
        (CJK, CJK + "図書館の隣には小さな喫茶店があって、そこのケーキがとても美味しかったです。", "substantive"),
        (CJK * 5, (CJK * 5)[:-1] + "！", "cosmetic"),
        ("สวัสดีครับ", "สวัสดีค่ะ", "substantive"),
    ],
)
def test_what_an_edit_of_the_text_amounts_to(before: str, now: str, expected: EditKind) -> None:
    """White space is nothing; signs, counters, ages and a few words of many are not worth telling; the rest is."""
    assert classify(Remembered(7, "A title", before), "A title", now) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("A title", " A  title\n", "none"),
        ("A title", "A Title", "cosmetic"),
        ("A title", "A title!", "cosmetic"),
        ("A title", "“A title”", "cosmetic"),
        ("Cafe", "Café", "cosmetic"),
        ("A title", "Another title", "substantive"),
        ("A title", "A title (updated)", "substantive"),
        # Counters.
        ("A title", "A title (3 comments)", "cosmetic"),
        ("A title (3 comments)", "A title (4 comments)", "cosmetic"),
        ("A title (3)", "[12] A title", "cosmetic"),
        ("Version 1.2", "Version 1.3", "cosmetic"),
        ("A title", "A title (part 2)", "substantive"),
        ("A title", "A title (sponsored)", "substantive"),
        ("A title", "", "substantive"),
        ("", "A title", "substantive"),
        ("新しい本", "新しい図書館", "substantive"),
    ],
)
def test_what_an_edit_of_the_title_amounts_to(before: str, now: str, expected: EditKind) -> None:
    """Another word in the title is worth telling; case, signs, numbers and a count behind it are not."""
    assert classify(Remembered(7, before, ESSAY), now, ESSAY) == expected


@pytest.mark.parametrize("length", [3_900, 4_100, 20_000])
@pytest.mark.parametrize(("added", "expected"), [(49, "cosmetic"), (50, "substantive")])
def test_a_postscript_is_worth_telling_however_long_the_text(length: int, added: int, expected: EditKind) -> None:
    """Fifty words more are, also behind the words that are compared; signs are none."""
    before = " ".join(f"w{n}" for n in range(length))
    now = f"{before} {'* ' * 60}{' '.join(f'retracted{n}' for n in range(added))}"
    assert classify(Remembered(7, "A title", before), "A title", now) == expected


def with_links(body: str, *names: str, head: str = "Related") -> tuple[str, str]:
    """A text with a list of links behind it: as it reads, and its mark-up."""
    items = "".join(f"<li><a href='https://a.example/{name}'>{name}</a></li>" for name in names)
    listed = "".join(f"\n- {name}" for name in names)
    return f"{body}\n\n{head}\n{listed}", f"<p>{body}</p><h3>{head}</h3><ul>{items}</ul></div>"


RELATED = with_links(ESSAY, *(text(n, 6) for n in range(20, 26)))
OTHERS = with_links(ESSAY, *(text(n, 6) for n in range(30, 36)))
PLAIN = (ESSAY, f"<p>{ESSAY}</p>")
NOTES = (f"{ESSAY}\n\nChanges\n\n- {text(40, 9)}\n- {text(41, 9)}", f"<p>{ESSAY}</p><ul><li>{text(40, 9)}</li></ul>")


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (RELATED, OTHERS, "cosmetic"),
        (PLAIN, RELATED, "cosmetic"),
        (RELATED, with_links(swapped(ESSAY, 40), "one", "two"), "substantive"),
        (PLAIN, NOTES, "substantive"),
        (with_links("", "one", "two"), with_links("", *"abcdefghijklmn"), "substantive"),
        (PLAIN, (f"{ESSAY} {RELATED[0]}", "<p>…</p>"), "substantive"),
    ],
)
def test_related_posts_behind_a_text_are_none_of_it(
    before: tuple[str, str], now: tuple[str, str], expected: EditKind
) -> None:
    """A list of nothing but links at the end may change as it likes; a list of words is the author's."""
    assert classify(Remembered(7, "A title", before[0]), "A title", *now) == expected


def test_links_behind_a_text_do_not_count_for_its_fingerprint() -> None:
    """So a source whose related posts change at every fetch becomes volatile, and is not rewritten."""
    prints = {text_hash(parsed_post(content_html=html)) for _, html in (RELATED, OTHERS)}
    assert len(prints) == 1
    assert text_hash(parsed_post(content_html=NOTES[1])) not in prints


@pytest.mark.parametrize(
    "hostile",
    [
        "- - - " * 3_000,
        "..." + "a" * 20_000 + "…",
        "... " + "a " * 9_000,
        "\n- a" * 20_000,
        "<li><a href='x'>x</a></li>" * 9_000,
    ],
)
def test_hostile_ends_take_no_time(hostile: str) -> None:
    """What stands behind a text is looked at in time with its length."""
    tail = "<li><a href='x'>x</a></li>" * 2 + "</ul>"
    began = time.process_time()
    classify(Remembered(7, "", f"{hostile} x"), "", f"{hostile} y", hostile + tail)
    classify(Remembered(7, "", f"{hostile} x"), "", f"{hostile} y", tail + hostile)
    text_hash(parsed_post(content_html=f"{hostile} x"))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("edited", "known", "kept"), [(4, 4, 4), (5, 10, 5), (6, 10, 0), (5, 5, 0), (10, 12, 0), (0, 9, 0), (1, 1, 1)]
)
def test_what_happens_to_most_posts_at_once_is_no_edit(edited: int, known: int, kept: int) -> None:
    """Of more than half of a document's posts, and five at least, nobody tells; they are rewritten all the same."""
    changed = tuple(post(n, post_id=n + 1, edit="substantive") for n in range(edited))
    change = weighed(FeedChange(changed=changed), known)
    assert sum(one.edit == "substantive" for one in change.changed) == kept
    assert len(change.changed) == edited


@given(st.text(max_size=80), st.text(max_size=80))
def test_nothing_is_no_edit(title: str, words: str) -> None:
    """What stays as it is is no edit, whatever it is."""
    assert classify(Remembered(7, title, words), title, words) == "none"


SEEN: dict[str, Any] = {"title": "A", "url": "https://a.example/1", "content_html": "<p>One two</p>"}


@pytest.mark.parametrize(
    ("edit", "content", "words"),
    [
        ({}, False, False),
        ({"content_html": " <p>One\n two</p> "}, False, False),
        ({"title": " A "}, False, False),
        ({"updated": NOW}, False, False),
        ({"author": "Joe", "tags": ("a",)}, False, False),
        ({"content_html": "<div class='x'><p>One two</p></div>"}, True, False),
        ({"content_html": "<p><b>One</b> two</p>"}, True, False),
        ({"content_html": "<p>One two</p><img src='https://t.example/0a1b2c' width='1' height='1'>"}, True, False),
        # What is looked at, and followed.
        ({"content_html": "<p>One two</p><img src='https://t.example/diagram.png'>"}, True, True),
        ({"content_html": "<p><a href='https://b.example/'>One</a> two</p>"}, True, True),
        ({"url": "https://a.example/2"}, True, True),
        ({"url": "https://b.example/1"}, True, True),
        ({"enclosures": (Enclosure("https://a.example/a.mp3", "audio/mpeg", 1),)}, True, True),
        ({"content_html": "<p>One three</p>"}, True, True),
        ({"title": "B"}, True, True),
        ({"content_html": ""}, True, True),
    ],
)
def test_fingerprints(edit: dict[str, Any], content: bool, words: bool) -> None:
    """One fingerprint is of all that there is, the other of words, links and pictures; dates and names are in none."""
    one, other = parsed_post(**SEEN), parsed_post(**SEEN | edit)
    assert (content_hash(one) != content_hash(other)) == content
    assert (text_hash(one) != text_hash(other)) == words


@pytest.mark.parametrize(
    ("one", "other"),
    [("12 views", "13 views"), ("3 hours ago", "5 days ago"), ("just now", "a minute ago"), ("1.5 stars", "4 stars")],
)
def test_words_are_the_same_under_a_counter(one: str, other: str) -> None:
    """Numbers and ages are no words."""
    texts = [parsed_post(**SEEN | {"content_html": f"<p>One two, {end}</p>"}) for end in (one, other)]
    assert text_hash(texts[0]) == text_hash(texts[1])
    assert content_hash(texts[0]) != content_hash(texts[1])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("<a href='https://a.example/?v=dQw4w9WgXcQ'>a</a>", "<a href='https://a.example/?v=9WgXcQdQw4w'>a</a>", False),
        ("<a href='https://a.example/b'>a</a>", "<A class='x' HREF=\"https://a.example/b\">a</A>", True),
        ("<a href='https://a.example/b'>a</a>", "<a href='https://a.example/b?utm_source=x'>a</a>", True),
        ("<a href='https://a.example/b'>a</a>", "<a href='https://a.example/b?_wpnonce=0a1b2c3d4e'>a</a>", True),
        ("<a href='http://a.example/b'>a</a>", "<a href='https://a.example/b'>a</a>", False),
        ("<img src='https://a.example/b.png?sig=1'>", "<img src='https://a.example/b.png?sig=2'>", True),
        ("<img src='https://a.example/b.png'>", "<img src='https://a.example/c.png'>", False),
        ("<img width=1 src='https://a.example/1'>", "<img width=1 src='https://a.example/2'>", True),
        ("<img width=100 src='https://a.example/1'>", "<img width=100 src='https://a.example/2'>", False),
    ],
)
def test_links_and_pictures_count_and_nonces_do_not(one: str, other: str, same: bool) -> None:
    """Where a link leads and which picture it is make a difference, what is signed or counted anew makes none."""
    assert (text_hash(parsed_post(content_html=one)) == text_hash(parsed_post(content_html=other))) is same


@pytest.mark.parametrize(
    ("noisy", "volatile"),
    [
        ([], [False]),
        ([10], [True]),
        ([5], [False]),
        ([5, 5], [False, True]),
        ([10, 0], [True, False]),
        ([10, 10, 0, 0], [True, True, True, False]),
        ([10] * 50 + [0] * 4, [True] * 53 + [False]),
        ([0] * 20 + [10], [False] * 20 + [True]),
        ([1] * 50, [False] * 50),
    ],
)
def test_a_source_becomes_volatile_and_calms_down(noisy: list[int], volatile: list[bool]) -> None:
    """A fetch in which all of ten posts were noisy, or two with half of them, is enough; quiet ones undo it."""
    score, seen = 0.0, []
    for count in noisy:
        score = volatility(score, count, 10)
        seen.append(is_volatile(score))
    assert seen == (volatile if noisy else [])


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), max_size=60))
def test_volatility_is_a_share(fetches: list[list[int]]) -> None:
    """Whatever happens, it stays from 0 to 1."""
    score = 0.0
    for noisy, known in fetches:
        score = volatility(score, noisy, known)
        assert 0 <= score <= 1


# ------------------------------------------------------------------------------------- through the real poll


def counting(fetch: int, **more: str) -> bytes:
    """A feed with a counter of views in each post."""
    return rss(
        item(n, text=more.get(f"p{n}", f"<p>{text(n, 30)}</p>") + f"<p>{fetch * 37 + n} views</p>") for n in range(6)
    )


def stored_text(store: Store, title: str) -> str:
    return next(post.text for post in stored(store) if post.title == title)


def test_a_source_with_counters_is_no_longer_rewritten(store: Store, origin: Origin, now: datetime) -> None:
    """After two polls the posts of a noisy source stay as they are stored, and no edit was ever counted."""
    feed = source(origin, "/a")
    texts = []
    for fetch in range(5):
        origin.serve("/a", Answer(200, counting(fetch)))
        row = run_poll(store, [feed], now + fetch * HOUR)["a"]
        assert (row.new, row.updated) == (6 if fetch == 0 else 0, 0)
        texts.append(stored_text(store, "Post 3"))
    assert texts[0] != texts[1]
    assert texts[1] == texts[2] == texts[3] == texts[4]


def test_an_edit_in_a_noisy_source_is_seen(store: Store, origin: Origin, now: datetime) -> None:
    """Other words are an edit there as everywhere."""
    feed = source(origin, "/a")
    for fetch in range(4):
        origin.serve("/a", Answer(200, counting(fetch)))
        run_poll(store, [feed], now + fetch * HOUR)
    origin.serve("/a", Answer(200, counting(4, p3=f"<p>{text(77, 30)}</p>")))
    row = run_poll(store, [feed], now + 4 * HOUR)["a"]
    assert (row.new, row.updated) == (0, 1)
    assert stored_text(store, "Post 3").startswith(text(77, 30))
    assert [post.title for post in stored(store) if post.changed_at] == ["Post 3"]


def test_a_source_that_calms_down_is_rewritten_again(store: Store, origin: Origin, now: datetime) -> None:
    """A new design is noise once: later changes of pictures and links are stored as before."""
    feed = source(origin, "/a")
    bodies = [
        [item(n, text=f"<p>{text(n, 30)}</p>") for n in range(6)],
        [item(n, text=f"<div><p>{text(n, 30)}</p></div>") for n in range(6)],
        [item(n, text=f"<div><p>{text(n, 30)}</p></div>") for n in range(7)],
        [item(n, text=f"<div><p>{text(n, 30)}</p></div><img src='https://blog.example/{n}.png'>") for n in range(7)],
    ]
    for fetch, items in enumerate(bodies):
        origin.serve("/a", Answer(200, rss(items)))
        assert run_poll(store, [feed], now + fetch * HOUR)["a"].updated == 0
    assert all("png" in post.content_html for post in stored(store))


def test_related_posts_that_change_at_every_fetch_are_no_edits(store: Store, origin: Origin, now: datetime) -> None:
    """A source with such a list behind each post is soon not rewritten any more, and no edit of it was ever counted."""
    feed = source(origin, "/a")
    kept = []
    for fetch in range(4):
        names = [text(100 * fetch + n, 5).replace(" ", "-") for n in range(5)]
        items = [item(n, text=with_links(text(n, 40), *names)[1]) for n in range(6)]
        origin.serve("/a", Answer(200, rss(items)))
        row = run_poll(store, [feed], now + fetch * HOUR)["a"]
        assert row.updated == 0
        kept.append(stored_text(store, "Post 3"))
    assert kept[1] == kept[2] == kept[3]


def redesigned(numbers: range, host: str, look: str) -> bytes:
    return rss(
        item(n, link=f"https://{host}/{n}", text=f"<div class='{look}'><p>{text(n, 30)}</p></div>") for n in numbers
    )


def test_a_move_in_a_noisy_source_is_taken_over_and_the_noise_ends(store: Store, origin: Origin, now: datetime) -> None:
    """A new design makes a source noisy, and a day later it moves: all links are the new ones, and once its posts stay
    as they are it is noisy no more, whether they were rewritten or not."""
    feed = source(origin, "/a")
    steps = [("old.example", "a"), ("old.example", "b"), ("new.example", "b"), *[("new.example", "c")] * 6]
    scores = []
    for fetch, (host, look) in enumerate(steps):
        origin.serve("/a", Answer(200, redesigned(range(6 + max(0, fetch - 3)), host, look)))
        run_poll(store, [feed], now + fetch * HOUR)
        scores.append(feeds.states(store, [feed])[0].volatility)
        if fetch > 1:
            assert {post.url.split("/")[2] for post in stored(store)} == {"new.example"}
    assert is_volatile(scores[3])
    assert not is_volatile(scores[-1])
    assert scores[3] > scores[4] > scores[5] > scores[6] > scores[7] > scores[8]


def test_the_same_noise_counts_once(store: Store, origin: Origin, now: datetime) -> None:
    """A document that can't be read in part shows what was not rewritten again and again: that is noise once."""
    feed = source(origin, "/a")
    scores = []
    for fetch in range(12):
        body = counting(min(fetch, 3)) + b"<!-- never mind -->" * fetch
        origin.serve("/a", Answer(200, body))
        run_poll(store, [feed], now + fetch * HOUR)
        store.conn.execute("DELETE FROM feed_items")
        scores.append(feeds.states(store, [feed])[0].volatility)
    assert is_volatile(scores[3])
    assert not is_volatile(scores[-1])


def test_a_picture_that_came_to_a_noisy_source_is_taken_over(store: Store, origin: Origin, now: datetime) -> None:
    """What is looked at is brought up to date in any source, and is no edit to tell of."""
    feed = source(origin, "/a")
    for fetch in range(4):
        origin.serve("/a", Answer(200, counting(fetch)))
        run_poll(store, [feed], now + fetch * HOUR)
    picture = f"<p>{text(3, 30)}</p><img src='https://blog.example/diagram.png'>"
    origin.serve("/a", Answer(200, counting(4, p3=picture)))
    assert run_poll(store, [feed], now + 4 * HOUR)["a"].updated == 0
    assert "diagram.png" in next(post.content_html for post in stored(store) if post.title == "Post 3")


@pytest.mark.parametrize(
    ("words", "updated", "kept"),
    [
        (ESSAY, 0, 0),
        (f"<p>{ESSAY}</p><img src='https://blog.example/a.png'>", 0, 0),
        (ESSAY.upper(), 0, 1),
        (swapped(ESSAY, 1), 0, 1),
        (swapped(ESSAY, 30), 1, 1),
    ],
)
def test_only_a_substantive_edit_counts(
    store: Store, origin: Origin, now: datetime, words: str, updated: int, kept: int
) -> None:
    """No edit makes a post new; only a substantive one is reported and dated; what is seen of it keeps the first
    version."""
    feed = source(origin, "/a")
    others = [item(n) for n in range(2, 8)]
    origin.serve("/a", Answer(200, rss([item(1, text=f"<p>{ESSAY}</p>"), *others])))
    run_poll(store, [feed], now)
    origin.serve("/a", Answer(200, rss([item(1, text=f"<div>{words}</div>"), *others])))
    row = run_poll(store, [feed], now + HOUR)["a"]
    assert (row.new, row.updated) == (0, updated)
    [post] = [post for post in stored(store) if post.title == "Post 1"]
    assert (post.changed_at is not None) == bool(updated)
    assert len(stored(store)) == 7
    assert len(store.rows("SELECT * FROM first_versions")) == kept
