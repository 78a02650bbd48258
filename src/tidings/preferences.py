"""What readers choose of their editions, kept: an edition of their own, its memory, and a line in the trail.

    choices of a form
    | personal     the edition that they make
    | keep         the choices, the edition's memory and its next slot: one transaction
    | record       what was chosen, in the trail of consent

Its issues are made by digest.py, when their time has come.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from tidings.editions.schedule import next_due
from tidings.model import Choices, ConsentKind, Edition, Evidence, StoredSubscriber
from tidings.readers.personal import personal_edition
from tidings.store import Store, choices, consents


def choose(
    store: Store, reader: StoredSubscriber, edition: Edition, chosen: Choices, evidence: Evidence, now: datetime
) -> bool:
    """Keeps what a reader chose of an `edition`, and says whether it is anything new. From the first choice on issues
    of the reader's own come in place of the edition's; those frozen before still do."""
    with store.write():
        if chosen == (choices.find(store, reader.id, edition.name) or Choices()):
            return False
        own = personal_edition(edition, chosen, reader.public_id)
        due = next_due(own, now, chosen.paused_until)
        choices.keep(store, reader.id, edition, own, chosen, due, now)
        what: ConsentKind = "paused" if chosen.paused_until is not None and chosen.paused_until > now else "changed"
        consents.record(store, reader.id, edition.name, what, _said(evidence, chosen), now)
        return True


def _said(evidence: Evidence, chosen: Choices) -> Evidence:
    """The evidence with all that differs from what the edition is."""
    usual = asdict(Choices())
    values = {name: value for name, value in asdict(chosen).items() if value != usual[name]}
    detail = {**evidence.detail, "choices": json.dumps(values, ensure_ascii=False, default=str)}
    return Evidence(evidence.form, evidence.wording, evidence.network, detail)
