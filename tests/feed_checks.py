"""What holds for every feed we publish, checked by the rules of its format and not by our own code.

Atom by the grammar of RFC 4287 and what its prose says beside it, RSS by `tests/rss_profile.py`, JSON Feed by a schema.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import rnc2rng
from lxml import etree

from tests.rss_profile import assert_rss
from tidings.render.xml import is_absolute_iri

_DATA = Path(__file__).parent / "data"
ATOM = {"a": "http://www.w3.org/2005/Atom"}
_RFC3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
# Names may be long, trees deep: what is checked is the form of a feed, not whether it is too large for a parser.
_PARSER = etree.XMLParser(huge_tree=True, resolve_entities=False)


def _read_grammar(path: Path) -> etree.RelaxNG:
    grammar = rnc2rng.dumps(rnc2rng.loads(path.read_text(encoding="utf-8")))
    # XML cannot declare a prefix for no namespace; the names that had it say so themselves.
    return etree.RelaxNG(etree.fromstring(grammar.replace(' xmlns:local=""', "").encode()))


ATOM_GRAMMAR = _read_grammar(_DATA / "atom.rnc")
JSON_FEED = jsonschema.Draft202012Validator(
    json.loads((_DATA / "jsonfeed-1.1.schema.json").read_text(encoding="utf-8")),
    format_checker=jsonschema.FormatChecker(),
)


def assert_atom(document: bytes) -> etree._Element:
    """The document's root, after every rule of RFC 4287 that applies to it was checked."""
    root = etree.fromstring(document, _PARSER)
    ATOM_GRAMMAR.assertValid(root)
    for entry in root.iterfind("a:entry", ATOM):
        assert entry.findtext("a:author/a:name", namespaces=ATOM).strip()  # 4.1.2
        assert len(entry.findall("a:link[@rel='alternate']", ATOM)) == 1  # 4.1.2
        source = entry.find("a:source", ATOM)
        assert source is None or is_absolute_iri(source.findtext("a:id", namespaces=ATOM) or "")  # 4.2.11
    for date in root.xpath("//a:updated | //a:published", namespaces=ATOM):
        assert _RFC3339_UTC.fullmatch(date.text)  # 3.3
    ids = [element.text for element in root.xpath("/a:feed/a:id | /a:feed/a:entry/a:id", namespaces=ATOM)]
    assert all(is_absolute_iri(element) for element in ids)  # 4.2.6
    assert len(set(ids)) == len(ids)
    assert not root.xpath("//a:link[not(string(@href))] | //a:category[not(@term)]", namespaces=ATOM)
    return root


def assert_json_feed(document: bytes) -> dict[str, Any]:
    """The feed, after it was checked to be a JSON Feed 1.1, in UTF-8, with no id twice."""
    feed: dict[str, Any] = json.loads(document.decode("utf-8"))
    JSON_FEED.validate(feed)
    ids = [item["id"] for item in feed["items"]]
    assert len(set(ids)) == len(ids)
    return feed


def assert_feed(path: str, document: bytes) -> int:
    """Checks a published feed by its name; returns how many entries it has."""
    if path.endswith(".json"):
        return len(assert_json_feed(document)["items"])
    if path.endswith("rss.xml"):
        return len(assert_rss(document).findall("channel/item"))
    return len(assert_atom(document).findall("a:entry", ATOM))
