"""Ruff and mypy as tests, so that the one command that runs the tests runs them too. Settings are in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def complaints(*module: str) -> str:
    """What a tool has to say about the checkout; nothing when it is content."""
    command = [sys.executable, "-m", *module]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    return done.stdout + done.stderr if done.returncode else ""


def test_ruff_has_no_complaint() -> None:
    """The linter finds nothing."""
    said = complaints("ruff", "check", "--output-format=concise")
    assert not said, said


def test_code_is_formatted() -> None:
    """Every Python file is formatted as ruff would."""
    said = complaints("ruff", "format", "--check")
    assert not said, said


def test_types_hold() -> None:
    """mypy --strict finds nothing in the package and in its tests, which call it as others would."""
    said = complaints("mypy")
    assert not said, said
