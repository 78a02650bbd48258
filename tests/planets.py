"""Planets that follow blogs and each other: each with a database, its polls over loopback, its issues, and its combined
feed served where the others get it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.builders import edition
from tests.origin import Answer, Origin
from tests.test_poll import SETTINGS, inline
from tidings import digest, poll
from tidings.editions.compose import Masthead
from tidings.letters import PostOffice
from tidings.mail.transport import Transport
from tidings.model import PollRow, Source, StoredPost
from tidings.publish import PublishSettings, publish
from tidings.store import Store, feeds, open_store
from tidings.store.posts import PostQuery, find

EDITION = replace(edition(), backfill=0)


@contextmanager
def _no_mail() -> Iterator[Transport]:
    raise AssertionError("nobody subscribed")
    yield


OFFICE = PostOffice("planet@example.org", "", "", _no_mail)


@dataclass
class Planet:
    """A planet that is published at `path` of the origin. `follows` are the paths of what it follows, by name. What it
    carried is in `issues`: the first letters of each post."""

    store: Store
    origin: Origin
    path: str
    follows: Mapping[str, str]
    folder: Path
    content: str = "full"
    issues: list[list[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.origin.url(self.path)

    @property
    def sources(self) -> list[Source]:
        return [Source(self.origin.url(path), name) for name, path in self.follows.items()]

    def poll(self, now: datetime, names: Iterable[str] | None = None) -> dict[str, PollRow]:
        """Polls everything once, or what is named."""
        feeds.sync(self.store, self.sources, [EDITION], now)
        settings = replace(SETTINGS, own_url=f"{self.url}/atom.xml")
        asked = [one for one in self.sources if names is None or one.name in names]
        rows = poll.run(self.store, feeds.states(self.store, asked), settings, inline, lambda: now, lambda: False)
        return {row.name: row for row in rows}

    def publish(self, *also_at: str) -> str:
        """Brings the combined feed up to date, and serves it, also at some paths more; returns it."""
        feeds.sync(self.store, self.sources, [EDITION], days(1)[0])
        settings = PublishSettings("Planet", self.url, "en", "UTC", 100, self.content, self.sources)  # type: ignore[arg-type]
        publish(self.store, self.folder, settings)
        body = (self.folder / "atom.xml").read_bytes()
        for path in (f"{self.path}/atom.xml", *also_at):
            self.origin.serve(path, Answer(200, body, {"Content-Type": "application/atom+xml"}))
        return body.decode()

    def send(self, now: datetime) -> None:
        """Makes the next issue, if there is anything for one."""
        masthead = Masthead("Planet", self.url)
        content = digest.freeze_next(self.store, EDITION, self.sources, masthead, OFFICE, now)
        if content is not None:
            self.issues.append([(item.title or item.text)[:20] for item in content.items])

    @property
    def posts(self) -> list[StoredPost]:
        return find(self.store, PostQuery(limit=10_000))

    @property
    def carried(self) -> list[str]:
        """The first letters of the posts of all issues."""
        return [title for issue in self.issues for title in issue]


@contextmanager
def planet(
    folder: Path, origin: Origin, path: str, follows: Mapping[str, str], content: str = "full"
) -> Iterator[Planet]:
    with open_store(folder / path.strip("/") / "tidings.db") as store:
        yield Planet(store, origin, path, follows, folder / path.strip("/") / "public", content)


def days(count: int) -> Sequence[datetime]:
    """Noon on as many days."""
    return [datetime(2026, 11, 1 + day, 12, 0, tzinfo=UTC) for day in range(count)]
