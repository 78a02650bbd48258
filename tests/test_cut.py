"""Where the items of a document stand, and what is not cut at all."""

from __future__ import annotations

import pytest

from tests.documents import atom, rss
from tidings.posts.cut import MAX_SPANS, Span, find_spans, fingerprint, without

ONE = "<item><title>1</title></item>"
TWO = "<item><title>2</title></item>"


def items_of(text: str) -> list[str] | None:
    spans = find_spans(text, 0)
    return None if spans is None else [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    "item",
    [
        ONE,
        "<item>a < b</item>",  # not for us to judge: the strict reader refuses the document
        "<item><![CDATA[</item><item>]]></item>",
        "<item><!-- </item> <item> <![CDATA[ --></item>",
        "<item><?php '</item>' ?></item>",
        "<item>&lt;/item&gt;</item>",
        "<item a='>' b=\"/'>\"></item>",
        '<item rdf:about="https://blog.example/1">x</item\n>',
        "<rss:item><x/></rss:item>",
        "<é:item/ ></é:item>",
        "<ITEM>x</ITEM>",
        "<item><items/><itemised>x</itemised><my-item/><entry-1/></item>",
        "<item></item>",
    ],
)
def test_an_item_goes_from_its_start_tag_to_its_end_tag(item: str) -> None:
    """Whatever stands in comments, CDATA, instructions, attributes or references begins and ends no item."""
    assert items_of(rss(f"{ONE}\n<!-- between -->{item} {TWO}\n")) == [ONE, item, TWO]


def test_entries_are_items() -> None:
    """Atom's entries are found like the items of RSS."""
    assert items_of(atom("<entry>1</entry><entry>2</entry>")) == ["<entry>1</entry>", "<entry>2</entry>"]


@pytest.mark.parametrize(
    "items",
    [
        "",
        "<item/>",
        f"{ONE}<item/>",
        f"<item>{ONE}</item>",
        f"<item><media:group><entry>x</entry></media:group></item>{TWO}",
        f"{ONE}</item>",
        f"{ONE}<item>",
        "<item><![CDATA[</item>",
        "<item><!--</item>",
        "<item><?</item>",
        "<item a='></item>",
        f'<item xmlns:a="urn:a"><a:x/></item>{TWO}',
        f"{ONE}<title>T</title>{TWO}",
        f"{ONE}text{TWO}",
        f"{ONE}<?x?>{TWO}",
        f"{ONE}<!-- open{TWO}",
        f"{ONE}{TWO}<image/>",
        f"{ONE}{TWO}<![CDATA[x]]>",
        f"<item>{'x' * 10}</item>" * (MAX_SPANS + 1),
    ],
)
def test_what_is_not_plain_is_not_cut(items: str) -> None:
    """No items, items in items, empty ones, unfinished ones, own namespaces, and anything but comments around them."""
    assert items_of(rss(items)) is None


def test_what_stands_before_the_root_is_not_looked_at() -> None:
    """An item in a comment or in junk before the document is none of its items."""
    text = f"<item> junk {rss(ONE)}"
    spans = find_spans(text, text.index("<rss"))
    assert spans is not None
    assert [text[span.start : span.end] for span in spans] == [ONE]


def test_leaving_items_out_leaves_the_rest_as_it_is() -> None:
    """What is cut out are the items at the positions given and nothing else."""
    text = rss(f" {ONE}\n{TWO}\n<!-- -->{ONE} ")
    spans = find_spans(text, 0)
    assert spans is not None
    assert without(text, spans, ()) == text
    assert without(text, spans, {0, 2}) == rss(f" \n{TWO}\n<!-- --> ")
    assert without(text, spans, {0, 1, 2}) == rss(" \n\n<!-- --> ")


def test_one_changed_character_is_another_fingerprint() -> None:
    """Equal mark-up has equal fingerprints; any difference shows, and no text makes it fail."""
    text = f"{ONE}{ONE}{TWO}\ud800"
    one, same, other = (fingerprint(text, Span(at, at + len(ONE))) for at in (0, len(ONE), 2 * len(ONE)))
    assert one == same != other
    assert len(fingerprint(text, Span(0, len(text)))) == 32


@pytest.mark.parametrize("piece", ["<item a='", "<!--", "<![CDATA[", "<?", "<", "<a:", "<a:item ", "</item", "<item>"])
def test_hostile_text_takes_no_longer_than_it_is_long(piece: str) -> None:
    """Many beginnings of anything are looked through once: squared, this would take hours."""
    text = "<rss>" + piece * (2_000_000 // len(piece))
    assert find_spans(text, 0) is None
