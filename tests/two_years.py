"""Two years of a list of sources, lived through in a minute: polls, issues of a daily and a weekly edition, pruning,
restarts, all on a simulated clock and a real database; and a ledger that holds what the issues showed against what the
blogs truly wrote.

Only the network is made up: documents come from `Web.fetch`, which stands where `fetch_all` does.

As a program, `python -m tests.two_years [-v] [SEED …]` lives through them with other seeds, and prints their scores.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import md5
from pathlib import Path

from tests.two_years_blogs import DAY, HOUR, MINUTE, START, Blog, Moment
from tests.two_years_cast import CAST
from tidings import config, digest, poll
from tidings.cli import issuing, wiring
from tidings.config import Config
from tidings.fetching.settings import FetchSettings, Hosts
from tidings.model import Failed, Fetched, FetchRequest, Hop, Outcome, PollRow, Unchanged
from tidings.render.atom import write_atom
from tidings.render.feeds import CombinedFeed, feed_of_posts
from tidings.store import Store, exclusive, feeds, issues, open_store, posts, pruning, site, stories

TWO_YEARS = 730 * DAY
SETTLED = 26 * DAY
"""Before the end: what came later may still wait for the next poll, the brake, the poll after that, and a Friday."""
OURS = "https://tidings.example/atom.xml"
MEMORY = Path("/dev/shm")

_CONFIGURATION = f"""\
[site]
title = "Two Years"
url = "{OURS.removesuffix("/atom.xml")}"
contact = "ops@tidings.example"
timezone = "UTC"
data_dir = "data"

[poll]
workers = "inline"

[store]
keep = "{{keep}}"

[mail]
from = "Two Years <digest@tidings.example>"
postal_address = "1 Test Street"
transport = "file:outbox"

[[editions]]
name = "daily"
schedule = "daily 07:30"
backfill = 100
max_posts = 2000

[[editions]]
name = "weekly"
schedule = "weekly fri 08:00"
backfill = 100
max_posts = 2000

[[sources]]
name = "ours"
url = "{OURS}"
every = "14d"
"""


@dataclass
class Score:
    """What came of the years. `repeats`, `losses` and `merges` say which piece, where."""

    polls: int = 0
    posts: int = 0
    issues: int = 0
    most_keys: int = 0
    held: int = 0
    restarts: int = 0
    repeats: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)
    seconds: float = 0

    def __str__(self) -> str:
        return (
            f"two years: {self.polls} polls, {self.posts} posts, {self.issues} issues, {self.restarts} restarts, "
            f"{len(self.repeats)} repeats, {len(self.losses)} losses, {len(self.merges)} wrong merges "
            f"({self.held} documents were held, at most {self.most_keys} keys a post, {self.seconds:.0f} s)"
        )


class Web:
    """The blogs, as the network shows them; and what they were seen to have, by true name: when at first."""

    def __init__(self, seed: int, blogs: Sequence[Blog]) -> None:
        self.now = START
        self.seen: dict[str, datetime] = {}
        self.polls = 0
        self.own_feed: Callable[[], bytes] = bytes
        self._shown: dict[str, list[str]] = {}
        self._seed = seed
        self._blogs = blogs
        self._chance = random.Random(seed)

    def clock(self) -> datetime:
        return self.now

    @property
    def day(self) -> float:
        return (self.now - START) / DAY

    def configure(self, folder: Path, keep: str) -> Path:
        """Writes the operator's file, as it is today."""
        text = _CONFIGURATION.format(keep=keep)
        for blog in self._blogs:
            day = 0.0 if blog.follows_redirects else self.day
            text += f'\n[[sources]]\nname = "{blog.name}"\nurl = "{_url(blog, day)}"\nevery = "{blog.every}"\n'
        path = folder / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def fetch(
        self,
        requests: Sequence[FetchRequest],
        _settings: FetchSettings,
        _hosts: Hosts,
        stop: Callable[[], bool],
        starting: Callable[[FetchRequest, str], None],
    ) -> Iterator[tuple[FetchRequest, Outcome]]:
        """Answers requests as servers do: with a status, a redirect, nothing new, or a document."""
        for request in requests:
            if stop():
                return
            starting(request, request.url)
            self.polls += 1
            yield request, self._answer(request)

    def note(self, row: PollRow) -> None:
        """Takes what a source showed for seen, once its poll was completed: what a process that died had fetched was
        never polled."""
        shown = self._shown.pop(row.name, [])
        if row.status in ("ok", "unchanged"):
            for truth in shown:
                self.seen.setdefault(truth, self.now)
        if "-v" in sys.argv and row.note:
            print(f"day {self.day:.0f} {row.name}: {row.note}")

    def _answer(self, request: FetchRequest) -> Outcome:
        if request.url == OURS:
            return Fetched(OURS, 200, self.own_feed(), hops=(Hop(OURS, 200),))
        blog = self._blog_at(request.url)
        if blog is None:
            return Failed("dns", "no such host")
        self._shown.pop(blog.name, None)
        at = _url(blog, self.day)
        hops = (Hop(at, 200),) if at == request.url else (Hop(request.url, 301), Hop(at, 200))
        moment = Moment(self.now, random.Random(self._chance.random()))
        items = blog.items(self._seed, moment)
        whole = blog.document(items, moment)
        body = blog.frame(whole, moment)
        if isinstance(body, int):
            return Failed("server-error", "it is down", http=body, hops=hops)
        if body == whole:
            self._shown[blog.name] = [item.truth for item in items]
        etag = f'"{md5(body, usedforsecurity=False).hexdigest()}"' if blog.validators else None
        if request.validators and request.validators.etag == etag and request.validators.url == at:
            return Unchanged(at, etag=etag, hops=hops)
        return Fetched(at, 200, body, "application/xml", etag=etag, hops=hops)

    def _blog_at(self, url: str) -> Blog | None:
        """Who answers there today: an old address goes on to redirect, unless the blog left without a word."""
        for blog in self._blogs:
            days = [0.0, *(since for since, _ in blog.hosts if since <= self.day)]
            if url in [_url(blog, day) for day in (days if blog.follows_redirects else days[-1:])]:
                return blog
        return None


def _url(blog: Blog, day: float) -> str:
    return f"https://{blog.host(day)}/feed"


def live(seed: int, folder: Path, span: timedelta = TWO_YEARS, keep: str = "45d", cast: Sequence[Blog] = CAST) -> Score:
    """Lives through `span`. Every few days the process ends, often in the middle of a poll, and a new one starts."""
    began, score = time.process_time(), Score()
    web, chance = Web(seed, cast), random.Random(f"restarts {seed}")
    rows: Counter[str] = Counter()
    loaded = config.load(web.configure(folder, keep))
    while web.now < START + span:
        loaded = config.load(web.configure(folder, keep))
        score.restarts += 1
        with open_store(loaded.site.database) as store:
            feeds.sync(store, loaded.sources, loaded.editions, web.now)
            web.own_feed = lambda store=store, loaded=loaded: _own_feed(store, loaded)  # type: ignore[misc]
            for _ in range(chance.randint(5, 20)):
                _one_day(store, loaded, web, rows, dies_after=chance.randint(1, 120))
    with open_store(loaded.site.database) as store:
        _judge(store, web, START + span, score)
    score.polls, score.held, score.seconds = web.polls, rows["held"], time.process_time() - began
    return score


def _one_day(store: Store, loaded: Config, web: Web, rows: Counter[str], dies_after: int) -> None:
    """A day: the poll at five, in the middle of which the process may end, the issues that are due, and the night."""
    settings, opener = wiring.poll_settings(loaded, store), wiring.executor_opener(loaded)
    with exclusive(store, "poll"):
        due = poll.due(feeds.states(store, loaded.sources), loaded.editions, wiring.poll_limits(loaded), web.now)
        passing = poll.run(store, due, settings, opener, web.clock, lambda: rows["done"] >= dies_after, web.fetch)
        rows["done"] = 0
        for row in passing:
            rows["done"] += 1
            rows["held"] += "held from digests" in row.note
            web.note(row)
        if web.now.weekday() == 0:
            pruning.prune(store, wiring.retention(loaded), web.now)
        stories.forget_marks(store, web.now)
    web.now += 2 * HOUR + 30 * MINUTE
    for edition in loaded.editions:
        office = issuing.post_office(loaded)
        digest.freeze_due(store, edition, loaded.sources, issuing.masthead(loaded), office, web.now)
        web.now += 30 * MINUTE
    web.now += DAY - 3 * HOUR - 30 * MINUTE


def _own_feed(store: Store, loaded: Config) -> bytes:
    """What publishing writes (publish.py), without the pages."""
    names = [source.name for source in loaded.sources if source.url != OURS]
    newest, record = posts.newest(store, names, loaded.feed.limit), site.record(store)
    combined = CombinedFeed(
        id=record.feed_id,
        title="Two Years",
        site_url=f"{loaded.site.url}/",
        posts=newest,
        empty_updated=record.created_at,
    )
    return write_atom(feed_of_posts(combined), OURS)


# -------------------------------------------------------------------------------------------------------------- ledger


def _judge(store: Store, web: Web, end: datetime, score: Score) -> None:
    """Holds the issues against the truth."""
    archive = issues.frozen(store)
    score.issues = len(archive)
    for edition in ("daily", "weekly"):
        places: dict[str, list[str]] = defaultdict(list)
        for stored in sorted(archive, key=lambda one: one.content.number):
            if stored.content.edition == edition:
                day = (stored.content.frozen_at - START) // DAY
                for item in stored.content.items:
                    places[item.author].append(f"day {day} from {item.source}")
        score.repeats += [f"{edition}: {truth}: {', '.join(at)}" for truth, at in places.items() if len(at) > 1]
        score.losses += [
            f"{edition}: {truth}, seen on day {(since - START) // DAY}"
            for truth, since in web.seen.items()
            if since < end - SETTLED and truth not in places
        ]
    score.merges = list(_wrong_merges(store))
    [[score.posts]] = store.rows("SELECT count(*) FROM posts")
    [[score.most_keys]] = store.rows("SELECT max(n) FROM (SELECT count(*) AS n FROM post_keys GROUP BY post_id)")


def _wrong_merges(store: Store) -> Iterable[str]:
    truths: dict[int, set[str]] = defaultdict(set)
    for row in store.rows("SELECT story, author FROM posts"):
        truths[row["story"]].add(row["author"])
    return (f"story {story}: {', '.join(sorted(names))}" for story, names in truths.items() if len(names) > 1)


def main(seeds: Sequence[int]) -> None:
    """Lives through the years with each of some seeds, and prints what came of them."""
    for seed in seeds or [1]:
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            score = live(seed, Path(folder))
        print(f"seed {seed}: {score}")
        for what in ("repeats", "losses", "merges"):
            for one in getattr(score, what):
                print(f"  {what}: {one}")


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:] if argument != "-v"])
