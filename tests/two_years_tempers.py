"""The tempers of the two years' blogs: what programs do to guids, links, dates and texts of what was written."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import md5

from tests.two_years_blogs import DAY, HOUR, MINUTE, Frame, Item, Moment, Pick, Temper, prose, vocabulary


def since(day: float, *tempers: Temper) -> Temper:
    """These tempers from a day on."""

    def later(item: Item, moment: Moment) -> Item:
        for temper in tempers if moment.day >= day else ():
            item = temper(item, moment)
        return item

    return later


def between(days: Sequence[tuple[float, float]], temper: Temper) -> Temper:
    """A temper that comes and goes."""
    return lambda item, moment: temper(item, moment) if any(a <= moment.day < b for a, b in days) else item


def renewed(*days: float) -> Temper:
    """All guids are others from each of these days on, and say nothing."""

    def temper(item: Item, moment: Moment) -> Item:
        generation = sum(moment.day >= day for day in days)
        return replace(item, guid=f"urn:{_digest(item.truth, generation)}") if generation else item

    return temper


def random_guid(item: Item, moment: Moment) -> Item:
    """Another guid at every fetch."""
    return replace(item, guid=f"urn:{moment.chance.getrandbits(64):x}")


def numbered(item: Item, _: Moment) -> Item:
    """Guids from 1 on, as many programs count."""
    return replace(item, guid=str(item.number + 1))


def permalink(item: Item, _: Moment) -> Item:
    """The guid is the link."""
    return replace(item, guid=item.link)


def without_guid(item: Item, _: Moment) -> Item:
    return replace(item, guid="")


def without_date(item: Item, _: Moment) -> Item:
    return replace(item, published=None, updated=None)


def without_title(item: Item, _: Moment) -> Item:
    return replace(item, title="")


def without_link(item: Item, _: Moment) -> Item:
    return replace(item, link="")


def on_http(item: Item, _: Moment) -> Item:
    return replace(item, guid=item.guid.replace("https:", "http:"), link=item.link.replace("https:", "http:"))


def at_host(host: str) -> Temper:
    """Guids and links at another host."""

    def temper(item: Item, _: Moment) -> Item:
        old = f"{item.truth.split()[0]}.example"
        return replace(item, guid=item.guid.replace(old, host), link=item.link.replace(old, host))

    return temper


def through_proxy(item: Item, _: Moment) -> Item:
    """Links go through a feed proxy that names no page."""
    return replace(item, link=f"https://feedproxy.example/~r/blog/~3/{_digest(item.truth)}/")


def with_campaign(item: Item, _: Moment) -> Item:
    return replace(item, link=f"{item.link}?utm_source=rss&utm_medium=feed&utm_campaign=all")


def new_paths(item: Item, _: Moment) -> Item:
    """Pages stand elsewhere, under names that keep nothing."""
    host = item.link.split("/")[2]
    return replace(item, link=f"https://{host}/posts/{_digest(item.truth)[:9]}")


def new_markup(item: Item, _: Moment) -> Item:
    """Another program writes the same words otherwise."""
    html = item.html.replace("<p>", '<div class="para"><span>').replace("</p>", "</span></div>\n")
    return replace(item, html=f'<div class="entry-content">{html}</div>')


def redated(day: float, spread: timedelta = 40 * MINUTE) -> Temper:
    """What was written before a day has the date of an import."""

    def temper(item: Item, moment: Moment) -> Item:
        then = moment.now - (moment.day - day) * DAY
        if item.out >= then or item.published is None:
            return item
        at = then - random.Random(item.truth).random() * spread
        return replace(item, published=at.replace(microsecond=0))

    return temper


def edited(item: Item, moment: Moment) -> Item:
    """Its author comes back to every piece, days later: a slip mended, a part written anew, another title, another
    name for its page, a postscript; each piece is dealt with in one of these ways."""
    age, kind = moment.now - item.out, item.number % 6
    if age < 5 * DAY:
        return item
    chance = random.Random(f"{item.truth} edit")
    paragraphs = item.html.split("</p>")
    if kind == 0:
        return replace(item, html=item.html.replace("a ", "e ", 2), updated=item.out + 5 * DAY)
    if kind == 1:
        return replace(item, html="</p>".join([prose(chance, 30).removesuffix("</p>"), *paragraphs[1:]]))
    if kind == 2:
        return replace(item, title=" ".join(chance.choices(vocabulary()[200:], k=4)).capitalize())
    if kind == 3:
        slug = "-".join(chance.choices(vocabulary()[250:], k=3))
        return replace(item, link=f"{item.link.rpartition('/')[0]}/{slug}")
    if kind == 4:
        return replace(item, html=f"{item.html}<p>Update:</p>{prose(chance, 60)}")
    return item


def counting(item: Item, moment: Moment) -> Item:
    """Views, ages and advertisements, others at every fetch."""
    ago = f"{max(1, (moment.now - item.out) // HOUR)} hours ago"
    advertisement = " ".join(random.Random(moment.chance.random()).choices(vocabulary(), k=7))
    return replace(
        item,
        html=f"<p>{moment.chance.randrange(9999)} views, posted {ago}</p>{item.html}"
        f'<p class="ad">Sponsored: {advertisement}</p><img src="https://ads.example/{moment.chance.random()}.gif">',
        updated=moment.now,
    )


def misdated(item: Item, _: Moment) -> Item:
    """Every fourth piece lay among the drafts for months, and every fourth is dated ahead."""
    kind = item.number % 4
    shift = {1: -100 * DAY, 3: 30 * DAY}.get(kind, timedelta())
    return replace(item, published=item.out + shift)


def with_file(item: Item, _: Moment) -> Item:
    return replace(item, file=f"https://cdn.example/{_digest(item.truth)}/episode-{item.number}.mp3")


def at_other_cdn(item: Item, moment: Moment) -> Item:
    name = item.file.rpartition("/")[2]
    return replace(item, file=f"https://media{moment.chance.randrange(3)}.example/show/{name}?token={moment.now:%j}")


# -------------------------------------------------------------------------------------------------------------- copies


def on_planet(item: Item, _: Moment) -> Item:
    """The blog's entry as a planet has it: its id and link, and where it is from."""
    home = f"{item.truth.split()[0]}.example"
    return replace(item, origin=(item.truth.split()[0], f"https://{home}/feed"))


def syndicated(item: Item, _: Moment) -> Item:
    """The piece once more in a second blog a day later, with its own ids and a line on where it is from."""
    number = int(item.truth.split()[1])
    link = f"https://second.example/{_digest(item.truth)[:8]}"
    note = f'<p>This post first appeared on <a href="{item.link}">our other blog</a>.</p>'
    return replace(
        item,
        out=item.out + DAY,
        guid=f"second-{number}",
        link=link,
        html=item.html + note,
        published=item.out + DAY if item.published else None,
    )


def linked(item: Item, _: Moment) -> Item:
    """A short post of two days later about another blog's piece: to readers the same story."""
    out = item.out + 2 * DAY
    blog, number = item.truth.split()
    return replace(
        item,
        out=out,
        guid=f"on-{blog}-{number}",
        link=f"https://commented.example/on/{number}",
        title=f"Read: {item.title}",
        html=f'<p>Somebody says it better than I could: <a href="{item.link}">{item.title}</a></p>',
        published=out,
    )


# ----------------------------------------------------------------------------------------------------------- documents


def shuffled(items: Sequence[Item], moment: Moment) -> Sequence[Item]:
    """In another order at every fetch."""
    return moment.chance.sample(items, len(items))


def widened(shown: int, days: Sequence[tuple[float, float]]) -> Pick:
    """The last `shown` only, but for days on which all there is is shown."""
    return lambda items, moment: items if any(a <= moment.day < b for a, b in days) else items[:shown]


def away(begin: float, end: float) -> Frame:
    """Out of reach for a while."""
    return lambda body, moment: 503 if begin <= moment.day < end else body


def troubled(days: float = 40, lasting: float = 5) -> Frame:
    """Every so many days the document is empty, cut short, no feed, or an error, for a few days."""

    def frame(body: bytes, moment: Moment) -> bytes | int:
        turn, within = divmod(moment.day, days)
        if within >= lasting or turn == 0:
            return body
        head, mark, _ = body.partition(b"<item>" if b"<item>" in body else b"<entry>")
        return (
            head + (b"</channel></rss>" if mark == b"<item>" else b"</feed>"),
            body[: int(len(body) * (0.3 + 0.6 * moment.chance.random()))],
            b"<!doctype html><html><head><title>Maintenance</title></head><body><p>Soon back.</p></body></html>",
            503,
            b"",
        )[int(turn) % 5]

    return frame


def _digest(*parts: object) -> str:
    return md5(" ".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
