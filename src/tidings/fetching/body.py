"""Where the bytes of a body wait until it is their turn to be read."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    import tempfile

_IN_MEMORY = 256 * 1024
"""Most feeds are smaller. Larger ones go to a file without a name, so that what many servers send at once does not
add up in memory."""


class Body:
    """The bytes of one answer as they came. `failed` is set when there was no room for them on the disk."""

    def __init__(self) -> None:
        self.size = 0
        self.failed: OSError | None = None
        self._kept: tempfile.SpooledTemporaryFile[bytes] | None = None

    def write(self, piece: bytes) -> bool:
        """Keeps a piece. False when that cannot be done."""
        try:
            if self._kept is None:
                self._kept = _room()
            self._kept.write(piece)
        except OSError as error:
            self.failed = error
            return False
        self.size += len(piece)
        return True

    def open(self) -> BinaryIO:
        """All that was written, to be read from its start. Raises OSError when the disk will not give it back."""
        if self._kept is None:
            self._kept = _room()
        self._kept.seek(0)
        return cast(BinaryIO, self._kept)

    def close(self) -> None:
        """Lets go of the bytes. May be said more than once."""
        if self._kept is not None:
            with contextlib.suppress(OSError):  # a full disk may say so once more
                self._kept.close()
            self._kept = None


def _room() -> tempfile.SpooledTemporaryFile[bytes]:
    """Where to put a body. What is behind it is loaded with the first one: most answers have none."""
    import tempfile

    return tempfile.SpooledTemporaryFile(_IN_MEMORY)
