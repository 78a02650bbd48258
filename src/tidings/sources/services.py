"""Where well-known services keep the feeds of what is published with them, told from a URL alone. Pure.

Only rules that cost no request to follow are here. Pages of these services often announce no feed or a lesser one, or
show programs nothing at all.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

_NAME = r"[\w.~%-]{1,100}"

# Host (after "www."), path, feed. "*" before a host stands for each blog's own name; {1} is the path's first group.
_RULES: tuple[tuple[str, str, str], ...] = (
    ("youtube.com", r"/channel/(UC[\w-]{10,40})", "https://www.youtube.com/feeds/videos.xml?channel_id={1}"),
    ("youtube.com", rf"/user/({_NAME})", "https://www.youtube.com/feeds/videos.xml?user={1}"),
    ("github.com", rf"/({_NAME})/({_NAME})/commits(?:/({_NAME}))?/?", "https://github.com/{1}/{2}/commits/{3}.atom"),
    ("github.com", rf"/({_NAME})/({_NAME})/tags/?", "https://github.com/{1}/{2}/tags.atom"),
    ("github.com", rf"/({_NAME})/({_NAME})(?:/releases)?/?", "https://github.com/{1}/{2}/releases.atom"),
    ("github.com", rf"/({_NAME})/?", "https://github.com/{1}.atom"),
    ("reddit.com", rf"/(r|user|u)/({_NAME})(?:/.*)?", "https://www.reddit.com/{1}/{2}/.rss"),
    ("medium.com", rf"/(@?{_NAME})(?:/.*)?", "https://medium.com/feed/{1}"),
    ("*.medium.com", r"/.*", "/feed"),
    ("*.substack.com", r"/.*", "/feed"),
    ("*.wordpress.com", r"/.*", "/feed/"),
    ("*.blogspot.com", r"/.*", "/feeds/posts/default"),
    ("*.tumblr.com", r"/.*", "/rss"),
    ("*.bearblog.dev", r"/.*", "/feed/"),
    ("*.livejournal.com", r"/.*", "/data/atom"),
    ("*.dreamwidth.org", r"/.*", "/data/atom"),
    ("dev.to", rf"/({_NAME})(?:/.*)?", "https://dev.to/feed/{1}"),
    ("bsky.app", rf"/profile/({_NAME})/?", "https://bsky.app/profile/{1}/rss"),
    ("buttondown.com", rf"/({_NAME})(?:/.*)?", "https://buttondown.com/{1}/rss"),
    ("news.ycombinator.com", r"/", "https://news.ycombinator.com/rss"),
)
_HANDLE = re.compile(r"/@[\w.]{1,100}/?")


def known_feeds(url: str) -> list[str]:
    """The feeds that a service is known to have for the page at `url`; most often there is none."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    if host == "youtube.com" and parts.path == "/playlist":
        ids = [text for text in parse_qs(parts.query).get("list", []) if re.fullmatch(r"[\w-]{10,60}", text)]
        return [f"https://www.youtube.com/feeds/videos.xml?playlist_id={quote(text)}" for text in ids[:1]]
    for name, path, feed in _RULES:
        found = re.fullmatch(path, parts.path or "/")
        if found and _is_host(host, name):
            return [_written(feed, found, f"{parts.scheme}://{parts.netloc}")]
    return _profile_feeds(host, f"{parts.scheme}://{parts.netloc}", parts.path)


def _is_host(host: str, name: str) -> bool:
    return host.endswith(name[1:]) if name.startswith("*") else host == name


def _written(feed: str, found: re.Match[str], site: str) -> str:
    groups = ["", *(group or "" for group in found.groups())]
    address = feed.format(*groups).replace("/.atom", ".atom")
    return site + address if address.startswith("/") else address


def _profile_feeds(host: str, site: str, path: str) -> list[str]:
    """Mastodon and what is like it: a profile is `/@name` on a host of any name, its feed `/@name.rss`."""
    elsewhere = ("youtube.com", "tiktok.com", "threads.net", "threads.com", "flipboard.com", "substack.com")
    if _HANDLE.fullmatch(path) and not host.endswith(elsewhere):
        return [f"{site}{path.rstrip('/')}.rss"]
    return []
