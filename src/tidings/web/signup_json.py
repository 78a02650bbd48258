"""What a program that subscribes somebody sends: an object of JSON, read strictly, so that a mistake has no other
effect than a message that names it."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tidings.render.wording import lookup
from tidings.web.hardening import new_address

_KEYS = ("address", "editions", "language")


class JsonError(ValueError):
    """What was sent asks for nothing; says why, for who wrote it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An address, the editions that it is to get, and the language; "" where none is named."""

    address: str
    editions: tuple[str, ...]
    language: str


def read_json(body: bytes, offered: Sequence[str], languages: Collection[str]) -> Asked:
    """What a body asks for: `{"address": …, "editions": […], "language": …}`. The only one of the editions that are
    `offered` need not be named; who names one twice gets it once. The language is the nearest of those that there are
    words of. Raises JsonError."""
    values = _object(body)
    if unknown := next((name for name in values if name not in _KEYS), None):
        raise JsonError(f"`{unknown}` is unknown; known are {_listed(_KEYS)}")
    return Asked(_address(values), _editions(values, offered), _language(values, languages))


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise JsonError("the body is not JSON") from None
    if not isinstance(found, dict):
        raise JsonError(f"the body must be an object with {_listed(_KEYS)}")
    return found


def _address(values: dict[str, object]) -> str:
    if "address" not in values:
        raise JsonError("`address` is missing")
    if not isinstance(values["address"], str):
        raise JsonError("`address` must be a text")
    address = new_address(values["address"])
    if not address:
        raise JsonError("`address` is no mail address")
    return address


def _editions(values: dict[str, object], offered: Sequence[str]) -> tuple[str, ...]:
    named = values.get("editions", [])
    if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
        raise JsonError(f"`editions` must be a list of names, of {_listed(offered)}")
    if any(one not in offered for one in named):
        raise JsonError(f"`editions` names one that is not offered; offered are {_listed(offered)}")
    chosen = tuple(one for one in offered if one in named)
    if not chosen and len(offered) > 1:
        raise JsonError(f"`editions` must name at least one of {_listed(offered)}")
    return chosen or tuple(offered)


def _language(values: dict[str, object], languages: Collection[str]) -> str:
    named = values.get("language", "")
    if not isinstance(named, str):
        raise JsonError("`language` must be a text")
    found = lookup(named, languages)
    if named and not found:
        raise JsonError(f"`language` names one that there are no words of; there are {_listed(sorted(languages))}")
    return found


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
