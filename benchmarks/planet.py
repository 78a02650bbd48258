"""What publishing a planet costs: all of it into an empty folder, and again when one post is new; JSON out. See
README.md beside this file."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import archive

from tidings.model import FeedChange, Source
from tidings.publish import PublishSettings, publish
from tidings.store import Store, feeds, open_store, posts


def sources(blogs: int) -> list[Source]:
    """The blogs of an archive, each with one of ten tags."""
    return [Source(archive.blog(n).url, archive.blog(n).name, (f"tag {n % 10}",)) for n in range(blogs)]


def timed(do: Callable[[], list[Path]]) -> dict[str, float]:
    cpu, wall = time.process_time(), time.perf_counter()
    files = len(do())
    return {
        "files": files,
        "cpu_s": round(time.process_time() - cpu, 3),
        "wall_s": round(time.perf_counter() - wall, 3),
    }


def add_one(store: Store, blogs: int, number: int) -> None:
    """A new post of one of the blogs, an hour after the newest."""
    one = sources(blogs)[number % blogs]
    [state] = feeds.states(store, [one])
    row = store.row("SELECT max(first_seen) AS latest, count(*) AS posts FROM posts")
    assert row is not None
    now = datetime.fromisoformat(row["latest"]) + timedelta(hours=1)
    parsed = archive.post(number % blogs, 1_000_000 + int(row["posts"]))
    new = archive.to_save(parsed, f"{one.name}.example", marked=False)
    posts.save(store, state.feed_id, FeedChange(new=(new,)), now)


def measure(folder: Path, size: int, blogs: int, rounds: int) -> dict[str, Any]:
    """A full build, one with nothing to do, and some with one new post each, of which the median counts."""
    out = folder / "public"
    shutil.rmtree(out, ignore_errors=True)
    path = folder / f"planet-{size}.db"
    archive.fill(path, size, blogs)
    settings = PublishSettings("A planet", "https://planet.example", "en", "UTC", 100, "full", sources(blogs))
    with open_store(path) as store:
        full = timed(lambda: publish(store, out, settings))
        idle = timed(lambda: publish(store, out, settings))
        again = []
        for number in range(rounds):
            add_one(store, blogs, number)
            again.append(timed(lambda: publish(store, out, settings)))
        stored = store.rows("SELECT count(*) AS posts FROM posts")[0]["posts"] - rounds
    shutil.rmtree(out)
    one = sorted(again, key=lambda run: run["cpu_s"])[rounds // 2]
    return {
        "posts": stored,
        "full": full,
        "cpu_ms_per_post": round(1000 * full["cpu_s"] / stored, 3),
        "idle": idle,
        "one_new": one,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where the databases are kept from run to run")
    parser.add_argument("--posts", type=int, nargs="+", default=[1_000, 5_000, 20_000], metavar="N")
    parser.add_argument("--feeds", type=int, default=100, metavar="N", help="that a folder's databases are of")
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    measure(options.folder, 100, options.feeds, 1)  # to warm up: templates are compiled once
    sizes = [measure(options.folder, size, options.feeds, options.rounds) for size in options.posts]
    ratio = round(sizes[-1]["cpu_ms_per_post"] / sizes[0]["cpu_ms_per_post"], 2)
    json.dump({"feeds": options.feeds, "sizes": sizes, "cost_per_post_ratio": ratio}, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
