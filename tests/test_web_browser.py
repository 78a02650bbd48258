"""The pages on which readers leave, in a real browser: by keyboard, without script, narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browsing import Page, browser
from tests.test_web_leaving import ALL, ANN, BOB, House, house  # noqa: F401  # a fixture

LOOK = """(() => {
  const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92
    : ((v + .055) / 1.055) ** 2.4); return .2126 * x + .7152 * y + .0722 * z; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const paper = element => { for (; element; element = element.parentElement) {
    const colour = rgb(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour; } return [255, 255, 255]; };
  const texts = [...document.querySelectorAll("h1, p, a, button, bdi")].filter(one => one.textContent.trim());
  const root = document.documentElement, button = document.querySelector("button");
  return {
    scroll: root.scrollWidth - root.clientWidth,
    faint: texts.map(one => ratio(rgb(getComputedStyle(one).color), paper(one))).filter(one => one < 4.5),
    small: [...document.querySelectorAll("button, header a")].map(one => one.getBoundingClientRect().height)
      .filter(height => height < 43.5),
    paper: light(paper(document.body)), styled: getComputedStyle(document.body).margin === "0px",
    heads: document.querySelectorAll("h1").length, language: root.lang, direction: getComputedStyle(root).direction,
    unnamed: [...document.querySelectorAll("a, button")].filter(one => !one.textContent.trim()).length,
  };
})()"""
RING = "getComputedStyle(document.activeElement).outlineStyle + ' ' + document.activeElement.localName"


@pytest.fixture(scope="module", params=[True, False], ids=["script", "no-script"])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser"), scripts=request.param) as page:
        yield page


def address(house: House, path: str) -> str:  # noqa: F811
    return f"http://127.0.0.1:{house.port}{path}"


def tab_to(page: Page, element: str) -> None:
    """Tabs to an element; each on the way shows that it has the focus."""
    for _ in range(5):
        page.press("Tab")
        ring, name = page.value(RING).split()
        assert ring == "solid"
        if name == element:
            return
    raise AssertionError(f"no way to a {element} by keyboard")


def test_leaving_and_coming_back_by_keyboard(page: Page, house: House) -> None:  # noqa: F811
    """Tab and Enter do all of it, with and without script; nothing is asked for but the pages, and no policy broken."""
    path = f"/u/{house.token(ANN)}"
    page.requests.clear()
    page.open(address(house, path))
    for _ in range(2):
        tab_to(page, "button")
        page.press("Enter", loads=True)
        assert house.running() == ALL - {(ANN, "daily")}
        assert page.value("document.querySelector('h1').textContent") == "You are unsubscribed"
        tab_to(page, "button")
        page.press(" ", loads=True)
        assert house.running() == ALL
        assert page.value("document.querySelector('h1').textContent") == "You are subscribed again"
    assert page.complaints == []
    assert {url for url in page.requests if "favicon" not in url} <= {
        address(house, path),
        address(house, f"{path}/return"),
    }
    assert page.value("document.cookie") == ""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1200])
def test_pages_can_be_read_and_hit(page: Page, house: House, width: int, dark: bool) -> None:  # noqa: F811
    """No sideways scrolling, contrast of 4.5, 44 pixels to press, one heading, and the style that the policy allows."""
    page.looks(width, dark=dark)
    asking, left, nothing = f"/u/{house.token(BOB)}", f"/u/{house.token(ANN)}", "/u/x"
    house.post(left)
    for path in (asking, left, nothing):
        page.open(address(house, path))
        found = page.value(LOOK)
        assert (found["scroll"], found["faint"], found["small"], found["unnamed"]) == (0, [], [], 0), path
        assert found["styled"]
        assert found["heads"] == 1
        assert (found["paper"] < 0.05) == dark
        assert found["language"] == ("de" if path == asking else "en")


def test_a_style_that_is_not_ours_is_refused(page: Page, house: House, tmp_path: Path) -> None:  # noqa: F811
    """What somebody might get into a page is not applied, and no script of it runs; the policy says so."""
    page.looks(360)
    page.open(address(house, f"/u/{house.token(ANN)}"))
    page.value(
        "document.body.insertAdjacentHTML('beforeend', '<style>h1{display:none}</style><b style=\"color:red\">x</b>"
        '<img src=x onerror="document.title=1">\')'
    )
    assert page.value("getComputedStyle(document.querySelector('h1')).display") != "none"
    assert page.value("getComputedStyle(document.querySelector('b')).color") != "rgb(255, 0, 0)"
    assert page.value("document.title") != "1"
    page.picture(tmp_path / "page.png")
    page.complaints.clear()
