"""The judge of mail: nothing on a good one, and for each fault the finding that names it and no other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from html import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.judged_mail import ENVELOPE, exchanged, packed, rendered, with_html
from tests.render_samples import FOOTER, ISSUE, UPDATED, issue_with
from tidings.mail.judging import Asked, Finding, judge
from tidings.model import AlsoIn, IssueContent, Picture
from tidings.posts.clean import clean
from tidings.render.mail import RenderedMail

ASKED = Asked(FOOTER.postal_address)
GOOD = packed(rendered())
UNSUBSCRIBE = "mailto:digest@planet.example?subject=unsubscribe"
TINY = "height:1px;width:1px"
LINK = '<a href="https://blog.example/x">a word</a>'
NOREPLY = replace(ENVELOPE, reply_to="no-reply@planet.example")


def faults(message: bytes, asked: Asked = ASKED) -> list[str]:
    """What the judge says of a message, as "level rule"."""
    return [f"{finding.level} {finding.rule}" for finding in judge(message, asked)]


def named_one(message: bytes, rule: str) -> Finding:
    """The one finding of a rule."""
    (finding,) = [finding for finding in judge(message, ASKED) if finding.rule == rule]
    return finding


@pytest.mark.parametrize("content", [UPDATED, ISSUE, issue_with()], ids=["updated", "issue", "letter"])
def test_a_good_mail_has_no_faults(content: IssueContent) -> None:
    """What the templates make of the samples is found to be without fault."""
    assert faults(packed(rendered(content))) == []


def header(old: bytes, new: bytes) -> bytes:
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


WIRE: list[tuple[str, Callable[[], bytes]]] = [
    ("red line-ends", lambda: header(b"on the web:\r\n", b"on the web:\n")),
    ("red line-length", lambda: header(b"on the web:\r\n", b"on the web:" + b" x" * 500 + b"\r\n")),
    ("red eight-bit-body", lambda: header(b"on the web:\r\n", b"on the w\xc3\xa9b:\r\n")),
    ("red eight-bit-header", lambda: header(b"Subject: Friday", b"Subject: Fr\xc3\xafday")),
    ("red eight-bit-header", lambda: header(b"From: Planet", b"From: Plan\xc3\xa9t")),
    ("red charset", lambda: GOOD.replace(b'text/html; charset="utf-8"', b'text/html; charset="us-ascii"')),
    ("red charset", lambda: header(b"on the web:\r\n", b"on the w=FFb:\r\n")),
    ("red mime-structure", lambda: header(b"multipart/alternative", b"multipart/mixed")),
    ("red mime-defects", lambda: GOOD[: GOOD.rindex(b"--=_")]),
    ("red header-unknown", lambda: header(b"\r\nDate:", b"\r\nBcc: thief@evil.example\r\nDate:")),
    ("red header-twice", lambda: header(b"\r\nDate:", b"\r\nSubject: Another\r\nDate:")),
    ("red from", lambda: header(b"From: Planet", b"From: other@planet.example, Planet")),
    ("red to", lambda: header(b"To: reader@example.org", b"To: reader@example.org, b@example.org")),
    ("red to", lambda: header(b"To: reader@example.org\r\n", b"")),
    ("red subject", lambda: re.sub(rb"\r\nSubject: [^\r]*", b"\r\nSubject: ", GOOD)),
    ("yellow subject-length", lambda: header(b"Subject: ", b"Subject: A title of an edition that goes on: ")),
    ("red encoded-word", lambda: header(b"Subject: ", b"Subject: =?utf-8?b?!!?= ")),
    ("red encoded-word", lambda: header(b"Subject: ", b"Subject: =?none?q?a?= ")),
    ("red date", lambda: header(b"07:00:00 +0000", b"07:00:00")),
    ("red date", lambda: re.sub(rb"\r\nDate: [^\r]*", b"", GOOD)),
    ("red message-id", lambda: header(b"abc@planet.example>", b"abc@elsewhere.example>")),
    ("red list-id", lambda: header(b"<friday.planet.example>", b"<https://planet.example:80/friday>")),
    ("red list-unsubscribe", lambda: header(b"<mailto:digest@planet.example?subject=unsubscribe>", b"<http://planet.example/unsubscribe>")),
    ("red auto-submitted", lambda: header(b"Auto-Submitted: auto-generated", b"Auto-Submitted: no")),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "broken"), WIRE, ids=[f"{n} {fault}" for n, (fault, _) in enumerate(WIRE)])
def test_what_is_wrong_on_the_wire_is_found(fault: str, broken: Callable[[], bytes]) -> None:
    """Each fault in lines, parts or header gives its finding and no other."""
    assert faults(broken()) == [fault]


BODY: list[tuple[str, Callable[[], RenderedMail]]] = [
    ("red element", lambda: with_html("<script>1</script>")),
    ("red element", lambda: with_html("<form><p>Poll</p></form>")),
    ("red element", lambda: with_html('<meta http-equiv="Refresh" content="0">')),
    ("red event-attribute", lambda: with_html('<p onclick="x()">Hello</p>')),
    ("red javascript", lambda: with_html('<a href=" java\nscript:x()">Hello</a>')),
    ("red data-image", lambda: with_html('<img src="data:image/png;base64,AA" alt="" width="9" height="9">')),
    ("red css-import", lambda: with_html("<style>@import 'https://a.example/b.css';</style>")),
    ("red css-url", lambda: with_html('<p style="background:url( \'https://a.example/b.png\')">Hello</p>')),
    ("red data-image", lambda: with_html('<p style="background:url( \'data:image/png;base64,AA\')">Hello</p>')),
    ("red css-position", lambda: with_html('<p style="margin:0;position: absolute">Hello</p>')),
    ("red external-font", lambda: with_html("<style>@font-face{src:url(https://a.example/f.woff2)}</style>")),
    ("red style-size", lambda: with_html(f"<style>{'p{margin:0}' * 1500}</style>")),
    ("red link-scheme", lambda: with_html('<a href="/about">About</a>')),
    ("red link-scheme", lambda: with_html('<a href="ftp://a.example/">Files</a>')),
    ("red link-scheme", lambda: with_html('<img src="//a.example/b.png" alt="" width="9" height="9">')),
    ("yellow broken-link", lambda: with_html('<a href="https://[broken/">Files</a>', "https://[broken/")),
    ("yellow plain-http", lambda: with_html('<a href="http://a.example/">A</a>', "http://a.example/")),
    ("red tracking-pixel", lambda: with_html('<img src="https://a.example/o.gif" alt="" width="1" height="1">')),
    ("red tracking-pixel", lambda: with_html(f'<img src="https://a.example/o" alt="" width height style="{TINY}">')),
    ("yellow link-text", lambda: with_html('<a href="https://evil.example/x">www.bank.example</a>', "https://evil.example/x")),
    ("yellow shortener", lambda: with_html('<a href="https://bit.ly/x">A</a>', "https://bit.ly/x")),
    ("yellow empty-link", lambda: with_html('<a href="https://a.example/"> </a>', "https://a.example/")),
    ("yellow empty-heading", lambda: with_html("<h3></h3>")),
    ("yellow postal-address", lambda: exchanged("Pier 4, ", "")),
    ("red unsubscribe-link", lambda: exchanged(UNSUBSCRIBE, "https://planet.example/")),
    ("yellow unsubscribe-early", lambda: exchanged("<div style", f'<p>{"word " * 4200}</p><div style')),
    ("yellow html-size", lambda: with_html(f"<p>{'word ' * 15500}</p>")),
    ("red html-size", lambda: with_html(f"<p>{'word ' * 18000}</p>")),
    ("red language", lambda: exchanged(' lang="en"', "")),
    ("red h1", lambda: with_html("<h1>Friday Reading</h1>")),
    ("red img-alt", lambda: with_html('<img src="https://a.example/b.png" width="9" height="9">')),
    ("yellow img-size", lambda: with_html('<img src="https://a.example/b.png" alt="">')),
    ("yellow heading-order", lambda: with_html("<h2>Friday Reading</h2><h4>Deep</h4>")),
    ("red layout-table", lambda: exchanged('class="w" role="presentation"', 'class="w"')),
    ("yellow layout-table", lambda: with_html("<table><tr><td>Alone</td></tr></table>")),
    ("yellow text-link", lambda: with_html(LINK)),
    ("red text-headline-link", lambda: with_html('<h2><a href="https://blog.example/x">Friday Reading</a></h2>')),
    ("red text-headline", lambda: with_html("<h2>A headline that the text has not</h2>")),
    ("red text-unsubscribe", lambda: replace(rendered(), text=rendered().text.replace("?subject=unsubscribe", ""))),
    ("yellow text-entity", lambda: replace(rendered(), text=rendered().text + "Rows &amp; columns\n")),
    ("yellow text-css", lambda: replace(rendered(), text=rendered().text + ".x{color:red;margin:0}\n")),
    ("yellow text-brackets", lambda: replace(rendered(), text=rendered().text + "Listen ():\n")),
    ("red html-unreadable", lambda: with_html("<![x[ y ]]>")),
    ("red contrast-dark", lambda: exchanged("color:#d8dbe0!important", "color:#555555!important")),
    ("red contrast-inverted", lambda: with_html('<p style="color:#000;background:#757575">Hello</p>')),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "broken"), BODY, ids=[f"{n} {fault}" for n, (fault, _) in enumerate(BODY)])
def test_what_is_wrong_in_the_body_is_found(fault: str, broken: Callable[[], RenderedMail]) -> None:
    """Each fault in HTML or text gives its finding and no other."""
    assert faults(packed(broken())) == [fault]


def test_no_address_for_replies_is_fine_where_the_mail_names_one() -> None:
    """Replies that nobody reads are a fault only where the mail gives no other way to write."""
    assert faults(packed(rendered(), NOREPLY)) == []
    contactless = rendered()
    html = contactless.html.replace(UNSUBSCRIBE, "https://p.example/unsubscribe")
    text = contactless.text.replace(UNSUBSCRIBE, "https://p.example/unsubscribe")
    assert faults(packed(replace(contactless, html=html, text=text), NOREPLY)) == ["yellow reply-to"]
    assert faults(packed(replace(contactless, html=html, text=text), ENVELOPE)) == []


def test_faint_text_is_faint_in_every_design() -> None:
    """A colour too near to its background is named as designed, inverted and dark, with the text and the ratio."""
    message = packed(with_html('<p style="color:#808080;background:#909090">Hardly there</p>'))
    assert faults(message) == ["red contrast", "red contrast-inverted", "red contrast-dark"]
    said = named_one(message, "contrast").message
    assert "#808080 on #909090 has 1.24 and needs 4.5 (“Hardly there”)" in said


def test_an_unconfigured_postal_address_is_said() -> None:
    """Without a postal address in the configuration the finding names the key to set."""
    (finding,) = judge(GOOD, Asked())
    assert (finding.level, finding.rule, "[mail] postal_address" in finding.message) == (
        "yellow",
        "postal-address",
        True,
    )


def test_who_knows_all_readers_needs_no_postal_address() -> None:
    """A private list is not asked for one; one that is there all the same has to be in the mail."""
    assert judge(GOOD, Asked(is_private=True)) == []
    (finding,) = judge(GOOD, Asked("Elsewhere 1", is_private=True))
    assert finding.rule == "postal-address"


def test_a_post_about_mark_up_is_no_trace_of_mark_up() -> None:
    """Entities, styles and brackets that the HTML shows to its reader belong into the text as well."""
    snippet = "<p>Write &amp;amp; or .x{color:red;margin:0} and call ( ) last</p>"
    assert faults(packed(with_html(snippet, "Write &amp; or .x{color:red;margin:0} and call ( ) last"))) == []


def test_a_name_that_looks_like_a_site_but_is_a_file_is_fine() -> None:
    """“README.md” or “Node.js” as the text of a link names no site, and a site may be named without its prefix."""
    for shown in ("README.md", "Node.js", "core.async", "blog.example", "https://www.blog.example/x"):
        link = f'<a href="https://www.blog.example/y">{shown}</a>'
        assert faults(packed(with_html(link, "https://www.blog.example/y"))) == [], shown


def test_red_comes_first_and_examples_are_few() -> None:
    """What must be put right stands above what might, and a message names three places of many."""
    many = "".join(f'<a href="http://a.example/{n}">{n}</a>' for n in range(9)) + "<script>1</script>"
    found = judge(packed(with_html(many)), ASKED)
    assert [finding.level for finding in found] == ["red", "yellow", "yellow"]
    assert "http://a.example/2, and 6 more" in named_one(packed(with_html(many)), "plain-http").message


@given(st.binary(max_size=400))
@example(b"")
@example(b"\r\n\r\n")
@example(b"From: \xff\r\nDate: x\r\nSubject: =?utf-8?b?\xff?=\r\n\r\n\xff")
@example(b"Content-Type: multipart/alternative; boundary=\r\n\r\n--\r\n")
@example(b"To: " + b"(" * 5000 + b"\r\n\r\n")
@example(b"Subject: " + b"=?utf-8?b?YWJj?= " * 5000 + b"\r\n\r\n")
@example(b"Content-Type: text/html\r\n\r\n<![x<a href=https://[>")
def test_no_bytes_make_the_judge_fall_over(message: bytes) -> None:
    """Whatever comes in, findings come out, and what is no mail at all is red."""
    assert any(finding.level == "red" for finding in judge(message, ASKED))


@settings(max_examples=60)
@given(st.data())
def test_a_damaged_mail_does_not_make_the_judge_fall_over(data: st.DataObject) -> None:
    """A real message with bytes cut out, changed or put in is judged all the same."""
    message = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(message)))
        cut = data.draw(st.integers(0, 60))
        put = data.draw(
            st.binary(max_size=12) | st.sampled_from([b"\r\n", b'"', b"<", b"=?", b"{", b"--=_", b"@media{"])
        )
        message = message[:start] + put + message[start + cut :]
    for finding in judge(message, ASKED):
        assert finding.message.isprintable(), finding


@settings(max_examples=60)
@given(title=st.text(max_size=90), subject=st.text(max_size=90), path=st.text(max_size=40), html=st.text(max_size=90))
@example(title="=?utf-8?b?SGVsbG8NCkJjYzogdGhpZWZAZXZpbC5leGFtcGxl?=", subject="a\r\nBcc: x@y", path=".)", html="")
@example(title='<script>"&amp;&nbsp;() {color:red;', subject="日本語" * 30, path='a<b>"c\u00a0d)', html="<![x[")
@example(title="", subject="", path="?unsubscribe", html="<img src=https://a/b width=1 height=1><h1>A<h6><table><td>")
@example(title="", subject="", path="", html="<a href='https://[x/'>y</a><a href=https:z>z</a><a href='http://'>z</a>")
@example(title="", subject="", path="", html="<p onclick=x style='position:fixed'><a href='java\tscript:x'>y</a>")
def test_no_text_of_a_feed_makes_a_red_mail(title: str, subject: str, path: str, html: str) -> None:
    """A stranger's post may make a mail worth a look, but cannot keep it from being sent."""
    item = {"title": title, "url": f"https://a.example/{path}", "html": clean(html, "https://a.example/")}
    content = replace(issue_with(**item), subject=f"News {subject}")
    assert [fault for fault in faults(packed(rendered(content))) if fault.startswith("red")] == []


_SNARES = (
    "JavaScript: The Good Parts",
    "vbscript:",
    "data:",
    "@import",
    "url(https://a",
    "position: fixed",
    "on",
    "http://",
)
_NAMES = st.tuples(st.sampled_from(("", *_SNARES)), st.text(max_size=40)).map("".join)


@settings(max_examples=80)
@given(name=_NAMES, other=_NAMES, edition=_NAMES)
@example(name="JavaScript: The Good Parts", other="java\tscript:x", edition="VBScript: The Weekly")
def test_no_name_or_description_makes_a_red_mail(name: str, other: str, edition: str) -> None:
    """A book about JavaScript may be named by anybody, anywhere: titles, names and descriptions are text."""
    says, too = escape(name), escape(other)
    html = (
        f'<p><a href="https://a.example/" title="{says}">a word</a> <abbr title="{too}">w</abbr></p>'
        f'<p><img src="https://a.example/a.png" alt="{too}" width="300" height="200"></p>'
    )
    item = {
        "title": name,
        "source": other,
        "author": name,
        "html": clean(html, "https://a.example/"),
        "also_in": (AlsoIn(name, "https://b.example/"),),
        "picture": Picture("https://a.example/b.png", 300, 200, name),
    }
    content = replace(issue_with(**item), edition_title=edition, site_title=other)
    mail = rendered(content)
    labelled = replace(mail, html=mail.html.replace("<p>", f'<p aria-label="{says}">', 1))
    found = faults(packed(labelled, replace(ENVELOPE, list_title=edition)))
    assert [fault for fault in found if fault.startswith("red")] == []


@pytest.mark.parametrize(
    "element",
    [
        "<a href={}>",
        "<img alt=x src={}>",
        "<td background={}>",
        "<video poster={}>",
        "<q cite={}>",
        "<b formaction={}>",
    ],
)
def test_an_address_that_runs_a_script_is_red_wherever_it_stands(element: str) -> None:
    """In each attribute that a program opens or loads, however the scheme is hidden."""
    for address in ("javascript:x()", "' java&#10;Script:x()'", "vbscript:x"):
        assert "red javascript" in faults(packed(with_html(element.format(address)))), address
