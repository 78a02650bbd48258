"""The configuration: what it accepts, what it says of what it refuses, and on which line."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tidings import config
from tidings.config.lines import KeyPath, key_lines, line_of
from tidings.config.reading import _source
from tidings.config.rules import rule
from tidings.config.schedules import schedule
from tidings.config.schema import TABLES, SourceTable, keys_of
from tidings.config.settings import Transport
from tidings.config.transports import transport
from tidings.config.values import mailbox
from tidings.errors import ConfigError
from tidings.model import Login, Rule, Source, Subscriber
from tidings.posts.rules import matches
from tidings.store.judging import JudgedPost

SITE = '[site]\ntitle = "Planet"\nurl = "https://planet.example.org"\n'  # lines 1 to 3
SOURCE = '[[sources]]\nurl = "https://blog.example.org/feed"\n'
EDITION = '[[editions]]\nname = "weekly"\nschedule = "weekly fri 08:00"\n'
MAIL = '[mail]\nfrom = "planet@example.org"\n'
FILED = MAIL + 'transport = "file:outbox"\n'
BOUNCES = FILED + '[mail.bounces]\naddress = "b@example.org"\n'
BOUNCES_AT = SITE + BOUNCES + 'listen = "{mail}:25"\n[web]\nlisten = "{web}:25"\n'
READERS = EDITION + 'subscribers = [{ address = "ann@example.org" }]\n'
DKIM = FILED + '[mail.dkim]\nselector = "one"\n'
SMTP = MAIL + 'transport = "smtps://me@mail.example.org"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(path: Path) -> list[str]:
    """What `load` refuses, with the folder cut off so that messages start with the file's name."""
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    return [problem.removeprefix(f"{path.parent}/") for problem in caught.value.problems]


# ------------------------------------------------------------------------------------------------------ accepted


def test_smallest_file_gets_all_defaults(tmp_path: Path) -> None:
    """A title and a URL are enough; everything else has the documented default."""
    loaded = config.load(write(tmp_path, SITE))
    assert loaded.site == config.SiteSettings(
        title="Planet",
        url="https://planet.example.org",
        language="en",
        timezone="UTC",
        contact=None,
        data_dir=tmp_path / "data",
    )
    assert loaded.poll == config.PollSettings(
        min_interval=timedelta(minutes=30),
        max_interval=timedelta(hours=24),
        timeout=timedelta(seconds=30),
        max_bytes=15_000_000,
        host_spacing=timedelta(seconds=2),
        concurrency=32,
        workers="processes",
        allow_networks=(),
    )
    assert (loaded.mail, loaded.editions, loaded.sources) == (None, (), ())
    assert loaded.feed == config.FeedSettings(limit=100, content="full")
    assert loaded.web == config.WebSettings(host="127.0.0.1", port=8000)
    assert loaded.store == config.StoreSettings(keep=timedelta(days=365))


def test_values_reach_the_frozen_settings(tmp_path: Path) -> None:
    """Every kind of value arrives converted: spans, sizes, networks, rates, paths."""
    text = SITE + (
        'data_dir = "../var"\n[poll]\nmin_interval = "90s"\nmax_interval = "7d"\nmax_bytes = "512KB"\n'
        'host_spacing = "0s"\nworkers = "inline"\nallow_networks = ["127.0.0.0/8", "::1"]\n'
        '[web]\nlisten = "[::1]:9000"\n[mail]\nfrom = "planet@example.org"\nrate = "600/m"\n'
        'transport = "file:out/box"\npassword_file = "secret"\npostal_address = """A\nB"""\n'
    )
    loaded = config.load(write(tmp_path, text))
    assert loaded.site.database == tmp_path / "../var/tidings.db"
    assert (loaded.poll.min_interval, loaded.poll.max_interval) == (timedelta(seconds=90), timedelta(days=7))
    assert (loaded.poll.max_bytes, loaded.poll.host_spacing) == (512_000, timedelta(0))
    assert loaded.poll.allow_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert loaded.web == config.WebSettings(host="::1", port=9000)
    assert loaded.mail is not None
    assert (loaded.mail.rate, loaded.mail.password_file) == (10.0, tmp_path / "secret")
    assert loaded.mail.transport.directory == tmp_path / "out/box"
    assert (loaded.mail.postal_address, loaded.mail.is_private) == ("A\nB", False)


@pytest.mark.parametrize(
    ("mail", "more"),
    [
        ('transport = "smtp://localhost"\npostal_address = "1 Street"\n', READERS),
        ('transport = "smtp://localhost"\npostal_address = false\n', READERS),
        ('transport = "file:outbox"\n', READERS),
        ('transport = "smtp://localhost"\n', ""),
        ('transport = "smtp://localhost"\n', EDITION + "subscribers = []\n"),
    ],
)
def test_a_postal_address_is_wanted_where_mail_really_leaves(tmp_path: Path, mail: str, more: str) -> None:
    """Not before there is somebody to be mailed, and a server that does it; false is an answer too."""
    loaded = config.load(write(tmp_path, SITE + MAIL + mail + more)).mail
    assert loaded is not None
    assert loaded.is_private == ("false" in mail)
    assert loaded.postal_address == ("1 Street" if "1 Street" in mail else None)


@pytest.mark.parametrize(
    ("written", "keep"),
    [
        ("30d", timedelta(days=30)),
        (" 720 h ", timedelta(days=30)),
        ("36500d", timedelta(days=36_500)),
        ("forever", None),
        ("forever ", None),
    ],
)
def test_texts_are_kept_for_a_month_at_least(tmp_path: Path, written: str, keep: timedelta | None) -> None:
    """`keep` may be longer than other time spans, and "forever" is no span at all."""
    assert config.load(write(tmp_path, f'{SITE}[store]\nkeep = "{written}"\n')).store.keep == keep


def test_a_subscriber_may_have_a_language(tmp_path: Path) -> None:
    """A subscriber is an address, or a table of it and a language; an edition has the site's unless it says so."""
    readers = 'subscribers = ["a@example.org", { address = "b@example.org", language = "de" }]\n'
    loaded = config.load(write(tmp_path, SITE + 'language = "fr"\n' + EDITION + readers))
    assert loaded.editions[0].subscribers == (Subscriber("a@example.org"), Subscriber("b@example.org", "de"))
    assert loaded.editions[0].language == "fr"
    assert config.load(write(tmp_path, SITE + EDITION + 'language = "ar"\n')).editions[0].language == "ar"


@pytest.mark.parametrize(
    ("keys", "covered"),
    [
        ("", ["a", "b", "c"]),
        ('tags = ["red"]', ["a"]),
        ('sources = ["b"]', ["b"]),
        ('tags = ["red"]\nsources = ["b"]', ["a", "b"]),
    ],
)
def test_an_edition_covers_sources_by_tag_or_name(tmp_path: Path, keys: str, covered: list[str]) -> None:
    """With neither it covers all of them, with both those of either."""
    blogs = [("a", '"red"'), ("b", '"blue"'), ("c", "")]
    sources = [
        f'[[sources]]\nurl = "https://{name}.example/"\nname = "{name}"\ntags = [{tags}]\n' for name, tags in blogs
    ]
    loaded = config.load(write(tmp_path, SITE + EDITION + keys + "\n" + "".join(sources)))
    assert [source.name for source in loaded.sources if loaded.editions[0].covers(source)] == covered


def test_editions_and_sources_become_model_values(tmp_path: Path) -> None:
    """Names, titles and time zones that are left out come from the URL and the site."""
    text = SITE + (
        'timezone = "Europe/Berlin"\n' + EDITION + 'tags = ["a"]\nsubscribers = ["ann@example.org"]\n'
        '[[sources]]\nurl = "https://www.example.org/blog/"\ntags = ["a", "a"]\nevery = "12h"\n'
        'max_posts = 3\ncontent = "title"\ndisabled = true\n'
    )
    loaded = config.load(write(tmp_path, text))
    edition, source = loaded.editions[0], loaded.sources[0]
    assert (edition.title, edition.timezone, edition.tags) == ("Planet: weekly", "Europe/Berlin", ("a",))
    assert (edition.max_posts, edition.max_per_source, edition.min_posts, edition.backfill) == (50, None, 1, 3)
    assert edition.addresses == ("ann@example.org",)
    assert edition.updates is False
    assert config.load(write(tmp_path, SITE + EDITION + "updates = true\n")).editions[0].updates is True
    assert (source.name, source.tags, source.every) == ("example.org/blog", ("a",), timedelta(hours=12))
    assert (source.max_posts, source.content, source.disabled) == (3, "title", True)


def test_signatures_and_bounces(tmp_path: Path) -> None:
    """The domain is that of the sender unless told otherwise, files are found from the configuration's folder."""
    loaded = config.load(write(tmp_path, SITE + DKIM + 'key_file = "one.pem"\n')).mail
    assert loaded is not None
    assert loaded.dkim == config.DkimSettings("example.org", "one", tmp_path / "one.pem")
    assert (loaded.bounces, loaded.door) == (None, None)
    more = (
        'key_file = "/k/one.pem"\ndomain = "News.Example.org"\ned25519_selector = "two"\ned25519_key_file = "two.pem"\n'
    )
    bounces = '[mail.bounces]\naddress = "b@back.example"\nlisten = "[::1]:8025"\n'
    loaded = config.load(write(tmp_path, SITE + DKIM + more + bounces)).mail
    assert loaded is not None
    assert loaded.dkim == config.DkimSettings(
        "news.example.org", "one", Path("/k/one.pem"), "two", tmp_path / "two.pem"
    )
    assert (loaded.bounces, loaded.door) == ("b@back.example", config.WebSettings("::1", 8025))


@pytest.mark.parametrize("hosts", [("[::1]", "0.0.0.0"), ("127.0.0.1", "[::]"), ("127.0.0.1", "127.0.0.2")])
def test_one_port_on_two_addresses_is_no_clash(tmp_path: Path, hosts: tuple[str, str]) -> None:
    """Mail and pages may have the same port on addresses that have nothing in common."""
    mail, web = hosts
    loaded = config.load(write(tmp_path, BOUNCES_AT.format(mail=mail, web=web)))
    assert loaded.mail is not None
    assert loaded.mail.door is not None
    assert loaded.mail.door.port == loaded.web.port


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """A loaded configuration is frozen."""
    loaded = config.load(write(tmp_path, SITE))
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.site.title = "Other"  # type: ignore[misc]


@pytest.mark.parametrize("text", ["\ufeff" + SITE, SITE.replace("\n", "\r\n")])
def test_files_of_other_editors_load(tmp_path: Path, text: str) -> None:
    """A byte order mark and Windows line ends are no obstacle."""
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode())
    assert config.load(path).site.title == "Planet"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("smtp://mail.example.org", Transport("smtp", "mail.example.org", 25)),
        ("smtps://mail.example.org", Transport("smtps", "mail.example.org", 465)),
        ("smtp+starttls://mail.example.org/", Transport("smtp+starttls", "mail.example.org", 587)),
        ("smtp://127.0.0.1:2525", Transport("smtp", "127.0.0.1", 2525)),
        ("smtp://[::1]:2525", Transport("smtp", "::1", 2525)),
        ("smtps://me%40example.org@m.example.org", Transport("smtps", "m.example.org", 465, "me@example.org")),
        ("smtps://me@example.org@m.example.org", Transport("smtps", "m.example.org", 465, "me@example.org")),
        ("file:outbox", Transport("file", directory=Path("outbox"))),
        ("file:/var/outbox", Transport("file", directory=Path("/var/outbox"))),
        ("file:///var/outbox", Transport("file", directory=Path("/var/outbox"))),
    ],
)
def test_transports(text: str, expected: Transport) -> None:
    """A transport's URL gives kind, host, the kind's own port, the decoded user, or the folder."""
    assert transport(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digest@example.org", "digest@example.org"),
        ("<digest@example.org>", "digest@example.org"),
        ("Example Digest <digest@example.org>", "Example Digest <digest@example.org>"),
        ("Example, Inc. <digest@example.org>", '"Example, Inc." <digest@example.org>'),
        ('"Example, Inc." <digest@example.org>', '"Example, Inc." <digest@example.org>'),
        ("Grüße <digest@example.org>", "Grüße <digest@example.org>"),
    ],
)
def test_senders(text: str, expected: str) -> None:
    """A display name is quoted where mail headers need it, and only there."""
    assert mailbox(text) == expected


# ----------------------------------------------------------------------------------------------------- schedules


def test_daily_schedule() -> None:
    """Daily is one time on every day."""
    parsed = schedule("daily 07:30")
    assert (parsed.text, parsed.hours, parsed.minutes) == ("daily 07:30", frozenset({7}), frozenset({30}))
    assert (len(parsed.days), len(parsed.months), len(parsed.weekdays)) == (31, 12, 7)
    assert not parsed.clamp
    assert not parsed.either_day


@pytest.mark.parametrize(
    ("text", "weekdays"),
    [
        ("weekly fri 08:00", {4}),
        ("weekly Friday 8:00", {4}),
        ("weekly mon,thu 08:00", {0, 3}),
        ("weekly monday, sun 08:00", {0, 6}),
        ("0 8 * * 0", {6}),
        ("0 8 * * 7", {6}),
        ("0 8 * * mon-fri", {0, 1, 2, 3, 4}),
        ("0 8 * * fri-sun", {4, 5, 6}),
        ("0 8 * * SAT,2", {5, 1}),
        ("0 8 * * */3", {6, 2, 5}),
    ],
)
def test_weekdays(text: str, weekdays: set[int]) -> None:
    """Weekdays count Monday as 0, whichever way they are written."""
    assert schedule(text).weekdays == weekdays


@pytest.mark.parametrize("day", [1, 28, 31])
def test_monthly_schedule_reaches_short_months(day: int) -> None:
    """A monthly day past the month's end is meant to be its last day."""
    parsed = schedule(f"monthly {day} 08:00")
    assert (parsed.days, parsed.clamp, len(parsed.weekdays)) == (frozenset({day}), True, 7)


def test_cron_fields() -> None:
    """Lists, ranges, steps and names all work in a cron line, and no day is clamped."""
    parsed = schedule("5,10-20/5,*/30 6-8 1-31/10 jan,3-5,DEC *")
    assert parsed.minutes == {0, 5, 10, 15, 20, 30}
    assert parsed.hours == {6, 7, 8}
    assert parsed.days == {1, 11, 21, 31}
    assert parsed.months == {1, 3, 4, 5, 12}
    assert not parsed.clamp


@pytest.mark.parametrize(
    ("text", "either"),
    [
        ("0 8 13 * fri", True),
        ("0 8 * * fri", False),
        ("0 8 13 * *", False),
        ("0 8 */2 * fri", False),
        ("0 8 13 * */2", False),
    ],
)
def test_either_day(text: str, either: bool) -> None:
    """One matching day is enough only when both are restricted, and a starred field is not (crontab(5))."""
    assert schedule(text).either_day is either


@pytest.mark.parametrize("text", ["0 8 29 2 *", "0 8 31 2 mon", "0 8 31 2,3 *"])
def test_rare_dates_are_accepted(text: str) -> None:
    """A cron line that comes at some time is fine, however seldom."""
    assert schedule(text).text == text


@given(st.text(alphabet="0123456789*/,- abdeilmnorstuwyz:", max_size=30))
@example("* * * * *")
@example("0-59/99 0 1 1 0-7")
def test_schedules_are_in_range_or_refused(text: str) -> None:
    """Whatever is written, a schedule has only possible values and at least one of each, or is a ValueError."""
    try:
        parsed = schedule(text)
    except ValueError:
        return
    for numbers, low, high in (
        (parsed.minutes, 0, 59),
        (parsed.hours, 0, 23),
        (parsed.days, 1, 31),
        (parsed.months, 1, 12),
        (parsed.weekdays, 0, 6),
    ):
        assert numbers
        assert low <= min(numbers)
        assert max(numbers) <= high


# ------------------------------------------------------------------------------------------------------- refused

UNREADABLE = [
    ("title = \n", 1, "not valid TOML at column 9: Invalid value; text goes in quotes"),
    ("[site]\ntitle 3\n", 2, "write `key = value`"),
    ("[site]\nurl = 'a'\nurl = 'b'\n", 3, "the key is in this table twice; keep one"),
    ("[site]\n[poll]\n[site]\n", 3, "the table is in the file twice"),
    ('[site]\ntitle = "open\n', 2, "no closing quote"),
    ("[site\n", 1, "as many brackets"),
    ("tags = [1,\n2\n", 2, "at the end of the file"),
    ("[site]\ntitle = 'a' 'b'\n", 2, "one `key = value` per line"),
    ("x = " + "9" * 5000, 1, "not valid TOML"),
    ("x = " + "[" * 20_000, 1, "nested too deeply"),
]

# What follows SITE (lines 1 to 3), the line of the problem, and what its message holds.
BAD = [
    ("[polls]\n", 4, "[polls]: unknown table; did you mean `[poll]`?"),
    ("[[source]]\n", 4, "[source]: unknown table; did you mean `[[sources]]`?"),
    ("[zebra]\n", 4, "unknown table; the tables are [site], [poll]"),
    ("lang = 3\n", 4, "[site] key `lang`: unknown key; did you mean `language`?"),
    ('listen = "x"\n', 4, "[site] key `listen`: unknown key; it belongs in [mail.bounces] or [web]"),
    ("qqqq = 1\n", 4, "unknown key; the keys here are `title`, `url`"),
    ('"a\\nb" = 1\n', 4, "key `a\\u000ab`: unknown key"),
    ('language = "en_US"\n', 4, '"en_US" is not a language tag; did you mean "en-US"?'),
    ('language = "english please"\n', 4, 'write one such as "en"'),
    ('timezone = "Europe/Berln"\n', 4, 'did you mean "Europe/Berlin"?'),
    ('timezone = "new york"\n', 4, 'did you mean "America/New_York"?'),
    ('timezone = "../UTC"\n', 4, "is not a time zone"),
    ('contact = "nobody"\n', 4, '"nobody" is not an e-mail address; write one such as "name@example.org"'),
    ('data_dir = "~/tidings"\n', 4, "starts with `~`, which is not expanded"),
    ('data_dir = "a\\u0000b"\n', 4, "holds a line break or control character"),
    ('data_dir = " "\n', 4, "is empty; write some text"),
    ("[poll]\nmin_interval = 30\n", 5, "[poll] key `min_interval`: must be text in quotes, not a number"),
    ('[poll]\nmin_interval = "30x"\n', 5, '"30x" is not a time span; write a number and s, m, h or d, such as "30m"'),
    ('[poll]\nmin_interval = "0m"\n', 5, "is no time at all"),
    ('[poll]\nmax_interval = "999999999d"\n', 5, 'is too long; at most "366d"'),
    ('[poll]\nmin_interval = "-5m"\n', 5, "is not a time span"),
    ('[poll]\nmin_interval = "٣m"\n', 5, "is not a time span"),
    ('[poll]\ntimeout = "1s"\nmin_interval = "48h"\n', 6, "min_interval is longer than max_interval"),
    ('[poll]\nmax_interval = "5m"\n', 5, "[poll] key `max_interval`: min_interval is longer"),
    ('[poll]\nmax_bytes = "15 MiB"\n', 5, 'is not a size; write a number and B, KB, MB or GB, such as "15MB"'),
    ('[poll]\nmax_bytes = "0.5B"\n', 5, "less than one byte"),
    ("[poll]\nconcurrency = 0\n", 5, "[poll] key `concurrency`: must be 1 or more"),
    ("[poll]\nconcurrency = 501\n", 5, "must be 500 or less"),
    ("[poll]\nconcurrency = 2.5\n", 5, "must be a whole number without quotes, not a fraction"),
    ("[poll]\nconcurrency = true\n", 5, "must be a whole number without quotes, not true or false"),
    ('[poll]\nworkers = "proceses"\n', 5, 'must be "processes" or "inline", not "proceses"; did you mean "processes"?'),
    ('[poll]\nworkers = "dask://host:8786"\n', 5, 'must be "processes" or "inline"'),
    ('[poll]\nallow_networks = [\n"10.0.0.0/8",\n"10.1.2.3/8"]\n', 7, 'item 2: "10.1.2.3/8" has address bits'),
    ('[poll]\nallow_networks = ["lan"]\n', 5, 'is not a range of addresses; write one such as "192.168.1.0/24"'),
    ('[poll]\nallow_networks = "10.0.0.0/8"\n', 5, "must be a list such as"),
    ("[mail]\n", 4, "[mail] key `from`: is missing"),
    ("[mail]\n", 4, "[mail] key `transport`: is missing"),
    ('[mail]\nsender = "a@example.org"\n', 5, "[mail] key `sender`: unknown key"),
    ('[mail]\nfrom = "Planet <planet>"\n', 5, '"planet" is not an e-mail address'),
    ('[mail]\nfrom = "a@example.org <b@example.org> c"\n', 5, 'write "Name <name@example.org>"'),
    ('[mail]\nfrom = "a@example.org\\r\\nBcc: b@example.org"\n', 5, "is not an e-mail address"),
    ('[mail]\nfrom = "A\\r\\nBcc: x <b@example.org>"\n', 5, "holds a line break"),
    ('[mail]\nreply_to = "a@b@example.org"\n', 5, "is not an e-mail address"),
    ('[mail]\nreply_to = "a@bücher.example"\n', 5, "xn--"),
    ('[mail]\npostal_address = "a\\u0007b"\n', 5, "control character"),
    ("[mail]\npostal_address = true\n", 5, "must be the address in quotes, or false for a list of people you know"),
    ("[mail]\npostal_address = 12\n", 5, "must be the address in quotes"),
    (MAIL + 'transport = "smtp://localhost"\n' + READERS, 4, "[mail] key `postal_address`: is missing, and mail"),
    (MAIL + 'transport = "sendmail:"\n' + READERS, 4, "each mail, or `postal_address = false` if you know"),
    (MAIL + 'transport = "sendmail:/usr/bin/true"\n', 6, 'behind "sendmail:"'),
    (MAIL + 'transport = "file:outbox"\nconnections = 0\n', 7, "connections"),
    (MAIL + 'transport = "file:outbox"\non_uncertain = "ask"\n', 7, "on_uncertain"),
    (MAIL + 'transport = "file:outbox"\nstale_after = "0s"\n', 7, "no time at all"),
    (MAIL + 'transport = "smtps://me:pw@example.org"\n', 6, "use password_env or password_file"),
    (MAIL + 'transport = "smtps://me:p#w@example.org"\n', 6, "secrets come from the environment or a file"),
    (MAIL + 'transport = "smtps://"\n', 6, "names no mail server"),
    (MAIL + 'transport = "smtps://m.example.org:99999"\n', 6, "ports are 1 to 65535"),
    (MAIL + 'transport = "smtps://m.example.org/inbox"\n', 6, "after the host and port"),
    (MAIL + 'transport = "imap://m.example.org"\n', 6, "is not a way to send mail; write"),
    (MAIL + 'transport = "file:"\n', 6, "is empty"),
    (MAIL + 'transport = "file://host/outbox"\n', 6, "names a host in front of the folder"),
    (MAIL + 'transport = "smtp://me@localhost"\n', 6, "names a user without a password"),
    (
        MAIL + 'transport = "smtp://me@mail.example.org"\npassword_env = "X"\n',
        6,
        'write "smtp+starttls://…" or "smtps://…"',
    ),
    (MAIL + 'transport = "smtp://localhost"\npassword_env = "X"\n', 6, "names no user for the password"),
    (SMTP + 'password_env = "X"\npassword_file = "y"\n', 8, "keep one of the two"),
    (SMTP + 'password_env = "hunter 2"\n', 7, "is not the name of an environment variable"),
    (SMTP + 'password = "hunter2"\n', 7, "secrets come from the environment or a file"),
    (SMTP + 'username = "me"\n', 7, "write the user in the transport"),
    (DKIM + 'dkim.domain = "example.org"\n', 9, "[mail.dkim] key `dkim`: unknown key"),
    (DKIM + 'selektor = "two"\n', 9, "[mail.dkim] key `selektor`: unknown key; did you mean `selector`?"),
    (DKIM + 'domain = "planet"\n', 9, '"planet" is not a domain; write one such as "example.org"'),
    (DKIM + 'domain = "bücher.example"\n', 9, "letters beyond ASCII in the xn-- form"),
    (DKIM + 'domain = "other.example"\n', 9, '[mail.dkim] key `domain`: "other.example" is not the domain of `from`'),
    (DKIM + 'domain = "ample.org"\n', 9, 'write "example.org", or leave the key out'),
    (DKIM + 'ed25519_selector = "two"\n', 9, "has no key; add `ed25519_key_file`"),
    (DKIM + 'ed25519_key_file = "two.pem"\n', 9, "has no selector; add `ed25519_selector`"),
    (DKIM + 'ed25519_selector = "One"\ned25519_key_file = "b"\n', 9, "is that of the other key"),
    (FILED + '[mail.dkim]\nkey_file = "a"\n', 7, "[mail.dkim] key `selector`: is missing"),
    (FILED + '[mail.dkim]\nselector = "a b"\n', 8, '"a b" is not a selector'),
    (FILED + "dkim = true\n", 7, "[mail.dkim]: is true or false; write [mail.dkim] with single brackets, once"),
    (FILED + "[[mail.dkim]]\n", 7, "[mail.dkim]: is a list; write [mail.dkim] with single brackets, once"),
    (FILED + '[dkim]\nselector = "a"\n', 7, "unknown key; write [mail.dkim]"),
    (FILED + '[mail.dkmi]\nselector = "a"\n', 7, "[mail] key `dkmi`: unknown key"),
    (FILED + "[mail.bounces]\n", 7, "[mail.bounces] key `address`: is missing"),
    (FILED + '[mail.bounces]\naddress = "bounces"\n', 8, '"bounces" is not an e-mail address'),
    (FILED + f'[mail.bounces]\naddress = "{"b" * 33}@a.example"\n', 8, "at most 32 characters"),
    (BOUNCES + 'listen = "8025"\n', 9, '[mail.bounces] key `listen`: "8025" is not host:port; write "127.0.0.1:8025"'),
    (BOUNCES + "listen = 8025\n", 9, "must be text in quotes, not a number"),
    (BOUNCES + 'listen = "127.0.0.1:8000"\n', 9, "[mail.bounces] key `listen`: is where [web] listens; give one"),
    (BOUNCES + 'listen = "0.0.0.0:8000"\n', 9, "is where [web] listens"),
    (BOUNCES + 'listen = "[::1]:25"\n[web]\nlisten = "[::]:25"\n', 9, "is where [web] listens"),
    (BOUNCES + 'listen = "nowhere"\n[web]\nlisten = "a:65535"\n', 9, "is not host:port"),
    (SMTP + 'rate = "10"\n', 7, 'is not a rate; write a number per s, m or h, such as "10/s"'),
    (SMTP + 'rate = "0/s"\n', 7, "would never send"),
    ("[feed]\nlimit = -1\n", 5, "[feed] key `limit`: must be 1 or more"),
    ('[feed]\ncontent = "all"\n', 5, 'must be "full", "excerpt" or "title", not "all"'),
    ("[feed]\ncontent = 1\n", 5, "not a number"),
    ('[web]\nlisten = "8000"\n', 5, 'is not host:port; write "127.0.0.1:8000"'),
    ('[web]\nlisten = "::1:8000"\n', 5, "is not host:port"),
    ('[web]\nlisten = "localhost:0"\n', 5, "ports are 1 to 65535"),
    ('[store]\nkeep = "29d"\n', 5, '"29d" is too short; write "30d" or more, or "forever"'),
    ('[store]\nkeep = "a year"\n', 5, '"a year" is not a time to keep; write days, such as "365d", or "forever"'),
    ('[store]\nkeep = "36501d"\n', 5, 'is too long; write "forever"'),
    ("[store]\nkeep = 365\n", 5, "[store] key `keep`: must be text in quotes, not a number"),
    ("[[web]]\n", 4, "[web]: is a list; write [web] with single brackets"),
    ("[sources]\n", 4, "[[sources]]: is a table; write [[sources]] with double brackets"),
    ("[[sources]]\n", 4, "[[sources]] #1 key `url`: is missing"),
    ('[[sources]]\nurl = "ftp://example.org/"\n', 5, "is not an http or https URL"),
    ('[[sources]]\nurl = "example.org/feed"\n', 5, 'did you mean "https://example.org/feed"?'),
    ('[[sources]]\nurl = "feed://example.org/f"\n', 5, 'did you mean "https://example.org/f"?'),
    ('[[sources]]\nurl = "https://me:pw@example.org/"\n', 5, "which would be published with it"),
    ('[[sources]]\nurl = "https://[::1"\n', 5, "is not a URL that can be taken apart"),
    ('[[sources]]\nurl = "https://example.org/a b"\n', 5, "holds a space"),
    ('[[sources]]\nurl = "https:///feed"\n', 5, "is not an http or https URL"),
    (
        SOURCE + 'evry = "1h"\nname = "x"\n',
        6,
        '[[sources]] #1 (name "x") key `evry`: unknown key; did you mean `every`?',
    ),
    (SOURCE + 'password = "hunter2"\n', 6, "secrets come from the environment: use `password_env`"),
    (SOURCE + 'username = "me"\n', 6, "[[sources]] #1 key `username`: has no password; add `password_env`"),
    (SOURCE + 'password_env = "PW"\n', 6, "[[sources]] #1 key `password_env`: has no user; add `username`"),
    (SOURCE + 'username = "a:b"\npassword_env = "PW"\n', 6, "holds a `:`, which a user name cannot"),
    (SOURCE + 'username = ""\npassword_env = "PW"\n', 6, "write the name you log in with"),
    (SOURCE + 'username = "me"\npassword_env = "hunter 2"\n', 7, "is not the name of an environment variable"),
    (
        SOURCE + 'username = "me"\npassword_env = "PW"\nheaders = { authorization = "${A}" }\n',
        6,
        "`headers` has Authorization as well; keep one of the two",
    ),
    (SOURCE + 'user_agent = "a\\r\\nb"\n', 6, "key `user_agent`: holds a line break"),
    (SOURCE + 'headers = "X-A: b"\n', 6, 'must be a table, such as headers = { Accept-Language = "de" }'),
    (SOURCE + "headers = { X-A = 3 }\n", 6, "key `headers` key `X-A`: must be text in quotes"),
    (SOURCE + 'headers = { "X A" = "b" }\n', 6, "key `headers` key `X A`: is not the name of a header"),
    (SOURCE + 'headers = { X-A = "b\\r\\nHost: c" }\n', 6, "holds a line break, a control character"),
    (SOURCE + 'headers = { X-A = "ü" }\n', 6, "a letter beyond ASCII"),
    (SOURCE + 'headers = { X-A = "" }\n', 6, "is empty"),
    (SOURCE + 'headers = { X-A = "${}" }\n', 6, "write ${NAME}"),
    (SOURCE + 'headers = { X-A = "a", x-a = "b" }\n', 6, 'key `x-a`: is the same header as "X-A"'),
    (SOURCE + 'headers = { Authorization = "Bearer x" }\n', 6, "looks like a secret, and secrets come from the"),
    (SOURCE + 'headers.X-Api-Key = "x"\n', 6, "key `X-Api-Key`: looks like a secret"),
    (SOURCE + '[sources.headers]\nCookie = "id=1"\n', 7, "key `Cookie`: looks like a secret"),
    *(
        (SOURCE + f'headers = {{ {name} = "x" }}\n', 6, f"key `{name}`: cannot be set: {reason}")
        for name, reason in {
            "Host": "it follows from the url",
            "User-Agent": "write user_agent",
            "Content-Length": "a poll sends no content",
            "Transfer-Encoding": "it belongs to the connection",
            "connection": "it belongs to the connection",
            "TE": "it belongs to the connection",
            "Upgrade": "it belongs to the connection",
            "Accept-Encoding": "Tidings asks for the encodings",
            "If-None-Match": "conditional requests",
            "if-modified-since": "conditional requests",
            "Range": "a feed is read as a whole",
            "Referer": "a poll comes from no page",
            "Cache-Control": "a poll takes what caches have",
            "Proxy-Authorization": "it is for proxies",
        }.items()
    ),
    (SOURCE + 'include = "title: x"\n', 6, "must be a list such as"),
    (SOURCE + "exclude = [\n'title: x',\n3]\n", 8, "key `exclude` item 2: must be text in quotes, not a number"),
    (SOURCE + 'exclude = ["sponsored"]\n', 6, '"sponsored" does not say where to look; write "title: some words"'),
    (SOURCE + 'exclude = ["title:"]\n', 6, "does not say what to look for"),
    (SOURCE + 'exclude = ["titel: x"]\n', 6, 'it is "title", "text", "author" or "tag"; did you mean "title"?'),
    (SOURCE + 'exclude = ["any: x"]\n', 6, "write a rule for each"),
    (SOURCE + f'exclude = ["title: {"x" * 201}"]\n', 6, "longer than 200 characters"),
    (SOURCE + 'exclude = ["title: /x/i"]\n', 6, "close the expression with `/`"),
    (SOURCE + 'exclude = ["title: /"]\n', 6, "close the expression with `/`"),
    (SOURCE + 'exclude = ["title: //"]\n', 6, "is an empty expression"),
    (SOURCE + 'name = "x"\nexclude = [\n"tag: a",\n"text: /(/"]\n', 9, '(name "x") key `exclude` item 2: "/(/" is not'),
    (SOURCE + "exclude = ['text: /(?=x)y/']\n", 6, "look-ahead and look-behind are not to be had"),
    (SOURCE + "exclude = ['text: /(?<!x)y/']\n", 6, "look-ahead and look-behind are not to be had"),
    (SOURCE + "exclude = ['text: /(x)\\1/']\n", 6, "references back such as \\1 are not to be had"),
    (SOURCE + "include = ['text: /\\pL{900}/']\n", 6, "pattern too large - compile failed; repeat less"),
    (SOURCE + "include = ['text: /\\w{1,999}/']\n", 6, "pattern too large; repeat less"),
    (SOURCE + f"include = ['text: /{'x' * 501}/']\n", 6, "longer than 500 characters"),
    (SOURCE + 'disabled = "no"\n', 6, "must be true or false without quotes, not text"),
    (SOURCE + "tags = [\n'a',\n\n3]\n", 9, "key `tags` item 2: must be text in quotes, not a number"),
    (SOURCE + "every = 2024-01-01\n", 6, "not a date or time"),
    (SOURCE + SOURCE, 7, "[[sources]] #2 key `url`: is also that of #1; remove one"),
    (SOURCE + '[[sources]]\nurl = "http://blog.example.org/feed/"\n', 6, "needs a `name` of its own"),
    (
        SOURCE + 'name = "x"\n[[sources]]\nurl = "https://other.example.org/"\nname = "x"\n',
        9,
        '[[sources]] #2 (name "x") key `name`: is also that of #1; give this one another name',
    ),
    ('[[editions]]\nname = "The Week"\n', 5, 'is not a plain name; use a-z, 0-9 and "-", such as "the-week"'),
    ('[[editions]]\nname = "x"\n', 4, '[[editions]] #1 (name "x") key `schedule`: is missing'),
    (EDITION + EDITION, 8, '[[editions]] #2 (name "weekly") key `name`: is also that of #1'),
    (EDITION + 'tags = ["ruts"]\n' + SOURCE + 'tags = ["rust"]\n', 7, 'is a tag of no source; did you mean "rust"?'),
    (EDITION + 'tags = ["x"]\n' + SOURCE + 'tags = ["rust"]\n', 7, 'tags in use are "rust"'),
    (EDITION + 'tags = ["x"]\n', 7, "no source has tags yet"),
    (EDITION + 'subscribers = ["a@example.org",\n"A@example.org"]\n', 8, "item 2: "),
    (EDITION + 'subscribers = ["ann"]\n', 7, '"ann" is not an e-mail address'),
    (EDITION + 'subscribers = [{address = "a@example.org"}, "A@example.org"]\n', 7, "is listed twice"),
    (EDITION + "subscribers = [7]\n", 7, 'is not a subscriber; write "name@example.org" or'),
    (EDITION + 'subscribers = [{language = "de"}]\n', 7, "has no address"),
    (EDITION + 'subscribers = [{address = "a@example.org", lang = "de"}]\n', 7, '"lang" is not a key of a subscriber'),
    (EDITION + 'subscribers = [{address = "a@example.org", language = 1}]\n', 7, "its language must be text"),
    (EDITION + 'subscribers = [{address = "a@example.org", language = "Deutsch!"}]\n', 7, "is not a language tag"),
    (EDITION + 'sources = ["Bolg"]\n' + SOURCE + 'name = "Blog"\n', 7, 'of no source; did you mean "Blog"?'),
    (EDITION + 'sources = ["x"]\n', 7, '"x" is the name of no source'),
    (EDITION + 'group_by = "colour"\n', 7, '"tag", "source" or "day"'),
    (EDITION + 'order = "random"\n', 7, '"time", "weight" or "coverage"'),
    (EDITION + 'include = ["spam"]\n', 7, "item 1"),
    (SOURCE + "weight = 101\n", 6, "must be 100 or less"),
    (EDITION + "max_posts = 0\n", 7, "must be 1 or more"),
    (EDITION + "backfill = -1\n", 7, "must be 0 or more"),
    (EDITION + 'updates = "yes"\n', 7, "must be true or false without quotes, not text"),
    (EDITION + 'timezone = "Mars"\n', 7, "is not a time zone"),
    (EDITION + 'title = ""\n', 7, "is empty"),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: sponsored post", Rule("title", "words", "sponsored post", "title: sponsored post")),
        ("Tag:podcast", Rule("tag", "words", "podcast", "Tag:podcast")),
        (" author:  Ada ", Rule("author", "words", "Ada", "author:  Ada")),
        ("title: a: b", Rule("title", "words", "a: b", "title: a: b")),
        (r"text: /gpt-\d+/", Rule("text", "pattern", r"gpt-\d+", r"text: /gpt-\d+/")),
        ("text: /a/b/", Rule("text", "pattern", "a/b", "text: /a/b/")),
    ],
)
def test_rules(text: str, expected: Rule) -> None:
    """A rule is a part of a post and words, or an expression between slashes; its text is kept as it was written."""
    assert rule(text) == expected


@given(st.text(max_size=40).map("text: ".__add__) | st.text(max_size=40).map("text: /{}/".format) | st.text())
def test_rules_are_usable_or_refused(text: str) -> None:
    """Whatever is written, a rule can be applied to any text, or is a ValueError on one line."""
    try:
        made = rule(text)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 (some texts are refused, some are not)
        return
    assert matches(made, JudgedPost("", "some \ud800 text", "", ())) in (True, False)


def source_of(tmp_path: Path, text: str) -> Source:
    return config.load(write(tmp_path, SITE + SOURCE + text)).sources[0]


REQUESTS = """name = "Blog"
user_agent = " Me/1.0 "
headers = { Accept-Language = "de", Authorization = "Bearer ${BLOG_TOKEN}", X-Two = "${BLOG_TOKEN}-${B}" }
"""
LOGIN = 'username = "me"\npassword_env = "BLOG_PASSWORD"\n'


def test_secrets_of_requests_come_from_the_environment(tmp_path: Path) -> None:
    """Variables are filled into headers, and a login has the variable's password; the rest is as written."""
    one = source_of(tmp_path, REQUESTS)
    headers, login = config.request_secrets(one, {"BLOG_TOKEN": "s3 cret\n", "B": "x"})
    assert headers == (
        ("Accept-Language", "de"),
        ("Authorization", "Bearer s3 cret"),
        ("X-Two", "s3 cret-x"),
    )
    assert (one.user_agent, login) == ("Me/1.0", None)
    two = source_of(tmp_path, LOGIN)
    assert config.request_secrets(two, {"BLOG_PASSWORD": " pä:ss "}) == ((), Login("me", " pä:ss "))


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        (REQUESTS, {"B": "x"}, '[[sources]] (name "Blog") key `headers` key `Authorization`: BLOG_TOKEN is not set;'),
        (REQUESTS, {"BLOG_TOKEN": "", "B": "x"}, "key `X-Two`: BLOG_TOKEN is empty; put the secret there"),
        (REQUESTS, {"BLOG_TOKEN": "a\r\nHost: b", "B": "x"}, "BLOG_TOKEN holds a line break"),
        (LOGIN, {}, '(name "blog.example.org/feed") key `password_env`: BLOG_PASSWORD is not set;'),
        (LOGIN, {"BLOG_PASSWORD": ""}, "BLOG_PASSWORD is empty"),
    ],
)
def test_secrets_that_are_not_to_be_had(tmp_path: Path, text: str, environ: dict[str, str], message: str) -> None:
    """A variable that is absent, empty or no header's value is named with its source and key, never with its value."""
    with pytest.raises(ConfigError) as caught:
        config.request_secrets(source_of(tmp_path, text), environ)
    assert any(message in problem for problem in caught.value.problems), caught.value.problems
    assert "Host" not in str(caught.value)


def test_check_names_all_secrets_that_are_missing_but_those_of_disabled_sources(tmp_path: Path) -> None:
    """The mail password and the sources' variables in one run; a disabled source is not polled, so it needs none."""
    other = '[[sources]]\nurl = "https://other.example/"\nname = "Other"\n'
    text = SITE + SMTP + 'password_env = "MAIL_PW"\n' + SOURCE + LOGIN + other + REQUESTS.replace('name = "Blog"\n', "")
    loaded = config.load(write(tmp_path, text))
    with pytest.raises(ConfigError) as caught:
        config.check_secrets(loaded, {"B": "x"})
    said = "\n".join(caught.value.problems)
    assert [said.count(name) for name in ("MAIL_PW", "BLOG_PASSWORD", "BLOG_TOKEN")] == [1, 1, 2]
    disabled = config.load(write(tmp_path, text.replace(other, other + "disabled = true\n")))
    config.check_secrets(disabled, {"MAIL_PW": "x", "BLOG_PASSWORD": "x"})


def test_every_is_a_fixed_interval_of_one_source(tmp_path: Path) -> None:
    """`every` may be shorter than `min_interval` or longer than `max_interval`: it is the operator's own word."""
    assert source_of(tmp_path, 'every = "1m"\n').every == timedelta(minutes=1)
    assert source_of(tmp_path, 'every = "30d"\n').every == timedelta(days=30)


@pytest.mark.parametrize(("text", "line", "message"), UNREADABLE)
def test_text_that_is_no_toml(tmp_path: Path, text: str, line: int, message: str) -> None:
    """A syntax error names its line and what would be right."""
    (problem,) = problems_of(write(tmp_path, text))
    assert problem.startswith(f"config.toml:{line}: ")
    assert message in problem


@pytest.mark.parametrize(("text", "line", "message"), BAD)
def test_values_that_are_wrong(tmp_path: Path, text: str, line: int, message: str) -> None:
    """Each wrong key or value is reported once, on one line that names its line, place and fix."""
    problems = problems_of(write(tmp_path, SITE + text))
    fitting = [p for p in problems if p.startswith(f"config.toml:{line}: ") and message in p]
    assert len(fitting) == 1, problems
    assert all(len(problem.splitlines()) == 1 for problem in problems)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weekly", "is not a whole schedule; write"),
        ("weekly fri", "is not a whole schedule"),
        ("dayly 07:30", 'is not a schedule; did you mean "daily"?'),
        ("", 'is not a schedule; write "daily 07:30"'),
        ("@daily", 'did you mean "daily"?'),
        ("hourly", "is not a schedule"),
        ("daily 24:00", '"24:00" is not a time of day; write 00:00 to 23:59'),
        ("daily 7", "is not a time of day"),
        ("weekly fry 08:00", 'did you mean "friday"?'),
        ("weekly 5 08:00", "write mon, tue, wed"),
        ("monthly 32 08:00", "write 1 to 31"),
        ("monthly fri 08:00", "is not a day of the month"),
        ("60 8 * * *", '"60" is not a minute; minutes are 0 to 59'),
        ("0 24 * * *", "hours are 0 to 23"),
        ("0 8 0 * *", "days are 1 to 31"),
        ("0 8 * foo *", "months are 1 to 12 or jan to dec"),
        ("0 8 * * 8", "weekdays are 0 to 7 or sun to sat"),
        ("*/0 8 * * *", "a step that is not a number above 0"),
        ("5/10 8 * * *", "write 5-59/10 or */10"),
        ("0 9-8 * * *", "runs backwards; write the lower hour first"),
        ("0 8 31 2 *", "never comes"),
        ("0 8 30,31 feb */2", "never comes"),
        ("0 8 1 1", "five cron fields"),
    ],
)
def test_schedules_that_are_wrong(tmp_path: Path, text: str, message: str) -> None:
    """A schedule that can't be read says which forms can, at its line."""
    (problem,) = problems_of(write(tmp_path, SITE + f'[[editions]]\nname = "weekly"\nschedule = "{text}"\n'))
    assert problem.startswith('config.toml:6: [[editions]] #1 (name "weekly") key `schedule`: ')
    assert message in problem


def test_all_problems_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """One run shows everything: keys, values and what only several tables together get wrong."""
    text = (
        '[site]\nurl = "planet"\n\n[[editions]]\nname = "weekly"\nschedule = "never"\ntags = ["x"]\n\n'
        + SOURCE
        + 'evry = "1h"\n'
        + SOURCE
        + "[extra]\n"
    )
    lines = [int(problem.split(":")[1]) for problem in problems_of(write(tmp_path, text))]
    assert lines == [1, 2, 6, 7, 11, 13, 14]


def test_missing_site(tmp_path: Path) -> None:
    """An empty file is told which table it needs."""
    (problem,) = problems_of(write(tmp_path, "\n"))
    assert problem == "config.toml:1: [site]: is missing; add the table with its `title` and `url`"


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there comes with the two ways on."""
    (problem,) = problems_of(tmp_path / "config.toml")
    assert problem == "config.toml: not found; run `tidings init` to write one, or name another with -c"


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    """What cannot be read is a configuration error, not a traceback."""
    (tmp_path / "config.toml").mkdir()
    (problem,) = problems_of(tmp_path / "config.toml")
    assert "cannot be read" in problem


def test_text_in_another_encoding(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are named by their line."""
    path = tmp_path / "config.toml"
    path.write_bytes(b'[site]\ntitle = "Gr\xfc\xdfe"\n')
    assert problems_of(path) == ["config.toml:2: not UTF-8 text; save the file in the encoding UTF-8"]


@pytest.mark.parametrize(
    "text",
    [
        'transport = "smtps://me:hunter2@example.org"',
        'transport = "smtps://me:hunter2#x@example.org:1/y"',
        'transport = "smtps://hunter2"\npassword_env = "hunter2!"',
        'transport = "smtps://example.org"\npassword = "hunter2"',
    ],
)
def test_messages_never_repeat_a_mail_password(tmp_path: Path, text: str) -> None:
    """What may be a secret does not reach a terminal or a log."""
    assert "hunter2" not in "\n".join(problems_of(write(tmp_path, SITE + MAIL + text + "\n")))


def test_messages_never_repeat_the_password_of_a_feed(tmp_path: Path) -> None:
    """A source's URL that holds a password is not repeated, not even when it is there twice."""
    text = SITE + 2 * '[[sources]]\nurl = "https://me:hunter2@example.org/"\n'
    problems = problems_of(write(tmp_path, text))
    assert len(problems) == 3
    assert "hunter2" not in "\n".join(problems)


# ----------------------------------------------------------------------------------------------------- passwords


def mail_with(folder: Path, key: str) -> config.MailSettings:
    mail = config.load(write(folder, SITE + SMTP + key)).mail
    assert mail is not None
    return mail


def test_password_from_the_environment(tmp_path: Path) -> None:
    """The named variable holds the password, and the transport the user."""
    mail = mail_with(tmp_path, 'password_env = "SECRET"\n')
    assert mail.transport.username == "me"
    assert config.read_password(mail, {"SECRET": "hunter2"}) == "hunter2"


def test_password_from_a_file(tmp_path: Path) -> None:
    """The named file, relative to the configuration, holds the password; its line end is not part of it."""
    (tmp_path / "secret").write_text(" hunter2 \n", encoding="utf-8")
    assert config.read_password(mail_with(tmp_path, 'password_file = "secret"\n'), {}) == " hunter2 "


def test_no_password_configured(tmp_path: Path) -> None:
    """Without a variable or file there is no password, and that's no error."""
    mail = config.load(write(tmp_path, SITE + MAIL + 'transport = "file:outbox"\n')).mail
    assert mail is not None
    assert config.read_password(mail, {}) is None


@pytest.mark.parametrize(
    ("key", "environ", "message"),
    [
        ('password_env = "SECRET"\n', {}, "[mail] key `password_env`: SECRET is not set"),
        ('password_env = "SECRET"\n', {"SECRET": ""}, "SECRET is empty"),
        ('password_file = "absent"\n', {}, "absent not found; write the password to that file"),
        ('password_file = "."\n', {}, "cannot be read"),
        ('password_file = "empty"\n', {}, "empty is empty"),
    ],
)
def test_password_that_is_not_there(tmp_path: Path, key: str, environ: dict[str, str], message: str) -> None:
    """An absent or empty password is a configuration error that says where it was looked for."""
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        config.read_password(mail_with(tmp_path, key), environ)
    assert message in caught.value.problems[0]


# ------------------------------------------------------------------------------------------------------- example


def test_example_loads_and_mails_nobody(tmp_path: Path) -> None:
    """The example runs as it is: sources and an edition, mail into a folder, no subscriber."""
    loaded = config.load(write(tmp_path, config.example_text()))
    assert loaded.mail is not None
    assert loaded.mail.transport == Transport("file", directory=tmp_path / "outbox")
    assert len(loaded.sources) >= 2
    assert [edition.subscribers for edition in loaded.editions] == [()]


def test_example_loads_with_every_key_switched_on(tmp_path: Path) -> None:
    """Each commented-out key of the example is valid when its "#" goes; of alternatives, one at a time."""
    text = config.example_text()
    tables = re.findall(r"^# \[[a-z.]+\]$(?:\n#.*)+", text, re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        switched = re.sub(r"^# (\[|[a-z0-9_]+ = )", r"\1", table, flags=re.MULTILINE)
        config.load(write(tmp_path, text.replace(table, switched)))
        text = text.replace(table, "")
    commented = re.findall(r"^# ([a-z_]+ = .*)$", text, re.MULTILINE)
    assert len(commented) >= 8
    for pair in commented:
        key = pair.split(" = ")[0]
        switched = re.sub(rf"^{key} = .*\n", "", text, flags=re.MULTILINE) if key == "transport" else text
        switched = switched.replace(f"# {pair}", pair)
        if "@mail" in pair:
            switched = switched.replace("# password_env", "password_env")
        config.load(write(tmp_path, switched))


@pytest.mark.parametrize("table", TABLES)
def test_example_shows_every_key(table: str) -> None:
    """Every key that exists is in the example, in its table, on or commented out."""
    parts = re.split(r"^(?:# )?(\[+[a-z.]+\]+)$", config.example_text(), flags=re.MULTILINE)
    bodies = "".join(body for head, body in zip(parts[1::2], parts[2::2], strict=True) if head.strip("[]") == table)
    missing = [key for key in keys_of(table) if not re.search(rf"^(# )?{key} = ", bodies, re.MULTILINE)]
    assert not missing


def test_example_defaults_are_the_real_ones(tmp_path: Path) -> None:
    """What the example shows for [poll], [feed], [web] and [store] is what holds without it."""
    shown, bare = config.load(write(tmp_path, config.example_text())), config.load(write(tmp_path, SITE))
    assert (shown.poll, shown.feed, shown.web, shown.store) == (bare.poll, bare.feed, bare.web, bare.store)


# ---------------------------------------------------------------------------------------------------------- lines

DOCUMENT = '''\
top = 1 # [not.a.table]

[site] # comment
title = "a # b [c]"
"quoted key" = 'x'
url = """
[fake]
key = "1"
"""
[mail]
dkim.domain = "x"
dkim . "sel\\u0065ctor" = "y"
raw = \'\'\'
it''s "quoted" \\\'\'\'\'
after = """a\\"""b"""""
[[sources]]
tags = [
  "a", # ]
  [1, 2],

  { deep = "d", list = [
    3] },
]
when = 1979-05-27 07:32:00
[sources.options]
x = 1
[[sources]]
inline = {a.b = 1, c = []}
last = true
[[sources.rules]]
r = 1
[[sources.rules]]
r = 2'''

EXPECTED: dict[KeyPath, int] = {
    ("top",): 1,
    ("site",): 3,
    ("site", "title"): 4,
    ("site", "quoted key"): 5,
    ("site", "url"): 6,
    ("mail",): 10,
    ("mail", "dkim"): 11,
    ("mail", "dkim", "domain"): 11,
    ("mail", "dkim", "selector"): 12,
    ("mail", "raw"): 13,
    ("mail", "after"): 15,
    ("sources",): 16,
    ("sources", 0): 16,
    ("sources", 0, "tags"): 17,
    ("sources", 0, "tags", 0): 18,
    ("sources", 0, "tags", 1): 19,
    ("sources", 0, "tags", 1, 0): 19,
    ("sources", 0, "tags", 1, 1): 19,
    ("sources", 0, "tags", 2): 21,
    ("sources", 0, "tags", 2, "deep"): 21,
    ("sources", 0, "tags", 2, "list"): 21,
    ("sources", 0, "tags", 2, "list", 0): 22,
    ("sources", 0, "when"): 24,
    ("sources", 0, "options"): 25,
    ("sources", 0, "options", "x"): 26,
    ("sources", 1): 27,
    ("sources", 1, "inline"): 28,
    ("sources", 1, "inline", "a"): 28,
    ("sources", 1, "inline", "a", "b"): 28,
    ("sources", 1, "inline", "c"): 28,
    ("sources", 1, "last"): 29,
    ("sources", 1, "rules"): 30,
    ("sources", 1, "rules", 0): 30,
    ("sources", 1, "rules", 0, "r"): 31,
    ("sources", 1, "rules", 1): 32,
    ("sources", 1, "rules", 1, "r"): 33,
}


def test_lines_of_every_form_of_key() -> None:
    """Tables, arrays of tables, dotted and quoted keys, lists and strings over several lines all have their line."""
    tomllib.loads(DOCUMENT)
    assert key_lines(DOCUMENT) == EXPECTED


def test_line_of_what_has_none() -> None:
    """A key that is not there has the line of what it would be in; without that, the first."""
    assert line_of(EXPECTED, ("sources", 1, "url")) == 27
    assert line_of(EXPECTED, ("feed", "limit")) == 1


def test_table_declared_after_its_child_has_its_own_line() -> None:
    """The header of a table counts more than one that only implied it."""
    assert key_lines("[a.b]\n[a]\n")[("a",)] == 2


SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20))
KEYS = st.text(min_size=1, max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def toml_text(text: str) -> str:
    """A basic string; JSON's escapes are TOML's, but TOML also wants DEL escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_value(value: Any, gap: str) -> str:
    """A value as TOML, `gap` where the grammar lets a list run over lines."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_text(k)} = {toml_value(v, gap)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(gap + toml_value(v, gap) for v in value) + gap + "]"
    if isinstance(value, str):
        return toml_text(value)
    return str(value).lower()


def paths_in(value: Any, path: KeyPath = ()) -> set[KeyPath]:
    """The path of every key and list item inside a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {found for key, inner in items for found in {(*path, key)} | paths_in(inner, (*path, key))}


@given(st.dictionaries(KEYS, VALUES, max_size=5), st.sampled_from(["", " ", "\n", " # ]\n\t"]))
def test_lines_know_every_path_of_a_document(document: dict[str, Any], gap: str) -> None:
    """The scanner finds exactly the keys and items that tomllib finds."""
    text = "".join(f"{toml_text(key)} = {toml_value(value, gap)}\n" for key, value in document.items())
    assert set(key_lines(text)) == paths_in(tomllib.loads(text))


# ------------------------------------------------------------------------------------------------- anything at all

ANY_SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def load_or_refuse(folder: Path, text: str) -> None:
    """Loads the text; a refusal has to name a line and a fix, each problem on one line."""
    problems = refusals(write(folder, text))
    assert problems != []
    for problem in problems or ():
        assert re.search(r"config\.toml:[1-9][0-9]*: .*(;|\?|must be) ", problem + " ")
        assert len(problem.splitlines()) == 1


def refusals(path: Path) -> list[str] | None:
    """The problems of a file, None when it loads."""
    try:
        config.load(path)
    except ConfigError as error:
        return error.problems
    return None


@ANY_SETTINGS
@given(st.text())
@example("\ud7ff = 1")
@example("a = '''")
@example("a.b = 1\na.b.c = 2")
@example("x = 2024-02-30")
def test_any_text_is_a_configuration_or_a_configuration_error(tmp_path: Path, text: str) -> None:
    """No text, however odd, ends in anything but a value or a ConfigError."""
    load_or_refuse(tmp_path, text)


PLACES = [(table, key) for table in TABLES for key in [*keys_of(table), "other"]]
ODD_TEXT = st.one_of(
    st.text(max_size=30),
    st.from_regex(r"[a-z+]{0,8}:(//)?[a-z@:%/\[\]#.0-9]{0,15}"),
    st.from_regex(r"[0-9.]{0,4}[smhdKMGB/]{0,3}"),
)


@ANY_SETTINGS
@given(st.sampled_from(PLACES), VALUES | ODD_TEXT)
@example(("mail", "from"), '"\\')
@example(("sources", "url"), "https://\u2100")
@example(("site", "url"), "https://[v1.x]/")
@example(("web", "listen"), "[::1%25]:80")
@example(("site", "timezone"), "/etc/passwd")
def test_any_value_at_any_key_is_accepted_or_a_configuration_error(
    tmp_path: Path, place: tuple[str, str], value: Any
) -> None:
    """Whatever stands at a key, it is taken or refused in words."""
    table, key = place
    document: dict[str, Any] = {"site": {"title": "Planet", "url": "https://planet.example.org"}}
    base = document.get(table, {}) | {key: value}
    document[table] = [base, base] if table in ("editions", "sources") else base
    load_or_refuse(tmp_path, "".join(f"{k} = {toml_value(v, chr(10))}\n" for k, v in document.items()))


@ANY_SETTINGS
@given(st.dictionaries(st.sampled_from([*TABLES, "other"]), VALUES, max_size=4))
def test_any_table_is_accepted_or_a_configuration_error(tmp_path: Path, document: dict[str, Any]) -> None:
    """Whatever stands where a table should, it is refused in words."""
    load_or_refuse(tmp_path, "".join(f"{k} = {toml_value(v, ' ')}\n" for k, v in document.items()))


UUID = "8f14e45f-ceea-467f-a0e6-1b2d3c4d5e6f"
HEX = "8f14e45fceea467fa0e61b2d3c4d5e6f"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/feed?a=1;token=x", False),
        ("https://a.example/feed?a=1&amp;jwt=x", False),
        ("https://a.example/feed?sid=1", False),
        ("https://a.example/feed?user_id=7", False),
        (f"https://a.example/feed?uuid={UUID}", False),
        (f"https://a.example/feed?u={HEX.upper()}", False),
        ("https://a.example/feed?u=aGVsbG8gd29ybGQhIDEyMzQ1Njc4OTA%3D", False),
        (f"https://a.example/private/{HEX}/feed.rss", False),
        (f"https://api.substack.com/feed/podcast/12345/private/{UUID}.rss", False),
        (f"https://a.example/Premium/{UUID}/feed", False),
        ("https://a.example/private/feed.xml", True),
        (f"https://a.example/{HEX}/private/feed.xml", True),
        ("https://www.blogger.com/feeds/1234567890123456789/posts/default", True),
        ("https://www.blogger.com/feeds/1234567890123456789/posts/default?max-results=25&alt=rss", True),
        ("https://www.youtube.com/feeds/videos.xml?channel_id=UCXuqSBlHAE6Xw-yeJA0Tunw", True),
        ("https://www.youtube.com/feeds/videos.xml?playlist_id=PLFgquLnL59alCl_2TQvOiD5Vgm1hCaGSI", True),
        ("https://a.example/?feed=rss2&cat=12&post_type=long-reads-of-the-year-2024", True),
        ("https://a.example/?tag=internationalization&feed=rss2", True),
        ("https://a.example/?since=12345678901234567890123", True),
        ("https://a.example/?url=https%3A%2F%2Fb.example%2F0123456789abcdef0123456789abcdef", True),
        ("https://ann.substack.com/feed", True),
        ("https://feeds.feedburner.com/AnExample", True),
        ("https://social.example/@ann.rss", True),
        ("https://feeds.megaphone.fm/VMP5705694065", True),
        ("https://anchor.fm/s/1a2b3c4d/podcast/rss", True),
        ("https://feeds.buzzsprout.com/12345.rss", True),
        ("https://feeds.simplecast.com/54nAGcIl", True),
        (f"https://www.omnycontent.com/d/playlist/{UUID}/{UUID}/{UUID}/podcast.rss", True),
        (f"https://feeds.acast.com/public/shows/{UUID}", True),
    ],
)
def test_a_token_in_the_address_is_for_members(url: str, expected: bool) -> None:
    """By its name or its look; what blogs, channels and podcasts that are everybody's have in theirs is none."""
    assert _source(SourceTable.model_construct(url=url, headers=(), username=None)).publish is expected


@pytest.mark.parametrize(
    ("url", "headers", "username", "expected"),
    [
        ("https://a.example/feed", (), None, True),
        ("https://a.example/feed?author=ann&keyword=x&page=2", (("Accept-Language", "de"),), None, True),
        ("https://a.example/feed?token=x", (), None, False),
        ("https://a.example/feed?api_key=x", (), None, False),
        ("https://a.example/feed?auth=", (), None, False),
        ("https://a.example/feed", (("X-Api-Key", "x"),), None, False),
        ("https://a.example/feed", (("X-Club", "${CLUB}"),), None, False),
        ("https://a.example/feed", (), "me", False),
    ],
)
def test_what_is_for_members_is_not_published(
    url: str, headers: tuple[tuple[str, str], ...], username: str | None, expected: bool
) -> None:
    """Unless the file says so: a login, a secret header or a token in the address are not everybody's."""
    table = SourceTable.model_construct(url=url, headers=headers, username=username)
    assert _source(table).publish is expected
    assert _source(table.model_copy(update={"publish": True})).publish
