"""Who is mailed is always who wants it: any order of what readers, operator and file may do, against a tiny model."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.builders import edition
from tests.stocking import START
from tidings.model import Evidence, Subscriber
from tidings.store import consents, erasing, file_readers, importing, open_store, subscribers
from tidings.store.importing import Incoming

SPELLINGS = {
    "ann@readers.example": ("ann@readers.example", "Ann@Readers.example"),
    "zoë@bücher.example": ("zoë@bücher.example", "ZOË@xn--bcher-kva.example"),
    "+list=x@readers.example": ("+list=x@readers.example",),
}
PEOPLE = st.sampled_from([*SPELLINGS])
NOTHING = Evidence()


class Wanting(RuleBasedStateMachine):
    """`own` is who asked for it and did not leave; `gone` who left or was erased and not taken back; `listed` whom the
    file names. `own` and `gone` never share anybody."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.opened = open_store(self.folder / "tidings.db")
        self.store = self.opened.__enter__()
        self.now = START
        self.own: set[str] = set()
        self.gone: set[str] = set()
        self.listed: set[str] = set()
        self.rows: set[str] = set()
        """Who has a row."""

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    def spelt(self, who: str, number: int) -> str:
        return SPELLINGS[who][number % len(SPELLINGS[who])]

    @rule(who=PEOPLE, spelling=st.integers(0, 1), origin=st.sampled_from(["cli", "web"]), again=st.booleans())
    def add(self, who: str, spelling: int, origin: str, again: bool) -> None:
        done = subscribers.add(
            self.store, self.spelt(who, spelling), "daily", origin, NOTHING, self.now, again=again  # type: ignore[arg-type]
        )  # fmt: skip
        if who in self.gone and not again:
            assert done in ("left", "refused")
            return
        self.own.add(who)
        self.gone.discard(who)
        self.rows.add(who)

    @rule(who=st.lists(PEOPLE), spelling=st.integers(0, 1))
    def bring_in(self, who: list[str], spelling: int) -> None:
        rows = [Incoming(line, self.spelt(one, spelling + line), "", None, "") for line, one in enumerate(who)]
        importing.stage(self.store, rows)
        importing.take(self.store, "daily", NOTHING, self.now)
        self.own |= set(who) - self.gone
        self.rows |= set(who) - self.gone

    @rule(who=PEOPLE, by=st.sampled_from(["link", "mail", "operator", "complaint", "bounce"]))
    def leave(self, who: str, by: str) -> None:
        found = subscribers.find(self.store, who)
        assert (found is not None) == (who in self.rows)
        if found is None:
            return
        subscribers.leave(self.store, found.id, "daily", by, NOTHING, self.now)  # type: ignore[arg-type]
        self.own.discard(who)
        self.gone.add(who)

    @rule(who=PEOPLE)
    def come_back(self, who: str) -> None:
        found = subscribers.find(self.store, who)
        if found is not None and subscribers.come_back(self.store, found.id, "daily", NOTHING, self.now):
            self.own.add(who)
            self.gone.discard(who)

    @rule(who=st.sets(PEOPLE), spelling=st.integers(0, 1))
    def edit_file(self, who: set[str], spelling: int) -> None:
        self.listed = who
        named = tuple(Subscriber(self.spelt(one, spelling)) for one in sorted(who))
        file_readers.sync(self.store, [replace(edition(), subscribers=named)], self.now)
        self.rows |= who - self.gone

    @rule(who=PEOPLE, refuse=st.booleans())
    def erase(self, who: str, refuse: bool) -> None:
        erasing.erase(self.store, who, self.now, refuse=refuse)
        self.own.discard(who)
        self.rows.discard(who)
        if refuse:
            self.gone.add(who)
        else:
            self.gone.discard(who)
            self.edit_file(self.listed - {who}, 0)

    @invariant()
    def who_is_mailed_wants_it(self) -> None:
        self.now += timedelta(minutes=1)
        wanting = self.own | (self.listed - self.gone)
        found = {one.address: one.subscriber_id for one in subscribers.active(self.store, "daily")}
        assert len(found) == len(wanting)
        everybody = [one for spellings in SPELLINGS.values() for one in spellings]
        may = subscribers.may_be_mailed(self.store, "daily", everybody)
        assert may == {one for who in wanting for one in SPELLINGS[who]}
        assert subscribers.readers(self.store, ["daily"]) == len(wanting)
        for subscriber_id in found.values():
            assert consents.trail(self.store, subscriber_id)[-1].what not in ("left", "unlisted")


Wanting.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


class TestWanting(Wanting.TestCase):  # type: ignore[misc, valid-type]
    """Runs the machine."""
