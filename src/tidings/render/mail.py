"""An issue as mail: one HTML part and one text part, both from the frozen issue and from nothing else.

The markup is what survives mail clients (research/newsletters.md 2.7): tables for layout, everything needed to read
inlined, a style block kept only for what is a pleasure and no need: dark mode and narrow screens.
"""

from __future__ import annotations

from dataclasses import dataclass

import css_inline

from tidings.model import IssueContent
from tidings.render.environment import render_template
from tidings.render.words import headline, one_line, shorten, web_link

_PREHEADER = 110
"""Characters of headlines that inboxes show after the subject; most show 90 or fewer."""

_PREHEADER_WINDOW = 150
"""Characters to fill in all, so that no inbox shows what comes next in the mail as well."""

_PADDING = "\u2007\u034f"
"""A space that is not collapsed and a mark without width: seen by the inbox, not by the reader."""

# The style block is kept as written: clients that read one need it, and the inliner must not touch its media queries.
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True)


@dataclass(frozen=True, slots=True)
class MailFooter:
    """What the end of a mail says. `reason` is a whole sentence on why this reader gets it, `contact` the address
    that takes an unsubscribe wish (with or without "mailto:"), `web_url` this issue on the web; "" leaves one out."""

    postal_address: str
    reason: str
    contact: str = ""
    web_url: str = ""


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A mail's subject and its two parts, as Unicode text."""

    subject: str
    html: str
    text: str


def render_issue(content: IssueContent, footer: MailFooter) -> RenderedMail:
    """The mail of an issue. The same arguments give the same mail, byte for byte. Raises RenderError."""
    values = {"content": content, "footer": footer, "preheader": _preheader(content), "homes": _homes(content)}
    return RenderedMail(
        subject=one_line(content.subject),
        html=_INLINER.inline(render_template("mail.html", values)),
        text=render_template("mail.txt", values),
    )


def _preheader(content: IssueContent) -> str:
    headlines = shorten(" · ".join(headline(item.title, item.text) for item in content.items), _PREHEADER)
    return headlines + _PADDING * (_PREHEADER_WINDOW - len(headlines))


def _homes(content: IssueContent) -> list[tuple[str, str]]:
    """The blogs of an issue with their addresses, each once, in order of appearance."""
    homes = dict.fromkeys((item.source, item.source_url) for item in content.items)
    return [(name, url) for name, url in homes if web_link(url)]
