"""A message taken apart for judging, whatever its bytes are: header lines, parts, and the HTML as a tree."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message
from email.utils import getaddresses

from tidings.mail.tree import Element, read_tree

_LONGEST_ADDRESSES = 10_000  # characters
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Part:
    """One part that is not a multipart: its type as in "text/html", what its headers declare, its decoded octets.

    `wire` is the body as it stands in the message, `content` has its transfer encoding undone.
    """

    type: str
    charset: str
    encoding: str
    wire: bytes
    content: bytes

    @property
    def text(self) -> str:
        """The content as UTF-8 with Unix line ends, as it was before it was packed; what is no UTF-8 is replaced."""
        return self.content.decode("utf-8", "replace").replace("\r\n", "\n")


@dataclass(frozen=True, slots=True)
class Opened:
    """A message and what is in it. `headers` are the header lines unfolded, names in lower case, and `shape` the type
    of the root and those of all parts in it. `defects` are the parser's complaints, `whole` is False where the HTML
    could not be read to its end."""

    raw: bytes
    headers: tuple[tuple[str, bytes], ...]
    shape: tuple[str, ...]
    parts: tuple[Part, ...]
    defects: tuple[str, ...]
    html: str
    text: str
    tree: Element
    whole: bool

    def header(self, name: str) -> str | None:
        """The first header of that name (in lower case) as it is written, unfolded; None when there is none."""
        return next((value.decode("utf-8", "replace") for key, value in self.headers if key == name), None)


def open_message(raw: bytes) -> Opened:
    """Takes any bytes apart. Never raises: what cannot be read is among the defects."""
    shape: tuple[str, ...] = ()
    parts: list[Part] = []
    defects: list[str] = []
    try:
        message: Message = email.message_from_bytes(raw, policy=email.policy.SMTP)
        sections = list(message.walk())
        shape = tuple(section.get_content_type() for section in sections)
        parts = [_part(section) for section in sections if not section.is_multipart()]
        defects = [type(defect).__name__ for section in sections for defect in section.defects]
    except Exception as error:
        # The standard library's header parser meets hostile headers with whatever breaks first: IndexError,
        # AttributeError, ValueError. A judge that falls over lets the mail pass unseen.
        defects.append(f"the message could not be read: {type(error).__name__}")
    html = next((part.text for part in parts if part.type == "text/html"), "")
    text = next((part.text for part in parts if part.type == "text/plain"), "")
    tree, whole = read_tree(html)
    return Opened(raw, _headers(raw), shape, tuple(parts), tuple(defects), html, text, tree, whole)


def addresses_in(value: str) -> list[str]:
    """The addresses of a header, without names; none where they cannot be read."""
    try:
        return [address for _, address in getaddresses([value[:_LONGEST_ADDRESSES]])]
    except (RecursionError, IndexError, ValueError, TypeError):
        return []  # Comments in comments are read by recursion, and hostile ones never end.


def _part(section: Message) -> Part:
    written = section.get_payload()
    content = section.get_payload(decode=True)
    return Part(
        type=section.get_content_type(),
        charset=(section.get_content_charset() or "").lower(),
        encoding=str(section.get("Content-Transfer-Encoding", "7bit")).strip().lower(),
        wire=written.encode("utf-8", "surrogateescape") if isinstance(written, str) else b"",
        content=content if isinstance(content, bytes) else b"",
    )


def _headers(raw: bytes) -> tuple[tuple[str, bytes], ...]:
    """The lines of the head; one without a colon has its whole text as its name."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0]
    lines = re.split(rb"\r?\n", _FOLD.sub(b"", head))
    pairs = (line.partition(b":") for line in lines if line)
    return tuple((name.decode("ascii", "replace").strip().lower(), value.strip()) for name, _, value in pairs)
