"""Two posts laid side by side, for the rules that tell whether they are one story. Pure."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache

from tidings.posts.headlines import Relation, relation
from tidings.posts.likeness import Alignment, align, places_of_words, shingles, weight, words_of
from tidings.posts.pieces import Piece
from tidings.records import dataclass

_WEEKLY = timedelta(days=6)
_DAILY = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Reading:
    """A post and the words of its text."""

    piece: Piece
    words: tuple[str, ...]
    weight: float
    own: frozenset[tuple[str, ...]] | None
    """Runs of words that are not quoted; None when there is no quotation."""

    def breaks_off(self, at: int) -> bool:
        """Whether the text says that it was cut before its word number `at`: "…", "Continue reading"."""
        return self._goes_on(at, _ELLIPSIS) or self.leads_on(at)

    def leads_on(self, at: int) -> bool:
        """Whether the text has an invitation to read on before its word number `at`."""
        return self._goes_on(at, _READ_ON)

    @property
    def is_cut(self) -> bool:
        """Whether the text ends with "…" or an invitation to read on."""
        return _CUT.search(self.piece.text[-_LONGEST_INVITATION:]) is not None

    def _goes_on(self, at: int, pattern: re.Pattern[str]) -> bool:
        places = places_of_words(self.piece.text)
        return at > 0 and len(places) == len(self.words) and bool(pattern.match(self.piece.text, places[at - 1][1]))


@dataclass(frozen=True, slots=True)
class Pair:
    """Two posts: the one with fewer words, the other one, and how their texts and headlines are related."""

    short: Reading
    long: Reading
    aligned: Alignment
    headline: Relation
    common: float
    """The weight of the words they have in common, in runs of three and more."""

    @property
    def both(self) -> tuple[Reading, Reading]:
        return self.short, self.long

    @property
    def titles(self) -> tuple[str, str]:
        return self.short.piece.title, self.long.piece.title

    @property
    def is_late(self) -> bool:
        """Whether the next issue of a weekly series could have come in between; not when one links to the other."""
        one, other = self.short.piece, self.long.piece
        if self.is_linked or not (one.dated and other.dated):
            return False
        return abs(one.dated - other.dated) > _WEEKLY

    @property
    def is_apart(self) -> bool:
        """Whether the next issue of a daily series could have come in between, as far as is known."""
        one, other = self.short.piece, self.long.piece
        return not (one.dated and other.dated) or abs(one.dated - other.dated) > _DAILY

    @property
    def has_one_origin(self) -> bool:
        """Whether both are from one page, as far as they say where they are from."""
        one, other = self.short.piece, self.long.piece
        return "" != (one.original or one.url) == (other.original or other.url)

    @property
    def is_linked(self) -> bool:
        """Whether both are from one page, or one links to the other's and doesn't say that it is from another."""
        one, other = self.short.piece, self.long.piece
        return self.has_one_origin or _names(one, other) or _names(other, one)


def _names(piece: Piece, other: Piece) -> bool:
    return not piece.original and other.url in piece.outside


def pair_of(one: Piece, other: Piece) -> Pair:
    """The two side by side, in an order that does not depend on which is `one`."""
    short, long = sorted((_read(one), _read(other)), key=_order)
    aligned = align(short.words, long.words)
    return Pair(short, long, aligned, relation(short.piece.title, long.piece.title), weight(aligned.common))


def _order(reading: Reading) -> tuple[int, tuple[str, ...], str, str, str]:
    return len(reading.words), reading.words, reading.piece.title, reading.piece.url, reading.piece.site


@lru_cache(maxsize=32)  # a new post is compared with several
def _read(piece: Piece) -> Reading:
    words = tuple(told_words(piece.text, piece.language))
    own = None if piece.unquoted is None else shingles(told_words(piece.unquoted, piece.language))
    return Reading(piece, words, weight(words), own)


def told_words(text: str, language: str) -> list[str]:
    """The words of a text; German ones with "ue" and "ü" alike, as mailing lists of old spell it."""
    if not language.lower().startswith("de"):
        return words_of(text)
    text = text.lower()
    for vowel in "aou":
        text = text.replace(f"{vowel}e", vowel)
    return words_of(text)


def in_other_languages(one: Piece, other: Piece) -> bool:
    """Whether two posts say that they are in different languages. Not all that say so are."""
    here, there = (piece.language.lower().partition("-")[0] for piece in (one, other))
    return bool(here and there and here != there)


# Behind the last whole word there may be a piece of the next one. Bounded, as this may be any text at all.
_BETWEEN = r"[\s.\"'”“»)]{0,20}"
_ELLIPSIS = re.compile(rf"{_BETWEEN}\w{{0,20}}{_BETWEEN}(?:…|\.\.\.|\[(?:…|\.\.\.))")
_INVITATION = (
    r"(?:(?:continue|keep) reading|read (?:more|on|the (?:rest|full|whole))|weiterlesen|mehr lesen|weiter lesen|"
    r"lire la suite|seguir leyendo|sigue leyendo|leer más|continua a leggere|leggi tutto|leia mais|continue lendo|"
    r"lees verder|läs mer|czytaj dalej|читать (?:далее|дальше)|続きを読む|阅读全文|继续阅读|閱讀全文|اقرأ المزيد)"
)
_READ_ON = re.compile(rf"{_BETWEEN}\w{{0,20}}[…→\[(\])]{{0,5}}{_BETWEEN}[…→\[(]{{0,5}}\s?{_INVITATION}", re.IGNORECASE)
_LONGEST_INVITATION = 60
_CUT = re.compile(rf"(?:…|\.\.\.|{_INVITATION})\W{{0,9}}$", re.IGNORECASE)
