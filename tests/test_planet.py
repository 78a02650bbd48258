"""Which sources and tags have pages and feeds, and where: addresses that stay, and that are apart."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import source
from tidings.model import Source
from tidings.planet.slugs import slug, slugs
from tidings.planet.tags import shown, source_places, tag_places
from tidings.render.finding import render_robots


def tagged(name: str, *tags: str) -> Source:
    return source(name=name, url=f"https://{name}.example/feed", tags=tags)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("go", "go"),
        ("Go", "go"),
        ("Ｇｏ", "go"),
        ("machine learning", "machine-learning"),
        (" Machine_Learning ", "machine-learning"),
        ("Straße", "strasse"),
        ("日本語", "日本語"),
        ("हिन्दी", "हिन्दी"),
        ("می\u200cخواهم", "میخواهم"),
        ("C", "c"),
        ("C++", "c-cedb1bac"),
        ("C#", "c-951a4d36"),
        ("👍", "5d57d39e"),
        ("..", "5ec1f7e7"),
        ("a/../b", "a-b-900ea8b7"),
    ],
)
def test_a_slug_keeps_what_is_said(name: str, step: str) -> None:
    """Letters of any script stay, case and spaces do not matter, and what is left out is told by a mark."""
    assert slug(name) == step


@given(st.text())
def test_a_slug_is_one_step_of_a_path(name: str) -> None:
    """Whatever a name is, its slug is a file name on any system, stays the same, and is no way up."""
    step = slug(name)
    assert step == slug(name)
    assert step.strip("-.") == step != ""
    assert not set(step) & set('/\\:*?"<>|.%\x00')
    assert step.isprintable()
    assert len(step.encode()) <= 255
    assert slug(step) == step or len(step) > 40


def test_long_names_are_cut_and_told_apart() -> None:
    """A long name is shortened, and another one that begins alike is not taken for it."""
    one, other = slug("word " * 50), slug("word " * 51)
    assert one != other
    assert max(map(len, (one, other))) <= 57


@given(st.lists(st.text(max_size=4), unique=True))
def test_no_two_names_have_one_slug(names: list[str]) -> None:
    """Sources whose names look alike have folders of their own, and one that is added moves none that is there."""
    found = slugs(names)
    assert len(set(found.values())) == len(names)
    for count in range(len(names)):
        assert slugs(names[:count]) == {name: found[name] for name in names[:count]}


def test_a_name_like_a_marked_one_takes_no_folder_away() -> None:
    """Also where a source is called as the mark of another would have it, whichever comes first."""
    marked = slugs(["a b", "a.b"])["a.b"]
    for names in (["a b", marked, "a.b"], ["a b", "a.b", marked]):
        assert len(set(slugs(names).values())) == 3


def test_the_places_of_tags() -> None:
    """Each tag of a source has a place with all its sources; spellings of one tag share it, under the first."""
    places = tag_places([tagged("a", "Zig", "Go"), tagged("b", "go", "GO"), tagged("c")])
    assert [(place.name, place.folder, place.sources) for place in places] == [
        ("Go", "tags/go", ("a", "b")),
        ("Zig", "tags/zig", ("a",)),
    ]


def test_a_place_in_a_url() -> None:
    """What is no ASCII is percent-encoded in addresses, not in the folder's name."""
    (place,) = tag_places([tagged("a", "日本")])
    assert (place.folder, place.url_path) == ("tags/日本", "tags/%E6%97%A5%E6%9C%AC")


def test_the_places_of_sources() -> None:
    """Each source has one of its own, in the order of the file."""
    sources = [source(name=name) for name in ("A blog", "a-blog", "x.example/feed")]
    assert [place.folder.split("/")[1] for place in source_places(sources)] == [
        "a-blog",
        "a-blog-efa92929",
        "x-example-feed",
    ]


def test_no_source_gets_the_place_of_another() -> None:
    """Whoever had a folder first keeps it, whatever the order of the file, also when it is not followed any more."""
    one, other = source(name="a.b"), source(name="a b")
    known = [one.name, other.name]
    both = {place.name: place.folder for place in source_places([other, one], known)}
    assert both == {"a.b": "sources/a-b", "a b": "sources/a-b-c8687a08"}
    for left in (one, other):
        assert [place.folder for place in source_places([left], known)] == [both[left.name]]
    assert [place.folder for place in source_places([other])] == ["sources/a-b"]


def test_a_tag_keeps_its_place_when_others_come() -> None:
    """The address of a tag depends on the tag alone."""
    before = {place.name: place.folder for place in tag_places([tagged("a", "C++")])}
    after = {place.name: place.folder for place in tag_places([tagged("b", "C#", "C", "c"), tagged("a", "C++")])}
    assert before["C++"] == after["C++"]
    assert len(set(after.values())) == len(after) == 3


def test_what_is_shown() -> None:
    """Not the sources that the operator keeps to digests, nor what brings back our own feed."""
    quiet, own, loud = replace(source(name="quiet"), publish=False), source(name="own"), source(name="loud")
    assert shown([quiet, own, loud], frozenset({"own"})) == [loud]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://planet.example", "/search"),
        ("https://host.example/planet", "/planet/search"),
        ("https://host.example/a%20b/é", "/a%20b/%C3%A9/search"),
    ],
)
def test_search_engines_are_asked_not_to_search_where_searching_is(url: str, path: str) -> None:
    """Paths in robots.txt count from the root of the host, and so under a path, too (RFC 9309 section 2.2.2)."""
    assert f"Disallow: {path}\n" in render_robots(url).decode()
