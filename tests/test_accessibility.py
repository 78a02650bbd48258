"""Every page for every reader: nothing that axe-core objects to, and HTML that a strict parser takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import html5lib
import pytest

from tests.axe import WCAG, violations
from tests.browsing import Page, browser
from tests.every_page import LANGUAGES, mails, pages

_PAGES = [(language, name) for language in LANGUAGES for name in pages(language)]
_MAILS = [(language, name) for language in LANGUAGES for name in mails(language)]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser")) as page:
        yield page


def show(page: Page, html: str, folder: Path, width: int, dark: bool) -> None:
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    page.looks(width, dark=dark)
    page.open(file.as_uri())


@pytest.mark.parametrize(("language", "name"), _PAGES)
def test_axe_finds_nothing_on_a_page(page: Page, tmp_path: Path, language: str, name: str) -> None:
    """On a telephone and on a desk, by day and by night; from left to right, and from right to left the other way
    round."""
    is_arabic = language == "ar"
    for width, dark in ((360, is_arabic), (1280, not is_arabic)):
        show(page, pages(language)[name], tmp_path, width, dark)
        assert page.value("document.dir") == ("rtl" if is_arabic else "ltr")
        assert violations(page) == [], (width, dark)


@pytest.mark.parametrize(("language", "name"), _MAILS)
def test_axe_finds_next_to_nothing_in_a_mail(page: Page, tmp_path: Path, language: str, name: str) -> None:
    """By WCAG; what is good practice for pages (a main landmark) is the mail program's to have. A table that is wider
    than a telephone gets no focus of its own, since mail programs take that away; browsers move it all the same."""
    for width, dark in ((360, False), (1280, True)):
        show(page, mails(language)[name], tmp_path, width, dark)
        found = [one for one in violations(page, WCAG) if not one.startswith("scrollable-region-focusable: table")]
        assert found == [], (width, dark)


@pytest.mark.parametrize(("language", "name"), [*_PAGES, *_MAILS])
def test_no_page_or_mail_has_an_error_of_html(language: str, name: str) -> None:
    """What strangers wrote included; each element is closed where it may be, and none stands where it must not."""
    parser = html5lib.HTMLParser()
    parser.parse((pages(language) | mails(language))[name])
    assert parser.errors == []


def test_axe_and_the_parser_find_what_is_wrong(page: Page, tmp_path: Path) -> None:
    """What they are asked here is no formality: faults of each kind are found."""
    html = pages("en")["subscribe"]
    broken = html.replace("--quiet:#5d656f", "--quiet:#b0b0b0").replace('<label for="address">', "<label>")
    broken = broken.replace("<h1>", "<h4>").replace("</h1>", "</h4>").replace(' lang="en"', "")
    show(page, broken, tmp_path, 360, dark=False)
    rules = {one.partition(":")[0] for one in violations(page)}
    assert {"color-contrast", "label", "page-has-heading-one", "html-has-lang"} <= rules
    parser = html5lib.HTMLParser()
    parser.parse(html.replace("</main>", "</p></main>"))
    assert parser.errors
