"""Records are what dataclasses of the standard library are, frozen and with slots."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import model, records
from tidings.config import settings


@records.dataclass(frozen=True, slots=True)
class Ours:
    """A value."""

    name: str
    size: int = 3
    parts: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def double(self) -> int:
        """Twice the size."""
        return 2 * self.size


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """The same, by the standard library."""

    name: str
    size: int = 3
    parts: Mapping[str, int] = dataclasses.field(default_factory=dict)


@records.dataclass(frozen=True, slots=True)
class One:
    """A value of one field."""

    name: str


@records.dataclass(frozen=True, slots=True)
class Folded:
    """A value that compares in a way of its own."""

    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folded) and self.name.lower() == other.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())


VALUES = st.tuples(st.text(), st.integers(), st.dictionaries(st.text(), st.integers(), max_size=2))


@given(VALUES, VALUES)
def test_they_compare_and_show_alike(one: Any, other: Any) -> None:
    """Equality and words are those of the standard library."""
    assert (Ours(*one) == Ours(*other)) is (Theirs(*one) == Theirs(*other))
    assert repr(Ours(*one)) == repr(Theirs(*one)).replace("Theirs", "Ours")
    assert dataclasses.asdict(Ours(*one)) == dataclasses.asdict(Theirs(*one))


@pytest.mark.parametrize("value", [Ours("a"), Ours("a", 4, {"b": 1}), One("x")])
def test_they_are_copied_and_sent(value: Any) -> None:
    """Copies, pickles of every protocol and replaced values are equal to what they were made of."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    assert copy.deepcopy(value) == copy.copy(value) == dataclasses.replace(value) == value
    assert dataclasses.replace(value, name="b").name == "b"


def test_nothing_can_be_changed() -> None:
    """Neither set, nor deleted, nor added."""
    value = Ours("a")
    for name in ("name", "other"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(value, name, "b")
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(value, name)
    assert not hasattr(value, "__dict__")


def test_a_value_is_made_of_another_as_the_library_does() -> None:
    """What is not replaced stays, the old value too; a field that there is not is an error."""
    value = Ours("a", 2, {"b": 1})
    assert records.replace(value, size=5) == dataclasses.replace(value, size=5) == Ours("a", 5, {"b": 1})
    assert records.replace(value) == value == Ours("a", 2, {"b": 1})
    with pytest.raises(TypeError):
        records.replace(value, colour="red")


def test_what_is_not_said_is_the_default() -> None:
    """Each value has defaults of its own, and what has none must be said."""
    assert Ours("a") == Ours("a", 3, {})
    assert Ours("a").parts is not Ours("a").parts
    assert Ours(name="a", size=4).double == 8
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        Ours()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        Ours("a", colour="red")  # type: ignore[call-arg]


def test_they_hash_by_what_they_hold() -> None:
    """Equal values are one key; what holds a dictionary is none."""
    assert {One("a"): 1}[One("a")] == 1
    assert hash(One("a")) == hash(("a",))
    with pytest.raises(TypeError, match="unhashable"):
        hash(Ours("a"))


def test_a_method_of_their_own_stays() -> None:
    """What a class says of comparing holds."""
    assert Folded("A") == Folded("a")
    assert hash(Folded("A")) == hash(Folded("a"))


def test_other_classes_are_not_equal() -> None:
    """Values of two classes are never equal, whatever they hold."""
    assert One("a") != Folded("a")
    assert One("a") != ("a",)  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    "cls",
    [
        made
        for room in (model, settings)
        for made in vars(room).values()
        if isinstance(made, type) and dataclasses.is_dataclass(made)
    ],
)
def test_our_values_are_made_as_the_library_makes_them(cls: type) -> None:
    """The constructor takes what that of a dataclass of the same fields takes."""
    fields = [
        (field.name, field.type, dataclasses.field(default=field.default, default_factory=field.default_factory))
        for field in dataclasses.fields(cls)
    ]
    known = dataclasses.make_dataclass(cls.__name__, fields)
    ours, theirs = inspect.signature(cls).parameters, inspect.signature(known).parameters
    assert [(one.name, one.kind) for one in ours.values()] == [(one.name, one.kind) for one in theirs.values()]
    assert [one.default is one.empty for one in ours.values()] == [one.default is one.empty for one in theirs.values()]
    assert cls.__match_args__ == known.__match_args__  # type: ignore[attr-defined]
