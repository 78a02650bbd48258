"""The small mails that pages have sent, for one reader each. Nothing in them was written by who had them sent: a form
would be a way to mail strangers else (research/newsletters.md 2.4). Only who moves is told the new address, at the old
one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import css_inline

from tidings.model import Edition, NoteKind
from tidings.render.environment import SHIPPED, Templates, open_press
from tidings.render.frequency import how_often
from tidings.render.mail import RenderedMail
from tidings.render.wording import Wording

_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, minify_css=True)


@dataclass(frozen=True, slots=True)
class NoteContent:
    """What such a mail says: of which editions, who had it sent (`network`, cut down) and when, and who sends it. Its
    button leads to `url`, and to `refuse_url` who wants to be left alone; `new_address` is that of a reader who moves.
    """

    kind: NoteKind
    editions: Sequence[Edition]
    network: str
    asked_at: datetime
    site_title: str
    site_url: str
    postal_address: str
    url: str = ""
    refuse_url: str = ""
    new_address: str = ""


def render_note(content: NoteContent, language: str, templates: Templates = SHIPPED) -> RenderedMail:
    """The mail in a language, of a kind that is sent. The same arguments give the same mail. Raises RenderError."""
    press = open_press(templates, language)
    values = {
        "note": content,
        "editions": [(edition.title, how_often(edition.schedule, press.wording)) for edition in content.editions],
        "clock": content.asked_at.strftime("%H:%M UTC"),
    }
    subject = _subject(content.kind, press.wording)
    html = _INLINER.inline(press.render(f"notes/{content.kind}.html", values | {"title": subject}))
    return RenderedMail(subject, html, press.render(f"notes/{content.kind}.txt", values | {"title": subject}))


def _subject(kind: NoteKind, wording: Wording) -> str:
    return {
        "confirm": wording.gettext("Please confirm your subscription"),
        "already": wording.gettext("You are subscribed already"),
        "manage": wording.gettext("Your link to change what you get"),
        "move": wording.gettext("Please confirm your new address"),
        "taken": wording.gettext("This address gets mail already"),
        "moving": wording.gettext("Your address is to be changed"),
        "moved": wording.gettext("Your address was changed"),
    }[kind]
