"""Is a post that has a name of a stored one that post? Pure.

A link alone, without the title it had, is in doubt: scores change in titles, and pages are written anew each day. So
is a guid without link or title: it names a post through every edit, but some feeds give one guid to whatever they show
today. Of a page and its title only the numbers under them may say that it is the next forecast.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tidings.model import Remembered
from tidings.posts.comparing import COPY, EDITED, MANY_WORDS, PART, compare, is_of_same_moment
from tidings.posts.likeness import words_of

_MATCH = timedelta(hours=12)  # during which a post may be rewritten again and again


def is_another(kind: str, before: Remembered, title: str, text: str, dated: datetime | None) -> bool:
    """Whether a post that has no name of the stored one but a key of this kind (posts/identity.py) is not that one."""
    if kind == "link":
        return not is_still(before, title, text, dated)
    if kind == "link+title":
        return _is_next(before, text, dated)
    return _is_of_reused_guid(before, title, text, dated, is_moved=kind == "guid")


def is_still(before: Remembered, title: str, text: str, dated: datetime | None) -> bool:
    """Whether a post without a guid is the stored one of its link, though its title is another, or there is none.

    Titles change while a match is played, and texts count, or grow by what is new: it is the same post as long as one
    of its date, its text and its title stays. Where all three are others, it is the next post of a page that is written
    anew. Within half a day most of a text is enough; a day later this may be the same but for the numbers, in the next
    draw of a lottery. Without dates, when nobody knows, a text must be the same but for numbers, or be there as a
    whole beside what is new.
    """
    suspect, words = compare(text, dated, before, ()), words_of(title)
    is_same_text = suspect.likeness == 1 and suspect.same_words
    is_same_moment = is_of_same_moment(suspect) and not suspect.by_day
    if is_same_text or is_same_moment or (words and words == words_of(before.title)):
        return True
    likeness, part = (suspect.likeness, suspect.contained or 0) if suspect.likeness is not None else (0, 0)
    if not (title or before.title) and (likeness >= EDITED or part >= PART):
        return True
    if suspect.apart is None:
        was_cut = title.startswith(before.title) and text.startswith(before.text)
        return suspect.same_words or was_cut or 1 in (likeness, part)
    return (suspect.apart <= _MATCH and (likeness >= COPY or part == 1)) or (
        is_of_same_moment(suspect) and suspect.same_words
    )


def _is_next(before: Remembered, text: str, dated: datetime | None) -> bool:
    """Whether a short text under one title on one page is that of the next day: the same but for numbers. A counter
    leaves the date as it was."""
    suspect = compare(text, dated, before, ())
    has_other_numbers = suspect.likeness == 1 and not suspect.same_words
    return has_other_numbers and _is_later(before, dated) and len(words_of(text)) < MANY_WORDS


def _is_of_reused_guid(before: Remembered, title: str, text: str, dated: datetime | None, *, is_moved: bool) -> bool:
    """Whether nothing is left of the stored post but its guid, or its guid and a link that is always the same: another
    title, another text, and a later day. Without dates the link must be another as well (`is_moved`), and the texts
    long enough to tell."""
    can_be_told = text and (before.text or before.sketch) and title and before.title
    if not can_be_told or words_of(title) == words_of(before.title):
        return False
    suspect = compare(text, dated, before, ())
    if suspect.same_words or (suspect.likeness or 0) >= EDITED or (suspect.contained or 0) >= PART:
        return False
    if dated is None and before.dated is None:
        return is_moved and suspect.likeness is not None
    return _is_later(before, dated)


def _is_later(before: Remembered, dated: datetime | None) -> bool:
    return dated is not None and before.dated is not None and dated - before.dated > _MATCH
