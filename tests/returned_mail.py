"""Returned mail for a database with frozen issues: whom they went to, and messages that come in about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tidings.mail.verp import Purpose, return_address, unsubscribe_address
from tidings.model import Arrival, IssueContent
from tidings.store import Store, deliveries, issues, site
from tidings.store.deliveries import Settlement
from tidings.store.issues import Letter

MAILBOX = "bounces@digest.example"
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)

DSN = """\
From: MAILER-DAEMON@mx.example
To: <{to}>
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {reader}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--b--
"""


def mail_issue(
    store: Store, *readers: str, number: int = 1, edition: str = "weekly", at: datetime = START, ids: str = ""
) -> list[int]:
    """An issue that was frozen and accepted at a moment; the numbers of its deliveries. `ids` is the first reader's
    Message-ID."""
    content = IssueContent(edition, "Weekly", number, "News", at, "UTC", "en", "P", "https://p.example", ())
    letters = [
        Letter(reader, ids if ids and not place else f"<{edition}.{number}.{place}@digest.example>")
        for place, reader in enumerate(readers)
    ]
    issue_id = issues.freeze(store, content, letters, None, at)
    numbers = [row["id"] for row in store.rows("SELECT id FROM deliveries WHERE issue_id = ? ORDER BY id", (issue_id,))]
    deliveries.settle(store, [Settlement(one, "accepted", "250 ok") for one in numbers], at)
    return numbers


def coded(store: Store, delivery: int, purpose: Purpose = "bounce") -> str:
    """The address of a delivery at our door."""
    make = return_address if purpose == "bounce" else unsubscribe_address
    [row] = store.rows("SELECT message_id FROM deliveries WHERE id = ?", (delivery,))
    return make(MAILBOX, delivery, row["message_id"], site.secret(store))


def report(
    store: Store,
    delivery: int,
    status: str = "5.1.1",
    words: str = "550 5.1.1 no such user",
    action: str = "failed",
    reader: str = "ann@readers.example",
) -> Arrival:
    """A report on a delivery, sent to where it bounces to."""
    to = coded(store, delivery)
    return Arrival("", to, DSN.format(to=to, reader=reader, action=action, status=status, words=words).encode())
