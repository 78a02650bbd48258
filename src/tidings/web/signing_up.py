"""Subscribing over HTTP: the form, as a page and for programs, and the two links of the mail that follows.

GET and HEAD change nothing. Other sites may have the form, since it needs no cookie and no script; their scripts get no
answer (no CORS): a form does all that is to be done, and what it answers tells nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from flask import Flask, Response, abort, request
from werkzeug.exceptions import BadRequest

from tidings import signup
from tidings.model import Edition
from tidings.render.forms import Chrome
from tidings.render.offers import SignupForm, wording_of
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
from tidings.render.wording import lookup
from tidings.signup import Step, Wish
from tidings.store import Store, keys
from tidings.web.hardening import chrome, client, data, form, new_address, new_name, page, too_often
from tidings.web.signup_json import JsonError, read_json
from tidings.web.site import OpenStore, Site


def serve_signups(app: Flask, site: Site, open_store: OpenStore) -> None:
    """Adds `/subscribe`, where something is offered, and the pages that mails lead to: one that went out before an
    edition was closed must still be refused."""
    if site.offered:
        _serve_form(app, _Desk(site, open_store, site.templates.languages))
    _serve_links(app, _Desk(site, open_store, site.templates.languages))


def _serve_form(app: Flask, desk: _Desk) -> None:
    with desk.open_store() as store:
        keys.usable(store, desk.site.clock())  # so that showing a form need not make one

    @app.get("/subscribe")
    def signup_form() -> Response:
        language = desk.language(request.args.get("lang", ""))
        chosen = [one for one in desk.names if one == request.args.get("edition")]
        with desk.open_store() as store:
            stamp = signup.stamp(store, desk.site.clock())
        return desk.form(SignupForm(desk.site.offered, chosen, stamp=stamp, language=language))

    @app.post("/subscribe")
    def ask_for_it() -> Response:
        if request.is_json:
            return desk.take_json()
        return desk.take_form(form())


def _serve_links(app: Flask, desk: _Desk) -> None:
    @app.get("/confirm/<token>")
    def look_at_signup(token: str) -> Response:
        with desk.open_store() as store:
            found = signup.look_up(store, token, desk.site.clock())
        if found.signup is None:
            return desk.told(found.step)
        return page(render_confirm(desk.editions(found.signup.editions), token, desk.around(found.signup.language)))

    @app.post("/confirm/<token>")
    def confirm_signup(token: str) -> Response:
        if form().get("do") != "confirm":
            raise BadRequest
        with desk.open_store() as store:
            found = signup.confirm(store, token, desk.names, desk.site.domain, client(), desk.site.clock())
        if found.signup is None:
            return desk.told(found.step)
        around = desk.around(found.signup.language)
        return page(render_confirmed(found.is_welcomed, around), has_form=False)

    @app.get("/refuse/<token>")
    def look_at_refusal(token: str) -> Response:
        with desk.open_store() as store:
            step = signup.look_up_refusal(store, token, desk.site.clock())
        return page(render_refuse(token, desk.around(""))) if step == "open" else desk.told_of_refusal(step)

    @app.post("/refuse/<token>")
    def refuse_signups(token: str) -> Response:
        if form().get("do") != "refuse":
            raise BadRequest
        with desk.open_store() as store:
            step = signup.refuse(store, token, desk.site.clock())
        return desk.told_of_refusal("done" if step == "open" else step)


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all of them need."""

    site: Site
    open_store: OpenStore
    languages: Collection[str]

    @property
    def names(self) -> list[str]:
        return [edition.name for edition in self.site.offered]

    def language(self, asked: str) -> str:
        """A language that there are words of; "" for none that was asked for."""
        return lookup(asked, self.languages)

    def around(self, language: str) -> Chrome:
        return chrome(self.site, language)

    def editions(self, names: Collection[str]) -> list[Edition]:
        return [edition for edition in self.site.editions if edition.name in names]

    def form(self, filled: SignupForm, status: int = 200) -> Response:
        return page(render_subscribe(filled, self.around(filled.language)), status)

    def take_form(self, fields: dict[str, str]) -> Response:
        """What comes of a form that was sent; of one that a program filled, nothing, and it is told the same."""
        filled = SignupForm(
            self.site.offered,
            self._chosen([name for name in self.names if fields.get(f"edition-{name}")]),
            fields.get("address", "").strip(),
            fields.get("stamp", ""),
            self.language(fields.get("lang", "")),
        )
        with self.open_store() as store:
            now = self.site.clock()
            how = signup.look_at(store, filled.stamp, fields.get("website", ""), now)
            if how == "too old":
                filled = replace(filled, stamp=signup.stamp(store, now))
            if how in ("too old", "too fast"):
                return self.form(replace(filled, complaint="again"))
            if not filled.chosen:
                return self.form(replace(filled, complaint="editions"), 400)
            address = new_address(filled.address)
            if not address:
                return self.form(replace(filled, complaint="address"), 400)
            if how == "person":
                wait = self._ask(store, self._wish(address, filled.chosen, filled.language, "form"))
                if wait:
                    raise too_often(wait)
        return page(render_asked(self.around(filled.language)), has_form=False)

    def take_json(self) -> Response:
        """The same for programs; what they are to send is in signup_json.py."""
        try:
            asked = read_json(request.get_data(), self.names, self.languages)
        except JsonError as error:
            return data({"error": str(error)}, 400)
        wish = self._wish(asked.address, asked.editions, asked.language, "json")
        with self.open_store() as store:
            wait = self._ask(store, wish)
        if wait:
            raise too_often(wait)
        return data({"status": "accepted", "next": "the address gets a mail that asks for confirmation"}, 202)

    def told(self, step: Step) -> Response:
        """The page of a confirmation that can't be used."""
        around = self.around("")
        if step == "done":
            return page(render_used(around), has_form=False)
        if step == "not ours":
            abort(404)
        return page(render_over(around), 404, has_form=False)

    def told_of_refusal(self, step: Step) -> Response:
        around = self.around("")
        if step == "done":
            return page(render_refused(around), has_form=False)
        if step == "not ours":
            abort(404)
        return page(render_refuse_over(around), 404, has_form=False)

    def _chosen(self, names: Sequence[str]) -> tuple[str, ...]:
        """What was chosen; where there is nothing to choose, that."""
        return tuple(names) or (tuple(self.names) if len(self.names) == 1 else ())

    def _wish(self, address: str, chosen: Collection[str], language: str, way: str) -> Wish:
        words = wording_of(self.editions(chosen), language or self.site.language, self.site.templates)
        return Wish(address, tuple(chosen), language, way, words)

    def _ask(self, store: Store, wish: Wish) -> timedelta | None:
        """Asks, and returns how long to wait if that was too often."""
        answer = signup.ask(store, wish, client(), new_name(), self.site.clock())
        return None if answer.may_go else answer.wait
