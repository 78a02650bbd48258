"""Composition from the database and back: what an issue was given to show is what it keeps."""

from __future__ import annotations

from dataclasses import replace

from tests.builders import edition
from tests.stocking import START, blog, configure, post, receive
from tests.transports import RecordingTransport
from tidings import digest
from tidings.editions.compose import Masthead
from tidings.model import Edition, IssueContent, Picture, Source
from tidings.store import Store, issues

MASTHEAD = Masthead("Planet", "https://planet.example")
PICTURE = '<img src="https://blog.example/a.jpg" alt="A cat" width="640" height="480">'
LONG = "<p>" + "Word " * 120 + "end.</p>"
SOURCES = [
    blog("a", tags=("people",)),
    blog("b", tags=("news", "people"), weight=9),
    blog("c", content="title"),
]


def freeze(store: Store, one: Edition, sources: list[Source]) -> IssueContent:
    """Freezes an issue of two posts of each source and reads it back from the database."""
    configure(store, *sources, editions=[one])
    for place, source in enumerate(sources):
        receive(store, source)
        html = LONG + f"<p>{PICTURE}</p>" + LONG
        posts = [post(10 * place + n, content_html=html, text="Word " * 460, title=f"{source.name}{n}") for n in (1, 2)]
        receive(store, source, *posts)
    frozen = digest.freeze_next(store, one, sources, MASTHEAD, RecordingTransport().office(), START)
    [stored] = issues.frozen(store)
    assert frozen == stored.content
    return stored.content


def test_an_issue_keeps_what_it_was_given_to_show(store: Store) -> None:
    """Weights, tags and etiquette of the configured sources arrange the issue; picture, minutes and group are kept."""
    one = edition(order="weight", group_by="tag", tags=(), lead=True, look="headlines", excerpt_length=300)
    content = freeze(store, one, SOURCES)
    assert [(item.title, item.group) for item in content.items] == [
        ("b2", ""),
        ("b1", "news"),
        ("a2", "people"),
        ("a1", "people"),
        ("c2", ""),
        ("c1", ""),
    ]
    second, third, last = content.items[1], content.items[2], content.items[-1]
    assert (second.html, second.whole, second.minutes) == (LONG, False, 2)
    assert third.picture == Picture("https://blog.example/a.jpg", 640, 480, "A cat")
    assert (last.html, last.text, last.picture) == ("", "", None)
    assert (content.group_by, content.lead, content.look) == ("tag", True, "headlines")


def test_the_same_posts_make_the_same_issue(store: Store) -> None:
    """A draft made again is the same to the letter."""
    one = edition(group_by="source", order="coverage")
    configure(store, *SOURCES, editions=[one])
    for place, source in enumerate(SOURCES):
        receive(store, source)
        receive(store, source, post(place, content_html=LONG * 3))
    drafts = [digest.draft(store, one, sources, MASTHEAD, START) for sources in (SOURCES, SOURCES[::-1])]
    assert drafts[0] is not None
    assert drafts[0] == drafts[1]
    assert digest.draft(store, replace(one, content="title"), SOURCES, MASTHEAD, START) != drafts[0]
