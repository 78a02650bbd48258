"""The page on which readers choose, over real HTTP and in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.browsing import Page, browser
from tests.stocking import blog, configure
from tests.test_erasing import keep
from tests.test_web_browser import LOOK
from tests.test_web_leaving import ALL, ANN, BOB, EDITIONS, NOW, House
from tests.webs import serving
from tidings import managing, signing
from tidings.model import Choices
from tidings.render.environment import SHIPPED
from tidings.render.preferences import languages
from tidings.signing import Purpose
from tidings.store import choices, keys, open_store, subscribers
from tidings.web.site import Site

SOURCES = (blog("a", tags=("art",)), blog("<b>&co", tags=("code",)))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "tidings.db")
    with open_store(house.database) as store:
        configure(store, *SOURCES, editions=EDITIONS, now=NOW)
        keys.usable(store, NOW)
    (tmp_path / "public").mkdir()
    site = Site(
        url="https://planet.example",
        title="Example Planet",
        editions=EDITIONS,
        sources=SOURCES,
        open_store=lambda: open_store(house.database),
        clock=lambda: house.now,
    )
    with serving(tmp_path / "public", site) as port:
        house.port = port
        yield house


def link(house: House, address: str = ANN, purpose: Purpose = Purpose.MANAGE, scope: str = "") -> str:
    with open_store(house.database) as store:
        public_id = subscribers.public_ids(store, [address])[address]
        scope = scope or managing.scope_of(store, address)
        return f"/preferences/{signing.sign(purpose, public_id, scope, keys.usable(store, NOW), NOW)}"


def chosen(house: House, name: str = "daily", address: str = ANN) -> Choices | None:
    with open_store(house.database) as store:
        reader = subscribers.find(store, address)
        assert reader is not None
        return choices.find(store, reader.id, name)


FIELDS = {
    "do": "save",
    "cadence": "weekly",
    "weekday": "4",
    "time": "07:30",
    "timezone": "Asia/Tokyo",
    "content": "title",
    "language": "fr",
    "text_only": "on",
    "pause": "2026-04-01",
    "tag-code": "on",
    "source-<b>&co": "on",
}
CHOSEN = Choices(
    cadence="weekly",
    weekday=4,
    hour=7,
    minute=30,
    timezone="Asia/Tokyo",
    tags_off=("code",),
    sources_off=("<b>&co",),
    content="title",
    language="fr",
    text_only=True,
    paused_until=datetime(2026, 3, 31, 15, 0, tzinfo=UTC),
)


def test_a_form_is_kept_and_shown_again(house: House) -> None:
    """All that can be chosen is kept for that edition alone, and stands in the form from then on."""
    path = link(house)
    answer = house.post(f"{path}/daily", urlencode(FIELDS))
    assert (answer.status, "Saved." in answer.text) == (200, True)
    assert chosen(house) == CHOSEN
    assert chosen(house, "weekly") is None
    again = house.get(path).text
    first = again[: again.index("</form>")]
    for shown in ('value="07:30"', "<option selected>Asia/Tokyo", 'value="2026-04-01"', 'value="weekly" selected'):
        assert shown in first
    assert first.count(" checked") == 3
    assert "&lt;b&gt;&amp;co" in first


def test_the_page_as_it_is_saves_nothing_new(house: House) -> None:
    """Who presses the button without touching a field keeps the edition as it is."""
    path = link(house)
    first = (text := house.get(path).text)[: text.index("</form>")]
    fields = dict(re.findall(r'<input[^>]* name="(\w+)" type="(?!checkbox)\w+"[^>]* value="([^"]*)"', first))
    zone = re.search(r"<option selected>([^<]+)", first)
    assert zone is not None
    house.post(f"{path}/daily", urlencode({**fields, "do": "save", "cadence": "", "weekday": "0", "timezone": zone[1]}))
    with open_store(house.database) as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        assert choices.find(store, reader.id, "daily") is None


def test_what_is_wrong_is_marked_and_nothing_kept(house: House) -> None:
    """One field that is not understood, and nothing is saved."""
    answer = house.post(f"{link(house)}/daily", urlencode({**FIELDS, "time": "25:00"}))
    assert answer.status == 400
    assert re.search(r'name="time"[^>]* aria-invalid="true"', answer.text)
    assert answer.text.count("aria-invalid") - answer.text.count("[aria-invalid]") == 1
    assert chosen(house) is None


def test_what_was_typed_stays_beside_what_is_wrong(house: House) -> None:
    """All other fields, and the wrong one, are as they were sent; those of the other edition as they are kept."""
    text = house.post(f"{link(house)}/daily", urlencode({**FIELDS, "pause": "2026-01-01"})).text
    first, second = text.split('<section aria-labelledby="e')[1:3]
    for shown in (
        'value="07:30"',
        "<option selected>Asia/Tokyo",
        'value="weekly" selected',
        'value="4" selected',
        'value="title" selected',
        'lang="fr" selected',
    ):
        assert shown in first, shown
        assert shown not in second, shown
    assert first.count(" checked") == 3
    assert re.search(r'name="pause"[^>]* value="2026-01-01" aria-invalid="true" aria-describedby="([^"]+)"', first)
    assert "a later day" in first
    assert " checked" not in second
    assert "a later day" not in second


def test_an_answer_is_where_its_form_is(house: House) -> None:
    """The form of each edition, and that of the address, leads to its own part of the page."""
    path = link(house)
    for text in (house.get(path).text, house.post(f"{path}/weekly", urlencode(FIELDS)).text):
        for name in ("daily", "weekly", "move"):
            there = re.search(rf'action="[^"]*/{name}#([^"]+)"', text)
            assert there, name
            section = text[: text.index(f"/{name}#")].rpartition("<section")[2]
            assert f'id="{there[1]}"' in section
    assert "Saved." in text.split('<section aria-labelledby="e')[2]


def test_who_leaves_all_out_is_told_that_nothing_comes(house: House) -> None:
    """By topics, by blogs, or both: it is kept, and said for as long as it is so."""
    path, nothing = link(house), "nothing will come"
    fields = {"do": "save", "timezone": "UTC", "tag-art": "on"}
    assert nothing not in house.post(f"{path}/daily", urlencode(fields)).text
    answer = house.post(f"{path}/daily", urlencode({**fields, "source-<b>&co": "on"}))
    assert (answer.status, nothing in answer.text, "Saved." in answer.text) == (200, True, True)
    assert nothing in house.get(path).text


def test_looking_changes_nothing(house: House) -> None:
    """GET and HEAD of each address, as often as a program likes."""
    path, before = link(house), house.dump()
    for _ in range(3):
        for where in (path, f"{path}/daily", f"{path}/daily?do=leave"):
            for method in ("GET", "HEAD"):
                assert house.get(where, method).status == 200
    assert house.dump() == before


def test_leaving_and_coming_back(house: House) -> None:
    """Both are buttons of the page, for one edition each."""
    path = link(house)
    assert "Subscribe again" in house.post(f"{path}/daily", "do=leave").text
    assert house.running() == ALL - {(ANN, "daily")}
    assert house.post(f"{path}/daily", urlencode(FIELDS)).status == 400
    house.post(f"{path}/daily", "do=return")
    assert house.running() == ALL


def test_only_the_readers_own_link_opens_it(house: House) -> None:
    """Not one of another purpose, nor one that is an hour old; and none opens what its reader has not."""
    for purpose in Purpose:
        scope = "daily" if purpose is Purpose.UNSUBSCRIBE else ""
        expected = 200 if purpose is Purpose.MANAGE else 404
        assert house.get(link(house, purpose=purpose, scope=scope)).status == expected
    path = link(house, BOB)
    assert house.post(f"{path}/weekly", urlencode(FIELDS)).status == 404
    assert house.post(f"{path}/{quote('daily~x')}", urlencode(FIELDS)).status == 404
    house.now = NOW + timedelta(hours=1)
    assert house.get(path).status == 410
    assert house.post(f"{path}/daily", urlencode(FIELDS)).status == 410
    assert chosen(house, address=BOB) is None


def test_other_buttons_do_nothing(house: House) -> None:
    """A form without its button, or with another, is refused."""
    for do in ("", "erase", "Save"):
        assert house.post(f"{link(house)}/daily", urlencode({**FIELDS, "do": do})).status == 400
    assert chosen(house) is None


def test_each_language_has_the_page(house: House) -> None:
    """A reader's own language is that of the page; all catalogues have its words."""
    for language in languages(SHIPPED):
        with open_store(house.database) as store:
            store.conn.execute("UPDATE subscribers SET language = ?", (language,))
        text = house.get(link(house)).text
        assert f'<html lang="{language}"' in text
        assert ("How often" in text) == (language == "en")


@pytest.fixture(scope="module", params=[True, False], ids=["script", "no-script"])
def window(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("browser"), scripts=request.param) as page:
        yield page


def test_choosing_in_a_browser_by_keyboard(window: Page, house: House, tmp_path: Path) -> None:
    """At 360 pixels nothing is cut off or faint; keys tick a box and send the form; no policy is broken."""
    window.looks(360)
    window.complaints.clear()
    window.open(f"http://127.0.0.1:{house.port}{link(house)}")
    found = window.value(LOOK)
    assert (found["scroll"], found["faint"], found["small"], found["unnamed"]) == (0, [], [], 0)
    window.value("document.querySelector('[name=text_only]').focus()")
    window.press(" ")
    for _ in range(30):
        window.press("Tab")
        if window.value("document.activeElement.value") == "save":
            break
    window.press("Enter", loads=True)
    kept = chosen(house)
    assert kept is not None
    assert replace(kept, timezone="UTC") == Choices(text_only=True)
    assert window.value("document.querySelector('[role=status]').textContent") == "Saved."
    assert window.value("document.cookie") == ""
    assert window.complaints == []
    window.picture(tmp_path / "page.png")


GAP = """(() => {
    const bottom = document.querySelector("[name=pause]").getBoundingClientRect().bottom;
    return document.querySelector("[value=save]").getBoundingClientRect().top - bottom;
})()"""


def test_buttons_keep_away_from_the_field_above(window: Page, house: House) -> None:
    """On a narrow screen a thumb hits one of them."""
    window.looks(360)
    window.open(f"http://127.0.0.1:{house.port}{link(house)}")
    assert window.value(GAP) >= 12


LABELS = """[...document.querySelectorAll("input, select")].filter(one => !one.labels.length).length"""


def test_the_time_says_for_which_cadences_it_is(house: House) -> None:
    """As the days do: each post comes when it comes, whatever the hour says."""
    assert re.search(r'<label for="time1">Time, if once a day, a week or a month</label>', house.get(link(house)).text)


def test_every_field_has_its_label(window: Page, house: House) -> None:
    """What a field is for can be heard as well as seen."""
    window.open(f"http://127.0.0.1:{house.port}{link(house)}")
    assert window.value(LABELS) == 0


def run_out(house: House) -> str:
    path = link(house)
    house.now += timedelta(hours=1)
    return path


def test_erasing_by_page_copes_with_a_kept_message_that_is_no_utf8(house: House) -> None:
    """Anybody may write one to the address for bounces; before, nobody could be erased then."""
    with open_store(house.database) as store:
        keep(store, f"Grüße von {ANN}".encode("latin-1"))
    assert house.post(f"{link(house)}/reader/erase", "do=erase").status == 200
    with open_store(house.database) as store:
        assert subscribers.find(store, ANN) is None
        assert store.rows("SELECT 1 FROM returned_mail WHERE message IS NOT NULL") == []


def outdated(house: House) -> str:
    return link(house, scope="0" * 16)


def erased(house: House) -> str:
    path = link(house)
    assert house.post(f"{path}/reader/erase", "do=erase").status == 200
    return path


@pytest.mark.parametrize("how", [run_out, outdated, erased])
def test_a_link_that_was_good_once_says_that_it_has_run_out(house: House, how: Callable[[House], str]) -> None:
    """After its hour, for an address that its reader has no more, and after all is erased, there is a way to a new
    one, on whichever of its pages."""
    path = how(house)
    for page, way in (
        ("", "../preferences"),
        ("/daily", "../../preferences"),
        ("/reader/erase", "../../../preferences"),
    ):
        answer = house.get(f"{path}{page}")
        assert (answer.status, answer.headers["Cache-Control"]) == (410, "no-store")
        assert "This link has run out" in answer.text
        assert f'href="{way}"' in answer.text
    assert house.post(f"{path}/reader/erase", "do=erase").status == 410
