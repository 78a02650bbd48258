"""Which post is this? The keys that name a post within its source, and the matching of a document against them. Pure.

A post is named by its guid, else by its link and title, else by its text; as a last resort by its page (path, title
and date), so that a feed which renames its guids or moves to another host does not bring everything again. A key that
two posts of one document ever shared names nothing from then on (seen in the wild: guids all equal, or one per day).
Keys are scoped by source: two feeds may share guid `1`.

What alone proves nothing (a title, a path, a file, a second) is a hint: it names no post, but leads to the stored ones
that a new one may be. Whether it is one of them is seen by its text (posts/healing.py). A link without the title it had
is between both: there are pages whose title changes with the score of a match, and pages that are another post each day
("Word of the day").
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime

from tidings.model import KnownPost, ParsedPost
from tidings.posts.canonical import canonical, is_front_page
from tidings.posts.edits import content_hashes, steady
from tidings.posts.likeness import words_of
from tidings.posts.plain import bare_text
from tidings.records import dataclass

_LONGEST_PLAIN_KEY = 300  # Longer ones are hashed, so that a hostile guid can't fill the index.
_MOST_SPECIFIC_FIRST = ("guid+link+title", "text", "guid+link", "guid", "link+title", "link", "page", "page+text")
_OF_ITS_TEXT = ("text", "page+text", "~text")
_OF_NEW_POSTS = (*_OF_ITS_TEXT, "~moment")
_IN_DOUBT = ("guid+link", "guid", "link+title", "link")
_SHARED = "shared:"
_PLACE_OF_LINK = {"guid+link": 1, "guid+link+title": 1, "link": 0, "link+title": 0}
_FILES = ("audio/", "video/")
_ENDINGS = (".mp3", ".m4a", ".m4b", ".aac", ".ogg", ".oga", ".opus", ".flac", ".wav", ".mp4", ".m4v", ".mov", ".webm")
_SHORTEST_PATH = 2  # characters
_SHORTEST_TEXT = 100  # characters of mark-up, below which no text proves anything beside its moment


@dataclass(frozen=True, slots=True)
class Marks:
    """What names a post and what it is recognised by, as far as the post alone can say: all its keys, the most specific
    first, and none if it shows nothing; `former`, `content_hash` and `hints` as in Identified; its canonical URL. Posts
    of one moment and one `twin`, which is "" for most that say too little, say the same on the same page."""

    keys: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    content_hash: str = ""
    page: str = ""
    hints: tuple[str, ...] = ()
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Identified:
    """A parsed post with the keys that may name it, the most specific first. That first one is its own: no other post
    of the document has it.

    `shared` are marks of the keys that others have as well. `former` are keys it may have been stored under before it
    had a guid: a document cut off in the middle of an item gives that item without one, and some feeds add guids later.
    `hints` lead to stored posts that it may be. `content_hash` is the post's fingerprint (posts/edits.py). `read` is
    False for a post whose text was left unread because it is as it was (posts/incremental.py).
    """

    post: ParsedPost
    keys: tuple[str, ...]
    shared: tuple[str, ...] = ()
    former: tuple[str, ...] = ()
    content_hash: str = ""
    read: bool = True
    hints: tuple[str, ...] = ()

    @property
    def lookups(self) -> tuple[str, ...]:
        """Everything to ask the store about: the keys, and whether any of them was ever shared."""
        others = (*self.keys[1:], *self.former, *self.hints)
        return (self.keys[0], *others, *(_SHARED + key for key in others), *self.shared)

    @property
    def all_keys(self) -> tuple[str, ...]:
        """What is remembered of a new post."""
        return (*self.keys, *self.hints, *self.shared)

    @property
    def lasting_keys(self) -> tuple[str, ...]:
        """What is remembered of a post already known. Keys made of text are not, nor is its moment: a text, or a date,
        that changes at every poll would add one each time."""
        return (*(key for key in (*self.keys, *self.hints) if _kind(key) not in _OF_NEW_POSTS), *self.shared)


@dataclass(frozen=True, slots=True)
class Match:
    """An identified post and the stored post it turned out to be, if any. Else `suspects` are the stored posts that it
    may be, by their ids, each with the hints that led to it.

    `doubt` is the kind of key by which it has one, if that and a new text is all it has in common with the stored post.
    What both say decides (posts/doubt.py), and if it is another one, it may be one of its suspects.

    `lost` are keys of it that name a stored post which another one of the document claimed, and the id of that. They
    name this one from now on: else it would be new at each edit, or written over the other once that is free again."""

    identified: Identified
    known: KnownPost | None
    suspects: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    doubt: str = ""
    lost: tuple[tuple[str, int], ...] = ()


def identify(posts: Sequence[ParsedPost]) -> list[Identified]:
    """The posts of one document with their usable keys, in document order."""
    return identify_marked([(post, marks(post)) for post in posts])


def marks(post: ParsedPost) -> Marks:
    """What one post alone says of which it is."""
    if not _shows_something(post):
        return Marks()
    page = canonical(post.url)
    own, twin = content_hashes(post, _link(post.url) if _may_have_twin(post) else "")
    return Marks(_keys(post), _former_keys(post), own, page, _hints(post, page), twin)


def identify_marked(posts: Iterable[tuple[ParsedPost, Marks]], unread: Container[int] = ()) -> list[Identified]:
    """The posts of one document with their usable keys, in document order. The positions of those whose text was left
    unread are in `unread`: of them only position and dates are looked at.

    A post that shows nothing at all is left out; of posts with the same own key the newest stays (RFC 4287 section
    4.1.1: entries with one id are versions of one entry). Those that say the same at the same moment on the same page
    are one post under all their guids: some programs list a post once for each of its categories.
    """
    newest: dict[str, tuple[ParsedPost, Marks]] = {}
    for version in posts:
        if version[1].keys:
            own = version[1].keys[0]
            newest[own] = max(newest[own], version, key=_age) if own in newest else version
    marked = _without_twins(newest.values())
    counts = Counter(key for _, mark in marked for key in (*mark.keys, *mark.former, *mark.hints))
    return [
        Identified(
            post,
            keys=tuple(key for key in mark.keys if counts[key] == 1),
            shared=tuple(_SHARED + key for key in (*mark.keys, *mark.hints) if counts[key] > 1),
            former=tuple(key for key in mark.former if counts[key] == 1),
            content_hash=mark.content_hash,
            read=post.position not in unread,
            hints=tuple(key for key in mark.hints if counts[key] == 1),
        )
        for post, mark in marked
    ]


def match(identified: Sequence[Identified], known: Mapping[str, KnownPost]) -> list[Match]:
    """Pairs each post with the stored one it is, in document order.

    Works in rounds from the most specific kind of key to the least. A stored post is claimed once, so a second post
    under a known guid is new instead of an edit of the first. Left out is only what was seen before exactly so: a
    former version of a post that another one claimed. Whatever is new has an own key that was never seen, and is saved
    with it: it can't be new again.
    """
    if not known:
        return [Match(one, None) for one in identified]
    found: dict[int, KnownPost] = {}
    claimed: set[int] = set()
    doubts: dict[int, str] = {}
    lost: dict[int, tuple[tuple[str, int], ...]] = {}
    for kind in _MOST_SPECIFIC_FIRST:
        for index, candidate in _claims(identified, known, kind):
            if index not in found and candidate.post_id in claimed:
                lost[index] = (*lost.get(index, ()), *_names(identified[index], candidate, kind, known))
            elif index not in found:
                found[index] = candidate
                claimed.add(candidate.post_id)
                if _is_in_doubt(identified[index], candidate, kind, known):
                    doubts[index] = kind
    certain = claimed.difference(found[index].post_id for index in doubts)
    return [
        Match(
            one,
            found.get(index),
            {} if index in found and index not in doubts else _suspects(one, known, certain),
            doubts.get(index, ""),
            lost.get(index, ()),
        )
        for index, one in enumerate(identified)
        if index in found or one.keys[0] not in known
    ]


def link_in(key: str) -> str:
    """The link that a key names a post by; "" for keys of other kinds, and for long ones, of which there is only a
    fingerprint."""
    kind, _, value = key.partition(":")
    parts = value.split("\t")
    place = _PLACE_OF_LINK.get(kind, len(parts))
    return "" if value.startswith("#") or place >= len(parts) else parts[place]


def shared_mark(key: str) -> str:
    """What is remembered of a key that names, or hints at, more than one post: it says nothing any more."""
    return _SHARED + key


def is_day(moment: datetime) -> bool:
    """Whether a date stands for the whole day."""
    return any((zoned.hour, zoned.minute, zoned.second) == (0, 0, 0) for zoned in (moment, moment.astimezone(UTC)))


def without_moment(hints: Iterable[str]) -> tuple[str, ...]:
    """Those of some hints that say anything of what a post is about: not the second in which it was published."""
    return tuple(hint for hint in hints if _kind(hint) != "~moment")


def _suspects(one: Identified, known: Mapping[str, KnownPost], claimed: Container[int]) -> dict[int, tuple[str, ...]]:
    """The stored posts that hints lead to. Those which the document still has under their own keys are not among
    them."""
    found: dict[int, tuple[str, ...]] = {}
    for hint in one.hints:
        candidate = known.get(hint)
        if candidate is not None and candidate.post_id not in claimed and _SHARED + hint not in known:
            found[candidate.post_id] = (*found.get(candidate.post_id, ()), hint)
    return found


def _is_in_doubt(one: Identified, candidate: KnownPost, kind: str, known: Mapping[str, KnownPost]) -> bool:
    """Whether a key of this kind may be that of another post by now. Of one whose page, title and date are known
    nothing speaks against it."""
    if kind not in _IN_DOUBT or candidate.content_hash == one.content_hash:
        return False
    if kind == "link+title":
        is_of_date = any(_kind(key) == "page" and key in known for key in one.keys)
        return one.post.published is not None and not is_of_date and candidate.content_hash != ""
    return True


def _claims(identified: Sequence[Identified], known: Mapping[str, KnownPost], kind: str) -> list[tuple[int, KnownPost]]:
    """Who may be which stored post by keys of one kind. Whoever is the same to the letter comes first, and the order
    of the document says nothing."""
    claims = [
        (candidate.content_hash != one.content_hash, one.keys, index, candidate)
        for index, one in enumerate(identified)
        if (candidate := _candidate(one, known, kind)) is not None
    ]
    return [(index, candidate) for _, _, index, candidate in sorted(claims, key=lambda claim: claim[:3])]


def _candidate(one: Identified, known: Mapping[str, KnownPost], kind: str) -> KnownPost | None:
    keys = one.keys[:1] if one.keys[0] in known else (*one.keys, *one.former)
    # One that is listed twice has two keys of a kind.
    named = (known[key] for key in keys if key in known and _kind(key) == kind and _SHARED + key not in known)
    return next(named, None)


def _names(one: Identified, stored: KnownPost, kind: str, known: Mapping[str, KnownPost]) -> list[tuple[str, int]]:
    """The keys of one kind by which a post is led to a stored one."""
    return [(key, stored.post_id) for key in one.keys if _kind(key) == kind and known.get(key) == stored]


def _shows_something(post: ParsedPost) -> bool:
    return bool(post.guid.strip() or post.url or post.title or post.content_html.strip() or post.summary_html.strip())


def _age(version: tuple[ParsedPost, Marks]) -> tuple[float, str, tuple[str, ...]]:
    """Orders versions of one post by date, and without dates at least always in the same way."""
    post, mark = version
    date = post.updated or post.published
    return (date.timestamp() if date else 0.0, mark.content_hash, mark.keys)


def _may_have_twin(post: ParsedPost) -> bool:
    """Whether a post says enough to be the same as one of another guid: a link, a text, and a time of day."""
    if not (post.guid.strip() and post.url and (post.content_html or post.summary_html)):
        return False
    return post.published is not None and not is_day(post.published)


def _without_twins(versions: Iterable[tuple[ParsedPost, Marks]]) -> list[tuple[ParsedPost, Marks]]:
    """Posts of which no two say the same. One that is listed twice has the keys of both."""
    found: dict[object, tuple[ParsedPost, Marks]] = {}
    for version in versions:
        post, mark = version
        same = (mark.twin, post.published, post.updated) if mark.twin and post.published else mark.keys[0]
        found[same] = _both(found[same], version) if same in found else version
    return list(found.values())


def _both(one: tuple[ParsedPost, Marks], other: tuple[ParsedPost, Marks]) -> tuple[ParsedPost, Marks]:
    """Two rows of one post. The second's own key is not kept: what was met under that is never new again, and it may
    become a post of its own."""
    (post, mark), (_, twin) = sorted((one, other), key=_age)
    names = ((mark.keys, twin.keys[1:]), (mark.former, twin.former), (mark.hints, twin.hints))
    keys, former, hints = (tuple(dict.fromkeys(a + b)) for a, b in names)
    return post, replace(mark, keys=keys, former=former, hints=hints)


def _keys(post: ParsedPost) -> tuple[str, ...]:
    guid, link, text = post.guid.strip(), _link(post.url), post.content_html or post.summary_html
    # Without a guid or a title nothing but the text tells two posts of one page apart.
    named = guid and post.title
    keys = [_key("guid+link+title", guid, link, post.title) if named else _key("text", guid, link, post.title, text)]
    if guid:
        keys += [_key("guid+link", guid, link), _key("guid", guid)]
    else:
        keys += _link_keys(link, post.title)
    return (*keys, *_page_keys(post, text))


def _former_keys(post: ParsedPost) -> tuple[str, ...]:
    return _link_keys(_link(post.url), post.title) if post.guid.strip() else ()


def _link_keys(link: str, title: str) -> tuple[str, ...]:
    if not link:
        return ()
    if not title:
        return (_key("link", link),)
    with_title = _key("link+title", link, title)
    return (with_title,) if is_front_page(link) else (with_title, _key("link", link))


def _hints(post: ParsedPost, page: str) -> tuple[str, ...]:
    """Its title, or without one what is read of its text; the path of its page, and of its guid if that is another; its
    file; and the second in which it was published, for one whose title, page and guid are others. Hosts are left out,
    since feeds move."""
    path, guid_path = _path(page), _path(canonical(post.guid.strip()))
    files = [_path(_file(canonical(file.url))) for file in post.enclosures if file.type.startswith(_FILES)]
    hints = [
        ("~title", post.title.casefold()) if post.title else ("~text", _steady_words(post)),
        ("~path", path),
        ("~guid", guid_path if guid_path != path else ""),
        ("~file", files[0] if files else ""),
        ("~moment", _moment(post)),
    ]
    return tuple(_key(kind, value) for kind, value in hints if value)


def _file(url: str) -> str:
    """A file's URL without its query, which often signs it for an hour, if its path ends as files do."""
    place = url.partition("?")[0]
    return place if place.endswith(_ENDINGS) else url


def _moment(post: ParsedPost) -> str:
    """When it was published, if that is more than a day and there is a text to compare."""
    moment = post.published
    if moment is None or len(post.content_html or post.summary_html) < _SHORTEST_TEXT or is_day(moment):
        return ""
    return moment.isoformat()


def _steady_words(post: ParsedPost) -> str:
    """The words of a post, whatever mark-up is around them and counters are among them."""
    return " ".join(words_of(steady(bare_text(post.content_html or post.summary_html))))


def _path(page: str) -> str:
    """What names a page within its site; "" for what says too little to hint at anything."""
    path, query, fragment = _divided(page)
    path = f"{path}?{query}#{fragment}".strip("/?#")
    return path if len(path) >= _SHORTEST_PATH else ""


def _divided(page: str) -> tuple[str, str, str]:
    """Path, query and fragment of a canonical URL."""
    place, _, fragment = page.removeprefix("https://").partition("#")
    address, _, query = place.partition("?")
    _site, slash, path = address.partition("/")
    return slash + path, query, fragment


def _page_keys(post: ParsedPost, text: str) -> list[str]:
    """What a post keeps when its guid and its host change: the path of its page, its title, and its date or else its
    text. Titles repeat ("Open thread"), so they don't do alone."""
    path, query, _ = _divided(canonical(post.url))
    path = f"{path}?{query}".strip("/?")
    if post.published and (path or post.title):
        return [_key("page", path, post.title, post.published.isoformat())]
    return [_key("page+text", path, post.title, text)] if path else []


def _link(url: str) -> str:
    """The canonical link with its fragment: entries of a change log often differ in nothing else."""
    link = canonical(url)
    fragment = url.partition("#")[2]
    return f"{link}#{fragment}" if link and fragment and "#" not in link else link or url


def _key(kind: str, *values: str) -> str:
    folded = [" ".join(value.split()) for value in values]
    plain = f"{kind}:{chr(9).join(folded)}"
    if kind not in _OF_ITS_TEXT and len(plain) <= _LONGEST_PLAIN_KEY:
        return plain
    digest = hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{kind}:#{digest}"


def _kind(key: str) -> str:
    return key.partition(":")[0]
