"""Undoing the Content-Encoding of a body, piece by piece, however much a small body pretends to hold.

One body is decoded at a time, after it has come: a decoder's window may take 16 MB, which thirty servers sending at
once could make us hold thirty times over (decision 15).
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

import brotli  # type: ignore[import-untyped]
import zstandard

ACCEPTED = "gzip, deflate, br, zstd"
"""What we offer to undo, as Accept-Encoding says it."""

MAX_RATIO = 200
"""How many times its size a body may unpack to, once it is over a megabyte. Feeds reach 5 to 20, and 60 with a long
footer under every post; deflate's utmost is 1030, and only a bomb comes near it."""

_FREE = 1_000_000
_MAX_CODINGS = 3
_MAX_MEMBERS = 1000
"""Concatenated gzip members or zstd frames. bgzip makes one per 64 KB; a body of empty ones would cost minutes."""

_START = 16_000_000
_SENT = 16 * 1024
_PIECE = 64 * 1024
_MARK = 4
_ZSTD_SLICE = 256
"""Four bytes of zstd can stand for 128 KB, and its decoder has no limit of output: so it is fed by the spoonful."""

_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: the most a content coding may ask for


class UndecodableError(ValueError):
    """The body is not what its Content-Encoding says, or in a coding nobody offered."""


class BrokenOffError(ValueError):
    """The compressed body ends before its end."""


class TooLargeError(ValueError):
    """The body unpacks to more than it may."""


def decode(body: BinaryIO, size: int, content_encoding: str, max_bytes: int) -> bytes:
    """The `size` bytes of `body` with all codings of a Content-Encoding header undone, the last one first.

    A body that is plain although the header says otherwise comes back as it is: such servers are common. Raises
    `UndecodableError`, `BrokenOffError` or `TooLargeError`.
    """
    if not content_encoding:
        return body.read()
    whole = io.BytesIO()  # whose value is handed over without a second copy
    for piece in _decoded(body, content_encoding, min(max_bytes, max(_FREE, MAX_RATIO * size)), max_bytes):
        whole.write(piece)
    return whole.getvalue()


def start_of(body: BinaryIO, content_encoding: str, wanted: int) -> bytes:
    """The first bytes of a decoded body, `wanted` at least if it has them; fewer where it cannot be decoded."""
    start = b""
    try:
        for piece in _decoded(body, content_encoding, _START, _START):
            start += piece
            if len(start) >= wanted:
                break
    except (UndecodableError, BrokenOffError, TooLargeError):
        pass  # an error page may be cut off or broken; what came of it will do
    return start


def _decoded(body: BinaryIO, content_encoding: str, most: int, max_bytes: int) -> Iterator[bytes]:
    pieces: Iterator[bytes] = iter(lambda: body.read(_SENT), b"")
    for undo in reversed(_codings(content_encoding)):
        pieces = _limited(undo(pieces), most, max_bytes)
    try:
        yield from pieces
    except (zlib.error, brotli.error, zstandard.ZstdError) as error:
        raise UndecodableError(f"the body is not {content_encoding[:60]} as the server says") from error


def _codings(content_encoding: str) -> list[Callable[[Iterator[bytes]], Iterator[bytes]]]:
    names = [name for name in (part.strip().lower() for part in content_encoding.split(",")) if name]
    names = [name for name in names if name not in ("identity", "none", "utf-8")]  # the latter two are common slips
    unknown = next((name for name in names if name not in _DECODERS), None)
    if unknown is not None:
        raise UndecodableError(f"the body is encoded as {unknown[:40]!r}, which we did not offer to read")
    if len(names) > _MAX_CODINGS:
        raise UndecodableError(f"the body is encoded {len(names)} times over")
    return [_DECODERS[name] for name in names]


def _limited(pieces: Iterator[bytes], most: int, max_bytes: int) -> Iterator[bytes]:
    """Passes pieces on up to `most` bytes. Every stage is limited: one in the middle may swell and shrink again."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > max_bytes:
            raise TooLargeError(f"it unpacks to more than {max_bytes} bytes")
        if total > most:
            raise TooLargeError(f"it unpacks to over {MAX_RATIO} times its size, as no feed does")
        yield piece


def _gunzip(pieces: Iterator[bytes]) -> Iterator[bytes]:
    first = _head_of(pieces)
    if not first.startswith(b"\x1f\x8b"):
        yield from _plain(first, pieces)
        return
    for _ in range(_MAX_MEMBERS):
        first = yield from _inflate_one(first, pieces, 16 + zlib.MAX_WBITS)
        first = first.lstrip(b"\0") or next(pieces, b"")
        if not first.startswith(b"\x1f\x8b"):  # what stands behind the last member is padding, or nothing
            return
    raise UndecodableError(f"the body is more than {_MAX_MEMBERS} gzip files in a row")


def _inflate(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """`deflate` is zlib by RFC 9110 8.4.1.2, and raw deflate by the habit of many servers."""
    first = _head_of(pieces)
    zlib_head = len(first) >= 2 and first[0] & 15 == 8 and (first[0] << 8 | first[1]) % 31 == 0
    if not first or (_is_text(first) and not zlib_head):
        yield from _plain(first, pieces)
        return
    yield from _inflate_one(first, pieces, zlib.MAX_WBITS if zlib_head else -zlib.MAX_WBITS)


def _inflate_one(piece: bytes, pieces: Iterator[bytes], window: int) -> Generator[bytes, None, bytes]:
    """Inflates one stream, and returns the bytes behind it."""
    inflater = zlib.decompressobj(window)
    while True:
        out = inflater.decompress(piece, _PIECE)
        if out:
            yield out
        if inflater.eof:
            return inflater.unused_data
        piece = inflater.unconsumed_tail
        if not piece and len(out) < _PIECE:
            piece = _next_of(pieces)


def _unbrotli(pieces: Iterator[bytes]) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    first = _head_of(pieces)
    if not first:
        return
    try:
        out = decoder.process(first, output_buffer_limit=_PIECE)
    except brotli.error:
        if not _is_text(first):  # brotli has no mark of its own to look for
            raise
        yield from _plain(first, pieces)
        return
    while True:
        if out:
            yield out
        if decoder.is_finished():
            return
        piece = _next_of(pieces) if not out and decoder.can_accept_more_data() else b""
        out = decoder.process(piece, output_buffer_limit=_PIECE)


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    piece = _head_of(pieces)
    if not _is_zstd(piece):
        yield from _plain(piece, pieces)
        return
    for _ in range(_MAX_MEMBERS):
        decoder = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        while not decoder.eof:
            piece = piece or _next_of(pieces)
            spoonful, piece = piece[:_ZSTD_SLICE], piece[_ZSTD_SLICE:]
            out = decoder.decompress(spoonful)
            if out:
                yield out
        piece = decoder.unused_data + piece or next(pieces, b"")
        if not _is_zstd(piece):
            return
    raise UndecodableError(f"the body is more than {_MAX_MEMBERS} zstd frames in a row")


def _is_zstd(piece: bytes) -> bool:
    """The mark of a frame, or of one to skip (RFC 8878 3.1)."""
    return piece.startswith(b"\x28\xb5\x2f\xfd") or (piece[1:4] == b"\x2a\x4d\x18" and piece[0] >> 4 == 5)


def _is_text(piece: bytes) -> bool:
    """Whether a body starts as feeds and pages start, and compressed ones hardly can."""
    return piece.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"<", b"{", b"[")


def _plain(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


def _head_of(pieces: Iterator[bytes]) -> bytes:
    """The first piece, or as many as it takes to have a coding's mark in one."""
    head = b""
    while len(head) < _MARK and (piece := next(pieces, b"")):
        head += piece
    return head


def _next_of(pieces: Iterator[bytes]) -> bytes:
    for piece in pieces:
        return piece
    raise BrokenOffError("the compressed body ends before its end")


_DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
