"""Whether templates can make what an edition asks for: a specimen is rendered before anybody waits for the mail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from tidings.errors import RenderError
from tidings.model import (
    AlsoIn,
    Edition,
    Enclosure,
    IssueContent,
    IssueItem,
    MoreItem,
    NoteKind,
    Picture,
    UpdateItem,
)
from tidings.render.environment import Templates
from tidings.render.forms import Chrome
from tidings.render.issue_feed import IssueFeed, feed_of_issues
from tidings.render.mail import MailFooter, render_issue
from tidings.render.notes import NoteContent, render_note
from tidings.render.offers import SignupForm
from tidings.render.pages import IssueLinks, PlanetPage, render_issue_page, render_planet
from tidings.render.preference_pages import (
    LinkForm,
    render_erase,
    render_erased,
    render_link_asked,
    render_link_form,
    render_move,
    render_move_over,
    render_moved,
    render_stay,
    render_stayed,
)
from tidings.render.preferences import Self, Sheet, render_preferences
from tidings.render.proving_pages import makers
from tidings.render.signup_pages import (
    render_asked,
    render_confirm,
    render_confirmed,
    render_over,
    render_refuse,
    render_refused,
    render_subscribe,
    render_used,
)

_SITE = "https://planet.example"
_WHEN = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
_ITEM = IssueItem(
    story=1,
    post_id=1,
    url="https://blog.example/1",
    title="A headline",
    source="A blog",
    source_url="https://blog.example/",
    author="An author",
    published=_WHEN,
    language="en",
    direction="ltr",
    html="<p>A paragraph.</p>",
    text="A paragraph.",
    whole=False,
    enclosures=(Enclosure("https://blog.example/1.mp3", "audio/mpeg", 1_000_000),),
    also_in=(AlsoIn("Another blog", "https://other.example/1"),),
    picture=Picture("https://blog.example/1.png", 800, 600, "A picture"),
    minutes=3,
)
_MORE = MoreItem(2, 2, "https://blog.example/2", "Another headline", "", "A blog", "en", "ltr")
_UPDATE = UpdateItem(3, "https://blog.example/3", "A third headline", "", "A blog", "en", "ltr", _WHEN, words_added=40)


def prove(edition: Edition, templates: Templates) -> Iterator[str]:
    """What is wrong with the templates, the words or the subject of an edition, each once, in any of the languages that
    its readers are written to in."""
    languages = dict.fromkeys([edition.language, *(one.language for one in edition.subscribers if one.language)])
    seen = set[str]()
    for language in languages:
        try:
            _render(replace(_specimen(edition), language=language), templates)
        except RenderError as error:
            if str(error) not in seen:
                yield str(error)
            seen.add(str(error))


def prove_planet(language: str, templates: Templates) -> Iterator[str]:
    """The same of the planet's pages, and of the style sheet of feeds."""
    yield from _wrong(makers(language, templates))


def prove_signups(editions: Sequence[Edition], language: str, templates: Templates) -> Iterator[str]:
    """The same of the pages and mails of subscribing to some editions."""
    if not editions:
        return
    chrome = Chrome("A planet", _SITE, language, templates)
    note = NoteContent("confirm", editions, "192.0.2.0/24", _WHEN, "A planet", _SITE, "An address", _SITE, _SITE)
    of_signups: tuple[Callable[[], str], ...] = (
        lambda: render_planet(PlanetPage("A planet", f"{_SITE}/", language, "UTC", (), offered=editions), templates),
        lambda: render_subscribe(SignupForm(editions, address="a", complaint="address"), chrome),
        lambda: render_subscribe(SignupForm(editions, complaint="editions"), chrome),
        lambda: render_asked(chrome),
        lambda: render_confirm(editions, "1", chrome),
        lambda: render_confirmed(True, chrome),
        lambda: render_used(chrome),
        lambda: render_over(chrome),
        lambda: render_refuse("1", chrome),
        lambda: render_refused(chrome),
        lambda: render_note(note, language, templates).html,
        lambda: render_note(replace(note, kind="already"), language, templates).html,
    )
    yield from _wrong(of_signups)


def prove_preferences(language: str, templates: Templates) -> Iterator[str]:
    """The same of the pages and mails by which readers choose, move, and are erased."""
    chrome, address = Chrome("A planet", _SITE, language, templates), "reader@example.org"
    note = NoteContent(
        "manage", (), "192.0.2.0/24", _WHEN, "A planet", _SITE, "An address", _SITE, _SITE, new_address=address
    )
    sheet = Sheet("An edition", "1/edition", {"time": "8"}, ("tag",), ("A blog",), is_running=True, wrong=("time",))
    me = Self(address, "1/reader", notice="wrong")
    kinds: tuple[NoteKind, ...] = ("manage", "move", "taken", "moving", "moved")
    of_preferences: list[Callable[[], object]] = [
        lambda: render_link_form(LinkForm(complaint="address"), chrome),
        lambda: render_link_asked(chrome),
        lambda: render_preferences([sheet], me, ["UTC"], chrome),
        lambda: render_erase(address, "1", chrome),
        lambda: render_erased(chrome),
        lambda: render_move(address, "1", chrome),
        lambda: render_moved(chrome),
        lambda: render_stay(address, "1", chrome),
        lambda: render_stayed(chrome),
        lambda: render_move_over(chrome),
        *(partial(render_note, replace(note, kind=kind), language, templates) for kind in kinds),
    ]
    yield from _wrong(of_preferences)


def _wrong(pages: Iterable[Callable[[], object]]) -> Iterator[str]:
    """What is wrong with what some pages are made by, each once."""
    seen = set[str]()
    for make in pages:
        try:
            make()
        except RenderError as error:
            if str(error) not in seen:
                yield str(error)
            seen.add(str(error))


def _specimen(edition: Edition) -> IssueContent:
    return IssueContent(
        edition=edition.name,
        edition_title=edition.title,
        number=1,
        subject="",
        frozen_at=_WHEN,
        timezone=edition.timezone,
        language=edition.language,
        site_title="A planet",
        site_url=_SITE,
        items=(_ITEM,) * 6,
        updates=(_UPDATE,),
        more=(_MORE,),
        waiting=2,
        lead=True,
        look=edition.look,
        subject_template=edition.subject,
    )


def _render(specimen: IssueContent, templates: Templates) -> None:
    render_issue(specimen, MailFooter("An address", "editor@planet.example", f"{_SITE}/{specimen.path}"), templates)
    render_issue_page(specimen, IssueLinks(), templates)
    feed = IssueFeed(
        "urn:x-specimen:1", specimen.edition, specimen.edition_title, "A planet", _SITE, specimen.language,
        (specimen,), _WHEN,
    )  # fmt: skip
    feed_of_issues(feed, templates)
