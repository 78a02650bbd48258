"""Mail and pages in a real browser: nothing scrolls sideways, everything can be read and every main link be hit with a
thumb, in light and in dark, with and without pictures, and without the style block that Gmail on phones drops."""

from __future__ import annotations

import functools
import html
import http.server
import json
import os
import re
import shutil
import struct
import subprocess
import threading
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.render_samples import FIXTURES, FOOTER
from tests.test_render_pages import LINKS, PLANET
from tidings.model import IssueContent
from tidings.render.mail import render_issue
from tidings.render.pages import render_issue_page, render_planet

WIDTHS = (320, 375, 600, 800)
SHOWN = ("usual", "groups", "all-images", "rtl", "cjk", "long-words", "hostile", "nothing")
LOOKS = ("letter", "headlines")
WITHOUT = "-off"
"""Ends the name of a page whose pictures are not to be had, as where a mail program blocks them."""

SCHEMES = {"dark": 0, "light": 1}
MEASURE = """
const rgb = text => (text.match(/[\\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .04045 ? v / 12.92
  : ((v + .055) / 1.055) ** 2.4); return .2126 * x + .7152 * y + .0722 * z; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
const turned = c => c.slice(0, 3).map(v => 255 - v);
function behind(view, element) {
  for (; element; element = element.parentElement) {
    const colour = rgb(view.getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return null;
}
function faint(frame) {
  const found = [], doc = frame.contentDocument, view = frame.contentWindow;
  const walk = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility()) continue;
    const ink = rgb(view.getComputedStyle(element).color), paper = behind(view, element);
    const worst = paper ? Math.min(ratio(ink, paper), ratio(turned(ink), turned(paper))) : 0;
    if (worst < 4.5) found.push(worst.toFixed(2) + " " + walk.currentNode.data.trim().slice(0, 40));
  }
  return found;
}
function small(frame) {
  const links = [...frame.contentDocument.querySelectorAll(".h a, .t a, a.tap")];
  return links.filter(link => !link.matches(".row .tap") && link.getBoundingClientRect().height < 43.5)
    .map(link => link.getBoundingClientRect().height + " " + link.textContent.slice(0, 40));
}
function lines(node) {
  const range = node.ownerDocument.createRange();
  range.selectNodeContents(node);
  return [...range.getClientRects()];
}
function over(frame) {
  const cross = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
  const rows = [...frame.contentDocument.querySelectorAll(".t li")];
  return rows.map(row => [...row.children].slice(0, 2).map(lines))
    .filter(([name, source]) => name.some(one => source.some(other => cross(one, other)))).length;
}
function strays(frame) {
  const view = frame.contentWindow, rows = [...frame.contentDocument.querySelectorAll(".t li, .contents li")];
  return rows.map(row => {
    const [name, source = []] = [...row.children].slice(0, 2).map(lines), next = row.nextElementSibling;
    const above = name.at(-1), first = source[0], last = source.at(-1);
    if (!first || first.top < above.bottom - 8) return "";
    const space = first.top - above.bottom, after = next ? lines(next.children[0])[0].top - last.bottom : Infinity;
    if (space + 4 > after) return `${space} above, ${after} below: ${row.textContent.slice(0, 40)}`;
    const side = view.getComputedStyle(row).direction === "rtl" ? "right" : "left", box = row.getBoundingClientRect();
    const away = source.filter(line => Math.abs(line[side] - box[side]) > 4);
    return away.length ? `not ${side}: ${row.textContent.slice(0, 40)}` : "";
  }).filter(Boolean);
}
addEventListener("load", () => {
  const rows = [...document.querySelectorAll("iframe")].map(frame => {
    const root = frame.contentDocument.documentElement, view = frame.contentWindow;
    return {page: frame.dataset.page, width: root.clientWidth, scroll: root.scrollWidth,
      faint: faint(frame), small: small(frame), over: over(frame), strays: strays(frame),
      links: [...frame.contentDocument.links].filter(link => link.getClientRects().length && link.textContent.trim())
        .map(link => link.textContent),
      dark: view.matchMedia("(prefers-color-scheme: dark)").matches, paper: behind(view, frame.contentDocument.body),
      images: [...frame.contentDocument.images].map(image => image.naturalWidth),
      shown: [...frame.contentDocument.images].map(image => image.width)};
  });
  document.getElementById("result").textContent = JSON.stringify(rows);
});
"""


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    if os.environ.get("CI"):
        pytest.fail("Chromium is not installed, and CI must run this test.")
    pytest.skip("Chromium is not installed.")


def png(width: int, height: int) -> bytes:
    """A grey picture of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\x00" + b"\x99" * width) * height
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def without_style(mail: str) -> str:
    return re.sub(r"(?s)<style.*?</style>", "", mail)


def local_pictures(page: str) -> str:
    """Pictures from this server: those that say no size are small ones, and one of the names is missing there."""
    page = re.sub(r"https://pictures\.example/\w+-u\.png", "/small.png", page)
    return re.sub(r"https://(columnar|pictures)\.example/[\w.-]+\.png", "/chart.png", page)


def long_sources(content: IssueContent) -> IssueContent:
    """The same with names of blogs, in English, that take more than a line."""
    source = "The Journal of Slow Databases and Quick Remarks, Incorporating the Gazette of Small Repairs"
    return replace(content, items=tuple(replace(item, source=source) for item in content.items))


def pages() -> dict[str, str]:
    """What is looked at: each kind of issue in both looks, some of them once more as poorer programs show them."""
    mails = {
        f"mail-{look}-{name}": render_issue(replace(FIXTURES[name], look=look), FOOTER).html
        for look in LOOKS
        for name in SHOWN
    }
    poorer = [name for name in mails if name.endswith(("usual", "all-images", "rtl", "long-words"))]
    bare = {f"bare-{name}": without_style(mails[name]) for name in poorer}
    illustrated = {name: page for name, page in (mails | bare).items() if name.endswith("-all-images")}
    return {
        **{name: local_pictures(page) for name, page in (mails | bare).items()},
        **{
            f"{name}{WITHOUT}": page.replace("https://pictures.example/", "/gone/")
            for name, page in illustrated.items()
        },
        "planet": local_pictures(render_planet(PLANET)),
        "planet-rtl": local_pictures(render_planet(replace(PLANET, language="ar"))),
        **{f"page-{name}": local_pictures(render_issue_page(FIXTURES[name], LINKS)) for name in SHOWN},
        "page-long-source": local_pictures(render_issue_page(long_sources(FIXTURES["rtl"]), LINKS)),
        "mail-long-source": local_pictures(render_issue(long_sources(FIXTURES["rtl"]), FOOTER).html),
    }


PAGES = pages()


@pytest.fixture
def frames_page(tmp_path: Path) -> Iterator[str]:
    """A loopback server with every page, and a frame of each width around each; its address."""
    served = tmp_path / "site"
    served.mkdir()
    for name, page in PAGES.items():
        (served / f"{name}.html").write_text(page, encoding="utf-8")
    frames = "".join(
        f'<iframe data-page="{name}" src="{name}.html" '
        f'style="width:{width}px;height:900px;border:0;color-scheme:normal"></iframe>'
        for name in PAGES
        for width in WIDTHS
    )
    (served / "small.png").write_bytes(png(80, 60))
    (served / "chart.png").write_bytes(png(1600, 900))
    (served / "frames.html").write_text(f'<script>{MEASURE}</script>{frames}<pre id="result"></pre>', encoding="utf-8")
    handler = functools.partial(QuietHandler, directory=str(served))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/frames.html"
        server.shutdown()
        thread.join()


def measured(url: str, scheme: str, profile: Path) -> list[dict[str, Any]]:
    """What the browser reports of each frame under a colour scheme."""
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={profile}", "--virtual-time-budget=10000",
        f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--dump-dom", url,
    ]  # fmt: skip
    dump = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    result = re.search(r'<pre id="result">(.*?)</pre>', dump, re.DOTALL)
    assert result, "the browser measured nothing"
    rows: list[dict[str, Any]] = json.loads(html.unescape(result.group(1)))
    return rows


@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_fit_and_are_readable(frames_page: str, scheme: str, tmp_path: Path) -> None:
    """At any width nothing is wider than the window or lies over something else, and every text has a contrast of 4.5,
    also with colours inverted, as mail programs do; main links are 44 pixels high; a small picture is not blown up. All
    that holds without the style block and without pictures, too, which take no link along; dark paper is dark."""
    rows = measured(frames_page, scheme, tmp_path / "profile")
    assert len(rows) == len(PAGES) * len(WIDTHS)
    assert {row["width"] for row in rows} == set(WIDTHS)
    assert [(row["page"], row["width"], row["scroll"]) for row in rows if row["scroll"] > row["width"]] == []
    assert [(row["page"], row["faint"]) for row in rows if row["faint"]] == []
    assert [(row["page"], row["width"], row["small"]) for row in rows if row["small"]] == []
    assert [(row["page"], row["width"]) for row in rows if row["over"]] == []
    assert [(row["page"], row["width"], row["strays"]) for row in rows if row["strays"]] == []
    assert {row["dark"] for row in rows} == {scheme == "dark"}
    pictures = {row["page"]: row["images"] for row in rows}
    assert {80, 1600} <= set(pictures["mail-letter-all-images"])
    off = [row for row in rows if row["page"].endswith(WITHOUT)]
    assert {size for row in off for size in row["images"]} == {0}
    read = {(row["page"], row["width"]): row["links"] for row in rows}
    assert [row["page"] for row in off if row["links"] != read[row["page"].removesuffix(WITHOUT), row["width"]]] == []
    assert {row["page"] for row in off} == {
        f"{kind}-{look}-all-images{WITHOUT}" for kind in ("mail", "bare-mail") for look in LOOKS
    }
    wide = [picture for row in rows for picture in row["shown"] if picture > row["width"] or picture > 640]
    assert wide == []
    assert {80} == {
        shown for row in rows for natural, shown in zip(row["images"], row["shown"], strict=True) if natural == 80
    }
    styled = [row["paper"][0] for row in rows if not row["page"].startswith("bare")]
    assert all((shade < 60) is (scheme == "dark") for shade in styled)
