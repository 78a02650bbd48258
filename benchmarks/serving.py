"""One feed asked for as often as possible, half of it by readers that have it: our server beside nginx, JSON out. See
README.md beside this file. Needs `wrk` and `nginx` (Debian packages of these names)."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OURS = """
import sys
from pathlib import Path
from tidings.web.app import create_app
from tidings.web.server import WebServer
from tidings.web.site import Site
WebServer(create_app(Path(sys.argv[1]), Site(url=f"http://127.0.0.1:{sys.argv[2]}")), "127.0.0.1", int(sys.argv[2])).serve_forever()
"""  # noqa: E501

_NGINX = """
daemon off; master_process off; worker_processes 1; error_log {folder}/error.log; pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off; types {{ application/atom+xml xml; }}
  gzip {gzip}; gzip_types application/atom+xml; gzip_comp_level 6;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 127.0.0.1:{port}; root {public}; }}
}}
"""

_HALF = """
local n = 0
local fresh = wrk.format("GET", "/atom.xml", {{["Host"] = "x", ["Accept-Encoding"] = "{coding}"}})
local known = wrk.format("GET", "/atom.xml",
  {{["Host"] = "x", ["Accept-Encoding"] = "{coding}", ["If-None-Match"] = '{tag}'}})
request = function() n = n + 1; if n % 2 == 0 then return known end; return fresh end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %f\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(99) / 1000))
end
"""


def write_feed(public: Path, posts: int) -> int:
    """A feed of posts of some 2 kB; returns its bytes."""
    made = random.Random(1)
    words = ["".join(made.choices("etaoinshrdlu", k=made.randint(2, 9))) for _ in range(5_000)]
    entries = (
        f"<entry><id>urn:{n}</id><content>{' '.join(made.choices(words, k=300))}</content></entry>"
        for n in range(posts)
    )
    text = f'<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>\n'
    public.mkdir()
    (public / "atom.xml").write_text(text)
    return len(text)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[int]:
    """Runs a server until it is not needed; gives its process id."""
    process = subprocess.Popen(command)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def memory_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def ask(port: int, coding: str) -> str:
    """The tag of the feed."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/atom.xml", headers={"Accept-Encoding": coding})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return answer.headers["ETag"]


def load(port: int, pid: int, coding: str, seconds: int, connections: int, folder: Path) -> dict[str, float]:
    script = folder / "half.lua"
    script.write_text(_HALF.format(coding=coding, tag=ask(port, coding)))
    before, cpu = memory_kb(pid), cpu_seconds(pid)
    said = subprocess.run(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "--latency",
            "-s",
            str(script),
            f"http://127.0.0.1:{port}/",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    requests, duration, errors, late = said.partition("RESULT ")[2].split()
    return {
        "per_second": round(int(requests) * 1e6 / int(duration), 1),
        "errors": int(errors),
        "p99_ms": round(float(late), 1),
        "cpu_us_per_request": round((cpu_seconds(pid) - cpu) * 1e6 / int(requests)),
        "memory_kb_before": before,
        "memory_kb_after": memory_kb(pid),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--coding", choices=("identity", "gzip"), default="gzip")
    chosen = parser.parse_args()
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        size = write_feed(folder / "public", chosen.posts)
        here, there = free_port(), free_port()
        (folder / "nginx.conf").write_text(
            _NGINX.format(
                folder=folder, port=there, public=folder / "public", gzip="on" if chosen.coding == "gzip" else "off"
            )
        )
        ours = [sys.executable, "-c", _OURS, str(folder / "public"), str(here)]
        theirs = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        rounds = []
        with running(ours, here) as our_pid, running(theirs, there) as their_pid:
            for _ in range(chosen.rounds):
                one = {
                    "tidings": load(here, our_pid, chosen.coding, chosen.seconds, chosen.connections, folder),
                    "nginx": load(there, their_pid, chosen.coding, chosen.seconds, chosen.connections, folder),
                }
                rounds.append(one)
    best = {who: max(one[who]["per_second"] for one in rounds) for who in ("tidings", "nginx")}
    json.dump(
        {
            "bytes": size,
            "coding": chosen.coding,
            "rounds": rounds,
            "ratio_to_nginx": round(best["tidings"] / best["nginx"], 3),
        },
        sys.stdout,
        indent=1,
    )
    print()


if __name__ == "__main__":
    main()
