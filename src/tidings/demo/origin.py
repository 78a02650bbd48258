"""The demo's origin: a web server on loopback with the bundled blogs, their posts as pages, and one that is broken.

It answers conditional requests as a good server does and keeps count, so that the tour can show what polling costs.
"""

from __future__ import annotations

import hashlib
import html
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from urllib.parse import urlsplit

from tidings.model import Document, ParsedFeed
from tidings.posts.clean import clean
from tidings.posts.parse import parse

_PLACEHOLDER = b"http://blogs.example"
_TYPES = {
    "xml": "application/xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "rdf": "application/rdf+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
    "svg": "image/svg+xml",
}
_PAGE = """<!doctype html>
<html lang="{language}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>:root{{color-scheme:light dark}}body{{max-width:38rem;margin:3rem auto;padding:0 1rem;
font:1.05rem/1.6 Georgia,serif}}img{{max-width:100%}}pre{{overflow-x:auto}}</style>
<body dir="auto"><p>{blog}</p><h1>{title}</h1>{content}</body></html>"""

DOWN = "down.xml"


@dataclass(frozen=True, slots=True)
class Blog:
    """A bundled blog: its file below the origin, its name and tags in the demo's configuration."""

    file: str
    name: str
    tags: tuple[str, ...]


BLOGS = (
    Blog("open-ledger.xml", "Open Ledger", ("economics",)),
    Blog("closed-by-design.xml", "Closed by Design", ("economics",)),
    Blog("weights-and-measures.rdf", "Weights and Measures", ("benchmarks",)),
    Blog("small-model-kitchen.json", "Small Model Kitchen", ("practice",)),
    Blog("relative-matters.atom", "Relative Matters", ("law",)),
    Blog("the-model-hour.xml", "The Model Hour", ("podcast",)),
    Blog("mizan.xml", "Mizan", ("languages",)),
    Blog("hiraku.xml", "Hiraku", ("languages",)),
    Blog("field-notes.xml", "Field Notes", ("practice",)),
    Blog("commons-weekly.xml", "Commons Weekly", ("links",)),
    Blog("night-shift.atom", "Night Shift", ("practice",)),
    Blog(DOWN, "The Unreachable Times", ("links",)),
)


@dataclass
class Traffic:
    """What the origin was asked and how it answered."""

    requests: int = 0
    conditional: int = 0
    not_modified: int = 0
    bytes_sent: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def since(self, earlier: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Requests, conditional ones, 304 answers and body bytes since `earlier`, a value of `so_far`."""
        now = self.so_far()
        return (now[0] - earlier[0], now[1] - earlier[1], now[2] - earlier[2], now[3] - earlier[3])

    def so_far(self) -> tuple[int, int, int, int]:
        with self.lock:
            return (self.requests, self.conditional, self.not_modified, self.bytes_sent)


@dataclass(frozen=True, slots=True)
class Origin:
    """A running origin."""

    url: str
    traffic: Traffic


@contextmanager
def serve_blogs() -> Iterator[Origin]:
    """Serves the bundled blogs on a free loopback port until the block ends."""
    traffic = Traffic()
    server = _Server(("127.0.0.1", 0), _handler(traffic))
    thread = threading.Thread(target=server.serve_forever, name="origin", daemon=True)
    thread.start()
    try:
        yield Origin(f"http://127.0.0.1:{server.server_address[1]}", traffic)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A poll opens all its connections at once; one that found the queue full would wait a second.
    request_queue_size = 128


def _handler(traffic: Traffic) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, kind, body = _answer(urlsplit(self.path).path, f"http://{self.headers['Host']}")
            etag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
            asked = self.headers.get("If-None-Match")
            if status == 200 and asked == etag:
                status, body = 304, b""
            with traffic.lock:
                traffic.requests += 1
                traffic.conditional += asked is not None
                traffic.not_modified += status == 304
                traffic.bytes_sent += len(body)
            self.send_response(status)
            if status in (200, 304):
                self.send_header("ETag", etag)
            if status != 304:
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The tour does the talking."""

    return Handler


def _answer(path: str, base: str) -> tuple[int, str, bytes]:
    name = path.strip("/")
    if name == DOWN:
        return 500, "text/plain; charset=utf-8", b"The Unreachable Times is having a bad day.\n"
    document = _bundled(name, base)
    if document is not None:
        return 200, _TYPES[name.rpartition(".")[2]], document
    page = _page(name, base)
    if page is not None:
        return 200, "text/html; charset=utf-8", page
    return 404, "text/plain; charset=utf-8", b"There is nothing here.\n"


def _bundled(name: str, base: str) -> bytes | None:
    """A bundled file with its links pointing to this origin."""
    *folders, leaf = name.split("/")
    if leaf.rpartition(".")[2] not in _TYPES or folders not in ([], ["images"]):
        return None
    file = resources.files("tidings").joinpath("demo", "blogs", *folders, leaf)
    return file.read_bytes().replace(_PLACEHOLDER, base.encode()) if file.is_file() else None


def _page(name: str, base: str) -> bytes | None:
    """A post as the blog's own page, or the blog's front page, as a reader who follows a link expects."""
    slug = name.partition("/")[0]
    blog = next((blog for blog in BLOGS if blog.file.partition(".")[0] == slug), None)
    document = _bundled(blog.file, base) if blog else None
    feed = parse(Document(f"{base}/{slug}", document)) if document else None
    if blog is None or not isinstance(feed, ParsedFeed):
        return None
    here = urlsplit(f"{base}/{name}").path.rstrip("/")
    for post in feed.posts:
        if here != f"/{slug}" and urlsplit(post.url).path.rstrip("/") == here:
            content = clean(post.content_html or post.summary_html, post.base)
            return _fill(feed.language, post.title, blog.name, content)
    if here != f"/{slug}":
        return None
    links = "".join(f'<li><a href="{html.escape(post.url)}">{html.escape(post.title)}</a>' for post in feed.posts)
    return _fill(feed.language, blog.name, "", f"<ul>{links}</ul>")


def _fill(language: str, title: str, blog: str, content: str) -> bytes:
    return _PAGE.format(
        language=html.escape(language or "en"), title=html.escape(title), blog=html.escape(blog), content=content
    ).encode()
