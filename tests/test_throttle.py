"""How often mail may be asked for: longer pauses for who asks again, a budget for all, and no way round by restarts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidings import throttling
from tidings.model import FloodKind, Throttled
from tidings.readers.throttle import Budget, Patience, ask_budget, ask_patience, networks
from tidings.store import Store, open_store
from tidings.throttling import Answer

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE = Patience(free=3, first=MINUTE, longest=timedelta(minutes=30), forgiven=timedelta(hours=1))
BUDGET = Budget(burst=5, refill=timedelta(minutes=2))

pauses = st.lists(st.integers(0, 4_000), max_size=120)


def let_through(moments: list[datetime]) -> list[datetime]:
    """When somebody who asks at some moments may go."""
    state: Throttled | None = None
    gone = []
    for moment in moments:
        verdict = ask_patience(state, PATIENCE, moment)
        state = verdict.state
        if verdict.may_go:
            gone.append(moment)
    return gone


def ask(store: Store, kind: FloodKind, client: IPv4Address | IPv6Address | None, now: datetime) -> Answer:
    """Asks for an address that nobody else asks for."""
    return throttling.ask(store, kind, f"{client} {now}".encode(), client, now)


def moments_of(seconds: list[int]) -> list[datetime]:
    found, at = [], NOW
    for one in seconds:
        at += timedelta(seconds=one)
        found.append(at)
    return found


def test_pauses_double_up_to_the_longest() -> None:
    """Who asks each second: three at once, then after 1, 2, 4, 8, 16, and from then on 30 minutes."""
    gone = let_through([NOW + timedelta(seconds=n) for n in range(3 * 3600)])
    waited = [(after - before) / MINUTE for before, after in pairwise(gone[2:])]
    assert (gone[2] - gone[0], waited[:7]) == (timedelta(seconds=2), [1, 2, 4, 8, 16, 30, 30])


@given(pauses, st.integers(1, 3600))
@example([0, 0], 1)
def test_nobody_gets_more_than_the_most_patient_script(seconds: list[int], window: int) -> None:
    """In no stretch of an hour or less do more get through than a script gets that begins there, asking each second."""
    # Those that are free may all come within one second.
    greedy = let_through([NOW] * PATIENCE.free + [NOW + timedelta(seconds=n) for n in range(window)])
    gone = let_through(moments_of(seconds))
    for begin in gone:
        assert len([one for one in gone if begin <= one < begin + timedelta(seconds=window)]) <= len(greedy)


@given(pauses)
def test_a_refusal_says_when(seconds: list[int]) -> None:
    """Asked again after the wait, it goes; a second before, it does not."""
    state: Throttled | None = None
    for moment in moments_of(seconds):
        verdict = ask_patience(state, PATIENCE, moment)
        if not verdict.may_go:
            assert timedelta() < verdict.wait <= PATIENCE.longest
            assert ask_patience(verdict.state, PATIENCE, moment + verdict.wait).may_go
            if verdict.wait > timedelta(seconds=1):
                early = moment + verdict.wait - timedelta(seconds=1)
                assert not ask_patience(verdict.state, PATIENCE, early).may_go
        state = verdict.state


@given(st.integers(1, 10**6), st.integers(1, 10**9))
def test_a_clock_set_back_locks_nobody_out(count: int, ahead: int) -> None:
    """A state from the future is one of now: the wait is the usual one, and is over when it says."""
    state = Throttled(count, NOW + timedelta(seconds=ahead))
    verdict = ask_patience(state, PATIENCE, NOW)
    assert verdict.wait <= PATIENCE.longest
    assert verdict.may_go or ask_patience(verdict.state, PATIENCE, NOW + verdict.wait).may_go


@given(pauses, st.integers(0, 10**6))
def test_a_clock_set_back_gives_no_more_than_a_new_day(seconds: list[int], back: int) -> None:
    """Before and after it each has at most what it would have alone."""
    first = moments_of(seconds)
    second = [moment - timedelta(seconds=back) for moment in first]
    assert len(let_through(first + second)) <= len(let_through(first)) + len(let_through(second))


@given(pauses, st.integers(1, 20_000))
def test_the_budget_holds_in_any_window(seconds: list[int], window: int) -> None:
    """Never more than the burst and what was refilled, however the asking is spread."""
    state: Throttled | None = None
    gone = []
    for moment in moments_of(seconds):
        verdict = ask_budget(state, BUDGET, moment)
        state = verdict.state
        if verdict.may_go:
            gone.append(moment)
        else:
            assert ask_budget(state, BUDGET, moment + verdict.wait + timedelta(microseconds=1)).may_go
    most = BUDGET.burst + timedelta(seconds=window) / BUDGET.refill
    for begin in gone:
        assert len([one for one in gone if begin <= one <= begin + timedelta(seconds=window)]) <= most + 1e-6


@given(st.floats(0, 5), st.integers(0, 10**9))
def test_a_budget_survives_a_clock_set_back(count: float, ahead: int) -> None:
    """It refills from now on, not from a moment that is still to come."""
    verdict = ask_budget(Throttled(count, NOW + timedelta(seconds=ahead)), BUDGET, NOW)
    assert verdict.state.at == NOW
    assert verdict.wait <= BUDGET.refill


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.77", ["192.0.2.0/24"]),
        ("2001:db8:1:2:3:4:5:6", ["2001:db8:1:2::/64", "2001:db8:1::/48"]),
        ("::1", ["::/64", "::/48"]),
    ],
)
def test_whom_an_address_counts_for(address: str, expected: list[str]) -> None:
    """A /24 of IPv4; of IPv6 the /64 of a house and the /48 that providers give away."""
    assert [network for network, _ in networks(ip_address(address))] == expected


# -------------------------------------------------------------------------------------------------- with the database


def test_a_restart_forgives_nobody(tmp_path: Path) -> None:
    """The fourth of a network waits, whatever its addresses are, whichever process asks; another network does not."""
    for n in range(1, 5):
        with open_store(tmp_path / "tidings.db") as store:
            answer = ask(store, "sign-up", ip_address(f"192.0.2.{n}"), NOW)
            assert answer.may_go == (n < 4)
    assert answer.wait == MINUTE
    assert not answer.is_flood
    with open_store(tmp_path / "tidings.db") as store:
        assert ask(store, "sign-up", ip_address("192.0.3.1"), NOW).may_go
        assert ask(store, "link", ip_address("192.0.2.1"), NOW).may_go
        assert ask(store, "sign-up", ip_address("192.0.2.9"), NOW + MINUTE).may_go


def test_houses_of_one_ipv6_district_are_limited_together(tmp_path: Path) -> None:
    """Of a hundred /64 in one /48 a dozen get through."""
    with open_store(tmp_path / "tidings.db") as store:
        gone = [ask(store, "sign-up", ip_address(f"2001:db8:1:{n:x}::1"), NOW).may_go for n in range(100)]
    assert (gone.count(True), all(gone[:12])) == (12, True)


def test_a_thousand_from_everywhere_trip_the_budget(tmp_path: Path) -> None:
    """A hundred go, the rest is a flood that the operator hears of; refused ones use up nothing of their network."""
    with open_store(tmp_path / "tidings.db") as store:
        answers = [ask(store, "sign-up", ip_address(0x0A000000 + 256 * n), NOW) for n in range(1000)]
        assert [one.may_go for one in answers] == [True] * 100 + [False] * 900
        assert [one.is_flood for one in answers] == [False] * 100 + [True] * 900
        assert len(store.rows("SELECT * FROM throttle")) == 201
        assert not ask(store, "sign-up", None, NOW).may_go
        assert ask(store, "sign-up", None, NOW + timedelta(seconds=37)).may_go


@pytest.mark.parametrize(("kind", "places"), [("sign-up", 1), ("link", 6), ("move", 3)])
def test_one_address_takes_no_more_places_than_it_gets_mails(kind: FloodKind, places: int, tmp_path: Path) -> None:
    """Asked for two hundred times from as many networks, it leaves the rest of the hundred to all others; once that is
    used up, who asks for it hears so as for any other."""
    with open_store(tmp_path / "tidings.db") as store:
        for n in range(200):
            assert throttling.ask(store, kind, b"ann", ip_address(0x0A000000 + 256 * n), NOW).may_go
        others = [ask(store, kind, ip_address(0x0B000000 + 256 * n), NOW).may_go for n in range(101)]
        assert others.count(True) == 100 - places
        later = NOW + timedelta(hours=1)
        for n in range(100):
            ask(store, kind, ip_address(0x0B100000 + 256 * n), later)
        refused = throttling.ask(store, kind, b"ann", ip_address("192.0.2.1"), later)
        assert refused.is_flood
        assert refused == ask(store, kind, ip_address("192.0.3.1"), later)


@pytest.mark.parametrize(("kind", "places"), [("sign-up", 1), ("link", 6), ("move", 3)])
def test_repeats_for_one_address_have_a_budget_too(kind: FloodKind, places: int, tmp_path: Path) -> None:
    """Five hundred at once, and one each 7.2 seconds; all beyond is a flood that writes no more, and is its own kind's
    alone."""
    with open_store(tmp_path / "tidings.db") as store:
        answers = [throttling.ask(store, kind, b"ann", ip_address(0x0A000000 + 256 * n), NOW) for n in range(520)]
        assert [one.may_go for one in answers] == [True] * (places + 500) + [False] * (20 - places)
        assert [one.is_flood for one in answers] == [not one.may_go for one in answers]
        assert answers[-1].wait == timedelta(seconds=7.2)
        assert len(store.rows("SELECT * FROM throttle")) == places + 500 + 3
        assert throttling.ask(store, kind, b"ann", None, NOW + timedelta(seconds=8)).may_go
        assert not throttling.ask(store, kind, b"ann", None, NOW + timedelta(seconds=8)).may_go
        other: FloodKind = "link" if kind == "move" else "move"
        assert all(throttling.ask(store, other, b"ann", None, NOW).may_go for _ in range(50))


def test_no_address_is_kept_and_old_rows_go(tmp_path: Path) -> None:
    """The table has hashes that differ between sites, and nothing after a day."""
    found = []
    for name in ("one", "two"):
        with open_store(tmp_path / name / "tidings.db") as store:
            ask(store, "sign-up", ip_address("192.0.2.1"), NOW)
            found.append({bytes(row["key"]) for row in store.rows("SELECT key FROM throttle")})
            later = NOW + timedelta(days=2)
            ask(store, "sign-up", ip_address("198.51.100.1"), later)
            assert {row["at"][:10] for row in store.rows("SELECT at FROM throttle")} == {f"{later:%Y-%m-%d}"}
    assert found[0].isdisjoint(found[1])
    assert {len(key) for key in found[0]} == {16}
