"""What does an issue show of each story? Chosen stories in, frozen content out. Pure.

A short issue is a letter: up to three stories come whole. A longer one is a digest: whole leading paragraphs of each.
What the operator set for a source (`content`) is obeyed before either.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tidings.editions.changes import new_words, renamed, words_added
from tidings.editions.excerpt import excerpt_html, excerpt_text
from tidings.editions.select import ChosenStory
from tidings.model import (
    AlsoIn,
    EditedPost,
    Edition,
    Etiquette,
    IssueContent,
    IssueItem,
    MoreItem,
    StoredPost,
    UpdateItem,
)

_LETTER_STORIES = 3
_LETTER_CHARACTERS = 40_000  # Three long reads whole still stay under the 102 KB at which Gmail clips a mail.
_STRONG_SAMPLE = 400
_OPENING = 200  # characters; enough to make a headline of


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
    etiquette: Mapping[str, Etiquette],
    now: datetime,
    updates: Sequence[EditedPost] = (),
    more: Sequence[ChosenStory] = (),
    waiting: int = 0,
) -> IssueContent:
    """The content of issue `number`, to be frozen at `now`. `etiquette` holds, by source name, what operators set. Of
    the stories `more` it has the names only; `waiting` is how many come later."""
    usual = _usual_etiquette(stories)
    items = tuple(_item(story, etiquette.get(story.post.source, usual)) for story in stories)
    return IssueContent(
        edition=edition.name,
        edition_title=edition.title,
        number=number,
        subject=_subject(edition.title, items),
        frozen_at=now,
        timezone=edition.timezone,
        language=edition.language,
        site_title=masthead.site_title,
        site_url=masthead.site_url,
        items=items,
        updates=tuple(_update(edited, etiquette.get(edited.post.source, usual)) for edited in updates),
        more=tuple(_named(story.post, etiquette.get(story.post.source, usual)) for story in more),
        waiting=waiting,
    )


def direction(language: str, text: str) -> Literal["ltr", "rtl"]:
    """The base direction of a text: what most of its first letters are (Unicode bidi classes), else its language's."""
    classes = [unicodedata.bidirectional(character) for character in text[:_STRONG_SAMPLE]]
    right = sum(one in {"R", "AL"} for one in classes)
    left = classes.count("L")
    if right or left:
        return "rtl" if right > left else "ltr"
    return "rtl" if language.split("-")[0].lower() in {"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"} else "ltr"


def _usual_etiquette(stories: Sequence[ChosenStory]) -> Etiquette:
    characters = sum(len(story.post.content_html) for story in stories)
    return "full" if len(stories) <= _LETTER_STORIES and characters <= _LETTER_CHARACTERS else "excerpt"


def _item(story: ChosenStory, etiquette: Etiquette) -> IssueItem:
    post = story.post
    html, text, whole = _shown(post, etiquette)
    return IssueItem(
        story=post.story,
        post_id=post.id,
        url=post.url,
        title=post.title,
        source=post.source_title,
        source_url=post.source_url,
        author=post.author,
        published=post.effective,
        language=post.language,
        direction=direction(post.language, f"{post.title} {post.text}"),
        html=html,
        text=text,
        whole=whole,
        enclosures=post.enclosures,
        also_in=tuple(AlsoIn(other.source_title, other.url) for other in story.others),
    )


def _named(post: StoredPost, etiquette: Etiquette) -> MoreItem:
    """What an issue says of a story that it only names: the headline, or where there is none how its text begins."""
    return MoreItem(
        story=post.story,
        post_id=post.id,
        url=post.url,
        title=post.title,
        text="" if post.title.strip() or etiquette == "title" else post.text[:_OPENING],
        source=post.source_title,
        language=post.language,
        direction=direction(post.language, f"{post.title} {post.text}"),
    )


def _shown(post: StoredPost, etiquette: Etiquette) -> tuple[str, str, bool]:
    """The HTML and text an issue shows of a post, and whether that is all of it."""
    if etiquette == "title":
        return "", "", not (post.text or post.content_html)
    if etiquette == "full":
        return post.content_html, post.text, True
    html, whole = excerpt_html(post.content_html)
    return html, post.text if whole else excerpt_text(post.text, html), whole


def _update(edited: EditedPost, etiquette: Etiquette) -> UpdateItem:
    """What an issue says of an edited post: of its text nothing where only headlines may be shown."""
    post = edited.post
    before = edited.former_text if post.text else None  # without a text, as after pruning, there is nothing to compare
    shows_text = etiquette != "title"
    return UpdateItem(
        post_id=post.id,
        url=post.url,
        title=post.title,
        text=post.text[:_OPENING] if shows_text and not post.title.strip() else "",
        source=post.source_title,
        language=post.language,
        direction=direction(post.language, f"{post.title} {post.text}"),
        changed_at=post.changed_at,
        former_title=edited.former_title if renamed(edited.former_title, post.title) else "",
        words_added=0 if before is None else words_added(before, post.text),
        quote=new_words(before, post.text) if before is not None and shows_text else "",
    )


def _subject(title: str, items: Sequence[IssueItem]) -> str:
    """The edition and its first headline; how many more follow is what makes a reader open it."""
    first = " ".join((items[0].title or items[0].source).split()) if items else ""
    if len(first) > 60:
        first = first[:60].rsplit(" ", 1)[0].rstrip(" ,;:.–—-") + "…"
    more = f" and {len(items) - 1} more" if len(items) > 1 else ""
    return f"{title}: {first}{more}"
