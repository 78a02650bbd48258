"""Whose turn it is among hosts."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tidings.fetching.turns import Turns


def turns(*items: str, spacing: float = 2) -> Turns[str]:
    """Items named host plus number, as "a1"."""
    queued: Turns[str] = Turns(spacing)
    for item in items:
        queued.add(item[0], item)
    return queued


def test_hosts_start_at_once_and_in_the_order_given() -> None:
    """The first item of every host may start; the second of a host may not."""
    queued = turns("a1", "a2", "b1", "c1")
    assert [queued.take(0) for _ in range(4)] == ["a1", "b1", "c1", None]
    assert queued


def test_a_host_rests_from_its_release() -> None:
    """The pause counts from the end of the one before, to the moment."""
    queued = turns("a1", "a2")
    assert queued.take(0) == "a1"
    assert queued.wait(5) is None
    queued.release("a", 5)
    assert queued.wait(5) == 2
    assert queued.take(6.9) is None
    assert queued.take(7) == "a2"
    assert not queued


def test_a_host_that_was_never_released_gets_no_turn() -> None:
    """One at a time means until it is done, however long that takes."""
    queued = turns("a1", "a2")
    queued.take(0)
    assert queued.take(1e9) is None


def test_unpaced_items_never_wait() -> None:
    """They come before all others, and need no release."""
    queued = turns("a1")
    queued.add_unpaced("x")
    queued.add_unpaced("y")
    assert queued.wait(0) == 0
    assert [queued.take(0) for _ in range(4)] == ["x", "y", "a1", None]


def test_a_host_may_forfeit_what_it_has_left() -> None:
    """The rest is handed over once, and the host is forgotten without harm to others."""
    queued = turns("a1", "a2", "a3", "b1")
    assert queued.take(0) == "a1"
    assert queued.forfeit("a") == ("a2", "a3")
    queued.release("a", 0)
    assert [queued.take(100), queued.take(100)] == ["b1", None]
    assert queued.forfeit("a") == ()
    assert not queued


def test_what_has_begun_goes_before_what_has_not() -> None:
    """An item added first is next at its host, whether others wait there or none."""
    queued = turns("a1", "a2")
    assert queued.take(0) == "a1"
    queued.add_first("a", "a1, again")
    queued.release("a", 0)
    assert [queued.take(2), queued.take(9)] == ["a1, again", None]
    queued.release("a", 2)
    assert queued.take(4) == "a2"


def test_the_pause_holds_for_what_is_added_later() -> None:
    """A host with nothing queued still counts from the end of its last item."""
    queued = turns("a1")
    assert queued.take(0) == "a1"
    queued.add_first("a", "a2")
    assert queued.take(100) is None
    queued.release("a", 100)
    assert queued.take(101) is None
    assert queued.take(102) == "a2"
    queued.release("a", 102)
    queued.add("a", "a3")
    assert queued.take(103) is None
    assert queued.wait(103) == 1
    assert queued.take(104) == "a3"


def test_a_host_can_be_held_before_its_first_turn() -> None:
    """What is left of a pause from before is waited for; other hosts are not held."""
    queued: Turns[str] = Turns(2)
    queued.hold("a", 7)
    queued.add("a", "a1")
    queued.add("b", "b1")
    assert [queued.take(0), queued.take(6.9), queued.take(7)] == ["b1", None, "a1"]


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.data())
def test_every_item_gets_its_turn_and_no_host_two_at_once(hosts: list[str], data: st.DataObject) -> None:
    """In any order of endings and hops: each item once, in its host's order, spaced, never two of a host together."""
    items = [f"{host}{number}" for number, host in enumerate(hosts)]
    queued = turns(*items)
    now = 0.0
    out: list[str] = []
    taken: list[str] = []
    hops: list[str] = []
    ended: dict[str, float] = defaultdict(lambda: float("-inf"))
    while queued or out:
        item = queued.take(now)
        if item is not None:
            assert item[0] not in {other[0] for other in out}
            assert now - ended[item[0]] >= 2
            out.append(item)
            taken.append(item)
            continue
        now += data.draw(st.sampled_from([0.5, 1.0, 3.0]))
        if out:
            done = out.pop(data.draw(st.integers(0, len(out) - 1)))
            ended[done[0]] = now
            queued.release(done[0], now)
            if "hop" not in done and data.draw(st.booleans()):
                hops.append(f"{data.draw(st.sampled_from('abcd'))} hop of {done}")
                queued.add_first(hops[-1][0], hops[-1])
    assert sorted(taken) == sorted(items + hops)
    for host in "abcd":
        assert [item for item in taken if item[0] == host and "hop" not in item] == [i for i in items if i[0] == host]
