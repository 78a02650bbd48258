"""Any document, real or made up and then damaged, is read or refused, and what is read keeps the rules of the model.

A few thousand documents here; benchmarks/fuzz.py makes as many as you like of the same, in workers with limits.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.corpus import CORPUS, needs_corpus
from tests.deciding import decide
from tests.documents import URL
from tests.mutations import DOCTYPES, NAMES, VALUES, broken_promises, mutate, samples
from tidings.model import Document, ParsedFeed
from tidings.posts.parse import parse


def check(body: bytes) -> None:
    """Reads, decides and cleans; twice, since nothing may depend on anything but the bytes."""
    document = Document(URL, body)
    parsed = parse(document)
    assert broken_promises(parsed) == []
    assert parse(document) == parsed
    if isinstance(parsed, ParsedFeed):
        assert broken_promises(decide(parsed, {})) == []


@pytest.mark.parametrize("seed", range(8))
def test_damaged_feeds_break_no_promise(seed: int) -> None:
    """Bytes flipped, cut, doubled and spliced; elements renamed, values and encodings changed, entities declared."""
    chance, made = random.Random(seed), samples(None)
    for _ in range(100):
        check(mutate(chance, made))


@needs_corpus
@pytest.mark.parametrize("seed", range(8))
def test_damaged_real_feeds_break_no_promise(seed: int) -> None:
    """The same with feeds that somebody served."""
    chance, real = random.Random(seed), samples(CORPUS / "feeds")
    for _ in range(50):
        check(mutate(chance, real))


TEXTS = st.one_of(st.sampled_from(VALUES), st.text(max_size=30))
ATTRIBUTES = st.dictionaries(
    st.sampled_from("type href url rel xml:base xml:lang isPermaLink length term label mode src".split()),
    TEXTS.map(lambda text: text.replace("<", "&lt;").replace("'", "")),
    max_size=3,
).map(lambda pairs: "".join(f" {name}='{value}'" for name, value in pairs.items()))
TREES = st.recursive(
    TEXTS,
    lambda inner: st.tuples(st.sampled_from(NAMES), ATTRIBUTES, st.lists(inner, max_size=4)).map(
        lambda parts: f"<{parts[0]}{parts[1]}>{''.join(parts[2])}</{parts[0]}>"
    ),
    max_leaves=25,
)
ROOTS = st.sampled_from(
    [("<rss version='2.0'><channel>", "</channel></rss>"), ("<feed xmlns='http://www.w3.org/2005/Atom'>", "</feed>")]
)
CHARSETS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "koi8-r", "shift_jis"])


@given(ROOTS, st.lists(TREES, max_size=8), st.sampled_from(["", *DOCTYPES]), CHARSETS)
@settings(max_examples=300, deadline=None)
def test_feed_shaped_trees_break_no_promise(
    root: tuple[str, str], children: list[str], prologue: str, charset: str
) -> None:
    """Elements of feeds nested in any way, with attributes and values that mean something and should not."""
    check(f"{prologue}{root[0]}{''.join(children)}{root[1]}".encode(charset, "replace"))
