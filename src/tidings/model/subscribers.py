"""Values of who is mailed: subscribers as stored, their subscriptions, and the trail of their consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal

from tidings.records import dataclass

Origin = Literal["file", "web", "cli", "import"]
"""Where a subscription came from: the configuration, a form, a command, a list that was imported."""

EndedBy = Literal["link", "mail", "page", "complaint", "bounce", "operator", "file"]
"""What ended a subscription: the link or address of a mail, the page of preferences, a complaint, mail that cannot be
delivered, a command; or the configuration, which does not name it any more."""

ConsentKind = Literal[
    "asked",
    "confirmed",
    "added",
    "imported",
    "listed",
    "unlisted",
    "left",
    "returned",
    "changed",
    "paused",
    "moved",
]
"""What a line of the trail is about. `asked` and `confirmed` are the two steps of who subscribes over the web;
`listed` and `unlisted` say that the configuration names a reader, or does not any more."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is kept to show how a change came about: the `form` (a page, command or file), the exact `wording` that was
    agreed to, the truncated `network` of who did, and whatever else there is. Empty is what is not known."""

    form: str = ""
    wording: str = ""
    network: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consent:
    """One line of the trail. `edition` is "" for what concerns the subscriber as such."""

    edition: str
    what: ConsentKind
    at: datetime
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Subscription:
    """The wish of a subscriber to get an edition; over once it has `ended_by`. `language` is that of the words around
    the posts, "" for the edition's. No issue is made for the reader before `paused_until`, if there is such a time."""

    edition: str
    origin: Origin
    since: datetime
    language: str = ""
    ended_at: datetime | None = None
    ended_by: EndedBy | Literal[""] = ""
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredSubscriber:
    """An address with a row. `public_id` stands in links, where `id` never does. `language` is "" for what each edition
    has."""

    id: int
    public_id: str
    address: str
    created_at: datetime
    language: str = ""
    subscriptions: tuple[Subscription, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom an issue goes to, and in what language, "" for the edition's."""

    subscriber_id: int
    address: str
    language: str = ""
