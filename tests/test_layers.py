"""The layer table of docs/architecture.md, held by the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "tidings"

FACES = {"__init__", "__main__", "cli", "daemon", "web", "demo"}
SHELLS = {
    "poll",
    "digest",
    "deliver",
    "publish",
    "discover",
    "intake",
    "subscribe",
    "signup",
    "preferences",
    "notes",
    "forgetting",
    "managing",
    "moving",
    "adopting",
}
AIDES = {
    "governor",
    "recording",
    "joining",
    "letters",
    "dispatching",
    "handing",
    "packing",
    "settling",
    "standing",
    "signing",
    "throttling",
    "shelving",
    "gathering",
    "archiving",
    "feeding",
    "searching",
}
PURE = {"sources", "posts", "editions", "readers", "planet"}
EDGES = {"fetching", "store", "render", "mail", "config"}
GROUND = {"model", "errors", "workers", "crew", "patterns", "records", "addresses"}

ALLOWED = {
    "cli": {"daemon", "web", "demo", "letters", "dispatching", "settling", "standing"} | SHELLS | PURE | EDGES | GROUND,
    "demo": PURE | GROUND,
    "daemon": set(),
    "web": {
        "searching",
        "subscribe",
        "signup",
        "managing",
        "moving",
        "preferences",
        "signing",
        "readers",
        "store",
        "render",
    }
    | GROUND,
    "__main__": {"cli"},
    **dict.fromkeys(SHELLS, PURE | EDGES | GROUND),
    "publish": {"archiving", "gathering", "shelving", "feeding"} | PURE | EDGES | GROUND,
    "archiving": {"feeding", "shelving"} | PURE | EDGES | GROUND,
    "feeding": {"shelving"} | PURE | EDGES | GROUND,
    "gathering": {"shelving"} | PURE | EDGES | GROUND,
    "shelving": GROUND,
    "searching": {"planet", "store", "render"} | GROUND,
    **dict.fromkeys(("poll", "discover"), AIDES | PURE | EDGES | GROUND),
    **dict.fromkeys(("digest", "deliver"), {"letters", "dispatching", "settling"} | PURE | EDGES | GROUND),
    **dict.fromkeys(("subscribe", "signup", "managing", "moving"), {"signing", "throttling"} | PURE | EDGES | GROUND),
    "adopting": {"digest"} | PURE | EDGES | GROUND,
    "notes": {"letters", "dispatching", "settling", "signing", "standing"} | PURE | EDGES | GROUND,
    "intake": {"standing"} | EDGES | GROUND,
    "dispatching": {"letters", "handing", "packing", "settling", "standing"} | EDGES | GROUND,
    "settling": {"standing"} | EDGES | GROUND,
    "standing": EDGES | GROUND,
    "handing": GROUND,
    "packing": {"letters", "standing"} | EDGES | GROUND,
    "governor": PURE | EDGES | GROUND,
    "letters": {"signing"} | EDGES | GROUND,
    "signing": GROUND,
    "throttling": PURE | EDGES | GROUND,
    "recording": {"joining"} | PURE | EDGES | GROUND,
    "joining": PURE | EDGES | GROUND,
    **dict.fromkeys(PURE | EDGES, GROUND),
    "errors": set(),
    "model": {"records"},
    "records": set(),
    "workers": set(),
    "crew": {"workers", "records"},
    "patterns": set(),
    "addresses": set(),
}

HOMES = {
    "aiosmtpd": {"demo", "mail"},
    "apscheduler": {"daemon"},
    "babel": {"render"},
    "brotli": {"fetching", "web"},
    "click": {"cli"},
    "cryptography": {"mail"},
    "css_inline": {"render"},
    "email_validator": {"addresses"},
    "feedparser": {"posts"},
    "flask": {"web"},
    "flufl": {"mail"},
    "idna": {"addresses"},
    "itsdangerous": {"signing"},
    "jinja2": {"render"},
    "markupsafe": {"render"},
    "nh3": {"posts"},
    "publicsuffixlist": {"sources"},
    "pycurl": {"fetching"},
    "pydantic": {"config"},
    "re2": {"patterns"},
    "rich": {"cli"},
    "smtplib": {"mail"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "rapidfuzz": {"posts"},
    "tomlkit": {"config"},
    "tomllib": {"config"},
    "waitress": {"web"},
    "zstandard": {"fetching"},
}

FILES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    """The room a file belongs to: the first part of its path below the package."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Full names of all modules a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_every_room_has_its_place() -> None:
    """Each file and folder of the package is in the table, and each room of the table exists."""
    rooms = {room(path) for path in FILES}
    assert rooms == FACES | SHELLS | AIDES | PURE | EDGES | GROUND


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_point_down(path: Path) -> None:
    """A file imports its own room and rooms below it, never one beside or above."""
    own = room(path)
    ours = {name.split(".")[1] for name in imported(path) if name.startswith("tidings.")}
    rooms = {name for name in ours if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}
    assert rooms - {own} <= ALLOWED.get(own, set())


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_one_room(path: Path) -> None:
    """An outside library is imported in the one room it belongs to."""
    for name in imported(path):
        homes = HOMES.get(name.split(".")[0])
        assert homes is None or room(path) in homes, f"{name} belongs to {homes}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    """No file over 400 lines, no function over 60."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_pure_rooms_touch_no_clock_disk_or_network() -> None:
    """Pure rooms and the model import nothing that could reach outside, and never ask the time."""
    outside = {
        "os",
        "time",
        "socket",
        "pathlib",
        "subprocess",
        "random",
        "secrets",
        "uuid",
        "urllib.request",
        "tempfile",
    }
    for path in FILES:
        if room(path) in PURE | {"model"}:
            assert not imported(path) & outside, path
            assert ".now(" not in path.read_text(encoding="utf-8"), path


def test_every_test_says_what_it_proves() -> None:
    """Each test has a docstring and none patches our own modules."""
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path.name}: {node.name}"
        assert ("mock" + ".patch") not in text, path.name
        assert ('setattr("' + "tidings") not in text, path.name
