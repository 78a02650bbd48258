"""Where templates are found and how they are run: sandboxed, escaped, and strict about names.

A template may only name what is there. A missing name stops the rendering with the template and the line, because a
mail with a hole in it has been sent to everybody before anyone sees the hole.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path

import babel
import jinja2
from jinja2 import (
    BytecodeCache,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    TemplateSyntaxError,
)
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tidings import __version__
from tidings.errors import RenderError
from tidings.render import markup, words
from tidings.render.wording import Wording, less_and_less, load_wording

_ROOM = Path(__file__).resolve().parent
_PACKAGE = _ROOM.parent
_CODE = (_ROOM, _PACKAGE / "planet", _PACKAGE / "feeding.py", _PACKAGE / "editions" / "pictures.py")
"""What makes the bytes of pages and feeds of what is stored."""

_TEMPLATES = frozenset({".html", ".txt", ".css"})
_CHECKOUT = Path(__file__).resolve().parents[3]

_FILTERS: Mapping[str, Callable[..., object]] = {
    "one_line": words.one_line,
    "paragraphs": words.paragraphs,
    "shorten": words.shorten,
    "direction": words.direction,
    "for_label": words.for_label,
    "css_text": words.css_text,
    "language_tag": words.language_tag,
    "local_date": words.local_date,
    "timestamp": words.timestamp,
    "playable": words.playable,
    "web_link": words.web_link,
    "mailto": words.mailto,
    "for_mail": markup.for_mail,
    "for_feed": markup.for_feed,
    "picture_for_mail": markup.picture_for_mail,
    "picture_for_feed": markup.picture_for_feed,
    "links": markup.links,
}
_FILTERS_OF_A_LANGUAGE: Mapping[str, Callable[..., object]] = {
    "for_page": markup.for_page,
    "picture_for_page": markup.picture_for_page,
    "headline": words.called,
    "full_day": words.full_day,
    "long_day": words.long_day,
    "short_day": words.short_day,
    "month": words.month,
    "time_of_day": words.time_of_day,
    "media": words.media,
    "change": words.change,
}
_MISTAKES = (TemplateError, ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
"""What a mistake in a template ends in: Jinja2's own errors, and Python's for `{{ 1 / 0 }}` and the like."""


class _Compiled(BytecodeCache):
    """What templates were compiled to, for all languages: that takes ten times as long as reading a catalogue. Jinja2
    itself sees to it that what belongs to another text of a template is not used."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


@dataclass(frozen=True, slots=True)
class Templates:
    """Where templates and catalogues are looked for: in `folder`, the operator's own, then among those we ship."""

    folder: Path | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.folder, *template_folders()) if self.folder else template_folders()

    @property
    def languages(self) -> frozenset[str]:
        """The languages that there are words of; English needs none."""
        return frozenset(file.stem for folder in self.folders for file in (folder / "locale").glob("*.po")) | {"en"}

    def speaks(self, language: str) -> bool:
        """Whether there are words of a language, or of what it is a kind of, as "pt" for "pt-BR"."""
        return not self.languages.isdisjoint(less_and_less(language))

    @property
    def fingerprint(self) -> str:
        """A digest of all that pages are made by beside their content: templates, catalogues, and the code that
        makes them."""
        return f"{_digest(self.folders, _TEMPLATES)}-{_read_once(self.folders)}"


@lru_cache(maxsize=8)
def _read_once(folders: tuple[Path, ...]) -> str:
    """The part of the fingerprint that stays for as long as this process runs, as catalogues and code do."""
    versions = f"{__version__} {babel.__version__} {jinja2.__version__}"
    return _digest((*folders, *_CODE), frozenset({".po", ".py"}), versions)


def _digest(folders: Sequence[Path], suffixes: frozenset[str], versions: str = "") -> str:
    found = blake2b(versions.encode(), digest_size=12)
    for folder in folders:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else (folder,):
            if file.suffix in suffixes and file.is_file():
                found.update(f"{file.relative_to(folder)}\0".encode(errors="surrogateescape"))
                found.update(file.read_bytes())
    return found.hexdigest()


SHIPPED = Templates()
"""Our own templates and nothing else."""


@dataclass(frozen=True, slots=True)
class Press:
    """Templates, ready to be run in one language."""

    environment: ImmutableSandboxedEnvironment
    wording: Wording

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template `name` with `values`.

        Raises RenderError, naming template and line, when the template is missing, does not parse, or asks for
        something that is not there or not allowed.
        """
        try:
            return self.environment.get_template(name).render(values)
        except TemplateNotFound as error:
            raise RenderError(_not_found(error, self.environment)) from error
        except TemplateSyntaxError as error:
            raise RenderError(_broken(error.name or name, error.lineno, error.message)) from error
        except _MISTAKES as error:
            raise RenderError(_broken(*_place(error, name, self.environment), _said(error))) from error

    def render_text(self, source: str, values: Mapping[str, object]) -> str:
        """A template that is no file, as plain text. Raises RenderError with what is wrong, but not where."""
        plain = self.environment.overlay(autoescape=False)
        try:
            return plain.from_string(source).render(values)
        except _MISTAKES as error:
            raise RenderError(_said(error)) from error

    def has(self, name: str) -> bool:
        """Whether there is a template of that name."""
        return any((Path(folder) / name).is_file() for folder in _folders(self.environment))


def template_folders() -> tuple[Path, ...]:
    """The folders of the templates we ship: the installed package's, then the checkout's (editable install)."""
    folders = [_PACKAGE / "templates"]
    if (_CHECKOUT / "pyproject.toml").is_file():
        folders.append(_CHECKOUT / "templates")
    return tuple(folders)


@lru_cache(maxsize=32)
def open_press(templates: Templates, language: str) -> Press:
    """What renders in `language`, kept so that templates are compiled and catalogues read once.

    Raises RenderError when the operator's folder is not there, or a catalogue is wrong.
    """
    if templates.folder and not templates.folder.is_dir():
        raise RenderError(f"{templates.folder}: there is no such folder. Make it, or take [site] templates out.")
    return load_press(templates.folders, language)


def load_press(folders: Sequence[Path], language: str) -> Press:
    """What renders in `language` from `folders`, the first that has a file wins. `.html` is escaped, text is not."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(list(folders)),
        undefined=StrictUndefined,
        autoescape=_is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=_COMPILED,
    )
    wording = load_wording(folders, language)
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        wording.gettext, wording.ngettext, newstyle=True
    )
    environment.globals["language"] = words.language_tag(language) or "en"
    environment.globals["direction"] = wording.direction
    environment.filters.update(_FILTERS)
    environment.filters.update({name: partial(take, wording=wording) for name, take in _FILTERS_OF_A_LANGUAGE.items()})
    return Press(environment, wording)


def _is_html(name: str | None) -> bool:
    return name is None or not name.endswith((".txt", ".css"))


def _folders(environment: ImmutableSandboxedEnvironment) -> list[str]:
    return list(environment.loader.searchpath) if isinstance(environment.loader, FileSystemLoader) else []


def _not_found(error: TemplateNotFound, environment: ImmutableSandboxedEnvironment) -> str:
    searched = ", ".join(_folders(environment))
    return f"The template {error.name} is missing; it was looked for in {searched}. Put it back or reinstall Tidings."


def _broken(name: str, line: int | None, message: str | None) -> str:
    place = f"Template {name}" if line is None else f"Template {name}, line {line}"
    return f"{place}: {message or 'cannot be rendered'}. Correct the template there."


def _said(error: Exception) -> str:
    return "it includes or calls itself without end" if isinstance(error, RecursionError) else str(error)


def _place(error: Exception, name: str, environment: ImmutableSandboxedEnvironment) -> tuple[str, int | None]:
    """The template and line an error came from. Jinja2 rewrites tracebacks, so the frames name template files."""
    folders = [Path(folder) for folder in _folders(environment)]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        for folder in folders:
            if file.is_relative_to(folder):
                return str(file.relative_to(folder)), frame.lineno
    return name, None
