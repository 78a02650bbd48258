"""A post's HTML, fitted: what becomes of elements that mail programs do not know, of pictures, headings and links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from tidings.model import Picture
from tidings.posts.clean import clean
from tidings.render.markup import for_mail, for_page, links, picture_for_mail, picture_for_page
from tidings.render.trackers import counts_readers

P = "https://a.example/p.png"
NATURAL = 'style="width:auto;max-width:100%;height:auto"'


@pytest.mark.parametrize(
    ("html", "fitted"),
    [
        (f'<img src="{P}" width="1600" height="900">', f'<img alt="" src="{P}" width="600" height="338">'),
        (f'<img src="{P}" width="1600">', f'<img alt="" src="{P}" width="600" height="auto">'),
        (f'<img src="{P}" width="30000" height="2">', f'<img alt="" src="{P}" width="600" height="1">'),
        (f'<img src="{P}" width="100%" height="50%">', f'<img alt="" src="{P}" width="600" height="auto" {NATURAL}>'),
        (f'<p>ok <img src="{P}"></p>', f'<p>ok <img alt="" src="{P}" width="auto" height="auto" {NATURAL}></p>'),
        (
            f'<p>ok</p><p><img src="{P}"></p>',
            f'<p>ok</p><p><img alt="" src="{P}" width="600" height="auto" {NATURAL}></p>',
        ),
        (f'<img src="{P}" height="20">', f'<img alt="" src="{P}" width="auto" height="20" {NATURAL}>'),
        (
            f'<img src="{P}" alt="x > &quot;y&quot;" width="40" height="30"/>',
            f'<img alt="x › &quot;y&quot;" src="{P}" width="40" height="30">',
        ),
        (f'<img src="{P}" width="1" height="1">', ""),
        (f'<img src="{P}" width="600" height="0">', ""),
        ('<img src="data:image/png;base64,AAAA">', ""),
        ('<img src="https://pixel.wp.com/g.gif?x=1" width="60" height="20">', ""),
        ("<h1>A</h1><h3>B</h3>", "<h3>A</h3><h5>B</h5>"),
        ("<h4>A</h4>", "<h3>A</h3>"),
        ("<p>a &lt; b &amp; c&nbsp;d &#8212; e<br></p>", "<p>a &lt; b &amp; c&nbsp;d &#8212; e<br></p>"),
        ("<table><tr><td>1</td></tr></table>", '<table cellpadding="6"><tr><td>1</td></tr></table>'),
        ("<details><summary>S</summary>T</details>", '<div><div class="y">S</div>T</div>'),
        ("<figure>F<figcaption>C</figcaption></figure>", '<div class="f">F<div class="k">C</div></div>'),
        ("<section><article><mark>m</mark></article></section>", "<div><div><span>m</span></div></div>"),
        ('<time datetime="2026">now</time>', "<span>now</span>"),
        ('<bdi>a</bdi><bdi dir="rtl">b</bdi>', '<span dir="auto">a</span><span dir="rtl">b</span>'),
        ('<a href="/x">x</a>', "<a>x</a>"),
        ('<a href="javascript:x">x</a>', "<a>x</a>"),
        ('<a href="https://a.example/?a=1&amp;b" rel="noopener">x</a>', '<a href="https://a.example/?a=1&amp;b">x</a>'),
        ('<a href="mailto:a@b.example">x</a>', '<a href="mailto:a@b.example">x</a>'),
        ('<p id="i" class="c" style="position:fixed" onclick="x()" lang="de">t</p>', '<p lang="de">t</p>'),
        ("<script>alert(1)</script><style>p{}</style><form><p>t</p></form>", "<p>t</p>"),
        ("a<!-- b -->c", "ac"),
    ],
)
def test_post_html_is_fitted_for_mail(html: str, fitted: str) -> None:
    """Pictures fit the column and have alt, width and height; headings come below the headline's; what mail programs do
    not know is said with what they do; what a mail must not have goes."""
    assert for_mail(html) == fitted


def test_headings_of_a_grouped_post_begin_lower() -> None:
    """Under a group's heading a headline is one level further down, and so is all of its post."""
    assert for_mail("<h2>A</h2>", 4) == for_page("<h2>A</h2>", 4) == "<h4>A</h4>"


def test_pictures_on_a_page_load_late_and_keep_their_size() -> None:
    """A page shrinks pictures by its style, so their proportions are left to reserve their place."""
    picture = f'<img alt="" src="{P}" width="1600" height="900" loading="lazy">'
    assert for_page(f'<img src="{P}" width="1600" height="900">') == picture
    assert for_page('<img src="https://pixel.wp.com/g.gif" width="60" height="20">') == ""


@pytest.mark.parametrize(
    ("picture", "mail"),
    [
        (Picture(P, 1200, 800, 'A "b"'), f'<img alt="A &quot;b&quot;" src="{P}" width="600" height="400">'),
        (Picture(P), f'<img alt="" src="{P}" width="600" height="auto" {NATURAL}>'),
        (Picture("javascript:x"), ""),
        (Picture("https://feeds.feedburner.com/~r/x/~4/y"), ""),
    ],
)
def test_the_picture_above_a_text(picture: Picture, mail: str) -> None:
    """It is fitted as those in the text are."""
    assert picture_for_mail(picture) == mail
    assert bool(picture_for_page(picture)) is bool(mail)


@pytest.mark.parametrize(
    ("url", "counts"),
    [
        ("https://pixel.wp.com/b.gif?host=x", True),
        ("http://feeds.feedburner.com/~r/blog/~4/abc", True),
        ("https://feeds.feedburner.com/logo.png", False),
        ("https://www.google-analytics.com/collect?v=1", True),
        ("https://medium.com/_/stat?event=post", True),
        ("https://cdn-images-1.medium.com/max/800/x.png", False),
        ("https://notgoogle-analytics.com/collect", False),
    ],
)
def test_counters_are_known_by_host_and_path(url: str, counts: bool) -> None:
    """Only what is sure to count: a blog's pictures may stand on the same service."""
    assert counts_readers(url) is counts


def test_links_are_listed_once_in_order() -> None:
    """The text part names each address that the HTML links to."""
    html = (
        '<a href="https://b.example/">1</a><a href="mailto:a@b.example">2</a><a href="https://b.example/">3</a><a>4</a>'
    )
    assert links(html) == ["https://b.example/", "mailto:a@b.example"]


@given(st.text())
def test_any_clean_html_stays_balanced(text: str) -> None:
    """What is fitted is what a browser reads: written again it is the same."""
    fitted = f"<div>{for_mail(clean(f'<section><p>{text}</p></section>', 'https://a.example/'))}</div>"
    document = lxml_html.fragment_fromstring(fitted)
    assert not [element.tag for element in document.iter("section", "script")]
    assert for_mail(fitted) == fitted


def test_what_is_wide_can_be_moved_by_keyboard() -> None:
    """On a page, code and tables can have the focus, and keep what they say of themselves; in a mail they cannot."""
    html = '<pre lang="x"><code>a</code></pre><table title="t"><tr><td>b</td></tr></table>'
    page = for_page(html)
    assert '<pre lang="x" tabindex="0">' in page
    assert '<table title="t" tabindex="0">' in page
    assert "tabindex" not in for_mail(html)
