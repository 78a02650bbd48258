"""What does a document change? The decision between parse and save. Pure: old state and new data in, changes out.

In three steps, since two of them belong into a worker: `read` parses a document and names its posts, `plan` compares
them with what is known, which is cheap, and `finish` cleans what is to be saved. Only new and changed posts are
cleaned: cleaning every known post at every poll would cost more than parsing them.

What only workers need, the parser and the sanitiser, is imported where it is used: loading them takes longer than all
of a poll that finds nothing changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import field

from tidings.model import Document, Failed, FeedChange, KnownPost, ParsedFeed, PostToSave, Remembered
from tidings.posts.comparing import compare
from tidings.posts.doubt import is_another
from tidings.posts.edits import classify, is_cut, is_volatile, text_hash
from tidings.posts.identity import Identified, Marks, Match, identify_marked, marks, match, without_moment
from tidings.posts.links import host
from tidings.posts.stories import story_urls
from tidings.records import dataclass, replace
from tidings.workers import MEMORY

_SLICE_POSTS = 300
_SLICE_MARKUP = 1_000_000  # characters


@dataclass(frozen=True, slots=True)
class Named:
    """A document read from `url`: its feed without the posts, and the posts with the keys that name them. `stories` are
    the URLs by which other sources' copies of them are known (posts/stories.py), by position. `memory` is what the next
    reading of this feed wants to be given (posts/incremental.py)."""

    feed: ParsedFeed
    posts: tuple[Identified, ...]
    stories: Mapping[int, str]
    url: str
    memory: bytes = b""


@dataclass(frozen=True, slots=True)
class Draft:
    """A post to save but for its cleaning. `post_id` is None for a new one, else the row it changes, and `text_hash` is
    the fingerprint there of what is read and looked at. `suspects` are the stored posts that a new one may be, with the
    hints that led to them. By a key of the kind `doubt` alone it is the stored one only if its text and its date don't
    say otherwise (posts/doubt.py). The stored text may be `erased`: that stays so. `heir_of` is the stored post that a
    new one has names of, but that another one of the document is."""

    identified: Identified
    post_id: int | None
    story_url: str
    suspects: Mapping[int, tuple[str, ...]]
    doubt: str = ""
    text_hash: str = ""
    erased: bool = False
    heir_of: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a document changes, with the mark-up of its posts not cleaned yet. Of its `size` posts `known` were known;
    if any, it is the feed it used to be. `parts` is how many of them are from where (`origin_url`), as in a planet.
    `noisy` are those left out because nothing in them is another that is read or looked at, with their fingerprints by
    the id of the stored post; `held` those known that are held (posts/brake.py).
    `site` is the host of its source. `before` is what is stored of the posts in `to_compare`, to be put in before the
    plan is finished."""

    new: tuple[Draft, ...]
    changed: tuple[Draft, ...]
    aliases: tuple[tuple[str, int], ...]
    language: str
    size: int
    known: int
    noisy: Mapping[int, str]
    held: frozenset[int]
    site: str
    parts: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[int, Remembered] = field(default_factory=dict)
    met: frozenset[int] = frozenset()  # The ids of all that are known.
    last: int | None = None  # The position of the post in which a malformed document may break off.
    moved: tuple[tuple[str, int], ...] = ()

    @property
    def without_posts(self) -> Plan:
        """The plan once its posts have gone their way."""
        return replace(self, new=(), changed=(), aliases=(), moved=(), before={})

    @property
    def to_compare(self) -> list[int]:
        """The stored posts that those of the plan are compared with."""
        changed = [draft.post_id for draft in self.changed if draft.post_id is not None]
        return [*changed, *(suspect for draft in (*self.new, *self.changed) for suspect in draft.suspects)]


@dataclass(frozen=True, slots=True)
class Decided:
    """A document decided on in one go. Of `named` and `plan` the posts are left out: they are in `change`."""

    named: Named
    plan: Plan
    change: FeedChange


def decide(
    document: Document, memory: bytes, known: Mapping[str, KnownPost], volatility: float
) -> Decided | Named | Failed:
    """The change that a document makes to what is `known` of its source, all of it; `memory` is as for `read`. Nothing
    is left to be asked, so the posts travel once. A document that is large, or whose posts must be compared with stored
    ones or be read after all, is only read. For a worker; never raises."""
    named = read(document, memory)
    if isinstance(named, Failed):
        return named
    met = {key: known[key] for key in keys_to_look_up(named) if key in known}
    try:
        made = plan(named, met, volatility)
    except Exception as error:
        return _stumbled("Deciding on", error)
    if takes_unread(made) or made.to_compare or len(slices(made)) > 1:
        return named
    change = finish(made)
    if isinstance(change, Failed):
        return change
    return Decided(replace(named, posts=(), stories={}), made.without_posts, change)


def read(document: Document, memory: bytes = b"") -> Named | Failed:
    """The document parsed and its posts named, or why that can't be done. For a worker; never raises.

    With the `memory` of a former reading, items that are still the same are left unread. The decision is the same; but
    where it `takes_unread` posts, the document must be read again without.
    """
    from tidings.posts.incremental import parse_news

    try:
        parsed = parse_news(document, memory)
        if isinstance(parsed, Failed):
            return parsed
        return _named(parsed.feed, parsed.marks, parsed.unread, document.url, parsed.memory)
    except MemoryError:
        return Failed("too-large", f"The document needs more than {MEMORY // 2**20} MB of memory, so it was not read.")
    except Exception as error:
        return _stumbled("Naming the posts of", error)


def name(feed: ParsedFeed, url: str = "") -> Named:
    """The document, read from `url`, with its posts named."""
    return _named(feed, tuple(marks(post) for post in feed.posts), frozenset(), url, b"")


def _named(feed: ParsedFeed, marked: Sequence[Marks], unread: frozenset[int], url: str, memory: bytes) -> Named:
    identified = identify_marked(zip(feed.posts, marked, strict=True), unread)
    pages = {post.position: mark.page for post, mark in zip(feed.posts, marked, strict=True)}
    stories = story_urls({one.post.position: pages[one.post.position] for one in identified})
    return Named(replace(feed, posts=()), tuple(identified), stories, url, memory)


def keys_to_look_up(named: Named) -> list[str]:
    """All keys under which the store may know a post of this document."""
    return [key for one in named.posts for key in one.lookups]


def plan(named: Named, known: Mapping[str, KnownPost], volatility: float = 0.0) -> Plan:
    """The change that a document makes to what is `known` of its source (key → post), before its posts are cleaned. In
    a source of high `volatility` (posts/edits.py) only words, links and pictures of known posts count.

    Planning again after saving gives an empty change. New posts come oldest first, so that ids follow time; documents
    usually start with the newest.
    """
    matches = match(named.posts, known)
    new = [one for one in matches if one.known is None and not (named.feed.malformed and _is_stump(one))]
    differing = [one for one in matches if one.known is not None and (one.doubt or _differs(one.identified, one.known))]
    noise = [one for one in differing if _is_noise(one)] if is_volatile(volatility) else []
    quiet = {one.identified.post.position for one in noise}
    changed = [one for one in differing if one.identified.post.position not in quiet]
    sure = [one for one in matches if not one.doubt or one.identified.post.position in quiet]
    settled = {one.known.post_id for one in sure if one.known is not None}
    return Plan(
        new=_drafts(_oldest_first(new), named, settled),
        changed=_drafts(changed, named, settled),
        aliases=tuple(_aliases(sure, known)),
        language=named.feed.language,
        size=len(matches),
        known=len(matches) - len(new),
        noisy={one.known.post_id: one.identified.content_hash for one in noise if one.known and one.identified.read},
        site=host(named.feed.site_url) or host(named.url),
        parts=Counter(one.identified.post.origin_url for one in matches),
        held=frozenset(one.known.post_id for one in matches if one.known is not None and one.known.held),
        met=frozenset(one.known.post_id for one in matches if one.known is not None),
        last=max((one.post.position for one in named.posts), default=None) if named.feed.malformed else None,
        moved=tuple((key, one.known.post_id) for one in matches if one.known for key, _ in one.lost),
    )


def slices(plan: Plan) -> tuple[Plan, ...]:
    """The plan in pieces of a second's work or so, which `finish` takes one at a time; at least one."""
    drafts = [(draft, False) for draft in plan.new] + [(draft, True) for draft in plan.changed]
    groups: list[list[tuple[Draft, bool]]] = [[]]
    size = 0
    for draft, known in drafts:
        post = draft.identified.post
        markup = len(post.content_html) + len(post.summary_html)
        if groups[-1] and (len(groups[-1]) == _SLICE_POSTS or size + markup > _SLICE_MARKUP):
            groups.append([])
            size = 0
        groups[-1].append((draft, known))
        size += markup
    pieces = [
        replace(
            plan,
            new=tuple(draft for draft, known in group if not known),
            changed=tuple(draft for draft, known in group if known),
            aliases=(),
            moved=(),
        )
        for group in groups
    ]
    return (replace(pieces[0], aliases=plan.aliases, moved=plan.moved), *pieces[1:])


def merge(changes: Sequence[FeedChange]) -> FeedChange:
    """The change whose slices these are, in their order."""
    return FeedChange(
        new=tuple(post for change in changes for post in change.new),
        changed=tuple(post for change in changes for post in change.changed),
        aliases=tuple(alias for change in changes for alias in change.aliases),
        moved=tuple(name for change in changes for name in change.moved),
    )


def takes_unread(plan: Plan) -> bool:
    """Whether posts are to be saved whose text was left unread: known from the document of last time, but no longer, or
    not as they are now, from the store."""
    return any(not draft.identified.read for draft in (*plan.new, *plan.changed))


def finish(plan: Plan) -> FeedChange | Failed:
    """The change that was planned, its posts cleaned; or why they can't be. For a worker; never raises."""
    try:
        return _cleaned(plan)
    except MemoryError:
        return Failed(
            "too-large", f"The posts need more than {MEMORY // 2**20} MB of memory, so they were not cleaned."
        )
    except Exception as error:
        return _stumbled("Cleaning the posts of", error)


def _stumbled(what: str, error: Exception) -> Failed:
    cause = f"{type(error).__name__}: {error}"
    return Failed("parse", f"{what} the document failed ({cause}). This is a bug: please report it.")


def _differs(identified: Identified, known: KnownPost) -> bool:
    """Whether the stored post must be rewritten. One without a fingerprint was erased, and stays so."""
    return known.content_hash not in ("", identified.content_hash)


def _is_stump(one: Match) -> bool:
    """Whether a post is what a cut left of a known one: a title and a page, and neither guid nor text."""
    post = one.identified.post
    return not (post.guid or post.content_html or post.summary_html) and any(
        len(without_moment(hints)) > 1 for hints in one.suspects.values()
    )


def _is_noise(one: Match) -> bool:
    """Whether a post that changed before has changed in nothing that is read or looked at. One that was left unread is
    as it was at the last fetch, when that was found of it. Numbers are read where they may be those of the next day."""
    if one.known is None or not one.known.text_hash or one.doubt == "link+title":
        return False
    return not one.identified.read or text_hash(one.identified.post) == one.known.text_hash


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


def _drafts(matches: Iterable[Match], named: Named, settled: Container[int]) -> tuple[Draft, ...]:
    """Posts to save. Those in `settled` are in the document under their own names, so that nobody is suspected to be
    one of them."""
    return tuple(
        Draft(
            one.identified,
            one.known.post_id if one.known else None,
            named.stories[one.identified.post.position],
            {post_id: hints for post_id, hints in one.suspects.items() if post_id not in settled},
            one.doubt,
            one.known.text_hash if one.known else "",
            one.known is not None and one.known.content_hash == "",
            one.lost[0][1] if one.lost and one.known is None else None,
        )
        for one in matches
    )


def _cleaned(plan: Plan) -> FeedChange:
    from tidings.posts.placing import findable

    new = [_with_suspects(findable(_to_save(draft, plan.language), plan.site), draft, plan) for draft in plan.new]
    changed: list[PostToSave] = []
    others: list[PostToSave] = []
    for draft in plan.changed:
        post = _to_save(draft, plan.language)
        if _is_cut(draft, post, plan):
            continue
        if draft.doubt and _is_another(post, draft.doubt, plan):
            heir = replace(post, post_id=None, keys=draft.identified.all_keys, heir_of=post.post_id)
            others.append(_with_suspects(findable(heir, plan.site), draft, plan))
        elif not draft.erased:
            changed.append(_with_edit(post, draft, plan))
    return FeedChange((*new, *reversed(others)), tuple(changed), aliases=plan.aliases, moved=plan.moved)


def _with_suspects(post: PostToSave, draft: Draft, plan: Plan) -> PostToSave:
    """A new post with what speaks for its being one of its suspects."""
    if not draft.suspects:
        return post
    dated = post.published or post.updated
    stored = [
        (plan.before[post_id], hints)
        for post_id, hints in draft.suspects.items()
        if post_id in plan.before and post_id != draft.post_id
    ]
    return replace(post, suspects=tuple(compare(post.text, dated, one, hints) for one, hints in stored))


def _is_cut(draft: Draft, post: PostToSave, plan: Plan) -> bool:
    """Whether a document breaks off in a known post. That is left as it is, with the fingerprint of all of it: it has
    not changed when the document is whole again."""
    before = plan.before.get(post.post_id or 0)
    is_last = draft.identified.post.position == plan.last
    return before is not None and is_last and is_cut(before, post.title, post.text)


def _is_another(post: PostToSave, doubt: str, plan: Plan) -> bool:
    """Whether a post that has a link or a guid of a stored one is not that one."""
    before = plan.before.get(post.post_id or 0)
    return before is not None and is_another(doubt, before, post.title, post.text, post.published or post.updated)


def _with_edit(post: PostToSave, draft: Draft, plan: Plan) -> PostToSave:
    """A changed post with what the change amounts to; at its first one it is not known how it looked before."""
    before = plan.before.get(post.post_id or 0)
    edit = classify(before, post.title, post.text, post.content_html) if before else post.edit
    is_noise = draft.text_hash == post.text_hash if draft.text_hash else edit != "substantive"
    return replace(post, edit=edit, is_noise=is_noise)


def _to_save(draft: Draft, language: str) -> PostToSave:
    from tidings.posts.clean import clean, visible_text

    identified, post = draft.identified, draft.identified.post
    summary_html = clean(post.summary_html, post.base) if post.summary_html else ""
    summary = visible_text(summary_html)
    # Content can be nothing but a script: then the summary is what there is to read.
    content = clean(post.content_html, post.base) or summary_html
    return PostToSave(
        post_id=draft.post_id,
        keys=identified.all_keys if draft.post_id is None else identified.lasting_keys,
        content_hash=identified.content_hash,
        # Most posts never change, so that of a new one is not worth its time.
        text_hash="" if draft.post_id is None else text_hash(post),
        story_url=draft.story_url,
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
        language=post.language or language,
        enclosures=post.enclosures,
        origin_title=post.origin_title,
        origin_url=post.origin_url,
        rights=post.rights,
        heir_of=draft.heir_of,
    )
