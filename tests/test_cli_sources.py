"""`tidings discover` and `tidings sources`, used as an operator does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.corpus import CORPUS, needs_corpus
from tests.feeds import blog, item, rss
from tests.origin import Answer, Origin
from tests.sites import Site
from tidings import config
from tidings.cli.discovering import format_name
from tidings.cli.lists import free_name
from tidings.cli.sources import sources as group

PAGE = b"""<html><head>
<link rel="alternate" type="application/rss+xml" title="Tea: comments" href="/comments/feed">
<link rel="alternate" type="application/rss+xml" title="Tea" href="/feed">
</head><body>Tea</body></html>"""


@pytest.fixture
def origin() -> Iterator[Origin]:
    with Origin() as server:
        server.serve("/", Answer(200, PAGE, {"Content-Type": "text/html"}))
        server.serve_feed("/feed", blog([1, 2], title="A Blog about Tea"))
        server.serve_feed("/comments/feed", blog([3], title="Comments for Tea"))
        yield server


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.configure([])
    return made


def text_of(site: Site) -> str:
    return (site.folder / "config.toml").read_text(encoding="utf-8")


def test_discover_lists_the_feeds_of_a_page(site: Site, origin: Origin) -> None:
    """Each feed has a row, the best first; what to do next is a hint on standard error."""
    done = site.run("discover", origin.url("/"))
    head, first, second = done.stdout.splitlines()
    assert head.split() == ["url", "title", "format", "posts", "newest", "found"]
    assert first.split()[:2] == ["1", origin.url("/feed")]
    assert "A Blog about Tea" in first
    assert "RSS 2.0" in first
    assert second.endswith("announced, comments")
    assert f"tidings sources add {origin.url('/feed')}" in done.stderr
    assert f"asking {origin.url('/')}" in done.stderr


def test_discover_reports_json(site: Site, origin: Origin) -> None:
    """The JSON report has the feeds and what was refused."""
    report = site.json("discover", origin.url("/"))
    assert list(report) == ["url", "is_feed", "feeds", "refused"]
    assert [feed["comments"] for feed in report["feeds"]] == [False, True]
    assert site.json("discover", origin.url("/feed"))["is_feed"] is True


def test_discover_says_why_there_is_none(site: Site, origin: Origin) -> None:
    """Without a feed the exit status is 1 and the message says what was tried."""
    origin.serve("/", Answer(200, b"<html>nothing", {"Content-Type": "text/html"}))
    origin.serve("/feed", Answer(404))
    done = site.run("discover", origin.url("/"), check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "announces no feed" in done.stderr
    done = site.run("discover", origin.url("/away"), check=False)
    assert done.returncode == 1
    assert "404" in done.stderr


@pytest.mark.parametrize("url", ["not a url", "ftp://a.example/", "https://user:secret@a.example/", ""])
def test_what_is_no_url_is_a_usage_error(site: Site, url: str) -> None:
    """A URL that could not stand in the file is refused before anything is asked, and no password is repeated."""
    for command in (("discover", url), ("sources", "add", url), ("sources", "add", "--no-check", url)):
        done = site.run(*command, check=False)
        assert done.returncode == 2
        assert "secret" not in done.stderr


def test_add_takes_the_feed_of_a_page(site: Site, origin: Origin) -> None:
    """The best feed goes into the file under its title, the others are named, and the next poll fetches it."""
    before = text_of(site)
    done = site.run("sources", "add", origin.url("/"), "--tag", "tea", "--tag", "people")
    lines = f'[[sources]]\nurl = "{origin.url("/feed")}"\nname = "A Blog about Tea"\ntags = ["tea", "people"]\n'
    assert done.stdout == lines
    assert text_of(site) == f"{before}\n{lines}"
    assert f"also there: {origin.url('/comments/feed')}" in done.stderr
    site.run("poll")
    assert {post["source"] for post in site.posts()} == {"A Blog about Tea"}


def test_add_refuses_what_is_there(site: Site, origin: Origin) -> None:
    """The same URL is refused without a request, the same feed found through its page too, and a likeness is told."""
    site.run("sources", "add", origin.url("/feed"), "--name", "Tea")
    asked = len(origin.requests)
    done = site.run("sources", "add", origin.url("/feed"), check=False)
    assert (done.returncode, len(origin.requests)) == (1, asked)
    assert "already, called 'Tea'" in done.stderr
    assert site.run("sources", "add", origin.url("/"), check=False).returncode == 1
    done = site.run("sources", "add", "--no-check", origin.url("/feed/"))
    assert "almost the same URL" in done.stderr
    assert text_of(site).count("[[sources]]") == 2


def test_add_refuses_what_cannot_be_reached(site: Site, origin: Origin) -> None:
    """A dead address is not written unless --no-check says so, and then nothing is asked for."""
    before = text_of(site)
    done = site.run("sources", "add", origin.url("/away"), check=False)
    assert (done.returncode, done.stdout, text_of(site)) == (1, "", before)
    assert "--no-check" in done.stderr
    asked = len(origin.requests)
    done = site.run("sources", "add", "--no-check", "blog.example/feed")
    assert done.stdout == '[[sources]]\nurl = "https://blog.example/feed"\n'
    assert len(origin.requests) == asked


def test_add_refuses_feeds_of_comments(site: Site, origin: Origin) -> None:
    """Where only comments have a feed, nothing is added, and the message says how to have it all the same."""
    origin.serve("/feed", Answer(404))
    before = text_of(site)
    done = site.run("sources", "add", origin.url("/"), check=False)
    assert (done.returncode, text_of(site)) == (1, before)
    assert "only feeds of comments" in done.stderr


def test_remove_takes_a_source_out(site: Site) -> None:
    """By name or URL; the lines taken out are printed; an unknown name gets a proposal."""
    site.configure([("Tea", "https://tea.example/feed"), ("Coffee", "https://coffee.example/feed")])
    before = text_of(site)
    done = site.run("sources", "remove", "Tae", check=False)
    assert done.returncode == 2
    assert 'did you mean "Tea"?' in done.stderr
    done = site.run("sources", "remove", "Tea")
    assert done.stdout == '[[sources]]\nurl = "https://tea.example/feed"\nname = "Tea"\n'
    assert "stay stored" in done.stderr
    site.run("sources", "remove", "https://coffee.example/feed")
    assert config.load(site.folder / "config.toml").sources == ()
    assert before.startswith(text_of(site).rstrip("\n"))


def test_removed_posts_stay_and_do_not_come_again(site: Site, origin: Origin) -> None:
    """Posts of a source that was taken out can be found, and are not new when it is added again."""
    site.run("sources", "add", origin.url("/feed"))
    assert site.json("poll")["new"] == 2
    site.run("sources", "remove", origin.url("/feed"))
    assert len(site.posts()) == 2
    site.run("sources", "add", origin.url("/feed"))
    assert site.json("poll", "--all")["new"] == 0


def test_list_shows_how_sources_fare(site: Site, origin: Origin) -> None:
    """Each source is listed in the order of the file with its status, its posts, and what is wrong."""
    rows = [("Fine", origin.url("/feed")), ("Gone", origin.url("/away"))]
    site.configure(rows, more='\n[[sources]]\nurl = "https://off.example/"\ndisabled = true\ntags = ["a", "b"]\n')
    assert [row["status"] for row in site.json("sources", "list")] == ["never polled", "never polled", "disabled"]
    site.run("poll", check=False)
    fine, gone, off = site.json("sources", "list")
    assert (fine["status"], fine["posts"], fine["error"], fine["failing_since"]) == ("ok", 2, None, None)
    assert fine["polled_at"] < fine["next_poll_at"]
    assert (gone["status"], gone["error"]["kind"], gone["posts"]) == ("failing", "not-found", 0)
    assert gone["failing_since"] is not None
    assert (off["name"], off["tags"], off["next_poll_at"]) == ("off.example", ["a", "b"], None)
    shown = site.run("sources", "list").stdout
    assert "404" in shown
    assert "a, b" in shown


def test_list_tells_a_poll_that_left_no_answer(site: Site, origin: Origin) -> None:
    """A source whose first request was under way when its poll was killed is not called ok; one that answers is."""
    origin.serve("/slow", Answer(200, blog([1]), delay=5))
    site.configure([("Slow", origin.url("/slow"))])
    process = site.start("poll")
    deadline = time.monotonic() + 60
    while not origin.count("/slow") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    [row] = site.json("sources", "list")
    assert (row["status"], row["error"]) == ("unanswered", None)
    assert row["polled_at"] is not None
    assert "no answer was recorded" in site.run("sources", "list").stdout
    origin.serve_feed("/slow", blog([1]))
    site.run("poll", "--all")
    assert [row["status"] for row in site.json("sources", "list")] == ["ok"]
    assert "no answer" not in site.run("sources", "list").stdout


def test_list_tells_a_document_that_is_cut_short(site: Site, origin: Origin) -> None:
    """Its posts are there and it is no failure, but the list says that more may be missing."""
    whole = blog([2, 1])
    origin.serve("/cut", Answer(200, whole[: whole.rindex(b"</item>")]))
    site.configure([("Cut", origin.url("/cut")), ("Fine", origin.url("/feed"))])
    site.run("poll")
    assert [row["status"] for row in site.json("sources", "list")] == ["ok", "ok"]
    _, cut, fine = site.run("sources", "list").stdout.splitlines()
    assert cut.endswith("malformed or cut short; read as far as it goes")
    assert "malformed" not in fine


def test_list_without_sources_says_how_to_add_one(site: Site) -> None:
    """An empty list is no failure, and names the command that fills it."""
    done = site.run("sources", "list")
    assert done.stdout == ""
    assert "tidings sources add" in done.stderr


OPML = """<opml version="2.0"><body>
<outline text="Tea"><outline text="Kettle" xmlUrl="https://kettle.example/feed"/>
<outline text="Kettle" xmlUrl="https://other.example/feed"/></outline>
<outline text="Known" xmlUrl="http://www.known.example/feed/"/>
<outline text="Piped" xmlUrl="|~/x.sh"/><outline text="Bad" xmlUrl="gopher://a.example/"/>
</body></opml>"""


def test_import_adds_what_is_new(site: Site) -> None:
    """New feeds are written with unique names and tags; known and unusable ones are counted and named."""
    site.configure([("Known", "https://known.example/feed")])
    (site.folder / "list.opml").write_text(OPML, encoding="utf-8")
    before = text_of(site)
    dry = site.run("sources", "import", "list.opml", "--tag", "new", "--dry-run", check=False)
    assert text_of(site) == before
    done = site.run("sources", "import", "list.opml", "--tag", "new", check=False)
    assert done.returncode == 1
    assert "2 added to config.toml, 1 already there, 2 unusable" in done.stdout
    assert "'|~/x.sh': runs a command" in done.stderr
    assert "gopher" in done.stderr
    assert text_of(site) == f"{before}\n{dry.stdout}"
    loaded = config.load(site.folder / "config.toml").sources[1:]
    assert [source.name for source in loaded] == ["Kettle", "Kettle (other.example)"]
    assert {source.tags for source in loaded} == {("Tea", "new")}
    again = site.run("sources", "import", "list.opml", check=False)
    assert "0 added to config.toml, 3 already there" in again.stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "there is no feed in it"),
        (b"<opml/>", "there is no feed in it"),
        (b"<html><body>hello</body></html>", "no OPML"),
        (b"<html><body><p>hello<br></body></html>", "no OPML"),
        (b"<rss version='2.0'/>", "no OPML"),
        (b"<opml><body><outline text='a & b'/></body></opml>", "no feed in what could be read"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\n\xffhttps://a.example/\n\x9d", "it is binary"),
        (bytes(range(255, 10, -1)) * 9, "neither OPML nor"),
        (b"Dear all,\nhere are my blogs:\nhttps://a.example/feed\nRegards", "an address begins 1 of 4 lines"),
        (b'{\n  "feeds": ["https://a.example/feed"]\n}\n', "neither OPML nor"),
    ],
)
def test_import_of_no_list_is_a_failure(site: Site, content: bytes, reason: str) -> None:
    """A file without feeds changes nothing, and one line says what is wrong with it."""
    (site.folder / "list").write_bytes(content)
    before = text_of(site)
    done = site.run("sources", "import", "list", check=False)
    assert (done.returncode, done.stdout, text_of(site)) == (1, "", before)
    [line] = done.stderr.splitlines()
    assert line.startswith("tidings: list: ")
    assert reason in line
    assert line.endswith("; nothing was written")
    assert line.isascii()


def test_export_comes_back_through_import(site: Site) -> None:
    """What is exported from one file and imported into another gives the same sources."""
    more = '\n[[sources]]\nurl = "https://c.example/?a=1&b=2"\nname = "C & \\"D\\""\ntags = ["x", "a,b", "x/y"]\n'
    site.configure([("A", "https://a.example/feed"), "https://b.example/feed"], more=more)
    wanted = config.load(site.folder / "config.toml").sources
    assert site.run("sources", "export", "out.opml").stdout == "out.opml\n"
    assert site.run("sources", "export").stdout == (site.folder / "out.opml").read_text(encoding="utf-8")
    site.configure([])
    site.run("sources", "import", "out.opml")
    assert config.load(site.folder / "config.toml").sources == wanted


@needs_corpus
def test_a_list_of_thousands_goes_in_at_once(site: Site) -> None:
    """A real list with more than a thousand blogs is one edit, after which the configuration loads."""
    path = str(CORPUS / "lists" / "hackernews-personal-blogs.opml")
    assert "1229 added" in site.run("sources", "import", path).stdout
    assert len(config.load(site.folder / "config.toml").sources) == 1229
    assert "0 added to config.toml, 1229 already there" in site.run("sources", "import", path).stdout


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("rss20", "RSS 2.0"),
        ("rss091u", "RSS 0.91"),
        ("rss10", "RSS 1.0"),
        ("atom10", "Atom 1.0"),
        ("json11", "JSON Feed 1.1"),
        ("rss", "RSS"),
        ("cdf", "CDF"),
    ],
)
def test_formats_have_the_names_people_use(code: str, name: str) -> None:
    """A format's code is shown in words where it has some."""
    assert format_name(code) == name


def test_names_are_made_free() -> None:
    """A name that is taken gets its host, then a number; one that only repeats the URL is left out."""
    taken = {"A", "A (a.example)"}
    assert free_name("A", "https://www.a.example/feed", taken) == "A (a.example 2)"
    assert free_name("B\x1b", "https://b.example/", taken) == "B"
    assert free_name("", "https://b.example/feed", taken) == ""
    assert free_name("", "http://b.example/feed", taken) == "b.example/feed (b.example)"


@pytest.mark.parametrize("name", group.commands)
def test_each_command_explains_itself(name: str) -> None:
    """Every command of the group says in two sentences or more what it does, and every option what it is for."""
    command = group.commands[name]
    assert (command.help or "").count(". ") + (command.help or "").count(".\n") >= 1
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help


# ---------------------------------------------------------------------------------------------------------- release


OLD = "Mon, 02 Jan 2023 08:00:00 GMT"


@pytest.fixture
def holding(site: Site, origin: Origin) -> Site:
    """A site with a source that has seven posts held, and one that is as ever."""
    origin.serve_feed("/b", blog([1]))
    origin.serve_feed("/feed", blog(range(8)))
    site.configure([("Tea & more", origin.url("/feed")), ("b", origin.url("/b"))])
    site.run("poll")
    strange = [item(n, text=f"<p>Strange {n}.</p>", date=OLD) for n in range(100, 107)]
    origin.serve_feed("/feed", rss(strange))
    site.run("poll", "--all")
    return site


def published(site: Site) -> int:
    """How many of the held posts the combined feed has."""
    site.run("publish", "--out", "public")
    return (site.folder / "public" / "atom.xml").read_text(encoding="utf-8").count("Strange 10")


def test_sources_list_counts_what_is_held(holding: Site) -> None:
    """The row says how many posts are held and what lets them go; JSON has their number."""
    lines = holding.run("sources", "list").stdout.splitlines()
    assert "7 posts are held; `tidings sources release 'Tea & more'` lets them go" in lines[1]
    assert "held" not in lines[2]
    assert [(row["posts"], row["held"]) for row in holding.json("sources", "list")] == [(15, 7), (1, 0)]


def test_release_makes_news_of_what_is_held(holding: Site, origin: Origin) -> None:
    """Released posts are published, once; a second release finds none; another source is not touched."""
    assert published(holding) == 0
    assert "no posts of 'b' are held" in holding.run("sources", "release", "b").stderr
    done = holding.run("sources", "release", origin.url("/feed"))
    assert done.stdout == "7 posts of 'Tea & more' are released; they are news from now on\n"
    assert published(holding) >= 7
    assert holding.json("posts", "--held") == []
    done = holding.run("sources", "release", "Tea & more")
    assert (done.stdout, done.stderr) == ("", "no posts of 'Tea & more' are held\n")
    assert holding.json("poll", "--all")["new"] == 0


def test_one_post_can_be_released_or_put_away(holding: Site) -> None:
    """The genuine one among those held goes, another is put away, and the others stay held; each can be taken back."""
    held = [post["id"] for post in holding.json("posts", "--held")]
    name = ("sources", "release", "Tea & more")
    assert holding.run(*name, "--post", str(held[0])).stdout.startswith(
        "1 post of 'Tea & more' is released; it is news"
    )
    assert published(holding) == 1
    assert holding.json(*name, "--discard", "--post", str(held[1])) == {
        "source": "Tea & more",
        "released": 0,
        "put_away": 1,
        "held": 5,
    }
    assert holding.json("sources", "list")[0]["held"] == 5
    stranger = holding.json("posts", "--source", "b")[0]["id"]
    refused = holding.run(*name, "--post", str(held[2]), "--post", str(stranger), check=False)
    assert refused.returncode == 1
    assert f"post {stranger} is no post of 'Tea & more'" in refused.stderr
    assert holding.json(*name, "--post", str(held[1]))["released"] == 1
    assert holding.json("sources", "list")[0]["held"] == 5
    assert published(holding) == 2
    assert holding.run(*name, "--post", "x", check=False).returncode == 2


def test_what_was_put_away_can_be_taken_back(holding: Site) -> None:
    """Whoever puts posts away by mistake is told how they come back, as news; a second time there is nothing left."""
    name = ("sources", "release", "Tea & more")
    done = holding.run(*name, "--discard")
    assert "`tidings sources release 'Tea & more' --put-away` lets them go" in done.stdout
    assert (
        holding.run(*name, "--put-away").stdout == "7 posts of 'Tea & more' are released; they are news from now on\n"
    )
    assert published(holding) >= 7
    assert holding.run(*name, "--put-away").stderr == "no posts of 'Tea & more' are put away\n"
    assert holding.run(*name, "--put-away", "--discard", check=False).returncode == 2


def test_discard_puts_away(holding: Site) -> None:
    """Discarded posts stay stored and known, and no plain release brings them into the feed."""
    done = holding.run("sources", "release", "Tea & more", "--discard")
    assert done.stdout.startswith("7 posts of 'Tea & more' are put away")
    assert "no posts" in holding.run("sources", "release", "Tea & more").stderr
    assert published(holding) == 0
    assert holding.json("poll", "--all")["new"] == 0
    assert [row["held"] for row in holding.json("sources", "list")] == [0, 0]
    assert len(holding.json("posts", "Strange")) == 7


def test_release_of_an_unknown_source_is_a_usage_error(holding: Site) -> None:
    """The name that was meant is suggested."""
    done = holding.run("sources", "release", "Tea and more", check=False)
    assert done.returncode == 2
    assert "Tea & more" in done.stderr


def test_release_waits_for_a_poll_under_way(holding: Site, origin: Origin) -> None:
    """What a poll read of a source before it was released is not written over the release."""
    body = blog([1])
    origin.serve("/b", Answer(200, body, delay=2))
    asked = origin.count("/b")
    process = holding.start("poll", "--all")
    deadline = time.monotonic() + 60
    while origin.count("/b") == asked and time.monotonic() < deadline:
        time.sleep(0.01)
    started = time.monotonic()
    holding.run("sources", "release", "Tea & more")
    assert time.monotonic() - started > 1
    process.communicate()
    assert holding.json("posts", "--held") == []
