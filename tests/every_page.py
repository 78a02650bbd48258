"""One of each kind of page that a reader can come to, in each language: a table of names and documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

from tests.builders import edition
from tests.render_samples import FIXTURES, FOOTER, POSTS
from tidings.model import Choices
from tidings.readers.choices import fields_of
from tidings.render.forms import Chrome, render_back, render_error, render_fewer, render_leave, render_left
from tidings.render.mail import render_issue
from tidings.render.offers import SignupForm
from tidings.render.pages import (
    BlogrollEntry,
    FeedLink,
    IssueLinks,
    PastIssue,
    PlanetPage,
    render_issue_page,
    render_planet,
)
from tidings.render.preference_pages import (
    LinkForm,
    render_erase,
    render_erased,
    render_link_asked,
    render_link_form,
    render_link_over,
    render_move,
    render_move_over,
    render_moved,
    render_stay,
    render_stayed,
)
from tidings.render.preferences import Self, Sheet, render_preferences
from tidings.render.signup_pages import (
    render_asked,
    render_confirm,
    render_confirmed,
    render_over,
    render_refuse,
    render_refuse_over,
    render_refused,
    render_subscribe,
    render_used,
)

LANGUAGES = ("en", "ar")
_EDITIONS = (
    replace(edition(), name="daily", title="The <Daily>", signup=True),
    replace(edition(), name="weekly", title="قراءات الجمعة", signup=True),
)
_CHOSEN = Choices(
    timezone="Asia/Tokyo", tags_off=("code",), text_only=True, paused_until=datetime(2026, 4, 1, tzinfo=UTC)
)
_ISSUES = ("usual", "rtl", "groups", "all-images", "full-text", "nothing", "hostile", "headlines-only")


@cache
def pages(language: str) -> dict[str, str]:
    """All pages, as documents, by what they are."""
    return _of_the_site(language) | _of_readers(Chrome("Planet Harbour", "https://planet.example", language))


@cache
def mails(language: str) -> dict[str, str]:
    """The HTML of a digest in both looks."""
    return {
        f"mail {look}": render_issue(replace(FIXTURES["usual"], look=look, language=language), FOOTER).html
        for look in ("letter", "headlines")
    }


def _of_the_site(language: str) -> dict[str, str]:
    planet = PlanetPage(
        title="Planet Harbour",
        url="https://planet.example/",
        language=language,
        timezone="Europe/Berlin",
        posts=POSTS,
        sources=(
            BlogrollEntry("Slow Queries", "https://slow.example/", "https://slow.example/feed", POSTS[0].published),
            BlogrollEntry("A quiet one", "", "https://quiet.example/feed"),
        ),
        issues=(PastIssue("Friday Reading", 12, date(2026, 11, 20), "issues/friday-12.html"),),
        feeds=(FeedLink("", "atom.xml"), FeedLink("", "feed.json", "application/feed+json")),
    )
    links = IssueLinks(older="friday-11.html", newer="friday-13.html", feeds=(FeedLink("", "../atom.xml"),))
    return {
        "planet": render_planet(planet),
        "planet without posts": render_planet(replace(planet, posts=(), sources=(), issues=(), feeds=())),
        "planet with a form": render_planet(replace(planet, offered=_EDITIONS)),
        "planet with a form of one": render_planet(replace(planet, offered=_EDITIONS[:1])),
        **{f"issue {name}": render_issue_page(replace(FIXTURES[name], language=language), links) for name in _ISSUES},
    }


def _of_readers(chrome: Chrome) -> dict[str, str]:
    form = SignupForm(_EDITIONS, stamp="x", language=chrome.language)
    sheet = Sheet(
        "The <Daily>",
        "x/daily",
        fields_of(_CHOSEN, datetime(2026, 3, 1, tzinfo=UTC)),
        ("art", "code"),
        ("Slow Queries", "<b>&co"),
        True,
    )
    over = replace(sheet, title="The Weekly", url="x/weekly", is_running=False)
    me = Self("ann@readers.example", "x/reader")
    zones = ("Asia/Tokyo", "Europe/Berlin", "UTC")
    return {
        "subscribe": render_subscribe(form, chrome),
        "subscribe to one": render_subscribe(replace(form, editions=_EDITIONS[:1]), chrome),
        **{
            f"subscribe, {complaint}": render_subscribe(replace(form, address="x@", complaint=complaint), chrome)
            for complaint in ("address", "editions", "again")
        },
        "asked": render_asked(chrome),
        "confirm": render_confirm(_EDITIONS, "x", chrome),
        "confirmed": render_confirmed(True, chrome),
        "confirmed without an issue": render_confirmed(False, chrome),
        "used": render_used(chrome),
        "over": render_over(chrome),
        "refuse-over": render_refuse_over(chrome),
        "link over": render_link_over("../preferences", chrome),
        "refuse": render_refuse("x", chrome),
        "refused": render_refused(chrome),
        "leave": render_leave("The <Daily>", "x", chrome),
        "left": render_left("The <Daily>", "x/return", "../preferences", chrome, "x/fewer", ("weekly", "monthly")),
        "left long ago": render_left("The <Daily>", "", "../preferences", chrome, subscribe_url="../subscribe"),
        "fewer": render_fewer("The <Daily>", "weekly", "x", chrome),
        "back": render_back("The <Daily>", "x", "../preferences", chrome),
        "preferences": render_preferences(
            [sheet, over, replace(over, title="Old", may_return=True)], me, zones, chrome
        ),
        "preferences saved": render_preferences(
            [replace(sheet, saved=True)], replace(me, notice="asked"), zones, chrome
        ),
        "preferences wrong": render_preferences(
            [replace(sheet, wrong=("time", "pause"))], replace(me, typed="x@", notice="wrong"), zones, chrome
        ),
        "link": render_link_form(LinkForm(), chrome),
        "link, address": render_link_form(LinkForm(complaint="address"), chrome),
        "link asked": render_link_asked(chrome),
        "erase": render_erase("ann@readers.example", "x", chrome),
        "erased": render_erased(chrome),
        "move": render_move("ann@readers.example", "x", chrome),
        "moved": render_moved(chrome),
        "stay": render_stay("ann@readers.example", "x", chrome),
        "stayed": render_stayed(chrome),
        "move over": render_move_over(chrome),
        **{f"error {code}": render_error(code, chrome) for code in (400, 404, 410, 429, 500)},
        "error without a name": render_error(404, replace(chrome, site_title="", site_url="")),
    }
