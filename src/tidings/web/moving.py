"""The two links of who changes the address: one at the new address, with a button that does it, and one at the old,
with a button that takes it back. GET and HEAD change nothing."""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.exceptions import BadRequest

from tidings import moving
from tidings.moving import Found
from tidings.render.preference_pages import (
    render_move,
    render_move_over,
    render_moved,
    render_stay,
    render_stayed,
)
from tidings.web.hardening import chrome, client, form, page
from tidings.web.site import OpenStore, Site


def serve_moving(app: Flask, site: Site, open_store: OpenStore) -> None:
    """Adds the pages of `/move/TOKEN` and `/withdraw/TOKEN` to `app`."""

    def told(found: Found) -> Response:
        """The page of a link that can't be used, or was."""
        around = chrome(site, found.language)
        if found.step == "over":
            return page(render_move_over(around), 404, has_form=False)
        if found.step == "stayed":
            return page(render_stayed(around), has_form=False)
        return page(render_moved(around), has_form=False)

    @app.get("/move/<token>")
    def look_at_move(token: str) -> Response:
        with open_store() as store:
            found = moving.look_up(store, token, site.clock())
        if found.change is None:
            return told(found)
        return page(render_move(found.change.address, token, chrome(site, found.language)))

    @app.post("/move/<token>")
    def confirm_move(token: str) -> Response:
        if form().get("do") != "move":
            raise BadRequest
        with open_store() as store:
            found = moving.confirm(store, token, client(), site.clock())
        return told(Found("done", language=found.language) if found.step == "open" else found)

    @app.get("/withdraw/<token>")
    def look_at_withdrawal(token: str) -> Response:
        with open_store() as store:
            found = moving.look_up_withdrawal(store, token, site.clock())
        if found.change is None:
            return told(found)
        return page(render_stay(found.change.address, token, chrome(site, found.language)))

    @app.post("/withdraw/<token>")
    def take_move_back(token: str) -> Response:
        if form().get("do") != "stay":
            raise BadRequest
        with open_store() as store:
            found = moving.withdraw(store, token, site.clock())
        return told(Found("stayed", language=found.language) if found.step == "open" else found)
