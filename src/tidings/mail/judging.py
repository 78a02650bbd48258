"""The judge: a mail as bytes in, what is wrong with it out. It asks nobody and looks at nothing but the bytes, so what
it judges is what readers get. One file of rules for each thing a rule can be about.

The rules come from what mail programs, mailbox hosts and filters do (research/newsletters.md 2.7 and 5).
"""

from __future__ import annotations

from tidings.mail.findings import Asked, Finding
from tidings.mail.judging_access import access
from tidings.mail.judging_content import content
from tidings.mail.judging_contrast import legibility
from tidings.mail.judging_headers import headers
from tidings.mail.judging_links import links
from tidings.mail.judging_parity import parity
from tidings.mail.judging_structure import structure
from tidings.mail.opening import open_message

__all__ = ["Asked", "Finding", "judge"]


def judge(message: bytes, asked: Asked) -> list[Finding]:
    """Everything that is wrong with a message (RFC 5322), red before yellow. Never raises, whatever the bytes are."""
    mail = open_message(message)
    found = [
        *structure(mail),
        *headers(mail),
        *content(mail),
        *links(mail, asked),
        *access(mail),
        *legibility(mail),
        *parity(mail),
    ]
    return sorted(found, key=lambda finding: finding.level != "red")
