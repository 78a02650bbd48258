"""The next issue as a reader would get it, and what the judge says of it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from tidings import digest, letters
from tidings.cli import issuing, tables
from tidings.config import Config
from tidings.letters import PostOffice
from tidings.mail.judging import Asked, Finding, judge
from tidings.mail.spam import SpamVerdict
from tidings.model import Edition, IssueContent, Recipient
from tidings.render.mail import RenderedMail
from tidings.store import Store, subscribers


@dataclass(frozen=True, slots=True)
class Draft:
    """An issue that is not frozen: what it carries, its two parts, and the whole message to one reader, in a `language`
    ("" for the edition's)."""

    content: IssueContent
    mail: RenderedMail
    message: bytes
    language: str


def draft_mail(
    loaded: Config, store: Store, edition: Edition, office: PostOffice, now: datetime, address: str = ""
) -> Draft | None:
    """The issue that would be frozen `now`, to `address` or the first subscriber, in that reader's language; None when
    there is nothing new."""
    content = digest.draft(store, edition, loaded.sources, issuing.masthead(loaded), now)
    if content is None:
        return None
    return _drafted(content, edition, office, now, _reader(store, edition, address))


def _reader(store: Store, edition: Edition, address: str) -> Recipient:
    """The subscriber with an address, the first one where none is asked for, or else somebody."""
    if address:
        return subscribers.recipient(store, edition.name, address) or Recipient(0, address)
    return _first_of_languages(store, edition)[0]


def _first_of_languages(store: Store, edition: Edition) -> list[Recipient]:
    """The first reader of each language; somebody where there are none."""
    found: dict[str, Recipient] = {}
    for one in subscribers.first_of_languages(store, edition.name):
        found.setdefault(one.language or edition.language, one)
    return list(found.values()) or [Recipient(0, "reader@example.org")]


def _drafted(content: IssueContent, edition: Edition, office: PostOffice, now: datetime, reader: Recipient) -> Draft:
    keys = letters.SAMPLE if office.one_click else ()
    mail = letters.render(content, office, reader.language, keys)
    # Nobody gets it, so its link is that of nobody.
    message = letters.message(content, mail, edition, office, reader.address, now, mail.stand_in)
    return Draft(content, mail, message, reader.language)


def findings(draft: Draft, office: PostOffice) -> list[Finding]:
    """What the judge says of a draft. SpamAssassin is not asked: it takes seconds."""
    return judge(draft.message, Asked(office.postal_address, office.is_private))


def is_red(found: Sequence[Finding]) -> bool:
    """Whether a mail with these findings should not go out."""
    return any(finding.level == "red" for finding in found)


class Inspection:
    """Looks an issue over before it is frozen, as the first reader of each language would get it, and keeps what is
    wrong with it."""

    def __init__(self, store: Store, edition: Edition, office: PostOffice, now: datetime) -> None:
        self.faults: list[Finding] = []
        self._store = store
        self._edition = edition
        self._office = office
        self._now = now

    def is_fit(self, content: IssueContent) -> bool:
        """Whether the judge finds nothing in red. Raises RenderError when a reader's catalogue is wrong: found after
        the freezing it would stop the mails of all."""
        found: dict[Finding, None] = {}
        for reader in _first_of_languages(self._store, self._edition):
            draft = _drafted(content, self._edition, self._office, self._now, reader)
            found |= dict.fromkeys(findings(draft, self._office))
        self.faults = [finding for finding in found if finding.level == "red"]
        return not self.faults


def show(found: Sequence[Finding], *, err: bool = False) -> None:
    """A line for each finding: its level, its rule, what is wrong and what to do."""
    for finding in found:
        click.echo(f"{finding.level:6}  {finding.rule}  {tables.printable(finding.message)}", err=err)


def summary(edition: Edition, draft: Draft, found: Sequence[Finding], spam: SpamVerdict | None) -> str:
    """The mail in one line: whether it is fit to be sent, and its measures."""
    counts = [f"{count} {level}" for level in ("red", "yellow") if (count := _count(found, level))]
    verdict = "not fit to be sent" if is_red(found) else "fit to be sent"
    posts = len(draft.content.items)
    measures = [
        f"{len(draft.mail.html.encode()):,} bytes of HTML",
        f"{posts} post{'' if posts == 1 else 's'}",
        f"spam score {spam.score:g}" if spam else "spam score unknown, since SpamAssassin is not installed or failed",
    ]
    return f"{edition.name} #{draft.content.number}: {verdict}: {', '.join([*counts, *measures])}"


def report(edition: Edition, draft: Draft | None, found: Sequence[Finding], spam: SpamVerdict | None) -> dict[str, Any]:
    """What `tidings check EDITION --json` prints; sizes are in bytes of UTF-8, null with nothing to send."""
    return {
        "edition": edition.name,
        "subject": draft.mail.subject if draft else None,
        "html_bytes": len(draft.mail.html.encode()) if draft else None,
        "text_bytes": len(draft.mail.text.encode()) if draft else None,
        "posts": len(draft.content.items) if draft else 0,
        "spam": _spam_report(spam) if spam else None,
        "findings": [
            {"level": finding.level, "rule": finding.rule, "message": finding.message} for finding in found
        ],
        "ok": not is_red(found),
    }  # fmt: skip


def why_nothing(store: Store, loaded: Config, edition: Edition, now: datetime) -> str:
    """Why there is no next issue: what there is does not suffice, or is in its grace, or there is nothing."""
    selection = digest.choose(store, edition, loaded.sources, now).selection
    reasons = []
    if selection.waiting:
        reasons.append(f"{selection.waiting} of {edition.min_posts} stories that an issue needs")
    if selection.ripe_at is not None:
        waits = "1 story waits for its" if selection.young == 1 else f"{selection.young} stories wait for their"
        first = "" if selection.young == 1 else "the first "
        reasons.append(f"{waits} grace, {first}until {selection.ripe_at:%Y-%m-%d %H:%M} UTC")
    return "; ".join(reasons) or "nothing new"


def _count(found: Sequence[Finding], level: str) -> int:
    return len([1 for finding in found if finding.level == level])


def _spam_report(spam: SpamVerdict) -> dict[str, Any]:
    return {"score": spam.score, "rules": [{"name": name, "score": score} for name, score in spam.rules]}
