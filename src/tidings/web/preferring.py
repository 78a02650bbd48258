"""The page on which readers choose, for as long as its link is good. GET and HEAD change nothing. There is no cookie:
who shuts the page is out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal
from zoneinfo import available_timezones

from flask import Flask, Response, abort
from werkzeug.exceptions import BadRequest

from tidings import preferences, signing, subscribe
from tidings.model import Edition, StoredSubscriber, Subscription
from tidings.readers.choices import Offer, Wrong, read_form
from tidings.render.preferences import Sheet, languages, render_preferences
from tidings.signing import Grant, Purpose, Refusal
from tidings.store import Store, keys, subscribers
from tidings.web.hardening import chrome, client, form, page
from tidings.web.site import OpenStore, Site

_AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

Outcome = Wrong | Literal["saved"]


def serve_preferences(app: Flask, site: Site, open_store: OpenStore) -> None:
    """Adds the pages of `/preferences/TOKEN` to `app`."""
    desk = _Desk(site)

    @app.get("/preferences/<token>")
    def show(token: str) -> Response:
        with open_store() as store:
            return desk.shown(store, desk.reader(store, token), token)

    @app.get("/preferences/<token>/<_name>")
    def show_again(token: str, _name: str) -> Response:
        with open_store() as store:
            return desk.shown(store, desk.reader(store, token), f"../{token}")

    @app.post("/preferences/<token>/<name>")
    def change(token: str, name: str) -> Response:
        fields = form()
        with open_store() as store:
            reader = desk.reader(store, token)
            outcome = desk.changed(store, reader, name, fields)
            return desk.shown(store, desk.reader(store, token), f"../{token}", {name: outcome})


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all of them need."""

    site: Site

    def reader(self, store: Store, token: str) -> StoredSubscriber:
        """Whom a link is for; a 410 for one whose time is over, a 404 for what is none of ours."""
        found = signing.read(token, Purpose.MANAGE, keys.listed(store), self.site.clock())
        if found is Refusal.EXPIRED:
            abort(410)
        reader = subscribers.by_public_id(store, found.subject) if isinstance(found, Grant) else None
        return reader or abort(404)

    def changed(self, store: Store, reader: StoredSubscriber, name: str, fields: Mapping[str, str]) -> Outcome:
        """Does what the form of an edition says."""
        subscription = next((one for one in reader.subscriptions if one.edition == name), None)
        edition = self.site.edition(name)
        if subscription is None or edition is None:
            abort(404)
        grant, now = Grant(reader.public_id, name), self.site.clock()
        match fields.get("do"), not subscription.ended_by:
            case "leave", _:
                subscribe.leave(store, grant, "page", client(), now)
            case "return", _:
                subscribe.come_back(store, grant, client(), now)
            case "save", True:
                chosen = read_form(fields, self.offer(edition), now)
                if isinstance(chosen, Wrong):
                    return chosen
                preferences.choose(store, reader, edition, chosen, subscribe.evidence("page", client()), now)
            case _:
                raise BadRequest
        return "saved"

    def offer(self, edition: Edition) -> Offer:
        covered = [source for source in self.site.sources if edition.covers(source)]
        return Offer(
            tags=sorted({tag for source in covered for tag in source.tags}),
            sources=sorted(source.name for source in covered),
            languages=languages(self.site.templates),
            zones=_zones(edition.timezone),
            timezone=edition.timezone,
        )

    def shown(
        self, store: Store, reader: StoredSubscriber, base: str, outcomes: Mapping[str, Outcome] | None = None
    ) -> Response:
        """The page; `base` is where its link leads, as seen from the page."""
        sheets = []
        for one in reader.subscriptions:
            if edition := self.site.edition(one.edition):
                sheets.append(self._sheet(store, reader, one, edition, base, (outcomes or {}).get(one.edition)))
        status = 400 if any(isinstance(one, Wrong) for one in (outcomes or {}).values()) else 200
        zones = sorted({zone for edition in self.site.editions for zone in _zones(edition.timezone)})
        return page(render_preferences(sheets, zones, chrome(self.site, reader.language)), status)

    def _sheet(
        self,
        store: Store,
        reader: StoredSubscriber,
        one: Subscription,
        edition: Edition,
        base: str,
        outcome: Outcome | None,
    ) -> Sheet:
        offer, grant = self.offer(edition), Grant(reader.public_id, edition.name)
        return Sheet(
            title=edition.title,
            url=f"{base}/{edition.name}",
            chosen=preferences.chosen_of(store, reader, edition),
            tags=tuple(offer.tags),
            sources=tuple(offer.sources),
            is_running=not one.ended_by,
            may_return=subscribe.look_up(store, grant, self.site.clock()).may_return,
            wrong=outcome.fields if isinstance(outcome, Wrong) else (),
            saved=outcome == "saved",
        )


@cache
def _zones(usual: str) -> Sequence[str]:
    """The time zones that people live in, and the usual one."""
    return sorted({zone for zone in available_timezones() if zone.startswith(_AREAS)} | {"UTC", usual})
