"""The way out that each mail has, over real HTTP: one click by a program, two by a reader, none by who only looks."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from tests.builders import edition
from tests.webs import FORM, Asked, ask, serving
from tidings import signing
from tidings.addresses import pseudonym
from tidings.config.schedules import schedule
from tidings.model import Evidence, Subscriber
from tidings.signing import Purpose
from tidings.store import consents, file_readers, keys, open_store, site, subscribers, suppressions
from tidings.web.site import Site

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANN, BOB = "ann@readers.example", "bob@readers.example"
ONE_CLICK = "List-Unsubscribe=One-Click"
MULTIPART = (
    '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
    {"Content-Type": "multipart/form-data; boundary=b"},
)
EDITIONS = (
    replace(
        edition(), name="daily", title="The <Daily>", subscribers=(Subscriber(ANN), Subscriber(BOB, "de")), signup=True
    ),
    replace(
        edition(),
        name="weekly",
        title="The Weekly",
        schedule=schedule("weekly fri 08:00"),
        subscribers=(Subscriber(ANN),),
    ),
)


@dataclass
class House:
    """A site that is served, its database, and what time it is there."""

    database: Path
    port: int = 0
    now: datetime = NOW
    patience: float = 60.0

    def token(self, address: str, name: str = "daily", purpose: Purpose = Purpose.UNSUBSCRIBE) -> str:
        with open_store(self.database) as store:
            public_id = subscribers.public_ids(store, [address])[address]
            return signing.sign(purpose, public_id, name, keys.usable(store, NOW), NOW)

    def running(self) -> set[tuple[str, str]]:
        """Who gets which edition."""
        with open_store(self.database) as store:
            return {
                (reader.address, one.edition)
                for reader in subscribers.listed(store)
                for one in reader.subscriptions
                if not one.ended_by
            }

    def dump(self) -> list[str]:
        with open_store(self.database) as store:
            return list(store.conn.iterdump())

    def get(self, path: str, method: str = "GET") -> Asked:
        return ask(self.port, method, path)

    def post(self, path: str, body: str = ONE_CLICK, headers: dict[str, str] = FORM) -> Asked:
        return ask(self.port, "POST", path, body, headers)

    def press(self, path: str, page: Asked) -> tuple[str, Asked]:
        """Presses the first button of a page, as a browser does; where that led, and what came."""
        action, *_ = re.findall(r'<form method="post" action="([^"]+)">', page.text)
        (name, value), *_ = re.findall(r'<button[^>]* name="(\w+)" value="(\w+)"', page.text)
        there = urlsplit(urljoin(f"http://localhost{path}", action)).path
        return there, self.post(there, f"{name}={value}")


ALL = {(ANN, "daily"), (ANN, "weekly"), (BOB, "daily")}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "tidings.db")
    with open_store(house.database) as store:
        file_readers.sync(store, EDITIONS, NOW)
        keys.usable(store, NOW)
    (tmp_path / "public").mkdir()
    site = Site(
        url="https://planet.example",
        title="Example Planet",
        editions=EDITIONS,
        open_store=lambda: open_store(house.database, house.patience),
        clock=lambda: house.now,
    )
    with serving(tmp_path / "public", site) as port:
        house.port = port
        yield house


# -------------------------------------------------------------------------------------------------------- one click


@pytest.mark.parametrize(
    ("body", "headers"), [(ONE_CLICK, FORM), MULTIPART, (ONE_CLICK, {})], ids=["urlencoded", "multipart", "no type"]
)
def test_one_click_ends_one_subscription(house: House, body: str, headers: dict[str, str]) -> None:
    """In both encodings: 200 in plain text, no redirect or cookie; as often as it is pressed; and nothing else ends."""
    path = f"/u/{house.token(ANN)}"
    for _ in range(3):
        answer = house.post(path, body, headers)
        assert (answer.status, answer.text) == (200, "You are unsubscribed.\n")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Location"] is None
        assert answer.headers["Set-Cookie"] is None
        assert answer.headers["Cache-Control"] == "no-store"
        assert house.running() == ALL - {(ANN, "daily")}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("", ONE_CLICK, 200), ("", "do=leave", 200), ("/return", "do=return", 503)],
    ids=["one click", "page", "return"],
)
def test_leaving_waits_for_who_keeps_the_database(house: House, path: str, body: str, status: int) -> None:
    """For longer than a request does as a rule: who pressed a button in the mail sees no answer, and nobody asks again
    for that reader."""
    link = f"/u/{house.token(ANN)}"
    if path:
        house.post(link)
    house.patience = 0.1
    keeps, is_over = threading.Event(), threading.Event()

    def keep() -> None:
        with open_store(house.database) as other, other.write():
            keeps.set()
            is_over.wait(1)

    keeper = threading.Thread(target=keep)
    keeper.start()
    assert keeps.wait(10)
    assert house.post(link + path, body).status == status
    is_over.set()
    keeper.join()
    assert house.running() == ALL - {(ANN, "daily")}


def test_who_left_by_one_click_is_on_record_once(house: House) -> None:
    """With when, by what, and the network it came from, cut down."""
    for _ in range(3):
        house.post(f"/u/{house.token(ANN)}")
    with open_store(house.database) as store:
        ann = subscribers.find(store, ANN)
        assert ann is not None
        left = [one for one in consents.trail(store, ann.id) if one.what == "left"]
        (daily,) = [one for one in ann.subscriptions if one.edition == "daily"]
    assert [(one.edition, one.at, one.evidence.form, one.evidence.network) for one in left] == [
        ("daily", NOW, "one-click", "127.0.0.0/24")
    ]
    assert (daily.ended_at, daily.ended_by) == (NOW, "link")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("", {}),
        ("", FORM),
        ("List-Unsubscribe=", FORM),
        ("list-unsubscribe=One-Click", FORM),
        ("List-Unsubscribe=One-Click&List-Unsubscribe=One-Click", FORM),
        ("do=return", FORM),
        ("do=LEAVE", FORM),
        (ONE_CLICK, {"Content-Type": "text/plain"}),
        (ONE_CLICK, {"Content-Type": "application/json"}),
        ('{"List-Unsubscribe": "One-Click"}', {"Content-Type": "application/json"}),
        ("\xff\xfe", FORM),
        ("--b--", {"Content-Type": "multipart/form-data; boundary=b"}),
        ("garbage", {"Content-Type": "multipart/form-data"}),
    ],
)
def test_a_body_that_says_something_else_changes_nothing(house: House, body: str, headers: dict[str, str]) -> None:
    """400, and the tables are as they were."""
    path, before = f"/u/{house.token(ANN)}", house.dump()
    assert house.post(path, body, headers).status == 400
    assert house.dump() == before


@pytest.mark.parametrize("body", ["List-Unsubscribe=one-click", "List-Unsubscribe=+One-Click", f"{ONE_CLICK}\r\n"])
def test_one_click_is_taken_as_it_is_meant(house: House, body: str) -> None:
    """A program that writes it a little otherwise than RFC 8058 unsubscribes its reader all the same."""
    assert house.post(f"/u/{house.token(ANN)}", body, FORM).status == 200
    assert house.running() == ALL - {(ANN, "daily")}


def test_tokens_of_others_and_of_other_purposes_change_nothing(house: House) -> None:
    """Whatever is not just the token of this reader, edition and purpose is a 404 that says no more than any other."""
    before, token = house.dump(), house.token(ANN)
    others = [
        *(house.token(ANN, purpose=purpose) for purpose in Purpose if purpose is not Purpose.UNSUBSCRIBE),
        token.replace("daily", "weekly"),
        token[:-1],
        f"{token}x",
        token.upper(),
        f"9{token}",
        f"{token}%00",
        token[:10] + ("A" if token[10] != "A" else "B") + token[11:],
        "x" * 5000,
    ]
    answers = [answer for one in others for answer in (house.post(f"/u/{one}"), house.get(f"/u/{one}"))]
    answers += [house.post(f"/u/{one}/return", "do=return") for one in others]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    assert house.dump() == before


def test_an_old_key_is_accepted_and_a_retired_one_is_not(house: House) -> None:
    """Mails from before a rotation keep their way out; those of a key that is ended do not."""
    old = house.token(ANN)
    with open_store(house.database) as store:
        keys.rotate(store, NOW)
    assert house.token(BOB).startswith("2-")
    assert house.post(f"/u/{old}").status == 200
    assert house.running() == ALL - {(ANN, "daily")}
    old = house.token(BOB)
    with open_store(house.database) as store:
        keys.retire(store, 2, NOW)
    assert house.post(f"/u/{old}").status == 404
    assert (BOB, "daily") in house.running()


def test_readers_who_are_gone_get_the_same_answer(house: House) -> None:
    """Of a subscriber who was erased, and an edition that is no more, the old links say that it is over."""
    token = house.token(ANN)
    with open_store(house.database) as store:
        nobody = signing.sign(Purpose.UNSUBSCRIBE, "0" * 16, "daily", keys.usable(store, NOW), NOW)
        former = signing.sign(Purpose.UNSUBSCRIBE, token.split("-")[-2], "former", keys.usable(store, NOW), NOW)
    for one in (nobody, former):
        assert house.post(f"/u/{one}").status == 200
        assert "You are unsubscribed" in house.get(f"/u/{one}").text
    assert house.running() == ALL


# ------------------------------------------------------------------------------------------------------------ pages


def test_a_reader_leaves_and_comes_back_by_buttons(house: House) -> None:
    """The page asks, the button does it, the next one takes it back, and so on; each page works at its own address."""
    path = f"/u/{house.token(ANN)}"
    asking = house.get(path)
    assert "Unsubscribe from <bdi>The &lt;Daily&gt;</bdi>?" in asking.text
    assert house.running() == ALL
    for _ in range(2):
        there, left = house.press(path, asking)
        assert there == path
        assert "You are unsubscribed" in left.text
        assert house.running() == ALL - {(ANN, "daily")}
        there, back = house.press(there, left)
        assert there == f"{path}/return"
        assert "You are subscribed again" in back.text
        assert house.running() == ALL
        there, left = house.press(there, back)
        assert (there, house.running()) == (path, ALL - {(ANN, "daily")})
        there, _ = house.press(there, left)
        assert house.running() == ALL
        again = house.get(there)
        assert house.press(there, again)[0] == path
        assert house.press(f"{path}/return", house.get(f"{path}/return"))[0] == f"{path}/return"
        assert house.running() == ALL


def test_left_already_shows_the_same_page(house: House) -> None:
    """Also after one click in the mail program: the link then says that it is done, and has the way back."""
    path = f"/u/{house.token(ANN)}"
    _, left = house.press(path, house.get(path))
    assert house.get(path).body == left.body
    house.post(path)
    assert house.get(path).body == left.body


def test_the_way_back_is_open_for_a_week(house: House) -> None:
    """A mail that somebody finds later brings nobody back: no button, and pressing it all the same does nothing."""
    path = f"/u/{house.token(ANN)}"
    house.post(path)
    house.now = NOW + timedelta(days=7)
    before = house.dump()
    assert "<form" not in house.get(path).text
    answer = house.post(f"{path}/return", "do=return")
    assert (answer.status, "You are unsubscribed" in answer.text) == (200, True)
    assert house.dump() == before


@pytest.mark.parametrize("by", ["complaint", "bounce", "operator"])
def test_only_who_left_by_themselves_come_back_by_a_click(house: House, by: str) -> None:
    """Not one who complained, cannot be reached, or was taken out by the operator."""
    path = f"/u/{house.token(ANN)}"
    with open_store(house.database) as store:
        ann = subscribers.find(store, ANN)
        assert ann is not None
        subscribers.leave(store, ann.id, "daily", by, Evidence(), NOW)  # type: ignore[arg-type]
    before = house.dump()
    assert "<form" not in house.get(path).text
    assert house.post(f"{path}/return", "do=return").status == 200
    assert house.dump() == before


@pytest.mark.parametrize("body", ["", "do=leave", ONE_CLICK, "do=return&do=return"])
def test_the_way_back_takes_its_own_button_only(house: House, body: str) -> None:
    """A program that presses one click everywhere brings nobody back."""
    path = f"/u/{house.token(ANN)}"
    house.post(path)
    before = house.dump()
    assert house.post(f"{path}/return", body).status == 400
    assert house.dump() == before


def test_pages_are_in_the_readers_language(house: House) -> None:
    """German for who is written to in German, also on the page after."""
    path = f"/u/{house.token(BOB)}"
    asking = house.get(path)
    assert '<html lang="de"' in asking.text
    assert "abbestellen?" in asking.text
    assert "Sie sind abgemeldet" in house.press(path, asking)[1].text


def test_pages_show_nothing_of_the_reader(house: House) -> None:
    """No address, and nothing but the token leads anywhere: a forwarded mail gives nothing away."""
    path = f"/u/{house.token(ANN)}"
    pages = [house.get(path), *(house.press(path, house.get(path)))[1:]]
    for page in pages:
        assert ANN not in page.text
        assert "readers.example" not in page.text
        hrefs = re.findall(r'(?:href|action)="([^"]+)"', page.text)
        token = path.rpartition("/")[2]
        assert set(hrefs) <= {"https://planet.example/", "../preferences", token, f"{token}/return", f"{token}/fewer"}


# ---------------------------------------------------------------------------------------------------------- looking


def test_looking_twenty_times_changes_no_byte(house: House) -> None:
    """Programs that check mails GET and HEAD every link, again and again: before and after leaving, the tables stay."""
    token = house.token(ANN)
    for path in (f"/u/{token}", f"/u/{token}/return"):
        before = house.dump()
        answers = [house.get(path, method) for _ in range(20) for method in ("GET", "HEAD", "OPTIONS")]
        assert {answer.status for answer in answers} == {200}
        assert house.dump() == before
    house.post(f"/u/{token}")
    before = house.dump()
    answers = [
        house.get(f"/u/{token}{end}", method)
        for _ in range(20)
        for method in ("GET", "HEAD")
        for end in ("", "/return")
    ]
    assert {answer.status for answer in answers} == {200}
    assert house.dump() == before


def test_without_a_database_there_is_no_way_in(tmp_path: Path) -> None:
    """Where the site is not public, the server has files and nothing else."""
    with serving(tmp_path, Site()) as port:
        assert ask(port, "POST", "/u/x", ONE_CLICK, FORM).status == 405
        assert ask(port, "GET", "/u/x").status == 404


@pytest.mark.parametrize("has_left", [False, True], ids=["stays", "left"])
@pytest.mark.parametrize("reason", ["by-hand", "complained", "bounced", "unsubscribed"])
def test_who_is_not_mailed_is_promised_nothing(house: House, reason: suppressions.Reason, has_left: bool) -> None:
    """The button brings nobody back whom a complaint or the operator keeps away; whose mail came back is led to a new
    confirmation, which is what ends that."""
    path = f"/u/{house.token(ANN)}"
    if has_left:
        house.post(path)
    with open_store(house.database) as store:
        print_ = pseudonym(ANN, site.secret(store))
        suppressions.add(store, print_, "", reason, "", NOW)
    before = house.running()
    answers = [house.post(f"{path}/return", "do=return")]
    if has_left:
        answers += [house.post(f"{path}/fewer", "do=weekly"), house.get(path)]
    for answer in answers:
        assert answer.status == 200
        assert "You get fewer mails now" not in answer.text
        assert "comes to you as before" not in answer.text
        assert 'value="return"' not in answer.text
        assert ("/subscribe?edition=daily" in answer.text) == (reason in suppressions.UNTIL_CONFIRMED)
    assert house.running() == before
