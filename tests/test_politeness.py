"""The politeness audit: a month of polling, five sudden deaths, and every rule that servers' owners hold us to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit import START, Clock, World
from tests.audit_cast import BLOGS, SECRETS, configure
from tests.audit_month import DEATHS, MONTH, Month, live
from tests.audit_rules import RULES, Rule
from tests.origin import Origin

MEMORY = Path("/dev/shm")
"""Where a disk that is memory is found: each poll waits for its disk many times, and that is not what is audited."""


@pytest.fixture(scope="module")
def month() -> Iterator[Month]:
    """The month, lived through once."""
    clock = Clock(START)
    with (
        pytest.MonkeyPatch.context() as environment,
        tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder,
        Origin() as origin,
        World(origin, clock, BLOGS) as world,
    ):
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        yield live(world, clock, configure(world, Path(folder)))


@pytest.fixture(scope="module")
def verdicts(month: Month) -> dict[Rule, list[str]]:
    """What each rule has to say of the month."""
    return {rule: list(rule(month)) for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_month_of_polling_breaks_no_rule(month: Month, verdicts: dict[Rule, list[str]], rule: Rule) -> None:
    """No request in the month is what the rule names."""
    broken_by = verdicts[rule]
    assert not broken_by, f"{rule.__doc__} {len(broken_by)} of {len(month.asked)}: {broken_by[:5]}"


def test_the_audit_prints_its_score(
    month: Month, verdicts: dict[Rule, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The month was long enough to mean something: deaths in the middle of polls, every temper met; its score is
    printed, also where the output of tests is captured."""
    kept = sum(not broken_by for broken_by in verdicts.values())
    with capsys.disabled():
        print(
            f"\npoliteness audit: {kept} of {len(RULES)} rules kept in {len(month.asked)} requests, "
            f"{len(BLOGS)} blogs, {MONTH.days} days, {len(month.deaths)} restarts"
        )
    assert len(month.deaths) == DEATHS
    assert {one.at for one in month.asked if one.is_lost} == set(month.deaths)
    assert {one.status for one in month.asked} == {0, 200, 226, 301, 302, 304, 403, 404, 410, 429, 500, 503}
    assert {one.blog.host for one in month.asked} == {blog.host for blog in BLOGS if blog.temper}
    refused = {row.name for _, row in month.rows if row.failure and row.failure.kind == "connect" and row.http is None}
    assert refused >= {blog.host.removesuffix(".localhost") for blog in BLOGS if blog.temper is None}
