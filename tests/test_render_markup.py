"""A post's HTML, fitted: what becomes of elements that mail programs do not know, of pictures, headings and links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from tidings.model import Picture
from tidings.posts.clean import clean
from tidings.render.environment import template_folders
from tidings.render.markup import (
    for_feed,
    for_mail,
    for_page,
    links,
    picture_for_feed,
    picture_for_mail,
    picture_for_page,
)
from tidings.render.trackers import counts_readers
from tidings.render.wording import load_wording

ENGLISH, ARABIC = (load_wording(template_folders(), language) for language in ("en", "ar"))
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
    assert for_mail("<h2>A</h2>", 4) == for_page("<h2>A</h2>", 4, wording=ENGLISH) == "<h4>A</h4>"
    assert for_feed("<h2>A</h2>", 4) == "<h4>A</h4>"


def test_pictures_in_a_feed_load_late_and_keep_their_size() -> None:
    """Feed readers shrink pictures themselves, so their proportions are left to reserve their place."""
    picture = f'<img alt="" src="{P}" width="1600" height="900" loading="lazy">'
    assert for_feed(f'<img src="{P}" width="1600" height="900">') == picture
    assert for_feed('<img src="https://pixel.wp.com/g.gif" width="60" height="20">') == ""


REL = 'rel="noopener noreferrer"'
CAT = f'<a class="pic" href="{P}" {REL} dir="auto">A cat</a>'
NAMELESS = f'<a class="pic" href="{P}" {REL} lang="en" dir="ltr">Picture</a>'


@pytest.mark.parametrize(
    ("html", "fitted"),
    [
        (f'<p><img src="{P}" alt="A cat" width="1600" height="900"></p>', f"<p>{CAT}</p>"),
        (f'<img src="{P}" alt=" A\ncat ">', CAT),
        (f'<img src="{P}" alt="">', NAMELESS),
        (f'<img src="{P}">', NAMELESS),
        (f'<img src="{P}" title="Why">', NAMELESS),
        (
            f'<img src="{P}" alt="&lt;b&gt; &quot;&amp;&quot;" title="Why" lang="de" dir="ltr">',
            f'<a class="pic" href="{P}" {REL} dir="ltr" lang="de" title="Why">&lt;b&gt; "&amp;"</a>',
        ),
        (
            f'<a href="https://a.example/big"><img src="{P}" alt="A cat"></a><img src="{P}" alt="A cat">',
            f'<a href="https://a.example/big" {REL}><span class="pic" dir="auto">A cat</span></a>{CAT}',
        ),
        (f'<a href="javascript:x"><img src="{P}" alt="A cat"></a>', CAT),
        (
            f'<figure><img src="{P}" alt="A cat"><figcaption>Mine</figcaption></figure>',
            f"<figure>{CAT}<figcaption>Mine</figcaption></figure>",
        ),
        ('<img src="https://pixel.wp.com/g.gif" width="60" height="20" alt="x">', ""),
        (f'<img src="{P}" width="1" height="1" alt="x">', ""),
        ('<img src="data:image/png;base64,AAAA" alt="x"><img src="//a.example/x" alt="x">', ""),
        ("<details><summary>S</summary>T</details><hr>", "<details><summary>S</summary>T</details><hr>"),
        ('<time datetime="2026">a &lt; b&nbsp;&#8212;</time>', '<time datetime="2026">a &lt; b&nbsp;&#8212;</time>'),
        ('<a href="mailto:a@b.example" hreflang="de">x</a>', f'<a href="mailto:a@b.example" hreflang="de" {REL}>x</a>'),
    ],
)
def test_on_a_page_a_link_stands_for_each_picture(html: str, fitted: str) -> None:
    """Its words are what the picture shows, or "Picture"; within another link they are that link's. Captions and all
    else stay, and counters go."""
    assert for_page(html, wording=ENGLISH) == fitted


def test_a_picture_that_says_nothing_is_named_in_the_language_of_the_page() -> None:
    """The word is marked as being of that language and direction, which the post's may not be."""
    arabic = NAMELESS.replace('"en" dir="ltr"', '"ar" dir="rtl"').replace("Picture", "صورة")
    assert for_page(f'<img src="{P}">', wording=ARABIC) == picture_for_page(Picture(P), wording=ARABIC) == arabic


E = "https://evil.example/"
LOADING = (
    f'<img srcset="{E}a 2x"><picture><source srcset="{E}b"></picture>',
    f'<video src="{E}" poster="{E}c"><track src="{E}"></video><audio src="{E}"></audio>',
    f'<iframe src="{E}"></iframe><embed src="{E}"><object data="{E}"></object><frame src="{E}">',
    f'<svg><image href="{E}"/><use href="{E}#a"/></svg><math><mi href="{E}">x</mi></math>',
    f'<p style="background:url({E})" background="{E}">p</p><style>@import "{E}";</style>',
    f'<link rel="preload" href="{E}"><link rel="dns-prefetch" href="{E}"><base href="{E}"><script src="{E}"></script>',
    f'<meta http-equiv="refresh" content="0;url={E}"><form action="{E}"><input type="image" src="{E}"></form>',
    f'<a ping="{E}" rel="prefetch">x</a><table background="{E}"><tr><td background="{E}">x</table>',
    f'<template><img src="{E}"></template><noscript><img src="{E}"></noscript>',
    f'<iframe><img src="{E}"></iframe><textarea><img src="{E}"></textarea><title><img src="{E}"></title>',
    f'<xmp><img src="{E}"></xmp><noembed><img src="{E}"></noembed><plaintext><img src="{E}">',
    f'<img src="{E}" alt="x" srcset="{E} 2x" style="background:url({E})" onerror="x()" lowsrc="{E}">',
    f'<<img src="{E}"><img src="{E}" alt="x',
    f'<!--><img src="{E}"--><![CDATA[<img src="{E}">]]><?x <img src="{E}"?>',
)
LOADS = "//@src | //@srcset | //@poster | //@data | //@background | //@style | //@action | //@ping | //@onerror"


@pytest.mark.parametrize("html", LOADING)
def test_nothing_on_a_page_is_loaded_whatever_comes_in(html: str) -> None:
    """Also of what cleaning takes away: no element and no attribute is written for which a browser asks anybody, but
    links to follow."""
    fitted = lxml_html.fragment_fromstring(f"<div>{for_page(html, wording=ENGLISH)}</div>")
    assert not fitted.xpath(LOADS)
    assert {element.tag for element in fitted.iter()} <= {"div", "p", "a", "table", "tr", "td", "tbody"}


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
    assert bool(picture_for_page(picture, wording=ENGLISH)) is bool(mail)
    assert bool(picture_for_feed(picture)) is bool(mail)


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


@given(st.text())
def test_any_clean_html_stays_balanced_on_a_page(text: str) -> None:
    """The same of what is fitted for a page: with a picture and a link in it, that is all that leads anywhere."""
    html = clean(f'<p>{text}<img src="{P}"><a href="{P}">x</a></p>', "https://a.example/")
    fitted = for_page(html, wording=ENGLISH)
    document = lxml_html.fragment_fromstring(f"<div>{fitted}</div>")
    assert not document.xpath(LOADS)
    assert set(document.xpath("//@href")) <= {P, *lxml_html.fragment_fromstring(f"<div>{html}</div>").xpath("//@href")}
    assert for_page(for_page(fitted, wording=ENGLISH), wording=ENGLISH) == for_page(fitted, wording=ENGLISH)
