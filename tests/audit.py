"""A month of the world for the politeness audit: blogs of every temper on one loopback server, on simulated time, and
a record of everything that was asked of them.

The server has many names (`daily.localhost`, `a.shared.localhost` …), so it looks like many hosts. What a blog answers
depends on the simulated clock and on what it is asked, as on the web.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.feeds import item, rss
from tests.origin import Answer, Origin, Raw, Request
from tidings.model import Source

START = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)  # a Sunday
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SHOWN = 15


class Clock:
    """Simulated time; anybody may read it, the audit moves it on."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        return self._now

    def move_on(self, span: timedelta) -> None:
        self._now += span


@dataclass(frozen=True)
class Asked:
    """One request and its answer. `at` is simulated time; `request` knows the real moments."""

    at: datetime
    blog: Blog
    request: Request
    answer: Answer | Raw

    @property
    def url(self) -> str:
        return f"{self.blog.host}{self.request.path}"

    @property
    def conditions(self) -> tuple[str | None, str | None]:
        return self.request.headers["If-None-Match"], self.request.headers["If-Modified-Since"]

    @property
    def status(self) -> int:
        return self.answer.status if isinstance(self.answer, Answer) else 0

    def field(self, name: str) -> str | None:
        return self.answer.headers.get(name) if isinstance(self.answer, Answer) else None


Temper = Callable[["Blog", Request, datetime], Answer | Raw]


@dataclass(frozen=True)
class Blog:
    """A blog that publishes every `gap` and answers by its temper. `wish` is how long it wants to be left alone after a
    good answer; `fields` and `head` are how it says so, in the headers and in the document."""

    host: str
    temper: Temper
    gap: timedelta = DAY
    wish: timedelta = timedelta()
    fields: tuple[tuple[str, str], ...] = ()
    head: str = ""
    every: timedelta | None = None
    followed: bool = True
    cut: Callable[[datetime], bool] = field(default=lambda _: False)

    def posts(self, now: datetime) -> int:
        """How many posts there are by now; it began with ten."""
        return 10 + (now - START) // self.gap

    def document(self, now: datetime, nonce: str = "") -> bytes:
        count = self.posts(now)
        items = (item(n, link=f"http://{self.host}/{n}") for n in range(count, max(0, count - SHOWN), -1))
        whole = rss(items, head=self.head + nonce)
        return whole[:-60] if self.cut(now) else whole

    def etag(self, now: datetime) -> str:
        return f'W/"{self.host} {self.posts(now)}"'

    def modified(self, now: datetime) -> str:
        return format_datetime(START + (self.posts(now) - 10) * self.gap, usegmt=True)


class World:
    """The blogs on their server, and the record."""

    def __init__(self, origin: Origin, clock: Clock, blogs: Sequence[Blog]) -> None:
        self.origin, self.clock = origin, clock
        self.blogs = {blog.host: blog for blog in blogs}
        self._asked: list[Asked] = []
        self._lock = threading.Lock()
        for path in ("/feed", "/new"):
            origin.serve(path, self._answer)

    def sources(self) -> list[Source]:
        """The blogs as an operator follows them."""
        return [
            Source(self.origin.url("/feed", blog.host), blog.host.removesuffix(".localhost"), every=blog.every)
            for blog in self.blogs.values()
            if blog.followed
        ]

    def record(self) -> list[Asked]:
        """Everything asked so far, in order of arrival."""
        with self._lock:
            return sorted(self._asked, key=lambda asked: asked.request.arrived)

    def _answer(self, request: Request) -> Answer | Raw:
        now = self.clock()
        blog = self.blogs[request.headers["Host"].partition(":")[0]]
        answer = blog.temper(blog, request, now)
        with self._lock:
            self._asked.append(Asked(now, blog, request, answer))
        return answer


# ------------------------------------------------------------------------------------------------------- tempers


def _conditional(blog: Blog, request: Request, now: datetime, **validators: str) -> Answer:
    """What a well-behaved server answers that has these validators."""
    fields = {**validators, "Date": format_datetime(now, usegmt=True), **dict(blog.fields)}
    if "ETag" in validators and request.headers["If-None-Match"]:
        matches = request.headers["If-None-Match"] == validators["ETag"]
    else:
        matches = validators.get("Last-Modified", "") == request.headers["If-Modified-Since"]
    return Answer(304, headers=fields) if matches else Answer(200, blog.document(now), fields)


def both(blog: Blog, request: Request, now: datetime) -> Answer:
    """ETag and Last-Modified, as most do."""
    return _conditional(blog, request, now, **{"ETag": blog.etag(now), "Last-Modified": blog.modified(now)})


def dated(blog: Blog, request: Request, now: datetime) -> Answer:
    """Last-Modified only, and not in the form of any RFC."""
    return _conditional(blog, request, now, **{"Last-Modified": f"about {blog.modified(now)}"})


def slow(blog: Blog, request: Request, now: datetime) -> Answer:
    """Takes its time, so that requests that overlap would show."""
    answer = both(blog, request, now)
    return Answer(answer.status, answer.body, answer.headers, delay=0.02)


def bare(blog: Blog, _request: Request, now: datetime) -> Answer:
    """No validators at all."""
    return Answer(200, blog.document(now), dict(blog.fields))


def restless(blog: Blog, _request: Request, now: datetime) -> Answer:
    """A new ETag and other bytes at every request, always 200."""
    nonce = f"<generator>{now.timestamp()}</generator>"
    return Answer(200, blog.document(now, nonce), {"ETag": f'"{now.timestamp()}"', **dict(blog.fields)})


def renewing(blog: Blog, request: Request, now: datetime) -> Answer:
    """Each 304 carries another ETag, and only the last one counts."""
    number = str(blog.posts(now))
    if (request.headers["If-None-Match"] or "").startswith(f'"{number}-'):
        return Answer(304, headers={"ETag": f'"{number}-{now.timestamp()}"'})
    return Answer(200, blog.document(now), {"ETag": f'"{number}-{now.timestamp()}"'})


def forgetful(blog: Blog, request: Request, now: datetime) -> Answer:
    """Has an ETag in odd weeks and none in even ones."""
    return both(blog, request, now) if (now - START).days // 7 % 2 == 0 else bare(blog, request, now)


def delta(blog: Blog, request: Request, now: datetime) -> Answer:
    """Sends only what is new to those who can take it (RFC 3229)."""
    known = request.headers["If-None-Match"]
    if known == blog.etag(now):
        return Answer(304, headers={"ETag": blog.etag(now)})
    if known and request.headers["A-IM"] == "feed":
        have = int(known.rpartition(" ")[2].strip('"'))
        news = (item(n, link=f"http://{blog.host}/{n}") for n in range(blog.posts(now), have, -1))
        return Answer(226, rss(news), {"ETag": blog.etag(now), "IM": "feed"})
    return Answer(200, blog.document(now), {"ETag": blog.etag(now)})


def moved(blog: Blog, request: Request, _now: datetime) -> Answer:
    """Gone to `new.HOST` for good."""
    port = request.headers["Host"].partition(":")[2]
    return Answer(301, headers={"Location": f"http://new-{blog.host}:{port}/new"})


def visiting(blog: Blog, request: Request, _now: datetime) -> Answer:
    """At `new.HOST` for the time being."""
    return Answer(302, headers=moved(blog, request, _now).headers)


def busy(blog: Blog, request: Request, now: datetime) -> Answer:
    """Every third day from noon on it wants to be left alone for five hours."""
    if (now - START).days % 3 == 0 and now.hour == 12:
        return Answer(429, headers={"Retry-After": "18000"})
    return both(blog, request, now)


def repairing(blog: Blog, request: Request, now: datetime) -> Answer:
    """Down on the second Tuesday, and says until when, by its own clock."""
    end = START + 9 * DAY + 20 * HOUR
    if START + 9 * DAY <= now < end:
        fields = {"Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(end, usegmt=True)}
        return Answer(503, headers=fields)
    return both(blog, request, now)


def counting(blog: Blog, request: Request, now: datetime) -> Answer:
    """Allows one request, and counts in its headers."""
    answer = both(blog, request, now)
    return Answer(
        answer.status, answer.body, {**answer.headers, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "7200"}
    )


def broken(blog: Blog, request: Request, now: datetime) -> Answer:
    """500 for three days, 404 for two, a parking page for another two."""
    day = (now - START).days
    if 5 <= day < 8:
        return Answer(500)
    if 8 <= day < 10:
        return Answer(404, b"<html>not here</html>")
    if 10 <= day < 12:
        return Answer(200, b"<!doctype html><html><title>This domain is for sale</title></html>", {"ETag": '"sale"'})
    return both(blog, request, now)


def dead(_blog: Blog, _request: Request, _now: datetime) -> Raw:
    """Takes the request and closes the connection."""
    return Raw([])


def gone(blog: Blog, request: Request, now: datetime) -> Answer:
    """Withdrawn on the third day."""
    return Answer(410) if (now - START).days >= 3 else both(blog, request, now)
