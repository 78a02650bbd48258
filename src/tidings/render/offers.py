"""The form of subscribing, which pages of two kinds have: what it offers, and what somebody agrees to who sends it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from tidings.model import Edition
from tidings.render.environment import Templates, open_press
from tidings.render.frequency import how_often
from tidings.render.wording import Wording

Complaint = Literal["", "address", "editions", "again"]
"""What is to be put right in a form: its address is none, no edition is chosen, or it only has to be sent once more."""


@dataclass(frozen=True, slots=True)
class Offer:
    """An edition as a form offers it: its name, and in the words of a language how many mails it comes to."""

    name: str
    title: str
    often: str


@dataclass(frozen=True, slots=True)
class SignupForm:
    """What a form holds: which editions it offers, of which some are `chosen`; the `address` as it was typed; when it
    was shown (`stamp`, signed; "" for nothing); and what is wrong with it."""

    editions: Sequence[Edition]
    chosen: Collection[str] = ()
    address: str = ""
    stamp: str = ""
    language: str = ""
    complaint: Complaint = ""


def offers(editions: Sequence[Edition], wording: Wording) -> list[Offer]:
    """Editions as forms offer them."""
    return [Offer(one.name, one.title, how_often(one.schedule, wording)) for one in editions]


def wording_of(editions: Sequence[Edition], language: str, templates: Templates) -> str:
    """What somebody agrees to who sends the form for some editions, as the form says it: kept with the consent."""
    wording = open_press(templates, language).wording
    names = "; ".join(f"{one.title} ({one.often})" for one in offers(editions, wording))
    return f"{names}. {agreement(wording)}"


def form_values(editions: Sequence[Edition], wording: Wording, form: SignupForm | None = None) -> dict[str, object]:
    """What the template of the form may name, to offer `editions`."""
    return {
        "form": form or SignupForm(editions),
        "action": "subscribe",
        "offers": offers(editions, wording),
        "agreement": agreement(wording),
    }


def agreement(wording: Wording) -> str:
    """The sentence above the button of each form."""
    return wording.gettext(
        "I want to get this by mail. My address is kept for that alone, and each mail has a link to end it."
    )
