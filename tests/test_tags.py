"""The tags of elements as feedparser's strict reader takes them in."""

from __future__ import annotations

import pytest

from tests.documents import read

RSS = '<rss version="2.0" {}><channel><title>T</title><item>{}</item></channel></rss>'


@pytest.mark.parametrize(
    ("declared", "item", "title"),
    [
        ('xmlns:d="http://purl.org/dc/elements/1.1/"', "<d:title>x</d:title>", "x"),
        ('xmlns:d="HTTP://PURL.org/dc/elements/1.1/"', "<d:Title>x</d:Title>", "x"),
        ('xmlns="http://backend.userland.com/rss2"', "<title>x</title>", "x"),
        ('xmlns="http://backend.userland.com/RSS099"', "<TITLE>x</TITLE>", "x"),
        ('xmlns:o="urn:other"', "<title>x</title><o:title>y</o:title>", "x"),
        ('xmlns:title="urn:other"', "<title>x</title><title:title>y</title:title>", "x"),
        ('xmlns="urn:other"', "<title>x</title>", "x"),
        ("", '<title>x</title><n:title xmlns:n="urn:new">y</n:title>', "x"),
    ],
)
def test_elements_go_by_their_namespace(declared: str, item: str, title: str) -> None:
    """Known namespaces count whatever their prefix; an element of an unknown one is not the item's own."""
    assert read(RSS.format(declared, item)).posts[0].title == title


def test_attributes_go_by_their_namespace() -> None:
    """rdf:about names an item under any prefix."""
    head = '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
    feed = read(
        f'{head}<channel r:about="c"><title>T</title></channel><item r:about="one"><title>x</title></item></r:RDF>'
    )
    assert [post.guid for post in feed.posts] == ["one"]


def test_base_and_language_hold_inside_their_element_only() -> None:
    """xml:base and xml:lang of one item say nothing of the next."""
    first = '<item xml:base="https://other.example/a/" xml:lang="de"><link>b</link></item>'
    feed = read(
        f'<rss version="2.0"><channel><link>https://blog.example/</link>{first}<item><link>b</link></item></channel></rss>'
    )
    assert [(post.url, post.language) for post in feed.posts] == [
        ("https://other.example/a/b", "de"),
        ("https://blog.example/feeds/b", ""),
    ]
