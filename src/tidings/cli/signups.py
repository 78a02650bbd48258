"""What readers ask for on pages as the operator hears of it: the daemon's tick, and what is said of a flood."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tidings.config import Config
    from tidings.letters import PostOffice
    from tidings.model import FloodKind


class Signups:
    """Sends the small mails that pages ask for, and tells once of a flood of what is asked for."""

    def __init__(self, loaded: Config, office: PostOffice, stop: threading.Event) -> None:
        self._loaded = loaded
        self._office = office
        self._stop = stop
        self._told: Mapping[FloodKind, datetime] = {}

    def tick(self) -> None:
        from tidings import notes
        from tidings.cli import issuing, wiring
        from tidings.dispatching import Pace
        from tidings.store import asked, moves, open_store, signups

        pace = Pace(wiring.utc_now, self._stop.is_set, self._stop.wait)
        with open_store(self._loaded.site.database) as store:
            for table in (signups, moves, asked):
                table.tidy(store, wiring.utc_now())
            self._tell_of_floods(signups.floods(store), wiring.utc_now() - signups.FLOOD_LASTS)
            counts = notes.send_due(store, issuing.note_sender(self._loaded), self._office, pace)
        if counts:
            said = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
            click.echo(f"small mails: {said}", err=True)

    def _tell_of_floods(self, floods: Mapping[FloodKind, datetime], since: datetime) -> None:
        for kind, at in floods.items():
            if at > since and at != self._told.get(kind):
                click.echo(flood(kind, at), err=True)
        self._told = floods


_ASKED_FOR: Mapping[FloodKind, str] = {
    "sign-up": "sign-ups",
    "link": "links to the preferences",
    "move": "moves of address",
}


def flood(kind: FloodKind, at: datetime) -> str:
    """That more of a kind was asked for than is mailed."""
    advice = ", but `signup = false` stops that of sign-ups" if kind == "sign-up" else ""
    return (
        f"{_ASKED_FOR[kind]}: at {at:%Y-%m-%d %H:%M} UTC more were asked for than are mailed (a hundred at once and an "
        "hour, and five hundred repeats for addresses that had theirs), and the rest was told to come later. Where no "
        f"crowd was to be expected, somebody plays with a form: nothing has to be done{advice}"
    )
