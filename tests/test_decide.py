"""Deciding what a document changes: nothing lost, nothing twice, in any order."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.builders import NOW, parsed_feed, parsed_post
from tests.deciding import decide
from tests.feeds import blog, item, rss
from tidings.model import Document, Failed, FeedChange, KnownPost, ParsedFeed, ParsedPost, PostToSave, Remembered
from tidings.posts.canonical import canonical
from tidings.posts.decide import Plan, finish, keys_to_look_up, merge, name, plan, read, slices
from tidings.posts.parse import parse

LINK = "https://blog.example/post"


@dataclass
class Memory:
    """What the store does with a change, in a few dicts: a key belongs to whoever had it first."""

    keys: dict[str, int] = field(default_factory=dict)
    posts: dict[int, PostToSave] = field(default_factory=dict)

    def poll(self, *posts: ParsedPost) -> FeedChange:
        feed = parsed_feed(*posts)
        before = {
            post_id: Remembered(post_id, post.title, post.text, post.published or post.updated)
            for post_id, post in self.posts.items()
        }
        change = decide(feed, self.known(keys_to_look_up(name(feed))), before)
        self.keys.update(change.moved)
        for post in change.new:
            post_id = max(self.posts, default=0) + 1
            self.remember(post, post_id)
            self.keys.update((key, post_id) for key in post.keys if self.keys[key] == post.heir_of)
        for post in (*change.changed, *change.healed):
            assert post.post_id in self.posts
            self.remember(post, post.post_id)
        for key, post_id in change.aliases:
            assert post_id in self.posts
            self.keys.setdefault(key, post_id)
        return change

    def known(self, keys: Sequence[str]) -> dict[str, KnownPost]:
        return {
            key: KnownPost(post_id, self.posts[post_id].content_hash, self.posts[post_id].text_hash)
            for key in keys
            if (post_id := self.keys.get(key)) is not None
        }

    def remember(self, post: PostToSave, post_id: int) -> None:
        self.posts[post_id] = post
        for key in post.keys:
            self.keys.setdefault(key, post_id)

    @property
    def titles(self) -> list[str]:
        return [post.title for post in self.posts.values()]


def numbers(change: FeedChange) -> tuple[int, int]:
    """How many posts are new and how many changed."""
    return len(change.new), len(change.changed)


def few(*choices: str) -> st.SearchStrategy[str]:
    return st.sampled_from(choices)


POSTS = st.builds(
    parsed_post,
    guid=few("", " ", "1", "2", "3", "http://blog.example/?p=1", "x" * 400),
    url=few("", "https://blog.example/", LINK, LINK + "?utm_source=a", LINK + "#1", LINK + "2", "mailto:a@b"),
    title=few("", "A", "B"),
    content_html=few("", "a", "b", "<script>x</script>"),
    summary_html=few("", "s"),
    published=st.sampled_from([None, NOW, NOW - timedelta(days=1)]),
    updated=st.sampled_from([None, NOW, NOW + timedelta(days=1)]),
)
DOCUMENTS = st.lists(POSTS, max_size=8)


def named_by_guid(posts: Sequence[ParsedPost]) -> set[str]:
    """The guids that exactly one item has, of items that differ in anything else."""
    guids = [post.guid.strip() for post in posts]
    said = [" ".join((canonical(post.url), post.title, post.content_html, post.summary_html)) for post in posts]
    return {
        guid for guid, words in zip(guids, said, strict=True) if guid and guids.count(guid) == said.count(words) == 1
    }


@settings(max_examples=70)
@given(document=DOCUMENTS)
def test_every_post_with_its_own_guid_is_stored(document: list[ParsedPost]) -> None:
    """Of a document read for the first time, each post that has a guid for itself becomes a post, whatever else is
    the same."""
    change = Memory().poll(*document)
    stored = [post.guid.strip() for post in change.new]
    assert named_by_guid(document) <= set(stored)
    assert not change.changed
    assert not change.aliases


@settings(max_examples=70)
@given(document=DOCUMENTS)
@example(
    document=[
        parsed_post(guid="1", url=LINK, content_html="a", published=NOW),
        parsed_post(guid="2", url=LINK + "?utm_source=a", content_html="a", published=NOW),
    ]
)
def test_nothing_that_a_reader_can_tell_apart_is_dropped(document: list[ParsedPost]) -> None:
    """Left out of a first document is only what shows nothing, versions of one titled entry, and what says the same at
    the same moment on the same page under another guid."""
    change = Memory().poll(*document)
    assert {post.title for post in change.new} >= {post.title for post in document if post.title}
    stored = {(post.guid.strip(), post.title, post.content_hash) for post in change.new}
    said = {(post.title, page(post.url), post.text, post.published) for post in change.new}
    for post in document:
        visible = post.guid.strip() or post.url or post.title or post.content_html or post.summary_html
        entry = [one for one in stored if one[0] == post.guid.strip() and one[1] == post.title]
        twin = post.published and (post.title, page(post.url), shown(post), post.published) in said
        assert entry or twin or not visible


def page(url: str) -> tuple[str, str]:
    """Where a link leads, however it is written, and the place there."""
    return canonical(url), url.partition("#")[2]


def shown(post: ParsedPost) -> str:
    """The text of a post as it is stored, if it is."""
    return "".join(one.text for one in Memory().poll(post).new)


@settings(max_examples=80)
@given(documents=st.lists(DOCUMENTS, min_size=1, max_size=5))
@example(
    documents=[
        [parsed_post(guid="1", url=LINK, title="A")],
        [parsed_post(guid="1", url=LINK, title="B")],
        [parsed_post(guid="1", url=LINK, title="A"), parsed_post(guid="1", url=LINK, title="B")],
    ]
)
@example(
    documents=[
        [*[parsed_post()] * 5, parsed_post(guid="1")],
        [
            *[parsed_post()] * 6,
            parsed_post(url=LINK, published=NOW - timedelta(days=1)),
            parsed_post(guid="1", url=LINK, title="B", content_html="a", updated=NOW),
        ],
        [
            parsed_post(),
            parsed_post(guid="1", title="A", summary_html="s", updated=NOW + timedelta(days=1)),
            parsed_post(guid="1", url=LINK, published=NOW - timedelta(days=1)),
        ],
    ]
)
def test_deciding_again_changes_nothing(documents: list[list[ParsedPost]]) -> None:
    """After any history, a document that was just saved brings nothing new, changes nothing and adds no key."""
    memory = Memory()
    for document in documents:
        memory.poll(*document)
        assert memory.poll(*document) == FeedChange()


@settings(max_examples=70)
@given(history=DOCUMENTS, document=DOCUMENTS, random=st.randoms(use_true_random=False))
def test_the_order_of_a_document_says_nothing(
    history: list[ParsedPost], document: list[ParsedPost], random: Random
) -> None:
    """Shuffling the items, or repeating them, gives the same posts; and the shuffled document changes nothing more."""
    shuffled = [*document, *document[:3]]
    random.shuffle(shuffled)
    one, other = Memory(), Memory()
    one.poll(*history)
    other.poll(*history)
    for memory, posts in ((one, document), (other, shuffled)):
        memory.poll(*posts)
    assert sorted(post.content_hash for post in one.posts.values()) == sorted(
        post.content_hash for post in other.posts.values()
    )
    assert one.poll(*shuffled) == FeedChange()


@settings(max_examples=70)
@given(documents=st.lists(DOCUMENTS, min_size=2, max_size=4))
def test_a_post_with_a_guid_and_a_page_never_seen_is_new(documents: list[list[ParsedPost]]) -> None:
    """After any history, a post under a guid never seen, on a page never seen, is stored as a post of its own."""
    memory = Memory()
    for number, document in enumerate(documents):
        fresh = parsed_post(guid=f"fresh-{number}", url=f"https://blog.example/fresh/{number}", title="A")
        change = memory.poll(fresh, *document)
        assert fresh.guid in [post.guid for post in change.new]


@settings(max_examples=60)
@given(
    guids=st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True),
    windows=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=8),
    texts=st.lists(few("a", "b"), min_size=10, max_size=10),
)
def test_guids_that_name_posts_name_them_for_ever(
    guids: list[int], windows: list[tuple[int, int]], texts: list[str]
) -> None:
    """A well-behaved feed that shows changing windows of its posts gives each post once, as often as it is edited."""
    memory = Memory()
    seen = set()
    for number, (start, length) in enumerate(windows):
        shown = guids[start : start + length]
        seen |= set(shown)
        memory.poll(
            *(
                parsed_post(
                    guid=f"g{guid}", url=f"{LINK}/{guid}", title=f"T{guid}", content_html=f"{texts[guid]}{number}"
                )
                for guid in shown
            )
        )
    assert sorted(post.guid for post in memory.posts.values()) == sorted(f"g{guid}" for guid in seen)


def test_new_posts_come_oldest_first() -> None:
    """Ids follow time: by date where all have one, else from the end of the document."""
    days = [3, 1, 2]
    dated = [parsed_post(guid=str(day), published=NOW + timedelta(days=day)) for day in days]
    assert [post.guid for post in Memory().poll(*dated).new] == ["1", "2", "3"]
    undated = [*dated[:2], parsed_post(guid="2")]
    assert [post.guid for post in Memory().poll(*undated).new] == ["2", "1", "3"]


def test_an_edit_is_a_change_and_not_news() -> None:
    """A new title or text under a known guid rewrites the post and keeps its id."""
    memory = Memory()
    memory.poll(parsed_post(guid="g", url=LINK, title="Tytle", content_html="<p>a</p>"))
    change = memory.poll(parsed_post(guid="g", url=LINK, title="Title", content_html="<p>b</p>"))
    assert numbers(change) == (0, 1)
    assert (change.changed[0].post_id, change.changed[0].title, change.changed[0].text) == (1, "Title", "b")


def test_a_date_bumped_at_every_build_is_no_edit() -> None:
    """Dates alone change nothing."""
    memory = Memory()
    post = parsed_post(guid="g", title="A", published=NOW, updated=NOW)
    memory.poll(post)
    assert memory.poll(replace(post, updated=NOW + timedelta(hours=1))) == FeedChange()


def test_a_growing_document_of_equal_guids_brings_each_post_once() -> None:
    """A feed whose guids are all the same works by what differs, also after the first post came alone."""
    memory = Memory()
    posts = [parsed_post(guid="same", url=LINK, title=title, content_html=title) for title in "ABCDE"]
    for length in range(1, 6):
        memory.poll(*posts[:length])
    assert memory.titles == list("ABCDE")
    assert memory.poll(*posts[3:]) == FeedChange()


def test_a_rolling_document_of_equal_guids_loses_nothing() -> None:
    """The same with a window of two that rolls on, and then a window of one."""
    memory = Memory()
    posts = [parsed_post(guid="same", url=f"{LINK}/{title}", title=title) for title in "ABCDEFG"]
    for start in range(5):
        memory.poll(*posts[start : start + 2])
    memory.poll(posts[6])
    assert memory.titles == list("BACDEFG")


def test_a_rolling_document_of_one_link_without_guids_loses_nothing() -> None:
    """A status page without guids: one link for everything, different titles, a window that rolls on to one item."""
    memory = Memory()
    posts = [parsed_post(url=LINK, title=title) for title in "ABCDEF"]
    memory.poll(*posts[:2])
    for post in posts[2:]:
        memory.poll(post)
    assert sorted(memory.titles) == list("ABCDEF")


def test_untitled_notes_under_one_link_are_all_kept() -> None:
    """Notes without title and guid, all linking to the front page, are told apart by their text."""
    notes = [parsed_post(url="https://blog.example/", content_html=text) for text in ("one", "two", "three")]
    assert len(Memory().poll(*notes).new) == 3


def test_untitled_notes_under_one_guid_are_all_kept() -> None:
    """The same when a broken generator gives them all one guid."""
    notes = [parsed_post(guid="g", url="https://blog.example/", content_html=text) for text in ("one", "two", "three")]
    assert len(Memory().poll(*notes).new) == 3


def test_new_guids_for_a_whole_feed_bring_nothing() -> None:
    """A migration to other software, with other guids on another host, is no news; nor are edits after it."""
    memory = Memory()
    old = [
        parsed_post(
            guid=f"https://old.example/?p={n}",
            url=f"https://old.example/{n}",
            title=f"T{n}",
            published=NOW - timedelta(days=n),
        )
        for n in range(5)
    ]
    memory.poll(*old)
    new = [replace(post, guid=f"urn:{n}", url=f"https://new.example/{n}/") for n, post in enumerate(old)]
    assert numbers(memory.poll(*new)) == (0, 5)
    edited = [replace(post, title=post.title + "!") for post in new]
    assert numbers(memory.poll(*edited)) == (0, 5)


def test_a_guid_that_is_random_at_every_fetch_brings_nothing_twice() -> None:
    """Some generators roll a new guid each time; the posts do not come again."""
    memory = Memory()
    for number in range(4):
        memory.poll(parsed_post(guid=f"{number}", url=LINK, title="A", published=NOW))
    assert memory.titles == ["A"]


def test_a_volatile_text_does_not_fill_the_memory() -> None:
    """A post without title whose text changes at every poll (a counter) adds no key each time."""
    memory = Memory()
    for number in range(20):
        memory.poll(parsed_post(guid="g", url=LINK, content_html=f"{number} views"))
        memory.poll(parsed_post(guid="g", url=LINK, content_html=f"{number} views"), parsed_post(url=LINK + "2"))
    assert len(memory.posts) == 2
    assert len(memory.keys) < 12


def test_a_post_that_another_gives_up_is_left_as_it_was() -> None:
    """A guid is used again while an untitled note, which got that guid as well, is known by its link. The former post
    of the guid is neither of them, and no later poll writes the note over it."""
    day = timedelta(days=1)
    note = parsed_post(url=LINK, content_html="A note.", published=NOW)
    memory = Memory()
    memory.poll(parsed_post(guid="1"))
    memory.poll(note, parsed_post(guid="1", url=LINK, title="On rivers", content_html="They flow.", updated=NOW))
    next_one = parsed_post(guid="1", title="On hills", content_html="None flows.", updated=NOW + day)
    for _ in range(3):
        memory.poll(next_one, replace(note, guid="1"))
    assert [memory.posts[n].text for n in sorted(memory.posts)] == ["They flow.", "A note.", "None flows."]


@pytest.mark.parametrize("place", ["title", "content_html"])
def test_posts_that_count_under_one_guid_do_not_come_at_each_poll(place: str) -> None:
    """All items have one guid, and what tells them apart counts. Two that were taken for one while they came one at a
    time are two when they come together, and no more than two."""

    def counting(name: str, count: int) -> ParsedPost:
        return parsed_post(guid="same", url=f"{LINK}/{name}", **{place: f"{name}: {count} views"})

    memory = Memory()
    memory.poll(counting("rivers", 1))
    memory.poll(counting("hills", 2))
    for count in range(3, 10):
        memory.poll(counting("hills", count), counting("rivers", count))
    assert len(memory.posts) == 2
    assert {post.url for post in memory.posts.values()} == {f"{LINK}/rivers", f"{LINK}/hills"}


def test_an_erased_post_stays_erased() -> None:
    """The memory of what was seen outlives the post: its item is neither new nor rewritten at every poll."""
    feed = parsed_feed(parsed_post(guid="g", url=LINK, title="A", content_html="a"))
    [key, *_] = keys_to_look_up(name(feed))
    change = decide(feed, {key: KnownPost(7, "")})
    assert numbers(change) == (0, 0)


@pytest.mark.parametrize("text", ["<p>They flow.</p>", "<p>They flow to the sea, and back as rain.</p>"])
def test_an_erased_post_stays_erased_under_its_guid_alone(text: str) -> None:
    """Where link and title are others, too, and nothing is left to compare the text with."""
    post = parsed_post(guid="urn:1", url=LINK, title="On rivers", content_html="<p>They flow.</p>", published=NOW)
    names = name(parsed_feed(post)).posts[0].all_keys
    known = dict.fromkeys(names, KnownPost(1, "", ""))
    now = parsed_feed(replace(post, url=LINK + "-moved", title="Of rivers", content_html=text))
    before = {1: Remembered(1, "On rivers", "", NOW)}
    assert numbers(decide(now, known, before)) == (0, 0)


def test_an_item_listed_twice_still_names_its_story() -> None:
    """A document that repeats an item does not keep another source's copy from being recognised."""
    post = parsed_post(guid="g", url=LINK, title="A")
    [saved] = Memory().poll(post, post, post).new
    assert saved.story_url == LINK


@pytest.mark.parametrize(("malformed", "expected"), [(True, 0), (False, 1)])
def test_what_a_cut_left_of_a_known_post_is_no_post(malformed: bool, expected: int) -> None:
    """An Atom entry cut off between link and id has neither guid nor text: it is not stored beside the whole one. In a
    document that is well-formed it is what it says."""
    whole = parsed_post(guid="urn:1", url=LINK + "/on-rivers", title="On rivers", content_html="<p>They flow.</p>")
    memory = Memory()
    memory.poll(whole)
    cut = parsed_feed(parsed_post(url=whole.url, title=whole.title), malformed=malformed)
    assert len(decide(cut, memory.known(keys_to_look_up(name(cut)))).new) == expected


def test_a_cut_post_that_nobody_knows_is_stored() -> None:
    """Where the cut post leads to none that is stored, or only by its title, it is news."""
    memory = Memory()
    memory.poll(parsed_post(guid="urn:1", url=LINK + "/monday", title="Open thread", content_html="<p>Talk.</p>"))
    cut = parsed_feed(parsed_post(url=LINK + "/tuesday", title="Open thread"), malformed=True)
    assert len(decide(cut, memory.known(keys_to_look_up(name(cut)))).new) == 1


def test_two_feeds_may_use_the_same_guids() -> None:
    """Keys hold nothing of the feed: the store scopes them, and each feed's memory is its own."""
    post = parsed_post(guid="1", title="A")
    assert numbers(Memory().poll(post)) == numbers(Memory().poll(post)) == (1, 0)


def test_a_post_is_saved_clean() -> None:
    """What is stored is safe to show, with links resolved, its text, and the feed's language where it has none."""
    html = '<p onclick="x">Hello <a href="/a">you</a></p><script>x</script>'
    post = parsed_post(guid="g", title="A", content_html=html, summary_html="<b>Hi</b>", base="https://blog.example/p")
    feed = parsed_feed(post, language="de")
    [saved] = decide(feed, {}).new
    assert 'href="https://blog.example/a"' in saved.content_html
    assert "onclick" not in saved.content_html
    assert "script" not in saved.content_html
    assert (saved.text, saved.summary, saved.language) == ("Hello you", "Hi", "de")


def test_a_content_of_nothing_gives_way_to_the_summary() -> None:
    """Where the content cleans to nothing, the summary is what there is to read, in both renderings."""
    post = parsed_post(guid="g", content_html="<script>long</script>", summary_html="<p>Short</p>")
    [saved] = decide(parsed_feed(post), {}).new
    assert (saved.content_html, saved.text) == ("<p>Short</p>", "Short")


def test_no_post_of_any_kind_raises() -> None:
    """Odd text anywhere is decided on like any other."""
    odd: list[dict[str, Any]] = [
        {"guid": "\ud800"},
        {"url": "http://[broken"},
        {"title": "\x00"},
        {"content_html": "<" * 50, "base": "::"},
    ]
    assert len(Memory().poll(*(parsed_post(**values) for values in odd)).new) == len(odd)


def test_the_steps_run_in_workers_and_come_to_the_same() -> None:
    """What passes between the coordinator and its workers can be pickled, and the steps give what `decide` gives."""
    document = Document("https://blog.example/feed", blog([1, 2, 3]))
    named = pickle.loads(pickle.dumps(read(document)))
    assert not isinstance(named, Failed)
    assert named.feed.posts == ()
    known = {key: KnownPost(7, "other") for key in named.posts[0].keys}
    planned = pickle.loads(pickle.dumps(plan(named, known)))
    change = pickle.loads(pickle.dumps(finish(planned)))
    parsed = parse(document)
    assert isinstance(parsed, ParsedFeed)
    assert change == decide(parsed, known)
    assert numbers(change) == (2, 1)


def test_only_what_is_to_be_saved_travels() -> None:
    """A plan holds new and changed posts and none that stays as it is, and says whether any was known."""
    memory = Memory()
    memory.poll(ParsedPost(0, guid="a", title="A"), ParsedPost(1, guid="b", title="B"))
    named = name(parsed_feed(ParsedPost(0, guid="a", title="A"), ParsedPost(1, guid="c", title="C")))
    planned = plan(named, memory.known(keys_to_look_up(named)))
    assert [draft.identified.post.guid for draft in planned.new] == ["c"]
    assert (planned.changed, planned.known, planned.size) == ((), 1, 2)
    assert plan(named, {}).known == 0
    assert plan(name(parsed_feed()), {}) == Plan((), (), (), "", 0, 0, {}, frozenset(), "blog.example")


def test_what_is_no_feed_stays_a_failure() -> None:
    """Reading in a worker answers with the failure of parsing, as a value."""
    failed = read(Document("https://blog.example/", b"nothing"))
    assert isinstance(failed, Failed)
    assert failed.kind == "not-a-feed"


def test_a_bug_in_cleaning_stays_with_its_document() -> None:
    """A post that cleaning trips over fails its document; it raises nothing in the coordinator."""
    planned = plan(name(parsed_feed(ParsedPost(0, guid="a"))), {})
    [draft] = planned.new
    post = replace(draft.identified.post, content_html=b"no text")  # type: ignore[arg-type]
    failed = finish(replace(planned, new=(replace(draft, identified=replace(draft.identified, post=post)),)))
    assert isinstance(failed, Failed)
    assert "please report it" in failed.message


@given(
    sizes=st.lists(st.sampled_from([0, 10, 400_000, 1_200_000]), max_size=12),
    many=st.integers(0, 700),
    known=st.integers(0, 12),
)
@settings(max_examples=25)
def test_a_plan_in_slices_comes_to_the_same(sizes: list[int], many: int, known: int) -> None:
    """Whatever its posts hold, the slices of a plan are small, keep its order, and make the same change together."""
    texts = ["x" * size for size in sizes] + ["short"] * many
    posts = [ParsedPost(n, guid=f"guid-{n}", title=f"Post {n}", content_html=text) for n, text in enumerate(texts)]
    memory = Memory()
    memory.poll(*(replace(post, content_html="before") for post in posts[:known]))
    named = name(parsed_feed(*posts))
    planned = plan(named, memory.known(keys_to_look_up(named)))
    pieces = slices(planned)
    for piece in pieces:
        drafts = [*piece.new, *piece.changed]
        assert len(drafts) <= 300
        assert len(drafts) < 2 or sum(len(draft.identified.post.content_html) for draft in drafts) <= 1_000_000
    changes = [change for change in map(finish, pieces) if isinstance(change, FeedChange)]
    assert merge(changes) == finish(planned)


CUT = {
    "rss": blog([2, 1]),
    "no guids": rss([item(2, guid=None), item(1, guid=None)]),
    "links home": rss([item(2, link="https://blog.example/"), item(1, link="https://blog.example/")]),
    "atom": (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title>'
        + "".join(
            f'<entry><title>é{number}</title><link href="/{number}"/><id>urn:{number}</id>'
            f"<content>Text {number}</content></entry>"
            for number in (2, 1)
        )
        + "</feed>"
    ).encode(),
}


@pytest.mark.parametrize("kind", CUT)
def test_a_document_that_breaks_off_and_comes_again_gives_each_post_once(kind: str) -> None:
    """At whatever byte it breaks off, every post is there once when the whole document came, and as it stands there."""
    body = CUT[kind]
    whole = parse(Document(LINK, body))
    assert isinstance(whole, ParsedFeed)
    for cut in range(len(body)):
        memory = Memory()
        first = parse(Document(LINK, body[:cut]))
        memory.poll(*(first.posts if isinstance(first, ParsedFeed) else ()))
        memory.poll(*whole.posts)
        assert sorted(memory.titles) == sorted(post.title for post in whole.posts), body[:cut][-60:]
