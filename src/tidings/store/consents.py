"""The trail of consent: what each subscriber asked for, agreed to and ended, when and where. Lines are only added; they
go when their subscriber is erased. From where it was is forgotten some time after the end (forgetting.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from tidings.addresses import key
from tidings.model import Consent, ConsentKind, Evidence
from tidings.store.database import Store, stored_time, time_to_text


def record(
    store: Store, subscriber_id: int, edition: str, what: ConsentKind, evidence: Evidence, now: datetime
) -> None:
    """Adds a line, within the transaction that makes it true. `edition` is "" for what concerns no single one."""
    record_all(store, [(subscriber_id, edition)], what, evidence, now)


def record_all(
    store: Store, subscriptions: Iterable[tuple[int, str]], what: ConsentKind, evidence: Evidence, now: datetime
) -> None:
    """Adds the same line for many subscriptions, each a subscriber's id and an edition."""
    shared = (what, time_to_text(now), evidence.network, evidence.form, evidence.wording, _detail(evidence))
    store.conn.executemany(
        """INSERT INTO consents (subscriber_id, edition, what, at, network, form, wording, detail)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        ((subscriber_id, edition, *shared) for subscriber_id, edition in subscriptions),
    )


def trail(store: Store, subscriber_id: int) -> list[Consent]:
    """All lines of a subscriber, oldest first."""
    rows = store.rows("SELECT * FROM consents WHERE subscriber_id = ? ORDER BY id", (subscriber_id,))
    return [
        Consent(
            row["edition"],
            row["what"],
            stored_time(row["at"]),
            Evidence(row["form"], row["wording"], row["network"], json.loads(row["detail"])),
        )
        for row in rows
    ]


def rounds(store: Store, address: str, since: datetime) -> int:
    """How many sign-ups that were asked for after `since` the subscriber with an address has confirmed. Each leaves its
    "asked" in the trail, also one that brought a subscription back, or only ended what kept mail away."""
    row = store.row(
        """SELECT count(DISTINCT c.at) AS n FROM consents c JOIN subscribers r ON r.id = c.subscriber_id
        WHERE r.address_key = ? AND c.what = 'asked' AND c.at > ?""",
        (key(address), time_to_text(since)),
    )
    return int(row["n"]) if row else 0


def forget_networks(store: Store, before: datetime) -> None:
    """Takes the networks out of lines from `before`, within the caller's transaction, where the subscription that they
    are about runs no more, nor ran after `before`. A line that is about no single one goes by all of its reader."""
    store.conn.execute(
        """UPDATE consents SET network = '' WHERE network != '' AND at < :before AND NOT EXISTS (
            SELECT 1 FROM subscriptions s WHERE s.subscriber_id = consents.subscriber_id
            AND consents.edition IN ('', s.edition) AND (s.ended_by = '' OR s.ended_at >= :before)
        )""",
        {"before": time_to_text(before)},
    )


def _detail(evidence: Evidence) -> str:
    return json.dumps(dict(evidence.detail), ensure_ascii=False)
