"""Do two posts have the same headline? Pure.

A planet puts the author before it, a platform its own name behind it, an editor changes a word. An issue of a series
has another number in it, which is all the difference there is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from tidings.posts.likeness import weight, words_of

Relation = Literal["same", "near", "other", "untitled"]

_LONGEST = 300  # characters of a headline are looked at
_LONGEST_NAME = 6  # words of an author or a blog

_PREFIX = re.compile(r"(?P<name>[^:：]{1,80}?)\s?[:：]\s*(?P<rest>.+)")
_LABEL = re.compile(r"[\[【](?P<name>[^\]】]{1,80})[\]】]\s*(?P<rest>.+)")
_SUFFIX = re.compile(r"(?P<rest>.+)\s(?:[|–—·-]|by|von|de|par|di)\s(?P<name>[^|–—·]{1,80})")
_BRACKETS = re.compile(r"(?P<rest>.+?)\s?[(（](?:by )?(?P<name>[^()（）]{1,80})[)）]")
_DECORATIONS = (_PREFIX, _LABEL, _SUFFIX, _BRACKETS)

# They say that it is another piece, so what they stand in is no name: "Correction: …", "… (Part Two)".
_KINDS = frozenset(
    "addendum answers continued correction edition episode erratum follow-up interview keynote part podcast re "
    "rebuttal recording redux reply response review revisited slides talk transcript translation update updated "
    "video webinar antwort antworten korrektur nachtrag rezension teil vortrag folge übersetzung critique partie "
    "réponse suite correctif traduction vidéo charla corrección entrevista parte respuesta reseña segunda vídeo "
    "интервью ответ перевод часть".split()
)
# Numbers that a second part, a third part has in words.
_WRITTEN = {
    word: number
    for number, words in {
        "1": "one eins",
        "2": "two zwei deux dos ii",
        "3": "three drei trois tres iii",
        "4": "four vier quatre cuatro iv",
        "5": "five funf cinq cinco",
        "6": "six sechs seis",
        "7": "seven sieben sept siete",
        "8": "eight acht huit ocho",
        "9": "nine neun neuf nueve",
        "10": "ten zehn dix diez",
        "11": "eleven elf onze once",
        "12": "twelve zwolf douze doce",
    }.items()
    for word in words.split()
}

_COMMENT = re.compile(
    r"\s{0,9}(?:comments? (?:on|to|by)|by:|re:|reply to|kommentar|antwort auf|commentaires? sur|"
    r"comentarios? (?:en|em|a))",
    re.IGNORECASE,
)
_EPISODE = re.compile(r"\W{0,3}(?:[^\W\d]{1,10}\W{1,3})?(\d{1,5})\s?[:.–—|-]")
_NUMBER = re.compile(r"\d+(?:[._-]?[a-z\d]+)*")
_ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th|º|ª|er|e|\.)", re.IGNORECASE)
_DESIGNATION = 5  # characters
_TELLING = 4  # letters of a word that says something

# Headlines of what comes again: each day, each week, each month.
_RECURRING = frozenset(
    "april august bulletin calendar chart daily day december diary digest february forecast friday highlights "
    "horoscope issue january jobs july june links listings lunch march menu monday month monthly news newsletter "
    "november october outlook photo photos picture pictures playlist poem poll programme puzzle questions quiz "
    "quote recap roundup saturday schedule september standup statistics summary sunday thread thursday tide today "
    "tomorrow tonight tuesday update verse weather wednesday week weekend weekly weeknotes word yearly montag "
    "dienstag mittwoch donnerstag freitag samstag sonntag heute tages tag wetter woche wochenende wort zitat bild "
    "speiseplan termine lundi mardi mercredi jeudi vendredi samedi dimanche aujourd jour semaine mois météo lunes "
    "martes miércoles jueves viernes sábado domingo hoy día semana tiempo frase hoje dia oggi giorno settimana "
    "сегодня день неделя недели погода".split()
)
_TELLING_WORDS = 3  # and more of them are about one thing: "The backup that ran twice every November"
_ISSUE = re.compile(r"\d\d")
_RECURRING_SIGNS = re.compile("[今本毎][日週月]|[周週月日][报報刊]|天气|天気|献立")
# Headlines of what each site has, mostly from the same hand: a law firm's, a publishing program's.
_STANDING = frozenset(
    "a about accessibility and blog business changes code coming conditions conduct contact cookie cookies "
    "copyright data disclaimer first for ghost guidelines hello hugo impressum imprint jekyll legal licence "
    "license member my new nos notice of on our page policies policy post privacy protection sample service site "
    "soon standard statement substack terms test the this to update updated updates updating use user welcome "
    "wordpress world your agb allgemeine datenschutz datenschutzerklärung datenschutzhinweise der des "
    "geschäftsbedingungen und unsere nutzungsbedingungen hallo welt willkommen bei cgu cgv confidentialité de du "
    "générales légales mentions politique utilisation vente bonjour monde bienvenue aviso condiciones política "
    "privacidad uso hola mundo bienvenido".split()
)


def relation(one: str, other: str) -> Relation:
    """`same` but for letter case, signs and the name of an author or a blog around it; `near` when most of the words
    of the shorter one are in the longer one; `untitled` when there is no headline to compare on either side."""
    titles, others = _readings(one), _readings(other)
    if not titles or not others:
        return "untitled"
    if titles & others:
        return "same"
    here, there = set(words_of(one)), set(words_of(other))
    if 2 * len(here & there) > min(len(here), len(there)):
        return "near"
    return "near" if any(map(_is_designation, _numbers(one) & _numbers(other))) else "other"


def _is_designation(number: str) -> bool:
    """Whether a number is that of one advisory, one release: "2026-007", "2.4.1", not "2026" or "12"."""
    return len(number) >= _DESIGNATION and not number.isdigit()


def bare(title: str) -> tuple[str, ...]:
    """The words of a headline without what is around it: equal for headlines that are the `same`, mostly."""
    return min(_readings(title), key=lambda words: (len(words), words), default=())


def is_distinctive(words: Sequence[str]) -> bool:
    """Whether hardly any two posts have these words for a headline by chance, as they have "Photo" or "Hello world"."""
    return weight(words) >= 3


def other_numbers(one: str, other: str) -> bool:
    """Whether headlines name different numbers: issues, versions, years. That one says more than the other is none
    ("Rowstore meetup #43", "43rd Rowstore meetup on 19 March 2026")."""
    here, there = _numbers(one), _numbers(other)
    return bool(here - there and there - here)


def are_of_one_series(one: str, other: str) -> bool:
    """Whether headlines begin with different numbers: "204: The ferryman", "205: The bell ringer"."""
    here, there = _EPISODE.match(one), _EPISODE.match(other)
    return bool(here and there and here[1] != there[1])


def is_comment(title: str) -> bool:
    """Whether a headline is that of a comment, whose URL is that of the page it stands under."""
    return _COMMENT.match(title) is not None


def is_of_another_kind(title: str, page: str) -> bool:
    """Whether a headline says that its post is a correction, a recording, a second part, and that of the page that it
    links to doesn't."""
    return bool(_kinds(title) - _kinds(page))


def recurs(title: str) -> bool:
    """Whether a headline is that of something which comes again: "Menu of the day", "Open thread"; not when it says
    which time it is: "Meeting of 24 March"."""
    title = title[:_LONGEST].lower()
    if _ISSUE.search(title):
        return False
    if _RECURRING_SIGNS.search(title):
        return True
    words = set(re.split(r"[\W_]+", title))
    return not _RECURRING.isdisjoint(words) and len(telling_words(title) - _RECURRING) < _TELLING_WORDS


def is_telling(title: str) -> bool:
    """Whether a headline is about one thing, as no series is called: "The last fax machine in the building"."""
    words = telling_words(title)
    return len(words) >= _TELLING_WORDS and _RECURRING.isdisjoint(words)


def stands(title: str) -> bool:
    """Whether a headline says nothing but that its page is one which each site has: "Privacy policy", "Hello world"."""
    words = [word for word in re.split(r"[\W_]+", title[:_LONGEST].lower()) if word]
    return bool(words) and _STANDING.issuperset(words)


def telling_words(title: str) -> set[str]:
    """The words of a headline that say what it is about, not "the" or "of". Scripts without spaces: pairs of signs."""
    words = words_of(title[:_LONGEST])
    pairs = {one + other for one, other in pairwise(words) if len(one) == len(other) == 1}
    return {word for word in words if len(word) >= _TELLING} | pairs


def _readings(title: str) -> set[tuple[str, ...]]:
    """A headline's words as they are, and without the decorations that look like a name."""
    title = title[:_LONGEST].strip()
    found = {tuple(words_of(title))}
    for decoration in _DECORATIONS:
        match = decoration.fullmatch(title)
        if match and _is_name(match["name"]) and len(rest := words_of(match["rest"])) > 1:
            found.add(tuple(rest))
    found.discard(())
    return found


def _is_name(text: str) -> bool:
    """Whether each word has a capital, or the script has none: "Anna Weisz", "小林圭", not "your questions"."""
    words = text.split()
    if _kinds(text):
        return False
    return 0 < len(words) <= _LONGEST_NAME and not any(word[:1].islower() or word[:1].isdigit() for word in words)


def _numbers(title: str) -> set[str]:
    text = title[:_LONGEST].lower()
    written = {_WRITTEN[word] for word in words_of(text) if word in _WRITTEN}
    return written | {_ORDINAL.sub(r"\1", number) for number in _NUMBER.findall(text)}


def _kinds(title: str) -> set[str]:
    return set(_KINDS.intersection(re.split(r"[^\w-]+", title[:_LONGEST].lower())))
