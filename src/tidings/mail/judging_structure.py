"""Rules on a message as mail servers see it: its bytes, its lines, its parts, its sizes."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.mail.findings import Finding, named, red, yellow
from tidings.mail.opening import Opened, addresses_in

LONGEST_LINE = 998
"""Octets without the line end (RFC 5322 section 2.1.1)."""

HTML_BUDGET = 90_000
"""Bytes of the HTML part that leave a margin: clients count them after changing the HTML a little."""

HTML_CLIPPED = 102_400
"""Bytes after which Gmail cuts the HTML off, the unsubscribe link with it (email-bugs#41)."""

_ADDRESSES = ("from", "to", "reply-to")


def structure(mail: Opened) -> Iterator[Finding]:
    """Judges bytes, lines, parts and sizes."""
    if mail.defects:
        yield red(
            "mime-defects",
            f"programs that read this mail will stumble over it: {named(mail.defects)}. Send none of it; "
            "the message is not built as RFC 2045 asks.",
        )
    yield from _lines(mail)
    yield from _eight_bit(mail)
    yield from _parts(mail)
    yield from _size(mail)


def _lines(mail: Opened) -> Iterator[Finding]:
    lines = mail.raw.split(b"\r\n")
    if any(b"\r" in line or b"\n" in line for line in lines):
        yield red("line-ends", "some lines do not end in CR LF; mail servers refuse such a message or change it.")
    longest = max(map(len, lines))
    if longest > LONGEST_LINE:
        yield red("line-length", f"a line has {longest} octets; mail allows {LONGEST_LINE}, servers cut what is over.")


def _eight_bit(mail: Opened) -> Iterator[Finding]:
    bad = [name for name, value in mail.headers if not name.isascii() or not _plain(name, value)]
    if bad:
        yield red("eight-bit-header", f"not plain ASCII: the header {named(bad)}. It has to be encoded (RFC 2047).")
    for part in mail.parts:
        if not part.wire.isascii() and part.encoding not in ("8bit", "binary"):
            yield red("eight-bit-body", f"the part {part.type} has bytes beyond ASCII and does not declare 8bit.")


def _plain(name: str, value: bytes) -> bool:
    """Whether a header is ASCII; addresses that ASCII can't hold may be UTF-8 before their @ (RFC 6532)."""
    if value.isascii() or name not in _ADDRESSES:
        return value.isascii()
    rest = value.decode("utf-8", "replace")
    for address in addresses_in(rest):
        local, _, domain = address.rpartition("@")
        if domain.isascii() and local:
            rest = rest.replace(local, "")
    return rest.isascii()


def _parts(mail: Opened) -> Iterator[Finding]:
    if mail.shape != ("multipart/alternative", "text/plain", "text/html"):
        found = " ".join(mail.shape) or "nothing"
        yield red(
            "mime-structure",
            f"a mail is multipart/alternative with text/plain, then text/html; this one is {named([found])}.",
        )
    for part in mail.parts:
        if not part.type.startswith("text/"):
            continue
        if part.charset != "utf-8":
            yield red("charset", f"the part {part.type} declares {named([part.charset or 'no charset'])}, not utf-8.")
        elif not _is_utf8(part.content):
            yield red("charset", f"the part {part.type} declares utf-8 and has other bytes.")
    if not mail.whole:
        yield red("html-unreadable", "the HTML breaks off at a marked section (“<![”); take it out of the template.")


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _size(mail: Opened) -> Iterator[Finding]:
    size = len(mail.html.encode("utf-8", "replace"))
    advice = "Lower max_posts, or show less of each post (content)."
    if size > HTML_CLIPPED:
        yield red("html-size", f"the HTML has {size:,} bytes; Gmail cuts it off after {HTML_CLIPPED:,}. {advice}")
    elif size > HTML_BUDGET:
        yield yellow("html-size", f"the HTML has {size:,} bytes; Gmail cuts off after {HTML_CLIPPED:,}. {advice}")
