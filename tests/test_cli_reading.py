"""`tidings posts`: what is held, and what edits have changed."""

from __future__ import annotations

import json

import pytest

from tests.feeds import item, rss
from tests.origin import Answer, Origin
from tests.sites import Site

FIRST = "<p>The kettle is on the stove.</p><p>The cat is on the mat.</p>"
LATEST = "<p>The kettle is on the stove.</p><p>The dog is on the mat.</p><p>It rains.</p>"


def show(origin: Origin, *items: str) -> None:
    origin.serve("/a", Answer(200, rss(items)))


@pytest.fixture
def edited(site: Site, origin: Origin) -> Site:
    """A site with one post that was edited and one that was not."""
    site.configure([("a", origin.url("/a"))])
    show(origin, item(2), item(1, title="A kettle", text=FIRST))
    site.run("poll", "--all")
    show(origin, item(2), item(1, title="A kettle and a dog", text=LATEST))
    site.run("poll", "--all")
    return site


def id_of(site: Site, words: str) -> str:
    return str(site.json("posts", words)[0]["id"])


def test_a_diff_shows_title_and_text_by_line(edited: Site) -> None:
    """First and latest version as a unified diff, with the times they stand for."""
    done = edited.run("posts", id_of(edited, "kettle"), "--diff")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("--- post 1 as first seen\t20")
    assert lines[1].startswith("+++ post 1 now\tedited since 20")
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "-A kettle",
        "+A kettle and a dog",
        "-The cat is on the mat.",
        "+The dog is on the mat.",
        "+",
        "+It rains.",
    ]
    assert " The kettle is on the stove." in lines
    assert done.stderr == ""


def test_a_diff_as_json(edited: Site) -> None:
    """The versions whole, and the lines of the difference."""
    report = edited.json("posts", "--diff", id_of(edited, "kettle"))
    assert list(report) == "id source url first_seen replaced_at changed_at first latest diff".split()
    assert (report["id"], report["source"], report["url"]) == (1, "a", "https://blog.example/1")
    assert report["first"] == {
        "title": "A kettle",
        "text": "The kettle is on the stove.\n\nThe cat is on the mat.",
    }
    assert report["latest"]["title"] == "A kettle and a dog"
    assert report["replaced_at"] == report["changed_at"] >= report["first_seen"]
    assert "-The cat is on the mat." in report["diff"]


def test_a_post_without_edits_has_no_diff(edited: Site) -> None:
    """That is said, and is no failure."""
    number = id_of(edited, '"Post 2"')
    done = edited.run("posts", number, "--diff")
    assert done.stdout == ""
    assert f"no edit of post {number} is kept" in done.stderr
    report = edited.json("posts", number, "--diff")
    assert (report["first"], report["replaced_at"], report["changed_at"], report["diff"]) == (None, None, None, [])


def test_an_edit_that_was_taken_back_has_no_diff(edited: Site, origin: Origin) -> None:
    """The words are again what they were."""
    show(origin, item(2), item(1, title="A kettle", text=FIRST))
    edited.run("poll", "--all")
    done = edited.run("posts", "1", "--diff")
    assert (done.stdout, "again what they were" in done.stderr) == ("", True)


@pytest.mark.parametrize("query", ["99", "0", "123456789012345678"])
def test_a_diff_of_no_post_is_a_failure(edited: Site, query: str) -> None:
    """An id that no post has is exit status 1, and the message says where ids are found."""
    done = edited.run("posts", query, "--diff", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"no post with the id {query}" in done.stderr


@pytest.mark.parametrize("query", [[], ["kettle"], ["1", "2"], ["1.5"], ["٣"], ["9" * 30]])
def test_a_diff_wants_one_id(site: Site, query: list[str]) -> None:
    """Anything else is a usage error."""
    site.configure([])
    done = site.run("posts", *query, "--diff", check=False)
    assert done.returncode == 2
    assert "wants the id of one post" in done.stderr


def test_a_diff_cannot_move_the_cursor(site: Site, origin: Origin) -> None:
    """What a feed put into a text is printed as blanks where it is no sign."""
    site.configure([("a", origin.url("/a"))])
    show(origin, item(1, text="<p>Quiet and plain</p>"))
    site.run("poll", "--all")
    show(origin, item(1, text="<p>Loud\u009b31m and \u202ered</p>"))
    site.run("poll", "--all")
    shown = site.run("posts", "1", "--diff").stdout
    assert "Loud" in shown
    assert all(line.replace("\t", " ").isprintable() for line in shown.splitlines())


def test_held_posts_are_listed_alone(site: Site, origin: Origin) -> None:
    """`--held` lists what waits, and nothing else; a plain list has everything."""
    site.configure([("a", origin.url("/a"))])
    show(origin, *(item(n) for n in range(8)))
    site.run("poll", "--all")
    assert site.json("posts", "--held") == []
    assert "no posts" in site.run("posts", "--held").stderr
    old = "Mon, 02 Jan 2023 08:00:00 GMT"
    show(origin, *(item(n, text=f"<p>Strange {n}.</p>", date=old) for n in range(100, 107)))
    site.run("poll", "--all")
    assert {post["title"] for post in site.json("posts", "--held")} == {f"Post {n}" for n in range(100, 107)}
    assert len(json.loads(site.run("posts", "--held", "--limit", "3", "--json").stdout)) == 3
    assert len(site.posts()) == 15
    first = site.json("posts", "--held")[0]["id"]
    site.run("sources", "release", "a", "--discard", "--post", str(first))
    assert {post["held"] for post in site.posts()} == {None, "held", "put-away"}
    lines = site.run("posts").stdout.splitlines()
    assert lines[0].split()[-1] == "held"
    assert sum(line.endswith("put away") for line in lines) == 1
    assert sum(line.endswith("  held") for line in lines) == 7


def test_posts_of_a_source_that_left_the_file_are_listed(site: Site, origin: Origin) -> None:
    """They stay stored and searchable, by the name that their source had."""
    site.configure([("a", origin.url("/a"))])
    show(origin, item(1))
    site.run("poll", "--all")
    site.configure([("b", origin.url("/b"))])
    assert [post["title"] for post in site.json("posts", "--source", "a")] == ["Post 1"]
    assert site.run("posts", "--source", "c", check=False).returncode == 2
