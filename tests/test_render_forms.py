"""The pages on which readers help themselves, as they are rendered: words, escaping, the operator's own templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.test_render_wording import LANGUAGES
from tidings.errors import RenderError
from tidings.render.environment import Templates
from tidings.render.forms import Chrome, render_back, render_error, render_leave, render_left
from tidings.render.preference_pages import LinkForm, render_erase, render_link_form, render_move, render_stay
from tidings.render.preferences import Self, render_preferences

CHROME = Chrome("Planet <b>", "https://planet.example", "en")
EVIL = '"><script>alert(1)</script>{{ 7 * 7 }}\u202e'


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", [400, 403, 404, 405, 410, 413, 415, 429, 500, 503])
def test_every_error_has_words(code: int, language: str) -> None:
    """What happened and what to do, in each language, with the number for who asks the operator."""
    chrome = Chrome("Planet", "https://planet.example", language)
    for page in (render_error(code, chrome), render_error(code, chrome, is_busy=True)):
        assert f'<html lang="{language}"' in page
        assert page.count("<h1>") == 1
        assert str(code) in page
        assert page.count("<p") == 3


def test_names_are_text() -> None:
    """Neither the title of an edition nor an address can add an element or run in a template."""
    for page in (
        render_leave(EVIL, EVIL, CHROME),
        render_left(EVIL, EVIL, EVIL, CHROME),
        render_back(EVIL, EVIL, EVIL, CHROME),
        render_error(404, CHROME),
        render_link_form(LinkForm(EVIL, EVIL, EVIL, "address"), CHROME),
        render_erase(EVIL, EVIL, CHROME),
        render_move(EVIL, EVIL, CHROME),
        render_stay(EVIL, EVIL, CHROME),
        render_preferences([], Self(EVIL, EVIL, EVIL, "wrong"), (), CHROME),
    ):
        assert "<script" not in page
        assert "49" not in page.replace("width", "")
        assert "Planet &lt;b&gt;" in page


def test_what_leads_nowhere_has_no_button() -> None:
    """Left for good there is nothing to press; a site without an address has no link."""
    assert "<form" not in render_left("The Weekly", "", "preferences", CHROME)
    left = render_left("The Weekly", "", "preferences", Chrome("Planet", "", "en"))
    assert left.count("<a ") == left.count('<a href="preferences"') == 1


def test_an_operators_own_page_is_used(tmp_path: Path) -> None:
    """A file of the same name goes before ours, and a mistake in it is named with its line."""
    (tmp_path / "web").mkdir()
    own = tmp_path / "web" / "left.html"
    own.write_text("Bye, {{ edition }}", encoding="utf-8")
    chrome = Chrome("Planet", "", "en", Templates(tmp_path))
    assert render_left("The Weekly", "", "preferences", chrome) == "Bye, The Weekly"
    own.write_text("\n{{ nothing }}", encoding="utf-8")
    with pytest.raises(RenderError, match=r"web/left\.html, line 2"):
        render_left("The Weekly", "", "preferences", chrome)
