"""The way out that each mail has (RFC 8058): one click in the mail program, or one on a page. GET and HEAD change
nothing; programs that check mails follow all links, many times.

A forwarded mail puts the link into other hands: the pages are the same whatever its reader chose, and can do no more
than end the subscription and bring it back, with fewer mails if that is wanted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flask import Flask, Response, abort
from werkzeug.exceptions import BadRequest

from tidings import preferences, signing, subscribe
from tidings.model import Cadence
from tidings.render.forms import render_back, render_fewer, render_leave, render_left
from tidings.signing import Grant, Purpose
from tidings.store import Store, consents, keys, subscribers
from tidings.subscribe import Standing
from tidings.web.hardening import chrome, client, form, page, plain
from tidings.web.site import PATIENCE_TO_LEAVE, OpenStore, Site

_RARER: dict[str, Cadence] = {"weekly": "weekly", "monthly": "monthly"}


def serve_leaving(app: Flask, site: Site, open_store: OpenStore) -> None:
    """Adds the pages of `/u/TOKEN` to `app`."""
    desk = _Desk(site)

    @app.get("/u/<token>")
    def ask(token: str) -> Response:
        with open_store() as store:
            grant = desk.grant(store, token)
            return desk.shown(grant, subscribe.look_up(store, grant, site.clock()), token)

    @app.post("/u/<token>")
    def leave(token: str) -> Response:
        fields = form()
        # As generous as may be: who writes it a little otherwise wants the same.
        one_click = fields.get("List-Unsubscribe", "").strip().casefold() == "one-click"
        if not one_click and fields.get("do") != "leave":
            raise BadRequest
        with open_store() as store, store.insist(_over_in(PATIENCE_TO_LEAVE)):
            grant = desk.grant(store, token)
            how = "one-click" if one_click else "page"
            standing = subscribe.leave(store, grant, how, client(), site.clock())
            # A program asked, and gets its answer here: no redirect (RFC 8058 section 3.1).
            return plain("You are unsubscribed.") if one_click else desk.shown(grant, standing, token)

    @app.get("/u/<token>/return")
    def asked_again(token: str) -> Response:
        with open_store() as store:
            grant = desk.grant(store, token)
            return desk.shown(grant, subscribe.look_up(store, grant, site.clock()), f"../{token}")

    @app.post("/u/<token>/return")
    def come_back(token: str) -> Response:
        if form().get("do") != "return":
            raise BadRequest
        with open_store() as store:
            grant = desk.grant(store, token)
            standing = subscribe.come_back(store, grant, client(), site.clock())
            if not standing.is_running or standing.kept_off:
                return desk.left(grant, standing, f"../{token}")
        around = chrome(site, desk.language(grant, standing))
        return page(render_back(desk.title(grant), f"../{token}", "../../preferences", around))

    @app.get("/u/<token>/fewer")
    def asked_for_fewer(token: str) -> Response:
        return asked_again(token)

    @app.post("/u/<token>/fewer")
    def get_fewer(token: str) -> Response:
        cadence = _RARER.get(form().get("do", ""))
        if cadence is None:
            raise BadRequest
        with open_store() as store:
            grant = desk.grant(store, token)
            if site.edition(grant.scope) is not None and cadence not in desk.rarer(grant):
                raise BadRequest
            standing = desk.returned(store, grant, cadence) or desk.returned_before(store, grant, cadence)
            if standing is None:
                return desk.shown(grant, subscribe.look_up(store, grant, site.clock()), f"../{token}")
        around = chrome(site, desk.language(grant, standing))
        return page(render_fewer(desk.title(grant), cadence, f"../{token}", around))


@dataclass(frozen=True, slots=True)
class _Desk:
    """What all of them need."""

    site: Site

    def grant(self, store: Store, token: str) -> Grant:
        """What the token of an address grants; a 404 for one that is none of ours."""
        found = signing.read(token, Purpose.UNSUBSCRIBE, keys.listed(store), self.site.clock())
        if not isinstance(found, Grant):
            abort(404)
        return found

    def returned(self, store: Store, grant: Grant, cadence: Cadence) -> Standing | None:
        """Brings a subscription back that its reader ended a short while ago, with fewer mails, and returns how things
        are then; None where there is nothing to bring back. What would bring no fewer changes nothing else."""
        now, edition = self.site.clock(), self.site.edition(grant.scope)
        with store.write():
            reader = subscribers.by_public_id(store, grant.subject)
            standing = subscribe.look_up(store, grant, now)
            if edition is None or reader is None or not standing.may_return or standing.kept_off:
                return None
            preferences.lower(store, reader, edition, cadence, subscribe.evidence("page", client()), now)
            return subscribe.come_back(store, grant, client(), now)

    def returned_before(self, store: Store, grant: Grant, cadence: Cadence) -> Standing | None:
        """How things are where the same was done just before, as by a button that was pressed twice; else None. What
        its reader chose in another way is not told to who has the link."""
        edition, reader = self.site.edition(grant.scope), subscribers.by_public_id(store, grant.subject)
        if edition is None or reader is None or preferences.chosen_of(store, reader, edition).cadence != cadence:
            return None
        last = consents.trail(store, reader.id)[-1:]
        is_this = any((one.what, one.edition) == ("returned", edition.name) for one in last)
        return subscribe.look_up(store, grant, self.site.clock()) if is_this else None

    def rarer(self, grant: Grant) -> Sequence[str]:
        """How seldom the edition may come instead: the same for all its readers, whatever they chose."""
        edition = self.site.edition(grant.scope)
        return preferences.rarer(edition, self.site.clock()) if edition else ()

    def shown(self, grant: Grant, standing: Standing, address: str) -> Response:
        """The page that fits how things are; `address` is where the link leads, as seen from the page."""
        if standing.is_running:
            return page(render_leave(self.title(grant), address, chrome(self.site, self.language(grant, standing))))
        return self.left(grant, standing, address)

    def left(self, grant: Grant, standing: Standing, address: str) -> Response:
        """The page of who gets no more, with the ways back that there are."""
        around = chrome(self.site, self.language(grant, standing))
        root = "../" * (1 + address.count("/"))
        elsewhere = f"{root}preferences"
        if standing.kept_off or not standing.may_return:
            anew = f"{root}subscribe?edition={grant.scope}" if self._may_subscribe(grant, standing) else ""
            return page(render_left(self.title(grant), "", elsewhere, around, subscribe_url=anew))
        url, rarer = f"{address}/fewer", self.rarer(grant)
        return page(render_left(self.title(grant), f"{address}/return", elsewhere, around, url, rarer))

    def _may_subscribe(self, grant: Grant, standing: Standing) -> bool:
        """Whether a new confirmation would end what keeps a reader off."""
        edition = self.site.edition(grant.scope)
        return standing.kept_off == "until confirmed" and edition is not None and edition.signup

    def title(self, grant: Grant) -> str:
        """What the edition is called; by its name, where it is not configured any more."""
        edition = self.site.edition(grant.scope)
        return edition.title if edition else grant.scope

    def language(self, grant: Grant, standing: Standing) -> str:
        """The reader's language, that of the edition, or "" for the site's."""
        edition = self.site.edition(grant.scope)
        return standing.language or (edition.language if edition else "")


def _over_in(seconds: float) -> Callable[[], bool]:
    """Says whether so many seconds are over, from now on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
