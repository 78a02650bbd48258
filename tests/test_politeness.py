"""The politeness audit: a month of polling, five restarts, and every rule that servers' owners hold us to."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tests.audit import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Asked,
    Blog,
    Clock,
    World,
    bare,
    both,
    broken,
    busy,
    counting,
    dated,
    dead,
    delta,
    forgetful,
    gone,
    moved,
    renewing,
    repairing,
    restless,
    slow,
    visiting,
)
from tests.builders import edition, schedule
from tests.origin import Origin
from tidings import poll
from tidings.fetching.settings import FetchSettings
from tidings.model import PollRow
from tidings.poll import PollSettings
from tidings.sources.cadence import Limits
from tidings.sources.hosts import host_of
from tidings.sources.requests import Manner
from tidings.store import Store, feeds, open_store
from tidings.workers import open_executor

MONTH = 31 * DAY
TICK = 10 * MINUTE
SPACING = timedelta(milliseconds=30)
SETTINGS = PollSettings(
    fetching=FetchSettings(
        user_agent="",
        timeout=timedelta(seconds=10),
        max_bytes=1_000_000,
        host_spacing=SPACING,
        concurrency=32,
        allow_networks=(ipaddress.ip_network("127.0.0.0/8"),),
    ),
    limits=Limits(30 * MINUTE, DAY),
    manner=lambda _: Manner("Tidings/test (+https://planet.example; ops@planet.example; 7 subscribers)"),
)
EDITIONS = [
    edition(name="morning", timezone="UTC", schedule=schedule(hours=[7], minutes=[30])),
    edition(name="weekly", timezone="UTC", schedule=schedule(hours=[16], weekdays=[4])),
]
SKIPS = (
    "<skipHours><hour>0</hour><hour>1</hour><hour>2</hour><hour>3</hour></skipHours>"
    "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>"
)


def cut_on_the_fourth(now: Any) -> bool:
    return bool(START + 3 * DAY <= now < START + 4 * DAY)


BLOGS = [
    Blog("daily.localhost", both),
    Blog("hourly.localhost", both, gap=HOUR),
    Blog("weekly.localhost", dated, gap=7 * DAY),
    Blog("silent.localhost", both, gap=400 * DAY),
    Blog("max-age.localhost", both, gap=HOUR, wish=3 * HOUR, fields=(("Cache-Control", "public, max-age=10800"),)),
    Blog("patient.localhost", both, gap=6 * HOUR, wish=2 * DAY, fields=(("Cache-Control", "max-age=172800"),)),
    Blog("bare.localhost", bare, gap=HOUR, wish=HOUR, fields=(("Cache-Control", "max-age=3600"),)),
    Blog("ttl.localhost", both, gap=HOUR, wish=2 * HOUR, head="<ttl>120</ttl>"),
    Blog("skips.localhost", both, gap=6 * HOUR, head=SKIPS),
    Blog("plain.localhost", bare, gap=12 * HOUR),
    Blog("restless.localhost", restless, gap=12 * HOUR),
    Blog("renewing.localhost", renewing),
    Blog("forgetful.localhost", forgetful),
    Blog("delta.localhost", delta, gap=3 * HOUR),
    Blog("moved.localhost", moved),
    Blog("new-moved.localhost", both, followed=False),
    Blog("visiting.localhost", visiting),
    Blog("new-visiting.localhost", both, followed=False),
    Blog("a.shared.localhost", slow, gap=2 * HOUR),
    Blog("b.shared.localhost", slow, gap=2 * HOUR),
    Blog("c.shared.localhost", slow, gap=2 * HOUR),
    Blog("d.shared.localhost", slow, gap=2 * HOUR),
    Blog("a.busy.localhost", busy, gap=2 * HOUR),
    Blog("b.busy.localhost", busy, gap=3 * HOUR),
    Blog("c.busy.localhost", busy, gap=5 * HOUR),
    Blog("a.counting.localhost", counting, gap=HOUR),
    Blog("b.counting.localhost", counting, gap=HOUR),
    Blog("repairing.localhost", repairing, gap=4 * HOUR),
    Blog("broken.localhost", broken),
    Blog("dead.localhost", dead),
    Blog("gone.localhost", gone, gap=6 * HOUR),
    Blog("cut.localhost", both, gap=6 * HOUR, cut=cut_on_the_fourth),
    Blog("fixed.localhost", both, gap=HOUR, every=5 * HOUR),
]


@dataclass
class Month:
    """What the audit looks at: everything asked, and what was stored in the end."""

    asked: list[Asked]
    rows: list[PollRow]
    stored: dict[str, int]
    restarts: list[Any]
    world: World


def tick(store: Store, world: World, clock: Clock) -> Iterator[PollRow]:
    """One tick of the daemon's poll."""
    states = feeds.states(store, world.sources())
    due = poll.due(states, EDITIONS, SETTINGS.limits, clock())
    chosen, _ = poll.allowed(due, clock())
    if chosen:
        yield from poll.run(store, chosen, SETTINGS, partial(open_executor, "inline"), clock, lambda: False)


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """Lives through the month once. Every six days the process is replaced in the middle of a poll: what it had not
    stored is lost, and its successor starts at the same moment on the same database."""
    path = tmp_path_factory.mktemp("audit") / "tidings.db"
    clock, rows, restarts = Clock(START), [], []
    with Origin() as origin:
        world = World(origin, clock, BLOGS)
        while clock() < START + MONTH:
            end = min(clock() + 6 * DAY, START + MONTH)
            with open_store(path) as store:
                feeds.sync(store, world.sources(), EDITIONS, clock())
                while clock() < end:
                    rows += tick(store, world, clock)
                    clock.move_on(TICK)
                if end < START + MONTH:
                    with closing(tick(store, world, clock)) as interrupted:
                        rows += [row for row, _ in zip(interrupted, range(2), strict=False)]
                    restarts.append(clock())
        with open_store(path) as store:
            counts = store.rows(
                "SELECT feeds.url, count(*) AS n FROM posts JOIN feeds ON feeds.id = feed_id GROUP BY 1"
            )
            stored = {row["url"].partition("//")[2].partition(":")[0]: row["n"] for row in counts}
        yield Month(world.record(), rows, stored, restarts, world)


def by_url(asked: list[Asked]) -> dict[str, list[Asked]]:
    found = defaultdict(list)
    for one in asked:
        found[one.url].append(one)
    return found


# --------------------------------------------------------------------------------------------------------- the rules


def unconditional_without_need(month: Month) -> Iterator[str]:
    """Requests without validators to a URL that had given some, with a whole feed."""
    for url, asked in by_url(month.asked).items():
        for one, known in zip(asked, known_validators(asked), strict=True):
            if known != (None, None) and one.conditions == (None, None):
                yield f"{url} at {one.at}"


def stale_validators(month: Month) -> Iterator[str]:
    """Requests with other validators than the last ones received from that URL, to the byte."""
    for url, asked in by_url(month.asked).items():
        for one, known in zip(asked, known_validators(asked), strict=True):
            if one.conditions not in (known, (None, None)):
                yield f"{url} at {one.at}: {one.conditions} instead of {known}"


def known_validators(asked: list[Asked]) -> Iterator[tuple[str | None, str | None]]:
    """What a perfect client would send with each request, given the answers before it."""
    etag = modified = None
    for one in asked:
        yield etag, modified
        if one.status in (200, 226) and one.blog.cut(one.at):
            etag = modified = None
        elif one.status in (200, 226) and one.field("ETag") != '"sale"':
            etag, modified = one.field("ETag"), one.field("Last-Modified")
        elif one.status == 304:
            etag, modified = one.field("ETag") or etag, one.field("Last-Modified") or modified


def several_first_requests(month: Month) -> Iterator[str]:
    """Sources whose first document was asked for more than once before it was stored."""
    for url, asked in by_url(month.asked).items():
        first = [one for one, known in zip(asked, known_validators(asked), strict=True) if known == (None, None)]
        if (
            asked[0].blog.temper in (both, slow, counting)
            and not asked[0].blog.cut(START + 3 * DAY)
            and len(first) != 1
        ):
            yield f"{url}: {len(first)} times"


def too_early(month: Month) -> Iterator[str]:
    """Requests before the time a good answer had asked for."""
    for url, asked in by_url(month.asked).items():
        for one, following in pairwise(asked):
            if one.status in (200, 226, 304) and following.at < one.at + one.blog.wish:
                yield f"{url} at {following.at}, {following.at - one.at} after the last"


def in_skipped_time(month: Month) -> Iterator[str]:
    """Requests in hours or on days that a feed wanted skipped, after it had said so."""
    for one in month.asked[1:]:
        skipped = one.at.hour < 4 or one.at.weekday() in (5, 6)
        if one.blog.host == "skips.localhost" and skipped and one.conditions != (None, None):
            yield f"{one.at}"


def against_retry_after(month: Month) -> Iterator[str]:
    """Requests to any source of a host within the Retry-After, or the exhausted rate limit, of one of them."""
    until: dict[str, Any] = {}
    for one in month.asked:
        host = host_of(f"http://{one.blog.host}/")
        if host in until and one.at < until[host]:
            yield f"{one.url} at {one.at}, before {until[host]}"
        if one.status == 429:
            until[host] = one.at + 5 * HOUR
        if one.status == 503:
            until[host] = START + 9 * DAY + 20 * HOUR
        if one.blog.temper is counting:
            until[host] = one.at + 2 * HOUR


def in_parallel(month: Month) -> Iterator[str]:
    """Requests to a host that came while it was answering another."""
    for host, asked in by_host(month.asked).items():
        for one, following in pairwise(asked):
            if following.request.arrived < (one.request.answered or 0):
                yield f"{host} at {following.at}"


def without_pause(month: Month) -> Iterator[str]:
    """Requests to a host sooner than the pause after its last answer, in real or simulated time."""
    for host, asked in by_host(month.asked).items():
        for one, following in pairwise(asked):
            real = following.request.arrived - (one.request.answered or 0)
            if timedelta(seconds=real) + (following.at - one.at) < SPACING * 0.9:
                yield f"{host} at {following.at}: {real * 1000:.0f} ms"


def by_host(asked: list[Asked]) -> dict[str, list[Asked]]:
    found = defaultdict(list)
    for one in asked:
        found[host_of(f"http://{one.blog.host}/")].append(one)
    return found


def again_after_a_restart(month: Month) -> Iterator[str]:
    """Requests for the same URL within half an hour of the last one: what a restart must not do, nor anything else."""
    for url, asked in by_url(month.asked).items():
        for one, following in pairwise(asked):
            if following.at - one.at < 30 * MINUTE:
                yield f"{url} at {following.at}, {following.at - one.at} after the last"


def baggage(month: Month) -> Iterator[str]:
    """Requests with cookies, a Referer, a query, without compression, or without saying who asks."""
    for one in month.asked:
        fields = one.request.headers
        if fields["Cookie"] or fields["Referer"] or "?" in one.request.path:
            yield f"{one.url} at {one.at}"
        if "gzip" not in (fields["Accept-Encoding"] or "") or "ops@planet.example" not in (fields["User-Agent"] or ""):
            yield f"{one.url} at {one.at}: {fields['User-Agent']}"
        if (fields["A-IM"] == "feed") != (one.conditions != (None, None)):
            yield f"{one.url} at {one.at}: A-IM"


def insistence(month: Month) -> Iterator[str]:
    """Failing sources that are asked more than twice in any hour, or a withdrawn one more than once in a month."""
    for url, asked in by_url(month.asked).items():
        withdrawn = [one.at for one in asked if one.status == 410]
        if len(withdrawn) > 1:
            yield f"{url}: asked {len(withdrawn)} times although it is gone"
        failed = [one.at for one in asked if one.status in (0, 404, 500)]
        for first, third in zip(failed, failed[2:], strict=False):
            if third - first < HOUR:
                yield f"{url} at {third}"


def old_address(month: Month) -> Iterator[str]:
    """Requests to an address that has moved for good, after it was met five times over a week."""
    asked = [one for one in month.asked if one.blog.host == "moved.localhost"]
    proven = next((one.at for one in asked[4:] if one.at - asked[0].at >= 7 * DAY), None)
    late = [one for one in asked if proven is None or one.at > proven]
    if proven is None or len(late) > 1:
        yield f"{len(late)} requests after {proven}"


def stale_editions(month: Month) -> Iterator[str]:
    """Cut-offs of an edition before which a source that may be asked, and answers well, was not asked for an hour."""
    fickle = (moved, visiting, broken, dead, gone, busy, repairing, counting)
    for url, asked in by_url(month.asked).items():
        blog = asked[0].blog
        if blog.temper in fickle or blog.wish > HOUR or blog.every or blog.head or not blog.followed:
            continue
        moments = [one.at for one in asked]
        for day in range(1, 31):
            cutoff = START.replace(hour=7, minute=30) + day * DAY
            if not any(cutoff - HOUR <= moment <= cutoff for moment in moments):
                yield f"{url}: not in the hour before {cutoff}"


def lost_or_repeated(month: Month) -> Iterator[str]:
    """Blogs of which fewer or more posts were stored than they showed when they were last read."""
    read: dict[str, int] = {}
    for one in month.asked:
        if one.status in (200, 226) and one.field("ETag") != '"sale"':
            host = one.blog.host.removeprefix("new-")
            read[host] = one.blog.posts(one.at)
    for host, count in read.items():
        if month.stored.get(host) != count:
            yield f"{host}: {month.stored.get(host)} instead of {count}"


RULES: list[Callable[[Month], Iterator[str]]] = [
    several_first_requests,
    unconditional_without_need,
    stale_validators,
    too_early,
    in_skipped_time,
    against_retry_after,
    in_parallel,
    without_pause,
    again_after_a_restart,
    baggage,
    insistence,
    old_address,
    stale_editions,
    lost_or_repeated,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_month_of_polling_breaks_no_rule(month: Month, rule: Callable[[Month], Iterator[str]]) -> None:
    """No request in the month is what the rule names."""
    broken_by = list(rule(month))
    assert not broken_by, f"{rule.__doc__} {len(broken_by)} of {len(month.asked)}: {broken_by[:5]}"


def test_the_audit_prints_its_score(month: Month, capsys: pytest.CaptureFixture[str]) -> None:
    """The month was long enough to mean something: restarts in the middle of polls, every temper met; its score is
    printed, also where the output of tests is captured."""
    kept = sum(not list(rule(month)) for rule in RULES)
    statuses = {one.status for one in month.asked}
    with capsys.disabled():
        print(
            f"\npoliteness audit: {kept} of {len(RULES)} rules kept in {len(month.asked)} requests, "
            f"{len(BLOGS)} blogs, {MONTH.days} days, {len(month.restarts)} restarts"
        )
    assert len(month.restarts) == 5
    assert statuses >= {0, 200, 226, 301, 302, 304, 404, 410, 429, 500, 503}
    assert {one.blog.host for one in month.asked} == {blog.host for blog in BLOGS}
