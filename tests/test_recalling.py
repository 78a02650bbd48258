"""A configuration that was checked before: the same values without another check, and nothing but them."""

from __future__ import annotations

import json
import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import config
from tidings.cli.reports import laid_out
from tidings.config.recalling import load_checked
from tidings.errors import ConfigError

EVERYTHING = """
[site]
title = "Planet"
url = "https://planet.example.org"
timezone = "Europe/Berlin"
[poll]
min_interval = "20m"
allow_networks = ["127.0.0.0/8", "fd00::/8"]
[mail]
from = "Planet <planet@example.org>"
postal_address = "1 Example Street"
transport = "smtps://me@mail.example.org"
password_file = "secret"
[store]
keep = "30d"
[[editions]]
name = "weekly"
schedule = "weekly fri 08:00"
tags = ["a"]
subscribers = ["ada@example.org"]
[[sources]]
url = "https://blog.example.org/feed"
tags = ["a", "b"]
every = "6h"
include = ["title: rust"]
exclude = ["tag: /^spam/"]
headers = { Accept-Language = "de" }
"""
SITE = '[site]\ntitle = "Planet"\nurl = "https://planet.example.org"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def kept(folder: Path, data_dir: str = "data") -> Path:
    return folder / data_dir / "config.checked"


def test_what_is_recalled_is_what_was_checked(tmp_path: Path) -> None:
    """All values come back the same, of every kind there is."""
    path = write(tmp_path, EVERYTHING)
    first = load_checked(path)
    assert kept(tmp_path).is_file()
    assert load_checked(path) == first == config.load(path)


def test_recalling_loads_nothing_that_checks(tmp_path: Path) -> None:
    """The second start does without pydantic and without a reader of TOML: that is what it is for."""
    path = write(tmp_path, EVERYTHING)
    script = (
        "import sys; from pathlib import Path; from tidings import config; config.load_checked(Path(sys.argv[1])); "
        "print('pydantic' in sys.modules, 'tomllib' in sys.modules)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert runs == ["True True\n", "False False\n"]


def test_any_change_of_the_file_is_checked(tmp_path: Path) -> None:
    """A file of the same length with one other letter is read anew, and refused if it is wrong now."""
    path = write(tmp_path, SITE)
    load_checked(path)
    write(tmp_path, SITE.replace("Planet", "Planed"))
    assert load_checked(path).site.title == "Planed"
    write(tmp_path, SITE.replace("title", "titel"))
    with pytest.raises(ConfigError, match="title"):
        load_checked(path)


def test_a_file_that_is_not_there_is_a_problem_as_ever(tmp_path: Path) -> None:
    """What was kept of a file does not stand for it once it is gone."""
    path = write(tmp_path, SITE)
    load_checked(path)
    path.unlink()
    with pytest.raises(ConfigError, match="not found"):
        load_checked(path)


def test_nothing_is_kept_of_a_file_with_problems(tmp_path: Path) -> None:
    """Each start says again what is wrong."""
    path = write(tmp_path, SITE + "surprise = 1\n")
    for _ in range(2):
        with pytest.raises(ConfigError, match="surprise"):
            load_checked(path)
    assert not kept(tmp_path).exists()


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        ('data_dir = "else where"', "else where"),
        ("data_dir='där'  # there", "där"),
        ('data_dir = "d\\u00e4r"', "där"),
        ("'data_dir' = \"quoted\"", "quoted"),
    ],
)
def test_it_is_kept_where_the_data_are(tmp_path: Path, line: str, folder: str) -> None:
    """In `data_dir`, however that is written; where it is not found again, the file is checked again."""
    path = write(tmp_path, f"{SITE}{line}\n")
    first = load_checked(path)
    assert kept(tmp_path, folder).is_file()
    assert load_checked(path) == first


def test_a_line_that_only_looks_like_it_does_no_harm(tmp_path: Path) -> None:
    """What is kept for another file, found by a text that is no key, is not taken."""
    other = tmp_path / "other"
    other.mkdir()
    load_checked(write(other, SITE.replace("Planet", "Other")))
    mail = '[mail]\npostal_address = """\ndata_dir = "other/data"\n"""\nfrom = "a@b.example"\ntransport = "file:out"\n'
    path = write(tmp_path, mail + SITE)
    assert [load_checked(path).site.title for _ in range(2)] == ["Planet", "Planet"]


def test_a_file_named_otherwise_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in it are told by where it lies, and messages name it as it was named."""
    path = write(tmp_path, SITE)
    assert load_checked(path).path == path
    monkeypatch.chdir(tmp_path)
    assert load_checked(Path("config.toml")).path == Path("config.toml")
    assert load_checked(Path("config.toml")).site.data_dir == tmp_path / "data"


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    """Headers may hold what is nobody's business, and the configuration itself may be closed to others."""
    load_checked(write(tmp_path, SITE))
    assert stat.S_IMODE(kept(tmp_path).stat().st_mode) == 0o600


class _Command:
    """A value that runs a command when it is made again."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("damage", ["cut", "noise", "code", "other"])
def test_what_is_kept_can_do_no_harm(tmp_path: Path, damage: str) -> None:
    """Cut off, overwritten, or made by somebody who would like to run a command: the file is checked instead."""
    path = write(tmp_path, SITE)
    first = load_checked(path)
    whole = kept(tmp_path).read_bytes()
    known = whole[:32]
    contents = {
        "cut": whole[: len(whole) // 2],
        "noise": known + b"\x00" * 100,
        "code": known + pickle.dumps(_Command(f"touch {tmp_path}/ran")),
        "other": known + pickle.dumps((1, 2)),
    }
    kept(tmp_path).write_bytes(contents[damage])
    assert load_checked(path) == first
    assert not (tmp_path / "ran").exists()
    assert kept(tmp_path).read_bytes() == whole


def test_a_folder_that_takes_no_file_only_costs_time(tmp_path: Path) -> None:
    """Where nothing can be kept the file is checked each time."""
    path = write(tmp_path, SITE)
    (tmp_path / "data").write_text("in the way")
    assert [load_checked(path).site.title for _ in range(2)] == ["Planet", "Planet"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_reports_are_laid_out_as_json_dumps_does(value: object) -> None:
    """Letter by letter, whatever is nested in what."""
    assert laid_out(value) == json.dumps(value, ensure_ascii=False, indent=2)
