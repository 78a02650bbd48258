"""The world of the politeness audit: blogs on one loopback server, on simulated time, and a record of everything that
was asked of them.

The server has many names (`daily.localhost`, `a.shared.localhost` …), so it looks like many hosts. What a blog answers
depends on the simulated clock and on what it is asked, as on the web. `audit_tempers.py` has the ways to answer,
`audit_cast.py` the blogs, `audit_month.py` lives through the month, and `audit_rules.py` judges it.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from tests.feeds import item, rss
from tests.origin import Answer, Origin, Raw, Request

START = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)  # a Sunday
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SHOWN = 12
_PATIENCE = 30


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
    """One request and its answer. `at` is simulated time; `request` knows the real moments. `is_lost` says that whoever
    asked was killed in that pass: it may know the answer, or not."""

    at: datetime
    blog: Blog
    request: Request
    answer: Answer | Raw
    is_lost: bool = False

    @property
    def url(self) -> str:
        return f"{self.blog.host}{self.request.path}"

    @property
    def conditions(self) -> tuple[str | None, str | None]:
        return self.request.headers["If-None-Match"], self.request.headers["If-Modified-Since"]

    @property
    def status(self) -> int:
        """0 for what is no HTTP."""
        return self.answer.status if isinstance(self.answer, Answer) else 0

    def field(self, name: str) -> str | None:
        return self.answer.headers.get(name) if isinstance(self.answer, Answer) else None


Temper = Callable[["Blog", Request, datetime], Answer | Raw]


@dataclass(frozen=True)
class Blog:
    """A blog that publishes every `gap` for the `active` part of the month, and answers by its temper; without one
    nobody listens at its host. `wish` is how long it wants to be left alone after a good answer; `fields` and `head`
    are how it says so, in the headers and in the document. `settings` are its lines in the configuration beside its
    URL."""

    host: str
    temper: Temper | None
    gap: timedelta = DAY
    active: timedelta = 31 * DAY
    wish: timedelta = timedelta()
    fields: tuple[tuple[str, str], ...] = ()
    head: str = ""
    settings: str = ""
    followed: bool = True
    cut: Callable[[datetime], bool] = field(default=lambda _: False)

    @property
    def new_home(self) -> str:
        """Where it moves to, if it moves: another host."""
        return f"new-{self.host.removesuffix('.localhost').replace('.', '-')}.localhost"

    @property
    def needs_login(self) -> bool:
        return "password_env" in self.settings

    def skips(self, now: datetime) -> bool:
        """Whether its document asks not to be fetched at such an hour or on such a day."""
        return f"<hour>{now.hour}</hour>" in self.head or f"<day>{now:%A}</day>" in self.head

    def posts(self, now: datetime) -> int:
        """How many posts there are by now; it began with ten."""
        return 10 + min(now - START, self.active) // self.gap

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
    """The blogs on their server, and the record. A context manager, for the port that is kept from listening."""

    def __init__(self, origin: Origin, clock: Clock, blogs: Sequence[Blog]) -> None:
        self.origin, self.clock = origin, clock
        self.blogs = {blog.host: blog for blog in blogs}
        self._asked: list[Asked] = []
        self._lock = threading.Lock()
        self._answers_left: int | None = None
        self._held, self._released = threading.Event(), threading.Event()
        self._deaf = socket.socket()
        self._deaf.bind((origin.host, 0))
        self._deaf_port = self._deaf.getsockname()[1]
        for path in ("/feed", "/new"):
            origin.serve(path, self._answer)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        self._deaf.close()

    def url(self, blog: Blog) -> str:
        if blog.temper is None:
            return f"http://{blog.host}:{self._deaf_port}/feed"
        return self.origin.url("/feed", blog.host)

    def record(self) -> list[Asked]:
        """Everything asked so far, in order of arrival."""
        with self._lock:
            return sorted(self._asked, key=lambda asked: asked.request.arrived)

    @contextmanager
    def holding(self, answers: int) -> Iterator[Callable[[], bool]]:
        """Gives so many answers, and none to those who ask after that until the block is left. Yields whether somebody
        waits. What is asked meanwhile is marked as lost."""
        self._held.clear()
        self._released.clear()
        self._answers_left = answers
        try:
            yield self._held.is_set
        finally:
            self._answers_left = None
            self._released.set()

    def _answer(self, request: Request) -> Answer | Raw:
        now = self.clock()
        blog = self.blogs[request.headers["Host"].partition(":")[0]]
        assert blog.temper is not None
        answer = blog.temper(blog, request, now)
        with self._lock:
            left = self._answers_left
            self._asked.append(Asked(now, blog, request, answer, is_lost=left is not None))
            if left is not None:
                self._answers_left = left - 1
        if left is not None and left <= 0:
            self._held.set()
            self._released.wait(_PATIENCE)
        return answer
