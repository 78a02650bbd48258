"""What feeds in XML are made of: text, links, dates, and ids that are made.

Elements are built as a tree, so that a document is well-formed whatever they contain.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement, indent, tostring
from xml.sax.saxutils import quoteattr

from tidings.render.words import language_tag

XHTML = "http://www.w3.org/1999/xhtml"
"""The namespace of the mark that keeps search engines away as Planet Venus reads it."""

# XML 1.0, production 2 (Char): everything else cannot be written in a document, not even as a reference.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# RFC 3987: what an IRI cannot contain unescaped, and brackets, which only an IPv6 host may have.
_NOT_IRI = re.compile(r"""[\x00-\x20\x7f-\xa0<>"{}|\\^`\[\]\s\ud800-\udfff\ue000-\uf8ff\ufff0-\uffff]""")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def serialise(root: Element, stylesheet: str = "") -> bytes:
    """The document in UTF-8; with a style sheet, for who opens it in a browser."""
    indent(root, " ")
    styled = f'<?xml-stylesheet type="text/css" href={quoteattr(stylesheet)}?>\n' if stylesheet else ""
    document = tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{styled}{document}\n'.encode()


def made_id(name: str) -> str:
    """An id made of a name: the same for the same, and no other's."""
    return f"urn:uuid:{uuid5(NAMESPACE_URL, name)}"


def is_absolute_iri(text: str) -> bool:
    """Whether `text` may stand as an Atom id as it is (RFC 4287 4.2.6)."""
    if not _SCHEME.match(text) or _NOT_IRI.search(text) or _LONE_PERCENT.search(text) or text.count("#") > 1:
        return False
    try:
        return not text.lower().startswith(("http:", "https:")) or bool(urlsplit(text).netloc)
    except ValueError:
        return False


def add_text(parent: Element, name: str, text: str, **attributes: str) -> None:
    """An element with a text; what XML cannot hold is replaced."""
    SubElement(parent, name, attributes).text = legal(text)


def add_link(parent: Element, rel: str, href: str, name: str = "link", **attributes: str) -> None:
    """A link of Atom, called `name` in this document; attributes without a value are left out."""
    pairs = {"rel": rel, "href": iri(href)} | {key: legal(value) for key, value in attributes.items() if value}
    SubElement(parent, name, pairs)


def add_robots(parent: Element) -> None:
    """The wish to be in no search engine. The prefix is for the root to declare: one declared inside an entry makes it
    depend on more than itself, to readers that read only what is new."""
    SubElement(parent, "xhtml:meta", {"name": "robots", "content": "noindex"})


def in_language(attributes: dict[str, str], language: str) -> dict[str, str]:
    """Attributes with the language of what they are of, if that is a language tag."""
    tag = language_tag(language)
    return attributes | {"xml:lang": tag} if tag else attributes


def legal(text: str) -> str:
    """`text` with a sign in place of every character that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)


def iri(url: str) -> str:
    """`url` with what an IRI cannot contain percent-encoded; feeds have links with spaces in them."""
    escaped = _NOT_IRI.sub(lambda found: quote(found.group(), errors="replace"), url.strip())
    return _LONE_PERCENT.sub("%25", escaped)


def rfc3339(moment: datetime) -> str:
    """A moment as Atom and JSON Feed write it (RFC 4287 3.3)."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
