"""An issue as mail: rendered once for each language, a message for each reader. Sending it is for deliver.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from typing import Literal

from tidings import signing
from tidings.addresses import ascii_url
from tidings.mail.dkim import Signer
from tidings.mail.message import Envelope, Message, Own, compose, domain_of
from tidings.mail.message import message_id as made_message_id
from tidings.mail.pacing import UNLIMITED, Limits
from tidings.mail.transport import Transport
from tidings.model import Edition, IssueContent, LinkKey, base_name, is_personal
from tidings.render.environment import SHIPPED, Templates
from tidings.render.mail import MailFooter, RenderedMail, render_issue
from tidings.signing import Purpose


@dataclass(frozen=True, slots=True)
class PostOffice:
    """How mail goes out: from whom, through what and on how many connections at once, how fast, signed by whom, and
    from which templates. `bounces` is the address that mail which cannot be delivered goes back to, if it is not the
    sender's. Messages whose outcome is not known are sent once more with `resend`, else held; what is not begun
    `stale_after` an issue was frozen or released is not sent. With `guarded` nothing is sent from a database that was
    restored or copied (store/sender.py), with `is_private` no postal address is wanted. With `one_click` each mail has
    a link of its reader's own, which ends the subscription."""

    sender: str
    reply_to: str
    postal_address: str
    open_transport: Callable[[], AbstractContextManager[Transport]]
    limits: Limits = UNLIMITED
    templates: Templates = SHIPPED
    signers: tuple[Signer, ...] = ()
    bounces: str = ""
    connections: int = 1
    resend: bool = True
    stale_after: timedelta = timedelta(days=3)
    guarded: bool = True
    is_private: bool = False
    one_click: bool = False

    @property
    def on_uncertain(self) -> Literal["resend", "hold"]:
        """What becomes of a message whose outcome is not known, as the configuration calls it."""
        return "resend" if self.resend else "hold"

    @property
    def envelope_sender(self) -> str:
        """The address that a message which belongs to no delivery is sent from."""
        return self.bounces or parseaddr(self.sender)[1]


def render(content: IssueContent, office: PostOffice, language: str = "", keys: Sequence[LinkKey] = ()) -> RenderedMail:
    """An issue as mail: subject, HTML and text, the same for every reader of a `language`, "" for the edition's own.
    With `keys` it has a link of the reader's own. One that was made for one reader is not on the web, and templates
    see it as one of the edition that it is made of: readers who chose the same have the same mail. Raises RenderError.
    """
    edition = base_name(content.edition)
    stand_in = signing.stand_in(edition, keys) if keys else ""
    footer = MailFooter(
        postal_address=office.postal_address,
        contact=parseaddr(office.reply_to or office.sender)[1],
        web_url="" if is_personal(content.edition) else f"{content.site_url}/{content.path}",
        unsubscribe_url=_way_out(content, stand_in),
        preferences_url=ascii_url(f"{content.site_url}/preferences") if keys else "",
    )
    shown = replace(content, edition=edition, language=language or content.language)
    mail = replace(render_issue(shown, footer, office.templates), stand_in=stand_in)
    return replace(mail, html="") if content.text_only else mail


SAMPLE = (LinkKey(1, bytes(32), datetime.min.replace(tzinfo=UTC)),)
"""A key for mails that nobody gets: the links in them lead nowhere."""


def token(content: IssueContent, reader: str, keys: Sequence[LinkKey], now: datetime) -> str:
    """The token of a reader's own link in the mail of an issue; "" without keys. `reader` is the subscriber's public
    id, "" for somebody who is none: then the link is only to be looked at."""
    subject = reader or "0" * signing.SUBJECT_LENGTH
    return signing.sign(Purpose.UNSUBSCRIBE, subject, base_name(content.edition), keys, now) if keys else ""


def _way_out(content: IssueContent, its_token: str) -> str:
    return ascii_url(f"{content.site_url}/u/{its_token}") if its_token else ""


def message(
    content: IssueContent,
    mail: RenderedMail,
    edition: Edition,
    office: PostOffice,
    address: str,
    now: datetime,
    its_token: str = "",
) -> bytes:
    """An issue as the message that `address` gets."""
    identity = message_id(content, office, address)
    return bytes(write(content, mail, edition, office, address, identity, now, its_token))


def write(
    content: IssueContent,
    mail: RenderedMail,
    edition: Edition,
    office: PostOffice,
    address: str,
    identity: str,
    now: datetime,
    its_token: str = "",
    unsubscribe_address: str = "",
) -> Message:
    """The same under a Message-ID that was given to it before: `identity`. `its_token` is needed where the mail has a
    stand-in. Mail to `unsubscribe_address`, if there is one, ends the subscription, too."""
    envelope = Envelope(
        office.sender, office.reply_to, edition.name, edition.title, content.number, f"{content.site_url}/"
    )
    return compose(
        envelope,
        address,
        mail.subject,
        mail.html,
        mail.text,
        identity,
        now,
        _way_out(content, its_token),
        office.signers,
        Own(mail.stand_in, its_token),
        unsubscribe_address,
    )


def message_id(content: IssueContent, office: PostOffice, address: str, secret: bytes = b"") -> str:
    """The Message-ID of an issue for `address`, the same whenever it is asked for with the same `secret`."""
    domain = domain_of(office.sender)
    return made_message_id(content.edition, content.number, content.frozen_at, address, domain, secret)
