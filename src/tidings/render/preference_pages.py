"""The pages around that of preferences: the way to it, and what readers do about themselves there. Addresses in them
are relative. All raise RenderError."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidings.render.forms import Chrome, rendered


@dataclass(frozen=True, slots=True)
class LinkForm:
    """The form that asks for an address: that as it was typed; when the form was shown (`stamp`, signed; "" for
    nothing); and what is wrong with it, as in offers.SignupForm."""

    address: str = ""
    stamp: str = ""
    language: str = ""
    complaint: Literal["", "address", "again"] = ""


def render_link_form(form: LinkForm, chrome: Chrome) -> str:
    """The page with the form."""
    return rendered("link-form", {"form": form}, chrome)


def render_link_asked(chrome: Chrome) -> str:
    """The page after it, the same for every address."""
    return rendered("link-asked", {}, chrome)


def render_link_over(preferences_url: str, chrome: Chrome) -> str:
    """The page of a link that was good once; `preferences_url` leads to the form for a new one."""
    return rendered("link-over", {"preferences_url": preferences_url}, chrome)


def render_erase(address: str, token: str, chrome: Chrome) -> str:
    """The page that asks once more whether all about a reader is to be erased."""
    return rendered("erase", {"address": address, "token": token}, chrome)


def render_erased(chrome: Chrome) -> str:
    """The page that says it was. Nobody else can: there is no address any more."""
    return rendered("erased", {}, chrome)


def render_move(address: str, token: str, chrome: Chrome) -> str:
    """The page on which the new address says yes."""
    return rendered("move", {"address": address, "action": token}, chrome)


def render_moved(chrome: Chrome) -> str:
    """The page that says the address is changed."""
    return rendered("moved", {}, chrome)


def render_stay(address: str, token: str, chrome: Chrome) -> str:
    """The page on which the old address takes back that all is to go to another one."""
    return rendered("stay", {"address": address, "action": token}, chrome)


def render_stayed(chrome: Chrome) -> str:
    """The page that says nothing changes."""
    return rendered("stayed", {}, chrome)


def render_move_over(chrome: Chrome) -> str:
    """The page of a link to either that is worth nothing, or nothing any more."""
    return rendered("move-over", {}, chrome)
