"""Colours: their maths against known numbers, and which of them a text has in the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.mail.colours import Colour, colour, colour_in, contrast
from tidings.mail.looks import DARK, LIGHT, Look, looks
from tidings.mail.stylesheet import Scheme, rules
from tidings.mail.tree import read_tree

WHITE = Colour(255, 255, 255)


def look_of(html: str, css: str = "", scheme: Scheme = "light") -> Look:
    """The look of the text "here" in a document."""
    tree, _ = read_tree(html)
    seen = dict(looks(tree, rules(css, scheme), LIGHT if scheme == "light" else DARK))
    return seen["here"]


@pytest.mark.parametrize(
    ("ink", "paper", "ratio"),
    [
        ("#000", "#fff", 21.0),
        ("#767676", "white", 4.54),
        ("#777", "white", 4.48),
        ("#f00", "#fff", 4.00),
        ("#0000ff", "#ffffff", 8.59),
        ("#959595", "#000", 7.01),
        ("#fff", "#fff", 1.0),
    ],
)
def test_ratios_are_those_of_wcag(ink: str, paper: str, ratio: float) -> None:
    """Known pairs have their known contrast, whichever of the two is the text."""
    one, other = colour(ink), colour(paper)
    assert one
    assert other
    assert round(contrast(one, other), 2) == ratio
    assert contrast(one, other) == contrast(other, one)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("#0b5a91", "#0b5a91"),
        ("#0B5", "#00bb55"),
        ("0b5a91", "#0b5a91"),
        ("rgb(11, 90, 145)", "#0b5a91"),
        ("rgb(11 90 145)", "#0b5a91"),
        ("rgb(100%,0%,50%)", "#ff0080"),
        ("rgba(300,-4,0,.5)", "#ff0000"),
        ("hsl(120, 100%, 25%)", "#008000"),
        (" RebeccaPurple ", "#663399"),
        ("Gray", "#808080"),
    ],
)
def test_colours_are_read_as_css_writes_them(written: str, meant: str) -> None:
    """Hexadecimal, functions and names, in any case, mean the colour that browsers take them for."""
    assert str(colour(written)) == meant


@pytest.mark.parametrize("written", ["", "inherit", "var(--ink)", "#12345", "rgb(1,2)", "rgb(a,b,c)", "currentcolor"])
def test_what_is_no_colour_is_none(written: str) -> None:
    """What cannot be told without knowing more is no colour."""
    assert colour(written) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("#fff url('https://a.example/red.png') no-repeat", "#ffffff"),
        ("no-repeat center silver", "#c0c0c0"),
        ("url(https://a.example/red.png)", "None"),
        ("linear-gradient(red, blue)", "None"),
        ("none", "#000000"),
    ],
)
def test_the_colour_in_a_shorthand(written: str, meant: str) -> None:
    """Of a background only the colour counts; a picture is none, and so is a gradient."""
    assert str(colour_in(written)) == meant


@pytest.mark.parametrize(
    ("html", "ink", "paper"),
    [
        ("<p>here", "#000000", "#ffffff"),
        ("<div style='color:red;background:#eee'><p><b>here", "#ff0000", "#eeeeee"),
        ("<body bgcolor=black text=#ddd><p>here", "#dddddd", "#000000"),
        ("<table bgcolor='#333333'><tr><td><font color=yellow>here", "#ffff00", "#333333"),
        ("<td bgcolor=black style='background-color:white'>here", "#000000", "#ffffff"),
        ("<div style='background:black'><p style='background:none;color:white'>here", "#ffffff", "#000000"),
        ("<div style='color:red'><a href='https://a.example/'>here", "#0000ee", "#ffffff"),
        ("<div style='color:red'><a>here", "#ff0000", "#ffffff"),
        ("<div style='color:red'><a href='https://a.example/' style='color:inherit'>here", "#ff0000", "#ffffff"),
        ("<p style='color:rgba(0,0,0,.5)'>here", "#808080", "#ffffff"),
        ("<div style='background:#000'><p style='background:rgba(255,255,255,.2)'>here", "#000000", "#333333"),
        ("<p style='color:red;color:var(--x)'>here", "#ff0000", "#ffffff"),
        ("<p style='color:red!important;color:blue'>here", "#ff0000", "#ffffff"),
        ("<mark>here", "#000000", "#ffff00"),
    ],
)
def test_colours_are_inherited_and_backgrounds_shine_through(html: str, ink: str, paper: str) -> None:
    """Attributes, inline styles and what browsers do of themselves come together as they do there."""
    look = look_of(html)
    assert (str(look.ink), str(look.paper)) == (ink, paper)


@pytest.mark.parametrize(
    ("css", "ink"),
    [
        ("p{color:#111}", "#111111"),
        (".a{color:#111}p{color:#222}", "#111111"),
        ("p{color:#111}p{color:#222}", "#222222"),
        ("td,p{color:#111}", "#111111"),
        ("div p{color:#111}", "#111111"),
        ("section p{color:#111}", "#000000"),
        ("body>div>p.a{color:#111}", "#111111"),
        ("body>p{color:#111}", "#000000"),
        ("p[dir=rtl]{color:#111}", "#111111"),
        ("p[dir=ltr]{color:#111}", "#000000"),
        ("p:hover{color:#111}", "#000000"),
        ("*{color:#111}/* p{color:#222} */", "#111111"),
        ("#i{color:#111}p.a.b{color:#222}", "#111111"),
        (":root{color:#111}", "#111111"),
        ("@media all{p{color:#111}}", "#111111"),
        ("@media screen{@media all{p{color:#111}}}p{margin:0}", "#111111"),
        ("@media print{p{color:#111}}", "#000000"),
        ("@media (max-width:480px){p{color:#111}}", "#000000"),
        ("@media (prefers-color-scheme:dark){p{color:#111}}", "#000000"),
        ("@import 'x.css';p{color:#111}", "#111111"),
        ("p{color:#111", "#111111"),
        ("@media all{p{color:#111", "#111111"),
        ("}p{color:#111}", "#000000"),
    ],
)
def test_rules_of_a_style_block_find_their_elements(css: str, ink: str) -> None:
    """By type, class, id, attribute and what is around; other rules are left out, as mail programs do."""
    html = "<html><body><div><p class='a b' id=i dir=rtl>here</p></div></body></html>"
    assert str(look_of(html, css).ink) == ink


def test_inline_styles_yield_only_to_what_is_important() -> None:
    """A dark design can be had only with !important, since what it overrides is inlined."""
    html = "<p class=m style='color:#222'>here"
    for important, ink in (("", "#222222"), ("!important", "#eeeeee")):
        css = f"@media ( prefers-color-scheme : dark ){{.m{{color:#eee{important}}}}}"
        assert str(look_of(html, css, "dark").ink) == ink
        assert str(look_of(html, css, "light").ink) == "#222222"


@pytest.mark.parametrize(
    ("html", "size", "bold"),
    [
        ("<p style='font-size:20px'>here", 20, False),
        ("<p style='font:bold 15pt/1.6 Arial'>here", 20, True),
        ("<div style='font-size:20px'><p style='font-size:1.5em'>here", 30, False),
        ("<div style='font-size:20px'><p style='font-size:50%'>here", 10, False),
        ("<div style='font-size:20px'><p style='font-size:2rem'>here", 32, False),
        ("<h1>here", 32, True),
        ("<h1 style='font-weight:400'>here", 32, False),
        ("<p style='font-weight:700'><i>here", 16, True),
    ],
)
def test_sizes_and_weights(html: str, size: float, bold: bool) -> None:
    """How large and how heavy text is decides how much contrast it needs."""
    look = look_of(html)
    assert (round(look.size, 6), look.bold) == (size, bold)


@pytest.mark.parametrize(
    "html",
    [
        "<p style='display:none'>here",
        "<div style='display: none'><p>here",
        "<p style='font-size:0'>here",
        "<p hidden>here",
        "<title>here</title>",
        "<style>here</style>",
        "<p>\u2007\u034f\u200b\u00a0",
    ],
)
def test_what_is_not_seen_is_not_judged(html: str) -> None:
    """Hidden elements, and white space of any kind, have no look."""
    assert list(looks(read_tree(html)[0], (), LIGHT)) == []


@given(st.text(alphabet="ap.#*>{}:;@()/![]=,\"' \nmedicolr-0123", max_size=200))
def test_no_style_makes_it_fall_over(css: str) -> None:
    """Any text is read as a style, and holds or does not."""
    tree, _ = read_tree(f"<p class=a style='{css}'>here</p>")
    for scheme in ("light", "dark"):
        assert len(list(looks(tree, rules(css, scheme), DARK))) <= 1


@given(st.lists(st.integers(0, 255), min_size=6, max_size=6))
def test_contrast_has_its_bounds(values: list[int]) -> None:
    """Any two colours have a ratio from 1 to 21, and turning a colour around twice gives it back."""
    one, other = Colour(*values[:3]), Colour(*values[3:])
    assert 1 <= contrast(one, other) <= contrast(WHITE, Colour(0, 0, 0))
    assert one.inverted().inverted() == one
