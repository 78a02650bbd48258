"""The pages of subscribing: the form, and what follows it. Addresses in them are relative, but for the form that
another site is to have."""

from __future__ import annotations

from collections.abc import Sequence

from tidings.model import Edition
from tidings.render.environment import open_press
from tidings.render.forms import Chrome, rendered
from tidings.render.offers import SignupForm, form_values, offers


def render_subscribe(form: SignupForm, chrome: Chrome) -> str:
    """The page with the form, and with the form that other sites can have. Raises RenderError, as all here."""
    wording = open_press(chrome.templates, chrome.language).wording
    values = form_values(form.editions, wording, form) | {"foreign_action": f"{chrome.site_url}/subscribe"}
    return rendered("subscribe", values, chrome)


def render_asked(chrome: Chrome) -> str:
    """The page after it, the same for every address."""
    return rendered("asked", {}, chrome)


def render_confirm(editions: Sequence[Edition], token: str, chrome: Chrome) -> str:
    """The page on which the link of the mail leads: a button for the second step."""
    wording = open_press(chrome.templates, chrome.language).wording
    return rendered("confirm", {"offers": offers(editions, wording), "action": token}, chrome)


def render_confirmed(has_issue: bool, chrome: Chrome) -> str:
    """The page that says it is done; with `has_issue` the newest issue is on its way."""
    return rendered("confirmed", {"has_issue": has_issue}, chrome)


def render_used(chrome: Chrome) -> str:
    """The page of a confirmation that was used before."""
    return rendered("used", {}, chrome)


def render_over(chrome: Chrome) -> str:
    """The page of a confirmation that is worth nothing any more: what to do."""
    return rendered("over", {}, chrome)


def render_refuse_over(chrome: Chrome) -> str:
    """The page of a refusal of what is not asked any more, perhaps since somebody confirmed it: how to leave."""
    return rendered("refuse-over", {}, chrome)


def render_refuse(token: str, chrome: Chrome) -> str:
    """The page that asks whether an address is never to be asked again."""
    return rendered("refuse", {"action": token}, chrome)


def render_refused(chrome: Chrome) -> str:
    """The page that says it is not."""
    return rendered("refused", {}, chrome)
