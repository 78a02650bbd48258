"""What programs find their way by: lists of pages for search engines, and what they are asked."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlsplit
from xml.sax.saxutils import escape

from tidings.model import SitemapFile
from tidings.render.xml import rfc3339

_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def render_sitemap(file: SitemapFile, url: str) -> bytes:
    """A list of pages of the site at `url`, or of such lists (sitemaps.org/protocol.html)."""
    outer, inner = ("sitemapindex", "sitemap") if file.is_index else ("urlset", "url")
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<{outer} xmlns="{_NAMESPACE}">']
    lines += [f"<{inner}>{_place(path, changed, url)}</{inner}>" for path, changed in file.entries]
    return "\n".join([*lines, f"</{outer}>", ""]).encode()


def render_robots(url: str) -> bytes:
    """What search engines are asked for: to find all pages, and not to search (RFC 9309). They look for it at the root
    of a host only, and its paths count from there, also those of a site that is under a path."""
    place = quote(urlsplit(url).path, safe="/%")
    return f"User-agent: *\nDisallow: {place}/search\n\nSitemap: {url}/sitemap.xml\n".encode()


def _place(path: str, changed: datetime | None, url: str) -> str:
    shown = path.removesuffix("index.html")
    date = f"<lastmod>{rfc3339(changed)}</lastmod>" if changed else ""
    return f"<loc>{escape(f'{url}/{quote(shown)}')}</loc>{date}"
