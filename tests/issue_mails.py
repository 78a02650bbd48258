"""Every kind of issue as the message that one reader gets, made the way `tidings send` makes it."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path

from tests.builders import edition
from tests.render_samples import FIXTURES, FOOTER, FROZEN_AT
from tidings.letters import PostOffice, message, render
from tidings.mail.folder import open_folder
from tidings.model import IssueContent
from tidings.render.mail import RenderedMail

LOOKS = ("letter", "headlines")
LANGUAGES = ("de", "fr", "ar")
CASES = [(name, look, "") for name in FIXTURES for look in LOOKS] + [
    (name, look, language) for name in ("usual", "groups", "podcasts") for look in LOOKS for language in LANGUAGES
]
"""Fixture, look and language, "" for the fixture's own. The last are those whose words count or name something."""

IDS = ["-".join(filter(None, case)) for case in CASES]
READER = "reader@example.org"
OFFICE = PostOffice(
    sender="Planet Harbour <digest@planet.example>",
    reply_to="",
    postal_address=FOOTER.postal_address,
    open_transport=functools.partial(open_folder, Path("outbox")),
)


@dataclass(frozen=True, slots=True)
class Posted:
    """An issue, what the templates made of it, and the message (RFC 5322)."""

    content: IssueContent
    mail: RenderedMail
    message: bytes


@functools.cache
def posted(name: str, look: str = "letter", language: str = "") -> Posted:
    """The message of a fixture. Kept, since rendering takes its time and many tests look at the same message."""
    content = FIXTURES[name]
    return post(replace(content, look=look, language=language or content.language))


def post(content: IssueContent) -> Posted:
    """The message of any issue."""
    content = replace(content, site_url=content.site_url.rstrip("/"))
    mail = render(content, OFFICE)
    list_of = edition(name=content.edition, title=content.edition_title)
    return Posted(content, mail, message(content, mail, list_of, OFFICE, READER, FROZEN_AT))
