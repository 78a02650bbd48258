"""The page on which readers choose, for as long as its link is good. GET and HEAD change nothing. There is no cookie:
who shuts the page is out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from zoneinfo import available_timezones

from flask import Flask, Response, abort, request
from werkzeug.exceptions import BadRequest

from tidings import managing, moving, preferences, subscribe
from tidings.addresses import key
from tidings.model import Edition, Source, StoredSubscriber, Subscription
from tidings.readers.choices import SOURCE_OFF, TAG_OFF, Offer, Wrong, fields_of, read_form
from tidings.render.preference_pages import render_erase, render_erased, render_link_over
from tidings.render.preferences import Self, Sheet, languages, render_preferences
from tidings.signing import Grant, Refusal
from tidings.store import Store, erasing, explaining, exporting
from tidings.web.hardening import attachment, chrome, client, form, new_address, new_name, page, too_often
from tidings.web.site import OpenStore, Site

_AREAS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

Outcome = Wrong | Literal["saved"]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of the form of an edition that has the name `edition`, and the fields that it came with."""

    edition: str
    outcome: Outcome
    typed: Mapping[str, str]


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
        fields = form(desk.boxes(name))
        with open_store() as store:
            desk.reader(store, token)  # without a good link nobody waits for a turn to write
            with store.write():
                outcome = desk.changed(store, desk.reader(store, token), name, fields)
            return desk.shown(store, desk.reader(store, token), f"../{token}", _Answer(name, outcome, fields))

    _serve_reader(app, desk, open_store)


def _serve_reader(app: Flask, desk: _Desk, open_store: OpenStore) -> None:
    """What readers do about themselves; no edition's form is two names away."""

    @app.get("/preferences/<token>/reader/<_what>")
    def show_all(token: str, _what: str) -> Response:
        with open_store() as store:
            return desk.shown(store, desk.reader(store, token), f"../../{token}")

    @app.post("/preferences/<token>/reader/export")
    def export_all(token: str) -> Response:
        if form().get("do") != "export":
            raise BadRequest
        with open_store() as store, explaining.snapshot(store):
            kept = exporting.of_reader(store, desk.reader(store, token))
        return attachment(json.dumps(kept, ensure_ascii=False, indent=2), "tidings.json")

    @app.post("/preferences/<token>/reader/erase")
    def erase_all(token: str) -> Response:
        do = form().get("do")
        with open_store() as store:
            reader = desk.reader(store, token)
            around = chrome(desk.site, reader.language)
            if do == "ask":
                return page(render_erase(reader.address, token, around))
            if do != "erase":
                raise BadRequest
            desk.erase(store, token)
        return page(render_erased(around), has_form=False)

    @app.post("/preferences/<token>/reader/move")
    def change_address(token: str) -> Response:
        fields = form()
        if fields.get("do") != "move":
            raise BadRequest
        with open_store() as store:
            reader = desk.reader(store, token)
            me = desk.moved(store, token, fields.get("address", "").strip(), f"../../{token}")
            return desk.shown(store, reader, f"../../{token}", me=me)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all of them need. Who the reader is, is read within the transaction that changes something: it may have been
    erased, or have another address, just before."""

    site: Site

    def reader(self, store: Store, token: str) -> StoredSubscriber:
        """Whom a link is for; a 410 for one that was good once, a 404 for what is none of ours."""
        found = managing.read(store, token, self.site.clock())
        if found is Refusal.EXPIRED:
            # As seen from the page: a part of an address more is one step up more.
            anew = "../" * (request.path.count("/") - 1) + "preferences"
            abort(page(render_link_over(anew, chrome(self.site)), 410, has_form=False))
        if isinstance(found, Refusal):
            abort(404)
        return found

    def erase(self, store: Store, token: str) -> None:
        """Erases whom a link is for. The link is worth nothing once its reader has another address, so what was found
        for the one before the transaction is right within it."""
        held = erasing.look_through(store, self.reader(store, token).address)
        with store.write():
            address = self.reader(store, token).address
            erasing.erase(store, address, self.site.clock(), reason="erased", held=held)

    def boxes(self, name: str) -> list[str]:
        """The names of the boxes that the form of an edition has."""
        edition = self.site.edition(name)
        if edition is None:
            return []
        offer = self.offer(edition)
        return [f"{TAG_OFF}{tag}" for tag in offer.tags] + [f"{SOURCE_OFF}{source}" for source in offer.sources]

    def moved(self, store: Store, token: str, typed: str, base: str) -> Self:
        """Asks for another address, and says what the page is to tell: of the new one no more than its spelling."""
        reader, address = self.reader(store, token), new_address(typed)
        me = Self(reader.address, f"{base}/reader", typed)
        if not address:
            return replace(me, notice="wrong")
        if key(address) == key(reader.address):
            return replace(me, notice="same")
        name = new_name()
        with store.write():
            answer = moving.ask(store, self.reader(store, token), address, client(), name, self.site.clock())
        if not answer.may_go:
            raise too_often(answer.wait)
        return replace(me, typed="", notice="asked")

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
                before = subscribe.look_up(store, grant, now)
                if before.is_running or before.may_return:
                    managing.mail_again(store, reader, name)
                subscribe.come_back(store, grant, client(), now)
            case "save", True:
                chosen = read_form(fields, self.offer(edition), now)
                if isinstance(chosen, Wrong):
                    return chosen
                preferences.choose(store, reader, edition, chosen, subscribe.evidence("page", client()), now)
                managing.mail_again(store, reader, name)
            case _:
                raise BadRequest
        return "saved"

    def covered(self, edition: Edition) -> list[Source]:
        """The sources that an edition takes posts of."""
        return [source for source in self.site.sources if edition.covers(source)]

    def offer(self, edition: Edition) -> Offer:
        covered = self.covered(edition)
        return Offer(
            tags=sorted({tag for source in covered for tag in source.tags}),
            sources=sorted(source.name for source in covered),
            languages=languages(self.site.templates),
            zones=_zones(edition.timezone),
            timezone=edition.timezone,
        )

    def shown(
        self,
        store: Store,
        reader: StoredSubscriber,
        base: str,
        answer: _Answer | None = None,
        me: Self | None = None,
    ) -> Response:
        """The page; `base` is where its link leads, as seen from the page."""
        me = me or Self(reader.address, f"{base}/reader")
        sheets = []
        for one in reader.subscriptions:
            if edition := self.site.edition(one.edition):
                its_own = answer if answer and answer.edition == one.edition else None
                sheets.append(self._sheet(store, reader, one, edition, base, its_own))
        is_wrong = (answer and isinstance(answer.outcome, Wrong)) or me.notice in ("wrong", "same")
        zones = sorted({zone for edition in self.site.editions for zone in _zones(edition.timezone)})
        return page(render_preferences(sheets, me, zones, chrome(self.site, reader.language)), 400 if is_wrong else 200)

    def _sheet(
        self,
        store: Store,
        reader: StoredSubscriber,
        one: Subscription,
        edition: Edition,
        base: str,
        answer: _Answer | None,
    ) -> Sheet:
        offer, grant, now = self.offer(edition), Grant(reader.public_id, edition.name), self.site.clock()
        covered = self.covered(edition)
        chosen = preferences.chosen_of(store, reader, edition)
        own = replace(edition, sources_off=chosen.sources_off, tags_off=chosen.tags_off)
        wrong = answer.outcome if answer and isinstance(answer.outcome, Wrong) else None
        return Sheet(
            title=edition.title,
            url=f"{base}/{edition.name}",
            fields=answer.typed if answer and wrong else fields_of(chosen, now),
            tags=tuple(offer.tags),
            sources=tuple(offer.sources),
            is_running=not one.ended_by,
            may_return=subscribe.look_up(store, grant, now).may_return,
            wrong=wrong.fields if wrong else (),
            saved=answer is not None and answer.outcome == "saved",
            is_empty=bool(covered) and all(own.leaves_out(source) for source in covered),
        )


@cache
def _zones(usual: str) -> Sequence[str]:
    """The time zones that people live in, and the usual one."""
    return sorted({zone for zone in available_timezones() if zone.startswith(_AREAS)} | {"UTC", usual})
