"""When an address is dead, and when all is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.mail.bounces_score import MEMORY, after, aged, is_dead, points, sign_of
from tidings.model import Action, Meaning, Report, Score, Sign, Weight

NOON = datetime(2026, 10, 16, 12, tzinfo=UTC)
DAY = timedelta(days=1)

# What happened on which day to which issue, and whether the address is dead after the last.
STORIES: dict[str, tuple[list[tuple[float, int, Weight]], bool]] = {
    "nothing": ([], False),
    "one soft": ([(0, 1, "soft")], False),
    "one hard": ([(0, 1, "hard")], False),
    "one final": ([(0, 1, "final")], True),
    "two hards on two issues": ([(0, 1, "hard"), (1, 2, "hard")], True),
    "two hards on two issues, weeks apart": ([(0, 1, "hard"), (28, 2, "hard")], True),
    "two hards on one issue": ([(0, 1, "hard"), (1, 1, "hard")], False),
    "a hard after a soft on one issue": ([(0, 1, "soft"), (0, 1, "hard")], False),
    "two hards, a month between": ([(0, 1, "hard"), (30, 2, "hard")], False),
    "two hards, one success between": ([(0, 1, "hard"), (1, 2, "success"), (2, 3, "hard")], True),
    "two hards, two successes between": (
        [(0, 1, "hard"), (1, 2, "success"), (2, 3, "success"), (3, 4, "hard")],
        False,
    ),
    "two hards, two successes at the moment of the second": (
        [(0, 1, "hard"), (1, 2, "success"), (1, 3, "success"), (1, 4, "hard")],
        False,
    ),
    "three softs": ([(0, 1, "soft"), (0, 2, "soft"), (0, 3, "soft")], False),
    "four softs at once": ([(0, 1, "soft"), (0, 2, "soft"), (0, 3, "soft"), (0, 4, "soft")], True),
    "four softs on one issue": ([(0, 1, "soft")] * 4, False),
    "a full mailbox for four days": ([(day, day, "soft") for day in range(4)], False),
    "a full mailbox for five days": ([(day, day, "soft") for day in range(5)], True),
    "a full mailbox every other day": (
        [(day, day, "soft" if day % 2 else "success") for day in range(60)],
        False,
    ),
    "a full mailbox once a week for two months": ([(7 * week, week, "soft") for week in range(8)], False),
    "a final long ago": ([(0, 1, "final"), (31, 2, "success")], False),
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(name: str) -> None:
    """Two hard failures of two issues, or a final one, or four points, make an address dead; time and success mend."""
    signs, dead = STORIES[name]
    score = Score()
    for day, issue, weight in signs:
        score = after(score, Sign(issue, weight), NOON + day * DAY)
    assert is_dead(score) == dead


SIGNS: list[tuple[Action, str, Meaning, bool, bool, Weight | None]] = [
    ("failed", "5.1.1", "address-dead", True, True, "final"),
    ("failed", "5.1.1", "address-dead", True, False, "hard"),
    ("failed", "5.1.10", "address-dead", True, True, "hard"),
    ("failed", "5.2.1", "mailbox-disabled", True, True, "hard"),
    ("failed", "5.2.2", "mailbox-full", False, True, "soft"),
    ("failed", "4.4.7", "temporary", False, True, "soft"),
    ("delayed", "4.4.7", "temporary", False, False, None),
    ("failed", "5.4.4", "relay-or-dns", False, False, "soft"),
    ("failed", "5.0.0", "unknown", True, True, "soft"),
    ("failed", "5.1.1", "policy", True, True, None),
    ("failed", "5.6.0", "content-refused", True, True, None),
    ("failed", "5.3.4", "too-large", True, True, None),
    ("failed", "4.7.28", "rate-limited", False, True, None),
    ("delivered", "2.0.0", "unknown", False, False, None),
]


@pytest.mark.parametrize(("action", "status", "meaning", "permanent", "at_rcpt", "weight"), SIGNS)
def test_signs(
    action: Action, status: str, meaning: Meaning, permanent: bool, at_rcpt: bool, weight: Weight | None
) -> None:
    """Only what is about the address counts; "no such address" is final only if its own server says so to us."""
    report = Report("ada@reader.example", action, status, "", "", meaning, permanent)
    assert sign_of(report, 7, at_rcpt) == (Sign(7, weight) if weight else None)


WEIGHTS: st.SearchStrategy[Weight] = st.sampled_from(["success", "soft", "hard", "final"])
ANY_SIGNS = st.builds(Sign, st.integers(1, 4), WEIGHTS)
HISTORIES = st.lists(st.tuples(ANY_SIGNS, st.integers(-2, 40)), max_size=12)


def lived(history: list[tuple[Sign, int]]) -> tuple[Score, datetime]:
    """The score after signs that come so many days after one another, and the moment of the last."""
    score, now = Score(), NOON
    for sign, days in history:
        now += days * DAY
        score = after(score, sign, now)
    return score, now


@given(HISTORIES)
def test_points_are_never_negative(history: list[tuple[Sign, int]]) -> None:
    """Successes take back what there is and no more, so that the next failure counts in full."""
    score, _ = lived(history)
    assert points(score) >= 0
    hard = after(aged(score, NOON + 9_999 * DAY), Sign(9, "hard"), NOON + 9_999 * DAY)
    assert points(hard) == 2


@given(HISTORIES, st.lists(ANY_SIGNS, max_size=4))
@settings(deadline=None)
def test_order_within_a_moment_does_not_matter(history: list[tuple[Sign, int]], signs: list[Sign]) -> None:
    """Signs that are seen at the same time give the same score in any order."""
    before, now = lived(history)
    scores = set()
    for order in permutations(signs):
        score = before
        for sign in order:
            score = after(score, sign, now + DAY)
        scores.add(score)
    assert len(scores) == 1


@given(HISTORIES)
def test_a_quiet_month_forgets(history: list[tuple[Sign, int]]) -> None:
    """Thirty days without a sign leave nothing, however bad it was."""
    score, _ = lived(history)
    last = score.at or NOON
    assert aged(score, last + MEMORY) == Score(last + MEMORY)


@given(HISTORIES, ANY_SIGNS)
def test_a_failure_never_helps(history: list[tuple[Sign, int]], sign: Sign) -> None:
    """A failure leaves at least the points there were at that moment, a success at most."""
    score, now = lived(history)
    now = max(now, score.at or now)
    there = points(aged(score, now)) if score.at and now > score.at else points(score)
    then = points(after(score, sign, now))
    assert then <= there if sign.weight == "success" else then >= there


def test_a_clock_that_went_back_stands_still() -> None:
    """A sign from before the last one counts at the moment of the last."""
    score = after(Score(), Sign(1, "hard"), NOON)
    assert after(score, Sign(2, "soft"), NOON - DAY) == after(score, Sign(2, "soft"), NOON)
