"""Deciding on a document in one go, by the steps of the poll pipe: plan, compare with what is stored, finish, heal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tidings.model import FeedChange, KnownPost, ParsedFeed, Remembered
from tidings.posts.decide import finish, merge, name, plan, slices
from tidings.posts.healing import heal


def decide(
    feed: ParsedFeed,
    known: Mapping[str, KnownPost],
    before: Mapping[int, Remembered] | None = None,
    volatility: float = 0.0,
) -> FeedChange:
    """The change a parsed document makes to what is `known` of its source; `before` is what is stored, by id."""
    made = plan(name(feed), known, volatility)
    finished = [finish(replace(piece, before=before or {})) for piece in slices(made)]
    changes = [change for change in finished if isinstance(change, FeedChange)]
    assert len(changes) == len(finished), finished
    return heal(merge(changes), made.size, met=made.met)
