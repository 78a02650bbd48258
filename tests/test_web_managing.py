"""The way to the page of preferences, and what readers do about themselves there, over real HTTP."""

from __future__ import annotations

import json
import random
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote_plus, urlencode, urljoin, urlsplit

import pytest

from tests.builders import NOW as MADE_AT
from tests.stocking import blog, configure
from tests.test_web_leaving import ANN, BOB, EDITIONS, NOW, House
from tests.webs import FORM, Asked, ask, serving
from tidings import managing, moving, signing, standing
from tidings.addresses import pseudonym
from tidings.letters import SAMPLE, PostOffice, render
from tidings.model import Choices, Evidence, IssueContent, Subscriber
from tidings.render.pages import PlanetPage, render_planet
from tidings.signing import Purpose
from tidings.store import (
    choices,
    erasing,
    file_readers,
    issues,
    keys,
    notes,
    open_store,
    refusals,
    signups,
    subscribers,
    suppressions,
)
from tidings.store import site as site_table
from tidings.store.issues import Letter
from tidings.store.suppressions import ALL
from tidings.web.site import Site

CAT = "cat@readers.example"
LONG = "مدونة طويلة الاسم جدًا حتى نهاية السطر في صفحة الخيارات كلها رقم"
MANY = tuple(blog(f"{LONG} {n}", tags=(f"وسم {n}",)) for n in range(200))


class Hall(House):
    """A house in which each request comes from a network of its own."""

    requests = 0

    def send(self, path: str, fields: dict[str, str], client: str = "") -> Asked:
        self.requests += 1
        client = client or f"10.{self.requests // 250}.{self.requests % 250}.1"
        return ask(self.port, "POST", path, urlencode(fields), {**FORM, "X-Forwarded-For": client})

    def ask_for_link(self, address: str = ANN, client: str = "", **fields: str) -> Asked:
        return self.send("/preferences", {"address": address} | fields, client)

    def waiting(self) -> list[tuple[str, str]]:
        """The mails that are to go out."""
        with open_store(self.database) as store:
            return [(one.kind, one.address) for one in notes.due(store, self.now + timedelta(days=900))]

    def link(self, address: str = ANN) -> str:
        with open_store(self.database) as store:
            public_id, scope = subscribers.public_ids(store, [address])[address], managing.scope_of(store, address)
            return f"/preferences/{signing.sign(Purpose.MANAGE, public_id, scope, keys.listed(store), self.now)}"

    def move_link(self, purpose: Purpose = Purpose.MOVE) -> str:
        """A link of the last change of address that was asked for."""
        with open_store(self.database) as store:
            name = store.rows("SELECT name FROM moves ORDER BY asked_at DESC")[0]["name"]
            return f"/{purpose.value}/{signing.sign(purpose, name, '', keys.listed(store), self.now)}"

    def want(self, address: str, link: str = "", client: str = "") -> Asked:
        return self.send(f"{link or self.link()}/reader/move", {"do": "move", "address": address}, client)

    def addresses(self) -> set[str]:
        with open_store(self.database) as store:
            return {one.address for one in subscribers.listed(store)}


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "tidings.db", now=NOW)
    with open_store(hall.database) as store:
        configure(store, *MANY, editions=EDITIONS, now=NOW)
        keys.usable(store, NOW)
    (tmp_path / "public").mkdir()
    site = Site(
        url="https://planet.example",
        title="Example Planet",
        editions=EDITIONS,
        sources=MANY,
        open_store=lambda: open_store(hall.database),
        clock=lambda: hall.now,
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )
    with serving(tmp_path / "public", site) as port:
        hall.port = port
        yield hall


# ---------------------------------------------------------------------------------------------------------- the way in


def test_a_subscriber_is_mailed_a_link_and_nobody_else(hall: Hall) -> None:
    """The page is the same byte for byte; a stranger gets no mail at all."""
    known, stranger = hall.ask_for_link(ANN.upper()), hall.ask_for_link("stranger@readers.example")
    assert (known.status, known.body) == (stranger.status, stranger.body)
    assert "If this address is subscribed here" in known.text
    assert hall.waiting() == [("manage", ANN)]


def test_what_leads_to_it(hall: Hall) -> None:
    """The pages of leaving and coming back, both parts of each mail, and the planet: without any token, and only where
    there are such pages."""
    path = f"/u/{hall.token(ANN)}"
    for where, do in ((path, "leave"), (f"{path}/return", "return")):
        page = hall.post(where, f"do={do}")
        (found,) = re.findall(r'href="([^"]*preferences)"', page.text)
        assert hall.get(urlsplit(urljoin(f"http://localhost{where}", found)).path).status == 200
    content = IssueContent("daily", "Daily", 1, "S", MADE_AT, "UTC", "en", "P", "https://p.example", ())
    office = PostOffice("a@p.example", "", "", nullcontext)  # type: ignore[arg-type]
    for link_keys, count in ((SAMPLE, 1), ((), 0)):
        mail = render(content, office, keys=link_keys)
        for part in (mail.html, mail.text):
            assert part.count("https://p.example/preferences") == count
    planet = PlanetPage("P", "https://p.example/", "en", "UTC", ())
    assert 'href="preferences"' not in render_planet(planet)
    assert 'href="preferences"' in render_planet(replace(planet, preferences="preferences"))


def test_the_form_is_that_of_subscribing(hall: Hall) -> None:
    """What no person sees, the time it was shown, and words in the language that was asked for."""
    shown = hall.get("/preferences?lang=de")
    assert (shown.status, 'lang="de"' in shown.text, 'name="website"' in shown.text) == (200, True, True)
    stamp = re.findall(r'name="stamp" value="([^"]+)"', shown.text)[0]
    assert "noch einmal" in hall.ask_for_link(stamp=stamp, lang="de").text
    assert hall.ask_for_link(website="https://spam.example").body == hall.ask_for_link(CAT).body
    assert hall.waiting() == []
    hall.now += timedelta(seconds=4)
    hall.ask_for_link(stamp=stamp, lang="de")
    with open_store(hall.database) as store:
        (note,) = notes.due(store, hall.now)
    assert (note.kind, note.language) == ("manage", "de")


@pytest.mark.parametrize(
    "address", ["ann", "", "a@b.example\r\nBcc: c@d.example", "<script>@b.example", "{{ 7 * 7 }}@b.example", "a" * 1999]
)
def test_what_is_no_address_is_said_beside_its_field(hall: Hall, address: str) -> None:
    """With status 400, what was typed escaped, and no mail; the same for a new address on the page itself."""
    for answer in (hall.ask_for_link(address), hall.want(address)):
        assert (answer.status, "This is no mail address" in answer.text) == (400, True)
        assert "<script>" not in answer.text
        assert "49@" not in answer.text
    hostile = '"><script>x</script>{{ 7 * 7 }}'
    answer = hall.ask_for_link("a", stamp=hostile, lang=hostile, **{hostile: hostile})
    assert (answer.status, "<script>" in answer.text, "49}" in answer.text) == (200, False, False)
    assert hall.waiting() == []


def test_an_address_gets_one_mail_in_five_minutes_and_six_a_day(hall: Hall) -> None:
    """However often it is asked for, and whoever asks; the page says the same each time."""
    pages, sent = set(), []
    moments = [timedelta(minutes=minutes) for minutes in (0, 4, 5, 10, 15, 20, 25, 30, 600, 1439, 1440, 1441, 1445)]
    for moment in moments:
        hall.now = NOW + moment
        pages.add(hall.ask_for_link().body)
        sent.append(len(hall.waiting()))
    assert sent == [1, 1, 2, 3, 4, 5, 6, 6, 6, 6, 7, 7, 8]
    assert len(pages) == 1
    hall.ask_for_link(BOB)
    hall.now += timedelta(minutes=4)
    hall.ask_for_link(BOB)
    assert [address for _, address in hall.waiting()].count(BOB) == 1


def test_who_asks_too_often_is_told_to_wait(hall: Hall) -> None:
    """By network, counted apart from sign-ups, and kept in the database: the server may have been started anew."""
    for number in range(3):
        assert hall.ask_for_link(f"r{number}@readers.example", "192.0.2.1").status == 200
    answer = hall.ask_for_link(ANN, "192.0.2.2")
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert "Please wait a while" in answer.text
    with open_store(hall.database) as store:
        assert store.rows("SELECT * FROM throttle")
    assert hall.waiting() == []
    assert hall.ask_for_link(ANN, "192.0.3.1").status == 200


def test_a_flood_from_everywhere_is_told_to_wait(hall: Hall) -> None:
    """A hundred links at once in all, apart from sign-ups; the operator hears of it."""
    statuses = Counter(hall.ask_for_link(f"r{number}@readers.example").status for number in range(105))
    assert statuses == {200: 100, 429: 5}
    with open_store(hall.database) as store:
        assert signups.floods(store) == {"link": NOW}


def _prepare(hall: Hall) -> dict[str, str]:
    """An address of each kind that there is."""
    kinds = ("subscribed", "left", "complained", "bounced", "refused", "erased", "limited")
    addresses = {kind: f"{kind}@readers.example" for kind in kinds}
    with open_store(hall.database) as store:
        file_readers.sync(store, [replace(EDITIONS[0], subscribers=tuple(map(Subscriber, addresses.values())))], NOW)
        left = subscribers.find(store, addresses["left"])
        assert left is not None
        subscribers.leave_all(store, left.id, "link", Evidence(), NOW)
        standing.suppress(store, addresses["complained"], ALL, "complained", "", NOW)
        standing.suppress(store, addresses["bounced"], ALL, "bounced", "", NOW)
        erasing.erase(store, addresses["erased"], NOW, reason="erased")
        erasing.erase(store, addresses["refused"], NOW)
    hall.ask_for_link(addresses["limited"])
    return {"new": "new@readers.example"} | addresses


def test_no_answer_tells_who_is_subscribed(hall: Hall) -> None:
    """Status, body, length and headers are the same for each kind of address. Who left may come to the page, and whose
    mail came back; who complained, or was told no, gets nothing."""
    addresses = _prepare(hall)
    answers = set()
    for address in addresses.values():
        asked = hall.ask_for_link(address)
        headers = tuple((name, value) for name, value in asked.headers.items() if name != "Date")
        answers.add((asked.status, asked.body, headers))
    assert len(answers) == 1
    mailed = {address for _, address in hall.waiting()}
    assert mailed == {addresses[kind] for kind in ("subscribed", "left", "bounced", "limited")}


def test_no_time_tells_who_is_subscribed(hall: Hall) -> None:
    """Asked in turn, again and again, in any order: no kind of address is answered faster, or slower, than most others
    in nearly all turns."""
    kinds, order, slow = _prepare(hall), random.Random(1), Counter[str]()
    turns = 24
    for turn in range(turns):
        hall.now += timedelta(hours=1)
        taken = {}
        for kind, address in order.sample(sorted(kinds.items()), len(kinds)):
            one = f"new{turn}@readers.example" if kind == "new" else address
            begun = time.perf_counter()
            assert hall.ask_for_link(one).status == 200
            taken[kind] = time.perf_counter() - begun
        slow.update(kind for kind in taken if taken[kind] > statistics.median(taken.values()))
    assert all(1 <= slow[kind] <= turns - 1 for kind in kinds), slow


def test_looking_changes_nothing(hall: Hall) -> None:
    """GET and HEAD of every page, as programs do that check mails."""
    hall.want("new@readers.example")
    link = hall.link()
    paths = [
        "/preferences",
        link,
        f"{link}/reader/erase",
        f"{link}/reader/export",
        f"{link}/reader/move",
        hall.move_link(),
        hall.move_link(Purpose.WITHDRAW),
    ]
    before = hall.dump()
    for path in paths * 5:
        for method in ("GET", "HEAD"):
            assert hall.get(path, method).status == 200, path
    assert hall.dump() == before


# ------------------------------------------------------------------------------------------------------ a large edition


def test_an_edition_of_many_blogs_can_be_chosen_from(hall: Hall) -> None:
    """All boxes of two hundred blogs and as many tags, with long names in Arabic; what no page offers has no room."""
    boxes = {f"source-{one.name}": "on" for one in MANY} | {f"tag-{one.tags[0]}": "on" for one in MANY}
    assert sum(len(quote_plus(name)) for name in boxes) > 64_000
    assert hall.send(f"{hall.link()}/daily", {"do": "save"} | boxes).status == 200
    with open_store(hall.database) as store:
        reader = subscribers.find(store, ANN)
        assert reader is not None
        chosen = choices.find(store, reader.id, "daily")
    assert chosen is not None
    assert (len(chosen.sources_off), len(chosen.tags_off)) == (200, 200)
    assert hall.send(f"{hall.link()}/daily", {f"x{n}": "" for n in range(900)}).status == 400
    assert hall.send(f"{hall.link()}/nothing", {f"x{n}": "" for n in range(51)}).status == 400


# -------------------------------------------------------------------------------------------------------------- export


def test_a_reader_gets_all_that_is_kept(hall: Hall) -> None:
    """As a file that nobody else keeps: address, subscriptions, choices, trail, deliveries and suppressions; nothing of
    anybody else."""
    with open_store(hall.database) as store:
        ann = subscribers.find(store, ANN)
        assert ann is not None
        content = IssueContent("daily", "Daily", 1, "S", MADE_AT, "UTC", "en", "P", "https://p.example", ())
        letters = [Letter(ANN, "<1>", "", ann.id), Letter(BOB, "<2>", "", None)]
        issues.freeze(store, content, letters, None, NOW)
        standing.suppress(store, ANN, ALL, "bounced", "550 no", NOW)
    hall.send(f"{hall.link()}/daily", {"do": "save", "cadence": "weekly"})
    hall.want("new@readers.example")
    answer = hall.send(f"{hall.link()}/reader/export", {"do": "export"})
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tidings.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    kept = json.loads(answer.text)
    assert kept["address"] == ANN
    assert {one["edition"]: one["origin"] for one in kept["subscriptions"]} == {"daily": "file", "weekly": "file"}
    assert kept["choices"][0]["chosen"]["cadence"] == "weekly"
    assert [one["what"] for one in kept["trail"]] == ["listed", "listed", "changed"]
    assert [(one["issue"], one["state"]) for one in kept["deliveries"]] == [("daily-1", "pending")]
    assert kept["changes_of_address"][0]["address"] == "new@readers.example"
    assert kept["suppressions"] == []  # the button came by mail, so mail arrives
    assert BOB not in answer.text


def test_a_table_that_knows_of_readers_is_exported(hall: Hall) -> None:
    """Whatever table has a column by which a reader is known has its part in the export, or is named here as one that
    holds nothing else."""
    with open_store(hall.database) as store:
        found = {
            row["name"]
            for row in store.rows("""SELECT DISTINCT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name IN ('subscriber_id', 'fingerprint', 'address', 'address_key')""")
        }
    from tidings.store import exporting

    said = " ".join(exporting._KEPT.values())
    assert {name for name in found if not re.search(rf"\b{name}\b", said)} == {"subscribers"}


# --------------------------------------------------------------------------------------------------------------- erase


def test_erasing_is_asked_once_more(hall: Hall) -> None:
    """A button, a page, a button; then there is nobody, and the page says so, since no mail can."""
    link = hall.link()
    asked = hall.send(f"{link}/reader/erase", {"do": "ask"})
    assert (asked.status, ANN in hall.addresses()) == (200, True)
    assert 'action="erase"' in asked.text
    done = hall.send(f"{link}/reader/erase", {"do": "erase"})
    assert "You are erased" in done.text
    assert hall.addresses() == {BOB}
    assert not [line for line in hall.dump() if ANN in line]
    assert hall.waiting() == []
    for again in (hall.get(link), hall.send(f"{link}/reader/erase", {"do": "erase"})):
        assert again.status == 410


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("reader/erase", {"do": "erase"}),
        ("reader/move", {"do": "move", "address": CAT}),
        ("daily", {"do": "leave"}),
    ],
)
@pytest.mark.parametrize("has_moved", [True, False])
def test_who_is_too_late_is_told_so(hall: Hall, path: str, fields: dict[str, str], has_moved: bool) -> None:
    """Another page erases the reader, or gives it another address, while a request waits for its turn: the link is
    worth nothing then. Nothing happens, and nobody is told that it did."""
    link, answers = hall.link(), []
    hall.want("new@readers.example")
    token = hall.move_link().rpartition("/")[2]
    waiting = threading.Thread(target=lambda: answers.append(hall.send(f"{link}/{path}", fields)))
    with open_store(hall.database) as store:
        with store.write():
            waiting.start()
            time.sleep(0.5)
            if has_moved:
                assert moving.confirm(store, token, None, hall.now).step == "open"
            else:
                erasing.erase(store, ANN, hall.now, reason="erased")
        before = "\n".join(store.conn.iterdump())
        waiting.join()
        assert [one.status for one in answers] == [410]
        assert "\n".join(store.conn.iterdump()) == before
    assert hall.addresses() == {BOB, "new@readers.example"} if has_moved else {BOB}


def test_the_file_is_written_anew_later(hall: Hall) -> None:
    """Not within the request: it is noted, done once, and not again soon after; however many were erased."""
    hall.send(f"{hall.link()}/reader/erase", {"do": "erase"})
    with open_store(hall.database) as store:
        assert erasing.scrub_due(store, hall.now)
        assert not erasing.scrub_due(store, hall.now + timedelta(days=1))
        erasing.erase(store, BOB, hall.now, reason="erased")
        assert not erasing.scrub_due(store, hall.now + timedelta(hours=2))
        assert erasing.scrub_due(store, hall.now + timedelta(hours=3))
    assert ANN.encode() not in b"".join(one.read_bytes() for one in hall.database.parent.glob("tidings.db*"))


def test_other_buttons_do_nothing(hall: Hall) -> None:
    """A form without its button, or with another, is refused."""
    before = hall.dump()
    for what in ("erase", "export", "move"):
        assert hall.send(f"{hall.link()}/reader/{what}", {"do": "x", "address": CAT}).status == 400
    assert hall.dump() == before


# ------------------------------------------------------------------------------------------------------------ the link


def test_a_link_is_worth_nothing_at_another_address(hall: Hall) -> None:
    """It is tied to the address that it was mailed to, not to the reader's next one; and each bit of it counts."""
    link = hall.link()
    hall.want("new@readers.example", link)
    assert hall.send(hall.move_link(), {"do": "move"}).status == 200
    assert hall.get(link).status == 410
    assert hall.send(f"{link}/reader/erase", {"do": "erase"}).status == 410
    token = hall.link(BOB).removeprefix("/preferences/")
    with open_store(hall.database) as store:
        for place in range(len(token)):
            wrong = token[:place] + chr(ord(token[place]) ^ 1) + token[place + 1 :]
            assert isinstance(managing.read(store, wrong, hall.now), signing.Refusal), place


def test_who_comes_by_the_link_is_mailed_again(hall: Hall) -> None:
    """Mail that came back ends with a button of the page, since its link came by mail; a complaint does not."""
    with open_store(hall.database) as store:
        print_ = pseudonym(ANN, site_table.secret(store))
        standing.suppress(store, ANN, ALL, "bounced", "550 no", NOW)
        hall.send(f"{hall.link()}/daily", {"do": "save", "cadence": "weekly"})
        assert suppressions.of(store, print_, "daily") == []
        standing.suppress(store, ANN, ALL, "complained", "", NOW)
        hall.send(f"{hall.link()}/daily", {"do": "save", "cadence": "daily"})
        assert [one.reason for one in suppressions.of(store, print_, "daily")] == ["complained"]


# -------------------------------------------------------------------------------------------------- change of address


def test_the_page_says_the_same_whosever_the_new_address_is(hall: Hall) -> None:
    """New, another reader's, refused, or one that had such a mail: only the mails differ."""
    with open_store(hall.database) as store, store.write():
        refusals.keep(store, "no@readers.example", "never-ask", NOW)
    pages, link = set(), hall.link()
    for address in ("new@readers.example", BOB, "no@readers.example"):
        answer = hall.want(address, link)
        headers = tuple((name, value) for name, value in answer.headers.items() if name != "Date")
        pages.add((answer.status, answer.body, headers))
    assert len(pages) == 1
    assert "Look into the mail of the new address" in answer.text
    assert hall.waiting() == [("moving", ANN)]


def test_a_reader_may_ask_for_three_moves_a_day(hall: Hall) -> None:
    """From whatever network; then the page says to wait."""
    for number in range(3):
        assert hall.want(f"new{number}@readers.example").status == 200
    answer = hall.want("new4@readers.example")
    assert (answer.status, answer.headers["Retry-After"]) == (429, str(24 * 3600))
    assert "Please try again tomorrow." in answer.text
    assert hall.want(ANN.title()).status == 400


def test_moving_and_taking_it_back(hall: Hall) -> None:
    """Each link leads to a page with a button; the one that takes it back makes the other worthless, and says the same
    when it is used twice."""
    hall.want("new@readers.example")
    move, stay = hall.move_link(), hall.move_link(Purpose.WITHDRAW)
    assert "new@readers.example" in hall.get(move).text
    assert hall.send(stay, {"do": "move"}).status == 400
    assert "stays as it is" in hall.send(stay, {"do": "stay"}).text
    for again in (hall.send(stay, {"do": "stay"}), hall.get(stay)):
        assert (again.status, "stays as it is" in again.text) == (200, True)
    assert hall.send(move, {"do": "move"}).status == 404
    assert hall.addresses() == {ANN, BOB}
    assert hall.waiting() == []
    hall.want("new@readers.example")
    move = hall.move_link()
    for _ in range(2):
        assert "Your address is changed" in hall.send(move, {"do": "move"}).text
    assert hall.addresses() == {"new@readers.example", BOB}
    assert hall.waiting() == [("moved", ANN)]


def test_a_change_of_who_is_erased_has_run_out(hall: Hall) -> None:
    """The link that was used says no more that all comes to the new address."""
    hall.want("new@readers.example")
    move = hall.move_link()
    assert hall.send(move, {"do": "move"}).status == 200
    hall.send(f"{hall.link('new@readers.example')}/reader/erase", {"do": "erase"})
    for answer in (hall.get(move), hall.send(move, {"do": "move"})):
        assert answer.status == 404
        assert "This link has run out" in answer.text


def test_chosen_things_stay_with_the_reader(hall: Hall) -> None:
    """Choices, links in old mails, and where the trail began."""
    way_out = f"/u/{hall.token(ANN)}"
    hall.send(f"{hall.link()}/daily", {"do": "save", "cadence": "weekly"})
    hall.want("new@readers.example")
    hall.send(hall.move_link(), {"do": "move"})
    with open_store(hall.database) as store:
        reader = subscribers.find(store, "new@readers.example")
        assert reader is not None
        chosen = choices.find(store, reader.id, "daily")
    assert chosen is not None
    assert replace(chosen, timezone="UTC") == Choices(cadence="weekly")
    hall.post(way_out)
    assert ("new@readers.example", "daily") not in hall.running()
