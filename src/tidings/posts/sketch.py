"""What is kept of a text whose body goes: enough to recognise it, in at most 280 bytes. Pure.

The 64 smallest hashes of its runs of three words are a fair sample of all of them, and the smallest of two texts
together one of both (Broder, "On the resemblance and containment of documents", 1997, section 4). For two texts that
have no more runs than that together it is exact, beyond that off by some five hundredths. Whether two texts have the
very same words is said by hashes of all.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

from tidings.posts.edits import steady
from tidings.posts.likeness import shingles, words_of
from tidings.records import dataclass

_KEPT = 64
_HEAD = struct.Struct(">8s8sII")


@dataclass(frozen=True, slots=True)
class Sketch:
    """A text in short: hashes of all its words, and of those that counters leave alone (posts/edits.py); how many of
    these there are, and how many different runs of three; and the smallest hashes of the runs."""

    words: bytes
    steady_words: bytes
    length: int
    runs: int
    smallest: tuple[int, ...]


def sketch(text: str) -> bytes:
    """The sketch of a text, to be kept."""
    made = drawn(text)
    return _HEAD.pack(made.words, made.steady_words, made.length, made.runs) + struct.pack(
        f">{len(made.smallest)}I", *made.smallest
    )


def drawn(text: str) -> Sketch:
    """The sketch of a text, to be compared."""
    words = words_of(steady(text))
    hashes = sorted({_number(run) for run in shingles(words)})
    return Sketch(_hash(words_of(text)), _hash(words), len(words), len(hashes), tuple(hashes[:_KEPT]))


def opened(kept: bytes) -> Sketch:
    """What was kept, to be compared."""
    count = (len(kept) - _HEAD.size) // 4
    words, steady_words, length, runs = _HEAD.unpack_from(kept)
    return Sketch(words, steady_words, length, runs, struct.unpack_from(f">{count}I", kept, _HEAD.size))


def resemblance(one: Sketch, other: Sketch) -> float:
    """How much of both texts together is in both, from 0 to 1 (posts/likeness.py), as far as sketches tell."""
    sample = sorted({*one.smallest, *other.smallest})[:_KEPT]
    both = set(one.smallest).intersection(other.smallest)
    return len(both.intersection(sample)) / len(sample) if sample else 0.0


def containment(one: Sketch, other: Sketch) -> float:
    """How much of the shorter text is in the longer one, from 0 to 1, as far as sketches tell."""
    alike, fewer = resemblance(one, other), min(one.runs, other.runs)
    return min(1.0, alike / (1 + alike) * (one.runs + other.runs) / fewer) if fewer else 0.0


def _hash(words: Iterable[str]) -> bytes:
    return blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).digest()


def _number(run: Sequence[str]) -> int:
    return int.from_bytes(blake2b(" ".join(run).encode("utf-8", "replace"), digest_size=4).digest())
