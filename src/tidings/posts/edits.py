"""Has a post changed since it was stored? Pure."""

from __future__ import annotations

import hashlib

from tidings.model import ParsedPost


def content_hash(post: ParsedPost) -> str:
    """A fingerprint (32 hex digits) of what a reader would see: title, link, text, enclosures; white space folded.

    Dates are left out: many feeds bump `updated` on every build without changing a word (research on aggregators, b.8).
    """
    parts = [post.title, post.url, post.content_html, post.summary_html, *(file.url for file in post.enclosures)]
    folded = "\x00".join(" ".join(part.split()) for part in parts)
    return hashlib.blake2b(folded.encode("utf-8", "replace"), digest_size=16).hexdigest()
