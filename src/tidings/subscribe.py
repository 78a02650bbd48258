"""What readers do about their subscriptions over the web: leave, and come back.

    the link of a mail
    | read         who it is for, and which edition: the token says so, and nobody else can make one
    | leave        the subscription ends; twice is the same as once
    | come back    for some days, where it was the reader who left

Whoever has the mail has the link, as with a forwarded one. It can end this subscription, and take that back as long as
somebody may press a button by mistake, with fewer mails if that is wanted (web/leaving.py); it shows neither the
address nor what was chosen, and leads to nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

from tidings.addresses import pseudonym
from tidings.model import Evidence, StoredSubscriber, Subscription
from tidings.readers.throttle import networks
from tidings.signing import Grant
from tidings.store import Store, site, subscribers, suppressions

RETURN_WITHIN = timedelta(days=7)
"""How long the link that ended a subscription can take that back. Without an end, a mail found years later would bring
back a reader who has long left."""

_BY_THE_READER = frozenset({"link", "page", "mail"})

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Standing:
    """How the reader whom a link names stands with its edition: whether it comes, and if not, whether the link can
    bring it back. `language` is the reader's own, "" for none. Who is `kept_off` is not mailed, subscribed or not: for
    good, or until a link that came by mail shows that mail arrives."""

    is_running: bool
    may_return: bool = False
    language: str = ""
    kept_off: Literal["", "until confirmed", "for good"] = ""


def look_up(store: Store, grant: Grant, now: datetime) -> Standing:
    """How things are. Reads only. One who was erased has left like any other: that there was somebody is not told."""
    return _standing(store, grant, subscribers.by_public_id(store, grant.subject), now)


def leave(store: Store, grant: Grant, form: str, address: Address | None, now: datetime) -> Standing:
    """Ends the subscription of a link; `form` says by what ("one-click", "page"), `address` who asked from where."""
    with store.write():
        reader = subscribers.by_public_id(store, grant.subject)
        if reader is not None:
            subscribers.leave(store, reader.id, grant.scope, "link", evidence(form, address), now)
        return look_up(store, grant, now)


def come_back(store: Store, grant: Grant, address: Address | None, now: datetime) -> Standing:
    """Takes back that the reader left, where that may still be done; otherwise changes nothing."""
    with store.write():
        reader = subscribers.by_public_id(store, grant.subject)
        standing = _standing(store, grant, reader, now)
        if reader is not None and standing.may_return and not standing.kept_off:
            subscribers.come_back(store, reader.id, grant.scope, evidence("page", address), now)
        return look_up(store, grant, now)


def _standing(store: Store, grant: Grant, reader: StoredSubscriber | None, now: datetime) -> Standing:
    if reader is None:
        return Standing(is_running=False)
    found = next((one for one in reader.subscriptions if one.edition == grant.scope), None)
    if found is None:
        return Standing(is_running=False, language=reader.language)
    kept_off = _kept_off(store, reader, grant.scope)
    may_return = _may_return(found, now) and kept_off != "for good"
    return Standing(not found.ended_by, may_return, found.language or reader.language, kept_off)


def _kept_off(store: Store, reader: StoredSubscriber, edition: str) -> Literal["", "until confirmed", "for good"]:
    held = suppressions.of(store, pseudonym(reader.address, site.secret(store)), edition)
    if any(one.reason in suppressions.FOR_GOOD for one in held):
        return "for good"
    return "until confirmed" if held else ""


def _may_return(subscription: Subscription, now: datetime) -> bool:
    """Whether it was the reader who left, a short while ago. After a complaint, or where mail can't be delivered, a
    click is not enough."""
    ended_at = subscription.ended_at
    return subscription.ended_by in _BY_THE_READER and ended_at is not None and now - ended_at < RETURN_WITHIN


def evidence(form: str, address: Address | None) -> Evidence:
    """What is kept of who asked, and by what `form`: of the address no more than the wider network."""
    return Evidence(form=form, network=networks(address)[-1][0] if address else "")
