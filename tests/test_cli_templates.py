"""An operator's own templates and languages, from the configuration file to what readers get."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default as modern

import pytest

from tests.feeds import blog
from tests.mails import body_of
from tests.origin import Origin
from tests.sites import Site


@pytest.fixture
def polled(site: Site, origin: Origin) -> Site:
    """A site with two posts, a folder of templates, and a reader of German beside one of English."""
    origin.serve_feed("/a", blog([2, 1]))
    readers = ["ada@readers.example", "grace@readers.example"]
    site.configure([("a", origin.url("/a"))], subscribers=readers)
    change(site, 'data_dir = "data"', 'data_dir = "data"\ntemplates = "mine"')
    change(site, '"grace@readers.example"', '{ address = "grace@readers.example", language = "de" }')
    (site.folder / "mine").mkdir()
    site.run("poll")
    return site


def change(site: Site, old: str, new: str) -> None:
    """Changes the configuration file in one place."""
    path = site.folder / "config.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def write(site: Site, name: str, source: str) -> None:
    (site.folder / "mine" / name).write_text(source, encoding="utf-8")


def test_a_copied_template_is_what_readers_see(polled: Site) -> None:
    """In mail and on pages; files that are not there are ours."""
    write(polled, "letter.txt", "mine: {{ content.items | length }} posts\n")
    write(polled, "planet.html", "my planet")
    polled.run("preview", "weekly")
    assert (polled.folder / "issue.txt").read_text(encoding="utf-8") == "mine: 2 posts\n"
    assert "presentation" in (polled.folder / "issue.html").read_text(encoding="utf-8")
    polled.run("publish")
    assert (polled.folder / "data/public/index.html").read_text(encoding="utf-8") == "my planet"


def test_each_reader_is_written_to_in_their_language(polled: Site) -> None:
    """Subject and words; the issue is frozen under the subject of its edition's."""
    assert "The Weekly: Post 2 and 1 more" in polled.run("send", "weekly").stdout
    mails = [message_from_bytes(path.read_bytes(), policy=modern) for path in (polled.folder / "outbox").glob("*.eml")]
    subjects = {mail["To"]: mail["Subject"] for mail in mails}
    assert subjects == {
        "ada@readers.example": "The Weekly: Post 2 and 1 more",
        "grace@readers.example": "The Weekly: Post 2 und 1 weiterer",
    }
    german = next(mail for mail in mails if mail["To"].startswith("grace"))
    assert "weil diese Adresse The Weekly abonniert hat." in body_of(german, "plain")


@pytest.mark.parametrize(
    ("key", "file", "complaint"),
    [
        ("", ("letter.html", "\n{{ itme }}"), "Template letter.html, line 2: 'itme' is undefined"),
        ('look = "zine"', ("zine.html", "x"), "The look 'zine' has no template zine.txt. Make it in "),
        ('subject = "{{ healine }}"', ("unused.html", ""), "The subject of edition weekly, '{{ healine }}', cannot be"),
    ],
)
def test_a_mistake_sends_nothing(polled: Site, key: str, file: tuple[str, str], complaint: str) -> None:
    """The operator reads what is wrong and where, and once it is mended everybody gets the issue."""
    write(polled, *file)
    change(polled, 'title = "The Weekly"', f'title = "The Weekly"\n{key}')
    for command in ("preview", "send"):
        done = polled.run(command, "weekly", check=False)
        assert (done.returncode, complaint in done.stderr) == (1, True), done.stderr
    assert not list((polled.folder / "outbox").glob("*.eml"))
    (polled.folder / "mine" / file[0]).unlink()
    change(polled, f'title = "The Weekly"\n{key}', 'title = "The Weekly"')
    assert "2 delivered" in polled.run("send", "weekly").stdout


def test_a_folder_of_templates_that_is_not_there_is_an_error(polled: Site) -> None:
    """Ours are not sent in its place without a word."""
    (polled.folder / "mine").rmdir()
    done = polled.run("preview", "weekly", check=False)
    assert (done.returncode, "mine: there is no such folder" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('schedule = "', 'look = "nope"\nschedule = "', "nope.html"),
        ('schedule = "', 'subject = "{{ nope }}"\nschedule = "', "`subject`"),
        ('schedule = "', 'subject = "{{ edition"\nschedule = "', "`subject`"),
        ('templates = "mine"', 'templates = "nowhere"', "there is no such folder"),
    ],
    ids=["look", "name in a subject", "form of a subject", "folder"],
)
def test_check_finds_what_would_make_no_mail(polled: Site, old: str, new: str, said: str) -> None:
    """What only the next issue would show is said at once, with exit status 2."""
    assert polled.run("check").returncode == 0
    change(polled, old, new)
    done = polled.run("check", check=False)
    assert (done.returncode, said in done.stderr) == (2, True)
    assert "config.toml: " in done.stderr


@pytest.mark.parametrize("name", ["letter.html", "letter.txt", "mail.html", "issue.html", "planet.html", "page.html"])
def test_check_tries_every_template(polled: Site, name: str) -> None:
    """A name that is not there is found with template and line, in mail, issue and planet."""
    write(polled, name, "\n{{ nowhere.to_be_found }}\n")
    done = polled.run("check", check=False)
    assert done.returncode == 2
    assert f"{name}, line 2" in done.stderr


def test_a_look_ahead_is_in_the_first_readers_language(polled: Site) -> None:
    """A preview and a judgement are of the very mail that the first subscriber gets; a test mail to a subscriber is in
    that one's language, one to anybody else in the edition's."""
    assert polled.run("preview", "weekly").stdout.startswith("The Weekly: Post 2 and 1 more\n")
    change(polled, '"ada@readers.example"', '{ address = "ada@readers.example", language = "fr" }')
    assert polled.run("preview", "weekly").stdout.startswith("The Weekly : Post 2 et 1 autre\n")
    assert 'lang="fr"' in (polled.folder / "issue.html").read_text(encoding="utf-8")
    assert polled.json("check", "weekly")["subject"] == "The Weekly : Post 2 et 1 autre"
    for address, subject in (
        ("Grace@readers.example", "[test] The Weekly: Post 2 und 1 weiterer"),
        ("somebody@else.example", "[test] The Weekly: Post 2 and 1 more"),
    ):
        polled.run("send", "weekly", "--to", address)
        found = [path.read_bytes() for path in (polled.folder / "outbox").glob("*.eml")]
        mails = [message_from_bytes(one, policy=modern) for one in found]
        assert [mail["Subject"] for mail in mails if mail["To"] == address] == [subject]


def test_a_wrong_catalogue_of_one_reader_is_found_before_anything_is_frozen(polled: Site) -> None:
    """Found later it would stop the mails of all, of an issue that can't be changed any more."""
    break_dutch(polled)
    change(polled, 'language = "de"', 'language = "nl"')
    done = polled.run("send", "weekly", check=False)
    assert (done.returncode, "nl.po" in done.stderr) == (1, True)
    assert polled.json("issues", "list")["issues"] == []
    change(polled, 'language = "nl"', 'language = "de"')
    polled.run("send", "weekly")
    assert len(list((polled.folder / "outbox").glob("*.eml"))) == 2


def break_dutch(site: Site) -> None:
    """A catalogue that would lose the number of an issue."""
    (site.folder / "mine" / "locale").mkdir()
    broken = (
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Issue %(number)s"\nmsgstr "Uitgave"\n'
    )
    (site.folder / "mine" / "locale" / "nl.po").write_text(broken, encoding="utf-8")


def test_check_tries_the_words_of_every_reader(polled: Site) -> None:
    """A catalogue with a mistake is found when a reader is written to in its language, and not before."""
    break_dutch(polled)
    assert polled.run("check").returncode == 0
    change(polled, 'language = "de"', 'language = "nl"')
    done = polled.run("check", check=False)
    assert (done.returncode, "nl.po" in done.stderr) == (2, True)
