"""What the page after leaving offers: the same edition, but less often, by one click."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.test_web_leaving import ALL, ANN, BOB, EDITIONS, NOW, House, house  # noqa: F401  # a fixture
from tidings import preferences
from tidings.config.schedules import schedule
from tidings.model import Choices, Evidence
from tidings.store import choices, consents, open_store, subscribers

DAILY = EDITIONS[0]


def chosen(house: House) -> Choices | None:  # noqa: F811
    with open_store(house.database) as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        return choices.find(store, reader.id, "daily")


@pytest.mark.parametrize("cadence", ["weekly", "monthly"])
def test_one_click_brings_fewer_mails(house: House, cadence: str) -> None:  # noqa: F811
    """After leaving the page offers it; the button takes the subscription up again, at the hour that it had."""
    path = f"/u/{house.token(ANN)}"
    page = house.post(path, "do=leave")
    assert f'action="{path.rpartition("/")[2]}/fewer"' in page.text
    assert f'value="{cadence}"' in page.text
    answer = house.post(f"{path}/fewer", f"do={cadence}")
    assert answer.status == 200
    assert "You get fewer mails now" in answer.text
    assert house.running() == ALL
    kept = chosen(house)
    assert kept is not None
    assert (kept.cadence, kept.hour, kept.minute, kept.timezone) == (cadence, 8, 0, "Europe/Berlin")
    with open_store(house.database) as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        assert [line.what for line in consents.trail(store, reader.id)][-3:] == ["left", "changed", "returned"]


def test_the_button_pressed_twice_says_the_same(house: House) -> None:  # noqa: F811
    """The second time it changes nothing; a link that was not used for that tells nothing of what was chosen."""
    path = f"/u/{house.token(ANN)}"
    house.post(path, "do=leave")
    house.post(f"{path}/fewer", "do=monthly")
    before = house.dump()
    assert "You get fewer mails now" in house.post(f"{path}/fewer", "do=monthly").text
    assert "Unsubscribe from" in house.post(f"{path}/fewer", "do=weekly").text
    assert house.dump() == before


def test_what_would_bring_no_fewer_is_refused(house: House) -> None:  # noqa: F811
    """A weekly edition does not offer to come weekly, so nobody can ask for that."""
    path = f"/u/{house.token(ANN, 'weekly')}"
    house.post(path, "do=leave")
    before = house.dump()
    assert house.post(f"{path}/fewer", "do=weekly").status == 400
    assert house.dump() == before


def test_nothing_else_can_be_chosen(house: House) -> None:  # noqa: F811
    """Neither more mails, nor other words in the form; what only looks changes nothing."""
    path = f"/u/{house.token(ANN)}"
    house.post(path)
    before = house.dump()
    for body in ("do=daily", "do=every+post", "do=", "cadence=weekly", "do=return"):
        assert house.post(f"{path}/fewer", body).status == 400, body
    for method in ("GET", "HEAD"):
        assert house.get(f"{path}/fewer", method).status == 200
    assert house.dump() == before


def choose(house: House, address: str, chosen: Choices) -> None:  # noqa: F811
    with open_store(house.database) as store:
        reader = subscribers.find(store, address)
        assert reader is not None
        preferences.choose(store, reader, DAILY, chosen, Evidence(), NOW)


def test_fewer_is_never_more(house: House) -> None:  # noqa: F811
    """A monthly reader is not made a weekly one: the edition comes back as it was, with what else was chosen."""
    path, own = f"/u/{house.token(ANN)}", Choices("monthly", day=3, text_only=True)
    choose(house, ANN, own)
    house.post(path, "do=leave")
    house.post(f"{path}/fewer", "do=weekly")
    assert chosen(house) == own
    assert house.running() == ALL


def test_nobody_gets_fewer_who_has_not_left(house: House) -> None:  # noqa: F811
    """The link of a forwarded mail changes nothing of what its reader chose."""
    path = f"/u/{house.token(ANN)}"
    before = house.dump()
    for cadence in ("weekly", "monthly"):
        answer = house.post(f"{path}/fewer", f"do={cadence}")
        assert (answer.status, "You get fewer mails now" in answer.text) == (200, False)
    assert house.dump() == before


def test_the_pages_of_a_link_tell_nothing_of_what_was_chosen(house: House) -> None:  # noqa: F811
    """They are the same for who wants every post and who wants one mail a month."""
    told = []
    for address, cadence in ((ANN, "every post"), (BOB, "monthly")):
        with open_store(house.database) as store:
            store.conn.execute("UPDATE subscriptions SET language = ''")
        choose(house, address, Choices(cadence, timezone="UTC"))  # type: ignore[arg-type]
        token = house.token(address)
        pages = [house.post(f"/u/{token}", "do=leave"), house.post(f"/u/{token}/fewer", "do=weekly")]
        told.append([page.text.replace(token, "TOKEN") for page in pages])
    assert told[0] == told[1]


def test_the_offer_ends_with_the_way_back(house: House) -> None:  # noqa: F811
    """A week later the link brings nothing back, fewer or not."""
    path = f"/u/{house.token(ANN)}"
    house.post(path)
    house.now = NOW + timedelta(days=8)
    assert "fewer" not in house.get(path).text
    house.post(f"{path}/fewer", "do=weekly")
    assert (ANN, "daily") not in house.running()


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("*/15 * * * *", ("weekly", "monthly")),
        ("daily 07:30", ("weekly", "monthly")),
        ("30 7 * * 1-5", ("weekly", "monthly")),
        ("weekly fri 08:00", ("monthly",)),
        ("monthly 1 08:00", ()),
        ("0 8 30 2 *", ()),
    ],
)
def test_what_is_offered_is_less_often(text: str, offered: tuple[str, ...]) -> None:
    """It goes by how long it is between the next two issues."""
    one = replace(DAILY, schedule=schedule("monthly 1 08:00") if text == "0 8 30 2 *" else schedule(text))
    if text == "0 8 30 2 *":
        one = replace(one, schedule=replace(one.schedule, days=frozenset({30}), months=frozenset({2}), clamp=False))
    assert preferences.rarer(one, NOW) == offered
