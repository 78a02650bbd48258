"""New posts beside those that are stored: which are looked at, and which story they join. On a real database."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.builders import parsed_feed, parsed_post
from tests.deciding import decide
from tests.stocking import START, blog, configure, post, read, receive, state_of
from tests.test_store_issues import carry
from tidings import joining
from tidings.model import Fetched, Hop, ParsedPost, Source
from tidings.posts.decide import keys_to_look_up, name
from tidings.store import Store, issues, posts, stories

SHOW, MIRROR, PLANET = blog("show"), blog("mirror"), blog("planet")


def words(seed: int, count: int = 60) -> str:
    made = random.Random(seed)
    return " ".join("".join(made.choices("abcdefghiklmnoprstu", k=6)) for _ in range(count))


def poll(store: Store, one: Source, *items: ParsedPost, now: datetime = START) -> None:
    """A document of a source, from its posts to what is stored of them."""
    state = state_of(store, one)
    feed = parsed_feed(*items, site_url=f"https://{one.name}.example/")
    known = posts.known(store, state.feed_id, keys_to_look_up(name(feed)))
    change = decide(feed, known, posts.remembered(store, [post.post_id for post in known.values()]))
    read(store, one, Fetched(one.url, 200, b"", hops=(Hop(one.url, 200),)), feed, change, now)


def groups(store: Store) -> list[list[int]]:
    """The posts of each story."""
    found: dict[int, list[int]] = {}
    for row in store.rows("SELECT id, story FROM posts ORDER BY id"):
        found.setdefault(row["story"], []).append(row["id"])
    return list(found.values())


def tiers(store: Store) -> dict[int, str]:
    return {row["post_id"]: row["tier"] for row in store.rows("SELECT post_id, tier FROM story_joins")}


def article(number: int, guid: str, **values: Any) -> ParsedPost:
    return parsed_post(
        guid=guid,
        url=f"https://show.example/{number}",
        title=f"On {words(number, 4)}",
        content_html=f"<p>{words(number)}</p>",
        published=START - timedelta(days=20 - number),
        **values,
    )


TITLES = ("The ferryman of the old harbour", "A bell ringer who could not hear", "Seven lamps", "About my bread")


def episode(number: int, guid: str) -> ParsedPost:
    """An episode of a podcast, all of which have one page and one notice."""
    notice = "Night Radio is made by Ada and Bo in a kitchen by the sea, with music by the Harbour Band, as ever."
    return parsed_post(
        guid=guid,
        url="https://show.example/our-show-page",
        title=TITLES[number],
        content_html=f"<p>{words(number, 30)}.</p><p>{notice}</p>",
        published=START + timedelta(days=number),
    )


def test_a_page_that_posts_share_is_no_page_of_any_of_them(store: Store) -> None:
    """A mirror's next episode, alone in its document, joins none of the stored ones, whose page it has."""
    configure(store, SHOW, MIRROR)
    poll(store, SHOW, *(episode(n, f"a{n}") for n in range(3)))
    poll(store, MIRROR, episode(3, "b3"))
    assert groups(store) == [[1], [2], [3], [4]]


def test_a_page_of_its_own_is_known_again(store: Store) -> None:
    """A copy under the page of a stored post joins it."""
    configure(store, SHOW, MIRROR)
    poll(store, SHOW, article(1, "a"), article(2, "b"))
    poll(store, MIRROR, article(2, "c"))
    assert tiers(store) == {3: "page"}


def test_a_planets_copy_is_known_by_its_guid(store: Store) -> None:
    """A copy under another page and with other words joins the post whose guid and headline it has."""
    configure(store, SHOW, PLANET)
    poll(store, SHOW, article(1, "one"), article(2, "two"))
    poll(
        store,
        PLANET,
        parsed_post(
            guid="two",
            url="https://planet.example/2",
            title=article(2, "two").title,
            content_html=f"<p>{words(99)}</p>",
            origin_url="https://show.example/feed",
        ),
    )
    assert tiers(store) == {3: "id"}


def test_another_guid_is_no_same_id(store: Store) -> None:
    """A copy from the same blog with another guid, which is not of its moment either, is known by its page."""
    configure(store, SHOW, PLANET)
    poll(store, SHOW, article(1, "one"))
    copy = article(1, "another", origin_url="https://show.example/feed")
    poll(store, PLANET, replace(copy, published=START))
    assert tiers(store) == {2: "page"}


def test_a_guid_that_a_blog_gives_to_all_it_writes_names_none_of_it(store: Store) -> None:
    """A planet's copies of new posts of a blog with one guid are stories of their own, also under one headline."""
    configure(store, SHOW, PLANET)
    poll(store, SHOW, *(article(n, "same") for n in (1, 2, 3)))
    copies = [article(n, "same", origin_url="https://show.example/") for n in (4, 5)]
    headline = parsed_post(
        guid="same",
        title=article(3, "").title,
        content_html=f"<p>{words(98)}</p>",
        origin_url="https://show.example/",
    )
    poll(store, PLANET, *copies, headline, now=START + timedelta(days=1))
    assert groups(store) == [[1], [2], [3], [4], [5], [6]]


def test_a_guid_that_many_posts_have_names_none(store: Store) -> None:
    """Nine namesakes, stored or in the document, are not looked at one by one; eight are."""
    configure(store, SHOW, PLANET)
    receive(store, SHOW, *(post(n, guid="1" if n < 9 else "2") for n in range(18)))
    feed_id = state_of(store, PLANET).feed_id
    origin = "https://show.example/"
    one, other = post(50, guid="1", origin_url=origin), post(51, guid="2", origin_url=origin)
    assert stories.candidates(store, feed_id, [one, other], START) == {}
    store.conn.execute("UPDATE posts SET guid = '3' WHERE id = 1")
    assert len(stories.candidates(store, feed_id, [one, other], START)[0]) == 8
    assert 0 not in stories.candidates(store, feed_id, [one] * 9, START)
    assert stories.candidates(store, state_of(store, SHOW).feed_id, [one], START) == {}


def test_what_is_stored_of_the_original_survives_an_edit(store: Store) -> None:
    """A planet's copy, a page of the blog's own, and a post without a page, before and after each was edited."""
    configure(store, SHOW, PLANET)
    own, copy, bare = article(1, "own"), article(2, "copy", origin_url="https://show.example/feed"), article(3, "bare")
    for text in ("", " Edited since."):
        for source, seen in ((SHOW, own), (PLANET, copy), (SHOW, replace(bare, url=""))):
            poll(store, source, replace(seen, content_html=f"{seen.content_html}<p>{text}</p>"))
        rows = store.rows("SELECT guid, originality FROM posts")
        assert {row["guid"]: row["originality"] for row in rows} == {"own": 2, "copy": 0, "bare": 1}


# --------------------------------------------------------------------------------------------------- stories united

WIRE, LINKS, BLOG = blog("wire"), blog("links"), blog("blog")
FAX = "https://blog.example/the-last-fax-machine"
HEADLINE = "The last fax machine in the building"
ORIGINAL = parsed_post(guid="o", url=FAX, title=HEADLINE, content_html=f"<p>{words(1, 300)}</p>", published=START)
CUT = parsed_post(
    guid="c",
    url="https://wire.example/1",
    title=HEADLINE,
    content_html=f"<p>{' '.join(words(1, 300).split()[:40])} …</p>",
    published=START,
)
LINK = parsed_post(
    guid="l",
    url="https://links.example/1",
    title="A fax",
    content_html=f'<p>Lovely piece on machines, by <a href="{FAX}">a friend</a>.</p>',
    published=START,
)
ITEMS = ((BLOG, ORIGINAL), (WIRE, CUT), (LINKS, LINK))


def follow(store: Store) -> None:
    """Three sources, each read once."""
    configure(store, BLOG, WIRE, LINKS)
    for one in (BLOG, WIRE, LINKS):
        receive(store, one)


@pytest.mark.parametrize("order", list(permutations(ITEMS)))
def test_an_original_unites_what_came_before_it(store: Store, order: tuple[tuple[Source, ParsedPost], ...]) -> None:
    """A shortened copy and a link to a piece have nothing in common but the piece: in any order all are one story, and
    each but the first says why it is there."""
    follow(store)
    for one, item in order:
        poll(store, one, item)
    assert groups(store) == [[1, 2, 3]]
    joins = [stories.join_of(store, n) for n in (1, 2, 3)]
    assert [join is None for join in joins] == [True, False, False]
    assert [one.id for one in issues.candidates(store, "daily", ["blog", "wire", "links"], 0)] == [1, 2, 3]


def test_stories_united_say_by_which_post(store: Store) -> None:
    """The post that began the later story is there for the new one, by the rule that told it."""
    follow(store)
    for one, item in ((LINKS, LINK), (WIRE, CUT), (BLOG, ORIGINAL)):
        poll(store, one, item)
    join = stories.join_of(store, 2)
    assert join
    assert (join.story, join.post_id, join.tier) == (1, 3, "copy")
    assert join.why == "the text is the same (100 % of the shorter one)"


def test_stories_that_were_parted_are_not_united(store: Store) -> None:
    """Where somebody said that two posts are not the same, a third joins the one that it is surely like."""
    follow(store)
    poll(store, LINKS, LINK)
    poll(store, WIRE, CUT)
    stories.merge(store, 1, 2, START)
    stories.split(store, 2, START)
    poll(store, BLOG, ORIGINAL)
    assert groups(store) == [[1], [2, 3]]


def test_what_an_issue_has_shown_is_united_with_nothing(store: Store) -> None:
    """A story that an edition carried stays what it was when it was carried."""
    follow(store)
    poll(store, LINKS, LINK)
    carry(store, sources=(BLOG, WIRE, LINKS))
    poll(store, WIRE, CUT)
    poll(store, BLOG, ORIGINAL)
    assert groups(store) == [[1], [2, 3]]


def test_stories_with_posts_of_one_source_are_not_united(store: Store) -> None:
    """What a source wrote twice it meant twice, also when a third post is like both."""
    follow(store)
    poll(store, WIRE, CUT)
    poll(store, WIRE, replace(LINK, url="https://wire.example/2"))
    poll(store, BLOG, ORIGINAL)
    assert len(groups(store)) == 2


# --------------------------------------------------------------------------------------------------------- the limit


def test_what_telling_costs_has_an_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the effort for a document is spent, its other new posts are stories of their own; none is left out."""
    follow(store)
    poll(store, WIRE, *(article(n, f"w{n}") for n in range(6)))
    monkeypatch.setattr(joining, "MOST_EFFORT", 60 * 6)
    poll(store, BLOG, *(article(n, f"b{n}") for n in range(6)))
    joined = sum(len(one) == 2 for one in groups(store))
    assert 0 < joined < 6
    assert sum(map(len, groups(store))) == 12
