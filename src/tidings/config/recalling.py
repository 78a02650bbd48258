"""A file that was checked before, as it was read then.

Checking five hundred sources, and loading what does it, takes as long as polling them when nothing is new. So what
became of the file is kept beside the database, with a fingerprint of all that it followed from: every byte of the file,
its path, and the files of this program that had a say in it. With any other fingerprint the file is read and checked
anew, as it is where nothing is kept or can be kept. Only what was found in order is.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import pickle
import re
import sys
from pathlib import Path
from typing import Any

from tidings import __version__
from tidings.config.settings import Config

_FILE = "config.checked"
_ROOT = Path(__file__).resolve().parents[1]
_ROOMS = ("config", "model")
_FILES = frozenset({"addresses.py"})  # beside the rooms

# Only a hint where to look: a file that was found through a wrong one has another fingerprint.
_DATA_DIR = re.compile(rb"""^[ \t]*data_dir[ \t]*=[ \t]*(?:"([^"\\\n]*)"|'([^'\n]*)')""", re.MULTILINE)
_USUAL_DATA_DIR = b"data"

# Whoever can write the file may write the database, but must not be able to run code by it.
_BUILT_OF = frozenset(
    {
        ("datetime", "timedelta"),
        ("ipaddress", "IPv4Address"),
        ("ipaddress", "IPv4Network"),
        ("ipaddress", "IPv6Address"),
        ("ipaddress", "IPv6Network"),
        ("pathlib", "PosixPath"),
    }
)
_VALUES = ("tidings.model.", "tidings.config.settings")


def load_checked(path: Path) -> Config:
    """The configuration, as `reading.load` gives it; what that made of the very same file before is taken for it."""
    known = _fingerprint(path)
    if known is not None and (kept := _recall(path, known)) is not None:
        return kept
    from tidings.config.reading import load

    loaded = load(path)
    if known is not None and known == _fingerprint(path):
        _keep(loaded, known)
    return loaded


class _Values(pickle.Unpickler):
    """Makes the values of a configuration, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name) if self._may_have(module, name) else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a configuration")
        return found

    def _may_have(self, module: str, name: str) -> bool:
        return (module, name) in _BUILT_OF or ("." not in name and module.startswith(_VALUES))


def _fingerprint(path: Path) -> bytes | None:
    """Stands for all that a configuration follows from; None if the file can't be read."""
    try:
        raw = path.read_bytes()
        files = [entry for room in _ROOMS for entry in os.scandir(_ROOT / room)]
        files += [entry for entry in os.scandir(_ROOT) if entry.name in _FILES]
        code = [(entry.name, *_state(entry)) for entry in files]
    except OSError:
        return None
    parts = (__version__, sys.version, str(path), str(path.absolute()), sorted(code), raw)
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogateescape"), digest_size=32).digest()


def _state(entry: os.DirEntry[str]) -> tuple[int, int]:
    """What changes with a file of the program; of a folder nothing, since Python keeps what it compiles in one."""
    if not entry.is_file():
        return 0, 0
    state = entry.stat()
    return state.st_size, state.st_mtime_ns


def _recall(path: Path, known: bytes) -> Config | None:
    try:
        hint = _DATA_DIR.search(path.read_bytes())
        folder = (hint[1] or hint[2] or b"") if hint else _USUAL_DATA_DIR
        kept = (path.absolute().parent / os.fsdecode(folder) / _FILE).read_bytes()
        if not kept.startswith(known):
            return None
        loaded = _Values(io.BytesIO(kept[len(known) :])).load()
    except Exception:  # whatever is wrong with it, the file itself is there
        return None
    return loaded if isinstance(loaded, Config) else None


def _keep(loaded: Config, known: bytes) -> None:
    """Puts the file in place of the one there is. It is for its owner alone, as the configuration may be."""
    target = loaded.site.data_dir / _FILE
    made = target.with_name(f"{_FILE}.{os.getpid()}")
    with contextlib.suppress(OSError):
        target.parent.mkdir(parents=True, exist_ok=True)
        made.unlink(missing_ok=True)
        made.touch(mode=0o600, exist_ok=False)
        made.write_bytes(known + pickle.dumps(loaded))
        made.replace(target)
