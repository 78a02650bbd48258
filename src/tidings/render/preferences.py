"""The page of what a reader chose: a form for each edition, and what can be done about the reader as such."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tidings.render.environment import Templates, open_press
from tidings.render.forms import Chrome
from tidings.render.wording import Wording, locale_of


@dataclass(frozen=True, slots=True)
class Sheet:
    """An edition on the page: its title, where its form is sent to, what stands in the form by the names of its fields
    (readers/choices.py), and what there is to choose from. `wrong` names the fields that were not understood, `saved`
    says that something was changed just now, `is_empty` that all there is to choose from is left out. One that
    `is_running` no more has only a way back, if it `may_return`."""

    title: str
    url: str
    fields: Mapping[str, str]
    tags: Sequence[str]
    sources: Sequence[str]
    is_running: bool
    may_return: bool = False
    wrong: Collection[str] = ()
    saved: bool = False
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class Self:
    """The reader on the page: the address, and what the addresses of the forms begin with. `notice` is what became of a
    new address that was `typed`."""

    address: str
    url: str
    typed: str = ""
    notice: Literal["", "asked", "wrong", "same"] = ""


def render_preferences(sheets: Sequence[Sheet], me: Self, zones: Sequence[str], chrome: Chrome) -> str:
    """The page. Raises RenderError."""
    press = open_press(chrome.templates, chrome.language)
    return press.render(
        "web/preferences.html",
        {
            "site_title": chrome.site_title,
            "site_url": chrome.site_url,
            "sheets": sheets,
            "me": me,
            "zones": zones,
            "weekdays": _weekdays(press.wording),
            "languages": [(tag, _own_name(tag)) for tag in languages(chrome.templates)],
        },
    )


def languages(templates: Templates) -> list[str]:
    """The languages that there are catalogues for."""
    return sorted({file.stem for folder in templates.folders for file in Path(folder, "locale").glob("*.po")})


def _weekdays(wording: Wording) -> list[str]:
    days = wording.locale.days["stand-alone"]["wide"]
    return [str(days[number]) for number in range(7)]


def _own_name(tag: str) -> str:
    """A language as its speakers call it."""
    return str(locale_of(tag).get_display_name() or tag)
