"""The words around the posts, in a reader's language: gettext catalogues, read as the text that translators write.

A catalogue is `locale/LANGUAGE.po` in a folder of templates. An operator's own comes first, message by message, so it
need not have all of them. For "pt-BR" its own is asked, then "pt", then the words of the templates, which are English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from tidings.errors import RenderError

_WELL_FORMED = re.compile(
    rb"""\s*(?:\#.*|(?:(?:msgctxt|msgid|msgid_plural|msgstr(?:\[\d+\])?)\s*)?"(?:[^"\\]|\\.)*"\s*)?""", re.DOTALL
)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")

_NUMBERS_TRIED = 201
"""The rules of all languages repeat after 100 (Unicode CLDR, plural rules)."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a language, a tag such as "pt-BR", and how it writes dates and sizes."""

    language: str
    locale: Locale
    catalogue: NullTranslations

    @property
    def direction(self) -> str:
        """ "ltr" or "rtl", as the language is written."""
        return self.locale.text_direction

    def gettext(self, message: str) -> str:
        """`message`, which is English, in this language."""
        return self.catalogue.gettext(message)

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The form that goes with `number`. Arabic has six of them."""
        return self.catalogue.ngettext(one, many, number)


def load_wording(folders: Sequence[Path], language: str) -> Wording:
    """The words of `language` from the catalogues in `folders`, the first that has a message wins.

    Raises RenderError for a catalogue that cannot be read, or that would lose what stands in a message.
    """
    found = NullTranslations()
    for tag in less_and_less(language):
        for folder in folders:
            file = folder / "locale" / f"{tag}.po"
            if file.is_file():
                found.add_fallback(_read(file, tag))
    return Wording(language, locale_of(language), found)


def lookup(language: str, known: Iterable[str]) -> str:
    """The one of the `known` languages that comes nearest to a tag, in whatever case (RFC 4647 section 3.4): "de" for
    "de-AT"; "" for none."""
    by_folded = {one.casefold(): one for one in known}
    return next((by_folded[tag] for tag in less_and_less(language.casefold()) if tag in by_folded), "")


@cache
def locale_of(language: str) -> Locale:
    """The locale for a language tag; English when Babel does not know it, since the templates speak English."""
    for tag in less_and_less(language):
        try:
            return Locale.parse(tag, sep="-")
        except (ValueError, UnknownLocaleError, TypeError):
            continue
    return Locale("en")


def less_and_less(language: str) -> Iterator[str]:
    """ "pt-BR", then "pt" (RFC 4647 section 3.4). Only what is a tag: it becomes the name of a file."""
    parts = language.split("-")
    if all(part.isascii() and part.isalnum() and len(part) <= 8 for part in parts):
        for count in range(len(parts), 0, -1):
            yield "-".join(parts[:count])


def _read(file: Path, tag: str) -> GNUTranslations:
    try:
        written = file.read_bytes()
        catalogue = read_po(BytesIO(written), locale=str(locale_of(tag)), abort_invalid=True)
    except (OSError, PoFileError, ValueError) as error:
        raise RenderError(f"{file}: the catalogue cannot be read ({error}). Correct it there.") from error
    _check_lines(file, written)
    for message in catalogue:
        _check(file, message)
    return _compiled(file, catalogue)


def _check_lines(file: Path, written: bytes) -> None:
    """Babel drops what follows a missing quotation mark, or the mark's own line, without a word."""
    for number, line in enumerate(written.splitlines(), 1):
        if not _WELL_FORMED.fullmatch(line):
            raise RenderError(
                f"{file}, line {number}: {line.decode(errors='replace').strip()!r} is no text in quotation marks, a "
                f"keyword at most before it. Correct it there."
            )


def _check(file: Path, message: Message) -> None:
    """A translation must have the placeholders of its message; only the words for one may leave out the number."""
    ours = message.id if isinstance(message.id, (list, tuple)) else (message.id,)
    theirs = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
    allowed = _placeholders(ours[-1])
    for text in filter(None, theirs):
        if message.id and not allowed - {"num"} <= _placeholders(text) <= allowed:
            wanted = ", ".join(f"%({name})s" for name in sorted(allowed)) or "no placeholder"
            raise RenderError(f"{file}: the translation {text!r} of {ours[0]!r} must have {wanted}. Correct it there.")


def _placeholders(text: str) -> set[str]:
    """What is to be put into `text`. A stray % would end the rendering, so it counts as one that nobody allows."""
    names = {found[1] for found in _PLACEHOLDER.finditer(text) if found[1]}
    return names | ({"%"} if "%" in _PLACEHOLDER.sub("", text) else set())


def _compiled(file: Path, catalogue: Catalog) -> GNUTranslations:
    machine = BytesIO()
    try:
        write_mo(machine, catalogue)
        machine.seek(0)
        translations = GNUTranslations(machine)
    except (ValueError, UnicodeError) as error:
        raise RenderError(f"{file}: the catalogue cannot be used ({error}). Correct it there.") from error
    _check_plurals(file, catalogue, translations)
    return translations


def _check_plurals(file: Path, catalogue: Catalog, translations: GNUTranslations) -> None:
    """Each number must have a form: the rule of a header may divide by zero, or lead past the forms there are."""
    for number in range(_NUMBERS_TRIED):
        try:
            form = translations.plural(number)  # type: ignore[attr-defined]
        except ArithmeticError as error:
            wrong = f"{error} for the number {number}"
        else:
            if 0 <= form < catalogue.num_plurals:
                continue
            wrong = f"form {form} of {catalogue.num_plurals} for the number {number}, counted from 0"
        raise RenderError(f"{file}: its Plural-Forms cannot be used ({wrong}). Correct its header there.")
