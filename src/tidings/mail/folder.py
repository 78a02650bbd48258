"""Handing messages over into a folder, one `.eml` file each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tidings.errors import MailError
from tidings.mail.transport import WITHDRAWN, Parcel, Transport
from tidings.model import Receipt


@contextmanager
def open_folder(folder: Path) -> Iterator[Transport]:
    """A transport that writes each message as one `.eml` file into `folder`, named by its Message-ID."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MailError(f"{folder}: the mail folder cannot be made ({error}); check [mail] transport") from error
    yield _FolderTransport(folder)


class _FolderTransport:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, parcel: Parcel, may_go: Callable[[], bool]) -> Receipt:
        """The name comes from the message, so writing it again after a crash makes no second copy."""
        message = parcel.write()
        path = self._folder / f"{_file_stem(message.head)}.eml"
        partial = path.with_suffix(".partial")
        if not may_go():
            return WITHDRAWN
        try:
            with partial.open("wb") as file:
                file.writelines((message.head, message.body))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync(self._folder)
        except OSError as error:
            raise MailError(f"{path}: the message cannot be written ({error})") from error
        return Receipt("accepted", f"written to {path.name}")


def _sync(folder: Path) -> None:
    """Makes a renaming in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_stem(head: bytes) -> str:
    """The Message-ID's left side as a file name."""
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"message-id":
            left = value.decode("ascii", "replace").strip().strip("<>").partition("@")[0]
            return "".join(character if character.isalnum() or character in ".-_" else "_" for character in left)
    raise ValueError("a message without a Message-ID")
