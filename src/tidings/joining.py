"""Which stories new posts join: candidates from the store, and the rules' word on them (posts/placing.py and
posts/returning.py). For the poll pipe, within the transaction that saves the posts, since stories may be joined and
parted by hand meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from tidings.model import Counterpart, FeedChange, FeedState, Join, PostToSave
from tidings.posts.canonical import canonical
from tidings.posts.glance import effort_of_glance, effort_of_telling, glance, may_be_one
from tidings.posts.links import bare_host, host
from tidings.posts.pieces import Piece, piece
from tidings.posts.placing import MOST_EFFORT, Candidate, place
from tidings.posts.returning import join as join_copy
from tidings.records import replace
from tidings.store import Store, returning, stories
from tidings.store.stories import CandidateRow

_MADE = "urn:uuid:"  # how the ids begin that are made here (render/feeds.py)


def placed(store: Store, feed_id: int, site: str, change: FeedChange, now: datetime) -> FeedChange:
    """The change with the story of each new post found; `site` is the host of their source. To be called within the
    transaction that saves it, since stories may be joined and parted by hand meanwhile. Everybody who writes waits for
    that, so what a document may cost has an end: new posts beyond it are stories of their own."""
    found = stories.candidates(store, feed_id, change.new, now)
    if not found:
        return change
    new, taken, effort = list(change.new), set[int](), 0
    for position, ids in sorted(found.items()):
        post = new[position]
        rivals, cost = _rivals(post, stories.look_at(store, feed_id, ids))
        effort += cost
        if rivals and (join := place(_piece(post, site), rivals, taken)):
            taken.update((join.story, *(other.story for other in join.also)))
            new[position] = replace(post, join=join)
        if effort > MOST_EFFORT:
            break
    return replace(change, new=tuple(new))


def returned(store: Store, feed: FeedState, change: FeedChange) -> FeedChange:
    """The change with what has been round other planets put into the stories that it came from: our own entries, by the
    ids that were made for them, and copies of what we follow ourselves, or the originals of such copies. `feed` is the
    one that brought it. To be called where `placed` is, and after it."""
    new = change.new
    # What stands twice in one document is not the same both times.
    named = Counter(post.guid for post in new if post.guid.startswith(_MADE))
    known = returning.behind(store, [guid for guid, count in named.items() if count == 1], feed.feed_id)
    came = {position: known[post.guid] for position, post in enumerate(new) if post.guid in known}
    homes = {story for _, story in came.values()}
    others = [None if post.join and post.join.story in homes else post.join for post in new]
    taken = homes.union(one.story for join in others if join for one in (join, *join.also))
    copies = _Copies(store, feed) if any(join is None for join in others) else None
    found = []
    for position, post in enumerate(new):
        join = others[position]
        if position in came:
            post_id, story = came[position]
            why = "it came back under the id that it has in the combined feed which is published here"
            post, join = replace(post, originality=0), Join(story, post_id, "id", 1.0, why)
        elif join is None and copies is not None and (join := copies.join(post, taken)):
            taken.add(join.story)
        found.append(post if join == post.join else replace(post, join=join))
    return replace(change, new=tuple(found))


class _Copies:
    """What new posts of a feed may be copies of, or originals: posts of the source that they name, posts that other
    planets took from there, and posts that were taken from the feed itself. Each is looked up once."""

    def __init__(self, store: Store, feed: FeedState) -> None:
        self._store = store
        self._feed = feed
        own = (feed.site_url, feed.source.url, feed.adopted_url or "")
        self._taken_from_feed = returning.taken_from(store, own, feed.feed_id)
        self._by_origin: dict[str, list[Counterpart]] = {}

    def join(self, post: PostToSave, taken: set[int]) -> Join | None:
        counterparts = self._of(post.origin_url) if post.origin_url else self._taken_from_feed
        if not counterparts:
            return None
        return join_copy(post, counterparts, taken)

    def _of(self, origin_url: str) -> list[Counterpart]:
        if origin_url not in self._by_origin:
            origin = canonical(origin_url)
            feeds = [
                one.feed_id
                for one in self._addresses
                if origin and origin in (canonical(one.site_url), canonical(one.url))
            ]
            originals = [
                one for feed_id in feeds for one in returning.of_feed(self._store, feed_id, self._feed.feed_id)
            ]
            copies = returning.taken_from(self._store, [origin_url], self._feed.feed_id)
            self._by_origin[origin_url] = [*originals, *copies]
        return self._by_origin[origin_url]

    @cached_property
    def _addresses(self) -> list[returning.Address]:
        return returning.addresses(self._store, self._feed.feed_id)


def _piece(post: PostToSave, site: str) -> Piece:
    dated = post.published or post.updated
    text, html = post.text[: stories.LONGEST_TOLD], post.content_html[: 2 * stories.LONGEST_TOLD]
    part = post.url.partition("#")[2]
    page = f"{post.story_url}#{part}" if post.story_url and part and "#" not in post.story_url else post.story_url
    return piece(site, page, post.title, text, html, post.language, post.origin_url, dated)


def _rivals(post: PostToSave, rows: Sequence[CandidateRow]) -> tuple[list[Candidate], int]:
    """Those of some stored posts that may be one story with the new `post`, and what it costs to look at them all and
    to tell these."""
    seen = glance(post.story_url, post.title, post.text[: stories.LONGEST_TOLD], post.language)
    rivals, effort = list[Candidate](), effort_of_glance(seen)
    for row in rows:
        site, same_id = host(row.site_url), _is_same_id(row, post)
        other = glance(row.url, row.title, row.text, row.language)
        effort += effort_of_glance(other)
        if same_id or may_be_one(seen, other):
            effort += effort_of_telling(seen, other)
            told = piece(site, row.url, row.title, row.text, row.content_html, row.language, row.origin_url, row.dated)
            rivals.append(Candidate(row.post_id, row.story, told, same_id))
    return rivals, effort


def _is_same_id(row: CandidateRow, post: PostToSave) -> bool:
    """Whether a stored post is of the blog that the new one says it was taken from, and has its guid, as the only post
    of its source, or is it word for word: guids such as `1` are many blogs', and some blogs give one to all they
    write."""
    has_id = row.guid == post.guid != "" and row.owns_guid
    if not post.origin_url or not (has_id or _is_word_for_word(row, post)):
        return False
    origin = bare_host(host(post.origin_url))
    return origin in (bare_host(host(row.site_url)), bare_host(host(row.origin_url)))


def _is_word_for_word(row: CandidateRow, post: PostToSave) -> bool:
    """Whether a copy has the title, the words and the moment of a post: a planet that makes ids of its own copies a
    series, too, whose issues differ in little else."""
    is_of_moment = row.dated is not None and row.dated == (post.published or post.updated)
    return is_of_moment and row.title == post.title and row.text.split() == post.text[: stories.LONGEST_TOLD].split()
