"""The wheel: built, looked into, and run by itself; and what must not be in the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tidings
from tests.sites import environment

ROOT = Path(__file__).resolve().parents[1]
NOT_OURS = {".git", ".venv", "__pycache__", "build", "dist", "data"}
LOCK_FILES = re.compile(r".*\.lock|pylock\..*toml|package-lock\.json|requirements.*\.txt", re.IGNORECASE)
# In two pieces, or this file would be the one that names them.
REGISTRIES = [
    name + end
    for name, end in (("pypi.", "org"), ("python", "hosted.org"), ("pypi.python", ".org"), ("registry.npm", "js.org"))
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout without network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def unpacked(wheel: Path) -> Path:
    """The folder the wheel was unzipped into, which is all that installing it does."""
    folder = wheel.parent / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_from(folder: Path, cwd: Path, *arguments: str) -> str:
    """What Python says with `folder` before everything else it could import, the editable install included."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment() | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def repository_files() -> list[Path]:
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info"))]
        folders[:] = [name for name in folders if name != ".hypothesis"]
        found += [Path(folder) / name for name in files]
    return found


def test_the_wheel_holds_everything(wheel: Path) -> None:
    """Every file of the package is in the wheel, with the templates and the example configuration inside it."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    package = ROOT / "src" / "tidings"
    ours = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    expected = {f"tidings/{path.relative_to(package).as_posix()}" for path in ours}
    templates = [path for path in (ROOT / "templates").rglob("*") if path.is_file()]
    expected |= {f"tidings/{path.relative_to(ROOT).as_posix()}" for path in templates}
    expected.add("tidings/config.example.toml")
    assert inside >= expected
    assert {
        "tidings/py.typed",
        "tidings/templates/mail.html",
        "tidings/templates/locale/ar.po",
        "tidings/demo/blogs/mizan.xml",
    } <= inside
    extra = {name for name in inside - expected if ".dist-info/" not in name}
    assert extra == set()


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    """Name, version, licence and the console script are those of the package."""
    with zipfile.ZipFile(wheel) as archive:
        info = f"tidings-{tidings.__version__}.dist-info"
        metadata = archive.read(f"{info}/METADATA").decode()
        scripts = archive.read(f"{info}/entry_points.txt").decode()
    assert f"Name: tidings\nVersion: {tidings.__version__}\n" in metadata
    assert "License-Expression: MIT" in metadata
    assert "Requires-Python: >=3.11" in metadata
    assert "tidings = tidings.cli:main" in scripts


def test_the_demo_runs_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    """The whole tour runs from the wheel alone, with its own templates and blogs, and leaves its results."""
    origin = run_from(unpacked, tmp_path, "-c", "import tidings; print(tidings.__file__)")
    assert Path(origin.strip()).is_relative_to(unpacked)
    code = "from tidings.render.environment import template_folders as folders; print(*folders(), sep='\\n')"
    folders = run_from(unpacked, tmp_path, "-c", code).splitlines()
    assert folders == [str(unpacked / "tidings" / "templates")]
    said = run_from(unpacked, tmp_path, "-m", "tidings", "demo", "--once", "--dir", str(tmp_path / "tour"))
    assert "304 Not Modified" in said
    public = tmp_path / "tour" / "data" / "public"
    for name in ("index.html", "atom.xml", "issues/weekly-1.html", "mail/1-ada.eml"):
        assert (public / name).stat().st_size > 1000, name


def test_init_works_from_the_wheel(unpacked: Path, tmp_path: Path) -> None:
    """The example configuration is found in the wheel and is right as it is."""
    run_from(unpacked, tmp_path, "-m", "tidings", "init")
    assert (tmp_path / "config.toml").read_bytes() == (ROOT / "config.example.toml").read_bytes()
    assert "fine" in run_from(unpacked, tmp_path, "-m", "tidings", "check")


def test_no_file_names_a_registry() -> None:
    """Where packages come from is the installer's business: no file names a registry's host."""
    for path in repository_files():
        text = path.read_bytes().decode("utf-8", "replace").lower()
        for host in REGISTRIES:
            assert host not in text, path


def test_there_is_no_lock_file() -> None:
    """No file pins what is installed: pyproject.toml alone says what is needed."""
    assert [path for path in repository_files() if LOCK_FILES.fullmatch(path.name)] == []
