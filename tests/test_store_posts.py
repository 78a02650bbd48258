"""Posts as stored: searching, edits and the index, the memory of keys, stories."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.deciding import decide
from tests.stocking import START, blog, configure, edit, only, post, receive, scalar, state_of, titles
from tidings.config.rules import rule
from tidings.joining import placed
from tidings.model import Document, Enclosure, FeedChange, KnownPost, ParsedFeed, PostToSave, Source
from tidings.posts import rules
from tidings.posts.decide import keys_to_look_up, name
from tidings.posts.parse import parse
from tidings.store import Store, holding, judging, posts, site, stories
from tidings.store.posts import PostQuery

A, B, C = blog("a"), blog("b"), blog("c")


def assert_index_is_whole(store: Store) -> None:
    """Raises when the index does not hold exactly what the posts do."""
    store.conn.execute("INSERT INTO posts_fts (posts_fts, rank) VALUES ('integrity-check', 1)")


# ------------------------------------------------------------------------------------------------------- searching


@pytest.fixture
def library(store: Store) -> Store:
    configure(store, A)
    receive(
        store,
        A,
        post(1, title="Weights in the open", author="Zoë Ñandú", text="A model is more than its weights."),
        post(2, title="Café society", text="Über die Öffnung der Modelle; the open weights of a naïve model."),
        post(3, title="模型开放的意义", text="开放的权重比封闭的服务更可靠。OpenAI发布了新模型。"),
        post(4, title="โมเดลภาษาแบบเปิด", text="เราเปิดน้ำหนักของโมเดลให้ทุกคนใช้"),
        post(5, title="C++ and 3.14", text="100% of snake_case, e-mail and http://example.org/path?x=1"),
    )
    return store


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ("weights", [1, 2]),
        ("WEIGHTS open", [1, 2]),
        ("open model weights", [1, 2]),
        ('"open weights"', [2]),
        ('"weights open"', []),
        ('"more than" weights', [1]),
        ("zoe nandu", [1]),
        ("ZOË", [1]),
        ("cafe", [2]),
        ("uber offnung", [2]),
        ("naive", [2]),
        ("weight", []),
        ("权重", [3]),
        ("权重 服务", [3]),
        ("重比封", [3]),
        ("权重 weights", []),
        ("openai发布", [3]),
        ('"封闭的服务"', [3]),
        ("น้ำหนัก", [4]),
        ("เปิด", [4]),
        ("c++", [5]),
        ("3.14", [5]),
        ("snake_case", [5]),
        ("e-mail", [5]),
        ("example.org/path", [5]),
        ("", [1, 2, 3, 4, 5]),
        ("   ", [1, 2, 3, 4, 5]),
        ("weights _", [1, 2]),
        ("weights -", [1, 2]),
        ("absent", []),
    ],
)
def test_search(library: Store, words: str, numbers: list[int]) -> None:
    """Words count anywhere and in any case, quoted ones as a phrase, accents folded; scripts without spaces by part."""
    found = posts.find(library, PostQuery(words=words))
    assert sorted(int(one.guid.removeprefix("guid-")) for one in found) == numbers


@pytest.mark.parametrize(
    "words",
    [
        *(
            '" OR *',
            '"',
            '""',
            '"""',
            "*",
            "a*",
            "NEAR(a b)",
            "title:open",
            "-open",
            "^open",
            "a AND",
            "NOT",
            "OR",
            "(",
        ),
        *(
            "{a}",
            "'; DROP TABLE posts; --",
            "a\x00b",
            "\x00",
            "\udcff",
            "权\udcff重",
            "\\",
            "%",
            "_",
            "🎉",
            "+",
            "\u0301",
        ),
        *("a" * 100_000, "a " * 3000, "权 " * 3000, '"a" ' * 3000),
    ],
    ids=lambda words: ascii(words[:30]),
)
def test_nothing_typed_is_query_syntax(library: Store, words: str) -> None:
    """Whatever is typed is looked for, never understood: no error, and the posts are still there."""
    posts.find(library, PostQuery(words=words, tag=words, sources=()))
    posts.find(library, PostQuery(words=words))
    assert len(posts.find(library, PostQuery())) == 5


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(words=st.text(st.characters(), max_size=40))
def test_any_text_can_be_searched_for(library: Store, words: str) -> None:
    """No text at all makes a search fail."""
    posts.find(library, PostQuery(words=words))


def test_tags_in_any_case_and_script(store: Store) -> None:
    """A tag is found whole and in any case, also beyond ASCII; a part of one is not."""
    configure(store, A)
    receive(store, A, post(1, tags=("Open Source", "Ökonomie")), post(2, tags=("open",)), post(3, tags=()))
    assert titles(store, tag="open source") == ["Post 1"]
    assert titles(store, tag="ÖKONOMIE") == ["Post 1"]
    assert titles(store, tag="OPEN") == ["Post 2"]
    assert titles(store, tag="pen") == []
    assert titles(store, tag="%") == []


def test_since_counts_from_when_a_post_was_first_seen(store: Store) -> None:
    """`since` goes by when a post came in, whatever date it bears, and includes its own moment."""
    configure(store, A)
    receive(store, A, post(1, published=START + timedelta(days=30)), now=START)
    receive(store, A, post(2, published=START - timedelta(days=3000)), now=START + timedelta(hours=1))
    assert titles(store, since=START) == ["Post 1", "Post 2"]
    assert titles(store, since=START + timedelta(microseconds=1)) == ["Post 2"]
    assert titles(store, since=START + timedelta(hours=1)) == ["Post 2"]
    assert titles(store, since=START + timedelta(hours=2)) == []


def test_the_newest_come_first_and_a_future_date_stays_not_on_top(store: Store) -> None:
    """Posts are listed newest first, one dated in the future by when it was seen; `limit` cuts at the end."""
    configure(store, A)
    receive(store, A, post(1, published=START + timedelta(days=365)), now=START)
    receive(store, A, post(2, published=START + timedelta(minutes=30)), now=START + timedelta(hours=1))
    receive(store, A, post(3), now=START + timedelta(hours=2))
    assert [one.title for one in posts.find(store, PostQuery())] == ["Post 3", "Post 2", "Post 1"]
    assert [one.title for one in posts.find(store, PostQuery(limit=2))] == ["Post 3", "Post 2"]
    assert posts.find(store, PostQuery(limit=0)) == []
    assert all(one.effective <= one.first_seen for one in posts.find(store, PostQuery()))


def test_sources_and_words_narrow_together(store: Store) -> None:
    """Every part of a query must match."""
    configure(store, A, B)
    receive(store, A, post(1, text="one apple", tags=("fruit",)), post(2, text="one pear"))
    receive(store, B, post(3, text="one apple"))
    assert titles(store, sources=("a",)) == ["Post 1", "Post 2"]
    assert titles(store, sources=("a", "b"), words="apple") == ["Post 1", "Post 3"]
    assert titles(store, sources=("a",), words="apple", tag="fruit") == ["Post 1"]
    assert titles(store, sources=("nobody",)) == []


def test_a_post_comes_back_as_it_was_saved(store: Store) -> None:
    """Everything of a post survives storing, in any script, and its source is named."""
    saved = post(
        1,
        title="Ünï ‮код‬ 🎉",
        author="作者",
        published=START - timedelta(days=1, microseconds=1),
        updated=START,
        tags=("a,b", 'c"d', "نص"),
        summary="S",
        enclosures=(Enclosure("https://a.example/1.mp3", "audio/mpeg", 12), Enclosure("x")),
        origin_title="Origin",
        origin_url="https://origin.example/",
    )
    configure(store, A)
    receive(store, A, saved)
    found = only(store)
    for part in "guid url title author published updated tags summary content_html text language enclosures".split():
        assert getattr(found, part) == getattr(saved, part), part
    assert (found.source, found.source_title, found.source_url) == ("a", "The a", "https://a.example/")
    assert (found.origin_title, found.origin_url) == ("Origin", "https://origin.example/")
    assert (found.feed_url, found.first_seen, found.story) == (A.url, START, found.id)


# ------------------------------------------------------------------------------------------------------- saving


def test_held_posts_are_listed_whether_a_rule_excludes_them_or_not(store: Store) -> None:
    """What is held, or was put away, is listed as it is counted; with rules asked for, what both keep back."""
    configure(store, A)
    feed_id = state_of(store, A).feed_id
    receive(store, A, post(1), post(2, excluded="title: x"))
    posts.save(store, feed_id, FeedChange(new=(post(3), post(4, excluded="title: x")), held=True), START)
    assert holding.counts_by_url(store) == {A.url: 2}
    for _ in range(2):
        assert titles(store, held=True) == ["Post 3", "Post 4"]
        assert titles(store, held=True, excluded=True) == ["Post 4"]
        assert titles(store, excluded=True) == ["Post 2", "Post 4"]
        holding.discard(store, feed_id)


def test_of_what_is_only_compared_no_text_is_read_whole(store: Store) -> None:
    """Of suspects, of which there may be hundreds, the beginning is read; of posts to be rewritten all."""
    configure(store, A)
    receive(store, A, post(1, text="w " * 200_000), post(2, text="v " * 200_000), post(3, text="short"))
    found = posts.remembered(store, [1, 2, 3], {2})
    assert [len(found[n].text) for n in (1, 2, 3)] == [120_000, 400_000, 5]


@pytest.mark.parametrize("likely", [0, 2])
def test_an_edit_leaves_open_nothing_about_the_original(store: Store, likely: int) -> None:
    """How likely a post is the original is told when it is new, and an edit, which does not tell it, takes nothing of
    it away: a copy would stand for the story."""
    configure(store, A)
    receive(store, A, post(1, originality=likely))
    edit(store, A, only(store), title="Edited")
    assert (only(store).title, only(store).originality) == ("Edited", likely)


def test_an_edit_says_anew_whether_the_page_is_its_own(store: Store) -> None:
    """A page that comes to be shared by several posts of a document is no name of an edited one any more."""
    configure(store, A, B)
    receive(store, A, post(1, story_url="https://a.example/1"))
    stored, feed_id = only(store), state_of(store, B).feed_id
    assert [row.url for row in stories.look_at(store, feed_id, [1])] == ["https://a.example/1"]
    edit(store, A, stored, url=stored.url, story_url="")
    assert [row.url for row in stories.look_at(store, feed_id, [1])] == [""]


def test_an_edit_changes_post_and_index(store: Store) -> None:
    """An edited post is found by its new words and no longer by the old; its place in the order of arrival stays."""
    configure(store, A)
    receive(store, A, post(1, title="Old title", text="old text"), post(2))
    before = only(store, words="old")
    edit(store, A, before, title="New title", text="new text")
    assert titles(store, words="old") == []
    after = only(store, words="new")
    assert (after.id, after.first_seen, after.story) == (before.id, before.first_seen, before.story)
    assert_index_is_whole(store)


def test_posts_edits_and_new_ones_of_one_document(store: Store) -> None:
    """A document that brings new posts and edits at once leaves a whole index."""
    configure(store, A)
    receive(store, A, *(post(n) for n in range(10)))
    changed = tuple(
        post(n, post_id=one.id, text=f"changed {n}", content_hash="other")
        for n, one in enumerate(sorted(posts.find(store, PostQuery()), key=lambda one: one.id))
        if n % 2
    )
    posts.save(store, state_of(store, A).feed_id, FeedChange(new=(post(10), post(11)), changed=changed), START)
    assert len(titles(store, words="changed")) == 5
    assert len(titles(store, words="text")) == 7
    assert_index_is_whole(store)


def test_the_index_holds_a_document_though_others_write_between(store: Store) -> None:
    """Ids of one document follow each other without gaps, because nobody else can write in its transaction: so the
    range of ids that is indexed is exactly the document's posts."""
    configure(store, A, B)
    with store.write():
        receive(store, A, post(1), post(2))
        receive(store, B, post(3))
        receive(store, A, post(4), post(5))
    ids = [row["id"] for row in store.rows("SELECT id FROM posts ORDER BY id")]
    assert ids == list(range(1, 6))
    assert_index_is_whole(store)


def test_ids_are_never_used_again(store: Store) -> None:
    """After the newest post is gone, the next one gets a new id: what points to the old one must not find another."""
    configure(store, A)
    receive(store, A, post(1))
    former = only(store).id
    with store.write():
        store.conn.execute("DELETE FROM posts")
    receive(store, A, post(2))
    assert only(store).id > former


def test_a_document_of_2000_posts(store: Store) -> None:
    """A large document is stored, known and searchable as a whole."""
    configure(store, A)
    receive(store, A, *(post(n, text=f"common word{n}") for n in range(2000)))
    keys = [f"guid:{n}" for n in range(2500)]
    known = posts.known(store, state_of(store, A).feed_id, keys)
    assert set(known) == set(keys[:2000])
    assert known["guid:1234"].content_hash == "hash-1234"
    assert titles(store, words="word1999") == ["Post 1999"]
    assert len(titles(store, words="common", limit=5000)) == 2000


def test_no_text_of_a_feed_can_make_saving_fail(store: Store) -> None:
    """A document with half characters, NUL and control characters in every field is stored, not fatal."""
    nasty = "\\ud800 \\u0000 \\udfff\\u0007 x"
    body = (
        '{"version": "https://jsonfeed.org/version/1.1", "title": "NASTY", "home_page_url": "https://x.example/NASTY",'
        ' "language": "NASTY", "items": [{"id": "NASTY", "url": "https://x.example/NASTY", "title": "NASTY",'
        ' "content_html": "<p>NASTY</p>", "summary": "NASTY", "tags": ["NASTY"], "authors": [{"name": "NASTY"}],'
        ' "attachments": [{"url": "https://x.example/NASTY", "mime_type": "NASTY"}]}]}'
    ).replace("NASTY", nasty)
    configure(store, A)
    feed = parse(Document(A.url, body.encode(), "application/feed+json"))
    assert isinstance(feed, ParsedFeed)
    feed_id = state_of(store, A).feed_id
    change = decide(feed, posts.known(store, feed_id, keys_to_look_up(name(feed))))
    posts.save(store, feed_id, change, START)
    assert len(posts.find(store, PostQuery())) == 1


# ------------------------------------------------------------------------------------------------------- known


def test_a_key_is_known_in_its_own_source_only(store: Store) -> None:
    """Two sources may use the same guid for different posts."""
    configure(store, A, B)
    receive(store, A, post(1))
    assert set(posts.known(store, state_of(store, A).feed_id, ["guid:1", "guid:2"])) == {"guid:1"}
    assert posts.known(store, state_of(store, B).feed_id, ["guid:1"]) == {}
    assert posts.known(store, state_of(store, A).feed_id, []) == {}


def test_keys_outlive_their_post(store: Store) -> None:
    """A post whose row is gone is still known under its keys."""
    configure(store, A)
    receive(store, A, post(1))
    with store.write():
        store.conn.execute("DELETE FROM posts")
    assert posts.known(store, state_of(store, A).feed_id, ["guid:1"]) == {"guid:1": KnownPost(1, "")}
    assert posts.known_all(store, state_of(store, A).feed_id) == {"guid:1": KnownPost(1, "")}


def test_all_that_a_source_is_known_by_is_what_asking_for_each_key_gives(store: Store) -> None:
    """All keys of a source at once, each with its post; of a source that has very many none at all."""
    configure(store, A, B)
    feed_id = state_of(store, A).feed_id
    assert posts.known_all(store, feed_id) == {}
    receive(store, A, *map(post, range(2_000)))
    receive(store, B, post(1))
    assert posts.known_all(store, feed_id) == posts.known(store, feed_id, [f"guid:{n}" for n in range(2_000)])
    receive(store, A, post(2_000))
    assert posts.known_all(store, feed_id) is None


def test_an_alias_is_known_and_never_moves(store: Store) -> None:
    """A key met later names the post from then on; a key once given to a post stays its own."""
    configure(store, A)
    receive(store, A, post(1), post(2))
    feed_id = state_of(store, A).feed_id
    posts.save(store, feed_id, FeedChange(aliases=(("link:x", 1), ("guid:1", 2))), START)
    known = posts.known(store, feed_id, ["guid:1", "link:x"])
    assert {key: one.post_id for key, one in known.items()} == {"guid:1": 1, "link:x": 1}


def test_a_moved_key_names_another_post(store: Store) -> None:
    """A key whose post another item of the document is goes over to the post that it names now, in its source alone."""
    configure(store, A, B)
    receive(store, A, post(1), post(2))
    receive(store, B, post(1))
    feeds = [state_of(store, source).feed_id for source in (A, B)]
    posts.save(store, feeds[0], FeedChange(moved=(("guid:1", 2),)), START)
    assert [posts.known(store, feed_id, ["guid:1"])["guid:1"].post_id for feed_id in feeds] == [2, 3]


# ------------------------------------------------------------------------------------------------------- stories


def test_one_canonical_url_in_two_sources_is_one_story(store: Store) -> None:
    """The same URL in another source joins the story; a third joins too."""
    configure(store, A, B, C)
    for one in (A, B, C):
        receive(store, one, post(one.name, story_url="https://x.example/1"))
    assert scalar(store, "SELECT count(DISTINCT story) FROM posts") == 1


def test_two_posts_of_one_source_are_two_stories(store: Store) -> None:
    """Within one source the same URL makes no story of two posts, now or later, also when the story is another's."""
    configure(store, A, B, C)
    receive(store, B, post(0, story_url="https://x.example/1"))
    receive(store, A, post(1, story_url="https://x.example/1"), post(2, story_url="https://x.example/1"))
    receive(store, A, post(3, story_url="https://x.example/1"))
    stories = [row["story"] for row in store.rows("SELECT story FROM posts ORDER BY id")]
    assert stories == [1, 1, 3, 4]
    receive(store, C, post(4, story_url="https://x.example/1"))
    assert only(store, sources=("c",)).story == 1


def test_posts_without_a_canonical_url_are_stories_of_their_own(store: Store) -> None:
    """No URL is nothing in common."""
    configure(store, A, B)
    receive(store, A, post(1))
    receive(store, B, post(2))
    assert scalar(store, "SELECT count(DISTINCT story) FROM posts") == 2


def test_the_newest_show_a_story_once(store: Store) -> None:
    """Of a story the post stored first is shown; if its source is not asked for, the next one is."""
    configure(store, A, B)
    receive(store, A, post(1, title="First", story_url="https://x.example/1"))
    receive(store, B, post(2, title="Copy", story_url="https://x.example/1"), post(3, title="Other"))
    assert {one.title for one in posts.newest(store, ["a", "b"], 10)} == {"First", "Other"}
    assert {one.title for one in posts.newest(store, ["b"], 10)} == {"Copy", "Other"}
    assert posts.newest(store, [], 10) == []
    assert [one.title for one in posts.newest(store, ["a", "b"], 1)] == ["Other"]


def test_stories_of_random_sources_never_hold_two_posts_of_one(store: Store) -> None:
    """However posts of five sources come in, no story holds two of one source, and each is shown once."""
    chance = random.Random(7)
    sources = [blog(f"s{n}") for n in range(5)]
    configure(store, *sources)
    for n in range(200):
        receive(store, chance.choice(sources), post(n, story_url=f"https://x.example/{chance.randrange(30)}"))
    assert scalar(store, "SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM posts GROUP BY story, feed_id)") == 1
    shown = posts.newest(store, [one.name for one in sources], 1000)
    assert len(shown) == scalar(store, "SELECT count(DISTINCT story) FROM posts")


def test_a_guid_belongs_to_the_post_stored_first(store: Store) -> None:
    """Of posts with one guid, in whatever sources, the first one stored owns it, also when the list leaves it out."""
    configure(store, A, B)
    receive(store, A, post(1, guid="tag:x"))
    receive(store, B, post(2, guid="tag:x"), post(3, guid="tag:x"), post(4, guid="tag:y"), now=START + timedelta(1))
    owners = {one.title for one in posts.find(store, PostQuery()) if one.owns_guid}
    assert owners == {"Post 1", "Post 4"}
    alone = posts.newest(store, ["b"], 3)
    assert {one.title: one.owns_guid for one in alone} == {"Post 2": False, "Post 3": False, "Post 4": True}


def test_owning_a_guid_is_looked_up_in_an_index(store: Store) -> None:
    """Asking whether a post owns its guid reads no other posts than those with that guid."""
    plan = [row["detail"] for row in store.rows(f"EXPLAIN QUERY PLAN {posts.SELECT_POSTS}")]
    assert any("posts_by_guid (guid=? AND rowid<?)" in step for step in plan), plan


def test_a_change_is_stored_with_its_moment(store: Store) -> None:
    """A post says when its last edit was seen; one that was never edited does not."""
    configure(store, A)
    receive(store, A, post(1), now=START - timedelta(hours=1))
    assert only(store).changed_at is None
    edit(store, A, only(store), text="new")
    assert (only(store).first_seen, only(store).changed_at) == (START - timedelta(hours=1), START)


def test_a_post_without_a_published_date_stays_where_updated_first_put_it(store: Store) -> None:
    """A feed that only says `updated` dates a post by it once; an edit that moves `updated` does not move the post."""
    configure(store, A)
    receive(store, A, post(1, updated=START - timedelta(days=3)), now=START)
    edit(store, A, only(store), updated=START)
    stored = only(store)
    assert (stored.published, stored.updated) == (None, START)
    assert stored.effective == START - timedelta(days=3)


@pytest.mark.parametrize("words", ["🎈", "->", "_"])
def test_signs_and_pictures_are_searched_too(store: Store, words: str) -> None:
    """A query of nothing but signs finds the posts that hold them, not everything."""
    configure(store, A)
    receive(store, A, post(1, title=f"a {words} b"), now=START)
    receive(store, A, post(2, title="plain"), now=START)
    assert [one.title for one in posts.find(store, PostQuery(words))] == [f"a {words} b"]


# ----------------------------------------------------------------------------------------------------------- rules


def judge(store: Store, one: Source, now: datetime = START) -> int:
    """What a command does when the rules of a source may have changed; how many posts came out differently."""
    if not judging.judged_otherwise(store, {one.url: rules.fingerprint(one)}):
        return 0
    return judging.judge_again(store, one.url, partial(rules.excluded_by, ruling=one), rules.fingerprint(one), now)


def arrive(store: Store, one: Source, *new: PostToSave, changed: tuple[PostToSave, ...] = ()) -> None:
    """A poll whose posts are judged by the source's rules, as every poll does."""
    feed_id = state_of(store, one).feed_id
    change = rules.apply(FeedChange(new=new, changed=changed), one)
    posts.save(store, feed_id, placed(store, feed_id, f"{one.name}.example", change, START), START)


def without(name: str, *texts: str) -> Source:
    return blog(name, exclude=tuple(map(rule, texts)))


def test_excluded_posts_are_stored_searched_and_known_but_listed_apart(store: Store) -> None:
    """A post that a rule excludes has its key and its place in the index; it is listed only when asked for."""
    one = without("a", "title: post 2")
    configure(store, one)
    judge(store, one)
    arrive(store, one, post(1), post(2), post(3))
    assert titles(store) == ["Post 1", "Post 3"]
    assert titles(store, excluded=True) == ["Post 2"]
    assert titles(store, words="text", excluded=True) == ["Post 2"]
    assert only(store, excluded=True).excluded == "title: post 2"
    feed_id = state_of(store, one).feed_id
    assert posts.known(store, feed_id, ["guid:2"]) == {"guid:2": KnownPost(2, "hash-2")}
    assert [found.title for found in posts.newest(store, ["a"], 10)] == ["Post 3", "Post 1"]
    assert_index_is_whole(store)


def test_stored_posts_are_judged_again_when_rules_change(store: Store) -> None:
    """A new rule hides what is stored, another brings it back and hides something else; the same one does nothing."""
    configure(store, A)
    arrive(store, A, *(post(n, tags=("even",) if n % 2 == 0 else ()) for n in range(1, 5)))
    assert judge(store, A) == 0
    even, third = without("a", "tag: even"), without("a", "title: 3")
    assert [judge(store, even), judge(store, even)] == [2, 0]
    assert titles(store) == ["Post 1", "Post 3"]
    assert judge(store, third) == 3
    assert titles(store) == ["Post 1", "Post 2", "Post 4"]
    assert judge(store, A) == 1
    assert len(titles(store)) == 4
    assert scalar(store, "SELECT rules FROM feeds") == ""


def test_judging_again_reaches_every_post_of_its_feed_and_no_other(store: Store) -> None:
    """More posts than fit into one slice, of two sources in turn."""
    configure(store, A, B)
    for start in range(0, 1300, 100):
        arrive(store, A, *(post(f"a{n}", title="Red") for n in range(start, start + 100)))
        arrive(store, B, *(post(f"b{n}", title="Red") for n in range(start, start + 100)))
    assert judge(store, without("a", "title: red")) == 1300
    assert {found.source for found in posts.find(store, PostQuery(limit=9999))} == {"b"}


def test_judging_wants_publishing_only_when_something_changed(store: Store) -> None:
    """Pages are rewritten when a rule changes what they show."""
    configure(store, A)
    arrive(store, A, post(1))
    site.record_published(store, site.publishing_wanted(store) or 0)
    judge(store, without("a", "title: no such"))
    assert site.publishing_wanted(store) is None
    judge(store, without("a", "title: post"))
    assert site.publishing_wanted(store) is not None


def test_posts_saved_by_other_rules_are_judged_at_the_next_opportunity(store: Store) -> None:
    """A process that was started before the file was changed still judges by the old rules; that is put right."""
    configure(store, A)
    new = without("a", "title: post 2")
    judge(store, new)
    arrive(store, A, post(2))
    assert titles(store) == ["Post 2"]
    assert judge(store, new) == 1
    assert titles(store) == []
    assert judge(store, new) == 0


def test_judging_that_was_interrupted_starts_over(store: Store) -> None:
    """A crash in the middle leaves the feed marked, so the rest is judged at the next opportunity."""
    configure(store, A)
    arrive(store, A, post(1), post(2))
    new = without("a", "title: post")

    def stumble(seen: judging.JudgedPost) -> str:
        if seen.title == "Post 2":
            raise MemoryError
        return "x"

    with pytest.raises(MemoryError):
        judging.judge_again(store, A.url, stumble, rules.fingerprint(new), START)
    assert judge(store, new) == 2


def test_a_post_that_is_edited_while_it_is_judged_is_left_to_who_edits(store: Store) -> None:
    """A poll beside it has the newer text, so its word counts."""
    configure(store, A)
    arrive(store, A, post(1))

    def overtaken(_: judging.JudgedPost) -> str:
        arrive(store, A, changed=(post(1, post_id=1, title="Newer", content_hash="newer"),))
        return "title: post"

    assert judging.judge_again(store, A.url, overtaken, "other", START) == 0
    assert titles(store) == ["Newer"]


def test_an_edited_post_is_judged_by_its_new_text(store: Store) -> None:
    """An edit can put a post out or bring it back."""
    one = without("a", "title: sponsored")
    configure(store, one)
    judge(store, one)
    arrive(store, one, post(1))
    arrive(store, one, changed=(post(1, post_id=1, title="Sponsored"),))
    assert titles(store) == []
    arrive(store, one, changed=(post(1, post_id=1, title="Post 1"),))
    assert titles(store) == ["Post 1"]


def test_a_story_is_shown_by_a_post_that_is_not_excluded(store: Store) -> None:
    """When the rules of the first source hide its post, the other source's copy stands for the story."""
    one = without("a", "title: mine")
    configure(store, one, B)
    judge(store, one)
    arrive(store, one, post(1, title="Mine", story_url="https://s.example/1"))
    arrive(store, B, post(2, title="Yours", guid="guid-1", story_url="https://s.example/1"))
    (shown,) = posts.newest(store, ["a", "b"], 10)
    assert shown.title == "Yours"
    assert not shown.owns_guid  # ids in the combined feed do not move when a rule does
    judge(store, A)
    (shown,) = posts.newest(store, ["a", "b"], 10)
    assert shown.title == "Mine"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["", "title: 1", "title: 2", "text: /[12]/"]), max_size=6))
def test_what_is_shown_follows_from_the_last_rules_alone(store: Store, texts: list[str]) -> None:
    """Whatever the rules were before, posts are as if the last ones had always been there."""
    configure(store, A)
    feed_id = state_of(store, A).feed_id
    if not posts.known(store, feed_id, ["guid:1"]):
        arrive(store, A, post(1), post(2), post(3))
    last = A
    for text in texts:
        last = without("a", text) if text else A
        judge(store, last)
    judge(store, last)
    shown = {found.title: rules.excluded_by(found, last) for found in posts.find(store, PostQuery(limit=9))}
    hidden = {found.title: found.excluded for found in posts.find(store, PostQuery(limit=9, excluded=True))}
    assert set(shown.values()) <= {""}
    assert len(shown) + len(hidden) == 3
    assert all(why == last.exclude[0].text for why in hidden.values())


def test_a_post_is_remembered_under_so_many_names_and_no_more(store: Store) -> None:
    """A program that makes up a guid at each fetch adds none for ever; what was remembered stays."""
    configure(store, A)
    arrive(store, A, post(1))
    feed_id = state_of(store, A).feed_id
    for fetch in range(100):
        posts.save(store, feed_id, FeedChange(aliases=((f"guid:made-up-{fetch}", 1),)), START)
    assert 60 <= scalar(store, "SELECT count(*) FROM post_keys") <= 64
    assert set(posts.known(store, feed_id, ["guid:1", "guid:made-up-0", "guid:made-up-99"])) == {
        "guid:1",
        "guid:made-up-0",
    }


def test_a_post_keeps_the_guid_it_came_with(store: Store) -> None:
    """Under another id in the combined feed it would come again to everybody who follows that."""
    configure(store, A)
    arrive(store, A, post(1))
    arrive(store, A, changed=(post(1, post_id=1, guid="renewed", title="Edited"),))
    [found] = posts.find(store, PostQuery())
    assert (found.guid, found.title) == ("guid-1", "Edited")
