"""What adding posts costs in a small archive and in a large one, JSON out. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tidings.model import FeedChange, Fetched, Hop, KnownPost, ParsedFeed, ParsedPost, PostToSave, Rhythm, Source
from tidings.posts.decide import Plan, finish, keys_to_look_up, merge, name, plan, slices
from tidings.posts.identity import identify
from tidings.posts.pieces import Piece, landmarks
from tidings.recording import ReadDocument, Recorder
from tidings.sources import memory
from tidings.sources.cadence import Limits
from tidings.store import Store, feeds, open_store, posts, stories

A_DOCUMENT = 20
_TOGETHER = timedelta(days=1)
_A_DAY = (2, 3)  # posts of each feed, by turns
_MARKED = timedelta(days=90)  # Older marks are dropped by the daemon (store/stories.py).
_START = datetime(2020, 1, 6, 8, 0, tzinfo=UTC)
_LIMITS = Limits(timedelta(minutes=30), timedelta(hours=24))
_WORDS = 160  # about 1 kB
_TAPE = 1_000_000
_FILL_CACHE = "PRAGMA cache_size = -4000000"


def blog(number: int) -> Source:
    return Source(f"https://blog{number}.example/feed.xml", f"blog{number}")


@cache
def tape() -> list[str]:
    """Many words of a vocabulary of twenty thousand, each as often as it would be used (Zipf)."""
    made = random.Random(1)
    words = ["".join(made.choices("etaoinshrdlucmfwypvbgk", k=made.randint(2, 10))) for _ in range(20_000)]
    return made.choices(words, weights=[1 / rank for rank in range(1, len(words) + 1)], k=_TAPE)


def post(feed: int, number: int) -> ParsedPost:
    """A post of a blog, always the same one: some 160 words, and in every fifth a link."""
    made = random.Random(feed * 10_000_019 + number)
    step = made.randrange(1, _TAPE // 2 // _WORDS)
    start = made.randrange(_TAPE // 2)
    words = tape()[start : start + step * _WORDS : step]
    lines = [f"{' '.join(words[at : at + 15])}." for at in range(9, _WORDS, 15)]
    url = f"https://blog{feed}.example/posts/{number}-{'-'.join(words[6:9])}"
    link = f' <a href="https://site{made.randrange(9_999)}.example/{made.randrange(99)}">more</a>'
    return ParsedPost(
        0,
        guid=f"https://blog{feed}.example/?p={number}",
        url=url,
        title=" ".join(words[:6]).capitalize(),
        author=f"Author {feed}",
        published=_START + timedelta(hours=10 * number, seconds=made.randrange(30_000)),
        content_html=f"<p>{' '.join(lines)}{link if number % 5 == 0 else ''}</p>",
        base=url,
    )


# ----------------------------------------------------------------------------------------------------------- filling


def fill(path: Path, count: int, blogs: int) -> None:
    """Makes a database of `count` posts as years of polling would, day by day in the order of time, by the store's own
    functions; goes on where it was ended. Cleaning is left out, since the text is clean; marks are kept as long as the
    daemon keeps them.
    """
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    with open_store(partial) as store:
        for pragma in (_FILL_CACHE, "PRAGMA wal_autocheckpoint = 100000"):
            store.conn.execute(pragma)
        sources = [blog(number) for number in range(blogs)]
        feeds.sync(store, sources, [], _START)
        states = feeds.states(store, sources)
        a_day = blogs * sum(_A_DAY) / 2
        days, done = math.ceil(count / a_day), math.ceil(_count(store, "posts") / a_day)
        if not done:
            _begin(store, states)
        for day in range(done, days):
            _fill_day(store, [state.feed_id for state in states], day, days)
        store.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    partial.rename(path)


def _count(store: Store, what: str, values: tuple[int, ...] = ()) -> int:
    row = store.row(f"SELECT count(*) AS count FROM {what}", values)
    assert row is not None
    return int(row["count"])


def _posts_of(store: Store, feed_id: int) -> int:
    """By the feed alone: counting must not push what it measures out of the cache."""
    return _count(store, "posts WHERE feed_id = ?", (feed_id,))


def _begin(store: Store, states: Sequence[Any]) -> None:
    """Notes that each feed was read before, so that nothing of what is stored is its backlog."""
    for state in states:
        fetched = Fetched(state.source.url, 200, b"", hops=(Hop(state.source.url, 200),))
        site = ParsedFeed("rss20", f"The {state.source.name}", state.source.url.removesuffix("feed.xml"))
        rhythm = Rhythm(timedelta(hours=10), _START)
        after = memory.after_read(state, state.source.url, fetched, site, "", rhythm, True, _LIMITS, _START)
        feeds.save_read(store, after, FeedChange(), _START)


def _fill_day(store: Store, ids: Sequence[int], day: int, days: int) -> None:
    now = _START + day * _TOGETHER
    before, today = sum(_A_DAY) * (day // 2) + _A_DAY[0] * (day % 2), _A_DAY[day % 2]
    with store.write():
        for number, feed_id in enumerate(ids):
            parsed = [post(number, before + one) for one in range(today)]
            marked = (days - day) * _TOGETHER <= _MARKED
            new = tuple(to_save(one, f"blog{number}.example", marked) for one in parsed)
            posts.save(store, feed_id, FeedChange(new=new), now)
        stories.forget_marks(store, now)


def to_save(parsed: ParsedPost, site: str, marked: bool) -> PostToSave:
    """A post of a blog decided on, as parsing and cleaning would leave it; `marked` for the stories it may join."""
    [one] = identify([parsed])
    text = parsed.content_html[3:-4].partition(" <a")[0]
    told = landmarks(Piece(site, parsed.url, (), parsed.title, text, "", "", None)) if marked else ()
    return PostToSave(
        None,
        one.all_keys,
        one.content_hash,
        parsed.url,
        parsed.guid,
        parsed.url,
        parsed.title,
        parsed.author,
        parsed.published,
        None,
        (),
        "",
        parsed.content_html,
        text,
        "",
        (),
        "",
        "",
        landmarks=told,
        originality=2,
    )


# --------------------------------------------------------------------------------------------------------- measuring


@dataclass
class Archive:
    """A filled database, and what its documents cost: stage → (CPU, wall) of each, in seconds."""

    size: int
    store: Store
    now: datetime
    costs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def read(self, feed: int, new: int) -> None:
        """Reads a document with so many new posts, as poll.py does after parsing."""
        self.now += timedelta(seconds=30)
        [state] = feeds.states(self.store, [blog(feed)])
        stored = _posts_of(self.store, state.feed_id)
        document = [post(feed, number) for number in range(stored + new - 1, stored + new - 1 - A_DOCUMENT, -1)]
        named = name(ParsedFeed("rss20", f"The blog{feed}", f"https://blog{feed}.example/", posts=_placed(document)))
        stages = Stages(self.costs, new)
        known = stages.take("known", lambda: posts.known(self.store, state.feed_id, keys_to_look_up(named)))
        made, change = stages.take("plan", lambda: self._planned(named, known))
        assert len(change.new) == new, (len(change.new), new, change.changed)
        fetched = Fetched(state.source.url, 200, b"", hops=(Hop(state.source.url, 200),))
        done = ReadDocument(state.source.url, fetched, f"{feed}-{stored}", named.feed, made.without_posts, b"")
        recorder = Recorder(self.store, _LIMITS, lambda: self.now)
        row = stages.take("save", lambda: recorder.read(state, done, change))
        assert (row.new, _posts_of(self.store, state.feed_id)) == (new, stored + new)
        stages.sum_up()

    def _planned(self, named: Any, known: dict[str, KnownPost]) -> tuple[Plan, FeedChange]:
        made = plan(named, known)
        found = posts.remembered(self.store, made.to_compare)
        done = [finish(replace(one, before=found)) for one in slices(made)]
        return made, merge([one for one in done if isinstance(one, FeedChange)])


class Stages:
    """Times the stages of one document."""

    def __init__(self, costs: dict[str, list[tuple[float, float]]], new: int) -> None:
        self._costs, self._new, self._total = costs, new, (0.0, 0.0)

    def take(self, stage: str, do: Callable[[], Any]) -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        result = do()
        cost = (time.process_time() - cpu, time.perf_counter() - wall)
        self._total = (self._total[0] + cost[0], self._total[1] + cost[1])
        self._costs.setdefault(f"{self._new} new: {stage}", []).append(cost)
        return result

    def sum_up(self) -> None:
        self._costs.setdefault(f"{self._new} new: all", []).append(self._total)


def _placed(document: Sequence[ParsedPost]) -> tuple[ParsedPost, ...]:
    return tuple(replace(one, position=place) for place, one in enumerate(document))


def measure(archives: Sequence[Archive], rounds: int, blogs: int, seed: int) -> None:
    """Reads the same documents in each archive by turns, whose order changes each time."""
    made = random.Random(seed)
    for _ in range(rounds):
        feed = made.randrange(blogs)
        for new in (1, A_DOCUMENT):
            for archive in made.sample(list(archives), len(archives)):
                archive.read(feed, new)


def report(archives: Sequence[Archive]) -> dict[str, Any]:
    """Medians in milliseconds by stage, and the ratio of the largest archive to the smallest."""
    stages = {}
    for stage in archives[0].costs:
        row: dict[str, Any] = {}
        for place, clock in enumerate(("cpu", "wall")):
            times = [[cost[place] for cost in archive.costs[stage]] for archive in archives]
            row[f"{clock}_ms"] = [round(1000 * statistics.median(one), 3) for one in times]
            row[f"{clock}_ratio"] = round(statistics.median(times[-1]) / statistics.median(times[0]), 2)
            row[f"{clock}_mean_ratio"] = round(statistics.fmean(times[-1]) / statistics.fmean(times[0]), 2)
        stages[stage] = row
    return stages


def opened(stack: ExitStack, folder: Path, size: int, pragmas: Sequence[str]) -> Archive:
    store = stack.enter_context(open_store(folder / f"archive-{size}.db"))
    for pragma in pragmas:
        store.conn.execute(f"PRAGMA {pragma}").fetchall()
    row = store.row("SELECT max(first_seen) AS latest FROM posts")
    assert row is not None
    return Archive(size, store, datetime.fromisoformat(row["latest"]) + timedelta(hours=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the databases are kept from run to run")
    parser.add_argument("--posts", type=int, nargs="+", default=[10_000, 1_000_000], metavar="N")
    parser.add_argument("--feeds", type=int, default=400, metavar="N", help="that a folder's databases are of")
    parser.add_argument("--rounds", type=int, default=50, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pragma", action="append", default=[], help="such as cache_size=-64000; may be repeated")
    parser.add_argument("--fill-only", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for size in options.posts:
        fill(options.folder / f"archive-{size}.db", size, options.feeds)
    if options.fill_only:
        return
    with ExitStack() as stack:
        archives = [opened(stack, options.folder, size, options.pragma) for size in options.posts]
        measure(archives, min(5, options.rounds), options.feeds, -options.seed)  # to warm up
        for archive in archives:
            archive.costs.clear()
        measure(archives, options.rounds, options.feeds, options.seed)
        marks = [_count(archive.store, "story_marks") for archive in archives]
    about = {"posts": options.posts, "marks": marks, "pragmas": options.pragma}
    json.dump({**about, "stages": report(archives)}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
