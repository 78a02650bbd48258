"""Published files as they are served: read once, known by what is in them, and compressed when somebody asks.

A file is looked at with each request, and read again when it is another: publishing puts a new one in its place, whole
(publish.py). So a tag stands for the very bytes, whenever they were written and on whichever machine (RFC 9110 section
8.8.3), and each coding of them has a tag of its own, since it is other bytes.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import brotli  # type: ignore[import-untyped]

Coding = Literal["identity", "gzip", "br"]

KEPT_BYTES = 32_000_000
"""What is kept in memory of files and their codings, all together."""

LARGEST = 8_000_000
"""Bytes of a file that is kept; a larger one is read with each request, and never compressed."""

_SMALLEST = 1_000
"""Bytes below which compressing gains less than the headers that say so."""

# The middle of both scales: a feed of 230 kB takes some ten milliseconds once, and the best would take a second for a
# tenth less.
_CODERS: dict[Coding, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, 6, mtime=0),
    "br": lambda body: bytes(brotli.compress(body, quality=5)),
}
_PIECE = 1_000_000

_Look = tuple[int, int, int, int]


@dataclass(slots=True)
class Volume:
    """A file as it was when it was looked at. `body` is None for one that is too large to be kept; `digest` stands for
    its bytes; `modified` is when they were last written."""

    path: Path
    size: int
    modified: datetime
    digest: str
    body: bytes | None
    _coded: dict[Coding, bytes] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def tag(self, coding: Coding) -> str:
        """The strong entity tag of a coding, without its quotes."""
        return self.digest if coding == "identity" else f"{self.digest}-{coding}"

    def coded(self, coding: Coding) -> bytes:
        """The bytes in a coding; made once, however many ask at the same time. Only of a body that is kept."""
        body = self.body or b""
        if coding == "identity":
            return body
        with self._lock:
            if coding not in self._coded:
                self._coded[coding] = _CODERS[coding](body)
            return self._coded[coding]

    @property
    def can_be_coded(self) -> bool:
        """Whether compressing is any use: what is large enough to matter, and small enough to be kept."""
        return self.body is not None and self.size >= _SMALLEST

    @property
    def room(self) -> int:
        """Bytes that it takes in memory, with its codings: two of them are about as large as a text itself."""
        return 2 * len(self.body or b"")


class Shelf:
    """The files below a folder. Asked from several threads."""

    def __init__(self, kept_bytes: int = KEPT_BYTES, largest: int = LARGEST) -> None:
        self._kept_bytes = kept_bytes
        self._largest = largest
        self._volumes: OrderedDict[Path, tuple[_Look, Volume]] = OrderedDict()  # the one asked for last at the end
        self._held = 0
        self._lock = threading.Lock()

    def take(self, path: Path) -> Volume | None:
        """The file at a path as it is now; None where there is none, or it is no file."""
        look = _look(path)
        if look is None:
            self._forget(path)
            return None
        with self._lock:
            known = self._volumes.get(path)
            if known is not None and known[0] == look:
                self._volumes.move_to_end(path)
                return known[1]
        volume = self._read(path)
        if volume is not None:
            self._keep(path, look, volume)
        return volume

    def _read(self, path: Path) -> Volume | None:
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                modified = datetime.fromtimestamp(int(found.st_mtime), UTC)
                if found.st_size > self._largest:
                    return Volume(path, found.st_size, modified, _digest(iter(lambda: file.read(_PIECE), b"")), None)
                body = file.read()
                return Volume(path, len(body), modified, _digest([body]), body)
        except OSError:
            return None

    def _keep(self, path: Path, look: _Look, volume: Volume) -> None:
        with self._lock:
            self._drop(path)  # here, since another thread may have kept it meanwhile
            self._volumes[path] = (look, volume)
            self._held += volume.room
            while self._held > self._kept_bytes and len(self._volumes) > 1:
                _, (_, oldest) = self._volumes.popitem(last=False)
                self._held -= oldest.room

    def _forget(self, path: Path) -> None:
        with self._lock:
            self._drop(path)

    def _drop(self, path: Path) -> None:
        _, former = self._volumes.pop(path, (None, None))
        self._held -= former.room if former else 0


def _look(path: Path) -> _Look | None:
    """What shows that a file is another, or was written to; None for what is no file."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return base64.urlsafe_b64encode(digest.digest()[:16]).decode("ascii").rstrip("=")
