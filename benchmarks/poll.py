"""What a poll costs: made-up feeds on loopback, the real command, JSON out. See README.md beside this file."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_WORDS = "open weights model licence data paper code bench token prompt cost share court law city school bread".split()


class Feeds:
    """The feeds being served: path to (ETag, body). Every second one is Atom, the others RSS 2.0."""

    def __init__(self, count: int, seed: int) -> None:
        self._random = random.Random(seed)
        self._items = [[self._item(n, day) for day in range(self._random.randint(10, 40))] for n in range(count)]
        self.posts = sum(map(len, self._items))
        self.served = self._render()

    def add_one_each(self) -> None:
        for n, items in enumerate(self._items):
            items.append(self._item(n, len(items)))
        self.served = self._render()

    def _item(self, feed: int, day: int) -> str:
        title, *texts = [" ".join(self._random.choices(_WORDS, k=k)) for k in (6, *[60] * self._random.randint(1, 8))]
        html = "".join(f'&lt;p&gt;{text} &lt;a href="/about"&gt;more&lt;/a&gt;.&lt;/p&gt;' for text in texts)
        link, seconds = f"https://blog{feed}.example/{day}", 1_760_000_000 + day * 86_400
        if feed % 2:
            moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
            return (
                f'<entry><id>tag:blog{feed}.example,2026:{day}</id><title>{title}</title><link href="{link}"/>'
                f'<updated>{moment}</updated><content type="html">{html}</content></entry>'
            )
        return (
            f"<item><guid>{link}</guid><title>{title}</title><link>{link}</link><pubDate>{formatdate(seconds)}</pubDate>"
            f"<description>{html}</description></item>"
        )

    def _render(self) -> dict[str, tuple[str, bytes]]:
        documents = {f"/{n}": _document(n, reversed(items)).encode() for n, items in enumerate(self._items)}
        return {path: (f'"{hashlib.md5(body).hexdigest()}"', body) for path, body in documents.items()}


def _document(feed: int, items: Iterator[str]) -> str:
    head = f"<title>Blog {feed}</title>"
    if feed % 2:
        return f'<feed xmlns="http://www.w3.org/2005/Atom"><id>urn:blog:{feed}</id>{head}{"".join(items)}</feed>'
    return f'<rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # the usual 5 would make some of many connections wait a second for another try


@contextlib.contextmanager
def serve(feeds: Feeds) -> Iterator[str]:
    """Serves the feeds with ETags on a free loopback port; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            etag, body = feeds.served[self.path]
            fresh = self.headers.get("If-None-Match") == etag
            self.send_response(304 if fresh else 200)
            self.send_header("ETag", etag)
            self.send_header("Content-Type", "application/xml")
            if not fresh:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if fresh else body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def poll(folder: Path, new: int, unchanged: int) -> dict[str, float]:
    """Runs one poll and returns what it cost; ends everything when it did not bring what it should have."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-m", "tidings", "poll", "--all", "--json"]
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE)
    wall = time.perf_counter() - start
    with contextlib.suppress(ChildProcessError):  # raised when there are none left
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"the poll failed with exit status {done.returncode}")
    report: dict[str, Any] = json.loads(done.stdout)
    if (report["new"], report["unchanged"]) != (new, unchanged):
        sys.exit(f"{report['new']} new, {report['unchanged']} unchanged, instead of {new} and {unchanged}")
    cpu = sum(after[:2]) - sum(before[:2])  # user and system time
    return {"wall_seconds": round(wall, 3), "cpu_seconds": round(cpu, 3), "posts": new}


def one_round(count: int, seed: int, workers: str) -> dict[str, dict[str, float]]:
    """The three phases, on a database of their own."""
    feeds = Feeds(count, seed)
    with serve(feeds) as base, tempfile.TemporaryDirectory() as name:
        text = '[site]\ntitle = "Benchmark"\nurl = "https://planet.example"\n'
        text += f'[poll]\nallow_networks = ["127.0.0.0/8"]\nworkers = "{workers}"\n'
        text += "".join(f'[[sources]]\nurl = "{base}{path}"\n' for path in feeds.served)
        (Path(name) / "config.toml").write_text(text, encoding="utf-8")
        cold = poll(Path(name), new=feeds.posts, unchanged=0)
        unchanged = poll(Path(name), new=0, unchanged=count)
        feeds.add_one_each()
        return {"cold": cold, "unchanged": unchanged, "one_new": poll(Path(name), new=count, unchanged=0)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", choices=("processes", "inline"), default="processes")
    options = parser.parse_args()
    if (
        sys.platform == "linux"
    ):  # PR_SET_CHILD_SUBREAPER: the parsers' parent outlives the poll; we inherit what it cost
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    rounds = [one_round(options.feeds, options.seed, options.workers) for _ in range(options.rounds)]
    print(json.dumps({**vars(options), "rounds": rounds}, indent=2))


if __name__ == "__main__":
    main()
