"""Subscribers as stored: how subscriptions begin, end and come back, and who is mailed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.builders import edition
from tests.stocking import START
from tidings.model import Edition, Evidence, Origin, Subscriber
from tidings.store import Store, consents, file_readers, refusals, subscribers

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN, BOB = "ann@readers.example", "bob@readers.example"
BY_HAND = Evidence(form="command", wording="the operator vouches for it")
DAILY = edition(name="daily")


def naming(*readers: str | Subscriber, name: str = "daily") -> Edition:
    """An edition of the file with these readers."""
    listed = tuple(one if isinstance(one, Subscriber) else Subscriber(one) for one in readers)
    return replace(DAILY, name=name, subscribers=listed)


def sync(store: Store, *editions: Edition, now: datetime = START) -> None:
    file_readers.sync(store, editions, now)


def add(store: Store, address: str = ANN, origin: Origin = "cli", *, again: bool = False, name: str = "daily") -> str:
    return subscribers.add(store, address, name, origin, BY_HAND, START, again=again)


def leave(store: Store, address: str = ANN, name: str = "daily") -> bool:
    return subscribers.leave(store, id_of(store, address), name, "link", Evidence(form="link"), START + HOUR)


def id_of(store: Store, address: str = ANN) -> int:
    found = subscribers.find(store, address)
    assert found is not None
    return found.id


def mailed(store: Store, name: str = "daily") -> list[str]:
    """Whom an issue goes to; asked in both ways, as when it is frozen and when it is sent."""
    frozen = [one.address for one in subscribers.active(store, name)]
    everybody = [one.address for one in subscribers.listed(store)]
    assert subscribers.may_be_mailed(store, name, everybody) == set(frozen)
    return frozen


def trail(store: Store, address: str = ANN) -> list[str]:
    return [one.what for one in consents.trail(store, id_of(store, address))]


# ------------------------------------------------------------------------------------------------ readers of the file


def test_readers_of_the_file_are_subscribers(store: Store) -> None:
    """Each gets what it is named for, in its language, in the order of the file."""
    sync(store, naming(BOB, Subscriber(ANN, "de")), naming(ANN, name="weekly"))
    assert [(one.address, one.language) for one in subscribers.active(store, "daily")] == [
        (BOB, ""),
        (ANN, "de"),
    ]
    assert [(one.address, one.language) for one in subscribers.active(store, "weekly")] == [(ANN, "")]
    assert [one.address for one in subscribers.first_of_languages(store, "daily")] == [BOB, ANN]


def test_who_is_taken_out_of_the_file_leaves_and_returns_when_listed_again(store: Store) -> None:
    """The file is the operator's word on whom it names."""
    sync(store, naming(ANN, BOB))
    sync(store, naming(BOB))
    assert mailed(store) == [BOB]
    sync(store, naming(BOB, Subscriber(ANN, "fr")))
    assert mailed(store) == [ANN, BOB]
    assert trail(store) == ["listed", "unlisted", "listed"]
    assert [one.language for one in subscribers.active(store, "daily")] == ["fr", ""]


def test_an_edition_that_is_gone_from_the_file_takes_its_readers_along(store: Store) -> None:
    """As if each of them had been taken out."""
    sync(store, naming(ANN), naming(ANN, BOB, name="weekly"))
    sync(store, naming(ANN))
    assert (mailed(store), mailed(store, "weekly")) == ([ANN], [])


def test_who_left_by_a_link_stays_gone_whatever_the_file_says(store: Store) -> None:
    """Still listed, taken out, listed again: only asking for it brings that reader back."""
    sync(store, naming(ANN))
    assert leave(store)
    for listing in (naming(ANN, BOB), naming(BOB), naming(ANN)):
        sync(store, listing)
        assert ANN not in mailed(store)
    assert add(store) == "left"
    assert add(store, again=True) == "returned"
    assert mailed(store) == [ANN]


def test_who_leaves_after_being_taken_out_is_not_brought_back_by_the_file(store: Store) -> None:
    """The link of an old mail counts, too."""
    sync(store, naming(ANN))
    sync(store, naming())
    assert leave(store)
    sync(store, naming(ANN))
    assert mailed(store) == []


def test_who_asks_for_it_stays_when_taken_out_of_the_file(store: Store) -> None:
    """The file ends only what nobody but the file asked for."""
    sync(store, naming(ANN))
    assert add(store, origin="web") == "already"
    sync(store, naming())
    assert mailed(store) == [ANN]
    assert trail(store) == ["listed", "confirmed"]


def test_a_file_that_names_the_same_readers_costs_no_transaction(store: Store) -> None:
    """At most starts of a poll no other process has to wait."""
    sync(store, naming(ANN))
    changes = store.conn.total_changes
    sync(store, naming(ANN))
    assert store.conn.total_changes == changes


def test_spellings_in_the_file_are_one_reader(store: Store) -> None:
    """Capitals and the form of a domain make no second subscriber."""
    sync(store, naming("Ann@Bücher.example"), naming("ann@xn--bcher-kva.example", name="weekly"))
    assert [len(one.subscriptions) for one in subscribers.listed(store)] == [2]


# --------------------------------------------------------------------------------------------- beginning and ending


@pytest.mark.parametrize(("origin", "what"), [("cli", "added"), ("import", "imported"), ("web", "confirmed")])
def test_adding_is_recorded_with_its_grounds(store: Store, origin: Origin, what: str) -> None:
    """The trail has when, by which form and on which words."""
    assert add(store, origin=origin) == "added"
    assert add(store, origin=origin) == "already"
    (line,) = consents.trail(store, id_of(store))
    assert (line.edition, line.what, line.at, line.evidence) == ("daily", what, START, BY_HAND)


def test_leaving_twice_is_leaving_once(store: Store) -> None:
    """The second time nothing changes, and the first one's moment stays."""
    add(store)
    assert (leave(store), leave(store)) == (True, False)
    assert trail(store) == ["added", "left"]
    found = subscribers.find(store, ANN.upper())
    assert found is not None
    assert [(one.ended_by, one.ended_at) for one in found.subscriptions] == [("link", START + HOUR)]


def test_leaving_one_edition_leaves_the_others(store: Store) -> None:
    """And leaving all leaves none."""
    add(store)
    add(store, name="weekly")
    leave(store)
    assert (mailed(store), mailed(store, "weekly")) == ([], [ANN])
    assert subscribers.leave_all(store, id_of(store), "operator", Evidence(), START) == ["weekly"]
    assert mailed(store, "weekly") == []


def test_one_click_back(store: Store) -> None:
    """A reader who left is back, as its own wish: the file ends it no more. Who is in, or never was, stays so."""
    sync(store, naming(ANN))
    back = subscribers.come_back
    assert not back(store, id_of(store), "daily", Evidence(form="page"), START)
    assert not back(store, id_of(store), "weekly", Evidence(form="page"), START)
    leave(store)
    assert back(store, id_of(store), "daily", Evidence(form="page"), START + DAY)
    sync(store, naming())
    assert mailed(store) == [ANN]
    assert trail(store) == ["listed", "left", "returned"]


def test_who_is_refused_comes_back_only_knowingly(store: Store) -> None:
    """Neither the file nor a command brings back an address that is not to be mailed, in whatever spelling."""
    refusals.keep(store, ANN, "operator", START)
    sync(store, naming(ANN.upper(), BOB))
    assert add(store, "Ann@Readers.example") == "refused"
    assert subscribers.find(store, ANN) is None
    assert add(store, again=True) == "added"
    assert mailed(store) == [BOB, ANN]
    assert not refusals.forget(store, ANN)


def test_a_link_finds_its_subscriber(store: Store) -> None:
    """By an id of its own, which says nothing of the row, and is different for each."""
    add(store)
    add(store, BOB)
    ann, bob = subscribers.listed(store)
    assert subscribers.by_public_id(store, ann.public_id) == ann
    assert ann.public_id != bob.public_id
    assert subscribers.by_public_id(store, str(ann.id)) is None


def test_counts_and_lists(store: Store) -> None:
    """Subscribers by edition, all of them in their order however many; how many there are by edition and origin."""
    sync(store, naming(*(f"reader{number}@readers.example" for number in range(2500))))
    add(store, ANN, name="weekly")
    add(store, "reader7@readers.example", name="weekly")
    subscribers.leave(store, id_of(store, "reader8@readers.example"), "daily", "link", Evidence(), START)
    assert len([*subscribers.listed(store)]) == 2501
    assert [one.address for one in subscribers.listed(store, "weekly")] == ["reader7@readers.example", ANN]
    found = [(one.edition, one.origin, one.running, one.ended) for one in subscribers.counts(store)]
    assert found == [("daily", "file", 2499, 1), ("weekly", "cli", 2, 0)]
    assert [subscribers.readers(store, names) for names in (["daily"], ["daily", "weekly"], [])] == [2499, 2500, 0]
