"""Looks into the mail that tests have received."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Literal


def body_of(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    """The text of that kind; a mail without one fails the test."""
    part = mail.get_body((kind,))
    assert part is not None, f"no text/{kind} in {mail['Subject']}"
    return str(part.get_content())


def parts_of(mail: EmailMessage) -> list[EmailMessage]:
    """The parts of a multipart, in their order."""
    return [part for part in mail.iter_parts() if isinstance(part, EmailMessage)]
