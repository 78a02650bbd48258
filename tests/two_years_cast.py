"""The blogs of the two years, each with what it does to those who follow it."""

from __future__ import annotations

import random
from dataclasses import replace

from tests import two_years_tempers as do
from tests.two_years_blogs import DAY, HOUR, Blog, Item, prose

_OTHER_DAYS = [(60.0 * turn, 60.0 * turn + 30) for turn in range(1, 13)]


def _weekly(_item: Item, _: random.Random) -> str:
    return "Open thread"


def _invitation(_item: Item, _: random.Random) -> str:
    """The same to the letter each week."""
    return "<p>What are you reading, building or thinking about this week? Anything goes, be kind to each other.</p>"


def _menu_title(_item: Item, _: random.Random) -> str:
    return "Menu of the day"


def _menu(_item: Item, chance: random.Random) -> str:
    """The same words around three dishes of twenty."""
    soups, dishes, sweets = (["-".join((kind, str(n))) for n in range(6)] for kind in ("soup", "dish", "sweet"))
    return (
        f"<p>Today we cook for you: first {chance.choice(soups)}, then {chance.choice(dishes)} with potatoes or rice, "
        f"and {chance.choice(sweets)} to end with. Served from noon until two, guests are welcome as always.</p>"
    )


def _note(item: Item, chance: random.Random) -> str:
    """A short note; every fifth is the greeting of every morning."""
    return "<p>Good morning!</p>" if item.number % 5 == 0 else prose(chance, chance.randint(6, 30))


def _one_page(item: Item, _: object) -> Item:
    return replace(item, link="https://menu.example/today", guid=f"menu-{item.out:%Y-%m-%d-%H}")


def _link_post(item: Item, _: random.Random) -> str:
    return (
        f"<p>{'Worth reading, all of it' if item.number % 2 else 'A tool I did not know and shall use'}: "
        f'<a href="https://elsewhere-{item.number}.example/a/{item.number}">{item.title}</a></p>'
    )


def _links_out(item: Item, _: object) -> Item:
    return replace(item, link=f"https://elsewhere-{item.number}.example/a/{item.number}")


PLAIN = Blog("plain")
NEWS = Blog("news", gap=3 * DAY, atom=True, shown=15, every="2d")
RENEWED = Blog("renewed", tempers=(do.renewed(200),))
OFTEN = Blog("often", tempers=(do.renewed(*range(50, 730, 60)),))
RESTLESS = Blog("restless", gap=40 * DAY, shown=20, tempers=(do.random_guid,))
UNDATED_RESTLESS = Blog("undated-restless", tempers=(do.random_guid, do.without_date), atom=True)
SECURE = Blog("secure", tempers=(do.between([(0, 250), (300, 320)], do.on_http),))
MOVED = Blog("moved", hosts=((300, "new-home.example"),), tempers=(do.since(300, do.at_host("new-home.example")),))
REWIRED = Blog(
    "rewired",
    hosts=((310, "other-home.example"),),
    tempers=(do.permalink, do.since(310, do.at_host("other-home.example"))),
    follows_redirects=False,
)
PROXIED = Blog("proxied", tempers=(do.between(_OTHER_DAYS, do.through_proxy),))
PROXIED_BARE = Blog("proxied-bare", tempers=(do.without_guid, do.between(_OTHER_DAYS, do.through_proxy)))
CAMPAIGN = Blog("campaign", tempers=(do.between(_OTHER_DAYS, do.with_campaign), do.permalink))
EDITED = Blog("edited", tempers=(do.edited,), atom=True, every="3d")
EDITED_LINKS = Blog("edited-links", tempers=(do.edited, do.permalink))
COUNTING = Blog("counting", tempers=(do.counting,), validators=False)
COUNTING_RENEWED = Blog("counting-renewed", tempers=(do.counting, do.renewed(150, 450)), atom=True, validators=False)
MISDATED = Blog("misdated", tempers=(do.misdated,))
TROUBLED = Blog("troubled", frame=do.troubled(), every="2d")
TROUBLED_ATOM = Blog("troubled-atom", frame=do.troubled(35), atom=True, tempers=(do.permalink,), every="2d")
SHUFFLED = Blog("shuffled", pick=do.shuffled, tempers=(do.renewed(222),))
ROLLING = Blog("rolling", gap=40 * HOUR, shown=4, every="3d", words=(20, 60))
UNDATED = Blog("undated", tempers=(do.without_date, do.renewed(180, 520)))
BARE = Blog("bare", tempers=(do.without_date, do.without_guid))
NOTES = Blog("notes", gap=3 * DAY, shown=20, tempers=(do.without_title, do.renewed(240)), texts=_note)
NOTES_MOVED = Blog(
    "notes-moved",
    gap=4 * DAY,
    shown=20,
    words=(15, 45),
    tempers=(do.without_title, do.since(260, do.new_paths, do.new_markup, do.redated(260)), do.renewed(260)),
)
PODCAST = Blog("podcast", gap=7 * DAY, shown=30, tempers=(do.with_file, do.without_link, do.renewed(333)))
PODCAST_CDN = Blog("podcast-cdn", gap=7 * DAY, shown=30, tempers=(do.with_file, do.since(350, do.at_other_cdn)))
THREADS = Blog("threads", gap=7 * DAY, titles=_weekly, texts=_invitation, tempers=(do.renewed(400),))
MENU = Blog(
    "menu", gap=2.8 * DAY, shown=5, titles=_menu_title, texts=_menu, tempers=(_one_page, do.renewed(430)), every="4d"
)
NUMBERS = tuple(Blog(f"numbers-{name}", tempers=(do.numbered,)) for name in "ab")
MIGRATED = Blog(
    "migrated",
    atom=True,
    tempers=(do.since(365, do.new_paths, do.new_markup, do.redated(365)), do.renewed(365)),
)
MIGRATED_SHORT = Blog(
    "migrated-short",
    words=(20, 60),
    tempers=(do.since(370, do.new_paths, do.new_markup), do.renewed(370)),
)
REDATED = Blog("redated", words=(25, 60), tempers=(do.since(290, do.redated(290, 20 * DAY)), do.renewed(290)))
REDATED_AWAY = Blog(
    "redated-away",
    words=(25, 60),
    tempers=(do.since(300, do.redated(300, 20 * DAY)), do.renewed(300)),
    frame=do.away(260, 300),
)
ARCHIVE = Blog(
    "archive",
    shown=50,
    tempers=(do.renewed(460),),
    pick=do.widened(10, [(400, 430), (450, 470)]),
)
ARCHIVE_MOVED = Blog(
    "archive-moved",
    shown=50,
    tempers=(do.since(500, do.new_paths, do.new_markup, do.redated(500)), do.renewed(500)),
    pick=do.widened(12, [(500, 540)]),
)
SLOW = Blog("slow", gap=25 * DAY, shown=20, tempers=(do.without_date, do.renewed(380, 600)))
PLANET = Blog("planet", sources=(RENEWED, MIGRATED, PLAIN), copy=do.on_planet, shown=30, atom=True, every="4d")
SECOND = Blog("second", sources=(PLAIN,), copy=do.syndicated, shown=10)
COMMENTED = Blog("commented", sources=(NEWS,), copy=do.linked, shown=10)
LINKS = Blog("links", texts=_link_post, tempers=(_links_out,))

CAST: tuple[Blog, ...] = (
    *(PLAIN, NEWS, RENEWED, OFTEN, RESTLESS, UNDATED_RESTLESS, SECURE, MOVED, REWIRED, PROXIED, PROXIED_BARE),
    *(CAMPAIGN, EDITED, EDITED_LINKS, COUNTING, COUNTING_RENEWED, MISDATED, TROUBLED, TROUBLED_ATOM, SHUFFLED),
    *(ROLLING, UNDATED, BARE, NOTES, NOTES_MOVED, PODCAST, PODCAST_CDN, THREADS, MENU, *NUMBERS, MIGRATED),
    *(MIGRATED_SHORT, REDATED, REDATED_AWAY, ARCHIVE, ARCHIVE_MOVED, SLOW, PLANET, SECOND, LINKS, COMMENTED),
)
