"""What translators have to translate: every message of the shipped templates and of the rendering room."""

from __future__ import annotations

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "templates"
_OPTIONS = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}
_KEYWORDS = {"gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """The messages as Babel finds them, with where they stand."""
    found = Catalog()
    for file in sorted(TEMPLATES.rglob("*")):
        if file.suffix in (".html", ".txt", ".css"):
            _add(found, "jinja2.ext:babel_extract", file)
    for file in sorted((ROOT / "src" / "tidings" / "render").glob("*.py")):
        _add(found, "python", file)
    return found


def _add(found: Catalog, method: str, file: Path) -> None:
    messages = extract_from_file(method, file, keywords=_KEYWORDS, options=_OPTIONS)
    for line, message, _, _ in messages:
        found.add(message, locations=[(str(file.relative_to(ROOT)), line)])
