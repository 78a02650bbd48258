"""The blogs of the two years: what they truly write, and the documents they make of it.

Every piece a blog writes has a true name, which the documents carry as its author: what the program decides by does not
look at it, so texts may be equal to the letter, and what an issue shows can be held against the truth.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from html import escape

START = datetime(2027, 1, 4, 5, 0, tzinfo=UTC)  # a Monday
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
BEFORE = 8
"""How many pieces a blog had written when it was first read."""


@dataclass(frozen=True)
class Item:
    """One entry of a document. `out` is when the blog truly published it; `number` counts its pieces from 0."""

    truth: str
    number: int
    out: datetime
    guid: str
    link: str
    title: str
    html: str
    published: datetime | None
    updated: datetime | None = None
    file: str = ""
    origin: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Moment:
    """When a document is asked for: the time, its day in the two years, and chance, another one at every fetch."""

    now: datetime
    chance: random.Random

    @property
    def day(self) -> float:
        return (self.now - START) / DAY


Temper = Callable[[Item, Moment], Item]
Pick = Callable[[Sequence[Item], Moment], Sequence[Item]]
Frame = Callable[[bytes, Moment], bytes | int]
"""What becomes of a document on its way: other bytes, or a status with which there is none."""


@dataclass(frozen=True)
class Blog:
    """A blog that writes a piece every `gap`, and shows its last `shown`.

    `writes` makes the piece of a number; `tempers` are the ways in which its program shows it, in turn; `pick` may
    leave out or turn around; `frame` may spoil the whole. `address` is where the document is, by day: an operator who
    does not follow has the first one in the file, and is redirected. With `sources` it has no pieces of its own but
    theirs, as `copy` shows them.
    """

    name: str
    gap: timedelta = 10 * DAY
    shown: int = 10
    words: tuple[int, int] = (40, 120)
    tempers: tuple[Temper, ...] = ()
    pick: Pick = field(default=lambda items, _: items)
    frame: Frame = field(default=lambda body, _: body)
    atom: bool = False
    every: str = "7d"
    validators: bool = True
    hosts: tuple[tuple[float, str], ...] = ()
    follows_redirects: bool = True
    sources: tuple[Blog, ...] = ()
    copy: Temper = field(default=lambda item, _: item)
    titles: Callable[[Item, random.Random], str] | None = None
    texts: Callable[[Item, random.Random], str] | None = None

    @property
    def home(self) -> str:
        return f"{self.name}.example"

    def host(self, day: float) -> str:
        """Where its document is on a day."""
        return next((host for since, host in reversed(self.hosts) if day >= since), self.home)

    def items(self, seed: int, moment: Moment) -> list[Item]:
        """The document's entries, newest first."""
        if self.sources:
            found = [self.copy(item, moment) for source in self.sources for item in source.items(seed, moment)]
            there = [item for item in found if item.out <= moment.now]
            items = sorted(there, key=lambda item: item.out, reverse=True)[: self.shown]
        else:
            last = int((moment.now - START) / self.gap) + BEFORE
            pieces = (write(self, seed, number) for number in range(last, -1, -1))
            items = [piece for piece in pieces if piece.out <= moment.now][: self.shown]
        for temper in self.tempers:
            items = [temper(item, moment) for item in items]
        return list(self.pick(items, moment))

    def document(self, items: Iterable[Item], moment: Moment) -> bytes:
        site = f"https://{self.host(moment.day)}/"
        return atom(self.name, site, items) if self.atom else rss(self.name, site, items)


@cache
def vocabulary() -> list[str]:
    """Words of no language, the frequent ones short."""
    made = random.Random(1)
    vowels, consonants = "aeiou", "bdfgklmnprstvz"
    syllables = [consonant + vowel for consonant in consonants for vowel in vowels]
    return ["".join(made.choices(syllables, k=1 + place // 250)) + made.choice(["", "n", "s"]) for place in range(900)]


def prose(chance: random.Random, count: int) -> str:
    """So many words, in sentences and paragraphs."""
    words = vocabulary()
    paragraphs, sentence, made = [[]], list[str](), 0  # type: ignore[var-annotated]
    while made < count:
        length = min(chance.randint(6, 14), count - made)
        sentence = [words[min(int(chance.expovariate(1 / 250)), len(words) - 1)] for _ in range(length)]
        paragraphs[-1].append(" ".join(sentence).capitalize() + ".")
        made += length
        if len(paragraphs[-1]) >= 4:
            paragraphs.append([])
    return "".join(f"<p>{' '.join(sentences)}</p>" for sentences in paragraphs if sentences)


@cache
def write(blog: Blog, seed: int, number: int) -> Item:
    """The piece of a number, as the blog's own program shows it at first."""
    chance = random.Random(f"{seed} {blog.name} {number}")
    out = START + (number - BEFORE) * blog.gap + chance.random() * 0.8 * blog.gap
    out = out.replace(second=chance.randrange(60), microsecond=0)
    words = prose(chance, chance.randint(*blog.words))
    slug = "-".join(random.Random(f"{seed} {blog.name} {number} slug").choices(vocabulary()[250:], k=3))
    title = " ".join(chance.choices(vocabulary()[200:], k=chance.randint(3, 6))).capitalize()
    item = Item(
        truth=f"{blog.name} {number}",
        number=number,
        out=out,
        guid=f"https://{blog.home}/?p={100 + number}",
        link=f"https://{blog.home}/{out:%Y/%m}/{slug}",
        title=title,
        html=words,
        published=out,
    )
    if blog.titles:
        item = replace(item, title=blog.titles(item, chance))
    if blog.texts:
        item = replace(item, html=blog.texts(item, chance))
    return item


def rss(title: str, site: str, items: Iterable[Item]) -> bytes:
    """An RSS 2.0 document."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>{title}</title><link>{site}</link><description/>{''.join(map(_rss_item, items))}"
        "</channel></rss>"
    ).encode()


def _rss_item(item: Item) -> str:
    return "".join(
        [
            "<item>",
            f"<title>{escape(item.title)}</title>" if item.title else "",
            f"<link>{escape(item.link)}</link>" if item.link else "",
            f'<guid isPermaLink="false">{escape(item.guid)}</guid>' if item.guid else "",
            f"<pubDate>{format_datetime(item.published)}</pubDate>" if item.published else "",
            f"<description>{escape(item.html)}</description>",
            f"<dc:creator>{item.truth}</dc:creator>",
            f'<enclosure url="{item.file}" type="audio/mpeg" length="123"/>' if item.file else "",
            f'<source url="{item.origin[1]}">{item.origin[0]}</source>' if item.origin[1] else "",
            "</item>",
        ]
    )


def atom(title: str, site: str, items: Iterable[Item]) -> bytes:
    """An Atom document."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>{title}</title>'
        f'<id>{site}feed</id><link href="{site}"/><updated>2027-01-01T00:00:00Z</updated>'
        f"{''.join(map(_atom_entry, items))}</feed>"
    ).encode()


def _atom_entry(item: Item) -> str:
    changed = item.updated or item.published
    return "".join(
        [
            "<entry>",
            f"<title>{escape(item.title)}</title>",
            f'<link href="{escape(item.link)}"/>' if item.link else "",
            f"<id>{escape(item.guid)}</id>",
            f"<published>{item.published.isoformat()}</published>" if item.published else "",
            f"<updated>{changed.isoformat()}</updated>" if changed else "",
            f"<author><name>{item.truth}</name></author>",
            f'<content type="html">{escape(item.html)}</content>',
            f"<source><id>{item.origin[1]}</id><title>{item.origin[0]}</title>"
            f'<link rel="self" href="{item.origin[1]}"/></source>'
            if item.origin[1]
            else "",
            "</entry>",
        ]
    )
