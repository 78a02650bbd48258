"""The folder of published files: what is in it, by a list that it keeps of itself, and how that is brought up to date.

Each file has a key that stands for its bytes. The list, a hidden file, has the key, the size, the time and a digest of
each: so a file is made again only if its key is another, or if it is gone or was changed by somebody else. Everything
can be made again from the database, so the list comes last, when all else is on the disk: after a crash the worst is
that too much is made once more. What is written and not listed yet is noted in another hidden file, which is there only
during a pass, or after one that did not come to its end: so nothing stays that nobody knows of.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from tidings.errors import StoreError
from tidings.records import dataclass, replace

MANIFEST = ".tidings.json"
"""The list. Hidden files are not served."""

_BEGUN = ".tidings.begun"
_VERSION = 1
_HALF = ".tidings.partial"
_MANY = 50
"""Files from which on the whole disk is asked to write down what it has, rather than for each."""

_FOLDERS = ("archive", "issues", "posts", "sources", "tags")
_OURS = (b'<meta name="generator" content="Tidings"', b"<generator>Tidings<", b'"_tidings"')
_HEAD = 8_000  # bytes of a file that are looked at for these


@dataclass(frozen=True, slots=True)
class Leaf:
    """A file to be published: its path below the folder, what stands for its bytes, and what makes them."""

    path: str
    key: str
    render: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the list has of a file: `mark` is a digest of its bytes."""

    key: str
    size: int
    time: int
    mark: str


_UNKNOWN = Kept("", 0, 0, "")


@dataclass(frozen=True, slots=True)
class Listing:
    """The list of a folder: its files by their paths, and the `site` whose they are, "" before lists said that."""

    site: str
    files: Mapping[str, Kept]


def bring_up(folder: Path, leaves: Iterable[Leaf], listing: Listing | None, site: str) -> list[Path]:
    """Writes what is to be written, takes away what is not published any more, and returns both. `listing` is what
    `read_list` found; the new list says that the files are those of `site`.

    Raises StoreError when the folder cannot be written, and what the first file raised that could not be made: then all
    else is up to date.
    """
    begun = _begun(folder)
    former = _former(begun, listing)
    kept: dict[str, Kept] = {}
    changed: list[Path] = []
    mistakes: list[Exception] = []
    for leaf in leaves:
        path, known = folder / leaf.path, former.get(leaf.path)
        if known is not None and known.key == leaf.key and (same := _unchanged(path, known)):
            kept[leaf.path] = same
            continue
        try:
            content = leaf.render()
        except Exception as mistake:  # one broken thing stays one broken thing
            mistakes.append(mistake)
            kept[leaf.path] = known or _UNKNOWN
            continue
        if known is None:
            _note_begun(folder, leaf.path)
        if _write(folder, path, content):
            changed.append(path)
        kept[leaf.path] = _kept(path, leaf.key, content)
    # After a power cut the note may lack what the disk has.
    found = strays(folder) if listing is None or begun is not None else ()
    gone = [folder / path for path in (*former, *found) if path not in kept and _take_away(folder, path)]
    written = Listing(site, kept)
    if written != listing:
        _settle(changed)
        _list(folder, written)
    _take_away(folder, _BEGUN)
    if mistakes:
        raise mistakes[0]
    return changed + gone


def _former(begun: Sequence[str] | None, listing: Listing | None) -> dict[str, Kept]:
    """What was written before: what the list has, and what a pass wrote that did not come to its end."""
    return dict.fromkeys(begun or (), _UNKNOWN) | dict(listing.files if listing else {})


def _begun(folder: Path) -> list[str] | None:
    """The paths that a pass noted which did not come to its end; None where the last one did. A line that is cut short
    tells of a file that was not written yet."""
    try:
        lines = (folder / _BEGUN).read_text("utf-8", "replace").split("\n")[:-1]
    except OSError:
        return None
    return [line for line in lines if _is_below(line)]


def _note_begun(folder: Path, path: str) -> None:
    """Notes that a file will be there which no list has. The first line break ends what a full disk cut short."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / _BEGUN).open("ab") as file:
            file.write(f"\n{path}\n".encode())
    except OSError as error:
        raise _unwritable(folder / path, error) from error


def _unchanged(path: Path, known: Kept) -> Kept | None:
    """What the list has of a file from now on, if it is what was written: by its size and time, or else, as after
    copying, by its bytes."""
    try:
        status = path.stat()
        if status.st_size != known.size:
            return None
        if status.st_mtime_ns == known.time:
            return known
        return replace(known, time=status.st_mtime_ns) if _mark(path.read_bytes()) == known.mark else None
    except OSError:
        return None


def _kept(path: Path, key: str, content: bytes) -> Kept:
    try:
        time = path.stat().st_mtime_ns
    except OSError:
        time = 0  # somebody took it away: the next time it is made again
    return Kept(key, len(content), time, _mark(content))


def _mark(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()


def read_list(folder: Path) -> Listing | None:
    """The list of a folder; None where there is none that can be used, as before the first time."""
    try:
        found = json.loads((folder / MANIFEST).read_bytes())
        if found["version"] != _VERSION:
            return None
        files = {path: Kept(*values) for path, values in found["files"].items() if _is_below(path)}
        return Listing(str(found.get("site", "")), files)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _is_below(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and ".." not in parts and parts[0] != "/" and "\0" not in path


def has_list(folder: Path) -> bool:
    """Whether a folder has a list, be it one that cannot be used."""
    return (folder / MANIFEST).exists()


def names(path: Path, name: str) -> bool:
    """Whether a file has a name in its beginning, as a feed has its id."""
    try:
        with path.open("rb") as file:
            return name.encode() in file.read(_HEAD)
    except OSError:
        return False


def strays(folder: Path) -> Iterator[str]:
    """What seems to be ours in the folders that are, by their paths: without a list nobody knows what was published
    before, as what was withdrawn since."""
    for name in _FOLDERS:
        for path in sorted((folder / name).rglob("*.*")):
            if path.suffix in (".html", ".xml", ".json") and _is_ours(path):
                yield path.relative_to(folder).as_posix()


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    return any(sign in head for sign in _OURS)


def _write(folder: Path, path: Path, content: bytes) -> bool:
    """Writes a file as a whole, unless it already holds these bytes: readers and caches never see half a feed."""
    half = folder / _HALF
    try:
        if path.exists() and path.read_bytes() == content:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(content)
        half.replace(path)
    except OSError as error:
        with suppress(OSError):
            half.unlink(missing_ok=True)
        raise _unwritable(path, error) from error
    return True


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(f"{path}: cannot be written ({error}); check its folder and the disk")


def _take_away(folder: Path, name: str) -> bool:
    """Removes a file and the folders that are empty then; False when there is none."""
    path = folder / name
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(f"{path}: cannot be removed ({error}); check its folder") from error
    for parent in path.relative_to(folder).parents:
        if parent.name:
            with suppress(OSError):
                (folder / parent).rmdir()
    return True


def _list(folder: Path, listing: Listing) -> None:
    files = {path: [one.key, one.size, one.time, one.mark] for path, one in sorted(listing.files.items())}
    text = json.dumps({"version": _VERSION, "site": listing.site, "files": files}, separators=(",", ":"))
    _write(folder, folder / MANIFEST, text.encode())


def _settle(paths: list[Path]) -> None:
    """Has the disk write down what was written: only then may the list say that it is there."""
    if len(paths) > _MANY:
        os.sync()
        return
    for path in paths:
        # One that somebody took away meanwhile is made again the next time.
        with suppress(FileNotFoundError, NotADirectoryError), path.open("rb") as file:
            os.fsync(file.fileno())
