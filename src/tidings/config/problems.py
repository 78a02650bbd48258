"""What is wrong with a configuration, worded for the operator: file, line, key, what is wrong, what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from tidings.config.lines import KeyPath, line_of
from tidings.config.schema import REPEATED_TABLES, SINGLE_TABLES, TABLES, header, keys_of, table_of
from tidings.config.wording import any_of, closest, did_you_mean, quoted, shown
from tidings.records import dataclass

_SECRETS = "secrets come from the environment or a file: use `password_env` or `password_file`"

# Keys that people expect and that are meant to be written in another way.
_ELSEWHERE: dict[KeyPath, str] = {
    ("mail", "password"): _SECRETS,
    ("mail", "username"): "write the user in the transport, as in `smtps://user@mail.example.org`",
    ("mail", "user"): "write the user in the transport, as in `smtps://user@mail.example.org`",
    ("dkim",): "write [mail.dkim]",
    ("bounces",): "write [mail.bounces]",
    ("sources", "password"): "secrets come from the environment: use `password_env`",
    ("sources", "user"): "did you mean `username`?",
    ("sources", "auth"): "use `username` and `password_env`",
    ("sources", "filter"): "use `include` and `exclude`",
}

_SYNTAX_FIXES = {
    "Cannot overwrite a value": "the key is in this table twice; keep one",
    "Cannot declare": "the table is in the file twice; put its keys together under one",
    "Invalid value": "text goes in quotes, a number or true and false do not",
    "Expected '=' after a key": "write `key = value`",
    "Expected newline or end of document after a statement": "one `key = value` per line, text in one pair of quotes",
    "Unclosed array": "close the list with `]`, items apart by commas",
    "Unescaped '\\' in a string": "write `\\\\`, or put the text in single quotes",
    "Illegal character '\\n'": "the text has no closing quote on its line",
    "Expected ']": "close the table's name with as many brackets as opened it",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong at one place of the document."""

    path: KeyPath
    message: str


def report(file: Path, document: Mapping[str, Any], lines: Mapping[KeyPath, int], problems: list[Problem]) -> list[str]:
    """One complete line for each problem, in the order of the file."""
    placed = sorted(((line_of(lines, p.path), p) for p in problems), key=lambda pair: pair[0])
    return [f"{file}:{line}: {label(document, p.path)}: {p.message}" for line, p in placed]


def label(document: Mapping[str, Any], path: KeyPath) -> str:
    """The place in the words of the file: ``[[sources]] #3 (name "x") key `every` item 2``."""
    table = table_of(path)
    rest = list(path[table.count(".") + 1 :])
    if table not in TABLES and not _is_table(document.get(table)):
        return f"key `{shown(table)}`"
    parts = [header(table) if table in TABLES else f"[{shown(table)}]"]
    if rest and isinstance(rest[0], int):
        parts += _entry_label(document, table, rest.pop(0))
    if rest:
        parts.append(f"key `{shown(str(rest.pop(0)))}`")
    parts += [f"item {step + 1}" if isinstance(step, int) else f"key `{shown(step)}`" for step in rest]
    return " ".join(parts)


def _entry_label(document: Mapping[str, Any], table: str, index: int | str) -> list[str]:
    number = int(index)
    entry = document[table][number]
    name = entry.get("name") if isinstance(entry, dict) else None
    return [f"#{number + 1}", f"(name {quoted(name)})"] if isinstance(name, str) else [f"#{number + 1}"]


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and value != [] and isinstance(value[0], dict))


def syntax_problem(message: str, text: str) -> tuple[int, str]:
    """The line and the wording of what tomllib said, such as "Invalid value (at line 3, column 5)"."""
    found = re.search(r" \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)$", message)
    reason = message[: found.start()] if found else message
    at_end = found is None or found[1] is None
    line = text.rstrip("\n").count("\n") + 1 if found is None or at_end else int(found[1])
    place = "at the end of the file" if found is None or at_end else f"at column {found[2]}"
    fixes = [fix for start, fix in _SYNTAX_FIXES.items() if reason.startswith(start)]
    fix = fixes[0] if fixes else "see https://toml.io for how such a file is written"
    return line, f"not valid TOML {place}: {shown(reason)}; {fix}"


def schema_problems(error: ValidationError) -> list[Problem]:
    """What pydantic found, each at its place."""
    return [_problem(details) for details in error.errors(include_url=False)]


def _problem(details: ErrorDetails) -> Problem:
    path: KeyPath = details["loc"]
    context = details.get("ctx", {})
    match details["type"]:
        case "extra_forbidden":
            return Problem(path, _unknown(path))
        case "missing":
            return Problem(path, _missing(path))
        case "key_error":
            return Problem((*path, context["key"]), context["message"])
        case "model_type" | "list_type":
            return Problem(path, _wrong_shape(path, details["input"]))
        case "value_error":
            return Problem(path, str(context["error"]))
    return Problem(path, _wrong_value(details))


def _unknown(path: KeyPath) -> str:
    names = tuple(step for step in path if isinstance(step, str))
    if names in _ELSEWHERE:
        return f"unknown key; {_ELSEWHERE[names]}"
    if len(path) == 1:
        return _unknown_at_the_top(str(path[0]))
    table, key = table_of(path), str(path[-1])
    meant = closest(key, keys_of(table))
    if meant is not None:
        return f"unknown key; did you mean `{meant}`?"
    return f"unknown key; {_home(key) or 'the keys here are ' + ', '.join(f'`{k}`' for k in keys_of(table))}"


def _unknown_at_the_top(name: str) -> str:
    home = _home(name)
    if home:
        return f"unknown key; {home}"
    meant = closest(name, TABLES)
    return (
        f"unknown table; did you mean `{header(meant)}`?"
        if meant
        else (f"unknown table; the tables are {', '.join(header(table) for table in TABLES)}")
    )


def _home(key: str) -> str:
    tables = [header(table) for table in TABLES if key in keys_of(table)]
    return f"it belongs in {any_of(tables)}" if tables else ""


def _missing(path: KeyPath) -> str:
    if len(path) > 1:
        return "is missing; add it, the example that `tidings init` writes shows every key"
    return "is missing; add the table with its `title` and `url`"


def _wrong_shape(path: KeyPath, value: object) -> str:
    table = table_of(path)
    if len(path) == 1 and table in REPEATED_TABLES:
        return f"is {_kind(value)}; write [[{table}]] with double brackets above each one"
    if len(path) == table.count(".") + 1 and table in SINGLE_TABLES:
        return f"is {_kind(value)}; write [{table}] with single brackets, once"
    if len(path) == 2 and table in REPEATED_TABLES:
        return f"is {_kind(value)}; write [[{table}]] above each one, with its keys below"
    return f'must be a list such as ["one", "two"], not {_kind(value)}'


def _wrong_value(details: ErrorDetails) -> str:
    kind = _kind(details["input"])
    context = details.get("ctx", {})
    match details["type"]:
        case "string_type":
            return f"must be text in quotes, not {kind}"
        case "int_type" | "int_parsing_size":
            return f"must be a whole number without quotes, not {kind}"
        case "bool_type":
            return f"must be true or false without quotes, not {kind}"
        case "greater_than_equal":
            return f"must be {context['ge']} or more"
        case "less_than_equal":
            return f"must be {context['le']} or less"
        case "literal_error":
            return _wrong_choice(str(context["expected"]), details["input"])
    return shown(details["msg"])


def _wrong_choice(expected: str, value: object) -> str:
    options = re.findall("'([^']*)'", expected)
    rule = f"must be {any_of(quoted(option) for option in options)}"
    if not isinstance(value, str):
        return f"{rule}, not {_kind(value)}"
    return f"{rule}, not {quoted(value)}{did_you_mean(value, options)}"


def _kind(value: object) -> str:
    """The TOML type, with its article; bool stands before int because Python's bool is one."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (str, "text"),
        (bool, "true or false"),
        (int, "a number"),
        (float, "a fraction"),
        (list, "a list"),
        (dict, "a table"),
        ((date, time), "a date or time"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "something else")
