"""What newcomers read is true: commands, options, keys, defaults, exit codes, rooms, pipes, links."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from tests import test_layers as layers
from tests.sites import environment
from tidings import config, daemon, poll
from tidings.cli import cli
from tidings.cli.polling import poll_report
from tidings.cli.reading import post_report
from tidings.config.schema import SINGLE_TABLES, TABLES, PollTable, header, keys_of
from tidings.model import Failed, FailureKind, PollRow, StoredPost
from tidings.posts import decide

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
POLLING = (ROOT / "docs" / "polling.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "benchmarks" / "README.md",
    *sorted(ROOT.glob("docs/**/*.md")),
]

DEMO = "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/tidings demo"
TEST = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest"

TREE = dict(cli.commands)
HEAVY = set(
    "feedparser pycurl flask jinja2 sqlite_utils pydantic smtplib apscheduler nh3 rich waitress aiosmtpd babel "
    "tomlkit cryptography itsdangerous".split()
)
KEYS = [(table, key) for table in TABLES for key in keys_of(table)]

# The least that a table of the configuration needs; what is not a test's subject.
LEAST: dict[str, dict[str, Any]] = {
    "site": {"title": "A", "url": "https://planet.example"},
    "mail": {"from": "a@planet.example", "transport": "file:outbox"},
    "mail.dkim": {"selector": "one", "key_file": "key.pem"},
    "mail.bounces": {"address": "a@planet.example"},
    "editions": {"name": "a", "schedule": "daily 07:30"},
    "sources": {"url": "https://blog.example/feed"},
}


def fenced(text: str, language: str = "[a-z]*") -> list[str]:
    """The contents of the fenced blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def section(text: str, title: str) -> str:
    """What stands under a second-level heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def table_rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by the code in their first cell; the other cells as they are."""
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows}


def toml_value(cell: str) -> Any:
    """The value of a cell that is one piece of TOML in backticks."""
    assert re.fullmatch("`[^`]+`", cell), cell
    return tomllib.loads(f"value = {cell.strip('`')}")["value"]


def options_of(command: click.Command) -> Iterator[click.Option]:
    """The options of a command, and of those under it."""
    yield from (parameter for parameter in command.params if isinstance(parameter, click.Option))
    if isinstance(command, click.Group) and command is not cli:
        for below in command.commands.values():
            yield from options_of(below)


def help_sentences(command: click.Command) -> int:
    return len(re.findall(r"[a-z)A-Z.][.!?](?=\s|$)", command.help or ""))


# ---------------------------------------------------------------------------------------------- README and .ci/run


def test_readme_has_the_two_commands() -> None:
    """The demo and the tests are one copy-paste line each, alone in the first two shell blocks."""
    assert fenced(README, "sh")[:2] == [f"{DEMO}\n", f"{TEST}\n"]


def test_readme_is_short() -> None:
    """The README stays under 120 lines and starts with one sentence that says what this is."""
    lines = README.splitlines()
    assert len(lines) < 120
    assert re.fullmatch(r"Tidings [^.]*\.", " ".join(README.split("\n\n")[1].split()))


def test_ci_runs_the_readmes_command() -> None:
    """The script of the build machine is executable and ends in the README's test command, to the letter."""
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text(encoding="utf-8").splitlines()[-1] == TEST
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_readmes_first_configuration_loads(tmp_path: Path) -> None:
    """The ten lines of the README are a right configuration, whose edition the commands after it name."""
    (text,) = fenced(README, "toml")
    assert len(text.splitlines()) == 10
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    loaded = config.load(tmp_path / "config.toml")
    assert len(loaded.sources) == 1
    assert f"tidings preview {loaded.editions[0].name}" in README


@pytest.mark.parametrize("shell", ["poll", "digest", "publish"])
def test_readme_shows_the_stages_in_order(shell: str) -> None:
    """The picture in the README names the stages of each pipe in the order of its docstring."""
    (line,) = [line for block in fenced(README) for line in block.splitlines() if line.startswith(f"{shell} ")]
    stages = re.findall(r"^\| (\S+)", pipe(shell), re.MULTILINE)
    assert stages
    assert re.search(" .*─ ".join(map(re.escape, stages)), line), line


# ---------------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("name", TREE)
def test_every_command_is_documented(name: str) -> None:
    """Each command has a section that names each of its options, and no option that it does not have."""
    text = section(COMMANDS, f"tidings {name}")
    for option in options_of(TREE[name]):
        for spelling in option.opts:
            assert re.search(rf"`{spelling}[ `]", text), spelling
    listed = {row.split()[0] for row in table_rows(text) if row.startswith("-")}
    assert listed <= {spelling for option in options_of(TREE[name]) for spelling in option.opts}


def test_every_section_is_a_command() -> None:
    """The page of commands has no section for a command that does not exist, and keeps their order."""
    assert re.findall(r"^## tidings (\S+)$", COMMANDS, re.MULTILINE) == list(TREE)


def test_options_before_the_command_are_documented() -> None:
    """The options of `tidings` itself are on the page of commands."""
    head = COMMANDS.partition("\n## ")[0]
    for option in [*options_of(cli), cli.get_help_option(click.Context(cli))]:
        assert option is not None
        for spelling in option.opts:
            assert re.search(rf"`{spelling}[ `]", head), spelling


@pytest.mark.parametrize("name", ["", *TREE])
def test_help_reads_like_a_manual(name: str) -> None:
    """Every command says in two sentences or more what it does, and every option what it is for."""
    command: click.Command = TREE[name] if name else cli
    assert help_sentences(command) >= 2
    for option in options_of(command):
        assert option.help, option.opts


def test_help_states_the_exit_codes() -> None:
    """The manual and the page of commands give the same three exit statuses."""
    epilog = " ".join((cli.epilog or "").split())
    listed = re.findall(r"^\| (\d) \| (.*?) \|$", COMMANDS, re.MULTILINE)
    assert [code for code, _ in listed] == ["0", "1", "2"]
    for code, meaning in listed:
        assert f"{code} {meaning.partition(',')[0]}" in epilog


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_name_only_commands_there_are(path: Path) -> None:
    """Where a page shows `tidings WORD` as code, WORD is a command."""
    text = path.read_text(encoding="utf-8")
    code = [
        *fenced(text),
        *re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)),
    ]
    called = re.findall(r"(?:^|[\s/])tidings(?: -c \S+)? ([a-z]+)", "\n".join(code), re.MULTILINE)
    assert set(called) <= set(TREE)


def test_poll_report_is_documented() -> None:
    """The page shows the keys that `poll --json` prints, in their order, and every kind of error."""
    row = PollRow("A", "https://blog.example", "failed", failure=Failed("gone", "It is gone."))
    (shown,) = fenced(section(COMMANDS, "tidings poll"), "json")
    report = json.loads(shown)
    actual = poll_report([row])
    assert list(report) == list(actual)
    for source in report["sources"]:
        assert list(source) == list(actual["sources"][0])  # type: ignore[index]
    assert list(report["sources"][1]["error"]) == list(actual["sources"][0]["error"])  # type: ignore[index]
    kinds = [name for name in table_rows(section(COMMANDS, "tidings poll")) if not name.startswith("-")]
    assert sorted(kinds) == sorted(get_args(FailureKind))


def test_posts_report_is_documented() -> None:
    """The page shows the keys that `posts --json` prints, in their order."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    texts = dict.fromkeys(
        "source source_title source_url feed_url guid url title author summary content_html text language".split(), ""
    )
    dates = dict.fromkeys(("published", "updated", "dated"))
    post = StoredPost(id=1, feed_id=1, story=1, first_seen=now, tags=(), **dates, **texts)  # type: ignore[arg-type]
    (shown,) = fenced(section(COMMANDS, "tidings posts"), "json")
    (report,) = json.loads(shown)
    assert list(report) == list(post_report(post))


@pytest.mark.parametrize("name", ["", *TREE])
def test_help_loads_no_heavy_library(name: str) -> None:
    """Help answers at once: no feed, mail, web, database or template library is imported for it."""
    command = [sys.executable, "-X", "importtime", "-m", "tidings", *name.split(), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60, check=True)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    assert "Usage: tidings" in done.stdout
    assert imported & HEAVY == set()


def test_limits_of_time_are_documented() -> None:
    """The page on polling names the limits of fetching, reading and cleaning, and how often the daemon looks."""
    limits = section(POLLING, "How long it may take")
    assert f"| `timeout` ({PollTable().timeout.total_seconds():g} seconds)" in limits
    assert f"| {poll._READ_SECONDS} seconds of computing |" in limits
    assert f"| {poll._CLEAN_SECONDS} seconds of computing for each slice of at most {decide._SLICE_POSTS} " in limits
    assert f"every {daemon.TICK_SECONDS} seconds" in section(POLLING, "When")


# ---------------------------------------------------------------------------------------------- configuration


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_documented(table: str) -> None:
    """Each table has a section whose rows are its keys, in the order of the schema, no more and no fewer."""
    rows = table_rows(section(CONFIGURATION, header(table)))
    assert [name for name in rows if not name.startswith('"')] == keys_of(table)


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_documented_defaults_are_those_of_the_schema(table: str, key: str) -> None:
    """The default a page gives for a key is the one it has; "required" stands where there is none."""
    default = table_rows(section(CONFIGURATION, header(table)))[key][1]
    model = TABLES[table]
    name = next(name for name, field in model.model_fields.items() if key in (field.alias, name))
    field = model.model_fields[name]
    assert (default == "required") == field.is_required()
    if field.is_required() or field.default is None:
        assert "`" not in default.replace("`[site]`", "").replace("`https://`", "").replace("`www.`", "")
        return
    checked = model.model_validate(LEAST.get(table, {}) | {key: toml_value(default)})
    assert getattr(checked, name) == field.default


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_documented_examples_are_right(table: str, key: str) -> None:
    """The example a page gives for a key is accepted, and is not just the default again."""
    _, default, example = table_rows(section(CONFIGURATION, header(table)))[key]
    assert example != default
    TABLES[table].model_validate(LEAST.get(table, {}) | {key: toml_value(example)})


@pytest.mark.parametrize(("table", "key"), KEYS)
def test_the_example_file_shows_every_key(table: str, key: str) -> None:
    """The example configuration has each key under its table, in use or switched off as the table itself may be, with a
    comment above it."""
    parts = re.split(r"^(?:# )?(\[+[\w.]+\]+)$", EXAMPLE, flags=re.MULTILINE)
    bodies = [body for name, body in zip(parts[1::2], parts[2::2], strict=True) if name == header(table)]
    commented = rf"^# [^\n]*[a-z][^\n]*\n(?:#[^\n]*\n)*?(?:# )?{key} = "
    assert any(re.search(commented, body, re.MULTILINE) for body in bodies)


def test_documented_schedules_and_transports_are_right() -> None:
    """Every schedule and transport that the page lists is accepted."""
    for table, key in (("editions", "schedule"), ("mail", "transport")):
        listed = [name for name in table_rows(section(CONFIGURATION, header(table))) if name.startswith('"')]
        assert len(listed) == {"schedule": 4, "transport": 5}[key]
        for text in listed:
            more = {"password_env": "SECRET"} if "user@" in text else {}
            TABLES[table].model_validate(LEAST[table] | more | {key: text.strip('"')})


def test_single_and_repeated_tables_are_told_apart() -> None:
    """The page writes single tables in one pair of brackets, repeated ones in two."""
    titles = re.findall(r"^## (\[.*\])$", CONFIGURATION, re.MULTILINE)
    assert titles == [f"[{table}]" if table in SINGLE_TABLES else f"[[{table}]]" for table in TABLES]


# ---------------------------------------------------------------------------------------------- architecture


def pipe(shell: str) -> str:
    """The pipe as a shell's docstring draws it."""
    source = (ROOT / "src" / "tidings" / f"{shell}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(source)) or ""
    return textwrap.dedent("".join(f"{line}\n" for line in docstring.splitlines() if line.startswith("    ")))


@pytest.mark.parametrize("shell", sorted(layers.SHELLS))
def test_pipes_are_as_in_the_code(shell: str) -> None:
    """The page draws each pipe as the docstring of its shell does."""
    assert pipe(shell) in fenced(ARCHITECTURE)


@pytest.mark.parametrize("layer", ["FACES", "SHELLS", "AIDES", "PURE", "EDGES", "GROUND"])
def test_every_room_is_on_its_layer(layer: str) -> None:
    """Each layer of the page has exactly the rooms that the test of the layers holds."""
    (row,) = re.findall(rf"^\| {layer.lower()} \| (.*?) \|", section(ARCHITECTURE, "Rooms"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", row)) == getattr(layers, layer)


def test_every_room_is_in_the_picture() -> None:
    """The picture of the rooms names each of them."""
    picture = fenced(section(ARCHITECTURE, "Rooms"))[0]
    rooms = layers.FACES | layers.SHELLS | layers.AIDES | layers.PURE | layers.EDGES | layers.GROUND
    for room in rooms - {"__init__", "__main__"}:
        assert re.search(rf"(^| ){room}(/|\.py)( |$)", picture, re.MULTILINE), room


def test_files_in_the_picture_exist() -> None:
    """Each file that the picture lists for a room is there."""
    picture = fenced(section(ARCHITECTURE, "Rooms"))[0]
    for room in layers.PURE | layers.EDGES:
        (files,) = re.findall(rf"^{room}/ +((?:\w+  ?)*\w+)(?:   .*)?$", picture, re.MULTILINE)
        for name in files.split("  "):
            assert (layers.PACKAGE / room / f"{name.strip()}.py").is_file(), f"{room}/{name}"


def test_libraries_are_in_their_rooms() -> None:
    """The page gives each outside library the room that the test of the layers does."""
    rows = table_rows(section(ARCHITECTURE, "Rooms"))
    assert {library: set(re.findall(r"`(\w+)`", cell)) for library, [cell] in rows.items()} == layers.HOMES


def test_paths_on_the_page_exist() -> None:
    """Every file that the page sends its reader to is there."""
    for name in re.findall(r"`((?:[\w-]+/)+\w+\.\w+)`", ARCHITECTURE):
        assert (ROOT / name).is_file() or (layers.PACKAGE / name).is_file(), name


def test_decisions_are_listed() -> None:
    """Every decision is numbered without a gap, is half a page with its parts, and is linked from the architecture."""
    notes = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, note in enumerate(notes, 1):
        text = note.read_text(encoding="utf-8")
        assert note.name.startswith(f"{number:04}-")
        assert text.startswith(f"# {number}. ")
        for part in ("Context", "Decision", "Why", "Rejected"):
            assert f"**{part}.**" in text, f"{note.name}: {part}"
        assert len(text.splitlines()) <= 40
        assert f"(decisions/{note.name})" in ARCHITECTURE


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Every link within the repository leads to a file or folder that is there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (path.parent / target.partition("#")[0]).exists(), target
