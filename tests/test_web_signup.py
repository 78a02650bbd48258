"""Subscribing over real HTTP: what each request is answered, and that no answer tells who is subscribed."""

from __future__ import annotations

import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.builders import edition
from tests.webs import FORM, Asked, ask, serving
from tidings import signing, signup
from tidings.addresses import pseudonym
from tidings.model import Edition, Evidence, Mailed, Subscriber
from tidings.signing import Purpose
from tidings.store import Store, erasing, file_readers, keys, notes, open_store, refusals, signups, subscribers
from tidings.store import site as site_table
from tidings.web.site import Site

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ANN, BOB = "ann@readers.example", "bob@readers.example"
DAILY = replace(edition(), name="daily", title="The <Daily>", signup=True, subscribers=(Subscriber(BOB),))
WEEKLY = replace(edition(), name="weekly", title="The Weekly", signup=True)
CLOSED = replace(edition(), name="closed", title="Closed")
JSON = {"Content-Type": "application/json"}


@dataclass
class House:
    """A site that is served, its database, and what time it is there. Each request comes from a network of its own."""

    database: Path
    port: int = 0
    now: datetime = NOW
    requests: int = 0

    def get(self, path: str, method: str = "GET") -> Asked:
        return ask(self.port, method, path)

    def send(self, path: str, body: str | bytes, kind: dict[str, str] = FORM, client: str = "") -> Asked:
        self.requests += 1
        client = client or f"10.{self.requests // 250}.{self.requests % 250}.1"
        return ask(self.port, "POST", path, body, {**kind, "X-Forwarded-For": client})

    def subscribe(self, address: str = ANN, client: str = "", **fields: str) -> Asked:
        filled = {"address": address, "edition-weekly": "yes"} | {k.replace("_", "-"): v for k, v in fields.items()}
        return self.send("/subscribe", urlencode(filled), client=client)

    def json(self, values: object, client: str = "") -> Asked:
        return self.send("/subscribe", json.dumps(values), JSON, client)

    def notes(self) -> list[tuple[str, str]]:
        with open_store(self.database) as store:
            return [(one.kind, one.address) for one in notes.due(store, self.now + timedelta(days=900))]

    def token(self) -> str:
        """The link of the newest mail."""
        with open_store(self.database) as store:
            newest = notes.due(store, self.now)[-1]
            return signing.sign(Purpose.CONFIRM, newest.name, "", keys.usable(store, self.now), self.now)

    def way_out(self, address: str = ANN) -> str:
        with open_store(self.database) as store:
            print_ = pseudonym(address, site_table.secret(store))
            return signing.sign(Purpose.REFUSE, print_.hex(), "", keys.usable(store, self.now), self.now)

    def running(self, address: str = ANN) -> set[str]:
        with open_store(self.database) as store:
            found = subscribers.find(store, address)
            return {one.edition for one in found.subscriptions if not one.ended_by} if found else set()

    def dump(self) -> list[str]:
        with open_store(self.database) as store:
            return list(store.conn.iterdump())


def a_house(tmp_path: Path, *editions: Edition) -> Iterator[House]:
    house = House(tmp_path / "tidings.db")
    offered = editions or (DAILY, WEEKLY, CLOSED)
    with open_store(house.database) as store:
        file_readers.sync(store, offered, NOW)
    (tmp_path / "public").mkdir()
    site = Site(
        url="https://planet.example",
        title="Example Planet",
        editions=offered,
        open_store=lambda: open_store(house.database),
        clock=lambda: house.now,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )
    with serving(tmp_path / "public", site) as port:
        house.port = port
        yield house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    yield from a_house(tmp_path)


@pytest.fixture
def small_house(tmp_path: Path) -> Iterator[House]:
    """One edition is offered, so there is nothing to choose."""
    yield from a_house(tmp_path, WEEKLY, CLOSED)


def stamp_of(answer: Asked) -> str:
    found: list[str] = re.findall(r'name="stamp" value="([^"]+)"', answer.text)
    return found[0]


# ------------------------------------------------------------------------------------------------------------- the form


def test_the_form_offers_what_is_open(house: House) -> None:
    """Each edition with how often it comes, and none that nobody may subscribe to; the form for other sites beside."""
    answer = house.get("/subscribe")
    assert answer.status == 200
    assert re.findall(r'name="edition-(\w+)" value="yes"', answer.text) == ["daily", "weekly"]
    assert "one mail a day" in answer.text
    assert "Closed" not in answer.text
    snippet = unescape(re.findall(r"<code>(.*?)</code>", answer.text, re.DOTALL)[0])
    assert '<form method="post" action="https://planet.example/subscribe">' in snippet
    assert "The &lt;Daily&gt;" in snippet
    assert "<script" not in snippet


def test_a_link_may_choose_an_edition_and_a_language(house: House) -> None:
    """What there are no words of is the site's language, and so is nonsense."""
    assert re.findall(r'edition-(\w+)" value="yes" checked', house.get("/subscribe?edition=daily").text) == ["daily"]
    german = house.get("/subscribe?lang=de").text
    assert '<html lang="de"' in german
    assert 'name="lang" value="de"' in german
    assert 'dir="rtl"' in house.get("/subscribe?lang=ar").text
    for regional in ("de-AT", "DE", "de-Latn-CH"):
        assert '<html lang="de"' in house.get(f"/subscribe?lang={regional}").text
    for nonsense in ("xx", "../../etc", "%22%3E%3Cscript%3E", ""):
        assert '<html lang="en"' in house.get(f"/subscribe?lang={nonsense}&edition=%3Cb%3E").text


def test_looking_changes_nothing(house: House) -> None:
    """However often a page or a link is asked for, by GET or HEAD, as programs do that check mails."""
    house.subscribe()
    paths = ["/subscribe", f"/confirm/{house.token()}", f"/refuse/{house.way_out()}"]
    before = house.dump()
    for path in paths * 20:
        for method in ("GET", "HEAD"):
            assert house.get(path, method).status == 200
    assert house.dump() == before


def test_the_way_in(house: House) -> None:
    """Form, mail, page with a button, subscribed; the link once more says so, and no step sets a cookie."""
    asked = house.subscribe()
    assert (asked.status, house.running()) == (200, set())
    assert "Look into your mail" in asked.text
    path = f"/confirm/{house.token()}"
    assert "Confirm your subscription" in house.get(path).text
    done = house.send(path, "do=confirm")
    assert (done.status, house.running()) == (200, {"weekly"})
    assert "You are subscribed" in done.text
    again = house.send(path, "do=confirm")
    assert (again.status, "was used already" in again.text) == (200, True)
    assert "was used already" in house.get(path).text
    with open_store(house.database) as store:
        erasing.erase(store, ANN, house.now, reason="erased")
    gone = house.get(path).text
    assert "ask for a new mail" in gone
    assert not any(said in gone for said in ("confirmed already", "Each issue"))
    for answer in (asked, done, again):
        assert answer.headers["Set-Cookie"] is None
        assert "script" not in answer.headers["Content-Security-Policy"]


def test_the_way_out(house: House) -> None:
    """One button, and nobody has mail sent to the address any more."""
    house.subscribe()
    confirm, path = f"/confirm/{house.token()}", f"/refuse/{house.way_out()}"
    assert "Never ask this address again?" in house.get(path).text
    for _ in range(2):
        assert "You will not be asked again" in house.send(path, "do=refuse").text
    assert house.send(confirm, "do=confirm").status == 404
    house.now += timedelta(days=2)
    assert "Look into your mail" in house.subscribe().text
    assert house.notes() == []


def test_a_link_that_has_run_out_says_what_to_do(house: House) -> None:
    """One that is none of ours may have been cut off; a button of another page is no answer to it."""
    house.subscribe()
    path = f"/confirm/{house.token()}"
    assert house.send(path, "do=leave").status == 400
    house.now += timedelta(hours=72)
    for one, said in (
        (path, 'href="../subscribe"'),
        (path[:-1], "may have been cut off"),
        ("/confirm/x", "may have been cut off"),
        ("/refuse/1-x-y", "may have been cut off"),
        (f"/refuse/{house.token()}", "may have been cut off"),
    ):
        for answer in (house.get(one), house.send(one, f"do={one.split('/')[1]}")):
            assert answer.status == 404
            assert said in answer.text, one
    assert house.running() == set()


def test_who_did_not_want_what_was_confirmed_is_told_how_to_leave(house: House) -> None:
    """The mail's other link refuses nothing then, and the page leads to the way out that readers have."""
    house.subscribe()
    confirm, refuse = f"/confirm/{house.token()}", f"/refuse/{house.way_out()}"
    house.send(confirm, "do=confirm")
    for answer in (house.get(refuse), house.send(refuse, "do=refuse")):
        assert answer.status == 404
        assert "a link at the end of each mail ends that" in answer.text
        assert 'href="../preferences"' in answer.text
    assert house.running() == {"weekly"}


def test_a_confirmation_after_never_again_promises_nothing(house: House) -> None:
    """What was refused is not offered anew without a word: no mail would come."""
    house.subscribe()
    confirm = f"/confirm/{house.token()}"
    house.send(f"/refuse/{house.way_out()}", "do=refuse")
    assert "if you asked never to be asked again, nothing comes" in house.get(confirm).text


def test_no_bit_of_a_link_may_be_wrong(house: House) -> None:
    """Each character of both links counts."""
    house.subscribe()
    for kind, token in (("confirm", house.token()), ("refuse", house.way_out())):
        for place in range(len(token)):
            wrong = token[:place] + chr(ord(token[place]) ^ 1) + token[place + 1 :]
            with open_store(house.database) as store:
                look = signup.look_up if kind == "confirm" else signup.look_up_refusal
                found = look(store, wrong, NOW)
                assert (found if isinstance(found, str) else found.step) == "not ours", (kind, place)


# --------------------------------------------------------------------------------------------------- who fills the form


def test_a_person_takes_three_seconds(house: House) -> None:
    """Who is faster is asked to press once more, and that is enough; nothing that was typed is lost."""
    stamp = stamp_of(house.get("/subscribe"))
    house.now += timedelta(seconds=1)
    fast = house.subscribe(stamp=stamp, lang="de")
    assert "noch einmal" in fast.text
    assert f'value="{ANN}"' in fast.text
    assert re.findall(r'edition-(\w+)" value="yes" checked', fast.text) == ["weekly"]
    assert house.notes() == []
    house.now += timedelta(seconds=3)
    assert "Sehen Sie" in house.subscribe(stamp=stamp_of(fast), lang="de").text
    assert house.notes() == [("confirm", ANN)]


@pytest.mark.parametrize("age", [timedelta(hours=24), timedelta(days=300)])
def test_a_page_that_was_kept_for_long_is_asked_once_more(house: House, age: timedelta) -> None:
    """It gets a new time; so does one with a time that is none of ours."""
    stamp = stamp_of(house.get("/subscribe"))
    house.now += age
    for old in (stamp, "1-forged-2", stamp[:-1]):
        again = house.subscribe(stamp=old)
        assert "once more" in again.text
        assert house.notes() == []
    house.now += timedelta(seconds=4)
    house.subscribe(stamp=stamp_of(again))
    assert house.notes() == [("confirm", ANN)]


def test_a_program_that_fills_everything_is_told_the_same(house: House) -> None:
    """Byte for byte, and nothing comes of it."""
    real, fake = house.subscribe(BOB), house.subscribe(ANN, website="https://spam.example/")
    assert (fake.status, fake.body) == (real.status, real.body)
    assert house.notes() == [("confirm", BOB)]


def test_the_form_of_another_site_works(house: House) -> None:
    """It has no time, and the decoy is empty; a browser sends where it comes from, and nobody minds."""
    body = urlencode({"address": ANN, "edition-weekly": "yes", "website": ""})
    answer = house.send("/subscribe", body, {**FORM, "Origin": "https://elsewhere.example"})
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] is None
    assert house.notes() == [("confirm", ANN)]


def test_with_one_edition_there_is_nothing_to_choose(small_house: House) -> None:
    """The form has no checkboxes, and neither form nor JSON must name it."""
    assert 'type="checkbox"' not in small_house.get("/subscribe").text
    small_house.send("/subscribe", urlencode({"address": ANN}))
    small_house.json({"address": BOB})
    assert small_house.notes() == [("confirm", ANN), ("confirm", BOB)]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"address": "ann"}, "no-address"),
        ({"address": "ann@localhost"}, "no-address"),
        ({"address": ""}, "no-address"),
        ({"address": "a@b.example\r\nBcc: c@d.example"}, "no-address"),
        ({"address": "a@b.example, c@d.example"}, "no-address"),
        ({"address": "<script>alert(1)</script>@b.example"}, "no-address"),
        ({"address": "{{ 7 * 7 }}@b.example"}, "no-address"),
        ({"address": f"{'a' * 250}@b.example"}, "no-address"),
        ({"edition-weekly": ""}, "no-edition"),
        ({"edition-weekly": "", "edition-closed": "yes"}, "no-edition"),
        ({"edition-weekly": "", "edition-<b>": "yes"}, "no-edition"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(house: House, fields: dict[str, str], complaint: str) -> None:
    """With status 400, what was typed kept and escaped, and no mail."""
    filled = {"address": ANN, "edition-weekly": "yes"} | fields
    answer = house.send("/subscribe", urlencode(filled))
    assert answer.status == 400
    assert f'id="{complaint}" role="alert"' in answer.text
    assert f'aria-describedby="{complaint}"' in answer.text
    assert "<script>" not in answer.text
    assert "49" not in answer.text
    assert house.notes() == []


@pytest.mark.parametrize(
    "body",
    [
        "address=a&address=b",
        "&".join(f"f{n}=1" for n in range(100)),
        "address=" + "a" * 3000,
        "a" * 3000 + "=1",
        b"\xff\xfe\x00=\x00",
        "%00=%00&address=%00",
        "=&=&==",
    ],
)
def test_hostile_forms_end_in_a_page(house: House, body: str | bytes) -> None:
    """Never in an error of the server, and never in a mail."""
    answer = house.send("/subscribe", body)
    assert answer.status == 400
    assert house.notes() == []


def test_too_much_is_not_taken_in(house: House) -> None:
    """A form or JSON of megabytes is refused as such."""
    for kind in (FORM, JSON):
        assert house.send("/subscribe", b"x" * 100_000, kind).status == 413


# ---------------------------------------------------------------------------------------------------------------- JSON


def test_json_is_taken_as_a_form_is(house: House) -> None:
    """202 with JSON, the same mail, and a record of how it came."""
    answer = house.json({"address": ANN, "editions": ["weekly", "daily"], "language": "fr"})
    assert answer.status == 202
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text)["status"] == "accepted"
    with open_store(house.database) as store:
        (note,) = notes.due(store, house.now)
        found = signups.named(store, note.name)
    assert found is not None
    assert (found.editions, found.language, found.evidence.form) == (("daily", "weekly"), "fr", "json")
    assert "Je souhaite" in found.evidence.wording
    assert "The Weekly (un message par jour)" in found.evidence.wording


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "the body is not JSON"),
        ("{", "the body is not JSON"),
        ("[" * 60_000, "the body is not JSON"),
        ("[]", "the body must be an object"),
        ("null", "the body must be an object"),
        ('{"adress": "a@b.example", "editions": ["weekly"]}', "`adress` is unknown; known are `address`"),
        ('{"editions": ["weekly"]}', "`address` is missing"),
        ('{"address": 1, "editions": ["weekly"]}', "`address` must be a text"),
        ('{"address": {"a": []}, "editions": ["weekly"]}', "`address` must be a text"),
        ('{"address": "ann", "editions": ["weekly"]}', "`address` is no mail address"),
        ('{"address": "ann@mail.internal", "editions": ["weekly"]}', "`address` is no mail address"),
        ('{"address": "\\ud800@b.example", "editions": ["weekly"]}', "`address` is no mail address"),
        ('{"address": "a@b.example\\u0000", "editions": ["weekly"]}', "`address` is no mail address"),
        ('{"address": "\\ufffd@b.example", "editions": ["weekly"]}', "`address` is no mail address"),
        ('{"address": "a@b.example"}', "`editions` must name at least one of `daily`, `weekly`"),
        ('{"address": "a@b.example", "editions": "weekly"}', "`editions` must be a list of names"),
        ('{"address": "a@b.example", "editions": [["weekly"], {}]}', "`editions` must be a list of names"),
        ('{"address": "a@b.example", "editions": ["closed"]}', "`editions` names one that is not offered"),
        ('{"address": "a@b.example", "editions": ["weekly", "x"]}', "`editions` names one that is not offered"),
        ('{"address": "a@b.example", "editions": ["weekly"], "language": 1}', "`language` must be a text"),
        (
            '{"address": "a@b.example", "editions": ["weekly"], "language": "klingon"}',
            "`language` names one that there",
        ),
    ],
)
def test_json_that_asks_for_nothing(house: House, body: str, said: str) -> None:
    """400 with an error in JSON that says what is wrong, and no mail."""
    answer = house.send("/subscribe", body, JSON)
    assert answer.status == 400
    assert json.loads(answer.text)["error"].startswith(said)
    assert house.notes() == []


def test_json_with_a_regional_language_gets_the_nearest(house: House) -> None:
    """RFC 4647: de for de-AT; the mail comes in it."""
    assert house.json({"address": ANN, "editions": ["weekly"], "language": "de-AT"}).status == 202
    with open_store(house.database) as store:
        assert [one.language for one in signups.of_address(store, ANN)] == ["de"]


def test_an_edition_that_json_names_twice_is_one(house: House) -> None:
    """As with a list that a program put together."""
    assert house.json({"address": ANN, "editions": ["weekly", "weekly"]}).status == 202
    assert house.notes() == [("confirm", ANN)]


def test_errors_are_told_to_programs_in_json(house: House) -> None:
    """Whatever is wrong, where JSON was sent: too much of it, another address."""
    for path, body, status in (("/subscribe", "x" * 100_000, 413), ("/nowhere", "{}", 405), ("/u/x", "{}", 400)):
        answer = house.send(path, body, JSON)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json"), path
        assert json.loads(answer.text)["error"]


# ---------------------------------------------------------------------------------------------------------------- abuse


def test_impatience_is_told_how_long_to_wait(house: House) -> None:
    """The fourth of a network, whatever it asks for; as a page and as JSON."""
    for number in range(3):
        assert house.subscribe(f"r{number}@readers.example", "192.0.2.1").status == 200
    page = house.subscribe(ANN, "192.0.2.2")
    program = house.json({"address": ANN, "editions": ["weekly"]}, "192.0.2.3")
    for answer in (page, program):
        assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert json.loads(program.text) == {"error": "too often; ask again later"}
    assert len(house.notes()) == 3


def _prepare(house: House) -> dict[str, str]:
    """An address of each kind that there is."""
    addresses = {kind: f"{kind}@readers.example" for kind in ("pending", "subscribed", "left", "refused", "limited")}
    with open_store(house.database) as store:
        readers = tuple(Subscriber(addresses[kind]) for kind in ("subscribed", "left"))
        file_readers.sync(store, [DAILY, replace(WEEKLY, subscribers=readers)], NOW)
        left = subscribers.find(store, addresses["left"])
        assert left is not None
        subscribers.leave(store, left.id, "weekly", "complaint", Evidence(), NOW)
        with store.write():
            refusals.keep(store, addresses["refused"], "operator", NOW)
            _limit(store, addresses["limited"])
    house.subscribe(addresses["pending"])
    return {"new": "new@readers.example"} | addresses


def _limit(store: Store, address: str) -> None:
    print_ = pseudonym(address, site_table.secret(store))
    signups.note_asked(store, print_, Mailed(3, NOW - timedelta(days=9)), NOW)


def test_no_answer_tells_who_is_subscribed(house: House) -> None:
    """Status, body, length and headers are the same for an address that is new, pending, subscribed, gone, refused, or
    over its limit; as a page and as JSON."""
    for kind in ("form", "json"):
        answers = set()
        for address in _prepare(house).values():
            asked = (
                house.subscribe(address) if kind == "form" else house.json({"address": address, "editions": ["weekly"]})
            )
            headers = tuple((name, value) for name, value in asked.headers.items() if name != "Date")
            answers.add((asked.status, asked.body, headers))
        assert len(answers) == 1, kind


def test_no_time_tells_who_is_subscribed(house: House) -> None:
    """Asked in turn, again and again, in any order: no kind of address is answered faster, or slower, than most others
    in nearly all turns. How busy the machine is makes no difference to that, as it would to a limit of seconds."""
    kinds, order, slow = _prepare(house), random.Random(1), Counter[str]()
    turns = 24
    for turn in range(turns):
        house.now += timedelta(hours=1)  # the budget of all
        taken = {}
        for kind, address in order.sample(sorted(kinds.items()), len(kinds)):
            one = f"new{turn}@readers.example" if kind == "new" else address
            begun = time.perf_counter()
            assert house.subscribe(one).status == 200
            taken[kind] = time.perf_counter() - begun
        slow.update(kind for kind in taken if taken[kind] > statistics.median(taken.values()))
    assert all(2 <= slow[kind] <= turns - 2 for kind in kinds), slow
