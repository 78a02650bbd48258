"""Mark-up that an HTML parser leaves as it is."""

from __future__ import annotations

import nh3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tidings.posts.nesting import reads_as_written

NAMES = (
    "a abbr b em i code span q sub strong p h1 h2 pre ul ol li blockquote figure figcaption div section details dl dd "
    "dt table caption tbody tr td ruby rt"
).split()
ATTRIBUTES = {"a": ' href="https://a.example/?b=1&amp;c" rel="noopener noreferrer"', "p": ' title="&lt;p&gt; &amp;"'}
TEXTS = "word| |\n|\r|\ufeff|&amp;|&lt;p&gt;|&nbsp;|\x0c|\u2028|\n\n|href=|<br>|<hr>|</p>".split("|")

_cleaner = nh3.Cleaner(
    tags={*NAMES, "br", "hr"},
    attributes={"a": {"href"}, "p": {"title"}},
    url_schemes={"https"},
    link_rel="noopener noreferrer",
)


def element(name: str, content: list[str]) -> str:
    return f"<{name}{ATTRIBUTES.get(name, '')}>{''.join(content)}</{name}>"


def grown(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    inside = st.lists(parts, max_size=4)
    items = st.lists(inside.map(lambda content: element("li", content)), max_size=3)
    lists = st.builds(element, st.sampled_from(["ul", "ol"]), items)
    return st.builds(element, st.sampled_from(NAMES), inside) | lists


MARKUP = st.lists(st.recursive(st.sampled_from(TEXTS), grown, max_leaves=12), max_size=4).map("".join)


@given(MARKUP)
@example("<p><p>x</p></p>")
@example("<em><p>x</p>y</em>")
@example("<a><b><a>x</a></b></a>")
@example("<ul><li>x<li>y</li></li></ul>")
@example("<table>x</table>")
@example("<pre>\n\nx</pre>")
@example("<p>x\ry</p>")
@example("\ufeff<p>x</p>")
@example("<p>x")
@example("x</p>")
@settings(max_examples=500, deadline=None)
def test_what_reads_as_written_comes_out_of_a_parser_as_it_went_in(markup: str) -> None:
    """Mark-up that is said to read as it is written, parsed as HTML and written again, is the same."""
    assert not reads_as_written(markup) or _cleaner.clean(markup) == markup


@pytest.mark.parametrize(
    "markup",
    [
        "",
        "words &amp; more",
        "<p>one <em>two</em><br>three</p>\n<h2>four</h2>",
        '<p><a href="https://a.example/" rel="noopener noreferrer"><strong>x</strong></a></p>',
        "<ul><li>one<ul><li>two</li></ul></li><li><p>three</p></li></ul>",
        '<figure><img src="https://a.example/a.png"><figcaption>x</figcaption></figure>',
        "<blockquote><pre><code>x\n</code></pre></blockquote><hr>",
        "<div><section><p>x</p></section> y </div>",
    ],
)
def test_sees_that_ordinary_articles_read_as_written(markup: str) -> None:
    """What most posts are made of needs no parser to be told."""
    assert reads_as_written(markup)


@pytest.mark.parametrize("markup", ["a < b", "<P>x</P>", "<p-x>x</p-x>", "<svg><p>x</p></svg>", "<p/>x"])
def test_leaves_to_a_parser_what_it_does_not_know(markup: str) -> None:
    """Tags that no sanitiser wrote, and elements with rules of their own, are not judged."""
    assert not reads_as_written(markup)
