"""From bytes to text: unlabelled compression and character sets."""

from __future__ import annotations

import gzip

import pytest

from tests.documents import URL, read, refused, rss
from tests.feeds import blog
from tidings.model import Document, Failed, ParsedFeed
from tidings.posts.parse import parse


def test_opens_gzip_that_no_header_named() -> None:
    """Compressed once, twice or in members; a third layer is no feed."""
    body = blog([1, 2])
    half = len(body) // 2
    for packed in (
        gzip.compress(body),
        gzip.compress(gzip.compress(body)),
        gzip.compress(body[:half]) + gzip.compress(body[half:]),
    ):
        assert read(packed) == read(body)
    assert refused(gzip.compress(gzip.compress(gzip.compress(body)))).kind == "not-a-feed"


def test_gzip_cut_off_is_malformed() -> None:
    """What was unpacked is read, but the document may lack posts."""
    packed = gzip.compress(blog(range(200)))
    feed = read(packed[: len(packed) // 2])
    assert feed.posts
    assert feed.malformed
    assert read(packed[:-4]).malformed


@pytest.mark.parametrize("layers", [1, 2])
def test_gzip_that_unpacks_to_too_much_is_refused(layers: int) -> None:
    """A bomb fails before it fills the memory, in either layer, and the message says what it was measured by."""
    bomb = bytes(15_000_001)
    for _ in range(layers):
        bomb = gzip.compress(bomb)
    failed = refused(bomb)
    assert failed.kind == "too-large"
    assert "unpacks to more than" in failed.message


def test_gzip_may_unpack_to_the_limit_and_no_further() -> None:
    """The limit of the source counts what comes out, to the byte."""
    body = blog(range(50))
    packed = gzip.compress(body)
    assert isinstance(parse(Document(URL, packed, limit=len(body))), ParsedFeed)
    failed = parse(Document(URL, packed, limit=len(body) - 1))
    assert isinstance(failed, Failed)
    assert failed.kind == "too-large"


def test_gzip_that_unpacks_to_many_times_its_size_is_refused() -> None:
    """What is under the limit can still be no feed: no text of people repeats itself that much."""
    failed = refused(gzip.compress(rss(f"<item><description>{'a' * 5_000_000}</description></item>").encode()))
    assert failed.kind == "too-large"


@pytest.mark.parametrize(
    ("declared", "encoded", "header"),
    [
        ("utf-8", "utf-8", ""),
        ("utf-8", "utf-8-sig", ""),
        ("utf-16", "utf-16", ""),
        ("utf-16", "utf-16-le", ""),
        ("utf-16", "utf-16-be", ""),
        ("utf-32", "utf-32", ""),
        ("utf-32", "utf-32-be", ""),
        ("iso-8859-1", "utf-8", ""),
        ("utf-16", "utf-8", ""),
        ("us-ascii", "utf-8", "text/xml; charset=us-ascii"),
        ("nonsense", "utf-8", ""),
        ("iso-8859-1", "iso-8859-1", ""),
        ("windows-1252", "cp1252", "text/xml; charset=utf-8"),
        ("utf-8", "cp1252", ""),
        ("utf-8", "cp1252", "text/xml; charset=windows-1252"),
        ("", "cp1252", ""),
        ("", "utf-8", "text/xml; charset=iso-8859-1"),
        ("hex", "cp1252", ""),
        ("unicode_escape", "cp1252", ""),
    ],
)
def test_finds_the_character_set(declared: str, encoded: str, header: str) -> None:
    """Byte order mark, valid UTF-8, declaration, header, windows-1252: in this order."""
    prolog = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    feed = read((prolog + rss("<item><title>Größe é</title></item>")).encode(encoded), content_type=header)
    assert feed.posts[0].title == "Größe é"
    assert not feed.malformed


@pytest.mark.parametrize(
    ("declared", "encoded", "title"),
    [
        ("koi8-r", "koi8-r", "Привет"),
        ("gb2312", "gb18030", "镕基"),
        ("shift_jis", "cp932", "①日本"),
        ("euc-kr", "cp949", "똠방"),
        ("iso-2022-jp", "iso-2022-jp", "日本語"),
        ("iso-8859-1", "cp1252", "“quoted” – €"),
        ("", "koi8-r", "Привет"),
    ],
)
def test_reads_declared_character_sets_as_the_web_does(declared: str, encoded: str, title: str) -> None:
    """A label stands for the superset that browsers read it as; the HTTP header speaks where no declaration does."""
    prolog = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    document = (prolog + rss(f"<item><title>{title}</title></item>")).encode(encoded)
    assert read(document, content_type=f"text/xml; charset={encoded}").posts[0].title == title


def test_one_bad_byte_does_not_change_the_character_set() -> None:
    """A UTF-8 feed with a broken character in it loses that character, not its alphabet."""
    feed = read(rss("<item><title>Привет мир</title></item>").encode().replace("м".encode(), b"\xd0", 1))
    assert feed.posts[0].title.startswith("Привет ")
