"""How fast mail may go, by made-up clocks."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from tidings.mail.pacing import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, Limits, Pacing

ZERO, SECOND = timedelta(), timedelta(seconds=1)


@given(st.floats(0.01, 1000), st.lists(st.floats(0, 10), min_size=2, max_size=30))
def test_no_rate_is_exceeded_whenever_messages_come(rate: float, arrivals: list[float]) -> None:
    """However messages come in, n of them take at least n - 1 intervals."""
    pacing, now, begun = Pacing(Limits(rate=rate)), NOW, []
    for arrival in arrivals:
        now += timedelta(seconds=arrival)
        now += pacing.server_wait(now)
        pacing.begin("a.example", now)
        begun.append(now)
    for number, moment in enumerate(begun):
        assert (moment - begun[0]).total_seconds() >= number / rate * (1 - 1e-6) - 1e-5 * number


def test_without_a_limit_nothing_waits() -> None:
    """No rate, no pause, however many are on their way."""
    pacing = Pacing(Limits())
    for _ in range(100):
        assert (pacing.server_wait(NOW), pacing.domain_wait("a.example", NOW)) == (ZERO, ZERO)
        pacing.begin("a.example", NOW)


def test_a_domain_has_a_rate_of_its_own() -> None:
    """One domain waits for its token while another gets its message at once."""
    pacing = Pacing(Limits(domain_rate=2))
    pacing.begin("a.example", NOW)
    assert pacing.domain_wait("a.example", NOW) == SECOND / 2
    assert pacing.domain_wait("b.example", NOW) == ZERO
    assert pacing.domain_wait("a.example", NOW + SECOND / 2) == ZERO


def test_a_domain_gets_so_many_at_once() -> None:
    """With as many on their way as are allowed, the next waits until one has ended."""
    pacing = Pacing(Limits(domain_connections=2))
    pacing.begin("a.example", NOW)
    assert pacing.domain_wait("a.example", NOW) == ZERO
    pacing.begin("a.example", NOW)
    assert pacing.domain_wait("a.example", NOW) is None
    assert pacing.domain_wait("b.example", NOW) == ZERO
    pacing.end("a.example")
    assert pacing.domain_wait("a.example", NOW) == ZERO


def test_who_asks_for_less_gets_longer_and_longer_pauses() -> None:
    """Each pause is twice the last one, up to a limit, and patience ends; a message that is taken starts it over."""
    pacing, pauses = Pacing(Limits()), []
    for turn in range(1, PATIENCE + 1):
        assert pacing.slow_down(NOW + turn * timedelta(days=1)) == (turn < PATIENCE)
        pauses.append(pacing.server_wait(NOW + turn * timedelta(days=1)))
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert max(pauses) == pauses[-1] == LONGEST_PAUSE
    pacing.taken("a.example")
    later = NOW + timedelta(days=99)
    assert pacing.slow_down(later)
    assert pacing.server_wait(later) == FIRST_PAUSE


def test_a_crowded_domain_is_left_alone_and_no_other() -> None:
    """The pause of a domain is its own, and so is the end of patience with it."""
    pacing = Pacing(Limits())
    moments = [NOW + turn * timedelta(days=1) for turn in range(PATIENCE)]
    assert [pacing.slow_domain("a.example", now) for now in moments] == [True] * (PATIENCE - 1) + [False]
    assert pacing.domain_wait("a.example", moments[-1]) == LONGEST_PAUSE
    assert (pacing.domain_wait("b.example", NOW), pacing.server_wait(NOW)) == (ZERO, ZERO)


def test_messages_sent_before_a_pause_count_once() -> None:
    """Four connections that are all told to wait make one pause, and use up patience once."""
    pacing = Pacing(Limits())
    assert all(pacing.slow_down(NOW) for _ in range(2 * PATIENCE))
    assert pacing.server_wait(NOW) == FIRST_PAUSE
    assert pacing.slow_down(NOW + FIRST_PAUSE)
    assert pacing.server_wait(NOW + FIRST_PAUSE) == 2 * FIRST_PAUSE


def test_domains_are_not_remembered_for_ever() -> None:
    """A list of a hundred thousand domains does not stay in memory."""
    pacing = Pacing(Limits(domain_rate=1))
    for number in range(5000):
        now = NOW + number * SECOND
        pacing.begin(f"{number}.example", now)
        pacing.end(f"{number}.example")
    assert len(pacing._domains) <= 1001
    assert not pacing._on_the_way
