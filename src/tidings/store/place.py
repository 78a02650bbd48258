"""Where a database is: on which machine, and as which file. Decision 45 says why these two, and what they miss."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from tidings.errors import StoreError
from tidings.records import dataclass

_KEEPING = frozenset("ext2 ext3 ext4 xfs btrfs zfs f2fs jfs bcachefs nfs nfs4 tmpfs overlay".split())
"""File systems on which a file has the same number for as long as it exists. Others (FAT, FUSE, 9p, what Docker Desktop
shares with its containers) may count anew whenever they are mounted."""

_CONTAINER_MARKS = (".dockerenv", "run/.containerenv")


@dataclass(frozen=True, slots=True)
class Place:
    """A place that mail is sent from. `machine` stands for the installation of an operating system, "" where that is
    not to be told; `file` for the database's file in it; `host` is a name for people."""

    machine: str
    file: str
    host: str


def here(path: Path, root: Path = Path("/")) -> Place:
    """The place of the database at `path`; `root` is where the system's own files are. Raises StoreError when the file
    is gone."""
    mounts = list(_mounts(root))
    return Place(_machine(root, mounts), _file(path, mounts), socket.gethostname())


def _machine(root: Path, mounts: list[tuple[str, str]]) -> str:
    """What stands for the machine: its id, hashed as machine-id(5) asks for. In a container that file is the image's,
    and another one after each update: nothing is told by it."""
    if any((root / mark).exists() for mark in _CONTAINER_MARKS) or _file_system(Path("/"), mounts) == "overlay":
        return ""
    try:
        machine_id = (root / "etc/machine-id").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    if not re.fullmatch("[0-9a-f]{32}", machine_id):
        return ""  # "uninitialized" in an image that was never started
    return blake2b(b"tidings", key=machine_id.encode(), digest_size=16).hexdigest()


def _file(path: Path, mounts: list[tuple[str, str]]) -> str:
    """What stands for a file: its number, where that lasts, and else where it is. Not the device: Linux numbers those
    as it finds them."""
    try:
        path = path.resolve(strict=True)
        number = path.stat().st_ino
    except OSError as error:
        raise StoreError(f"{path}: the database's file cannot be found any more ({error})") from error
    return f"inode {number}" if _file_system(path, mounts) in _KEEPING else f"path {path}"


def _mounts(root: Path) -> Iterator[tuple[str, str]]:
    """Mount points and their types, as proc_pid_mountinfo(5) lists them; none where there is no such file."""
    try:
        lines = (root / "proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        mount, _, kind = line.partition(" - ")
        point = re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), mount.split(" ")[4])
        yield point, kind.split(" ")[0]


def _file_system(path: Path, mounts: list[tuple[str, str]]) -> str:
    """The type of the file system that a path is on: the innermost mount, the last one where there are two."""
    found = [(len(point), order, kind) for order, (point, kind) in enumerate(mounts) if path.is_relative_to(point)]
    return max(found, default=(0, 0, ""))[2]
