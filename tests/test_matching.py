"""Which rules are about an element: what CSS says, found without looking up what is around each one."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.judged_mail import packed, with_html
from tests.render_samples import FOOTER
from tidings.mail.judging import Asked, judge
from tidings.mail.matching import Around, Matching
from tidings.mail.stylesheet import Compound, Rule, fits, rules
from tidings.mail.tree import Element, read_tree


def found(sheet: list[Rule], tree: Element) -> list[list[Rule]]:
    """The rules about each element of a document, in its order."""
    matching = Matching(sheet)
    listed: list[list[Rule]] = []

    def go(element: Element, around: Around) -> None:
        match = matching.match(element, around)
        listed.append(list(match.rules))
        for child in element.children:
            if isinstance(child, Element):
                go(child, match.within)

    go(tree, Around())
    return listed[1:]


def holds(selector: tuple[Compound, ...], element: Element) -> bool:
    """CSS in its own words: the last compound fits, and what is before it holds of the parent, or of any around."""
    if not fits(selector[-1], element):
        return False
    around = list(element.ancestors())[: 1 if selector[-1].child else None]
    return len(selector) == 1 or any(holds(selector[:-1], one) for one in around)


@pytest.mark.parametrize(
    ("selector", "count"),
    [
        ("p", 2),
        ("div p", 2),
        ("div > p", 1),
        ("section p", 0),
        (".a p", 2),
        (".a > div > p", 1),
        (".a > div p", 2),  # the nearest div is not in .a itself, one further out is
        ("p > p", 0),
        ("div div div p", 1),
        ("div div div div p", 0),
        ("[dir=rtl] b, b", 1),
        (":root b", 0),
        ("* > b", 1),
    ],
)
def test_selectors_find_what_css_says(selector: str, count: int) -> None:
    """Below and inside, by type, class and attribute; also where the nearest element that fits is not the one."""
    html = "<body><div class=a><div><p>1</p><div dir=ltr><span><p>2</p></span><b>3</b></div></div></div></body>"
    tree, _ = read_tree(html)
    assert sum(bool(one) for one in found(rules(f"{selector} {{color:red}}", "light"), tree)) == count


_PARTS = st.sampled_from(["p", "div", "*", ".a", "p.a", ".a.b", "#i", "[dir]", "[dir=rtl]", ":link", "a:link"])
_SELECTORS = st.lists(st.tuples(_PARTS, st.sampled_from([" ", " > "])), min_size=1, max_size=4).map(
    lambda parts: "".join(part + joint for part, joint in parts[:-1]) + parts[-1][0]
)
_TAGS = st.sampled_from(
    ["<p>", "<p class=a>", "<div class='a b'>", "<div id=i>", "<div dir=rtl>", "<a href=x>", "<a>", "</>", "</>", "</>"]
)


@settings(max_examples=200)
@given(selectors=st.lists(_SELECTORS, max_size=6), tags=st.lists(_TAGS, max_size=25))
def test_every_rule_is_found_and_no_other(selectors: list[str], tags: list[str]) -> None:
    """For any selectors and any document, each element has the rules that CSS gives it, in the order of the sheet."""
    tree, _ = read_tree(_document(tags))
    sheet = rules("".join(f"{selector} {{color:red}}" for selector in selectors), "light")
    expected = [[rule for rule in sheet if holds(rule.selector, element)] for element in _in_order(tree)]
    assert found(sheet, tree) == expected


def _document(tags: list[str]) -> str:
    """Tags as a document, where </> ends what is open."""
    html, opened = "", list[str]()
    for tag in tags:
        if tag != "</>":
            opened.append(tag[1:].split()[0].rstrip(">"))
            html += tag
        elif opened:
            html += f"</{opened.pop()}>"
    return html


def _in_order(tree: Element) -> list[Element]:
    listed: list[Element] = []
    for child in tree.children:
        if isinstance(child, Element):
            listed += [child, *_in_order(child)]
    return listed


LINK = '<a href="https://b.example/">u</a> '
COSTLY = {
    "links in depth": "<div>" * 380 + LINK * 2000 + "</div>" * 380,
    "many bits": "<b>x</b> " * 8000,
    "never the same": "".join(f"<p style='color:#{n:06x}'>x</p>" for n in range(2500)),
    "nested headings": "<h2>" * 380 + "word " * 15_000 + "</h2>" * 380,
}


@pytest.mark.parametrize("html", COSTLY.values(), ids=COSTLY)
def test_no_mail_of_a_usual_size_costs_much(html: str) -> None:
    """A mail of 90 KB is judged in about a second of computing, whatever it is made of."""
    message = packed(with_html(html))
    before = process_time()
    judge(message, Asked(FOOTER.postal_address))
    assert process_time() - before < 3
