"""What servers' owners hold a poller to: each rule names the requests of a month that break it, of all blogs it can
apply to."""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import pairwise

from tests.audit import DAY, HOUR, MINUTE, START, Asked
from tests.audit_cast import LOGIN, READERS
from tests.audit_month import MONTH, SPACING, Month
from tests.audit_tempers import FOR_SALE
from tidings.sources.hosts import host_of

Rule = Callable[[Month], Iterator[str]]
Conditions = tuple[str | None, str | None]

GOOD = frozenset({200, 226, 304})
_NOTHING: Conditions = (None, None)
_AT_A_TIME = 10
_WHO_ASKS = ("Tidings/", "+https://planet.example", "ops@planet.example", f"{len(READERS)} subscribers")


def by_url(asked: Iterable[Asked]) -> dict[str, list[Asked]]:
    found = defaultdict(list)
    for one in asked:
        found[one.url].append(one)
    return found


def by_host(asked: Iterable[Asked]) -> dict[str, list[Asked]]:
    found = defaultdict(list)
    for one in asked:
        found[_host(one)].append(one)
    return found


# -------------------------------------------------------------------------------------------------------- conditions


def several_first_requests(month: Month) -> Iterator[str]:
    """URLs that were not asked unconditionally exactly once, beside the requests after which there was nothing to
    compare with."""
    for url, asked in by_url(month.asked).items():
        unconditional = [one.conditions == _NOTHING for one in asked]
        excused = [_NOTHING in known for known in known_validators(asked)]
        needless = sum(had and not excuse for had, excuse in zip(unconditional[1:], excused[1:], strict=True))
        if unconditional[0] + needless != 1:
            yield f"{url}: {unconditional[0] + needless} times"


def unconditional_without_need(month: Month) -> Iterator[str]:
    """Requests without validators to a URL that had given some, with a whole feed."""
    for url, asked in by_url(month.asked).items():
        for one, known in zip(asked, known_validators(asked), strict=True):
            if _NOTHING not in known and one.conditions == _NOTHING:
                yield f"{url} at {one.at}"


def stale_validators(month: Month) -> Iterator[str]:
    """Requests with other validators than the last ones received from that URL, to the byte."""
    for url, asked in by_url(month.asked).items():
        for one, known in zip(asked, known_validators(asked), strict=True):
            if one.conditions not in known | {_NOTHING}:
                yield f"{url} at {one.at}: {one.conditions} instead of {known}"


def known_validators(asked: list[Asked]) -> Iterator[set[Conditions]]:
    """What a perfect client may send with each request, given the answers before it: more than one thing only after an
    answer that may have been lost."""
    known = {_NOTHING}
    for one in asked:
        yield known
        after = {_renewed(validators, one) for validators in known}
        known = known | after if one.is_lost else after


def _renewed(validators: Conditions, one: Asked) -> Conditions:
    if one.status == 304:
        return one.field("ETag") or validators[0], one.field("Last-Modified") or validators[1]
    if one.status not in (200, 226) or _is_for_sale(one):
        return validators
    return _NOTHING if one.blog.cut(one.at) else (one.field("ETag"), one.field("Last-Modified"))


def _is_for_sale(one: Asked) -> bool:
    return one.field("ETag") == FOR_SALE


# ------------------------------------------------------------------------------------------------------ when to ask


def too_early(month: Month) -> Iterator[str]:
    """Requests before the time a good answer had asked for."""
    for url, asked in by_url(month.asked).items():
        for one, following in pairwise(asked):
            if one.status in GOOD and not one.is_lost and following.at < one.at + one.blog.wish:
                yield f"{url} at {following.at}, {following.at - one.at} after the last"


def in_skipped_time(month: Month) -> Iterator[str]:
    """Requests in hours or on days that a feed wanted skipped, after it had said so."""
    for url, asked in by_url(month.asked).items():
        for one in asked[1:]:
            if one.blog.skips(one.at):
                yield f"{url} at {one.at}"


def against_wishes(month: Month) -> Iterator[str]:
    """Requests to any URL of a host within the Retry-After of an error or a redirect (RFC 9110 10.2.3), or within an
    exhausted rate limit."""
    for asked in by_host(month.asked).values():
        until = START
        for before, one in pairwise(asked):
            until = max(until, before.at + _rest(before))
            if one.at < until and not _was_sent_there(one, before):
                yield f"{one.url} at {one.at}, before {until}"


def _rest(one: Asked) -> timedelta:
    """How long the host wants to be left alone after this answer, as far as it was surely heard."""
    if one.is_lost:
        return timedelta()
    used_up = one.field("X-RateLimit-Remaining") == "0"
    limit = timedelta(seconds=int(one.field("X-RateLimit-Reset") or 0)) if used_up else timedelta()
    return max(limit, _retry_after(one))


def _retry_after(one: Asked) -> timedelta:
    value = one.field("Retry-After")
    if value is None or one.status < 300:
        return timedelta()
    return timedelta(seconds=int(value)) if value.isdigit() else parsedate_to_datetime(value) - one.at


def _was_sent_there(one: Asked, before: Asked) -> bool:
    """Whether the request follows a redirect within one host, which is a part of the same wish."""
    return before.field("Location") == one.request.path and before.at == one.at


def again_after_a_restart(month: Month) -> Iterator[str]:
    """Requests for the same URL within half an hour of the last one: what a restart must not do, nor anything else."""
    for url, asked in by_url(month.asked).items():
        for one, following in pairwise(asked):
            if following.at - one.at < 30 * MINUTE:
                yield f"{url} at {following.at}, {following.at - one.at} after the last"


def insistence(month: Month) -> Iterator[str]:
    """Failing sources, also such as nobody answers for, that are not asked ever more rarely: an hour after the first
    failure, twice as long after each in a row, up to three days; and withdrawn ones asked again within the month."""
    for url, asked in by_url(month.asked).items():
        if sum(one.status == 410 and not one.is_lost for one in asked) > 1:
            yield f"{url}: asked again although it is gone"
        yield from _insisting(url, [(one.at, None if one.is_lost else _has_failed(one)) for one in asked])
    rows: dict[str, list[tuple[datetime, bool | None]]] = defaultdict(list)
    for at, row in month.rows:
        if row.status != "skipped":
            rows[row.url].append((at, row.failure is not None))
    for url, tries in rows.items():
        if not any(url == month.world.url(blog) for blog in month.world.blogs.values() if blog.temper):
            yield from _insisting(url, tries)


def _insisting(url: str, tries: list[tuple[datetime, bool | None]]) -> Iterator[str]:
    """`tries` are moments, and whether it failed then, None where nobody may know."""
    row = 0
    for (at, has_failed), (following, _) in pairwise(tries):
        if has_failed is None:
            continue
        row = row + 1 if has_failed else 0
        if has_failed and following - at < min(HOUR * 2 ** min(row - 1, 7), 3 * DAY):
            yield f"{url} at {following}, {following - at} after failure {row} in a row"


def _has_failed(one: Asked) -> bool:
    return one.status not in GOOD | {301, 302} or _is_for_sale(one)


def giving_up(month: Month) -> Iterator[str]:
    """Sources that were not tried at all in a week, unless they are gone: a failure is no end."""
    for blog in month.world.blogs.values():
        hosts = {blog.host, blog.new_home}
        asked = [one for one in month.asked if one.blog.host in hosts]
        tries = [one.at for one in asked] + [at for at, row in month.rows if row.url == month.world.url(blog)]
        if any(one.status == 410 for one in asked):
            continue
        for at, following in pairwise([START, *sorted(tries), START + MONTH]):
            if following - at > 7 * DAY:
                yield f"{blog.host}: not from {at} to {following}"


# ----------------------------------------------------------------------------------------------------- the server


def in_parallel(month: Month) -> Iterator[str]:
    """Requests to a host that came while it was answering another."""
    for host, asked in by_host(month.asked).items():
        for one, following in pairwise(asked):
            if not one.is_lost and following.request.arrived < (one.request.answered or 0):
                yield f"{host} at {following.at}"


def without_pause(month: Month) -> Iterator[str]:
    """Requests to a host sooner than the pause after its last answer, or after the last request that was never
    answered, in real or simulated time."""
    for host, asked in by_host(month.asked).items():
        for one, following in pairwise(asked):
            since = one.request.arrived if one.is_lost else (one.request.answered or 0)
            real = following.request.arrived - since
            if timedelta(seconds=real) + (following.at - one.at) < SPACING * 0.9:
                yield f"{host} at {following.at}: {real * 1000:.1f} ms"


def crowding(month: Month) -> Iterator[str]:
    """Hosts of which more than ten sources were asked in one pass, so that all others had to wait."""
    passes = Counter((_host(one), one.at, one.is_lost) for one in month.asked if one.request.path == "/feed")
    for (host, at, _), count in passes.items():
        if count > _AT_A_TIME:
            yield f"{host} at {at}: {count}"


# ---------------------------------------------------------------------------------------------- what requests carry


def baggage(month: Month) -> Iterator[str]:
    """Requests with cookies, a Referer, a query, without compression, or without saying who asks."""
    for one in month.asked:
        fields = one.request.headers
        if fields["Cookie"] or fields["Referer"] or "?" in one.request.path:
            yield f"{one.url} at {one.at}"
        if fields["Cache-Control"] or fields["Pragma"]:
            yield f"{one.url} at {one.at}: past the caches"
        if "gzip" not in (fields["Accept-Encoding"] or "") or any(
            words not in (fields["User-Agent"] or "") for words in _WHO_ASKS
        ):
            yield f"{one.url} at {one.at}: {fields['User-Agent']}"
        if (fields["A-IM"] == "feed") != (one.conditions != _NOTHING):
            yield f"{one.url} at {one.at}: A-IM"


def secrets_away_from_home(month: Month) -> Iterator[str]:
    """Requests with a login or a key to any host but the one they are for; and to that one, without them."""
    login = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()
    for one in month.asked:
        shown = [one.request.headers[name] for name in ("Authorization", "X-Api-Key", "Proxy-Authorization")]
        if one.blog.needs_login and shown[0] != login:
            yield f"{one.url} at {one.at}: not shown"
        if not one.blog.needs_login and any(shown):
            yield f"{one.url} at {one.at}: shown"


# --------------------------------------------------------------------------------------- what politeness must not cost


def old_address(month: Month) -> Iterator[str]:
    """Requests to an address that has moved for good, after it was met five times over a week."""
    for url, asked in by_url(month.asked).items():
        met = [one.at for one in asked if one.status == 301]
        if not met:
            continue
        proven = next((at for at in met[4:] if at - met[0] >= 7 * DAY), None)
        late = [at for at in met if proven is None or at > proven]
        if proven is None or len(late) > 1:
            yield f"{url}: {len(late)} requests after {proven}"


def stale_editions(month: Month) -> Iterator[str]:
    """Cut-offs of an edition before which a source that answers well, and may be asked, was not asked for an hour. An
    hour with a death in it does not count: what was about to be asked then is left for half an hour."""
    rests = _rests_of_hosts(month)
    mornings = [START.replace(hour=7, minute=30) + day * DAY for day in range(1, MONTH // DAY)]
    cutoffs = [at for at in mornings if not any(at - HOUR <= death <= at for death in month.deaths)]
    for url, asked in by_url(month.asked).items():
        moments = [one.at for one in asked]
        for cutoff in cutoffs:
            before = bisect_right(moments, cutoff)
            if before and moments[before - 1] < cutoff - HOUR and _may_be_asked(asked[before - 1], cutoff, rests):
                yield f"{url}: not in the hour before {cutoff}"


def _may_be_asked(last: Asked, cutoff: datetime, rests: dict[str, list[tuple[datetime, datetime]]]) -> bool:
    """Whether nothing keeps a source from being asked in the hour before a cut-off, given its last answer."""
    blog = last.blog
    if not blog.followed or blog.settings.startswith("every") or blog.skips(cutoff) or blog.skips(cutoff - HOUR):
        return False
    if last.status == 301 or _has_failed(last) or last.at + blog.wish > cutoff - HOUR:
        return False
    return not any(start <= cutoff and end > max(start, cutoff - HOUR) for start, end in rests[_host(last)])


def _rests_of_hosts(month: Month) -> dict[str, list[tuple[datetime, datetime]]]:
    rests = defaultdict(list)
    for one in month.asked:
        rests[_host(one)].append((one.at, one.at + _rest(one)))
    return rests


def lost_or_repeated(month: Month) -> Iterator[str]:
    """Blogs of which fewer or more posts were stored than they showed when they were last read."""
    sources = {blog.new_home: blog.host for blog in month.world.blogs.values()}
    read: dict[str, set[int]] = {}
    for one in month.asked:
        if one.status in (200, 226) and not _is_for_sale(one):
            host = sources.get(one.blog.host, one.blog.host)
            counts = {one.blog.posts(one.at)}
            read[host] = counts | read.get(host, set()) if one.is_lost else counts
    for host, counts in read.items():
        if month.stored.get(host) not in counts:
            yield f"{host}: {month.stored.get(host)} instead of {counts}"


def _host(one: Asked) -> str:
    return _host_of(one.blog.host)


@cache
def _host_of(name: str) -> str:
    return host_of(f"http://{name}/")


RULES: list[Rule] = [
    several_first_requests,
    unconditional_without_need,
    stale_validators,
    too_early,
    in_skipped_time,
    against_wishes,
    again_after_a_restart,
    insistence,
    giving_up,
    in_parallel,
    without_pause,
    crowding,
    baggage,
    secrets_away_from_home,
    old_address,
    stale_editions,
    lost_or_repeated,
]
