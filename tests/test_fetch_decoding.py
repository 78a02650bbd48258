"""Undoing Content-Encoding: what is read, what is refused, and that no body can pretend to be more than it may."""

from __future__ import annotations

import gzip
import io
import itertools
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.fetches import FEED, SETTINGS, failure, fetch, fetched
from tests.origin import Answer, Origin, Raw
from tidings.fetching.decoding import (
    MAX_RATIO,
    BrokenOffError,
    TooLargeError,
    UndecodableError,
    decode,
    start_of,
)

LONG = b"".join(b"<item><title>%d</title></item>" % number for number in range(20_000))


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def pack_brotli(data: bytes) -> bytes:
    return bytes(brotli.compress(data, quality=4))


def undo(body: bytes, coding: str, max_bytes: int = 15_000_000) -> bytes:
    return decode(io.BytesIO(body), len(body), coding, max_bytes)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": pack_brotli,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("", LONG),
        ("identity", LONG),
        ("gzip", gzip.compress(LONG)),
        ("GZip ", gzip.compress(LONG)),
        ("x-gzip", gzip.compress(LONG)),
        ("identity, gzip", gzip.compress(LONG)),
        ("deflate", zlib.compress(LONG)),
        ("deflate", raw_deflate(LONG)),
        ("br", pack_brotli(LONG)),
        ("zstd", zstandard.compress(LONG)),
        ("gzip, br", pack_brotli(gzip.compress(LONG))),
        ("gzip, gzip", gzip.compress(gzip.compress(LONG))),
        ("deflate,, zstd", zstandard.compress(zlib.compress(LONG))),
        ("gzip", gzip.compress(LONG[:1000]) + gzip.compress(LONG[1000:])),
        ("gzip", gzip.compress(LONG) + b"\0" * 512),
        ("gzip", gzip.compress(LONG) + b"what a server added"),
        ("zstd", zstandard.compress(LONG[:1000]) + b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard.compress(LONG[1000:])),
    ],
)
def test_what_real_servers_send_is_read(coding: str, body: bytes) -> None:
    """One coding or several, any of deflate's two forms, several members, and what may stand behind them."""
    assert undo(body, coding) == LONG


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "br", "zstd", "gzip, br"])
@pytest.mark.parametrize("body", [FEED, b"\xef\xbb\xbf" + FEED, b'\n {"version": ""}', b"", LONG])
def test_a_body_that_is_plain_after_all_is_taken_as_it_is(coding: str, body: bytes) -> None:
    """A header left over from a cache that unpacked already costs no feed."""
    assert undo(body, coding) == body


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_cut_body_is_broken_off(coding: str, cut: int) -> None:
    """What came before the cut is not taken for the feed, however little is missing."""
    with pytest.raises(BrokenOffError, match="before its end"):
        undo(PACKERS[coding](LONG)[:-cut], coding)


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        ("compress", b"\x1f\x9d", "'compress'"),
        ("sdch, gzip", gzip.compress(FEED, mtime=0), "'sdch'"),
        ("gzip\x00", b"", "gzip"),
        ("x" * 5000, b"", "xxx"),
        ("gzip", b"\x1f\x8bnonsense", "not gzip"),
        ("deflate", b"\x78\x9cnonsense", "not deflate"),
        ("deflate", b"\xffnonsense", "not deflate"),
        ("br", b"\xffnonsense" * 50, "not br"),
        ("zstd", b"\x28\xb5\x2f\xfdnonsense" * 50, "not zstd"),
        ("gzip", gzip.compress(LONG)[:-8] + b"\0" * 8, "not gzip"),
        ("gzip, gzip, gzip, gzip", FEED, "4 times"),
        ("gzip", gzip.compress(b"") * 1001, "1000"),
        ("zstd", zstandard.compress(b"") * 1001, "1000"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(coding: str, body: bytes, words: str) -> None:
    """An unknown coding, a wrong one, a damaged body and endless members each say what they are, shortly."""
    with pytest.raises(UndecodableError) as raised:
        undo(body, coding)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 150


@pytest.mark.parametrize("coding", PACKERS)
def test_a_bomb_is_stopped_by_the_limit(coding: str) -> None:
    """Fifty million bytes of nothing are left at the limit."""
    with pytest.raises(TooLargeError, match="times its size"):
        undo(PACKERS[coding](bytes(50_000_000)), coding)
    with pytest.raises(TooLargeError, match="1000 bytes"):
        undo(PACKERS[coding](LONG), coding, max_bytes=1000)


def test_the_limit_is_inclusive() -> None:
    """Exactly so many decoded bytes are read."""
    assert undo(gzip.compress(LONG), "gzip", max_bytes=len(LONG)) == LONG
    with pytest.raises(TooLargeError):
        undo(gzip.compress(LONG), "gzip", max_bytes=len(LONG) - 1)


def test_a_repetitive_feed_is_no_bomb() -> None:
    """A megabyte may come of any size; beyond, the ratio of the most repetitive real feeds is far below the limit."""
    footer = b" ".join(b"word%d" % (number * 7919 % 10_007) for number in range(1000))
    items = b"".join(b"<item><title>%d, on %x</title><p>%s</p></item>" % (n, n**9, footer) for n in range(700))
    packed = gzip.compress(items)
    assert 1_000_000 < len(items) < MAX_RATIO * len(packed)
    assert undo(packed, "gzip") == items
    assert undo(gzip.compress(bytes(999_999)), "gzip") == bytes(999_999)


def test_a_middle_stage_is_limited_too() -> None:
    """A body that swells to gigabytes between two codings and shrinks again is stopped while it swells."""
    swollen = gzip.compress(b"") * 200_000
    with pytest.raises((TooLargeError, UndecodableError)):
        undo(zstandard.compress(swollen), "gzip, zstd")
    with pytest.raises(TooLargeError):
        undo(gzip.compress(gzip.compress(bytes(50_000_000))), "gzip, gzip")


def test_a_window_beyond_the_standard_is_refused() -> None:
    """A zstd frame may ask for gigabytes of memory; a content coding may not (RFC 9659)."""
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = packer.compress(LONG) + packer.flush()
    with pytest.raises(UndecodableError):
        undo(body, "zstd")


def test_the_start_of_a_page_can_be_had_from_a_part() -> None:
    """An error page that was cut off, or whose coding is broken, gives what can be had of it."""
    packed = gzip.compress(LONG)
    assert start_of(io.BytesIO(packed[:-20]), "gzip", 1000)[:1000] == LONG[:1000]
    assert start_of(io.BytesIO(packed), "nonsense", 1000) == b""
    assert start_of(io.BytesIO(LONG), "", 1000)[:1000] == LONG[:1000]


@given(st.binary(max_size=300), st.lists(st.sampled_from([*PACKERS]), max_size=3))
def test_whatever_was_packed_comes_back(data: bytes, codings: list[str]) -> None:
    """Any bytes, in any order of codings."""
    packed = data
    for coding in codings:
        packed = PACKERS[coding](packed)
    assert undo(packed, ", ".join(codings)) == data


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"\x1b"]),
)
def test_no_bytes_break_the_decoding(data: bytes, coding: str, start: bytes) -> None:
    """Whatever comes, it is decoded, taken as plain, or refused by one of three errors."""
    try:
        decoded = undo(start + data, coding)
    except (UndecodableError, BrokenOffError, TooLargeError):
        return
    assert isinstance(decoded, bytes)


# ------------------------------------------------------------------------------------------------ over the wire


@pytest.mark.parametrize("coding", PACKERS)
def test_every_coding_we_offer_is_undone(origin: Origin, coding: str) -> None:
    """Each is named in Accept-Encoding, and a body in it arrives decoded."""
    origin.serve("/feed", Answer(200, PACKERS[coding](FEED), {"Content-Encoding": coding}))
    assert fetched(fetch(origin.url("/feed"))).body == FEED
    assert coding in origin.requests[0].headers["Accept-Encoding"].split(", ")


def test_a_large_body_arrives_whole_in_many_pieces(origin: Origin) -> None:
    """What went by way of the disk is what was sent, plain or packed."""
    body = bytes(itertools.islice(itertools.cycle(LONG), 900_000))
    origin.serve("/plain", Answer(200, body))
    origin.serve("/packed", Answer(200, zlib.compress(body, 0), {"Content-Encoding": "deflate"}))
    assert fetched(fetch(origin.url("/plain"))).body == body
    assert fetched(fetch(origin.url("/packed"))).body == body


@pytest.mark.parametrize(
    ("coding", "body", "kind"),
    [
        *((coding, PACKERS[coding](LONG)[:-9], "http") for coding in PACKERS),
        ("compress", b"\x1f\x9d...", "http"),
        ("gzip", b"\x1f\x8bnonsense", "http"),
        ("br", pack_brotli(bytes(50_000_000)), "too-large"),
    ],
)
def test_an_undecodable_feed_is_a_failure_of_its_source(origin: Origin, coding: str, body: bytes, kind: str) -> None:
    """Each has the kind that says whose fault it is, the status, and words."""
    origin.serve("/feed", Answer(200, body, {"Content-Encoding": coding}))
    outcome = failure(fetch(origin.url("/feed"), SETTINGS))
    assert (outcome.kind, outcome.http) == (kind, 200)
    assert outcome.hops


def test_codings_in_two_headers_add_up(origin: Origin) -> None:
    """A list may come in several lines."""
    wire = pack_brotli(gzip.compress(FEED))
    fields = b"Content-Encoding: gzip\r\nContent-Encoding: br\r\nContent-Length: %d" % len(wire)
    origin.serve("/feed", Raw([b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + wire]))
    assert fetched(fetch(origin.url("/feed"))).body == FEED
