"""What an answer means for a poll, worded for the operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

from tidings.fetching import failures
from tidings.fetching.body import Body
from tidings.fetching.challenges import READ, challenger
from tidings.fetching.decoding import BrokenOffError, TooLargeError, UndecodableError, decode, start_of
from tidings.fetching.headers import Head, freshness, retry_after, validator
from tidings.fetching.rates import exhausted
from tidings.fetching.way import FOLLOWED, Way, is_conditional
from tidings.model import Failed, FailureKind, Fetched, Outcome, Unchanged
from tidings.records import dataclass

BODY_STATUSES = frozenset({200, 226})
"""226 is a 200 whose posts may be fewer than all (RFC 3229): what `A-IM: feed` asks for."""

_MEANINGS: dict[int, tuple[FailureKind, str]] = {
    401: ("unauthorized", "the feed needs a login"),
    402: ("unauthorized", "the feed must be paid for"),
    403: ("refused", "the site refuses us; it may block programs, or need a login"),
    404: ("not-found", "the feed may have moved"),
    407: ("unauthorized", "something on the way needs a login"),
    410: ("gone", "the feed was withdrawn for good; remove the source"),
    429: ("rate-limited", "we asked too often"),
    451: ("refused", "the feed is withheld for legal reasons"),
}

_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole or as far as it matters: on whose way, its head, its body as sent, and when it was had."""

    way: Way
    head: Head
    body: Body
    at: datetime


@dataclass(frozen=True, slots=True)
class Rest:
    """A server's wish for no request at all for `wait`, or for a time it does not name."""

    wait: timedelta | None


def rest_wanted(head: Head, at: datetime) -> Rest | None:
    """Whether an answer, whatever else it says, asks that its server be left alone: by 429, by Retry-After with an
    error or a redirect (RFC 9110 10.2.3), or by rate headers that say nothing is left. With what came well, Retry-After
    means nothing."""
    asked = retry_after(head.fields, at) is not None and (head.status in FOLLOWED or head.status >= 400)
    if head.status == 429 or asked:
        return Rest(_wait(head, at))
    left = exhausted(head.fields, at)
    return Rest(left) if left else None


def judge(answer: Answer, max_bytes: int) -> Outcome:
    """What the final answer means. Lets go of its body."""
    outcome: Fetched | Unchanged | Failed
    try:
        outcome = _judge(answer, max_bytes)
    except OSError as error:
        outcome = failures.no_room(error)
    finally:
        answer.body.close()
    if not isinstance(outcome, Failed):
        return outcome
    wanted = rest_wanted(answer.head, answer.at)
    rest = wanted.wait if wanted else None
    if outcome.kind == "challenge":  # whatever its status; it keeps us from all that is behind it
        rest = outcome.retry_after
    return replace(outcome, hops=tuple(answer.way.hops), host_rest=rest)


def _judge(answer: Answer, max_bytes: int) -> Fetched | Unchanged | Failed:
    status = answer.head.status
    blocked_by = challenger(status, answer.head.fields, lambda: _page(answer))
    if blocked_by:
        return _challenged(answer, blocked_by)
    if status in BODY_STATUSES:
        return _fetched(answer, max_bytes)
    if status == HTTPStatus.NOT_MODIFIED:
        return _unchanged(answer)
    return _refused(answer)


def _fetched(answer: Answer, max_bytes: int) -> Fetched | Failed:
    fields = answer.head.fields
    try:
        body = decode(answer.body.open(), answer.body.size, fields.get("content-encoding", ""), max_bytes)
    except UndecodableError as error:
        return Failed("http", f"the feed cannot be read: {error}", answer.head.status)
    except BrokenOffError as error:
        return failures.cut_short(error, answer.head.status)
    except TooLargeError as error:
        return Failed("too-large", f"the feed is too large: {error} (poll.max_bytes)", answer.head.status)
    return Fetched(
        url=answer.way.url,
        http=answer.head.status,
        body=body,
        content_type=fields.get("content-type", ""),
        etag=validator(fields, "etag"),
        last_modified=validator(fields, "last-modified"),
        freshness=freshness(fields),
        host_rest=exhausted(fields, answer.at),
        hops=tuple(answer.way.hops),
    )


def _unchanged(answer: Answer) -> Unchanged | Failed:
    fields = answer.head.fields
    if not is_conditional(answer.way):
        return Failed("http", f"{_answered(304)} to a request that had nothing to compare with", 304)
    return Unchanged(
        url=answer.way.url,
        etag=validator(fields, "etag"),
        last_modified=validator(fields, "last-modified"),
        freshness=freshness(fields),
        host_rest=exhausted(fields, answer.at),
        hops=tuple(answer.way.hops),
    )


def _challenged(answer: Answer, by: str) -> Failed:
    words = f"{_answered(answer.head.status)} with a check for browsers by {by}, which no program can pass"
    hint = "ask the site's owner to exempt the feed's address"
    return Failed("challenge", f"{words}; {hint}", answer.head.status, _wait(answer.head, answer.at))


def _refused(answer: Answer) -> Failed:
    kind, hint = _meaning(answer)
    wait = _wait(answer.head, answer.at)
    asked = f"; it asks to be left alone for {_in_words(wait)}" if wait else ""
    return Failed(kind, f"{_answered(answer.head.status)}; {hint}{asked}", answer.head.status, wait)


def _meaning(answer: Answer) -> tuple[FailureKind, str]:
    status = answer.head.status
    if _is_busy(answer.head, answer.at):
        return "rate-limited", "the site is busy"
    if status == HTTPStatus.FORBIDDEN and exhausted(answer.head.fields, answer.at):  # as Reddit does
        return "rate-limited", "by its rate headers we asked too often"
    if status in _MEANINGS:
        return _MEANINGS[status]
    if 300 <= status < 400:
        return "redirect", "that is no redirect that can be followed"
    if 400 <= status < 500:
        return "client-error", "the site finds fault with the request"
    if 500 <= status < 600:
        return "server-error", "the site has trouble of its own"
    return "http", "that is no feed"


def _is_busy(head: Head, at: datetime) -> bool:
    return head.status == HTTPStatus.SERVICE_UNAVAILABLE and retry_after(head.fields, at) is not None


def _wait(head: Head, at: datetime) -> timedelta | None:
    """The longest wait asked for, by Retry-After or by rate headers."""
    asked = (retry_after(head.fields, at), exhausted(head.fields, at))
    return max((wait for wait in asked if wait is not None), default=None)


def _page(answer: Answer) -> bytes:
    """The start of the decoded page, as far as it can be had."""
    return start_of(answer.body.open(), answer.head.fields.get("content-encoding", ""), READ)


def _answered(status: int) -> str:
    try:
        return f"the server answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"the server answered {status}"


def _in_words(wait: timedelta) -> str:
    seconds = round(wait.total_seconds())
    size, unit = next((size, unit) for size, unit in _UNITS if seconds >= size or size == 1)
    count = round(seconds / size)
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
