"""A real issue as the mail that one reader gets, for judges to find fault with."""

from __future__ import annotations

from dataclasses import replace

from tests.render_samples import FOOTER, FROZEN_AT, UPDATED
from tidings.mail.message import Envelope, compose
from tidings.model import IssueContent
from tidings.render.mail import RenderedMail, render_issue

ENVELOPE = Envelope(
    "Planet Harbour <digest@planet.example>", "", "friday", "Friday Reading", 12, "https://planet.example/"
)


def rendered(content: IssueContent = UPDATED) -> RenderedMail:
    """The two parts as the templates make them."""
    return render_issue(content, FOOTER)


def packed(mail: RenderedMail, envelope: Envelope = ENVELOPE) -> bytes:
    """The message around them."""
    identity = "<friday.12.abc@planet.example>"
    return bytes(compose(envelope, "reader@example.org", mail.subject, mail.html, mail.text, identity, FROZEN_AT))


def with_html(snippet: str, text: str = "") -> RenderedMail:
    """A mail with something more at the end of its HTML, and of its text."""
    mail = rendered()
    return replace(mail, html=mail.html.replace("</body>", f"{snippet}</body>"), text=f"{mail.text}\n{text}\n")


def exchanged(old: str, new: str) -> RenderedMail:
    """A mail with something in its HTML replaced by something else, wherever it stands."""
    mail = rendered()
    assert old in mail.html, old
    return replace(mail, html=mail.html.replace(old, new))
