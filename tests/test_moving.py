"""Readers who change their address: who may, when, and what goes with them. Nothing is lost, nobody is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.builders import edition
from tests.stocking import START
from tidings import managing, moving, signing, signup, standing
from tidings.addresses import pseudonym
from tidings.model import Evidence, IssueContent, Subscriber
from tidings.signing import Purpose
from tidings.signup import Found, Wish
from tidings.store import (
    Store,
    asked,
    choices,
    consents,
    deliveries,
    erasing,
    file_readers,
    importing,
    issue_states,
    issues,
    keys,
    moves,
    notes,
    open_store,
    refusals,
    site,
    subscribers,
    suppressions,
)
from tidings.store.deliveries import Settlement
from tidings.store.importing import Incoming
from tidings.store.issues import Letter
from tidings.store.suppressions import ALL

ANN, BOB, NEW, OTHER = (f"{name}@readers.example" for name in ("ann", "bob", "new", "other"))
DAILY = edition(name="daily")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def subscribed(store: Store, *addresses: str) -> None:
    for address in addresses:
        subscribers.add(store, address, "daily", "web", Evidence(), START)


class Names:
    """Names of mails, and a network for each that asks: limits of who asks are tried elsewhere."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> str:
        self.count += 1
        return f"{self.count:016x}"


NAMES = Names()


def want(store: Store, old: str = ANN, new: str = NEW, now: datetime = START) -> str:
    """Asks for a new address; returns the name of it, or "" where the reader asked too often."""
    reader = subscribers.find(store, old)
    assert reader is not None
    keys.usable(store, now)
    name = NAMES.next()
    client = ip_address(0x0A000000 + 256 * NAMES.count)
    return name if moving.ask(store, reader, new, client, name, now).may_go else ""


def token(store: Store, name: str, purpose: Purpose = Purpose.MOVE, made_at: datetime = START) -> str:
    return signing.sign(purpose, name, "", keys.usable(store, START), made_at)


def move(store: Store, old: str = ANN, new: str = NEW, now: datetime = START) -> str:
    """Asks for a new address and confirms it; how far the link was."""
    name = want(store, old, new, now)
    return moving.confirm(store, token(store, name, made_at=now), None, now).step


def waiting(store: Store, now: datetime = START) -> list[tuple[str, str]]:
    return [(one.kind, one.address) for one in notes.due(store, now + DAY)]


def addresses(store: Store) -> list[str]:
    return [one.address for one in subscribers.listed(store)]


def freeze(store: Store, number: int, *readers: str) -> int:
    content = IssueContent("daily", "Daily", number, "S", START, "UTC", "en", "P", "https://p.example", ())
    letters = []
    for one in readers:
        found = subscribers.find(store, one)
        assert found is not None
        letters.append(Letter(one, f"<{number}.{one}>", "", found.id))
    return issues.freeze(store, content, letters, None, START)


# --------------------------------------------------------------------------------------------------------- who is asked


def no_mail(store: Store) -> None:
    with store.write():
        refusals.keep(store, NEW, "never-ask", START)


def spam(store: Store) -> None:
    standing.suppress(store, NEW, ALL, "complained", "", START)


def dead(store: Store) -> None:
    standing.suppress(store, NEW, ALL, "bounced", "550 no", START)


def taken(store: Store) -> None:
    subscribed(store, NEW)


def erased(store: Store) -> None:
    subscribed(store, NEW)
    erasing.erase(store, NEW, START, reason="erased")


def once_left_for_another(store: Store) -> None:
    subscribed(store, NEW)
    assert move(store, NEW, OTHER) == "open"
    store.conn.execute("DELETE FROM notes")


def nothing(_: Store) -> None:
    """The new address is nobody's."""


@pytest.mark.parametrize(
    ("before", "mail", "step"),
    [
        (nothing, "move", "open"),
        (dead, "move", "open"),
        (erased, "move", "open"),
        (taken, "taken", "over"),
        (no_mail, "", "over"),
        (spam, "", "over"),
    ],
)
def test_what_the_new_address_is_decides(store: Store, before: Callable[[Store], None], mail: str, step: str) -> None:
    """Which mail it gets, if any, and whether its click does anything. The old one is told in any case."""
    subscribed(store, ANN)
    before(store)
    name = want(store)
    expected = [(mail, NEW)] if mail else []
    assert waiting(store) == [*expected, ("moving", ANN)]
    assert moving.confirm(store, token(store, name), None, START).step == step
    print_ = pseudonym(NEW, site.secret(store))
    if step == "open":
        assert addresses(store) == [NEW]
        assert suppressions.of(store, print_, "daily") == []
        known = {NEW: "erased"} if before is erased else {}
        assert refusals.among(store, [ANN, NEW]) == {ANN: "moved", **known}
        assert waiting(store) == [("moved", ANN)]
    else:
        assert ANN in addresses(store)


def test_back_to_the_first_address(store: Store) -> None:
    """It is the reader's again, though known as one that was left; so it goes on as often as one likes, within the
    limits."""
    subscribed(store, ANN)
    assert move(store, ANN, NEW) == "open"
    assert move(store, NEW, ANN, START + DAY) == "open"
    assert addresses(store) == [ANN]
    assert refusals.among(store, [ANN, NEW]) == {ANN: "moved", NEW: "moved"}
    assert [one.address for one in subscribers.active(store, "daily")] == [ANN]


def test_a_move_to_an_erased_address_lets_the_file_begin_nothing(store: Store) -> None:
    """Who was erased there had ended what the file asks for: the reader who moves there gets no more than before."""
    subscribed(store, ANN, BOB)
    erasing.erase(store, ANN, START, reason="erased")
    assert move(store, BOB, ANN) == "open"
    file_readers.sync(store, [edition(name="weekly", subscribers=(Subscriber(ANN),))], START + DAY)
    reader = subscribers.find(store, ANN)
    assert reader is not None
    assert [one.edition for one in reader.subscriptions if not one.ended_by] == ["daily"]


def test_a_strangers_address_gets_three_mails_for_life(store: Store) -> None:
    """No two within a day, whoever asks, as with sign-ups: a page is no way to have somebody mailed."""
    subscribed(store, ANN, BOB)
    for day in range(9):
        for one in (ANN, BOB):
            want(store, one, NEW, START + day * DAY)
    assert [row["count"] for row in store.rows("SELECT count FROM sent_to_strangers")] == [3]


def test_what_happens_is_on_record(store: Store) -> None:
    """A line of the trail, with what stands for the old address in place of it: who shows that address can be told that
    it was this reader's."""
    subscribed(store, ANN)
    reader = subscribers.find(store, ANN)
    assert reader is not None
    name = want(store)
    moving.confirm(store, token(store, name), ip_address("192.0.2.7"), START)
    assert subscribers.find(store, NEW) == replace(reader, address=NEW)
    line = consents.trail(store, reader.id)[-1]
    assert (line.what, line.evidence.form, line.evidence.network) == ("moved", "confirmation", "192.0.2.0/24")
    assert moves.successor(store, pseudonym(ANN.upper(), site.secret(store))) == NEW
    assert not [row for row in store.rows("SELECT * FROM consents, subscribers") if ANN in str(tuple(row))]


# -------------------------------------------------------------------------------------------------------- what may come


def later(store: Store, _name: str) -> None:
    subscribers.leave_all(store, 1, "link", Evidence(), START)


def gone(store: Store, _name: str) -> None:
    erasing.erase(store, ANN, START, reason="erased")


def taken_back(store: Store, name: str) -> None:
    assert moving.withdraw(store, token(store, name, Purpose.WITHDRAW), START).step == "open"


def another_asked_for(store: Store, _name: str) -> None:
    want(store, ANN, OTHER)


def subscribed_meanwhile(store: Store, _name: str) -> None:
    subscribed(store, NEW)


def called_spam(store: Store, _name: str) -> None:
    standing.suppress(store, ANN, ALL, "complained", "", START)


def never_again(store: Store, _name: str) -> None:
    link = signing.sign(Purpose.REFUSE, pseudonym(NEW, site.secret(store)).hex(), "", keys.usable(store, START), START)
    assert signup.refuse(store, link, START) == "open"


@pytest.mark.parametrize(
    ("meanwhile", "step"),
    [
        (later, "open"),
        (gone, "over"),
        (taken_back, "over"),
        (another_asked_for, "over"),
        (subscribed_meanwhile, "over"),
        (called_spam, "over"),
        (never_again, "over"),
    ],
)
def test_what_happens_between_mail_and_click(store: Store, meanwhile: Callable[[Store, str], None], step: str) -> None:
    """Who left meanwhile moves and stays away; all else makes the link worthless, and changes nothing."""
    subscribed(store, ANN)
    name = want(store)
    meanwhile(store, name)
    before = list(store.conn.iterdump())
    assert moving.confirm(store, token(store, name), None, START).step == step
    if step == "over":
        assert list(store.conn.iterdump()) == before
    if meanwhile is later:
        assert (addresses(store), subscribers.active(store, "daily")) == ([NEW], [])


def test_a_link_is_good_once_and_for_a_day(store: Store) -> None:
    """Used again it says so and changes nothing, also when the reader has moved on; after a day it is over."""
    subscribed(store, ANN)
    name = want(store)
    old = token(store, name)
    assert moving.confirm(store, old, None, START + DAY).step == "over"
    assert [moving.confirm(store, old, None, START).step for _ in range(2)] == ["open", "done"]
    assert move(store, NEW, OTHER) == "open"
    assert moving.confirm(store, old, None, START).step == "done"
    assert moving.withdraw(store, token(store, name, Purpose.WITHDRAW), START).step == "done"
    assert addresses(store) == [OTHER]


@pytest.mark.parametrize("purpose", [one for one in Purpose if one is not Purpose.MOVE])
def test_no_other_link_moves_anybody(store: Store, purpose: Purpose) -> None:
    """Each purpose has its key."""
    subscribed(store, ANN)
    name = want(store)
    assert moving.confirm(store, token(store, name, purpose), None, START).step == "over"


def test_of_two_wishes_for_one_address_the_first_counts(store: Store) -> None:
    """The address is asked once a day, and is one reader's then."""
    subscribed(store, ANN, BOB)
    first, second = want(store, ANN, NEW), want(store, BOB, NEW)
    assert [kind for kind, to in waiting(store) if to == NEW] == ["move"]
    assert moving.confirm(store, token(store, first), None, START).step == "open"
    assert moving.confirm(store, token(store, second), None, START).step == "over"
    assert addresses(store) == [NEW, BOB]


def test_who_presses_at_the_same_moment(tmp_path: Path) -> None:
    """Of many who use one link at once, one moves the reader; of two readers whose links lead to one address, one gets
    it, whatever the order."""
    path = tmp_path / "tidings.db"
    with open_store(path) as store:
        subscribed(store, ANN, BOB)
        links = [token(store, want(store, one, NEW)) for one in (ANN, BOB)]

    def press(link: str) -> str:
        with open_store(path) as own:
            return moving.confirm(own, link, None, START).step

    with ThreadPoolExecutor(8) as pool:
        steps = Counter(pool.map(press, links * 8))
    assert steps == {"open": 1, "done": 7, "over": 8}
    with open_store(path) as store:
        assert len(addresses(store)) == len({*addresses(store), NEW}) == 2


def test_an_issue_that_is_called_off_owes_nothing_to_who_moved(store: Store) -> None:
    """Also what a process had in hand, and died with, before its reader moved."""
    subscribed(store, ANN)
    issue_id = freeze(store, 1, ANN)
    deliveries.lease(store, [issue_id], 9, "resend", START)
    assert move(store) == "open"
    issue_states.call_off(store, issue_states.named(store, "daily-1"), START + HOUR)
    assert [tuple(one) for one in store.rows("SELECT address, state FROM deliveries")] == [(NEW, "suppressed")]


def test_a_sign_up_of_the_old_address_is_void(store: Store) -> None:
    """Asked for before the move: its click would make a second subscriber of one person, without a new wish. A new one
    works, since the address may be somebody else's by now; what the file names the old one for stays refused."""
    subscribed(store, ANN)
    wish = Wish(ANN, ("weekly",), "", "form", "")
    signup.ask(store, wish, ip_address("192.0.2.1"), "a" * 16, START)
    assert move(store) == "open"
    link = signing.sign(Purpose.CONFIRM, "a" * 16, "", keys.usable(store, START), START)
    assert signup.confirm(store, link, ["weekly"], "p.example", None, START).step == "over"
    assert addresses(store) == [NEW]
    signup.ask(store, wish, ip_address("192.0.9.1"), "b" * 16, START + 2 * DAY)
    link = signing.sign(Purpose.CONFIRM, "b" * 16, "", keys.usable(store, START), START + 2 * DAY)
    assert signup.confirm(store, link, ["weekly"], "p.example", None, START + 2 * DAY).step == "open"
    assert addresses(store) == [NEW, ANN]
    assert refusals.among(store, [ANN]) == {ANN: "moved"}


# ------------------------------------------------------------------------------------------------------------- the file


def test_the_file_brings_the_old_address_back_no_more(store: Store) -> None:
    """Neither by its line, which stays, nor by another; nor does a list. What it asked for goes on at the new one, also
    when the line is gone, and once it names the new address that is the same reader."""
    file = replace(DAILY, subscribers=(Subscriber(ANN, "de"),))
    file_readers.sync(store, [file], START)
    assert move(store) == "open"
    for listed in ((ANN, BOB), (BOB,), (BOB, NEW), (NEW, ANN)):
        file_readers.sync(store, [replace(DAILY, subscribers=tuple(map(Subscriber, listed)))], START)
        assert ANN not in addresses(store)
        assert NEW in [one.address for one in subscribers.active(store, "daily")]
    importing.stage(store, [Incoming(2, ANN.upper(), "", None, "")])
    assert importing.take(store, "daily", Evidence(), START) == {"refused": 1}
    assert subscribers.add(store, ANN, "daily", "cli", Evidence(), START) == "refused"


# ----------------------------------------------------------------------------------------------------------- deliveries

STATES = ("pending", "deferred", "uncertain", "leased", "inflight", "accepted", "rejected", "suppressed", "expired")


@pytest.mark.parametrize("state", STATES)
def test_what_was_not_sent_goes_to_the_new_address(store: Store, state: str) -> None:
    """What is in hand stays as it is; so does what is over, with the address that it was about."""
    subscribed(store, ANN)
    issue_id = freeze(store, 1, ANN)
    store.conn.execute("UPDATE deliveries SET state = ?", (state,))
    assert move(store) == "open"
    (row,) = store.rows("SELECT * FROM deliveries")
    assert (row["address"], row["state"]) == (NEW if state in STATES[:3] else ANN, state)
    assert row["message_id"] == f"<1.{ANN}>"
    deliveries.tally(store, [issue_id])


@pytest.mark.parametrize(
    ("state", "settled", "expected"),
    [
        ("inflight", "deferred", (NEW, "deferred")),
        ("inflight", "uncertain", (NEW, "uncertain")),
        ("inflight", "accepted", (ANN, "accepted")),
        ("inflight", "rejected", (ANN, "rejected")),
        ("leased", "pending", (NEW, "pending")),
        ("leased", "suppressed", (NEW, "pending")),
        ("inflight", "suppressed", (ANN, "suppressed")),
    ],
)
def test_what_was_in_hand_follows(store: Store, state: str, settled: str, expected: tuple[str, str]) -> None:
    """What comes back to be sent once more goes to the new address; what was let go since the old one is nobody's any
    more is sent there."""
    subscribed(store, ANN)
    freeze(store, 1, ANN)
    store.conn.execute("UPDATE deliveries SET state = ?", (state,))
    assert move(store) == "open"
    deliveries.settle(store, [Settlement(1, settled, "said")], START)  # type: ignore[arg-type]
    (row,) = store.rows("SELECT * FROM deliveries")
    assert (row["address"], row["state"]) == expected


def test_a_process_that_dies_with_mail_in_hand(store: Store) -> None:
    """What it had leased, or in flight, is sent to the new address by the next one."""
    subscribed(store, ANN)
    freeze(store, 1, ANN)
    freeze(store, 2, ANN)
    store.conn.execute("UPDATE deliveries SET state = iif(issue_id = 1, 'leased', 'inflight')")
    assert move(store) == "open"
    deliveries.recover(store, START)
    assert {(row["address"], row["state"]) for row in store.rows("SELECT * FROM deliveries")} == {
        (NEW, "pending"),
        (NEW, "uncertain"),
    }


# ---------------------------------------------------------------------------------------------------------------- kill

_MOVE = """
import sys
from datetime import datetime
from pathlib import Path
from tidings import moving
from tidings.store import open_store
with open_store(Path(sys.argv[1])) as store:
    steps = [0]
    def count(statement):
        steps[0] += 1
        if steps[0] == int(sys.argv[3]):
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)
    store.conn.set_trace_callback(count)
    moving.confirm(store, sys.argv[2], None, datetime.fromisoformat(sys.argv[4]))
    store.conn.set_trace_callback(None)
    print(steps[0])
"""


def test_a_kill_leaves_all_or_nothing(tmp_path: Path) -> None:
    """At each statement of a move in turn: the reader is at one address with all that is open, and the link is either
    still good, and then does it, or done."""
    number, whole, died = 0, False, 0
    while not whole:
        number += 2
        path = tmp_path / str(number) / "tidings.db"
        with open_store(path) as store:
            file_readers.sync(store, [replace(DAILY, subscribers=(Subscriber(ANN),))], START)
            freeze(store, 1, ANN)
            link = token(store, want(store))
        command = [sys.executable, "-c", _MOVE, str(path), link, str(number), START.isoformat()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ})
        whole, died = done.returncode == 0, died + (done.returncode == -signal.SIGKILL)
        assert whole or done.returncode == -signal.SIGKILL, done.stderr
        with open_store(path) as store:
            state = _state(store)
            assert state in (_MOVED, _STAYED), number
            step = moving.confirm(store, link, None, START).step
            assert step == ("open" if state == _STAYED else "done")
            assert _state(store) == _MOVED
    assert died > 10


def _state(store: Store) -> tuple[object, ...]:
    (reader,) = subscribers.listed(store)
    (delivery,) = store.rows("SELECT address FROM deliveries")
    trail = [one.what for one in consents.trail(store, reader.id)]
    kinds = sorted(one.kind for one in notes.due(store, START))
    return (reader.address, delivery["address"], trail, dict(refusals.among(store, [ANN, NEW])), kinds)


Ends = tuple[str, str, list[str], dict[str, str], list[str]]
"""Who is listed and mailed where, the trail, what is refused, and which notes wait."""
_STAYED: Ends = (ANN, ANN, ["listed"], {}, ["move", "moving"])
_MOVED: Ends = (NEW, NEW, ["listed", "moved"], {ANN: "moved"}, ["moved"])


# ------------------------------------------------------------------------------------------------------------ sequences

PLACES = [f"place{number}@readers.example" for number in range(4)]
PLACE = st.sampled_from(PLACES)


def sign_up(store: Store, place: str, now: datetime) -> Found:
    """Signs up and confirms at once."""
    name = NAMES.next()
    wish = Wish(place, ("daily",), "", "form", "")
    signup.ask(store, wish, ip_address(0x0A000000 + 256 * (NAMES.count % 60_000)), name, now)
    store.conn.execute("UPDATE sent_to_strangers SET count = 0")
    link = signing.sign(Purpose.CONFIRM, name, "", keys.usable(store, now), now)
    return signup.confirm(store, link, ["daily"], "p.example", None, now)


class Moving(RuleBasedStateMachine):
    """People at addresses, and what each of them is owed, kept beside the tables. A person is the one who subscribed;
    an address is one person's at most."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._opened = open_store(Path(self._folder.name, "tidings.db"))
        self.store = self._opened.__enter__()
        self.now = START
        self.at: dict[str, int] = {}  # by address, the person
        self.wants: dict[int, bool] = {}
        self.refused: set[str] = set()
        self.people = 0
        self.links: dict[str, tuple[int, str, datetime]] = {}
        self.last: dict[int, str] = {}
        self.owed: set[tuple[int, int]] = set()  # issue, person
        self.issues, self.newest = 0, 0

    def teardown(self) -> None:
        self._opened.__exit__(None, None, None)
        self._folder.cleanup()

    @initialize()
    def begin(self) -> None:
        keys.usable(self.store, self.now)

    @rule(place=PLACE)
    def subscribe(self, place: str) -> None:
        """By the form, with a click at that address: whoever reads its mail."""
        self.now += 2 * DAY
        rows = self.store.rows(
            """SELECT r.address FROM deliveries d JOIN subscribers r ON r.id = d.subscriber_id
            WHERE d.issue_id = ? AND d.address = ?""",
            (self.newest, place),
        )
        is_taken = any(row["address"] != place for row in rows)
        if sign_up(self.store, place, self.now).step != "open":
            return
        if place not in self.at:
            self.people += 1
            self.at[place] = self.people
        self.wants[self.at[place]] = True
        # With the newest a reader is welcomed, unless one is addressed to there for who has moved away since.
        if self.newest and not is_taken:
            self.owed.add((self.newest, self.at[place]))

    @precondition(lambda self: self.at)
    @rule(data=st.data(), new=PLACE)
    def ask(self, data: st.DataObject, new: str) -> None:
        old = data.draw(st.sampled_from(sorted(self.at)))
        self.now += DAY
        if old == new:
            return
        self.store.conn.execute("UPDATE sent_to_strangers SET count = 0")
        name = want(self.store, old, new, self.now)
        assert name
        mailed = [one for one in notes.due(self.store, self.now) if one.kind == "move" and one.subject == name]
        assert not (mailed and new in self.at)
        self.links[name] = (self.at[old], new, self.now)
        self.last[self.at[old]] = name

    @precondition(lambda self: self.links)
    @rule(data=st.data(), wait=st.integers(0, 30))
    def press(self, data: st.DataObject, wait: int) -> None:
        """A link of some day, used or not: only the last wish of a reader who is there, for an address that is free."""
        name = data.draw(st.sampled_from(sorted(self.links)))
        person, new, asked_at = self.links[name]
        self.now += wait * HOUR
        step = moving.confirm(self.store, token(self.store, name, made_at=asked_at), None, self.now).step
        is_good = self.last.get(person) == name and new not in self.at and self.now - asked_at < DAY
        assert (step == "open") == is_good
        if is_good:
            (old,) = [place for place, who in self.at.items() if who == person]
            del self.at[old]
            self.at[new] = person
            self.refused.add(old)
            del self.last[person]

    @precondition(lambda self: self.at)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.at)))
        reader = subscribers.find(self.store, place)
        assert reader is not None
        subscribers.leave_all(self.store, reader.id, "link", Evidence(), self.now)
        self.wants[self.at[place]] = False

    @precondition(lambda self: self.at)
    @rule(data=st.data())
    def come_back(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.at)))
        reader = subscribers.find(self.store, place)
        assert reader is not None
        subscribers.come_back(self.store, reader.id, "daily", Evidence(), self.now)
        self.wants[self.at[place]] = True

    @precondition(lambda self: self.at)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        place = data.draw(st.sampled_from(sorted(self.at)))
        erasing.erase(self.store, place, self.now, reason="erased")
        person = self.at.pop(place)
        self.refused.add(place)
        self.last.pop(person, None)
        self.wants.pop(person)
        self.owed = {(issue, who) for issue, who in self.owed if who != person}

    @rule()
    def list_everybody(self) -> None:
        """The file and a list name all addresses there are. Whoever is there gets it; nobody comes back by it."""
        known = set(subscribers.public_ids(self.store, PLACES))
        refused = set(refusals.among(self.store, PLACES))
        for place in PLACES:
            if place not in known and place not in refused:
                continue
            subscribers.add(self.store, place, "daily", "import", Evidence(), self.now)

    @rule()
    def freeze(self) -> None:
        wanting = [one.address for one in subscribers.active(self.store, "daily")]
        self.issues += 1
        if wanting:
            issue = freeze(self.store, self.issues, *wanting)
            self.owed |= {(issue, self.at[place]) for place in wanting}
            self.newest = issue

    @rule()
    def pass_over(self) -> None:
        """What waits for who has left is not sent."""
        for place, person in self.at.items():
            if not self.wants[person]:
                rows = self.store.rows(
                    """UPDATE deliveries SET state = 'suppressed'
                    WHERE state = 'pending' AND subscriber_id = (SELECT id FROM subscribers WHERE address = ?)
                    RETURNING issue_id""",
                    (place,),
                )
                self.owed -= {(row["issue_id"], person) for row in rows}

    @rule(fate=st.sampled_from(["leased", "inflight", "deferred", "uncertain", "pending", "died"]))
    def carry(self, fate: str) -> None:
        """Mail is taken in hand, comes back, or is left by a process that dies."""
        if fate == "died":
            deliveries.recover(self.store, self.now)
            return
        earlier = {"leased": "pending", "inflight": "leased"}.get(fate, "inflight")
        self.store.conn.execute("UPDATE deliveries SET state = ? WHERE state = ?", (fate, earlier))

    @invariant()
    def everybody_is_there_once(self) -> None:
        assert sorted(addresses(self.store)) == sorted(self.at)
        active = {one.address for one in subscribers.active(self.store, "daily")}
        assert active == {place for place, who in self.at.items() if self.wants[who]}
        assert set(refusals.among(self.store, PLACES)) == self.refused
        assert len({row["public_id"] for row in self.store.rows("SELECT public_id FROM subscribers")}) == len(self.at)

    @invariant()
    def nothing_owed_is_lost(self) -> None:
        """What is open and not in hand is addressed to where its reader is; and it is all there."""
        rows = self.store.rows(
            """SELECT d.issue_id, d.address, d.state, r.address AS place FROM deliveries d
            JOIN subscribers r ON r.id = d.subscriber_id WHERE d.state != 'suppressed'"""
        )
        assert {(row["issue_id"], self.at[row["place"]]) for row in rows} == self.owed
        for row in rows:
            assert row["state"] in ("leased", "inflight") or row["address"] == row["place"]


Moving.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


class TestMoving(Moving.TestCase):  # type: ignore[misc, valid-type]
    """Any sequence of asking, moving, erasing, leaving and returning."""


def test_who_comes_to_an_address_that_another_left_is_welcomed_too(store: Store) -> None:
    """Two who had one address, one after the other, both get the issue that greets them, as two messages."""
    keys.usable(store, START)
    subscribed(store, BOB)
    freeze(store, 1, BOB)
    assert sign_up(store, ANN, START).is_welcomed
    assert moving.confirm(store, token(store, want(store, ANN, NEW)), None, START).step == "open"
    assert sign_up(store, ANN, START + DAY).is_welcomed
    rows = store.rows("SELECT address, message_id FROM deliveries ORDER BY address")
    assert [row["address"] for row in rows] == [ANN, BOB, NEW]
    assert len({row["message_id"] for row in rows}) == 3


@pytest.mark.parametrize("state", ["suppressed", "accepted", "rejected", "expired", "inflight"])
def test_a_welcome_goes_to_nobody_else(store: Store, state: str) -> None:
    """Where the newest issue was addressed to there for the reader who has moved away, the newcomer gets none, and is
    told so; what that reader had left is not begun anew."""
    keys.usable(store, START)
    subscribed(store, ANN)
    freeze(store, 1, ANN)
    store.conn.execute("UPDATE deliveries SET state = ?", (state,))
    assert move(store) == "open"
    before = [tuple(row) for row in store.rows("SELECT * FROM deliveries")]
    found = sign_up(store, ANN, START + DAY)
    assert (found.step, found.is_welcomed) == ("open", False)
    assert [tuple(row) for row in store.rows("SELECT * FROM deliveries")] == before


def test_who_moves_in_is_not_mailed_where_another_was(store: Store) -> None:
    """Who left, moved to where somebody else was mailed, and signs up again: neither place gets it once more."""
    keys.usable(store, START)
    subscribed(store, ANN, BOB)
    freeze(store, 1, ANN, BOB)
    store.conn.execute("UPDATE deliveries SET state = iif(address = ?, 'suppressed', 'accepted')", (ANN,))
    assert move(store, BOB, NEW) == "open"
    assert move(store, ANN, BOB) == "open"
    later(store, "")
    found = sign_up(store, BOB, START + DAY)
    assert (found.step, found.is_welcomed) == ("open", False)
    rows = store.rows("SELECT address, state FROM deliveries ORDER BY id")
    assert [tuple(row) for row in rows] == [(ANN, "suppressed"), (BOB, "accepted")]


def test_choices_and_their_memory_go_along(store: Store) -> None:
    """The reader's own edition has the same name as before, so it goes on where it was."""
    from tidings import preferences
    from tidings.model import Choices

    subscribed(store, ANN)
    reader = subscribers.find(store, ANN)
    assert reader is not None
    preferences.choose(store, reader, DAILY, Choices(cadence="weekly"), Evidence(), START)
    (before,) = store.rows("SELECT * FROM choices")
    assert move(store) == "open"
    assert [tuple(row) for row in store.rows("SELECT * FROM choices")] == [tuple(before)]
    assert choices.find(store, reader.id, "daily") == Choices(cadence="weekly")


def test_what_was_asked_for_is_gone_after_a_day(store: Store) -> None:
    """The new address, and that anybody asked, whatever comes of it; a clock that was wrong leaves nothing behind."""
    subscribed(store, ANN)
    want(store)
    for now, left in ((START + DAY, 1), (START + DAY + HOUR, 0)):
        moves.tidy(store, now)
        asked.tidy(store, now)
        assert [len(store.rows(f"SELECT * FROM {table}")) for table in ("moves", "mails_asked")] == [left, left]
    want(store, now=START + 9 * DAY)
    asked.tidy(store, START)
    assert store.rows("SELECT * FROM mails_asked") == []


def test_erasing_who_moved_reaches_the_mails_to_the_old_address(store: Store) -> None:
    """Those that wait, and what is known of those that went out; but none of who has that address by then."""
    subscribed(store, ANN)
    name = want(store)
    for note in notes.due(store, START):
        notes.start(store, note, f"<{note.name}@planet.example>", START)
    moving.confirm(store, token(store, name), None, START + HOUR)
    (last,) = notes.due(store, START + HOUR)
    assert (last.kind, last.address) == ("moved", ANN)
    notes.start(store, last, "<last@planet.example>", START + HOUR)
    notes.put_off(store, last.id, START + DAY)
    subscribers.add(store, ANN, "daily", "web", Evidence(), START + HOUR, again=True)
    managing.ask(store, ANN, "", None, NAMES.next(), START + 2 * HOUR)
    (hers,) = (note for note in notes.due(store, START + 2 * HOUR) if note.kind == "manage")
    notes.start(store, hers, "<hers@planet.example>", START + 2 * HOUR)
    erasing.erase(store, NEW, START + DAY)
    assert [row["name"] for row in store.rows("SELECT name FROM notes")] == [hers.name]
    known = store.rows("SELECT message_id FROM notes_sent WHERE fingerprint != x'' OR about != ''")
    assert [row["message_id"] for row in known] == ["<hers@planet.example>"]
