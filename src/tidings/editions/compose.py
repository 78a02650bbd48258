"""What does an issue show of each story? Chosen stories in, frozen content out. Pure.

A short issue is a letter: up to three stories come whole. A longer one is a digest: whole leading paragraphs of each.
What the operator set for the edition or a source (`content`) is obeyed before either, the less of the two.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from tidings.editions.arrange import Arranged, arrange, title_of_source
from tidings.editions.changes import new_words, renamed, words_added
from tidings.editions.endings import breaks_off
from tidings.editions.excerpt import Excerpt, excerpt, longest, whole_part
from tidings.editions.minutes import reading_minutes
from tidings.editions.pictures import find_picture, has_picture
from tidings.editions.select import ChosenStory
from tidings.model import (
    AlsoIn,
    EditedPost,
    Edition,
    Etiquette,
    IssueContent,
    IssueItem,
    MoreItem,
    Source,
    StoredPost,
    UpdateItem,
)

_LETTER_STORIES = 3
_LETTER_CHARACTERS = 40_000  # Three long reads whole still stay under the 102 KB at which Gmail clips a mail.
_LEAD_TIMES = 2  # so much more is shown of a lead story than of others
_STRONG_SAMPLE = 400
_OPENING = 200  # characters; enough to make a headline of
# Characters that the summaries of feeds have: more than a line, and less than a post of which only the end is open.
_SHORTEST_SUMMARY, _LONGEST_SUMMARY = 150, 2_000
_RICH = re.compile(r"<(?!/?(?:p|br)\b)|</p>\s*<p")  # mark-up that a plain paragraph has not
_FROM_LEAST: tuple[Etiquette, ...] = ("title", "excerpt", "full")
# Names that programs give who know no author; Blogger writes "Unknown".
_NOBODY = frozenset({"admin", "administrator", "root", "unknown", "webmaster"})
_ADDRESS = re.compile(r"[<(]?(?<![@\w.])[\w.+-]++@[\w-]++(?:\.[\w-]++)+[>)]?")  # not @name@host, which is public


@dataclass(frozen=True, slots=True)
class Masthead:
    """What an issue says of the site that sends it."""

    site_title: str
    site_url: str


def compose(
    stories: Sequence[ChosenStory],
    edition: Edition,
    masthead: Masthead,
    number: int,
    sources: Sequence[Source],
    now: datetime,
    updates: Sequence[EditedPost] = (),
    *,
    more: Sequence[ChosenStory] = (),
    waiting: int = 0,
) -> IssueContent:
    """The content of issue `number`, to be frozen at `now`. `sources` are the configured ones; `more` are stories that
    it only names, in their order, and `waiting` is how many come in the next issue. The subject is "": it is written in
    the words of a language (render/subject.py)."""
    shown = _Shown(edition, stories, {source.name: source for source in sources})
    items = tuple(shown.item(one) for one in arrange(stories, edition, shown.sources))
    return IssueContent(
        edition=edition.name,
        edition_title=edition.title,
        number=number,
        subject="",
        frozen_at=now,
        timezone=edition.timezone,
        language=edition.language,
        site_title=masthead.site_title,
        site_url=masthead.site_url,
        items=items,
        updates=tuple(shown.update(edited) for edited in updates),
        more=tuple(_named(story, shown.etiquette(story.post)) for story in more),
        waiting=waiting,
        group_by=edition.group_by,
        lead=edition.lead,
        look=edition.look,
        subject_template=edition.subject,
        text_only=edition.text_only,
    )


def direction(language: str, text: str) -> Literal["ltr", "rtl"]:
    """The base direction of a text: what most of its first letters are (Unicode bidi classes), else its language's."""
    classes = [unicodedata.bidirectional(character) for character in text[:_STRONG_SAMPLE]]
    right = sum(one in {"R", "AL"} for one in classes)
    left = classes.count("L")
    if right or left:
        return "rtl" if right > left else "ltr"
    return "rtl" if language.split("-")[0].lower() in {"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"} else "ltr"


class _Shown:
    """How much an edition shows of its stories."""

    def __init__(self, edition: Edition, stories: Sequence[ChosenStory], sources: Mapping[str, Source]) -> None:
        characters = sum(len(story.post.content_html) for story in stories)
        is_letter = len(stories) <= _LETTER_STORIES and characters <= _LETTER_CHARACTERS
        self.sources = sources
        self._edition = edition
        self._usual: Etiquette = "full" if is_letter else "excerpt"

    def etiquette(self, post: StoredPost) -> Etiquette:
        """The less of what the edition and the post's source show; what is usual where neither says."""
        return min(self._said(post), key=_FROM_LEAST.index, default=self._usual)

    def item(self, arranged: Arranged) -> IssueItem:
        post = arranged.story.post
        etiquette = self.etiquette(post)
        part = self._part(post, etiquette, arranged.is_lead)
        alone = etiquette == "title" or has_picture(part.html)
        return IssueItem(
            story=post.story,
            post_id=post.id,
            url=post.url,
            title=post.title,
            source=title_of_source(post),
            source_url=post.source_url,
            author=_author(post),
            published=post.effective,
            language=post.language,
            direction=_direction_of(post),
            html=part.html,
            text=part.text,
            whole=part.whole,
            enclosures=post.enclosures,
            also_in=tuple(AlsoIn(title_of_source(other), other.url) for other in arranged.story.others),
            picture=None if alone else find_picture(post.content_html, post.enclosures),
            minutes=reading_minutes(post.content_html, post.text),
            group=arranged.group,
        )

    def _said(self, post: StoredPost) -> list[Etiquette]:
        source = self.sources.get(post.source)
        said = (self._edition.content, source.content if source else None)
        return [one for one in said if one is not None]

    def _part(self, post: StoredPost, etiquette: Etiquette, is_lead: bool) -> Excerpt:
        """What is shown of a post's text. A lead story that is no longer than its excerpt may be comes whole."""
        if etiquette == "title":
            return Excerpt("", "", whole=not (post.text or post.content_html))
        given = _given(post)
        length = self._edition.excerpt_length * (_LEAD_TIMES if is_lead else 1)
        is_short_lead = is_lead and "excerpt" not in self._said(post) and len(post.text) <= longest(length)
        if etiquette == "full" or is_short_lead:
            return given
        part = excerpt(given.html, given.text, length)
        return replace(part, whole=part.whole and given.whole)

    def update(self, edited: EditedPost) -> UpdateItem:
        """What an issue says of an edited post: of its text nothing that its story would not show."""
        post = edited.post
        etiquette = self.etiquette(post)
        before = edited.former_text if post.text else None  # after pruning, for one, there is nothing to compare
        return UpdateItem(
            post_id=post.id,
            url=post.url,
            title=post.title,
            text=_opening(post, etiquette),
            source=title_of_source(post),
            language=post.language,
            direction=_direction_of(post),
            changed_at=post.changed_at,
            former_title=edited.former_title if renamed(edited.former_title, post.title) else "",
            words_added=0 if before is None else words_added(before, post.text),
            quote="" if before is None else new_words(before, self._quotable(post, etiquette)),
        )

    def _quotable(self, post: StoredPost, etiquette: Etiquette) -> str:
        """What may be shown of a text: all of it where nobody said less, however little the issue has room for."""
        return self._part(post, etiquette, is_lead=False).text if self._said(post) else post.text


def _given(post: StoredPost) -> Excerpt:
    """All that there is of a post. What its feed cut off ends with a whole sentence; the rest is on its page."""
    html, text = post.content_html, post.text
    is_cut = post.title.strip() and len(text) <= _LONGEST_SUMMARY and (breaks_off(text) or _stops_short(html, text))
    return whole_part(html, text) if is_cut else Excerpt(html, text, whole=True)


def _stops_short(html: str, text: str) -> bool:
    """Whether a plain paragraph ends in the middle of a sentence, as the summaries of Blogger do. A short line, a list
    or a signature ends without a mark, too."""
    end = text.rstrip()[-1:]
    return len(text) >= _SHORTEST_SUMMARY and (end.isalnum() or end == ",") and not _RICH.search(html)


def _author(post: StoredPost) -> str:
    """The author in a reader's words, without addresses: "" for a name that stands for nobody, and where it is the
    blog's own."""
    name = " ".join(_ADDRESS.sub("", post.author).split()).strip(" ,;")
    no_news = {title_of_source(post).casefold(), post.source.casefold(), *_NOBODY}
    return "" if name.casefold() in no_news else name


def _direction_of(post: StoredPost) -> Literal["ltr", "rtl"]:
    return direction(post.language, f"{post.title} {post.text}")


def _opening(post: StoredPost, etiquette: Etiquette) -> str:
    """What makes a headline of a post without one: the beginning of its text, where that may be shown."""
    return "" if post.title.strip() or etiquette == "title" else post.text[:_OPENING]


def _named(story: ChosenStory, etiquette: Etiquette) -> MoreItem:
    post = story.post
    return MoreItem(
        story=post.story,
        post_id=post.id,
        url=post.url,
        title=post.title,
        text=_opening(post, etiquette),
        source=title_of_source(post),
        language=post.language,
        direction=_direction_of(post),
    )
