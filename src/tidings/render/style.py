"""The style sheet of feeds, so that who opens one in a browser reads more than mark-up.

XSLT, which made pages of feeds, is leaving the browsers (issue whatwg/html#11523). A style sheet can say what the
document is and show its entries, but cannot make a link of an address.
"""

from __future__ import annotations

from tidings.render.environment import SHIPPED, Templates, open_press


def render_style(language: str, templates: Templates = SHIPPED) -> str:
    """The style sheet with its words in `language`. Raises RenderError."""
    return open_press(templates, language).render("feed.css", {})
