"""When is an address dead? Pure.

A failure costs points, an issue that came through takes one back, and thirty quiet days forget everything. So nobody is
given up for one bad day, and nobody is mailed for ever in vain. What is our own fault costs nothing (research on
newsletters, 2.3).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tidings.model import Meaning, Report, Score, Sign, Weight

MEMORY = timedelta(days=30)
"""After so long without a sign nothing is held against an address."""

_POINTS: dict[Weight, int] = {"success": 0, "soft": 1, "hard": 2, "final": 4}
_DEAD_AT = 4
_OUR_FAULT: frozenset[Meaning] = frozenset({"policy", "content-refused", "too-large", "rate-limited"})
_HARD = frozenset({"address-dead", "mailbox-disabled"})


def sign_of(report: Report, issue_id: int, at_rcpt: bool = False) -> Sign | None:
    """What a report says of its address, None where it says nothing against it.

    `at_rcpt`: the reader's own server said it while we spoke to it. Only then is "no such address" (5.1.1) final at
    once; a report that comes by mail may be forged, or a passing mistake of its server. What nobody understands counts
    little, since it may be a policy. What is only delayed may still come; if it does not, that is reported as well.
    """
    if report.action != "failed" or is_our_fault(report):
        return None
    if not report.permanent or report.meaning not in _HARD:
        return Sign(issue_id, "soft")
    return Sign(issue_id, "final" if at_rcpt and report.status == "5.1.1" else "hard")


def is_our_fault(report: Report) -> bool:
    """Whether a report is about us and what we sent."""
    return report.meaning in _OUR_FAULT


def after(score: Score, sign: Sign, now: datetime) -> Score:
    """The score after a sign. An issue costs what its worst report does, however many there are; signs of the same
    moment give the same in any order. A clock that went back stands still here."""
    if score.at is None or now > score.at:
        score = aged(score, now)
    if sign.weight == "success":
        return Score(score.at, score.before, score.eroded + 1, score.known, score.fresh)
    fresh = dict(score.fresh)
    fresh[sign.issue_id] = max(fresh.get(sign.issue_id, 0), _POINTS[sign.weight])
    return Score(score.at, score.before, score.eroded, score.known, tuple(sorted(fresh.items())))


def aged(score: Score, now: datetime) -> Score:
    """The score as it is at `now`, if nothing happened since its last sign: the points fade evenly."""
    quiet = now - score.at if score.at else MEMORY
    left = max(0.0, 1 - max(quiet, timedelta()) / MEMORY)
    before = points(score) * left
    known = tuple(sorted(_issues(score).items())) if before > 0 else ()
    return Score(now, before, known=known)


def points(score: Score) -> float:
    """What is held against the address at the moment of the last sign; never negative."""
    known = dict(score.known)
    added = sum(max(0, cost - known.get(issue, 0)) for issue, cost in score.fresh)
    return max(0.0, score.before - score.eroded) + added


def is_dead(score: Score) -> bool:
    """Whether to mail the address no more: it was final, or two issues failed hard, or the points come to four."""
    costs = list(_issues(score).values())
    final = any(cost >= _POINTS["final"] for cost in costs)
    return final or sum(cost >= _POINTS["hard"] for cost in costs) >= 2 or points(score) >= _DEAD_AT


def _issues(score: Score) -> dict[int, int]:
    """What each issue cost, of those that still count: successes that take back all points clear them."""
    costs = dict(score.known) if score.before > score.eroded else {}
    for issue, cost in score.fresh:
        costs[issue] = max(costs.get(issue, 0), cost)
    return costs
