"""What templates say about a value: headlines, excerpts, dates in words, links that may be followed.

Everything here takes text that a stranger wrote. It comes out on one line (a line break in a title would forge lines
in the text part of a mail) and without control characters.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from functools import cache
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_skeleton, format_time
from babel.units import format_unit

from tidings.model import Enclosure, UpdateItem
from tidings.render.wording import Wording

# The last ones are marks that turn the direction of what follows (Unicode UAX 9 section 2): a name that leaves one open
# turns our words, too. Where a name needs a direction, the mark-up around it gives one.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_MOST_MARKS = 6
"""Marks on one letter. Tibetan and Hebrew have up to six; hundreds are drawn over the lines above and below."""

_ASTRAL = "\U00010000"
_MOST_ACCENTS = 4  # of those made for Latin and Greek letters, U+0300 to U+036F; Vietnamese and phonetics have three
_LONGEST_HEADLINE = 300  # characters; past that it is a text that somebody put into the wrong field
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_COUNTED = 10  # Fewer words more or less are no measure of an edit.
_MOST_FILES = 8
_QUOTED = 140  # characters of what an edit added
_SENTENCE_ENDS = ".!?…。！？؟"
_FILE_WORDS = {
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/x-m4a": "m4a",
    "audio/ogg": "ogg",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
}


def one_line(text: str) -> str:
    """`text` with every run of white space made one space, control characters dropped, and few marks on a letter."""
    return " ".join(few_marks(_CONTROL.sub("", text)).split())


def few_marks(text: str) -> str:
    """`text` without the combining marks of a letter that are more than any script has."""
    if text.isascii() or (max(text) < _ASTRAL and not _run_of_marks().search(text)):
        return text
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        if category in ("Mn", "Me"):
            marks += 1
            if marks > (_MOST_ACCENTS if "\u0300" <= character <= "\u036f" else _MOST_MARKS):
                continue
        elif category != "Cf":  # joiners have no place of their own: what follows stands on the same letter
            marks = 0
        kept.append(character)
    return "".join(kept)


@cache
def _run_of_marks() -> re.Pattern[str]:
    """More marks in a row than any letter may have, joiners among them left out of account; of those below U+10000,
    with which looking for it takes a tenth of the time."""
    kinds: dict[str, list[str]] = {"Mn": [], "Me": [], "Cf": []}
    for character in map(chr, range(ord(_ASTRAL))):
        kinds.get(unicodedata.category(character), []).append(re.escape(character))
    marks, joiners = ("".join(found) for found in (kinds["Mn"] + kinds["Me"], kinds["Cf"]))
    return re.compile(f"(?:[{marks}][{joiners}]*+){{{_MOST_ACCENTS + 1}}}")


def paragraphs(text: str) -> list[str]:
    """The paragraphs of plain text, split at blank lines; single line breaks are kept."""
    lines = [_CONTROL.sub("", line).rstrip() for line in few_marks(text).splitlines()]
    return [block.strip("\n") for block in re.split(r"\n{2,}", "\n".join(lines)) if block.strip()]


def shorten(text: str, limit: int) -> str:
    """`text` on one line, cut at a word to at most `limit` characters, an ellipsis included."""
    text = one_line(text)
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    at_word = cut.rpartition(" ")[0] if text[limit - 1] != " " else cut
    # Chinese and Japanese have no spaces, and a very long word has none near: then cutting inside is all there is.
    kept = at_word if len(at_word) > limit // 2 else cut
    return kept.rstrip(" ,;:–—-·" + _SENTENCE_ENDS) + "…"


def headline(title: str, text: str, untitled: str = "Untitled") -> str:
    """What a post is called: its title, or the first words of its text. Microblog posts have no title."""
    return shorten(title, _LONGEST_HEADLINE) or shorten(text, 56) or untitled


def called(title: str, text: str, wording: Wording) -> str:
    """The same in the words of a language, for posts that have neither."""
    return headline(title, text, wording.gettext("Untitled"))


def direction(text: str, around: Literal["ltr", "rtl"] = "ltr") -> Literal["ltr", "rtl"]:
    """The direction that most letters of `text` run in, that of what is `around` where there are none. The first letter
    alone misleads: an Arabic headline may begin with a Latin name."""
    kinds = [unicodedata.bidirectional(character) for character in text[:600]]
    rtl = kinds.count("R") + kinds.count("AL")
    ltr = kinds.count("L")
    return around if rtl == ltr else "rtl" if rtl > ltr else "ltr"


def css_text(text: str) -> str:
    """`text` as a string of a style sheet (CSS Syntax section 4.3.5)."""
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def for_label(text: str) -> str:
    """`text` for an attribute, without < and >. HTML lets them stand there unescaped, and the inliner does; filters of
    mail then take a headline about <script> for one."""
    return text.replace("<", "‹").replace(">", "›")


def language_tag(language: str) -> str:
    """`language` when it has the form of a language tag (RFC 5646), else "". Feeds also say "English"."""
    language = language.strip().replace("_", "-")
    return language if _LANGUAGE.fullmatch(language) and len(language.split("-")[0]) <= 3 else ""


def local_date(moment: datetime, timezone: str) -> date:
    """The date that `moment` falls on in `timezone`, an IANA name."""
    return moment.astimezone(ZoneInfo(timezone)).date()


def full_day(day: date, wording: Wording) -> str:
    """As in "Sunday, November 23, 2025"."""
    return format_date(day, "full", locale=wording.locale)


def long_day(day: date, wording: Wording) -> str:
    """As in "November 23, 2025"."""
    return format_date(day, "long", locale=wording.locale)


def month(day: date, wording: Wording) -> str:
    """The month of `day`, as in "November 2025"."""
    return format_skeleton("yMMMM", day, locale=wording.locale)


def short_day(day: date, today: date, wording: Wording) -> str:
    """As in "November 23"; with the year when it is another year than that of `today`."""
    if day.year != today.year:
        return long_day(day, wording)
    return format_skeleton("MMMMd", day, locale=wording.locale)


def time_of_day(moment: datetime, timezone: str, wording: Wording) -> str:
    """As in "8:05 AM"."""
    return format_time(moment, "short", tzinfo=ZoneInfo(timezone), locale=wording.locale)


def timestamp(moment: datetime, timezone: str) -> str:
    """`moment` for the `datetime` attribute of an HTML `time` element."""
    return moment.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")


def playable(enclosures: tuple[Enclosure, ...]) -> list[Enclosure]:
    """The enclosures worth a link of their own, a few. Pictures are not: feeds repeat a post's lead image as one."""
    files = [file for file in enclosures if web_link(file.url) and not file.type.startswith("image/")]
    return files[:_MOST_FILES]


def media(enclosure: Enclosure, wording: Wording) -> tuple[str, str]:
    """What to do with a file and what it is, as in ("Listen", "mp3, 34 MB")."""
    facts = [_file_word(enclosure), _size(enclosure.length, wording)]
    return _verb(enclosure, wording), ", ".join(fact for fact in facts if fact)


def change(update: UpdateItem, wording: Wording) -> tuple[str, str]:
    """What an edit did and the words to show of it, as in ("120 words more", "Update: …"); the words may be ""."""
    if update.former_title:
        return wording.gettext("Was called"), shorten(update.former_title, _QUOTED)
    quote = shorten(update.quote, _QUOTED)
    number = abs(update.words_added)
    if update.words_added >= _COUNTED:
        return wording.ngettext("%(num)s word more", "%(num)s words more", number) % {"num": number}, quote
    if quote:
        return wording.gettext("New"), quote
    if update.words_added <= -_COUNTED:
        return wording.ngettext("%(num)s word fewer", "%(num)s words fewer", number) % {"num": number}, ""
    return wording.gettext("The text has changed"), ""


def web_link(url: str) -> str:
    """`url` when it is an absolute http(s) address, else "". Line breaks and tabs go and spaces are encoded, as
    browsers do with what feeds write."""
    url = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "", url).strip().replace(" ", "%20")
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""


def mailto(contact: str) -> str:
    """`contact`, an address with or without "mailto:", as a link that asks to unsubscribe; "" for no contact."""
    address = one_line(contact).removeprefix("mailto:")
    if not address or "?" in address:
        return f"mailto:{address}" if address else ""
    return f"mailto:{address}?subject=unsubscribe"


def _verb(enclosure: Enclosure, wording: Wording) -> str:
    kind = enclosure.type.partition("/")[0]
    if kind == "audio":
        return wording.gettext("Listen")
    return wording.gettext("Watch") if kind == "video" else wording.gettext("Download")


def _file_word(enclosure: Enclosure) -> str:
    known = _FILE_WORDS.get(enclosure.type.lower())
    suffix = PurePosixPath(urlsplit(enclosure.url).path).suffix.removeprefix(".").lower()
    return known or (suffix if suffix.isalnum() and len(suffix) <= 4 else "")


def _size(length: int | None, wording: Wording) -> str:
    # Podcast hosts write 0, or a few bytes, when they don't know: no size then.
    if length is None or length < 10_000:
        return ""
    if length < 1_000_000:
        return format_unit(round(length / 1_000), "kilobyte", "short", locale=wording.locale)
    return format_unit(round(length / 1_000_000), "megabyte", "short", locale=wording.locale)
