"""Posts that came round other planets: which of a source's posts a copy is, and what no id or text proves."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.builders import NOW
from tests.stocking import START, blog, configure, post, receive, state_of
from tidings.joining import returned
from tidings.model import Counterpart, FeedChange, Join
from tidings.posts.returning import join
from tidings.store import Store, returning
from tidings.store.posts import PostQuery, find

PAGE = "https://blog.example/a-page"
HOME = "https://blog.example/"
SHORT = "Four words of text"
LONGER = "Some words of a text that is not so short"
TITLE = "A title of five words"


def judged(copy: dict[str, Any], original: dict[str, Any]) -> bool:
    """Whether a copy is told to be the one post that its source has."""
    new = post(1, **{"url": HOME, "title": "", "text": "", "origin_url": HOME, **copy})
    kept = Counterpart(7, 5, **{"url": HOME, "title": "", "text": "", "published": None, **original})
    found = join(new, [kept], set())
    assert found is None or (found.story, found.post_id, found.tier) == (5, 7, "copy")
    return found is not None


def both(**values: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return values, values


@pytest.mark.parametrize(
    ("copy", "original", "same"),
    [
        (*both(title=TITLE), True),
        (*both(text=LONGER), True),
        (*both(text="Photo"), False),
        (*both(text="Photo", published=NOW), True),
        (*both(text="Photo", url=PAGE), True),
        (*both(published=NOW), False),
        (*both(), False),
        ({"text": LONGER, "published": NOW}, {"text": LONGER, "published": NOW + timedelta(seconds=20)}, True),
        ({"text": LONGER, "published": NOW}, {"text": LONGER, "published": NOW + timedelta(days=7)}, False),
        ({"text": LONGER, "published": NOW}, {"text": LONGER, "published": None}, True),
        ({"text": LONGER, "url": PAGE}, {"text": LONGER, "url": f"{PAGE}?utm_source=planet"}, True),
        ({"text": LONGER, "url": PAGE}, {"text": LONGER, "url": f"{HOME}another-page"}, False),
        ({"title": TITLE, "text": SHORT}, {"title": TITLE, "text": "Other words"}, False),
        ({"title": TITLE}, {"title": "A title of other words"}, False),
        # Planets show the headline alone, or the beginning.
        ({"title": "Some words of a text…"}, {"text": LONGER}, True),
        ({"title": "Untitled"}, {"text": LONGER, "published": NOW}, False),
        ({"title": "Untitled"}, {"url": PAGE}, False),
        ({"title": "Untitled", "url": PAGE}, {"url": PAGE}, True),
        ({"title": "Other words of a text…"}, {"text": LONGER}, False),
        ({"title": TITLE}, {"title": TITLE, "text": LONGER}, True),
        ({"text": "Some words of a"}, {"text": LONGER}, False),
        ({"text": "Some words of a", "published": NOW}, {"text": LONGER, "published": NOW}, True),
        ({"text": "Some words of a text that is"}, {"text": LONGER}, False),
        ({"text": "Some words of a text that is not"}, {"text": LONGER}, True),
    ],
)
def test_a_copy_is_told_by_headline_date_and_words(copy: dict[str, Any], original: dict[str, Any], same: bool) -> None:
    """Beside a source in common few words are enough, but another date, page, headline or text is another post."""
    assert judged(copy, original) is same


def test_a_story_takes_one_post_of_a_planet() -> None:
    """Of two posts that read alike the second copy is the second post; a story that is taken is not joined again."""
    new = post(1, url=HOME, title=TITLE, text="")
    kept = [Counterpart(number, number, HOME, TITLE, "", None) for number in (1, 2)]
    taken: list[set[int]] = [set(), {1}, {1, 2}]
    assert [found.story if (found := join(new, kept, some)) else None for some in taken] == [1, 2, None]


def test_the_date_in_common_goes_before_the_order() -> None:
    """Where several read alike, the one that was published in the same moment is meant."""
    new = post(1, url=HOME, title=TITLE, text="", published=NOW)
    dates: list[datetime | None] = [None, NOW]
    kept = [Counterpart(number, number, HOME, TITLE, "", date) for number, date in enumerate(dates)]
    found = join(new, kept, set())
    assert found is not None
    assert found.story == 1


def test_only_ids_that_were_made_here_prove_anything(store: Store) -> None:
    """A blog's own id is another blog's, too, where both are `http://localhost/?p=1`; one that was made here is not."""
    a = blog("a")
    configure(store, a)
    receive(store, a, post(1, guid="http://localhost/?p=1"), post(2))
    found = sorted(find(store, PostQuery()), key=lambda one: one.id)
    returning.keep_entry_ids(store, {1: "http://localhost/?p=1", 2: "urn:uuid:made"}, found)
    assert returning.behind(store, ["http://localhost/?p=1", "urn:uuid:made"], reader=9) == {"urn:uuid:made": (2, 2)}
    assert returning.behind(store, ["urn:uuid:made"], reader=1) == {}


def test_an_id_that_stands_twice_in_a_document_proves_nothing(store: Store) -> None:
    """A planet may show our entry and another post under one id: two posts of it are not one story."""
    a, planet = blog("a"), blog("planet")
    configure(store, a, planet)
    receive(store, a, post(1))
    returning.keep_entry_ids(store, {1: "urn:uuid:made"}, find(store, PostQuery()))
    copies = [post(n, guid="urn:uuid:made", title=f"Copy {n}", text=f"Other words {n}") for n in (2, 3)]
    change = FeedChange(new=tuple(copies))
    assert [one.join for one in returned(store, state_of(store, planet), change).new] == [None, None]
    [alone] = returned(store, state_of(store, planet), FeedChange(new=(copies[0],))).new
    assert alone.join is not None
    assert alone.join.story == 1


def test_an_id_is_kept_as_it_first_went_out(store: Store) -> None:
    """What is noted of a post once stays, whatever is noted later."""
    a = blog("a")
    configure(store, a)
    receive(store, a, post(1))
    [found] = find(store, PostQuery())
    returning.keep_entry_ids(store, {1: "urn:uuid:first"}, [found])
    returning.keep_entry_ids(store, {1: "urn:uuid:second"}, [replace(found, guid="urn:uuid:second")])
    assert returning.entry_ids(store, [found]) == {"urn:uuid:first": 1}
    assert find(store, PostQuery(since=START)) == [found]


def test_a_story_that_has_a_post_of_the_planet_takes_no_other(store: Store) -> None:
    """What a source says again each week is not the first of its posts, once the planet has that one."""
    a, planet, other = blog("a"), blog("planet"), blog("other")
    configure(store, a, planet, other)
    receive(store, a, post(1), post(2))
    receive(store, planet, post(3, origin_url=HOME, join=Join(1, 1, "copy", 1.0, "it is")))
    assert [one.post_id for one in returning.of_feed(store, 1, reader=2)] == [2]
    assert [one.post_id for one in returning.of_feed(store, 1, reader=3)] == [2, 1]
    assert returning.taken_from(store, [HOME], reader=2) == returning.taken_from(store, [HOME], reader=1) == []
    assert [one.post_id for one in returning.taken_from(store, [HOME, HOME, ""], reader=3)] == [3]
