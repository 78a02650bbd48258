"""The corpus of real feeds beside the checkout. Tests that need it skip where it is absent, and fail in CI."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"

if os.environ.get("CI") and not CORPUS.is_dir():
    raise RuntimeError(f"CI needs the corpus of real feeds at {CORPUS}")

needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"there is no corpus of real feeds at {CORPUS}")
