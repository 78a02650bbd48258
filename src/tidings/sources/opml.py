"""Lists of feeds as other programs keep them: OPML both ways, and plain lists of addresses. Pure.

OPML: http://opml.org/spec2.opml. What is read is wider than that, because exports are: any case of attribute names,
`url` for `xmlUrl`, no type, no head or body, `&` and quotes as they are. Folders become tags, and so do the paths of
`category`; a folder in a folder is the tag `a/b`. A document that declares entities is refused: a list needs none, and
they are how one blows up or reads files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import unescape
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from tidings.records import dataclass

LONGEST_LIST = 30_000_000
"""Characters of a list; the largest collections of feeds have a tenth of it."""

_MOST = 200_000
_LONGEST_TEXT = 300
_DEEPEST = 8  # folders in folders; what is deeper belongs to the eighth

_TAG = re.compile(r"<(/?)(?:[\w.-]{1,40}:)?(?:outline(?=[\s/>])|body(?=[\s>]))", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""\s(text|title|description|type|xml_?url|html_?url|url|category|filtercmd|version|language|created|id)="""
    r"""\s{0,9}(["'])""",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_DECLARATION = re.compile(r"\s*<\?xml[^<>]{0,500}\?>")
_LIST_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_BARE = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z]{2,63}(?::[0-9]{1,5})?(?:[/?]|$)")
_FEED_TYPES = frozenset({"", "rss", "atom", "feed", "rdf", "json", "jsonfeed"})
_COMMANDS = ("|", "exec:", "filter:", "query:")
_ENTRY = re.compile(rf"[a-z][a-z0-9+.-]{{0,19}}://|{'|'.join(map(re.escape, _COMMANDS))}", re.IGNORECASE)
_NO_LIST = "neither OPML nor text with an address a line"


@dataclass(frozen=True, slots=True)
class Listed:
    """One feed of a list. `name` may be ""; `url` is what the list says, an address or not. `home` is the page of the
    blog, "" where that is not known; it is written, and not read."""

    url: str
    name: str = ""
    tags: tuple[str, ...] = ()
    home: str = ""


@dataclass(frozen=True, slots=True)
class Unusable:
    """An entry that is no feed to follow, and why."""

    entry: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeedList:
    """What a list holds. `damage` says where and why reading it ended early, or ""."""

    feeds: tuple[Listed, ...] = ()
    unusable: tuple[Unusable, ...] = ()
    damage: str = ""


def read_list(text: str) -> FeedList:
    """The feeds of an OPML document or a plain list. Never raises; an address that comes twice is listed once, with the
    tags of both."""
    text = text.lstrip("\ufeff \t\r\n")
    if len(text) > LONGEST_LIST:
        return FeedList(damage=f"it is longer than {LONGEST_LIST:,} characters")
    return _merged(_read_opml(text) if text.startswith("<") else _read_lines(text))


def write_opml(title: str, feeds: Sequence[Listed]) -> str:
    """The feeds as OPML 2.0 that `read_list` reads back to the same addresses, names and tags.

    All tags are in `category`, as the specification has it; for programs that know only folders, a feed is in the
    folder of its first tag. A folder stands where its first feed does, with all of its feeds in their order; a feed
    without tags stays where it is between them.
    """
    groups: dict[str | int, list[Listed]] = {}
    for place, feed in enumerate(feeds):
        groups.setdefault(feed.tags[0] if feed.tags else place, []).append(feed)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">', "  <head>"]
    lines += [f"    <title>{escape(title)}</title>", "  </head>", "  <body>"]
    for group, members in groups.items():
        outlines = map(_outline, members)
        lines += [f"    {line}" for line in (_folder(group, outlines) if isinstance(group, str) else outlines)]
    return "\n".join([*lines, "  </body>", "</opml>", ""])


def _folder(tag: str, outlines: Iterable[str]) -> list[str]:
    opening = f"<outline text={quoteattr(tag)} title={quoteattr(tag)}>"
    return [opening, *(f"  {outline}" for outline in outlines), "</outline>"]


def _outline(feed: Listed) -> str:
    name = quoteattr(feed.name)
    category = f" category={quoteattr(','.join(map(_path_of, feed.tags)))}" if feed.tags else ""
    home = f" htmlUrl={quoteattr(feed.home)}" if feed.home else ""
    return f'<outline type="rss" text={name} title={name} xmlUrl={quoteattr(feed.url)}{home}{category}/>'


def _path_of(tag: str) -> str:
    """A tag as one path of `category`. A comma parts two paths, so one inside is escaped, and what looks escaped."""
    return "/" + re.sub(r"%(?=2[Cc5])", "%25", tag).replace(",", "%2C")


def _tags_of(category: str) -> list[str]:
    paths = [path.strip().removeprefix("/") for path in category.split(",")]
    return [_one_line(re.sub("%2[Cc]|%25", lambda it: "%" if it[0] == "%25" else ",", path)) for path in paths]


def _read_opml(text: str) -> FeedList:
    """Read as XML, and where it is none, tag by tag."""
    text = _DECLARATION.sub("", text, count=1)
    strict = _Outlines()
    try:
        damage = strict.read(text)
    except _EntityError as error:
        return FeedList(damage=str(error))
    if not damage:
        return strict.result("")
    lenient = _Outlines()
    lenient.read_leniently(text)
    return lenient.result(damage)


def _attributes(tag: str) -> dict[str, str]:
    """The attributes of a tag whose values may hold quotes: each ends at the last quote before the next attribute that
    OPML knows."""
    starts = list(_ATTRIBUTE.finditer(tag))
    ends = [*(start.start() for start in starts[1:]), len(tag)]
    values: dict[str, str] = {}
    for start, end in zip(starts, ends, strict=False):
        value = tag[start.end() : end].rpartition(start[2])[0]
        values.setdefault(_local(start[1]), _ENTITY.sub(lambda it: unescape(it[0]), value))
    return values


class _EntityError(Exception):
    """The document declares an entity."""


class _Outlines:
    """The outlines of one document, as expat meets them."""

    def __init__(self) -> None:
        self._feeds: list[Listed] = []
        self._unusable: list[Unusable] = []
        self._folders: list[str] = []
        self._is_opml = False

    def read(self, text: str) -> str:
        """Takes in a document; returns what is wrong with it, or "". Raises _EntityError."""
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._refuse_entity
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        try:
            parser.Parse(text.encode("utf-8", "replace"), True)
        except expat.ExpatError as error:
            return f"line {error.lineno} is broken XML ({expat.ErrorString(error.code)})"
        return ""

    def read_leniently(self, text: str) -> None:
        """Takes in what is no XML: outlines are told by their tags, attributes by their names."""
        tags = list(_TAG.finditer(text))
        ends = [*(tag.start() for tag in tags[1:]), len(text)]
        for tag, end in zip(tags, ends, strict=False):
            if tag[1]:
                self._end("outline" if tag[0].lower().endswith("outline") else "")
                continue
            inside = text[tag.end() : end].rstrip()
            if tag[0].lower().endswith("outline"):
                self._start("outline", _attributes(inside))
                if inside.endswith("/>"):
                    self._end("outline")

    def result(self, damage: str) -> FeedList:
        """What was taken in, of a document in which `damage` was found, or ""."""
        if not self._is_opml:
            what = f"; {damage}" if damage else ""
            return FeedList(damage=f"there is no <outline> in it, so it is no OPML{what}")
        if damage and not self._feeds and not self._unusable:
            damage = f"there is no feed in what could be read of it; {damage}"
        elif damage:
            damage = f"{damage}; what could be read was read"
        return FeedList(tuple(self._feeds), tuple(self._unusable), damage)

    def _refuse_entity(self, *_: object) -> None:
        raise _EntityError("it declares entities, which no list of feeds needs, so it was not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._is_opml = self._is_opml or _local(name) in ("opml", "outline")
        if _local(name) != "outline":
            return
        found = {_local(key): value.strip() for key, value in reversed(attributes.items())}
        label = _one_line(found.get("text", "")) or _one_line(found.get("title", ""))
        is_feed = self._take(found, label)
        self._folders.append("" if is_feed else label)

    def _end(self, name: str) -> None:
        if _local(name) == "outline" and self._folders:
            self._folders.pop()

    def _take(self, found: dict[str, str], label: str) -> bool:
        """Notes the feed that an outline stands for; False when it is a folder, or text."""
        kind = found.get("type", "").lower()
        url = found.get("xmlurl", "")
        if not url and kind in _FEED_TYPES:
            url = found.get("url", "")
        if not url and kind in ("link", "include") and _is_list(found.get("url", ""), kind):
            self._refuse(found["url"], "is another list of feeds; save it, and import that file by itself")
            return True
        if not url and "xmlurl" not in found and kind not in _FEED_TYPES - {""}:
            return False
        if not url:
            self._refuse(label or "an entry without a name", "has no address")
        elif found.get("filtercmd"):
            self._refuse(url, "is filtered there by a command, which is not run here; add it by hand to have all of it")
        elif len(self._feeds) < _MOST:
            self._feeds.append(Listed(url, label, self._tags(found.get("category", ""))))
        return True

    def _refuse(self, entry: str, reason: str) -> None:
        if len(self._unusable) < _MOST:
            self._unusable.append(Unusable(entry, reason))

    def _tags(self, category: str) -> tuple[str, ...]:
        folder = "/".join(name for name in self._folders[:_DEEPEST] if name)
        return tuple(dict.fromkeys(tag for tag in [folder, *_tags_of(category)] if tag))


def _is_list(url: str, kind: str) -> bool:
    return bool(url) and (kind == "include" or url.lower().partition("?")[0].endswith(".opml"))


def _read_lines(text: str) -> FeedList:
    """A plain list: an address a line, then tags, and a name as "~name", as newsboat has them; `#` starts a comment.
    What has mostly other lines, such as prose, a picture or an archive, is no list: not one of its lines is taken."""
    if "\0" in text:
        return FeedList(damage=f"it is binary, {_NO_LIST}")
    feeds: list[Listed] = []
    for line in text.split("\n")[:_MOST]:
        words = _words(line)
        if words:
            name = next((word[1:] for word in words[1:] if word.startswith("~")), "")
            tags = [word.removeprefix("!") for word in words[1:] if not word.startswith("~")]
            feeds.append(Listed(words[0], name, tuple(dict.fromkeys(tag for tag in tags if tag))))
    meant = sum(bool(_ENTRY.match(_address(feed.url))) for feed in feeds)
    if meant * 2 < len(feeds):
        return FeedList(damage=f"an address begins {meant} of {len(feeds)} lines, so it is {_NO_LIST}")
    return FeedList(tuple(feeds))


def _words(line: str) -> list[str]:
    words: list[str] = []
    for found in _LIST_WORD.finditer(line[:10_000].strip()):
        if (found[2] or "").startswith("#"):
            break
        quoted = None if found[1] is None else re.sub(r"\\(.)", r"\1", found[1])
        words.append(_one_line(found[2] if quoted is None else quoted))
    return [word for word in words if word]


def _merged(listed: FeedList) -> FeedList:
    by_url: dict[str, Listed] = {}
    unusable = list(listed.unusable)
    for feed in listed.feeds:
        if feed.url.lower().startswith(_COMMANDS):
            unusable.append(Unusable(feed.url, "runs a command or a search of another program"))
            continue
        url = _address(feed.url)
        former = by_url.get(url, Listed(url))
        tags = tuple(dict.fromkeys([*former.tags, *feed.tags]))
        by_url[url] = Listed(url, former.name or feed.name, tags)
    return FeedList(tuple(by_url.values()), tuple(unusable), listed.damage)


def _address(url: str) -> str:
    """The address with a scheme; `feed:` was once one for feeds of any scheme."""
    if url[:5].lower() == "feed:":
        rest = url[5:]
        return f"https:{rest}" if rest.startswith("//") else rest
    return f"https://{url}" if _BARE.match(url) else url


def _local(name: str) -> str:
    return name.rpartition(":")[2].replace("_", "").lower()


def _one_line(text: str) -> str:
    kept = "".join(character if character.isprintable() else " " for character in text[: _LONGEST_TEXT * 2])
    return " ".join(kept.split())[:_LONGEST_TEXT].strip()
