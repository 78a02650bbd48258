"""The pages on which readers help themselves, and those that say what went wrong. Addresses in them are relative, so
they work under any path and any name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tidings.render.environment import SHIPPED, Press, Templates, open_press


@dataclass(frozen=True, slots=True)
class Chrome:
    """What is around a page: the site's name and address ("" for none), and the language of its words."""

    site_title: str
    site_url: str
    language: str
    templates: Templates = SHIPPED


def render_leave(edition: str, leave_url: str, chrome: Chrome) -> str:
    """The page that asks whether to end the subscription to the edition of that title. Raises RenderError, as all."""
    return rendered("leave", {"edition": edition, "leave_url": leave_url}, chrome)


def render_left(
    edition: str,
    return_url: str,
    preferences_url: str,
    chrome: Chrome,
    fewer_url: str = "",
    fewer: Sequence[str] = (),
    subscribe_url: str = "",
) -> str:
    """The page that says it is ended; `return_url` is where a POST takes that back, "" for nowhere, and `fewer_url`
    where one brings it back as seldom as one of the cadences `fewer` says. `preferences_url` is where all else is.
    With `subscribe_url` it comes again once that is confirmed anew."""
    values = {
        "edition": edition,
        "return_url": return_url,
        "preferences_url": preferences_url,
        "fewer_url": fewer_url,
        "fewer": fewer,
        "subscribe_url": subscribe_url,
    }
    return rendered("left", values, chrome)


def render_fewer(edition: str, cadence: str, leave_url: str, chrome: Chrome) -> str:
    """The page that says it goes on, but once in a `cadence`."""
    return rendered("fewer", {"edition": edition, "cadence": cadence, "leave_url": leave_url}, chrome)


def render_back(edition: str, leave_url: str, preferences_url: str, chrome: Chrome) -> str:
    """The page that says it goes on again."""
    values = {"edition": edition, "leave_url": leave_url, "preferences_url": preferences_url}
    return rendered("back", values, chrome)


def render_error(code: int, chrome: Chrome, *, is_busy: bool = False, is_long: bool = False) -> str:
    """The page of an HTTP status. With `is_busy` it is neither what was asked for nor a fault, and over in a moment;
    with `is_long` what was asked for too often can be had tomorrow."""
    press = _press(chrome)
    title, advice = _busy_words(press) if is_busy else _words(code, press)
    if code == 429 and is_long:
        advice = press.wording.gettext("Please try again tomorrow.")
    return rendered("error", {"code": code, "title": title, "advice": advice}, chrome)


def rendered(name: str, values: Mapping[str, object], chrome: Chrome) -> str:
    """The page of that name. Raises RenderError."""
    around = {"site_title": chrome.site_title, "site_url": chrome.site_url}
    return _press(chrome).render(f"web/{name}.html", {**around, **values})


def _press(chrome: Chrome) -> Press:
    return open_press(chrome.templates, chrome.language)


def _busy_words(press: Press) -> tuple[str, str]:
    gettext = press.wording.gettext
    return gettext("Not just now"), gettext("There is much to do here. Please try again in a moment.")


def _words(code: int, press: Press) -> tuple[str, str]:
    """What happened, and what to do about it."""
    gettext = press.wording.gettext
    match code:
        case 404 | 410:
            return gettext("There is no such page"), gettext(
                "If the address is from a mail, it may have been cut off: copy all of it, to the end of its line."
            )
        case 405:
            return gettext("That can't be done here"), gettext("Go back, and use the buttons of the page.")
        case 413:
            return gettext("That is too much"), gettext("What you sent is larger than any form here. Send less.")
        case 429:
            return gettext("Too often"), gettext("Please wait a while, and try again.")
        case 503:
            return gettext("That is too much"), gettext("It would take too long. Ask for less, or try again later.")
        case _ if code >= 500:
            return gettext("Something is broken here"), gettext("It is not your fault. Please try again later.")
        case _:
            return gettext("That was not understood"), gettext("Go back, and use the buttons of the page.")
