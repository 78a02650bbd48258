"""From where somebody asked is forgotten in time, and nothing else is: by the tick of polling, on a real database."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest

from tests.builders import edition
from tests.sites import Site
from tests.stocking import configure
from tests.test_daemon import running, wait_for
from tests.webs import ask, talking
from tidings import forgetting, signup, throttling
from tidings.addresses import pseudonym
from tidings.demo.sink import free_port
from tidings.forgetting import NETWORK_KEPT
from tidings.model import Evidence, Signup
from tidings.signup import Wish
from tidings.store import Store, consents, notes, open_store, signups, subscribers
from tidings.store import site as site_table

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN, BOB = "ann@readers.example", "bob@readers.example"
HOME = Evidence("page", "I want it", "192.0.2.0/24", {"by": "link"})


def subscribe(store: Store, address: str = ANN, name: str = "daily", now: datetime = NOW) -> int:
    subscribers.add(store, address, name, "web", HOME, now, again=True)
    found = subscribers.find(store, address)
    assert found is not None
    return found.id


def networks(store: Store, reader: int) -> list[tuple[str, str, str]]:
    return [(one.edition, one.what, one.evidence.network) for one in consents.trail(store, reader)]


def test_the_network_goes_a_month_after_the_end_and_the_rest_of_the_trail_stays(store: Store) -> None:
    """Not before; when, what, by which form and on which words stays on record."""
    reader = subscribe(store)
    subscribers.leave(store, reader, "daily", "link", HOME, NOW + DAY)
    before = consents.trail(store, reader)
    forgetting.forget(store, NOW + DAY + NETWORK_KEPT)
    assert consents.trail(store, reader) == before
    forgetting.forget(store, NOW + DAY + NETWORK_KEPT + HOUR)
    after = consents.trail(store, reader)
    assert {one.evidence.network for one in before} == {HOME.network}
    assert {one.evidence.network for one in after} == {""}
    assert [(one.what, one.at, one.evidence.form, one.evidence.wording) for one in after] == [
        (one.what, one.at, one.evidence.form, one.evidence.wording) for one in before
    ]


def test_it_stays_while_the_subscription_runs(store: Store) -> None:
    """However old it is; so it does for who left and came back, until the next end."""
    reader, later = subscribe(store), NOW + 900 * DAY
    forgetting.forget(store, later)
    subscribers.leave(store, reader, "daily", "link", HOME, later)
    subscribers.come_back(store, reader, "daily", HOME, later + DAY)
    forgetting.forget(store, later + 2 * NETWORK_KEPT)
    assert {network for _, _, network in networks(store, reader)} == {HOME.network}


def test_each_edition_is_for_itself_and_other_readers_are_left_alone(store: Store) -> None:
    """What is about no single edition goes with the last of them."""
    ann, bob = subscribe(store), subscribe(store, BOB)
    subscribe(store, name="weekly")
    with store.write():
        consents.record(store, ann, "", "moved", HOME, NOW)
    subscribers.leave(store, ann, "daily", "link", Evidence(), NOW)
    forgetting.forget(store, NOW + 2 * NETWORK_KEPT)
    assert networks(store, ann) == [
        ("daily", "confirmed", ""),
        ("weekly", "confirmed", HOME.network),
        ("", "moved", HOME.network),
        ("daily", "left", ""),
    ]
    subscribers.leave(store, ann, "weekly", "operator", Evidence(), NOW)
    forgetting.forget(store, NOW + 2 * NETWORK_KEPT + HOUR)
    assert {network for _, _, network in networks(store, ann)} == {""}
    assert networks(store, bob) == [("daily", "confirmed", HOME.network)]


def ask_for(store: Store, now: datetime) -> None:
    """A sign-up, and the brake on who asks."""
    with store.write():
        signups.add(store, Signup("one", ANN, ("daily",), "", now, HOME), pseudonym(ANN, site_table.secret(store)))
    throttling.ask(store, "sign-up", b"ann", ip_address("192.0.2.7"), now)


def rows(store: Store, table: str) -> int:
    return int(store.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"])


def test_sign_ups_and_brakes_go_though_nobody_asks_again(store: Store) -> None:
    """A brake after a day, what was not confirmed after a week; before, both waited for the next who asks."""
    ask_for(store, NOW)
    found = []
    for age in (HOUR, DAY + HOUR, 7 * DAY + HOUR):
        forgetting.forget(store, NOW + age)
        found.append((rows(store, "throttle"), rows(store, "signups")))
    assert found == [(3, 1), (0, 1), (0, 0)]


def test_small_mails_go_a_day_later_though_nobody_sends_them(store: Store) -> None:
    """As with a mail server that is away, or a page that is public no more. One in hand stays: it may be on its way."""
    for number in range(2):
        wish = Wish(f"r{number}@readers.example", ("daily",), "", "form", "I want it")
        signup.ask(store, wish, ip_address("192.0.2.7"), f"{number:016x}", NOW)
    notes.start(store, notes.due(store, NOW)[0], "<note.1@planet.example>", NOW)
    found = []
    for age in (23 * HOUR, DAY + HOUR):
        forgetting.forget(store, NOW + age)
        found.append([row["state"] for row in store.rows("SELECT state FROM notes ORDER BY id")])
    assert found == [["inflight", "pending"], ["inflight"]]


@pytest.mark.parametrize(("last", "works"), [(-HOUR, True), (-HOUR / 2, False), (HOUR, True)])
def test_it_is_done_once_an_hour(store: Store, last: timedelta, works: bool) -> None:
    """Ticks in between write nothing; a clock that was far ahead for a while keeps nothing from being forgotten."""
    forgetting.forget(store, NOW + last)
    ask_for(store, NOW - 8 * DAY)
    before = store.conn.total_changes
    forgetting.forget(store, NOW)
    assert (rows(store, "signups") == 0) is works
    assert (store.conn.total_changes > before) is works


def test_no_bytes_of_a_network_are_left_in_the_file(store: Store) -> None:
    """What is overwritten in the table is overwritten in the file, once the log beside it is written back."""
    reader = subscribe(store)
    subscribers.leave(store, reader, "daily", "link", HOME, NOW)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"192.0.2.0" in store.path.read_bytes()
    forgetting.forget(store, NOW + 2 * NETWORK_KEPT)
    store.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"192.0.2.0" not in store.path.read_bytes()


def test_looking_for_what_is_to_be_forgotten_reads_no_whole_table(store: Store) -> None:
    """An index leads to the lines that have a network."""
    plan = store.rows("EXPLAIN QUERY PLAN UPDATE consents SET network = '' WHERE network != '' AND at < ''")
    assert "consents_with_network" in plan[0]["detail"]


@pytest.mark.parametrize("command", ["poll", "run"])
def test_the_tick_of_polling_does_it(site: Site, command: str) -> None:
    """The daemon as well as a poll from cron, by their own clock."""
    site.configure([], listen=f"127.0.0.1:{free_port()}")
    now = datetime.now(UTC)
    with open_store(site.folder / "data" / "tidings.db") as store:
        configure(store, editions=[edition(name="weekly")], now=now - 99 * DAY)
        reader = subscribe(store, name="weekly", now=now - 99 * DAY)
        subscribers.leave(store, reader, "weekly", "link", HOME, now - NETWORK_KEPT - DAY)
        assert {network for _, _, network in networks(store, reader)} == {HOME.network}
        if command == "poll":
            site.run("poll")
        else:
            with running(site) as process:
                wait_for(lambda: {network for _, _, network in networks(store, reader)} == {""}, process)
        assert {network for _, _, network in networks(store, reader)} == {""}


def test_the_web_server_writes_down_nobody(site: Site) -> None:
    """Neither address nor program of who asks is said anywhere, whatever is asked, and however wrongly."""
    port, who = free_port(), "127.0.0.9"
    site.configure([], listen=f"127.0.0.1:{port}")
    with running(site) as process:
        wait_for(lambda: answers(port), process)
        agent = {"User-Agent": "Snoop/1.0", "X-Forwarded-For": "203.0.113.7"}
        asked = [("GET", "/"), ("GET", "/nowhere"), ("POST", "/"), ("POST", "/u/x"), ("BREW", "/")]
        statuses = [ask(port, method, path, headers=agent, source=who).status for method, path in asked]
        assert statuses[:2] == [200, 404]
        talking(port, b"GET / nonsense\r\n\r\n")
        process.send_signal(signal.SIGTERM)
        said = "".join(process.communicate(timeout=30))
    assert "serving http" in said
    assert [word for word in (who, "203.0.113", "Snoop", "nowhere") if word in said] == []


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/").status == 200
    except OSError:
        return False
