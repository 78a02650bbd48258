"""Small feed documents, made to order."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def rss(items: Iterable[str], title: str = "A Blog", link: str = "https://blog.example/", head: str = "") -> bytes:
    """An RSS 2.0 document of ready-made items."""
    return (
        f'<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>{escape(title)}</title>'
        f"<link>{link}</link><description/>{head}{''.join(items)}</channel></rss>"
    ).encode()


def item(
    number: int | str, *, title: str = "", guid: str | None = "", link: str = "", text: str = "", date: str = ""
) -> str:
    """An RSS item; by default everything in it follows from its number. `guid=None` leaves the guid out."""
    guid = f"post-{number}" if guid == "" else guid
    return (
        f"<item><title>{escape(title or f'Post {number}')}</title>"
        f"<link>{escape(link or f'https://blog.example/{number}')}</link>"
        + (f'<guid isPermaLink="false">{escape(guid)}</guid>' if guid else "")
        + (f"<pubDate>{date}</pubDate>" if date else "")
        + f"<description>{escape(text or f'<p>The text of post {number}.</p>')}</description></item>"
    )


def blog(numbers: Iterable[int], **more: str) -> bytes:
    """An RSS 2.0 document with these posts, in this order."""
    return rss((item(number) for number in numbers), **more)
