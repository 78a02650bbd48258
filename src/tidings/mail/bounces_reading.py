"""The parts of a message that came back. Pure, in linear time, and without complaint about any bytes.

The standard library's parser is not used: parts within parts cost it time by the square, or its stack, and it trusts
the labels. Here a message is read once, line by line, and everything has a limit.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from html import unescape

_LONGEST = 500_000  # bytes that are read: a report comes before the message it returns
_LONGEST_PART = 100_000
_LONGEST_VALUE = 2_000  # characters; `decode_header` takes time by the square
_MOST_HEADERS = 300
_MOST_PARTS = 50
_DEEPEST = 8

_HEADER = re.compile(rb"([!-9;-~]{1,80})[ \t]*:(.*)", re.DOTALL)
_BOUNDARY = re.compile(r'\bboundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))', re.IGNORECASE)
_CHARSET = re.compile(r'\bcharset\s*=\s*"?([\w.:-]{1,40})', re.IGNORECASE)
# Python has codecs that are no character sets, and slow ones.
_CHARSETS = re.compile(
    r"utf-?(7|8|16|32)([-_]?[lb]e)?|(us-)?ascii|iso-?8859-\d+|latin-?\d|(windows-|cp)\d+|koi8-[rut]|iso-2022-[a-z0-9-]+"
    r"|(shift[-_]?|s)jis|euc[-_](jp|kr|tw|cn)|gb2312|gbk|gb18030|big5(-?hkscs)?|tis-620",
    re.IGNORECASE,
)
_LINE_TAGS = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?h\d)\b[^<>]{0,500}>", re.IGNORECASE)
_TAGS = re.compile(r"<[^<>]{0,2000}>")
_ANGLED = re.compile(r"<\s{0,5}([^\s<>]{1,320})\s{0,5}>")
_BARE = re.compile(r"[^\s<>(),;:\"\[\]]{1,64}@[^\s<>(),;:\"\[\]]{1,255}")
_ORIGINALS = frozenset(
    "message/rfc822 text/rfc822-headers message/rfc822-headers message/global message/global-headers".split()
)

Headers = Mapping[str, str]
"""Values by lower-case name, on one line each; of a header that is repeated, the first."""


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a message: its media type, lower case, and its text, decoded."""

    type: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A message: its headers and its leaves, in order. What a returned message holds is one leaf."""

    headers: Headers
    parts: tuple[Part, ...]

    def header(self, name: str) -> str:
        """A header with its encoded words decoded (RFC 2047), or ""."""
        return words(self.headers.get(name.lower(), ""))

    @property
    def media_type(self) -> str:
        """The media type of the whole."""
        return _media_type(self.headers)

    @property
    def text(self) -> str:
        """What is written for people: the plain texts, else the HTML without its tags."""
        plain = [part.text for part in self.parts if part.type == "text/plain" and part.text.strip()]
        return "\n\n".join(plain) or "\n\n".join(_without_tags(part.text) for part in self.parts if "html" in part.type)

    @property
    def original(self) -> Headers:
        """The headers of the message that it returns, or none."""
        for part in self.parts:
            if part.type in _ORIGINALS:
                return read_headers(part.text)
        return {}


def read_letter(message: bytes) -> Letter:
    """The parts of a message. Never raises; beyond the limits nothing is read."""
    lines = message[:_LONGEST].splitlines()
    start = 1 if lines and lines[0].startswith(b"From ") else 0  # a mailbox file's own line
    headers, start = _read_headers(lines, start)
    parts = _split(lines, start, headers)
    return Letter(headers, tuple(parts) or (_part(headers, lines[start:]),))


def read_headers(text: str) -> Headers:
    """The headers that `text` begins with."""
    lines = text.encode("utf-8", "replace").splitlines()
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    return _read_headers(lines, start)[0]


def read_blocks(text: str) -> list[Headers]:
    """Groups of fields with blank lines between, as in RFC 3464 section 2.1. Where a field is repeated without a blank
    line a new group begins, since some servers forget them."""
    lines = text.encode("utf-8", "replace").splitlines()
    blocks: list[Headers] = []
    at = 0
    while at < len(lines) and len(blocks) < _MOST_PARTS:
        block, after = _read_headers(lines, at, repeats=False)
        if block:
            blocks.append(block)
        at = max(after, at + 1)
    return blocks


def mailbox(value: str) -> str:
    """The address in a header's value, or "". (The standard library's reading of it can exhaust the stack.)"""
    angled = _ANGLED.findall(value)
    if angled or "<>" in value:
        return angled[-1] if angled else ""
    bare = _BARE.search(value)
    return bare[0] if bare else ""


def mailboxes(value: str) -> list[str]:
    """All addresses in a header's value that are written without quotes."""
    return _BARE.findall(value)


def words(value: str) -> str:
    """A header's value with its encoded words decoded; as it is where that fails."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(piece if isinstance(piece, str) else _decode(piece, charset or "") for piece, charset in pieces)


def _split(lines: Sequence[bytes], start: int, headers: Headers) -> list[Part]:
    parts: list[Part] = []
    boundaries: list[bytes] = []
    body: list[bytes] = []
    current = _enter(headers, boundaries)
    at = start
    while at < len(lines) and len(parts) < _MOST_PARTS:
        line = lines[at]
        at += 1
        level = _level(line, boundaries)
        if level is None:
            body.append(line)
            continue
        if current is not None:
            parts.append(_part(current, body))
        body = []
        closes = line.rstrip() != b"--" + boundaries[level]
        del boundaries[level if closes else level + 1 :]
        current = None
        if not closes:
            inner, at = _read_headers(lines, at)
            current = _enter(inner, boundaries)
    if current is not None and len(parts) < _MOST_PARTS:
        parts.append(_part(current, body))
    return parts


def _enter(headers: Headers, boundaries: list[bytes]) -> Headers | None:
    """The headers of a leaf that begins; None where parts begin, whose boundary is noted."""
    if not _media_type(headers).startswith("multipart/") or len(boundaries) >= _DEEPEST:
        return headers
    found = _BOUNDARY.search(headers["content-type"])
    if not found:
        return headers
    boundaries.append((found[1] or found[2]).strip().encode("utf-8", "replace"))
    return None


def _level(line: bytes, boundaries: Sequence[bytes]) -> int | None:
    if not line.startswith(b"--"):
        return None
    mark = line.rstrip()[2:]
    for level, boundary in enumerate(boundaries):
        if mark in (boundary, boundary + b"--"):
            return level
    return None


def _read_headers(lines: Sequence[bytes], at: int, repeats: bool = True) -> tuple[Headers, int]:
    """Headers from a line on, and the line after them. Ends at a blank line, or before one that can be no header."""
    headers: dict[str, str] = {}
    name = ""
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            return headers, at + 1
        found = None if line[:1] in (b" ", b"\t") else _HEADER.match(line)
        if found:
            name = found[1].decode("ascii").lower()
            if not repeats and name in headers:
                return headers, at
            if name in headers or len(headers) >= _MOST_HEADERS:
                name = ""
            else:
                headers[name] = _octets_as_text(found[2].strip())[:_LONGEST_VALUE]
        elif line[:1] not in (b" ", b"\t"):
            return headers, at
        elif name and len(headers[name]) < _LONGEST_VALUE:
            headers[name] = f"{headers[name]} {_octets_as_text(line.strip())}".strip()[:_LONGEST_VALUE]
        at += 1
    return headers, at


def _part(headers: Headers, body: Sequence[bytes]) -> Part:
    octets = b"\n".join(body)[:_LONGEST_PART]
    encoding = headers.get("content-transfer-encoding", "").strip().lower()
    charset = _CHARSET.search(headers.get("content-type", ""))
    return Part(_media_type(headers), _decode(_unpacked(octets, encoding), charset[1] if charset else ""))


def _unpacked(octets: bytes, encoding: str) -> bytes:
    if encoding == "quoted-printable":
        return binascii.a2b_qp(octets)
    if encoding != "base64":
        return octets
    letters = b"".join(octets.split())
    try:
        return base64.b64decode(letters[: len(letters) // 4 * 4])
    except ValueError:
        return octets


def _media_type(headers: Headers) -> str:
    declared = headers.get("content-type", "").partition(";")[0].strip().lower()
    return declared if "/" in declared else "text/plain"


def _decode(octets: bytes, charset: str) -> str:
    if not _CHARSETS.fullmatch(charset):
        return _octets_as_text(octets)
    try:
        # UTF-7 can spell halves of characters, which no other encoding can hold, and no database.
        return octets.decode(charset, "replace").encode("utf-8", "replace").decode("utf-8")
    except (LookupError, UnicodeError):
        return _octets_as_text(octets)


def _octets_as_text(octets: bytes) -> str:
    """UTF-8 where it is; else each octet is a character, which loses nothing of what is ASCII."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _without_tags(html: str) -> str:
    return unescape(_TAGS.sub(" ", _LINE_TAGS.sub("\n", html)))
