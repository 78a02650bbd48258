"""What does a document change? The decision between parse and save. Pure: old state and new data in, changes out.

Only new and changed posts are cleaned: cleaning every known post at every poll would cost more than parsing them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tidings.model import FeedChange, KnownPost, ParsedFeed, ParsedPost, PostToSave
from tidings.posts.clean import clean, visible_text
from tidings.posts.edits import content_hash
from tidings.posts.identity import Identified, Match, identify, match
from tidings.posts.stories import story_urls


def keys_to_look_up(feed: ParsedFeed) -> list[str]:
    """All keys under which the store may know a post of this document."""
    return [key for one in identify(feed.posts) for key in one.lookups]


def decide(feed: ParsedFeed, known: Mapping[str, KnownPost]) -> FeedChange:
    """The change that the document `feed` makes to what is `known` of its source (key → post).

    Deciding again after saving gives an empty change. New posts come oldest first, so that ids follow time; documents
    usually start with the newest.
    """
    identified = identify(feed.posts)
    stories = story_urls([one.post for one in identified])
    matches = match(identified, known)
    new = [one for one in matches if one.known is None]
    changed = [one for one in matches if one.known is not None and _differs(one.identified.post, one.known)]
    return FeedChange(
        new=tuple(_to_save(one, feed, stories) for one in _oldest_first(new)),
        changed=tuple(_to_save(one, feed, stories) for one in changed),
        aliases=tuple(_aliases(matches, known)),
    )


def _differs(post: ParsedPost, known: KnownPost) -> bool:
    """Whether the stored post must be rewritten. One without a fingerprint was erased, and stays so."""
    return known.content_hash not in ("", content_hash(post))


def _aliases(matches: Sequence[Match], known: Mapping[str, KnownPost]) -> list[tuple[str, int]]:
    """Keys that known posts were met under for the first time: remembered, so that either key will do from now on."""
    return [
        (key, one.known.post_id)
        for one in matches
        if one.known is not None
        for key in one.identified.lasting_keys
        if key not in known
    ]


def _oldest_first(matches: Sequence[Match]) -> list[Match]:
    backwards = list(reversed(matches))
    dates = [one.identified.post.published or one.identified.post.updated for one in backwards]
    if any(date is None for date in dates):
        return backwards
    return [one for _, one in sorted(zip(dates, backwards, strict=True), key=lambda pair: pair[0])]  # type: ignore[arg-type,return-value]


def _to_save(one: Match, feed: ParsedFeed, stories: Mapping[int, str]) -> PostToSave:
    identified: Identified = one.identified
    post: ParsedPost = identified.post
    summary_html = clean(post.summary_html, post.base) if post.summary_html else ""
    summary = visible_text(summary_html)
    # Content can be nothing but a script: then the summary is what there is to read.
    content = clean(post.content_html, post.base) or summary_html
    return PostToSave(
        post_id=one.known.post_id if one.known else None,
        keys=identified.lasting_keys if one.known else (*identified.keys, *identified.shared),
        content_hash=content_hash(post),
        story_url=stories[post.position],
        guid=post.guid,
        url=post.url,
        title=post.title,
        author=post.author,
        published=post.published,
        updated=post.updated,
        tags=post.tags,
        summary=summary,
        content_html=content,
        text=visible_text(content) or summary,
        language=post.language or feed.language,
        enclosures=post.enclosures,
        origin_title=post.origin_title,
        origin_url=post.origin_url,
    )
