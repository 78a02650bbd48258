"""Delivery while this machine fails: it ends, nobody is lost, and who may get a second copy is known."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

import pytest

from tests.smtp_servers import Mailbox, real_server
from tests.test_deliver import freeze, now_pace, office, readers
from tests.transports import RecordingTransport
from tidings import deliver
from tidings.errors import StoreError
from tidings.mail.connections import Asked, Connections
from tidings.mail.message import Message
from tidings.mail.transport import Parcel
from tidings.store import Store, deliveries


def ends(work: Callable[[], object], seconds: float = 20) -> bool:
    """Whether something ends at all."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def parcel(number: int) -> Parcel:
    return Parcel(
        "digest@p.example", f"reader{number}@r.example", lambda: Message(b"Subject: News\r\n\r\n", b"Hello\r\n")
    )


def test_connections_that_ask_and_have_more_to_do_are_closed() -> None:
    """One that waits for its permit is told no, and the message behind that is not begun: nobody would answer it."""
    mail = RecordingTransport()
    connections = Connections(mail.opened, 1)
    for number in range(3):
        connections.hand(0, parcel(number))
    assert connections.events(5) == [Asked(0)]
    assert ends(connections.close)
    assert (mail.letters, len(mail.tries)) == ([], 1)


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("updates", [0, 101, 111, 150, 170])
def test_a_disk_that_is_full_loses_nobody(store: Store, updates: int, connections: int) -> None:
    """The pass ends with an error, however far it came. With space again everybody has the mail, and those who got two
    were in doubt, one for each connection at most."""
    one = freeze(store, *readers(60))
    store.conn.execute("CREATE TABLE ballast (octets BLOB)")
    store.conn.execute(
        "CREATE TRIGGER ballast AFTER UPDATE ON deliveries BEGIN INSERT INTO ballast VALUES (zeroblob(4000)); END"
    )
    store.conn.execute(f"PRAGMA max_page_count = {_pages(store) + updates}")
    with real_server() as (port, mailbox):
        with pytest.raises(StoreError, match="full"):
            deliver.deliver(store, one, office(port, connections), now_pace())
        store.conn.execute("PRAGMA max_page_count = 1000000")
        deliveries.recover(store, now_pace().clock())
        doubtful = {row["address"] for row in store.rows("SELECT address FROM deliveries WHERE state = 'uncertain'")}
        assert deliver.deliver(store, one, office(port, connections), now_pace()).tally.accepted == 60
    assert {reader for reader, count in copies(mailbox).items() if count > 1} <= doubtful
    assert len(doubtful) <= connections


def _pages(store: Store) -> int:
    return int(store.rows("PRAGMA page_count")[0][0])


def copies(mailbox: Mailbox) -> Counter[str]:
    return Counter(to for envelope in mailbox.envelopes for to in envelope.rcpt_tos)
