"""The recipes of docs/deploy.md with the real servers: what stands before Tidings, and whom it takes a client for."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.test_docs import fenced
from tests.test_web_leaving import ANN, EDITIONS, ONE_CLICK
from tests.webs import FORM, ask, serving
from tidings import config, signing
from tidings.demo.sink import free_port
from tidings.signing import Purpose
from tidings.store import consents, file_readers, keys, open_store, subscribers
from tidings.web.site import Site

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
DEPLOY = (Path(__file__).resolve().parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")
NGINX = """
daemon off; user root; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  {server}
}}
"""


def program(name: str) -> str:
    """Where a server is; it has to be there on the build machine."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found:
        return found
    if os.environ.get("CI"):
        pytest.fail(f"{name} is not installed, and CI must run this test.")
    pytest.skip(f"{name} is not installed.")


@contextmanager
def nginx(folder: Path, front: int, back: int, path: str) -> Iterator[None]:
    """The server of the recipe, without its certificate; under a path, with the location that the page names."""
    (recipe,) = fenced(DEPLOY, "nginx")
    server = re.sub(r"\n +(listen \[|ssl_certificate).*", "", recipe).replace(
        "listen 443 ssl", f"listen 127.0.0.1:{front}"
    )
    server = server.replace("127.0.0.1:8000", f"127.0.0.1:{back}").replace("location / {", f"location {path}/ {{")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, server=server), encoding="utf-8")
    with process([program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")], front):
        yield


@contextmanager
def caddy(folder: Path, front: int, back: int, path: str) -> Iterator[None]:
    """The same of Caddy, without asking for a certificate."""
    at_root, below = fenced(DEPLOY, "caddy")
    recipe = re.sub(r"^\S*example\.org", f"http://127.0.0.1:{front}", below if path else at_root)
    text = "{\n\tadmin off\n\tauto_https off\n}\n" + recipe.replace("127.0.0.1:8000", f"127.0.0.1:{back}")
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    home = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with process(command, front, home):
        yield


@contextmanager
def process(command: list[str], port: int, environment: dict[str, str] | None = None) -> Iterator[None]:
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        for _ in range(400):
            assert started.poll() is None, started.communicate()[0]
            if is_there(port):
                break
            time.sleep(0.05)
        yield
    finally:
        started.terminate()
        started.communicate(timeout=20)


def is_there(port: int) -> bool:
    try:
        ask(port, "GET", "/")
    except OSError:
        return False
    return True


@pytest.mark.parametrize("path", ["", "/planet"])
@pytest.mark.parametrize("before", [nginx, caddy], ids=["nginx", "caddy"])
def test_behind_a_real_web_server(tmp_path: Path, before: object, path: str) -> None:
    """Pages and one click work through it, at the root and under a path; the client's own words about who it is count
    nothing, those of the server do."""
    database, front = tmp_path / "tidings.db", free_port()
    with open_store(database) as store:
        file_readers.sync(store, EDITIONS, NOW)
        public_id = subscribers.public_ids(store, [ANN])[ANN]
        token = signing.sign(Purpose.UNSUBSCRIBE, public_id, "daily", keys.usable(store, NOW), NOW)
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "index.html").write_text("<title>Planet</title>", encoding="utf-8")
    trusted = tuple(map(ip_network, ("127.0.0.1/32", "::1/128")))
    site = Site(f"https://planet.example{path}", "P", editions=EDITIONS, open_store=lambda: open_store(database))
    with (
        serving(tmp_path / "public", replace(site, trusted_proxies=trusted)) as back,
        before(tmp_path, front, back, path),  # type: ignore[operator]
    ):
        assert b"Planet" in ask(front, "GET", f"{path}/").body
        page = ask(front, "GET", f"{path}/u/{token}")
        assert (page.status, page.headers["Cache-Control"]) == (200, "no-store")
        assert "sha256-" in page.headers["Content-Security-Policy"]
        forged = {**FORM, "X-Forwarded-For": "203.0.113.66"}
        assert ask(front, "POST", f"{path}/u/{token}", ONE_CLICK, forged, "127.9.9.9").status == 200
        assert ask(front, "POST", f"{path}/u/{token}", "x" * 70_000, FORM).status == 413
    with open_store(database) as store:
        ann = subscribers.find(store, ANN)
        assert ann is not None
        (left,) = [one for one in consents.trail(store, ann.id) if one.what == "left"]
    assert left.evidence.network == "127.9.9.0/24"


def test_the_configuration_of_the_page_is_right(tmp_path: Path) -> None:
    """It loads, and makes the site public behind servers of this machine."""
    (text,) = fenced(DEPLOY, "toml")
    (tmp_path / "config.toml").write_text(text.replace("[site]", '[site]\ntitle = "P"'), encoding="utf-8")
    loaded = config.load(tmp_path / "config.toml")
    assert loaded.web.public
    assert [str(one) for one in loaded.web.trusted_proxies] == ["127.0.0.1/32", "::1/128"]


def test_the_unit_is_one(tmp_path: Path) -> None:
    """systemd finds no fault with it, where there is a systemd; its command is one of ours."""
    (unit,) = fenced(DEPLOY, "ini")
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit)
    assert parsed["Service"]["ExecStart"].split()[1:] == ["-c", "/srv/tidings/config.toml", "run"]
    verify = shutil.which("systemd-analyze")
    if verify is None:
        return
    there = unit.replace("/opt/tidings/bin/tidings", shutil.which("true") or "/bin/true").replace("User=tidings\n", "")
    (tmp_path / "tidings.service").write_text(there.replace("/srv/tidings", str(tmp_path)), encoding="utf-8")
    done = subprocess.run([verify, "verify", str(tmp_path / "tidings.service")], capture_output=True, text=True)
    assert "Unknown" not in done.stderr
    assert done.returncode == 0, done.stderr
