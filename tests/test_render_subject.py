"""Subjects: what they say, how long they are, and that no feed can write a header."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.render_samples import FIXTURES, FOOTER, FROZEN_AT, HOSTILE_TITLE, ISSUE, issue, item, more
from tidings.errors import RenderError
from tidings.mail.message import Envelope, compose
from tidings.model import IssueContent
from tidings.render.mail import RenderedMail, render_issue

ENVELOPE = Envelope("Planet <digest@planet.example>", "", "friday", "Friday Reading", 12, "https://planet.example/")
HEADERS = {
    "From", "To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe", "List-Help", "List-Owner",
    "List-Archive", "List-Post", "Feedback-ID", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version",
    "Content-Type",
}  # fmt: skip


def subject(content: IssueContent) -> str:
    return render_issue(content, FOOTER).subject


def built(mail: RenderedMail) -> bytes:
    return bytes(
        compose(ENVELOPE, "ada@example.org", mail.subject, mail.html, mail.text, "<1@planet.example>", FROZEN_AT)
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (issue(item(1)), "Friday Reading: What the rope-tier knows, part 1"),
        (issue(item(1), item(2)), "Friday Reading: What the rope-tier knows, part 1 and 1 more"),
        (issue(item(1), item(2), more=more(5)), "Friday Reading: What the rope-tier knows, part 1 and 6 more"),
        (issue(item(1, title="word " * 40)), "Friday Reading: " + "word " * 9 + "word…"),
        (issue(item(1, title="", text="A note.")), "Friday Reading: A note."),
        (issue(), "Friday Reading, issue 12"),
        (issue(item(1), item(2), language="de"), "Friday Reading: What the rope-tier knows, part 1 und 1 weiterer"),
        (issue(item(1, title="", text="")), "Friday Reading: Untitled"),
    ],
)
def test_the_usual_subject(content: IssueContent, expected: str) -> None:
    """Edition, first headline, and how many more stories there are, also of those that are only named."""
    assert subject(content) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ edition }} #{{ number }}", "Friday Reading #12"),
        ("{{ headline }} ({{ date }})", "A <b> & c (20. November 2026)"),
        ("{{ count }}{% if more %}, {{ more }}{% endif %}", "3, 2"),
        ("{% trans %}Unsubscribe{% endtrans %}", "Abbestellen"),
        ("one\r\nBcc: two", "one Bcc: two"),
    ],
)
def test_a_subject_of_ones_own(template: str, expected: str) -> None:
    """A template as text, not HTML, with words and dates in the language of the mail."""
    content = issue(item(1, title="A <b> & c"), item(2), item(3), subject_template=template, language="de")
    assert subject(content) == expected


@pytest.mark.parametrize(
    "template",
    ["{{ healine }}", "{{ edition", "{% include 'mail.txt' %}{{ x }}", "{{ ''.__class__.__mro__ }}", "{{ 1/0 }}"],
)
def test_a_wrong_template_names_the_key(template: str) -> None:
    """The operator learns which edition's `subject` it is, and what may stand in it."""
    with pytest.raises(
        RenderError,
        match=r"The subject of edition friday, .* cannot be rendered: .*[^.]\. Correct its key `subject`; it may",
    ):
        subject(replace(ISSUE, subject_template=template))


@pytest.mark.parametrize("template", ["", "{{ number }}/{{ headline }}/{{ date }}"])
def test_a_headline_is_cut_to_keep_the_subject_short(template: str) -> None:
    """Seventy characters are what inboxes show; a headline gives way, but not all of it."""
    content = issue(item(1, title="word " * 40), *map(item, range(99)), subject_template=template)
    assert len(subject(content)) <= 70
    long = replace(content, edition_title="The long title of an edition of a planet of a kind", subject_template="")
    assert "word word word" in subject(long)


@pytest.mark.parametrize("name", FIXTURES)
def test_subjects_of_fixtures_fit(name: str) -> None:
    """Whatever the stories are called."""
    assert 0 < len(subject(FIXTURES[name])) <= 70


@pytest.mark.parametrize(
    "title",
    [
        "News\r\nBcc: all@example.org",
        "News\nSubject: other",
        "=?utf-8?b?QmNjOiBhbGxAZXhhbXBsZS5vcmc=?=",
        "=?utf-8?q?=0D=0ABcc:_all?=",
        "News\x00\x0b\x0c\x85\u2028Bcc: x",
        "\u202egnp.exe\u2066",
        HOSTILE_TITLE,
    ],
)
def test_a_feed_can_touch_no_header(title: str) -> None:
    """From a title to the message as it is sent: no header more, none that decodes to another, one line."""
    content = issue(item(1, title=title, source=title, author=title), subject_template="{{ headline }}")
    message = message_from_bytes(built(render_issue(content, FOOTER)), policy=SMTP)
    assert set(message.keys()) == HEADERS
    shown = str(make_header(decode_header(message["Subject"])))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)
    assert not message.defects


@settings(max_examples=60, deadline=None)
@given(st.text(), st.text())
def test_any_title_leaves_the_headers_alone(title: str, name: str) -> None:
    """The same for any text."""
    content = issue(item(1, title=title, source=name), edition_title=name)
    message = message_from_bytes(built(render_issue(content, FOOTER)), policy=SMTP)
    assert set(message.keys()) == HEADERS
