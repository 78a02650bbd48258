"""What of issues goes to whom: which readers may still be mailed, the issue in their languages, the parcel of each.
Asked a batch at a time, on the thread that owns the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from tidings.errors import RenderError
from tidings.letters import PostOffice, render, token, write
from tidings.mail.transport import Parcel
from tidings.mail.verp import return_address, unsubscribe_address
from tidings.model import Delivery, Edition, IssueContent, base_name
from tidings.render.mail import RenderedMail
from tidings.standing import suppressed
from tidings.store import Store, keys, site, subscribers

NO_SUBSCRIBER = "not a subscriber any more"


class Packing:
    """The packing of issues of one edition, or of readers' own that are made of it: `contents` by their ids. `faults`
    are those that cannot be written, each with its language."""

    def __init__(
        self,
        store: Store,
        edition: Edition,
        office: PostOffice,
        contents: Mapping[int, IssueContent],
        now: datetime,
    ) -> None:
        self._store = store
        self._edition = edition
        self._office = office
        self._contents = contents
        self._first_alike = _first_alike(contents)
        self._secret = site.secret(store) if office.bounces else b""
        self._keys = keys.usable(store, now) if office.one_click else ()
        self._mails: dict[tuple[int, str], RenderedMail] = {}
        self.faults: dict[tuple[int, str], RenderError] = {}

    def named(self, batch: Sequence[Delivery]) -> list[Delivery]:
        """Deliveries with what their readers are called in links."""
        if not self._keys:
            return list(batch)
        names = subscribers.public_ids(self._store, [one.address for one in batch])
        return [replace(one, reader=names.get(one.address, "")) for one in batch]

    def unwanted(self, batch: Sequence[Delivery]) -> dict[str, str]:
        """The addresses of a batch that are not to be mailed, each with the reason: asked when messages are taken in
        hand, not when they were frozen."""
        addresses = [one.address for one in batch]
        wanting = subscribers.may_be_mailed(self._store, self._edition.name, addresses)
        gone = {address: NO_SUBSCRIBER for address in addresses if address not in wanting}
        return gone | suppressed(self._store, addresses, self._edition.name)

    def fault_of(self, delivery: Delivery) -> RenderError | None:
        """Renders the issue of a delivery for all who get the same in its language, once. What is wrong with its words,
        or with the templates, is found before any of them is in hand, and stops no others."""
        which = self._shared(delivery)
        if which not in self._mails and which not in self.faults:
            try:
                content = self._contents[delivery.issue_id]
                self._mails[which] = render(content, self._office, delivery.language, self._keys)
            except RenderError as error:
                self.faults[which] = error
        return self.faults.get(which)

    def _shared(self, delivery: Delivery) -> tuple[int, str]:
        """The first issue that says what the issue of a delivery does, and the language."""
        return self._first_alike[delivery.issue_id], delivery.language

    def parcel(self, delivery: Delivery, now: datetime) -> Parcel:
        """The message of a delivery in whose language there is no fault. It is written when its connection asks."""
        content = self._contents[delivery.issue_id]
        make = partial(
            write,
            content,
            self._mails[self._shared(delivery)],
            self._edition,
            self._office,
            delivery.address,
            delivery.message_id,
            now,
            token(content, delivery.reader, self._keys, now),
            self._unsubscribe_address(delivery),
        )
        return Parcel(self._envelope_sender(delivery), delivery.address, make)

    def _envelope_sender(self, delivery: Delivery) -> str:
        """Where bounces go: to an address that names the delivery, if there is one to make it of."""
        if not self._office.bounces:
            return self._office.envelope_sender
        return return_address(self._office.bounces, delivery.id, delivery.message_id, self._secret)

    def _unsubscribe_address(self, delivery: Delivery) -> str:
        """Where mail ends the subscription; "" for where the answers go."""
        if not self._office.bounces:
            return ""
        return unsubscribe_address(self._office.bounces, delivery.id, delivery.message_id, self._secret)


def _first_alike(contents: Mapping[int, IssueContent]) -> dict[int, int]:
    """For each issue the first that says the same. Readers who chose the same have the same under names of their own,
    and those are in no mail (letters.render)."""
    first: dict[IssueContent, int] = {}
    return {
        one: first.setdefault(replace(content, edition=base_name(content.edition)), one)
        for one, content in contents.items()
    }
