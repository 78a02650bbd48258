"""An issue as mail: one HTML part and one text part, both from the frozen issue and from nothing else.

The markup is what survives mail clients (research/newsletters.md 2.7): tables for layout, everything needed to read
inlined, a style block kept only for what is a pleasure and no need: dark mode and narrow screens. The HTML part stays
below the size at which Gmail hides the end of a mail and with it the way out; what has to go is in budget.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import css_inline

from tidings.errors import RenderError
from tidings.model import IssueContent
from tidings.render.arrangement import LONGEST_NAME, arrange, has_contents, line_of
from tidings.render.budget import fit, sent_bytes
from tidings.render.environment import SHIPPED, Press, Templates, open_press
from tidings.render.subject import write_subject
from tidings.render.words import called, shorten, web_link

BUDGET = 90_000
"""Bytes of the HTML part, at most. Gmail cuts mails at about 102,000, a little earlier where much is not ASCII."""

MESSAGE_BUDGET = 150_000
"""Bytes of both parts as they are sent, headers aside: what is not ASCII grows by a third on the way, so that a mail in
Chinese is over this while its HTML is not (research/newsletters.md section 5, item 14)."""

_MARGIN = 3_000  # bytes: for the header, and for what is only reckoned
_PREHEADER = 110
"""Characters of headlines that inboxes show after the subject; most show 90 or fewer."""

_PREHEADER_NAMES = 8  # headlines; more never fit
_PREHEADER_WINDOW = 150
"""Characters to fill in all, so that no inbox shows what comes next in the mail as well."""

_PADDING = "\u2007\u034f"
"""A space that is not collapsed and a mark without width: seen by the inbox, not by the reader."""

# The style block is kept as written: clients that read one need it, and the inliner must not touch its media queries.
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True)


@dataclass(frozen=True, slots=True)
class MailFooter:
    """What a mail says of who sends it. `contact` is the address that takes an unsubscribe wish (with or without
    "mailto:"), `unsubscribe_url` the page that goes before it, `preferences_url` the one that leads to what readers
    chose, `web_url` this issue on the web; "" leaves one out."""

    postal_address: str
    contact: str = ""
    web_url: str = ""
    unsubscribe_url: str = ""
    preferences_url: str = ""


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail's subject and its two parts, as Unicode text. `stand_in` is what both parts have in place of the token of
    a reader's own link, "" where they have no such link."""

    subject: str
    html: str
    text: str
    stand_in: str = ""


def render_issue(content: IssueContent, footer: MailFooter, templates: Templates = SHIPPED) -> RenderedMail:
    """The mail of an issue in the language it names. The same arguments give the same mail, byte for byte.

    Raises RenderError: a template or catalogue is wrong, or the issue's look has no templates.
    """
    press = open_press(templates, content.language)
    page, plain = (_template(content.look, suffix, press, templates) for suffix in ("html", "txt"))

    def rendered(trimmed: IssueContent) -> str:
        return _INLINER.inline(press.render(page, _values(trimmed, footer, press)))

    shown, html = fit(content, rendered, BUDGET)
    text = press.render(plain, _values(shown, footer, press))
    excess = sent_bytes(html) + sent_bytes(text) - MESSAGE_BUDGET + _MARGIN
    if excess > 0:
        # Both parts shrink together; a template that is mostly text must not end in a mail without any post.
        share = MESSAGE_BUDGET / (MESSAGE_BUDGET + excess)
        shown, html = fit(content, rendered, max(BUDGET // 2, int(len(html.encode()) * share)))
        text = press.render(plain, _values(shown, footer, press))
    return RenderedMail(subject=write_subject(content, press), html=html, text=text)


def subject_of(content: IssueContent, templates: Templates = SHIPPED) -> str:
    """The subject that the mail of an issue has. Raises RenderError."""
    return write_subject(content, open_press(templates, content.language))


def _template(look: str, suffix: str, press: Press, templates: Templates) -> str:
    name = f"{look}.{suffix}"
    if press.has(name):
        return name
    folder = templates.folder or "a folder of your own that [site] templates names"
    raise RenderError(
        f"The look {look!r} has no template {name}. Make it in {folder}, beginning with a copy of letter.{suffix}, or "
        f'set the edition\'s look to "letter" or "headlines".'
    )


def _values(content: IssueContent, footer: MailFooter, press: Press) -> Mapping[str, object]:
    """What templates of mail may name; docs/templates.md has them for operators."""
    return {
        "content": content,
        "footer": footer,
        "sections": arrange(content, press.wording),
        "updates": [(update, line_of(update, press.wording)) for update in content.updates],
        "has_contents": has_contents(content),
        "preheader": _preheader(content, press),
        "homes": _homes(content),
    }


def _preheader(content: IssueContent, press: Press) -> str:
    names = (called(item.title, item.text, press.wording) for item in content.items[:_PREHEADER_NAMES])
    headlines = shorten(" · ".join(names), _PREHEADER)
    return headlines + _PADDING * (_PREHEADER_WINDOW - len(headlines))


def _homes(content: IssueContent) -> list[tuple[str, str]]:
    """The blogs of an issue with their addresses, each once, in order of appearance."""
    homes = dict.fromkeys((shorten(item.source, LONGEST_NAME), web_link(item.source_url)) for item in content.items)
    return [(name, url) for name, url in homes if url]
