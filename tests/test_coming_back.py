"""Readers who left, or were erased, and sign up again: what they get from then on, and what they do not."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address

import pytest

from tests.builders import edition
from tests.test_choices import ANN, BOB, DAY, HOUR, MINUTE, MONDAY, TUESDAY, WEEKLY, World
from tidings import managing, signing, signup
from tidings.addresses import pseudonym
from tidings.cli.reader_reports import reader_report
from tidings.model import Edition, Evidence, Subscriber
from tidings.signing import Purpose
from tidings.signup import Found, Wish
from tidings.store import Store, erasing, exporting, file_readers, keys, notes, refusals, site, subscribers

HERE = ip_address("192.0.2.7")
DOMAIN = "planet.example"


def a_name(number: int) -> str:
    return f"{number:016x}"


def sign_up(store: Store, edition: str, now: datetime, number: int = 1) -> Found:
    """Both steps, one after the other."""
    signup.ask(store, Wish(ANN, (edition,), "", "form", "I want this."), HERE, a_name(number), now)
    token = signing.sign(Purpose.CONFIRM, a_name(number), "", keys.usable(store, now), now)
    return signup.confirm(store, token, ("daily", "weekly"), DOMAIN, HERE, now + MINUTE)


def test_an_edition_of_ones_own_is_the_welcome(store: Store) -> None:
    """Who chose, left and signs up again is not sent the newest issue of all: the own edition brings its posts once."""
    world = World(store, ANN, BOB)
    world.choose(WEEKLY, MONDAY + MINUTE)
    came = world.news(MONDAY + HOUR)
    world.tick(TUESDAY)
    subscribers.leave(store, world.reader().id, "daily", "link", Evidence(), TUESDAY + HOUR)
    assert not sign_up(store, "daily", TUESDAY + 2 * HOUR).is_welcomed
    for day in range(8):
        world.tick(TUESDAY + day * DAY + 3 * HOUR)
    assert world.got() == came


def naming(name: str, *addresses: str) -> Edition:
    return edition(name=name, signup=True, subscribers=tuple(Subscriber(one, "") for one in addresses))


@pytest.mark.parametrize("reason", ["erased", "moved"])
def test_one_edition_brings_back_no_other(store: Store, reason: refusals.Reason) -> None:
    """Who was erased, and with that the leaving, gets what the new confirmation is for, whatever the file names."""
    weekly = naming("weekly", ANN)
    file_readers.sync(store, [naming("daily", ANN), weekly], MONDAY)
    found = subscribers.find(store, ANN)
    assert found is not None
    subscribers.leave(store, found.id, "daily", "link", Evidence(), MONDAY)
    erasing.erase(store, ANN, MONDAY, reason=reason)
    assert sign_up(store, "weekly", MONDAY + HOUR).step == "open"
    file_readers.sync(store, [naming("daily", ANN, BOB), weekly], MONDAY + DAY)
    back = subscribers.find(store, ANN)
    assert back is not None
    assert [(one.edition, one.ended_by) for one in back.subscriptions] == [("weekly", "")]


def test_never_ask_again_locks_no_subscriber_out(store: Store) -> None:
    """Who wants no mail about subscribing still gets the link to the page of preferences. The export and the
    report name that wish."""
    world = World(store, ANN)
    signup.ask(store, Wish(ANN, ("weekly",), "", "form", ""), HERE, a_name(1), MONDAY)
    print_ = pseudonym(ANN, site.secret(store))
    token = signing.sign(Purpose.REFUSE, print_.hex(), "", keys.usable(store, MONDAY), MONDAY)
    assert signup.refuse(store, token, MONDAY) == "open"
    managing.ask(store, ANN, "", HERE, a_name(2), MONDAY + HOUR)
    assert ("manage", ANN) in [(one.kind, one.address) for one in notes.due(store, MONDAY + DAY)]
    assert [one["reason"] for one in exporting.of_reader(store, world.reader())["refusals"]] == ["never-ask"]
    assert reader_report(store, world.reader())["refused"] == "never-ask"
