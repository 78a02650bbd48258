"""Where a database is: on which machine, and as which file. Decision 45 says why these two, and what they miss."""

from __future__ import annotations

import ctypes
import os
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

_MAX_HANDLE_SZ = 128  # octets
_AT_FDCWD = -100

_MACHINE_ID = "etc/machine-id"
_CONTAINER_MARKS = (".dockerenv", "run/.containerenv", "run/secrets/kubernetes.io")


@dataclass(frozen=True, slots=True)
class Place:
    """A place that mail is sent from. `machine` stands for the installation of an operating system, `file` for the
    database's file in it, and `generation` for that file among those that had the same number before: a file that is
    deleted and restored often gets its old one back. What is not to be told is "". `host` is a name for people."""

    machine: str
    file: str
    generation: str
    host: str

    def has_same_machine(self, other: Place) -> bool:
        """Whether both are on one machine, as far as that is to be told."""
        return "" in (self.machine, other.machine) or self.machine == other.machine

    def has_same_file(self, other: Place) -> bool:
        """Whether both are one file, if they are on one machine."""
        is_kept = "" in (self.generation, other.generation) or self.generation == other.generation
        return self.file == other.file and is_kept


def here(path: Path, root: Path = Path("/")) -> Place:
    """The place of the database at `path`; `root` is where the system's own files are. The file's number counts where
    it lasts, and else its path; the device does not, since Linux numbers those as it finds them. Raises StoreError when
    the file is gone."""
    mounts = list(_mounts(root))
    try:
        path = path.resolve(strict=True)
        number, generation = path.stat().st_ino, _generation(path)
    except OSError as error:
        raise StoreError(f"{path}: the database's file cannot be found any more ({error})") from error
    machine, host = _machine(root, mounts), socket.gethostname()
    if _file_system(path, mounts) in _KEEPING:
        return Place(machine, f"inode {number}", generation, host)
    return Place(machine, f"path {path}", "", host)


def _machine(root: Path, mounts: list[tuple[str, str]]) -> str:
    """What stands for the machine: its id, hashed as machine-id(5) asks for. In a container that file is the image's,
    and another one after each update; one that is mounted is only for as long as the system runs, as where the root
    cannot be written: nothing is told by these."""
    if any((root / mark).exists() for mark in _CONTAINER_MARKS) or _file_system(Path("/"), mounts) == "overlay":
        return ""
    if any(point == f"/{_MACHINE_ID}" for point, _ in mounts):
        return ""
    try:
        machine_id = (root / _MACHINE_ID).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    if not re.fullmatch("[0-9a-f]{32}", machine_id):
        return ""  # "uninitialized" in an image that was never started
    return blake2b(b"tidings", key=machine_id.encode(), digest_size=16).hexdigest()


class _Handle(ctypes.Structure):
    """`struct file_handle` of open_by_handle_at(2)."""

    _fields_ = (
        ("octets", ctypes.c_uint),
        ("kind", ctypes.c_int),
        ("handle", ctypes.c_ubyte * _MAX_HANDLE_SZ),
    )


def _generation(path: Path) -> str:
    """What a file system gives each file beside its number, to tell it from those that had that before, as NFS needs
    it; "" where there is no such thing.

    The file must not be opened for this, as the ioctl FS_IOC_GETVERSION would want: whoever closes a file again loses
    all locks of his process on it, SQLite's among them, and then the next command takes the write-ahead log away under
    a delivery (sqlite.org/howtocorrupt.html, 2.2).
    """
    handle, mount = _Handle(octets=_MAX_HANDLE_SZ), ctypes.c_int()
    try:
        ask = ctypes.CDLL(None).name_to_handle_at
    except (AttributeError, OSError):
        return ""
    if ask(_AT_FDCWD, os.fsencode(path), ctypes.byref(handle), ctypes.byref(mount), 0) != 0:
        return ""
    return f"{handle.kind}:{bytes(handle.handle[: handle.octets]).hex()}"


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
