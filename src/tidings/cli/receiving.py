"""The door for returned mail, as `tidings run` opens it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from tidings import intake
from tidings.cli import wiring
from tidings.config import Config
from tidings.errors import TidingsError
from tidings.mail import verp
from tidings.mail.door import Door
from tidings.model import Arrival
from tidings.store import open_store, site


@contextmanager
def returned_mail(loaded: Config) -> Iterator[None]:
    """Takes returned mail on [mail.bounces] listen for as long as the block lasts; nothing without that key.

    Raises MailError when the address can't be had, and StoreError when the database can't be opened.
    """
    mail = loaded.mail
    if mail is None or mail.bounces is None or mail.door is None:
        yield
        return
    with open_store(loaded.site.database) as store:
        accepts = partial(verp.is_coded, mailbox=mail.bounces, secret=site.secret(store))
    receiver = _Receiver(loaded.site.database, mail.bounces)
    door = Door(mail.door.host, mail.door.port, mail.bounces, accepts, receiver.take, receiver.tell)
    door.open()
    click.echo(f"taking returned mail on {mail.door.host} port {door.port}", err=True)
    try:
        yield
    finally:
        door.close()


class _Receiver:
    """Takes what the door hands over. The operator is told of an error once while it stays the same."""

    def __init__(self, database: Path, mailbox: str) -> None:
        self._database = database
        self._mailbox = mailbox
        self._told = ""

    def take(self, arrival: Arrival) -> None:
        with open_store(self._database) as store:
            intake.take(store, arrival, self._mailbox, wiring.utc_now())
        self._told = ""

    def tell(self, error: Exception) -> None:
        expected = isinstance(error, TidingsError)
        words = str(error) if expected else "".join(traceback.format_exception(error))
        if words != self._told:
            click.echo(f"returned mail: {words}", err=True)
        self._told = words
