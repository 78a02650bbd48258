"""A body that all readers of an issue share but for their own links, so that it is made and encoded once for them.

The parts are rendered with something in place of a reader's token that is as long. Its places are found in the encoded
body, and a message is the pieces between them with the reader's token there. That takes microseconds; encoding a body
anew takes longer than all else of a message.

A token has characters that no encoding changes, so in quoted-printable it stands as it is, across line breaks maybe. In
base64 three octets become four characters together (RFC 2045 section 6.8), so its neighbours are encoded with it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import b2a_base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

_BASE64_LINE = 76
_BREAK = {True: b"\r\n", False: b"=\r\n"}
"""How an encoded line goes on in the next one: of base64, and of quoted-printable."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A place for a token: the octets that are encoded with it, and after how many encoded characters lines end."""

    before: bytes
    after: bytes
    breaks: tuple[int, ...]
    is_base64: bool

    def filled(self, token: bytes) -> bytes:
        """The token as it is encoded there."""
        text = self.before + token + self.after
        if self.is_base64:
            text = b2a_base64(text, newline=False)
        if not self.breaks:
            return text
        return _BREAK[self.is_base64].join(text[begin:end] for begin, end in pairwise((0, *self.breaks, len(text))))


@dataclass(frozen=True, slots=True)
class Shared:
    """What readers share of a body: the pieces around its gaps, one more than there are gaps."""

    pieces: tuple[bytes, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The body of one reader's message; without gaps, that of all."""

    shared: Shared
    token: str = ""

    def fillings(self) -> list[bytes]:
        """What stands in the gaps."""
        token = self.token.encode("ascii")
        return [gap.filled(token) for gap in self.shared.gaps]

    def __bytes__(self) -> bytes:
        pieces = self.shared.pieces
        if len(pieces) == 1:
            return pieces[0]
        woven = [pieces[0]]
        for filling, piece in zip(self.fillings(), pieces[1:], strict=True):
            woven += (filling, piece)
        return b"".join(woven)


_Place = tuple[int, int, Gap]
"""Where a gap begins and ends."""


def shared(body: bytes, boundary: str, stand_in: str) -> Shared:
    """A multipart body with gaps wherever `stand_in` is in one of its parts; "" is nowhere."""
    if not stand_in:
        return Shared((body,))
    return _cut(body, _places(body, f"--{boundary}".encode("ascii"), stand_in.encode("ascii")))


def shared_text(body: bytes, stand_in: str, *, is_base64: bool) -> Shared:
    """A body without parts, with gaps in the same way; what is not base64 is quoted-printable."""
    if not stand_in:
        return Shared((body,))
    find = _in_base64 if is_base64 else _in_quoted_printable
    return _cut(body, find(body, stand_in.encode("ascii")))


def _cut(body: bytes, places: Iterable[_Place]) -> Shared:
    pieces, gaps, done = [], [], 0
    for begin, end, gap in places:
        pieces.append(body[done:begin])
        gaps.append(gap)
        done = end
    return Shared((*pieces, body[done:]), tuple(gaps))


def _places(body: bytes, delimiter: bytes, stand_in: bytes) -> Iterator[_Place]:
    """Where the gaps begin and end, in order."""
    at = body.index(delimiter)
    while (end := body.find(delimiter, at + len(delimiter))) >= 0:
        head, _, _ = body[at:end].partition(b"\r\n\r\n")
        begin = at + len(head) + 4
        in_part = _in_base64 if b"base64" in head.lower() else _in_quoted_printable
        for first, last, gap in in_part(body[begin:end], stand_in):
            yield begin + first, begin + last, gap
        at = end


def _in_quoted_printable(text: bytes, stand_in: bytes) -> Iterator[_Place]:
    broken = _BREAK[False]
    pattern = b"(?:" + re.escape(broken) + b")?"
    for found in re.finditer(pattern.join(re.escape(stand_in[n : n + 1]) for n in range(len(stand_in))), text):
        lines = found[0].split(broken)
        breaks = [sum(map(len, lines[:n])) for n in range(1, len(lines))]
        yield found.start(), found.end(), Gap(b"", b"", tuple(breaks), is_base64=False)


def _in_base64(text: bytes, stand_in: bytes) -> Iterator[_Place]:
    octets = b64decode(text)
    at = octets.find(stand_in)
    while at >= 0:
        after = at + len(stand_in)
        # Whole groups of three octets; the last of the text may be shorter.
        first, last = at // 3 * 3, min(-(-after // 3) * 3, len(octets))
        begin, end = first // 3 * 4, -(-last // 3) * 4
        line_ends = range(-(-(begin + 1) // _BASE64_LINE) * _BASE64_LINE, end, _BASE64_LINE)
        breaks = tuple(line_end - begin for line_end in line_ends)
        gap = Gap(octets[first:at], octets[after:last], breaks, is_base64=True)
        yield _broken(begin), _broken(end - 1) + 1, gap
        at = octets.find(stand_in, after)


def _broken(character: int) -> int:
    """Where a character of base64 stands, line ends counted."""
    return character + character // _BASE64_LINE * len(_BREAK[True])
