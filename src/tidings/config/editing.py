"""Edits of the configuration file: whole or not at all, and never into one that does not load.

The new text goes to a file beside the old one, is read as `load` reads it, must mean the old one with just the change,
and then takes the old one's place; comments, order, line ends, mode and a symbolic link stay as they are.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tidings.config import blocks
from tidings.config.blocks import NewSource, render
from tidings.config.reading import load
from tidings.errors import ConfigError, TidingsError

__all__ = ["NewSource", "add_sources", "remove_source", "render"]

_BOM = "\ufeff"


def add_sources(path: Path, sources: Sequence[NewSource]) -> None:
    """Writes new sources behind those in the file. Raises ConfigError, and leaves the file as it was, when the result
    would not load or somebody else has changed the file meanwhile."""
    if not sources:
        return
    raw, text = _read(path)
    _replace(path, raw, blocks.add(text, sources), [*_sources(text), *map(_meaning, sources)])


def remove_source(path: Path, url: str) -> str:
    """Takes the source with this URL out of the file, with the comments that belong to it; returns the lines taken out.
    Raises as `add_sources` does."""
    raw, text = _read(path)
    tables = _sources(text)
    index = _index(path, tables, url)
    new, taken = blocks.remove(text, index)
    _replace(path, raw, new, [*tables[:index], *tables[index + 1 :]])
    return taken


def _read(path: Path) -> tuple[bytes, str]:
    """The bytes of a file that loads, and its text without a byte order mark."""
    load(path)
    try:
        raw = path.read_bytes()
        return raw, raw.decode("utf-8").removeprefix(_BOM)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: cannot be read ({error})"]) from None


def _sources(text: str) -> list[dict[str, Any]]:
    return list(_document(text).get("sources", []))


def _document(text: str) -> dict[str, Any]:
    return tomllib.loads(text.replace("\r\n", "\n"))


def _meaning(source: NewSource) -> dict[str, Any]:
    keys = {"url": source.url, "name": source.name, "tags": list(source.tags)}
    return {key: value for key, value in keys.items() if value}


def _index(path: Path, tables: Sequence[Mapping[str, Any]], url: str) -> int:
    for index, table in enumerate(tables):
        if table.get("url") == url:
            return index
    raise ConfigError([f"{path}: no source has the URL {url}"])


def _replace(path: Path, raw: bytes, new: str, sources: Sequence[Mapping[str, Any]]) -> None:
    old = _document(raw.decode("utf-8").removeprefix(_BOM))
    mark = _BOM if raw.startswith(_BOM.encode()) else ""
    target = Path(os.path.realpath(path))
    try:
        with _beside(target) as (number, draft):
            _write(number, target, (mark + new).encode("utf-8"))
            _check(path, draft, {**old, "sources": sources} if sources else _without_sources(old), new)
            if target.read_bytes() != raw:
                raise ConfigError(
                    [f"{path}: somebody else has changed it meanwhile, so nothing was written; try again"]
                )
            draft.replace(target)
            _sync_folder(target.parent)
    except OSError as error:
        raise TidingsError(f"{path}: cannot be written ({error.strerror}); it was left as it was") from error


def _without_sources(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "sources"}


@contextmanager
def _beside(target: Path) -> Iterator[tuple[int, Path]]:
    """A new file in the folder of `target`, open for writing; removed afterwards if it is still there."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        yield number, Path(name)
    finally:
        with contextlib.suppress(OSError):
            os.close(number)
        Path(name).unlink(missing_ok=True)


def _write(number: int, target: Path, content: bytes) -> None:
    """Writes the content to the disk, for the same people to read as the file that it will replace."""
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    status = target.stat()
    with contextlib.suppress(PermissionError):  # only root can give files away
        os.fchown(number, status.st_uid, status.st_gid)
    os.fchmod(number, stat.S_IMODE(status.st_mode))
    view = memoryview(content)
    while view:
        view = view[os.write(number, view) :]
    os.fsync(number)


def _check(path: Path, draft: Path, meaning: Mapping[str, Any], new: str) -> None:
    """Raises ConfigError if the draft does not load, or means anything else than it shall."""
    try:
        load(draft)
    except ConfigError as error:
        problems = [problem.replace(str(draft), f"{path} (as it would be)") for problem in error.problems]
        raise ConfigError([*problems, f"{path}: was left as it was"]) from None
    if _document(new) != meaning:
        raise ConfigError([f"{path}: is written in a way that this command cannot edit; change it by hand"])


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
