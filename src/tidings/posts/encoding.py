"""From the bytes a server sent to text: unlabelled gzip opened, the character set found. Pure.

Order of belief (research/aggregators.md, section e): byte order mark, then valid UTF-8, then the XML declaration, then
the HTTP header, then windows-1252. Feeds that say one thing and are UTF-8 are far more common than the reverse.
"""

from __future__ import annotations

import codecs
import re
import zlib

from tidings.records import dataclass

MAX_RATIO = 200
"""Times its packed size that a document may unpack to; measured on real feeds it is 3 to 15, and 1,000 in a bomb."""

_FREE = 1_000_000  # bytes that any document may unpack to: short ones of many alike items reach high ratios honestly
_GZIP = b"\x1f\x8b"
_MAX_LAYERS = 2

# The first characters of any feed are ASCII, so where the zero bytes stand tells (XML 1.0, appendix F).
_SIGNATURES = (
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00<", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
_DECLARATION = re.compile(rb"""<\?xml[^<>]*?\sencoding\s*=\s*["']\s*([A-Za-z0-9._:-]+)""")
_CHARSET = re.compile(r"""charset\s*+=\s*+["']?\s*+([A-Za-z0-9._:-]+)""", re.IGNORECASE)

# What the labels mean on the web (WHATWG Encoding standard): the old name stands for its superset.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
# Python's own codecs that are no character sets, and the one that hides mark-up from filters.
_NOT_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "utf-7"})
# These are made of ASCII bytes, so the UTF-8 test says nothing of them.
_SEVEN_BIT = ("iso2022", "hz")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Bytes with no compression left. `complete` is False where the packed stream broke off."""

    body: bytes
    complete: bool = True


class TooLargeError(Exception):
    """The document unpacks to more bytes than it may; the message says how many that are."""


def unpack(body: bytes, limit: int) -> Unpacked:
    """Opens gzip that no header spoke of, twice at most; broken gzip gives what could be read.

    Raises TooLargeError when that gives more than `limit` bytes, or more than MAX_RATIO times the packed size.
    """
    complete = True
    room = min(limit, max(_FREE, MAX_RATIO * len(body)))
    for _ in range(_MAX_LAYERS):
        if not body.startswith(_GZIP):
            break
        body, whole = _gunzip(body, room)
        complete = complete and whole
    return Unpacked(body, complete)


def decode(body: bytes, content_type: str = "") -> str:
    """The text of a document without its byte order mark. Never raises: bytes no character set explains become U+FFFD.

    `content_type` is the HTTP header's value.
    """
    for signature, name in _SIGNATURES:
        if body.startswith(signature):
            return body.decode(name, "replace").lstrip("\ufeff")
    declared = _declared(body)
    if declared.startswith(_SEVEN_BIT):
        return body.decode(declared, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_other(body, (declared, _label(content_type)))


def _gunzip(body: bytes, room: int) -> tuple[bytes, bool]:
    """All members of a gzip stream (RFC 1952 section 2.2), and whether the last one ended."""
    pieces: list[bytes] = []
    most = room
    while body.startswith(_GZIP):
        reader = zlib.decompressobj(wbits=31)
        try:
            pieces.append(reader.decompress(body, room + 1))
        except zlib.error:
            return b"".join(pieces), False
        room -= len(pieces[-1])
        if room < 0:
            raise TooLargeError(f"it unpacks to more than {most:,} bytes")
        if not reader.eof:
            return b"".join(pieces), False
        body = reader.unused_data
    return b"".join(pieces), True


def _declared(body: bytes) -> str:
    found = _DECLARATION.search(body, 0, 2048)
    return _codec(found.group(1).decode("ascii")) if found else ""


def _label(content_type: str) -> str:
    found = _CHARSET.search(content_type)
    return _codec(found.group(1)) if found else ""


def _codec(label: str) -> str:
    """Python's name for the character set a label means; "" for an unknown one."""
    try:
        name = codecs.lookup(label).name
        b"<".decode(name, "replace")  # raises LookupError for Python's codecs that don't make text, such as "hex"
    except (LookupError, ValueError):
        return ""
    return "" if name in _NOT_CHARSETS else _SUPERSETS.get(name, name)


def _decode_other(body: bytes, names: tuple[str, ...]) -> str:
    for name in names:
        if not name or name.startswith("utf-"):
            continue
        try:
            return body.decode(name)
        except (UnicodeError, LookupError):
            continue
    damaged = body.decode("utf-8", "replace")
    if _mostly_utf8(damaged):
        return damaged
    # No name fits exactly: one bad byte must not turn a Russian feed into Latin letters.
    named = next((name for name in names if name and not name.startswith("utf-")), "cp1252")
    return body.decode(named, "replace")


def _mostly_utf8(damaged: str) -> bool:
    """Whether the document was UTF-8 but for a few bad bytes: more characters came out whole than broken."""
    broken = damaged.count("\ufffd")
    whole = len(damaged) - len(damaged.encode("ascii", "ignore")) - broken
    return whole > broken
