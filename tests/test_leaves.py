"""Elements that the strict reader takes in by the short way come to what they come to by the long one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import CORPUS, needs_corpus
from tests.documents import atom, rss
from tests.mutations import mutate, samples
from tidings.model import Document
from tidings.posts import readers
from tidings.posts.parse import XmlText, open_up
from tidings.posts.tags import Tagged

URL = "https://blog.example/feed"


class LongWay(readers._StrictReader):
    """The reader that knows no leaves."""

    def _tag(self, name: str) -> str:
        return Tagged._tag(self, name)


def taken_in(kind: type[readers._StrictReader], text: str) -> tuple[Any, ...]:
    """All that a reader has in mind once it has read a document."""
    reader = kind(URL, None, "utf-8")
    ending = readers._feed_expat(reader, [text])
    account = (reader.stumbled, reader.depth, reader.elements, reader.baseuri, reader.lang, reader.basestack)
    return ending, reader.version, reader.feeddata, reader.entries, reader.surroundings, account


def differs(body: bytes) -> bool:
    opened = open_up(Document(URL, body, "", 15_000_000))
    if not isinstance(opened, XmlText):
        return False
    text = opened.text[opened.root.start :]
    return taken_in(readers._StrictReader, text) != taken_in(LongWay, text)


@pytest.mark.parametrize(
    "document",
    [
        rss("<item><guid>1</guid><title>a</title><unheard>x<title>b</title></unheard><category/></item>"),
        rss("<item><item><title>a</title></item></item><item><description>x<title>b</title></description></item>"),
        rss('<item xml:base="/a/"><link>b</link><image><title>i</title></image><title>t</title></item>'),
        rss("<item><title>a</title></item>", "<image><url>u</url></image><textInput><name>n</name></textInput>"),
        atom('<entry><id>1</id><content type="xhtml"><div><title>a</title><br/></div></content><id>2</id></entry>'),
        atom("<entry><author><name>n</name></author><source><id>s</id><title>t</title></source><id>1</id></entry>"),
        rss("<item>" + "<a>" * 6000 + "</a>" * 6000 + "</item>"),
        rss("<item>" + "<guid>1</guid>" * 12_000 + "</item><item><title>x</title></item>"),
    ],
)
def test_leaves_are_read_as_ever(document: str) -> None:
    """Wherever they stand: in one another, in content, in images, under a base, very deep and very often."""
    assert not differs(document.encode())


def test_damaged_documents_are_read_as_ever() -> None:
    """Two thousand documents damaged in every way we know."""
    chance, whole = random.Random(20), samples(None)
    assert not [body for body in (mutate(chance, whole) for _ in range(2_000)) if differs(body)]


@needs_corpus
@pytest.mark.parametrize("path", sorted((CORPUS / "feeds").glob("*"))[::3], ids=lambda path: path.name)
def test_real_documents_are_read_as_ever(path: Path) -> None:
    """Every third document of the corpus."""
    assert not differs(path.read_bytes())
