"""The way to the page on which readers choose, without an account:

    an address in a form
    | ask          limits by network and in all; then a mail to the address, if it is a subscriber's
    the link of that mail
    | read         who it is for, as long as it is good, and as long as the reader has that address

Who asks is answered the same whatever the address is. What is sent, and how, is notes.py.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

from tidings import signing, throttling
from tidings.addresses import pseudonym
from tidings.model import Note, StoredSubscriber
from tidings.readers import rations
from tidings.readers.throttle import networks
from tidings.signing import Grant, Purpose, Refusal
from tidings.store import Store, asked, keys, notes, signups, site, subscribers, suppressions
from tidings.throttling import Answer

Address = IPv4Address | IPv6Address


def ask(store: Store, address: str, language: str, client: Address | None, name: str, now: datetime) -> Answer:
    """Has a link mailed to a well-formed address, if it may be; `name` (16 letters and digits that nobody can guess)
    names the mail. `language` is "" where none was chosen. The answer tells of the limits of who asks, and nothing of
    the address.

    Whose mail came back is mailed all the same: a full mailbox is over some day, and nobody else can tell. Who called
    our mail spam, or where the operator said no, gets none. Who wants no mail about subscribing, and is a subscriber,
    gets it: that wish is about what others ask for.
    """
    print_ = pseudonym(address, site.secret(store))
    answer = throttling.ask(store, "link", print_, client, now)
    if answer.is_flood:
        signups.note_flood(store, "link", now)
    if not answer.may_go:
        return answer
    network = networks(client)[-1][0] if client else ""
    with store.write():
        reader, public_id = subscribers.recipient(store, "", address), subscribers.public_ids(store, [address])
        wait = rations.wait(asked.times(store, print_, "link"), rations.LINKS, now)
        is_mailed = reader is not None and not suppressions.bars(store, print_) and not wait
        asked.note(store, print_, "link", now, is_mailed=is_mailed)
        note = Note(
            id=0,
            name=name,
            kind="manage" if is_mailed else "blank",
            fingerprint=print_,
            address=reader.address if reader and is_mailed else "",
            language=language or (reader.language if reader else ""),
            editions=(),
            network=network,
            made_at=now,
            subject=public_id.get(address, ""),
        )
        notes.add(store, note)
    return answer


def read(store: Store, token: str, now: datetime) -> StoredSubscriber | Refusal:
    """Whom a link is for, or why it is for nobody. One that we once mailed to an address its reader has no more, or to
    a reader who is erased, has run out. Reads only."""
    found = signing.read(token, Purpose.MANAGE, keys.listed(store), now)
    if not isinstance(found, Grant):
        return found
    reader = subscribers.by_public_id(store, found.subject)
    if reader is None or found.scope != scope_of(store, reader.address):
        return Refusal.EXPIRED
    return reader


def scope_of(store: Store, address: str) -> str:
    """What the link that is mailed to an address is tied to it by."""
    return signing.scope_of(pseudonym(address, site.secret(store)))


def mail_again(store: Store, reader: StoredSubscriber, edition: str) -> None:
    """Ends what keeps a reader from an edition who asks for it on the page, since mail came back, or since one like it
    was unsubscribed from by mail: the link came by mail."""
    with store.write():
        suppressions.lift(store, pseudonym(reader.address, site.secret(store)), [edition])
