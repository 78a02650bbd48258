"""The way to the page of preferences: a form for the address, to which a link is mailed. As with sign-ups, GET and HEAD
change nothing, and what is answered tells nothing of the address."""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import Flask, Response, request

from tidings import managing, signup
from tidings.render.preference_pages import LinkForm, render_link_asked, render_link_form
from tidings.render.wording import lookup
from tidings.store import keys
from tidings.web.hardening import chrome, client, form, mail_address, new_name, page, too_often
from tidings.web.site import OpenStore, Site


def serve_managing(app: Flask, site: Site, open_store: OpenStore) -> None:
    """Adds `/preferences` to `app`."""
    desk = _Desk(site, open_store)
    with open_store() as store:
        keys.usable(store, site.clock())  # so that showing the form need not make one

    @app.get("/preferences")
    def ask_for_address() -> Response:
        language = desk.language(request.args.get("lang", ""))
        with open_store() as store:
            return desk.form(LinkForm(stamp=signup.stamp(store, site.clock()), language=language))

    @app.post("/preferences")
    def mail_a_link() -> Response:
        return desk.take(form())


@dataclass(frozen=True, slots=True)
class _Desk:
    """What both need."""

    site: Site
    open_store: OpenStore

    def language(self, asked: str) -> str:
        """A language that there are words of; "" for none that was asked for."""
        return lookup(asked, self.site.templates.languages)

    def form(self, filled: LinkForm, status: int = 200) -> Response:
        return page(render_link_form(filled, chrome(self.site, filled.language)), status)

    def take(self, fields: dict[str, str]) -> Response:
        """What comes of a form that was sent; of one that a program filled, nothing, and it is told the same."""
        filled = LinkForm(
            fields.get("address", "").strip(), fields.get("stamp", ""), self.language(fields.get("lang", ""))
        )
        with self.open_store() as store:
            now = self.site.clock()
            how = signup.look_at(store, filled.stamp, fields.get("website", ""), now)
            if how == "too old":
                filled = replace(filled, stamp=signup.stamp(store, now))
            if how in ("too old", "too fast"):
                return self.form(replace(filled, complaint="again"))
            address = mail_address(filled.address)
            if not address:
                return self.form(replace(filled, complaint="address"), 400)
            if how == "person":
                name = new_name()
                answer = managing.ask(store, address, filled.language, client(), name, now)
                if not answer.may_go:
                    raise too_often(answer.wait)
        return page(render_link_asked(chrome(self.site, filled.language)), has_form=False)
