"""Frozen values: `dataclasses.dataclass(frozen=True, slots=True)`, made and sent in less time.

That one writes and compiles seven functions for each class, which for the classes behind a command is a tenth of the
time of a poll that finds nothing new. Only the constructor needs to be compiled: what compares, hashes, shows and
protects a value is the same for all, and here it is shared. To `dataclasses.replace`, `fields` and `asdict` and to mypy
these are dataclasses.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(*, frozen: bool, slots: bool) -> Callable[[type[T]], type[T]]:
    """The decorator; both must be true. Fields may have defaults and default factories, and nothing else; a method that
    the class defines itself stays."""
    assert frozen
    assert slots
    return _made


def replace(one: T, /, **changes: Any) -> T:
    """As `dataclasses.replace`, for what `dataclass` of this module made: that one looks at each field on its own."""
    recipe: Any = one.__reduce__()
    made, values = recipe
    replaced: T = made(**dict(zip(made.__match_args__, values, strict=True)) | changes)
    return replaced


def _made(cls: type[T]) -> type[T]:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    fields = dataclasses.fields(made)
    values = _values(tuple(field.name for field in fields))
    shared: dict[str, Any] = {
        "__init__": _constructor(made, fields),
        "__eq__": lambda one, other: values(one) == values(other) if other.__class__ is made else NotImplemented,
        "__hash__": lambda one: hash(values(one)),
        "__repr__": _show,
        "__reduce__": lambda one: (made, values(one)),
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }
    for name, method in shared.items():
        if cls.__dict__.get(name) is None:  # as __hash__ is where there is an __eq__
            setattr(made, name, method)
    result: type[T] = made
    return result


def _values(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """What gets the values of the fields, in their order."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


def _constructor(cls: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    known: dict[str, Any] = {"_set": object.__setattr__, "_unsaid": dataclasses.MISSING}
    parameters, lines = ["self"], ["pass"]
    for field in fields:
        name, value = field.name, field.name
        if field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            parameters.append(f"{name}=_unsaid")
            value = f"_make_{name}() if {name} is _unsaid else {name}"
        elif field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            parameters.append(f"{name}=_default_{name}")
        else:
            parameters.append(name)
        lines.append(f"_set(self, {name!r}, {value})")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines), known)  # as dataclasses does
    made: Callable[..., None] = known["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__module__ = cls.__module__
    made.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return made


def _show(one: Any) -> str:
    shown = (f"{field.name}={getattr(one, field.name)!r}" for field in dataclasses.fields(one))
    return f"{one.__class__.__qualname__}({', '.join(shown)})"


def _refuse(_one: Any, name: str, *value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot {'assign to' if value else 'delete'} field {name!r}")
