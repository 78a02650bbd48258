"""Pictures that show nothing and count who opens a mail (research/newsletters.md 2.7). Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

_HOSTS = frozenset(
    {
        "pixel.wp.com",
        "stats.wordpress.com",
        "ad.doubleclick.net",
        "feedads.g.doubleclick.net",
        "stats.g.doubleclick.net",
        "pagead2.googlesyndication.com",
        "b.scorecardresearch.com",
        "pixel.quantserve.com",
        "rss.buysellads.com",
        "pixel.newscred.com",
        "feeds.feedblitz.com",
        "da.feedsportal.com",
        "res.feedsportal.com",
    }
)
# What of a host's addresses counts; the rest are pictures. A host stands for those below it, too.
_PATHS = (
    ("feeds.feedburner.com", "/~r/"),
    ("feeds.feedburner.com", "/~ff/"),
    ("feedproxy.google.com", "/~r/"),
    ("google-analytics.com", "/"),
    ("feedsportal.com", "/"),
    ("medium.com", "/_/stat"),
    ("facebook.com", "/tr"),
    ("mailchimp.com", "/track/"),
    ("list-manage.com", "/track/"),
    ("substack.com", "/o/"),
)


def counts_readers(url: str) -> bool:
    """Whether a picture's web address is known to be one of a counter: hosts and paths of well-known services."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in _HOSTS:
        return True
    return any(_is_below(host, name) and parts.path.startswith(path) for name, path in _PATHS)


def _is_below(host: str, name: str) -> bool:
    return host == name or host.endswith(f".{name}")
