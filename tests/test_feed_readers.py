"""Programs that people read feeds with, on what is published: they list exactly that, and ask politely again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from reader import make_reader

from tests.stocking import blog, configure, post, receive
from tests.test_publish import settings
from tests.webs import HOST, in_background
from tidings.publish import publish
from tidings.store import Store
from tidings.web.app import create_app
from tidings.web.server import WebServer
from tidings.web.site import Site

A, B = blog("a", tags=("Schöne Texte",)), blog("b", tags=("b",))
TITLES = {
    "a1": "A plain title",
    "a2": "Ünïcödé, 日本語, \U0001f680, שלום",
    "a3": "Quotes “here” & 'there': 100 % \"sure\"",
    "b1": "Ampersand & Sons",
}

if os.environ.get("CI"):
    for _name in ("newsboat", "sfeed_update"):
        if shutil.which(_name) is None:
            raise RuntimeError(f"CI needs {_name}: .ci/run installs it")


@dataclass
class Served:
    """A published site and what was asked of it: path and status of each answer."""

    url: str
    answers: list[tuple[str, int]] = field(default_factory=list)

    def statuses(self, path: str) -> list[int]:
        return [status for asked, status in self.answers if asked == path]


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[Served]:
    """Two blogs, published, and served by our own web server."""
    configure(store, A, B)
    for one in (A, B):
        posts = [
            post(
                name, title=title, guid=f"tag:{one.name}.example,2026:{name}", url=f"https://{one.name}.example/{name}"
            )
            for name, title in TITLES.items()
            if name.startswith(one.name)
        ]
        receive(store, one, *posts)
    publish(store, tmp_path / "public", settings(sources=(A, B)))
    app: Any = create_app(tmp_path / "public", Site("http://planet.example", "Planet", "en"))
    server = WebServer(app, HOST, 0)
    found = Served(f"http://{HOST}:{server.port}")
    app.wsgi_app = _noting(app.wsgi_app, found.answers)
    with in_background(server):
        yield found


def _noting(wsgi: Callable[..., Any], answers: list[tuple[str, int]]) -> Callable[..., Any]:
    def noting(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        def noted(status: str, *rest: Any) -> Any:
            answers.append((environ["PATH_INFO"], int(status[:3])))
            return start(status, *rest)

        return wsgi(environ, noted)

    return noting


def expected(*names: str) -> set[tuple[str, str]]:
    """Title and link of the posts of some blogs."""
    return {
        (title, f"https://{name[0]}.example/{name}")
        for name, title in TITLES.items()
        if not names or name.startswith(names)
    }


def run(*command: str, cwd: Path, **environment: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


# -------------------------------------------------------------------------------------------------------- newsboat


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/atom.xml", ()),
        ("/rss.xml", ()),
        ("/tags/b/rss.xml", ("b",)),
        ("/sources/a/atom.xml", ("a",)),
    ],
)
def test_newsboat(served: Served, tmp_path: Path, path: str, names: tuple[str, ...]) -> None:
    """It lists every post with its title and link. It keeps an ETag only for a feed that it has in its cache, which is
    so from the second fetch on: the one after that is answered with 304."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "urls").write_text(f"{served.url}{path}\n")
    for _ in range(3):
        run("newsboat", "-u", "urls", "-c", "cache.db", "-x", "reload", cwd=home, HOME=str(home))
    with sqlite3.connect(home / "cache.db") as cache:
        items = cache.execute("SELECT title, url FROM rss_item").fetchall()
    cache.close()
    assert len(items) == len(set(items))
    assert set(items) == expected(*names)
    assert served.statuses(path) == [200, 200, 304]


# ----------------------------------------------------------------------------------------------------------- sfeed

_SFEEDRC = """\
sfeedpath="{folder}"
fetch() {{
    curl -s -S -f -m 15 --etag-compare "{folder}/etag" --etag-save "{folder}/etag" "$2"
}}
feeds() {{
    feed "planet" "{url}"
}}
"""


@pytest.mark.parametrize(("path", "names"), [("/atom.xml", ()), ("/rss.xml", ()), ("/sources/b/rss.xml", ("b",))])
def test_sfeed(served: Served, tmp_path: Path, path: str, names: tuple[str, ...]) -> None:
    """The same of sfeed, with the fetch that its manual gives for servers with validators."""
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "etag").touch()
    (folder / "sfeedrc").write_text(_SFEEDRC.format(folder=folder, url=f"{served.url}{path}"))
    for _ in range(2):
        run("sfeed_update", str(folder / "sfeedrc"), cwd=folder)
    lines = [line.split("\t") for line in (folder / "planet").read_text(encoding="utf-8").splitlines()]
    assert sorted((line[1], line[2]) for line in lines) == sorted(expected(*names))
    assert served.statuses(path) == [200, 304]


# ---------------------------------------------------------------------------------------------------------- reader


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/atom.xml", ()),
        ("/rss.xml", ()),
        ("/feed.json", ()),
        ("/tags/sch%C3%B6ne-texte/atom.xml", ("a",)),
        ("/sources/b/feed.json", ("b",)),
    ],
)
def test_reader(served: Served, path: str, names: tuple[str, ...]) -> None:
    """The same of the `reader` library, with each post's id and author, JSON Feed included."""
    reader = make_reader(":memory:")
    reader.add_feed(served.url + path)
    for _ in range(2):
        reader.update_feed(served.url + path)
    entries = list(reader.get_entries())
    assert {(entry.title, entry.link) for entry in entries} == expected(*names)
    assert {entry.id for entry in entries} == {
        f"tag:{name[0]}.example,2026:{name}" for name in TITLES if not names or name.startswith(names)
    }
    assert all(entry.content for entry in entries)
    reader.close()
    assert served.statuses(path.replace("%C3%B6", "ö").encode().decode("latin-1")) == [200, 304]
