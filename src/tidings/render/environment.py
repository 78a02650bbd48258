"""Where templates are found and how they are run: sandboxed, escaped, and strict about names.

A template may only name what is there. A missing name stops the rendering with the template and the line, because a
mail with a hole in it has been sent to everybody before anyone sees the hole.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tidings.errors import RenderError
from tidings.render import markup, words

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = Path(__file__).resolve().parents[3]

_FILTERS = {
    "one_line": words.one_line,
    "paragraphs": words.paragraphs,
    "headline": words.headline,
    "shorten": words.shorten,
    "direction": words.direction,
    "language_tag": words.language_tag,
    "text_direction": words.text_direction,
    "local_date": words.local_date,
    "full_day": words.full_day,
    "long_day": words.long_day,
    "short_day": words.short_day,
    "timestamp": words.timestamp,
    "playable": words.playable,
    "media": words.media,
    "change": words.change,
    "web_link": words.web_link,
    "mailto": words.mailto,
    "for_mail": markup.for_mail,
    "for_page": markup.for_page,
    "links": markup.links,
}


def template_folders() -> tuple[Path, ...]:
    """The folders that templates are looked for in: the installed package's, then the checkout's (editable install)."""
    folders = [_PACKAGE / "templates"]
    if (_CHECKOUT / "pyproject.toml").is_file():
        folders.append(_CHECKOUT / "templates")
    return tuple(folders)


def load_environment(folders: Sequence[Path]) -> ImmutableSandboxedEnvironment:
    """An environment over `folders`, the first that has a template wins. `.html` is escaped, `.txt` is not."""
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(list(folders)),
        undefined=StrictUndefined,
        autoescape=_is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(_FILTERS)
    return environment


def render_template(
    name: str, values: Mapping[str, object], environment: ImmutableSandboxedEnvironment | None = None
) -> str:
    """Render the template `name` with `values`.

    Raises RenderError, naming template and line, when the template is missing, does not parse, or asks for something
    that is not there or not allowed.
    """
    environment = environment or _own_environment()
    try:
        return environment.get_template(name).render(values)
    except TemplateNotFound as error:
        raise RenderError(_not_found(error, environment)) from error
    except TemplateSyntaxError as error:
        raise RenderError(_broken(error.name or name, error.lineno, error.message)) from error
    except TemplateError as error:
        raise RenderError(_broken(*_place(error, name, environment), error.message)) from error


@cache
def _own_environment() -> ImmutableSandboxedEnvironment:
    return load_environment(template_folders())


def _is_html(name: str | None) -> bool:
    return name is None or not name.endswith(".txt")


def _folders(environment: ImmutableSandboxedEnvironment) -> list[str]:
    return list(environment.loader.searchpath) if isinstance(environment.loader, FileSystemLoader) else []


def _not_found(error: TemplateNotFound, environment: ImmutableSandboxedEnvironment) -> str:
    searched = ", ".join(_folders(environment))
    return f"The template {error.name} is missing; it was looked for in {searched}. Put it back or reinstall Tidings."


def _broken(name: str, line: int | None, message: str | None) -> str:
    place = f"Template {name}" if line is None else f"Template {name}, line {line}"
    return f"{place}: {message or 'cannot be rendered'}. Correct the template there."


def _place(error: TemplateError, name: str, environment: ImmutableSandboxedEnvironment) -> tuple[str, int | None]:
    """The template and line an error came from. Jinja2 rewrites tracebacks, so the frames name template files."""
    folders = [Path(folder) for folder in _folders(environment)]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.parent in folders:
            return file.name, frame.lineno
    return name, None
