"""A year of readers who choose: cadences, hours, time zones, sources and tags on and off, pauses, leaving and coming
back, being erased, at random; on a simulated clock and a real database. Every issue is held against a model of its own,
which knows nothing of tables: what each reader may get at a slot, each story once.

As a program, `python -m tests.readers_year [SEED …]` lives through a year with 200 readers, and prints the score.
"""

from __future__ import annotations

import calendar
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.builders import edition
from tests.stocking import blog, post, receive
from tests.transports import RecordingTransport
from tidings import digest, preferences
from tidings.config.schedules import schedule
from tidings.editions.compose import Masthead
from tidings.model import Choices, Evidence, IssueContent, Source, base_name, is_personal, personal_name
from tidings.store import (
    Store,
    deliveries,
    emptying,
    erasing,
    feeds,
    issue_states,
    issues,
    open_store,
    outgoing,
    subscribers,
)
from tidings.store.deliveries import Settlement

START = datetime(2027, 1, 4, tzinfo=UTC)  # a Monday
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
MEMORY = Path("/dev/shm")
TAGS = ("art", "code", "food", "music")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney")
BACKFILL = 2
MASTHEAD = Masthead("Planet", "https://planet.example")
_DEAD = ("rejected", "suppressed", "expired")


@dataclass
class Score:
    """What came of it; `faults` say which reader got what in place of what."""

    posts: int = 0
    issues: int = 0
    personal: int = 0
    stories: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0
    megabytes: float = 0

    def __str__(self) -> str:
        done = ", ".join(f"{count} {what}" for what, count in sorted(self.changes.items()))
        return (
            f"{self.posts} posts, {self.issues} issues for all, {self.personal} for one, {self.stories} stories "
            f"mailed, {len(self.faults)} faults "
            f"({done}; {self.megabytes:.0f} MB, {self.seconds:.0f} s)"
        )


@dataclass(frozen=True)
class Piece:
    """A post as the model knows it: who has it, and of which story."""

    number: int
    source: str
    story: int


@dataclass
class Memory:
    """What an edition, or a reader's own, has dealt with: stories it carried, and pieces it passed. `waiting` are those
    that were not dealt with when it was last asked, `seen` how many there were then."""

    carried: set[int] = field(default_factory=set)
    passed: set[int] = field(default_factory=set)
    waiting: list[Piece] = field(default_factory=list)
    seen: int = 0

    def open(self, pieces: Sequence[Piece]) -> list[Piece]:
        known = [*self.waiting, *pieces[self.seen :]]
        self.seen = len(pieces)
        self.waiting = [one for one in known if one.story not in self.carried and one.number not in self.passed]
        return self.waiting


@dataclass
class Reader:
    """A reader as the model knows one. `had` has the stories of the base edition's issues, by issue."""

    address: str
    id: int = 0
    own_name: str = ""
    is_there: bool = False
    has_joined: bool = False
    chosen: Choices | None = None
    own: Memory = field(default_factory=Memory)
    done: set[str | None] = field(default_factory=set)
    back_since: datetime = START
    got: Counter[int] = field(default_factory=Counter)


class World:
    """The blogs, the readers, the database and the model beside it."""

    def __init__(self, store: Store, seed: int, readers: int, sources: int, most: int) -> None:
        self.store = store
        self.chance = random.Random(seed)
        self.most = most
        self.edition = edition(
            name="daily", schedule=schedule("daily 08:00"), timezone="UTC", backfill=BACKFILL, max_posts=most
        )
        self.sources = [blog(f"s{n}", tags=(TAGS[n % 4], *TAGS[n % 3 : n % 3 + n % 2])) for n in range(sources)]
        self.readers = [Reader(f"reader{n}@readers.example") for n in range(readers)]
        self.by_address = {one.address: one for one in self.readers}
        self.score = Score()
        self.pieces: list[Piece] = []
        self.base = Memory()
        self.numbers: dict[str, int] = {}
        self.now = START
        self.office = RecordingTransport().office()

    # ------------------------------------------------------------------------------------------------- the world turns

    def live(self, days: int) -> None:
        """Every hour on the hour: readers choose, blogs publish, issues are made and go out; once a day old ones are
        emptied."""
        self._configure(self.sources[: -len(self.sources) // 6 or None])
        for hour in range(days * 24):
            self.now = START + hour * HOUR
            if hour % 24 == 3:
                emptying.empty_old(self.store, self.now)
            if hour == days * 8:
                self._configure(self.sources)
            if hour == days * 14 + 3:
                self.edition = replace(self.edition, schedule=schedule("daily 18:00"))
                self._configure(self.sources)
            self._let_readers_choose(self.now - 7 * MINUTE)
            self._publish(self.now - 5 * MINUTE)
            if self.chance.random() < 0.1:
                self._let_readers_choose(self.now + 4 * SECOND)  # when issues are due, and not made yet
            self.now += 10 * SECOND
            self._make_issues()
            with self.store.write():
                self._carry()
            if self.chance.random() < 0.25:
                self._let_readers_choose(self.now + 9 * MINUTE)
                self.score.faults += [f"{self.now} {one.edition}: out of time" for one in self._frozen(10 * MINUTE)]

    def _configure(self, sources: Sequence[Source]) -> None:
        self.followed = list(sources)
        feeds.sync(self.store, sources, [self.edition], self.now - 20 * MINUTE)
        for one in sources:
            if one.name not in self.numbers:
                self.numbers[one.name] = 0
                batch = [self._post(one) for _ in range(4)]
                receive(self.store, one, *(new for new, _ in batch), now=self.now - 19 * MINUTE)
                self.pieces += [piece for _, piece in batch[-BACKFILL:]]

    def _publish(self, now: datetime) -> None:
        for one in self.followed:
            if self.chance.random() < 0.012:
                new = [self._post(one) for _ in range(self.chance.choice((1, 1, 1, 2)))]
                receive(self.store, one, *(its_post for its_post, _ in new), now=now)
                self.pieces += [piece for _, piece in new]
                if self.chance.random() < 0.15:
                    self._copy(new[0][1], now)

    def _copy(self, piece: Piece, now: datetime) -> None:
        """Another blog has the same story, at once or later."""
        other = self.chance.choice([one for one in self.followed if one.name != piece.source])
        new, copied = self._post(other, piece.story)
        receive(self.store, other, new, now=now + self.chance.choice((0, 1)) * MINUTE)
        self.pieces.append(copied)

    def _post(self, source: Source, story: int | None = None) -> tuple[Any, Piece]:
        self.score.posts += 1
        number = self.score.posts
        story = number if story is None else story
        words = " ".join(f"word{number}x{n}" for n in range(5))
        new = post(
            number, story_url=f"https://stories.example/{story}", title=f"{number} {words}", text=words, content_html=""
        )
        return new, Piece(number, source.name, story)

    # --------------------------------------------------------------------------------------------------------- readers

    def _let_readers_choose(self, now: datetime) -> None:
        for reader in list(self.readers):
            draw = self.chance.random()
            if not reader.has_joined:
                if draw < 0.02 or now < START:
                    self._join(reader, now)
            elif not reader.is_there:
                if draw < 0.02:
                    self._return(reader, now)
            elif draw < 0.00005:
                self._erase(reader, now)
            elif draw < 0.0008:
                self._leave(reader, now)
            elif draw < 0.008:
                self._choose(reader, now)

    def _join(self, reader: Reader, now: datetime) -> None:
        subscribers.add(self.store, reader.address, "daily", "cli", Evidence(), now)
        found = subscribers.find(self.store, reader.address)
        assert found is not None
        reader.id, reader.is_there, reader.has_joined = found.id, True, True

    def _leave(self, reader: Reader, now: datetime) -> None:
        subscribers.leave(self.store, reader.id, "daily", "link", Evidence(), now)
        reader.is_there = False
        self.score.changes["left"] += 1

    def _return(self, reader: Reader, now: datetime) -> None:
        subscribers.come_back(self.store, reader.id, "daily", Evidence(), now)
        reader.is_there, reader.back_since = True, now
        self.score.changes["returned"] += 1

    def _erase(self, reader: Reader, now: datetime) -> None:
        """Takes a reader out of the world, and lets another come in its place."""
        erasing.erase(self.store, reader.address, now)
        self.readers.remove(reader)
        reader.is_there = False
        new = Reader(f"reader{len(self.by_address)}@readers.example")
        self.readers.append(new)
        self.by_address[new.address] = new
        self.score.changes["erased"] += 1

    def _choose(self, reader: Reader, now: datetime) -> None:
        """Changes one or two of the choices."""
        chosen = reader.chosen or Choices()
        for name in self.chance.sample(("cadence", "when", "zone", "sources", "tags", "look", "pause"), 2):
            chosen = replace(chosen, **self._drawn(name, now))
            self.score.changes[name] += 1
        found = subscribers.find(self.store, reader.address)
        assert found is not None
        if preferences.choose(self.store, found, self.edition, chosen, Evidence(), now):
            if reader.chosen is None:
                reader.own = self._copied(reader)
            if self._rhythm(chosen) != self._rhythm(reader.chosen) or self._is_paused(reader.chosen, now):
                reader.done.add(self._slot(chosen, now))  # what was due by now is so no more
            reader.chosen = chosen
            reader.own_name = personal_name("daily", found.public_id)

    def _drawn(self, name: str, now: datetime) -> dict[str, Any]:
        chance = self.chance
        match name:
            case "cadence":
                return {"cadence": chance.choice(("", "every post", "daily", "daily", "weekly", "weekly", "monthly"))}
            case "when":
                return {"weekday": chance.randrange(7), "day": chance.randint(1, 31), "hour": chance.randint(5, 22)}
            case "zone":
                return {"timezone": chance.choice(ZONES)}
            case "sources":
                names = [one.name for one in self.sources]
                return {"sources_off": tuple(sorted(chance.sample(names, chance.choice((0, 0, 1, 3, 6)))))}
            case "tags":
                return {"tags_off": tuple(sorted(chance.sample(TAGS, chance.choice((0, 0, 0, 1, 2)))))}
            case "look":
                content = chance.choice((None, "title", "excerpt", "full"))
                return {"content": content, "text_only": chance.random() < 0.3, "language": chance.choice(("", "de"))}
        return {"paused_until": chance.choice((None, now + chance.randint(1, 40) * DAY + 3 * MINUTE))}

    def _copied(self, reader: Reader) -> Memory:
        """The model's own word on what a reader has had of the base edition when it chooses first."""
        memory = Memory(set(), set(self.base.passed))
        rows = self.store.rows("SELECT issue_id, state FROM deliveries WHERE subscriber_id = ?", (reader.id,))
        alive = {row["issue_id"] for row in rows if row["state"] not in _DEAD}
        for issue in issue_states.newest(self.store, "daily", 10_000):
            if issue.id in alive:
                memory.carried |= {self._story(item.url) for item in issue.content.items}
        gone = self.base.carried - memory.carried
        memory.passed |= {one.number for one in self.pieces if one.story in gone}
        return memory

    # ---------------------------------------------------------------------------------------------------------- issues

    def _make_issues(self) -> None:
        made = digest.freeze_due(self.store, self.edition, self.followed, MASTHEAD, self.office, self.now)
        if self.now.hour == min(self.edition.schedule.hours):
            self._hold_against("the base edition", made, self.base.open(self.pieces), self.base)
        own = self._frozen()
        by_name = {content.edition: content for content in own}
        if len(by_name) < len(own):
            self.score.faults.append(f"{self.now}: two issues of one edition")
        for reader in self.readers:
            if reader.chosen is not None:
                self._judge(reader, by_name.pop(reader.own_name, None))
        self.score.faults += [f"{self.now}: an issue of {name} for nobody" for name in by_name]
        self.score.issues += made is not None
        self.score.personal += len(own)

    def _frozen(self, later: timedelta = timedelta()) -> list[IssueContent]:
        """The issues of readers' own that are made now."""
        at = self.now + later
        return digest.freeze_personal(self.store, self.edition, self.followed, MASTHEAD, self.office, at)

    def _judge(self, reader: Reader, made: IssueContent | None) -> None:
        """Holds a reader's own issue, or that there is none, against what the model says."""
        assert reader.chosen is not None
        key = self._slot(reader.chosen, self.now)
        if key is None or key in reader.done:
            if made is not None:
                self.score.faults.append(f"{self.now} {reader.address}: an issue out of time")
            return
        open_ = reader.own.open(self.pieces)
        # Who is away gets no issue with each post, so an hour of the same name in another zone is still to come.
        if reader.chosen.cadence != "every post" or (open_ and reader.is_there):
            reader.done.add(key)
        if not reader.is_there or reader.back_since > self.now.replace(second=0):
            reader.own.passed |= {one.number for one in open_}
            return
        off = {one.name for one in self.sources if self._is_off(one, reader.chosen)}
        self._hold_against(reader.address, made, [one for one in open_ if one.source not in off], reader.own)
        reader.own.passed |= {one.number for one in open_ if one.source in off}

    def _is_off(self, source: Source, chosen: Choices) -> bool:
        return source.name in chosen.sources_off or any(tag in chosen.tags_off for tag in source.tags)

    def _is_paused(self, chosen: Choices | None, now: datetime) -> bool:
        return chosen is not None and chosen.paused_until is not None and now <= chosen.paused_until

    def _rhythm(self, chosen: Choices | None) -> tuple[object, ...]:
        """When issues come; without a cadence as those of the base edition do."""
        if chosen is None or not chosen.cadence:
            return ("daily", min(self.edition.schedule.hours), "UTC")
        day = {"weekly": chosen.weekday, "monthly": chosen.day}.get(chosen.cadence)
        hour = None if chosen.cadence == "every post" else chosen.hour
        return tuple(one for one in (chosen.cadence, hour, chosen.timezone, day) if one is not None)

    def _slot(self, chosen: Choices, now: datetime) -> str | None:
        """The name of the slot that a reader has in the hour of `now`, by the reader's own clock."""
        if self._is_paused(chosen, now):
            return None
        local = now.astimezone(ZoneInfo(chosen.timezone if chosen.cadence else "UTC"))
        last = calendar.monthrange(local.year, local.month)[1]
        is_hour = local.hour == chosen.hour
        match chosen.cadence:
            case "":
                due = local.hour == min(self.edition.schedule.hours)
            case "every post":
                due = True
            case "daily":
                due = is_hour
            case "weekly":
                due = is_hour and local.weekday() == chosen.weekday
            case "monthly":
                due = is_hour and local.day == min(chosen.day, last)
        return f"{local:%Y-%m-%d %H}" if due else None

    def _hold_against(self, whose: str, made: IssueContent | None, may: Sequence[Piece], memory: Memory) -> None:
        wanted = {one.story for one in may}
        shown = [self._story(item.url) for item in made.items] if made else []
        if len(set(shown)) < len(shown) or not set(shown) <= wanted or len(shown) != min(len(wanted), self.most):
            self.score.faults.append(f"{self.now} {whose}: got {sorted(shown)}, may have {sorted(wanted)}")
        memory.carried |= set(shown)

    def _story(self, url: str) -> int:
        return int(url.rpartition("/")[2])

    # ------------------------------------------------------------------------------------------------------ deliveries

    def _carry(self) -> None:
        """Takes the mail out: some comes days later, and some never."""
        own = outgoing.whole(self.store, [one.id for one in outgoing.undelivered_own(self.store, "daily")])
        for issue in [*issues.undelivered(self.store, "daily"), *own]:
            for one in self._leased(issue.id):
                fate = self.chance.random()
                wanted = subscribers.may_be_mailed(self.store, base_name(issue.content.edition), [one.address])
                if not wanted:
                    self._settle(one.id, "suppressed")
                elif fate < 0.1 and one.attempts < 5:
                    self._settle(one.id, "deferred")
                elif fate < 0.12 and not is_personal(issue.content.edition):
                    self._settle(one.id, "rejected")
                else:
                    self._settle(one.id, "accepted")
                    self._count(one.address, issue.content)

    def _leased(self, issue_id: int) -> Iterator[Any]:
        while batch := deliveries.lease(self.store, [issue_id], 100, "resend", self.now):
            deliveries.start(self.store, [one.id for one in batch], self.now)
            yield from batch

    def _settle(self, delivery_id: int, state: Any) -> None:
        next_at = self.now + 5 * HOUR if state == "deferred" else None
        deliveries.settle(self.store, [Settlement(delivery_id, state, "", next_at)], self.now)

    def _count(self, address: str, content: IssueContent) -> None:
        reader = self.by_address[address]
        if reader not in self.readers:
            self.score.faults.append(f"{self.now} {address}: mail to one who was erased")
        for item in content.items:
            reader.got[self._story(item.url)] += 1
            self.score.stories += 1


def live(seed: int, folder: Path, *, days: int, readers: int, sources: int, most: int = 10_000) -> Score:
    """Lives through some days."""
    began = time.process_time()
    with open_store(folder / "tidings.db") as store:
        world = World(store, seed, readers, sources, most)
        world.live(days)
        for reader in world.by_address.values():
            twice = sorted(story for story, count in reader.got.items() if count > 1)
            world.score.faults += [f"{reader.address}: story {story} came twice" for story in twice]
    world.score.seconds = time.process_time() - began
    world.score.megabytes = (folder / "tidings.db").stat().st_size / 1e6
    return world.score


def main(seeds: Sequence[int]) -> None:
    for seed in seeds or [1]:
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            print(f"seed {seed}: ", end="", flush=True)
            score = live(seed, Path(folder), days=365, readers=200, sources=36, most=10_000 if seed % 2 else 6)
        print(score, *score.faults[:20], sep="\n  ", flush=True)


if __name__ == "__main__":
    main([int(argument) for argument in sys.argv[1:]])
